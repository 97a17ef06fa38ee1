//! From the entry to the machine.
//!
//! Order matters: traps first, so that whatever goes wrong is reported; then the console, the clock, the
//! rights of memory, the heap; then the image's arguments and the machine. Nothing is printed on the way,
//! unless `+bootinfo` asks for one line of figures.

use crate::boot_info::{BootInfo, ns_since};
use crate::command_line::{self, Arguments};
use crate::console::{self, ConsoleLog, Writer};
use crate::entropy::Entropy;
use crate::image::{ARGUMENTS, BARE_MODULES, ImageDescriptor, ImageModules, OTP, SYMBOLS};
use crate::memory::PAGE_SIZE;
use crate::memory::bootstrap::{Bootstrap, ImageSections};
use crate::memory::frames::FrameAllocator;
use crate::memory::heap::{Heap, KernelHeap};
use crate::memory::layout::Layout;
use crate::memory::p2m::P2m;
use crate::memory::paging::{Directory, PageTables};
use crate::platform::XenPlatform;
use crate::xenstore::Store;
use crate::{clock, crash, devices, otp, power};
use alloc::boxed::Box;
use core::fmt::{self, Write};
use core::ops::Range;
use starling_net::configuration::{self, Configuration};
use starling_vm::boot::bare::{BootConfig, run_bare};
use starling_vm::fs::cpio::Archive;
use starling_vm::fs::ram::RamFiles;
use starling_xen::cpu::read_tsc;
use starling_xen::memory::memory_map_end;
use starling_xen::mmu::{Mfn, Pfn};
use starling_xen::start_info::StartInfo;
use starling_xen::trap::{EXCEPTIONS, set_failsafe_callback, set_trap_table};
use starling_xen::{PAGE_SHIFT, vcpu};

/// The boot argument that asks for the line of figures.
const BOOT_INFO: &str = "+bootinfo";
/// Least memory for the heap at boot: below that the machine cannot even start.
const MINIMUM_HEAP: usize = 1 << 20;
/// Largest domain the address space is laid out for: 512 GiB. More memory is not used.
const MAXIMUM_PAGES: usize = 512 << 18;

/// What only the linked kernel knows.
pub struct KernelFacts {
    /// TSC at the first instruction.
    pub entry_tsc: u64,
    /// Stack pointer at the first instruction.
    pub boot_stack: usize,
    /// Sections, without the archive.
    pub sections: ImageSections,
    /// The stack in use.
    pub stack: Range<usize>,
    /// Trap stubs, by vector.
    pub traps: [u64; EXCEPTIONS],
    /// The stub for the failsafe callback.
    pub failsafe: u64,
    /// Where the archive is.
    pub image: &'static ImageDescriptor,
    /// The global allocator.
    pub heap: &'static KernelHeap,
}

/// Boots. Called once, by the entry code, on the kernel's own stack.
///
/// # Safety
/// `info` must be what Xen passed at entry, the mapping as Xen made it, and `facts` true.
pub unsafe fn start(info: &'static StartInfo, mut facts: KernelFacts) -> ! {
    power::init(info.is_initial_domain());
    crash::update_context(|context| {
        context.text = facts.sections.text.clone();
        context.stack = facts.stack.clone();
        context.phase = "taking over from Xen";
    });
    // SAFETY: the stubs never return; start_info is the one Xen passed.
    unsafe {
        require(set_trap_table(&facts.traps), "set the trap table");
        require(
            set_failsafe_callback(facts.failsafe),
            "set the failsafe callback",
        );
        console::init(info.console());
        require(clock::init(info.shared_info), "map the shared info page");
    }
    if !info.is_valid() {
        crash::fatal(format_args!("not started by Xen: start_info has no magic"));
    }
    require(vcpu::stop_periodic_timer(), "stop the periodic timer");
    // Cannot fail: nobody has set a logger before.
    let _ = log::set_logger(&ConsoleLog).map(|()| log::set_max_level(log::LevelFilter::Info));

    facts.sections.archive = facts.image.range();
    crash::update_context(|context| context.phase = "setting up memory");
    // SAFETY: start_info and the facts are true.
    let first_updates = unsafe { set_up_memory(info, &facts) };

    crash::update_context(|context| {
        context.phase = "reading the image";
        context.heap = Some(facts.heap);
    });
    let archive = archive(&facts.sections.archive);
    let symbols = member(archive.as_ref(), SYMBOLS);
    crash::update_context(|context| context.symbols = symbols);
    let mut arguments = arguments(archive.as_ref(), info);

    let extra = [
        facts.entry_tsc,
        read_tsc(),
        clock::system_time_ns() as u64,
        info.shared_info,
        clock::monotonic_ns(),
    ];
    let entropy = Entropy::from_processor(&extra);
    let boot_info = arguments.take(BOOT_INFO).then(|| BootInfo {
        entry_tsc: facts.entry_tsc,
        nr_pages: info.nr_pages,
        kernel_bytes: facts.sections.kernel.len(),
        archive_bytes: facts.sections.archive.len(),
        boot_page_updates: first_updates,
        free_bytes: facts.heap.with(|heap| heap.available()).unwrap_or(0),
        machine_ns: ns_since(facts.entry_tsc),
    });
    let network = match Configuration::parse(arguments.values(&configuration::FLAGS)) {
        Ok(network) => network,
        Err(message) => {
            log::error!("{message}");
            power::halt(1)
        }
    };
    devices::init(facts.heap);
    // SAFETY: start_info is this domain's, and the bootstrap mapping shows the ring's page for good.
    let store = unsafe { Store::connect(info) };
    #[cfg_attr(not(feature = "selftest"), allow(unused_mut))]
    let mut platform = Box::new(XenPlatform::new(
        facts.heap, entropy, boot_info, store, network,
    ));
    #[cfg(feature = "selftest")]
    if let [flag, name] = &arguments.domain[..]
        && flag == crate::selftest::FLAG
    {
        crash::update_context(|context| context.phase = "testing itself");
        crate::selftest::run(&mut platform, name);
    }
    crash::update_context(|context| context.phase = "running the machine");
    let about = member(archive.as_ref(), OTP);
    if let (Some(archive), false) = (archive, about.is_empty()) {
        otp::start(platform, archive, about, arguments);
    }
    let config = BootConfig {
        args: arguments.all(),
        modules: Box::new(ImageModules::new(archive, BARE_MODULES)),
        files: Box::new(RamFiles::new(archive, clock::system_time_ns)),
    };
    run_bare(platform, config)
}

/// Ends the domain if a hypercall that cannot fail did.
fn require<T, E: fmt::Display>(result: Result<T, E>, operation: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => crash::fatal(format_args!("Xen refused to {operation}: {error}")),
    }
}

/// Cuts the bootstrap mapping's rights and installs the heap. Returns the page-table changes it took.
///
/// # Safety
/// As for [`start`].
unsafe fn set_up_memory(info: &'static StartInfo, facts: &KernelFacts) -> u64 {
    let nr_pages = (info.nr_pages as usize).min(MAXIMUM_PAGES);
    // SAFETY: the caller's promise.
    let mut bootstrap = unsafe { Bootstrap::new(info) };
    let mut premapped = bootstrap.free_pages(&facts.sections, facts.boot_stack);
    // SAFETY: the sections are the linker's and the baker's; the free pages are free.
    let protected = unsafe { bootstrap.protect(&facts.sections, &mut premapped) };
    require(protected, "restrict the bootstrap mapping");

    let mapped_pages = bootstrap.end >> PAGE_SHIFT;
    let untouched = mapped_pages.min(nr_pages) as u32..nr_pages as u32;
    let free = premapped.pages() as usize + untouched.len();
    if free * PAGE_SIZE < MINIMUM_HEAP {
        let needed = (nr_pages - free) * PAGE_SIZE + MINIMUM_HEAP;
        crash::fatal(format_args!(
            "too little memory: the domain has {} MiB, this image needs at least {} MiB; give it more (memory= in the \
             domain's configuration, or starling boot -m)",
            (nr_pages * PAGE_SIZE) >> 20,
            needed.div_ceil(1 << 20),
        ));
    }

    let limit = most_pages(info, nr_pages);
    let layout = Layout::new(crate::memory::layout::DYNAMIC_BASE, limit);
    let records = layout.directories();
    let record_pages = (records * size_of::<Directory>()).div_ceil(PAGE_SIZE);
    let Some(first) = premapped.take_block(record_pages.next_power_of_two().trailing_zeros())
    else {
        crash::fatal(format_args!(
            "too little memory for the records of page tables: {record_pages} pages"
        ));
    };
    let directories = (first as usize * PAGE_SIZE) as *mut Directory;
    // SAFETY: the block was free, is mapped writable, and is large enough; now it is ours for good.
    let directories = unsafe {
        for index in 0..records {
            directories.add(index).write(Directory::EMPTY);
        }
        core::slice::from_raw_parts_mut(directories, records)
    };
    // SAFETY: Xen put the list of all frames there.
    let p2m = unsafe { core::slice::from_raw_parts_mut(info.mfn_list as *mut Mfn, nr_pages) };
    let p2m = P2m::new(p2m, layout.p2m_extension as *mut Mfn, limit);
    let frames = FrameAllocator::new(untouched, premapped, layout.returned_frames as *mut u32);
    // SAFETY: the dynamic space is empty: Xen maps nothing there.
    let mut tables = unsafe {
        PageTables::new(
            layout,
            frames,
            p2m,
            bootstrap.end,
            bootstrap.top,
            directories,
        )
    };
    if !tables.ensure_table(layout.returned_frames) {
        crash::fatal(format_args!("too little memory for the first page table"));
    }
    for page in [0, facts.sections.stack_guard, clock::shared_info_page()] {
        // SAFETY: the first two were unmapped by `protect`, the third was replaced by the clock.
        unsafe { tables.donate(Pfn((page >> PAGE_SHIFT) as u32)) };
    }
    let updates = u64::from(bootstrap.updates()) + tables.updates();
    facts.heap.install(Heap::new(tables, layout));
    updates
}

/// Pages that the domain may ever have, as its memory map says.
fn most_pages(info: &StartInfo, nr_pages: usize) -> usize {
    if info.is_initial_domain() {
        // It has no balloon here, and may have all memory there is.
        return nr_pages;
    }
    let maximum = memory_map_end().unwrap_or(0) as usize >> PAGE_SHIFT;
    maximum.clamp(nr_pages, MAXIMUM_PAGES.max(nr_pages))
}

/// The image's archive, if it carries one.
fn archive(range: &Range<usize>) -> Option<Archive<'static>> {
    if range.is_empty() {
        return None;
    }
    // SAFETY: the baker put the archive there, and the mapping made it read-only.
    Some(Archive::new(unsafe {
        core::slice::from_raw_parts(range.start as *const u8, range.len())
    }))
}

/// A member that may be missing, as may the archive.
fn member(archive: Option<&Archive<'static>>, path: &str) -> &'static [u8] {
    match archive.map_or(Ok(None), |archive| archive.find(path)) {
        Ok(found) => found.unwrap_or_default(),
        Err(error) => crash::fatal(format_args!(
            "the image's archive is damaged: {error}, looking for {path}; bake the image again"
        )),
    }
}

/// The image's arguments, and those of the domain.
fn arguments(archive: Option<&Archive<'static>>, info: &StartInfo) -> Arguments {
    match command_line::split(info.command_line()) {
        Ok(domain) => Arguments {
            image: command_line::image_arguments(member(archive, ARGUMENTS)).collect(),
            domain,
        },
        Err(error) => {
            let _ = writeln!(Writer, "starling: {error}");
            power::halt(1)
        }
    }
}

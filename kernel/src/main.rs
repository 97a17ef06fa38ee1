//! The bootable kernel: what can exist only once in a linked program.
//!
//! ELF notes, the entry and the trap stubs in assembler, the global allocator, the image descriptor, the
//! memory routines and the panic handler. Everything with logic is in the library of this package.
#![no_std]
#![no_main]

use core::arch::global_asm;
use core::panic::PanicInfo;
use starling_kernel::boot::{self, KernelFacts};
use starling_kernel::image::ImageDescriptor;
use starling_kernel::memory::PAGE_SIZE;
use starling_kernel::memory::bootstrap::ImageSections;
use starling_kernel::memory::heap::KernelHeap;
use starling_kernel::{crash, memory_routines};
use starling_xen::elfnote::{Note, NoteType, feature, text};
use starling_xen::start_info::StartInfo;
use starling_xen::trap::{EXCEPTIONS, TrapFrame};

memory_routines!("");

/// Serves every allocation of the guest.
#[global_allocator]
static HEAP: KernelHeap = KernelHeap::new();

/// The baker finds this symbol and writes the archive's place into it.
#[used]
#[unsafe(no_mangle)]
static STARLING_IMAGE: ImageDescriptor = ImageDescriptor::empty();

/// What the domain builder reads; in the section that the linker script makes a `PT_NOTE` of.
#[used]
#[unsafe(link_section = ".note.Xen")]
static NOTES: Notes = Notes {
    loader: Note::new(NoteType::Loader, text("generic")),
    guest_os: Note::new(NoteType::GuestOs, text("starling")),
    guest_version: Note::new(NoteType::GuestVersion, text(env!("CARGO_PKG_VERSION"))),
    xen_version: Note::new(NoteType::XenVersion, text("xen-3.0")),
    virt_base: Note::new(NoteType::VirtBase, 0),
    paddr_offset: Note::new(NoteType::PaddrOffset, 0),
    entry: Note::new(NoteType::Entry, starling_entry),
    pae_mode: Note::new(NoteType::PaeMode, text("yes")),
    features: Note::new(NoteType::Features, text("pae_pgdir_above_4gb")),
    supported_features: Note::new(
        NoteType::SupportedFeatures,
        feature::PAE_PGDIR_ABOVE_4GB | feature::DOM0,
    ),
};

#[repr(C)]
struct Notes {
    loader: Note<[u8; 8]>,
    guest_os: Note<[u8; 16]>,
    guest_version: Note<[u8; 16]>,
    xen_version: Note<[u8; 8]>,
    virt_base: Note<u64>,
    paddr_offset: Note<u64>,
    entry: Note<unsafe extern "C" fn()>,
    pae_mode: Note<[u8; 8]>,
    features: Note<[u8; 24]>,
    supported_features: Note<u64>,
}

// Entry: Xen gives one page of stack and the address of start_info in rsi. The time-stamp counter is read
// before anything else, then the kernel's own stack taken.
global_asm!(
    ".section .text.entry, \"ax\"",
    ".globl starling_entry",
    "starling_entry:",
    "rdtsc",
    "shl rdx, 32",
    "or rdx, rax",
    "mov rdi, rsi",
    "mov rsi, rsp",
    "cld",
    "lea rsp, [rip + __stack_top]",
    "xor ebp, ebp",
    "call {main}",
    "ud2",
    ".text",
    main = sym kernel_main,
);

// Trap stubs. Xen has pushed rcx, r11, the error code of exceptions that have one, and the return frame.
// Each stub leaves the vector and an error code above it; `trap_common` makes a `TrapFrame` of it all.
global_asm!(
    ".altmacro",
    ".macro trap_stub vector",
    "trap_stub_\\vector:",
    "pop rcx",
    "pop r11",
    // The exceptions with an error code, as `starling_xen::trap::has_error_code` has them.
    ".if (\\vector == 8) || ((\\vector >= 10) && (\\vector <= 14)) || (\\vector == 17) || (\\vector == 21) || (\\vector == 29) || (\\vector == 30)",
    ".else",
    "push 0",
    ".endif",
    "push \\vector",
    "jmp trap_common",
    ".endm",
    ".macro trap_address vector",
    ".quad trap_stub_\\vector",
    ".endm",
    ".set vector, 0",
    ".rept 32",
    "trap_stub %vector",
    ".set vector, vector + 1",
    ".endr",
    // The failsafe callback has four segment selectors above the frame; it is reported as a fault of its own.
    "trap_failsafe:",
    "pop rcx",
    "pop r11",
    "add rsp, 32",
    "push 0",
    "push 255",
    "trap_common:",
    "push rdi",
    "push rsi",
    "push rdx",
    "push rcx",
    "push rax",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "push rbx",
    "push rbp",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov rdi, rsp",
    "and rsp, -16",
    "cld",
    "call {exception}",
    "ud2",
    ".section .rodata.traps, \"a\"",
    ".p2align 3",
    "trap_stub_table:",
    ".set vector, 0",
    ".rept 32",
    "trap_address %vector",
    ".set vector, vector + 1",
    ".endr",
    ".text",
    ".noaltmacro",
    exception = sym exception,
);

unsafe extern "C" {
    fn starling_entry();
    fn trap_failsafe();
    static trap_stub_table: [u64; EXCEPTIONS];
    // Defined by linker.ld; only their addresses mean anything.
    static __text_start: u8;
    static __text_end: u8;
    static __rodata_start: u8;
    static __rodata_end: u8;
    static __stack_guard: u8;
    static __stack_top: u8;
    static __image_end: u8;
}

/// The first Rust code, on the kernel's own stack.
extern "C" fn kernel_main(info: *const StartInfo, boot_stack: usize, entry_tsc: u64) -> ! {
    let address = |symbol: *const u8| symbol as usize;
    let text = address(&raw const __text_start)..address(&raw const __text_end);
    let guard = address(&raw const __stack_guard);
    let facts = KernelFacts {
        entry_tsc,
        boot_stack,
        sections: ImageSections {
            rodata: address(&raw const __rodata_start)..address(&raw const __rodata_end),
            stack_guard: guard,
            kernel: text.start..address(&raw const __image_end),
            text,
            archive: 0..0,
        },
        stack: guard + PAGE_SIZE..address(&raw const __stack_top),
        // SAFETY: a constant table made above.
        traps: unsafe { trap_stub_table },
        failsafe: trap_failsafe as *const () as u64,
        image: &STARLING_IMAGE,
        heap: &HEAP,
    };
    // SAFETY: Xen passed start_info, which stays mapped; the facts are the linker's.
    unsafe { boot::start(&*info, facts) }
}

/// Where the trap stubs end up.
extern "C" fn exception(frame: &TrapFrame) -> ! {
    crash::exception(frame)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    crash::panic(info)
}

/// Named by the unwind tables of the precompiled `core`; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Likewise.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    crash::fatal(format_args!("something tried to unwind"))
}

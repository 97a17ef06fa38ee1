//! The line of figures that `+bootinfo` asks for.
//!
//! It is printed just before the program's first output, so that it can say when that was: the machine's own
//! start, loading and linking are part of what a user waits for. Times count from the first instruction of
//! the kernel; under QEMU's `-icount shift=0` a nanosecond is an instruction, those of Xen included.

use crate::clock;
use crate::console::Writer;
use crate::memory::heap::KernelHeap;
use core::fmt::Write;
use starling_xen::cpu::read_tsc;
use starling_xen::hypercall::xen_version;

/// What is known before the machine starts.
pub struct BootInfo {
    /// TSC at the kernel's first instruction.
    pub entry_tsc: u64,
    /// Frames of the domain.
    pub nr_pages: u64,
    /// Bytes of the kernel's sections, stack included.
    pub kernel_bytes: usize,
    /// Bytes of the image's archive.
    pub archive_bytes: usize,
    /// Page-table changes until the heap was there.
    pub boot_page_updates: u64,
    /// Bytes free when the machine was started.
    pub free_bytes: usize,
    /// When the machine was started, in nanoseconds since the entry.
    pub machine_ns: u64,
}

/// Nanoseconds since the TSC was `entry_tsc`.
pub fn ns_since(entry_tsc: u64) -> u64 {
    let ticks = read_tsc().saturating_sub(entry_tsc);
    clock::sample().map_or(0, |sample| sample.ticks_to_ns(ticks))
}

impl BootInfo {
    /// Prints the line: `key=value` pairs.
    pub fn print(&self, heap: &KernelHeap) {
        let output_ns = ns_since(self.entry_tsc);
        let (updates, free) = heap
            .with(|heap| (heap.pager().updates(), heap.available()))
            .unwrap_or_default();
        let (major, minor) = xen_version();
        let _ = writeln!(
            Writer,
            "starling: bootinfo entry_to_machine_ns={} entry_to_output_ns={output_ns} xen={major}.{minor} \
             memory_kib={} free_at_machine_kib={} free_at_output_kib={} kernel_kib={} archive_kib={} \
             boot_page_updates={} page_updates={updates}",
            self.machine_ns,
            self.nr_pages * 4,
            self.free_bytes / 1024,
            free / 1024,
            self.kernel_bytes / 1024,
            self.archive_bytes / 1024,
            self.boot_page_updates,
        );
    }
}

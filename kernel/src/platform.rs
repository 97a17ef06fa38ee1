//! The machine's [`Platform`] on Xen.
//!
//! Thin: each method hands over to the module that owns the matter. Invariant: no method calls back into
//! the machine.

use crate::boot_info::BootInfo;
use crate::entropy::Entropy;
use crate::memory::heap::KernelHeap;
use crate::memory::paging::PageTables;
use crate::{clock, console, power};
use core::ptr::NonNull;
use starling_vm::platform::{Platform, Reservation, Stream};
use starling_xen::sched;

/// The world as a Xen guest sees it.
pub struct XenPlatform {
    heap: &'static KernelHeap,
    entropy: Entropy,
    /// Figures to print before the program's first output, if they were asked for.
    boot_info: Option<BootInfo>,
}

impl XenPlatform {
    /// The platform on `heap`, with its random numbers seeded.
    pub fn new(heap: &'static KernelHeap, entropy: Entropy, boot_info: Option<BootInfo>) -> Self {
        Self {
            heap,
            entropy,
            boot_info,
        }
    }

    fn print_boot_info(&mut self) {
        if let Some(boot_info) = self.boot_info.take() {
            boot_info.print(self.heap);
        }
    }
}

impl Platform for XenPlatform {
    fn monotonic_ns(&mut self) -> u64 {
        clock::monotonic_ns()
    }

    fn system_time_ns(&mut self) -> i64 {
        clock::system_time_ns()
    }

    fn fill_entropy(&mut self, bytes: &mut [u8]) {
        self.entropy.fill(bytes);
    }

    /// A domain has one console; both streams go there.
    fn console_write(&mut self, _stream: Stream, bytes: &[u8]) {
        self.print_boot_info();
        console::write(bytes);
    }

    fn console_read(&mut self, bytes: &mut [u8]) -> usize {
        console::read(bytes)
    }

    fn idle_until(&mut self, deadline: Option<u64>) {
        let Some(info) = clock::shared_info() else {
            return;
        };
        let port = console::input_port();
        // Forget old events first, then look at what they announced: one that comes in between is
        // pending again when the poll begins, and ends it at once.
        info.vcpu().clear_upcall_pending();
        let signalled = port.is_some_and(|port| info.take_pending(port));
        if signalled || console::has_input() {
            return;
        }
        if let Err(error) = sched::poll(port.as_slice(), deadline) {
            log::error!("SCHEDOP_poll failed: {error}");
        }
    }

    fn reserve(&mut self, len: usize) -> Option<Reservation> {
        self.heap.with(|heap| heap.reserve(len)).flatten()
    }

    fn commit(&mut self, start: NonNull<u8>, len: usize) -> bool {
        let start = start.as_ptr() as usize;
        self.heap
            .with(|heap| heap.commit(start, len, PageTables::is_mapped))
            .unwrap_or(false)
    }

    fn memory_available(&mut self) -> u64 {
        self.heap.with(|heap| heap.available() as u64).unwrap_or(0)
    }

    fn halt(&mut self, status: u8) -> ! {
        self.print_boot_info();
        power::halt(status)
    }
}

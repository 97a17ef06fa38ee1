//! The machine's [`Platform`] on Xen.
//!
//! Thin: each method hands over to the module that owns the matter. Invariant: no method calls back into
//! the machine.

use crate::boot_info::BootInfo;
use crate::control::Control;
use crate::entropy::Entropy;
use crate::memory::PAGE_SIZE;
use crate::memory::heap::{Heap, KernelHeap};
use crate::memory::paging::PageTables;
use crate::network::Network;
use crate::terminal::Terminal;
use crate::xenstore::Store;
use crate::{balloon, clock, console, events, power};
use alloc::string::String;
use alloc::vec::Vec;
use core::ptr::NonNull;
use starling_net::configuration::Configuration;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::domain::{Domain, DomainInfo};
use starling_vm::platform::io::{
    Child, Command, Descriptor, Event, Interest, Io, Program, Signal, SignalAction, SpawnError,
    TerminalMode, WindowSize,
};
use starling_vm::platform::network;
use starling_vm::platform::{Host, Platform, Reservation, Stream};

/// Descriptors of a domain: what is typed at the console, and two that go to its screen.
const DESCRIPTORS: usize = 3;
/// The part of the domain's memory that is kept for small requests, and the most that this may be, in bytes.
const RESERVE_PART: usize = 32;
/// Less than what the balloon leaves free.
const LARGEST_RESERVE: usize = 1 << 20;
/// The one to read from.
const INPUT: usize = 0;

/// The world as a Xen guest sees it.
pub struct XenPlatform {
    heap: &'static KernelHeap,
    entropy: Entropy,
    /// Figures to print before the program's first output, if they were asked for.
    boot_info: Option<BootInfo>,
    /// What is looked for on the console's descriptors.
    watched: [Interest; DESCRIPTORS],
    /// Events that were found and not asked for yet.
    events: [Option<Event>; DESCRIPTORS],
    terminal: Terminal,
    /// The initial domain has none.
    store: Option<Store>,
    control: Control,
    network: Network,
}

impl XenPlatform {
    /// The platform on `heap`, with its random numbers seeded.
    pub fn new(
        heap: &'static KernelHeap,
        mut entropy: Entropy,
        boot_info: Option<BootInfo>,
        store: Option<Store>,
        configuration: Configuration,
    ) -> Self {
        let control = store.as_ref().map(Control::start).unwrap_or_default();
        if let Some(store) = &store {
            balloon::start(store, heap);
        }
        if let Some(port) = console::input_port() {
            events::add(port);
        }
        let network = Network::start(
            configuration,
            store.as_ref(),
            heap,
            &mut entropy,
            DESCRIPTORS as u32,
        );
        Self {
            heap,
            entropy,
            boot_info,
            watched: [Interest::NONE; DESCRIPTORS],
            events: [None; DESCRIPTORS],
            terminal: Terminal::new(),
            store,
            control,
            network,
        }
    }

    /// Looks for what has come from the console, from xenstore and from the network, and sends what is to go out. If there is nothing to
    /// be done then, sleeps until `deadline` or until something comes, and looks again.
    fn look_and_sleep(&mut self, deadline: Option<u64>) {
        // Forget old events first, then look at what they announced: one that comes in between is
        // pending again when the wait begins, and ends it at once.
        events::collect();
        let signalled = console::input_port().is_some_and(events::take);
        Io::poll(self);
        // Asked now: a device in which the network has just found a fault is its task's to connect again.
        let (has_work, store_deadline) = match &self.store {
            Some(store) => (store.has_work(), store.next_deadline()),
            None => (false, None),
        };
        let network_deadline = self.network.next_deadline();
        if signalled
            || has_work
            || network_deadline == Some(0)
            || self.control.is_pending()
            || self.terminal.is_interrupted()
            || self.events.iter().any(Option::is_some)
        {
            return;
        }
        let deadlines = [deadline, store_deadline, network_deadline];
        events::wait(deadlines.into_iter().flatten().min());
        Io::poll(self);
    }

    /// What is the case of that which is looked for on a descriptor.
    fn ready(&self, number: usize) -> Interest {
        let watched = self.watched[number];
        Interest {
            read: number == INPUT && watched.read && self.terminal.has_keys(),
            write: number != INPUT && watched.write,
        }
    }

    fn print_boot_info(&mut self) {
        if let Some(boot_info) = self.boot_info.take() {
            boot_info.print(self.heap);
        }
    }
}

impl Platform for XenPlatform {
    fn host(&mut self) -> Host {
        Host {
            wants_polls: self.store.is_some(),
            ..Host::default()
        }
    }

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
        self.terminal.take(console::read);
        self.terminal.read(bytes)
    }

    fn io(&mut self) -> &mut dyn Io {
        self
    }

    fn network(&mut self) -> Option<&mut dyn network::Network> {
        Some(&mut self.network.stack)
    }

    fn domain(&mut self) -> Option<&mut dyn Domain> {
        Some(self)
    }

    fn idle_until(&mut self, deadline: Option<u64>) {
        self.look_and_sleep(deadline);
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

    fn memory_is_low(&mut self) -> bool {
        let low = |heap: &mut Heap<_>| {
            let reserve = (heap.pages() / RESERVE_PART * PAGE_SIZE).min(LARGEST_RESERVE);
            heap.available() < reserve
        };
        self.heap.with(low).unwrap_or(false)
    }

    fn halt(&mut self, status: u8) -> ! {
        self.print_boot_info();
        power::halt(status)
    }
}

/// The initial domain has no store; it is number 0.
impl Domain for XenPlatform {
    fn info(&mut self) -> DomainInfo {
        let (pages, free) = self
            .heap
            .with(|heap| (heap.pages() as u64, heap.available() as u64))
            .unwrap_or_default();
        let mut info = DomainInfo {
            memory: pages * PAGE_SIZE as u64,
            memory_free: free,
            ..DomainInfo::default()
        };
        if let Some(store) = &self.store {
            store.describe(&mut info);
        }
        info
    }

    fn store_read(&mut self, path: &str) -> Result<Vec<u8>, Errno> {
        self.store.as_ref().ok_or(Errno::ENOTSUP)?.read(path)
    }

    fn store_list(&mut self, path: &str) -> Result<Vec<String>, Errno> {
        self.store.as_ref().ok_or(Errno::ENOTSUP)?.list(path)
    }
}

/// The console as descriptors 0, 1 and 2; those above are sockets. A domain has no others, and runs no programs.
impl Io for XenPlatform {
    fn read(&mut self, descriptor: Descriptor, bytes: &mut [u8]) -> Result<usize, Errno> {
        if self.network.stack.owns(descriptor) {
            return self.network.stack.read(descriptor, bytes);
        }
        if descriptor.0 as usize != INPUT {
            return Err(Errno::EBADF);
        }
        self.terminal.take(console::read);
        match self.terminal.read(bytes) {
            0 if !bytes.is_empty() => Err(Errno::EAGAIN),
            read => Ok(read),
        }
    }

    fn write(&mut self, descriptor: Descriptor, bytes: &[u8]) -> Result<usize, Errno> {
        if self.network.stack.owns(descriptor) {
            return self.network.stack.write(descriptor, bytes);
        }
        if !matches!(descriptor.0, 1 | 2) {
            return Err(Errno::EBADF);
        }
        self.print_boot_info();
        console::write(bytes);
        Ok(bytes.len())
    }

    fn close(&mut self, descriptor: Descriptor) {
        if self.network.stack.owns(descriptor) {
            return self.network.stack.close(descriptor);
        }
        self.watch(descriptor, Interest::NONE);
    }

    fn watch(&mut self, descriptor: Descriptor, interest: Interest) {
        if self.network.stack.owns(descriptor) {
            return self.network.stack.watch(descriptor, interest);
        }
        if let Some(watched) = self.watched.get_mut(descriptor.0 as usize) {
            *watched = interest;
        }
    }

    fn spawn(&mut self, command: &Command) -> Result<Child, SpawnError> {
        Err(SpawnError::Refused(match command.program {
            Program::Shell(_) => Errno::ENOTSUP,
            Program::File { .. } => Errno::ENOENT,
        }))
    }

    fn set_signal(&mut self, signal: Signal, action: SignalAction) -> Result<(), Errno> {
        match signal {
            Signal::Interrupt => self.terminal.set_interrupt(action),
            Signal::Terminate => self.control.set_action(action),
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn poll(&mut self) {
        if let Some(store) = &mut self.store {
            store.poll();
        }
        self.network.poll();
        self.terminal.take(console::read);
        for number in 0..DESCRIPTORS {
            let ready = self.ready(number);
            self.events[number] =
                (!ready.is_none()).then_some(Event::Ready(Descriptor(number as u32), ready));
        }
    }

    fn next_event(&mut self) -> Option<Event> {
        if self.terminal.take_interrupt() {
            return Some(Event::Signal(Signal::Interrupt));
        }
        if self.control.take() {
            return Some(Event::Signal(Signal::Terminate));
        }
        let console = self.events.iter_mut().find_map(Option::take);
        console.or_else(|| self.network.next_event())
    }

    /// Somebody may sit at the other end of the console.
    fn is_terminal(&mut self, descriptor: Descriptor) -> bool {
        (descriptor.0 as usize) < DESCRIPTORS
    }

    /// The console's protocol has no word for it.
    fn window_size(&mut self, _: Descriptor) -> Option<WindowSize> {
        None
    }

    /// The console passes keys on as they are pressed, and shows nothing of them.
    fn has_lines(&mut self) -> bool {
        false
    }

    fn set_terminal(&mut self, mode: TerminalMode) -> Result<TerminalMode, Errno> {
        self.terminal.set_mode(mode)
    }
}

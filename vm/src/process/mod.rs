//! A process: its memory, its mailbox, its ties to others, and where it goes on.
//!
//! One file an idea: [`table`] finds processes by pid, [`mailbox`] keeps messages, [`ties`]
//! keeps links and monitors, [`dictionary`] is `get/1` and `put/2`, [`reference`] numbers references,
//! [`names`] finds processes by name and alias. [`population`] is all of them together; [`signal`] and [`exit`] are
//! what one process does to another.
//!
//! # Invariant
//!
//! A process is allocated once ([`Process::new`]) and never moves; [`table::ProcessTable`] owns it. Every
//! [`Term`] that a process holds outside its heap and stack is visited by [`Process::for_each_root`]: whoever adds a
//! field with a term in it adds it there, or the collector leaves it dangling.

pub mod dictionary;
pub mod exit;
pub mod held_back;
pub mod mailbox;
pub mod monitors;
pub mod names;
pub mod population;
pub mod reference;
pub mod signal;
pub mod spawn;
pub mod table;
pub mod ties;

use crate::atom::am;
use crate::bif::Class;
use crate::dist::remote::Remote;
use crate::memory::NoMemory;
use crate::memory::gc::Collection;
use crate::memory::heap::{Heap, Parcel};
use crate::observe::sequential::Sequential;
use crate::sched::native_stack::Paused;
use crate::sched::queue::Link;
use crate::term::shared::copy_shared;
use crate::term::{Atom, Term};
use crate::time::wheel::TimerHandle;
use crate::tracing::saved_calls::SavedCalls;
use crate::tracing::tracee::Tracee;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::ops::Range;
use core::ptr::NonNull;
use dictionary::Dictionary;
use mailbox::Mailbox;
pub use monitors::{Monitor, Monitors, Watched};
use reference::RefNumber;
use ties::{Identifier, Ties};

/// Smallest heap of a new process, in words (OTP's default of `+hms`).
pub const MIN_HEAP_WORDS: usize = 233;

/// Minor collections between full sweeps (OTP's default of `fullsweep_after`).
pub const FULLSWEEP_AFTER: u32 = 65_535;

/// An exception on its way.
pub struct Exception {
    /// Error, exit or throw.
    pub class: Class,
    /// What was raised.
    pub reason: Term,
    /// The stack trace: what the interpreter made of the stack, or what `erlang:raise/3` was given.
    pub trace: Term,
    /// Whether `trace` was given by `erlang:raise/3` and is to be kept as it is.
    pub trace_is_given: bool,
    /// Whether the trace begins with the caller of the built-in function that raised, not with that function.
    pub by_caller: bool,
    /// The second argument of `erlang:error/2,3`: a list of arguments, which takes the place of the arity in the
    /// topmost entry of the trace, or the atom `none`.
    pub arguments: Option<Term>,
    /// The `error_info` map of `erlang:error/3`, for the topmost entry of the trace.
    pub error_info: Option<Term>,
    /// The `cause` that a built-in function adds to the `error_info` of its failure, such as `badopt`; set by
    /// [`crate::bif::Context::fail_because`], taken by whoever makes the trace.
    pub cause: Option<Atom>,
}

/// Who runs first when several processes can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Runs once for eight turns of `Normal`.
    Low,
    /// What a process has unless it asks for another.
    Normal,
    /// Before `Normal` and `Low`.
    High,
    /// Before all others; for the system itself.
    Max,
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In a run queue.
    Runnable,
    /// It has the processor.
    Running,
    /// In a `receive` (or hibernating), with no message that it has not looked at.
    Waiting,
    /// Its exit has begun: it runs no more, takes no signal and is in no queue.
    Exiting,
}

/// Module, function and arity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mfa {
    /// Module.
    pub module: Atom,
    /// Function.
    pub function: Atom,
    /// Number of arguments.
    pub arity: u32,
}

impl Mfa {
    /// `{erlang, apply, 2}`: what a process begins with that was spawned with a fun.
    pub const APPLY: Mfa = Mfa {
        module: am::ERLANG,
        function: am::APPLY,
        arity: 2,
    };
}

/// A function to call in place of a built-in function's value ([`crate::bif::Fail::Trap`]).
#[derive(Clone, Copy, Debug)]
pub struct Trap {
    /// Its export entry.
    pub export: NonNull<u8>,
    /// How many X registers hold its arguments.
    pub arity: usize,
}

/// The timer of a `receive … after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveTimer {
    /// The process is in no `receive` that has waited with a timeout.
    None,
    /// It waits, or looks at messages that came while it waited.
    Running(TimerHandle),
    /// It waits for neither a message nor a time (`receive after infinity -> … end`), until it is ended.
    Never,
    /// The time is over.
    Fired,
}

/// X registers of a process that does not run.
pub struct SavedRegisters {
    live: usize,
    first: [Term; SavedRegisters::INLINE],
    more: Vec<Term>,
}

impl SavedRegisters {
    /// As many are kept without memory of their own.
    pub const INLINE: usize = 6;

    const fn new() -> SavedRegisters {
        SavedRegisters {
            live: 0,
            first: [Term::NIL; SavedRegisters::INLINE],
            more: Vec::new(),
        }
    }

    /// Keeps `registers`, in place of what was kept.
    #[inline]
    pub fn save(&mut self, registers: &[Term]) -> Result<(), NoMemory> {
        let (first, more) = registers.split_at(registers.len().min(Self::INLINE));
        self.more.clear();
        if !more.is_empty() {
            self.more
                .try_reserve_exact(more.len())
                .map_err(|_| NoMemory)?;
            self.more.extend_from_slice(more);
        }
        self.first[..first.len()].copy_from_slice(first);
        self.live = registers.len();
        Ok(())
    }

    /// Writes the registers to the front of `registers`, keeps them no longer, and returns how many there are.
    #[inline]
    pub fn restore(&mut self, registers: &mut [Term]) -> usize {
        let live = core::mem::take(&mut self.live);
        let first = live.min(Self::INLINE);
        registers[..first].copy_from_slice(&self.first[..first]);
        if live > first {
            registers[first..live].copy_from_slice(&self.more);
            self.more = Vec::new();
        }
        live
    }

    /// How many registers are kept.
    #[inline]
    pub fn live(&self) -> usize {
        self.live
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Term> {
        let first = self.live.min(Self::INLINE);
        self.first[..first].iter_mut().chain(self.more.iter_mut())
    }
}

/// How long an alias lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasMode {
    /// Until `unalias/1`.
    ExplicitUnalias,
    /// Until the monitor of the same reference ends, too.
    Demonitor,
    /// Until the monitor ends or a message came over the alias.
    ReplyDemonitor,
    /// Until a message came over the alias (`alias([reply])`).
    Reply,
}

/// `max_heap_size`: what a process may grow to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxHeapSize {
    /// Words; 0 is no limit.
    pub words: usize,
    /// Whether the process is killed beyond.
    pub kill: bool,
    /// Whether that is logged.
    pub error_logger: bool,
    /// Whether binaries off the heap count, too (OTP 27).
    pub include_shared_binaries: bool,
}

/// What is rarely set: allocated when it first is.
pub struct Rare {
    /// `process_flag(max_heap_size, …)`.
    pub max_heap_size: MaxHeapSize,
    /// `process_flag(save_calls, …)`: the last calls.
    pub saved_calls: Option<Box<SavedCalls>>,
    /// `process_flag(min_bin_vheap_size, …)`, in words.
    pub min_binary_heap: usize,
    /// `process_flag(error_handler, …)`.
    pub error_handler: Atom,
    /// Timers with this process as destination, see [`crate::time`].
    pub timers: Ties<RefNumber, ()>,
    /// Aliases of this process.
    pub aliases: Ties<RefNumber, AliasMode>,
    /// Resources that are told when this process ends, see [`crate::memory::resource`].
    pub resources: Ties<RefNumber, ()>,
    /// Processes that this one suspends (the data of their pids), and how often.
    pub suspending: Ties<u64, u32>,
    /// What ties it to other nodes.
    pub remote: Option<Box<Remote>>,
    /// `process_flag(monitor_nodes, true)`: how often, by a number that stands for the options.
    pub node_monitors: Ties<u8, u32>,
    /// `process_flag(async_dist, …)`: it does not wait for connections that much is on its way on.
    pub async_dist: bool,
    /// `process_flag(scheduler, 1)`: told again, and without other effect.
    pub bound_to_scheduler: bool,
    /// What others asked of it, if it holds their collections back.
    pub held_back: Option<held_back::HeldBack>,
}

impl Rare {
    const fn new() -> Rare {
        Rare {
            max_heap_size: MaxHeapSize {
                words: 0,
                kill: true,
                error_logger: true,
                include_shared_binaries: false,
            },
            saved_calls: None,
            min_binary_heap: MIN_BINARY_HEAP_WORDS,
            error_handler: am::ERROR_HANDLER,
            timers: Ties::new(),
            aliases: Ties::new(),
            resources: Ties::new(),
            suspending: Ties::new(),
            remote: None,
            node_monitors: Ties::new(),
            async_dist: false,
            bound_to_scheduler: false,
            held_back: None,
        }
    }

    /// What ties the process to other nodes, made if there is nothing yet.
    pub fn remote(&mut self) -> Result<&mut Remote, NoMemory> {
        match &mut self.remote {
            Some(remote) => Ok(remote),
            empty => Ok(empty.insert(try_box(Remote::default())?)),
        }
    }
}

/// Off-heap binaries before they are a reason to collect, in words (OTP's default of `+hmbs`).
pub const MIN_BINARY_HEAP_WORDS: usize = 46_422;

/// One process.
pub struct Process {
    /// Its memory.
    pub heap: Heap,
    /// Where it goes on.
    pub ip: *const u8,
    /// X registers while it does not run; what [`Process::ip`] needs.
    pub saved: SavedRegisters,
    /// The exception that is being raised.
    pub exception: Exception,
    /// Reductions used in earlier turns.
    pub reductions: u64,
    /// Reductions left in this turn, while the interpreter does not hold them in a register.
    pub reductions_left: isize,
    /// Active `catch` and `try` on the stack.
    pub catches: usize,
    /// Reductions that built-in functions used beyond their call.
    pub bumped_reductions: usize,
    /// How the built-in function that has just been called failed.
    pub failed_with: crate::bif::Fail,
    /// What a slow path that returns something else left the interpreter to do.
    pub outcome: crate::interp::Exit,
    /// Whether `hibernate/3` was called: `ip` and `saved` say where it goes on, the stack is empty.
    pub hibernating: bool,
    /// Whether it has hibernated and no message has woken it yet.
    pub asleep: bool,
    /// What to call instead, after [`crate::bif::Fail::Trap`].
    pub trap: Option<Trap>,
    /// What `garbage_collect/0,2` asked for: done by the interpreter after the call.
    pub requested: Option<Collection>,
    /// What was put aside when it paused in the middle of a built-in function. Meanwhile nobody collects its heap.
    pub paused: Option<Box<Paused>>,
    /// Whether it paused to wait for another to come out of a built-in function.
    pub waits_for_another: bool,
    /// Whether somebody waits for it to come out: its turn then ends behind the built-in function, before it can be in the next one.
    pub wanted_outside: bool,

    /// Its messages.
    pub mailbox: Mailbox,
    /// The timer of the `receive` that it is in.
    pub receive_timer: ReceiveTimer,

    /// Its pid.
    pub pid: Term,
    /// How many processes had been made with it: tells it from another one with its pid.
    pub birth: u64,
    /// What it is doing.
    pub state: State,
    /// Who runs first.
    pub priority: Priority,
    /// Whether the process counts as suspended (`erlang:suspend_process/1`), and how often.
    pub suspended: u32,
    /// `process_flag(trap_exit, true)`.
    pub trap_exit: bool,
    /// `process_flag(sensitive, true)`.
    pub sensitive: bool,
    /// Whether [`Rare::saved_calls`] is there.
    pub saves_calls: bool,
    /// Whether it is part of the runtime system (`erts_internal:is_system_process/1`).
    pub system: bool,
    /// `process_flag(message_queue_data, off_heap)`: messages that come stay off the heap until they are received.
    pub off_heap_messages: bool,
    /// Whether it was runnable when it was suspended.
    pub runnable_when_resumed: bool,
    /// What it knows of sequential traces, once it has had to do with one.
    pub sequential: Option<Box<Sequential>>,
    /// Whether `system_monitor` was told that its queue of messages is long.
    pub long_queue: bool,
    /// Whether it is active as far as `system_profile` was told.
    pub active: bool,
    /// Its place in a run queue.
    pub queue: Link,
    /// An exit that has been decided on but not carried out: the reason.
    pub pending_exit: Option<Term>,
    /// The process whose exit is carried out after this one's, see [`exit`].
    pub next_exiting: Option<Term>,

    /// Group leader.
    pub group_leader: Term,
    /// Registered name.
    pub registered_name: Option<Atom>,
    /// The process that spawned it, or `undefined`.
    pub parent: Term,
    /// Processes and ports that it is linked to.
    pub links: Ties<Identifier, ()>,
    /// Monitors that it holds.
    pub monitors: Monitors,
    /// Monitors that others hold on it: their pids.
    pub monitored_by: Ties<RefNumber, Term>,
    /// What is rarely set.
    pub rare: Option<Box<Rare>>,
    /// Who is told what it does, if it is traced.
    pub trace: Option<Box<Tracee>>,
    /// `put/2`.
    pub dictionary: Dictionary,
    /// What it was spawned with.
    pub initial_call: Mfa,

    /// Smallest size of its heap, in words.
    pub min_heap_size: usize,
    /// Minor collections between full sweeps.
    pub fullsweep_after: u32,
    /// Minor collections since the last full sweep.
    pub minor_collections: u32,
}

// An idle process, its first heap included, must stay below 3 KiB.
const _: () = assert!(size_of::<Process>() + MIN_HEAP_WORDS * 8 <= 2800);

/// A box, or an error in place of the end of the machine.
pub(crate) fn try_box<T>(value: T) -> Result<Box<T>, NoMemory> {
    const { assert!(size_of::<T>() != 0) };
    let layout = Layout::new::<T>();
    // SAFETY: the layout's size is not zero: asserted above.
    let memory = unsafe { alloc::alloc::alloc(layout) }.cast::<T>();
    let memory = NonNull::new(memory).ok_or(NoMemory)?;
    // SAFETY: fresh memory of T's layout from the global allocator: what a box owns.
    unsafe {
        memory.write(value);
        Ok(Box::from_raw(memory.as_ptr()))
    }
}

impl Process {
    /// A process with an empty stack and a heap of `heap_words` words, in no queue.
    pub fn new(pid: Term, heap_words: usize) -> Result<Box<Process>, NoMemory> {
        try_box(Process {
            heap: Heap::new(heap_words)?,
            ip: core::ptr::null(),
            saved: SavedRegisters::new(),
            exception: Exception {
                class: Class::Error,
                reason: Term::NIL,
                trace: Term::NIL,
                trace_is_given: false,
                by_caller: false,
                arguments: None,
                error_info: None,
                cause: None,
            },
            reductions: 0,
            reductions_left: 0,
            catches: 0,
            bumped_reductions: 0,
            failed_with: crate::bif::Fail::Badarg,
            outcome: crate::interp::Exit::Continue,
            hibernating: false,
            asleep: false,
            trap: None,
            requested: None,
            paused: None,
            waits_for_another: false,
            wanted_outside: false,
            mailbox: Mailbox::new(),
            receive_timer: ReceiveTimer::None,
            pid,
            birth: 0,
            state: State::Waiting,
            priority: Priority::Normal,
            suspended: 0,
            trap_exit: false,
            sensitive: false,
            saves_calls: false,
            system: false,
            off_heap_messages: false,
            runnable_when_resumed: false,
            sequential: None,
            long_queue: false,
            active: false,
            queue: Link::NONE,
            pending_exit: None,
            next_exiting: None,
            group_leader: pid,
            registered_name: None,
            parent: am::UNDEFINED.term(),
            links: Ties::new(),
            monitors: Monitors::new(),
            monitored_by: Ties::new(),
            rare: None,
            trace: None,
            dictionary: Dictionary::new(),
            initial_call: Mfa::APPLY,
            min_heap_size: heap_words,
            fullsweep_after: FULLSWEEP_AFTER,
            minor_collections: 0,
        })
    }

    /// Prepares a new process to run at `ip` with `registers` (terms of its own memory, or literals). Its stack gets the one
    /// return address that ends it.
    pub fn start(&mut self, ip: *const u8, registers: &[Term]) -> Result<(), NoMemory> {
        debug_assert!(self.heap.stack == self.heap.block.end());
        debug_assert!(self.heap.free_words() > 0);
        // SAFETY: the heap has at least a word, and no stack yet.
        unsafe {
            self.heap.stack = self.heap.stack.sub(1);
            *self.heap.stack = crate::code::stubs::normal_exit() as u64;
        }
        self.ip = ip;
        self.saved.save(registers)
    }

    /// What is rarely set, made if it is not there yet.
    pub fn rare(&mut self) -> Result<&mut Rare, NoMemory> {
        match &mut self.rare {
            Some(rare) => Ok(rare),
            empty => Ok(empty.insert(try_box(Rare::new())?)),
        }
    }

    /// `max_heap_size` of the process.
    pub fn max_heap_size(&self) -> MaxHeapSize {
        match &self.rare {
            Some(rare) => rare.max_heap_size,
            None => Rare::new().max_heap_size,
        }
    }

    /// Visits every term that the process holds outside its heap and stack. The collector may replace each by
    /// where the object has moved to.
    pub fn for_each_root(&mut self, visit: &mut dyn FnMut(&mut Term)) {
        self.saved.iter_mut().for_each(&mut *visit);
        self.mailbox.roots().for_each(&mut *visit);
        if let Some(known) = &mut self.sequential {
            visit(&mut known.token);
        }
        self.dictionary.roots().for_each(&mut *visit);
        let exception = &mut self.exception;
        visit(&mut exception.reason);
        visit(&mut exception.trace);
        exception.arguments.iter_mut().for_each(&mut *visit);
        exception.error_info.iter_mut().for_each(&mut *visit);
        self.pending_exit.iter_mut().for_each(&mut *visit);
        visit(&mut self.group_leader);
        visit(&mut self.parent);
        self.monitors.roots().for_each(&mut *visit);
        if let Some(rare) = &mut self.rare {
            if let Some(remote) = &mut rare.remote {
                remote.for_each_root(visit);
            }
            if let Some(held) = &mut rare.held_back {
                held.for_each_root(visit);
            }
        }
    }

    /// The message that a `receive` looks at comes to the heap, if it is off it: registers may refer to it.
    #[inline(always)]
    pub fn bring_in_message(&mut self) -> Result<(), NoMemory> {
        match self.mailbox.has_apart() {
            true => self.bring_in(Mailbox::bring_in_current),
            false => Ok(()),
        }
    }

    /// All messages come to the heap.
    pub fn bring_in_messages(&mut self) -> Result<(), NoMemory> {
        while self.mailbox.has_apart() {
            self.bring_in(Mailbox::bring_in_any)?;
        }
        Ok(())
    }

    /// All messages that wait leave the heap, as copies; returns how many words these take.
    pub fn send_out_messages(&mut self, literals: &Range<usize>) -> Result<usize, NoMemory> {
        let mut words = 0;
        self.mailbox.send_out(|message| {
            let mut parcel = Parcel::new();
            // One that the process sent to itself is a term of its own, whose parts may be shared.
            let copied = copy_shared(message, &mut parcel, literals)?;
            words += parcel.areas().map(<[u64]>::len).sum::<usize>();
            Ok((copied, parcel))
        })?;
        Ok(words)
    }

    #[cold]
    fn bring_in(
        &mut self,
        which: impl FnOnce(&mut Mailbox) -> Option<Parcel>,
    ) -> Result<(), NoMemory> {
        // First of all: a parcel that has been taken out must find its place.
        let fragments = self.mailbox.most_fragments();
        let room = self.heap.fragments.try_reserve(fragments);
        room.map_err(|_| NoMemory)?;
        match which(&mut self.mailbox) {
            Some(parcel) => parcel.give_to(&mut self.heap),
            None => Ok(()),
        }
    }

    /// The built-in function in the middle of which it paused, if it did.
    pub fn paused_in(&self) -> Option<crate::term::fun::Mfa> {
        self.paused.as_ref().and_then(|paused| paused.function)
    }

    /// First free word of its heap. While it is paused its heap looks full, to those who build something there.
    pub fn heap_top(&self) -> *mut u64 {
        match &self.paused {
            Some(paused) => paused.top(),
            None => self.heap.top,
        }
    }

    /// Bytes that the process takes up: `process_info(Pid, memory)`.
    pub fn memory(&self) -> usize {
        let heap = &self.heap;
        let fragments: usize = heap.fragments.iter().map(|f| f.block.words()).sum();
        size_of::<Process>()
            + (heap.block.words() + heap.old_words() + fragments) * 8
            + self.mailbox.memory()
            + self.dictionary.memory()
            + self.rare.as_ref().map_or(0, |_| size_of::<Rare>())
            + self.paused.as_ref().map_or(0, |paused| paused.memory())
    }
}

#[cfg(test)]
pub(crate) mod tests;

#[cfg(test)]
mod own_tests {
    use super::*;
    use crate::memory::Arena;
    use crate::observe;

    #[test]
    fn every_term_outside_the_heap_is_a_root() {
        let pid = Term::local_pid(7);
        let mut process = Process::new(pid, MIN_HEAP_WORDS).unwrap();
        let mut expected = Vec::new();
        let mut next = || {
            let term = Term::small(expected.len() as i64 + 100);
            expected.push(term);
            term
        };
        let registers: Vec<Term> = (0..9).map(|_| next()).collect();
        process.saved.save(&registers).unwrap();
        process.mailbox.push(next()).unwrap();
        process.mailbox.mark_last(next()).unwrap();
        observe::sequential::of(&mut process).unwrap().token = next();
        process.exception.reason = next();
        process.exception.trace = next();
        process.exception.arguments = Some(next());
        process.exception.error_info = Some(next());
        process.pending_exit = Some(next());
        process.group_leader = next();
        process.parent = next();
        let mut references = reference::References::new(1);
        let monitor = Monitor {
            target: Watched::TimeOffset,
            tag: Some(next()),
        };
        process.monitors.insert(references.make(), monitor).unwrap();
        let spawn = crate::dist::remote::SpawnRequest {
            node: am::NODE,
            tag: next(),
            tells_success: true,
            tells_error: true,
            link: false,
            monitor: true,
            monitor_tag: Some(next()),
            alias: None,
            abandoned: false,
        };
        let remote = process.rare().unwrap().remote().unwrap();
        remote.spawns.insert(references.make(), spawn).unwrap();
        let held = held_back::Request {
            requester: next(),
            id: next(),
        };
        process.rare().unwrap().held_back = Some(held_back::HeldBack(alloc::vec![held]));
        let (key, value) = (next(), next());
        process
            .dictionary
            .put(key, value, 0, |a, b| a == b)
            .unwrap();
        let mut seen = Vec::new();
        process.for_each_root(&mut |term| {
            seen.push(*term);
            *term = Term::NIL;
        });
        let order = |terms: &mut Vec<Term>| terms.sort_by_key(|term| term.raw());
        order(&mut seen);
        order(&mut expected);
        assert_eq!(seen, expected);
        process.for_each_root(&mut |term| assert_eq!(*term, Term::NIL));
    }

    #[test]
    fn registers_come_back_and_are_kept_no_longer() {
        let mut process = Process::new(Term::local_pid(0), MIN_HEAP_WORDS).unwrap();
        for count in [0, 3, 6, 7, 255] {
            let registers: Vec<Term> = (0..count).map(Term::small).collect();
            process.saved.save(&registers).unwrap();
            assert_eq!(process.saved.live(), registers.len());
            let mut back = [Term::NIL; 256];
            let live = process.saved.restore(&mut back);
            assert_eq!(&back[..live], &registers);
            assert_eq!(process.saved.live(), 0);
            assert_eq!(process.saved.iter_mut().count(), 0);
        }
    }

    #[test]
    fn a_new_process_has_room_for_what_it_was_asked() {
        let mut process = Process::new(Term::local_pid(0), MIN_HEAP_WORDS).unwrap();
        assert_eq!(process.heap.free_words(), MIN_HEAP_WORDS);
        process.heap.tuple(&[Term::NIL]).unwrap();
        assert!(process.memory() < 3072);
        assert_eq!(process.max_heap_size().words, 0);
    }
}

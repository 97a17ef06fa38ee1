//! All processes of a machine, and what finds, queues and numbers them.
//!
//! Invariant: a process is in a run queue only while it is in the table, so the addresses that the queues hold are alive.

use super::names::{Aliases, Registry};
use super::reference::References;
use super::table::{InsertError, ProcessTable};
use super::{MIN_BINARY_HEAP_WORDS, MaxHeapSize, Process, State};
use crate::boot::options::Options;
use crate::memory::NoMemory;
use crate::memory::heap::Heap;
use crate::observe::sequential;
use crate::sched::queue::RunQueues;
use crate::term::Term;
use alloc::vec::Vec;
use core::ptr::NonNull;

/// What is done when the first process ends; see [`Processes::first`].
pub type FirstEnded = fn(&mut crate::machine::Machine, Term);

/// What `system_flag/2` sets for new processes.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// Smallest heap, in words.
    pub min_heap_size: usize,
    /// Off-heap binaries before they are a reason to collect, in words.
    pub min_binary_heap: usize,
    /// Minor collections between full sweeps.
    pub fullsweep_after: u32,
    /// What a process may grow to.
    pub max_heap_size: MaxHeapSize,
    /// Whether messages are kept off the heap.
    pub off_heap_messages: bool,
}

/// All processes.
pub struct Processes {
    /// From pids to processes.
    pub table: ProcessTable,
    /// Who can run.
    pub queues: RunQueues,
    /// Registered names.
    pub registry: Registry,
    /// Aliases.
    pub aliases: Aliases,
    /// Where references come from.
    pub references: References,
    /// The pid of the process that has the processor.
    pub running: Option<Term>,
    /// The process that the machine was started for, and what to call with its exit reason (a term that lives until then)
    /// when it ends.
    pub first: Option<(Term, FirstEnded)>,
    /// What new processes get unless they ask for another.
    pub defaults: Defaults,
    /// Processes whose exit has to be carried out: first and last.
    pub(super) exiting: Option<(Term, Term)>,
    /// Those of them that are in the middle of a built-in function, which has to end before: first and last.
    pub(super) unwinding: Option<(Term, Term)>,
    /// Those that are freeing what they owned, in slices: first and last.
    pub(super) lingering: Option<(Term, Term)>,
    /// Processes that wait for another's built-in function to end: see [`crate::bif::Context::when_outside`].
    pub waiting_for_others: Vec<Term>,
}

impl Processes {
    /// No process, with the limits and defaults of `options`.
    pub fn new(references: References, options: &Options) -> Processes {
        Processes {
            table: ProcessTable::new(options.process_limit),
            queues: RunQueues::new(),
            registry: Registry::new(),
            aliases: Aliases::new(),
            references,
            running: None,
            first: None,
            defaults: Defaults {
                min_heap_size: options.min_heap_size,
                min_binary_heap: MIN_BINARY_HEAP_WORDS,
                fullsweep_after: options.fullsweep_after,
                max_heap_size: options.max_heap_size,
                off_heap_messages: options.messages_off_heap,
            },
            exiting: None,
            unwinding: None,
            lingering: None,
            waiting_for_others: Vec::new(),
        }
    }

    /// A new process with a heap of `heap_words` words. It waits: whoever made it
    /// prepares it and calls [`Processes::wake`].
    pub fn create(&mut self, heap_words: usize) -> Result<&mut Process, InsertError> {
        let defaults = self.defaults;
        let mut process = self.table.insert(|pid| {
            let mut process = Process::new(pid, heap_words)?;
            process.fullsweep_after = defaults.fullsweep_after;
            process.off_heap_messages = defaults.off_heap_messages;
            if defaults.min_binary_heap != MIN_BINARY_HEAP_WORDS {
                process.rare()?.min_binary_heap = defaults.min_binary_heap;
            }
            if defaults.max_heap_size.words != 0 {
                process.rare()?.max_heap_size = defaults.max_heap_size;
            }
            Ok(process)
        })?;
        // SAFETY: the table owns the process, and is borrowed for as long as it is.
        Ok(unsafe { process.as_mut() })
    }

    /// The process of `pid`, if it is alive and not on its way out.
    #[inline]
    pub fn alive(&mut self, pid: Term) -> Option<&mut Process> {
        self.table
            .get_mut(pid)
            .filter(|process| process.state != State::Exiting)
    }

    /// Makes a process that waits runnable.
    #[inline]
    pub fn wake(&mut self, pid: Term) {
        let Some(mut process) = self.table.get(pid) else {
            return;
        };
        // SAFETY: the table's processes are alive, and nobody borrows one while the population is borrowed mutably.
        let process_mut = unsafe { process.as_mut() };
        if process_mut.state != State::Waiting {
            return;
        }
        if process_mut.suspended > 0 {
            process_mut.runnable_when_resumed = true;
            return;
        }
        // SAFETY: as above; a process leaves its queue before it leaves the table (`exit::begin`).
        unsafe { self.queues.push(process) };
    }

    /// Lets those that wait for another process to come out of a built-in function look again.
    #[cold]
    pub fn wake_waiting_for_others(&mut self) {
        while let Some(waiting) = self.waiting_for_others.pop() {
            self.wake(waiting);
        }
    }

    /// Gives the process that ran its place behind the others: its turn is over.
    pub fn requeue(&mut self, pid: Term) {
        if let Some(process) = self.table.get_mut(pid)
            && process.state == State::Running
        {
            process.state = State::Waiting;
            self.wake(pid);
        }
    }

    /// Takes a process off the processor and out of its queue until it is resumed as often.
    pub fn suspend(&mut self, pid: Term) {
        let Some(process) = self.table.get(pid) else {
            return;
        };
        // SAFETY: as in `wake`.
        unsafe {
            let process = &mut *process.as_ptr();
            process.suspended += 1;
            if process.state == State::Runnable {
                process.runnable_when_resumed = true;
                self.queues.remove(NonNull::from(process));
            }
        }
    }

    /// Takes one [`Processes::suspend`] back.
    pub fn resume(&mut self, pid: Term) {
        let Some(process) = self.table.get_mut(pid) else {
            return;
        };
        process.suspended = process.suspended.saturating_sub(1);
        if process.suspended == 0 && core::mem::take(&mut process.runnable_when_resumed) {
            self.wake(pid);
        }
    }

    /// Puts the message that `build` makes in the memory of `to` into its mailbox, and wakes it: a message of the machine itself. Nothing
    /// happens if there is no such process. The message may refer to terms of the receiver's, so it is on its heap in any case.
    #[inline]
    pub fn post(
        &mut self,
        to: Term,
        build: impl FnOnce(&mut Process) -> Result<Term, NoMemory>,
    ) -> Result<(), NoMemory> {
        let Some(process) = self.alive(to) else {
            return Ok(());
        };
        post_home(process, build)?;
        sequential::untouched(process);
        self.wake(to);
        Ok(())
    }

    /// As [`Processes::post`], on behalf of another process: without its token the receiver loses its own.
    #[inline]
    pub fn post_for_process(
        &mut self,
        to: Term,
        build: impl FnOnce(&mut Process) -> Result<Term, NoMemory>,
    ) -> Result<(), NoMemory> {
        let Some(process) = self.alive(to) else {
            return Ok(());
        };
        post_home(process, build)?;
        self.wake(to);
        Ok(())
    }

    /// As [`Processes::post`], for a message all of which `build` makes, or nothing: it is kept off the heap of who wants that, where
    /// the collector would not find what else it refers to.
    #[inline]
    pub fn post_whole(
        &mut self,
        to: Term,
        build: impl FnOnce(&mut Process) -> Result<Term, NoMemory>,
    ) -> Result<(), NoMemory> {
        self.put_whole(to, build, |_| {})
    }

    /// As [`Processes::post_whole`], for the message of a timer.
    #[inline]
    pub fn post_of_timer(
        &mut self,
        to: Term,
        build: impl FnOnce(&mut Process) -> Result<Term, NoMemory>,
    ) -> Result<(), NoMemory> {
        self.put_whole(to, build, sequential::untouched)
    }

    #[inline]
    fn put_whole(
        &mut self,
        to: Term,
        build: impl FnOnce(&mut Process) -> Result<Term, NoMemory>,
        mark: impl FnOnce(&mut Process),
    ) -> Result<(), NoMemory> {
        let Some(process) = self.alive(to) else {
            return Ok(());
        };
        if process.off_heap_messages {
            post_apart(process, build)?;
        } else {
            post_home(process, build)?;
        }
        mark(process);
        self.wake(to);
        Ok(())
    }
}

/// Puts the message that `build` makes on the process's heap into its mailbox.
#[inline(always)]
fn post_home(
    process: &mut Process,
    build: impl FnOnce(&mut Process) -> Result<Term, NoMemory>,
) -> Result<(), NoMemory> {
    process.mailbox.reserve()?;
    let message = build(process)?;
    process.mailbox.push(message)
}

/// Puts the message that `build` makes into a mailbox whose messages are kept off the heap.
#[cold]
fn post_apart(
    process: &mut Process,
    build: impl FnOnce(&mut Process) -> Result<Term, NoMemory>,
) -> Result<(), NoMemory> {
    let (message, parcel) = Heap::build_apart(process, |process| &mut process.heap, build)?;
    match parcel.is_empty() {
        true => process.mailbox.push(message),
        false => process.mailbox.push_apart(message, parcel),
    }
}

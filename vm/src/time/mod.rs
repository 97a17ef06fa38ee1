//! Time as the machine needs it: the clocks, and what happens when a timer fires.
//!
//! [`Timers`] joins the [`wheel`], which knows deadlines, to what is waiting: a `receive … after`, or a message that
//! `send_after` and `start_timer` left. The scheduler calls [`fire`]; `receive`'s
//! instructions and the timer built-ins start and cancel.
//!
//! Invariant: a timer with a reference is in the wheel and in the index, or in neither; one with a
//! pid as destination is also in that process's [`Rare::timers`](crate::process::Rare::timers), and ends with the process.

pub mod clock;
pub mod warp;
pub mod wheel;
pub mod zone;

use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::process::population::Processes;
use crate::process::reference::RefNumber;
use crate::process::{ReceiveTimer, try_box};
use crate::term::Term;
use crate::tracing::event;
use alloc::boxed::Box;
use alloc::vec::Vec;
use hashbrown::HashTable;
use wheel::{TimerHandle, Wheel};

/// A message that is sent when its time comes.
struct MessageTimer {
    reference: RefNumber,
    /// A local pid, or a name.
    destination: Term,
    message: Term,
    /// Where the message is.
    parcel: Parcel,
}

enum Expiry {
    /// The `receive` of this process is over.
    Receive(Term),
    Message(Box<MessageTimer>),
}

/// A timer with a message, for those who look.
pub struct Waiting {
    /// When it fires, in nanoseconds of monotonic time.
    pub deadline: u64,
    /// A local pid, or a name.
    pub destination: Term,
    /// What is sent.
    pub message: Term,
}

/// All timers of a machine.
pub struct Timers {
    wheel: Wheel<Expiry>,
    by_reference: HashTable<(RefNumber, TimerHandle)>,
}

impl Timers {
    /// No timer, at monotonic time `now`.
    pub fn new(now: u64) -> Timers {
        Timers {
            wheel: Wheel::new(now),
            by_reference: HashTable::new(),
        }
    }

    /// How many timers are running.
    pub fn len(&self) -> usize {
        self.wheel.len()
    }

    /// Whether no timer is running.
    pub fn is_empty(&self) -> bool {
        self.wheel.is_empty()
    }

    /// When [`fire`] has something to do next, in nanoseconds of monotonic time.
    pub fn next_deadline(&self) -> Option<u64> {
        self.wheel.next_deadline()
    }

    /// Starts the timer of a `receive` of the process `pid`.
    pub fn start_receive(&mut self, deadline: u64, pid: Term) -> Result<TimerHandle, NoMemory> {
        self.wheel.insert(deadline, Expiry::Receive(pid))
    }

    /// Stops such a timer.
    pub fn cancel_receive(&mut self, handle: TimerHandle) {
        self.wheel.cancel(handle);
    }

    /// Starts a timer that sends what `message` makes in the parcel that it is given.
    pub fn start_message(
        &mut self,
        deadline: u64,
        reference: RefNumber,
        destination: Term,
        message: impl FnOnce(&mut Parcel) -> Result<Term, NoMemory>,
    ) -> Result<(), NoMemory> {
        let mut parcel = Parcel::new();
        let message = message(&mut parcel)?;
        let timer = try_box(MessageTimer {
            reference,
            destination,
            message,
            parcel,
        })?;
        self.by_reference
            .try_reserve(1, |(key, _)| key.hash())
            .map_err(|_| NoMemory)?;
        let handle = self.wheel.insert(deadline, Expiry::Message(timer))?;
        self.by_reference
            .insert_unique(reference.hash(), (reference, handle), |(key, _)| key.hash());
        Ok(())
    }

    /// Bytes that timers with messages take, without the messages.
    pub fn message_bytes(&self) -> usize {
        self.by_reference.len() * size_of::<MessageTimer>()
    }

    /// The words of the messages that are to be sent.
    pub fn messages(&self) -> impl Iterator<Item = &[u64]> {
        let timers = self.wheel.iter().filter_map(|expiry| match expiry {
            Expiry::Message(timer) => Some(&timer.parcel),
            Expiry::Receive(_) => None,
        });
        timers.flat_map(Parcel::areas)
    }

    /// The timers that will send a message, in no order.
    pub fn waiting(&self) -> impl Iterator<Item = Waiting> {
        self.by_reference.iter().filter_map(|&(_, handle)| {
            let deadline = self.wheel.deadline(handle)?;
            match self.wheel.get(handle)? {
                Expiry::Message(timer) => Some(Waiting {
                    deadline,
                    destination: timer.destination,
                    message: timer.message,
                }),
                Expiry::Receive(_) => None,
            }
        })
    }

    /// When the timer `reference` fires, if it is running.
    pub fn deadline(&self, reference: RefNumber) -> Option<u64> {
        let found = self
            .by_reference
            .find(reference.hash(), |(key, _)| *key == reference)?;
        self.wheel.deadline(found.1)
    }

    /// Stops the timer `reference`: when it would have fired, and where its message would have gone.
    pub fn cancel_message(&mut self, reference: RefNumber) -> Option<(u64, Term)> {
        let entry = self
            .by_reference
            .find_entry(reference.hash(), |(key, _)| *key == reference);
        let ((_, handle), _) = entry.ok()?.remove();
        let deadline = self.wheel.deadline(handle)?;
        match self.wheel.cancel(handle)? {
            Expiry::Message(timer) => Some((deadline, timer.destination)),
            Expiry::Receive(_) => None,
        }
    }
}

/// Fires every timer whose time has come at monotonic time `now`.
pub fn fire(machine: &mut Machine, now: u64) {
    let Timers {
        wheel,
        by_reference,
    } = &mut machine.timers;
    let processes = &mut machine.processes;
    let listens = machine.tracing.receivers != 0;
    let mut told: Vec<(Term, Term)> = Vec::new();
    wheel.advance(now, |expiry| match expiry {
        Expiry::Receive(pid) => {
            if let Some(process) = processes.alive(pid) {
                process.receive_timer = ReceiveTimer::Fired;
                processes.wake(pid);
            }
        }
        Expiry::Message(timer) => {
            let entry =
                by_reference.find_entry(timer.reference.hash(), |(key, _)| *key == timer.reference);
            if let Ok(entry) = entry {
                entry.remove();
            }
            let delivered = deliver(processes, *timer);
            if listens && told.try_reserve(1).is_ok() {
                told.extend(delivered);
            }
        }
    });
    for (pid, message) in told {
        event::received_this(machine, pid, None, message);
    }
}

/// Hands a timer's message over: to whom, and the message. Like any message to a process or name that is not there, it may find nobody.
fn deliver(processes: &mut Processes, timer: MessageTimer) -> Option<(Term, Term)> {
    let pid = match timer.destination.as_atom() {
        Some(name) => processes.registry.whereis(name),
        None => Some(timer.destination),
    };
    let pid = pid?;
    let MessageTimer {
        reference,
        message,
        parcel,
        ..
    } = timer;
    let posted = processes.post_of_timer(pid, |process| {
        if let Some(rare) = &mut process.rare {
            rare.timers.remove(reference);
        }
        parcel.give_to(&mut process.heap)?;
        Ok(message)
    });
    if posted == Err(NoMemory) {
        log::error!("no memory to deliver the message of a timer: it is lost");
        return None;
    }
    Some((pid, message))
}

/// The message of `start_timer`: `{timeout, Reference, Message}`.
pub fn timeout_message<A: Arena + ?Sized>(
    arena: &mut A,
    reference: RefNumber,
    message: Term,
) -> Result<Term, NoMemory> {
    let reference = reference.term(arena)?;
    arena.tuple(&[crate::atom::am::TIMEOUT.term(), reference, message])
}

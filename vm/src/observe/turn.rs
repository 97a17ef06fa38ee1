//! What happens around a turn: who asked is told of long turns, of long queues of messages, and of who becomes active and inactive.
//!
//! Called by the run loop, for every turn; [`begins`] and [`ends`] decide with one comparison whether there is anything to do.

use super::{location, monitor, profile, tell};
use crate::atom::am;
use crate::interp::Exit;
use crate::machine::Machine;
use crate::memory::{Arena, NoMemory};
use crate::process::Mfa;
use crate::term::Term;

/// The beginning of the turn under way.
#[derive(Debug)]
pub struct Begun {
    at: u64,
    place: Option<Mfa>,
}

impl Begun {
    /// No turn that is looked at.
    pub const NONE: Begun = Begun { at: 0, place: None };
}

/// The process `pid` gets the processor.
#[inline]
pub fn begins(machine: &mut Machine, pid: Term) {
    if machine.observer.turns {
        look_at_beginning(machine, pid);
    }
}

/// It had the processor, and stopped because of `exit`.
#[inline]
pub fn ends(machine: &mut Machine, pid: Term, exit: Exit) {
    if machine.observer.turns {
        look_at_end(machine, pid, exit);
    }
}

#[cold]
fn look_at_beginning(machine: &mut Machine, pid: Term) {
    let place = location(machine, pid);
    profile::process_runs(machine, pid, place);
    if let Some(monitor) = &machine.observer.monitor {
        let (long_turns, queues) = (monitor.long_turn.is_some(), monitor.long_queue);
        if long_turns {
            let at = machine.platform.monotonic_ns();
            machine.observer.turn = Begun { at, place };
        }
        if let Some((_, enable)) = queues {
            queue(machine, pid, |len| len >= enable, true);
        }
    }
}

#[cold]
fn look_at_end(machine: &mut Machine, pid: Term, exit: Exit) {
    let begun = core::mem::replace(&mut machine.observer.turn, Begun::NONE);
    let place = match exit {
        Exit::Exited => None,
        _ => location(machine, pid),
    };
    if let Some(monitor) = &machine.observer.monitor
        && monitor.receiver != pid
    {
        let (receiver, limit, queues) = (monitor.receiver, monitor.long_turn, monitor.long_queue);
        if let Some(limit) = limit
            && begun.at != 0
        {
            let lasted = machine.platform.monotonic_ns() - begun.at;
            let milliseconds = lasted / monitor::NS_PER_MS;
            if milliseconds >= limit {
                tell(machine, receiver, |heap| {
                    let info = places(heap, milliseconds, begun.place, place)?;
                    heap.tuple(&[am::MONITOR.term(), pid, am::LONG_SCHEDULE.term(), info])
                });
            }
        }
        if let Some((disable, enable)) = queues {
            queue(machine, pid, |len| len >= enable, true);
            queue(machine, pid, |len| len <= disable, false);
        }
    }
    let waits = match exit {
        Exit::Wait | Exit::Exited => true,
        Exit::Yield | Exit::Continue => false,
    };
    if waits {
        profile::process_waits(machine, pid, place);
    }
}

/// `[{timeout, Milliseconds}, {in, Place}, {out, Place}]`
fn places<A: Arena + ?Sized>(
    arena: &mut A,
    milliseconds: u64,
    from: Option<Mfa>,
    to: Option<Mfa>,
) -> Result<Term, NoMemory> {
    let timeout = arena.unsigned(milliseconds)?;
    let timeout = arena.tuple(&[am::TIMEOUT.term(), timeout])?;
    let from = place_term(arena, from, am::UNDEFINED.term())?;
    let from = arena.tuple(&[am::IN.term(), from])?;
    let to = place_term(arena, to, am::UNDEFINED.term())?;
    let to = arena.tuple(&[am::OUT.term(), to])?;
    arena.list(&[timeout, from, to])
}

/// `{Module, Function, Arity}`, or `nowhere`.
pub(super) fn place_term<A: Arena + ?Sized>(
    arena: &mut A,
    place: Option<Mfa>,
    nowhere: Term,
) -> Result<Term, NoMemory> {
    match place {
        Some(at) => arena.tuple(&[
            at.module.term(),
            at.function.term(),
            Term::small(at.arity.into()),
        ]),
        None => Ok(nowhere),
    }
}

/// Tells that the queue of a process has become long or is so no longer, if `crosses` says so of its length and that is news.
fn queue(machine: &mut Machine, pid: Term, crosses: impl Fn(u64) -> bool, long: bool) {
    let Some(process) = machine.processes.alive(pid) else {
        return;
    };
    if process.long_queue == long || !crosses(process.mailbox.len() as u64) {
        return;
    }
    process.long_queue = long;
    let Some(receiver) = machine.observer.monitor.as_ref().map(|m| m.receiver) else {
        return;
    };
    if receiver != pid {
        tell(machine, receiver, |heap| {
            let news = [am::MONITOR, am::LONG_MESSAGE_QUEUE].map(|atom| atom.term());
            heap.tuple(&[news[0], pid, news[1], Term::boolean(long)])
        });
    }
}

//! Trace messages: `{trace, Tracee, Tag, ...}`, and `{trace_ts, ...}` with a time at the end.
//!
//! A message to a process is built in the process's own memory; a port gets it in external term format, as its driver's input.
//! Neither is itself traced.

use super::flags::Flags;
use super::tracee::{self, Link};
use super::tracer::Tracer;
use crate::atom::am;
use crate::bif::statistics::busy_ns;
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::port::output::Output;
use crate::port::signal;
use crate::process::exit;
use crate::term::copy::copy;
use crate::term::{Atom, MIN_SMALL, Term, etf};
use crate::time::clock;
use core::ops::Range;
use smallvec::SmallVec;

/// The time of an event.
#[derive(Clone, Copy)]
enum Stamp {
    None,
    /// `{Megaseconds, Seconds, Microseconds}`, from microseconds.
    Split(i64),
    Monotonic(i64),
    /// With a unique integer.
    Strict(i64, i64),
}

impl Stamp {
    fn now(machine: &mut Machine, flags: Flags) -> Stamp {
        if flags.any(Flags::TIMESTAMP) {
            if machine.tracing.cpu_timestamp {
                return Stamp::Split((busy_ns(machine) / 1000) as i64);
            }
            let now = machine.clock.system_time(&mut *machine.platform) / 1000;
            // As `erlang:now/0`: never twice the same.
            let last = &mut machine.clock.last_now;
            *last = now.max(*last + 1);
            Stamp::Split(*last)
        } else if flags.any(Flags::STRICT_MONOTONIC) {
            let now = clock::monotonic(&mut *machine.platform);
            let unique = machine.processes.references.unique_integer(true);
            Stamp::Strict(now, unique as i64 + MIN_SMALL)
        } else if flags.any(Flags::MONOTONIC) {
            Stamp::Monotonic(clock::monotonic(&mut *machine.platform))
        } else {
            Stamp::None
        }
    }

    fn term(self, arena: &mut impl Arena) -> Result<Option<Term>, NoMemory> {
        Ok(Some(match self {
            Stamp::None => return Ok(None),
            Stamp::Split(time) => {
                let seconds = time.div_euclid(1_000_000);
                arena.tuple(&[
                    Term::small(seconds.div_euclid(1_000_000)),
                    Term::small(seconds.rem_euclid(1_000_000)),
                    Term::small(time.rem_euclid(1_000_000)),
                ])?
            }
            Stamp::Monotonic(time) => arena.integer(time)?,
            Stamp::Strict(time, unique) => {
                let pair = [arena.integer(time)?, arena.integer(unique)?];
                arena.tuple(&pair)?
            }
        }))
    }
}

/// What a message says.
#[derive(Clone, Copy)]
struct Told<'a> {
    tracee: Term,
    tag: Atom,
    fields: &'a [Term],
    flags: Flags,
    stamp: Stamp,
}

impl Told<'_> {
    fn term(self, arena: &mut impl Arena, literals: &Range<usize>) -> Result<Term, NoMemory> {
        let first = match self.stamp {
            Stamp::None => am::TRACE,
            _ => am::TRACE_TS,
        };
        let mut elements: SmallVec<[Term; 9]> = SmallVec::new();
        elements.extend([first.term(), self.tracee, self.tag.term()]);
        for field in self.fields {
            elements.push(copy(*field, arena, literals)?);
        }
        if self.flags.any(Flags::SCHEDULER_ID) {
            elements.push(Term::small(1));
        }
        elements.extend(self.stamp.term(arena)?);
        arena.tuple(&elements)
    }
}

/// Tells one tracer.
pub fn tell(machine: &mut Machine, tracee: Term, link: &Link, tag: Atom, fields: &[Term]) {
    let told = Told {
        tracee,
        tag,
        fields,
        flags: link.flags,
        stamp: Stamp::now(machine, link.flags),
    };
    let literals = machine.literals.clone();
    match link.tracer {
        Tracer::Nobody | Tracer::NoReceiver(_) => {}
        Tracer::Process(pid) => {
            let posted = machine
                .processes
                .post(pid, |tracer| told.term(&mut tracer.heap, &literals));
            if posted.is_err() {
                exit::begin(machine, pid, am::KILLED.term());
            }
        }
        Tracer::Port(port) => {
            let mut parcel = Parcel::new();
            let bytes = told
                .term(&mut parcel, &literals)
                .and_then(|term| etf::encode(&machine.atoms, term, &etf::EncodeOptions::default()));
            // Without memory for it the event is lost, as for a driver that is busy.
            if let Ok(bytes) = bytes {
                signal::write(machine, port, None, Output::from_bytes(bytes));
            }
        }
    }
}

/// Tells every tracer that wants one of `flags` of the tracee.
pub fn tell_all(machine: &mut Machine, tracee: Term, flags: Flags, tag: Atom, fields: &[Term]) {
    for link in tracee::listeners(machine, tracee, flags) {
        tell(machine, tracee, &link, tag, fields);
    }
}

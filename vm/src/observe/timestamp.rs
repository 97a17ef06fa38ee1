//! Timestamps in messages about what happened: those of `system_profile` and `seq_trace`.

use crate::machine::Machine;
use crate::memory::{Arena, NoMemory};
use crate::term::{MIN_SMALL, Term};
use crate::time::clock;

/// What kind of timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `timestamp`: `{Megaseconds, Seconds, Microseconds}` since 1970.
    Time,
    /// `monotonic_timestamp`: native units of Erlang monotonic time.
    Monotonic,
    /// `strict_monotonic_timestamp`: `{MonotonicTime, UniqueInteger}`.
    StrictMonotonic,
}

/// A moment, as one of the kinds tells it.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    kind: Kind,
    nanoseconds: i64,
    unique: i64,
}

impl Timestamp {
    /// Now.
    pub fn now(machine: &mut Machine, kind: Kind) -> Timestamp {
        let nanoseconds = match kind {
            Kind::Time => machine.clock.system_time(&mut *machine.platform),
            Kind::Monotonic | Kind::StrictMonotonic => clock::monotonic(&mut *machine.platform),
        };
        let unique = match kind {
            Kind::StrictMonotonic => {
                let number = machine.processes.references.unique_integer(true);
                MIN_SMALL.saturating_add_unsigned(number)
            }
            _ => 0,
        };
        Timestamp {
            kind,
            nanoseconds,
            unique,
        }
    }

    /// As a term.
    pub fn term<A: Arena + ?Sized>(self, arena: &mut A) -> Result<Term, NoMemory> {
        match self.kind {
            Kind::Time => {
                let microseconds = self.nanoseconds.div_euclid(1000);
                let seconds = microseconds.div_euclid(1_000_000);
                arena.tuple(&[
                    Term::small(seconds.div_euclid(1_000_000)),
                    Term::small(seconds.rem_euclid(1_000_000)),
                    Term::small(microseconds.rem_euclid(1_000_000)),
                ])
            }
            Kind::Monotonic => arena.integer(self.nanoseconds),
            Kind::StrictMonotonic => {
                let time = arena.integer(self.nanoseconds)?;
                let unique = arena.integer(self.unique)?;
                arena.tuple(&[time, unique])
            }
        }
    }
}

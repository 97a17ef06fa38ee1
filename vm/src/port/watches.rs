//! Which port looks for what on which stream.
//!
//! Invariant: an entry looks for something; a stream has an entry for each port that does, which is mostly one. `Port::watched` counts those
//! of a port.

use crate::memory::NoMemory;
use crate::platform::io::{Descriptor, Interest};
use crate::term::Term;
use hashbrown::HashMap;
use smallvec::SmallVec;

/// What is looked for on streams.
#[derive(Default)]
pub(super) struct Watches {
    of: HashMap<Descriptor, SmallVec<[(Term, Interest); 1]>>,
}

/// What became of the number of entries of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    More,
    Less,
    Same,
}

impl Watches {
    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// How many streams are looked at.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// What all ports together look for on a stream.
    pub fn interest(&self, descriptor: Descriptor) -> Interest {
        let all = self.of.get(&descriptor).into_iter().flatten();
        all.fold(Interest::NONE, |all, (_, interest)| all.or(*interest))
    }

    /// The port at this place among those that look at a stream.
    pub fn at(&self, descriptor: Descriptor, place: usize) -> Option<(Term, Interest)> {
        self.of.get(&descriptor)?.get(place).copied()
    }

    /// Sets what `port` looks for on a stream.
    pub fn set(
        &mut self,
        port: Term,
        descriptor: Descriptor,
        interest: Interest,
    ) -> Result<Change, NoMemory> {
        if interest.is_none() {
            let Some(ports) = self.of.get_mut(&descriptor) else {
                return Ok(Change::Same);
            };
            let before = ports.len();
            ports.retain(|(other, _)| *other != port);
            let less = ports.len() < before;
            if ports.is_empty() {
                self.of.remove(&descriptor);
            }
            return Ok(if less { Change::Less } else { Change::Same });
        }
        self.of.try_reserve(1).map_err(|_| NoMemory)?;
        let ports = self.of.entry(descriptor).or_default();
        if let Some((_, known)) = ports.iter_mut().find(|(other, _)| *other == port) {
            *known = interest;
            return Ok(Change::Same);
        }
        ports.try_reserve(1).map_err(|_| NoMemory)?;
        ports.push((port, interest));
        Ok(Change::More)
    }

    /// A stream that `port` looks at; looks at all of them.
    pub fn any_of(&self, port: Term) -> Option<Descriptor> {
        let mut all = self.of.iter();
        let found = all.find(|(_, ports)| ports.iter().any(|(other, _)| *other == port));
        found.map(|(descriptor, _)| *descriptor)
    }

    /// There is no such stream; who looked at it.
    pub fn forget(&mut self, descriptor: Descriptor) -> SmallVec<[(Term, Interest); 1]> {
        self.of.remove(&descriptor).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Interest = Interest {
        read: true,
        write: false,
    };
    const WRITE: Interest = Interest {
        read: false,
        write: true,
    };

    #[test]
    fn what_ports_look_for_adds_up() {
        let mut watches = Watches::default();
        let (one, other) = (Term::local_port(1), Term::local_port(2));
        let stream = Descriptor(7);
        assert_eq!(watches.set(one, stream, READ), Ok(Change::More));
        assert_eq!(watches.set(one, stream, READ), Ok(Change::Same));
        assert_eq!(watches.set(other, stream, WRITE), Ok(Change::More));
        assert_eq!(watches.interest(stream), READ.or(WRITE));
        assert_eq!(watches.any_of(other), Some(stream));
        assert_eq!(watches.set(one, stream, Interest::NONE), Ok(Change::Less));
        assert_eq!(watches.set(one, stream, Interest::NONE), Ok(Change::Same));
        assert_eq!(watches.at(stream, 0), Some((other, WRITE)));
        assert_eq!(watches.forget(stream).len(), 1);
        assert!(watches.is_empty());
    }
}

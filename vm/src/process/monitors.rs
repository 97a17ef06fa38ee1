//! Monitors on the side of who asked for them.
//!
//! Most are without a tag, and the collector has nothing to see in them: it looks at them only while there is one that has. So a
//! process with very many of them collects as quickly as any other.
//!
//! Invariant: `tagged` is how many have a tag.

use super::reference::RefNumber;
use super::ties::Ties;
use crate::atom::am;
use crate::dist::signal::Target;
use crate::memory::{Arena, NoMemory};
use crate::term::external::RemotePort;
use crate::term::{Atom, Term};

/// What a monitor watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The process of this pid.
    Process(Term),
    /// The process of this pid, monitored by its registered name.
    Name(Term, Atom),
    /// This port.
    Port(Term),
    /// This port, monitored by its registered name.
    PortName(Term, Atom),
    /// A process of another node.
    Remote(Target),
    /// A port of this node in an earlier life: nothing is there to watch.
    EarlierPort(RemotePort),
    /// Changes of the time offset.
    TimeOffset,
}

impl Watched {
    /// Whether it is of another node.
    pub fn is_remote(self) -> bool {
        matches!(self, Watched::Remote(_))
    }

    /// What `'DOWN'` and `process_info(Pid, monitors)` call it. `this` is the node of names of this one.
    pub fn object<A: Arena + ?Sized>(self, this: Atom, arena: &mut A) -> Result<Term, NoMemory> {
        match self {
            Watched::Process(id) | Watched::Port(id) => Ok(id),
            Watched::Name(_, name) | Watched::PortName(_, name) => {
                arena.tuple(&[name.term(), this.term()])
            }
            Watched::Remote(Target::Process(pid)) => pid.term(arena),
            Watched::Remote(Target::Name(name, node)) => arena.tuple(&[name.term(), node.term()]),
            Watched::EarlierPort(port) => port.term(arena),
            Watched::TimeOffset => Ok(am::CLOCK_SERVICE.term()),
        }
    }

    /// The process or port of this node; `[]`, which is neither, if there is none.
    pub fn identifier(self) -> Term {
        match self {
            Watched::Process(id) | Watched::Name(id, _) => id,
            Watched::Port(id) | Watched::PortName(id, _) => id,
            Watched::Remote(_) | Watched::EarlierPort(_) | Watched::TimeOffset => Term::NIL,
        }
    }

    /// What kind of thing it is, as `monitor/2` calls it.
    pub fn kind(self) -> Atom {
        match self {
            Watched::Process(_) | Watched::Name(..) | Watched::Remote(_) => am::PROCESS,
            Watched::Port(_) | Watched::PortName(..) | Watched::EarlierPort(_) => am::PORT,
            Watched::TimeOffset => am::TIME_OFFSET,
        }
    }
}

/// A monitor, on the side that asked for it.
#[derive(Clone, Copy, Debug)]
pub struct Monitor {
    /// What it watches.
    pub target: Watched,
    /// What `monitor/3` wants in place of `'DOWN'`; a term of the process's own memory.
    pub tag: Option<Term>,
}

/// The monitors that a process holds, by their references.
pub struct Monitors {
    ties: Ties<RefNumber, Monitor>,
    tagged: usize,
}

impl Monitors {
    /// None.
    pub const fn new() -> Monitors {
        Monitors {
            ties: Ties::new(),
            tagged: 0,
        }
    }

    /// Adds a monitor; false, and nothing changes, if there is one with this reference.
    pub fn insert(&mut self, reference: RefNumber, monitor: Monitor) -> Result<bool, NoMemory> {
        let new = self.ties.insert(reference, monitor)?;
        self.tagged += usize::from(new && monitor.tag.is_some());
        Ok(new)
    }

    /// Takes out the monitor with this reference.
    pub fn remove(&mut self, reference: RefNumber) -> Option<Monitor> {
        let monitor = self.ties.remove(reference)?;
        self.tagged -= usize::from(monitor.tag.is_some());
        Some(monitor)
    }

    /// Takes out the oldest.
    pub fn pop_first(&mut self) -> Option<(RefNumber, Monitor)> {
        let (reference, monitor) = self.ties.pop_first()?;
        self.tagged -= usize::from(monitor.tag.is_some());
        Some((reference, monitor))
    }

    /// The monitor with this reference.
    pub fn get(&self, reference: RefNumber) -> Option<&Monitor> {
        self.ties.get(reference)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ties.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ties.is_empty()
    }

    /// All, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (RefNumber, &Monitor)> {
        self.ties.iter()
    }

    /// Every term in them, for the collector.
    pub fn roots(&mut self) -> impl Iterator<Item = &mut Term> {
        let looked_at = (self.tagged > 0).then_some(&mut self.ties);
        let monitors = looked_at.into_iter().flat_map(Ties::values_mut);
        monitors.filter_map(|monitor| monitor.tag.as_mut())
    }
}

impl Default for Monitors {
    fn default() -> Self {
        Monitors::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::reference::References;
    use alloc::vec::Vec;

    #[test]
    fn tags_are_roots_as_long_as_their_monitors_are_there() {
        let mut references = References::new(1);
        let mut monitors = Monitors::new();
        let tags = [None, Some(Term::small(1)), None, Some(Term::small(2)), None];
        let made = tags.map(|tag| {
            let reference = references.make();
            let target = Watched::TimeOffset;
            assert_eq!(
                monitors.insert(reference, Monitor { target, tag }),
                Ok(true)
            );
            reference
        });
        let seen = |monitors: &mut Monitors| monitors.roots().map(|tag| *tag).collect::<Vec<_>>();
        assert_eq!(seen(&mut monitors), [Term::small(1), Term::small(2)]);
        assert!(monitors.remove(made[1]).is_some());
        assert!(monitors.remove(made[1]).is_none());
        assert_eq!(seen(&mut monitors), [Term::small(2)]);
        while monitors.pop_first().is_some() {}
        assert_eq!(seen(&mut monitors), []);
        assert_eq!(monitors.tagged, 0);
    }
}

//! When drivers want to be called: the earliest first.
//!
//! A deadline that a port does not have any more stays where it is until its time has come or too many of them are there: who waits for data
//! with a time-out mostly gets it, and then taking the deadline out would cost as much as putting it in.
//!
//! Invariant: each port's deadline is here, and so may be former ones; [`super::Port`] knows which is true.

use crate::memory::NoMemory;
use crate::term::Term;
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// Former deadlines that are always put up with.
const SPARE: usize = 256;

/// Deadlines, in nanoseconds of monotonic time, and the ports that have or had them.
#[derive(Default)]
pub(super) struct Deadlines {
    heap: BinaryHeap<Reverse<(u64, u64)>>,
    /// How many ports have one.
    pub ports: usize,
}

impl Deadlines {
    /// Adds one. `is_true` tells whether a port has a deadline still.
    pub fn add(
        &mut self,
        port: Term,
        deadline: u64,
        mut is_true: impl FnMut(Term, u64) -> bool,
    ) -> Result<(), NoMemory> {
        if self.heap.len() > SPARE + 2 * self.ports {
            let mut kept: Vec<_> = core::mem::take(&mut self.heap).into_vec();
            kept.retain(|Reverse((deadline, port))| is_true(Term::local_port(*port), *deadline));
            self.heap = BinaryHeap::from(kept);
        }
        self.heap.try_reserve(1).map_err(|_| NoMemory)?;
        self.heap.push(Reverse((deadline, port.identifier_data())));
        Ok(())
    }

    /// The earliest one, which may be a former one.
    pub fn first(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((deadline, _))| *deadline)
    }

    /// Takes out the earliest one if it has come by `now`.
    pub fn take_due(&mut self, now: u64) -> Option<(Term, u64)> {
        let Reverse((deadline, port)) = *self.heap.peek()?;
        if deadline > now {
            return None;
        }
        self.heap.pop();
        Some((Term::local_port(port), deadline))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn former_deadlines_do_not_pile_up() {
        let mut deadlines = Deadlines::default();
        let port = Term::local_port(3);
        deadlines.ports = 1;
        for deadline in 0..10_000 {
            let last = |_: Term, other| other == deadline;
            deadlines.add(port, deadline, last).unwrap();
        }
        assert!(deadlines.heap.len() <= SPARE + 4);
        assert_eq!(deadlines.take_due(0), None);
        let mut last = None;
        while let Some((_, deadline)) = deadlines.take_due(10_000) {
            assert!(last < Some(deadline));
            last = Some(deadline);
        }
        assert_eq!(last, Some(9_999));
    }
}

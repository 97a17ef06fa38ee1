//! When connections are to be looked at again.
//!
//! A heap of times. A connection has at most one entry that counts, the earliest ([`Connection::alarm`]); when its deadline moves
//! to later, as that of retransmission does with each acknowledgement, the entry stays and is found to be too early when it comes up.
//! Entries that do not count any more stay in the heap until they come up, or until there are many of them ([`Timers::tidy`]).
//!
//! Invariant: a connection that waits for a time has an entry no later than that. Entries of connections that are gone are harmless.
//!
//! [`Connection::alarm`]: super::Connection::alarm

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

/// The heap.
pub struct Timers(BinaryHeap<Reverse<(u64, u32)>>);

impl Timers {
    /// Nothing is to be looked at.
    pub fn new() -> Timers {
        Timers(BinaryHeap::new())
    }

    /// Sees to it that `id`, whose earliest entry is `alarm`, comes up at `time`. False: there is no memory for an entry.
    pub fn set(&mut self, id: u32, time: u64, alarm: &mut Option<u64>) -> bool {
        if alarm.is_some_and(|alarm| alarm <= time) {
            return true;
        }
        if self.0.len() == self.0.capacity() && self.0.try_reserve(64).is_err() {
            return false;
        }
        self.0.push(Reverse((time, id)));
        *alarm = Some(time);
        true
    }

    /// One that is due, and its entry's time.
    pub fn due(&mut self, now: u64) -> Option<(u64, u32)> {
        let &Reverse((time, _)) = self.0.peek()?;
        if time > now {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }

    /// Drops the entries that `counts` says do not count, if they must be most of them: there are `live` connections. Keep-alive asks
    /// for times hours away, which the entries of thousands of short connections would wait for.
    pub fn tidy(&mut self, live: usize, counts: impl Fn(u64, u32) -> bool) {
        if self.0.len() > 1024 + 4 * live {
            self.0.retain(|&Reverse((time, id))| counts(time, id));
        }
    }

    /// The earliest time.
    pub fn next(&self) -> Option<u64> {
        self.0.peek().map(|Reverse((time, _))| *time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_connections_that_are_gone_do_not_pile_up() {
        let mut timers = Timers::new();
        let mut longest = 0;
        for id in 0..100_000 {
            assert!(timers.set(id, 7_200_000 + u64::from(id), &mut None));
            timers.tidy(1, |_, other| other == id);
            longest = longest.max(timers.0.len());
        }
        assert!(longest < 2000, "{longest}");
        assert!(timers.due(u64::MAX).is_some());
    }
}

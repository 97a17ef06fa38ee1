//! Several times to be woken at, for a port that has one deadline.

use crate::port::driver::Handle;
use smallvec::SmallVec;

const MILLISECOND: u64 = 1_000_000;

/// Times, and what is to happen then.
pub struct Alarms<K> {
    set: SmallVec<[(u64, K); 1]>,
}

impl<K> Default for Alarms<K> {
    /// None.
    fn default() -> Alarms<K> {
        Alarms {
            set: SmallVec::new(),
        }
    }
}

impl<K: Copy + PartialEq> Alarms<K> {
    /// `what` is to happen in `milliseconds` from now, in place of when it was to happen before.
    pub fn set(&mut self, at: &mut Handle, what: K, milliseconds: u32) {
        let when = at.now() + u64::from(milliseconds) * MILLISECOND;
        self.set.retain(|(_, other)| *other != what);
        if self.set.try_reserve(1).is_err() {
            return at.fail(crate::fs::errno::Errno::ENOMEM);
        }
        self.set.push((when, what));
        self.tell(at);
    }

    /// `what` is not to happen any more.
    pub fn cancel(&mut self, at: &mut Handle, what: K) {
        let before = self.set.len();
        self.set.retain(|(_, other)| *other != what);
        if self.set.len() != before {
            self.tell(at);
        }
    }

    /// As [`Alarms::cancel`], while there is no handle: the port may be called once too early.
    pub fn forget(&mut self, what: K) {
        self.set.retain(|(_, other)| *other != what);
    }

    /// Nothing is to happen any more.
    pub fn cancel_all(&mut self, at: &mut Handle) {
        if !self.set.is_empty() {
            self.set.clear();
            self.tell(at);
        }
    }

    /// What was to happen by now, the earliest first; each is told once. To be asked until it says `None` whenever the port's
    /// deadline has passed.
    pub fn due(&mut self, at: &mut Handle) -> Option<K> {
        let now = at.now();
        let earliest = (0..self.set.len()).min_by_key(|&index| self.set[index].0);
        match earliest {
            Some(index) if self.set[index].0 <= now => Some(self.set.remove(index).1),
            _ => {
                self.tell(at);
                None
            }
        }
    }

    fn tell(&self, at: &mut Handle) {
        at.set_deadline(self.set.iter().map(|(when, _)| *when).min());
    }
}

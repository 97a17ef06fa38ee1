//! Who holds a table fixed (`ets:safe_fixtable/2`), since when.
//!
//! Invariant: a process stands here at most once, with a count above zero, and is alive; so does the table among those that
//! [`super::Tables`] knows the process to have fixed.

use crate::memory::NoMemory;
use crate::term::Term;
use alloc::vec::Vec;

/// The fixations of one table.
#[derive(Default)]
pub struct Fixation {
    fixers: Vec<(Term, usize)>,
    /// When the first of them began: native monotonic time.
    since: i64,
}

impl Fixation {
    /// Whether anybody holds the table fixed.
    #[inline(always)]
    pub fn is_fixed(&self) -> bool {
        !self.fixers.is_empty()
    }

    /// Since when, if anybody does: nanoseconds of the clock that [`Fixation::add`] was given.
    pub fn since(&self) -> Option<i64> {
        self.is_fixed().then_some(self.since)
    }

    /// Processes and how often each has fixed the table.
    pub fn fixers(&self) -> &[(Term, usize)] {
        &self.fixers
    }

    /// One more fixation by `pid`; whether it is the first one by that process.
    pub(super) fn add(&mut self, pid: Term, now: i64) -> Result<bool, NoMemory> {
        if let Some((_, count)) = self.fixers.iter_mut().find(|(fixer, _)| *fixer == pid) {
            *count += 1;
            return Ok(false);
        }
        self.fixers.try_reserve(1).map_err(|_| NoMemory)?;
        if self.fixers.is_empty() {
            self.since = now;
        }
        self.fixers.push((pid, 1));
        Ok(true)
    }

    /// One fixation by `pid` less, or all of them; whether it has none any more, and had one.
    pub(super) fn remove(&mut self, pid: Term, all: bool) -> bool {
        let Some(at) = self.fixers.iter().position(|(fixer, _)| *fixer == pid) else {
            return false;
        };
        self.fixers[at].1 -= 1;
        if self.fixers[at].1 > 0 && !all {
            return false;
        }
        self.fixers.remove(at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixations_are_counted_by_process() {
        let (a, b) = (Term::local_pid(1), Term::local_pid(2));
        let mut fixation = Fixation::default();
        assert_eq!(fixation.add(a, 5), Ok(true));
        assert_eq!(fixation.add(a, 6), Ok(false));
        assert_eq!(fixation.add(b, 7), Ok(true));
        assert_eq!(fixation.since(), Some(5));
        assert_eq!(fixation.fixers(), [(a, 2), (b, 1)]);
        assert!(!fixation.remove(a, false));
        assert!(fixation.remove(a, false));
        assert!(!fixation.remove(a, false));
        assert!(fixation.remove(b, true));
        assert!(!fixation.is_fixed());
    }
}

//! An ordered collection of what ties a process to others: links, monitors of both
//! directions, timers.
//!
//! Keys are mostly added in growing order (references are numbered, pids mostly grow)
//! and removed at either end, so a sorted double-ended queue is smaller and quicker than a tree, allocates
//! nothing while it is empty, and gives exit signals and `process_info/2` an order that does not change
//! from run to run.
//!
//! Invariant: keys grow strictly from front to back.

use crate::memory::NoMemory;
use crate::term::Term;
use alloc::collections::VecDeque;

/// What a process or a port is linked to, in one word and in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier(u64);

impl Identifier {
    /// Of a local pid or port.
    #[inline]
    pub fn of(term: Term) -> Identifier {
        Identifier(term.identifier_data() << 1 | u64::from(term.is_local_port()))
    }

    /// The pid or port.
    #[inline]
    pub fn term(self) -> Term {
        let data = self.0 >> 1;
        if self.0 & 1 != 0 {
            Term::local_port(data)
        } else {
            Term::local_pid(data)
        }
    }
}

/// Values by key, in the order of the keys.
pub struct Ties<K, V> {
    entries: VecDeque<(K, V)>,
}

impl<K: Ord + Copy, V> Ties<K, V> {
    /// Nothing.
    pub const fn new() -> Ties<K, V> {
        Ties {
            entries: VecDeque::new(),
        }
    }

    fn position(&self, key: K) -> Result<usize, usize> {
        match self.entries.back() {
            None => Err(0),
            Some((last, _)) if *last < key => Err(self.entries.len()),
            Some(_) => self.entries.binary_search_by(|(k, _)| k.cmp(&key)),
        }
    }

    /// Adds `value` under `key`; false, and nothing changes, if the key is there already.
    pub fn insert(&mut self, key: K, value: V) -> Result<bool, NoMemory> {
        let Err(at) = self.position(key) else {
            return Ok(false);
        };
        self.reserve()?;
        self.entries.insert(at, (key, value));
        Ok(true)
    }

    /// Makes sure that the next [`Ties::insert`] has memory.
    pub fn reserve(&mut self) -> Result<(), NoMemory> {
        self.entries.try_reserve(1).map_err(|_| NoMemory)
    }

    /// Takes out what is under `key`.
    pub fn remove(&mut self, key: K) -> Option<V> {
        let at = self.position(key).ok()?;
        let removed = self.entries.remove(at).map(|(_, value)| value);
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
        removed
    }

    /// Takes out what has the smallest key.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        self.entries.pop_front()
    }

    /// What is under `key`.
    pub fn get(&self, key: K) -> Option<&V> {
        let at = self.position(key).ok()?;
        self.entries.get(at).map(|(_, value)| value)
    }

    /// What is under `key`, to be changed.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let at = self.position(key).ok()?;
        self.entries.get_mut(at).map(|(_, value)| value)
    }

    /// Whether something is under `key`.
    pub fn contains(&self, key: K) -> bool {
        self.position(key).is_ok()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All, smallest key first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.entries.iter().map(|(key, value)| (*key, value))
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
}

impl<K: Ord + Copy, V> Default for Ties<K, V> {
    fn default() -> Self {
        Ties::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn keys_stay_in_order_and_single() {
        let mut ties = Ties::new();
        for key in [5, 9, 1, 7, 3] {
            assert_eq!(ties.insert(key, key * 10), Ok(true));
        }
        assert_eq!(ties.insert(7, 0), Ok(false));
        assert_eq!(ties.get(7), Some(&70));
        assert_eq!(
            ties.iter().map(|(key, _)| key).collect::<Vec<_>>(),
            [1, 3, 5, 7, 9]
        );
        assert_eq!(ties.remove(5), Some(50));
        assert_eq!(ties.remove(5), None);
        assert_eq!(ties.pop_first(), Some((1, 10)));
        assert_eq!(ties.len(), 3);
    }

    #[test]
    fn the_last_removal_gives_the_memory_back() {
        let mut ties = Ties::new();
        for key in 0..1000 {
            ties.insert(key, ()).unwrap();
        }
        for key in 0..1000 {
            ties.remove(key);
        }
        assert_eq!(ties.entries.capacity(), 0);
    }
}

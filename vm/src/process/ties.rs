//! An ordered collection of what ties a process to others: links, monitors of both
//! directions, timers.
//!
//! Keys are mostly added in growing order (references are numbered, pids mostly grow)
//! and removed at either end, so a sorted double-ended queue is smaller and quicker than a tree, allocates
//! nothing while it is empty, and gives exit signals and `process_info/2` an order that does not change
//! from run to run.
//!
//! Invariant: keys grow strictly from front to back; the first and the last one have values.

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
    /// What was taken out of the middle leaves its key without a value.
    entries: VecDeque<(K, Option<V>)>,
    /// How many have a value.
    live: usize,
}

/// Keys without a value that are let be, however few others there are.
const FEW: usize = 16;

impl<K: Ord + Copy, V> Ties<K, V> {
    /// Nothing.
    pub const fn new() -> Ties<K, V> {
        Ties {
            entries: VecDeque::new(),
            live: 0,
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
        match self.position(key) {
            Ok(at) => {
                let entry = &mut self.entries[at].1;
                if entry.is_some() {
                    return Ok(false);
                }
                *entry = Some(value);
            }
            Err(at) => {
                self.reserve()?;
                self.entries.insert(at, (key, Some(value)));
            }
        }
        self.live += 1;
        Ok(true)
    }

    /// Makes sure that the next [`Ties::insert`] has memory.
    pub fn reserve(&mut self) -> Result<(), NoMemory> {
        self.entries.try_reserve(1).map_err(|_| NoMemory)
    }

    /// Takes out what is under `key`.
    pub fn remove(&mut self, key: K) -> Option<V> {
        let at = self.position(key).ok()?;
        let value = self.entries[at].1.take()?;
        self.live -= 1;
        self.tidy();
        Some(value)
    }

    /// Keys without a value at either end go at once, those between when they are more than the others: so taking out one of many costs
    /// no more than finding it.
    fn tidy(&mut self) {
        if self.live == 0 {
            self.entries = VecDeque::new();
            return;
        }
        while self
            .entries
            .front()
            .is_some_and(|(_, value)| value.is_none())
        {
            self.entries.pop_front();
        }
        while self
            .entries
            .back()
            .is_some_and(|(_, value)| value.is_none())
        {
            self.entries.pop_back();
        }
        if self.entries.len() > 2 * self.live + FEW {
            self.entries.retain(|(_, value)| value.is_some());
        }
    }

    /// Takes out what has the smallest key.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        let (key, value) = self.entries.pop_front()?;
        self.live -= 1;
        self.tidy();
        // The first key always has a value.
        Some((key, value?))
    }

    /// What is under `key`.
    pub fn get(&self, key: K) -> Option<&V> {
        let at = self.position(key).ok()?;
        self.entries.get(at)?.1.as_ref()
    }

    /// What is under `key`, to be changed.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let at = self.position(key).ok()?;
        self.entries.get_mut(at)?.1.as_mut()
    }

    /// Whether something is under `key`.
    pub fn contains(&self, key: K) -> bool {
        self.get(key).is_some()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// All, smallest key first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.entries
            .iter()
            .filter_map(|(key, value)| Some((*key, value.as_ref()?)))
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries
            .iter_mut()
            .filter_map(|(_, value)| value.as_mut())
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

    #[test]
    fn what_was_taken_out_of_the_middle_is_gone() {
        let mut ties = Ties::new();
        for key in 0..1000 {
            ties.insert(key, key).unwrap();
        }
        for key in (1..1000).filter(|key| key % 10 != 0) {
            assert_eq!(ties.remove(key), Some(key));
            assert!(!ties.contains(key));
            assert_eq!(ties.remove(key), None);
        }
        assert_eq!(ties.len(), 100);
        assert!(ties.entries.len() <= 2 * 100 + FEW);
        assert!(ties.iter().map(|(key, _)| key).eq((0..1000).step_by(10)));
        assert_eq!(ties.insert(555, 7), Ok(true));
        assert_eq!(ties.remove(555), Some(7));
        assert_eq!(ties.insert(555, 8), Ok(true));
        assert_eq!(ties.get(555), Some(&8));
        for key in (0..550).step_by(10) {
            assert_eq!(ties.pop_first(), Some((key, key)));
        }
        assert_eq!(ties.pop_first(), Some((550, 550)));
        assert_eq!(ties.pop_first(), Some((555, 8)));
    }
}

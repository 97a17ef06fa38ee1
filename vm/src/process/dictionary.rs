//! The process dictionary: `put/2`, `get/1` and their like.
//!
//! A hash table of keys and values, both terms of the process's own memory and so roots of the
//! collector. It is told the hash of a key and how keys are compared, because both
//! walk terms and neither may depend on where a term is: the collector moves keys under it.
//!
//! Invariant: an entry's hash is the one that the caller computes for its key; no two
//! keys are exactly equal.

use crate::memory::NoMemory;
use crate::term::Term;
use hashbrown::HashTable;

#[derive(Clone, Copy)]
struct Entry {
    key: Term,
    value: Term,
    hash: u32,
}

/// A process dictionary. Empty, it has no memory of its own.
pub struct Dictionary {
    entries: HashTable<Entry>,
}

/// The table wants its entropy in the upper bits as well.
fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Dictionary {
    /// No entry.
    pub const fn new() -> Dictionary {
        Dictionary {
            entries: HashTable::new(),
        }
    }

    /// The value of `key`.
    pub fn get(&self, key: Term, hash: u32, equal: impl Fn(Term, Term) -> bool) -> Option<Term> {
        self.entries
            .find(spread(hash), |e| e.hash == hash && equal(e.key, key))
            .map(|entry| entry.value)
    }

    /// Gives `key` a value, and returns the one it had.
    pub fn put(
        &mut self,
        key: Term,
        value: Term,
        hash: u32,
        equal: impl Fn(Term, Term) -> bool,
    ) -> Result<Option<Term>, NoMemory> {
        let found = self
            .entries
            .find_mut(spread(hash), |e| e.hash == hash && equal(e.key, key));
        if let Some(entry) = found {
            return Ok(Some(core::mem::replace(&mut entry.value, value)));
        }
        self.entries
            .try_reserve(1, |e| spread(e.hash))
            .map_err(|_| NoMemory)?;
        let entry = Entry { key, value, hash };
        self.entries
            .insert_unique(spread(hash), entry, |e| spread(e.hash));
        Ok(None)
    }

    /// Takes `key` out, and returns the value it had.
    pub fn erase(
        &mut self,
        key: Term,
        hash: u32,
        equal: impl Fn(Term, Term) -> bool,
    ) -> Option<Term> {
        let found = self
            .entries
            .find_entry(spread(hash), |e| e.hash == hash && equal(e.key, key));
        let (entry, _) = found.ok()?.remove();
        if self.entries.is_empty() {
            self.clear();
        }
        Some(entry.value)
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.entries = HashTable::new();
    }

    /// Keys and values, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (Term, Term)> {
        self.entries.iter().map(|entry| (entry.key, entry.value))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All keys and values, for the collector.
    pub fn roots(&mut self) -> impl Iterator<Item = &mut Term> {
        self.entries
            .iter_mut()
            .flat_map(|entry| [&mut entry.key, &mut entry.value])
    }

    /// Bytes that the table itself takes up.
    pub fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }
}

impl Default for Dictionary {
    fn default() -> Self {
        Dictionary::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(a: Term, b: Term) -> bool {
        a == b
    }

    #[test]
    fn keys_with_the_same_hash_are_told_apart() {
        let mut dictionary = Dictionary::new();
        let (a, b) = (Term::small(1), Term::small(2));
        assert_eq!(dictionary.put(a, a, 5, equal), Ok(None));
        assert_eq!(dictionary.put(b, b, 5, equal), Ok(None));
        assert_eq!(dictionary.put(a, Term::NIL, 5, equal), Ok(Some(a)));
        assert_eq!(dictionary.get(a, 5, equal), Some(Term::NIL));
        assert_eq!(dictionary.erase(a, 5, equal), Some(Term::NIL));
        assert_eq!(dictionary.erase(a, 5, equal), None);
        assert_eq!(dictionary.len(), 1);
        assert_eq!(dictionary.iter().next(), Some((b, b)));
        dictionary.clear();
        assert_eq!(dictionary.memory(), 0);
    }
}

//! Persistent terms: pairs of a key and a value that every process reads without a copy.
//!
//! Keys and values are copied into the literal area when they are put, and are literals from then on: no collection
//! moves them and no message copies them. What a value shares within itself stays shared.
//!
//! Each pair has an extent of the area to itself. Who replaces or erases a pair gets that extent, for `crate::code::release`: whoever still
//! has the old value is safe until the machine has looked for it in all heaps, as OTP does. Putting a value that is equal to
//! the present one takes nothing.
//!
//! Invariant: every term in the table is an immediate or lies in the literal area.

use crate::code::literals::{LiteralArea, Literals};
use crate::memory::NoMemory;
use crate::platform::Platform;
use crate::term::Term;
use crate::term::compare::exact_equal;
use crate::term::copy::copy_of_size;
use crate::term::hash::internal_hash;
use crate::term::shared::{Sharing, copy_with};
use crate::term::size::flat_size;
use core::ops::Range;
use hashbrown::HashTable;

/// All persistent terms of a machine.
#[derive(Default)]
pub struct PersistentTerms {
    terms: HashTable<Pair>,
    words: usize,
}

struct Pair {
    key: Term,
    value: Term,
    /// Where both lie.
    literals: Literals,
}

/// Nothing is a literal already: what a module has may go with the module.
const NOWHERE: Range<usize> = 0..0;

fn hash(key: Term) -> u64 {
    internal_hash(key, 0)
}

impl PersistentTerms {
    /// None.
    pub const fn new() -> PersistentTerms {
        PersistentTerms {
            terms: HashTable::new(),
            words: 0,
        }
    }

    /// The value of `key`. The same term as the key is meant: `1` is not `1.0`.
    pub fn get(&self, key: Term) -> Option<Term> {
        let found = self.terms.find(hash(key), |p| exact_equal(p.key, key))?;
        Some(found.value)
    }

    /// Makes `value` the value of `key`, both copied to `area`, which gets memory from `platform`. Returns what held the value that was
    /// there before.
    pub fn put(
        &mut self,
        area: &mut LiteralArea,
        platform: &mut dyn Platform,
        key: Term,
        value: Term,
    ) -> Result<Option<Literals>, NoMemory> {
        let same = |p: &Pair| exact_equal(p.key, key);
        let known = self.terms.find(hash(key), same);
        if known.is_some_and(|pair| exact_equal(pair.value, value)) {
            return Ok(None);
        }
        let rehash = |p: &Pair| hash(p.key);
        self.terms.try_reserve(1, rehash).map_err(|_| NoMemory)?;
        let (key_words, sharing) = (flat_size(key, &NOWHERE)?, Sharing::of(value, &NOWHERE)?);
        let words = key_words.saturating_add(sharing.words());
        let mut literals = area.open_lasting(platform, words)?;
        // There is room for both.
        let key = copy_of_size(key, key_words, &mut literals, &NOWHERE)?;
        let value = copy_with(value, sharing, &mut literals, &NOWHERE)?;
        let before = self.take(key);
        self.words += words;
        let pair = Pair {
            key,
            value,
            literals,
        };
        self.terms.insert_unique(hash(key), pair, rehash);
        Ok(before)
    }

    fn take(&mut self, key: Term) -> Option<Literals> {
        let same = |p: &Pair| exact_equal(p.key, key);
        let (pair, _) = self.terms.find_entry(hash(key), same).ok()?.remove();
        self.words -= pair.literals.range().len() / 8;
        Some(pair.literals)
    }

    /// Takes `key` and its value out, and returns what held them; `None` if they were not there.
    pub fn erase(&mut self, key: Term) -> Option<Literals> {
        self.take(key)
    }

    /// Takes all out, and returns what held them.
    pub fn erase_all(&mut self) -> impl Iterator<Item = Literals> + use<> {
        self.words = 0;
        core::mem::take(&mut self.terms)
            .into_iter()
            .map(|pair| pair.literals)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Bytes of the pairs and their terms.
    pub fn bytes(&self) -> usize {
        self.terms.len() * size_of::<Pair>() + self.words * 8
    }

    /// All keys with their values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Term, Term)> {
        self.terms.iter().map(|pair| (pair.key, pair.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Arena;
    use crate::memory::heap::Parcel;
    use crate::process::tests::machine;

    #[test]
    fn terms_outlive_the_heap_they_came_from() {
        let platform = &mut *machine().platform;
        let mut area = LiteralArea::in_memory(1 << 16);
        let mut persistent = PersistentTerms::new();
        let mut heap = Parcel::new();
        let key = heap.tuple(&[Term::small(1), Term::small(2)]).unwrap();
        let value = heap.list(&[key, key]).unwrap();
        assert!(
            persistent
                .put(&mut area, platform, key, value)
                .unwrap()
                .is_none()
        );
        drop(heap);
        let mut heap = Parcel::new();
        let key = heap.tuple(&[Term::small(1), Term::small(2)]).unwrap();
        let found = persistent.get(key).unwrap();
        assert_eq!(found.iter_list().count(), 2);
        assert!(found.iter_list().all(|t| exact_equal(t, key)));
        let used = area.used();
        // The key, the cells, and what both hold, which stays one term.
        assert_eq!(used, (3 + 4 + 3) * 8);
        area.close(persistent.erase(key).unwrap());
        assert_eq!((area.used(), persistent.words), (0, 0));
        assert!(persistent.erase(key).is_none());
        assert_eq!(persistent.get(key), None);
    }

    #[test]
    fn an_equal_value_is_not_copied_again() {
        let platform = &mut *machine().platform;
        let mut area = LiteralArea::in_memory(1 << 16);
        let mut persistent = PersistentTerms::new();
        let mut heap = Parcel::new();
        let key = Term::small(7);
        let one = heap.float(1.0).unwrap();
        let same = heap.float(1.0).unwrap();
        persistent.put(&mut area, platform, key, one).unwrap();
        let first = persistent.get(key).unwrap();
        persistent.put(&mut area, platform, key, same).unwrap();
        assert_eq!(persistent.get(key).unwrap().raw(), first.raw());
        assert_eq!(persistent.words, 2);
        // Equal, but not the same term.
        let before = persistent
            .put(&mut area, platform, key, Term::small(1))
            .unwrap();
        area.close(before.unwrap());
        assert_eq!(persistent.get(key), Some(Term::small(1)));
        assert_eq!((persistent.len(), persistent.words, area.used()), (1, 0, 0));
    }

    #[test]
    fn a_key_is_itself_only() {
        let platform = &mut *machine().platform;
        let mut area = LiteralArea::in_memory(1 << 16);
        let mut persistent = PersistentTerms::new();
        let mut heap = Parcel::new();
        let one = heap.float(1.0).unwrap();
        persistent.put(&mut area, platform, one, Term::NIL).unwrap();
        assert_eq!(persistent.get(Term::small(1)), None);
        assert_eq!(persistent.iter().count(), 1);
        for literals in persistent.erase_all() {
            area.close(literals);
        }
        assert!(persistent.is_empty());
        assert_eq!(area.used(), 0);
    }
}

//! Persistent terms: pairs of a key and a value that every process reads without a copy.
//!
//! Keys and values are copied into the literal area when they are put, and are literals from then on: no collection
//! moves them and no message copies them.
//!
//! The area does not give memory back: a value that is replaced or erased stays where it is, so whoever still has it is
//! safe. (OTP looks for users of the old value in all heaps and frees it.) Putting a value that is equal to the
//! present one takes nothing.
//!
//! Invariant: every term in the table is an immediate or lies in the literal area.

use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use crate::term::compare::exact_equal;
use crate::term::copy::copy_of_size;
use crate::term::hash::internal_hash;
use crate::term::size::flat_size;
use core::ops::Range;
use hashbrown::HashTable;

/// All persistent terms of a machine.
#[derive(Default)]
pub struct PersistentTerms {
    terms: HashTable<Pair>,
    copied_words: usize,
}

struct Pair {
    key: Term,
    value: Term,
}

fn hash(key: Term) -> u64 {
    internal_hash(key, 0)
}

impl PersistentTerms {
    /// None.
    pub const fn new() -> PersistentTerms {
        PersistentTerms {
            terms: HashTable::new(),
            copied_words: 0,
        }
    }

    /// The value of `key`. The same term as the key is meant: `1` is not `1.0`.
    pub fn get(&self, key: Term) -> Option<Term> {
        let found = self.terms.find(hash(key), |p| exact_equal(p.key, key))?;
        Some(found.value)
    }

    /// Makes `value` the value of `key`; `area` is the literal area and `literals` its addresses.
    pub fn put<A: Arena + ?Sized>(
        &mut self,
        area: &mut A,
        literals: &Range<usize>,
        key: Term,
        value: Term,
    ) -> Result<(), NoMemory> {
        let same = |p: &Pair| exact_equal(p.key, key);
        if let Some(pair) = self.terms.find(hash(key), same) {
            if !exact_equal(pair.value, value) {
                let value = self.keep(area, literals, value)?;
                if let Some(pair) = self.terms.find_mut(hash(key), same) {
                    pair.value = value;
                }
            }
            return Ok(());
        }
        let rehash = |p: &Pair| hash(p.key);
        self.terms.try_reserve(1, rehash).map_err(|_| NoMemory)?;
        let pair = Pair {
            key: self.keep(area, literals, key)?,
            value: self.keep(area, literals, value)?,
        };
        self.terms.insert_unique(hash(key), pair, rehash);
        Ok(())
    }

    fn keep<A: Arena + ?Sized>(
        &mut self,
        area: &mut A,
        literals: &Range<usize>,
        term: Term,
    ) -> Result<Term, NoMemory> {
        let words = flat_size(term, literals)?;
        let copy = copy_of_size(term, words, area, literals)?;
        self.copied_words += words;
        Ok(copy)
    }

    /// Takes `key` and its value out; `false` if they were not there.
    pub fn erase(&mut self, key: Term) -> bool {
        let found = self
            .terms
            .find_entry(hash(key), |p| exact_equal(p.key, key));
        found.is_ok_and(|entry| {
            entry.remove();
            true
        })
    }

    /// Takes all out.
    pub fn erase_all(&mut self) {
        self.terms.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Bytes of the table and of all terms that were ever copied for it: none of them is given back.
    pub fn bytes(&self) -> usize {
        self.terms.allocation_size() + self.copied_words * 8
    }

    /// All keys with their values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Term, Term)> {
        self.terms.iter().map(|pair| (pair.key, pair.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;

    /// Terms that have been copied never are again if the literals are everywhere; here they are nowhere.
    const NOWHERE: Range<usize> = 0..0;

    #[test]
    fn terms_outlive_the_heap_they_came_from() {
        let (mut area, mut persistent) = (Parcel::new(), PersistentTerms::new());
        let mut heap = Parcel::new();
        let key = heap.tuple(&[Term::small(1), Term::small(2)]).unwrap();
        let value = heap.list(&[key, key]).unwrap();
        persistent.put(&mut area, &NOWHERE, key, value).unwrap();
        drop(heap);
        let mut heap = Parcel::new();
        let key = heap.tuple(&[Term::small(1), Term::small(2)]).unwrap();
        let found = persistent.get(key).unwrap();
        assert_eq!(found.iter_list().count(), 2);
        assert!(found.iter_list().all(|t| exact_equal(t, key)));
        assert!(persistent.erase(key));
        assert!(!persistent.erase(key));
        assert_eq!(persistent.get(key), None);
    }

    #[test]
    fn an_equal_value_is_not_copied_again() {
        let (mut area, mut persistent) = (Parcel::new(), PersistentTerms::new());
        let mut heap = Parcel::new();
        let key = Term::small(7);
        let one = heap.float(1.0).unwrap();
        let same = heap.float(1.0).unwrap();
        persistent.put(&mut area, &NOWHERE, key, one).unwrap();
        let first = persistent.get(key).unwrap();
        persistent.put(&mut area, &NOWHERE, key, same).unwrap();
        assert_eq!(persistent.get(key).unwrap().raw(), first.raw());
        assert_eq!(persistent.copied_words, 2);
        // Equal, but not the same term.
        persistent
            .put(&mut area, &NOWHERE, key, Term::small(1))
            .unwrap();
        assert_eq!(persistent.get(key), Some(Term::small(1)));
        assert_eq!(persistent.len(), 1);
    }

    #[test]
    fn a_key_is_itself_only() {
        let (mut area, mut persistent) = (Parcel::new(), PersistentTerms::new());
        let one = area.float(1.0).unwrap();
        persistent.put(&mut area, &NOWHERE, one, Term::NIL).unwrap();
        assert_eq!(persistent.get(Term::small(1)), None);
        assert_eq!(persistent.iter().count(), 1);
        persistent.erase_all();
        assert!(persistent.is_empty());
    }
}

//! Maps from pairs in any order.
//!
//! Up to [`FLAT_LIMIT`] different keys the pairs are sorted where they will stay; once there are more, all
//! are gathered, sorted by hash and built into a trie from the bottom up, which leaves nothing behind on the heap.
//!
//! Invariant: of several pairs with one key the last one counts.

use super::flat::{Inserted, Pairs};
use super::trie;
use super::{Entry, FLAT_LIMIT};
use crate::atom::AtomTable;
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use crate::term::compare::exact_equal;
use alloc::vec::Vec;

/// The map of `pairs`.
pub fn from_pairs<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    pairs: impl Iterator<Item = (Term, Term)>,
) -> Result<Term, NoMemory> {
    Ok(from_pairs_and_whether_unique(arena, atoms, pairs)?.0)
}

/// The map of `pairs`, or `None` if a key is there twice, which the external term format forbids.
pub fn from_unique_pairs<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    pairs: impl Iterator<Item = (Term, Term)>,
) -> Result<Option<Term>, NoMemory> {
    let (map, unique) = from_pairs_and_whether_unique(arena, atoms, pairs)?;
    Ok(unique.then_some(map))
}

fn from_pairs_and_whether_unique<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    pairs: impl Iterator<Item = (Term, Term)>,
) -> Result<(Term, bool), NoMemory> {
    let mut few = Pairs::new();
    let mut unique = true;
    let mut pairs = pairs;
    while let Some((key, value)) = pairs.next() {
        match few.insert(atoms, key, value) {
            Inserted::New => {}
            Inserted::Replaced => unique = false,
            Inserted::Full => {
                let all = few
                    .iter()
                    .chain(core::iter::once((key, value)))
                    .chain(pairs);
                let mut entries = gather(all)?;
                unique &= sort_and_drop_duplicates(&mut entries);
                // More than a flat map holds: that many different keys have been seen.
                return Ok((trie::build(arena, atoms, &mut entries, 0)?, unique));
            }
        }
    }
    Ok((few.finish(arena)?, unique))
}

/// The trie of pairs with different keys, at least one; that of a single pair is a cell.
pub(super) fn trie_of<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    pairs: impl Iterator<Item = (Term, Term)>,
) -> Result<Term, NoMemory> {
    let mut few = [Entry {
        hash: 0,
        key: Term::NIL,
        value: Term::NIL,
    }; FLAT_LIMIT + 1];
    let mut length = 0;
    for (place, (key, value)) in few.iter_mut().zip(pairs) {
        *place = Entry::new(key, value);
        length += 1;
    }
    let entries = &mut few[..length];
    entries.sort_unstable_by_key(|e| e.hash);
    trie::build(arena, atoms, entries, 0)
}

fn gather(pairs: impl Iterator<Item = (Term, Term)>) -> Result<Vec<Entry>, NoMemory> {
    let mut entries = Vec::new();
    for (key, value) in pairs {
        if entries.len() == entries.capacity() {
            entries.try_reserve(1).map_err(|_| NoMemory)?;
        }
        entries.push(Entry::new(key, value));
    }
    // The sort needs as much again, and does not ask. The machine has one thread: what could be had
    // now can be had in a moment.
    let mut scratch = Vec::<Entry>::new();
    scratch
        .try_reserve_exact(entries.len())
        .map_err(|_| NoMemory)?;
    Ok(entries)
}

/// Sorts by hash, pairs with one hash staying in their order; of those with one key only the last one
/// stays. Whether all keys were different.
pub(super) fn sort_and_drop_duplicates(entries: &mut Vec<Entry>) -> bool {
    let before = entries.len();
    entries.sort_by_key(|e| e.hash);
    let mut kept = 0;
    for i in 0..entries.len() {
        let entry = entries[i];
        let run = entries[..kept]
            .iter()
            .rposition(|e| e.hash != entry.hash)
            .map_or(0, |at| at + 1);
        let same = entries[run..kept]
            .iter()
            .position(|e| exact_equal(e.key, entry.key));
        match same {
            Some(at) => entries[run + at].value = entry.value,
            None => {
                entries[kept] = entry;
                kept += 1;
            }
        }
    }
    entries.truncate(kept);
    kept == before
}

//! Large maps that are made in pieces, between which others may run.
//!
//! Pairs are gathered in as many buckets as a trie has places at some level, by the first bits of their keys' hashes. So each bucket is
//! sorted and built for itself, and what it becomes is a child at that level. Two tries are merged child by child as ever; a pause lies
//! between two parts of them.
//!
//! Invariant: the result is the map that [`super::from_pairs`] or [`super::merge`] makes. What a pause interrupts holds terms of a process that is not
//! collected meanwhile (see [`crate::sched`]), and no other borrow of the machine.
//!
//! The built-in functions of `maps` call this for what is larger than one piece.

use super::build::{from_pairs, sort_and_drop_duplicates};
use super::trie::{self, Entry, LAST, WAYS};
use super::{FLAT_LIMIT, size};
use crate::atom::AtomTable;
use crate::bif::{Context, Fail};
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use alloc::vec::Vec;
use core::mem;

/// Pairs of a bucket that are sorted or built at a time, about; hashes see to it that no bucket has many more.
const BUCKET: usize = 4096;

/// Most levels of nodes above the buckets.
const LEVELS_ABOVE: usize = 4;

/// Bits of the hash that choose the way at a level.
const BITS_OF_A_WAY: usize = WAYS.trailing_zeros() as usize;

/// Pairs that are merged for a reduction.
const MERGED_PER_REDUCTION: usize = 4;

/// A map on its way: its pairs are [pushed](Building::push), then it [advances](Building::advance) until it is there.
pub struct Building {
    levels: usize,
    /// Pairs by the first `levels` ways of their hashes.
    buckets: Vec<Vec<Entry>>,
    /// Buckets that are sorted and have each key once; pairs in them.
    sorted: usize,
    different: usize,
    /// What the first buckets have become: at level `levels`, nothing of an empty one.
    children: Vec<Option<Term>>,
}

impl Building {
    /// For about `length` pairs.
    pub fn new(length: usize) -> Result<Building, NoMemory> {
        let levels = (1..LEVELS_ABOVE)
            .find(|levels| length >> (BITS_OF_A_WAY * levels) <= BUCKET)
            .unwrap_or(LEVELS_ABOVE);
        let count = 1 << (BITS_OF_A_WAY * levels);
        let (mut buckets, mut children) = (Vec::new(), Vec::new());
        buckets.try_reserve_exact(count).map_err(|_| NoMemory)?;
        children.try_reserve_exact(count).map_err(|_| NoMemory)?;
        // What hashes spread evenly is rarely farther from the mean.
        let mean = length / count;
        for _ in 0..count {
            let mut bucket = Vec::new();
            let room = bucket.try_reserve_exact(mean + mean / 8);
            room.map_err(|_| NoMemory)?;
            buckets.push(bucket);
        }
        Ok(Building {
            levels,
            buckets,
            sorted: 0,
            different: 0,
            children,
        })
    }

    /// Adds a pair. Of several with one key the last one counts.
    pub fn push(&mut self, key: Term, value: Term) -> Result<(), NoMemory> {
        let entry = Entry::new(key, value);
        let place = entry.hash >> (u64::BITS as usize - BITS_OF_A_WAY * self.levels);
        let bucket = &mut self.buckets[place as usize];
        if bucket.len() == bucket.capacity() {
            bucket.try_reserve(1).map_err(|_| NoMemory)?;
        }
        bucket.push(entry);
        Ok(())
    }

    /// Sorts or builds some more buckets, of `work` pairs or a few more. The map, once it is there; each pair has been counted twice by then.
    pub fn advance<A: Arena + ?Sized>(
        &mut self,
        arena: &mut A,
        atoms: &AtomTable,
        work: usize,
    ) -> Result<Option<Term>, NoMemory> {
        let mut done = 0;
        while let Some(bucket) = self.buckets.get_mut(self.sorted) {
            if done >= work {
                return Ok(None);
            }
            done += bucket.len();
            // The sort needs as much again, and does not ask: see `build::gather`.
            let mut scratch = Vec::<Entry>::new();
            let room = scratch.try_reserve_exact(bucket.len());
            room.map_err(|_| NoMemory)?;
            drop(scratch);
            sort_and_drop_duplicates(bucket);
            self.different += bucket.len();
            self.sorted += 1;
        }
        if self.different <= FLAT_LIMIT {
            let entries = self.buckets.iter().flatten();
            let pairs = entries.map(|entry| (entry.key, entry.value));
            return from_pairs(arena, atoms, pairs).map(Some);
        }
        while let Some(bucket) = self.buckets.get_mut(self.children.len()) {
            if done >= work {
                return Ok(None);
            }
            done += bucket.len();
            let mut entries = mem::take(bucket);
            self.children.push(match entries.is_empty() {
                true => None,
                false => Some(trie::build(arena, atoms, &mut entries, self.levels)?),
            });
        }
        self.root(arena)
    }

    /// The nodes above all children.
    fn root<A: Arena + ?Sized>(&mut self, arena: &mut A) -> Result<Option<Term>, NoMemory> {
        while self.children.len() > 1 {
            let count = self.children.len() / WAYS;
            for i in 0..count {
                let below = &self.children[WAYS * i..WAYS * (i + 1)];
                self.children[i] = trie::above(arena, below)?;
            }
            self.children.truncate(count);
        }
        Ok(self.children.first().copied().flatten())
    }
}

/// The pairs of two large maps, as [`super::merge`] has them; others may run behind each `piece` of the smaller one's.
pub fn merge_in_pieces(cx: &mut Context, a: Term, b: Term, piece: usize) -> Result<Term, Fail> {
    merge_at(cx, a, b, piece, 0)
}

/// As [`merge_in_pieces`], for two children at `level`. As deep as a trie.
fn merge_at(cx: &mut Context, a: Term, b: Term, piece: usize, level: usize) -> Result<Term, Fail> {
    let smaller = size(a).min(size(b));
    if smaller > piece && level < LAST && a.raw() != b.raw() {
        return trie::merge_nodes(cx, a, b, |cx, v, w| merge_at(cx, v, w, piece, level + 1));
    }
    let (heap, atoms) = cx.heap_and_atoms();
    let merged = trie::merge(heap, atoms, a, b, level)?;
    cx.consume(smaller / MERGED_PER_REDUCTION)?;
    Ok(merged)
}

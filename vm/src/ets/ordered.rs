//! Ordered tables: where the objects of `ordered_set` tables stand.
//!
//! A tree of two levels: leaves of up to 128 objects each, in term order of their keys, and one directory of the leaves. A key
//! stands beside the address of its object, so small integers and atoms are compared without looking at objects. It is kept as a
//! [`Rank`], so that small integers are searched for by comparing numbers: eight at a time, none of which waits for another.
//! A leaf has every sixteenth of its ranks in its first line of the processor's cache. Inserting moves at most one leaf's words, and those of the directory once in many insertions
//! (16 bytes for each leaf).
//!
//! # Invariant
//!
//! Keys grow strictly from place to place, in the order in which `1 == 1.0`. No leaf is empty. `firsts[i]` is the first key of
//! `leaves[i]`. Behind a leaf's keys stand ranks of `[]`, which no small integer comes after, and `samples[i]` is the last one of
//! the leaf's `i`th stride. `numbers` says how many keys are floats or bignums. Each key is a term of the object beside it (or immediate), and each object is owned by the place it stands in.

use super::object::{Object, ObjectBox};
use crate::atom::AtomTable;
use crate::memory::NoMemory;
use crate::process::try_box;
use crate::term::Term;
use crate::term::compare::compare;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::cmp::Ordering;
use core::ptr::NonNull;

/// Most objects of a leaf.
const LEAF: usize = 128;

/// As many keys as two lines of the processor's cache hold.
const STRIDE: usize = 16;

/// Strides of a leaf whose last rank is among the samples: all but the last one.
const SAMPLES: usize = LEAF / STRIDE - 1;

/// A key as a number, which grows as small integers do and is greater for whatever else ([`Term::small_rank`]).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank(u64);

impl Rank {
    /// Behind every small integer.
    const NONE: Rank = Rank::of(Term::NIL);

    #[inline(always)]
    const fn of(key: Term) -> Rank {
        Rank(key.small_rank())
    }

    #[inline(always)]
    fn key(self) -> Term {
        // SAFETY: a rank is only made of a term's word, and this is the same word again.
        unsafe { Term::from_raw(Term::word_of_small_rank(self.0)) }
    }
}

#[repr(C, align(64))]
struct Leaf {
    samples: [Rank; SAMPLES],
    len: usize,
    keys: [Rank; LEAF],
    objects: [NonNull<Object>; LEAF],
}

/// A place of an object. Good until something is inserted or removed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Place {
    leaf: usize,
    at: usize,
}

/// The leaves: see the [module](self).
#[derive(Default)]
pub struct OrderedStore {
    firsts: Vec<Rank>,
    #[expect(
        clippy::vec_box,
        reason = "an insertion moves addresses of leaves, not leaves"
    )]
    leaves: Vec<Box<Leaf>>,
    len: usize,
    numbers: usize,
    /// The place that was asked for as a neighbour last: who walks from key to key asks for its key next.
    neighbour: Cell<Place>,
}

/// 1 for a float or a bignum, which compare with small integers by value; else 0.
#[inline(always)]
fn other_number(key: Term) -> usize {
    (!key.is_small() && key.is_number()) as usize
}

impl Leaf {
    #[inline(always)]
    fn keys(&self) -> &[Rank] {
        &self.keys[..self.len]
    }

    fn insert(&mut self, at: usize, key: Term, object: NonNull<Object>) {
        self.keys.copy_within(at..self.len, at + 1);
        self.objects.copy_within(at..self.len, at + 1);
        self.keys[at] = Rank::of(key);
        self.objects[at] = object;
        self.len += 1;
        self.sample();
    }

    fn remove(&mut self, at: usize) -> NonNull<Object> {
        let object = self.objects[at];
        self.keys.copy_within(at + 1..self.len, at);
        self.objects.copy_within(at + 1..self.len, at);
        self.len -= 1;
        self.keys[self.len] = Rank::NONE;
        self.sample();
        object
    }

    /// Appends what `other` has from `from` on, which fits.
    fn take_from(&mut self, other: &mut Leaf, from: usize) {
        let count = other.len - from;
        let to = self.len..self.len + count;
        self.keys[to.clone()].copy_from_slice(&other.keys[from..other.len]);
        self.objects[to].copy_from_slice(&other.objects[from..other.len]);
        self.len += count;
        other.keys[from..other.len].fill(Rank::NONE);
        other.len = from;
        self.sample();
        other.sample();
    }

    /// Makes the samples those of the keys.
    #[inline(always)]
    fn sample(&mut self) {
        let mut index = 0;
        while index < SAMPLES {
            self.samples[index] = self.keys[(index + 1) * STRIDE - 1];
            index += 1;
        }
    }

    /// How many keys are before `rank`, that of a small integer.
    #[inline(always)]
    fn count_before(&self, rank: Rank) -> usize {
        let passed = count(&self.samples, rank);
        let (strides, _) = self.keys.as_chunks::<STRIDE>();
        passed * STRIDE + count(&strides[passed], rank)
    }
}

/// How many of some ranks are less than `rank`. (A loop, since adapters of iterators become calls in builds that are not optimised across crates.)
#[inline(always)]
fn count(ranks: &[Rank], rank: Rank) -> usize {
    let mut less = 0;
    for &other in ranks {
        less += (other < rank) as usize;
    }
    less
}

/// How many ranks from the beginning are less than `rank`: eight parts are told apart in each step, whatever is found, so that there are
/// few steps that wait for one another, and no branch that may be predicted wrongly.
#[inline(always)]
fn count_before(ranks: &[Rank], rank: Rank) -> usize {
    const PARTS: usize = 8;
    let (mut base, mut left) = (0, ranks.len());
    while left > PARTS {
        let part = left / PARTS;
        let rest = &ranks[base..base + left];
        let mut end = part;
        let mut passed = 0;
        while end <= (PARTS - 1) * part {
            passed += (rest[end - 1] < rank) as usize;
            end += part;
        }
        base += passed * part;
        left -= (PARTS - 1) * part;
    }
    base + count(&ranks[base..base + left], rank)
}

impl OrderedStore {
    /// An empty table.
    pub fn new() -> OrderedStore {
        OrderedStore::default()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Words of memory besides the objects.
    pub fn memory_words(&self) -> usize {
        self.leaves.len() * (size_of::<Leaf>() / 8) + self.leaves.capacity() * 2
    }

    /// The first place whose key is not `before` (which holds for some keys from the beginning, and for none after those).
    pub fn partition(&self, mut before: impl FnMut(Term) -> bool) -> Place {
        let leaf = self.firsts.partition_point(|first| before(first.key()));
        // The boundary is in the leaf before the one whose first key lies behind it.
        let Some(leaf) = leaf.checked_sub(1) else {
            return Place { leaf: 0, at: 0 };
        };
        let at = self.leaves[leaf]
            .keys()
            .partition_point(|key| before(key.key()));
        self.normal(Place { leaf, at })
    }

    /// The first place whose key is not before the small integer `key`, where no key is another kind of number: what is no small integer
    /// comes after it then. So keys compare without a branch, every other one of which would be predicted wrongly.
    fn partition_at_small(&self, key: Term) -> Place {
        let rank = Rank::of(key);
        let Some(leaf) = count_before(&self.firsts, rank).checked_sub(1) else {
            return Place { leaf: 0, at: 0 };
        };
        let at = self.leaves[leaf].count_before(rank);
        self.normal(Place { leaf, at })
    }

    /// A place behind the last one of a leaf is the first one of the next.
    fn normal(&self, place: Place) -> Place {
        match self.leaves.get(place.leaf) {
            Some(leaf) if place.at >= leaf.len => Place {
                leaf: place.leaf + 1,
                at: 0,
            },
            _ => place,
        }
    }

    /// The first place whose key is not before `key`, and whether it is equal.
    #[inline]
    pub fn seek(&self, atoms: &AtomTable, key: Term) -> (Place, bool) {
        let neighbour = self.neighbour.get();
        if self.key(neighbour) == Some(key) {
            return (neighbour, true);
        }
        let place = if key.is_small() && self.numbers == 0 {
            self.partition_at_small(key)
        } else {
            self.partition(|k| compare(atoms, k, key) == Ordering::Less)
        };
        let found = self
            .key(place)
            .is_some_and(|k| k == key || compare(atoms, k, key) == Ordering::Equal);
        (place, found)
    }

    /// The place of `key`.
    #[inline]
    pub fn find(&self, atoms: &AtomTable, key: Term) -> Option<Place> {
        match self.seek(atoms, key) {
            (place, true) => Some(place),
            _ => None,
        }
    }

    /// The first place; one without an object if there is none.
    pub fn first(&self) -> Place {
        Place { leaf: 0, at: 0 }
    }

    /// The last place.
    pub fn last(&self) -> Option<Place> {
        self.before(Place {
            leaf: self.leaves.len(),
            at: 0,
        })
    }

    /// The place after one that has an object.
    #[inline]
    pub fn after(&self, place: Place) -> Place {
        let after = self.normal(Place {
            leaf: place.leaf,
            at: place.at + 1,
        });
        self.neighbour.set(after);
        after
    }

    /// The place before another, which may be the end.
    pub fn before(&self, place: Place) -> Option<Place> {
        let before = match place.at.checked_sub(1) {
            Some(at) => Place {
                leaf: place.leaf,
                at,
            },
            None => {
                let leaf = place.leaf.checked_sub(1)?;
                let at = self.leaves.get(leaf)?.len - 1;
                Place { leaf, at }
            }
        };
        self.neighbour.set(before);
        Some(before)
    }

    /// The place that has `index` others before it.
    pub fn nth(&self, index: usize) -> Place {
        let mut left = index;
        for (leaf, contents) in self.leaves.iter().enumerate() {
            if left < contents.len {
                return Place { leaf, at: left };
            }
            left -= contents.len;
        }
        Place {
            leaf: self.leaves.len(),
            at: 0,
        }
    }

    /// The key at a place.
    #[inline]
    pub fn key(&self, place: Place) -> Option<Term> {
        let leaf = self.leaves.get(place.leaf)?;
        leaf.keys().get(place.at).map(|rank| rank.key())
    }

    /// The object at a place.
    #[inline]
    pub fn object(&self, place: Place) -> Option<&Object> {
        let leaf = self.leaves.get(place.leaf)?;
        let object = leaf.objects[..leaf.len].get(place.at)?;
        // SAFETY: the place owns the object, and the store is borrowed.
        Some(unsafe { object.as_ref() })
    }

    /// Changes the object at a place, in the same memory; its key stays equal to what it was.
    pub fn change<R>(
        &mut self,
        place: Place,
        position: usize,
        change: impl FnOnce(&mut Object) -> R,
    ) -> Option<R> {
        let leaf = self.leaves.get_mut(place.leaf)?;
        let mut object = *leaf.objects[..leaf.len].get(place.at)?;
        // SAFETY: the place owns the object, and the store is borrowed exclusively.
        let object = unsafe { object.as_mut() };
        let result = change(object);
        self.set_key(place, object.key(position));
        Some(result)
    }

    fn set_key(&mut self, place: Place, key: Term) {
        let rank = Rank::of(key);
        let leaf = &mut self.leaves[place.leaf];
        leaf.keys[place.at] = rank;
        if place.at % STRIDE == STRIDE - 1 {
            leaf.sample();
        }
        if place.at == 0 {
            self.firsts[place.leaf] = rank;
        }
    }

    /// Puts an object with an equal key in the place of another one.
    pub fn replace(
        &mut self,
        place: Place,
        position: usize,
        object: ObjectBox,
    ) -> Option<ObjectBox> {
        let leaf = self.leaves.get_mut(place.leaf)?;
        let slot = leaf.objects[..leaf.len].get_mut(place.at)?;
        let key = object.key(position);
        let old_key = leaf.keys[place.at].key();
        self.numbers = self.numbers + other_number(key) - other_number(old_key);
        let old = core::mem::replace(slot, object.into_raw());
        self.set_key(place, key);
        // SAFETY: the place owned it, and owns the new one now.
        Some(unsafe { ObjectBox::from_raw(old) })
    }

    /// Inserts an object at the place that [`OrderedStore::seek`] found for its key.
    pub fn insert(
        &mut self,
        place: Place,
        position: usize,
        object: ObjectBox,
    ) -> Result<(), NoMemory> {
        let mut place = place;
        // Behind the last object of a leaf, rather than before the first of the next one.
        if place.at == 0 && place.leaf > 0 {
            place = Place {
                leaf: place.leaf - 1,
                at: self.leaves[place.leaf - 1].len,
            };
        }
        let full = self.leaves.get(place.leaf).map(|leaf| leaf.len == LEAF);
        if full != Some(false) {
            place = self.make_room(place, object.key(position))?;
        }
        let key = object.key(position);
        self.leaves[place.leaf].insert(place.at, key, object.into_raw());
        self.numbers += other_number(key);
        self.set_key(place, key);
        self.len += 1;
        Ok(())
    }

    /// A place in a leaf with room, in place of one in a leaf that is full or not there.
    fn make_room(&mut self, place: Place, key: Term) -> Result<Place, NoMemory> {
        self.leaves.try_reserve(1).map_err(|_| NoMemory)?;
        self.firsts.try_reserve(1).map_err(|_| NoMemory)?;
        let mut new = try_box(Leaf {
            samples: [Rank::NONE; SAMPLES],
            len: 0,
            keys: [Rank::NONE; LEAF],
            objects: [NonNull::dangling(); LEAF],
        })?;
        let Some(leaf) = self.leaves.get_mut(place.leaf) else {
            self.firsts.push(Rank::of(key));
            self.leaves.push(new);
            return Ok(place);
        };
        // Growing keys fill leaf after leaf; others split one in the middle.
        let end = place.at == LEAF && place.leaf + 1 == self.firsts.len();
        let middle = if end { LEAF } else { LEAF / 2 };
        new.take_from(leaf, middle);
        let next = place.leaf + 1;
        let first = if end { Rank::of(key) } else { new.keys[0] };
        self.firsts.insert(next, first);
        self.leaves.insert(next, new);
        Ok(if place.at >= middle {
            Place {
                leaf: next,
                at: place.at - middle,
            }
        } else {
            place
        })
    }

    /// Takes an object out of the table; the one behind it is at the returned place afterwards.
    pub fn remove(&mut self, place: Place) -> Option<(ObjectBox, Place)> {
        let leaf = self.leaves.get_mut(place.leaf)?;
        if place.at >= leaf.len {
            return None;
        }
        self.numbers -= other_number(leaf.keys[place.at].key());
        // SAFETY: the place owned it, and is gone.
        let object = unsafe { ObjectBox::from_raw(leaf.remove(place.at)) };
        self.len -= 1;
        if leaf.len == 0 {
            self.leaves.remove(place.leaf);
            self.firsts.remove(place.leaf);
            return Some((
                object,
                Place {
                    leaf: place.leaf,
                    at: 0,
                },
            ));
        }
        if place.at == 0 {
            self.firsts[place.leaf] = leaf.keys[0];
        }
        if leaf.len < LEAF / 4
            && let [_, next] = &self.leaves[place.leaf..(place.leaf + 2).min(self.leaves.len())]
            && next.len < LEAF / 2
        {
            let mut next = self.leaves.remove(place.leaf + 1);
            self.firsts.remove(place.leaf + 1);
            self.leaves[place.leaf].take_from(&mut next, 0);
        }
        Some((object, self.normal(place)))
    }
}

impl OrderedStore {
    /// Frees some objects of a store that is used no more; how many, or `None` if none is left.
    pub fn free_some(&mut self) -> Option<usize> {
        let leaf = self.leaves.pop()?;
        for object in &leaf.objects[..leaf.len] {
            // SAFETY: the place owned the object.
            drop(unsafe { ObjectBox::from_raw(*object) });
        }
        Some(leaf.len)
    }
}

impl Drop for OrderedStore {
    fn drop(&mut self) {
        while self.free_some().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Arena;
    use crate::memory::heap::Parcel;
    use std::collections::BTreeSet;

    fn object(key: i64) -> ObjectBox {
        let mut parcel = Parcel::new();
        ObjectBox::new(parcel.tuple(&[Term::small(key)]).unwrap()).unwrap()
    }

    fn keys(store: &OrderedStore) -> Vec<i64> {
        let mut keys = Vec::new();
        let mut place = store.first();
        while let Some(key) = store.key(place) {
            keys.push(key.small_value());
            place = store.after(place);
        }
        keys
    }

    #[test]
    fn it_is_a_sorted_set() {
        let atoms = AtomTable::new();
        let mut store = OrderedStore::new();
        let mut model = BTreeSet::new();
        let mut random = 1u64;
        for round in 0..40_000 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
            let key = (random >> 40) as i64 % 3000;
            let grows = round % 20_000 < 12_000;
            let (place, found) = store.seek(&atoms, Term::small(key));
            assert_eq!(found, model.contains(&key));
            if found && !grows {
                let (removed, next) = store.remove(place).unwrap();
                assert_eq!(removed.key(0).small_value(), key);
                model.remove(&key);
                let follows = model.range(key..).next().copied();
                assert_eq!(store.key(next).map(|k| k.small_value()), follows);
            } else if !found && grows {
                store.insert(place, 0, object(key)).unwrap();
                model.insert(key);
            }
            assert_eq!(store.len(), model.len());
        }
        assert_eq!(keys(&store), model.iter().copied().collect::<Vec<_>>());
        for (index, key) in model.iter().enumerate() {
            let place = store.nth(index);
            assert_eq!(store.key(place).unwrap().small_value(), *key);
            let before = store.before(place).and_then(|place| store.key(place));
            let expected = model.range(..key).next_back();
            assert_eq!(before.map(|key| key.small_value()), expected.copied());
        }
        assert_eq!(
            store
                .last()
                .and_then(|place| store.key(place))
                .map(|k| k.small_value()),
            model.last().copied()
        );
    }

    #[test]
    fn growing_keys_fill_their_leaves() {
        let atoms = AtomTable::new();
        let mut store = OrderedStore::new();
        for key in 0..LEAF as i64 * 10 {
            let (place, _) = store.seek(&atoms, Term::small(key));
            store.insert(place, 0, object(key)).unwrap();
        }
        assert_eq!(store.leaves.len(), 10);
        assert_eq!(keys(&store).len(), LEAF * 10);
    }
}

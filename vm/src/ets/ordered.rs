//! Ordered tables: where the objects of `ordered_set` tables stand.
//!
//! A tree of two levels: leaves of up to 128 objects each, in term order of their keys, and one directory of the leaves. A key
//! stands beside the address of its object, so small integers and atoms are compared without looking at objects; a search
//! is two binary ones. Inserting moves at most one leaf's words, and those of the directory once in many insertions
//! (16 bytes for each leaf).
//!
//! # Invariant
//!
//! Keys grow strictly from place to place, in the order in which `1 == 1.0`. No leaf is empty. `firsts[i]` is the first key of
//! `leaves[i]`. `numbers` says how many keys are floats or bignums. Each key is a term of the object beside it (or immediate), and each object is owned by the place it stands in.

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
use core::hint::select_unpredictable;
use core::ptr::NonNull;

/// Most objects of a leaf.
const LEAF: usize = 128;

struct Leaf {
    len: usize,
    keys: [Term; LEAF],
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
    firsts: Vec<Term>,
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
    fn keys(&self) -> &[Term] {
        &self.keys[..self.len]
    }

    fn insert(&mut self, at: usize, key: Term, object: NonNull<Object>) {
        self.keys.copy_within(at..self.len, at + 1);
        self.objects.copy_within(at..self.len, at + 1);
        self.keys[at] = key;
        self.objects[at] = object;
        self.len += 1;
    }

    fn remove(&mut self, at: usize) -> NonNull<Object> {
        let object = self.objects[at];
        self.keys.copy_within(at + 1..self.len, at);
        self.objects.copy_within(at + 1..self.len, at);
        self.len -= 1;
        object
    }

    /// Appends what `other` has from `from` on, which fits.
    fn take_from(&mut self, other: &mut Leaf, from: usize) {
        let count = other.len - from;
        let to = self.len..self.len + count;
        self.keys[to.clone()].copy_from_slice(&other.keys[from..other.len]);
        self.objects[to].copy_from_slice(&other.objects[from..other.len]);
        self.len += count;
        other.len = from;
    }
}

/// How many keys from the beginning are `before`: a binary search whose steps depend on the number of keys alone.
#[inline(always)]
fn count_before(keys: &[Term], before: impl Fn(Term) -> bool) -> usize {
    let (mut base, mut left) = (0, keys.len());
    while left > 1 {
        let half = left / 2;
        base = select_unpredictable(before(keys[base + half - 1]), base + half, base);
        left -= half;
    }
    match keys.get(base) {
        Some(&key) => base + before(key) as usize,
        None => base,
    }
}

/// As many keys as two lines of the processor's cache hold.
const STRIDE: usize = 16;

/// As [`count_before`], for keys that are mostly not in the processor's cache: it looks at every sixteenth key first, none of which waits
/// for another to be fetched.
#[inline(always)]
fn count_before_in_leaf(keys: &[Term], before: impl Fn(Term) -> bool) -> usize {
    let (strides, _) = keys.as_chunks::<STRIDE>();
    let mut passed = 0;
    for stride in strides {
        passed += before(stride[STRIDE - 1]) as usize;
    }
    let rest = &keys[passed * STRIDE..];
    passed * STRIDE + count_before(&rest[..rest.len().min(STRIDE)], before)
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
        let leaf = self.firsts.partition_point(|first| before(*first));
        // The boundary is in the leaf before the one whose first key lies behind it.
        let Some(leaf) = leaf.checked_sub(1) else {
            return Place { leaf: 0, at: 0 };
        };
        let at = self.leaves[leaf].keys().partition_point(|key| before(*key));
        self.normal(Place { leaf, at })
    }

    /// The first place whose key is not before the small integer `key`, where no key is another kind of number: what is no small integer
    /// comes after it then. So keys compare without a branch, every other one of which would be predicted wrongly.
    fn partition_at_small(&self, key: Term) -> Place {
        let rank = key.small_rank();
        let before = |k: Term| k.small_rank() < rank;
        let Some(leaf) = count_before(&self.firsts, before).checked_sub(1) else {
            return Place { leaf: 0, at: 0 };
        };
        let at = count_before_in_leaf(self.leaves[leaf].keys(), before);
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
        self.leaves.get(place.leaf)?.keys().get(place.at).copied()
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
        self.leaves[place.leaf].keys[place.at] = key;
        if place.at == 0 {
            self.firsts[place.leaf] = key;
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
        let old_key = leaf.keys[place.at];
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
            len: 0,
            keys: [Term::NIL; LEAF],
            objects: [NonNull::dangling(); LEAF],
        })?;
        let Some(leaf) = self.leaves.get_mut(place.leaf) else {
            self.firsts.push(key);
            self.leaves.push(new);
            return Ok(place);
        };
        // Growing keys fill leaf after leaf; others split one in the middle.
        let end = place.at == LEAF && place.leaf + 1 == self.firsts.len();
        let middle = if end { LEAF } else { LEAF / 2 };
        new.take_from(leaf, middle);
        let next = place.leaf + 1;
        self.firsts
            .insert(next, if end { key } else { new.keys[0] });
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
        self.numbers -= other_number(leaf.keys[place.at]);
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

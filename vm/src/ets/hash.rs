//! Hash tables: where the objects of `set`, `bag` and `duplicate_bag` tables stand.
//!
//! Linear hashing: the table grows and shrinks by one bucket at a time, so no insertion waits for all others to
//! be moved. Buckets lie in segments that are never moved. Objects of one key stand side by side in their chain, the oldest
//! first.
//!
//! A fixed table neither grows nor shrinks, and what is deleted from it is only marked; so whoever walks over the buckets meets
//! every object that was there all the time once. When the last fixation ends, [`HashStore::sweep`] takes the marked ones away.
//!
//! # Invariant
//!
//! An object is in the chain of bucket [`HashStore::bucket`] of its hash and owned by that chain. `live` counts those that are not
//! marked, `marked` the others.

use super::object::{Object, ObjectBox};
use crate::memory::NoMemory;
use crate::term::Term;
use crate::term::compare::exact_equal;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr::NonNull;

/// Buckets of a segment, and the fewest that a table has.
const SEGMENT: usize = 256;

/// Buckets that an insertion adds to a table with far too few.
const CATCH_UP: usize = 4;

type Link = Option<NonNull<Object>>;
type Segment = [Link; SEGMENT];

/// The buckets: see the [module](self).
pub struct HashStore {
    #[expect(clippy::vec_box, reason = "segments stay where they are")]
    segments: Vec<Box<Segment>>,
    /// Buckets in use.
    active: usize,
    /// One less than the smallest power of two that is not below `active`.
    mask: usize,
    live: usize,
    marked: usize,
    /// Buckets with marked objects; `None` if they could not be written down: then it may be any.
    marks: Option<Vec<usize>>,
}

fn new_segment() -> Result<Box<Segment>, NoMemory> {
    crate::process::try_box([None; SEGMENT])
}

impl HashStore {
    /// An empty table.
    pub fn new() -> Result<HashStore, NoMemory> {
        let mut segments = Vec::new();
        segments.try_reserve_exact(1).map_err(|_| NoMemory)?;
        segments.push(new_segment()?);
        Ok(HashStore {
            segments,
            active: SEGMENT,
            mask: SEGMENT - 1,
            live: 0,
            marked: 0,
            marks: Some(Vec::new()),
        })
    }

    /// Objects that can be seen.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether no object can be seen.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Objects that were deleted while the table was fixed and are still there.
    pub fn marked(&self) -> usize {
        self.marked
    }

    /// How many buckets there are.
    pub fn buckets(&self) -> usize {
        self.active
    }

    /// Words of memory of the buckets.
    pub fn memory_words(&self) -> usize {
        self.segments.len() * SEGMENT + self.segments.capacity()
    }

    /// The bucket of a hash.
    #[inline(always)]
    pub fn bucket(&self, hash: u64) -> usize {
        let bucket = hash as usize & self.mask;
        if bucket < self.active {
            bucket
        } else {
            bucket & (self.mask >> 1)
        }
    }

    #[inline(always)]
    fn head(&self, bucket: usize) -> &Link {
        &self.segments[bucket / SEGMENT][bucket % SEGMENT]
    }

    #[inline(always)]
    fn head_mut(&mut self, bucket: usize) -> &mut Link {
        &mut self.segments[bucket / SEGMENT][bucket % SEGMENT]
    }

    /// All objects of a bucket, marked ones included.
    #[inline]
    pub fn chain(&self, bucket: usize) -> Chain<'_> {
        Chain {
            next: *self.head(bucket),
            store: core::marker::PhantomData,
        }
    }

    /// What follows an object in its bucket.
    pub fn behind<'a>(&'a self, object: &'a Object) -> Chain<'a> {
        Chain {
            next: object.next,
            store: core::marker::PhantomData,
        }
    }

    /// A cursor before the first object of a bucket.
    #[inline]
    pub fn cursor(&mut self, bucket: usize) -> Cursor<'_> {
        let link = NonNull::from(self.head_mut(bucket));
        Cursor { store: self, link }
    }

    /// The first object of `key`, marked or not; others of the key follow it directly.
    #[inline]
    pub fn find(&self, hash: u64, key: Term, position: usize) -> Option<&Object> {
        self.chain(self.bucket(hash))
            .find(|object| is_of(object, hash, key, position))
    }

    /// All objects of `key` that can be seen, the oldest first.
    #[inline]
    pub fn objects_of(
        &self,
        hash: u64,
        key: Term,
        position: usize,
    ) -> impl Iterator<Item = &Object> {
        self.held_of(hash, key, position)
            .filter(|object| !object.deleted)
    }

    /// As [`HashStore::objects_of`], with those that are only marked as deleted.
    #[inline]
    pub fn held_of(&self, hash: u64, key: Term, position: usize) -> impl Iterator<Item = &Object> {
        self.chain(self.bucket(hash))
            .skip_while(move |object| !is_of(object, hash, key, position))
            .take_while(move |object| is_of(object, hash, key, position))
    }

    /// A cursor before the first object of `key`, or at the end of its bucket.
    #[inline]
    pub fn cursor_at(&mut self, hash: u64, key: Term, position: usize) -> Cursor<'_> {
        let mut cursor = self.cursor(self.bucket(hash));
        while let Some(object) = cursor.object()
            && !is_of(object, hash, key, position)
        {
            cursor.advance();
        }
        cursor
    }

    /// Adds a bucket if there are more objects than buckets; a few if there are many more, as after a long fixation.
    #[inline]
    pub fn grow(&mut self) {
        let objects = self.live + self.marked;
        if objects <= self.active {
            return;
        }
        let buckets = if objects > 2 * self.active {
            CATCH_UP
        } else {
            1
        };
        for _ in 0..buckets {
            self.split();
        }
    }

    /// Adds a bucket: half of another one's objects, on average.
    fn split(&mut self) {
        let new = self.active;
        if new / SEGMENT == self.segments.len() {
            // Without memory the chains become longer.
            if self.segments.try_reserve(1).is_err() {
                return;
            }
            let Ok(segment) = new_segment() else {
                return;
            };
            self.segments.push(segment);
        }
        if new > self.mask {
            self.mask = self.mask * 2 + 1;
        }
        self.active += 1;
        let old = new & (self.mask >> 1);
        let (mut stay, mut go) = (Tail::new(), Tail::new());
        let mut next = self.head_mut(old).take();
        while let Some(mut object) = next {
            // SAFETY: the chain owned the object, and gives it to one of the two.
            let object_mut = unsafe { object.as_mut() };
            next = object_mut.next.take();
            if object_mut.hash as usize & self.mask == new {
                go.push(object);
            } else {
                stay.push(object);
            }
        }
        *self.head_mut(old) = stay.first;
        *self.head_mut(new) = go.first;
    }

    /// Takes the last bucket away if there are far fewer objects than buckets.
    pub fn shrink(&mut self) {
        if self.active <= SEGMENT || self.live + self.marked >= self.active / 2 {
            return;
        }
        let last = self.active - 1;
        let chain = self.head_mut(last).take();
        let into = last & (self.mask >> 1);
        let mut cursor = self.cursor(into);
        while cursor.object().is_some() {
            cursor.advance();
        }
        cursor.set(chain);
        self.active = last;
        if last == self.mask / 2 + 1 {
            self.mask >>= 1;
        }
        // One empty segment is kept: the next insertion may want it.
        if self.active.div_ceil(SEGMENT) + 1 < self.segments.len() {
            self.segments.pop();
        }
    }

    /// Takes away what was marked; `words` is what all objects take. The table is not fixed any more.
    pub fn sweep(&mut self, words: &mut usize) {
        match self.marks.replace(Vec::new()) {
            Some(buckets) => {
                for bucket in buckets {
                    self.sweep_bucket(bucket, words);
                }
            }
            None => {
                for bucket in 0..self.active {
                    self.sweep_bucket(bucket, words);
                }
            }
        }
    }

    fn sweep_bucket(&mut self, bucket: usize, words: &mut usize) {
        let mut cursor = self.cursor(bucket);
        while let Some(object) = cursor.object() {
            if object.deleted {
                *words -= object.memory_words();
                drop(cursor.unlink());
            } else {
                cursor.advance();
            }
        }
    }

    /// Writes down that the bucket has marked objects.
    fn remember(&mut self, bucket: usize) {
        if let Some(marks) = &mut self.marks
            && marks.last() != Some(&bucket)
        {
            match marks.try_reserve(1) {
                Ok(()) => marks.push(bucket),
                Err(_) => self.marks = None,
            }
        }
    }

    /// Marks everything as deleted.
    pub fn mark_all(&mut self) {
        for bucket in 0..self.active {
            let mut cursor = self.cursor(bucket);
            while cursor.object().is_some() {
                cursor.mark();
                cursor.advance();
            }
        }
    }
}

impl HashStore {
    /// Frees some objects of a store that is used no more; how many, or `None` if none is left. A segment's, or a part of them if its
    /// chains are long, as after a long fixation.
    pub fn free_some(&mut self) -> Option<usize> {
        let segment = self.segments.last_mut()?;
        let mut freed = 0;
        for link in segment.iter_mut() {
            while let Some(object) = *link {
                if freed == 2 * SEGMENT {
                    return Some(freed);
                }
                // SAFETY: the chain owned the object, and goes on with the next one.
                let object = unsafe { ObjectBox::from_raw(object) };
                *link = object.next;
                freed += 1;
            }
        }
        self.segments.pop();
        Some(freed)
    }
}

impl Drop for HashStore {
    fn drop(&mut self) {
        while self.free_some().is_some() {}
    }
}

#[inline(always)]
fn is_of(object: &Object, hash: u64, key: Term, position: usize) -> bool {
    object.hash == hash && exact_equal(object.key(position), key)
}

/// A chain that grows at its end.
struct Tail {
    first: Link,
    last: Link,
}

impl Tail {
    fn new() -> Tail {
        Tail {
            first: None,
            last: None,
        }
    }

    fn push(&mut self, object: NonNull<Object>) {
        match self.last {
            // SAFETY: the object is in this chain, which owns it.
            Some(last) => unsafe { (*last.as_ptr()).next = Some(object) },
            None => self.first = Some(object),
        }
        self.last = Some(object);
    }
}

/// The objects of one bucket: see [`HashStore::chain`].
pub struct Chain<'a> {
    next: Link,
    store: core::marker::PhantomData<&'a HashStore>,
}

impl<'a> Iterator for Chain<'a> {
    type Item = &'a Object;
    #[inline]
    fn next(&mut self) -> Option<&'a Object> {
        // SAFETY: chains own their objects, and the store is borrowed.
        let object = unsafe { self.next?.as_ref() };
        self.next = object.next;
        Some(object)
    }
}

/// A place in a chain, before an object or at the end, where something may be changed.
pub struct Cursor<'a> {
    store: &'a mut HashStore,
    /// What leads to the object: the bucket, or the object before it.
    link: NonNull<Link>,
}

impl Cursor<'_> {
    #[inline(always)]
    fn get(&self) -> Link {
        // SAFETY: the link is the bucket's or that of an object of the chain; the store is borrowed exclusively.
        unsafe { *self.link.as_ptr() }
    }

    #[inline(always)]
    fn set(&mut self, to: Link) {
        // SAFETY: as above.
        unsafe { *self.link.as_ptr() = to }
    }

    /// The object behind the cursor.
    #[inline(always)]
    pub fn object(&self) -> Option<&Object> {
        // SAFETY: chains own their objects.
        self.get().map(|object| unsafe { object.as_ref() })
    }

    /// The object behind the cursor, to be changed.
    #[inline(always)]
    pub fn object_mut(&mut self) -> Option<&mut Object> {
        // SAFETY: as above; the store is borrowed exclusively.
        self.get().map(|mut object| unsafe { object.as_mut() })
    }

    /// Whether the object behind the cursor has this key.
    #[inline(always)]
    pub fn is_at(&self, hash: u64, key: Term, position: usize) -> bool {
        self.object()
            .is_some_and(|object| is_of(object, hash, key, position))
    }

    /// Goes on to the next object.
    #[inline(always)]
    pub fn advance(&mut self) {
        if let Some(object) = self.get() {
            // SAFETY: as above; the address of the link stays good while the object is in its chain.
            self.link = unsafe { NonNull::new_unchecked(&raw mut (*object.as_ptr()).next) };
        }
    }

    /// Puts an object here; the cursor stands before it afterwards.
    #[inline]
    pub fn insert(&mut self, mut object: ObjectBox) {
        object.next = self.get();
        let object = object.into_raw();
        self.set(Some(object));
        self.store.live += 1;
    }

    /// Puts another object in the place of the one behind the cursor, which is returned.
    pub fn replace(&mut self, mut object: ObjectBox) -> Option<ObjectBox> {
        let old = self.get()?;
        // SAFETY: the chain owned it, and owns the new one from here on.
        let mut old = unsafe { ObjectBox::from_raw(old) };
        object.next = old.next.take();
        object.hash = old.hash;
        if old.deleted {
            self.store.marked -= 1;
            self.store.live += 1;
        }
        self.set(Some(object.into_raw()));
        Some(old)
    }

    /// Takes the object behind the cursor out of the table.
    #[inline]
    pub fn unlink(&mut self) -> Option<ObjectBox> {
        let object = self.get()?;
        // SAFETY: the chain owned it, and does no more.
        let mut object = unsafe { ObjectBox::from_raw(object) };
        self.set(object.next.take());
        if object.deleted {
            self.store.marked -= 1;
        } else {
            self.store.live -= 1;
        }
        Some(object)
    }

    /// Marks the object behind the cursor as deleted.
    pub fn mark(&mut self) {
        let Some(object) = self.object_mut() else {
            return;
        };
        if !core::mem::replace(&mut object.deleted, true) {
            let hash = object.hash;
            self.store.live -= 1;
            self.store.marked += 1;
            let bucket = self.store.bucket(hash);
            self.store.remember(bucket);
        }
    }

    /// What was marked can be seen again.
    pub fn unmark(&mut self) {
        let marked = match self.object_mut() {
            Some(object) => core::mem::replace(&mut object.deleted, false),
            None => false,
        };
        if marked {
            self.store.live += 1;
            self.store.marked -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Arena;
    use crate::memory::heap::Parcel;
    use crate::term::hash::internal_hash;

    fn put(store: &mut HashStore, key: i64) {
        let mut parcel = Parcel::new();
        let tuple = parcel.tuple(&[Term::small(key)]).unwrap();
        let hash = internal_hash(Term::small(key), 0);
        let mut object = ObjectBox::new(tuple).unwrap();
        object.hash = hash;
        store.cursor(store.bucket(hash)).insert(object);
        store.grow();
    }

    fn remove(store: &mut HashStore, key: i64) -> bool {
        let key = Term::small(key);
        let hash = internal_hash(key, 0);
        let removed = store.cursor_at(hash, key, 0).unlink().is_some();
        store.shrink();
        removed
    }

    #[test]
    fn it_grows_and_shrinks_by_single_buckets_and_loses_nothing() {
        let mut store = HashStore::new().unwrap();
        for key in 0..10_000 {
            let before = store.buckets();
            put(&mut store, key);
            assert!(store.buckets() - before <= 1);
        }
        assert_eq!(store.len(), 10_000);
        assert_eq!(store.buckets(), 10_000);
        let seen: usize = (0..store.buckets()).map(|b| store.chain(b).count()).sum();
        assert_eq!(seen, 10_000);
        for key in 0..10_000 {
            let term = Term::small(key);
            assert!(store.find(internal_hash(term, 0), term, 0).is_some());
        }
        for key in 0..10_000 {
            assert!(remove(&mut store, key));
            assert!(!remove(&mut store, key));
            let next = Term::small((key + 1) % 10_000);
            assert_eq!(
                store.find(internal_hash(next, 0), next, 0).is_some(),
                key < 9_999
            );
        }
        assert_eq!(store.len(), 0);
        assert_eq!(store.buckets(), SEGMENT);
        assert!(store.segments.len() <= 2);
    }

    #[test]
    fn what_is_marked_stays_until_it_is_swept() {
        let mut store = HashStore::new().unwrap();
        for key in 0..100 {
            put(&mut store, key);
        }
        let mut words = 100
            * ObjectBox::new(Parcel::new().tuple(&[Term::NIL]).unwrap())
                .unwrap()
                .memory_words();
        let key = Term::small(7);
        store.cursor_at(internal_hash(key, 0), key, 0).mark();
        assert_eq!((store.len(), store.marked()), (99, 1));
        assert!(store.find(internal_hash(key, 0), key, 0).is_some());
        assert_eq!(store.objects_of(internal_hash(key, 0), key, 0).count(), 0);
        store.mark_all();
        assert_eq!((store.len(), store.marked()), (0, 100));
        store.sweep(&mut words);
        assert_eq!((store.len(), store.marked(), words), (0, 0, 0));
    }
}

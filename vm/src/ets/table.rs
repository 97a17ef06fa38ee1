//! One table: its kind, its options, and what can be done to single objects.
//!
//! Keys of `set`, `bag` and `duplicate_bag` tables are equal as by `=:=`, those of `ordered_set` tables as by `==`.
//!
//! # Invariant
//!
//! Every stored tuple has at least [`Table::key_position`] + 1 elements. `words` is what the objects take, head included. While the
//! table is fixed, a hash store keeps its buckets and what is deleted from it.

use super::fixation::Fixation;
use super::hash::{Cursor, HashStore};
use super::object::{Measured, Object, ObjectBox};
use super::ordered::{OrderedStore, Place};
use super::{Heir, TableId};
use crate::atom::{AtomTable, am};
use crate::memory::adopted::ADOPTED;
use crate::memory::resource::Handle;
use crate::memory::{Arena, NoMemory};
use crate::term::compare::exact_equal;
use crate::term::hash::internal_hash;
use crate::term::{Atom, Term};

/// What kind of table it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One object a key.
    Set,
    /// One object a key, in term order.
    OrderedSet,
    /// Different objects of a key.
    Bag,
    /// Any objects.
    DuplicateBag,
}

impl Kind {
    /// Its name.
    pub fn atom(self) -> Atom {
        match self {
            Kind::Set => am::SET,
            Kind::OrderedSet => am::ORDERED_SET,
            Kind::Bag => am::BAG,
            Kind::DuplicateBag => am::DUPLICATE_BAG,
        }
    }
}

/// Who may do what, besides the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Everybody everything.
    Public,
    /// Everybody may read.
    Protected,
    /// Nobody.
    Private,
}

impl Protection {
    /// Its name.
    pub fn atom(self) -> Atom {
        match self {
            Protection::Public => am::PUBLIC,
            Protection::Protected => am::PROTECTED,
            Protection::Private => am::PRIVATE,
        }
    }
}

/// Where the objects are.
pub enum Store {
    /// `set`, `bag`, `duplicate_bag`.
    Hash(HashStore),
    /// `ordered_set`.
    Ordered(OrderedStore),
}

/// What `ets:new/2` says about a table.
#[derive(Clone, Copy)]
pub struct Options {
    /// What kind.
    pub kind: Kind,
    /// Who may do what.
    pub protection: Protection,
    /// Which element is the key, from 0.
    pub key_position: usize,
    /// Whether the table can be found by its name.
    pub named: bool,
    /// `compressed`: accepted, remembered, without effect.
    pub compressed: bool,
    /// `{read_concurrency, true}`: remembered, without effect.
    pub read_concurrency: bool,
}

/// One table.
pub struct Table {
    /// What leads to it.
    pub id: Handle<TableId>,
    /// Its name, whether it can be found by that or not.
    pub name: Atom,
    /// What it was made with.
    pub options: Options,
    /// The process that it ends with.
    pub owner: Term,
    /// Who gets it when the owner ends.
    pub heir: Option<Heir>,
    /// The objects.
    pub store: Store,
    /// Words of memory that the objects take.
    pub words: usize,
    /// Who holds it fixed.
    pub fixation: Fixation,
    /// The process that is changing it in pieces: for the others it is as it will be afterwards, so they wait.
    pub changer: Option<Term>,
    /// Whether an object so large has been in it that a parcel of it is adopted.
    pub has_large: bool,
    /// Its place in the list of all tables.
    pub(super) place: usize,
    /// Its place in the list of its owner's tables.
    pub(super) place_of_owner: usize,
}

/// Words that a table takes besides its buckets or leaves and its objects.
const TABLE_WORDS: usize = size_of::<Table>() / 8;

impl Store {
    /// How many objects there are.
    pub fn len(&self) -> usize {
        match self {
            Store::Hash(store) => store.len(),
            Store::Ordered(store) => store.len(),
        }
    }

    /// How many objects take up memory: those that are only marked as deleted, too.
    pub fn held(&self) -> usize {
        match self {
            Store::Hash(store) => store.len() + store.marked(),
            Store::Ordered(store) => store.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Frees some objects of a store that is used no more; how many, or `None` if none is left.
    pub fn free_some(&mut self) -> Option<usize> {
        match self {
            Store::Hash(store) => store.free_some(),
            Store::Ordered(store) => store.free_some(),
        }
    }

    /// An empty store for tables of a kind.
    pub fn new(kind: Kind) -> Result<Store, NoMemory> {
        Ok(match kind {
            Kind::OrderedSet => Store::Ordered(OrderedStore::new()),
            _ => Store::Hash(HashStore::new()?),
        })
    }
}

/// Neighbouring small integers that go to neighbouring buckets.
const NEIGHBOURS: i64 = 64;

/// The hash of a key. Small integers are mostly used one after the other: 64 of them share a stretch of buckets, each with a bucket of
/// its own, and the stretch is found by their hash. So what follows is found in memory that has just been looked at, and no
/// regular distance between keys makes them collide.
#[inline(always)]
pub fn key_hash(key: Term) -> u64 {
    match key.as_small() {
        Some(value) => {
            let stretch = internal_hash(Term::small(value.div_euclid(NEIGHBOURS)), 0);
            stretch ^ value.rem_euclid(NEIGHBOURS) as u64
        }
        None => internal_hash(key, 0),
    }
}

impl Table {
    /// Which element is the key, from 0.
    #[inline(always)]
    pub fn key_position(&self) -> usize {
        self.options.key_position
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Words of memory.
    pub fn memory_words(&self) -> usize {
        let store = match &self.store {
            Store::Hash(store) => store.memory_words(),
            Store::Ordered(store) => store.memory_words(),
        };
        let heir = self.heir.as_ref().map_or(0, |heir| heir.words);
        TABLE_WORDS + store + self.words + heir
    }

    /// Whether an object, a term, can stand here.
    #[inline(always)]
    pub fn accepts(&self, object: Term) -> bool {
        object
            .as_tuple()
            .is_some_and(|elements| elements.len() > self.key_position())
    }

    /// The key of an object that [`Table::accepts`] accepts.
    #[inline(always)]
    fn key_of(&self, tuple: &Term) -> Term {
        let elements = tuple.as_tuple().unwrap_or(&[]);
        elements
            .get(self.key_position())
            .copied()
            .unwrap_or(Term::NIL)
    }

    /// `ets:insert/2` of one object, which [`Table::accepts`] accepts.
    #[inline]
    pub fn put(&mut self, atoms: &AtomTable, tuple: Measured) -> Result<(), NoMemory> {
        let key = self.key_of(&tuple.tuple());
        let position = self.options.key_position;
        let kind = self.options.kind;
        let fixed = self.fixation.is_fixed();
        let words = &mut self.words;
        match &mut self.store {
            Store::Hash(store) => {
                let hash = key_hash(key);
                let mut cursor = store.cursor_at(hash, key, position);
                match kind {
                    Kind::Set if cursor.object().is_some() => {
                        return overwrite(&mut cursor, tuple, words);
                    }
                    Kind::Bag => {
                        if has_equal(&mut cursor, hash, key, position, tuple.tuple(), words) {
                            return Ok(());
                        }
                        cursor = store.cursor_at(hash, key, position);
                    }
                    _ => {}
                }
                let mut object = ObjectBox::of(tuple)?;
                object.hash = hash;
                *words += object.memory_words();
                cursor.insert(object);
                if !fixed {
                    store.grow();
                }
            }
            Store::Ordered(store) => {
                let (place, found) = store.seek(atoms, key);
                if found {
                    return replace_at(store, place, position, tuple, words);
                }
                let object = ObjectBox::of(tuple)?;
                let size = object.memory_words();
                store.insert(place, position, object)?;
                *words += size;
            }
        }
        Ok(())
    }

    /// As [`Table::put`], of an object that is there already.
    pub fn put_object(&mut self, atoms: &AtomTable, mut object: ObjectBox) -> Result<(), NoMemory> {
        let key = self.key_of(&object.term());
        let position = self.options.key_position;
        let size = object.memory_words();
        self.has_large |= size >= ADOPTED;
        let words = &mut self.words;
        let old = match &mut self.store {
            Store::Hash(store) => {
                let hash = key_hash(key);
                object.hash = hash;
                let mut cursor = store.cursor_at(hash, key, position);
                let is_bag = self.options.kind == Kind::Bag;
                if is_bag {
                    if has_equal(&mut cursor, hash, key, position, object.term(), words) {
                        return Ok(());
                    }
                    cursor = store.cursor_at(hash, key, position);
                }
                if self.options.kind == Kind::Set && cursor.object().is_some() {
                    cursor.replace(object)
                } else {
                    cursor.insert(object);
                    if !self.fixation.is_fixed() {
                        store.grow();
                    }
                    None
                }
            }
            Store::Ordered(store) => match store.seek(atoms, key) {
                (place, true) => store.replace(place, position, object),
                (place, false) => {
                    store.insert(place, position, object)?;
                    None
                }
            },
        };
        *words += size;
        if let Some(old) = old {
            *words -= old.memory_words();
        }
        Ok(())
    }

    /// Whether there is an object with this key.
    #[inline]
    pub fn has(&self, atoms: &AtomTable, key: Term) -> bool {
        match &self.store {
            Store::Hash(store) => store
                .objects_of(key_hash(key), key, self.key_position())
                .next()
                .is_some(),
            Store::Ordered(store) => store.find(atoms, key).is_some(),
        }
    }

    /// The only object with this key in `set` and `ordered_set` tables; the youngest one in others.
    #[inline]
    pub fn get(&self, atoms: &AtomTable, key: Term) -> Option<&Object> {
        match &self.store {
            Store::Hash(store) => store
                .objects_of(key_hash(key), key, self.key_position())
                .next(),
            Store::Ordered(store) => store.object(store.find(atoms, key)?),
        }
    }

    /// Calls `each` with all objects of a key, the youngest first.
    pub fn each_of<E>(
        &self,
        atoms: &AtomTable,
        key: Term,
        mut each: impl FnMut(&Object) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.store {
            Store::Hash(store) => store
                .objects_of(key_hash(key), key, self.key_position())
                .try_for_each(each),
            Store::Ordered(_) => self.get(atoms, key).map_or(Ok(()), &mut each),
        }
    }

    /// As [`Table::each_of`], with objects that are only marked as deleted.
    pub fn each_held_of<E>(
        &self,
        atoms: &AtomTable,
        key: Term,
        mut each: impl FnMut(&Object) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.store {
            Store::Hash(store) => store
                .held_of(key_hash(key), key, self.key_position())
                .try_for_each(each),
            Store::Ordered(_) => self.get(atoms, key).map_or(Ok(()), &mut each),
        }
    }

    /// Words that [`Table::lookup`] of a key makes.
    pub fn words_of(&self, atoms: &AtomTable, key: Term) -> usize {
        let mut words = 0;
        let _ = self.each_of(atoms, key, |object| {
            words += object.words().len() + 2;
            Ok::<(), NoMemory>(())
        });
        words
    }

    /// A list of copies of all objects of a key, the oldest first.
    #[inline]
    pub fn lookup<A: Arena + ?Sized>(
        &self,
        atoms: &AtomTable,
        key: Term,
        arena: &mut A,
    ) -> Result<Term, NoMemory> {
        let mut list = Term::NIL;
        self.each_of(atoms, key, |object| {
            let copy = object.copy_to(arena)?;
            list = arena.cons(copy, list)?;
            Ok(())
        })?;
        Ok(list)
    }

    /// Changes the only object of a key, in the same memory, in `set` and `ordered_set` tables. The key stays equal to what
    /// it was.
    pub fn change<R>(
        &mut self,
        atoms: &AtomTable,
        key: Term,
        change: impl FnOnce(&mut Object) -> R,
    ) -> Option<R> {
        let position = self.options.key_position;
        match &mut self.store {
            Store::Hash(store) => {
                let mut cursor = store.cursor_at(key_hash(key), key, position);
                let object = cursor.object_mut()?;
                (!object.deleted).then(|| change(object))
            }
            Store::Ordered(store) => {
                let place = store.find(atoms, key)?;
                store.change(place, position, change)
            }
        }
    }

    /// Deletes the objects of a key for which `which` is true; how many they were.
    pub fn delete(
        &mut self,
        atoms: &AtomTable,
        key: Term,
        mut which: impl FnMut(&Object) -> bool,
    ) -> usize {
        let position = self.options.key_position;
        let fixed = self.fixation.is_fixed();
        let words = &mut self.words;
        let mut deleted = 0;
        match &mut self.store {
            Store::Hash(store) => {
                let hash = key_hash(key);
                let mut cursor = store.cursor_at(hash, key, position);
                while let Some(object) = cursor.object()
                    && cursor.is_at(hash, key, position)
                {
                    if object.deleted || !which(object) {
                        cursor.advance();
                        continue;
                    }
                    deleted += 1;
                    delete_here(&mut cursor, fixed, words);
                }
                if deleted > 0 && !fixed {
                    store.shrink();
                }
            }
            Store::Ordered(store) => {
                if let Some(place) = store.find(atoms, key)
                    && store.object(place).is_some_and(which)
                    && let Some((object, _)) = store.remove(place)
                {
                    *words -= object.memory_words();
                    deleted = 1;
                }
            }
        }
        deleted
    }

    /// `ets:delete_object/2`: deletes the objects that are equal to `tuple` as by `=:=`.
    pub fn delete_object(&mut self, atoms: &AtomTable, tuple: Term) {
        let key = self.key_of(&tuple);
        self.delete(atoms, key, |object| exact_equal(object.term(), tuple));
    }

    /// Deletes all objects: what they were in, if that is not used any more ([`super::Tables::bury`]).
    pub fn clear(&mut self) -> Result<Option<Store>, NoMemory> {
        let fixed = self.fixation.is_fixed();
        match &mut self.store {
            Store::Hash(store) if fixed => {
                store.mark_all();
                Ok(None)
            }
            store => {
                self.words = 0;
                let empty = Store::new(self.options.kind)?;
                Ok(Some(core::mem::replace(store, empty)))
            }
        }
    }

    /// The last fixation has ended: what was deleted meanwhile goes, and the buckets catch up.
    pub(super) fn unfixed(&mut self) {
        if let Store::Hash(store) = &mut self.store {
            store.sweep(&mut self.words);
        }
    }
}

/// Deletes the object behind the cursor: marks it, and goes on to the next, if the table is fixed.
pub fn delete_here(cursor: &mut Cursor<'_>, fixed: bool, words: &mut usize) {
    if fixed {
        cursor.mark();
        cursor.advance();
    } else if let Some(object) = cursor.unlink() {
        *words -= object.memory_words();
    }
}

/// Puts `tuple` in the place of the object behind the cursor, which has the same key.
#[inline]
pub fn overwrite(
    cursor: &mut Cursor<'_>,
    tuple: Measured,
    words: &mut usize,
) -> Result<(), NoMemory> {
    if let Some(object) = cursor.object_mut()
        && object.overwrite(tuple)
    {
        cursor.unmark();
        return Ok(());
    }
    let object = ObjectBox::of(tuple)?;
    *words += object.memory_words();
    if let Some(old) = cursor.replace(object) {
        *words -= old.memory_words();
    }
    Ok(())
}

/// Puts `tuple`, with an equal key, in the place of the object there.
pub fn replace_at(
    store: &mut OrderedStore,
    place: Place,
    position: usize,
    tuple: Measured,
    words: &mut usize,
) -> Result<(), NoMemory> {
    if store.change(place, position, |object| object.overwrite(tuple)) == Some(true) {
        return Ok(());
    }
    let object = ObjectBox::of(tuple)?;
    *words += object.memory_words();
    if let Some(old) = store.replace(place, position, object) {
        *words -= old.memory_words();
    }
    Ok(())
}

/// Whether an object equal to `tuple` is behind the cursor, which stands at the first one of the key. One that is only marked makes room, since
/// what is inserted again is the youngest of its key.
fn has_equal(
    cursor: &mut Cursor<'_>,
    hash: u64,
    key: Term,
    position: usize,
    tuple: Term,
    words: &mut usize,
) -> bool {
    while cursor.is_at(hash, key, position) {
        let equal = cursor
            .object()
            .filter(|object| exact_equal(object.term(), tuple));
        match equal.map(|object| object.deleted) {
            Some(false) => return true,
            Some(true) => {
                if let Some(old) = cursor.unlink() {
                    *words -= old.memory_words();
                }
                return false;
            }
            None => cursor.advance(),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn small_integers_spread_whatever_lies_between_them() {
        for distance in [1, 3, 64, 100, 4096, 1 << 32] {
            let buckets: HashSet<u64> = (-500..500)
                .map(|i| key_hash(Term::small(i * distance)) & 1023)
                .collect();
            // At random it would be 63 %.
            assert!(buckets.len() > 600, "{distance}: {}", buckets.len());
        }
    }
}

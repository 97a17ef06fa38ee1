//! From key to key: `first`, `next`, `last`, `prev`, `slot`, and those of OTP 27 that give the objects along with the key.
//!
//! In `set`, `bag` and `duplicate_bag` tables `prev` and `last` are `next` and `first`, as in OTP.

use super::super::{Bif, Context, Fail, Value, bif};
use super::{Access, open};
use crate::atom::am;
use crate::ets::Opened;
use crate::ets::hash::HashStore;
use crate::ets::object::Object;
use crate::ets::ordered::{OrderedStore, Place};
use crate::ets::table::{Store, key_hash};
use crate::memory::Arena;
use crate::term::Term;
use crate::term::compare::exact_equal;
use crate::term::copy::copy;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("ets", "first", 1, first_1),
    bif("ets", "last", 1, last_1),
    bif("ets", "next", 2, next_2),
    bif("ets", "prev", 2, prev_2),
    bif("ets", "slot", 2, slot_2),
    bif("ets", "first_lookup", 1, first_lookup_1),
    bif("ets", "last_lookup", 1, last_lookup_1),
    bif("ets", "next_lookup", 2, next_lookup_2),
    bif("ets", "prev_lookup", 2, prev_lookup_2),
    bif("erts_internal", "ets_raw_first", 1, raw_first_1),
    bif("erts_internal", "ets_raw_next", 2, raw_next_2),
];

/// The first object from bucket `from` on; deleted ones, too, if `raw`.
fn first_from(store: &HashStore, from: usize, raw: bool) -> Option<&Object> {
    (from..store.buckets())
        .find_map(|bucket| store.chain(bucket).find(|object| raw || !object.deleted))
}

/// The first object after those of `key`. `Err` if there is none with that key.
fn after(
    store: &HashStore,
    key: Term,
    position: usize,
    raw: bool,
) -> Result<Option<&Object>, Fail> {
    let hash = key_hash(key);
    // A table is walked over object by object: the rest of the chain is at hand.
    let first = store.find(hash, key, position).ok_or(Fail::Badarg)?;
    let rest = store.behind(first);
    let other = |object: &&Object| {
        (raw || !object.deleted) && !(object.hash == hash && exact_equal(object.key(position), key))
    };
    Ok(match rest.into_iter().find(other) {
        Some(object) => Some(object),
        None => first_from(store, store.bucket(hash) + 1, raw),
    })
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Forward,
    Backward,
}

/// The object at the end of the table that `way` begins with.
fn outermost(table: &Opened, way: Way, raw: bool) -> Option<&Object> {
    match &table.store {
        Store::Hash(store) => first_from(store, 0, raw),
        Store::Ordered(store) if way == Way::Forward => store.object(store.first()),
        Store::Ordered(store) => store.object(store.last()?),
    }
}

/// The object that follows those of `key` on the way.
fn neighbour<'a>(
    cx: &mut Context,
    table: &'a Opened,
    key: Term,
    way: Way,
    raw: bool,
) -> Result<Option<&'a Object>, Fail> {
    match &table.store {
        Store::Hash(store) => after(store, key, table.key_position(), raw),
        Store::Ordered(store) => {
            let place = place_beside(cx, store, key, way)?;
            Ok(place.and_then(|place| store.object(place)))
        }
    }
}

/// The place that follows `key` on the way; it may be the end. Nothing follows the atom for the end, even if it is a key.
fn place_beside(
    cx: &mut Context,
    store: &OrderedStore,
    key: Term,
    way: Way,
) -> Result<Option<Place>, Fail> {
    if key == am::END_OF_TABLE.term() {
        return Err(Fail::Badarg);
    }
    let (place, found) = store.seek(cx.atoms(), key);
    Ok(match way {
        Way::Forward if found => Some(store.after(place)),
        Way::Forward => Some(place),
        Way::Backward => store.before(place),
    })
}

/// The key of an object, or the atom for the end.
fn key_of(cx: &mut Context, table: &Opened, object: Option<&Object>) -> Value {
    match object {
        Some(object) => Ok(copy(object.key(table.key_position()), cx, &(0..0))?),
        None => Ok(am::END_OF_TABLE.term()),
    }
}

/// `{Key, Objects}`, or the atom for the end.
fn key_and_objects(cx: &mut Context, table: &Opened, object: Option<&Object>) -> Value {
    let Some(object) = object else {
        return Ok(am::END_OF_TABLE.term());
    };
    let key = object.key(table.key_position());
    let (heap, atoms) = cx.heap_and_atoms();
    let objects = table.lookup(atoms, key, heap)?;
    let key = copy(key, heap, &(0..0))?;
    Ok(heap.tuple(&[key, objects])?)
}

fn end(cx: &mut Context, args: &[Term], way: Way, raw: bool) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let object = outermost(&table, way, raw);
    key_of(cx, &table, object)
}

fn step(cx: &mut Context, args: &[Term], way: Way, raw: bool) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    if let Store::Ordered(store) = &table.store {
        // The store has the key beside the object, at which nobody need look.
        let place = place_beside(cx, store, args[1], way)?;
        return match place.and_then(|place| store.key(place)) {
            Some(key) => Ok(copy(key, cx, &(0..0))?),
            None => Ok(am::END_OF_TABLE.term()),
        };
    }
    let object = neighbour(cx, &table, args[1], way, raw)?;
    key_of(cx, &table, object)
}

fn first_1(cx: &mut Context, args: &[Term]) -> Value {
    end(cx, args, Way::Forward, false)
}

fn last_1(cx: &mut Context, args: &[Term]) -> Value {
    end(cx, args, Way::Backward, false)
}

fn next_2(cx: &mut Context, args: &[Term]) -> Value {
    step(cx, args, Way::Forward, false)
}

fn prev_2(cx: &mut Context, args: &[Term]) -> Value {
    step(cx, args, Way::Backward, false)
}

/// As `first/1`, with objects that were deleted while the table was fixed.
fn raw_first_1(cx: &mut Context, args: &[Term]) -> Value {
    end(cx, args, Way::Forward, true)
}

fn raw_next_2(cx: &mut Context, args: &[Term]) -> Value {
    step(cx, args, Way::Forward, true)
}

fn first_lookup_1(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let object = outermost(&table, Way::Forward, false);
    key_and_objects(cx, &table, object)
}

fn last_lookup_1(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let object = outermost(&table, Way::Backward, false);
    key_and_objects(cx, &table, object)
}

fn next_lookup_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let object = neighbour(cx, &table, args[1], Way::Forward, false)?;
    key_and_objects(cx, &table, object)
}

fn prev_lookup_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let object = neighbour(cx, &table, args[1], Way::Backward, false)?;
    key_and_objects(cx, &table, object)
}

/// The objects of a bucket, or the one at a place; the atom for the end right behind the last one.
fn slot_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let index: usize = match args[1].as_small() {
        Some(index @ 0..) => index as usize,
        _ => return Err(Fail::Badarg),
    };
    let slots = match &table.store {
        Store::Hash(store) => store.buckets(),
        Store::Ordered(store) => store.len(),
    };
    if index >= slots {
        return if index == slots {
            Ok(am::END_OF_TABLE.term())
        } else {
            Err(Fail::Badarg)
        };
    }
    let mut list = Term::NIL;
    match &table.store {
        Store::Hash(store) => {
            for object in store.chain(index).filter(|object| !object.deleted) {
                let object = object.copy_to(cx)?;
                list = cx.cons(object, list)?;
            }
        }
        Store::Ordered(store) => {
            if let Some(object) = store.object(store.nth(index)) {
                let object = object.copy_to(cx)?;
                list = cx.cons(object, list)?;
            }
        }
    }
    Ok(list)
}

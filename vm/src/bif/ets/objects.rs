//! Objects by their keys: `lookup`, `take`, `delete` and their like.

use super::super::{Bif, Context, Fail, Value, bif};
use super::insert::PER_REDUCTION;
use super::manage::bury;
use super::{Access, open};
use crate::atom::am;
use crate::ets::table::Kind;
use crate::memory::Arena;
use crate::memory::adopted::ADOPTED;
use crate::memory::heap::Parcel;
use crate::term::Term;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("ets", "lookup", 2, lookup_2),
    bif("ets", "lookup_element", 3, lookup_element_3),
    bif("ets", "lookup_element", 4, lookup_element_4),
    bif("ets", "member", 2, member_2),
    bif("ets", "take", 2, take_2),
    bif("ets", "delete", 2, delete_2),
    bif("ets", "delete_object", 2, delete_object_2),
    bif("ets", "internal_delete_all", 2, internal_delete_all_2),
];

fn lookup_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    if table.has_large {
        return lookup_large(cx, args, Access::Read);
    }
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(table.lookup(atoms, args[1], heap)?)
}

/// As `lookup/2`, of objects that may be large: the room for them is made in pieces, the copy at one go, of what is there then.
#[cold]
fn lookup_large(cx: &mut Context, args: &[Term], access: Access) -> Value {
    let words = open(cx, args[0], access)?.words_of(cx.atoms(), args[1]);
    if words < ADOPTED {
        let table = open(cx, args[0], access)?;
        let (heap, atoms) = cx.heap_and_atoms();
        return Ok(table.lookup(atoms, args[1], heap)?);
    }
    let mut parcel = Parcel::with_room(words, cx)?;
    let table = open(cx, args[0], access)?;
    let list = table.lookup(cx.atoms(), args[1], &mut parcel)?;
    parcel.give_to(cx.heap())?;
    Ok(list)
}

fn lookup_element_3(cx: &mut Context, args: &[Term]) -> Value {
    let found = lookup_element(cx, args)?;
    found.ok_or_else(|| cx.fail_because(am::BADKEY))
}

fn lookup_element_4(cx: &mut Context, args: &[Term]) -> Value {
    Ok(lookup_element(cx, args)?.unwrap_or(args[3]))
}

/// Element `args[2]` of the objects with key `args[1]`; a list of them in bags. `None` if there is no such object.
fn lookup_element(cx: &mut Context, args: &[Term]) -> Result<Option<Term>, Fail> {
    let table = open(cx, args[0], Access::Read)?;
    let index = match args[2].as_small() {
        Some(index @ 1..) => index as usize - 1,
        _ => return Err(Fail::Badarg),
    };
    let (heap, atoms) = cx.heap_and_atoms();
    if matches!(table.options.kind, Kind::Set | Kind::OrderedSet) {
        let Some(object) = table.get(atoms, args[1]) else {
            return Ok(None);
        };
        if index >= object.elements().len() {
            return Err(Fail::Badarg);
        }
        if object.words().len() >= ADOPTED {
            let mut parcel = Parcel::new();
            let element = object.copy_element(index, &mut parcel)?;
            parcel.give_to(heap)?;
            return Ok(Some(element));
        }
        return Ok(Some(object.copy_element(index, heap)?));
    }
    let mut list = Term::NIL;
    table.each_of(atoms, args[1], |object| {
        if index >= object.elements().len() {
            return Err(Fail::Badarg);
        }
        let element = object.copy_element(index, heap)?;
        list = heap.cons(element, list)?;
        Ok(())
    })?;
    Ok((!list.is_nil()).then_some(list))
}

fn member_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    Ok(Term::boolean(table.has(cx.atoms(), args[1])))
}

fn take_2(cx: &mut Context, args: &[Term]) -> Value {
    let list = match open(cx, args[0], Access::Write)? {
        table if !table.has_large => {
            let (heap, atoms) = cx.heap_and_atoms();
            table.lookup(atoms, args[1], heap)?
        }
        _ => lookup_large(cx, args, Access::Write)?,
    };
    let mut table = open(cx, args[0], Access::Write)?;
    table.delete(cx.atoms(), args[1], |_| true);
    Ok(list)
}

fn delete_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    table.delete(cx.atoms(), args[1], |_| true);
    Ok(am::TRUE.term())
}

fn delete_object_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    if !table.accepts(args[1]) {
        return Err(Fail::Badarg);
    }
    table.delete_object(cx.atoms(), args[1]);
    Ok(am::TRUE.term())
}

/// `internal_delete_all(Table, undefined)`: what `ets:delete_all_objects/1` is made of; how many objects there were.
fn internal_delete_all_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    let count = table.len();
    match table.clear()? {
        Some(store) => bury(cx, store)?,
        // They were marked in one go: nobody else sees a part of them.
        None => cx.consume(count / PER_REDUCTION)?,
    }
    Ok(Term::small(count as i64))
}

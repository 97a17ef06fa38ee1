//! Objects by their keys: `insert`, `lookup`, `delete` and their like.

use super::super::{Bif, Context, Fail, Value, bif};
use super::manage::bury;
use super::{Access, open};
use crate::atom::am;
use crate::ets::Opened;
use crate::ets::table::Kind;
use crate::memory::Arena;
use crate::memory::NoMemory;
use crate::term::Term;
use smallvec::SmallVec;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("ets", "insert", 2, insert_2),
    bif("ets", "insert_new", 2, insert_new_2),
    bif("ets", "lookup", 2, lookup_2),
    bif("ets", "lookup_element", 3, lookup_element_3),
    bif("ets", "lookup_element", 4, lookup_element_4),
    bif("ets", "member", 2, member_2),
    bif("ets", "take", 2, take_2),
    bif("ets", "delete", 2, delete_2),
    bif("ets", "delete_object", 2, delete_object_2),
    bif("ets", "internal_delete_all", 2, internal_delete_all_2),
];

/// Objects that a reduction pays for.
const PER_REDUCTION: usize = 2;

fn insert_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    if table.accepts(args[1]) {
        table.put(cx.atoms(), args[1])?;
        return Ok(am::TRUE.term());
    }
    check_list(cx, &table, args[1])?;
    put_list(cx, &mut table, args[1])?;
    Ok(am::TRUE.term())
}

/// Fails if `list` is not a proper list of objects of the table.
fn check_list(cx: &mut Context, table: &Opened, list: Term) -> Result<(), Fail> {
    let mut objects = list.iter_list();
    let mut count = 0;
    for object in objects.by_ref() {
        if !table.accepts(object) {
            return Err(Fail::Badarg);
        }
        count += 1;
    }
    if !objects.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    cx.bump_reductions(count / PER_REDUCTION);
    Ok(())
}

/// Inserts all objects of a list that has been checked. Up to OTP 26 those of a list come into a
/// `bag` beginning with the last one.
fn put_list(cx: &mut Context, table: &mut Opened, list: Term) -> Result<(), NoMemory> {
    if table.options.kind != Kind::Bag || cx.machine().release_number() >= 27 {
        for object in list.iter_list() {
            table.put(cx.atoms(), object)?;
        }
        return Ok(());
    }
    let mut objects: SmallVec<[Term; 16]> = SmallVec::new();
    for object in list.iter_list() {
        objects.try_reserve(1).map_err(|_| NoMemory)?;
        objects.push(object);
    }
    for object in objects.iter().rev() {
        table.put(cx.atoms(), *object)?;
    }
    Ok(())
}

fn insert_new_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    let position = table.key_position();
    let key = |object: Term| object.as_tuple().map_or(Term::NIL, |tuple| tuple[position]);
    if table.accepts(args[1]) {
        if table.has(cx.atoms(), key(args[1])) {
            return Ok(am::FALSE.term());
        }
        table.put(cx.atoms(), args[1])?;
        return Ok(am::TRUE.term());
    }
    check_list(cx, &table, args[1])?;
    for object in args[1].iter_list() {
        if table.has(cx.atoms(), key(object)) {
            return Ok(am::FALSE.term());
        }
    }
    put_list(cx, &mut table, args[1])?;
    Ok(am::TRUE.term())
}

fn lookup_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(table.lookup(atoms, args[1], heap)?)
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
    let mut table = open(cx, args[0], Access::Write)?;
    let (heap, atoms) = cx.heap_and_atoms();
    let list = table.lookup(atoms, args[1], heap)?;
    table.delete(atoms, args[1], |_| true);
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

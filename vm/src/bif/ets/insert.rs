//! `ets:insert/2` and `ets:insert_new/2`, and how they let others run meanwhile.
//!
//! All objects of a list are inserted, or none, and nobody sees some of them. So few objects are inserted at one go. Many, or large ones, are
//! copied first, in pieces, which the table knows nothing of; then the process becomes the table's `changer`, whom others
//! wait for, and links the objects into the table, in pieces, too.
//!
//! Invariant: whoever is `changer` of a table is in [`change`], which takes that back before it returns. A process that is told to end meanwhile
//! links the rest at one go, as if it had been told a little later.

use super::super::{Bif, Context, Fail, LARGE, Value, bif};
use super::{Access, open};
use crate::atom::am;
use crate::ets::Opened;
use crate::ets::object::{Measured, ObjectBox};
use crate::ets::table::{Kind, Table};
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use crate::term::pace::Pace;
use alloc::vec::Vec;
use smallvec::SmallVec;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("ets", "insert", 2, insert_2),
    bif("ets", "insert_new", 2, insert_new_2),
];

/// Objects that a reduction pays for.
pub const PER_REDUCTION: usize = 2;

/// More objects than these are inserted in pieces.
const FEW: usize = 500;

fn insert_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    if table.accepts(args[1]) {
        if cx.holds_much() {
            insert_one(cx, args[0], args[1])?;
        } else {
            table.put(cx.atoms(), Measured::new(args[1])?)?;
        }
        return Ok(am::TRUE.term());
    }
    match check_list(cx, &table, args)? {
        count if count > FEW || cx.holds_much() => insert_many(cx, args, count, false),
        count => {
            cx.bump_reductions(count / PER_REDUCTION);
            put_list(cx, &mut table, args[1])?;
            Ok(am::TRUE.term())
        }
    }
}

fn insert_new_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    if table.accepts(args[1]) {
        if has(cx, &table, args[1]) {
            return Ok(am::FALSE.term());
        }
        if cx.holds_much() {
            let list = cx.list(&[args[1]])?;
            return insert_many(cx, &[args[0], list], 1, true);
        }
        table.put(cx.atoms(), Measured::new(args[1])?)?;
        return Ok(am::TRUE.term());
    }
    match check_list(cx, &table, args)? {
        count if count > FEW || cx.holds_much() => insert_many(cx, args, count, true),
        count => {
            cx.bump_reductions(count / PER_REDUCTION);
            for object in args[1].iter_list() {
                if has(cx, &table, object) {
                    return Ok(am::FALSE.term());
                }
            }
            put_list(cx, &mut table, args[1])?;
            Ok(am::TRUE.term())
        }
    }
}

/// Whether the table has an object with the key of this one.
fn has(cx: &mut Context, table: &Table, object: Term) -> bool {
    let position = table.key_position();
    let key = object
        .as_tuple()
        .map_or(Term::NIL, |elements| elements[position]);
    table.has(cx.atoms(), key)
}

/// How many objects there are in the list `args[1]`; fails if it is not a proper list of objects of the table, which is `args[0]`.
fn check_list(cx: &mut Context, table: &Opened, args: &[Term]) -> Result<usize, Fail> {
    let mut rest = args[1];
    let mut count = 0;
    let mut accepts_all = |table: &Opened| {
        let mut objects = rest.iter_list();
        for object in objects.by_ref().take(FEW) {
            if !table.accepts(object) {
                return Err(Fail::Badarg);
            }
            count += 1;
        }
        rest = objects.tail();
        match rest.is_list() {
            true => Ok(rest.is_nil().then_some(count)),
            false => Err(Fail::Badarg),
        }
    };
    let mut found = accepts_all(table)?;
    loop {
        if let Some(count) = found {
            return Ok(count);
        }
        cx.consume(FEW / PER_REDUCTION)?;
        found = accepts_all(&open(cx, args[0], Access::Write)?)?;
    }
}

/// Up to OTP 26 the objects of a list come into a `bag` beginning with the last one.
fn last_is_first(cx: &mut Context, table: &Table) -> bool {
    table.options.kind == Kind::Bag && cx.machine().release_number() < 27
}

/// Inserts all objects of a list that has been checked.
fn put_list(cx: &mut Context, table: &mut Opened, list: Term) -> Result<(), NoMemory> {
    if !last_is_first(cx, table) {
        for object in list.iter_list() {
            table.put(cx.atoms(), Measured::new(object)?)?;
        }
        return Ok(());
    }
    let mut objects: SmallVec<[Term; 16]> = SmallVec::new();
    for object in list.iter_list() {
        objects.try_reserve(1).map_err(|_| NoMemory)?;
        objects.push(object);
    }
    for object in objects.iter().rev() {
        table.put(cx.atoms(), Measured::new(*object)?)?;
    }
    Ok(())
}

/// Inserts an object that may be large.
fn insert_one(cx: &mut Context, table: Term, tuple: Term) -> Result<(), Fail> {
    let tuple = Measured::new_paced(tuple, cx)?;
    if tuple.words() < LARGE {
        let mut table = open_again(cx, table, tuple.tuple())?;
        return Ok(table.put(cx.atoms(), tuple)?);
    }
    let object = ObjectBox::of_paced(tuple, cx)?;
    let mut table = open_again(cx, table, tuple.tuple())?;
    Ok(table.put_object(cx.atoms(), object)?)
}

/// The table of that name after a pause: it may be another one by now.
fn open_again(cx: &mut Context, table: Term, tuple: Term) -> Result<Opened, Fail> {
    let table = open(cx, table, Access::Write)?;
    match table.accepts(tuple) {
        true => Ok(table),
        false => Err(Fail::Badarg),
    }
}

/// `insert/2` or `insert_new/2` of a list of `count` objects that has been checked.
fn insert_many(cx: &mut Context, args: &[Term], count: usize, only_new: bool) -> Value {
    let mut objects: Vec<ObjectBox> = Vec::new();
    objects.try_reserve_exact(count).map_err(|_| NoMemory)?;
    let mut words = 0;
    for object in args[1].iter_list() {
        let measured = Measured::new_paced(object, cx)?;
        objects.push(ObjectBox::of_paced(measured, cx)?);
        // Of a large one both have told already.
        words += measured.words().min(LARGE);
        if words >= LARGE {
            cx.did(core::mem::take(&mut words))?;
        }
    }
    let shortest = objects.iter().map(|object| object.elements().len()).min();
    let table = open(cx, args[0], Access::Write)?;
    if shortest.is_some_and(|elements| elements <= table.key_position()) {
        return Err(Fail::Badarg);
    }
    if !last_is_first(cx, &table) {
        // They are taken from the end.
        objects.reverse();
    }
    let inserted = change(cx, args[0], |cx, table| {
        if only_new && !all_new(cx, table, &objects)? {
            return Ok(false);
        }
        link(cx, table, &mut objects)?;
        Ok(true)
    });
    while objects.pop().is_some() {
        if objects.len().is_multiple_of(FEW) {
            cx.consume(FEW / PER_REDUCTION)?;
        }
    }
    Ok(Term::boolean(inserted?))
}

/// Whether the table has none of the keys of these objects.
fn all_new(cx: &mut Context, table: Term, objects: &[ObjectBox]) -> Result<bool, Fail> {
    for objects in objects.rchunks(FEW) {
        let open = open_changed(cx, table)?;
        if objects.iter().any(|object| has(cx, &open, object.term())) {
            return Ok(false);
        }
        cx.consume(FEW / PER_REDUCTION)?;
    }
    Ok(true)
}

/// Puts all objects into the table, the last one first.
fn link(cx: &mut Context, table: Term, objects: &mut Vec<ObjectBox>) -> Result<(), Fail> {
    let mut told = Ok(());
    loop {
        let mut open = open_changed(cx, table)?;
        for _ in 0..FEW {
            match objects.pop() {
                Some(object) => open.put_object(cx.atoms(), object)?,
                None => return told,
            }
        }
        if told.is_ok() {
            told = cx.consume(FEW / PER_REDUCTION);
        }
    }
}

/// Puts an object that may be large in the place of the one with its key, while nobody else can change that.
pub fn put_changed(cx: &mut Context, table: Term, tuple: Term) -> Result<(), Fail> {
    change(cx, table, |cx, table| {
        let tuple = Measured::new_paced(tuple, cx)?;
        if tuple.words() < LARGE {
            return Ok(open_changed(cx, table)?.put(cx.atoms(), tuple)?);
        }
        let object = ObjectBox::of_paced(tuple, cx)?;
        Ok(open_changed(cx, table)?.put_object(cx.atoms(), object)?)
    })
}

/// Calls `function` while others wait for the table, and the process may pause: with [`open_changed`] it finds the table after that.
fn change<T>(
    cx: &mut Context,
    table: Term,
    function: impl FnOnce(&mut Context, Term) -> Result<T, Fail>,
) -> Result<T, Fail> {
    let pid = cx.process().pid;
    open(cx, table, Access::Write)?.changer = Some(pid);
    let value = function(cx, table);
    if let Ok(mut table) = open_changed(cx, table) {
        table.changer = None;
    }
    value
}

/// The table that the process is changing; fails if it has ended with its owner.
fn open_changed(cx: &mut Context, table: Term) -> Result<Opened, Fail> {
    let pid = cx.process().pid;
    match cx.machine().ets.find(table) {
        Ok(table) if table.changer == Some(pid) => Ok(table),
        _ => Err(Fail::Badarg),
    }
}

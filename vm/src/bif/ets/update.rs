//! Changing elements of objects: `update_counter/3,4` and `update_element/3,4`.
//!
//! All of the operations are done, or none: they are applied to a copy of the elements (on the native stack, if they are few), which
//! takes the object's place when nothing has failed. One operation on a small integer is done in the object.

use super::super::{Bif, Context, Fail, Value, bif};
use super::insert::put_changed;
use super::{Access, open};
use crate::atom::am;
use crate::ets::Opened;
use crate::ets::object::Measured;
use crate::ets::table::Kind;
use crate::memory::Arena;
use crate::memory::NoMemory;
use crate::memory::heap::Parcel;
use crate::number;
use crate::term::Term;
use crate::term::compare::compare;
use core::cmp::Ordering;
use smallvec::SmallVec;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("ets", "update_counter", 3, update_counter_3),
    bif("ets", "update_counter", 4, update_counter_4),
    bif("ets", "update_element", 3, update_element_3),
    bif("ets", "update_element", 4, update_element_4),
];

type Elements = SmallVec<[Term; 16]>;

fn copied(elements: &[Term]) -> Result<Elements, NoMemory> {
    let mut all = Elements::new();
    all.try_reserve(elements.len()).map_err(|_| NoMemory)?;
    all.extend_from_slice(elements);
    Ok(all)
}

/// Puts an object of these elements into the table, which is called `name`, in the place of that with the same key.
fn store(cx: &mut Context, name: Term, table: &mut Opened, elements: &[Term]) -> Result<(), Fail> {
    let mut parcel = Parcel::new();
    let mut elements = copied(elements)?;
    // Elements that are parts of the object whose place is taken must outlive it.
    let key = elements[table.key_position()];
    if let Some(object) = table.get(cx.atoms(), key) {
        let stored = object.words().as_ptr_range();
        for element in &mut elements {
            if !element.is_immediate() && stored.contains(&element.pointer().cast_const()) {
                *element = crate::term::copy::copy(*element, &mut parcel, &(0..0))?;
            }
        }
    }
    let tuple = parcel.tuple(&elements)?;
    if cx.holds_much() {
        return put_changed(cx, name, tuple);
    }
    Ok(table.put(cx.atoms(), Measured::new(tuple)?)?)
}

/// Fails for a table of bags.
fn need_set(cx: &mut Context, table: &Opened, with_cause: bool) -> Result<(), Fail> {
    match table.options.kind {
        Kind::Set | Kind::OrderedSet => Ok(()),
        _ if with_cause => Err(cx.fail_because(am::TABLE_TYPE)),
        _ => Err(Fail::Badarg),
    }
}

/// A tuple has no element at a position: OTP 27 says that this was wrong.
fn no_such_position(cx: &mut Context) -> Fail {
    match cx.machine().release_number() {
        27.. => cx.fail_because(am::POSITION),
        _ => Fail::Badarg,
    }
}

fn update_counter_3(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    need_set(cx, &table, true)?;
    if let Some(value) = add_to_small(cx, &mut table, args[1], args[2]) {
        return Ok(value);
    }
    update_counter(cx, args[0], &mut table, args[1], args[2], None)
}

fn update_counter_4(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    if !args[3].is_tuple() {
        return Err(Fail::Badarg);
    }
    need_set(cx, &table, true)?;
    if let Some(value) = add_to_small(cx, &mut table, args[1], args[2]) {
        return Ok(value);
    }
    update_counter(cx, args[0], &mut table, args[1], args[2], Some(args[3]))
}

/// An increment of one small integer by another, in place; `None` if it is something else.
#[inline]
fn add_to_small(cx: &mut Context, table: &mut Opened, key: Term, operation: Term) -> Option<Term> {
    let key_position = table.key_position();
    let (index, increment) = match operation.as_tuple() {
        None => (key_position + 1, operation.as_small()?),
        Some(&[position, increment]) => (
            position.as_small()?.checked_sub(1)?.try_into().ok()?,
            increment.as_small()?,
        ),
        Some(_) => return None,
    };
    if index == key_position {
        return None;
    }
    table.change(cx.atoms(), key, |object| {
        let old = object.elements().get(index)?.as_small()?;
        let new = Term::try_small(old + increment)?;
        object.set_immediate(index, new);
        Some(new)
    })?
}

/// One `{Position, Increment}` or `{Position, Increment, Threshold, Value}`.
struct Operation {
    index: Option<usize>,
    increment: Term,
    limit: Option<(Term, Term)>,
}

/// The operation that `term` is: an integer only where there is a `default_index` for it. Positions may be any integers: it is told later that there is none such.
fn operation(term: Term, default_index: Option<usize>) -> Option<Operation> {
    let (position, increment, limit) = match term.as_tuple() {
        None if term.is_integer() && default_index.is_some() => {
            return Some(Operation {
                index: default_index,
                increment: term,
                limit: None,
            });
        }
        Some(&[position, increment]) => (position, increment, None),
        Some(&[position, increment, threshold, value])
            if threshold.is_integer() && value.is_integer() =>
        {
            (position, increment, Some((threshold, value)))
        }
        _ => return None,
    };
    if !increment.is_integer() || !position.is_small() {
        return None;
    }
    let index = position.small_value().checked_sub(1);
    Some(Operation {
        index: index.and_then(|index| index.try_into().ok()),
        increment,
        limit,
    })
}

/// Any operations on the object of `key`, or on `default` with that key if there is none.
fn update_counter(
    cx: &mut Context,
    name: Term,
    table: &mut Opened,
    key: Term,
    operations: Term,
    default: Option<Term>,
) -> Value {
    let key_position = table.key_position();
    let mut elements = match (table.get(cx.atoms(), key), default) {
        (Some(object), _) => copied(object.elements())?,
        (None, Some(default)) => {
            let mut elements = copied(default.as_tuple().unwrap_or(&[]))?;
            match elements.get_mut(key_position) {
                Some(element) => *element = key,
                None => return Err(no_such_position(cx)),
            }
            elements
        }
        (None, None) => return Err(cx.fail_because(am::BADKEY)),
    };
    // In a list, an integer is no operation.
    let default_index = (!operations.is_list()).then_some(key_position + 1);
    let single = [operations];
    let mut results: SmallVec<[Term; 8]> = SmallVec::new();
    let mut rest = operations.iter_list();
    let mut alone = single.iter().copied().filter(|_| !operations.is_list());
    for term in rest.by_ref().chain(alone.by_ref()) {
        let Some(operation) = operation(term, default_index) else {
            return Err(Fail::Badarg);
        };
        let value = apply(cx, &mut elements, key_position, &operation)?;
        results.try_reserve(1).map_err(|_| NoMemory)?;
        results.push(value);
    }
    if operations.is_list() && !improper_tail(operations).is_nil() {
        return Err(Fail::Badarg);
    }
    cx.bump_reductions(results.len());
    if !results.is_empty() || default.is_some() {
        store(cx, name, table, &elements)?;
    }
    if operations.is_list() {
        return Ok(cx.list(&results)?);
    }
    Ok(results.first().copied().unwrap_or(Term::NIL))
}

fn improper_tail(list: Term) -> Term {
    let mut elements = list.iter_list();
    elements.by_ref().for_each(drop);
    elements.tail()
}

/// Does one operation on the elements; the new value of the counter, a term of the process's own memory.
fn apply(
    cx: &mut Context,
    elements: &mut Elements,
    key_position: usize,
    operation: &Operation,
) -> Value {
    let index = match operation.index {
        Some(index) if index < elements.len() => index,
        _ => return Err(cx.fail_because(am::POSITION)),
    };
    if index == key_position {
        return Err(cx.fail_because(am::KEYPOS));
    }
    if !elements[index].is_integer() {
        return Err(Fail::Badarg);
    }
    let mut value = number::add(cx, elements[index], operation.increment)?;
    if let Some((threshold, replacement)) = operation.limit {
        let falls = compare(cx.atoms(), operation.increment, Term::small(0)) == Ordering::Less;
        let beyond = match compare(cx.atoms(), value, threshold) {
            Ordering::Less => falls,
            Ordering::Greater => !falls,
            Ordering::Equal => false,
        };
        if beyond {
            value = replacement;
        }
    }
    if !value.is_immediate() {
        // Nothing of the object may go out.
        value = crate::term::copy::copy(value, cx, &(0..0))?;
    }
    elements[index] = value;
    Ok(value)
}

fn update_element_3(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    need_set(cx, &table, false)?;
    if set_immediate(cx, &mut table, args[1], args[2]).is_some() {
        return Ok(am::TRUE.term());
    }
    update_element(cx, args[0], &mut table, args[1], args[2], None)
}

/// One immediate value in the place of another, in place; `None`, and nothing changes, if it is something else.
#[inline]
fn set_immediate(cx: &mut Context, table: &mut Opened, key: Term, change: Term) -> Option<()> {
    let key_position = table.key_position();
    let &[position, value] = change.as_tuple()? else {
        return None;
    };
    let index: usize = position.as_small()?.checked_sub(1)?.try_into().ok()?;
    if index == key_position || !value.is_immediate() {
        return None;
    }
    table.change(cx.atoms(), key, |object| {
        let old = object.elements().get(index)?;
        old.is_immediate()
            .then(|| object.set_immediate(index, value))
    })?
}

fn update_element_4(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    need_set(cx, &table, false)?;
    if !table.accepts(args[3]) {
        return Err(match args[3].is_tuple() {
            true => no_such_position(cx),
            false => Fail::Badarg,
        });
    }
    update_element(cx, args[0], &mut table, args[1], args[2], Some(args[3]))
}

/// Puts values into elements of the object of `key`, or of `default` with that key if there is none; whether there is an
/// object now.
fn update_element(
    cx: &mut Context,
    name: Term,
    table: &mut Opened,
    key: Term,
    changes: Term,
    default: Option<Term>,
) -> Value {
    let key_position = table.key_position();
    let found = table.get(cx.atoms(), key).is_some();
    if !found && default.is_none() {
        return Ok(am::FALSE.term());
    }
    check_changes(changes)?;
    let mut elements = match (table.get(cx.atoms(), key), default) {
        (Some(object), _) => copied(object.elements())?,
        (None, Some(default)) => {
            let mut elements = copied(default.as_tuple().unwrap_or(&[]))?;
            elements[key_position] = key;
            elements
        }
        (None, None) => return Ok(am::FALSE.term()),
    };
    let mut in_place = found;
    let mut changed = 0;
    for_each_change(changes, |position, value| {
        let index = position.small_value() - 1;
        let index: usize = match index.try_into() {
            Ok(index) if index < elements.len() => index,
            _ => return Err(no_such_position(cx)),
        };
        if index == key_position {
            return Err(cx.fail_because(am::KEYPOS));
        }
        in_place &= value.is_immediate() && elements[index].is_immediate();
        elements[index] = value;
        changed += 1;
        Ok(())
    })?;
    if changed > 0 && in_place {
        table.change(cx.atoms(), key, |object| {
            for (index, value) in elements.iter().enumerate() {
                if value.raw() != object.elements()[index].raw() {
                    object.set_immediate(index, *value);
                }
            }
        });
    } else if changed > 0 || !found {
        store(cx, name, table, &elements)?;
    }
    Ok(am::TRUE.term())
}

/// Calls `each` with the position and value of each `{Position, Value}` of one or a list of them.
fn for_each_change(
    changes: Term,
    mut each: impl FnMut(Term, Term) -> Result<(), Fail>,
) -> Result<(), Fail> {
    let mut one = |change: Term| match change.as_tuple() {
        Some(&[position, value]) if position.is_small() => each(position, value),
        _ => Err(Fail::Badarg),
    };
    if changes.is_list() {
        changes.iter_list().try_for_each(one)
    } else {
        one(changes)
    }
}

/// Fails if `changes` is not one `{Position, Value}`, nor a proper list of them.
fn check_changes(changes: Term) -> Result<(), Fail> {
    for_each_change(changes, |_, _| Ok(()))?;
    if changes.is_list() && !improper_tail(changes).is_nil() {
        return Err(Fail::Badarg);
    }
    Ok(())
}

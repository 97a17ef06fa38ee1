//! Built-in functions of `counters`, those that OTP writes in Erlang included: a bare machine has no `counters.beam`.
//!
//! A counter array is `{atomics, Ref}`, where `Ref` is one of `atomics`, or `{write_concurrency, Ref}`.
//!
//! Invariant: the atom says which kind of array `Ref` leads to; with any other it is `badarg`.

use super::atomics::{array_of, bits, decrement, describe, element, increment, make, value};
use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::map::from_pairs;
use crate::memory::Arena;
use crate::shared::atomics::{Array, Kind};
use crate::term::Term;
use core::cell::RefMut;

/// The functions.
pub const TABLE: &[Bif] = &[
    bare("counters", "new", 2, new_2),
    bare("counters", "get", 2, get_2),
    bare("counters", "add", 3, add_3),
    bare("counters", "sub", 3, sub_3),
    bare("counters", "put", 3, put_3),
    bare("counters", "info", 1, info_1),
    bif("erts_internal", "counters_new", 1, counters_new_1),
    bif("erts_internal", "counters_get", 2, counters_get_2),
    bif("erts_internal", "counters_add", 3, counters_add_3),
    bif("erts_internal", "counters_put", 3, counters_put_3),
    bif("erts_internal", "counters_info", 1, counters_info_1),
];

/// The array of a term that `new/2` made.
fn array(counters: &Term) -> Result<RefMut<'_, Array>, Fail> {
    let Some([kind, reference]) = counters.as_tuple() else {
        return Err(Fail::Badarg);
    };
    match kind.as_atom() {
        Some(am::ATOMICS) => array_of(reference, |kind| kind != Kind::WriteConcurrency),
        Some(am::WRITE_CONCURRENCY) => write_concurrent(reference),
        _ => Err(Fail::Badarg),
    }
}

/// The array of a reference that `erts_internal:counters_new/1` made.
fn write_concurrent(reference: &Term) -> Result<RefMut<'_, Array>, Fail> {
    array_of(reference, |kind| kind == Kind::WriteConcurrency)
}

fn new_2(cx: &mut Context, args: &[Term]) -> Value {
    let option = match args[1].as_cons() {
        Some(cell) if cell.tail.is_nil() => cell.head.as_atom(),
        _ if args[1].is_nil() => Some(am::ATOMICS),
        _ => None,
    };
    let (name, kind) = match option {
        Some(am::ATOMICS) => (am::ATOMICS, Kind::Signed),
        Some(am::WRITE_CONCURRENCY) => (am::WRITE_CONCURRENCY, Kind::WriteConcurrency),
        _ => return Err(cx.fail_because(am::BADOPT)),
    };
    let reference = make(cx, args[0], kind)?;
    Ok(cx.tuple(&[name.term(), reference])?)
}

fn read(cx: &mut Context, (kind, bits): (Kind, u64)) -> Value {
    value(cx, kind, bits)
}

fn at(mut array: RefMut<'_, Array>, position: Term) -> Result<(Kind, u64), Fail> {
    Ok((array.kind, *element(&mut array, position)?))
}

fn add(mut array: RefMut<'_, Array>, position: Term, increment: u64) -> Value {
    let element = element(&mut array, position)?;
    *element = element.wrapping_add(increment);
    Ok(am::OK.term())
}

fn put(mut array: RefMut<'_, Array>, position: Term, value: Term) -> Value {
    let new = bits(&array, value)?;
    *element(&mut array, position)? = new;
    Ok(am::OK.term())
}

fn get_2(cx: &mut Context, args: &[Term]) -> Value {
    let found = at(array(&args[0])?, args[1])?;
    read(cx, found)
}

fn add_3(_: &mut Context, args: &[Term]) -> Value {
    let increment = increment(args[2])?;
    add(array(&args[0])?, args[1], increment)
}

fn sub_3(_: &mut Context, args: &[Term]) -> Value {
    let decrement = decrement(args[2])?;
    add(array(&args[0])?, args[1], decrement)
}

fn put_3(_: &mut Context, args: &[Term]) -> Value {
    put(array(&args[0])?, args[1], args[2])
}

fn info_1(cx: &mut Context, args: &[Term]) -> Value {
    let array = array(&args[0])?;
    let (kind, size) = (array.kind, array.elements.len());
    match kind {
        Kind::WriteConcurrency => describe_size(cx, size),
        Kind::Signed | Kind::Unsigned => describe(cx, kind, size),
    }
}

/// `#{memory, size}`.
fn describe_size(cx: &mut Context, size: usize) -> Value {
    let pairs = [
        (am::MEMORY, Array::memory(size) as i64),
        (am::SIZE, size as i64),
    ];
    let pairs = pairs.map(|(key, value)| (key.term(), Term::small(value)));
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(from_pairs(heap, atoms, pairs.into_iter())?)
}

fn counters_new_1(cx: &mut Context, args: &[Term]) -> Value {
    make(cx, args[0], Kind::WriteConcurrency)
}

fn counters_get_2(cx: &mut Context, args: &[Term]) -> Value {
    let found = at(write_concurrent(&args[0])?, args[1])?;
    read(cx, found)
}

fn counters_add_3(_: &mut Context, args: &[Term]) -> Value {
    let increment = increment(args[2])?;
    add(write_concurrent(&args[0])?, args[1], increment)
}

fn counters_put_3(_: &mut Context, args: &[Term]) -> Value {
    put(write_concurrent(&args[0])?, args[1], args[2])
}

fn counters_info_1(cx: &mut Context, args: &[Term]) -> Value {
    let size = write_concurrent(&args[0])?.elements.len();
    describe_size(cx, size)
}

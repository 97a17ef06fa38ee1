//! Built-in functions of `persistent_term`.
//!
//! Invariant: what these return lies in the literal area (or is built new): nobody copies it.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::code::literals::Literals;
use crate::code::release;
use crate::map::from_pairs;
use crate::memory::{Arena, NoMemory};
use crate::term::Term;

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("persistent_term", "get", 0, get_0),
    bif("persistent_term", "get", 1, get_1),
    bif("persistent_term", "get", 2, get_2),
    bif("persistent_term", "put", 2, put_2),
    bif("persistent_term", "erase", 1, erase_1),
    bif("persistent_term", "info", 0, info_0),
    bif("erts_internal", "erase_persistent_terms", 0, erase_all_0),
];

fn get_0(cx: &mut Context, _: &[Term]) -> Value {
    let (machine, heap) = cx.machine_and_heap();
    let mut list = Term::NIL;
    for (key, value) in machine.persistent_terms.iter() {
        let pair = heap.tuple(&[key, value])?;
        list = heap.cons(pair, list)?;
    }
    let count = machine.persistent_terms.len();
    cx.bump_reductions(count);
    Ok(list)
}

fn get_1(cx: &mut Context, args: &[Term]) -> Value {
    let found = cx.machine().persistent_terms.get(args[0]);
    found.ok_or(Fail::Badarg)
}

fn get_2(cx: &mut Context, args: &[Term]) -> Value {
    let found = cx.machine().persistent_terms.get(args[0]);
    Ok(found.unwrap_or(args[1]))
}

fn put_2(cx: &mut Context, args: &[Term]) -> Value {
    let machine = cx.machine();
    let before = machine.persistent_terms.put(
        &mut machine.literal_area,
        &mut *machine.platform,
        args[0],
        args[1],
    )?;
    give_back(cx, before)?;
    Ok(am::OK.term())
}

fn erase_1(cx: &mut Context, args: &[Term]) -> Value {
    let before = cx.machine().persistent_terms.erase(args[0]);
    let found = before.is_some();
    give_back(cx, before)?;
    Ok(Term::boolean(found))
}

fn erase_all_0(cx: &mut Context, _: &[Term]) -> Value {
    let before = cx.machine().persistent_terms.erase_all();
    give_back(cx, before)?;
    Ok(Term::boolean(true))
}

/// Processes may still have these terms: they are freed when none has.
fn give_back(cx: &mut Context, terms: impl IntoIterator<Item = Literals>) -> Result<(), NoMemory> {
    for literals in terms {
        cx.machine().code.release.add(literals);
    }
    let caller = cx.process().pid;
    release::wake_collector(cx.machine(), caller)
}

fn info_0(cx: &mut Context, _: &[Term]) -> Value {
    let terms = &cx.machine().persistent_terms;
    let pairs = [
        (am::COUNT, terms.len() as i64),
        (am::MEMORY, terms.bytes() as i64),
    ];
    let pairs = pairs.map(|(key, value)| (key.term(), Term::small(value)));
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(from_pairs(heap, atoms, pairs.into_iter())?)
}

//! The process dictionary: `put/2`, `get/0,1`, `get_keys/0,1`, `erase/0,1`.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use crate::term::compare::exact_equal;
use crate::term::hash::internal_hash;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "put", 2, put_2),
    bif("erlang", "get", 0, get_0),
    bif("erlang", "get", 1, get_1),
    bif("erlang", "get_keys", 0, get_keys_0),
    bif("erlang", "get_keys", 1, get_keys_1),
    bif("erlang", "erase", 0, erase_0),
    bif("erlang", "erase", 1, erase_1),
];

/// The hash of a key, as a dictionary wants it.
pub fn hash(key: Term) -> u32 {
    internal_hash(key, 0) as u32
}

fn or_undefined(value: Option<Term>) -> Value {
    Ok(value.unwrap_or(am::UNDEFINED.term()))
}

fn put_2(cx: &mut Context, args: &[Term]) -> Value {
    let [key, value] = [args[0], args[1]];
    let dictionary = &mut cx.process().dictionary;
    or_undefined(dictionary.put(key, value, hash(key), exact_equal)?)
}

fn get_1(cx: &mut Context, args: &[Term]) -> Value {
    let dictionary = &cx.process().dictionary;
    or_undefined(dictionary.get(args[0], hash(args[0]), exact_equal))
}

fn erase_1(cx: &mut Context, args: &[Term]) -> Value {
    let dictionary = &mut cx.process().dictionary;
    or_undefined(dictionary.erase(args[0], hash(args[0]), exact_equal))
}

fn entries(cx: &mut Context) -> Result<Vec<(Term, Term)>, Fail> {
    let dictionary = &cx.process().dictionary;
    let mut entries = Vec::new();
    entries
        .try_reserve(dictionary.len())
        .map_err(|_| Fail::NoMemory)?;
    entries.extend(dictionary.iter());
    Ok(entries)
}

/// `[{Key, Value}]` in memory of `arena`; used for any process's dictionary.
pub fn pairs<A: Arena + ?Sized>(
    arena: &mut A,
    entries: impl Iterator<Item = (Term, Term)>,
) -> Result<Term, NoMemory> {
    let mut list = Term::NIL;
    for (key, value) in entries {
        let pair = arena.tuple(&[key, value])?;
        list = arena.cons(pair, list)?;
    }
    Ok(list)
}

fn get_0(cx: &mut Context, _: &[Term]) -> Value {
    let entries = entries(cx)?;
    Ok(pairs(cx, entries.into_iter())?)
}

fn erase_0(cx: &mut Context, args: &[Term]) -> Value {
    let all = get_0(cx, args)?;
    cx.process().dictionary.clear();
    Ok(all)
}

fn keys(cx: &mut Context, wanted: impl Fn(Term) -> bool) -> Value {
    let mut list = Term::NIL;
    for (key, value) in entries(cx)? {
        if wanted(value) {
            list = cx.cons(key, list)?;
        }
    }
    Ok(list)
}

fn get_keys_0(cx: &mut Context, _: &[Term]) -> Value {
    keys(cx, |_| true)
}

fn get_keys_1(cx: &mut Context, args: &[Term]) -> Value {
    keys(cx, |value| exact_equal(value, args[0]))
}

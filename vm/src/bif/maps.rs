//! Built-in functions of module `maps`, and those of `erlang` and `erts_internal` that are about maps.
//!
//! Large maps are made and listed in pieces, between which others may run.
//!
//! What is no map is `{badmap, Term}`, a key that is not there `{badkey, Key}`.

use alloc::vec::Vec;

use super::lists::length_in_pieces;
use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::map;
use crate::memory::{Arena, NoMemory};
use crate::term::Term;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("maps", "find", 2, find_2),
    bif("maps", "from_keys", 2, from_keys_2),
    bif("maps", "from_list", 1, from_list_1),
    bif("maps", "get", 2, get_2),
    bif("maps", "is_key", 2, is_key_2),
    bif("maps", "keys", 1, keys_1),
    bif("maps", "merge", 2, merge_2),
    bif("maps", "put", 3, put_3),
    bif("maps", "remove", 2, remove_2),
    bif("maps", "take", 2, take_2),
    bif("maps", "update", 3, update_3),
    bif("maps", "values", 1, values_1),
    bif("erlang", "is_map_key", 2, is_key_2),
    bif("erlang", "map_get", 2, get_2),
    bif("erlang", "map_size", 1, map_size_1),
    bif("erts_internal", "map_next", 3, map_next_3),
    bif("erts_internal", "map_to_tuple_keys", 1, map_to_tuple_keys_1),
];

/// Pairs of a large map that `map_next/3` gives at a time: nested triples.
const TRIPLES: usize = 32;

/// Pairs that are worked on before others may run.
const PIECE: usize = 4096;

/// Pairs of a large map that `map_next/3` adds to a list at a time.
const LISTED: usize = 4096;

fn need_map(cx: &mut Context, term: Term) -> Result<(), Fail> {
    if map::is_map(term) {
        Ok(())
    } else {
        Err(cx.raise_tagged(am::BADMAP, term))
    }
}

fn map_size_1(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[0])?;
    Ok(Term::small(map::size(args[0]) as i64))
}

fn get_2(cx: &mut Context, args: &[Term]) -> Value {
    if let Some(value) = map::get(args[1], args[0]) {
        return Ok(value);
    }
    need_map(cx, args[1])?;
    Err(cx.raise_tagged(am::BADKEY, args[0]))
}

fn find_2(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[1])?;
    match map::get(args[1], args[0]) {
        Some(value) => Ok(cx.tuple(&[am::OK.term(), value])?),
        None => Ok(am::ERROR.term()),
    }
}

fn is_key_2(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[1])?;
    Ok(Term::boolean(map::get(args[1], args[0]).is_some()))
}

fn keys_1(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[0])?;
    cx.bump_reductions(map::size(args[0]) % PIECE / 8);
    let piece = cx.piece(PIECE);
    map::keys(cx, args[0], piece)
}

fn values_1(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[0])?;
    cx.bump_reductions(map::size(args[0]) % PIECE / 8);
    let piece = cx.piece(PIECE);
    map::values(cx, args[0], piece)
}

fn put_3(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[2])?;
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(map::put(heap, atoms, args[2], args[0], args[1])?)
}

fn update_3(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[2])?;
    let (heap, atoms) = cx.heap_and_atoms();
    match map::update(heap, atoms, args[2], args[0], args[1])? {
        Some(map) => Ok(map),
        None => Err(cx.raise_tagged(am::BADKEY, args[0])),
    }
}

fn remove_2(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[1])?;
    let (heap, atoms) = cx.heap_and_atoms();
    let taken = map::take(heap, atoms, args[1], args[0])?;
    Ok(taken.map_or(args[1], |(_, rest)| rest))
}

fn take_2(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[1])?;
    let (heap, atoms) = cx.heap_and_atoms();
    match map::take(heap, atoms, args[1], args[0])? {
        Some((value, rest)) => Ok(heap.tuple(&[value, rest])?),
        None => Ok(am::ERROR.term()),
    }
}

fn merge_2(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[0])?;
    need_map(cx, args[1])?;
    let smaller = map::size(args[0]).min(map::size(args[1]));
    let piece = cx.piece(PIECE);
    if smaller > piece.max(map::FLAT_LIMIT) {
        return map::merge_in_pieces(cx, args[0], args[1], piece);
    }
    cx.bump_reductions(smaller / 4);
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(map::merge(heap, atoms, args[0], args[1])?)
}

fn pair(term: Term) -> Option<(Term, Term)> {
    match term.as_tuple() {
        Some(&[key, value]) => Some((key, value)),
        _ => None,
    }
}

fn from_list_1(cx: &mut Context, args: &[Term]) -> Value {
    from_elements(cx, args[0], pair)
}

fn from_keys_2(cx: &mut Context, args: &[Term]) -> Value {
    from_elements(cx, args[0], |key| Some((key, args[1])))
}

/// The map of the pairs that `pair_of` makes of the elements of `list`; others may run meanwhile. `badarg` if one of them is none.
fn from_elements(
    cx: &mut Context,
    list: Term,
    pair_of: impl Fn(Term) -> Option<(Term, Term)>,
) -> Value {
    let length = length_in_pieces(cx, list)?;
    let piece = cx.piece(PIECE);
    if length > piece {
        return from_many_elements(cx, list, length, piece, pair_of);
    }
    if list.iter_list().any(|element| pair_of(element).is_none()) {
        return Err(Fail::Badarg);
    }
    cx.bump_reductions(length);
    let (heap, atoms) = cx.heap_and_atoms();
    let pairs = list.iter_list().filter_map(pair_of);
    Ok(map::from_pairs(heap, atoms, pairs)?)
}

/// As [`from_elements`], `piece` by `piece`. A pair costs a reduction: half of it here, a quarter each time that the map advances by it.
#[inline(never)]
fn from_many_elements(
    cx: &mut Context,
    list: Term,
    length: usize,
    piece: usize,
    pair_of: impl Fn(Term) -> Option<(Term, Term)>,
) -> Value {
    let mut building = map::Building::new(length)?;
    for (i, element) in list.iter_list().enumerate() {
        let (key, value) = pair_of(element).ok_or(Fail::Badarg)?;
        building.push(key, value)?;
        if (i + 1).is_multiple_of(piece) {
            cx.consume(piece / 2)?;
        }
    }
    loop {
        let (heap, atoms) = cx.heap_and_atoms();
        if let Some(map) = building.advance(heap, atoms, piece)? {
            return Ok(map);
        }
        cx.consume(piece / 4)?;
    }
}

/// What `maps:next/1`, `maps:to_list/1` and all that use them are made of: `map_next(Path, Map, How)`.
///
/// `Path` is the number of pairs that have been seen, 0 at first. With `iterator` as `How` the result is
/// `{Key, Value, Next}`, where `Next` is another such triple, `[Path | Map]` after some of them, and
/// `none` at the end. With a list the pairs are put in front of it, and if some are left, `[Path, Map | List]` is the
/// result. Since OTP 26 `Path` can also be the list of the keys that an `iterator` has yet to give, in their order.
fn map_next_3(cx: &mut Context, args: &[Term]) -> Value {
    let &[path, map, how] = args else {
        return Err(Fail::Badarg);
    };
    if !map::is_map(map) {
        return Err(Fail::Badarg);
    }
    if path.is_list() {
        return next_of_keys(cx, path, map, how);
    }
    let size = map::size(map);
    let seen = match path.as_small() {
        Some(seen) if seen >= 0 && seen as u64 <= size as u64 => seen as usize,
        _ => return Err(Fail::Badarg),
    };
    // A flat map is given whole, wherever the path leads.
    let seen = if size <= map::FLAT_LIMIT { 0 } else { seen };
    let mut pairs = map::iter_from(map, seen);
    if how == am::ITERATOR.term() {
        let count = (size - seen).min(TRIPLES);
        let now_seen = seen + count;
        let mut next = if now_seen == size {
            am::NONE.term()
        } else {
            cx.cons(Term::small(now_seen as i64), map)?
        };
        let mut chunk = [(Term::NIL, Term::NIL); TRIPLES];
        for (place, pair) in chunk.iter_mut().zip(&mut pairs) {
            *place = pair;
        }
        for (key, value) in chunk[..count].iter().rev() {
            next = cx.tuple(&[*key, *value, next])?;
        }
        return Ok(next);
    }
    if !how.is_list() {
        return Err(Fail::Badarg);
    }
    let count = (size - seen).min(LISTED);
    cx.bump_reductions(count / 4);
    let list = map::pairs_list(cx.heap(), &mut pairs, count, how)?;
    if seen + count == size {
        return Ok(list);
    }
    Ok(cx.list_with_tail(&[Term::small((seen + count) as i64), map], list)?)
}

/// `map_next/3` with a list of keys: the triples of all of them, each of which must be in the map.
fn next_of_keys(cx: &mut Context, keys: Term, map: Term, how: Term) -> Value {
    if how != am::ITERATOR.term() {
        return Err(Fail::Badarg);
    }
    let count = length_in_pieces(cx, keys)?;
    let piece = cx.piece(PIECE);
    let mut pairs = Vec::new();
    pairs.try_reserve(count).map_err(|_| NoMemory)?;
    for key in keys.iter_list() {
        pairs.push((key, map::get(map, key).ok_or(Fail::Badarg)?));
        if pairs.len().is_multiple_of(piece) {
            cx.consume(piece)?;
        }
    }
    cx.bump_reductions(count % piece);
    let mut next = am::NONE.term();
    while let Some((key, value)) = pairs.pop() {
        next = cx.tuple(&[key, value, next])?;
        if pairs.len().is_multiple_of(piece) {
            cx.consume(piece / 4)?;
        }
    }
    Ok(next)
}

/// The tuple of a flat map's keys, for `erts_debug` and tests of literals.
fn map_to_tuple_keys_1(cx: &mut Context, args: &[Term]) -> Value {
    need_map(cx, args[0])?;
    map::key_tuple(args[0]).ok_or(Fail::Badarg)
}

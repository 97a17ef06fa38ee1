//! Maps: flat ones up to [`FLAT_LIMIT`] keys ([`flat`]), tries beyond ([`trie`]).
//!
//! Which of the two a map is follows from its size alone, and the form of either from its
//! pairs alone. All functions that change a map make a new one that shares what it
//! can with the old one, and return the old one itself if nothing changed.
//!
//! # Order
//!
//! A flat map is walked in the exact term order of its keys, as in OTP 25. A larger one is walked in the order
//! of the [`internal_hash`](crate::term::hash::internal_hash)es of its keys; OTP also walks it in the order of an internal hash, but of another one,
//! so `maps:to_list/1` and the like list the same pairs in another order there, which Erlang leaves open.
//!
//! Invariant: every function here is given maps ([`is_map`]) where it says so; the built-in functions
//! and handlers have looked. What is no map has no keys here.

mod build;
mod flat;
mod iter;
mod pieces;
mod trie;

pub use build::{from_pairs, from_unique_pairs};
pub use iter::{Iter, iter, iter_from, keys, pairs_list, values};
pub use pieces::{Building, merge_in_pieces};

use crate::atom::AtomTable;
use crate::memory::{Arena, NoMemory};
use crate::term::compare::compare_exact;
use crate::term::{Cons, Subtag, Term};
use flat::{Flat, Inserted, Pairs};
use trie::{Entry, Node, Policy, Removed};

/// Most keys of a flat map (OTP: `MAP_SMALL_MAP_LIMIT`).
pub const FLAT_LIMIT: usize = 32;

/// Whether `term` is a map.
#[inline(always)]
pub fn is_map(term: Term) -> bool {
    matches!(term.subtag(), Some(Subtag::FlatMap | Subtag::HashMap))
}

/// How many keys `map` has.
#[inline]
pub fn size(map: Term) -> usize {
    match map.header() {
        Some(header) if header.subtag() == Subtag::FlatMap => header.arity() - 1,
        _ => Node::of(&map).map_or(0, |node| node.size),
    }
}

/// The value of `key`. Never allocates; an atom or other immediate in a flat map is found by comparing words.
#[inline]
pub fn get(map: Term, key: Term) -> Option<Term> {
    if let Some(flat) = Flat::of(&map) {
        return flat.position(key).map(|at| flat.values[at]);
    }
    trie::get(map, key)
}

/// The tuple of a flat map's keys. `None` for a larger map.
pub fn key_tuple(map: Term) -> Option<Term> {
    Flat::of(&map).map(|flat| flat.key_tuple)
}

/// The children of the root of a large map: nodes, which are not maps by themselves, and cells `[Key|Value]`. `None` for a flat
/// map.
pub fn trie_children(map: &Term) -> Option<&[Term]> {
    Node::of(map).map(|node| node.children)
}

/// `#{}`
pub fn empty<A: Arena + ?Sized>(arena: &mut A) -> Result<Term, NoMemory> {
    Pairs::new().finish(arena)
}

/// `map` with `value` for `key`, new or not.
pub fn put<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    map: Term,
    key: Term,
    value: Term,
) -> Result<Term, NoMemory> {
    let Some(flat) = Flat::of(&map) else {
        let pair = Cons {
            head: key,
            tail: value,
        };
        let hash = trie::hash(key);
        return trie::insert(arena, atoms, map, 0, hash, pair, Policy::Overwrite);
    };
    match flat.position(key) {
        Some(at) => flat::replace_at(arena, map, flat, at, value),
        None if flat.keys.len() < FLAT_LIMIT => flat::insert_new(arena, atoms, flat, key, value),
        None => {
            let pairs = Pairs::of(flat);
            let more = pairs.iter().chain(core::iter::once((key, value)));
            build::trie_of(arena, atoms, more)
        }
    }
}

/// `map` with `value` for `key`, which it has already; `None` if not.
pub fn update<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    map: Term,
    key: Term,
    value: Term,
) -> Result<Option<Term>, NoMemory> {
    if let Some(flat) = Flat::of(&map) {
        return match flat.position(key) {
            Some(at) => flat::replace_at(arena, map, flat, at, value).map(Some),
            None => Ok(None),
        };
    }
    match get(map, key) {
        Some(_) => put(arena, atoms, map, key, value).map(Some),
        None => Ok(None),
    }
}

/// `map` with all of `pairs`, keys and values alternating; what the instruction for `Map#{K => V, ...}` does.
pub fn put_all<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    map: Term,
    pairs: &[Term],
) -> Result<Term, NoMemory> {
    if let [key, value] = *pairs {
        return put(arena, atoms, map, key, value);
    }
    let pairs = pairs.as_chunks::<2>().0;
    let Some(flat) = Flat::of(&map) else {
        return pairs
            .iter()
            .try_fold(map, |map, &[key, value]| put(arena, atoms, map, key, value));
    };
    if let Some(map) = replace_all(arena, map, flat, pairs)? {
        return Ok(map);
    }
    let mut all = Pairs::of(flat);
    for &[key, value] in pairs {
        if all.insert(atoms, key, value) == Inserted::Full {
            let new = pairs.iter().map(|&[key, value]| (key, value));
            return from_pairs(arena, atoms, iter(map).chain(new));
        }
    }
    all.finish(arena)
}

/// The flat `map` with other values for keys that it has; `None` if one of them is new.
fn replace_all<A: Arena + ?Sized>(
    arena: &mut A,
    map: Term,
    flat: Flat<'_>,
    pairs: &[[Term; 2]],
) -> Result<Option<Term>, NoMemory> {
    let mut all = [Term::NIL; FLAT_LIMIT];
    let values = &mut all[..flat.values.len()];
    values.copy_from_slice(flat.values);
    for &[key, value] in pairs {
        match flat.position(key) {
            Some(at) => values[at] = value,
            None => return Ok(None),
        }
    }
    if values == flat.values {
        return Ok(Some(map));
    }
    flat::with_key_tuple(arena, flat.key_tuple, values).map(Some)
}

/// `map` with all of `pairs`, keys and values alternating, if it has all those keys; otherwise the first one in
/// term order that it has not. What the instruction for `Map#{K := V, ...}` does.
pub fn update_all<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    map: Term,
    pairs: &[Term],
) -> Result<Result<Term, Term>, NoMemory> {
    let keys = pairs.as_chunks::<2>().0.iter().map(|pair| pair[0]);
    let missing = keys.filter(|key| get(map, *key).is_none());
    match missing.min_by(|a, b| compare_exact(atoms, *a, *b)) {
        Some(key) => Ok(Err(key)),
        None => put_all(arena, atoms, map, pairs).map(Ok),
    }
}

/// The most words that [`put_all`] takes for `count` pairs, or about that for a large map.
pub fn words_to_put(map: Term, count: usize) -> usize {
    /// A trie of a million keys has five levels, of about 12 words each.
    const WORDS_OF_A_PATH: usize = 64;
    match map.header() {
        Some(header) if header.subtag() == Subtag::FlatMap => {
            let size = header.arity() - 1 + count;
            if size <= FLAT_LIMIT {
                2 * size + 3
            } else {
                size * 5
            }
        }
        _ => count * WORDS_OF_A_PATH,
    }
}

/// The value of `key`, and `map` without it; `None` if it has no such key.
pub fn take<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    map: Term,
    key: Term,
) -> Result<Option<(Term, Term)>, NoMemory> {
    if let Some(flat) = Flat::of(&map) {
        let Some(at) = flat.position(key) else {
            return Ok(None);
        };
        return Ok(Some((flat.values[at], flat::remove_at(arena, flat, at)?)));
    }
    let hash = trie::hash(key);
    match trie::remove(arena, map, 0, hash, key)? {
        Removed::Left(value, Some(rest)) => Ok(Some((value, flattened(arena, atoms, rest)?))),
        Removed::Left(..) | Removed::Absent => Ok(None),
    }
}

/// A root that may have become small enough for a flat map.
fn flattened<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    root: Term,
) -> Result<Term, NoMemory> {
    if trie::size(root) > FLAT_LIMIT {
        return Ok(root);
    }
    let mut pairs = Pairs::new();
    for (key, value) in iter(root) {
        pairs.insert(atoms, key, value);
    }
    pairs.finish(arena)
}

/// The pairs of both maps; those of `b` where both have a key.
pub fn merge<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    a: Term,
    b: Term,
) -> Result<Term, NoMemory> {
    if let (Some(x), Some(y)) = (Flat::of(&a), Flat::of(&b)) {
        if y.keys.is_empty() {
            return Ok(a);
        }
        if x.keys.is_empty() || x.key_tuple == y.key_tuple {
            return Ok(b);
        }
        if let Some(pairs) = merged(atoms, x, y) {
            // No new key: the tuple of keys serves for the result, too.
            return if pairs.keys().len() == x.keys.len() {
                flat::with_key_tuple(arena, x.key_tuple, pairs.values())
            } else {
                pairs.finish(arena)
            };
        }
    }
    let root_a = as_trie(arena, atoms, a)?;
    let root_b = as_trie(arena, atoms, b)?;
    match (root_a, root_b) {
        (None, _) => Ok(b),
        (_, None) => Ok(a),
        (Some(x), Some(y)) => trie::merge(arena, atoms, x, y, 0),
    }
}

/// The pairs of both, if they fit a flat map.
fn merged(atoms: &AtomTable, x: Flat<'_>, y: Flat<'_>) -> Option<Pairs> {
    let mut pairs = Pairs::of(x);
    for (&key, &value) in y.keys.iter().zip(y.values) {
        if pairs.insert(atoms, key, value) == Inserted::Full {
            return None;
        }
    }
    Some(pairs)
}

/// The pairs of `map` as (part of) a trie; `None` if there are none.
fn as_trie<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    map: Term,
) -> Result<Option<Term>, NoMemory> {
    let Some(flat) = Flat::of(&map) else {
        return Ok(Some(map));
    };
    if flat.keys.is_empty() {
        return Ok(None);
    }
    build::trie_of(arena, atoms, Pairs::of(flat).iter()).map(Some)
}

#[cfg(test)]
mod tests;

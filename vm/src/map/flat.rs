//! Flat maps: a tuple of keys in exact term order, and the values in the order of the keys.
//!
//! Invariant: at most [`FLAT_LIMIT`] keys, no key twice. The tuple of keys is shared by all maps that were made
//! of one another without a change of keys; that makes records of atoms small, and lets two of them be compared
//! by their values alone.

use super::FLAT_LIMIT;
use crate::atom::AtomTable;
use crate::memory::{Arena, NoMemory};
use crate::term::compare::{compare_exact, exact_equal};
use crate::term::{Header, Subtag, Term};
use core::cmp::Ordering;

/// A flat map, looked into.
#[derive(Clone, Copy)]
pub(super) struct Flat<'t> {
    /// The tuple of keys.
    pub(super) key_tuple: Term,
    /// Its elements.
    pub(super) keys: &'t [Term],
    /// The values, in the order of the keys.
    pub(super) values: &'t [Term],
}

impl<'t> Flat<'t> {
    /// The flat map that `term` is, if it is one.
    #[inline(always)]
    pub(super) fn of(term: &'t Term) -> Option<Flat<'t>> {
        let words = term.as_object(Subtag::FlatMap)?;
        // SAFETY: every word of a flat map is a term. The first is a tuple with as many elements as there are
        // values behind it.
        unsafe {
            let terms = core::slice::from_raw_parts(words.as_ptr().cast::<Term>(), words.len());
            let keys = terms[0].pointer().add(1).cast::<Term>();
            Some(Flat {
                key_tuple: terms[0],
                keys: core::slice::from_raw_parts(keys, terms.len() - 1),
                values: &terms[1..],
            })
        }
    }

    /// Where `key` is.
    #[inline(always)]
    pub(super) fn position(&self, key: Term) -> Option<usize> {
        if key.is_immediate() {
            return self.keys.iter().position(|k| k.raw() == key.raw());
        }
        self.position_of_object(key)
    }

    #[inline(never)]
    fn position_of_object(&self, key: Term) -> Option<usize> {
        self.keys.iter().position(|&k| exact_equal(k, key))
    }
}

/// A flat map with a tuple of keys that exists already.
#[inline]
pub(super) fn with_key_tuple<A: Arena + ?Sized>(
    arena: &mut A,
    key_tuple: Term,
    values: &[Term],
) -> Result<Term, NoMemory> {
    let map = arena.allocate(values.len() + 2)?.as_ptr();
    // SAFETY: fresh words: a header, the tuple and the values.
    unsafe {
        *map = Header::new(Subtag::FlatMap, values.len() + 1).0;
        *map.add(1) = key_tuple.raw();
        core::ptr::copy_nonoverlapping(values.as_ptr().cast(), map.add(2), values.len());
        Ok(Term::boxed(map))
    }
}

/// Pairs on their way into a flat map: sorted, each key once.
pub(super) struct Pairs {
    keys: [Term; FLAT_LIMIT],
    values: [Term; FLAT_LIMIT],
    length: usize,
}

/// What became of a pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Inserted {
    /// It is in.
    New,
    /// Its key was there; the value has been replaced.
    Replaced,
    /// There are [`FLAT_LIMIT`] other keys already.
    Full,
}

impl Pairs {
    pub(super) fn new() -> Pairs {
        Pairs {
            keys: [Term::NIL; FLAT_LIMIT],
            values: [Term::NIL; FLAT_LIMIT],
            length: 0,
        }
    }

    /// The pairs of a flat map.
    pub(super) fn of(flat: Flat<'_>) -> Pairs {
        let mut pairs = Pairs::new();
        pairs.length = flat.keys.len();
        pairs.keys[..pairs.length].copy_from_slice(flat.keys);
        pairs.values[..pairs.length].copy_from_slice(flat.values);
        pairs
    }

    pub(super) fn keys(&self) -> &[Term] {
        &self.keys[..self.length]
    }

    pub(super) fn values(&self) -> &[Term] {
        &self.values[..self.length]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Term, Term)> {
        let (keys, values) = (self.keys().iter(), self.values().iter());
        keys.copied().zip(values.copied())
    }

    /// Puts a pair at its place. The last of several values of one key stays.
    pub(super) fn insert(&mut self, atoms: &AtomTable, key: Term, value: Term) -> Inserted {
        // Pairs often come in order.
        let order = |k: &Term| compare_exact(atoms, *k, key);
        let place = match self.keys().last().map(order) {
            None | Some(Ordering::Less) => Err(self.length),
            _ => self.keys().binary_search_by(order),
        };
        match place {
            Ok(at) => {
                self.values[at] = value;
                Inserted::Replaced
            }
            Err(_) if self.length == FLAT_LIMIT => Inserted::Full,
            Err(at) => {
                self.keys.copy_within(at..self.length, at + 1);
                self.values.copy_within(at..self.length, at + 1);
                self.keys[at] = key;
                self.values[at] = value;
                self.length += 1;
                Inserted::New
            }
        }
    }

    /// The map of these pairs.
    pub(super) fn finish<A: Arena + ?Sized>(&self, arena: &mut A) -> Result<Term, NoMemory> {
        let key_tuple = arena.tuple(self.keys())?;
        with_key_tuple(arena, key_tuple, self.values())
    }
}

/// The map with one pair more. The key is new, and there is room.
pub(super) fn insert_new<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    flat: Flat<'_>,
    key: Term,
    value: Term,
) -> Result<Term, NoMemory> {
    let at = flat
        .keys
        .partition_point(|&k| compare_exact(atoms, k, key) == Ordering::Less);
    let length = flat.keys.len();
    let tuple = arena.allocate(2 * length + 5)?.as_ptr();
    // SAFETY: fresh words: the tuple's header and length + 1 keys, the map's header, the tuple and
    // length + 1 values.
    unsafe {
        let map = tuple.add(length + 2);
        *tuple = Header::new(Subtag::Tuple, length + 1).0;
        *map = Header::new(Subtag::FlatMap, length + 2).0;
        *map.add(1) = Term::boxed(tuple).raw();
        with_gap(tuple.add(1), flat.keys, at, key);
        with_gap(map.add(2), flat.values, at, value);
        Ok(Term::boxed(map))
    }
}

/// Copies `from`, with `new` in front of index `at`.
///
/// # Safety
/// `to` has room for one word more than `from` has, and is not part of it.
unsafe fn with_gap(to: *mut u64, from: &[Term], at: usize, new: Term) {
    // SAFETY: the caller's promise.
    unsafe {
        let source = from.as_ptr().cast::<u64>();
        core::ptr::copy_nonoverlapping(source, to, at);
        *to.add(at) = new.raw();
        core::ptr::copy_nonoverlapping(source.add(at), to.add(at + 1), from.len() - at);
    }
}

/// The map without the pair at index `at`.
pub(super) fn remove_at<A: Arena + ?Sized>(
    arena: &mut A,
    flat: Flat<'_>,
    at: usize,
) -> Result<Term, NoMemory> {
    let mut pairs = Pairs::of(flat);
    pairs.keys.copy_within(at + 1..pairs.length, at);
    pairs.values.copy_within(at + 1..pairs.length, at);
    pairs.length -= 1;
    pairs.finish(arena)
}

/// The map with another value at index `at`: the same map if it has that value already.
#[inline]
pub(super) fn replace_at<A: Arena + ?Sized>(
    arena: &mut A,
    map: Term,
    flat: Flat<'_>,
    at: usize,
    value: Term,
) -> Result<Term, NoMemory> {
    if flat.values[at].raw() == value.raw() {
        return Ok(map);
    }
    let copy = with_key_tuple(arena, flat.key_tuple, flat.values)?;
    // SAFETY: the new map has as many values as the old one, behind header and tuple of keys.
    unsafe { *copy.pointer().add(at + 2) = value.raw() };
    Ok(copy)
}

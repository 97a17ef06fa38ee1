//! Walking a map, and lists of what is in it.
//!
//! Invariant: an iterator yields as many pairs as [`super::size`] says, in the order that [`super`] describes, and
//! allocates nothing.

use super::flat::Flat;
use super::size;
use super::trie::{self, LEVELS, Node};
use crate::bif::Fail;
use crate::memory::{Arena, NoMemory};
use crate::term::{Header, Subtag, Term};

/// The pairs of a map, see [`iter`].
#[derive(Clone)]
pub struct Iter {
    /// Flat: keys and values that are left. Trie: unused.
    keys: *const Term,
    values: *const Term,
    /// Pairs that are left.
    left: usize,
    /// Trie: the children that are left at each level on the way to the next pair.
    path: [Children; LEVELS],
    depth: usize,
}

#[derive(Clone, Copy)]
struct Children {
    next: *const Term,
    left: usize,
}

const NONE: Children = Children {
    next: core::ptr::null(),
    left: 0,
};

/// The keys of `map` with their values. The map stays where it is as long as the iterator is used, as
/// every term in a built-in function does.
pub fn iter(map: Term) -> Iter {
    iter_from(map, 0)
}

/// As [`iter`], without the first `skip` pairs; finds its way to the first one without walking over those.
pub fn iter_from(map: Term, skip: usize) -> Iter {
    let mut iter = Iter {
        keys: core::ptr::null(),
        values: core::ptr::null(),
        left: size(map).saturating_sub(skip),
        path: [NONE; LEVELS],
        depth: 0,
    };
    if iter.left == 0 {
        return iter;
    }
    if let Some(flat) = Flat::of(&map) {
        iter.keys = flat.keys[skip..].as_ptr();
        iter.values = flat.values[skip..].as_ptr();
        return iter;
    }
    let mut skip = skip;
    let mut child = map;
    while let Some(node) = Node::of(&child) {
        let mut at = 0;
        while trie::size(node.children[at]) <= skip {
            skip -= trie::size(node.children[at]);
            at += 1;
        }
        let next = node.children[at];
        // A cell is still to come; a node is done with when what is below it is.
        let seen = at + !next.is_cons() as usize;
        iter.path[iter.depth] = Children {
            next: node.children[seen..].as_ptr(),
            left: node.children.len() - seen,
        };
        iter.depth += 1;
        child = next;
    }
    iter
}

impl Iterator for Iter {
    type Item = (Term, Term);

    #[inline]
    fn next(&mut self) -> Option<(Term, Term)> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        if !self.keys.is_null() {
            // SAFETY: `left` keys and values lie there, counted before it went down.
            unsafe {
                let pair = (*self.keys, *self.values);
                self.keys = self.keys.add(1);
                self.values = self.values.add(1);
                return Some(pair);
            }
        }
        loop {
            let children = &mut self.path[self.depth - 1];
            if children.left == 0 {
                self.depth -= 1;
                continue;
            }
            children.left -= 1;
            // SAFETY: a node has as many children as was left.
            let child = unsafe {
                let child = *children.next;
                children.next = children.next.add(1);
                child
            };
            if let Some(cell) = child.as_cons() {
                return Some((cell.head, cell.tail));
            }
            if let Some(node) = Node::of(&child) {
                self.path[self.depth] = Children {
                    next: node.children.as_ptr(),
                    left: node.children.len(),
                };
                self.depth += 1;
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter {}

/// A list of the keys of `map`. Others may run behind each `piece` of them: see [`Arena::rest`].
pub fn keys<A: Arena + ?Sized>(arena: &mut A, map: Term, piece: usize) -> Result<Term, Fail> {
    list(arena, size(map), piece, iter(map).map(|(key, _)| key))
}

/// A list of the values of `map`, in pieces as [`keys`].
pub fn values<A: Arena + ?Sized>(arena: &mut A, map: Term, piece: usize) -> Result<Term, Fail> {
    list(arena, size(map), piece, iter(map).map(|(_, value)| value))
}

/// Elements of a list that are made for a reduction.
const LISTED_PER_REDUCTION: usize = 8;

/// A list of `length` elements, at one place.
fn list<A: Arena + ?Sized>(
    arena: &mut A,
    length: usize,
    piece: usize,
    mut elements: impl Iterator<Item = Term>,
) -> Result<Term, Fail> {
    if length == 0 {
        return Ok(Term::NIL);
    }
    let cells = arena.allocate(2 * length)?.as_ptr();
    let mut written = 0;
    loop {
        let end = length.min(written + piece);
        for element in elements.by_ref().take(end - written) {
            // SAFETY: fresh words, two for each element, of which there are no more than `length`; each cell's tail is the next one.
            unsafe {
                let cell = cells.add(2 * written);
                *cell = element.raw();
                *cell.add(1) = Term::list(cell.add(2)).raw();
            }
            written += 1;
        }
        debug_assert_eq!(written, end);
        if end == length {
            break;
        }
        arena.rest(piece / LISTED_PER_REDUCTION)?;
    }
    // SAFETY: the last cell, whose tail is `[]`: an iterator yields as many pairs as it says, and there is one at least.
    unsafe {
        *cells.add(2 * written - 1) = Term::NIL.raw();
        Ok(Term::list(cells))
    }
}

/// `[{Key, Value}, ... | tail]` of the next `count` pairs of `pairs`, which has that many.
pub fn pairs_list<A: Arena + ?Sized>(
    arena: &mut A,
    pairs: &mut Iter,
    count: usize,
    tail: Term,
) -> Result<Term, NoMemory> {
    let count = count.min(pairs.left);
    if count == 0 {
        return Ok(tail);
    }
    let words = arena.allocate(5 * count)?.as_ptr();
    // SAFETY: fresh words: for each pair a cell and a tuple of two behind it.
    unsafe {
        for (i, (key, value)) in pairs.take(count).enumerate() {
            let cell = words.add(5 * i);
            let tuple = cell.add(2);
            *tuple = Header::new(Subtag::Tuple, 2).0;
            *tuple.add(1) = key.raw();
            *tuple.add(2) = value.raw();
            *cell = Term::boxed(tuple).raw();
            *cell.add(1) = if i + 1 == count {
                tail.raw()
            } else {
                Term::list(cell.add(5)).raw()
            };
        }
        Ok(Term::list(words))
    }
}

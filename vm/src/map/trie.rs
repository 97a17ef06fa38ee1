//! Maps with more than [`super::FLAT_LIMIT`] keys: tries over the hash of the key, 16 ways at each node.
//!
//! ```text
//! node: header | number of pairs below | bitmap | children ...
//! child: a cell [Key|Value], or a node
//! ```
//!
//! At level `l` (the root is level 0) four bits of the hash choose the way, the topmost first; the bitmap says
//! which of the 16 exist, and the children stand in that order. So a trie is walked in the order of the
//! hashes. Below level 15 the hash is used up: a node there has bitmap 0, and its children are the pairs
//! whose keys have one and the same hash, in exact term order.
//!
//! Invariant: a node other than the root has two pairs below it or more (one child only if that is a node); a root has
//! more than [`super::FLAT_LIMIT`]. So the shape follows from the set of keys alone, and equal maps are equal child by child.
//!
//! Recursion here is as deep as a trie: [`LEVELS`] at most.

use crate::atom::AtomTable;
use crate::memory::{Arena, NoMemory};
use crate::term::compare::{compare_exact, exact_equal};
use crate::term::hash::internal_hash;
use crate::term::{Cons, Header, Subtag, Term};
use core::cmp::Ordering;

/// Most nodes from the root to a pair.
pub(super) const LEVELS: usize = 17;

/// The level of the nodes whose pairs have equal hashes.
pub(super) const LAST: usize = LEVELS - 1;

/// Most children of a node above the last level.
pub(super) const WAYS: usize = 16;

/// The hash of `key`.
#[inline]
pub(super) fn hash(key: Term) -> u64 {
    #[cfg(test)]
    if let Some(hash) = super::tests::colliding_hash(key) {
        return hash;
    }
    internal_hash(key, 0)
}

/// A node, looked into.
#[derive(Clone, Copy)]
pub(super) struct Node<'t> {
    /// Pairs below.
    pub(super) size: usize,
    bitmap: u64,
    /// Cells and nodes.
    pub(super) children: &'t [Term],
}

impl<'t> Node<'t> {
    /// The node that `term` is, if it is one.
    #[inline(always)]
    pub(super) fn of(term: &'t Term) -> Option<Node<'t>> {
        let words = term.as_object(Subtag::HashMap)?;
        // SAFETY: behind two raw words a node has only terms.
        let children = unsafe {
            core::slice::from_raw_parts(words.as_ptr().add(2).cast::<Term>(), words.len() - 2)
        };
        Some(Node {
            size: words[0] as usize,
            bitmap: words[1],
            children,
        })
    }

    /// The index of the child that the way `way` leads to, or would.
    #[inline(always)]
    fn index(&self, way: u32) -> usize {
        (self.bitmap & ((1 << way) - 1)).count_ones() as usize
    }
}

/// How many pairs a child holds.
#[inline]
pub(super) fn size(child: Term) -> usize {
    Node::of(&child).map_or(1, |node| node.size)
}

/// The four bits of `hash` that choose the way at `level`.
#[inline(always)]
fn way(hash: u64, level: usize) -> u32 {
    debug_assert!(level < LAST);
    (hash >> (60 - 4 * level)) as u32 & 15
}

/// The value of `key`; `None` also for what is no trie.
pub(super) fn get(root: Term, key: Term) -> Option<Term> {
    // A child may be a cell `[Key|Value]`, a root is a node: any other list is none of ours.
    if root.is_cons() {
        return None;
    }
    let hash = hash(key);
    let mut child = root;
    let mut level = 0;
    loop {
        if let Some(cell) = child.as_cons() {
            return exact_equal(cell.head, key).then_some(cell.tail);
        }
        let node = Node::of(&child)?;
        if level == LAST {
            let mut cells = node.children.iter().filter_map(|c| c.as_cons().copied());
            return cells.find(|c| exact_equal(c.head, key)).map(|c| c.tail);
        }
        let way = way(hash, level);
        if node.bitmap >> way & 1 == 0 {
            return None;
        }
        child = node.children[node.index(way)];
        level += 1;
    }
}

/// A node of `children` with room for one change: which child is replaced, added or left out.
#[derive(Clone, Copy)]
enum Change {
    Replace(usize, Term),
    Insert(usize, Term),
    Remove(usize),
}

/// `node` with a change, its new size and bitmap.
fn changed<A: Arena + ?Sized>(
    arena: &mut A,
    node: Node<'_>,
    change: Change,
    size: usize,
    bitmap: u64,
) -> Result<Term, NoMemory> {
    let old = node.children.as_ptr().cast::<u64>();
    let length = node.children.len();
    // Old children in front, what stands there now, old children that it takes the place of.
    let (at, new, gone) = match change {
        Change::Replace(at, child) => (at, Some(child), 1),
        Change::Insert(at, child) => (at, Some(child), 0),
        Change::Remove(at) => (at, None, 1),
    };
    let present = new.is_some() as usize;
    let new_length = length + present - gone;
    let words = arena.allocate(new_length + 3)?.as_ptr();
    // SAFETY: fresh words: header, size, bitmap and the new number of children.
    unsafe {
        *words = Header::new(Subtag::HashMap, new_length + 2).0;
        *words.add(1) = size as u64;
        *words.add(2) = bitmap;
        let children = words.add(3);
        core::ptr::copy_nonoverlapping(old, children, at);
        if let Some(child) = new {
            *children.add(at) = child.raw();
        }
        let rest = length - at - gone;
        core::ptr::copy_nonoverlapping(old.add(at + gone), children.add(at + present), rest);
        Ok(Term::boxed(words))
    }
}

/// A node of `children`.
fn node<A: Arena + ?Sized>(
    arena: &mut A,
    size: usize,
    bitmap: u64,
    children: &[Term],
) -> Result<Term, NoMemory> {
    let words = arena.allocate(children.len() + 3)?.as_ptr();
    // SAFETY: fresh words: header, size, bitmap, children.
    unsafe {
        *words = Header::new(Subtag::HashMap, children.len() + 2).0;
        *words.add(1) = size as u64;
        *words.add(2) = bitmap;
        core::ptr::copy_nonoverlapping(children.as_ptr().cast(), words.add(3), children.len());
        Ok(Term::boxed(words))
    }
}

/// A pair and the hash of its key.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) key: Term,
    pub(super) value: Term,
}

impl Entry {
    pub(super) fn new(key: Term, value: Term) -> Entry {
        Entry {
            hash: hash(key),
            key,
            value,
        }
    }
}

/// The child that holds `entries`, at least one, at `level`. They are in the order of their hashes, and no
/// key is there twice.
pub(super) fn build<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    entries: &mut [Entry],
    level: usize,
) -> Result<Term, NoMemory> {
    if let [entry] = entries {
        return arena.cons(entry.key, entry.value);
    }
    let size = entries.len();
    if level == LAST {
        return build_last(arena, atoms, entries);
    }
    let mut children = [Term::NIL; WAYS];
    let mut bitmap = 0u64;
    let mut rest = entries;
    while let Some(first) = rest.first() {
        let way = way(first.hash, level);
        let group = rest.partition_point(|e| self::way(e.hash, level) == way);
        let (these, others) = rest.split_at_mut(group);
        children[bitmap.count_ones() as usize] = build(arena, atoms, these, level + 1)?;
        bitmap |= 1 << way;
        rest = others;
    }
    node(
        arena,
        size,
        bitmap,
        &children[..bitmap.count_ones() as usize],
    )
}

/// A node of pairs whose keys have one hash.
#[cold]
fn build_last<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    entries: &mut [Entry],
) -> Result<Term, NoMemory> {
    entries.sort_unstable_by(|x, y| compare_exact(atoms, x.key, y.key));
    let words = arena.allocate(entries.len() + 3)?.as_ptr();
    // SAFETY: fresh words: header, size, bitmap and as many children as entries, nil until their cells exist.
    unsafe {
        *words = Header::new(Subtag::HashMap, entries.len() + 2).0;
        *words.add(1) = entries.len() as u64;
        *words.add(2) = 0;
        for i in 0..entries.len() {
            *words.add(3 + i) = Term::NIL.raw();
        }
        for (i, entry) in entries.iter().enumerate() {
            *words.add(3 + i) = arena.cons(entry.key, entry.value)?.raw();
        }
        Ok(Term::boxed(words))
    }
}

/// What to do with a pair whose key is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// Take the new value.
    Overwrite,
    /// Leave the old one.
    Keep,
}

/// `child` with the pair of `cell` in it, `hash` being that of its key; `child` itself if nothing changes.
pub(super) fn insert<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    child: Term,
    level: usize,
    hash: u64,
    pair: Cons,
    policy: Policy,
) -> Result<Term, NoMemory> {
    if let Some(&old) = child.as_cons() {
        return if exact_equal(old.head, pair.head) {
            if policy == Policy::Keep || old.tail.raw() == pair.tail.raw() {
                Ok(child)
            } else {
                arena.cons(old.head, pair.tail)
            }
        } else {
            let mut two = [
                Entry::new(old.head, old.tail),
                Entry {
                    hash,
                    key: pair.head,
                    value: pair.tail,
                },
            ];
            if two[0].hash > two[1].hash {
                two.swap(0, 1);
            }
            build(arena, atoms, &mut two, level)
        };
    }
    let Some(node) = Node::of(&child) else {
        return Ok(child);
    };
    let (place, bitmap, below) = if level == LAST {
        let by_key = |c: &Term| match c.as_cons() {
            Some(cell) => compare_exact(atoms, cell.head, pair.head),
            None => Ordering::Less,
        };
        // One level more than there are: what is there is a cell.
        (node.children.binary_search_by(by_key), 0, LEVELS)
    } else {
        let way = way(hash, level);
        let index = node.index(way);
        let place = if node.bitmap >> way & 1 == 0 {
            Err(index)
        } else {
            Ok(index)
        };
        (place, node.bitmap | 1 << way, level + 1)
    };
    match place {
        Err(at) => {
            let cell = arena.cons(pair.head, pair.tail)?;
            changed(arena, node, Change::Insert(at, cell), node.size + 1, bitmap)
        }
        Ok(at) => {
            let old = node.children[at];
            let new = insert(arena, atoms, old, below, hash, pair, policy)?;
            if new.raw() == old.raw() {
                return Ok(child);
            }
            let size = node.size - self::size(old) + self::size(new);
            changed(arena, node, Change::Replace(at, new), size, bitmap)
        }
    }
}

/// What is left of a child.
pub(super) enum Removed {
    /// The key is not there.
    Absent,
    /// The value that was there, and what is left: nothing of a cell.
    Left(Term, Option<Term>),
}

/// `child` without the pair of `key`.
pub(super) fn remove<A: Arena + ?Sized>(
    arena: &mut A,
    child: Term,
    level: usize,
    hash: u64,
    key: Term,
) -> Result<Removed, NoMemory> {
    if let Some(cell) = child.as_cons() {
        return Ok(if exact_equal(cell.head, key) {
            Removed::Left(cell.tail, None)
        } else {
            Removed::Absent
        });
    }
    let Some(node) = Node::of(&child) else {
        return Ok(Removed::Absent);
    };
    let (place, bit) = if level == LAST {
        let mut cells = node.children.iter();
        let is_it = |c: &Term| c.as_cons().is_some_and(|cell| exact_equal(cell.head, key));
        (cells.position(is_it), 0)
    } else {
        let way = way(hash, level);
        let there = node.bitmap >> way & 1 != 0;
        (there.then(|| node.index(way)), 1 << way)
    };
    let Some(at) = place else {
        return Ok(Removed::Absent);
    };
    let (value, left) = match remove(arena, node.children[at], level + 1, hash, key)? {
        Removed::Absent => return Ok(Removed::Absent),
        Removed::Left(value, left) => (value, left),
    };
    let size = node.size - 1;
    let new = match left {
        // A single pair moves up, as far as it is the only one; the root becomes a flat map long before.
        None if size == 1 => node.children[1 - at],
        Some(cell) if size == 1 => cell,
        None => changed(arena, node, Change::Remove(at), size, node.bitmap & !bit)?,
        Some(left) => changed(arena, node, Change::Replace(at, left), size, node.bitmap)?,
    };
    Ok(Removed::Left(value, Some(new)))
}

/// The pairs of both; those of `b` where both have a key.
pub(super) fn merge<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    a: Term,
    b: Term,
    level: usize,
) -> Result<Term, NoMemory> {
    if a.raw() == b.raw() {
        return Ok(a);
    }
    if let Some(&pair) = b.as_cons() {
        let hash = hash(pair.head);
        return insert(arena, atoms, a, level, hash, pair, Policy::Overwrite);
    }
    if let Some(&pair) = a.as_cons() {
        let hash = hash(pair.head);
        return insert(arena, atoms, b, level, hash, pair, Policy::Keep);
    }
    if level == LAST {
        let Some(y) = Node::of(&b) else {
            return Ok(b);
        };
        let mut all = a;
        for cell in y.children.iter().filter_map(|c| c.as_cons().copied()) {
            let hash = hash(cell.head);
            all = insert(arena, atoms, all, level, hash, cell, Policy::Overwrite)?;
        }
        return Ok(all);
    }
    merge_nodes(arena, a, b, |arena, v, w| {
        merge(arena, atoms, v, w, level + 1)
    })
}

/// As [`merge`], for nodes above the last level, where `merge_below` merges two children.
pub(super) fn merge_nodes<A: Arena + ?Sized, E: From<NoMemory>>(
    arena: &mut A,
    a: Term,
    b: Term,
    mut merge_below: impl FnMut(&mut A, Term, Term) -> Result<Term, E>,
) -> Result<Term, E> {
    let (Some(x), Some(y)) = (Node::of(&a), Node::of(&b)) else {
        return Ok(b);
    };
    let bitmap = x.bitmap | y.bitmap;
    let mut children = [Term::NIL; WAYS];
    let (mut length, mut size) = (0, 0);
    let (mut is_a, mut is_b) = (bitmap == x.bitmap, bitmap == y.bitmap);
    for way in (0..WAYS as u32).filter(|way| bitmap >> way & 1 != 0) {
        let from =
            |node: Node<'_>| (node.bitmap >> way & 1 != 0).then(|| node.children[node.index(way)]);
        let child = match (from(x), from(y)) {
            (Some(v), Some(w)) => {
                let child = merge_below(arena, v, w)?;
                is_a &= child.raw() == v.raw();
                is_b &= child.raw() == w.raw();
                child
            }
            (Some(v), None) => v,
            (_, Some(w)) => w,
            (None, None) => continue,
        };
        children[length] = child;
        length += 1;
        size += self::size(child);
    }
    match (is_a, is_b) {
        (true, _) => Ok(a),
        (_, true) => Ok(b),
        _ => Ok(node(arena, size, bitmap, &children[..length])?),
    }
}

/// What holds the pairs of all `children`, each of which is where its way leads: a node, or the one cell.
pub(super) fn above<A: Arena + ?Sized>(
    arena: &mut A,
    children: &[Option<Term>],
) -> Result<Option<Term>, NoMemory> {
    let mut present = [Term::NIL; WAYS];
    let (mut length, mut size, mut bitmap) = (0, 0, 0u64);
    for (way, &child) in children.iter().enumerate().take(WAYS) {
        let Some(child) = child else { continue };
        present[length] = child;
        length += 1;
        size += self::size(child);
        bitmap |= 1 << way;
    }
    match size {
        0 => Ok(None),
        1 => Ok(Some(present[0])),
        _ => node(arena, size, bitmap, &present[..length]).map(Some),
    }
}

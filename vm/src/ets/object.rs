//! Stored objects: one allocation each, off every heap.
//!
//! ```text
//! | next | hash | off-heap list | words, flags | header of the tuple | elements | whatever they refer to ... |
//! ```
//!
//! Everything that an object's terms refer to lies in its own block: literals are copied, too, since code may go
//! away while a table stays. What lies outside (reference-counted binaries, resources) hangs on the object's own off-heap list.
//! So a copy that goes out is the words, with each pointer moved by the same distance.
//!
//! # Invariant
//!
//! The block holds the tuple at its beginning and no word that is not part of a complete object. An [`Object`] is owned by one
//! pointer: that of the [`ObjectBox`], of the chain in the hash table or of the leaf that it stands in.

use crate::memory::off_heap::{Binary, OffHeap};
use crate::memory::{Arena, NoMemory};
use crate::term::copy::{copy_of_size, copy_of_size_paced};
use crate::term::pace::{AtOnce, Pace};
use crate::term::size::flat_size_paced;
use crate::term::{Header, Subtag, Term};
use core::alloc::Layout;
use core::ops::{Deref, DerefMut, Range};
use core::ptr::NonNull;

/// Nothing is a literal to a table.
const NO_LITERALS: Range<usize> = 0..0;

/// The head of a stored object; `words` words of terms follow it.
#[repr(C)]
pub struct Object {
    /// The next object of the same bucket, in hash tables.
    pub next: Option<NonNull<Object>>,
    /// The hash of the key, in hash tables.
    pub hash: u64,
    off_heap: *mut u64,
    words: u32,
    /// Deleted while the table was fixed: nobody sees it, but a traversal may stand on its key.
    pub deleted: bool,
    /// Whether all elements are immediate.
    flat: bool,
}

const HEAD: usize = size_of::<Object>();

/// Words of memory that an object takes besides its terms.
pub const HEAD_WORDS: usize = HEAD / 8;

fn layout(words: usize) -> Option<Layout> {
    Layout::from_size_align(HEAD.checked_add(words.checked_mul(8)?)?, 8).ok()
}

/// Copies `words` words, at least two of which there are: a tuple's header and its key. Objects are mostly short, and a call costs more than
/// copying these: their first words and their last ones, which may overlap.
///
/// # Safety
/// As of [`core::ptr::copy_nonoverlapping`].
#[inline(always)]
unsafe fn copy_words(from: *const u64, to: *mut u64, words: usize) {
    // SAFETY: the caller's promise; both ends of a piece are within the words.
    unsafe {
        match words {
            2..=4 => copy_ends::<2>(from, to, words),
            5..=8 => copy_ends::<4>(from, to, words),
            _ => core::ptr::copy_nonoverlapping(from, to, words),
        }
    }
}

/// Copies the first `N` and the last `N` of `words` words.
///
/// # Safety
/// As of [`core::ptr::copy_nonoverlapping`], and `words` is at least `N`.
#[inline(always)]
unsafe fn copy_ends<const N: usize>(from: *const u64, to: *mut u64, words: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let first = from.cast::<[u64; N]>().read();
        let last = from.add(words - N).cast::<[u64; N]>().read();
        to.cast::<[u64; N]>().write(first);
        to.add(words - N).cast::<[u64; N]>().write(last);
    }
}

/// Room for exactly one copy.
struct Room {
    start: NonNull<u64>,
    off_heap: OffHeap,
}

impl Arena for Room {
    fn allocate(&mut self, _: usize) -> Result<NonNull<u64>, NoMemory> {
        Ok(self.start)
    }
    fn off_heap(&mut self) -> &mut OffHeap {
        &mut self.off_heap
    }
}

/// The elements of a tuple if all of them are immediate.
#[inline]
fn flat_elements(tuple: &Term) -> Option<&[Term]> {
    let elements = tuple.as_tuple()?;
    elements
        .iter()
        .all(|element| element.is_immediate())
        .then_some(elements)
}

impl Object {
    /// The stored tuple.
    #[inline(always)]
    pub fn term(&self) -> Term {
        // SAFETY: the invariant: the tuple begins behind the head.
        unsafe { Term::boxed(self.start()) }
    }

    #[inline(always)]
    fn start(&self) -> *const u64 {
        // SAFETY: the words follow the head in the same allocation.
        unsafe { (&raw const *self).add(1).cast::<u64>() }
    }

    /// The elements of the stored tuple.
    #[inline(always)]
    pub fn elements(&self) -> &[Term] {
        // SAFETY: the invariant: a tuple's header stands behind the head, its elements behind that.
        unsafe {
            let start = self.start();
            core::slice::from_raw_parts(start.add(1).cast::<Term>(), Header(*start).arity())
        }
    }

    /// The key, which is element `position` (from 0).
    #[inline(always)]
    pub fn key(&self, position: usize) -> Term {
        self.elements()[position]
    }

    /// The words of the tuple and of what it refers to.
    pub fn words(&self) -> &[u64] {
        // SAFETY: the invariant: as many words follow the head.
        unsafe { core::slice::from_raw_parts(self.start(), self.words as usize) }
    }

    /// Words of memory that the object takes.
    pub fn memory_words(&self) -> usize {
        HEAD_WORDS + self.words as usize
    }

    /// Puts an immediate in the place of another one.
    #[inline]
    pub fn set_immediate(&mut self, position: usize, value: Term) {
        debug_assert!(value.is_immediate() && self.elements()[position].is_immediate());
        let start = self.start().cast_mut();
        debug_assert!(position < self.elements().len());
        // SAFETY: the position is one of the tuple's; nobody else looks at the object while it is borrowed exclusively.
        unsafe { *start.add(1 + position) = value.raw() };
    }

    /// A copy of the stored tuple.
    #[inline]
    pub fn copy_to<A: Arena + ?Sized>(&self, arena: &mut A) -> Result<Term, NoMemory> {
        let words = self.words as usize;
        if !self.off_heap.is_null() {
            return copy_of_size(self.term(), words, arena, &NO_LITERALS);
        }
        let to = arena.allocate(words)?.as_ptr();
        let from = self.start();
        // SAFETY: fresh words, as many as the block has. The block is complete in itself, so pointers in it are moved with it.
        unsafe {
            match self.flat {
                true => copy_words(from, to, words),
                false => copy_moved(from, to, words),
            }
            Ok(Term::boxed(to))
        }
    }

    /// A copy of one element.
    pub fn copy_element<A: Arena + ?Sized>(
        &self,
        position: usize,
        arena: &mut A,
    ) -> Result<Term, NoMemory> {
        crate::term::copy::copy(self.elements()[position], arena, &NO_LITERALS)
    }

    /// Writes a copy of a tuple behind the head. If the pace says to stop, the object can only be dropped.
    ///
    /// # Safety
    /// The block has room for as many words, and what was there has been released.
    #[inline]
    unsafe fn fill<P: Pace>(
        &mut self,
        Measured { tuple, words, flat }: Measured,
        pace: &mut P,
    ) -> Result<(), P::Stop> {
        let start = self.start().cast_mut();
        self.words = words as u32;
        self.flat = flat;
        // SAFETY: the caller's promise; a flat tuple is its words.
        unsafe {
            if flat {
                copy_words(tuple.pointer().cast_const(), start, words);
                self.off_heap = core::ptr::null_mut();
                return Ok(());
            }
            let mut room = Room {
                start: NonNull::new_unchecked(start),
                off_heap: OffHeap::new(),
            };
            let copied = copy_of_size_paced(tuple, words, &mut room, &NO_LITERALS, pace);
            self.off_heap = room.off_heap.first;
            copied.map(|_| ())
        }
    }

    /// The reference-counted binaries that the object's terms refer to.
    pub fn binaries(&self) -> impl Iterator<Item = NonNull<Binary>> {
        let mut next = self.off_heap.cast_const();
        core::iter::from_fn(move || {
            while !next.is_null() {
                // SAFETY: every address on an off-heap list is an object whose third word behind the header is the next one.
                let (header, binary, following) =
                    unsafe { (Header(*next), *next.add(2), *next.add(3)) };
                next = following as *const u64;
                if header.subtag() == Subtag::RefcBits {
                    return NonNull::new(binary as *mut Binary);
                }
            }
            None
        })
    }

    fn release_off_heap(&mut self) {
        if !self.off_heap.is_null() {
            let mut list = OffHeap::new();
            list.first = core::mem::replace(&mut self.off_heap, core::ptr::null_mut());
            list.release_all();
        }
    }

    /// Puts a copy of a tuple in the place of what is stored, in the same memory; false, and nothing changes, if it
    /// does not fit exactly. The tuple is not the stored one, nor has it a part of that.
    #[inline]
    pub fn overwrite(&mut self, tuple: Measured) -> bool {
        if tuple.words != self.words as usize {
            return false;
        }
        self.release_off_heap();
        // SAFETY: the block has exactly that many words. The room is there, so nothing can fail.
        let _ = unsafe { self.fill(tuple, &mut AtOnce) };
        true
    }
}

/// What is to be stored, measured.
#[derive(Clone, Copy)]
pub struct Measured {
    tuple: Term,
    /// Words of a copy.
    words: usize,
    /// Whether all elements are immediate.
    flat: bool,
}

impl Measured {
    /// Looks at all of `tuple`, which must stay as it is.
    #[inline]
    pub fn new(tuple: Term) -> Result<Measured, NoMemory> {
        Measured::new_paced(tuple, &mut AtOnce)
    }

    /// As [`Measured::new`], in pieces.
    #[inline]
    pub fn new_paced<P: Pace>(tuple: Term, pace: &mut P) -> Result<Measured, P::Stop> {
        let (words, flat) = match flat_elements(&tuple) {
            Some(elements) => (1 + elements.len(), true),
            None => (flat_size_paced(tuple, &NO_LITERALS, pace)?, false),
        };
        Ok(Measured { tuple, words, flat })
    }

    /// What was measured.
    #[inline]
    pub fn tuple(&self) -> Term {
        self.tuple
    }

    /// Words of a copy.
    #[inline]
    pub fn words(&self) -> usize {
        self.words
    }
}

/// Copies a block of complete objects, none of which stands on an off-heap list; every pointer in it is moved by the same distance.
///
/// # Safety
/// `from` is such a block of `words` words, and `to` has as many.
#[inline]
unsafe fn copy_moved(from: *const u64, to: *mut u64, words: usize) {
    let distance = (to as u64).wrapping_sub(from as u64);
    let mut at = 0;
    while at < words {
        // SAFETY: within the blocks: objects are complete, so raw words behind a header are, too.
        unsafe {
            let word = *from.add(at);
            if Header::is_header(word) {
                let raw = Header(word).raw_len();
                *to.add(at) = word;
                for next in at + 1..=at + raw {
                    *to.add(next) = *from.add(next);
                }
                at += 1 + raw;
            } else {
                let moved = word.wrapping_add(distance);
                *to.add(at) = match Term::from_raw(word).is_immediate() {
                    true => word,
                    false => moved,
                };
                at += 1;
            }
        }
    }
}

/// An object that stands in no table yet, or no more.
pub struct ObjectBox(NonNull<Object>);

impl ObjectBox {
    /// An object with a copy of `tuple`.
    #[inline]
    pub fn new(tuple: Term) -> Result<ObjectBox, NoMemory> {
        ObjectBox::of(Measured::new(tuple)?)
    }

    /// An object with a copy of a tuple.
    #[inline]
    pub fn of(tuple: Measured) -> Result<ObjectBox, NoMemory> {
        ObjectBox::of_paced(tuple, &mut AtOnce)
    }

    /// As [`ObjectBox::of`], in pieces.
    #[inline]
    pub fn of_paced<P: Pace>(tuple: Measured, pace: &mut P) -> Result<ObjectBox, P::Stop> {
        let Measured { words, flat, .. } = tuple;
        let layout = layout(words).ok_or(NoMemory)?;
        if words > u32::MAX as usize {
            return Err(NoMemory.into());
        }
        // SAFETY: the layout's size is not zero.
        let memory = unsafe { alloc::alloc::alloc(layout) }.cast::<Object>();
        let object = NonNull::new(memory).ok_or(NoMemory)?;
        // SAFETY: fresh memory of that layout, of which the head is initialised here and the rest below.
        unsafe {
            object.write(Object {
                next: None,
                hash: 0,
                off_heap: core::ptr::null_mut(),
                words: words as u32,
                deleted: false,
                flat,
            });
        }
        let mut object = ObjectBox(object);
        // SAFETY: as many words follow the head, and nothing was there.
        unsafe { object.fill(tuple, pace)? };
        Ok(object)
    }

    /// Gives the object away, to whoever keeps its address.
    #[inline]
    pub fn into_raw(self) -> NonNull<Object> {
        let object = self.0;
        core::mem::forget(self);
        object
    }

    /// Takes the object back.
    ///
    /// # Safety
    /// The address is from [`ObjectBox::into_raw`], and nobody keeps it any more.
    #[inline]
    pub unsafe fn from_raw(object: NonNull<Object>) -> ObjectBox {
        ObjectBox(object)
    }
}

impl Deref for ObjectBox {
    type Target = Object;
    #[inline(always)]
    fn deref(&self) -> &Object {
        // SAFETY: the box owns the object.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for ObjectBox {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Object {
        // SAFETY: as above.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for ObjectBox {
    fn drop(&mut self) {
        self.release_off_heap();
        if let Some(layout) = layout(self.words as usize) {
            // SAFETY: allocated with this layout: `words` never changes.
            unsafe { alloc::alloc::dealloc(self.0.as_ptr().cast(), layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::memory::off_heap::BinaryRef;
    use crate::term::compare::exact_equal;

    #[test]
    fn an_object_comes_out_as_it_went_in() {
        let mut parcel = Parcel::new();
        let float = parcel.float(1.5).unwrap();
        let list = parcel.list(&[float, Term::small(1), float]).unwrap();
        let inner = parcel.tuple(&[list, Term::NIL]).unwrap();
        for tuple in [
            parcel.tuple(&[Term::small(1), Term::NIL]).unwrap(),
            parcel.tuple(&[Term::small(1), inner, float]).unwrap(),
        ] {
            let object = ObjectBox::new(tuple).unwrap();
            assert!(exact_equal(object.term(), tuple));
            let mut out = Parcel::new();
            let copied = object.copy_to(&mut out).unwrap();
            drop(object);
            assert!(exact_equal(copied, tuple));
        }
    }

    #[test]
    fn binaries_are_shared_and_counted() {
        let binary = BinaryRef::from_bytes(&[7; 100]).unwrap();
        let head = binary.head();
        let mut parcel = Parcel::new();
        let term = binary.clone().into_term(&mut parcel, 100).unwrap();
        let tuple = parcel.tuple(&[Term::small(1), term]).unwrap();
        let flat = parcel.tuple(&[Term::NIL; 6]).unwrap();
        let mut object = ObjectBox::new(tuple).unwrap();
        assert_eq!(Binary::references(head), 3);
        let mut out = Parcel::new();
        object.copy_to(&mut out).unwrap();
        assert_eq!(Binary::references(head), 4);
        assert!(object.overwrite(Measured::new(flat).unwrap()));
        assert_eq!(Binary::references(head), 3);
        assert!(exact_equal(object.term(), flat));
        let short = parcel.tuple(&[Term::NIL]).unwrap();
        assert!(!object.overwrite(Measured::new(short).unwrap()));
        drop((parcel, out));
        assert_eq!(Binary::references(head), 1);
    }
}

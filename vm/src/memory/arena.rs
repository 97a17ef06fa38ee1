//! Where objects are made: the interface of everything that has room for terms.
//!
//! A process's heap, a message on its way, a module's literal area and (later) a table are all
//! an [`Arena`]: they hand out words and keep the list of off-heap objects. Code that builds terms
//! is written against this trait alone, so the same copier, decoder and builder serve all.
//!
//! Invariant: words that were handed out stay where they are until the arena's owner collects; and the
//! caller fills all of them with a complete object before anything else can see them.

use super::off_heap::OffHeap;
use crate::bif::Fail;
use crate::term::{Header, MAX_SMALL, MIN_SMALL, Subtag, Term};
use core::ptr::NonNull;

/// There is no memory for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

/// Something that has room for terms.
pub trait Arena {
    /// `words` words, uninitialised, side by side.
    fn allocate(&mut self, words: usize) -> Result<NonNull<u64>, NoMemory>;

    /// The list of this arena's objects that own something off the heap.
    fn off_heap(&mut self) -> &mut OffHeap;

    /// Lets others run after some work, told in reductions, if it is a running process that builds here: see
    /// [`crate::bif::Context::consume`]. An error ends what is being done.
    #[inline]
    fn rest(&mut self, _work: usize) -> Result<(), Fail> {
        Ok(())
    }

    /// `[head | tail]`.
    #[inline]
    fn cons(&mut self, head: Term, tail: Term) -> Result<Term, NoMemory> {
        let cell = self.allocate(2)?.as_ptr();
        // SAFETY: two fresh words, both initialised here.
        unsafe {
            *cell = head.raw();
            *cell.add(1) = tail.raw();
            Ok(Term::list(cell))
        }
    }

    /// A tuple of `elements`.
    #[inline]
    fn tuple(&mut self, elements: &[Term]) -> Result<Term, NoMemory> {
        let object = self.allocate(elements.len() + 1)?.as_ptr();
        // SAFETY: fresh words: a header and as many elements as it says, all initialised here.
        unsafe {
            *object = Header::new(Subtag::Tuple, elements.len()).0;
            core::ptr::copy_nonoverlapping(elements.as_ptr().cast(), object.add(1), elements.len());
            Ok(Term::boxed(object))
        }
    }

    /// A proper list of `elements`.
    fn list(&mut self, elements: &[Term]) -> Result<Term, NoMemory> {
        self.list_with_tail(elements, Term::NIL)
    }

    /// A list of `elements` that ends in `tail`.
    fn list_with_tail(&mut self, elements: &[Term], tail: Term) -> Result<Term, NoMemory> {
        if elements.is_empty() {
            return Ok(tail);
        }
        let cells = self.allocate(elements.len() * 2)?.as_ptr();
        // SAFETY: fresh words, two for each element; each cell's tail is the next cell.
        unsafe {
            for (i, element) in elements.iter().enumerate() {
                *cells.add(2 * i) = element.raw();
                *cells.add(2 * i + 1) = if i + 1 == elements.len() {
                    tail.raw()
                } else {
                    Term::list(cells.add(2 * i + 2)).raw()
                };
            }
            Ok(Term::list(cells))
        }
    }

    /// A proper list of the bytes of `bytes` as small integers.
    fn byte_list(&mut self, bytes: &[u8], tail: Term) -> Result<Term, NoMemory> {
        let mut list = tail;
        if bytes.is_empty() {
            return Ok(list);
        }
        let cells = self.allocate(bytes.len() * 2)?.as_ptr();
        // SAFETY: fresh words, two for each byte.
        unsafe {
            for (i, byte) in bytes.iter().enumerate().rev() {
                *cells.add(2 * i) = Term::small(*byte as i64).raw();
                *cells.add(2 * i + 1) = list.raw();
                list = Term::list(cells.add(2 * i));
            }
        }
        Ok(list)
    }

    /// A float.
    #[inline]
    fn float(&mut self, value: f64) -> Result<Term, NoMemory> {
        self.object(Subtag::Float, &[value.to_bits()])
    }

    /// An integer that fits a machine word, small or not.
    #[inline]
    fn integer(&mut self, value: i64) -> Result<Term, NoMemory> {
        if (MIN_SMALL..=MAX_SMALL).contains(&value) {
            return Ok(Term::small(value));
        }
        let subtag = if value < 0 {
            Subtag::BigNegative
        } else {
            Subtag::BigPositive
        };
        self.object(subtag, &[value.unsigned_abs()])
    }

    /// An unsigned integer that fits a machine word, small or not.
    #[inline]
    fn unsigned(&mut self, value: u64) -> Result<Term, NoMemory> {
        if value <= MAX_SMALL as u64 {
            return Ok(Term::small(value as i64));
        }
        self.object(Subtag::BigPositive, &[value])
    }

    /// A boxed object of `words` behind a header. Whoever calls it vouches that they are what `subtag` says.
    #[inline]
    fn object(&mut self, subtag: Subtag, words: &[u64]) -> Result<Term, NoMemory> {
        let object = self.allocate(words.len() + 1)?.as_ptr();
        // SAFETY: fresh words: a header and as many words as it says, all initialised here.
        unsafe {
            *object = Header::new(subtag, words.len()).0;
            core::ptr::copy_nonoverlapping(words.as_ptr(), object.add(1), words.len());
            Ok(Term::boxed(object))
        }
    }
}

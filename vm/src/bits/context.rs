//! Match contexts: where the matching of a bit string stands.
//!
//! A context is an object on the heap that only instructions see (`term::header` has its layout). The address of the
//! first byte is in it so that extracting need not look at the base.
//!
//! Invariant: `position <= end`, and the base has at least `end` bits. The cached address is right because a base on the
//! heap moves only with the collector, which recomputes it, and a block off the heap is pinned when a context on it is made.

use super::view::SUB_BITS_SIZE_SHIFT;
use crate::memory::off_heap::Binary;
use crate::term::{Header, Subtag, Term};
use core::ptr::NonNull;

/// Words of a match context, header included.
pub const CONTEXT_WORDS: usize = 5;

/// The words of a context at the beginning of the bit string `term`; `None` if it is none.
#[inline(always)]
pub fn new_context(term: Term) -> Option<[u64; CONTEXT_WORDS]> {
    let subtag = term.subtag()?;
    let object = term.pointer();
    // SAFETY: the layouts of `term::header`; the base of a `SubBits` is one of the other two, the block of a
    // `RefcBits` is alive.
    unsafe {
        let (base, start, size) = match subtag {
            Subtag::HeapBits => (term, 0, *object.add(1)),
            Subtag::RefcBits => (term, 0, *object.add(1) * 8),
            Subtag::SubBits => {
                let size = *object.add(2) >> SUB_BITS_SIZE_SHIFT;
                (Term::from_raw(*object.add(3)), *object.add(1), size)
            }
            _ => return None,
        };
        let object = base.pointer();
        let bytes = if Header(*object).subtag() == Subtag::HeapBits {
            object.add(2).cast()
        } else {
            let block = NonNull::new_unchecked(*object.add(2) as *mut Binary);
            (*block.as_ptr()).pinned = true;
            Binary::bytes(block)
        };
        let header = Header::new(Subtag::MatchContext, CONTEXT_WORDS - 1).0;
        Some([header, bytes as u64, start, start + size, base.raw()])
    }
}

/// A match context.
#[derive(Clone, Copy)]
pub struct MatchContext(*mut u64);

impl MatchContext {
    /// The context that `term` is.
    #[inline(always)]
    pub fn of(term: Term) -> Option<MatchContext> {
        (term.subtag() == Some(Subtag::MatchContext)).then(|| MatchContext(term.pointer()))
    }

    /// The context that `term` is, where code was compiled so that it can be nothing else.
    ///
    /// # Safety
    /// It is one.
    #[inline(always)]
    pub unsafe fn of_unchecked(term: Term) -> MatchContext {
        debug_assert_eq!(term.subtag(), Some(Subtag::MatchContext));
        MatchContext(term.pointer())
    }

    /// The first byte of the base.
    #[inline(always)]
    pub fn bytes(self) -> *const u8 {
        // SAFETY: a context has four words behind its header; here and below.
        unsafe { *self.0.add(1) as *const u8 }
    }

    /// Bits from the base's first to the next one to match.
    #[inline(always)]
    pub fn position(self) -> usize {
        // SAFETY: as above.
        unsafe { *self.0.add(2) as usize }
    }

    /// Goes to another position, which must not be behind the end.
    #[inline(always)]
    pub fn set_position(self, position: usize) {
        debug_assert!(position <= self.end());
        // SAFETY: as above.
        unsafe { *self.0.add(2) = position as u64 }
    }

    /// Bits from the base's first to the end of what is matched.
    #[inline(always)]
    pub fn end(self) -> usize {
        // SAFETY: as above.
        unsafe { *self.0.add(3) as usize }
    }

    /// Bits that are left.
    #[inline(always)]
    pub fn left(self) -> usize {
        self.end() - self.position()
    }

    /// The `HeapBits` or `RefcBits` that holds the bits.
    #[inline(always)]
    pub fn base(self) -> Term {
        // SAFETY: as above; the fourth word is a term.
        unsafe { Term::from_raw(*self.0.add(4)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{make_binary, sub_bits, view};
    use crate::memory::Arena;
    use crate::memory::heap::Parcel;

    fn start(arena: &mut Parcel, term: Term) -> MatchContext {
        let [_, rest @ ..] = new_context(term).unwrap();
        MatchContext::of(arena.object(Subtag::MatchContext, &rest).unwrap()).unwrap()
    }

    #[test]
    fn a_context_covers_exactly_its_bit_string() {
        let mut arena = Parcel::new();
        for length in [40, 100] {
            let whole = make_binary(&mut arena, &alloc::vec![7; length]).unwrap();
            let part = sub_bits(&mut arena, whole, 11, 200).unwrap();
            let context = start(&mut arena, whole);
            assert_eq!((context.position(), context.left()), (0, length * 8));
            let context = start(&mut arena, part);
            assert_eq!((context.position(), context.end()), (11, 211));
            assert_eq!(context.base(), whole);
            assert_eq!(context.bytes(), view(&whole).unwrap().bytes);
            context.set_position(211);
            assert_eq!(context.left(), 0);
        }
        assert!(new_context(Term::NIL).is_none());
        assert!(new_context(Term::small(1)).is_none());
        assert!(MatchContext::of(Term::NIL).is_none());
    }

    #[test]
    fn a_block_with_a_context_on_it_does_not_move() {
        let mut arena = Parcel::new();
        let whole = make_binary(&mut arena, &[7; 100]).unwrap();
        let block = NonNull::new(whole.as_object(Subtag::RefcBits).unwrap()[1] as *mut Binary);
        // SAFETY: the block is alive, and `whole` is the one reference to it.
        let grow = |capacity| unsafe { Binary::grow(block.unwrap(), capacity) };
        start(&mut arena, whole);
        assert_eq!(grow(1000), None);
    }
}

//! Match contexts: where the matching of a bit string stands.
//!
//! A context is an object on the heap that only instructions see (`term::header` has its layout). The address of the
//! first byte is in it so that extracting need not look at the base.
//!
//! Invariant: `position <= end`, and the base has at least `end` bits. The cached address is right because a base on the
//! heap moves only with the collector, which recomputes it, and a block off the heap is pinned when a context on it is made.

use super::make::base_of;
use super::view::view;
use crate::memory::off_heap::Binary;
use crate::term::{Header, Subtag, Term};

/// Words of a match context, header included.
pub const CONTEXT_WORDS: usize = 5;

/// The words of a context at the beginning of the bit string `term`; `None` if it is none.
#[inline(always)]
pub fn new_context(term: Term) -> Option<[u64; CONTEXT_WORDS]> {
    let bits = view(&term)?;
    let base = base_of(term);
    if let Some(words) = base.as_object(Subtag::RefcBits) {
        // SAFETY: the second word behind the header is the address of the block, which is alive.
        unsafe { (*(words[1] as *mut Binary)).pinned = true };
    }
    Some([
        Header::new(Subtag::MatchContext, CONTEXT_WORDS - 1).0,
        bits.bytes as u64,
        bits.offset as u64,
        (bits.offset + bits.size) as u64,
        base.raw(),
    ])
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

//! How many words a term takes when it is copied: what [`super::copy`] allocates.
//!
//! Shared parts are counted as often as they occur, as OTP's send does. No recursion: what is left
//! to visit is a stack of spans that grows with the depth of the term, not with its length.
//!
//! Invariant: for every term the count is exactly what the copier writes.

use super::pace::{AtOnce, Pace};
use super::{Header, Subtag, Term};
use crate::memory::NoMemory;
use crate::memory::off_heap::REFC_WORDS;
use core::ops::Range;
use smallvec::SmallVec;

/// Words of a `SubBits` object, header included.
pub const SUB_BITS_WORDS: usize = 4;

/// Words of a `HeapBits` object of `bits` bits, header included.
#[inline]
pub const fn heap_bits_words(bits: usize) -> usize {
    2 + bits.div_ceil(64)
}

/// Terms side by side that have yet to be counted.
#[derive(Clone, Copy)]
struct Span {
    next: *const Term,
    left: usize,
}

/// Words of a copy of `term`, without what lies in `literals` (a range of addresses).
pub fn flat_size(term: Term, literals: &Range<usize>) -> Result<usize, NoMemory> {
    flat_size_paced(term, literals, &mut AtOnce)
}

/// Objects between two looks at the pace.
const PIECE: usize = 1024;

/// As [`flat_size`], in pieces. The term stays as it is meanwhile.
pub fn flat_size_paced<P: Pace>(
    term: Term,
    literals: &Range<usize>,
    pace: &mut P,
) -> Result<usize, P::Stop> {
    if term.is_immediate() {
        return Ok(0);
    }
    let mut words = 0usize;
    let (mut objects, mut told) = (0, 0);
    let mut spans: SmallVec<[Span; 16]> = SmallVec::new();
    let mut span = Span {
        next: &term,
        left: 1,
    };
    loop {
        while span.left > 0 {
            // SAFETY: a span covers `left` terms of one object that is alive.
            let term = unsafe { *span.next };
            // SAFETY: as above; at most one past the last.
            span.next = unsafe { span.next.add(1) };
            span.left -= 1;
            if term.is_immediate() || literals.contains(&(term.pointer() as usize)) {
                continue;
            }
            let (own, inner) = measure(term);
            words = words.saturating_add(own);
            if P::IN_PIECES {
                objects += 1;
                if objects >= PIECE {
                    pace.did(words - told)?;
                    (objects, told) = (0, words);
                }
            }
            if inner.left > 0 {
                if span.left > 0 {
                    spans.try_reserve(1).map_err(|_| NoMemory)?;
                    spans.push(span);
                }
                span = inner;
            }
        }
        match spans.pop() {
            Some(outer) => span = outer,
            None => return Ok(words),
        }
    }
}

/// The words of one object, and the terms in it that are to be visited.
#[inline]
fn measure(term: Term) -> (usize, Span) {
    let pointer = term.pointer();
    let nothing = Span {
        next: core::ptr::null(),
        left: 0,
    };
    if term.is_cons() {
        let span = Span {
            next: pointer.cast(),
            left: 2,
        };
        return (2, span);
    }
    // SAFETY: a boxed term points to a header, and as many words as it says follow.
    unsafe {
        let header = Header(*pointer);
        let arity = header.arity();
        match header.subtag() {
            Subtag::SubBits => {
                let view = crate::bits::view::view(&term);
                let base = Term::from_raw(*pointer.add(3));
                let words = match (view, base.subtag()) {
                    (Some(view), Some(Subtag::HeapBits)) => heap_bits_words(view.size),
                    _ => SUB_BITS_WORDS + REFC_WORDS,
                };
                (words, nothing)
            }
            Subtag::MatchContext | Subtag::Invalid => {
                unreachable!("a match context is never part of a term")
            }
            subtag => {
                let raw = subtag.raw_words().min(arity);
                let span = Span {
                    next: pointer.add(1 + raw).cast(),
                    left: arity - raw,
                };
                (1 + arity, span)
            }
        }
    }
}

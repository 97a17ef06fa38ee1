//! The machine's own hash of terms: where a key stands in a hashed map or in a table.
//!
//! Terms that are exactly equal (`=:=`) hash alike; nothing else is promised, and the number means nothing
//! outside one run of the machine (an atom counts as its index). [`super::portable_hash`] has the hashes that
//! Erlang programs see.
//!
//! No recursion: what is left to hash is a stack of spans, the first few of them inline, that grows with the depth of a term.
//!
//! Invariant: the pairs of a hashed map come in an order that depends on its keys alone.

use super::fun::{Fun, Target};
use super::{Header, Subtag, Term, zero};
use crate::bits::view::{BitsView, view};
use smallvec::SmallVec;

/// The hash of `term`. Different salts make hashes that have nothing to do with each other, for keys whose hashes
/// are equal.
#[inline]
pub fn internal_hash(term: Term, salt: u64) -> u64 {
    if term.is_immediate() {
        return finish(mix(start(salt), term.raw()));
    }
    hash_nested(term, salt)
}

const SEED: u64 = 0x243f_6a88_85a3_08d3;
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Where hashing begins: far apart for different salts.
#[inline(always)]
fn start(salt: u64) -> u64 {
    salt.wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29) ^ SEED
}

/// One word more: a multiplication to 128 bits, folded.
#[inline(always)]
fn mix(state: u64, word: u64) -> u64 {
    let product = (state ^ word) as u128 * MULTIPLIER as u128;
    (product as u64 ^ (product >> 64) as u64).wrapping_add(SEED.rotate_left(17))
}

/// Spreads the last words over all bits.
#[inline(always)]
fn finish(mut state: u64) -> u64 {
    state ^= state >> 33;
    state = state.wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^= state >> 33;
    state = state.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    state ^ state >> 33
}

#[derive(Clone, Copy)]
struct Span {
    next: *const Term,
    left: usize,
}

impl Span {
    fn over(terms: &[Term]) -> Span {
        Span {
            next: terms.as_ptr(),
            left: terms.len(),
        }
    }
}

// What stands before the words of each kind of object, so that {} is not [[]] is not #{}.
const CONS: u64 = 1;
const TUPLE: u64 = 2;
const FLAT_MAP: u64 = 3;
const HASH_MAP: u64 = 4;
const LOCAL_FUN: u64 = 5;
const EXTERNAL_FUN: u64 = 6;
const BITS: u64 = 7;
const FLOAT: u64 = 8;
const RAW: u64 = 16;

#[inline(never)]
fn hash_nested(term: Term, salt: u64) -> u64 {
    let mut state = start(salt);
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
            if term.is_immediate() {
                state = mix(state, term.raw());
                continue;
            }
            let inner = object(&mut state, &term);
            if inner.left > 0 {
                if span.left > 0 {
                    spans.push(span);
                }
                span = inner;
            }
        }
        match spans.pop() {
            Some(outer) => span = outer,
            None => return finish(state),
        }
    }
}

/// Hashes what is not a term in one object; what is, is returned.
#[inline]
fn object(state: &mut u64, term: &Term) -> Span {
    let pointer = term.pointer();
    if term.is_cons() {
        *state = mix(*state, CONS);
        return Span {
            next: pointer.cast(),
            left: 2,
        };
    }
    let nothing = Span::over(&[]);
    // SAFETY: a boxed term points to a header, and as many words as it says follow.
    let (header, words) = unsafe {
        let header = Header(*pointer);
        let words = core::slice::from_raw_parts(pointer.add(1), header.arity());
        (header, words)
    };
    let terms_from = |first: usize| Span {
        next: words[first..].as_ptr().cast(),
        left: words.len() - first,
    };
    match header.subtag() {
        Subtag::Tuple => {
            *state = mix(*state, TUPLE | (words.len() as u64) << 8);
            terms_from(0)
        }
        Subtag::FlatMap => {
            *state = mix(*state, FLAT_MAP);
            terms_from(0)
        }
        Subtag::HashMap => {
            *state = mix(*state, HASH_MAP);
            *state = mix(*state, words[0]);
            terms_from(2)
        }
        Subtag::Float => {
            let bits = zero::key_bits(f64::from_bits(words[0]));
            *state = mix(mix(*state, FLOAT), bits);
            nothing
        }
        Subtag::Fun => {
            let Some(fun) = Fun::of(term) else {
                return nothing;
            };
            match fun.target() {
                Target::External(mfa) => {
                    let name = (mfa.module.0 as u64) << 32 | mfa.function.0 as u64;
                    *state = mix(mix(*state, EXTERNAL_FUN | (mfa.arity as u64) << 8), name);
                }
                Target::Local(fun) => {
                    *state = mix(*state, LOCAL_FUN | (fun.old_uniq as u64) << 8);
                    *state = mix(*state, (fun.module.0 as u64) << 32 | fun.old_index as u64);
                }
            }
            Span::over(fun.free())
        }
        Subtag::HeapBits | Subtag::RefcBits | Subtag::SubBits => {
            if let Some(bits) = view(term) {
                *state = mix(*state, BITS | (bits.size as u64) << 8);
                hash_bits(state, bits);
            }
            nothing
        }
        Subtag::MatchContext | Subtag::Invalid => {
            unreachable!("a match context is never part of a term")
        }
        Subtag::Reference => {
            *state = mix(*state, RAW + Subtag::Reference as u64);
            // There may be a resource behind it, which makes no difference.
            for &word in &words[..2] {
                *state = mix(*state, word);
            }
            nothing
        }
        Subtag::ExternalReference => {
            *state = mix(*state, RAW + Subtag::ExternalReference as u64);
            // How many numbers there are makes no difference: those that are not there are zero.
            for &word in &words[..3] {
                *state = mix(*state, word);
            }
            *state = mix(*state, words[3] as u32 as u64);
            nothing
        }
        subtag => {
            *state = mix(*state, RAW + subtag as u64);
            for &word in words {
                *state = mix(*state, word);
            }
            nothing
        }
    }
}

/// The bits, eight bytes at a time, the same wherever they lie.
fn hash_bits(state: &mut u64, bits: BitsView) {
    let bytes = bits.size.div_ceil(8);
    if let Some(aligned) = bits.as_aligned_bytes() {
        let (chunks, rest) = aligned.as_chunks::<8>();
        for chunk in chunks {
            *state = mix(*state, u64::from_be_bytes(*chunk));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            *state = mix(*state, u64::from_be_bytes(last));
        }
        return;
    }
    for start in (0..bytes).step_by(8) {
        let mut word = [0; 8];
        for (i, byte) in word.iter_mut().enumerate().take(bytes - start) {
            *byte = bits.byte(start + i);
        }
        *state = mix(*state, u64::from_be_bytes(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Arena;
    use crate::memory::heap::Parcel;
    use crate::term::compare::exact_equal;

    #[test]
    fn equal_terms_hash_alike_and_others_do_not() {
        let mut arena = Parcel::new();
        let binary = arena
            .object(Subtag::HeapBits, &[24, 0x0a_0b_0c_0d])
            .unwrap();
        let part = |arena: &mut Parcel, offset: u64, size: u64| {
            let size = size << crate::bits::view::SUB_BITS_SIZE_SHIFT;
            let words = [offset, size, binary.raw()];
            arena.object(Subtag::SubBits, &words).unwrap()
        };
        let terms = [
            Term::NIL,
            Term::small(0),
            arena.float(0.0).unwrap(),
            arena.float(-0.0).unwrap(),
            arena.tuple(&[]).unwrap(),
            arena.tuple(&[Term::NIL]).unwrap(),
            arena.tuple(&[Term::NIL, Term::NIL]).unwrap(),
            arena.list(&[Term::NIL]).unwrap(),
            arena.list(&[Term::NIL]).unwrap(),
            arena.integer(i64::MAX).unwrap(),
            arena.integer(-i64::MAX).unwrap(),
            binary,
            part(&mut arena, 0, 24),
            part(&mut arena, 0, 23),
            part(&mut arena, 4, 12),
            arena.object(Subtag::HeapBits, &[12, 0xc0_d0]).unwrap(),
        ];
        for &a in &terms {
            for &b in &terms {
                let same = internal_hash(a, 0) == internal_hash(b, 0);
                assert_eq!(same, exact_equal(a, b), "{a:?} {b:?}");
                assert_ne!(internal_hash(a, 0), internal_hash(b, 1));
            }
        }
    }

    #[test]
    fn small_integers_spread() {
        let mut seen = std::collections::HashSet::new();
        for i in 0..100_000 {
            seen.insert(internal_hash(Term::small(i), 0) >> 40);
        }
        // 2^24 places for 10^5 keys: about 300 share one.
        assert!(seen.len() > 99_500, "{}", seen.len());
    }
}

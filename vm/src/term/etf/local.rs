//! The local external format: `term_to_binary(Term, [local])` of OTP 26 and later, which only this run of the machine reads again.
//!
//! Behind version and tag stands a number of this run; then a plain reference as its 12 bytes, or anything else as the ordinary
//! format has it. The references are what it is for: since OTP 26 `prim_inet` gives one with each thing that is sent.

use super::VERSION;
use crate::process::reference::RefNumber;
use crate::term::{Subtag, Term};
use smallvec::SmallVec;

/// `LOCAL_EXT`
const LOCAL: u8 = 121;

/// The two kinds.
const REFERENCE: u8 = 1;
const ORDINARY: u8 = 2;

/// Version, tag, number of the run and kind.
const HEAD: usize = 11;

/// Bytes of a reference in this format.
pub const REFERENCE_BYTES: usize = HEAD + 12;

/// What stands in the local format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local<'a> {
    /// A reference without anything behind it.
    Reference(RefNumber),
    /// A term in the ordinary format, without its version byte.
    Ordinary(&'a [u8]),
}

fn head(run: u64, kind: u8) -> [u8; HEAD] {
    let [a, b, c, d, e, f, g, h] = run.to_be_bytes();
    [VERSION, LOCAL, a, b, c, d, e, f, g, h, kind]
}

/// A reference in the local format of the run with this number; `None` if the term is none, or has something behind it.
pub fn encode_reference(run: u64, term: Term) -> Option<SmallVec<[u8; 32]>> {
    let words = term.as_object(Subtag::Reference)?;
    let [low, high] = RefNumber::of(term).filter(|_| words.len() == 2)?.words();
    let mut bytes = SmallVec::from_slice(&head(run, REFERENCE));
    bytes.extend_from_slice(&low.to_be_bytes());
    bytes.extend_from_slice(&(high as u32).to_be_bytes());
    Some(bytes)
}

/// What goes before a term in the ordinary format without its version byte.
pub fn ordinary_head(run: u64) -> [u8; HEAD] {
    head(run, ORDINARY)
}

/// What `bytes` hold in the local format of the run with this number, and how many of them are before it; for a reference how many it
/// takes. `None` if they are not in it: then they may be in the ordinary format.
pub fn decode(run: u64, bytes: &[u8]) -> Option<(Local<'_>, usize)> {
    let (found, rest) = bytes.split_first_chunk::<HEAD>()?;
    if *found == head(run, ORDINARY) {
        return Some((Local::Ordinary(rest), HEAD));
    }
    if *found != head(run, REFERENCE) {
        return None;
    }
    let (low, rest) = rest.split_first_chunk::<8>()?;
    let high = u32::from_be_bytes(*rest.first_chunk::<4>()?);
    let number = RefNumber::from_words([u64::from_be_bytes(*low), high.into()]);
    Some((Local::Reference(number), REFERENCE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;

    #[test]
    fn only_the_run_that_wrote_a_reference_reads_it() {
        let mut parcel = Parcel::new();
        let number = RefNumber::from_words([u64::MAX - 5, 7]);
        let term = number.term(&mut parcel).unwrap();
        let bytes = encode_reference(42, term).unwrap();
        let read = decode(42, &bytes);
        assert_eq!(read, Some((Local::Reference(number), bytes.len())));
        assert_eq!(decode(43, &bytes), None);
        assert_eq!(decode(42, &bytes[..bytes.len() - 1]), None);
        assert_eq!(encode_reference(42, Term::NIL), None);
        let mut ordinary = ordinary_head(42).to_vec();
        ordinary.push(106);
        let read = decode(42, &ordinary);
        assert_eq!(read, Some((Local::Ordinary(&[106]), HEAD)));
    }
}

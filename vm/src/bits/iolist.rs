//! I/O lists: bytes, bit strings and lists of these, nested and with a bit string for a tail.
//!
//! Made into a bit string in two walks, one for the size, one for the bits. What is left to do of outer lists stands on
//! a vector, so neither long nor deep lists use the native stack.

use super::view::{BitsView, view};
use super::{MAX_BITS, new_bits, raw};
use crate::bif::{Fail, Value};
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use alloc::vec::Vec;
use smallvec::SmallVec;

/// Lists within lists that are gone through without allocating.
const DEPTH: usize = 8;

/// What an I/O list may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// Bytes and binaries: for `list_to_binary/1` and `iolist_to_binary/1`.
    Binaries,
    /// Bytes and bit strings of any size: for `list_to_bitstring/1`.
    BitStrings,
}

/// A leaf of an I/O list.
pub enum Leaf {
    /// A byte.
    Byte(u8),
    /// A bit string: what it holds, and itself.
    Bits(BitsView, Term),
}

/// Visits the leaves of `list` from left to right. `badarg` for what may not be there.
pub fn walk(list: Term, parts: Parts, mut visit: impl FnMut(Leaf)) -> Result<(), Fail> {
    try_walk(list, parts, |leaf| {
        visit(leaf);
        Ok(())
    })
}

/// As [`walk`]; ends with the first error of `visit`.
pub fn try_walk(
    list: Term,
    parts: Parts,
    mut visit: impl FnMut(Leaf) -> Result<(), Fail>,
) -> Result<(), Fail> {
    let mut outer: SmallVec<[Term; DEPTH]> = SmallVec::new();
    let mut rest = list;
    loop {
        while let Some(cell) = rest.as_cons() {
            let cell = *cell;
            rest = cell.tail;
            if let Some(value) = cell.head.as_small() {
                let byte = u8::try_from(value).map_err(|_| Fail::Badarg)?;
                visit(Leaf::Byte(byte))?;
            } else if cell.head.is_cons() {
                if !rest.is_nil() {
                    outer.try_reserve(1).map_err(|_| NoMemory)?;
                    outer.push(rest);
                }
                rest = cell.head;
            } else if !cell.head.is_nil() {
                visit(leaf(cell.head, parts)?)?;
            }
        }
        if !rest.is_nil() {
            visit(leaf(rest, parts)?)?;
        }
        match outer.pop() {
            Some(next) => rest = next,
            None => return Ok(()),
        }
    }
}

fn leaf(term: Term, parts: Parts) -> Result<Leaf, Fail> {
    let bits = view(&term).ok_or(Fail::Badarg)?;
    if parts == Parts::Binaries && !bits.is_binary() {
        return Err(Fail::Badarg);
    }
    Ok(Leaf::Bits(bits, term))
}

/// The size in bits of an I/O list, or of a bit string.
pub fn size(list: Term, parts: Parts) -> Result<usize, Fail> {
    let mut size = 0usize;
    walk(list, parts, |leaf| {
        size = size.saturating_add(match leaf {
            Leaf::Byte(_) => 8,
            Leaf::Bits(bits, _) => bits.size,
        });
    })?;
    Ok(size)
}

/// The bits of an I/O list, or of a bit string, as one. `badarg` if it is neither.
pub fn flatten<A: Arena + ?Sized>(arena: &mut A, list: Term, parts: Parts) -> Value {
    let size = size(list, parts)?;
    // A list can name one long binary very often.
    if size > MAX_BITS {
        return Err(Fail::SystemLimit);
    }
    let (term, bytes) = new_bits(arena, size)?;
    let mut position = 0;
    walk(list, parts, |leaf| {
        // SAFETY: the first walk added up exactly what this one writes, from left to right.
        unsafe {
            match leaf {
                Leaf::Byte(byte) if position % 8 == 0 => {
                    *bytes.add(position / 8) = byte;
                    position += 8;
                }
                Leaf::Byte(byte) => {
                    raw::write(bytes, position, 8, byte as u64);
                    position += 8;
                }
                Leaf::Bits(bits, _) => {
                    raw::copy(bits.bytes, bits.offset, bytes, position, bits.size);
                    position += bits.size;
                }
            }
        }
    })?;
    Ok(term)
}

/// The bytes of an I/O list or binary, off every heap. `badarg` if it is neither.
pub fn to_bytes(list: Term) -> Result<Vec<u8>, Fail> {
    let size = size(list, Parts::Binaries)? / 8;
    let mut bytes: Vec<u8> = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| NoMemory)?;
    walk(list, Parts::Binaries, |leaf| match leaf {
        Leaf::Byte(byte) => bytes.push(byte),
        Leaf::Bits(bits, _) => match bits.as_aligned_bytes() {
            Some(whole) => bytes.extend_from_slice(whole),
            None => bytes.extend((0..bits.size / 8).map(|index| bits.byte(index))),
        },
    })?;
    Ok(bytes)
}

/// The bytes of an I/O list or binary that is expected to be short: in one walk, and up to `N` bytes without allocating. `badarg` if it
/// is neither.
pub fn to_few_bytes<const N: usize>(list: Term) -> Result<SmallVec<[u8; N]>, Fail> {
    let mut bytes = SmallVec::new();
    let mut memory = Ok(());
    walk(list, Parts::Binaries, |leaf| {
        let more = match &leaf {
            Leaf::Byte(_) => 1,
            Leaf::Bits(bits, _) => bits.size / 8,
        };
        if bytes.capacity() - bytes.len() < more && bytes.try_reserve(more).is_err() {
            memory = Err(NoMemory);
        }
        if memory.is_err() {
            return;
        }
        match leaf {
            Leaf::Byte(byte) => bytes.push(byte),
            Leaf::Bits(bits, _) => match bits.as_aligned_bytes() {
                Some(whole) => bytes.extend_from_slice(whole),
                None => bytes.extend((0..more).map(|index| bits.byte(index))),
            },
        }
    })?;
    memory?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{make_binary, sub_bits};
    use crate::memory::heap::Parcel;

    #[test]
    fn leaves_come_in_order() {
        let mut arena = Parcel::new();
        let ab = make_binary(&mut arena, b"ab").unwrap();
        let cd = make_binary(&mut arena, b"cd").unwrap();
        let inner = arena
            .list_with_tail(&[Term::small(b'1'.into()), Term::NIL], cd)
            .unwrap();
        let list = arena
            .list_with_tail(&[ab, inner, Term::small(b'2'.into())], ab)
            .unwrap();
        let flat = flatten(&mut arena, list, Parts::Binaries).unwrap();
        let bytes = view(&flat).unwrap().as_aligned_bytes();
        assert_eq!(bytes, Some(&b"ab1cd2ab"[..]));
        assert_eq!(to_bytes(list).unwrap(), b"ab1cd2ab");
        assert_eq!(to_few_bytes::<16>(list).unwrap()[..], b"ab1cd2ab"[..]);
        assert_eq!(to_few_bytes::<3>(list).unwrap()[..], b"ab1cd2ab"[..]);
        assert_eq!(size(Term::NIL, Parts::Binaries), Ok(0));
    }

    #[test]
    fn parts_of_bytes_only_where_they_may_be() {
        let mut arena = Parcel::new();
        let byte = make_binary(&mut arena, &[0b1011_0000]).unwrap();
        let nibble = sub_bits(&mut arena, byte, 0, 4).unwrap();
        let list = arena.list(&[nibble, Term::small(0xff), nibble]).unwrap();
        assert_eq!(size(list, Parts::Binaries), Err(Fail::Badarg));
        let flat = flatten(&mut arena, list, Parts::BitStrings).unwrap();
        let bytes = view(&flat).unwrap().as_aligned_bytes();
        assert_eq!(bytes, Some(&[0xbf, 0xfb][..]));
        for bad in [Term::small(256), Term::small(-1), Term::boolean(true)] {
            let list = arena.list(&[bad]).unwrap();
            assert_eq!(size(list, Parts::Binaries), Err(Fail::Badarg));
            assert_eq!(to_few_bytes::<4>(list), Err(Fail::Badarg));
            let list = arena.cons(Term::small(1), bad).unwrap();
            assert_eq!(size(list, Parts::Binaries), Err(Fail::Badarg));
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let mut arena = Parcel::new();
        let mut left = arena.cons(Term::small(1), Term::NIL).unwrap();
        let mut right = Term::NIL;
        for _ in 0..1_000_000 {
            left = arena.cons(left, right).unwrap();
            right = arena.cons(Term::small(2), Term::NIL).unwrap();
        }
        assert_eq!(size(left, Parts::Binaries), Ok(8 * 1_000_000));
    }
}

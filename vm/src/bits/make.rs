//! Making bit strings: which representation, and how it is laid out.
//!
//! Up to [`HEAP_BYTES`] bytes live on the heap (`HeapBits`). More are a reference-counted block (`RefcBits`),
//! which has whole bytes: a size that is no multiple of 8 is a part of one. A part of a bit string is a `SubBits`
//! object that keeps its base alive, unless the copy of its bits is as small as that.
//!
//! Invariant: the base of a `SubBits` or a match context is a `HeapBits` or `RefcBits`, never another part.

use super::raw;
use super::view::{BitsView, SUB_BITS_SIZE_SHIFT, view};
use crate::memory::off_heap::BinaryRef;
use crate::memory::{Arena, NoMemory};
use crate::term::{Header, Subtag, Term};
use alloc::vec::Vec;

/// Most bytes of a binary on a heap.
pub const HEAP_BYTES: usize = 64;

/// Words of a `SubBits` object, header included.
pub const SUB_BITS_WORDS: usize = 4;

/// Parts of up to this many bits are copied: the copy takes no more words than a `SubBits` object.
const COPIED_BITS: usize = (SUB_BITS_WORDS - 2) * 64;

/// A `HeapBits` object of `bits` bits with `data_words` words for them, the last one zero.
fn heap_bits<A: Arena + ?Sized>(
    arena: &mut A,
    bits: usize,
    data_words: usize,
) -> Result<(Term, *mut u8), NoMemory> {
    let object = arena.allocate(2 + data_words)?.as_ptr();
    // SAFETY: fresh words. The bytes are the caller's to fill; the last word may be filled in part.
    unsafe {
        *object = Header::new(Subtag::HeapBits, 1 + data_words).0;
        *object.add(1) = bits as u64;
        if data_words != 0 {
            *object.add(1 + data_words) = 0;
        }
        Ok((Term::boxed(object), object.add(2).cast()))
    }
}

/// A new bit string of `bits` bits, and where they are. The caller fills all of them before anything
/// else happens.
#[inline]
pub fn new_bits<A: Arena + ?Sized>(
    arena: &mut A,
    bits: usize,
) -> Result<(Term, *mut u8), NoMemory> {
    if bits <= HEAP_BYTES * 8 {
        return heap_bits(arena, bits, bits.div_ceil(64));
    }
    let size = bits.div_ceil(8);
    let binary = BinaryRef::allocate_uninitialised(size)?;
    let bytes = binary.bytes();
    let whole = binary.into_term(arena, size)?;
    if bits.is_multiple_of(8) {
        return Ok((whole, bytes));
    }
    Ok((part(arena, whole, 0, bits, 0)?, bytes))
}

/// A new binary of `size` bytes, and where they are: as [`new_bits`].
#[inline]
pub fn new_uninit<A: Arena + ?Sized>(
    arena: &mut A,
    size: usize,
) -> Result<(Term, *mut u8), NoMemory> {
    new_bits(arena, size.checked_mul(8).ok_or(NoMemory)?)
}

/// A binary with a copy of `bytes`.
pub fn make_binary<A: Arena + ?Sized>(arena: &mut A, bytes: &[u8]) -> Result<Term, NoMemory> {
    let (term, target) = new_uninit(arena, bytes.len())?;
    // SAFETY: a new object of that many bytes; nobody else has it.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
    Ok(term)
}

/// Bytes from which on it pays not to copy those of a vector.
const KEPT_VEC: usize = 1 << 16;

/// A binary of the bytes of `bytes`, which are not copied if they are many.
pub fn binary_of_vec<A: Arena + ?Sized>(
    arena: &mut A,
    mut bytes: Vec<u8>,
) -> Result<Term, NoMemory> {
    let size = bytes.len();
    if size < KEPT_VEC {
        return make_binary(arena, &bytes);
    }
    if bytes.capacity() - size > size / 8 {
        bytes.shrink_to_fit();
    }
    BinaryRef::from_vec(bytes)?.into_term(arena, size)
}

/// A binary of bytes that are in memory for good, which are not copied unless they are few.
pub fn static_binary<A: Arena + ?Sized>(
    arena: &mut A,
    bytes: &'static [u8],
) -> Result<Term, NoMemory> {
    if bytes.len() <= HEAP_BYTES {
        return make_binary(arena, bytes);
    }
    BinaryRef::from_static(bytes)?.into_term(arena, bytes.len())
}

/// A binary of `size` bytes that `fill` writes; they are zero before.
pub fn build_binary<A: Arena + ?Sized>(
    arena: &mut A,
    size: usize,
    fill: impl FnOnce(&mut [u8]),
) -> Result<Term, NoMemory> {
    let (term, target) = new_uninit(arena, size)?;
    // SAFETY: a new object of that many bytes, initialised here; nobody else has it.
    fill(unsafe {
        target.write_bytes(0, size);
        core::slice::from_raw_parts_mut(target, size)
    });
    Ok(term)
}

/// A bit string with a copy of the bits of `bits`, which depends on no other object.
pub fn make_bits<A: Arena + ?Sized>(arena: &mut A, bits: BitsView) -> Result<Term, NoMemory> {
    let (term, target) = new_bits(arena, bits.size)?;
    // SAFETY: the view's bits, into a new object with room for them.
    unsafe { raw::copy(bits.bytes, bits.offset, target, 0, bits.size) };
    Ok(term)
}

/// A `SubBits` object.
#[inline]
pub(super) fn part<A: Arena + ?Sized>(
    arena: &mut A,
    base: Term,
    offset: usize,
    size: usize,
    flags: u64,
) -> Result<Term, NoMemory> {
    debug_assert!(matches!(
        base.subtag(),
        Some(Subtag::HeapBits | Subtag::RefcBits)
    ));
    let size = (size as u64) << SUB_BITS_SIZE_SHIFT | flags;
    arena.object(Subtag::SubBits, &[offset as u64, size, base.raw()])
}

/// `size` bits from bit `offset` of `base` on, which is a `HeapBits` or `RefcBits` that has them.
pub fn part_of_base<A: Arena + ?Sized>(
    arena: &mut A,
    base: Term,
    offset: usize,
    size: usize,
) -> Result<Term, NoMemory> {
    if size > COPIED_BITS {
        if offset == 0 && view(&base).is_some_and(|whole| whole.size == size) {
            return Ok(base);
        }
        return part(arena, base, offset, size, 0);
    }
    let (term, target) = heap_bits(arena, size, size.div_ceil(64))?;
    if let Some(bits) = view(&base) {
        // SAFETY: the base has the bits, and the new object has room for them.
        unsafe { raw::copy(bits.bytes, offset, target, 0, size) };
    }
    Ok(term)
}

/// `size` bits from bit `offset` of the bit string `term` on, which has them. Whoever calls this with
/// another term gets that back.
pub fn sub_bits<A: Arena + ?Sized>(
    arena: &mut A,
    term: Term,
    offset: usize,
    size: usize,
) -> Result<Term, NoMemory> {
    let Some(bits) = view(&term) else {
        return Ok(term);
    };
    debug_assert!(offset + size <= bits.size);
    if size == bits.size {
        return Ok(term);
    }
    part_of_base(arena, base_of(term), bits.offset + offset, size)
}

/// The `HeapBits` or `RefcBits` that holds the bits of `term`: itself, unless it is a part.
#[inline(always)]
pub fn base_of(term: Term) -> Term {
    match term.as_object(Subtag::SubBits) {
        // SAFETY: the third word of a `SubBits` is a term.
        Some(words) => unsafe { Term::from_raw(words[2]) },
        None => term,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::term::compare::exact_equal;
    use alloc::vec::Vec;

    fn sample(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 7 + 3) as u8).collect()
    }

    #[test]
    fn the_limit_decides_the_representation() {
        let mut arena = Parcel::new();
        for (length, subtag) in [
            (0, Subtag::HeapBits),
            (1, Subtag::HeapBits),
            (64, Subtag::HeapBits),
            (65, Subtag::RefcBits),
            (5000, Subtag::RefcBits),
        ] {
            let term = make_binary(&mut arena, &sample(length)).unwrap();
            assert_eq!(term.subtag(), Some(subtag));
            let bits = view(&term).unwrap();
            assert_eq!(bits.as_aligned_bytes(), Some(&sample(length)[..]));
        }
        let (term, _) = new_bits(&mut arena, 513).unwrap();
        assert_eq!(term.subtag(), Some(Subtag::SubBits));
        assert_eq!(view(&term).unwrap().size, 513);
    }

    #[test]
    fn parts_of_parts_have_one_base() {
        let mut arena = Parcel::new();
        let whole = make_binary(&mut arena, &sample(300)).unwrap();
        let part = sub_bits(&mut arena, whole, 13, 2000).unwrap();
        let inner = sub_bits(&mut arena, part, 11, 1000).unwrap();
        assert_eq!(base_of(inner), whole);
        assert_eq!(view(&inner).unwrap().offset, 24);
        let copy = make_bits(&mut arena, view(&inner).unwrap()).unwrap();
        assert!(exact_equal(inner, copy));
        let small = sub_bits(&mut arena, inner, 1, 128).unwrap();
        assert_eq!(small.subtag(), Some(Subtag::HeapBits));
        let again = sub_bits(&mut arena, whole, 25, 128).unwrap();
        assert!(exact_equal(small, again));
        assert_eq!(sub_bits(&mut arena, whole, 0, 2400), Ok(whole));
        let empty = sub_bits(&mut arena, whole, 2400, 0).unwrap();
        assert_eq!(view(&empty).unwrap().size, 0);
    }

    #[test]
    fn static_bytes_are_used_where_they_lie_and_never_written() {
        use crate::bits::append::append;
        use crate::term::copy::copy;
        let bytes: &'static [u8] = sample(300).leak();
        let mut arena = Parcel::new();
        let whole = static_binary(&mut arena, bytes).unwrap();
        assert_eq!(view(&whole).unwrap().bytes, bytes.as_ptr());
        let half = sub_bits(&mut arena, whole, 0, 1200).unwrap();
        for prefix in [whole, half] {
            let length = view(&prefix).unwrap().size / 8;
            for _ in 0..2 {
                let room = append(&mut arena, prefix, 8).unwrap();
                // SAFETY: inside the room.
                unsafe { raw::write(room.bytes, room.position, 8, 0xee) };
                let longer = view(&room.term).unwrap().as_aligned_bytes().unwrap();
                assert_eq!(longer.split_last(), Some((&0xee, &bytes[..length])));
            }
        }
        assert_eq!(bytes, sample(300));
        // Its copies share it, and outlive it.
        let mut other = Parcel::new();
        let sent = copy(half, &mut other, &(0..0)).unwrap();
        drop(arena);
        assert_eq!(view(&sent).unwrap().bytes, bytes.as_ptr());
        let few = static_binary(&mut other, &bytes[..64]).unwrap();
        assert_eq!(few.subtag(), Some(Subtag::HeapBits));
    }
}

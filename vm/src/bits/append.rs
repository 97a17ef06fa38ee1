//! Appending: `<<Accumulator/binary, X>>` in a loop takes time in proportion to what is appended.
//!
//! An accumulator of more than 64 bytes is a `SubBits` object flagged [`WRITABLE`] over a `RefcBits` whose block
//! has room behind its last bit. Appending writes there and makes a new `SubBits`; the old one still sees its own bits. When the
//! room is used up, the block grows to twice its size. Shorter accumulators are copied.
//!
//! Invariant: bits at or behind [`Binary::used_bits`] are seen by nobody. So an accumulator may be
//! appended to in place exactly if it ends there: a second append to the same value, be it by the
//! same process or by another that got it in a message, finds the block used and copies. The flag says only that the base
//! was made for this: other binaries have no room.
//!
//! *Private* appending is for code where the compiler has proved that nobody else holds the accumulator: it
//! changes the object itself. It begins with [`new_accumulator`].

use super::make::{HEAP_BYTES, SUB_BITS_WORDS, new_bits, part};
use super::raw;
use super::view::{SUB_BITS_SIZE_SHIFT, view};
use crate::bif::Fail;
use crate::memory::off_heap::{Binary, BinaryRef, REFC_WORDS};
use crate::memory::{Arena, NoMemory};
use crate::term::{Header, Subtag, Term};
use core::ptr::NonNull;

/// Flag in the size word of a `SubBits` object: its base has room for appending.
pub const WRITABLE: u64 = 1;

/// Smallest block that is made for an accumulator, in bytes (as in OTP).
const MIN_CAPACITY: usize = 256;

/// Data words of the `HeapBits` object that private appending begins with: one more than any other has,
/// by which it is known.
const ACCUMULATOR_WORDS: usize = HEAP_BYTES / 8 + 1;

/// Most words that making one bit string may take from an arena: an appended part in vain, then a
/// block with a part of it.
pub const BUILD_WORDS: usize = SUB_BITS_WORDS + REFC_WORDS + SUB_BITS_WORDS;

// The objects of up to `HEAP_BYTES` bytes need no more.
const _: () = assert!(2 + ACCUMULATOR_WORDS <= BUILD_WORDS);

/// An accumulator with room for what was asked. If the new bits cannot be written after all, [`Room::abandon`] it.
pub struct Room {
    /// The new value; its last bits are the caller's to write.
    pub term: Term,
    /// The first byte.
    pub bytes: *mut u8,
    /// Where the new bits begin.
    pub position: usize,
    /// Bits that had to be copied for it.
    pub copied: usize,
}

impl Room {
    /// Gives the room back: the accumulator is what it was, and can be appended to in place again.
    pub fn abandon(self) {
        let size = self.position;
        if let Some(writable) = Writable::of(self.term) {
            writable.set_size(size);
            // SAFETY: the base is a `RefcBits`: its third word is the address of a block that is alive.
            unsafe { (*(*writable.base.add(2) as *mut Binary)).used_bits = size };
        } else if is_private(self.term) {
            // SAFETY: the second word of a `HeapBits` is its size.
            unsafe { *self.term.pointer().add(1) = size as u64 };
        }
    }
}

/// Whether `term` is what [`new_accumulator`] made.
fn is_private(term: Term) -> bool {
    term.header() == Some(Header::new(Subtag::HeapBits, 1 + ACCUMULATOR_WORDS))
}

/// The objects behind a writable accumulator.
struct Writable {
    part: *mut u64,
    base: *mut u64,
    size: usize,
}

impl Writable {
    #[inline]
    fn of(term: Term) -> Option<Writable> {
        let words = term.as_object(Subtag::SubBits)?;
        if words[1] & WRITABLE == 0 || words[0] != 0 {
            return None;
        }
        // SAFETY: the third word is a term, the base.
        let base = unsafe { Term::from_raw(words[2]) };
        if base.subtag() != Some(Subtag::RefcBits) {
            return None;
        }
        Some(Writable {
            part: term.pointer(),
            base: base.pointer(),
            size: (words[1] >> SUB_BITS_SIZE_SHIFT) as usize,
        })
    }

    fn set_size(&self, size: usize) {
        // SAFETY: the third word of a `SubBits` is its size.
        unsafe { *self.part.add(2) = (size as u64) << SUB_BITS_SIZE_SHIFT | WRITABLE };
    }

    /// Makes the base have `total` bits, if the accumulator ends where its block is free and there is
    /// room or can be. Returns the block.
    fn extend(&self, total: usize) -> Option<NonNull<Binary>> {
        // SAFETY: `base` is a `RefcBits`: its second word is the size in bytes, the third the block, alive. No
        // borrow of the block outlives a line.
        unsafe {
            let mut binary = NonNull::new(*self.base.add(2) as *mut Binary)?;
            if (*binary.as_ptr()).used_bits != self.size {
                return None;
            }
            let bytes = total.div_ceil(8);
            if bytes > (*binary.as_ptr()).capacity {
                binary = Binary::grow(binary, bytes.checked_mul(2)?)?;
                *self.base.add(2) = binary.as_ptr() as u64;
            }
            (*binary.as_ptr()).used_bits = total;
            *self.base.add(1) = bytes as u64;
            Some(binary)
        }
    }
}

fn total_size(size: usize, more: usize) -> Result<usize, Fail> {
    size.checked_add(more)
        .filter(|&total| total <= super::MAX_BITS)
        .ok_or(Fail::SystemLimit)
}

/// As [`append`] of an accumulator whose size is a multiple of `unit`, where there is room behind it already. `None` for
/// all else: nothing has happened then.
#[inline]
pub fn append_in_place<A: Arena + ?Sized>(
    arena: &mut A,
    accumulator: Term,
    more: usize,
    unit: usize,
) -> Option<Room> {
    let writable = Writable::of(accumulator)?;
    let position = writable.size;
    // Neither is above `MAX_BITS`.
    let total = position + more;
    // SAFETY: as in `Writable::extend`.
    let (binary, free) = unsafe {
        let binary = NonNull::new(*writable.base.add(2) as *mut Binary)?;
        let head = binary.as_ptr();
        (
            binary,
            (*head).used_bits == position && total <= (*head).capacity * 8,
        )
    };
    if !free || !(unit == 8 && position.is_multiple_of(8) || position.checked_rem(unit) == Some(0))
    {
        return None;
    }
    // SAFETY: the base of a `SubBits` is a complete object. The new object comes first: nothing has changed yet if there is no memory
    // for it.
    let term = part(
        arena,
        unsafe { Term::boxed(writable.base) },
        0,
        total,
        WRITABLE,
    )
    .ok()?;
    // SAFETY: the room behind the last bit is nobody's.
    unsafe {
        (*binary.as_ptr()).used_bits = total;
        *writable.base.add(1) = total.div_ceil(8) as u64;
    }
    Some(Room {
        term,
        bytes: Binary::bytes(binary),
        position,
        copied: 0,
    })
}

/// Room for `more` bits behind the bit string `accumulator`. `badarg` if it is none, `system_limit` if the result
/// would be absurdly large.
pub fn append<A: Arena + ?Sized>(
    arena: &mut A,
    accumulator: Term,
    more: usize,
) -> Result<Room, Fail> {
    let size = view(&accumulator).ok_or(Fail::Badarg)?.size;
    let total = total_size(size, more)?;
    if let Some(writable) = Writable::of(accumulator) {
        // The new object first: nothing has changed yet if there is no memory for it.
        // SAFETY: the base of a `SubBits` is a complete object.
        let base = unsafe { Term::boxed(writable.base) };
        let term = part(arena, base, 0, total, WRITABLE)?;
        if let Some(binary) = writable.extend(total) {
            return Ok(Room {
                term,
                bytes: Binary::bytes(binary),
                position: size,
                copied: 0,
            });
        }
    }
    copy_with_room(arena, accumulator, size, total)
}

/// As [`append`], where nobody else holds `accumulator`, which may turn into the result.
pub fn private_append<A: Arena + ?Sized>(
    arena: &mut A,
    accumulator: Term,
    more: usize,
) -> Result<Room, Fail> {
    if let Some(writable) = Writable::of(accumulator) {
        let total = total_size(writable.size, more)?;
        if let Some(binary) = writable.extend(total) {
            writable.set_size(total);
            return Ok(Room {
                term: accumulator,
                bytes: Binary::bytes(binary),
                position: writable.size,
                copied: 0,
            });
        }
    } else if is_private(accumulator) {
        let object = accumulator.pointer();
        // SAFETY: the object of `new_accumulator`: the second word is its size, up to `HEAP_BYTES` fit behind it.
        unsafe {
            let size = *object.add(1) as usize;
            let total = total_size(size, more)?;
            if total <= HEAP_BYTES * 8 {
                *object.add(1) = total as u64;
                return Ok(Room {
                    term: accumulator,
                    bytes: object.add(2).cast(),
                    position: size,
                    copied: 0,
                });
            }
        }
    }
    append(arena, accumulator, more)
}

/// An empty binary to which [`private_append`] appends in place.
pub fn new_accumulator<A: Arena + ?Sized>(arena: &mut A) -> Result<Term, NoMemory> {
    arena.object(Subtag::HeapBits, &[0; 1 + ACCUMULATOR_WORDS])
}

/// A copy of `accumulator`, of `size` bits, with room for `total`, and for more if it is long.
#[cold]
fn copy_with_room<A: Arena + ?Sized>(
    arena: &mut A,
    accumulator: Term,
    size: usize,
    total: usize,
) -> Result<Room, Fail> {
    let (term, bytes) = if total <= HEAP_BYTES * 8 {
        new_bits(arena, total)?
    } else {
        let length = total.div_ceil(8);
        let capacity = length.saturating_mul(2).max(MIN_CAPACITY);
        let binary = BinaryRef::allocate_uninitialised(capacity)
            .or_else(|_| BinaryRef::allocate_uninitialised(length))?;
        // SAFETY: a new block that nobody else has.
        unsafe { (*binary.head().as_ptr()).used_bits = total };
        let bytes = binary.bytes();
        let base = binary.into_term(arena, length)?;
        (part(arena, base, 0, total, WRITABLE)?, bytes)
    };
    if let Some(bits) = view(&accumulator) {
        // SAFETY: the accumulator's bits, into a new object with room for more than them.
        unsafe { raw::copy(bits.bytes, bits.offset, bytes, 0, size) };
    }
    Ok(Room {
        term,
        bytes,
        position: size,
        copied: size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::make::{base_of, make_binary};
    use crate::bits::view::BitsView;
    use crate::memory::heap::Parcel;
    use alloc::vec;
    use alloc::vec::Vec;

    type Append = fn(&mut Parcel, Term, usize) -> Result<Room, Fail>;

    fn push(arena: &mut Parcel, append: Append, accumulator: Term, bytes: &[u8]) -> Term {
        let room = append(arena, accumulator, bytes.len() * 8).unwrap();
        for (i, byte) in bytes.iter().enumerate() {
            // SAFETY: inside the room.
            unsafe { raw::write(room.bytes, room.position + i * 8, 8, *byte as u64) };
        }
        room.term
    }

    fn bytes(term: Term) -> Vec<u8> {
        view(&term).unwrap().as_aligned_bytes().unwrap().to_vec()
    }

    fn block(term: Term) -> u64 {
        base_of(term).as_object(Subtag::RefcBits).unwrap()[1]
    }

    #[test]
    fn a_loop_copies_in_proportion_to_its_result() {
        for append in [append::<Parcel> as Append, private_append::<Parcel>] {
            let mut arena = Parcel::new();
            let mut accumulator = new_accumulator(&mut arena).unwrap();
            let mut moves = 0;
            let mut last = 0;
            for i in 0..100_000u32 {
                accumulator = push(&mut arena, append, accumulator, &[i as u8]);
                if i >= 64 {
                    moves += (view(&accumulator).unwrap().bytes.addr() != last) as usize;
                    last = view(&accumulator).unwrap().bytes.addr();
                }
            }
            assert!(moves < 20, "{moves}");
            let expected: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
            assert_eq!(bytes(accumulator), expected);
        }
    }

    #[test]
    fn a_second_append_to_the_same_prefix_copies() {
        let mut arena = Parcel::new();
        let prefix = make_binary(&mut arena, &[7; 70]).unwrap();
        let first = push(&mut arena, append, prefix, &[1]);
        let left = push(&mut arena, append, first, &[2]);
        let right = push(&mut arena, append, first, &[3]);
        assert_eq!(block(first), block(left));
        assert_ne!(block(first), block(right));
        for (term, tail) in [(first, &[1][..]), (left, &[1, 2]), (right, &[1, 3])] {
            assert_eq!(bytes(term)[70..], *tail);
        }
        // The longest one can still be appended to in place.
        let longer = push(&mut arena, append, left, &[4]);
        assert_eq!(block(longer), block(left));
        assert_eq!(bytes(left).len(), 72);
    }

    #[test]
    fn growing_keeps_older_values_and_respects_pins() {
        let mut arena = Parcel::new();
        let prefix = make_binary(&mut arena, &[7; 70]).unwrap();
        let first = push(&mut arena, append, prefix, &[1]);
        let grown = push(&mut arena, append, first, &[2; 1000]);
        assert_eq!(block(first), block(grown), "the base follows its block");
        assert_eq!(bytes(first)[68..], [7, 7, 1]);
        let head = NonNull::new(block(grown) as *mut Binary).unwrap();
        // SAFETY: the block is alive.
        unsafe { (*head.as_ptr()).pinned = true };
        let copied = push(&mut arena, append, grown, &[3; 5000]);
        assert_ne!(block(copied), block(grown));
        assert_eq!(bytes(grown).len(), 1071);
        assert_eq!(bytes(copied)[1070..1073], [2, 3, 3]);
    }

    #[test]
    fn bits_are_appended_like_bytes() {
        let mut arena = Parcel::new();
        let mut accumulator = make_binary(&mut arena, &[]).unwrap();
        for i in 0..4000 {
            let room = append(&mut arena, accumulator, 3).unwrap();
            assert_eq!(room.position, i * 3);
            // SAFETY: inside the room.
            unsafe { raw::write(room.bytes, room.position, 3, i as u64) };
            accumulator = room.term;
        }
        let BitsView { bytes, size, .. } = view(&accumulator).unwrap();
        assert_eq!(size, 12_000);
        for i in 0..4000 {
            // SAFETY: inside the bits.
            assert_eq!(unsafe { raw::read(bytes, i * 3, 3) }, i as u64 % 8);
        }
    }

    #[test]
    fn room_can_be_given_back() {
        let mut arena = Parcel::new();
        for length in [3, 70] {
            let mut private = new_accumulator(&mut arena).unwrap();
            private = push(&mut arena, private_append, private, &vec![1; length]);
            let before = bytes(private);
            private_append(&mut arena, private, 8).unwrap().abandon();
            assert_eq!(bytes(private), before);
            let longer = push(&mut arena, append, private, &[2]);
            append(&mut arena, longer, 80).unwrap().abandon();
            let longest = push(&mut arena, append, longer, &[3]);
            assert_eq!(bytes(longest)[length..], [2, 3]);
            if length == 70 {
                assert_eq!(block(longest), block(longer), "the room was free again");
            }
        }
    }

    #[test]
    fn what_cannot_be() {
        let mut arena = Parcel::new();
        assert_eq!(append(&mut arena, Term::NIL, 8).err(), Some(Fail::Badarg));
        let accumulator = make_binary(&mut arena, &[1]).unwrap();
        for more in [usize::MAX, super::super::MAX_BITS] {
            let error = append(&mut arena, accumulator, more).err();
            assert_eq!(error, Some(Fail::SystemLimit));
        }
    }
}

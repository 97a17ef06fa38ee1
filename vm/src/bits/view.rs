//! A bit string as what it is under its three representations: bytes, an offset, a size.
//!
//! Invariant: a view is alive no longer than the term it was made from; it is made, used and
//! dropped between two collections.

use super::raw;
use crate::memory::NoMemory;
use crate::memory::off_heap::Binary;
use crate::term::{Subtag, Term};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ptr::NonNull;

/// In the size word of a `SubBits` object the size in bits stands above this many bits of flags (of which
/// there is one, [`super::append::WRITABLE`]).
pub const SUB_BITS_SIZE_SHIFT: u32 = 8;

/// Bits that lie `offset` bits behind `bytes`, most significant bit of a byte first.
#[derive(Clone, Copy)]
pub struct BitsView {
    /// A byte at or before the first bit.
    pub bytes: *const u8,
    /// Bits from there to the first bit.
    pub offset: usize,
    /// Size in bits.
    pub size: usize,
}

/// What `term` holds, if it is a bit string.
#[inline(always)]
pub fn view(term: &Term) -> Option<BitsView> {
    let header = term.header()?;
    let words = term.pointer();
    // SAFETY: the layouts of `term::header`; the base of a `SubBits` is one of the other two.
    unsafe {
        match header.subtag() {
            Subtag::HeapBits | Subtag::RefcBits => whole(words),
            Subtag::SubBits => {
                let base = Term::from_raw(*words.add(3));
                let mut view = whole(base.pointer())?;
                view.offset = *words.add(1) as usize;
                view.size = (*words.add(2) >> SUB_BITS_SIZE_SHIFT) as usize;
                Some(view)
            }
            _ => None,
        }
    }
}

/// # Safety
/// `words` is the header of a `HeapBits` or `RefcBits` object.
#[inline(always)]
unsafe fn whole(words: *const u64) -> Option<BitsView> {
    // SAFETY: the caller's promise.
    unsafe {
        if crate::term::Header(*words).subtag() == Subtag::HeapBits {
            Some(BitsView {
                bytes: words.add(2).cast(),
                offset: 0,
                size: *words.add(1) as usize,
            })
        } else {
            let binary = NonNull::new(*words.add(2) as *mut Binary)?;
            Some(BitsView {
                bytes: Binary::bytes(binary),
                offset: 0,
                size: *words.add(1) as usize * 8,
            })
        }
    }
}

impl BitsView {
    /// The bytes, when the bits begin and end at a byte's edge. Valid as long as the term is.
    #[inline]
    pub fn as_aligned_bytes<'a>(self) -> Option<&'a [u8]> {
        if (self.offset | self.size) & 7 != 0 {
            return None;
        }
        // SAFETY: the object holds that many bytes from there on.
        Some(unsafe { core::slice::from_raw_parts(self.bytes.add(self.offset / 8), self.size / 8) })
    }

    /// The bytes of a binary, copied if they do not begin at a byte's edge; `None` for other bit strings.
    pub fn to_bytes<'a>(self) -> Result<Option<Cow<'a, [u8]>>, NoMemory> {
        if let Some(bytes) = self.as_aligned_bytes() {
            return Ok(Some(Cow::Borrowed(bytes)));
        }
        if !self.is_binary() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let length = self.size / 8;
        bytes.try_reserve_exact(length).map_err(|_| NoMemory)?;
        // SAFETY: the view's bits, into a buffer with room for them, which are its bytes afterwards.
        unsafe {
            raw::copy(self.bytes, self.offset, bytes.as_mut_ptr(), 0, self.size);
            bytes.set_len(length);
        }
        Ok(Some(Cow::Owned(bytes)))
    }

    /// Whether the size is a whole number of bytes: a binary.
    #[inline]
    pub fn is_binary(self) -> bool {
        self.size & 7 == 0
    }

    /// The bits from `index * 8` on, as many as there are up to eight, at the top of a byte.
    /// `index` is less than the size in bytes, rounded up.
    #[inline]
    pub fn byte(self, index: usize) -> u8 {
        let bit = self.offset + index * 8;
        let (at, shift) = (bit / 8, bit % 8);
        let wanted = (self.size - index * 8).min(8);
        // SAFETY: a byte is read only if one of the view's bits is in it.
        let value = unsafe {
            let high = (*self.bytes.add(at) as u32) << 8;
            let low = if shift + wanted > 8 {
                *self.bytes.add(at + 1) as u32
            } else {
                0
            };
            ((high | low) << shift >> 8) as u8
        };
        value & !(0xffu16 >> wanted) as u8
    }
}

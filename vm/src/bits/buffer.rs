//! Bytes on their way to a binary: for readers that learn how many there are as they go.
//!
//! Invariant: a buffer is the only holder of its block, and all bytes of the block are initialised.

use super::make::{HEAP_BYTES, make_binary};
use crate::memory::off_heap::{Binary, BinaryRef};
use crate::memory::{Arena, NoMemory};
use crate::term::Term;

/// A block of bytes that can be written, grown and turned into a binary.
pub struct Buffer {
    block: BinaryRef,
    length: usize,
}

impl Buffer {
    /// `length` zeros.
    pub fn new(length: usize) -> Result<Buffer, NoMemory> {
        let block = BinaryRef::allocate(length)?;
        Ok(Buffer { block, length })
    }

    /// All bytes.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the invariant: initialised, and nobody else has them.
        unsafe { core::slice::from_raw_parts_mut(self.block.bytes(), self.length) }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds zeros, so that there are `length` bytes.
    pub fn grow(&mut self, length: usize) -> Result<(), NoMemory> {
        let old = self.length;
        if length <= old {
            return Ok(());
        }
        self.resize(length)?;
        // SAFETY: the block has `length` bytes now, of which the first `old` are initialised.
        unsafe { self.block.bytes().add(old).write_bytes(0, length - old) };
        Ok(())
    }

    /// A binary of the first `size` bytes; the memory of the others is given back.
    pub fn into_binary<A: Arena + ?Sized>(
        mut self,
        arena: &mut A,
        size: usize,
    ) -> Result<Term, NoMemory> {
        let size = size.min(self.length);
        if size <= HEAP_BYTES {
            return make_binary(arena, &self.bytes()[..size]);
        }
        if size < self.length {
            self.resize(size)?;
        }
        self.block.into_term(arena, size)
    }

    fn resize(&mut self, length: usize) -> Result<(), NoMemory> {
        let head = self.block.head();
        // SAFETY: the buffer's reference is the only one, and gets the new address.
        let moved = unsafe { Binary::grow(head, length) }.ok_or(NoMemory)?;
        // SAFETY: as above; all bytes that are kept are in use.
        unsafe { (*moved.as_ptr()).used_bits = length.saturating_mul(8) };
        self.block.moved_to(moved);
        self.length = length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::view::view;
    use crate::memory::heap::Parcel;

    #[test]
    fn what_was_written_is_the_binary() {
        let mut parcel = Parcel::new();
        for (size, length) in [(0, 10), (10, 10), (64, 1000), (65, 1000), (1000, 1000)] {
            let mut buffer = Buffer::new(10).unwrap();
            buffer.bytes()[9] = 7;
            buffer.grow(length).unwrap();
            let last = buffer.bytes().len() - 1;
            buffer.bytes()[last] = 9;
            let term = buffer.into_binary(&mut parcel, size).unwrap();
            let bytes = view(&term).unwrap().as_aligned_bytes().unwrap();
            assert_eq!(bytes.len(), size);
            if size == length {
                assert_eq!(bytes.last(), Some(&9));
            } else if size > 10 {
                assert_eq!((bytes[8], bytes[9], bytes[10]), (0, 7, 0));
            }
        }
    }
}

//! A cursor over the bytes of one chunk.
//!
//! Every read is checked; running off the end is a [`LoadError`] that names the chunk
//! and the offset. Used by all readers of chunks.

use alloc::format;

use crate::error::LoadError;

/// A position in the bytes of a chunk. All integers are big endian.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    place: &'static str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their start; `place` is for messages.
    pub fn new(place: &'static str, bytes: &'a [u8]) -> Self {
        Reader {
            place,
            bytes,
            at: 0,
        }
    }

    /// Offset of the next byte.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Number of bytes left.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], LoadError> {
        match self.bytes[self.at..].get(..count) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.error(format!("{count} bytes expected, {} are left", self.left()))),
        }
    }

    /// The next byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, LoadError> {
        match self.bytes.get(self.at) {
            Some(byte) => {
                self.at += 1;
                Ok(*byte)
            }
            None => Err(self.error("the end, where another byte is expected")),
        }
    }

    /// The next 16 bits.
    pub fn u16(&mut self) -> Result<u16, LoadError> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// The next 32 bits.
    pub fn u32(&mut self) -> Result<u32, LoadError> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A count of items that take at least `item_size` bytes each: one that cannot fit
    /// into what is left is refused here, before anybody allocates for it.
    pub fn count(&mut self, item_size: usize) -> Result<usize, LoadError> {
        let at = self.at;
        let count = self.u32()?;
        self.fitting(count, item_size, at)
    }

    /// Checks a count that was read at `at`, as [`Reader::count`] does.
    pub fn fitting(&self, count: u32, item_size: usize, at: usize) -> Result<usize, LoadError> {
        if (count as usize)
            .checked_mul(item_size)
            .is_none_or(|size| size > self.left())
        {
            let what = format!(
                "{count} items announced, but only {} bytes follow",
                self.left()
            );
            return Err(LoadError::damaged(self.place, at, what));
        }
        Ok(count as usize)
    }

    /// An error at the current position.
    pub fn error(&self, what: impl Into<alloc::borrow::Cow<'static, str>>) -> LoadError {
        LoadError::damaged(self.place, self.at, what)
    }
}

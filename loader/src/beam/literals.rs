//! The literal table: chunk LitT.
//!
//! u32 size of the inflated rest, then the rest deflated with zlib; from OTP 28 on the
//! size is 0 and the rest is stored as it is. The rest is a u32 count and, for each
//! literal, a u32 size and as many bytes of external term format (version byte 131
//! included). Called by [`super::Beam::parse`].

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

use super::inflate::{Wrapper, inflate};
use super::reader::Reader;
use crate::error::LoadError;
use crate::pace::Pace;

/// The literals of a file, each in external term format.
#[derive(Debug, Default)]
pub struct Literals<'a> {
    bytes: Cow<'a, [u8]>,
    ranges: Vec<Range<u32>>,
}

impl<'a> Literals<'a> {
    /// Reads LitT; a missing chunk is an empty table.
    pub fn parse(chunk: Option<&'a [u8]>, pace: &mut Pace<'_>) -> Result<Self, LoadError> {
        let Some(chunk) = chunk else {
            return Ok(Literals::default());
        };
        let mut reader = Reader::new("LitT", chunk);
        let inflated_size = reader.u32()? as usize;
        let rest = reader.take(reader.left())?;
        let bytes = if inflated_size == 0 {
            Cow::Borrowed(rest)
        } else {
            Cow::Owned(inflate("LitT", rest, inflated_size, Wrapper::Zlib, pace)?)
        };
        let mut reader = Reader::new("LitT, inflated", &bytes);
        let count = reader.count(4)?;
        let mut ranges = Vec::new();
        ranges.try_reserve_exact(count)?;
        for _ in 0..count {
            let size = reader.u32()? as usize;
            let start = reader.position();
            reader.take(size)?;
            ranges.push(start as u32..(start + size) as u32);
        }
        Ok(Literals { bytes, ranges })
    }

    /// Number of literals.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Literal number `index`, counted from 0.
    pub fn get(&self, index: u32) -> Option<&[u8]> {
        let range = self.ranges.get(index as usize)?;
        Some(&self.bytes[range.start as usize..range.end as usize])
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges
            .iter()
            .map(|range| &self.bytes[range.start as usize..range.end as usize])
    }
}

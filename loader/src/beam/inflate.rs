//! Inflating, within limits.
//!
//! The inflated size is announced by the file; it is believed only as far as deflate's
//! greatest ratio makes it possible, and the result must have exactly that size. So a
//! small file never makes the loader allocate much more than [`GREATEST_RATIO`] times its
//! size, and a failed allocation is an error. Called for LitT and for compressed files.

use alloc::format;
use alloc::vec::Vec;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use crate::error::{LoadError, Problem};
use crate::pace::Pace;

/// Deflate emits at most 258 bytes for 2 bits, a ratio of 1032.
const GREATEST_RATIO: usize = 1032;

/// Greatest inflated size accepted, whatever the ratio.
const GREATEST_SIZE: usize = 256 << 20;

/// Bytes that are inflated at a time, and the work that this is.
const PIECE: usize = 16 << 10;
const PIECE_WORK: usize = PIECE / 8;

/// What stands around the deflated bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrapper {
    /// Nothing.
    None,
    /// A zlib header and checksum.
    Zlib,
}

/// Inflates `deflated` to exactly `size` bytes. `place` is for messages.
pub fn inflate(
    place: &'static str,
    deflated: &[u8],
    size: usize,
    wrapper: Wrapper,
    pace: &mut Pace<'_>,
) -> Result<Vec<u8>, LoadError> {
    if size > GREATEST_SIZE || size / GREATEST_RATIO > deflated.len() {
        let what = format!(
            "{} bytes cannot inflate to the {size} announced",
            deflated.len()
        );
        return Err(LoadError::damaged(place, 0, what));
    }
    let mut inflated = Vec::new();
    inflated
        .try_reserve_exact(size)
        .map_err(|_| LoadError::from(Problem::OutOfMemory))?;
    let mut flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    if wrapper == Wrapper::Zlib {
        flags |= inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER;
    }
    let mut state = DecompressorOxide::new();
    let (mut read, mut written) = (0, 0);
    loop {
        // Room for one piece more; what is there already is the dictionary.
        let room = inflated.len() + PIECE;
        inflated.resize(room.min(size), 0);
        let rest = deflated.get(read..).unwrap_or_default();
        let (status, taken, given) = decompress(&mut state, rest, &mut inflated, written, flags);
        read += taken;
        written += given;
        pace.did(PIECE_WORK)?;
        match status {
            TINFLStatus::HasMoreOutput if inflated.len() < size => {}
            TINFLStatus::Done if written == size => return Ok(inflated),
            TINFLStatus::Done => {
                return Err(LoadError::damaged(
                    place,
                    0,
                    format!("{written} bytes inflated, {size} announced"),
                ));
            }
            _ => {
                return Err(LoadError::damaged(
                    place,
                    0,
                    format!("inflating failed: {status:?}"),
                ));
            }
        }
    }
}

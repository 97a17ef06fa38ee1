//! Inflating, within limits.
//!
//! The inflated size is announced by the file; it is believed only as far as deflate's
//! greatest ratio makes it possible, and the result must have exactly that size. So a
//! small file never makes the loader allocate much more than [`GREATEST_RATIO`] times its
//! size, and a failed allocation is an error. Called for LitT and for compressed files.

use alloc::format;
use alloc::vec::Vec;
use miniz_oxide::inflate::decompress_slice_iter_to_slice;

use crate::error::{LoadError, Problem};

/// Deflate emits at most 258 bytes for 2 bits, a ratio of 1032.
const GREATEST_RATIO: usize = 1032;

/// Greatest inflated size accepted, whatever the ratio.
const GREATEST_SIZE: usize = 256 << 20;

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
    inflated.resize(size, 0);
    let chunks = core::iter::once(deflated);
    match decompress_slice_iter_to_slice(&mut inflated, chunks, wrapper == Wrapper::Zlib, false) {
        Ok(written) if written == size => Ok(inflated),
        Ok(written) => Err(LoadError::damaged(
            place,
            0,
            format!("{written} bytes inflated, {size} announced"),
        )),
        Err(status) => Err(LoadError::damaged(
            place,
            0,
            format!("inflating failed: {status:?}"),
        )),
    }
}

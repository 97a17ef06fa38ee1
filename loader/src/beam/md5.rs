//! The MD5 of a module, as `Module:module_info(md5)` and `beam_lib:md5/1` give it.
//!
//! It covers the chunks that decide what the module does, in a fixed order, with the
//! `old_uniq` fields of FunT taken as zero (they depend on the compiler, not on the code).
//! Part of the identity of funs between nodes. Called by [`super::Beam::parse`].

use md5::{Digest, Md5};

use super::iff::Chunks;
use crate::error::LoadError;
use crate::pace::Pace;

/// The chunks covered, in this order, those that are there.
const COVERED: [&str; 9] = [
    "Atom", "AtU8", "Code", "StrT", "ImpT", "ExpT", "FunT", "LitT", "Meta",
];

/// Size of an entry of FunT; its last four bytes are `old_uniq`.
const FUN_ENTRY: usize = 24;

/// Bytes that are digested at a time, and the work that this is.
const PIECE: usize = 16 << 10;
const PIECE_WORK: usize = PIECE / 16;

/// Computes the MD5 of a file.
pub fn of_chunks(chunks: &Chunks<'_>, pace: &mut Pace<'_>) -> Result<[u8; 16], LoadError> {
    let mut digest = Md5::new();
    for name in COVERED {
        let Some(bytes) = chunks.get(name) else {
            continue;
        };
        if name == "FunT" && bytes.len() >= 4 {
            let (count, entries) = bytes.split_at(4);
            digest.update(count);
            for entry in entries.chunks(FUN_ENTRY) {
                if entry.len() == FUN_ENTRY {
                    digest.update(&entry[..FUN_ENTRY - 4]);
                    digest.update([0; 4]);
                } else {
                    digest.update(entry);
                }
                pace.did(FUN_ENTRY / 16)?;
            }
        } else {
            for piece in bytes.chunks(PIECE) {
                digest.update(piece);
                pace.did(PIECE_WORK)?;
            }
        }
    }
    Ok(digest.finalize().into())
}

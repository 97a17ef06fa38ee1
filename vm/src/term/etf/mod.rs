//! The external term format: terms as bytes, as `term_to_binary/1`, distribution and the literals of a `.beam` file have
//! them.
//!
//! [`scan`] measures and checks, [`decode`] builds, [`encode`] writes; [`local`] is the format that only this run
//! of the machine reads. The tags are those of the Erlang/OTP document "External Term
//! Format".
//!
//! Invariant: nothing is built before the whole input has been checked, so what a hostile input can make the machine
//! allocate is in proportion to its length.

pub mod compression;
pub mod decode;
pub mod encode;
pub mod local;
mod reader;
pub mod scan;

pub use decode::{FunResolver, NoFuns, Options, decode};
pub use encode::{Options as EncodeOptions, encode};
pub use scan::{DecodedSize, decoded_size};

use crate::memory::NoMemory;

/// Whether there is more to do of what is done in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is.
    More,
    /// It is complete.
    Done,
}

/// First byte of every external term.
pub const VERSION: u8 = 131;

/// The tags.
#[expect(
    missing_docs,
    reason = "each is the one of its name in the format's document"
)]
pub mod tag {
    pub const NEW_FLOAT: u8 = 70;
    pub const BIT_BINARY: u8 = 77;
    pub const COMPRESSED: u8 = 80;
    pub const ATOM_CACHE_REF: u8 = 82;
    pub const NEW_PID: u8 = 88;
    pub const NEW_PORT: u8 = 89;
    pub const NEWER_REFERENCE: u8 = 90;
    pub const SMALL_INTEGER: u8 = 97;
    pub const INTEGER: u8 = 98;
    pub const FLOAT: u8 = 99;
    pub const ATOM: u8 = 100;
    pub const REFERENCE: u8 = 101;
    pub const PORT: u8 = 102;
    pub const PID: u8 = 103;
    pub const SMALL_TUPLE: u8 = 104;
    pub const LARGE_TUPLE: u8 = 105;
    pub const NIL: u8 = 106;
    pub const STRING: u8 = 107;
    pub const LIST: u8 = 108;
    pub const BINARY: u8 = 109;
    pub const SMALL_BIG: u8 = 110;
    pub const LARGE_BIG: u8 = 111;
    pub const NEW_FUN: u8 = 112;
    pub const EXPORT: u8 = 113;
    pub const NEW_REFERENCE: u8 = 114;
    pub const SMALL_ATOM: u8 = 115;
    pub const MAP: u8 = 116;
    pub const ATOM_UTF8: u8 = 118;
    pub const SMALL_ATOM_UTF8: u8 = 119;
    pub const V4_PORT: u8 = 120;
}

/// Largest binary that lives on a heap, in bytes.
pub const HEAP_BINARY_LIMIT: usize = 64;

/// Most digits of 64 bits that an integer may have (OTP's limit).
pub const MAX_DIGITS: usize = 1 << 19;

/// Why bytes are not a term that can be built here. Offsets count from the first byte that was handed in, or in the
/// uncompressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end within a term.
    Truncated {
        /// Where more was expected.
        offset: usize,
    },
    /// The first byte is not [`VERSION`].
    Version,
    /// No tag, or one that stands in no file and no binary.
    Tag {
        /// The tag.
        tag: u8,
        /// Where it stands.
        offset: usize,
    },
    /// A value that no term has.
    Invalid {
        /// What is wrong.
        what: &'static str,
        /// Behind it.
        offset: usize,
    },
    /// An atom that does not exist, while only existing ones were allowed.
    UnknownAtom,
    /// A fun whose code the resolver does not have.
    UnknownFun,
    /// The atom table is full.
    AtomTableFull,
    /// No memory for the term.
    NoMemory,
}

impl From<NoMemory> for DecodeError {
    fn from(_: NoMemory) -> DecodeError {
        DecodeError::NoMemory
    }
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            DecodeError::Truncated { offset } => {
                write!(
                    f,
                    "external term ends in the middle of a term, at byte {offset}"
                )
            }
            DecodeError::Version => write!(f, "external term does not begin with byte {VERSION}"),
            DecodeError::Tag { tag, offset } => {
                write!(f, "external term has an unknown tag {tag} at byte {offset}")
            }
            DecodeError::Invalid { what, offset } => {
                write!(f, "external term has {what} before byte {offset}")
            }
            DecodeError::UnknownAtom => write!(f, "external term has an atom that does not exist"),
            DecodeError::UnknownFun => write!(f, "external term has a fun whose code is not here"),
            DecodeError::AtomTableFull => write!(f, "the atom table is full"),
            DecodeError::NoMemory => write!(f, "no memory for the term"),
        }
    }
}

//! The `.ling` file: one module, ready to be linked.
//!
//! Everything is little endian, flat and read where it lies, without a copy and without
//! an allocation per entry. The file is a header, a table of sections, and the sections,
//! each at a multiple of 8 bytes:
//!
//! | bytes | what |
//! |-------|------|
//! | 0 | `LING` |
//! | 4 | u32 [`crate::isa::FORMAT_VERSION`] |
//! | 8 | u32 size of the file |
//! | 12 | u32 CRC-32 of everything from byte 16 on |
//! | 16 | for each [`Section`], u32 offset and u32 size |
//!
//! The sections are in the order of [`Section`], which also says what each holds.
//! Invariant: the same `.beam` gives the same bytes.

mod header;
mod module;
mod validate;
mod write;

pub use header::{Relocation, Section, checksum, is_intact, is_ling};
pub use module::{Export, Fun, Function, Import, Module, Offsets, Table};
pub use write::Contents;

/// Where in the sources an instruction comes from.
///
/// 8 bits of file and 24 bits of line in one word; 0 is "not known". What does not
/// fit is not known, as in OTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Location(u32);

impl Location {
    /// No location.
    pub const UNKNOWN: Location = Location(0);

    /// Line `line` of file `file`.
    pub fn new(file: u64, line: u64) -> Self {
        if file < 1 << 8 && line < 1 << 24 && line > 0 {
            Location((file << 24 | line) as u32)
        } else {
            Self::UNKNOWN
        }
    }

    /// As stored.
    pub fn from_bits(bits: u32) -> Self {
        Location(bits)
    }

    /// As stored.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The file, index into [`Module::files`], 0 being the module's own.
    pub fn file(self) -> u32 {
        self.0 >> 24
    }

    /// The line, from 1; 0 if not known.
    pub fn line(self) -> u32 {
        self.0 & 0xff_ffff
    }
}

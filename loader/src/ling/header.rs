//! Magic, version, checksum and section table of a `.ling` file.
//!
//! [`Layout::parse`] checks all of them, so whoever holds a [`Layout`] has sections that
//! lie inside the file and hold whole entries. Used by the reader and the writer.

use alloc::format;
use alloc::vec::Vec;

use crate::error::{LoadError, Problem};
use crate::isa::FORMAT_VERSION;

/// The first four bytes.
pub const MAGIC: [u8; 4] = *b"LING";

/// "There is none", where an offset into code is optional.
pub const NO_OFFSET: u32 = u32::MAX;

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident $text:literal $entry:literal)*) => {
        /// A section of a `.ling` file.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub enum Section { $($(#[$doc])* $name),* }
        /// Names for messages.
        const NAMES: &[&str] = &[$($text),*];
        /// Size of an entry: the section's size is a multiple of it.
        const ENTRY: &[usize] = &[$($entry),*];
        const ALL: &[Section] = &[$(Section::$name),*];
    };
}

sections! {
    /// 16 bytes of MD5, u32 offset of the on_load function's entry or all ones, u32 number
    /// of X registers.
    Info "info" 24
    /// Offsets into [`Section::AtomText`], one more than atoms. Atom 0 is the module's name.
    AtomIndex "atom index" 4
    /// Texts of the atoms, UTF-8.
    AtomText "atom text" 1
    /// u32 atom, arity, code offset; sorted by code offset.
    Exports "exports" 12
    /// All functions: u32 atom, arity, offset of the entry, offset of the func_info; sorted by offset.
    Functions "functions" 16
    /// u32 atom of the module, atom of the function, arity.
    Imports "imports" 12
    /// u32 atom of the body, its arity, offset of its entry, index, number of free variables, old uniq.
    Funs "funs" 24
    /// Offsets into [`Section::LiteralBytes`], one more than literals.
    LiteralIndex "literal index" 4
    /// The literals in external term format, each with its version byte.
    LiteralBytes "literals" 1
    /// The bytes that string operands point into.
    Strings "strings" 1
    /// The instructions.
    Code "code" 4
    /// u32 code offset from which a location holds, u32 location; sorted by offset.
    Lines "lines" 8
    /// Offsets into [`Section::FileText`], one more than names of source files.
    FileIndex "file index" 4
    /// Names of the source files, UTF-8.
    FileText "file text" 1
    /// Attributes in external term format.
    Attributes "attributes" 1
    /// Compile information in external term format.
    CompileInfo "compile info" 1
    /// Relocations: offsets of words that hold an index of an atom.
    RelocateAtoms "atom relocations" 4
    /// Offsets of words that hold an index of a literal.
    RelocateLiterals "literal relocations" 4
    /// Offsets of words that hold an index of an import.
    RelocateImports "import relocations" 4
    /// Offsets of call_ext* instructions.
    RelocateCalls "call relocations" 4
    /// Offsets of words that hold an index of a fun.
    RelocateFuns "fun relocations" 4
    /// Offsets of words that hold an offset into the strings.
    RelocateStrings "string relocations" 4
    /// Offsets of the count fields of lists of pairs to be sorted once their atoms are linked.
    RelocateSelects "select relocations" 4
}

/// The kinds of relocation. For each there is one list of offsets into the code, ascending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Relocation {
    /// The word holds the index of an atom.
    Atom,
    /// The word holds the index of a literal.
    Literal,
    /// The word holds the index of an import (operand of bif0 to bif3).
    Import,
    /// A call_ext* instruction, whose import index is 4 bytes after this offset.
    Call,
    /// The word holds the index of a fun.
    Fun,
    /// The word holds an offset into the strings.
    String,
    /// A list of pairs of constant and label that has atoms among the constants: to be
    /// sorted by the linked constants as unsigned numbers.
    Select,
}

/// Number of kinds of relocation.
pub const RELOCATIONS: usize = 7;

impl Relocation {
    /// All of them, by their numbers.
    pub const ALL: [Relocation; RELOCATIONS] = [
        Relocation::Atom,
        Relocation::Literal,
        Relocation::Import,
        Relocation::Call,
        Relocation::Fun,
        Relocation::String,
        Relocation::Select,
    ];

    /// Where its offsets are.
    pub fn section(self) -> Section {
        ALL[Section::RelocateAtoms as usize + self as usize]
    }
}

/// Number of sections.
pub const SECTIONS: usize = NAMES.len();

/// First byte of the section table.
pub const TABLE: usize = 16;

/// First byte of the first section.
pub const FIRST_SECTION: usize = TABLE + 8 * SECTIONS;

/// Sections begin at multiples of this.
pub const SECTION_ALIGN: usize = 8;

impl Section {
    /// Name for messages.
    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// Whether these bytes begin like a `.ling` file.
pub fn is_ling(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Whether these bytes are a whole `.ling` file of this version, as its checksum says. What a module written by this loader was, it still is
/// then; a file from elsewhere may be intact and wrong.
pub fn is_intact(bytes: &[u8]) -> bool {
    Layout::parse(bytes, true).is_ok()
}

/// The checksum that a file says it has; `None` if it does not begin like a `.ling` file.
pub fn checksum(file: &[u8]) -> Option<u32> {
    if !is_ling(file) {
        return None;
    }
    word(file, 12)
}

/// Where the sections of a file are.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    ranges: [(u32, u32); SECTIONS],
}

impl Layout {
    /// Checks magic, version, size, checksum (if `checksum`) and section table.
    pub fn parse(file: &[u8], checksum: bool) -> Result<Self, LoadError> {
        if !is_ling(file) {
            return Err(Problem::UnknownFormat.into());
        }
        let damaged = |at, what| Err(LoadError::damaged("the header", at, what));
        let (Some(found), Some(size), Some(sum)) = (word(file, 4), word(file, 8), word(file, 12))
        else {
            return damaged(4, "the end of the file".into());
        };
        if found != FORMAT_VERSION {
            return Err(Problem::Version { found }.into());
        }
        if size as usize != file.len() || file.len() < FIRST_SECTION {
            return damaged(
                8,
                format!(
                    "a file of {size} bytes is announced, {} are there",
                    file.len()
                ),
            );
        }
        if checksum && crc32fast::hash(&file[TABLE..]) != sum {
            return Err(Problem::Checksum.into());
        }
        let mut ranges = [(0, 0); SECTIONS];
        for (section, range) in ranges.iter_mut().enumerate() {
            let at = TABLE + 8 * section;
            let (Some(offset), Some(size)) = (word(file, at), word(file, at + 4)) else {
                return damaged(at, "the end of the file".into());
            };
            let end = offset as usize + size as usize;
            if (offset as usize) < FIRST_SECTION
                || end > file.len()
                || !(offset as usize).is_multiple_of(SECTION_ALIGN)
                || !(size as usize).is_multiple_of(ENTRY[section])
            {
                return damaged(
                    at,
                    format!("section {}: offset {offset}, size {size}", NAMES[section]),
                );
            }
            *range = (offset, size);
        }
        if ranges[Section::Info as usize].1 as usize != ENTRY[Section::Info as usize] {
            return damaged(TABLE, "the info section has the wrong size".into());
        }
        Ok(Layout { ranges })
    }

    /// A file with those sections alone that `keeps` names; the others are empty. `file` must be the file that was parsed. The checksum is left out.
    pub fn keep(&self, file: &[u8], keeps: impl Fn(Section) -> bool) -> Result<Vec<u8>, LoadError> {
        let aligned = |size: usize| size.next_multiple_of(SECTION_ALIGN);
        let kept = || {
            ALL.iter().map(|&section| match keeps(section) {
                true => self.section(file, section),
                false => &[][..],
            })
        };
        let size = kept().fold(FIRST_SECTION, |size, section| aligned(size) + section.len());
        let mut out = Vec::new();
        out.try_reserve_exact(size)?;
        out.extend_from_slice(file.get(..8).unwrap_or_default());
        // No larger than the file, whose sizes fit.
        out.extend_from_slice(&(size as u32).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        let mut offset = FIRST_SECTION;
        for section in kept() {
            offset = aligned(offset);
            out.extend_from_slice(&(offset as u32).to_le_bytes());
            out.extend_from_slice(&(section.len() as u32).to_le_bytes());
            offset += section.len();
        }
        for section in kept() {
            out.resize(aligned(out.len()), 0);
            out.extend_from_slice(section);
        }
        Ok(out)
    }

    /// The bytes of a section. `file` must be the file that was parsed.
    pub fn section<'a>(&self, file: &'a [u8], section: Section) -> &'a [u8] {
        let (offset, size) = self.ranges[section as usize];
        file.get(offset as usize..offset as usize + size as usize)
            .unwrap_or_default()
    }
}

/// The u32 at byte `at`.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at.checked_add(4)?)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)
}

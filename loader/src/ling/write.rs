//! Writing a `.ling` file from its parts.
//!
//! The converter fills [`Contents`]; [`Contents::write`] lays the sections out, in the
//! order of [`Section`], and computes the checksum. Nothing is judged here: the converter
//! gives the result to [`super::Module::parse`].

use alloc::vec::Vec;

use super::header::{
    FIRST_SECTION, MAGIC, NO_OFFSET, RELOCATIONS, Relocation, SECTION_ALIGN, SECTIONS, Section,
    TABLE,
};
use crate::error::{LoadError, Problem};
use crate::isa::FORMAT_VERSION;
use crate::pace::Pace;

/// Bytes that are copied at a time, and the work that this is.
const COPIED: usize = 64 << 10;
const COPIED_WORK: usize = COPIED / 64;

/// The parts of a `.ling` file. Integers are little endian in all of them.
#[derive(Debug)]
pub struct Contents {
    sections: [Vec<u8>; SECTIONS],
    /// Offsets into the code, by [`Relocation`].
    pub relocations: [Vec<u32>; RELOCATIONS],
}

impl Contents {
    /// Empty parts, for a module of this MD5.
    pub fn new(md5: [u8; 16]) -> Self {
        let mut contents = Contents {
            sections: [const { Vec::new() }; SECTIONS],
            relocations: [const { Vec::new() }; RELOCATIONS],
        };
        let info = &mut contents.sections[Section::Info as usize];
        info.extend_from_slice(&md5);
        info.extend_from_slice(&NO_OFFSET.to_le_bytes());
        info.extend_from_slice(&[0; 4]);
        contents
    }

    /// Says where the entry of the on_load function is.
    pub fn set_on_load(&mut self, entry: u32) {
        self.sections[Section::Info as usize][16..20].copy_from_slice(&entry.to_le_bytes());
    }

    /// Says that the code uses the X registers below `count`.
    pub fn set_x_registers(&mut self, count: u32) {
        self.sections[Section::Info as usize][20..24].copy_from_slice(&count.to_le_bytes());
    }

    /// Appends bytes to a section.
    pub fn append(&mut self, section: Section, bytes: &[u8]) -> Result<(), LoadError> {
        let section = &mut self.sections[section as usize];
        section.try_reserve(bytes.len())?;
        section.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends an entry of u32 fields to a section.
    pub fn append_entry(&mut self, section: Section, fields: &[u32]) -> Result<(), LoadError> {
        self.sections[section as usize].try_reserve(4 * fields.len())?;
        for field in fields {
            self.sections[section as usize].extend_from_slice(&field.to_le_bytes());
        }
        Ok(())
    }

    /// Appends a text to a pair of sections: one of offsets (which gets the end of the
    /// text, and first a 0) and one of bytes.
    pub fn append_indexed(
        &mut self,
        index: Section,
        texts: Section,
        text: &[u8],
    ) -> Result<(), LoadError> {
        if self.sections[index as usize].is_empty() {
            self.append_entry(index, &[0])?;
        }
        self.append(texts, text)?;
        let end = self.sections[texts as usize].len();
        self.append_entry(
            index,
            &[u32::try_from(end).map_err(|_| LoadError::from(Problem::OutOfMemory))?],
        )
    }

    /// Puts the finished code in.
    pub fn set_code(&mut self, code: Vec<u8>) {
        self.sections[Section::Code as usize] = code;
    }

    /// Lays out the file.
    pub fn write(self) -> Result<Vec<u8>, LoadError> {
        self.write_in_pieces(&mut Pace::unbroken())
    }

    /// As [`Contents::write`], with pauses.
    pub fn write_in_pieces(mut self, pace: &mut Pace<'_>) -> Result<Vec<u8>, LoadError> {
        for kind in Relocation::ALL {
            let offsets = core::mem::take(&mut self.relocations[kind as usize]);
            for offsets in offsets.chunks(COPIED / 4) {
                self.append_entry(kind.section(), offsets)?;
                pace.did(COPIED_WORK)?;
            }
        }
        for index in [
            Section::AtomIndex,
            Section::LiteralIndex,
            Section::FileIndex,
        ] {
            if self.sections[index as usize].is_empty() {
                self.append_entry(index, &[0])?;
            }
        }
        let aligned = |size: usize| size.next_multiple_of(SECTION_ALIGN);
        let size = self
            .sections
            .iter()
            .fold(FIRST_SECTION, |size, section| aligned(size) + section.len());
        let too_large = |_| LoadError::from(Problem::OutOfMemory);
        let mut file = Vec::new();
        file.try_reserve_exact(size)?;
        file.extend_from_slice(&MAGIC);
        file.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        file.extend_from_slice(&u32::try_from(size).map_err(too_large)?.to_le_bytes());
        file.extend_from_slice(&[0; 4]);
        let mut offset = FIRST_SECTION;
        for section in &self.sections {
            offset = aligned(offset);
            file.extend_from_slice(&(offset as u32).to_le_bytes());
            file.extend_from_slice(&(section.len() as u32).to_le_bytes());
            offset += section.len();
        }
        for section in &self.sections {
            file.resize(aligned(file.len()), 0);
            for piece in section.chunks(COPIED) {
                file.extend_from_slice(piece);
                pace.did(COPIED_WORK)?;
            }
        }
        let checksum = crc32fast::hash(&file[TABLE..]);
        file[12..16].copy_from_slice(&checksum.to_le_bytes());
        Ok(file)
    }
}

//! The Line chunk: which source line each `line` instruction stands for.
//!
//! u32 version (0), u32 flags, u32 number of `line` instructions, u32 number of items,
//! u32 number of file names; then the items in compact term encoding, where an atom tag
//! sets the file of the following items and an integer is the line of one item; then the
//! names: u16 size, UTF-8. Item 0 is not stored and means "no location". File 0 is the
//! module's own, `<module>.erl`, names count from 1. Called by [`super::Beam::parse`].

use alloc::format;
use alloc::vec::Vec;

use super::compact_term::{Tag, read_tagged};
use super::reader::Reader;
use crate::error::LoadError;
use crate::ling::Location;

/// Line items and file names.
#[derive(Debug, Default)]
pub struct Lines<'a> {
    /// Location of each item, from item 1 on.
    pub items: Vec<Location>,
    /// Names of files 1 and up.
    pub files: Vec<&'a str>,
}

impl<'a> Lines<'a> {
    /// Reads Line. A missing chunk, or one of a version not known, is no line information, as in OTP.
    pub fn parse(chunk: Option<&'a [u8]>) -> Result<Self, LoadError> {
        const PLACE: &str = "Line";
        let mut lines = Lines::default();
        let Some(bytes) = chunk else { return Ok(lines) };
        let mut reader = Reader::new(PLACE, bytes);
        if reader.u32()? != 0 {
            return Ok(lines);
        }
        let _flags = reader.u32()?;
        let _instructions = reader.u32()?;
        let items = reader.u32()?;
        let names = reader.u32()?;
        let items = reader.fitting(items, 1, 12)?;
        lines.items.try_reserve_exact(items)?;
        let mut file = 0;
        while lines.items.len() < items {
            match read_tagged(&mut reader)? {
                (Tag::Atom, value) => {
                    file = value.to_u64(&reader)?;
                    if file > names as u64 {
                        return Err(reader.error(format!("file {file} of {names}")));
                    }
                }
                (Tag::Integer, value) => {
                    let line = value.to_u64(&reader)?;
                    lines.items.push(Location::new(file, line));
                }
                (tag, _) => {
                    return Err(reader.error(format!("{tag:?} where a line number is expected")));
                }
            }
        }
        let names = reader.fitting(names, 2, 16)?;
        lines.files.try_reserve_exact(names)?;
        for _ in 0..names {
            let size = reader.u16()? as usize;
            let at = reader.position();
            match core::str::from_utf8(reader.take(size)?) {
                Ok(name) => lines.files.push(name),
                Err(_) => return Err(LoadError::damaged(PLACE, at, "a file name is not UTF-8")),
            }
        }
        Ok(lines)
    }
}

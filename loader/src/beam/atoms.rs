//! The atom table: chunk AtU8, or Atom (Latin-1) of old files.
//!
//! Up to OTP 27 the count is positive and each length is one byte; from OTP 28 on the
//! count is negative and lengths are in the compact term encoding. Atom 1 is the
//! module's name. Invariant: every text is UTF-8 of 1 to 255 characters, or empty (the atom '').

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::compact_term::{Tag, read_tagged};
use super::iff::Chunks;
use super::reader::Reader;
use crate::error::{LoadError, Problem};

/// Most characters an atom may have (OTP: MAX_ATOM_CHARACTERS).
pub const MAX_ATOM_CHARACTERS: usize = 255;

/// The texts of a file's atoms. Indices in files count from 1, here from 0.
#[derive(Debug)]
pub struct Atoms<'a> {
    texts: Vec<Cow<'a, str>>,
}

impl<'a> Atoms<'a> {
    /// Reads the atom table of a file.
    pub fn parse(chunks: &Chunks<'a>) -> Result<Self, LoadError> {
        let (place, bytes, latin1) = match (chunks.get("AtU8"), chunks.get("Atom")) {
            (Some(bytes), _) => ("AtU8", bytes, false),
            (None, Some(bytes)) => ("Atom", bytes, true),
            (None, None) => return Err(Problem::Missing { chunk: "AtU8" }.into()),
        };
        let mut reader = Reader::new(place, bytes);
        let count = reader.u32()? as i32;
        let long_lengths = count < 0;
        let count = reader.fitting(count.unsigned_abs(), 1, 0)?;
        if count == 0 {
            return Err(LoadError::damaged(
                place,
                0,
                "there is no atom, not even the module's name",
            ));
        }
        let mut texts = Vec::new();
        texts.try_reserve_exact(count)?;
        for _ in 0..count {
            let at = reader.position();
            let length = if long_lengths {
                match read_tagged(&mut reader)? {
                    (Tag::Unsigned, value) => {
                        value.to_u64(&reader)?.try_into().unwrap_or(usize::MAX)
                    }
                    _ => {
                        return Err(LoadError::damaged(
                            place,
                            at,
                            "the length of an atom is not a number",
                        ));
                    }
                }
            } else {
                reader.u8()? as usize
            };
            let bytes = reader.take(length)?;
            let text = if latin1 {
                match core::str::from_utf8(bytes) {
                    Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                    _ => Cow::Owned(bytes.iter().map(|byte| *byte as char).collect::<String>()),
                }
            } else {
                match core::str::from_utf8(bytes) {
                    Ok(text) => Cow::Borrowed(text),
                    Err(_) => return Err(LoadError::damaged(place, at, "an atom is not UTF-8")),
                }
            };
            if text.len() > MAX_ATOM_CHARACTERS && text.chars().count() > MAX_ATOM_CHARACTERS {
                let what = format!("an atom has more than {MAX_ATOM_CHARACTERS} characters");
                return Err(LoadError::damaged(place, at, what));
            }
            texts.push(text);
        }
        Ok(Atoms { texts })
    }

    /// Name of the module.
    pub fn module(&self) -> &str {
        &self.texts[0]
    }

    /// The texts, in order.
    pub fn texts(&self) -> &[Cow<'a, str>] {
        &self.texts
    }

    /// Text of the atom with index `atom`, counted from 0.
    pub fn text(&self, atom: u32) -> Option<&str> {
        self.texts.get(atom as usize).map(|text| &**text)
    }

    /// Turns an index of the file, from 1, into ours; `None` if there is no such atom.
    pub fn index(&self, in_file: u64) -> Option<u32> {
        (1..=self.texts.len() as u64)
            .contains(&in_file)
            .then(|| in_file as u32 - 1)
    }
}

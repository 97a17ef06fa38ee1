//! The container: an IFF form of type `BEAM`, perhaps compressed with gzip as a whole.
//!
//! `FOR1`, u32 size, `BEAM`, then chunks: four bytes of name, u32 size, bytes, padding
//! to a multiple of four. Chunks that this loader does not know (Dbgi, Docs, DbgB, Type,
//! …) are checked for their size and skipped. Called by [`super::Beam::parse`].

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

use super::inflate;
use super::reader::Reader;
use crate::error::{LoadError, Problem};
use crate::pace::Pace;

/// The chunks that loading looks at, by their place in [`Chunks`].
const NAMES: [(&str, [u8; 4]); 13] = [
    ("AtU8", *b"AtU8"),
    ("Atom", *b"Atom"),
    ("Code", *b"Code"),
    ("StrT", *b"StrT"),
    ("ImpT", *b"ImpT"),
    ("ExpT", *b"ExpT"),
    ("LocT", *b"LocT"),
    ("FunT", *b"FunT"),
    ("LitT", *b"LitT"),
    ("Line", *b"Line"),
    ("Attr", *b"Attr"),
    ("CInf", *b"CInf"),
    ("Meta", *b"Meta"),
];

/// The bytes of each known chunk of a file.
#[derive(Debug, Default)]
pub struct Chunks<'a> {
    found: [Option<&'a [u8]>; NAMES.len()],
}

impl<'a> Chunks<'a> {
    /// Splits `form`, an uncompressed `.beam`, into chunks. If a chunk is there twice, the first counts.
    pub fn split(form: &'a [u8]) -> Result<Self, LoadError> {
        let mut chunks = Chunks::default();
        for_each(form, |name, bytes| {
            if let Some(index) = NAMES.iter().position(|known| known.1 == name) {
                chunks.found[index].get_or_insert(bytes);
            }
        })?;
        Ok(chunks)
    }

    /// The bytes of chunk `name`, which must be one of those that loading knows.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        let index = NAMES.iter().position(|known| known.0 == name)?;
        self.found[index]
    }

    /// The bytes of a chunk that must be there.
    pub fn require(&self, name: &'static str) -> Result<&'a [u8], LoadError> {
        self.get(name)
            .ok_or(Problem::Missing { chunk: name }.into())
    }
}

/// The bytes of any chunk of `form`, an uncompressed `.beam`; `None` if there is none of that name, or the form is damaged.
pub fn find_chunk<'a>(form: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let mut found = None;
    for_each(form, |other, bytes| {
        if other == name {
            found.get_or_insert(bytes);
        }
    })
    .ok()?;
    found
}

/// Visits the chunks of `form` in order.
fn for_each<'a>(
    form: &'a [u8],
    mut visit: impl FnMut(&'a [u8], &'a [u8]),
) -> Result<(), LoadError> {
    let mut reader = Reader::new("the file", form);
    if reader.take(4)? != b"FOR1" {
        return Err(Problem::UnknownFormat.into());
    }
    let size = reader.u32()? as usize;
    if reader.left() < size {
        let what = format!(
            "the form has {size} bytes, only {} are there",
            reader.left()
        );
        return Err(LoadError::damaged("the file", 4, what));
    }
    // What follows the form (a signature, say) is not ours to judge.
    let mut reader = Reader::new("the file", &form[..8 + size]);
    reader.take(8)?;
    if reader.take(4)? != b"BEAM" {
        return Err(LoadError::damaged(
            "the file",
            8,
            "the form is not of type BEAM",
        ));
    }
    while reader.left() > 0 {
        let name = reader.take(4)?;
        let at = reader.position();
        let size = reader.u32()? as usize;
        if size > reader.left() {
            let what = format!(
                "chunk {} has {size} bytes, only {} are left",
                name.escape_ascii(),
                reader.left()
            );
            return Err(LoadError::damaged("the file", at, what));
        }
        let bytes = reader.take(size)?;
        // The last chunk's padding may be missing.
        let padding = (4 - size % 4) % 4;
        reader.take(padding.min(reader.left()))?;
        visit(name, bytes);
    }
    Ok(())
}

/// Whether these bytes begin like a `.beam` file, plain or compressed.
pub fn is_beam(bytes: &[u8]) -> bool {
    (bytes.starts_with(b"FOR1") && bytes.get(8..12) == Some(b"BEAM")) || is_gzip(bytes)
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

/// The form itself: inflates a file that `erlc +compressed` wrote, else gives it back.
pub fn decompress<'f>(file: &'f [u8], pace: &mut Pace<'_>) -> Result<Cow<'f, [u8]>, LoadError> {
    if is_gzip(file) {
        Ok(Cow::Owned(gunzip(file, pace)?))
    } else {
        Ok(Cow::Borrowed(file))
    }
}

/// One gzip member (RFC 1952), whose length modulo 2³² is at the end of the file.
fn gunzip(file: &[u8], pace: &mut Pace<'_>) -> Result<Vec<u8>, LoadError> {
    const PLACE: &str = "the gzip header";
    const HEADER_CHECKSUM: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let mut reader = Reader::new(PLACE, file);
    reader.take(3)?;
    let flags = reader.u8()?;
    reader.take(6)?;
    if flags & EXTRA != 0 {
        let size = reader.take(2)?;
        reader.take(u16::from_le_bytes([size[0], size[1]]) as usize)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            while reader.u8()? != 0 {}
        }
    }
    if flags & HEADER_CHECKSUM != 0 {
        reader.take(2)?;
    }
    let Some(deflated_size) = reader.left().checked_sub(8) else {
        return Err(reader.error("the gzip trailer is missing"));
    };
    let deflated = reader.take(deflated_size)?;
    let trailer = reader.take(8)?;
    let word = |at: usize| {
        u32::from_le_bytes([
            trailer[at],
            trailer[at + 1],
            trailer[at + 2],
            trailer[at + 3],
        ])
    };
    let form = inflate::inflate(
        "the compressed file",
        deflated,
        word(4) as usize,
        inflate::Wrapper::None,
        pace,
    )?;
    if crc32fast::hash(&form) != word(0) {
        return Err(LoadError::damaged(
            "the compressed file",
            0,
            "its checksum does not fit",
        ));
    }
    Ok(form)
}

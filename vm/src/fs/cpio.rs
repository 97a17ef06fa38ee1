//! cpio archives in the "newc" format: how an image carries its files.
//!
//! An image's archive is read by the guest at boot, written by `starling image`, and `starling boot` writes
//! dom0's initramfs with the same [`Writer`]. A member is a 110-byte header of hexadecimal digits, its name,
//! and its bytes; name and bytes are padded to four bytes, and a member named `TRAILER!!!` ends the archive.
//!
//! Invariant: a slice handed out lies inside the archive, whatever the archive says of itself. Every size is
//! checked against what is left, so a hostile archive costs an error and never a panic.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Bytes of a newc header: a magic of six, then thirteen fields of eight hexadecimal digits.
const HEADER_LEN: usize = 110;
const MAGIC: &[u8; 6] = b"070701";
const TRAILER: &str = "TRAILER!!!";
/// Names longer than Linux's `PATH_MAX` are refused on both sides.
const NAME_MAX: usize = 4096;

/// Positions of the header's fields that mean something to us.
const FIELD_MODE: usize = 1;
const FIELD_USER: usize = 2;
const FIELD_GROUP: usize = 3;
const FIELD_MODIFIED: usize = 5;
const FIELD_FILE_SIZE: usize = 6;
const FIELD_NAME_SIZE: usize = 11;

/// The bits of a mode that tell the kind of file, and their values (POSIX `st_mode`).
const MODE_KIND: u32 = 0o170_000;
const MODE_FILE: u32 = 0o100_000;
const MODE_DIRECTORY: u32 = 0o040_000;
const MODE_SYMLINK: u32 = 0o120_000;

/// What is wrong with an archive, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpioError {
    /// Offset of the offending member's header, in bytes from the archive's start.
    pub offset: usize,
    /// What is wrong there.
    pub kind: CpioErrorKind,
}

/// The ways in which an archive, or a member to be written, can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpioErrorKind {
    /// The archive ends inside a header, a name or a member's bytes, or before its trailer.
    Truncated,
    /// A header does not begin with the magic of the newc format.
    BadMagic,
    /// A header field is not a hexadecimal number.
    BadNumber,
    /// A name is empty, too long, not UTF-8, not NUL-terminated, or has a NUL inside.
    BadName,
    /// A member to be written is larger than the format's 32-bit size field.
    TooLarge,
}

impl fmt::Display for CpioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            CpioErrorKind::Truncated => "the archive ends too early",
            CpioErrorKind::BadMagic => "no newc header (\"070701\") where one is due",
            CpioErrorKind::BadNumber => "a header field is not a hexadecimal number",
            CpioErrorKind::BadName => "a name is empty, too long or not NUL-terminated UTF-8",
            CpioErrorKind::TooLarge => "a member is larger than 4 GiB",
        };
        write!(f, "cpio archive, member at byte {}: {what}", self.offset)
    }
}

impl core::error::Error for CpioError {}

/// An archive in memory. Nothing is read before it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
}

/// One member of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Path without a leading `./` or `/`.
    pub name: &'a str,
    /// POSIX `st_mode`: kind and permissions.
    pub mode: u32,
    /// Owner.
    pub user: u32,
    /// Group.
    pub group: u32,
    /// Last written, in seconds since 1970.
    pub modified: u32,
    /// The file's bytes; a symbolic link's target.
    pub data: &'a [u8],
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A plain file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Anything else.
    Other,
}

impl Entry<'_> {
    /// What this is.
    pub fn kind(&self) -> EntryKind {
        match self.mode & MODE_KIND {
            MODE_FILE => EntryKind::File,
            MODE_DIRECTORY => EntryKind::Directory,
            MODE_SYMLINK => EntryKind::Symlink,
            _ => EntryKind::Other,
        }
    }

    /// The lower twelve bits of the mode.
    pub fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }

    /// Whether this is a plain file.
    pub fn is_file(&self) -> bool {
        self.kind() == EntryKind::File
    }
}

impl<'a> Archive<'a> {
    /// Takes `bytes` for an archive; mistakes in it come to light as it is read.
    pub fn new(bytes: &'a [u8]) -> Self {
        Archive { bytes }
    }

    /// The members in the archive's order; ends after the first error.
    pub fn entries(&self) -> Entries<'a> {
        Entries {
            bytes: self.bytes,
            at: Some(0),
        }
    }

    /// How many members there are up to the trailer or the first error. Faster than counting [`Archive::entries`]: looks at sizes alone.
    pub fn count(&self) -> usize {
        let mut at = 0;
        let mut count = 0;
        while let Ok(extent) = extent(self.bytes, at) {
            if extent.name == TRAILER.as_bytes() {
                break;
            }
            count += 1;
            at = extent.next;
        }
        count
    }

    /// The bytes of the plain file `path` (no leading `/`), if the archive has one.
    pub fn find(&self, path: &str) -> Result<Option<&'a [u8]>, CpioError> {
        for entry in self.entries() {
            let entry = entry?;
            if entry.name == path && entry.is_file() {
                return Ok(Some(entry.data));
            }
        }
        Ok(None)
    }
}

/// Iterator over an archive's members; see [`Archive::entries`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    bytes: &'a [u8],
    /// Offset of the next header; `None` after the trailer or an error.
    at: Option<usize>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, CpioError>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.at.take()?;
        match parse_member(self.bytes, offset) {
            Ok((entry, _)) if entry.name == TRAILER => None,
            Ok((entry, next)) => {
                self.at = Some(next);
                Some(Ok(entry))
            }
            Err(kind) => Some(Err(CpioError { offset, kind })),
        }
    }
}

/// What a member consists of.
struct Extent<'a> {
    header: &'a [u8],
    name: &'a [u8],
    data: &'a [u8],
    /// Offset of the header behind it.
    next: usize,
}

/// The parts of the member whose header is at `offset`.
fn extent(bytes: &[u8], offset: usize) -> Result<Extent<'_>, CpioErrorKind> {
    let header = slice(bytes, offset, HEADER_LEN)?;
    if !header.starts_with(MAGIC) {
        return Err(CpioErrorKind::BadMagic);
    }
    let name_len = field(header, FIELD_NAME_SIZE)? as usize;
    if !(2..=NAME_MAX).contains(&name_len) {
        return Err(CpioErrorKind::BadName);
    }
    let name_at = offset + HEADER_LEN;
    let Some((0, name)) = slice(bytes, name_at, name_len)?.split_last() else {
        return Err(CpioErrorKind::BadName);
    };
    let data_len = field(header, FIELD_FILE_SIZE)? as usize;
    let data_at = align4(name_at + name_len).ok_or(CpioErrorKind::Truncated)?;
    let data = slice(bytes, data_at, data_len)?;
    let next = align4(data_at + data_len).ok_or(CpioErrorKind::Truncated)?;
    Ok(Extent {
        header,
        name,
        data,
        next,
    })
}

/// The member whose header is at `offset`, and the offset of the header after it.
fn parse_member(bytes: &[u8], offset: usize) -> Result<(Entry<'_>, usize), CpioErrorKind> {
    let Extent {
        header,
        name,
        data,
        next,
    } = extent(bytes, offset)?;
    if name.contains(&0) {
        return Err(CpioErrorKind::BadName);
    }
    let name = core::str::from_utf8(name).map_err(|_| CpioErrorKind::BadName)?;
    let name = name.strip_prefix("./").unwrap_or(name);
    let name = name.strip_prefix('/').unwrap_or(name);
    let entry = Entry {
        name,
        mode: field(header, FIELD_MODE)?,
        user: field(header, FIELD_USER)?,
        group: field(header, FIELD_GROUP)?,
        modified: field(header, FIELD_MODIFIED)?,
        data,
    };
    Ok((entry, next))
}

/// `len` bytes from `at`, if the archive has them.
fn slice(bytes: &[u8], at: usize, len: usize) -> Result<&[u8], CpioErrorKind> {
    let end = at.checked_add(len).ok_or(CpioErrorKind::Truncated)?;
    bytes.get(at..end).ok_or(CpioErrorKind::Truncated)
}

/// Header field number `index`: eight hexadecimal digits.
fn field(header: &[u8], index: usize) -> Result<u32, CpioErrorKind> {
    let at = MAGIC.len() + index * 8;
    let digits = slice(header, at, 8)?;
    digits.iter().try_fold(0u32, |value, &digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return Err(CpioErrorKind::BadNumber),
        };
        Ok(value << 4 | u32::from(digit))
    })
}

fn align4(offset: usize) -> Option<usize> {
    offset.checked_next_multiple_of(4)
}

/// Builds an archive in memory. Equal calls give equal bytes: owner and time are always zero.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    members: u32,
    directories: BTreeSet<String>,
}

impl Writer {
    /// An empty archive.
    pub fn new() -> Self {
        Writer::default()
    }

    /// Adds a plain file; `permissions` are the lower nine bits of its mode.
    pub fn file(&mut self, path: &str, permissions: u32, data: &[u8]) -> Result<(), CpioError> {
        self.member(path, MODE_FILE | permissions & 0o777, data)
    }

    /// Adds a directory, and those above it, unless they were added before.
    pub fn directory(&mut self, path: &str) -> Result<(), CpioError> {
        let ends = path.match_indices('/').map(|(at, _)| at);
        for end in ends.chain([path.len()]).filter(|&end| end > 0) {
            let path = &path[..end];
            if !self.directories.contains(path) {
                self.member(path, MODE_DIRECTORY | 0o755, &[])?;
                self.directories.insert(String::from(path));
            }
        }
        Ok(())
    }

    /// Adds a symbolic link to `target`.
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<(), CpioError> {
        self.member(path, MODE_SYMLINK | 0o777, target.as_bytes())
    }

    /// Ends the archive and hands it over.
    pub fn finish(mut self) -> Vec<u8> {
        self.header(TRAILER, 0, 0);
        self.out
    }

    fn member(&mut self, path: &str, mode: u32, data: &[u8]) -> Result<(), CpioError> {
        let error = |kind| CpioError {
            offset: self.out.len(),
            kind,
        };
        if path.is_empty() || path.len() >= NAME_MAX || path.contains('\0') || path == TRAILER {
            return Err(error(CpioErrorKind::BadName));
        }
        let len = u32::try_from(data.len()).map_err(|_| error(CpioErrorKind::TooLarge))?;
        self.header(path, mode, len);
        self.out.extend_from_slice(data);
        self.pad();
        Ok(())
    }

    /// Header and name of a member. The thirteen fields are inode, mode, owner, group, links, time, size,
    /// the device the file lives on (two), the device it is (two), the name's length, a checksum of zero.
    fn header(&mut self, path: &str, mode: u32, len: u32) {
        use fmt::Write;
        self.members += 1;
        let mut text = String::with_capacity(HEADER_LEN);
        text.push_str("070701");
        let name_len = path.len() as u32 + 1;
        let inode = if path == TRAILER { 0 } else { self.members };
        let fields = [inode, mode, 0, 0, 1, 0, len, 0, 0, 0, 0, name_len, 0];
        for value in fields {
            // Writing into a String cannot fail.
            let _ = write!(text, "{value:08x}");
        }
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(path.as_bytes());
        self.out.push(0);
        self.pad();
    }

    fn pad(&mut self) {
        self.out.resize(self.out.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn sample() -> Vec<u8> {
        let mut writer = Writer::new();
        writer.directory("starling/bare").unwrap();
        writer
            .file("starling/args", 0o644, b"-s\0hello\0main\0")
            .unwrap();
        writer
            .file("starling/bare/hello.ling", 0o644, &[7; 1001])
            .unwrap();
        writer.directory("starling/bare").unwrap();
        writer.symlink("init", "bin/sh").unwrap();
        writer.file("empty", 0o600, b"").unwrap();
        writer.finish()
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = sample();
        let archive = Archive::new(&bytes);
        let entries: Vec<_> = archive.entries().map(Result::unwrap).collect();
        let names: Vec<_> = entries.iter().map(|entry| entry.name).collect();
        assert_eq!(
            names,
            [
                "starling",
                "starling/bare",
                "starling/args",
                "starling/bare/hello.ling",
                "init",
                "empty"
            ]
        );
        assert_eq!(
            archive.find("starling/args"),
            Ok(Some(&b"-s\0hello\0main\0"[..]))
        );
        assert_eq!(
            archive.find("starling/bare/hello.ling"),
            Ok(Some(&[7; 1001][..]))
        );
        assert_eq!(archive.find("empty"), Ok(Some(&[][..])));
        assert_eq!(archive.find("starling"), Ok(None), "a directory is no file");
        assert_eq!(archive.find("absent"), Ok(None));
        assert_eq!(archive.count(), entries.len());
        assert_eq!(entries[4].data, b"bin/sh");
    }

    #[test]
    fn leading_dots_and_slashes_do_not_matter() {
        let mut writer = Writer::new();
        writer.file("./a", 0o644, b"1").unwrap();
        writer.file("/b", 0o644, b"2").unwrap();
        let bytes = writer.finish();
        assert_eq!(Archive::new(&bytes).find("a"), Ok(Some(&b"1"[..])));
        assert_eq!(Archive::new(&bytes).find("b"), Ok(Some(&b"2"[..])));
    }

    #[test]
    fn equal_calls_give_equal_bytes() {
        assert_eq!(sample(), sample());
    }

    #[test]
    fn bad_members_are_not_written() {
        let mut writer = Writer::new();
        for name in ["", "a\0b", TRAILER] {
            let error = writer.file(name, 0o644, b"").unwrap_err();
            assert_eq!(error.kind, CpioErrorKind::BadName, "{name:?}");
        }
        assert_eq!(Archive::new(&writer.finish()).entries().count(), 0);
    }

    /// Reads everything, as a hostile archive would have it read.
    fn read_all(bytes: &[u8]) -> Result<usize, CpioError> {
        let _ = Archive::new(bytes).find("starling/args");
        Archive::new(bytes)
            .entries()
            .try_fold(0, |sum, entry| Ok(sum + entry?.data.len()))
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = sample();
        assert!(read_all(&bytes).is_ok());
        for len in 0..bytes.len() {
            let error = read_all(&bytes[..len]).unwrap_err();
            assert_eq!(error.kind, CpioErrorKind::Truncated, "cut to {len}");
        }
    }

    #[test]
    fn every_damaged_byte_is_survived() {
        let bytes = sample();
        for at in 0..bytes.len() {
            for value in [0, b'0', b'f', b'g', 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                let _ = read_all(&damaged);
            }
        }
    }

    #[test]
    fn a_size_past_the_end_is_truncation() {
        let mut bytes = sample();
        let size_at = MAGIC.len() + FIELD_FILE_SIZE * 8;
        bytes[size_at..size_at + 8].copy_from_slice(b"ffffffff");
        let error = read_all(&bytes).unwrap_err();
        assert_eq!(
            (error.offset, error.kind),
            (0, CpioErrorKind::Truncated),
            "{error}"
        );
    }

    #[test]
    fn errors_name_the_member() {
        let mut bytes = sample();
        let second = (HEADER_LEN + "starling".len() + 1).next_multiple_of(4);
        bytes[second] = b'x';
        let error = read_all(&bytes).unwrap_err();
        assert_eq!(error.kind, CpioErrorKind::BadMagic);
        assert!(
            error
                .to_string()
                .contains(&alloc::format!("byte {second}:"))
        );
        let mut bad_number = sample();
        bad_number[MAGIC.len() + 8] = b'z';
        assert_eq!(
            read_all(&bad_number).unwrap_err().kind,
            CpioErrorKind::BadNumber
        );
        assert_eq!(
            read_all(&[b'0'; 200]).unwrap_err().kind,
            CpioErrorKind::BadMagic
        );
    }
}

//! Reading the pieces of the external term format: each step checks what is left.
//!
//! Invariant: `position <= bytes.len()`.

use super::{DecodeError, HEAP_BINARY_LIMIT, MAX_DIGITS, tag};
use crate::atom::MAX_ATOM_CHARACTERS;
use crate::number::parse;
use crate::term::external::MAX_REFERENCE_WORDS;
use smallvec::SmallVec;
use starling_loader::text::utf8;

/// The largest creation in the tags that have a byte for it, of which OTP took two bits.
const MAX_SMALL_CREATION: u8 = 3;

/// What is less than this can be the first number of a reference in those tags (OTP: `MAX_REFERENCE`).
const REFERENCE_NUMBERS: u64 = 1 << 18;

#[derive(Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// How many atoms of a cache there are to refer to.
    cached: usize,
}

/// The name of an atom as it stands in the input.
#[derive(Clone, Copy)]
pub(super) enum AtomName<'a> {
    Utf8(&'a str),
    Latin1(&'a [u8]),
    /// The atom of this number among those that came before the term.
    Cached(u8),
}

/// Sign and magnitude; the bytes are least significant first, without leading zeros.
#[derive(Clone, Copy)]
pub(super) struct BigBytes<'a> {
    pub negative: bool,
    pub magnitude: &'a [u8],
}

/// Which kind of identifier, its node, and its numbers.
pub(super) struct Identifier<'a> {
    pub kind: IdentifierKind,
    pub node: AtomName<'a>,
    pub creation: u32,
    /// Number and serial of a pid, the number of a port, the words of a reference, least significant first.
    pub numbers: [u64; MAX_REFERENCE_WORDS],
    pub count: usize,
}

impl Identifier<'_> {
    /// The words of a reference.
    pub fn words(&self) -> SmallVec<[u32; MAX_REFERENCE_WORDS]> {
        let words = self.numbers[..self.count].iter();
        words.map(|&number| number as u32).collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IdentifierKind {
    Pid,
    Port,
    Reference,
}

impl<'a> Reader<'a> {
    /// Reads from `position` on; `cached` atoms came before the term.
    pub fn new(bytes: &'a [u8], position: usize, cached: usize) -> Reader<'a> {
        Reader {
            bytes,
            position: position.min(bytes.len()),
            cached,
        }
    }

    pub fn position(&self) -> usize {
        self.position
    }

    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    pub fn invalid(&self, what: &'static str) -> DecodeError {
        DecodeError::Invalid {
            what,
            offset: self.position,
        }
    }

    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        if count > self.remaining() {
            return Err(DecodeError::Truncated {
                offset: self.bytes.len(),
            });
        }
        let taken = &self.bytes[self.position..self.position + count];
        self.position += count;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    #[inline]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }
    #[inline]
    pub fn u16(&mut self) -> Result<usize, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?) as usize)
    }
    #[inline]
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }
    #[inline]
    pub fn size(&mut self) -> Result<usize, DecodeError> {
        Ok(self.u32()? as usize)
    }
    #[inline]
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub fn new_float(&mut self) -> Result<f64, DecodeError> {
        let value = f64::from_bits(self.u64()?);
        self.finite(value)
    }

    /// The old format of floats: text, padded with zero bytes.
    pub fn old_float(&mut self) -> Result<f64, DecodeError> {
        let text = self.take(31)?;
        parse::float(text).map_err(|_| self.invalid("a float that is no number"))
    }

    fn finite(&self, value: f64) -> Result<f64, DecodeError> {
        if value.is_finite() {
            Ok(value)
        } else {
            Err(self.invalid("a float that is infinite or no number"))
        }
    }

    /// The rest of a big integer whose size in bytes has been read.
    pub fn big(&mut self, size: usize) -> Result<BigBytes<'a>, DecodeError> {
        let negative = self.u8()? != 0;
        let bytes = self.take(size)?;
        let significant = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
        if significant > MAX_DIGITS * 8 {
            return Err(self.invalid("an integer beyond the system limit"));
        }
        Ok(BigBytes {
            negative,
            magnitude: &bytes[..significant],
        })
    }

    /// The rest of a bit string: its bytes, and the bits used of the last one.
    pub fn bit_binary(&mut self) -> Result<(&'a [u8], u8), DecodeError> {
        let size = self.size()?;
        let last = self.u8()?;
        let bytes = self.take(size)?;
        if last > 8 || (last == 0) != (size == 0) {
            return Err(
                self.invalid("a bit string with an impossible number of bits in its last byte")
            );
        }
        Ok((bytes, last))
    }

    /// An atom whose tag has been read; `None` if the tag is no atom's.
    pub fn atom_of_tag(&mut self, atom_tag: u8) -> Result<Option<AtomName<'a>>, DecodeError> {
        let size = match atom_tag {
            tag::ATOM | tag::ATOM_UTF8 => self.u16()?,
            tag::SMALL_ATOM | tag::SMALL_ATOM_UTF8 => self.u8()? as usize,
            tag::ATOM_CACHE_REF if self.cached > 0 => {
                let number = self.u8()?;
                if usize::from(number) >= self.cached {
                    return Err(self.invalid("a reference to an atom that did not come before it"));
                }
                return Ok(Some(AtomName::Cached(number)));
            }
            _ => return Ok(None),
        };
        let bytes = self.take(size)?;
        if matches!(atom_tag, tag::ATOM | tag::SMALL_ATOM) {
            if bytes.len() > MAX_ATOM_CHARACTERS {
                return Err(self.invalid("an atom of more than 255 characters"));
            }
            return Ok(Some(match utf8(bytes) {
                Ok(name) if bytes.is_ascii() => AtomName::Utf8(name),
                _ => AtomName::Latin1(bytes),
            }));
        }
        match utf8(bytes) {
            // Few bytes are few characters.
            Ok(name)
                if bytes.len() <= MAX_ATOM_CHARACTERS
                    || name.chars().count() <= MAX_ATOM_CHARACTERS =>
            {
                Ok(Some(AtomName::Utf8(name)))
            }
            Ok(_) => Err(self.invalid("an atom of more than 255 characters")),
            Err(_) => Err(self.invalid("an atom that is not UTF-8")),
        }
    }

    /// An atom, tag included.
    pub fn atom(&mut self) -> Result<AtomName<'a>, DecodeError> {
        let offset = self.position;
        let tag = self.u8()?;
        self.atom_of_tag(tag)?
            .ok_or(DecodeError::Tag { tag, offset })
    }

    /// An integer of at most 32 bits, tag included.
    pub fn integer(&mut self) -> Result<i32, DecodeError> {
        let offset = self.position;
        match self.u8()? {
            tag::SMALL_INTEGER => Ok(self.u8()? as i32),
            tag::INTEGER => Ok(self.u32()? as i32),
            tag => Err(DecodeError::Tag { tag, offset }),
        }
    }

    /// A pid, port or reference whose tag has been read; `None` if the tag is none of theirs.
    pub fn identifier_of_tag(&mut self, tag: u8) -> Result<Option<Identifier<'a>>, DecodeError> {
        let kind = match tag {
            tag::PID | tag::NEW_PID => IdentifierKind::Pid,
            tag::PORT | tag::NEW_PORT | tag::V4_PORT => IdentifierKind::Port,
            tag::REFERENCE | tag::NEW_REFERENCE | tag::NEWER_REFERENCE => IdentifierKind::Reference,
            _ => return Ok(None),
        };
        let count = match tag {
            tag::NEW_REFERENCE | tag::NEWER_REFERENCE => self.u16()?,
            tag::PID | tag::NEW_PID => 2,
            _ => 1,
        };
        if count == 0 || count > MAX_REFERENCE_WORDS {
            return Err(self.invalid("a reference of an impossible length"));
        }
        let node = self.atom()?;
        let mut numbers = [0; MAX_REFERENCE_WORDS];
        // References have their creation before their numbers, the others behind.
        let creation_first = matches!(tag, tag::NEW_REFERENCE | tag::NEWER_REFERENCE);
        let mut creation = 0;
        if creation_first {
            creation = self.creation(tag)?;
        }
        for number in &mut numbers[..count] {
            *number = match tag {
                tag::V4_PORT => self.u64()?,
                _ => self.u32()? as u64,
            };
        }
        if !creation_first {
            creation = self.creation(tag)?;
        }
        let old_reference = matches!(tag, tag::REFERENCE | tag::NEW_REFERENCE);
        if old_reference && numbers[0] >= REFERENCE_NUMBERS {
            return Err(self.invalid("a reference with too large a number"));
        }
        Ok(Some(Identifier {
            kind,
            node,
            creation,
            numbers,
            count,
        }))
    }

    fn creation(&mut self, tag: u8) -> Result<u32, DecodeError> {
        match tag {
            tag::PID | tag::PORT | tag::REFERENCE | tag::NEW_REFERENCE => match self.u8()? {
                creation @ 0..=MAX_SMALL_CREATION => Ok(creation.into()),
                _ => Err(self.invalid("a creation that does not fit two bits")),
            },
            _ => self.u32(),
        }
    }
}

/// Whether a bit string of that many bytes lives on the heap.
pub(super) fn fits_heap(bytes: usize) -> bool {
    bytes <= HEAP_BINARY_LIMIT
}

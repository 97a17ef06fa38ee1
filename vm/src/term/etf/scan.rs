//! The first pass over an external term: whether it is one, where it ends, and how much room it takes.
//!
//! A number of terms still to come stands for the whole structure, so neither a stack nor an allocation is needed, and a count that
//! promises more terms than there are bytes left is refused where it stands.

use super::compression::Inflating;
use super::reader::{AtomName, BigBytes, Identifier, IdentifierKind, Reader, fits_heap};
use super::{DecodeError, Progress, VERSION, tag};
use crate::atom::AtomTable;
use crate::map::FLAT_LIMIT;
use crate::memory::off_heap::REFC_WORDS;
use crate::term::external::{PID_WORDS, REFERENCE_WORDS};
use crate::term::fun::FUN_WORDS;
use crate::term::size::{SUB_BITS_WORDS, heap_bits_words};
use crate::term::{Atom, MAX_SMALL};
use alloc::vec::Vec;

/// What [`decoded_size`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodedSize {
    /// Words that the term takes, but for the nodes of maps with more than [`FLAT_LIMIT`] keys.
    pub words: usize,
    /// Pairs in such maps, all together.
    pub large_map_pairs: usize,
    /// References of this node: each may have an object behind it, and is larger then.
    pub own_references: usize,
    /// Bytes of the input that are the term.
    pub used: usize,
}

/// Checks and measures the external term (with version byte) at the start of `bytes`.
pub fn decoded_size(bytes: &[u8], atoms: &AtomTable) -> Result<DecodedSize, DecodeError> {
    let scope = Scope { atoms, cached: &[] };
    match Payload::of(bytes)? {
        Payload::Plain(at) => scan(bytes, at, &scope),
        Payload::Inflated { data, used } => Ok(DecodedSize {
            used,
            ..scan(&data, 0, &scope)?
        }),
    }
}

/// What tells identifiers of this node from others.
pub(super) struct Scope<'a> {
    /// The atoms, and this node.
    pub atoms: &'a AtomTable,
    /// Atoms that came before the term.
    pub cached: &'a [Atom],
}

impl Scope<'_> {
    /// Whether an identifier is of this node: of its name, and of this life or of creation 0, which stands for any.
    fn is_local(&self, identifier: &Identifier<'_>) -> bool {
        let node = self.atoms.node;
        if identifier.creation != node.creation && identifier.creation != 0 {
            return false;
        }
        match identifier.node {
            AtomName::Cached(number) => self.cached.get(usize::from(number)) == Some(&node.name),
            AtomName::Utf8(name) => name == self.atoms.name(node.name),
            AtomName::Latin1(bytes) => {
                let name = self.atoms.name(node.name).chars();
                name.eq(bytes.iter().map(|&byte| char::from(byte)))
            }
        }
    }

    /// Words of an identifier.
    fn words(&self, identifier: &Identifier<'_>) -> usize {
        match (identifier.kind, self.is_local(identifier)) {
            (IdentifierKind::Reference, true) => 3,
            (IdentifierKind::Reference, false) => REFERENCE_WORDS,
            (_, true) => 0,
            (_, false) => PID_WORDS,
        }
    }
}

/// Where the tags are.
pub enum Payload {
    /// In the input itself, from this offset on.
    Plain(usize),
    /// In `data`, which was the first `used` bytes of the input.
    Inflated {
        /// What was compressed.
        data: Vec<u8>,
        /// Bytes of the input.
        used: usize,
    },
}

impl Payload {
    /// Finds them; inflates compressed ones.
    pub fn of(bytes: &[u8]) -> Result<Payload, DecodeError> {
        match bytes {
            [] => Err(DecodeError::Truncated { offset: 0 }),
            [VERSION, tag::COMPRESSED, ..] => Payload::inflate(bytes),
            [VERSION, ..] => Ok(Payload::Plain(1)),
            _ => Err(DecodeError::Version),
        }
    }

    fn inflate(bytes: &[u8]) -> Result<Payload, DecodeError> {
        let mut inflating = Inflating::new(bytes)?;
        while inflating.advance(usize::MAX)? == Progress::More {}
        Ok(inflating.finish())
    }
}

/// Measures the term whose tag is at `at`.
pub(super) fn scan(bytes: &[u8], at: usize, scope: &Scope<'_>) -> Result<DecodedSize, DecodeError> {
    let mut measure = Measure::new(at);
    measure.advance(bytes, scope, usize::MAX)?;
    Ok(measure.size)
}

/// A measuring that can be done in pieces.
pub(super) struct Measure {
    /// What is known so far; `used` is where it goes on.
    pub size: DecodedSize,
    to_come: usize,
}

impl Measure {
    /// Of the term whose tag is at `at`.
    pub fn new(at: usize) -> Measure {
        Measure {
            size: DecodedSize {
                words: 0,
                large_map_pairs: 0,
                own_references: 0,
                used: at,
            },
            to_come: 1,
        }
    }

    /// Looks at up to so many terms more.
    pub fn advance(
        &mut self,
        bytes: &[u8],
        scope: &Scope<'_>,
        terms: usize,
    ) -> Result<Progress, DecodeError> {
        advance(self, bytes, scope, terms)
    }
}

fn advance(
    measure: &mut Measure,
    bytes: &[u8],
    scope: &Scope<'_>,
    mut terms: usize,
) -> Result<Progress, DecodeError> {
    let mut reader = Reader::new(bytes, measure.size.used, scope.cached.len());
    let mut to_come = measure.to_come;
    let DecodedSize {
        mut words,
        mut large_map_pairs,
        mut own_references,
        ..
    } = measure.size;
    while to_come > 0 && terms > 0 {
        terms -= 1;
        to_come -= 1;
        let offset = reader.position();
        let tag = reader.u8()?;
        let (own, inner) = match tag {
            tag::SMALL_INTEGER => {
                reader.take(1)?;
                (0, 0)
            }
            tag::INTEGER => {
                reader.take(4)?;
                (0, 0)
            }
            tag::NEW_FLOAT => {
                reader.new_float()?;
                (2, 0)
            }
            tag::FLOAT => {
                reader.old_float()?;
                (2, 0)
            }
            tag::NIL => (0, 0),
            tag::SMALL_TUPLE => {
                let arity = reader.u8()? as usize;
                (1 + arity, arity)
            }
            tag::LARGE_TUPLE => {
                let arity = reader.size()?;
                (1 + arity, arity)
            }
            tag::STRING => {
                let length = reader.u16()?;
                reader.take(length)?;
                (2 * length, 0)
            }
            tag::LIST => {
                let length = reader.size()?;
                (2 * length, length + 1)
            }
            tag::BINARY => {
                let size = reader.size()?;
                reader.take(size)?;
                (binary_words(size), 0)
            }
            tag::BIT_BINARY => {
                let (bytes, last) = reader.bit_binary()?;
                if fits_heap(bytes.len()) || last == 8 {
                    (binary_words(bytes.len()), 0)
                } else {
                    (REFC_WORDS + SUB_BITS_WORDS, 0)
                }
            }
            tag::SMALL_BIG => {
                let size = reader.u8()? as usize;
                (big_words(reader.big(size)?), 0)
            }
            tag::LARGE_BIG => {
                let size = reader.size()?;
                (big_words(reader.big(size)?), 0)
            }
            tag::MAP => {
                let pairs = reader.size()?;
                if pairs > FLAT_LIMIT {
                    large_map_pairs += pairs;
                    (0, 2 * pairs)
                } else {
                    // The tuple of keys, and the map with its values.
                    (1 + pairs + 2 + pairs, 2 * pairs)
                }
            }
            tag::EXPORT => {
                reader.atom()?;
                reader.atom()?;
                if !(0..=255).contains(&reader.integer()?) {
                    return Err(reader.invalid("an impossible arity"));
                }
                (FUN_WORDS, 0)
            }
            tag::NEW_FUN => {
                let head = FunHead::read(&mut reader)?;
                (
                    FUN_WORDS + head.free + scope.words(&head.creator),
                    head.free,
                )
            }
            _ => {
                if reader.atom_of_tag(tag)?.is_some() {
                    (0, 0)
                } else if let Some(identifier) = reader.identifier_of_tag(tag)? {
                    let local =
                        identifier.kind == IdentifierKind::Reference && scope.is_local(&identifier);
                    own_references += usize::from(local);
                    (scope.words(&identifier), 0)
                } else {
                    return Err(DecodeError::Tag { tag, offset });
                }
            }
        };
        to_come += inner;
        if to_come > reader.remaining() {
            return Err(DecodeError::Truncated {
                offset: reader.position() + reader.remaining(),
            });
        }
        words = words.saturating_add(own);
    }
    measure.to_come = to_come;
    measure.size = DecodedSize {
        words,
        large_map_pairs,
        own_references,
        used: reader.position(),
    };
    Ok(match to_come {
        0 => Progress::Done,
        _ => Progress::More,
    })
}

fn is_reference(tag: u8) -> bool {
    matches!(
        tag,
        tag::REFERENCE | tag::NEW_REFERENCE | tag::NEWER_REFERENCE
    )
}

pub(super) fn binary_words(size: usize) -> usize {
    if fits_heap(size) {
        heap_bits_words(size * 8)
    } else {
        REFC_WORDS
    }
}

fn big_words(big: BigBytes<'_>) -> usize {
    match small_value(big) {
        Some(_) => 0,
        None => 1 + big.magnitude.len().div_ceil(8),
    }
}

/// The integer, if it is a small one.
pub(super) fn small_value(big: BigBytes<'_>) -> Option<i64> {
    if big.magnitude.len() > 8 {
        return None;
    }
    let mut bytes = [0; 8];
    bytes[..big.magnitude.len()].copy_from_slice(big.magnitude);
    let magnitude = u64::from_le_bytes(bytes);
    // There is one more small integer below zero than above.
    if magnitude > MAX_SMALL as u64 + big.negative as u64 {
        return None;
    }
    let value = magnitude as i64;
    Some(if big.negative { -value } else { value })
}

/// What stands before the free variables of a fun.
pub(super) struct FunHead<'a> {
    pub arity: u8,
    pub uniq: [u8; 16],
    pub index: u32,
    pub free: usize,
    pub module: super::reader::AtomName<'a>,
    pub old_index: u32,
    pub old_uniq: u32,
    pub creator: super::reader::Identifier<'a>,
}

impl<'a> FunHead<'a> {
    pub fn read(reader: &mut Reader<'a>) -> Result<FunHead<'a>, DecodeError> {
        reader.take(4)?;
        let arity = reader.u8()?;
        let mut uniq = [0; 16];
        uniq.copy_from_slice(reader.take(16)?);
        let index = reader.u32()?;
        let free = reader.size()?;
        if free > 255 {
            return Err(reader.invalid("a fun with too many free variables"));
        }
        let module = reader.atom()?;
        let old_index = reader.integer()? as u32;
        let old_uniq = reader.integer()? as u32;
        let tag = reader.u8()?;
        match reader.identifier_of_tag(tag)? {
            Some(creator) if !is_reference(tag) => Ok(FunHead {
                arity,
                uniq,
                index,
                free,
                module,
                old_index,
                old_uniq,
                creator,
            }),
            _ => Err(reader.invalid("a fun that no process made")),
        }
    }
}

//! Tag, length and value of ASN.1's basic encoding rules (BER), and so of the distinguished ones (DER).
//!
//! An element is `{Tag, Value}`. `Tag` is the tag's number with its class at bit 16; `Value` is a binary for a primitive element and a list
//! of elements for a constructed one. Facts: X.690, and what `asn1rt_nif` of OTP 25 answers (tests/otp/asn1_ber.erl), the place of a mistake included. How
//! deep elements may be nested is limited by memory alone.

use super::{BYTES_PER_REDUCTION, error};
use crate::bif::{Context, Fail, Value};
use crate::bits::{iolist, make_binary};
use crate::memory::Arena;
use crate::term::Term;
use alloc::vec::Vec;

/// Bits of a tag's first byte: class, whether the element is constructed, number.
const CLASS: u8 = 0xc0;
const CONSTRUCTED: u8 = 0x20;
const NUMBER: u8 = 0x1f;
/// Where a class is in a `Tag`, from where it is in the first byte.
const CLASS_SHIFT: u32 = 10;
/// The bits of a tag number that Erlang sees.
const NUMBER_MASK: u32 = 0xffff;
/// A length that only the end of contents tells.
const INDEFINITE: u8 = 0x80;

/// What is wrong with encoded bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    /// A tag is cut off, or its number is too large.
    Tag,
    /// A length does not end, or does not fit what it is in.
    Length,
    /// There are fewer bytes than the length says, or none where an element is due.
    Value,
}

impl Mistake {
    fn name(self) -> &'static str {
        match self {
            Mistake::Tag => "invalid_tag",
            Mistake::Length => "invalid_length",
            Mistake::Value => "invalid_value",
        }
    }
}

/// Why decoding ended early.
enum Stop {
    /// The bytes are wrong, at this offset.
    Wrong(Mistake, usize),
    /// The machine failed.
    Fail(Fail),
}

impl<T: Into<Fail>> From<T> for Stop {
    fn from(fail: T) -> Stop {
        Stop::Fail(fail.into())
    }
}

/// `decode_ber_tlv_raw(IoData)`: `{Element, Rest}`, or `{error, {Mistake, Offset}}`.
pub fn decode_1(cx: &mut Context, args: &[Term]) -> Value {
    let bytes = iolist::to_bytes(args[0])?;
    cx.bump_reductions(bytes.len() / BYTES_PER_REDUCTION);
    let mut decoder = Decoder {
        bytes: &bytes,
        at: 0,
        limit: bytes.len(),
    };
    match decoder.element(cx) {
        Ok(element) => {
            let rest = make_binary(cx, &bytes[decoder.at..])?;
            Ok(cx.tuple(&[element, rest])?)
        }
        Err(Stop::Fail(fail)) => Err(fail),
        Err(Stop::Wrong(mistake, at)) => {
            let name = cx.atom(mistake.name())?;
            let reason = cx.tuple(&[name, Term::small(at as i64)])?;
            error(cx, reason)
        }
    }
}

/// A constructed element whose contents are being read.
struct Open {
    tag: u32,
    /// Where its contents end; unknown if an end of contents tells.
    end: Option<usize>,
    /// The limit of the element that it is in.
    outer: usize,
    elements: Vec<Term>,
}

/// Invariant: `at` is at most `limit`, and that at most the number of bytes.
struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the innermost element ends whose end is known.
    limit: usize,
}

impl Decoder<'_> {
    /// The element that begins here, whole.
    fn element(&mut self, cx: &mut Context) -> Result<Term, Stop> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let mut done = self.begin(cx, &mut open)?;
            // Each finished element may finish the one that it is in.
            loop {
                if let Some(element) = done.take() {
                    let Some(parent) = open.last_mut() else {
                        return Ok(element);
                    };
                    reserve(&mut parent.elements)?;
                    parent.elements.push(element);
                }
                match open.last() {
                    Some(parent) if self.is_end(parent)? => {}
                    _ => break,
                }
                if let Some(parent) = open.pop() {
                    self.limit = parent.outer;
                    let list = cx.list(&parent.elements)?;
                    done = Some(cx.tuple(&[Term::small(parent.tag.into()), list])?);
                }
            }
        }
    }

    /// Reads tag and length, and the value of a primitive element; a constructed one is put on `open`.
    fn begin(&mut self, cx: &mut Context, open: &mut Vec<Open>) -> Result<Option<Term>, Stop> {
        if self.at + 2 > self.limit {
            return Err(Stop::Wrong(Mistake::Value, self.at));
        }
        let constructed = self.bytes[self.at] & CONSTRUCTED != 0;
        let tag = self.tag()?;
        let end = match self.length()? {
            Some(length) => Some(self.at + length),
            None if constructed => None,
            None => return Err(Stop::Wrong(Mistake::Length, self.at)),
        };
        match end {
            Some(end) if !constructed => {
                let value = make_binary(cx, &self.bytes[self.at..end])?;
                self.at = end;
                Ok(Some(cx.tuple(&[Term::small(tag.into()), value])?))
            }
            _ => {
                reserve(open)?;
                open.push(Open {
                    tag,
                    end,
                    outer: self.limit,
                    elements: Vec::new(),
                });
                self.limit = end.unwrap_or(self.limit);
                Ok(None)
            }
        }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..self.limit]
    }

    fn tag(&mut self) -> Result<u32, Stop> {
        let first = self.bytes[self.at];
        let class = u32::from(first & CLASS) << CLASS_SHIFT;
        if first & NUMBER != NUMBER {
            self.at += 1;
            return Ok(class + u32::from(first & NUMBER));
        }
        // Two bytes of tag and one of length at least.
        if self.at + 3 > self.limit {
            return Err(Stop::Wrong(Mistake::Value, self.at));
        }
        self.at += 1;
        let high = self.bytes[self.at];
        self.at += 1;
        if high < 0x80 {
            return Ok(class + u32::from(high));
        }
        // The NIF of OTP takes numbers of two bytes at most, though it writes longer ones.
        match self.rest().first() {
            Some(&low) if low < 0x80 => {
                self.at += 1;
                Ok(class + (u32::from(high & 0x7f) << 7) + u32::from(low))
            }
            _ => Err(Stop::Wrong(Mistake::Tag, self.at)),
        }
    }

    /// A length for which there are bytes; `None` if it is indefinite. The place of a mistake is the last byte of the length.
    fn length(&mut self) -> Result<Option<usize>, Stop> {
        let Some(&first) = self.rest().first() else {
            return Err(Stop::Wrong(Mistake::Tag, self.at));
        };
        let mut length = usize::from(first);
        if first == INDEFINITE {
            self.at += 1;
            return Ok(None);
        }
        if first > INDEFINITE {
            let count = usize::from(first & 0x7f);
            let digits = self.rest().get(1..1 + count);
            let Some(digits) = digits else {
                return Err(Stop::Wrong(Mistake::Length, self.at));
            };
            // More than there can be bytes is as wrong as any larger number.
            length = digits.iter().fold(0, |length: usize, &digit| {
                length.saturating_mul(256).saturating_add(digit.into())
            });
            self.at += count;
        }
        if length > self.limit - (self.at + 1) {
            return Err(Stop::Wrong(Mistake::Value, self.at));
        }
        self.at += 1;
        Ok(Some(length))
    }

    /// Whether the contents of `parent` end here; an end of contents is passed.
    fn is_end(&mut self, parent: &Open) -> Result<bool, Stop> {
        match parent.end {
            Some(end) => Ok(self.at == end),
            None => match self.rest().get(..2) {
                None => Err(Stop::Wrong(Mistake::Length, self.at)),
                Some([0, 0]) => {
                    self.at += 2;
                    Ok(true)
                }
                Some(_) => Ok(false),
            },
        }
    }
}

fn reserve<T>(vec: &mut Vec<T>) -> Result<(), Fail> {
    vec.try_reserve(1).map_err(|_| Fail::NoMemory)
}

/// `encode_ber_tlv(Element)`: its bytes, or `{error, -1}`.
pub fn encode_1(cx: &mut Context, args: &[Term]) -> Value {
    match encode(args[0])? {
        Some(bytes) => {
            cx.bump_reductions(bytes.len() / BYTES_PER_REDUCTION);
            Ok(make_binary(cx, &bytes)?)
        }
        None => error(cx, Term::small(-1)),
    }
}

/// What is left to write, the last thing first.
enum Left {
    Element(Term),
    /// Tag and length of a constructed element, whose contents began when so many bytes were written.
    Begin(u32, usize),
}

/// The bytes of an element; `None` if it is none. They are written from the end, where lengths are known.
fn encode(element: Term) -> Result<Option<Vec<u8>>, Fail> {
    let mut bytes = Vec::new();
    let mut left = Vec::new();
    reserve(&mut left)?;
    left.push(Left::Element(element));
    while let Some(next) = left.pop() {
        let element = match next {
            Left::Begin(tag, before) => {
                let length = bytes.len() - before;
                begin(&mut bytes, tag, CONSTRUCTED, length)?;
                continue;
            }
            Left::Element(element) => element,
        };
        let Some(&[tag, value]) = element.as_tuple() else {
            return Ok(None);
        };
        let tag = tag.as_small().and_then(|tag| u32::try_from(tag).ok());
        let Some(tag) = tag else {
            return Ok(None);
        };
        if value.is_list() {
            reserve(&mut left)?;
            left.push(Left::Begin(tag, bytes.len()));
            let mut elements = value.iter_list();
            for element in elements.by_ref() {
                reserve(&mut left)?;
                left.push(Left::Element(element));
            }
            if !elements.tail().is_nil() {
                return Ok(None);
            }
            continue;
        }
        let view = crate::bits::view(&value).filter(|view| view.is_binary());
        let Some(value) = view.map(|view| view.to_bytes()).transpose()?.flatten() else {
            return Ok(None);
        };
        bytes.try_reserve(value.len()).map_err(|_| Fail::NoMemory)?;
        bytes.extend(value.iter().rev());
        begin(&mut bytes, tag, 0, value.len())?;
    }
    bytes.reverse();
    Ok(Some(bytes))
}

/// Writes length and tag, backwards.
fn begin(bytes: &mut Vec<u8>, tag: u32, form: u8, length: usize) -> Result<(), Fail> {
    // Eight bytes of length and one that counts them; three of number and one of class.
    bytes.try_reserve(13).map_err(|_| Fail::NoMemory)?;
    if length < usize::from(INDEFINITE) {
        bytes.push(length as u8);
    } else {
        let digits = length.to_le_bytes();
        let count = digits
            .iter()
            .rposition(|&digit| digit != 0)
            .map_or(1, |at| at + 1);
        bytes.extend_from_slice(&digits[..count]);
        bytes.push(INDEFINITE | count as u8);
    }
    let class = (tag >> CLASS_SHIFT) as u8 & CLASS;
    let mut number = tag & NUMBER_MASK;
    if number < NUMBER.into() {
        bytes.push(class | form | number as u8);
        return Ok(());
    }
    bytes.push(number as u8 & 0x7f);
    while number >= 0x80 {
        number >>= 7;
        bytes.push(number as u8 | 0x80);
    }
    bytes.push(class | form | NUMBER);
    Ok(())
}

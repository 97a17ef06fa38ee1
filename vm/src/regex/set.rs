//! Sets of characters: what a class, `\d` or `\p{..}` matches.
//!
//! The first 256 characters are a bitmap, which is all there is when the subject is bytes. Above, a set is ranges and
//! properties, all together negated or not.

use super::ctype;
use super::unicode::{self, LAST_CASED, Property};
use alloc::vec::Vec;

/// Most characters there are.
pub const LAST_CHARACTER: u32 = 0x10_ffff;

/// Whether a range of a sorted list has `c` in it.
pub fn in_ranges(ranges: &[(u32, u32)], c: u32) -> bool {
    ranges.iter().any(|&(first, last)| first <= c && c <= last)
}

/// A set under construction, or complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// A bit for each of the characters below 256; complete, that is after negation.
    pub bitmap: [u8; 32],
    /// Ranges of characters above 255.
    pub ranges: Vec<(u32, u32)>,
    /// Properties that characters above 255 may have, with the top bit if they must not have it.
    pub properties: Vec<u32>,
    /// Characters above 255 are in the set if they are in no range and have no property.
    pub negated: bool,
}

/// In [`Set::properties`]: the property must not hold.
pub const NOT: u32 = 1 << 31;

impl Set {
    /// Adds one character.
    pub fn add(&mut self, c: u32) {
        match u8::try_from(c) {
            Ok(byte) => self.bitmap[byte as usize / 8] |= 1 << (byte % 8),
            Err(_) => self.add_wide(c, c),
        }
    }

    fn add_wide(&mut self, first: u32, last: u32) {
        if let Some(range) = self.ranges.last_mut()
            && first <= range.1.saturating_add(1)
            && first >= range.0
        {
            range.1 = range.1.max(last);
            return;
        }
        self.ranges.push((first, last));
    }

    /// Adds the characters from `first` to `last`.
    pub fn add_range(&mut self, first: u32, last: u32) {
        for c in first..=last.min(255) {
            self.add(c);
        }
        if last > 255 {
            self.add_wide(first.max(256), last);
        }
    }

    /// Adds a range, and what differs from it in case only; `utf` if the characters are Unicode's.
    pub fn add_caseless_range(&mut self, first: u32, last: u32, utf: bool) {
        self.add_range(first, last);
        if !utf {
            for c in first..=last.min(255) {
                self.add(ctype::other_case(c as u8) as u32);
            }
            return;
        }
        let mut others = Vec::new();
        for c in first..=last.min(LAST_CASED) {
            unicode::other_cases(c, &mut others);
            for other in others.drain(..) {
                if other < first || other > last {
                    self.add(other);
                }
            }
        }
    }

    /// Adds the bytes that are members of a class.
    pub fn add_class(&mut self, is_member: impl Fn(u8) -> bool) {
        for byte in 0..=255u8 {
            if is_member(byte) {
                self.add(byte as u32);
            }
        }
    }

    /// Adds every character above 255.
    pub fn add_all_wide(&mut self) {
        self.ranges.push((256, LAST_CHARACTER));
    }

    /// Adds ranges, or all but those.
    pub fn add_ranges(&mut self, ranges: &[(u32, u32)], negated: bool) {
        if !negated {
            for &(first, last) in ranges {
                self.add_range(first, last);
            }
            return;
        }
        let mut from = 0;
        for &(first, last) in ranges {
            if first > from {
                self.add_range(from, first - 1);
            }
            from = last + 1;
        }
        self.add_range(from, LAST_CHARACTER);
    }

    /// Adds what has a property, or what has it not.
    pub fn add_property(&mut self, property: Property, negated: bool) {
        self.add_class(|byte| property.holds(byte as u32) != negated);
        let not = if negated { NOT } else { 0 };
        self.properties.push(property.encode() | not);
    }

    /// Makes it the set of what is not in it.
    pub fn negate(&mut self) {
        for byte in &mut self.bitmap {
            *byte = !*byte;
        }
        self.negated = !self.negated;
    }

    /// Whether it has `c`.
    pub fn has(&self, c: u32) -> bool {
        if let Ok(byte) = u8::try_from(c) {
            return self.bitmap[byte as usize / 8] & 1 << (byte % 8) != 0;
        }
        let found = in_ranges(&self.ranges, c)
            || self
                .properties
                .iter()
                .any(|&code| Property::decode(code & !NOT).holds(c) != (code & NOT != 0));
        found != self.negated
    }

    /// Appends the set to a program's data and returns where it begins there.
    pub fn encode(&self, data: &mut Vec<u8>) -> u32 {
        let at = data.len() as u32;
        data.extend_from_slice(&self.bitmap);
        let negated = if self.negated { 1u32 } else { 0 };
        data.extend_from_slice(&negated.to_le_bytes());
        data.extend_from_slice(&(self.ranges.len() as u32).to_le_bytes());
        data.extend_from_slice(&(self.properties.len() as u32).to_le_bytes());
        for (first, last) in &self.ranges {
            data.extend_from_slice(&first.to_le_bytes());
            data.extend_from_slice(&last.to_le_bytes());
        }
        for property in &self.properties {
            data.extend_from_slice(&property.to_le_bytes());
        }
        at
    }
}

/// Whether the bitmap at the head of an encoded set has `byte`.
#[inline(always)]
pub fn bitmap_has(bitmap: &[u8; 32], byte: u8) -> bool {
    bitmap[byte as usize / 8] & 1 << (byte % 8) != 0
}

/// An encoded set, read where it lies. What does not hold together reads as an empty set.
#[derive(Clone, Copy)]
pub struct SetView<'a> {
    pub bitmap: &'a [u8; 32],
    rest: &'a [u8],
}

impl<'a> SetView<'a> {
    /// The set at `at` of a program's data.
    #[inline]
    pub fn at(data: &'a [u8], at: u32) -> Option<SetView<'a>> {
        let (bitmap, rest) = data.get(at as usize..)?.split_first_chunk::<32>()?;
        Some(SetView { bitmap, rest })
    }

    /// Whether it has the character.
    #[inline]
    pub fn has(&self, c: u32) -> bool {
        match u8::try_from(c) {
            Ok(byte) => bitmap_has(self.bitmap, byte),
            Err(_) => self.has_wide(c).unwrap_or(false),
        }
    }

    fn has_wide(&self, c: u32) -> Option<bool> {
        let (words, _) = self.rest.as_chunks::<4>();
        let word = |i: usize| words.get(i).map(|bytes| u32::from_le_bytes(*bytes));
        let (negated, ranges, properties) = (word(0)? != 0, word(1)? as usize, word(2)? as usize);
        for i in 0..ranges {
            if word(3 + 2 * i)? <= c && c <= word(4 + 2 * i)? {
                return Some(!negated);
            }
        }
        for i in 0..properties {
            let code = word(3 + 2 * ranges + i)?;
            if Property::decode(code & !NOT).holds(c) != (code & NOT != 0) {
                return Some(!negated);
            }
        }
        Some(negated)
    }
}

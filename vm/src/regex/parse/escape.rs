//! Escapes: `\` and what follows, outside and inside of classes.

use super::super::ast::{Assertion, GroupKind, GroupRef, Node};
use super::super::ctype;
use super::super::error;
use super::super::options::Options;
use super::super::set::Set;
use super::super::unicode::Property;
use super::{Parser, Result};

/// What an escape stands for.
#[derive(Debug)]
pub(super) enum Escape {
    Char(u32),
    /// A letter with a meaning of its own, such as the `d` of `\d`.
    Letter(u8),
    /// `\1`: a back reference by number.
    Reference(u32),
    /// `\p{..}` or `\P{..}`, and whether it is negated.
    Property(Property, bool),
}

impl Parser<'_> {
    /// Reads an escape; the parser is at the backslash.
    pub(super) fn escape(&mut self, in_class: bool) -> Result<Escape> {
        self.at += 1;
        let Some(byte) = self.peek() else {
            return self.here(error::BACKSLASH_AT_END);
        };
        if !byte.is_ascii_alphanumeric() {
            let c = self.next_char().unwrap_or(byte as u32);
            return Ok(Escape::Char(c));
        }
        self.at += 1;
        Ok(match byte {
            b'a' => Escape::Char(7),
            b'e' => Escape::Char(27),
            b'f' => Escape::Char(12),
            b'n' => Escape::Char(10),
            b'r' => Escape::Char(13),
            b't' => Escape::Char(9),
            b'l' | b'L' | b'u' | b'U' => {
                return self.here_at_last(error::UNSUPPORTED_ESCAPE);
            }
            b'N' if self.peek() == Some(b'{') && self.counted().is_none() => {
                return self.here_at_last(error::UNSUPPORTED_ESCAPE);
            }
            b'c' => Escape::Char(self.control()?),
            b'o' => Escape::Char(self.braced_octal()?),
            b'x' => Escape::Char(self.hexadecimal()?),
            b'0' => Escape::Char(self.octal(0)?),
            b'1'..=b'9' => self.digits(byte, in_class)?,
            b'p' | b'P' => self.property(byte == b'P')?,
            b'd' | b'D' | b's' | b'S' | b'w' | b'W' | b'h' | b'H' | b'v' | b'V' | b'N' | b'R'
            | b'X' | b'A' | b'b' | b'B' | b'C' | b'E' | b'G' | b'K' | b'Q' | b'Z' | b'z' | b'g'
            | b'k' => Escape::Letter(byte),
            _ if self.options.has(Options::EXTRA) => {
                return self.here_at_last(error::UNKNOWN_ESCAPE);
            }
            _ => Escape::Char(byte as u32),
        })
    }

    /// Most errors of escapes are at the last character that was read.
    pub(super) fn here_at_last<T>(&self, text: &'static str) -> Result<T> {
        self.error(text, self.at - 1)
    }

    fn control(&mut self) -> Result<u32> {
        let Some(byte) = self.peek() else {
            return self.here(error::CONTROL_AT_END);
        };
        if byte > 127 {
            return self.here(error::CONTROL_ASCII);
        }
        self.at += 1;
        Ok((byte.to_ascii_uppercase() ^ 0x40) as u32)
    }

    fn braced_octal(&mut self) -> Result<u32> {
        if !self.eat(b'{') {
            return self.here_at_last(error::OCTAL_BRACE);
        }
        self.braced(8, error::OCTAL_DIGIT)
    }

    /// The digits up to a closing brace.
    fn braced(&mut self, radix: u32, wrong: &'static str) -> Result<u32> {
        let mut value = 0u64;
        if self.peek() == Some(b'}') {
            let back = if radix == 8 { 2 } else { 0 };
            return self.error(error::DIGITS_MISSING, self.at - back);
        }
        while let Some(digit) = self.peek().and_then(|c| (c as char).to_digit(radix)) {
            self.at += 1;
            value = value * radix as u64 + digit as u64;
            if value > 0x10_ffff || (!self.utf && value > 0xff) {
                // PCRE reads on to the last digit before it complains.
                while self.peek().is_some_and(|c| (c as char).is_digit(radix)) {
                    self.at += 1;
                }
                return self.here(error::VALUE_TOO_LARGE);
            }
        }
        if !self.eat(b'}') {
            return self.here(wrong);
        }
        if self.utf && (0xd800..=0xdfff).contains(&value) {
            return self.here_at_last(error::SURROGATE);
        }
        Ok(value as u32)
    }

    fn hexadecimal(&mut self) -> Result<u32> {
        if self.eat(b'{') {
            return self.braced(16, error::HEX_DIGIT);
        }
        let mut value = 0;
        for _ in 0..2 {
            match self.peek().and_then(|c| (c as char).to_digit(16)) {
                Some(digit) => {
                    self.at += 1;
                    value = value * 16 + digit;
                }
                None => break,
            }
        }
        Ok(value)
    }

    /// Up to two more octal digits behind `first`.
    fn octal(&mut self, first: u32) -> Result<u32> {
        let mut value = first;
        for _ in 0..2 {
            match self.peek() {
                Some(digit @ b'0'..=b'7') => {
                    self.at += 1;
                    value = value * 8 + (digit - b'0') as u32;
                }
                _ => break,
            }
        }
        if !self.utf && value > 0xff {
            return self.here_at_last(error::OCTAL_TOO_LARGE);
        }
        Ok(value)
    }

    /// `\1` and so on: a back reference, an octal number, or an 8 or a 9.
    fn digits(&mut self, first: u8, in_class: bool) -> Result<Escape> {
        let behind_first = self.at;
        if !in_class {
            self.at -= 1;
            let number = self.number().unwrap_or(0);
            if number > i32::MAX as u32 {
                return self.error(error::NUMBER_TOO_BIG, self.at - 1);
            }
            if number < 8 || number <= self.groups {
                return Ok(Escape::Reference(number));
            }
            self.at = behind_first;
        }
        if first >= b'8' {
            return Ok(Escape::Char(first as u32));
        }
        Ok(Escape::Char(self.octal((first - b'0') as u32)?))
    }

    fn property(&mut self, negated: bool) -> Result<Escape> {
        let Some(first) = self.peek() else {
            return self.here(error::PROPERTY_SYNTAX);
        };
        self.at += 1;
        let mut negated = negated;
        let (begin, end) = if first == b'{' {
            if self.eat(b'^') {
                negated = !negated;
            }
            let begin = self.at;
            loop {
                match self.peek() {
                    Some(b'}') => break,
                    Some(_) if self.at - begin < 50 => self.at += 1,
                    Some(_) => return self.here(error::PROPERTY_SYNTAX),
                    None => return self.here(error::PROPERTY_SYNTAX),
                }
            }
            self.at += 1;
            (begin, self.at - 1)
        } else {
            (self.at - 1, self.at)
        };
        let name = core::str::from_utf8(&self.pattern[begin..end]).unwrap_or_default();
        match Property::named(name) {
            Some(property) => Ok(Escape::Property(property, negated)),
            None => self.here_at_last(error::PROPERTY_UNKNOWN),
        }
    }

    /// What a letter stands for that is a set; `None` for other letters.
    pub(super) fn letter_set(&self, letter: u8) -> Option<Set> {
        let mut set = Set::default();
        let ucp = self.options.has(Options::UCP);
        let negated = letter.is_ascii_uppercase();
        match letter.to_ascii_lowercase() {
            b'd' if ucp => set.add_property(Property::Minor(b'N', b'd'), negated),
            b's' if ucp => set.add_property(Property::Space, negated),
            b'w' if ucp => set.add_property(Property::Word, negated),
            b'd' => set.add_class(|c| c.is_ascii_digit() != negated),
            b's' => set.add_class(|c| ctype::is_space(c) != negated),
            b'w' => set.add_class(|c| ctype::is_word(c) != negated),
            b'h' => set.add_ranges(ctype::HORIZONTAL, negated),
            b'v' => set.add_ranges(ctype::VERTICAL, negated),
            _ => return None,
        }
        if negated && !ucp && matches!(letter, b'D' | b'S' | b'W') {
            set.add_all_wide();
        }
        Some(set)
    }

    pub(super) fn add_set(&mut self, set: Set) {
        self.ast.sets.push(set);
        let index = self.ast.sets.len() as u32 - 1;
        self.add(Node::Set(index));
    }

    /// An escape outside of a class.
    pub(super) fn backslash(&mut self) -> Result<()> {
        let letter = match self.escape(false)? {
            Escape::Char(c) => {
                self.add_char(c);
                return Ok(());
            }
            Escape::Reference(number) => return self.reference(GroupRef::Number(number)),
            Escape::Property(property, negated) => {
                let mut set = Set::default();
                set.add_property(property, negated);
                self.add_set(set);
                return Ok(());
            }
            Escape::Letter(letter) => letter,
        };
        if let Some(set) = self.letter_set(letter) {
            self.add_set(set);
            return Ok(());
        }
        let assertion = match letter {
            b'N' => {
                self.add(Node::NotNewline);
                return Ok(());
            }
            b'R' => {
                self.compile.options = self.compile.options.with(Options::HAS_CR_OR_LF);
                self.add(Node::NewlineSequence);
                return Ok(());
            }
            b'X' => {
                self.add(Node::GraphemeCluster);
                return Ok(());
            }
            b'C' => {
                self.add(Node::AnyByte);
                return Ok(());
            }
            b'K' => {
                self.add_unrepeatable(Node::KeepOut);
                return Ok(());
            }
            b'Q' => {
                self.quoted();
                return Ok(());
            }
            b'E' => return Ok(()),
            b'g' => return self.g_escape(),
            b'k' => return self.k_escape(),
            b'A' => Assertion::SubjectStart,
            b'Z' => Assertion::SubjectEndOrNewline,
            b'z' => Assertion::SubjectEnd,
            b'G' => Assertion::SearchStart,
            b'B' => Assertion::NotWordBoundary,
            _ => Assertion::WordBoundary,
        };
        self.add_unrepeatable(Node::Assertion(assertion));
        Ok(())
    }

    fn quoted(&mut self) {
        while self.at < self.pattern.len() && !self.eat_all(b"\\E") {
            if let Some(c) = self.next_char() {
                self.add_char(c);
            }
        }
    }

    /// Adds a back reference.
    pub(super) fn reference(&mut self, group: GroupRef) -> Result<()> {
        let known = self.known_group(group);
        if let Some(number) = known
            && self
                .frames
                .iter()
                .any(|frame| frame.kind == GroupKind::Capture(number))
        {
            self.self_references.push(number);
        }
        match group {
            GroupRef::Number(number) => {
                self.highest_reference = self.highest_reference.max(number);
            }
            GroupRef::Name(..) => {
                let offset = self.at - 1;
                self.references.push((group, offset));
            }
        }
        self.ast.has_references = true;
        let caseless = self.options.has(Options::CASELESS);
        self.add(Node::BackReference { group, caseless });
        Ok(())
    }

    /// `\g`: a back reference in braces or bare, or a call in angle brackets or quotes.
    fn g_escape(&mut self) -> Result<()> {
        let close = match self.peek() {
            Some(b'<') => b'>',
            Some(b'\'') => b'\'',
            _ => return self.g_reference(),
        };
        let begin = self.at + 1;
        self.at += 1;
        let numeric = match self.peek() {
            Some(b'+' | b'-') => self.peek_at(1).is_some_and(|c| c.is_ascii_digit()),
            Some(c) => c.is_ascii_digit(),
            None => false,
        };
        if numeric {
            let group = self.relative_or_absolute()?;
            if !self.eat(close) {
                return self.error(error::BACK_REFERENCE, begin - 1);
            }
            return self.recurse(GroupRef::Number(group), self.at - 1);
        }
        self.at = begin;
        let (name, end) = self.name(close)?;
        self.recurse(GroupRef::Name(name, end), self.at - 1)
    }

    fn g_reference(&mut self) -> Result<()> {
        let braced = self.peek() == Some(b'{');
        if braced {
            let end = self
                .rest()
                .iter()
                .skip(1)
                .position(|c| *c != b'-' && !c.is_ascii_digit());
            if end.is_some_and(|end| self.peek_at(end + 1) != Some(b'}')) {
                return self.k_escape();
            }
            self.at += 1;
        }
        let negative = self.eat(b'-');
        let number = self.number().unwrap_or(0);
        if number > i32::MAX as u32 {
            return self.here_at_last(error::NUMBER_TOO_BIG);
        }
        if braced && !self.eat(b'}') {
            return self.here(error::BACK_REFERENCE);
        }
        if number == 0 {
            return self.here_at_last(error::REFERENCE_ZERO);
        }
        if !negative {
            return self.reference(GroupRef::Number(number));
        }
        if number > self.groups {
            return self.here_at_last(error::NO_SUCH_GROUP);
        }
        self.reference(GroupRef::Number(self.groups - (number - 1)))
    }

    /// `\k` and a name in braces, angle brackets or quotes.
    fn k_escape(&mut self) -> Result<()> {
        let close = match self.peek() {
            Some(b'{') => b'}',
            Some(b'<') => b'>',
            Some(b'\'') => b'\'',
            _ => return self.here_at_last(error::NAMED_REFERENCE),
        };
        self.at += 1;
        let (name, end) = self.name(close)?;
        self.reference(GroupRef::Name(name, end))
    }
}

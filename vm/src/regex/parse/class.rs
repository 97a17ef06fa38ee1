//! Character classes: `[..]`.

use super::super::ast::{Assertion, GroupKind, Node};
use super::super::ctype;
use super::super::error;
use super::super::options::Options;
use super::super::set::Set;
use super::super::unicode::Property;
use super::escape::Escape;
use super::{Parser, Result};

/// A member of a class.
enum Member {
    Char(u32),
    Set,
    /// Nothing, such as `\E`.
    Nothing,
}

impl Parser<'_> {
    /// Whether `[:name:]`, `[.name.]` or `[=name=]` begins here, and where its end is.
    fn posix_syntax(&self, at: usize) -> Option<usize> {
        let rest = self.pattern.get(at..)?;
        let mark = *rest.get(1)?;
        if rest[0] != b'[' || !matches!(mark, b':' | b'.' | b'=') {
            return None;
        }
        let mut i = 2;
        while let Some(&c) = rest.get(i) {
            match c {
                b'\\' if matches!(rest.get(i + 1), Some(b']' | b'\\')) => i += 1,
                b'[' if rest.get(i + 1) == Some(&mark) => return None,
                b']' => return None,
                c if c == mark && rest.get(i + 1) == Some(&b']') => return Some(at + i),
                _ => {}
            }
            i += 1;
        }
        None
    }

    /// A bracket outside of a class.
    pub(super) fn bracket(&mut self) -> Result<()> {
        let begin = self.at;
        for (text, behind) in [(&b"[[:<:]]"[..], false), (b"[[:>:]]", true)] {
            if self.rest().starts_with(text) {
                self.at += text.len();
                self.word_edge(behind);
                return Ok(());
            }
        }
        if self.posix_syntax(begin).is_some() {
            let mark = self.pattern[begin + 1];
            return self.error(
                if mark == b':' {
                    error::POSIX_OUTSIDE
                } else {
                    error::POSIX_COLLATING
                },
                begin,
            );
        }
        self.at += 1;
        let mut negated = false;
        loop {
            if self.eat_all(b"\\E") || self.eat_all(b"\\Q\\E") {
                continue;
            }
            if !negated && self.eat(b'^') {
                negated = true;
                continue;
            }
            break;
        }
        let mut set = Set::default();
        self.class_members(&mut set)?;
        if negated {
            set.negate();
        }
        self.add_set(set);
        Ok(())
    }

    /// `\b(?=\w)` or `\b(?<=\w)`.
    fn word_edge(&mut self, behind: bool) {
        self.add_unrepeatable(Node::Assertion(Assertion::WordBoundary));
        let Some(set) = self.letter_set(b'w') else {
            return;
        };
        self.open(GroupKind::Look {
            behind,
            negative: false,
        });
        self.add_set(set);
        let look = self.close_frame();
        self.add_id(look);
    }

    /// The members up to the closing bracket.
    fn class_members(&mut self, set: &mut Set) -> Result<()> {
        let mut is_first = true;
        let mut quoting = false;
        loop {
            let Some(byte) = self.peek() else {
                return self.here(error::CLASS_END);
            };
            if quoting {
                if self.eat_all(b"\\E") {
                    quoting = false;
                    continue;
                }
            } else if byte == b']' && !is_first {
                self.at += 1;
                return Ok(());
            } else if self.eat_all(b"\\Q") {
                quoting = true;
                continue;
            }
            is_first = false;
            let first = match self.class_member(set, quoting)? {
                Member::Char(c) => c,
                Member::Set | Member::Nothing => continue,
            };
            // Perhaps a range follows.
            if !quoting {
                while self.eat_all(b"\\E") {}
            }
            let behind_first = self.at;
            if quoting && self.eat_all(b"\\E") {
                quoting = false;
            }
            if !quoting && self.peek() == Some(b'-') {
                self.at += 1;
                while self.eat_all(b"\\E") {}
                quoting = self.eat_all(b"\\Q") && !self.eat_all(b"\\E");
                match self.peek() {
                    None => return self.here(error::CLASS_END),
                    Some(b']') if !quoting => {
                        // The hyphen is the last member.
                        self.add_member(set, first, first);
                        self.add_member(set, b'-' as u32, b'-' as u32);
                        continue;
                    }
                    Some(_) => {}
                }
                if !quoting && self.posix_syntax(self.at).is_some() {
                    return self.error(error::CLASS_RANGE, self.at);
                }
                let escape_at = self.at + 1;
                if !quoting && self.rest().starts_with(b"\\N") {
                    return self.error(error::CLASS_RANGE, escape_at);
                }
                match self.class_member(set, quoting)? {
                    Member::Char(last) if last < first => {
                        return self.error(error::RANGE_ORDER, self.at - 1);
                    }
                    Member::Char(last) => self.add_member(set, first, last),
                    Member::Set => {
                        return self.error(error::CLASS_RANGE, escape_at);
                    }
                    Member::Nothing => {
                        self.add_member(set, first, first);
                        self.at = behind_first + 1;
                        self.add_member(set, b'-' as u32, b'-' as u32);
                    }
                }
                continue;
            }
            self.add_member(set, first, first);
        }
    }

    fn add_member(&mut self, set: &mut Set, first: u32, last: u32) {
        if first <= 13 && last >= 10 && (first <= 10 || last >= 13) {
            self.compile.options = self.compile.options.with(Options::HAS_CR_OR_LF);
        }
        if self.options.has(Options::CASELESS) {
            set.add_caseless_range(first, last, self.utf);
        } else {
            set.add_range(first, last);
        }
    }

    fn class_member(&mut self, set: &mut Set, quoting: bool) -> Result<Member> {
        let byte = self.peek();
        if !quoting
            && byte == Some(b'[')
            && let Some(end) = self.posix_syntax(self.at)
        {
            self.posix_class(set, end)?;
            return Ok(Member::Set);
        }
        if quoting || byte != Some(b'\\') {
            return Ok(self.next_char().map_or(Member::Nothing, Member::Char));
        }
        Ok(match self.escape(true)? {
            Escape::Char(c) => Member::Char(c),
            Escape::Reference(_) => Member::Nothing,
            Escape::Property(property, negated) => {
                set.add_property(property, negated);
                Member::Set
            }
            Escape::Letter(b'b') => Member::Char(8),
            Escape::Letter(b'E' | b'Q') => Member::Nothing,
            Escape::Letter(b'N') => {
                return self.error(error::NOT_NEWLINE_IN_CLASS, self.at - 1);
            }
            Escape::Letter(letter) => match self.letter_set(letter) {
                Some(found) => {
                    merge(set, &found);
                    Member::Set
                }
                None if self.options.has(Options::EXTRA) => {
                    return self.error(error::CLASS_ESCAPE, self.at - 1);
                }
                None => Member::Char(letter as u32),
            },
        })
    }

    /// `[:name:]` or `[:^name:]`, whose second colon is at `end`.
    fn posix_class(&mut self, set: &mut Set, end: usize) -> Result<()> {
        let begin = self.at;
        if self.pattern[begin + 1] != b':' {
            return self.error(error::POSIX_COLLATING, begin);
        }
        let mut name = &self.pattern[begin + 2..end];
        let negated = name.first() == Some(&b'^');
        if negated {
            name = &name[1..];
        }
        let Some(is_member) = ctype::posix(name) else {
            return self.error(error::POSIX_UNKNOWN, begin + 2 + negated as usize);
        };
        let caseless = self.options.has(Options::CASELESS);
        if caseless && matches!(name, b"lower" | b"upper") {
            name = b"alpha";
        }
        self.at = end + 2;
        if self.options.has(Options::UCP)
            && let Some(property) = ucp_class(name)
        {
            match property {
                Some(property) => set.add_property(property, negated),
                None => set.add_ranges(ctype::HORIZONTAL, negated),
            }
            return Ok(());
        }
        let is_member = ctype::posix(name).unwrap_or(is_member);
        set.add_class(|byte| is_member(byte) != negated);
        if negated {
            set.add_all_wide();
        }
        Ok(())
    }
}

/// What a POSIX class is with `ucp`: a property, horizontal space, or what it is without.
fn ucp_class(name: &[u8]) -> Option<Option<Property>> {
    Some(match name {
        b"alpha" => Some(Property::Major(b'L')),
        b"lower" => Some(Property::Minor(b'L', b'l')),
        b"upper" => Some(Property::Minor(b'L', b'u')),
        b"alnum" => Some(Property::Alphanumeric),
        b"blank" => None,
        b"digit" => Some(Property::Minor(b'N', b'd')),
        b"graph" => Some(Property::Graph),
        b"print" => Some(Property::Print),
        b"punct" => Some(Property::Punct),
        b"space" => Some(Property::Space),
        b"word" => Some(Property::Word),
        _ => return None,
    })
}

fn merge(set: &mut Set, other: &Set) {
    for (byte, more) in set.bitmap.iter_mut().zip(other.bitmap) {
        *byte |= more;
    }
    set.ranges.extend_from_slice(&other.ranges);
    set.properties.extend_from_slice(&other.properties);
}

//! Parentheses: groups, assertions, conditions, calls, option settings, verbs.

use super::super::ast::{Condition, GroupKind, GroupRef, Name, Node, Verb};
use super::super::ctype;
use super::super::error;
use super::super::options::Options;
use super::{Parser, Result};

/// Most characters of a name.
const MAX_NAME: usize = 32;

/// Most characters of a verb's argument.
const MAX_VERB_NAME: usize = 255;

impl Parser<'_> {
    /// What begins with `(`. `as_condition` if it has to be an assertion.
    pub(super) fn parenthesis(&mut self, as_condition: bool) -> Result<()> {
        self.at += 1;
        if self.peek() == Some(b'*')
            && self
                .peek_at(1)
                .is_some_and(|c| c == b':' || ctype::is_alpha(c))
        {
            return self.verb();
        }
        if !self.eat(b'?') {
            if as_condition {
                return self.here(error::CONDITION_ASSERTION);
            }
            if self.options.has(Options::NO_AUTO_CAPTURE) {
                self.open(GroupKind::Plain);
            } else {
                self.capture();
            }
            return Ok(());
        }
        let Some(byte) = self.peek() else {
            return self.here(error::AFTER_GROUP);
        };
        let is_look = matches!(byte, b'=' | b'!')
            || (byte == b'<' && matches!(self.peek_at(1), Some(b'=' | b'!')));
        if as_condition && !is_look && byte != b'C' {
            return self.error(error::CONDITION_ASSERTION, self.at - 1);
        }
        self.at += 1;
        let kind = match byte {
            b'#' => return self.comment(),
            b':' => GroupKind::Plain,
            b'|' => {
                self.open(GroupKind::Plain);
                let groups = self.groups;
                self.frame().reset = Some((groups, groups));
                return Ok(());
            }
            b'>' => GroupKind::Atomic,
            b'=' | b'!' => GroupKind::Look {
                behind: false,
                negative: byte == b'!',
            },
            b'<' => match self.peek() {
                Some(c @ (b'=' | b'!')) => {
                    self.at += 1;
                    GroupKind::Look {
                        behind: true,
                        negative: c == b'!',
                    }
                }
                Some(c) if ctype::is_word(c) => return self.named_group(b'>'),
                _ => return self.here(error::AFTER_NAMED),
            },
            b'\'' => return self.named_group(b'\''),
            b'(' => return self.conditional(),
            b'C' => return self.callout(as_condition),
            b'P' => match self.peek() {
                Some(b'<') => {
                    self.at += 1;
                    return self.named_group(b'>');
                }
                Some(c @ (b'=' | b'>')) => {
                    self.at += 1;
                    let (begin, end) = self.name(b')')?;
                    let group = GroupRef::Name(begin, end);
                    if c == b'=' {
                        return self.reference(group);
                    }
                    return self.recurse(group, self.at - 1);
                }
                _ => return self.here(error::AFTER_P),
            },
            b'&' => {
                let (begin, end) = self.name(b')')?;
                return self.recurse(GroupRef::Name(begin, end), self.at - 1);
            }
            b'R' => {
                if !self.eat(b')') {
                    return self.here(error::RECURSION_END);
                }
                return self.recurse(GroupRef::Number(0), self.at - 1);
            }
            b'0'..=b'9' | b'+' => return self.numbered_call(),
            b'-' if self.peek().is_some_and(|c| c.is_ascii_digit()) => return self.numbered_call(),
            _ => return self.option_setting(),
        };
        self.open(kind);
        Ok(())
    }

    fn capture(&mut self) {
        self.groups += 1;
        self.open(GroupKind::Capture(self.groups));
    }

    pub(super) fn close(&mut self) -> Result<()> {
        let kind = self.frame().kind;
        let alternatives = self.frame().alternatives.len() + 1;
        match kind {
            GroupKind::Conditional(Condition::Define) if alternatives > 1 => {
                return self.here(error::DEFINE_BRANCHES);
            }
            GroupKind::Conditional(_) if alternatives > 2 => {
                return self.here(error::CONDITION_BRANCHES);
            }
            _ => {}
        }
        let mut id = self.close_frame();
        self.at += 1;
        if let GroupKind::Capture(group) = kind
            && self.self_references.contains(&group)
        {
            let list = self.ast.push_list(&[id]);
            id = self.ast.push(Node::Group(GroupKind::Atomic, list));
        }
        if let GroupKind::Look { .. } = kind {
            let frame = self.frame();
            if frame.kind == GroupKind::Conditional(Condition::Look(u32::MAX)) {
                frame.kind = GroupKind::Conditional(Condition::Look(id));
                frame.repeatable = false;
                return Ok(());
            }
        }
        self.add_id(id);
        Ok(())
    }

    fn comment(&mut self) -> Result<()> {
        match memchr::memchr(b')', self.rest()) {
            Some(length) => {
                self.at += length + 1;
                Ok(())
            }
            None => self.error(error::COMMENT_END, self.pattern.len()),
        }
    }

    /// `(?C1)`: callouts do nothing.
    fn callout(&mut self, as_condition: bool) -> Result<()> {
        let question_mark = self.at - 2;
        let number = self.number().unwrap_or(0);
        if number > 255 {
            return self.here(error::CALLOUT_NUMBER);
        }
        if !self.eat(b')') {
            if as_condition {
                return self.error(error::CONDITION_ASSERTION, question_mark);
            }
            return self.here(error::CALLOUT_END);
        }
        self.frame().repeatable = false;
        self.frame().wants_condition = as_condition;
        Ok(())
    }

    /// A name up to `close`, which is eaten: where it is in the pattern.
    pub(super) fn name(&mut self, close: u8) -> Result<(u32, u32)> {
        let begin = self.at;
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return self.here(error::NAME_DIGIT);
        }
        while self.peek().is_some_and(ctype::is_word) {
            self.at += 1;
        }
        let end = self.at;
        let found = self.peek() == Some(close);
        if end == begin && !self.opening {
            return self.here(error::NAME_EXPECTED);
        }
        if !found {
            return self.here(error::NAME_END);
        }
        if end - begin > MAX_NAME {
            return self.here(error::NAME_LENGTH);
        }
        self.at += 1;
        Ok((begin as u32, end as u32))
    }

    fn named_group(&mut self, close: u8) -> Result<()> {
        self.opening = true;
        let name = self.name(close);
        self.opening = false;
        let (begin, end) = name?;
        self.at -= 1;
        let text = &self.pattern[begin as usize..end as usize];
        let group = self.groups + 1;
        let duplicates =
            self.options.has(Options::DUPNAMES) || self.options.has(Options::INNER_DUPNAMES);
        for name in &self.ast.names {
            if name.text == text && name.group != group && !duplicates {
                return self.error(error::NAME_TWICE, self.at);
            }
            if name.text != text && name.group == group {
                return self.error(error::NAMES_OF_ONE, self.at);
            }
        }
        if !self
            .ast
            .names
            .iter()
            .any(|name| name.text == text && name.group == group)
        {
            self.ast.names.push(Name {
                text: text.to_vec(),
                group,
            });
        }
        self.at += 1;
        self.capture();
        Ok(())
    }

    /// A number for a group, with a sign if it is relative; the parser is at its beginning.
    pub(super) fn relative_or_absolute(&mut self) -> Result<u32> {
        let sign = self.peek().filter(|c| matches!(c, b'+' | b'-'));
        if sign.is_some() {
            self.at += 1;
            if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
                return self.here(error::DIGIT_EXPECTED);
            }
        }
        let number = self.number().unwrap_or(0);
        if number > i32::MAX as u32 {
            return self.here(error::NUMBER_TOO_BIG);
        }
        match sign {
            None => Ok(number),
            Some(_) if number == 0 => self.here(error::REFERENCE_ZERO),
            Some(b'-') if number > self.groups => self.here(error::NO_SUCH_GROUP),
            Some(b'-') => Ok(self.groups - (number - 1)),
            Some(_) => Ok(self.groups.saturating_add(number)),
        }
    }

    fn numbered_call(&mut self) -> Result<()> {
        self.at -= 1;
        let group = self.relative_or_absolute()?;
        if !self.eat(b')') {
            return self.here(error::RECURSION_END);
        }
        self.recurse(GroupRef::Number(group), self.at - 1)
    }

    /// Adds a call of a group.
    pub(super) fn recurse(&mut self, group: GroupRef, offset: usize) -> Result<()> {
        if let Some(known) = self.known_group(group) {
            self.check_left_recursion(known, offset)?;
        }
        self.references.push((group, offset));
        self.ast.has_references = true;
        self.add(Node::Recurse(group));
        // A call of a group that is closed may be empty if the group may.
        if let Some(known) = self.known_group(group) {
            let closed = self.ast.nodes.iter().position(
                |node| matches!(node, Node::Group(GroupKind::Capture(n), _) if *n == known),
            );
            if let Some(empty) = closed.and_then(|id| self.ast.can_be_empty.get(id).copied())
                && let Some(last) = self.ast.can_be_empty.last_mut()
            {
                *last = empty;
            }
        }
        Ok(())
    }

    /// The number of a group that has begun, if it has a known name.
    pub(super) fn known_group(&self, group: GroupRef) -> Option<u32> {
        match group {
            GroupRef::Number(number) => Some(number),
            GroupRef::Name(begin, end) => {
                let text = &self.pattern[begin as usize..end as usize];
                let known = self.ast.names.iter().find(|name| name.text == text);
                known.map(|name| name.group)
            }
        }
    }

    /// A call of an open group with nothing matched since its beginning would never end.
    fn check_left_recursion(&mut self, group: u32, offset: usize) -> Result<()> {
        let kind = if group == 0 {
            GroupKind::Root
        } else {
            GroupKind::Capture(group)
        };
        let Some(outermost) = self.frames.iter().position(|frame| frame.kind == kind) else {
            return Ok(());
        };
        let is_empty = self.frames[outermost..].iter().all(|frame| {
            !matches!(frame.kind, GroupKind::Conditional(_))
                && frame
                    .items
                    .iter()
                    .all(|item| self.ast.can_be_empty[*item as usize])
        });
        if is_empty {
            return self.error(error::ENDLESS_RECURSION, offset);
        }
        Ok(())
    }

    /// `(?(`
    fn conditional(&mut self) -> Result<()> {
        let condition = match self.peek() {
            Some(b'?') => {
                self.at -= 1;
                self.open(GroupKind::Conditional(Condition::Look(u32::MAX)));
                self.frame().wants_condition = true;
                return Ok(());
            }
            Some(b'<') => self.named_condition(b'>')?,
            Some(b'\'') => self.named_condition(b'\'')?,
            Some(b'+' | b'-') => {
                if !self.peek_at(1).is_some_and(|c| c.is_ascii_digit()) {
                    return self.here(error::CONDITION);
                }
                let relative_at = self.at;
                let sign = self.pattern[relative_at];
                self.at += 1;
                let number = self.condition_number()?;
                let group = if sign == b'+' {
                    self.groups.saturating_add(number)
                } else if number > self.groups {
                    return self.error(error::NO_SUCH_GROUP, self.at + 1);
                } else {
                    self.groups - (number - 1)
                };
                self.condition_of(GroupRef::Number(group))?
            }
            Some(b'0'..=b'9') => {
                let number = self.condition_number()?;
                self.condition_of(GroupRef::Number(number))?
            }
            Some(b'R') if self.peek_at(1) == Some(b'&') => {
                self.at += 2;
                let begin = self.at;
                if self.peek().is_some_and(|c| c.is_ascii_digit()) {
                    return self.here(error::NAME_DIGIT);
                }
                self.word();
                let group = GroupRef::Name(begin as u32, self.at as u32);
                self.references.push((group, self.at + 1));
                self.end_condition(begin)?;
                Condition::Recursion(group)
            }
            Some(c) if ctype::is_word(c) => self.bare_condition()?,
            _ => return self.here(error::CONDITION_ASSERTION),
        };
        self.open(GroupKind::Conditional(condition));
        Ok(())
    }

    fn condition_number(&mut self) -> Result<u32> {
        let number = self.number().unwrap_or(0);
        if number > i32::MAX as u32 {
            return self.here(error::NUMBER_TOO_BIG);
        }
        if number == 0 {
            return self.error(error::CONDITION_ZERO, self.at + 1);
        }
        Ok(number)
    }

    fn word(&mut self) {
        while self.peek().is_some_and(ctype::is_word) {
            self.at += 1;
        }
    }

    fn end_condition(&mut self, begin: usize) -> Result<()> {
        if begin == self.at || !self.eat(b')') {
            return self.here(error::CONDITION);
        }
        Ok(())
    }

    fn condition_of(&mut self, group: GroupRef) -> Result<Condition> {
        if !self.eat(b')') {
            return self.here(error::CONDITION);
        }
        self.references.push((group, self.at));
        Ok(Condition::Group(group))
    }

    fn named_condition(&mut self, close: u8) -> Result<Condition> {
        self.at += 1;
        let begin = self.at;
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return self.here(error::NAME_DIGIT);
        }
        self.word();
        let end = self.at;
        if begin == end {
            return self.here(error::CONDITION_ASSERTION);
        }
        if !self.eat(close) {
            return self.here(error::CONDITION);
        }
        self.condition_of(GroupRef::Name(begin as u32, end as u32))
    }

    /// `(?(name)`, `(?(R)`, `(?(R1)` or `(?(DEFINE)`.
    fn bare_condition(&mut self) -> Result<Condition> {
        let begin = self.at;
        self.word();
        let text = &self.pattern[begin..self.at];
        self.end_condition(begin)?;
        let offset = self.at;
        let is_name = self.ast.names.iter().any(|name| name.text == text);
        if is_name {
            let name = GroupRef::Name(begin as u32, begin as u32 + text.len() as u32);
            return Ok(Condition::Group(name));
        }
        if let Some((b'R', digits)) = text.split_first()
            && digits.iter().all(u8::is_ascii_digit)
        {
            if digits.is_empty() {
                return Ok(Condition::AnyRecursion);
            }
            let number = digits.iter().fold(0u32, |number, digit| {
                number
                    .saturating_mul(10)
                    .saturating_add((digit - b'0') as u32)
            });
            if number > i32::MAX as u32 {
                return self.here(error::NUMBER_TOO_BIG);
            }
            return Ok(Condition::Recursion(GroupRef::Number(number)));
        }
        if text == b"DEFINE" {
            return Ok(Condition::Define);
        }
        let name = GroupRef::Name(begin as u32, begin as u32 + text.len() as u32);
        self.references.push((name, offset));
        Ok(Condition::Group(name))
    }

    /// `(?i)`, `(?i-s:` and so on; the parser is behind the first letter.
    fn option_setting(&mut self) -> Result<()> {
        self.at -= 1;
        let mut on = Options::default();
        let mut off = Options::default();
        let mut negative = false;
        loop {
            let option = match self.peek() {
                Some(b'-') => {
                    negative = true;
                    self.at += 1;
                    continue;
                }
                Some(b'i') => Options::CASELESS,
                Some(b'm') => Options::MULTILINE,
                Some(b's') => Options::DOTALL,
                Some(b'x') => Options::EXTENDED,
                Some(b'U') => Options::UNGREEDY,
                Some(b'X') => Options::EXTRA,
                Some(b'J') => Options::INNER_DUPNAMES,
                Some(b')' | b':') => break,
                _ => {
                    return self.here(error::AFTER_GROUP);
                }
            };
            self.at += 1;
            if negative {
                off = off.with(option);
            } else {
                on = on.with(option);
            }
        }
        let options = self.options.with(on).without(off);
        if self.eat(b')') {
            self.options = options;
            self.frame().repeatable = false;
        } else {
            self.at += 1;
            self.open(GroupKind::Plain);
            self.options = options;
        }
        Ok(())
    }

    /// `(*NAME)` or `(*NAME:ARG)`; the parser is at the asterisk.
    fn verb(&mut self) -> Result<()> {
        self.at += 1;
        let begin = self.at;
        while self.peek().is_some_and(ctype::is_alpha) {
            self.at += 1;
        }
        let name = &self.pattern[begin..self.at];
        let mut argument = None;
        if self.eat(b':') {
            let from = self.at;
            let length = memchr::memchr(b')', self.rest()).unwrap_or(self.rest().len());
            self.at += length;
            if length > MAX_VERB_NAME {
                return self.here(error::VERB_NAME_LENGTH);
            }
            argument = Some(&self.pattern[from..from + length]);
        }
        if self.peek() != Some(b')') {
            return self.here(error::VERB_UNKNOWN);
        }
        let argument = argument.filter(|text| !text.is_empty());
        let verb = match name {
            b"" | b"MARK" => match argument {
                Some(text) => Verb::Mark(self.mark(text)),
                None => return self.here(error::MARK_ARGUMENT),
            },
            b"ACCEPT" => Verb::Accept,
            b"F" | b"FAIL" => Verb::Fail,
            b"COMMIT" => Verb::Commit,
            b"PRUNE" => Verb::Prune,
            b"THEN" => Verb::Then,
            b"SKIP" => match argument {
                Some(text) => Verb::SkipTo(self.mark(text)),
                None => Verb::Skip,
            },
            _ => return self.here(error::VERB_UNKNOWN),
        };
        if argument.is_some() && matches!(verb, Verb::Accept | Verb::Fail | Verb::Commit) {
            return self.here(error::VERB_ARGUMENT);
        }
        self.at += 1;
        if !matches!(verb, Verb::Accept | Verb::Fail) {
            self.ast.has_verbs = true;
        }
        if verb == Verb::Accept {
            self.ast.has_references = true;
        }
        self.add_unrepeatable(Node::Verb(verb));
        Ok(())
    }

    fn mark(&mut self, text: &[u8]) -> u32 {
        if let Some(known) = self.ast.marks.iter().position(|mark| mark == text) {
            return known as u32;
        }
        self.ast.marks.push(text.to_vec());
        self.ast.marks.len() as u32 - 1
    }
}

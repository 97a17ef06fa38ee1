//! Quantifiers.

use super::super::ast::{Condition, GroupKind, Node, UNLIMITED};
use super::super::error;
use super::{Parser, Result};

/// Most repetitions that a quantifier may name.
const MAX_REPEAT: u32 = 65535;

impl Parser<'_> {
    /// The numbers of a `{n}`, `{n,}` or `{n,m}` that stands here, and its length. Anything else is text.
    pub(super) fn counted(&self) -> Option<(u32, u32, usize)> {
        let rest = self.rest();
        let digits = |from: usize| {
            let count = rest[from..]
                .iter()
                .take_while(|c| c.is_ascii_digit())
                .count();
            let value = rest[from..from + count].iter().fold(0u64, |value, digit| {
                (value * 10 + (digit - b'0') as u64).min(1 << 40)
            });
            (value.min(u32::MAX as u64 - 1) as u32, from + count)
        };
        let (min, at) = digits(1);
        if at == 1 {
            return None;
        }
        let (max, at) = match rest.get(at)? {
            b'}' => (min, at),
            b',' if rest.get(at + 1) == Some(&b'}') => (UNLIMITED, at + 1),
            b',' => {
                let (max, end) = digits(at + 1);
                if end == at + 1 {
                    return None;
                }
                (max, end)
            }
            _ => return None,
        };
        (rest.get(at) == Some(&b'}')).then_some((min, max, at + 1))
    }

    /// Applies the quantifier that stands here to the last item.
    pub(super) fn quantifier(&mut self) -> Result<()> {
        let begin = self.at;
        let (min, max) = match self.peek() {
            Some(b'*') => (0, UNLIMITED),
            Some(b'+') => (1, UNLIMITED),
            Some(b'?') => (0, 1),
            _ => {
                let Some((min, max, length)) = self.counted() else {
                    return self.here(error::NOTHING_TO_REPEAT);
                };
                self.check_counts(min, max)?;
                self.at += length - 1;
                (min, max)
            }
        };
        self.at += 1;
        if !self.frame().repeatable {
            // PCRE has read a counted quantifier by then, but for its brace.
            let offset = if self.pattern[begin] == b'{' {
                self.at - 1
            } else {
                begin
            };
            return self.error(error::NOTHING_TO_REPEAT, offset);
        }
        let mode = self.mode();
        let Some(item) = self.frame().items.pop() else {
            return self.error(error::NOTHING_TO_REPEAT, begin);
        };
        let (min, max) = match self.ast.node(item) {
            // An assertion is tried at most once.
            Node::Group(GroupKind::Look { .. }, _) => (min.min(1), max.min(1)),
            Node::Group(GroupKind::Conditional(Condition::Define), _) => {
                self.add_id(item);
                self.frame().repeatable = false;
                return Ok(());
            }
            _ => (min, max),
        };
        self.add_unrepeatable(Node::Repeat {
            item,
            min,
            max,
            mode,
        });
        Ok(())
    }

    fn check_counts(&self, min: u32, max: u32) -> Result<()> {
        let rest = self.rest();
        // The offset is behind the digits of the number that is wrong.
        let end_of = |number: usize| {
            let mut seen = 0;
            rest.iter()
                .position(|c| {
                    seen += matches!(c, b',' | b'}') as usize;
                    seen == number
                })
                .unwrap_or(rest.len())
        };
        // A number is read until it is too large.
        let too_large = |from: usize| {
            let mut value = 0u32;
            rest[from..]
                .iter()
                .position(|digit| {
                    value = value * 10 + (digit - b'0') as u32;
                    value > MAX_REPEAT
                })
                .map_or(rest.len(), |i| from + i + 1)
        };
        if min > MAX_REPEAT {
            return self.error(error::QUANTIFIER_SIZE, self.at + too_large(1));
        }
        if max != UNLIMITED && max > MAX_REPEAT {
            return self.error(error::QUANTIFIER_SIZE, self.at + too_large(end_of(1) + 1));
        }
        if max < min {
            return self.error(error::QUANTIFIER_ORDER, self.at + end_of(2));
        }
        Ok(())
    }
}

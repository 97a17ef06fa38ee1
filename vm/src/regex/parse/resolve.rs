//! What can be checked only when the whole pattern is known: names, group numbers, lengths of lookbehinds.

use super::super::analysis::{Length, fixed_lengths};
use super::super::ast::{Condition, GroupKind, GroupRef, Node};
use super::super::error;
use super::super::options::Options;
use super::{Parser, Result};

impl Parser<'_> {
    pub(super) fn resolve(&mut self) -> Result<()> {
        self.ast
            .names
            .sort_by(|a, b| a.text.cmp(&b.text).then(a.group.cmp(&b.group)));
        for (group, offset) in core::mem::take(&mut self.references) {
            let exists = match group {
                GroupRef::Number(number) => number <= self.groups,
                GroupRef::Name(begin, end) => self.group_named(begin, end).is_some(),
            };
            if !exists {
                return self.error(error::NO_SUCH_GROUP, offset);
            }
        }
        if self.highest_reference > self.groups {
            return self.error(error::NO_SUCH_GROUP, self.pattern.len());
        }
        self.number_references();
        self.check_lookbehinds()
    }

    fn group_named(&self, begin: u32, end: u32) -> Option<u32> {
        let text = self.pattern.get(begin as usize..end as usize)?;
        let name = self.ast.names.iter().find(|name| name.text == text)?;
        Some(name.group)
    }

    /// Calls and conditions on recursion are of the first group with a name. Back references and conditions on groups may be of several, so
    /// they keep the name, as its place in the list of names.
    fn number_references(&mut self) {
        for i in 0..self.ast.nodes.len() {
            let node = match self.ast.nodes[i] {
                Node::Recurse(GroupRef::Name(begin, end)) => {
                    Node::Recurse(GroupRef::Number(self.group_named(begin, end).unwrap_or(0)))
                }
                Node::Group(
                    GroupKind::Conditional(Condition::Recursion(GroupRef::Name(begin, end))),
                    list,
                ) => {
                    let number = self.group_named(begin, end).unwrap_or(0);
                    let condition = Condition::Recursion(GroupRef::Number(number));
                    Node::Group(GroupKind::Conditional(condition), list)
                }
                Node::BackReference {
                    group: GroupRef::Name(begin, end),
                    caseless,
                } => Node::BackReference {
                    group: self.names_of(begin, end),
                    caseless,
                },
                Node::Group(
                    GroupKind::Conditional(Condition::Group(GroupRef::Name(begin, end))),
                    list,
                ) => {
                    let condition = Condition::Group(self.names_of(begin, end));
                    Node::Group(GroupKind::Conditional(condition), list)
                }
                other => other,
            };
            self.ast.nodes[i] = node;
        }
    }

    /// A name's range in the list of names, or the number of its only group.
    fn names_of(&self, begin: u32, end: u32) -> GroupRef {
        let text = &self.pattern[begin as usize..end as usize];
        let names = &self.ast.names;
        let first = names.partition_point(|name| name.text[..] < *text);
        let last = names.partition_point(|name| name.text[..] <= *text);
        if last - first == 1 {
            GroupRef::Number(names[first].group)
        } else {
            GroupRef::Name(first as u32, last as u32)
        }
    }

    fn check_lookbehinds(&self) -> Result<()> {
        if self.lookbehinds.is_empty() {
            return Ok(());
        }
        let utf = self.options.has(Options::UTF);
        let lengths = fixed_lengths(&self.ast, utf);
        for &(alternative, offset, first) in &self.lookbehinds {
            // With a call in it, PCRE looks at it when everything else has been read.
            let nodes = &self.ast.nodes[first..alternative as usize + 1];
            let has_call = nodes.iter().any(|node| matches!(node, Node::Recurse(_)));
            let offset = if has_call { self.pattern.len() } else { offset };
            match lengths[alternative as usize] {
                Length::Fixed(_) => {}
                Length::Bytes => return self.error(error::BYTE_IN_LOOKBEHIND, offset),
                Length::Variable => return self.error(error::NOT_FIXED, offset),
            }
        }
        Ok(())
    }
}

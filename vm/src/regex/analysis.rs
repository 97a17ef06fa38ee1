//! What is known of a pattern before it runs: fixed lengths, first bytes, a literal beginning, a byte that every match has.

use super::ast::{Assertion, Ast, GroupKind, GroupRef, Node, NodeId, UNLIMITED, Verb};
use super::ctype;
use super::set::Set;
use super::text;
use alloc::vec;
use alloc::vec::Vec;

/// How many characters a node matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Fixed(u32),
    Variable,
    /// Variable because a `\C` of a UTF-8 pattern may be a part of a character.
    Bytes,
}

/// The length of each node, for lookbehind.
pub fn fixed_lengths(ast: &Ast, utf: bool) -> Vec<Length> {
    let mut lengths = vec![Length::Variable; ast.nodes.len()];
    let mut group_nodes = vec![None; ast.groups as usize + 1];
    for (id, node) in ast.nodes.iter().enumerate() {
        if let Node::Group(GroupKind::Capture(number), _) = node
            && let Some(slot) = group_nodes.get_mut(*number as usize)
        {
            slot.get_or_insert(id);
        }
    }
    // Calls may be of groups further on, so that it takes more than one walk when there are any.
    loop {
        let mut changed = false;
        for id in 0..ast.nodes.len() {
            let new = match ast.nodes[id] {
                Node::Recurse(GroupRef::Number(number)) => group_nodes
                    .get(number as usize)
                    .copied()
                    .flatten()
                    .map_or(Length::Variable, |group: usize| lengths[group]),
                _ => length(ast, id, &lengths, utf),
            };
            changed |= new != lengths[id];
            lengths[id] = new;
        }
        if !changed || !ast.has_references {
            return lengths;
        }
    }
}

fn length(ast: &Ast, id: usize, lengths: &[Length], utf: bool) -> Length {
    let of = |id: &NodeId| lengths[*id as usize];
    match ast.nodes[id] {
        Node::Char { .. } | Node::Set(_) | Node::NotNewline | Node::AnyChar => Length::Fixed(1),
        Node::AnyByte if utf => Length::Bytes,
        Node::AnyByte => Length::Fixed(1),
        Node::Empty | Node::Assertion(_) | Node::KeepOut | Node::Verb(_) => Length::Fixed(0),
        Node::NewlineSequence
        | Node::GraphemeCluster
        | Node::BackReference { .. }
        | Node::Recurse(_) => Length::Variable,
        // What follows an `(*ACCEPT)` is not matched.
        Node::Concat(list) => ast
            .list(list)
            .iter()
            .take_while(|id| ast.node(**id) != Node::Verb(Verb::Accept))
            .map(of)
            .fold(Length::Fixed(0), add),
        Node::Group(GroupKind::Look { .. }, _) => Length::Fixed(0),
        Node::Group(_, list) => {
            let mut alternatives = ast.list(list).iter().map(of);
            let first = alternatives.next().unwrap_or(Length::Fixed(0));
            alternatives.fold(
                first,
                |all, one| if all == one { all } else { Length::Variable },
            )
        }
        Node::Repeat { item, min, max, .. } => match of(&item) {
            Length::Fixed(length) if min == max && (max > 0 || is_single(ast, item)) => length
                .checked_mul(min)
                .map_or(Length::Variable, Length::Fixed),
            Length::Bytes => Length::Bytes,
            _ => Length::Variable,
        },
    }
}

/// Whether a node is a single character.
fn is_single(ast: &Ast, id: NodeId) -> bool {
    matches!(
        ast.node(id),
        Node::Char { .. } | Node::Set(_) | Node::NotNewline | Node::AnyChar | Node::AnyByte
    )
}

fn add(a: Length, b: Length) -> Length {
    match (a, b) {
        (Length::Fixed(a), Length::Fixed(b)) => {
            a.checked_add(b).map_or(Length::Variable, Length::Fixed)
        }
        (Length::Bytes, _) | (_, Length::Bytes) => Length::Bytes,
        _ => Length::Variable,
    }
}

/// The bytes that a match can begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    pub bytes: [u8; 32],
    /// Whether a match may be empty or begin with anything.
    pub any: bool,
}

impl First {
    const NONE: First = First {
        bytes: [0; 32],
        any: false,
    };
    const ANY: First = First {
        bytes: [0xff; 32],
        any: true,
    };

    fn add(&mut self, byte: u8) {
        self.bytes[byte as usize / 8] |= 1 << (byte % 8);
    }

    fn union(mut self, other: First) -> First {
        for (byte, more) in self.bytes.iter_mut().zip(other.bytes) {
            *byte |= more;
        }
        self.any |= other.any;
        self
    }

    /// Whether a match can begin with `byte`.
    pub fn has(&self, byte: u8) -> bool {
        self.any || self.bytes[byte as usize / 8] & 1 << (byte % 8) != 0
    }

    /// The members, if there are at most `most` of them.
    pub fn members(&self, most: usize) -> Option<Vec<u8>> {
        let count: u32 = self.bytes.iter().map(|byte| byte.count_ones()).sum();
        if self.any || count as usize > most {
            return None;
        }
        Some((0..=255).filter(|byte| self.has(*byte)).collect())
    }
}

/// The first bytes of a set.
pub fn first_of_set(set: &Set, utf: bool) -> First {
    let mut first = First {
        bytes: set.bitmap,
        any: false,
    };
    if utf {
        // Above ASCII, the first byte of a sequence says little.
        for byte in 128..=255u8 {
            let is_start = byte >= 0xc2;
            let bit = 1 << (byte % 8);
            first.bytes[byte as usize / 8] &= !bit;
            if is_start && set_may_start(set, byte) {
                first.bytes[byte as usize / 8] |= bit;
            }
        }
    }
    first
}

fn set_may_start(set: &Set, byte: u8) -> bool {
    match byte {
        // Two bytes: the 64 characters it may begin.
        0xc2..=0xc3 => {
            let from = ((byte & 0x1f) as u32) << 6;
            (from..from + 64).any(|c| set.has(c))
        }
        _ => set.negated || !set.ranges.is_empty() || !set.properties.is_empty(),
    }
}

/// The first bytes of each node.
pub fn first_bytes(ast: &Ast, utf: bool) -> Vec<First> {
    let mut firsts: Vec<First> = Vec::with_capacity(ast.nodes.len());
    for node in &ast.nodes {
        let of = |id: NodeId| firsts[id as usize];
        let first = match *node {
            Node::Char { c, caseless } => first_of_char(c, caseless, utf),
            Node::Set(set) => first_of_set(&ast.sets[set as usize], utf),
            Node::NewlineSequence => {
                let mut first = First::NONE;
                for byte in [10, 11, 12, 13] {
                    first.add(byte);
                }
                if utf {
                    first.add(0xc2);
                    first.add(0xe2);
                } else {
                    first.add(0x85);
                }
                first
            }
            Node::Concat(list) => {
                let mut first = First::NONE;
                let mut is_empty = true;
                for id in ast.list(list) {
                    if is_transparent(ast, *id) {
                        continue;
                    }
                    first = first.union(of(*id));
                    if !ast.can_be_empty[*id as usize] {
                        is_empty = false;
                        break;
                    }
                }
                if is_empty {
                    First::ANY
                } else {
                    clear_any(first)
                }
            }
            Node::Group(GroupKind::Look { .. } | GroupKind::Conditional(_), _) => First::ANY,
            Node::Group(_, list) => ast
                .list(list)
                .iter()
                .fold(First::NONE, |first, id| first.union(of(*id))),
            Node::Repeat { item, min, max, .. } if max > 0 => {
                let mut first = of(item);
                first.any |= min == 0;
                first
            }
            _ => First::ANY,
        };
        firsts.push(first);
    }
    firsts
}

/// `any` of an optional item says that what follows it may be first, which has been looked at.
fn clear_any(mut first: First) -> First {
    first.any = first.bytes == [0xff; 32];
    first
}

/// What matches no character and says nothing of the next one either.
fn is_transparent(ast: &Ast, id: NodeId) -> bool {
    matches!(
        ast.node(id),
        Node::Empty | Node::Assertion(_) | Node::KeepOut | Node::Group(GroupKind::Look { .. }, _)
    ) || matches!(ast.node(id), Node::Verb(verb) if verb != Verb::Accept)
}

fn first_of_char(c: u32, caseless: bool, utf: bool) -> First {
    let mut first = First::NONE;
    let mut add = |c: u32| {
        let mut bytes = Vec::new();
        text::encode(c, utf, &mut bytes);
        first.add(bytes[0]);
    };
    add(c);
    if caseless && utf {
        let mut others = Vec::new();
        super::unicode::other_cases(c, &mut others);
        others.into_iter().for_each(&mut add);
    } else if caseless {
        add(ctype::other_case(c as u8) as u32);
    }
    first
}

/// The text that every match begins with.
pub fn literal_prefix(ast: &Ast, utf: bool) -> Vec<u8> {
    let mut prefix = Vec::new();
    let mut id = ast.root;
    loop {
        match ast.node(id) {
            Node::Group(GroupKind::Root | GroupKind::Plain | GroupKind::Capture(_), list)
                if list.end - list.start == 1 =>
            {
                id = ast.list(list)[0];
            }
            Node::Concat(list) => {
                for &item in ast.list(list) {
                    match ast.node(item) {
                        Node::Char { c, caseless: false } => text::encode(c, utf, &mut prefix),
                        _ => break,
                    }
                }
                return prefix;
            }
            Node::Char { c, caseless: false } => {
                text::encode(c, utf, &mut prefix);
                return prefix;
            }
            _ => return prefix,
        }
    }
}

/// The last byte that every match surely has, if it is a single one.
pub fn required_byte(ast: &Ast, utf: bool) -> Option<u8> {
    let mut work = vec![ast.root];
    while let Some(id) = work.pop() {
        match ast.node(id) {
            Node::Char { c, caseless: false } => {
                let mut bytes = Vec::new();
                text::encode(c, utf, &mut bytes);
                return bytes.last().copied();
            }
            Node::Group(
                GroupKind::Root | GroupKind::Plain | GroupKind::Capture(_) | GroupKind::Atomic,
                list,
            ) if list.end - list.start == 1 => work.push(ast.list(list)[0]),
            Node::Concat(list) => work.extend_from_slice(ast.list(list)),
            Node::Repeat { item, min, .. } if min > 0 => work.push(item),
            _ => {}
        }
    }
    None
}

/// Whether every match begins where the search or the subject does.
pub fn is_anchored(ast: &Ast) -> bool {
    every_alternative_begins(ast, |node| {
        matches!(
            node,
            Node::Assertion(
                Assertion::LineStart | Assertion::SubjectStart | Assertion::SearchStart
            )
        )
    })
}

/// Whether every match begins where the search does or behind a newline.
pub fn starts_line(ast: &Ast) -> bool {
    every_alternative_begins(ast, |node| match node {
        Node::Assertion(Assertion::MultilineStart | Assertion::LineStart) => true,
        Node::Repeat {
            item, min: 0, max, ..
        } => {
            max == UNLIMITED
                && !ast.has_references
                && !ast.has_verbs
                && matches!(ast.node(item), Node::NotNewline)
        }
        _ => false,
    })
}

fn every_alternative_begins(ast: &Ast, is_it: impl Fn(Node) -> bool) -> bool {
    let mut work = vec![ast.root];
    while let Some(id) = work.pop() {
        match ast.node(id) {
            Node::Group(GroupKind::Root | GroupKind::Plain | GroupKind::Capture(_), list) => {
                work.extend_from_slice(ast.list(list))
            }
            Node::Concat(list) => {
                let first = ast.list(list).first();
                work.extend(first);
            }
            node if is_it(node) => {}
            _ => return false,
        }
    }
    true
}

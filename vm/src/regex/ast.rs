//! A pattern as a tree.
//!
//! The nodes stand in one vector, children before their parents, so that what is computed of children for parents is a walk
//! along it, and a deep tree costs no native stack.

use super::set::Set;
use alloc::vec::Vec;

/// A node's place in [`Ast::nodes`].
pub type NodeId = u32;

/// Repetition without an upper bound.
pub const UNLIMITED: u32 = u32::MAX;

/// Which way a repetition prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Greedy,
    Lazy,
    Possessive,
}

/// What is true of a place, and matches no character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Assertion {
    /// `^`
    LineStart,
    /// `^` with `multiline`
    MultilineStart,
    /// `$`
    LineEnd,
    /// `$` with `multiline`
    MultilineEnd,
    /// `$` with `dollar_endonly`
    EndOnly,
    /// `\A`
    SubjectStart,
    /// `\Z`
    SubjectEndOrNewline,
    /// `\z`
    SubjectEnd,
    /// `\G`
    SearchStart,
    /// `\b`
    WordBoundary,
    /// `\B`
    NotWordBoundary,
}

/// A backtracking verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Accept,
    Fail,
    Commit,
    Prune,
    Skip,
    /// `(*SKIP:NAME)`, with the name's number.
    SkipTo(u32),
    Then,
    Mark(u32),
}

/// A group is given by number, or by name until all names are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupRef {
    Number(u32),
    /// Where the name is in the pattern.
    Name(u32, u32),
}

/// The condition of a conditional group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The group has matched.
    Group(GroupRef),
    /// Inside of any recursion.
    AnyRecursion,
    /// Inside of a recursion of the group.
    Recursion(GroupRef),
    /// Never: `DEFINE`.
    Define,
    /// A lookaround.
    Look(NodeId),
}

/// What kind of parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// The whole pattern.
    Root,
    Plain,
    Capture(u32),
    Atomic,
    Look {
        behind: bool,
        negative: bool,
    },
    /// `(?(..)yes|no)`
    Conditional(Condition),
}

/// Children: `Ast::lists[start..end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    pub start: u32,
    pub end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// Matches here.
    Empty,
    /// A character: a byte, or a code point if the subject is UTF-8.
    Char {
        c: u32,
        caseless: bool,
    },
    /// `Ast::sets[..]`
    Set(u32),
    /// `.`
    NotNewline,
    /// `.` with `dotall`
    AnyChar,
    /// `\C`
    AnyByte,
    /// `\R`
    NewlineSequence,
    /// `\X`
    GraphemeCluster,
    Assertion(Assertion),
    /// `\K`
    KeepOut,
    BackReference {
        group: GroupRef,
        caseless: bool,
    },
    Recurse(GroupRef),
    Verb(Verb),
    /// One after the other.
    Concat(List),
    /// One of the alternatives.
    Group(GroupKind, List),
    Repeat {
        item: NodeId,
        min: u32,
        max: u32,
        mode: Mode,
    },
}

/// A name of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: Vec<u8>,
    pub group: u32,
}

/// A parsed pattern.
#[derive(Debug, Default)]
pub struct Ast {
    pub nodes: Vec<Node>,
    /// For each node, whether it can match without a character.
    pub can_be_empty: Vec<bool>,
    pub lists: Vec<NodeId>,
    pub sets: Vec<Set>,
    /// Names of `(*MARK:NAME)` and `(*SKIP:NAME)`.
    pub marks: Vec<Vec<u8>>,
    /// Sorted by text.
    pub names: Vec<Name>,
    /// The number of the last capturing group.
    pub groups: u32,
    pub root: NodeId,
    /// Whether there are verbs other than `(*FAIL)` and `(*ACCEPT)`.
    pub has_verbs: bool,
    pub has_references: bool,
}

impl Ast {
    /// Adds a node.
    pub fn push(&mut self, node: Node) -> NodeId {
        let empty = self.empty_match(node);
        self.nodes.push(node);
        self.can_be_empty.push(empty);
        self.nodes.len() as NodeId - 1
    }

    /// Adds a list of children.
    pub fn push_list(&mut self, items: &[NodeId]) -> List {
        let start = self.lists.len() as u32;
        self.lists.extend_from_slice(items);
        List {
            start,
            end: self.lists.len() as u32,
        }
    }

    /// The node.
    pub fn node(&self, id: NodeId) -> Node {
        self.nodes[id as usize]
    }

    /// The children of a list.
    pub fn list(&self, list: List) -> &[NodeId] {
        &self.lists[list.start as usize..list.end as usize]
    }

    /// Whether a node can match without a character, as far as is known when it is made.
    fn empty_match(&self, node: Node) -> bool {
        let empty = |id: &NodeId| self.can_be_empty[*id as usize];
        match node {
            Node::Char { .. }
            | Node::Set(_)
            | Node::NotNewline
            | Node::AnyChar
            | Node::AnyByte
            | Node::NewlineSequence
            | Node::GraphemeCluster => false,
            Node::Empty
            | Node::Assertion(_)
            | Node::KeepOut
            | Node::BackReference { .. }
            | Node::Verb(_)
            | Node::Group(GroupKind::Look { .. }, _) => true,
            Node::Recurse(_) => false,
            Node::Concat(list) => self.list(list).iter().all(empty),
            Node::Group(GroupKind::Conditional(Condition::Define), _) => true,
            Node::Group(GroupKind::Conditional(_), list) => {
                list.end - list.start < 2 || self.list(list).iter().any(empty)
            }
            Node::Group(_, list) => self.list(list).iter().any(empty),
            Node::Repeat { item, min, .. } => min == 0 || empty(&item),
        }
    }
}

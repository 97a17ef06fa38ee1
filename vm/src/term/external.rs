//! Identifiers of other nodes: pids, ports and references that some other machine made, or this one in an earlier life.
//!
//! A node is its name and its creation, a number that tells one life of the name from the next. Both fit one word, so an external
//! identifier needs no table of nodes: the word is the first of its object, the numbers follow.
//!
//! | subtag | words behind the header |
//! |---|---|
//! | `ExternalPid` | node; number (lower half), serial (upper half) |
//! | `ExternalPort` | node; number |
//! | `ExternalReference` | node; first two numbers; next two; the fifth, and in the upper half how many there are |
//!
//! Invariant: the numbers of a reference that are not there are zero, so equal references have equal words.

use super::{Atom, Subtag, Term};
use crate::atom::{AtomTable, am};
use crate::memory::{Arena, NoMemory};
use core::cmp::Ordering;

/// Most 32-bit numbers of a reference.
pub const MAX_REFERENCE_WORDS: usize = 5;

/// Words of an external pid or port, header included.
pub const PID_WORDS: usize = 3;
/// Words of an external reference, header included.
pub const REFERENCE_WORDS: usize = 5;

/// One life of a node. The order is no order of terms.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Node {
    /// `name@host`
    pub name: Atom,
    /// Which life; 0 for a node that is not part of a distributed system.
    pub creation: u32,
}

impl Node {
    /// What a machine is called that is not alive.
    pub const NONE: Node = Node {
        name: am::NONODE_NOHOST,
        creation: 0,
    };

    const fn word(self) -> u64 {
        (self.creation as u64) << 32 | self.name.0 as u64
    }

    /// The node of the first word of an external identifier.
    pub const fn from_word(word: u64) -> Node {
        Node {
            name: Atom(word as u32),
            creation: (word >> 32) as u32,
        }
    }

    /// The node of an external identifier.
    pub fn of(term: Term) -> Option<Node> {
        match term.subtag()? {
            subtag @ (Subtag::ExternalPid | Subtag::ExternalPort | Subtag::ExternalReference) => {
                let words = term.as_object(subtag)?;
                Some(Node::from_word(*words.first()?))
            }
            _ => None,
        }
    }

    /// As terms of nodes compare: by name, then by creation.
    pub fn compare(self, other: Node, atoms: Option<&AtomTable>) -> Ordering {
        let names = match atoms {
            _ if self.name == other.name => Ordering::Equal,
            Some(atoms) => {
                let name = |node: Node| atoms.name(node.name).as_bytes();
                name(self).cmp(name(other))
            }
            None => self.name.cmp(&other.name),
        };
        names.then(self.creation.cmp(&other.creation))
    }
}

/// A pid of another node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RemotePid {
    /// Whose.
    pub node: Node,
    /// The first of its numbers.
    pub number: u32,
    /// The second.
    pub serial: u32,
}

impl RemotePid {
    /// Of an external pid.
    pub fn of(term: Term) -> Option<RemotePid> {
        match *term.as_object(Subtag::ExternalPid)? {
            [node, numbers] => Some(RemotePid {
                node: Node::from_word(node),
                number: numbers as u32,
                serial: (numbers >> 32) as u32,
            }),
            _ => None,
        }
    }

    /// The pid as a term.
    pub fn term<A: Arena + ?Sized>(self, arena: &mut A) -> Result<Term, NoMemory> {
        arena.object(Subtag::ExternalPid, &self.words())
    }

    /// The words behind the header.
    pub const fn words(self) -> [u64; PID_WORDS - 1] {
        [
            self.node.word(),
            (self.serial as u64) << 32 | self.number as u64,
        ]
    }
}

/// A port of another node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RemotePort {
    /// Whose.
    pub node: Node,
    /// Its number.
    pub number: u64,
}

impl RemotePort {
    /// Of an external port.
    pub fn of(term: Term) -> Option<RemotePort> {
        match *term.as_object(Subtag::ExternalPort)? {
            [node, number] => Some(RemotePort {
                node: Node::from_word(node),
                number,
            }),
            _ => None,
        }
    }

    /// The port as a term.
    pub fn term<A: Arena + ?Sized>(self, arena: &mut A) -> Result<Term, NoMemory> {
        arena.object(Subtag::ExternalPort, &self.words())
    }

    /// The words behind the header.
    pub const fn words(self) -> [u64; PID_WORDS - 1] {
        [self.node.word(), self.number]
    }
}

/// A reference of another node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RemoteReference {
    /// Whose.
    pub node: Node,
    /// Its numbers, least significant first.
    numbers: [u32; MAX_REFERENCE_WORDS],
    count: u32,
}

impl RemoteReference {
    /// The reference of these numbers, least significant first; those beyond [`MAX_REFERENCE_WORDS`] are left out.
    pub fn new(node: Node, numbers: &[u32]) -> RemoteReference {
        let count = numbers.len().min(MAX_REFERENCE_WORDS);
        let mut reference = RemoteReference {
            node,
            numbers: [0; MAX_REFERENCE_WORDS],
            count: count as u32,
        };
        reference.numbers[..count].copy_from_slice(&numbers[..count]);
        reference
    }

    /// Of an external reference.
    pub fn of(term: Term) -> Option<RemoteReference> {
        match *term.as_object(Subtag::ExternalReference)? {
            [node, low, middle, high] => Some(RemoteReference {
                node: Node::from_word(node),
                numbers: [
                    low as u32,
                    (low >> 32) as u32,
                    middle as u32,
                    (middle >> 32) as u32,
                    high as u32,
                ],
                count: (high >> 32) as u32,
            }),
            _ => None,
        }
    }

    /// Its numbers, least significant first.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers[..(self.count as usize).min(MAX_REFERENCE_WORDS)]
    }

    /// The reference as a term.
    pub fn term<A: Arena + ?Sized>(self, arena: &mut A) -> Result<Term, NoMemory> {
        arena.object(Subtag::ExternalReference, &self.words())
    }

    /// All of them, with zeros for those that are not there.
    pub const fn all_numbers(&self) -> [u32; MAX_REFERENCE_WORDS] {
        self.numbers
    }

    /// The words behind the header.
    pub const fn words(self) -> [u64; REFERENCE_WORDS - 1] {
        let [a, b, c, d, e] = self.numbers;
        [
            self.node.word(),
            (b as u64) << 32 | a as u64,
            (d as u64) << 32 | c as u64,
            (self.count as u64) << 32 | e as u64,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;

    #[test]
    fn identifiers_come_back_from_their_terms() {
        let mut parcel = Parcel::new();
        let node = Node {
            name: Atom(77),
            creation: u32::MAX,
        };
        let pid = RemotePid {
            node,
            number: 0xffff_fffe,
            serial: 0x8000_0001,
        };
        let term = pid.term(&mut parcel).unwrap();
        assert!(term.is_pid() && !term.is_local_pid());
        assert_eq!(RemotePid::of(term), Some(pid));
        assert_eq!(Node::of(term), Some(node));
        for count in 1..=MAX_REFERENCE_WORDS {
            let numbers = &[1, u32::MAX, 3, 4, 5][..count];
            let reference = RemoteReference::new(node, numbers);
            let term = reference.term(&mut parcel).unwrap();
            assert!(term.is_reference());
            assert_eq!(RemoteReference::of(term), Some(reference));
            assert_eq!(reference.numbers(), numbers);
            assert_eq!(Node::of(term), Some(node));
        }
        assert_eq!(Node::of(Term::NIL), None);
        assert_eq!(RemotePid::of(Term::local_pid(3)), None);
    }
}

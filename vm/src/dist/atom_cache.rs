//! The caches of atoms of a connection: a name goes over the wire once, and a number stands for it from then on.
//!
//! Each direction has a cache of 2048 slots (8 segments of 256), which the sender alone decides on: the header of each message lists the slots
//! that the message uses, and the names of those that are new. In the message, an atom is its place in that list.
//!
//! Invariant: both ends see the same headers in the same order, so the receiver's cache is the sender's.

use crate::atom::{AtomError, AtomTable};
use crate::memory::NoMemory;
use crate::term::Atom;
use crate::term::etf::encode::AtomCache;
use alloc::vec::Vec;

/// Slots of a cache.
const SLOTS: usize = 2048;

/// Most atoms of one header.
const MAX_REFERENCES: usize = 255;

/// Set in a half byte of flags: the slot gets a new atom. Below it stands the segment.
const NEW: u8 = 8;

/// A slot of the sender's cache.
#[derive(Clone, Copy)]
struct Slot {
    atom: Atom,
    /// Whether the receiver knows it.
    filled: bool,
    /// The last message that used it, and its place in the header of that one.
    message: u64,
    place: u8,
}

/// The cache of what is sent.
pub struct Sending {
    /// None until the first atom is sent.
    slots: Vec<Slot>,
    message: u64,
    /// What the message uses: the slot, and whether its atom is new.
    used: Vec<(u16, bool)>,
}

impl Sending {
    /// An empty cache.
    pub const fn new() -> Sending {
        Sending {
            slots: Vec::new(),
            message: 0,
            used: Vec::new(),
        }
    }

    /// A new message begins.
    pub fn begin(&mut self) -> Result<(), NoMemory> {
        if self.slots.is_empty() {
            self.slots.try_reserve_exact(SLOTS).map_err(|_| NoMemory)?;
            let empty = Slot {
                atom: Atom(0),
                filled: false,
                message: 0,
                place: 0,
            };
            self.slots.resize(SLOTS, empty);
            let used = &mut self.used;
            used.try_reserve_exact(MAX_REFERENCES)
                .map_err(|_| NoMemory)?;
        }
        self.message += 1;
        self.used.clear();
        Ok(())
    }

    /// The message is not sent: the receiver does not get to know its new atoms.
    pub fn give_up(&mut self) {
        for (at, new) in self.used.drain(..) {
            if new && let Some(slot) = self.slots.get_mut(usize::from(at)) {
                slot.filled = false;
            }
        }
    }

    /// Appends what the header says of the atoms of the message, from their number on.
    pub fn write(&self, atoms: &AtomTable, out: &mut Vec<u8>) -> Result<(), NoMemory> {
        let name = |slot: u16| atoms.name(self.slots[usize::from(slot)].atom).as_bytes();
        let count = self.used.len();
        let new = self.used.iter().filter(|(_, new)| *new);
        let is_long = new.clone().any(|&(slot, _)| name(slot).len() > 255);
        let names: usize = new.map(|&(slot, _)| name(slot).len()).sum();
        let room = 1 + (count / 2 + 1) + 3 * count + names;
        out.try_reserve(room).map_err(|_| NoMemory)?;
        out.push(count as u8);
        if count == 0 {
            return Ok(());
        }
        let flags = self.used.iter().map(|&(slot, new)| {
            let segment = (slot >> 8) as u8;
            if new { segment | NEW } else { segment }
        });
        // Two half bytes to a byte, the lower one first; the last one says whether lengths take two bytes.
        let mut halves = flags.chain([u8::from(is_long)]);
        while let Some(low) = halves.next() {
            out.push(low | halves.next().unwrap_or(0) << 4);
        }
        for &(slot, new) in &self.used {
            out.push(slot as u8);
            if !new {
                continue;
            }
            let name = name(slot);
            if is_long {
                out.extend_from_slice(&(name.len() as u16).to_be_bytes());
            } else {
                out.push(name.len() as u8);
            }
            out.extend_from_slice(name);
        }
        Ok(())
    }
}

impl AtomCache for Sending {
    /// An atom has to be written out if another one of the message has its slot, or if the header is full.
    fn reference(&mut self, atom: Atom) -> Option<u8> {
        let at = atom.0 as usize % SLOTS;
        let slot = self.slots.get_mut(at)?;
        if slot.message == self.message {
            return (slot.atom == atom).then_some(slot.place);
        }
        if self.used.len() == MAX_REFERENCES {
            return None;
        }
        let new = !slot.filled || slot.atom != atom;
        *slot = Slot {
            atom,
            filled: true,
            message: self.message,
            place: self.used.len() as u8,
        };
        self.used.push((at as u16, new));
        Some(slot.place)
    }
}

impl Default for Sending {
    fn default() -> Self {
        Sending::new()
    }
}

/// The cache of what is received.
pub struct Receiving {
    /// None until the first atom comes.
    slots: Vec<Option<Atom>>,
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHeader {
    /// It ends too early.
    Truncated,
    /// It refers to a slot without atom.
    EmptySlot,
    /// A name is not UTF-8, or longer than atoms are.
    Name,
    /// The atom table is full, or there is no memory.
    NoRoom,
}

impl Receiving {
    /// An empty cache.
    pub const fn new() -> Receiving {
        Receiving { slots: Vec::new() }
    }

    /// Reads what a header says of atoms, from their number on: the atoms in the order of the header, and the bytes behind it.
    pub fn read<'a>(
        &mut self,
        atoms: &mut AtomTable,
        bytes: &'a [u8],
    ) -> Result<(Vec<Atom>, &'a [u8]), BadHeader> {
        let (&count, rest) = bytes.split_first().ok_or(BadHeader::Truncated)?;
        let count = usize::from(count);
        if count == 0 {
            return Ok((Vec::new(), rest));
        }
        if self.slots.is_empty() {
            let slots = &mut self.slots;
            slots
                .try_reserve_exact(SLOTS)
                .map_err(|_| BadHeader::NoRoom)?;
            slots.resize(SLOTS, None);
        }
        let mut list = Vec::new();
        list.try_reserve_exact(count)
            .map_err(|_| BadHeader::NoRoom)?;
        let (flags, mut rest) = take(rest, count / 2 + 1)?;
        let half = |at: usize| flags[at / 2] >> (4 * (at % 2)) & 0xf;
        let is_long = half(count) & 1 != 0;
        for at in 0..count {
            let (slot, behind) = take(rest, 1)?;
            rest = behind;
            let slot = usize::from(half(at) & !NEW) << 8 | usize::from(slot[0]);
            if half(at) & NEW != 0 {
                let (length, behind) = take(rest, 1 + usize::from(is_long))?;
                let length = length.iter().fold(0, |all, &b| all << 8 | usize::from(b));
                let (name, behind) = take(behind, length)?;
                rest = behind;
                let name = core::str::from_utf8(name).map_err(|_| BadHeader::Name)?;
                let atom = atoms.insert(name).map_err(|error| match error {
                    AtomError::TooLong => BadHeader::Name,
                    AtomError::TableFull | AtomError::NoMemory => BadHeader::NoRoom,
                })?;
                self.slots[slot] = Some(atom);
            }
            list.push(self.slots[slot].ok_or(BadHeader::EmptySlot)?);
        }
        Ok((list, rest))
    }
}

impl Default for Receiving {
    fn default() -> Self {
        Receiving::new()
    }
}

fn take(bytes: &[u8], count: usize) -> Result<(&[u8], &[u8]), BadHeader> {
    bytes.split_at_checked(count).ok_or(BadHeader::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    /// Sends a message of `atoms` and says what its header is, and what stands for each.
    fn sent(cache: &mut Sending, table: &AtomTable, atoms: &[Atom]) -> (Vec<u8>, Vec<Option<u8>>) {
        cache.begin().unwrap();
        let places = atoms.iter().map(|&atom| cache.reference(atom)).collect();
        let mut header = Vec::new();
        cache.write(table, &mut header).unwrap();
        (header, places)
    }

    #[test]
    fn what_is_sent_is_received() {
        let (mut ours, mut theirs) = (AtomTable::new(), AtomTable::new());
        // Numbers differ from table to table.
        theirs.insert("of their own").unwrap();
        let names = (0..3000).map(|i| format!("atom {i} {}", "å".repeat(i % 255)));
        let atoms: Vec<Atom> = names
            .filter(|name| name.chars().count() <= 255)
            .map(|name| ours.insert(&name).unwrap())
            .collect();
        let (mut sending, mut receiving) = (Sending::new(), Receiving::new());
        for step in [1, 7, 300, 2048] {
            for chunk in atoms.chunks(step) {
                let (mut header, places) = sent(&mut sending, &ours, chunk);
                header.push(77);
                let (list, rest) = receiving.read(&mut theirs, &header).unwrap();
                assert_eq!(rest, [77]);
                for (atom, place) in chunk.iter().zip(places) {
                    if let Some(place) = place {
                        let received = theirs.name(list[usize::from(place)]);
                        assert_eq!(received, ours.name(*atom));
                    }
                }
            }
        }
    }

    #[test]
    fn an_atom_is_written_once() {
        let mut table = AtomTable::new();
        let atom = table.insert("hello").unwrap();
        let mut sending = Sending::new();
        let slot = atom.0 as usize % SLOTS;
        let (segment, low) = ((slot >> 8) as u8, slot as u8);
        let (first, _) = sent(&mut sending, &table, &[atom, atom]);
        let mut expected = std::vec![1, NEW | segment, low, 5];
        expected.extend(b"hello");
        assert_eq!(first, expected);
        let (second, _) = sent(&mut sending, &table, &[atom]);
        assert_eq!(second, [1, segment, low]);
        // What was given up is new the next time.
        sending.begin().unwrap();
        let other = Atom(atom.0 + SLOTS as u32);
        assert_eq!(sending.reference(other), Some(0));
        assert_eq!(sending.reference(atom), None);
        sending.give_up();
        assert_eq!(sent(&mut sending, &table, &[atom]).0, expected);
    }

    #[test]
    fn damaged_headers_are_refused() {
        let mut table = AtomTable::new();
        let mut read = |bytes: &[u8]| Receiving::new().read(&mut table, bytes).map(|_| ());
        assert_eq!(read(&[]), Err(BadHeader::Truncated));
        assert_eq!(read(&[2, 0]), Err(BadHeader::Truncated));
        assert_eq!(read(&[1, 0, 5]), Err(BadHeader::EmptySlot));
        assert_eq!(read(&[1, NEW, 5, 9, 1]), Err(BadHeader::Truncated));
        assert_eq!(read(&[1, NEW, 5, 1, 0xff]), Err(BadHeader::Name));
        assert_eq!(read(&[0]), Ok(()));
    }
}

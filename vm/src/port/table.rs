//! The ports of a machine, by number and in the order in which they were made.
//!
//! A request on a socket looks its port up some thirty times, so the way from a number to a port is one step, however many there are.
//!
//! Invariant: a number is in `order` if and only if its port is in `ports`.

use super::Port;
use crate::memory::NoMemory;
use crate::process::ties::Ties;
use alloc::boxed::Box;
use core::hash::{BuildHasherDefault, Hasher};
use hashbrown::HashMap;

/// All ports.
#[derive(Default)]
pub(super) struct PortTable {
    ports: HashMap<u64, Box<Port>, BuildHasherDefault<NumberHasher>>,
    order: Ties<u64, ()>,
}

impl PortTable {
    /// The port with this number.
    #[inline]
    pub fn get(&self, number: u64) -> Option<&Port> {
        self.ports.get(&number).map(|port| &**port)
    }

    /// The port with this number, to be changed.
    #[inline]
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Port> {
        self.ports.get_mut(&number).map(|port| &mut **port)
    }

    /// Adds a port, under the number of its identifier, which no other has.
    pub fn insert(&mut self, port: Box<Port>) -> Result<(), NoMemory> {
        let number = port.id.identifier_data();
        self.ports.try_reserve(1).map_err(|_| NoMemory)?;
        self.order.insert(number, ())?;
        self.ports.insert(number, port);
        Ok(())
    }

    /// Takes a port out.
    pub fn remove(&mut self, number: u64) -> Option<Box<Port>> {
        self.order.remove(number);
        self.ports.remove(&number)
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Port> {
        let numbers = self.order.iter();
        numbers.filter_map(|(number, ())| self.get(number))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

/// Hashes the numbers of ports. They are given out one after the other and nobody chooses them: one multiplication spreads them.
#[derive(Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    #[inline]
    fn write_u64(&mut self, number: u64) {
        // hashbrown takes the place from the low bits and its tag from the high ones; the product's are good at the top.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(20);
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0 ^ u64::from(byte));
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Term;
    use alloc::vec::Vec;

    #[test]
    fn ports_are_found_and_come_in_order() {
        let mut table = PortTable::default();
        let port = |number| Box::new(Port::new(Term::local_port(number), Vec::new(), Term::NIL));
        for number in 0..1000 {
            table.insert(port(number)).unwrap();
        }
        for number in (0..1000).filter(|number| number % 3 != 0) {
            assert!(table.remove(number).is_some());
            assert!(table.remove(number).is_none());
        }
        assert_eq!(table.len(), 334);
        assert!(table.get(998).is_none());
        assert_eq!(table.get_mut(999).unwrap().id, Term::local_port(999));
        let order: Vec<u64> = table.iter().map(|port| port.id.identifier_data()).collect();
        assert!(order.iter().copied().eq((0..1000).step_by(3)));
    }
}

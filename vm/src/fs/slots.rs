//! A table of things by small numbers: open files, and what a file system consists of.
//!
//! Invariant: a number is given to one thing at a time. Free slots are chained, the one that became free last
//! first.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

const NONE: u32 = u32::MAX;

#[derive(Debug)]
enum Slot<T> {
    Used(T),
    /// The next free one.
    Free(u32),
}

/// Things by number.
#[derive(Debug)]
pub struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: u32,
}

/// There is no memory for one thing more, or no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl From<TryReserveError> for Full {
    fn from(_: TryReserveError) -> Full {
        Full
    }
}

impl<T> Slots<T> {
    /// An empty table.
    pub const fn new() -> Slots<T> {
        Slots {
            slots: Vec::new(),
            free: NONE,
        }
    }

    /// Makes room for `more` things.
    pub fn reserve(&mut self, more: usize) -> Result<(), Full> {
        Ok(self.slots.try_reserve_exact(more)?)
    }

    /// Gives `thing` a number.
    pub fn insert(&mut self, thing: T) -> Result<u32, Full> {
        let number = self.free;
        if let Some(slot) = self.slots.get_mut(number as usize) {
            if let Slot::Free(next) = *slot {
                self.free = next;
            }
            *slot = Slot::Used(thing);
            return Ok(number);
        }
        let number = u32::try_from(self.slots.len()).map_err(|_| Full)?;
        if number == NONE {
            return Err(Full);
        }
        self.slots.try_reserve(1)?;
        self.slots.push(Slot::Used(thing));
        Ok(number)
    }

    /// The thing with this number, if there is one.
    pub fn get(&self, number: u32) -> Option<&T> {
        match self.slots.get(number as usize) {
            Some(Slot::Used(thing)) => Some(thing),
            _ => None,
        }
    }

    /// As [`Slots::get`], to be changed.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        match self.slots.get_mut(number as usize) {
            Some(Slot::Used(thing)) => Some(thing),
            _ => None,
        }
    }

    /// Takes the thing with this number out, if there is one.
    pub fn remove(&mut self, number: u32) -> Option<T> {
        let slot = self.slots.get_mut(number as usize)?;
        match core::mem::replace(slot, Slot::Free(self.free)) {
            Slot::Used(thing) => {
                self.free = number;
                Some(thing)
            }
            free => {
                *slot = free;
                None
            }
        }
    }

    /// Bytes that the table takes.
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<T>>()
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_and_void_when_free() {
        let mut slots = Slots::new();
        let numbers: Vec<u32> = (0..4).map(|i| slots.insert(i).unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
        for number in [1, 3] {
            assert_eq!(slots.remove(number), Some(number));
            assert_eq!(slots.remove(number), None);
            assert_eq!(slots.get(number), None);
        }
        assert_eq!(slots.insert(30), Ok(3));
        assert_eq!(slots.insert(10), Ok(1));
        assert_eq!(slots.insert(40), Ok(4));
        assert_eq!(slots.get(3), Some(&30));
        assert_eq!(slots.get_mut(0), Some(&mut 0));
        assert_eq!(slots.get(u32::MAX), None);
        assert_eq!(slots.remove(u32::MAX), None);
    }
}

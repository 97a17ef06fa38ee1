//! A table of open files: small numbers for things.
//!
//! Invariant: a number is given to one thing at a time, the lowest free one first, as Unix does it.

use super::{Errno, Handle, Result};
use alloc::vec::Vec;

/// Things by [`Handle`].
#[derive(Debug)]
pub struct Slots<T> {
    slots: Vec<Option<T>>,
}

impl<T> Slots<T> {
    /// An empty table.
    pub const fn new() -> Slots<T> {
        Slots { slots: Vec::new() }
    }

    /// Gives `thing` a number; `ENOMEM` if there is no memory for one more.
    pub fn insert(&mut self, thing: T) -> Result<Handle> {
        let free = self.slots.iter().position(Option::is_none);
        let index = free.unwrap_or(self.slots.len());
        let handle = Handle(u32::try_from(index).map_err(|_| Errno::EMFILE)?);
        match self.slots.get_mut(index) {
            Some(slot) => *slot = Some(thing),
            None => {
                self.slots.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                self.slots.push(Some(thing));
            }
        }
        Ok(handle)
    }

    /// The thing with this number; `EBADF` if there is none.
    pub fn get(&mut self, handle: Handle) -> Result<&mut T> {
        let slot = self.slots.get_mut(handle.0 as usize);
        slot.and_then(Option::as_mut).ok_or(Errno::EBADF)
    }

    /// Takes the thing with this number out; `EBADF` if there is none.
    pub fn remove(&mut self, handle: Handle) -> Result<T> {
        let slot = self.slots.get_mut(handle.0 as usize);
        slot.and_then(Option::take).ok_or(Errno::EBADF)
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
        let a = slots.insert('a').unwrap();
        let b = slots.insert('b').unwrap();
        assert_eq!((a, b), (Handle(0), Handle(1)));
        assert_eq!(slots.remove(a), Ok('a'));
        assert_eq!(slots.remove(a), Err(Errno::EBADF));
        assert_eq!(slots.get(a), Err(Errno::EBADF));
        assert_eq!(slots.insert('c'), Ok(a));
        assert_eq!(slots.get(b), Ok(&mut 'b'));
        assert_eq!(slots.get(Handle(u32::MAX)), Err(Errno::EBADF));
    }
}

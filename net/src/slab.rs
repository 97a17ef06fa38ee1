//! A table of things by small numbers, which are used again.
//!
//! Invariant: growing is fallible; a number names one thing from [`Slab::insert`] to [`Slab::remove`].

use alloc::vec::Vec;

/// The table.
pub struct Slab<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    /// An empty one.
    pub const fn new() -> Slab<T> {
        Slab {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Puts a thing in and says its number. Without memory for that the thing comes back.
    pub fn insert(&mut self, value: T) -> Result<u32, T> {
        if let Some(number) = self.free.pop() {
            self.slots[number as usize] = Some(value);
            return Ok(number);
        }
        // As many as there are slots fit into the list of free ones, so that `remove` never allocates.
        let reserved = self.slots.try_reserve(1).is_ok()
            && self.free.try_reserve(self.slots.capacity()).is_ok();
        if !reserved {
            return Err(value);
        }
        self.slots.push(Some(value));
        Ok(self.slots.len() as u32 - 1)
    }

    /// Takes a thing out.
    pub fn remove(&mut self, number: u32) -> Option<T> {
        let value = self.slots.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(value)
    }

    /// The thing of this number.
    pub fn get(&self, number: u32) -> Option<&T> {
        self.slots.get(number as usize)?.as_ref()
    }

    /// The thing of this number.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.slots.get_mut(number as usize)?.as_mut()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// All of them, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(number, slot)| Some((number as u32, slot.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again() {
        let mut slab = Slab::new();
        let one = slab.insert('a').unwrap();
        let two = slab.insert('b').unwrap();
        assert_ne!(one, two);
        assert_eq!(slab.remove(one), Some('a'));
        assert_eq!((slab.remove(one), slab.get(one)), (None, None));
        assert_eq!(slab.insert('c').unwrap(), one);
        assert_eq!(slab.len(), 2);
        assert_eq!(slab.iter().map(|(_, c)| *c).collect::<Vec<_>>(), ['c', 'b']);
    }
}

//! Which words of the code are relocated.
//!
//! The validator walks the code in order, and the relocations ascend, so a cursor for each
//! kind tells at no cost whether the word at hand is relocated. A relocation that no
//! operand asks for stops its cursor, which [`Cursors::finish`] finds.

use alloc::format;

use super::super::{Module, Offsets, Relocation};
use crate::error::LoadError;

/// Of all kinds, the next relocation that has not been met.
pub struct Cursors<'a> {
    lists: [Offsets<'a>; Relocation::ALL.len()],
    met: [usize; Relocation::ALL.len()],
    next: [usize; Relocation::ALL.len()],
}

/// No relocation is at this offset.
const NONE: usize = usize::MAX;

impl<'a> Cursors<'a> {
    /// All relocations of a module.
    pub fn new(module: &Module<'a>) -> Self {
        let lists = Relocation::ALL.map(|kind| module.relocations(kind));
        let next = lists.map(|list| list.get(0).map_or(NONE, |offset| offset as usize));
        Cursors {
            lists,
            met: [0; Relocation::ALL.len()],
            next,
        }
    }

    /// Whether the next relocation of a kind is at `at`; if so it counts as met.
    #[inline]
    pub fn meet(&mut self, kind: Relocation, at: usize) -> bool {
        let kind = kind as usize;
        if self.next[kind] != at {
            return false;
        }
        self.met[kind] += 1;
        self.next[kind] = self.lists[kind]
            .get(self.met[kind])
            .map_or(NONE, |offset| offset as usize);
        true
    }

    /// Whether there is a relocation of a kind at `at`, wherever the cursors are.
    pub fn find(&self, kind: Relocation, at: usize) -> bool {
        let list = &self.lists[kind as usize];
        let (mut low, mut high) = (0, list.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match list.get(middle) {
                Some(offset) if (offset as usize) < at => low = middle + 1,
                _ => high = middle,
            }
        }
        list.get(low).is_some_and(|offset| offset as usize == at)
    }

    /// Checks that every relocation has been met.
    pub fn finish(&self) -> Result<(), LoadError> {
        for kind in Relocation::ALL {
            let met = self.met[kind as usize];
            if met != self.lists[kind as usize].len() {
                let what = format!(
                    "entry {met}: no operand to relocate at {}",
                    self.next[kind as usize]
                );
                return Err(LoadError::damaged(kind.section().name(), 4 * met, what));
            }
        }
        Ok(())
    }
}

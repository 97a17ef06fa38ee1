//! Large parcels that a heap has adopted: a part of the old generation, which stays where it came.
//!
//! To move a term of a hundred megabytes out of the fragments it came in takes as long as making it did, and nobody else runs meanwhile. It
//! need not be moved: a [`Parcel`](super::heap::Parcel) is complete in itself, so nothing in it refers to the young generation. It costs memory instead, since nobody knows how much of it is dead.
//! So a full sweep is due when the parcels, the largest aside, have as many words as the last one left.
//!
//! # Invariant
//!
//! The objects in the fragments refer to each other and to literals only.
//!
//! Who calls this: [`Heap`](super::heap::Heap), which gets parcels; the collector.

use super::heap::{Fragment, used_in};
use crate::process::try_box;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

/// A parcel from so many words on is adopted. (Smaller ones are copied in a tenth of a millisecond, and need not wait for a full sweep.)
pub const ADOPTED: usize = 1 << 17;
/// Parcels of more fragments are not adopted, since each object's address is compared with each fragment's.
const FEW_FRAGMENTS: usize = 16;
/// With so many fragments a full sweep is due.
const MANY_FRAGMENTS: usize = 2 * FEW_FRAGMENTS;
/// Words that a full sweep may be put off for, besides as many as survived the last one: some of them may be dead.
const PUT_OFF: usize = 1 << 20;

/// The adopted parcels of a process: see the [module](self). Most processes never have any.
#[derive(Default)]
pub struct Adopted(Option<Box<LargeParcels>>);

#[derive(Default)]
struct LargeParcels {
    fragments: Vec<Fragment>,
    /// Words in use in them.
    words: usize,
    /// Words of the largest parcel.
    largest: usize,
    /// Words of the process that the last full sweep left.
    survived: usize,
    /// Where all of them are: from the first one's start to the last one's end.
    bounds: Range<usize>,
}

impl Adopted {
    /// Takes all fragments of a large parcel; none, and says so, of another one, and where there is no memory for the list of them.
    pub fn take(&mut self, fragments: &mut Vec<Fragment>) -> bool {
        let words = used_in(fragments);
        if words < ADOPTED || fragments.len() > FEW_FRAGMENTS {
            return false;
        }
        if self.0.is_none() {
            self.0 = try_box(LargeParcels::default()).ok();
        }
        let Some(all) = &mut self.0 else {
            return false;
        };
        if all.fragments.try_reserve(fragments.len()).is_err() {
            return false;
        }
        for Fragment { block, .. } in &*fragments {
            let (start, end) = (block.start() as usize, block.end() as usize);
            all.bounds = match all.bounds.is_empty() {
                true => start..end,
                false => all.bounds.start.min(start)..all.bounds.end.max(end),
            };
        }
        all.fragments.append(fragments);
        all.words += words;
        all.largest = all.largest.max(words);
        true
    }

    /// Whether the address is of an adopted object.
    #[inline(always)]
    pub fn contains(&self, address: usize) -> bool {
        self.0.as_ref().is_some_and(|all| all.contains(address))
    }

    /// Whether it is time to find out how much of it is dead. One parcel alone never is a reason: a full sweep would copy it.
    #[inline(always)]
    pub fn wants_full_sweep(&self) -> bool {
        self.0.as_ref().is_some_and(|all| all.may_be_dead())
    }

    /// Words in use.
    pub fn words(&self) -> usize {
        self.0.as_ref().map_or(0, |all| all.words)
    }

    /// The fragments.
    pub fn fragments(&self) -> &[Fragment] {
        self.0.as_ref().map_or(&[], |all| &all.fragments)
    }

    /// For a full sweep: everything, so that none is left.
    pub fn take_all(&mut self) -> Vec<Fragment> {
        let Some(all) = &mut self.0 else {
            return Vec::new();
        };
        core::mem::take(&mut **all).fragments
    }

    /// A full sweep has left so many words, all of them elsewhere.
    pub fn swept(&mut self, survived: usize) {
        if let Some(all) = &mut self.0 {
            all.survived = survived;
        }
    }
}

impl LargeParcels {
    fn contains(&self, address: usize) -> bool {
        let holds = |fragment: &Fragment| fragment.block.contains(address as *const u64);
        self.bounds.contains(&address) && self.fragments.iter().any(holds)
    }

    fn may_be_dead(&self) -> bool {
        self.words - self.largest > self.survived.max(PUT_OFF)
            || self.fragments.len() > MANY_FRAGMENTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::{Heap, Parcel};
    use crate::memory::{Arena, NoMemory};

    /// A parcel that needs a fragment for each of some sizes.
    fn parcel(words: impl IntoIterator<Item = usize>) -> Result<Parcel, NoMemory> {
        let mut parcel = Parcel::new();
        for words in words {
            parcel.allocate(words)?;
        }
        Ok(parcel)
    }

    #[test]
    fn large_parcels_of_few_fragments_are_adopted_the_others_are_fragments() {
        let mut heap = Heap::new(100).unwrap();
        parcel([ADOPTED - 1]).unwrap().give_to(&mut heap).unwrap();
        assert_eq!((heap.adopted.words(), heap.fragments.len()), (0, 1));
        parcel([ADOPTED]).unwrap().give_to(&mut heap).unwrap();
        assert_eq!((heap.adopted.words(), heap.fragments.len()), (ADOPTED, 1));
        assert_eq!(heap.old_used(), ADOPTED);
        // Each as large as all before it together.
        let many = parcel((0..=FEW_FRAGMENTS).map(|i| 128 << i.saturating_sub(1))).unwrap();
        assert_eq!(many.fragments(), FEW_FRAGMENTS + 1);
        many.give_to(&mut heap).unwrap();
        assert_eq!(heap.adopted.words(), ADOPTED);
    }

    #[test]
    fn addresses_of_adopted_objects_are_known_and_no_others() {
        let mut heap = Heap::new(100).unwrap();
        let mut objects = Vec::new();
        for _ in 0..5 {
            let mut parcel = Parcel::new();
            objects.push(parcel.allocate(ADOPTED).unwrap().as_ptr());
            parcel.give_to(&mut heap).unwrap();
        }
        for object in objects {
            let last = object.wrapping_add(ADOPTED - 1);
            assert!(
                [object, last]
                    .iter()
                    .all(|word| heap.adopted.contains(*word as usize))
            );
        }
        assert!(!heap.adopted.contains(heap.block.start() as usize));
        assert_eq!(heap.adopted.take_all().len(), 5);
        assert_eq!(heap.adopted.words(), 0);
    }

    #[test]
    fn a_sweep_is_due_when_more_than_one_has_come_and_as_much_as_survived() {
        let mut heap = Heap::new(100).unwrap();
        let come = |heap: &mut Heap, words| {
            parcel([words]).unwrap().give_to(heap).unwrap();
            heap.adopted.wants_full_sweep()
        };
        assert!(!come(&mut heap, 8 * PUT_OFF));
        assert!(!come(&mut heap, PUT_OFF));
        assert!(come(&mut heap, ADOPTED));
        heap.adopted.take_all();
        heap.adopted.swept(2 * PUT_OFF);
        assert!(!come(&mut heap, PUT_OFF));
        assert!(!come(&mut heap, PUT_OFF));
        assert!(!come(&mut heap, PUT_OFF));
        assert!(come(&mut heap, ADOPTED));
    }
}

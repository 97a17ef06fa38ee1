//! Frames: machine memory, by the page, as pseudo-physical frame numbers.
//!
//! Three sources, in this order: frames that were used and given back, frames that nobody has touched since
//! the domain was built (a counter), and the top of what the bootstrap mapping still shows ([`Extents`]).
//! Starting costs nothing per frame.
//!
//! Given-back frames are noted in an array at a fixed address. The array is backed by the very frames
//! that are given back: when it is full, the next one extends it. Invariant: a frame is in one of the
//! three, or its user's, never in two places.

use super::extents::Extents;
use starling_xen::PAGE_SIZE;
use starling_xen::mmu::Pfn;

/// Entries of the array of given-back frames that one page holds.
pub const ENTRIES_PER_PAGE: u32 = (PAGE_SIZE / size_of::<u32>()) as u32;

/// A frame that has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Mapped nowhere.
    Unmapped(Pfn),
    /// Still visible, writable, in the bootstrap mapping: that view must go first.
    Premapped(Pfn),
}

/// What to do with a frame that is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// It has been noted.
    Noted,
    /// The array is full: map this frame at `address` to extend it, then call
    /// [`FrameAllocator::extend`].
    Extend {
        /// Page address within the array.
        address: usize,
    },
}

/// All frames of the domain that are free.
pub struct FrameAllocator {
    untouched: core::ops::Range<u32>,
    /// Pages of the bootstrap mapping that are free, with their mapping.
    pub premapped: Extents,
    returned: *mut u32,
    returned_count: u32,
    returned_capacity: u32,
}

impl FrameAllocator {
    /// `untouched` are the frames beyond the bootstrap mapping, `premapped` the free ones in it.
    /// `returned` is the address of the array; nothing needs to be mapped there yet.
    pub const fn new(
        untouched: core::ops::Range<u32>,
        premapped: Extents,
        returned: *mut u32,
    ) -> Self {
        Self {
            untouched,
            premapped,
            returned,
            returned_count: 0,
            returned_capacity: 0,
        }
    }

    /// Frames that can still be taken.
    pub fn available(&self) -> usize {
        self.returned_count as usize + self.untouched.len() + self.premapped.pages() as usize
    }

    /// Takes a frame.
    pub fn take(&mut self) -> Option<Frame> {
        if let Some(top) = self.returned_count.checked_sub(1) {
            self.returned_count = top;
            // SAFETY: entries below `returned_capacity` are mapped (see `extend`), and this one was
            // written by `release`.
            return Some(Frame::Unmapped(Pfn(unsafe {
                self.returned.add(top as usize).read()
            })));
        }
        if let Some(pfn) = self.untouched.next() {
            return Some(Frame::Unmapped(Pfn(pfn)));
        }
        self.premapped
            .take_top()
            .map(|pfn| Frame::Premapped(Pfn(pfn)))
    }

    /// Gives back `pfn`, which must be mapped nowhere.
    pub fn release(&mut self, pfn: Pfn) -> Release {
        if self.returned_count == self.returned_capacity {
            return Release::Extend {
                address: self.returned as usize
                    + self.returned_capacity as usize * size_of::<u32>(),
            };
        }
        // SAFETY: the index is below the mapped capacity.
        unsafe { self.returned.add(self.returned_count as usize).write(pfn.0) };
        self.returned_count += 1;
        Release::Noted
    }

    /// The array has one more page.
    ///
    /// # Safety
    /// Writable memory must be mapped at the address that [`Release::Extend`] named, for good.
    pub unsafe fn extend(&mut self) {
        self.returned_capacity += ENTRIES_PER_PAGE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn sources_are_used_in_order() {
        let mut premapped = Extents::new();
        assert!(premapped.give(1..3));
        let mut array = vec![0u32; 2 * ENTRIES_PER_PAGE as usize];
        let mut frames = FrameAllocator::new(100..102, premapped, array.as_mut_ptr());
        assert_eq!(frames.available(), 4);
        assert_eq!(frames.take(), Some(Frame::Unmapped(Pfn(100))));
        // SAFETY: the test's array is writable.
        unsafe { frames.extend() };
        assert_eq!(frames.release(Pfn(100)), Release::Noted);
        assert_eq!(frames.take(), Some(Frame::Unmapped(Pfn(100))));
        assert_eq!(frames.take(), Some(Frame::Unmapped(Pfn(101))));
        assert_eq!(frames.take(), Some(Frame::Premapped(Pfn(2))));
        assert_eq!(frames.take(), Some(Frame::Premapped(Pfn(1))));
        assert_eq!(frames.take(), None);
        assert_eq!(frames.available(), 0);
    }

    #[test]
    fn the_array_grows_from_what_is_given_back() {
        let mut array = vec![0u32; 2 * ENTRIES_PER_PAGE as usize];
        let base = array.as_mut_ptr();
        let mut frames = FrameAllocator::new(0..0, Extents::new(), base);
        assert_eq!(
            frames.release(Pfn(7)),
            Release::Extend {
                address: base as usize
            }
        );
        // SAFETY: the test's array is writable.
        unsafe { frames.extend() };
        for pfn in 0..ENTRIES_PER_PAGE {
            assert_eq!(frames.release(Pfn(pfn)), Release::Noted);
        }
        assert_eq!(
            frames.release(Pfn(9)),
            Release::Extend {
                address: base as usize + PAGE_SIZE
            }
        );
        for pfn in (0..ENTRIES_PER_PAGE).rev() {
            assert_eq!(frames.take(), Some(Frame::Unmapped(Pfn(pfn))));
        }
        assert_eq!(frames.take(), None);
    }
}

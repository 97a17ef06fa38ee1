//! Memory: which frames there are, where they are mapped, who gets them.
//!
//! From the bottom up:
//!
//! - [`extents`]: page numbers in ranges; what is free of the memory that Xen's bootstrap mapping shows.
//! - [`frames`]: machine memory by the frame. Nothing is touched before it is asked for, so a large
//!   domain starts as quickly as a small one.
//! - [`layout`]: which addresses are used for what, computed from the size of the domain.
//! - [`bootstrap`]: the mapping Xen starts us on: its end, its rights, what is free in it.
//! - [`p2m`]: the machine frame behind each number of a page.
//! - [`paging`]: page tables, made as addresses come into use; the [`Pager`] that maps frames.
//! - [`runs`]: blocks of whole pages, each at its own address for life, kept mapped while idle.
//! - [`slabs`]: objects up to 8 KiB, carved from runs.
//! - [`heap`]: the global allocator on top, and the reservations of the machine.
//! - [`reservation`]: memory that is given back to Xen and taken again.
//! - [`shared`]: pages that other domains see, and the grant table.
//!
//! Invariant: a frame is mapped writable at one address at most, and page tables at none.

pub mod bootstrap;
pub mod extents;
pub mod frames;
pub mod heap;
pub mod layout;
pub mod p2m;
pub mod paging;
pub mod reservation;
pub mod runs;
pub mod shared;
pub mod slabs;

use core::ptr::NonNull;
pub use starling_xen::PAGE_SIZE;

/// Puts frames behind addresses; what [`runs`] and [`heap`] need of the page tables, so that they can
/// be tested without any.
///
/// All addresses and lengths are in whole pages, within the areas of the layout.
pub trait Pager {
    /// Maps fresh frames at `start`, up to `pages` of them; returns how many there were. Their
    /// contents are whatever they last held.
    fn map(&mut self, start: usize, pages: usize) -> usize;

    /// Takes back the frames behind `pages` mapped pages at `start`.
    fn unmap(&mut self, start: usize, pages: usize);

    /// Moves the frames behind `pages` pages at `from` to the unmapped `to`. False if page tables
    /// for `to` could not be had; nothing has moved then.
    fn relocate(&mut self, from: usize, to: usize, pages: usize) -> bool;

    /// A block of `1 << order` pages, naturally aligned, that was mapped from the start and costs nothing.
    fn take_premapped(&mut self, order: u32) -> Option<NonNull<u8>>;

    /// Gives back a block from [`Pager::take_premapped`]; false if there is no room to note it.
    fn give_premapped(&mut self, block: NonNull<u8>, order: u32) -> bool;

    /// Whether `address` came from [`Pager::take_premapped`].
    fn is_premapped(&self, address: usize) -> bool;

    /// Frames that could still be mapped.
    fn available_pages(&self) -> usize;
}

/// Whole pages that hold `bytes`.
pub const fn pages_for(bytes: usize) -> usize {
    bytes.div_ceil(PAGE_SIZE)
}

#[cfg(test)]
pub(crate) mod testing {
    //! A [`Pager`] on ordinary memory, which keeps account of what is mapped.

    use super::*;
    use std::alloc::{Layout, alloc_zeroed, dealloc};
    use std::collections::BTreeSet;

    const ALIGNMENT: usize = 32 << 20;

    /// Addresses `base..base + len`, with `frames` frames to put behind them.
    pub struct TestPager {
        memory: NonNull<u8>,
        layout: Layout,
        base: usize,
        pub mapped: BTreeSet<usize>,
        pub free_frames: usize,
        pub map_calls: usize,
        pub unmapped_pages: usize,
    }

    impl TestPager {
        /// A space of `len` bytes, aligned as the largest run of a small domain is.
        pub fn new(len: usize, frames: usize) -> Self {
            // The system backs zeroed memory lazily, but only if no alignment is asked of it.
            let layout = Layout::from_size_align(len + ALIGNMENT, 16).unwrap();
            // SAFETY: the layout is not empty.
            let memory = NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap();
            let base = (memory.as_ptr() as usize).next_multiple_of(ALIGNMENT);
            Self {
                memory,
                layout,
                base,
                mapped: BTreeSet::new(),
                free_frames: frames,
                map_calls: 0,
                unmapped_pages: 0,
            }
        }

        pub fn base(&self) -> usize {
            self.base
        }
    }

    impl Drop for TestPager {
        fn drop(&mut self) {
            // SAFETY: allocated with this layout in `new`.
            unsafe { dealloc(self.memory.as_ptr(), self.layout) }
        }
    }

    impl Pager for TestPager {
        fn map(&mut self, start: usize, pages: usize) -> usize {
            self.map_calls += 1;
            let count = pages.min(self.free_frames);
            for page in 0..count {
                let address = start + page * PAGE_SIZE;
                assert!(
                    (self.base..self.base + self.layout.size() - ALIGNMENT).contains(&address),
                    "outside: {address:x}"
                );
                assert!(self.mapped.insert(address), "mapped twice: {address:x}");
            }
            self.free_frames -= count;
            count
        }

        fn unmap(&mut self, start: usize, pages: usize) {
            for page in 0..pages {
                assert!(
                    self.mapped.remove(&(start + page * PAGE_SIZE)),
                    "unmapped twice"
                );
            }
            self.free_frames += pages;
            self.unmapped_pages += pages;
        }

        fn relocate(&mut self, from: usize, to: usize, pages: usize) -> bool {
            for page in 0..pages {
                let offset = page * PAGE_SIZE;
                assert!(
                    self.mapped.remove(&(from + offset)),
                    "moved what was not there"
                );
                assert!(self.mapped.insert(to + offset), "moved over something");
            }
            // SAFETY: both ranges lie in the test's memory and do not overlap.
            unsafe {
                core::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, pages * PAGE_SIZE)
            };
            true
        }

        fn take_premapped(&mut self, _order: u32) -> Option<NonNull<u8>> {
            None
        }

        fn give_premapped(&mut self, _block: NonNull<u8>, _order: u32) -> bool {
            false
        }

        fn is_premapped(&self, _address: usize) -> bool {
            false
        }

        fn available_pages(&self) -> usize {
            self.free_frames
        }
    }
}

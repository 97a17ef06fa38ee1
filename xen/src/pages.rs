//! Pages that another domain is given a view of.
//!
//! Invariant: what lies in such pages may change at any time, so nobody holds a reference into a page that the other
//! domain may write; bytes are copied in and out. `kernel/src/memory` makes them: whole pages, zeroed, each with a
//! machine frame that stays the same until they are given back.

use crate::PAGE_SIZE;
use core::ptr::NonNull;

/// Consecutive pages, owned. Dropping them loses them: they are given back to who made them, or put in quarantine.
#[derive(Debug)]
#[must_use = "pages that are dropped are lost"]
pub struct SharedPages {
    base: NonNull<u8>,
    count: usize,
}

// SAFETY: the pages have one owner; the guest has one thread of control besides.
unsafe impl Send for SharedPages {}

impl SharedPages {
    /// Takes over `count` pages at `base`.
    ///
    /// # Safety
    /// They must be mapped writable and zeroed, each in a frame of its own, and belong to nobody else.
    pub const unsafe fn new(base: NonNull<u8>, count: usize) -> Self {
        Self { base, count }
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Where the first one is.
    pub const fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Where page `page` is. Panics if there is no such page: indices come from this side.
    pub fn page(&self, page: usize) -> NonNull<u8> {
        assert!(page < self.count, "page {page} of {}", self.count);
        // SAFETY: inside the pages.
        unsafe { self.base.add(page * PAGE_SIZE) }
    }

    /// Copies what is in `page` at `offset` to `target`. Panics if that is not within the page: the caller has checked
    /// what the other domain said.
    pub fn copy_out(&self, page: usize, offset: usize, target: &mut [u8]) {
        assert!(offset <= PAGE_SIZE && target.len() <= PAGE_SIZE - offset);
        let source = self.page(page);
        // SAFETY: both ends are inside memory of their own; the source may change meanwhile, which only affects what
        // bytes are copied.
        unsafe {
            core::ptr::copy_nonoverlapping(
                source.as_ptr().add(offset),
                target.as_mut_ptr(),
                target.len(),
            );
        }
    }

    /// The bytes from the start of `page` on, for writing.
    ///
    /// # Safety
    /// The other domain must not be able to write these pages as long as the slice lives.
    pub unsafe fn bytes_mut(&mut self, page: usize, len: usize) -> &mut [u8] {
        assert!(page < self.count && len <= (self.count - page) * PAGE_SIZE);
        // SAFETY: inside the pages, which are ours; the caller vouches for the other domain.
        unsafe { core::slice::from_raw_parts_mut(self.page(page).as_ptr(), len) }
    }
}

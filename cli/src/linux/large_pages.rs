//! The system's allocator, under [`super::reserve`]'s: it is asked for large pages under large blocks.
//!
//! A heap of a hundred megabytes that a collection or a message fills costs 256 page faults a megabyte, which is more than writing it.
//! Where `/sys/kernel/mm/transparent_hugepage/enabled` says `madvise` (or `always`), one fault maps 2 MiB.
//! Blocks below [`LARGE`] are the system's alone: there a large page might stay empty in large part.
//!
//! Invariant: the advice changes no contents and may fail: a block is the system allocator's in any case, and goes back to it.

use std::alloc::{GlobalAlloc, Layout, System};

/// Bytes from which on a block gets large pages: of a smaller one, what does not fill its last page would be too great a part.
const LARGE: usize = 8 << 20;
/// Advice is for whole pages.
const PAGE: usize = 4096;

/// The system's allocator with large pages.
pub struct LargePages;

/// Asks for large pages under the `len` bytes at `block`, which may be null.
#[cold]
fn advise(block: *mut u8, len: usize) {
    if block.is_null() {
        return;
    }
    let inset = block.align_offset(PAGE);
    let len = len.saturating_sub(inset) & !(PAGE - 1);
    // SAFETY: the pages lie in a block that is ours, and the advice leaves their contents alone. Failure (a kernel without large pages)
    // means pages of the usual size.
    let _ = unsafe {
        rustix::mm::madvise(
            block.wrapping_add(inset).cast(),
            len,
            rustix::mm::Advice::LinuxHugepage,
        )
    };
}

// SAFETY: every block is the system allocator's, unchanged.
unsafe impl GlobalAlloc for LargePages {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is that of the system's allocator.
        let block = unsafe { System.alloc(layout) };
        if layout.size() >= LARGE {
            advise(block, layout.size());
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as for `alloc`.
        unsafe { System.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        let block = unsafe { System.alloc_zeroed(layout) };
        if layout.size() >= LARGE {
            advise(block, layout.size());
        }
        block
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as for `alloc`.
        let block = unsafe { System.realloc(block, layout, size) };
        if size >= LARGE {
            advise(block, size);
        }
        block
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn large_blocks_hold_what_is_written_when_they_grow() {
        let mut bytes = vec![0u8; super::LARGE + 123];
        assert!(bytes.iter().all(|byte| *byte == 0));
        bytes.fill(7);
        bytes.reserve_exact(3 * super::LARGE);
        bytes.resize(2 * super::LARGE, 9);
        assert!(bytes[..super::LARGE + 123].iter().all(|byte| *byte == 7));
        assert!(bytes[super::LARGE + 123..].iter().all(|byte| *byte == 9));
    }
}

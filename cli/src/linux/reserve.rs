//! The program's allocator on Linux: the system's, with a little memory kept back for small requests.
//!
//! Where memory has a limit (`ulimit -v`, or a system that promises no more than it has), what a process eats is gone when *anybody* asks:
//! the logger, or a supervisor. So when the system refuses a small request, it gets what was kept back; the machine sees that with
//! its next question ([`is_spent`]) and ends whoever holds the most.
//!
//! Invariant: a request costs nothing more than a look at the answer, until one is refused. The memory kept back is not touched, so there
//! are addresses behind it and no pages.
//!
//! Who calls this: every allocation; `LinuxPlatform`.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::large_blocks::LargeBlocks;

/// What is kept back: enough for some turns of processes that ask for little, and for the report of a process's end.
const RESERVE: Layout = match Layout::from_size_align(2 << 20, 16) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two, far below the limit"),
};
/// A larger request than this is refused: whoever makes it is to end.
const SMALL: usize = RESERVE.size() / 4;

/// The block kept back; null before the first question and while it is spent.
static KEPT: AtomicPtr<u8> = AtomicPtr::new(null_mut());

/// The allocator for large and small blocks, with the reserve.
pub struct WithReserve;

#[global_allocator]
static ALLOCATOR: WithReserve = WithReserve;

// SAFETY: every answer is the system allocator's own, for the layout that was asked for.
unsafe impl GlobalAlloc for WithReserve {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout, as it came.
        let block = unsafe { LargeBlocks.alloc(layout) };
        match block.is_null() && spend(layout.size()) {
            false => block,
            // SAFETY: as above.
            true => unsafe { LargeBlocks.alloc(layout) },
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout, as it came.
        let block = unsafe { LargeBlocks.alloc_zeroed(layout) };
        match block.is_null() && spend(layout.size()) {
            false => block,
            // SAFETY: as above.
            true => unsafe { LargeBlocks.alloc_zeroed(layout) },
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: a block of ours is a block of the system's, and the layouts are the caller's.
        let grown = unsafe { LargeBlocks.realloc(block, layout, size) };
        match grown.is_null() && spend(size) {
            false => grown,
            // SAFETY: as above; what cannot be met has left the block as it was.
            true => unsafe { LargeBlocks.realloc(block, layout, size) },
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: a block of ours is a block of the system's.
        unsafe { LargeBlocks.dealloc(block, layout) }
    }
}

/// Gives the reserve back to the system for a request of `size` bytes that was refused. False if that is no help.
#[cold]
#[inline(never)]
fn spend(size: usize) -> bool {
    if size > SMALL {
        return false;
    }
    let kept = KEPT.swap(null_mut(), Ordering::AcqRel);
    if !kept.is_null() {
        // SAFETY: `keep` allocated it with this layout, and whoever takes it out of the cell is its only owner.
        unsafe { LargeBlocks.dealloc(kept, RESERVE) };
    }
    !kept.is_null()
}

/// Whether the reserve has been spent, and cannot be put back by what has been freed since.
#[inline]
pub fn is_spent() -> bool {
    KEPT.load(Ordering::Relaxed).is_null() && !keep()
}

/// Takes the reserve out of what memory there is.
#[cold]
#[inline(never)]
fn keep() -> bool {
    // SAFETY: the layout is not empty.
    let block = unsafe { LargeBlocks.alloc(RESERVE) };
    if block.is_null() {
        return false;
    }
    let before = KEPT.swap(block, Ordering::AcqRel);
    if !before.is_null() {
        // SAFETY: as in `spend`: another thread has put it there at the same time.
        unsafe { LargeBlocks.dealloc(before, RESERVE) };
    }
    true
}

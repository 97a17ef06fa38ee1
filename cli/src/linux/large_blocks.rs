//! Large blocks, under [`super::reserve`]'s allocator: mapped by themselves, in large pages, and kept for a while after they are freed.
//!
//! The first touch of a page costs more than filling it: the system clears it, and where the host gives its guests memory only then, the host does,
//! too (0.7 ms a megabyte were measured, for 0.2 ms of copying). What a collection, a message or a table leaves behind is therefore
//! the next one's: a freed block is kept with its pages, and a request takes a part of a kept one, or the largest with more pages behind it.
//! OTP's allocators keep their carriers for the same reason (`erts/emulator/internal_doc/CarrierMigration.md`, `erts_alloc`'s `+MMmcs`).
//!
//! What is kept and what is in use are together at most [`SLACK`] more than was in use at once, so the peak of memory is hardly higher for it. A
//! machine that has nothing to do for a while gives all back ([`release`]), and so does a request that the system refuses. Blocks below
//! [`LARGE`] are the system allocator's, which keeps as much ([`keep_small_blocks`]).
//!
//! Where there are no more addresses (`ulimit -v`), the system's allocator may still have room among small blocks that were freed: it is asked last.
//!
//! Invariant: a large block that begins a page is whole pages of one mapping, from its first byte to its last; any other is a [`lend`]ed one. A piece
//! is in the table or somebody's block, never both.
//!
//! Who calls this: [`super::reserve`] for every allocation; `LinuxPlatform` when it waits.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::mm::{self, Advice, MapFlags, MremapFlags, ProtFlags};

/// Bytes from which on a block is mapped by itself.
const LARGE: usize = 1 << 20;
/// Bytes from which on a block gets large pages: of a smaller one, what does not fill its last page would be too great a part.
const LARGE_PAGES: usize = 8 << 20;
/// Mappings are whole pages.
const PAGE: usize = 4096;
/// Pieces that may be kept: as many as OTP's `mseg_alloc` keeps (`+MMmcs`).
const KEPT: usize = 10;

/// What may be kept beyond the most that was in use: heaps that grow from collection to collection leave pieces of all sizes behind.
const SLACK: usize = 8 << 20;

/// The system's allocator for small blocks, mappings for large ones.
pub struct LargeBlocks;

/// A part of a mapping that nobody uses. Empty if `len` is 0.
#[derive(Clone, Copy)]
struct Piece {
    start: *mut u8,
    len: usize,
}

const NOTHING: Piece = Piece {
    start: null_mut(),
    len: 0,
};

/// What is kept, and how much is in use.
struct Pool {
    pieces: [Piece; KEPT],
    in_use: usize,
    /// The most that has been in use since all was given back.
    peak: usize,
}

// SAFETY: a piece is memory that nobody else knows; it belongs to no thread.
unsafe impl Send for Pool {}

static POOL: Mutex<Pool> = Mutex::new(Pool::new());

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    const fn new() -> Pool {
        Pool {
            pieces: [NOTHING; KEPT],
            in_use: 0,
            peak: 0,
        }
    }

    fn kept(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len).sum()
    }

    /// The smallest piece that has `len` bytes, else the largest.
    fn find(&mut self, len: usize) -> Option<&mut Piece> {
        self.pieces
            .iter_mut()
            .filter(|piece| piece.len > 0)
            .min_by_key(|piece| match piece.len.checked_sub(len) {
                Some(surplus) => (false, surplus),
                None => (true, len - piece.len),
            })
    }

    /// `len` bytes with whatever was in them: null if there are no addresses.
    fn take(&mut self, len: usize) -> *mut u8 {
        let start = match self.find(len) {
            Some(piece) if piece.len >= len => {
                let start = piece.start;
                piece.start = start.wrapping_add(len);
                piece.len -= len;
                start
            }
            // Less is not worth a change of the page table.
            Some(piece) if piece.len >= len / 4 => {
                let grown = remap(piece.start, piece.len, len);
                if !grown.is_null() {
                    *piece = NOTHING;
                }
                grown
            }
            _ => map(len),
        };
        self.used(start, len)
    }

    fn used(&mut self, start: *mut u8, len: usize) -> *mut u8 {
        if !start.is_null() {
            self.in_use += len;
            self.peak = self.peak.max(self.in_use);
        }
        start
    }

    /// Keeps a block that its user has freed, as long as there is no reason to give pages back.
    fn put(&mut self, start: *mut u8, len: usize) {
        self.in_use -= len;
        let mut piece = Piece { start, len };
        // The smallest piece gives way to a larger one.
        if let Some(place) = self.pieces.iter_mut().min_by_key(|piece| piece.len)
            && place.len < len
        {
            std::mem::swap(place, &mut piece);
        }
        unmap(piece);
        let mut surplus = (self.kept() + self.in_use).saturating_sub(self.peak + SLACK);
        for piece in &mut self.pieces {
            let given_back = surplus.next_multiple_of(PAGE).min(piece.len);
            piece.len -= given_back;
            unmap(Piece {
                start: piece.start.wrapping_add(piece.len),
                len: given_back,
            });
            surplus = surplus.saturating_sub(given_back);
        }
    }

    /// Gives all that is kept back to the system; false if it was nothing.
    fn release(&mut self) -> bool {
        let kept = self.kept() > 0;
        self.peak = self.in_use;
        for piece in &mut self.pieces {
            unmap(std::mem::replace(piece, NOTHING));
        }
        kept
    }
}

/// Gives what is kept of freed blocks back to the system.
pub fn release() -> bool {
    pool().release()
}

/// Lets the system's allocator keep [`SLACK`] bytes of small blocks at the end of its memory. What glibc gives back otherwise is 128 KiB and more,
/// which a process's next collection touches again.
pub fn keep_small_blocks() {
    #[cfg(target_env = "gnu")]
    // SAFETY: both set a number of the allocator's. Failure leaves it as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE as libc::c_int);
        libc::mallopt(libc::M_TRIM_THRESHOLD, SLACK as libc::c_int);
    }
}

/// The bytes that a block of `size` bytes takes.
fn pages(size: usize) -> usize {
    // A layout's size is at most `isize::MAX`.
    size.next_multiple_of(PAGE)
}

/// Whether a block is for us: small ones, and those of a curious alignment, are the system allocator's alone.
#[inline(always)]
fn is_large(size: usize, layout: Layout) -> bool {
    size >= LARGE && layout.align() <= PAGE
}

/// Fresh pages of zeros; null if there are none.
fn map(len: usize) -> *mut u8 {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh anonymous mapping at an address of the system's choice touches nothing that exists.
    let start = unsafe { mm::mmap_anonymous(null_mut(), len, access, MapFlags::PRIVATE) };
    start.map_or(null_mut(), |start| with_large_pages(start, len))
}

/// Moves the pages of a piece or block to where `len` bytes have room; null if there is no such place, and nothing has changed.
fn remap(start: *mut u8, old: usize, len: usize) -> *mut u8 {
    // SAFETY: all `old` bytes are of one mapping of ours, and whoever calls this lets go of their old address.
    let moved = unsafe { mm::mremap(start.cast(), old, len, MremapFlags::MAYMOVE) };
    moved.map_or(null_mut(), |start| with_large_pages(start, len))
}

fn with_large_pages(start: *mut c_void, len: usize) -> *mut u8 {
    if len >= LARGE_PAGES {
        // SAFETY: the pages are ours, and the advice leaves their contents alone. Failure (a kernel without large pages) means pages of
        // the usual size.
        let _ = unsafe { mm::madvise(start, len, Advice::LinuxHugepage) };
    }
    start.cast()
}

fn unmap(piece: Piece) {
    if piece.len > 0 {
        // SAFETY: a piece is pages of a mapping of ours that nobody uses. Failure leaves them mapped and lost, which is safe.
        let _ = unsafe { mm::munmap(piece.start.cast(), piece.len) };
    }
}

/// Asks again when what was kept has been given back.
fn insist(mut request: impl FnMut() -> *mut u8) -> *mut u8 {
    let block = request();
    match block.is_null() && release() {
        true => request(),
        false => block,
    }
}

/// Bytes in front of a block that is lent, the last eight of which are the address of the system's block; as many again keep it off a page's beginning.
const LENT: usize = 16;

fn lent_layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(2 * LENT)?, LENT).ok()
}

/// Whether a large block is a mapping, and not lent.
fn is_mapping(block: *mut u8) -> bool {
    (block as usize).is_multiple_of(PAGE)
}

/// A large block among the system allocator's; null if it has no room either.
fn lend(size: usize) -> *mut u8 {
    let Some(layout) = lent_layout(size) else {
        return null_mut();
    };
    // SAFETY: the layout is not empty; the block begins 16 or 32 bytes behind the beginning of memory that has 32 more, aligned to 16.
    unsafe {
        let memory = System.alloc(layout);
        if memory.is_null() {
            return memory;
        }
        let mut block = memory.add(LENT);
        if is_mapping(block) {
            block = block.add(LENT);
        }
        block.cast::<*mut u8>().sub(1).write(memory);
        block
    }
}

/// Takes a large block back, wherever it is from.
///
/// # Safety
/// It is of so many bytes, and nobody uses it any more.
#[cold]
#[inline(never)]
unsafe fn take_back(block: *mut u8, size: usize) {
    if is_mapping(block) {
        pool().put(block, pages(size));
    } else if let Some(layout) = lent_layout(size) {
        // SAFETY: the invariant: `lend` made it, with this layout, and wrote the memory's address in front of it.
        unsafe { System.dealloc(block.cast::<*mut u8>().sub(1).read(), layout) };
    }
}

#[cold]
#[inline(never)]
fn allocate(size: usize) -> *mut u8 {
    let block = insist(|| pool().take(pages(size)));
    match block.is_null() {
        true => lend(size),
        false => block,
    }
}

#[cold]
#[inline(never)]
fn allocate_zeroed(size: usize) -> *mut u8 {
    let len = pages(size);
    let mut block = insist(|| pool().used(map(len), len));
    if block.is_null() {
        block = lend(size);
        if !block.is_null() {
            // SAFETY: a fresh block of that size.
            unsafe { block.write_bytes(0, size) };
        }
    }
    block
}

/// A mapped block with more or fewer pages; null, and nothing has changed, if there are none.
#[cold]
#[inline(never)]
fn resize(block: *mut u8, old: usize, size: usize) -> *mut u8 {
    let (old, len) = (pages(old), pages(size));
    insist(|| {
        let moved = remap(block, old, len);
        if !moved.is_null() {
            let mut pool = pool();
            pool.in_use -= old;
            pool.used(moved, len);
        }
        moved
    })
}

// SAFETY: a block is the system allocator's, or pages that `Pool` has handed out and knows nothing of any more; which of them, its layout and
// its address say.
unsafe impl GlobalAlloc for LargeBlocks {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size(), layout) {
            return allocate(layout.size());
        }
        // SAFETY: the caller's promise is that of the system's allocator.
        let block = unsafe { System.alloc(layout) };
        match block.is_null() && release() {
            // SAFETY: as above.
            true => unsafe { System.alloc(layout) },
            false => block,
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_large(layout.size(), layout) {
            // SAFETY: the caller's promise.
            return unsafe { take_back(block, layout.size()) };
        }
        // SAFETY: as for `alloc`.
        unsafe { System.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size(), layout) {
            return allocate_zeroed(layout.size());
        }
        // SAFETY: as for `alloc`.
        insist(|| unsafe { System.alloc_zeroed(layout) })
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match (is_large(layout.size(), layout), is_large(size, layout)) {
            (true, true) if is_mapping(block) => {
                let moved = resize(block, layout.size(), size);
                if !moved.is_null() {
                    return moved;
                }
            }
            // SAFETY: as for `alloc`.
            (false, false) => return insist(|| unsafe { System.realloc(block, layout, size) }),
            _ => {}
        }
        // SAFETY: the caller's promise: the size with this alignment is a layout's. Both blocks have the bytes that are copied.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                std::ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_blocks_hold_what_is_written_when_they_grow_and_shrink() {
        let mut bytes = vec![0u8; LARGE_PAGES + 123];
        assert!(bytes.iter().all(|byte| *byte == 0));
        bytes.fill(7);
        bytes.reserve_exact(3 * LARGE_PAGES);
        bytes.resize(2 * LARGE_PAGES, 9);
        assert!(bytes[..LARGE_PAGES + 123].iter().all(|byte| *byte == 7));
        assert!(bytes[LARGE_PAGES + 123..].iter().all(|byte| *byte == 9));
        for len in [LARGE_PAGES, LARGE, LARGE - 1, 100] {
            bytes.truncate(len);
            bytes.shrink_to_fit();
            assert!(bytes.iter().all(|byte| *byte == 7));
        }
        bytes.resize(LARGE, 8);
        assert!(bytes[..100].iter().all(|byte| *byte == 7));
        assert!(bytes[100..].iter().all(|byte| *byte == 8));
    }

    #[test]
    fn what_is_lent_begins_no_page_and_goes_back() {
        for size in [LARGE, LARGE + 4064, 3 * LARGE] {
            let block = lend(size);
            assert!(!is_mapping(block));
            // SAFETY: a block of that size, which nobody else has.
            unsafe {
                block.write_bytes(1, size);
                take_back(block, size);
            }
        }
    }

    #[test]
    fn a_request_takes_part_of_what_is_kept_and_the_rest_stays() {
        let mut pool = Pool::new();
        let block = pool.take(8 * LARGE);
        pool.put(block, 8 * LARGE);
        assert_eq!(pool.take(3 * LARGE), block);
        assert_eq!(pool.take(5 * LARGE), block.wrapping_add(3 * LARGE));
        assert_eq!((pool.kept(), pool.in_use), (0, 8 * LARGE));
        pool.put(block, 3 * LARGE);
        pool.put(block.wrapping_add(3 * LARGE), 5 * LARGE);
        assert!(pool.release());
        assert!(!pool.release());
    }

    #[test]
    fn a_smaller_piece_grows_and_keeps_no_second_owner() {
        let mut pool = Pool::new();
        let block = pool.take(4 * LARGE);
        // SAFETY: the block is ours.
        unsafe { block.write_bytes(5, 4 * LARGE) };
        pool.put(block, 4 * LARGE);
        let grown = pool.take(6 * LARGE);
        assert_eq!(pool.kept(), 0);
        // SAFETY: as above; its first pages are those that were kept.
        unsafe { assert_eq!((*grown, *grown.add(4 * LARGE)), (5, 0)) };
        pool.put(grown, 6 * LARGE);
        pool.release();
    }

    #[test]
    fn kept_and_used_are_little_more_than_was_used_at_once() {
        let mut pool = Pool::new();
        let blocks: Vec<_> = (0..KEPT + 4).map(|_| pool.take(LARGE)).collect();
        for block in blocks {
            pool.put(block, LARGE);
            assert!(pool.kept() + pool.in_use <= pool.peak);
        }
        assert_eq!(pool.kept(), KEPT * LARGE);
        pool.release();
        assert_eq!((pool.kept(), pool.peak), (0, 0));
        // Grown beyond what was used before, by whoever resizes a block.
        let block = pool.take(SLACK);
        let other = pool.take(2 * SLACK);
        pool.put(other, 2 * SLACK);
        pool.in_use += 3 * SLACK;
        pool.put(block, SLACK);
        assert_eq!(pool.kept() + pool.in_use, pool.peak + SLACK);
        pool.in_use = 0;
        pool.release();
    }
}

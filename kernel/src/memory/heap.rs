//! The global allocator, and the machine's reservations.
//!
//! [`Heap`] decides by size: up to 8 KiB a slab, beyond that a run of pages of its own. When frames
//! run out it takes them back from what is idle, once, and then gives up with a null pointer: running out
//! of memory is the machine's business. [`KernelHeap`] is the `#[global_allocator]` over the one heap of
//! the guest.
//!
//! Invariant: which of the two an allocation belongs to follows from its layout alone, so freeing needs
//! no header.

use super::layout::Layout as AddressLayout;
use super::paging::PageTables;
use super::runs::{Runs, page_request};
use super::slabs::{BlockSource, CLASSES, MAX_ALIGNMENT, MAX_OBJECT, Slabs, class_for};
use super::{PAGE_SIZE, Pager, pages_for};
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ops::Range;
use core::ptr::{NonNull, null_mut};
use starling_vm::platform::Reservation;

/// Frames taken back beyond what is needed at once: stripping one by one would cost a flush each.
const RECLAIM_PAGES: usize = 256;

/// All memory of the guest above the page tables.
pub struct Heap<P> {
    pager: P,
    runs: Runs,
    slabs: Slabs,
    /// What is left for reservations.
    reservations: Range<usize>,
    /// Size of the last request that could not be met.
    last_refusal: Option<usize>,
}

/// Slabs' pages: what was mapped from the start first, then runs.
struct Blocks<'a, P> {
    pager: &'a mut P,
    runs: &'a mut Runs,
}

impl<P: Pager> BlockSource for Blocks<'_, P> {
    fn take(&mut self, order: u32) -> Option<NonNull<u8>> {
        self.pager
            .take_premapped(order)
            .or_else(|| self.runs.allocate(self.pager, 1 << order, order))
    }

    fn give(&mut self, block: NonNull<u8>, order: u32) {
        if !self.pager.is_premapped(block.as_ptr() as usize) {
            self.runs.free(block);
        } else if !self.pager.give_premapped(block, order) {
            // The list of such pages is too fragmented to note this block. It is at most 64 KiB, and
            // there are few of them; it stays unused.
            log::debug!("a block of {} pages could not be noted as free", 1 << order);
        }
    }
}

/// How an allocation is served.
enum Kind {
    Object { class: usize },
    Run { pages: usize, alignment_order: u32 },
}

impl Kind {
    #[inline]
    fn of(layout: Layout) -> Self {
        let (size, align) = (layout.size(), layout.align());
        if size <= MAX_OBJECT && align <= 16 {
            return Self::Object {
                class: class_for(size.max(1)),
            };
        }
        Self::uncommon(size, align)
    }

    fn uncommon(size: usize, align: usize) -> Self {
        if align <= MAX_ALIGNMENT {
            // Rounding to the alignment is not enough: the class may be larger and no multiple of it.
            let rounded = size.max(1).next_multiple_of(align).next_power_of_two();
            if rounded <= MAX_OBJECT {
                let class = class_for(rounded);
                debug_assert!(class < CLASSES);
                return Self::Object { class };
            }
        }
        let (pages, alignment_order) = page_request(size, align);
        Self::Run {
            pages,
            alignment_order,
        }
    }
}

impl<P: Pager> Heap<P> {
    /// A heap on `pager`'s space, which has the shape of `layout`.
    pub fn new(pager: P, layout: AddressLayout) -> Self {
        Self {
            pager,
            runs: Runs::new(layout),
            slabs: Slabs::new(),
            reservations: layout.reservation_area(),
            last_refusal: None,
        }
    }

    /// The page tables below.
    pub fn pager(&mut self) -> &mut P {
        &mut self.pager
    }

    /// Bytes that can still be had, idle pages included.
    pub fn available(&self) -> usize {
        (self.pager.available_pages() + self.runs.idle_pages()) * PAGE_SIZE
    }

    /// Size of the last request that could not be met.
    pub fn last_refusal(&self) -> Option<usize> {
        self.last_refusal
    }

    #[inline]
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if let Kind::Object { class } = Kind::of(layout) {
            let mut blocks = Blocks {
                pager: &mut self.pager,
                runs: &mut self.runs,
            };
            if let Some(object) = self.slabs.allocate(class, &mut blocks) {
                return Some(object);
            }
        }
        self.allocate_slowly(layout)
    }

    fn allocate_slowly(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let pages = pages_for(layout.size());
        // A request that cannot be met must not empty every cache first.
        if pages > self.pager.available_pages() + self.runs.idle_pages() {
            self.last_refusal = Some(layout.size());
            return None;
        }
        let found = self.try_once(layout).or_else(|| {
            self.reclaim(pages);
            self.try_once(layout)
        });
        if found.is_none() {
            self.last_refusal = Some(layout.size());
        }
        found
    }

    fn try_once(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        match Kind::of(layout) {
            Kind::Object { class } => {
                let mut blocks = Blocks {
                    pager: &mut self.pager,
                    runs: &mut self.runs,
                };
                self.slabs.allocate(class, &mut blocks)
            }
            Kind::Run {
                pages,
                alignment_order,
            } => self.runs.allocate(&mut self.pager, pages, alignment_order),
        }
    }

    /// Takes back frames from what is idle: `pages`, what their tables may take, and some more.
    pub(super) fn reclaim(&mut self, pages: usize) {
        let wanted = pages + pages / 256 + RECLAIM_PAGES;
        if self.runs.strip(&mut self.pager, wanted) < wanted {
            let mut blocks = Blocks {
                pager: &mut self.pager,
                runs: &mut self.runs,
            };
            if self.slabs.trim(&mut blocks) > 0 {
                self.runs.strip(&mut self.pager, wanted);
            }
        }
    }

    /// # Safety
    /// As [`GlobalAlloc::dealloc`].
    #[inline]
    unsafe fn deallocate(&mut self, address: NonNull<u8>, layout: Layout) {
        match Kind::of(layout) {
            Kind::Object { class } => {
                let mut blocks = Blocks {
                    pager: &mut self.pager,
                    runs: &mut self.runs,
                };
                // SAFETY: the caller's promise: allocated with this layout, so with this class.
                unsafe { self.slabs.free(address, class, &mut blocks) }
            }
            Kind::Run { .. } => self.runs.free(address),
        }
    }

    /// Makes a run longer or shorter without copying, in place if it fits there.
    fn resize_run(&mut self, address: NonNull<u8>, pages: usize) -> Option<NonNull<u8>> {
        if self.runs.fits(address, pages) {
            let resized = self.runs.resize(&mut self.pager, address, pages);
            return resized.then_some(address);
        }
        self.runs.relocate(&mut self.pager, address, pages)
    }

    /// # Safety
    /// As [`GlobalAlloc::realloc`].
    unsafe fn reallocate(
        &mut self,
        address: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Option<NonNull<u8>> {
        match (Kind::of(old), Kind::of(new)) {
            (Kind::Object { class: old }, Kind::Object { class: new }) if old == new => {
                return Some(address);
            }
            (
                Kind::Run { .. },
                Kind::Run {
                    pages,
                    alignment_order: 0,
                },
            ) => {
                if let Some(grown) = self.resize_run(address, pages) {
                    return Some(grown);
                }
                let missing = pages.saturating_sub(pages_for(old.size()));
                if missing <= self.pager.available_pages() + self.runs.idle_pages() {
                    self.reclaim(missing);
                    if let Some(grown) = self.resize_run(address, pages) {
                        return Some(grown);
                    }
                }
            }
            _ => {}
        }
        let target = self.allocate(new)?;
        // SAFETY: both are live, distinct, and as long as their layouts say.
        unsafe {
            address.copy_to_nonoverlapping(target, old.size().min(new.size()));
            self.deallocate(address, old);
        }
        Some(target)
    }

    /// A run of `count` mapped pages; their contents are whatever they last held.
    pub(super) fn take_run(&mut self, count: usize) -> Option<NonNull<u8>> {
        if count > self.pager.available_pages() + self.runs.idle_pages() {
            self.last_refusal = Some(count * PAGE_SIZE);
            return None;
        }
        let run = self.runs.allocate(&mut self.pager, count, 0).or_else(|| {
            self.reclaim(count);
            self.runs.allocate(&mut self.pager, count, 0)
        });
        if run.is_none() {
            self.last_refusal = Some(count * PAGE_SIZE);
        }
        run
    }

    /// Gives back what [`Heap::take_run`] gave.
    pub(super) fn give_run(&mut self, run: NonNull<u8>) {
        self.runs.free(run);
    }

    /// Reserves `len` bytes of addresses with nothing behind them; a page is left out behind each
    /// reservation so that running over its end is a fault.
    pub fn reserve(&mut self, len: usize) -> Option<Reservation> {
        let len = len.checked_next_multiple_of(PAGE_SIZE)?;
        let base = self.reservations.start;
        let next = base.checked_add(len)?.checked_add(PAGE_SIZE)?;
        if next > self.reservations.end {
            return None;
        }
        self.reservations.start = next;
        Some(Reservation {
            base: NonNull::new(base as *mut u8)?,
            len,
        })
    }

    /// Maps zeroed pages over those of `start..start + len` for which `is_mapped` is false.
    pub fn commit(
        &mut self,
        start: usize,
        len: usize,
        is_mapped: impl Fn(&P, usize) -> bool,
    ) -> bool {
        let end = start + len;
        let mut page = start;
        while page < end {
            if is_mapped(&self.pager, page) {
                page += PAGE_SIZE;
                continue;
            }
            let missing = (page..end)
                .step_by(PAGE_SIZE)
                .take_while(|&p| !is_mapped(&self.pager, p))
                .count();
            let mut mapped = self.pager.map(page, missing);
            if mapped == 0 {
                self.reclaim(missing);
                mapped = self.pager.map(page, missing);
                if mapped == 0 {
                    self.last_refusal = Some(len);
                    return false;
                }
            }
            // SAFETY: just mapped, and nobody has been told of it yet.
            unsafe { (page as *mut u8).write_bytes(0, mapped * PAGE_SIZE) };
            page += mapped * PAGE_SIZE;
        }
        true
    }
}

/// The guest's one heap.
///
/// Invariant: set once, at boot, before anything is allocated; used by one thread of control, and
/// nothing the heap calls allocates. An allocation before that is answered with null.
pub struct KernelHeap(UnsafeCell<Option<Heap<PageTables>>>);

// SAFETY: one vCPU and no upcalls: there is no second thread of control (see the crate's invariant).
unsafe impl Sync for KernelHeap {}

impl Default for KernelHeap {
    fn default() -> Self {
        Self::new()
    }
}

impl KernelHeap {
    /// A heap that is not there yet.
    pub const fn new() -> Self {
        Self(UnsafeCell::new(None))
    }

    /// Puts the heap in place.
    pub fn install(&self, heap: Heap<PageTables>) {
        // SAFETY: see the type's invariant.
        unsafe { *self.0.get() = Some(heap) };
    }

    #[inline]
    #[allow(clippy::mut_from_ref)] // the type's invariant
    fn heap(&self) -> Option<&mut Heap<PageTables>> {
        // SAFETY: see the type's invariant; every method lets go of the reference before it returns.
        unsafe { (*self.0.get()).as_mut() }
    }

    /// Does something with the heap, if it is there. `use_it` must not allocate.
    pub fn with<R>(&self, use_it: impl FnOnce(&mut Heap<PageTables>) -> R) -> Option<R> {
        self.heap().map(use_it)
    }
}

// SAFETY: blocks are as large and as aligned as their layouts say and belong to one owner at a time; that
// is what `slabs` and `runs` are tested for. No method unwinds or allocates.
unsafe impl GlobalAlloc for KernelHeap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.heap()
            .and_then(|heap| heap.allocate(layout))
            .map_or(null_mut(), NonNull::as_ptr)
    }

    #[inline]
    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        if let (Some(heap), Some(address)) = (self.heap(), NonNull::new(address)) {
            // SAFETY: the caller's promise.
            unsafe { heap.deallocate(address, layout) };
        }
    }

    unsafe fn realloc(&self, address: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let (Some(heap), Some(address)) = (self.heap(), NonNull::new(address)) else {
            return null_mut();
        };
        let Ok(new) = Layout::from_size_align(new_size, layout.align()) else {
            return null_mut();
        };
        // SAFETY: the caller's promise.
        unsafe { heap.reallocate(address, layout, new) }.map_or(null_mut(), NonNull::as_ptr)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestPager;
    use super::*;
    use std::vec::Vec;

    fn heap(frames: usize) -> Heap<TestPager> {
        let pager = TestPager::new(1 << 30, frames);
        let layout = AddressLayout::new(pager.base(), 8192);
        Heap::new(pager, layout)
    }

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn every_size_and_alignment_is_honoured() {
        let mut heap = heap(8000);
        let mut live = Vec::new();
        for shift in 0..20 {
            for align_shift in 0..15 {
                let layout = layout((1 << shift) + 3, 1 << align_shift);
                let address = heap.allocate(layout).unwrap();
                assert_eq!(address.as_ptr() as usize % layout.align(), 0, "{layout:?}");
                // SAFETY: just allocated.
                unsafe { address.as_ptr().write_bytes(shift, layout.size()) };
                live.push((address, layout, shift));
                if live.len() > 20 {
                    let (address, layout, mark) = live.remove(0);
                    // SAFETY: live, of that size, and freed once.
                    unsafe {
                        let bytes = core::slice::from_raw_parts(address.as_ptr(), layout.size());
                        assert!(bytes.iter().all(|&byte| byte == mark));
                        heap.deallocate(address, layout);
                    }
                }
            }
        }
    }

    #[test]
    fn memory_comes_back_from_slabs_to_runs() {
        let mut heap = heap(1000);
        let small = layout(1864, 8);
        let objects: Vec<_> = core::iter::from_fn(|| heap.allocate(small)).collect();
        assert!(objects.len() > 1800, "{}", objects.len());
        let large = layout(3 << 20, 8);
        assert_eq!(heap.allocate(large), None);
        assert_eq!(heap.last_refusal(), Some(3 << 20));
        for object in objects {
            // SAFETY: allocated above.
            unsafe { heap.deallocate(object, small) };
        }
        assert!(heap.allocate(large).is_some());
    }

    #[test]
    fn growing_keeps_contents_and_does_not_need_twice_the_memory() {
        const MARKED: usize = 100;
        let intact = |address: NonNull<u8>| {
            // SAFETY: at least this many bytes are allocated and were written.
            let bytes = unsafe { core::slice::from_raw_parts(address.as_ptr(), MARKED) };
            bytes.iter().all(|&byte| byte == 0xa5)
        };
        let mut heap = heap(1000);
        let mut size = MARKED;
        let mut address = heap.allocate(layout(size, 8)).unwrap();
        // SAFETY: that many bytes were allocated.
        unsafe { address.as_ptr().write_bytes(0xa5, MARKED) };
        // Up to 3.3 MiB of the 4 MiB there are.
        while size < 2 << 20 {
            let new = size * 16 / 10;
            // SAFETY: live, with that layout.
            address = unsafe { heap.reallocate(address, layout(size, 8), layout(new, 8)) }.unwrap();
            assert!(intact(address));
            size = new;
        }
        // Shrinking to an object copies.
        // SAFETY: as above.
        address = unsafe { heap.reallocate(address, layout(size, 8), layout(MARKED, 8)) }.unwrap();
        assert!(intact(address));
    }

    #[test]
    fn a_block_can_grow_after_everything_was_in_small_blocks() {
        let mut heap = heap(7000);
        for size in [4096, 16384, 65536] {
            let blocks: Vec<_> = core::iter::from_fn(|| heap.allocate(layout(size, 1))).collect();
            assert!(blocks.len() * size > 20 << 20);
            for block in blocks {
                // SAFETY: allocated above.
                unsafe { heap.deallocate(block, layout(size, 1)) };
            }
        }
        let mut size = 1000;
        let mut address = heap.allocate(layout(size, 1)).unwrap();
        while size < 18 << 20 {
            let new = size + size / 3 + 1000;
            // SAFETY: live, with that layout.
            let grown = unsafe { heap.reallocate(address, layout(size, 1), layout(new, 1)) };
            address = grown.unwrap_or_else(|| panic!("from {size} to {new}"));
            size = new;
        }
    }

    #[test]
    fn an_impossible_request_leaves_the_idle_pages_alone() {
        let mut heap = heap(1000);
        let run = heap.allocate(layout(1 << 20, 8)).unwrap();
        // SAFETY: allocated above.
        unsafe { heap.deallocate(run, layout(1 << 20, 8)) };
        let idle = heap.runs.idle_pages();
        assert_eq!(heap.allocate(layout(1 << 30, 8)), None);
        assert_eq!(heap.runs.idle_pages(), idle);
    }

    #[test]
    fn reservations_are_apart_and_commit_zeroed_pages_once() {
        // The reservations of a real layout are larger than the test's memory, so they are put inside it.
        let mut heap = heap(100);
        let base = heap.pager.base() + (1 << 29);
        heap.reservations = base..base + (1 << 20);
        let first = heap.reserve(10_000).unwrap();
        let second = heap.reserve(PAGE_SIZE).unwrap();
        assert_eq!(first.len, 12288);
        assert!(second.base.as_ptr() as usize > first.base.as_ptr() as usize + first.len);
        assert!(heap.reserve(1 << 20).is_none());
        assert!(heap.reserve(usize::MAX).is_none());
        let mapped = |pager: &TestPager, page: usize| pager.mapped.contains(&page);
        let start = first.base.as_ptr();
        assert!(heap.commit(start as usize + PAGE_SIZE, PAGE_SIZE, mapped));
        // SAFETY: committed.
        unsafe { start.add(PAGE_SIZE).write(1) };
        assert!(heap.commit(start as usize, 3 * PAGE_SIZE, mapped));
        // SAFETY: committed.
        let (zeroed, kept) = unsafe { (start.read(), start.add(PAGE_SIZE).read()) };
        assert_eq!((zeroed, kept), (0, 1));
        assert_eq!(heap.pager.mapped.len(), 3);
        assert!(!heap.commit(start as usize, 1 << 20, mapped));
    }
}

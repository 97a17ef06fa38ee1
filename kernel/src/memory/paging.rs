//! Page tables of the dynamic space, made as addresses come into use.
//!
//! Tables are frames that are mapped nowhere: Xen zeroes them ([`clear_frame`]), validates them when they
//! are hooked into their parent, and sets their entries on request. The lowest-level ones are also mapped
//! read-only in the *entry window*, so that the frame behind an address can be read back with a load.
//! What tables exist is kept in [`Directory`] records, one for each GiB of the space.
//!
//! Invariant: a record's bit is set exactly when the lowest-level table exists, is hooked and is visible
//! in the window; an entry in the window is present exactly when a frame is mapped. Tables are never given
//! back: the space is used from the bottom of each area, so there are about as many as are needed.
//!
//! A hypercall that fails here means that the tables and this record of them disagree, or that Xen is not
//! what it claims to be: that is a panic with the name of the operation.

use super::frames::{Frame, FrameAllocator, Release};
use super::layout::{
    DIRECTORY_SPAN, DYNAMIC_BASE, Layout, MAX_TOP_ENTRIES, TABLE_SPAN, WINDOW_BASE,
};
use super::p2m::P2m;
use super::{PAGE_SIZE, Pager};
use core::ptr::NonNull;
use starling_xen::mmu::{
    ENTRIES, Flush, MappingBatch, Mfn, Pfn, Pte, clear_frame, flag, machine_to_phys,
    set_table_entry, table_index,
};
use starling_xen::{PAGE_SHIFT, XenError};

/// The tables of one GiB.
#[derive(Clone, Copy, Debug)]
pub struct Directory {
    /// Frame of the second-level table, once there is one.
    table: Option<Mfn>,
    /// Which of its 512 entries point to a table.
    present: [u64; ENTRIES / 64],
}

impl Directory {
    /// No tables.
    pub const EMPTY: Self = Self {
        table: None,
        present: [0; ENTRIES / 64],
    };
}

/// Frames that building the tables for one address can take at most: three levels for the address, three
/// for the window.
const TABLES_FOR_ONE_ADDRESS: usize = 6;
/// Pages whose mapping is taken away between two flushes.
const UNMAP_GROUP: usize = 32;
/// Up to here, translations are flushed one by one.
const FLUSH_SINGLY: usize = 4;

/// The page tables of the dynamic space and the frames that fill it.
pub struct PageTables {
    layout: Layout,
    frames: FrameAllocator,
    pub(super) p2m: P2m,
    /// End of the bootstrap mapping.
    premapped_end: usize,
    top: Mfn,
    third: [Option<Mfn>; MAX_TOP_ENTRIES],
    window_third: Option<Mfn>,
    window_second: [Option<Mfn>; MAX_TOP_ENTRIES],
    directories: &'static mut [Directory],
    updates: u64,
}

/// Ends the guest if Xen refused to change a mapping.
#[track_caller]
fn must<T>(result: Result<T, XenError>, operation: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("Xen refused to {operation}: {error}"),
    }
}

impl PageTables {
    /// An empty dynamic space under the top-level table `top`.
    ///
    /// # Safety
    /// `top` must be the table in use, with nothing mapped in the dynamic space or its window; `p2m` the
    /// domain's list; `frames` and `layout` must describe this domain, and `directories` have a record
    /// for each directory of the layout.
    pub unsafe fn new(
        layout: Layout,
        frames: FrameAllocator,
        p2m: P2m,
        premapped_end: usize,
        top: Mfn,
        directories: &'static mut [Directory],
    ) -> Self {
        assert!(
            directories.len() >= layout.directories(),
            "a record for each directory"
        );
        Self {
            layout,
            frames,
            p2m,
            premapped_end,
            top,
            third: [None; MAX_TOP_ENTRIES],
            window_third: None,
            window_second: [None; MAX_TOP_ENTRIES],
            directories,
            updates: 0,
        }
    }

    /// Pages mapped and unmapped so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Adds a frame whose bootstrap mapping has been taken away or replaced.
    ///
    /// # Safety
    /// The frame must be mapped nowhere.
    pub unsafe fn donate(&mut self, pfn: Pfn) {
        self.release(pfn);
    }

    fn mfn(&self, pfn: Pfn) -> Option<Mfn> {
        self.p2m.mfn(pfn)
    }

    /// A frame that is mapped nowhere.
    fn take_frame(&mut self) -> Option<Mfn> {
        self.take_free().map(|(_, mfn)| mfn)
    }

    /// A frame that is mapped nowhere, and its number.
    pub(super) fn take_free(&mut self) -> Option<(Pfn, Mfn)> {
        loop {
            let pfn = match self.frames.take()? {
                Frame::Unmapped(pfn) => pfn,
                Frame::Premapped(pfn) => {
                    let mut batch = MappingBatch::new();
                    // SAFETY: the page was free, so nobody refers to it.
                    let unmapped =
                        unsafe { batch.push(pfn.0 as usize * PAGE_SIZE, Pte::NONE, Flush::Page) };
                    must(
                        unmapped.and_then(|()| batch.finish()),
                        "unmap a bootstrap page",
                    );
                    self.updates += 1;
                    pfn
                }
            };
            // A frame without machine memory is dropped.
            if let Some(mfn) = self.mfn(pfn) {
                return Some((pfn, mfn));
            }
        }
    }

    pub(super) fn release(&mut self, pfn: Pfn) {
        let Release::Extend { address } = self.frames.release(pfn) else {
            return;
        };
        // While the array is full it holds frames for the table; when it is empty, `init` has made the
        // first table. Failing that, the frame is lost, which is better than anything else.
        let Some(mfn) = self.mfn(pfn) else { return };
        if !self.ensure_table(address) {
            log::error!("no page table for the list of free frames; a frame is lost");
            return;
        }
        self.map_frame(address, mfn, flag::READ_WRITE);
        // SAFETY: just mapped, and nothing unmaps this area.
        unsafe { self.frames.extend() };
    }

    fn map_frame(&mut self, address: usize, mfn: Mfn, flags: u64) {
        let mut batch = MappingBatch::new();
        // SAFETY: nothing was mapped at `address`, so no reference exists; the frame is ours.
        let mapped = unsafe { batch.push(address, Pte::new(mfn, flags), Flush::None) };
        must(mapped.and_then(|()| batch.finish()), "map a page");
        self.updates += 1;
    }

    /// A zeroed frame for a table.
    fn take_table(&mut self) -> Option<Mfn> {
        let table = self.take_frame()?;
        // SAFETY: the frame was just taken.
        must(unsafe { clear_frame(table) }, "clear a page table");
        Some(table)
    }

    /// The table that `parent[index]` points to: `known`, or a new one that is hooked in.
    fn table_under(&mut self, known: Option<Mfn>, parent: Mfn, index: usize) -> Option<Mfn> {
        if known.is_some() {
            return known;
        }
        let table = self.take_table()?;
        // SAFETY: the entry was empty and the new table is, so no mapping changes.
        must(
            unsafe { set_table_entry(parent, index, Pte::new(table, flag::TABLE)) },
            "hook in a page table",
        );
        Some(table)
    }

    /// Makes the lowest-level table for `address`. False if there are not enough frames; what was
    /// built by then is kept and used the next time.
    pub fn ensure_table(&mut self, address: usize) -> bool {
        let span = (address - DYNAMIC_BASE) / TABLE_SPAN;
        let (directory, index) = (span / ENTRIES, span % ENTRIES);
        let bit = 1u64 << (index % 64);
        if self.directories[directory].present[index / 64] & bit != 0 {
            return true;
        }
        if self.frames.available() < TABLES_FOR_ONE_ADDRESS {
            return false;
        }
        self.build_table(directory, index).is_some()
    }

    fn build_table(&mut self, directory: usize, index: usize) -> Option<()> {
        let address = DYNAMIC_BASE + directory * DIRECTORY_SPAN + index * TABLE_SPAN;
        let window = Self::window_entry(address);
        let slot = directory / ENTRIES;
        if self.directories[directory].table.is_none() {
            let third = self.table_under(self.third[slot], self.top, table_index(address, 4))?;
            self.third[slot] = Some(third);
            let window_third =
                self.table_under(self.window_third, self.top, table_index(window, 4))?;
            self.window_third = Some(window_third);
            let window_second = self.table_under(
                self.window_second[slot],
                window_third,
                table_index(window, 3),
            )?;
            self.window_second[slot] = Some(window_second);
            self.table_under(None, window_second, table_index(window, 2))?;
            let second = self.table_under(None, third, table_index(address, 3))?;
            self.directories[directory].table = Some(second);
        }
        let second = self.directories[directory].table?;
        let table = self.table_under(None, second, index)?;
        self.map_frame(window & !(PAGE_SIZE - 1), table, flag::READ_ONLY);
        self.directories[directory].present[index / 64] |= 1 << (index % 64);
        Some(())
    }

    /// Where the window shows the entry for `address`.
    const fn window_entry(address: usize) -> usize {
        WINDOW_BASE + (address - DYNAMIC_BASE) / PAGE_SIZE * size_of::<Pte>()
    }

    /// The entry for `address`.
    fn entry(&self, address: usize) -> Pte {
        let span = (address - DYNAMIC_BASE) / TABLE_SPAN;
        let (directory, index) = (span / ENTRIES, span % ENTRIES);
        if self.directories[directory].present[index / 64] & 1 << (index % 64) == 0 {
            return Pte::NONE;
        }
        // SAFETY: the table exists, so the window shows it.
        unsafe { (Self::window_entry(address) as *const Pte).read_volatile() }
    }

    /// The frame behind `address`, which is one of the bootstrap mapping or of the dynamic space.
    pub fn frame_at(&self, address: usize) -> Option<Mfn> {
        if address < self.premapped_end {
            self.mfn(Pfn((address >> PAGE_SHIFT) as u32))
        } else {
            self.entry(address).frame()
        }
    }

    /// Maps a frame that Xen shares with the domain, and which is none of its own, at the unmapped `address`. False if
    /// there was no page table to be had.
    ///
    /// # Safety
    /// The frame must be one that the domain may write, and `address` lie in a reservation for such frames: they must
    /// never be given to [`Pager::unmap`].
    pub unsafe fn map_special(&mut self, address: usize, frame: Mfn) -> bool {
        if !self.ensure_table(address) {
            return false;
        }
        self.map_frame(address, frame, flag::READ_WRITE);
        true
    }

    /// Whether a frame is behind `address`.
    pub fn is_mapped(&self, address: usize) -> bool {
        self.entry(address).frame().is_some()
    }
}

impl Pager for PageTables {
    fn map(&mut self, start: usize, pages: usize) -> usize {
        let mut batch = MappingBatch::new();
        let mut done = 0;
        while done < pages && self.ensure_table(start + done * PAGE_SIZE) {
            let address = start + done * PAGE_SIZE;
            let in_table = (TABLE_SPAN - address % TABLE_SPAN) / PAGE_SIZE;
            let until = pages.min(done + in_table);
            while done < until {
                let Some(mfn) = self.take_frame() else {
                    must(batch.finish(), "map pages");
                    return done;
                };
                let pte = Pte::new(mfn, flag::READ_WRITE);
                // SAFETY: nothing is mapped there, so no reference exists; the frame is ours alone.
                must(
                    unsafe { batch.push(start + done * PAGE_SIZE, pte, Flush::None) },
                    "map pages",
                );
                done += 1;
            }
        }
        must(batch.finish(), "map pages");
        self.updates += done as u64;
        done
    }

    fn unmap(&mut self, start: usize, pages: usize) {
        let mut done = 0;
        while done < pages {
            let count = UNMAP_GROUP.min(pages - done);
            let mut frames = [None; UNMAP_GROUP];
            let mut batch = MappingBatch::new();
            for (index, frame) in frames[..count].iter_mut().enumerate() {
                let address = start + (done + index) * PAGE_SIZE;
                *frame = self.entry(address).frame();
                let flush = match (count <= FLUSH_SINGLY, index + 1 == count) {
                    (true, _) => Flush::Page,
                    (false, true) => Flush::All,
                    (false, false) => Flush::None,
                };
                // SAFETY: the caller owns the pages and has given them up.
                must(
                    unsafe { batch.push(address, Pte::NONE, flush) },
                    "unmap pages",
                );
            }
            must(batch.finish(), "unmap pages");
            for mfn in frames.into_iter().flatten() {
                // SAFETY: the frame was mapped by us, so it is the domain's.
                self.release(unsafe { machine_to_phys(mfn) });
            }
            done += count;
        }
        self.updates += pages as u64;
    }

    fn relocate(&mut self, from: usize, to: usize, pages: usize) -> bool {
        let spans = (to & !(TABLE_SPAN - 1)..to + pages * PAGE_SIZE).step_by(TABLE_SPAN);
        for span in spans {
            if !self.ensure_table(span.max(to)) {
                return false;
            }
        }
        let mut batch = MappingBatch::new();
        for page in 0..pages {
            let (source, target) = (from + page * PAGE_SIZE, to + page * PAGE_SIZE);
            let flush = if page + 1 == pages {
                Flush::All
            } else {
                Flush::None
            };
            let entry = self.entry(source);
            // SAFETY: the caller owns both ranges and refers to neither; the frame leaves the one for
            // the other. Until the flush at the end both show it, but nobody looks.
            let moved = unsafe {
                batch
                    .push(target, entry, Flush::None)
                    .and_then(|()| batch.push(source, Pte::NONE, flush))
            };
            must(moved, "move pages");
        }
        must(batch.finish(), "move pages");
        self.updates += 2 * pages as u64;
        true
    }

    fn take_premapped(&mut self, order: u32) -> Option<NonNull<u8>> {
        let page = self.frames.premapped.take_block(order)?;
        NonNull::new((page as usize * PAGE_SIZE) as *mut u8)
    }

    fn give_premapped(&mut self, block: NonNull<u8>, order: u32) -> bool {
        let page = (block.as_ptr() as usize >> PAGE_SHIFT) as u32;
        self.frames.premapped.give(page..page + (1 << order))
    }

    fn is_premapped(&self, address: usize) -> bool {
        address < self.premapped_end
    }

    fn available_pages(&self) -> usize {
        self.frames.available()
    }
}

/// The layout this space was made with.
impl PageTables {
    /// Where things are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

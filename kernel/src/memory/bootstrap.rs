//! The mapping Xen starts a PV guest on: its end, its rights, and what is free in it.
//!
//! It begins at address 0, is one-to-one with the first pseudo-physical frames, and is readable, writable
//! and executable everywhere but in its own page tables, which it shows read-only. Here the rights are cut
//! down (never widened): code loses write, everything else loses execute, constants lose write, page 0 and
//! the stack's guard page vanish. Where all pages of a table are of one kind, the entry that points to it
//! is changed instead: a large domain's P2M list lies in this mapping and must not cost time. Other tables
//! are rewritten as a whole.

use super::PAGE_SIZE;
use super::extents::Extents;
use super::layout::TABLE_SPAN;
use core::ops::Range;
use starling_xen::mmu::{
    ENTRIES, Flush, MappingBatch, Mfn, Pte, flag, flush_tlb, machine_to_phys, set_table_entry,
    table_index,
};
use starling_xen::start_info::{ConsoleKind, StartInfo, flag as start_flag};
use starling_xen::{PAGE_SHIFT, XenError};

/// What a page of the bootstrap mapping may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Nothing: any access is a fault.
    None,
    /// Reading and executing.
    Code,
    /// Reading.
    Constant,
    /// What it was, but not executing.
    Data,
}

/// Sections of the kernel's image, page-aligned, from the linker script and the image descriptor.
#[derive(Clone, Debug)]
pub struct ImageSections {
    /// Code.
    pub text: Range<usize>,
    /// Constants, ELF notes.
    pub rodata: Range<usize>,
    /// The page below the stack.
    pub stack_guard: usize,
    /// Everything of the kernel itself, from the first section to the last.
    pub kernel: Range<usize>,
    /// The archive behind it; may be empty, need not end on a page.
    pub archive: Range<usize>,
}

impl ImageSections {
    fn rights(&self, page: usize) -> Rights {
        let archive_pages = self.archive.start..self.archive.end.next_multiple_of(PAGE_SIZE);
        if page == 0 || page == self.stack_guard {
            Rights::None
        } else if self.text.contains(&page) {
            Rights::Code
        } else if self.rodata.contains(&page) || archive_pages.contains(&page) {
            Rights::Constant
        } else {
            Rights::Data
        }
    }

    /// First address behind the image.
    fn end(&self) -> usize {
        self.kernel.end.max(self.archive.end)
    }
}

/// The bootstrap mapping.
pub struct Bootstrap {
    info: &'static StartInfo,
    /// Frame of the top-level table.
    pub top: Mfn,
    /// First address that is not mapped.
    pub end: usize,
    updates: u32,
}

impl Bootstrap {
    /// Looks at the tables that `info` names.
    ///
    /// # Safety
    /// `info` must be this domain's start_info and the mapping as Xen made it.
    pub unsafe fn new(info: &'static StartInfo) -> Self {
        let p2m = info.mfn_list as *const Mfn;
        // SAFETY: the P2M list has an entry for every frame, and page tables lie one-to-one.
        let top = unsafe { p2m.add(info.pt_base as usize >> PAGE_SHIFT).read() };
        let mut bootstrap = Self {
            info,
            top,
            end: 0,
            updates: 0,
        };
        bootstrap.end = bootstrap.find_end();
        bootstrap
    }

    /// The entries of the table in frame `table`.
    fn table(&self, table: Mfn) -> &[Pte; ENTRIES] {
        // SAFETY: page tables of the bootstrap mapping are in it, read-only, one-to-one; the entries
        // only change by our own hypercalls, and no reference outlives one.
        unsafe { &*((machine_to_phys(table).0 as usize * PAGE_SIZE) as *const [Pte; ENTRIES]) }
    }

    /// The second-level entry of the `TABLE_SPAN` at `address`, with its table, if there is one.
    fn directory_entry(&self, address: usize) -> Option<(Mfn, Pte)> {
        let third = self.table(self.top)[table_index(address, 4)].frame()?;
        let second = self.table(third)[table_index(address, 3)].frame()?;
        Some((second, self.table(second)[table_index(address, 2)]))
    }

    fn find_end(&self) -> usize {
        let mut span = 0;
        let mut last = None;
        while let Some(table) = self
            .directory_entry(span)
            .and_then(|(_, entry)| entry.frame())
        {
            last = Some(table);
            span += TABLE_SPAN;
        }
        let in_last = last.map_or(0, |table| {
            self.table(table)
                .iter()
                .rposition(|entry| entry.frame().is_some())
                .map_or(0, |index| index + 1)
        });
        span.saturating_sub(TABLE_SPAN) + in_last * PAGE_SIZE
    }

    /// Page-table changes made so far.
    pub fn updates(&self) -> u32 {
        self.updates
    }

    /// Cuts the rights of every page down to what `sections` say. Takes pages from `free` for the tables
    /// that must be rewritten.
    ///
    /// # Safety
    /// `sections` must be true: code outside `text`, or variables in `rodata`, fault from now on. Nobody
    /// may use the pages in `free`.
    pub unsafe fn protect(
        &mut self,
        sections: &ImageSections,
        free: &mut Extents,
    ) -> Result<(), XenError> {
        for span in (0..self.end).step_by(TABLE_SPAN) {
            let Some((second, entry)) = self.directory_entry(span) else {
                break;
            };
            let Some(table) = entry.frame() else { break };
            let pages = || (span..self.end.min(span + TABLE_SPAN)).step_by(PAGE_SIZE);
            let first = sections.rights(span);
            let uniform = matches!(first, Rights::Data | Rights::Constant)
                && pages().all(|page| sections.rights(page) == first);
            let replacement = if uniform {
                let cleared = if first == Rights::Constant {
                    flag::WRITE
                } else {
                    0
                };
                Pte((entry.0 & !cleared) | flag::NO_EXECUTE)
            } else {
                // SAFETY: the caller's promise.
                unsafe { self.rewrite_table(span, table, entry, sections, free) }?
            };
            self.updates += 1;
            // SAFETY: only takes away rights that nobody uses.
            unsafe { set_table_entry(second, table_index(span, 2), replacement) }?;
        }
        flush_tlb()
    }

    /// A new table for the pages at `span`, with rights cut down, and the entry that points to it.
    ///
    /// One page filled with plain stores and handed to Xen to validate as a whole takes a fraction of the
    /// time of 512 requests.
    ///
    /// # Safety
    /// As for [`Bootstrap::protect`].
    unsafe fn rewrite_table(
        &mut self,
        span: usize,
        old: Mfn,
        old_entry: Pte,
        sections: &ImageSections,
        free: &mut Extents,
    ) -> Result<Pte, XenError> {
        const ENOMEM: XenError = XenError(12);
        let page = free.take_block(0).ok_or(ENOMEM)? as usize * PAGE_SIZE;
        let own_entry = self.page_entry(page).ok_or(ENOMEM)?;
        let mut entries = *self.table(old);
        for (index, entry) in entries
            .iter_mut()
            .enumerate()
            .filter(|(_, entry)| entry.frame().is_some())
        {
            let address = span + index * PAGE_SIZE;
            *entry = match sections.rights(address) {
                // A table must not be writable, in the view it gives of itself either.
                _ if address == page => Pte(own_entry.0 & !flag::WRITE | flag::NO_EXECUTE),
                Rights::None => Pte::NONE,
                Rights::Code => Pte(entry.0 & !flag::WRITE),
                Rights::Constant => Pte(entry.0 & !flag::WRITE | flag::NO_EXECUTE),
                Rights::Data => Pte(entry.0 | flag::NO_EXECUTE),
            };
        }
        // SAFETY: the page was free and is mapped writable; afterwards it becomes read-only, and a table.
        unsafe {
            (page as *mut [Pte; ENTRIES]).write(entries);
            let mut batch = MappingBatch::new();
            batch.push(
                page,
                Pte(own_entry.0 & !flag::WRITE | flag::NO_EXECUTE),
                Flush::Page,
            )?;
            batch.finish()?;
        }
        self.updates += 1;
        let flags = old_entry.0 & !(Pte::new(old, 0).0);
        Ok(own_entry
            .frame()
            .map_or(Pte::NONE, |mfn| Pte::new(mfn, flags)))
    }

    /// The lowest-level entry for `address`.
    fn page_entry(&self, address: usize) -> Option<Pte> {
        let (_, entry) = self.directory_entry(address)?;
        let entry = self.table(entry.frame()?)[table_index(address, 1)];
        entry.frame().map(|_| entry)
    }

    /// Pages of the mapping that nothing occupies: what is below the kernel, and what is above
    /// everything that Xen put behind it. `boot_stack` is the stack pointer at entry.
    pub fn free_pages(&self, sections: &ImageSections, boot_stack: usize) -> Extents {
        let info = self.info;
        let nr_pages = info.nr_pages as usize;
        let page_of = |mfn: Mfn| -> usize {
            // SAFETY: the ring pages are frames of this domain.
            unsafe { machine_to_phys(mfn) }.0 as usize * PAGE_SIZE
        };
        let ramdisk = if info.flags & start_flag::MOD_START_PFN != 0 {
            info.mod_start as usize * PAGE_SIZE
        } else {
            info.mod_start as usize
        };
        let mut occupied = [
            sections.end(),
            if info.mod_len == 0 {
                0
            } else {
                ramdisk + info.mod_len as usize
            },
            info.mfn_list as usize + nr_pages * size_of::<Mfn>(),
            core::ptr::from_ref(info) as usize + PAGE_SIZE,
            info.pt_base as usize + info.nr_pt_frames as usize * PAGE_SIZE,
            // The stack pointer is the end of the boot stack's only page.
            boot_stack,
            0,
            0,
        ];
        if let ConsoleKind::Ring { mfn, .. } = info.console() {
            occupied[6] = page_of(mfn) + PAGE_SIZE;
            occupied[7] = page_of(info.store_mfn) + PAGE_SIZE;
        }
        let first_free = occupied
            .into_iter()
            .filter(|&end| end <= self.end)
            .max()
            .unwrap_or(self.end);
        let mut free = Extents::new();
        // A fresh list has room for two ranges.
        let _ = free.give(1..(sections.kernel.start >> PAGE_SHIFT) as u32);
        let _ = free.give(
            first_free.div_ceil(PAGE_SIZE) as u32
                ..(self.end.min(nr_pages * PAGE_SIZE) >> PAGE_SHIFT) as u32,
        );
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_gets_its_rights() {
        let sections = ImageSections {
            text: 0x100000..0x180000,
            rodata: 0x180000..0x1a0000,
            stack_guard: 0x1c0000,
            kernel: 0x100000..0x1d0000,
            archive: 0x1d0000..0x1d1234,
        };
        let table = [
            (0, Rights::None),
            (0x1000, Rights::Data),
            (0x100000, Rights::Code),
            (0x17f000, Rights::Code),
            (0x180000, Rights::Constant),
            (0x1a0000, Rights::Data),
            (0x1c0000, Rights::None),
            (0x1c1000, Rights::Data),
            (0x1d1000, Rights::Constant),
            (0x1d2000, Rights::Data),
        ];
        for (page, rights) in table {
            assert_eq!(sections.rights(page), rights, "{page:#x}");
        }
        assert_eq!(sections.end(), 0x1d1234);
    }
}

//! Giving memory back to Xen and taking it again: the mechanism under the balloon.
//!
//! Frames that nothing is in leave the domain, with what is kept idle for the next user; what is in use stays. Frames that come are
//! free. Every call does a bounded number of them. Called by [`balloon`](crate::balloon).

use super::heap::Heap;
use super::paging::PageTables;
use super::{PAGE_SIZE, Pager};
use starling_xen::XenError;
use starling_xen::memory::{decrease_reservation, populate_physmap};
use starling_xen::mmu::{Mfn, Pfn};

/// Frames of one request to Xen.
const BATCH: usize = 256;
/// Pages that stay free whatever is asked: with less, the machine cannot go on.
pub const RESERVE_PAGES: usize = (2 << 20) / PAGE_SIZE;

impl Heap<PageTables> {
    /// Pages the domain has now.
    pub fn pages(&mut self) -> usize {
        self.pager().p2m.present()
    }

    /// Gives back up to `pages` free pages; how many there were, which is 0 if there are none to spare.
    pub fn give_to_xen(&mut self, pages: usize) -> Result<usize, XenError> {
        let wanted = pages.min(BATCH);
        if self.pager().available_pages() < wanted + RESERVE_PAGES {
            self.reclaim(wanted + RESERVE_PAGES);
        }
        let spare = self.pager().available_pages().saturating_sub(RESERVE_PAGES);
        self.pager().give_to_xen(wanted.min(spare))
    }

    /// Takes up to `pages` more pages; how many Xen gave, which is 0 if it has none for this domain.
    pub fn take_from_xen(&mut self, pages: usize) -> Result<usize, XenError> {
        self.pager().take_from_xen(pages)
    }
}

impl PageTables {
    fn give_to_xen(&mut self, pages: usize) -> Result<usize, XenError> {
        let mut numbers = [Pfn(0); BATCH];
        let mut frames = [Mfn(0); BATCH];
        let mut count = 0;
        while count < pages.min(BATCH)
            && let Some((pfn, mfn)) = self.take_free()
        {
            (numbers[count], frames[count]) = (pfn, mfn);
            count += 1;
        }
        if count == 0 {
            return Ok(0);
        }
        // SAFETY: free frames are the domain's, mapped nowhere, and were just taken.
        let result = unsafe { decrease_reservation(&mut frames[..count]) };
        let done = result.unwrap_or(0);
        for &number in &numbers[..done] {
            self.p2m.set(number, None);
        }
        for &number in &numbers[done..count] {
            self.release(number);
        }
        result
    }

    fn take_from_xen(&mut self, pages: usize) -> Result<usize, XenError> {
        let mut numbers = [Pfn(0); BATCH];
        let mut count = self.p2m.find_absent(&mut numbers[..pages.min(BATCH)]);
        if count == 0 && self.extend_p2m() {
            count = self.p2m.find_absent(&mut numbers[..pages.min(BATCH)]);
        }
        if count == 0 {
            return Ok(0);
        }
        let mut frames = [Mfn(0); BATCH];
        let done = populate_physmap(&numbers[..count], &mut frames)?;
        for (&number, &frame) in numbers.iter().zip(&frames).take(done) {
            self.p2m.set(number, Some(frame));
            self.release(number);
        }
        Ok(done)
    }

    /// Makes room for more numbers of frames. False if there may be no more, or no page for them.
    fn extend_p2m(&mut self) -> bool {
        let Some(address) = self.p2m.next_page() else {
            return false;
        };
        if self.map(address, 1) == 0 {
            return false;
        }
        // SAFETY: just mapped, and nothing unmaps this area.
        unsafe { self.p2m.extend() };
        true
    }
}

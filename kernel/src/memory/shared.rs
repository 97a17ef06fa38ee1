//! Memory that other domains see, and memory of others that we see.
//!
//! Pages to share are runs of whole pages, so nothing of the machine's lies beside what is shared; they keep their
//! frames until they are given back. Frames of others (the grant table) are mapped over addresses of a reservation.

use super::heap::{Heap, KernelHeap};
use super::paging::PageTables;
use super::{PAGE_SIZE, Pager};
use core::ptr::NonNull;
use starling_xen::XenError;
use starling_xen::grant::table::TableFrames;
use starling_xen::grant::{GrantEntry, MAX_FRAMES, query_size, setup_table};
use starling_xen::mmu::Mfn;
use starling_xen::pages::SharedPages;

impl<P: Pager> Heap<P> {
    /// Zeroed pages that are given to nobody else.
    pub fn take_shared_pages(&mut self, count: usize) -> Option<SharedPages> {
        let base = self.take_run(count)?;
        // SAFETY: the run is ours, mapped writable, and as long as that.
        unsafe {
            base.as_ptr().write_bytes(0, count * PAGE_SIZE);
            Some(SharedPages::new(base, count))
        }
    }

    /// Takes them back. No other domain may use them any more.
    pub fn give_shared_pages(&mut self, pages: SharedPages) {
        self.give_run(pages.base());
    }
}

impl Heap<PageTables> {
    /// The frame behind one of `pages`.
    pub fn frame_of(&mut self, pages: &SharedPages, page: usize) -> Option<Mfn> {
        self.pager().frame_at(pages.page(page).as_ptr() as usize)
    }
}

/// The frames of the grant table, mapped over a reservation that is large enough for all there may ever be.
pub struct GrantFrames {
    heap: &'static KernelHeap,
    base: Option<NonNull<u8>>,
    mapped: u32,
}

// SAFETY: one vCPU and no upcalls: there is no second thread of control.
unsafe impl Send for GrantFrames {}

/// `ENOMEM`.
const NO_MEMORY: XenError = XenError(12);

impl GrantFrames {
    /// Nothing is mapped yet.
    pub const fn new(heap: &'static KernelHeap) -> Self {
        Self {
            heap,
            base: None,
            mapped: 0,
        }
    }
}

impl TableFrames for GrantFrames {
    fn limit(&mut self) -> Result<u32, XenError> {
        query_size().map(|(_, limit)| limit)
    }

    fn extend_to(&mut self, frames: u32) -> Result<NonNull<GrantEntry>, XenError> {
        let mut list = [Mfn(0); MAX_FRAMES as usize];
        let list = list.get_mut(..frames as usize).ok_or(NO_MEMORY)?;
        let base = match self.base {
            Some(base) => base,
            None => {
                let reserve = |heap: &mut Heap<_>| heap.reserve(MAX_FRAMES as usize * PAGE_SIZE);
                let reservation = self.heap.with(reserve).flatten().ok_or(NO_MEMORY)?;
                *self.base.insert(reservation.base)
            }
        };
        setup_table(list)?;
        while self.mapped < frames {
            let address = base.as_ptr() as usize + self.mapped as usize * PAGE_SIZE;
            let frame = list[self.mapped as usize];
            // SAFETY: the frame is the grant table's, which Xen shares with us; nothing is mapped at the address, and
            // it is used through `GrantEntry`, whose fields are atomics.
            let mapped = self
                .heap
                .with(|heap| unsafe { heap.pager().map_special(address, frame) });
            if mapped != Some(true) {
                return Err(NO_MEMORY);
            }
            self.mapped += 1;
        }
        Ok(base.cast())
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Layout;
    use super::super::testing::TestPager;
    use super::*;

    #[test]
    fn shared_pages_are_zero_whoever_had_them_before() {
        let pager = TestPager::new(1 << 30, 1000);
        let layout = Layout::new(pager.base(), 8192);
        let mut heap = Heap::new(pager, layout);
        for _ in 0..3 {
            let mut pages = heap.take_shared_pages(5).unwrap();
            assert_eq!(pages.base().as_ptr() as usize % PAGE_SIZE, 0);
            // SAFETY: nobody else knows these pages.
            let bytes = unsafe { pages.bytes_mut(0, 5 * PAGE_SIZE) };
            assert!(bytes.iter().all(|&byte| byte == 0));
            bytes.fill(0xaa);
            heap.give_shared_pages(pages);
        }
        assert!(heap.take_shared_pages(2000).is_none());
    }
}

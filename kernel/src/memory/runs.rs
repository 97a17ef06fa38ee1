//! Runs: blocks of whole pages.
//!
//! A run of order *n* is a place for up to `1 << n` pages in the area of that order. It keeps its address
//! for ever: runs are neither split nor merged, because addresses are plentiful and frames are not; only
//! as many pages are mapped as are asked for. A free run stays mapped, so that the next user of its size
//! costs no hypercall; when frames run out, [`Runs::strip`] takes them back from free runs.
//!
//! Invariant: `mapped` of a run's state is the number of its leading pages that have frames; a run is in
//! the hands of its user, or on its order's `warm` list (some pages mapped), or on its `bare` list
//! (none), or above its order's `fresh` mark. States lie outside the runs, so an unmapped run needs none
//! of its own memory.

use super::layout::{Layout, RUN_STATE_SIZE};
use super::{PAGE_SIZE, Pager, pages_for};
use core::ptr::NonNull;

/// Most orders there can be.
const MAX_ORDERS: usize = 40;
/// Pages of slack that are not worth taking back from a run that is larger than it need be.
const SLACK_PAGES: usize = 16;

/// State of a run, in the array of its order.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct RunState {
    /// Leading pages that are mapped.
    mapped: u32,
    /// On a list: index of the next run plus one, or 0 at the end.
    next: u32,
}

const _: () = assert!(size_of::<RunState>() == RUN_STATE_SIZE);

/// One order's lists, as indices plus one.
#[derive(Clone, Copy, Debug)]
struct Order {
    warm: u32,
    bare: u32,
    /// Runs below this index have been used.
    fresh: u32,
    /// Runs whose states are mapped.
    states: u32,
}

/// All runs.
pub struct Runs {
    layout: Layout,
    orders: [Order; MAX_ORDERS],
    /// Pages mapped in free runs.
    idle_pages: usize,
}

/// The smallest order with room for `pages`.
pub const fn order_for(pages: usize) -> u32 {
    pages.next_power_of_two().trailing_zeros()
}

impl Runs {
    /// No runs yet.
    pub const fn new(layout: Layout) -> Self {
        assert!(layout.orders() as usize <= MAX_ORDERS);
        Self {
            layout,
            orders: [Order {
                warm: 0,
                bare: 0,
                fresh: 0,
                states: 0,
            }; MAX_ORDERS],
            idle_pages: 0,
        }
    }

    /// Pages mapped in free runs: [`Runs::strip`] can have them.
    pub fn idle_pages(&self) -> usize {
        self.idle_pages
    }

    fn state(&self, order: u32, index: u32) -> NonNull<RunState> {
        let address = self.layout.states_of(order) + index as usize * RUN_STATE_SIZE;
        // SAFETY: the areas of the layout are far from address 0.
        unsafe { NonNull::new_unchecked(address as *mut RunState) }
    }

    fn address(&self, order: u32, index: u32) -> usize {
        self.layout.area(order) + ((index as usize * PAGE_SIZE) << order)
    }

    /// The run that starts at `address`.
    fn locate(&self, address: usize) -> (u32, u32) {
        let order = self.layout.order_at(address);
        let index = (address - self.layout.area(order)) / (PAGE_SIZE << order);
        (order, index as u32)
    }

    /// Whether `address` lies in the areas of runs.
    pub fn contains(&self, address: usize) -> bool {
        (self.layout.runs..self.layout.returned_frames).contains(&address)
    }

    /// Takes `pages` mapped pages, aligned to `1 << alignment_order` pages. `None` if frames ran out;
    /// nothing has changed then.
    pub fn allocate(
        &mut self,
        pager: &mut impl Pager,
        pages: usize,
        alignment_order: u32,
    ) -> Option<NonNull<u8>> {
        let smallest = order_for(pages).max(alignment_order);
        for order in smallest..self.layout.orders() {
            // The next order is tried only if this one's addresses are used up.
            let Some(index) = self.take(pager, order)? else {
                continue;
            };
            let state = self.state(order, index);
            let address = self.address(order, index);
            // SAFETY: `take` gives runs whose states are mapped.
            let mapped = unsafe { state.as_ref() }.mapped as usize;
            if mapped < pages {
                let added = pager.map(address + mapped * PAGE_SIZE, pages - mapped);
                // SAFETY: as above.
                unsafe { (*state.as_ptr()).mapped = (mapped + added) as u32 };
                if mapped + added < pages {
                    self.give(order, index);
                    return None;
                }
            } else {
                self.trim(pager, order, index, pages);
            }
            return NonNull::new(address as *mut u8);
        }
        None
    }

    /// Gives back a run; its pages stay mapped for the next user.
    pub fn free(&mut self, address: NonNull<u8>) {
        let (order, index) = self.locate(address.as_ptr() as usize);
        self.give(order, index);
    }

    /// Whether the run at `address` has addresses for `pages` pages.
    pub fn fits(&self, address: NonNull<u8>, pages: usize) -> bool {
        let (order, _) = self.locate(address.as_ptr() as usize);
        pages <= 1 << order
    }

    /// Makes the run at `address`, where they must fit, `pages` pages long; the first ones keep their
    /// contents. False if frames ran out; nothing has changed then.
    pub fn resize(&mut self, pager: &mut impl Pager, address: NonNull<u8>, pages: usize) -> bool {
        let start = address.as_ptr() as usize;
        let (order, index) = self.locate(start);
        assert!(pages <= 1 << order, "a run cannot outgrow its place");
        let state = self.state(order, index);
        // SAFETY: the run is in use, so its state is mapped.
        let mapped = unsafe { state.as_ref() }.mapped as usize;
        if mapped >= pages {
            self.trim(pager, order, index, pages);
            return true;
        }
        let added = pager.map(start + mapped * PAGE_SIZE, pages - mapped);
        if mapped + added < pages {
            pager.unmap(start + mapped * PAGE_SIZE, added);
            return false;
        }
        // SAFETY: as above.
        unsafe { (*state.as_ptr()).mapped = pages as u32 };
        true
    }

    /// Makes a run of `pages` pages in another place by moving the frames, so that neither the memory
    /// nor the time for a copy is needed. `None` leaves everything as it was.
    pub fn relocate(
        &mut self,
        pager: &mut impl Pager,
        address: NonNull<u8>,
        pages: usize,
    ) -> Option<NonNull<u8>> {
        let start = address.as_ptr() as usize;
        let (old_order, old_index) = self.locate(start);
        let order = order_for(pages);
        if order >= self.layout.orders() {
            return None;
        }
        let index = self.take_bare(pager, order)??;
        let target = self.address(order, index);
        let (old_state, state) = (self.state(old_order, old_index), self.state(order, index));
        // SAFETY: both runs are in our hands, so their states are mapped, and they are different runs.
        let mapped = unsafe { old_state.as_ref() }.mapped as usize;
        let moved = mapped.min(pages);
        if !pager.relocate(start, target, moved) {
            self.give(order, index);
            return None;
        }
        let added = pager.map(target + moved * PAGE_SIZE, pages - moved);
        if moved + added < pages {
            pager.unmap(target + moved * PAGE_SIZE, added);
            // The old place has its tables, so going back cannot fail.
            let back = pager.relocate(target, start, moved);
            assert!(back, "the way back from a failed move");
            self.give(order, index);
            return None;
        }
        // Pages of the old run behind what was moved would not be its leading ones any more.
        pager.unmap(start + moved * PAGE_SIZE, mapped - moved);
        // SAFETY: as above.
        unsafe {
            (*old_state.as_ptr()).mapped = 0;
            (*state.as_ptr()).mapped = pages as u32;
        }
        self.give(old_order, old_index);
        NonNull::new(target as *mut u8)
    }

    /// Takes frames back from free runs until `pages` have been freed or there are no more, largest
    /// runs first. Returns how many it was.
    pub fn strip(&mut self, pager: &mut impl Pager, pages: usize) -> usize {
        let mut freed = 0;
        for order in (0..self.layout.orders()).rev() {
            while freed < pages {
                let Some(index) = self.orders[order as usize].warm.checked_sub(1) else {
                    break;
                };
                let state = self.state(order, index).as_ptr();
                // SAFETY: runs on lists have mapped states.
                let RunState { mapped, next } = unsafe { state.read() };
                self.orders[order as usize].warm = next;
                pager.unmap(self.address(order, index), mapped as usize);
                self.idle_pages -= mapped as usize;
                freed += mapped as usize;
                // SAFETY: as above.
                unsafe { (*state).mapped = 0 };
                self.give(order, index);
            }
        }
        freed
    }

    /// Gives back pages beyond `pages` if they are a good part of the run.
    fn trim(&mut self, pager: &mut impl Pager, order: u32, index: u32, pages: usize) {
        let state = self.state(order, index).as_ptr();
        // SAFETY: the caller has the run in its hands.
        let mapped = unsafe { (*state).mapped } as usize;
        if mapped - pages > SLACK_PAGES.max(pages / 4) {
            pager.unmap(
                self.address(order, index) + pages * PAGE_SIZE,
                mapped - pages,
            );
            // SAFETY: as above.
            unsafe { (*state).mapped = pages as u32 };
        }
    }

    /// A free run of `order`, warm if there is one. `Some(None)`: no addresses left. `None`: no frames
    /// for its state.
    fn take(&mut self, pager: &mut impl Pager, order: u32) -> Option<Option<u32>> {
        let lists = self.orders[order as usize];
        if let Some(index) = lists.warm.checked_sub(1) {
            // SAFETY: runs on lists have mapped states.
            let RunState { mapped, next } = unsafe { self.state(order, index).read() };
            self.orders[order as usize].warm = next;
            self.idle_pages -= mapped as usize;
            return Some(Some(index));
        }
        self.take_bare(pager, order)
    }

    fn take_bare(&mut self, pager: &mut impl Pager, order: u32) -> Option<Option<u32>> {
        let lists = self.orders[order as usize];
        if let Some(index) = lists.bare.checked_sub(1) {
            // SAFETY: runs on lists have mapped states.
            self.orders[order as usize].bare = unsafe { self.state(order, index).as_ref() }.next;
            return Some(Some(index));
        }
        if lists.fresh as usize == self.layout.runs_in(order) {
            return Some(None);
        }
        if lists.fresh == lists.states && !self.extend_states(pager, order) {
            return None;
        }
        let index = lists.fresh;
        self.orders[order as usize].fresh += 1;
        // SAFETY: below `states`, so mapped and writable.
        unsafe {
            self.state(order, index)
                .write(RunState { mapped: 0, next: 0 })
        };
        Some(Some(index))
    }

    fn give(&mut self, order: u32, index: u32) {
        let state = self.state(order, index).as_ptr();
        let lists = &mut self.orders[order as usize];
        // SAFETY: the run was in use, so its state is mapped.
        let mapped = unsafe { (*state).mapped };
        let list = if mapped == 0 {
            &mut lists.bare
        } else {
            &mut lists.warm
        };
        // SAFETY: as above.
        unsafe { (*state).next = *list };
        *list = index + 1;
        self.idle_pages += mapped as usize;
    }

    /// Maps the page with the next states of `order`. Small orders share pages with their neighbours.
    fn extend_states(&mut self, pager: &mut impl Pager, order: u32) -> bool {
        let from = self.layout.states_of(order)
            + self.orders[order as usize].states as usize * RUN_STATE_SIZE;
        let end = self.layout.states_of(order + 1);
        let page = from & !(PAGE_SIZE - 1);
        if !self.state_page_mapped(page) && pager.map(page, 1) == 0 {
            return false;
        }
        self.orders[order as usize].states +=
            ((end.min(page + PAGE_SIZE) - from) / RUN_STATE_SIZE) as u32;
        true
    }

    /// Whether some order already has states in the page at `page`.
    fn state_page_mapped(&self, page: usize) -> bool {
        (0..self.layout.orders()).any(|order| {
            let states = self.orders[order as usize].states as usize;
            let start = self.layout.states_of(order);
            states > 0 && start < page + PAGE_SIZE && start + states * RUN_STATE_SIZE > page
        })
    }
}

/// Pages for `bytes`, and the order of an alignment in bytes.
pub const fn page_request(bytes: usize, alignment: usize) -> (usize, u32) {
    (pages_for(bytes), order_for(pages_for(alignment)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestPager;
    use super::*;
    use std::vec::Vec;

    const SPACE: usize = 1 << 30;

    /// Runs in a test space for a domain of 32 MiB, with `frames` free frames.
    fn runs(frames: usize) -> (TestPager, Runs) {
        let pager = TestPager::new(SPACE, frames);
        let layout = Layout::new(pager.base(), 8192);
        assert!(layout.reservations < pager.base() + SPACE);
        (pager, Runs::new(layout))
    }

    #[test]
    fn a_freed_run_is_used_again_without_mapping() {
        let (mut pager, mut runs) = runs(1000);
        let first = runs.allocate(&mut pager, 5, 0).unwrap();
        runs.free(first);
        assert_eq!(runs.idle_pages(), 5);
        let calls = pager.map_calls;
        assert_eq!(runs.allocate(&mut pager, 5, 0), Some(first));
        assert_eq!((pager.map_calls, runs.idle_pages()), (calls, 0));
        let other = runs.allocate(&mut pager, 5, 0).unwrap();
        assert_ne!(first, other);
    }

    #[test]
    fn alignment_is_natural_or_better() {
        let (mut pager, mut runs) = runs(1000);
        for (pages, order) in [(1, 0), (1, 4), (3, 0), (16, 4), (5, 6)] {
            let run = runs.allocate(&mut pager, pages, order).unwrap();
            assert_eq!(run.as_ptr() as usize % (PAGE_SIZE << order), 0);
        }
    }

    #[test]
    fn shortage_changes_nothing_and_stripping_helps() {
        let (mut pager, mut runs) = runs(100);
        let big = runs.allocate(&mut pager, 60, 0).unwrap();
        assert_eq!(runs.allocate(&mut pager, 60, 0), None);
        let before = pager.free_frames + runs.idle_pages();
        assert_eq!(runs.allocate(&mut pager, 60, 0), None);
        assert_eq!(pager.free_frames + runs.idle_pages(), before);
        runs.free(big);
        let idle = runs.idle_pages();
        assert_eq!(runs.strip(&mut pager, usize::MAX), idle);
        assert_eq!((runs.idle_pages(), pager.free_frames), (0, before + 60));
        assert!(runs.allocate(&mut pager, 90, 0).is_some());
    }

    #[test]
    fn states_are_mapped_before_they_are_used() {
        let (mut pager, mut runs) = runs(8000);
        for order in (0..runs.layout.orders() - 1).rev() {
            for _ in 0..2 {
                let Some(run) = runs.allocate(&mut pager, 1, order) else {
                    continue;
                };
                let (order, index) = runs.locate(run.as_ptr() as usize);
                let state = runs.state(order, index).as_ptr() as usize;
                assert!(
                    pager.mapped.contains(&(state & !(PAGE_SIZE - 1))),
                    "order {order}, run {index}"
                );
            }
        }
    }

    #[test]
    fn resizing_stays_in_place_within_the_order() {
        let (mut pager, mut runs) = runs(1000);
        let run = runs.allocate(&mut pager, 33, 0).unwrap();
        assert!(runs.resize(&mut pager, run, 64));
        assert!(!runs.fits(run, 65));
        assert!(runs.resize(&mut pager, run, 33));
        assert!(pager.unmapped_pages > 0, "31 pages of slack are given back");
        let before = pager.unmapped_pages;
        assert!(runs.resize(&mut pager, run, 30));
        assert_eq!(pager.unmapped_pages, before, "3 are not");
    }

    #[test]
    fn relocation_moves_contents_without_extra_frames() {
        let (mut pager, mut runs) = runs(100);
        let run = runs.allocate(&mut pager, 60, 0).unwrap();
        // SAFETY: 60 pages were allocated.
        unsafe { run.as_ptr().write_bytes(7, 60 * PAGE_SIZE) };
        let moved = runs.relocate(&mut pager, run, 80).unwrap();
        assert_ne!(moved, run);
        // SAFETY: 80 pages are allocated, 60 of them written.
        let bytes = unsafe { core::slice::from_raw_parts(moved.as_ptr(), 60 * PAGE_SIZE) };
        assert!(bytes.iter().all(|&byte| byte == 7));
        assert_eq!(runs.idle_pages(), 0);
        assert_eq!(
            runs.relocate(&mut pager, moved, 200),
            None,
            "no frames for that"
        );
        // SAFETY: still allocated.
        assert_eq!(unsafe { moved.read() }, 7);
        assert!(runs.resize(&mut pager, moved, 81));
    }

    #[test]
    fn random_use_never_hands_out_a_page_twice() {
        let (mut pager, mut runs) = runs(2000);
        let mut live: Vec<(NonNull<u8>, usize)> = Vec::new();
        let mut random = 12345u64;
        let mut next = |bound: usize| {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (random >> 33) as usize % bound
        };
        for step in 0..5_000 {
            if !live.is_empty() && next(3) == 0 {
                let (run, pages) = live.swap_remove(next(live.len()));
                for page in 0..pages {
                    // SAFETY: the run is live and has that many pages.
                    let mark = unsafe { run.as_ptr().add(page * PAGE_SIZE).cast::<usize>().read() };
                    assert_eq!(mark, run.as_ptr() as usize, "step {step}");
                }
                runs.free(run);
            } else {
                let magnitude = next(8);
                let pages = 1 + next(1 << magnitude);
                let run = runs.allocate(&mut pager, pages, 0).or_else(|| {
                    runs.strip(&mut pager, pages + 4);
                    runs.allocate(&mut pager, pages, 0)
                });
                let Some(run) = run else {
                    let (run, _) = live.swap_remove(0);
                    runs.free(run);
                    continue;
                };
                for page in 0..pages {
                    // SAFETY: just allocated.
                    unsafe {
                        run.as_ptr()
                            .add(page * PAGE_SIZE)
                            .cast::<usize>()
                            .write(run.as_ptr() as usize)
                    };
                    assert!(
                        pager
                            .mapped
                            .contains(&(run.as_ptr() as usize + page * PAGE_SIZE))
                    );
                }
                live.push((run, pages));
            }
        }
    }
}

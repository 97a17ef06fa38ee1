//! The guest's address space: what lies where.
//!
//! ```text
//! 0                       bootstrap mapping: kernel, archive, P2M list, first heap pages
//! 0x80_0000_0000          dynamic space, laid out by the size of the domain:
//!                           one area for each order of page runs
//!                           metadata: given-back frames, states of page runs, P2M list of added memory
//!                           reservations of the machine
//! 0x4000_0000_0000        entry window: the lowest-level page tables of the dynamic space, read-only
//! ```
//!
//! The same domain size always gives the same layout. Addresses are plentiful (47 bits), so a run of
//! pages keeps its address for ever and nothing is ever merged; see [`runs`](super::runs).

use super::PAGE_SIZE;
use core::ops::Range;

/// Start of the dynamic space; one top-level entry above the bootstrap mapping.
pub const DYNAMIC_BASE: usize = 0x80_0000_0000;
/// Start of the window on the dynamic space's page-table entries.
pub const WINDOW_BASE: usize = 0x4000_0000_0000;
/// Bytes that one lowest-level table maps.
pub const TABLE_SPAN: usize = 512 * PAGE_SIZE;
/// Bytes that one second-level table maps.
pub const DIRECTORY_SPAN: usize = 512 * TABLE_SPAN;
/// Bytes that one third-level table maps.
pub const TOP_SPAN: usize = 512 * DIRECTORY_SPAN;
/// Top-level entries that the dynamic space may take.
pub const MAX_TOP_ENTRIES: usize = 64;

/// Smallest area for an order of runs.
const MINIMUM_AREA: usize = 32 << 20;
/// Address space for the machine's reservations, at least.
const MINIMUM_RESERVATIONS: usize = 64 << 30;

/// State of one page run: see [`runs`](super::runs).
pub const RUN_STATE_SIZE: usize = 8;

/// Where the areas of the dynamic space are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Base of the areas for page runs.
    pub runs: usize,
    /// log2 of the size of each order's area, which is also the largest run.
    pub area_shift: u32,
    /// The array of given-back frames.
    pub returned_frames: usize,
    /// States of runs.
    pub run_states: usize,
    /// The P2M list beyond the one that Xen makes.
    pub p2m_extension: usize,
    /// First address of reservations.
    pub reservations: usize,
    /// End of the dynamic space.
    pub end: usize,
}

impl Layout {
    /// The layout for a domain that may have up to `nr_pages` frames, with the areas starting at `base`.
    pub const fn new(base: usize, nr_pages: usize) -> Self {
        let memory = nr_pages * PAGE_SIZE;
        let area = if memory < MINIMUM_AREA {
            MINIMUM_AREA
        } else {
            memory.next_power_of_two()
        };
        let area_shift = area.trailing_zeros();
        let orders = Self::orders_for(area_shift) as usize;
        let returned_frames = base + orders * area;
        let run_states =
            returned_frames + (nr_pages * size_of::<u32>()).next_multiple_of(PAGE_SIZE);
        let p2m_extension =
            (run_states + Self::run_state_bytes(area_shift)).next_multiple_of(PAGE_SIZE);
        let reservations =
            (p2m_extension + nr_pages * size_of::<u64>() + PAGE_SIZE).next_multiple_of(TABLE_SPAN);
        let reserved = if 2 * area < MINIMUM_RESERVATIONS {
            MINIMUM_RESERVATIONS
        } else {
            2 * area
        };
        let end = (reservations + reserved).next_multiple_of(DIRECTORY_SPAN);
        Self {
            runs: base,
            area_shift,
            returned_frames,
            run_states,
            p2m_extension,
            reservations,
            end,
        }
    }

    const fn orders_for(area_shift: u32) -> u32 {
        area_shift - starling_xen::PAGE_SHIFT + 1
    }

    /// Orders of runs: a run of order `n` is up to `1 << n` pages. The largest fills its area.
    pub const fn orders(&self) -> u32 {
        Self::orders_for(self.area_shift)
    }

    /// Start of the area of `order`.
    pub const fn area(&self, order: u32) -> usize {
        self.runs + ((order as usize) << self.area_shift)
    }

    /// The order whose area holds `address`.
    pub const fn order_at(&self, address: usize) -> u32 {
        ((address - self.runs) >> self.area_shift) as u32
    }

    /// Runs in the area of `order`.
    pub const fn runs_in(&self, order: u32) -> usize {
        1 << (self.area_shift - starling_xen::PAGE_SHIFT - order)
    }

    /// Address of the states of the runs of `order`: the orders' arrays lie behind each other.
    pub const fn states_of(&self, order: u32) -> usize {
        // 2^m + 2^(m-1) + … (order terms), where order 0 has 2^m runs.
        let all = 2 * self.runs_in(0);
        let before = all - (all >> order);
        self.run_states + before * RUN_STATE_SIZE
    }

    const fn run_state_bytes(area_shift: u32) -> usize {
        (2 << (area_shift - starling_xen::PAGE_SHIFT)) * RUN_STATE_SIZE
    }

    /// Second-level tables that would map all of it.
    pub const fn directories(&self) -> usize {
        (self.end - self.runs) / DIRECTORY_SPAN
    }

    /// The machine's reservations.
    pub const fn reservation_area(&self) -> Range<usize> {
        self.reservations..self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: usize = 1 << 30;

    #[test]
    fn areas_follow_each_other_for_every_size() {
        for megabytes in [8, 12, 64, 100, 1024, 16 * 1024, 250 * 1024] {
            let layout = Layout::new(DYNAMIC_BASE, megabytes << 8);
            assert!(1 << layout.area_shift >= megabytes << 20);
            for order in 0..layout.orders() {
                let area = layout.area(order);
                assert_eq!(layout.order_at(area), order);
                assert_eq!(layout.order_at(area + (1 << layout.area_shift) - 1), order);
                assert_eq!(
                    layout.runs_in(order) * (PAGE_SIZE << order),
                    1 << layout.area_shift
                );
                assert_eq!(
                    layout.states_of(order) + layout.runs_in(order) * RUN_STATE_SIZE,
                    layout.states_of(order + 1)
                );
            }
            assert_eq!(layout.area(layout.orders()), layout.returned_frames);
            assert!(layout.run_states >= layout.returned_frames + (megabytes << 8) * 4);
            assert!(layout.states_of(layout.orders()) <= layout.reservations);
            assert!(layout.reservation_area().len() >= 63 * GIB);
            assert!(layout.end <= DYNAMIC_BASE + MAX_TOP_ENTRIES * TOP_SPAN);
            assert!(layout.end < WINDOW_BASE);
        }
    }
}

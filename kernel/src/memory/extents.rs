//! Ranges of page numbers: what is still free of the memory that was mapped from the start.
//!
//! A short sorted list of disjoint, non-adjacent ranges. Blocks are taken from the lowest range that fits,
//! single frames from the very top, so that the two ends meet only when all is used.

use core::ops::Range;

/// A set of page numbers with few gaps.
pub struct Extents {
    ranges: [(u32, u32); Self::CAPACITY],
    used: usize,
    pages: u32,
}

impl Default for Extents {
    fn default() -> Self {
        Self::new()
    }
}

impl Extents {
    const CAPACITY: usize = 32;

    /// The empty set.
    pub const fn new() -> Self {
        Self {
            ranges: [(0, 0); Self::CAPACITY],
            used: 0,
            pages: 0,
        }
    }

    /// Number of pages in the set.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Adds `range`, which must not overlap what is there. False if the list is full.
    pub fn give(&mut self, range: Range<u32>) -> bool {
        if range.is_empty() {
            return true;
        }
        let ranges = &self.ranges[..self.used];
        let at = ranges.partition_point(|&(start, _)| start < range.start);
        let joins_left = at > 0 && ranges[at - 1].1 == range.start;
        let joins_right = at < self.used && ranges[at].0 == range.end;
        match (joins_left, joins_right) {
            (true, true) => {
                self.ranges[at - 1].1 = self.ranges[at].1;
                self.remove(at);
            }
            (true, false) => self.ranges[at - 1].1 = range.end,
            (false, true) => self.ranges[at].0 = range.start,
            (false, false) => {
                if self.used == Self::CAPACITY {
                    return false;
                }
                self.insert(at, (range.start, range.end));
            }
        }
        self.pages += range.end - range.start;
        true
    }

    /// Takes `1 << order` pages whose first number is a multiple of that, from the lowest place.
    pub fn take_block(&mut self, order: u32) -> Option<u32> {
        let size = 1u32 << order;
        for at in 0..self.used {
            let (start, end) = self.ranges[at];
            let Some(first) = start.checked_next_multiple_of(size) else {
                continue;
            };
            let Some(last) = first.checked_add(size).filter(|&last| last <= end) else {
                continue;
            };
            match (first == start, last == end) {
                (true, true) => self.remove(at),
                (true, false) => self.ranges[at].0 = last,
                (false, true) => self.ranges[at].1 = first,
                (false, false) => {
                    if self.used == Self::CAPACITY {
                        continue;
                    }
                    self.ranges[at].1 = first;
                    self.insert(at + 1, (last, end));
                }
            }
            self.pages -= size;
            return Some(first);
        }
        None
    }

    /// Takes the highest page.
    pub fn take_top(&mut self) -> Option<u32> {
        let at = self.used.checked_sub(1)?;
        let (start, end) = self.ranges[at];
        if end - start == 1 {
            self.remove(at);
        } else {
            self.ranges[at].1 = end - 1;
        }
        self.pages -= 1;
        Some(end - 1)
    }

    fn insert(&mut self, at: usize, range: (u32, u32)) {
        self.ranges.copy_within(at..self.used, at + 1);
        self.ranges[at] = range;
        self.used += 1;
    }

    fn remove(&mut self, at: usize) {
        self.ranges.copy_within(at + 1..self.used, at);
        self.used -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn ranges(extents: &Extents) -> Vec<(u32, u32)> {
        extents.ranges[..extents.used].to_vec()
    }

    #[test]
    fn neighbours_are_joined() {
        let mut extents = Extents::new();
        assert!(extents.give(10..20) && extents.give(30..40) && extents.give(20..30));
        assert_eq!(ranges(&extents), [(10, 40)]);
        assert!(extents.give(0..5) && extents.give(50..51));
        assert_eq!(ranges(&extents), [(0, 5), (10, 40), (50, 51)]);
        assert_eq!(extents.pages(), 36);
    }

    #[test]
    fn blocks_are_aligned_and_leave_the_rest() {
        let mut extents = Extents::new();
        assert!(extents.give(3..40));
        assert_eq!(extents.take_block(4), Some(16));
        assert_eq!(ranges(&extents), [(3, 16), (32, 40)]);
        assert_eq!(extents.take_block(2), Some(4));
        assert_eq!(extents.take_block(4), None);
        assert_eq!(extents.take_top(), Some(39));
        assert_eq!(extents.pages(), 37 - 16 - 4 - 1);
    }

    #[test]
    fn everything_given_can_be_taken_once() {
        let mut extents = Extents::new();
        assert!(extents.give(1..256) && extents.give(700..1024));
        let mut seen = std::collections::BTreeSet::new();
        while let Some(first) = extents.take_block(2) {
            assert_eq!(first % 4, 0);
            assert!((first..first + 4).all(|page| seen.insert(page)));
        }
        while let Some(page) = extents.take_top() {
            assert!(seen.insert(page));
        }
        assert_eq!(seen.len(), 255 + 324);
        assert_eq!(extents.pages(), 0);
    }

    #[test]
    fn a_full_list_refuses_and_stays_whole() {
        let mut extents = Extents::new();
        for i in 0..Extents::CAPACITY as u32 {
            assert!(extents.give(i * 10..i * 10 + 5));
        }
        assert!(!extents.give(5000..5001));
        assert_eq!(extents.pages(), 5 * Extents::CAPACITY as u32);
        // Cutting a hole into a range needs an entry that is not there.
        assert_eq!(extents.take_block(0), Some(0));
        assert_eq!(extents.pages(), 5 * Extents::CAPACITY as u32 - 1);
    }

    #[test]
    fn the_end_of_the_number_range_is_safe() {
        let mut extents = Extents::new();
        assert!(extents.give(u32::MAX - 3..u32::MAX));
        assert_eq!(extents.take_block(4), None);
        assert_eq!(extents.take_top(), Some(u32::MAX - 1));
    }
}

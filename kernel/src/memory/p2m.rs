//! The P2M list: which machine frame is behind each pseudo-physical number.
//!
//! Xen makes the list for the memory the domain starts with. Numbers beyond that, for memory that is added later, are in an
//! extension at an address of the layout, mapped page by page when they are needed. A number without a frame is *absent*: its memory
//! was given back to Xen, or never was there.
//!
//! Invariant: `absent` is how many of the list's numbers have no frame; none below `hint` is absent.

use core::ptr::NonNull;
use starling_xen::PAGE_SIZE;
use starling_xen::mmu::{Mfn, Pfn};

/// Entries without a frame have high bits set: `INVALID_P2M_ENTRY` of Xen's tools.
const ABSENT: Mfn = Mfn(!0);
/// Entries below this are frames.
const LIMIT: u64 = 1 << 62;

/// Numbers that one page of the extension holds.
const PER_PAGE: usize = PAGE_SIZE / size_of::<Mfn>();

/// The list.
pub struct P2m {
    boot: &'static mut [Mfn],
    extension: *mut Mfn,
    /// Entries of the extension that are there.
    extended: usize,
    /// Entries there may be in all.
    limit: usize,
    absent: usize,
    hint: usize,
}

impl P2m {
    /// The list that Xen has made, whose entries all have frames; up to `limit` in all once those at `extension`, where nothing needs to be
    /// mapped yet, are counted.
    pub fn new(boot: &'static mut [Mfn], extension: *mut Mfn, limit: usize) -> Self {
        Self {
            boot,
            extension,
            extended: 0,
            limit,
            absent: 0,
            hint: 0,
        }
    }

    fn len(&self) -> usize {
        self.boot.len() + self.extended
    }

    fn entry(&self, number: usize) -> Option<NonNull<Mfn>> {
        match number.checked_sub(self.boot.len()) {
            None => self.boot.get(number).map(NonNull::from),
            // SAFETY: that many entries are mapped, says `extend`.
            Some(index) => (index < self.extended)
                .then(|| unsafe { NonNull::new_unchecked(self.extension.add(index)) }),
        }
    }

    /// The frame behind `pfn`.
    pub fn mfn(&self, pfn: Pfn) -> Option<Mfn> {
        let entry = self.entry(pfn.0 as usize)?;
        // SAFETY: an entry of the list; volatile as the list is shared with the toolstack.
        let mfn = unsafe { entry.read_volatile() };
        (mfn.0 < LIMIT).then_some(mfn)
    }

    /// Puts `frame` behind `pfn`, or nothing.
    pub fn set(&mut self, pfn: Pfn, frame: Option<Mfn>) {
        let number = pfn.0 as usize;
        let was_absent = self.mfn(pfn).is_none();
        let Some(entry) = self.entry(number) else {
            return;
        };
        // SAFETY: an entry of the list, whose memory is writable and which nobody else in the domain refers to.
        unsafe { entry.write_volatile(frame.unwrap_or(ABSENT)) };
        match (was_absent, frame.is_none()) {
            (false, true) => self.absent += 1,
            (true, false) => self.absent -= 1,
            _ => {}
        }
        if frame.is_none() {
            self.hint = self.hint.min(number);
        }
    }

    /// Numbers with frames behind them.
    pub fn present(&self) -> usize {
        self.len() - self.absent
    }

    /// Numbers there may ever be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Fills `numbers` with absent ones, lowest first; how many there were.
    pub fn find_absent(&mut self, numbers: &mut [Pfn]) -> usize {
        let mut found = 0;
        let mut number = self.hint;
        while found < numbers.len() && found < self.absent && number < self.len() {
            if self.mfn(Pfn(number as u32)).is_none() {
                if found == 0 {
                    self.hint = number;
                }
                numbers[found] = Pfn(number as u32);
                found += 1;
            }
            number += 1;
        }
        found
    }

    /// The address of the page that makes room for more numbers; none if there may be no more.
    pub fn next_page(&self) -> Option<usize> {
        (self.len() < self.limit)
            .then(|| self.extension as usize + self.extended * size_of::<Mfn>())
    }

    /// The list has one more page, with as many absent numbers as it may have.
    ///
    /// # Safety
    /// Writable memory must be mapped at the address that [`P2m::next_page`] gave, for good.
    pub unsafe fn extend(&mut self) {
        let count = PER_PAGE.min(self.limit - self.len());
        for index in self.extended..self.extended + count {
            // SAFETY: in the new page.
            unsafe { self.extension.add(index).write(ABSENT) };
        }
        self.extended += count;
        self.absent += count;
        self.hint = self.hint.min(self.len() - count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn list(boot: usize, limit: usize) -> P2m {
        let frames: Vec<Mfn> = (0..boot as u64).map(|number| Mfn(1000 + number)).collect();
        let extension = std::vec![Mfn(0); 4 * PER_PAGE].leak();
        P2m::new(frames.leak(), extension.as_mut_ptr(), limit)
    }

    fn absent(list: &mut P2m, count: usize) -> Vec<u32> {
        let mut numbers = std::vec![Pfn(0); count];
        let found = list.find_absent(&mut numbers);
        numbers[..found].iter().map(|number| number.0).collect()
    }

    #[test]
    fn frames_go_and_come_back() {
        let mut list = list(100, 100);
        assert_eq!((list.present(), list.next_page()), (100, None));
        assert!(absent(&mut list, 5).is_empty());
        for number in [70, 20, 99] {
            list.set(Pfn(number), None);
            list.set(Pfn(number), None);
        }
        assert_eq!(list.mfn(Pfn(70)), None);
        assert_eq!(list.present(), 97);
        assert_eq!(absent(&mut list, 2), [20, 70]);
        assert_eq!(absent(&mut list, 9), [20, 70, 99]);
        list.set(Pfn(20), Some(Mfn(7)));
        assert_eq!(list.mfn(Pfn(20)), Some(Mfn(7)));
        assert_eq!(absent(&mut list, 9), [70, 99]);
        list.set(Pfn(3), None);
        assert_eq!(absent(&mut list, 9), [3, 70, 99]);
        assert_eq!(list.mfn(Pfn(100)), None);
        list.set(Pfn(100), Some(Mfn(1)));
        assert_eq!(list.present(), 97);
    }

    #[test]
    fn the_list_grows_by_pages_up_to_its_limit() {
        let mut list = list(10, 10 + PER_PAGE + 3);
        let first = list.next_page().unwrap();
        // SAFETY: the test's memory.
        unsafe { list.extend() };
        assert_eq!(list.next_page(), Some(first + PAGE_SIZE));
        assert_eq!(list.present(), 10);
        assert_eq!(absent(&mut list, 2), [10, 11]);
        list.set(Pfn(10), Some(Mfn(5)));
        assert_eq!((list.mfn(Pfn(10)), list.present()), (Some(Mfn(5)), 11));
        // SAFETY: as above.
        unsafe { list.extend() };
        assert_eq!(list.next_page(), None);
        let all = absent(&mut list, 2 * PER_PAGE);
        assert_eq!((all.len(), all[0]), (PER_PAGE + 2, 11));
    }
}

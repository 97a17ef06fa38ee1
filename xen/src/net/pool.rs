//! The pages that packets travel in.
//!
//! A device has a fixed number of pages for each direction, each granted to its backend for as long as the two are
//! connected: neither grants nor allocations are made for a packet. That is safe because such a page never holds
//! anything but packets between this device and this backend, and zeroes before the first.
//!
//! Invariant: a page is free, or lent to the backend under its own number as the request's id, or *held*: a grant on it
//! could not be ended because the backend still used it, so it is left alone until it can be.

use crate::DomainId;
use crate::grant::{Access, GrantError, GrantReference};
use crate::guest::Guest;
use crate::pages::SharedPages;
use alloc::vec::Vec;

/// Most pages of a pool: a ring has no more slots.
pub const MAX_PAGES: usize = 256;

/// A set of page numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageSet([u64; MAX_PAGES / 64]);

impl PageSet {
    #[inline]
    pub fn contains(&self, page: usize) -> bool {
        self.0
            .get(page / 64)
            .is_some_and(|word| word & 1 << (page % 64) != 0)
    }

    #[inline]
    pub fn insert(&mut self, page: usize) {
        self.0[page / 64] |= 1 << (page % 64);
    }

    #[inline]
    pub fn remove(&mut self, page: usize) {
        self.0[page / 64] &= !(1 << (page % 64));
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0 == [0; MAX_PAGES / 64]
    }

    /// The highest number in the set.
    #[inline]
    pub fn last(&self) -> Option<usize> {
        let word = (0..self.0.len()).rev().find(|&word| self.0[word] != 0)?;
        Some(word * 64 + 63 - self.0[word].leading_zeros() as usize)
    }

    /// The first number from `from` on that is (or is not) in the set; the end if there is none.
    #[inline]
    fn next(&self, from: usize, wanted: bool) -> usize {
        let mut word = from / 64;
        let mut mask = !0 << (from % 64);
        while word < self.0.len() {
            let bits = if wanted { self.0[word] } else { !self.0[word] } & mask;
            if bits != 0 {
                return word * 64 + bits.trailing_zeros() as usize;
            }
            mask = !0;
            word += 1;
        }
        MAX_PAGES
    }

    /// The first of `count` numbers in a row that are all in the set. Single ones are taken from the other end, so that
    /// they do not break up the room for long packets.
    #[inline]
    pub fn find_row(&self, count: usize) -> Option<usize> {
        if count == 1 {
            return self.last();
        }
        let mut start = self.next(0, true);
        while start + count <= MAX_PAGES {
            let end = self.next(start, false);
            if end - start >= count {
                return Some(start);
            }
            start = self.next(end, true);
        }
        None
    }
}

/// The pages of one direction.
pub struct Pool {
    pages: SharedPages,
    /// The grant on each page, if there is one.
    grants: Vec<Option<GrantReference>>,
    /// Pages that are granted for this connection and not lent.
    pub free: PageSet,
}

impl Pool {
    /// A pool of `count` pages, none of them granted. `None` if there is no memory.
    pub fn new(guest: &impl Guest, count: usize) -> Option<Self> {
        let count = count.min(MAX_PAGES);
        let mut grants = Vec::new();
        grants.try_reserve_exact(count).ok()?;
        grants.resize_with(count, || None);
        Some(Self {
            pages: guest.allocate_pages(count)?,
            grants,
            free: PageSet::default(),
        })
    }

    /// The pages.
    #[inline]
    pub fn pages(&self) -> &SharedPages {
        &self.pages
    }

    #[inline]
    pub fn pages_mut(&mut self) -> &mut SharedPages {
        &mut self.pages
    }

    /// The number that the backend is told for `page`.
    #[inline]
    pub fn reference(&self, page: usize) -> Option<u32> {
        Some(self.grants.get(page)?.as_ref()?.number())
    }

    /// Grants the pages to the backend, except those that are held from the last connection. How many there are to use.
    pub fn open(
        &mut self,
        guest: &impl Guest,
        backend: DomainId,
        access: Access,
    ) -> Result<usize, GrantError> {
        self.close(guest);
        for (page, slot) in self.grants.iter_mut().enumerate() {
            if slot.is_none() {
                *slot = Some(guest.grant(backend, &self.pages, page, access)?);
                self.free.insert(page);
            }
        }
        Ok(self.free.len())
    }

    /// Ends the grants. How many pages are held.
    pub fn close(&mut self, guest: &impl Guest) -> usize {
        self.free = PageSet::default();
        for slot in &mut self.grants {
            *slot = slot
                .take()
                .and_then(|reference| guest.end_grant(reference).err());
        }
        self.grants.iter().flatten().count()
    }

    /// Gives the pages back, now or when the backend lets go of them.
    pub fn dispose(mut self, guest: &impl Guest) {
        if self.close(guest) == 0 {
            guest.free_pages(self.pages);
        } else {
            guest.quarantine(self.pages, self.grants.into_iter().flatten().collect());
        }
    }
}

/// A page with a ring in it, granted to the backend.
pub struct RingPage {
    page: SharedPages,
    grant: GrantReference,
}

impl RingPage {
    /// A new page, zeroed. `None` if there is no memory.
    pub fn new(guest: &impl Guest, backend: DomainId) -> Result<Self, GrantError> {
        let page = guest.allocate_pages(1).ok_or(GrantError::NoMemory)?;
        match guest.grant(backend, &page, 0, Access::ReadWrite) {
            Ok(grant) => Ok(Self { page, grant }),
            Err(error) => {
                guest.free_pages(page);
                Err(error)
            }
        }
    }

    pub fn page(&self) -> &SharedPages {
        &self.page
    }

    /// The number that the backend is told.
    pub fn reference(&self) -> u32 {
        self.grant.number()
    }

    /// Gives the page back, now or when the backend lets go of it.
    pub fn dispose(self, guest: &impl Guest) {
        match guest.end_grant(self.grant) {
            Ok(()) => guest.free_pages(self.page),
            Err(grant) => guest.quarantine(self.page, Vec::from([grant])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pages: impl IntoIterator<Item = usize>) -> PageSet {
        let mut set = PageSet::default();
        pages.into_iter().for_each(|page| set.insert(page));
        set
    }

    #[test]
    fn rows_are_found_wherever_they_lie() {
        assert_eq!(set([]).find_row(1), None);
        assert_eq!(set([3, 200]).find_row(1), Some(200));
        assert_eq!(set([3, 200]).find_row(2), None);
        assert_eq!(set(60..70).find_row(10), Some(60));
        assert_eq!(set(60..70).find_row(11), None);
        assert_eq!(set((0..16).chain(17..40)).find_row(17), Some(17));
        assert_eq!(set(239..256).find_row(17), Some(239));
        assert_eq!(set(240..256).find_row(17), None);
        assert_eq!(set(0..256).find_row(256), Some(0));
    }

    #[test]
    fn rows_agree_with_a_plain_search() {
        let mut seed = 1u64;
        for _ in 0..2000 {
            let mut pages = PageSet::default();
            for word in &mut pages.0 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *word = seed | seed.rotate_left(17) | seed.rotate_left(31);
            }
            for count in 2..20 {
                let plain = (0..=MAX_PAGES - count)
                    .find(|&start| (start..start + count).all(|page| pages.contains(page)));
                assert_eq!(pages.find_row(count), plain);
            }
        }
    }

    #[test]
    fn a_set_counts_and_forgets() {
        let mut pages = set([0, 63, 64, 255]);
        assert_eq!((pages.len(), pages.last()), (4, Some(255)));
        pages.remove(255);
        assert!(!pages.contains(255) && pages.contains(64) && !pages.contains(1000));
        assert_eq!(pages.last(), Some(64));
    }
}

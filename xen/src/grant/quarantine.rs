//! Pages that another domain still uses although we are done with them.
//!
//! A backend that has gone wrong, or has only not finished, may keep a granted frame mapped. Such a frame must not be
//! used for anything else: the other domain would see, or change, what comes there next. Invariant: pages leave the
//! quarantine only when the last of their grants has been ended.

use super::GrantReference;
use super::table::{GrantTable, TableFrames};
use crate::pages::SharedPages;
use alloc::vec::Vec;

struct Case {
    pages: SharedPages,
    grants: Vec<GrantReference>,
}

/// Pages that wait for the end of their grants.
#[derive(Default)]
pub struct Quarantine {
    cases: Vec<Case>,
}

impl Quarantine {
    /// Nothing is waiting.
    pub const fn new() -> Self {
        Self { cases: Vec::new() }
    }

    /// Takes in pages with the grants on them that could not be ended.
    pub fn add(&mut self, pages: SharedPages, grants: Vec<GrantReference>) {
        if self.cases.try_reserve(1).is_err() {
            // Never used again is as safe as kept here.
            log::error!(
                "{} pages that another domain still uses are lost: no memory to keep account of them",
                pages.count()
            );
            return;
        }
        self.cases.push(Case { pages, grants });
    }

    /// Pages that are waiting.
    pub fn pages(&self) -> usize {
        self.cases.iter().map(|case| case.pages.count()).sum()
    }

    /// Tries again to end the grants; `release` gets what is free of them.
    pub fn retry<F: TableFrames>(
        &mut self,
        table: &mut GrantTable<F>,
        mut release: impl FnMut(SharedPages),
    ) {
        let mut index = 0;
        while index < self.cases.len() {
            let grants = &mut self.cases[index].grants;
            while let Some(reference) = grants.pop() {
                if let Err(reference) = table.end(reference) {
                    // There is the room that it was taken from.
                    grants.push(reference);
                    break;
                }
            }
            if grants.is_empty() {
                release(self.cases.swap_remove(index).pages);
            } else {
                index += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::testing::TestFrames;
    use super::super::{Access, flag};
    use super::*;
    use crate::DomainId;
    use crate::mmu::Mfn;
    use core::ptr::NonNull;
    use core::sync::atomic::Ordering;
    use std::vec;

    #[test]
    fn pages_come_back_when_nobody_uses_them_any_more() {
        let source = TestFrames::new(1);
        let entries = source.view();
        let mut table = GrantTable::new(source);
        let grants: Vec<_> = (0..2)
            .map(|frame| {
                table
                    .grant(DomainId(0), Mfn(frame), Access::ReadWrite)
                    .unwrap()
            })
            .collect();
        let used = &entries[grants[0].number() as usize].flags;
        used.fetch_or(flag::WRITING, Ordering::Relaxed);
        let mut quarantine = Quarantine::new();
        // SAFETY: never looked into.
        quarantine.add(unsafe { SharedPages::new(NonNull::dangling(), 2) }, grants);
        let free = table.free_entries();
        quarantine.retry(&mut table, |_| panic!("still in use"));
        assert_eq!((quarantine.pages(), table.free_entries()), (2, free + 1));
        used.fetch_and(!flag::WRITING, Ordering::Relaxed);
        let mut released = vec![];
        quarantine.retry(&mut table, |pages| released.push(pages.count()));
        assert_eq!(released, [2]);
        assert_eq!((quarantine.pages(), table.free_entries()), (0, free + 2));
    }
}

//! The grant table as an owned resource.
//!
//! Invariant: an entry is on the free list with flags 0, or there is exactly one [`GrantReference`] for it. An entry is
//! published with its flags last, and taken back by exchanging the flags for 0 only while Xen says that the frame is
//! not in use; checking first and clearing later would let the other domain slip in between (XSA-396).

use super::{
    Access, ENTRIES_PER_FRAME, GrantEntry, GrantError, GrantReference, RESERVED_ENTRIES, flag,
};
use crate::mmu::Mfn;
use crate::{DomainId, XenError};
use alloc::vec::Vec;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

/// Where the table's frames come from.
pub trait TableFrames {
    /// Frames that the table may have in the end.
    fn limit(&mut self) -> Result<u32, XenError>;

    /// Makes the table `frames` frames long and maps them one behind the other. The first one's address; the same each
    /// time.
    fn extend_to(&mut self, frames: u32) -> Result<NonNull<GrantEntry>, XenError>;
}

/// The table of this domain.
pub struct GrantTable<F> {
    source: F,
    entries: Option<NonNull<GrantEntry>>,
    /// Frames that are mapped.
    frames: u32,
    /// Entries that are free; the last one is used next.
    free: Vec<u32>,
}

// SAFETY: the entries belong to the table, and are atomics.
unsafe impl<F: Send> Send for GrantTable<F> {}

/// How often ending is tried again because Xen changed an entry in that very moment.
const END_ATTEMPTS: u32 = 8;

impl<F: TableFrames> GrantTable<F> {
    /// An empty table; its first frame is set up with the first grant.
    pub const fn new(source: F) -> Self {
        Self {
            source,
            entries: None,
            frames: 0,
            free: Vec::new(),
        }
    }

    /// Entries that are free without making the table longer.
    pub fn free_entries(&self) -> usize {
        self.free.len()
    }

    fn entry(&self, number: u32) -> Option<&GrantEntry> {
        if number >= self.frames * ENTRIES_PER_FRAME {
            return None;
        }
        // SAFETY: the frames are mapped one behind the other, and the number is below their end.
        self.entries
            .map(|entries| unsafe { entries.add(number as usize).as_ref() })
    }

    /// Adds a frame.
    #[cold]
    fn grow(&mut self) -> Result<(), GrantError> {
        let limit = self.source.limit().map_err(GrantError::Xen)?;
        let limit = limit.min(super::MAX_FRAMES);
        if self.frames >= limit {
            return Err(GrantError::TableFull(self.frames * ENTRIES_PER_FRAME));
        }
        // Room for all of them now, so that ending a grant never allocates.
        let all = (self.frames + 1) * ENTRIES_PER_FRAME;
        self.free
            .try_reserve_exact(all as usize - self.free.len())
            .map_err(|_| GrantError::NoMemory)?;
        let entries = self
            .source
            .extend_to(self.frames + 1)
            .map_err(GrantError::Xen)?;
        self.entries = Some(entries);
        let first = (self.frames * ENTRIES_PER_FRAME).max(RESERVED_ENTRIES);
        self.frames += 1;
        for number in (first..all).rev() {
            // What somebody granted before us, such as a boot loader, is not ours to use again.
            if self
                .entry(number)
                .is_some_and(|entry| entry.flags.load(Ordering::Acquire) == 0)
            {
                self.free.push(number);
            }
        }
        Ok(())
    }

    /// Lets domain `to` use `frame`. The frame must be one of this domain's pages that hold nothing but what `to` may
    /// see.
    pub fn grant(
        &mut self,
        to: DomainId,
        frame: Mfn,
        access: Access,
    ) -> Result<GrantReference, GrantError> {
        let number = u32::try_from(frame.0).map_err(|_| GrantError::FrameTooHigh(frame))?;
        if self.free.is_empty() {
            self.grow()?;
        }
        let reference = self
            .free
            .pop()
            .ok_or(GrantError::TableFull(self.frames * ENTRIES_PER_FRAME))?;
        let Some(entry) = self.entry(reference) else {
            return Err(GrantError::TableFull(self.frames * ENTRIES_PER_FRAME));
        };
        let flags = match access {
            Access::ReadOnly => flag::PERMIT_ACCESS | flag::READONLY,
            Access::ReadWrite => flag::PERMIT_ACCESS,
        };
        entry.domid.store(to.0, Ordering::Relaxed);
        entry.frame.store(number, Ordering::Relaxed);
        // Publishes what stands above with it.
        entry.flags.store(flags, Ordering::Release);
        Ok(GrantReference(reference))
    }

    /// Ends a grant: the other domain cannot use the frame any more. If it uses it now, the reference comes back, and
    /// neither it nor the frame may be used for anything else until ending has worked.
    pub fn end(&mut self, reference: GrantReference) -> Result<(), GrantReference> {
        let Some(entry) = self.entry(reference.0) else {
            return Err(reference);
        };
        let mut flags = entry.flags.load(Ordering::Acquire);
        for _ in 0..END_ATTEMPTS {
            if flags & (flag::READING | flag::WRITING) != 0 {
                return Err(reference);
            }
            match entry
                .flags
                .compare_exchange(flags, 0, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => {
                    // There is room: see `grow`.
                    self.free.push(reference.0);
                    return Ok(());
                }
                Err(now) => flags = now,
            }
        }
        Err(reference)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A table on ordinary memory.

    use super::*;
    use std::boxed::Box;

    /// Entries for a table of at most `limit` frames.
    pub struct TestFrames {
        entries: &'static [GrantEntry],
        pub limit: u32,
        pub extended: u32,
    }

    impl TestFrames {
        pub fn new(limit: u32) -> Self {
            let entries = (0..limit * ENTRIES_PER_FRAME)
                .map(|_| GrantEntry {
                    flags: 0.into(),
                    domid: 0.into(),
                    frame: 0.into(),
                })
                .collect::<Vec<_>>();
            Self {
                entries: Box::leak(entries.into_boxed_slice()),
                limit,
                extended: 0,
            }
        }

        /// What Xen and the other domain see.
        pub fn view(&self) -> &'static [GrantEntry] {
            self.entries
        }
    }

    impl TableFrames for TestFrames {
        fn limit(&mut self) -> Result<u32, XenError> {
            Ok(self.limit)
        }

        fn extend_to(&mut self, frames: u32) -> Result<NonNull<GrantEntry>, XenError> {
            assert!(frames <= self.limit);
            self.extended = frames;
            Ok(NonNull::from(self.entries).cast())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::TestFrames;
    use super::*;
    use std::collections::BTreeSet;

    const PEER: DomainId = DomainId(3);

    #[test]
    fn an_entry_says_who_may_do_what_with_which_frame() {
        let source = TestFrames::new(1);
        let entries = source.view();
        let mut table = GrantTable::new(source);
        let reference = table.grant(PEER, Mfn(0x1234), Access::ReadOnly).unwrap();
        let entry = &entries[reference.number() as usize];
        assert_eq!(entry.flags.load(Ordering::Relaxed), 5);
        assert_eq!(entry.domid.load(Ordering::Relaxed), 3);
        assert_eq!(entry.frame.load(Ordering::Relaxed), 0x1234);
        let other = table.grant(PEER, Mfn(0x99), Access::ReadWrite).unwrap();
        assert_eq!(
            entries[other.number() as usize]
                .flags
                .load(Ordering::Relaxed),
            1
        );
        table.end(reference).unwrap();
        assert_eq!(entry.flags.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn reserved_entries_and_those_in_use_before_are_left_alone() {
        let source = TestFrames::new(1);
        source.view()[20]
            .flags
            .store(flag::PERMIT_ACCESS, Ordering::Relaxed);
        let mut table = GrantTable::new(source);
        let mut numbers = BTreeSet::new();
        let full = loop {
            match table.grant(PEER, Mfn(1), Access::ReadWrite) {
                Ok(reference) => assert!(numbers.insert(reference.number())),
                Err(error) => break error,
            }
        };
        assert_eq!(full, GrantError::TableFull(ENTRIES_PER_FRAME));
        assert_eq!(
            numbers.len() as u32,
            ENTRIES_PER_FRAME - RESERVED_ENTRIES - 1
        );
        assert!(numbers.first() == Some(&RESERVED_ENTRIES) && !numbers.contains(&20));
    }

    #[test]
    fn the_table_grows_up_to_its_limit() {
        let mut table = GrantTable::new(TestFrames::new(3));
        let entries = 3 * ENTRIES_PER_FRAME - RESERVED_ENTRIES;
        let references: Vec<_> = (0..entries)
            .map(|_| table.grant(PEER, Mfn(1), Access::ReadWrite).unwrap())
            .collect();
        assert!(table.grant(PEER, Mfn(1), Access::ReadWrite).is_err());
        for reference in references {
            table.end(reference).unwrap();
        }
        assert_eq!(table.free_entries() as u32, entries);
        assert_eq!(table.source.extended, 3);
    }

    #[test]
    fn what_is_in_use_is_neither_ended_nor_used_again() {
        let source = TestFrames::new(1);
        let entries = source.view();
        let mut table = GrantTable::new(source);
        for bit in [flag::READING, flag::WRITING] {
            let reference = table.grant(PEER, Mfn(7), Access::ReadWrite).unwrap();
            let number = reference.number();
            let flags = &entries[number as usize].flags;
            flags.fetch_or(bit, Ordering::Relaxed);
            let reference = table.end(reference).unwrap_err();
            assert_ne!(flags.load(Ordering::Relaxed), 0);
            let next = table.grant(PEER, Mfn(8), Access::ReadWrite).unwrap();
            assert_ne!(next.number(), number);
            table.end(next).unwrap();
            flags.fetch_and(!bit, Ordering::Relaxed);
            table.end(reference).unwrap();
        }
    }

    #[test]
    fn frames_beyond_32_bits_are_refused() {
        let mut table = GrantTable::new(TestFrames::new(1));
        let high = Mfn(1 << 32);
        assert_eq!(
            table.grant(PEER, high, Access::ReadOnly),
            Err(GrantError::FrameTooHigh(high))
        );
    }
}

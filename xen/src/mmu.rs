//! Page tables as a PV guest changes them: by asking.
//!
//! A frame has a pseudo-physical number ([`Pfn`]: dense, the guest's own) and a machine number
//! ([`Mfn`]: what a page table holds). The P2M list and the machine-to-physical table translate.
//! Page-table pages must not be writable by the guest; each change is validated by Xen.

use crate::hypercall::{Hypercall, MulticallEntry, call, multicall};
use crate::{PAGE_SHIFT, XenError};

/// A machine frame number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Mfn(pub u64);

/// A pseudo-physical frame number. 32 bits reach 16 TiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Pfn(pub u32);

/// Page-table entry bits.
pub mod flag {
    /// The entry maps something. An entry without it must be zero (L1TF).
    pub const PRESENT: u64 = 1 << 0;
    /// Writes are allowed.
    pub const WRITE: u64 = 1 << 1;
    /// Ring 3 may use it; PV guests run there, so every entry has it.
    pub const USER: u64 = 1 << 2;
    /// Set by the processor at first use; set ahead to save it the work.
    pub const ACCESSED: u64 = 1 << 5;
    /// Set by the processor at first write.
    pub const DIRTY: u64 = 1 << 6;
    /// Instructions may not be fetched.
    pub const NO_EXECUTE: u64 = 1 << 63;

    /// Data: readable and writable.
    pub const READ_WRITE: u64 = PRESENT | WRITE | USER | ACCESSED | DIRTY | NO_EXECUTE;
    /// Constants and page tables.
    pub const READ_ONLY: u64 = PRESENT | USER | ACCESSED | NO_EXECUTE;
    /// Code.
    pub const READ_EXECUTE: u64 = PRESENT | USER | ACCESSED;
    /// An entry that points to a lower table.
    pub const TABLE: u64 = PRESENT | WRITE | USER | ACCESSED | DIRTY;
}

/// A page-table entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Pte(pub u64);

impl Pte {
    /// Maps nothing.
    pub const NONE: Pte = Pte(0);
    const FRAME: u64 = 0x000f_ffff_ffff_f000;

    /// An entry for `mfn` with `flags` (see [`flag`]).
    pub const fn new(mfn: Mfn, flags: u64) -> Self {
        Self(mfn.0 << PAGE_SHIFT | flags)
    }

    /// The frame it maps, if it maps one.
    pub const fn frame(self) -> Option<Mfn> {
        if self.0 & flag::PRESENT == 0 {
            None
        } else {
            Some(Mfn((self.0 & Self::FRAME) >> PAGE_SHIFT))
        }
    }
}

/// Entries in a page table of any level.
pub const ENTRIES: usize = 512;

/// Index into the table of `level` (1 is the lowest, 4 the top) for `address`.
pub const fn table_index(address: usize, level: u32) -> usize {
    (address >> (PAGE_SHIFT + 9 * (level - 1))) & (ENTRIES - 1)
}

/// Where Xen maps the machine-to-physical table, read-only, in every PV guest.
const MACHINE_TO_PHYS: usize = 0xffff_8000_0000_0000;

/// The pseudo-physical number of `mfn`.
///
/// # Safety
/// Only inside a Xen PV guest, and `mfn` must be a frame of this domain: others may lie in a hole
/// of the table.
pub unsafe fn machine_to_phys(mfn: Mfn) -> Pfn {
    let entry = (MACHINE_TO_PHYS as *const u64).wrapping_add(mfn.0 as usize);
    // SAFETY: Xen maps the table for all frames that exist; the caller vouches for this one.
    Pfn(unsafe { entry.read_volatile() } as u32)
}

/// What to flush after a change of a mapping (`UVMF_*`, this vCPU only).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Flush {
    /// Nothing: there was no mapping before.
    None = 0,
    /// All of the translation cache.
    All = 1,
    /// The entry of this address.
    Page = 2,
}

/// A multicall entry that sets the lowest-level entry for `address`; the tables above must exist.
pub const fn update_va_mapping(address: usize, pte: Pte, flush: Flush) -> MulticallEntry {
    MulticallEntry::new(
        Hypercall::UpdateVaMapping,
        [address as u64, pte.0, flush as u64, 0, 0],
    )
}

/// Mapping changes, collected and sent in one trip.
///
/// Invariant: nothing is lost: [`push`](MappingBatch::push) sends a full batch by itself, and
/// `finish` sends the rest.
pub struct MappingBatch {
    entries: [MulticallEntry; Self::CAPACITY],
    used: usize,
}

impl Default for MappingBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl MappingBatch {
    const CAPACITY: usize = 32;

    /// An empty batch.
    pub const fn new() -> Self {
        Self {
            entries: [MulticallEntry::new(Hypercall::UpdateVaMapping, [0; 5]); Self::CAPACITY],
            used: 0,
        }
    }

    /// Adds a change.
    ///
    /// # Safety
    /// Nobody may hold a reference into the page when its mapping changes, and `pte` must not
    /// create a second writable view of memory that Rust believes it owns.
    pub unsafe fn push(&mut self, address: usize, pte: Pte, flush: Flush) -> Result<(), XenError> {
        self.entries[self.used] = update_va_mapping(address, pte, flush);
        self.used += 1;
        if self.used == Self::CAPACITY {
            self.send()
        } else {
            Ok(())
        }
    }

    fn send(&mut self) -> Result<(), XenError> {
        let used = core::mem::take(&mut self.used);
        // SAFETY: each entry was vouched for by the caller of `push`.
        unsafe { multicall(&mut self.entries[..used]) }.map_err(|(_, error)| error)
    }

    /// Sends what is left.
    pub fn finish(mut self) -> Result<(), XenError> {
        self.send()
    }
}

/// `DOMID_SELF`.
const DOMID_SELF: u64 = 0x7ff0;

/// `struct mmu_update`.
#[repr(C)]
struct MmuUpdate {
    ptr: u64,
    val: u64,
}

/// Sets entry `index` of the table in frame `table` to `pte`. A hypercall.
///
/// # Safety
/// As for [`MappingBatch::push`], for all that the entry maps.
pub unsafe fn set_table_entry(table: Mfn, index: usize, pte: Pte) -> Result<(), XenError> {
    let request = MmuUpdate {
        ptr: (table.0 << PAGE_SHIFT) + index as u64 * 8,
        val: pte.0,
    };
    // SAFETY: one request is read; the caller vouches for its effect.
    unsafe {
        call(
            Hypercall::MmuUpdate,
            [&raw const request as u64, 1, 0, DOMID_SELF, 0],
        )
    }
    .map(drop)
}

/// Commands of [`extended`](mmuext) (`MMUEXT_*`).
const MMUEXT_TLB_FLUSH_LOCAL: u32 = 6;
const MMUEXT_CLEAR_PAGE: u32 = 16;

/// `struct mmuext_op`.
#[repr(C)]
struct MmuextOp {
    cmd: u32,
    arg1: u64,
    arg2: u64,
}

const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(MmuextOp, arg1) == 8);
    assert!(size_of::<MmuextOp>() == 24);
};

/// # Safety
/// As the command demands.
unsafe fn mmuext(cmd: u32, arg1: u64) -> Result<(), XenError> {
    let operation = MmuextOp { cmd, arg1, arg2: 0 };
    // SAFETY: one operation is read; the caller vouches for its effect.
    unsafe {
        call(
            Hypercall::MmuextOp,
            [&raw const operation as u64, 1, 0, DOMID_SELF, 0],
        )
    }
    .map(drop)
}

/// Zeroes a frame without mapping it. A hypercall.
///
/// # Safety
/// Nobody may rely on the frame's contents.
pub unsafe fn clear_frame(mfn: Mfn) -> Result<(), XenError> {
    // SAFETY: the caller gives the frame up.
    unsafe { mmuext(MMUEXT_CLEAR_PAGE, mfn.0) }
}

/// Forgets all cached translations. A hypercall.
pub fn flush_tlb() -> Result<(), XenError> {
    // SAFETY: a flush has no effect on memory.
    unsafe { mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_indices_split_an_address() {
        let address = (3 << 39) | (5 << 30) | (7 << 21) | (9 << 12) | 0xabc;
        assert_eq!(
            [4, 3, 2, 1].map(|level| table_index(address, level)),
            [3, 5, 7, 9]
        );
    }

    #[test]
    fn an_entry_keeps_frame_and_flags_apart() {
        let pte = Pte::new(Mfn(0x12345), flag::READ_WRITE);
        assert_eq!(pte.frame(), Some(Mfn(0x12345)));
        assert_eq!(Pte::NONE.frame(), None);
        assert_eq!(pte.0 & 0xfff, 0x67);
    }
}

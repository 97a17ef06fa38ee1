//! How much memory the domain has: giving frames back to Xen, asking for more.
//!
//! Structures and numbers of the public `memory.h`. Every function here is a hypercall.

use crate::XenError;
use crate::hypercall::{Hypercall, call};
use crate::mmu::{Mfn, Pfn};
use core::mem::offset_of;

const XENMEM_DECREASE_RESERVATION: u64 = 1;
const XENMEM_POPULATE_PHYSMAP: u64 = 6;
const XENMEM_MEMORY_MAP: u64 = 9;
const DOMID_SELF: u16 = 0x7ff0;

/// `struct xen_memory_reservation`.
#[repr(C)]
struct Reservation {
    extent_start: *mut u64,
    nr_extents: u64,
    extent_order: u32,
    mem_flags: u32,
    domid: u16,
}

const _: () = {
    assert!(offset_of!(Reservation, extent_order) == 16);
    assert!(offset_of!(Reservation, domid) == 24);
    assert!(size_of::<Reservation>() == 32);
};

/// Changes the reservation by single frames, which `list` names; how many of them, from the first, it was.
///
/// # Safety
/// As `operation` says of the frames in `list`.
unsafe fn change(operation: u64, list: &mut [u64]) -> Result<usize, XenError> {
    let mut argument = Reservation {
        extent_start: list.as_mut_ptr(),
        nr_extents: list.len() as u64,
        extent_order: 0,
        mem_flags: 0,
        domid: DOMID_SELF,
    };
    // SAFETY: the structure is the one these operations read; they read and write `nr_extents` words of the list.
    let done = unsafe {
        call(
            Hypercall::MemoryOp,
            [operation, &raw mut argument as u64, 0, 0, 0],
        )
    }?;
    Ok((done as usize).min(list.len()))
}

/// Gives these frames back to Xen; how many of them, from the first, it took.
///
/// # Safety
/// The frames are this domain's, are mapped nowhere, and nobody uses them from now on.
pub unsafe fn decrease_reservation(frames: &mut [Mfn]) -> Result<usize, XenError> {
    // SAFETY: a machine frame number is a word; the caller's promise.
    unsafe {
        let list = core::slice::from_raw_parts_mut(frames.as_mut_ptr().cast::<u64>(), frames.len());
        change(XENMEM_DECREASE_RESERVATION, list)
    }
}

/// Asks Xen for a frame for each of these pseudo-physical numbers, which have none. `frames` becomes the machine frames of the first
/// of them; how many, which is 0 if Xen has none, or the domain as many as it may have.
pub fn populate_physmap(numbers: &[Pfn], frames: &mut [Mfn]) -> Result<usize, XenError> {
    let count = numbers.len().min(frames.len());
    for (frame, number) in frames.iter_mut().zip(numbers) {
        *frame = Mfn(number.0.into());
    }
    // SAFETY: as above. Frames that the domain did not have are given to it, which changes nothing that anybody refers to.
    unsafe {
        let list = core::slice::from_raw_parts_mut(frames.as_mut_ptr().cast::<u64>(), count);
        change(XENMEM_POPULATE_PHYSMAP, list)
    }
}

/// `E820_RAM`.
const RAM: u32 = 1;
/// Entries of the map that are read; a domain's has one, unless it is that of the host.
const MAP_ENTRIES: usize = 64;

/// `struct xen_memory_map`.
#[repr(C)]
struct MemoryMap {
    nr_entries: u32,
    buffer: *mut MapEntry,
}

/// `struct e820entry`.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct MapEntry {
    addr: u64,
    size: u64,
    kind: u32,
}

const _: () = {
    assert!(offset_of!(MemoryMap, buffer) == 8);
    assert!(size_of::<MapEntry>() == 20);
};

/// Where the domain's memory ends once it has as much as the toolstack may ever give it (`maxmem`), in bytes. `XENMEM_maximum_reservation`
/// is only what it may have now.
pub fn memory_map_end() -> Result<u64, XenError> {
    let empty = MapEntry {
        addr: 0,
        size: 0,
        kind: 0,
    };
    let mut entries = [empty; MAP_ENTRIES];
    let mut argument = MemoryMap {
        nr_entries: MAP_ENTRIES as u32,
        buffer: entries.as_mut_ptr(),
    };
    // SAFETY: the structure is the one this operation reads and writes, and there is room for that many entries.
    unsafe {
        call(
            Hypercall::MemoryOp,
            [XENMEM_MEMORY_MAP, &raw mut argument as u64, 0, 0, 0],
        )
    }?;
    let count = (argument.nr_entries as usize).min(MAP_ENTRIES);
    let ram = entries[..count].iter().filter(|entry| entry.kind == RAM);
    let ends = ram.map(|entry| entry.addr.saturating_add(entry.size));
    Ok(ends.max().unwrap_or(0))
}

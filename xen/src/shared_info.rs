//! The shared info page: event bitmaps, per-vCPU state and the clocks, written by Xen at any time.
//!
//! Everything in it is read with volatile or atomic accesses, through [`SharedInfo`]'s methods only.
//! Layout of the public `xen.h`, x86-64, 2-level events.

use crate::time::VcpuTimeInfo;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// Event channels of the 2-level ABI.
pub const NR_EVENT_CHANNELS: u32 = 4096;

/// `struct vcpu_info`.
#[repr(C)]
pub struct VcpuInfo {
    evtchn_upcall_pending: AtomicU8,
    evtchn_upcall_mask: AtomicU8,
    evtchn_pending_sel: AtomicU64,
    cr2: AtomicU64,
    _pad: u64,
    /// The clock of this vCPU.
    pub time: VcpuTimeInfo,
}

/// `struct shared_info`, up to the architecture's part.
#[repr(C)]
pub struct SharedInfo {
    vcpu_info: [VcpuInfo; 32],
    evtchn_pending: [AtomicU64; 64],
    evtchn_mask: [AtomicU64; 64],
    /// Version, seconds (low), nanoseconds, seconds (high) of the wall clock at system time zero.
    pub(crate) wall_clock: [AtomicU32; 4],
}

const _: () = {
    assert!(size_of::<VcpuInfo>() == 64);
    assert!(offset_of!(VcpuInfo, cr2) == 16);
    assert!(offset_of!(VcpuInfo, time) == 32);
    assert!(offset_of!(SharedInfo, evtchn_pending) == 2048);
    assert!(offset_of!(SharedInfo, evtchn_mask) == 2560);
    assert!(offset_of!(SharedInfo, wall_clock) == 3072);
};

impl SharedInfo {
    /// The only vCPU.
    pub fn vcpu(&self) -> &VcpuInfo {
        &self.vcpu_info[0]
    }

    /// Clears the pending bit of `port` and says whether it was set. Ports out of range are never
    /// pending.
    pub fn take_pending(&self, port: u32) -> bool {
        if port >= NR_EVENT_CHANNELS {
            return false;
        }
        let bit = 1 << (port % 64);
        self.evtchn_pending[port as usize / 64].fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }
}

impl SharedInfo {
    /// Keeps Xen from interrupting the vCPU for events on `port`; they are pending all the same. False if there is no
    /// such port.
    pub fn mask(&self, port: u32) -> bool {
        if port >= NR_EVENT_CHANNELS {
            return false;
        }
        self.evtchn_mask[port as usize / 64].fetch_or(1 << (port % 64), Ordering::AcqRel);
        true
    }

    /// Lets an event come, as Xen does.
    #[cfg(test)]
    pub(crate) fn set_pending(&self, port: u32) {
        self.evtchn_pending[port as usize / 64].fetch_or(1 << (port % 64), Ordering::AcqRel);
    }
}

impl VcpuInfo {
    /// The address of the last page fault.
    pub fn fault_address(&self) -> u64 {
        self.cr2.load(Ordering::Relaxed)
    }

    /// Forbids upcalls for good: this guest polls.
    pub fn mask_upcalls(&self) {
        self.evtchn_upcall_mask.store(1, Ordering::Release);
    }

    /// Forgets that something was pending, before the pending bits are looked at.
    pub fn clear_upcall_pending(&self) {
        self.evtchn_upcall_pending.store(0, Ordering::Release);
        self.evtchn_pending_sel.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;

    #[test]
    fn pending_is_taken_once_and_bounded() {
        // SAFETY: all-zero bytes are a valid SharedInfo (atomics and integers only).
        let info: Box<SharedInfo> = unsafe { Box::new(core::mem::zeroed()) };
        info.evtchn_pending[1].store(1 << 5, Ordering::Relaxed);
        assert!(info.take_pending(69));
        assert!(!info.take_pending(69));
        assert!(!info.take_pending(68));
        assert!(!info.take_pending(NR_EVENT_CHANNELS));
        assert!(!info.take_pending(u32::MAX));
    }
}

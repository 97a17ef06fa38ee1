//! `start_info`: the page Xen hands to a PV guest at entry.
//!
//! Layout of the public `xen.h` (x86-64). Its address is in rsi at entry; it is mapped, with
//! everything it points to, in the bootstrap mapping, where virtual page = pseudo-physical frame.

use crate::mmu::Mfn;
use core::mem::offset_of;

/// `SIF_*` flags.
pub mod flag {
    /// The domain is privileged.
    pub const PRIVILEGED: u32 = 1 << 0;
    /// The domain is the initial one: there is no console ring, no xenstore page.
    pub const INITDOMAIN: u32 = 1 << 1;
    /// `mod_start` is a frame number, not an address.
    pub const MOD_START_PFN: u32 = 1 << 3;
}

/// Longest command line, with its NUL.
pub const MAX_GUEST_CMDLINE: usize = 1024;

/// `struct start_info`.
#[repr(C)]
pub struct StartInfo {
    magic: [u8; 32],
    /// Frames of memory this domain has.
    pub nr_pages: u64,
    /// Machine address of the shared info page.
    pub shared_info: u64,
    /// [`flag`] bits.
    pub flags: u32,
    /// The xenstore ring's frame.
    pub store_mfn: Mfn,
    /// The xenstore event channel.
    pub store_evtchn: u32,
    console: ConsoleInfo,
    /// Address of the top-level page table.
    pub pt_base: u64,
    /// Frames of the bootstrap page tables, contiguous from `pt_base`.
    pub nr_pt_frames: u64,
    /// Address of the P2M list: the machine frame of each pseudo-physical frame.
    pub mfn_list: u64,
    /// Address (or frame, see [`flag::MOD_START_PFN`]) of the ramdisk.
    pub mod_start: u64,
    /// Length of the ramdisk in bytes.
    pub mod_len: u64,
    cmd_line: [u8; MAX_GUEST_CMDLINE],
    /// First frame of the P2M list, if it was placed outside the bootstrap mapping.
    pub first_p2m_pfn: u64,
    /// Frames of that list.
    pub nr_p2m_frames: u64,
}

/// The console union, read as an unprivileged domain sees it.
#[derive(Clone, Copy)]
#[repr(C)]
struct ConsoleInfo {
    mfn: Mfn,
    evtchn: u32,
}

const _: () = {
    assert!(offset_of!(StartInfo, nr_pages) == 32);
    assert!(offset_of!(StartInfo, shared_info) == 40);
    assert!(offset_of!(StartInfo, flags) == 48);
    assert!(offset_of!(StartInfo, store_mfn) == 56);
    assert!(offset_of!(StartInfo, store_evtchn) == 64);
    assert!(offset_of!(StartInfo, console) == 72);
    assert!(offset_of!(StartInfo, pt_base) == 88);
    assert!(offset_of!(StartInfo, mfn_list) == 104);
    assert!(offset_of!(StartInfo, mod_start) == 112);
    assert!(offset_of!(StartInfo, cmd_line) == 128);
    assert!(offset_of!(StartInfo, first_p2m_pfn) == 1152);
    assert!(size_of::<StartInfo>() == 1168);
};

/// Where the console is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleKind {
    /// A ring shared with xenconsoled: its frame and event channel.
    Ring {
        /// The ring's machine frame.
        mfn: Mfn,
        /// The event channel that both ends notify.
        evtchn: u32,
    },
    /// Xen's own console, through `HYPERVISOR_console_io`: the initial domain has no ring.
    Hypervisor,
}

impl StartInfo {
    /// True if the page begins with the magic that every Xen writes.
    pub fn is_valid(&self) -> bool {
        self.magic.starts_with(b"xen-")
    }

    /// True for dom0.
    pub fn is_initial_domain(&self) -> bool {
        self.flags & flag::INITDOMAIN != 0
    }

    /// The console this domain was given.
    pub fn console(&self) -> ConsoleKind {
        if self.is_initial_domain() || self.console.mfn.0 == 0 {
            ConsoleKind::Hypervisor
        } else {
            ConsoleKind::Ring {
                mfn: self.console.mfn,
                evtchn: self.console.evtchn,
            }
        }
    }

    /// The command line up to its NUL; all of the field if there is none.
    pub fn command_line(&self) -> &[u8] {
        let end = self
            .cmd_line
            .iter()
            .position(|&b| b == 0)
            .unwrap_or(self.cmd_line.len());
        &self.cmd_line[..end]
    }
}

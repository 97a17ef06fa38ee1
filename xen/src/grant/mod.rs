//! Grants: letting another domain use a frame of ours.
//!
//! Version 1 of the table: an array of 8-byte entries in frames of Xen's, which a domain maps and writes by itself; the
//! index of an entry is the *grant reference* that the other domain is told. Xen alone sets the bits that say whether
//! the other domain uses the frame just now.
//!
//! - [`table`]: which references are free, how the table grows, granting and ending.
//! - [`quarantine`]: pages whose grants could not be ended, until they can be.
//!
//! Layout and numbers: the public `grant_table.h`. The functions here are hypercalls.

pub mod quarantine;
pub mod table;

use crate::XenError;
use crate::hypercall::{Hypercall, call};
use crate::mmu::Mfn;
use core::fmt;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU16, AtomicU32};

/// Entry flags (`GTF_*`).
pub mod flag {
    /// The domain named in the entry may map or copy the frame.
    pub const PERMIT_ACCESS: u16 = 1;
    /// It may not write it.
    pub const READONLY: u16 = 1 << 2;
    /// It has the frame mapped or copies from it. Set by Xen.
    pub const READING: u16 = 1 << 3;
    /// It has the frame mapped writable or copies to it. Set by Xen.
    pub const WRITING: u16 = 1 << 4;
}

/// `struct grant_entry_v1`.
#[repr(C)]
pub struct GrantEntry {
    pub(crate) flags: AtomicU16,
    pub(crate) domid: AtomicU16,
    pub(crate) frame: AtomicU32,
}

const _: () = {
    assert!(offset_of!(GrantEntry, domid) == 2);
    assert!(offset_of!(GrantEntry, frame) == 4);
    assert!(size_of::<GrantEntry>() == 8);
};

/// Entries in one frame of the table.
pub const ENTRIES_PER_FRAME: u32 = (crate::PAGE_SIZE / size_of::<GrantEntry>()) as u32;
/// The first entries are the toolstack's: it grants the console and the xenstore ring in them.
pub const RESERVED_ENTRIES: u32 = 8;
/// Most frames that are asked for, whatever Xen would give: 65,536 references.
pub const MAX_FRAMES: u32 = 128;

/// What the other domain may do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read it.
    ReadOnly,
    /// Read and write it.
    ReadWrite,
}

/// An entry of the table that is in use: a frame that another domain may use until the reference is
/// [ended](table::GrantTable::end). It is owned: not copied, and dropping one leaves the frame granted for good.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a reference that is dropped stays granted for ever"]
pub struct GrantReference(pub(crate) u32);

impl GrantReference {
    /// The number that the other domain is told.
    pub const fn number(&self) -> u32 {
        self.0
    }
}

/// Why nothing was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// All references are in use and the table cannot grow; how many entries it has.
    TableFull(u32),
    /// The frame's number does not fit an entry: the memory lies above 16 TiB.
    FrameTooHigh(Mfn),
    /// No memory to keep account of references.
    NoMemory,
    /// Xen refused to make the table larger.
    Xen(XenError),
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableFull(entries) => write!(
                f,
                "all {entries} grant references are in use (max_grant_frames= in the domain's configuration gives more)"
            ),
            Self::FrameTooHigh(mfn) => write!(
                f,
                "machine frame {:#x} lies above 16 TiB and cannot be granted",
                mfn.0
            ),
            Self::NoMemory => f.write_str("no memory for the list of grant references"),
            Self::Xen(error) => write!(f, "Xen refused to extend the grant table: {error}"),
        }
    }
}

const GNTTABOP_SETUP_TABLE: u64 = 2;
const GNTTABOP_QUERY_SIZE: u64 = 6;
const GNTTABOP_SET_VERSION: u64 = 8;
const DOMID_SELF: u16 = 0x7ff0;

/// `struct gnttab_setup_table`.
#[repr(C)]
struct SetupTable {
    dom: u16,
    nr_frames: u32,
    status: i16,
    frame_list: *mut u64,
}

/// `struct gnttab_query_size`.
#[repr(C)]
struct QuerySize {
    dom: u16,
    nr_frames: u32,
    max_nr_frames: u32,
    status: i16,
}

const _: () = {
    assert!(offset_of!(SetupTable, nr_frames) == 4);
    assert!(offset_of!(SetupTable, status) == 8);
    assert!(offset_of!(SetupTable, frame_list) == 16);
    assert!(offset_of!(QuerySize, nr_frames) == 4);
    assert!(offset_of!(QuerySize, max_nr_frames) == 8);
    assert!(offset_of!(QuerySize, status) == 12);
};

/// A status of a grant operation (`GNTST_*`) as an error number.
fn status(status: i16) -> Result<(), XenError> {
    const ENOMEM: i64 = 12;
    const EPERM: i64 = 1;
    const EINVAL: i64 = 22;
    match status {
        0 => Ok(()),
        -7 => Err(XenError(ENOMEM)),
        -8 => Err(XenError(EPERM)),
        _ => Err(XenError(EINVAL)),
    }
}

/// Makes sure that the table's entries are those of version 1: a boot loader may have chosen otherwise. A hypercall.
pub fn use_version_1() -> Result<(), XenError> {
    let mut version = 1u32;
    // SAFETY: `struct gnttab_set_version` is the version alone; the entries of a new table are empty.
    unsafe {
        call(
            Hypercall::GrantTableOp,
            [GNTTABOP_SET_VERSION, &raw mut version as u64, 1, 0, 0],
        )
    }
    .map(drop)
}

/// The frames the table has, and the frames it may have (`max_grant_frames`). A hypercall.
pub fn query_size() -> Result<(u32, u32), XenError> {
    let mut query = QuerySize {
        dom: DOMID_SELF,
        nr_frames: 0,
        max_nr_frames: 0,
        status: 0,
    };
    // SAFETY: the structure is the one this operation reads and writes.
    unsafe {
        call(
            Hypercall::GrantTableOp,
            [GNTTABOP_QUERY_SIZE, &raw mut query as u64, 1, 0, 0],
        )
    }?;
    status(query.status)?;
    Ok((query.nr_frames, query.max_nr_frames))
}

/// Makes the table as long as `frames`, and says which frames those are. A hypercall.
pub fn setup_table(frames: &mut [Mfn]) -> Result<(), XenError> {
    let mut setup = SetupTable {
        dom: DOMID_SELF,
        nr_frames: frames.len() as u32,
        status: 0,
        frame_list: frames.as_mut_ptr().cast(),
    };
    // SAFETY: the structure is the one this operation reads and writes, and Xen writes as many frame numbers as the
    // list has room for; an `Mfn` is such a number.
    unsafe {
        call(
            Hypercall::GrantTableOp,
            [GNTTABOP_SETUP_TABLE, &raw mut setup as u64, 1, 0, 0],
        )
    }?;
    status(setup.status)
}

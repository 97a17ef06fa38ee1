//! The door: how a hypercall is made, the numbers, and the multicall that batches them.
//!
//! The inline `syscall` instruction is used instead of the hypercall page, which Xen advises
//! against since XSA-466. ABI: number in rax; arguments in rdi, rsi, rdx, r10, r8; result in rax
//! (negative errno on failure); rcx and r11 are lost.

use crate::XenError;
use core::arch::asm;

/// Hypercall numbers (`__HYPERVISOR_*` of the public `xen.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
#[allow(missing_docs)] // the names are Xen's own
pub enum Hypercall {
    SetTrapTable = 0,
    MmuUpdate = 1,
    MemoryOp = 12,
    Multicall = 13,
    UpdateVaMapping = 14,
    XenVersion = 17,
    ConsoleIo = 18,
    GrantTableOp = 20,
    VcpuOp = 24,
    MmuextOp = 26,
    SchedOp = 29,
    CallbackOp = 30,
    EventChannelOp = 32,
    PhysdevOp = 33,
}

/// Turns the raw register into the result every wrapper returns.
fn result(raw: i64) -> Result<u64, XenError> {
    if raw < 0 {
        Err(XenError(-raw))
    } else {
        Ok(raw as u64)
    }
}

/// Makes a hypercall with up to five arguments; unused ones are zero.
///
/// # Safety
/// Only inside a Xen PV guest, and the arguments must be what this hypercall documents: Xen reads
/// and writes the memory they point to, and can change mappings under Rust's feet.
pub unsafe fn call(number: Hypercall, arguments: [u64; 5]) -> Result<u64, XenError> {
    let raw: i64;
    // SAFETY: the caller vouches for the arguments; the clobbers are those of the PV ABI. Memory
    // is assumed changed because most hypercalls write through a pointer.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as u64 => raw,
            inlateout("rdi") arguments[0] => _,
            inlateout("rsi") arguments[1] => _,
            inlateout("rdx") arguments[2] => _,
            inlateout("r10") arguments[3] => _,
            inlateout("r8") arguments[4] => _,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result(raw)
}

/// One entry of a multicall (`struct multicall_entry`).
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct MulticallEntry {
    op: u64,
    result: u64,
    args: [u64; 6],
}

const _: () = assert!(size_of::<MulticallEntry>() == 64);

impl MulticallEntry {
    /// An entry for `number` with up to five arguments.
    pub const fn new(number: Hypercall, arguments: [u64; 5]) -> Self {
        let [a, b, c, d, e] = arguments;
        Self {
            op: number as u64,
            result: 0,
            args: [a, b, c, d, e, 0],
        }
    }
}

/// Runs all of `entries` in order in one trip to Xen.
///
/// The first failure is returned with its index; the entries after it have been executed too.
///
/// # Safety
/// As for [`call`], for each entry.
pub unsafe fn multicall(entries: &mut [MulticallEntry]) -> Result<(), (usize, XenError)> {
    if entries.is_empty() {
        return Ok(());
    }
    let list = entries.as_mut_ptr() as u64;
    // SAFETY: the list is a valid array of entries and the caller vouches for each.
    unsafe { call(Hypercall::Multicall, [list, entries.len() as u64, 0, 0, 0]) }
        .map_err(|e| (0, e))?;
    for (index, entry) in entries.iter().enumerate() {
        result(entry.result as i64).map_err(|e| (index, e))?;
    }
    Ok(())
}

/// Xen's version as `(major, minor)`. A hypercall.
pub fn xen_version() -> (u16, u16) {
    // SAFETY: XENVER_version (0) takes no pointer and has no effect.
    match unsafe { call(Hypercall::XenVersion, [0; 5]) } {
        Ok(version) => ((version >> 16) as u16, version as u16),
        Err(_) => (0, 0),
    }
}

//! I/O ports, for a domain that has been given them (the initial one).

use crate::XenError;
use crate::hypercall::{Hypercall, call};
use core::arch::asm;

const PHYSDEVOP_SET_IOPL: u64 = 6;

/// The right to use I/O ports, proof that [`acquire`](IoPorts::acquire) succeeded.
pub struct IoPorts(());

impl IoPorts {
    /// Asks Xen for I/O privilege; only the initial domain gets it. A hypercall.
    pub fn acquire() -> Result<Self, XenError> {
        let iopl = 1u32;
        // SAFETY: `struct physdev_set_iopl` is the level alone; Xen reads it.
        unsafe {
            call(
                Hypercall::PhysdevOp,
                [PHYSDEVOP_SET_IOPL, &raw const iopl as u64, 0, 0, 0],
            )
        }?;
        Ok(Self(()))
    }

    /// Writes a doubleword to a port.
    ///
    /// # Safety
    /// Whatever device listens at `port` does what it is told.
    pub unsafe fn write(&self, port: u16, value: u32) {
        // SAFETY: I/O privilege was granted, so the instruction does not fault.
        unsafe {
            asm!("out dx, eax", in("dx") port, in("eax") value, options(nostack, preserves_flags))
        }
    }
}

//! The Xen paravirtual interface, as much of it as a single-vCPU x86-64 guest needs.
//!
//! One module per part of the ABI, and the drivers on top of it. Structures follow the layout of Xen's public headers and
//! are held to it by offset assertions; names are Xen's. The crate knows nobody: it keeps no global state, and every
//! pointer it follows is given to it by `kernel`. The devices and [`xenstore`] allocate; the ABI does not.
//!
//! Invariant: nothing here runs outside a Xen guest except the pure parts (ring indices, time
//! arithmetic, layouts), which is what the unit tests exercise. Hypercalls are made with an
//! inline `syscall`, so on any other system they would reach that system's kernel: every function
//! that makes one says so, and the raw ones are `unsafe`.
//!
//! Event delivery: the guest never enables upcalls. Exceptions are the only asynchronous entries
//! and all of them are fatal (see [`trap`]); events are polled (see [`event`] and [`sched`]).
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod console;
pub mod cpu;
pub mod elfnote;
pub mod event;
pub mod grant;
pub mod guest;
pub mod hypercall;
pub mod memory;
pub mod mmu;
pub mod net;
pub mod pages;
pub mod physdev;
pub mod ring;
pub mod sched;
pub mod shared_info;
pub mod start_info;
pub mod time;
pub mod trap;
pub mod vcpu;
pub mod xenbus;
pub mod xenstore;

use core::fmt;

/// Bytes in a page; the only page size a PV guest can use.
pub const PAGE_SIZE: usize = 4096;
/// log2 of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;

/// A domain's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct DomainId(pub u16);

/// The negative result of a hypercall: one of Xen's `errno` values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct XenError(pub i64);

/// Error numbers of Xen's public `errno.h` that a guest of this kind can meet.
const ERROR_NAMES: &[(i64, &str)] = &[
    (1, "EPERM"),
    (2, "ENOENT"),
    (3, "ESRCH"),
    (5, "EIO"),
    (6, "ENXIO"),
    (7, "E2BIG"),
    (11, "EAGAIN"),
    (12, "ENOMEM"),
    (13, "EACCES"),
    (14, "EFAULT"),
    (16, "EBUSY"),
    (17, "EEXIST"),
    (19, "ENODEV"),
    (22, "EINVAL"),
    (28, "ENOSPC"),
    (38, "ENOSYS"),
    (62, "ETIME"),
    (95, "EOPNOTSUPP"),
];

impl fmt::Debug for XenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ERROR_NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Display for XenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn errors_are_printed_by_name() {
        assert_eq!(format!("{}", XenError(22)), "EINVAL");
        assert_eq!(format!("{}", XenError(4095)), "errno 4095");
    }
}

//! Giving up the CPU, for a while or for good.
//!
//! Every function here is a hypercall.

use crate::XenError;
use crate::hypercall::{Hypercall, call};

const SCHEDOP_SHUTDOWN: u64 = 2;
const SCHEDOP_POLL: u64 = 3;

/// Why the domain ends (`SHUTDOWN_*`); what happens then is the toolstack's `on_*` setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Shutdown {
    /// Ended normally.
    Poweroff = 0,
    /// Wants to be started again.
    Reboot = 1,
    /// Met a fault it could not survive.
    Crash = 3,
}

/// `struct sched_poll`.
#[repr(C)]
struct Poll {
    ports: *const u32,
    nr_ports: u32,
    timeout: u64,
}

const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Poll, nr_ports) == 8);
    assert!(offset_of!(Poll, timeout) == 16);
};

/// Sleeps until one of `ports` is pending or until `deadline`, in nanoseconds of system time;
/// `None` waits for an event alone. May return early for no reason.
pub fn poll(ports: &[u32], deadline: Option<u64>) -> Result<(), XenError> {
    // A timeout of zero means for ever, so a deadline of zero becomes the earliest one there is.
    let timeout = deadline.map_or(0, |ns| ns.max(1));
    let argument = Poll {
        ports: ports.as_ptr(),
        nr_ports: ports.len() as u32,
        timeout,
    };
    // SAFETY: Xen reads the structure and `nr_ports` ports behind it.
    unsafe {
        call(
            Hypercall::SchedOp,
            [SCHEDOP_POLL, &raw const argument as u64, 0, 0, 0],
        )
    }
    .map(drop)
}

/// Ends the domain.
pub fn shutdown(reason: Shutdown) -> ! {
    let argument = reason as u32;
    loop {
        // SAFETY: `struct sched_shutdown` is the reason alone. If it ever returned, asking again
        // is all that is left.
        let _ = unsafe {
            call(
                Hypercall::SchedOp,
                [SCHEDOP_SHUTDOWN, &raw const argument as u64, 0, 0, 0],
            )
        };
    }
}

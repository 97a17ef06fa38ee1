//! What a vCPU can ask about itself.

use crate::XenError;
use crate::hypercall::{Hypercall, call};

const VCPUOP_STOP_PERIODIC_TIMER: u64 = 7;

/// Stops the 100 Hz timer that every PV vCPU starts with; a guest that sleeps until a deadline
/// has no use for it. A hypercall.
pub fn stop_periodic_timer() -> Result<(), XenError> {
    // SAFETY: the operation takes the vCPU's number and no argument.
    unsafe { call(Hypercall::VcpuOp, [VCPUOP_STOP_PERIODIC_TIMER, 0, 0, 0, 0]) }.map(drop)
}

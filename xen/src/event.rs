//! Event channels: notify the other end, bind a virtual interrupt.
//!
//! Upcalls stay masked for the life of the guest; arrivals are seen by
//! [`SharedInfo::take_pending`](crate::shared_info::SharedInfo::take_pending) and waited for with
//! [`sched::poll`](crate::sched::poll). Every function here is a hypercall.

use crate::XenError;
use crate::hypercall::{Hypercall, call};

const EVTCHNOP_BIND_VIRQ: u64 = 1;
const EVTCHNOP_SEND: u64 = 4;

/// Virtual interrupts a guest of this kind can bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Virq {
    /// Something was typed on Xen's console (initial domain only).
    Console = 2,
}

/// `struct evtchn_bind_virq`.
#[repr(C)]
struct BindVirq {
    virq: u32,
    vcpu: u32,
    port: u32,
}

/// Tells the other end of `port` that there is something to see.
pub fn send(port: u32) -> Result<(), XenError> {
    let mut argument = port;
    // SAFETY: `struct evtchn_send` is the port alone; Xen reads it.
    unsafe {
        call(
            Hypercall::EventChannelOp,
            [EVTCHNOP_SEND, &raw mut argument as u64, 0, 0, 0],
        )
    }
    .map(drop)
}

/// Binds `virq` on vCPU 0 and returns its new port.
pub fn bind_virq(virq: Virq) -> Result<u32, XenError> {
    let mut argument = BindVirq {
        virq: virq as u32,
        vcpu: 0,
        port: 0,
    };
    // SAFETY: the structure is the one this operation reads and writes.
    unsafe {
        call(
            Hypercall::EventChannelOp,
            [EVTCHNOP_BIND_VIRQ, &raw mut argument as u64, 0, 0, 0],
        )
    }?;
    Ok(argument.port)
}

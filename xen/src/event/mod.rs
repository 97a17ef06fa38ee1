//! Event channels: notify another domain and be notified, bind a virtual interrupt.
//!
//! Upcalls stay masked for the life of the guest, and so does every port that is waited for: arrivals are seen in the
//! pending bits of [`SharedInfo`](crate::shared_info::SharedInfo) and waited for with
//! [`sched::poll`](crate::sched::poll), which looks at masked ports too. [`ports`] is the set of those that are waited
//! for. Every function here is a hypercall.

pub mod ports;

use crate::hypercall::{Hypercall, call};
use crate::{DomainId, XenError};

const EVTCHNOP_BIND_INTERDOMAIN: u64 = 0;
const EVTCHNOP_BIND_VIRQ: u64 = 1;
const EVTCHNOP_CLOSE: u64 = 3;
const EVTCHNOP_SEND: u64 = 4;
const EVTCHNOP_ALLOC_UNBOUND: u64 = 6;
const DOMID_SELF: u16 = 0x7ff0;

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

/// `struct evtchn_alloc_unbound`.
#[repr(C)]
struct AllocUnbound {
    dom: u16,
    remote_dom: u16,
    port: u32,
}

/// `struct evtchn_bind_interdomain`.
#[repr(C)]
struct BindInterdomain {
    remote_dom: u16,
    remote_port: u32,
    local_port: u32,
}

const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(AllocUnbound, port) == 4);
    assert!(offset_of!(BindInterdomain, remote_port) == 4);
    assert!(size_of::<BindInterdomain>() == 12);
};

/// A port of this domain, owned: not copied, closed once.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a channel that is dropped stays open"]
pub struct EventChannel {
    port: u32,
}

impl EventChannel {
    /// Takes over a port that was opened for this domain, such as the toolstack's for console and xenstore.
    pub const fn from_port(port: u32) -> Self {
        Self { port }
    }

    /// Opens a port that domain `peer` may bind to. A hypercall.
    pub fn open(peer: DomainId) -> Result<Self, XenError> {
        let mut argument = AllocUnbound {
            dom: DOMID_SELF,
            remote_dom: peer.0,
            port: 0,
        };
        // SAFETY: the structure is the one this operation reads and writes.
        unsafe { operation(EVTCHNOP_ALLOC_UNBOUND, (&raw mut argument).cast()) }?;
        Ok(Self {
            port: argument.port,
        })
    }

    /// Binds to the port that domain `peer` opened for this one. A hypercall.
    pub fn bind(peer: DomainId, remote_port: u32) -> Result<Self, XenError> {
        let mut argument = BindInterdomain {
            remote_dom: peer.0,
            remote_port,
            local_port: 0,
        };
        // SAFETY: the structure is the one this operation reads and writes.
        unsafe { operation(EVTCHNOP_BIND_INTERDOMAIN, (&raw mut argument).cast()) }?;
        Ok(Self {
            port: argument.local_port,
        })
    }

    /// Its number, which the other domain is told.
    pub const fn port(&self) -> u32 {
        self.port
    }

    /// Tells the other end that there is something to see. A hypercall.
    pub fn notify(&self) -> Result<(), XenError> {
        send(self.port)
    }

    /// Closes it, on both ends. A hypercall.
    pub fn close(self) -> Result<(), XenError> {
        let mut argument = self.port;
        // SAFETY: `struct evtchn_close` is the port alone.
        unsafe { operation(EVTCHNOP_CLOSE, (&raw mut argument).cast()) }
    }
}

/// # Safety
/// `argument` must point to the structure that `operation` reads and writes.
unsafe fn operation(operation: u64, argument: *mut u8) -> Result<(), XenError> {
    // SAFETY: the caller's promise.
    unsafe {
        call(
            Hypercall::EventChannelOp,
            [operation, argument as u64, 0, 0, 0],
        )
    }
    .map(drop)
}

/// Tells the other end of `port` that there is something to see.
pub fn send(port: u32) -> Result<(), XenError> {
    let mut argument = port;
    // SAFETY: `struct evtchn_send` is the port alone; Xen reads it.
    unsafe { operation(EVTCHNOP_SEND, (&raw mut argument).cast()) }
}

/// Binds `virq` on vCPU 0 and returns its new port.
pub fn bind_virq(virq: Virq) -> Result<u32, XenError> {
    let mut argument = BindVirq {
        virq: virq as u32,
        vcpu: 0,
        port: 0,
    };
    // SAFETY: the structure is the one this operation reads and writes.
    unsafe { operation(EVTCHNOP_BIND_VIRQ, (&raw mut argument).cast()) }?;
    Ok(argument.port)
}

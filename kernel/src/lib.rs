//! The guest: what lies between Xen and the Erlang machine.
//!
//! `main.rs` holds what can exist only once in a linked kernel (ELF notes, the entry, trap stubs, the
//! panic handler, the C memory routines); everything else is here, so that its logic can be tested on
//! Linux. Entry → [`boot::start`] → memory, console, clocks → the machine, on a [`platform::XenPlatform`].
//!
//! Invariant of the whole crate: one vCPU, no upcalls. Nothing ever runs beside the code that is
//! running, except an exception handler, which never returns to it. That is what lets global state be
//! plain cells ([`exclusive`]).
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod backtrace;
pub mod balloon;
pub mod boot;
pub mod boot_info;
pub mod clock;
pub mod command_line;
pub mod console;
pub mod control;
pub mod crash;
pub mod devices;
pub mod entropy;
pub mod events;
pub mod exclusive;
pub mod image;
pub mod memory;
pub mod memory_routines;
pub mod network;
pub mod otp;
pub mod platform;
pub mod power;
#[cfg(feature = "selftest")]
pub mod selftest;
pub mod symbols;
pub mod terminal;
pub mod xenstore;

//! TCP/IP for a machine that is its own operating system.
//!
//! Sockets over any number of [`link::Link`]s, as `starling_vm::platform::network` wants them. Protocols are smoltcp's; sockets,
//! demultiplexing, listening, routes, addresses and limits are ours.
//!
//! Invariant: nothing here knows Xen; everything runs on Linux under test, with links made of memory.

#![no_std]

extern crate alloc;

pub mod configuration;
pub mod link;

mod address;
mod addresses;
mod buffer;
mod checksum;
mod device;
mod dhcp;
mod discovery;
mod ethernet;
mod events;
mod icmp;
mod multicast;
mod neighbor;
mod network;
mod nic;
mod options;
mod packet;
mod ports;
mod random;
mod reassembly;
mod route;
mod slab;
mod socket;
mod stack;
mod stream;
mod tcp;
mod udp;

pub use stack::{Limits, Stack, Usage};

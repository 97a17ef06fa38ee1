//! TCP/IP for a machine that is its own operating system.
//!
//! Sockets over any number of [`link::Link`]s, as `starling_vm::platform::network` wants them. Protocols are smoltcp's; sockets,
//! demultiplexing, listening, routes, addresses and limits are ours.
//!
//! Invariant: nothing here knows Xen; everything runs on Linux under test, with links made of memory.

#![no_std]

extern crate alloc;

pub mod link;

//! TCP/IP for a machine that is its own operating system.
//!
//! Sockets over any number of [`link::Link`]s and a loopback, as `starling_vm::platform::network` wants them.
//!
//! What is smoltcp's: the state machine of a TCP connection, its segments, retransmission, windows, congestion. What is ours: everything
//! around it, because smoltcp's own shape does not fit a server with ten thousand connections and several interfaces:
//!
//! - **Demultiplexing.** smoltcp offers each packet to each socket of a set. Here each connection has a set of its own, and a hash table
//!   finds it (`tcp`).
//! - **Listening.** smoltcp wants a listening socket for each connection to come. Here a SYN makes one (`tcp::listen`).
//! - **Neighbours.** smoltcp's interface of the medium Ethernet is silent for a second after each question for a neighbour, and
//!   cannot say that one does not answer. Here it speaks IP only; ARP, neighbour discovery and what waits for them are ours
//!   (`ethernet`, `neighbor`, `discovery`), and with them `EHOSTUNREACH` and duplicate addresses.
//! - **UDP, ICMP, pieces of packets, groups**: small enough to be written for the errors and options that programs expect (`udp`,
//!   `icmp`, `reassembly`, `multicast`); smoltcp has no fragments of IPv6 and no `IP_RECVTOS`.
//! - **DHCP and addresses**: several interfaces, renewal, conflicts, messages (`dhcp`, `addresses`).
//!
//! Invariant: nothing here knows Xen; everything runs on Linux under test, with links made of memory (`tests/`) or a TAP device
//! (`examples/tap.rs`).
//!
//! ```
//! use starling_net::configuration::Configuration;
//! use starling_net::{Limits, Stack};
//! use starling_vm::platform::network::{Address, Family, Kind, Network};
//!
//! let configuration = Configuration::parse([("ipaddr", "10.0.0.5/24"), ("gateway", "10.0.0.1")])?;
//! let limits = Limits { memory: 64 << 20, first_descriptor: 3 };
//! let (seed, now) = ([7; 32], 0); // From a source of entropy, and a clock in nanoseconds.
//! let mut stack = Stack::new(configuration, limits, seed, now);
//! // stack.add_link("eth0".into(), link, now);
//! let socket = stack.open(Family::Inet, Kind::Stream).unwrap();
//! stack.bind(socket, &Address::Ip("0.0.0.0:80".parse().unwrap())).unwrap();
//! stack.listen(socket, 128).unwrap();
//! stack.poll(now);
//! while let Some(event) = stack.next_event() {
//!     // Sockets that are watched and ready.
//! }
//! let sleep_until = stack.next_deadline();
//! # Ok::<(), String>(())
//! ```

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

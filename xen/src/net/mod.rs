//! netfront: the guest's end of a virtual network interface.
//!
//! - [`Netfront`]: a device; frames in and out, whether or not it is connected just now.
//! - [`devices`]: all of them, as the toolstack adds and removes them.
//! - [`connection`]: how one gets connected, over xenbus, and connected again.
//! - [`features`]: what the two ends agree upon; [`fault`]: what a backend can do that ends the connection.
//! - [`transmit`], [`receive`]: the two rings; [`pool`]: the pages; [`abi`]: what lies in the rings.
//!
//! The protocol is that of `io/netif.h` of Xen's public headers: receiving by copy, packets of several slots, checksums
//! and segmentation left to the other end in both directions, an event channel for each direction.
//!
//! Invariant: the backend is never trusted. It sees pages that hold nothing but packets for it, what it says is copied
//! once and checked before it is used, and what is impossible ends the connection: never the machine. Whether the
//! toolstack calls the backend trusted makes no difference.
//!
//! Called by `kernel/src/network`, which makes a device of TCP/IP out of a [`Netfront`].

mod abi;
pub mod connection;
pub mod devices;
pub mod fault;
pub mod features;
mod netfront;
mod pool;
mod receive;
#[cfg(test)]
mod tests;
mod transmit;

pub use netfront::{Capabilities, ConnectError, Full, Netfront};

/// What the backend says of a frame that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// The transport's checksum is known to be right, or was never computed because the frame never left the host.
    pub checksum_good: bool,
}

/// What the backend is to do with a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The transport's checksum holds the pseudo header's sum only; the backend completes it.
    pub checksum_blank: bool,
    /// Cut the TCP packet into segments with at most so many bytes of data; 0: send it as it is.
    pub segment_size: u16,
}

/// What a device may take of the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Pages for packets that are sent.
    pub tx_pages: usize,
    /// Pages that the backend can put packets into.
    pub rx_pages: usize,
    /// Whether to take packets longer than the MTU, of several segments that the backend has joined.
    pub receive_segments: bool,
}

impl Config {
    /// What suits a domain with `memory` bytes: 1/128 of it, at most the 2 MiB that fill both rings.
    pub const fn for_memory(memory: u64) -> Self {
        let pages = memory / 256 / crate::PAGE_SIZE as u64;
        let pages = if pages < 64 {
            64
        } else if pages > pool::MAX_PAGES as u64 {
            pool::MAX_PAGES
        } else {
            pages as usize
        };
        Self {
            tx_pages: pages,
            rx_pages: pages,
            receive_segments: true,
        }
    }
}

/// What has happened on a device since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames sent, and their bytes.
    pub sent: u64,
    #[allow(missing_docs)]
    pub sent_bytes: u64,
    /// Frames that the backend could not send.
    pub refused: u64,
    /// Frames received, and their bytes.
    pub received: u64,
    #[allow(missing_docs)]
    pub received_bytes: u64,
    /// Frames that were not delivered: damaged, too short, too long.
    pub dropped: u64,
    /// Times that the other end was notified.
    pub notifications: u64,
    /// Events that announced something, and those that announced nothing.
    pub events: u64,
    #[allow(missing_docs)]
    pub spurious_events: u64,
    /// Connections made.
    pub connections: u64,
    /// Connections that ended because the backend did what it must not.
    pub faults: u64,
}

//! What a network device is to TCP/IP: Ethernet frames in and out.
//!
//! Implemented by the guest's netfront (`kernel/src/network`), by a TAP device (`examples/tap.rs`) and by the tests' wires. The loopback
//! is none: its packets never become frames.
//!
//! Invariant: a device lends frames and room for frames; it never keeps what it was lent, and nothing is allocated for a frame.

/// What the device computes by itself, or has had computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// TCP and UDP checksums of IPv4 packets need not be filled in.
    pub checksum_v4: bool,
    /// TCP and UDP checksums of IPv6 packets need not be filled in.
    pub checksum_v6: bool,
    /// The largest TCP/IPv4 packet that the device cuts into segments; 0 if it does not.
    pub segment_v4: usize,
    /// The largest TCP/IPv6 packet that the device cuts into segments; 0 if it does not.
    pub segment_v6: usize,
}

/// What the device says of a frame that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// The transport's checksum is known to be right, or was never computed because the frame never left the host.
    pub checksum_good: bool,
}

/// What the device is to do with a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The transport's checksum holds the pseudo header's sum only; the device completes it.
    pub checksum_blank: bool,
    /// Cut the TCP packet into segments with at most so many bytes of data; 0: send it as it is.
    pub segment_size: u16,
}

/// The device has no room, or is not connected. It can be tried again when [`Link::can_transmit`] says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A network device.
pub trait Link {
    /// Its Ethernet address.
    fn address(&self) -> [u8; 6];

    /// The largest IP packet, in bytes. May change when the device is connected again.
    fn mtu(&self) -> usize;

    /// What the device does by itself. May change when the device is connected again.
    fn offload(&self) -> Offload;

    /// Whether there is somebody at the other end.
    fn is_up(&self) -> bool;

    /// Hands the next frame that came to `take`. False: there is none now. The bytes are private to the machine by then.
    fn receive(&mut self, take: &mut dyn FnMut(&mut [u8], Incoming)) -> bool;

    /// Whether a frame of `len` bytes would find room.
    fn can_transmit(&self, len: usize) -> bool;

    /// Lets `fill` write a frame of `len` bytes and sends it, at the latest with the next [`Link::flush`]. `fill` says what is to
    /// be done with it, and is not called if there is no room. What it does not write is zero or of an earlier frame of ours.
    fn transmit(
        &mut self,
        len: usize,
        fill: &mut dyn FnMut(&mut [u8]) -> Outgoing,
    ) -> Result<(), Full>;

    /// Makes the other end look at what was sent, and gives it room for what it sends.
    fn flush(&mut self);
}

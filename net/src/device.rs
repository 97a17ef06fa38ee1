//! What smoltcp sees of the world: one segment that came, and a way for those that go out.
//!
//! smoltcp is told that nobody needs checksums, has no addresses (`any_ip`) and speaks IP without Ethernet. It writes segments in
//! place, into a frame of the link or into a buffer of the loopback; what the headers still lack is put in here: type of service,
//! identification, checksums as the link wants them.
//!
//! Invariant: a segment that smoltcp writes is never lost without `exhausted` having been answered before, except where a
//! [`Way::Outbox`] is full, whose segments the other end will ask for again.

use crate::buffer::Queue;
use crate::ethernet::Pending;
use crate::link::{Link, Offload, Outgoing};
use crate::packet::{self, Segment};
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use smoltcp::phy::{
    ChecksumCapabilities, Device, DeviceCapabilities, Medium, PacketMeta, RxToken, TxToken,
};
use smoltcp::time::Instant;

/// Length of an Ethernet header.
pub const ETHERNET_HEADER: usize = 14;
/// The largest IP packet.
pub const LARGEST_PACKET: usize = 65535;

/// What is to go out as soon as links can be used.
pub type Outbox = Queue<Pending>;

/// Where segments go.
pub enum Way<'a> {
    /// Back to ourselves.
    Loopback(&'a mut Queue<usize>),
    /// To a neighbour.
    Link {
        /// Through this device.
        link: &'a mut dyn Link,
        /// Behind this header.
        header: [u8; ETHERNET_HEADER],
    },
    /// Where they wait until the link, which is busy handing over a frame, can be used.
    Outbox(&'a mut Outbox),
}

/// What the last segment that went out was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// The number after it.
    pub next: u32,
    /// What it acknowledged.
    pub acknowledged: u32,
}

/// The device that smoltcp is given for one call.
pub struct Port<'a> {
    /// The packet that came, if one did.
    pub received: Option<&'a [u8]>,
    /// Where answers go.
    pub way: Way<'a>,
    /// What the way can do.
    pub capabilities: &'a DeviceCapabilities,
    /// What the way does by itself.
    pub offload: Offload,
    /// `IP_TOS` of what goes out.
    pub traffic_class: u8,
    /// IPv4's number of the next packet.
    pub identification: &'a mut u16,
    /// Room for a segment that turns out to have no way.
    pub scratch: &'a mut Vec<u8>,
    /// The last segment that went out.
    pub sent: Option<Sent>,
    /// Whether there was no room.
    pub exhausted: bool,
    /// The interface that answers go through.
    pub nic: usize,
}

/// What a way with packets of `mtu` bytes can do.
pub fn capabilities(mtu: usize, offload: Offload) -> DeviceCapabilities {
    let mut capabilities = DeviceCapabilities::default();
    capabilities.medium = Medium::Ip;
    capabilities.max_transmission_unit = mtu;
    capabilities.checksum = ChecksumCapabilities::ignored();
    if offload.checksum_v4 && offload.segment_v4 > mtu {
        let largest = offload.segment_v4.min(LARGEST_PACKET);
        capabilities.segmentation.tcpv4 = NonZeroUsize::new(largest);
    }
    capabilities
}

impl Port<'_> {
    /// Whether the largest segment would find room.
    fn has_room(&self) -> bool {
        let largest = self.capabilities.segmentation.tcpv4.map_or(0, usize::from);
        let largest = largest.max(self.capabilities.max_transmission_unit);
        match &self.way {
            Way::Loopback(queue) => queue.has_room(largest),
            Way::Link { link, .. } => link.can_transmit(ETHERNET_HEADER + largest),
            // Never a reason to keep smoltcp from answering: what does not fit is lost, as on any link.
            Way::Outbox(_) => true,
        }
    }
}

impl Device for Port<'_> {
    type RxToken<'b>
        = Received<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Room<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Room<'_>)> {
        let bytes = self.received.take()?;
        let room = self.room();
        Some((Received(bytes), room))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        if self.has_room() {
            Some(self.room())
        } else {
            self.exhausted = true;
            None
        }
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.capabilities.clone()
    }
}

impl Port<'_> {
    fn room(&mut self) -> Room<'_> {
        let way = match &mut self.way {
            Way::Loopback(queue) => Way::Loopback(queue),
            Way::Link { link, header } => Way::Link {
                link: &mut **link,
                header: *header,
            },
            Way::Outbox(outbox) => Way::Outbox(outbox),
        };
        Room {
            nic: Some(self.nic),
            way,
            finish: Finish {
                offload: self.offload,
                traffic_class: self.traffic_class,
                identification: self.identification,
                sent: &mut self.sent,
                segment_size: 0,
            },
            scratch: self.scratch,
        }
    }
}

/// A packet that came.
pub struct Received<'a>(&'a [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// What is still to be done to a segment when smoltcp has written it.
struct Finish<'a> {
    offload: Offload,
    traffic_class: u8,
    identification: &'a mut u16,
    sent: &'a mut Option<Sent>,
    segment_size: u16,
}

impl Finish<'_> {
    fn finish(self, packet: &mut [u8], may_leave_blank: bool) -> Outgoing {
        let is_v4 = packet[0] >> 4 == 4;
        let header = if is_v4 {
            // No path-MTU discovery: routers may cut (bit DF is clear), so each packet has a number of its own.
            packet[1] = self.traffic_class;
            packet[4..6].copy_from_slice(&self.identification.to_be_bytes());
            *self.identification = self.identification.wrapping_add(1);
            packet[6..8].fill(0);
            packet::fill_v4_checksum(packet);
            packet::IPV4_HEADER
        } else {
            packet[0] = 0x60 | self.traffic_class >> 4;
            packet[1] = packet[1] & 0xf | self.traffic_class << 4;
            packet::IPV6_HEADER
        };
        if let Some(segment) = Segment::parse(&packet[header..]) {
            *self.sent = Some(Sent {
                next: segment.next_sequence(),
                acknowledged: segment.acknowledgement,
            });
        }
        let offloaded = if is_v4 {
            self.offload.checksum_v4
        } else {
            self.offload.checksum_v6
        };
        let blank = may_leave_blank && offloaded;
        packet::fill_checksum(packet, packet::TCP_CHECKSUM, blank);
        Outgoing {
            checksum_blank: blank,
            segment_size: self.segment_size,
        }
    }
}

/// Room for one segment.
pub struct Room<'a> {
    nic: Option<usize>,
    way: Way<'a>,
    finish: Finish<'a>,
    scratch: &'a mut Vec<u8>,
}

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut write = Some(f);
        let mut result = None;
        match self.way {
            // Nobody damages what never leaves the machine: no checksum.
            Way::Loopback(queue) => {
                queue.push(0, len, |bytes| {
                    result = write.take().map(|write| write(bytes));
                    if bytes[0] >> 4 == 4 {
                        bytes[1] = self.finish.traffic_class;
                    }
                    let header = packet::header_len_of(bytes);
                    if let Some(segment) = Segment::parse(&bytes[header..]) {
                        *self.finish.sent = Some(Sent {
                            next: segment.next_sequence(),
                            acknowledged: segment.acknowledgement,
                        });
                    }
                });
            }
            Way::Link { link, header } => {
                let mut finish = Some(self.finish);
                // Without room `fill` is not called, and `write` still there.
                let _ = link.transmit(ETHERNET_HEADER + len, &mut |frame| {
                    let Some((start, bytes)) = frame.split_at_mut_checked(ETHERNET_HEADER) else {
                        return Outgoing::default();
                    };
                    start.copy_from_slice(&header);
                    let (Some(write), Some(finish)) = (write.take(), finish.take()) else {
                        return Outgoing::default();
                    };
                    result = Some(write(bytes));
                    finish.finish(bytes, true)
                });
            }
            Way::Outbox(outbox) => {
                outbox.push(Pending::Packet(self.nic), len, |bytes| {
                    result = write.take().map(|write| write(bytes));
                    self.finish.finish(bytes, false);
                });
            }
        }
        match (result, write) {
            (Some(result), _) => result,
            // There was no room after all: smoltcp writes it all the same, and it is lost.
            (None, Some(write)) => {
                let len = len.min(self.scratch.len());
                write(&mut self.scratch[..len])
            }
            // One of the two is always there: `write` is taken where `result` is set.
            (None, None) => unreachable!("a segment was written without a result"),
        }
    }

    fn set_meta(&mut self, meta: PacketMeta) {
        self.finish.segment_size = meta.segmentation_offload_size.map_or(0, |size| size.get());
    }
}

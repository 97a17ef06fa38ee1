//! IP packets: taking them apart, and writing the headers of those that go out.
//!
//! Invariant: [`Packet::parse`] looks at every length before it believes it, follows at most [`EXTENSION_HEADERS`] extension headers
//! and allocates nothing; what it returns lies within the bytes given. Formats: RFC 791, 8200, 768, 9293.

use crate::checksum;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Extension headers of IPv6 that are followed before a packet is given up.
const EXTENSION_HEADERS: usize = 8;
/// Length of an IPv4 header without options.
pub const IPV4_HEADER: usize = 20;
/// Length of an IPv6 header.
pub const IPV6_HEADER: usize = 40;
/// Length of a UDP header.
pub const UDP_HEADER: usize = 8;

/// Numbers of protocols above IP.
pub mod protocol {
    #![allow(missing_docs)]
    pub const HOP_BY_HOP: u8 = 0;
    pub const ICMP: u8 = 1;
    pub const IGMP: u8 = 2;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const ICMPV6: u8 = 58;
    pub const DESTINATION_OPTIONS: u8 = 60;
}

/// Where in its packet a fragment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Which packet of this source it is of.
    pub identification: u32,
    /// Where its payload begins in that of the packet.
    pub offset: usize,
    /// Whether others follow.
    pub more: bool,
}

/// An IP packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Who sent it.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// What the payload is.
    pub protocol: u8,
    /// `IP_TOS` or the traffic class.
    pub traffic_class: u8,
    /// Time to live or hop limit.
    pub hop_limit: u8,
    /// Set if this is not all of a packet.
    pub fragment: Option<Fragment>,
    /// The whole packet, without what the link padded it with.
    pub whole: &'a [u8],
    /// What the headers are in front of.
    pub payload: &'a [u8],
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let high = u16_at(bytes, at)?;
    let low = u16_at(bytes, at + 2)?;
    Some(u32::from(high) << 16 | u32::from(low))
}

fn ipv6_at(bytes: &[u8], at: usize) -> Option<Ipv6Addr> {
    let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(Ipv6Addr::from(octets))
}

impl<'a> Packet<'a> {
    /// Takes a packet apart; `None` if it is none. An IPv4 header's checksum is looked at if `check` is set.
    pub fn parse(bytes: &'a [u8], check: bool) -> Option<Packet<'a>> {
        match bytes.first()? >> 4 {
            4 => Packet::parse_v4(bytes, check),
            6 => Packet::parse_v6(bytes),
            _ => None,
        }
    }

    fn parse_v4(bytes: &'a [u8], check: bool) -> Option<Packet<'a>> {
        let header = usize::from(bytes[0] & 0xf) * 4;
        let total = usize::from(u16_at(bytes, 2)?);
        if header < IPV4_HEADER || total < header || total > bytes.len() {
            return None;
        }
        if check && !checksum::is_good(checksum::sum(&bytes[..header])) {
            return None;
        }
        let place = u16_at(bytes, 6)?;
        let offset = usize::from(place & 0x1fff) * 8;
        let more = place & 0x2000 != 0;
        let fragment = (more || offset > 0).then_some(Fragment {
            identification: u16_at(bytes, 4)?.into(),
            offset,
            more,
        });
        Some(Packet {
            source: IpAddr::V4(Ipv4Addr::from_bits(u32_at(bytes, 12)?)),
            destination: IpAddr::V4(Ipv4Addr::from_bits(u32_at(bytes, 16)?)),
            protocol: bytes[9],
            traffic_class: bytes[1],
            hop_limit: bytes[8],
            fragment,
            whole: &bytes[..total],
            payload: &bytes[header..total],
        })
    }

    fn parse_v6(bytes: &'a [u8]) -> Option<Packet<'a>> {
        let total = IPV6_HEADER + usize::from(u16_at(bytes, 4)?);
        let bytes = bytes.get(..total)?;
        let mut next = bytes[6];
        let mut at = IPV6_HEADER;
        let mut fragment = None;
        for _ in 0..EXTENSION_HEADERS {
            let len = match next {
                protocol::HOP_BY_HOP | protocol::DESTINATION_OPTIONS => {
                    (usize::from(*bytes.get(at + 1)?) + 1) * 8
                }
                // Source routes were abolished by RFC 5095: only one that leads no further is let through.
                protocol::ROUTING if *bytes.get(at + 3)? == 0 => {
                    (usize::from(*bytes.get(at + 1)?) + 1) * 8
                }
                protocol::FRAGMENT if fragment.is_none() => {
                    let place = u16_at(bytes, at + 2)?;
                    let offset = usize::from(place & !7);
                    let more = place & 1 != 0;
                    // One that is alone (RFC 6946) is the packet itself.
                    fragment = Some(Fragment {
                        identification: u32_at(bytes, at + 4)?,
                        offset,
                        more,
                    });
                    8
                }
                _ => break,
            };
            let stop = next == protocol::FRAGMENT
                && fragment.is_some_and(|fragment| fragment.more || fragment.offset > 0);
            next = *bytes.get(at)?;
            at += len;
            if at > total {
                return None;
            }
            // What follows the header of a fragment is taken apart when all of the packet is there.
            if stop {
                break;
            }
        }
        Some(Packet {
            source: IpAddr::V6(ipv6_at(bytes, 8)?),
            destination: IpAddr::V6(ipv6_at(bytes, 24)?),
            protocol: next,
            traffic_class: bytes[0] << 4 | bytes[1] >> 4,
            hop_limit: bytes[7],
            fragment: fragment.filter(|fragment| fragment.more || fragment.offset > 0),
            whole: bytes,
            payload: &bytes[at..],
        })
    }

    /// Whether the checksum of a TCP, UDP or ICMPv6 payload is right.
    pub fn checksum_is_good(&self) -> bool {
        let pseudo = checksum::pseudo_header(
            self.source,
            self.destination,
            self.protocol,
            self.payload.len(),
        );
        checksum::is_good(pseudo + checksum::sum(self.payload))
    }
}

/// What the headers of an outgoing packet say.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Who sends it.
    pub source: IpAddr,
    /// To whom; of the same version.
    pub destination: IpAddr,
    /// What the payload is.
    pub protocol: u8,
    /// `IP_TOS` or the traffic class.
    pub traffic_class: u8,
    /// Time to live or hop limit.
    pub hop_limit: u8,
    /// IPv4's number of the packet.
    pub identification: u16,
}

impl Header {
    /// Its length.
    pub fn len(&self) -> usize {
        header_len(self.destination)
    }

    /// Writes it in front of `payload` bytes. `packet` begins with it.
    pub fn write(&self, packet: &mut [u8], payload: usize) {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                packet[0] = 0x45;
                packet[1] = self.traffic_class;
                packet[2..4].copy_from_slice(&((IPV4_HEADER + payload) as u16).to_be_bytes());
                packet[4..6].copy_from_slice(&self.identification.to_be_bytes());
                packet[6..8].fill(0);
                packet[8] = self.hop_limit;
                packet[9] = self.protocol;
                packet[12..16].copy_from_slice(&source.octets());
                packet[16..20].copy_from_slice(&destination.octets());
                fill_v4_checksum(packet);
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                packet[0] = 0x60 | self.traffic_class >> 4;
                packet[1] = self.traffic_class << 4;
                packet[2..4].fill(0);
                packet[4..6].copy_from_slice(&(payload as u16).to_be_bytes());
                packet[6] = self.protocol;
                packet[7] = self.hop_limit;
                packet[8..24].copy_from_slice(&source.octets());
                packet[24..40].copy_from_slice(&destination.octets());
            }
            _ => packet.fill(0),
        }
    }
}

/// Length of the IP header in front of a packet to `destination`.
pub fn header_len(destination: IpAddr) -> usize {
    match destination {
        IpAddr::V4(_) => IPV4_HEADER,
        IpAddr::V6(_) => IPV6_HEADER,
    }
}

/// Length of the header of a packet of ours.
pub fn header_len_of(packet: &[u8]) -> usize {
    if packet.first().is_some_and(|first| first >> 4 == 4) {
        IPV4_HEADER
    } else {
        IPV6_HEADER
    }
}

/// Fills in the checksum of an IPv4 header without options.
pub fn fill_v4_checksum(packet: &mut [u8]) {
    packet[10..12].fill(0);
    let checksum = checksum::complement(checksum::sum(&packet[..IPV4_HEADER]));
    packet[10..12].copy_from_slice(&checksum);
}

/// Fills in the checksum at `at` of the payload of a packet of ours: all of it, or what the pseudo header adds up to if the device
/// completes it.
pub fn fill_checksum(packet: &mut [u8], at: usize, blank: bool) {
    let Some((header, payload)) = packet.split_at_mut_checked(header_len_of(packet)) else {
        return;
    };
    let (protocol, source, destination) = if header.len() == IPV4_HEADER {
        let source = u32_at(header, 12).unwrap_or(0);
        let destination = u32_at(header, 16).unwrap_or(0);
        (
            header[9],
            IpAddr::V4(Ipv4Addr::from_bits(source)),
            IpAddr::V4(Ipv4Addr::from_bits(destination)),
        )
    } else {
        let source = ipv6_at(header, 8).unwrap_or(Ipv6Addr::UNSPECIFIED);
        let destination = ipv6_at(header, 24).unwrap_or(Ipv6Addr::UNSPECIFIED);
        (header[6], IpAddr::V6(source), IpAddr::V6(destination))
    };
    let pseudo = checksum::pseudo_header(source, destination, protocol, payload.len());
    payload[at..at + 2].fill(0);
    let bytes = if blank {
        checksum::fold(pseudo).to_ne_bytes()
    } else {
        match checksum::complement(pseudo + checksum::sum(payload)) {
            // 0 says that there is none in UDP (RFC 768), and is forbidden there in IPv6.
            [0, 0] if protocol == protocol::UDP => [0xff, 0xff],
            bytes => bytes,
        }
    };
    payload[at..at + 2].copy_from_slice(&bytes);
}

/// Place of the checksum in a TCP header.
pub const TCP_CHECKSUM: usize = 16;
/// Place of the checksum in a UDP header.
pub const UDP_CHECKSUM: usize = 6;

/// What demultiplexing wants to know of a TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// The port it comes from.
    pub source: u16,
    /// The port it goes to.
    pub destination: u16,
    /// Number of its first byte.
    pub sequence: u32,
    /// The next byte that is expected, if `ACK` is set.
    pub acknowledgement: u32,
    /// The flags.
    pub flags: u8,
    /// How many bytes of data it has.
    pub data: usize,
}

/// Flags of a TCP header.
pub mod flag {
    #![allow(missing_docs)]
    pub const FIN: u8 = 1;
    pub const SYN: u8 = 2;
    pub const RST: u8 = 4;
    pub const ACK: u8 = 16;
}

impl Segment {
    /// Reads the header of a TCP segment.
    pub fn parse(payload: &[u8]) -> Option<Segment> {
        let header = usize::from(*payload.get(12)? >> 4) * 4;
        if header < 20 || header > payload.len() {
            return None;
        }
        Some(Segment {
            source: u16_at(payload, 0)?,
            destination: u16_at(payload, 2)?,
            sequence: u32_at(payload, 4)?,
            acknowledgement: u32_at(payload, 8)?,
            flags: payload[13],
            data: payload.len() - header,
        })
    }

    /// Whether any of these flags is set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// The number that follows what the segment occupies.
    pub fn next_sequence(&self) -> u32 {
        let len =
            self.data as u32 + u32::from(self.has(flag::SYN)) + u32::from(self.has(flag::FIN));
        self.sequence.wrapping_add(len)
    }
}

/// Writes a UDP packet of these parts, without its checksum.
pub fn write_udp(payload: &mut [u8], source: u16, destination: u16, parts: &[&[u8]]) {
    let len = payload.len() as u16;
    payload[0..2].copy_from_slice(&source.to_be_bytes());
    payload[2..4].copy_from_slice(&destination.to_be_bytes());
    payload[4..6].copy_from_slice(&len.to_be_bytes());
    payload[6..8].fill(0);
    let mut at = UDP_HEADER;
    for part in parts {
        payload[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
}

/// The ports and the data of a UDP packet's payload.
pub fn parse_udp(payload: &[u8]) -> Option<(u16, u16, &[u8])> {
    let len = usize::from(u16_at(payload, 4)?);
    let data = payload.get(UDP_HEADER..len)?;
    Some((u16_at(payload, 0)?, u16_at(payload, 2)?, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn what_is_written_is_read() {
        for (source, destination) in [("10.0.0.1", "10.0.0.2"), ("fe80::1", "2001:db8::2")] {
            let header = Header {
                source: source.parse().unwrap(),
                destination: destination.parse().unwrap(),
                protocol: protocol::UDP,
                traffic_class: 0x2e,
                hop_limit: 7,
                identification: 9,
            };
            let mut bytes = vec![0; header.len() + 12];
            let at = header.len();
            header.write(&mut bytes, 12);
            bytes[at..at + 4].copy_from_slice(&[0, 1, 0, 2]);
            bytes[at + 5] = 12;
            bytes[at + 8..].copy_from_slice(b"data");
            fill_checksum(&mut bytes, UDP_CHECKSUM, false);
            // Links pad.
            bytes.extend([0; 6]);
            let packet = Packet::parse(&bytes, true).unwrap();
            assert_eq!(packet.source, header.source);
            assert_eq!(packet.destination, header.destination);
            assert_eq!((packet.protocol, packet.traffic_class), (17, 0x2e));
            assert_eq!((packet.hop_limit, packet.fragment), (7, None));
            assert!(packet.checksum_is_good());
            assert_eq!(parse_udp(packet.payload), Some((1, 2, &b"data"[..])));
        }
    }

    #[test]
    fn extension_headers_are_followed_and_counted() {
        let header = Header {
            source: "fe80::1".parse().unwrap(),
            destination: "fe80::2".parse().unwrap(),
            protocol: protocol::HOP_BY_HOP,
            traffic_class: 0,
            hop_limit: 1,
            identification: 0,
        };
        let mut bytes = vec![0; IPV6_HEADER + 8 + 8 + 3];
        header.write(&mut bytes, 19);
        bytes[IPV6_HEADER] = protocol::FRAGMENT;
        bytes[IPV6_HEADER + 8] = protocol::UDP;
        bytes[IPV6_HEADER + 10..IPV6_HEADER + 12].copy_from_slice(&(16u16 | 1).to_be_bytes());
        bytes[IPV6_HEADER + 15] = 5;
        let packet = Packet::parse(&bytes, true).unwrap();
        assert_eq!(packet.protocol, protocol::UDP);
        assert_eq!(packet.payload.len(), 3);
        let fragment = packet.fragment.unwrap();
        assert_eq!(
            (fragment.offset, fragment.more, fragment.identification),
            (16, true, 5)
        );
    }

    #[test]
    fn nothing_that_comes_makes_it_fall() {
        let mut random = Random::new([9; 32]);
        for round in 0..20_000 {
            let len = random.below(90) as usize;
            let mut bytes: Vec<u8> = (0..len).map(|_| random.bits() as u8).collect();
            if let Some(first) = bytes.first_mut() {
                *first = if round % 2 == 0 { 0x45 } else { 0x60 };
            }
            if let Some(packet) = Packet::parse(&bytes, false) {
                assert!(packet.whole.len() <= bytes.len());
                let _ = (Segment::parse(packet.payload), parse_udp(packet.payload));
            }
        }
    }
}

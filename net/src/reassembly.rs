//! Packets in pieces: putting together those that come, cutting up those of ours that are longer than a link takes.
//!
//! Overlapping fragments are an attack, not an accident (RFC 5722): a packet that has some is dropped.
//!
//! Invariant: at most [`PACKETS`] packets and [`BYTES`] bytes wait for their other pieces, each for [`PATIENCE`] at most; the oldest
//! give way.

use crate::ethernet::{Pending, piece_of_v4};
use crate::packet::{self, Fragment, Header, IPV4_HEADER, IPV6_HEADER, Packet, protocol};
use crate::stack::Stack;
use alloc::vec::Vec;
use core::net::IpAddr;

/// Packets that wait for pieces.
const PACKETS: usize = 64;
/// Bytes of all of them.
const BYTES: usize = 1024 * 1024;
/// How long they wait, in nanoseconds.
const PATIENCE: u64 = 30_000_000_000;
/// Pieces of one packet.
const PIECES: usize = 128;
/// The longest payload.
const LONGEST: usize = 65_535;
/// Length of IPv6's fragment header.
const FRAGMENT_HEADER: usize = 8;

#[derive(PartialEq, Eq)]
struct Name {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    identification: u32,
}

struct Partial {
    name: Name,
    since: u64,
    /// What the payload is: what the first piece says.
    protocol: u8,
    traffic_class: u8,
    hop_limit: u8,
    /// Length of the payload, once the last piece is there.
    total: Option<usize>,
    /// Where pieces begin and end.
    pieces: Vec<(usize, usize)>,
    /// Room for a header, then the payload as far as it is there.
    bytes: Vec<u8>,
}

/// Packets that are not complete.
#[derive(Default)]
pub struct Partials(Vec<Partial>);

impl Partials {
    /// Takes a piece; gives the packet if it is complete.
    fn add(&mut self, packet: &Packet, fragment: Fragment, now: u64) -> Option<Partial> {
        let name = Name {
            source: packet.source,
            destination: packet.destination,
            protocol: match packet.destination {
                IpAddr::V4(_) => packet.protocol,
                // Pieces of IPv6 need not agree on it.
                IpAddr::V6(_) => 0,
            },
            identification: fragment.identification,
        };
        self.0.retain(|partial| partial.since + PATIENCE > now);
        let place = match self.0.iter().position(|partial| partial.name == name) {
            Some(place) => place,
            None => {
                self.make_room(packet.payload.len())?;
                self.0.push(Partial {
                    name,
                    since: now,
                    protocol: packet.protocol,
                    traffic_class: packet.traffic_class,
                    hop_limit: packet.hop_limit,
                    total: None,
                    pieces: Vec::new(),
                    bytes: Vec::new(),
                });
                self.0.len() - 1
            }
        };
        // Removed in a way that keeps the order: the first is the oldest.
        match self.0[place].add(packet, fragment) {
            Some(true) => Some(self.0.remove(place)),
            Some(false) => {
                // The packets that wait may have been small when they began.
                while self.held() > BYTES {
                    self.0.remove(0);
                }
                None
            }
            None => {
                self.0.remove(place);
                None
            }
        }
    }

    fn held(&self) -> usize {
        self.0.iter().map(|partial| partial.bytes.capacity()).sum()
    }

    fn make_room(&mut self, len: usize) -> Option<()> {
        while self.0.len() >= PACKETS || self.held() + len > BYTES {
            self.0.remove(0);
        }
        self.0.try_reserve(1).ok()
    }
}

impl Partial {
    /// Takes a piece. `Some(true)`: that was the last one. `None`: it does not fit the others.
    fn add(&mut self, packet: &Packet, fragment: Fragment) -> Option<bool> {
        let (start, len) = (fragment.offset, packet.payload.len());
        let end = start + len;
        let uneven = fragment.more && len % 8 != 0;
        if len == 0 || uneven || end > LONGEST || self.pieces.len() >= PIECES {
            return None;
        }
        if !fragment.more {
            let beyond = self.pieces.iter().any(|&(_, to)| to > end);
            if beyond || self.total.replace(end).is_some_and(|total| total != end) {
                return None;
            }
        }
        if self.pieces.contains(&(start, end)) {
            return Some(false);
        }
        let overlaps = |&(from, to): &(usize, usize)| start < to && from < end;
        if self.pieces.iter().any(overlaps) || self.total.is_some_and(|total| end > total) {
            return None;
        }
        if start == 0 {
            self.protocol = packet.protocol;
        }
        let room = IPV6_HEADER + end;
        if self.bytes.len() < room {
            self.bytes.try_reserve_exact(room - self.bytes.len()).ok()?;
            self.bytes.resize(room, 0);
        }
        self.bytes[IPV6_HEADER + start..room].copy_from_slice(packet.payload);
        self.pieces.try_reserve(1).ok()?;
        self.pieces.push((start, end));
        let have: usize = self.pieces.iter().map(|(from, to)| to - from).sum();
        Some(self.total == Some(have))
    }

    /// The whole packet, with a header of its own in front.
    fn finish(&mut self) -> Option<&[u8]> {
        let header = Header {
            source: self.name.source,
            destination: self.name.destination,
            protocol: self.protocol,
            traffic_class: self.traffic_class,
            hop_limit: self.hop_limit,
            identification: 0,
        };
        let at = IPV6_HEADER - header.len();
        let payload = self.total?;
        let most = LONGEST
            - if header.len() == IPV4_HEADER {
                IPV4_HEADER
            } else {
                0
            };
        if payload > most {
            return None;
        }
        let bytes = self.bytes.get_mut(at..IPV6_HEADER + payload)?;
        header.write(bytes, payload);
        Some(bytes)
    }
}

impl Stack {
    /// Takes a piece of a packet that is for this machine.
    pub(crate) fn receive_fragment(&mut self, nic: usize, packet: &Packet) {
        let Some(fragment) = packet.fragment else {
            return;
        };
        let Some(mut whole) = self.partials.add(packet, fragment, self.now) else {
            return;
        };
        if let Some(bytes) = whole.finish()
            && let Some(packet) = Packet::parse(bytes, false)
            && packet.fragment.is_none()
        {
            self.receive_whole(nic, &packet, false);
        }
    }

    /// Sends a packet that is longer than `mtu` in pieces.
    pub(crate) fn send_in_pieces(&mut self, nic: usize, mtu: usize, source: IpAddr, bytes: &[u8]) {
        let header = packet::header_len_of(bytes);
        let Some((front, payload)) = bytes.split_at_checked(header) else {
            return;
        };
        let is_v4 = source.is_ipv4();
        let size = if is_v4 {
            piece_of_v4(mtu)
        } else {
            (mtu - IPV6_HEADER - FRAGMENT_HEADER) & !7
        };
        let identification = self.random.bits() as u32;
        let count = payload.len().div_ceil(size);
        for (place, piece) in payload.chunks(size).enumerate() {
            let offset = (place * size) as u16;
            let more = place + 1 < count;
            let extra = if is_v4 { 0 } else { FRAGMENT_HEADER };
            let len = header + extra + piece.len();
            let pending = Pending::Packet(Some(nic));
            self.outbox.push(pending, len, |bytes| {
                bytes[..header].copy_from_slice(front);
                bytes[header + extra..].copy_from_slice(piece);
                if is_v4 {
                    bytes[2..4].copy_from_slice(&(len as u16).to_be_bytes());
                    let place = (offset / 8) | (u16::from(more) << 13);
                    bytes[6..8].copy_from_slice(&place.to_be_bytes());
                    packet::fill_v4_checksum(bytes);
                } else {
                    let size = (extra + piece.len()) as u16;
                    bytes[4..6].copy_from_slice(&size.to_be_bytes());
                    bytes[header] = bytes[6];
                    bytes[6] = protocol::FRAGMENT;
                    bytes[header + 1] = 0;
                    let place = offset | u16::from(more);
                    bytes[header + 2..header + 4].copy_from_slice(&place.to_be_bytes());
                    bytes[header + 4..header + 8].copy_from_slice(&identification.to_be_bytes());
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn piece(
        bytes: &[u8],
        offset: usize,
        more: bool,
        identification: u32,
    ) -> (Packet<'_>, Fragment) {
        let fragment = Fragment {
            identification,
            offset,
            more,
        };
        let packet = Packet {
            source: IpAddr::from([10, 0, 0, 1]),
            destination: IpAddr::from([10, 0, 0, 2]),
            protocol: 17,
            traffic_class: 0,
            hop_limit: 64,
            fragment: Some(fragment),
            whole: bytes,
            payload: bytes,
        };
        (packet, fragment)
    }

    #[test]
    fn pieces_in_any_order_make_a_packet() {
        let data: Vec<u8> = (0..20).collect();
        let mut all = Partials::default();
        let (packet, fragment) = piece(&data[16..], 16, false, 1);
        assert!(all.add(&packet, fragment, 0).is_none());
        let (packet, fragment) = piece(&data[..8], 0, true, 1);
        assert!(all.add(&packet, fragment, 0).is_none());
        assert!(all.add(&packet, fragment, 0).is_none());
        let (packet, fragment) = piece(&data[8..16], 8, true, 1);
        let mut whole = all.add(&packet, fragment, 0).unwrap();
        let packet = Packet::parse(whole.finish().unwrap(), true).unwrap();
        assert_eq!(packet.payload, data);
        assert!(all.0.is_empty());
    }

    #[test]
    fn overlaps_kill_a_packet_and_time_does() {
        let data = [0; 64];
        let mut all = Partials::default();
        let (packet, fragment) = piece(&data[..16], 0, true, 1);
        assert!(all.add(&packet, fragment, 0).is_none());
        let (packet, fragment) = piece(&data[..16], 8, true, 1);
        assert!(all.add(&packet, fragment, 0).is_none());
        assert!(all.0.is_empty());
        let (packet, fragment) = piece(&data[..16], 0, true, 2);
        all.add(&packet, fragment, 0);
        let (packet, fragment) = piece(&data[..16], 16, false, 2);
        assert!(all.add(&packet, fragment, PATIENCE + 1).is_none());
    }

    #[test]
    fn a_last_piece_in_front_of_others_completes_nothing() {
        let data = [0; 64];
        let mut all = Partials::default();
        let (packet, fragment) = piece(&data[..40], 56, true, 1);
        assert!(all.add(&packet, fragment, 0).is_none());
        // As many bytes as the packet is now said to have, but not those.
        let (packet, fragment) = piece(&data[..10], 40, false, 1);
        assert!(all.add(&packet, fragment, 0).is_none());
        assert!(all.0.is_empty());
    }

    #[test]
    fn packets_that_grow_later_stay_within_the_limit_too() {
        let data = [0; 8];
        let mut all = Partials::default();
        for offset in [0, 64_000] {
            for identification in 0..PACKETS as u32 {
                let (packet, fragment) = piece(&data, offset, true, identification);
                all.add(&packet, fragment, 0);
                assert!(all.held() <= BYTES, "{}", all.held());
            }
        }
    }

    #[test]
    fn there_is_a_limit() {
        let data = vec![0; 1024];
        let mut all = Partials::default();
        for identification in 0..5000 {
            let (packet, fragment) = piece(&data, 32 * 1024, true, identification);
            all.add(&packet, fragment, 0);
        }
        assert!(all.0.len() <= PACKETS && all.held() <= BYTES);
    }
}

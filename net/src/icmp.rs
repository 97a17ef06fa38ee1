//! ICMP and ICMPv6: echoes, and what the network reports of our packets.
//!
//! Invariant: nothing is answered that was sent to many or is itself an error (RFC 1122 §3.2.2), and at most [`RATE`] errors a second
//! are sent. A report is believed only if it quotes a packet of a connection or socket that exists.

use crate::address::{Endpoint, Tuple};
use crate::packet::{Header, Packet, protocol};
use crate::stack::Stack;
use core::net::IpAddr;
use smoltcp::socket::tcp;
use starling_vm::fs::errno::Errno;

/// Errors a second.
const RATE: u32 = 100;
/// Length of an ICMP header.
const ICMP_HEADER: usize = 8;
/// Place of the checksum.
const CHECKSUM: usize = 2;
/// How much of a packet is quoted at most.
const QUOTED: usize = 512;

/// Types of ICMP.
mod kind {
    pub const ECHO_REPLY: u8 = 0;
    pub const UNREACHABLE: u8 = 3;
    pub const ECHO: u8 = 8;
    pub const TIME_EXCEEDED: u8 = 11;
}

/// Types of ICMPv6.
mod kind6 {
    pub const UNREACHABLE: u8 = 1;
    pub const TIME_EXCEEDED: u8 = 3;
    pub const ECHO: u8 = 128;
    pub const ECHO_REPLY: u8 = 129;
}

impl Stack {
    /// Takes an ICMP packet that is for this machine.
    pub(crate) fn receive_icmp(&mut self, nic: usize, packet: &Packet) {
        let six = packet.protocol == protocol::ICMPV6;
        if six != packet.destination.is_ipv6() || packet.payload.len() < 4 {
            return;
        }
        let good = if six {
            packet.checksum_is_good()
        } else {
            crate::checksum::is_good(crate::checksum::sum(packet.payload))
        };
        if !good {
            return;
        }
        let (kind, code) = (packet.payload[0], packet.payload[1]);
        let quoted = packet.payload.get(ICMP_HEADER..).unwrap_or(&[]);
        match (six, kind) {
            (false, kind::ECHO) => self.answer_echo(nic, packet, kind::ECHO_REPLY),
            (true, kind6::ECHO) => self.answer_echo(nic, packet, kind6::ECHO_REPLY),
            (false, kind::UNREACHABLE) => {
                let error = match code {
                    0 | 5 | 6 | 8 | 11 => Errno::ENETUNREACH,
                    2 => Errno::ENOPROTOOPT,
                    3 => Errno::ECONNREFUSED,
                    // Too long for the way: routers may cut our packets, so this is an old one.
                    4 => return,
                    _ => Errno::EHOSTUNREACH,
                };
                self.packet_failed(quoted, error);
            }
            (true, kind6::UNREACHABLE) => {
                let error = match code {
                    0 => Errno::ENETUNREACH,
                    1 | 5 | 6 => Errno::EACCES,
                    4 => Errno::ECONNREFUSED,
                    _ => Errno::EHOSTUNREACH,
                };
                self.packet_failed(quoted, error);
            }
            (false, kind::TIME_EXCEEDED) | (true, kind6::TIME_EXCEEDED) => {
                self.packet_failed(quoted, Errno::EHOSTUNREACH);
            }
            (true, 130..=137) => self.receive_discovery(nic, packet),
            _ => {}
        }
    }

    fn answer_echo(&mut self, nic: usize, packet: &Packet, reply: u8) {
        if self.is_broadcast(packet.destination) || packet.source.is_unspecified() {
            return;
        }
        let source = if packet.destination.is_multicast() {
            match self.nics.get(nic).and_then(Option::as_ref) {
                Some(nic) => match nic.source_for(packet.source) {
                    Some(source) => source,
                    None => return,
                },
                None => return,
            }
        } else {
            packet.destination
        };
        let payload = packet.payload;
        self.send_icmp(nic, source, packet.source, payload.len(), &mut |bytes| {
            bytes.copy_from_slice(payload);
            bytes[0] = reply;
        });
    }

    /// Says that nobody uses the port that a packet was for.
    pub(crate) fn send_port_unreachable(&mut self, nic: usize, packet: &Packet) {
        if packet.source.is_unspecified()
            || packet.source.is_multicast()
            || self.is_broadcast(packet.source)
            || !self.may_send_error()
        {
            return;
        }
        let quoted = &packet.whole[..packet.whole.len().min(QUOTED)];
        let (kind, code) = match packet.source {
            IpAddr::V4(_) => (kind::UNREACHABLE, 3),
            IpAddr::V6(_) => (kind6::UNREACHABLE, 4),
        };
        let len = ICMP_HEADER + quoted.len();
        self.send_icmp(nic, packet.destination, packet.source, len, &mut |bytes| {
            bytes[..ICMP_HEADER].copy_from_slice(&[kind, code, 0, 0, 0, 0, 0, 0]);
            bytes[ICMP_HEADER..].copy_from_slice(quoted);
        });
    }

    fn may_send_error(&mut self) -> bool {
        let second = self.now / crate::tcp::SECOND;
        if self.errors.0 != second {
            self.errors = (second, 0);
        }
        self.errors.1 += 1;
        self.errors.1 <= RATE
    }

    /// Sends an ICMP packet that `write` fills in, but for its checksum.
    pub(crate) fn send_icmp(
        &mut self,
        nic: usize,
        source: IpAddr,
        destination: IpAddr,
        len: usize,
        write: &mut dyn FnMut(&mut [u8]),
    ) {
        let local = self.is_local(destination);
        let nic = if local { crate::stack::LOOPBACK } else { nic };
        let header = Header {
            source,
            destination,
            protocol: match destination {
                IpAddr::V4(_) => protocol::ICMP,
                IpAddr::V6(_) => protocol::ICMPV6,
            },
            traffic_class: 0,
            hop_limit: 64,
            identification: 0,
        };
        self.send_icmp_with(nic, header, len, write);
    }

    /// The same behind a header of its own.
    pub(crate) fn send_icmp_with(
        &mut self,
        nic: usize,
        mut header: Header,
        len: usize,
        write: &mut dyn FnMut(&mut [u8]),
    ) {
        self.identification = self.identification.wrapping_add(1);
        header.identification = self.identification;
        let start = header.len();
        let six = header.destination.is_ipv6();
        let pending = crate::ethernet::Pending::Packet(Some(nic));
        self.outbox.push(pending, start + len, |bytes| {
            header.write(bytes, len);
            write(&mut bytes[start..]);
            if six {
                crate::packet::fill_checksum(bytes, CHECKSUM, false);
            } else {
                bytes[start + CHECKSUM..start + CHECKSUM + 2].fill(0);
                let sum = crate::checksum::sum(&bytes[start..]);
                bytes[start + CHECKSUM..start + CHECKSUM + 2]
                    .copy_from_slice(&crate::checksum::complement(sum));
            }
        });
    }

    /// A packet of ours, of which `bytes` are the beginning, has not reached its destination.
    pub(crate) fn packet_failed(&mut self, bytes: &[u8], error: Errno) {
        let Some((source, destination, carried, ports)) = quoted(bytes) else {
            return;
        };
        let port = |at: usize| u16::from_be_bytes([ports[at], ports[at + 1]]);
        let tuple = Tuple {
            local: Endpoint::new(source, port(0)),
            remote: Endpoint::new(destination, port(2)),
        };
        if carried == protocol::UDP {
            self.fail_datagrams(tuple.local, tuple.remote, error);
            return;
        }
        if carried != protocol::TCP {
            return;
        }
        let Some(&id) = self.tcp.table.get(&tuple) else {
            return;
        };
        let Some(connection) = self.tcp.connections.get_mut(id) else {
            return;
        };
        // Only attempts end by hearsay, and only if the other host says so itself; RFC 5461.
        if connection.state() == tcp::State::SynSent && error == Errno::ECONNREFUSED {
            connection.fault.get_or_insert(error);
            self.end(id);
        } else {
            connection.soft_fault = Some(error);
        }
    }
}

/// The ends of a packet of which only the beginning is there: addresses, protocol, the first bytes of the payload.
fn quoted(bytes: &[u8]) -> Option<(IpAddr, IpAddr, u8, &[u8])> {
    match bytes.first()? >> 4 {
        4 => {
            let header = usize::from(bytes[0] & 0xf) * 4;
            let four = |at: usize| -> Option<IpAddr> {
                let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
                Some(IpAddr::from(octets))
            };
            let ports = bytes.get(header..header + 4)?;
            Some((four(12)?, four(16)?, *bytes.get(9)?, ports))
        }
        6 => {
            let six = |at: usize| -> Option<IpAddr> {
                let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
                Some(IpAddr::from(octets))
            };
            let ports = bytes.get(40..44)?;
            Some((six(8)?, six(24)?, *bytes.get(6)?, ports))
        }
        _ => None,
    }
}

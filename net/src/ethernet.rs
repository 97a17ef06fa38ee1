//! Frames: their headers, ARP, and the life of the interfaces that have links.
//!
//! Invariant: nothing is sent while a link hands over a frame; what is to go out then waits in the outbox, which
//! [`Stack::empty_outbox`] empties.

use crate::device::{ETHERNET_HEADER, LARGEST_PACKET};
use crate::link::{Incoming, Link, Outgoing};
use crate::neighbor::{Due, Hardware, Known, Waiting};
use crate::nic::Nic;
use crate::packet::{self, IPV4_HEADER, Packet};
use crate::stack::{LOOPBACK, Stack};
use alloc::boxed::Box;
use alloc::string::String;
use core::net::{IpAddr, Ipv4Addr};
use starling_vm::fs::errno::Errno;

/// Everybody on the link.
pub const EVERYBODY: Hardware = [0xff; 6];
/// What a frame carries.
const TYPE_IPV4: [u8; 2] = [0x08, 0x00];
const TYPE_ARP: [u8; 2] = [0x08, 0x06];
const TYPE_IPV6: [u8; 2] = [0x86, 0xdd];
/// Length of an ARP packet for IPv4 over Ethernet (RFC 826), and what it begins with.
const ARP_PACKET: usize = 28;
const ARP_START: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];
/// The smallest IP packets that IPv4 and IPv6 allow a link to be limited to.
const LEAST_MTU: usize = 576;

/// What an ARP packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arp {
    /// Who has this address?
    Request = 1,
    /// I have.
    Reply = 2,
}

/// What waits in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// An IP packet; through which interface, if its destination does not tell.
    Packet(Option<usize>),
    /// A frame for the link of this interface.
    Frame(usize),
}

/// The Ethernet address that stands for a group (RFC 1112 §6.4, RFC 2464 §7).
fn group(address: IpAddr) -> Hardware {
    match address {
        IpAddr::V4(four) => {
            let octets = four.octets();
            [0x01, 0x00, 0x5e, octets[1] & 0x7f, octets[2], octets[3]]
        }
        IpAddr::V6(six) => {
            let octets = six.octets();
            [0x33, 0x33, octets[12], octets[13], octets[14], octets[15]]
        }
    }
}

/// The header of a frame with an IP packet.
fn header(to: Hardware, from: Hardware, destination: IpAddr) -> [u8; ETHERNET_HEADER] {
    let mut header = [0; ETHERNET_HEADER];
    header[0..6].copy_from_slice(&to);
    header[6..12].copy_from_slice(&from);
    header[12..14].copy_from_slice(match destination {
        IpAddr::V4(_) => &TYPE_IPV4,
        IpAddr::V6(_) => &TYPE_IPV6,
    });
    header
}

impl Stack {
    /// Takes a frame from a link.
    pub(crate) fn receive_frame(&mut self, number: usize, frame: &mut [u8], incoming: Incoming) {
        let Some((header, rest)) = frame.split_at_checked(ETHERNET_HEADER) else {
            return;
        };
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        // Bridges flood; what is for others is none of our business. Some send back what we send to many, which would look like
        // somebody else with our addresses (RFC 7527).
        if header[0] & 1 == 0 && header[0..6] != nic.hardware || header[6..12] == nic.hardware {
            return;
        }
        let mut from = [0; 6];
        from.copy_from_slice(&header[6..12]);
        match [header[12], header[13]] {
            TYPE_IPV4 if rest.first().is_some_and(|first| first >> 4 == 4) => {
                self.receive_ip(number, rest, incoming);
            }
            TYPE_IPV6 if rest.first().is_some_and(|first| first >> 4 == 6) => {
                self.receive_ip(number, rest, incoming);
            }
            TYPE_ARP => self.receive_arp(number, rest, from),
            _ => {}
        }
    }

    fn receive_ip(&mut self, number: usize, bytes: &[u8], incoming: Incoming) {
        let Some(packet) = Packet::parse(bytes, true) else {
            return;
        };
        if !self.is_for_us(number, &packet) || self.is_forged(&packet) {
            return;
        }
        if packet.fragment.is_some() {
            self.receive_fragment(number, &packet);
        } else {
            self.receive_whole(number, &packet, incoming.checksum_good);
        }
    }

    fn receive_arp(&mut self, number: usize, bytes: &[u8], from: Hardware) {
        let Some(arp) = bytes.get(..ARP_PACKET) else {
            return;
        };
        if arp[0..6] != ARP_START || arp[8..14] != from || from[0] & 1 != 0 {
            return;
        }
        let four = |at: usize| Ipv4Addr::new(arp[at], arp[at + 1], arp[at + 2], arp[at + 3]);
        let (sender, target) = (four(14), four(24));
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        if nic.owns(IpAddr::V4(sender)) {
            self.address_is_taken(number, IpAddr::V4(sender), from);
            return;
        }
        let asks = arp[6..8] == [0, Arp::Request as u8];
        let ours = nic.has_address(IpAddr::V4(target));
        self.learn(number, IpAddr::V4(sender), from);
        if asks && ours {
            self.send_arp(number, Arp::Reply, from, target, sender);
        } else if asks && sender.is_unspecified() && self.is_asking_about(number, target) {
            // Somebody else is about to take the address that we are about to take.
            self.address_is_taken(number, IpAddr::V4(target), from);
        }
    }

    /// Sends an ARP packet.
    pub(crate) fn send_arp(
        &mut self,
        number: usize,
        kind: Arp,
        to: Hardware,
        sender: Ipv4Addr,
        target: Ipv4Addr,
    ) {
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        let from = nic.hardware;
        let len = ETHERNET_HEADER + ARP_PACKET;
        self.outbox.push(Pending::Frame(number), len, |frame| {
            frame[0..6].copy_from_slice(&to);
            frame[6..12].copy_from_slice(&from);
            frame[12..14].copy_from_slice(&TYPE_ARP);
            let arp = &mut frame[ETHERNET_HEADER..];
            arp[0..6].copy_from_slice(&ARP_START);
            arp[6..8].copy_from_slice(&[0, kind as u8]);
            arp[8..14].copy_from_slice(&from);
            arp[14..18].copy_from_slice(&sender.octets());
            arp[18..24].copy_from_slice(if kind == Arp::Reply { &to } else { &[0; 6] });
            arp[24..28].copy_from_slice(&target.octets());
        });
    }

    /// Notes the address of a neighbour, and lets go what waited for it.
    pub(crate) fn learn(&mut self, number: usize, address: IpAddr, hardware: Hardware) {
        let now = self.now;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        if hardware[0] & 1 != 0 {
            return;
        }
        if let Some(waiting) = nic.neighbors.learn(address, hardware, now) {
            if nic.routers.iter().any(|router| router.address == address) {
                nic.router_is_silent = false;
            }
            for packet in &waiting.packets {
                self.outbox
                    .push(Pending::Packet(Some(number)), packet.len(), |bytes| {
                        bytes.copy_from_slice(packet);
                    });
            }
            for connection in waiting.connections {
                self.tcp.touch(connection);
            }
        }
    }

    /// The header of frames to `destination` through an interface, if the neighbour is known; otherwise it is asked for, and
    /// `connection` is touched when it has answered.
    pub(crate) fn resolve(
        &mut self,
        number: usize,
        destination: IpAddr,
        connection: Option<u32>,
    ) -> Option<[u8; ETHERNET_HEADER]> {
        let now = self.now;
        let nic = self.nics.get_mut(number)?.as_mut()?;
        let next_hop = nic.next_hop(destination)?;
        let from = nic.hardware;
        if next_hop.is_multicast() {
            return Some(header(group(next_hop), from, destination));
        }
        if next_hop == IpAddr::V4(Ipv4Addr::BROADCAST) || nic.is_broadcast(next_hop) {
            return Some(header(EVERYBODY, from, destination));
        }
        let known = nic.neighbors.look_up(next_hop, now);
        if let (Known::Wait | Known::Ask(None), Some(connection)) = (known, connection) {
            nic.neighbors.wait(next_hop, connection);
        }
        let hardware = match known {
            Known::Address(hardware) => Some(hardware),
            Known::Ask(hardware) => {
                self.ask_for(number, next_hop);
                hardware
            }
            Known::Wait => None,
            Known::Silent => {
                if let Some(connection) = connection {
                    self.neighbor_is_silent(connection);
                }
                None
            }
        };
        hardware.map(|hardware| header(hardware, from, destination))
    }

    /// Asks a link who has an address.
    fn ask_for(&mut self, number: usize, address: IpAddr) {
        let source = self.nics.get(number).and_then(Option::as_ref);
        let source = source.and_then(|nic| nic.source_for(address));
        match (address, source) {
            (IpAddr::V4(target), source) => {
                let sender = match source {
                    Some(IpAddr::V4(sender)) => sender,
                    _ => Ipv4Addr::UNSPECIFIED,
                };
                self.send_arp(number, Arp::Request, EVERYBODY, sender, target);
            }
            (IpAddr::V6(target), Some(IpAddr::V6(source))) => {
                self.send_solicitation(number, source, target);
            }
            (IpAddr::V6(_), _) => {}
        }
    }

    /// A connection's neighbour does not answer: an attempt ends, others go on trying.
    fn neighbor_is_silent(&mut self, id: u32) {
        let Some(connection) = self.tcp.connections.get_mut(id) else {
            return;
        };
        if connection.state() == smoltcp::socket::tcp::State::SynSent {
            connection.fault.get_or_insert(Errno::EHOSTUNREACH);
            self.end(id);
        } else {
            connection.soft_fault = Some(Errno::EHOSTUNREACH);
            // Not before the neighbour may be asked for again.
            let later = self.now + crate::tcp::SECOND;
            self.tcp.timers.set(id, later, &mut connection.alarm);
        }
    }

    /// Sends what waits, or lets it wait for its neighbour.
    pub(crate) fn empty_outbox(&mut self) {
        for _ in 0..self.outbox.len() + 16 {
            let Some((pending, mut buffer)) = self.outbox.pop() else {
                break;
            };
            match pending {
                Pending::Frame(number) => self.send_frame(number, buffer.bytes()),
                Pending::Packet(number) => self.send_packet(number, buffer.bytes_mut()),
            }
            self.outbox.recycle(buffer);
        }
    }

    fn send_frame(&mut self, number: usize, bytes: &[u8]) {
        if let Some(Some(nic)) = self.nics.get_mut(number)
            && let Some(link) = &mut nic.link
        {
            // What does not fit is lost; whoever sent it asks again.
            let _ = link.transmit(bytes.len(), &mut |frame| {
                frame.copy_from_slice(bytes);
                Outgoing::default()
            });
        }
    }

    /// Sends a packet that is complete, in pieces if it is too long.
    fn send_packet(&mut self, number: Option<usize>, bytes: &mut [u8]) {
        let Some(packet) = Packet::parse(bytes, false) else {
            return;
        };
        let (source, destination) = (packet.source, packet.destination);
        let local = self.is_local(destination);
        let number = match number {
            _ if local => LOOPBACK,
            Some(number) if number != LOOPBACK => number,
            _ => match self.route(None, destination, 0, 0) {
                Ok(route) => route.nic,
                Err(_) => return,
            },
        };
        if number == LOOPBACK {
            self.loopback
                .push(LOOPBACK, bytes.len(), |to| to.copy_from_slice(bytes));
            return;
        }
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        if bytes.len() > nic.mtu {
            self.send_in_pieces(number, nic.mtu, source, bytes);
            return;
        }
        match self.resolve(number, destination, None) {
            Some(header) => {
                if let Some(Some(nic)) = self.nics.get_mut(number)
                    && let Some(link) = &mut nic.link
                {
                    let _ = link.transmit(ETHERNET_HEADER + bytes.len(), &mut |frame| {
                        frame[..ETHERNET_HEADER].copy_from_slice(&header);
                        frame[ETHERNET_HEADER..].copy_from_slice(bytes);
                        Outgoing::default()
                    });
                }
            }
            None => {
                if let Some(Some(nic)) = self.nics.get_mut(number)
                    && let Some(next_hop) = nic.next_hop(destination)
                {
                    nic.neighbors.hold(next_hop, bytes);
                }
            }
        }
    }

    /// Writes and sends a packet: `write` fills in its payload, of `len` bytes, whose checksum is at `checksum`. `EAGAIN`: there is no
    /// room now.
    pub(crate) fn output(
        &mut self,
        number: usize,
        mut header: packet::Header,
        len: usize,
        checksum: Option<usize>,
        write: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), Errno> {
        let start = header.len();
        self.identification = self.identification.wrapping_add(1);
        header.identification = self.identification;
        if number == LOOPBACK {
            let sent = self.loopback.push(LOOPBACK, start + len, |bytes| {
                header.write(bytes, len);
                write(&mut bytes[start..]);
                if let Some(at) = checksum {
                    packet::fill_checksum(bytes, at, true);
                }
            });
            return if sent { Ok(()) } else { Err(Errno::EAGAIN) };
        }
        let nic = self.nics.get(number).and_then(Option::as_ref);
        let nic = nic.ok_or(Errno::ENETDOWN)?;
        let direct = start + len <= nic.mtu && nic.link.is_some();
        let resolved = if direct {
            self.resolve(number, header.destination, None)
        } else {
            None
        };
        if let Some(ethernet) = resolved
            && let Some(Some(nic)) = self.nics.get_mut(number)
            && let Some(link) = &mut nic.link
        {
            let blank = match header.destination {
                IpAddr::V4(_) => nic.offload.checksum_v4,
                IpAddr::V6(_) => nic.offload.checksum_v6,
            };
            let blank = blank && checksum.is_some();
            let sent = link.transmit(ETHERNET_HEADER + start + len, &mut |frame| {
                let (front, bytes) = frame.split_at_mut(ETHERNET_HEADER);
                front.copy_from_slice(&ethernet);
                header.write(bytes, len);
                write(&mut bytes[start..]);
                if let Some(at) = checksum {
                    packet::fill_checksum(bytes, at, blank);
                }
                Outgoing {
                    checksum_blank: blank,
                    segment_size: 0,
                }
            });
            return sent.map_err(|_| Errno::EAGAIN);
        }
        let pending = Pending::Packet(Some(number));
        let sent = self.outbox.push(pending, start + len, |bytes| {
            header.write(bytes, len);
            write(&mut bytes[start..]);
            if let Some(at) = checksum {
                packet::fill_checksum(bytes, at, false);
            }
        });
        if sent { Ok(()) } else { Err(Errno::EAGAIN) }
    }

    /// Begins the life of an interface with a link.
    pub(crate) fn begin_nic(&mut self, name: String, link: Box<dyn Link>) -> usize {
        let mut nic = Nic::new(name, &mut self.random, self.now);
        nic.link = Some(link);
        let free = self.nics.iter().position(Option::is_none);
        let number = match free {
            Some(number) => {
                self.nics[number] = Some(nic);
                number
            }
            None => {
                self.nics.push(Some(nic));
                self.nics.len() - 1
            }
        };
        self.look_at_link(number);
        self.configure(number);
        self.join_again(number);
        number
    }

    /// Ends it.
    pub(crate) fn end_nic(&mut self, number: usize) -> Option<Box<dyn Link>> {
        if number == LOOPBACK {
            return None;
        }
        let nic = self.nics.get_mut(number)?.take()?;
        self.fail_connections(Errno::ENETDOWN, |connection| {
            connection.nic == number
                || nic.has_address(connection.tuple.local.address) && connection.nic == LOOPBACK
        });
        for &socket in &nic.blocked_sockets {
            self.unblock_datagrams(socket);
        }
        self.naming_changed();
        nic.link
    }

    /// Looks at what has become of the links.
    pub(crate) fn look_at_links(&mut self) {
        for number in LOOPBACK + 1..self.nics.len() {
            self.look_at_link(number);
        }
    }

    fn look_at_link(&mut self, number: usize) {
        let now = self.now;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        let Some(link) = &nic.link else {
            return;
        };
        let (up, offload, hardware) = (link.is_up(), link.offload(), link.address());
        let mtu = link.mtu().clamp(LEAST_MTU, LARGEST_PACKET);
        let changed = (nic.mtu, nic.offload, nic.hardware) != (mtu, offload, hardware);
        let moved = nic.hardware != hardware;
        if changed {
            (nic.mtu, nic.offload, nic.hardware) = (mtu, offload, hardware);
            nic.tell_smoltcp(self.random.bits(), now);
        }
        if moved {
            self.hardware_changed(number);
        }
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        if up != nic.up {
            nic.up = up;
            self.link_changed(number, up);
        }
        self.unblock(number);
    }

    /// Lets those go on who wait for room, if there is some.
    pub(crate) fn unblock(&mut self, number: usize) {
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        if nic.blocked.is_empty() && nic.blocked_sockets.is_empty() {
            return;
        }
        let largest = nic.capabilities.segmentation.tcpv4.map_or(0, usize::from);
        let largest = largest.max(nic.mtu);
        let room = match &nic.link {
            Some(link) => link.can_transmit(ETHERNET_HEADER + largest),
            None => number == LOOPBACK && self.loopback.has_room(largest),
        };
        if room {
            let blocked = core::mem::take(&mut nic.blocked);
            for socket in core::mem::take(&mut nic.blocked_sockets) {
                self.unblock_datagrams(socket);
            }
            for id in blocked {
                if let Some(connection) = self.tcp.connections.get_mut(id) {
                    connection.is_blocked = false;
                }
                self.tcp.touch(id);
            }
        }
    }

    /// Does what time asks of the neighbours of a link.
    pub(crate) fn run_neighbors(&mut self, number: usize) {
        let now = self.now;
        while let Some(Some(nic)) = self.nics.get_mut(number)
            && let Some(due) = nic.neighbors.due(now)
        {
            match due {
                Due::Ask(address) => self.ask_for(number, address),
                Due::Failed(address, waiting) => self.neighbor_failed(number, address, waiting),
            }
        }
    }

    fn neighbor_failed(&mut self, number: usize, address: IpAddr, waiting: Waiting) {
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        let is_router = nic.routers.iter().any(|router| router.address == address);
        if is_router && !core::mem::replace(&mut nic.router_is_silent, true) {
            log::warn!(
                "{}: the gateway {address} does not answer; is it the right address, and the right bridge?",
                nic.name
            );
        }
        for packet in waiting.packets {
            self.packet_failed(&packet, Errno::EHOSTUNREACH);
        }
        for connection in waiting.connections {
            self.neighbor_is_silent(connection);
        }
    }
}

/// Bytes of payload in each piece of an IPv4 packet.
pub(crate) fn piece_of_v4(mtu: usize) -> usize {
    (mtu - IPV4_HEADER) & !7
}

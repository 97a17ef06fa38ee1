//! UDP: sockets that carry messages.
//!
//! Messages that came wait in the socket, as bytes one behind the other, up to `SO_RCVBUF`; what comes then is lost, as with any UDP.
//! Errors that the network reports (a port that nobody uses) come to connected sockets only, as on Linux.
//!
//! Invariant: a socket's `arrived` and `bytes` agree: the lengths of the first are those of the second.

use crate::address::Endpoint;
use crate::packet::{
    self, Header, Packet, UDP_CHECKSUM, UDP_HEADER, header_len, parse_udp, protocol,
};
use crate::ports::{EPHEMERAL_COUNT, EPHEMERAL_FIRST};
use crate::route::loopback_like;
use crate::socket::{Socket, State};
use crate::stack::{LOOPBACK, Stack};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::network::{Address, Control, Received};

/// `SO_RCVBUF` and `SO_SNDBUF` of a socket that has set none: `rmem_default` of Linux.
pub const USUAL_BUFFER: u32 = 212_992;
/// What a message costs of `SO_RCVBUF` besides its bytes.
const RECORD: usize = 128;
/// The longest UDP packet.
const LONGEST: usize = 65_535;

/// A message that came.
struct Arrived {
    len: usize,
    from: Endpoint,
    nic: usize,
    traffic_class: u8,
    time_to_live: u8,
}

/// A UDP socket.
#[derive(Default)]
pub struct Datagrams {
    /// The other end, if it is connected.
    pub remote: Option<Endpoint>,
    /// The interface of a link-local other end.
    pub scope: u32,
    /// The address it had before it was connected, which chose a more specific one.
    before: Option<Endpoint>,
    /// Groups that were joined, and on which interfaces.
    pub groups: Vec<(IpAddr, usize)>,
    arrived: VecDeque<Arrived>,
    bytes: VecDeque<u8>,
    /// The interface whose link had no room for a message.
    pub blocked: Option<usize>,
    read_shut: bool,
    write_shut: bool,
}

impl Datagrams {
    /// Whether there is a message, or the program has ended reading.
    pub fn is_readable(&self) -> bool {
        !self.arrived.is_empty() || self.read_shut
    }

    /// Whether a message would find no room.
    pub fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    fn push(&mut self, limit: usize, arrived: Arrived, bytes: &[u8]) -> bool {
        let held = self.bytes.len() + self.arrived.len() * RECORD;
        // One message is always taken, as on Linux: a socket with a small buffer is not deaf to long ones.
        if held > 0 && held + bytes.len() > limit
            || self.read_shut
            || self.arrived.try_reserve(1).is_err()
            || self.bytes.try_reserve(bytes.len()).is_err()
        {
            return false;
        }
        self.arrived.push_back(arrived);
        self.bytes.extend(bytes);
        true
    }

    fn pop(&mut self, buffer: &mut [u8]) -> Option<(Arrived, usize)> {
        let arrived = self.arrived.pop_front()?;
        let len = arrived.len.min(buffer.len());
        let (front, back) = self.bytes.as_slices();
        let first = len.min(front.len());
        buffer[..first].copy_from_slice(&front[..first]);
        buffer[first..len].copy_from_slice(&back[..len - first]);
        self.bytes.drain(..arrived.len);
        if self.bytes.is_empty() && self.bytes.capacity() > 64 * 1024 {
            self.bytes = VecDeque::new();
        }
        Some((arrived, len))
    }
}

impl Stack {
    fn udp_socket(&mut self, number: u32) -> Result<&mut Socket, Errno> {
        self.sockets.get_mut(number).ok_or(Errno::EBADF)
    }

    fn datagrams(&mut self, number: u32) -> Result<&mut Datagrams, Errno> {
        match &mut self.udp_socket(number)?.state {
            State::Datagram(datagrams) => Ok(datagrams),
            _ => Err(Errno::ENOTSUP),
        }
    }

    /// Takes a UDP packet that is for this machine.
    pub(crate) fn receive_udp(&mut self, nic: usize, packet: &Packet, trusted: bool) {
        let Some((source, destination, data)) = parse_udp(packet.payload) else {
            return;
        };
        let has_checksum = packet.payload[UDP_CHECKSUM..UDP_HEADER] != [0, 0];
        let must_have = packet.destination.is_ipv6();
        if !trusted && (has_checksum && !packet.checksum_is_good() || !has_checksum && must_have) {
            return;
        }
        if self.receive_dhcp(nic, source, destination, packet, data) {
            return;
        }
        let to = Endpoint::new(packet.destination, destination);
        let from = Endpoint::new(packet.source, source);
        let many = to.address.is_multicast() || self.is_broadcast(to.address);
        let mut best: Option<(u32, u32)> = None;
        let candidates = self.udp_ports.sockets(destination).len();
        for place in 0..candidates {
            let Some(&number) = self.udp_ports.sockets(destination).get(place) else {
                break;
            };
            let Some(socket) = self.sockets.get(number) else {
                continue;
            };
            let Some(rank) = rank(socket, nic, from, to) else {
                continue;
            };
            if many {
                self.keep(number, nic, from, packet, data);
            } else if best.is_none_or(|(other, _)| rank > other) {
                best = Some((rank, number));
            }
        }
        match best {
            Some((_, number)) => self.keep(number, nic, from, packet, data),
            None if !many => self.send_port_unreachable(nic, packet),
            None => {}
        }
    }

    fn keep(&mut self, number: u32, nic: usize, from: Endpoint, packet: &Packet, data: &[u8]) {
        let Some(socket) = self.sockets.get_mut(number) else {
            return;
        };
        let limit = socket.options.receive_buffer.unwrap_or(USUAL_BUFFER) as usize;
        let State::Datagram(datagrams) = &mut socket.state else {
            return;
        };
        let arrived = Arrived {
            len: data.len(),
            from,
            nic,
            traffic_class: packet.traffic_class,
            time_to_live: packet.hop_limit,
        };
        if datagrams.push(limit, arrived, data) {
            self.may_be_ready(number);
        }
    }

    /// Gives a socket a port if it has none.
    fn bind_if_unbound(&mut self, number: u32) -> Result<Endpoint, Errno> {
        let socket = self.udp_socket(number)?;
        match socket.bound {
            Some(bound) => Ok(bound),
            None => {
                let any = Endpoint::new(socket.unspecified(), 0);
                self.bind_to(number, any)?;
                self.udp_socket(number)?.bound.ok_or(Errno::EADDRINUSE)
            }
        }
    }

    /// Connects a socket to `remote`, or to nobody.
    pub(crate) fn connect_datagrams(
        &mut self,
        number: u32,
        remote: Option<(Endpoint, u32)>,
    ) -> Result<(), Errno> {
        let Some((mut remote, scope)) = remote else {
            let datagrams = self.datagrams(number)?;
            datagrams.remote = None;
            if let Some(before) = datagrams.before.take() {
                self.udp_socket(number)?.bound = Some(before);
            }
            return Ok(());
        };
        if remote.address.is_unspecified() {
            remote.address = loopback_like(remote.address);
        }
        let socket = self.udp_socket(number)?;
        if !socket.options.broadcast && self.is_broadcast(remote.address) {
            return Err(Errno::EACCES);
        }
        let mut bound = self.bind_if_unbound(number)?;
        if let Some(before) = self.datagrams(number)?.before {
            bound = before;
        }
        let chosen = Some(bound.address).filter(|address| !address.is_unspecified());
        let device = self.udp_socket(number)?.options.device;
        let route = self.route(chosen, remote.address, scope, device)?;
        let socket = self.udp_socket(number)?;
        socket.bound = Some(Endpoint::new(route.source, bound.port));
        let datagrams = self.datagrams(number)?;
        datagrams.remote = Some(remote);
        datagrams.scope = scope;
        if chosen.is_none() {
            datagrams.before = Some(bound);
        }
        Ok(())
    }

    /// Sends a message.
    pub(crate) fn send_datagram(
        &mut self,
        number: u32,
        to: Option<(Endpoint, u32)>,
        parts: &[&[u8]],
        control: &Control,
    ) -> Result<usize, Errno> {
        let socket = self.udp_socket(number)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let datagrams = self.datagrams(number)?;
        if datagrams.write_shut {
            return Err(Errno::EPIPE);
        }
        let connected = datagrams.remote.map(|remote| (remote, datagrams.scope));
        let (mut to, scope) = to.or(connected).ok_or(Errno::EDESTADDRREQ)?;
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if to.port == 0 {
            return Err(Errno::EINVAL);
        }
        if to.address.is_unspecified() {
            to.address = loopback_like(to.address);
        }
        let above = match to.address {
            IpAddr::V4(_) => header_len(to.address) + UDP_HEADER,
            IpAddr::V6(_) => UDP_HEADER,
        };
        if above + len > LONGEST {
            return Err(Errno::EMSGSIZE);
        }
        let options = self.udp_socket(number)?.options.clone();
        if !options.broadcast && self.is_broadcast(to.address) {
            return Err(Errno::EACCES);
        }
        let bound = self.bind_if_unbound(number)?;
        let chosen = Some(bound.address).filter(|address| !address.is_unspecified());
        if chosen.is_some_and(|chosen| chosen.is_ipv4() != to.address.is_ipv4()) {
            return Err(Errno::ENETUNREACH);
        }
        let mut device = options.device;
        let many = to.address.is_multicast();
        if many {
            device = self.multicast_device(&options, to.address, device);
        }
        let route = self.route(chosen, to.address, scope, device)?;
        let usual = options.class_for(to.address);
        let header = Header {
            source: route.source,
            destination: to.address,
            protocol: protocol::UDP,
            traffic_class: match to.address {
                IpAddr::V4(_) => control.type_of_service.unwrap_or(usual),
                IpAddr::V6(_) => control.traffic_class.unwrap_or(usual),
            },
            hop_limit: match control.time_to_live {
                Some(ttl) => ttl,
                None if many => options.multicast_time_to_live,
                None => options.time_to_live,
            },
            identification: 0,
        };
        let mut write = |payload: &mut [u8]| {
            packet::write_udp(payload, bound.port, to.port, parts);
        };
        let size = UDP_HEADER + len;
        if many && options.multicast_loop || self.is_broadcast(to.address) {
            self.output_to_ourselves(route.nic, header, size, &mut write);
        }
        if many && header.hop_limit == 0 {
            return Ok(len);
        }
        match self.output(route.nic, header, size, Some(UDP_CHECKSUM), &mut write) {
            Err(Errno::EAGAIN) => {
                // Once, however often the program tries.
                let blocked = self.datagrams(number)?.blocked.replace(route.nic);
                if blocked != Some(route.nic)
                    && let Some(Some(nic)) = self.nics.get_mut(route.nic)
                {
                    nic.blocked_sockets.push(number);
                }
                Err(Errno::EAGAIN)
            }
            other => other.map(|()| len),
        }
    }

    /// Receives a message.
    pub(crate) fn receive_datagram(
        &mut self,
        number: u32,
        buffer: &mut [u8],
    ) -> Result<Received, Errno> {
        let socket = self.udp_socket(number)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let family = socket.family;
        let State::Datagram(datagrams) = &mut socket.state else {
            return Err(Errno::ENOTSUP);
        };
        let Some((arrived, len)) = datagrams.pop(buffer) else {
            if datagrams.read_shut {
                return Ok(Received {
                    len: 0,
                    from: Address::Unspecified,
                    type_of_service: None,
                    traffic_class: None,
                    time_to_live: None,
                });
            }
            return Err(Errno::EAGAIN);
        };
        let is_v4 = arrived.from.address.is_ipv4();
        let options = &socket.options;
        let from = arrived.from.shown(family, arrived.nic as u32 + 1);
        let class = Some(arrived.traffic_class);
        Ok(Received {
            len,
            from: Address::Ip(from),
            type_of_service: class.filter(|_| options.receive_type_of_service && is_v4),
            traffic_class: class.filter(|_| options.receive_traffic_class && !is_v4),
            time_to_live: Some(arrived.time_to_live).filter(|_| options.receive_time_to_live),
        })
    }

    /// Length of the next message.
    pub(crate) fn readable_in_datagrams(&mut self, number: u32) -> Result<usize, Errno> {
        let datagrams = self.datagrams(number)?;
        Ok(datagrams.arrived.front().map_or(0, |first| first.len))
    }

    /// Ends one direction, or both.
    pub(crate) fn shutdown_datagrams(
        &mut self,
        number: u32,
        read: bool,
        write: bool,
    ) -> Result<(), Errno> {
        let datagrams = self.datagrams(number)?;
        if datagrams.remote.is_none() {
            return Err(Errno::ENOTCONN);
        }
        datagrams.read_shut |= read;
        datagrams.write_shut |= write;
        self.may_be_ready(number);
        Ok(())
    }

    /// A port that no UDP socket is bound to.
    pub(crate) fn ephemeral_port(&mut self, stream: bool) -> Result<u16, Errno> {
        let start = self.random.below(EPHEMERAL_COUNT.into()) as u16;
        let ports = if stream {
            &self.tcp_ports
        } else {
            &self.udp_ports
        };
        (0..EPHEMERAL_COUNT)
            .map(|step| EPHEMERAL_FIRST + (start + step) % EPHEMERAL_COUNT)
            .find(|&port| ports.get(port).is_none())
            .ok_or(Errno::EADDRINUSE)
    }

    /// Tells the sockets connected to `remote` of an error that the network reports.
    pub(crate) fn fail_datagrams(&mut self, local: Endpoint, remote: Endpoint, error: Errno) {
        for place in 0..self.udp_ports.sockets(local.port).len() {
            let Some(&number) = self.udp_ports.sockets(local.port).get(place) else {
                break;
            };
            if let Some(socket) = self.sockets.get_mut(number)
                && socket.takes(local.address)
                && let State::Datagram(datagrams) = &socket.state
                && datagrams.remote == Some(remote)
            {
                socket.error = Some(error);
                self.may_be_ready(number);
            }
        }
    }

    /// The interface that multicast packets to `group` leave through, by the options; 0 is any.
    fn multicast_device(
        &self,
        options: &crate::socket::Options,
        group: IpAddr,
        device: u32,
    ) -> u32 {
        if device != 0 {
            return device;
        }
        match group {
            IpAddr::V4(_) if !options.multicast_address.is_unspecified() => {
                let address = IpAddr::V4(options.multicast_address);
                self.nic_with(address).map_or(0, |nic| nic as u32 + 1)
            }
            IpAddr::V4(_) => 0,
            IpAddr::V6(_) => options.multicast_index,
        }
    }

    /// Lets a socket send again: there is room.
    pub(crate) fn unblock_datagrams(&mut self, number: u32) {
        if let Ok(datagrams) = self.datagrams(number) {
            datagrams.blocked = None;
            self.may_be_ready(number);
        }
    }

    /// The interface that has an address.
    pub(crate) fn nic_with(&self, address: IpAddr) -> Option<usize> {
        let nics = self.nics.iter().enumerate();
        nics.filter_map(|(number, nic)| Some((number, nic.as_ref()?)))
            .find(|(_, nic)| nic.has_address(address))
            .map(|(number, _)| number)
    }

    /// Puts a packet that we send to many before our own sockets, as if it had come through the interface.
    fn output_to_ourselves(
        &mut self,
        nic: usize,
        header: Header,
        len: usize,
        write: &mut dyn FnMut(&mut [u8]),
    ) {
        let group = header.destination;
        let listens = self.nics.get(nic).and_then(Option::as_ref);
        if nic == LOOPBACK
            || group.is_multicast() && !listens.is_some_and(|nic| nic.listens_to(group))
        {
            return;
        }
        self.loopback.push(nic, header.len() + len, |bytes| {
            header.write(bytes, len);
            write(&mut bytes[header.len()..]);
        });
    }
}

/// How well a socket fits a message; `None` if the message is not for it.
fn rank(socket: &Socket, nic: usize, from: Endpoint, to: Endpoint) -> Option<u32> {
    let State::Datagram(datagrams) = &socket.state else {
        return None;
    };
    let device = socket.options.device;
    if device != 0 && device != nic as u32 + 1 {
        return None;
    }
    let bound = socket.bound?;
    let mut rank = 0;
    if let Some(remote) = datagrams.remote {
        if remote != from {
            return None;
        }
        rank += 8;
    }
    if to.address.is_multicast() {
        let joined = datagrams
            .groups
            .iter()
            .any(|&(group, through)| group == to.address && through == nic);
        // Who is bound to all addresses gets what others have joined, as with Linux's IP_MULTICAST_ALL.
        let all = bound.address.is_unspecified() && socket.takes(to.address);
        let fits = bound.address == to.address || bound.address.is_unspecified();
        return (fits && (joined || all)).then_some(rank);
    }
    // A broadcast is for those that are bound to all addresses: `takes` says so.
    if !socket.takes(to.address) {
        return None;
    }
    if !bound.address.is_unspecified() {
        rank += 4;
    } else if bound.address.is_ipv4() == to.address.is_ipv4() {
        rank += 2;
    }
    Some(rank)
}

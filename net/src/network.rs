//! The surface: `Network` for the drivers, and the part of `Io` that sockets have.
//!
//! Takes arguments apart, finds the socket, and hands over to `stream.rs` or `udp.rs`.

use crate::address::{Endpoint, is_link_local, netmask, unmapped};
use crate::options::{get, set};
use crate::socket::{Socket, State};
use crate::stack::{LOOPBACK, Stack};
use crate::udp::Datagrams;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::Descriptor;
use starling_vm::platform::network::{
    Address, Control, Direction, Family, Interface, InterfaceAddress, Kind, Naming, Network,
    OptionName, OptionValue, Received,
};

/// How many sockets there can be.
const SOCKETS: usize = 1 << 20;

impl Stack {
    fn socket_number(&self, descriptor: Descriptor) -> Result<u32, Errno> {
        self.number(descriptor)
            .filter(|&number| self.sockets.get(number).is_some())
            .ok_or(Errno::EBADF)
    }

    fn socket_and_number(&mut self, descriptor: Descriptor) -> Result<(u32, &mut Socket), Errno> {
        let number = self.number(descriptor).ok_or(Errno::EBADF)?;
        let socket = self.sockets.get_mut(number).ok_or(Errno::EBADF)?;
        Ok((number, socket))
    }

    /// An address that a program gives: where, and on which interface if that was said.
    fn endpoint(&self, number: u32, address: &Address) -> Result<(Endpoint, u32), Errno> {
        let socket = self.sockets.get(number).ok_or(Errno::EBADF)?;
        let Address::Ip(address) = address else {
            return Err(Errno::EAFNOSUPPORT);
        };
        match (socket.family, address) {
            (Family::Inet, SocketAddr::V4(four)) => {
                Ok((Endpoint::new(IpAddr::V4(*four.ip()), four.port()), 0))
            }
            (Family::Inet6, SocketAddr::V6(six)) => {
                let plain = unmapped(IpAddr::V6(*six.ip()));
                if plain.is_ipv4() && socket.options.only_v6 {
                    return Err(Errno::ENETUNREACH);
                }
                let scope = if is_link_local(*six.ip()) || six.ip().is_multicast() {
                    six.scope_id()
                } else {
                    0
                };
                Ok((Endpoint::new(plain, six.port()), scope))
            }
            (Family::Inet, _) => Err(Errno::EAFNOSUPPORT),
            (_, _) => Err(Errno::EINVAL),
        }
    }

    /// Gives a socket an address of its own. A port of 0 stands for any free one.
    pub(crate) fn bind_to(&mut self, number: u32, mut wanted: Endpoint) -> Result<(), Errno> {
        let socket = self.sockets.get(number).ok_or(Errno::EBADF)?;
        let stream = socket.kind == Kind::Stream;
        let options = socket.options.clone();
        let address = wanted.address;
        let many = address.is_multicast() || self.is_broadcast(address);
        if !address.is_unspecified() && !self.is_local(address) && (stream || !many) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        if wanted.port == 0 {
            wanted.port = self.ephemeral_port(stream)?;
        }
        let ports = if stream {
            &self.tcp_ports
        } else {
            &self.udp_ports
        };
        if let Some(used) = ports.get(wanted.port) {
            for other in used
                .sockets
                .iter()
                .filter_map(|&other| self.sockets.get(other))
            {
                let listens = matches!(other.state, State::Listening(_));
                let shared = options.reuse_address && other.options.reuse_address && !listens
                    || options.reuse_port && other.options.reuse_port;
                if other.overlaps(wanted.address, options.only_v6) && !shared {
                    return Err(Errno::EADDRINUSE);
                }
            }
            // Connections that go on, or wait for stray segments, of a socket that is closed.
            let alone = used.connections > 0 && used.sockets.is_empty();
            if alone && (!options.reuse_address || used.exclusive > 0) && !options.reuse_port {
                return Err(Errno::EADDRINUSE);
            }
        }
        let ports = if stream {
            &mut self.tcp_ports
        } else {
            &mut self.udp_ports
        };
        ports
            .bind(wanted.port, number)
            .map_err(|_| Errno::ENOBUFS)?;
        if let Some(socket) = self.sockets.get_mut(number) {
            socket.bound = Some(wanted);
        }
        Ok(())
    }

    fn unbind(&mut self, number: u32) {
        let Some(socket) = self.sockets.get_mut(number) else {
            return;
        };
        let Some(bound) = socket.bound.take() else {
            return;
        };
        match socket.kind {
            Kind::Stream => self.tcp_ports.unbind(bound.port, number),
            Kind::Datagram => self.udp_ports.unbind(bound.port, number),
        }
    }

    /// Reads what there is. 0 is the end; `EAGAIN` if there is nothing now.
    pub fn read(&mut self, descriptor: Descriptor, bytes: &mut [u8]) -> Result<usize, Errno> {
        let (number, socket) = self.socket_and_number(descriptor)?;
        match socket.kind {
            Kind::Stream => self.read_stream(number, bytes),
            Kind::Datagram => Ok(self.receive_datagram(number, bytes)?.len),
        }
    }

    /// Writes as much as can be taken now; `EAGAIN` if that is nothing.
    pub fn write(&mut self, descriptor: Descriptor, bytes: &[u8]) -> Result<usize, Errno> {
        self.write_parts(descriptor, &[bytes])
    }

    /// Closes a socket.
    pub fn close(&mut self, descriptor: Descriptor) {
        let Ok(number) = self.socket_number(descriptor) else {
            return;
        };
        self.drop_listener(number);
        self.leave_connection(number);
        self.leave_groups(number);
        self.unbind(number);
        self.sockets.remove(number);
    }

    fn show(&self, number: u32, end: Endpoint, scope: u32) -> Address {
        let family = self.sockets.get(number).map(|socket| socket.family);
        Address::Ip(end.shown(family.unwrap_or(Family::Inet), scope))
    }
}

impl Network for Stack {
    fn open(&mut self, family: Family, kind: Kind) -> Result<Descriptor, Errno> {
        if family == Family::Local {
            return Err(Errno::EAFNOSUPPORT);
        }
        if self.sockets.len() >= SOCKETS {
            return Err(Errno::EMFILE);
        }
        let state = match kind {
            Kind::Stream => State::Idle,
            Kind::Datagram => State::Datagram(Datagrams::default()),
        };
        let socket = Socket::new(family, kind, state);
        let number = self.sockets.insert(socket).map_err(|_| Errno::ENOMEM)?;
        Ok(self.descriptor(number))
    }

    fn adopt(&mut self, _: u32) -> Result<Descriptor, Errno> {
        Err(Errno::EBADF)
    }

    fn bind(&mut self, socket: Descriptor, address: &Address) -> Result<(), Errno> {
        let number = self.socket_number(socket)?;
        let (wanted, _) = self.endpoint(number, address)?;
        let socket = self.sockets.get(number).ok_or(Errno::EBADF)?;
        if socket.bound.is_some() || matches!(socket.state, State::Stream(_)) {
            return Err(Errno::EINVAL);
        }
        self.bind_to(number, wanted)
    }

    fn listen(&mut self, socket: Descriptor, backlog: u32) -> Result<(), Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        match socket.kind {
            Kind::Stream => self.listen_stream(number, backlog),
            Kind::Datagram => Err(Errno::ENOTSUP),
        }
    }

    fn accept(&mut self, socket: Descriptor) -> Result<(Descriptor, Address), Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        if socket.kind == Kind::Datagram {
            return Err(Errno::ENOTSUP);
        }
        let (accepted, remote) = self.accept_stream(number)?;
        let scope = self.stream_local(accepted).map_or(0, |(_, scope)| scope);
        let shown = self.show(accepted, remote, scope);
        Ok((self.descriptor(accepted), shown))
    }

    fn connect(&mut self, socket: Descriptor, address: &Address) -> Result<(), Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        let kind = socket.kind;
        if kind == Kind::Datagram && *address == Address::Unspecified {
            return self.connect_datagrams(number, None);
        }
        let (remote, scope) = self.endpoint(number, address)?;
        match kind {
            Kind::Stream => self.connect_stream(number, remote, scope),
            Kind::Datagram => self.connect_datagrams(number, Some((remote, scope))),
        }
    }

    fn take_error(&mut self, socket: Descriptor) -> Option<Errno> {
        let Some(number) = self.number(socket) else {
            return Some(Errno::EBADF);
        };
        self.take_error_of(number)
    }

    fn write_parts(&mut self, socket: Descriptor, parts: &[&[u8]]) -> Result<usize, Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        match socket.kind {
            Kind::Stream => self.write_stream(number, parts),
            Kind::Datagram => self.send_datagram(number, None, parts, &Control::default()),
        }
    }

    fn send_to(
        &mut self,
        socket: Descriptor,
        to: &Address,
        message: &[u8],
        control: &Control,
    ) -> Result<usize, Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        if socket.kind == Kind::Stream {
            return self.write_stream(number, &[message]);
        }
        let to = match to {
            Address::Unspecified => None,
            address => Some(self.endpoint(number, address)?),
        };
        self.send_datagram(number, to, &[message], control)
    }

    fn receive_from(&mut self, socket: Descriptor, buffer: &mut [u8]) -> Result<Received, Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        if socket.kind == Kind::Datagram {
            return self.receive_datagram(number, buffer);
        }
        Ok(Received {
            len: self.read_stream(number, buffer)?,
            from: Address::Unspecified,
            type_of_service: None,
            traffic_class: None,
            time_to_live: None,
        })
    }

    fn readable_bytes(&mut self, socket: Descriptor) -> Result<usize, Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        match socket.kind {
            Kind::Stream => self.readable_in_stream(number),
            Kind::Datagram => self.readable_in_datagrams(number),
        }
    }

    fn shutdown(&mut self, socket: Descriptor, direction: Direction) -> Result<(), Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        match socket.kind {
            Kind::Stream => self.shutdown_stream(number, direction),
            Kind::Datagram => {
                let read = direction != Direction::Write;
                let write = direction != Direction::Read;
                self.shutdown_datagrams(number, read, write)
            }
        }
    }

    fn local_address(&mut self, socket: Descriptor) -> Result<Address, Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        let nothing = Endpoint::new(socket.unspecified(), 0);
        let bound = socket.bound.unwrap_or(nothing);
        let (local, scope) = self.stream_local(number).unwrap_or_else(|| {
            let scope = self.nic_with(bound.address).map_or(0, |nic| nic as u32 + 1);
            (bound, scope)
        });
        Ok(self.show(number, local, scope))
    }

    fn peer_address(&mut self, socket: Descriptor) -> Result<Address, Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        let (remote, scope) = match &socket.state {
            State::Datagram(datagrams) => {
                (datagrams.remote.ok_or(Errno::ENOTCONN)?, datagrams.scope)
            }
            _ => self.stream_peer(number)?,
        };
        Ok(self.show(number, remote, scope))
    }

    fn set_option(
        &mut self,
        socket: Descriptor,
        name: OptionName,
        value: &OptionValue,
    ) -> Result<(), Errno> {
        let (number, socket) = self.socket_and_number(socket)?;
        match (name, value) {
            (
                OptionName::AddMembership | OptionName::DropMembership,
                OptionValue::Membership { group, interface },
            ) => self.set_membership(
                number,
                name == OptionName::AddMembership,
                *group,
                *interface,
            ),
            (OptionName::BindToDevice, OptionValue::Bytes(name)) => {
                let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
                let device = if name.is_empty() {
                    0
                } else {
                    let place = self.nics.iter().position(|nic| {
                        nic.as_ref().is_some_and(|nic| nic.name.as_bytes() == name)
                    });
                    place.ok_or(Errno::ENODEV)? as u32 + 1
                };
                if let Some(socket) = self.sockets.get_mut(number) {
                    socket.options.device = device;
                }
                Ok(())
            }
            _ => {
                set(socket, name, value)?;
                self.apply_stream_options(number);
                Ok(())
            }
        }
    }

    fn option(&mut self, socket: Descriptor, name: OptionName) -> Result<OptionValue, Errno> {
        let (_, socket) = self.socket_and_number(socket)?;
        if name == OptionName::BindToDevice {
            let device = (socket.options.device as usize).checked_sub(1);
            let nic = device.and_then(|place| self.nics.get(place)?.as_ref());
            let name = nic.map_or(&[][..], |nic| nic.name.as_bytes());
            return Ok(OptionValue::Bytes(name.to_vec()));
        }
        get(socket, name)
    }

    fn interfaces(&mut self) -> Result<Vec<Interface>, Errno> {
        let nics = self.nics.iter().enumerate();
        Ok(nics
            .filter_map(|(number, nic)| Some((number, nic.as_ref()?)))
            .map(|(number, nic)| {
                let loopback = number == LOOPBACK;
                let index = number as u32 + 1;
                let addresses = nic.addresses().map(|own| InterfaceAddress {
                    address: own.address,
                    netmask: netmask(own.address, own.prefix),
                    broadcast: match own.address {
                        IpAddr::V4(four) if !loopback => {
                            crate::address::broadcast(four, own.prefix).map(IpAddr::V4)
                        }
                        _ => None,
                    },
                    destination: None,
                    scope: match own.address {
                        IpAddr::V6(six) if is_link_local(six) => index,
                        _ => 0,
                    },
                });
                Interface {
                    index,
                    name: nic.name.clone(),
                    up: true,
                    running: nic.up,
                    loopback,
                    broadcast: !loopback,
                    point_to_point: false,
                    multicast: !loopback,
                    hardware: Some(nic.hardware),
                    mtu: nic.mtu as u32,
                    addresses: addresses.collect(),
                }
            })
            .collect())
    }

    fn naming(&mut self) -> Option<Naming> {
        self.naming_was_reported = false;
        core::mem::take(&mut self.naming_is_news).then(|| self.naming.clone())
    }
}

//! Sockets: what a descriptor of the stack stands for.
//!
//! Invariant: a socket that was bound is in `Ports` under its own port for as long as `bound` is set; one that was accepted is not, its
//! connection has the port. A [`State::Stream`] names a connection whose owner it is, or one that is gone.

use crate::address::Endpoint;
use crate::udp::Datagrams;
use alloc::collections::VecDeque;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::Interest;
use starling_vm::platform::network::{Family, Kind};

/// The socket of a descriptor.
pub struct Socket {
    /// Which addresses it has.
    pub family: Family,
    /// What it carries.
    pub kind: Kind,
    /// What was set.
    pub options: Options,
    /// Its own address; the unspecified one stands for all.
    pub bound: Option<Endpoint>,
    /// What it is used for.
    pub state: State,
    /// An error that nobody has asked for yet.
    pub error: Option<Errno>,
    /// What is looked for.
    pub watched: Interest,
    /// Whether it is among those that may be ready.
    pub may_be_ready: bool,
    /// Whether an event of it waits to be taken.
    pub reported: bool,
}

/// What a socket is used for.
pub enum State {
    /// Nothing yet.
    Idle,
    /// Taking connections.
    Listening(Listener),
    /// A connection, or the attempt at one.
    Stream(Stream),
    /// Messages.
    Datagram(Datagrams),
}

/// A socket that takes connections.
#[derive(Default)]
pub struct Listener {
    /// How many may wait.
    pub backlog: usize,
    /// Those that wait for `accept`.
    pub waiting: VecDeque<u32>,
    /// Those whose handshake goes on, the oldest first.
    pub half_open: VecDeque<u32>,
}

/// A socket that has a connection.
pub struct Stream {
    /// Its number.
    pub connection: u32,
    /// The other end, which is remembered when the connection is gone.
    pub remote: Endpoint,
    /// Whether the handshake is over.
    pub connected: bool,
    /// Whether it has ended for good: nothing can be sent any more.
    pub ended: bool,
    /// Whether the program does not want to read any more.
    pub read_shut: bool,
    /// Whether the program has nothing more to write.
    pub write_shut: bool,
}

/// Options of a socket, as `setsockopt` left them.
#[derive(Clone, Debug)]
pub struct Options {
    /// `SO_REUSEADDR`.
    pub reuse_address: bool,
    /// `SO_REUSEPORT`.
    pub reuse_port: bool,
    /// `SO_KEEPALIVE`.
    pub keep_alive: bool,
    /// `SO_DONTROUTE`.
    pub dont_route: bool,
    /// `SO_BROADCAST`.
    pub broadcast: bool,
    /// `SO_LINGER`, if it is on: the seconds.
    pub linger: Option<u32>,
    /// The seconds given with a linger that is off.
    pub linger_off_seconds: u32,
    /// `SO_SNDBUF`, as Linux shows it (twice what was set), if it was set.
    pub send_buffer: Option<u32>,
    /// `SO_RCVBUF`, as above.
    pub receive_buffer: Option<u32>,
    /// `SO_PRIORITY`.
    pub priority: i32,
    /// `TCP_NODELAY`.
    pub no_delay: bool,
    /// `TCP_CORK`.
    pub cork: bool,
    /// `IP_TOS`.
    pub type_of_service: u8,
    /// `IP_TTL` and `IPV6_UNICAST_HOPS`.
    pub time_to_live: u8,
    /// `IPV6_TCLASS`.
    pub traffic_class: u8,
    /// `IPV6_V6ONLY`.
    pub only_v6: bool,
    /// `IP_RECVTOS`.
    pub receive_type_of_service: bool,
    /// `IPV6_RECVTCLASS`.
    pub receive_traffic_class: bool,
    /// `IP_RECVTTL` or `IPV6_RECVHOPLIMIT`.
    pub receive_time_to_live: bool,
    /// `IP_MULTICAST_IF`.
    pub multicast_address: Ipv4Addr,
    /// `IPV6_MULTICAST_IF`: a number; 0 is any.
    pub multicast_index: u32,
    /// `IP_MULTICAST_TTL` or `IPV6_MULTICAST_HOPS`.
    pub multicast_time_to_live: u8,
    /// `IP_MULTICAST_LOOP` or `IPV6_MULTICAST_LOOP`.
    pub multicast_loop: bool,
    /// `SO_BINDTODEVICE`: the number of an interface; 0 is any.
    pub device: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            reuse_address: false,
            reuse_port: false,
            keep_alive: false,
            dont_route: false,
            broadcast: false,
            linger: None,
            linger_off_seconds: 0,
            send_buffer: None,
            receive_buffer: None,
            priority: 0,
            no_delay: false,
            cork: false,
            type_of_service: 0,
            time_to_live: 64,
            traffic_class: 0,
            only_v6: false,
            receive_type_of_service: false,
            receive_traffic_class: false,
            receive_time_to_live: false,
            multicast_address: Ipv4Addr::UNSPECIFIED,
            multicast_index: 0,
            multicast_time_to_live: 1,
            multicast_loop: true,
            device: 0,
        }
    }
}

impl Options {
    /// What the header of a packet to `destination` says.
    pub fn class_for(&self, destination: IpAddr) -> u8 {
        match destination {
            IpAddr::V4(_) => self.type_of_service,
            IpAddr::V6(_) => self.traffic_class,
        }
    }
}

impl Socket {
    /// A socket that is used for nothing.
    pub fn new(family: Family, kind: Kind, state: State) -> Socket {
        Socket {
            family,
            kind,
            options: Options::default(),
            bound: None,
            state,
            error: None,
            watched: Interest::NONE,
            may_be_ready: false,
            reported: false,
        }
    }

    /// The address of everybody that a socket of this family has while it has no other.
    pub fn unspecified(&self) -> IpAddr {
        match self.family {
            Family::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }

    /// Whether packets to this address are for it, as far as its own address goes.
    pub fn takes(&self, destination: IpAddr) -> bool {
        let Some(bound) = self.bound else {
            return false;
        };
        if !bound.address.is_unspecified() {
            return bound.address == destination;
        }
        match (bound.address, destination) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => true,
            (IpAddr::V6(_), IpAddr::V4(_)) => !self.options.only_v6,
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        }
    }

    /// Whether there are packets that would be for both, were this one bound to `address`.
    pub fn overlaps(&self, address: IpAddr, only_v6: bool) -> bool {
        let Some(bound) = self.bound else {
            return false;
        };
        match (bound.address.is_unspecified(), address.is_unspecified()) {
            (false, false) => bound.address == address,
            (true, false) => self.takes(address),
            (false, true) | (true, true) => match (address, bound.address) {
                (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => true,
                (IpAddr::V6(_), IpAddr::V4(_)) => !only_v6,
                (IpAddr::V4(_), IpAddr::V6(_)) => {
                    bound.address.is_unspecified() && !self.options.only_v6
                }
            },
        }
    }

    /// Its connection, if it has one.
    pub fn stream_mut(&mut self) -> Option<&mut Stream> {
        match &mut self.state {
            State::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// What it listens with, if it does.
    pub fn listener_mut(&mut self) -> Option<&mut Listener> {
        match &mut self.state {
            State::Listening(listener) => Some(listener),
            _ => None,
        }
    }
}

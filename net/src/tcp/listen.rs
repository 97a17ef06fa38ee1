//! Handshakes that others begin.
//!
//! There is no pool of sockets that listen: a SYN makes one. A flood of SYNs costs bounded memory: a listening socket has at most
//! [`HALF_OPEN_OF_ONE`] handshakes (or as many as its backlog), all of them together [`HALF_OPEN`], the oldest give way to the newest, and
//! when there are many of them they get the smallest buffers.
//!
//! Invariant: a connection that is half open or waits is in the queue of its listening socket, which is open.

use super::buffers::Wanted;
use super::send::KEEP_ALIVE;
use super::{Connection, Owner, SECOND};
use crate::address::{Endpoint, Tuple};
use crate::device::Sent;
use crate::socket::{Listener, Options};
use crate::stack::{LOOPBACK, Stack};
use core::net::IpAddr;
use smoltcp::socket::tcp;
use smoltcp::time::Duration;

/// Handshakes of one listening socket, unless its backlog is longer.
const HALF_OPEN_OF_ONE: usize = 256;
/// Handshakes of all listening sockets.
const HALF_OPEN: usize = 1024;
/// From this many handshakes on each gets the smallest buffers.
const MANY: usize = 128;
/// How long a handshake takes at most: five retransmissions, as Linux has it.
const HANDSHAKE: u64 = 63 * SECOND;
/// How long an acknowledgement of less than a full segment may wait for data to go with.
const ACKNOWLEDGE: u64 = SECOND / 100;

impl Stack {
    /// What the socket of this number listens with.
    pub(crate) fn listener_mut(&mut self, socket: u32) -> Option<&mut Listener> {
        self.sockets.get_mut(socket)?.listener_mut()
    }

    /// The socket that takes connections to this address, if one does. The most specific is preferred.
    pub(crate) fn listening_on(&mut self, local: Endpoint, nic: usize) -> Option<u32> {
        let mut best = None;
        for &number in self.tcp_ports.sockets(local.port) {
            let Some(socket) = self.sockets.get_mut(number) else {
                continue;
            };
            let device = socket.options.device;
            if socket.listener_mut().is_none()
                || !socket.takes(local.address)
                || device != 0 && device != nic as u32 + 1
            {
                continue;
            }
            let rank = match socket.bound.map(|bound| bound.address) {
                Some(address) if !address.is_unspecified() => 2,
                Some(IpAddr::V4(_)) => 1,
                _ => 0,
            };
            if best.is_none_or(|(other, _)| rank > other) {
                best = Some((rank, number));
            }
        }
        best.map(|(_, number)| number)
    }

    /// A socket that listens, for a SYN that comes to a listening socket. `None`: the SYN is to be ignored.
    pub(crate) fn begin_handshake(&mut self, number: u32, nic: usize, tuple: Tuple) -> Option<u32> {
        let listener = self.listener_mut(number)?;
        if listener.waiting.len() > listener.backlog {
            return None;
        }
        // Not above the limit of all: who is over that one's would be looked for among all sockets.
        let limit = listener.backlog.clamp(HALF_OPEN_OF_ONE, HALF_OPEN);
        listener.half_open.try_reserve(1).ok()?;
        let mut oldest = (listener.half_open.len() >= limit)
            .then(|| listener.half_open.front().copied())
            .flatten();
        if oldest.is_none() && self.tcp.half_open >= HALF_OPEN {
            let all = self.sockets.iter();
            oldest = all
                .filter_map(|(_, socket)| match &socket.state {
                    crate::socket::State::Listening(listener) => Some(&listener.half_open),
                    _ => None,
                })
                .max_by_key(|queue| queue.len())
                .and_then(|queue| queue.front().copied());
        }
        if let Some(oldest) = oldest {
            self.forget(oldest);
        }
        let socket = self.sockets.get(number)?;
        let options = socket.options.clone();
        let mut wanted = wanted(&options);
        wanted.smallest = self.tcp.half_open >= MANY;
        let connection =
            self.new_connection(nic, tuple, Owner::HalfOpen(number), &options, wanted)?;
        let id = self.add_connection(connection)?;
        let until = self.now + HANDSHAKE;
        self.tcp.half_open += 1;
        let connection = self.tcp.connections.get_mut(id)?;
        connection.until = Some(until);
        // The port is not 0: `Segment` and `Ports` know no such listener.
        let listening = connection.socket_mut().listen(tuple.local.port).is_ok();
        self.listener_mut(number)?.half_open.push_back(id);
        if !listening {
            self.forget(id);
            return None;
        }
        self.renew_sequence_numbers(nic);
        Some(id)
    }

    /// The handshake of a connection is over: it waits for `accept`.
    pub(crate) fn complete_handshake(&mut self, id: u32) {
        let Some(connection) = self.tcp.connections.get_mut(id) else {
            return;
        };
        let Owner::HalfOpen(number) = connection.owner else {
            return;
        };
        connection.owner = Owner::Waiting(number);
        connection.until = None;
        self.tcp.half_open -= 1;
        let Some(listener) = self.listener_mut(number) else {
            return;
        };
        listener.half_open.retain(|&other| other != id);
        if listener.waiting.try_reserve(1).is_ok() {
            listener.waiting.push_back(id);
        } else if let Some(connection) = self.tcp.connections.get_mut(id) {
            connection.owner = Owner::Nobody;
            connection.socket_mut().abort();
        }
        self.may_be_ready(number);
    }

    /// A connection that is not in the tables yet, with its options applied.
    pub(crate) fn new_connection(
        &mut self,
        nic: usize,
        tuple: Tuple,
        owner: Owner,
        options: &Options,
        wanted: Wanted,
    ) -> Option<Connection> {
        let mut slot = self.tcp.buffers.take(wanted)?;
        let socket = slot.socket_mut();
        // Nothing is lost on the way through the loopback, and its segments are few and large.
        let (congestion, delay) = if nic == LOOPBACK {
            (tcp::CongestionControl::None, None)
        } else {
            let delay = Duration::from_micros(ACKNOWLEDGE / 1000);
            (tcp::CongestionControl::Reno, Some(delay))
        };
        socket.set_congestion_control(congestion);
        socket.set_ack_delay(delay);
        socket.set_timeout(None);
        socket.set_nagle_enabled(!options.no_delay);
        socket.set_keep_alive(keep_alive(options));
        socket.set_hop_limit(Some(options.time_to_live.max(1)));
        Some(Connection {
            slot,
            tuple,
            nic,
            owner,
            dirty: false,
            in_table: true,
            is_blocked: false,
            exclusive: !options.reuse_address,
            alarm: None,
            owed_since: None,
            until: None,
            heard: self.now,
            fault: None,
            soft_fault: None,
            traffic_class: options.class_for(tuple.remote.address),
            sent: Sent::default(),
        })
    }

    /// Puts a connection into the tables.
    pub(crate) fn add_connection(&mut self, connection: Connection) -> Option<u32> {
        let (port, exclusive) = (connection.tuple.local.port, connection.exclusive);
        if self.tcp_ports.connect(port, exclusive).is_err() {
            self.tcp.buffers.give(connection.slot);
            return None;
        }
        match self.tcp.add(connection) {
            Ok(id) => Some(id),
            Err(connection) => {
                self.tcp_ports.disconnect(port, exclusive);
                self.tcp.buffers.give(connection.slot);
                None
            }
        }
    }
}

/// The interval of probes that the options ask for.
pub(crate) fn keep_alive(options: &Options) -> Option<Duration> {
    options
        .keep_alive
        .then(|| Duration::from_micros(KEEP_ALIVE / 1000))
}

/// The buffers that the options ask for.
pub(crate) fn wanted(options: &Options) -> Wanted {
    // Linux doubles what is set, for what its own records take.
    let half = |size: Option<u32>| size.map(|size| size as usize / 2);
    Wanted {
        receive: half(options.receive_buffer),
        send: half(options.send_buffer),
        smallest: false,
    }
}

//! What programs do with TCP sockets.
//!
//! Results and errors are those that Linux gives a program whose sockets do not wait (`tcp(7)`, `connect(2)`, `send(2)`, and where these
//! say nothing, what `net/ipv4/tcp.c` does).
//!
//! Invariant: a socket whose state is [`State::Stream`] owns its connection, which lives until the socket is closed or connected anew.

use crate::address::{Endpoint, Tuple};
use crate::socket::{Listener, Socket, State, Stream};
use crate::stack::Stack;
use crate::tcp::listen::{keep_alive, wanted};
use crate::tcp::{Connection, Owner, SECOND};
use smoltcp::socket::tcp;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::network::Direction;

/// The longest queue of `listen`: `SOMAXCONN` of Linux.
const LONGEST_BACKLOG: u32 = 4096;
/// How long a connection that the program has closed may take to deliver the rest of its data.
const LEFT_ALONE: u64 = 600 * SECOND;
/// How long `TCP_CORK` holds data back (`tcp(7)`), if there is less of it than this: the data of an Ethernet frame.
const CORK: u64 = SECOND / 5;
const CORKED: usize = 1460;

impl Stack {
    fn tcp_socket(&mut self, number: u32) -> Result<&mut Socket, Errno> {
        self.sockets.get_mut(number).ok_or(Errno::EBADF)
    }

    /// Takes connections from now on.
    pub(crate) fn listen_stream(&mut self, number: u32, backlog: u32) -> Result<(), Errno> {
        let socket = self.tcp_socket(number)?;
        let backlog = backlog.min(LONGEST_BACKLOG) as usize;
        match &mut socket.state {
            State::Listening(listener) => {
                listener.backlog = backlog;
                return Ok(());
            }
            State::Idle => {}
            _ => return Err(Errno::EINVAL),
        }
        if socket.bound.is_none() {
            let any = Endpoint::new(socket.unspecified(), 0);
            self.bind_to(number, any)?;
        }
        let socket = self.tcp_socket(number)?;
        let (Some(bound), only_v6) = (socket.bound, socket.options.only_v6) else {
            return Err(Errno::EINVAL);
        };
        let reuse_port = socket.options.reuse_port;
        // Two that were bound thanks to SO_REUSEADDR: only one of them can listen.
        for &other in self.tcp_ports.sockets(bound.port) {
            if let Some(other) = self.sockets.get(other)
                && matches!(other.state, State::Listening(_))
                && other.overlaps(bound.address, only_v6)
                && !(reuse_port && other.options.reuse_port)
            {
                return Err(Errno::EADDRINUSE);
            }
        }
        self.tcp_socket(number)?.state = State::Listening(Listener {
            backlog,
            ..Listener::default()
        });
        Ok(())
    }

    /// A connection that waits at a listening socket: the number of its socket and its other end.
    pub(crate) fn accept_stream(&mut self, number: u32) -> Result<(u32, Endpoint), Errno> {
        let socket = self.tcp_socket(number)?;
        let (family, kind, options) = (socket.family, socket.kind, socket.options.clone());
        let listener = socket.listener_mut().ok_or(Errno::EINVAL)?;
        let &id = listener.waiting.front().ok_or(Errno::EAGAIN)?;
        let connection = self.tcp.connections.get(id).ok_or(Errno::EAGAIN)?;
        let tuple = connection.tuple;
        let mut socket = Socket::new(
            family,
            kind,
            State::Stream(Stream {
                connection: id,
                remote: tuple.remote,
                connected: true,
                ended: false,
                read_shut: false,
                write_shut: false,
            }),
        );
        socket.options = options;
        socket.bound = Some(tuple.local);
        let accepted = self.sockets.insert(socket).map_err(|_| Errno::ENFILE)?;
        if let Some(listener) = self.listener_mut(number) {
            listener.waiting.pop_front();
        }
        if let Some(connection) = self.tcp.connections.get_mut(id) {
            connection.owner = Owner::Socket(accepted);
        }
        Ok((accepted, tuple.remote))
    }

    /// Connects.
    pub(crate) fn connect_stream(
        &mut self,
        number: u32,
        remote: Endpoint,
        scope: u32,
    ) -> Result<(), Errno> {
        let socket = self.tcp_socket(number)?;
        match &socket.state {
            State::Idle => {}
            State::Stream(stream) if stream.connected => return Err(Errno::EISCONN),
            State::Stream(stream) => {
                let (id, ended) = (stream.connection, stream.ended);
                match self.tcp.connections.get(id) {
                    Some(connection) if connection.fault.is_none() && !ended => {
                        if connection.state() != tcp::State::SynSent {
                            self.note_connected(number);
                            return Ok(());
                        }
                        return Err(Errno::EALREADY);
                    }
                    _ => {}
                }
                // The attempt has failed. Who has not asked why yet learns it now; then it can be tried again.
                if let Some(error) = self.take_error_of(number) {
                    return Err(error);
                }
                self.leave_connection(number);
            }
            State::Listening(_) => return Err(Errno::EISCONN),
            State::Datagram(_) => return Err(Errno::ENOTSUP),
        }
        self.begin_connection(number, remote, scope)
    }

    fn begin_connection(
        &mut self,
        number: u32,
        mut remote: Endpoint,
        scope: u32,
    ) -> Result<(), Errno> {
        if remote.address.is_unspecified() {
            remote.address = crate::route::loopback_like(remote.address);
        }
        if remote.address.is_multicast() || self.is_broadcast(remote.address) {
            return Err(Errno::ENETUNREACH);
        }
        let socket = self.tcp_socket(number)?;
        let (bound, options) = (socket.bound, socket.options.clone());
        let source = bound
            .map(|bound| bound.address)
            .filter(|address| !address.is_unspecified());
        let route = self.route(source, remote.address, scope, options.device)?;
        if remote.port == 0 {
            return Err(Errno::ECONNREFUSED);
        }
        let port = match bound {
            Some(bound) => bound.port,
            None => self.ephemeral_stream_port(route.source, remote)?,
        };
        let tuple = Tuple {
            local: Endpoint::new(route.source, port),
            remote,
        };
        if tuple.local == tuple.remote {
            return Err(Errno::ECONNREFUSED);
        }
        if self.tcp.table.contains_key(&tuple) || self.tcp.time_wait.contains(&tuple) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let owner = Owner::Socket(number);
        let mut connection = self
            .new_connection(route.nic, tuple, owner, &options, wanted(&options))
            .ok_or(Errno::ENOBUFS)?;
        self.renew_sequence_numbers(route.nic);
        let Some(Some(nic)) = self.nics.get_mut(route.nic) else {
            return Err(Errno::ENETUNREACH);
        };
        let local = (tuple.local.address, tuple.local.port);
        let begun = connection.socket_mut().connect(
            nic.tcp.context(),
            (remote.address, remote.port),
            local,
        );
        if begun.is_err() {
            self.tcp.buffers.give(connection.slot);
            return Err(Errno::EADDRNOTAVAIL);
        }
        let id = self.add_connection(connection).ok_or(Errno::ENOBUFS)?;
        let socket = self.tcp_socket(number)?;
        socket.state = State::Stream(Stream {
            connection: id,
            remote,
            connected: false,
            ended: false,
            read_shut: false,
            write_shut: false,
        });
        socket.error = None;
        self.tcp.touch(id);
        Err(Errno::EINPROGRESS)
    }

    /// A port that no socket is bound to and from which there is no connection to `remote` yet.
    fn ephemeral_stream_port(
        &mut self,
        source: core::net::IpAddr,
        remote: Endpoint,
    ) -> Result<u16, Errno> {
        use crate::ports::{EPHEMERAL_COUNT, EPHEMERAL_FIRST};
        let start = self.random.below(EPHEMERAL_COUNT.into()) as u16;
        for step in 0..EPHEMERAL_COUNT {
            let port = EPHEMERAL_FIRST + (start + step) % EPHEMERAL_COUNT;
            let tuple = Tuple {
                local: Endpoint::new(source, port),
                remote,
            };
            if self.tcp_ports.sockets(port).is_empty()
                && tuple.local != tuple.remote
                && !self.tcp.table.contains_key(&tuple)
                && !self.tcp.time_wait.contains(&tuple)
            {
                return Ok(port);
            }
        }
        Err(Errno::EADDRNOTAVAIL)
    }

    fn stream_and_connection(&mut self, number: u32) -> Option<(&mut Stream, &mut Connection)> {
        let stream = self.sockets.get_mut(number)?.stream_mut()?;
        let connection = self.tcp.connections.get_mut(stream.connection)?;
        Some((stream, connection))
    }

    /// Notes that a handshake we began is over, if it is.
    fn note_connected(&mut self, number: u32) {
        if let Some((stream, connection)) = self.stream_and_connection(number)
            && !stream.connected
            && connection.fault.is_none()
            && !matches!(
                connection.state(),
                tcp::State::SynSent | tcp::State::SynReceived | tcp::State::Closed
            )
        {
            stream.connected = true;
            let local = connection.tuple.local;
            if let Some(socket) = self.sockets.get_mut(number)
                && socket
                    .bound
                    .is_none_or(|bound| bound.address.is_unspecified())
            {
                socket.bound = socket
                    .bound
                    .map(|bound| Endpoint::new(local.address, bound.port));
            }
        }
    }

    /// `SO_ERROR`.
    pub(crate) fn take_error_of(&mut self, number: u32) -> Option<Errno> {
        self.note_connected(number);
        let socket = self.sockets.get_mut(number)?;
        if let Some(error) = socket.error.take() {
            return Some(error);
        }
        let stream = socket.stream_mut()?;
        let connection = self.tcp.connections.get_mut(stream.connection)?;
        let fault = connection.fault.take()?;
        stream.ended = true;
        Some(fault)
    }

    /// Writes as much as there is room for.
    pub(crate) fn write_stream(&mut self, number: u32, parts: &[&[u8]]) -> Result<usize, Errno> {
        self.note_connected(number);
        if let Some(error) = self.take_error_of(number) {
            return Err(error);
        }
        let Some((stream, connection)) = self.stream_and_connection(number) else {
            return Err(Errno::EPIPE);
        };
        if stream.ended || stream.write_shut {
            return Err(Errno::EPIPE);
        }
        if !stream.connected {
            return Err(Errno::EAGAIN);
        }
        let id = stream.connection;
        let socket = connection.socket_mut();
        let mut written = 0;
        for part in parts {
            let taken = socket.send_slice(part).map_err(|_| Errno::EPIPE)?;
            written += taken;
            if taken < part.len() {
                break;
            }
        }
        if written == 0 && parts.iter().any(|part| !part.is_empty()) {
            return Err(Errno::EAGAIN);
        }
        // A cork holds back less than a segment, for a while.
        let little = socket.send_queue() < CORKED;
        if self
            .sockets
            .get(number)
            .is_some_and(|socket| socket.options.cork)
            && little
        {
            let until = self.now + CORK;
            if let Some(connection) = self.tcp.connections.get_mut(id) {
                self.tcp.timers.set(id, until, &mut connection.alarm);
            }
        } else {
            self.tcp.touch(id);
        }
        Ok(written)
    }

    /// Reads what there is.
    pub(crate) fn read_stream(&mut self, number: u32, bytes: &mut [u8]) -> Result<usize, Errno> {
        self.note_connected(number);
        let Some((stream, connection)) = self.stream_and_connection(number) else {
            return match self.take_error_of(number) {
                Some(error) => Err(error),
                None => Err(Errno::ENOTCONN),
            };
        };
        let id = stream.connection;
        // What came before an error is read before it.
        if !connection.socket().can_recv() {
            if let Some(error) = self.take_error_of(number) {
                return Err(error);
            }
            let Some((stream, connection)) = self.stream_and_connection(number) else {
                return Err(Errno::ENOTCONN);
            };
            if stream.ended || stream.read_shut {
                return Ok(0);
            }
            if !stream.connected {
                return Err(Errno::EAGAIN);
            }
            return if connection.socket().may_recv() {
                Err(Errno::EAGAIN)
            } else {
                Ok(0)
            };
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        let socket = connection.socket_mut();
        // Twice, for what lies at the end and at the beginning of the ring.
        let mut read = socket.recv_slice(bytes).unwrap_or(0);
        if read < bytes.len() && socket.can_recv() {
            read += socket.recv_slice(&mut bytes[read..]).unwrap_or(0);
        }
        self.tcp.touch(id);
        Ok(read)
    }

    /// How many bytes could be read now.
    pub(crate) fn readable_in_stream(&mut self, number: u32) -> Result<usize, Errno> {
        if matches!(self.tcp_socket(number)?.state, State::Listening(_)) {
            return Err(Errno::EINVAL);
        }
        Ok(self
            .stream_and_connection(number)
            .map_or(0, |(_, connection)| connection.socket().recv_queue()))
    }

    /// Ends one direction of a connection, or both.
    pub(crate) fn shutdown_stream(
        &mut self,
        number: u32,
        direction: Direction,
    ) -> Result<(), Errno> {
        self.note_connected(number);
        let socket = self.tcp_socket(number)?;
        if matches!(socket.state, State::Listening(_)) {
            // Linux: a listening socket listens no more, unless only its writing is ended.
            if direction != Direction::Write {
                self.drop_listener(number);
                self.tcp_socket(number)?.state = State::Idle;
            }
            return Ok(());
        }
        let Some((stream, connection)) = self.stream_and_connection(number) else {
            return Err(Errno::ENOTCONN);
        };
        if !stream.connected || stream.ended || connection.state() == tcp::State::Closed {
            return Err(Errno::ENOTCONN);
        }
        let id = stream.connection;
        if direction != Direction::Write {
            stream.read_shut = true;
        }
        if direction != Direction::Read {
            stream.write_shut = true;
            connection.socket_mut().close();
        }
        self.tcp.touch(id);
        self.may_be_ready(number);
        Ok(())
    }

    /// Ends what a socket is used for: it is being closed, or connected anew.
    pub(crate) fn leave_connection(&mut self, number: u32) {
        let Some(socket) = self.sockets.get_mut(number) else {
            return;
        };
        let linger = socket.options.linger;
        let State::Stream(stream) = &socket.state else {
            return;
        };
        let id = stream.connection;
        socket.state = State::Idle;
        let Some(connection) = self.tcp.connections.get_mut(id) else {
            return;
        };
        connection.owner = Owner::Nobody;
        let state = connection.state();
        if connection.socket().local_endpoint().is_none() {
            self.forget(id);
        } else if state == tcp::State::SynSent {
            self.end(id);
        } else {
            connection.until = Some(self.now + LEFT_ALONE);
            // RFC 2525 §2.17: unread data is lost, which the other end is to know.
            if linger == Some(0) || connection.socket().can_recv() {
                connection.socket_mut().abort();
            } else {
                connection.socket_mut().close();
            }
            self.tcp.touch(id);
        }
    }

    /// Drops what waits at a listening socket.
    pub(crate) fn drop_listener(&mut self, number: u32) {
        let Some(listener) = self.listener_mut(number) else {
            return;
        };
        let listener = core::mem::take(listener);
        for id in listener.half_open {
            self.forget(id);
        }
        for id in listener.waiting {
            if let Some(connection) = self.tcp.connections.get_mut(id) {
                connection.owner = Owner::Nobody;
                connection.socket_mut().abort();
                self.tcp.touch(id);
            }
        }
    }

    /// Tells smoltcp of options that were changed.
    pub(crate) fn apply_stream_options(&mut self, number: u32) {
        let Some(socket) = self.sockets.get(number) else {
            return;
        };
        let options = socket.options.clone();
        let Some((_, connection)) = self.stream_and_connection(number) else {
            return;
        };
        connection.traffic_class = options.class_for(connection.tuple.remote.address);
        let was_kept_alive = connection.socket().keep_alive().is_some();
        let socket = connection.socket_mut();
        socket.set_nagle_enabled(!options.no_delay);
        socket.set_hop_limit(Some(options.time_to_live.max(1)));
        if was_kept_alive != options.keep_alive {
            socket.set_keep_alive(keep_alive(&options));
        }
        if let Some(State::Stream(stream)) = self.sockets.get(number).map(|socket| &socket.state) {
            let id = stream.connection;
            self.tcp.touch(id);
        }
    }

    /// The other end.
    pub(crate) fn stream_peer(&mut self, number: u32) -> Result<(Endpoint, u32), Errno> {
        self.note_connected(number);
        let (stream, connection) = self.stream_and_connection(number).ok_or(Errno::ENOTCONN)?;
        if !stream.connected || stream.ended || connection.state() == tcp::State::Closed {
            return Err(Errno::ENOTCONN);
        }
        Ok((stream.remote, connection.nic as u32 + 1))
    }

    /// Our own end: of the connection if there is one.
    pub(crate) fn stream_local(&mut self, number: u32) -> Option<(Endpoint, u32)> {
        let (_, connection) = self.stream_and_connection(number)?;
        Some((connection.tuple.local, connection.nic as u32 + 1))
    }

    /// Makes smoltcp draw its next initial sequence number from our generator.
    pub(crate) fn renew_sequence_numbers(&mut self, nic: usize) {
        let seed = self.random.bits();
        if let Some(Some(nic)) = self.nics.get_mut(nic) {
            nic.renew(seed);
        }
    }

    /// Ends the connections of an address or an interface that is gone.
    pub(crate) fn fail_connections(
        &mut self,
        error: Errno,
        mut gone: impl FnMut(&Connection) -> bool,
    ) {
        let connections = self.tcp.connections.iter();
        let ids: alloc::vec::Vec<u32> = connections
            .filter_map(|(id, connection)| gone(connection).then_some(id))
            .collect();
        for id in ids {
            if let Some(connection) = self.tcp.connections.get_mut(id) {
                connection.fault.get_or_insert(error);
            }
            self.end(id);
        }
    }
}

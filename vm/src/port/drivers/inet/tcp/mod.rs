//! `tcp_inet`: connections, and sockets that take them, for `gen_tcp`.
//!
//! One file an idea: [`connect`] and [`accept`] make connections, [`receive`] reads, cuts into packets and hands on ([`input`] is what is
//! not handed on yet, [`deliver`] the messages), [`send`] writes and queues, [`end`] is how connections end. Here are the driver itself
//! and its requests.
//!
//! # Invariants
//!
//! What the socket is watched for is what [`Tcp::watch`] last said. It is looked at for input while somebody wants it, and possibly
//! once more: who stops wanting it does not say so, the next input does. It is looked at for room while something is queued or a
//! connection is being made. A port that is closed stays until its queue is written.

pub mod accept;
pub mod connect;
pub mod deliver;
pub mod end;
pub mod input;
pub mod receive;
pub mod send;
#[cfg(test)]
mod tests;

use super::alarms::Alarms;
use super::reader::Reader;
use super::reply::{Answer, BAD_PORT, INVALID, Refusal, Reply};
use super::request;
use super::settings::Active;
use super::socket::{Caller, Protocol, Socket, state};
use super::wire::{self, kind};
use crate::fs::errno::Errno;
use crate::platform::io::{Descriptor, Interest};
use crate::platform::network::{Direction, Kind};
use crate::port::driver::{ControlAnswer, Driver, Handle, Unsupported};
use crate::port::open::{OpenError, Options};
use crate::port::output::Output;
use crate::process::try_box;
use crate::term::Term;
use accept::Acceptor;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use input::Input;
use send::Queue;

/// The driver's name.
pub const NAME: &str = "tcp_inet";

/// What is to happen at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alarm {
    /// It was not connected soon enough.
    Connect,
    /// Nothing came for who waits.
    Receive,
    /// Nothing was sent for who waits.
    Send,
    /// Nobody connected for the one who waits with this number.
    Accept(u16),
}

/// Somebody else looks after the socket for a while: `prim_inet:ignorefd/2`.
#[derive(Clone, Copy, Debug, Default)]
struct Ignored {
    is: bool,
    /// What it is to be watched for afterwards.
    read: bool,
    write: bool,
}

/// What the next call is told, because nobody waited when it happened.
#[derive(Clone, Copy, Debug, Default)]
struct Delayed {
    /// Who sends: that it is closed.
    closed_for_send: bool,
    /// Who receives: that it is closed.
    closed_for_receive: bool,
    /// That it was reset, in place of closed.
    reset: bool,
}

/// One port of `tcp_inet`.
pub struct Tcp {
    socket: Socket,
    alarms: Alarms<Alarm>,
    watched: Interest,
    input: Input,
    /// Bytes that who waits wants; 0 for a packet, whatever its size.
    wanted: usize,
    /// The first line of a message of HTTP has come: headers follow.
    in_headers: bool,
    /// The last time that something was read, that was all there was.
    drained: bool,
    queue: Queue,
    /// Who waits until less is queued.
    blocked: Option<Caller>,
    acceptors: VecDeque<Acceptor>,
    /// What to end when the queue is written.
    shutdown_pending: Option<Direction>,
    /// The socket does not send any more.
    sending_ended: bool,
    closed_is_told: bool,
    delayed: Delayed,
    ignored: Ignored,
    /// The port is closed and waits for its queue.
    flushing: bool,
}

/// Makes the driver of a new port.
pub fn open(_: &mut Handle, _: &[u8], _: &Options) -> Result<Box<dyn Driver>, OpenError> {
    let driver = try_box(Tcp::new(Socket::new(Protocol::Tcp)))?;
    Ok(driver)
}

impl Tcp {
    fn new(socket: Socket) -> Tcp {
        Tcp {
            socket,
            alarms: Alarms::default(),
            watched: Interest::NONE,
            input: Input::default(),
            wanted: 0,
            in_headers: false,
            drained: false,
            queue: Queue::default(),
            blocked: None,
            acceptors: VecDeque::new(),
            shutdown_pending: None,
            sending_ended: false,
            closed_is_told: false,
            delayed: Delayed::default(),
            ignored: Ignored::default(),
            flushing: false,
        }
    }

    /// Looks for this from now on.
    fn watch(&mut self, at: &mut Handle, interest: Interest) {
        if let Some(descriptor) = self.socket.descriptor
            && interest != self.watched
        {
            at.watch(descriptor, interest);
            self.watched = interest;
        }
    }

    fn watch_read(&mut self, at: &mut Handle, read: bool) {
        let interest = Interest {
            read,
            ..self.watched
        };
        self.watch(at, interest);
    }

    fn watch_write(&mut self, at: &mut Handle, write: bool) {
        let interest = Interest {
            write,
            ..self.watched
        };
        self.watch(at, interest);
    }

    fn request(&mut self, at: &mut Handle, caller: Term, operation: u32, data: &[u8]) -> Reply {
        use wire::request::*;
        match operation {
            OPEN | FD_OPEN => {
                let kinds = [(kind::STREAM, Kind::Stream)];
                request::open(&mut self.socket, at, operation, data, &kinds)
            }
            LISTEN => self.listen(at, data),
            CONNECT => self.connect(at, caller, data),
            ACCEPT => self.accept(at, caller, data),
            CLOSE => {
                self.refuse_all(at);
                self.close(at);
                Ok(Answer::empty()?)
            }
            TCP_RECEIVE => self.receive_request(at, caller, data),
            TCP_UNRECEIVE => self.unreceive(at, data),
            TCP_SHUTDOWN => self.shutdown(at, data),
            // `file:sendfile/5` then reads and sends by itself.
            TCP_SEND_FILE => Err(Refusal::Posix(Errno::ENOTSUP)),
            SET_OPTIONS => self.set_options(at, caller, data),
            IGNORE_FD => self.ignore(at, data),
            _ => {
                if operation == STATUS {
                    self.look_at_acceptors(at);
                }
                let queued = self.queue.len();
                request::common(&mut self.socket, at, caller, operation, data, queued)
            }
        }
    }

    /// Sets options. A socket that becomes active hands on what is there already.
    fn set_options(&mut self, at: &mut Handle, caller: Term, data: &[u8]) -> Reply {
        let (was, packet) = (self.socket.settings.active, self.socket.settings.packet);
        let operation = wire::request::SET_OPTIONS;
        let answer = request::common(&mut self.socket, at, caller, operation, data, 0)?;
        let settings = &self.socket.settings;
        let active = settings.active;
        let new_packets = packet != settings.packet;
        if new_packets {
            self.in_headers = false;
        }
        if active != Active::Passive && self.socket.kind.is_some() && self.socket.state == 0 {
            self.tell_of_end(at);
            return Ok(answer);
        }
        if !self.socket.is_connected() || active == Active::Passive {
            return Ok(answer);
        }
        let limited = matches!(active, Active::Once | Active::Times);
        if was == Active::Passive && limited && !new_packets {
            self.receive(at);
        } else if was == Active::Passive || new_packets {
            self.hand_on(at);
        }
        if self.socket.is_connected() && self.socket.settings.active != Active::Passive {
            self.want_input(at);
        }
        Ok(answer)
    }

    /// Leaves the socket to somebody else, or takes it back.
    fn ignore(&mut self, at: &mut Handle, data: &[u8]) -> Reply {
        if !self.socket.is_connected() {
            return Err(Refusal::Posix(Errno::ENOTCONN));
        }
        match (Reader::new(data).u8()?, self.ignored.is) {
            (1, false) => {
                self.ignored = Ignored {
                    is: true,
                    read: self.socket.settings.active != Active::Passive,
                    write: self.watched.write,
                };
                self.watch(at, Interest::NONE);
            }
            (0, true) => {
                let Ignored { read, write, .. } = core::mem::take(&mut self.ignored);
                self.watch(at, Interest { read, write });
            }
            _ => return Err(INVALID),
        }
        Ok(Answer::empty()?)
    }
}

impl Driver for Tcp {
    fn has_port_locks(&self) -> bool {
        true
    }

    fn command(&mut self, at: &mut Handle, data: Vec<u8>) {
        self.output(at, None, Output::from_bytes(data));
    }

    fn output(&mut self, at: &mut Handle, caller: Option<Term>, data: Output) {
        self.send(at, caller, data);
    }

    fn control(
        &mut self,
        at: &mut Handle,
        caller: Term,
        operation: u32,
        data: &[u8],
    ) -> Result<ControlAnswer, Unsupported> {
        request::control(operation, |operation| {
            self.request(at, caller, operation, data)
        })
    }

    fn is_soft_busy(&self) -> bool {
        true
    }

    fn ready(&mut self, at: &mut Handle, descriptor: Descriptor, ready: Interest) {
        if self.socket.descriptor != Some(descriptor) {
            return;
        }
        if ready.write {
            match self.socket.is(state::CONNECTING) {
                true => self.connected(at),
                false => self.write_queue(at),
            }
        }
        // Writing may have closed it.
        if ready.read && self.socket.descriptor == Some(descriptor) {
            self.drained = false;
            match self.socket.is_connected() {
                true => self.input_ready(at),
                false => self.accept_all(at),
            }
        }
    }

    fn timeout(&mut self, at: &mut Handle) {
        while let Some(alarm) = self.alarms.due(at) {
            match alarm {
                Alarm::Connect => self.connect_timeout(at),
                Alarm::Receive => self.receive_timeout(at),
                Alarm::Send => self.send_timeout(at),
                Alarm::Accept(number) => self.accept_timeout(at, number),
            }
        }
    }

    fn woken(&mut self, at: &mut Handle) {
        // What `delay_send` put off.
        if !self.queue.is_empty() && !self.watched.write && !self.ignored.is {
            self.write_queue(at);
        }
    }

    fn flush(&mut self, at: &mut Handle) {
        self.flush_queue(at);
    }

    fn stop(&mut self, at: &mut Handle) {
        self.refuse_all(at);
        self.close(at);
    }
}

/// `{error, exbadport}` unless the socket is open.
fn opened(socket: &Socket) -> Result<Descriptor, Refusal> {
    match socket.is_open() {
        true => socket.descriptor(),
        false => Err(BAD_PORT),
    }
}

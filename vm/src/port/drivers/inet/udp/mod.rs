//! `udp_inet`: sockets that carry messages, for `gen_udp` and `inet`; local datagram sockets, too.
//!
//! This file is the driver: requests, commands, times. [`receive`] hands messages on, [`send`] takes them.
//!
//! Invariant: the socket is watched exactly as long as somebody wants a message: a process that waits for one, or the owner of an
//! active socket ([`Udp::look`]).

mod receive;
mod send;

use super::alarms::Alarms;
use super::messages;
use super::reader::Reader;
use super::reply::{Answer, BAD_PORT, INVALID, Refusal, Reply};
use super::settings::Active;
use super::socket::{Protocol, Request, Socket, state};
use super::wire::{kind, request};
use crate::fs::errno::Errno;
use crate::memory::NoMemory;
use crate::platform::io::{Descriptor, Interest};
use crate::platform::network::{Address, Kind};
use crate::port::driver::{ControlAnswer, Driver, Handle, Unsupported};
use crate::port::open::{OpenError, Options};
use crate::port::output::Output;
use crate::process::try_box;
use crate::term::Term;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The kinds of sockets that this driver opens.
const KINDS: &[(u8, Kind)] = &[(kind::DATAGRAM, Kind::Datagram)];

const READ: Interest = Interest {
    read: true,
    write: false,
};

/// One socket.
struct Udp {
    socket: Socket,
    /// When who waits for a message stops waiting.
    alarms: Alarms<()>,
    /// Whether the socket is watched.
    watched: bool,
    /// Whether [`Driver::woken`] is going to be called: once, however often the socket is readable until then.
    is_woken: bool,
    /// The other end, if the socket is connected.
    remote: Address,
}

/// Makes a driver for `{spawn_driver, "udp_inet"}`.
pub fn open(_: &mut Handle, _: &[u8], _: &Options) -> Result<Box<dyn Driver>, OpenError> {
    let driver = Udp {
        socket: Socket::new(Protocol::Udp),
        alarms: Alarms::default(),
        watched: false,
        is_woken: false,
        remote: Address::Unspecified,
    };
    Ok(try_box(driver)?)
}

impl Driver for Udp {
    fn has_port_locks(&self) -> bool {
        true
    }

    fn command(&mut self, at: &mut Handle, data: Vec<u8>) {
        self.send(at, None, data);
    }

    fn output(&mut self, at: &mut Handle, caller: Option<Term>, data: Output) {
        match data.into_bytes() {
            Ok(data) => self.send(at, caller, data),
            Err(NoMemory) => at.fail(Errno::ENOMEM),
        }
    }

    fn control(
        &mut self,
        at: &mut Handle,
        caller: Term,
        operation: u32,
        data: &[u8],
    ) -> Result<ControlAnswer, Unsupported> {
        super::request::control(operation, |number| self.request(at, caller, number, data))
    }

    fn ready(&mut self, at: &mut Handle, _: Descriptor, _: Interest) {
        self.receive(at);
    }

    fn timeout(&mut self, at: &mut Handle) {
        while self.alarms.due(at).is_some() {
            self.socket.refuse(at, Refusal::Named("timeout"));
        }
        self.look(at);
    }

    fn woken(&mut self, at: &mut Handle) {
        // There was more than is read at once.
        self.is_woken = false;
        self.receive(at);
    }

    fn stop(&mut self, at: &mut Handle) {
        self.alarms.cancel_all(at);
        self.socket.refuse(at, Refusal::Named("closed"));
        self.socket.close(at);
    }
}

impl Udp {
    fn request(&mut self, at: &mut Handle, caller: Term, number: u32, data: &[u8]) -> Reply {
        match number {
            request::OPEN | request::FD_OPEN => {
                let opened = super::request::open(&mut self.socket, at, number, data, KINDS);
                self.look(at);
                opened
            }
            request::CLOSE => {
                self.socket.close(at);
                self.watched = false;
                self.remote = Address::Unspecified;
                Ok(Answer::empty()?)
            }
            request::CONNECT => self.connect(at, caller, data),
            request::PACKET_RECEIVE => self.wait(at, caller, data),
            _ => {
                let socket = &mut self.socket;
                let reply = super::request::common(socket, at, caller, number, data, 0);
                if number == request::SET_OPTIONS {
                    self.look(at);
                }
                reply
            }
        }
    }

    /// `INET_REQ_CONNECT`: who the other end is from now on; with nothing said, everybody again. The request's time is not needed:
    /// this is done at once.
    fn connect(&mut self, at: &mut Handle, caller: Term, data: &[u8]) -> Reply {
        if !self.socket.is_open() {
            return Err(BAD_PORT);
        }
        let descriptor = self.socket.descriptor()?;
        let network = at.network()?;
        if data.is_empty() {
            // Like OTP, whatever the world says.
            let _ = network.connect(descriptor, &Address::Unspecified);
            self.disconnected();
        } else if data.len() < 6 {
            return Err(INVALID);
        } else {
            let remote = super::request::address(&self.socket, &data[4..])?;
            if self.socket.is_connected() {
                // Linux would keep the socket's own address, though another may lead to the new end.
                let _ = network.connect(descriptor, &Address::Unspecified);
            }
            if let Err(error) = network.connect(descriptor, &remote) {
                let _ = network.connect(descriptor, &Address::Unspecified);
                self.disconnected();
                return Err(error.into());
            }
            self.socket.state |= state::CONNECTED;
            self.remote = remote;
        }
        let request = Request {
            number: self.socket.number(),
            caller,
        };
        messages::request_done(at, &request);
        Ok(Answer::of(&request.number.to_be_bytes())?)
    }

    fn disconnected(&mut self) {
        self.socket.state &= !state::CONNECTED;
        self.remote = Address::Unspecified;
    }

    /// `PACKET_REQ_RECV`: who calls waits for a message. Its length is no matter of his.
    fn wait(&mut self, at: &mut Handle, caller: Term, data: &[u8]) -> Reply {
        if !self.socket.is_open() {
            return Err(BAD_PORT);
        }
        if self.socket.settings.active != Active::Passive || data.len() != 8 {
            return Err(INVALID);
        }
        let time = Reader::new(data).u32()?;
        let request = self.socket.ask(caller)?;
        self.receive(at);
        if self.socket.request.is_some() && time != super::wire::INFINITY {
            self.alarms.set(at, (), time);
        }
        Ok(Answer::of(&request.number.to_be_bytes())?)
    }

    /// Looks at the socket as long as somebody wants a message.
    fn look(&mut self, at: &mut Handle) {
        let Some(descriptor) = self.socket.descriptor else {
            self.watched = false;
            return;
        };
        let wants = self.socket.request.is_some() || self.is_active();
        if wants != self.watched {
            self.watched = wants;
            at.watch(descriptor, if wants { READ } else { Interest::NONE });
        }
    }

    fn is_active(&self) -> bool {
        self.socket.settings.active != Active::Passive
    }
}

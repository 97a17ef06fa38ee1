//! Reading from a connection, and cutting what comes into packets.
//!
//! As much is read at once as there is, but what is not cut into packets is handed on in pieces of the option `buffer`, as on OTP. A passive
//! socket hands on one packet for each request, which may want a number of bytes in place of a packet.

use super::super::messages;
use super::super::reader::Reader;
use super::super::reply::{Answer, INVALID, Refusal, Reply};
use super::super::settings::Active;
use super::super::wire;
use super::deliver::Body;
use super::{Alarm, Tcp};
use crate::fs::errno::Errno;
use crate::packet::{self, Extent};
use crate::port::driver::Handle;
use crate::term::Term;

/// The most bytes that can be asked for at once (`TCP_MAX_PACKET_SIZE` in `inet_drv.c`).
const MOST_WANTED: usize = 64 * 1024 * 1024;

/// What the bytes that have come begin with.
enum Next {
    /// A packet of so many bytes.
    Packet(usize),
    /// Part of one, of so many bytes if that is known.
    Part(Option<usize>),
    /// Nothing that makes sense, or too much.
    Bad,
}

impl Tcp {
    /// `TCP_REQ_RECV`: a time, and how many bytes. The answer is a number; the data comes later under that.
    pub(super) fn receive_request(&mut self, at: &mut Handle, caller: Term, data: &[u8]) -> Reply {
        if !self.socket.is_connected() {
            let delayed = &mut self.delayed;
            if !core::mem::take(&mut delayed.closed_for_receive) {
                return Err(Refusal::Posix(Errno::ENOTCONN));
            }
            delayed.closed_for_send = false;
            return Err(match core::mem::take(&mut delayed.reset) {
                true => Refusal::Posix(Errno::ECONNRESET),
                false => Refusal::Named("closed"),
            });
        }
        if self.socket.settings.active != Active::Passive || data.len() != 8 {
            return Err(INVALID);
        }
        let mut reader = Reader::new(data);
        let (timeout, bytes) = (reader.u32()?, reader.u32()? as usize);
        if !self.socket.settings.packet.is_raw() && bytes != 0 {
            return Err(INVALID);
        }
        if bytes > MOST_WANTED {
            return Err(Refusal::Posix(Errno::ENOMEM));
        }
        let request = self.socket.ask(caller)?;
        let answer = Answer::of(&request.number.to_be_bytes())?;
        self.wanted = bytes;
        if !self.ignored.is {
            // If all was read the last time, the next look at the world tells whether there is more.
            match self.drained && timeout != 0 {
                true => self.hand_on(at),
                false => self.receive(at),
            }
        }
        if self.socket.request.is_some() {
            match timeout {
                0 => self.receive_timeout(at),
                wire::INFINITY => self.want_input(at),
                _ => {
                    self.alarms.set(at, Alarm::Receive, timeout);
                    self.want_input(at);
                }
            }
        }
        Ok(answer)
    }

    /// Nothing came in time.
    pub(super) fn receive_timeout(&mut self, at: &mut Handle) {
        self.wanted = 0;
        if self.input.give_up_large().is_err() {
            at.fail(Errno::ENOMEM);
        }
        self.socket.refuse(at, Refusal::Named("timeout"));
    }

    /// `TCP_REQ_UNRECV`: bytes that are to come again.
    pub(super) fn unreceive(&mut self, at: &mut Handle, data: &[u8]) -> Reply {
        if !self.socket.is_connected() {
            return Err(Refusal::Posix(Errno::ENOTCONN));
        }
        self.input.push_front(at, data)?;
        if self.socket.settings.active != Active::Passive {
            self.hand_on(at);
        }
        Ok(Answer::empty()?)
    }

    /// Looks for input from now on.
    pub(super) fn want_input(&mut self, at: &mut Handle) {
        match self.ignored.is {
            true => self.ignored.read = true,
            false => self.watch_read(at, true),
        }
    }

    /// Whether somebody wants what comes.
    fn is_wanted(&self) -> bool {
        self.socket.settings.active != Active::Passive || self.socket.request.is_some()
    }

    /// There is something to read, or the end.
    pub(super) fn input_ready(&mut self, at: &mut Handle) {
        match self.is_wanted() {
            true => self.receive(at),
            false => self.watch_read(at, false),
        }
    }

    /// Hands on what is wanted and has come, reading if need be.
    pub(super) fn receive(&mut self, at: &mut Handle) {
        self.hand_on(at);
        if self.is_wanted() && self.socket.is_connected() {
            self.read(at);
        }
        self.input.settle(at);
    }

    /// Hands on what is wanted and has come, without reading.
    pub(super) fn hand_on(&mut self, at: &mut Handle) {
        while self.is_wanted() && self.socket.is_connected() {
            match self.next() {
                Next::Packet(len) => self.deliver(at, len),
                Next::Part(_) => break,
                Next::Bad => return self.receive_error(at, Errno::EMSGSIZE),
            }
        }
    }

    fn read(&mut self, at: &mut Handle) {
        let Some(descriptor) = self.socket.descriptor else {
            return;
        };
        let size = match self.next() {
            Next::Part(size) => size,
            _ => None,
        };
        match self.input.read(at, descriptor, size) {
            Ok(0) => self.receive_closed(at),
            Ok(read) => {
                self.drained = read < super::input::READ_BYTES;
                match self.input.take_large() {
                    Some(packet) => self.deliver_body(at, Body::Whole(packet)),
                    None => self.hand_on(at),
                }
            }
            Err(Errno::EAGAIN | Errno::EINTR) => self.drained = true,
            Err(Errno::ECONNRESET) if !self.socket.settings.show_econnreset => {
                self.receive_closed(at);
            }
            Err(error) => self.receive_error(at, error),
        }
    }

    /// What the bytes that have come begin with.
    fn next(&self) -> Next {
        let bytes = self.input.bytes();
        if self.wanted > 0 {
            return match bytes.len() >= self.wanted {
                true => Next::Packet(self.wanted),
                false => Next::Part(Some(self.wanted)),
            };
        }
        if bytes.is_empty() {
            return Next::Part(None);
        }
        let settings = &self.socket.settings;
        // A packet that does not say how long it is has to fit the buffer.
        let room = settings.buffer.max(settings.packet_size);
        let kind = settings.packet.kind(self.in_headers);
        let limits = settings.limits(match settings.packet_size {
            0 => settings.buffer,
            _ => room,
        });
        match packet::length(kind, bytes, &limits) {
            Extent::Bytes(len) if kind == packet::Kind::Raw => {
                Next::Packet(len.min(settings.buffer))
            }
            Extent::Bytes(len) => Next::Packet(len),
            Extent::More(Some(len)) => Next::Part(Some(len)),
            Extent::More(None) if bytes.len() >= room.max(super::input::READ_BYTES) => Next::Bad,
            Extent::More(None) => Next::Part(None),
            Extent::Invalid => Next::Bad,
        }
    }

    /// Hands on the first `len` bytes.
    fn deliver(&mut self, at: &mut Handle, len: usize) {
        // The bytes are lent to who builds the message.
        let input = core::mem::take(&mut self.input);
        self.deliver_body(at, Body::Part(&input.bytes()[..len]));
        // Whoever was told of an error in between has cleared what was there.
        self.input = input;
        self.input.advance(len);
    }

    /// Hands on a packet, and notes that it is.
    fn deliver_body(&mut self, at: &mut Handle, body: Body) {
        self.wanted = 0;
        self.socket.statistics.received.add(body.len());
        self.alarms.cancel(at, Alarm::Receive);
        self.send_packet(at, body);
        let settings = &mut self.socket.settings;
        match settings.active {
            Active::Passive | Active::Always => {}
            Active::Once => settings.active = Active::Passive,
            Active::Times => {
                settings.times -= 1;
                if settings.times <= 0 {
                    settings.active = Active::Passive;
                    messages::passive(at, self.socket.protocol);
                }
            }
        }
    }
}

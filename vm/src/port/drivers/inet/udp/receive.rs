//! Messages that came: to the owner of an active socket `{udp, Socket, Address, Port, Data}`, to who waits `{ok, [Address... | Data]}`.
//!
//! Where a socket was told to receive what goes beside messages (`recvtos`, `recvtclass`, `recvttl`), that comes with them as a list of
//! `{tos, N}`, `{tclass, N}` and `{ttl, N}`.

use super::Udp;
use crate::atom::am;
use crate::bits::make_binary;
use crate::fs::errno::Errno;
use crate::memory::heap::Heap;
use crate::memory::{Arena, NoMemory};
use crate::platform::network::{Address, Received};
use crate::port::driver::Handle;
use crate::port::drivers::inet::reply::Refusal;
use crate::port::drivers::inet::settings::{Active, Settings};
use crate::port::drivers::inet::{address, messages};
use crate::term::Term;
use core::net::SocketAddr;
use smallvec::SmallVec;

impl Udp {
    /// Hands on what has come: as much as somebody wants of it, and no more than `read_packets` messages at once.
    pub(super) fn receive(&mut self, at: &mut Handle) {
        let Ok(mut buffer) = at.take_buffer(self.socket.settings.buffer) else {
            if !self.is_active() {
                self.alarms.cancel_all(at);
                self.socket.refuse(at, Refusal::Posix(Errno::ENOMEM));
            }
            return at.fail(Errno::ENOMEM);
        };
        let mut left = self.socket.settings.read_packets;
        while self.wants_message() {
            if left == 0 {
                // Others have their turn first.
                if !core::mem::replace(&mut self.is_woken, true) {
                    at.wake();
                }
                break;
            }
            left -= 1;
            let room = self.socket.settings.buffer.min(buffer.len());
            let (Some(descriptor), Ok(network)) = (self.socket.descriptor, at.network()) else {
                break;
            };
            match network.receive_from(descriptor, &mut buffer[..room]) {
                Ok(received) => self.hand_on(at, &received, &buffer[..received.len.min(room)]),
                Err(Errno::EAGAIN) => break,
                Err(error) => {
                    self.failed(at, error);
                    break;
                }
            }
        }
        at.give_buffer(buffer);
        self.look(at);
    }

    fn wants_message(&self) -> bool {
        self.socket.request.is_some() || (self.socket.is_open() && self.is_active())
    }

    fn failed(&mut self, at: &mut Handle, error: Errno) {
        if self.is_active() {
            messages::failure(at, self.socket.protocol, error.name());
        } else {
            self.alarms.cancel_all(at);
            self.socket.refuse(at, Refusal::Posix(error));
        }
    }

    fn hand_on(&mut self, at: &mut Handle, received: &Received, bytes: &[u8]) {
        self.socket.statistics.received.add(bytes.len());
        let from = match self.socket.is_connected() {
            true => &self.remote,
            false => &received.from,
        };
        let settings = &self.socket.settings;
        let beside = settings.beside.is_any().then_some(received);
        if let Some(request) = self.socket.request.take() {
            let encoded = address::encode(from);
            messages::request_value(at, &request, |heap, _| {
                let rest = messages::data(heap, settings, bytes)?;
                let all = heap.byte_list(&encoded, rest)?;
                match beside {
                    None => Ok(all),
                    Some(received) => {
                        let beside = ancillary(heap, received)?;
                        heap.tuple(&[all, beside])
                    }
                }
            });
            self.alarms.cancel_all(at);
            return;
        }
        if settings.deliver_port {
            deliver(at, settings, &address::encode(from), bytes);
        } else {
            let (owner, port) = (at.owner(), at.port);
            messages::post(at, owner, |heap, _| {
                let (address, from_port) = sender(heap, from)?;
                let data = messages::data(heap, settings, bytes)?;
                let udp = am::UDP.term();
                match beside {
                    None => heap.tuple(&[udp, port, address, from_port, data]),
                    Some(received) => {
                        let beside = ancillary(heap, received)?;
                        heap.tuple(&[udp, port, address, from_port, beside, data])
                    }
                }
            });
        }
        self.delivered(at);
    }

    /// The owner got a message: one less of those that he asked for.
    fn delivered(&mut self, at: &mut Handle) {
        let settings = &mut self.socket.settings;
        match settings.active {
            Active::Passive | Active::Always => {}
            Active::Once => settings.active = Active::Passive,
            Active::Times => {
                settings.times -= 1;
                if settings.times <= 0 {
                    settings.times = 0;
                    settings.active = Active::Passive;
                    messages::passive(at, self.socket.protocol);
                }
            }
        }
    }
}

/// Sends a message as data of a port, behind the bytes of the sender's address; `header` counts from there.
fn deliver(at: &mut Handle, settings: &Settings, address: &[u8], bytes: &[u8]) {
    let mut all = SmallVec::<[u8; 256]>::new();
    if all.try_reserve(address.len() + bytes.len()).is_err() {
        return at.fail(Errno::ENOMEM);
    }
    all.extend_from_slice(address);
    all.extend_from_slice(bytes);
    match all.split_at_checked(settings.header) {
        Some((head, rest)) if settings.binary => at.data_behind(head, Some(rest)),
        _ => at.data_behind(&all, None),
    }
}

/// The sender's address and port, as terms.
fn sender(heap: &mut Heap, from: &Address) -> Result<(Term, Term), NoMemory> {
    let zero = Term::small(0);
    let named = |heap: &mut Heap, family: Term, name: &[u8]| {
        let name = make_binary(heap, name)?;
        heap.tuple(&[family, name])
    };
    Ok(match from {
        Address::Ip(SocketAddr::V4(address)) => {
            let parts = address.ip().octets().map(|part| Term::small(part.into()));
            (heap.tuple(&parts)?, Term::small(address.port().into()))
        }
        Address::Ip(SocketAddr::V6(address)) => {
            let parts = address.ip().segments();
            let parts = parts.map(|part| Term::small(part.into()));
            (heap.tuple(&parts)?, Term::small(address.port().into()))
        }
        Address::Local(path) => (named(heap, am::LOCAL.term(), path)?, zero),
        Address::Unspecified => (named(heap, am::UNSPEC.term(), &[])?, zero),
    })
}

/// What came beside a message.
fn ancillary(heap: &mut Heap, received: &Received) -> Result<Term, NoMemory> {
    let mut list = Term::NIL;
    for (name, value) in [
        (am::TCLASS, received.traffic_class),
        (am::TOS, received.type_of_service),
        (am::TTL, received.time_to_live),
    ] {
        if let Some(value) = value {
            let pair = heap.tuple(&[name.term(), Term::small(value.into())])?;
            list = heap.cons(pair, list)?;
        }
    }
    Ok(list)
}

//! The messages in which packets come: to who asked, or to the owner of an active socket.

use super::super::settings::{Packet, Settings};
use super::super::{messages, socket::Request};
use super::Tcp;
use crate::atom::{AtomTable, am};
use crate::bits::buffer::Buffer;
use crate::bits::sub_bits;
use crate::memory::heap::Heap;
use crate::memory::{Arena, NoMemory};
use crate::packet::http::{self, Message};
use crate::packet::terms::{self, Builder};
use crate::packet::{self};
use crate::port::driver::Handle;
use crate::term::{Atom, Term};

/// A packet with all that belongs to it.
pub(super) enum Body<'a> {
    /// Part of what has come.
    Part(&'a [u8]),
    /// All of a block that can become a binary.
    Whole(Buffer),
}

impl Body<'_> {
    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        match self {
            Body::Part(bytes) => bytes.len(),
            Body::Whole(buffer) => buffer.len(),
        }
    }
}

impl Tcp {
    /// Sends a packet to who is to have it.
    pub(super) fn send_packet(&mut self, at: &mut Handle, body: Body) {
        let packet = self.socket.settings.packet;
        let body = match body {
            Body::Whole(mut buffer) if !is_plain(packet) => {
                return self.send_packet(at, Body::Part(buffer.bytes()));
            }
            body => body,
        };
        let request = self.socket.request.take();
        let (skipped, padding) = self.around(&body);
        if self.socket.settings.deliver_port {
            let len = body.len() - padding;
            return match &mut { body } {
                Body::Part(bytes) => self.port_data(at, &bytes[skipped..len]),
                Body::Whole(buffer) => self.port_data(at, &buffer.bytes()[skipped..len]),
            };
        }
        match (packet, body) {
            (Packet::Http { binary } | Packet::HttpHeaders { binary }, Body::Part(line)) => {
                self.send_http(at, request, line, binary);
            }
            (Packet::Kind(packet::Kind::Tls), Body::Part(record)) => {
                let port = at.port;
                let build = |heap: &mut Heap| terms::record(heap, port, record);
                match request {
                    Some(request) => messages::request_value(at, &request, |heap, _| build(heap)),
                    None => {
                        let owner = at.owner();
                        messages::post(at, owner, |heap, _| build(heap));
                    }
                }
            }
            (_, body) => {
                let settings = &self.socket.settings;
                let build = |heap: &mut Heap, _: &mut AtomTable| {
                    data(heap, settings, body, skipped, padding)
                };
                to_who_is_to_have_it(at, request, am::TCP, build);
            }
        }
    }

    /// How many bytes of a packet go before what it holds, and how many behind.
    fn around(&self, body: &Body) -> (usize, usize) {
        match (self.socket.settings.packet, body) {
            (Packet::Kind(packet::Kind::Length(size)), _) => (size, 0),
            (Packet::Kind(packet::Kind::FastCgi), Body::Part(bytes)) => {
                let padding = bytes.get(6).copied().unwrap_or(0);
                (0, usize::from(padding).min(bytes.len()))
            }
            _ => (0, 0),
        }
    }

    /// Sends `{Port, {data, Data}}` to the owner, as any port does.
    fn port_data(&mut self, at: &mut Handle, bytes: &[u8]) {
        let settings = &self.socket.settings;
        match bytes.split_at_checked(settings.header) {
            Some((head, rest)) if settings.binary && settings.header > 0 => {
                at.data_behind(head, Some(rest));
            }
            _ if settings.binary => at.data(bytes),
            _ => at.data_behind(bytes, None),
        }
    }

    fn send_http(&mut self, at: &mut Handle, request: Option<Request>, line: &[u8], binary: bool) {
        let headers = matches!(self.socket.settings.packet, Packet::HttpHeaders { .. });
        let message = match headers || self.in_headers {
            true => http::header(line),
            false => http::first_line(line, at.machine.release_number() >= 26),
        };
        match message {
            Message::Request { .. } | Message::Response { .. } => self.in_headers = true,
            Message::EndOfHeaders => self.in_headers = false,
            Message::Header { .. } | Message::Error => {}
        }
        to_who_is_to_have_it(at, request, am::HTTP, |heap, atoms| {
            let mut builder = Builder {
                arena: heap,
                atoms,
                binary,
            };
            builder.message(message, line)
        });
    }
}

/// Whether what a packet holds is its bytes but for the first ones.
fn is_plain(packet: Packet) -> bool {
    matches!(
        packet,
        Packet::Kind(packet::Kind::Raw | packet::Kind::Length(_))
    )
}

/// Sends `{inet_async, Socket, Number, {ok, Value}}` to who asked, or `{Tag, Socket, Value}` to the owner.
fn to_who_is_to_have_it(
    at: &mut Handle,
    request: Option<Request>,
    tag: Atom,
    build: impl FnOnce(&mut Heap, &mut AtomTable) -> Result<Term, NoMemory>,
) {
    match request {
        Some(request) => messages::request_value(at, &request, build),
        None => {
            let (owner, port) = (at.owner(), at.port);
            messages::post(at, owner, |heap, atoms| {
                let value = build(heap, atoms)?;
                heap.tuple(&[tag.term(), port, value])
            });
        }
    }
}

/// What a packet holds, as the options want it.
fn data(
    heap: &mut Heap,
    settings: &Settings,
    body: Body,
    skipped: usize,
    padding: usize,
) -> Result<Term, NoMemory> {
    let len = body.len() - padding;
    match body {
        Body::Part(bytes) => messages::data(heap, settings, &bytes[skipped..len]),
        Body::Whole(buffer) if settings.binary && settings.header == 0 => {
            let whole = buffer.into_binary(heap, len)?;
            sub_bits(heap, whole, skipped * 8, (len - skipped) * 8)
        }
        Body::Whole(mut buffer) => messages::data(heap, settings, &buffer.bytes()[skipped..len]),
    }
}

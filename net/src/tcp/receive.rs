//! The way of a segment in.
//!
//! Invariant: a segment is handed to smoltcp with the one connection it is for, or with none, whereupon smoltcp answers it with a
//! reset; answers wait in the outbox until the link has taken its frame back.

use super::Owner;
use super::send::instant;
use crate::address::{Endpoint, Tuple};
use crate::device::{Port, Way};
use crate::packet::{Packet, Segment, flag};
use crate::stack::Stack;
use smoltcp::iface::SocketSet;
use smoltcp::socket::tcp::State;
use starling_vm::fs::errno::Errno;

impl Stack {
    /// Takes a TCP packet that came through an interface and is for this machine. Its checksum is known to be right.
    pub(crate) fn receive_tcp(&mut self, nic: usize, packet: &Packet) {
        let Some(segment) = Segment::parse(packet.payload) else {
            return;
        };
        if packet.source.is_unspecified() || packet.destination.is_multicast() {
            return;
        }
        let tuple = Tuple {
            local: Endpoint::new(packet.destination, segment.destination),
            remote: Endpoint::new(packet.source, segment.source),
        };
        if let Some(&id) = self.tcp.table.get(&tuple) {
            self.deliver(id, nic, packet, &segment);
            return;
        }
        if self.receive_in_time_wait(&tuple, &segment) {
            return;
        }
        // RFC 9293 §3.10.7.2, RFC 1122 §4.2.3.10: what was sent to everybody neither begins anything nor is answered.
        if self.is_broadcast(packet.destination) {
            return;
        }
        let opens = segment.has(flag::SYN) && !segment.has(flag::ACK | flag::RST | flag::FIN);
        if opens {
            match self.listening_on(tuple.local, nic) {
                Some(listener) => {
                    if let Some(id) = self.begin_handshake(listener, nic, tuple) {
                        self.deliver(id, nic, packet, &segment);
                    }
                }
                None => self.refuse(nic, packet),
            }
        } else if !segment.has(flag::RST) {
            self.refuse(nic, packet);
        }
    }

    /// Has smoltcp answer a segment that is for nobody.
    fn refuse(&mut self, number: usize, packet: &Packet) {
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        let mut port = Port {
            received: Some(packet.whole),
            way: Way::Outbox(&mut self.outbox),
            capabilities: &nic.capabilities,
            offload: nic.offload,
            traffic_class: 0,
            identification: &mut self.identification,
            scratch: &mut self.scratch,
            sent: None,
            exhausted: false,
            nic: number,
        };
        let mut nobody = SocketSet::new([]);
        nic.tcp
            .poll_ingress_single(instant(self.now), &mut port, &mut nobody);
    }

    /// Hands a segment to its connection.
    fn deliver(&mut self, id: u32, number: usize, packet: &Packet, segment: &Segment) {
        let now = self.now;
        let (Some(connection), Some(Some(nic))) =
            (self.tcp.connections.get_mut(id), self.nics.get_mut(number))
        else {
            return;
        };
        let before = connection.state();
        let held = connection.socket().recv_queue();
        let mut port = Port {
            received: Some(packet.whole),
            way: Way::Outbox(&mut self.outbox),
            capabilities: &nic.capabilities,
            offload: nic.offload,
            traffic_class: connection.traffic_class,
            identification: &mut self.identification,
            scratch: &mut self.scratch,
            sent: None,
            exhausted: false,
            nic: number,
        };
        let set = connection.slot.set();
        nic.tcp.poll_ingress_single(instant(now), &mut port, set);
        if let Some(sent) = port.sent {
            connection.sent = sent;
        }
        connection.heard = now;
        if connection.owed_since.is_some() {
            connection.owed_since = Some(now);
        }
        let after = connection.state();
        if after == State::Closed && before != State::Closed && segment.has(flag::RST) {
            connection.fault = Some(match before {
                State::SynSent => Errno::ECONNREFUSED,
                // The other end had been told that we would not read any more.
                State::CloseWait => Errno::EPIPE,
                _ => Errno::ECONNRESET,
            });
        }
        match connection.owner {
            Owner::HalfOpen(_) => match after {
                State::SynReceived => {}
                // A reset, or something that is no handshake.
                State::Listen | State::Closed => {
                    self.forget(id);
                    return;
                }
                _ => self.complete_handshake(id),
            },
            // Data for a program that has closed: RFC 9293 §3.6.1 has it answered with a reset.
            Owner::Nobody => {
                if connection.socket().recv_queue() > held {
                    connection.socket_mut().abort();
                }
            }
            Owner::Socket(number) if segment.data > 0 && after == State::Established => {
                let socket = self.sockets.get(number);
                if socket.is_some_and(|socket| socket.watched.read) {
                    self.tcp.touch_later(id);
                    self.may_be_ready(number);
                    return;
                }
            }
            Owner::Socket(_) | Owner::Waiting(_) => {}
        }
        self.tcp.touch(id);
    }
}

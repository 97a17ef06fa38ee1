//! The stack: all of its parts, and the calls by which its owner drives it.
//!
//! The owner calls [`Stack::poll`] when a link has something, when [`Stack::next_deadline`] has come, and before it sleeps; then it
//! takes [`Stack::next_event`] until there is none. Sockets are used in between, by the methods of `Network` (`network.rs`) and those
//! of the same names as in `Io` ([`Stack::read`], [`Stack::write`], [`Stack::close`], [`Stack::watch`]). What they write goes out with the
//! next [`Stack::poll`].
//!
//! Invariants: one call of `poll` does bounded work ([`FRAMES`], [`ROUNDS`]) and says by `next_deadline` that there is more; nothing that
//! comes from a link makes it panic or take more than its budget of memory.

use crate::buffer::Queue;
use crate::configuration::Configuration;
use crate::device::{LARGEST_PACKET, Outbox};
use crate::events::Events;
use crate::link::Link;
use crate::nic::{Nic, Nics};
use crate::packet::{Packet, protocol};
use crate::ports::Ports;
use crate::random::Random;
use crate::reassembly::Partials;
use crate::slab::Slab;
use crate::socket::Socket;
use crate::tcp::Tcp;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use starling_vm::platform::io::{Descriptor, Event};
use starling_vm::platform::network::Naming;

/// The place of the loopback among the interfaces.
pub const LOOPBACK: usize = 0;
/// Frames of one link in one poll.
const FRAMES: usize = 512;
/// How often in one poll packets go around the loopback.
const ROUNDS: usize = 32;
/// Packets that go around the loopback in one round.
const LOOPS: usize = 256;
/// Bytes that wait in the loopback at most.
const LOOPBACK_QUEUE: usize = 2 * 1024 * 1024;
/// Bytes that wait for a link that is handing over a frame.
const OUTBOX: usize = 256 * 1024;

/// TCP/IP.
pub struct Stack {
    /// The owner's clock at the last call that told it.
    pub(crate) now: u64,
    /// When the stack began.
    pub(crate) started: u64,
    pub(crate) random: Random,
    pub(crate) configuration: Configuration,
    pub(crate) nics: Nics,
    pub(crate) loopback: Queue<usize>,
    pub(crate) outbox: Outbox,
    pub(crate) scratch: Vec<u8>,
    /// IPv4's number of the next packet.
    pub(crate) identification: u16,
    pub(crate) sockets: Slab<Socket>,
    pub(crate) tcp_ports: Ports,
    pub(crate) udp_ports: Ports,
    pub(crate) tcp: Tcp,
    pub(crate) events: Events,
    pub(crate) partials: Partials,
    /// The second in which ICMP errors were sent last, and how many.
    pub(crate) errors: (u64, u32),
    pub(crate) naming: Naming,
    pub(crate) naming_is_news: bool,
    pub(crate) naming_was_reported: bool,
    first_descriptor: u32,
    /// Whether a link had more frames than were taken.
    more_frames: bool,
}

/// How large a stack may become, and the numbers of its sockets.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes for the buffers of connections. Besides, each UDP socket holds as many bytes of messages as its `SO_RCVBUF` says, and tables
    /// are bounded by what is in them.
    pub memory: usize,
    /// The first descriptor that is the stack's; it and those above are.
    pub first_descriptor: u32,
}

/// What a stack holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Sockets that are open.
    pub sockets: usize,
    /// Connections, those of closed sockets included.
    pub connections: usize,
    /// Connections of which only the memory is left, in TIME-WAIT.
    pub waiting: usize,
    /// Handshakes that others began and that go on.
    pub half_open: usize,
    /// Bytes that connections have for buffers.
    pub buffers: usize,
}

impl Stack {
    /// A stack with a loopback and no links, at time `now` in nanoseconds. `seed` is 256 bits that nobody can foretell.
    pub fn new(configuration: Configuration, limits: Limits, seed: [u8; 32], now: u64) -> Stack {
        let mut random = Random::new(seed);
        let mut stack = Stack {
            now,
            started: now,
            nics: Nics::new(&mut random, now),
            configuration,
            loopback: Queue::new(LOOPBACK_QUEUE),
            outbox: Queue::new(OUTBOX),
            scratch: vec![0; LARGEST_PACKET + 64],
            identification: random.bits() as u16,
            sockets: Slab::new(),
            tcp_ports: Ports::new(random.key()),
            udp_ports: Ports::new(random.key()),
            tcp: Tcp::new(limits.memory, &mut random),
            events: Events::default(),
            partials: Partials::default(),
            errors: (0, 0),
            naming: Naming::default(),
            naming_is_news: false,
            naming_was_reported: false,
            first_descriptor: limits.first_descriptor,
            more_frames: false,
            random,
        };
        stack.naming_changed();
        stack
    }

    /// Whether a descriptor is one of the stack's.
    pub fn owns(&self, descriptor: Descriptor) -> bool {
        descriptor.0 >= self.first_descriptor
    }

    /// The number of a socket.
    pub(crate) fn number(&self, descriptor: Descriptor) -> Option<u32> {
        descriptor.0.checked_sub(self.first_descriptor)
    }

    /// The descriptor of a socket.
    pub(crate) fn descriptor(&self, number: u32) -> Descriptor {
        Descriptor(self.first_descriptor + number)
    }

    /// Takes a link in, under a name such as `eth0`; what it is called by [`Stack::remove_link`] and [`Stack::link_mut`].
    pub fn add_link(&mut self, name: String, link: Box<dyn Link>, now: u64) -> usize {
        self.now = self.now.max(now);
        self.begin_nic(name, link)
    }

    /// Gives a link back. Its connections end with `ENETDOWN`.
    pub fn remove_link(&mut self, nic: usize, now: u64) -> Option<Box<dyn Link>> {
        self.now = self.now.max(now);
        self.end_nic(nic)
    }

    /// A link, for whoever drives its device.
    pub fn link_mut(&mut self, nic: usize) -> Option<&mut (dyn Link + 'static)> {
        self.nics.get_mut(nic)?.as_mut()?.link.as_deref_mut()
    }

    /// Takes what the links have, lets connections send, and finds out what there is to report.
    pub fn poll(&mut self, now: u64) {
        self.now = self.now.max(now);
        self.tcp.take_up_later();
        self.look_at_links();
        self.receive_frames();
        self.fire_timers();
        self.expire_time_wait();
        self.run_nics();
        for _ in 0..ROUNDS {
            self.empty_outbox();
            self.ask_dirty();
            let turned = self.turn_loopback();
            self.unblock(LOOPBACK);
            if !turned && self.tcp.dirty.is_empty() {
                break;
            }
        }
        self.empty_outbox();
        for nic in self.nics.iter_mut().flatten() {
            if let Some(link) = &mut nic.link {
                link.flush();
            }
        }
        self.collect_events();
    }

    /// When [`Stack::poll`] is to be called if nothing else happens before; the past if there is more to do already.
    pub fn next_deadline(&self) -> Option<u64> {
        let busy = self.more_frames
            || !self.tcp.dirty.is_empty()
            || !self.tcp.later.is_empty()
            || !self.loopback.is_empty()
            || !self.outbox.is_empty()
            || self.events.are_waiting()
            || self.naming_is_news && !self.naming_was_reported;
        if busy {
            return Some(0);
        }
        let nics = self.nics.iter().flatten().filter_map(Nic::next_deadline);
        [self.tcp.timers.next(), self.tcp.time_wait.next_deadline()]
            .into_iter()
            .flatten()
            .chain(nics)
            .min()
    }

    /// What the stack holds now.
    pub fn usage(&self) -> Usage {
        Usage {
            sockets: self.sockets.len(),
            connections: self.tcp.connections.len(),
            waiting: self.tcp.time_wait.len(),
            half_open: self.tcp.half_open,
            buffers: self.tcp.buffers.in_use(),
        }
    }

    /// The next thing that has happened.
    pub fn next_event(&mut self) -> Option<Event> {
        self.take_event()
    }

    /// Takes frames from all links.
    fn receive_frames(&mut self) {
        self.more_frames = false;
        for number in LOOPBACK + 1..self.nics.len() {
            // The link lends its frames one by one. Meanwhile it is not in its place: what is to go out waits in the outbox.
            let Some(mut link) = self.nics.lend_link(number) else {
                continue;
            };
            let mut left = FRAMES;
            while left > 0
                && link.receive(&mut |frame, incoming| self.receive_frame(number, frame, incoming))
            {
                left -= 1;
            }
            self.more_frames |= left == 0;
            self.nics.return_link(number, link);
            self.empty_outbox();
        }
    }

    /// Takes the packets that go around. False: there were none.
    fn turn_loopback(&mut self) -> bool {
        let count = self.loopback.len().min(LOOPS);
        for _ in 0..count {
            let Some((nic, buffer)) = self.loopback.pop() else {
                break;
            };
            self.receive_packet(nic, buffer.bytes(), true);
            self.loopback.recycle(buffer);
        }
        count > 0
    }

    /// Takes an IP packet. `trusted` ones have not been on a wire: their checksums are not looked at.
    pub(crate) fn receive_packet(&mut self, nic: usize, bytes: &[u8], trusted: bool) {
        let Some(packet) = Packet::parse(bytes, !trusted) else {
            return;
        };
        if !self.is_for_us(nic, &packet) {
            return;
        }
        if packet.fragment.is_some() {
            self.receive_fragment(nic, &packet);
            return;
        }
        self.receive_whole(nic, &packet, trusted);
    }

    /// Takes a packet that is for this machine and not a fragment.
    pub(crate) fn receive_whole(&mut self, nic: usize, packet: &Packet, trusted: bool) {
        match packet.protocol {
            protocol::TCP if trusted || packet.checksum_is_good() => {
                self.receive_tcp(nic, packet);
            }
            protocol::UDP => self.receive_udp(nic, packet, trusted),
            protocol::ICMP | protocol::ICMPV6 => self.receive_icmp(nic, packet),
            protocol::IGMP => self.receive_igmp(nic, packet),
            _ => {}
        }
    }
}

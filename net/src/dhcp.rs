//! DHCP for IPv4 (RFC 2131, 2132, 3397, 3442): a client for each interface that has nothing better.
//!
//! Invariant: it never holds anything up; it tries for as long as the interface lives, says once that nobody answers, and forgets a
//! lease when it ends. What a server says is bounded: so many servers, so many domains.

use crate::nic::{Address, Claim, Nic, Origin, Router};
use crate::packet::{self, Header, Packet, UDP_CHECKSUM, UDP_HEADER, protocol};
use crate::random::Random;
use crate::stack::Stack;
use crate::tcp::SECOND;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

/// Ports of servers and clients.
const SERVER: u16 = 67;
const CLIENT: u16 = 68;
/// Length of what is in front of the options.
const FIXED: usize = 240;
/// Messages are padded to this length, the least that old relays take (RFC 1542).
const SHORTEST: usize = 300;
/// What precedes the options.
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// When to say that nobody answers.
const PATIENCE: u64 = 10 * SECOND;
/// The longest pause between two questions.
const LONGEST_PAUSE: u64 = 16 * SECOND;
/// How long to wait after an address turned out to be taken (RFC 2131 §3.1).
const AFTER_CONFLICT: u64 = 10 * SECOND;
/// How many servers, routers and domains are remembered.
const MANY: usize = 4;

/// Kinds of messages.
mod kind {
    pub const DISCOVER: u8 = 1;
    pub const OFFER: u8 = 2;
    pub const REQUEST: u8 = 3;
    pub const DECLINE: u8 = 4;
    pub const ACK: u8 = 5;
    pub const NAK: u8 = 6;
}

/// Options.
mod option {
    pub const MASK: u8 = 1;
    pub const ROUTER: u8 = 3;
    pub const DNS: u8 = 6;
    pub const HOST_NAME: u8 = 12;
    pub const DOMAIN: u8 = 15;
    pub const REQUESTED: u8 = 50;
    pub const LEASE: u8 = 51;
    pub const KIND: u8 = 53;
    pub const SERVER: u8 = 54;
    pub const LIST: u8 = 55;
    pub const LARGEST: u8 = 57;
    pub const RENEW: u8 = 58;
    pub const REBIND: u8 = 59;
    pub const CLIENT: u8 = 61;
    pub const SEARCH: u8 = 119;
    pub const ROUTES: u8 = 121;
}

/// What a server gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// Length of its network's part.
    pub prefix: u8,
    /// Who gave it.
    pub server: Ipv4Addr,
    /// Routers.
    pub routers: Vec<Ipv4Addr>,
    /// Servers to ask for names.
    pub dns: Vec<Ipv4Addr>,
    /// Domains to search names in.
    pub search: Vec<String>,
    /// How this host is called.
    pub host_name: Option<String>,
    /// Seconds it lasts, and after which to ask this server and any server for more.
    seconds: u32,
    renew: u32,
    rebind: u32,
}

#[derive(Debug)]
enum State {
    /// Looking for servers.
    Selecting,
    /// Asking for what one has offered.
    Requesting(Lease),
    /// Having it since then.
    Bound(Lease, u64),
}

/// A client.
#[derive(Debug)]
pub struct Dhcp {
    state: State,
    transaction: u32,
    /// When it began to look for servers.
    began: u64,
    tries: u32,
    /// When to do something.
    next: u64,
    warned: bool,
}

impl Dhcp {
    /// One that begins now.
    pub fn new(random: &mut Random, now: u64) -> Dhcp {
        Dhcp {
            state: State::Selecting,
            transaction: random.bits() as u32,
            began: now,
            tries: 0,
            next: now,
            warned: false,
        }
    }

    /// When it wants to be called.
    pub fn next_deadline(&self) -> u64 {
        if self.warned || matches!(self.state, State::Bound(..)) {
            self.next
        } else {
            self.next.min(self.began + PATIENCE)
        }
    }

    /// What it has.
    pub fn lease(&self) -> Option<&Lease> {
        match &self.state {
            State::Bound(lease, _) => Some(lease),
            _ => None,
        }
    }

    fn restart(&mut self, random: &mut Random, now: u64, pause: u64) {
        *self = Dhcp {
            next: now + pause,
            warned: self.warned,
            ..Dhcp::new(random, now)
        };
    }

    fn pause(&mut self, random: &mut Random) -> u64 {
        let pause = (SECOND << self.tries.min(4)).min(LONGEST_PAUSE);
        self.tries += 1;
        // RFC 2131 §4.1: not all clients at once.
        pause - SECOND / 4 + u64::from(random.below(500)) * (SECOND / 1000)
    }
}

/// A message, taken apart.
struct Message {
    kind: u8,
    lease: Lease,
}

fn addresses(bytes: &[u8]) -> Vec<Ipv4Addr> {
    let all = bytes.chunks_exact(4).take(MANY);
    all.map(|four| Ipv4Addr::new(four[0], four[1], four[2], four[3]))
        .collect()
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let good = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    if bytes.is_empty() || !bytes.iter().all(good) {
        return None;
    }
    Some(bytes.iter().map(|&byte| char::from(byte)).collect())
}

/// The default router among classless routes (RFC 3442).
fn default_route(mut bytes: &[u8]) -> Option<Ipv4Addr> {
    while let Some((&prefix, rest)) = bytes.split_first() {
        let significant = usize::from(prefix).div_ceil(8);
        let router = rest.get(significant..significant + 4)?;
        if prefix == 0 {
            return Some(Ipv4Addr::new(router[0], router[1], router[2], router[3]));
        }
        bytes = &rest[significant + 4..];
    }
    None
}

/// Domain names in DNS's format (RFC 1035 §4.1.4), which may refer back.
pub(crate) fn domains(bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < bytes.len() && all.len() < MANY {
        let mut name = String::new();
        let (mut place, mut resume, mut steps) = (at, None, 0);
        let complete = loop {
            steps += 1;
            let Some(&len) = bytes.get(place) else {
                break false;
            };
            match len {
                0 => break true,
                1..=63 => {
                    let label = bytes.get(place + 1..place + 1 + usize::from(len));
                    let Some(label) = label.and_then(text) else {
                        break false;
                    };
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.push_str(&label);
                    place += 1 + usize::from(len);
                }
                0xc0.. => {
                    let Some(&low) = bytes.get(place + 1) else {
                        break false;
                    };
                    resume = resume.or(Some(place + 2));
                    place = usize::from(len & 0x3f) << 8 | usize::from(low);
                }
                _ => break false,
            }
            if steps > 64 || name.len() > 253 {
                break false;
            }
        };
        if !complete {
            break;
        }
        at = resume.unwrap_or(place + 1);
        if name.is_empty() {
            break;
        }
        all.push(name);
    }
    all
}

impl Message {
    /// Takes a message apart that is for this transaction of this client.
    fn parse(bytes: &[u8], transaction: u32, hardware: [u8; 6]) -> Option<Message> {
        let fixed = bytes.get(..FIXED)?;
        let for_us = fixed[0] == 2
            && fixed[4..8] == transaction.to_be_bytes()
            && fixed[28..34] == hardware
            && fixed[236..240] == COOKIE;
        if !for_us {
            return None;
        }
        let yours = Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]);
        let mut message = Message {
            kind: 0,
            lease: Lease {
                address: yours,
                prefix: 24,
                server: Ipv4Addr::UNSPECIFIED,
                routers: Vec::new(),
                dns: Vec::new(),
                search: Vec::new(),
                host_name: None,
                seconds: 3600,
                renew: 0,
                rebind: 0,
            },
        };
        let lease = &mut message.lease;
        let mut route = None;
        let mut rest = &bytes[FIXED..];
        while let Some((&code, after)) = rest.split_first() {
            match code {
                0 => {
                    rest = after;
                    continue;
                }
                255 => break,
                _ => {}
            }
            let (&len, after) = after.split_first()?;
            let (value, after) = after.split_at_checked(len.into())?;
            rest = after;
            match code {
                option::KIND => message.kind = *value.first()?,
                option::MASK => lease.prefix = number(value)?.leading_ones() as u8,
                option::ROUTER => lease.routers = addresses(value),
                option::DNS => lease.dns = addresses(value),
                option::HOST_NAME => lease.host_name = text(value),
                option::DOMAIN if lease.search.is_empty() => lease.search.extend(text(value)),
                option::SEARCH => {
                    let all = domains(value);
                    if !all.is_empty() {
                        lease.search = all;
                    }
                }
                option::SERVER => lease.server = Ipv4Addr::from_bits(number(value)?),
                option::LEASE => lease.seconds = number(value)?,
                option::RENEW => lease.renew = number(value)?,
                option::REBIND => lease.rebind = number(value)?,
                option::ROUTES => route = default_route(value),
                _ => {}
            }
        }
        lease.routers.splice(0..0, route);
        lease.seconds = lease.seconds.max(60);
        // What the server leaves open or gets wrong: RFC 2131 §4.4.5.
        if lease.rebind == 0 || lease.rebind >= lease.seconds {
            lease.rebind = lease.seconds / 8 * 7;
        }
        if lease.renew == 0 || lease.renew >= lease.rebind {
            lease.renew = (lease.seconds / 2).min(lease.rebind);
        }
        Some(message)
    }
}

/// What a client asks.
struct Question<'a> {
    kind: u8,
    transaction: u32,
    hardware: [u8; 6],
    seconds: u16,
    /// The address it has, if it goes on having it.
    client: Ipv4Addr,
    requested: Option<Ipv4Addr>,
    server: Option<Ipv4Addr>,
    host_name: Option<&'a str>,
}

impl Question<'_> {
    fn write(&self) -> Vec<u8> {
        let mut bytes = alloc::vec![0; FIXED];
        bytes[0..4].copy_from_slice(&[1, 1, 6, 0]);
        bytes[4..8].copy_from_slice(&self.transaction.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.seconds.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.client.octets());
        bytes[28..34].copy_from_slice(&self.hardware);
        bytes[236..240].copy_from_slice(&COOKIE);
        let mut add = |code: u8, value: &[u8]| {
            bytes.extend([code, value.len() as u8]);
            bytes.extend(value);
        };
        add(option::KIND, &[self.kind]);
        let mut identifier = [1; 7];
        identifier[1..].copy_from_slice(&self.hardware);
        add(option::CLIENT, &identifier);
        if let Some(requested) = self.requested {
            add(option::REQUESTED, &requested.octets());
        }
        if let Some(server) = self.server {
            add(option::SERVER, &server.octets());
        }
        if self.kind != kind::DECLINE {
            add(option::LARGEST, &1472u16.to_be_bytes());
            add(
                option::LIST,
                &[
                    option::MASK,
                    option::ROUTES,
                    option::ROUTER,
                    option::DNS,
                    option::HOST_NAME,
                    option::DOMAIN,
                    option::SEARCH,
                    option::LEASE,
                    option::RENEW,
                    option::REBIND,
                ],
            );
            if let Some(name) = self.host_name.filter(|name| name.len() <= 64) {
                add(option::HOST_NAME, name.as_bytes());
            }
        }
        bytes.push(255);
        if bytes.len() < SHORTEST {
            bytes.resize(SHORTEST, 0);
        }
        bytes
    }
}

impl Nic {
    /// Whether a packet may be a server's answer, sent to an address that we do not have yet.
    pub fn expects_dhcp(&self, packet: &Packet) -> bool {
        self.dhcp
            .as_ref()
            .is_some_and(|dhcp| dhcp.lease().is_none())
            && packet.protocol == protocol::UDP
            && packet.payload.get(2..4) == Some(&CLIENT.to_be_bytes())
    }
}

impl Stack {
    /// Takes a message if it is a server's. False: it is not.
    pub(crate) fn receive_dhcp(
        &mut self,
        number: usize,
        source: u16,
        destination: u16,
        packet: &Packet,
        data: &[u8],
    ) -> bool {
        if source != SERVER || destination != CLIENT || packet.source.is_ipv6() {
            return false;
        }
        let now = self.now;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return false;
        };
        let Some(dhcp) = &mut nic.dhcp else {
            return false;
        };
        let Some(message) = Message::parse(data, dhcp.transaction, nic.hardware) else {
            return true;
        };
        let lease = message.lease;
        let usable = !lease.address.is_unspecified()
            && !lease.address.is_multicast()
            && !lease.address.is_loopback()
            && !lease.address.is_broadcast()
            && lease.prefix > 0;
        match (&dhcp.state, message.kind) {
            (State::Selecting, kind::OFFER) if usable => {
                dhcp.state = State::Requesting(lease);
                dhcp.tries = 0;
                dhcp.next = now;
            }
            (State::Requesting(offer), kind::ACK) if usable && offer.server == lease.server => {
                let until = now + u64::from(lease.renew) * SECOND;
                dhcp.next = until;
                dhcp.state = State::Bound(lease.clone(), now);
                self.take_lease(number, &lease);
            }
            (State::Bound(old, _), kind::ACK) if usable => {
                let same = old.address == lease.address && old.prefix == lease.prefix;
                let news = *old != lease;
                dhcp.next = now + u64::from(lease.renew) * SECOND;
                dhcp.tries = 0;
                dhcp.state = State::Bound(lease.clone(), now);
                if !same {
                    self.drop_lease(number);
                }
                if news {
                    self.take_lease(number, &lease);
                }
            }
            (State::Requesting(_) | State::Bound(..), kind::NAK) => {
                let had = dhcp.lease().is_some();
                dhcp.restart(&mut self.random, now, 0);
                if had {
                    self.drop_lease(number);
                }
            }
            _ => {}
        }
        true
    }

    fn take_lease(&mut self, number: usize, lease: &Lease) {
        let started = self.started;
        let now = self.now;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        let address = IpAddr::V4(lease.address);
        if !nic.addresses.iter().any(|own| own.address == address) {
            let own = Address {
                address,
                prefix: lease.prefix,
                origin: Origin::Leased,
                claim: Claim::beginning(now),
                conflict: None,
            };
            nic.addresses.insert(0, own);
        }
        nic.routers.retain(|router| router.origin != Origin::Leased);
        for router in &lease.routers {
            nic.routers.push(Router {
                address: IpAddr::V4(*router),
                origin: Origin::Leased,
            });
        }
        nic.greet();
        let how = format!("DHCP, {} ms after start", (now - started) / 1_000_000);
        self.naming_changed();
        self.say_configuration(number, true, &how);
        self.addresses_changed(number);
    }

    /// Forgets what a server gave.
    fn drop_lease(&mut self, number: usize) {
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        nic.routers.retain(|router| router.origin != Origin::Leased);
        nic.addresses.retain(|own| own.origin != Origin::Leased);
        self.naming_changed();
        self.addresses_changed(number);
    }

    /// Somebody else has the address that was given: the server is told, and asked for another one.
    pub(crate) fn decline_lease(&mut self, number: usize) {
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        let Some(dhcp) = &mut nic.dhcp else {
            return;
        };
        let Some(lease) = dhcp.lease().cloned() else {
            return;
        };
        let question = Question {
            kind: kind::DECLINE,
            transaction: dhcp.transaction,
            hardware: nic.hardware,
            seconds: 0,
            client: Ipv4Addr::UNSPECIFIED,
            requested: Some(lease.address),
            server: Some(lease.server),
            host_name: None,
        };
        let message = question.write();
        dhcp.restart(&mut self.random, self.now, AFTER_CONFLICT);
        self.send_dhcp(number, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, &message);
        self.drop_lease(number);
    }

    /// Asks anew: the link has come up, perhaps somewhere else.
    pub(crate) fn confirm_lease(&mut self, number: usize) {
        let now = self.now;
        if let Some(Some(nic)) = self.nics.get_mut(number)
            && let Some(dhcp) = &mut nic.dhcp
        {
            match dhcp.state {
                State::Bound(..) => dhcp.next = now,
                _ => dhcp.restart(&mut self.random, now, 0),
            }
        }
    }

    /// Does what time asks.
    pub(crate) fn run_dhcp(&mut self, number: usize) {
        let now = self.now;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        let up = nic.up;
        let hardware = nic.hardware;
        let Some(dhcp) = &mut nic.dhcp else {
            return;
        };
        if dhcp.lease().is_none() && !dhcp.warned && now >= dhcp.began + PATIENCE {
            dhcp.warned = true;
            let why = if up {
                "is the vif on the right bridge, and is there a DHCP server on it?"
            } else {
                "its other end is not connected yet"
            };
            log::warn!(
                "{}: no answer from DHCP for {} s: {why} Trying on; -ipaddr A/M gives an address without DHCP",
                nic.name,
                PATIENCE / SECOND
            );
        }
        if now < dhcp.next {
            return;
        }
        let host_name = self.configuration.host_name.as_deref();
        let mut question = Question {
            kind: kind::REQUEST,
            transaction: dhcp.transaction,
            hardware,
            seconds: ((now - dhcp.began) / SECOND).min(u64::from(u16::MAX)) as u16,
            client: Ipv4Addr::UNSPECIFIED,
            requested: None,
            server: None,
            host_name,
        };
        let mut source = Ipv4Addr::UNSPECIFIED;
        let mut to = Ipv4Addr::BROADCAST;
        let mut ended = false;
        match &dhcp.state {
            State::Selecting => {
                question.kind = kind::DISCOVER;
                dhcp.next = now + dhcp.pause(&mut self.random);
            }
            State::Requesting(offer) if dhcp.tries < 4 => {
                question.requested = Some(offer.address);
                question.server = Some(offer.server);
                dhcp.next = now + dhcp.pause(&mut self.random);
            }
            State::Requesting(_) => {
                dhcp.restart(&mut self.random, now, 0);
                return;
            }
            State::Bound(lease, since) => {
                let (rebind, end) = (
                    since + u64::from(lease.rebind) * SECOND,
                    since + u64::from(lease.seconds) * SECOND,
                );
                if now >= end {
                    ended = true;
                } else {
                    question.client = lease.address;
                    source = lease.address;
                    if now < rebind {
                        to = lease.server;
                    }
                    // RFC 2131 §4.4.5: half of what is left, not more often than each minute.
                    let left = if now < rebind { rebind } else { end } - now;
                    dhcp.next = (now + (left / 2).max(60 * SECOND)).min(end);
                }
            }
        }
        if ended {
            log::warn!(
                "{}: the DHCP lease has ended, and nobody renewed it",
                nic.name
            );
            dhcp.restart(&mut self.random, now, 0);
            self.drop_lease(number);
            return;
        }
        let message = question.write();
        self.send_dhcp(number, source, to, &message);
    }

    fn send_dhcp(&mut self, number: usize, source: Ipv4Addr, to: Ipv4Addr, message: &[u8]) {
        let header = Header {
            source: IpAddr::V4(source),
            destination: IpAddr::V4(to),
            protocol: protocol::UDP,
            traffic_class: 0,
            hop_limit: 64,
            identification: 0,
        };
        let len = UDP_HEADER + message.len();
        // If there is no room it is lost, and asked again.
        let _ = self.output(number, header, len, Some(UDP_CHECKSUM), &mut |bytes| {
            packet::write_udp(bytes, CLIENT, SERVER, &[message]);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_refer_back_and_in_circles() {
        let bytes = b"\x03one\x07example\x00\x03two\xc0\x04";
        assert_eq!(domains(bytes), ["one.example", "two.example"]);
        assert!(domains(b"\xc0\x00").is_empty());
        assert!(domains(b"\x05ab").is_empty());
        assert!(domains(b"\x02a b\x00").is_empty());
    }

    #[test]
    fn hostile_answers() {
        let mut random = Random::new([4; 32]);
        let hardware = [2, 0, 0, 0, 0, 1];
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> = (0..FIXED + random.below(80) as usize)
                .map(|_| random.bits() as u8)
                .collect();
            bytes[0] = 2;
            bytes[4..8].copy_from_slice(&7u32.to_be_bytes());
            bytes[28..34].copy_from_slice(&hardware);
            bytes[236..240].copy_from_slice(&COOKIE);
            if let Some(message) = Message::parse(&bytes, 7, hardware) {
                assert!(message.lease.routers.len() <= MANY + 1);
                assert!(message.lease.renew <= message.lease.rebind);
            }
        }
    }

    #[test]
    fn routes_of_option_121() {
        let route = default_route(&[24, 10, 1, 2, 10, 0, 0, 9, 0, 10, 0, 0, 1]);
        assert_eq!(route, Some(Ipv4Addr::new(10, 0, 0, 1)));
        assert_eq!(default_route(&[24, 10, 1]), None);
    }
}

//! IPv6 neighbour discovery (RFC 4861), addresses from routers' prefixes (RFC 4862), and what else routers say (RFC 8106).
//!
//! Invariant: what does not come from the link itself (hop limit 255) is not believed; at most [`MANY`] routers, prefixes, servers and
//! domains are remembered.

use crate::address::is_link_local;
use crate::addresses::interface_identifier;
use crate::dhcp::domains;
use crate::neighbor::Hardware;
use crate::nic::{Address, Claim, Nic, Origin, Router, solicited_node};
use crate::packet::{Header, Packet, protocol};
use crate::stack::Stack;
use crate::tcp::SECOND;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

/// How many of each are remembered.
const MANY: usize = 4;
/// Questions for routers, and the time between them.
const SOLICITATIONS: u8 = 3;
const INTERVAL: u64 = 4 * SECOND;
/// What shortens the life of a prefix to less than this is not believed (RFC 4862 §5.5.3).
const TWO_HOURS: u64 = 7200 * SECOND;
/// Lifetimes that never end, and the longest that are counted.
const LONGEST: u32 = 10 * 365 * 24 * 3600;

/// Everybody on the link, and its routers.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// Kinds of messages.
mod kind {
    pub const QUERY: u8 = 130;
    pub const ROUTER_SOLICITATION: u8 = 133;
    pub const ROUTER_ADVERTISEMENT: u8 = 134;
    pub const SOLICITATION: u8 = 135;
    pub const ADVERTISEMENT: u8 = 136;
}

/// Options.
mod option {
    pub const SOURCE: u8 = 1;
    pub const TARGET: u8 = 2;
    pub const PREFIX: u8 = 3;
    pub const SERVERS: u8 = 25;
    pub const SEARCH: u8 = 31;
}

/// What routers say besides prefixes.
#[derive(Debug, Default)]
pub struct Advertised {
    /// Servers to ask for names, and until when.
    pub servers: Vec<(IpAddr, u64)>,
    /// Domains to search names in.
    pub search: Vec<String>,
    /// Questions that are left, and when to ask the next.
    left: u8,
    next: u64,
}

fn until(now: u64, seconds: u32) -> u64 {
    now + u64::from(seconds.min(LONGEST)) * SECOND
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv6Addr> {
    let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(Ipv6Addr::from(octets))
}

/// The options of a message: their codes, and all of their bytes.
fn options(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    core::iter::from_fn(move || {
        let len = usize::from(*bytes.get(1)?) * 8;
        // A length of 0 would never end.
        let (option, rest) = bytes.split_at_checked(len).filter(|_| len > 0)?;
        bytes = rest;
        Some((option[0], option))
    })
}

fn hardware(bytes: &[u8], code: u8) -> Option<Hardware> {
    let (_, option) = options(bytes).find(|(other, _)| *other == code)?;
    option.get(2..8)?.try_into().ok()
}

impl Nic {
    /// When routers are to be asked, or something they said ends.
    pub(crate) fn next_discovery(&self) -> Option<u64> {
        let asks = (self.up && self.routers_say.left > 0).then_some(self.routers_say.next);
        let addresses = self.addresses.iter().filter_map(|own| match own.origin {
            Origin::Advertised {
                valid_until,
                preferred,
                preferred_until,
            } => Some(if preferred {
                preferred_until
            } else {
                valid_until
            }),
            _ => None,
        });
        let routers = self
            .routers
            .iter()
            .filter_map(|router| match router.origin {
                Origin::Advertised { valid_until, .. } => Some(valid_until),
                _ => None,
            });
        let servers = self.routers_say.servers.iter().map(|(_, until)| *until);
        asks.into_iter()
            .chain(addresses)
            .chain(routers)
            .chain(servers)
            .min()
    }
}

impl Stack {
    /// Begins to ask for routers.
    pub(crate) fn begin_discovery(&mut self, number: usize) {
        let now = self.now;
        if let Some(Some(nic)) = self.nics.get_mut(number)
            && !nic.configuration.ignore_routers
        {
            nic.routers_say.left = SOLICITATIONS;
            nic.routers_say.next = now;
        }
    }

    /// Does what time asks.
    pub(crate) fn run_discovery(&mut self, number: usize) {
        let now = self.now;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        if nic.up && nic.routers_say.left > 0 && nic.routers_say.next <= now {
            nic.routers_say.left -= 1;
            nic.routers_say.next = now + INTERVAL;
            self.solicit_routers(number);
        }
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        let before = (nic.addresses.len(), nic.routers_say.servers.len());
        nic.addresses.retain_mut(|own| match &mut own.origin {
            Origin::Advertised {
                valid_until,
                preferred,
                preferred_until,
            } => {
                *preferred &= *preferred_until > now;
                *valid_until > now
            }
            _ => true,
        });
        nic.routers.retain(|router| match router.origin {
            Origin::Advertised { valid_until, .. } => valid_until > now,
            _ => true,
        });
        nic.routers_say.servers.retain(|(_, until)| *until > now);
        let after = (nic.addresses.len(), nic.routers_say.servers.len());
        if before.0 != after.0 {
            self.addresses_changed(number);
        }
        if before.1 != after.1 {
            self.naming_changed();
        }
    }

    fn send_discovery(
        &mut self,
        number: usize,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        message: &[u8],
    ) {
        let header = Header {
            source: IpAddr::V6(source),
            destination: IpAddr::V6(destination),
            protocol: protocol::ICMPV6,
            traffic_class: 0,
            hop_limit: 255,
            identification: 0,
        };
        self.send_icmp_with(number, header, message.len(), &mut |bytes| {
            bytes.copy_from_slice(message);
        });
    }

    fn solicit_routers(&mut self, number: usize) {
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        let Some(IpAddr::V6(source)) = nic.source_for(IpAddr::V6(ALL_ROUTERS)) else {
            return;
        };
        let mut message = [0; 16];
        message[0] = kind::ROUTER_SOLICITATION;
        message[8..10].copy_from_slice(&[option::SOURCE, 1]);
        message[10..16].copy_from_slice(&nic.hardware);
        self.send_discovery(number, source, ALL_ROUTERS, &message);
    }

    /// Asks who has an address: everybody whose address ends like it. From nobody, it asks whether the address is free.
    pub(crate) fn send_solicitation(&mut self, number: usize, source: Ipv6Addr, target: Ipv6Addr) {
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        let mut message = [0; 32];
        message[0] = kind::SOLICITATION;
        message[8..24].copy_from_slice(&target.octets());
        message[24..26].copy_from_slice(&[option::SOURCE, 1]);
        message[26..32].copy_from_slice(&nic.hardware);
        let len = if source.is_unspecified() { 24 } else { 32 };
        self.send_discovery(number, source, solicited_node(target), &message[..len]);
    }

    fn advertise(&mut self, number: usize, target: Ipv6Addr, to: Ipv6Addr, solicited: bool) {
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        let mut message = [0; 32];
        message[0] = kind::ADVERTISEMENT;
        message[4] = 0x20 | if solicited { 0x40 } else { 0 };
        message[8..24].copy_from_slice(&target.octets());
        message[24..26].copy_from_slice(&[option::TARGET, 1]);
        message[26..32].copy_from_slice(&nic.hardware);
        self.send_discovery(number, target, to, &message);
    }

    /// Takes a message of neighbours or routers. Its checksum is right.
    pub(crate) fn receive_discovery(&mut self, number: usize, packet: &Packet) {
        let message = packet.payload;
        let IpAddr::V6(source) = packet.source else {
            return;
        };
        if message[0] == kind::QUERY {
            // RFC 2710 §3: from the link itself, or anybody anywhere could make us send to many.
            if is_link_local(source) && packet.hop_limit == 1 {
                self.answer_group_query(number, true);
            }
            return;
        }
        if packet.hop_limit != 255 || message[1] != 0 {
            return;
        }
        match message[0] {
            kind::SOLICITATION => self.receive_solicitation(number, source, message),
            kind::ADVERTISEMENT => self.receive_advertisement(number, message),
            kind::ROUTER_ADVERTISEMENT if is_link_local(source) => {
                self.receive_router(number, source, message);
            }
            _ => {}
        }
    }

    fn receive_solicitation(&mut self, number: usize, source: Ipv6Addr, message: &[u8]) {
        let (Some(target), Some(rest)) = (address(message, 8), message.get(24..)) else {
            return;
        };
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        let own = nic
            .addresses
            .iter()
            .find(|own| own.address == IpAddr::V6(target));
        let Some(own) = own else {
            return;
        };
        let (asking, taken) = (
            matches!(own.claim, Claim::Asking { .. }),
            own.claim == Claim::Taken,
        );
        if source.is_unspecified() {
            if asking {
                // Somebody asks for what we are asking for: neither may have it.
                self.address_is_taken(number, IpAddr::V6(target), [0; 6]);
            } else if !taken {
                self.advertise(number, target, ALL_NODES, false);
            }
            return;
        }
        if taken {
            return;
        }
        if let Some(hardware) = hardware(rest, option::SOURCE) {
            self.introduce(number, IpAddr::V6(source), hardware);
        }
        self.advertise(number, target, source, true);
    }

    /// Notes the address of somebody who will be spoken to soon: that saves a question.
    fn introduce(&mut self, number: usize, neighbor: IpAddr, hardware: Hardware) {
        let now = self.now;
        if let Some(Some(nic)) = self.nics.get_mut(number) {
            nic.neighbors.look_up(neighbor, now);
        }
        self.learn(number, neighbor, hardware);
    }

    fn receive_advertisement(&mut self, number: usize, message: &[u8]) {
        let (Some(target), Some(rest)) = (address(message, 8), message.get(24..)) else {
            return;
        };
        let Some(hardware) = hardware(rest, option::TARGET) else {
            return;
        };
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        if nic.owns(IpAddr::V6(target)) {
            if hardware != nic.hardware {
                self.address_is_taken(number, IpAddr::V6(target), hardware);
            }
            return;
        }
        self.learn(number, IpAddr::V6(target), hardware);
    }

    fn receive_router(&mut self, number: usize, source: Ipv6Addr, message: &[u8]) {
        let now = self.now;
        let started = self.started;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        if nic.configuration.ignore_routers {
            return;
        }
        let (Some(lifetime), Some(rest)) = (message.get(6..8), message.get(16..)) else {
            return;
        };
        nic.routers_say.left = 0;
        let lifetime = u32::from(u16::from_be_bytes([lifetime[0], lifetime[1]]));
        let router = IpAddr::V6(source);
        let knew = nic.routers.iter().any(|one| one.address == router);
        nic.routers.retain(|one| {
            one.address != router || !matches!(one.origin, Origin::Advertised { .. })
        });
        let still = nic.routers.iter().any(|one| one.address == router);
        if lifetime > 0 && !still && nic.routers.len() < 2 * MANY {
            nic.routers.push(Router {
                address: router,
                origin: Origin::Advertised {
                    valid_until: until(now, lifetime),
                    preferred: true,
                    preferred_until: until(now, lifetime),
                },
            });
        }
        let mut news = false;
        let identifier = interface_identifier(nic.hardware);
        for (code, option) in options(rest) {
            match code {
                option::PREFIX => news |= take_prefix(nic, option, identifier, now) == Some(true),
                option::SERVERS => take_servers(&mut nic.routers_say, option, now),
                option::SEARCH => {
                    nic.routers_say.search = domains(option.get(8..).unwrap_or(&[]));
                }
                _ => {}
            }
        }
        if let Some(hardware) = hardware(rest, option::SOURCE) {
            self.introduce(number, router, hardware);
        }
        self.naming_changed();
        if news || lifetime > 0 && !knew {
            let ms = (now - started) / 1_000_000;
            let how = format!("router advertisement, {ms} ms after start");
            self.say_configuration(number, false, &how);
            self.addresses_changed(number);
        }
    }
}

/// Takes a prefix. `Some(true)`: it makes a new address.
fn take_prefix(nic: &mut Nic, option: &[u8], identifier: u64, now: u64) -> Option<bool> {
    let (len, flags) = (*option.get(2)?, *option.get(3)?);
    let (valid, preferred) = (number(option, 4)?, number(option, 8)?);
    let prefix = address(option, 16)?;
    let makes_addresses = flags & 0x40 != 0;
    if !makes_addresses
        || len != 64
        || is_link_local(prefix)
        || prefix.is_multicast()
        || preferred > valid
    {
        return None;
    }
    let own = Ipv6Addr::from_bits(prefix.to_bits() >> 64 << 64 | u128::from(identifier));
    let (valid_until, preferred_until) = (until(now, valid), until(now, preferred));
    let known = nic
        .addresses
        .iter_mut()
        .find(|known| known.address == IpAddr::V6(own));
    if let Some(known) = known {
        if let Origin::Advertised {
            valid_until: old, ..
        } = known.origin
        {
            // Nobody can take an address away at once with one forged message.
            let valid_until = if valid_until > now + TWO_HOURS || valid_until > old {
                valid_until
            } else {
                old.min(now + TWO_HOURS)
            };
            known.origin = Origin::Advertised {
                valid_until,
                preferred: preferred > 0,
                preferred_until,
            };
        }
        return Some(false);
    }
    let advertised = nic
        .addresses
        .iter()
        .filter(|own| matches!(own.origin, Origin::Advertised { .. }));
    if valid == 0 || advertised.count() >= MANY {
        return None;
    }
    nic.addresses.push(Address {
        address: IpAddr::V6(own),
        prefix: len,
        origin: Origin::Advertised {
            valid_until,
            preferred: preferred > 0,
            preferred_until,
        },
        claim: Claim::beginning(now),
        conflict: None,
    });
    Some(true)
}

fn take_servers(say: &mut Advertised, option: &[u8], now: u64) {
    let Some(lifetime) = number(option, 4) else {
        return;
    };
    for place in (8..option.len()).step_by(16) {
        let Some(server) = address(option, place) else {
            break;
        };
        let server = IpAddr::V6(server);
        say.servers.retain(|(other, _)| *other != server);
        if lifetime > 0 && say.servers.len() < MANY {
            say.servers.push((server, until(now, lifetime)));
        }
    }
}

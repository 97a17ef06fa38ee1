//! Where packets go: which interface, which neighbour, under which address of ours.
//!
//! In this order: addresses of our own go around the loopback; what lies in the network of one of our addresses is a neighbour; for
//! the rest there are routers, of the interface that has the source address if one was chosen.
//!
//! Invariant: nothing is remembered, so a change of addresses or routers counts at once.

use crate::address::{is_link_local, same_network};
use crate::nic::Origin;
use crate::packet::protocol;
use crate::stack::{LOOPBACK, Stack};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use starling_vm::fs::errno::Errno;

/// The way to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Through this interface.
    pub nic: usize,
    /// From this address, unless the program has chosen one.
    pub source: IpAddr,
}

/// The address of this very host, of the same version.
pub fn loopback_like(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}

impl Stack {
    /// Whether an address is one of ours: packets to it do not leave the machine.
    pub(crate) fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback()
            || self
                .nics
                .iter()
                .flatten()
                .any(|nic| nic.has_address(address))
    }

    /// Whether an address stands for everybody in an IPv4 network.
    pub(crate) fn is_broadcast(&self, address: IpAddr) -> bool {
        address == IpAddr::V4(Ipv4Addr::BROADCAST)
            || self
                .nics
                .iter()
                .flatten()
                .any(|nic| nic.is_broadcast(address))
    }

    /// The way to `destination`, from `source` if that was chosen, within `scope` or through `device` (numbers of interfaces) if
    /// they are not 0.
    pub(crate) fn route(
        &self,
        source: Option<IpAddr>,
        destination: IpAddr,
        scope: u32,
        device: u32,
    ) -> Result<Route, Errno> {
        let only = if scope != 0 { scope } else { device };
        if self.is_local(destination) {
            let source = source.unwrap_or(destination);
            return Ok(Route {
                nic: LOOPBACK,
                source,
            });
        }
        if source.is_some_and(|source| source.is_loopback()) {
            return Err(Errno::EINVAL);
        }
        let nics = self.nics.iter().enumerate().skip(LOOPBACK + 1);
        let nics = nics.filter_map(|(number, nic)| Some((number, nic.as_ref()?)));
        let nics = nics.filter(|(number, _)| only == 0 || *number as u32 + 1 == only);
        let everywhere = destination.is_multicast()
            || destination == IpAddr::V4(Ipv4Addr::BROADCAST)
            || matches!(destination, IpAddr::V6(six) if is_link_local(six));
        let mut best: Option<(u32, Route)> = None;
        for (number, nic) in nics {
            let has_source = source.is_some_and(|source| nic.has_address(source));
            if source.is_some() && !has_source && everywhere && only == 0 {
                continue;
            }
            let Some(own) = source.or_else(|| nic.source_for(destination)) else {
                continue;
            };
            let direct = if everywhere {
                Some(0)
            } else {
                nic.addresses()
                    .filter(|own| same_network(own.address, destination, own.prefix))
                    .map(|own| u32::from(own.prefix))
                    .max()
            };
            let rank = match direct {
                Some(prefix) => 2 + prefix,
                None if nic.router_for(destination).is_some() => u32::from(has_source),
                None => continue,
            };
            if best.as_ref().is_none_or(|(other, _)| rank > *other) {
                let route = Route {
                    nic: number,
                    source: own,
                };
                best = Some((rank, route));
            }
        }
        best.map(|(_, route)| route).ok_or(Errno::ENETUNREACH)
    }

    /// Whether a packet from a wire says that it comes from this very machine, or from everybody: whoever answered would talk to itself
    /// without end, or to all. Duplicates of our IPv6 addresses do speak of them in discovery, whose messages are looked at there.
    pub(crate) fn is_forged(&self, packet: &crate::packet::Packet) -> bool {
        packet.protocol != protocol::ICMPV6
            && (self.is_local(packet.source) || self.is_broadcast(packet.source))
    }

    /// Whether a packet that came through an interface is for this machine.
    pub(crate) fn is_for_us(&self, number: usize, packet: &crate::packet::Packet) -> bool {
        let destination = packet.destination;
        let Some(Some(nic)) = self.nics.get(number) else {
            return false;
        };
        if number == LOOPBACK {
            return true;
        }
        // Nobody outside has an address of this very host (RFC 1122 §3.2.1.3), and nobody speaks for everybody.
        if destination.is_loopback() || packet.source.is_loopback() || packet.source.is_multicast()
        {
            return false;
        }
        self.is_local(destination)
            || nic.is_broadcast(destination)
            || destination == IpAddr::V4(Ipv4Addr::BROADCAST)
            || destination.is_multicast() && nic.listens_to(destination)
            // The answer of a DHCP server may be sent to the address that it gives.
            || nic.expects_dhcp(packet)
    }
}

/// How good an address of ours is as source of a packet to `destination`, the greatest being the best; RFC 6724 §5 where that
/// matters with one host's few addresses.
pub(crate) fn source_rank(own: &crate::nic::Address, destination: IpAddr) -> u32 {
    let (IpAddr::V6(mine), IpAddr::V6(theirs)) = (own.address, destination) else {
        let near = same_network(own.address, destination, own.prefix);
        return if near { 1 + u32::from(own.prefix) } else { 1 };
    };
    let multicast_scope = theirs.is_multicast().then(|| theirs.segments()[0] & 0xf);
    let wants_link_local = is_link_local(theirs) || multicast_scope.is_some_and(|scope| scope <= 2);
    let common = (mine.to_bits() ^ theirs.to_bits()).leading_zeros();
    let preferred = !matches!(
        own.origin,
        Origin::Advertised {
            preferred: false,
            ..
        }
    );
    1 + common.min(64)
        + 100 * u32::from(preferred)
        + 1000 * u32::from(is_link_local(mine) == wants_link_local)
}

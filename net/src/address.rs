//! Addresses as the stack keeps them: IPv4 mapped into IPv6 exists at the surface only.
//!
//! Invariant: no [`Endpoint`] holds an IPv4-mapped IPv6 address; [`Endpoint::shown`] makes one for sockets of `Family::Inet6`.

use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use starling_vm::platform::network::Family;

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
}

impl Endpoint {
    /// The endpoint of both.
    pub fn new(address: IpAddr, port: u16) -> Endpoint {
        Endpoint { address, port }
    }

    /// As a socket of `family` shows it. `scope` is the number of the interface, for link-local IPv6.
    pub fn shown(self, family: Family, scope: u32) -> SocketAddr {
        match (self.address, family) {
            (IpAddr::V4(address), Family::Inet6) => {
                let address = if address.is_unspecified() {
                    Ipv6Addr::UNSPECIFIED
                } else {
                    address.to_ipv6_mapped()
                };
                SocketAddr::V6(SocketAddrV6::new(address, self.port, 0, 0))
            }
            (IpAddr::V4(address), _) => SocketAddr::V4(SocketAddrV4::new(address, self.port)),
            (IpAddr::V6(address), _) => {
                let scope = if is_link_local(address) { scope } else { 0 };
                SocketAddr::V6(SocketAddrV6::new(address, self.port, 0, scope))
            }
        }
    }
}

/// Both ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// Ours.
    pub local: Endpoint,
    /// Theirs.
    pub remote: Endpoint,
}

impl Hash for Tuple {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for end in [&self.local, &self.remote] {
            match end.address {
                IpAddr::V4(address) => state.write_u64(u64::from(address.to_bits())),
                IpAddr::V6(address) => {
                    let bits = address.to_bits();
                    state.write_u64(bits as u64);
                    state.write_u64((bits >> 64) as u64);
                }
            }
        }
        state.write_u64(u64::from(self.local.port) << 16 | u64::from(self.remote.port));
    }
}

/// Whether the address means something on one link only: `fe80::/10`.
pub fn is_link_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

/// An address without its IPv6 clothes, if it is an IPv4 one in them.
pub fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Whether `one` and `other` agree in the first `prefix` bits.
pub fn same_network(one: IpAddr, other: IpAddr, prefix: u8) -> bool {
    let differ = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => u128::from(one.to_bits() ^ other.to_bits()) << 96,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() ^ other.to_bits(),
        _ => return false,
    };
    differ.leading_zeros() >= u32::from(prefix)
}

/// The address of everybody in an IPv4 network, which networks of one or two hosts do not have.
pub fn broadcast(address: Ipv4Addr, prefix: u8) -> Option<Ipv4Addr> {
    (prefix < 31).then(|| {
        let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
        Ipv4Addr::from_bits(address.to_bits() | host)
    })
}

/// The mask of which the first `prefix` bits are set, of the version of `like`.
pub fn netmask(like: IpAddr, prefix: u8) -> IpAddr {
    match like {
        IpAddr::V4(_) => {
            let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(!host))
        }
        IpAddr::V6(_) => {
            let host = u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(!host))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(same_network(parse("10.1.2.3"), parse("10.1.2.200"), 24));
        assert!(!same_network(parse("10.1.2.3"), parse("10.1.3.3"), 24));
        assert!(same_network(parse("10.1.2.3"), parse("192.0.2.1"), 0));
        assert!(!same_network(parse("10.1.2.3"), parse("::1"), 0));
        assert!(same_network(parse("fe80::1"), parse("fe80::2"), 64));
        assert_eq!(
            broadcast(Ipv4Addr::new(10, 1, 2, 3), 24),
            Some(Ipv4Addr::new(10, 1, 2, 255))
        );
        assert_eq!(broadcast(Ipv4Addr::new(10, 1, 2, 3), 31), None);
        assert_eq!(netmask(parse("1.2.3.4"), 20), parse("255.255.240.0"));
        assert_eq!(netmask(parse("1.2.3.4"), 32), parse("255.255.255.255"));
        assert_eq!(netmask(parse("1.2.3.4"), 0), parse("0.0.0.0"));
    }

    #[test]
    fn mapped_addresses_are_shown_to_those_who_want_them() {
        let end = Endpoint::new("192.0.2.1".parse().unwrap(), 80);
        assert_eq!(
            end.shown(Family::Inet6, 0),
            "[::ffff:192.0.2.1]:80".parse().unwrap()
        );
        assert_eq!(end.shown(Family::Inet, 0), "192.0.2.1:80".parse().unwrap());
        assert_eq!(unmapped("::ffff:192.0.2.1".parse().unwrap()), end.address);
    }
}

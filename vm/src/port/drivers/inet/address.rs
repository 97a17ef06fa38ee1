//! Addresses as `prim_inet` writes them: a family, a port in two bytes, the address; of a local socket a length and a path.

use super::reader::Reader;
use super::reply::{INVALID, Refusal};
use super::wire::family;
use crate::fs::errno::Errno;
use crate::memory::NoMemory;
use crate::platform::network::{Address, Family};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use smallvec::SmallVec;

/// An encoded address.
pub type Encoded = SmallVec<[u8; 32]>;

/// A family, as it is asked for when a socket is opened.
pub fn family(code: u8) -> Result<Family, Refusal> {
    match code {
        family::INET => Ok(Family::Inet),
        family::INET6 => Ok(Family::Inet6),
        family::LOCAL => Ok(Family::Local),
        _ => Err(Refusal::Posix(Errno::EAFNOSUPPORT)),
    }
}

/// The number of a family.
pub fn family_code(family: Family) -> u8 {
    match family {
        Family::Inet => family::INET,
        Family::Inet6 => family::INET6,
        Family::Local => family::LOCAL,
    }
}

/// Reads an address. `socket` is the family of the socket that it is for: it decides what `any` and `loopback` are. Whether the
/// address goes with the socket is the world's to say.
pub fn decode(reader: &mut Reader, socket: Family) -> Result<Address, Refusal> {
    let ip = |ip: IpAddr, port| Ok(Address::Ip(SocketAddr::new(ip, port)));
    match (reader.u8()?, socket) {
        (family::INET, _) => {
            let port = reader.u16()?;
            ip(IpAddr::V4(Ipv4Addr::from(reader.array::<4>()?)), port)
        }
        (family::INET6, _) => {
            let port = reader.u16()?;
            let address = Ipv6Addr::from(reader.array::<16>()?);
            // Flow and scope came with OTP 22.
            let (flow, scope) = match reader.len() {
                8.. => (reader.u32()?, reader.u32()?),
                _ => (0, 0),
            };
            let address = SocketAddrV6::new(address, port, flow, scope);
            Ok(Address::Ip(SocketAddr::V6(address)))
        }
        (family::LOCAL, _) => {
            let length = reader.u8()?;
            let mut path = Vec::new();
            let bytes = reader.take(length.into())?;
            path.try_reserve_exact(bytes.len()).map_err(|_| NoMemory)?;
            path.extend_from_slice(bytes);
            Ok(Address::Local(path))
        }
        (family::UNSPECIFIED, _) => Ok(Address::Unspecified),
        (family::ANY, Family::Inet) => ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED), reader.u16()?),
        (family::ANY, Family::Inet6) => ip(IpAddr::V6(Ipv6Addr::UNSPECIFIED), reader.u16()?),
        (family::LOOPBACK, Family::Inet) => ip(IpAddr::V4(Ipv4Addr::LOCALHOST), reader.u16()?),
        (family::LOOPBACK, Family::Inet6) => ip(IpAddr::V6(Ipv6Addr::LOCALHOST), reader.u16()?),
        (family::ANY | family::LOOPBACK, Family::Local) => Err(INVALID),
        _ => Err(Refusal::Posix(Errno::EAFNOSUPPORT)),
    }
}

/// Writes an address.
pub fn encode(address: &Address) -> Encoded {
    let mut encoded = Encoded::new();
    match address {
        Address::Ip(SocketAddr::V4(address)) => {
            encoded.push(family::INET);
            encoded.extend_from_slice(&address.port().to_be_bytes());
            encoded.extend_from_slice(&address.ip().octets());
        }
        Address::Ip(SocketAddr::V6(address)) => {
            encoded.push(family::INET6);
            encoded.extend_from_slice(&address.port().to_be_bytes());
            encoded.extend_from_slice(&address.ip().octets());
        }
        Address::Local(path) => {
            let path = &path[..path.len().min(u8::MAX.into())];
            encoded.push(family::LOCAL);
            encoded.push(path.len() as u8);
            encoded.extend_from_slice(path);
        }
        Address::Unspecified => encoded.push(family::UNSPECIFIED),
    }
    encoded
}

/// The port of an address; 0 if it has none.
pub fn port(address: &Address) -> u16 {
    match address {
        Address::Ip(address) => address.port(),
        Address::Local(_) | Address::Unspecified => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], socket: Family) -> Result<Address, Refusal> {
        decode(&mut Reader::new(bytes), socket)
    }

    #[test]
    fn what_was_written_is_read() {
        for (text, socket) in [
            ("127.0.0.1:80", Family::Inet),
            ("[::1]:65535", Family::Inet6),
        ] {
            let address = Address::Ip(text.parse().unwrap());
            assert_eq!(decoded(&encode(&address), socket), Ok(address));
        }
        let path = Address::Local(Vec::from(b"/tmp/x"));
        assert_eq!(decoded(&encode(&path), Family::Local), Ok(path));
    }

    #[test]
    fn any_and_loopback_are_of_the_sockets_family() {
        let any = decoded(&[family::ANY, 0, 80], Family::Inet6);
        assert_eq!(any, Ok(Address::Ip("[::]:80".parse().unwrap())));
        let loopback = decoded(&[family::LOOPBACK, 1, 0], Family::Inet);
        assert_eq!(loopback, Ok(Address::Ip("127.0.0.1:256".parse().unwrap())));
        assert_eq!(decoded(&[family::ANY, 0, 80], Family::Local), Err(INVALID));
    }

    #[test]
    fn half_an_address_is_invalid() {
        for bytes in [&[][..], &[1], &[1, 0, 80, 127], &[2, 0, 80, 1], &[5, 4, 1]] {
            assert_eq!(decoded(bytes, Family::Inet), Err(INVALID));
        }
        let unknown = Err(Refusal::Posix(Errno::EAFNOSUPPORT));
        assert_eq!(decoded(&[9, 0, 80], Family::Inet), unknown);
    }
}

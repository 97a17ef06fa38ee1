//! Addresses of sockets, in the machine's form and in the kernel's.
//!
//! A local address is the name of a file, or, if it begins with a zero byte, a name of Linux's abstract space; an empty one asks
//! `bind` for a name of that space.

use std::net::SocketAddr;

use rustix::net::addr::SocketAddrArg;
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::network::Address;

/// The kernel's form; `None` for no address at all.
pub fn to_system(address: &Address) -> Result<Option<SocketAddrAny>, Errno> {
    let address = match address {
        Address::Ip(address) => SocketAddrAny::from(*address),
        Address::Local(path) => {
            let local = match path.split_first() {
                None => Ok(SocketAddrUnix::new_unnamed()),
                Some((0, name)) => SocketAddrUnix::new_abstract_name(name),
                Some(_) => SocketAddrUnix::new(path.as_slice()),
            };
            // OTP refuses what is too long before the kernel can say `enametoolong`.
            local.map_err(|_| Errno::EINVAL)?.as_any()
        }
        Address::Unspecified => return Ok(None),
    };
    Ok(Some(address))
}

/// The machine's form; [`Address::Unspecified`] for families that it does not have.
pub fn from_system(address: SocketAddrAny) -> Address {
    if address.address_family() == AddressFamily::UNIX {
        return SocketAddrUnix::try_from(address).map_or(Address::Local(Vec::new()), local);
    }
    SocketAddr::try_from(address).map_or(Address::Unspecified, Address::Ip)
}

fn local(address: SocketAddrUnix) -> Address {
    if address.is_unnamed() {
        return Address::Local(Vec::new());
    }
    let name = match (address.abstract_name(), address.path_bytes()) {
        // Of a socket without a name, too, there is an abstract one.
        (Some(name), _) if !name.is_empty() => [&[0], name].concat(),
        (_, Some(path)) => path.to_vec(),
        (_, None) => Vec::new(),
    };
    Address::Local(name)
}

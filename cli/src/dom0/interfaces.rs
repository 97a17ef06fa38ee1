//! Linux's network interfaces and bridges, by the `ioctl`s of netdevice(7) and of `linux/if_bridge.h`.
//!
//! Invariant: every request carries an `ifreq` or a name of ours, whose layout is libc's, and no pointer that outlives the call.

use std::ffi::{CString, c_ulong};
use std::io;
use std::mem;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

use libc::{ifreq, sockaddr, sockaddr_in};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::boot::network::Mac;

/// Requests of `linux/sockios.h` that libc does not name.
const SIOCBRADDBR: c_ulong = 0x89a0;
const SIOCBRADDIF: c_ulong = 0x89a2;
const SIOCBRDELIF: c_ulong = 0x89a3;

/// A socket through which interfaces are managed.
pub struct Interfaces(OwnedFd);

impl Interfaces {
    /// Opens the socket.
    pub fn open() -> io::Result<Interfaces> {
        let kind = SocketType::DGRAM;
        let socket = socket_with(AddressFamily::INET, kind, SocketFlags::CLOEXEC, None)?;
        Ok(Interfaces(socket))
    }

    /// Whether there is an interface of this name.
    pub fn exists(&self, name: &str) -> bool {
        index_of(name).is_ok()
    }

    /// Makes a bridge.
    pub fn add_bridge(&self, name: &str) -> io::Result<()> {
        let name = CString::new(name)?;
        // SAFETY: the request reads a NUL-terminated name, which lives until the call returns.
        check(unsafe { libc::ioctl(self.0.as_raw_fd(), SIOCBRADDBR, name.as_ptr()) })
    }

    /// Makes an interface a port of a bridge.
    pub fn add_to_bridge(&self, bridge: &str, port: &str) -> io::Result<()> {
        let mut request = request(bridge)?;
        request.ifr_ifru.ifru_ifindex = index_of(port)?;
        self.send(SIOCBRADDIF, &mut request)
    }

    /// Takes an interface out of a bridge.
    pub fn remove_from_bridge(&self, bridge: &str, port: &str) -> io::Result<()> {
        let mut request = request(bridge)?;
        request.ifr_ifru.ifru_ifindex = index_of(port)?;
        self.send(SIOCBRDELIF, &mut request)
    }

    /// Switches an interface on or off.
    pub fn set_up(&self, name: &str, up: bool) -> io::Result<()> {
        let mut request = request(name)?;
        self.send(libc::SIOCGIFFLAGS, &mut request)?;
        // SAFETY: the system has just written this member.
        let flags = unsafe { request.ifr_ifru.ifru_flags };
        let on = libc::IFF_UP as i16;
        request.ifr_ifru.ifru_flags = if up { flags | on } else { flags & !on };
        self.send(libc::SIOCSIFFLAGS, &mut request)
    }

    /// Gives an interface another address of its own.
    pub fn set_mac(&self, name: &str, mac: Mac) -> io::Result<()> {
        let mut request = request(name)?;
        let mut address = sockaddr {
            sa_family: libc::ARPHRD_ETHER,
            sa_data: [0; 14],
        };
        for (to, from) in address.sa_data.iter_mut().zip(mac.0) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_hwaddr = address;
        self.send(libc::SIOCSIFHWADDR, &mut request)
    }

    /// The largest packet of an interface.
    pub fn mtu(&self, name: &str) -> io::Result<i32> {
        let mut request = request(name)?;
        self.send(libc::SIOCGIFMTU, &mut request)?;
        // SAFETY: the system has just written this member.
        Ok(unsafe { request.ifr_ifru.ifru_mtu })
    }

    /// Sets the largest packet of an interface.
    pub fn set_mtu(&self, name: &str, mtu: i32) -> io::Result<()> {
        let mut request = request(name)?;
        request.ifr_ifru.ifru_mtu = mtu;
        self.send(libc::SIOCSIFMTU, &mut request)
    }

    /// Gives an interface an IPv4 address.
    pub fn set_address(&self, name: &str, address: Ipv4Addr, mask: Ipv4Addr) -> io::Result<()> {
        let mut request = request(name)?;
        request.ifr_ifru.ifru_addr = socket_address(address);
        self.send(libc::SIOCSIFADDR, &mut request)?;
        request.ifr_ifru.ifru_netmask = socket_address(mask);
        self.send(libc::SIOCSIFNETMASK, &mut request)
    }

    fn send(&self, what: c_ulong, request: &mut ifreq) -> io::Result<()> {
        // SAFETY: each `what` here reads and writes one `ifreq` at most, which lives until the call returns.
        check(unsafe { libc::ioctl(self.0.as_raw_fd(), what, request as *mut ifreq) })
    }
}

/// The number that Linux has for an interface.
fn index_of(name: &str) -> io::Result<i32> {
    let name = CString::new(name)?;
    // SAFETY: the name ends with a NUL and lives until the call returns.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => i32::try_from(index).map_err(io::Error::other),
    }
}

/// An empty request about the interface `name`.
fn request(name: &str) -> io::Result<ifreq> {
    // SAFETY: an `ifreq` is integers and a union of integers and pointers, all valid as zeroes.
    let mut request: ifreq = unsafe { mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::other(format!("{name}: the name is too long")));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    Ok(request)
}

fn socket_address(address: Ipv4Addr) -> sockaddr {
    // A `sockaddr_in`: a port in two bytes, then the address, in the order of the network.
    let mut data = [0; mem::size_of::<sockaddr_in>() - 2];
    for (to, from) in data[2..].iter_mut().zip(address.octets()) {
        *to = from as libc::c_char;
    }
    sockaddr {
        sa_family: libc::AF_INET as libc::sa_family_t,
        sa_data: data,
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_known() {
        let interfaces = Interfaces::open().unwrap();
        assert!(interfaces.exists("lo"));
        assert!(interfaces.mtu("lo").unwrap() > 1500);
        assert!(!interfaces.exists("no-such-one"));
        assert!(interfaces.mtu("no-such-one").is_err());
        assert!(interfaces.set_up("a-name-that-is-too-long", true).is_err());
    }
}

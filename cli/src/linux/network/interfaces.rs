//! The host's network interfaces: `getifaddrs(3)`, and the kernel's word on each one's MTU.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{ifaddrs, ifreq, sockaddr};
use rustix::fd::AsFd;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::network::{Interface, InterfaceAddress};

use super::options::check;
use crate::linux::io::errno;

/// All interfaces with their addresses, in the order of their numbers.
pub fn all() -> Result<Vec<Interface>, Errno> {
    let socket = socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    );
    let socket = socket.map_err(errno)?;
    let list = List::new()?;
    let mut interfaces = BTreeMap::new();
    for entry in list.iter() {
        // SAFETY: an entry of the list, whose name ends with a zero.
        let name = unsafe { CStr::from_ptr(entry.ifa_name) };
        // SAFETY: the name is a string that ends with a zero.
        let index = unsafe { libc::if_nametoindex(entry.ifa_name) };
        // It may have gone in the meantime, or be an alias such as `eth0:1`, which has no number.
        let interface = interfaces
            .entry((index, name))
            .or_insert_with(|| interface(socket.as_fd(), index, name, entry.ifa_flags));
        if let Some(hardware) = hardware(entry.ifa_addr) {
            interface.hardware = Some(hardware);
        }
        interface.addresses.extend(address(entry));
    }
    Ok(interfaces.into_values().collect())
}

fn interface(socket: BorrowedFd<'_>, index: u32, name: &CStr, flags: libc::c_uint) -> Interface {
    let has = |flag: libc::c_int| flags & flag as libc::c_uint != 0;
    Interface {
        index,
        name: name.to_string_lossy().into_owned(),
        up: has(libc::IFF_UP),
        running: has(libc::IFF_RUNNING),
        loopback: has(libc::IFF_LOOPBACK),
        broadcast: has(libc::IFF_BROADCAST),
        point_to_point: has(libc::IFF_POINTOPOINT),
        multicast: has(libc::IFF_MULTICAST),
        hardware: None,
        mtu: mtu(socket, name).unwrap_or(0),
        addresses: Vec::new(),
    }
}

/// The address of an entry, if it is an IP address.
fn address(entry: &ifaddrs) -> Option<InterfaceAddress> {
    let (address, scope) = ip(entry.ifa_addr)?;
    let has = |flag: libc::c_int| entry.ifa_flags & flag as libc::c_uint != 0;
    let other = ip(entry.ifa_ifu).map(|(address, _)| address);
    let any = match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    Some(InterfaceAddress {
        address,
        netmask: ip(entry.ifa_netmask).map_or(any, |(mask, _)| mask),
        broadcast: other.filter(|_| has(libc::IFF_BROADCAST)),
        destination: other.filter(|_| has(libc::IFF_POINTOPOINT)),
        scope,
    })
}

/// An IP address and its scope.
fn ip(address: *const sockaddr) -> Option<(IpAddr, u32)> {
    if address.is_null() {
        return None;
    }
    // SAFETY: an address of the list is as large as its family says.
    unsafe {
        match i32::from((*address).sa_family) {
            libc::AF_INET => {
                let v4 = address.cast::<libc::sockaddr_in>().read_unaligned();
                let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
                Some((ip.into(), 0))
            }
            libc::AF_INET6 => {
                let v6 = address.cast::<libc::sockaddr_in6>().read_unaligned();
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                Some((ip.into(), v6.sin6_scope_id))
            }
            _ => None,
        }
    }
}

/// An address of Ethernet's kind.
fn hardware(address: *const sockaddr) -> Option<[u8; 6]> {
    if address.is_null() {
        return None;
    }
    // SAFETY: an address of the list is as large as its family says.
    let packet = unsafe {
        if i32::from((*address).sa_family) != libc::AF_PACKET {
            return None;
        }
        address.cast::<libc::sockaddr_ll>().read_unaligned()
    };
    match packet.sll_halen {
        6 => packet.sll_addr.first_chunk().copied(),
        _ => None,
    }
}

/// `SIOCGIFMTU`
fn mtu(socket: BorrowedFd<'_>, name: &CStr) -> Result<u32, Errno> {
    // SAFETY: all zeroes are a request.
    let mut request: ifreq = unsafe { MaybeUninit::zeroed().assume_init() };
    let name = name.to_bytes();
    if name.len() >= request.ifr_name.len() {
        return Err(Errno::ENODEV);
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name) {
        *to = from.cast_signed();
    }
    // SAFETY: the kernel reads and writes a request of this kind.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFMTU, &mut request) })?;
    // SAFETY: the kernel wrote this field; any bits are a number.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    u32::try_from(mtu).map_err(|_| Errno::EINVAL)
}

/// What `getifaddrs` gave.
struct List(*mut ifaddrs);

impl List {
    fn new() -> Result<List, Errno> {
        let mut first = std::ptr::null_mut();
        // SAFETY: the call writes where its argument leads.
        check(unsafe { libc::getifaddrs(&mut first) })?;
        Ok(List(first))
    }

    fn iter(&self) -> impl Iterator<Item = &ifaddrs> {
        // SAFETY: entries of the list stay as they are until it is dropped; the last leads nowhere.
        let mut next = unsafe { self.0.as_ref() };
        std::iter::from_fn(move || {
            let entry = next?;
            // SAFETY: as above.
            next = unsafe { entry.ifa_next.as_ref() };
            Some(entry)
        })
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the list that `getifaddrs` gave, once.
        unsafe { libc::freeifaddrs(self.0) };
    }
}

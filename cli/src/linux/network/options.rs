//! Options of sockets: which level and name of the kernel's each has, and the shapes of their values.
//!
//! As in OTP, the options about IPv4's headers are those of `IPPROTO_IP` on IPv6 sockets too, where they concern mapped addresses
//! (erts/emulator/drivers/common/inet_drv.c); only the interface of multicasts and memberships ask for the socket's family.

use std::mem::{MaybeUninit, size_of};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{c_int, c_void, in_addr, in6_addr, ip_mreqn, ipv6_mreq, linger, socklen_t};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::network::{MembershipInterface, OptionName, OptionValue};

/// The longest value that is asked for by number.
const LONGEST: u32 = 64 * 1024;

/// Level and name of an option whose value is a number.
fn number(name: OptionName) -> Option<(c_int, c_int)> {
    use OptionName::*;
    use libc::{IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET};
    Some(match name {
        ReuseAddress => (SOL_SOCKET, libc::SO_REUSEADDR),
        ReusePort => (SOL_SOCKET, libc::SO_REUSEPORT),
        KeepAlive => (SOL_SOCKET, libc::SO_KEEPALIVE),
        DontRoute => (SOL_SOCKET, libc::SO_DONTROUTE),
        Broadcast => (SOL_SOCKET, libc::SO_BROADCAST),
        SendBuffer => (SOL_SOCKET, libc::SO_SNDBUF),
        ReceiveBuffer => (SOL_SOCKET, libc::SO_RCVBUF),
        Priority => (SOL_SOCKET, libc::SO_PRIORITY),
        NoDelay => (IPPROTO_TCP, libc::TCP_NODELAY),
        Cork => (IPPROTO_TCP, libc::TCP_CORK),
        TypeOfService => (IPPROTO_IP, libc::IP_TOS),
        TimeToLive => (IPPROTO_IP, libc::IP_TTL),
        TrafficClass => (IPPROTO_IPV6, libc::IPV6_TCLASS),
        OnlyV6 => (IPPROTO_IPV6, libc::IPV6_V6ONLY),
        ReceiveTypeOfService => (IPPROTO_IP, libc::IP_RECVTOS),
        ReceiveTrafficClass => (IPPROTO_IPV6, libc::IPV6_RECVTCLASS),
        ReceiveTimeToLive => (IPPROTO_IP, libc::IP_RECVTTL),
        MulticastTimeToLive => (IPPROTO_IP, libc::IP_MULTICAST_TTL),
        MulticastLoop => (IPPROTO_IP, libc::IP_MULTICAST_LOOP),
        Linger
        | MulticastInterface
        | AddMembership
        | DropMembership
        | BindToDevice
        | Raw { .. } => {
            return None;
        }
    })
}

/// Sets an option.
pub fn set(socket: BorrowedFd<'_>, name: OptionName, value: &OptionValue) -> Result<(), Errno> {
    use OptionValue::*;
    match (name, value) {
        (OptionName::Linger, Linger { on, seconds }) => {
            let value = linger {
                l_onoff: (*on).into(),
                l_linger: i32::try_from(*seconds).unwrap_or(i32::MAX),
            };
            put(socket, (libc::SOL_SOCKET, libc::SO_LINGER), &value)
        }
        (OptionName::MulticastInterface, Address(address)) => {
            let value = in_addr_of(*address);
            put(socket, (libc::IPPROTO_IP, libc::IP_MULTICAST_IF), &value)
        }
        (OptionName::MulticastInterface, Number(index)) => {
            let name = (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF);
            put(socket, name, index)
        }
        (OptionName::AddMembership, Membership { group, interface }) => {
            member(socket, true, *group, *interface)
        }
        (OptionName::DropMembership, Membership { group, interface }) => {
            member(socket, false, *group, *interface)
        }
        (OptionName::BindToDevice, Bytes(device)) => {
            let name = (libc::SOL_SOCKET, libc::SO_BINDTODEVICE);
            put_bytes(socket, name, device)
        }
        (OptionName::Raw { level, name, .. }, Bytes(bytes)) => {
            put_bytes(socket, (level, name), bytes)
        }
        (_, Number(value)) => {
            let name = number(name).ok_or(Errno::EINVAL)?;
            put(socket, name, value)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// The value of an option.
pub fn get(socket: BorrowedFd<'_>, name: OptionName) -> Result<OptionValue, Errno> {
    match name {
        OptionName::Linger => {
            let value: linger = take(socket, (libc::SOL_SOCKET, libc::SO_LINGER))?;
            Ok(OptionValue::Linger {
                on: value.l_onoff != 0,
                seconds: value.l_linger.try_into().unwrap_or(0),
            })
        }
        OptionName::MulticastInterface => {
            let domain: c_int = take(socket, (libc::SOL_SOCKET, libc::SO_DOMAIN))?;
            if domain == libc::AF_INET6 {
                let name = (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF);
                return Ok(OptionValue::Number(take(socket, name)?));
            }
            let value: in_addr = take(socket, (libc::IPPROTO_IP, libc::IP_MULTICAST_IF))?;
            let address = Ipv4Addr::from(u32::from_be(value.s_addr));
            Ok(OptionValue::Address(address))
        }
        OptionName::BindToDevice => {
            let name = (libc::SOL_SOCKET, libc::SO_BINDTODEVICE);
            let mut bytes = take_bytes(socket, name, libc::IFNAMSIZ as u32)?;
            if let Some(end) = bytes.iter().position(|&byte| byte == 0) {
                bytes.truncate(end);
            }
            Ok(OptionValue::Bytes(bytes))
        }
        OptionName::Raw { level, name, len } => {
            Ok(OptionValue::Bytes(take_bytes(socket, (level, name), len)?))
        }
        _ => {
            let name = number(name).ok_or(Errno::ENOPROTOOPT)?;
            Ok(OptionValue::Number(take(socket, name)?))
        }
    }
}

/// Joins a multicast group or leaves it.
fn member(
    socket: BorrowedFd<'_>,
    joins: bool,
    group: IpAddr,
    interface: MembershipInterface,
) -> Result<(), Errno> {
    match group {
        IpAddr::V4(group) => {
            let (address, index) = match interface {
                MembershipInterface::Address(address) => (address, 0),
                MembershipInterface::Index(index) => (Ipv4Addr::UNSPECIFIED, index),
            };
            let value = ip_mreqn {
                imr_multiaddr: in_addr_of(group),
                imr_address: in_addr_of(address),
                imr_ifindex: index.try_into().map_err(|_| Errno::ENODEV)?,
            };
            let name = match joins {
                true => libc::IP_ADD_MEMBERSHIP,
                false => libc::IP_DROP_MEMBERSHIP,
            };
            put(socket, (libc::IPPROTO_IP, name), &value)
        }
        IpAddr::V6(group) => {
            let MembershipInterface::Index(index) = interface else {
                return Err(Errno::EINVAL);
            };
            let value = ipv6_mreq {
                ipv6mr_multiaddr: in6_addr {
                    s6_addr: group.octets(),
                },
                ipv6mr_interface: index,
            };
            let name = match joins {
                true => libc::IPV6_ADD_MEMBERSHIP,
                false => libc::IPV6_DROP_MEMBERSHIP,
            };
            put(socket, (libc::IPPROTO_IPV6, name), &value)
        }
    }
}

fn in_addr_of(address: Ipv4Addr) -> in_addr {
    in_addr {
        s_addr: u32::from(address).to_be(),
    }
}

/// Structures of the kernel that are values of options.
///
/// # Safety
///
/// Every pattern of bits is a value, and there is no padding.
unsafe trait Plain: Copy {}
// SAFETY: integers, and structures that the kernel defines of them without gaps.
unsafe impl Plain for c_int {}
// SAFETY: as above.
unsafe impl Plain for linger {}
// SAFETY: as above.
unsafe impl Plain for in_addr {}
// SAFETY: as above.
unsafe impl Plain for ip_mreqn {}
// SAFETY: as above.
unsafe impl Plain for ipv6_mreq {}

fn put<T: Plain>(socket: BorrowedFd<'_>, name: (c_int, c_int), value: &T) -> Result<(), Errno> {
    // SAFETY: the bytes of a value without padding are initialised.
    let bytes = unsafe {
        std::slice::from_raw_parts(std::ptr::from_ref(value).cast::<u8>(), size_of::<T>())
    };
    put_bytes(socket, name, bytes)
}

fn put_bytes(
    socket: BorrowedFd<'_>,
    (level, name): (c_int, c_int),
    bytes: &[u8],
) -> Result<(), Errno> {
    let len = socklen_t::try_from(bytes.len()).map_err(|_| Errno::EINVAL)?;
    let start = bytes.as_ptr().cast::<c_void>();
    // SAFETY: the kernel reads `len` bytes from `start`, which are there.
    let done = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, start, len) };
    check(done)
}

fn take<T: Plain>(socket: BorrowedFd<'_>, (level, name): (c_int, c_int)) -> Result<T, Errno> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut len = size_of::<T>() as socklen_t;
    let start = value.as_mut_ptr().cast::<c_void>();
    // SAFETY: the kernel writes no more than `len` bytes to `start`, where there is room for them.
    let done = unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, start, &mut len) };
    check(done)?;
    // SAFETY: zeroes or what the kernel wrote; any bits are a value of the type.
    Ok(unsafe { value.assume_init() })
}

fn take_bytes(
    socket: BorrowedFd<'_>,
    (level, name): (c_int, c_int),
    len: u32,
) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; len.min(LONGEST) as usize];
    let mut len = bytes.len() as socklen_t;
    let start = bytes.as_mut_ptr().cast::<c_void>();
    // SAFETY: the kernel writes no more than `len` bytes to `start`, where there is room for them.
    let done = unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, start, &mut len) };
    check(done)?;
    bytes.truncate(len as usize);
    Ok(bytes)
}

/// The error of a call of libc's that said `result`.
pub(super) fn check(result: c_int) -> Result<(), Errno> {
    match result {
        -1 => Err(last_error()),
        _ => Ok(()),
    }
}

/// The error of the call of libc's that has just failed.
pub(super) fn last_error() -> Errno {
    let code = std::io::Error::last_os_error().raw_os_error();
    code.map_or(Errno::EINVAL, Errno)
}

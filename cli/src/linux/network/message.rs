//! Messages to and from sockets, with what goes beside them: type of service, traffic class, time to live.

use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{c_int, c_uint, c_void, cmsghdr, iovec, msghdr};
use rustix::net::SocketAddrAny;
use rustix::net::addr::SocketAddrStorage;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::network::{Address, Control, Received};

use super::address;
use super::options::last_error;

/// Room for the parts of a [`Control`] and for all that is ever asked to come in, with their headers.
const CONTROL: usize = 256;

/// Memory that control messages are written to.
#[repr(C)]
union ControlBuffer {
    bytes: [u8; CONTROL],
    /// For its alignment.
    _header: cmsghdr,
}

/// Sends a message; to whom the socket is connected without `to`.
pub fn send(
    socket: BorrowedFd<'_>,
    to: Option<&SocketAddrAny>,
    message: &[u8],
    control: &Control,
) -> Result<usize, Errno> {
    let mut part = iovec {
        iov_base: message.as_ptr().cast::<c_void>().cast_mut(),
        iov_len: message.len(),
    };
    let mut buffer = ControlBuffer {
        bytes: [0; CONTROL],
    };
    let mut header = header(&mut part, &mut buffer);
    header.msg_controllen = fill(&header, control);
    if header.msg_controllen == 0 {
        header.msg_control = std::ptr::null_mut();
    }
    if let Some(to) = to {
        header.msg_name = to.as_ptr().cast::<c_void>().cast_mut();
        header.msg_namelen = to.addr_len();
    }
    // SAFETY: the header leads to the address, the message and the control messages, all of which outlive the call; the kernel
    // only reads them.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &header, libc::MSG_NOSIGNAL) };
    usize::try_from(sent).map_err(|_| last_error())
}

/// Receives a message, or as much of it as there is room for in `bytes`.
pub fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> Result<Received, Errno> {
    let mut part = iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    let mut buffer = ControlBuffer {
        bytes: [0; CONTROL],
    };
    let mut from = MaybeUninit::<SocketAddrStorage>::zeroed();
    let mut header = header(&mut part, &mut buffer);
    header.msg_name = from.as_mut_ptr().cast();
    header.msg_namelen = size_of::<SocketAddrStorage>() as u32;
    // SAFETY: the header leads to room for the address, the message and the control messages, with the right lengths.
    let len = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut header, 0) };
    let len = usize::try_from(len).map_err(|_| last_error())?;
    let from = if (header.msg_namelen as usize) < size_of::<libc::sa_family_t>() {
        // A local socket without a name sent it, or the other end of a connection.
        Address::Unspecified
    } else {
        // SAFETY: the kernel wrote an address of this length there; the rest is zero.
        address::from_system(unsafe { SocketAddrAny::new(from, header.msg_namelen) })
    };
    let mut received = Received {
        len,
        from,
        type_of_service: None,
        traffic_class: None,
        time_to_live: None,
    };
    each(&header, |kind, value| {
        let field = match kind {
            (libc::IPPROTO_IP, libc::IP_TOS) => &mut received.type_of_service,
            (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => &mut received.traffic_class,
            (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                &mut received.time_to_live
            }
            _ => return,
        };
        *field = Some(value as u8);
    });
    Ok(received)
}

fn header(part: &mut iovec, buffer: &mut ControlBuffer) -> msghdr {
    // SAFETY: all zeroes are a header that leads nowhere.
    let mut header: msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    header.msg_iov = part;
    header.msg_iovlen = 1;
    header.msg_control = std::ptr::from_mut(buffer).cast();
    header.msg_controllen = CONTROL;
    header
}

/// Writes the control messages to where `header` leads, which is zeroed; how long they are together.
fn fill(header: &msghdr, control: &Control) -> usize {
    let parts = [
        (libc::IPPROTO_IP, libc::IP_TOS, control.type_of_service),
        (libc::IPPROTO_IPV6, libc::IPV6_TCLASS, control.traffic_class),
        (libc::IPPROTO_IP, libc::IP_TTL, control.time_to_live),
    ];
    const SIZE: c_uint = size_of::<c_int>() as c_uint;
    let mut len = 0;
    // SAFETY: `CONTROL` bytes behind `msg_control` are ours and aligned for headers, and three messages with an integer each
    // take less; so each pointer that `CMSG_FIRSTHDR` and `CMSG_NXTHDR` give has room for one behind it.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(header);
        for (level, kind, value) in parts {
            let Some(value) = value else { continue };
            if at.is_null() {
                break;
            }
            (*at).cmsg_level = level;
            (*at).cmsg_type = kind;
            (*at).cmsg_len = libc::CMSG_LEN(SIZE) as usize;
            libc::CMSG_DATA(at)
                .cast::<c_int>()
                .write_unaligned(value.into());
            len += libc::CMSG_SPACE(SIZE) as usize;
            at = libc::CMSG_NXTHDR(header, at);
        }
    }
    len
}

/// Calls `found` with level, type and number of each control message that came.
fn each(header: &msghdr, mut found: impl FnMut((c_int, c_int), c_int)) {
    // SAFETY: the kernel wrote whole control messages and set `msg_controllen` to their length; the macros stay inside it. Data
    // is read no further than the message's own length says.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(header);
        while !at.is_null() {
            let data = libc::CMSG_DATA(at);
            // `IP_TOS` comes as one byte, the others as integers.
            let value = match (*at).cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize) {
                0 => None,
                1..=3 => Some(c_int::from(data.read())),
                _ => Some(data.cast::<c_int>().read_unaligned()),
            };
            if let Some(value) = value {
                found(((*at).cmsg_level, (*at).cmsg_type), value);
            }
            at = libc::CMSG_NXTHDR(header, at);
        }
    }
}

//! Sockets that never wait, and one epoll for all of them.

use std::io;
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use crate::Result;

/// Sockets, each with a number of the caller's.
pub struct Poll {
    epoll: OwnedFd,
}

impl Poll {
    /// With no sockets yet.
    pub fn new() -> Result<Poll> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|e| e.to_string())?;
        Ok(Poll { epoll })
    }

    /// Begins to connect; an event with this number tells when there is something to be done, once for each change.
    pub fn connect(&self, address: SocketAddr, number: usize) -> io::Result<TcpStream> {
        let family = AddressFamily::of(address);
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        match connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let events = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&self.epoll, &socket, data, events)?;
        Ok(TcpStream::from(socket))
    }

    /// The numbers of sockets with something to be done; waits for them no longer than this.
    pub fn wait(&self, limit: Duration) -> Vec<usize> {
        let limit = limit.min(Duration::from_secs(1));
        let timeout = Timespec {
            tv_sec: limit.as_secs() as i64,
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        let mut events = [MaybeUninit::uninit(); 64];
        match epoll::wait(&self.epoll, &mut events, Some(&timeout)) {
            Ok((ready, _)) => ready
                .iter()
                .map(|event| event.data.u64() as usize)
                .collect(),
            Err(_) => Vec::new(),
        }
    }
}

/// The family of a socket for an address.
trait Of {
    fn of(address: SocketAddr) -> Self;
}

impl Of for AddressFamily {
    fn of(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        }
    }
}

/// Makes the end of a connection a reset.
pub fn reset(stream: &TcpStream) {
    // Without it, the connection ends in order: less of a trial, not wrong.
    let _ = sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}

/// Whether there is nothing to be had right now.
pub fn is_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::NotConnected
    )
}

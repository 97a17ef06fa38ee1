//! The host's sockets: the machine's `Network` on Linux.
//!
//! Sockets are descriptors of [`LinuxIo`], which reads, writes, closes and watches them. Options are in `options`, messages with
//! what goes beside them in `message`, interfaces in `interfaces`, addresses in `address`.
//!
//! Invariant: every socket in here is non-blocking and not inherited by programs; nothing waits, and nothing of the host's
//! configuration is ever written.

use std::ffi::OsStr;
use std::io::IoSlice;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Mode, OFlags};
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrAny, SocketFlags, SocketType, acceptfrom_with, bind,
    connect, connect_unspec, getpeername, getsockname, listen, shutdown, socket_with, sockopt,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::Descriptor;
use starling_vm::platform::network::{
    Address, Control, Direction, Family, Interface, Kind, Naming, Network, OptionName, OptionValue,
    Received,
};

use super::io::{LinuxIo, errno};

mod address;
mod interfaces;
mod message;
mod options;
#[cfg(test)]
mod tests;

const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);
/// How many parts one system call writes.
const PARTS: usize = 64;

impl Network for LinuxIo {
    fn open(&mut self, family: Family, kind: Kind) -> Result<Descriptor, Errno> {
        let family = match family {
            Family::Inet => AddressFamily::INET,
            Family::Inet6 => AddressFamily::INET6,
            Family::Local => AddressFamily::UNIX,
        };
        let kind = match kind {
            Kind::Stream => SocketType::STREAM,
            Kind::Datagram => SocketType::DGRAM,
        };
        let socket = socket_with(family, kind, FLAGS, None).map_err(errno)?;
        Ok(self.own(socket))
    }

    fn open_in(
        &mut self,
        name_space: &[u8],
        family: Family,
        kind: Kind,
    ) -> Result<Descriptor, Errno> {
        let open = |path: &OsStr| {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            rustix::fs::open(path, flags, Mode::empty()).map_err(errno)
        };
        let enter = |space: &OwnedFd| {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(space.as_fd(), kind).map_err(errno)
        };
        let own = open(OsStr::new("/proc/self/ns/net"))?;
        let other = open(OsStr::from_bytes(name_space))?;
        enter(&other)?;
        let opened = self.open(family, kind);
        if let Err(error) = enter(&own) {
            // Whatever comes next would be done in the other's network.
            eprintln!(
                "starling: cannot go back to the own network name space: {}",
                error.name()
            );
            std::process::exit(1);
        }
        opened
    }

    fn adopt(&mut self, number: u32) -> Result<Descriptor, Errno> {
        let descriptor = Descriptor(number);
        if self.owned(descriptor).is_ok() {
            return Ok(descriptor);
        }
        let (file, _) = self.file(descriptor)?;
        sockopt::socket_type(file).map_err(errno)?;
        rustix::io::ioctl_fionbio(file, true).map_err(errno)?;
        let raw = RawFd::try_from(number).map_err(|_| Errno::EBADF)?;
        // SAFETY: an open socket that was there before the machine, which nothing in this process has opened or keeps; whoever
        // started the tool gave it to the program that asks.
        let socket = unsafe { OwnedFd::from_raw_fd(raw) };
        Ok(self.own(socket))
    }

    fn bind(&mut self, socket: Descriptor, address: &Address) -> Result<(), Errno> {
        let address = address::to_system(address)?.ok_or(Errno::EINVAL)?;
        bind(self.owned(socket)?, &address).map_err(errno)
    }

    fn listen(&mut self, socket: Descriptor, backlog: u32) -> Result<(), Errno> {
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        listen(self.owned(socket)?, backlog).map_err(errno)
    }

    fn accept(&mut self, socket: Descriptor) -> Result<(Descriptor, Address), Errno> {
        let (accepted, from) = acceptfrom_with(self.owned(socket)?, FLAGS).map_err(errno)?;
        let from = from.map_or(Address::Local(Vec::new()), address::from_system);
        Ok((self.own(accepted), from))
    }

    fn connect(&mut self, socket: Descriptor, address: &Address) -> Result<(), Errno> {
        let socket = self.owned(socket)?;
        let done = match address::to_system(address)? {
            Some(address) => connect(socket, &address),
            None => connect_unspec(socket),
        };
        done.map_err(errno)
    }

    fn take_error(&mut self, socket: Descriptor) -> Option<Errno> {
        let socket = match self.owned(socket) {
            Ok(socket) => socket,
            Err(error) => return Some(error),
        };
        match sockopt::socket_error(socket) {
            Ok(Ok(())) => None,
            Ok(Err(error)) | Err(error) => Some(errno(error)),
        }
    }

    fn write_parts(&mut self, socket: Descriptor, parts: &[&[u8]]) -> Result<usize, Errno> {
        let mut slices = [IoSlice::new(&[]); PARTS];
        for (slice, part) in slices.iter_mut().zip(parts) {
            *slice = IoSlice::new(part);
        }
        let count = parts.len().min(PARTS);
        rustix::io::writev(self.owned(socket)?, &slices[..count]).map_err(errno)
    }

    fn send_to(
        &mut self,
        socket: Descriptor,
        to: &Address,
        message: &[u8],
        control: &Control,
    ) -> Result<usize, Errno> {
        let to = address::to_system(to)?;
        message::send(self.owned(socket)?, to.as_ref(), message, control)
    }

    fn receive_from(&mut self, socket: Descriptor, buffer: &mut [u8]) -> Result<Received, Errno> {
        message::receive(self.owned(socket)?, buffer)
    }

    fn readable_bytes(&mut self, socket: Descriptor) -> Result<usize, Errno> {
        let bytes = rustix::io::ioctl_fionread(self.owned(socket)?).map_err(errno)?;
        Ok(bytes as usize)
    }

    fn shutdown(&mut self, socket: Descriptor, direction: Direction) -> Result<(), Errno> {
        let direction = match direction {
            Direction::Read => Shutdown::Read,
            Direction::Write => Shutdown::Write,
            Direction::Both => Shutdown::Both,
        };
        shutdown(self.owned(socket)?, direction).map_err(errno)
    }

    fn local_address(&mut self, socket: Descriptor) -> Result<Address, Errno> {
        let address = getsockname(self.owned(socket)?).map_err(errno)?;
        Ok(address::from_system(address))
    }

    fn peer_address(&mut self, socket: Descriptor) -> Result<Address, Errno> {
        let address: Option<SocketAddrAny> = getpeername(self.owned(socket)?).map_err(errno)?;
        Ok(address.map_or(Address::Local(Vec::new()), address::from_system))
    }

    fn set_option(
        &mut self,
        socket: Descriptor,
        name: OptionName,
        value: &OptionValue,
    ) -> Result<(), Errno> {
        options::set(self.owned(socket)?.as_fd(), name, value)
    }

    fn option(&mut self, socket: Descriptor, name: OptionName) -> Result<OptionValue, Errno> {
        options::get(self.owned(socket)?.as_fd(), name)
    }

    fn interfaces(&mut self) -> Result<Vec<Interface>, Errno> {
        interfaces::all()
    }

    fn naming(&mut self) -> Option<Naming> {
        None
    }
}

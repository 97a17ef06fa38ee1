//! `trace_ip_drv`: trace messages to whoever connects to a TCP port. What `dbg:trace_port(ip, Port)` opens.
//!
//! The command is `trace_ip_drv Port Messages Flags`: the port to listen on (0 for any), how many messages are kept at most, and a bit
//! for each of two wishes: 1, that new messages be dropped, not the oldest; 2, that messages be kept while nobody is connected. A
//! message is written as a zero byte, its length in four bytes, and itself; as many as were dropped as a byte 1 and their
//! number in four bytes. (Source: `runtime_tools/c_src/trace_ip_drv.c`.)
//!
//! Invariant: one client at a time; while there is one, nobody else is accepted.

use crate::fs::errno::Errno;
use crate::platform::io::{Descriptor, Interest};
use crate::platform::network::{Address, Family, Kind, OptionName, OptionValue};
use crate::port::driver::{ControlAnswer, Driver, Handle, Unsupported};
use crate::port::open::{OpenError, Options};
use crate::process::try_box;
use crate::term::Term;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr};

/// The name of the driver.
pub const NAME: &str = "trace_ip_drv";

/// `port_control` operation: which port it listens on.
const PORT: u32 = b'p' as u32;

/// Flag: a message that finds no room is dropped, not the oldest one.
const DROP_NEW: u64 = 1;
/// Flag: messages are kept while nobody is connected.
const KEEP: u64 = 2;

/// What a message begins with.
const MESSAGE: u8 = 0;
/// What the number of dropped messages begins with.
const DROPPED: u8 = 1;

const READ: Interest = Interest {
    read: true,
    write: false,
};
const WRITE: Interest = Interest {
    read: false,
    write: true,
};

struct TraceIp {
    listener: Descriptor,
    port: u16,
    client: Option<Descriptor>,
    /// Messages with what goes before them.
    queue: VecDeque<Vec<u8>>,
    /// Bytes of the first one that are on their way.
    sent: usize,
    most: usize,
    flags: u64,
    /// Messages dropped since the last that was queued.
    dropped: u32,
}

/// Listens on the port that the command names.
pub fn open(at: &mut Handle, command: &[u8], _: &Options) -> Result<Box<dyn Driver>, OpenError> {
    let [port, most, flags] = parse(command).ok_or(OpenError::BadName)?;
    let port = u16::try_from(port).map_err(|_| OpenError::BadName)?;
    let most = usize::try_from(most).map_err(|_| OpenError::BadName)?;
    if most == 0 || flags > 3 {
        return Err(OpenError::BadName);
    }
    let (listener, port) = listen(at, port).map_err(OpenError::Posix)?;
    at.watch(listener, READ);
    Ok(try_box(TraceIp {
        listener,
        port,
        client: None,
        queue: VecDeque::new(),
        sent: 0,
        most,
        flags,
        dropped: 0,
    })?)
}

fn parse(command: &[u8]) -> Option<[u64; 3]> {
    let text = core::str::from_utf8(command).ok()?;
    let mut words = text.strip_prefix(NAME)?.split_ascii_whitespace();
    let mut numbers = [0; 3];
    for number in &mut numbers {
        *number = words.next()?.parse().ok()?;
    }
    Some(numbers)
}

fn listen(at: &mut Handle, port: u16) -> Result<(Descriptor, u16), Errno> {
    let network = at.network()?;
    let socket = network.open(Family::Inet, Kind::Stream)?;
    let any = Address::Ip(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    let listening = network
        .set_option(socket, OptionName::ReuseAddress, &OptionValue::Number(1))
        .and_then(|()| network.bind(socket, &any))
        .and_then(|()| network.listen(socket, 1))
        .and_then(|()| network.local_address(socket));
    match listening {
        Ok(Address::Ip(address)) => Ok((socket, address.port())),
        Ok(_) => Ok((socket, port)),
        Err(error) => {
            at.close(socket);
            Err(error)
        }
    }
}

/// A byte, a number in four, and bytes.
fn framed(kind: u8, number: u32, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut frame = Vec::new();
    frame.try_reserve_exact(bytes.len() + 5).ok()?;
    frame.push(kind);
    frame.extend_from_slice(&number.to_be_bytes());
    frame.extend_from_slice(bytes);
    Some(frame)
}

impl TraceIp {
    /// Puts a message behind the others, if there is room.
    fn keep(&mut self, data: &[u8]) {
        if self.client.is_none() && self.flags & KEEP == 0 {
            return;
        }
        let full = self.queue.len() >= self.most;
        if full && self.flags & DROP_NEW != 0 {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        if full {
            // The one that is on its way stays.
            let oldest = usize::from(self.sent > 0);
            if self.queue.remove(oldest).is_some() {
                self.dropped = self.dropped.saturating_add(1);
            }
        }
        if self.dropped > 0
            && let Some(frame) = framed(DROPPED, self.dropped, &[])
            && self.queue.try_reserve(1).is_ok()
        {
            self.queue.push_back(frame);
            self.dropped = 0;
        }
        let frame = u32::try_from(data.len()).ok();
        let frame = frame.and_then(|length| framed(MESSAGE, length, data));
        match frame {
            Some(frame) if self.queue.try_reserve(1).is_ok() => self.queue.push_back(frame),
            _ => self.dropped = self.dropped.saturating_add(1),
        }
    }

    /// Writes what the client takes.
    fn write(&mut self, at: &mut Handle) {
        let Some(client) = self.client else {
            return;
        };
        while let Some(first) = self.queue.front() {
            let rest = &first[self.sent..];
            let written = match at.network() {
                Ok(network) => network.write_parts(client, &[rest]),
                Err(error) => Err(error),
            };
            match written {
                Ok(count) if count == rest.len() => {
                    self.sent = 0;
                    self.queue.pop_front();
                }
                Ok(count) => self.sent += count,
                Err(Errno::EAGAIN) => break,
                Err(_) => return self.hang_up(at),
            }
        }
        let interest = match self.queue.is_empty() {
            true => READ,
            false => READ.or(WRITE),
        };
        at.watch(client, interest);
    }

    /// The client is gone: the next one may come.
    fn hang_up(&mut self, at: &mut Handle) {
        if let Some(client) = self.client.take() {
            at.close(client);
        }
        self.queue.clear();
        self.sent = 0;
        self.dropped = 0;
        at.watch(self.listener, READ);
    }

    fn accept(&mut self, at: &mut Handle) {
        let accepted = at
            .network()
            .and_then(|network| network.accept(self.listener));
        if let Ok((client, _)) = accepted {
            self.client = Some(client);
            at.watch(self.listener, Interest::NONE);
            self.write(at);
        }
    }

    /// The client has something to say, which is nothing or its end.
    fn read(&mut self, at: &mut Handle, client: Descriptor) {
        let mut bytes = [0; 64];
        match at.io().read(client, &mut bytes) {
            Ok(0) => self.hang_up(at),
            Ok(_) | Err(Errno::EAGAIN) => {}
            Err(_) => self.hang_up(at),
        }
    }
}

impl Driver for TraceIp {
    fn command(&mut self, at: &mut Handle, data: Vec<u8>) {
        self.keep(&data);
        self.write(at);
    }

    fn control(
        &mut self,
        _: &mut Handle,
        _: Term,
        operation: u32,
        _: &[u8],
    ) -> Result<ControlAnswer, Unsupported> {
        if operation != PORT {
            return Err(Unsupported);
        }
        let [high, low] = self.port.to_be_bytes();
        Ok(ControlAnswer::from_slice(&[0, high, low]))
    }

    fn answers_binaries(&self) -> bool {
        true
    }

    fn ready(&mut self, at: &mut Handle, descriptor: Descriptor, ready: Interest) {
        if descriptor == self.listener {
            return self.accept(at);
        }
        if Some(descriptor) == self.client && ready.read {
            self.read(at, descriptor);
        }
        if Some(descriptor) == self.client && ready.write {
            self.write(at);
        }
    }

    fn stop(&mut self, at: &mut Handle) {
        self.write(at);
        if let Some(client) = self.client.take() {
            at.close(client);
        }
        at.close(self.listener);
    }
}

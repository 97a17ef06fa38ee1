//! Streams for unit tests: what was written can be looked at, what is to be read is put in before.
//!
//! The streams belong to the thread, as a test does, so that a test reaches them beside the machine that has the platform.

use crate::fs::errno::Errno;
use crate::platform::io::*;
use crate::platform::network::*;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::net::SocketAddr;

/// How many streams there are.
const STREAMS: usize = 10;

/// One stream, which is connected to nothing.
#[derive(Default)]
pub(crate) struct TestStream {
    /// What can be read.
    pub input: VecDeque<u8>,
    /// Whether nothing more will come.
    pub ended: bool,
    /// What was written.
    pub output: Vec<u8>,
    /// How much it takes before it blocks.
    pub room: usize,
    /// What is looked for.
    pub watched: Interest,
    /// How connecting it ends.
    pub error: Option<Errno>,
    /// Connections that came to it: other streams.
    pub connections: VecDeque<u32>,
    /// Which directions of it were ended.
    pub ended_directions: Vec<Direction>,
    /// Whether it was closed.
    pub closed: bool,
}

std::thread_local! {
    static STREAM: RefCell<[TestStream; STREAMS]> = RefCell::default();
}

/// Looks at a stream, or changes it.
pub(crate) fn stream<T>(number: usize, look: impl FnOnce(&mut TestStream) -> T) -> T {
    STREAM.with_borrow_mut(|streams| look(&mut streams[number]))
}

/// Looks at the stream of a descriptor.
fn of<T>(
    descriptor: Descriptor,
    look: impl FnOnce(&mut TestStream) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let number = descriptor.0 as usize;
    if number >= STREAMS {
        return Err(Errno::EBADF);
    }
    stream(number, look)
}

/// A world with the streams 0 to 9, of which those from 6 on become sockets one after the other.
pub(crate) struct TestIo {
    events: VecDeque<Event>,
    next_socket: u32,
}

impl TestIo {
    /// A world in which nothing has happened: the streams of the thread are fresh, whatever test ran on it before.
    pub(crate) fn new() -> TestIo {
        STREAM.take();
        TestIo {
            events: VecDeque::new(),
            next_socket: 6,
        }
    }
}

impl Io for TestIo {
    fn read(&mut self, descriptor: Descriptor, bytes: &mut [u8]) -> Result<usize, Errno> {
        of(descriptor, |stream| {
            if stream.input.is_empty() && !stream.ended {
                return Err(Errno::EAGAIN);
            }
            let len = bytes.len().min(stream.input.len());
            for (byte, read) in bytes.iter_mut().zip(stream.input.drain(..len)) {
                *byte = read;
            }
            Ok(len)
        })
    }

    fn write(&mut self, descriptor: Descriptor, bytes: &[u8]) -> Result<usize, Errno> {
        of(descriptor, |stream| {
            let len = bytes.len().min(stream.room);
            if len == 0 && !bytes.is_empty() {
                return Err(Errno::EAGAIN);
            }
            stream.room -= len;
            stream.output.extend_from_slice(&bytes[..len]);
            Ok(len)
        })
    }

    fn close(&mut self, descriptor: Descriptor) {
        let _ = of(descriptor, |stream| {
            stream.closed = true;
            Ok(())
        });
    }

    fn watch(&mut self, descriptor: Descriptor, interest: Interest) {
        let _ = of(descriptor, |stream| {
            stream.watched = interest;
            Ok(())
        });
    }

    fn spawn(&mut self, _: &Command) -> Result<Child, SpawnError> {
        Err(SpawnError::Refused(Errno::ENOTSUP))
    }

    fn set_signal(&mut self, _: Signal, _: SignalAction) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn is_terminal(&mut self, _: Descriptor) -> bool {
        false
    }

    fn window_size(&mut self, _: Descriptor) -> Option<WindowSize> {
        None
    }

    fn has_lines(&mut self) -> bool {
        false
    }

    fn set_terminal(&mut self, _: TerminalMode) -> Result<TerminalMode, Errno> {
        Err(Errno::ENOTSUP)
    }

    fn poll(&mut self) {
        for number in 0..STREAMS {
            let ready = stream(number, |stream| Interest {
                read: stream.watched.read
                    && (stream.ended || !stream.input.is_empty() || !stream.connections.is_empty()),
                write: stream.watched.write && stream.room > 0,
            });
            if !ready.is_none() {
                let descriptor = Descriptor(number as u32);
                self.events.push_back(Event::Ready(descriptor, ready));
            }
        }
    }

    fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

/// Where all sockets are.
fn somewhere() -> Address {
    Address::Ip(SocketAddr::from(([127, 0, 0, 1], 1234)))
}

impl Network for TestIo {
    fn open(&mut self, _: Family, _: Kind) -> Result<Descriptor, Errno> {
        if self.next_socket as usize == STREAMS {
            return Err(Errno::EMFILE);
        }
        self.next_socket += 1;
        Ok(Descriptor(self.next_socket - 1))
    }

    fn adopt(&mut self, number: u32) -> Result<Descriptor, Errno> {
        Ok(Descriptor(number))
    }

    fn bind(&mut self, _: Descriptor, _: &Address) -> Result<(), Errno> {
        Ok(())
    }

    fn listen(&mut self, _: Descriptor, _: u32) -> Result<(), Errno> {
        Ok(())
    }

    fn accept(&mut self, socket: Descriptor) -> Result<(Descriptor, Address), Errno> {
        of(socket, |stream| {
            let connection = stream.connections.pop_front().ok_or(Errno::EAGAIN)?;
            Ok((Descriptor(connection), somewhere()))
        })
    }

    fn connect(&mut self, _: Descriptor, _: &Address) -> Result<(), Errno> {
        Err(Errno::EINPROGRESS)
    }

    fn take_error(&mut self, socket: Descriptor) -> Option<Errno> {
        of(socket, |stream| Ok(stream.error.take())).unwrap_or(Some(Errno::EBADF))
    }

    fn write_parts(&mut self, socket: Descriptor, parts: &[&[u8]]) -> Result<usize, Errno> {
        self.write(socket, &parts.concat())
    }

    fn send_to(
        &mut self,
        _: Descriptor,
        _: &Address,
        _: &[u8],
        _: &Control,
    ) -> Result<usize, Errno> {
        Err(Errno::ENOTSUP)
    }

    fn receive_from(&mut self, _: Descriptor, _: &mut [u8]) -> Result<Received, Errno> {
        Err(Errno::ENOTSUP)
    }

    fn readable_bytes(&mut self, socket: Descriptor) -> Result<usize, Errno> {
        of(socket, |stream| Ok(stream.input.len()))
    }

    fn shutdown(&mut self, socket: Descriptor, direction: Direction) -> Result<(), Errno> {
        of(socket, |stream| {
            stream.ended_directions.push(direction);
            Ok(())
        })
    }

    fn local_address(&mut self, _: Descriptor) -> Result<Address, Errno> {
        Ok(somewhere())
    }

    fn peer_address(&mut self, _: Descriptor) -> Result<Address, Errno> {
        Ok(somewhere())
    }

    fn set_option(
        &mut self,
        _: Descriptor,
        name: OptionName,
        _: &OptionValue,
    ) -> Result<(), Errno> {
        match name {
            OptionName::Priority => Err(Errno::EPERM),
            _ => Ok(()),
        }
    }

    fn option(&mut self, _: Descriptor, _: OptionName) -> Result<OptionValue, Errno> {
        Err(Errno::ENOPROTOOPT)
    }

    fn interfaces(&mut self) -> Result<Vec<Interface>, Errno> {
        Ok(Vec::new())
    }

    fn naming(&mut self) -> Option<Naming> {
        None
    }
}

//! Streams for unit tests: what was written can be looked at, what is to be read is put in before.
//!
//! The streams belong to the thread, as a test does, so that a test reaches them beside the machine that has the platform.

use crate::fs::errno::Errno;
use crate::platform::io::*;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cell::RefCell;

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

/// A world with the streams 0 to 9.
pub(crate) struct TestIo {
    events: VecDeque<Event>,
}

impl TestIo {
    /// A world in which nothing has happened: the streams of the thread are fresh, whatever test ran on it before.
    pub(crate) fn new() -> TestIo {
        STREAM.take();
        TestIo {
            events: VecDeque::new(),
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

    fn close(&mut self, _: Descriptor) {}

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
                read: stream.watched.read && (stream.ended || !stream.input.is_empty()),
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

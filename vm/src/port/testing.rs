//! Streams for unit tests: what was written can be looked at, what is to be read is put in before.

use crate::fs::errno::Errno;
use crate::platform::io::*;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// A world with descriptors 0 to 9, which are not connected.
#[derive(Default)]
pub(crate) struct TestIo {
    /// What can be read from each; `None` at the end of the input.
    pub input: [VecDeque<u8>; 10],
    /// Descriptors whose input has ended.
    pub ended: [bool; 10],
    /// What was written to each.
    pub output: [Vec<u8>; 10],
    /// How much each takes before it blocks.
    pub room: [usize; 10],
    pub watched: [Interest; 10],
    pub events: VecDeque<Event>,
}

impl Io for TestIo {
    fn read(&mut self, descriptor: Descriptor, bytes: &mut [u8]) -> Result<usize, Errno> {
        let number = descriptor.0 as usize;
        let input = self.input.get_mut(number).ok_or(Errno::EBADF)?;
        if input.is_empty() && !self.ended[number] {
            return Err(Errno::EAGAIN);
        }
        let len = bytes.len().min(input.len());
        for (byte, read) in bytes.iter_mut().zip(input.drain(..len)) {
            *byte = read;
        }
        Ok(len)
    }

    fn write(&mut self, descriptor: Descriptor, bytes: &[u8]) -> Result<usize, Errno> {
        let number = descriptor.0 as usize;
        let room = self.room.get_mut(number).ok_or(Errno::EBADF)?;
        let len = bytes.len().min(*room);
        if len == 0 && !bytes.is_empty() {
            return Err(Errno::EAGAIN);
        }
        *room -= len;
        self.output[number].extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn close(&mut self, _: Descriptor) {}

    fn watch(&mut self, descriptor: Descriptor, interest: Interest) {
        if let Some(watched) = self.watched.get_mut(descriptor.0 as usize) {
            *watched = interest;
        }
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

    fn set_terminal(&mut self, _: TerminalMode) -> Result<(), Errno> {
        Err(Errno::ENOTSUP)
    }

    fn poll(&mut self) {
        for number in 0..10 {
            let watched = self.watched[number];
            let readable = !self.input[number].is_empty() || self.ended[number];
            let ready = Interest {
                read: watched.read && readable,
                write: watched.write && self.room[number] > 0,
            };
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

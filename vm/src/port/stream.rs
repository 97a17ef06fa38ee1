//! Streams of bytes with a queue: what the drivers of descriptors and programs share.
//!
//! Output is written at once as far as the world takes it, and the rest when it takes more. From [`Limits::high`] queued bytes on
//! the port is busy, until less than [`Limits::low`] are left. With `{packet, N}` each command goes out behind its size,
//! and input is handed on packet by packet.

use super::driver::Handle;
use crate::fs::errno::Errno;
use crate::platform::io::{Descriptor, Interest};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Bytes that are read at once, at most (as OTP does).
const READ_BYTES: usize = 64 * 1024;

/// Descriptors of the standard streams are below.
const STANDARD: u32 = 3;

/// When a port is busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Not any more with fewer queued bytes than this.
    pub low: usize,
    /// From this many queued bytes on.
    pub high: usize,
}

impl Default for Limits {
    /// OTP's.
    fn default() -> Limits {
        Limits {
            low: 4096,
            high: 8192,
        }
    }
}

/// How bytes are divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Not at all.
    #[default]
    Stream,
    /// By a size of this many bytes (1, 2 or 4), the most significant first.
    Packet(u8),
}

/// What a look at the input brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// There is more to come.
    Open,
    /// Its end; it is not looked at any more.
    End,
}

/// A stream to read from, one to write to, or both.
pub struct Stream {
    input: Option<Descriptor>,
    output: Option<Descriptor>,
    framing: Framing,
    limits: Limits,
    /// A packet that is not complete, with its size before it.
    packet: Vec<u8>,
    queue: VecDeque<Vec<u8>>,
    /// Bytes of the first element of `queue` that have been written.
    written: usize,
    queued: usize,
    flushing: bool,
}

impl Stream {
    /// A stream that reads from `input` and writes to `output`.
    pub const fn new(
        input: Option<Descriptor>,
        output: Option<Descriptor>,
        framing: Framing,
        limits: Limits,
    ) -> Stream {
        Stream {
            input,
            output,
            framing,
            limits,
            packet: Vec::new(),
            queue: VecDeque::new(),
            written: 0,
            queued: 0,
            flushing: false,
        }
    }

    /// Whether it neither reads nor writes.
    pub fn is_nowhere(&self) -> bool {
        self.input.is_none() && self.output.is_none()
    }

    /// Begins to look at the input.
    pub fn start(&self, at: &mut Handle) {
        self.watch(at);
    }

    /// Looks for input, and for room for what is queued.
    fn watch(&self, at: &mut Handle) {
        let read = Interest {
            read: true,
            write: false,
        };
        let write = Interest {
            read: false,
            write: self.queued > 0,
        };
        match (self.input, self.output) {
            (Some(input), Some(output)) if input == output => at.watch(input, read.or(write)),
            (input, output) => {
                if let Some(input) = input {
                    at.watch(input, read);
                }
                if let Some(output) = output {
                    at.watch(output, write);
                }
            }
        }
    }

    /// Writes `data`, or queues it.
    pub fn command(&mut self, at: &mut Handle, data: Vec<u8>) {
        if self.output.is_none() {
            return at.fail(Errno::EINVAL);
        }
        if let Framing::Packet(bytes) = self.framing {
            let size = data.len() as u64;
            if size >> (8 * u32::from(bytes)) != 0 {
                return at.fail(Errno::EINVAL);
            }
            let size = size.to_be_bytes();
            self.queue_up(at, size[8 - usize::from(bytes)..].to_vec());
        }
        let was_empty = self.queued == 0;
        self.queue_up(at, data);
        if was_empty || self.queue.len() <= 2 {
            self.write(at);
        }
    }

    fn queue_up(&mut self, at: &mut Handle, data: Vec<u8>) {
        if data.is_empty() {
            return;
        }
        if self.queue.try_reserve(1).is_err() {
            return at.fail(Errno::ENOMEM);
        }
        self.queued += data.len();
        self.queue.push_back(data);
    }

    /// Writes what the world takes.
    fn write(&mut self, at: &mut Handle) {
        let Some(output) = self.output else {
            return;
        };
        while let Some(first) = self.queue.front() {
            match at.io().write(output, &first[self.written..]) {
                Ok(written) => {
                    self.queued -= written;
                    self.written += written;
                    if self.written == first.len() {
                        self.queue.pop_front();
                        self.written = 0;
                    }
                }
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR) => {}
                Err(error) => {
                    self.drop_queue(at);
                    return at.fail(error);
                }
            }
        }
        self.account(at);
        self.watch(at);
        if self.queued >= self.limits.high {
            at.set_busy(true);
        } else if self.queued < self.limits.low {
            at.set_busy(false);
        }
        if self.flushing && self.queued == 0 {
            at.flushed();
        }
    }

    /// Says how much is queued.
    fn account(&self, at: &mut Handle) {
        let to_console = self.output.is_some_and(|output| output.0 < STANDARD);
        at.set_queued(self.queued, to_console);
    }

    fn drop_queue(&mut self, at: &mut Handle) {
        self.queue.clear();
        self.queued = 0;
        self.account(at);
    }

    /// Reads or writes, as far as the world is ready for it.
    pub fn ready(&mut self, at: &mut Handle, descriptor: Descriptor, ready: Interest) -> Input {
        if ready.write && self.output == Some(descriptor) {
            self.write(at);
        }
        if ready.read && self.input == Some(descriptor) {
            return self.read(at, descriptor);
        }
        Input::Open
    }

    fn read(&mut self, at: &mut Handle, input: Descriptor) -> Input {
        let Ok(mut buffer) = at.take_buffer(READ_BYTES) else {
            at.fail(Errno::ENOMEM);
            return Input::Open;
        };
        let result = match at.io().read(input, &mut buffer[..READ_BYTES]) {
            Ok(0) => {
                self.end_input(at);
                Input::End
            }
            Ok(len) => {
                self.received(at, &buffer[..len]);
                Input::Open
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Input::Open,
            // The other side of a terminal is gone.
            Err(Errno::EIO) => {
                self.end_input(at);
                Input::End
            }
            Err(error) => {
                at.fail(error);
                Input::Open
            }
        };
        at.give_buffer(buffer);
        result
    }

    /// The input is not looked at any more.
    fn end_input(&mut self, at: &mut Handle) {
        let input = self.input.take();
        if let Some(input) = input {
            if self.output != Some(input) {
                at.close(input);
            }
            self.watch(at);
        }
    }

    /// Hands input on, in packets if it comes in such.
    pub fn received(&mut self, at: &mut Handle, mut bytes: &[u8]) {
        let Framing::Packet(head) = self.framing else {
            return at.data(bytes);
        };
        let head = usize::from(head);
        while !bytes.is_empty() {
            let wanted = match self.packet.get(..head) {
                Some(size) => {
                    let size = size.iter().fold(0, |size, byte| size << 8 | *byte as usize);
                    head + size
                }
                None => head,
            };
            let piece = bytes.len().min(wanted - self.packet.len());
            if self.packet.try_reserve(piece).is_err() {
                return at.fail(Errno::ENOMEM);
            }
            self.packet.extend_from_slice(&bytes[..piece]);
            bytes = &bytes[piece..];
            self.hand_on_packet(at, head);
        }
    }

    /// Hands a packet on that has become complete.
    fn hand_on_packet(&mut self, at: &mut Handle, head: usize) {
        if let Some((size, data)) = self.packet.split_at_checked(head)
            && size.iter().fold(0, |size, byte| size << 8 | *byte as usize) == data.len()
        {
            at.data(data);
            self.packet.clear();
        }
    }

    /// The port was closed with something left to write.
    pub fn flush(&mut self, at: &mut Handle) {
        self.flushing = true;
        self.end_input(at);
        self.write(at);
    }

    /// Gives the descriptors back.
    pub fn stop(&mut self, at: &mut Handle) {
        self.drop_queue(at);
        for descriptor in [self.input.take(), self.output.take()]
            .into_iter()
            .flatten()
        {
            at.close(descriptor);
        }
    }
}

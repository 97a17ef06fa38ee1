//! Bytes of a stream that have come and are not handed on yet.
//!
//! While they are looked at they are in the machine's buffer for reading ([`Handle::take_buffer`]); what is left of them afterwards is copied
//! to memory of its own, as little as there is. So a connection on which nothing happens has no buffer. A packet that is larger than that
//! buffer is read into the binary that it will be.
//!
//! Invariant: the bytes are `start..end` of `bytes`, or the first `end` of `large`; not both. Memory grows with the bytes that have come,
//! not with what they promise.

use crate::bits::buffer::Buffer;
use crate::fs::errno::Errno;
use crate::memory::NoMemory;
use crate::platform::io::Descriptor;
use crate::port::driver::Handle;
use alloc::vec::Vec;

/// Bytes that are read at once.
pub const READ_BYTES: usize = 64 * 1024;

/// Bytes of a packet that is read by itself, before its size is seen to be true.
const LARGE_START: usize = 4 * READ_BYTES;

/// A packet that is read by itself.
struct Large {
    buffer: Buffer,
    /// How many bytes it has when it is whole.
    size: usize,
    filled: usize,
}

/// What has come.
#[derive(Default)]
pub struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Whether `bytes` is the machine's buffer.
    borrowed: bool,
    large: Option<Large>,
}

impl Input {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match &self.large {
            Some(large) => large.filled,
            None => self.end - self.start,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, unless they are of a packet that is read by itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The first `count` bytes are handed on.
    pub fn advance(&mut self, count: usize) {
        self.start += count.min(self.end - self.start);
    }

    /// The packet that was read by itself, if it is whole.
    pub fn take_large(&mut self) -> Option<Buffer> {
        match &self.large {
            Some(large) if large.filled == large.size => {}
            _ => return None,
        }
        let large = self.large.take()?;
        Some(large.buffer)
    }

    /// Forgets all bytes.
    pub fn clear(&mut self, at: &mut Handle) {
        self.large = None;
        (self.start, self.end) = (0, 0);
        self.settle(at);
    }

    /// Gives the machine's buffer back, after what is left was copied.
    pub fn settle(&mut self, at: &mut Handle) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if !self.borrowed {
                self.bytes = Vec::new();
            }
        }
        if !core::mem::take(&mut self.borrowed) {
            return;
        }
        let mut rest = Vec::new();
        if rest.try_reserve_exact(self.end - self.start).is_err() {
            at.fail(Errno::ENOMEM);
            (self.start, self.end) = (0, 0);
        }
        rest.extend_from_slice(self.bytes());
        let buffer = core::mem::replace(&mut self.bytes, rest);
        (self.start, self.end) = (0, self.bytes.len());
        at.give_buffer(buffer);
    }

    /// Moves the bytes to the machine's buffer, where there are [`READ_BYTES`] of room behind them.
    fn borrow(&mut self, at: &mut Handle) -> Result<(), NoMemory> {
        let len = self.end - self.start;
        if self.borrowed && self.bytes.len() - self.end >= READ_BYTES {
            return Ok(());
        }
        if self.borrowed {
            self.settle(at);
        }
        let mut buffer = at.take_buffer(len + READ_BYTES)?;
        buffer[..len].copy_from_slice(self.bytes());
        self.bytes = buffer;
        (self.start, self.end) = (0, len);
        self.borrowed = true;
        Ok(())
    }

    /// Reads what there is; 0 is the end. `wanted` is the size of the packet that the bytes begin, if that is known.
    pub fn read(
        &mut self,
        at: &mut Handle,
        socket: Descriptor,
        wanted: Option<usize>,
    ) -> Result<usize, Errno> {
        if self.large.is_none()
            && let Some(size) = wanted.filter(|size| *size > READ_BYTES)
        {
            self.begin_large(at, size).map_err(|_| Errno::ENOMEM)?;
        }
        if let Some(large) = &mut self.large {
            let room = large.room().map_err(|_| Errno::ENOMEM)?;
            let read = at.io().read(socket, room)?;
            large.filled += read;
            return Ok(read);
        }
        self.borrow(at).map_err(|_| Errno::ENOMEM)?;
        let room = &mut self.bytes[self.end..][..READ_BYTES];
        let read = at.io().read(socket, room)?;
        self.end += read;
        Ok(read)
    }

    /// Goes on with the bytes as the beginning of a packet of `size` bytes.
    fn begin_large(&mut self, at: &mut Handle, size: usize) -> Result<(), NoMemory> {
        let filled = self.bytes().len();
        let mut buffer = Buffer::new(size.min(LARGE_START.max(filled)))?;
        buffer.bytes()[..filled].copy_from_slice(self.bytes());
        (self.start, self.end) = (0, 0);
        self.settle(at);
        self.large = Some(Large {
            buffer,
            size,
            filled,
        });
        Ok(())
    }

    /// What was begun as a packet by itself becomes plain bytes again: nobody waits for that packet any more.
    pub fn give_up_large(&mut self) -> Result<(), NoMemory> {
        if let Some(mut large) = self.large.take() {
            let mut bytes = Vec::new();
            bytes
                .try_reserve_exact(large.filled)
                .map_err(|_| NoMemory)?;
            bytes.extend_from_slice(&large.buffer.bytes()[..large.filled]);
            (self.start, self.end) = (0, bytes.len());
            self.bytes = bytes;
        }
        Ok(())
    }

    /// Puts bytes before all others.
    pub fn push_front(&mut self, at: &mut Handle, before: &[u8]) -> Result<(), NoMemory> {
        self.give_up_large()?;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(before.len() + self.len())
            .map_err(|_| NoMemory)?;
        bytes.extend_from_slice(before);
        bytes.extend_from_slice(self.bytes());
        (self.start, self.end) = (0, 0);
        self.settle(at);
        self.end = bytes.len();
        self.bytes = bytes;
        Ok(())
    }
}

impl Large {
    /// Where to read to.
    fn room(&mut self) -> Result<&mut [u8], NoMemory> {
        let have = self.buffer.bytes().len();
        if self.filled == have && have < self.size {
            self.buffer.grow(self.size.min(have.saturating_mul(2)))?;
        }
        Ok(&mut self.buffer.bytes()[self.filled..])
    }
}

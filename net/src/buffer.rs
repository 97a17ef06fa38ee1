//! Packets that wait: bytes in buffers that are used again and again.
//!
//! Invariant: a queue never holds more than its limit, and once it has been full nothing is allocated for a packet any more.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Packets up to this length have small buffers of their own, so that acknowledgements do not sit in 64 KiB.
const SMALL: usize = 2048;
/// How many unused buffers of each kind are kept.
const SPARE: usize = 64;

/// A packet. The buffer may be longer than it.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    len: usize,
}

impl Buffer {
    /// The packet.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The packet.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

/// Buffers that nobody uses now.
#[derive(Default)]
pub struct Spare {
    small: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
}

impl Spare {
    /// A buffer for `len` bytes, which have any values. `None` if there is no memory.
    pub fn take(&mut self, len: usize) -> Option<Buffer> {
        let (list, whole) = if len <= SMALL {
            (&mut self.small, SMALL)
        } else {
            (&mut self.large, len)
        };
        let mut bytes = list.pop().unwrap_or_default();
        if bytes.len() < whole {
            bytes.clear();
            bytes.try_reserve_exact(whole).ok()?;
            bytes.resize(whole, 0);
        }
        Some(Buffer { bytes, len })
    }

    /// Takes a buffer back.
    pub fn give(&mut self, buffer: Buffer) {
        let list = if buffer.bytes.len() <= SMALL {
            &mut self.small
        } else {
            &mut self.large
        };
        if list.len() < SPARE && list.try_reserve(1).is_ok() {
            list.push(buffer.bytes);
        }
    }
}

/// Packets in the order of their coming.
pub struct Queue<T> {
    packets: VecDeque<(T, Buffer)>,
    spare: Spare,
    /// Bytes of all of them.
    queued: usize,
    limit: usize,
}

impl<T> Queue<T> {
    /// An empty one for at most `limit` bytes.
    pub fn new(limit: usize) -> Queue<T> {
        Queue {
            packets: VecDeque::new(),
            spare: Spare::default(),
            queued: 0,
            limit,
        }
    }

    /// Whether there is room for a packet of `len` bytes.
    pub fn has_room(&self, len: usize) -> bool {
        self.queued + len <= self.limit
    }

    /// Puts a packet of `len` bytes at the end, written by `fill`. False: there was no room or no memory, and `fill` was not called.
    pub fn push(&mut self, tag: T, len: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        if !self.has_room(len) || self.packets.try_reserve(1).is_err() {
            return false;
        }
        let Some(mut buffer) = self.spare.take(len) else {
            return false;
        };
        fill(buffer.bytes_mut());
        self.queued += len;
        self.packets.push_back((tag, buffer));
        true
    }

    /// Takes the first packet out; it is to be given back by [`Queue::recycle`].
    pub fn pop(&mut self) -> Option<(T, Buffer)> {
        let (tag, buffer) = self.packets.pop_front()?;
        self.queued -= buffer.len;
        Some((tag, buffer))
    }

    /// Takes back the buffer of a packet.
    pub fn recycle(&mut self, buffer: Buffer) {
        self.spare.give(buffer);
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_takes_nothing_and_an_emptied_one_does() {
        let mut queue = Queue::new(5000);
        assert!(queue.push(1, 3000, |bytes| bytes.fill(7)));
        assert!(!queue.push(2, 3000, |_| panic!("called without room")));
        assert!(queue.push(2, 2, |bytes| bytes.fill(8)));
        let (tag, buffer) = queue.pop().unwrap();
        assert_eq!(
            (tag, buffer.bytes().len(), buffer.bytes()[2999]),
            (1, 3000, 7)
        );
        queue.recycle(buffer);
        assert!(queue.push(3, 4000, |bytes| assert_eq!(bytes.len(), 4000)));
        assert_eq!(queue.pop().unwrap().1.bytes(), [8, 8]);
    }
}

//! How large the buffers of a connection are.
//!
//! smoltcp's buffers have one size for life. The first connections get large ones, for throughput; the more memory they have
//! altogether, the smaller are those of the next, down to [`SMALLEST`]. A program that sets `SO_SNDBUF` or `SO_RCVBUF` gets what it
//! asks for, within limits. Sockets that have served are kept for the next connection of their size, so that opening and
//! dropping connections neither allocates nor clears memory.
//!
//! Invariant: `used` is the sum of all buffers, those kept included, and never passes `budget`.

use alloc::vec::Vec;
use core::mem::size_of;
use smoltcp::iface::{SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp;

/// Sizes of the buffers for receiving and for sending, and up to which 64ths of the budget they are given out.
const STEPS: [(usize, usize, usize); 5] = [
    (128 * 1024, 128 * 1024, 5),
    (64 * 1024, 64 * 1024, 9),
    (32 * 1024, 32 * 1024, 12),
    (16 * 1024, 16 * 1024, 15),
    (8 * 1024, 8 * 1024, 18),
];
/// The smallest buffers.
const SMALLEST: (usize, usize) = (2 * 1024, 2 * 1024);
/// The largest buffer that a program can ask for.
const LARGEST: usize = 4 * 1024 * 1024;
/// What a connection takes besides its buffers: smoltcp's socket, our own record, its places in tables.
const OVERHEAD: usize = size_of::<SocketStorage<'static>>() + 512;
/// How much of the budget sockets that are kept may have, as a divisor.
const KEPT: usize = 8;

/// A smoltcp socket in a set of its own.
pub struct Slot {
    set: SocketSet<'static>,
    handle: SocketHandle,
    receive: usize,
    send: usize,
}

impl Slot {
    /// The set, to hand to smoltcp.
    pub fn set(&mut self) -> &mut SocketSet<'static> {
        &mut self.set
    }

    /// The socket.
    pub fn socket(&self) -> &tcp::Socket<'static> {
        self.set.get(self.handle)
    }

    /// The socket.
    pub fn socket_mut(&mut self) -> &mut tcp::Socket<'static> {
        self.set.get_mut(self.handle)
    }

    fn bytes(&self) -> usize {
        self.receive + self.send + OVERHEAD
    }
}

/// What is known about the sizes that a connection is to have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// `SO_RCVBUF`, if it was set.
    pub receive: Option<usize>,
    /// `SO_SNDBUF`, if it was set.
    pub send: Option<usize>,
    /// Give it the smallest: nobody knows yet whether the other end exists.
    pub smallest: bool,
}

/// All buffers.
pub struct Buffers {
    budget: usize,
    used: usize,
    kept: Vec<Slot>,
    kept_bytes: usize,
}

impl Buffers {
    /// Buffers of at most `budget` bytes altogether.
    pub fn new(budget: usize) -> Buffers {
        Buffers {
            budget,
            used: 0,
            kept: Vec::new(),
            kept_bytes: 0,
        }
    }

    /// Bytes that connections have, without those that are kept for the next.
    pub fn in_use(&self) -> usize {
        self.used - self.kept_bytes
    }

    fn sizes(&self, wanted: Wanted) -> (usize, usize) {
        let in_use = self.in_use();
        let step = STEPS
            .iter()
            .find(|step| in_use < self.budget / 64 * step.2)
            .map(|step| (step.0, step.1));
        let (receive, send) = match step {
            Some(sizes) if !wanted.smallest => sizes,
            _ => SMALLEST,
        };
        // What a program asks for is granted out of what is free, a 16th for one connection at most.
        let most = LARGEST.min((self.budget - in_use.min(self.budget)) / 16);
        let grant = |asked: Option<usize>, usual: usize, least: usize| match asked {
            Some(asked) => asked.min(most.max(usual)).max(least),
            None => usual,
        };
        (
            grant(wanted.receive, receive, SMALLEST.0),
            grant(wanted.send, send, SMALLEST.1),
        )
    }

    /// A socket that is closed, with buffers. `None`: there is no memory for it.
    pub fn take(&mut self, wanted: Wanted) -> Option<Slot> {
        let (receive, send) = self.sizes(wanted);
        let same = |slot: &Slot| slot.receive == receive && slot.send == send;
        if let Some(at) = self.kept.iter().rposition(same) {
            let slot = self.kept.swap_remove(at);
            self.kept_bytes -= slot.bytes();
            return Some(slot);
        }
        let bytes = receive + send + OVERHEAD;
        while self.used + bytes > self.budget {
            let slot = self.kept.pop()?;
            self.kept_bytes -= slot.bytes();
            self.used -= slot.bytes();
        }
        let slot = Slot::new(receive, send)?;
        self.used += bytes;
        Some(slot)
    }

    /// Takes back the socket of a connection that is over.
    pub fn give(&mut self, mut slot: Slot) {
        // Only one that is closed can be used again; nobody will ask it for its reset.
        slot.socket_mut().abort();
        let bytes = slot.bytes();
        if self.kept_bytes + bytes <= self.budget / KEPT && self.kept.try_reserve(1).is_ok() {
            self.kept_bytes += bytes;
            self.kept.push(slot);
        } else {
            self.used -= bytes;
        }
    }
}

fn buffer(len: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).ok()?;
    bytes.resize(len, 0);
    Some(bytes)
}

impl Slot {
    fn new(receive: usize, send: usize) -> Option<Slot> {
        let mut storage = Vec::new();
        storage.try_reserve_exact(1).ok()?;
        storage.push(SocketStorage::EMPTY);
        let mut set = SocketSet::new(storage);
        let socket = tcp::Socket::new(
            tcp::SocketBuffer::new(buffer(receive)?),
            tcp::SocketBuffer::new(buffer(send)?),
        );
        let handle = set.add(socket);
        Some(Slot {
            set,
            handle,
            receive,
            send,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_there_are_the_smaller_they_get() {
        let mut buffers = Buffers::new(256 * 1024 * 1024 / 3);
        let mut slots = Vec::new();
        let mut last = usize::MAX;
        while let Some(slot) = buffers.take(Wanted::default()) {
            assert!(slot.bytes() <= last);
            last = slot.bytes();
            slots.push(slot);
        }
        assert!(slots.len() >= 10_000, "{}", slots.len());
        assert_eq!(slots[0].receive, 128 * 1024);
        assert!(
            slots
                .iter()
                .filter(|slot| slot.receive >= 32 * 1024)
                .count()
                > 100
        );
        assert!(buffers.used <= buffers.budget);
        for slot in slots {
            buffers.give(slot);
        }
        assert_eq!(buffers.in_use(), 0);
        assert!(buffers.used <= buffers.budget / KEPT);
    }

    #[test]
    fn programs_get_what_they_ask_for() {
        let mut buffers = Buffers::new(64 * 1024 * 1024);
        let slot = buffers.take(Wanted {
            receive: Some(1024 * 1024),
            send: Some(1),
            smallest: false,
        });
        let slot = slot.unwrap();
        assert_eq!((slot.receive, slot.send), (1024 * 1024, SMALLEST.1));
    }
}

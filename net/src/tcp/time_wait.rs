//! What is left of a connection that we ended first: its ends and two numbers, for [`LENGTH`].
//!
//! TIME-WAIT keeps stray segments of an old connection away from a new one with the same ends, and answers the other end if our
//! last acknowledgement was lost. smoltcp would keep a whole socket with its buffers for that; here it takes less than 200 bytes.
//!
//! Invariant: at most [`LIMIT`] of them; the oldest give way. A new connection may begin where an old one waits if its first number
//! is beyond the old one's last (RFC 6191, as Linux does it).

use crate::address::Tuple;
use crate::device::Sent;
use crate::ethernet::Pending;
use crate::packet::{self, Header, Segment, flag, protocol};
use crate::random::Key;
use crate::stack::Stack;
use alloc::collections::VecDeque;
use hashbrown::HashMap;

/// How long it lasts, in nanoseconds: smoltcp's own time, 10 seconds.
const LENGTH: u64 = 10 * super::SECOND;
/// How many there are at most.
const LIMIT: usize = 16 * 1024;
/// Length of a TCP header without options.
const TCP_HEADER: usize = 20;

/// What is remembered.
#[derive(Clone, Copy)]
struct Rest {
    sent: Sent,
    nic: usize,
    exclusive: bool,
    until: u64,
}

/// All of them.
pub struct TimeWait {
    table: HashMap<Tuple, Rest, Key>,
    /// In the order in which they end.
    order: VecDeque<(u64, Tuple)>,
}

impl TimeWait {
    /// None.
    pub fn new(key: Key) -> TimeWait {
        TimeWait {
            table: HashMap::with_hasher(key),
            order: VecDeque::new(),
        }
    }

    /// Whether a connection with these ends waits.
    pub fn contains(&self, tuple: &Tuple) -> bool {
        self.table.contains_key(tuple)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// When the first ends.
    pub fn next_deadline(&self) -> Option<u64> {
        self.order.front().map(|(until, _)| *until)
    }
}

impl Stack {
    /// Remembers a connection that has nothing left to do but wait.
    pub(crate) fn begin_time_wait(
        &mut self,
        tuple: Tuple,
        nic: usize,
        exclusive: bool,
        sent: Sent,
    ) {
        let waits = &mut self.tcp.time_wait;
        // Those that a new connection has ended are still in `order`: it is the longer one.
        let full = waits.order.len() >= LIMIT;
        if waits.order.try_reserve(1).is_err() || waits.table.try_reserve(1).is_err() {
            return;
        }
        if self.tcp_ports.connect(tuple.local.port, exclusive).is_err() {
            return;
        }
        let until = self.now + LENGTH;
        let rest = Rest {
            sent,
            nic,
            exclusive,
            until,
        };
        if let Some(old) = waits.table.insert(tuple, rest) {
            self.tcp_ports.disconnect(tuple.local.port, old.exclusive);
        }
        waits.order.push_back((until, tuple));
        if full && let Some((until, oldest)) = waits.order.pop_front() {
            self.end_time_wait_of(&oldest, until);
        }
    }

    /// Ends the one that lasts until `until`: there may be another one with the same ends by now.
    fn end_time_wait_of(&mut self, tuple: &Tuple, until: u64) {
        let rest = self.tcp.time_wait.table.get(tuple);
        if rest.is_some_and(|rest| rest.until == until) {
            self.end_time_wait(tuple);
        }
    }

    /// Forgets those whose time is over.
    pub(crate) fn expire_time_wait(&mut self) {
        while let Some(&(until, tuple)) = self.tcp.time_wait.order.front()
            && until <= self.now
        {
            self.tcp.time_wait.order.pop_front();
            self.end_time_wait_of(&tuple, until);
        }
    }

    fn end_time_wait(&mut self, tuple: &Tuple) {
        if let Some(rest) = self.tcp.time_wait.table.remove(tuple) {
            let port = tuple.local.port;
            self.tcp_ports.disconnect(port, rest.exclusive);
        }
    }

    /// A segment for one that waits. True: it is dealt with; false: nothing waits any more, so that it may begin a connection.
    pub(crate) fn receive_in_time_wait(&mut self, tuple: &Tuple, segment: &Segment) -> bool {
        let Some(&rest) = self.tcp.time_wait.table.get(tuple) else {
            return false;
        };
        if segment.has(flag::RST) {
            // RFC 1337: a stray reset is not to end the wait.
            return true;
        }
        if segment.has(flag::SYN) && !segment.has(flag::ACK) {
            let beyond = segment.sequence.wrapping_sub(rest.sent.acknowledged);
            if (beyond as i32) > 0 {
                self.end_time_wait(tuple);
                return false;
            }
        }
        if segment.next_sequence() != segment.sequence {
            self.acknowledge(tuple, rest.nic, rest.sent);
        }
        true
    }

    /// Sends an empty acknowledgement.
    fn acknowledge(&mut self, tuple: &Tuple, nic: usize, sent: Sent) {
        self.identification = self.identification.wrapping_add(1);
        let header = Header {
            source: tuple.local.address,
            destination: tuple.remote.address,
            protocol: protocol::TCP,
            traffic_class: 0,
            hop_limit: 64,
            identification: self.identification,
        };
        let pending = Pending::Packet(Some(nic));
        self.outbox
            .push(pending, header.len() + TCP_HEADER, |bytes| {
                header.write(bytes, TCP_HEADER);
                let tcp = &mut bytes[header.len()..];
                tcp[0..2].copy_from_slice(&tuple.local.port.to_be_bytes());
                tcp[2..4].copy_from_slice(&tuple.remote.port.to_be_bytes());
                tcp[4..8].copy_from_slice(&sent.next.to_be_bytes());
                tcp[8..12].copy_from_slice(&sent.acknowledged.to_be_bytes());
                tcp[12] = (TCP_HEADER as u8 / 4) << 4;
                tcp[13] = flag::ACK;
                tcp[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
                tcp[16..20].fill(0);
                packet::fill_checksum(bytes, packet::TCP_CHECKSUM, false);
            });
    }
}

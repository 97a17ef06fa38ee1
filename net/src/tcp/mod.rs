//! TCP: smoltcp's state machine, one socket at a time.
//!
//! smoltcp looks through all sockets of a set for each packet, and asks each of them for something to send. Here each connection
//! has a set of its own; which one a segment is for says a hash table of the two endpoints, and only those connections are asked
//! for segments that something has happened to: a segment came, the program read or wrote, a time has come ([`Connection::dirty`],
//! [`timers`]). So the cost of a packet does not depend on the number of connections. Data for a program that is about to be told of it
//! is no reason to ask at once: what the program reads and writes then is, and the acknowledgement goes out with the answer ([`Tcp::later`]).
//!
//! [`receive`] has the way of a segment in, [`send`] the way out, [`listen`] the handshake of those that others begin, [`time_wait`]
//! what is left of a connection that we ended, [`buffers`] the memory.
//!
//! Invariants: a connection is in `table` under its endpoints from its beginning until smoltcp has forgotten them; it is in `dirty` or
//! `later` if its flag says so (a number there without the flag, of a connection that is gone, means nothing); it is removed by
//! [`Stack::forget`] alone.
//!
//! [`Stack::forget`]: crate::Stack::forget

pub mod buffers;
pub mod listen;
pub mod receive;
pub mod send;
pub mod time_wait;
pub mod timers;

use crate::address::Tuple;
use crate::device::Sent;
use crate::random::{Key, Random};
use crate::slab::Slab;
use crate::stack::Stack;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use buffers::{Buffers, Slot};
use hashbrown::HashMap;
use smoltcp::socket::tcp;
use smoltcp::socket::tcp::State;
use starling_vm::fs::errno::Errno;
use time_wait::TimeWait;
use timers::Timers;

/// Nanoseconds of a second.
pub const SECOND: u64 = 1_000_000_000;

/// Whose a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Its handshake goes on; the listening socket of this number will have it.
    HalfOpen(u32),
    /// It waits for `accept` at the listening socket of this number.
    Waiting(u32),
    /// The socket of this number has it.
    Socket(u32),
    /// The program has closed it; it ends by itself.
    Nobody,
}

/// A connection.
pub struct Connection {
    /// smoltcp's half.
    pub slot: Slot,
    /// Its ends.
    pub tuple: Tuple,
    /// The interface it goes through.
    pub nic: usize,
    /// Whose it is.
    pub owner: Owner,
    /// Whether it is among those to be asked for segments.
    pub dirty: bool,
    /// Whether it can be found under its ends.
    pub in_table: bool,
    /// Whether it is among those that wait for room in the link.
    pub is_blocked: bool,
    /// Whether the port may not be bound to again while it lives.
    pub exclusive: bool,
    /// The earliest time at which [`Timers`] will name it.
    pub alarm: Option<u64>,
    /// Since when the other end owes an answer.
    pub owed_since: Option<u64>,
    /// When it is given up, whatever happens.
    pub until: Option<u64>,
    /// When the other end was heard last, in nanoseconds.
    pub heard: u64,
    /// Why it ended, if that was an error.
    pub fault: Option<Errno>,
    /// What the network says is wrong, which need not stay so.
    pub soft_fault: Option<Errno>,
    /// `IP_TOS` of what goes out.
    pub traffic_class: u8,
    /// The last segment that went out.
    pub sent: Sent,
}

impl Connection {
    /// smoltcp's socket.
    pub fn socket(&self) -> &tcp::Socket<'static> {
        self.slot.socket()
    }

    /// smoltcp's socket.
    pub fn socket_mut(&mut self) -> &mut tcp::Socket<'static> {
        self.slot.socket_mut()
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.socket().state()
    }

    /// Whether the other end has yet to acknowledge something.
    pub fn is_owed(&self) -> bool {
        match self.state() {
            State::SynSent | State::SynReceived => true,
            State::FinWait1 | State::Closing | State::LastAck => true,
            State::Established | State::CloseWait => self.socket().send_queue() > 0,
            State::Closed | State::Listen | State::FinWait2 | State::TimeWait => false,
        }
    }
}

/// All connections.
pub struct Tcp {
    /// By number.
    pub connections: Slab<Connection>,
    /// By ends.
    pub table: HashMap<Tuple, u32, Key>,
    /// Those to be asked for segments.
    pub dirty: VecDeque<u32>,
    /// Those to be asked with the next poll: their programs will have been told by then of what came.
    pub later: Vec<u32>,
    /// When each of the others is to be asked.
    pub timers: Timers,
    /// The memory.
    pub buffers: Buffers,
    /// What is left of connections that we ended.
    pub time_wait: TimeWait,
    /// How many handshakes that others began go on.
    pub half_open: usize,
}

impl Tcp {
    /// No connections, whose buffers may have `budget` bytes.
    pub fn new(budget: usize, random: &mut Random) -> Tcp {
        Tcp {
            connections: Slab::new(),
            table: HashMap::with_hasher(random.key()),
            dirty: VecDeque::new(),
            later: Vec::new(),
            timers: Timers::new(),
            buffers: Buffers::new(budget),
            time_wait: TimeWait::new(random.key()),
            half_open: 0,
        }
    }

    /// Sees to it that a connection is asked for segments at the next opportunity.
    pub fn touch(&mut self, id: u32) {
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.dirty
            && self.dirty.try_reserve(1).is_ok()
        {
            connection.dirty = true;
            self.dirty.push_back(id);
        }
    }

    /// As [`Tcp::touch`], but not before the next poll.
    pub fn touch_later(&mut self, id: u32) {
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.dirty
            && self.later.try_reserve(1).is_ok()
        {
            connection.dirty = true;
            self.later.push(id);
        }
    }

    /// The next poll has come: those that were put off have their turn. Without memory for that they wait for another one.
    pub fn take_up_later(&mut self) {
        if self.dirty.try_reserve(self.later.len()).is_ok() {
            self.dirty.extend(self.later.drain(..));
        }
    }

    #[expect(
        clippy::result_large_err,
        reason = "it moves once in a connection's life"
    )]
    /// Puts a connection into the tables. Its ends are free. Without memory for that it comes back.
    pub fn add(&mut self, connection: Connection) -> Result<u32, Connection> {
        if self.table.try_reserve(1).is_err() {
            return Err(connection);
        }
        let tuple = connection.tuple;
        let id = self.connections.insert(connection)?;
        self.table.insert(tuple, id);
        Ok(id)
    }
}

impl Stack {
    /// Removes a connection from everything.
    pub(crate) fn forget(&mut self, id: u32) {
        let Some(connection) = self.tcp.connections.remove(id) else {
            return;
        };
        if connection.in_table {
            self.tcp.table.remove(&connection.tuple);
        }
        let port = connection.tuple.local.port;
        self.tcp_ports.disconnect(port, connection.exclusive);
        match connection.owner {
            Owner::HalfOpen(listener) => {
                self.tcp.half_open -= 1;
                if let Some(listener) = self.listener_mut(listener) {
                    listener.half_open.retain(|&other| other != id);
                }
            }
            Owner::Waiting(listener) => {
                if let Some(listener) = self.listener_mut(listener) {
                    listener.waiting.retain(|&other| other != id);
                }
            }
            Owner::Socket(_) | Owner::Nobody => {}
        }
        self.tcp.buffers.give(connection.slot);
    }
}

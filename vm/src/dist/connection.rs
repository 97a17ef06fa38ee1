//! One connection to another node.
//!
//! Invariant: a connection that is pending has no controller and no flags, and keeps what is sent as [`output::Signal`]s; one that is open has
//! both, and keeps packets. Its handle is handed out for it alone, so a handle that outlives its connection leads nowhere.

use super::atom_cache::{Receiving, Sending};
use super::{flags, output};
use crate::memory::NoMemory;
use crate::memory::heap::Parcel;
use crate::process::reference::RefNumber;
use crate::process::ties::Ties;
use crate::process::try_box;
use crate::term::copy::copy;
use crate::term::{Atom, Term};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// What carries the packets of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// Nobody yet: `net_kernel` is still connecting.
    Pending,
    /// A port whose driver has packets of its own, such as `tcp_inet` with `{packet, 4}`.
    Port(Term),
    /// A process, by `dist_ctrl_put_data/2` and `dist_ctrl_get_data/1`.
    Process(Term),
}

/// The beginning of a message that comes in pieces.
pub struct Partial {
    /// The number of the piece that came last; they are counted down to 1.
    pub last: u64,
    /// The atoms of its header.
    pub atoms: Vec<Atom>,
    /// What has come.
    pub bytes: Vec<u8>,
}

/// A process that ended before the process that it had asked for, with a link, was there.
pub struct EndedParent {
    /// What the new process is told.
    pub reason: Term,
    _memory: Parcel,
}

impl EndedParent {
    /// It ended with `reason`, of which a copy is kept.
    pub fn new(reason: Term) -> Result<EndedParent, NoMemory> {
        let mut memory = Parcel::new();
        // Literals are copied, too: their module may be purged before the answer comes.
        let reason = copy(reason, &mut memory, &(0..0))?;
        Ok(EndedParent {
            reason,
            _memory: memory,
        })
    }
}

/// A connection.
pub struct Connection {
    /// To whom.
    pub node: Atom,
    /// Its number: `nodes(…, #{connection_id => true})`.
    pub id: u32,
    /// What processes know it by.
    pub handle: RefNumber,
    /// What carries it.
    pub controller: Controller,
    /// What the other node is capable of, and what was agreed on.
    pub flags: u64,
    /// Which life of the other node.
    pub creation: u32,
    /// Who may hand in packets besides the controller.
    pub input_handler: Option<Term>,
    /// Whether the controller wants to be told that there is something to send.
    pub notify: bool,
    /// Whether `dist_ctrl_get_data/1` says how much it is.
    pub gets_size: bool,
    /// Whether it ends as soon as nothing of it runs.
    pub is_broken: bool,
    /// Whether it is in the list of those that have something to write.
    pub is_scheduled: bool,

    /// What was sent before the connection was open.
    pub signals: VecDeque<output::Signal>,
    /// Packets that the controller has not taken yet.
    pub packets: VecDeque<Vec<u8>>,
    /// Bytes of both.
    pub queued: usize,
    /// Processes that wait until there are fewer; suspended.
    pub waiting: Vec<Term>,
    /// Atoms that the other node knows.
    pub sent_atoms: Sending,
    /// The number of the next message in pieces.
    pub sequence: u64,
    /// Packets that were sent.
    pub packets_out: u64,

    /// Atoms that came from the other node.
    pub received_atoms: Receiving,
    /// Messages of which not all pieces have come, by their numbers.
    pub partial: BTreeMap<u64, Partial>,
    /// Packets that came.
    pub packets_in: u64,

    /// Why those ended that had asked the other node for a linked process, and whose answer has not come.
    pub ended_parents: Ties<RefNumber, EndedParent>,
}

impl Connection {
    /// A connection that is not open yet.
    pub fn new(node: Atom, id: u32, handle: RefNumber) -> Result<Box<Connection>, NoMemory> {
        try_box(Connection {
            node,
            id,
            handle,
            controller: Controller::Pending,
            flags: 0,
            creation: 0,
            input_handler: None,
            notify: false,
            gets_size: false,
            is_broken: false,
            is_scheduled: false,
            signals: VecDeque::new(),
            packets: VecDeque::new(),
            queued: 0,
            waiting: Vec::new(),
            sent_atoms: Sending::new(),
            sequence: 0,
            packets_out: 0,
            received_atoms: Receiving::new(),
            partial: BTreeMap::new(),
            packets_in: 0,
            ended_parents: Ties::new(),
        })
    }

    /// Whether packets can be exchanged.
    pub fn is_open(&self) -> bool {
        self.controller != Controller::Pending
    }

    /// Whether `nodes/0` has the other node.
    pub fn is_visible(&self) -> bool {
        self.flags & flags::PUBLISHED != 0
    }

    /// Whether messages begin with a header, if only one without atoms.
    pub fn has_header(&self) -> bool {
        self.flags & (flags::DIST_HDR_ATOM_CACHE | flags::FRAGMENTS) != 0
    }

    /// Whether the other node is capable of what `flag` says. Of one that is not connected yet the best is hoped for, but that
    /// messages may name their senders, as OTP does.
    pub fn has(&self, flag: u64) -> bool {
        if self.is_open() {
            self.flags & flag != 0
        } else {
            flag != flags::SEND_SENDER
        }
    }
}

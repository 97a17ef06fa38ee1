//! Control messages: what other nodes make this one do.
//!
//! A control message is a tuple whose first element is one of [`op`]; some have a payload behind them. What processes of this node are told is
//! decoded straight into their memory.
//!
//! Invariant: a control message of a shape that the protocol does not have closes the connection, and has no effect; one about a process that is
//! gone is no error.

use super::input::{Malformed, Message};
use super::remote::{Link, Watcher};
use super::{signal, spawn};
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::observe::sequential;
use crate::process::exit;
use crate::process::reference::RefNumber;
use crate::process::signal::{Origin, down, exit_signal, use_alias};
use crate::term::copy::copy;
use crate::term::etf::decode::{Options, decode_at};
use crate::term::etf::{DecodeError, VERSION};
use crate::term::external::{RemotePid, RemoteReference};
use crate::term::{Atom, Term};
use crate::tracing::event;

/// First elements of control messages.
#[expect(
    missing_docs,
    reason = "each is the one of its name in the protocol's document"
)]
pub mod op {
    pub const LINK: u64 = 1;
    pub const SEND: u64 = 2;
    pub const EXIT: u64 = 3;
    pub const UNLINK: u64 = 4;
    pub const REG_SEND: u64 = 6;
    pub const GROUP_LEADER: u64 = 7;
    pub const EXIT2: u64 = 8;
    pub const SEND_TT: u64 = 12;
    pub const EXIT_TT: u64 = 13;
    pub const REG_SEND_TT: u64 = 16;
    pub const EXIT2_TT: u64 = 18;
    pub const MONITOR_P: u64 = 19;
    pub const DEMONITOR_P: u64 = 20;
    pub const MONITOR_P_EXIT: u64 = 21;
    pub const SEND_SENDER: u64 = 22;
    pub const SEND_SENDER_TT: u64 = 23;
    pub const PAYLOAD_EXIT: u64 = 24;
    pub const PAYLOAD_EXIT_TT: u64 = 25;
    pub const PAYLOAD_EXIT2: u64 = 26;
    pub const PAYLOAD_EXIT2_TT: u64 = 27;
    pub const PAYLOAD_MONITOR_P_EXIT: u64 = 28;
    pub const SPAWN_REQUEST: u64 = 29;
    pub const SPAWN_REQUEST_TT: u64 = 30;
    pub const SPAWN_REPLY: u64 = 31;
    pub const SPAWN_REPLY_TT: u64 = 32;
    pub const ALIAS_SEND: u64 = 33;
    pub const ALIAS_SEND_TT: u64 = 34;
    pub const UNLINK_ID: u64 = 35;
    pub const UNLINK_ID_ACK: u64 = 36;
}

/// What stands behind a control message, not decoded yet.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a> {
    message: &'a Message<'a>,
    at: usize,
}

impl Payload<'_> {
    /// The term, built in `arena`.
    fn decode<A: Arena + ?Sized>(
        self,
        atoms: &mut crate::atom::AtomTable,
        code: &mut crate::code::Code,
        resources: &crate::memory::resource::Resources,
        arena: &mut A,
    ) -> Result<Term, DecodeError> {
        let at = skip_version(self.message, self.at)?;
        let options = Options {
            safe: false,
            cached: self.message.atoms,
            resources: Some(resources),
        };
        let (term, end) = decode_at(self.message.bytes, at, atoms, arena, code, &options)?;
        if end != self.message.bytes.len() {
            return Err(DecodeError::Invalid {
                what: "bytes behind it",
                offset: end,
            });
        }
        Ok(term)
    }

    /// The term, built in memory of its own.
    pub(super) fn in_parcel(
        self,
        machine: &mut Machine,
        parcel: &mut Parcel,
    ) -> Result<Term, DecodeError> {
        let resources = machine.resources.clone();
        self.decode(&mut machine.atoms, &mut machine.code, &resources, parcel)
    }
}

fn skip_version(message: &Message, at: usize) -> Result<usize, DecodeError> {
    if !message.has_versions {
        return Ok(at);
    }
    match message.bytes.get(at) {
        Some(&VERSION) => Ok(at + 1),
        Some(_) => Err(DecodeError::Version),
        None => Err(DecodeError::Truncated { offset: at }),
    }
}

const UNKNOWN: Malformed = Malformed::Packet("with a control message that is none");

/// Does what a message of `node` says.
pub fn carry_out(machine: &mut Machine, node: Atom, message: &Message) -> Result<(), Malformed> {
    let mut parcel = Parcel::new();
    let resources = machine.resources.clone();
    let options = Options {
        safe: false,
        cached: message.atoms,
        resources: Some(&resources),
    };
    let at = skip_version(message, 0)?;
    let Machine { atoms, code, .. } = &mut *machine;
    let (control, at) = decode_at(message.bytes, at, atoms, &mut parcel, code, &options)?;
    let fields = control.as_tuple().ok_or(UNKNOWN)?;
    let (&number, fields) = fields.split_first().ok_or(UNKNOWN)?;
    let number = number.as_small().and_then(|n| u64::try_from(n).ok());
    let payload = Payload { message, at };
    let (number, fields, token) = without_token(number.ok_or(UNKNOWN)?, fields)?;
    dispatch(machine, node, number, fields, (payload, token))
}

/// The same operation without the token of a sequential trace, and the token, `[]` if there is none.
fn without_token(number: u64, fields: &[Term]) -> Result<(u64, &[Term], Term), Malformed> {
    // The place of the token among the elements behind the number.
    let (plain, place) = match number {
        op::SEND_TT => (op::SEND, 2),
        op::EXIT_TT => (op::EXIT, 2),
        op::REG_SEND_TT => (op::REG_SEND, 3),
        op::EXIT2_TT => (op::EXIT2, 2),
        op::SEND_SENDER_TT => (op::SEND_SENDER, 2),
        op::PAYLOAD_EXIT_TT => (op::PAYLOAD_EXIT, 2),
        op::PAYLOAD_EXIT2_TT => (op::PAYLOAD_EXIT2, 2),
        op::SPAWN_REQUEST_TT => (op::SPAWN_REQUEST, 5),
        op::SPAWN_REPLY_TT => (op::SPAWN_REPLY, 4),
        op::ALIAS_SEND_TT => (op::ALIAS_SEND, 2),
        plain => return Ok((plain, fields, Term::NIL)),
    };
    match (number, fields) {
        // The reason stands behind the token.
        (op::EXIT_TT | op::EXIT2_TT, &[_, _, token, _]) => Ok((plain, fields, token)),
        _ if fields.len() == place + 1 => Ok((plain, &fields[..place], fields[place])),
        _ => Err(UNKNOWN),
    }
}

fn dispatch(
    machine: &mut Machine,
    node: Atom,
    number: u64,
    fields: &[Term],
    (payload, token): (Payload, Term),
) -> Result<(), Malformed> {
    // Of the node that the connection is to.
    let remote = |term: Term| {
        let pid = RemotePid::of(term);
        pid.filter(|pid| pid.node.name == node).ok_or(UNKNOWN)
    };
    let remote_reference = |term: Term| {
        let reference = RemoteReference::of(term);
        reference.filter(|r| r.node.name == node).ok_or(UNKNOWN)
    };
    match (number, fields) {
        (op::SEND | op::SEND_SENDER, &[_, to]) => {
            // A pid of an earlier life of this node is nobody's.
            match to.is_pid() {
                true => deliver(machine, node, to, (payload, token)),
                false => Err(UNKNOWN),
            }
        }
        (op::REG_SEND, &[_, _, name]) => {
            let name = name.as_atom().ok_or(UNKNOWN)?;
            match machine.processes.registry.whereis(name) {
                Some(to) => deliver(machine, node, to, (payload, token)),
                None => Ok(()),
            }
        }
        (op::ALIAS_SEND, &[_, alias]) => {
            if !alias.is_reference() {
                return Err(UNKNOWN);
            }
            let receiver = RefNumber::of(alias).and_then(|alias| use_alias(machine, alias));
            match receiver {
                Some(to) => deliver(machine, node, to, (payload, token)),
                None => Ok(()),
            }
        }
        (op::LINK, &[from, to]) => link(machine, remote(from)?, to),
        (op::UNLINK, &[from, to]) => {
            remove_link(machine, remote(from)?, to);
            Ok(())
        }
        (op::UNLINK_ID, &[id, from, to]) => {
            let (id, from) = (unsigned(id)?, remote(from)?);
            remove_link(machine, from, to);
            signal::unlink_ack(machine, id, to, from);
            Ok(())
        }
        (op::UNLINK_ID_ACK, &[id, from, to]) => {
            let (id, from) = (unsigned(id)?, remote(from)?);
            if let Some(ties) = signal::existing_ties(machine, to)
                && ties.links.get(from) == Some(&Link::Ending(id))
            {
                ties.links.remove(from);
            }
            Ok(())
        }
        (op::EXIT, &[from, to, reason] | &[from, to, _, reason]) => {
            link_exit(machine, (from, remote(from)?), to, reason, token);
            Ok(())
        }
        (op::PAYLOAD_EXIT, &[from, to]) => {
            let remote = remote(from)?;
            let mut parcel = Parcel::new();
            let reason = payload.in_parcel(machine, &mut parcel)?;
            link_exit(machine, (from, remote), to, reason, token);
            Ok(())
        }
        (op::EXIT2, &[from, to, reason] | &[from, to, _, reason]) => {
            explicit_exit(machine, from, to, reason)
        }
        (op::PAYLOAD_EXIT2, &[from, to]) => {
            let mut parcel = Parcel::new();
            let reason = payload.in_parcel(machine, &mut parcel)?;
            explicit_exit(machine, from, to, reason)
        }
        (op::MONITOR_P, &[from, to, reference]) => {
            monitor(machine, remote(from)?, to, remote_reference(reference)?)
        }
        (op::DEMONITOR_P, &[_, to, reference]) => {
            demonitor(machine, to, remote_reference(reference)?);
            Ok(())
        }
        (op::MONITOR_P_EXIT, &[_, to, reference, reason]) => {
            monitor_exit(machine, to, reference, reason)
        }
        (op::PAYLOAD_MONITOR_P_EXIT, &[_, to, reference]) => {
            let mut parcel = Parcel::new();
            let reason = payload.in_parcel(machine, &mut parcel)?;
            monitor_exit(machine, to, reference, reason)
        }
        (op::GROUP_LEADER, &[leader, to]) => group_leader(machine, leader, to),
        (op::SPAWN_REQUEST, &[reference, from, leader, function, options]) => {
            let asked = spawn::Asked {
                reference: remote_reference(reference)?,
                from,
                parent: remote(from)?,
                leader,
                function,
                options,
            };
            spawn::start(machine, &asked, payload, token)
        }
        (op::SPAWN_REPLY, &[reference, to, flags, result]) => {
            let reference = RefNumber::of(reference);
            let flags = unsigned(flags)?;
            if let Some(reference) = reference
                && to.is_local_pid()
            {
                spawn::reply(machine, node, to, reference, flags, (result, token))
            } else {
                Ok(())
            }
        }
        _ => Err(UNKNOWN),
    }
}

fn unsigned(term: Term) -> Result<u64, Malformed> {
    if let Some(small) = term.as_small() {
        return u64::try_from(small).map_err(|_| UNKNOWN);
    }
    match crate::number::Number::of(&term) {
        Some(crate::number::Number::Big(big)) if !big.negative && big.digits.len() == 1 => {
            Ok(big.digits[0])
        }
        _ => Err(UNKNOWN),
    }
}

/// Puts the payload, which comes from another node, into the mailbox of `to`, if that is a process that is alive.
fn deliver(
    machine: &mut Machine,
    node: Atom,
    to: Term,
    (payload, token): (Payload, Term),
) -> Result<(), Malformed> {
    if !to.is_local_pid() {
        return Ok(());
    }
    let resources = machine.resources.clone();
    let Machine {
        processes,
        atoms,
        code,
        ..
    } = &mut *machine;
    let mut wrong = None;
    let posted = processes.post_whole(to, |process| {
        let decoded = payload.decode(atoms, code, &resources, &mut process.heap);
        decoded.map_err(|error| {
            wrong = Some(error);
            NoMemory
        })
    });
    match (posted, wrong) {
        (Ok(()), _) => {
            // Without memory the message has no token.
            let _ = sequential::arrived(machine, to, token);
            event::received_from(machine, to, node);
            Ok(())
        }
        (Err(NoMemory), None | Some(DecodeError::NoMemory)) => {
            // It would wait for the message in vain.
            exit::begin(machine, to, am::KILLED.term());
            Ok(())
        }
        (Err(NoMemory), Some(error)) => Err(error.into()),
    }
}

/// A process of the other node has linked to one of this.
fn link(machine: &mut Machine, from: RemotePid, to: Term) -> Result<(), Malformed> {
    if machine.processes.alive(to).is_none() {
        signal::link_exit(machine, to, from, am::NOPROC.term());
        return Ok(());
    }
    let ties = signal::ties(machine, to).map_err(DecodeError::from)?;
    if let Some(ties) = ties
        && !ties.links.contains(from)
    {
        // One that is there is active already, or about to end: the other node has not seen the end yet, and will end this one with it.
        ties.links
            .insert(from, Link::Active)
            .map_err(DecodeError::from)?;
        event::about_remote(machine, to, am::GETTING_LINKED, from);
    }
    Ok(())
}

/// A process of the other node has taken its link away.
fn remove_link(machine: &mut Machine, from: RemotePid, to: Term) {
    if let Some(ties) = signal::existing_ties(machine, to)
        && ties.links.get(from) == Some(&Link::Active)
    {
        ties.links.remove(from);
        event::about_remote(machine, to, am::GETTING_UNLINKED, from);
    }
}

/// A process of the other node that was linked to `to` has ended.
fn link_exit(
    machine: &mut Machine,
    (from, remote): (Term, RemotePid),
    to: Term,
    reason: Term,
    token: Term,
) {
    let removed = signal::existing_ties(machine, to).and_then(|ties| ties.links.remove(remote));
    // A link that was taken away here means nothing any more.
    if removed == Some(Link::Active) {
        event::left(machine, to, from, reason);
        let waiting = |machine: &mut Machine| {
            let process = machine.processes.alive(to);
            process.map_or(0, |process| process.mailbox.len())
        };
        let before = waiting(machine);
        exit_signal(machine, from, to, reason, Origin::Link);
        if waiting(machine) > before {
            // Without memory the message has no token.
            let _ = sequential::arrived(machine, to, token);
        }
    }
}

fn explicit_exit(
    machine: &mut Machine,
    from: Term,
    to: Term,
    reason: Term,
) -> Result<(), Malformed> {
    if !from.is_pid() {
        return Err(UNKNOWN);
    }
    if to.is_local_pid() {
        exit_signal(machine, from, to, reason, Origin::Explicit);
    }
    Ok(())
}

/// A process of the other node wants to know when `to`, a pid or a name, ends.
fn monitor(
    machine: &mut Machine,
    from: RemotePid,
    to: Term,
    reference: RemoteReference,
) -> Result<(), Malformed> {
    let name = to.as_atom();
    let watcher = Watcher { pid: from, name };
    let watched = match name {
        Some(name) => machine.processes.registry.whereis(name),
        None if to.is_pid() => Some(to),
        None => return Err(UNKNOWN),
    };
    let watched = watched.filter(|pid| machine.processes.alive(*pid).is_some());
    let Some(watched) = watched else {
        signal::monitor_exit(machine, to, watcher, reference, am::NOPROC.term());
        return Ok(());
    };
    let ties = signal::ties(machine, watched).map_err(DecodeError::from)?;
    if let Some(ties) = ties {
        let watchers = &mut ties.watchers;
        watchers
            .insert(reference, watcher)
            .map_err(DecodeError::from)?;
    }
    Ok(())
}

fn demonitor(machine: &mut Machine, to: Term, reference: RemoteReference) {
    let by_name = to.as_atom();
    let watched = match by_name {
        Some(name) => machine.processes.registry.whereis(name),
        None => Some(to),
    };
    let ties = watched.and_then(|pid| signal::existing_ties(machine, pid));
    let removed = ties.and_then(|ties| ties.watchers.remove(reference));
    if removed.is_some() || by_name.is_none() {
        return;
    }
    // The name may be another's by now, or nobody's.
    for mut process in machine.processes.table.iter() {
        // SAFETY: the table's processes are alive, and nobody borrows one while the machine is borrowed mutably.
        let process = unsafe { process.as_mut() };
        let ties = process.rare.as_mut().and_then(|rare| rare.remote.as_mut());
        if ties.is_some_and(|ties| ties.watchers.remove(reference).is_some()) {
            return;
        }
    }
}

/// What `to` monitors has ended.
fn monitor_exit(
    machine: &mut Machine,
    to: Term,
    reference: Term,
    reason: Term,
) -> Result<(), Malformed> {
    if !reference.is_reference() {
        return Err(UNKNOWN);
    }
    if let Some(reference) = RefNumber::of(reference) {
        let process = machine.processes.table.get_mut(to);
        let monitor = process.and_then(|process| process.monitors.get(reference).copied());
        if monitor.is_some_and(|monitor| monitor.target.is_remote()) {
            down(machine, to, reference, reason);
        }
    }
    Ok(())
}

fn group_leader(machine: &mut Machine, leader: Term, to: Term) -> Result<(), Malformed> {
    if !leader.is_pid() {
        return Err(UNKNOWN);
    }
    let literals = machine.literals.clone();
    if let Some(process) = machine.processes.alive(to) {
        let leader = copy(leader, &mut process.heap, &literals);
        process.group_leader = leader.map_err(DecodeError::from)?;
    }
    Ok(())
}

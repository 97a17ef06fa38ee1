//! Processes that one node starts on another.
//!
//! The node that asks keeps a [`SpawnRequest`] with the process that asks; the node that is asked starts the process, tied to
//! its parent as the request says, and answers before anything else of the new process can arrive.
//!
//! Invariant: a request ends once: by the answer, by the end of the connection, or with the process that made it. In the last case the
//! connection remembers what a linked process will have to be told.

use super::connection::EndedParent;
use super::control::Payload;
use super::input::Malformed;
use super::remote::{Link, SpawnRequest, Watcher};
use super::signal;
use crate::atom::am;
use crate::bif::remote_spawn_options;
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::observe::sequential::{self, Token};
use crate::process::reference::RefNumber;
use crate::process::spawn::{MAX_ARGUMENTS, Start, first_call, spawn};
use crate::process::table::InsertError;
use crate::process::{Monitor, Watched, exit};
use crate::term::copy::copy;
use crate::term::external::{RemotePid, RemoteReference};
use crate::term::{Atom, Term};
use crate::tracing::event;

/// Flags of an answer.
const LINKED: u64 = 1;
const MONITORED: u64 = 2;

/// What another node asks for.
pub struct Asked {
    /// The number that the answer has.
    pub reference: RemoteReference,
    /// Who asks.
    pub from: Term,
    /// The same.
    pub parent: RemotePid,
    /// The group leader that the process gets.
    pub leader: Term,
    /// `{Module, Function, Arity}`
    pub function: Term,
    /// Options.
    pub options: Term,
}

/// Starts the process, and answers.
pub(super) fn start(
    machine: &mut Machine,
    asked: &Asked,
    payload: Payload,
    token: Term,
) -> Result<(), Malformed> {
    let wrong = Malformed::Packet("with a request for a process that is none");
    let (module, function) = match asked.function.as_tuple() {
        Some(&[module, function, arity]) if arity.as_small().is_some() => {
            (module.as_atom(), function.as_atom())
        }
        _ => (None, None),
    };
    let (Some(module), Some(function)) = (module, function) else {
        return Err(wrong);
    };
    if !asked.leader.is_pid() {
        return Err(wrong);
    }
    let mut parcel = Parcel::new();
    let list = payload.in_parcel(machine, &mut parcel)?;
    // What is no token is none.
    let token = Token::of(token);
    let refuse = |machine: &mut Machine, why: Atom| {
        // Without memory there is no token.
        let token = token.and_then(|token| trace_refusal(machine, asked, token, why).ok());
        let token = token.as_ref().map(|(token, _)| *token);
        let why = (why.term(), token);
        signal::spawn_reply(machine, asked.reference, asked.parent, 0, why);
        Ok(())
    };
    let Some(options) = remote_spawn_options(machine, asked.options) else {
        return refuse(machine, am::BADOPT);
    };
    let mut copies = [Term::NIL; MAX_ARGUMENTS];
    let call = first_call(module, function, list, &mut copies);
    let Some((module, function, arguments)) = call else {
        return refuse(machine, am::SYSTEM_LIMIT);
    };
    let (link, monitor) = (options.link, options.monitor.is_some());
    let alone = crate::process::spawn::Options {
        link: false,
        monitor: None,
        ..options
    };
    let begin = Start::Function {
        module,
        function,
        arguments,
    };
    let pid = match spawn(machine, None, begin, &alone, None, None) {
        Ok(pid) => pid,
        Err(InsertError::Full | InsertError::NoMemory) => {
            return refuse(machine, am::SYSTEM_LIMIT);
        }
    };
    if tie(machine, pid, asked, link, monitor).is_err() {
        exit::begin(machine, pid, am::KILLED.term());
        return refuse(machine, am::SYSTEM_LIMIT);
    }
    let flags = if link { LINKED } else { 0 } | if monitor { MONITORED } else { 0 };
    // Without memory there is no token.
    let token = token.map(|token| trace(machine, pid, asked, token, list));
    let token = token.and_then(|traced| traced.unwrap_or(None));
    let result = (pid, token);
    signal::spawn_reply(machine, asked.reference, asked.parent, flags, result);
    Ok(())
}

/// The token of a sequential trace becomes that of the new process `pid`; the one that goes with the answer.
fn trace(
    machine: &mut Machine,
    pid: Term,
    asked: &Asked,
    received: Token,
    arguments: Term,
) -> Result<Option<Term>, NoMemory> {
    let mut parcel = Parcel::new();
    let request = told(asked, &mut parcel)?;
    sequential::asked_for(machine, received, pid, request);
    sequential::started_with(machine, pid, received)?;
    let Some(process) = machine.processes.table.get_mut(pid) else {
        return Ok(None);
    };
    let heap = &mut process.heap;
    let (reference, parent) = (asked.reference.term(heap)?, asked.parent.term(heap)?);
    let answer = heap.tuple(&[am::SPAWN_REPLY.term(), reference, am::OK.term(), pid])?;
    let token = sequential::sent_away(machine, pid, parent, answer)?;
    sequential::answered(machine, pid);
    sequential::arguments_arrived(machine, received, pid, arguments);
    Ok(token)
}

/// The same for a request that is refused because of `why`; the memory is that of the token.
fn trace_refusal(
    machine: &mut Machine,
    asked: &Asked,
    token: Token,
    why: Atom,
) -> Result<(Term, Parcel), NoMemory> {
    let mut parcel = Parcel::new();
    let request = told(asked, &mut parcel)?;
    let node = machine.atoms.node.name.term();
    sequential::asked_for(machine, token, node, request);
    let (reference, parent) = (
        asked.reference.term(&mut parcel)?,
        asked.parent.term(&mut parcel)?,
    );
    let answer = [
        am::SPAWN_REPLY.term(),
        reference,
        am::ERROR.term(),
        why.term(),
    ];
    let answer = parcel.tuple(&answer)?;
    let token = sequential::refused(machine, token, parent, answer);
    Ok((token.term(&mut parcel)?, parcel))
}

/// A request as a trace tells it.
fn told(asked: &Asked, parcel: &mut Parcel) -> Result<Term, NoMemory> {
    let reference = asked.reference.term(parcel)?;
    let request = [
        am::SPAWN_REQUEST.term(),
        reference,
        asked.from,
        asked.leader,
        asked.function,
        asked.options,
    ];
    parcel.tuple(&request)
}

fn tie(
    machine: &mut Machine,
    pid: Term,
    asked: &Asked,
    link: bool,
    monitor: bool,
) -> Result<(), NoMemory> {
    let literals = machine.literals.clone();
    if let Some(process) = machine.processes.table.get_mut(pid) {
        process.group_leader = copy(asked.leader, &mut process.heap, &literals)?;
        process.parent = copy(asked.from, &mut process.heap, &literals)?;
    }
    if (link || monitor)
        && let Some(ties) = signal::ties(machine, pid)?
    {
        if link {
            ties.links.insert(asked.parent, Link::Active)?;
        }
        if monitor {
            let watcher = Watcher {
                pid: asked.parent,
                name: None,
            };
            ties.watchers.insert(asked.reference, watcher)?;
        }
    }
    Ok(())
}

/// The other node has answered a request of the process `to`.
pub(super) fn reply(
    machine: &mut Machine,
    node: Atom,
    to: Term,
    reference: RefNumber,
    flags: u64,
    (result, token): (Term, Term),
) -> Result<(), Malformed> {
    let wrong = Malformed::Packet("with an answer that is none");
    let remote = RemotePid::of(result).filter(|pid| pid.node.name == node);
    if remote.is_none() && result.as_atom().is_none() {
        return Err(wrong);
    }
    // Only who was asked answers.
    let request = signal::existing_ties(machine, to).and_then(|ties| {
        let asked = ties.spawns.get(reference)?.node == node;
        asked.then(|| ties.spawns.remove(reference)).flatten()
    });
    let Some(request) = request else {
        let connection = machine.distribution.get(node);
        let ended = connection.and_then(|found| found.ended_parents.remove(reference));
        if let Some(remote) = remote
            && machine.processes.alive(to).is_none()
        {
            parent_is_gone(machine, to, remote, flags, reference, ended.as_ref());
        }
        return Ok(());
    };
    let Some(remote) = remote else {
        end_alias(machine, to, reference, &request);
        if tell(machine, to, reference, &request, Err(result)) {
            let _ = sequential::arrived(machine, to, token);
        }
        return Ok(());
    };
    if request.abandoned {
        if flags & LINKED != 0 {
            signal::link_exit(machine, to, remote, am::ABANDONED.term());
        }
        if flags & MONITORED != 0 {
            let target = signal::Target::Process(remote);
            signal::demonitor(machine, to, reference, target);
        }
        return Ok(());
    }
    if tie_parent(machine, to, reference, &request, remote, flags).is_err() {
        exit::begin(machine, to, am::KILLED.term());
        return Ok(());
    }
    if tell(machine, to, reference, &request, Ok(remote)) {
        // Without memory the message has no token.
        let _ = sequential::arrived(machine, to, token);
    }
    Ok(())
}

/// The process `parent` has ended with `reason`, and this request of it has not been answered.
pub(super) fn parent_ended(
    machine: &mut Machine,
    reference: RefNumber,
    request: &SpawnRequest,
    reason: Term,
) {
    if !request.link {
        return;
    }
    let reason = match request.abandoned {
        true => am::ABANDONED.term(),
        false => reason,
    };
    if let Some(connection) = machine.distribution.get(request.node)
        && let Ok(ended) = EndedParent::new(reason)
    {
        // Without memory the new process hears of a parent that is not there.
        let _ = connection.ended_parents.insert(reference, ended);
    }
}

/// The process that asked does not exist any more: the new one is told why, and must not wait for its end.
fn parent_is_gone(
    machine: &mut Machine,
    parent: Term,
    child: RemotePid,
    flags: u64,
    reference: RefNumber,
    ended: Option<&EndedParent>,
) {
    if flags & LINKED != 0 {
        let reason = ended.map_or(am::NOPROC.term(), |ended| ended.reason);
        signal::link_exit(machine, parent, child, reason);
    }
    if flags & MONITORED != 0 {
        let target = signal::Target::Process(child);
        signal::demonitor(machine, parent, reference, target);
    }
}

fn tie_parent(
    machine: &mut Machine,
    parent: Term,
    reference: RefNumber,
    request: &SpawnRequest,
    child: RemotePid,
    flags: u64,
) -> Result<(), NoMemory> {
    if flags & LINKED != 0
        && let Some(ties) = signal::ties(machine, parent)?
    {
        ties.links.insert(child, Link::Active)?;
        event::about_remote(machine, parent, am::LINK, child);
    }
    if flags & MONITORED != 0
        && let Some(process) = machine.processes.alive(parent)
    {
        let monitor = Monitor {
            target: Watched::Remote(signal::Target::Process(child)),
            tag: request.monitor_tag,
        };
        process.monitors.insert(reference, monitor)?;
    }
    Ok(())
}

/// The connection to `node` is gone: so are the requests that `pid` made of it.
pub(super) fn connection_lost(machine: &mut Machine, pid: Term, node: Atom) {
    loop {
        let ties = signal::existing_ties(machine, pid);
        let lost = ties.and_then(|ties| {
            let mut all = ties.spawns.iter();
            let (reference, _) = all.find(|(_, request)| request.node == node)?;
            drop(all);
            Some((reference, ties.spawns.remove(reference)?))
        });
        let Some((reference, request)) = lost else {
            return;
        };
        end_alias(machine, pid, reference, &request);
        let why = Err(am::NOCONNECTION.term());
        tell(machine, pid, reference, &request, why);
    }
}

fn end_alias(machine: &mut Machine, pid: Term, reference: RefNumber, request: &SpawnRequest) {
    if request.alias.is_some() {
        crate::process::signal::remove_alias(machine, pid, reference);
    }
}

/// `{Tag, Reference, ok, Pid}` or `{Tag, Reference, error, Reason}`, if it is wanted; whether it is.
fn tell(
    machine: &mut Machine,
    to: Term,
    reference: RefNumber,
    request: &SpawnRequest,
    result: Result<RemotePid, Term>,
) -> bool {
    let wanted = match result {
        Ok(_) => request.tells_success,
        Err(_) => request.tells_error,
    };
    if !wanted || request.abandoned {
        return false;
    }
    crate::port::deliver::post(machine, to, |heap| {
        let reference = reference.term(heap)?;
        let (status, value) = match result {
            Ok(pid) => (am::OK, pid.term(heap)?),
            Err(reason) => (am::ERROR, reason),
        };
        heap.tuple(&[request.tag, reference, status.term(), value])
    });
    true
}

//! What happens to processes: messages, beginnings and ends, links, names, turns, collections.
//!
//! Each function is called where the event happens, after a look at whether the process is traced at all.

use super::flags::Flags;
use super::measure;
use super::message::{tell, tell_all};
use super::session::{Messages, SessionId};
use super::specification::{self, Matched};
use super::tracee::{self, Link, Links, inherit, listeners};
use crate::atom::am;
use crate::bif::{Context, Value, paused};
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::process::spawn::Start;
use crate::process::{Process, State};
use crate::term::external::RemotePid;
use crate::term::{Atom, Term};

/// Runs a session's specification of messages for a process.
fn message_matches(
    machine: &mut Machine,
    pid: Term,
    link: &Link,
    messages: &Messages,
    arguments: &[Term],
) -> Option<Matched> {
    if !messages.on {
        return None;
    }
    let Some(specification) = &messages.specification else {
        return Some(Matched::ALWAYS);
    };
    let process = core::ptr::from_mut(machine.processes.alive(pid)?);
    // SAFETY: the process is in the table, and nothing else refers to it while the specification runs: it reaches processes through the
    // machine by their pids, and never holds one.
    let process = unsafe { &mut *process };
    let arguments = process.heap.list(arguments).ok()?;
    let ran = specification::run(machine, process, link.session, specification, arguments);
    let silent = tracee::link_of(machine, pid, link.session)
        .is_some_and(|link| link.flags.any(Flags::SILENT));
    ran.ok().flatten().filter(|_| !silent)
}

fn messages_of(
    machine: &Machine,
    session: SessionId,
    which: impl Fn(&super::session::Session) -> &Messages,
) -> Option<Messages> {
    machine.tracing.session(session).map(which).cloned()
}

/// `from`, which is traced, sends a message.
#[cold]
pub fn sends(machine: &mut Machine, from: Term, to: Term, message: Term, exists: bool) {
    for link in listeners(machine, from, Flags::SEND) {
        let Some(messages) = messages_of(machine, link.session, |session| &session.send) else {
            continue;
        };
        let Some(matched) = message_matches(machine, from, &link, &messages, &[to, message]) else {
            continue;
        };
        let tag = if exists {
            am::SEND
        } else {
            am::SEND_TO_NON_EXISTING_PROCESS
        };
        if matched.message != Term::boolean(false) {
            let fields = [message, to, matched.message];
            tell(machine, from, &link, tag, with_extra(&fields));
        }
    }
}

/// The fields without the last one, if that is `true`.
pub(super) fn with_extra(fields: &[Term]) -> &[Term] {
    match fields.split_last() {
        Some((last, rest)) if *last == Term::boolean(true) => rest,
        _ => fields,
    }
}

/// A message has arrived at `to`: the last one in its mailbox. `from` is who sent it, if that is known.
#[inline]
pub fn received(machine: &mut Machine, to: Term, from: Option<Term>) {
    if machine.tracing.receivers != 0 {
        let last = machine.processes.alive(to).and_then(|p| p.mailbox.last());
        if let Some(message) = last {
            received_this(machine, to, from, message);
        }
    }
}

/// As [`received`], of a message from another node; which process sent it is not told there either.
pub fn received_from(machine: &mut Machine, to: Term, node: Atom) {
    if machine.tracing.receivers != 0 {
        let last = machine.processes.alive(to).and_then(|p| p.mailbox.last());
        if let Some(message) = last {
            tell_received(machine, to, node, None, message);
        }
    }
}

/// As [`received`], of a message that need not be the last one.
#[cold]
#[inline(never)]
pub fn received_this(machine: &mut Machine, to: Term, from: Option<Term>, message: Term) {
    let node = match from.and_then(RemotePid::of) {
        Some(pid) => pid.node.name,
        None => specification::this_node(machine),
    };
    tell_received(machine, to, node, from, message);
}

/// `node` and `from` are where the message comes from.
fn tell_received(machine: &mut Machine, to: Term, node: Atom, from: Option<Term>, message: Term) {
    for link in listeners(machine, to, Flags::RECEIVE) {
        let Some(messages) = messages_of(machine, link.session, |session| &session.receive) else {
            continue;
        };
        let from = from.unwrap_or(am::UNDEFINED.term());
        let arguments = [node.term(), from, message];
        let Some(matched) = message_matches(machine, to, &link, &messages, &arguments) else {
            continue;
        };
        if matched.message != Term::boolean(false) {
            let fields = [message, matched.message];
            tell(machine, to, &link, am::RECEIVE, with_extra(&fields));
        }
    }
}

/// The `receive` of a process that is traced is over, and no message has matched.
#[cold]
pub fn timed_out(machine: &mut Machine, pid: Term) {
    if machine.tracing.receivers != 0 {
        tell_received(machine, pid, am::CLOCK_SERVICE, None, am::TIMEOUT.term());
    }
}

/// A process has been made, and not run yet: it begins with what sessions want of new processes, or with what its parent has.
pub fn begins(machine: &mut Machine, pid: Term, parent: Option<Term>) -> Result<(), NoMemory> {
    for index in 0..machine.tracing.sessions.len() {
        let session = &machine.tracing.sessions[index];
        let (id, new) = (session.id, session.new_processes);
        if !new.flags.is_empty()
            && new.tracer.verdict(machine, pid) != super::tracer::Verdict::Remove
        {
            let link = Link {
                session: id,
                flags: new.flags,
                tracer: new.tracer,
            };
            inherit(machine, &link, pid, Flags::NONE)?;
        }
    }
    let Some(parent) = parent else {
        return Ok(());
    };
    let on_spawn = Flags::SET_ON_SPAWN.with(Flags::SET_ON_FIRST_SPAWN);
    for link in tracee::links(machine, parent, on_spawn) {
        let first = link.flags.any(Flags::SET_ON_FIRST_SPAWN);
        let without = if first {
            Flags::SET_ON_FIRST_SPAWN.with(Flags::SET_ON_SPAWN)
        } else {
            Flags::NONE
        };
        if first {
            tracee::update(machine, parent, link.session, |own| {
                own.flags = own.flags.without(without)
            })?;
        }
        inherit(machine, &link, pid, without)?;
    }
    Ok(())
}

/// `parent` has made the process `pid`.
#[cold]
pub fn spawned(
    machine: &mut Machine,
    parent: Option<Term>,
    pid: Term,
    start: &Start,
    linked: bool,
) -> Result<(), NoMemory> {
    let parent_listens = match parent {
        Some(parent) => listeners(machine, parent, Flags::PROCS),
        None => Links::new(),
    };
    let child_listens = listeners(machine, pid, Flags::PROCS);
    if parent_listens.is_empty() && child_listens.is_empty() {
        return Ok(());
    }
    let mut parcel = Parcel::new();
    let call = match *start {
        Start::Function {
            module,
            function,
            arguments,
        } => {
            let arguments = parcel.list(arguments)?;
            [module.term(), function.term(), arguments]
        }
        Start::Fun(fun) => {
            let arguments = parcel.list(&[fun, Term::NIL])?;
            [am::ERLANG.term(), am::APPLY.term(), arguments]
        }
    };
    let call = parcel.tuple(&call)?;
    let from = parent.unwrap_or(am::UNDEFINED.term());
    for link in parent_listens {
        tell(machine, from, &link, am::SPAWN, &[pid, call]);
        if linked {
            tell(machine, from, &link, am::LINK, &[pid]);
        }
    }
    for link in child_listens {
        tell(machine, pid, &link, am::SPAWNED, &[from, call]);
        if linked {
            tell(machine, pid, &link, am::GETTING_LINKED, &[from]);
        }
    }
    Ok(())
}

/// Two processes have been linked, by the first.
pub fn linked(machine: &mut Machine, pid: Term, other: Term) {
    let on_link = Flags::SET_ON_LINK.with(Flags::SET_ON_FIRST_LINK);
    for link in tracee::links(machine, pid, on_link) {
        let first = link.flags.any(Flags::SET_ON_FIRST_LINK);
        let without = if first { on_link } else { Flags::NONE };
        // Without memory it is not traced.
        let _ = inherit(machine, &link, other, without);
        if first {
            let _ = tracee::update(machine, pid, link.session, |own| {
                own.flags = own.flags.without(without);
            });
        }
    }
}

/// Something about the links and names of a process.
#[cold]
pub fn procs(machine: &mut Machine, pid: Term, tag: Atom, field: Term) {
    let flags = if pid.is_local_port() {
        Flags::PORTS
    } else {
        Flags::PROCS
    };
    tell_all(machine, pid, flags, tag, &[field]);
}

/// As [`procs`], about a process of another node.
pub fn about_remote(machine: &mut Machine, pid: Term, tag: Atom, other: RemotePid) {
    if tracee::of(machine, pid).is_none() {
        return;
    }
    let mut parcel = Parcel::new();
    if let Ok(other) = other.term(&mut parcel) {
        procs(machine, pid, tag, other);
    }
}

/// The process `other`, which `pid` was linked to, has ended with `reason`: told unless it ends `pid`, too.
pub fn left(machine: &mut Machine, pid: Term, other: Term, reason: Term) {
    let process = machine.processes.alive(pid);
    let ends = process.is_some_and(|process| !process.trap_exit) && reason != am::NORMAL.term();
    if !ends {
        procs(machine, pid, am::GETTING_UNLINKED, other);
    }
}

/// `{Module, Function, Arity}` of where a process is; 0 if that is nowhere.
fn current(
    machine: &mut Machine,
    process: &Process,
    parcel: &mut Parcel,
) -> Result<Term, NoMemory> {
    if let Some(function) = process.paused_in() {
        let function = paused::shown(&mut machine.atoms, function);
        let arity = Term::small(function.arity.into());
        return parcel.tuple(&[function.module.term(), function.function.term(), arity]);
    }
    match machine.code.location(process.ip) {
        Some(at) => {
            let arity = Term::small(at.arity.into());
            parcel.tuple(&[at.module.term(), at.function.term(), arity])
        }
        None => {
            let call = process.initial_call;
            let (address, mut place) = (super::frames::return_address(process), None);
            if process.heap.stack < process.heap.block.end() {
                place = machine.code.location(address.wrapping_sub(1));
            }
            match place {
                Some(at) => {
                    let arity = Term::small(at.arity.into());
                    parcel.tuple(&[at.module.term(), at.function.term(), arity])
                }
                None => {
                    let arity = Term::small(call.arity.into());
                    parcel.tuple(&[call.module.term(), call.function.term(), arity])
                }
            }
        }
    }
}

/// The process is given the processor, or gives it up.
#[cold]
#[inline(never)]
pub fn scheduled(machine: &mut Machine, process: &mut Process, tag: Atom) {
    let ends = matches!(tag, am::OUT_EXITED | am::OUT_EXITING | am::IN_EXITING);
    match tag {
        am::IN => measure::start(machine, process),
        _ => measure::stop(machine, process),
    }
    let flags = if ends {
        Flags::EXITING
    } else {
        Flags::RUNNING.with(Flags::RUNNING_PROCS)
    };
    if !tracee::wants(process, flags) {
        return;
    }
    let mut parcel = Parcel::new();
    let place = match ends {
        true => Ok(Term::small(0)),
        false => current(machine, process, &mut parcel),
    };
    if let Ok(place) = place {
        tell_all(machine, process.pid, flags, tag, &[place]);
    }
}

/// The turn of a process is over.
#[cold]
#[inline(never)]
pub fn turned_out(machine: &mut Machine, process: &mut Process) {
    let exits = process.pending_exit.is_some() || process.state == State::Exiting;
    match exits {
        true => measure::stop(machine, process),
        false => scheduled(machine, process, am::OUT),
    }
}

/// A collection begins or ends.
#[cold]
#[inline(never)]
pub fn collects(machine: &mut Machine, process: &mut Process, tag: Atom) {
    if !tracee::wants(process, Flags::GARBAGE_COLLECTION) {
        return;
    }
    let mut parcel = Parcel::new();
    if let Ok(info) = crate::bif::garbage_collection_info(&mut parcel, process) {
        tell_all(
            machine,
            process.pid,
            Flags::GARBAGE_COLLECTION,
            tag,
            &[info],
        );
    }
}

/// The token of the sequential trace that the process is part of; `[]` for none.
pub fn sequential_token(cx: &mut Context) -> Value {
    let known = cx.process().sequential.as_ref();
    Ok(known.map_or(Term::NIL, |known| known.token))
}

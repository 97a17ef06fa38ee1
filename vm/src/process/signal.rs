//! What one process sends to another: messages, links, monitors and exit signals.
//!
//! Nothing runs beside a running process, so a signal takes effect when it is sent: a message is copied into the
//! receiver's memory at once, a link exists on both sides or on neither. That keeps more
//! order than Erlang promises (signals of one process to another arrive in the order of their sending).
//! One thing waits, as it would in OTP: an exit signal to the process that runs takes effect when
//! its turn ends or it waits for a message (see [`super::exit`]).
//!
//! Memory: a sender that cannot get the memory for a message is told so ([`NoMemory`]), and is
//! killed by the interpreter. A signal of the machine itself (`'EXIT'`, `'DOWN'`) that finds no memory kills its
//! receiver with reason `killed`, which would otherwise wait for it in vain.

use super::reference::RefNumber;
use super::ties::{Identifier, Ties};
use super::{AliasMode, Monitor, Process, Watched, exit};
use crate::atom::am;
use crate::dist;
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::observe::sequential;
use crate::port;
use crate::term::copy::copy;
use crate::term::{Atom, Term};
use crate::tracing::{event, port_event};

/// Sends `message` from `from` to the process of the pid `to`. A message to itself is not copied.
#[inline]
pub fn send(machine: &mut Machine, from: Term, to: Term, message: Term) -> Result<(), NoMemory> {
    let literals = machine.literals.clone();
    machine.processes.post_whole(to, |receiver| {
        if receiver.pid == from {
            return Ok(message);
        }
        copy(message, &mut receiver.heap, &literals)
    })?;
    event::received(machine, to, Some(from));
    Ok(())
}

/// As [`send`], of a message that has been copied to `parcel`.
pub fn send_parcel(
    machine: &mut Machine,
    from: Term,
    to: Term,
    message: Term,
    parcel: Parcel,
) -> Result<(), NoMemory> {
    let give = |receiver: &mut Process| {
        parcel.give_to(&mut receiver.heap)?;
        Ok(message)
    };
    machine.processes.post_whole(to, give)?;
    event::received(machine, to, Some(from));
    Ok(())
}

/// The exit signal of a process with a token has become a message: the token goes with it.
#[cold]
fn tell_exit(machine: &mut Machine, from: Term, to: Term, reason: Term) {
    let Some(process) = machine.processes.table.get_mut(from) else {
        return;
    };
    // Without memory the message has no token.
    let message = [am::EXIT.term(), from, reason];
    if let Ok(message) = process.heap.tuple(&message) {
        let _ = sequential::sent(machine, from, to, to, message);
    }
}

/// The process that gets what is sent to the alias `reference`; the alias ends here if it was for one reply.
pub fn use_alias(machine: &mut Machine, reference: RefNumber) -> Option<Term> {
    let pid = machine.processes.aliases.owner(reference)?;
    let process = machine.processes.table.get_mut(pid)?;
    let mode = *process.rare.as_ref()?.aliases.get(reference)?;
    if matches!(mode, AliasMode::Reply | AliasMode::ReplyDemonitor) {
        remove_alias(machine, pid, reference);
        if mode == AliasMode::ReplyDemonitor {
            demonitor(machine, pid, reference);
        }
    }
    Some(pid)
}

/// Makes `reference` an alias of the process `pid`.
pub fn add_alias(
    machine: &mut Machine,
    pid: Term,
    reference: RefNumber,
    mode: AliasMode,
) -> Result<(), NoMemory> {
    let Some(process) = machine.processes.table.get_mut(pid) else {
        return Ok(());
    };
    let rare = process.rare()?;
    rare.aliases.reserve()?;
    machine.processes.aliases.insert(reference, pid)?;
    if let Some(process) = machine.processes.table.get_mut(pid) {
        process.rare()?.aliases.insert(reference, mode)?;
    }
    Ok(())
}

/// `reference` is no alias of `pid` any more; whether it was one.
pub fn remove_alias(machine: &mut Machine, pid: Term, reference: RefNumber) -> bool {
    let process = machine.processes.table.get_mut(pid);
    let rare = process.and_then(|process| process.rare.as_mut());
    let removed = rare.is_some_and(|rare| rare.aliases.remove(reference).is_some());
    if removed {
        machine.processes.aliases.remove(reference);
    }
    removed
}

/// The links of a process that is alive, or of an open port.
fn links(machine: &mut Machine, of: Term) -> Option<&mut Ties<Identifier, ()>> {
    if of.is_local_port() {
        machine.ports.open(of).map(|port| &mut port.links)
    } else {
        machine
            .processes
            .alive(of)
            .map(|process| &mut process.links)
    }
}

/// Links a process with another, or with a port; both sides or, without memory, neither. False if `other` is not alive.
pub fn link(machine: &mut Machine, pid: Term, other: Term) -> Result<bool, NoMemory> {
    if machine.processes.alive(pid).is_none() {
        return Ok(false);
    }
    let Some(ties) = links(machine, other) else {
        return Ok(false);
    };
    ties.insert(Identifier::of(pid), ())?;
    if let Some(ties) = links(machine, pid)
        && let Err(error) = ties.insert(Identifier::of(other), ())
    {
        unlink(machine, pid, other);
        return Err(error);
    }
    Ok(true)
}

/// Whether a process of this node is linked to another process or port of it.
pub fn is_linked(machine: &mut Machine, pid: Term, other: Term) -> bool {
    links(machine, pid).is_some_and(|ties| ties.contains(Identifier::of(other)))
}

/// Takes a link away on both sides, if there is one.
pub fn unlink(machine: &mut Machine, pid: Term, other: Term) {
    remove_link(machine, pid, other);
    remove_link(machine, other, pid);
}

/// Takes the link to `other` away on the side of `of`, a process or port that may be on its way out; whether there was one.
pub fn remove_link(machine: &mut Machine, of: Term, other: Term) -> bool {
    if of.is_local_port() {
        return port::signal::remove_link_of_port(machine, of, other);
    }
    let process = machine.processes.table.get_mut(of);
    process.is_some_and(|process| process.links.remove(Identifier::of(other)).is_some())
}

/// The monitors that others hold on a process or port, which may be on its way out.
fn monitored_by(machine: &mut Machine, of: Term) -> Option<&mut Ties<RefNumber, Term>> {
    if of.is_local_port() {
        machine.ports.open(of).map(|port| &mut port.monitored_by)
    } else {
        let process = machine.processes.table.get_mut(of);
        process.map(|process| &mut process.monitored_by)
    }
}

/// Takes the monitor `reference` of `watcher` away on the side of what it watches.
pub fn remove_watcher(
    machine: &mut Machine,
    watcher: Term,
    watched: Watched,
    reference: RefNumber,
) {
    if let Watched::Remote(target) = watched {
        return dist::signal::demonitor(machine, watcher, reference, target);
    }
    let watched = watched.identifier();
    let Some(watchers) = monitored_by(machine, watched) else {
        return;
    };
    if watchers.remove(reference).is_some() && watched.is_local_port() {
        port_event::touched(machine, watched, am::DEMONITOR);
    }
}

/// Makes `pid` monitor a process or port. If that is not alive, `'DOWN'` with reason `noproc` comes at once.
pub fn monitor(
    machine: &mut Machine,
    pid: Term,
    reference: RefNumber,
    monitor: Monitor,
) -> Result<(), NoMemory> {
    let watched = monitor.target.identifier();
    if let Some(process) = machine.processes.alive(pid) {
        process.monitors.insert(reference, monitor)?;
    }
    match monitor.target {
        Watched::TimeOffset => return Ok(()),
        Watched::Remote(target) => {
            match dist::signal::monitor(machine, pid, reference, target) {
                Ok(dist::signal::Sent::NotConnected) => {
                    let reason = dist::signal::why_not(machine, target.node());
                    down(machine, pid, reference, reason.term());
                }
                Ok(_) => {}
                Err(error) => {
                    demonitor(machine, pid, reference);
                    return Err(error);
                }
            }
            return Ok(());
        }
        _ => {}
    }
    let is_there = if watched.is_local_port() {
        machine.ports.open(watched).is_some()
    } else {
        machine.processes.alive(watched).is_some()
    };
    match monitored_by(machine, watched).filter(|_| is_there) {
        Some(watchers) => {
            if let Err(error) = watchers.insert(reference, pid) {
                demonitor(machine, pid, reference);
                return Err(error);
            }
            if watched.is_local_port() {
                port_event::touched(machine, watched, am::MONITOR);
            }
        }
        None => down(machine, pid, reference, am::NOPROC.term()),
    }
    Ok(())
}

/// Ends the monitor `reference` of `pid`; the monitor, if there was one.
pub fn demonitor(machine: &mut Machine, pid: Term, reference: RefNumber) -> Option<Monitor> {
    let process = machine.processes.table.get_mut(pid)?;
    let monitor = process.monitors.remove(reference)?;
    remove_watcher(machine, pid, monitor.target, reference);
    end_alias_of_monitor(machine, pid, reference);
    Some(monitor)
}

/// An alias that was made with a monitor ends with it, unless it was asked to stay.
fn end_alias_of_monitor(machine: &mut Machine, pid: Term, reference: RefNumber) {
    let process = machine.processes.table.get_mut(pid);
    let rare = process.and_then(|process| process.rare.as_mut());
    let mode = rare.and_then(|rare| rare.aliases.get(reference).copied());
    if matches!(mode, Some(AliasMode::Demonitor | AliasMode::ReplyDemonitor)) {
        remove_alias(machine, pid, reference);
    }
}

/// Tells `watcher` that what its monitor `reference` watches has ended, and ends the monitor.
pub fn down(machine: &mut Machine, watcher: Term, reference: RefNumber, reason: Term) {
    let Some(process) = machine.processes.alive(watcher) else {
        return;
    };
    let Some(monitor) = process.monitors.remove(reference) else {
        return;
    };
    end_alias_of_monitor(machine, watcher, reference);
    let literals = machine.literals.clone();
    let this = machine.atoms.node.name;
    let posted = machine.processes.post(watcher, |process| {
        let heap = &mut process.heap;
        let object = monitor.target.object(this, heap)?;
        let tag = monitor.tag.unwrap_or(am::DOWN.term());
        let reference = reference.term(heap)?;
        let reason = copy(reason, heap, &literals)?;
        let kind = monitor.target.kind().term();
        heap.tuple(&[tag, reference, kind, object, reason])
    });
    if posted.is_err() {
        exit::begin(machine, watcher, am::KILLED.term());
    }
    event::received(machine, watcher, None);
}

/// Why an exit signal is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `exit/2`: the reason `kill` cannot be trapped.
    Explicit,
    /// A link: the other process has ended.
    Link,
}

/// Sends an exit signal from `from`, a pid or port of any node, to the process or port `to` of this one. Exits that it causes are queued:
/// [`exit::carry_out`] is called by whoever began.
pub fn exit_signal(machine: &mut Machine, from: Term, to: Term, reason: Term, origin: Origin) {
    if to.is_local_port() {
        return port::signal::exit(machine, to, from, reason, origin);
    }
    let Some(process) = machine.processes.alive(to) else {
        return;
    };
    let kill = origin == Origin::Explicit && reason == am::KILL.term();
    if process.trap_exit && !kill {
        let literals = machine.literals.clone();
        let posted = machine.processes.post_for_process(to, |process| {
            let from = copy(from, &mut process.heap, &literals)?;
            let reason = copy(reason, &mut process.heap, &literals)?;
            process.heap.tuple(&[am::EXIT.term(), from, reason])
        });
        if posted.is_err() {
            exit::begin(machine, to, am::KILLED.term());
        }
        event::received(machine, to, Some(from));
        if let Some(process) = machine.processes.table.get_mut(from)
            && process.sequential.is_some()
        {
            tell_exit(machine, from, to, reason);
        }
    } else if kill {
        exit::begin(machine, to, am::KILLED.term());
    } else if reason != am::NORMAL.term() || (origin == Origin::Explicit && from == to) {
        exit::begin(machine, to, reason);
    }
}

/// Registers `pid`, a process or port, as `name`. The error says why not, as OTP's `error_info` does.
pub fn register(machine: &mut Machine, name: Atom, pid: Term) -> Result<(), RegisterError> {
    if name == am::UNDEFINED {
        return Err(RegisterError::BadName);
    }
    if pid.is_local_port() {
        return register_port(machine, name, pid);
    }
    let processes = &mut machine.processes;
    let process = processes.alive(pid).ok_or(RegisterError::NotAlive)?;
    if process.registered_name.is_some() {
        return Err(RegisterError::HasName);
    }
    if !processes.registry.insert(name, pid)? {
        return Err(RegisterError::Taken);
    }
    if let Some(process) = processes.alive(pid) {
        process.registered_name = Some(name);
    }
    event::procs(machine, pid, am::REGISTER, name.term());
    Ok(())
}

fn register_port(machine: &mut Machine, name: Atom, id: Term) -> Result<(), RegisterError> {
    let port = machine.ports.open(id).ok_or(RegisterError::NotAlive)?;
    if port.registered_name.is_some() {
        return Err(RegisterError::HasName);
    }
    if !machine.processes.registry.insert(name, id)? {
        return Err(RegisterError::Taken);
    }
    port.registered_name = Some(name);
    event::procs(machine, id, am::REGISTER, name.term());
    Ok(())
}

/// Why a process was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterError {
    /// The name is `undefined`.
    BadName,
    /// There is no such process.
    NotAlive,
    /// The process has a name already.
    HasName,
    /// Another process has the name.
    Taken,
    /// There is no memory.
    NoMemory,
}

impl From<NoMemory> for RegisterError {
    fn from(_: NoMemory) -> RegisterError {
        RegisterError::NoMemory
    }
}

/// Takes a registered name away; whether there was one.
pub fn unregister(machine: &mut Machine, name: Atom) -> bool {
    let Some(pid) = machine.processes.registry.remove(name) else {
        return false;
    };
    event::procs(machine, pid, am::UNREGISTER, name.term());
    if let Some(process) = machine.processes.table.get_mut(pid) {
        process.registered_name = None;
    }
    if let Some(port) = machine.ports.open(pid) {
        port.registered_name = None;
    }
    true
}

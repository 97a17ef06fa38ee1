//! What happens to ports: opened and closed, what processes send them, what they send.
//!
//! Links and names of ports are told where those of processes are ([`super::event`]). Nothing here is looked into until a port has been
//! traced.

use super::event;
use super::flags::Flags;
use super::message::{tell, tell_all};
use super::session::{Messages, Session};
use super::specification::Matched;
use super::tracee::{self, Link, Links, inherit};
use super::tracer::Verdict;
use crate::atom::am;
use crate::bits::make_binary;
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::port::output::Output;
use crate::term::{Atom, Term};
use alloc::vec::Vec;

/// A port has been opened by `owner`: it begins with what sessions want of new ports.
pub fn opened(machine: &mut Machine, port: Term, owner: Term) {
    for index in 0..machine.tracing.sessions.len() {
        let session = &machine.tracing.sessions[index];
        let (id, new) = (session.id, session.new_ports);
        if !new.flags.is_empty() && new.tracer.verdict(machine, port) != Verdict::Remove {
            let link = Link {
                session: id,
                flags: new.flags,
                tracer: new.tracer,
            };
            // Without memory it is not traced.
            let _ = inherit(machine, &link, port, Flags::NONE);
        }
    }
    event::procs(machine, owner, am::LINK, port);
    if tracee::of(machine, port).is_none() {
        return;
    }
    let name = machine.ports.open(port).map(|port| port.name.clone());
    let name = name.unwrap_or_default();
    let name = core::str::from_utf8(&name).ok();
    let name = name.and_then(|name| machine.atoms.insert(name).ok());
    let name = name.unwrap_or(am::UNDEFINED);
    tell_all(machine, port, Flags::PORTS, am::OPEN, &[owner, name.term()]);
    tell_all(machine, port, Flags::PORTS, am::GETTING_LINKED, &[owner]);
}

/// A port closes.
pub fn closed(machine: &mut Machine, port: Term, reason: Term) {
    if tracee::of(machine, port).is_none() {
        return;
    }
    tell_all(machine, port, Flags::PORTS, am::CLOSED, &[reason]);
    let name = machine.ports.open(port).and_then(|at| at.registered_name);
    if let Some(name) = name {
        tell_all(machine, port, Flags::PORTS, am::UNREGISTER, &[name.term()]);
    }
    if let Some(at) = machine.ports.open(port) {
        let mut trace = at.trace.take();
        tracee::forget(&mut machine.tracing, &mut trace);
    }
}

/// Does the `work` that a port is given; `task` says what it is, nothing that it is its driver's own (streams, timers).
/// The end of the work is not told of a port that has closed in it.
#[inline]
pub fn during<T>(
    machine: &mut Machine,
    port: Term,
    task: Option<Atom>,
    work: impl FnOnce(&mut Machine) -> T,
) -> T {
    runs(machine, port, am::IN, task);
    let done = work(machine);
    runs(machine, port, am::OUT, task);
    done
}

#[inline]
fn runs(machine: &mut Machine, port: Term, tag: Atom, task: Option<Atom>) {
    if machine.tracing.has_ports && port.is_local_port() {
        let task = task.map_or(Term::small(0), Atom::term);
        tell_all(machine, port, Flags::RUNNING_PORTS, tag, &[task]);
    }
}

/// A port is given something to do that is done at once, or that only the machine has to do with.
#[inline]
pub fn touched(machine: &mut Machine, port: Term, task: Atom) {
    during(machine, port, Some(task), |_| {});
}

/// Whether a session wants messages of ports told. A specification that needs a process to run is not run for them.
fn wanted(
    machine: &Machine,
    link: &Link,
    which: impl Fn(&Session) -> &Messages,
) -> Option<Matched> {
    let messages = which(machine.tracing.session(link.session)?);
    messages.on.then_some(Matched::ALWAYS)
}

/// A process sends `{From, What}` to a port, where `what` is made by `build`.
pub fn gets(
    machine: &mut Machine,
    port: Term,
    from: Option<Term>,
    build: impl FnOnce(&mut Parcel) -> Result<Term, NoMemory>,
) {
    if !machine.tracing.has_ports {
        return;
    }
    let links = tracee::listeners(machine, port, Flags::RECEIVE);
    if links.is_empty() {
        return;
    }
    let mut parcel = Parcel::new();
    let from = from.unwrap_or(am::UNDEFINED.term());
    let message = build(&mut parcel).and_then(|what| parcel.tuple(&[from, what]));
    let Ok(message) = message else {
        return;
    };
    for link in links {
        if wanted(machine, &link, |session| &session.receive).is_some() {
            tell(machine, port, &link, am::RECEIVE, &[message]);
        }
    }
}

/// A port says `{Port, What}` to `to`, where `what` is made by `build`, without a message: as the answer of a call.
pub fn answers(
    machine: &mut Machine,
    port: Term,
    to: Term,
    build: impl FnOnce(&mut Parcel) -> Result<Term, NoMemory>,
) {
    let links = hearers(machine, port);
    if links.is_empty() {
        return;
    }
    let mut parcel = Parcel::new();
    let message = build(&mut parcel).and_then(|what| parcel.tuple(&[port, what]));
    if let Ok(message) = message {
        tell_sent(machine, port, &links, message, to);
    }
}

/// Who is told what a port sends.
pub fn hearers(machine: &mut Machine, port: Term) -> Links {
    match machine.tracing.has_ports {
        true => tracee::listeners(machine, port, Flags::SEND),
        false => Links::new(),
    }
}

/// Tells `links` that `port` has sent `to` a message. The port may have closed.
pub fn tell_sent(machine: &mut Machine, port: Term, links: &Links, message: Term, to: Term) {
    for link in links {
        if wanted(machine, link, |session| &session.send).is_some() {
            tell(machine, port, link, am::SEND, &[message, to]);
        }
    }
}

/// `{Tag, Argument}`
pub fn pair(parcel: &mut Parcel, tag: Atom, argument: Term) -> Result<Term, NoMemory> {
    parcel.tuple(&[tag.term(), argument])
}

/// `{command, Data}`
pub fn command(parcel: &mut Parcel, data: &Output) -> Result<Term, NoMemory> {
    let mut all = Vec::new();
    all.try_reserve_exact(data.len()).map_err(|_| NoMemory)?;
    for part in data.parts() {
        all.extend_from_slice(part);
    }
    let bytes = make_binary(parcel, &all)?;
    pair(parcel, am::COMMAND, bytes)
}

/// A port has sent `to` the message that came there last.
pub fn sent(machine: &mut Machine, port: Term, to: Term) {
    if machine.tracing.has_ports {
        for link in tracee::listeners(machine, port, Flags::SEND) {
            let last = machine.processes.alive(to).and_then(|p| p.mailbox.last());
            if let Some(message) = last
                && wanted(machine, &link, |session| &session.send).is_some()
            {
                tell(machine, port, &link, am::SEND, &[message, to]);
            }
        }
    }
    event::received(machine, to, Some(port));
}

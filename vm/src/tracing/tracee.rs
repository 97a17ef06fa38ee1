//! What hangs on a process or port that is traced: for each session its flags and its tracer.
//!
//! Invariant: a link has flags, and a [`Tracee`] has links; the last one to go takes the tracee with it.

use super::Tracing;
use super::flags::Flags;
use super::session::SessionId;
use super::tracer::{Tracer, Verdict};
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::process::Process;
use crate::process::try_box;
use crate::term::Term;
use alloc::boxed::Box;
use smallvec::SmallVec;

/// What one session wants of a tracee.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// The session.
    pub session: SessionId,
    /// What its tracer is told of.
    pub flags: Flags,
    /// Who is told.
    pub tracer: Tracer,
}

/// The links of a process or port.
pub type Links = SmallVec<[Link; 1]>;

/// What hangs on a process or port that is traced.
#[derive(Default)]
pub struct Tracee {
    /// What the sessions want.
    pub links: Links,
    /// All that is wanted, together.
    pub all: Flags,
    /// Whose time is being measured.
    pub measured: super::measure::Measured,
}

impl Tracee {
    /// The link of a session.
    pub fn link(&self, session: SessionId) -> Option<&Link> {
        self.links.iter().find(|link| link.session == session)
    }

    fn settle(&mut self) {
        self.links.retain(|link| !link.flags.is_empty());
        let flags = self.links.iter().map(|link| link.flags);
        self.all = flags.fold(Flags::NONE, Flags::with);
    }
}

/// Where the tracee of a process that is not on its way out, or of an open port, is.
fn slot(machine: &mut Machine, id: Term) -> Option<&mut Option<Box<Tracee>>> {
    if id.is_local_port() {
        return machine.ports.open(id).map(|port| &mut port.trace);
    }
    let process = machine.processes.table.get_mut(id);
    process.map(|process| &mut process.trace)
}

/// What hangs on a process or port.
pub fn of(machine: &mut Machine, id: Term) -> Option<&mut Tracee> {
    slot(machine, id)?.as_deref_mut()
}

/// The links of a process or port that want one of `flags`.
pub fn links(machine: &mut Machine, id: Term, flags: Flags) -> Links {
    match of(machine, id) {
        Some(tracee) if tracee.all.any(flags) => {
            let wanted = tracee.links.iter().filter(|link| link.flags.any(flags));
            wanted.copied().collect()
        }
        _ => Links::new(),
    }
}

/// The links of a process or port that want one of `flags` and whose tracer is to be told; those whose tracer has ended are taken away.
pub fn listeners(machine: &mut Machine, id: Term, flags: Flags) -> Links {
    let mut links = links(machine, id, flags);
    links.retain(|link| match link.tracer.verdict(machine, id) {
        Verdict::Trace => true,
        Verdict::Discard => false,
        Verdict::Remove => {
            remove(machine, id, link.session);
            false
        }
    });
    links
}

/// The link of a session to a process or port, if its tracer is still there.
pub fn link_of(machine: &mut Machine, id: Term, session: SessionId) -> Option<Link> {
    let link = *of(machine, id)?.link(session)?;
    match link.tracer.verdict(machine, id) {
        Verdict::Remove => {
            remove(machine, id, session);
            None
        }
        Verdict::Trace | Verdict::Discard => Some(link),
    }
}

/// Changes the link of a session by `change`, which gets an empty one if there is none.
pub fn update(
    machine: &mut Machine,
    id: Term,
    session: SessionId,
    change: impl FnOnce(&mut Link),
) -> Result<(), NoMemory> {
    let Some(slot) = slot(machine, id) else {
        return Ok(());
    };
    let before = receives(slot);
    if slot.is_none() {
        *slot = Some(try_box(Tracee::default())?);
    }
    let Some(tracee) = slot else {
        return Ok(());
    };
    match tracee.links.iter().position(|link| link.session == session) {
        Some(index) => change(&mut tracee.links[index]),
        None => {
            tracee.links.try_reserve(1).map_err(|_| NoMemory)?;
            let mut link = Link {
                session,
                flags: Flags::NONE,
                tracer: Tracer::Nobody,
            };
            change(&mut link);
            tracee.links.push(link);
        }
    }
    tracee.settle();
    if tracee.links.is_empty() {
        *slot = None;
    }
    let now = receives(slot);
    machine.tracing.has_ports |= id.is_local_port();
    count(&mut machine.tracing, before, now);
    Ok(())
}

fn receives(slot: &Option<Box<Tracee>>) -> bool {
    slot.as_ref()
        .is_some_and(|tracee| tracee.all.any(Flags::RECEIVE))
}

fn count(tracing: &mut Tracing, before: bool, now: bool) {
    tracing.receivers += usize::from(now);
    tracing.receivers -= usize::from(before);
}

/// Takes the link of a session away.
pub fn remove(machine: &mut Machine, id: Term, session: SessionId) {
    if of(machine, id).is_some_and(|tracee| tracee.link(session).is_some()) {
        // Nothing is made, so nothing fails.
        let _ = update(machine, id, session, |link| link.flags = Flags::NONE);
    }
}

/// A process or port is no more.
pub fn forget(tracing: &mut Tracing, trace: &mut Option<Box<Tracee>>) {
    let before = receives(trace);
    *trace = None;
    count(tracing, before, false);
}

/// Whether the process has links with one of `flags`.
#[inline]
pub fn wants(process: &Process, flags: Flags) -> bool {
    match &process.trace {
        Some(tracee) => tracee.all.any(flags),
        None => false,
    }
}

/// A tracee that another one took is given the same links, but for `without`.
pub fn inherit(
    machine: &mut Machine,
    from: &Link,
    to: Term,
    without: Flags,
) -> Result<(), NoMemory> {
    let link = *from;
    update(machine, to, link.session, |own| {
        own.flags = link.flags.without(without);
        own.tracer = link.tracer;
    })
}

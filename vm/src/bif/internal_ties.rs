//! `link_list` and `monitor_list` of `erts_debug:get_internal_state/1`: what ties a process, a port or the connection to another node to others.
//!
//! Entries are OTP's records `{erl_link, Kind, Identifier, State, Number}` and `{erl_monitor, Kind, origin | target, Reference, Identifier, Extra}`. OTP
//! keeps a link between nodes once more with the connection; here it is with the process alone, so a connection's entries are gathered from all processes.
//!
//! Who calls this: [`super::internal_state`].

use super::{Context, Fail, Value};
use crate::atom::am;
use crate::dist;
use crate::dist::remote::{Link, Watcher};
use crate::dist::signal::Target;
use crate::memory::Arena;
use crate::process::{Process, Watched};
use crate::term::external::RemotePid;
use crate::term::hash::internal_hash;
use crate::term::{Atom, Term};
use alloc::vec::Vec;

/// `{link_list, Pid | Port | Node}`
pub(super) fn link_list(cx: &mut Context, of: Term) -> Value {
    if let Some(node) = of.as_atom() {
        return of_node(cx, node, node_links);
    }
    if !of.is_local_port() && !of.is_local_pid() {
        return Err(Fail::Badarg);
    }
    let machine = cx.machine();
    let (links, remote) = if of.is_local_port() {
        (machine.ports.open(of).map(|port| &port.links), None)
    } else {
        let process = machine.processes.alive(of);
        process.map_or((None, None), |process| {
            let rare = process.rare.as_ref();
            (
                Some(&process.links),
                rare.and_then(|rare| rare.remote.as_ref()),
            )
        })
    };
    let Some(links) = links else {
        return Ok(am::UNDEFINED.term());
    };
    let local = collected(links.iter().map(|(other, ())| other.term()))?;
    let remote = remote.into_iter().flat_map(|ties| ties.links.iter());
    let remote = collected(remote.map(|(other, link)| (other, *link)))?;
    let mut entries = Entries::default();
    for other in local {
        let kind = match other.is_local_port() {
            true => am::PORT,
            false => am::PROCESS,
        };
        let number = cx.unsigned(other.identifier_data())?;
        let linked = cx.atom("linked")?;
        entries.link(cx, kind.term(), other, linked, number)?;
    }
    for (other, link) in remote {
        let other_term = other.term(cx)?;
        entries.remote_link(cx, other_term, of, other, link)?;
    }
    entries.list(cx)
}

/// `{monitor_list, Pid | Node}`: the monitors that a process holds, and those that others hold on it.
pub(super) fn monitor_list(cx: &mut Context, of: Term) -> Value {
    if let Some(node) = of.as_atom() {
        return of_node(cx, node, node_monitors);
    }
    if !of.is_local_pid() {
        return Err(Fail::Badarg);
    }
    let suspended_by = suspenders(cx, of)?;
    let Some(process) = cx.machine().processes.alive(of) else {
        return Ok(am::UNDEFINED.term());
    };
    let held = collected(process.monitors.iter().map(|(r, m)| (r, m.target)))?;
    let holders = collected(process.monitored_by.iter().map(|(r, pid)| (r, *pid)))?;
    let rare = process.rare.as_deref();
    let remote = rare.and_then(|rare| rare.remote.as_deref());
    let watchers = remote.into_iter().flat_map(|ties| ties.watchers.iter());
    let watchers = collected(watchers.map(|(r, watcher)| (r, *watcher)))?;
    let spawns = remote.into_iter().flat_map(|ties| ties.spawns.iter());
    let spawns = collected(spawns.map(|(r, _)| r))?;
    let nodes = remote.into_iter().flat_map(|ties| ties.nodes.iter());
    let nodes = collected(nodes.map(|(node, count)| (node.term(), *count)))?;
    let changes = rare.into_iter().flat_map(|rare| rare.node_monitors.iter());
    let changes = collected(changes.map(|(kind, count)| (Term::small(kind.into()), *count)))?;
    let suspending = rare.into_iter().flat_map(|rare| rare.suspending.iter());
    let suspending = collected(suspending.map(|(pid, _)| Term::local_pid(pid)))?;

    let mut entries = Entries::default();
    let [node, all_nodes, suspend] = ["node", "nodes", "suspend"].map(|name| cx.atom(name));
    let (node, all_nodes, suspend) = (node?, all_nodes?, suspend?);
    for (name, count) in nodes {
        let count = Term::small(count.into());
        entries.origin(cx, node, Term::NIL, name, count)?;
    }
    for (kind, count) in changes {
        let count = Term::small(count.into());
        entries.origin(cx, all_nodes, Term::NIL, kind, count)?;
    }
    for (reference, watched) in held {
        let reference = reference.term(cx)?;
        let (kind, object) = watched_as(cx, watched)?;
        entries.origin(cx, kind, reference, object, name_of(watched))?;
    }
    for reference in spawns {
        let (kind, reference) = (cx.atom("dist_process")?, reference.term(cx)?);
        let pending = cx.atom("pending")?;
        entries.origin(cx, kind, reference, pending, Term::NIL)?;
    }
    for pid in suspending {
        entries.origin(cx, suspend, Term::NIL, pid, Term::NIL)?;
    }
    for (reference, holder) in holders {
        let asked = cx.machine().processes.alive(holder);
        let asked = asked.and_then(|holder| holder.monitors.get(reference));
        let name = asked.map_or(Term::NIL, |monitor| name_of(monitor.target));
        let reference = reference.term(cx)?;
        entries.target(cx, am::PROCESS.term(), reference, holder, name)?;
    }
    for (reference, Watcher { pid, name }) in watchers {
        let (kind, reference) = (cx.atom("dist_process")?, reference.term(cx)?);
        let (pid, name) = (pid.term(cx)?, name.map_or(Term::NIL, Atom::term));
        entries.target(cx, kind, reference, pid, name)?;
    }
    for pid in suspended_by {
        entries.target(cx, suspend, Term::NIL, pid, Term::NIL)?;
    }
    entries.list(cx)
}

/// What goes through the connection to `node`: nothing for this node itself, `undefined` without a connection.
fn of_node(
    cx: &mut Context,
    node: Atom,
    gather: fn(&mut Context, Atom, Term, &mut Entries) -> Result<(), Fail>,
) -> Value {
    if node == cx.atoms().node.name {
        return Ok(Term::NIL);
    }
    if !dist::is_node_name(cx.machine(), node) {
        return Err(Fail::Badarg);
    }
    if cx.machine().distribution.get(node).is_none() {
        return Ok(am::UNDEFINED.term());
    }
    let mut entries = Entries::default();
    for pid in pids(cx)? {
        gather(cx, node, pid, &mut entries)?;
    }
    entries.list(cx)
}

fn node_links(cx: &mut Context, node: Atom, pid: Term, entries: &mut Entries) -> Result<(), Fail> {
    let ties = dist::signal::existing_ties(cx.machine(), pid);
    let links = ties.into_iter().flat_map(|ties| ties.links.iter());
    let links = links.filter(|(other, _)| other.node.name == node);
    for (other, link) in collected(links.map(|(other, link)| (other, *link)))? {
        entries.remote_link(cx, pid, pid, other, link)?;
    }
    Ok(())
}

fn node_monitors(
    cx: &mut Context,
    node: Atom,
    pid: Term,
    entries: &mut Entries,
) -> Result<(), Fail> {
    let process_kind = cx.atom("dist_process")?;
    let Some(process) = cx.machine().processes.alive(pid) else {
        return Ok(());
    };
    let held = process.monitors.iter().map(|(r, m)| (r, m.target));
    let mut targets = collected(held.filter_map(|(reference, target)| match target {
        Watched::Remote(target) if target.node() == node => Some((reference, name_at(target))),
        _ => None,
    }))?;
    let mut watchers = Vec::new();
    let mut subscribes = false;
    let remote = process.rare.as_deref();
    if let Some(ties) = remote.and_then(|rare| rare.remote.as_deref()) {
        let asked = ties.spawns.iter().filter(|(_, asked)| asked.node == node);
        let asked = collected(asked.map(|(reference, _)| (reference, Term::NIL)))?;
        targets
            .try_reserve(asked.len())
            .map_err(|_| Fail::NoMemory)?;
        targets.extend(asked);
        let all = ties.watchers.iter().map(|(r, watcher)| (r, *watcher));
        watchers = collected(all.filter(|(_, watcher)| watcher.pid.node.name == node))?;
        subscribes = ties.nodes.contains(node);
    }
    if subscribes {
        let kind = cx.atom("node")?;
        entries.target(cx, kind, Term::NIL, pid, Term::NIL)?;
    }
    for (reference, name) in targets {
        let reference = reference.term(cx)?;
        entries.target(cx, process_kind, reference, pid, name)?;
    }
    for (reference, watcher) in watchers {
        let reference = reference.term(cx)?;
        let name = watcher.name.map_or(Term::NIL, Atom::term);
        entries.origin(cx, process_kind, reference, pid, name)?;
    }
    Ok(())
}

/// All processes.
pub(super) fn pids(cx: &mut Context) -> Result<Vec<Term>, Fail> {
    let all = cx.machine().processes.table.iter();
    // SAFETY: the table's processes are alive.
    collected(all.map(|process| unsafe { process.as_ref() }.pid))
}

/// Who suspends the process `of`.
fn suspenders(cx: &mut Context, of: Term) -> Result<Vec<Term>, Fail> {
    let suspends = |process: &Process| {
        let rare = process.rare.as_ref();
        rare.is_some_and(|rare| rare.suspending.contains(of.identifier_data()))
    };
    let all = cx.machine().processes.table.iter();
    // SAFETY: the table's processes are alive.
    let all = all.map(|process| unsafe { process.as_ref() });
    collected(all.filter(|p| suspends(p)).map(|p| p.pid))
}

/// The kind of what is watched, and what it is called.
fn watched_as(cx: &mut Context, watched: Watched) -> Result<(Term, Term), Fail> {
    let object = match watched {
        Watched::Name(id, _) | Watched::PortName(id, _) => id,
        Watched::Remote(Target::Name(_, node)) => node.term(),
        _ => {
            let this = cx.atoms().node.name;
            watched.object(this, cx)?
        }
    };
    let kind = match watched {
        Watched::Remote(_) => cx.atom("dist_process")?,
        _ => watched.kind().term(),
    };
    Ok((kind, object))
}

/// The name that something is monitored by; `[]` without.
fn name_of(watched: Watched) -> Term {
    match watched {
        Watched::Name(_, name) | Watched::PortName(_, name) => name.term(),
        Watched::Remote(target) => name_at(target),
        _ => Term::NIL,
    }
}

fn name_at(target: Target) -> Term {
    match target {
        Target::Name(name, _) => name.term(),
        Target::Process(_) => Term::NIL,
    }
}

fn collected<T>(all: impl Iterator<Item = T>) -> Result<Vec<T>, Fail> {
    let mut items = Vec::new();
    for item in all {
        items.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        items.push(item);
    }
    Ok(items)
}

/// The records of an answer, in the order in which they will be told.
#[derive(Default)]
struct Entries(Vec<Term>);

impl Entries {
    fn add(&mut self, entry: Term) -> Result<(), Fail> {
        self.0.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        self.0.push(entry);
        Ok(())
    }

    fn link(
        &mut self,
        cx: &mut Context,
        kind: Term,
        other: Term,
        state: Term,
        number: Term,
    ) -> Result<(), Fail> {
        let entry = cx.property("erl_link", &[kind, other, state, number])?;
        self.add(entry)
    }

    /// The link between the process `local` and `remote`, on the side that calls the other end `told`: its number is the same on both.
    fn remote_link(
        &mut self,
        cx: &mut Context,
        told: Term,
        local: Term,
        remote: RemotePid,
        link: Link,
    ) -> Result<(), Fail> {
        let number = internal_hash(remote.term(cx)?, local.raw());
        let state = match link {
            Link::Active => "linked",
            Link::Ending(_) => "unlinking",
        };
        let (kind, state) = (cx.atom("dist_process")?, cx.atom(state)?);
        let number = cx.unsigned(number)?;
        self.link(cx, kind, told, state, number)
    }

    fn origin(
        &mut self,
        cx: &mut Context,
        kind: Term,
        reference: Term,
        watched: Term,
        extra: Term,
    ) -> Result<(), Fail> {
        let origin = cx.atom("origin")?;
        let entry = cx.property("erl_monitor", &[kind, origin, reference, watched, extra])?;
        self.add(entry)
    }

    fn target(
        &mut self,
        cx: &mut Context,
        kind: Term,
        reference: Term,
        holder: Term,
        extra: Term,
    ) -> Result<(), Fail> {
        let target = cx.atom("target")?;
        let entry = cx.property("erl_monitor", &[kind, target, reference, holder, extra])?;
        self.add(entry)
    }

    fn list(self, cx: &mut Context) -> Value {
        Ok(cx.list(&self.0)?)
    }
}

//! The end of a connection.
//!
//! Who was linked to the other node gets an exit signal, monitors end with `noconnection`, requests to start processes fail, and whoever
//! wanted to know is told that the node is gone.
//!
//! Who calls this: the ends of ports and processes that carry a connection, `net_kernel` when it gives up connecting, and whoever finds
//! that what the other node sends is not the protocol.

use super::connection::{Connection, Controller};
use super::remote::Link;
use super::signal::{Target, existing_ties};
use super::{monitor, spawn};
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::Arena;
use crate::memory::heap::Parcel;
use crate::port;
use crate::process::signal::{Origin, down as monitor_down, exit_signal};
use crate::process::{Watched, exit};
use crate::report;
use crate::term::external::Node;
use crate::term::{Atom, Term};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// The connection to `node` has ended, because its controller has, with `reason` (anybody's term).
pub fn down(machine: &mut Machine, node: Atom, reason: Term) {
    let Some(connection) = machine.distribution.connections.remove(node) else {
        return;
    };
    let reason = if reason == am::NORMAL.term() {
        am::CONNECTION_CLOSED.term()
    } else {
        reason
    };
    let was_open = connection.is_open();
    let (id, is_visible) = (connection.id, connection.is_visible());
    forget(machine, connection);
    if was_open {
        monitor::node_is_down(machine, node, id, is_visible, reason);
    }
}

/// `controller`, which carried the connection to `node`, has ended with `reason`. There may be another connection by now.
pub fn controller_ended(machine: &mut Machine, node: Atom, controller: Controller, reason: Term) {
    let connection = machine.distribution.get(node);
    if connection.is_some_and(|connection| connection.controller == controller) {
        down(machine, node, reason);
    }
}

/// Nobody will open the connection to `node`.
pub fn abort(machine: &mut Machine, node: Atom) {
    let pending = machine.distribution.get(node).is_some_and(|c| !c.is_open());
    if pending {
        down(machine, node, am::NOCONNECTION.term());
    }
}

/// Ends the connection to `node` for what went wrong in it; `why` is logged. A port may be running its driver just now, so it ends as soon
/// as the present turn is over; until then nothing of what it brings has an effect.
pub fn break_connection(machine: &mut Machine, node: Atom, why: &str) {
    let Some(connection) = machine.distribution.get(node) else {
        return;
    };
    if core::mem::replace(&mut connection.is_broken, true) {
        return;
    }
    // Without memory to be remembered for that, it ends with the next signal.
    let _ = machine.distribution.schedule(node);
    let event = report::Event {
        level: report::Level::Error,
        format: &format!("The connection to node ~p is closed: {why}.~n"),
        arguments: &[node.term()],
        about: None,
    };
    report::say(machine, &event);
}

/// Ends the connection to `node` if it is broken; whether it is.
pub(super) fn end_if_broken(machine: &mut Machine, node: Atom) -> bool {
    let connection = machine.distribution.get(node).filter(|c| c.is_broken);
    let Some(controller) = connection.map(|connection| connection.controller) else {
        return false;
    };
    // The end of the port or process is the end of the connection.
    match controller {
        Controller::Pending => {}
        Controller::Port(port) => port::signal::end(machine, port, am::KILLED.term()),
        Controller::Process(pid) => exit::begin(machine, pid, am::KILLED.term()),
    }
    down(machine, node, am::KILLED.term());
    true
}

/// The machine is not part of the net any more: `net_kernel` has ended.
pub fn leave(machine: &mut Machine) {
    let name = machine.atoms.node.name;
    machine.distribution.net_kernel = None;
    machine.atoms.node = Node::NONE;
    let nodes: Vec<Atom> = machine.distribution.iter().map(|c| c.node).collect();
    for node in nodes {
        let controller = machine.distribution.get(node).map(|c| c.controller);
        let reason = am::NET_KERNEL_TERMINATED.term();
        match controller {
            Some(Controller::Port(port)) => port::signal::end(machine, port, reason),
            Some(Controller::Process(pid)) => exit::begin(machine, pid, am::KILLED.term()),
            _ => {}
        }
        down(machine, node, reason);
    }
    let reason = am::NET_KERNEL_TERMINATED.term();
    monitor::node_is_down(machine, name, u32::MAX, true, reason);
}

/// Takes away all that ties processes to the node of a connection that is not there any more.
fn forget(machine: &mut Machine, connection: Box<Connection>) {
    let node = connection.node;
    for pid in connection.waiting {
        machine.processes.resume(pid);
    }
    let all = machine.processes.table.iter();
    let pids: Vec<Term> = all
        // SAFETY: the table's processes are alive, and nobody borrows one while the machine is borrowed mutably.
        .map(|process| unsafe { process.as_ref() }.pid)
        .collect();
    let mut parcel = Parcel::new();
    let reason = am::NOCONNECTION.term();
    for &pid in &pids {
        let links = links_to(machine, pid, node);
        for (remote, link) in links {
            if let Some(ties) = existing_ties(machine, pid) {
                ties.links.remove(remote);
            }
            if link == Link::Active
                && let Ok(from) = remote.term(&mut parcel)
            {
                exit_signal(machine, from, pid, reason, Origin::Link);
            }
        }
    }
    for &pid in &pids {
        end_monitors(machine, pid, node);
    }
    for &pid in &pids {
        spawn::connection_lost(machine, pid, node);
        let ties = existing_ties(machine, pid);
        let times = ties.and_then(|ties| ties.nodes.remove(node)).unwrap_or(0);
        for _ in 0..times {
            port::deliver::post(machine, pid, |heap| {
                heap.tuple(&[am::NODEDOWN.term(), node.term()])
            });
        }
    }
}

fn links_to(
    machine: &mut Machine,
    pid: Term,
    node: Atom,
) -> Vec<(crate::term::external::RemotePid, Link)> {
    let Some(ties) = existing_ties(machine, pid) else {
        return Vec::new();
    };
    let links = ties.links.iter().filter(|(to, _)| to.node.name == node);
    links.map(|(to, link)| (to, *link)).collect()
}

/// Monitors of both directions.
fn end_monitors(machine: &mut Machine, pid: Term, node: Atom) {
    let Some(process) = machine.processes.table.get_mut(pid) else {
        return;
    };
    let is_there = |target: Watched| match target {
        Watched::Remote(target) => Target::node(target) == node,
        _ => false,
    };
    let monitors = process.monitors.iter();
    let held: Vec<_> = monitors
        .filter(|(_, monitor)| is_there(monitor.target))
        .map(|(reference, _)| reference)
        .collect();
    if let Some(ties) = existing_ties(machine, pid) {
        let watchers = ties.watchers.iter();
        let gone: Vec<_> = watchers
            .filter(|(_, watcher)| watcher.pid.node.name == node)
            .map(|(reference, _)| reference)
            .collect();
        for reference in gone {
            ties.watchers.remove(reference);
        }
    }
    for reference in held {
        monitor_down(machine, pid, reference, am::NOCONNECTION.term());
    }
}

//! Distribution: other nodes, and the connections to them.
//!
//! `net_kernel` and its helpers, which are Erlang code of OTP, find nodes, open streams and shake hands. Then they hand the stream over to
//! the machine (`erlang:setnode/3`), as a port whose input the machine takes and whose output it makes, or as a process that
//! carries packets to and fro. One file an idea: [`flags`] is what nodes are capable of, [`connection`] one connection, [`output`] what is
//! sent on it, [`atom_cache`] names that went over the wire before, [`signal`] what processes do to those of other nodes, [`input`] packets
//! that come, [`control`] what they make the machine do, [`spawn`] processes that one node starts on another, [`remote`] what ties a process to
//! other nodes, [`references`] who refers to which, [`down`] the end of a connection, [`monitor`] who is told that nodes come and go.
//!
//! The protocol is that of "Distribution Protocol" in the user's guide of erts.
//!
//! # Invariant
//!
//! What ties a process to another node is kept by the process alone ([`remote::Remote`]); it exists only while there is a connection to
//! that node, be it one that is not open yet. A connection ends once, in [`down`], which takes all of that away.

pub mod atom_cache;
pub mod connection;
pub mod control;
pub mod down;
pub mod flags;
pub mod input;
pub mod monitor;
pub mod output;
pub mod references;
pub mod remote;
pub mod signal;
pub mod spawn;
#[cfg(test)]
mod tests;

use crate::atom::am;
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::process::reference::RefNumber;
use crate::process::ties::Ties;
use crate::term::external::Node;
use crate::term::{Atom, Term};
use alloc::boxed::Box;
use alloc::vec::Vec;
use connection::Connection;

/// Smallest creation: those below have a meaning of their own.
pub const MIN_CREATION: u32 = 4;

/// This node, and what it is connected to.
pub struct Distribution {
    /// The process whose end takes the machine off the net; none while the machine is not alive.
    pub net_kernel: Option<Term>,
    connections: Ties<Atom, Box<Connection>>,
    last_id: u32,
    last_unlink: u64,
    /// Nodes whose connection has something to write.
    scheduled: Vec<Atom>,
}

impl Distribution {
    /// A machine that is not alive.
    pub const fn new() -> Distribution {
        Distribution {
            net_kernel: None,
            connections: Ties::new(),
            last_id: 0,
            last_unlink: 0,
            scheduled: Vec::new(),
        }
    }

    /// Whether the machine has a name.
    pub fn is_alive(&self) -> bool {
        self.net_kernel.is_some()
    }

    /// The connection to a node, open or not.
    pub fn get(&mut self, node: Atom) -> Option<&mut Connection> {
        self.connections.get_mut(node).map(|found| &mut **found)
    }

    /// The connection that `handle` was given out for, if it still exists.
    pub fn by_handle(&mut self, handle: RefNumber) -> Option<&mut Connection> {
        let all = self.connections.values_mut().map(|found| &mut **found);
        all.into_iter().find(|found| found.handle == handle)
    }

    /// All connections, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.connections.iter().map(|(_, found)| &**found)
    }

    /// The creation of a node that a connection is open to.
    pub fn creation_of(&self, node: Atom) -> Option<u32> {
        let found = self.connections.get(node);
        let open = found.filter(|connection| connection.is_open());
        open.map(|connection| connection.creation)
    }

    /// A number for the end of a link; never 0.
    pub fn unlink_number(&mut self) -> u64 {
        self.last_unlink = self.last_unlink.wrapping_add(1).max(1);
        self.last_unlink
    }

    /// The connection `node` gets its output written when the present turn is over.
    pub fn schedule(&mut self, node: Atom) -> Result<(), NoMemory> {
        let Some(found) = self.connections.get_mut(node) else {
            return Ok(());
        };
        if !found.is_scheduled {
            self.scheduled.try_reserve(1).map_err(|_| NoMemory)?;
            self.scheduled.push(node);
            found.is_scheduled = true;
        }
        Ok(())
    }

    /// Whether a connection has something to write.
    #[inline]
    pub fn is_scheduled(&self) -> bool {
        !self.scheduled.is_empty()
    }
}

impl Default for Distribution {
    fn default() -> Self {
        Distribution::new()
    }
}

/// Gives the machine a name (`erlang:setnode/2`). `net_kernel` is the process of that name. False if it has one already.
pub fn set_node(machine: &mut Machine, name: Atom, creation: u32, net_kernel: Term) -> bool {
    if machine.distribution.is_alive() || name == am::NONODE_NOHOST {
        return false;
    }
    machine.atoms.node = Node {
        name,
        creation: creation.max(MIN_CREATION),
    };
    machine.distribution.net_kernel = Some(net_kernel);
    monitor::node_is_up(machine, name, None, true);
    true
}

/// The connection to `node`: made, and not open yet, if there is none (`erts_internal:new_connection/1`). True if it was made.
pub fn connect(machine: &mut Machine, node: Atom) -> Result<bool, NoMemory> {
    let distribution = &mut machine.distribution;
    if distribution.connections.contains(node) {
        return Ok(false);
    }
    distribution.last_id = distribution.last_id.wrapping_add(1);
    let handle = machine.processes.references.make();
    let connection = Connection::new(node, distribution.last_id, handle)?;
    distribution.connections.insert(node, connection)
}

/// Whether `name` looks like `name@host`.
pub fn is_node_name(machine: &Machine, name: Atom) -> bool {
    let name = machine.atoms.name(name);
    matches!(name.split_once('@'), Some((name, host)) if !name.is_empty() && !host.is_empty())
}

/// Writes what waits for connections, as far as they take it. Called by the scheduler between turns, and before the machine
/// halts.
pub fn flush(machine: &mut Machine) {
    for node in core::mem::take(&mut machine.distribution.scheduled) {
        if let Some(connection) = machine.distribution.get(node) {
            connection.is_scheduled = false;
            if !down::end_if_broken(machine, node) {
                output::flush(machine, node);
            }
        }
    }
}

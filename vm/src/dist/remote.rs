//! What ties a process to processes of other nodes.
//!
//! Monitors that the process holds on others are among its other monitors ([`crate::process::Watched::Remote`]); all else is here.
//!
//! Invariant: the terms in here belong to the process: [`Remote::for_each_root`] visits them.

use crate::process::AliasMode;
use crate::process::reference::RefNumber;
use crate::process::ties::Ties;
use crate::term::external::{RemotePid, RemoteReference};
use crate::term::{Atom, Term};

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It exists.
    Active,
    /// It was taken away under this number; the other node has not acknowledged it yet.
    Ending(u64),
}

/// A monitor that a process of another node holds.
#[derive(Clone, Copy, Debug)]
pub struct Watcher {
    /// Who holds it.
    pub pid: RemotePid,
    /// The name that it was asked for by.
    pub name: Option<Atom>,
}

/// A process that another node was asked to start.
#[derive(Clone, Copy, Debug)]
pub struct SpawnRequest {
    /// Who was asked.
    pub node: Atom,
    /// First in the reply; a term of the process.
    pub tag: Term,
    /// Whether it is told of success.
    pub tells_success: bool,
    /// Whether it is told of failure.
    pub tells_error: bool,
    /// Whether it is to be linked.
    pub link: bool,
    /// Whether it is to be monitored.
    pub monitor: bool,
    /// In place of `'DOWN'`; a term of the process.
    pub monitor_tag: Option<Term>,
    /// What alias was made with the monitor.
    pub alias: Option<AliasMode>,
    /// Whether `spawn_request_abandon/1` was called.
    pub abandoned: bool,
}

/// All of it.
#[derive(Default)]
pub struct Remote {
    /// Links.
    pub links: Ties<RemotePid, Link>,
    /// Monitors that others hold on the process, by their references.
    pub watchers: Ties<RemoteReference, Watcher>,
    /// Processes that are being started.
    pub spawns: Ties<RefNumber, SpawnRequest>,
    /// `monitor_node/2`: how often, by node.
    pub nodes: Ties<Atom, u32>,
    /// The node whose connection the process carries.
    pub carries: Option<Atom>,
}

impl Remote {
    /// Visits the terms in it.
    pub fn for_each_root(&mut self, visit: &mut dyn FnMut(&mut Term)) {
        for spawn in self.spawns.values_mut() {
            visit(&mut spawn.tag);
            spawn.monitor_tag.iter_mut().for_each(&mut *visit);
        }
    }
}

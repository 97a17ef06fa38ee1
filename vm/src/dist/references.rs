//! Which nodes are referred to, and by whom: `erts_debug:get_internal_state(node_and_dist_references)`.
//!
//! OTP counts references in a table of nodes. Here an identifier names its node itself ([`crate::term::external`]) and nothing is counted, so what is
//! told is what a walk through everything that can hold such an identifier finds: heaps with what is garbage on them, compiled match specifications, ties
//! between processes, tables, timers. OTP's own tests compare it with what they did.
//!
//! Invariant: nothing is allocated but the list of what was found, fallibly; nothing that is walked through is changed.

use super::connection::Controller;
use crate::ets::table::{Store, Table};
use crate::machine::Machine;
use crate::match_spec::{Constants, MatchSpec};
use crate::memory::NoMemory;
use crate::memory::heap::Parcel;
use crate::memory::resource::{Handle, Resources};
use crate::process::reference::RefNumber;
use crate::process::{Process, Watched};
use crate::term::external::Node;
use crate::term::{Atom, Header, Subtag, Term};
use alloc::vec::Vec;

/// Who refers to a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Holder {
    /// The process of these data of a pid.
    Process(u64),
    /// A table of this name.
    Table(Atom),
    /// Messages of timers.
    Timers,
}

/// How.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// By an identifier on a heap.
    Heap,
    /// By an identifier in a compiled match specification, which OTP keeps in a binary.
    Binary,
    /// By a link.
    Link,
    /// By a monitor: one for who is watched; one for who watches and one for the reference.
    Monitor,
    /// By an identifier in a table.
    Ets,
    /// By an identifier in the message of a timer.
    Timer,
}

impl Kind {
    /// As OTP calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Heap => "heap",
            Kind::Binary => "binary",
            Kind::Link => "link",
            Kind::Monitor => "monitor",
            Kind::Ets => "ets",
            Kind::Timer => "timer",
        }
    }
}

/// One reference.
pub type Found = (Node, Holder, Kind);

/// All references to nodes, sorted.
pub fn of_machine(machine: &Machine) -> Result<Vec<Found>, NoMemory> {
    let mut walk = Walk {
        all: Vec::new(),
        resources: &machine.resources,
        specifications: Vec::new(),
    };
    let atoms = machine.atoms.len() as u32;
    for process in machine.processes.table.iter() {
        // SAFETY: the table's processes are alive, and nobody changes one while the machine is borrowed.
        of_process(unsafe { process.as_ref() }, atoms, &mut walk)?;
    }
    let mut all = walk.all;
    for table in machine.ets.iter() {
        of_table(table, &mut all)?;
    }
    for area in machine.timers.messages() {
        identifiers(area, |node| {
            add(&mut all, node, Holder::Timers, Kind::Timer)
        })?;
    }
    all.sort_unstable();
    Ok(all)
}

/// The connections that something carries: the node and the port or process.
pub fn connections(machine: &Machine) -> impl Iterator<Item = (Atom, Term)> {
    let all = machine.distribution.iter();
    all.filter_map(|connection| match connection.controller {
        Controller::Port(id) | Controller::Process(id) => Some((connection.node, id)),
        Controller::Pending => None,
    })
}

fn add(all: &mut Vec<Found>, node: Node, holder: Holder, kind: Kind) -> Result<(), NoMemory> {
    all.try_reserve(1).map_err(|_| NoMemory)?;
    all.push((node, holder, kind));
    Ok(())
}

/// Gives `found` the header of each object among `words` that has one, and the words behind it; the objects are complete.
fn objects(
    words: &[u64],
    mut found: impl FnMut(Header, &[u64]) -> Result<(), NoMemory>,
) -> Result<(), NoMemory> {
    let mut at = 0;
    while let Some(&word) = words.get(at) {
        at += 1;
        if !Header::is_header(word) {
            continue;
        }
        let header = Header(word);
        found(header, words.get(at..).unwrap_or(&[]))?;
        at += header.raw_len();
    }
    Ok(())
}

/// The node of an object that begins with `header`, if it is an external identifier; `words` are those behind it.
fn node_of(header: Header, words: &[u64]) -> Option<Node> {
    let is_external = matches!(
        header.subtag(),
        Subtag::ExternalPid | Subtag::ExternalPort | Subtag::ExternalReference
    );
    let node = words.first().filter(|_| is_external)?;
    Some(Node::from_word(*node))
}

/// Gives `found` the node of each external identifier among `words`, which hold complete objects.
fn identifiers(
    words: &[u64],
    mut found: impl FnMut(Node) -> Result<(), NoMemory>,
) -> Result<(), NoMemory> {
    objects(words, |header, words| match node_of(header, words) {
        Some(node) => found(node),
        None => Ok(()),
    })
}

/// The match specification behind a reference that `words` begin with the number of.
fn specification(resources: &Resources, words: &[u64]) -> Option<Handle<MatchSpec>> {
    let &[low, high, ..] = words else {
        return None;
    };
    resources.find(RefNumber::from_words([low, high]))?.typed()
}

/// What is found on the way.
struct Walk<'a> {
    all: Vec<Found>,
    resources: &'a Resources,
    /// The match specifications that were looked into, where they lie.
    specifications: Vec<usize>,
}

impl Walk<'_> {
    /// What a match specification that `holder` has refers to. It is counted once, however many hold it.
    fn of_specification(
        &mut self,
        found: &Handle<MatchSpec>,
        holder: Holder,
    ) -> Result<(), NoMemory> {
        let address = found.any().address();
        let Some(specification) = found.borrow() else {
            return Ok(());
        };
        let Constants::Own(constants) = &specification.constants else {
            return Ok(());
        };
        if self.specifications.contains(&address) {
            return Ok(());
        }
        self.specifications.try_reserve(1).map_err(|_| NoMemory)?;
        self.specifications.push(address);
        for area in constants.areas() {
            identifiers(area, |node| add(&mut self.all, node, holder, Kind::Binary))?;
        }
        Ok(())
    }
}

/// What `process` refers to. There are so many `atoms`.
fn of_process(process: &Process, atoms: u32, walk: &mut Walk) -> Result<(), NoMemory> {
    let holder = Holder::Process(process.pid.identifier_data());
    let messages = process.mailbox.parcels().flat_map(Parcel::areas);
    for area in process.heap.areas(process.heap_top()).chain(messages) {
        objects(area, |header, words| {
            if header.subtag() == Subtag::Reference
                && let Some(found) = specification(walk.resources, words)
            {
                return walk.of_specification(&found, holder);
            }
            match node_of(header, words) {
                // What a built-in function has not finished, or given up, is garbage, of which not all was ever written.
                Some(node) if node.name.0 < atoms => add(&mut walk.all, node, holder, Kind::Heap),
                _ => Ok(()),
            }
        })?;
    }
    let all = &mut walk.all;
    for (_, monitor) in process.monitors.iter() {
        if let Watched::Remote(super::signal::Target::Process(pid)) = monitor.target {
            add(all, pid.node, holder, Kind::Monitor)?;
        }
    }
    let remote = process.rare.as_ref().and_then(|rare| rare.remote.as_ref());
    if let Some(remote) = remote {
        for (pid, _) in remote.links.iter() {
            add(all, pid.node, holder, Kind::Link)?;
        }
        for (reference, watcher) in remote.watchers.iter() {
            add(all, watcher.pid.node, holder, Kind::Monitor)?;
            add(all, reference.node, holder, Kind::Monitor)?;
        }
    }
    Ok(())
}

fn of_table(table: &Table, all: &mut Vec<Found>) -> Result<(), NoMemory> {
    let holder = Holder::Table(table.name);
    let mut each = |words: &[u64]| identifiers(words, |node| add(all, node, holder, Kind::Ets));
    match &table.store {
        Store::Ordered(store) => {
            for index in 0..store.len() {
                if let Some(object) = store.object(store.nth(index)) {
                    each(object.words())?;
                }
            }
        }
        Store::Hash(store) => {
            for bucket in 0..store.buckets() {
                for object in store.chain(bucket).filter(|object| !object.deleted) {
                    each(object.words())?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atom::am;
    use crate::memory::Arena;
    use crate::process::tests::{machine, process};
    use crate::term::external::RemotePid;

    #[test]
    fn identifiers_on_heaps_are_found_behind_raw_words() {
        let machine = machine();
        let pid = process(machine);
        let node = Node {
            name: am::NODE,
            creation: 7,
        };
        let heap = &mut machine.processes.alive(pid).unwrap().heap;
        // Words that look like headers, in a float.
        heap.object(Subtag::Float, &[Header::new(Subtag::ExternalPid, 2).0])
            .unwrap();
        let remote = RemotePid {
            node,
            number: 1,
            serial: 2,
        };
        let term = remote.term(heap).unwrap();
        heap.tuple(&[term, term]).unwrap();
        // What is left of something that was given up.
        let garbage = heap.allocate(2).unwrap().as_ptr();
        // SAFETY: two fresh words.
        unsafe {
            *garbage = Header::new(Subtag::ExternalPid, 2).0;
            *garbage.add(1) = u64::MAX;
        }
        let expected = (node, Holder::Process(pid.identifier_data()), Kind::Heap);
        assert_eq!(of_machine(machine).unwrap(), [expected]);
    }
}

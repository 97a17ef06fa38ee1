//! Who is told that nodes come and go: `net_kernel:monitor_nodes/1,2`, which is `process_flag(monitor_nodes, …)` below.
//!
//! Invariant: a message about a node that is gone comes after all else that its end means.

use crate::atom::am;
use crate::machine::Machine;
use crate::map;
use crate::memory::{Arena, NoMemory};
use crate::process::exit;
use crate::term::copy::copy;
use crate::term::{Atom, Term};
use crate::tracing::event;
use alloc::vec::Vec;

/// What a subscription asks for, as bits of its number. Without any it is one without options.
pub mod kind {
    /// It has options.
    pub const OPTIONS: u8 = 1;
    /// The options of a message are a list, not a map.
    pub const LIST: u8 = 1 << 1;
    /// With `connection_id`.
    pub const CONNECTION_ID: u8 = 1 << 2;
    /// With `nodedown_reason`.
    pub const REASON: u8 = 1 << 3;
    /// Of visible nodes, with `node_type`.
    pub const VISIBLE: u8 = 1 << 4;
    /// Of hidden nodes, with `node_type`.
    pub const HIDDEN: u8 = 1 << 5;
}

/// What happened to a node.
struct Event {
    what: Atom,
    node: Atom,
    id: Option<u32>,
    visible: bool,
    reason: Option<Term>,
}

/// Tells that `node` is connected; of this node itself, that it has a name now.
pub fn node_is_up(machine: &mut Machine, node: Atom, id: Option<u32>, visible: bool) {
    let event = Event {
        what: am::NODEUP,
        node,
        id,
        visible,
        reason: None,
    };
    tell(machine, &event);
}

/// Tells that `node` is not connected any more.
pub fn node_is_down(machine: &mut Machine, node: Atom, id: u32, visible: bool, reason: Term) {
    let event = Event {
        what: am::NODEDOWN,
        node,
        id: Some(id),
        visible,
        reason: Some(reason),
    };
    tell(machine, &event);
}

fn tell(machine: &mut Machine, event: &Event) {
    let mut subscribers = Vec::new();
    for process in machine.processes.table.iter() {
        // SAFETY: the table's processes are alive, and nobody borrows one while the machine is borrowed mutably.
        let process = unsafe { process.as_ref() };
        let monitors = process
            .rare
            .iter()
            .flat_map(|rare| rare.node_monitors.iter());
        subscribers.extend(monitors.map(|(kind, &times)| (process.pid, kind, times)));
    }
    for (pid, kind, times) in subscribers {
        if !is_wanted(kind, event.visible) {
            continue;
        }
        for _ in 0..times {
            tell_one(machine, pid, kind, event);
        }
    }
}

fn is_wanted(kind: u8, visible: bool) -> bool {
    let types = kind & (kind::VISIBLE | kind::HIDDEN);
    if visible {
        types == 0 || types & kind::VISIBLE != 0
    } else {
        types & kind::HIDDEN != 0
    }
}

fn tell_one(machine: &mut Machine, pid: Term, kind: u8, event: &Event) {
    let literals = machine.literals.clone();
    let atoms = &machine.atoms;
    let posted = machine.processes.post(pid, |process| {
        let heap = &mut process.heap;
        let what = [event.what.term(), event.node.term()];
        if kind & kind::OPTIONS == 0 {
            return heap.tuple(&what);
        }
        let id = match event.id {
            Some(id) if id != u32::MAX => Term::small(id.into()),
            _ => am::UNDEFINED.term(),
        };
        let node_type = if event.visible {
            am::VISIBLE
        } else {
            am::HIDDEN
        };
        let mut pairs: [Option<(Atom, Term)>; 3] = [None; 3];
        if kind & kind::CONNECTION_ID != 0 {
            pairs[0] = Some((am::CONNECTION_ID, id));
        }
        if let Some(reason) = event.reason
            && kind & kind::REASON != 0
        {
            pairs[1] = Some((am::NODEDOWN_REASON, copy(reason, heap, &literals)?));
        }
        if kind & (kind::VISIBLE | kind::HIDDEN) != 0 {
            pairs[2] = Some((am::NODE_TYPE, node_type.term()));
        }
        let pairs = pairs.into_iter().flatten();
        let info = if kind & kind::LIST != 0 {
            let mut list = Term::NIL;
            for (key, value) in pairs.rev() {
                let pair = heap.tuple(&[key.term(), value])?;
                list = heap.cons(pair, list)?;
            }
            list
        } else {
            let mut info = map::empty(heap)?;
            for (key, value) in pairs {
                info = map::put(heap, atoms, info, key.term(), value)?;
            }
            info
        };
        heap.tuple(&[what[0], what[1], info])
    });
    if posted == Err(NoMemory) {
        exit::begin(machine, pid, am::KILLED.term());
    }
    event::received(machine, pid, None);
}

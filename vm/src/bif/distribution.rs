//! Nodes: what this one is called, and which others there are.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::dist::{self, flags, references};
use crate::machine::Machine;
use crate::map;
use crate::memory::Arena;
use crate::term::external::{Node, RemotePid};
use crate::term::{Atom, Term};
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "node", 0, node_0),
    bif("erlang", "node", 1, node_1),
    bif("erlang", "nodes", 0, nodes_0),
    bif("erlang", "nodes", 1, nodes_1),
    bif("erlang", "nodes", 2, nodes_2),
    bare("erlang", "is_alive", 0, is_alive_0),
    bif("erlang", "setnode", 2, setnode_2),
    bif("erts_debug", "dist_ext_to_term", 2, never_valid),
    bif("erts_internal", "get_creation", 0, get_creation_0),
    bif("erts_internal", "get_dflags", 0, get_dflags_0),
    bif("net_kernel", "dflag_unicode_io", 1, dflag_unicode_io_1),
];

fn node_0(cx: &mut Context, _: &[Term]) -> Value {
    Ok(cx.atoms().node.name.term())
}

fn node_1(cx: &mut Context, args: &[Term]) -> Value {
    if let Some(node) = Node::of(args[0]) {
        return Ok(node.name.term());
    }
    if args[0].is_pid() || args[0].is_port() || args[0].is_reference() {
        node_0(cx, args)
    } else {
        Err(Fail::Badarg)
    }
}

/// Kinds of nodes that are asked for.
#[derive(Default)]
struct Kinds {
    this: bool,
    visible: bool,
    hidden: bool,
    pending: bool,
}

impl Kinds {
    fn of(term: Term) -> Result<Kinds, Fail> {
        let mut kinds = Kinds::default();
        if !term.is_list() {
            kinds.add(term)?;
            return Ok(kinds);
        }
        let mut list = term.iter_list();
        for kind in &mut list {
            kinds.add(kind)?;
        }
        match list.tail().is_nil() {
            true => Ok(kinds),
            false => Err(Fail::Badarg),
        }
    }

    fn add(&mut self, kind: Term) -> Result<(), Fail> {
        match kind.as_atom() {
            Some(am::THIS) => self.this = true,
            Some(am::VISIBLE) => self.visible = true,
            Some(am::HIDDEN) => self.hidden = true,
            Some(am::CONNECTED) => (self.visible, self.hidden) = (true, true),
            Some(am::KNOWN) => {
                *self = Kinds {
                    this: true,
                    visible: true,
                    hidden: true,
                    pending: true,
                }
            }
            _ => return Err(Fail::Badarg),
        }
        Ok(())
    }
}

/// One node of the answer.
struct Found {
    name: Atom,
    id: Option<u32>,
    node_type: Atom,
}

fn find(cx: &mut Context, kinds: &Kinds) -> Result<Vec<Found>, Fail> {
    let mut all = Vec::new();
    let machine = cx.machine();
    let connections = machine.distribution.iter();
    all.try_reserve(1 + connections.count())
        .map_err(|_| Fail::NoMemory)?;
    for connection in machine.distribution.iter() {
        let (wanted, node_type) = match (connection.is_open(), connection.is_visible()) {
            (false, _) => (kinds.pending, am::KNOWN),
            (true, true) => (kinds.visible, am::VISIBLE),
            (true, false) => (kinds.hidden, am::HIDDEN),
        };
        if wanted {
            all.push(Found {
                name: connection.node,
                id: connection.is_open().then_some(connection.id),
                node_type,
            });
        }
    }
    if kinds.this {
        all.push(Found {
            name: machine.atoms.node.name,
            id: None,
            node_type: am::THIS,
        });
    }
    if kinds.pending {
        add_referred(machine, &mut all)?;
    }
    Ok(all)
}

/// Adds the nodes that are known by identifiers alone.
fn add_referred(machine: &Machine, all: &mut Vec<Found>) -> Result<(), Fail> {
    // Sorted by name first.
    let mut referred = references::of_machine(machine)?;
    referred.dedup_by_key(|found| found.0.name);
    let (this, listed) = (machine.atoms.node.name, all.len());
    all.try_reserve(referred.len())
        .map_err(|_| Fail::NoMemory)?;
    for name in referred.into_iter().map(|found| found.0.name) {
        if name != this && !all[..listed].iter().any(|found| found.name == name) {
            all.push(Found {
                name,
                id: None,
                node_type: am::KNOWN,
            });
        }
    }
    Ok(())
}

fn names(cx: &mut Context, kinds: &Kinds) -> Value {
    let mut list = Term::NIL;
    for found in find(cx, kinds)? {
        list = cx.cons(found.name.term(), list)?;
    }
    Ok(list)
}

fn nodes_0(cx: &mut Context, _: &[Term]) -> Value {
    let kinds = Kinds {
        visible: true,
        ..Kinds::default()
    };
    names(cx, &kinds)
}

/// Nodes of the kinds that are asked for.
fn nodes_1(cx: &mut Context, args: &[Term]) -> Value {
    let kinds = Kinds::of(args[0])?;
    names(cx, &kinds)
}

/// As with one argument, each as `{Node, Info}` with what the map in the second asks for.
fn nodes_2(cx: &mut Context, args: &[Term]) -> Value {
    if !map::is_map(args[1]) {
        return Err(Fail::Badarg);
    }
    let mut known = 0;
    let mut wants = |key: Atom| match map::get(args[1], key.term()) {
        Some(wanted) => {
            known += 1;
            wanted.as_boolean().ok_or(Fail::Badarg)
        }
        None => Ok(false),
    };
    let (wants_id, wants_type) = (wants(am::CONNECTION_ID)?, wants(am::NODE_TYPE)?);
    if map::size(args[1]) != known {
        return Err(Fail::Badarg);
    }
    let kinds = Kinds::of(args[0])?;
    let mut list = Term::NIL;
    for found in find(cx, &kinds)? {
        let mut info = map::empty(cx)?;
        let id = found
            .id
            .map_or(am::UNDEFINED.term(), |id| Term::small(id.into()));
        let (heap, atoms) = cx.heap_and_atoms();
        if wants_id {
            info = map::put(heap, atoms, info, am::CONNECTION_ID.term(), id)?;
        }
        if wants_type {
            let node_type = found.node_type.term();
            info = map::put(heap, atoms, info, am::NODE_TYPE.term(), node_type)?;
        }
        let node = cx.tuple(&[found.name.term(), info])?;
        list = cx.cons(node, list)?;
    }
    Ok(list)
}

fn is_alive_0(cx: &mut Context, _: &[Term]) -> Value {
    Ok(Term::boolean(cx.machine().distribution.is_alive()))
}

/// Gives the machine its name, once there is a `net_kernel`. `setnode/3`, which opens connections, is Erlang code around
/// `erts_internal:create_dist_channel/3`.
fn setnode_2(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let creation = args[1].as_small().and_then(|n| u32::try_from(n).ok());
    let creation = creation.ok_or(Fail::Badarg)?;
    let machine = cx.machine();
    let net_kernel = machine.processes.registry.whereis(am::NET_KERNEL);
    let net_kernel = net_kernel.filter(|pid| machine.processes.alive(*pid).is_some());
    let net_kernel = net_kernel.ok_or(Fail::Badarg)?;
    if !dist::is_node_name(machine, name) || !dist::set_node(machine, name, creation, net_kernel) {
        return Err(Fail::Badarg);
    }
    Ok(Term::boolean(true))
}

/// No argument is right: no message is kept as it came.
fn never_valid(_: &mut Context, _: &[Term]) -> Value {
    Err(Fail::Badarg)
}

/// The number that tells one life of a node from the next; a node that is not alive has none.
fn get_creation_0(cx: &mut Context, _: &[Term]) -> Value {
    match cx.atoms().node.creation {
        0 => Ok(am::UNDEFINED.term()),
        creation => Ok(Term::small(creation.into())),
    }
}

/// `{erts_dflags, Default, Mandatory, Addable, Rejectable, StrictOrder}`: what a handshake offers and asks for.
fn get_dflags_0(cx: &mut Context, _: &[Term]) -> Value {
    let tag = cx.atom("erts_dflags")?;
    let mandatory = flags::mandatory(cx.machine().release_number());
    let number = |flags: u64| Term::small(flags as i64);
    Ok(cx.tuple(&[
        tag,
        number(flags::DEFAULT),
        number(mandatory),
        number(flags::DEFAULT),
        number(flags::REJECTABLE),
        number(flags::STRICT_ORDER),
    ])?)
}

/// Whether the node of a process understands Unicode in the I/O protocol.
fn dflag_unicode_io_1(cx: &mut Context, args: &[Term]) -> Value {
    if args[0].is_local_pid() {
        return Ok(Term::boolean(true));
    }
    let pid = RemotePid::of(args[0]).ok_or(Fail::Badarg)?;
    let connection = cx.machine().distribution.get(pid.node.name);
    let flags = connection.map_or(0, |connection| connection.flags);
    Ok(Term::boolean(flags & flags::UNICODE_IO != 0))
}

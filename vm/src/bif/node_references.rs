//! `get_internal_state(node_and_dist_references)` of `erts_debug` as a term: what [`crate::dist::references`] finds, in the shape of OTP's tables.
//!
//! ```text
//! {{node_references, [{{Node, Creation}, Count, [{{Type, Holder}, [{Kind, Count}]}]}]},
//!  {dist_references, [{Node, Count, [{{Type, Holder}, [{Kind, Count}]}]}]}}
//! ```

use super::{Context, Fail, Value};
use crate::dist::references::{self, Found, Holder};
use crate::memory::Arena;
use crate::term::{Atom, Term};
use alloc::vec::Vec;

/// All of it.
pub fn node_and_dist_references(cx: &mut Context) -> Value {
    let found = references::of_machine(cx.machine())?;
    let mut connections: Vec<(Atom, Term)> = Vec::new();
    let count = references::connections(cx.machine()).count();
    connections.try_reserve(count).map_err(|_| Fail::NoMemory)?;
    connections.extend(references::connections(cx.machine()));
    let mut nodes = Term::NIL;
    for of_node in found.chunk_by(|one, other| one.0 == other.0).rev() {
        let node = of_node[0].0;
        let creation = cx.unsigned(node.creation.into())?;
        let name = cx.tuple(&[node.name.term(), creation])?;
        let holders = holders(cx, of_node)?;
        let entry = cx.tuple(&[name, Term::small(of_node.len() as i64), holders])?;
        nodes = cx.cons(entry, nodes)?;
    }
    let mut connected = Term::NIL;
    let mut names: Vec<Atom> = Vec::new();
    let most = found.len() + connections.len();
    names.try_reserve(most).map_err(|_| Fail::NoMemory)?;
    names.extend(found.iter().map(|found| found.0.name));
    names.extend(connections.iter().map(|connection| connection.0));
    names.sort_unstable();
    names.dedup();
    for name in names.into_iter().rev() {
        let entry = connection(cx, name, &found, &connections)?;
        connected = cx.cons(entry, connected)?;
    }
    let nodes = property(cx, "node_references", nodes)?;
    let connected = property(cx, "dist_references", connected)?;
    Ok(cx.tuple(&[nodes, connected])?)
}

fn property(cx: &mut Context, name: &'static str, value: Term) -> Value {
    let name = cx.atom(name)?;
    Ok(cx.tuple(&[name, value])?)
}

/// Those who refer to one node.
fn holders(cx: &mut Context, found: &[Found]) -> Value {
    let mut list = Term::NIL;
    for of_holder in found.chunk_by(|one, other| one.1 == other.1).rev() {
        let (kind, holder) = match of_holder[0].1 {
            Holder::Process(pid) => ("process", Term::local_pid(pid)),
            Holder::Table(name) => ("ets", name.term()),
            Holder::Timers => ("timer", cx.atom("message")?),
        };
        let mut kinds = Term::NIL;
        for of_kind in of_holder.chunk_by(|one, other| one.2 == other.2).rev() {
            let count = property(cx, of_kind[0].2.name(), Term::small(of_kind.len() as i64))?;
            kinds = cx.cons(count, kinds)?;
        }
        let holder = property(cx, kind, holder)?;
        let entry = cx.tuple(&[holder, kinds])?;
        list = cx.cons(entry, list)?;
    }
    Ok(list)
}

/// A name of nodes: what carries the connection to it, and each life of it that is referred to.
fn connection(cx: &mut Context, name: Atom, found: &[Found], all: &[(Atom, Term)]) -> Value {
    let mut list = Term::NIL;
    let mut count = 0;
    let lives = found.chunk_by(|one, other| one.0 == other.0);
    for life in lives.map(|life| life[0].0).filter(|node| node.name == name) {
        let creation = cx.unsigned(life.creation.into())?;
        let node = cx.tuple(&[name.term(), creation])?;
        list = referrer(cx, list, "node", node, "node")?;
        count += 1;
    }
    for &(_, id) in all.iter().filter(|connection| connection.0 == name) {
        let kind = if id.is_local_port() {
            "port"
        } else {
            "process"
        };
        list = referrer(cx, list, kind, id, "control")?;
        count += 1;
    }
    Ok(cx.tuple(&[name.term(), Term::small(count), list])?)
}

/// `[{{Kind, Id}, [{How, 1}]} | List]`
fn referrer(
    cx: &mut Context,
    list: Term,
    kind: &'static str,
    id: Term,
    how: &'static str,
) -> Value {
    let holder = property(cx, kind, id)?;
    let one = property(cx, how, Term::small(1))?;
    let once = cx.cons(one, Term::NIL)?;
    let entry = cx.tuple(&[holder, once])?;
    Ok(cx.cons(entry, list)?)
}

//! `port_info/1,2`: what is known about a port.

use super::{Bif, Context, Fail, Value, bare, bif, port};
use crate::atom::am;
use crate::memory::Arena;
use crate::term::{Atom, Term};
use crate::tracing::port_event;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erts_internal", "port_info", 1, internal_port_info_1),
    bif("erts_internal", "port_info", 2, internal_port_info_2),
    bare("erlang", "port_info", 1, |cx, args| {
        let info = internal_port_info_1(cx, args)?;
        raised(cx, info)
    }),
    bare("erlang", "port_info", 2, |cx, args| {
        let info = internal_port_info_2(cx, args)?;
        raised(cx, info)
    }),
];

/// What `port_info/1` tells, in its order.
const DEFAULT_ITEMS: &[Atom] = &[
    am::REGISTERED_NAME,
    am::NAME,
    am::LINKS,
    am::ID,
    am::CONNECTED,
    am::INPUT,
    am::OUTPUT,
    am::OS_PID,
];

fn raised(cx: &mut Context, info: Term) -> Value {
    match info.as_atom() {
        Some(am::BADARG) => Err(Fail::Badarg),
        Some(am::BADTYPE) => Err(cx.fail_because(am::BADTYPE)),
        _ => Ok(info),
    }
}

/// The port; the atom to return in its place if there is none.
fn target(cx: &mut Context, id_or_name: Term) -> Result<Term, Atom> {
    if !id_or_name.is_local_port() && !id_or_name.is_atom() {
        return Err(am::BADARG);
    }
    let port = port::lookup(cx, id_or_name).ok_or(am::UNDEFINED)?;
    port_event::touched(cx.machine(), port, am::INFO);
    Ok(port)
}

fn internal_port_info_1(cx: &mut Context, args: &[Term]) -> Value {
    let port = match target(cx, args[0]) {
        Ok(port) => port,
        Err(answer) => return Ok(answer.term()),
    };
    let mut items = [Term::NIL; DEFAULT_ITEMS.len()];
    let mut count = 0;
    for &item in DEFAULT_ITEMS {
        let Some(value) = value(cx, port, item)? else {
            continue;
        };
        if item == am::REGISTERED_NAME && value.is_nil() {
            continue;
        }
        items[count] = cx.tuple(&[item.term(), value])?;
        count += 1;
    }
    Ok(cx.list(&items[..count])?)
}

fn internal_port_info_2(cx: &mut Context, args: &[Term]) -> Value {
    let port = match target(cx, args[0]) {
        Ok(port) => port,
        Err(answer) => return Ok(answer.term()),
    };
    let Some(item) = args[1].as_atom() else {
        return Ok(am::BADTYPE.term());
    };
    match value(cx, port, item)? {
        None => Ok(am::BADTYPE.term()),
        Some(name) if item == am::REGISTERED_NAME && name.is_nil() => Ok(name),
        Some(value) => Ok(cx.tuple(&[item.term(), value])?),
    }
}

/// The value of an item; `None` if there is no such item.
fn value(cx: &mut Context, id: Term, item: Atom) -> Result<Option<Term>, Fail> {
    let (machine, heap) = cx.machine_and_heap();
    let Some(port) = machine.ports.open(id) else {
        return Ok(None);
    };
    Ok(Some(match item {
        am::REGISTERED_NAME => port.registered_name.map_or(Term::NIL, Atom::term),
        am::NAME => heap.byte_list(&port.name, Term::NIL)?,
        am::LINKS => {
            let links: Vec<Term> = port.links.iter().map(|(id, ())| id.term()).collect();
            heap.list(&links)?
        }
        am::MONITORED_BY => {
            let watchers: Vec<Term> = port.monitored_by.iter().map(|(_, pid)| *pid).collect();
            heap.list(&watchers)?
        }
        // A port monitors nobody: `driver_monitor_process` is what foreign drivers do.
        am::MONITORS => Term::NIL,
        am::ID => heap.unsigned(id.identifier_data())?,
        am::CONNECTED => port.owner,
        am::INPUT => heap.unsigned(port.input)?,
        am::OUTPUT => heap.unsigned(port.output)?,
        am::OS_PID => match port.os_pid {
            Some(pid) => Term::small(pid.into()),
            None => am::UNDEFINED.term(),
        },
        am::PARALLELISM => Term::boolean(false),
        am::LOCKING if port.has_lock() => am::PORT_LEVEL.term(),
        am::LOCKING => am::DRIVER_LEVEL.term(),
        am::QUEUE_SIZE => heap.unsigned(port.queued as u64)?,
        am::MEMORY => heap.unsigned(port.memory() as u64)?,
        _ => return Ok(None),
    }))
}

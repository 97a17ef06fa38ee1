//! What is sent on a connection: signals become packets, packets wait for the controller.
//!
//! A signal is a control message and, for some, a payload. On the wire it is one packet with a header that says which atoms it uses; one that is
//! longer than [`FRAGMENT`] is cut into several, if the other node can put them together.
//!
//! Invariant: packets leave in the order in which their signals were sent, for each header builds on those before it.

use super::connection::{Connection, Controller};
use super::flags;
use crate::atom::{AtomTable, am};
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::observe;
use crate::port::output::Output;
use crate::port::{deliver, signal};
use crate::term::etf::VERSION;
use crate::term::etf::encode::{AtomCache, Part, append_for_node, append_tuple_for_node};
use crate::term::{Atom, Term};
use alloc::vec::Vec;

/// First byte of a packet without header.
pub const PASS_THROUGH: u8 = 112;
/// Second byte of a packet with a header.
pub const HEADER: u8 = 68;
/// Second byte of the first of several packets.
pub const FIRST_FRAGMENT: u8 = 69;
/// Second byte of the others.
pub const FRAGMENT_HEADER: u8 = 70;

/// Most bytes of a message that go into one packet.
const FRAGMENT: usize = 64 * 1024;

/// A signal as it is kept for a connection that is not open yet: without references to a cache.
pub struct Signal {
    control: Vec<u8>,
    payload: Option<Vec<u8>>,
}

impl Signal {
    fn len(&self) -> usize {
        self.control.len() + self.payload.as_ref().map_or(0, Vec::len)
    }
}

/// Appends a signal to what `connection` sends.
pub fn enqueue(
    connection: &mut Connection,
    atoms: &AtomTable,
    control: &[Part],
    payload: Option<Term>,
) -> Result<(), NoMemory> {
    if !connection.is_open() {
        let mut signal = Signal {
            control: Vec::new(),
            payload: None,
        };
        append_tuple_for_node(atoms, control, None, &mut signal.control)?;
        if let Some(payload) = payload {
            let mut bytes = Vec::new();
            append_for_node(atoms, payload, None, &mut bytes)?;
            signal.payload = Some(bytes);
        }
        let signals = &mut connection.signals;
        signals.try_reserve(1).map_err(|_| NoMemory)?;
        connection.queued += signal.len();
        signals.push_back(signal);
        return Ok(());
    }
    if !connection.has_header() {
        let mut packet = Vec::new();
        packet.try_reserve(64).map_err(|_| NoMemory)?;
        packet.extend([PASS_THROUGH, VERSION]);
        append_tuple_for_node(atoms, control, None, &mut packet)?;
        if let Some(payload) = payload {
            packet.try_reserve(1).map_err(|_| NoMemory)?;
            packet.push(VERSION);
            append_for_node(atoms, payload, None, &mut packet)?;
        }
        return push(connection, packet);
    }
    if connection.flags & flags::DIST_HDR_ATOM_CACHE == 0 {
        let mut message = Vec::new();
        append_tuple_for_node(atoms, control, None, &mut message)?;
        let control_len = message.len();
        if let Some(payload) = payload {
            append_for_node(atoms, payload, None, &mut message)?;
        }
        return cut(connection, &[0], &message, control_len);
    }
    connection.sent_atoms.begin()?;
    let written = with_cache(connection, atoms, control, payload);
    if written.is_err() {
        connection.sent_atoms.give_up();
    }
    written
}

fn with_cache(
    connection: &mut Connection,
    atoms: &AtomTable,
    control: &[Part],
    payload: Option<Term>,
) -> Result<(), NoMemory> {
    let mut message = Vec::new();
    let cache: &mut dyn AtomCache = &mut connection.sent_atoms;
    append_tuple_for_node(atoms, control, Some(cache), &mut message)?;
    let control_len = message.len();
    if let Some(payload) = payload {
        let cache: &mut dyn AtomCache = &mut connection.sent_atoms;
        append_for_node(atoms, payload, Some(cache), &mut message)?;
    }
    let mut list = Vec::new();
    connection.sent_atoms.write(atoms, &mut list)?;
    cut(connection, &list, &message, control_len)
}

/// Makes packets of a message: one, or as many as it takes.
fn cut(
    connection: &mut Connection,
    list: &[u8],
    message: &[u8],
    control_len: usize,
) -> Result<(), NoMemory> {
    if message.len() <= FRAGMENT || connection.flags & flags::FRAGMENTS == 0 {
        return push(connection, joined(&[&[VERSION, HEADER], list, message])?);
    }
    // The control message is in the first one.
    let (first, rest) = message.split_at(control_len.max(FRAGMENT).min(message.len()));
    let mut number = 1 + rest.len().div_ceil(FRAGMENT) as u64;
    let packets = &mut connection.packets;
    packets.try_reserve(number as usize).map_err(|_| NoMemory)?;
    connection.sequence = connection.sequence.wrapping_add(1);
    let sequence = connection.sequence.to_be_bytes();
    // All or none: half of a sequence would never end.
    let mut made = Vec::new();
    made.try_reserve_exact(number as usize)
        .map_err(|_| NoMemory)?;
    let start = [VERSION, FIRST_FRAGMENT];
    made.push(joined(&[
        &start,
        &sequence,
        &number.to_be_bytes(),
        list,
        first,
    ])?);
    for piece in rest.chunks(FRAGMENT) {
        number -= 1;
        let start = [VERSION, FRAGMENT_HEADER];
        made.push(joined(&[&start, &sequence, &number.to_be_bytes(), piece])?);
    }
    made.into_iter()
        .try_for_each(|packet| push(connection, packet))
}

fn joined(parts: &[&[u8]]) -> Result<Vec<u8>, NoMemory> {
    let mut all = Vec::new();
    let len = parts.iter().map(|part| part.len()).sum();
    all.try_reserve_exact(len).map_err(|_| NoMemory)?;
    parts.iter().for_each(|part| all.extend_from_slice(part));
    Ok(all)
}

fn push(connection: &mut Connection, packet: Vec<u8>) -> Result<(), NoMemory> {
    let packets = &mut connection.packets;
    packets.try_reserve(1).map_err(|_| NoMemory)?;
    connection.queued += packet.len();
    packets.push_back(packet);
    Ok(())
}

/// Makes packets of what was sent before `connection` was open.
pub fn open(connection: &mut Connection) -> Result<(), NoMemory> {
    let has_header = connection.has_header();
    connection.queued = 0;
    while let Some(signal) = connection.signals.pop_front() {
        let payload = signal.payload.as_deref();
        if has_header {
            let control = &signal.control;
            let message = joined(&[control, payload.unwrap_or(&[])])?;
            // No atom of the cache.
            cut(connection, &[0], &message, control.len())?;
        } else {
            let start: &[u8] = match payload {
                Some(_) => &[VERSION],
                None => &[],
            };
            let begin = [PASS_THROUGH, VERSION];
            let parts = [&begin, &signal.control[..], start, payload.unwrap_or(&[])];
            push(connection, joined(&parts)?)?;
        }
    }
    Ok(())
}

/// Sees to it that what was appended gets to the controller of the connection to `node`.
pub fn wake(machine: &mut Machine, node: Atom) -> Result<(), NoMemory> {
    let Some(connection) = machine.distribution.get(node) else {
        return Ok(());
    };
    match connection.controller {
        Controller::Pending => {}
        Controller::Port(_) => machine.distribution.schedule(node)?,
        Controller::Process(pid) => {
            if !connection.packets.is_empty() && core::mem::take(&mut connection.notify) {
                deliver::post(machine, pid, |_| Ok(am::DIST_DATA.term()));
            }
        }
    }
    Ok(())
}

/// The next packet for the controller.
pub fn take(machine: &mut Machine, node: Atom) -> Option<Vec<u8>> {
    let limit = machine.options.dist_buf_busy_limit;
    let connection = machine.distribution.get(node)?;
    let packet = connection.packets.pop_front()?;
    connection.queued = connection.queued.saturating_sub(packet.len());
    connection.packets_out += 1;
    if connection.queued < limit && !connection.waiting.is_empty() {
        for pid in core::mem::take(&mut connection.waiting) {
            machine.processes.resume(pid);
        }
    }
    Some(packet)
}

/// Gives packets to the port of the connection to `node` until there is none left or the port is busy.
pub fn flush(machine: &mut Machine, node: Atom) {
    loop {
        let controller = machine.distribution.get(node).map(|c| c.controller);
        let Some(Controller::Port(port)) = controller else {
            return;
        };
        if signal::is_busy(machine, port) {
            return;
        }
        let Some(packet) = take(machine, node) else {
            return;
        };
        signal::write(machine, port, None, Output::from_bytes(packet));
    }
}

/// Whether senders to `node` have to wait.
pub fn is_busy(machine: &mut Machine, node: Atom) -> bool {
    let limit = machine.options.dist_buf_busy_limit;
    let connection = machine.distribution.get(node);
    connection.is_some_and(|connection| connection.queued >= limit)
}

/// Puts the process that runs among those that wait until the connection to `node` is not busy.
pub fn wait(machine: &mut Machine, node: Atom, pid: Term) -> Result<(), NoMemory> {
    if let Some(connection) = machine.distribution.get(node) {
        let waiting = &mut connection.waiting;
        waiting.try_reserve(1).map_err(|_| NoMemory)?;
        waiting.push(pid);
        let controller = connection.controller;
        machine.processes.suspend(pid);
        if let Controller::Port(id) | Controller::Process(id) = controller {
            observe::monitor::busy_dist_port(machine, pid, id);
        }
    }
    Ok(())
}

/// `{auto_connect, Node, Handle}` to `net_kernel`: it shall open the connection. False if there is no such process.
pub fn ask_to_connect(machine: &mut Machine, node: Atom) -> Result<bool, NoMemory> {
    let net_kernel = machine.processes.registry.whereis(am::NET_KERNEL);
    let handle = machine.distribution.get(node).map(|c| c.handle);
    let (Some(net_kernel), Some(handle)) = (net_kernel, handle) else {
        return Ok(false);
    };
    deliver::post(machine, net_kernel, |heap| {
        use crate::memory::Arena;
        let handle = handle.term(heap)?;
        heap.tuple(&[am::AUTO_CONNECT.term(), node.term(), handle])
    });
    Ok(true)
}

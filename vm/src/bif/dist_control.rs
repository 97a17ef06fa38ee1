//! What carries connections: `dist_ctrl_*`, `dist_get_stat/1`, and what `net_kernel` opens and gives up connections with.
//!
//! A connection is known by its handle, a reference. What has happened to it since is answered as OTP answers for handles that are out of date: `badarg`,
//! and `notsup` for who does not carry it.

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::{iolist, make_binary};
use crate::dist;
use crate::dist::connection::Controller;
use crate::dist::{flags, output};
use crate::memory::Arena;
use crate::number::Number;
use crate::port::deliver;
use crate::process::exit;
use crate::process::reference::RefNumber;
use crate::term::{Atom, Term};

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "dist_ctrl_get_data", 1, dist_ctrl_get_data_1),
    bif(
        "erlang",
        "dist_ctrl_get_data_notification",
        1,
        dist_ctrl_get_data_notification_1,
    ),
    bif("erlang", "dist_ctrl_get_opt", 2, dist_ctrl_get_opt_2),
    bif(
        "erlang",
        "dist_ctrl_input_handler",
        2,
        dist_ctrl_input_handler_2,
    ),
    bif("erlang", "dist_ctrl_put_data", 2, dist_ctrl_put_data_2),
    bif("erlang", "dist_ctrl_set_opt", 3, dist_ctrl_set_opt_3),
    bif("erlang", "dist_get_stat", 1, dist_get_stat_1),
    bif(
        "erts_internal",
        "abort_pending_connection",
        2,
        abort_pending_connection_2,
    ),
    bif(
        "erts_internal",
        "create_dist_channel",
        3,
        create_dist_channel_3,
    ),
    bif("erts_internal", "new_connection", 1, new_connection_1),
];

/// The handle of the connection to a node, which is made, if there is none, and is not open yet.
fn new_connection_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let machine = cx.machine();
    if !dist::is_node_name(machine, name) || name == machine.atoms.node.name {
        return Err(Fail::Badarg);
    }
    dist::connect(machine, name)?;
    let connection = machine.distribution.get(name);
    let handle = connection.map(|connection| connection.handle);
    Ok(handle.ok_or(Fail::Badarg)?.term(cx)?)
}

/// Gives up a connection that is not open yet; false if it is open.
fn abort_pending_connection_2(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let handle = RefNumber::of(args[1]).ok_or(Fail::Badarg)?;
    let machine = cx.machine();
    if name == machine.atoms.node.name {
        return Err(Fail::Badarg);
    }
    let is_open = match machine.distribution.get(name) {
        Some(connection) if connection.handle == handle => connection.is_open(),
        _ => return Ok(Term::boolean(true)),
    };
    dist::down::abort(machine, name);
    exit::carry_out(machine);
    Ok(Term::boolean(!is_open))
}

/// An integer of up to 64 bits without sign.
fn unsigned(term: Term) -> Option<u64> {
    if let Some(small) = term.as_small() {
        return u64::try_from(small).ok();
    }
    match Number::of(&term) {
        Some(Number::Big(big)) if !big.negative && big.digits.len() == 1 => Some(big.digits[0]),
        _ => None,
    }
}

/// `create_dist_channel(Node, Controller, {Flags, Creation})`: opens a connection. `{ok, Handle}`, or an error as a value, which
/// `erlang:setnode/3` raises.
fn create_dist_channel_3(cx: &mut Context, args: &[Term]) -> Value {
    match create(cx, args)? {
        Some(handle) => {
            let handle = handle.term(cx)?;
            Ok(cx.tuple(&[am::OK.term(), handle])?)
        }
        None => Ok(am::BADARG.term()),
    }
}

fn create(cx: &mut Context, args: &[Term]) -> Result<Option<RefNumber>, Fail> {
    let own = cx.process().pid;
    let machine = cx.machine();
    let (Some(node), Some(&[all, creation])) = (args[0].as_atom(), args[2].as_tuple()) else {
        return Ok(None);
    };
    let creation = unsigned(creation).and_then(|creation| u32::try_from(creation).ok());
    let (Some(all), Some(creation)) = (unsigned(all), creation) else {
        return Ok(None);
    };
    let mandatory = flags::mandatory(machine.release_number());
    let net_kernel = machine.processes.registry.whereis(am::NET_KERNEL);
    let is_right = dist::is_node_name(machine, node)
        && all & mandatory == mandatory
        && net_kernel.is_some()
        && net_kernel == machine.distribution.net_kernel;
    let (true, Some(net_kernel)) = (is_right, net_kernel) else {
        return Ok(None);
    };
    let pending = machine.distribution.get(node);
    let Some(handle) = pending.filter(|c| !c.is_open()).map(|c| c.handle) else {
        return Ok(None);
    };
    let Some(controller) = carry(cx, args[1], node)? else {
        return Ok(None);
    };
    let machine = cx.machine();
    if let Some(connection) = machine.distribution.get(node) {
        connection.controller = controller;
        connection.flags = all;
        connection.creation = creation;
        let (id, visible) = (connection.id, connection.is_visible());
        output::open(connection)?;
        output::wake(machine, node)?;
        let controller = args[1];
        deliver::post(machine, net_kernel, |heap| {
            heap.tuple(&[am::DIST_CTRLR.term(), controller, node.term(), own])
        });
        dist::monitor::node_is_up(machine, node, Some(id), visible);
    }
    Ok(Some(handle))
}

/// Makes a port or process carry the connection to `node`; `None` if it cannot, or carries another.
fn carry(cx: &mut Context, controller: Term, node: Atom) -> Result<Option<Controller>, Fail> {
    let machine = cx.machine();
    if controller.is_local_port() {
        let port = machine.ports.open(controller);
        return Ok(port.filter(|port| port.carries.is_none()).map(|port| {
            port.carries = Some(node);
            Controller::Port(controller)
        }));
    }
    if machine.processes.alive(controller).is_none() {
        return Ok(None);
    }
    let ties = dist::signal::ties(machine, controller)?;
    Ok(ties.filter(|ties| ties.carries.is_none()).map(|ties| {
        ties.carries = Some(node);
        Controller::Process(controller)
    }))
}

/// The node of an open connection by its handle.
fn open(cx: &mut Context, handle: Term) -> Result<Atom, Fail> {
    let handle = RefNumber::of(handle).ok_or(Fail::Badarg)?;
    let connection = cx.machine().distribution.by_handle(handle);
    let open = connection.filter(|connection| connection.is_open());
    Ok(open.ok_or(Fail::Badarg)?.node)
}

/// The node whose connection the caller carries.
fn carried(cx: &mut Context, handle: Term) -> Result<Atom, Fail> {
    let own = cx.process().pid;
    let found = RefNumber::of(handle).and_then(|h| cx.machine().distribution.by_handle(h));
    match found {
        Some(connection) if connection.controller == Controller::Process(own) => {
            Ok(connection.node)
        }
        _ => Err(cx.raise(Class::Error, am::NOTSUP.term())),
    }
}

/// Lets another process hand in packets.
fn dist_ctrl_input_handler_2(cx: &mut Context, args: &[Term]) -> Value {
    let node = carried(cx, args[0])?;
    if !args[1].is_local_pid() {
        return Err(Fail::Badarg);
    }
    if let Some(connection) = cx.machine().distribution.get(node) {
        connection.input_handler = Some(args[1]);
    }
    Ok(am::OK.term())
}

/// Hands in a packet of the other node.
fn dist_ctrl_put_data_2(cx: &mut Context, args: &[Term]) -> Value {
    let node = open(cx, args[0])?;
    let own = cx.process().pid;
    let connection = cx.machine().distribution.get(node);
    let may = connection.is_some_and(|connection| {
        connection.controller == Controller::Process(own) || connection.input_handler == Some(own)
    });
    if !may {
        return Err(cx.raise(Class::Error, am::NOTSUP.term()));
    }
    let packet = iolist::to_bytes(args[1])?;
    cx.bump_reductions(packet.len() / 64);
    let machine = cx.machine();
    dist::input::packet(machine, node, &packet);
    machine.x[0] = am::OK.term();
    if exit::begin_pending(machine, own) {
        return Err(Fail::Suspend);
    }
    exit::carry_out(machine);
    Ok(am::OK.term())
}

/// The next packet, as a list of binaries; with `get_size` as `{Size, Packet}`; `none` if there is none.
fn dist_ctrl_get_data_1(cx: &mut Context, args: &[Term]) -> Value {
    let node = carried(cx, args[0])?;
    let machine = cx.machine();
    let sized = machine.distribution.get(node).is_some_and(|c| c.gets_size);
    let Some(packet) = output::take(machine, node) else {
        return Ok(am::NONE.term());
    };
    let binary = make_binary(cx, &packet)?;
    let data = cx.list(&[binary])?;
    match sized {
        true => Ok(cx.tuple(&[Term::small(packet.len() as i64), data])?),
        false => Ok(data),
    }
}

/// Asks for the message `dist_data` when there is a packet.
fn dist_ctrl_get_data_notification_1(cx: &mut Context, args: &[Term]) -> Value {
    let node = carried(cx, args[0])?;
    let machine = cx.machine();
    if let Some(connection) = machine.distribution.get(node) {
        connection.notify = true;
    }
    output::wake(machine, node)?;
    Ok(am::OK.term())
}

fn dist_ctrl_get_opt_2(cx: &mut Context, args: &[Term]) -> Value {
    let node = carried(cx, args[0])?;
    if args[1] != am::GET_SIZE.term() {
        return Err(Fail::Badarg);
    }
    let connection = cx.machine().distribution.get(node);
    Ok(Term::boolean(connection.is_some_and(|c| c.gets_size)))
}

/// Sets an option, and returns what it was.
fn dist_ctrl_set_opt_3(cx: &mut Context, args: &[Term]) -> Value {
    let node = carried(cx, args[0])?;
    if args[1] != am::GET_SIZE.term() {
        return Err(Fail::Badarg);
    }
    let on = args[2].as_boolean().ok_or(Fail::Badarg)?;
    let connection = cx.machine().distribution.get(node);
    let before = connection.map(|c| core::mem::replace(&mut c.gets_size, on));
    Ok(Term::boolean(before.unwrap_or(false)))
}

/// `{ok, PacketsIn, PacketsOut, SomeWait}`
fn dist_get_stat_1(cx: &mut Context, args: &[Term]) -> Value {
    let node = open(cx, args[0])?;
    let connection = cx.machine().distribution.get(node).ok_or(Fail::Badarg)?;
    let (packets_in, packets_out) = (connection.packets_in, connection.packets_out);
    let waits = Term::boolean(!connection.packets.is_empty());
    let packets_in = cx.unsigned(packets_in)?;
    let packets_out = cx.unsigned(packets_out)?;
    Ok(cx.tuple(&[am::OK.term(), packets_in, packets_out, waits])?)
}

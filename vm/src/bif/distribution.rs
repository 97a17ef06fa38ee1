//! Nodes. The machine is not alive: it is `nonode@nohost`, knows no other node and connects to none.
//!
//! Functions of distribution controllers answer as OTP's do on a node that is not alive: they are `badarg` or `notsup`, because no
//! connection can exist whose handle one could have.

use super::spawn::{self, Reply};
use super::{Bif, Class, Context, Fail, Value, bare, bif, system_task};
use crate::atom::am;
use crate::map;
use crate::memory::Arena;
use crate::term::{Subtag, Term};

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "node", 0, node_0),
    bif("erlang", "node", 1, node_1),
    bif("erlang", "nodes", 0, nodes_0),
    bif("erlang", "nodes", 1, nodes_1),
    bif("erlang", "nodes", 2, nodes_2),
    bare("erlang", "is_alive", 0, is_alive_0),
    bif("erlang", "setnode", 2, never_valid),
    bif("erlang", "dist_ctrl_get_data", 1, no_controller),
    bif(
        "erlang",
        "dist_ctrl_get_data_notification",
        1,
        no_controller,
    ),
    bif("erlang", "dist_ctrl_get_opt", 2, no_controller),
    bif("erlang", "dist_ctrl_input_handler", 2, no_controller),
    bif("erlang", "dist_ctrl_put_data", 2, never_valid),
    bif("erlang", "dist_ctrl_set_opt", 3, no_controller),
    bif("erlang", "dist_get_stat", 1, never_valid),
    bif("erts_debug", "dist_ext_to_term", 2, never_valid),
    bif("erts_internal", "abort_pending_connection", 2, never_valid),
    bif(
        "erts_internal",
        "create_dist_channel",
        3,
        create_dist_channel_3,
    ),
    bif(
        "erts_internal",
        "dist_spawn_request",
        4,
        dist_spawn_request_4,
    ),
    bif("erts_internal", "get_creation", 0, get_creation_0),
    bif("erts_internal", "get_dflags", 0, get_dflags_0),
    bif("erts_internal", "new_connection", 1, never_valid),
    bif("net_kernel", "dflag_unicode_io", 1, dflag_unicode_io_1),
];

fn node_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(am::NONODE_NOHOST.term())
}

fn node_1(_: &mut Context, args: &[Term]) -> Value {
    let local = args[0].is_local_pid()
        || args[0].is_local_port()
        || args[0].subtag() == Some(Subtag::Reference);
    if local {
        Ok(am::NONODE_NOHOST.term())
    } else {
        Err(Fail::Badarg)
    }
}

fn nodes_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::NIL)
}

/// Whether the kinds of nodes that are asked for include this one.
fn includes_this(kinds: Term) -> Result<bool, Fail> {
    let mut this = false;
    let mut kind = |kind: Term| match kind.as_atom() {
        Some(am::THIS | am::KNOWN) => {
            this = true;
            Ok(())
        }
        Some(am::VISIBLE | am::HIDDEN | am::CONNECTED) => Ok(()),
        _ => Err(Fail::Badarg),
    };
    if kinds.is_list() {
        let mut kinds = kinds.iter_list();
        for each in &mut kinds {
            kind(each)?;
        }
        if !kinds.tail().is_nil() {
            return Err(Fail::Badarg);
        }
    } else {
        kind(kinds)?;
    }
    Ok(this)
}

/// Nodes of the kinds that are asked for: only this one is known.
fn nodes_1(cx: &mut Context, args: &[Term]) -> Value {
    match includes_this(args[0])? {
        true => Ok(cx.list(&[am::NONODE_NOHOST.term()])?),
        false => Ok(Term::NIL),
    }
}

/// As with one argument, each as `{Node, Info}` with what the map in the second asks for.
fn nodes_2(cx: &mut Context, args: &[Term]) -> Value {
    if !map::is_map(args[1]) {
        return Err(Fail::Badarg);
    }
    let connection_id = cx.atom("connection_id")?;
    let node_type = cx.atom("node_type")?;
    let mut known = 0;
    let mut info = map::empty(cx)?;
    for (key, value) in [
        (connection_id, am::UNDEFINED.term()),
        (node_type, am::THIS.term()),
    ] {
        let Some(wanted) = map::get(args[1], key) else {
            continue;
        };
        known += 1;
        if wanted.as_boolean().ok_or(Fail::Badarg)? {
            let (heap, atoms) = cx.heap_and_atoms();
            info = map::put(heap, atoms, info, key, value)?;
        }
    }
    if map::size(args[1]) != known {
        return Err(Fail::Badarg);
    }
    if !includes_this(args[0])? {
        return Ok(Term::NIL);
    }
    let node = cx.tuple(&[am::NONODE_NOHOST.term(), info])?;
    Ok(cx.list(&[node])?)
}

fn is_alive_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::boolean(false))
}

/// No argument is right on a machine that is not part of a distributed system.
fn never_valid(_: &mut Context, _: &[Term]) -> Value {
    Err(Fail::Badarg)
}

/// The caller controls no connection.
fn no_controller(cx: &mut Context, _: &[Term]) -> Value {
    Err(cx.raise(Class::Error, am::NOTSUP.term()))
}

/// The error is a value, which `erlang:setnode/3` raises.
fn create_dist_channel_3(_: &mut Context, _: &[Term]) -> Value {
    Ok(am::BADARG.term())
}

/// Asks another node to spawn: there is no connection, and the reply says so. `spawn_opt` wants to know besides whether it asked for a
/// monitor.
fn dist_spawn_request_4(cx: &mut Context, args: &[Term]) -> Value {
    let [node, what, options, caller] = [args[0], args[1], args[2], args[3]];
    if !node.is_atom() || node == am::NONODE_NOHOST.term() || !what.is_tuple() || !options.is_list()
    {
        return Ok(am::BADARG.term());
    }
    let reference = cx.machine().processes.references.make().term(cx)?;
    let own = cx.process().pid;
    let (reply, tag) = spawn::reply_options(options);
    if matches!(reply, Reply::Yes | Reply::ErrorOnly) {
        let error = [am::ERROR.term(), am::NOCONNECTION.term()];
        system_task::answer(cx, own, &[tag, reference, error[0], error[1]])?;
    }
    let spawn_opt = cx.atom("spawn_opt")?;
    if caller != spawn_opt {
        return Ok(reference);
    }
    let monitors = options.iter_list().any(|option| {
        let key = option.as_tuple().and_then(|pair| pair.first().copied());
        key.unwrap_or(option) == am::MONITOR.term()
    });
    Ok(cx.tuple(&[reference, Term::boolean(monitors)])?)
}

/// The number that tells one life of a node from the next; a node that is not alive has none.
fn get_creation_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(am::UNDEFINED.term())
}

/// `{erts_dflags, Default, Mandatory, Addable, Rejectable, StrictOrder}`: what a handshake would offer, were there one.
fn get_dflags_0(cx: &mut Context, _: &[Term]) -> Value {
    let tag = cx.atom("erts_dflags")?;
    let none = Term::small(0);
    Ok(cx.tuple(&[tag, none, none, none, none, none])?)
}

/// Whether the node of a process understands Unicode in the I/O protocol: this one does.
fn dflag_unicode_io_1(_: &mut Context, args: &[Term]) -> Value {
    match args[0].is_pid() {
        true => Ok(Term::boolean(true)),
        false => Err(Fail::Badarg),
    }
}

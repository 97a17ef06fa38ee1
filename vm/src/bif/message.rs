//! Sending and aliases: `!`, `send/2,3`, `send_nosuspend/2,3`, `alias/0,1`, `unalias/1`.
//!
//! Nothing here suspends but a message to a busy port. A message to another node
//! is lost, as it is in OTP when the node is not connected.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::port;
use crate::process::AliasMode;
use crate::process::exit;
use crate::process::reference::RefNumber;
use crate::process::signal;
use crate::term::Term;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "!", 2, send_2),
    bif("erlang", "send", 2, send_2),
    bif("erlang", "send", 3, send_3),
    bare("erlang", "send_nosuspend", 2, send_nosuspend_2),
    bare("erlang", "send_nosuspend", 3, send_nosuspend_3),
    bare("erlang", "alias", 0, alias_0),
    bif("erlang", "alias", 1, alias_1),
    bif("erlang", "unalias", 1, unalias_1),
];

/// Whether a message could be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// It was, or the receiver is gone, which nobody is told.
    Sent,
    /// It goes to a node that is not connected.
    NotConnected,
}

/// `To ! Message` of the calling process. `Err(Badarg)` if `to` is no destination.
#[inline]
pub fn send(cx: &mut Context, to: Term, message: Term) -> Result<(), Fail> {
    if to.is_local_pid() {
        let from = cx.process().pid;
        return Ok(signal::send(cx.machine(), from, to, message)?);
    }
    send_elsewhere(cx, to, message).map(|_| ())
}

fn send_elsewhere(cx: &mut Context, to: Term, message: Term) -> Result<Sent, Fail> {
    let receiver = if to.is_local_pid() {
        Some(to)
    } else if let Some(name) = to.as_atom() {
        let found = cx.machine().processes.registry.whereis(name);
        Some(found.ok_or(Fail::Badarg)?)
    } else if let Some(reference) = RefNumber::of(to) {
        signal::use_alias(cx.machine(), reference)
    } else if let Some(&[name, node]) = to.as_tuple() {
        let name = name.as_atom().ok_or(Fail::Badarg)?;
        if !node.is_atom() {
            return Err(Fail::Badarg);
        }
        if node != am::NONODE_NOHOST.term() {
            return Ok(Sent::NotConnected);
        }
        cx.machine().processes.registry.whereis(name)
    } else if to.is_local_port() {
        Some(to)
    } else if to.is_pid() || to.is_port() || to.is_reference() {
        None
    } else {
        return Err(Fail::Badarg);
    };
    if let Some(receiver) = receiver {
        let from = cx.process().pid;
        if receiver.is_local_port() {
            return send_to_port(cx, receiver, message);
        }
        signal::send(cx.machine(), from, receiver, message)?;
    }
    Ok(Sent::Sent)
}

/// `Port ! {Owner, Command}`. `Err(Suspend)` if the port is busy: who sent it is suspended until it is not.
fn send_to_port(cx: &mut Context, port: Term, message: Term) -> Result<Sent, Fail> {
    let pid = cx.process().pid;
    let machine = cx.machine();
    if port::signal::message(machine, port, pid, message)? {
        port::signal::wait_until_idle(machine, port, pid)?;
        return Err(Fail::Suspend);
    }
    exit::carry_out(machine);
    Ok(Sent::Sent)
}

fn send_2(cx: &mut Context, args: &[Term]) -> Value {
    // What the caller goes on with if it is suspended.
    cx.machine().x[0] = args[1];
    send(cx, args[0], args[1])?;
    Ok(args[1])
}

fn send_3(cx: &mut Context, args: &[Term]) -> Value {
    let mut options = args[2].iter_list();
    let mut connect = true;
    for option in &mut options {
        match option.as_atom() {
            Some(am::NOCONNECT) => connect = false,
            Some(am::NOSUSPEND) => {}
            _ => return Err(cx.fail_because(am::BADOPT)),
        }
    }
    if !options.tail().is_nil() {
        return Err(cx.fail_because(am::BADOPT));
    }
    cx.machine().x[0] = am::OK.term();
    match send_elsewhere(cx, args[0], args[1])? {
        Sent::NotConnected if !connect => Ok(am::NOCONNECT.term()),
        _ => Ok(am::OK.term()),
    }
}

fn send_nosuspend_2(cx: &mut Context, args: &[Term]) -> Value {
    send(cx, args[0], args[1])?;
    Ok(Term::boolean(true))
}

fn send_nosuspend_3(cx: &mut Context, args: &[Term]) -> Value {
    let sent = send_3(cx, args)?;
    Ok(Term::boolean(sent == am::OK.term()))
}

fn make_alias(cx: &mut Context, mode: AliasMode) -> Value {
    let reference = cx.machine().processes.references.make();
    let term = reference.term(cx)?;
    let pid = cx.process().pid;
    signal::add_alias(cx.machine(), pid, reference, mode)?;
    Ok(term)
}

fn alias_0(cx: &mut Context, _: &[Term]) -> Value {
    make_alias(cx, AliasMode::ExplicitUnalias)
}

fn alias_1(cx: &mut Context, args: &[Term]) -> Value {
    let mut mode = AliasMode::ExplicitUnalias;
    let mut options = args[0].iter_list();
    for option in &mut options {
        mode = match option.as_atom() {
            Some(am::EXPLICIT_UNALIAS) => AliasMode::ExplicitUnalias,
            Some(am::REPLY) => AliasMode::Reply,
            _ => return Err(Fail::Badarg),
        };
    }
    if !options.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    make_alias(cx, mode)
}

fn unalias_1(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_reference() {
        return Err(Fail::Badarg);
    }
    let pid = cx.process().pid;
    let removed = RefNumber::of(args[0])
        .is_some_and(|reference| signal::remove_alias(cx.machine(), pid, reference));
    Ok(Term::boolean(removed))
}

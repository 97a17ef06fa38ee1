//! Sending and aliases: `!`, `send/2,3`, `send_nosuspend/2,3`, `alias/0,1`, `unalias/1`.
//!
//! Nothing here suspends but a message to a busy port, or to a node that much is on its way to already. A large message is copied in pieces: others
//! run meanwhile, and it is sent when all of it is there.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::dist;
use crate::dist::signal::{self as remote, Connect};
use crate::memory::{Arena, NoMemory};
use crate::observe::sequential;
use crate::port;
use crate::process::AliasMode;
use crate::process::exit;
use crate::process::reference::RefNumber;
use crate::process::signal;
use crate::term::external::{RemotePid, RemoteReference};
use crate::term::{Atom, Term};
use crate::tracing::event;
use crate::tracing::saved_calls::{self, Saved};

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
enum Outcome {
    /// It was, or the receiver is gone, which nobody is told.
    Sent,
    /// It goes to a node that is not connected, and was not to make a connection.
    NotConnected,
    /// Who sends it would have to wait, and does not want to.
    Busy,
}

/// What `send/3` may be told.
#[derive(Clone, Copy)]
struct Wishes {
    connect: Connect,
    suspend: bool,
}

const NO_WISHES: Wishes = Wishes {
    connect: Connect::Yes,
    suspend: true,
};

/// Sends to a process of this node.
#[inline]
fn hand_over(cx: &mut Context, to: Term, message: Term) -> Result<(), Fail> {
    let from = cx.process().pid;
    if cx.holds_much() && !message.is_immediate() && to != from {
        return hand_over_large(cx, to, message);
    }
    Ok(signal::send(cx.machine(), from, to, message)?)
}

/// As [`hand_over`], of a message that may be large, and is copied in pieces then.
#[inline(never)]
fn hand_over_large(cx: &mut Context, to: Term, message: Term) -> Result<(), Fail> {
    if cx.machine().processes.alive(to).is_none() {
        return Ok(());
    }
    let from = cx.process().pid;
    match cx.copy_apart(message)? {
        None => signal::send(cx.machine(), from, to, message)?,
        Some((copy, parcel)) => signal::send_parcel(cx.machine(), from, to, copy, parcel)?,
    }
    Ok(())
}

/// `To ! Message` of the calling process. `Err(Badarg)` if `to` is no destination.
#[inline]
pub fn send(cx: &mut Context, to: Term, message: Term) -> Result<(), Fail> {
    if to.is_local_pid() {
        let from = cx.process().pid;
        if cx.process().trace.is_some() {
            tell(cx, to, to, message);
        }
        hand_over(cx, to, message)?;
        if cx.process().saves_calls {
            saved_calls::save(cx.process(), Saved::Send);
        }
        if cx.process().sequential.is_some() {
            sequential::sent(cx.machine(), from, to, to, message)?;
        }
        return Ok(());
    }
    send_elsewhere(cx, to, message, NO_WISHES).map(|_| ())
}

/// The caller, which is traced, sends to `to`, which stands for the process or port `receiver`.
#[cold]
fn tell(cx: &mut Context, to: Term, receiver: Term, message: Term) {
    let from = cx.process().pid;
    let machine = cx.machine();
    let exists = if receiver.is_local_pid() {
        machine.processes.alive(receiver).is_some()
    } else {
        !receiver.is_local_port() || machine.ports.open(receiver).is_some()
    };
    event::sends(machine, from, to, message, exists);
}

fn send_elsewhere(
    cx: &mut Context,
    to: Term,
    message: Term,
    wishes: Wishes,
) -> Result<Outcome, Fail> {
    if cx.process().saves_calls {
        saved_calls::save(cx.process(), Saved::Send);
    }
    let receiver = if to.is_local_pid() {
        Some(to)
    } else if let Some(name) = to.as_atom() {
        let found = cx.machine().processes.registry.whereis(name);
        if found.is_none() && cx.process().trace.is_some() {
            tell(cx, to, am::TRUE.term(), message);
        }
        Some(found.ok_or(Fail::Badarg)?)
    } else if let Some(reference) = RefNumber::of(to) {
        signal::use_alias(cx.machine(), reference)
    } else if let Some(&[name, node]) = to.as_tuple() {
        let name = name.as_atom().ok_or(Fail::Badarg)?;
        let node = node.as_atom().ok_or(Fail::Badarg)?;
        if node != cx.atoms().node.name {
            return send_to_node(cx, Remote::Name(name, node), message, wishes);
        }
        cx.machine().processes.registry.whereis(name)
    } else if to.is_local_port() {
        Some(to)
    } else if let Some(pid) = RemotePid::of(to) {
        return send_to_node(cx, Remote::Pid(pid), message, wishes);
    } else if let Some(reference) = RemoteReference::of(to) {
        return send_to_node(cx, Remote::Alias(reference), message, wishes);
    } else {
        return Err(Fail::Badarg);
    };
    if cx.process().trace.is_some() {
        tell(cx, to, receiver.unwrap_or(Term::NIL), message);
    }
    if let Some(receiver) = receiver {
        let from = cx.process().pid;
        if receiver.is_local_port() {
            return send_to_port(cx, receiver, message);
        }
        hand_over(cx, receiver, message)?;
        if cx.process().sequential.is_some() {
            // A name is told as the process that has it.
            let to = if to.is_reference() { to } else { receiver };
            sequential::sent(cx.machine(), from, to, receiver, message)?;
        }
    }
    Ok(Outcome::Sent)
}

/// Who gets a message on another node.
#[derive(Clone, Copy)]
enum Remote {
    Pid(RemotePid),
    Name(Atom, Atom),
    Alias(RemoteReference),
}

/// `process_flag(async_dist, true)`: the caller never waits for a connection.
fn sends_asynchronously(cx: &mut Context) -> bool {
    let rare = cx.process().rare.as_ref();
    rare.is_some_and(|rare| rare.async_dist)
}

/// `Err(Suspend)` if too much is on its way to the node: then the message is, too, and who sent it is suspended until there is less.
fn send_to_node(
    cx: &mut Context,
    to: Remote,
    message: Term,
    wishes: Wishes,
) -> Result<Outcome, Fail> {
    let from = cx.process().pid;
    if cx.process().trace.is_some() {
        let shown = match to {
            Remote::Pid(pid) => pid.term(cx)?,
            Remote::Name(name, node) => cx.tuple(&[name.term(), node.term()])?,
            Remote::Alias(reference) => reference.term(cx)?,
        };
        tell(cx, shown, am::TRUE.term(), message);
    }
    let node = match to {
        Remote::Pid(pid) => pid.node.name,
        Remote::Name(_, node) => node,
        Remote::Alias(reference) => reference.node.name,
    };
    let machine = cx.machine();
    if !wishes.suspend && dist::output::is_busy(machine, node) {
        return Ok(Outcome::Busy);
    }
    let connect = wishes.connect;
    let token = match cx.process().sequential {
        Some(_) => token_for(cx, to, message)?,
        None => None,
    };
    let machine = cx.machine();
    let message = (message, token);
    let sent = match to {
        Remote::Pid(pid) => remote::send(machine, from, pid, message, connect)?,
        Remote::Name(name, node) => {
            remote::send_to_name(machine, from, (name, node), message, connect)?
        }
        Remote::Alias(alias) => remote::send_to_alias(machine, from, alias, message, connect)?,
    };
    match sent {
        remote::Sent::Sent => Ok(Outcome::Sent),
        remote::Sent::NotConnected => Ok(Outcome::NotConnected),
        remote::Sent::Busy if sends_asynchronously(cx) => Ok(Outcome::Sent),
        remote::Sent::Busy => {
            dist::output::wait(cx.machine(), node, from)?;
            Err(Fail::Suspend)
        }
    }
}

/// The token that goes with a message to another node, if the caller has one.
#[cold]
fn token_for(cx: &mut Context, to: Remote, message: Term) -> Result<Option<Term>, NoMemory> {
    let from = cx.process().pid;
    let shown = match to {
        Remote::Pid(pid) => pid.term(cx)?,
        // Of a name the trace tells the name alone.
        Remote::Name(name, node) => cx.tuple(&[name.term(), node.term()])?,
        Remote::Alias(reference) => reference.term(cx)?,
    };
    sequential::sent_away(cx.machine(), from, shown, message)
}

/// `Port ! {Owner, Command}`. `Err(Suspend)` if the port is busy: who sent it is suspended until it is not.
fn send_to_port(cx: &mut Context, port: Term, message: Term) -> Result<Outcome, Fail> {
    let pid = cx.process().pid;
    let machine = cx.machine();
    if port::signal::message(machine, port, pid, message)? {
        port::signal::wait_until_idle(machine, port, pid)?;
        return Err(Fail::Suspend);
    }
    exit::carry_out(machine);
    if cx.process().sequential.is_some() {
        // Drivers do not know tokens: it is told, and goes no further.
        sequential::sent_away(cx.machine(), pid, port, message)?;
    }
    Ok(Outcome::Sent)
}

fn send_2(cx: &mut Context, args: &[Term]) -> Value {
    // What the caller goes on with if it is suspended.
    cx.machine().x[0] = args[1];
    send(cx, args[0], args[1])?;
    Ok(args[1])
}

fn send_3(cx: &mut Context, args: &[Term]) -> Value {
    let mut options = args[2].iter_list();
    let mut wishes = NO_WISHES;
    for option in &mut options {
        match option.as_atom() {
            Some(am::NOCONNECT) => wishes.connect = Connect::No,
            Some(am::NOSUSPEND) => wishes.suspend = false,
            _ => return Err(cx.fail_because(am::BADOPT)),
        }
    }
    if !options.tail().is_nil() {
        return Err(cx.fail_because(am::BADOPT));
    }
    cx.machine().x[0] = am::OK.term();
    match send_elsewhere(cx, args[0], args[1], wishes)? {
        Outcome::NotConnected if wishes.connect == Connect::No => Ok(am::NOCONNECT.term()),
        Outcome::Busy => Ok(am::NOSUSPEND.term()),
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

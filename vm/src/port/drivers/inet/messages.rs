//! What sockets send to processes: answers to commands and requests, data, and how a connection ended.
//!
//! To who sends: `{inet_reply, Socket, Status}`; since OTP 26 the command begins with a reference, which stands last in the answer.
//! To who waits: `{inet_async, Socket, Number, Result}`. To the owner of an active socket: `{tcp, Socket, Data}` and the like.
//!
//! Invariant: as for all ports, a process without memory for what is sent to it is killed (`crate::port::deliver`).

use super::reply::Refusal;
use super::settings::Settings;
use super::socket::{Caller, Protocol, Request};
use crate::atom::{AtomTable, am};
use crate::bits::make_binary;
use crate::memory::heap::Heap;
use crate::memory::{Arena, NoMemory};
use crate::port::driver::Handle;
use crate::process::exit;
use crate::term::{Atom, Term};
use crate::tracing::port_event;

/// Sends what `build` makes, which may need atoms, to the process `to`.
pub fn post(
    at: &mut Handle,
    to: Term,
    build: impl FnOnce(&mut Heap, &mut AtomTable) -> Result<Term, NoMemory>,
) {
    let machine = &mut *at.machine;
    let (processes, atoms) = (&mut machine.processes, &mut machine.atoms);
    let posted = processes.post(to, |process| build(&mut process.heap, atoms));
    if posted == Err(NoMemory) {
        exit::begin(machine, to, am::KILLED.term());
    }
    let port = at.port;
    port_event::sent(machine, port, to);
}

/// The atom of this name; `einval` if there can be no more atoms.
pub fn atom(at: &mut Handle, name: &str) -> Atom {
    at.machine.atoms.insert(name).unwrap_or(am::EINVAL)
}

/// `{error, Reason}`
fn error(heap: &mut Heap, reason: Atom) -> Result<Term, NoMemory> {
    heap.tuple(&[am::ERROR.term(), reason.term()])
}

/// Answers a command: `ok`, or `{error, Reason}`.
pub fn reply(at: &mut Handle, caller: &Caller, status: Result<(), Refusal>) {
    let port = at.port;
    let reason = status.err().map(|refusal| atom(at, refusal.name()));
    post(at, caller.pid, |heap, _| {
        let status = match reason {
            None => am::OK.term(),
            Some(reason) => error(heap, reason)?,
        };
        let tag = am::INET_REPLY.term();
        match caller.tag {
            None => heap.tuple(&[tag, port, status]),
            Some(reference) => {
                let reference = reference.term(heap)?;
                heap.tuple(&[tag, port, status, reference])
            }
        }
    });
}

/// Answers a request with what `build` makes.
pub fn request_answer(
    at: &mut Handle,
    request: &Request,
    build: impl FnOnce(&mut Heap, &mut AtomTable) -> Result<Term, NoMemory>,
) {
    let port = at.port;
    post(at, request.caller, |heap, atoms| {
        let result = build(heap, atoms)?;
        let number = Term::small(request.number.into());
        heap.tuple(&[am::INET_ASYNC.term(), port, number, result])
    });
}

/// Answers a request with `ok`.
pub fn request_done(at: &mut Handle, request: &Request) {
    request_answer(at, request, |_, _| Ok(am::OK.term()));
}

/// Answers a request with `{ok, Value}`.
pub fn request_value(
    at: &mut Handle,
    request: &Request,
    build: impl FnOnce(&mut Heap, &mut AtomTable) -> Result<Term, NoMemory>,
) {
    request_answer(at, request, |heap, atoms| {
        let value = build(heap, atoms)?;
        heap.tuple(&[am::OK.term(), value])
    });
}

/// Answers a request with `{error, Reason}`.
pub fn request_failed(at: &mut Handle, request: &Request, reason: &str) {
    let reason = atom(at, reason);
    request_answer(at, request, |heap, _| error(heap, reason));
}

/// Sends `{What, Socket}`.
pub fn plain(at: &mut Handle, to: Term, what: Atom) {
    let port = at.port;
    post(at, to, |heap, _| heap.tuple(&[what.term(), port]));
}

/// Sends `{tcp_passive, Socket}` or `{udp_passive, Socket}` to the owner.
pub fn passive(at: &mut Handle, protocol: Protocol) {
    let owner = at.owner();
    let what = match protocol {
        Protocol::Tcp => am::TCP_PASSIVE,
        Protocol::Udp => am::UDP_PASSIVE,
    };
    plain(at, owner, what);
}

/// Sends `{tcp_error, Socket, Reason}` or `{udp_error, Socket, Reason}` to the owner.
pub fn failure(at: &mut Handle, protocol: Protocol, reason: &str) {
    let (owner, port) = (at.owner(), at.port);
    let reason = atom(at, reason);
    let what = match protocol {
        Protocol::Tcp => am::TCP_ERROR,
        Protocol::Udp => am::UDP_ERROR,
    };
    post(at, owner, |heap, _| {
        heap.tuple(&[what.term(), port, reason.term()])
    });
}

/// Data as the socket's options want it: a list, a binary, or a list of the first bytes and a binary.
pub fn data(heap: &mut Heap, settings: &Settings, bytes: &[u8]) -> Result<Term, NoMemory> {
    match bytes.split_at_checked(settings.header) {
        Some((head, rest)) if settings.binary => {
            let rest = make_binary(heap, rest)?;
            heap.byte_list(head, rest)
        }
        _ => heap.byte_list(bytes, Term::NIL),
    }
}

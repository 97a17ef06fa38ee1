//! Sequential traces: a token that goes with messages, exits and spawns, and what is told of its way (`seq_trace`).
//!
//! A process that has or had a token has a [`Sequential`]: the token is the tuple `{Flags, Label, Serial, From, Last}` on its own heap, or `[]`. A message that
//! was sent with one has it beside it in the mailbox; receiving it makes the token the receiver's, and receiving another message takes the receiver's away.
//! Serial numbers are Lamport clocks: each process counts its own events and goes on from the highest that it has seen.
//!
//! Invariant: a process with a token beside one of its messages has a [`Sequential`], so that `receive` looks at one field. Processes without one pay
//! for nothing else. Messages of the machine itself (of timers, ports, monitors) carry no token, and leave the receiver's alone ([`UNTOUCHED`]).

use super::tell;
use super::timestamp::{Kind, Timestamp};
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::{Arena, NoMemory};
use crate::process::{Process, try_box};
use crate::term::copy::copy;
use crate::term::{Atom, Term};

/// Sending is told.
pub const SEND: i64 = 1;
/// Receiving is told.
pub const RECEIVE: i64 = 2;
/// What is printed is told.
pub const PRINT: i64 = 4;
/// With `{Megaseconds, Seconds, Microseconds}`.
pub const TIMESTAMP: i64 = 8;
/// With monotonic time and a unique integer.
pub const STRICT_MONOTONIC_TIMESTAMP: i64 = 16;
/// With monotonic time.
pub const MONOTONIC_TIMESTAMP: i64 = 32;

/// All kinds of timestamps.
pub const TIMESTAMPS: i64 = TIMESTAMP | STRICT_MONOTONIC_TIMESTAMP | MONOTONIC_TIMESTAMP;

/// Beside a message of the machine itself: the receiver keeps what token it has.
const UNTOUCHED: Term = am::UNDEFINED.term();

/// The last message of `process` is the machine's own.
#[inline]
pub fn untouched(process: &mut Process) {
    if process.sequential.is_some() {
        // Without memory the message takes the token away.
        let _ = process.mailbox.mark_last(UNTOUCHED);
    }
}

/// What a process knows of sequential traces.
pub struct Sequential {
    /// Its token, or `[]`; a term of its own memory.
    pub token: Term,
    /// The highest serial number that it has seen or given.
    pub clock: i64,
    /// The serial number of the last message that it received.
    pub last: i64,
}

/// A token, looked into.
#[derive(Clone, Copy)]
pub struct Token {
    /// What is told.
    pub flags: i64,
    /// What the trace is called.
    pub label: Term,
    /// Number of the event.
    pub serial: i64,
    /// Who sent it.
    pub from: Term,
    /// Number of the event before it.
    pub last: i64,
}

impl Token {
    /// What stands in the tuple; `None` for `[]`.
    pub fn of(term: Term) -> Option<Token> {
        let &[flags, label, serial, from, last] = term.as_tuple()? else {
            return None;
        };
        Some(Token {
            flags: flags.as_small()?,
            label,
            serial: serial.as_small()?,
            from,
            last: last.as_small()?,
        })
    }

    /// The tuple.
    pub fn term<A: Arena + ?Sized>(self, arena: &mut A) -> Result<Term, NoMemory> {
        let (flags, serial) = (Term::small(self.flags), Term::small(self.serial));
        arena.tuple(&[flags, self.label, serial, self.from, Term::small(self.last)])
    }
}

/// What `process` knows, made if it knows nothing yet.
pub fn of(process: &mut Process) -> Result<&mut Sequential, NoMemory> {
    match &mut process.sequential {
        Some(known) => Ok(known),
        empty => Ok(empty.insert(try_box(Sequential {
            token: Term::NIL,
            clock: 0,
            last: 0,
        })?)),
    }
}

/// The token of a process, if it has one.
pub fn token(process: &Process) -> Option<Token> {
    Token::of(process.sequential.as_ref()?.token)
}

/// A new token of `process`, without flags, if it has none.
pub fn begin(process: &mut Process) -> Result<Token, NoMemory> {
    if let Some(token) = token(process) {
        return Ok(token);
    }
    let (pid, last) = (process.pid, of(process)?.last);
    let token = Token {
        flags: 0,
        label: Term::small(0),
        serial: 0,
        from: pid,
        last,
    };
    set(process, token)?;
    Ok(token)
}

/// Gives `process` the token, whose terms are its own.
pub fn set(process: &mut Process, token: Token) -> Result<(), NoMemory> {
    let term = token.term(&mut process.heap)?;
    of(process)?.token = term;
    Ok(())
}

/// Counts an event of a process with a token; the token as it is then. `None` without a token, and for the tracer itself.
fn advance(machine: &mut Machine, pid: Term) -> Result<Option<Token>, NoMemory> {
    if machine.observer.sequential_tracer == Some(pid) {
        return Ok(None);
    }
    let Some(process) = machine.processes.table.get_mut(pid) else {
        return Ok(None);
    };
    let Some(mut token) = token(process) else {
        return Ok(None);
    };
    let known = of(process)?;
    known.clock += 1;
    token.serial = known.clock;
    token.last = known.last;
    token.from = pid;
    set(process, token)?;
    Ok(Some(token))
}

/// The process `pid` has sent `message` to `receiver`, which it called `to`; the message is the last in the receiver's mailbox, if that is a process of this node.
pub fn sent(
    machine: &mut Machine,
    pid: Term,
    to: Term,
    receiver: Term,
    message: Term,
) -> Result<(), NoMemory> {
    let Some(token) = advance(machine, pid)? else {
        return Ok(());
    };
    carry(machine, receiver, token)?;
    output(machine, am::SEND, token, to, message);
    Ok(())
}

/// The process `pid` sends `message` to `to` on another node: the token that goes with it, a term of the process's own memory, if it has one.
pub fn sent_away(
    machine: &mut Machine,
    pid: Term,
    to: Term,
    message: Term,
) -> Result<Option<Term>, NoMemory> {
    let Some(token) = advance(machine, pid)? else {
        return Ok(None);
    };
    output(machine, am::SEND, token, to, message);
    let process = machine.processes.table.get(pid);
    // SAFETY: the table's processes are alive, and no reference to one is held here.
    let known = process.and_then(|process| unsafe { process.as_ref() }.sequential.as_ref());
    Ok(known.map(|known| known.token))
}

/// The last message of `receiver` has come from another node with `token`. What is no token is none.
pub fn arrived(machine: &mut Machine, receiver: Term, token: Term) -> Result<(), NoMemory> {
    match Token::of(token) {
        Some(token) => carry(machine, receiver, token),
        None => Ok(()),
    }
}

/// Lays the token beside the last message of `receiver`.
fn carry(machine: &mut Machine, receiver: Term, token: Token) -> Result<(), NoMemory> {
    let literals = machine.literals.clone();
    let Some(process) = machine.processes.alive(receiver) else {
        return Ok(());
    };
    let copied = copied(process, token, &literals)?;
    of(process)?;
    process.mailbox.mark_last(copied)
}

/// The token as a term of `process`.
fn copied(
    process: &mut Process,
    mut token: Token,
    literals: &core::ops::Range<usize>,
) -> Result<Term, NoMemory> {
    token.label = copy(token.label, &mut process.heap, literals)?;
    token.from = copy(token.from, &mut process.heap, literals)?;
    token.term(&mut process.heap)
}

/// The process `pid` has taken `message` out of its mailbox: the token beside it becomes its own.
pub fn received(machine: &mut Machine, pid: Term, message: Term) {
    let Some(process) = machine.processes.table.get_mut(pid) else {
        return;
    };
    let term = process.mailbox.take_token();
    let Some(known) = &mut process.sequential else {
        return;
    };
    if term == UNTOUCHED {
        return;
    }
    known.token = term;
    if let Some(token) = Token::of(term) {
        known.last = token.serial;
        known.clock = known.clock.max(token.serial);
        output(machine, am::RECEIVE, token, pid, message);
    }
}

/// `seq_trace:print/1,2` of the process `pid`; whether it has a token.
pub fn printed(machine: &mut Machine, pid: Term, text: Term) -> Result<bool, NoMemory> {
    let Some(token) = advance(machine, pid)? else {
        return Ok(false);
    };
    output(machine, am::PRINT, token, Term::NIL, text);
    Ok(true)
}

/// The process `parent` has spawned `child`: the token goes with `request`, a term of the parent's, as with a message. The reply goes back at once, unless the caller sends it as a
/// message: then [`replied`] is called behind it.
pub fn spawned(
    machine: &mut Machine,
    parent: Term,
    child: Term,
    reference: Term,
    request: Term,
    replies: bool,
) -> Result<(), NoMemory> {
    let Some(token) = advance(machine, parent)? else {
        return Ok(());
    };
    let literals = machine.literals.clone();
    output(machine, am::SEND, token, child, request);
    output(machine, am::RECEIVE, token, child, request);
    if let Some(process) = machine.processes.table.get_mut(child) {
        let copied = copied(process, token, &literals)?;
        let known = of(process)?;
        known.token = copied;
        (known.clock, known.last) = (token.serial, token.serial);
    }
    if replies {
        return Ok(());
    }
    let Some(token) = advance(machine, child)? else {
        return Ok(());
    };
    let Some(process) = machine.processes.table.get_mut(parent) else {
        return Ok(());
    };
    let reply = [am::SPAWN_REPLY.term(), reference, am::OK.term(), child];
    let reply = process.heap.tuple(&reply)?;
    // The parent has heard of it, and keeps its own token: no message has come.
    let known = of(process)?;
    known.last = token.serial;
    known.clock = known.clock.max(token.serial);
    output(machine, am::SEND, token, parent, reply);
    output(machine, am::RECEIVE, token, parent, reply);
    Ok(())
}

/// The process `pid` asks `node` for a process with `request`, which has `arguments`: the token that goes with it, if there is one. As on OTP, the arguments are
/// told as a message of their own.
pub fn spawn_sent_away(
    machine: &mut Machine,
    pid: Term,
    node: Atom,
    request: Term,
    arguments: Term,
) -> Result<Option<Term>, NoMemory> {
    match sent_away(machine, pid, node.term(), request)? {
        Some(_) => sent_away(machine, pid, node.term(), arguments),
        None => Ok(None),
    }
}

/// Another node's `request` for a process has come with `token`: that `to`, the new process or this node, has received it is told.
pub fn asked_for(machine: &mut Machine, token: Token, to: Term, request: Term) {
    let serial = token.serial - 1;
    output(machine, am::RECEIVE, Token { serial, ..token }, to, request);
}

/// The new process `to` has received its arguments, which came with `token`.
pub fn arguments_arrived(machine: &mut Machine, token: Token, to: Term, arguments: Term) {
    output(machine, am::RECEIVE, token, to, arguments);
}

/// This node itself sends `answer` to `to`, whose request came with `token`: the token that goes with the answer.
pub fn refused(machine: &mut Machine, token: Token, to: Term, answer: Term) -> Token {
    let token = Token {
        last: token.serial - 1,
        from: machine.atoms.node.name.term(),
        ..token
    };
    output(machine, am::SEND, token, to, answer);
    token
}

/// The process `pid` was started with `token` by another node: its answer has the number of the request.
pub fn started_with(machine: &mut Machine, pid: Term, token: Token) -> Result<(), NoMemory> {
    let literals = machine.literals.clone();
    if let Some(process) = machine.processes.table.get_mut(pid) {
        let copied = copied(process, token, &literals)?;
        let known = of(process)?;
        known.token = copied;
        known.last = (token.serial - 1).max(crate::term::MIN_SMALL);
        known.clock = known.last;
    }
    Ok(())
}

/// The process `pid` has told that it was started: what it does next follows that.
pub fn answered(machine: &mut Machine, pid: Term) {
    let process = machine.processes.table.get_mut(pid);
    if let Some(known) = process.and_then(|process| process.sequential.as_mut()) {
        known.last = known.clock;
    }
}

/// The reply to a spawn request of `parent` lies in its mailbox as if `child` had sent it.
pub fn replied(
    machine: &mut Machine,
    parent: Term,
    child: Term,
    reply: Term,
) -> Result<(), NoMemory> {
    let Some(token) = advance(machine, child)? else {
        return Ok(());
    };
    carry(machine, parent, token)?;
    output(machine, am::SEND, token, parent, reply);
    Ok(())
}

/// Every process loses its tokens and counters.
pub fn reset(machine: &mut Machine) {
    for mut process in machine.processes.table.iter() {
        // SAFETY: the table's processes are alive, and no reference to one is held here.
        let process = unsafe { process.as_mut() };
        process.sequential = None;
        process.mailbox.drop_tokens();
    }
}

/// Tells the tracer, if the token says so: `{seq_trace, Label, {Event, {Last, Serial}, From, To, Message}}`, and a timestamp.
fn output(machine: &mut Machine, event: Atom, token: Token, to: Term, message: Term) {
    let flag = match event {
        am::RECEIVE => RECEIVE,
        am::PRINT => PRINT,
        _ => SEND,
    };
    let Some(tracer) = machine.observer.sequential_tracer else {
        return;
    };
    if token.flags & flag == 0 || tracer == to || tracer == token.from {
        return;
    }
    let kind = match token.flags & TIMESTAMPS {
        0 => None,
        flags if flags & TIMESTAMP != 0 => Some(Kind::Time),
        flags if flags & STRICT_MONOTONIC_TIMESTAMP != 0 => Some(Kind::StrictMonotonic),
        _ => Some(Kind::Monotonic),
    };
    let now = kind.map(|kind| Timestamp::now(machine, kind));
    let literals = machine.literals.clone();
    tell(machine, tracer, |heap| {
        let [label, from, to, message] = [token.label, token.from, to, message];
        let (label, from) = (copy(label, heap, &literals)?, copy(from, heap, &literals)?);
        let (to, message) = (copy(to, heap, &literals)?, copy(message, heap, &literals)?);
        let serial = heap.tuple(&[Term::small(token.last), Term::small(token.serial)])?;
        let event = heap.tuple(&[event.term(), serial, from, to, message])?;
        match now {
            Some(now) => {
                let now = now.term(heap)?;
                heap.tuple(&[am::SEQ_TRACE.term(), label, event, now])
            }
            None => heap.tuple(&[am::SEQ_TRACE.term(), label, event]),
        }
    });
}

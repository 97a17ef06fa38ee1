//! What processes of this node do to those of others.
//!
//! A signal to a node that is not connected makes `net_kernel` connect, where OTP does so, and waits for the connection.
//!
//! Who calls this: the built-in functions that send, link and monitor, and the ends of processes.

use super::connection::Controller;
use super::control::op;
use super::remote::{Link, Remote, Watcher};
use super::{connect, down, flags, output, spawn};
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::{Arena, NoMemory};
use crate::observe::sequential;
use crate::process::reference::RefNumber;
use crate::term::etf::encode::Part;
use crate::term::external::{RemotePid, RemoteReference};
use crate::term::{Atom, Term};

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way, or waits for the connection.
    Sent,
    /// So it is, but whoever sent it has to wait ([`output::wait`]): too much is on its way.
    Busy,
    /// There is no connection, and there will be none.
    NotConnected,
}

/// Whether a signal to a node that is not connected opens a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// It does.
    Yes,
    /// It is lost.
    No,
}

/// Sees to it that there is a connection to `node`; false if there is none, and will be none.
pub fn prepare(machine: &mut Machine, node: Atom, wish: Connect) -> Result<bool, NoMemory> {
    if !machine.distribution.is_alive() || node == machine.atoms.node.name {
        return Ok(false);
    }
    if machine.distribution.get(node).is_some() {
        return Ok(true);
    }
    if wish == Connect::No {
        return Ok(false);
    }
    connect(machine, node)?;
    if output::ask_to_connect(machine, node)? {
        return Ok(true);
    }
    down::abort(machine, node);
    Ok(false)
}

/// Why a signal to a process of `node` went nowhere: such a process of this node is of an earlier life, and ended with it.
pub fn why_not(machine: &Machine, node: Atom) -> Atom {
    if node == machine.atoms.node.name {
        am::NOPROC
    } else {
        am::NOCONNECTION
    }
}

/// Sends a signal.
fn transmit(
    machine: &mut Machine,
    node: Atom,
    wish: Connect,
    control: &[Part],
    payload: Option<Term>,
) -> Result<Sent, NoMemory> {
    if !prepare(machine, node, wish)? {
        return Ok(Sent::NotConnected);
    }
    let Machine {
        distribution,
        atoms,
        options,
        ..
    } = machine;
    let Some(connection) = distribution.get(node) else {
        return Ok(Sent::NotConnected);
    };
    output::enqueue(connection, atoms, control, payload)?;
    let is_busy = connection.queued >= options.dist_buf_busy_limit;
    output::wake(machine, node)?;
    Ok(if is_busy { Sent::Busy } else { Sent::Sent })
}

/// A signal of the machine itself: nobody waits for it, and one that finds no memory breaks the connection, for the two nodes would not
/// agree any more about what is linked or monitored.
fn transmit_or_break(
    machine: &mut Machine,
    node: Atom,
    control: &[Part],
    payload: Option<Term>,
) -> bool {
    match transmit(machine, node, Connect::No, control, payload) {
        Ok(sent) => sent != Sent::NotConnected,
        Err(NoMemory) => {
            down::break_connection(machine, node, "there is no memory for a signal");
            false
        }
    }
}

fn has(machine: &mut Machine, node: Atom, flag: u64) -> bool {
    let connection = machine.distribution.get(node);
    connection.is_some_and(|connection| connection.has(flag))
}

/// A reference of this node, for others.
fn own(machine: &Machine, reference: RefNumber) -> Part {
    let numbers = reference.numbers();
    Part::Reference(RemoteReference::new(machine.atoms.node, &numbers))
}

/// What stands where a cookie stood once.
const NO_COOKIE: Part = Part::Term(am::EMPTY.term());

/// The control message with the token of a sequential trace as its last element, if there is one: then it is the operation `traced`.
fn with_token(control: &mut [Part], traced: u64, token: Option<Term>) -> &[Part] {
    let last = control.len() - 1;
    match token {
        Some(token) => {
            control[0] = Part::Number(traced);
            control[last] = Part::Term(token);
            control
        }
        None => &control[..last],
    }
}

/// Where [`with_token`] puts the token.
const ROOM: Part = Part::Term(Term::NIL);

/// `Pid ! Message`, with the token of a sequential trace if the sender has one.
pub fn send(
    machine: &mut Machine,
    from: Term,
    to: RemotePid,
    (message, token): (Term, Option<Term>),
    wish: Connect,
) -> Result<Sent, NoMemory> {
    let node = to.node.name;
    if !prepare(machine, node, wish)? {
        return Ok(Sent::NotConnected);
    }
    let (sender, number, traced) = if has(machine, node, flags::SEND_SENDER) {
        (Part::Term(from), op::SEND_SENDER, op::SEND_SENDER_TT)
    } else {
        (NO_COOKIE, op::SEND, op::SEND_TT)
    };
    let mut control = [Part::Number(number), sender, Part::Pid(to), ROOM];
    let control = with_token(&mut control, traced, token);
    transmit(machine, node, wish, control, Some(message))
}

/// `{Name, Node} ! Message`.
pub fn send_to_name(
    machine: &mut Machine,
    from: Term,
    (name, node): (Atom, Atom),
    (message, token): (Term, Option<Term>),
    wish: Connect,
) -> Result<Sent, NoMemory> {
    let mut control = [
        Part::Number(op::REG_SEND),
        Part::Term(from),
        NO_COOKIE,
        Part::Term(name.term()),
        ROOM,
    ];
    let control = with_token(&mut control, op::REG_SEND_TT, token);
    transmit(machine, node, wish, control, Some(message))
}

/// `Alias ! Message`.
pub fn send_to_alias(
    machine: &mut Machine,
    from: Term,
    to: RemoteReference,
    (message, token): (Term, Option<Term>),
    wish: Connect,
) -> Result<Sent, NoMemory> {
    let node = to.node.name;
    if !prepare(machine, node, wish)? {
        return Ok(Sent::NotConnected);
    }
    if !has(machine, node, flags::ALIAS) {
        return Ok(Sent::Sent);
    }
    let mut control = [
        Part::Number(op::ALIAS_SEND),
        Part::Term(from),
        Part::Reference(to),
        ROOM,
    ];
    let control = with_token(&mut control, op::ALIAS_SEND_TT, token);
    transmit(machine, node, wish, control, Some(message))
}

/// The remote ties of a process that is in the table, made if there are none.
pub fn ties(machine: &mut Machine, pid: Term) -> Result<Option<&mut Remote>, NoMemory> {
    match machine.processes.table.get_mut(pid) {
        Some(process) => Ok(Some(process.rare()?.remote()?)),
        None => Ok(None),
    }
}

/// The remote ties of a process that is in the table, if it has any.
pub fn existing_ties(machine: &mut Machine, pid: Term) -> Option<&mut Remote> {
    let process = machine.processes.table.get_mut(pid)?;
    process.rare.as_mut()?.remote.as_deref_mut()
}

/// Links the process `pid` with one of another node.
pub fn link(machine: &mut Machine, pid: Term, to: RemotePid) -> Result<Sent, NoMemory> {
    let node = to.node.name;
    if !prepare(machine, node, Connect::Yes)? {
        return Ok(Sent::NotConnected);
    }
    if let Some(ties) = ties(machine, pid)? {
        match ties.links.get_mut(to) {
            Some(Link::Active) => return Ok(Sent::Sent),
            Some(ending) => *ending = Link::Active,
            None => {
                ties.links.insert(to, Link::Active)?;
            }
        }
    }
    let control = [Part::Number(op::LINK), Part::Term(pid), Part::Pid(to)];
    transmit(machine, node, Connect::Yes, &control, None)
}

/// Takes such a link away.
pub fn unlink(machine: &mut Machine, pid: Term, from: RemotePid) {
    let number = machine.distribution.unlink_number();
    let node = from.node.name;
    let has_number = has(machine, node, flags::UNLINK_ID);
    let Some(ties) = existing_ties(machine, pid) else {
        return;
    };
    let Some(link) = ties.links.get_mut(from).filter(|l| **l == Link::Active) else {
        return;
    };
    if has_number {
        *link = Link::Ending(number);
        let control = [
            Part::Number(op::UNLINK_ID),
            Part::Number(number),
            Part::Term(pid),
            Part::Pid(from),
        ];
        transmit_or_break(machine, node, &control, None);
    } else {
        ties.links.remove(from);
        let control = [Part::Number(op::UNLINK), Part::Term(pid), Part::Pid(from)];
        transmit_or_break(machine, node, &control, None);
    }
}

/// The other node's end of a link is known to be gone.
pub fn unlink_ack(machine: &mut Machine, number: u64, from: Term, to: RemotePid) {
    let control = [
        Part::Number(op::UNLINK_ID_ACK),
        Part::Number(number),
        Part::Term(from),
        Part::Pid(to),
    ];
    transmit_or_break(machine, to.node.name, &control, None);
}

/// The end of `from`, which was linked to `to`.
pub fn link_exit(machine: &mut Machine, from: Term, to: RemotePid, reason: Term) {
    let node = to.node.name;
    let token = exit_token(machine, from, to, reason);
    let [from, to, reason] = [Part::Term(from), Part::Pid(to), Part::Term(reason)];
    if has(machine, node, flags::EXIT_PAYLOAD) {
        let mut control = [Part::Number(op::PAYLOAD_EXIT), from, to, ROOM];
        let control = with_token(&mut control, op::PAYLOAD_EXIT_TT, token);
        transmit_or_break(machine, node, control, payload(reason));
    } else if let Some(token) = token.map(Part::Term) {
        let control = [Part::Number(op::EXIT_TT), from, to, token, reason];
        transmit_or_break(machine, node, &control, None);
    } else {
        let control = [Part::Number(op::EXIT), from, to, reason];
        transmit_or_break(machine, node, &control, None);
    }
}

/// The token that goes with the exit signal of `from`, if it has one. Without memory it has none.
fn exit_token(machine: &mut Machine, from: Term, to: RemotePid, reason: Term) -> Option<Term> {
    let process = machine.processes.table.get_mut(from)?;
    process.sequential.as_ref()?;
    let receiver = to.term(&mut process.heap).ok()?;
    let message = process.heap.tuple(&[am::EXIT.term(), from, reason]).ok()?;
    sequential::sent_away(machine, from, receiver, message).ok()?
}

fn payload(part: Part) -> Option<Term> {
    match part {
        Part::Term(term) => Some(term),
        _ => None,
    }
}

/// `exit(Pid, Reason)`.
pub fn exit(
    machine: &mut Machine,
    from: Term,
    to: RemotePid,
    reason: Term,
) -> Result<Sent, NoMemory> {
    let node = to.node.name;
    if !prepare(machine, node, Connect::Yes)? {
        return Ok(Sent::NotConnected);
    }
    let (from, to) = (Part::Term(from), Part::Pid(to));
    if has(machine, node, flags::EXIT_PAYLOAD) {
        let control = [Part::Number(op::PAYLOAD_EXIT2), from, to];
        transmit(machine, node, Connect::Yes, &control, Some(reason))
    } else {
        let control = [Part::Number(op::EXIT2), from, to, Part::Term(reason)];
        transmit(machine, node, Connect::Yes, &control, None)
    }
}

/// What a monitor watches on another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// This process.
    Process(RemotePid),
    /// Whoever has this name on this node.
    Name(Atom, Atom),
}

impl Target {
    /// The node.
    pub fn node(self) -> Atom {
        match self {
            Target::Process(pid) => pid.node.name,
            Target::Name(_, node) => node,
        }
    }

    fn part(self) -> Part {
        match self {
            Target::Process(pid) => Part::Pid(pid),
            Target::Name(name, _) => Part::Term(name.term()),
        }
    }
}

/// Asks another node to watch `target` for the process `pid`.
pub fn monitor(
    machine: &mut Machine,
    pid: Term,
    reference: RefNumber,
    target: Target,
) -> Result<Sent, NoMemory> {
    let control = [
        Part::Number(op::MONITOR_P),
        Part::Term(pid),
        target.part(),
        own(machine, reference),
    ];
    transmit(machine, target.node(), Connect::Yes, &control, None)
}

/// Asks it not to do so any more.
pub fn demonitor(machine: &mut Machine, pid: Term, reference: RefNumber, target: Target) {
    let control = [
        Part::Number(op::DEMONITOR_P),
        Part::Term(pid),
        target.part(),
        own(machine, reference),
    ];
    transmit_or_break(machine, target.node(), &control, None);
}

/// Tells a process of another node that `from`, which it monitored, has ended.
pub fn monitor_exit(
    machine: &mut Machine,
    from: Term,
    watcher: Watcher,
    reference: RemoteReference,
    reason: Term,
) {
    let node = watcher.pid.node.name;
    let from = Part::Term(watcher.name.map_or(from, Atom::term));
    let (to, reference) = (Part::Pid(watcher.pid), Part::Reference(reference));
    if has(machine, node, flags::EXIT_PAYLOAD) {
        let control = [
            Part::Number(op::PAYLOAD_MONITOR_P_EXIT),
            from,
            to,
            reference,
        ];
        transmit_or_break(machine, node, &control, Some(reason));
    } else {
        let number = Part::Number(op::MONITOR_P_EXIT);
        let control = [number, from, to, reference, Part::Term(reason)];
        transmit_or_break(machine, node, &control, None);
    }
}

/// `group_leader(Leader, Pid)`.
pub fn group_leader(machine: &mut Machine, leader: Term, to: RemotePid) -> Result<Sent, NoMemory> {
    let control = [
        Part::Number(op::GROUP_LEADER),
        Part::Term(leader),
        Part::Pid(to),
    ];
    transmit(machine, to.node.name, Connect::Yes, &control, None)
}

/// What another node is asked to start.
pub struct SpawnRequest {
    /// Under which number it answers.
    pub reference: RefNumber,
    /// Who asks.
    pub from: Term,
    /// The group leader of the new process.
    pub leader: Term,
    /// `{Module, Function, Arity}`
    pub function: Term,
    /// Options.
    pub options: Term,
    /// Arguments.
    pub arguments: Term,
}

/// Asks `node` to start a process, with the token of a sequential trace if there is one.
pub fn spawn_request(
    machine: &mut Machine,
    node: Atom,
    request: &SpawnRequest,
    token: Option<Term>,
) -> Result<Sent, NoMemory> {
    let mut control = [
        Part::Number(op::SPAWN_REQUEST),
        own(machine, request.reference),
        Part::Term(request.from),
        Part::Term(request.leader),
        Part::Term(request.function),
        Part::Term(request.options),
        ROOM,
    ];
    let control = with_token(&mut control, op::SPAWN_REQUEST_TT, token);
    let arguments = Some(request.arguments);
    transmit(machine, node, Connect::Yes, control, arguments)
}

/// Answers such a request: with a pid, or an atom that says what went wrong, and the token of a sequential trace if there is one.
pub fn spawn_reply(
    machine: &mut Machine,
    reference: RemoteReference,
    to: RemotePid,
    flags: u64,
    (result, token): (Term, Option<Term>),
) {
    let mut control = [
        Part::Number(op::SPAWN_REPLY),
        Part::Reference(reference),
        Part::Pid(to),
        Part::Number(flags),
        Part::Term(result),
        ROOM,
    ];
    let control = with_token(&mut control, op::SPAWN_REPLY_TT, token);
    transmit_or_break(machine, to.node.name, control, None);
}

/// What the end of `pid` means for other nodes: those who are linked to it or monitor it are told.
pub fn process_exited(machine: &mut Machine, pid: Term, mut ties: Remote, reason: Term) {
    while let Some((to, link)) = ties.links.pop_first() {
        if link == Link::Active {
            link_exit(machine, pid, to, reason);
        }
    }
    while let Some((reference, watcher)) = ties.watchers.pop_first() {
        monitor_exit(machine, pid, watcher, reference, reason);
    }
    while let Some((reference, request)) = ties.spawns.pop_first() {
        spawn::parent_ended(machine, reference, &request, reason);
    }
    if let Some(node) = ties.carries {
        let controller = Controller::Process(pid);
        down::controller_ended(machine, node, controller, reason);
    }
}

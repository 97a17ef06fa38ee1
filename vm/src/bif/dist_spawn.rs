//! Processes on other nodes: `erts_internal:dist_spawn_request/4`, `spawn_request_abandon/1`.
//!
//! `erlang:spawn/4`, `spawn_opt/5`, `spawn_request/5` and the like, which are Erlang code, ask here when the node is not this one.

use super::monitor;
use super::spawn::{self, Reply};
use super::{Bif, Context, Fail, Value, bif, system_task};
use crate::atom::am;
use crate::dist;
use crate::dist::remote::SpawnRequest;
use crate::dist::signal::Sent;
use crate::machine::Machine;
use crate::memory::Arena;
use crate::observe::sequential;
use crate::process::reference::RefNumber;
use crate::process::signal::add_alias;
use crate::process::spawn::MonitorOptions;
use crate::term::{Atom, Term};
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif(
        "erlang",
        "spawn_request_abandon",
        1,
        spawn_request_abandon_1,
    ),
    bif(
        "erts_internal",
        "dist_spawn_request",
        4,
        dist_spawn_request_4,
    ),
];

/// The options of a process that another node asks for; `None` if there is a bad one.
pub(crate) fn remote_spawn_options(
    machine: &Machine,
    list: Term,
) -> Option<crate::process::spawn::Options> {
    let default = machine.processes.defaults.max_heap_size;
    let request = spawn::parse(default, list, false).ok()?;
    Some(request.options)
}

/// What the options say to this node; the rest is for the other.
struct Wishes {
    reply: Reply,
    tag: Term,
    link: bool,
    monitor: Option<MonitorOptions>,
    others: Vec<Term>,
}

/// Why a list of options is refused.
enum Refused {
    Badarg,
    BadOption,
    NoMemory,
}

impl Wishes {
    /// The other node is to see `option`, at this place among the others.
    fn add(&mut self, at: usize, option: Term) -> Result<(), Refused> {
        let others = &mut self.others;
        others.try_reserve(1).map_err(|_| Refused::NoMemory)?;
        others.insert(at, option);
        Ok(())
    }

    fn parse(list: Term, is_request: bool) -> Result<Wishes, Refused> {
        let mut wishes = Wishes {
            reply: Reply::Yes,
            tag: am::SPAWN_REPLY.term(),
            link: false,
            monitor: None,
            others: Vec::new(),
        };
        // `spawn_opt` knows no replies, and says so for what is wrong with monitors.
        let wrong = |bad: bool| match (is_request, bad) {
            (true, true) => Refused::BadOption,
            _ => Refused::Badarg,
        };
        let mut options = list.iter_list();
        for option in &mut options {
            match option.as_tuple() {
                Some(&[key, value]) if key == am::REPLY_TAG.term() => {
                    if !is_request {
                        return Err(Refused::Badarg);
                    }
                    wishes.tag = value;
                    continue;
                }
                Some(&[key, value]) if key == am::REPLY.term() => {
                    wishes.reply = match value.as_atom() {
                        _ if !is_request => return Err(Refused::Badarg),
                        Some(am::YES) => Reply::Yes,
                        Some(am::NO) => Reply::No,
                        Some(am::ERROR_ONLY) => Reply::ErrorOnly,
                        Some(am::SUCCESS_ONLY) => Reply::SuccessOnly,
                        _ => return Err(wrong(true)),
                    };
                    continue;
                }
                Some(&[key, value]) if key == am::MONITOR.term() => {
                    let monitor = monitor::options(value).ok_or_else(|| wrong(true))?;
                    wishes.monitor = Some(monitor);
                    // How it is told is for this node; that there is one, for the other.
                    wishes.add(0, am::MONITOR.term())?;
                    continue;
                }
                _ if option == am::MONITOR.term() => {
                    wishes.monitor.get_or_insert_with(MonitorOptions::default);
                }
                _ if option == am::LINK.term() => wishes.link = true,
                _ => {}
            }
            let end = wishes.others.len();
            wishes.add(end, option)?;
        }
        match options.tail().is_nil() {
            true => Ok(wishes),
            false => Err(Refused::Badarg),
        }
    }
}

/// Module, function and arguments, and how many there are.
fn function(what: Term) -> Option<(Term, Term, Term, i64)> {
    let &[module, function, arguments] = what.as_tuple()? else {
        return None;
    };
    let mut list = arguments.iter_list();
    let count = list.by_ref().count();
    let is_right = module.is_atom() && function.is_atom() && list.tail().is_nil();
    is_right.then_some((module, function, arguments, count as i64))
}

/// `dist_spawn_request(Node, {M, F, A}, Options, spawn_request | spawn_opt)`: asks another node to start a process. The answer comes as a
/// message; `spawn_opt` wants to know besides whether it asked for a monitor. Most errors are values.
fn dist_spawn_request_4(cx: &mut Context, args: &[Term]) -> Value {
    let [node, what, options, caller] = [args[0], args[1], args[2], args[3]];
    let badarg = Ok(am::BADARG.term());
    let (Some(node), Some(work)) = (node.as_atom(), function(what)) else {
        return badarg;
    };
    if node == cx.atoms().node.name {
        return badarg;
    }
    let is_request = caller == am::SPAWN_REQUEST.term();
    let reference = cx.machine().processes.references.make();
    let (wishes, failure) = match Wishes::parse(options, is_request) {
        Ok(wishes) => {
            let sent = ask(cx, node, work, &wishes, reference)?;
            let failed = sent == Sent::NotConnected;
            (wishes, failed.then_some(am::NOCONNECTION))
        }
        Err(Refused::NoMemory) => return Err(Fail::NoMemory),
        Err(Refused::Badarg) => return badarg,
        Err(Refused::BadOption) => {
            let (reply, tag) = spawn::reply_options(options);
            let wishes = Wishes {
                reply,
                tag,
                link: false,
                monitor: None,
                others: Vec::new(),
            };
            (wishes, Some(am::BADOPT))
        }
    };
    let term = reference.term(cx)?;
    if let Some(why) = failure
        && matches!(wishes.reply, Reply::Yes | Reply::ErrorOnly)
    {
        let own = cx.process().pid;
        let message = [wishes.tag, term, am::ERROR.term(), why.term()];
        system_task::answer(cx, own, &message)?;
        sequential::untouched(cx.process());
    }
    if is_request {
        return Ok(term);
    }
    Ok(cx.tuple(&[term, Term::boolean(wishes.monitor.is_some())])?)
}

fn ask(
    cx: &mut Context,
    node: Atom,
    (module, function, arguments, arity): (Term, Term, Term, i64),
    wishes: &Wishes,
    reference: RefNumber,
) -> Result<Sent, Fail> {
    let own = cx.process().pid;
    let function = cx.tuple(&[module, function, Term::small(arity)])?;
    let options = cx.list(&wishes.others)?;
    let leader = cx.process().group_leader;
    let machine = cx.machine();
    if !dist::signal::prepare(machine, node, dist::signal::Connect::Yes)? {
        return Ok(Sent::NotConnected);
    }
    let monitor = wishes.monitor.as_ref();
    let alias = monitor.and_then(|monitor| monitor.alias);
    if let Some(mode) = alias {
        add_alias(machine, own, reference, mode)?;
    }
    let request = SpawnRequest {
        node,
        tag: wishes.tag,
        tells_success: matches!(wishes.reply, Reply::Yes | Reply::SuccessOnly),
        tells_error: matches!(wishes.reply, Reply::Yes | Reply::ErrorOnly),
        link: wishes.link,
        monitor: monitor.is_some(),
        monitor_tag: monitor.and_then(|monitor| monitor.tag),
        alias,
        abandoned: false,
    };
    if let Some(ties) = dist::signal::ties(machine, own)? {
        ties.spawns.insert(reference, request)?;
    }
    let request = dist::signal::SpawnRequest {
        reference,
        from: own,
        leader,
        function,
        options,
        arguments,
    };
    let token = token(cx, node, &request)?;
    let machine = cx.machine();
    Ok(dist::signal::spawn_request(machine, node, &request, token)?)
}

/// The token of a sequential trace that goes with the request.
fn token(
    cx: &mut Context,
    node: Atom,
    request: &dist::signal::SpawnRequest,
) -> Result<Option<Term>, Fail> {
    let own = cx.process();
    let pid = own.pid;
    if sequential::token(own).is_none() {
        return Ok(None);
    }
    let reference = request.reference.term(cx)?;
    let (kind, leader) = (am::SPAWN_REQUEST.term(), request.leader);
    let (function, options) = (request.function, request.options);
    let told = cx.tuple(&[kind, reference, pid, leader, function, options])?;
    let machine = cx.machine();
    Ok(sequential::spawn_sent_away(
        machine,
        pid,
        node,
        told,
        request.arguments,
    )?)
}

/// Whether a request of the caller was still unanswered; from now on its answer is thrown away.
fn spawn_request_abandon_1(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_reference() {
        return Err(Fail::Badarg);
    }
    let own = cx.process().pid;
    let ties = dist::signal::existing_ties(cx.machine(), own);
    let request = RefNumber::of(args[0]).zip(ties);
    let request = request.and_then(|(reference, ties)| ties.spawns.get_mut(reference));
    let pending = request.filter(|request| !request.abandoned);
    Ok(Term::boolean(match pending {
        Some(request) => {
            request.abandoned = true;
            true
        }
        None => false,
    }))
}

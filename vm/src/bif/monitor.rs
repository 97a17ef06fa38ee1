//! Monitors: `monitor/2,3`, `demonitor/1,2`, `monitor_node/2,3`.

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::dist;
use crate::dist::signal::{Connect, Target};
use crate::process::reference::RefNumber;
use crate::process::spawn::MonitorOptions;
use crate::process::{AliasMode, Monitor, Trap, Watched, signal};
use crate::term::Term;
use crate::term::external::{RemotePid, RemotePort};

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "monitor", 2, monitor_2),
    bif("erlang", "monitor", 3, monitor_3),
    bif("erlang", "demonitor", 1, demonitor_1),
    bif("erlang", "demonitor", 2, demonitor_2),
    bif("erlang", "monitor_node", 2, monitor_node_2),
    bif("erlang", "monitor_node", 3, monitor_node_3),
];

/// What is to be watched, of a process or port that may be gone: then its identifier is one that nobody has.
fn target(cx: &mut Context, kind: Term, item: Term) -> Result<Watched, Fail> {
    let of_port = match kind.as_atom() {
        Some(am::PROCESS) => false,
        Some(am::PORT) => true,
        Some(am::TIME_OFFSET) if item == am::CLOCK_SERVICE.term() => {
            return Ok(Watched::TimeOffset);
        }
        Some(am::TIME_OFFSET) => return Err(Fail::Badarg),
        _ => return Err(cx.fail_because(am::BADTYPE)),
    };
    if item.is_local_pid() && !of_port {
        return Ok(Watched::Process(item));
    }
    if item.is_local_port() && of_port {
        return Ok(Watched::Port(item));
    }
    if let Some(pid) = RemotePid::of(item)
        && !of_port
    {
        return Ok(Watched::Remote(Target::Process(pid)));
    }
    if let Some(port) = RemotePort::of(item)
        && of_port
        && port.node.name == cx.atoms().node.name
    {
        return Ok(Watched::EarlierPort(port));
    }
    let name = match item.as_tuple() {
        Some(&[name, node]) => {
            let node = node.as_atom().ok_or(Fail::Badarg)?;
            if node != cx.atoms().node.name {
                // Where there is no other node, there is none of this name either.
                if of_port || !cx.machine().distribution.is_alive() {
                    return Err(Fail::Badarg);
                }
                let name = name.as_atom().ok_or(Fail::Badarg)?;
                return Ok(Watched::Remote(Target::Name(name, node)));
            }
            name
        }
        _ => item,
    };
    let name = name.as_atom().ok_or(Fail::Badarg)?;
    let found = cx.machine().processes.registry.whereis(name);
    // `[]` is neither a process nor a port; nor does a name lead to the other kind.
    let found = found.filter(|id| id.is_local_port() == of_port);
    let found = found.unwrap_or(Term::NIL);
    Ok(if of_port {
        Watched::PortName(found, name)
    } else {
        Watched::Name(found, name)
    })
}

/// The options of `monitor/3` and of `{monitor, Options}` in `spawn_opt`; `None` if there is a bad one.
pub fn options(list: Term) -> Option<MonitorOptions> {
    let mut parsed = MonitorOptions::default();
    let mut options = list.iter_list();
    for option in &mut options {
        let &[key, value] = option.as_tuple()? else {
            return None;
        };
        match (key.as_atom()?, value.as_atom()) {
            (am::TAG, _) => parsed.tag = Some(value),
            (am::ALIAS, Some(am::EXPLICIT_UNALIAS)) => {
                parsed.alias = Some(AliasMode::ExplicitUnalias);
            }
            (am::ALIAS, Some(am::DEMONITOR)) => parsed.alias = Some(AliasMode::Demonitor),
            (am::ALIAS, Some(am::REPLY_DEMONITOR)) => {
                parsed.alias = Some(AliasMode::ReplyDemonitor);
            }
            _ => return None,
        }
    }
    options.tail().is_nil().then_some(parsed)
}

fn monitor(cx: &mut Context, kind: Term, item: Term, options: MonitorOptions) -> Value {
    let target = target(cx, kind, item)?;
    let reference = cx.machine().processes.references.make();
    let term = reference.term(cx)?;
    let pid = cx.process().pid;
    let machine = cx.machine();
    if let Some(mode) = options.alias {
        signal::add_alias(machine, pid, reference, mode)?;
    }
    // Nobody watches himself: such a monitor exists without effect, and without DOWN.
    if target == Watched::Process(pid) || matches!(target, Watched::Name(own, _) if own == pid) {
        return Ok(term);
    }
    let tag = options.tag;
    signal::monitor(machine, pid, reference, Monitor { target, tag })?;
    Ok(term)
}

fn monitor_2(cx: &mut Context, args: &[Term]) -> Value {
    monitor(cx, args[0], args[1], MonitorOptions::default())
}

fn monitor_3(cx: &mut Context, args: &[Term]) -> Value {
    match options(args[2]) {
        Some(options) => monitor(cx, args[0], args[1], options),
        None => Err(cx.fail_because(am::BADOPT)),
    }
}

/// Ends a monitor of the calling process, if there is one.
fn end(cx: &mut Context, reference: Term) -> Result<Option<Monitor>, Fail> {
    // One of another node is no monitor of this.
    let reference = RefNumber::of(reference).ok_or(Fail::Badarg)?;
    let pid = cx.process().pid;
    Ok(signal::demonitor(cx.machine(), pid, reference))
}

fn demonitor_1(cx: &mut Context, args: &[Term]) -> Value {
    end(cx, args[0])?;
    Ok(Term::boolean(true))
}

fn demonitor_2(cx: &mut Context, args: &[Term]) -> Value {
    let (mut flush, mut info) = (false, false);
    let mut options = args[1].iter_list();
    for option in &mut options {
        match option.as_atom() {
            Some(am::FLUSH) => flush = true,
            Some(am::INFO) => info = true,
            _ => return Err(Fail::Badarg),
        }
    }
    if !options.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    let ended = end(cx, args[0])?;
    // Of one that still exists there is no message, unless it tells more than once.
    let tells_once = |monitor: &Monitor| monitor.target != Watched::TimeOffset;
    if flush
        && !ended.as_ref().is_some_and(tells_once)
        && let Some(reference) = RefNumber::of(args[0])
    {
        // OTP's flush: receive {_, Reference, _, _, _} -> ok after 0 -> ok end.
        cx.process().mailbox.remove_first(|message| {
            matches!(message.as_tuple(), Some(&[_, second, _, _, _])
                if RefNumber::of(second) == Some(reference))
        });
    }
    Ok(Term::boolean(!info || ended.is_some()))
}

/// `monitor_node(Node, On)`: `{nodedown, Node}` when the connection is gone. A node that is not connected gets connected.
fn monitor_node_2(cx: &mut Context, args: &[Term]) -> Value {
    monitor_node(cx, args[0], args[1], Term::NIL)
}

fn monitor_node_3(cx: &mut Context, args: &[Term]) -> Value {
    monitor_node(cx, args[0], args[1], args[2])
}

fn monitor_node(cx: &mut Context, node: Term, on: Term, list: Term) -> Value {
    let mut options = list.iter_list();
    let mut passive = false;
    for option in &mut options {
        if option != am::ALLOW_PASSIVE_CONNECT.term() {
            return Err(cx.fail_because(am::BADOPT));
        }
        passive = true;
    }
    if !options.tail().is_nil() {
        return Err(cx.fail_because(am::BADOPT));
    }
    let name = node.as_atom().ok_or(Fail::Badarg)?;
    if name != am::NONODE_NOHOST && !cx.machine().distribution.is_alive() {
        return Err(cx.raise(Class::Error, am::NOTALIVE.term()));
    }
    let on = on.as_boolean().ok_or(Fail::Badarg)?;
    let pid = cx.process().pid;
    if !on {
        if let Some(ties) = dist::signal::existing_ties(cx.machine(), pid)
            && let Some(times) = ties.nodes.get_mut(name)
        {
            *times -= 1;
            if *times == 0 {
                ties.nodes.remove(name);
            }
        }
        return Ok(Term::boolean(true));
    }
    let machine = cx.machine();
    if name == machine.atoms.node.name {
        return Ok(Term::boolean(true));
    }
    let open = machine.distribution.get(name).is_some_and(|c| c.is_open());
    let there = if passive {
        open
    } else {
        dist::signal::prepare(machine, name, Connect::Yes)?
    };
    if !there {
        return ask_kernel(cx, node, on, list);
    }
    if let Some(ties) = dist::signal::ties(machine, pid)? {
        match ties.nodes.get_mut(name) {
            Some(times) => *times += 1,
            None => {
                ties.nodes.insert(name, 1)?;
            }
        }
    }
    Ok(Term::boolean(true))
}

/// `erlang:dmonitor_node/3`, which is Erlang code, sends `nodedown` or waits for the node to connect.
fn ask_kernel(cx: &mut Context, node: Term, on: bool, list: Term) -> Value {
    let machine = cx.machine();
    let name = machine.atoms.insert_static("dmonitor_node")?;
    let export = machine.code.export(am::ERLANG, name, 3);
    machine.x[..3].copy_from_slice(&[node, Term::boolean(on), list]);
    cx.process().trap = Some(Trap {
        export: export.cast(),
        arity: 3,
    });
    Err(Fail::Trap)
}

//! What one process asks of another by way of the machine: collections, checks for old code, flags, its group leader.
//!
//! Collections and checks wait for their priority ([`tasks`]). The others are carried out at once, since the other process does not run meanwhile; the answer is
//! a message all the same, for OTP's Erlang code receives it. Functions of `erts_internal` return most errors as atoms, which `erlang` then raises with its
//! own arguments.
//!
//! There are no dirty schedulers: nothing ever runs beside the caller.

use super::{Bif, Context, Fail, Value, bif, process_flag};
use crate::atom::am;
use crate::dist;
use crate::memory::Arena;
use crate::memory::gc::Collection;
use crate::platform::Stream;
use crate::process::signal;
use crate::sched::tasks::{self, Work};
use crate::term::Term;
use crate::term::copy::copy;
use crate::term::external::RemotePid;
use crate::tracing::saved_calls;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif(
        "erts_internal",
        "request_system_task",
        3,
        request_system_task_3,
    ),
    bif(
        "erts_internal",
        "request_system_task",
        4,
        request_system_task_4,
    ),
    bif(
        "erts_internal",
        "dirty_process_handle_signals",
        1,
        dirty_process_handle_signals_1,
    ),
    bif(
        "erts_internal",
        "check_dirty_process_code",
        2,
        dirty_process_handle_signals_1,
    ),
    bif(
        "erts_internal",
        "is_process_executing_dirty",
        1,
        is_process_executing_dirty_1,
    ),
    bif("erts_internal", "is_system_process", 1, is_system_process_1),
    bif("erts_internal", "process_flag", 3, process_flag_3),
    bif("erts_internal", "process_display", 2, process_display_2),
    bif("erts_internal", "group_leader", 2, group_leader_2),
    bif("erts_internal", "group_leader", 3, group_leader_3),
];

/// Sends `message` to `to` as if it came from the caller.
pub(super) fn answer(cx: &mut Context, to: Term, message: &[Term]) -> Result<(), Fail> {
    let message = cx.tuple(message)?;
    let from = cx.process().pid;
    signal::send(cx.machine(), from, to, message)?;
    Ok(())
}

/// `request_system_task(Pid, Priority, {What, Id, Argument})`: `ok`, and later `{What, Id, Result}` as a message.
fn request_system_task_3(cx: &mut Context, args: &[Term]) -> Value {
    let requester = cx.process().pid;
    request(cx, requester, args[0], args[1], args[2])
}

/// As with three arguments, on behalf of another process.
fn request_system_task_4(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_local_pid() {
        return Err(Fail::Badarg);
    }
    request(cx, args[0], args[1], args[2], args[3])
}

fn request(
    cx: &mut Context,
    requester: Term,
    target: Term,
    priority_term: Term,
    request: Term,
) -> Value {
    let own = cx.process().priority;
    let inherits = priority_term == am::INHERIT.term();
    let priority = inherits.then_some(own);
    let priority = priority.or_else(|| process_flag::parse_priority(priority_term));
    let (Some(priority), true) = (priority, target.is_local_pid()) else {
        return Err(Fail::Badarg);
    };
    let (id, work) = work(request).ok_or(Fail::Badarg)?;
    tasks::request(cx.machine(), target, priority, work, (requester, id))?;
    Ok(am::OK.term())
}

/// What a request is called, and what it asks for.
fn work(request: Term) -> Option<(Term, Work)> {
    match *request.as_tuple()? {
        [kind, id] if kind == am::SYSTEM_TASK_TEST.term() => Some((id, Work::Test)),
        [kind, id, argument] if kind == am::GARBAGE_COLLECT.term() => {
            let collection = match argument.as_atom()? {
                am::MAJOR => Collection::Full,
                am::MINOR => Collection::Minor,
                _ => return None,
            };
            Some((id, Work::Collect(collection)))
        }
        [kind, id, module] if kind == am::CHECK_PROCESS_CODE.term() => {
            Some((id, Work::CheckCode(module.as_atom()?)))
        }
        _ => None,
    }
}

/// Collects the garbage of `pid`; of the caller itself when the built-in function has returned. False if there is no such process.
pub(super) fn collect(cx: &mut Context, pid: Term, kind: Collection) -> Result<bool, Fail> {
    if pid == cx.process().pid {
        cx.process().requested = Some(kind);
        return Ok(true);
    }
    let outside = cx.when_outside(pid)?;
    let machine = cx.machine();
    let Some(process) = machine.processes.alive(pid) else {
        return Ok(false);
    };
    if !outside {
        process.requested = Some(kind);
        return Ok(true);
    }
    Ok(tasks::collect(machine, pid, kind))
}

/// No process runs on a dirty scheduler, as on an OTP that was built without them.
fn dirty_process_handle_signals_1(cx: &mut Context, _: &[Term]) -> Value {
    Err(cx.raise(super::Class::Error, am::NOTSUP.term()))
}

fn is_process_executing_dirty_1(_: &mut Context, args: &[Term]) -> Value {
    match args[0].is_local_pid() {
        true => Ok(Term::boolean(false)),
        false => Err(Fail::Badarg),
    }
}

fn is_system_process_1(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_local_pid() {
        return Err(Fail::Badarg);
    }
    let process = cx.machine().processes.alive(args[0]);
    Ok(Term::boolean(process.is_some_and(|process| process.system)))
}

/// `process_flag(Pid, save_calls, N)`: the old value, `badtype`, `badarg`, or the reference that the answer comes with.
fn process_flag_3(cx: &mut Context, args: &[Term]) -> Value {
    let [pid, flag, value] = [args[0], args[1], args[2]];
    if flag != am::SAVE_CALLS.term() {
        return Ok(am::BADARG.term());
    }
    if cx.machine().processes.alive(pid).is_none() {
        return Ok(am::BADTYPE.term());
    }
    let old = match process_flag::parse_save_calls(value) {
        Some(calls) => {
            let old = saved_calls::set(cx.machine(), pid, calls)?;
            Term::small(old.ok_or(Fail::Badarg)? as i64)
        }
        None => am::BADARG.term(),
    };
    if pid == cx.process().pid {
        return Ok(old);
    }
    let reference = cx.machine().processes.references.make().term(cx)?;
    let own = cx.process().pid;
    answer(cx, own, &[reference, old])?;
    Ok(reference)
}

/// `process_display(Pid, backtrace)`: prints what `process_info(Pid, backtrace)` tells on the error stream.
fn process_display_2(cx: &mut Context, args: &[Term]) -> Value {
    let pid = args[0];
    if args[1] != am::BACKTRACE.term() {
        return Ok(am::BADOPT.term());
    }
    if cx.machine().processes.alive(pid).is_none() {
        return Ok(am::BADARG.term());
    }
    let text = crate::crash_dump::stack::backtrace(cx.machine(), pid);
    let platform = &mut cx.machine().platform;
    platform.console_write(Stream::Error, text.as_bytes());
    Ok(Term::boolean(true))
}

/// Sets the group leader of a process; false if one of the two is no process of this node.
pub(super) fn set_group_leader(cx: &mut Context, leader: Term, pid: Term) -> Result<bool, Fail> {
    if !leader.is_pid() {
        return Ok(false);
    }
    if let Some(remote) = RemotePid::of(pid) {
        dist::signal::group_leader(cx.machine(), leader, remote)?;
        return Ok(true);
    }
    let literals = cx.machine().literals.clone();
    let Some(process) = cx.machine().processes.alive(pid) else {
        return Ok(false);
    };
    process.group_leader = copy(leader, &mut process.heap, &literals)?;
    Ok(true)
}

/// `true` or `badarg`. OTP's third answer, `false`, would say that the process has to be asked by a signal.
fn group_leader_2(cx: &mut Context, args: &[Term]) -> Value {
    Ok(match set_group_leader(cx, args[0], args[1])? {
        true => Term::boolean(true),
        false => am::BADARG.term(),
    })
}

/// As with two arguments, but the answer is a message `{Reference, Answer}`.
fn group_leader_3(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_pid() || !args[1].is_pid() || !args[2].is_reference() {
        return Err(Fail::Badarg);
    }
    let done = group_leader_2(cx, args)?;
    let own = cx.process().pid;
    answer(cx, own, &[args[2], done])?;
    Ok(am::OK.term())
}

//! Processes seen from inside and outside: `self/0`, `processes/0`, `group_leader/0,2`, `yield/0`, `hibernate/3`,
//! `suspend_process/1,2`, `garbage_collect/0,1,2`, `make_ref/0`.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::memory::{Arena, gc};
use crate::process::spawn::{MAX_ARGUMENTS, argument_list};
use crate::process::{State, signal};
use crate::term::Term;
use crate::term::copy::copy;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "self", 0, self_0),
    bif("erlang", "is_process_alive", 1, is_process_alive_1),
    bif("erlang", "processes", 0, processes_0),
    bif("erlang", "group_leader", 0, group_leader_0),
    bare("erlang", "group_leader", 2, group_leader_2),
    bare("erlang", "yield", 0, yield_0),
    bif("erlang", "bump_reductions", 1, bump_reductions_1),
    bif("erlang", "hibernate", 3, hibernate_3),
    bare("erlang", "suspend_process", 1, suspend_process_1),
    bare("erlang", "suspend_process", 2, suspend_process_2),
    bif("erlang", "resume_process", 1, resume_process_1),
    bare("erlang", "garbage_collect", 0, garbage_collect_0),
    bare("erlang", "garbage_collect", 1, garbage_collect_1),
    bare("erlang", "garbage_collect", 2, garbage_collect_2),
    bif("erlang", "make_ref", 0, make_ref_0),
    bif("erts_internal", "group_leader", 2, group_leader_2),
    bif(
        "erts_internal",
        "garbage_collect",
        1,
        internal_garbage_collect_1,
    ),
    bif(
        "erts_internal",
        "is_process_alive",
        2,
        internal_is_process_alive_2,
    ),
];

fn self_0(cx: &mut Context, _: &[Term]) -> Value {
    Ok(cx.process().pid)
}

fn is_process_alive_1(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_local_pid() {
        return Err(Fail::Badarg);
    }
    let alive = cx.machine().processes.alive(args[0]);
    let alive = alive.is_some_and(|process| process.pending_exit.is_none());
    Ok(Term::boolean(alive))
}

/// Asks for `{Reference, Alive}` as a message.
fn internal_is_process_alive_2(cx: &mut Context, args: &[Term]) -> Value {
    let alive = is_process_alive_1(cx, &args[..1])?;
    let message = cx.tuple(&[args[1], alive])?;
    let pid = cx.process().pid;
    signal::send(cx.machine(), pid, pid, message)?;
    Ok(am::OK.term())
}

/// The pids of all processes that are alive.
fn processes_0(cx: &mut Context, _: &[Term]) -> Value {
    let table = &cx.machine().processes.table;
    let mut pids = Vec::new();
    pids.try_reserve(table.len()).map_err(|_| Fail::NoMemory)?;
    for process in table.iter() {
        // SAFETY: the table's processes are alive; none is borrowed beside the table.
        let process = unsafe { process.as_ref() };
        if process.state != State::Exiting {
            pids.push(process.pid);
        }
    }
    Ok(cx.list(&pids)?)
}

fn group_leader_0(cx: &mut Context, _: &[Term]) -> Value {
    Ok(cx.process().group_leader)
}

fn group_leader_2(cx: &mut Context, args: &[Term]) -> Value {
    let [leader, pid] = [args[0], args[1]];
    if !leader.is_pid() || !pid.is_local_pid() {
        return Err(Fail::Badarg);
    }
    let literals = cx.machine().literals.clone();
    let process = cx.machine().processes.alive(pid).ok_or(Fail::Badarg)?;
    process.group_leader = copy(leader, &mut process.heap, &literals)?;
    Ok(Term::boolean(true))
}

fn yield_0(cx: &mut Context, _: &[Term]) -> Value {
    cx.machine().x[0] = Term::boolean(true);
    Err(Fail::Suspend)
}

fn bump_reductions_1(cx: &mut Context, args: &[Term]) -> Value {
    match args[0].as_small() {
        Some(count @ 0..) => {
            cx.bump_reductions(count as usize);
            Ok(Term::boolean(true))
        }
        _ => Err(Fail::Badarg),
    }
}

/// Throws the stack away, collects, waits for a message and then calls the function.
fn hibernate_3(cx: &mut Context, args: &[Term]) -> Value {
    let module = args[0].as_atom().ok_or(Fail::Badarg)?;
    let function = args[1].as_atom().ok_or(Fail::Badarg)?;
    let mut copies = [Term::NIL; MAX_ARGUMENTS];
    let arguments = argument_list(args[2], &mut copies).ok_or(Fail::Badarg)?;
    let export = cx
        .machine()
        .code
        .export(module, function, arguments.len() as u8);
    let process = cx.process();
    process.saved.save(arguments)?;
    // SAFETY: export entries live as long as the machine.
    process.ip = unsafe { export.as_ref() }.entry.code;
    process.hibernating = true;
    process.mailbox.reset();
    if process.mailbox.is_empty() {
        process.state = State::Waiting;
        process.asleep = true;
    }
    Err(Fail::Suspend)
}

fn suspend(cx: &mut Context, pid: Term, unless_suspending: bool) -> Result<bool, Fail> {
    if !pid.is_local_pid() || pid == cx.process().pid {
        return Err(Fail::Badarg);
    }
    let processes = &mut cx.machine().processes;
    let process = processes.alive(pid).ok_or(Fail::Badarg)?;
    if unless_suspending && process.suspended > 0 {
        return Ok(false);
    }
    processes.suspend(pid);
    Ok(true)
}

fn suspend_process_1(cx: &mut Context, args: &[Term]) -> Value {
    suspend(cx, args[0], false).map(Term::boolean)
}

fn suspend_process_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut unless_suspending = false;
    let mut options = args[1].iter_list();
    for option in &mut options {
        match option.as_atom() {
            Some(am::UNLESS_SUSPENDING) => unless_suspending = true,
            // There is nothing to wait for: a process that does not run is suspended at once.
            Some(am::ASYNCHRONOUS) => {}
            _ => return Err(Fail::Badarg),
        }
    }
    if !options.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    suspend(cx, args[0], unless_suspending).map(Term::boolean)
}

fn resume_process_1(cx: &mut Context, args: &[Term]) -> Value {
    let processes = &mut cx.machine().processes;
    match processes.alive(args[0]) {
        Some(process) if process.suspended > 0 => {
            processes.resume(args[0]);
            Ok(Term::boolean(true))
        }
        _ => Err(Fail::Badarg),
    }
}

fn garbage_collect_0(cx: &mut Context, _: &[Term]) -> Value {
    cx.process().collect_requested = true;
    Ok(Term::boolean(true))
}

fn garbage_collect_1(cx: &mut Context, args: &[Term]) -> Value {
    let pid = args[0];
    if !pid.is_local_pid() {
        return Err(Fail::Badarg);
    }
    if pid == cx.process().pid {
        return garbage_collect_0(cx, args);
    }
    let machine = cx.machine();
    let Some(process) = machine.processes.alive(pid) else {
        return Ok(Term::boolean(false));
    };
    let process = core::ptr::from_mut(process);
    // SAFETY: the process is in the table and does not run, so nothing else borrows it; the collector reaches
    // processes through this argument alone.
    gc::collect_fully(machine, unsafe { &mut *process }, 0)?;
    Ok(Term::boolean(true))
}

fn garbage_collect_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut request = None;
    let mut options = args[1].iter_list();
    for option in &mut options {
        match option.as_tuple() {
            Some(&[key, id]) if key == am::ASYNC.term() => request = Some(id),
            Some(&[key, kind])
                if key == am::TYPE.term()
                    && matches!(kind.as_atom(), Some(am::MAJOR | am::MINOR)) => {}
            _ => return Err(Fail::Badarg),
        }
    }
    if !options.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    let done = garbage_collect_1(cx, args)?;
    let Some(id) = request else {
        return Ok(done);
    };
    let message = cx.tuple(&[am::GARBAGE_COLLECT.term(), id, done])?;
    let pid = cx.process().pid;
    signal::send(cx.machine(), pid, pid, message)?;
    Ok(am::ASYNC.term())
}

fn internal_garbage_collect_1(cx: &mut Context, args: &[Term]) -> Value {
    garbage_collect_0(cx, args)
}

fn make_ref_0(cx: &mut Context, _: &[Term]) -> Value {
    let reference = cx.machine().processes.references.make();
    Ok(reference.term(cx)?)
}

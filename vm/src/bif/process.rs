//! Processes seen from inside and outside: `self/0`, `processes/0`, `group_leader/0,2`, `yield/0`, `hibernate/3`,
//! `garbage_collect/0,1,2`, `make_ref/0`.

use super::{Bif, Context, Fail, Value, bare, bif, system_task};
use crate::atom::am;
use crate::memory::Arena;
use crate::memory::gc::Collection;
use crate::process::spawn::{MAX_ARGUMENTS, first_call};
use crate::process::{State, signal};
use crate::term::Term;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "self", 0, self_0),
    bif("erlang", "is_process_alive", 1, is_process_alive_1),
    bif("erlang", "processes", 0, processes_0),
    bif("erlang", "group_leader", 0, group_leader_0),
    bare("erlang", "group_leader", 2, group_leader_2),
    // A call of itself in erlang.erl, which OTP's loader makes an instruction.
    bif("erlang", "yield", 0, yield_0),
    bif("erlang", "bump_reductions", 1, bump_reductions_1),
    bif("erlang", "hibernate", 3, hibernate_3),
    bare("erlang", "garbage_collect", 0, garbage_collect_0),
    bare("erlang", "garbage_collect", 1, garbage_collect_1),
    bare("erlang", "garbage_collect", 2, garbage_collect_2),
    bif("erlang", "make_ref", 0, make_ref_0),
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

/// Processes that `processes/0` looks at for a reduction.
const PIDS_PER_REDUCTION: usize = 16;

/// The pids of all processes that are alive, in the order in which they were made.
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
    // Those of one moment; what is made of them may take longer.
    cx.consume(pids.len() / PIDS_PER_REDUCTION)?;
    pids.sort_unstable_by_key(|pid| pid.identifier_data());
    cx.consume(pids.len() / PIDS_PER_REDUCTION)?;
    Ok(cx.list(&pids)?)
}

fn group_leader_0(cx: &mut Context, _: &[Term]) -> Value {
    Ok(cx.process().group_leader)
}

fn group_leader_2(cx: &mut Context, args: &[Term]) -> Value {
    match system_task::set_group_leader(cx, args[0], args[1])? {
        true => Ok(Term::boolean(true)),
        false => Err(Fail::Badarg),
    }
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

/// Most arguments of a function that a process goes on with (OTP: `MAX_REG`).
const MAX_REGISTERS: usize = 1024;

/// Throws the stack away, collects, waits for a message and then calls the function.
fn hibernate_3(cx: &mut Context, args: &[Term]) -> Value {
    let module = args[0].as_atom().ok_or(Fail::Badarg)?;
    let function = args[1].as_atom().ok_or(Fail::Badarg)?;
    let mut copies = [Term::NIL; MAX_ARGUMENTS];
    let (module, function, arguments) =
        first_call(module, function, args[2], &mut copies).ok_or(Fail::Badarg)?;
    if args[2].iter_list().nth(MAX_REGISTERS).is_some() {
        return Err(Fail::SystemLimit);
    }
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

fn garbage_collect_0(cx: &mut Context, _: &[Term]) -> Value {
    cx.process().requested = Some(Collection::Full);
    Ok(Term::boolean(true))
}

fn garbage_collect_1(cx: &mut Context, args: &[Term]) -> Value {
    collect_of(cx, args[0], Collection::Full)
}

fn collect_of(cx: &mut Context, pid: Term, kind: Collection) -> Value {
    if !pid.is_local_pid() {
        return Err(Fail::Badarg);
    }
    system_task::collect(cx, pid, kind).map(Term::boolean)
}

/// `major` or `minor`.
fn collection(term: Term) -> Option<Collection> {
    match term.as_atom()? {
        am::MAJOR => Some(Collection::Full),
        am::MINOR => Some(Collection::Minor),
        _ => None,
    }
}

fn garbage_collect_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut request = None;
    let mut kind = Collection::Full;
    let mut options = args[1].iter_list();
    for option in &mut options {
        match option.as_tuple() {
            Some(&[key, id]) if key == am::ASYNC.term() => request = Some(id),
            Some(&[key, named]) if key == am::TYPE.term() => {
                kind = collection(named).ok_or(Fail::Badarg)?;
            }
            _ => return Err(Fail::Badarg),
        }
    }
    if !options.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    let done = collect_of(cx, args[0], kind)?;
    let Some(id) = request else {
        return Ok(done);
    };
    let message = cx.tuple(&[am::GARBAGE_COLLECT.term(), id, done])?;
    let pid = cx.process().pid;
    signal::send(cx.machine(), pid, pid, message)?;
    Ok(am::ASYNC.term())
}

/// `erts_internal:garbage_collect(major | minor)`
fn internal_garbage_collect_1(cx: &mut Context, args: &[Term]) -> Value {
    let kind = collection(args[0]).ok_or(Fail::Badarg)?;
    cx.process().requested = Some(kind);
    Ok(Term::boolean(true))
}

fn make_ref_0(cx: &mut Context, _: &[Term]) -> Value {
    let reference = cx.machine().processes.references.make();
    Ok(reference.term(cx)?)
}

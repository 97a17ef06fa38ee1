//! What OTP's code purger and literal area collector ask of the machine: see [`crate::code::purge`] and [`crate::code::release`].

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::code::purge::{self, WrongOrder};
use crate::code::release;
use crate::code::versions::Role;
use crate::memory::{Arena, gc};
use crate::process::signal;
use crate::term::{Atom, Term};
use alloc::vec::Vec;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "check_old_code", 1, check_old_code_1),
    bif("erts_internal", "purge_module", 2, purge_module_2),
    bif(
        "erts_internal",
        "check_process_code",
        1,
        check_process_code_1,
    ),
    bif(
        "erts_literal_area_collector",
        "release_area_switch",
        0,
        release_area_switch_0,
    ),
    bif(
        "erts_literal_area_collector",
        "send_copy_request",
        3,
        send_copy_request_3,
    ),
];

fn check_old_code_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let old = cx.machine().code.versions().find(name, Role::Old);
    Ok(Term::boolean(old.is_some()))
}

/// `error:notsup`, unless the caller is the process that has the task, or nobody has it.
fn only_for(cx: &mut Context, holder: Option<Term>) -> Result<(), Fail> {
    let caller = cx.process().pid;
    match holder {
        Some(holder) if holder != caller => Err(cx.raise(Class::Error, am::NOTSUP.term())),
        _ => Ok(()),
    }
}

/// `purge_module(Module, prepare | prepare_on_load | abort | complete)`
fn purge_module_2(cx: &mut Context, args: &[Term]) -> Value {
    let purger = cx
        .machine()
        .processes
        .registry
        .whereis(am::ERTS_CODE_PURGER);
    only_for(cx, purger)?;
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let code = &mut cx.machine().code;
    let step = args[1].as_atom().ok_or(Fail::Badarg)?;
    let (done, waiting) = match step {
        am::PREPARE | am::PREPARE_ON_LOAD => {
            let prepared = code.prepare_purge(name, step == am::PREPARE_ON_LOAD);
            (prepared.map_err(|WrongOrder| Fail::Badarg)?, Vec::new())
        }
        am::ABORT => {
            let waiting = code.abort_purge(name).map_err(|WrongOrder| Fail::Badarg)?;
            (false, waiting)
        }
        am::COMPLETE => {
            let waiting = code
                .complete_purge(name)
                .map_err(|WrongOrder| Fail::Badarg)?;
            (true, waiting)
        }
        _ => return Err(Fail::Badarg),
    };
    for pid in waiting {
        cx.machine().processes.resume(pid);
    }
    let caller = cx.process().pid;
    release::wake_collector(cx.machine(), caller)?;
    Ok(Term::boolean(done))
}

/// Whether the caller is in the old version of a module.
fn check_process_code_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let pid = cx.process().pid;
    Ok(Term::boolean(uses_old_code(cx, pid, name)))
}

/// Whether the process of `pid` is in the old version of `module`. False if there is no such process.
pub(super) fn uses_old_code(cx: &mut Context, pid: Term, module: Atom) -> bool {
    let machine = &*cx.machine();
    let process = machine.processes.table.get(pid);
    // SAFETY: the table's processes are alive; neither machine nor process is changed.
    process
        .is_some_and(|process| unsafe { purge::uses_old_code(machine, process.as_ref(), module) })
}

fn release_area_switch_0(cx: &mut Context, _: &[Term]) -> Value {
    let collector = cx.machine().code.release.collector;
    only_for(cx, collector)?;
    Ok(Term::boolean(release::switch(cx.machine())))
}

/// `send_copy_request(Pid, Area, init | check_gc | need_gc)`: looks whether the process has something of the area that is being
/// released, or, with `need_gc`, copies that out of it; the caller gets `{copy_literals, {Area, How, Pid}, ok | need_gc}`, whose last
/// element says what to ask for next.
fn send_copy_request_3(cx: &mut Context, args: &[Term]) -> Value {
    let collector = cx.machine().code.release.collector;
    only_for(cx, collector)?;
    let [pid, area, how] = [args[0], args[1], args[2]];
    let may_collect = match how.as_atom() {
        Some(am::INIT | am::CHECK_GC) => false,
        Some(am::NEED_GC) => true,
        _ => return Err(Fail::Badarg),
    };
    if !pid.is_local_pid() {
        return Err(Fail::Badarg);
    }
    cx.until_outside(pid)?;
    let caller = cx.process().pid;
    let mut answer = am::OK;
    if pid == caller {
        let (machine, process) = cx.machine_and_process();
        if release::refers(machine, process, 0) {
            if may_collect {
                // Behind this call: a built-in function never collects.
                process.requested = Some(gc::Collection::Full);
            } else {
                answer = am::NEED_GC;
            }
        }
    } else if let Some(process) = cx.machine().processes.alive(pid) {
        // One that is about to end is not collected: it may be in the middle of a built-in function.
        let process = core::ptr::from_mut(process);
        // SAFETY: the process is in the table and does not run, so nothing else borrows it.
        let process = unsafe { &mut *process };
        if release::refers(cx.machine(), process, 0) {
            if may_collect {
                if release::copy_out(cx.machine(), process).is_err() {
                    crate::process::exit::begin(cx.machine(), pid, am::KILLED.term());
                }
            } else {
                answer = am::NEED_GC;
            }
        }
    }
    let request = cx.tuple(&[area, how, pid])?;
    let message = cx.tuple(&[am::COPY_LITERALS.term(), request, answer.term()])?;
    signal::send(cx.machine(), caller, caller, message)?;
    Ok(am::OK.term())
}

//! How a process ends, and what its end does to others.
//!
//! An exit is *begun* ([`begin`]: the process is marked, leaves its queue and keeps the reason in its own memory)
//! and later *carried out* ([`carry_out`]: it gives up its name, its tables go, those that are linked to it or monitor
//! it are told, and it is freed). Carrying one exit out may begin others; they join a queue,
//! so a chain of ten thousand links needs no more stack than one.
//!
//! A process whose tables are large *lingers*: it frees them in slices, with turns of others between them ([`linger`]), before it tells
//! anybody that it is gone. So who learns of its end finds its memory freed, as on OTP.
//!
//! An exit of the running process is not begun by others: [`Process::pending_exit`] says that it is to come, and the
//! scheduler, `receive` and `exit/2` look there.
//!
//! A process that is paused in the middle of a built-in function ([`crate::sched::native_stack`]) has the processor once more before its exit is carried out
//! ([`take_unwinding`]): the pause fails, and what the function owns is dropped.
//!
//! Who calls this: the interpreter ([`end`]), the scheduler (which alone carries out the exit of the process that ran), built-in functions that send exit signals.

use super::signal::{Origin, down, exit_signal, remove_link, remove_watcher};
use super::table::ProcessTable;
use super::{Process, ReceiveTimer, State};
use crate::atom::am;
use crate::dist;
use crate::machine::Machine;
use crate::memory::resource;
use crate::observe;
use crate::term::copy::copy;
use crate::term::{Atom, Term};
use crate::tracing::{event, saved_calls, tracee};
use core::ptr::NonNull;

/// Decides that the process `pid` ends with `reason` (anybody's term). Of a process that is
/// on its way out already, nothing changes.
pub fn begin(machine: &mut Machine, pid: Term, reason: Term) {
    let literals = machine.literals.clone();
    let running = machine.processes.running == Some(pid);
    let Some(process) = machine.processes.alive(pid) else {
        return;
    };
    if process.pending_exit.is_some() {
        return;
    }
    // A process too poor for its own reason ends as if killed.
    let reason = copy(reason, &mut process.heap, &literals).unwrap_or(am::KILLED.term());
    process.pending_exit = Some(reason);
    if !running {
        enqueue(machine, pid);
    }
}

/// Puts a process with a pending exit into the queue of those to carry out, if it is not there yet.
fn enqueue(machine: &mut Machine, pid: Term) {
    let processes = &mut machine.processes;
    let Some(process) = processes.table.get(pid) else {
        return;
    };
    // SAFETY: the table's processes are alive, and nobody borrows one while the machine is borrowed mutably.
    unsafe {
        if process.as_ref().state == State::Exiting {
            return;
        }
        processes.queues.remove(process);
        (*process.as_ptr()).state = State::Exiting;
        (*process.as_ptr()).next_exiting = None;
        if (*process.as_ptr()).paused.is_some() {
            processes.unwinding = Some(chain(&mut processes.table, processes.unwinding, pid));
            return;
        }
    }
    processes.exiting = Some(chain(&mut processes.table, processes.exiting, pid));
}

/// First and last of a chain of processes behind which `pid` is put.
fn chain(table: &mut ProcessTable, chain: Option<(Term, Term)>, pid: Term) -> (Term, Term) {
    let Some((first, last)) = chain else {
        return (pid, pid);
    };
    if let Some(last) = table.get_mut(last) {
        last.next_exiting = Some(pid);
    }
    (first, pid)
}

/// A process whose exit has begun in the middle of a built-in function: the scheduler gives it the processor, to end the function.
pub fn take_unwinding(machine: &mut Machine) -> Option<NonNull<Process>> {
    let (first, last) = machine.processes.unwinding?;
    let mut process = machine.processes.table.get(first)?;
    // SAFETY: the table's processes are alive, and nobody borrows one while the machine is borrowed mutably.
    let next = unsafe { process.as_mut() }.next_exiting.take();
    machine.processes.unwinding = next.map(|next| (next, last));
    Some(process)
}

/// Carries out every exit that was begun. The processes are gone afterwards, or linger.
pub fn carry_out(machine: &mut Machine) {
    while let Some((first, last)) = machine.processes.exiting {
        let process = machine.processes.table.get_mut(first);
        let next = process.and_then(|process| process.next_exiting.take());
        machine.processes.exiting = next.map(|next| (next, last));
        leave(machine, first);
        work_on(machine, first);
    }
}

/// A slice of work on the exit of a process that lingers, and all that follows from it. False if there is none.
pub fn linger(machine: &mut Machine) -> bool {
    let Some((first, last)) = machine.processes.lingering else {
        return false;
    };
    let process = machine.processes.table.get_mut(first);
    let next = process.and_then(|process| process.next_exiting.take());
    machine.processes.lingering = next.map(|next| (next, last));
    scheduled(machine, first, am::IN_EXITING);
    work_on(machine, first);
    carry_out(machine);
    true
}

/// Frees some of what `pid`, which is ending, owns: its exit is finished if nothing is left, and else lingers.
fn work_on(machine: &mut Machine, pid: Term) {
    let (done, reductions) = crate::ets::process_exits(machine, pid);
    machine.scheduler.reductions += reductions as u64;
    if done {
        finish(machine, pid);
        scheduled(machine, pid, am::OUT_EXITED);
        machine.processes.table.remove(pid);
        return;
    }
    scheduled(machine, pid, am::OUT_EXITING);
    let processes = &mut machine.processes;
    processes.lingering = Some(chain(&mut processes.table, processes.lingering, pid));
}

/// Tells tracers that a process that is ending gets or gives up the processor.
fn scheduled(machine: &mut Machine, pid: Term, tag: Atom) {
    let Some(process) = machine.processes.table.get(pid) else {
        return;
    };
    // SAFETY: the process is in the table, and what tells of it reaches no process but tracers, by their pids.
    let process = unsafe { &mut *process.as_ptr() };
    if process.trace.is_some() {
        event::scheduled(machine, process, tag);
        if tag == am::OUT_EXITED {
            tracee::forget(&mut machine.tracing, &mut process.trace);
        }
    }
}

/// Ends the process that has the processor with `reason`, a term of its own memory. The
/// scheduler carries the exit out as soon as the interpreter has returned to it; until then the process exists.
pub fn end(machine: &mut Machine, process: NonNull<Process>, reason: Term) {
    // SAFETY: the process has the processor, so it is alive.
    let pid = unsafe {
        (*process.as_ptr()).pending_exit = Some(reason);
        (*process.as_ptr()).pid
    };
    enqueue(machine, pid);
}

/// Begins the pending exit of the running process `pid`, if there is one; whether there was. A built-in function
/// that gets `true` gives up the processor ([`crate::bif::Fail::Suspend`]).
pub fn begin_pending(machine: &mut Machine, pid: Term) -> bool {
    let process = machine.processes.alive(pid);
    let pending = process.is_some_and(|process| process.pending_exit.is_some());
    if pending {
        enqueue(machine, pid);
    }
    pending
}

/// The beginning of the end of `pid`: nobody reaches it by its name any more.
fn leave(machine: &mut Machine, pid: Term) {
    let Some(process) = machine.processes.table.get_mut(pid) else {
        return;
    };
    let reason = process.pending_exit.unwrap_or(am::NORMAL.term());
    if process.trace.is_some() {
        event::procs(machine, pid, am::EXIT_LOWER, reason);
    }
    let Some(process) = machine.processes.table.get_mut(pid) else {
        return;
    };
    let name = process.registered_name.take();
    let timer = core::mem::replace(&mut process.receive_timer, ReceiveTimer::None);
    if let Some(name) = name {
        machine.processes.registry.remove(name);
        event::procs(machine, pid, am::UNREGISTER, name.term());
    }
    if let ReceiveTimer::Running(handle) = timer {
        machine.timers.cancel_receive(handle);
    }
}

/// All that the end of `pid` means, but for what [`leave`] did, its tables, and freeing it.
fn finish(machine: &mut Machine, pid: Term) {
    let Some(process) = machine.processes.table.get_mut(pid) else {
        return;
    };
    let reason = process.pending_exit.unwrap_or(am::NORMAL.term());
    finish_rare(machine, pid, reason);
    observe::ended(machine, pid);
    if machine.distribution.net_kernel == Some(pid) {
        dist::down::leave(machine);
    }
    finish_links(machine, pid, reason);
    finish_monitors(machine, pid, reason);
    if let Some((first, ended)) = machine.processes.first
        && first == pid
    {
        machine.processes.first = None;
        ended(machine, reason);
    }
}

/// Aliases end, and so do timers that would send to the process; resources that it owned are told; those it suspended go on; so are
/// processes of other nodes.
fn finish_rare(machine: &mut Machine, pid: Term, reason: Term) {
    let process = machine.processes.table.get_mut(pid);
    let Some(mut rare) = process.and_then(|process| process.rare.take()) else {
        return;
    };
    while let Some((reference, _)) = rare.aliases.pop_first() {
        machine.processes.aliases.remove(reference);
    }
    while let Some((reference, ())) = rare.timers.pop_first() {
        machine.timers.cancel_message(reference);
    }
    while let Some((number, ())) = rare.resources.pop_first() {
        resource::owner_exited(machine, number);
    }
    while let Some((suspended, count)) = rare.suspending.pop_first() {
        for _ in 0..count {
            machine.processes.resume(Term::local_pid(suspended));
        }
    }
    if rare.saved_calls.take().is_some() {
        saved_calls::stop(machine);
    }
    if let Some(held) = rare.held_back.take() {
        // Without memory, who asked is not told.
        let _ = held.answer(machine, pid, false);
    }
    if let Some(ties) = rare.remote.take() {
        dist::signal::process_exited(machine, pid, *ties, reason);
    }
}

fn finish_links(machine: &mut Machine, pid: Term, reason: Term) {
    while let Some(other) = machine
        .processes
        .table
        .get_mut(pid)
        .and_then(|process| process.links.pop_first())
    {
        let other = other.0.term();
        if remove_link(machine, other, pid) {
            if !other.is_local_port() {
                event::left(machine, other, pid, reason);
            }
            exit_signal(machine, pid, other, reason, Origin::Link);
        }
    }
}

fn finish_monitors(machine: &mut Machine, pid: Term, reason: Term) {
    while let Some((reference, monitor)) = machine
        .processes
        .table
        .get_mut(pid)
        .and_then(|process| process.monitors.pop_first())
    {
        remove_watcher(machine, pid, monitor.target, reference);
    }
    while let Some((reference, watcher)) = machine
        .processes
        .table
        .get_mut(pid)
        .and_then(|process| process.monitored_by.pop_first())
    {
        down(machine, watcher, reference, reason);
    }
}

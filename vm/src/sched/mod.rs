//! The run loop: who has the processor, when timers fire, and when the machine sleeps or ends.
//!
//! [`run`] is where a machine spends its life. It gives the process whose turn it is the processor
//! for [`TURN`](crate::interp::TURN) reductions, carries out the exits that its turn brought about (large ones in slices, one a turn), and now and then looks
//! at the clock and at what ports wait for. With nobody to run it sleeps until the next timer or event; with nobody alive the machine ends.
//!
//! Invariant: between turns no process is running, no exit is left to be carried out, and no dead resource to be closed.

pub mod accounting;
pub mod native_stack;
pub mod queue;
mod scarcity;
pub mod tasks;

use crate::atom::am;
use crate::bif::Blockers;
use crate::interp::{Exit, TURN};
use crate::machine::Machine;
use crate::memory::{gc, resource};
use crate::observe;
use crate::port::events;
use crate::process::{Process, State, exit};
use crate::term::Term;
use crate::time::{self, warp};
use crate::tracing::event;
use accounting::{Accounting, Activity};
use core::ptr::NonNull;

/// Reductions after which the clock is looked at: a few microseconds of work.
const CLOCK_REDUCTIONS: u64 = 1000;

/// Turns, however short, after which the clock is looked at.
const CLOCK_TURNS: u32 = 32;

/// Objects of tables that are gone that are freed between two turns, and before the clock is looked at when there is nobody to run.
const FREED_BETWEEN_TURNS: usize = 256;
const FREED_WHEN_IDLE: usize = 4096;

/// What the scheduler counts, and how the machine ends.
pub struct Scheduler {
    /// Turns that were given.
    pub turns: u64,
    /// Reductions of all processes.
    pub reductions: u64,
    /// Nanoseconds in which there was nothing to run.
    pub idle_ns: u64,
    /// What `statistics/1` told last.
    pub asked: Asked,
    /// When `scheduler_wall_time` was switched on (nanoseconds), and how long there had been nothing to run by then.
    pub measured_since: Option<(u64, u64)>,
    /// What time is spent on.
    pub accounting: Accounting,
    /// `system_flag(multi_scheduling, …)`.
    pub(crate) blockers: Blockers,
    /// What processes ask of each other.
    pub tasks: tasks::Tasks,
    /// `system_flag(trace_control_word, …)`.
    pub trace_control_word: u32,
    /// `system_flag(outstanding_system_requests_limit, …)`.
    pub system_requests: u32,
    /// What the machine halts with when no process is left; 0 is success.
    pub status: u8,
    /// Where the part of the native stack begins that is the running process's; 0 between turns. See [`native_stack`].
    pub native_base: usize,
    reductions_at_clock: u64,
    turns_since_clock: u32,
}

/// What `statistics/1` told when it was last asked, for those of its answers that say what is new since.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// `reductions`
    pub reductions: u64,
    /// `exact_reductions`
    pub exact_reductions: u64,
    /// `runtime`, in milliseconds.
    pub runtime: u64,
    /// `wall_clock`, in milliseconds.
    pub wall_clock: u64,
}

impl Scheduler {
    /// Nothing has run.
    pub const fn new() -> Scheduler {
        Scheduler {
            turns: 0,
            reductions: 0,
            idle_ns: 0,
            asked: Asked {
                reductions: 0,
                exact_reductions: 0,
                runtime: 0,
                wall_clock: 0,
            },
            measured_since: None,
            accounting: Accounting::new(),
            blockers: Blockers::new(),
            tasks: tasks::Tasks::new(),
            trace_control_word: 0,
            system_requests: 2,
            status: 0,
            native_base: 0,
            reductions_at_clock: 0,
            turns_since_clock: 0,
        }
    }
}

impl Default for Scheduler {
    fn default() -> Self {
        Scheduler::new()
    }
}

/// Runs the machine until it halts.
///
/// # Safety
/// The machine is alive, and nothing else borrows it or one of its processes from now on.
pub unsafe fn run(machine: NonNull<Machine>) -> ! {
    loop {
        // SAFETY: no process runs, so nothing borrows the machine.
        let process = unsafe { next(&mut *machine.as_ptr()) };
        // SAFETY: the table's processes are alive; this one has just left its queue.
        unsafe {
            let pid = (*process.as_ptr()).pid;
            let exit = native_stack::run(machine, process);
            turn_over(&mut *machine.as_ptr(), pid, exit);
        }
    }
}

/// The process that has the processor next. Sleeps until there is one, and halts
/// the machine if there can be none any more.
fn next(machine: &mut Machine) -> NonNull<Process> {
    let scheduler = &mut machine.scheduler;
    scheduler.turns_since_clock += 1;
    if scheduler.turns_since_clock >= CLOCK_TURNS
        || scheduler.reductions - scheduler.reductions_at_clock >= CLOCK_REDUCTIONS
    {
        look_at_clock(machine);
    }
    if events::are_waiting(machine) {
        events::wake(machine);
    }
    loop {
        if let Some(process) = exit::take_unwinding(machine) {
            return start_turn(machine, process);
        }
        if !machine.scheduler.tasks.is_empty() && tasks::carry_out(machine) {
            exit::carry_out(machine);
            resource::close_dead(machine);
            look_at_clock(machine);
            continue;
        }
        if let Some(process) = machine.processes.queues.take_next() {
            return start_turn(machine, process);
        }
        if events::are_waiting(machine) {
            events::wake(machine);
            continue;
        }
        if events::has_more(machine) {
            let now = machine.platform.monotonic_ns();
            events::handle(machine, now);
            continue;
        }
        if exit::linger(machine) {
            look_at_clock(machine);
            continue;
        }
        if machine.ets.has_buried() {
            machine.ets.free_some(FREED_WHEN_IDLE);
            look_at_clock(machine);
            continue;
        }
        if machine.processes.table.is_empty() {
            let status = machine.scheduler.status;
            machine.halt(status);
        }
        let deadline = earlier(
            machine.timers.next_deadline(),
            events::next_deadline(machine),
        );
        let before = machine.platform.monotonic_ns();
        machine.scheduler.accounting.enter(Activity::Sleep, before);
        observe::profile::scheduler(machine, am::INACTIVE);
        machine.platform.idle_until(deadline);
        let now = machine.platform.monotonic_ns();
        machine.scheduler.idle_ns += now.saturating_sub(before);
        machine.scheduler.accounting.enter(Activity::Port, now);
        observe::profile::scheduler(machine, am::ACTIVE);
        events::handle(machine, now);
        look_at_clock(machine);
    }
}

fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
}

/// Fires the timers whose time has come, and looks after the ports.
fn look_at_clock(machine: &mut Machine) {
    let scheduler = &mut machine.scheduler;
    scheduler.turns_since_clock = 0;
    scheduler.reductions_at_clock = scheduler.reductions;
    let (timers, ports) = (!machine.timers.is_empty(), events::want_time(machine));
    if timers || ports {
        let now = machine.platform.monotonic_ns();
        if warp::is_due(machine, now as i64) {
            warp::follow(machine);
        }
        if timers {
            machine.scheduler.accounting.enter(Activity::Aux, now);
            time::fire(machine, now);
        }
        if ports {
            enter(machine, Activity::Port);
            events::look(machine, now);
        }
        enter(machine, Activity::Emulator);
    }
}

/// Accounts for what begins now, if anything is accounted for.
pub fn enter(machine: &mut Machine, activity: Activity) -> Activity {
    if !machine.scheduler.accounting.is_on() {
        return activity;
    }
    let now = machine.platform.monotonic_ns();
    machine.scheduler.accounting.enter(activity, now)
}

fn start_turn(machine: &mut Machine, mut process: NonNull<Process>) -> NonNull<Process> {
    machine.scheduler.turns += 1;
    // SAFETY: the process has just left its queue, so it is alive, and nobody borrows it.
    let process_mut = unsafe { process.as_mut() };
    process_mut.state = State::Running;
    if core::mem::take(&mut process_mut.asleep) {
        gc::awake(machine, process_mut);
    }
    let pid = process_mut.pid;
    machine.processes.running = Some(pid);
    if process_mut.trace.is_some() {
        event::scheduled(machine, process_mut, am::IN);
    }
    observe::turn::begins(machine, pid);
    process
}

/// What follows when the interpreter has returned: counts, queues, carries out exits and closes resources that died.
fn turn_over(machine: &mut Machine, pid: Term, exit: Exit) {
    machine.processes.running = None;
    observe::turn::ends(machine, pid, exit);
    if let Some(process) = machine.processes.table.get_mut(pid) {
        let bumped = core::mem::take(&mut process.bumped_reductions);
        let used = (TURN - process.reductions_left).max(0) as u64 + bumped as u64;
        process.reductions += used;
        if exit == Exit::Wait && process.state == State::Running {
            process.state = State::Waiting;
        }
        machine.scheduler.reductions += used;
        let is_traced = process.trace.is_some();
        if process.paused.is_none() {
            process.wanted_outside = false;
            if !machine.processes.waiting_for_others.is_empty() {
                machine.processes.wake_waiting_for_others();
            }
        }
        if is_traced && let Some(process) = machine.processes.table.get(pid) {
            // SAFETY: the process is in the table, and what tells of it reaches no process but tracers, by their pids.
            event::turned_out(machine, unsafe { &mut *process.as_ptr() });
        }
    }
    if machine.scheduler.tasks.has_blocked() {
        machine.scheduler.tasks.unblock();
    }
    if !exit::begin_pending(machine, pid) && matches!(exit, Exit::Yield | Exit::Continue) {
        machine.processes.requeue(pid);
    }
    exit::carry_out(machine);
    exit::linger(machine);
    resource::close_dead(machine);
    if machine.ets.has_buried() {
        machine.ets.free_some(FREED_BETWEEN_TURNS);
    }
    if machine.platform.memory_is_low() {
        scarcity::relieve(machine, pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::ReceiveTimer;
    use crate::process::tests::{machine, process};

    #[test]
    fn an_idle_machine_sleeps_until_a_receive_times_out() {
        let machine = machine();
        let pid = process(machine);
        let deadline = machine.platform.monotonic_ns() + 50_000_000;
        let handle = machine.timers.start_receive(deadline, pid).unwrap();
        let waiting = machine.processes.table.get_mut(pid).unwrap();
        waiting.receive_timer = ReceiveTimer::Running(handle);
        let next = next(machine);
        // SAFETY: the process is in the table.
        let process = unsafe { next.as_ref() };
        assert_eq!((process.pid, process.state), (pid, State::Running));
        assert_eq!(process.receive_timer, ReceiveTimer::Fired);
        assert!(machine.platform.monotonic_ns() >= deadline);
        assert!(machine.scheduler.idle_ns >= 50_000_000);
        assert_eq!(machine.processes.running, Some(pid));
    }

    #[test]
    fn a_turn_is_counted_and_ends_behind_the_others() {
        let machine = machine();
        let (a, b) = (process(machine), process(machine));
        machine.processes.wake(a);
        machine.processes.wake(b);
        let mut first = next(machine);
        // SAFETY: the process is in the table.
        unsafe { first.as_mut() }.reductions_left = TURN - 100;
        turn_over(machine, a, Exit::Yield);
        assert_eq!(machine.scheduler.reductions, 100);
        // SAFETY: as above.
        assert_eq!(unsafe { next(machine).as_ref() }.pid, b);
        turn_over(machine, b, Exit::Wait);
        assert_eq!(machine.processes.queues.len(), 1);
        // SAFETY: as above.
        assert_eq!(unsafe { next(machine).as_ref() }.pid, a);
    }

    #[test]
    #[should_panic(expected = "halted with status 3")]
    fn without_a_process_the_machine_halts() {
        let machine = machine();
        machine.scheduler.status = 3;
        next(machine);
    }

    #[test]
    fn an_exit_that_waited_for_the_turn_is_carried_out_after_it() {
        let machine = machine();
        let pid = process(machine);
        machine.processes.wake(pid);
        next(machine);
        exit::begin(machine, pid, crate::atom::am::KILLED.term());
        assert!(machine.processes.alive(pid).is_some());
        turn_over(machine, pid, Exit::Yield);
        assert!(machine.processes.table.is_empty());
    }
}

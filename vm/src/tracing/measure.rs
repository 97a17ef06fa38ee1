//! How long calls take, and how much memory: `call_time` and `call_memory`.
//!
//! What a process does counts for the youngest call under way that is measured, and not for those that called it. A frame on the stack
//! ([`super::frames`]) remembers which call goes on when it returns. A process that gives up the processor stops its clock.

use super::session::SessionId;
use super::tracee::Tracee;
use crate::code::breakpoints::{Breakpoints, Wanted};
use crate::machine::Machine;
use crate::process::Process;
use hashbrown::HashMap;
use smallvec::SmallVec;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Nanoseconds.
    Time,
    /// Words of memory.
    Memory,
}

impl Kind {
    /// Both.
    pub const ALL: [Kind; 2] = [Kind::Time, Kind::Memory];

    /// What a session has measured of a function.
    pub fn of(self, wanted: &Wanted) -> Option<&Measurement> {
        match self {
            Kind::Time => wanted.time.as_ref(),
            Kind::Memory => wanted.memory.as_ref(),
        }
    }

    fn of_mut(self, wanted: &mut Wanted) -> Option<&mut Measurement> {
        match self {
            Kind::Time => wanted.time.as_mut(),
            Kind::Memory => wanted.memory.as_mut(),
        }
    }
}

/// What one process did in a function.
#[derive(Clone, Copy, Default)]
pub struct Amount {
    /// Calls.
    pub calls: u64,
    /// Nanoseconds or words.
    pub total: u64,
}

/// What was measured of a function.
#[derive(Default)]
pub struct Measurement {
    /// Whether it stays as it is.
    pub paused: bool,
    /// By process (the data of its pid).
    pub amounts: HashMap<u64, Amount>,
}

/// A call that is being measured.
#[derive(Clone, Copy)]
struct Running {
    session: SessionId,
    kind: Kind,
    /// Where the function's breakpoint is; 0 for none.
    function: usize,
    since: u64,
}

/// What of a process is being measured.
#[derive(Default)]
pub struct Measured {
    running: SmallVec<[Running; 1]>,
    /// Words that collections have freed.
    freed: u64,
}

/// What the measure of `kind` says now: monotonic time, or all words that the process has ever allocated.
fn reading(machine: &mut Machine, process: &Process, kind: Kind) -> u64 {
    match kind {
        Kind::Time => machine.platform.monotonic_ns(),
        Kind::Memory => {
            let freed = process.trace.as_ref().map_or(0, |t| t.measured.freed);
            words_in_use(process) + freed
        }
    }
}

/// Words that the process has on its heap.
pub fn words_in_use(process: &Process) -> u64 {
    let heap = &process.heap;
    let young = (process.heap_top() as usize - heap.block.start() as usize) / 8;
    (young + heap.old_used() + heap.fragment_words) as u64
}

/// A collection has freed words.
pub fn freed(tracee: &mut Tracee, words: u64) {
    tracee.measured.freed += words;
}

/// Adds to what a process did in a function, if that is still measured.
fn add(breakpoints: &mut Breakpoints, running: &Running, pid: u64, calls: u64, amount: u64) {
    let breakpoint = breakpoints.at_mut(running.function as *const u8);
    let mut wanted = breakpoint.into_iter().flat_map(|b| b.wanted.iter_mut());
    let Some(wanted) = wanted.find(|wanted| wanted.session == running.session) else {
        return;
    };
    let Some(measurement) = running.kind.of_mut(wanted).filter(|m| !m.paused) else {
        return;
    };
    // Without memory for it the process is not counted.
    if measurement.amounts.try_reserve(1).is_err() {
        return;
    }
    let own = measurement.amounts.entry(pid).or_default();
    own.calls += calls;
    own.total += amount;
}

/// What was measured until now counts for what was measured; from now on `function` is (0 for none). What was, before.
pub fn switch_to(
    machine: &mut Machine,
    process: &mut Process,
    session: SessionId,
    kind: Kind,
    function: usize,
    is_call: bool,
) -> usize {
    let now = reading(machine, process, kind);
    let pid = process.pid.identifier_data();
    let Some(tracee) = &mut process.trace else {
        return 0;
    };
    let all = &mut tracee.measured.running;
    let index = all
        .iter()
        .position(|running| running.session == session && running.kind == kind);
    let next = Running {
        session,
        kind,
        function,
        since: now,
    };
    let before = match index {
        Some(index) => core::mem::replace(&mut all[index], next),
        None => {
            all.push(next);
            Running {
                function: 0,
                ..next
            }
        }
    };
    let breakpoints = &mut machine.code.breakpoints;
    if before.function != 0 {
        let amount = now.saturating_sub(before.since);
        add(breakpoints, &before, pid, 0, amount);
    }
    if is_call {
        add(breakpoints, &next, pid, 1, 0);
    }
    before.function
}

/// The process gives up the processor: time that goes by is not its own.
pub fn stop(machine: &mut Machine, process: &mut Process) {
    let now = machine.platform.monotonic_ns();
    let pid = process.pid.identifier_data();
    let Some(tracee) = &mut process.trace else {
        return;
    };
    for running in &mut tracee.measured.running {
        if running.kind == Kind::Time && running.function != 0 {
            let amount = now.saturating_sub(running.since);
            add(&mut machine.code.breakpoints, running, pid, 0, amount);
            running.since = now;
        }
    }
}

/// The process has the processor again.
pub fn start(machine: &mut Machine, process: &mut Process) {
    let now = machine.platform.monotonic_ns();
    if let Some(tracee) = &mut process.trace {
        let times = tracee.measured.running.iter_mut();
        for running in times.filter(|running| running.kind == Kind::Time) {
            running.since = now;
        }
    }
}

/// What is being measured of the running process counts until now, for who asks.
pub fn settle(machine: &mut Machine, process: &mut Process) {
    stop(machine, process);
    let now = reading(machine, process, Kind::Memory);
    let pid = process.pid.identifier_data();
    if let Some(tracee) = &mut process.trace {
        for running in &mut tracee.measured.running {
            if running.kind == Kind::Memory && running.function != 0 {
                let amount = now.saturating_sub(running.since);
                add(&mut machine.code.breakpoints, running, pid, 0, amount);
                running.since = now;
            }
        }
    }
}

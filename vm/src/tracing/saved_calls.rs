//! `process_flag(save_calls, N)`: the last calls of a process, for `process_info(Pid, last_calls)` and crash dumps.
//!
//! What is remembered are calls that name the module, messages that are sent or received, and time that is over in a `receive`. The calls
//! are seen by breakpoints on the stubs of all export entries, in a session of their own that no program can ask for.
//!
//! Invariant: the breakpoints are there while [`Saving::processes`] is not 0, and it is the number of processes that have
//! [`SavedCalls`]. Where nobody saves calls, nothing of this is looked at but [`Process::saves_calls`].
//!
//! Who calls this: the built-in functions that set the flag, [`super::call`], the sending and receiving instructions, the end of a process.

use super::session::SessionId;
use crate::atom::am;
use crate::code::Code;
use crate::code::breakpoints::{Functions, Site};
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::process::{Process, try_box};
use crate::term::Term;
use crate::term::fun::Mfa;
use alloc::boxed::Box;
use alloc::collections::VecDeque;

/// The session of the breakpoints that save calls.
const SESSION: SessionId = u32::MAX - 1;

/// One thing that a process did.
#[derive(Clone, Copy)]
pub enum Saved {
    /// It called a function by the name of its module.
    Call(Mfa),
    /// It sent a message.
    Send,
    /// It received one.
    Receive,
    /// The time of a `receive` was over.
    Timeout,
}

/// The last calls of one process.
pub struct SavedCalls {
    /// The oldest first.
    ring: VecDeque<Saved>,
    /// Most that are kept.
    limit: usize,
}

impl SavedCalls {
    fn new(limit: usize) -> Result<Box<SavedCalls>, NoMemory> {
        let mut ring = VecDeque::new();
        ring.try_reserve_exact(limit).map_err(|_| NoMemory)?;
        try_box(SavedCalls { ring, limit })
    }

    /// What is remembered, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Saved> {
        self.ring.iter()
    }

    /// How many can be remembered.
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn push(&mut self, saved: Saved) {
        if self.ring.len() == self.limit {
            self.ring.pop_front();
        }
        // There is room: the ring was made for `limit`.
        self.ring.push_back(saved);
    }
}

/// How many processes save calls.
#[derive(Default)]
pub struct Saving {
    /// Those that have [`SavedCalls`].
    processes: usize,
}

/// Remembers what the process did, if it is to.
#[cold]
#[inline(never)]
pub fn save(process: &mut Process, saved: Saved) {
    let rare = process.rare.as_mut();
    if let Some(calls) = rare.and_then(|rare| rare.saved_calls.as_mut()) {
        calls.push(saved);
    }
}

/// `process_flag(Pid, save_calls, Limit)`: how many it has remembered at most until now. `None` if there is no such process.
pub fn set(machine: &mut Machine, pid: Term, limit: usize) -> Result<Option<usize>, NoMemory> {
    let Some(process) = machine.processes.alive(pid) else {
        return Ok(None);
    };
    let calls = match limit {
        0 => None,
        limit => Some(SavedCalls::new(limit)?),
    };
    let rare = process.rare()?;
    let (old, saves) = (rare.saved_calls.as_ref().map(|c| c.limit), calls.is_some());
    if saves && old.is_none() {
        start(machine)?;
    }
    if let Some(process) = machine.processes.alive(pid) {
        process.saves_calls = saves;
        process.rare()?.saved_calls = calls;
    }
    if !saves && old.is_some() {
        stop(machine);
    }
    Ok(Some(old.unwrap_or(0)))
}

/// One more process saves calls.
fn start(machine: &mut Machine) -> Result<(), NoMemory> {
    if machine.tracing.saving.processes == 0 {
        let everything = Functions {
            module: None,
            function: None,
            arity: None,
        };
        let sites = machine.code.export_sites(&everything)?;
        if let Err(error) = install(&mut machine.code, &sites) {
            machine.code.clear_breakpoints(SESSION);
            return Err(error);
        }
        machine.code.saves_calls = true;
    }
    machine.tracing.saving.processes += 1;
    Ok(())
}

/// A process that saved calls does so no more.
pub fn stop(machine: &mut Machine) {
    let saving = &mut machine.tracing.saving;
    saving.processes = saving.processes.saturating_sub(1);
    if saving.processes == 0 {
        machine.code.saves_calls = false;
        machine.code.clear_breakpoints(SESSION);
    }
}

/// Whether a call of the function is an instruction of its own in OTP: such a one is not saved.
fn is_instruction(function: Mfa) -> bool {
    let call = (function.function, function.arity);
    function.module == am::ERLANG
        && matches!(
            call,
            (am::YIELD, 0) | (am::APPLY, 2 | 3) | (am::HIBERNATE, 3)
        )
}

/// Calls of these functions are saved from now on.
pub(crate) fn install(code: &mut Code, sites: &[Site]) -> Result<(), NoMemory> {
    sites
        .iter()
        .filter(|site| !is_instruction(site.function))
        .try_for_each(|site| code.change_breakpoint(site, SESSION, |wanted| wanted.saved = true))
}

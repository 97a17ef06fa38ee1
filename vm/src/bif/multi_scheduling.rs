//! `system_flag(multi_scheduling, …)`: who wants that one scheduler alone runs.
//!
//! Which is so at all times, so nothing happens but that it is told, as on an OTP with one scheduler (`+S 1`): the state, and no names of those who block.

use super::{Context, Fail, Value};
use crate::atom::am;
use crate::term::Term;
use alloc::vec::Vec;

/// How often a process blocks.
#[derive(Clone, Copy, Debug)]
struct Blocker {
    pid: Term,
    all: u32,
    normal: u32,
}

/// Processes that block, each once.
#[derive(Debug, Default)]
pub(crate) struct Blockers(Vec<Blocker>);

impl Blockers {
    /// Nobody.
    pub(crate) const fn new() -> Blockers {
        Blockers(Vec::new())
    }
}

/// `enabled`, `blocked` or `blocked_normal`. Those who have died block no longer.
pub(super) fn state(cx: &mut Context) -> Value {
    let machine = cx.machine();
    let processes = &mut machine.processes;
    let blockers = &mut machine.scheduler.blockers.0;
    blockers.retain(|b| (b.all > 0 || b.normal > 0) && processes.alive(b.pid).is_some());
    let state = if blockers.iter().any(|b| b.all > 0) {
        "blocked"
    } else if blockers.is_empty() {
        "enabled"
    } else {
        "blocked_normal"
    };
    cx.atom(state)
}

/// Blocks, or takes back one block of the caller's; the state after it.
pub(super) fn set(cx: &mut Context, value: Term) -> Value {
    let pid = cx.process().pid;
    let blockers = &mut cx.machine().scheduler.blockers.0;
    let at = match blockers.iter().position(|b| b.pid == pid) {
        Some(at) => at,
        None => {
            blockers.try_reserve(1).map_err(|_| Fail::NoMemory)?;
            let (all, normal) = (0, 0);
            blockers.push(Blocker { pid, all, normal });
            blockers.len() - 1
        }
    };
    let own = &mut blockers[at];
    match value.as_atom() {
        Some(am::BLOCK) => own.all += 1,
        Some(am::BLOCK_NORMAL) => own.normal += 1,
        Some(am::UNBLOCK) => own.all = own.all.saturating_sub(1),
        Some(am::UNBLOCK_NORMAL) => own.normal = own.normal.saturating_sub(1),
        _ => return Err(Fail::Badarg),
    }
    state(cx)
}

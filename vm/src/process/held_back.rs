//! Collections that others asked of a process while it holds them back (`erts_debug:set_internal_state(gc_state, false)`, of OTP's own tests).
//!
//! A process that holds collections back still collects when it needs room; what waits is what others ask of it. A request is kept
//! in its memory and answered when it lets collections happen again, or when it ends: every one is answered once.
//!
//! Who calls this: `erts_internal:request_system_task`, `set_internal_state`, and the end of a process.

use super::{Process, signal};
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use crate::term::copy::copy;
use alloc::vec::Vec;

/// Who asked, and with what name for the request; the latter is in the memory of the process that holds it back.
#[derive(Debug)]
pub struct Request {
    pub(super) requester: Term,
    pub(super) id: Term,
}

/// The requests that a process holds back, the oldest first.
#[derive(Debug, Default)]
pub struct HeldBack(pub(super) Vec<Request>);

impl HeldBack {
    /// The terms of the requests: roots of the process.
    pub fn for_each_root(&mut self, visit: &mut dyn FnMut(&mut Term)) {
        for request in &mut self.0 {
            visit(&mut request.requester);
            visit(&mut request.id);
        }
    }

    /// Tells all who asked `{garbage_collect, Id, done}`. `process` is the one that held the requests back.
    pub fn answer(self, machine: &mut Machine, process: Term, done: bool) -> Result<(), NoMemory> {
        for Request { requester, id } in self.0 {
            let Some(owner) = machine.processes.table.get_mut(process) else {
                break;
            };
            let answer = [am::GARBAGE_COLLECT.term(), id, Term::boolean(done)];
            let answer = owner.heap.tuple(&answer)?;
            signal::send(machine, process, requester, answer)?;
        }
        Ok(())
    }
}

/// Keeps the request if `target` holds collections back; whether it does. `id` is anybody's term.
pub fn hold(
    machine: &mut Machine,
    target: Term,
    requester: Term,
    id: Term,
) -> Result<bool, NoMemory> {
    let literals = machine.literals.clone();
    let Some(process) = machine.processes.alive(target) else {
        return Ok(false);
    };
    let Process { rare, heap, .. } = process;
    let held = rare.as_mut().and_then(|rare| rare.held_back.as_mut());
    let Some(HeldBack(requests)) = held else {
        return Ok(false);
    };
    requests.try_reserve(1).map_err(|_| NoMemory)?;
    let id = copy(id, heap, &literals)?;
    requests.push(Request { requester, id });
    Ok(true)
}

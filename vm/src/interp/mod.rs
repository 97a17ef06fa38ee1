//! The interpreter of ling.
//!
//! [`run`] gives a process the processor until it has to give it up. [`cpu`] says how instructions lead to each other,
//! [`operand`] how their operands are read, [`ops`] what they do, [`slow`] and [`exception`] what they do out of line.

pub(crate) mod cpu;
pub(crate) mod exception;
pub(crate) mod operand;
pub(crate) mod ops;
pub(crate) mod slow;
pub(crate) mod table;
pub(crate) mod trace;
pub(crate) mod undefined;

use crate::atom::am;
use crate::machine::Machine;
use crate::process::{Process, exit};
use core::ptr::NonNull;

/// Reductions in one turn (OTP: `CONTEXT_REDS`).
pub const TURN: isize = 4000;

/// Why a process has no longer the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Exit {
    /// It has not: the next instruction is at the process's `ip`. Only inside the interpreter.
    Continue,
    /// Its turn is over, or it yielded; it can go on.
    Yield,
    /// It waits for a message or a timeout.
    Wait,
    /// It has ended, and is no more.
    Exited,
}

/// Runs `process` for a turn.
///
/// # Safety
/// Both are alive, nothing else borrows them, and the process is in no queue.
pub unsafe fn run(machine: NonNull<Machine>, process: NonNull<Process>) -> Exit {
    let (machine, process) = (machine.as_ptr(), process.as_ptr());
    // SAFETY: the caller's promise; what is saved in the process was saved by this interpreter.
    unsafe {
        (*process).saved.restore(&mut (*machine).x);
        (*process).reductions_left = TURN;
        loop {
            let ip = (*process).ip;
            let opcode = ip.cast::<u16>().read() as usize;
            let handler = (*machine).handlers[opcode];
            let (stack, top) = ((*process).heap.stack, (*process).heap.top);
            let exit = handler(ip, machine, stack, top, (*process).reductions_left, process);
            // Handlers that do not jump to the next one come back here for it.
            match exit {
                Exit::Continue => {}
                Exit::Exited => {
                    let reason = (*process).pending_exit.unwrap_or(am::NORMAL.term());
                    exit::end(&mut *machine, NonNull::new_unchecked(process), reason);
                    return Exit::Exited;
                }
                exit => return exit,
            }
        }
    }
}

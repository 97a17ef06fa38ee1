//! What handlers do out of line: everything that takes the address of something, or is rare.
//!
//! Invariant of every function here: the caller has saved the interpreter's registers to the process before, and
//! loads them again behind. Machine and process are alive and not borrowed.

use super::{Exit, exception};
use crate::atom::am;
use crate::bif::{Context, Fail, MAX_BUILT_IN_ARITY, Value, apply};
use crate::code::export::Export;
use crate::code::stubs;
use crate::machine::Machine;
use crate::memory::arena::Arena;
use crate::memory::gc::{self, Collection};
use crate::number;
use crate::process::{Process, State};
use crate::term::fun::Meta;
use crate::term::{Subtag, Term, compare};
use crate::tracing::frames;
use core::ptr::NonNull;

/// Words in fragments beyond which a built-in function's return collects, and an exception.
pub(super) const FRAGMENT_LIMIT: usize = 4096;

/// Makes room for `words` words, with the first `live` X registers as roots. False if there is no memory.
#[cold]
#[inline(never)]
pub(crate) unsafe fn collect(
    machine: *mut Machine,
    process: *mut Process,
    words: usize,
    live: usize,
) -> bool {
    // SAFETY: the module's invariant.
    unsafe { gc::collect(&mut *machine, &mut *process, words, live).is_ok() }
}

/// Writes the X registers to the process, which goes on at `ip`. Collects if much lies in fragments: see [`Cpu::shorten_turn_if_crowded`].
///
/// [`Cpu::shorten_turn_if_crowded`]: super::cpu::Cpu::shorten_turn_if_crowded
#[cold]
#[inline(never)]
pub(crate) unsafe fn switch_out(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    live: usize,
    reductions_left: isize,
) {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    process.ip = ip;
    process.reductions_left = reductions_left;
    let heap = &process.heap;
    let is_crowded = heap.fragment_words > FRAGMENT_LIMIT || heap.adopted.wants_full_sweep();
    let collected = !is_crowded || gc::collect(machine, process, 0, live).is_ok();
    if !collected || process.saved.save(&machine.x[..live]).is_err() {
        // More than a few registers, and not even room for those: the process cannot go on.
        process.ip = stubs::out_of_memory();
    }
}

/// A built-in function whose calls are traced is called last of all, in a frame of so many words: the frame stays until it returns. False
/// if there is no memory.
#[cold]
#[inline(never)]
pub(crate) unsafe fn lay_tail_call(
    machine: *mut Machine,
    process: *mut Process,
    export: *const Export,
    ip: *const u8,
    frame: usize,
) -> bool {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    // SAFETY: entries live as long as the machine.
    let arity = unsafe { (*export).mfa().arity } as usize;
    if process.heap.free_words() <= frames::TAIL_WORDS
        && gc::collect(machine, process, frames::TAIL_WORDS + 1, arity).is_err()
    {
        return false;
    }
    frames::push_tail_call(process, ip, frame);
    true
}

/// The opcode of the instruction at `ip`, whether it has a breakpoint or not.
#[cold]
#[inline(never)]
pub(crate) unsafe fn opcode_at(machine: *mut Machine, ip: *const u8) -> usize {
    // SAFETY: the module's invariant; an instruction is at `ip`.
    unsafe { (*machine).code.opcode_at(ip).into() }
}

/// Words outside the heap's block, or null.
#[cold]
#[inline(never)]
pub(crate) unsafe fn allocate(process: *mut Process, words: usize) -> *mut u64 {
    // SAFETY: the module's invariant.
    unsafe {
        (*process)
            .heap
            .allocate(words)
            .map_or(core::ptr::null_mut(), NonNull::as_ptr)
    }
}

/// A value as one machine word; for `None`, the process's `failed_with` says why. (A [`Value`] is returned in
/// memory, and a handler that reserves memory for it cannot end in a jump.)
#[inline(always)]
pub(crate) unsafe fn in_register(process: *mut Process, value: Value) -> Option<Term> {
    match value {
        Ok(value) => Some(value),
        Err(fail) => {
            // SAFETY: the module's invariant.
            unsafe { (*process).failed_with = fail };
            None
        }
    }
}

/// Arithmetic that the handler left; see [`in_register`]. With huge integers it may let others run.
#[inline(never)]
pub(crate) unsafe fn number2(
    machine: *mut Machine,
    process: *mut Process,
    operation: number::Binary,
    a: Term,
    b: Term,
) -> Option<Term> {
    // SAFETY: the module's invariant.
    unsafe {
        let mut context = Context::new(
            NonNull::new_unchecked(machine),
            NonNull::new_unchecked(process),
        );
        in_register(process, operation(&mut context, a, b))
    }
}

/// As [`number2`], with one operand.
#[inline(never)]
pub(crate) unsafe fn number1(
    machine: *mut Machine,
    process: *mut Process,
    operation: number::Unary,
    a: Term,
) -> Option<Term> {
    // SAFETY: the module's invariant.
    unsafe {
        let mut context = Context::new(
            NonNull::new_unchecked(machine),
            NonNull::new_unchecked(process),
        );
        in_register(process, operation(&mut context, a))
    }
}

/// Term order: below zero, zero or above.
#[inline(never)]
pub(crate) unsafe fn compare(machine: *mut Machine, a: Term, b: Term) -> i32 {
    if let (Some(x), Some(y)) = (a.as_float(), b.as_float()) {
        // No float is not a number.
        return (x > y) as i32 - (x < y) as i32;
    }
    // SAFETY: the module's invariant.
    unsafe { compare::compare(&(*machine).atoms, a, b) as i32 }
}

/// `a == b`.
#[inline(never)]
pub(crate) fn equal(a: Term, b: Term) -> bool {
    compare::equal(a, b)
}

/// `a =:= b`.
#[inline(never)]
pub(crate) fn exact_equal(a: Term, b: Term) -> bool {
    compare::exact_equal(a, b)
}

/// As a float.
#[inline(never)]
pub(crate) fn to_float(value: Term) -> Option<f64> {
    number::to_f64(value)
}

/// `is_function(Fun, Arity)`.
#[inline(never)]
pub(crate) fn is_function_of_arity(fun: Term, arity: Term) -> bool {
    match (fun.as_object(Subtag::Fun), arity.as_small()) {
        (Some(words), Some(arity)) => Meta::unpack(words[1]).arity as i64 == arity,
        _ => false,
    }
}

/// How a call of a built-in function ended.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Outcome {
    /// The value is in X[0].
    Value,
    /// It failed: `process.failed_with` says how.
    Failed,
    /// Another function is to be called.
    Trap,
    /// The process gives up the processor, or is exiting.
    Suspend,
    /// Its calls are traced: the stub of its entry is to be called.
    Traced,
}

/// Calls a built-in function with its arguments in X registers; the value goes to X[0].
#[inline(never)]
pub(crate) unsafe fn call_built_in(
    machine: *mut Machine,
    process: *mut Process,
    export: *const Export,
    ip: *const u8,
) -> Outcome {
    // SAFETY: the module's invariant. The arguments are copied: a function that sets X registers (for a trap) may do so
    // while it has them.
    unsafe {
        (*process).ip = ip;
        match (*export).direct {
            None => Outcome::Traced,
            function => run_built_in(machine, process, export, function),
        }
    }
}

/// Calls the built-in function of `export`, whose breakpoint has been seen to.
#[cold]
#[inline(never)]
pub(crate) unsafe fn call_traced(
    machine: *mut Machine,
    process: *mut Process,
    export: *const Export,
) -> Outcome {
    // SAFETY: the module's invariant; entries live as long as the machine.
    unsafe { run_built_in(machine, process, export, (*export).built_in) }
}

/// The entry of the built-in function that `erlang:apply/3` is about to call, if its calls are traced; otherwise null.
#[cold]
#[inline(never)]
pub(crate) unsafe fn take_applied(machine: *mut Machine, process: *mut Process) -> *const Export {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    let applies = core::mem::take(&mut machine.tracing.applies);
    let trap = process.trap.take_if(|_| applies);
    trap.map_or(core::ptr::null(), |trap| trap.export.as_ptr().cast())
}

/// Calls `function`, the built-in function of `export`, with its arguments in X registers; the value goes to X[0].
#[inline(always)]
unsafe fn run_built_in(
    machine: *mut Machine,
    process: *mut Process,
    export: *const Export,
    function: Option<crate::bif::Function>,
) -> Outcome {
    // SAFETY: as for `call_built_in`.
    unsafe {
        let arity = (*export).mfa().arity as usize;
        let mut arguments = [Term::NIL; MAX_BUILT_IN_ARITY];
        let arguments = &mut arguments[..arity.min(MAX_BUILT_IN_ARITY)];
        arguments.copy_from_slice(&(&(*machine).x)[..arguments.len()]);
        let Some(function) = function else {
            return Outcome::Failed;
        };
        let mut context = Context::of_function(
            NonNull::new_unchecked(machine),
            NonNull::new_unchecked(process),
            NonNull::new_unchecked(export.cast_mut()),
        );
        match function(&mut context, arguments) {
            Ok(value) => {
                (*machine).x[0] = value;
                let process = &mut *process;
                if process.heap.fragment_words > FRAGMENT_LIMIT
                    || process.heap.off_heap.wants_collection()
                    || process.requested.is_some()
                    || (*machine).options.collect_always
                {
                    return after_collecting(machine, process);
                }
                Outcome::Value
            }
            Err(Fail::Trap) => Outcome::Trap,
            Err(Fail::Suspend) => Outcome::Suspend,
            Err(fail) => {
                (*process).failed_with = fail;
                Outcome::Failed
            }
        }
    }
}

/// Collects with the value in X[0] as root.
#[cold]
#[inline(never)]
unsafe fn after_collecting(machine: *mut Machine, process: &mut Process) -> Outcome {
    // SAFETY: the module's invariant.
    let machine = unsafe { &mut *machine };
    let done = match process.requested.take() {
        Some(Collection::Full) => gc::collect_fully(machine, process, 1),
        Some(Collection::Minor) | None => gc::collect(machine, process, 0, 1),
    };
    match done {
        Ok(()) => Outcome::Value,
        Err(_) => {
            process.failed_with = Fail::NoMemory;
            Outcome::Failed
        }
    }
}

/// What follows a call that did not end with a value. The stack's youngest slot has the return address,
/// unless the call failed.
#[cold]
#[inline(never)]
pub(crate) unsafe fn built_in_ended(
    machine: *mut Machine,
    process: *mut Process,
    export: *const Export,
    ip: *const u8,
    outcome: Outcome,
    reductions_left: isize,
) -> Exit {
    // SAFETY: the module's invariant.
    unsafe {
        (*process).reductions_left = reductions_left;
        match outcome {
            Outcome::Value => Exit::Continue,
            Outcome::Failed => {
                let arity = (*export).mfa().arity as usize;
                let mut arguments = [Term::NIL; MAX_BUILT_IN_ARITY];
                arguments[..arity].copy_from_slice(&(&(*machine).x)[..arity]);
                let fail = (*process).failed_with;
                exception::raise_built_in(machine, process, ip, export, fail, &arguments[..arity])
            }
            Outcome::Trap => {
                let Some(trap) = (*process).trap.take() else {
                    return Exit::Continue;
                };
                (*process).ip = (*trap.export.cast::<Export>().as_ptr()).entry.code;
                Exit::Continue
            }
            Outcome::Suspend => suspended(machine, process),
            Outcome::Traced => {
                (*process).ip = (*export).entry.code;
                Exit::Continue
            }
        }
    }
}

/// A built-in function gave up the processor: the process goes on at the return address with X[0], unless it
/// is exiting, as it always is where an instruction or a guard was left.
#[cold]
#[inline(never)]
pub(crate) unsafe fn suspended(machine: *mut Machine, process: *mut Process) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match process.state {
        State::Exiting => Exit::Exited,
        state => {
            if core::mem::take(&mut process.hibernating) {
                process.catches = 0;
                process.heap.empty_stack();
                if process.asleep {
                    // Best effort: without memory for a smaller heap it keeps the one it has.
                    let _ = gc::collect_to_sleep(machine, process);
                }
            } else {
                process.ip = stubs::continue_exit();
                // One register is always kept without memory.
                let _ = process.saved.save(&machine.x[..1]);
            }
            if state == State::Waiting {
                Exit::Wait
            } else {
                Exit::Yield
            }
        }
    }
}

/// Calls a built-in function from a guard or body instruction; see [`in_register`].
#[inline(never)]
pub(crate) unsafe fn call_guard(
    machine: *mut Machine,
    process: *mut Process,
    export: *const Export,
    a: Term,
    b: Term,
    c: Term,
    arity: usize,
) -> Option<Term> {
    // SAFETY: the module's invariant.
    unsafe {
        let Some(function) = (*export).built_in else {
            return in_register(process, Err(Fail::Badarg));
        };
        let mut context = Context::new(
            NonNull::new_unchecked(machine),
            NonNull::new_unchecked(process),
        );
        in_register(process, function(&mut context, &[a, b, c][..arity]))
    }
}

/// Raises what [`call_guard`] failed with.
#[cold]
#[inline(never)]
pub(crate) unsafe fn guard_failed(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    export: *const Export,
    a: Term,
    b: Term,
    c: Term,
) -> Exit {
    // SAFETY: the module's invariant.
    unsafe {
        let fail = (*process).failed_with;
        let arity = (*export).mfa().arity as usize;
        exception::raise_built_in(machine, process, ip, export, fail, &[a, b, c][..arity])
    }
}

/// The entry for `apply`: module in X[arity], function in X[arity + 1]. A call of `apply/3` is what it calls, as in OTP, whose
/// arguments are in the registers then; the entry says how many. A failure has been raised: `process.outcome` says with what outcome.
#[cold]
#[inline(never)]
pub(crate) unsafe fn resolve_apply(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    arity: usize,
) -> Option<NonNull<Export>> {
    // SAFETY: the module's invariant.
    unsafe {
        let (module, function) = ((&(*machine).x)[arity], (&(*machine).x)[arity + 1]);
        match (module.as_atom(), function.as_atom()) {
            (Some(mut module), Some(mut function)) => {
                let mut arity = arity;
                while (module, function, arity) == (am::ERLANG, am::APPLY, 3) {
                    let x = &mut (*machine).x;
                    let (Some(inner), Some(called)) = (x[0].as_atom(), x[1].as_atom()) else {
                        break;
                    };
                    let list = x[2];
                    let Some(count) = apply::spread(&mut x[..], list) else {
                        break;
                    };
                    (module, function, arity) = (inner, called, count);
                }
                Some((*machine).code.export(module, function, arity as u8))
            }
            _ => {
                (*process).outcome =
                    exception::raise_bad_apply(machine, process, ip, module, function, arity);
                None
            }
        }
    }
}

/// The reason of a call of a value that is no fun of that arity.
pub(crate) fn bad_fun_reason(process: &mut Process, fun: Term, arguments: &[Term]) -> Value {
    let heap = &mut process.heap;
    let reason = if fun.is_fun() {
        let arguments = heap.list(arguments)?;
        let call = heap.tuple(&[fun, arguments])?;
        heap.tuple(&[am::BADARITY.term(), call])?
    } else {
        heap.tuple(&[am::BADFUN.term(), fun])?
    };
    Ok(reason)
}

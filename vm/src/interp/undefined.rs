//! Calls of functions and funs that are not there.
//!
//! OTP's error handler (a module, `error_handler` unless the process says otherwise) is called in their place. It loads the module in interactive
//! mode and calls again. A bare machine, which has no code server, loads the module itself. Where neither helps, `undef` or `badfun` is raised.
//!
//! Invariant of every function that is called by handlers: as in [`super::slow`].

use super::{Exit, exception, slow};
use crate::atom::am;
use crate::code::export::Export;
use crate::code::fun_entry::FunEntry;
use crate::code::link;
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::memory::arena::Arena;
use crate::process::Process;
use crate::term::fun::{FUN_WORDS, Meta};
use crate::term::{Atom, Header, Subtag, Term};
use crate::tracing::saved_calls::{self, Saved};

/// An export entry without a function was called.
#[cold]
#[inline(never)]
pub(crate) unsafe fn call_undefined(
    machine: *mut Machine,
    process: *mut Process,
    export: *const Export,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    // SAFETY: entries live as long as the machine. It is looked at again for each question: loading changes it.
    let entry = || unsafe { &*export };
    let called = entry().mfa();
    let save = |process: &mut Process| {
        if process.saves_calls {
            saved_calls::save(process, Saved::Call(called));
        }
    };
    if machine.options.bare {
        load_bare(machine, called.module);
        if entry().is_defined() {
            process.ip = entry().entry.code;
            return Exit::Continue;
        }
    } else if let Some(handler) = error_handler(machine, process, am::UNDEFINED_FUNCTION) {
        save(process);
        let Ok(arguments) = process.heap.list(&machine.x[..called.arity as usize]) else {
            return exception::die_of_memory(machine, process);
        };
        machine.x[..3].copy_from_slice(&[called.module.term(), called.function.term(), arguments]);
        process.ip = handler;
        return Exit::Continue;
    }
    save(process);
    // SAFETY: the module's invariant.
    unsafe {
        exception::raise_undefined(
            machine,
            process,
            called.module,
            called.function,
            called.arity as usize,
        )
    }
}

/// A fun without code was called, with its arguments and free variables in X registers.
#[cold]
#[inline(never)]
pub(crate) unsafe fn call_undefined_fun(
    machine: *mut Machine,
    process: *mut Process,
    entry: *const FunEntry,
    reductions_left: isize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    // SAFETY: as for `call_undefined`.
    let fun_entry = || unsafe { &*entry };
    let module = fun_entry().entry.identity.module;
    let arity = fun_entry().entry.identity.arity as usize;
    let registers = arity + fun_entry().free as usize;
    // It may have waited for a purge that was given up.
    if fun_entry().is_defined() {
        process.ip = fun_entry().entry.code;
        return Exit::Continue;
    }
    // While the module is being purged nobody gets into it: the process waits and looks again.
    match machine.code.wait_for_purge(module, process.pid) {
        Ok(true) => {
            machine.processes.suspend(process.pid);
            // OTP's function that makes the call again when the purge has ended, or, without OTP, the call itself.
            let purger = am::ERTS_CODE_PURGER;
            let (ip, registers) = match defined(machine, purger, am::PENDING_PURGE_LAMBDA) {
                Some(code) => {
                    let Ok(()) = pass_fun(machine, process, fun_entry(), arity) else {
                        return exception::die_of_memory(machine, process);
                    };
                    (code, 3)
                }
                None => (fun_entry().entry.code, registers),
            };
            // SAFETY: the module's invariant.
            unsafe { slow::switch_out(machine, process, ip, registers, reductions_left) };
            return Exit::Yield;
        }
        Ok(false) => {}
        Err(NoMemory) => return exception::die_of_memory(machine, process),
    }
    if machine.options.bare {
        load_bare(machine, module);
    }
    if fun_entry().is_defined() {
        process.ip = fun_entry().entry.code;
        return Exit::Continue;
    }
    // A module that is loaded and lacks the fun will not have it after another attempt either.
    if !machine.code.is_loaded(module)
        && let Some(handler) = error_handler(machine, process, am::UNDEFINED_LAMBDA)
    {
        let Ok(()) = pass_fun(machine, process, fun_entry(), arity) else {
            return exception::die_of_memory(machine, process);
        };
        process.ip = handler;
        return Exit::Continue;
    }
    let Ok(fun) = fun_in_registers(machine, process, fun_entry(), arity) else {
        return exception::die_of_memory(machine, process);
    };
    // SAFETY: a process that runs has a word on its stack; the youngest is the slot of the return address.
    let caller = unsafe { *process.heap.stack }.wrapping_sub(1) as *const u8;
    let Ok(reason) = process.heap.tuple(&[am::BADFUN.term(), fun]) else {
        return exception::die_of_memory(machine, process);
    };
    // SAFETY: the module's invariant.
    unsafe { exception::raise_error(machine, process, caller, reason) }
}

/// Replaces arguments and free variables in X registers by module, fun and a list of the arguments.
fn pass_fun(
    machine: &mut Machine,
    process: &mut Process,
    entry: &FunEntry,
    arity: usize,
) -> Result<(), NoMemory> {
    let fun = fun_in_registers(machine, process, entry, arity)?;
    let arguments = process.heap.list(&machine.x[..arity])?;
    let module = entry.entry.identity.module.term();
    machine.x[..3].copy_from_slice(&[module, fun, arguments]);
    Ok(())
}

/// The fun whose arguments and free variables are in X registers. Who created it is not known any more.
fn fun_in_registers(
    machine: &Machine,
    process: &mut Process,
    entry: &FunEntry,
    arity: usize,
) -> Result<Term, NoMemory> {
    let free = entry.free as usize;
    let meta = Meta {
        arity,
        free,
        external: false,
    };
    let object = process.heap.allocate(FUN_WORDS + free)?.as_ptr();
    // SAFETY: that many fresh words, all of them written.
    unsafe {
        *object = Header::new(Subtag::Fun, FUN_WORDS + free - 1).0;
        *object.add(1) = core::ptr::from_ref(entry) as u64;
        *object.add(2) = meta.pack();
        *object.add(3) = process.pid.raw();
        for (i, value) in machine.x[arity..arity + free].iter().enumerate() {
            *object.add(FUN_WORDS + i) = value.raw();
        }
        Ok(Term::boxed(object))
    }
}

/// Loads a module that is not loaded from the store of a bare machine.
fn load_bare(machine: &mut Machine, module: Atom) {
    if machine.code.is_loaded(module) {
        return;
    }
    match link::load_from_store(machine, module) {
        Ok(()) | Err(link::LinkError::NotFound) => {}
        Err(error) => machine.report_load_error(module, &error),
    }
}

/// The code of `function/3` of the process's error handler, if that is loaded.
pub(crate) fn error_handler(
    machine: &Machine,
    process: &Process,
    function: Atom,
) -> Option<*const u8> {
    if machine.options.bare {
        return None;
    }
    let handler = match &process.rare {
        Some(rare) => rare.error_handler,
        None => am::ERROR_HANDLER,
    };
    defined(machine, handler, function)
}

/// The code of a function of three arguments, if it is loaded.
fn defined(machine: &Machine, module: Atom, function: Atom) -> Option<*const u8> {
    let export = machine.code.find_export(module, function, 3)?;
    // SAFETY: entries live as long as the machine.
    let export = unsafe { export.as_ref() };
    export.is_defined().then_some(export.entry.code)
}

//! Exceptions: raising, and finding the handler.
//!
//! A raise records class and reason in the process, makes a *raw trace* and looks for the youngest catch word on the stack.
//! Its frame becomes the current one, and the handler finds
//!
//! | register | holds |
//! |---|---|
//! | X[0] | [`Term::NONE`] |
//! | X[1] | the class: `error`, `exit`, `throw` |
//! | X[2] | the reason |
//! | X[3] | the raw trace |
//!
//! The raw trace is [`super::trace`]'s.
//!
//! Invariant of every function that is called by handlers: as in [`super::slow`].

use super::Exit;
use super::slow::FRAGMENT_LIMIT;
use super::trace::{
    Addresses, First, RawTrace, class_of, error_info, given, symbolise, with_class,
};
use crate::atom::am;
use crate::bif::{Class, Fail};
use crate::code::export::Export;
use crate::crash_dump;
use crate::machine::Machine;
use crate::memory::arena::{Arena, NoMemory};
use crate::memory::gc;
use crate::process::{Process, State};
use crate::report;
use crate::term::fun::Mfa;
use crate::term::{Atom, Header, Term};
use crate::tracing::frames;
use alloc::format;

impl Class {
    /// Its atom.
    pub fn atom(self) -> Atom {
        match self {
            Class::Error => am::ERROR,
            Class::Exit => am::EXIT_LOWER,
            Class::Throw => am::THROW,
        }
    }

    /// The class of that name.
    pub fn of(term: Term) -> Option<Class> {
        match term.as_atom()? {
            am::ERROR => Some(Class::Error),
            am::EXIT_LOWER => Some(Class::Exit),
            am::THROW => Some(Class::Throw),
            _ => None,
        }
    }
}

/// Raises `reason` at `ip`.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_error(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    reason: Term,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    raise_at(
        machine,
        process,
        Class::Error,
        reason,
        First::Instruction,
        None,
        Some(ip),
    )
}

/// Raises `error:{Tag, Value}` at `ip`.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_tagged(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    tag: Atom,
    value: Term,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match process.heap.tuple(&[tag.term(), value]) {
        // SAFETY: the references say that both are there.
        Ok(reason) => unsafe { raise_error(machine, process, ip, reason) },
        Err(NoMemory) => die_of_memory(machine, process),
    }
}

/// Raises what `erlang:Function(A, B)`, an instruction, failed with.
#[cold]
#[inline(never)]
#[expect(
    clippy::too_many_arguments,
    reason = "one path for all operators, and a cold one"
)]
pub(crate) unsafe fn raise_operator(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    fail: Fail,
    function: Atom,
    a: Term,
    b: Term,
    arity: usize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    // As on OTP 25, whose instruction for such a sum knows of no function; that of later releases does.
    let alone = arity == 0 && machine.release_number() < 26;
    if alone && let Some(reason) = reason_alone(fail) {
        let here = First::Instruction;
        return raise_at(machine, process, Class::Error, reason, here, None, Some(ip));
    }
    raise_in_function(
        machine,
        process,
        Some(ip),
        am::ERLANG,
        function,
        fail,
        &[a, b][..if arity == 0 { 2 } else { arity }],
    )
}

/// The reason of an operator's error that says nothing of the operator.
fn reason_alone(fail: Fail) -> Option<Term> {
    match fail {
        Fail::Badarith => Some(am::BADARITH.term()),
        Fail::SystemLimit => Some(am::SYSTEM_LIMIT.term()),
        _ => None,
    }
}

/// Raises what the built-in function of `export` failed with.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_built_in(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    export: *const Export,
    fail: Fail,
    arguments: &[Term],
) -> Exit {
    // SAFETY: the module's invariant; entries live as long as the machine.
    let (machine, process, export) = unsafe { (&mut *machine, &mut *process, &*export) };
    if fail == Fail::Raised && process.exception.by_caller {
        // erlang:error/1 and its like: the trace begins with the function that called them.
        process.exception.by_caller = false;
        let (class, reason) = (process.exception.class, process.exception.reason);
        if core::mem::take(&mut process.exception.trace_is_given) {
            let made = process.heap.tuple(&given(class, process.exception.trace));
            return deliver(machine, process, class, reason, made);
        }
        let arguments = process.exception.arguments.take();
        return raise_at(
            machine,
            process,
            class,
            reason,
            First::Instruction,
            arguments,
            Some(ip),
        );
    }
    let Mfa {
        module, function, ..
    } = export.mfa();
    raise_in_function(
        machine,
        process,
        Some(ip),
        module,
        function,
        fail,
        arguments,
    )
}

fn raise_in_function(
    machine: &mut Machine,
    process: &mut Process,
    ip: Option<*const u8>,
    module: Atom,
    function: Atom,
    fail: Fail,
    arguments: &[Term],
) -> Exit {
    let (class, reason) = match fail {
        // Told to end in the middle of a function that is an instruction.
        Fail::Suspend if process.state == State::Exiting => return Exit::Exited,
        Fail::Badarg => (Class::Error, am::BADARG.term()),
        Fail::Badarith => (Class::Error, am::BADARITH.term()),
        Fail::AtomTableFull => {
            let limit = machine.atoms.limit;
            let slogan = format!("no more index entries in atom_tab (max={limit})");
            crash_dump::die(machine, &slogan)
        }
        Fail::SystemLimit => (Class::Error, am::SYSTEM_LIMIT.term()),
        Fail::Raised => (process.exception.class, process.exception.reason),
        Fail::NoMemory | Fail::Trap | Fail::Suspend => return die_of_memory(machine, process),
    };
    let Ok(arguments) = process.heap.list(arguments) else {
        return die_of_memory(machine, process);
    };
    let cause = process.exception.cause.take();
    process.exception.error_info = match error_info(&mut process.heap, module, cause) {
        Ok(info) => info,
        Err(NoMemory) => return die_of_memory(machine, process),
    };
    raise_at(
        machine,
        process,
        class,
        reason,
        First::Function(module, function),
        Some(arguments),
        ip,
    )
}

/// No clause of the function whose `func_info` is at `ip` matched the arguments in X registers.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_function_clause(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    arity: usize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match process.heap.list(&machine.x[..arity]) {
        Ok(arguments) => {
            let reason = am::FUNCTION_CLAUSE.term();
            raise_at(
                machine,
                process,
                Class::Error,
                reason,
                First::Instruction,
                Some(arguments),
                Some(ip),
            )
        }
        Err(NoMemory) => die_of_memory(machine, process),
    }
}

/// A function that is not there was called with arguments in X registers.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_undefined(
    machine: *mut Machine,
    process: *mut Process,
    module: Atom,
    function: Atom,
    arity: usize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match process.heap.list(&machine.x[..arity]) {
        Ok(arguments) => {
            let first = First::Function(module, function);
            raise_at(
                machine,
                process,
                Class::Error,
                am::UNDEF.term(),
                first,
                Some(arguments),
                None,
            )
        }
        Err(NoMemory) => die_of_memory(machine, process),
    }
}

/// A value that is no fun of `arity` was called with arguments in X registers.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_bad_fun(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    fun: Term,
    arity: usize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match super::slow::bad_fun_reason(process, fun, &machine.x[..arity]) {
        // SAFETY: the references say that both are there.
        Ok(reason) => unsafe { raise_error(machine, process, ip, reason) },
        Err(_) => die_of_memory(machine, process),
    }
}

/// `Module:Function(...)` where one of the two is no atom.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_bad_apply(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    module: Term,
    function: Term,
    arity: usize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match process.heap.list(&machine.x[..arity]) {
        Ok(arguments) => raise_in_function(
            machine,
            process,
            Some(ip),
            am::ERLANG,
            am::APPLY,
            Fail::Badarg,
            &[module, function, arguments],
        ),
        Err(NoMemory) => die_of_memory(machine, process),
    }
}

/// `raise/2`: the exception goes on with the trace that it had.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_again(
    machine: *mut Machine,
    process: *mut Process,
    trace: Term,
    reason: Term,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    let class = class_of(trace).unwrap_or(Class::Error);
    deliver(machine, process, class, reason, Ok(trace))
}

/// `erlang:raise/3` in a handler: class, reason and raw trace in X[0] to X[2]; goes on at `following` with `badarg` in X[0] if
/// the class is none.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raw_raise(
    machine: *mut Machine,
    process: *mut Process,
    following: *const u8,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    let [class, reason, trace] = [machine.x[0], machine.x[1], machine.x[2]];
    match Class::of(class) {
        Some(class) => {
            let trace = with_class(&mut process.heap, trace, class);
            deliver(machine, process, class, reason, trace)
        }
        None => {
            machine.x[0] = am::BADARG.term();
            process.ip = following;
            Exit::Continue
        }
    }
}

fn raise_at(
    machine: &mut Machine,
    process: &mut Process,
    class: Class,
    reason: Term,
    first: First,
    arguments: Option<Term>,
    ip: Option<*const u8>,
) -> Exit {
    let depth = match first {
        First::Instruction => machine.trace_depth(),
        First::Function(..) => machine.trace_depth() - 1,
    };
    let addresses = Addresses::collect(machine, process, ip, depth);
    let error_info = process.exception.error_info.take();
    let raw = RawTrace {
        class,
        first,
        arguments,
        error_info,
        addresses: addresses.words(),
    };
    let trace = raw.build(&mut process.heap).map_err(|_| NoMemory);
    deliver(machine, process, class, reason, trace)
}

/// Hands the exception to the youngest handler; ends the process if there is none.
fn deliver(
    machine: &mut Machine,
    process: &mut Process,
    class: Class,
    reason: Term,
    trace: Result<Term, NoMemory>,
) -> Exit {
    let Ok(trace) = trace else {
        return die_of_memory(machine, process);
    };
    let found = find_handler(process);
    if machine.tracing.has_frames {
        let end = process.heap.block.end();
        let to = found.map_or(end, |(frame, _)| frame);
        let handler = found.map(|(_, handler)| handler);
        let exception = match (class, handler) {
            (Class::Throw, None) => match process.heap.tuple(&[am::NOCATCH.term(), reason]) {
                Ok(reason) => (am::ERROR, reason),
                Err(NoMemory) => return die_of_memory(machine, process),
            },
            _ => (class.atom(), reason),
        };
        frames::unwound(machine, process, to, handler, exception);
    }
    match found {
        Some((frame, handler)) => {
            process.heap.stack = frame;
            process.ip = handler;
            machine.x[..4].copy_from_slice(&[Term::NONE, class.atom().term(), reason, trace]);
            // A loop that only raises and catches makes no room otherwise: what it leaves would pile up in fragments.
            let crowded =
                process.heap.fragment_words > FRAGMENT_LIMIT || machine.options.collect_always;
            if crowded && gc::collect(machine, process, 0, 4).is_err() {
                return die_of_memory(machine, process);
            }
            Exit::Continue
        }
        None => uncaught(machine, process, class, reason, trace),
    }
}

/// The youngest catch word's frame and where it leads. A frame begins with the slot of its return address, the youngest
/// word that is one before the catch word; the topmost frame begins where the stack does.
fn find_handler(process: &Process) -> Option<(*mut u64, *const u8)> {
    if process.catches == 0 {
        return None;
    }
    let mut slot = process.heap.stack;
    let mut frame = slot;
    while slot < process.heap.block.end() {
        // SAFETY: words from `stack` to the end of the block are initialised.
        let word = unsafe { *slot };
        if Header::is_header(word) {
            frame = slot;
        } else {
            // SAFETY: every other word of a stack is a term.
            let term = unsafe { Term::from_raw(word) };
            if term.is_catch() {
                // SAFETY: the frame's first word is its slot: no call is under way in it any more.
                unsafe { *frame = Term::NIL.raw() };
                return Some((frame, term.catch_handler()));
            }
        }
        slot = slot.wrapping_add(1);
    }
    None
}

/// Nobody caught it: the process ends.
fn uncaught(
    machine: &mut Machine,
    process: &mut Process,
    class: Class,
    reason: Term,
    trace: Term,
) -> Exit {
    let reason = match class {
        Class::Exit => Ok(reason),
        Class::Error => with_trace(machine, process, reason, trace),
        Class::Throw => match process.heap.tuple(&[am::NOCATCH.term(), reason]) {
            Ok(reason) => with_trace(machine, process, reason, trace),
            Err(NoMemory) => Err(NoMemory),
        },
    };
    match reason {
        Ok(reason) => {
            if class != Class::Exit {
                report::crash(machine, process, reason);
            }
            end(process, reason)
        }
        Err(NoMemory) => die_of_memory(machine, process),
    }
}

/// `{Reason, StackTrace}`.
fn with_trace(
    machine: &Machine,
    process: &mut Process,
    reason: Term,
    trace: Term,
) -> Result<Term, NoMemory> {
    let trace = symbolise(machine, &mut process.heap, trace)?;
    process.heap.tuple(&[reason, trace])
}

/// Ends a process with `reason`.
pub(crate) unsafe fn exit_process(process: *mut Process, reason: Term) -> Exit {
    // SAFETY: the module's invariant.
    unsafe { end(&mut *process, reason) }
}

/// The process is freed only when the interpreter has left it: see [`super::run`].
fn end(process: &mut Process, reason: Term) -> Exit {
    process.pending_exit = Some(reason);
    Exit::Exited
}

/// Kills a process that cannot get the memory it needs.
#[cold]
#[inline(never)]
pub(crate) unsafe fn out_of_memory(
    machine: *mut Machine,
    process: *mut Process,
    _ip: *const u8,
) -> Exit {
    // SAFETY: the module's invariant.
    unsafe { die_of_memory(&mut *machine, &mut *process) }
}

pub(crate) fn die_of_memory(machine: &mut Machine, process: &mut Process) -> Exit {
    report::too_large(machine, process);
    end(process, am::KILLED.term())
}

/// The value of a `catch` that caught an exception, which is in X[1] to X[3]. `None` if there is no memory.
#[inline(never)]
pub(crate) unsafe fn caught_value(machine: *mut Machine, process: *mut Process) -> Option<Term> {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    let [class, reason, trace] = [machine.x[1], machine.x[2], machine.x[3]];
    let value = match Class::of(class) {
        Some(Class::Throw) => return Some(reason),
        Some(Class::Error) => with_trace(machine, process, reason, trace).ok()?,
        _ => reason,
    };
    process.heap.tuple(&[am::EXIT.term(), value]).ok()
}

/// The list that a program sees, from a raw trace. `None` if there is no memory.
#[inline(never)]
pub(crate) unsafe fn build_trace(
    machine: *mut Machine,
    process: *mut Process,
    trace: Term,
) -> Option<Term> {
    // SAFETY: the module's invariant.
    unsafe { symbolise(&*machine, &mut (*process).heap, trace).ok() }
}

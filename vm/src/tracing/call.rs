//! What happens at a breakpoint: who wants to know of the call is told, counters count, and the function goes on.
//!
//! Invariant: as of every function that handlers call: the registers are saved before and loaded behind.

use super::flags::Flags;
use super::frames::{self, Return};
use super::measure::{self, Kind};
use super::message;
use super::saved_calls::{self, Saved};
use super::session::SessionId;
use super::specification::{self, Matched, Specification};
use super::tracee::{self, Link};
use super::tracer::{Tracer, Verdict};
use crate::atom::am;
use crate::bits::context::MatchContext;
use crate::bits::make::part_of_base;
use crate::code::breakpoints::{CallPattern, MetaPattern, Place};
use crate::code::export::Export;
use crate::interp::undefined::error_handler;
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory, gc};
use crate::process::Process;
use crate::term::Term;
use crate::term::fun::Mfa;

/// How the process goes on behind a breakpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Next {
    /// With the instruction that was there, whose opcode is in the process's `ip`, as a number.
    Instruction,
    /// At the process's `ip`.
    Code,
    /// With the built-in function whose stub it is.
    BuiltIn,
    /// Not at all.
    NoMemory,
}

/// A function with a breakpoint at `ip` has been called, with its arguments in X registers.
#[cold]
#[inline(never)]
pub(crate) unsafe fn hit(machine: *mut Machine, process: *mut Process, ip: *const u8) -> Next {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    let Some(breakpoint) = machine.code.breakpoints.at(ip) else {
        // Cannot be: the table has an entry for each breakpoint.
        return Next::NoMemory;
    };
    let (function, place, original) = (breakpoint.function, breakpoint.place, breakpoint.original);
    let debugged = breakpoint.wanted.iter().any(|wanted| wanted.debug);
    if call(machine, process, ip, function).is_err() {
        return Next::NoMemory;
    }
    if debugged && let Some(handler) = error_handler(machine, process, am::BREAKPOINT) {
        let arity = function.arity as usize;
        let Ok(arguments) = arguments(machine, process, arity) else {
            return Next::NoMemory;
        };
        let call = [function.module.term(), function.function.term(), arguments];
        machine.x[..3].copy_from_slice(&call);
        process.ip = handler;
        return Next::Code;
    }
    match place {
        Place::Code => {
            process.ip = original as usize as *const u8;
            Next::Instruction
        }
        Place::Export(code) => {
            process.ip = code;
            Next::Code
        }
        Place::BuiltIn => {
            // The calling instruction, for functions that want to know who calls.
            process.ip = frames::return_address(process).wrapping_sub(1);
            debug_assert!(!Export::of_stub(ip).is_null());
            Next::BuiltIn
        }
    }
}

fn call(
    machine: &mut Machine,
    process: &mut Process,
    ip: *const u8,
    function: Mfa,
) -> Result<(), NoMemory> {
    let arity = function.arity as usize;
    let sessions = machine
        .code
        .breakpoints
        .at(ip)
        .map_or(0, |b| b.wanted.len());
    let needed = sessions * frames::MOST_WORDS + sessions;
    if process.heap.free_words() <= needed {
        gc::collect(machine, process, needed + 1, arity)?;
    }
    let mut index = 0;
    // What a specification does may change what is wanted; so nothing of it is borrowed meanwhile.
    while let Some(wanted) = machine
        .code
        .breakpoints
        .at_mut(ip)
        .and_then(|breakpoint| breakpoint.wanted.get_mut(index))
    {
        index += 1;
        let session = wanted.session;
        if wanted.saved {
            if process.saves_calls {
                saved_calls::save(process, Saved::Call(function));
            }
            continue;
        }
        if let Some(count) = wanted.count.as_mut().filter(|count| !count.paused) {
            count.calls += 1;
        }
        let (call, meta) = (wanted.call.clone(), wanted.meta.clone());
        let measured = Kind::ALL.map(|kind| kind.of(wanted).is_some_and(|m| !m.paused));
        let traced = process.trace.is_some() && !process.sensitive;
        if traced && let Some(call) = call {
            traced_call(machine, process, session, function, &call)?;
        }
        if let Some(meta) = meta.filter(|_| !process.sensitive)
            && !meta_call(machine, process, session, function, &meta)?
        {
            // Its tracer has ended. What is wanted is still there, for who asks.
            let breakpoint = machine.code.breakpoints.at_mut(ip);
            let mut all = breakpoint.into_iter().flat_map(|b| b.wanted.iter_mut());
            if let Some(wanted) = all.find(|wanted| wanted.session == session)
                && let Some(meta) = &mut wanted.meta
            {
                meta.tracer = Tracer::Nobody;
            }
        }
        if traced && measured != [false, false] {
            for (kind, measured) in Kind::ALL.into_iter().zip(measured) {
                if measured {
                    measured_call(machine, process, session, kind, ip);
                }
            }
        }
    }
    Ok(())
}

/// The arguments of the call as a list in the process's memory.
fn arguments(machine: &Machine, process: &mut Process, arity: usize) -> Result<Term, NoMemory> {
    arguments_in(machine, &mut process.heap, arity)
}

/// The arguments of the call as a list. One may be a match context, which the compiler lets functions of a module pass to each other: what
/// is left to match stands for it.
fn arguments_in(machine: &Machine, arena: &mut impl Arena, arity: usize) -> Result<Term, NoMemory> {
    let mut list = Term::NIL;
    for argument in machine.x[..arity].iter().rev() {
        let argument = match MatchContext::of(*argument) {
            Some(at) => part_of_base(arena, at.base(), at.position(), at.left())?,
            None => *argument,
        };
        list = arena.cons(argument, list)?;
    }
    Ok(list)
}

/// Runs a specification, if there is one.
fn matched(
    machine: &mut Machine,
    process: &mut Process,
    session: SessionId,
    arity: usize,
    specification: Option<&Specification>,
) -> Result<Option<Matched>, NoMemory> {
    let Some(specification) = specification else {
        return Ok(Some(Matched::ALWAYS));
    };
    let arguments = arguments(machine, process, arity)?;
    specification::run(machine, process, session, specification, arguments)
}

/// A process calls a function that has a pattern.
fn traced_call(
    machine: &mut Machine,
    process: &mut Process,
    session: SessionId,
    function: Mfa,
    pattern: &CallPattern,
) -> Result<(), NoMemory> {
    let pid = process.pid;
    let Some(link) = tracee::link_of(machine, pid, session) else {
        return Ok(());
    };
    if !link.flags.any(Flags::CALL) || link.tracer.verdict(machine, pid) != Verdict::Trace {
        return Ok(());
    }
    let specification = pattern.specification.as_deref();
    let arity = function.arity as usize;
    let Some(matched) = matched(machine, process, session, arity, specification)? else {
        return Ok(());
    };
    // The specification may have changed the flags; this call is told all the same.
    let link = tracee::link_of(machine, pid, session).unwrap_or(link);
    if !link.flags.any(Flags::SILENT) && matched.message != Term::boolean(false) {
        tell_call(machine, pid, &link, function, matched.message)?;
    }
    if pattern.local && link.flags.any(Flags::RETURN_TO) {
        frames::push_return_to(machine, process, session);
    }
    if matched.return_trace {
        let told = Return {
            session,
            function,
            tracer: Tracer::Nobody,
            exceptions: matched.exception_trace,
        };
        frames::push_return(machine, process, &told);
    }
    Ok(())
}

/// Any process calls a function that has a meta pattern; false if there is nobody to be told any more.
fn meta_call(
    machine: &mut Machine,
    process: &mut Process,
    session: SessionId,
    function: Mfa,
    pattern: &MetaPattern,
) -> Result<bool, NoMemory> {
    let pid = process.pid;
    let tracer = pattern.tracer;
    match tracer.verdict(machine, pid) {
        Verdict::Trace => {}
        Verdict::Discard => return Ok(true),
        Verdict::Remove => return Ok(false),
    }
    let specification = pattern.specification.as_deref();
    let arity = function.arity as usize;
    let Some(matched) = matched(machine, process, session, arity, specification)? else {
        return Ok(true);
    };
    let link = Link {
        session,
        flags: Flags::CALL.with(Flags::TIMESTAMP),
        tracer,
    };
    if matched.message != Term::boolean(false) {
        tell_call(machine, pid, &link, function, matched.message)?;
    }
    if matched.return_trace {
        let told = Return {
            session,
            function,
            tracer,
            exceptions: matched.exception_trace,
        };
        frames::push_return(machine, process, &told);
    }
    Ok(true)
}

/// `{trace, Pid, call, {Module, Function, Arguments | Arity}}`, with what the specification adds.
fn tell_call(
    machine: &mut Machine,
    pid: Term,
    link: &Link,
    function: Mfa,
    extra: Term,
) -> Result<(), NoMemory> {
    let arity = function.arity as usize;
    let mut parcel = Parcel::new();
    let arguments = match link.flags.any(Flags::ARITY) {
        true => Term::small(arity as i64),
        false => arguments_in(machine, &mut parcel, arity)?,
    };
    let call = [function.module.term(), function.function.term(), arguments];
    let call = parcel.tuple(&call)?;
    let fields = [call, extra];
    let fields = match extra == Term::boolean(true) {
        true => &fields[..1],
        false => &fields[..],
    };
    message::tell(machine, pid, link, am::CALL, fields);
    Ok(())
}

/// A process calls a function that is measured.
fn measured_call(
    machine: &mut Machine,
    process: &mut Process,
    session: SessionId,
    kind: Kind,
    ip: *const u8,
) {
    let pid = process.pid;
    let link = tracee::link_of(machine, pid, session);
    if link.is_some_and(|link| link.flags.any(Flags::CALL)) {
        let before = measure::switch_to(machine, process, session, kind, ip as usize, true);
        frames::push_measurement(machine, process, session, kind, before);
    }
}

//! Raising: `error/1,2,3`, `exit/1`, `throw/1`, `raise/3`, `nif_error/1,2`.

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::map;
use crate::memory::Arena;
use crate::term::Term;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "error", 1, error_1),
    bif("erlang", "error", 2, error_2),
    bif("erlang", "error", 3, error_3),
    bif("erlang", "nif_error", 1, nif_error),
    bif("erlang", "nif_error", 2, nif_error),
    bif("erlang", "exit", 1, exit_1),
    bif("erlang", "throw", 1, throw_1),
    bif("erlang", "raise", 3, raise_3),
];

fn error_1(cx: &mut Context, args: &[Term]) -> Value {
    Err(cx.raise_from_caller(Class::Error, args[0]))
}

/// Raises with arguments for the topmost entry of the trace, if `arguments` is a list.
fn error_2(cx: &mut Context, args: &[Term]) -> Value {
    cx.process().exception.arguments = args[1].is_list().then_some(args[1]);
    Err(cx.raise_from_caller(Class::Error, args[0]))
}

/// As [`error_2`], with an `error_info` map for the topmost entry of the trace. Options that are none are ignored.
fn error_3(cx: &mut Context, args: &[Term]) -> Value {
    cx.process().exception.error_info = error_info(args[2]);
    error_2(cx, args)
}

fn error_info(options: Term) -> Option<Term> {
    let mut options = options.iter_list();
    let mut found = None;
    for option in &mut options {
        match option.as_tuple() {
            Some(&[key, value]) if key == am::ERROR_INFO.term() && map::is_map(value) => {
                found = Some(value);
            }
            _ => return None,
        }
    }
    found.filter(|_| options.tail().is_nil())
}

/// What the bodies of functions raise that should be built in but are not; it stands in the trace itself.
fn nif_error(cx: &mut Context, args: &[Term]) -> Value {
    Err(cx.raise(Class::Error, args[0]))
}

fn exit_1(cx: &mut Context, args: &[Term]) -> Value {
    Err(cx.raise_from_caller(Class::Exit, args[0]))
}

fn throw_1(cx: &mut Context, args: &[Term]) -> Value {
    Err(cx.raise_from_caller(Class::Throw, args[0]))
}

/// Raises with a given trace. Bad arguments make it return `badarg`.
fn raise_3(cx: &mut Context, args: &[Term]) -> Value {
    let class = match args[0].as_atom() {
        Some(am::ERROR) => Class::Error,
        Some(am::EXIT_LOWER) => Class::Exit,
        Some(am::THROW) => Class::Throw,
        _ => return Ok(am::BADARG.term()),
    };
    if !is_trace(args[2]) {
        return Ok(am::BADARG.term());
    }
    let trace = with_locations(cx, args[2])?;
    let exception = &mut cx.process().exception;
    exception.trace = trace;
    exception.trace_is_given = true;
    Err(cx.raise_from_caller(class, args[1]))
}

/// Whether `trace` is a list of `{Module, Function, Arity | Arguments[, Location]}` or `{Fun, Arguments[, Location]}`.
fn is_trace(trace: Term) -> bool {
    let mut entries = trace.iter_list();
    let good = entries.all(|entry| match entry.as_tuple() {
        Some(&[fun, arguments]) => fun.is_fun() && arguments.is_list(),
        Some(&[first, second, third]) if first.is_fun() => second.is_list() && third.is_list(),
        Some(&[module, function, arity]) => is_call(module, function, arity),
        Some(&[module, function, arity, location]) => {
            is_call(module, function, arity) && location.is_list()
        }
        _ => false,
    });
    good && entries.tail().is_nil()
}

/// The trace with a location, if only `[]`, in every entry; no longer than traces are.
fn with_locations(cx: &mut Context, trace: Term) -> Value {
    let complete = |entry: Term| {
        entry.as_tuple().is_some_and(|fields| match fields {
            [first, ..] if first.is_fun() => fields.len() == 3,
            _ => fields.len() == 4,
        })
    };
    let depth = cx.machine().trace_depth();
    let mut left = trace.iter_list();
    if left.by_ref().take(depth).all(complete) && left.next().is_none() {
        return Ok(trace);
    }
    let mut entries = Vec::new();
    for entry in trace.iter_list().take(depth) {
        entries.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        let mut fields = [Term::NIL; 4];
        let old = entry.as_tuple().unwrap_or(&[]);
        entries.push(if complete(entry) {
            entry
        } else {
            fields[..old.len()].copy_from_slice(old);
            cx.tuple(&fields[..=old.len()])?
        });
    }
    Ok(cx.list(&entries)?)
}

fn is_call(module: Term, function: Term, arity: Term) -> bool {
    module.is_atom() && function.is_atom() && (arity.is_small() || arity.is_list())
}

//! `seq_trace/2`, `seq_trace_info/1`, `seq_trace_print/1,2`: the caller's token of a sequential trace. [`crate::observe::sequential`] says what a token does.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::observe::can_be_told;
use crate::observe::sequential::{self, Token};
use crate::term::Term;
use crate::term::compare::exact_equal;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "seq_trace", 2, seq_trace_2),
    bif("erlang", "seq_trace_info", 1, seq_trace_info_1),
    bif("erlang", "seq_trace_print", 1, seq_trace_print_1),
    bif("erlang", "seq_trace_print", 2, seq_trace_print_2),
];

/// The bit of a flag.
fn flag_of(cx: &mut Context, flag: Term) -> Option<i64> {
    let flag = flag.as_atom()?;
    Some(match cx.atoms().name(flag) {
        "send" => sequential::SEND,
        "receive" => sequential::RECEIVE,
        "print" => sequential::PRINT,
        "timestamp" => sequential::TIMESTAMP,
        "monotonic_timestamp" => sequential::MONOTONIC_TIMESTAMP,
        "strict_monotonic_timestamp" => sequential::STRICT_MONOTONIC_TIMESTAMP,
        _ => return None,
    })
}

/// Sets a part of the token, which is made if there is none; the part as it was.
fn seq_trace_2(cx: &mut Context, args: &[Term]) -> Value {
    let [item, value] = [args[0], args[1]];
    if let Some(flag) = flag_of(cx, item) {
        let on = value.as_boolean().ok_or(Fail::Badarg)?;
        let mut token = sequential::begin(cx.process())?;
        let old = token.flags & flag != 0;
        token.flags = if on {
            token.flags | flag
        } else {
            token.flags & !flag
        };
        sequential::set(cx.process(), token)?;
        return Ok(Term::boolean(old));
    }
    let item = item.as_atom().ok_or(Fail::Badarg)?;
    match cx.atoms().name(item) {
        "label" => {
            let mut token = sequential::begin(cx.process())?;
            let old = core::mem::replace(&mut token.label, value);
            sequential::set(cx.process(), token)?;
            Ok(old)
        }
        "serial" => {
            let Some(&[last, serial]) = value.as_tuple() else {
                return Err(Fail::Badarg);
            };
            let (Some(last), Some(serial)) = (last.as_small(), serial.as_small()) else {
                return Err(Fail::Badarg);
            };
            let mut token = sequential::begin(cx.process())?;
            let old = cx.tuple(&[Term::small(token.last), Term::small(token.serial)])?;
            (token.last, token.serial) = (last, serial);
            sequential::set(cx.process(), token)?;
            let known = sequential::of(cx.process())?;
            (known.last, known.clock) = (last, serial);
            Ok(old)
        }
        "sequential_trace_token" if value.is_nil() => {
            let known = cx.process().sequential.as_mut();
            Ok(known.map_or(Term::NIL, |known| {
                core::mem::replace(&mut known.token, Term::NIL)
            }))
        }
        _ => Err(Fail::Badarg),
    }
}

/// `{Item, Value}`; without a token `{Flag, false}`, and `[]` for what is no flag.
fn seq_trace_info_1(cx: &mut Context, args: &[Term]) -> Value {
    let item = args[0];
    let token = sequential::token(cx.process());
    if let Some(flag) = flag_of(cx, item) {
        let on = token.is_some_and(|token| token.flags & flag != 0);
        return Ok(cx.tuple(&[item, Term::boolean(on)])?);
    }
    let name = item.as_atom().ok_or(Fail::Badarg)?;
    let value = match (cx.atoms().name(name), token) {
        ("label" | "serial", None) => return Ok(Term::NIL),
        ("label", Some(Token { label, .. })) => label,
        ("serial", Some(token)) => {
            cx.tuple(&[Term::small(token.last), Term::small(token.serial)])?
        }
        _ => return Err(Fail::Badarg),
    };
    Ok(cx.tuple(&[item, value])?)
}

fn seq_trace_print_1(cx: &mut Context, args: &[Term]) -> Value {
    let pid = cx.process().pid;
    let told = sequential::printed(cx.machine(), pid, args[0])?;
    Ok(Term::boolean(told))
}

/// Prints if the token has this label.
fn seq_trace_print_2(cx: &mut Context, args: &[Term]) -> Value {
    let token = sequential::token(cx.process());
    match token.is_some_and(|token| exact_equal(token.label, args[0])) {
        true => seq_trace_print_1(cx, &args[1..]),
        false => Ok(Term::boolean(false)),
    }
}

/// `system_flag(sequential_tracer, Tracer)`: a process or port, by itself or as the state of `erl_tracer`, or `false`; who it was.
pub(super) fn set_tracer(cx: &mut Context, value: Term) -> Value {
    let told = match value.as_tuple() {
        Some(&[module, state]) if module == am::ERL_TRACER.term() => state,
        _ => value,
    };
    let tracer = if value == Term::boolean(false) {
        None
    } else if can_be_told(cx.machine(), told) {
        Some(told)
    } else {
        return Err(Fail::Badarg);
    };
    let old = core::mem::replace(&mut cx.machine().observer.sequential_tracer, tracer);
    Ok(old.unwrap_or(Term::boolean(false)))
}

/// `system_info(sequential_tracer)`
pub(super) fn tracer(cx: &mut Context) -> Value {
    let tracer = cx.machine().observer.sequential_tracer;
    let tracer = tracer.unwrap_or(Term::boolean(false));
    let tag = am::SEQUENTIAL_TRACER.term();
    Ok(cx.tuple(&[tag, tracer])?)
}

//! Tracing, as far as a machine without it answers: nothing is traced, and no token of a sequential trace ever exists.
//!
//! What asks about traces is told so, as OTP tells it of a process that is not traced. What would begin one fails by name with
//! `notsup`. The tags of dynamic tracing (`dt_*`) behave as on an OTP that was built without DTrace: they pass their argument on.

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::term::Term;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "seq_trace", 2, seq_trace_2),
    bif("erlang", "seq_trace_info", 1, seq_trace_info_1),
    bif("erlang", "seq_trace_print", 1, seq_trace_print),
    bif("erlang", "seq_trace_print", 2, seq_trace_print),
    bif("erlang", "dt_append_vm_tag_data", 1, unchanged),
    bif("erlang", "dt_prepend_vm_tag_data", 1, unchanged),
    bif("erlang", "dt_get_tag", 0, no_tag),
    bif("erlang", "dt_get_tag_data", 0, no_tag),
    bif("erlang", "dt_put_tag", 1, no_tag),
    bif("erlang", "dt_spread_tag", 1, spread_tag_1),
    bif("erlang", "dt_restore_tag", 1, restore_tag_1),
];

/// Nothing can be traced.
fn trace(cx: &mut Context, _: &[Term]) -> Value {
    Err(cx.raise(Class::Error, am::NOTSUP.term()))
}

/// A flag that can be set on a token, `false` while there is none.
fn is_token_flag(cx: &mut Context, flag: Term) -> bool {
    flag.as_atom().is_some_and(|flag| {
        matches!(
            cx.atoms().name(flag),
            "send"
                | "receive"
                | "print"
                | "timestamp"
                | "monotonic_timestamp"
                | "strict_monotonic_timestamp"
        )
    })
}

/// Taking a token or a flag away, or setting a flag to false, is no change. All else would make a token.
fn seq_trace_2(cx: &mut Context, args: &[Term]) -> Value {
    let [item, value] = [args[0], args[1]];
    if is_token_flag(cx, item) {
        return match value.as_boolean() {
            Some(false) => Ok(Term::boolean(false)),
            Some(true) => trace(cx, args),
            None => Err(Fail::Badarg),
        };
    }
    let Some(item) = item.as_atom() else {
        return Err(Fail::Badarg);
    };
    match cx.atoms().name(item) {
        "sequential_trace_token" if value.is_nil() => Ok(Term::NIL),
        "sequential_trace_token" | "label" | "serial" => trace(cx, args),
        _ => Err(Fail::Badarg),
    }
}

fn seq_trace_info_1(cx: &mut Context, args: &[Term]) -> Value {
    if is_token_flag(cx, args[0]) {
        return Ok(cx.tuple(&[args[0], Term::boolean(false)])?);
    }
    let item = args[0].as_atom().ok_or(Fail::Badarg)?;
    match cx.atoms().name(item) {
        "label" | "serial" => Ok(Term::NIL),
        _ => Err(Fail::Badarg),
    }
}

/// Nothing is printed: there is no token, or none with that label.
fn seq_trace_print(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::boolean(false))
}

fn unchanged(_: &mut Context, args: &[Term]) -> Value {
    Ok(args[0])
}

fn no_tag(_: &mut Context, _: &[Term]) -> Value {
    Ok(am::UNDEFINED.term())
}

/// What `dt_restore_tag/1` takes back.
fn spread_tag_1(_: &mut Context, args: &[Term]) -> Value {
    args[0].as_boolean().ok_or(Fail::Badarg)?;
    Ok(Term::boolean(true))
}

fn restore_tag_1(_: &mut Context, args: &[Term]) -> Value {
    match args[0] == Term::boolean(true) {
        true => Ok(Term::boolean(true)),
        false => Err(Fail::Badarg),
    }
}

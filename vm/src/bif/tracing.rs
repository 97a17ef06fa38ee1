//! Tracing, as far as a machine without it answers: nothing is traced, and no token of a sequential trace ever exists.
//!
//! What asks about traces is told so, as OTP tells it of a process that is not traced. What would begin one fails by name with
//! `notsup`. The tags of dynamic tracing (`dt_*`) behave as on an OTP that was built without DTrace: they pass their argument on.

use super::{Bif, Class, Context, Fail, Value, bif, system_task};
use crate::atom::am;
use crate::memory::Arena;
use crate::term::Term;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erts_internal", "trace", 3, trace),
    bif("erts_internal", "trace", 4, trace),
    bif("erts_internal", "trace_pattern", 3, trace),
    bif("erts_internal", "trace_pattern", 4, trace),
    bif("erts_internal", "trace_session_create", 3, trace),
    bif("erts_internal", "trace_session_destroy", 1, trace),
    bif("erts_internal", "trace_info", 3, internal_trace_info_3),
    bif("erlang", "trace_info", 2, trace_info_2),
    bif("erlang", "trace_delivered", 1, trace_delivered_1),
    bif("erts_trace_cleaner", "check", 0, check_0),
    bif(
        "erts_trace_cleaner",
        "send_trace_clean_signal",
        1,
        send_trace_clean_signal_1,
    ),
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

/// As `erlang:trace_info/2`, of a session: there is none.
fn internal_trace_info_3(_: &mut Context, _: &[Term]) -> Value {
    Err(Fail::Badarg)
}

/// `{Item, Nothing}` for a process, port, function or event that exists and is not traced.
fn trace_info_2(cx: &mut Context, args: &[Term]) -> Value {
    let [what, item] = [args[0], args[1]];
    let name = match item.as_atom() {
        Some(atom) => cx.atoms().name(atom),
        None => return Err(Fail::Badarg),
    };
    let of_process = match name {
        "flags" | "tracer" => Some(Term::NIL),
        _ => None,
    };
    let nothing = if what.is_local_pid() {
        let nothing = of_process.ok_or(Fail::Badarg)?;
        if cx.machine().processes.alive(what).is_none() {
            return Ok(am::UNDEFINED.term());
        }
        nothing
    } else if what.is_local_port() {
        of_process.ok_or(Fail::Badarg)?
    } else if let Some(atom) = what.as_atom() {
        match cx.atoms().name(atom) {
            "new" | "new_processes" | "new_ports" => of_process.ok_or(Fail::Badarg)?,
            "on_load" => Term::boolean(false),
            "send" | "receive" if name == "match_spec" => Term::boolean(true),
            _ => return Err(cx.fail_because(am::BADOPT)),
        }
    } else if let Some(&[_, _, _]) = what.as_tuple() {
        let (module, function, arity) = super::apply::mfa(what.as_tuple().unwrap_or(&[]))?;
        let export = cx.machine().code.find_export(module, function, arity);
        // SAFETY: export entries live as long as the machine.
        let there = export.is_some_and(|export| unsafe { export.as_ref() }.is_defined());
        // Whatever the item: a function that is not traced is told so.
        match there {
            true => Term::boolean(false),
            false => am::UNDEFINED.term(),
        }
    } else {
        return Err(Fail::Badarg);
    };
    Ok(cx.tuple(&[item, nothing])?)
}

/// `{trace_delivered, Pid, Reference}` comes when all trace messages of a process have: at once.
fn trace_delivered_1(cx: &mut Context, args: &[Term]) -> Value {
    if args[0] != am::ALL.term() && !args[0].is_local_pid() {
        return Err(Fail::Badarg);
    }
    let reference = cx.machine().processes.references.make().term(cx)?;
    let tag = cx.atom("trace_delivered")?;
    let own = cx.process().pid;
    system_task::answer(cx, own, &[tag, args[0], reference])?;
    Ok(reference)
}

/// Whether traces of a session that has ended are left to be cleaned up.
fn check_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::boolean(false))
}

/// Whether the process will answer: there was nothing to clean.
fn send_trace_clean_signal_1(_: &mut Context, args: &[Term]) -> Value {
    match args[0].is_local_pid() || args[0].is_local_port() {
        true => Ok(Term::boolean(false)),
        false => Err(Fail::Badarg),
    }
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

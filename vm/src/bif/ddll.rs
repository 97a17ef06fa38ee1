//! `erl_ddll`: the machine's drivers are part of it, and no others can be loaded.
//!
//! So a driver is one of [`LINKED_IN`], for which OTP answers `linked_in_driver` and `permanent`, or there is no such driver and
//! no such shared object.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::port::drivers::LINKED_IN;
use crate::port::open::text;
use crate::process::signal;
use crate::term::{Atom, Term};

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erl_ddll", "loaded_drivers", 0, loaded_drivers_0),
    bif("erl_ddll", "try_load", 3, try_load_3),
    bif("erl_ddll", "try_unload", 2, try_unload_2),
    bif("erl_ddll", "info", 2, info_2),
    bif("erl_ddll", "monitor", 2, monitor_2),
    bif("erl_ddll", "demonitor", 1, demonitor_1),
    bif("erl_ddll", "format_error_int", 1, format_error_int_1),
];

/// OTP's number of the error that the system does not find the shared object.
const NO_SHARED_OBJECT: i64 = -10;

/// OTP's texts for `{error, Reason}`.
const TEXTS: &[(Atom, &str)] = &[
    (
        am::LINKED_IN_DRIVER,
        "Driver is statically linked and cannot be loaded/unloaded",
    ),
    (
        am::PERMANENT,
        "DDLL driver is permanent an cannot be unloaded/loaded",
    ),
    (am::NOT_LOADED, "DDLL driver is not loaded"),
    (
        am::NOT_LOADED_BY_THIS_PROCESS,
        "DDLL driver was not loaded by this process",
    ),
    (
        am::NOT_PENDING,
        "DDLL load not pending for this driver name",
    ),
    (
        am::ALREADY_LOADED,
        "DDLL driver is already loaded successfully",
    ),
    (
        am::INCONSISTENT,
        "Driver name and/or driver options are inconsistent with currently loaded driver",
    ),
    (am::PENDING_RELOAD, "Driver reloading is already pending"),
    (
        am::PENDING_PROCESS,
        "Driver is loaded by others when attempting option {reload, pending_driver}",
    ),
];

/// OTP's texts for `{error, {open_error, Number}}`.
fn open_error_text(number: i64) -> &'static str {
    match number {
        0 => "No error",
        -1 => "No driver init in dynamic library",
        -2 => "Driver init failed",
        NO_SHARED_OBJECT => "cannot open shared object file: No such file or directory",
        -9..=1 => "Unspecified error",
        _ => "Unknown dlload error",
    }
}

/// Whether a driver of this name is part of the machine; `badarg` if it is no name.
fn is_linked_in(cx: &mut Context, name: Term) -> Result<bool, Fail> {
    let name = text(cx.atoms(), name).filter(|name| !name.is_empty());
    let name = name.ok_or(Fail::Badarg)?;
    Ok(LINKED_IN.iter().any(|d| d.name.as_bytes() == name))
}

fn loaded_drivers_0(cx: &mut Context, _: &[Term]) -> Value {
    let mut names = Term::NIL;
    for driver in LINKED_IN.iter().rev() {
        let name = cx.byte_list(driver.name.as_bytes(), Term::NIL)?;
        names = cx.cons(name, names)?;
    }
    Ok(cx.tuple(&[am::OK.term(), names])?)
}

/// Checks each element of a list.
fn each(list: Term, mut good: impl FnMut(Term) -> bool) -> Result<(), Fail> {
    let mut rest = list.iter_list();
    let all = rest.by_ref().all(&mut good);
    match all && rest.tail().is_nil() {
        true => Ok(()),
        false => Err(Fail::Badarg),
    }
}

fn is_pending(value: Term) -> bool {
    matches!(value.as_atom(), Some(am::PENDING | am::PENDING_DRIVER))
}

fn error(cx: &mut Context, reason: Term) -> Value {
    Ok(cx.tuple(&[am::ERROR.term(), reason])?)
}

fn try_load_3(cx: &mut Context, args: &[Term]) -> Value {
    let mut reload = false;
    each(args[2], |option| match option.as_tuple() {
        Some(&[key, value]) => match key.as_atom() {
            Some(am::DRIVER_OPTIONS) => {
                each(value, |option| option == am::KILL_PORTS.term()).is_ok()
            }
            Some(am::MONITOR) => is_pending(value),
            Some(am::RELOAD) => {
                reload = true;
                is_pending(value)
            }
            _ => false,
        },
        _ => false,
    })?;
    // The path is text, and no atom.
    if args[0].is_atom() || text(cx.atoms(), args[0]).is_none() {
        return Err(Fail::Badarg);
    }
    if is_linked_in(cx, args[1])? {
        return error(cx, am::LINKED_IN_DRIVER.term());
    }
    if reload {
        return error(cx, am::NOT_LOADED.term());
    }
    let reason = cx.tuple(&[am::OPEN_ERROR.term(), Term::small(NO_SHARED_OBJECT)])?;
    error(cx, reason)
}

fn try_unload_2(cx: &mut Context, args: &[Term]) -> Value {
    each(args[1], |option| match option.as_tuple() {
        Some(&[key, value]) => key == am::MONITOR.term() && is_pending(value),
        _ => option == am::KILL_PORTS.term(),
    })?;
    if is_linked_in(cx, args[0])? {
        error(cx, am::LINKED_IN_DRIVER.term())
    } else {
        error(cx, am::NOT_LOADED.term())
    }
}

fn info_2(cx: &mut Context, args: &[Term]) -> Value {
    if !is_linked_in(cx, args[0])? {
        return Err(Fail::Badarg);
    }
    match args[1].as_atom() {
        Some(
            am::PROCESSES
            | am::DRIVER_OPTIONS
            | am::PORT_COUNT
            | am::AWAITING_LOAD
            | am::AWAITING_UNLOAD,
        ) => Ok(am::LINKED_IN_DRIVER.term()),
        Some(am::LINKED_IN_DRIVER) => Ok(Term::boolean(true)),
        Some(am::PERMANENT) => Ok(Term::boolean(false)),
        _ => Err(Fail::Badarg),
    }
}

/// `monitor(driver, {Name, When})`: the answer is known at once, and comes as a message.
fn monitor_2(cx: &mut Context, args: &[Term]) -> Value {
    let &[name, when] = args[1].as_tuple().ok_or(Fail::Badarg)? else {
        return Err(Fail::Badarg);
    };
    let known = matches!(
        when.as_atom(),
        Some(am::LOADED | am::UNLOADED | am::UNLOADED_ONLY)
    );
    if args[0] != am::DRIVER.term() || !known {
        return Err(Fail::Badarg);
    }
    let (tag, state) = match is_linked_in(cx, name)? {
        true => (am::UP, am::PERMANENT),
        false => (am::DOWN, am::UNLOADED),
    };
    let reference = cx.machine().processes.references.make().term(cx)?;
    let message = cx.tuple(&[tag.term(), reference, am::DRIVER.term(), name, state.term()])?;
    let pid = cx.process().pid;
    signal::send(cx.machine(), pid, pid, message)?;
    Ok(reference)
}

fn demonitor_1(_: &mut Context, args: &[Term]) -> Value {
    match args[0].is_reference() {
        true => Ok(Term::boolean(true)),
        false => Err(Fail::Badarg),
    }
}

fn format_error_int_1(cx: &mut Context, args: &[Term]) -> Value {
    let text = match args[0].as_tuple() {
        Some(&[tag, number]) if tag == am::OPEN_ERROR.term() => {
            open_error_text(number.as_small().ok_or(Fail::Badarg)?)
        }
        _ => {
            let reason = args[0].as_atom().ok_or(Fail::Badarg)?;
            let known = TEXTS.iter().find(|(known, _)| *known == reason);
            known.ok_or(Fail::Badarg)?.1
        }
    };
    Ok(cx.byte_list(text.as_bytes(), Term::NIL)?)
}

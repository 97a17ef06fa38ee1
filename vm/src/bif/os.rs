//! `os`: the host, its environment variables, its signals.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::os_signal;
use crate::platform::io::SignalAction;
use crate::term::Term;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("os", "env", 0, env_0),
    bif("os", "getenv", 1, getenv_1),
    bif("os", "putenv", 2, putenv_2),
    bif("os", "unsetenv", 1, unsetenv_1),
    bif("os", "getpid", 0, getpid_0),
    bif("os", "set_signal", 2, set_signal_2),
    bare("os", "getenv", 0, getenv_0),
    bare("os", "getenv", 2, getenv_2),
    bare("os", "type", 0, type_0),
    bare("os", "version", 0, version_0),
];

/// A list of the characters of `bytes`: as UTF-8 if they are, else one character a byte.
fn characters(cx: &mut Context, bytes: &[u8], tail: Term) -> Value {
    let mut list = tail;
    match core::str::from_utf8(bytes) {
        Ok(text) => {
            for character in text.chars().rev() {
                list = cx.cons(Term::small(character as i64), list)?;
            }
        }
        Err(_) => list = cx.byte_list(bytes, list)?,
    }
    Ok(list)
}

/// The bytes of a list of characters without NUL.
fn text(list: Term) -> Result<Vec<u8>, Fail> {
    if !list.is_list() {
        return Err(Fail::Badarg);
    }
    let mut bytes = Vec::new();
    let mut elements = list.iter_list();
    for element in &mut elements {
        let code = element.as_small().and_then(|code| u32::try_from(code).ok());
        let character = code.and_then(char::from_u32).filter(|c| *c != '\0');
        let character = character.ok_or(Fail::Badarg)?;
        bytes.try_reserve(4).map_err(|_| Fail::NoMemory)?;
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    match elements.tail().is_nil() {
        true => Ok(bytes),
        false => Err(Fail::Badarg),
    }
}

/// The name of a variable: text without `=`.
fn name(list: Term) -> Result<Vec<u8>, Fail> {
    let name = text(list)?;
    match name.contains(&b'=') {
        true => Err(Fail::Badarg),
        false => Ok(name),
    }
}

/// The variables, each as the term that `make` builds.
fn variables(
    cx: &mut Context,
    make: fn(&mut Context, name: &[u8], value: &[u8]) -> Value,
) -> Value {
    // Taken out while terms are built: a context hands out one thing at a time.
    let environment = core::mem::take(&mut cx.machine().environment);
    let mut list = Ok(Term::NIL);
    for (name, value) in environment.iter().rev() {
        list = list.and_then(|list| {
            let variable = make(cx, name, value)?;
            Ok(cx.cons(variable, list)?)
        });
    }
    cx.machine().environment = environment;
    list
}

/// `[{Name, Value}]`
fn env_0(cx: &mut Context, _: &[Term]) -> Value {
    variables(cx, |cx, name, value| {
        let name = characters(cx, name, Term::NIL)?;
        let value = characters(cx, value, Term::NIL)?;
        Ok(cx.tuple(&[name, value])?)
    })
}

/// `["Name=Value"]`
fn getenv_0(cx: &mut Context, _: &[Term]) -> Value {
    variables(cx, |cx, name, value| {
        let value = characters(cx, value, Term::NIL)?;
        let value = cx.cons(Term::small(b'=' as i64), value)?;
        characters(cx, name, value)
    })
}

/// The value of a variable, or `default`.
fn getenv(cx: &mut Context, wanted: Term, default: Term) -> Value {
    let name = name(wanted)?;
    let environment = core::mem::take(&mut cx.machine().environment);
    let value = match environment.get(&name) {
        Some(value) => characters(cx, value, Term::NIL),
        None => Ok(default),
    };
    cx.machine().environment = environment;
    value
}

fn getenv_1(cx: &mut Context, args: &[Term]) -> Value {
    getenv(cx, args[0], Term::boolean(false))
}

fn getenv_2(cx: &mut Context, args: &[Term]) -> Value {
    text(args[1])?;
    getenv(cx, args[0], args[1])
}

fn putenv_2(cx: &mut Context, args: &[Term]) -> Value {
    let (name, value) = (name(args[0])?, text(args[1])?);
    cx.machine().environment.put(&name, &value)?;
    Ok(Term::boolean(true))
}

fn unsetenv_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name(args[0])?;
    cx.machine().environment.remove(&name);
    Ok(Term::boolean(true))
}

/// The number of the machine's process, as text. A domain has one process: the machine.
fn getpid_0(cx: &mut Context, _: &[Term]) -> Value {
    let pid = cx.machine().host.process_id;
    cx.string(&alloc::format!("{pid}"))
}

/// `{unix, linux}` on Linux, `{unix, starling}` in a domain: path names are Unix's there, nothing else is.
pub(super) fn type_0(cx: &mut Context, _: &[Term]) -> Value {
    let name = cx.machine().host.system;
    let (family, name) = (cx.atom("unix")?, cx.atom(name)?);
    Ok(cx.tuple(&[family, name])?)
}

/// `{Major, Minor, Release}` of the host's system.
pub(super) fn version_0(cx: &mut Context, _: &[Term]) -> Value {
    let version = cx.machine().host.version.map(|n| Term::small(n as i64));
    Ok(cx.tuple(&version)?)
}

/// `set_signal(Signal, default | handle | ignore)`: a handled signal comes as `{notify, Signal}` to `erl_signal_server`.
fn set_signal_2(cx: &mut Context, args: &[Term]) -> Value {
    let action = match args[1].as_atom() {
        Some(am::DEFAULT) => SignalAction::Default,
        Some(am::HANDLE) => SignalAction::Report,
        Some(am::IGNORE) => SignalAction::Ignore,
        _ => return Err(cx.fail_because(am::BADOPT)),
    };
    let signal = args[0].as_atom().ok_or(Fail::Badarg)?;
    let machine = cx.machine();
    let name = alloc::string::String::from(machine.atoms.name(signal));
    if !os_signal::set(machine, &name, action) {
        return Err(Fail::Badarg);
    }
    Ok(am::OK.term())
}

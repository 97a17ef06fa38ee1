//! Registered names: `register/2`, `unregister/1`, `whereis/1`, `registered/0`.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::process::signal::{self, RegisterError};
use crate::term::Term;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "register", 2, register_2),
    bif("erlang", "unregister", 1, unregister_1),
    bif("erlang", "whereis", 1, whereis_1),
    bif("erlang", "registered", 0, registered_0),
];

fn register_2(cx: &mut Context, args: &[Term]) -> Value {
    let Some(name) = args[0].as_atom() else {
        return Err(cx.fail_because(am::NONE));
    };
    if !args[1].is_local_pid() && !args[1].is_local_port() {
        return Err(cx.fail_because(am::NONE));
    }
    let cause = match signal::register(cx.machine(), name, args[1]) {
        Ok(()) => return Ok(Term::boolean(true)),
        Err(RegisterError::NoMemory) => return Err(Fail::NoMemory),
        Err(RegisterError::NotAlive) => am::NOTALIVE,
        Err(RegisterError::HasName) => am::REGISTERED_NAME,
        Err(RegisterError::BadName | RegisterError::Taken) => am::NONE,
    };
    Err(cx.fail_because(cause))
}

fn unregister_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    if signal::unregister(cx.machine(), name) {
        Ok(Term::boolean(true))
    } else {
        Err(Fail::Badarg)
    }
}

fn whereis_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let pid = cx.machine().processes.registry.whereis(name);
    Ok(pid.unwrap_or(am::UNDEFINED.term()))
}

fn registered_0(cx: &mut Context, _: &[Term]) -> Value {
    let mut names = alloc::vec::Vec::new();
    let registry = &cx.machine().processes.registry;
    for name in registry.names() {
        names.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        names.push(name.term());
    }
    Ok(cx.list(&names)?)
}

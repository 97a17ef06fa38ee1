//! Ports from inside Erlang: `open_port/2`, `port_command/2,3`, `port_close/1`, `port_connect/2`, `port_control/3`, `port_call/2,3`,
//! `port_set_data/2`, `port_get_data/1`, `ports/0`.
//!
//! OTP's `erlang` module calls `erts_internal`, whose functions return an atom in place of raising, or a reference under which the
//! answer comes as a message. On a bare machine the functions of `erlang` are here, too; there a busy port suspends the caller.

use super::{Bif, Class, Context, Fail, Value, bare, bif};
use crate::atom::{AtomError, am};
use crate::bits::iolist::to_few_bytes;
use crate::bits::make_binary;
use crate::memory::Arena;
use crate::memory::heap::Parcel;
use crate::port::open::{self, OpenError};
use crate::port::signal::{self, Sent, WhenBusy};
use crate::process::exit;
use crate::process::signal::{is_linked, link};
use crate::term::copy::copy;
use crate::term::{Atom, Term};
use crate::tracing::{event, port_event};
use alloc::vec::Vec;

/// Bytes for `port_control/3` that are not worth an allocation: those of most requests of sockets.
const CONTROL_BYTES: usize = 48;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erts_internal", "open_port", 2, internal_open_port_2),
    bif("erts_internal", "port_command", 3, internal_port_command_3),
    bif("erts_internal", "port_close", 1, internal_port_close_1),
    bif("erts_internal", "port_connect", 2, internal_port_connect_2),
    bif("erts_internal", "port_control", 3, internal_port_control_3),
    bif("erts_internal", "port_call", 3, internal_port_call_3),
    bif("erlang", "port_set_data", 2, port_set_data_2),
    bif("erlang", "port_get_data", 1, port_get_data_1),
    bif("erlang", "ports", 0, ports_0),
    bare("erlang", "open_port", 2, |cx, args| {
        let result = internal_open_port_2(cx, args);
        checked(cx, result, Term::is_port)
    }),
    bare("erlang", "port_command", 2, port_command),
    bare("erlang", "port_command", 3, port_command),
    bare("erlang", "port_close", 1, |cx, args| {
        let result = internal_port_close_1(cx, args);
        checked(cx, result, is_boolean)
    }),
    bare("erlang", "port_connect", 2, |cx, args| {
        let result = internal_port_connect_2(cx, args);
        checked(cx, result, is_boolean)
    }),
    bare("erlang", "port_control", 3, |cx, args| {
        let result = internal_port_control_3(cx, args);
        checked(cx, result, |value| !value.is_atom())
    }),
    bare("erlang", "port_call", 2, port_call),
    bare("erlang", "port_call", 3, port_call),
];

/// The value of a function of `erts_internal` if it is `good`; otherwise it is the reason of an error.
fn checked(cx: &mut Context, result: Value, good: impl Fn(Term) -> bool) -> Value {
    let value = result?;
    match value.as_atom() {
        _ if good(value) => Ok(value),
        Some(am::BADARG) => Err(Fail::Badarg),
        Some(am::BADOPT) => Err(cx.fail_because(am::BADOPT)),
        _ => Err(cx.raise(Class::Error, value)),
    }
}

fn is_boolean(value: Term) -> bool {
    value.as_boolean().is_some()
}

/// The port that a term names, if it is open.
pub(super) fn lookup(cx: &mut Context, id_or_name: Term) -> Option<Term> {
    let ports = |cx: &mut Context, id: Term| cx.machine().ports.open(id).map(|port| port.id);
    match id_or_name.as_atom() {
        Some(name) => {
            let id = cx.machine().processes.registry.whereis(name)?;
            ports(cx, id)
        }
        None => ports(cx, id_or_name),
    }
}

fn atom(atom: Atom) -> Value {
    Ok(atom.term())
}

/// The port, or an atom that says why there is none.
fn internal_open_port_2(cx: &mut Context, args: &[Term]) -> Value {
    let owner = cx.process().pid;
    match open::open(cx.machine(), owner, args[0], args[1]) {
        Ok(port) => Ok(port),
        Err(OpenError::BadName) => atom(am::BADARG),
        Err(OpenError::BadOption) => atom(am::BADOPT),
        Err(OpenError::SystemLimit) => atom(am::SYSTEM_LIMIT),
        Err(OpenError::NoMemory) => Err(Fail::NoMemory),
        Err(OpenError::Posix(error)) => {
            let name: Result<Atom, AtomError> = cx.atoms().insert(error.name());
            atom(name?)
        }
    }
}

/// Carries out the exits that a signal to a port brought about; `value`, unless that ended the caller.
fn after_signal(cx: &mut Context, value: Value) -> Value {
    let pid = cx.process().pid;
    let ended = exit::begin_pending(cx.machine(), pid);
    if ended {
        return Err(Fail::Suspend);
    }
    exit::carry_out(cx.machine());
    value
}

/// The options of `port_command/3`: `force`, `nosuspend`.
fn command_options(options: Term) -> Option<(bool, bool)> {
    let (mut force, mut nosuspend) = (false, false);
    let mut rest = options.iter_list();
    for option in &mut rest {
        match option.as_atom()? {
            am::FORCE => force = true,
            am::NOSUSPEND => nosuspend = true,
            _ => return None,
        }
    }
    rest.tail().is_nil().then_some((force, nosuspend))
}

/// Sends data to a port; what became of it, or the atom that says what is wrong. `wait` is what to do if the port is busy.
fn send_data(
    cx: &mut Context,
    args: &[Term],
    wait: WhenBusy,
) -> Result<Result<(Term, Sent), Atom>, Fail> {
    let options = args.get(2).copied().unwrap_or(Term::NIL);
    let Some((force, nosuspend)) = command_options(options) else {
        return Ok(Err(am::BADOPT));
    };
    let Some(port) = lookup(cx, args[0]) else {
        return Ok(Err(am::BADARG));
    };
    if force && !signal::is_soft_busy(cx.machine(), port) {
        return Ok(Err(am::NOTSUP));
    }
    let caller = cx.process().pid;
    let when_busy = match (force, nosuspend) {
        (true, _) => WhenBusy::Force,
        (_, true) => WhenBusy::Refuse,
        _ => wait,
    };
    let mut length = 0;
    let sent = port_event::during(cx.machine(), port, Some(am::COMMAND), |machine| {
        let data = signal::bytes_of(machine, port, args[1])?;
        length = data.len();
        let sent = signal::command(machine, port, Some(caller), data, when_busy);
        sent.map_err(Fail::from)
    });
    cx.bump_reductions(length / 64);
    let sent = match sent {
        Ok(sent) => sent,
        Err(Fail::NoMemory) => return Err(Fail::NoMemory),
        Err(_) => return Ok(Err(am::BADARG)),
    };
    Ok(match sent {
        Sent::NoPort => Err(am::BADARG),
        _ => Ok((port, sent)),
    })
}

/// `true`, `false`, an atom that says what is wrong, or a reference under which `true` comes when the port is not busy any more.
fn internal_port_command_3(cx: &mut Context, args: &[Term]) -> Value {
    let pid = cx.process().pid;
    let reference = cx.machine().processes.references.make();
    let value = match send_data(cx, args, WhenBusy::Delay(Some((pid, reference))))? {
        Ok((_, Sent::Delayed)) => reference.term(cx)?,
        Ok((_, sent)) => Term::boolean(sent == Sent::Done),
        Err(wrong) => wrong.term(),
    };
    after_signal(cx, Ok(value))
}

/// As OTP's: while the port is busy the caller is suspended.
fn port_command(cx: &mut Context, args: &[Term]) -> Value {
    let value = match send_data(cx, args, WhenBusy::Delay(None))? {
        Ok((port, Sent::Delayed)) => {
            cx.machine().x[0] = Term::boolean(true);
            let pid = cx.process().pid;
            signal::wait_until_idle(cx.machine(), port, pid)?;
            return Err(Fail::Suspend);
        }
        Ok((_, sent)) => Ok(Term::boolean(sent == Sent::Done)),
        Err(wrong) => checked(cx, Ok(wrong.term()), is_boolean),
    };
    after_signal(cx, value)
}

fn internal_port_close_1(cx: &mut Context, args: &[Term]) -> Value {
    let Some(port) = lookup(cx, args[0]) else {
        return atom(am::BADARG);
    };
    let caller = cx.process().pid;
    port_event::during(cx.machine(), port, Some(am::CLOSE), |machine| {
        port_event::gets(machine, port, Some(caller), |_| Ok(am::CLOSE.term()));
        signal::end(machine, port, am::NORMAL.term());
    });
    after_signal(cx, atom(am::TRUE))
}

fn internal_port_connect_2(cx: &mut Context, args: &[Term]) -> Value {
    let Some(port) = lookup(cx, args[0]) else {
        return atom(am::BADARG);
    };
    let pid = args[1];
    let caller = cx.process().pid;
    let machine = cx.machine();
    if machine.processes.alive(pid).is_none() {
        return atom(am::BADARG);
    }
    port_event::during(machine, port, Some(am::CONNECT), |machine| {
        // The message `{connect, Pid}` does not link.
        let new = !is_linked(machine, pid, port);
        link(machine, pid, port)?;
        if new {
            event::procs(machine, port, am::GETTING_LINKED, pid);
        }
        signal::connect(machine, port, caller, pid);
        port_event::answers(machine, port, caller, |_| Ok(am::CONNECTED.term()));
        Ok::<(), Fail>(())
    })?;
    atom(am::TRUE)
}

/// The number of an operation.
fn operation(term: Term) -> Option<u32> {
    u32::try_from(term.as_small()?).ok()
}

/// A list of bytes or a binary, as the driver wants it; or `badarg`.
fn internal_port_control_3(cx: &mut Context, args: &[Term]) -> Value {
    let (Some(port), Some(operation)) = (lookup(cx, args[0]), operation(args[1])) else {
        return atom(am::BADARG);
    };
    let data = match to_few_bytes::<CONTROL_BYTES>(args[2]) {
        Ok(data) => data,
        Err(Fail::NoMemory) => return Err(Fail::NoMemory),
        Err(_) => return atom(am::BADARG),
    };
    let caller = cx.process().pid;
    let answered = port_event::during(cx.machine(), port, Some(am::CONTROL), |machine| {
        signal::control(machine, port, caller, operation, &data)
    });
    let value = match answered {
        None => am::BADARG.term(),
        Some((answer, true)) => make_binary(cx, &answer)?,
        Some((answer, false)) => cx.byte_list(&answer, Term::NIL)?,
    };
    after_signal(cx, Ok(value))
}

/// Always `badarg`, as for OTP's own drivers: none of them has an answer to `port_call`.
fn internal_port_call_3(cx: &mut Context, args: &[Term]) -> Value {
    if let Some(port) = lookup(cx, args[0]) {
        port_event::touched(cx.machine(), port, am::CALL);
    }
    atom(am::BADARG)
}

fn port_call(cx: &mut Context, args: &[Term]) -> Value {
    internal_port_call_3(cx, args)?;
    Err(Fail::Badarg)
}

/// Keeps a term with a port; it is no signal, so it has no order.
fn port_set_data_2(cx: &mut Context, args: &[Term]) -> Value {
    let port = lookup(cx, args[0]).ok_or(Fail::Badarg)?;
    let mut parcel = Parcel::new();
    // Literals are copied too: a module may be purged.
    let data = copy(args[1], &mut parcel, &(0..0))?;
    let port = cx.machine().ports.open(port).ok_or(Fail::Badarg)?;
    port.data = Some((data, parcel));
    Ok(Term::boolean(true))
}

fn port_get_data_1(cx: &mut Context, args: &[Term]) -> Value {
    let port = lookup(cx, args[0]).ok_or(Fail::Badarg)?;
    let literals = cx.machine().literals.clone();
    let (machine, heap) = cx.machine_and_heap();
    let port = machine.ports.open(port).ok_or(Fail::Badarg)?;
    match &port.data {
        Some((data, _)) => Ok(copy(*data, heap, &literals)?),
        None => Ok(am::UNDEFINED.term()),
    }
}

fn ports_0(cx: &mut Context, _: &[Term]) -> Value {
    let mut ids = Vec::new();
    let ports = &cx.machine().ports;
    ids.try_reserve(ports.len()).map_err(|_| Fail::NoMemory)?;
    ids.extend(ports.iter().map(|port| port.id));
    Ok(cx.list(&ids)?)
}

//! What processes do to ports: commands, links, monitors, exit signals, a new owner, the end.
//!
//! As between processes (`crate::process::signal`), a signal takes effect when it is sent. Exits of processes that the end of a port
//! causes are queued: [`crate::process::exit::carry_out`] is called by whoever began.

use super::driver::{self, ControlAnswer, Unsupported};
use super::output::Output;
use super::{Delayed, Status, deliver};
use crate::atom::am;
use crate::bif::Fail;
use crate::bits::make_binary;
use crate::dist;
use crate::dist::connection::Controller;
use crate::machine::Machine;
use crate::memory::{Arena, NoMemory};
use crate::observe;
use crate::process::reference::RefNumber;
use crate::process::signal::{Origin, down, exit_signal, remove_link};
use crate::process::ties::Identifier;
use crate::report;
use crate::term::Term;
use crate::tracing::{event, port_event};
use alloc::format;
use alloc::string::String;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The driver has it.
    Done,
    /// The driver gets it when the port is not busy any more; who sent it has to wait until then.
    Delayed,
    /// The port is busy, and who sent it did not want to wait.
    Busy,
    /// There is no such port.
    NoPort,
}

/// What to do with a command for a busy port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenBusy {
    /// The driver gets it all the same.
    Force,
    /// Nothing.
    Refuse,
    /// It is kept for later; who is named gets `{Reference, true}` then.
    Delay(Option<(Term, RefNumber)>),
}

/// The bytes of an I/O list. `Err(Badarg)` if it is none; the error log is told, as OTP does.
pub fn bytes_of(machine: &mut Machine, port: Term, data: Term) -> Result<Output, Fail> {
    match Output::of(data) {
        Err(Fail::Badarg) => {
            let name = machine.ports.open(port).map(|port| port.name.clone());
            let name = name.unwrap_or_default();
            let name = String::from_utf8_lossy(&name).replace('~', "~~");
            complain(machine, &format!("Bad value on output port '{name}'~n~n"));
            Err(Fail::Badarg)
        }
        other => other,
    }
}

/// Tells the logger of an error, as the emulator of OTP does. `text` is a format without arguments.
pub(super) fn complain(machine: &mut Machine, text: &str) {
    let event = report::Event {
        level: report::Level::Error,
        format: text,
        arguments: &[],
        about: None,
    };
    report::say(machine, &event);
}

/// Gives `data`, which `caller` sent (the machine itself if that is nobody), to the driver of a port.
pub fn command(
    machine: &mut Machine,
    port: Term,
    caller: Option<Term>,
    data: Output,
    when_busy: WhenBusy,
) -> Result<Sent, NoMemory> {
    let Some(at) = machine.ports.open(port) else {
        return Ok(Sent::NoPort);
    };
    // Who comes later waits behind those who wait.
    if at.busy || !at.delayed.is_empty() {
        match when_busy {
            WhenBusy::Force => {}
            WhenBusy::Refuse => return Ok(Sent::Busy),
            WhenBusy::Delay(reply) => {
                at.delayed.try_reserve(1).map_err(|_| NoMemory)?;
                at.delayed.push_back(Delayed {
                    reply,
                    caller,
                    data,
                });
                return Ok(Sent::Delayed);
            }
        }
    }
    write(machine, port, caller, data);
    Ok(Sent::Done)
}

/// Whether the driver of a port takes commands while it is busy.
pub fn is_soft_busy(machine: &mut Machine, port: Term) -> bool {
    driver::run(machine, port, |driver, _| driver.is_soft_busy()).unwrap_or(false)
}

/// Whether who wants to write has to wait.
pub fn is_busy(machine: &mut Machine, port: Term) -> bool {
    machine.ports.open(port).is_some_and(|port| port.busy)
}

/// Gives `data` to the driver of a port, busy or not.
pub fn write(machine: &mut Machine, port: Term, caller: Option<Term>, data: Output) {
    machine.ports.output += data.len() as u64;
    if let Some(at) = machine.ports.open(port) {
        at.output += data.len() as u64;
    }
    port_event::gets(machine, port, caller, |parcel| {
        port_event::command(parcel, &data)
    });
    driver::run(machine, port, |driver, at| driver.output(at, caller, data));
}

/// Puts the process that runs among those that wait until `port` is not busy. It gives up the processor at once.
pub fn wait_until_idle(machine: &mut Machine, port: Term, pid: Term) -> Result<(), NoMemory> {
    if let Some(at) = machine.ports.open(port) {
        at.waiting.try_reserve(1).map_err(|_| NoMemory)?;
        at.waiting.push(pid);
        machine.processes.suspend(pid);
        observe::monitor::busy_port(machine, pid, port);
    }
    Ok(())
}

/// A port that is not busy any more gets what was kept for it, until it is busy again; then who waited goes on.
pub(super) fn take_delayed(machine: &mut Machine, port: Term) {
    loop {
        let Some(at) = machine.ports.open(port) else {
            return;
        };
        if at.busy {
            return;
        }
        let Some(delayed) = at.delayed.pop_front() else {
            break;
        };
        // Who has died meanwhile has not sent it: it would have waited with the data in hand.
        let caller = delayed.caller;
        if caller.is_some_and(|pid| machine.processes.alive(pid).is_none()) {
            continue;
        }
        answer(machine, port, delayed.reply, am::TRUE.term());
        port_event::during(machine, port, Some(am::COMMAND), |machine| {
            write(machine, port, caller, delayed.data);
        });
    }
    resume_all(machine, port);
}

fn answer(machine: &mut Machine, port: Term, to: Option<(Term, RefNumber)>, answer: Term) {
    if let Some((pid, reference)) = to {
        deliver::post_from(machine, port, pid, |heap| {
            let reference = reference.term(heap)?;
            heap.tuple(&[reference, answer])
        });
    }
}

fn resume_all(machine: &mut Machine, port: Term) {
    let waiting = machine.ports.any(port).map(|port| &mut port.waiting);
    for pid in waiting.map(core::mem::take).unwrap_or_default() {
        machine.processes.resume(pid);
    }
}

/// `Port ! Message`: `{Owner, {command, Data}}`, `{Owner, {connect, Pid}}` or `{Owner, close}`. Anything else is bad: the
/// owner gets the exit signal `badsig`. True if who sent it has to wait.
pub fn message(
    machine: &mut Machine,
    port: Term,
    from: Term,
    message: Term,
) -> Result<bool, NoMemory> {
    let Some(at) = machine.ports.open(port) else {
        return Ok(false);
    };
    let owner = at.owner;
    let task = match message.as_tuple() {
        Some(&[_, what]) if what == am::CLOSE.term() => am::CLOSE,
        Some(&[_, what]) if matches!(what.as_tuple(), Some(&[tag, _]) if tag == am::CONNECT.term()) => {
            am::CONNECT
        }
        _ => am::COMMAND,
    };
    let taken = port_event::during(machine, port, Some(task), |machine| {
        take(machine, port, from, owner, message)
    })?;
    Ok(match taken {
        Some(sent) => sent == Sent::Delayed,
        None => {
            exit_signal(machine, port, owner, am::BADSIG.term(), Origin::Link);
            false
        }
    })
}

/// Does what a message to a port says, whose owner is `owner`; nothing if it is bad.
fn take(
    machine: &mut Machine,
    port: Term,
    from: Term,
    owner: Term,
    message: Term,
) -> Result<Option<Sent>, NoMemory> {
    let parsed = match message.as_tuple() {
        Some(&[sender, what]) if sender == owner => Some(what),
        _ => None,
    };
    let command_of = |what: Term| match what.as_tuple() {
        Some(&[tag, argument]) => Some((tag.as_atom()?, argument)),
        _ => None,
    };
    match (parsed, parsed.and_then(command_of)) {
        (Some(what), _) if what == am::CLOSE.term() => {
            port_event::gets(machine, port, Some(from), |_| Ok(am::CLOSE.term()));
            let hearers = port_event::hearers(machine, port);
            end(machine, port, am::NORMAL.term());
            deliver::plain(machine, port, owner, am::CLOSED);
            port_event::tell_sent(machine, port, &hearers, am::CLOSED.term(), owner);
            return Ok(Some(Sent::Done));
        }
        (_, Some((am::COMMAND, data))) => match bytes_of(machine, port, data) {
            Ok(data) => {
                return command(machine, port, Some(from), data, WhenBusy::Delay(None)).map(Some);
            }
            Err(Fail::NoMemory) => return Err(NoMemory),
            Err(_) => {}
        },
        (_, Some((am::CONNECT, pid))) if connect(machine, port, from, pid) => {
            deliver::plain(machine, port, owner, am::CONNECTED);
            return Ok(Some(Sent::Done));
        }
        _ => {}
    }
    Ok(None)
}

/// Makes `pid` the owner, as `from` wants. False if there is no such port or process. The old owner stays linked.
pub fn connect(machine: &mut Machine, port: Term, from: Term, pid: Term) -> bool {
    if machine.processes.alive(pid).is_none() {
        return false;
    }
    let Some(at) = machine.ports.open(port) else {
        return false;
    };
    at.owner = pid;
    port_event::gets(machine, port, Some(from), |parcel| {
        port_event::pair(parcel, am::CONNECT, pid)
    });
    true
}

/// An exit signal from `from` to a port: it ends, unless the signal is that a stranger it is linked to ended normally.
pub fn exit(machine: &mut Machine, port: Term, from: Term, reason: Term, origin: Origin) {
    let Some(at) = machine.ports.open(port) else {
        return;
    };
    let stays = origin == Origin::Link && reason == am::NORMAL.term() && at.owner != from;
    // The end of who was linked comes as what the machine itself has for a port does.
    let task = (origin == Origin::Explicit).then_some(am::CLOSE);
    port_event::during(machine, port, task, |machine| {
        port_event::gets(machine, port, Some(from), |_| Ok(am::CLOSE.term()));
        if !stays {
            port_event::closed(machine, port, reason);
            let killed = reason == am::KILL.term();
            let reason = if killed { am::KILLED.term() } else { reason };
            end(machine, port, reason);
        }
    });
}

/// Ends a port with `reason` (anybody's term): it loses its name, who is linked or monitors is told, and its driver stops as
/// soon as it has written what is left.
pub fn end(machine: &mut Machine, port: Term, reason: Term) {
    if !close(machine, port, reason) {
        return;
    }
    if machine.ports.any(port).is_some_and(|port| port.queued > 0) {
        driver::run(machine, port, |driver, at| driver.flush(at));
    } else {
        driver::finish(machine, port);
    }
}

/// Ends a port whose driver failed or is at its end: what is left to write is lost.
pub(super) fn fail(machine: &mut Machine, port: Term, reason: Term) {
    close(machine, port, reason);
    driver::finish(machine, port);
}

/// The end of a port as processes see it. False if they had seen it before.
fn close(machine: &mut Machine, port: Term, reason: Term) -> bool {
    if machine.ports.open(port).is_none() {
        return false;
    }
    port_event::closed(machine, port, reason);
    observe::ended(machine, port);
    let Some(at) = machine.ports.open(port) else {
        return false;
    };
    at.status = Status::Closing;
    let name = at.registered_name.take();
    let delayed = core::mem::take(&mut at.delayed);
    let carries = at.carries.take();
    if let Some(name) = name {
        machine.processes.registry.remove(name);
    }
    for command in delayed {
        answer(machine, port, command.reply, am::BADARG.term());
    }
    resume_all(machine, port);
    while let Some((linked, ())) = machine
        .ports
        .any(port)
        .and_then(|port| port.links.pop_first())
    {
        let linked = linked.term();
        if remove_link(machine, linked, port) {
            event::left(machine, linked, port, reason);
            exit_signal(machine, port, linked, reason, Origin::Link);
        }
    }
    if let Some(node) = carries {
        let controller = Controller::Port(port);
        dist::down::controller_ended(machine, node, controller, reason);
    }
    while let Some((reference, watcher)) = machine
        .ports
        .any(port)
        .and_then(|port| port.monitored_by.pop_first())
    {
        down(machine, watcher, reference, reason);
    }
    true
}

/// Takes the link to `pid` away on the side of the port; whether there was one.
pub fn remove_link_of_port(machine: &mut Machine, port: Term, pid: Term) -> bool {
    let at = machine.ports.any(port);
    at.is_some_and(|port| port.links.remove(Identifier::of(pid)).is_some())
}

/// `port_control/3`: the answer, and whether it is a binary. `None` if there is no such port or operation.
pub fn control(
    machine: &mut Machine,
    port: Term,
    caller: Term,
    operation: u32,
    data: &[u8],
) -> Option<(ControlAnswer, bool)> {
    machine.ports.open(port)?;
    port_event::gets(machine, port, Some(caller), |parcel| {
        let bytes = make_binary(parcel, data)?;
        let operation = parcel.tuple(&[Term::small(operation.into()), bytes])?;
        port_event::pair(parcel, am::CONTROL, operation)
    });
    let answered = driver::run(machine, port, |driver, at| {
        let answer = driver.control(at, caller, operation, data)?;
        Ok((answer, driver.answers_binaries()))
    });
    let answered = answered?.map_err(|Unsupported| ()).ok()?;
    port_event::answers(machine, port, caller, |parcel| {
        let bytes = make_binary(parcel, &answered.0)?;
        port_event::pair(parcel, am::CONTROL, bytes)
    });
    Some(answered)
}

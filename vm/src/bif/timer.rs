//! Timers that send messages: `send_after/3,4`, `start_timer/3,4`, `cancel_timer/1,2`, `read_timer/1,2`.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::process::reference::RefNumber;
use crate::process::signal;
use crate::term::Term;
use crate::term::copy::copy;
use crate::time::timeout_message;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "send_after", 3, |cx, args| {
        start(cx, args, Message::Plain)
    }),
    bif("erlang", "send_after", 4, |cx, args| {
        start(cx, args, Message::Plain)
    }),
    bif("erlang", "start_timer", 3, |cx, args| {
        start(cx, args, Message::Timeout)
    }),
    bif("erlang", "start_timer", 4, |cx, args| {
        start(cx, args, Message::Timeout)
    }),
    bif("erlang", "cancel_timer", 1, cancel_timer),
    bif("erlang", "cancel_timer", 2, cancel_timer),
    bif("erlang", "read_timer", 1, read_timer),
    bif("erlang", "read_timer", 2, read_timer),
];

const NS_PER_MS: u64 = 1_000_000;

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Message {
    /// The message itself.
    Plain,
    /// `{timeout, Reference, Message}`
    Timeout,
}

/// `[{abs, Boolean}]`
fn is_absolute(options: Term) -> Option<bool> {
    let mut absolute = false;
    let mut rest = options.iter_list();
    for option in &mut rest {
        match option.as_tuple() {
            Some(&[key, value]) if key == am::ABS.term() => absolute = value.as_boolean()?,
            _ => return None,
        }
    }
    rest.tail().is_nil().then_some(absolute)
}

fn start(cx: &mut Context, args: &[Term], kind: Message) -> Value {
    let [time, destination, message] = [args[0], args[1], args[2]];
    let absolute = match args.get(3) {
        Some(&options) => is_absolute(options),
        None => Some(false),
    };
    let Some(absolute) = absolute else {
        return Err(cx.fail_because(am::BADOPT));
    };
    let milliseconds = match time.as_small() {
        Some(milliseconds) if milliseconds >= 0 || absolute => milliseconds,
        _ => return Err(cx.fail_because(am::TIME)),
    };
    let nanoseconds = (milliseconds.max(0) as u64).saturating_mul(NS_PER_MS);
    let machine = cx.machine();
    let deadline = if absolute {
        nanoseconds
    } else {
        machine.platform.monotonic_ns().saturating_add(nanoseconds)
    };
    if deadline > i64::MAX as u64 {
        // Behind the end of time: `system_info(end_time)`.
        return Err(cx.fail_because(am::TIME));
    }
    if !destination.is_local_pid() && !destination.is_atom() {
        return Err(Fail::Badarg);
    }
    let reference = machine.processes.references.make();
    let term = reference.term(cx)?;
    let machine = cx.machine();
    if destination.is_local_pid() {
        // Nobody would get it: as OTP's, such a timer is not running.
        let Some(process) = machine.processes.alive(destination) else {
            return Ok(term);
        };
        process.rare()?.timers.insert(reference, ())?;
    }
    // Literals are copied too: the module that they are of may be purged before the time comes.
    let literals = 0..0;
    let started = machine
        .timers
        .start_message(deadline, reference, destination, |parcel| {
            let message = copy(message, parcel, &literals)?;
            match kind {
                Message::Plain => Ok(message),
                Message::Timeout => timeout_message(parcel, reference, message),
            }
        });
    if let Err(error) = started {
        forget(cx, reference, destination);
        return Err(error.into());
    }
    Ok(term)
}

/// The timer does not run any more: its destination need not end it.
fn forget(cx: &mut Context, reference: RefNumber, destination: Term) {
    let process = cx.machine().processes.table.get_mut(destination);
    if let Some(rare) = process.and_then(|process| process.rare.as_mut()) {
        rare.timers.remove(reference);
    }
}

/// Milliseconds until `deadline`, rounded up, or `false` if there is none.
fn time_left(cx: &mut Context, deadline: Option<u64>) -> Value {
    let Some(deadline) = deadline else {
        return Ok(Term::boolean(false));
    };
    let now = cx.machine().platform.monotonic_ns();
    Ok(cx.unsigned(deadline.saturating_sub(now).div_ceil(NS_PER_MS))?)
}

/// `[{async, Boolean}, {info, Boolean}]`; what is asked for by default is an answer with information.
struct Answer {
    by_message: bool,
    with_info: bool,
}

fn answer_options(options: Option<&Term>, info_allowed: bool) -> Option<Answer> {
    let mut answer = Answer {
        by_message: false,
        with_info: true,
    };
    let mut rest = options.copied().unwrap_or(Term::NIL).iter_list();
    for option in &mut rest {
        let &[key, value] = option.as_tuple()? else {
            return None;
        };
        match key.as_atom()? {
            am::ASYNC => answer.by_message = value.as_boolean()?,
            am::INFO if info_allowed => answer.with_info = value.as_boolean()?,
            _ => return None,
        }
    }
    rest.tail().is_nil().then_some(answer)
}

fn cancel_timer(cx: &mut Context, args: &[Term]) -> Value {
    let answer = answer_options(args.get(1), true).ok_or(Fail::Badarg)?;
    if !args[0].is_reference() {
        return Err(Fail::Badarg);
    }
    let mut deadline = None;
    if let Some(reference) = RefNumber::of(args[0])
        && let Some((was, destination)) = cx.machine().timers.cancel_message(reference)
    {
        forget(cx, reference, destination);
        deadline = Some(was);
    }
    let left = time_left(cx, deadline)?;
    reply(cx, am::CANCEL_TIMER, args[0], left, &answer)
}

fn read_timer(cx: &mut Context, args: &[Term]) -> Value {
    let answer = answer_options(args.get(1), false).ok_or(Fail::Badarg)?;
    if !args[0].is_reference() {
        return Err(Fail::Badarg);
    }
    let reference = RefNumber::of(args[0]);
    let deadline = reference.and_then(|reference| cx.machine().timers.deadline(reference));
    let left = time_left(cx, deadline)?;
    reply(cx, am::READ_TIMER, args[0], left, &answer)
}

/// The answer as value, as message, or not at all.
fn reply(
    cx: &mut Context,
    tag: crate::term::Atom,
    reference: Term,
    left: Term,
    answer: &Answer,
) -> Value {
    if !answer.with_info {
        return Ok(am::OK.term());
    }
    if !answer.by_message {
        return Ok(left);
    }
    let message = cx.tuple(&[tag.term(), reference, left])?;
    let pid = cx.process().pid;
    signal::send(cx.machine(), pid, pid, message)?;
    Ok(am::OK.term())
}

//! `suspend_process/1,2` and `resume_process/1`: taking the processor away from another process.
//!
//! Who suspends counts for itself: a process runs again when every suspender has resumed it as often as it suspended it, or has
//! ended ([`crate::process::exit`]). `erts_internal:suspend_process/2` returns its errors, since `erlang:suspend_process/1,2`
//! of OTP raises them with its own arguments.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::process::signal;
use crate::term::{Atom, Term};

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bare("erlang", "suspend_process", 1, suspend_process),
    bare("erlang", "suspend_process", 2, suspend_process),
    bif("erlang", "resume_process", 1, resume_process_1),
    bif(
        "erts_internal",
        "suspend_process",
        2,
        internal_suspend_process_2,
    ),
];

/// What a call asks for.
#[derive(Default)]
struct Wishes {
    unless_suspending: bool,
    /// The tag of the message that says how it went, of `{asynchronous, Tag}`.
    reply: Option<Term>,
    asynchronous: bool,
}

fn wishes(list: Term) -> Option<Wishes> {
    let mut wishes = Wishes::default();
    let mut options = list.iter_list();
    for option in &mut options {
        match (option.as_atom(), option.as_tuple()) {
            (Some(am::UNLESS_SUSPENDING), _) => wishes.unless_suspending = true,
            // There is nothing to wait for: a process that does not run is suspended at once.
            (Some(am::ASYNCHRONOUS), _) => wishes.asynchronous = true,
            (_, Some(&[key, tag])) if key == am::ASYNCHRONOUS.term() => {
                wishes.asynchronous = true;
                wishes.reply = Some(tag);
            }
            _ => return None,
        }
    }
    (list.is_list() && options.tail().is_nil()).then_some(wishes)
}

/// Suspends `pid` for the caller: true, or false if that was not to be done twice. The error is the atom that OTP returns.
fn suspend(cx: &mut Context, pid: Term, options: Term) -> Result<Result<bool, Atom>, Fail> {
    let Some(wishes) = wishes(options) else {
        return Ok(Err(am::BADOPT));
    };
    let caller = cx.process().pid;
    if !pid.is_local_pid() || pid == caller {
        return Ok(Err(am::BADARG));
    }
    if !wishes.asynchronous {
        // A process is not kept from ending the built-in function that it is in the middle of.
        cx.when_outside(pid)?;
    }
    let suspended = suspend_for(cx, pid, wishes.unless_suspending)?;
    if let Some(tag) = wishes.reply {
        let state = match suspended {
            Some(_) => am::SUSPENDED,
            None => am::BADARG,
        };
        let message = cx.tuple(&[tag, state.term()])?;
        signal::send(cx.machine(), caller, caller, message)?;
    }
    match suspended {
        Some(done) => Ok(Ok(done)),
        // Whoever does not wait is not told either.
        None if wishes.asynchronous => Ok(Ok(true)),
        None => Ok(Err(am::BADARG)),
    }
}

/// `None` if there is no such process.
fn suspend_for(cx: &mut Context, pid: Term, once: bool) -> Result<Option<bool>, Fail> {
    if cx.machine().processes.alive(pid).is_none() {
        return Ok(None);
    }
    let suspending = &mut cx.process().rare()?.suspending;
    match suspending.get_mut(pid.identifier_data()) {
        Some(_) if once => return Ok(Some(false)),
        Some(count) => *count += 1,
        None => {
            suspending.insert(pid.identifier_data(), 1)?;
        }
    }
    cx.machine().processes.suspend(pid);
    Ok(Some(true))
}

fn internal_suspend_process_2(cx: &mut Context, args: &[Term]) -> Value {
    Ok(match suspend(cx, args[0], args[1])? {
        Ok(done) => Term::boolean(done),
        Err(error) => error.term(),
    })
}

fn suspend_process(cx: &mut Context, args: &[Term]) -> Value {
    let options = args.get(1).copied().unwrap_or(Term::NIL);
    match suspend(cx, args[0], options)? {
        Ok(done) => Ok(Term::boolean(done)),
        Err(am::BADOPT) => Err(cx.fail_because(am::BADOPT)),
        Err(_) => Err(Fail::Badarg),
    }
}

fn resume_process_1(cx: &mut Context, args: &[Term]) -> Value {
    let pid = args[0];
    if !pid.is_local_pid() {
        return Err(Fail::Badarg);
    }
    let key = pid.identifier_data();
    let rare = cx.process().rare.as_mut().ok_or(Fail::Badarg)?;
    let count = rare.suspending.get_mut(key).ok_or(Fail::Badarg)?;
    *count -= 1;
    if *count == 0 {
        rare.suspending.remove(key);
    }
    if cx.machine().processes.alive(pid).is_none() {
        return Err(Fail::Badarg);
    }
    cx.machine().processes.resume(pid);
    Ok(Term::boolean(true))
}

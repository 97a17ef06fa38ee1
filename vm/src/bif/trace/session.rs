//! Sessions of OTP 27: `erts_internal:trace_session_create/3`, `trace_session_destroy/1`, and what the process `erts_trace_cleaner` asks.
//!
//! A session is `{Reference, {Name, Number}}`, and `{Name, Number}` alone for who does not keep it alive. Its end takes effect at once, so there is nothing to clean.

use super::super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::Arena;
use crate::memory::resource::{Resource, resource};
use crate::process::Process;
use crate::term::Term;
use crate::tracing::session::SessionId;
use crate::tracing::tracer::Tracer;
use crate::tracing::{Tracing, tracee};
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erts_internal", "trace_session_create", 3, create_3),
    bif("erts_internal", "trace_session_destroy", 1, destroy_1),
    bif("erts_trace_cleaner", "check", 0, check_0),
    bif(
        "erts_trace_cleaner",
        "send_trace_clean_signal",
        1,
        send_trace_clean_signal_1,
    ),
];

/// What stands behind a session's reference: who drops the last one ends the session.
struct Reference(SessionId);

impl Resource for Reference {
    const CLOSES: bool = true;

    fn close(&mut self, machine: &mut Machine) {
        end(machine, self.0);
    }
}

/// `{Name, Number}`
pub(super) fn weak_reference(cx: &mut Context, id: SessionId) -> Value {
    let name = cx.machine().tracing.session(id).map(|session| session.name);
    let number = match id {
        crate::tracing::session::LEGACY => am::DEFAULT.term(),
        id => Term::small(id.into()),
    };
    let name = name.unwrap_or(am::UNDEFINED).term();
    Ok(cx.tuple(&[name, number])?)
}

/// `trace_session_create(Name, Tracer, [])`
fn create_3(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    if !args[2].is_nil() {
        return Err(Fail::Badarg);
    }
    let tracer = match args[1] {
        undefined if undefined == am::UNDEFINED.term() => Tracer::Nobody,
        tracer => match tracer.as_tuple() {
            Some(&[module, state]) => Tracer::of_module(module, state),
            _ => Tracer::of(tracer),
        }
        .ok_or(Fail::Badarg)?,
    };
    let id = cx.machine().tracing.create(name, tracer);
    let strong = cx.new_resource(Reference(id))?.term(cx)?;
    let weak = weak_reference(cx, id)?;
    Ok(cx.tuple(&[strong, weak])?)
}

/// The number of a session that a term stands for, whether it is still there or not.
fn number(tracing: &Tracing, term: Term) -> Option<SessionId> {
    let &[first, second] = term.as_tuple()? else {
        return None;
    };
    if first.is_atom() {
        let id = SessionId::try_from(second.as_small()?).ok()?;
        let session = tracing.session(id)?;
        return (session.name.term() == first).then_some(id);
    }
    let id = resource::<Reference>(&first)?.0;
    let &[_, number] = second.as_tuple()? else {
        return None;
    };
    (number.as_small() == Some(id.into())).then_some(id)
}

/// The session that a term stands for, if it is still there.
pub(super) fn alive(cx: &mut Context, term: Term) -> Result<SessionId, Fail> {
    let tracing = &cx.machine().tracing;
    let id = number(tracing, term).filter(|id| tracing.session(*id).is_some());
    id.ok_or_else(|| cx.fail_because(am::SESSION))
}

/// `trace_session_destroy(Session)`: whether it was there.
fn destroy_1(cx: &mut Context, args: &[Term]) -> Value {
    let Some(id) = number(&cx.machine().tracing, args[0]) else {
        return Err(cx.fail_because(am::BADOPT));
    };
    Ok(Term::boolean(end(cx.machine(), id)))
}

/// Ends a session: its breakpoints and links go away. False if it had ended.
fn end(machine: &mut Machine, id: SessionId) -> bool {
    if !machine.tracing.remove(id) {
        return false;
    }
    machine.code.clear_breakpoints(id);
    let of_process = |process: core::ptr::NonNull<Process>| {
        // SAFETY: the table's processes are alive, and nobody changes one meanwhile.
        unsafe { process.as_ref() }.pid
    };
    let mut tracees: Vec<Term> = machine.processes.table.iter().map(of_process).collect();
    tracees.extend(machine.ports.iter().map(|port| port.id));
    for tracee in tracees {
        tracee::remove(machine, tracee, id);
    }
    true
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

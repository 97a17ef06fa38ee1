//! `erl_tracer`: the tracer that sends trace messages to a process, OTP's default.
//!
//! The machine itself does not trace yet; but a tracer of one's own may hand over to this one, and both functions are complete for that.
//!
//! Invariant: whatever it is given, `trace/5` returns `ok`; what it cannot send it drops.

use super::{Library, native};
use crate::atom::am;
use crate::bif::statistics::busy_ns;
use crate::bif::time::{now_0, split, unique_integer_1};
use crate::bif::{Context, Value};
use crate::map;
use crate::memory::Arena;
use crate::process::signal;
use crate::term::Term;
use crate::time::clock;
use smallvec::SmallVec;

/// The library.
pub static LIBRARY: Library = Library {
    module: "erl_tracer",
    functions: &[native("enabled", 3, enabled_3), native("trace", 5, trace_5)],
};

/// `enabled(Tag, Tracer, Tracee)`: `trace`, or `discard` because nobody traces itself. When the tracer is not there, the question whether
/// to go on (`trace_status`) is answered by `remove`, any other by `discard`. No port can be a tracer here.
fn enabled_3(cx: &mut Context, args: &[Term]) -> Value {
    let [tag, tracer, tracee] = [args[0], args[1], args[2]];
    let alive = tracer.is_local_pid() && cx.machine().processes.alive(tracer).is_some();
    Ok(match alive {
        false if tag == am::TRACE_STATUS.term() => am::REMOVE.term(),
        false => am::DISCARD.term(),
        true if tracer == tracee => am::DISCARD.term(),
        true => am::TRACE.term(),
    })
}

/// `trace(Tag, Tracer, Tracee, Message, Options)`: sends `{trace, Tracee, Tag, Message, …}`, or `{seq_trace, Label, Message, …}`.
fn trace_5(cx: &mut Context, args: &[Term]) -> Value {
    let [tag, tracer, tracee, message, options] = [args[0], args[1], args[2], args[3], args[4]];
    let ok = Ok(am::OK.term());
    if !tracer.is_local_pid() {
        return ok;
    }
    let option = |name: crate::term::Atom| match options.is_map() {
        true => map::get(options, name.term()),
        false => None,
    };
    let mut fields: SmallVec<[Term; 8]> = SmallVec::new();
    match option(am::EXTRA) {
        None if tag == am::SEQ_TRACE.term() => fields.extend([tag, tracee, message]),
        extra => {
            fields.extend([am::TRACE.term(), tracee, tag, message]);
            fields.extend(extra);
        }
    }
    fields.extend(option(am::MATCH_SPEC_RESULT));
    fields.extend(option(am::SCHEDULER_ID));
    if let Some(kind) = option(am::TIMESTAMP) {
        let Some(stamp) = timestamp(cx, kind)? else {
            return ok;
        };
        fields.push(stamp);
        if fields[0] == am::TRACE.term() {
            fields[0] = am::TRACE_TS.term();
        }
    }
    let message = cx.tuple(&fields)?;
    let sender = cx.process().pid;
    signal::send(cx.machine(), sender, tracer, message)?;
    ok
}

/// The present, as `kind` says; `None` if it says something else.
fn timestamp(cx: &mut Context, kind: Term) -> Result<Option<Term>, crate::bif::Fail> {
    let stamp = match kind.as_atom() {
        Some(am::MONOTONIC) => monotonic(cx)?,
        Some(am::STRICT_MONOTONIC) => {
            let options = cx.list(&[am::MONOTONIC.term()])?;
            let now = monotonic(cx)?;
            let unique = unique_integer_1(cx, &[options])?;
            cx.tuple(&[now, unique])?
        }
        Some(am::TIMESTAMP) => now_0(cx, &[])?,
        Some(am::CPU_TIMESTAMP) => {
            let busy = busy_ns(cx.machine()) / 1000;
            split(cx, busy as i64)?
        }
        _ => return Ok(None),
    };
    Ok(Some(stamp))
}

fn monotonic(cx: &mut Context) -> Value {
    let now = clock::monotonic(&mut *cx.machine().platform);
    Ok(cx.integer(now)?)
}

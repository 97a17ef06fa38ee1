//! `trace_info/2`: what is traced, of a process, port, function, event, or of what is to come.

use super::super::{Bif, Context, Fail, Value, apply, bif};
use super::session;
use crate::atom::am;
use crate::code::breakpoints::{Breakpoint, Functions, Place, Wanted};
use crate::memory::Arena;
use crate::term::copy::copy;
use crate::term::{Atom, Term};
use crate::tracing::flags::Flags;
use crate::tracing::measure::{self, Kind, Measurement};
use crate::tracing::pattern::Kinds;
use crate::tracing::session::{LEGACY, Session, SessionId};
use crate::tracing::specification::Specification;
use crate::tracing::tracee;
use crate::tracing::tracer::{Tracer, Verdict};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "trace_info", 2, |cx, args| {
        info(cx, LEGACY, args[0], args[1])
    }),
    bif("erts_internal", "trace_info", 3, |cx, args| {
        if args[0] == am::ANY.term() {
            return sessions(cx, args[1], args[2]);
        }
        let id = session::alive(cx, args[0])?;
        info(cx, id, args[1], args[2])
    }),
];

fn pair(cx: &mut Context, item: Atom, value: Term) -> Value {
    Ok(cx.tuple(&[item.term(), value])?)
}

fn info(cx: &mut Context, session: SessionId, what: Term, item: Term) -> Value {
    let known = item.as_atom();
    if what == am::ON_LOAD.term() {
        return on_load(cx, session, known.ok_or(Fail::Badarg)?);
    }
    if what == am::SEND.term() || what == am::RECEIVE.term() {
        return messages(cx, session, what, known);
    }
    if let Some(parts) = what.as_tuple() {
        return function(cx, session, parts, item);
    }
    let (flags, tracer) = if what.is_local_pid() || what.is_local_port() {
        if what.is_local_pid() && !matches!(known, Some(am::FLAGS | am::TRACER)) {
            return Err(Fail::Badarg);
        }
        let machine = cx.machine();
        let alive = match what.is_local_pid() {
            true => machine.processes.alive(what).is_some(),
            false => machine.ports.open(what).is_some(),
        };
        if !alive {
            return Ok(am::UNDEFINED.term());
        }
        match tracee::link_of(machine, what, session) {
            Some(link) => (link.flags, link.tracer),
            None => (Flags::NONE, Tracer::Nobody),
        }
    } else {
        let name = what.as_atom().map(|atom| cx.atoms().name(atom));
        let of = cx.machine().tracing.session(session).ok_or(Fail::Badarg)?;
        let new = match name {
            Some("new" | "new_processes") => of.new_processes,
            Some("new_ports") => of.new_ports,
            _ => return Err(cx.fail_because(am::BADOPT)),
        };
        match new.tracer.verdict(cx.machine(), Term::NIL) {
            Verdict::Remove => (Flags::NONE, Tracer::Nobody),
            _ => (new.flags, new.tracer),
        }
    };
    match known {
        Some(item @ am::FLAGS) => {
            let (machine, heap) = cx.machine_and_heap();
            let list = flags.list(&mut machine.atoms, heap)?;
            pair(cx, item, list)
        }
        Some(item @ am::TRACER) => pair(cx, item, tracer.term()),
        _ => Err(Fail::Badarg),
    }
}

/// The source of a specification; `otherwise` if there is none.
fn source(cx: &mut Context, specification: Option<&Rc<Specification>>, otherwise: Term) -> Value {
    match specification {
        Some(specification) => Ok(copy(specification.source, cx, &(0..0))?),
        None => Ok(otherwise),
    }
}

fn messages(cx: &mut Context, session: SessionId, what: Term, item: Option<Atom>) -> Value {
    let Some(item @ am::MATCH_SPEC) = item else {
        return Err(Fail::Badarg);
    };
    let of = cx.machine().tracing.session(session).ok_or(Fail::Badarg)?;
    let messages = match what == am::SEND.term() {
        true => of.send.clone(),
        false => of.receive.clone(),
    };
    let value = match messages.on {
        true => source(cx, messages.specification.as_ref(), Term::boolean(true))?,
        false => Term::boolean(false),
    };
    pair(cx, item, value)
}

fn is_later(cx: &mut Context) -> bool {
    cx.machine().release_number() >= 26
}

fn on_load(cx: &mut Context, session: SessionId, item: Atom) -> Value {
    let of = cx.machine().tracing.session(session).ok_or(Fail::Badarg)?;
    let Session { on_load, .. } = of;
    if !on_load.on {
        return pair(cx, item, Term::boolean(false));
    }
    let kinds = on_load.kinds;
    let (specification, meta_specification, meta) = (
        on_load.specification.clone(),
        on_load.meta_specification.clone(),
        on_load.meta,
    );
    let no = Term::boolean(false);
    let calls = kinds.local || !kinds.breaks();
    let value = |cx: &mut Context, item: Atom| -> Value {
        Ok(match item {
            am::TRACED if kinds == Kinds::GLOBAL => am::GLOBAL.term(),
            am::TRACED if kinds.local => am::LOCAL.term(),
            am::MATCH_SPEC if calls => source(cx, specification.as_ref(), Term::NIL)?,
            am::META if kinds.meta => meta.term(),
            am::META_MATCH_SPEC if kinds.meta => {
                source(cx, meta_specification.as_ref(), Term::NIL)?
            }
            am::CALL_COUNT => Term::boolean(kinds.count),
            am::CALL_TIME => Term::boolean(kinds.time),
            am::CALL_MEMORY if is_later(cx) => Term::boolean(kinds.memory),
            am::TRACED | am::MATCH_SPEC | am::META | am::META_MATCH_SPEC => no,
            _ => return Err(Fail::Badarg),
        })
    };
    let value = if item == am::ALL {
        let items = [
            am::TRACED,
            am::MATCH_SPEC,
            am::META,
            am::META_MATCH_SPEC,
            am::CALL_COUNT,
        ];
        let mut list = Term::NIL;
        for item in items.into_iter().rev() {
            let value = value(cx, item)?;
            let pair = pair(cx, item, value)?;
            list = cx.cons(pair, list)?;
        }
        list
    } else {
        value(cx, item)?
    };
    pair(cx, item, value)
}

/// The breakpoints on a function: on its export entry, and in its code. `None` if there is no such function.
fn breakpoints(cx: &mut Context, functions: &Functions) -> Result<Option<[*mut u8; 2]>, Fail> {
    let code = &cx.machine().code;
    let exports = code.export_sites(functions)?;
    let local = code.function_sites(functions)?;
    let Some(site) = local.first() else {
        return Ok(None);
    };
    let export = exports.first().filter(|site| site.place != Place::BuiltIn);
    let export = export.map_or(core::ptr::null_mut(), |site| site.address);
    Ok(Some([export, site.address]))
}

/// The function that `{Module, Function, Arity}` names.
fn known_function(parts: &[Term]) -> Result<Functions, Fail> {
    if parts.len() != 3 {
        return Err(Fail::Badarg);
    }
    let (module, function, arity) = apply::mfa(parts)?;
    Ok(Functions {
        module: Some(module),
        function: Some(function),
        arity: Some(arity.into()),
    })
}

/// Of a function that is not there, or not traced, as much is told as is asked, whatever `item` is.
fn function(cx: &mut Context, session: SessionId, parts: &[Term], item: Term) -> Value {
    let functions = known_function(parts)?;
    let Some(addresses) = breakpoints(cx, &functions)? else {
        return Ok(cx.tuple(&[item, am::UNDEFINED.term()])?);
    };
    // What is under way counts, too.
    let (machine, process) = cx.machine_and_process();
    measure::settle(machine, process);
    let found = addresses.into_iter().find(|address| {
        let breakpoint = cx.machine().code.breakpoints.at(*address);
        breakpoint.is_some_and(|breakpoint| breakpoint.of(session).is_some())
    });
    let Some(address) = found else {
        return Ok(cx.tuple(&[item, Term::boolean(false)])?);
    };
    let item = item.as_atom().ok_or(Fail::Badarg)?;
    let value = if item == am::ALL {
        let mut items = Vec::new();
        items.extend([am::TRACED, am::MATCH_SPEC, am::META, am::META_MATCH_SPEC]);
        if is_later(cx) {
            items.push(am::CALL_MEMORY);
        }
        items.extend([am::CALL_TIME, am::CALL_COUNT]);
        let mut list = Term::NIL;
        for item in items.into_iter().rev() {
            let value = wanted_item(cx, session, address, item)?;
            let pair = pair(cx, item, value)?;
            list = cx.cons(pair, list)?;
        }
        list
    } else {
        wanted_item(cx, session, address, item)?
    };
    pair(cx, item, value)
}

/// What a session wants of the function whose breakpoint is there.
fn wanted(cx: &mut Context, session: SessionId, address: *const u8) -> Result<&Wanted, Fail> {
    let breakpoint = cx.machine().code.breakpoints.at(address);
    breakpoint
        .and_then(|breakpoint: &Breakpoint| breakpoint.of(session))
        .ok_or(Fail::Badarg)
}

fn wanted_item(cx: &mut Context, session: SessionId, address: *mut u8, item: Atom) -> Value {
    let no = Term::boolean(false);
    let wanted = wanted(cx, session, address)?;
    match item {
        am::TRACED => Ok(match &wanted.call {
            Some(call) if call.local => am::LOCAL.term(),
            Some(_) => am::GLOBAL.term(),
            None => no,
        }),
        am::MATCH_SPEC => match wanted.call.clone() {
            Some(call) => source(cx, call.specification.as_ref(), Term::NIL),
            None => Ok(no),
        },
        am::META => Ok(match &wanted.meta {
            Some(meta) => meta.tracer.term(),
            None => no,
        }),
        am::META_MATCH_SPEC => match wanted.meta.clone() {
            Some(meta) => source(cx, meta.specification.as_ref(), Term::NIL),
            None => Ok(no),
        },
        am::CALL_COUNT => match wanted.count {
            Some(count) => Ok(cx.unsigned(count.calls)?),
            None => Ok(no),
        },
        am::CALL_TIME => measured(cx, session, address, Kind::Time),
        am::CALL_MEMORY if is_later(cx) => measured(cx, session, address, Kind::Memory),
        _ => Err(Fail::Badarg),
    }
}

/// `[{Pid, Calls, Seconds, Microseconds}]` or `[{Pid, Calls, Words}]`
fn measured(cx: &mut Context, session: SessionId, address: *const u8, kind: Kind) -> Value {
    let Some(Measurement { amounts, .. }) = kind.of(wanted(cx, session, address)?) else {
        return Ok(Term::boolean(false));
    };
    let mut all: Vec<_> = amounts
        .iter()
        .map(|(pid, amount)| (*pid, *amount))
        .collect();
    all.sort_unstable_by_key(|(pid, _)| *pid);
    let mut list = Term::NIL;
    for (pid, amount) in all.into_iter().rev() {
        let calls = cx.unsigned(amount.calls)?;
        let pid = Term::local_pid(pid);
        let line = match kind {
            Kind::Time => {
                let microseconds = amount.total / 1000;
                let seconds = cx.unsigned(microseconds / 1_000_000)?;
                let rest = cx.unsigned(microseconds % 1_000_000)?;
                cx.tuple(&[pid, calls, seconds, rest])?
            }
            Kind::Memory => {
                let words = cx.unsigned(amount.total)?;
                cx.tuple(&[pid, calls, words])?
            }
        };
        list = cx.cons(line, list)?;
    }
    Ok(list)
}

/// `trace:session_info/1`: the sessions that something is traced in.
fn sessions(cx: &mut Context, what: Term, item: Term) -> Value {
    if item != am::SESSION.term() {
        return Err(Fail::Badarg);
    }
    let ids = if what.is_local_pid() || what.is_local_port() {
        let machine = cx.machine();
        let alive = match what.is_local_pid() {
            true => machine.processes.alive(what).is_some(),
            false => machine.ports.open(what).is_some(),
        };
        if !alive {
            return Ok(am::UNDEFINED.term());
        }
        let tracee = tracee::of(machine, what);
        let links = tracee.into_iter().flat_map(|tracee| tracee.links.iter());
        links.map(|link| link.session).collect()
    } else if let Some(parts) = what.as_tuple() {
        if parts.len() != 3 {
            return Err(Fail::Badarg);
        }
        let (module, function, arity) = apply::mfa(parts)?;
        let functions = Functions {
            module: Some(module),
            function: Some(function),
            arity: Some(arity.into()),
        };
        let Some(addresses) = breakpoints(cx, &functions)? else {
            return pair(cx, am::SESSION, am::UNDEFINED.term());
        };
        let table = &cx.machine().code.breakpoints;
        let found = addresses
            .into_iter()
            .filter_map(|address| table.at(address));
        found
            .flat_map(|breakpoint| breakpoint.wanted.iter())
            .map(|wanted| wanted.session)
            .collect()
    } else {
        sessions_of(cx, what)?
    };
    let mut list = Term::NIL;
    for id in ids {
        let weak = session::weak_reference(cx, id)?;
        list = cx.cons(weak, list)?;
    }
    pair(cx, am::SESSION, list)
}

fn sessions_of(cx: &mut Context, what: Term) -> Result<Vec<SessionId>, Fail> {
    let name = what.as_atom().map(|atom| cx.atoms().name(atom));
    let has: fn(&Session) -> bool = match name {
        Some("any") => |_| true,
        Some("on_load") => |session| session.on_load.on,
        Some("send") => |session| session.send.on,
        Some("receive") => |session| session.receive.on,
        Some("new" | "new_processes") => |session| !session.new_processes.flags.is_empty(),
        Some("new_ports") => |session| !session.new_ports.flags.is_empty(),
        _ => return Err(cx.fail_because(am::BADOPT)),
    };
    let all = cx.machine().tracing.sessions().iter();
    Ok(all.filter(|session| has(session)).map(|s| s.id).collect())
}

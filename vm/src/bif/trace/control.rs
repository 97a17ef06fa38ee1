//! `erts_internal:trace/3,4` and `trace_pattern/3,4`, which `erlang:trace/3`, `trace_pattern/2,3` and OTP 27's module `trace` call;
//! `trace_delivered/1`.

use super::super::ets::specification::compiler;
use super::super::{Bif, Context, Fail, Value, bare, bif, system_task};
use super::session;
use crate::atom::am;
use crate::code::breakpoints::{Functions, Place};
use crate::match_spec::Dialect;
use crate::match_spec::compile::Failure;
use crate::process::State;
use crate::report::{self, Event, Level};
use crate::term::Term;
use crate::tracing::flags::Flags;
use crate::tracing::pattern::{self, Kinds, Pattern, Switch};
use crate::tracing::session::{LEGACY, Messages, SessionId};
use crate::tracing::specification::{Specification, Wishes, parse_flags};
use crate::tracing::tracee;
use crate::tracing::tracer::{Tracer, Verdict};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erts_internal", "trace", 3, |cx, args| {
        trace(cx, LEGACY, args)
    }),
    bare("erlang", "trace", 3, |cx, args| trace(cx, LEGACY, args)),
    bare("erlang", "trace_pattern", 2, |cx, args| {
        trace_pattern(cx, LEGACY, &[args[0], args[1], Term::NIL])
    }),
    bare("erlang", "trace_pattern", 3, |cx, args| {
        trace_pattern(cx, LEGACY, args)
    }),
    bif("erts_internal", "trace", 4, |cx, args| {
        let id = session::alive(cx, args[0])?;
        trace(cx, id, &args[1..])
    }),
    bif("erts_internal", "trace_pattern", 3, |cx, args| {
        trace_pattern(cx, LEGACY, args)
    }),
    bif("erts_internal", "trace_pattern", 4, |cx, args| {
        let id = session::alive(cx, args[0])?;
        trace_pattern(cx, id, &args[1..])
    }),
    bif("erlang", "trace_delivered", 1, trace_delivered_1),
    bif("erts_debug", "breakpoint", 2, breakpoint_2),
];

/// What `all`, `existing_ports` and their like stand for.
#[derive(Clone, Copy)]
struct Group {
    processes: bool,
    ports: bool,
    existing: bool,
    new: bool,
}

fn group(name: &str) -> Option<Group> {
    let (processes, ports, existing, new) = match name {
        "all" => (true, true, true, true),
        "existing" => (true, true, true, false),
        "new" => (true, true, false, true),
        "processes" => (true, false, true, true),
        "existing_processes" => (true, false, true, false),
        "new_processes" => (true, false, false, true),
        "ports" => (false, true, true, true),
        "existing_ports" => (false, true, true, false),
        "new_ports" => (false, true, false, true),
        _ => return None,
    };
    Some(Group {
        processes,
        ports,
        existing,
        new,
    })
}

/// What is to be done to tracees.
#[derive(Clone, Copy)]
struct Order {
    session: SessionId,
    on: bool,
    flags: Flags,
    tracer: Tracer,
}

/// `trace(Whom, How, Flags)`: how many tracees there were.
fn trace(cx: &mut Context, session: SessionId, args: &[Term]) -> Value {
    let [whom, how, list] = [args[0], args[1], args[2]];
    let of_session = cx.machine().tracing.session(session).map(|s| s.tracer);
    let of_session = of_session.unwrap_or(Tracer::Nobody);
    let wishes = parse_flags(cx.machine(), list);
    let allowed = wishes.filter(|w| w.tracer.is_none() || of_session == Tracer::Nobody);
    let Some(wishes) = allowed else {
        return Err(cx.fail_because(am::BADOPT));
    };
    let on = how.as_boolean().ok_or(Fail::Badarg)?;
    let own = Tracer::Process(cx.process().pid);
    let tracer = match (wishes.tracer, of_session) {
        (Some(tracer), _) => tracer,
        (None, Tracer::Nobody) => own,
        (None, tracer) => tracer,
    };
    let order = Order {
        session,
        on,
        flags: wishes.flags,
        tracer,
    };
    if whom.is_local_pid() || whom.is_local_port() {
        return trace_one(cx, whom, order, &wishes);
    }
    let name = whom.as_atom().ok_or(Fail::Badarg)?;
    let group = group(cx.atoms().name(name)).ok_or(Fail::Badarg)?;
    if wishes.cpu_timestamp {
        if whom != am::ALL.term() {
            return Err(Fail::Badarg);
        }
        cx.machine().tracing.cpu_timestamp = on;
    }
    let mut count = 0;
    if group.existing {
        for tracee in existing(cx, group, order.flags)? {
            count += i64::from(start(cx, tracee, order)?);
        }
    }
    if group.new {
        trace_new(cx, group, order);
    }
    Ok(Term::small(count))
}

/// Processes and ports of a group that flags make sense for.
fn existing(cx: &mut Context, group: Group, flags: Flags) -> Result<Vec<Term>, Fail> {
    let (of_processes, of_ports) = (
        flags.any(Flags::OF_PROCESSES.without(Flags::MODIFIERS)),
        flags.any(Flags::OF_PORTS.without(Flags::MODIFIERS)),
    );
    let modifiers = flags.any(Flags::MODIFIERS);
    let processes = group.processes && (of_processes || modifiers);
    let ports = group.ports && (of_ports || modifiers);
    let mut all = Vec::new();
    let machine = cx.machine();
    if processes {
        for process in machine.processes.table.iter() {
            // SAFETY: the table's processes are alive, and nobody changes one meanwhile.
            let process = unsafe { process.as_ref() };
            if process.state != State::Exiting {
                all.try_reserve(1).map_err(|_| Fail::NoMemory)?;
                all.push(process.pid);
            }
        }
    }
    if ports {
        for port in machine.ports.iter() {
            all.try_reserve(1).map_err(|_| Fail::NoMemory)?;
            all.push(port.id);
        }
    }
    Ok(all)
}

fn trace_new(cx: &mut Context, group: Group, order: Order) {
    let Some(session) = cx.machine().tracing.session_mut(order.session) else {
        return;
    };
    let Order {
        on, flags, tracer, ..
    } = order;
    let of_processes = flags.and(Flags::OF_PROCESSES);
    if group.processes && !of_processes.is_empty() {
        session.new_processes.change(on, of_processes, tracer);
    }
    let of_ports = flags.and(Flags::OF_PORTS);
    if group.ports && !of_ports.is_empty() {
        session.new_ports.change(on, of_ports, tracer);
    }
}

fn trace_one(cx: &mut Context, tracee: Term, order: Order, wishes: &Wishes) -> Value {
    let machine = cx.machine();
    let alive = match tracee.is_local_port() {
        true => machine.ports.open(tracee).is_some(),
        false => machine.processes.alive(tracee).is_some(),
    };
    if !alive || wishes.cpu_timestamp {
        return Err(Fail::Badarg);
    }
    if !start(cx, tracee, order)? {
        let process = cx.process();
        let event = Event {
            level: Level::Error,
            format: "** can only have one tracer per process~n",
            arguments: &[],
            about: Some((process.pid, process.group_leader)),
        };
        report::say(cx.machine(), &event);
        return Err(Fail::Badarg);
    }
    Ok(Term::small(1))
}

/// Does it to one tracee; false if another tracer has it.
fn start(cx: &mut Context, tracee: Term, order: Order) -> Result<bool, Fail> {
    let machine = cx.machine();
    let link = tracee::of(machine, tracee).and_then(|t| t.link(order.session).copied());
    if let Some(link) = link
        && order.on
        && link.tracer != order.tracer
        && link.tracer.verdict(machine, tracee) != Verdict::Remove
    {
        return Ok(false);
    }
    if link.is_none() && !order.on {
        return Ok(true);
    }
    tracee::update(machine, tracee, order.session, |link| {
        if order.on {
            link.flags = link.flags.with(order.flags);
            link.tracer = order.tracer;
        } else {
            link.flags = link.flags.without(order.flags);
        }
    })?;
    Ok(true)
}

/// Reads the options of `trace_pattern`: what for, and who is told by meta tracing. `None` if one is bad.
fn kinds(cx: &mut Context, of_session: Tracer, list: Term) -> Option<(Kinds, Tracer)> {
    let mut kinds = Kinds::GLOBAL;
    let mut global = false;
    let mut meta = Tracer::Nobody;
    let own = Tracer::Process(cx.process().pid);
    let mut rest = list.iter_list();
    for option in &mut rest {
        let Some(name) = option.as_atom() else {
            if of_session != Tracer::Nobody {
                return None;
            }
            meta = Tracer::parse(am::META, option)?;
            kinds.meta = true;
            continue;
        };
        if name == am::GLOBAL {
            if kinds.breaks() {
                return None;
            }
            global = true;
            continue;
        }
        if global {
            return None;
        }
        match name {
            am::LOCAL => kinds.local = true,
            am::META => {
                kinds.meta = true;
                if meta == Tracer::Nobody {
                    meta = match of_session {
                        Tracer::Nobody => own,
                        tracer => tracer,
                    };
                }
            }
            am::CALL_COUNT => kinds.count = true,
            am::CALL_TIME => kinds.time = true,
            am::CALL_MEMORY if cx.machine().release_number() >= 26 => kinds.memory = true,
            _ => return None,
        }
    }
    rest.tail().is_nil().then_some((kinds, meta))
}

/// `trace_pattern(Functions, Specification, Options)`: how many functions there were.
fn trace_pattern(cx: &mut Context, session: SessionId, args: &[Term]) -> Value {
    let [what, how, list] = [args[0], args[1], args[2]];
    let of_session = cx.machine().tracing.session(session).map(|s| s.tracer);
    let of_session = of_session.unwrap_or(Tracer::Nobody);
    let mut specification = None;
    let switch = match how.as_atom() {
        _ if how.is_nil() => Switch::On,
        Some(am::TRUE) => Switch::On,
        Some(am::FALSE) => Switch::Off,
        Some(am::RESTART) => Switch::Restart,
        Some(am::PAUSE) => Switch::Pause,
        _ => {
            specification = Some(compile(cx, what, how)?);
            Switch::On
        }
    };
    let Some((kinds, meta)) = kinds(cx, of_session, list) else {
        return Err(cx.fail_because(am::BADOPT));
    };
    let counts = kinds.count || kinds.time || kinds.memory;
    if specification.is_some() && counts && !kinds.local && !kinds.meta {
        return Err(cx.fail_because(am::CALL_COUNT));
    }
    let pattern = Pattern {
        switch,
        kinds,
        specification,
        meta,
    };
    if what == am::ON_LOAD.term() {
        if let Some(session) = cx.machine().tracing.session_mut(session) {
            session.on_load.change(&pattern);
        }
        return Ok(Term::small(0));
    }
    if let Some(event) = what.as_atom() {
        let plain = !kinds.breaks() && list.is_nil();
        let usual = matches!(switch, Switch::On | Switch::Off);
        if !plain || !usual || !matches!(event, am::SEND | am::RECEIVE) {
            return Err(cx.fail_because(am::NONE));
        }
        let messages = Messages {
            on: switch == Switch::On,
            specification: pattern.specification,
        };
        if let Some(session) = cx.machine().tracing.session_mut(session) {
            match event {
                am::SEND => session.send = messages,
                _ => session.receive = messages,
            }
        }
        return Ok(Term::small(1));
    }
    let Some(functions) = functions(what) else {
        return Err(cx.fail_because(am::NONE));
    };
    let count = pattern::set(cx.machine(), session, &functions, &pattern)?;
    Ok(Term::small(count as i64))
}

/// Reads `{Module, Function, Arity}`, where `'_'` stands for any from some place on.
fn functions(what: Term) -> Option<Functions> {
    let &[module, function, arity] = what.as_tuple()? else {
        return None;
    };
    let any = am::UNDERSCORE.term();
    let (module_name, name) = (module.as_atom()?, function.as_atom()?);
    if arity != any {
        arity.as_small()?;
    }
    let given = [module, function, arity].map(|part| part != any);
    if given[1] && !given[0] || given[2] && !given[1] {
        return None;
    }
    Some(Functions {
        module: given[0].then_some(module_name),
        function: given[1].then_some(name),
        // One that no function has is no function's.
        arity: given[2].then(|| {
            let arity = arity.as_small().and_then(|arity| u32::try_from(arity).ok());
            arity.unwrap_or(u32::MAX)
        }),
    })
}

fn compile(cx: &mut Context, what: Term, source: Term) -> Result<Rc<Specification>, Fail> {
    let dialect = match what.as_atom() {
        Some(am::SEND) => Dialect::Send,
        Some(am::RECEIVE) => Dialect::Receive,
        _ => Dialect::Trace,
    };
    match compiler(cx, dialect).owned(source) {
        Ok(compiled) => Ok(Rc::new(Specification::new(compiled, source)?)),
        Err(Failure::NoMemory) => Err(Fail::NoMemory),
        Err(Failure::Problems(_)) => Err(cx.fail_because(am::MATCH_SPEC)),
    }
}

/// `{trace_delivered, Pid, Reference}` comes when all trace messages of a process have: at once.
fn trace_delivered_1(cx: &mut Context, args: &[Term]) -> Value {
    if args[0] != am::ALL.term() && !args[0].is_local_pid() {
        return Err(Fail::Badarg);
    }
    let reference = cx.machine().processes.references.make().term(cx)?;
    let tag = cx.atom("trace_delivered")?;
    let own = cx.process().pid;
    system_task::answer(cx, own, &[tag, args[0], reference])?;
    Ok(reference)
}

/// `breakpoint(Functions, On)`: calls of these functions are calls of `breakpoint/3` of the caller's error handler; how many there are.
fn breakpoint_2(cx: &mut Context, args: &[Term]) -> Value {
    let functions = functions(args[0]).ok_or(Fail::Badarg)?;
    let on = args[1].as_boolean().ok_or(Fail::Badarg)?;
    let code = &mut cx.machine().code;
    let mut sites = code.function_sites(&functions)?;
    sites.retain(|site| site.place == Place::Code);
    for site in &sites {
        code.change_breakpoint(site, LEGACY, |wanted| wanted.debug = on)?;
    }
    Ok(Term::small(sites.len() as i64))
}

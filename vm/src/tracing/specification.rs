//! Match specifications of traces, and what their bodies do.
//!
//! A specification is run with the arguments of a call, `[To, Message]` of a message that is sent, or `[Node, From, Message]` of one
//! that arrives, as if the traced process ran it: what it builds lies there.
//!
//! Invariant: a specification has its own copy of all terms in it.

use super::flags::Flags;
use super::frames;
use super::session::{LEGACY, SessionId};
use super::tracee::{self, Link};
use super::tracer::{Tracer, Verdict};
use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::crash_dump;
use crate::interp::trace::{MAX_DEPTH, place};
use crate::machine::Machine;
use crate::match_spec::MatchSpec;
use crate::match_spec::actions::{Action, Actions, Trial};
use crate::match_spec::run::{Scratch, Subject};
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::process::Process;
use crate::term::{Atom, Header, Term};
use core::ptr::NonNull;

/// A compiled specification, and the term that it was made of.
pub struct Specification {
    compiled: MatchSpec,
    /// The list of clauses, for `trace_info/2`.
    pub source: Term,
    _memory: Parcel,
}

impl Specification {
    /// `compiled` is made of `source`.
    pub fn new(compiled: MatchSpec, source: Term) -> Result<Specification, NoMemory> {
        let mut memory = Parcel::new();
        let source = crate::term::copy::copy(source, &mut memory, &(0..0))?;
        Ok(Specification {
            compiled,
            source,
            _memory: memory,
        })
    }
}

/// What a specification wants told, if a clause has matched.
#[derive(Clone, Copy)]
pub struct Matched {
    /// What `{message, M}` said last: `true` is the message alone, `false` none, anything else stands behind it.
    pub message: Term,
    /// Whether the return is told, too.
    pub return_trace: bool,
    /// Whether an exception is told, too.
    pub exception_trace: bool,
}

impl Matched {
    /// What a pattern without specification wants.
    pub const ALWAYS: Matched = Matched {
        message: am::TRUE.term(),
        return_trace: false,
        exception_trace: false,
    };
}

/// Runs a specification for a process; `None` if no clause matches.
pub fn run(
    machine: &mut Machine,
    process: &mut Process,
    session: SessionId,
    specification: &Specification,
    arguments: Term,
) -> Result<Option<Matched>, NoMemory> {
    let mut effects = Effects {
        session,
        matched: Matched::ALWAYS,
    };
    // SAFETY: both are alive, and whoever calls this does not use them until it returns.
    let mut cx = unsafe { Context::new(NonNull::from(machine), NonNull::from(process)) };
    let mut scratch = Scratch::default();
    let ran =
        specification
            .compiled
            .run(&mut cx, &mut scratch, arguments, Subject::Own, &mut effects);
    match ran {
        Ok(value) => Ok(value.map(|_| effects.matched)),
        Err(_) => Err(NoMemory),
    }
}

/// Does what bodies ask for.
struct Effects {
    session: SessionId,
    matched: Matched,
}

impl Actions for Effects {
    fn act(&mut self, cx: &mut Context, action: Action, arguments: &[Term]) -> Value {
        match action {
            Action::Message => self.matched.message = arguments[0],
            Action::ReturnTrace => self.matched.return_trace = true,
            Action::ExceptionTrace => {
                self.matched.return_trace = true;
                self.matched.exception_trace = true;
            }
            Action::IsSeqTrace => {
                let label = call(cx, "seq_trace_info", &[am::LABEL.term()])?;
                let there = label.as_tuple().is_some_and(|pair| !pair[1].is_nil());
                return Ok(Term::boolean(there));
            }
            Action::SetSeqToken => {
                call(cx, "seq_trace", arguments)?;
            }
            Action::GetSeqToken => return super::event::sequential_token(cx),
            Action::Display => return Trial::new().act(cx, action, arguments),
            Action::ProcessDump => {
                let pid = cx.process().pid;
                let text = crash_dump::stack::backtrace(cx.machine(), pid);
                return Ok(crate::bits::make_binary(cx, text.as_bytes())?);
            }
            Action::EnableTrace => return self.change(cx, arguments, true),
            Action::DisableTrace => return self.change(cx, arguments, false),
            Action::Trace => return self.trace(cx, arguments),
            Action::Caller => return caller(cx, false),
            Action::CallerLine => return caller(cx, true),
            Action::CurrentStacktrace => return stacktrace(cx, arguments),
            Action::Silent => match arguments[0].as_boolean() {
                Some(on) => self.silence(cx, on)?,
                None => return Err(Fail::Badarg),
            },
            Action::GetTraceControlWord => {
                let word = *self.control_word(cx).ok_or(Fail::Badarg)?;
                return Ok(Term::small(word.into()));
            }
            Action::SetTraceControlWord => {
                let new = arguments[0].as_small().ok_or(Fail::Badarg)?;
                let word = self.control_word(cx).ok_or(Fail::Badarg)?;
                let old = core::mem::replace(word, new as u32);
                return Ok(Term::small(old.into()));
            }
        }
        Ok(Term::boolean(true))
    }
}

impl Effects {
    fn control_word<'c>(&self, cx: &'c mut Context) -> Option<&'c mut u32> {
        let machine = cx.machine();
        if self.session == LEGACY {
            return Some(&mut machine.scheduler.trace_control_word);
        }
        let session = machine.tracing.session_mut(self.session)?;
        Some(&mut session.control_word)
    }

    /// Whether calls of the process itself are told, if it is traced.
    fn silence(&self, cx: &mut Context, on: bool) -> Result<(), Fail> {
        let pid = cx.process().pid;
        let machine = cx.machine();
        if tracee::link_of(machine, pid, self.session).is_none() {
            return Ok(());
        }
        tracee::update(machine, pid, self.session, |link| {
            link.flags = match on {
                true => link.flags.with(Flags::SILENT),
                false => link.flags.without(Flags::SILENT),
            };
        })?;
        Ok(())
    }

    /// Changes the flags of a process. Its tracer is `tracer` then, or the one of the process that runs the specification; without either it
    /// is not traced any more. (So in OTP.) Whether that changed anything.
    fn set(
        &self,
        cx: &mut Context,
        pid: Term,
        off: Flags,
        on: Flags,
        tracer: Option<Tracer>,
    ) -> Result<bool, Fail> {
        let own = cx.process().pid;
        let machine = cx.machine();
        let of_own = tracee::link_of(machine, own, self.session).map(|link| link.tracer);
        let tracer = tracer.or(of_own).unwrap_or(Tracer::Nobody);
        let gone = tracer.verdict(machine, pid) == Verdict::Remove;
        let before = tracee::link_of(machine, pid, self.session);
        let old = before.map_or(Flags::NONE, |link| link.flags);
        let new = match gone {
            true => Flags::NONE,
            false => old.without(off).with(on),
        };
        let same = before.is_none_or(|link| link.tracer == tracer) && new == old;
        if same {
            return Ok(false);
        }
        tracee::update(machine, pid, self.session, |link: &mut Link| {
            link.flags = new;
            link.tracer = tracer;
        })?;
        Ok(true)
    }

    /// `{enable_trace, Flag}`, `{enable_trace, Pid, Flag}`, and the same for `disable_trace`.
    fn change(&self, cx: &mut Context, arguments: &[Term], on: bool) -> Value {
        let (target, flag) = match *arguments {
            [flag] => (cx.process().pid, flag),
            [target, flag] => (target, flag),
            _ => return Err(Fail::Badarg),
        };
        let flag = flag.as_atom().ok_or(Fail::Badarg)?;
        let flags = Flags::named(cx.atoms().name(flag)).ok_or(Fail::Badarg)?;
        let pid = process_of(cx, target).ok_or(Fail::Badarg)?;
        match on {
            true => self.set(cx, pid, Flags::NONE, flags, None)?,
            false => self.set(cx, pid, flags, Flags::NONE, None)?,
        };
        Ok(Term::boolean(true))
    }

    /// `{trace, Disable, Enable}`, `{trace, Pid, Disable, Enable}`: whether that changed anything.
    fn trace(&self, cx: &mut Context, arguments: &[Term]) -> Value {
        let (target, off, on) = match *arguments {
            [off, on] => (cx.process().pid, off, on),
            [target, off, on] => (target, off, on),
            _ => return Err(Fail::Badarg),
        };
        let off = parse_flags(cx.machine(), off).ok_or(Fail::Badarg)?;
        let on = parse_flags(cx.machine(), on).ok_or(Fail::Badarg)?;
        let pid = process_of(cx, target).ok_or(Fail::Badarg)?;
        let tracer = on.tracer.or(off.tracer);
        self.set(cx, pid, off.flags, on.flags, tracer)
            .map(Term::boolean)
    }
}

/// What a list of flags says.
#[derive(Clone, Copy)]
pub struct Wishes {
    /// The flags.
    pub flags: Flags,
    /// `{tracer, Pid}`
    pub tracer: Option<Tracer>,
    /// `cpu_timestamp`
    pub cpu_timestamp: bool,
}

/// Reads a list of flags; `None` if it is none, or has something else in it.
pub fn parse_flags(machine: &Machine, list: Term) -> Option<Wishes> {
    let mut wishes = Wishes {
        flags: Flags::NONE,
        tracer: None,
        cpu_timestamp: false,
    };
    let mut rest = list.iter_list();
    for item in &mut rest {
        if let Some(atom) = item.as_atom() {
            match machine.atoms.name(atom) {
                "cpu_timestamp" => wishes.cpu_timestamp = true,
                name => wishes.flags = wishes.flags.with(Flags::named(name)?),
            }
        } else {
            wishes.tracer = Some(Tracer::parse(am::TRACER, item)?);
        }
    }
    rest.tail().is_nil().then_some(wishes)
}

/// The process of a pid or a name.
fn process_of(cx: &mut Context, target: Term) -> Option<Term> {
    let pid = match target.as_atom() {
        Some(name) => cx.machine().processes.registry.whereis(name)?,
        None => target,
    };
    cx.machine().processes.alive(pid).map(|process| process.pid)
}

/// The value of a built-in function of module `erlang`.
fn call(cx: &mut Context, function: &'static str, arguments: &[Term]) -> Value {
    let name = cx.atoms().insert_static(function)?;
    let export = cx
        .machine()
        .code
        .find_export(am::ERLANG, name, arguments.len() as u8)
        .ok_or(Fail::Badarg)?;
    // SAFETY: export entries live as long as the machine.
    let run = unsafe { export.as_ref() }.built_in.ok_or(Fail::Badarg)?;
    run(cx, arguments)
}

/// Who calls the traced function: `{Module, Function, Arity}`, or with `{File, Line}` behind; `undefined` if that is nobody.
fn caller(cx: &mut Context, with_line: bool) -> Value {
    // The byte before a return address is the call's.
    let address = frames::return_address(cx.process()).wrapping_sub(1);
    let Some(at) = cx.machine().code.location(address) else {
        return Ok(am::UNDEFINED.term());
    };
    let arity = Term::small(at.arity.into());
    let function: [Term; 3] = [at.module.term(), at.function.term(), arity];
    if !with_line {
        return Ok(cx.tuple(&function)?);
    }
    let line = match at.line {
        Some((file, line)) => {
            let file = cx.string(file)?;
            cx.tuple(&[file, Term::small(line.into())])?
        }
        None => am::UNDEFINED.term(),
    };
    let [module, function, arity] = function;
    Ok(cx.tuple(&[module, function, arity, line])?)
}

/// The stack above the traced function.
fn stacktrace(cx: &mut Context, arguments: &[Term]) -> Value {
    let most = cx.machine().backtrace_depth.min(MAX_DEPTH);
    let depth = match arguments.first() {
        None => most,
        Some(depth) => match depth.as_small() {
            Some(depth @ 0..) => most.min(depth as usize),
            _ => return Err(Fail::Badarg),
        },
    };
    let mut places = [Term::NIL; MAX_DEPTH];
    let mut count = 0;
    let heap = &cx.process().heap;
    let (mut slot, end) = (heap.stack, heap.block.end());
    while slot < end && count < depth {
        // SAFETY: words from `stack` to the end of the block are initialised.
        let word = unsafe { *slot };
        slot = slot.wrapping_add(1);
        if Header::is_header(word)
            && let Some(at) = cx.machine().code.location((word - 1) as *const u8)
        {
            let place = place(cx.heap(), at.line, None)?;
            let arity = Term::small(at.arity.into());
            places[count] = cx.tuple(&[at.module.term(), at.function.term(), arity, place])?;
            count += 1;
        }
    }
    Ok(cx.list(&places[..count])?)
}

/// The name of this node, for specifications of messages.
pub fn this_node(machine: &Machine) -> Atom {
    machine.atoms.node.name
}

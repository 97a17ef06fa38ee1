//! Tracers: who is told.
//!
//! OTP's tracers are modules with native functions; the one that is always there, `erl_tracer`, sends messages to a process or port, and is
//! what `{tracer, Pid}` stands for. No other native library has the functions of a tracer, so a tracer is a process or a port of this node.

use crate::atom::am;
use crate::machine::Machine;
use crate::term::Term;

/// Who is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tracer {
    /// Nobody.
    Nobody,
    /// This process.
    Process(Term),
    /// This port.
    Port(Term),
    /// What `erl_tracer` was given in the place of a process or port: it tells nobody.
    NoReceiver(Term),
}

/// Whether a tracer is to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is.
    Trace,
    /// Not of this tracee: nobody traces itself.
    Discard,
    /// It has ended.
    Remove,
}

impl Tracer {
    /// The tracer that is a process or port of this node.
    pub fn of(id: Term) -> Option<Tracer> {
        if id.is_local_pid() {
            Some(Tracer::Process(id))
        } else if id.is_local_port() {
            Some(Tracer::Port(id))
        } else {
            None
        }
    }

    /// Reads `{Tag, Tracer}` or `{Tag, Module, State}`.
    pub fn parse(tag: crate::term::Atom, option: Term) -> Option<Tracer> {
        match *option.as_tuple()? {
            [key, id] if key == tag.term() => Tracer::of(id),
            [key, module, state] if key == tag.term() => Tracer::of_module(module, state),
            _ => None,
        }
    }

    /// The tracer that a module with native functions makes of a state.
    pub fn of_module(module: Term, state: Term) -> Option<Tracer> {
        if module != am::ERL_TRACER.term() {
            return None;
        }
        let known = if state.is_immediate() {
            state
        } else {
            Term::NIL
        };
        Some(Tracer::of(state).unwrap_or(Tracer::NoReceiver(known)))
    }

    /// As programs see it; `[]` for nobody.
    pub fn term(self) -> Term {
        match self {
            Tracer::Nobody => Term::NIL,
            Tracer::Process(id) | Tracer::Port(id) | Tracer::NoReceiver(id) => id,
        }
    }

    /// Whether it is to be told of `tracee`.
    pub fn verdict(self, machine: &mut Machine, tracee: Term) -> Verdict {
        let (id, alive) = match self {
            Tracer::Nobody | Tracer::NoReceiver(_) => return Verdict::Remove,
            Tracer::Process(pid) => (pid, machine.processes.alive(pid).is_some()),
            Tracer::Port(port) => (port, machine.ports.open(port).is_some()),
        };
        match alive {
            false => Verdict::Remove,
            true if id == tracee => Verdict::Discard,
            true => Verdict::Trace,
        }
    }
}

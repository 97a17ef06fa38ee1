//! Sessions: sets of traces that know nothing of each other.
//!
//! The first one is that of `erlang:trace/3` and is always there. The others are made by OTP 27's `trace:session_create/3`, and end with
//! `session_destroy/1` or when nobody refers to them any more: a session is a resource to its users, see [`Session::reference`].

use super::Tracing;
use super::flags::Flags;
use super::pattern::OnLoad;
use super::specification::Specification;
use super::tracer::Tracer;
use crate::term::Atom;
use alloc::rc::Rc;

/// The number of a session.
pub type SessionId = u32;

/// The session of `erlang:trace/3`.
pub const LEGACY: SessionId = u32::MAX;

/// What is asked of messages that traced processes send or get.
#[derive(Clone)]
pub struct Messages {
    /// Whether they are told at all.
    pub on: bool,
    /// Which of them.
    pub specification: Option<Rc<Specification>>,
}

impl Messages {
    const ALL: Messages = Messages {
        on: true,
        specification: None,
    };
}

/// What new processes or ports begin with.
#[derive(Clone, Copy)]
pub struct Default {
    /// Flags.
    pub flags: Flags,
    /// Who is told.
    pub tracer: Tracer,
}

impl Default {
    const NOTHING: Default = Default {
        flags: Flags::NONE,
        tracer: Tracer::Nobody,
    };

    /// Switches flags on or off.
    pub fn change(&mut self, on: bool, flags: Flags, tracer: Tracer) {
        if on {
            self.flags = self.flags.with(flags);
            self.tracer = tracer;
        } else {
            self.flags = self.flags.without(flags);
        }
        if self.flags.is_empty() {
            self.tracer = Tracer::Nobody;
        }
    }
}

/// One session.
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// What it was called.
    pub name: Atom,
    /// Who is told, if that was said when it was made.
    pub tracer: Tracer,
    /// What new processes begin with.
    pub new_processes: Default,
    /// What new ports begin with.
    pub new_ports: Default,
    /// Messages that are sent.
    pub send: Messages,
    /// Messages that arrive.
    pub receive: Messages,
    /// Patterns for modules that are loaded later.
    pub on_load: OnLoad,
    /// What `get_tcw` and `set_tcw` are about, of all sessions but the first.
    pub control_word: u32,
}

impl Session {
    pub(super) const fn new(id: SessionId, name: Atom, tracer: Tracer) -> Session {
        Session {
            id,
            name,
            tracer,
            new_processes: Default::NOTHING,
            new_ports: Default::NOTHING,
            send: Messages::ALL,
            receive: Messages::ALL,
            on_load: OnLoad::NOTHING,
            control_word: 0,
        }
    }
}

impl Tracing {
    /// A new session.
    pub fn create(&mut self, name: Atom, tracer: Tracer) -> SessionId {
        let id = self.next_session;
        self.next_session += 1;
        // Behind the first one, as in OTP: what lists sessions begins with the oldest.
        self.sessions.insert(1, Session::new(id, name, tracer));
        id
    }

    /// The session of that number.
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == id)
    }

    /// The session of that number.
    pub fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }

    /// All sessions.
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// Takes a session out; whether it was there. The first one stays.
    pub fn remove(&mut self, id: SessionId) -> bool {
        let count = self.sessions.len();
        self.sessions
            .retain(|session| session.id == LEGACY || session.id != id);
        self.sessions.len() != count
    }
}

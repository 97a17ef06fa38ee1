//! Tracing: telling tracers what processes, ports and functions do.
//!
//! What `erlang:trace/3`, `trace_pattern/3` and the sessions of OTP 27's module `trace` ask for. One file an idea: [`flags`] is what can be asked of
//! a tracee, [`tracer`] who is told, [`session`] what belongs to one session, [`tracee`] what hangs on a process or port, [`message`] how
//! a trace message is made, [`event`] what happens to processes, [`call`] what happens at a breakpoint, [`frames`] what lies on a
//! stack until a traced function returns, [`measure`] counts calls, time and words, [`pattern`] says which functions have breakpoints,
//! [`specification`] is the side effects of match specifications, [`saved_calls`] the last calls of processes. Where breakpoints are in the code is `crate::code::breakpoints`' business.
//!
//! Invariant: a process that is not traced has no [`tracee::Tracee`], and a function that is not traced has no breakpoint: both cost
//! nothing. Who is traced costs a look at one word in paths that are slow already. A trace message is in its tracer's mailbox when the
//! function that reports the event returns.

pub mod call;
pub mod event;
pub mod flags;
pub mod frames;
pub mod measure;
pub mod message;
pub mod pattern;
pub mod port_event;
pub mod saved_calls;
pub mod session;
pub mod specification;
pub mod tracee;
pub mod tracer;

use crate::atom::am;
use alloc::vec;
use alloc::vec::Vec;
use session::Session;

/// All that is asked to be traced, but for what hangs on processes, ports and functions.
pub struct Tracing {
    /// Sessions, the one of `erlang:trace/3` first.
    sessions: Vec<Session>,
    /// The number of the session that is made next.
    next_session: u32,
    /// How many processes tell of messages that they get.
    pub(crate) receivers: usize,
    /// Whether `timestamp` is the time that the processor was busy (`cpu_timestamp`).
    pub(crate) cpu_timestamp: bool,
    /// Whether there ever was a frame on a stack that an exception must tell of.
    pub(crate) has_frames: bool,
    /// Whether `erlang:apply/3` has just asked for a call of a built-in function that is traced.
    pub(crate) applies: bool,
    /// Whether a port was ever traced.
    pub(crate) has_ports: bool,
    /// Who saves calls.
    pub(crate) saving: saved_calls::Saving,
}

impl Tracing {
    /// Nothing is traced.
    pub fn new() -> Tracing {
        let legacy = Session::new(session::LEGACY, am::LEGACY, tracer::Tracer::Nobody);
        Tracing {
            sessions: vec![legacy],
            next_session: 0,
            receivers: 0,
            cpu_timestamp: false,
            has_frames: false,
            applies: false,
            has_ports: false,
            saving: saved_calls::Saving::default(),
        }
    }
}

impl Default for Tracing {
    fn default() -> Self {
        Tracing::new()
    }
}

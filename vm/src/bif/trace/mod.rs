//! Built-in functions that begin, end and ask about traces.
//!
//! [`control`] is whom and what: `trace/3`, `trace_pattern/3`, `trace_delivered/1`; [`info`] is `trace_info/2`; [`session`] the sessions of OTP 27.
//! What they set is [`crate::tracing`]'s.

pub(super) mod control;
pub(super) mod info;
pub(super) mod session;

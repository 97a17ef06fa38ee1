//! What the body of a trace's match specification may ask for.
//!
//! The runner evaluates arguments and calls [`Actions::act`]; what that does is up to whoever traces. [`Trial`] is what
//! `erlang:match_spec_test/3` does: nothing but taking notes.

use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::term::Term;

/// A form that only tracing knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `{message, M}`: what is sent beside the trace message; `false` sends nothing.
    Message,
    /// `{return_trace}`
    ReturnTrace,
    /// `{exception_trace}`
    ExceptionTrace,
    /// `{is_seq_trace}`
    IsSeqTrace,
    /// `{set_seq_token, Component, Value}`
    SetSeqToken,
    /// `{get_seq_token}`
    GetSeqToken,
    /// `{display, Term}`
    Display,
    /// `{process_dump}`
    ProcessDump,
    /// `{enable_trace, ...}`
    EnableTrace,
    /// `{disable_trace, ...}`
    DisableTrace,
    /// `{trace, ...}`
    Trace,
    /// `{caller}`
    Caller,
    /// `{caller_line}`
    CallerLine,
    /// `{current_stacktrace}`, `{current_stacktrace, Depth}`
    CurrentStacktrace,
    /// `{silent, Bool}`
    Silent,
    /// `{get_tcw}`
    GetTraceControlWord,
    /// `{set_tcw, Word}`
    SetTraceControlWord,
}

/// Whoever carries actions out.
pub trait Actions {
    /// Does `action` with its evaluated arguments; the value is that of the form.
    fn act(&mut self, cx: &mut Context, action: Action, arguments: &[Term]) -> Value;
}

/// For specifications of tables, which have no actions.
pub struct NoActions;

impl Actions for NoActions {
    fn act(&mut self, _: &mut Context, _: Action, _: &[Term]) -> Value {
        Err(Fail::Badarg)
    }
}

/// What `erlang:match_spec_test/3` notes.
pub struct Trial {
    /// What `{message, M}` said last; `true` at first.
    pub message: Term,
    /// Whether `{return_trace}` was done.
    pub return_trace: bool,
    /// Whether `{exception_trace}` was done.
    pub exception_trace: bool,
}

impl Trial {
    /// Nothing yet.
    pub fn new() -> Trial {
        Trial {
            message: Term::boolean(true),
            return_trace: false,
            exception_trace: false,
        }
    }
}

impl Default for Trial {
    fn default() -> Self {
        Trial::new()
    }
}

impl Actions for Trial {
    fn act(&mut self, cx: &mut Context, action: Action, arguments: &[Term]) -> Value {
        match action {
            Action::Message => self.message = arguments[0],
            Action::ReturnTrace => self.return_trace = true,
            Action::ExceptionTrace => self.exception_trace = true,
            Action::IsSeqTrace | Action::Trace => return Ok(Term::boolean(false)),
            Action::SetSeqToken => {
                let item = arguments[0].as_atom().ok_or(Fail::Badarg)?;
                return match cx.atoms().name(item) {
                    "label"
                    | "serial"
                    | "send"
                    | "receive"
                    | "print"
                    | "timestamp"
                    | "monotonic_timestamp"
                    | "strict_monotonic_timestamp" => Ok(Term::NIL),
                    _ => Err(Fail::Badarg),
                };
            }
            Action::GetSeqToken | Action::CurrentStacktrace => return Ok(Term::NIL),
            Action::Caller | Action::CallerLine => return Ok(am::UNDEFINED.term()),
            Action::GetTraceControlWord | Action::SetTraceControlWord => {
                return Ok(Term::small(0));
            }
            Action::Display => {
                let line = cx.machine().text(arguments[0]);
                let platform = &mut cx.machine().platform;
                platform.console_write(crate::platform::Stream::Output, line.as_bytes());
                platform.console_write(crate::platform::Stream::Output, b"\n");
            }
            // What is traced does not change by a trial; a dump would be of the process that tries.
            Action::ProcessDump | Action::EnableTrace | Action::DisableTrace | Action::Silent => {}
        }
        Ok(Term::boolean(true))
    }
}

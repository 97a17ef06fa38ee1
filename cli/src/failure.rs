//! How the tool says that something went wrong.
//!
//! A [`Failure`] says what happened and where, and, where there is one, what the user can do about it. Every
//! command returns one; only `main` prints it, as `starling: <what>` and an indented hint, and ends with its
//! status.

use std::fmt;
use std::path::Path;

/// Exit status of a failure that has no better one.
pub const STATUS_FAILED: u8 = 1;
/// Exit status of a command line that makes no sense; clap uses the same.
pub const STATUS_USAGE: u8 = 2;

/// What went wrong, how to mend it, and the exit status that says so.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    /// The tool's exit status.
    pub status: u8,
}

/// What a part of the tool returns.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with status 1. The message starts with what it is about: a file, a program, a flag.
    pub fn new(message: impl Into<String>) -> Self {
        Failure {
            message: message.into(),
            hint: None,
            status: STATUS_FAILED,
        }
    }

    /// A command line that makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure::new(message).with_status(STATUS_USAGE)
    }

    /// What the system said about `path`.
    pub fn io(path: &Path, doing: &str, error: impl fmt::Display) -> Self {
        Failure::new(format!("{}: cannot {doing}: {error}", path.display()))
    }

    /// Adds what the user can do.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What went wrong, alone.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// With another text wherever this one is.
    pub fn replacing(mut self, text: &str, by: &str) -> Self {
        self.message = self.message.replace(text, by);
        self.hint = self.hint.map(|hint| hint.replace(text, by));
        self
    }

    /// Ends the tool with `status` instead of 1.
    pub fn with_status(mut self, status: u8) -> Self {
        self.status = status;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "starling: {}", self.message)?;
        for line in self.hint.iter().flat_map(|hint| hint.lines()) {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_and_how_to_mend_it() {
        let failure = Failure::io(Path::new("/a b"), "read", "no").with_hint("one\ntwo");
        assert_eq!(
            failure.to_string(),
            "starling: /a b: cannot read: no\n  one\n  two"
        );
        assert_eq!(failure.status, 1);
        assert_eq!(Failure::usage("x").status, 2);
    }
}

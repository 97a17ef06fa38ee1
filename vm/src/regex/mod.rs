//! Regular expressions with the syntax and semantics of PCRE 8.44, which OTP 25 to 27 have: what module `re` stands on.
//!
//! A pattern is parsed to a tree (`parse`), emitted as a program (`emit`, `program`) and run by a backtracking
//! matcher with a stack of its own (`matcher`). Subjects are bytes (ISO 8859-1), or UTF-8 with
//! `unicode`. Nothing here knows terms: `bif/re.rs` does.
//!
//! Invariant: neither a pattern nor a program nor a subject can cause a panic, and nothing recurses on the native stack.

mod analysis;
mod ast;
mod ctype;
mod emit;
mod error;
mod matcher;
mod options;
mod parse;
mod program;
mod set;
mod text;
mod unicode;

#[cfg(test)]
mod tests;

pub use error::CompileError;
pub use matcher::{Found, Stop, find};
pub use options::{CompileOptions, Newline, Options, RunOptions};
pub use program::{FORM, Program};

use alloc::vec::Vec;

/// A compiled pattern.
pub struct Compiled {
    /// See [`Program`].
    pub bytes: Vec<u8>,
    /// Capturing groups.
    pub groups: u32,
    /// What ends a line, after what the pattern says of it.
    pub newline: Newline,
}

/// Compiles a pattern.
pub fn compile(pattern: &[u8], options: CompileOptions) -> Result<Compiled, CompileError> {
    let parsed = parse::parse(pattern, options)?;
    Ok(Compiled {
        bytes: emit::emit(&parsed),
        groups: parsed.ast.groups,
        newline: parsed.compile.newline,
    })
}

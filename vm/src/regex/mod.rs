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

/// Lets others run now and then while a pattern is compiled; gets how much was done since, in items of the pattern or of its program.
pub type Rest<'r> = dyn FnMut(usize) + 'r;

/// Items between two rests.
const ITEMS: usize = 512;

/// Counts the items that are done, and rests after each [`ITEMS`].
struct Pace<'r> {
    rest: &'r mut Rest<'r>,
    done: usize,
}

impl Pace<'_> {
    /// So many more are done.
    #[inline]
    fn did(&mut self, items: usize) {
        self.done += items;
        if self.done >= ITEMS {
            (self.rest)(core::mem::take(&mut self.done));
        }
    }
}

/// Compiles a pattern.
pub fn compile<'r>(
    pattern: &[u8],
    options: CompileOptions,
    rest: &'r mut Rest<'r>,
) -> Result<Compiled, CompileError> {
    let mut pace = Pace { rest, done: 0 };
    let parsed = parse::parse(pattern, options, &mut pace)?;
    Ok(Compiled {
        bytes: emit::emit(&parsed, &mut pace),
        groups: parsed.ast.groups,
        newline: parsed.compile.newline,
    })
}

//! Why a file was refused.
//!
//! Every refusal of the loader is a [`LoadError`]: what is wrong, where, in which
//! module and by which OTP release it was compiled, as far as that is known. The
//! machine answers `badfile` and logs the text. Nothing in this crate panics on input.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use crate::opcode::{self, Generic};

/// A file that cannot be loaded, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadError {
    /// What is wrong.
    pub problem: Problem,
    /// The module, once its name has been read.
    pub module: Option<String>,
    /// The OTP release whose compiler wrote the file, if the file tells.
    pub release: Option<&'static str>,
}

/// What is wrong with a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// Neither a `.beam` nor a `.ling` file.
    UnknownFormat,
    /// A part of the file that must be there is not.
    Missing {
        /// Name of the chunk.
        chunk: &'static str,
    },
    /// The bytes of some part contradict the format.
    Damaged {
        /// Chunk of a `.beam`, section of a `.ling`.
        place: &'static str,
        /// Byte offset in it.
        at: usize,
        /// What is wrong there.
        what: Cow<'static, str>,
    },
    /// An opcode that is newer than this loader, or none.
    UnknownOpcode {
        /// Its number.
        opcode: u8,
        /// Byte offset in the Code chunk.
        at: usize,
    },
    /// An instruction that only compilers before OTP 25 wrote, or an operand beyond the machine's limits.
    Unsupported {
        /// The opcode.
        opcode: Generic,
        /// Byte offset in the Code chunk.
        at: usize,
        /// What it has that the machine has not.
        what: Cow<'static, str>,
    },
    /// A `.ling` of another version of the format.
    Version {
        /// The version found.
        found: u32,
    },
    /// The checksum of a `.ling` does not fit its bytes.
    Checksum,
    /// There is not enough memory to load it.
    OutOfMemory,
    /// Whoever wanted it loaded has told the loader to stop ([`crate::Pace`]).
    Stopped,
}

impl LoadError {
    /// A contradiction at byte `at` of chunk or section `place`.
    pub(crate) fn damaged(
        place: &'static str,
        at: usize,
        what: impl Into<Cow<'static, str>>,
    ) -> Self {
        Problem::Damaged {
            place,
            at,
            what: what.into(),
        }
        .into()
    }

    /// Adds what is known about the module, where it is not yet there.
    pub(crate) fn in_module(mut self, module: &str, release: Option<&'static str>) -> Self {
        if self.module.is_none() {
            self.module = Some(module.into());
        }
        self.release = self.release.or(release);
        self
    }
}

impl From<Problem> for LoadError {
    fn from(problem: Problem) -> Self {
        LoadError {
            problem,
            module: None,
            release: None,
        }
    }
}

impl From<alloc::collections::TryReserveError> for LoadError {
    fn from(_: alloc::collections::TryReserveError) -> Self {
        Problem::OutOfMemory.into()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(module) = &self.module {
            write!(out, "module {module}: ")?;
        }
        write!(out, "{}", self.problem)?;
        match (self.release, &self.problem) {
            (Some(release), Problem::UnknownOpcode { .. } | Problem::Unsupported { .. }) => write!(
                out,
                " (compiled by OTP {release}; this machine runs what OTP 25 to 28 compile)"
            ),
            (Some(release), _) => write!(out, " (compiled by OTP {release})"),
            (None, _) => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::UnknownFormat => write!(out, "neither a .beam nor a .ling file"),
            Problem::Missing { chunk } => write!(out, "there is no {chunk} chunk"),
            Problem::Damaged { place, at, what } => {
                write!(out, "damaged at byte {at} of {place}: {what}")
            }
            Problem::UnknownOpcode { opcode, at } => {
                write!(out, "unknown opcode {opcode}")?;
                if let Some((name, arity, release)) = opcode::newer(*opcode) {
                    write!(out, " ({name}/{arity} of OTP {release})")?;
                }
                write!(out, " at byte {at} of Code")
            }
            Problem::Unsupported { opcode, at, what } => write!(
                out,
                "opcode {} ({}/{}) at byte {at} of Code: {what}",
                *opcode as u8,
                opcode.name(),
                opcode.arity()
            ),
            Problem::Version { found } => write!(
                out,
                "made by another version of the loader (format {found}, this one reads {}); convert the .beam again",
                crate::isa::FORMAT_VERSION
            ),
            Problem::Checksum => write!(out, "the checksum does not fit: the file is damaged"),
            Problem::OutOfMemory => write!(out, "not enough memory to load it"),
            Problem::Stopped => write!(out, "loading it was given up"),
        }
    }
}

impl core::error::Error for LoadError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn messages_name_opcode_module_and_release() {
        let error = LoadError::from(Problem::UnknownOpcode {
            opcode: 185,
            at: 77,
        })
        .in_module("lists", Some("29"));
        assert_eq!(
            error.to_string(),
            "module lists: unknown opcode 185 (bif3/6 of OTP 29) at byte 77 of Code \
             (compiled by OTP 29; this machine runs what OTP 25 to 28 compile)"
        );
        let error = LoadError::from(Problem::UnknownOpcode { opcode: 250, at: 3 });
        assert_eq!(error.to_string(), "unknown opcode 250 at byte 3 of Code");
    }
}

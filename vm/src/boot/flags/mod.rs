//! The flags of a machine that boots OTP: from words to what `init` and the machine are started with.
//!
//! Three steps, as with `erl`: [`words::merge`] makes one list of words from environment, command line and files;
//! [`launch`](launch::launch) does what `erlexec` does, which separates the machine's own flags (`+…`) from what `init` gets; and
//! [`emulator::parse`] reads the machine's. `starling erl` does all three on Linux; for an image, the tool does the first when
//! the image is made and the guest the others when it boots. docs/src/flags.md lists every flag.

pub mod emulator;
pub mod launch;
pub mod words;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// An argument: bytes, as the system passes them.
pub type Word = Vec<u8>;

/// What a user who mistyped a flag should read next.
const USAGE: &str = "Usage: starling erl [--otp DIR] FLAGS\n\
                     FLAGS are those of erl; docs/src/flags.md lists what each does here.";

/// The machine does not start: it was asked for something else, or in a way that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// For standard output.
    pub output: Vec<u8>,
    /// For standard error: lines, the last one ended.
    pub error: String,
    /// Exit status.
    pub status: u8,
}

impl Stop {
    /// Something was asked for and is answered.
    fn answer(output: Vec<u8>) -> Stop {
        Stop {
            output,
            error: String::new(),
            status: 0,
        }
    }

    /// A mistake, in OTP's words where it has some.
    fn usage(message: String) -> Stop {
        Stop {
            output: Vec::new(),
            error: format!("{message}\n{USAGE}\n"),
            status: 1,
        }
    }

    fn missing_value(flag: &str) -> Stop {
        Stop::usage(format!("Missing argument(s) for '{flag}'."))
    }

    /// Something that `erl` can do and this machine cannot.
    fn unsupported(message: &str) -> Stop {
        Stop {
            output: Vec::new(),
            error: format!("starling: {message}\n"),
            status: 1,
        }
    }
}

//! How a machine starts: what a platform hands to it, with OTP ([`otp`]) or without ([`bare`]).

pub mod bare;
pub mod flags;
pub mod options;
pub mod otp;

use crate::code::literals::SMALL_LITERAL_AREA_BYTES;
use crate::platform::{Platform, Stream};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Where modules come from: a directory list on Linux, the archive in an image.
pub trait ModuleStore {
    /// The bytes of module `name` (`.beam` or `.ling`), if the store has it.
    /// The error is a message for the user: what, where and why.
    fn find(&self, name: &str) -> Result<Option<Cow<'static, [u8]>>, String>;
}

/// What programs may read of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `-Name Value...`, other than those that say what to call.
    pub flags: Vec<Flag>,
    /// What follows `-extra`.
    pub plain: Vec<String>,
}

/// One flag, without its hyphen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name.
    pub name: String,
    /// What was behind it.
    pub values: Vec<String>,
}

/// Status of a machine that could not start, or whose first process died.
pub(crate) const FAILED: u8 = 1;

pub(crate) fn refuse(platform: &mut dyn Platform, message: &str) -> ! {
    platform.console_write(Stream::Error, format!("starling: {message}\n").as_bytes());
    platform.halt(FAILED)
}

/// Ends a platform on which there is no room for literals.
pub(crate) fn refuse_for_addresses(mut platform: Box<dyn Platform>) -> ! {
    let left = platform.memory_available() >> 20;
    let message = format!(
        "cannot start: {} MiB of addresses are needed for literals and persistent terms, and {left} MiB are left; \
         raise the limit (ulimit -v), or give the machine more memory",
        SMALL_LITERAL_AREA_BYTES >> 20
    );
    refuse(&mut *platform, &message)
}

//! What a platform hands to the machine, and the boot of a machine without OTP.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// Where modules come from: a directory list on Linux, the archive in an image.
pub trait ModuleStore {
    /// The bytes of module `name` (`.beam` or `.ling`), if the store has it.
    /// The error is a message for the user: what, where and why.
    fn find(&self, name: &str) -> Result<Option<Cow<'static, [u8]>>, String>;
}

/// Everything a machine is started with.
pub struct BootConfig {
    /// Flags as `erl` spells them, without the tool's own; see `boot_flags`.
    pub args: Vec<String>,
    /// The modules that were given with `-pa`, or that the image carries.
    pub modules: alloc::boxed::Box<dyn ModuleStore>,
}

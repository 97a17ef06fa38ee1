//! Native libraries: what `erlang:load_nif/2` finds.
//!
//! OTP's `prim_file`, `zlib`, `crypto` and others are Erlang modules whose functions are replaced by native ones when
//! their `on_load` function calls `load_nif`. There are no shared objects here: the libraries that the machine knows are
//! part of it, and each is a file (or folder) of this one, named after its module, with a [`Library`]. `load_nif` looks
//! the calling module up in [`LIBRARIES`] and binds each function that module and library have in common; a function that
//! the library lacks keeps its Erlang body, which raises `nif_not_loaded` or `undef` by name.
//!
//! A native function has the signature of a built-in one and keeps its rules, see [`crate::bif`].

mod asn1rt_nif;
mod crypto;
mod dyntrace;
mod erl_tracer;
mod io_queue;
mod prim_buffer;
mod prim_file;
mod prim_net;
mod prim_socket;
mod prim_tty;
mod zlib;

use crate::bif::Function;

/// The native functions of one module.
pub struct Library {
    /// The Erlang module.
    pub module: &'static str,
    /// Its functions.
    pub functions: &'static [Native],
}

/// One native function.
pub struct Native {
    /// Its name.
    pub function: &'static str,
    /// Number of arguments.
    pub arity: u8,
    /// What runs.
    pub run: Function,
}

/// A line of a library: `native("crc32_nif", 2, crc32)`.
pub const fn native(function: &'static str, arity: u8, run: Function) -> Native {
    Native {
        function,
        arity,
        run,
    }
}

/// All libraries.
pub static LIBRARIES: &[&Library] = &[
    &asn1rt_nif::LIBRARY,
    &crypto::LIBRARY,
    &dyntrace::LIBRARY,
    &erl_tracer::LIBRARY,
    &prim_buffer::LIBRARY,
    &prim_file::LIBRARY,
    &prim_net::LIBRARY,
    &prim_socket::LIBRARY,
    &prim_tty::LIBRARY,
    &zlib::LIBRARY,
];

/// The library of `module`, if there is one.
pub fn library(module: &str) -> Option<&'static Library> {
    LIBRARIES
        .iter()
        .copied()
        .find(|library| library.module == module)
}

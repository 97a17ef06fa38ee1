//! `prim_net`: the name of the host, and network interfaces, of which there are none.
//!
//! Names and addresses of other hosts cannot be looked up: `{error, enotsup}`. The functions that OTP itself has on Windows alone keep
//! their Erlang bodies, which raise `notsup`.

use super::{Library, native};
use crate::atom::am;
use crate::bif::{Context, Value};
use crate::map::from_pairs;
use crate::memory::Arena;
use crate::term::{Atom, Term};

/// The library. OTP 25's module lacks `nif_getservbyname` and `nif_getservbyport`.
pub static LIBRARY: Library = Library {
    module: "prim_net",
    functions: &[
        native("nif_info", 0, info_0),
        native("nif_gethostname", 0, gethostname_0),
        native("nif_getifaddrs", 1, none),
        native("nif_if_names", 0, none),
        native("nif_if_name2index", 1, |cx, _| error(cx, am::ENODEV)),
        native("nif_if_index2name", 1, |cx, _| error(cx, am::ENXIO)),
        native("nif_getnameinfo", 2, not_supported),
        native("nif_getaddrinfo", 3, not_supported),
        native("nif_getservbyname", 2, not_supported),
        native("nif_getservbyport", 2, not_supported),
    ],
};

fn error(cx: &mut Context, reason: Atom) -> Value {
    Ok(cx.tuple(&[am::ERROR.term(), reason.term()])?)
}

fn not_supported(cx: &mut Context, _: &[Term]) -> Value {
    error(cx, am::ENOTSUP)
}

/// `#{debug => false}`
fn info_0(cx: &mut Context, _: &[Term]) -> Value {
    let debug = cx.atoms().insert_static("debug")?.term();
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(from_pairs(
        heap,
        atoms,
        [(debug, am::FALSE.term())].into_iter(),
    )?)
}

/// `{ok, Name}`
fn gethostname_0(cx: &mut Context, _: &[Term]) -> Value {
    let name = cx.machine().platform.host_name();
    let name = cx.byte_list(name.as_bytes(), Term::NIL)?;
    Ok(cx.tuple(&[am::OK.term(), name])?)
}

/// No interface: `{ok, []}`.
fn none(cx: &mut Context, _: &[Term]) -> Value {
    Ok(cx.tuple(&[am::OK.term(), Term::NIL])?)
}

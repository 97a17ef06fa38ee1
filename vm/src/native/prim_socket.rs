//! `prim_socket`: what can be said of sockets while there are none.
//!
//! The questions what is supported have an answer: nothing. All other functions keep their Erlang bodies, which raise `notsup`, as in
//! an OTP that was built without sockets.

use super::{Library, native};
use crate::atom::am;
use crate::bif::{Context, Value};
use crate::map::from_pairs;
use crate::memory::Arena;
use crate::term::Term;

/// The library.
pub static LIBRARY: Library = Library {
    module: "prim_socket",
    functions: &[
        native("nif_info", 0, info_0),
        native("nif_supports", 0, supports_0),
        native("nif_supports", 1, supports_1),
    ],
};

/// What `supports/0` tells of, by name.
const FEATURES: [&str; 5] = ["sctp", "ipv6", "local", "netns", "sendfile"];

/// Kinds of sockets that `info/0` counts.
const COUNTERS: [&str; 11] = [
    "num_sockets",
    "num_tdgrams",
    "num_tstreams",
    "num_tseqpkgs",
    "num_dlocal",
    "num_dinet",
    "num_dinet6",
    "num_pip",
    "num_psctp",
    "num_ptcp",
    "num_pudp",
];

/// Bits of OTP's counters.
const COUNTER_BITS: i64 = 64;

/// A map with atoms for keys.
fn map_of<const N: usize>(cx: &mut Context, pairs: [(&'static str, Term); N]) -> Value {
    let mut terms = [(Term::NIL, Term::NIL); N];
    for (term, (name, value)) in terms.iter_mut().zip(pairs) {
        *term = (cx.atoms().insert_static(name)?.term(), value);
    }
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(from_pairs(heap, atoms, terms.into_iter())?)
}

/// The map that OTP's has, of no sockets.
fn info_0(cx: &mut Context, _: &[Term]) -> Value {
    let mut counters = [("num_cnt_bits", Term::small(COUNTER_BITS)); COUNTERS.len() + 1];
    for (counter, name) in counters.iter_mut().zip(COUNTERS) {
        *counter = (name, Term::small(0));
    }
    let counters = map_of(cx, counters)?;
    let no = am::FALSE.term();
    map_of(
        cx,
        [
            ("counters", counters),
            ("debug", no),
            ("iov_max", Term::small(0)),
            ("iow", no),
            ("socket_debug", no),
            ("use_registry", no),
        ],
    )
}

/// `[{Feature, false}]`
fn supports_0(cx: &mut Context, _: &[Term]) -> Value {
    let mut list = Term::NIL;
    for name in FEATURES.iter().rev() {
        let name = cx.atoms().insert_static(name)?.term();
        let pair = cx.tuple(&[name, am::FALSE.term()])?;
        list = cx.cons(pair, list)?;
    }
    Ok(list)
}

/// Of protocols, options, flags and requests: none.
fn supports_1(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::NIL)
}

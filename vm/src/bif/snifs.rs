//! `erlang:system_info(snifs)`: the functions that OTP's `bif.tab` lists and that are there.
//!
//! The machine has those of all releases that it runs at once. Told are those that the release that runs knows: OTP's libraries and tests
//! hold each against its Erlang source.

use super::{Bif, Context, Value};
use crate::machine::Machine;
use crate::memory::Arena;
use crate::term::Term;

/// Functions of OTP's modules that are instructions or Erlang code there.
const OTHERS: &[(&str, &str, u8)] = &[
    ("erlang", "apply", 2),
    ("erlang", "apply", 3),
    ("erlang", "yield", 0),
];

/// What OTP 26 and 27 added to OTP 25's `bif.tab`.
const SINCE_26: &[(&str, &str, u8)] = &[
    ("code", "coverage_support", 0),
    ("code", "get_coverage", 2),
    ("code", "get_coverage_mode", 0),
    ("code", "get_coverage_mode", 1),
    ("code", "reset_coverage", 1),
    ("code", "set_coverage_mode", 1),
    ("erlang", "display_string", 2),
    ("erlang", "max", 2),
    ("erlang", "min", 2),
    ("erts_internal", "binary_to_integer", 2),
    ("erts_internal", "list_to_integer", 2),
    ("erts_internal", "term_to_string", 2),
    ("erts_internal", "trace", 4),
    ("erts_internal", "trace_info", 3),
    ("erts_internal", "trace_pattern", 4),
    ("erts_internal", "trace_session_create", 3),
    ("erts_internal", "trace_session_destroy", 1),
    ("erts_trace_cleaner", "check", 0),
    ("erts_trace_cleaner", "send_trace_clean_signal", 1),
    ("ets", "first_lookup", 1),
    ("ets", "last_lookup", 1),
    ("ets", "lookup_element", 4),
    ("ets", "next_lookup", 2),
    ("ets", "prev_lookup", 2),
    ("ets", "update_element", 4),
];

/// Whether the release that runs does not know the function as a built-in one.
pub fn is_later(machine: &Machine, module: &str, function: &str, arity: u8) -> bool {
    let is_old = matches!(machine.release.as_str(), "24" | "25");
    is_old && SINCE_26.contains(&(module, function, arity))
}

/// A list of `{Module, Function, Arity}`.
pub fn built_ins(cx: &mut Context) -> Value {
    let is_told = |machine: &Machine, bif: &Bif| {
        let Bif {
            module,
            function,
            arity,
            ..
        } = *bif;
        !bif.bare
            && module != "starling"
            && !OTHERS.contains(&(module, function, arity))
            && !is_later(machine, module, function, arity)
    };
    let mut list = Term::NIL;
    for bif in super::TABLES.iter().flat_map(|table| table.iter()) {
        if !is_told(cx.machine(), bif) {
            continue;
        }
        let (module, function) = (cx.atom(bif.module)?, cx.atom(bif.function)?);
        let entry = cx.tuple(&[module, function, Term::small(bif.arity as i64)])?;
        list = cx.cons(entry, list)?;
    }
    Ok(list)
}

//! Where a process is said to be while it is paused in the middle of a built-in function.
//!
//! On OTP some functions go on after a pause in another one, which traces (`running`) and `process_info(Pid, current_function)` then name. Here a
//! function goes on in itself, but tools look for OTP's names. The others are named themselves, as on OTP.

use crate::atom::AtomTable;
use crate::term::fun::Mfa;

/// Functions, and what OTP 25 to 27 go on in.
const CONTINUATIONS: [(&str, &[&str], &str, &str, u32); 7] = [
    (
        "erlang",
        &["list_to_binary", "iolist_to_binary", "list_to_bitstring"],
        "erts_internal",
        "list_to_binary_continue",
        1,
    ),
    (
        "binary",
        &["list_to_bin"],
        "erts_internal",
        "list_to_binary_continue",
        1,
    ),
    (
        "erlang",
        &["binary_to_term"],
        "erts_internal",
        "binary_to_term_trap",
        1,
    ),
    (
        "erlang",
        &["term_to_binary"],
        "erts_internal",
        "term_to_binary_trap",
        1,
    ),
    ("ets", &["delete"], "ets", "delete_trap", 1),
    ("maps", &["merge"], "maps", "merge_trap", 1),
    ("re", &["run"], "erlang", "re_run_trap", 3),
];

/// The name under which a pause in `function` is known.
pub fn shown(atoms: &mut AtomTable, function: Mfa) -> Mfa {
    let (module, name) = (atoms.name(function.module), atoms.name(function.function));
    let known = CONTINUATIONS
        .iter()
        .find(|(m, names, ..)| *m == module && names.contains(&name));
    let Some((_, _, module, name, arity)) = known else {
        return function;
    };
    match (atoms.insert_static(module), atoms.insert_static(name)) {
        (Ok(module), Ok(function)) => Mfa {
            module,
            function,
            arity: *arity,
        },
        _ => function,
    }
}

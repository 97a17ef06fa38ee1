//! Tags of dynamic tracing (`dt_*`), as on an OTP that was built without DTrace: they pass their argument on.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::term::Term;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "dt_append_vm_tag_data", 1, unchanged),
    bif("erlang", "dt_prepend_vm_tag_data", 1, unchanged),
    bif("erlang", "dt_get_tag", 0, no_tag),
    bif("erlang", "dt_get_tag_data", 0, no_tag),
    bif("erlang", "dt_put_tag", 1, no_tag),
    bif("erlang", "dt_spread_tag", 1, spread_tag_1),
    bif("erlang", "dt_restore_tag", 1, restore_tag_1),
];

fn unchanged(_: &mut Context, args: &[Term]) -> Value {
    Ok(args[0])
}

fn no_tag(_: &mut Context, _: &[Term]) -> Value {
    Ok(am::UNDEFINED.term())
}

/// What `dt_restore_tag/1` takes back.
fn spread_tag_1(_: &mut Context, args: &[Term]) -> Value {
    args[0].as_boolean().ok_or(Fail::Badarg)?;
    Ok(Term::boolean(true))
}

fn restore_tag_1(_: &mut Context, args: &[Term]) -> Value {
    match args[0] == Term::boolean(true) {
        true => Ok(Term::boolean(true)),
        false => Err(Fail::Badarg),
    }
}

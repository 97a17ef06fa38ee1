//! Coverage by the runtime system (OTP 27): this machine has none, and says so as an OTP does that was built without.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::term::Term;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("code", "coverage_support", 0, coverage_support_0),
    bif("code", "get_coverage_mode", 0, get_coverage_mode_0),
    bif("code", "get_coverage_mode", 1, unsupported),
    bif("code", "get_coverage", 2, unsupported),
    bif("code", "reset_coverage", 1, unsupported),
    bif("code", "set_coverage_mode", 1, unsupported),
];

fn coverage_support_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::boolean(false))
}

fn get_coverage_mode_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(am::NONE.term())
}

fn unsupported(_: &mut Context, _: &[Term]) -> Value {
    Err(Fail::Badarg)
}

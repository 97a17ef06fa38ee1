//! Native half of OTP's `dyntrace`, the library of `runtime_tools` for DTrace and SystemTap: as in an OTP that was built for neither.
//!
//! There a program can ask whether probes are to be had, and learns that they are not. The probes themselves keep their Erlang bodies, which fail by name.

use super::{Library, native};
use crate::atom::am;
use crate::bif::{Context, Value};
use crate::term::Term;

/// The functions.
pub static LIBRARY: Library = Library {
    module: "dyntrace",
    functions: &[native("available", 0, available_0)],
};

/// `available()`
fn available_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(am::FALSE.term())
}

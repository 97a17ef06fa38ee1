//! Fun entries: what a local fun (`fun(X) -> ... end`) refers to.
//!
//! Invariant: as for [`super::export::Export`]: never moved or freed; the code's address is first and always valid.

use crate::term::Atom;
use crate::term::fun::{Entry, FunIdentity};

/// One entry: the body of a fun in one version of a module.
#[repr(C)]
pub struct FunEntry {
    /// The body's code, and which fun it is.
    pub entry: Entry<FunIdentity>,
    /// The function that is the body, such as `'-main/0-fun-0-'`.
    pub function: Atom,
    /// Free variables, which the body gets behind the arguments.
    pub free: u32,
}

//! The machine: everything that exists once.

use crate::atom::AtomTable;

/// One Erlang machine.
pub struct Machine {
    /// All atoms.
    pub atoms: AtomTable,
}

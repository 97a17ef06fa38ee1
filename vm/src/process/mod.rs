//! A process: its memory, its mailbox, its ties to others, and where it goes on.

use crate::bif::Class;
use crate::memory::heap::Heap;
use crate::term::Term;

/// An exception on its way.
pub struct Exception {
    /// Error, exit or throw.
    pub class: Class,
    /// What was raised.
    pub reason: Term,
}

/// One process.
pub struct Process {
    /// Its memory.
    pub heap: Heap,
    /// The exception that is being raised.
    pub exception: Exception,
    /// Reductions that built-in functions used beyond their call.
    pub bumped_reductions: usize,
}

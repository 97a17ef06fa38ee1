//! What all processes of a machine share, and no process owns: arrays of counters, and terms that are written
//! seldom and read without a copy.
//!
//! Invariant: nothing here refers to the heap of a process.

pub mod atomics;
pub mod persistent;

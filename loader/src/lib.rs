//! .beam in, ling out.
#![no_std]
extern crate alloc;
pub mod isa;

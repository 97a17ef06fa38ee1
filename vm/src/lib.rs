//! The Erlang machine.
#![no_std]
extern crate alloc;
pub mod platform;
pub mod fs;
pub mod boot;

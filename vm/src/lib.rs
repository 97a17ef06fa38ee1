//! The Erlang machine: terms, heaps, the interpreter of ling, processes, built-in functions.
//!
//! The machine knows the world through [`platform::Platform`] alone, and code through
//! `starling-loader`. It has one thread and shares nothing.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod atom;
pub mod bif;
pub mod bits;
pub mod boot;
pub mod break_menu;
pub mod code;
pub mod crash_dump;
pub mod dist;
pub mod environment;
pub mod ets;
pub mod fs;
pub mod interp;
pub mod machine;
pub mod map;
pub mod match_spec;
pub mod memory;
pub mod naming;
pub mod native;
pub mod number;
pub mod observe;
pub mod os_signal;
pub mod packet;
pub mod platform;
pub mod port;
pub mod process;
mod regex;
pub mod report;
pub mod sched;
pub mod shared;
pub mod term;
pub mod terminal;
pub mod time;
pub mod tracing;

//! The handlers: one function per operation of the instruction table, a file per kind of operation.
//!
//! Who calls them: each other, through [`super::cpu::Cpu::go`] and the machine's `handlers`.

pub(crate) mod arithmetic;
pub(crate) mod bits_build;
pub(crate) mod bits_match;
pub(crate) mod call;
pub(crate) mod compare;
pub(crate) mod exception;
pub(crate) mod float;
pub(crate) mod frame;
pub(crate) mod fun;
pub(crate) mod fused;
pub(crate) mod guard;
pub(crate) mod list;
pub(crate) mod map;
pub(crate) mod moving;
pub(crate) mod receive;
pub(crate) mod select;
pub(crate) mod tracing;
pub(crate) mod tuple;
pub(crate) mod types;

pub(crate) use {
    arithmetic::*, bits_build::*, bits_match::*, call::*, compare::*, exception::*, float::*,
    frame::*, fun::*, fused::*, guard::*, list::*, map::*, moving::*, receive::*, select::*,
    tracing::*, tuple::*, types::*,
};

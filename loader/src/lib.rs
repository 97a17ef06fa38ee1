//! `.beam` in, *ling* out.
//!
//! Converts the `.beam` files that stock `erlc` writes into ling, the machine's own
//! format: instructions specialised by the kind of their operands, still relocatable,
//! beside flat tables that are used where they lie. Reads and validates both.
//!
//! - [`beam`] reads the container, its chunks and the generic instructions ([`opcode`]);
//! - [`isa`] declares the machine's instructions once, [`operation`] is that as data;
//! - `convert` turns the one into the other, through one emitter;
//! - [`ling`] writes, validates and reads the result; [`disassemble`] prints it.
//!
//! This crate knows nobody. It allocates, but no input makes it panic: whatever is wrong
//! with a file is a [`LoadError`].
#![no_std]

extern crate alloc;

pub mod beam;
mod convert;
mod disassemble;
mod error;
mod exits;
pub mod isa;
pub mod ling;
pub mod opcode;
pub mod operation;
mod pace;
pub mod text;

pub use beam::iff::is_beam;
pub use convert::{convert_beam, convert_beam_in_pieces, one_operation};
pub use disassemble::disassemble;
pub use error::{LoadError, Problem};
pub use exits::never_returns;
pub use ling::is_ling;
pub use operation::{
    BIF_CALL_DISTANCE, Kind, OPERATIONS, Op, VARIANTS, Variant, instruction_length,
};
pub use pace::Pace;

//! Validating a `.ling` file before anything of it runs.
//!
//! Everything that the machine takes for granted is checked here, once, for files just
//! converted and for files from anywhere else alike:
//!
//! - tables: texts are UTF-8, every index and offset in a table is in range, exports and
//!   funs are functions ([`tables`]);
//! - instructions: known opcodes, operands in range, lists well formed, and each word that
//!   needs a relocation has exactly one of the right kind ([`operands`]);
//! - flow: labels are instructions, code does not run off its end, stack frames have the
//!   same size on every way to an instruction, Y registers lie in the frame, X registers
//!   that are read or live hold something, and exception handlers are balanced ([`flow`]).
//!
//! Not checked: the types of terms in registers (that a get_list has a list, say). There the
//! machine trusts the compiler, which emits such an instruction only behind a test: code made
//! by hand can break the machine.
//!
//! Called by [`super::Module::parse`].

mod flow;
mod operands;
mod registers;
mod relocations;
mod tables;

use alloc::format;

use super::Module;
use crate::error::LoadError;
use crate::operation::{Op, VARIANTS, Variant, align, unfuse};
use crate::pace::Pace;
use flow::Flow;
use operands::Operands;
use registers::MOST_WORDS;

/// Bytes of code that are validated in the time of one byte of a `.beam` that is converted.
const CODE_PER_WORK: usize = 4;

/// Place of errors in code.
const CODE: &str = "code";

/// Validates a file whose header and section table are good.
pub fn module(module: &Module<'_>, pace: &mut Pace<'_>) -> Result<(), LoadError> {
    tables::check(module, pace)?;
    // Few modules use so many X registers that a set of them needs more than one word.
    match module.x_registers() {
        0..=64 => code::<1>(module, pace),
        _ => code::<MOST_WORDS>(module, pace),
    }
}

/// Validates the code of a module with at most `64 * WORDS` X registers.
fn code<const WORDS: usize>(module: &Module<'_>, pace: &mut Pace<'_>) -> Result<(), LoadError> {
    let code = module.code();
    let mut flow = Flow::<WORDS>::new(module, pace)?;
    let mut operands = Operands::new(module);
    let mut at = 0;
    while at < code.len() {
        let length = operands.read(at)?;
        flow.instruction(at, length, &operands)?;
        at += length;
        pace.did(length.div_ceil(CODE_PER_WORK))?;
    }
    operands.finish()?;
    flow.finish(&mut operands, pace)
}

/// What a fused instruction is checked as: its first part, provided that the second stands behind it.
fn first_of_two(
    code: &[u8],
    at: usize,
    opcode: u16,
    fused: &'static Variant,
) -> Result<&'static Variant, LoadError> {
    let behind = at + align(fused.fixed_size as usize);
    let found = code
        .get(behind..behind + 2)
        .map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    match unfuse(opcode) {
        Some((first, second)) if found == Some(second) => Ok(&VARIANTS[first as usize]),
        _ => Err(LoadError::damaged(
            CODE,
            at,
            format!("{} without its second part behind it", fused.op.name()),
        )),
    }
}

/// The variant that the instruction at `at` is of.
fn header(code: &[u8], at: usize) -> Result<&'static Variant, LoadError> {
    let Some([low, high]) = code.get(at..at + 2) else {
        return Err(LoadError::damaged(
            CODE,
            at,
            "the end, where an instruction is expected",
        ));
    };
    let opcode = u16::from_le_bytes([*low, *high]);
    match VARIANTS.get(opcode as usize) {
        Some(variant) if variant.op.is_fused() => first_of_two(code, at, opcode, variant),
        Some(variant) if !variant.op.is_internal() => Ok(variant),
        Some(variant) => Err(LoadError::damaged(
            CODE,
            at,
            format!("{} is not for files", variant.op.name()),
        )),
        None => Err(LoadError::damaged(
            CODE,
            at,
            format!("there is no opcode {opcode}"),
        )),
    }
}

/// An error about the instruction at `at`.
fn wrong(op: Op, at: usize, what: impl core::fmt::Display) -> LoadError {
    LoadError::damaged(CODE, at, format!("{}: {what}", op.name()))
}

//! Calls of built-in functions in guards and bodies: bif0 to bif2, gc_bif1 to gc_bif3.
//!
//! The machine has operations of its own for the frequent ones; the table says which.
//! Those never collect, so the number of live registers is dropped.

use alloc::vec::Vec;

use super::{Converter, Operand};
use crate::beam::Beam;
use crate::beam::code::Instruction;
use crate::error::LoadError;
use crate::opcode::Generic;
use crate::operation::Op;

/// How a built-in function becomes an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Builtin {
    op: Op,
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// Label, arguments, destination.
    Failing,
    /// Arguments, destination: it cannot fail.
    Total,
    /// As `Total`, with the two arguments exchanged.
    Exchanged,
}

/// Functions of module erlang that have operations.
const OPERATIONS: &[(&str, u32, Op, Shape)] = &[
    ("+", 2, Op::add, Shape::Failing),
    ("-", 2, Op::subtract, Shape::Failing),
    ("*", 2, Op::multiply, Shape::Failing),
    ("div", 2, Op::int_div, Shape::Failing),
    ("rem", 2, Op::rem, Shape::Failing),
    ("band", 2, Op::band, Shape::Failing),
    ("bor", 2, Op::bor, Shape::Failing),
    ("bxor", 2, Op::bxor, Shape::Failing),
    ("bsl", 2, Op::bsl, Shape::Failing),
    ("bsr", 2, Op::bsr, Shape::Failing),
    ("bnot", 1, Op::bnot, Shape::Failing),
    ("-", 1, Op::negate, Shape::Failing),
    ("element", 2, Op::element, Shape::Failing),
    ("hd", 1, Op::hd, Shape::Failing),
    ("tl", 1, Op::tl, Shape::Failing),
    ("tuple_size", 1, Op::tuple_size, Shape::Failing),
    ("map_get", 2, Op::map_get, Shape::Failing),
    ("self", 0, Op::self_, Shape::Total),
    ("=:=", 2, Op::cmp_eq_exact, Shape::Total),
    ("=/=", 2, Op::cmp_ne_exact, Shape::Total),
    ("==", 2, Op::cmp_eq, Shape::Total),
    ("/=", 2, Op::cmp_ne, Shape::Total),
    ("<", 2, Op::cmp_lt, Shape::Total),
    (">=", 2, Op::cmp_ge, Shape::Total),
    (">", 2, Op::cmp_lt, Shape::Exchanged),
    ("=<", 2, Op::cmp_ge, Shape::Exchanged),
];

/// The operation for each import of a file, where there is one.
pub(super) fn of_imports(beam: &Beam<'_>) -> Result<Vec<Option<Builtin>>, LoadError> {
    let mut builtins = Vec::new();
    builtins.try_reserve_exact(beam.imports.len())?;
    for import in &beam.imports {
        let name = beam.atoms.text(import.function);
        let found = OPERATIONS.iter().find(|known| {
            beam.atoms.text(import.module) == Some("erlang")
                && name == Some(known.0)
                && import.arity == known.1
        });
        builtins.push(found.map(|known| Builtin {
            op: known.2,
            shape: known.3,
        }));
    }
    Ok(builtins)
}

impl<'a> Converter<'_, 'a> {
    pub(super) fn builtin(&mut self, instruction: &Instruction<'a>) -> Result<(), LoadError> {
        // Which operands are the label, the import and the first argument; number of arguments.
        let (label, import, first, arity) = match instruction.opcode {
            Generic::Bif0 => (None, 0, 1, 0),
            Generic::Bif1 => (Some(0), 1, 2, 1),
            Generic::Bif2 => (Some(0), 1, 2, 2),
            Generic::GcBif1 => (Some(0), 2, 3, 1),
            Generic::GcBif2 => (Some(0), 2, 3, 2),
            _ => (Some(0), 2, 3, 3),
        };
        let import = instruction.number(import)?;
        let declared = self
            .beam
            .imports
            .get(import as usize)
            .map(|import| import.arity as usize);
        if declared != Some(arity) {
            return Err(instruction.damaged(format_args!(
                "import {import} is not a function of arity {arity}"
            )));
        }
        let builtin = self.builtins.get(import as usize).copied().flatten();
        let mut operands = [Operand::Number(0); 6];
        let mut used = 0;
        let mut push = |operand| {
            operands[used] = operand;
            used += 1;
        };
        let shape = builtin.map_or(Shape::Failing, |builtin| builtin.shape);
        if let (Some(label), Shape::Failing) = (label, shape) {
            push(self.operand(instruction, label)?);
        }
        if builtin.is_none() {
            push(Operand::Number(import));
        }
        for argument in 0..arity {
            let argument = if shape == Shape::Exchanged {
                arity - 1 - argument
            } else {
                argument
            };
            push(self.operand(instruction, first + argument)?);
        }
        push(self.operand(instruction, first + arity)?);
        let op = match (builtin, arity) {
            (Some(builtin), _) => builtin.op,
            (None, 0) => Op::bif0,
            (None, 1) => Op::bif1,
            (None, 2) => Op::bif2,
            (None, _) => Op::bif3,
        };
        self.emit(instruction, op, &operands[..used])
    }
}

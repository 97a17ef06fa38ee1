//! Building tuples: update_record, and put_tuple with its puts from before OTP 22.

use alloc::vec::Vec;

use super::{Converter, Operand, small};
use crate::beam::code::{Arg, Instruction, Instructions};
use crate::error::LoadError;
use crate::opcode::Generic;
use crate::operation::Op;

impl<'a> Converter<'_, 'a> {
    /// update_record: hint (which this machine does not need), size, source, destination,
    /// positions and values alternating.
    pub(super) fn update_record(&mut self, instruction: &Instruction<'a>) -> Result<(), LoadError> {
        let operands = [
            Operand::Number(instruction.number(1)?),
            self.operand(instruction, 2)?,
            self.operand(instruction, 3)?,
        ];
        let list = instruction.list(4)?;
        let mut updates = Vec::new();
        updates.try_reserve(list.len())?;
        for pair in list.chunks(2) {
            let (position, value) = match pair {
                [Arg::Number(position), value] => (*position as i64, *value),
                [Arg::Integer(position), value] => (*position, *value),
                _ => return Err(instruction.damaged("not a list of positions and values")),
            };
            updates.extend([small(position), self.operand_of(instruction, value)?]);
        }
        let [size, source, destination] = operands;
        self.emit(
            instruction,
            Op::update_record,
            &[size, source, destination, Operand::List(&updates)],
        )
    }

    /// put_tuple: size and destination, then as many put instructions.
    pub(super) fn put_tuple(
        &mut self,
        instruction: &mut Instruction<'a>,
        rest: &mut Instructions<'a>,
    ) -> Result<(), LoadError> {
        let size = instruction.number(0)?;
        let destination = self.operand(instruction, 1)?;
        let mut elements = Vec::new();
        for _ in 0..size {
            rest.next(instruction)?;
            if instruction.opcode != Generic::Put {
                return Err(instruction.damaged("a put is missing before it"));
            }
            elements.try_reserve(1)?;
            elements.push(self.operand(instruction, 0)?);
        }
        self.emit(
            instruction,
            Op::put_tuple2,
            &[destination, Operand::List(&elements)],
        )
    }
}

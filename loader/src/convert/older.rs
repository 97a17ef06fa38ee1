//! Building binaries as compilers before OTP 25 did: bs_init2, bs_init_bits, bs_append or
//! bs_private_append, then one bs_put_* for each segment.
//!
//! The whole sequence becomes one bs_create_bin, which computes sizes itself. What
//! computed the size before (bs_add, bs_utf8_size, bs_utf16_size) still does: a size that
//! is wrong fails there.
//!
//! bs_private_append says neither what is live nor how much is needed. It becomes an
//! operation that does the same but never collects.

use alloc::vec::Vec;

use super::{Converter, Operand, heap_words, small};
use crate::beam::code::{Arg, Instruction, Instructions};
use crate::error::LoadError;
use crate::isa::segment;
use crate::opcode::Generic;
use crate::operation::Op;

/// What begins a sequence, in the terms of bs_create_bin.
struct Start {
    label: Operand<'static>,
    words: Operand<'static>,
    live: u64,
    unit: u64,
    destination: Operand<'static>,
    appended: Option<Operand<'static>>,
}

impl<'a> Converter<'_, 'a> {
    /// The start of a sequence, and the sequence.
    pub(super) fn build_binary(
        &mut self,
        instruction: &mut Instruction<'a>,
        rest: &mut Instructions<'a>,
    ) -> Result<(), LoadError> {
        if instruction.opcode == Generic::BsPrivateAppend {
            return self.append_privately(instruction, rest);
        }
        let mut start = self.start(instruction)?;
        let mut segments = Vec::new();
        if let Some(value) = start.appended {
            let value = self.live_value(instruction, value, &mut start.live)?;
            let all = self.atom("all")?;
            let unit = checked_unit(instruction, start.unit)?;
            let word = segment::pack(segment::APPEND, 0, unit);
            segments.extend([Operand::Number(word), value, all]);
        }
        self.puts(instruction, rest, &mut segments)?;
        let operands = [
            start.label,
            start.words,
            Operand::Number(start.live),
            Operand::Number(start.unit),
            start.destination,
            Operand::List(&segments),
        ];
        self.emit(instruction, Op::bs_create_bin, &operands)
    }

    /// bs_private_append and its sequence: label, size, unit, binary, flags, destination.
    fn append_privately(
        &mut self,
        instruction: &mut Instruction<'a>,
        rest: &mut Instructions<'a>,
    ) -> Result<(), LoadError> {
        let label = self.operand(instruction, 0)?;
        let unit = instruction.number(2)?;
        let value = self.operand(instruction, 3)?;
        let destination = self.operand(instruction, 5)?;
        let all = self.atom("all")?;
        let word = segment::pack(segment::PRIVATE_APPEND, 0, checked_unit(instruction, unit)?);
        let mut segments = Vec::from([Operand::Number(word), value, all]);
        self.puts(instruction, rest, &mut segments)?;
        let operands = [label, destination, Operand::List(&segments)];
        self.emit(instruction, Op::bs_private_append, &operands)
    }

    /// The segments of the sequence that `instruction` begins.
    fn puts(
        &mut self,
        instruction: &mut Instruction<'a>,
        rest: &mut Instructions<'a>,
        segments: &mut Vec<Operand<'static>>,
    ) -> Result<(), LoadError> {
        let opcode = instruction.opcode;
        let at = instruction.at;
        loop {
            match rest.next_opcode() {
                Some(Generic::Line) => {
                    rest.next(instruction)?;
                    self.line(instruction)?;
                }
                Some(next) if is_put(next) => {
                    rest.next(instruction)?;
                    segments.try_reserve(3)?;
                    segments.extend(self.put(instruction)?);
                }
                _ => break,
            }
        }
        // Errors are the whole's.
        instruction.opcode = opcode;
        instruction.at = at;
        Ok(())
    }

    fn start(&mut self, instruction: &Instruction<'a>) -> Result<Start, LoadError> {
        Ok(match instruction.opcode {
            // label, extra size, heap need, live, unit, binary, flags, destination
            Generic::BsAppend => Start {
                label: self.operand(instruction, 0)?,
                words: heap_words(instruction, 2)?,
                live: instruction.number(3)?,
                unit: instruction.number(4)?,
                appended: Some(self.operand(instruction, 5)?),
                destination: self.operand(instruction, 7)?,
            },
            // label, size, heap need, live, flags, destination
            _ => Start {
                label: self.operand(instruction, 0)?,
                words: heap_words(instruction, 2)?,
                live: instruction.number(3)?,
                unit: if instruction.opcode == Generic::BsInit2 {
                    8
                } else {
                    1
                },
                appended: None,
                destination: self.operand(instruction, 5)?,
            },
        })
    }

    /// The binary that is appended to is kept even if it is not among the live registers.
    fn live_value(
        &mut self,
        instruction: &Instruction<'a>,
        value: Operand<'static>,
        live: &mut u64,
    ) -> Result<Operand<'static>, LoadError> {
        match value {
            Operand::X(register) if register as u64 >= *live => {
                let free = Operand::X(*live as u16);
                if register as u64 > *live {
                    self.emit(instruction, Op::move_, &[value, free])?;
                }
                *live += 1;
                Ok(free)
            }
            value => Ok(value),
        }
    }

    /// One bs_put_* as a segment.
    fn put(&mut self, instruction: &Instruction<'a>) -> Result<[Operand<'static>; 3], LoadError> {
        let kind = match instruction.opcode {
            Generic::BsPutInteger => segment::INTEGER,
            Generic::BsPutFloat => segment::FLOAT,
            Generic::BsPutBinary => segment::BINARY,
            Generic::BsPutUtf8 => segment::UTF8,
            Generic::BsPutUtf16 => segment::UTF16,
            Generic::BsPutUtf32 => segment::UTF32,
            _ => {
                // length in bytes, offset in the string table
                let (length, offset) = (instruction.number(0)?, instruction.number(1)?);
                let (Ok(length), Ok(offset)) = (u32::try_from(length), u32::try_from(offset))
                else {
                    return Err(instruction.damaged("the string is outside of the strings"));
                };
                let word = segment::pack(segment::STRING, 0, 8);
                return Ok([
                    Operand::Number(word),
                    Operand::String(offset),
                    small(length as i64),
                ]);
            }
        };
        // label, (size, unit,) flags, value
        let sized = matches!(kind, segment::INTEGER | segment::FLOAT | segment::BINARY);
        let (unit, flags, value) = if sized {
            (instruction.number(2)?, 3, 4)
        } else {
            (0, 1, 2)
        };
        let unit = checked_unit(instruction, unit)?;
        let flags = self.flags(
            instruction,
            instruction.args.get(flags).copied().unwrap_or(Arg::Nil),
        )?;
        let size = if sized {
            self.operand(instruction, 1)?
        } else {
            small(0)
        };
        let word = segment::pack(kind, flags, unit);
        Ok([
            Operand::Number(word),
            self.operand(instruction, value)?,
            size,
        ])
    }
}

/// The unit of a segment, which has so many bits in its description.
fn checked_unit(instruction: &Instruction<'_>, unit: u64) -> Result<u64, LoadError> {
    match unit {
        0..=256 => Ok(unit),
        _ => Err(instruction.damaged("the unit of a segment")),
    }
}

fn is_put(opcode: Generic) -> bool {
    matches!(
        opcode,
        Generic::BsPutInteger
            | Generic::BsPutFloat
            | Generic::BsPutBinary
            | Generic::BsPutString
            | Generic::BsPutUtf8
            | Generic::BsPutUtf16
            | Generic::BsPutUtf32
    )
}

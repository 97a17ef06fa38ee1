//! Matching and building binaries.
//!
//! bs_match becomes one operation for each of its commands; bs_create_bin keeps its
//! segments as a list of triples. Native endianness becomes little, that of x86-64.

use alloc::vec::Vec;

use super::{Converter, Operand, heap_words, small};
use crate::beam::code::{Arg, Instruction};
use crate::error::LoadError;
use crate::isa::segment;
use crate::opcode::Generic;
use crate::operation::{Kind, Op};

/// Operands of a segment in the list of bs_create_bin: type, number, unit, flags, value, size.
const SEGMENT_OPERANDS: usize = 6;

/// Greatest unit of a segment, in bits.
const GREATEST_UNIT: u64 = 256;

impl<'a> Converter<'_, 'a> {
    pub(super) fn binary(&mut self, instruction: &Instruction<'a>) -> Result<(), LoadError> {
        match instruction.opcode {
            Generic::BsStartMatch4 => {
                // label, live, value, destination; the label may be an atom that says that
                // the value is known to be a bit string or a match context.
                let label = match instruction.args.first() {
                    Some(Arg::Label(label)) => *label,
                    Some(Arg::Atom(_)) => 0,
                    _ => return Err(instruction.damaged("the label is neither label nor atom")),
                };
                let operands = [
                    Operand::Label(label),
                    self.operand(instruction, 2)?,
                    self.operand(instruction, 1)?,
                    self.operand(instruction, 3)?,
                ];
                self.emit(instruction, Op::bs_start_match, &operands)
            }
            Generic::BsGetInteger2 => {
                let size = match (self.operand(instruction, 3)?, instruction.number(4)?) {
                    (Operand::Immediate(size), unit) if size & 0xf == 0xf => {
                        (size >> 4).saturating_mul(unit)
                    }
                    _ => 0,
                };
                let plain = [Op::bs_get_8, Op::bs_get_16, Op::bs_get_32];
                if let Some(op) = plain_integer(size, plain_flags(instruction.number(5)?), plain) {
                    let operands = [
                        self.operand(instruction, 0)?,
                        self.operand(instruction, 1)?,
                        self.operand(instruction, 6)?,
                    ];
                    return self.emit(instruction, op, &operands);
                }
                self.field(instruction, Op::bs_get_integer2, &[0, 1, 2, 3, 4, 5, 6], 5)
            }
            Generic::BsGetFloat2 => {
                self.field(instruction, Op::bs_get_float2, &[0, 1, 2, 3, 4, 5, 6], 5)
            }
            Generic::BsGetBinary2 => {
                self.field(instruction, Op::bs_get_binary2, &[0, 1, 2, 3, 4, 5, 6], 5)
            }
            Generic::BsGetUtf16 => self.field(instruction, Op::bs_get_utf16, &[0, 1, 3, 4], 3),
            Generic::BsGetUtf32 => self.field(instruction, Op::bs_get_utf32, &[0, 1, 3, 4], 3),
            Generic::BsSkipUtf16 => self.field(instruction, Op::bs_skip_utf16, &[0, 1, 3], 3),
            Generic::BsSkipUtf32 => self.field(instruction, Op::bs_skip_utf32, &[0, 1, 3], 3),
            // No bit string has more bits left than the operand of the operation can say.
            Generic::BsTestTail2 if instruction.number(2)? > u64::from(u32::MAX) => {
                let label = [self.operand(instruction, 0)?];
                self.emit(instruction, Op::jump, &label)
            }
            Generic::BsTestTail2 => {
                let operands = [
                    self.operand(instruction, 0)?,
                    self.operand(instruction, 1)?,
                    self.operand(instruction, 2)?,
                ];
                self.emit(instruction, Op::bs_test_tail2, &operands)
            }
            Generic::BsMatch => self.bs_match(instruction),
            _ => self.bs_create_bin(instruction),
        }
    }

    /// An instruction with a bitmask of flags as operand `flags`.
    fn field(
        &mut self,
        instruction: &Instruction<'a>,
        op: Op,
        order: &[usize],
        flags: usize,
    ) -> Result<(), LoadError> {
        let mut operands = [Operand::Number(0); 8];
        for (operand, arg) in operands.iter_mut().zip(order) {
            *operand = if *arg == flags {
                Operand::Number(plain_flags(instruction.number(*arg)?))
            } else {
                self.operand(instruction, *arg)?
            };
        }
        self.emit(instruction, op, &operands[..order.len()])
    }

    /// Emits an instruction that may collect and then looks at its sources. OTP's compiler
    /// counts on sources being kept even where they are not among the live registers, if
    /// nothing needs them afterwards. Here they are made live: they are moved down to the
    /// end of the live registers, which are free, unless they are there already.
    pub(super) fn emit_with_live_sources(
        &mut self,
        instruction: &Instruction<'a>,
        op: Op,
        operands: &[Operand<'_>],
        live_operand: usize,
    ) -> Result<(), LoadError> {
        let mut changed = [Operand::Number(0); 8];
        let (Some(changed), Some(Operand::Number(live))) = (
            changed.get_mut(..operands.len()),
            operands.get(live_operand),
        ) else {
            return self.emit_as_given(instruction, op, operands);
        };
        changed.copy_from_slice(operands);
        let general = op.variants().last().copied().unwrap_or_default();
        let mut live = *live;
        loop {
            // The lowest source that is not live.
            let sources = changed.iter().zip(general);
            let dead = sources.filter_map(|(operand, kind)| match operand {
                Operand::X(x) if *kind == Kind::S && *x as u64 >= live => Some(*x),
                _ => None,
            });
            let Some(source) = dead.min() else { break };
            if source as u64 > live {
                // Less than a register, so a register.
                let free = live as u16;
                self.emit_as_given(
                    instruction,
                    Op::move_,
                    &[Operand::X(source), Operand::X(free)],
                )?;
                for (operand, kind) in changed.iter_mut().zip(general) {
                    if *kind == Kind::S && matches!(operand, Operand::X(x) if *x == source) {
                        *operand = Operand::X(free);
                    }
                }
            }
            live += 1;
        }
        changed[live_operand] = Operand::Number(live);
        self.emit_as_given(instruction, op, changed)
    }

    fn bs_match(&mut self, instruction: &Instruction<'a>) -> Result<(), LoadError> {
        let label = self.operand(instruction, 0)?;
        let context = self.operand(instruction, 1)?;
        let mut rest = instruction.list(2)?;
        while let [Arg::Atom(command), more @ ..] = rest {
            let name = self.beam.atoms.text(*command).unwrap_or_default();
            let operands = match name {
                "ensure_exactly" | "skip" => 1,
                "ensure_at_least" => 2,
                "get_tail" | "=:=" => 3,
                "integer" | "binary" => 5,
                _ => return Err(instruction.unsupported(alloc::format!("the command {name}"))),
            };
            let Some((args, more)) = more.split_at_checked(operands) else {
                return Err(instruction.damaged(format_args!("the command {name} is cut off")));
            };
            rest = more;
            self.command(instruction, label, context, name, args)?;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(instruction.damaged("a command that is not an atom"))
        }
    }

    fn command(
        &mut self,
        instruction: &Instruction<'a>,
        label: Operand<'_>,
        context: Operand<'_>,
        name: &str,
        args: &[Arg<'a>],
    ) -> Result<(), LoadError> {
        let number = |arg: usize| match args.get(arg) {
            Some(Arg::Number(number)) => Ok(Operand::Number(*number)),
            Some(Arg::Integer(number @ 0..)) => Ok(Operand::Number(*number as u64)),
            _ => {
                Err(instruction.damaged(format_args!("operand {} of the command {name}", arg + 1)))
            }
        };
        // Size times unit.
        let bits = |size: usize| match (number(size)?, number(size + 1)?) {
            (Operand::Number(size), Operand::Number(unit)) => {
                Ok(Operand::Number(size.saturating_mul(unit)))
            }
            _ => Err(instruction.damaged(format_args!("the size of the command {name}"))),
        };
        match name {
            "ensure_at_least" => self.emit(
                instruction,
                Op::bsm_ensure_at_least,
                &[label, context, number(0)?, number(1)?],
            ),
            "ensure_exactly" => self.emit(
                instruction,
                Op::bsm_ensure_exactly,
                &[label, context, number(0)?],
            ),
            "skip" => self.emit(instruction, Op::bsm_skip, &[context, number(0)?]),
            // live, unit, destination
            "get_tail" => {
                let destination = self.operand_of(instruction, args[2])?;
                self.emit(
                    instruction,
                    Op::bsm_get_tail,
                    &[context, number(0)?, destination],
                )
            }
            // (live,) bits, value
            "=:=" => self.emit(
                instruction,
                Op::bsm_equal,
                &[label, context, number(1)?, number(2)?],
            ),
            // live, flags, size, unit, destination
            "integer" => {
                let flags = self.flags(instruction, args[1])?;
                let destination = self.operand_of(instruction, args[4])?;
                let bits = bits(2)?;
                if let Operand::Number(size) = bits
                    && let Some(op) =
                        plain_integer(size, flags, [Op::bsm_8, Op::bsm_16, Op::bsm_32])
                {
                    return self.emit(instruction, op, &[context, destination]);
                }
                self.emit(
                    instruction,
                    Op::bsm_integer,
                    &[
                        context,
                        number(0)?,
                        bits,
                        Operand::Number(flags),
                        destination,
                    ],
                )
            }
            _ => {
                let destination = self.operand_of(instruction, args[4])?;
                self.emit(
                    instruction,
                    Op::bsm_binary,
                    &[context, number(0)?, bits(2)?, destination],
                )
            }
        }
    }

    /// label, heap need, live, unit, destination, segments
    fn bs_create_bin(&mut self, instruction: &Instruction<'a>) -> Result<(), LoadError> {
        let list = instruction.list(5)?;
        if list.len() % SEGMENT_OPERANDS != 0 {
            return Err(instruction.damaged("a segment is cut off"));
        }
        let mut segments = Vec::new();
        segments.try_reserve(list.len() / 2)?;
        for segment in list.chunks_exact(SEGMENT_OPERANDS) {
            segments.extend(self.segment(instruction, segment)?);
        }
        let operands = [
            self.operand(instruction, 0)?,
            heap_words(instruction, 1)?,
            self.operand(instruction, 2)?,
            self.operand(instruction, 3)?,
            self.operand(instruction, 4)?,
            Operand::List(&segments),
        ];
        self.emit(instruction, Op::bs_create_bin, &operands)
    }

    fn segment(
        &mut self,
        instruction: &Instruction<'a>,
        args: &[Arg<'a>],
    ) -> Result<[Operand<'static>; 3], LoadError> {
        let name = match args[0] {
            Arg::Atom(atom) => self.beam.atoms.text(atom).unwrap_or_default(),
            _ => return Err(instruction.damaged("the type of a segment is not an atom")),
        };
        let kind = match name {
            "integer" => segment::INTEGER,
            "float" => segment::FLOAT,
            "binary" => segment::BINARY,
            "append" => segment::APPEND,
            "private_append" => segment::PRIVATE_APPEND,
            "string" => segment::STRING,
            "utf8" => segment::UTF8,
            "utf16" => segment::UTF16,
            "utf32" => segment::UTF32,
            _ => return Err(instruction.unsupported(alloc::format!("a segment of type {name}"))),
        };
        let unit = match args[2] {
            Arg::Number(unit @ 0..=GREATEST_UNIT) => unit,
            Arg::Nil => 0,
            _ => return Err(instruction.damaged("the unit of a segment")),
        };
        let flags = self.flags(instruction, args[3])?;
        let value = match (kind, args[4]) {
            (segment::STRING, Arg::Number(offset)) => match u32::try_from(offset) {
                Ok(offset) => Operand::String(offset),
                Err(_) => return Err(instruction.damaged("the offset of a string")),
            },
            (segment::STRING, _) => return Err(instruction.damaged("the offset of a string")),
            (_, value) => self.operand_of(instruction, value)?,
        };
        let size = match (kind, args[5]) {
            // `undefined`: the size of a code point is its own.
            (segment::UTF8 | segment::UTF16 | segment::UTF32, _) => small(0),
            (_, size) => self.operand_of(instruction, size)?,
        };
        let number = match args[1] {
            Arg::Number(number) => u32::try_from(number).unwrap_or(0),
            _ => 0,
        };
        let word = segment::with_number(segment::pack(kind, flags, unit), number);
        Ok([Operand::Number(word), value, size])
    }

    /// Flags as the machine has them: from nothing, a bitmask, or a literal list of atoms.
    pub(super) fn flags(
        &self,
        instruction: &Instruction<'a>,
        arg: Arg<'a>,
    ) -> Result<u64, LoadError> {
        match arg {
            Arg::Nil => Ok(0),
            Arg::Number(flags) => Ok(plain_flags(flags)),
            Arg::Literal(index) => self
                .beam
                .literals
                .get(index)
                .and_then(flags_of_list)
                .ok_or_else(|| {
                    instruction.damaged("the flags are not a list of atoms that are flags")
                }),
            _ => Err(instruction.damaged("the flags are not a list")),
        }
    }
}

/// Which operand of an instruction that may collect before it looks at its sources is the
/// number of live registers. Those that build keep to what is live: compilers see to that.
pub(super) fn live_operand(op: Op) -> Option<usize> {
    match op {
        Op::bsm_integer | Op::bsm_binary | Op::bsm_get_tail => Some(1),
        Op::bs_start_match
        | Op::bs_get_position
        | Op::bs_get_tail
        | Op::bs_get_integer2
        | Op::bs_get_float2
        | Op::bs_get_binary2 => Some(2),
        _ => None,
    }
}

/// Which of the operations for 8, 16 and 32 bits takes an integer of `bits` bits with these flags.
fn plain_integer(bits: u64, flags: u64, [of_8, of_16, of_32]: [Op; 3]) -> Option<Op> {
    match (bits, flags) {
        (8, 0) => Some(of_8),
        (16, 0) => Some(of_16),
        (32, 0) => Some(of_32),
        _ => None,
    }
}

/// A bitmask of a file without what the machine does not need: native is little, aligned
/// (1) and exact (8) are hints of old.
fn plain_flags(flags: u64) -> u64 {
    let little = if flags & segment::NATIVE != 0 {
        segment::LITTLE
    } else {
        flags & segment::LITTLE
    };
    little | flags & segment::SIGNED
}

/// The flags in a list of atoms in external term format.
fn flags_of_list(external: &[u8]) -> Option<u64> {
    const ATOM_EXT: u8 = 100;
    const SMALL_ATOM_EXT: u8 = 115;
    const ATOM_UTF8_EXT: u8 = 118;
    const SMALL_ATOM_UTF8_EXT: u8 = 119;
    const NIL_EXT: u8 = 106;
    const LIST_EXT: u8 = 108;
    let [131, LIST_EXT, a, b, c, d, rest @ ..] = external else {
        return (external == [131, NIL_EXT]).then_some(0);
    };
    let mut rest = rest;
    let mut flags = 0;
    for _ in 0..u32::from_be_bytes([*a, *b, *c, *d]) {
        let (size, text) = match rest {
            [ATOM_EXT | ATOM_UTF8_EXT, high, low, text @ ..] => {
                (u16::from_be_bytes([*high, *low]) as usize, text)
            }
            [SMALL_ATOM_EXT | SMALL_ATOM_UTF8_EXT, size, text @ ..] => (*size as usize, text),
            _ => return None,
        };
        let (name, more) = text.split_at_checked(size)?;
        flags |= match name {
            b"little" | b"native" => segment::LITTLE,
            b"signed" => segment::SIGNED,
            b"big" | b"unsigned" => 0,
            _ => return None,
        };
        rest = more;
    }
    (rest == [NIL_EXT]).then_some(flags)
}

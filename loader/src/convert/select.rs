//! Many-way branches: select_val and select_tuple_arity.
//!
//! Small integers close together become a jump table. Atoms and small integers become
//! pairs, for binary search by the bits of the word: integers are sorted here, lists with
//! atoms by the linker, which knows their words. Values that are not one word (floats, big
//! integers) are compared one after the other. Lists too long for one instruction are split.

use alloc::vec::Vec;

use super::{Converter, Operand, small};
use crate::beam::code::{Arg, Instruction};
use crate::error::LoadError;
use crate::operation::Op;

/// Fewest values that make a jump table worth it.
const LEAST_TABLE: usize = 4;

/// A jump table may have this many times as many entries as values.
const TABLE_SPARSENESS: u64 = 2;

/// Most pairs of one instruction: the count of words has 16 bits.
const MOST_PAIRS: usize = u16::MAX as usize / 2;

impl<'a> Converter<'_, 'a> {
    pub(super) fn select_val(&mut self, instruction: &Instruction<'a>) -> Result<(), LoadError> {
        let source = self.operand(instruction, 0)?;
        let otherwise = self.label(instruction, 1)?;
        let list = instruction.list(2)?;
        if list.len() % 2 != 0 {
            return Err(instruction.damaged("a value without a label"));
        }
        let mut integers = Vec::new();
        let mut pairs = Vec::new();
        integers.try_reserve(list.len() / 2)?;
        pairs.try_reserve(list.len())?;
        for pair in list.chunks_exact(2) {
            let target = match pair[1] {
                Arg::Label(label @ 1..) => label,
                _ => return Err(instruction.damaged("a value without a label")),
            };
            match self.operand_of(instruction, pair[0])? {
                // Compared at once, in front of the others.
                value @ Operand::Literal(_) => {
                    self.emit(
                        instruction,
                        Op::is_ne_exact,
                        &[Operand::Label(target), source, value],
                    )?;
                }
                value @ (Operand::Atom(_) | Operand::Immediate(_)) => {
                    if let Arg::Integer(integer) = pair[0] {
                        integers.push((integer, target));
                    }
                    pairs.extend([value, Operand::Label(target)]);
                }
                _ => return Err(instruction.damaged("a value that is not a constant")),
            }
        }
        if pairs.is_empty() {
            return self.emit(instruction, Op::jump, &[Operand::Label(otherwise)]);
        }
        if 2 * integers.len() == pairs.len() {
            self.sorted(instruction, &mut integers)?;
            if self.jump_table(instruction, source, otherwise, &integers)? {
                return Ok(());
            }
            // By the bits of the word: negative ones last.
            integers.sort_unstable_by_key(|pair| pair.0 as u64);
            pairs.clear();
            for (integer, target) in integers {
                pairs.extend([small(integer), Operand::Label(target)]);
            }
        }
        self.pairs(instruction, Op::select_val, source, otherwise, &pairs)
    }

    pub(super) fn select_tuple_arity(
        &mut self,
        instruction: &Instruction<'a>,
    ) -> Result<(), LoadError> {
        let source = self.operand(instruction, 0)?;
        let otherwise = self.label(instruction, 1)?;
        let list = instruction.list(2)?;
        let mut arities = Vec::new();
        arities.try_reserve(list.len() / 2)?;
        for pair in list.chunks(2) {
            match pair {
                [Arg::Number(arity @ 0..0x100_0000), Arg::Label(label @ 1..)] => {
                    arities.push((*arity as i64, *label));
                }
                _ => return Err(instruction.damaged("not a list of arities and labels")),
            }
        }
        self.sorted(instruction, &mut arities)?;
        let mut pairs = Vec::new();
        pairs.try_reserve(list.len())?;
        for (arity, target) in arities {
            pairs.extend([small(arity), Operand::Label(target)]);
        }
        self.pairs(
            instruction,
            Op::select_tuple_arity,
            source,
            otherwise,
            &pairs,
        )
    }

    fn label(&mut self, instruction: &Instruction<'a>, arg: usize) -> Result<u32, LoadError> {
        match instruction.args.get(arg) {
            Some(Arg::Label(label @ 1..)) => Ok(*label),
            _ => Err(instruction.damaged("the label is missing")),
        }
    }

    fn sorted(
        &self,
        instruction: &Instruction<'a>,
        integers: &mut [(i64, u32)],
    ) -> Result<(), LoadError> {
        integers.sort_unstable();
        if integers.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(instruction.damaged("the same value twice"));
        }
        Ok(())
    }

    /// Emits a jump table if these sorted integers are close enough together.
    fn jump_table(
        &mut self,
        instruction: &Instruction<'a>,
        source: Operand<'_>,
        otherwise: u32,
        integers: &[(i64, u32)],
    ) -> Result<bool, LoadError> {
        let (Some(first), Some(last)) = (integers.first(), integers.last()) else {
            return Ok(false);
        };
        let entries = last.0.abs_diff(first.0).saturating_add(1);
        if integers.len() < LEAST_TABLE
            || entries > TABLE_SPARSENESS * integers.len() as u64
            || entries > MOST_PAIRS as u64
        {
            return Ok(false);
        }
        let mut pairs = Vec::new();
        pairs.try_reserve(2 * entries as usize)?;
        let mut next = integers.iter().peekable();
        for value in first.0..=last.0 {
            let target = match next.next_if(|pair| pair.0 == value) {
                Some(pair) => pair.1,
                None => otherwise,
            };
            pairs.extend([small(value), Operand::Label(target)]);
        }
        let operands = [
            source,
            Operand::Label(otherwise),
            small(first.0),
            Operand::List(&pairs),
        ];
        self.emit(instruction, Op::jump_table, &operands)?;
        Ok(true)
    }

    /// Emits instructions for pairs, as many as it takes.
    fn pairs(
        &mut self,
        instruction: &Instruction<'a>,
        op: Op,
        source: Operand<'_>,
        otherwise: u32,
        pairs: &[Operand<'_>],
    ) -> Result<(), LoadError> {
        let mut rest = pairs;
        while rest.len() > 2 * MOST_PAIRS {
            let (some, others) = rest.split_at(2 * MOST_PAIRS);
            let next = self.emitter.new_label()?;
            self.emit(
                instruction,
                op,
                &[source, Operand::Label(next), Operand::List(some)],
            )?;
            if self.emitter.define(next).is_err() {
                return Err(instruction.damaged("a label of its own is defined twice"));
            }
            rest = others;
        }
        self.emit(
            instruction,
            op,
            &[source, Operand::Label(otherwise), Operand::List(rest)],
        )
    }
}

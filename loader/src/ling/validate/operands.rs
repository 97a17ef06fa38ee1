//! Validation of one instruction at a time: opcode, operands, lists, relocations.
//!
//! [`Operands::read`] goes through the code in order; what the flow analysis needs of an
//! instruction (labels, Y registers, first numbers) is left in the fields. Invariant after
//! `read` returned: all operands are in range, labels lie in the code at multiples of
//! [`ALIGN`].

use alloc::vec::Vec;

use super::super::{Module, Relocation};
use super::registers::Registers;
use super::relocations::Cursors;
use super::{header, wrong};
use crate::error::LoadError;
use crate::isa::{ALIGN, FLOAT_REGISTERS, MAX_FRAME, segment};
use crate::operation::{Kind, Op, Variant, align};

/// The empty list as a term.
const NIL: u64 = 0x3b;

/// Whether a word is a small integer.
const fn is_small(word: u64) -> bool {
    word & 0xf == 0xf
}

/// What a word in the code is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word {
    Atom,
    Literal,
    /// A small integer, as a word.
    Small(u64),
    Nil,
    X,
    Y,
}

impl Word {
    fn is_constant(self) -> bool {
        !matches!(self, Word::X | Word::Y)
    }
}

/// The reader of instructions.
pub struct Operands<'m, 'a, const WORDS: usize> {
    module: &'m Module<'a>,
    code: &'a [u8],
    cursors: Cursors<'a>,
    /// Whether this is the pass in order, which meets relocations.
    in_order: bool,
    counts: Counts,
    /// Operation of the last instruction.
    pub op: Op,
    /// Targets of its labels.
    pub labels: Vec<u32>,
    /// Its Y registers.
    pub ys: Vec<u16>,
    /// Its operands of kinds A and Q, in their order, as far as there are.
    pub halves: [u16; 2],
    /// Its first operand of kind A, or 0: an arity, or a number of live X registers.
    pub count: u16,
    /// X registers that it reads.
    pub sources: Registers<WORDS>,
    /// X registers that it writes.
    pub destinations: Registers<WORDS>,
    /// X registers are below this.
    x_registers: u64,
    /// Its import, if it calls one.
    pub import: Option<u32>,
}

struct Counts {
    atoms: u64,
    literals: u64,
    imports: u64,
    funs: u64,
    strings: u64,
}

impl<'m, 'a, const WORDS: usize> Operands<'m, 'a, WORDS> {
    /// A reader of a module's code.
    pub fn new(module: &'m Module<'a>) -> Self {
        Operands {
            module,
            code: module.code(),
            cursors: Cursors::new(module),
            in_order: true,
            counts: Counts {
                atoms: module.atom_count() as u64,
                literals: module.literal_count() as u64,
                imports: module.imports().len() as u64,
                funs: module.funs().len() as u64,
                strings: module.strings().len() as u64,
            },
            op: Op::func_info,
            labels: Vec::new(),
            ys: Vec::new(),
            halves: [0; 2],
            count: 0,
            import: None,
            sources: Registers::NONE,
            destinations: Registers::NONE,
            x_registers: module.x_registers().min(64 * WORDS as u32) as u64,
        }
    }

    /// Checks that all relocations were met. Afterwards `read` may be called out of order.
    pub fn finish(&mut self) -> Result<(), LoadError> {
        self.in_order = false;
        self.cursors.finish()
    }

    /// Reads and checks the instruction at `at`; gives its length.
    pub fn read(&mut self, at: usize) -> Result<usize, LoadError> {
        let variant = header(self.code, at)?;
        self.op = variant.op;
        self.labels.clear();
        self.ys.clear();
        self.import = None;
        self.count = 0;
        self.sources = Registers::NONE;
        self.destinations = Registers::NONE;
        if at + variant.fixed_size as usize > self.code.len() {
            return Err(wrong(variant.op, at, "cut off"));
        }
        let mut operand = at + 2;
        let mut halves = 0;
        for (number, kind) in variant.kinds.iter().enumerate() {
            let writes = variant.destinations >> number & 1 != 0;
            match kind {
                Kind::X => {
                    let register = self.u16(operand);
                    self.x(variant.op, at, register as u64, writes)?;
                }
                Kind::Y => {
                    let register = self.u16(operand);
                    self.y(variant.op, at, register as u64)?;
                }
                Kind::D => {
                    let register = self.u16(operand) >> 1;
                    if self.u16(operand) & 1 != 0 {
                        self.y(variant.op, at, register as u64)?;
                    } else {
                        self.x(variant.op, at, register as u64, true)?;
                    }
                }
                Kind::C => {
                    let word = self.word(variant.op, at, operand)?;
                    if !word.is_constant() {
                        return Err(wrong(
                            variant.op,
                            at,
                            "a register where a constant is expected",
                        ));
                    }
                    if word != Word::Atom
                        && matches!(variant.op, Op::func_info | Op::is_tagged_tuple)
                    {
                        return Err(wrong(variant.op, at, "not an atom"));
                    }
                }
                Kind::J => {
                    if self.u32(operand) & 0xf != 0xf {
                        return Err(wrong(variant.op, at, "not a small integer"));
                    }
                }
                Kind::S => {
                    self.word(variant.op, at, operand)?;
                }
                Kind::F => {
                    let distance = self.u32(operand) as i32 as i64;
                    if distance != 0 || !variant.op.label_is_optional() {
                        self.label(variant.op, at, distance)?;
                    }
                }
                Kind::A | Kind::Q => {
                    let number = self.u16(operand);
                    let most = if *kind == Kind::A {
                        self.x_registers
                    } else {
                        MAX_FRAME as u64
                    };
                    if number as u64 > most {
                        return Err(wrong(variant.op, at, format_args!("{number} registers")));
                    }
                    if *kind == Kind::A && self.count == 0 {
                        self.count = number;
                    }
                    if halves < 2 {
                        self.halves[halves] = number;
                        halves += 1;
                    }
                }
                Kind::R => {
                    let register = self.u16(operand);
                    if register as usize >= FLOAT_REGISTERS {
                        return Err(wrong(
                            variant.op,
                            at,
                            format_args!("floating point register {register}"),
                        ));
                    }
                }
                Kind::I => self.import(variant.op, at, operand)?,
                Kind::N => {
                    self.index(variant.op, at, operand, Relocation::Fun, self.counts.funs)?;
                }
                Kind::P => {
                    self.index(
                        variant.op,
                        at,
                        operand,
                        Relocation::String,
                        self.counts.strings + 1,
                    )?;
                }
                // Lists are last, and checked below.
                Kind::H | Kind::U | Kind::W | Kind::Ls | Kind::Lv | Kind::Le | Kind::Lb => {}
            }
            operand += kind.size();
        }
        if let Some(kind) = variant.kinds.last().filter(|kind| kind.is_list()) {
            let list = operand - kind.size();
            let words = self.u16(list) as usize;
            operand += 8 * words;
            if operand > self.code.len() {
                return Err(wrong(
                    variant.op,
                    at,
                    format_args!("a list of {words} words is cut off"),
                ));
            }
            self.list(variant, at, *kind, list, words)?;
        }
        let length = align(operand - at);
        match self.code.get(operand..at + length) {
            Some(padding) if padding.iter().all(|byte| *byte == 0) => {}
            Some(_) => return Err(wrong(variant.op, at, "the padding is not zero")),
            None => return Err(wrong(variant.op, at, "the padding is missing")),
        }
        self.special(variant, at)?;
        Ok(length)
    }

    // `read` has checked that the operands are inside the code.

    #[inline]
    fn u16(&self, at: usize) -> u16 {
        match self.code.get(at..at + 2) {
            Some(bytes) => u16::from_le_bytes([bytes[0], bytes[1]]),
            None => 0,
        }
    }

    #[inline]
    fn u32(&self, at: usize) -> u32 {
        self.u16(at) as u32 | (self.u16(at + 2) as u32) << 16
    }

    #[inline]
    fn u64(&self, at: usize) -> u64 {
        match self
            .code
            .get(at..at + 8)
            .and_then(|bytes| bytes.try_into().ok())
        {
            Some(bytes) => u64::from_le_bytes(bytes),
            None => 0,
        }
    }

    #[inline]
    fn relocated(&mut self, kind: Relocation, at: usize) -> bool {
        if self.in_order {
            self.cursors.meet(kind, at)
        } else {
            self.cursors.find(kind, at)
        }
    }

    #[inline]
    fn x(&mut self, op: Op, at: usize, register: u64, writes: bool) -> Result<(), LoadError> {
        if register >= self.x_registers {
            let most = self.x_registers;
            return Err(wrong(
                op,
                at,
                format_args!("register x{register} of {most}"),
            ));
        }
        let set = if writes {
            &mut self.destinations
        } else {
            &mut self.sources
        };
        set.insert(register as u16);
        Ok(())
    }

    #[inline]
    fn y(&mut self, op: Op, at: usize, register: u64) -> Result<(), LoadError> {
        if register >= MAX_FRAME as u64 {
            return Err(wrong(op, at, format_args!("register y{register}")));
        }
        self.ys.push(register as u16);
        Ok(())
    }

    /// Checks a constant or source.
    #[inline]
    fn word(&mut self, op: Op, at: usize, operand: usize) -> Result<Word, LoadError> {
        let word = self.u64(operand);
        if self.relocated(Relocation::Atom, operand) {
            return match word < self.counts.atoms {
                true => Ok(Word::Atom),
                false => Err(wrong(
                    op,
                    at,
                    format_args!("atom {word} of {}", self.counts.atoms),
                )),
            };
        }
        if self.relocated(Relocation::Literal, operand) {
            return match word < self.counts.literals {
                true => Ok(Word::Literal),
                false => Err(wrong(
                    op,
                    at,
                    format_args!("literal {word} of {}", self.counts.literals),
                )),
            };
        }
        match word & 7 {
            0 => {
                self.x(op, at, word >> 3, false)?;
                Ok(Word::X)
            }
            4 => {
                self.y(op, at, word >> 3)?;
                Ok(Word::Y)
            }
            7 if is_small(word) => Ok(Word::Small(word)),
            _ if word == NIL => Ok(Word::Nil),
            _ => Err(wrong(
                op,
                at,
                format_args!("{word:#x} is neither a register nor a constant"),
            )),
        }
    }

    #[inline]
    fn label(&mut self, op: Op, at: usize, distance: i64) -> Result<(), LoadError> {
        let target = (at as i64).wrapping_add(distance);
        if !(0..self.code.len() as i64).contains(&target) || target % ALIGN as i64 != 0 {
            return Err(wrong(
                op,
                at,
                format_args!("a label at {target}, outside of the code or its instructions"),
            ));
        }
        self.labels.push(target as u32);
        Ok(())
    }

    fn index(
        &mut self,
        op: Op,
        at: usize,
        operand: usize,
        kind: Relocation,
        count: u64,
    ) -> Result<u64, LoadError> {
        let index = self.u64(operand);
        if !self.relocated(kind, operand) {
            return Err(wrong(
                op,
                at,
                format_args!("an operand without {}", kind.section().name()),
            ));
        }
        if index >= count {
            let what = format_args!("{index} is out of range ({})", kind.section().name());
            return Err(wrong(op, at, what));
        }
        Ok(index)
    }

    /// Checks an import: its relocation, its index, and that its arity is that of the call.
    fn import(&mut self, op: Op, at: usize, operand: usize) -> Result<(), LoadError> {
        let calls = matches!(op, Op::call_ext | Op::call_ext_last | Op::call_ext_only);
        let (kind, place) = if calls {
            (Relocation::Call, at)
        } else {
            (Relocation::Import, operand)
        };
        let index = self.u64(operand);
        if !self.relocated(kind, place) {
            return Err(wrong(
                op,
                at,
                format_args!("an import without {}", kind.section().name()),
            ));
        }
        let arity = match op {
            Op::bif0 => 0,
            Op::bif1 => 1,
            Op::bif2 => 2,
            Op::bif3 => 3,
            _ => self.u16(at + 2) as u32,
        };
        match self.module.imports().get(index as usize) {
            Some(import) if index < self.counts.imports && import.arity == arity => {
                self.import = Some(index as u32);
                Ok(())
            }
            _ => Err(wrong(
                op,
                at,
                format_args!("import {index} is not one of arity {arity}"),
            )),
        }
    }

    fn list(
        &mut self,
        variant: &Variant,
        at: usize,
        kind: Kind,
        list: usize,
        words: usize,
    ) -> Result<(), LoadError> {
        let op = variant.op;
        let first = list + 2;
        let group = match kind {
            Kind::Lv | Kind::Le => 2,
            Kind::Lb => 3,
            _ if matches!(
                op,
                Op::put_map_assoc | Op::put_map_exact | Op::update_record
            ) =>
            {
                2
            }
            _ => 1,
        };
        if !words.is_multiple_of(group) {
            return Err(wrong(
                op,
                at,
                format_args!("a list of {words} words, not in groups of {group}"),
            ));
        }
        match kind {
            Kind::Ls => {
                for number in 0..words {
                    let word = self.word(op, at, first + 8 * number)?;
                    if op == Op::init_yregs && word != Word::Y {
                        return Err(wrong(op, at, "not a Y register"));
                    }
                    if op == Op::update_record && number % 2 == 0 {
                        // Size of the tuple is the first operand.
                        let size = self.u32(at + 2) as u64;
                        match word {
                            Word::Small(position) if (1..=size).contains(&(position >> 4)) => {}
                            _ => return Err(wrong(op, at, "a position outside of the tuple")),
                        }
                    }
                }
                Ok(())
            }
            Kind::Le => {
                for pair in 0..words / 2 {
                    self.word(op, at, first + 16 * pair)?;
                    // A relocation here would not be met, and so be found in the end.
                    let destination = self.u64(first + 16 * pair + 8);
                    match destination & 7 {
                        0 => self.x(op, at, destination >> 3, true)?,
                        4 => self.y(op, at, destination >> 3)?,
                        _ => {
                            return Err(wrong(
                                op,
                                at,
                                format_args!("{destination:#x} is not a register"),
                            ));
                        }
                    }
                }
                Ok(())
            }
            Kind::Lv => self.pairs(op, at, list, words),
            _ => {
                for number in 0..words / 3 {
                    self.segment(at, first + 24 * number)?;
                }
                Ok(())
            }
        }
    }

    /// Pairs of constant and label.
    fn pairs(&mut self, op: Op, at: usize, list: usize, words: usize) -> Result<(), LoadError> {
        let sorted_by_linker = self.relocated(Relocation::Select, list);
        let mut atoms = false;
        let mut before: Option<u64> = None;
        for pair in 0..words / 2 {
            let operand = list + 2 + 16 * pair;
            let value = self.word(op, at, operand)?;
            match value {
                Word::Atom if op == Op::select_val => atoms = true,
                Word::Nil if op == Op::select_val => {}
                Word::Small(_) => {}
                _ => {
                    return Err(wrong(
                        op,
                        at,
                        format_args!("{value:?} cannot be selected by"),
                    ));
                }
            }
            let word = self.u64(operand);
            let in_order = before.is_none_or(|before| match op {
                // Small integers without gaps.
                Op::jump_table => word == before.wrapping_add(16),
                _ => before < word || sorted_by_linker,
            });
            if !in_order {
                return Err(wrong(op, at, "its values are not in order"));
            }
            before = Some(word);
            let distance = self.u64(operand + 8) as i64;
            if distance as i32 as i64 != distance {
                return Err(wrong(op, at, "a label outside of the code"));
            }
            self.label(op, at, distance)?;
        }
        if atoms != sorted_by_linker {
            return Err(wrong(
                op,
                at,
                "a list with atoms that is not relocated, or the other way round",
            ));
        }
        Ok(())
    }

    /// A segment of bs_create_bin.
    fn segment(&mut self, at: usize, operand: usize) -> Result<(), LoadError> {
        let op = Op::bs_create_bin;
        let word = self.u64(operand);
        let (kind, flags, unit) = (
            segment::kind(word),
            segment::flags(word),
            segment::unit(word),
        );
        // Any number will do: it only ever becomes part of an error's explanation.
        let packed = segment::with_number(segment::pack(kind, flags, unit), segment::number(word));
        let known = word == packed && kind <= segment::UTF32;
        if !known || flags & !(segment::LITTLE | segment::SIGNED) != 0 || unit > 256 {
            return Err(wrong(
                op,
                at,
                format_args!("{word:#x} is not the description of a segment"),
            ));
        }
        if kind != segment::STRING {
            self.word(op, at, operand + 8)?;
            self.word(op, at, operand + 16)?;
            return Ok(());
        }
        let start = self.index(
            op,
            at,
            operand + 8,
            Relocation::String,
            self.counts.strings + 1,
        )?;
        match self.word(op, at, operand + 16)? {
            Word::Small(size)
                if (size as i64) >= 0 && (size >> 4) <= self.counts.strings - start =>
            {
                Ok(())
            }
            _ => Err(wrong(op, at, "a string outside of the strings")),
        }
    }

    /// What single operations require beyond the kinds of their operands.
    fn special(&mut self, variant: &Variant, at: usize) -> Result<(), LoadError> {
        let op = variant.op;
        // Offset of operand number `number`, none of those before it being a list.
        let offset = |number: usize| {
            at + 2
                + variant.kinds[..number]
                    .iter()
                    .map(|kind| kind.size())
                    .sum::<usize>()
        };
        match op {
            Op::call
            | Op::call_last
            | Op::call_only
            | Op::call_ext
            | Op::call_ext_last
            | Op::call_ext_only
            | Op::call_fun
            | Op::call_fun2
            | Op::call_fun_last
            | Op::call_fun2_last
            | Op::apply
            | Op::apply_last
                if self.halves[0] > 255 =>
            {
                return Err(wrong(op, at, format_args!("{} arguments", self.halves[0])));
            }
            Op::make_fun3 => {
                let fun = self.module.funs().get(self.u64(offset(0)) as usize);
                let captured = self.u16(offset(2));
                if fun.is_none_or(|fun| fun.num_free != captured as u32) {
                    return Err(wrong(
                        op,
                        at,
                        format_args!("{captured} free variables are not those of the fun"),
                    ));
                }
            }
            Op::bs_match_string => {
                let bits = self.u32(offset(2)) as u64;
                if self.u64(offset(3)).saturating_add(bits.div_ceil(8)) > self.counts.strings {
                    return Err(wrong(op, at, "a string outside of the strings"));
                }
            }
            Op::bsm_equal if self.u32(offset(2)) > 64 => {
                return Err(wrong(op, at, "more than 64 bits to compare"));
            }
            Op::bs_get_integer2 | Op::bs_get_float2 | Op::bs_get_binary2 => {
                self.unit(op, at, offset(4))?;
                self.flags(op, at, offset(5))?;
            }
            Op::bs_skip_bits2 | Op::bsm_ensure_at_least => self.unit(op, at, offset(3))?,
            Op::bs_test_unit => self.unit(op, at, offset(2))?,
            Op::bsm_integer => self.flags(op, at, offset(3))?,
            Op::bs_get_utf16 | Op::bs_get_utf32 | Op::bs_skip_utf16 | Op::bs_skip_utf32 => {
                self.flags(op, at, offset(2))?;
            }
            Op::bs_create_bin => self.unit(op, at, offset(3))?,
            Op::jump_table => {
                let smallest = self.u64(offset(2));
                let words = self.u16(offset(3));
                let first = self.u64(offset(3) + 2);
                if !is_small(smallest) || words == 0 || first != smallest {
                    return Err(wrong(
                        op,
                        at,
                        "its smallest value is not that of the first label",
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn unit(&self, op: Op, at: usize, operand: usize) -> Result<(), LoadError> {
        match self.u16(operand) {
            0..=256 => Ok(()),
            unit => Err(wrong(op, at, format_args!("a unit of {unit} bits"))),
        }
    }

    fn flags(&self, op: Op, at: usize, operand: usize) -> Result<(), LoadError> {
        let flags = self.u16(operand) as u64;
        match flags & !(segment::LITTLE | segment::SIGNED) {
            0 => Ok(()),
            _ => Err(wrong(op, at, format_args!("flags {flags:#x}"))),
        }
    }
}

//! The Code chunk: a header, then generic instructions.
//!
//! [`Instructions`] decodes one instruction at a time into a reused [`Instruction`].
//! Invariant of a decoded operand: atoms, literals and labels exist, registers are below
//! the machine's limits. Called by the converter.

use alloc::format;
use alloc::vec::Vec;

use super::compact_term::{Extended, Tag, extended, read_tagged, read_unsigned};
use super::reader::Reader;
use crate::error::{LoadError, Problem};
use crate::isa::{FLOAT_REGISTERS, MAX_FRAME, X_REGISTERS};
use crate::opcode::Generic;

/// An operand of a generic instruction. The lifetime is that of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arg<'a> {
    /// A number that is not a term: an arity, an index, a size.
    Number(u64),
    /// An integer term.
    Integer(i64),
    /// An integer term of more than 64 bits: big endian, two's complement.
    BigInteger(&'a [u8]),
    /// An atom, counted from 0.
    Atom(u32),
    /// The empty list.
    Nil,
    /// An X register.
    X(u16),
    /// A Y register.
    Y(u16),
    /// A floating point register.
    FloatRegister(u16),
    /// A label; 0 is none.
    Label(u32),
    /// A literal, counted from 0.
    Literal(u32),
    /// Elements of a list: a range of [`Instruction::elements`].
    List {
        /// Index of the first one.
        start: u32,
        /// Number of elements.
        length: u32,
    },
    /// Heap need in parts.
    Allocation {
        /// Words.
        words: u64,
        /// Floats.
        floats: u64,
        /// Funs.
        funs: u64,
    },
}

/// A decoded instruction.
#[derive(Debug)]
pub struct Instruction<'a> {
    /// Its opcode.
    pub opcode: Generic,
    /// Byte offset in the Code chunk.
    pub at: usize,
    /// Its operands, as many as the opcode's arity.
    pub args: Vec<Arg<'a>>,
    /// Elements of those operands that are lists.
    pub elements: Vec<Arg<'a>>,
}

impl<'a> Instruction<'a> {
    /// An empty one, for [`Instructions::next`] to fill.
    pub fn new() -> Self {
        Instruction {
            opcode: Generic::IntCodeEnd,
            at: 0,
            args: Vec::new(),
            elements: Vec::new(),
        }
    }

    /// The elements of a list operand; of an operand that is none, an error.
    pub fn list(&self, arg: usize) -> Result<&[Arg<'a>], LoadError> {
        match self.args.get(arg) {
            Some(Arg::List { start, length }) => {
                Ok(&self.elements[*start as usize..(*start + *length) as usize])
            }
            _ => Err(self.damaged(format!("operand {} is not a list", arg + 1))),
        }
    }

    /// A number operand.
    pub fn number(&self, arg: usize) -> Result<u64, LoadError> {
        match self.args.get(arg) {
            Some(Arg::Number(number)) => Ok(*number),
            _ => Err(self.damaged(format!("operand {} is not a number", arg + 1))),
        }
    }

    /// The error that this instruction is not what its opcode requires.
    pub fn damaged(&self, what: impl core::fmt::Display) -> LoadError {
        LoadError::damaged("Code", self.at, format!("{}: {what}", self.opcode.name()))
    }

    /// The error that this instruction is beyond what the machine can do.
    pub fn unsupported(&self, what: impl Into<alloc::borrow::Cow<'static, str>>) -> LoadError {
        Problem::Unsupported {
            opcode: self.opcode,
            at: self.at,
            what: what.into(),
        }
        .into()
    }
}

impl Default for Instruction<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// Decoder of the instructions of a Code chunk.
#[derive(Debug)]
pub struct Instructions<'a> {
    reader: Reader<'a>,
    /// Number of labels announced; labels are below it.
    pub labels: u32,
    /// Number of functions announced.
    pub functions: u32,
    atoms: u32,
    literals: u32,
}

impl<'a> Instructions<'a> {
    /// Reads the header of a Code chunk in a file of so many atoms and literals.
    pub fn new(chunk: &'a [u8], atoms: u32, literals: u32) -> Result<Self, LoadError> {
        let mut reader = Reader::new("Code", chunk);
        let header_size = reader.u32()? as usize;
        if header_size < 16 {
            return Err(LoadError::damaged("Code", 0, "the header is too short"));
        }
        let instruction_set = reader.u32()?;
        if instruction_set != 0 {
            let what = format!("instruction set {instruction_set}, this machine knows set 0");
            return Err(LoadError::damaged("Code", 4, what));
        }
        let _greatest_opcode = reader.u32()?;
        let labels = reader.u32()?;
        let functions = reader.u32()?;
        // Each label takes at least two bytes, each function more.
        if labels as usize / 2 > chunk.len() || functions as usize > chunk.len() {
            let what = format!(
                "{labels} labels and {functions} functions in {} bytes",
                chunk.len()
            );
            return Err(LoadError::damaged("Code", 12, what));
        }
        reader.take(header_size - 16)?;
        Ok(Instructions {
            reader,
            labels,
            functions,
            atoms,
            literals,
        })
    }

    /// Decodes the next instruction. False at int_code_end.
    pub fn next(&mut self, into: &mut Instruction<'a>) -> Result<bool, LoadError> {
        into.args.clear();
        into.elements.clear();
        into.at = self.reader.position();
        let opcode = self.reader.u8()?;
        let Some(known) = Generic::from_number(opcode) else {
            return Err(Problem::UnknownOpcode {
                opcode,
                at: into.at,
            }
            .into());
        };
        into.opcode = known;
        for _ in 0..known.arity() {
            let arg = self.operand(&mut into.elements)?;
            into.args.push(arg);
        }
        Ok(known != Generic::IntCodeEnd)
    }

    /// Where the next instruction begins in the Code chunk.
    pub fn position(&self) -> usize {
        self.reader.position()
    }

    /// Opcode of the next instruction.
    pub fn next_opcode(&self) -> Option<Generic> {
        Generic::from_number(self.reader.clone().u8().ok()?)
    }

    /// The size of the frame, if the next two instructions remove it and return.
    pub fn next_frame_to_return_from(&self) -> Option<u64> {
        let mut reader = self.reader.clone();
        if Generic::from_number(reader.u8().ok()?)? != Generic::Deallocate {
            return None;
        }
        let (Tag::Unsigned, size) = read_tagged(&mut reader).ok()? else {
            return None;
        };
        let size = size.to_u64(&reader).ok()?;
        (Generic::from_number(reader.u8().ok()?)? == Generic::Return).then_some(size)
    }

    fn operand(&mut self, elements: &mut Vec<Arg<'a>>) -> Result<Arg<'a>, LoadError> {
        let (tag, value) = read_tagged(&mut self.reader)?;
        if tag != Tag::Extended {
            return self.simple(tag, value);
        }
        match extended(value) {
            Some(Extended::List) => {
                let at = self.reader.position();
                let length = read_unsigned(&mut self.reader)?;
                let length =
                    self.reader
                        .fitting(u32::try_from(length).unwrap_or(u32::MAX), 1, at)?;
                let start = elements.len();
                elements.try_reserve(length)?;
                for _ in 0..length {
                    let (tag, value) = read_tagged(&mut self.reader)?;
                    let element = match (tag, extended(value)) {
                        (Tag::Extended, Some(Extended::List)) => {
                            return Err(self.reader.error("a list in a list"));
                        }
                        (Tag::Extended, kind) => self.extended(kind)?,
                        _ => self.simple(tag, value)?,
                    };
                    elements.push(element);
                }
                Ok(Arg::List {
                    start: start as u32,
                    length: length as u32,
                })
            }
            kind => self.extended(kind),
        }
    }

    #[inline]
    fn simple(
        &self,
        tag: Tag,
        value: super::compact_term::Value<'a>,
    ) -> Result<Arg<'a>, LoadError> {
        use super::compact_term::Value;
        if tag == Tag::Integer {
            return Ok(match (value.to_i64(), value) {
                (Some(integer), _) => Arg::Integer(integer),
                (None, Value::Bytes(bytes)) => Arg::BigInteger(bytes),
                (None, Value::Small(small)) => Arg::Integer(small as i64),
            });
        }
        let number = match tag {
            // Sizes in bits may be any number; so many bits there are not.
            Tag::Unsigned if value.is_beyond_u64() => u64::MAX,
            _ => value.to_u64(&self.reader)?,
        };
        match tag {
            Tag::Atom if number == 0 => Ok(Arg::Nil),
            Tag::Atom if number <= self.atoms as u64 => Ok(Arg::Atom(number as u32 - 1)),
            Tag::X if number < X_REGISTERS as u64 => Ok(Arg::X(number as u16)),
            Tag::Y if number < MAX_FRAME as u64 => Ok(Arg::Y(number as u16)),
            // Labels are numbered from 1, so the count is one more than the last in real files.
            Tag::Label if number <= self.labels as u64 => Ok(Arg::Label(number as u32)),
            Tag::Character
                if char::from_u32(number as u32).is_some() && number <= char::MAX as u64 =>
            {
                Ok(Arg::Integer(number as i64))
            }
            Tag::Unsigned => Ok(Arg::Number(number)),
            _ => Err(self
                .reader
                .error(format!("{tag:?} {number} is out of range"))),
        }
    }

    fn extended(&mut self, kind: Option<Extended>) -> Result<Arg<'a>, LoadError> {
        match kind {
            Some(Extended::FloatRegister) => match read_unsigned(&mut self.reader)? {
                number if number < FLOAT_REGISTERS as u64 => Ok(Arg::FloatRegister(number as u16)),
                number => Err(self
                    .reader
                    .error(format!("floating point register {number}"))),
            },
            Some(Extended::Literal) => match read_unsigned(&mut self.reader)? {
                index if index < self.literals as u64 => Ok(Arg::Literal(index as u32)),
                index => {
                    let what = format!("literal {index} of {}", self.literals);
                    Err(self.reader.error(what))
                }
            },
            Some(Extended::TypedRegister) => {
                let (tag, value) = read_tagged(&mut self.reader)?;
                if tag != Tag::X && tag != Tag::Y {
                    return Err(self.reader.error("a type on what is not a register"));
                }
                let register = self.simple(tag, value)?;
                let _type_index = read_unsigned(&mut self.reader)?;
                Ok(register)
            }
            Some(Extended::AllocationList) => {
                let (mut words, mut floats, mut funs) = (0u64, 0u64, 0u64);
                for _ in 0..read_unsigned(&mut self.reader)?.min(16) {
                    let kind = read_unsigned(&mut self.reader)?;
                    let amount = read_unsigned(&mut self.reader)?;
                    let sum = match kind {
                        0 => &mut words,
                        1 => &mut floats,
                        2 => &mut funs,
                        _ => return Err(self.reader.error(format!("heap need of kind {kind}"))),
                    };
                    *sum = sum.saturating_add(amount);
                }
                Ok(Arg::Allocation {
                    words,
                    floats,
                    funs,
                })
            }
            Some(Extended::Float) => Err(self.reader.error("a float operand as before OTP R16")),
            Some(Extended::List) | None => Err(self.reader.error("an unknown kind of operand")),
        }
    }
}

//! The emitter: writes instructions of the machine, with labels and relocations.
//!
//! [`Emitter::emit`] takes an operation and operands in their general form and picks the
//! first variant of the instruction table that they fit. Labels are those of the `.beam`
//! file plus the emitter's own; distances are filled in at the end. Invariant: relocations
//! of each kind are ascending, because operands are written in order. Called by the converter.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use crate::error::LoadError;
use crate::isa::{register_destination, register_source};
use crate::ling::Relocation;
use crate::operation::{Kind, Op, align, fuse};
use crate::pace::Pace;

/// An operand of the machine, before a variant has been picked.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// An X register.
    X(u16),
    /// A Y register.
    Y(u16),
    /// A floating point register.
    FloatRegister(u16),
    /// A term that is one word.
    Immediate(u64),
    /// An atom of the module.
    Atom(u32),
    /// A literal of the module.
    Literal(u32),
    /// Bytes of the string table, in a list of segments.
    String(u32),
    /// A label; 0 is none.
    Label(u32),
    /// A number that is not a term.
    Number(u64),
    /// A list.
    List(&'a [Operand<'a>]),
}

/// The empty list as a term.
pub const NIL: u64 = 0x3b;

/// Whether an integer is a small one: 60 bits, with sign.
pub const fn is_small(integer: i64) -> bool {
    integer << 4 >> 4 == integer
}

/// A small integer as a term.
pub const fn small(integer: i64) -> Operand<'static> {
    Operand::Immediate((integer << 4) as u64 | 0xf)
}

/// Whether a word is that of a small integer, and 32 bits of it tell the rest.
const fn is_short_small(word: u64) -> bool {
    word & 0xf == 0xf && word as i32 as u64 == word
}

/// Emitted so far for a label: nothing.
const UNDEFINED: u32 = u32::MAX;

/// A place in the code that waits for the distance to a label.
struct Reference {
    at: u32,
    instruction: u32,
    label: u32,
    wide: bool,
}

/// Code under construction.
pub struct Emitter {
    /// The code so far.
    pub code: Vec<u8>,
    /// It uses X registers below this.
    pub x_registers: u32,
    /// Its relocations, by kind.
    pub relocations: [Vec<u32>; 7],
    labels: Vec<u32>,
    /// In the order of their instructions.
    references: Vec<Reference>,
    /// Labels of handlers of `try`, where only exceptions get.
    handlers: BTreeSet<u32>,
    /// The last operation, unless a label follows it: what a peephole may look at.
    last: Option<Op>,
    /// Where the instructions are.
    instructions: Vec<u32>,
}

/// Exceptions and calls of built-in functions use some X registers, whatever the code does.
const LEAST_X_REGISTERS: u32 = 8;

/// Most jumps that lead from a wait back to it.
const MOST_JUMPS: usize = 8;

/// Greatest size of a module's code: distances are signed 32-bit numbers.
const GREATEST_CODE: usize = 1 << 30;

impl Emitter {
    /// An emitter for a file with labels below `labels`, expecting about `size` bytes of code.
    pub fn new(labels: u32, size: usize) -> Result<Self, LoadError> {
        let mut emitter = Emitter {
            code: Vec::new(),
            x_registers: LEAST_X_REGISTERS,
            relocations: [const { Vec::new() }; 7],
            labels: Vec::new(),
            references: Vec::new(),
            handlers: BTreeSet::new(),
            last: None,
            instructions: Vec::new(),
        };
        emitter.code.try_reserve(size)?;
        emitter.labels.try_reserve(labels as usize + 1)?;
        emitter.labels.resize(labels as usize + 1, UNDEFINED);
        Ok(emitter)
    }

    /// Offset of the next instruction.
    pub fn offset(&self) -> u32 {
        self.code.len() as u32
    }

    /// The operation just emitted; `None` at a label.
    pub fn last(&self) -> Option<Op> {
        self.last
    }

    /// Defines a label here.
    pub fn define(&mut self, label: u32) -> Result<(), &'static str> {
        let offset = self.offset();
        match self.labels.get_mut(label as usize) {
            Some(defined) if *defined == UNDEFINED && label != 0 => *defined = offset,
            Some(_) if label != 0 => return Err("the label is defined twice"),
            _ => return Err("there is no such label"),
        }
        self.last = None;
        Ok(())
    }

    /// Defines the label of a handler of `try` here. Only exceptions get there: where the
    /// code before it seems to run on, or a jump goes to it, the compiler knew that this
    /// does not happen, because a function before it never returns. So it is made sure.
    pub fn define_handler(&mut self, label: u32) -> Result<(), &'static str> {
        if self.last.is_some_and(|op| !op.is_end()) {
            let end = Op::if_end.opcode(0) as u32;
            self.instructions.push(self.code.len() as u32);
            self.code.extend_from_slice(&end.to_le_bytes());
        }
        self.handlers.insert(label);
        self.define(label)
    }

    /// A label that the file does not have, to be defined later.
    pub fn new_label(&mut self) -> Result<u32, LoadError> {
        self.labels.try_reserve(1)?;
        self.labels.push(UNDEFINED);
        Ok(self.labels.len() as u32 - 1)
    }

    /// Offset of a label, if it has been defined.
    pub fn label(&self, label: u32) -> Option<u32> {
        self.labels
            .get(label as usize)
            .copied()
            .filter(|offset| *offset != UNDEFINED && label != 0)
    }

    /// Emits `op` with the first variant that fits. The error says that none does, or
    /// that the code becomes too large.
    pub fn emit(&mut self, op: Op, operands: &[Operand<'_>]) -> Result<(), LoadError> {
        let fitting = op.variants().iter().position(|kinds| {
            kinds.len() == operands.len()
                && kinds
                    .iter()
                    .zip(operands)
                    .all(|(kind, operand)| fits(*kind, operand))
        });
        let Some(variant) = fitting else {
            return Err(LoadError::damaged("Code", 0, misfit(operands)));
        };
        let mut words = operands.len();
        for operand in operands {
            if let Operand::List(elements) = operand {
                words += elements.len();
            }
        }
        // More than is needed; from here on nothing allocates.
        let size = 32 + 8 * words;
        self.code.try_reserve(size)?;
        // One more for an end before a handler.
        self.instructions.try_reserve(2)?;
        self.references.try_reserve(words)?;
        for offsets in &mut self.relocations {
            offsets.try_reserve(words + 1)?;
        }
        if self.code.len() + size > GREATEST_CODE {
            return Err(LoadError::damaged(
                "Code",
                0,
                "the code is larger than a gigabyte",
            ));
        }
        let instruction = self.offset();
        self.instructions.push(instruction);
        self.code
            .extend_from_slice(&op.opcode(variant).to_le_bytes());
        if matches!(op, Op::call_ext | Op::call_ext_last | Op::call_ext_only) {
            self.relocations[Relocation::Call as usize].push(instruction);
        }
        for (kind, operand) in op.variants()[variant].iter().zip(operands) {
            self.write(*kind, operand, op, instruction);
        }
        self.code.resize(align(self.code.len()), 0);
        self.last = Some(op);
        Ok(())
    }

    /// Fuses instructions that follow each other, where there is an opcode for the two. Labels
    /// between them do no harm: both stay as they are, but for the opcode of the first. From the end to the beginning, since the second one may
    /// be a fused one; one that has become a second does not become a first as well unless there is an opcode for all three.
    fn fuse(&mut self, pace: &mut Pace<'_>) -> Result<(), LoadError> {
        let mut behind = None;
        for at in self.instructions.iter().rev() {
            let at = *at as usize;
            let [low, high] = self.code[at..at + 2] else {
                continue;
            };
            let opcode = u16::from_le_bytes([low, high]);
            let fused = behind.and_then(|behind| fuse(opcode, behind));
            if let Some(fused) = fused {
                self.code[at..at + 2].copy_from_slice(&fused.to_le_bytes());
            }
            behind = Some(fused.unwrap_or(opcode));
            pace.did(1)?;
        }
        Ok(())
    }

    fn write(&mut self, kind: Kind, operand: &Operand<'_>, op: Op, instruction: u32) {
        let relocated = match kind {
            Kind::I if !matches!(op, Op::call_ext | Op::call_ext_last | Op::call_ext_only) => {
                Some(Relocation::Import)
            }
            Kind::N => Some(Relocation::Fun),
            Kind::P => Some(Relocation::String),
            _ => None,
        };
        if let Some(relocation) = relocated {
            let offset = self.offset();
            self.relocations[relocation as usize].push(offset);
        }
        match (kind, *operand) {
            // A call needs up to two registers behind its arguments.
            (Kind::A, Operand::Number(number)) => {
                self.x_registers = self.x_registers.max(number as u32 + 2)
            }
            (Kind::X | Kind::D, Operand::X(index)) => {
                self.x_registers = self.x_registers.max(index as u32 + 1)
            }
            _ => {}
        }
        match (kind, *operand) {
            (Kind::D, Operand::X(index)) => self.half(register_destination(index, false)),
            (Kind::D, Operand::Y(index)) => self.half(register_destination(index, true)),
            (Kind::X, Operand::X(index)) | (Kind::Y, Operand::Y(index)) => self.half(index),
            (Kind::R, Operand::FloatRegister(index)) => self.half(index),
            (Kind::Y, Operand::List([Operand::Y(index)])) => self.half(*index),
            (Kind::A | Kind::Q | Kind::H, Operand::Number(number)) => self.half(number as u16),
            (Kind::U, Operand::Number(number)) => {
                self.code.extend_from_slice(&(number as u32).to_le_bytes())
            }
            // What `fits` lets through is the word of its lower half.
            (Kind::J, Operand::Immediate(word)) => {
                self.code.extend_from_slice(&(word as u32).to_le_bytes())
            }
            (Kind::W | Kind::I | Kind::N | Kind::P, Operand::Number(number)) => self.word(number),
            (Kind::F, Operand::Label(label)) => self.distance(label, instruction, false),
            (_, Operand::List(elements)) => {
                let with_atoms = elements
                    .iter()
                    .any(|element| matches!(element, Operand::Atom(_)));
                if kind == Kind::Lv && with_atoms {
                    let offset = self.offset();
                    self.relocations[Relocation::Select as usize].push(offset);
                }
                self.half(elements.len() as u16);
                for element in elements {
                    self.element(element, instruction);
                }
            }
            (_, operand) => self.element(&operand, instruction),
        }
    }

    /// Writes a word: a constant, a source or an element of a list.
    fn element(&mut self, operand: &Operand<'_>, instruction: u32) {
        let (relocation, word) = match *operand {
            Operand::X(index) => {
                self.x_registers = self.x_registers.max(index as u32 + 1);
                (None, register_source(index, false))
            }
            Operand::Y(index) => (None, register_source(index, true)),
            Operand::Immediate(word) | Operand::Number(word) => (None, word),
            Operand::Atom(index) => (Some(Relocation::Atom), index as u64),
            Operand::Literal(index) => (Some(Relocation::Literal), index as u64),
            Operand::String(offset) => (Some(Relocation::String), offset as u64),
            Operand::Label(label) => return self.distance(label, instruction, true),
            // Not let through by `fits`.
            Operand::FloatRegister(_) | Operand::List(_) => (None, NIL),
        };
        if let Some(relocation) = relocation {
            let offset = self.offset();
            self.relocations[relocation as usize].push(offset);
        }
        self.word(word);
    }

    fn distance(&mut self, label: u32, instruction: u32, wide: bool) {
        if label != 0 {
            self.references.push(Reference {
                at: self.offset(),
                instruction,
                label,
                wide,
            });
        }
        self.code
            .resize(self.code.len() + if wide { 8 } else { 4 }, 0);
    }

    fn half(&mut self, half: u16) {
        self.code.extend_from_slice(&half.to_le_bytes());
    }

    fn word(&mut self, word: u64) {
        self.code.extend_from_slice(&word.to_le_bytes());
    }

    /// Where the code at `target` begins in earnest: behind jumps.
    fn behind_jumps(&self, mut target: u32) -> u32 {
        let jump = Op::jump.opcode(0).to_le_bytes();
        // Not for ever: a jump may lead to itself.
        for _ in 0..MOST_JUMPS {
            let at = target as usize;
            if self.code.get(at..at + 2) != Some(&jump) {
                break;
            }
            let Ok(place) = self
                .references
                .binary_search_by_key(&target, |reference| reference.instruction)
            else {
                break;
            };
            match self.label(self.references[place].label) {
                Some(onward) => target = onward,
                None => break,
            }
        }
        target
    }

    /// Fuses instructions, and fills in the distances to labels, which somebody must have defined.
    pub fn resolve(&mut self, pace: &mut Pace<'_>) -> Result<(), LoadError> {
        self.fuse(pace)?;
        let wait = Op::wait_timeout.opcode(0).to_le_bytes();
        for reference in &self.references {
            pace.did(1)?;
            let mut target = match self.labels.get(reference.label as usize) {
                Some(target) if *target != UNDEFINED => *target,
                _ => {
                    let what = alloc::format!("label {} is used, but not defined", reference.label);
                    return Err(LoadError::damaged("Code", 0, what));
                }
            };
            // The compiler may leave jumps between a `receive` of nothing but `after` and itself. It is known by going to itself.
            let instruction = reference.instruction as usize;
            if self.code[instruction..instruction + 2] == wait {
                target = self.behind_jumps(target);
            }
            let distance = target as i64 - reference.instruction as i64;
            let at = reference.at as usize;
            if !self.handlers.is_empty() && self.handlers.contains(&reference.label) {
                let jump = Op::jump.opcode(0).to_le_bytes();
                let instruction = reference.instruction as usize;
                if self.code[instruction..instruction + 2] == jump {
                    // See `define_handler`. Two of them are as long as a jump.
                    let end = (Op::if_end.opcode(0) as u32).to_le_bytes();
                    self.code[instruction..instruction + 4].copy_from_slice(&end);
                    self.code[instruction + 4..instruction + 8].copy_from_slice(&end);
                    continue;
                }
            }
            if reference.wide {
                self.code[at..at + 8].copy_from_slice(&distance.to_le_bytes());
            } else {
                self.code[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
            }
        }
        Ok(())
    }
}

/// Why operands fit no variant, for people.
fn misfit(operands: &[Operand<'_>]) -> String {
    let mut text = String::from("the operands do not fit the operation:");
    for operand in operands {
        // Writing to a string does not fail.
        let _ = match operand {
            Operand::List(elements) => write!(text, " list of {},", elements.len()),
            operand => write!(text, " {operand:?},"),
        };
    }
    text.pop();
    text
}

/// Whether an operand can be written as this kind.
fn fits(kind: Kind, operand: &Operand<'_>) -> bool {
    use Operand::*;
    match kind {
        Kind::X => matches!(operand, X(_)),
        Kind::Y => matches!(operand, Y(_) | List([Y(_)])),
        Kind::C => matches!(operand, Immediate(_) | Atom(_) | Literal(_)),
        Kind::J => matches!(operand, Immediate(word) if is_short_small(*word)),
        Kind::S => matches!(operand, X(_) | Y(_) | Immediate(_) | Atom(_) | Literal(_)),
        Kind::D => matches!(operand, X(_) | Y(_)),
        Kind::F => matches!(operand, Label(_)),
        Kind::A => matches!(operand, Number(0..1024)),
        Kind::Q => matches!(operand, Number(0..=1024)),
        Kind::H => matches!(operand, Number(0..0x1_0000)),
        Kind::U => matches!(operand, Number(0..0x1_0000_0000)),
        Kind::W | Kind::I | Kind::N | Kind::P => matches!(operand, Number(_)),
        Kind::R => matches!(operand, FloatRegister(_)),
        Kind::Ls => list_fits(operand, 1, |element| fits(Kind::S, &element[0])),
        Kind::Le => list_fits(operand, 2, |pair| {
            fits(Kind::S, &pair[0]) && fits(Kind::D, &pair[1])
        }),
        Kind::Lv => list_fits(operand, 2, |pair| {
            fits(Kind::C, &pair[0]) && fits(Kind::F, &pair[1])
        }),
        Kind::Lb => list_fits(operand, 3, |segment| {
            matches!(segment[0], Number(_))
                && (matches!(segment[1], String(_)) || fits(Kind::S, &segment[1]))
                && fits(Kind::S, &segment[2])
        }),
    }
}

fn list_fits(
    operand: &Operand<'_>,
    group: usize,
    element: impl Fn(&[Operand<'_>]) -> bool,
) -> bool {
    match operand {
        Operand::List(elements) => {
            elements.len() <= u16::MAX as usize
                && elements.len() % group == 0
                && elements.chunks_exact(group).all(element)
        }
        _ => false,
    }
}

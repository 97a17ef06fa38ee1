//! Listing ling code, for people.
//!
//! Prints what it is given, without judging it: labels as code offsets, atoms, imports
//! and literals by name or number as the relocations say. Called by tools and tests.

use core::fmt::{self, Write};

use crate::isa::segment;
use crate::ling::{Module, Relocation};
use crate::operation::{Kind, VARIANTS, instruction_length};

/// Writes a listing of a module's code.
pub fn disassemble(module: &Module<'_>, out: &mut impl Write) -> fmt::Result {
    let code = module.code();
    let functions = module.functions();
    let mut next_function = 0;
    let mut listing = Listing {
        module,
        code,
        at: 0,
        cursors: [0; 7],
        instruction: 0,
    };
    while let Some(length) = instruction_length(code, listing.at) {
        while let Some(function) = functions.get(next_function) {
            if function.func_info as usize > listing.at {
                break;
            }
            let name = module.atom(function.function as usize).unwrap_or("?");
            writeln!(out, "\n{}:{}/{}", module.name(), name, function.arity)?;
            next_function += 1;
        }
        let start = listing.at;
        listing.instruction(out)?;
        listing.at = start + length;
        writeln!(out)?;
    }
    Ok(())
}

struct Listing<'m, 'a> {
    module: &'m Module<'a>,
    code: &'a [u8],
    at: usize,
    instruction: usize,
    /// How many relocations of each kind have been passed.
    cursors: [usize; 7],
}

impl Listing<'_, '_> {
    fn instruction(&mut self, out: &mut impl Write) -> fmt::Result {
        self.instruction = self.at;
        let Some(variant) = VARIANTS.get(self.unsigned(2) as usize) else {
            return Err(fmt::Error);
        };
        write!(out, "{:8}  {}", self.instruction, variant.op.name())?;
        for (number, kind) in variant.kinds.iter().enumerate() {
            out.write_str(if number == 0 { " " } else { ", " })?;
            self.operand(*kind, out)?;
        }
        Ok(())
    }

    fn unsigned(&mut self, size: usize) -> u64 {
        let bytes = self.code.get(self.at..self.at + size).unwrap_or_default();
        self.at += size;
        bytes
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | *byte as u64)
    }

    /// Whether the word at the current offset is relocated as `kind`.
    fn relocated(&mut self, kind: Relocation) -> bool {
        let offsets = self.module.relocations(kind);
        let cursor = &mut self.cursors[kind as usize];
        while offsets
            .get(*cursor)
            .is_some_and(|offset| (offset as usize) < self.at)
        {
            *cursor += 1;
        }
        offsets
            .get(*cursor)
            .is_some_and(|offset| offset as usize == self.at)
    }

    fn operand(&mut self, kind: Kind, out: &mut impl Write) -> fmt::Result {
        match kind {
            Kind::X => write!(out, "x{}", self.unsigned(2)),
            Kind::Y => write!(out, "y{}", self.unsigned(2)),
            Kind::R => write!(out, "fr{}", self.unsigned(2)),
            Kind::D => {
                let register = self.unsigned(2);
                write!(
                    out,
                    "{}{}",
                    if register & 1 == 0 { 'x' } else { 'y' },
                    register >> 1
                )
            }
            Kind::C | Kind::S => self.word(out),
            Kind::F => {
                let distance = self.unsigned(4) as u32 as i32 as i64;
                self.label(distance, out)
            }
            Kind::J => write!(out, "{}", self.unsigned(4) as u32 as i32 >> 4),
            Kind::A | Kind::Q | Kind::H => write!(out, "{}", self.unsigned(2)),
            Kind::U => write!(out, "{}", self.unsigned(4)),
            Kind::W => write!(out, "{}", self.unsigned(8)),
            Kind::I => {
                let index = self.unsigned(8) as usize;
                match self.module.imports().get(index) {
                    Some(import) => {
                        let module = self.module.atom(import.module as usize).unwrap_or("?");
                        let function = self.module.atom(import.function as usize).unwrap_or("?");
                        write!(out, "{module}:{function}/{}", import.arity)
                    }
                    None => write!(out, "import {index}"),
                }
            }
            Kind::N => write!(out, "fun {}", self.unsigned(8)),
            Kind::P => write!(out, "string {}", self.unsigned(8)),
            Kind::Ls | Kind::Lv | Kind::Le | Kind::Lb => self.list(kind, out),
        }
    }

    fn list(&mut self, kind: Kind, out: &mut impl Write) -> fmt::Result {
        let words = self.unsigned(2);
        out.write_char('[')?;
        for number in 0..words {
            if number != 0 {
                out.write_str(", ")?;
            }
            match (kind, number) {
                (Kind::Lv, _) if number % 2 == 1 => {
                    let distance = self.unsigned(8) as i64;
                    self.label(distance, out)?;
                }
                (Kind::Lb, _) if number % 3 == 0 => {
                    let word = self.unsigned(8);
                    let (kind, flags) = (segment::kind(word), segment::flags(word));
                    write!(
                        out,
                        "type {kind} flags {flags} unit {}",
                        segment::unit(word)
                    )?;
                }
                _ => self.word(out)?,
            }
        }
        out.write_char(']')
    }

    fn label(&self, distance: i64, out: &mut impl Write) -> fmt::Result {
        match distance {
            0 => out.write_str("-"),
            _ => write!(out, "@{}", self.instruction as i64 + distance),
        }
    }

    fn word(&mut self, out: &mut impl Write) -> fmt::Result {
        if self.relocated(Relocation::Atom) {
            let index = self.unsigned(8) as usize;
            return write!(out, "'{}'", self.module.atom(index).unwrap_or("?"));
        }
        if self.relocated(Relocation::Literal) {
            return write!(out, "literal {}", self.unsigned(8));
        }
        if self.relocated(Relocation::String) {
            return write!(out, "string {}", self.unsigned(8));
        }
        let word = self.unsigned(8);
        match word & 0xf {
            0 | 8 => write!(out, "x{}", word >> 3),
            4 | 0xc => write!(out, "y{}", word >> 3),
            0xf => write!(out, "{}", word as i64 >> 4),
            _ if word == 0x3b => out.write_str("[]"),
            _ => write!(out, "{word:#x}"),
        }
    }
}

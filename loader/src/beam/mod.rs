//! Reading `.beam` files: the container, its chunks, the instructions.
//!
//! Facts of the format are from OTP's documentation and from files of OTP 25 to 29.
//! Nothing here knows ling. Invariant: what is parsed is bounded by the size of the
//! file, never by a number in it.

pub mod atoms;
pub mod code;
pub mod compact_term;
pub mod iff;
mod inflate;
pub mod lines;
pub mod literals;
mod md5;
pub mod reader;
pub mod release;
pub mod tables;

use alloc::vec::Vec;

use crate::error::LoadError;
use crate::pace::Pace;
use atoms::Atoms;
use iff::Chunks;
use lines::Lines;
use literals::Literals;
use tables::{FunctionLabel, Import, Lambda};

/// A `.beam` file, parsed except for its instructions.
#[derive(Debug)]
pub struct Beam<'a> {
    /// Atoms, the first of which is the module's name.
    pub atoms: Atoms<'a>,
    /// The Code chunk.
    pub code: &'a [u8],
    /// The bytes that string operands point into.
    pub strings: &'a [u8],
    /// Imports.
    pub imports: Vec<Import>,
    /// Exported functions.
    pub exports: Vec<FunctionLabel>,
    /// Local functions; may be missing (stripped files).
    pub locals: Vec<FunctionLabel>,
    /// Funs.
    pub lambdas: Vec<Lambda>,
    /// Literals.
    pub literals: Literals<'a>,
    /// Source lines; may be missing.
    pub lines: Lines<'a>,
    /// Attributes in external term format; empty if missing.
    pub attributes: &'a [u8],
    /// Compile information in external term format; empty if missing.
    pub compile_info: &'a [u8],
    /// MD5 as `Module:module_info(md5)` gives it.
    pub md5: [u8; 16],
}

impl<'a> Beam<'a> {
    /// Parses the chunks of an uncompressed `.beam`.
    pub fn parse(form: &'a [u8], pace: &mut Pace<'_>) -> Result<Self, LoadError> {
        let chunks = Chunks::split(form)?;
        let mut beam = Beam {
            atoms: Atoms::parse(&chunks)?,
            code: &[],
            strings: chunks.get("StrT").unwrap_or_default(),
            imports: Vec::new(),
            exports: Vec::new(),
            locals: Vec::new(),
            lambdas: Vec::new(),
            literals: Literals::default(),
            lines: Lines::default(),
            attributes: chunks.get("Attr").unwrap_or_default(),
            compile_info: chunks.get("CInf").unwrap_or_default(),
            md5: md5::of_chunks(&chunks, pace)?,
        };
        match beam.read_tables(&chunks, pace) {
            Ok(()) => Ok(beam),
            Err(error) => Err(beam.name_in(error)),
        }
    }

    fn read_tables(&mut self, chunks: &Chunks<'a>, pace: &mut Pace<'_>) -> Result<(), LoadError> {
        self.code = chunks.require("Code")?;
        // Each entry of these is a few words to be copied.
        self.imports = tables::imports(chunks.get("ImpT"), &self.atoms)?;
        pace.did(self.imports.len())?;
        self.exports = tables::functions("ExpT", Some(chunks.require("ExpT")?), &self.atoms)?;
        pace.did(self.exports.len())?;
        self.locals = tables::functions("LocT", chunks.get("LocT"), &self.atoms)?;
        pace.did(self.locals.len())?;
        self.lambdas = tables::lambdas(chunks.get("FunT"), &self.atoms)?;
        pace.did(self.lambdas.len())?;
        self.literals = Literals::parse(chunks.get("LitT"), pace)?;
        pace.did(self.literals.len())?;
        self.lines = Lines::parse(chunks.get("Line"))?;
        pace.did(self.lines.items.len())?;
        Ok(())
    }

    /// Adds to an error which module it is about and which release compiled it.
    pub fn name_in(&self, error: LoadError) -> LoadError {
        error.in_module(
            self.atoms.module(),
            release::of_compile_info(self.compile_info),
        )
    }
}

/// The MD5 of an uncompressed `.beam` file, as `Module:module_info(md5)` of the loaded module gives it.
pub fn module_md5(form: &[u8]) -> Result<[u8; 16], LoadError> {
    md5::of_chunks(&Chunks::split(form)?, &mut Pace::unbroken())
}

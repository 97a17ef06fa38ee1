//! The flat tables: imports (ImpT), exports (ExpT), local functions (LocT), funs (FunT).
//!
//! Atom indices come out counted from 0 and existing; labels are checked when the
//! converter resolves them. Called by [`super::Beam::parse`].

use alloc::format;
use alloc::vec::Vec;

use super::atoms::Atoms;
use super::reader::Reader;
use crate::error::LoadError;

/// A function of another module, or a built-in one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Import {
    /// Atom of the module.
    pub module: u32,
    /// Atom of the function.
    pub function: u32,
    /// Arity.
    pub arity: u32,
}

/// A function of this module and its entry label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FunctionLabel {
    /// Atom of the function.
    pub function: u32,
    /// Arity.
    pub arity: u32,
    /// Label of its entry.
    pub label: u32,
}

/// A fun of this module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lambda {
    /// The function that is its body, and whose arity counts the free variables too.
    pub body: FunctionLabel,
    /// Its index among the module's funs, part of its identity.
    pub index: u32,
    /// Number of free variables.
    pub num_free: u32,
    /// The part of its identity that old releases used.
    pub old_uniq: u32,
}

/// Greatest arity of a function (OTP: MAX_ARG).
pub const MAX_ARITY: u32 = 255;

fn atom(atoms: &Atoms<'_>, reader: &mut Reader<'_>) -> Result<u32, LoadError> {
    let index = reader.u32()?;
    atoms
        .index(index as u64)
        .ok_or_else(|| reader.error(format!("atom {index} is not in the atom table")))
}

fn arity(reader: &mut Reader<'_>) -> Result<u32, LoadError> {
    match reader.u32()? {
        arity if arity <= MAX_ARITY => Ok(arity),
        arity => Err(reader.error(format!("arity {arity}"))),
    }
}

/// Reads ImpT; a missing chunk is an empty table.
pub fn imports(chunk: Option<&[u8]>, atoms: &Atoms<'_>) -> Result<Vec<Import>, LoadError> {
    table("ImpT", chunk, 12, |reader| {
        Ok(Import {
            module: atom(atoms, reader)?,
            function: atom(atoms, reader)?,
            arity: arity(reader)?,
        })
    })
}

/// Reads ExpT or LocT, as `place` says.
pub fn functions(
    place: &'static str,
    chunk: Option<&[u8]>,
    atoms: &Atoms<'_>,
) -> Result<Vec<FunctionLabel>, LoadError> {
    table(place, chunk, 12, |reader| function_label(reader, atoms))
}

/// Reads FunT.
pub fn lambdas(chunk: Option<&[u8]>, atoms: &Atoms<'_>) -> Result<Vec<Lambda>, LoadError> {
    table("FunT", chunk, 24, |reader| {
        let body = function_label(reader, atoms)?;
        let lambda = Lambda {
            body,
            index: reader.u32()?,
            num_free: reader.u32()?,
            old_uniq: reader.u32()?,
        };
        if lambda.num_free > body.arity {
            let what = format!(
                "a fun with {} free variables whose body has arity {}",
                lambda.num_free, body.arity
            );
            return Err(reader.error(what));
        }
        Ok(lambda)
    })
}

fn function_label(reader: &mut Reader<'_>, atoms: &Atoms<'_>) -> Result<FunctionLabel, LoadError> {
    Ok(FunctionLabel {
        function: atom(atoms, reader)?,
        arity: arity(reader)?,
        label: reader.u32()?,
    })
}

fn table<'a, T>(
    place: &'static str,
    chunk: Option<&'a [u8]>,
    entry_size: usize,
    mut entry: impl FnMut(&mut Reader<'a>) -> Result<T, LoadError>,
) -> Result<Vec<T>, LoadError> {
    let Some(bytes) = chunk else {
        return Ok(Vec::new());
    };
    let mut reader = Reader::new(place, bytes);
    let count = reader.count(entry_size)?;
    let mut entries = Vec::new();
    entries.try_reserve_exact(count)?;
    for _ in 0..count {
        entries.push(entry(&mut reader)?);
    }
    Ok(entries)
}

//! Validation of the tables beside the code.

use alloc::format;

use super::super::{Location, Module, Section, Table};
use crate::beam::atoms::MAX_ATOM_CHARACTERS;
use crate::beam::tables::MAX_ARITY;
use crate::error::LoadError;
use crate::pace::Pace;

/// First byte of a term in external term format.
const EXTERNAL_VERSION: u8 = 131;

/// Checks all tables but the relocations. Functions are checked against the code by
/// [`super::flow`], exports and funs here against the functions.
pub fn check(module: &Module<'_>, pace: &mut Pace<'_>) -> Result<(), LoadError> {
    texts(
        module,
        Section::AtomIndex,
        Section::AtomText,
        MAX_ATOM_CHARACTERS,
    )?;
    if module.atom_count() == 0 {
        return Err(damaged(
            Section::AtomIndex,
            0,
            "there is no atom, not even the module's name",
        ));
    }
    texts(module, Section::FileIndex, Section::FileText, usize::MAX)?;
    pace.did(module.atom_count())?;
    literals(module)?;
    pace.did(module.literal_count())?;
    functions(module)?;
    pace.did(module.functions().len())?;
    lines(module)?;
    pace.did(module.lines().len() / 8)?;
    let atoms = module.atom_count() as u32;
    for (index, import) in module.imports().iter().enumerate() {
        if import.module >= atoms || import.function >= atoms || import.arity > MAX_ARITY {
            return Err(damaged(
                Section::Imports,
                index,
                "an atom or the arity is out of range",
            ));
        }
    }
    let mut before = None;
    for (index, export) in module.exports().iter().enumerate() {
        is_function(
            module,
            Section::Exports,
            index,
            (export.entry, export.function, export.arity),
        )?;
        let key = (export.entry, export.function, export.arity);
        if before.is_some_and(|before| before >= key) {
            return Err(damaged(Section::Exports, index, "not in order"));
        }
        before = Some(key);
        pace.did(2)?;
    }
    for (index, fun) in module.funs().iter().enumerate() {
        is_function(
            module,
            Section::Funs,
            index,
            (fun.entry, fun.function, fun.arity),
        )?;
        if fun.num_free > fun.arity {
            return Err(damaged(
                Section::Funs,
                index,
                "more free variables than arguments",
            ));
        }
    }
    if let Some(entry) = module.on_load() {
        let function = module.function_at(entry);
        if function.is_none_or(|function| function.entry != entry || function.arity != 0) {
            return Err(damaged(
                Section::Info,
                0,
                "on_load is not a function without arguments",
            ));
        }
    }
    Ok(())
}

fn damaged(section: Section, entry: usize, what: &'static str) -> LoadError {
    LoadError::damaged(section.name(), 0, format!("entry {entry}: {what}"))
}

/// Checks that offsets ascend, begin and end with the texts, and cut them between characters.
fn texts(
    module: &Module<'_>,
    index: Section,
    texts: Section,
    longest: usize,
) -> Result<(), LoadError> {
    let bytes = module.section(texts);
    let Ok(text) = core::str::from_utf8(bytes) else {
        return Err(LoadError::damaged(texts.name(), 0, "not UTF-8"));
    };
    offsets(
        module,
        index,
        bytes.len(),
        |number, start, end| match text.get(start..end) {
            Some(text) if text.len() <= longest || text.chars().count() <= longest => Ok(()),
            Some(_) => Err(damaged(index, number, "too long for an atom")),
            None => Err(damaged(index, number, "cuts a character")),
        },
    )
}

fn literals(module: &Module<'_>) -> Result<(), LoadError> {
    let bytes = module.section(Section::LiteralBytes);
    offsets(
        module,
        Section::LiteralIndex,
        bytes.len(),
        |number, start, end| match bytes.get(start..end) {
            Some([EXTERNAL_VERSION, ..]) => Ok(()),
            _ => Err(damaged(
                Section::LiteralIndex,
                number,
                "not a term in external format",
            )),
        },
    )
}

/// Checks a section of offsets into another one of `size` bytes, and calls `item` for each
/// range between two of them.
fn offsets(
    module: &Module<'_>,
    section: Section,
    size: usize,
    mut item: impl FnMut(usize, usize, usize) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let offsets: Table<'_, u32> = Table::new(module.section(section));
    let mut offsets = offsets.iter();
    let Some(mut start) = offsets.next() else {
        return Err(damaged(section, 0, "missing"));
    };
    if start != 0 {
        return Err(damaged(section, 0, "does not begin with 0"));
    }
    for (number, end) in offsets.enumerate() {
        if end < start || end as usize > size {
            return Err(damaged(section, number, "out of range or not in order"));
        }
        item(number, start as usize, end as usize)?;
        start = end;
    }
    if start as usize != size {
        return Err(damaged(section, 0, "does not end with the texts"));
    }
    Ok(())
}

fn functions(module: &Module<'_>) -> Result<(), LoadError> {
    let atoms = module.atom_count() as u32;
    let mut after = 0;
    for (index, function) in module.functions().iter().enumerate() {
        if function.function >= atoms || function.arity > MAX_ARITY {
            return Err(damaged(
                Section::Functions,
                index,
                "the atom or the arity is out of range",
            ));
        }
        let in_order = function.func_info >= after && function.entry > function.func_info;
        if !in_order || function.entry as usize >= module.code().len() {
            return Err(damaged(
                Section::Functions,
                index,
                "out of range or not in order",
            ));
        }
        after = function.entry;
    }
    Ok(())
}

/// Checks that an entry, an atom and an arity are those of one function.
fn is_function(
    module: &Module<'_>,
    section: Section,
    index: usize,
    (entry, name, arity): (u32, u32, u32),
) -> Result<(), LoadError> {
    match module.function_at(entry) {
        Some(function)
            if (function.entry, function.function, function.arity) == (entry, name, arity) =>
        {
            Ok(())
        }
        _ => Err(damaged(
            section,
            index,
            "not the entry of a function of that name and arity",
        )),
    }
}

fn lines(module: &Module<'_>) -> Result<(), LoadError> {
    let fields: Table<'_, u32> = Table::new(module.lines());
    let mut before = None;
    for entry in 0..fields.len() / 2 {
        let (from, location) = (
            fields.get(2 * entry),
            fields.get(2 * entry + 1).map(Location::from_bits),
        );
        let (Some(from), Some(location)) = (from, location) else {
            break;
        };
        if before.is_some_and(|before| before >= from) || from as usize > module.code().len() {
            return Err(damaged(
                Section::Lines,
                entry,
                "out of range or not in order",
            ));
        }
        if location.file() as usize >= module.file_count() {
            return Err(damaged(Section::Lines, entry, "there is no such file"));
        }
        before = Some(from);
    }
    Ok(())
}

//! The guest kernel's function symbols, for the backtrace that a fault prints.
//!
//! The text has one line per function, `address name`, the address in hexadecimal without prefix, sorted by
//! address; names are demangled. The kernel reads it from the archive as `starling/symbols`.

use std::collections::BTreeMap;
use std::fmt::Write;

use object::elf::{FileHeader64, STT_FUNC};
use object::read::elf::{FileHeader, Sym};
use object::{Endianness, SymbolIndex};

use crate::failure::{Failure, Result};

/// The ELF flavour of every guest kernel.
pub type KernelHeader = FileHeader64<Endianness>;

/// The value of symbol `name` in the kernel's symbol table.
pub fn address_of(kernel: &[u8], name: &str) -> Result<u64> {
    let mut found = None;
    for_each(kernel, |symbol_name, symbol| {
        if symbol_name == name.as_bytes() {
            found = Some(symbol.value);
        }
    })?;
    found.ok_or_else(|| Failure::new(format!("guest kernel: it has no symbol {name}")))
}

/// The text described at the top of this file.
pub fn function_table(kernel: &[u8]) -> Result<String> {
    let mut functions = BTreeMap::new();
    for_each(kernel, |name, symbol| {
        if symbol.is_function
            && let Ok(name) = std::str::from_utf8(name)
        {
            functions
                .entry(symbol.value)
                .or_insert_with(|| format!("{:#}", rustc_demangle::demangle(name)));
        }
    })?;
    let mut text = String::new();
    for (address, name) in functions {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{address:x} {name}");
    }
    Ok(text)
}

struct Symbol {
    value: u64,
    is_function: bool,
}

/// Calls `visit` with the name of each symbol that the kernel defines.
fn for_each(kernel: &[u8], mut visit: impl FnMut(&[u8], Symbol)) -> Result<()> {
    let damaged =
        |error: object::Error| Failure::new(format!("guest kernel: bad symbol table: {error}"));
    let header = KernelHeader::parse(kernel).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    let sections = header.sections(endian, kernel).map_err(damaged)?;
    let symbols = sections
        .symbols(endian, kernel, object::elf::SHT_SYMTAB)
        .map_err(damaged)?;
    for index in 1..symbols.len() {
        let symbol = symbols.symbol(SymbolIndex(index)).map_err(damaged)?;
        if symbol.is_undefined(endian) {
            continue;
        }
        let name = symbols.symbol_name(endian, symbol).map_err(damaged)?;
        let value = symbol.st_value(endian);
        let is_function = symbol.st_type() == STT_FUNC;
        visit(name, Symbol { value, is_function });
    }
    Ok(())
}

//! `load_nif/2`: native functions take the place of Erlang ones.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::code::native::BindError;
use crate::memory::Arena;
use crate::native;
use crate::term::{Atom, Term};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The functions of this file.
pub const TABLE: &[Bif] = &[bif("erlang", "load_nif", 2, load_nif_2)];

/// `load_nif(Path, LoadInfo)`: binds the library of the calling module, which is part of the machine. The path says nothing: OTP's modules
/// give their own name, or where a shared object would be.
fn load_nif_2(cx: &mut Context, args: &[Term]) -> Value {
    let path = path_text(args[0]).ok_or(Fail::Badarg)?;
    let caller = cx.process().ip;
    let Some(module) = cx.machine().code.module_name_at(caller) else {
        return error(
            cx,
            am::BAD_LIB,
            "load_nif/2 must be explicitly called from the NIF module. It cannot be called through apply/3.",
        );
    };
    let Some(library) = native::library(cx.atoms().name(module)) else {
        let text = format!(
            "Failed to load NIF library: '{path}': this machine has no native functions for module {}",
            cx.machine().text(module.term())
        );
        return error(cx, am::LOAD_FAILED, &text);
    };
    let mut atoms: Vec<Atom> = Vec::new();
    atoms
        .try_reserve_exact(library.functions.len())
        .map_err(|_| Fail::NoMemory)?;
    for native in library.functions {
        atoms.push(cx.atoms().insert_static(native.function)?);
    }
    match cx.machine().code.bind(caller, library, &atoms) {
        Ok(()) => Ok(am::OK.term()),
        Err(BindError::Reload) => error(
            cx,
            am::RELOAD,
            "NIF library already loaded (reload disallowed since OTP 20).",
        ),
        Err(BindError::NoMemory) => Err(Fail::NoMemory),
    }
}

/// The characters of a string that names a file.
fn path_text(term: Term) -> Option<String> {
    let mut text = String::new();
    let mut characters = term.iter_list();
    for character in characters.by_ref() {
        text.push(char::from_u32(u32::try_from(character.as_small()?).ok()?)?);
    }
    characters.tail().is_nil().then_some(text)
}

/// `{error, {Tag, Text}}`
fn error(cx: &mut Context, tag: Atom, text: &str) -> Value {
    let mut list = Term::NIL;
    for character in text.chars().rev() {
        list = cx.cons(Term::small(character as i64), list)?;
    }
    let reason = cx.tuple(&[tag.term(), list])?;
    Ok(cx.tuple(&[am::ERROR.term(), reason])?)
}

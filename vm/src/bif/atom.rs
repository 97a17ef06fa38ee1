//! Built-in functions between atoms and text.
//!
//! Invariant: an atom is made only of text that has been checked whole, so a failing call leaves nothing
//! in the atom table.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::{MAX_ATOM_CHARACTERS, am};
use crate::bits::view::view;
use crate::memory::Arena;
use crate::term::Term;

/// The functions.
pub const TABLE: &[Bif] = &[
    bare("erlang", "atom_to_binary", 1, atom_to_binary_1),
    bif("erlang", "atom_to_binary", 2, atom_to_binary_2),
    bif("erlang", "atom_to_list", 1, atom_to_list_1),
    bare("erlang", "binary_to_atom", 1, binary_to_atom_1),
    bif("erlang", "binary_to_atom", 2, binary_to_atom_2),
    bare(
        "erlang",
        "binary_to_existing_atom",
        1,
        binary_to_existing_atom_1,
    ),
    bif(
        "erlang",
        "binary_to_existing_atom",
        2,
        binary_to_existing_atom_2,
    ),
    bif("erlang", "list_to_atom", 1, list_to_atom_1),
    bif(
        "erlang",
        "list_to_existing_atom",
        1,
        list_to_existing_atom_1,
    ),
];

/// How a name stands in a binary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Latin1,
    Utf8,
}

impl Encoding {
    fn of(term: Term) -> Result<Encoding, Fail> {
        match term.as_atom() {
            Some(am::LATIN1) => Ok(Encoding::Latin1),
            Some(am::UTF8 | am::UNICODE) => Ok(Encoding::Utf8),
            _ => Err(Fail::Badarg),
        }
    }
}

/// Room for the name of any atom.
struct Name {
    bytes: [u8; 4 * MAX_ATOM_CHARACTERS],
    length: usize,
    characters: usize,
}

impl Name {
    fn new() -> Name {
        Name {
            bytes: [0; 4 * MAX_ATOM_CHARACTERS],
            length: 0,
            characters: 0,
        }
    }

    /// `None` once there are more than [`MAX_ATOM_CHARACTERS`].
    fn push(&mut self, character: char) -> Option<()> {
        self.characters += 1;
        if self.characters > MAX_ATOM_CHARACTERS {
            return None;
        }
        let place = &mut self.bytes[self.length..];
        self.length += character.encode_utf8(place).len();
        Some(())
    }

    fn text(&self) -> Result<&str, Fail> {
        core::str::from_utf8(&self.bytes[..self.length]).map_err(|_| Fail::Badarg)
    }
}

/// The name that a list spells; too long a one is `too_long`.
fn name_of_list(list: Term, too_long: Fail) -> Result<Name, Fail> {
    let mut name = Name::new();
    let mut elements = list.iter_list();
    for element in elements.by_ref() {
        let value = element.as_small().ok_or(Fail::Badarg)?;
        let value = u32::try_from(value).map_err(|_| Fail::Badarg)?;
        let character = char::from_u32(value).ok_or(Fail::Badarg)?;
        name.push(character).ok_or(too_long)?;
    }
    match elements.tail().is_nil() {
        true => Ok(name),
        false => Err(Fail::Badarg),
    }
}

/// The name that `binary` spells in `encoding`.
fn name_of_binary(binary: Term, encoding: Encoding, too_long: Fail) -> Result<Name, Fail> {
    let bits = view(&binary).ok_or(Fail::Badarg)?;
    let bytes = bits.to_bytes()?.ok_or(Fail::Badarg)?;
    let mut name = Name::new();
    match encoding {
        Encoding::Latin1 => {
            for &byte in bytes.iter() {
                name.push(byte as char).ok_or(too_long)?;
            }
        }
        Encoding::Utf8 => {
            // What stands behind the longest name is not looked at: it is too long, well formed or not.
            for chunk in bytes.utf8_chunks() {
                for character in chunk.valid().chars() {
                    name.push(character).ok_or(too_long)?;
                }
                if !chunk.invalid().is_empty() {
                    match name.characters {
                        MAX_ATOM_CHARACTERS => return Err(too_long),
                        _ => return Err(Fail::Badarg),
                    }
                }
            }
        }
    }
    Ok(name)
}

fn make(cx: &mut Context, name: &Name) -> Value {
    Ok(cx.atoms().insert(name.text()?)?.term())
}

fn find(cx: &mut Context, name: &Name) -> Value {
    let atom = cx.atoms().find(name.text()?);
    Ok(atom.ok_or(Fail::Badarg)?.term())
}

fn list_to_atom_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name_of_list(args[0], Fail::SystemLimit)?;
    make(cx, &name)
}

fn list_to_existing_atom_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name_of_list(args[0], Fail::Badarg)?;
    find(cx, &name)
}

fn binary_to_atom_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name_of_binary(args[0], Encoding::Utf8, Fail::SystemLimit)?;
    make(cx, &name)
}

fn binary_to_atom_2(cx: &mut Context, args: &[Term]) -> Value {
    let name = name_of_binary(args[0], Encoding::of(args[1])?, Fail::SystemLimit)?;
    make(cx, &name)
}

fn binary_to_existing_atom_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name_of_binary(args[0], Encoding::Utf8, Fail::Badarg)?;
    find(cx, &name)
}

fn binary_to_existing_atom_2(cx: &mut Context, args: &[Term]) -> Value {
    let name = name_of_binary(args[0], Encoding::of(args[1])?, Fail::Badarg)?;
    find(cx, &name)
}

fn name(cx: &mut Context, term: Term) -> Result<&'static str, Fail> {
    let atom = term.as_atom().ok_or(Fail::Badarg)?;
    Ok(cx.atoms().name(atom))
}

fn atom_to_list_1(cx: &mut Context, args: &[Term]) -> Value {
    let mut characters = [Term::NIL; MAX_ATOM_CHARACTERS];
    let mut length = 0;
    let name = name(cx, args[0])?;
    for (place, character) in characters.iter_mut().zip(name.chars()) {
        *place = Term::small(character as i64);
        length += 1;
    }
    Ok(cx.list(&characters[..length])?)
}

fn atom_to_binary_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name(cx, args[0])?;
    Ok(crate::bits::make_binary(cx, name.as_bytes())?)
}

fn atom_to_binary_2(cx: &mut Context, args: &[Term]) -> Value {
    let name = name(cx, args[0])?;
    match Encoding::of(args[1])? {
        Encoding::Utf8 => Ok(crate::bits::make_binary(cx, name.as_bytes())?),
        Encoding::Latin1 => {
            let mut bytes = [0; MAX_ATOM_CHARACTERS];
            let mut length = 0;
            for (place, character) in bytes.iter_mut().zip(name.chars()) {
                *place = u8::try_from(character as u32).map_err(|_| Fail::Badarg)?;
                length += 1;
            }
            Ok(crate::bits::make_binary(cx, &bytes[..length])?)
        }
    }
}

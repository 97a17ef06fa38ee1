//! Names of files between Erlang's form and the file system's: built-in functions of `prim_file` and `file`.
//!
//! In Erlang a name is a list of characters, possibly nested; or a binary, which is *raw*: its bytes are taken as they are. A native
//! name is a binary that ends in a NUL. How characters are encoded is `Machine::native_names`.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::make_binary;
use crate::bits::view::view;
use crate::fs::names::{Encoding, Invalid};
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use unicode_normalization::char::compose;

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("file", "native_name_encoding", 0, native_name_encoding_0),
    bif(
        "prim_file",
        "internal_name2native",
        1,
        internal_name2native_1,
    ),
    bif(
        "prim_file",
        "internal_native2name",
        1,
        internal_native2name_1,
    ),
    bif(
        "prim_file",
        "internal_normalize_utf8",
        1,
        internal_normalize_utf8_1,
    ),
    bif("prim_file", "is_translatable", 1, is_translatable_1),
];

fn native_name_encoding_0(cx: &mut Context, _: &[Term]) -> Value {
    Ok(match cx.machine().native_names.encoding {
        Encoding::Latin1 => am::LATIN1.term(),
        Encoding::Utf8 => am::UTF8.term(),
    })
}

/// The bytes of a binary. Of a bit string, those that are whole, if `parts`.
fn bytes(term: &Term, parts: bool) -> Result<Cow<'_, [u8]>, Fail> {
    let mut bits = view(term).ok_or(Fail::Badarg)?;
    if parts {
        bits.size -= bits.size % 8;
    }
    bits.to_bytes()?.ok_or(Fail::Badarg)
}

/// Adds `bytes` to a native name; a NUL is `badarg`.
fn push(name: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Fail> {
    if bytes.contains(&0) {
        return Err(Fail::Badarg);
    }
    name.try_reserve(bytes.len()).map_err(|_| NoMemory)?;
    name.extend_from_slice(bytes);
    Ok(())
}

/// Adds the character that `term` is to a native name.
fn push_character(name: &mut Vec<u8>, term: Term, encoding: Encoding) -> Result<(), Fail> {
    let point = term.as_small().and_then(|point| u32::try_from(point).ok());
    let point = point.ok_or(Fail::Badarg)?;
    match encoding {
        Encoding::Latin1 => push(name, &[u8::try_from(point).map_err(|_| Fail::Badarg)?]),
        Encoding::Utf8 => {
            let character = char::from_u32(point).ok_or(Fail::Badarg)?;
            push(name, character.encode_utf8(&mut [0; 4]).as_bytes())
        }
    }
}

/// `internal_name2native(Name)`: `badarg` for what is no name, or cannot be encoded, or has a NUL.
fn internal_name2native_1(cx: &mut Context, args: &[Term]) -> Value {
    let encoding = cx.machine().native_names.encoding;
    let mut name = Vec::new();
    if args[0].is_bit_string() {
        push(&mut name, &bytes(&args[0], true)?)?;
    } else {
        let mut outer = Vec::new();
        let mut rest = args[0];
        loop {
            while let Some(&cell) = rest.as_cons() {
                rest = cell.tail;
                if cell.head.is_list() {
                    outer.try_reserve(1).map_err(|_| NoMemory)?;
                    outer.push(rest);
                    rest = cell.head;
                } else {
                    push_character(&mut name, cell.head, encoding)?;
                }
            }
            if !rest.is_nil() {
                return Err(Fail::Badarg);
            }
            match outer.pop() {
                Some(next) => rest = next,
                None => break,
            }
        }
    }
    name.try_reserve(1).map_err(|_| NoMemory)?;
    name.push(0);
    Ok(make_binary(cx, &name)?)
}

/// A list of characters.
fn characters(cx: &mut Context, characters: impl DoubleEndedIterator<Item = char>) -> Value {
    let mut list = Term::NIL;
    for character in characters.rev() {
        list = cx.cons(Term::small(character as i64), list)?;
    }
    Ok(list)
}

/// `internal_native2name(Bytes)`: a list of characters, or `{error, What}` for bytes that are wrong in the encoding, where
/// `What` is what is to become of such names.
fn internal_native2name_1(cx: &mut Context, args: &[Term]) -> Value {
    let names = cx.machine().native_names;
    let bytes = bytes(&args[0], false)?;
    if names.encoding == Encoding::Latin1 {
        return Ok(cx.byte_list(&bytes, Term::NIL)?);
    }
    if let Ok(text) = core::str::from_utf8(&bytes) {
        return characters(cx, text.chars());
    }
    let what = match names.invalid {
        Invalid::Warn => am::WARNING,
        Invalid::Ignore => am::IGNORE,
        Invalid::Error => am::ERROR,
    };
    Ok(cx.tuple(&[am::ERROR.term(), what.term()])?)
}

/// Whether `character` is a part of a Korean syllable, which OTP does not compose.
fn is_jamo(character: char) -> bool {
    ('\u{1100}'..'\u{1200}').contains(&character)
}

/// `internal_normalize_utf8(Bytes)`: a list of characters where each that is followed by marks which it can be composed with is
/// composed, as file names of macOS have to be. Marks are not put into order.
fn internal_normalize_utf8_1(cx: &mut Context, args: &[Term]) -> Value {
    let bytes = bytes(&args[0], false)?;
    let text = core::str::from_utf8(&bytes).map_err(|_| Fail::Badarg)?;
    let mut composed: Vec<char> = Vec::new();
    composed.try_reserve(bytes.len()).map_err(|_| NoMemory)?;
    for character in text.chars() {
        let whole = match composed.last() {
            Some(&last) if !is_jamo(character) => compose(last, character),
            _ => None,
        };
        match (whole, composed.last_mut()) {
            (Some(whole), Some(last)) => *last = whole,
            _ => composed.push(character),
        }
    }
    characters(cx, composed.into_iter())
}

/// `is_translatable(Name)`: whether a raw name is right in the encoding.
fn is_translatable_1(cx: &mut Context, args: &[Term]) -> Value {
    let encoding = cx.machine().native_names.encoding;
    let bytes = bytes(&args[0], false)?;
    let is_right = encoding == Encoding::Latin1 || core::str::from_utf8(&bytes).is_ok();
    Ok(Term::boolean(is_right))
}

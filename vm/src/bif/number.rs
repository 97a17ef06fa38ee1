//! Numbers to text and back: functions of modules `erlang` and `string`.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::{make_binary, view};
use crate::memory::Arena;
use crate::number::format::{self, DEFAULT_FLOAT_FORMAT, FloatFormat, FloatText, IntegerText};
use crate::number::parse;
use crate::term::Term;
use alloc::borrow::Cow;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "binary_to_float", 1, binary_to_float_1),
    bif("erlang", "binary_to_integer", 1, binary_to_integer),
    bif("erlang", "binary_to_integer", 2, binary_to_integer),
    bif("erlang", "float_to_binary", 1, float_to_binary),
    bif("erlang", "float_to_binary", 2, float_to_binary),
    bif("erlang", "float_to_list", 1, float_to_list),
    bif("erlang", "float_to_list", 2, float_to_list),
    bif("erlang", "integer_to_binary", 1, integer_to_binary),
    bif("erlang", "integer_to_binary", 2, integer_to_binary),
    bif("erlang", "integer_to_list", 1, integer_to_list),
    bif("erlang", "integer_to_list", 2, integer_to_list),
    bif("erlang", "list_to_float", 1, list_to_float_1),
    bif("erlang", "list_to_integer", 1, list_to_integer),
    bif("erlang", "list_to_integer", 2, list_to_integer),
    bif("string", "list_to_float", 1, string_list_to_float_1),
    bif("string", "list_to_integer", 1, string_list_to_integer_1),
    bif(
        "erts_internal",
        "list_to_integer",
        2,
        internal_list_to_integer_2,
    ),
    bif(
        "erts_internal",
        "binary_to_integer",
        2,
        internal_binary_to_integer_2,
    ),
];

/// Most digits that `{scientific, N}` may ask for.
const MAX_SCIENTIFIC: i64 = 249;

/// Most digits that `{decimals, N}` may ask for.
const MAX_DECIMALS: i64 = 253;

/// The base in a second argument; 10 without one.
fn base(args: &[Term]) -> Result<u32, Fail> {
    let Some(base) = args.get(1) else {
        return Ok(10);
    };
    match base.as_small() {
        Some(base @ 2..=36) => Ok(base as u32),
        _ => Err(Fail::Badarg),
    }
}

fn integer_text(cx: &mut Context, args: &[Term]) -> Result<IntegerText, Fail> {
    let base = base(args)?;
    let text = format::integer_text(cx, args[0], base)?;
    if text.is_empty() {
        return Err(Fail::Badarg);
    }
    cx.bump_reductions(text.len() / 64);
    Ok(text)
}

fn integer_to_list(cx: &mut Context, args: &[Term]) -> Value {
    let text = integer_text(cx, args)?;
    Ok(cx.byte_list(&text, Term::NIL)?)
}

fn integer_to_binary(cx: &mut Context, args: &[Term]) -> Value {
    let text = integer_text(cx, args)?;
    Ok(make_binary(cx, &text)?)
}

/// The bytes of a binary.
fn binary_bytes(binary: &Term) -> Result<Cow<'_, [u8]>, Fail> {
    let bytes = view(binary).ok_or(Fail::Badarg)?.to_bytes()?;
    bytes.ok_or(Fail::Badarg)
}

fn binary_to_integer(cx: &mut Context, args: &[Term]) -> Value {
    let base = base(args)?;
    let text = binary_bytes(&args[0])?;
    cx.bump_reductions(text.len() / 64);
    parse::integer(cx, &text, base)
}

/// All characters of a list, which are bytes.
fn whole_list(list: Term) -> Result<impl core::ops::Deref<Target = [u8]>, Fail> {
    match parse::list_bytes(list)? {
        (bytes, rest) if rest.is_nil() => Ok(bytes),
        _ => Err(Fail::Badarg),
    }
}

fn list_to_integer(cx: &mut Context, args: &[Term]) -> Value {
    let base = base(args)?;
    let text = whole_list(args[0])?;
    cx.bump_reductions(text.len() / 64);
    parse::integer(cx, &text, base)
}

fn list_to_float_1(cx: &mut Context, args: &[Term]) -> Value {
    let value = parse::float(&whole_list(args[0])?)?;
    Ok(cx.float(value)?)
}

fn binary_to_float_1(cx: &mut Context, args: &[Term]) -> Value {
    let value = parse::float(&binary_bytes(&args[0])?)?;
    Ok(cx.float(value)?)
}

/// `{Integer, Rest}`, or `{error, Reason}`; never fails.
fn string_list_to_integer_1(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_list() {
        return error(cx, am::NOT_A_LIST.term());
    }
    let (text, _) = parse::list_bytes(args[0])?;
    let length = parse::integer_prefix(&text);
    if length == 0 {
        return error(cx, am::NO_INTEGER.term());
    }
    let integer = parse::integer(cx, &text[..length], 10)?;
    Ok(cx.tuple(&[integer, behind(args[0], length)])?)
}

/// `erts_internal:list_to_integer(String, Base)` of OTP 27: `{Integer, Rest}` or an atom that says why not. `big` leaves what is too
/// large to OTP's Erlang code, which says `system_limit`.
fn internal_list_to_integer_2(cx: &mut Context, args: &[Term]) -> Value {
    let Ok(base) = base(args) else {
        return Ok(am::BADARG.term());
    };
    if !args[0].is_list() {
        return Ok(am::NOT_A_LIST.term());
    }
    let (text, _) = parse::list_bytes(args[0])?;
    let signs = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let digits = text[signs..]
        .iter()
        .take_while(|c| (**c as char).is_digit(base));
    let length = match digits.count() {
        0 => return Ok(am::NO_INTEGER.term()),
        digits => signs + digits,
    };
    cx.bump_reductions(length / 64);
    match parse::integer(cx, &text[..length], base) {
        Ok(integer) => Ok(cx.tuple(&[integer, behind(args[0], length)])?),
        Err(Fail::SystemLimit) => Ok(am::BIG.term()),
        Err(fail) => Err(fail),
    }
}

/// `erts_internal:binary_to_integer(Binary, Base)` of OTP 27: the integer, `badarg` or `big`.
fn internal_binary_to_integer_2(cx: &mut Context, args: &[Term]) -> Value {
    match binary_to_integer(cx, args) {
        Err(Fail::Badarg) => Ok(am::BADARG.term()),
        Err(Fail::SystemLimit) => Ok(am::BIG.term()),
        other => other,
    }
}

/// `{Float, Rest}`, or `{error, Reason}`; never fails.
fn string_list_to_float_1(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_list() {
        return error(cx, am::NOT_A_LIST.term());
    }
    let (text, _) = parse::list_bytes(args[0])?;
    let length = parse::float_prefix(&text);
    match parse::float(&text[..length]) {
        Ok(value) => {
            let float = cx.float(value)?;
            Ok(cx.tuple(&[float, behind(args[0], length)])?)
        }
        Err(Fail::NoMemory) => Err(Fail::NoMemory),
        Err(_) => error(cx, am::NO_FLOAT.term()),
    }
}

fn error(cx: &mut Context, reason: Term) -> Value {
    Ok(cx.tuple(&[am::ERROR.term(), reason])?)
}

/// What follows the first `count` elements of a list that has them.
fn behind(list: Term, count: usize) -> Term {
    let mut elements = list.iter_list();
    elements.by_ref().take(count).for_each(drop);
    elements.tail()
}

/// The text of the float and the options in `args`.
fn float_text(args: &[Term]) -> Result<FloatText, Fail> {
    let value = args[0].as_float().ok_or(Fail::Badarg)?;
    let format = match args.get(1) {
        Some(options) => float_options(*options)?,
        None => DEFAULT_FLOAT_FORMAT,
    };
    format::float_text(value, format).ok_or(Fail::Badarg)
}

/// Of several formats the last one counts; `compact` goes with decimals only.
fn float_options(options: Term) -> Result<FloatFormat, Fail> {
    let mut format = DEFAULT_FLOAT_FORMAT;
    let mut is_compact = false;
    let mut elements = options.iter_list();
    for option in elements.by_ref() {
        if option == am::COMPACT.term() {
            is_compact = true;
        } else if option == am::SHORT.term() {
            format = FloatFormat::Short;
        } else {
            let Some(&[name, digits]) = option.as_tuple() else {
                return Err(Fail::Badarg);
            };
            format = match (name.as_atom(), digits.as_small()) {
                (Some(am::DECIMALS), Some(digits @ 0..=MAX_DECIMALS)) => FloatFormat::Decimals {
                    digits: digits as usize,
                    compact: false,
                },
                (Some(am::SCIENTIFIC), Some(digits @ ..=MAX_SCIENTIFIC)) => {
                    // A negative precision is none, to C's library: then it prints six digits.
                    FloatFormat::Scientific(usize::try_from(digits).unwrap_or(6))
                }
                _ => return Err(Fail::Badarg),
            };
        }
    }
    if !elements.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    if let FloatFormat::Decimals { compact, .. } = &mut format {
        *compact = is_compact;
    }
    Ok(format)
}

fn float_to_list(cx: &mut Context, args: &[Term]) -> Value {
    let text = float_text(args)?;
    Ok(cx.byte_list(text.as_bytes(), Term::NIL)?)
}

fn float_to_binary(cx: &mut Context, args: &[Term]) -> Value {
    let text = float_text(args)?;
    Ok(make_binary(cx, text.as_bytes())?)
}

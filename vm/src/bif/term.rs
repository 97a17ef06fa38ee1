//! Built-in functions about terms of any type: type tests, order, truth, hashes, printing.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::iolist::to_bytes;
use crate::memory::Arena;
use crate::number::Number;
use crate::platform::Stream;
use crate::term::compare::{compare, compare_exact, equal, exact_equal};
use crate::term::fun::Fun;
use crate::term::old_hash::phash;
use crate::term::portable_hash::Hashing;
use crate::term::{Term, print};
use alloc::string::String;
use core::cmp::Ordering;

/// A line for a function of one argument that cannot fail.
const fn test(function: &'static str, run: super::Function) -> Bif {
    bif("erlang", function, 1, run)
}

/// A line for an order of two terms.
macro_rules! order {
    ($name:literal, $accepted:pat) => {
        bif("erlang", $name, 2, |cx, args| {
            let order = compare(cx.atoms(), args[0], args[1]);
            Ok(Term::boolean(matches!(order, $accepted)))
        })
    };
}

/// A line for a function of two truth values.
macro_rules! truth {
    ($name:literal, $operator:tt) => {
        bif("erlang", $name, 2, |_, args| {
            Ok(Term::boolean(truth(args[0])? $operator truth(args[1])?))
        })
    };
}

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("erts_internal", "cmp_term", 2, cmp_term_2),
    test("is_atom", |_, args| Ok(Term::boolean(args[0].is_atom()))),
    test("is_boolean", |_, args| {
        Ok(Term::boolean(args[0].as_boolean().is_some()))
    }),
    test("is_float", |_, args| Ok(Term::boolean(args[0].is_float()))),
    test("is_function", |_, args| Ok(Term::boolean(args[0].is_fun()))),
    bif("erlang", "is_function", 2, is_function_2),
    test("is_integer", |_, args| {
        Ok(Term::boolean(args[0].is_integer()))
    }),
    test("is_list", |_, args| Ok(Term::boolean(args[0].is_list()))),
    test("is_map", |_, args| Ok(Term::boolean(args[0].is_map()))),
    test("is_number", |_, args| {
        Ok(Term::boolean(args[0].is_number()))
    }),
    test("is_pid", |_, args| Ok(Term::boolean(args[0].is_pid()))),
    test("is_port", |_, args| Ok(Term::boolean(args[0].is_port()))),
    bif("erlang", "is_record", 2, is_record_2),
    bif("erlang", "is_record", 3, is_record_3),
    test("is_reference", |_, args| {
        Ok(Term::boolean(args[0].is_reference()))
    }),
    test("is_tuple", |_, args| Ok(Term::boolean(args[0].is_tuple()))),
    bif("erlang", "=:=", 2, |_, args| {
        Ok(Term::boolean(exact_equal(args[0], args[1])))
    }),
    bif("erlang", "=/=", 2, |_, args| {
        Ok(Term::boolean(!exact_equal(args[0], args[1])))
    }),
    bif("erlang", "==", 2, |_, args| {
        Ok(Term::boolean(equal(args[0], args[1])))
    }),
    bif("erlang", "/=", 2, |_, args| {
        Ok(Term::boolean(!equal(args[0], args[1])))
    }),
    order!("<", Ordering::Less),
    order!("=<", Ordering::Less | Ordering::Equal),
    order!(">", Ordering::Greater),
    order!(">=", Ordering::Greater | Ordering::Equal),
    truth!("and", &),
    truth!("or", |),
    truth!("xor", ^),
    test("not", |_, args| Ok(Term::boolean(!truth(args[0])?))),
    bif("erlang", "phash", 2, phash_2),
    bif("erlang", "phash2", 1, phash2_1),
    bif("erlang", "phash2", 2, phash2_2),
    bif("erlang", "display", 1, display_1),
    bif("erlang", "display_nl", 0, display_nl_0),
    bif("erlang", "display_string", 1, display_string_1),
    bif("erlang", "display_string", 2, display_string_2),
    bif("erts_debug", "flat_size", 1, flat_size_1),
    bif("erts_debug", "same", 2, |_, args| {
        Ok(Term::boolean(args[0].raw() == args[1].raw()))
    }),
];

fn truth(term: Term) -> Result<bool, Fail> {
    term.as_boolean().ok_or(Fail::Badarg)
}

/// The arity may be any integer that is not negative, of any size.
/// -1, 0 or 1: the order of map keys, by which OTP's compiler sorts them.
fn cmp_term_2(cx: &mut Context, args: &[Term]) -> Value {
    let order = compare_exact(cx.atoms(), args[0], args[1]);
    Ok(Term::small(order as i64))
}

fn is_function_2(_: &mut Context, args: &[Term]) -> Value {
    let arity = match Number::of(&args[1]) {
        Some(Number::Small(arity @ 0..)) => arity as usize,
        Some(Number::Big(big)) if !big.negative => usize::MAX,
        _ => return Err(Fail::Badarg),
    };
    let fun = Fun::of(&args[0]);
    Ok(Term::boolean(fun.is_some_and(|f| f.meta.arity == arity)))
}

fn is_tagged(record: &Term, tag: Term) -> Result<Option<usize>, Fail> {
    if !tag.is_atom() {
        return Err(Fail::Badarg);
    }
    let elements = record.as_tuple();
    Ok(elements
        .filter(|elements| elements.first() == Some(&tag))
        .map(<[Term]>::len))
}

fn is_record_2(_: &mut Context, args: &[Term]) -> Value {
    Ok(Term::boolean(is_tagged(&args[0], args[1])?.is_some()))
}

fn is_record_3(_: &mut Context, args: &[Term]) -> Value {
    let size = is_tagged(&args[0], args[1])?;
    let wanted = args[2].as_small().ok_or(Fail::Badarg)?;
    Ok(Term::boolean(
        size.is_some_and(|size| size as i64 == wanted),
    ))
}

/// From 1 to the second argument, which is at most 2^32.
fn phash_2(cx: &mut Context, args: &[Term]) -> Value {
    match args[1].as_small() {
        Some(range @ 1..=0x1_0000_0000) => {
            let hash = phash(cx.atoms(), args[0])?;
            Ok(Term::small(hash as i64 % range + 1))
        }
        _ => Err(Fail::Badarg),
    }
}

/// Terms that are hashed before others may run, and for a reduction.
const HASHED: usize = 2048;
const HASHED_PER_REDUCTION: usize = 8;

/// All bits of the hash; others may run meanwhile.
fn hash_in_pieces(cx: &mut Context, term: Term) -> Result<u32, Fail> {
    let mut hashing = Hashing::new(term);
    let piece = cx.piece(HASHED);
    loop {
        if let Some(hash) = hashing.advance(cx.atoms(), piece)? {
            return Ok(hash);
        }
        cx.consume(piece / HASHED_PER_REDUCTION)?;
    }
}

/// 27 bits of the hash.
fn phash2_1(cx: &mut Context, args: &[Term]) -> Value {
    let hash = hash_in_pieces(cx, args[0])?;
    Ok(Term::small((hash & 0x07ff_ffff) as i64))
}

/// The hash as a number below the second argument, which is at most 2^32.
fn phash2_2(cx: &mut Context, args: &[Term]) -> Value {
    match args[1].as_small() {
        Some(range @ 1..=0x1_0000_0000) => {
            let hash = hash_in_pieces(cx, args[0])?;
            Ok(Term::small(hash as i64 % range))
        }
        _ => Err(Fail::Badarg),
    }
}

fn display_1(cx: &mut Context, args: &[Term]) -> Value {
    let mut line = print::to_bytes(cx.atoms(), args[0])?;
    line.try_reserve(2).map_err(|_| Fail::NoMemory)?;
    line.extend_from_slice(b"\r\n");
    cx.bump_reductions(line.len() / 16);
    cx.machine().console_write(Stream::Output, &line);
    Ok(am::TRUE.term())
}

/// OTP writes this, and what `display_string/1` prints, to its standard error.
fn display_nl_0(cx: &mut Context, _: &[Term]) -> Value {
    cx.machine().console_write(Stream::Error, b"\n");
    Ok(am::TRUE.term())
}

fn display_string_1(cx: &mut Context, args: &[Term]) -> Value {
    let text = characters(args[0])?;
    cx.machine().console_write(Stream::Error, text.as_bytes());
    Ok(am::TRUE.term())
}

/// `display_string(stdin | stdout | stderr, String)`: a list of characters, or a binary as it is.
fn display_string_2(cx: &mut Context, args: &[Term]) -> Value {
    let stream = match args[0].as_atom() {
        Some(am::STDIN | am::STDOUT) => Stream::Output,
        Some(am::STDERR) => Stream::Error,
        _ => return Err(Fail::Badarg),
    };
    if args[1].is_bit_string() {
        let bytes = to_bytes(args[1])?;
        cx.machine().console_write(stream, &bytes);
    } else {
        let text = characters(args[1])?;
        cx.machine().console_write(stream, text.as_bytes());
    }
    Ok(am::TRUE.term())
}

/// The characters of a list.
fn characters(list: Term) -> Result<String, Fail> {
    let mut text = String::new();
    let mut elements = list.iter_list();
    for element in elements.by_ref() {
        let value = element.as_small().and_then(|v| u32::try_from(v).ok());
        let character = value.and_then(char::from_u32).ok_or(Fail::Badarg)?;
        text.try_reserve(4).map_err(|_| Fail::NoMemory)?;
        text.push(character);
    }
    if !elements.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    Ok(text)
}

/// Words of the term on a heap, with everything that it shares counted each time.
fn flat_size_1(cx: &mut Context, args: &[Term]) -> Value {
    let words = crate::term::size::flat_size(args[0], &(0..0))?;
    Ok(cx.integer(words as i64)?)
}

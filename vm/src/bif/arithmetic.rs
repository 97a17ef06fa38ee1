//! Operators and rounding as functions of module `erlang`. Compiled code mostly has instructions for these; they are called by name from
//! `apply`, funs and guards of other forms.

use super::{Bif, Context, Fail, Value, bif};
use crate::memory::Arena;
use crate::number::{self, Number};
use crate::term::Term;
use crate::term::compare::compare;
use core::cmp::Ordering;

/// A line of the table: an operation of [`crate::number`] on one or two arguments.
macro_rules! operator {
    ($name:literal, 1, $operation:path) => {
        bif("erlang", $name, 1, |cx, args| $operation(cx, args[0]))
    };
    ($name:literal, 2, $operation:path) => {
        bif("erlang", $name, 2, |cx, args| {
            $operation(cx, args[0], args[1])
        })
    };
}

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    operator!("+", 1, plus),
    operator!("+", 2, number::add),
    operator!("-", 1, number::negate),
    operator!("-", 2, number::subtract),
    operator!("*", 2, number::multiply),
    operator!("/", 2, number::divide),
    operator!("div", 2, number::int_div),
    operator!("rem", 2, number::rem),
    operator!("band", 2, number::band),
    operator!("bor", 2, number::bor),
    operator!("bxor", 2, number::bxor),
    operator!("bnot", 1, number::bnot),
    operator!("bsl", 2, number::bsl),
    operator!("bsr", 2, number::bsr),
    operator!("abs", 1, number::abs),
    operator!("float", 1, float),
    operator!("trunc", 1, number::trunc),
    operator!("round", 1, number::round),
    operator!("ceil", 1, number::ceil),
    operator!("floor", 1, number::floor),
    bif("erlang", "max", 2, max_2),
    bif("erlang", "min", 2, min_2),
];

fn plus(_: &mut Context, a: Term) -> Value {
    match Number::of(&a) {
        Some(_) => Ok(a),
        None => Err(Fail::Badarith),
    }
}

fn float(cx: &mut Context, a: Term) -> Value {
    if a.is_float() {
        return Ok(a);
    }
    let value = number::to_f64(a).ok_or(Fail::Badarg)?;
    Ok(cx.float(value)?)
}

/// The first one if they are equal.
fn max_2(cx: &mut Context, args: &[Term]) -> Value {
    let order = compare(cx.atoms(), args[0], args[1]);
    Ok(args[(order == Ordering::Less) as usize])
}

/// The first one if they are equal.
fn min_2(cx: &mut Context, args: &[Term]) -> Value {
    let order = compare(cx.atoms(), args[0], args[1]);
    Ok(args[(order == Ordering::Greater) as usize])
}

//! Module `math`.
//!
//! What is no number is `badarg`. `badarith` is an integer beyond the range of floats, and a result that is
//! infinite or not a number, as outside of a function's domain. Where a result has to be rounded, its last bit
//! may be another one than the C library's that OTP uses, which is not the same on all systems either.

use super::{Bif, Context, Fail, Value, bif};
use crate::number::{Number, float_result, power};
use crate::term::Term;

macro_rules! one {
    ($name:literal, $function:expr) => {
        bif("math", $name, 1, |cx, args| one(cx, args, $function))
    };
}

macro_rules! two {
    ($name:literal, $function:expr) => {
        bif("math", $name, 2, |cx, args| two(cx, args, $function))
    };
}

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    one!("acos", libm::acos),
    one!("acosh", acosh),
    one!("asin", libm::asin),
    one!("asinh", libm::asinh),
    one!("atan", libm::atan),
    two!("atan2", libm::atan2),
    one!("atanh", libm::atanh),
    one!("ceil", libm::ceil),
    one!("cos", libm::cos),
    one!("cosh", libm::cosh),
    one!("erf", libm::erf),
    one!("erfc", libm::erfc),
    one!("exp", libm::exp),
    one!("floor", libm::floor),
    two!("fmod", libm::fmod),
    one!("log", libm::log),
    one!("log10", libm::log10),
    one!("log2", libm::log2),
    two!("pow", power::pow),
    one!("sin", libm::sin),
    one!("sinh", libm::sinh),
    one!("sqrt", libm::sqrt),
    one!("tan", libm::tan),
    one!("tanh", libm::tanh),
];

/// Below 1 `libm` gives numbers that mean nothing.
fn acosh(value: f64) -> f64 {
    if value < 1.0 {
        f64::NAN
    } else {
        libm::acosh(value)
    }
}

fn argument(term: &Term) -> Result<Number<'_>, Fail> {
    Number::of(term).ok_or(Fail::Badarg)
}

fn to_f64(number: Number<'_>) -> Result<f64, Fail> {
    number.to_f64().ok_or(Fail::Badarith)
}

#[inline]
fn one(cx: &mut Context, args: &[Term], function: fn(f64) -> f64) -> Value {
    let x = argument(&args[0])?;
    float_result(cx, function(to_f64(x)?))
}

#[inline]
fn two(cx: &mut Context, args: &[Term], function: fn(f64, f64) -> f64) -> Value {
    let (x, y) = (argument(&args[0])?, argument(&args[1])?);
    float_result(cx, function(to_f64(x)?, to_f64(y)?))
}

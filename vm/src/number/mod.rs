//! Numbers: small integers, bignums and floats, and everything that is computed with them.
//!
//! [`Number`] is what arithmetic sees of a term. The interpreter computes with two small integers
//! itself; whatever it cannot finish that way comes to [`arithmetic`] or [`bits`].
//!
//! Invariant: an integer has one representation. What fits in 60 bits is a small integer, anything else a
//! bignum without leading zero digits ([`big::Magnitude::finish`] sees to it), so
//! that integers are equal exactly if sign and digits are. And no float is infinite or not
//! a number: what would be is `badarith`.

pub mod arithmetic;
pub mod big;
pub mod bits;
mod compare;
mod digits;
pub mod format;
mod long;
pub mod parse;
pub mod power;
mod round;
#[cfg(test)]
mod testing;

pub use arithmetic::{abs, add, divide, int_div, multiply, negate, rem, subtract};
pub use bits::{band, bnot, bor, bsl, bsr, bxor};
pub use compare::compare_numbers;
pub use round::{ceil, floor, round, trunc};

use crate::bif::{Context, Fail, Value};
use crate::memory::Arena;
use crate::term::{Header, Subtag, Term};

/// An operation on two numbers, as the interpreter calls it.
pub type Binary = fn(&mut Context, Term, Term) -> Value;

/// An operation on one number.
pub type Unary = fn(&mut Context, Term) -> Value;

/// What arithmetic sees of a term.
#[derive(Clone, Copy, Debug)]
pub enum Number<'t> {
    /// A small integer.
    Small(i64),
    /// A bignum.
    Big(Big<'t>),
    /// A float.
    Float(f64),
}

/// A bignum: its sign, and its digits, least significant first.
#[derive(Clone, Copy, Debug)]
pub struct Big<'t> {
    /// Below zero?
    pub negative: bool,
    /// Without leading zero digit, and too large for a small integer.
    pub digits: &'t [u64],
}

impl<'t> Number<'t> {
    /// The number that `term` is, if it is one.
    #[inline]
    pub fn of(term: &'t Term) -> Option<Number<'t>> {
        if let Some(value) = term.as_small() {
            return Some(Number::Small(value));
        }
        match term.subtag()? {
            Subtag::Float => term.as_float().map(Number::Float),
            _ => Big::of(term).map(Number::Big),
        }
    }

    /// As a float, the way arithmetic converts. `None` if the number is beyond the range of floats.
    #[inline]
    pub fn to_f64(self) -> Option<f64> {
        match self {
            Number::Small(value) => Some(value as f64),
            Number::Big(big) => big.to_f64(),
            Number::Float(value) => Some(value),
        }
    }
}

impl<'t> Big<'t> {
    /// The bignum that `term` is, if it is one.
    #[inline]
    pub fn of(term: &'t Term) -> Option<Big<'t>> {
        let header: Header = term.header()?;
        let negative = match header.subtag() {
            Subtag::BigPositive => false,
            Subtag::BigNegative => true,
            _ => return None,
        };
        let digits = term.as_object(header.subtag())?;
        Some(Big { negative, digits })
    }

    /// As a float: see [`big::to_f64`].
    pub fn to_f64(self) -> Option<f64> {
        big::to_f64(self.negative, self.digits)
    }
}

/// A number as a float. `None` if `term` is no number or beyond the range of floats.
#[inline]
pub fn to_f64(term: Term) -> Option<f64> {
    Number::of(&term)?.to_f64()
}

/// Makes a float of a result: `badarith` if it is infinite or not a number.
#[inline]
pub fn float_result<A: Arena + ?Sized>(arena: &mut A, value: f64) -> Value {
    if value.is_finite() {
        Ok(arena.float(value)?)
    } else {
        Err(Fail::Badarith)
    }
}

//! `+ - * / div rem`, negation and `abs` of any two numbers.
//!
//! Two small integers whose result is small are the interpreter's own business; these functions
//! accept them all the same. Errors are OTP's: `badarith` for what is no number, for division
//! by zero and for a float out of range, `system_limit` for an integer beyond
//! [`big::MAX_DIGITS`].
//!
//! Invariant: integers of up to two digits are computed in machine words, and only the result, if it is a
//! bignum, takes memory.

use super::big::{self, Integer, Magnitude};
use super::{Number, digits, float_result, long};
use crate::bif::{Fail, Value};
use crate::memory::Arena;
use crate::term::{MAX_SMALL, MIN_SMALL, Term};
use core::cmp::Ordering;
use num_bigint::BigUint;

/// From this many digits on (of the shorter one), `num-bigint` multiplies faster than paper does.
const LONG: usize = 24;

/// Both numbers, or `badarith`.
#[inline]
fn numbers<'t>(a: &'t Term, b: &'t Term) -> Result<(Number<'t>, Number<'t>), Fail> {
    match (Number::of(a), Number::of(b)) {
        (Some(x), Some(y)) => Ok((x, y)),
        _ => Err(Fail::Badarith),
    }
}

/// An operation on floats, if one of the two is one; the result is a number or `badarith`.
#[inline]
fn with_floats<'t, A: Arena + ?Sized>(
    arena: &mut A,
    x: Number<'t>,
    y: Number<'t>,
    operation: impl FnOnce(f64, f64) -> f64,
) -> Result<Result<(Integer<'t>, Integer<'t>), Term>, Fail> {
    match (Integer::of(x), Integer::of(y)) {
        (Some(x), Some(y)) => Ok(Ok((x, y))),
        _ => match (x.to_f64(), y.to_f64()) {
            (Some(x), Some(y)) => Ok(Err(float_result(arena, operation(x, y))?)),
            _ => Err(Fail::Badarith),
        },
    }
}

/// `a + b`
#[inline(never)]
pub fn add<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    if Term::are_small(a, b) {
        return Ok(arena.integer(a.small_value() + b.small_value())?);
    }
    let (x, y) = numbers(&a, &b)?;
    match with_floats(arena, x, y, |x, y| x + y)? {
        Ok((x, y)) => add_integers(arena, x, y, y.negative),
        Err(float) => Ok(float),
    }
}

/// `a - b`
#[inline(never)]
pub fn subtract<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    if Term::are_small(a, b) {
        return Ok(arena.integer(a.small_value() - b.small_value())?);
    }
    let (x, y) = numbers(&a, &b)?;
    match with_floats(arena, x, y, |x, y| x - y)? {
        Ok((x, y)) => add_integers(arena, x, y, !y.negative),
        Err(float) => Ok(float),
    }
}

/// `x + y`, where `y` has the sign `y_negative` whatever its own is.
fn add_integers<A: Arena + ?Sized>(
    arena: &mut A,
    x: Integer<'_>,
    y: Integer<'_>,
    y_negative: bool,
) -> Value {
    if let (Some(v), Some(w)) = (x.as_i128(), y.as_i128()) {
        let w = if y.negative == y_negative { w } else { -w };
        return big::from_i128(arena, v + w);
    }
    let (a, b) = (x.digits(), y.digits());
    if x.negative == y_negative {
        let mut sum = Magnitude::new(arena, a.len().max(b.len()) + 1)?;
        digits::add(sum.digits(), a, b);
        return sum.finish(x.negative);
    }
    let (larger, smaller, negative) = match digits::compare(a, b) {
        Ordering::Equal => return Ok(Term::small(0)),
        Ordering::Greater => (a, b, x.negative),
        Ordering::Less => (b, a, y_negative),
    };
    let mut difference = Magnitude::new(arena, larger.len())?;
    digits::subtract(difference.digits(), larger, smaller);
    difference.finish(negative)
}

/// `a * b`
#[inline(never)]
pub fn multiply<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    if Term::are_small(a, b) {
        let product = a.small_value() as i128 * b.small_value() as i128;
        return big::from_i128(arena, product);
    }
    let (x, y) = numbers(&a, &b)?;
    match with_floats(arena, x, y, |x, y| x * y)? {
        Ok((x, y)) => multiply_integers(arena, x, y),
        Err(float) => Ok(float),
    }
}

fn multiply_integers<A: Arena + ?Sized>(arena: &mut A, x: Integer<'_>, y: Integer<'_>) -> Value {
    let negative = x.negative != y.negative;
    let (a, b) = (x.digits(), y.digits());
    if let ([v], [w]) = (a, b) {
        return big::from_sign_and_u128(arena, negative, *v as u128 * *w as u128);
    }
    if a.is_empty() || b.is_empty() {
        return Ok(Term::small(0));
    }
    let length = a.len() + b.len();
    let is_long = long::is_long(a.len(), b.len());
    if a.len().min(b.len()) < LONG && !is_long {
        let mut product = Magnitude::new(arena, length)?;
        digits::multiply(product.digits(), a, b);
        return product.finish(negative);
    }
    if length > big::MAX_DIGITS + 1 {
        return Err(Fail::SystemLimit);
    }
    let shorter = a.len().min(b.len());
    let (a, b) = (big::to_biguint(a)?, big::to_biguint(b)?);
    let product = if is_long {
        long::multiply(&a, &b, &mut |work| arena.rest(work))?
    } else {
        big::probe(long::product_room(length - shorter, shorter))?;
        a * b
    };
    big::from_biguint(arena, negative, &product)
}

/// `a / b`: always a float.
#[inline(never)]
pub fn divide<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    let (x, y) = numbers(&a, &b)?;
    match (x.to_f64(), y.to_f64()) {
        (Some(x), Some(y)) if y != 0.0 => float_result(arena, x / y),
        _ => Err(Fail::Badarith),
    }
}

/// Both integers, the second not zero, or `badarith`.
fn dividend_and_divisor<'t>(a: &'t Term, b: &'t Term) -> Result<(Integer<'t>, Integer<'t>), Fail> {
    match (Integer::of_term(a), Integer::of_term(b)) {
        (Some(x), Some(y)) if !y.digits().is_empty() => Ok((x, y)),
        _ => Err(Fail::Badarith),
    }
}

/// `a div b`: rounds towards zero.
#[inline(never)]
pub fn int_div<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    let (x, y) = dividend_and_divisor(&a, &b)?;
    let negative = x.negative != y.negative;
    if let (Some(v), Some(w)) = (x.as_u128(), y.as_u128()) {
        return big::from_sign_and_u128(arena, negative, v / w);
    }
    let (v, w) = (x.digits(), y.digits());
    if digits::compare(v, w) == Ordering::Less {
        return Ok(Term::small(0));
    }
    if let [divisor] = *w {
        if v.len() > long::DIVIDED_AT_ONCE {
            let quotient = long::divide_by_digit(v, divisor, &mut |work| arena.rest(work))?;
            return big::from_digits(arena, negative, &quotient);
        }
        let mut quotient = Magnitude::new(arena, v.len())?;
        digits::divide_by_digit(quotient.digits(), v, divisor, 0);
        return quotient.finish(negative);
    }
    let quotient = if long::is_long(v.len(), w.len()) {
        divide_long(arena, v, w)?.0
    } else {
        let (a, b) = dividend_and_divisor_at_once(v, w)?;
        a / b
    };
    big::from_biguint(arena, negative, &quotient)
}

/// Two magnitudes for `num-bigint` to divide, where there is memory enough for that.
fn dividend_and_divisor_at_once(v: &[u64], w: &[u64]) -> Result<(BigUint, BigUint), Fail> {
    let both = (big::to_biguint(v)?, big::to_biguint(w)?);
    big::probe(long::quotient_room(v.len(), w.len()))?;
    Ok(both)
}

/// Quotient and remainder of two magnitudes.
#[cold]
fn divide_long<A: Arena + ?Sized>(
    arena: &mut A,
    a: &[u64],
    b: &[u64],
) -> Result<(BigUint, BigUint), Fail> {
    let (a, b) = (big::to_biguint(a)?, big::to_biguint(b)?);
    long::divide(&a, &b, &mut |work| arena.rest(work))
}

/// `a rem b`: has the sign of `a`.
#[inline(never)]
pub fn rem<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    let (x, y) = dividend_and_divisor(&a, &b)?;
    if let (Some(v), Some(w)) = (x.as_u128(), y.as_u128()) {
        return big::from_sign_and_u128(arena, x.negative, v % w);
    }
    let (v, w) = (x.digits(), y.digits());
    if digits::compare(v, w) == Ordering::Less {
        return Ok(a);
    }
    if let [divisor] = *w {
        let remainder = long::remainder_by_digit(v, divisor, &mut |work| arena.rest(work))?;
        return big::from_sign_and_u128(arena, x.negative, remainder as u128);
    }
    let remainder = if long::is_long(v.len(), w.len()) {
        divide_long(arena, v, w)?.1
    } else {
        let (a, b) = dividend_and_divisor_at_once(v, w)?;
        a % b
    };
    big::from_biguint(arena, x.negative, &remainder)
}

/// `-a`
#[inline(never)]
pub fn negate<A: Arena + ?Sized>(arena: &mut A, a: Term) -> Value {
    match Number::of(&a).ok_or(Fail::Badarith)? {
        Number::Small(value) => Ok(arena.integer(-value)?),
        Number::Float(value) => Ok(arena.float(-value)?),
        Number::Big(big) => big::from_digits(arena, !big.negative, big.digits),
    }
}

/// `abs(a)`; what is no number is `badarg` here.
pub fn abs<A: Arena + ?Sized>(arena: &mut A, a: Term) -> Value {
    match Number::of(&a).ok_or(Fail::Badarg)? {
        Number::Small(value) if value < 0 => Ok(arena.integer(-value)?),
        Number::Float(value) if value.is_sign_negative() => Ok(arena.float(-value)?),
        Number::Big(big) if big.negative => big::from_digits(arena, false, big.digits),
        _ => Ok(a),
    }
}

// Sums and differences of small integers fit a machine word: what `add` and `subtract` rely on.
const _: () = assert!(MAX_SMALL < i64::MAX / 2 && MIN_SMALL > i64::MIN / 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atom::am;
    use crate::memory::heap::Parcel;
    use crate::number::testing::{as_bigint, integer, random_integer};

    #[test]
    fn integers_agree_with_num_bigint() {
        let mut arena = Parcel::new();
        let mut seed = 1;
        for round in 0..4000 {
            let (a, x) = random_integer(&mut arena, &mut seed, round % 50);
            let (b, y) = random_integer(&mut arena, &mut seed, (round * 7) % 40);
            let cases: [(Value, _); 3] = [
                (add(&mut arena, a, b), &x + &y),
                (subtract(&mut arena, a, b), &x - &y),
                (multiply(&mut arena, a, b), &x * &y),
            ];
            for (got, expected) in cases {
                assert_eq!(as_bigint(got.unwrap()), expected, "{x} {y}");
            }
            if b == Term::small(0) {
                assert_eq!(int_div(&mut arena, a, b), Err(Fail::Badarith));
                assert_eq!(rem(&mut arena, a, b), Err(Fail::Badarith));
            } else {
                let quotient = int_div(&mut arena, a, b).unwrap();
                assert_eq!(as_bigint(quotient), &x / &y, "{x} {y}");
                let remainder = rem(&mut arena, a, b).unwrap();
                assert_eq!(as_bigint(remainder), &x % &y, "{x} {y}");
            }
            assert_eq!(as_bigint(negate(&mut arena, a).unwrap()), -&x);
            assert_eq!(
                as_bigint(abs(&mut arena, a).unwrap()).magnitude(),
                x.magnitude()
            );
        }
    }

    #[test]
    fn results_are_normalised() {
        let mut arena = Parcel::new();
        let big = integer(&mut arena, "576460752303423488");
        assert!(!big.is_small());
        assert_eq!(
            subtract(&mut arena, big, Term::small(1)),
            Ok(Term::small(MAX_SMALL))
        );
        assert_eq!(negate(&mut arena, big), Ok(Term::small(MIN_SMALL)));
        assert_eq!(subtract(&mut arena, big, big), Ok(Term::small(0)));
        assert_eq!(
            int_div(&mut arena, Term::small(MIN_SMALL), Term::small(-1)).map(as_bigint),
            Ok(as_bigint(big))
        );
        assert_eq!(
            rem(&mut arena, Term::small(MIN_SMALL), big),
            Ok(Term::small(0))
        );
    }

    #[test]
    fn floats_take_integers_along_and_stay_finite() {
        let mut arena = Parcel::new();
        let half = arena.float(0.5).unwrap();
        let huge = arena.float(f64::MAX).unwrap();
        let beyond = mul_power(&mut arena, 1030);
        assert_eq!(
            add(&mut arena, Term::small(1), half).unwrap().as_float(),
            Some(1.5)
        );
        assert_eq!(
            divide(&mut arena, Term::small(1), Term::small(4))
                .unwrap()
                .as_float(),
            Some(0.25)
        );
        assert_eq!(
            multiply(&mut arena, huge, Term::small(2)),
            Err(Fail::Badarith)
        );
        assert_eq!(add(&mut arena, beyond, half), Err(Fail::Badarith));
        assert_eq!(divide(&mut arena, beyond, beyond), Err(Fail::Badarith));
        assert_eq!(
            divide(&mut arena, half, Term::small(0)),
            Err(Fail::Badarith)
        );
        assert_eq!(
            int_div(&mut arena, half, Term::small(1)),
            Err(Fail::Badarith)
        );
        assert_eq!(add(&mut arena, am::TRUE.term(), half), Err(Fail::Badarith));
    }

    fn mul_power(arena: &mut Parcel, bits: i64) -> Term {
        crate::number::bits::bsl(arena, Term::small(1), Term::small(bits)).unwrap()
    }
}

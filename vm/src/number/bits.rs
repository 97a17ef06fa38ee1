//! `band bor bxor bnot bsl bsr` of any two integers, in two's complement without end, as OTP has it.
//!
//! What is no integer is `badarith`. A shift to the left whose result is beyond
//! [`big::MAX_DIGITS`] is `system_limit`; zero can be shifted as far as one likes, and to the right anything can.

use super::big::{self, Integer, Magnitude};
use super::digits;
use crate::bif::{Fail, Value};
use crate::memory::Arena;
use crate::term::Term;

/// Reads an integer's two's complement digits, from the least significant one on, without end.
struct TwosComplement<'t> {
    digits: core::slice::Iter<'t, u64>,
    negative: bool,
    carry: bool,
}

impl<'t> TwosComplement<'t> {
    fn new(integer: &'t Integer<'t>) -> TwosComplement<'t> {
        TwosComplement {
            digits: integer.digits().iter(),
            negative: integer.negative,
            carry: true,
        }
    }

    fn next(&mut self) -> u64 {
        let digit = self.digits.next().copied().unwrap_or(0);
        if !self.negative {
            return digit;
        }
        let (digit, carry) = (!digit).overflowing_add(self.carry as u64);
        self.carry = carry;
        digit
    }
}

#[inline]
fn combine<A: Arena + ?Sized>(
    arena: &mut A,
    a: Term,
    b: Term,
    operation: impl Fn(u64, u64) -> u64,
) -> Value {
    if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
        // The tag's worth of sign bits stays equal, so the result is small, too.
        return Ok(Term::small(operation(x as u64, y as u64) as i64));
    }
    let (Some(x), Some(y)) = (Integer::of_term(&a), Integer::of_term(&b)) else {
        return Err(Fail::Badarith);
    };
    // One digit more, for the sign.
    let length = x.digits().len().max(y.digits().len()) + 1;
    let (mut x, mut y) = (TwosComplement::new(&x), TwosComplement::new(&y));
    let mut result = Magnitude::new(arena, length)?;
    for digit in result.digits() {
        *digit = operation(x.next(), y.next());
    }
    let negative = result.digits()[length - 1] >> 63 != 0;
    if negative {
        digits::negate(result.digits());
    }
    result.finish(negative)
}

/// `a band b`
#[inline(never)]
pub fn band<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    combine(arena, a, b, |x, y| x & y)
}

/// `a bor b`
#[inline(never)]
pub fn bor<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    combine(arena, a, b, |x, y| x | y)
}

/// `a bxor b`
#[inline(never)]
pub fn bxor<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    combine(arena, a, b, |x, y| x ^ y)
}

/// `bnot a`
#[inline(never)]
pub fn bnot<A: Arena + ?Sized>(arena: &mut A, a: Term) -> Value {
    combine(arena, a, Term::small(-1), |x, y| x ^ y)
}

/// `a bsl b`
#[inline(never)]
pub fn bsl<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    shift(arena, a, b, false)
}

/// `a bsr b`
#[inline(never)]
pub fn bsr<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term) -> Value {
    shift(arena, a, b, true)
}

fn shift<A: Arena + ?Sized>(arena: &mut A, a: Term, b: Term, right: bool) -> Value {
    let (Some(value), Some(count)) = (Integer::of_term(&a), Integer::of_term(&b)) else {
        return Err(Fail::Badarith);
    };
    let magnitude = value.digits();
    // A bignum as count is beyond every limit.
    let distance = match count.as_u128() {
        Some(distance) => usize::try_from(distance).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    if distance == 0 || magnitude.is_empty() {
        return Ok(a);
    }
    if right != count.negative {
        return shift_right(arena, value.negative, magnitude, distance);
    }
    if distance > big::MAX_DIGITS * 64 {
        return Err(Fail::SystemLimit);
    }
    if let ([digit], true) = (magnitude, distance < 64) {
        return big::from_sign_and_u128(arena, value.negative, (*digit as u128) << distance);
    }
    let mut result = Magnitude::new(arena, magnitude.len() + distance / 64 + 1)?;
    digits::shift_left(result.digits(), magnitude, distance);
    result.finish(value.negative)
}

/// Rounds down: what is negative gets one further from zero if a set bit went.
fn shift_right<A: Arena + ?Sized>(
    arena: &mut A,
    negative: bool,
    magnitude: &[u64],
    distance: usize,
) -> Value {
    let whole = distance / 64;
    if whole >= magnitude.len() {
        return Ok(Term::small(-(negative as i64)));
    }
    let length = magnitude.len() - whole;
    let mut result = Magnitude::new(arena, length + 1)?;
    let lost = digits::shift_right(result.digits(), magnitude, distance);
    if negative && lost {
        digits::increment(result.digits());
    }
    result.finish(negative)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::number::testing::{as_bigint, random_integer};
    use crate::term::{MAX_SMALL, MIN_SMALL};

    #[test]
    fn integers_agree_with_num_bigint() {
        let mut arena = Parcel::new();
        let mut seed = 7;
        for round in 0..4000 {
            let (a, x) = random_integer(&mut arena, &mut seed, round % 6);
            let (b, y) = random_integer(&mut arena, &mut seed, (round / 6) % 5);
            let cases: [(Value, _); 4] = [
                (band(&mut arena, a, b), &x & &y),
                (bor(&mut arena, a, b), &x | &y),
                (bxor(&mut arena, a, b), &x ^ &y),
                (bnot(&mut arena, a), -&x - 1),
            ];
            for (got, expected) in cases {
                assert_eq!(as_bigint(got.unwrap()), expected, "{x} {y}");
            }
            let count = (round * 13) % 400;
            let term = Term::small(count as i64);
            let (up, down) = (bsl(&mut arena, a, term), bsr(&mut arena, a, term));
            assert_eq!(as_bigint(up.unwrap()), &x << count, "{x} bsl {count}");
            assert_eq!(as_bigint(down.unwrap()), &x >> count, "{x} bsr {count}");
            let term = Term::small(-(count as i64));
            assert_eq!(bsr(&mut arena, a, term).map(as_bigint), up.map(as_bigint));
            assert_eq!(bsl(&mut arena, a, term).map(as_bigint), down.map(as_bigint));
        }
    }

    #[test]
    fn far_shifts_have_otp_s_limits() {
        let mut arena = Parcel::new();
        let far = Term::small(1 << 58);
        let farther = bsl(&mut arena, Term::small(1), Term::small(70)).unwrap();
        for distance in [far, farther] {
            assert_eq!(
                bsl(&mut arena, Term::small(1), distance),
                Err(Fail::SystemLimit)
            );
            assert_eq!(
                bsl(&mut arena, Term::small(0), distance),
                Ok(Term::small(0))
            );
            assert_eq!(
                bsr(&mut arena, Term::small(-5), distance),
                Ok(Term::small(-1))
            );
            assert_eq!(
                bsr(&mut arena, Term::small(5), distance),
                Ok(Term::small(0))
            );
        }
        let most = 33_554_367;
        assert!(bsl(&mut arena, Term::small(1), Term::small(most)).is_ok());
        assert_eq!(
            bsl(&mut arena, Term::small(1), Term::small(most + 1)),
            Err(Fail::SystemLimit)
        );
        assert_eq!(
            bsl(&mut arena, Term::small(MAX_SMALL), Term::NIL),
            Err(Fail::Badarith)
        );
        assert_eq!(
            band(&mut arena, Term::small(MIN_SMALL), Term::small(-1)),
            Ok(Term::small(MIN_SMALL))
        );
    }
}

//! Bignums: made in an arena digit by digit, converted from and to machine numbers and floats.
//!
//! Invariant: an integer leaves this file normalised, as a small integer if it fits, see
//! [`Magnitude::finish`]; and none has more than [`MAX_DIGITS`] digits, OTP's limit, beyond
//! which is `system_limit`. Multiplication, division and radix conversion of
//! long magnitudes are done by `num-bigint`, whose memory is not asked for fallibly: [`probe`] asks before it does.

use super::digits;
use super::{Big, Number};
use crate::bif::{Fail, Value};
use crate::memory::{Arena, NoMemory};
use crate::term::{Header, MAX_SMALL, Subtag, Term};
use alloc::vec::Vec;
use core::ptr::NonNull;
use num_bigint::BigUint;

/// Most digits of a bignum; one more is `system_limit` (OTP 25: `BIG_ARITY_MAX`).
pub const MAX_DIGITS: usize = (1 << 19) - 1;

/// A magnitude that is being made in an arena.
pub struct Magnitude {
    /// Header, then `capacity` initialised digits.
    object: NonNull<u64>,
    capacity: usize,
}

impl Magnitude {
    /// Room for `capacity` digits, all zero. A little more than the limit may be asked for: what
    /// counts is what is there in the end.
    pub fn new<A: Arena + ?Sized>(arena: &mut A, capacity: usize) -> Result<Magnitude, Fail> {
        if capacity > MAX_DIGITS + 2 {
            return Err(Fail::SystemLimit);
        }
        let object = arena.allocate(capacity + 1)?;
        // SAFETY: fresh words. Whoever walks the arena before `finish` sees a complete object.
        unsafe {
            object.write(Header::new(Subtag::BigPositive, capacity).0);
            object.add(1).write_bytes(0, capacity);
        }
        Ok(Magnitude { object, capacity })
    }

    /// The digits, least significant first.
    #[inline]
    pub fn digits(&mut self) -> &mut [u64] {
        // SAFETY: `capacity` digits follow the header, initialised in `new`, and nobody else knows of them.
        unsafe { core::slice::from_raw_parts_mut(self.object.as_ptr().add(1), self.capacity) }
    }

    /// The integer with this magnitude: a small one if it fits.
    pub fn finish(mut self, negative: bool) -> Value {
        let used = digits::trim(self.digits()).len();
        if used <= 1 {
            let digit = self.digits().first().copied().unwrap_or(0);
            if let Some(small) = small(negative, digit) {
                return Ok(small);
            }
        }
        if used > MAX_DIGITS {
            return Err(Fail::SystemLimit);
        }
        let object = self.object.as_ptr();
        // SAFETY: the object shrinks to its used digits; what is left over becomes an object of its own,
        // so that the arena stays a row of complete objects.
        unsafe {
            *object = Header::new(big_subtag(negative), used).0;
            if used < self.capacity {
                let filler = Header::new(Subtag::BigPositive, self.capacity - used - 1);
                *object.add(used + 1) = filler.0;
            }
            Ok(Term::boxed(object))
        }
    }
}

#[inline]
fn big_subtag(negative: bool) -> Subtag {
    if negative {
        Subtag::BigNegative
    } else {
        Subtag::BigPositive
    }
}

/// The small integer with this sign and magnitude, if there is one.
#[inline]
fn small(negative: bool, magnitude: u64) -> Option<Term> {
    if magnitude > MAX_SMALL as u64 + 1 {
        return None;
    }
    let value = magnitude as i64;
    Term::try_small(if negative { -value } else { value })
}

/// An integer of up to two digits.
#[inline]
pub fn from_sign_and_u128<A: Arena + ?Sized>(
    arena: &mut A,
    negative: bool,
    magnitude: u128,
) -> Value {
    let (low, high) = (magnitude as u64, (magnitude >> 64) as u64);
    if high == 0 {
        if let Some(small) = small(negative, low) {
            return Ok(small);
        }
        return Ok(arena.object(big_subtag(negative), &[low])?);
    }
    Ok(arena.object(big_subtag(negative), &[low, high])?)
}

/// The integer `value`.
#[inline]
pub fn from_i128<A: Arena + ?Sized>(arena: &mut A, value: i128) -> Value {
    from_sign_and_u128(arena, value < 0, value.unsigned_abs())
}

/// The integer with these digits, which may have leading zeros.
pub fn from_digits<A: Arena + ?Sized>(arena: &mut A, negative: bool, digits: &[u64]) -> Value {
    let digits = digits::trim(digits);
    let mut magnitude = Magnitude::new(arena, digits.len())?;
    magnitude.digits().copy_from_slice(digits);
    magnitude.finish(negative)
}

/// The integer with this sign and magnitude.
pub fn from_biguint<A: Arena + ?Sized>(arena: &mut A, negative: bool, value: &BigUint) -> Value {
    let digits = value.iter_u64_digits();
    let mut magnitude = Magnitude::new(arena, digits.len())?;
    for (place, digit) in magnitude.digits().iter_mut().zip(digits) {
        *place = digit;
    }
    magnitude.finish(negative)
}

/// The magnitude as `num-bigint` has it.
pub fn to_biguint(digits: &[u64]) -> Result<BigUint, NoMemory> {
    let mut halves = Vec::new();
    halves
        .try_reserve_exact(digits.len() * 2)
        .map_err(|_| NoMemory)?;
    for &digit in digits {
        halves.push(digit as u32);
        halves.push((digit >> 32) as u32);
    }
    probe(digits.len())?;
    Ok(BigUint::new(halves))
}

/// Fails where an allocation of `digits` digits would. The machine has one thread: what could be
/// had now can be had in a moment.
pub fn probe(digits: usize) -> Result<(), NoMemory> {
    Vec::<u64>::new()
        .try_reserve_exact(digits)
        .map_err(|_| NoMemory)
}

/// An integer as sign and digits, without an allocation for a small one.
#[derive(Clone, Copy)]
pub struct Integer<'t> {
    /// Below zero?
    pub negative: bool,
    one: [u64; 1],
    many: &'t [u64],
}

impl<'t> Integer<'t> {
    /// A machine integer.
    #[inline]
    pub fn small(value: i64) -> Integer<'t> {
        Integer {
            negative: value < 0,
            one: [value.unsigned_abs()],
            many: &[],
        }
    }

    /// The integer that `number` is; `None` for a float.
    #[inline]
    pub fn of(number: Number<'t>) -> Option<Integer<'t>> {
        match number {
            Number::Small(value) => Some(Integer::small(value)),
            Number::Big(Big { negative, digits }) => Some(Integer {
                negative,
                one: [0],
                many: digits,
            }),
            Number::Float(_) => None,
        }
    }

    /// The integer that `term` is, if it is one.
    #[inline]
    pub fn of_term(term: &'t Term) -> Option<Integer<'t>> {
        Integer::of(Number::of(term)?)
    }

    /// The digits, without leading zero; none for zero.
    #[inline]
    pub fn digits(&self) -> &[u64] {
        if self.many.is_empty() {
            &self.one[..(self.one[0] != 0) as usize]
        } else {
            self.many
        }
    }

    /// The magnitude, if it has at most two digits.
    #[inline]
    pub fn as_u128(&self) -> Option<u128> {
        match *self.digits() {
            [] => Some(0),
            [low] => Some(low as u128),
            [low, high] => Some(low as u128 | (high as u128) << 64),
            _ => None,
        }
    }

    /// The value, if its magnitude has at most one digit.
    #[inline]
    pub fn as_i128(&self) -> Option<i128> {
        match *self.digits() {
            [] => Some(0),
            [digit] if self.negative => Some(-(digit as i128)),
            [digit] => Some(digit as i128),
            _ => None,
        }
    }
}

/// 2 to the power of 64.
const DIGIT_BASE: f64 = 18_446_744_073_709_551_616.0;

/// The float nearest to an integer, as OTP computes it: from the most significant digit on, rounding at each
/// step. `None` if it is beyond the range of floats.
pub fn to_f64(negative: bool, digits: &[u64]) -> Option<f64> {
    let mut value = 0.0;
    for &digit in digits.iter().rev() {
        value = value * DIGIT_BASE + digit as f64;
        if value == f64::INFINITY {
            return None;
        }
    }
    Some(if negative { -value } else { value })
}

/// The whole part of a finite float, as an integer.
pub fn from_f64<A: Arena + ?Sized>(arena: &mut A, value: f64) -> Value {
    let (negative, shift, mantissa) = decompose(value);
    if shift <= 0 {
        // A shift of 64 or more leaves nothing, and so does 63: a mantissa has 53 bits.
        let magnitude = mantissa >> (-shift).min(63);
        return from_sign_and_u128(arena, negative, magnitude as u128);
    }
    let shift = shift as usize;
    let mut result = Magnitude::new(arena, shift / 64 + 2)?;
    digits::shift_left(result.digits(), &[mantissa], shift);
    result.finish(negative)
}

/// Sign, exponent and mantissa: a finite `value` is `mantissa * 2^exponent`.
pub fn decompose(value: f64) -> (bool, i32, u64) {
    let bits = value.to_bits();
    let exponent = (bits >> 52) as i32 & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    let mantissa = if exponent == 0 {
        fraction
    } else {
        fraction | 1 << 52
    };
    (bits >> 63 != 0, exponent.max(1) - 1075, mantissa)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::term::MIN_SMALL;

    #[test]
    fn what_fits_is_small_whatever_it_was_made_of() {
        let mut arena = Parcel::new();
        for value in [0, 1, -1, MAX_SMALL, MIN_SMALL] {
            let mut magnitude = Magnitude::new(&mut arena, 3).unwrap();
            magnitude.digits()[0] = value.unsigned_abs();
            assert_eq!(magnitude.finish(value < 0), Ok(Term::small(value)));
            assert_eq!(from_i128(&mut arena, value as i128), Ok(Term::small(value)));
        }
        for value in [MAX_SMALL as i128 + 1, MIN_SMALL as i128 - 1, 1 << 100] {
            let big = from_i128(&mut arena, value).unwrap();
            let big = Big::of(&big).unwrap();
            assert_eq!(big.negative, value < 0);
            let again = to_biguint(big.digits).unwrap();
            assert_eq!(again, BigUint::from(value.unsigned_abs()));
        }
    }

    #[test]
    fn the_limit_counts_used_digits() {
        let mut arena = Parcel::new();
        let mut magnitude = Magnitude::new(&mut arena, MAX_DIGITS + 1).unwrap();
        magnitude.digits()[MAX_DIGITS - 1] = 1;
        assert!(magnitude.finish(false).is_ok());
        let mut magnitude = Magnitude::new(&mut arena, MAX_DIGITS + 1).unwrap();
        magnitude.digits()[MAX_DIGITS] = 1;
        assert_eq!(magnitude.finish(false), Err(Fail::SystemLimit));
    }

    #[test]
    fn floats_become_integers_and_back() {
        let mut arena = Parcel::new();
        for value in [
            0.0, -0.5, 1.0, -1.0, 123_456.75, 5e-324, 1e17, 1e18, -1e19, 1e22, 1.7e308,
        ] {
            let integer = from_f64(&mut arena, value).unwrap();
            let back = super::super::to_f64(integer).unwrap();
            assert_eq!(back, libm::trunc(value) + 0.0, "{value}");
        }
    }
}

//! What the tests of this folder share: integers as terms and as `num-bigint` has them, side by side.

use super::big::{self, Integer};
use crate::memory::heap::Parcel;
use crate::term::Term;
use num_bigint::{BigInt, BigUint, Sign};

/// The integer that `term` is.
pub fn as_bigint(term: Term) -> BigInt {
    let integer = Integer::of_term(&term).expect("an integer");
    if let Some(big) = super::Big::of(&term) {
        assert_ne!(big.digits.last(), Some(&0), "leading zero digit");
        let value = integer.as_i128().unwrap_or(i128::MAX);
        assert!(i64::try_from(value).map_or(true, |v| Term::try_small(v).is_none()));
    }
    let sign = if integer.negative {
        Sign::Minus
    } else {
        Sign::Plus
    };
    BigInt::from_biguint(sign, big::to_biguint(integer.digits()).unwrap())
}

/// The term of an integer written in decimal.
pub fn integer(arena: &mut Parcel, decimal: &str) -> Term {
    from_bigint(arena, &decimal.parse().unwrap())
}

fn from_bigint(arena: &mut Parcel, value: &BigInt) -> Term {
    big::from_biguint(arena, value.sign() == Sign::Minus, value.magnitude()).unwrap()
}

/// xorshift64
fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// An integer of about `digits` digits, with runs of ones and zeros, where carries hide.
pub fn random_integer(arena: &mut Parcel, seed: &mut u64, digits: usize) -> (Term, BigInt) {
    let halves = (0..digits * 2)
        .map(|_| match random(seed) % 4 {
            0 => 0,
            1 => u32::MAX,
            _ => random(seed) as u32,
        })
        .collect();
    let magnitude = BigUint::new(halves) >> (random(seed) % 64) as usize;
    let sign = if random(seed).is_multiple_of(2) {
        Sign::Plus
    } else {
        Sign::Minus
    };
    let value = BigInt::from_biguint(sign, magnitude);
    (from_bigint(arena, &value), value)
}

//! Long magnitudes: products, quotients and text, made in pieces between which others may run.
//!
//! `num-bigint` computes the pieces, of up to [`PIECE`] digits; what puts them together is here: Toom and Cook's multiplication in three
//! parts, Burnikel and Ziegler's recursive division ("Fast Recursive Division", MPI-I-98-1-022), and conversion by halves with
//! powers of the base. What is shorter never comes here.
//!
//! Recursion goes as deep as a magnitude can be halved, some twenty levels. Invariant: nothing is borrowed across a rest but the
//! magnitudes themselves.
//!
//! The memory of `num-bigint` is not asked for fallibly, and after a rest others may have taken what was free before: each
//! step asks [`room`] first for the most that it takes until the next one does.

use super::{big, digits};
use crate::bif::Fail;
use alloc::vec::Vec;
use num_bigint::{BigInt, BigUint, Sign};

/// Most digits of what is computed at once.
pub const PIECE: usize = 512;

/// Products of two digits that one reduction pays for.
const PRODUCTS_PER_REDUCTION: usize = 100;

/// Digits that are moved or added for a reduction.
const MOVED_PER_REDUCTION: usize = 1024;

/// Digits of the numbers whose text is made at once.
const TEXT_PIECE: usize = 128;

/// Digits that are divided by a single one at once, and for a reduction.
pub const DIVIDED_AT_ONCE: usize = 1024;
const DIVIDED_PER_REDUCTION: usize = 16;

/// Lets others run; gets what was done, in reductions. An error ends the computation.
pub type Rest<'r> = dyn FnMut(usize) -> Result<(), Fail> + 'r;

/// What is asked for above what was counted: rounding, vectors of a few magnitudes, and what the allocator adds.
const SPARE: usize = 512;

/// Fails where the next step, which takes so many digits at most, would find no memory.
fn room(digits: usize) -> Result<(), Fail> {
    Ok(big::probe(digits.saturating_add(SPARE))?)
}

/// Digits that a product of `num-bigint` takes, its parts included. It cuts the longer factor into parts like the shorter one without
/// copying them; of the shorter one's length there are then two copies, the values at five points, their products, and a
/// third to a half as much again for each level of recursion.
pub fn product_room(longer: usize, shorter: usize) -> usize {
    2 * (longer + shorter) + 48 * shorter
}

/// Digits that quotient and remainder of `num-bigint` take: shifted copies of both, the same cut into parts as long as the
/// divisor, the results, and the products on the way.
pub fn quotient_room(dividend: usize, divisor: usize) -> usize {
    8 * dividend + 64 * divisor
}

/// Whether multiplying or dividing numbers of so many digits is to be done here.
pub fn is_long(a: usize, b: usize) -> bool {
    a.saturating_mul(b) > PIECE * PIECE
}

fn length(value: &BigUint) -> usize {
    value.bits().div_ceil(64) as usize
}

/// The digits from `from` on.
fn above(value: &BigUint, from: usize) -> BigUint {
    value >> (64 * from)
}

/// `count` digits from `from` on.
fn digits(value: &BigUint, from: usize, count: usize) -> BigUint {
    let digits = value.iter_u64_digits().skip(from).take(count);
    let mut halves = Vec::with_capacity(2 * digits.len());
    for digit in digits {
        halves.push(digit as u32);
        halves.push((digit >> 32) as u32);
    }
    BigUint::new(halves)
}

/// `a * b`
pub fn multiply(a: &BigUint, b: &BigUint, rest: &mut Rest<'_>) -> Result<BigUint, Fail> {
    let (long, short) = match length(a) >= length(b) {
        true => (a, b),
        false => (b, a),
    };
    let (longer, shorter) = (length(long), length(short));
    if !is_long(longer, shorter) {
        rest(longer * shorter / PRODUCTS_PER_REDUCTION)?;
        room(product_room(longer, shorter))?;
        return Ok(long * short);
    }
    if 2 * shorter <= longer {
        return multiply_unbalanced(long, short, rest);
    }
    multiply_in_thirds(long, short, rest)
}

/// The longer one is cut into parts as long as the shorter one, or as long as makes a piece.
fn multiply_unbalanced(
    long: &BigUint,
    short: &BigUint,
    rest: &mut Rest<'_>,
) -> Result<BigUint, Fail> {
    let (longer, shorter) = (length(long), length(short));
    let part = shorter.max(PIECE * PIECE / shorter.max(1));
    let mut product = Vec::new();
    product
        .try_reserve_exact(2 * (longer + shorter + 1))
        .map_err(|_| Fail::NoMemory)?;
    // What is above the digits that are known already.
    let mut carry = BigUint::ZERO;
    for from in (0..longer).step_by(part) {
        room(2 * part)?;
        let product_of_part = multiply(&digits(long, from, part), short, rest)?;
        room(3 * (part + shorter))?;
        carry += product_of_part;
        let count = part.min(longer - from);
        let known = carry.iter_u64_digits().chain(core::iter::repeat(0));
        for digit in known.take(count) {
            product.push(digit as u32);
            product.push((digit >> 32) as u32);
        }
        carry = above(&carry, count);
    }
    for digit in carry.iter_u64_digits() {
        product.push(digit as u32);
        product.push((digit >> 32) as u32);
    }
    room(product.len() / 2)?;
    Ok(BigUint::new(product))
}

fn multiply_signed(a: &BigInt, b: &BigInt, rest: &mut Rest<'_>) -> Result<BigInt, Fail> {
    let product = multiply(a.magnitude(), b.magnitude(), rest)?;
    let negative = (a.sign() == Sign::Minus) != (b.sign() == Sign::Minus);
    Ok(BigInt::from_biguint(
        if negative { Sign::Minus } else { Sign::Plus },
        product,
    ))
}

/// Both as polynomials of three coefficients; their product is known from its values at 0, 1, -1, -2 and infinity.
fn multiply_in_thirds(a: &BigUint, b: &BigUint, rest: &mut Rest<'_>) -> Result<BigUint, Fail> {
    let third = length(a).max(length(b)).div_ceil(3);
    let work = third / MOVED_PER_REDUCTION * 4;
    let coefficients =
        |value: &BigUint| [0, 1, 2].map(|place| BigInt::from(digits(value, place * third, third)));
    let values = |[low, middle, high]: &[BigInt; 3]| {
        let even = low + high;
        let at_minus_one = &even - middle;
        let at_minus_two: BigInt = ((&at_minus_one + high) << 1u32) - low;
        [even + middle, at_minus_one, at_minus_two]
    };
    // Nothing below has more digits than both factors, six thirds; at most so many are made between two rests.
    let step = 5 * 6 * (third + 1);
    room(step)?;
    let (a, b) = (coefficients(a), coefficients(b));
    rest(work)?;
    room(step)?;
    let (at_a, at_b) = (values(&a), values(&b));
    rest(work)?;
    let at_zero = multiply_signed(&a[0], &b[0], rest)?;
    let at_infinity = multiply_signed(&a[2], &b[2], rest)?;
    let at_one = multiply_signed(&at_a[0], &at_b[0], rest)?;
    let at_minus_one = multiply_signed(&at_a[1], &at_b[1], rest)?;
    let at_minus_two = multiply_signed(&at_a[2], &at_b[2], rest)?;
    // All of these divisions leave nothing over.
    room(step)?;
    let mut third_power: BigInt = (at_minus_two - &at_one) / 3u32;
    rest(work)?;
    room(step)?;
    let mut first: BigInt = (at_one - &at_minus_one) >> 1u32;
    let mut second = at_minus_one - &at_zero;
    third_power = ((&second - third_power) >> 1u32) + (&at_infinity << 1u32);
    rest(work)?;
    room(step)?;
    second = second + &first - &at_infinity;
    first -= &third_power;
    let mut product = at_infinity;
    for coefficient in [third_power, second, first, at_zero] {
        room(step)?;
        product = (product << (64 * third)) + coefficient;
        rest(work)?;
    }
    Ok(product.into_parts().1)
}

/// `a / b` and `a % b`; `b` is not zero.
pub fn divide(a: &BigUint, b: &BigUint, rest: &mut Rest<'_>) -> Result<(BigUint, BigUint), Fail> {
    room(length(a))?;
    if a < b {
        return Ok((BigUint::ZERO, a.clone()));
    }
    // The divisor gets a length that can be halved until a piece is left, and its highest bit set.
    let mut unit = length(b);
    let mut halvings = 0;
    while unit > PIECE {
        unit = unit.div_ceil(2);
        halvings += 1;
    }
    let size = unit << halvings;
    let shift = 64 * size as u64 - b.bits();
    room(2 * (length(a) + size + 2))?;
    let (a, b) = (a << shift, b << shift);
    rest(2 * size / MOVED_PER_REDUCTION)?;
    // Short divisors take as many digits of the dividend at once as make a piece.
    let part = size.max(PIECE * PIECE / size);
    let parts = length(&a).div_ceil(part);
    let mut quotient = alloc::vec![];
    let mut remainder = BigUint::ZERO;
    for place in (0..parts).rev() {
        room(4 * (part + size))?;
        let dividend = (remainder << (64 * part)) + digits(&a, place * part, part);
        let (digits, left) = match part == size {
            true => divide_two_by_one(dividend, &b, size, rest)?,
            false => divide_piece(&dividend, &b, rest)?,
        };
        remainder = left;
        quotient.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        quotient.push(digits);
    }
    let mut all = Vec::new();
    all.try_reserve_exact(2 * part * parts)
        .map_err(|_| Fail::NoMemory)?;
    for digits in quotient.iter().rev() {
        let padded = digits.iter_u64_digits().chain(core::iter::repeat(0));
        for digit in padded.take(part) {
            all.push(digit as u32);
            all.push((digit >> 32) as u32);
        }
    }
    room(part * parts + size)?;
    Ok((BigUint::new(all), remainder >> shift))
}

/// `a / divisor`
#[cold]
pub fn divide_by_digit(a: &[u64], divisor: u64, rest: &mut Rest<'_>) -> Result<Vec<u64>, Fail> {
    let mut quotient = Vec::new();
    let room = quotient.try_reserve_exact(a.len());
    room.map_err(|_| Fail::NoMemory)?;
    // From the highest digit on, in that order: what is written once is not written before.
    let mut remainder = 0;
    let mut digits = [0; DIVIDED_AT_ONCE];
    for piece in a.rchunks(DIVIDED_AT_ONCE) {
        let digits = &mut digits[..piece.len()];
        remainder = digits::divide_by_digit(digits, piece, divisor, remainder);
        quotient.extend(digits.iter().rev());
        rest(piece.len() / DIVIDED_PER_REDUCTION)?;
    }
    quotient.reverse();
    Ok(quotient)
}

/// `a % divisor`
pub fn remainder_by_digit(a: &[u64], divisor: u64, rest: &mut Rest<'_>) -> Result<u64, Fail> {
    let mut remainder = 0;
    for piece in a.rchunks(DIVIDED_AT_ONCE) {
        remainder = digits::remainder_by_digit(piece, divisor, remainder);
        if a.len() > DIVIDED_AT_ONCE {
            rest(piece.len() / DIVIDED_PER_REDUCTION)?;
        }
    }
    Ok(remainder)
}

fn divide_piece(a: &BigUint, b: &BigUint, rest: &mut Rest<'_>) -> Result<(BigUint, BigUint), Fail> {
    let quotient_length = length(a).saturating_sub(length(b)) + 1;
    rest(quotient_length * length(b) / PRODUCTS_PER_REDUCTION)?;
    room(quotient_room(length(a), length(b)))?;
    let quotient = a / b;
    let remainder = a - &quotient * b;
    Ok((quotient, remainder))
}

/// Divides by `size` normalised digits what is less than the divisor shifted by `size` digits.
fn divide_two_by_one(
    a: BigUint,
    b: &BigUint,
    size: usize,
    rest: &mut Rest<'_>,
) -> Result<(BigUint, BigUint), Fail> {
    if size <= PIECE || size % 2 == 1 {
        return divide_piece(&a, b, rest);
    }
    let half = size / 2;
    room(5 * size)?;
    let divisor = [digits(b, 0, half), above(b, half)];
    let lowest = digits(&a, 0, half);
    let (high, left) = divide_three_by_two(above(&a, half), b, &divisor, half, rest)?;
    room(5 * size)?;
    let dividend = (left << (64 * half)) + lowest;
    let (low, left) = divide_three_by_two(dividend, b, &divisor, half, rest)?;
    rest(size / MOVED_PER_REDUCTION)?;
    room(4 * size)?;
    Ok(((high << (64 * half)) + low, left))
}

/// Divides three halves by two: `b`, whose halves are `low` and `high`.
fn divide_three_by_two(
    a: BigUint,
    b: &BigUint,
    [low, high]: &[BigUint; 2],
    half: usize,
    rest: &mut Rest<'_>,
) -> Result<(BigUint, BigUint), Fail> {
    room(12 * half)?;
    let last = digits(&a, 0, half);
    let first_two = above(&a, half);
    let (mut quotient, left) = if above(&first_two, half) < *high {
        divide_two_by_one(first_two, high, half, rest)?
    } else {
        // The largest there is.
        let largest = (BigUint::from(1u32) << (64 * half)) - 1u32;
        let left = first_two + high - (high << (64 * half));
        (largest, left)
    };
    let product = multiply(&quotient, low, rest)?;
    room(8 * half)?;
    let mut left = (left << (64 * half)) + last;
    // At most twice.
    while left < product {
        left += b;
        quotient -= 1u32;
    }
    Ok((quotient, left - product))
}

/// Digits of `base` that fit a piece of text.
fn characters_at_once(base: u32) -> usize {
    TEXT_PIECE * 64 / (base.ilog2() as usize + 1)
}

/// Digits that the conversion of so many by `num-bigint` takes: the powers it divides by, and a quotient at each level.
fn piece_room(digits: usize) -> usize {
    quotient_room(2 * digits, digits) + digits * 8
}

/// `base` to the power of [`characters_at_once`], that to the power of two, of four, and so on: those below `limit`.
fn powers(base: u32, limit: &BigUint, rest: &mut Rest<'_>) -> Result<Vec<BigUint>, Fail> {
    let mut powers = Vec::new();
    room(product_room(TEXT_PIECE, TEXT_PIECE))?;
    let mut power = BigUint::from(base).pow(characters_at_once(base) as u32);
    while power <= *limit {
        let square = match 2 * length(&power) <= length(limit) + 1 {
            true => multiply(&power, &power, rest)?,
            false => {
                room(2 * length(limit))?;
                limit + 1u32
            }
        };
        powers.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        powers.push(core::mem::replace(&mut power, square));
    }
    Ok(powers)
}

/// The digits of `value` to `base`, each as a number, the most significant first.
pub fn to_radix(value: &BigUint, base: u32, rest: &mut Rest<'_>) -> Result<Vec<u8>, Fail> {
    let characters = value.bits() as usize / base.ilog2() as usize + 2;
    if base.is_power_of_two() || length(value) <= TEXT_PIECE {
        room(characters / 4 + piece_room(length(value).min(TEXT_PIECE)))?;
        return Ok(value.to_radix_be(base));
    }
    let powers = powers(base, value, rest)?;
    let mut text = Vec::new();
    text.try_reserve(characters).map_err(|_| Fail::NoMemory)?;
    room(length(value))?;
    // What is still to be written, and how many powers down it is to be cut; the most significant part last.
    let mut parts = alloc::vec![(value.clone(), powers.len())];
    while let Some((value, level)) = parts.pop() {
        if let Some(power) = level.checked_sub(1).map(|level| &powers[level]) {
            let (high, low) = divide(&value, power, rest)?;
            parts.try_reserve(2).map_err(|_| Fail::NoMemory)?;
            parts.push((low, level - 1));
            parts.push((high, level - 1));
            continue;
        }
        room(piece_room(length(&value)))?;
        let digits = value.to_radix_be(base);
        rest(TEXT_PIECE * TEXT_PIECE / PRODUCTS_PER_REDUCTION)?;
        if text.is_empty() {
            text.extend(digits.iter().skip_while(|digit| **digit == 0));
        } else {
            let zeros = characters_at_once(base) - digits.len();
            text.extend(core::iter::repeat_n(0, zeros));
            text.extend(digits);
        }
    }
    Ok(text)
}

/// The number with these digits to `base`, the most significant first.
pub fn from_radix(digits: &[u8], base: u32, rest: &mut Rest<'_>) -> Result<BigUint, Fail> {
    let piece = characters_at_once(base);
    // The least significant part first; each round puts two neighbours together.
    let mut parts = Vec::new();
    for digits in digits.rchunks(piece) {
        parts.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        room(piece_room(TEXT_PIECE))?;
        parts.push(BigUint::from_radix_be(digits, base).ok_or(Fail::Badarg)?);
        rest(TEXT_PIECE * TEXT_PIECE / PRODUCTS_PER_REDUCTION)?;
    }
    room(product_room(TEXT_PIECE, TEXT_PIECE))?;
    let mut power = BigUint::from(base).pow(piece as u32);
    while parts.len() > 1 {
        let mut joined = Vec::new();
        joined
            .try_reserve_exact(parts.len().div_ceil(2))
            .map_err(|_| Fail::NoMemory)?;
        let mut low = parts.into_iter();
        while let Some(part) = low.next() {
            joined.push(match low.next() {
                Some(high) => {
                    let product = multiply(&high, &power, rest)?;
                    room(2 * length(&product) + 1)?;
                    part + product
                }
                None => part,
            });
        }
        parts = joined;
        if parts.len() > 1 {
            power = multiply(&power, &power, rest)?;
        }
    }
    Ok(parts.pop().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(seed: &mut u64, digits: usize) -> BigUint {
        let mut halves = Vec::new();
        for _ in 0..2 * digits {
            *seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // Long runs of equal bits are what carries and borrows go wrong at.
            halves.push(match (*seed >> 60) % 4 {
                0 => 0,
                1 => u32::MAX,
                _ => (*seed >> 20) as u32,
            });
        }
        BigUint::new(halves)
    }

    #[test]
    fn quotients_by_one_digit_are_those_of_num_bigint() {
        let mut seed = 3;
        for (length, divisor) in [(1, 7), (1024, 10), (1025, u64::MAX), (5000, 1 << 63)] {
            let a = random(&mut seed, length);
            let digits: Vec<u64> = a.iter_u64_digits().collect();
            let mut done = 0;
            let mut rest = |_: usize| {
                done += 1;
                Ok(())
            };
            let quotient = divide_by_digit(&digits, divisor, &mut rest).unwrap();
            let remainder = remainder_by_digit(&digits, divisor, &mut rest).unwrap();
            let wanted: Vec<u64> = (&a / divisor).iter_u64_digits().collect();
            assert_eq!(digits::trim(&quotient), &wanted[..], "{length} / {divisor}");
            assert_eq!(BigUint::from(remainder), &a % divisor);
            assert!(done >= length / DIVIDED_AT_ONCE);
        }
    }

    #[test]
    fn products_and_quotients_are_those_of_num_bigint() {
        let mut seed = 7;
        let mut rests = 0;
        let mut rest = |_: usize| {
            rests += 1;
            Ok(())
        };
        for (one, two) in [
            (800, 790),
            (2000, 1999),
            (5000, 5000),
            (9001, 1200),
            (30_000, 40),
            (3000, 2900),
            (6145, 3073),
            (4097, 2049),
        ] {
            let (a, b) = (random(&mut seed, one), random(&mut seed, two));
            assert!(multiply(&a, &b, &mut rest) == Ok(&a * &b), "{one} * {two}");
            let (quotient, remainder) = divide(&a, &b, &mut rest).unwrap();
            assert!(quotient == &a / &b, "{one} / {two}");
            assert!(remainder == &a % &b, "{one} % {two}");
            let product = &a * &b;
            let exact = divide(&product, &b, &mut rest).unwrap();
            assert!(exact == (a, BigUint::ZERO), "{one}");
            let below = divide(&(product - 1u32), &b, &mut rest).unwrap();
            assert!(below.1 == b - 1u32, "{one}");
        }
        assert!(rests > 100);
    }

    #[test]
    fn text_and_back() {
        let mut seed = 3;
        let rest = &mut |_: usize| Ok(());
        for size in [1, 129, 1000, 5000] {
            for base in [2, 3, 10, 16, 36] {
                let value = random(&mut seed, size);
                let text = to_radix(&value, base, rest).unwrap();
                assert!(text == value.to_radix_be(base), "{size} to {base}");
                assert!(
                    from_radix(&text, base, rest) == Ok(value),
                    "{size} of {base}"
                );
            }
        }
        let power = BigUint::from(10u32).pow(20_000);
        let text = to_radix(&power, 10, rest).unwrap();
        assert!(text.len() == 20_001 && text[1..].iter().all(|digit| *digit == 0));
        assert!(from_radix(&text, 10, rest) == Ok(power));
    }

    #[test]
    fn an_error_ends_it() {
        let mut seed = 5;
        let (a, b) = (random(&mut seed, 5000), random(&mut seed, 2000));
        let mut left = 5;
        let mut rest = |_: usize| {
            left -= 1;
            if left < 0 { Err(Fail::Suspend) } else { Ok(()) }
        };
        assert_eq!(divide(&a, &b, &mut rest), Err(Fail::Suspend));
    }
}

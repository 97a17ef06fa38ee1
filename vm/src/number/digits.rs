//! Magnitudes as slices of 64-bit digits, least significant first: what is linear in their length.
//!
//! Nothing here knows of terms or signs. Slices may have leading zero digits unless a
//! function says otherwise; `out` is where a result goes and is always long enough, which the caller
//! sees to. The callers are [`super::big`] and its neighbours.

use core::cmp::Ordering;

/// `digits` without leading zeros.
pub fn trim(digits: &[u64]) -> &[u64] {
    let used = digits.iter().rposition(|&d| d != 0).map_or(0, |i| i + 1);
    &digits[..used]
}

/// The order of two magnitudes without leading zeros.
pub fn compare(a: &[u64], b: &[u64]) -> Ordering {
    a.len()
        .cmp(&b.len())
        .then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// `out = a + b`; `out` has one digit more than the longer of them.
pub fn add(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut carry = false;
    for (i, &digit) in long.iter().enumerate() {
        let (sum, one) = digit.overflowing_add(short.get(i).copied().unwrap_or(0));
        let (sum, two) = sum.overflowing_add(carry as u64);
        out[i] = sum;
        carry = one | two;
    }
    out[long.len()] = carry as u64;
}

/// `out = a - b` where `a >= b`; `out` is as long as `a`, and `b` not longer.
pub fn subtract(out: &mut [u64], a: &[u64], b: &[u64]) {
    let mut borrow = false;
    for (i, &digit) in a.iter().enumerate() {
        let (difference, one) = digit.overflowing_sub(b.get(i).copied().unwrap_or(0));
        let (difference, two) = difference.overflowing_sub(borrow as u64);
        out[i] = difference;
        borrow = one | two;
    }
}

/// `out = a * b` the way it is done on paper; `out` is zero before, and as long as both together.
pub fn multiply(out: &mut [u64], a: &[u64], b: &[u64]) {
    for (i, &x) in a.iter().enumerate() {
        let mut carry = 0u128;
        for (j, &y) in b.iter().enumerate() {
            let product = x as u128 * y as u128 + out[i + j] as u128 + carry;
            out[i + j] = product as u64;
            carry = product >> 64;
        }
        out[i + b.len()] = carry as u64;
    }
}

/// Quotient and remainder of the two digits `high` and `low`; `high` is less than `divisor`.
#[inline(always)]
fn divide_two_digits(high: u64, low: u64, divisor: u64) -> (u64, u64) {
    assert!(high < divisor);
    let (quotient, remainder);
    // SAFETY: only registers; the quotient fits, since the upper digit is less than the divisor. For `u128` the compiler calls a function that
    // does not know that, and takes several times as long.
    unsafe {
        core::arch::asm!(
            "div {divisor}",
            divisor = in(reg) divisor,
            inlateout("rax") low => quotient,
            inlateout("rdx") high => remainder,
            options(pure, nomem, nostack)
        );
    }
    (quotient, remainder)
}

/// `out = a / divisor`, and the remainder, where `above` is what digits above `a` have left: less than `divisor`. `out` is as long as `a`.
pub fn divide_by_digit(out: &mut [u64], a: &[u64], divisor: u64, above: u64) -> u64 {
    let mut remainder = above;
    for (place, &digit) in out.iter_mut().zip(a).rev() {
        (*place, remainder) = divide_two_digits(remainder, digit, divisor);
    }
    remainder
}

/// The remainder of `a` divided by `divisor`, with `above` as in [`divide_by_digit`].
pub fn remainder_by_digit(a: &[u64], divisor: u64, above: u64) -> u64 {
    let digits = a.iter().rev();
    digits.fold(above, |remainder, &digit| {
        divide_two_digits(remainder, digit, divisor).1
    })
}

/// `out = a << bits`; `out` has `bits / 64 + 1` digits more than `a`.
pub fn shift_left(out: &mut [u64], a: &[u64], bits: usize) {
    let (whole, part) = (bits / 64, bits % 64);
    out[..whole].fill(0);
    let mut carry = 0;
    for (i, &digit) in a.iter().enumerate() {
        out[whole + i] = (digit << part) | carry;
        carry = if part == 0 { 0 } else { digit >> (64 - part) };
    }
    out[whole + a.len()] = carry;
}

/// `out = a >> bits`, and whether any of the bits that went was set. `bits / 64` is less than the length of `a`,
/// and `out` has that many digits less than `a`.
pub fn shift_right(out: &mut [u64], a: &[u64], bits: usize) -> bool {
    let (whole, part) = (bits / 64, bits % 64);
    let rest = &a[whole..];
    for (i, &digit) in rest.iter().enumerate() {
        let above = rest.get(i + 1).copied().unwrap_or(0);
        out[i] = if part == 0 {
            digit
        } else {
            (digit >> part) | (above << (64 - part))
        };
    }
    a[..whole].iter().any(|&d| d != 0) || rest[0] & ((1 << part) - 1) != 0
}

/// `digits = digits + 1`; whether there was a carry out of the top.
pub fn increment(digits: &mut [u64]) -> bool {
    for digit in digits {
        *digit = digit.wrapping_add(1);
        if *digit != 0 {
            return false;
        }
    }
    true
}

/// `digits = -digits` in two's complement.
pub fn negate(digits: &mut [u64]) {
    for digit in digits.iter_mut() {
        *digit = !*digit;
    }
    increment(digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_are_each_others_inverse() {
        let a = [0x0123_4567_89ab_cdef, u64::MAX, 5];
        for bits in [0, 1, 63, 64, 65, 127, 128, 200] {
            let mut up = [0; 8];
            shift_left(&mut up, &a, bits);
            let mut down = [0; 8];
            assert!(!shift_right(&mut down, trim(&up), bits));
            assert_eq!(trim(&down), a);
        }
        let mut out = [0; 3];
        assert!(shift_right(&mut out, &a, 1), "a set bit went");
    }

    #[test]
    fn carries_run_through() {
        let mut out = [9; 4];
        add(&mut out, &[u64::MAX, u64::MAX, u64::MAX], &[1]);
        assert_eq!(out, [0, 0, 0, 1]);
        let mut back = [9; 4];
        subtract(&mut back, &out, &[1]);
        assert_eq!(trim(&back), [u64::MAX; 3]);
        let mut product = [0; 4];
        multiply(&mut product, &[u64::MAX, u64::MAX], &[u64::MAX, u64::MAX]);
        assert_eq!(product, [1, 0, u64::MAX - 1, u64::MAX]);
        let mut quotient = [0; 4];
        assert_eq!(divide_by_digit(&mut quotient, &product, u64::MAX, 0), 0);
        let mut again = [0; 5];
        multiply(&mut again, &quotient, &[u64::MAX]);
        assert_eq!(trim(&again), product);
    }
}

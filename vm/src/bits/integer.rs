//! Integers in bit strings: any size, signed or not, big or little endian.
//!
//! An integer of a size that is no multiple of 8 is, little endian, its bytes from the least significant
//! on, and then the bits that are left, which are its most significant ones.
//!
//! Invariant: what is written is the value modulo 2^size, in two's complement, so bignums and negative
//! numbers need no case of their own beyond [`Digits`].

use super::raw;
use crate::bif::{Fail, Value};
use crate::memory::Arena;
use crate::number::{Big, big};
use crate::term::{Subtag, Term};
use starling_loader::isa::segment;

/// Reverses the bytes of a number of `size` bits (at most 64) that was read as if big endian.
#[inline(always)]
fn little_to_value(read: u64, size: usize) -> u64 {
    let (whole, rest) = (size / 8 * 8, size % 8);
    if whole == 0 {
        return read;
    }
    let top = read & ((1 << rest) - 1);
    let body = (read >> rest).swap_bytes() >> (64 - whole);
    // `whole` is 64 only if nothing is left.
    if rest == 0 { body } else { body | top << whole }
}

/// The inverse: what to write, as if big endian, for a little endian number.
#[inline(always)]
fn value_to_little(value: u64, size: usize) -> u64 {
    let (whole, rest) = (size / 8 * 8, size % 8);
    if whole == 0 {
        return value;
    }
    let body = value.swap_bytes() >> (64 - whole);
    if rest == 0 {
        body
    } else {
        body << rest | (value >> whole) & ((1 << rest) - 1)
    }
}

/// The `size` bits (at most 64) at `position` with the endianness that `flags` has, zero-extended.
///
/// # Safety
/// As for [`raw::read`].
#[inline(always)]
pub unsafe fn read_word(base: *const u8, position: usize, size: usize, flags: u64) -> u64 {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::read(base, position, size) };
    if flags & segment::LITTLE == 0 {
        value
    } else {
        little_to_value(value, size)
    }
}

/// The integer of `size` bits at `position`, if it is a small one that fits a word while it is read: sizes up to 64.
///
/// # Safety
/// As for [`raw::read`].
#[inline(always)]
pub unsafe fn read_small(
    base: *const u8,
    position: usize,
    size: usize,
    flags: u64,
) -> Option<Term> {
    if size > 64 {
        return None;
    }
    // SAFETY: the caller's promise.
    let value = unsafe { read_word(base, position, size, flags) };
    if flags & segment::SIGNED != 0 && size != 0 {
        let unused = 64 - size;
        return Term::try_small(((value << unused) as i64) >> unused);
    }
    i64::try_from(value).ok().and_then(Term::try_small)
}

/// What is read at once, in bits: a digit more than an integer may have, for the sign.
const MOST_BITS: usize = 64 * (big::MAX_DIGITS + 1);

/// The number of `size` bits at `position` without the leading digits that say nothing, as far as it has more than [`MOST_BITS`]:
/// its position and size. `None` if it has more.
///
/// # Safety
/// As for [`raw::read`].
unsafe fn narrowed(
    base: *const u8,
    position: usize,
    size: usize,
    flags: u64,
) -> Option<(usize, usize)> {
    let (little, signed) = (flags & segment::LITTLE != 0, flags & segment::SIGNED != 0);
    let (mut position, mut size) = (position, size);
    // The most significant digit, its width, and whether its first bit is set.
    let top = |position: usize, size: usize| {
        let width = (size - 1) % 64 + 1;
        let offset = if little { size - width } else { 0 };
        // SAFETY: the caller's promise.
        let digit = unsafe { read_word(base, position + offset, width, flags) };
        (digit, width, digit >> (width - 1) == 1)
    };
    let mut next = top(position, size);
    let negative = signed && next.2;
    while size > MOST_BITS {
        let (digit, width, _) = next;
        let filler = if negative {
            u64::MAX >> (64 - width)
        } else {
            0
        };
        if digit != filler {
            return None;
        }
        size -= width;
        position += if little { 0 } else { width };
        next = top(position, size);
    }
    (!signed || next.2 == negative).then_some((position, size))
}

/// The integer of `size` bits at `position`. `system_limit` for more digits than an integer may have.
///
/// # Safety
/// As for [`raw::read`].
pub unsafe fn read<A: Arena + ?Sized>(
    arena: &mut A,
    base: *const u8,
    position: usize,
    size: usize,
    flags: u64,
) -> Value {
    // SAFETY: the caller's promise, here and below.
    unsafe {
        if let Some(small) = read_small(base, position, size, flags) {
            return Ok(small);
        }
        let signed = flags & segment::SIGNED != 0;
        if size <= 64 {
            let value = read_word(base, position, size, flags);
            let unused = 64 - size;
            return Ok(if signed {
                arena.integer(((value << unused) as i64) >> unused)?
            } else {
                arena.unsigned(value)?
            });
        }
        let little = flags & segment::LITTLE != 0;
        let (position, size) = match size > MOST_BITS {
            true => narrowed(base, position, size, flags).ok_or(Fail::SystemLimit)?,
            false => (position, size),
        };
        let count = size.div_ceil(64);
        let mut magnitude = big::Magnitude::new(arena, count)?;
        let digits = magnitude.digits();
        for (i, digit) in digits.iter_mut().enumerate() {
            // Digit `i` is bits [64 i, 64 i + width) of the value.
            let width = (size - i * 64).min(64);
            let offset = if little {
                i * 64
            } else {
                size - i * 64 - width
            };
            *digit = read_word(base, position + offset, width, flags);
        }
        let top_bits = size - (count - 1) * 64;
        let top = &mut digits[count - 1];
        let negative = signed && *top >> (top_bits - 1) & 1 == 1;
        if negative {
            *top |= u64::MAX.checked_shl(top_bits as u32).unwrap_or(0);
            negate(digits);
        }
        magnitude.finish(negative)
    }
}

/// `digits = -digits` in two's complement.
fn negate(digits: &mut [u64]) {
    let mut carry = true;
    for digit in digits {
        let (value, overflow) = (!*digit).overflowing_add(carry as u64);
        *digit = value;
        carry = overflow;
    }
}

/// An integer of any size as digits of two's complement, least significant first, without end.
enum Digits<'t> {
    Small(i64),
    Positive(&'t [u64]),
    /// Magnitude, and the index of its lowest digit that is not zero.
    Negative(&'t [u64], usize),
}

impl<'t> Digits<'t> {
    fn of(term: &'t Term) -> Option<Digits<'t>> {
        if let Some(value) = term.as_small() {
            return Some(Digits::Small(value));
        }
        let big = Big::of(term)?;
        Some(if big.negative {
            let lowest = big.digits.iter().position(|&d| d != 0).unwrap_or(0);
            Digits::Negative(big.digits, lowest)
        } else {
            Digits::Positive(big.digits)
        })
    }

    #[inline]
    fn digit(&self, index: usize) -> u64 {
        match *self {
            Digits::Small(value) if index == 0 => value as u64,
            Digits::Small(value) => (value >> 63) as u64,
            Digits::Positive(digits) => digits.get(index).copied().unwrap_or(0),
            Digits::Negative(digits, lowest) => {
                let digit = digits.get(index).copied().unwrap_or(0);
                if index <= lowest {
                    digit.wrapping_neg()
                } else {
                    !digit
                }
            }
        }
    }
}

/// Writes the integer `term` as `size` bits at `position`. `badarg` if it is no integer.
///
/// # Safety
/// As for [`raw::write`].
#[inline]
pub unsafe fn write(
    base: *mut u8,
    position: usize,
    size: usize,
    flags: u64,
    term: Term,
) -> Result<(), Fail> {
    if let Some(value) = term.as_small()
        && size <= 64
    {
        let little = flags & segment::LITTLE != 0 && size != 0;
        let value = if little {
            value_to_little(value as u64, size)
        } else {
            value as u64
        };
        // SAFETY: the caller's promise.
        unsafe { raw::write(base, position, size, value) };
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe { write_digits(base, position, size, flags, term) }
}

/// # Safety
/// As for [`raw::write`].
#[inline(never)]
unsafe fn write_digits(
    base: *mut u8,
    position: usize,
    size: usize,
    flags: u64,
    term: Term,
) -> Result<(), Fail> {
    let digits = Digits::of(&term).ok_or(Fail::Badarg)?;
    let count = size.div_ceil(64);
    let width = |index: usize| (size - index * 64).min(64);
    // SAFETY: from left to right, `size` bits in all.
    unsafe {
        if flags & segment::LITTLE != 0 {
            for i in 0..count {
                let value = value_to_little(digits.digit(i), width(i));
                raw::write(base, position + i * 64, width(i), value);
            }
        } else {
            let mut at = position;
            for i in (0..count).rev() {
                raw::write(base, at, width(i), digits.digit(i));
                at += width(i);
            }
        }
    }
    Ok(())
}

/// Whether `term` is an integer, small or not.
#[inline]
pub fn is_integer(term: Term) -> bool {
    term.is_small()
        || matches!(
            term.subtag(),
            Some(Subtag::BigPositive | Subtag::BigNegative)
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::term::compare::exact_equal;
    use alloc::vec;
    use alloc::vec::Vec;

    fn built(value: Term, size: usize, flags: u64, position: usize) -> Vec<u8> {
        let mut bytes = vec![0; (position + size).div_ceil(8)];
        // SAFETY: inside `bytes`.
        unsafe { write(bytes.as_mut_ptr(), position, size, flags, value) }.unwrap();
        bytes
    }

    #[test]
    fn what_otp_builds() {
        let mut arena = Parcel::new();
        let big = crate::number::big::from_i128(&mut arena, -(0x1_0000_0000_0000_0002)).unwrap();
        for (value, size, flags, expected) in [
            (Term::small(0x123), 12, 0, &[0x12, 0x30][..]),
            (Term::small(0x123), 12, segment::LITTLE, &[0x23, 0x10]),
            (Term::small(-2), 16, segment::LITTLE, &[0xfe, 0xff]),
            (
                Term::small(-2),
                72,
                0,
                &[255, 255, 255, 255, 255, 255, 255, 255, 254],
            ),
            (Term::small(5), 3, segment::LITTLE, &[0xa0]),
            (big, 72, 0, &[0xfe, 255, 255, 255, 255, 255, 255, 255, 254]),
            (
                big,
                68,
                segment::LITTLE,
                &[254, 255, 255, 255, 255, 255, 255, 255, 0xe0],
            ),
            (big, 8, 0, &[254]),
        ] {
            assert_eq!(built(value, size, flags, 0), expected);
        }
        let mut byte = [0u8];
        // SAFETY: inside `byte`.
        let result = unsafe { write(byte.as_mut_ptr(), 0, 8, 0, Term::NIL) };
        assert_eq!(result, Err(Fail::Badarg));
    }

    /// Every size, alignment, sign and endianness gives back what was put in.
    #[test]
    fn reading_is_the_inverse_of_writing() {
        let mut arena = Parcel::new();
        let mut values: Vec<i128> = vec![0, 1, -1, 0x0123_4567_89ab_cdef, i128::MIN, i128::MAX];
        for shift in [7, 8, 31, 58, 59, 60, 62, 63, 64, 65, 100] {
            values.extend([
                1 << shift,
                -(1 << shift),
                (1 << shift) - 1,
                -(1 << shift) - 1,
            ]);
        }
        for value in values {
            let term = crate::number::big::from_i128(&mut arena, value).unwrap();
            for size in (1..=130).chain([192, 200]) {
                for position in [0, 3, 8] {
                    for flags in [0, segment::LITTLE] {
                        let bytes = built(term, size, flags, position);
                        // SAFETY: inside `bytes`.
                        let mut back = |flags| unsafe {
                            read(&mut arena, bytes.as_ptr(), position, size, flags).unwrap()
                        };
                        let (signed, unsigned) = (back(flags | segment::SIGNED), back(flags));
                        let unused = 128usize.saturating_sub(size);
                        let expected = (value << unused) >> unused;
                        let expected = crate::number::big::from_i128(&mut arena, expected).unwrap();
                        assert!(exact_equal(signed, expected), "{value} {size} {flags}");
                        if size <= 128 {
                            let expected = ((value as u128) << unused) >> unused;
                            let expected =
                                crate::number::big::from_sign_and_u128(&mut arena, false, expected)
                                    .unwrap();
                            assert!(exact_equal(unsigned, expected), "{value} {size} {flags}");
                        }
                    }
                }
            }
        }
    }
}

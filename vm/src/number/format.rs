//! Numbers as text: integers to any base from 2 to 36, floats in each of OTP's formats.
//!
//! Called by the built-in functions of [`crate::bif::number`] and by the printer of terms.
//!
//! Invariant: all text is ASCII, and what OTP prints, to the byte.

use super::{Number, big, long};
use crate::bif::Fail;
use crate::memory::Arena;
use crate::term::Term;
use core::fmt::{self, Write};
use smallvec::SmallVec;

/// The digits of an integer; those of a machine word need no allocation in any base.
pub type IntegerText = SmallVec<[u8; 72]>;

const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// An integer to `base` (2 to 36), with upper case letters. Empty if `term` is no integer.
/// `arena`'s process lets others run while a long one is converted.
pub fn integer_text<A: Arena + ?Sized>(
    arena: &mut A,
    term: Term,
    base: u32,
) -> Result<IntegerText, Fail> {
    let mut text = IntegerText::new();
    match Number::of(&term) {
        Some(Number::Small(value)) => {
            let mut rest = value.unsigned_abs();
            loop {
                text.push(DIGITS[(rest % base as u64) as usize]);
                rest /= base as u64;
                if rest == 0 {
                    break;
                }
            }
            if value < 0 {
                text.push(b'-');
            }
            text.reverse();
        }
        Some(Number::Big(value)) => {
            let bits = value.digits.len() * 64;
            let characters = bits / base.ilog2() as usize + 2;
            text.try_reserve(characters).map_err(|_| Fail::NoMemory)?;
            let magnitude = big::to_biguint(value.digits)?;
            let digits = long::to_radix(&magnitude, base, &mut |work| arena.rest(work))?;
            if value.negative {
                text.push(b'-');
            }
            text.extend(digits.iter().map(|&d| DIGITS[d as usize]));
        }
        Some(Number::Float(_)) | None => {}
    }
    Ok(text)
}

/// How a float is to be printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatFormat {
    /// So many digits behind the point, and an exponent of two digits or more: `1.50e+00`.
    Scientific(usize),
    /// So many digits behind the point, without exponent.
    Decimals {
        /// How many.
        digits: usize,
        /// Without trailing zeros, except one behind the point.
        compact: bool,
    },
    /// The fewest digits that read back as the same float.
    Short,
}

/// What `float_to_list/1` uses.
pub const DEFAULT_FLOAT_FORMAT: FloatFormat = FloatFormat::Scientific(20);

/// Most characters of a float (OTP's buffer is 256 bytes, the last one for a zero).
const MAX_FLOAT_TEXT: usize = 255;

/// The text of a float.
pub struct FloatText {
    bytes: [u8; MAX_FLOAT_TEXT],
    length: usize,
}

impl FloatText {
    fn new() -> FloatText {
        FloatText {
            bytes: [0; MAX_FLOAT_TEXT],
            length: 0,
        }
    }

    /// The characters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        // Nothing but ASCII is ever written.
        core::str::from_utf8(self.as_bytes()).unwrap_or("")
    }

    /// Drops zeros from the end, but leaves one digit behind the point.
    fn drop_zeros(&mut self) {
        while let [.., digit, b'0'] = self.as_bytes() {
            if *digit == b'.' {
                break;
            }
            self.length -= 1;
        }
    }
}

impl Write for FloatText {
    /// Fails when the text gets too long.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let place = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// A float in a format; `None` if it has more than 255 characters in it, which is `badarg`.
pub fn float_text(value: f64, format: FloatFormat) -> Option<FloatText> {
    let mut text = FloatText::new();
    match format {
        FloatFormat::Scientific(digits) => scientific(&mut text, value, digits).ok()?,
        FloatFormat::Decimals { digits, compact } => {
            decimals(&mut text, value, digits).ok()?;
            if compact && digits > 0 {
                text.drop_zeros();
            }
        }
        FloatFormat::Short => short(&mut text, value).ok()?,
    }
    Some(text)
}

fn scientific(text: &mut FloatText, value: f64, digits: usize) -> fmt::Result {
    // Rust's exponents have neither plus sign nor leading zero. Its digits are exact, and a tie goes to the even
    // one, as in C.
    let mut plain = FloatText::new();
    write!(plain, "{value:.digits$e}")?;
    let (mantissa, exponent) = split_exponent(plain.as_str());
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(text, "{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

fn split_exponent(text: &str) -> (&str, i32) {
    match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(0)),
        None => (text, 0),
    }
}

/// Up to this many digits behind the point OTP computes with floats, and a tie goes away from zero; with
/// more it prints the exact value.
const MAX_FAST_DECIMALS: usize = 18;

/// Floats up to here have a whole part that OTP takes as an integer.
const MAX_FAST: f64 = 9_007_199_254_740_992.0;

fn decimals(text: &mut FloatText, value: f64, digits: usize) -> fmt::Result {
    let magnitude = libm::fabs(value);
    if digits > MAX_FAST_DECIMALS || magnitude > MAX_FAST {
        return write!(text, "{value:.digits$}");
    }
    let scale = 10u64.pow(digits as u32);
    let mut whole = magnitude as u64;
    let mut fraction = libm::round((magnitude - whole as f64) * scale as f64) as u64;
    if fraction >= scale {
        fraction -= scale;
        whole += 1;
    }
    if value.is_sign_negative() {
        text.write_char('-')?;
    }
    write!(text, "{whole}")?;
    if digits > 0 {
        write!(text, ".{fraction:0digits$}")?;
    }
    Ok(())
}

/// From here on not every integer is a float, so digits before the point would pretend to be exact.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The fewest digits that read back as `magnitude`, in Rust's notation with an exponent. Of two that are equally
/// near the one with the even last digit, where Rust's own choice is the larger one.
fn shortest_digits(magnitude: f64) -> Result<FloatText, fmt::Error> {
    let mut upper = FloatText::new();
    write!(upper, "{magnitude:e}")?;
    let (mantissa, decimal_exponent) = split_exponent(upper.as_str());
    let behind_point = mantissa.len().saturating_sub(2) as i32 - decimal_exponent;
    // A float that is an odd number times 2^-n has n digits behind the point, the last a 5. It lies
    // halfway between two texts if they have one digit less.
    let (_, exponent, bits) = big::decompose(magnitude);
    let fraction_digits = -(exponent + bits.trailing_zeros() as i32);
    if bits == 0 || fraction_digits != behind_point + 1 || fraction_digits <= 0 {
        return Ok(upper);
    }
    let digits = (behind_point + decimal_exponent) as usize;
    let mut exact = FloatText::new();
    write!(exact, "{magnitude:.*e}", digits + 1)?;
    let (mantissa, decimal_exponent) = split_exponent(exact.as_str());
    let mut lower = FloatText::new();
    let below = mantissa.strip_suffix('5').unwrap_or(mantissa);
    write!(lower, "{}e{decimal_exponent}", below.trim_end_matches('.'))?;
    let is_even = below
        .bytes()
        .rfind(u8::is_ascii_digit)
        .is_some_and(|d| d % 2 == 0);
    if is_even && lower.as_str().parse() == Ok(magnitude) {
        return Ok(lower);
    }
    Ok(upper)
}

/// The shortest digits, with an exponent where that is shorter, or the number is beyond 2^53.
fn short(text: &mut FloatText, value: f64) -> fmt::Result {
    let plain = shortest_digits(libm::fabs(value))?;
    let (mantissa, exponent) = split_exponent(plain.as_str());
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let count = 1 + rest.len() as i32;
    if value.is_sign_negative() {
        text.write_char('-')?;
    }
    // Digits before the point in plain notation; none or less for a number below one.
    let place = exponent + 1;
    if place > 0 && place < count && libm::fabs(value) < MAX_EXACT {
        let (before, behind) = rest.split_at(exponent as usize);
        return write!(text, "{first}{before}.{behind}");
    }
    if place == 0 {
        return write!(text, "0.{first}{rest}");
    }
    // 'e', the exponent, and ".0" where there is only one digit.
    let width = |n: i32| n.unsigned_abs().checked_ilog10().unwrap_or(0) as i32 + 1 + (n < 0) as i32;
    let exponent_costs = 1 + width(exponent) + if count == 1 { 2 } else { 1 };
    let zeros_cost = if place < 0 {
        2 - place
    } else {
        place - count + 2
    };
    if zeros_cost > exponent_costs || libm::fabs(value) >= MAX_EXACT {
        let rest = if rest.is_empty() { "0" } else { rest };
        write!(text, "{first}.{rest}e{exponent}")
    } else if place < 0 {
        write!(
            text,
            "0.{:0<zeros$}{first}{rest}",
            "",
            zeros = -place as usize
        )
    } else {
        write!(text, "{first}{rest:0<zeros$}.0", zeros = exponent as usize)
    }
}

#[cfg(test)]
#[expect(
    clippy::excessive_precision,
    reason = "floats are written out where that is the point"
)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::number::testing::{as_bigint, integer, random_integer};
    use alloc::string::String;

    fn text(value: f64, format: FloatFormat) -> String {
        float_text(value, format).map_or("too long".into(), |text| text.as_str().into())
    }

    #[test]
    fn integers_to_all_bases() {
        let mut arena = Parcel::new();
        let mut seed = 3;
        for round in 0..600 {
            let (term, value) = random_integer(&mut arena, &mut seed, round % 8);
            let base = 2 + round as u32 % 35;
            let text = integer_text(&mut arena, term, base).unwrap();
            let expected = value.to_str_radix(base).to_uppercase();
            assert_eq!(core::str::from_utf8(&text), Ok(expected.as_str()));
            assert_eq!(as_bigint(term), value);
        }
        let big = integer(&mut arena, "-1208925819614629174706176");
        assert_eq!(
            integer_text(&mut arena, big, 36).unwrap().as_slice(),
            b"-5GV2RMA270X9HHJ4".as_slice()
        );
    }

    // What erl 25 prints.

    #[test]
    fn short_floats() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1e3, "1.0e3"),
            (12300.0, "1.23e4"),
            (1234.0, "1234.0"),
            (123456789.0, "123456789.0"),
            (9007199254740991.0, "9007199254740991.0"),
            (9007199254740992.0, "9.007199254740992e15"),
            (123456789012345678.0, "1.2345678901234568e17"),
            (1e22, "1.0e22"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.0001, "0.0001"),
            (1e-5, "1.0e-5"),
            (1.2e-5, "1.2e-5"),
            (0.00123, "0.00123"),
            (5e-324, "5.0e-324"),
            (-1e10, "-1.0e10"),
            (f64::MAX, "1.7976931348623157e308"),
            (1.0 / 3.0, "0.3333333333333333"),
            // Halfway between two.
            (701738870975914.25, "701738870975914.2"),
            (2.98023223876953125e-8, "2.9802322387695312e-8"),
            (5.9604644775390625e-8, "5.960464477539063e-8"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(value, FloatFormat::Short), expected);
        }
    }

    #[test]
    fn scientific_floats() {
        let cases = [
            (1.0, 20, "1.00000000000000000000e+00"),
            (-0.0, 3, "-0.000e+00"),
            (2.5, 0, "2e+00"),
            (1e-5, 20, "1.00000000000000008180e-05"),
            (5e-324, 3, "4.941e-324"),
            (1e300, 0, "1e+300"),
        ];
        for (value, digits, expected) in cases {
            assert_eq!(text(value, FloatFormat::Scientific(digits)), expected);
        }
        assert_eq!(text(1.0, FloatFormat::Scientific(249)).len(), 255);
        assert_eq!(text(-1.0, FloatFormat::Scientific(249)), "too long");
    }

    #[test]
    fn floats_with_decimals() {
        let cases = [
            (0.1, 17, false, "0.10000000000000000"),
            (
                52000634255.74787902832031255,
                16,
                false,
                "52000634255.7478790283203125",
            ),
            (0.1, 19, false, "0.1000000000000000056"),
            (0.5, 0, false, "1"),
            (2.5, 0, true, "3"),
            (-0.001, 2, false, "-0.00"),
            (9.999999, 5, false, "10.00000"),
            (9.999999, 5, true, "10.0"),
            (1.00001, 5, true, "1.00001"),
            (1e23, 0, false, "99999999999999991611392"),
            (1e23, 2, true, "99999999999999991611392.0"),
            (100.0, 4, true, "100.0"),
        ];
        for (value, digits, compact, expected) in cases {
            assert_eq!(
                text(value, FloatFormat::Decimals { digits, compact }),
                expected
            );
        }
        let long = |value, digits| {
            text(
                value,
                FloatFormat::Decimals {
                    digits,
                    compact: true,
                },
            )
        };
        assert_eq!(long(1e255, 0).len(), 255);
        assert_eq!(long(1e256, 0), "too long");
        assert_eq!(long(10.0, 253), "too long", "before zeros are dropped");
    }
}

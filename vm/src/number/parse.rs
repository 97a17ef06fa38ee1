//! Text to numbers.
//!
//! Invariant: what is accepted is what OTP accepts: an integer is an optional sign and digits of the base in either case; a
//! float is an optional sign, digits, a point (or a comma), digits, and possibly an exponent.

use super::big::{self, MAX_DIGITS};
use super::long;
use crate::bif::{Fail, Value};
use crate::memory::Arena;
use crate::term::Term;
use alloc::vec::Vec;
use num_bigint::BigUint;
use smallvec::SmallVec;

/// Splits off a sign: whether it is minus, and how many bytes it has.
fn sign(text: &[u8]) -> (bool, usize) {
    match text.first() {
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        _ => (false, 0),
    }
}

/// How many bytes at the start of `text` are an integer in decimal; 0 if none are.
pub fn integer_prefix(text: &[u8]) -> usize {
    let (_, start) = sign(text);
    match digits(&text[start..]) {
        0 => 0,
        digits => start + digits,
    }
}

fn digits(text: &[u8]) -> usize {
    let is_digit = |c: &u8| c.is_ascii_digit();
    text.iter().take_while(|c| is_digit(c)).count()
}

/// How many bytes at the start of `text` are a float; 0 if none are.
pub fn float_prefix(text: &[u8]) -> usize {
    let (_, start) = sign(text);
    let whole = digits(&text[start..]);
    let point = start + whole;
    if whole == 0 || !matches!(text.get(point), Some(b'.' | b',')) {
        return 0;
    }
    let fraction = digits(&text[point + 1..]);
    if fraction == 0 {
        return 0;
    }
    let end = point + 1 + fraction;
    if !matches!(text.get(end), Some(b'e' | b'E')) {
        return end;
    }
    match integer_prefix(&text[end + 1..]) {
        // An e that begins no exponent is no part of the float.
        0 => end,
        exponent => end + 1 + exponent,
    }
}

/// Characters of an integer that are converted at once.
const LONG_TEXT: usize = 4000;

/// The integer that all of `text` is, to `base` (2 to 36); `badarg` if it is none.
pub fn integer<A: Arena + ?Sized>(arena: &mut A, text: &[u8], base: u32) -> Value {
    let (negative, start) = sign(text);
    let text = &text[start..];
    if text.is_empty() {
        return Err(Fail::Badarg);
    }
    // So many digits fit a machine word in any base: 36^12 < 2^63.
    if text.len() <= 12 || (base == 10 && text.len() <= 18) {
        let mut value = 0i64;
        for &character in text {
            value = value * base as i64 + digit(character, base)? as i64;
        }
        return Ok(arena.integer(if negative { -value } else { value })?);
    }
    let mut digits = Vec::new();
    digits
        .try_reserve_exact(text.len())
        .map_err(|_| Fail::NoMemory)?;
    for &character in text {
        digits.push(digit(character, base)?);
    }
    // Leading zeros do not count, and ilog2 rounds down: what is above the limit is so for sure.
    let significant = digits.iter().skip_while(|d| **d == 0).count();
    if significant.saturating_sub(1) > MAX_DIGITS * 64 / base.ilog2() as usize {
        return Err(Fail::SystemLimit);
    }
    let value = if digits.len() > LONG_TEXT {
        long::from_radix(&digits, base, &mut |work| arena.rest(work))?
    } else {
        // The digits once more in reverse, and the number as it grows.
        big::probe(text.len())?;
        BigUint::from_radix_be(&digits, base).ok_or(Fail::Badarg)?
    };
    big::from_biguint(arena, negative, &value)
}

#[inline]
fn digit(character: u8, base: u32) -> Result<u8, Fail> {
    match (character as char).to_digit(base) {
        Some(digit) => Ok(digit as u8),
        None => Err(Fail::Badarg),
    }
}

/// The float that all of `text` is; `badarg` if it is none, or beyond the range.
pub fn float(text: &[u8]) -> Result<f64, Fail> {
    // OTP's text of a float ends at a zero byte, as a string of C.
    let end = text.iter().position(|&byte| byte == 0);
    let text = &text[..end.unwrap_or(text.len())];
    if text.is_empty() || float_prefix(text) != text.len() {
        return Err(Fail::Badarg);
    }
    let mut plain: SmallVec<[u8; 64]> = SmallVec::new();
    plain.try_reserve(text.len()).map_err(|_| Fail::NoMemory)?;
    plain.extend(text.iter().map(|&c| if c == b',' { b'.' } else { c }));
    match core::str::from_utf8(&plain).map(str::parse::<f64>) {
        Ok(Ok(value)) if value.is_finite() => Ok(value),
        _ => Err(Fail::Badarg),
    }
}

/// The bytes of a list of characters up to the first that is none, and what is left of the list.
pub fn list_bytes(list: Term) -> Result<(SmallVec<[u8; 64]>, Term), Fail> {
    let mut bytes: SmallVec<[u8; 64]> = SmallVec::new();
    let mut rest = list;
    while let Some(cell) = rest.as_cons() {
        let Some(byte) = cell.head.as_small().and_then(|c| u8::try_from(c).ok()) else {
            break;
        };
        if bytes.len() == bytes.capacity() {
            bytes.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        }
        bytes.push(byte);
        rest = cell.tail;
    }
    Ok((bytes, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::number::format::integer_text;
    use crate::number::testing::random_integer;
    use crate::term::compare::exact_equal;

    #[test]
    fn integers_read_back() {
        let mut arena = Parcel::new();
        let mut seed = 11;
        for round in 0..600 {
            let (term, _) = random_integer(&mut arena, &mut seed, round % 8);
            let base = 2 + round as u32 % 35;
            let mut text = integer_text(&mut arena, term, base).unwrap();
            let again = integer(&mut arena, &text, base).unwrap();
            assert!(exact_equal(again, term));
            text.make_ascii_lowercase();
            let again = integer(&mut arena, &text, base).unwrap();
            assert!(exact_equal(again, term));
        }
    }

    #[test]
    fn what_is_no_integer() {
        let mut arena = Parcel::new();
        for text in [
            "",
            "+",
            "-",
            "+-1",
            " 1",
            "1 ",
            "12a",
            "1_0",
            "1234567890123456789x",
            "\u{e4}",
        ] {
            assert_eq!(
                integer(&mut arena, text.as_bytes(), 10),
                Err(Fail::Badarg),
                "{text}"
            );
        }
        assert_eq!(integer(&mut arena, b"2", 2), Err(Fail::Badarg));
        assert_eq!(integer(&mut arena, b"+07", 8), Ok(Term::small(7)));
        let long = alloc::vec![b'1'; MAX_DIGITS * 64 + 2];
        assert_eq!(integer(&mut arena, &long, 2), Err(Fail::SystemLimit));
        assert!(integer(&mut arena, &long[2..], 2).is_ok());
    }

    #[test]
    fn floats() {
        let good: [(&str, f64); 10] = [
            ("1.0", 1.0),
            ("+1.5e05", 1.5e5),
            ("-0.0", -0.0),
            ("1,25", 1.25),
            ("1.0E+5", 1e5),
            ("0.0e999999999999", 0.0),
            ("1.0e-99999999999999999999", 0.0),
            ("2.4703282292062328e-324", 5e-324),
            ("1.7976931348623158e308", f64::MAX),
            ("00001.5", 1.5),
        ];
        for (text, value) in good {
            assert_eq!(
                float(text.as_bytes()).map(f64::to_bits),
                Ok(value.to_bits()),
                "{text}"
            );
        }
        let bad = [
            "",
            "1",
            "1.",
            ".1",
            "1e5",
            "1.e5",
            "1.0e",
            "1.0e+",
            "1.0e5.0",
            "++1.0",
            "1.0 ",
            "inf",
            "nan",
            "0x1.0",
            "1.0e309",
            "1.7976931348623159e308",
        ];
        for text in bad {
            assert_eq!(float(text.as_bytes()), Err(Fail::Badarg), "{text}");
        }
    }

    #[test]
    fn prefixes_end_where_the_number_does() {
        for (text, length) in [("12abc", 2), ("-7", 2), ("+", 0), ("+a", 0), ("", 0)] {
            assert_eq!(integer_prefix(text.as_bytes()), length, "{text}");
        }
        for (text, length) in [
            ("1.2abc", 3),
            ("1.2eabc", 3),
            ("1.2e5abc", 5),
            ("1.2e+abc", 3),
            ("-1.2e+5abc", 7),
            ("1.", 0),
            ("+", 0),
        ] {
            assert_eq!(float_prefix(text.as_bytes()), length, "{text}");
        }
    }
}

//! The order of numbers, exact between integers and floats as in OTP: an integer is
//! never rounded to be compared.
//!
//! `crate::term::compare` calls this for any two numbers of which one is not small, and the
//! interpreter through it.

use super::big::{self, Integer};
use super::{Number, digits};
use crate::term::Term;
use core::cmp::Ordering;

/// The order of two numbers by value: `1` equals `1.0`. Anything that is no number counts as zero: the callers
/// have looked.
pub fn compare_numbers(a: Term, b: Term) -> Ordering {
    let (Some(x), Some(y)) = (Number::of(&a), Number::of(&b)) else {
        debug_assert!(false, "compare_numbers of something else");
        return Ordering::Equal;
    };
    match (x, y) {
        (Number::Small(x), Number::Small(y)) => x.cmp(&y),
        (Number::Float(x), Number::Float(y)) => compare_floats(x, y),
        (Number::Float(x), y) => compare_with_float(y, x).reverse(),
        (x, Number::Float(y)) => compare_with_float(x, y),
        (x, y) => match (Integer::of(x), Integer::of(y)) {
            (Some(x), Some(y)) => compare_magnitudes(x, y),
            _ => Ordering::Equal,
        },
    }
}

/// Terms hold no NaN, so floats have a total order; 0.0 and -0.0 are equal.
fn compare_floats(x: f64, y: f64) -> Ordering {
    x.partial_cmp(&y).unwrap_or(Ordering::Equal)
}

fn compare_magnitudes(x: Integer<'_>, y: Integer<'_>) -> Ordering {
    match (x.negative, y.negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => digits::compare(x.digits(), y.digits()),
        (true, true) => digits::compare(y.digits(), x.digits()),
    }
}

/// Below this every integer is a float, exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn compare_with_float(integer: Number<'_>, float: f64) -> Ordering {
    if let Number::Small(value) = integer
        && float > -EXACT
        && float < EXACT
    {
        // A larger integer may be rounded here, but not past 2^53.
        return compare_floats(value as f64, float);
    }
    let Some(integer) = Integer::of(integer) else {
        return Ordering::Equal;
    };
    let float_negative = float < 0.0;
    if integer.negative != float_negative {
        return if integer.negative {
            Ordering::Less
        } else {
            Ordering::Greater
        };
    }
    let order = compare_with_float_magnitude(integer.digits(), float);
    if float_negative {
        order.reverse()
    } else {
        order
    }
}

/// The order of `magnitude` and the magnitude of `float`.
fn compare_with_float_magnitude(magnitude: &[u64], float: f64) -> Ordering {
    let (_, exponent, mantissa) = big::decompose(float);
    if exponent < 0 {
        // Below 2^53: one digit, and a fraction that decides between equal whole parts.
        let shift = (-exponent).min(63);
        let whole = [mantissa >> shift];
        return digits::compare(magnitude, digits::trim(&whole)).then_with(|| {
            if mantissa & ((1 << shift) - 1) == 0 {
                Ordering::Equal
            } else {
                Ordering::Less
            }
        });
    }
    // Up to 1024 bits.
    let mut whole = [0u64; 18];
    digits::shift_left(&mut whole, &[mantissa], exponent as usize);
    digits::compare(magnitude, digits::trim(&whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Arena;
    use crate::memory::heap::Parcel;
    use crate::number::big::from_i128;
    use crate::term::{MAX_SMALL, MIN_SMALL};

    #[test]
    fn integers_and_floats_are_compared_exactly() {
        use Ordering::*;
        let mut arena = Parcel::new();
        let two = |n: u32| 2f64.powi(n as i32);
        let cases: &[(i128, f64, Ordering)] = &[
            (0, 0.0, Equal),
            (0, -0.0, Equal),
            (1, 1.5, Less),
            (2, 1.5, Greater),
            (-1, -1.5, Greater),
            ((1 << 53) + 1, two(53), Greater),
            (1 << 53, two(53), Equal),
            (MAX_SMALL as i128, two(59), Less),
            (MIN_SMALL as i128, -two(59), Equal),
            (1 << 59, two(59), Equal),
            ((1 << 59) + 1, two(59), Greater),
            (-(1 << 59) - 1, -two(59), Less),
            (1 << 100, two(100), Equal),
            ((1 << 100) + 1, two(100), Greater),
            ((1 << 100) - 1, two(100), Less),
            (1 << 100, f64::MAX, Less),
            (-(1 << 100), -f64::MAX, Greater),
            (1 << 100, 5e-324, Greater),
            (0, 5e-324, Less),
            (0, -5e-324, Greater),
            (-(1 << 100), 3.0, Less),
        ];
        for &(integer, float, expected) in cases {
            let a = from_i128(&mut arena, integer).unwrap();
            let b = arena.float(float).unwrap();
            assert_eq!(compare_numbers(a, b), expected, "{integer} {float}");
            assert_eq!(
                compare_numbers(b, a),
                expected.reverse(),
                "{float} {integer}"
            );
        }
    }

    #[test]
    fn integers_are_in_order() {
        let mut arena = Parcel::new();
        let values: [i128; 9] = [
            -(1 << 90),
            -(1 << 70) - 1,
            -(1 << 70),
            MIN_SMALL as i128,
            0,
            MAX_SMALL as i128,
            1 << 63,
            1 << 64,
            1 << 90,
        ];
        let terms = values.map(|v| from_i128(&mut arena, v).unwrap());
        for (i, &a) in terms.iter().enumerate() {
            for (j, &b) in terms.iter().enumerate() {
                assert_eq!(compare_numbers(a, b), i.cmp(&j));
            }
        }
    }
}

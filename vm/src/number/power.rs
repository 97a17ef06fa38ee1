//! Powers of floats. With a whole exponent, as in `math:pow(10, -18)`, they are computed with twice the digits of a float and rounded once, so the
//! result is the float nearest to the true one; the C library's differs from that in less than one of a thousand cases, `libm`'s in one of ten.
//!
//! Invariant of [`Wide`]: `high` is the sum of both, rounded; 1 <= `high` < 2, so nothing over- or underflows.

/// Largest exponent that is worth it: beyond, only bases next to 1 have powers in the range of floats.
const MOST: f64 = 1100.0;

/// Exponents of two within which a result is a normal float.
const NORMAL: core::ops::RangeInclusive<i64> = -1021..=1023;

/// `base` to the power of `exponent`, as C's `pow`.
pub fn pow(base: f64, exponent: f64) -> f64 {
    let is_whole = libm::trunc(exponent) == exponent && libm::fabs(exponent) <= MOST;
    let power = (is_whole && base.is_normal())
        .then(|| whole(libm::fabs(base), exponent as i64))
        .flatten();
    match power {
        Some(power) if base < 0.0 && exponent as i64 % 2 != 0 => -power,
        Some(power) => power,
        None => libm::pow(base, exponent),
    }
}

/// The sum of two floats, of which the second is too small to be seen in the first.
#[derive(Clone, Copy)]
struct Wide {
    high: f64,
    low: f64,
}

/// A number and the power of two that it is to be multiplied with.
#[derive(Clone, Copy)]
struct Scaled {
    digits: Wide,
    exponent: i64,
}

const ONE: Scaled = Scaled {
    digits: Wide {
        high: 1.0,
        low: 0.0,
    },
    exponent: 0,
};

/// The power, unless it is not a normal float.
fn whole(base: f64, exponent: i64) -> Option<f64> {
    let (high, shift) = normalised(base);
    let low = 0.0;
    let mut square = Scaled {
        digits: Wide { high, low },
        exponent: shift,
    };
    let mut power = ONE;
    let mut left = exponent.unsigned_abs();
    while left > 0 {
        if left & 1 == 1 {
            power = power.times(square);
        }
        left >>= 1;
        if left > 0 {
            square = square.times(square);
        }
    }
    let (value, shift) = match exponent < 0 {
        true => (power.digits.reciprocal(), -power.exponent),
        false => (power.digits.high, power.exponent),
    };
    NORMAL.contains(&shift).then(|| value * power_of_two(shift))
}

impl Scaled {
    fn times(self, other: Scaled) -> Scaled {
        let Wide { high, low } = self.digits.times(other.digits);
        let (high, shift) = normalised(high);
        Scaled {
            digits: Wide {
                high,
                low: low * power_of_two(-shift),
            },
            exponent: self.exponent + other.exponent + shift,
        }
    }
}

impl Wide {
    fn times(self, other: Wide) -> Wide {
        let (high, error) = product(self.high, other.high);
        sum(
            high,
            error + (self.high * other.low + self.low * other.high),
        )
    }

    /// One divided by it, rounded.
    fn reciprocal(self) -> f64 {
        let guess = 1.0 / self.high;
        let one = self.times(Wide {
            high: guess,
            low: 0.0,
        });
        let missing = (1.0 - one.high) - one.low;
        guess + missing * guess
    }
}

/// `a + b`, rounded, and what that leaves out; `b` is the smaller one.
fn sum(a: f64, b: f64) -> Wide {
    let high = a + b;
    Wide {
        high,
        low: b - (high - a),
    }
}

/// `a * b`, rounded, and what that leaves out: halves of 26 bits have exact products.
fn product(a: f64, b: f64) -> (f64, f64) {
    let halves = |x: f64| {
        let top = x * ((1 << 27) + 1) as f64;
        let top = top - (top - x);
        (top, x - top)
    };
    let rounded = a * b;
    let ((a, a_low), (b, b_low)) = (halves(a), halves(b));
    let error = ((a * b - rounded) + a * b_low + a_low * b) + a_low * b_low;
    (rounded, error)
}

/// A number from 1 on and below 2, and the exponent of two that it was divided by. The argument is normal and positive.
fn normalised(x: f64) -> (f64, i64) {
    let exponent = (x.to_bits() >> 52) as i64 - 1023;
    let fraction = x.to_bits() & ((1 << 52) - 1);
    (f64::from_bits(1023 << 52 | fraction), exponent)
}

/// Exact for exponents of normal floats.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn powers_of_ten_are_the_nearest_floats() {
        for exponent in -300..=300 {
            let expected: f64 = format!("1e{exponent}").parse().unwrap();
            assert_eq!(pow(10.0, exponent as f64), expected, "{exponent}");
        }
    }

    #[test]
    fn signs_and_ends_of_the_range() {
        assert_eq!(pow(-2.0, 3.0), -8.0);
        assert_eq!(pow(-2.0, -2.0), 0.25);
        assert_eq!(pow(0.0, 3.0), 0.0);
        assert_eq!(pow(7.0, 0.0), 1.0);
        assert_eq!(pow(2.0, 0.5), core::f64::consts::SQRT_2);
        assert_eq!(pow(2.0, 1023.0), 8.98846567431158e307);
        assert_eq!(pow(2.0, -1074.0), f64::from_bits(1));
        assert!(pow(10.0, 309.0).is_infinite());
        assert!(pow(-1.0, 0.5).is_nan());
        assert_eq!(pow(-1.0, f64::INFINITY), 1.0);
    }
}

//! Floats in bit strings: IEEE 754 half, single and double precision, big or little endian.
//!
//! As in OTP, matching an infinity or a NaN fails, and a value that is too large for the size is written as an
//! infinity. Conversions round to nearest, ties to even, and keep subnormal numbers.

use super::integer;
use super::raw;
use starling_loader::isa::segment;

/// The float of `size` bits at `position`. `None` if there is no float of that size, or the bits are not
/// those of a finite number. A size of 0 gives 0.0, as in OTP.
///
/// # Safety
/// As for [`raw::read`].
#[inline]
pub unsafe fn read(base: *const u8, position: usize, size: usize, flags: u64) -> Option<f64> {
    if !matches!(size, 0 | 16 | 32 | 64) {
        return None;
    }
    // SAFETY: the caller's promise.
    let bits = unsafe { integer::read_word(base, position, size, flags) };
    let value = match size {
        16 => half_to_double(bits as u16),
        32 => f32::from_bits(bits as u32) as f64,
        _ => f64::from_bits(bits),
    };
    value.is_finite().then_some(value)
}

/// Writes `value` as a float of `size` bits at `position`; false if there is no float of that size.
///
/// # Safety
/// As for [`raw::write`].
#[inline]
pub unsafe fn write(base: *mut u8, position: usize, size: usize, flags: u64, value: f64) -> bool {
    let bits = match size {
        16 => double_to_half(value) as u64,
        32 => (value as f32).to_bits() as u64,
        64 => value.to_bits(),
        _ => return false,
    };
    let bits = if flags & segment::LITTLE == 0 {
        bits
    } else {
        bits.swap_bytes() >> (64 - size)
    };
    // SAFETY: the caller's promise.
    unsafe { raw::write(base, position, size, bits) };
    true
}

/// Half precision: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction.
fn half_to_double(half: u16) -> f64 {
    let fraction = (half & 0x3ff) as f64;
    let magnitude = match half >> 10 & 0x1f {
        // Exact: multiplying with a power of two.
        0 => fraction * power_of_two(-24),
        0x1f => return f64::NAN,
        exponent => (fraction + 1024.0) * power_of_two(exponent as i32 - 25),
    };
    if half >> 15 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// 2 to the power of `exponent`, which is that of a normal double.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

fn double_to_half(value: f64) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 48) as u16 & 0x8000;
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1023;
    let fraction = bits & ((1 << 52) - 1);
    if exponent > 15 {
        return sign | 0x7c00;
    }
    if exponent < -25 {
        return sign;
    }
    // The fraction with its hidden bit, and how many of its bits a half has no place for: a carry of the rounding
    // runs into the exponent, up to infinity, as it should.
    let (mantissa, dropped, biased) = if exponent < -14 {
        (fraction | 1 << 52, (42 - 14 - exponent) as u32, 0)
    } else {
        (fraction, 42, ((exponent + 15) as u64) << 10)
    };
    let kept = mantissa >> dropped;
    let rest = mantissa & ((1 << dropped) - 1);
    let half_way = 1 << (dropped - 1);
    let up = rest > half_way || rest == half_way && kept & 1 == 1;
    sign | (biased + kept + up as u64) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives_the_way_through_a_double() {
        for half in 0..=u16::MAX {
            let value = half_to_double(half);
            if value.is_finite() {
                assert_eq!(double_to_half(value), half, "{value}");
            } else {
                assert_eq!(half >> 10 & 0x1f, 0x1f);
            }
        }
    }

    #[test]
    fn halves_round_as_in_otp() {
        for (value, half) in [
            (1.0e10, 0x7c00),
            (65504.0, 0x7bff),
            (65519.9999999999, 0x7bff),
            (65520.0, 0x7c00),
            (-65520.0, 0xfc00),
            (5.960464477539063e-8, 1),
            (2.980232238769531e-8, 0),
            (2.980232238769532e-8, 1),
            (1.00048828125, 0x3c00),
            (1.000488281250001, 0x3c01),
            (1.0e-300, 0),
            (-0.0, 0x8000),
        ] {
            assert_eq!(double_to_half(value), half, "{value}");
        }
    }

    #[test]
    fn infinities_and_odd_sizes_are_no_floats() {
        let bytes = [0x7f, 0x80, 0, 0, 0x7c, 0, 0x7f, 0xf0, 0, 0, 0, 0, 0, 1];
        // SAFETY: inside `bytes`.
        unsafe {
            assert_eq!(read(bytes.as_ptr(), 0, 32, 0), None);
            assert_eq!(read(bytes.as_ptr(), 32, 16, 0), None);
            assert_eq!(read(bytes.as_ptr(), 48, 64, 0), None);
            assert_eq!(read(bytes.as_ptr(), 0, 8, 0), None);
            assert_eq!(read(bytes.as_ptr(), 0, 0, 0), Some(0.0));
        }
    }

    #[test]
    fn both_endiannesses_of_all_sizes() {
        let mut bytes = [0u8; 10];
        for size in [16, 32, 64] {
            for flags in [0, segment::LITTLE] {
                for position in [0, 5] {
                    // SAFETY: inside `bytes`.
                    unsafe {
                        assert!(write(bytes.as_mut_ptr(), position, size, flags, -1.5));
                        assert_eq!(read(bytes.as_ptr(), position, size, flags), Some(-1.5));
                    }
                }
            }
        }
        // SAFETY: inside `bytes`.
        unsafe { write(bytes.as_mut_ptr(), 0, 32, segment::LITTLE, 1.0) };
        assert_eq!(bytes[..4], [0, 0, 0x80, 0x3f]);
    }
}

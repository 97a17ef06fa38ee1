//! Code points in bit strings: UTF-8, UTF-16 and UTF-32, at any alignment.
//!
//! Invariant: a code point is at most 0x10FFFF and no surrogate, on the way in and on the way out; UTF-8 is in
//! its shortest form. Everything else is refused, as in OTP.

use super::integer;
use super::raw;
use crate::term::Term;
use starling_loader::isa::segment;

/// A code point, and how many bits it took.
pub type Decoded = Option<(u32, usize)>;

/// Whether `value` is a code point that may be encoded.
#[inline]
pub fn is_valid(value: u32) -> bool {
    char::from_u32(value).is_some()
}

/// The code point that `term` is.
#[inline]
pub fn code_point(term: Term) -> Option<u32> {
    let value = u32::try_from(term.as_small()?).ok()?;
    is_valid(value).then_some(value)
}

/// Decodes UTF-8 at `position`, where `available` bits are left.
///
/// # Safety
/// The bytes that hold the available bits can be read.
#[inline]
pub unsafe fn decode_utf8(base: *const u8, position: usize, available: usize) -> Decoded {
    if available < 8 {
        return None;
    }
    // SAFETY: bytes are read only as far as there are bits.
    let first = unsafe { raw::read(base, position, 8) } as u32;
    if first < 0x80 {
        return Some((first, 8));
    }
    // Length in bytes, bits of the first byte, smallest code point that needs the length.
    let (length, high, least) = match first {
        0xc2..0xe0 => (2, first & 0x1f, 0x80),
        0xe0..0xf0 => (3, first & 0x0f, 0x800),
        0xf0..0xf5 => (4, first & 0x07, 0x1_0000),
        _ => return None,
    };
    if available < length * 8 {
        return None;
    }
    let mut value = high;
    for i in 1..length {
        // SAFETY: as above.
        let byte = unsafe { raw::read(base, position + i * 8, 8) } as u32;
        if byte & 0xc0 != 0x80 {
            return None;
        }
        value = value << 6 | byte & 0x3f;
    }
    (value >= least && is_valid(value)).then_some((value, length * 8))
}

/// Decodes UTF-16 with the endianness of `flags`.
///
/// # Safety
/// As for [`decode_utf8`].
pub unsafe fn decode_utf16(
    base: *const u8,
    position: usize,
    available: usize,
    flags: u64,
) -> Decoded {
    if available < 16 {
        return None;
    }
    // SAFETY: as above.
    let first = unsafe { integer::read_word(base, position, 16, flags) } as u32;
    if !(0xd800..0xe000).contains(&first) {
        return Some((first, 16));
    }
    if first >= 0xdc00 || available < 32 {
        return None;
    }
    // SAFETY: as above.
    let second = unsafe { integer::read_word(base, position + 16, 16, flags) } as u32;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    Some((0x1_0000 + ((first & 0x3ff) << 10 | second & 0x3ff), 32))
}

/// Decodes UTF-32 with the endianness of `flags`.
///
/// # Safety
/// As for [`decode_utf8`].
pub unsafe fn decode_utf32(
    base: *const u8,
    position: usize,
    available: usize,
    flags: u64,
) -> Decoded {
    if available < 32 {
        return None;
    }
    // SAFETY: as above.
    let value = unsafe { integer::read_word(base, position, 32, flags) } as u32;
    is_valid(value).then_some((value, 32))
}

/// Bits that a code point takes in UTF-8.
#[inline]
pub fn utf8_size(value: u32) -> usize {
    match value {
        0..0x80 => 8,
        0x80..0x800 => 16,
        0x800..0x1_0000 => 24,
        _ => 32,
    }
}

/// Bits that a code point takes in UTF-16.
#[inline]
pub fn utf16_size(value: u32) -> usize {
    if value < 0x1_0000 { 16 } else { 32 }
}

/// A code point as UTF-8: a number of [`utf8_size`] bits.
#[inline]
pub fn encode_utf8(value: u32) -> u64 {
    let head = |mark: u32, shift: u32| ((mark | (value >> shift)) as u64) << (shift / 6 * 8);
    let tail = |shift: u32| ((0x80 | (value >> shift & 0x3f)) as u64) << (shift / 6 * 8);
    match value {
        0..0x80 => head(0, 0),
        0x80..0x800 => head(0xc0, 6) | tail(0),
        0x800..0x1_0000 => head(0xe0, 12) | tail(6) | tail(0),
        _ => head(0xf0, 18) | tail(12) | tail(6) | tail(0),
    }
}

/// A code point as UTF-16 with the endianness of `flags`: a number of [`utf16_size`] bits.
pub fn encode_utf16(value: u32, flags: u64) -> u64 {
    let order = |unit: u32| {
        let unit = unit as u16;
        (if flags & segment::LITTLE == 0 {
            unit
        } else {
            unit.swap_bytes()
        }) as u64
    };
    if value < 0x1_0000 {
        return order(value);
    }
    let value = value - 0x1_0000;
    order(0xd800 | value >> 10) << 16 | order(0xdc00 | value & 0x3ff)
}

/// A code point as UTF-32 with the endianness of `flags`: a number of 32 bits.
pub fn encode_utf32(value: u32, flags: u64) -> u64 {
    (if flags & segment::LITTLE == 0 {
        value
    } else {
        value.swap_bytes()
    }) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf8(bytes: &[u8]) -> Decoded {
        // SAFETY: inside `bytes`.
        unsafe { decode_utf8(bytes.as_ptr(), 0, bytes.len() * 8) }
    }

    #[test]
    fn every_code_point_goes_through_all_three() {
        let mut buffer = [0u8; 8];
        let bytes = buffer.as_mut_ptr();
        for value in 0..=0x11_0000 {
            if char::from_u32(value).is_none() {
                assert_eq!(code_point(Term::small(value as i64)), None);
                continue;
            }
            for position in [0, 3] {
                // SAFETY: inside `buffer`.
                unsafe {
                    let size = utf8_size(value);
                    raw::write(bytes, position, size, encode_utf8(value));
                    assert_eq!(decode_utf8(bytes, position, size), Some((value, size)));
                    assert_eq!(decode_utf8(bytes, position, size - 1), None);
                    for flags in [0, segment::LITTLE] {
                        let size = utf16_size(value);
                        raw::write(bytes, position, size, encode_utf16(value, flags));
                        let back = decode_utf16(bytes, position, size, flags);
                        assert_eq!(back, Some((value, size)));
                        assert_eq!(decode_utf16(bytes, position, size - 1, flags), None);
                        raw::write(bytes, position, 32, encode_utf32(value, flags));
                        let back = decode_utf32(bytes, position, 32, flags);
                        assert_eq!(back, Some((value, 32)));
                    }
                }
            }
        }
    }

    #[test]
    fn utf8_agrees_with_the_standard_library() {
        let interesting = [
            0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1,
            0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
        ];
        for a in interesting {
            for b in interesting {
                for c in [0x7f, 0x80, 0xbf, 0xc0] {
                    for d in [0x80, 0x00] {
                        let bytes = [a, b, c, d];
                        let expected = bytes
                            .utf8_chunks()
                            .next()
                            .and_then(|chunk| chunk.valid().chars().next())
                            .map(|c| (c as u32, c.len_utf8() * 8));
                        assert_eq!(utf8(&bytes), expected, "{bytes:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn lone_surrogates_are_refused() {
        for bytes in [[0xd8, 0, 0xd8, 0], [0xdc, 0, 0, 0x41], [0xdb, 0xff, 0, 0]] {
            // SAFETY: inside `bytes`.
            assert_eq!(unsafe { decode_utf16(bytes.as_ptr(), 0, 32, 0) }, None);
        }
        let bytes = [0, 0, 0xd8, 0];
        // SAFETY: inside `bytes`.
        assert_eq!(unsafe { decode_utf32(bytes.as_ptr(), 0, 32, 0) }, None);
    }
}

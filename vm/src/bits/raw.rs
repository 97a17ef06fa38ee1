//! Bits in memory: reading, writing, copying and comparing ranges of any alignment.
//!
//! A position is a number of bits behind a base address; the most significant bit of a byte comes first.
//!
//! Invariant: reading touches only bytes that hold a bit of the range. Writing goes from left to right: the bits
//! before the range in its first byte stay, the bits behind it in its last byte become zero. So what is
//! built from left to right needs no initialised memory, and no byte that was built has undefined bits.
//!
//! Everything else in [`crate::bits`] stands on these functions; they are unsafe because they take addresses.

use core::cmp::Ordering;

/// Up to eight bytes as one number, most significant first; 0 for none.
///
/// # Safety
/// `count` (at most 8) bytes at `at` can be read.
#[inline(always)]
unsafe fn load(at: *const u8, count: usize) -> u64 {
    // Two loads that may overlap cover every count between their size and its double.
    // SAFETY: the caller's promise; each load stays within `count` bytes.
    unsafe {
        match count {
            0 => 0,
            1 => *at as u64,
            2..4 => {
                let high = u16::from_be(at.cast::<u16>().read_unaligned()) as u64;
                let low = u16::from_be(at.add(count - 2).cast::<u16>().read_unaligned()) as u64;
                high << ((count - 2) * 8) | low
            }
            4..8 => {
                let high = u32::from_be(at.cast::<u32>().read_unaligned()) as u64;
                let low = u32::from_be(at.add(count - 4).cast::<u32>().read_unaligned()) as u64;
                high << ((count - 4) * 8) | low
            }
            _ => u64::from_be(at.cast::<u64>().read_unaligned()),
        }
    }
}

/// The `size` bits (at most 64) at `position`, as an unsigned number.
///
/// # Safety
/// The bytes that hold the bits can be read.
#[inline(always)]
pub unsafe fn read(base: *const u8, position: usize, size: usize) -> u64 {
    debug_assert!(size <= 64);
    if size == 0 {
        return 0;
    }
    let skip = position % 8;
    let bits = skip + size;
    // SAFETY: these bytes hold the bits, up to the last of them.
    unsafe {
        let at = base.add(position / 8);
        let value = if bits <= 64 {
            let count = bits.div_ceil(8);
            load(at, count) >> (count * 8 - bits)
        } else {
            // Nine bytes: the last one has the lowest `bits - 64` bits.
            load(at, 8) << (bits - 64) | *at.add(8) as u64 >> (72 - bits)
        };
        value & (u64::MAX >> (64 - size))
    }
}

/// Writes the lowest `size` bits (at most 64) of `value` at `position`.
///
/// # Safety
/// The bytes that hold the bits can be written; if `position` is inside a byte, that one is initialised.
#[inline(always)]
pub unsafe fn write(base: *mut u8, position: usize, size: usize, value: u64) {
    debug_assert!(size <= 64);
    if size == 0 {
        return;
    }
    // The bits at the top of a word.
    let mut bits = value << (64 - size);
    let mut left = size;
    // SAFETY: only bytes that hold one of the bits are touched.
    unsafe {
        let mut at = base.add(position / 8);
        let skip = position % 8;
        if skip != 0 {
            let kept = *at & !(0xff >> skip);
            *at = kept | (bits >> 56 >> skip) as u8;
            let done = (8 - skip).min(left);
            bits <<= done;
            left -= done;
            at = at.add(1);
        }
        if left == 64 {
            at.cast::<u64>().write_unaligned(bits.to_be());
            return;
        }
        if left >= 32 {
            at.cast::<u32>()
                .write_unaligned(((bits >> 32) as u32).to_be());
            bits <<= 32;
            left -= 32;
            at = at.add(4);
        }
        while left != 0 {
            *at = (bits >> 56) as u8;
            bits <<= 8;
            left = left.saturating_sub(8);
            at = at.add(1);
        }
    }
}

/// Copies `size` bits.
///
/// # Safety
/// The bytes that hold the source's bits can be read, those that hold the target's can be written. Source and target
/// do not overlap (they may meet within a byte); if `to_position` is inside a byte, that one is initialised.
#[inline]
pub unsafe fn copy(
    from: *const u8,
    from_position: usize,
    to: *mut u8,
    to_position: usize,
    size: usize,
) {
    if (from_position | to_position).is_multiple_of(8) {
        let whole = size / 8;
        // SAFETY: the caller's promise; whole bytes, then the rest of fewer than eight bits.
        unsafe {
            let (source, target) = (from.add(from_position / 8), to.add(to_position / 8));
            core::ptr::copy(source, target, whole);
            if !size.is_multiple_of(8) {
                *target.add(whole) = *source.add(whole) & !(0xff >> (size % 8));
            }
        }
    } else {
        // SAFETY: as above.
        unsafe { copy_shifted(from, from_position, to, to_position, size) }
    }
}

/// # Safety
/// As for [`copy`].
unsafe fn copy_shifted(
    from: *const u8,
    mut from_position: usize,
    to: *mut u8,
    mut to_position: usize,
    size: usize,
) {
    let mut left = size;
    // First what completes a byte of the target, then words of 64 bits, then the rest.
    let mut step = ((8 - to_position % 8) % 8).min(left);
    while left != 0 {
        // SAFETY: `step` bits of both ranges.
        unsafe { write(to, to_position, step, read(from, from_position, step)) };
        from_position += step;
        to_position += step;
        left -= step;
        step = left.min(64);
    }
}

/// The order of two ranges as bit strings: the first bit that differs decides, then the size.
///
/// # Safety
/// The bytes that hold the bits can be read.
pub unsafe fn compare(
    a: *const u8,
    a_position: usize,
    a_size: usize,
    b: *const u8,
    b_position: usize,
    b_size: usize,
) -> Ordering {
    let common = a_size.min(b_size);
    let mut done = 0;
    // SAFETY: the ranges' common part, in whole bytes where both begin at one, then in words.
    unsafe {
        if (a_position | b_position).is_multiple_of(8) {
            let whole = common / 8;
            let a = core::slice::from_raw_parts(a.add(a_position / 8), whole);
            let b = core::slice::from_raw_parts(b.add(b_position / 8), whole);
            let order = a.cmp(b);
            if order != Ordering::Equal {
                return order;
            }
            done = whole * 8;
        }
        while done < common {
            let step = (common - done).min(64);
            let order = read(a, a_position + done, step).cmp(&read(b, b_position + done, step));
            if order != Ordering::Equal {
                return order;
            }
            done += step;
        }
    }
    a_size.cmp(&b_size)
}

/// Whether two ranges of one size hold the same bits.
///
/// # Safety
/// The bytes that hold the bits can be read.
#[inline]
pub unsafe fn equal(
    a: *const u8,
    a_position: usize,
    b: *const u8,
    b_position: usize,
    size: usize,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        if size <= 64 {
            return read(a, a_position, size) == read(b, b_position, size);
        }
        compare(a, a_position, size, b, b_position, size) == Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Bits as a list of 0 and 1: slow and plain.
    fn bits(bytes: &[u8], position: usize, size: usize) -> Vec<u8> {
        (position..position + size)
            .map(|i| bytes[i / 8] >> (7 - i % 8) & 1)
            .collect()
    }

    fn noise(length: usize, seed: u32) -> Vec<u8> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                state as u8
            })
            .collect()
    }

    #[test]
    fn every_alignment_and_size_reads_right() {
        for position in 0..16usize {
            for size in 0..=64usize {
                // Exactly as many bytes as the range needs.
                let bytes = noise((position + size).div_ceil(8), size as u32 + 7);
                let expected = bits(&bytes, position, size)
                    .iter()
                    .fold(0u64, |value, &bit| value << 1 | bit as u64);
                // SAFETY: inside `bytes`.
                let value = unsafe { read(bytes.as_ptr(), position, size) };
                assert_eq!(value, expected, "{position} {size}");
            }
        }
    }

    #[test]
    fn writing_keeps_what_is_before_and_clears_the_last_byte() {
        for position in 0..16usize {
            for size in 0..=64usize {
                let end = position + size;
                let mut bytes = noise(end.div_ceil(8) + 1, size as u32);
                let before = bytes.clone();
                let value = 0x0123_4567_89ab_cdef_u64.rotate_left(size as u32);
                // SAFETY: inside `bytes`.
                unsafe {
                    write(bytes.as_mut_ptr(), position, size, value);
                    let mask = u64::MAX.checked_shr(64 - size as u32).unwrap_or(0);
                    assert_eq!(read(bytes.as_ptr(), position, size), value & mask);
                }
                assert_eq!(bits(&bytes, 0, position), bits(&before, 0, position));
                if size != 0 {
                    let padding = bits(&bytes, end, end.next_multiple_of(8) - end);
                    assert!(padding.iter().all(|&bit| bit == 0));
                }
                assert_eq!(bytes.last(), before.last(), "nothing behind is touched");
            }
        }
    }

    #[test]
    fn copies_and_comparisons_agree_with_lists_of_bits() {
        for from in 0..9usize {
            for to in 0..9usize {
                for size in (0..40usize).chain([63, 64, 65, 127, 128, 130, 500]) {
                    let source = noise((from + size).div_ceil(8), 3);
                    let mut target = noise((to + size).div_ceil(8) + 1, 4);
                    let before = target.clone();
                    // SAFETY: inside the two.
                    unsafe { copy(source.as_ptr(), from, target.as_mut_ptr(), to, size) };
                    assert_eq!(bits(&target, to, size), bits(&source, from, size));
                    assert_eq!(bits(&target, 0, to), bits(&before, 0, to));
                    assert_eq!(target.last(), before.last());
                    let (a, b) = (source.as_ptr(), target.as_ptr());
                    // SAFETY: as above.
                    unsafe {
                        assert!(equal(a, from, b, to, size));
                        assert_eq!(compare(a, from, size, b, to, size), Ordering::Equal);
                        for cut in [1, 5, 70] {
                            if cut <= size {
                                let shorter = size - cut;
                                let order = compare(a, from, shorter, b, to, size);
                                assert_eq!(order, Ordering::Less);
                                // From another bit on, the content decides.
                                let order = compare(a, from + cut, shorter, b, to, shorter);
                                let expected = bits(&source, from + cut, shorter)
                                    .cmp(&bits(&target, to, shorter));
                                assert_eq!(order, expected);
                            }
                        }
                    }
                }
            }
        }
    }
}

//! Characters of a pattern or a subject, which is bytes or UTF-8.
//!
//! What is called UTF-8 here has been checked to be; if it is not, the answers are wrong and nothing worse.

/// The character at `at` and its length in bytes.
#[inline]
pub fn decode(text: &[u8], at: usize, utf: bool) -> Option<(u32, usize)> {
    let first = *text.get(at)?;
    if !utf || first < 0x80 {
        return Some((first as u32, 1));
    }
    let more = |i: usize| (text.get(at + i).copied().unwrap_or(0) & 0x3f) as u32;
    let first = first as u32;
    let (c, length) = match first {
        0xf0.. => (
            (first & 7) << 18 | more(1) << 12 | more(2) << 6 | more(3),
            4,
        ),
        0xe0.. => ((first & 15) << 12 | more(1) << 6 | more(2), 3),
        0xc0.. => ((first & 31) << 6 | more(1), 2),
        _ => (first, 1),
    };
    Some((c, length.min(text.len() - at)))
}

/// The character that ends at `at`, and its length in bytes.
#[inline]
pub fn decode_before(text: &[u8], at: usize, utf: bool) -> Option<(u32, usize)> {
    let start = before(text, at, utf)?;
    decode(text, start, utf).map(|(c, _)| (c, at - start))
}

/// Where the character begins that ends at `at`.
#[inline]
pub fn before(text: &[u8], at: usize, utf: bool) -> Option<usize> {
    let mut start = at.checked_sub(1)?;
    if utf {
        while start > 0 && text.get(start).is_some_and(|byte| byte & 0xc0 == 0x80) {
            start -= 1;
        }
    }
    Some(start)
}

/// The bytes of a character.
pub fn encode(c: u32, utf: bool, out: &mut alloc::vec::Vec<u8>) {
    match char::from_u32(c) {
        Some(character) if utf => {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        _ => out.push(c as u8),
    }
}

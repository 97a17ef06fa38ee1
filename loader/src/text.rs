//! Bytes as text, quickly: names are short and nearly always ASCII.
//!
//! The standard library's check looks at short text byte by byte, and a boot of OTP reads the names in a hundred modules.
//! Called for the names in `.ling` files, and by the machine for those in external terms.

use core::str::{self, Utf8Error};

/// `bytes` as text, as `core::str::from_utf8` does it.
///
/// # Errors
/// They are not UTF-8.
#[inline]
pub fn utf8(bytes: &[u8]) -> Result<&str, Utf8Error> {
    if bytes.is_ascii() {
        // SAFETY: ASCII is UTF-8.
        return Ok(unsafe { str::from_utf8_unchecked(bytes) });
    }
    str::from_utf8(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_the_standard_library_takes_for_it() {
        let samples: [&[u8]; 6] = [
            b"",
            b"init",
            b"a_name_that_is_longer_than_a_few_words",
            "\u{e5}ngstr\u{f6}m".as_bytes(),
            b"\xff",
            b"a_name_that_ends_badly\xc3",
        ];
        for bytes in samples {
            assert_eq!(utf8(bytes), str::from_utf8(bytes));
        }
    }
}

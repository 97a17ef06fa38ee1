//! Which OTP release compiled a file, for messages.
//!
//! The CInf chunk is a property list in external term format whose `version` is that of
//! the compiler application; its first two numbers tell the release. Called when a file
//! is refused.

/// Compiler application version, as `major.minor`, and the release that had it first.
const COMPILERS: &[((u32, u32), &str)] = &[
    ((7, 0), "21 or older"),
    ((7, 4), "22"),
    ((7, 6), "23"),
    ((8, 0), "24"),
    ((8, 2), "25"),
    ((8, 3), "26"),
    ((8, 5), "27"),
    ((9, 0), "28"),
    ((10, 0), "29"),
    ((11, 0), "30 or newer"),
];

/// The release whose compiler wrote this CInf chunk.
pub fn of_compile_info(chunk: &[u8]) -> Option<&'static str> {
    // The atom `version` and a STRING_EXT, u16 size, text.
    const NEEDLE: &[u8] = b"\x07versionk";
    let at = chunk
        .windows(NEEDLE.len())
        .position(|window| window == NEEDLE)?
        + NEEDLE.len();
    let size = u16::from_be_bytes([*chunk.get(at)?, *chunk.get(at + 1)?]) as usize;
    let text = core::str::from_utf8(chunk.get(at + 2..at + 2 + size)?).ok()?;
    let mut numbers = text.split('.').map(|number| number.parse::<u32>());
    let version = (
        numbers.next()?.ok()?,
        numbers.next().and_then(|minor| minor.ok()).unwrap_or(0),
    );
    COMPILERS
        .iter()
        .rev()
        .find(|compiler| compiler.0 <= version)
        .map(|compiler| compiler.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(
            of_compile_info(b"\x83..w\x07versionk\0\x058.2.3j"),
            Some("25")
        );
        assert_eq!(
            of_compile_info(b"\x83..w\x07versionk\0\x058.6.1j"),
            Some("27")
        );
        assert_eq!(
            of_compile_info(b"\x83..w\x07versionk\0\x079.0.12"),
            None,
            "cut off"
        );
        assert_eq!(of_compile_info(b"w\x07versionk\0\x0610.0.7"), Some("29"));
        assert_eq!(of_compile_info(b""), None);
    }
}

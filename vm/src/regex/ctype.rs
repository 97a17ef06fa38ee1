//! The classes of the first 256 characters, as OTP's tables for PCRE have them: ISO 8859-1, so `\w` and `caseless` know é.

/// Letters.
pub const fn is_alpha(c: u8) -> bool {
    c.is_ascii_alphabetic() || matches!(c, 0xaa | 0xb5 | 0xba) || is_high_letter(c)
}

const fn is_high_letter(c: u8) -> bool {
    c >= 0xc0 && c != 0xd7 && c != 0xf7
}

/// What `\w` matches.
pub const fn is_word(c: u8) -> bool {
    is_alpha(c) || c.is_ascii_digit() || c == b'_'
}

/// What `\s` matches.
pub const fn is_space(c: u8) -> bool {
    matches!(c, 9..=13 | b' ')
}

/// Lower case letters.
pub const fn is_lower(c: u8) -> bool {
    c.is_ascii_lowercase() || matches!(c, 0xaa | 0xb5 | 0xba) || (c >= 0xdf && c != 0xf7)
}

/// Upper case letters.
pub const fn is_upper(c: u8) -> bool {
    c.is_ascii_uppercase() || (c >= 0xc0 && c <= 0xde && c != 0xd7)
}

/// What leaves ink.
pub const fn is_graph(c: u8) -> bool {
    matches!(c, 33..=126 | 160..=255)
}

/// Punctuation and symbols.
pub const fn is_punct(c: u8) -> bool {
    is_graph(c) && !is_alpha(c) && !c.is_ascii_digit()
}

/// Control characters.
pub const fn is_cntrl(c: u8) -> bool {
    matches!(c, 0..=31 | 127..=159)
}

/// The other case of a letter that has one, else the character itself.
pub const fn other_case(c: u8) -> u8 {
    match c {
        b'A'..=b'Z' | b'a'..=b'z' => c ^ 0x20,
        0xc0..=0xd6 | 0xd8..=0xde | 0xe0..=0xf6 | 0xf8..=0xfe => c ^ 0x20,
        _ => c,
    }
}

/// The horizontal space of `\h`, as ranges.
pub const HORIZONTAL: &[(u32, u32)] = &[
    (0x09, 0x09),
    (0x20, 0x20),
    (0xa0, 0xa0),
    (0x1680, 0x1680),
    (0x180e, 0x180e),
    (0x2000, 0x200a),
    (0x202f, 0x202f),
    (0x205f, 0x205f),
    (0x3000, 0x3000),
];

/// The vertical space of `\v`, as ranges.
pub const VERTICAL: &[(u32, u32)] = &[(0x0a, 0x0d), (0x85, 0x85), (0x2028, 0x2029)];

/// The members of `[:name:]`.
pub fn posix(name: &[u8]) -> Option<fn(u8) -> bool> {
    Some(match name {
        b"alpha" => is_alpha,
        b"lower" => is_lower,
        b"upper" => is_upper,
        b"alnum" => |c| is_alpha(c) || c.is_ascii_digit(),
        b"ascii" => |c| c < 128,
        b"blank" => |c| matches!(c, 9 | b' '),
        b"cntrl" => is_cntrl,
        b"digit" => |c| c.is_ascii_digit(),
        b"graph" => is_graph,
        b"print" => |c| c == b' ' || is_graph(c),
        b"punct" => is_punct,
        b"space" => is_space,
        b"word" => is_word,
        b"xdigit" => |c| c.is_ascii_hexdigit(),
        _ => return None,
    })
}

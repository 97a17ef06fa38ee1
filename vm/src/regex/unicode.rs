//! Unicode properties and cases: what `\p{..}`, `\X` and caseless matching of UTF-8 ask.
//!
//! The tables are those of `unicode-general-category`, `unicode-script` and `core`, which know newer
//! versions of Unicode than PCRE 8.44 (Unicode 7) does.

use super::ctype;
use alloc::vec::Vec;
use unicode_general_category::{GeneralCategory as G, get_general_category};
use unicode_script::{Script, UnicodeScript};

/// A property, as it stands in a compiled set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// `Any`
    Any,
    /// `L&`: a letter with a case.
    CasedLetter,
    /// `L`, `M`, ...: the first letter of a general category.
    Major(u8),
    /// `Lu`, `Nd`, ...
    Minor(u8, u8),
    /// A script by its number in `unicode-script`.
    Script(u8),
    /// `Xan`: letters and numbers.
    Alphanumeric,
    /// `Xsp` and `Xps`: space.
    Space,
    /// `Xwd`: letters, numbers and underscores.
    Word,
    /// `Xuc`: what has a universal character name in C and C++.
    UniversalName,
    /// `[:graph:]` with `ucp`.
    Graph,
    /// `[:print:]` with `ucp`.
    Print,
    /// `[:punct:]` with `ucp`.
    Punct,
}

impl Property {
    /// The property called `name` in `\p{name}`.
    pub fn named(name: &str) -> Option<Property> {
        Some(match name.as_bytes() {
            b"Any" => Property::Any,
            b"L&" => Property::CasedLetter,
            b"Xan" => Property::Alphanumeric,
            b"Xsp" | b"Xps" => Property::Space,
            b"Xwd" => Property::Word,
            b"Xuc" => Property::UniversalName,
            &[major @ (b'C' | b'L' | b'M' | b'N' | b'P' | b'S' | b'Z')] => Property::Major(major),
            &[major, minor]
                if CATEGORIES
                    .iter()
                    .any(|(_, letters)| **letters == [major, minor]) =>
            {
                Property::Minor(major, minor)
            }
            _ => Property::Script(Script::from_full_name(name)? as u8),
        })
    }

    /// As a number.
    pub fn encode(self) -> u32 {
        match self {
            Property::Any => 0,
            Property::CasedLetter => 1 << 16,
            Property::Major(letter) => 2 << 16 | letter as u32,
            Property::Minor(major, minor) => 3 << 16 | (major as u32) << 8 | minor as u32,
            Property::Script(script) => 4 << 16 | script as u32,
            Property::Alphanumeric => 5 << 16,
            Property::Space => 6 << 16,
            Property::Word => 7 << 16,
            Property::UniversalName => 8 << 16,
            Property::Graph => 9 << 16,
            Property::Print => 10 << 16,
            Property::Punct => 11 << 16,
        }
    }

    /// The property of a number; `Any` for one that `encode` does not make.
    pub fn decode(code: u32) -> Property {
        match code >> 16 {
            1 => Property::CasedLetter,
            2 => Property::Major(code as u8),
            3 => Property::Minor((code >> 8) as u8, code as u8),
            4 => Property::Script(code as u8),
            5 => Property::Alphanumeric,
            6 => Property::Space,
            7 => Property::Word,
            8 => Property::UniversalName,
            9 => Property::Graph,
            10 => Property::Print,
            11 => Property::Punct,
            _ => Property::Any,
        }
    }

    /// Whether `c` has it.
    pub fn holds(self, c: u32) -> bool {
        // A surrogate is no `char`, and can come from a pattern's escape only.
        let Some(character) = char::from_u32(c) else {
            return matches!(self, Property::Any | Property::Major(b'C'));
        };
        let [major, minor] = category(character);
        match self {
            Property::Any => true,
            Property::CasedLetter => major == b'L' && matches!(minor, b'u' | b'l' | b't'),
            Property::Major(letter) => major == letter,
            Property::Minor(first, second) => major == first && minor == second,
            Property::Script(script) => character.script() as u8 == script,
            Property::Alphanumeric => matches!(major, b'L' | b'N'),
            Property::Space => {
                major == b'Z'
                    || super::set::in_ranges(ctype::HORIZONTAL, c)
                    || super::set::in_ranges(ctype::VERTICAL, c)
            }
            Property::Word => matches!(major, b'L' | b'N') || c == '_' as u32,
            Property::UniversalName => {
                matches!(c, 0x24 | 0x40 | 0x60 | 0xa0..=0xd7ff) || c >= 0xe000
            }
            Property::Graph => is_graph(major, minor, c),
            Property::Print => {
                (major == b'Z' && !matches!(minor, b'l' | b'p')) || is_graph(major, minor, c)
            }
            Property::Punct => major == b'P' || (major == b'S' && c < 128),
        }
    }
}

fn is_graph(major: u8, minor: u8, c: u32) -> bool {
    match major {
        b'Z' => false,
        b'C' => (minor == b'f' && !matches!(c, 0x061c | 0x180e | 0x2066..=0x2069)) || minor == b'o',
        _ => true,
    }
}

const CATEGORIES: &[(G, &[u8; 2])] = &[
    (G::UppercaseLetter, b"Lu"),
    (G::LowercaseLetter, b"Ll"),
    (G::TitlecaseLetter, b"Lt"),
    (G::ModifierLetter, b"Lm"),
    (G::OtherLetter, b"Lo"),
    (G::NonspacingMark, b"Mn"),
    (G::SpacingMark, b"Mc"),
    (G::EnclosingMark, b"Me"),
    (G::DecimalNumber, b"Nd"),
    (G::LetterNumber, b"Nl"),
    (G::OtherNumber, b"No"),
    (G::ConnectorPunctuation, b"Pc"),
    (G::DashPunctuation, b"Pd"),
    (G::OpenPunctuation, b"Ps"),
    (G::ClosePunctuation, b"Pe"),
    (G::InitialPunctuation, b"Pi"),
    (G::FinalPunctuation, b"Pf"),
    (G::OtherPunctuation, b"Po"),
    (G::MathSymbol, b"Sm"),
    (G::CurrencySymbol, b"Sc"),
    (G::ModifierSymbol, b"Sk"),
    (G::OtherSymbol, b"So"),
    (G::SpaceSeparator, b"Zs"),
    (G::LineSeparator, b"Zl"),
    (G::ParagraphSeparator, b"Zp"),
    (G::Control, b"Cc"),
    (G::Format, b"Cf"),
    (G::Surrogate, b"Cs"),
    (G::PrivateUse, b"Co"),
    (G::Unassigned, b"Cn"),
];

/// The two letters of a character's general category.
fn category(c: char) -> [u8; 2] {
    let category = get_general_category(c);
    CATEGORIES
        .iter()
        .find(|(of, _)| *of == category)
        .map_or(*b"Cn", |(_, letters)| **letters)
}

/// No character above this one has another case.
pub const LAST_CASED: u32 = 0x1e943;

/// The sets of more than two characters that are the same but for their case.
const CASE_SETS: &[&[u32]] = &[
    &[0x4b, 0x6b, 0x212a],
    &[0x53, 0x73, 0x17f],
    &[0xc5, 0xe5, 0x212b],
    &[0xb5, 0x39c, 0x3bc],
    &[0x1c4, 0x1c5, 0x1c6],
    &[0x1c7, 0x1c8, 0x1c9],
    &[0x1ca, 0x1cb, 0x1cc],
    &[0x1f1, 0x1f2, 0x1f3],
    &[0x345, 0x399, 0x3b9, 0x1fbe],
    &[0x392, 0x3b2, 0x3d0],
    &[0x395, 0x3b5, 0x3f5],
    &[0x398, 0x3b8, 0x3d1, 0x3f4],
    &[0x39a, 0x3ba, 0x3f0],
    &[0x3a0, 0x3c0, 0x3d6],
    &[0x3a1, 0x3c1, 0x3f1],
    &[0x3a3, 0x3c2, 0x3c3],
    &[0x3a6, 0x3c6, 0x3d5],
    &[0x3a9, 0x3c9, 0x2126],
    &[0x1e60, 0x1e61, 0x1e9b],
];

/// Pushes the characters that differ from `c` in case only.
pub fn other_cases(c: u32, out: &mut Vec<u32>) {
    if c > LAST_CASED {
        return;
    }
    if c < 128 && !matches!(c as u8, b'k' | b'K' | b's' | b'S') {
        let other = ctype::other_case(c as u8) as u32;
        if other != c {
            out.push(other);
        }
        return;
    }
    if let Some(set) = CASE_SETS.iter().find(|set| set.contains(&c)) {
        out.extend(set.iter().filter(|other| **other != c));
        return;
    }
    match c {
        0xdf => return out.push(0x1e9e),
        0x1e9e => return out.push(0xdf),
        // Their full capitals are two letters, but there are capitals of one.
        0x1f80..=0x1faf => return out.push(c ^ 8),
        0x1fb3 | 0x1fc3 | 0x1ff3 => return out.push(c + 9),
        0x1fbc | 0x1fcc | 0x1ffc => return out.push(c - 9),
        // Their capitals' lower case is an ASCII letter.
        0x130 | 0x131 => return,
        _ => {}
    }
    let Some(character) = char::from_u32(c) else {
        return;
    };
    for other in [
        single(character.to_lowercase()),
        single(character.to_uppercase()),
    ] {
        match other {
            Some(other) if other as u32 != c => out.push(other as u32),
            _ => {}
        }
    }
}

fn single(mut mapping: impl Iterator<Item = char>) -> Option<char> {
    let first = mapping.next()?;
    mapping.next().is_none().then_some(first)
}

/// Whether two characters differ in case at most.
pub fn same_but_case(a: u32, b: u32) -> bool {
    if a == b {
        return true;
    }
    let mut others = Vec::new();
    other_cases(a, &mut others);
    others.contains(&b)
}

/// The part a character plays in grapheme clusters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Grapheme {
    Cr,
    Lf,
    Control,
    Extend,
    SpacingMark,
    /// Hangul syllables and their parts.
    L,
    V,
    T,
    Lv,
    Lvt,
    RegionalIndicator,
    Other,
}

impl Grapheme {
    /// That of `c`.
    pub fn of(c: u32) -> Grapheme {
        match c {
            0x0d => return Grapheme::Cr,
            0x0a => return Grapheme::Lf,
            0x20..=0x7e => return Grapheme::Other,
            0x200c | 0x200d | 0xff9e | 0xff9f => return Grapheme::Extend,
            0x1100..=0x115f | 0xa960..=0xa97c => return Grapheme::L,
            0x1160..=0x11a7 | 0xd7b0..=0xd7c6 => return Grapheme::V,
            0x11a8..=0x11ff | 0xd7cb..=0xd7fb => return Grapheme::T,
            0xac00..=0xd7a3 => {
                return if (c - 0xac00).is_multiple_of(28) {
                    Grapheme::Lv
                } else {
                    Grapheme::Lvt
                };
            }
            0x1f1e6..=0x1f1ff => return Grapheme::RegionalIndicator,
            0x0e33 | 0x0eb3 => return Grapheme::SpacingMark,
            _ => {}
        }
        let Some(character) = char::from_u32(c) else {
            return Grapheme::Control;
        };
        match &category(character) {
            b"Mn" | b"Me" => Grapheme::Extend,
            b"Mc" => Grapheme::SpacingMark,
            b"Cc" | b"Cf" | b"Zl" | b"Zp" | b"Cs" => Grapheme::Control,
            _ => Grapheme::Other,
        }
    }

    /// Whether one cluster goes on from this character to the next.
    pub fn joins(self, next: Grapheme) -> bool {
        use Grapheme::*;
        match (self, next) {
            (Cr, Lf) => true,
            (Cr | Lf | Control, _) => false,
            (_, Extend | SpacingMark) => true,
            (L, L | V | Lv | Lvt) | (Lv | V, V | T) | (Lvt | T, T) => true,
            (RegionalIndicator, RegionalIndicator) => true,
            _ => false,
        }
    }
}

//! How characters look on a terminal, and how many cells they take.

use alloc::format;
use alloc::string::String;
use unicode_width::UnicodeWidthChar;

/// Cells between two tab stops.
const TAB: usize = 8;

/// How a character is shown.
pub enum Shown {
    /// As it is, in that many cells.
    Character(char, usize),
    /// A caret and this letter.
    Control(u8),
    /// That many blanks.
    Blanks(usize),
    /// Its number, as Erlang writes it in a string.
    Number(String),
}

impl Shown {
    /// Cells.
    pub fn width(&self) -> usize {
        match self {
            Shown::Character(_, width) => *width,
            Shown::Control(_) => 2,
            Shown::Blanks(count) => *count,
            Shown::Number(text) => text.len(),
        }
    }
}

/// How `character` looks when its first cell is number `start` of the line.
pub fn shown(character: char, start: usize, unicode: bool) -> Shown {
    match character {
        '\t' => Shown::Blanks(TAB - start % TAB),
        '\0'..='\x1f' => Shown::Control(character as u8 + b'@'),
        '\x7f' => Shown::Control(b'?'),
        '\u{80}'..='\u{9f}' => Shown::Number(format!("\\{:o}", character as u32)),
        '\u{100}'.. if !unicode => Shown::Number(format!("\\x{{{:X}}}", character as u32)),
        _ => Shown::Character(character, character.width().unwrap_or(0)),
    }
}

/// What `wcwidth` of a C library says: cells of a printable character, or `None`.
pub fn wcwidth(character: char) -> Option<usize> {
    match character {
        '\0' => Some(0),
        '\x01'..='\x1f' | '\x7f'..='\u{9f}' => None,
        _ => character.width(),
    }
}

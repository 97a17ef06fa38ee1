//! One line of a terminal that is being edited: what `tty_sl` keeps, so that text can be inserted into and deleted from the
//! middle of a line that may span several rows.
//!
//! The driver is told characters and movements; this makes of them the bytes that bring the terminal there. A character takes as
//! many cells as it is wide: control characters are shown as `^X`, tabs as blanks. Cells are numbered from the beginning
//! of the line through all of its rows.
//!
//! Invariant: the terminal's cursor is at the cell of `position`, and on the row below when that cell is the first of it:
//! a terminal that waits at its margin after the last cell of a row is moved on at once.

use super::width::{Shown, shown};
use crate::memory::NoMemory;
use alloc::vec::Vec;

/// Longest line that can be edited, in characters. What is printed without a line's end beyond it cannot be changed any more.
const LONGEST: usize = 1 << 16;

/// Erases from the cursor to the end of the screen.
const ERASE_BELOW: &[u8] = b"\x1b[J";

/// One character.
#[derive(Clone, Copy)]
struct Cell {
    character: char,
    /// Number of its first cell.
    start: usize,
    width: usize,
}

/// The line.
pub struct Line {
    cells: Vec<Cell>,
    /// Characters before the cursor.
    position: usize,
    /// Cells of a row.
    columns: usize,
    /// Whether characters beyond Latin-1 are written as UTF-8 or as `\x{...}`.
    unicode: bool,
}

impl Line {
    /// An empty line on a terminal with rows of `columns` cells.
    pub fn new(columns: usize, unicode: bool) -> Line {
        Line {
            cells: Vec::new(),
            position: 0,
            columns: columns.max(2),
            unicode,
        }
    }

    /// The terminal has another size now.
    pub fn set_columns(&mut self, columns: usize) {
        self.columns = columns.max(2);
    }

    /// Whether characters are written as UTF-8.
    pub fn unicode(&self) -> bool {
        self.unicode
    }

    /// Says whether characters are written as UTF-8 from now on.
    pub fn set_unicode(&mut self, unicode: bool) {
        self.unicode = unicode;
    }

    fn start_of(&self, index: usize) -> usize {
        match self.cells.get(index) {
            Some(cell) => cell.start,
            None => self.cells.last().map_or(0, |last| last.start + last.width),
        }
    }

    /// Writes characters over what is at the cursor.
    pub fn put(
        &mut self,
        text: impl Iterator<Item = char>,
        out: &mut Vec<u8>,
    ) -> Result<(), NoMemory> {
        for character in text {
            match character {
                '\n' => {
                    self.cells.clear();
                    self.position = 0;
                    // A terminal's driver, or the console's, adds the carriage return.
                    append(out, b"\n")?;
                }
                '\r' => self.go_to(0, out)?,
                '\x07' => append(out, b"\x07")?,
                _ => {
                    if self.cells.len() >= LONGEST {
                        self.cells.clear();
                        self.position = 0;
                    }
                    if self.position < self.cells.len() {
                        self.replace(character, out)?;
                    } else {
                        self.push(character, out)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn cell(&self, character: char, start: usize) -> Cell {
        Cell {
            character,
            start,
            width: shown(character, start, self.unicode).width(),
        }
    }

    /// A character behind the last one.
    fn push(&mut self, character: char, out: &mut Vec<u8>) -> Result<(), NoMemory> {
        let cell = self.cell(character, self.start_of(self.cells.len()));
        self.cells.try_reserve(1).map_err(|_| NoMemory)?;
        self.cells.push(cell);
        self.position = self.cells.len();
        self.show(self.position - 1, out)
    }

    /// A character in place of another.
    fn replace(&mut self, character: char, out: &mut Vec<u8>) -> Result<(), NoMemory> {
        let old = self.cells[self.position];
        let new = self.cell(character, old.start);
        self.cells[self.position] = new;
        self.position += 1;
        if new.width == old.width {
            return self.show(self.position - 1, out);
        }
        self.position -= 1;
        self.redraw(self.position, self.position + 1, out)
    }

    /// Inserts characters at the cursor, which ends up behind them.
    pub fn insert(
        &mut self,
        text: impl Iterator<Item = char>,
        out: &mut Vec<u8>,
    ) -> Result<(), NoMemory> {
        let first = self.position;
        let mut at = first;
        for character in text {
            self.cells.try_reserve(1).map_err(|_| NoMemory)?;
            let cell = self.cell(character, 0);
            self.cells.insert(at, cell);
            at += 1;
        }
        self.redraw(first, at, out)
    }

    /// Deletes `count` characters behind the cursor, or `-count` before it.
    pub fn delete(&mut self, count: isize, out: &mut Vec<u8>) -> Result<(), NoMemory> {
        let (first, last) = if count >= 0 {
            let last = self.position + count as usize;
            (self.position, last.min(self.cells.len()))
        } else {
            (
                self.position.saturating_sub(count.unsigned_abs()),
                self.position,
            )
        };
        if first == last {
            return Ok(());
        }
        self.go_to(first, out)?;
        self.cells.drain(first..last);
        append(out, ERASE_BELOW)?;
        self.redraw(first, first, out)
    }

    /// Writes the line once more, on a row of its own.
    pub fn show_again(&mut self, out: &mut Vec<u8>) -> Result<(), NoMemory> {
        if self.cells.is_empty() {
            return Ok(());
        }
        append(out, b"\r")?;
        append(out, ERASE_BELOW)?;
        self.redraw(0, self.position, out)
    }

    /// Moves the cursor by `count` characters.
    pub fn step(&mut self, count: isize, out: &mut Vec<u8>) -> Result<(), NoMemory> {
        let to = self.position.saturating_add_signed(count);
        self.go_to(to.min(self.cells.len()), out)
    }

    /// Shows the characters from `from` on, whose cells may have changed, and leaves the cursor at `to`. The cursor is at `from`.
    fn redraw(&mut self, from: usize, to: usize, out: &mut Vec<u8>) -> Result<(), NoMemory> {
        let mut start = match from.checked_sub(1) {
            Some(before) => self.cells[before].start + self.cells[before].width,
            None => 0,
        };
        for index in from..self.cells.len() {
            let cell = self.cell(self.cells[index].character, start);
            self.cells[index] = cell;
            start += cell.width;
            self.show(index, out)?;
        }
        self.position = self.cells.len();
        self.go_to(to, out)
    }

    /// Writes one character where the cursor is.
    fn show(&self, index: usize, out: &mut Vec<u8>) -> Result<(), NoMemory> {
        let cell = self.cells[index];
        match shown(cell.character, cell.start, self.unicode) {
            Shown::Character(character, _) if self.unicode => {
                append(out, character.encode_utf8(&mut [0; 4]).as_bytes())?;
            }
            Shown::Character(character, _) => append(out, &[character as u8])?,
            Shown::Control(letter) => append(out, &[b'^', letter])?,
            Shown::Blanks(count) => (0..count).try_for_each(|_| append(out, b" "))?,
            Shown::Number(number) => append(out, number.as_bytes())?,
        }
        let end = cell.start + cell.width;
        if cell.width > 0 && end.is_multiple_of(self.columns) {
            // The cursor waits at the margin: a blank takes it to the next row.
            append(out, b" \x08")?;
        }
        Ok(())
    }

    fn go_to(&mut self, index: usize, out: &mut Vec<u8>) -> Result<(), NoMemory> {
        let from = self.start_of(self.position);
        let to = self.start_of(index);
        let (row, column) = (from / self.columns, from % self.columns);
        let (to_row, to_column) = (to / self.columns, to % self.columns);
        control(out, row.saturating_sub(to_row), b'A')?;
        control(out, to_row.saturating_sub(row), b'B')?;
        if to_column == 0 && column > 0 {
            append(out, b"\r")?;
        } else {
            control(out, column.saturating_sub(to_column), b'D')?;
            control(out, to_column.saturating_sub(column), b'C')?;
        }
        self.position = index;
        Ok(())
    }
}

/// `ESC [ count letter`, or nothing if the count is 0.
fn control(out: &mut Vec<u8>, count: usize, letter: u8) -> Result<(), NoMemory> {
    match count {
        0 => Ok(()),
        1 if letter == b'D' => append(out, b"\x08"),
        1 => append(out, &[0x1b, b'[', letter]),
        _ => append(
            out,
            alloc::format!("\x1b[{count}{}", letter as char).as_bytes(),
        ),
    }
}

fn append(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), NoMemory> {
    out.try_reserve(bytes.len()).map_err(|_| NoMemory)?;
    out.extend_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec;

    /// A terminal of 10 columns that waits at its margin, as most do.
    struct Screen {
        rows: Vec<Vec<char>>,
        row: usize,
        column: usize,
    }

    const COLUMNS: usize = 10;

    impl Screen {
        fn new() -> Screen {
            Screen {
                rows: vec![vec![' '; COLUMNS]; 8],
                row: 0,
                column: 0,
            }
        }

        fn feed(&mut self, bytes: &[u8]) {
            let text = core::str::from_utf8(bytes).unwrap();
            let mut characters = text.chars();
            while let Some(character) = characters.next() {
                match character {
                    '\r' => self.column = 0,
                    // As a terminal's driver has it.
                    '\n' => {
                        self.row += 1;
                        self.column = 0;
                    }
                    '\x08' => self.column = self.column.min(COLUMNS - 1).saturating_sub(1),
                    '\x1b' => {
                        assert_eq!(characters.next(), Some('['));
                        let mut count = String::new();
                        let letter = loop {
                            match characters.next().unwrap() {
                                digit @ '0'..='9' => count.push(digit),
                                letter => break letter,
                            }
                        };
                        let count: usize = count.parse().unwrap_or(1);
                        match letter {
                            'A' => self.row -= count,
                            'B' => self.row += count,
                            'C' => self.column += count,
                            'D' => self.column -= count,
                            'J' => {
                                self.rows[self.row][self.column..].fill(' ');
                                self.rows[self.row + 1..]
                                    .iter_mut()
                                    .for_each(|row| row.fill(' '));
                            }
                            _ => panic!("{letter}"),
                        }
                    }
                    _ => {
                        if self.column == COLUMNS {
                            self.column = 0;
                            self.row += 1;
                        }
                        self.rows[self.row][self.column] = character;
                        self.column += 1;
                    }
                }
            }
        }

        fn text(&self) -> String {
            let all: String = self.rows.iter().flatten().collect();
            all.trim_end().into()
        }
    }

    struct Session {
        line: Line,
        screen: Screen,
    }

    impl Session {
        fn new() -> Session {
            Session {
                line: Line::new(COLUMNS, true),
                screen: Screen::new(),
            }
        }

        fn act(&mut self, action: impl FnOnce(&mut Line, &mut Vec<u8>)) {
            let mut out = Vec::new();
            action(&mut self.line, &mut out);
            self.screen.feed(&out);
        }

        fn shows(&self, text: &str, row: usize, column: usize) {
            assert_eq!(self.screen.text(), text);
            assert_eq!((self.screen.row, self.screen.column), (row, column));
        }
    }

    #[test]
    fn text_is_inserted_and_deleted_across_rows() {
        let mut session = Session::new();
        session.act(|line, out| line.put("1> abcdefghijkl".chars(), out).unwrap());
        session.shows("1> abcdefghijkl", 1, 5);
        session.act(|line, out| line.step(-10, out).unwrap());
        session.shows("1> abcdefghijkl", 0, 5);
        session.act(|line, out| line.insert("XYZ".chars(), out).unwrap());
        session.shows("1> abXYZcdefghijkl", 0, 8);
        session.act(|line, out| line.delete(-3, out).unwrap());
        session.shows("1> abcdefghijkl", 0, 5);
        session.act(|line, out| line.delete(7, out).unwrap());
        session.shows("1> abjkl", 0, 5);
        session.act(|line, out| line.step(99, out).unwrap());
        session.shows("1> abjkl", 0, 8);
    }

    #[test]
    fn the_cursor_leaves_the_margin() {
        let mut session = Session::new();
        session.act(|line, out| line.put("0123456789".chars(), out).unwrap());
        session.shows("0123456789", 1, 0);
        session.act(|line, out| line.step(-1, out).unwrap());
        session.shows("0123456789", 0, 9);
        session.act(|line, out| line.delete(1, out).unwrap());
        session.shows("012345678", 0, 9);
    }

    #[test]
    fn control_characters_and_tabs_take_their_room() {
        let mut session = Session::new();
        session.act(|line, out| line.put("a\tb\x01".chars(), out).unwrap());
        session.shows("a       b^A", 1, 1);
        session.act(|line, out| line.step(-1, out).unwrap());
        session.act(|line, out| line.insert("c".chars(), out).unwrap());
        session.shows("a       bc^A", 1, 0);
    }

    #[test]
    fn a_line_ends() {
        let mut session = Session::new();
        session.act(|line, out| line.put("ab\ncd".chars(), out).unwrap());
        session.shows("ab        cd", 1, 2);
        session.act(|line, out| line.delete(-9, out).unwrap());
        session.shows("ab", 1, 0);
        session.act(|line, out| line.put("x\ry".chars(), out).unwrap());
        session.shows("ab        y", 1, 1);
    }
}

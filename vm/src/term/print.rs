//! Terms as `erlang:display/1` and the machine's own reports print them.
//!
//! This is the emulator's format, not that of `io:format/2`: lists that are Latin-1 text and binaries that are ASCII text
//! as strings, floats with six decimals and an exponent. Text in lists goes out as Latin-1 bytes and names of atoms as UTF-8,
//! as OTP does it, so the output is bytes and not a `str`; [`Text`] makes text of them.
//!
//! A map with more than 32 keys, whose inner structure OTP shows here, is printed as any other map.
//!
//! No recursion: what has still to be printed stands on a stack of [`Part`]s.
//!
//! Invariant: nothing is printed of a term that is not a value ([`Term::NONE`], a match context) but its raw word.

use super::external::{Node, RemotePid, RemotePort, RemoteReference};
use super::fun::{Fun, Target};
use super::{Subtag, Term};
use crate::atom::AtomTable;
use crate::bits::view::{BitsView, view};
use crate::map;
use crate::memory::NoMemory;
use crate::number::Number;
use crate::process::table::{number_of, serial_of};
use alloc::vec::Vec;
use core::fmt::{self, Write};
use smallvec::SmallVec;

/// Where printed bytes go.
pub trait Output {
    /// Takes more of them; an error ends the printing.
    fn bytes(&mut self, bytes: &[u8]) -> fmt::Result;
}

impl Output for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) -> fmt::Result {
        self.try_reserve(bytes.len()).map_err(|_| fmt::Error)?;
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// Passes what is printed on to a writer of text; Latin-1 bytes become characters.
pub struct Text<'a, W: Write + ?Sized>(pub &'a mut W);

impl<W: Write + ?Sized> Output for Text<'_, W> {
    fn bytes(&mut self, bytes: &[u8]) -> fmt::Result {
        match core::str::from_utf8(bytes) {
            Ok(text) => self.0.write_str(text),
            Err(_) => bytes.iter().try_for_each(|&b| self.0.write_char(b as char)),
        }
    }
}

/// A term with what is needed to print it, for `write!` and the log.
pub struct Printed<'a>(pub &'a AtomTable, pub Term);

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self.0, self.1, &mut Text(f))
    }
}

/// The bytes of `term`.
pub fn to_bytes(atoms: &AtomTable, term: Term) -> Result<Vec<u8>, NoMemory> {
    let mut bytes = Vec::new();
    match print(atoms, term, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(fmt::Error) => Err(NoMemory),
    }
}

/// What is still to be printed.
enum Part {
    Text(&'static str),
    Term(Term),
    /// What follows the head of a cell.
    Tail(Term),
    /// Elements of a tuple; a comma before each but the first.
    Elements(*const Term, usize),
    /// Pairs of a map that are left, and whether one has been printed.
    Pairs(alloc::boxed::Box<map::Iter>, bool),
}

/// Prints `term`. Fails if `out` does, or if there is no memory for the stack of a deep term.
pub fn print(atoms: &AtomTable, term: Term, out: &mut dyn Output) -> fmt::Result {
    let mut parts: SmallVec<[Part; 8]> = SmallVec::new();
    parts.push(Part::Term(term));
    while let Some(part) = parts.pop() {
        // The most that one step pushes.
        parts.try_reserve(4).map_err(|_| fmt::Error)?;
        match part {
            Part::Text(text) => out.bytes(text.as_bytes())?,
            Part::Term(term) => start(atoms, term, out, &mut parts)?,
            Part::Tail(tail) => match tail.as_cons() {
                Some(cell) => {
                    out.bytes(b",")?;
                    parts.push(Part::Tail(cell.tail));
                    parts.push(Part::Term(cell.head));
                }
                None if tail.is_nil() => out.bytes(b"]")?,
                None => {
                    out.bytes(b"|")?;
                    parts.push(Part::Text("]"));
                    parts.push(Part::Term(tail));
                }
            },
            Part::Elements(_, 0) => out.bytes(b"}")?,
            Part::Elements(next, left) => {
                out.bytes(b",")?;
                push_elements(&mut parts, next, left);
            }
            Part::Pairs(mut pairs, any) => match pairs.next() {
                Some((key, value)) => {
                    if any {
                        out.bytes(b",")?;
                    }
                    parts.push(Part::Pairs(pairs, true));
                    parts.push(Part::Term(value));
                    parts.push(Part::Text("=>"));
                    parts.push(Part::Term(key));
                }
                None => out.bytes(b"}")?,
            },
        }
    }
    Ok(())
}

/// The first of `left` elements, at least one, now; the others later.
fn push_elements(parts: &mut SmallVec<[Part; 8]>, next: *const Term, left: usize) {
    // SAFETY: a tuple has `left` elements from here on.
    unsafe {
        parts.push(Part::Elements(next.add(1), left - 1));
        parts.push(Part::Term(*next));
    }
}

/// Prints a term, or how it begins.
fn start(
    atoms: &AtomTable,
    term: Term,
    out: &mut dyn Output,
    parts: &mut SmallVec<[Part; 8]>,
) -> fmt::Result {
    if let Some(atom) = term.as_atom() {
        return print_atom(atoms.name(atom), out);
    }
    if let Some(cell) = term.as_cons() {
        if is_text(term) {
            return print_text(term, out);
        }
        parts.push(Part::Tail(cell.tail));
        parts.push(Part::Term(cell.head));
        return out.bytes(b"[");
    }
    let Some(subtag) = term.subtag() else {
        let mut formatter = Formatter(out);
        return if let Some(value) = term.as_small() {
            write!(formatter, "{value}")
        } else if term.is_nil() {
            formatter.write_str("[]")
        } else if term.is_local_pid() {
            write!(formatter, "<0.{}.{}>", number_of(term), serial_of(term))
        } else if term.is_local_port() {
            write!(formatter, "#Port<0.{}>", term.identifier_data())
        } else {
            write!(formatter, "<no value {:#x}>", term.raw())
        };
    };
    match subtag {
        Subtag::BigPositive | Subtag::BigNegative => print_big(term, out),
        Subtag::Float => print_float(term.as_float().unwrap_or_default(), out),
        Subtag::Tuple => {
            let elements = term.as_tuple().unwrap_or(&[]);
            match elements.len() {
                0 => out.bytes(b"{}"),
                left => {
                    push_elements(parts, elements.as_ptr(), left);
                    out.bytes(b"{")
                }
            }
        }
        Subtag::FlatMap | Subtag::HashMap => {
            let pairs = alloc::boxed::Box::new(map::iter(term));
            parts.push(Part::Pairs(pairs, false));
            out.bytes(b"#{")
        }
        Subtag::HeapBits | Subtag::RefcBits | Subtag::SubBits => match view(&term) {
            Some(bits) => print_bits(bits, out),
            None => out.bytes(b"<<>>"),
        },
        Subtag::Fun => print_fun(atoms, term, out),
        Subtag::Reference => match term.as_object(Subtag::Reference) {
            Some(&[low, high, ..]) => {
                let (a, b, c) = (high as u32, (low >> 32) as u32, low as u32);
                write!(Formatter(out), "#Ref<0.{a}.{b}.{c}>")
            }
            _ => Ok(()),
        },
        Subtag::ExternalPid | Subtag::ExternalPort | Subtag::ExternalReference => {
            print_external(atoms, term, out)
        }
        Subtag::MatchContext | Subtag::Invalid => {
            write!(Formatter(out), "<no value {:#x}>", term.raw())
        }
    }
}

/// Identifiers of other nodes. A node is the number of its name in the table of atoms, as in OTP.
fn print_external(atoms: &AtomTable, term: Term, out: &mut dyn Output) -> fmt::Result {
    let node = match Node::of(term) {
        // An earlier life of this one.
        Some(node) if node.name == atoms.node.name => 0,
        Some(node) => node.name.0,
        None => 0,
    };
    let mut formatter = Formatter(out);
    if let Some(pid) = RemotePid::of(term) {
        return write!(formatter, "<{node}.{}.{}>", pid.number, pid.serial);
    }
    if let Some(port) = RemotePort::of(term) {
        return write!(formatter, "#Port<{node}.{}>", port.number);
    }
    write!(formatter, "#Ref<{node}")?;
    if let Some(reference) = RemoteReference::of(term) {
        for number in reference.numbers().iter().rev() {
            write!(formatter, ".{number}")?;
        }
    }
    formatter.write_str(">")
}

/// `write!` into an [`Output`].
struct Formatter<'a>(&'a mut dyn Output);

impl Write for Formatter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.bytes(text.as_bytes())
    }
}

/// Collects small pieces so that an output sees few.
struct Pieces<'a> {
    out: &'a mut dyn Output,
    buffer: [u8; 128],
    used: usize,
}

impl<'a> Pieces<'a> {
    fn new(out: &'a mut dyn Output) -> Pieces<'a> {
        Pieces {
            out,
            buffer: [0; 128],
            used: 0,
        }
    }
    fn put(&mut self, bytes: &[u8]) -> fmt::Result {
        if self.used + bytes.len() > self.buffer.len() {
            self.flush()?;
        }
        self.buffer[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
        Ok(())
    }
    fn flush(&mut self) -> fmt::Result {
        let used = core::mem::take(&mut self.used);
        self.out.bytes(&self.buffer[..used])
    }
}

fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || ('ß'..='ÿ').contains(&c) && c != '÷'
}

fn is_name_character(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || ('À'..='ÿ').contains(&c) && c != '×' && c != '÷'
}

/// An atom, in quotes where Erlang needs them (and, as in OTP, around names with characters beyond Latin-1 or with `@`).
pub fn print_atom(name: &str, out: &mut dyn Output) -> fmt::Result {
    if name.starts_with(is_lower) && name.chars().all(is_name_character) {
        return out.bytes(name.as_bytes());
    }
    let mut pieces = Pieces::new(out);
    pieces.put(b"'")?;
    for c in name.chars() {
        match c {
            '\'' => pieces.put(b"\\'")?,
            '\\' => pieces.put(b"\\\\")?,
            '\n' => pieces.put(b"\\n")?,
            '\x0c' => pieces.put(b"\\f")?,
            '\t' => pieces.put(b"\\t")?,
            '\r' => pieces.put(b"\\r")?,
            '\x08' => pieces.put(b"\\b")?,
            '\x0b' => pieces.put(b"\\v")?,
            '\0'..='\x1f' | '\u{80}'..='\u{9f}' => {
                let value = c as u8;
                let digit = |shift: u32| b'0' + (value >> shift & 7);
                pieces.put(&[b'\\', digit(6), digit(3), digit(0)])?;
            }
            _ => pieces.put(c.encode_utf8(&mut [0; 4]).as_bytes())?,
        }
    }
    pieces.put(b"'")?;
    pieces.flush()
}

/// Whether a list is proper and all of printable Latin-1.
fn is_text(list: Term) -> bool {
    let mut elements = list.iter_list();
    let printable = |t: Term| matches!(t.as_small(), Some(9 | 10 | 13 | 32..=126 | 160..=255));
    elements.all(printable) && elements.tail().is_nil()
}

fn print_text(list: Term, out: &mut dyn Output) -> fmt::Result {
    let mut pieces = Pieces::new(out);
    pieces.put(b"\"")?;
    for element in list.iter_list() {
        match element.small_value() as u8 {
            b'\n' => pieces.put(b"\\n")?,
            b'"' => pieces.put(b"\\\"")?,
            byte => pieces.put(&[byte])?,
        }
    }
    pieces.put(b"\"")?;
    pieces.flush()
}

fn print_bits(bits: BitsView, out: &mut dyn Output) -> fmt::Result {
    let bytes = bits.size / 8;
    let last = bits.size % 8;
    let mut pieces = Pieces::new(out);
    pieces.put(b"<<")?;
    let printable = |i| matches!(bits.byte(i), b' '..=b'~');
    if bytes > 0 && last == 0 && (0..bytes).all(printable) {
        pieces.put(b"\"")?;
        for i in 0..bytes {
            match bits.byte(i) {
                b'"' => pieces.put(b"\\\"")?,
                byte => pieces.put(&[byte])?,
            }
        }
        pieces.put(b"\"")?;
    } else {
        for i in 0..bytes {
            if i > 0 {
                pieces.put(b",")?;
            }
            let byte = bits.byte(i);
            let digits = [byte / 100, byte / 10 % 10, byte % 10].map(|d| b'0' + d);
            let skip = (byte < 100) as usize + (byte < 10) as usize;
            pieces.put(&digits[skip..])?;
        }
        pieces.flush()?;
        if last > 0 {
            let comma = if bytes > 0 { "," } else { "" };
            let value = bits.byte(bytes) >> (8 - last);
            write!(Formatter(pieces.out), "{comma}{value}:{last}")?;
        }
    }
    pieces.put(b">>")?;
    pieces.flush()
}

fn print_float(value: f64, out: &mut dyn Output) -> fmt::Result {
    out.bytes(Exponential::new(value, 6).bytes())
}

/// A float as C's `%e` writes it: one digit, decimals, and an exponent of at least two digits.
pub struct Exponential {
    buffer: [u8; 48],
    used: usize,
}

impl Exponential {
    /// `value`, which is finite, with `decimals` decimals (at most 20).
    pub fn new(value: f64, decimals: usize) -> Exponential {
        let mut text = Exponential {
            buffer: [0; 48],
            used: 0,
        };
        // It fits: sign, digit, point, 20 decimals, and five characters of exponent.
        let _ = write!(text, "{value:.decimals$e}");
        let exponent = text.bytes().iter().position(|&b| b == b'e').unwrap_or(0) + 1;
        if text.buffer[exponent] != b'-' {
            text.insert(exponent, b'+');
        }
        if text.used - exponent < 3 {
            text.insert(exponent + 1, b'0');
        }
        text
    }

    fn insert(&mut self, at: usize, byte: u8) {
        self.buffer.copy_within(at..self.used, at + 1);
        self.buffer[at] = byte;
        self.used += 1;
    }

    /// What it reads.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.used]
    }

    /// Appends zero bytes up to a length of `length` (at most 48).
    pub fn pad_with_zeros(&mut self, length: usize) {
        self.used = self.used.max(length.min(self.buffer.len()));
    }
}

impl Write for Exponential {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.used + text.len();
        let place = self.buffer.get_mut(self.used..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }
}

fn print_big(term: Term, out: &mut dyn Output) -> fmt::Result {
    let Some(Number::Big(big)) = Number::of(&term) else {
        return Err(fmt::Error);
    };
    let magnitude = crate::number::big::to_biguint(big.digits).map_err(|_| fmt::Error)?;
    if big.negative {
        out.bytes(b"-")?;
    }
    write!(Formatter(out), "{magnitude}")
}

fn print_fun(atoms: &AtomTable, term: Term, out: &mut dyn Output) -> fmt::Result {
    let Some(fun) = Fun::of(&term) else {
        return Err(fmt::Error);
    };
    match fun.target() {
        Target::External(mfa) => {
            out.bytes(b"fun ")?;
            print_atom(atoms.name(mfa.module), out)?;
            out.bytes(b":")?;
            print_atom(atoms.name(mfa.function), out)?;
            write!(Formatter(out), "/{}", mfa.arity)
        }
        Target::Local(fun) => {
            out.bytes(b"#Fun<")?;
            print_atom(atoms.name(fun.module), out)?;
            write!(Formatter(out), ".{}.{}>", fun.old_index, fun.old_uniq)
        }
    }
}

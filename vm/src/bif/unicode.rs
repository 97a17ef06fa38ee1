//! The built-in functions of module `unicode`: character data, that is nested lists of code points and binaries,
//! to lists and to UTF-8.
//!
//! What cannot be converted comes back as `{error, Converted, Rest}` or `{incomplete, Converted, Rest}`, and `Rest` has the
//! very shape that OTP gives it: callers put it in front of more data. A code point's bytes may be spread over
//! several binaries, so the walk carries those of an unfinished one along.
//!
//! No recursion: the lists around the one that is walked stand on a vector.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::sub_bits;
use crate::bits::view::{BitsView, view};
use crate::memory::{Arena, NoMemory};
use crate::process::Trap;
use crate::term::{Atom, Term};
use alloc::vec::Vec;

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("unicode", "bin_is_7bit", 1, bin_is_7bit_1),
    bif("unicode", "characters_to_binary", 2, characters_to_binary_2),
    bif("unicode", "characters_to_list", 2, characters_to_list_2),
];

/// Bytes that one reduction pays for.
const BYTES_PER_REDUCTION: usize = 32;

/// Characters or bytes after which others may run.
const PIECE: usize = 256 * BYTES_PER_REDUCTION;

fn bin_is_7bit_1(cx: &mut Context, args: &[Term]) -> Value {
    let Some(bits) = view(&args[0]).filter(|bits| bits.is_binary()) else {
        return Ok(Term::boolean(false));
    };
    let size = bits.size / 8;
    cx.bump_reductions(size / BYTES_PER_REDUCTION);
    let is_7bit = match bits.as_aligned_bytes() {
        Some(bytes) => bytes.is_ascii(),
        None => (0..size).all(|i| bits.byte(i) < 128),
    };
    Ok(Term::boolean(is_7bit))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Latin1,
    Utf8,
}

impl Encoding {
    fn of(term: Term) -> Option<Encoding> {
        match term.as_atom() {
            Some(am::LATIN1) => Some(Encoding::Latin1),
            Some(am::UTF8 | am::UNICODE) => Some(Encoding::Utf8),
            _ => None,
        }
    }
}

/// Other encodings are the business of Erlang code in the module itself, which is called instead.
fn other_encoding(cx: &mut Context, function: Atom, args: &[Term]) -> Value {
    for (i, &argument) in args.iter().enumerate() {
        cx.machine().x[i] = argument;
    }
    let arity = args.len();
    let export = cx.machine().code.export(am::UNICODE, function, arity as u8);
    cx.process().trap = Some(Trap {
        export: export.cast(),
        arity,
    });
    Err(Fail::Trap)
}

fn characters_to_list_2(cx: &mut Context, args: &[Term]) -> Value {
    let Some(encoding) = Encoding::of(args[1]) else {
        return other_encoding(cx, am::CHARACTERS_TO_LIST_INT, args);
    };
    check(args[0])?;
    let mut converter = Converter::new(encoding, Points(Vec::new()));
    let end = converter.run(cx, args[0])?;
    let points = converter.out.0;
    let list = cx.list(&points)?;
    finish(cx, end, list)
}

fn characters_to_binary_2(cx: &mut Context, args: &[Term]) -> Value {
    let Some(encoding) = Encoding::of(args[1]) else {
        return other_encoding(cx, am::CHARACTERS_TO_BINARY_INT, args);
    };
    if encoding == Encoding::Utf8
        && let Some(bytes) = view(&args[0]).and_then(BitsView::as_aligned_bytes)
        && core::str::from_utf8(bytes).is_ok()
    {
        cx.bump_reductions(bytes.len() / BYTES_PER_REDUCTION);
        return Ok(args[0]);
    }
    check(args[0])?;
    // A list of one binary is taken for that binary, which shows in what is left after an error.
    let data = match args[0].as_cons() {
        Some(cell) if cell.tail.is_nil() && cell.head.is_bit_string() => cell.head,
        _ => args[0],
    };
    let mut converter = Converter::new(encoding, Utf8(Vec::new()));
    let end = converter.run(cx, data)?;
    let bytes = converter.out.0;
    let binary = crate::bits::binary_of_vec(cx, bytes)?;
    finish(cx, end, binary)
}

fn finish(cx: &mut Context, end: End, converted: Term) -> Value {
    match end {
        End::All => Ok(converted),
        End::Stopped(why, rest) => Ok(cx.tuple(&[why.term(), converted, rest])?),
    }
}

/// `badarg` for what is no character data. What follows an integer that is not small is not looked
/// at, as in OTP, because conversion stops there at the latest.
fn check(data: Term) -> Result<(), Fail> {
    let binary = |term: Term| match view(&term) {
        Some(bits) if bits.is_binary() => Ok(()),
        _ => Err(Fail::Badarg),
    };
    let mut outer = Vec::new();
    let mut rest = data;
    loop {
        while let Some(&cell) = rest.as_cons() {
            rest = cell.tail;
            if cell.head.is_big() {
                return Ok(());
            } else if cell.head.is_cons() {
                push(&mut outer, rest)?;
                rest = cell.head;
            } else if !cell.head.is_small() && !cell.head.is_nil() {
                binary(cell.head)?;
            }
        }
        if !rest.is_nil() {
            binary(rest)?;
        }
        match outer.pop() {
            Some(next) => rest = next,
            None => return Ok(()),
        }
    }
}

fn push<T>(vector: &mut Vec<T>, value: T) -> Result<(), NoMemory> {
    if vector.len() == vector.capacity() {
        vector.try_reserve(1).map_err(|_| NoMemory)?;
    }
    vector.push(value);
    Ok(())
}

/// Where converted characters go.
trait Out {
    fn put(&mut self, character: char) -> Result<(), NoMemory>;
}

struct Points(Vec<Term>);

impl Out for Points {
    fn put(&mut self, character: char) -> Result<(), NoMemory> {
        push(&mut self.0, Term::small(character as i64))
    }
}

struct Utf8(Vec<u8>);

impl Out for Utf8 {
    fn put(&mut self, character: char) -> Result<(), NoMemory> {
        let mut buffer = [0; 4];
        let bytes = character.encode_utf8(&mut buffer).as_bytes();
        self.0.try_reserve(bytes.len()).map_err(|_| NoMemory)?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// How the conversion ended.
enum End {
    All,
    /// `error` or `incomplete`, and the data that was not converted.
    Stopped(Atom, Term),
}

/// How many bytes a sequence with this first byte has; `None` if no sequence begins with it.
fn sequence_length(first: u8) -> Option<usize> {
    match first {
        0..=0x7f => Some(1),
        0xc0..=0xdf => Some(2),
        0xe0..=0xef => Some(3),
        0xf0..=0xf7 => Some(4),
        _ => None,
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// The character of a complete sequence.
fn character(bytes: &[u8]) -> Option<char> {
    core::str::from_utf8(bytes).ok()?.chars().next()
}

struct Converter<O: Out> {
    encoding: Encoding,
    out: O,
    /// What follows the lists that are being walked, outermost first.
    outer: Vec<Term>,
    /// The bytes of a sequence that has begun.
    pending: [u8; 4],
    pending_length: usize,
}

/// What became of a binary.
enum Taken {
    All,
    /// It is wrong from this byte on.
    Wrong(usize),
    /// The pending bytes cannot go on with its first ones.
    Unfit,
    /// All of it was added to the pending bytes, which are wrong.
    PendingWrong,
}

impl<O: Out> Converter<O> {
    fn new(encoding: Encoding, out: O) -> Converter<O> {
        Converter {
            encoding,
            out,
            outer: Vec::new(),
            pending: [0; 4],
            pending_length: 0,
        }
    }

    fn run(&mut self, cx: &mut Context, data: Term) -> Result<End, Fail> {
        let mut rest = data;
        let mut integers = 0;
        loop {
            while let Some(&cell) = rest.as_cons() {
                if cell.head.is_cons() {
                    push(&mut self.outer, cell.tail)?;
                    rest = cell.head;
                    continue;
                }
                if cell.head.is_integer() {
                    if self.pending_length > 0 {
                        let from_here = self.around(cx, rest)?;
                        return self.stop_in_pending(cx, from_here);
                    }
                    let point = self.point(cell.head);
                    let Some(point) = point else {
                        return Ok(End::Stopped(am::ERROR, self.around(cx, rest)?));
                    };
                    self.out.put(point)?;
                    integers += 1;
                    if integers % PIECE == 0 {
                        cx.consume(PIECE / BYTES_PER_REDUCTION)?;
                    }
                } else if let Some(bits) = view(&cell.head)
                    && let Some(end) = self.binary(cx, cell.head, bits, rest, cell.tail)?
                {
                    return Ok(end);
                }
                rest = cell.tail;
            }
            if let Some(bits) = view(&rest)
                && let Some(end) = self.binary(cx, rest, bits, rest, Term::NIL)?
            {
                return Ok(end);
            }
            match self.outer.pop() {
                Some(next) => rest = next,
                None => break,
            }
        }
        if self.pending_length > 0 {
            let bytes = &self.pending[..self.pending_length];
            let rest = crate::bits::make_binary(cx, bytes)?;
            return Ok(End::Stopped(am::INCOMPLETE, rest));
        }
        Ok(End::All)
    }

    /// The character that an integer is.
    fn point(&self, term: Term) -> Option<char> {
        let point = u32::try_from(term.as_small()?).ok()?;
        match self.encoding {
            Encoding::Latin1 => u8::try_from(point).ok().map(char::from),
            Encoding::Utf8 => char::from_u32(point),
        }
    }

    /// Converts a binary. `here` is the data from it on, and `after` what follows it in its list.
    fn binary(
        &mut self,
        cx: &mut Context,
        binary: Term,
        bits: BitsView,
        here: Term,
        after: Term,
    ) -> Result<Option<End>, Fail> {
        match self.bytes(cx, bits)? {
            Taken::All => Ok(None),
            Taken::Wrong(at) => {
                let left = sub_bits(cx, binary, at * 8, bits.size - at * 8)?;
                // A binary that is no element of a list is not made one.
                let rest = match here.is_cons() {
                    true => cx.cons(left, after)?,
                    false => left,
                };
                let rest = self.around(cx, rest)?;
                Ok(Some(End::Stopped(am::ERROR, rest)))
            }
            Taken::Unfit => {
                let rest = self.around(cx, here)?;
                self.stop_in_pending(cx, rest).map(Some)
            }
            Taken::PendingWrong => {
                let mut after = after;
                while after.is_nil()
                    && let Some(next) = self.outer.pop()
                {
                    after = next;
                }
                let rest = self.around(cx, after)?;
                self.stop_in_pending(cx, rest).map(Some)
            }
        }
    }

    fn bytes(&mut self, cx: &mut Context, bits: BitsView) -> Result<Taken, Fail> {
        let size = bits.size / 8;
        if self.encoding == Encoding::Latin1 {
            for i in 0..size {
                self.out.put(bits.byte(i) as char)?;
                if i % PIECE == PIECE - 1 {
                    cx.consume(PIECE / BYTES_PER_REDUCTION)?;
                }
            }
            return Ok(Taken::All);
        }
        let mut at = 0;
        if self.pending_length > 0 {
            let wanted = sequence_length(self.pending[0]).unwrap_or(1);
            let missing = wanted - self.pending_length;
            if size < missing {
                return Ok(self.add_pending(bits, 0));
            }
            let mut sequence = self.pending;
            for i in 0..missing {
                sequence[self.pending_length + i] = bits.byte(i);
            }
            match character(&sequence[..wanted]) {
                Some(character) => self.out.put(character)?,
                None => return Ok(Taken::Unfit),
            }
            self.pending_length = 0;
            at = missing;
        }
        while at < size {
            let Some(length) = sequence_length(bits.byte(at)) else {
                return Ok(Taken::Wrong(at));
            };
            if at + length > size {
                return Ok(self.add_pending(bits, at));
            }
            let mut sequence = [0; 4];
            for (i, byte) in sequence[..length].iter_mut().enumerate() {
                *byte = bits.byte(at + i);
            }
            match character(&sequence[..length]) {
                Some(character) => self.out.put(character)?,
                None => return Ok(Taken::Wrong(at)),
            }
            if at / PIECE != (at + length) / PIECE {
                cx.consume(PIECE / BYTES_PER_REDUCTION)?;
            }
            at += length;
        }
        Ok(Taken::All)
    }

    /// Keeps the bytes from `at` on, which do not complete a sequence.
    fn add_pending(&mut self, bits: BitsView, at: usize) -> Taken {
        for i in at..bits.size / 8 {
            self.pending[self.pending_length] = bits.byte(i);
            self.pending_length += 1;
        }
        let begun = &self.pending[..self.pending_length];
        match begun.iter().skip(1).all(|&byte| is_continuation(byte)) {
            true => Taken::All,
            false => Taken::PendingWrong,
        }
    }

    /// An error within the pending bytes: they come first, then what follows.
    fn stop_in_pending(&mut self, cx: &mut Context, rest: Term) -> Result<End, Fail> {
        let begun = &self.pending[..self.pending_length];
        let mut all = crate::bits::make_binary(cx, begun)?;
        let rest = from_first_byte(cx, rest)?;
        if !rest.is_nil() {
            all = cx.list(&[all, rest])?;
        }
        Ok(End::Stopped(am::ERROR, all))
    }

    /// `inner`, and around it the lists that were being walked when it was met.
    fn around(&mut self, cx: &mut Context, inner: Term) -> Result<Term, NoMemory> {
        let mut all = inner;
        while let Some(after) = self.outer.pop() {
            all = cx.cons(all, after)?;
        }
        Ok(all)
    }
}

/// `data` without what is empty at its beginning; `[]` if all of it is.
fn from_first_byte(cx: &mut Context, data: Term) -> Value {
    let mut tails: Vec<Term> = Vec::new();
    let mut here = data;
    loop {
        if let Some(&cell) = here.as_cons() {
            push(&mut tails, cell.tail)?;
            here = cell.head;
        } else if here.is_nil() || view(&here).is_some_and(|bits| bits.size == 0) {
            match tails.pop() {
                Some(tail) => here = tail,
                None => return Ok(Term::NIL),
            }
        } else {
            break;
        }
    }
    while let Some(tail) = tails.pop() {
        here = cx.cons(here, tail)?;
    }
    Ok(here)
}

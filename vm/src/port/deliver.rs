//! What a port sends to processes: data, lines, the end of the input, how a program ended.
//!
//! Invariant: a process that has no memory for what its port sends is killed; it would wait for it in vain otherwise.

use super::Port;
use crate::atom::am;
use crate::bits::make_binary;
use crate::dist;
use crate::machine::Machine;
use crate::memory::heap::Heap;
use crate::memory::{Arena, NoMemory};
use crate::process::exit;
use crate::term::{Atom, Term};
use crate::tracing::{event, port_event};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// Input that is split into lines: `{line, Limit}`. A line ends with LF, or with CR and LF.
pub struct Lines {
    /// Bytes of a line, at most: what is longer comes in pieces.
    pub limit: usize,
    /// The beginning of a line whose end has not come yet: a CR, which may be part of the end, does not count towards the limit.
    begun: Vec<u8>,
}

impl Lines {
    /// Lines of at most `limit` bytes, which are at least one.
    pub const fn new(limit: usize) -> Lines {
        Lines {
            limit,
            begun: Vec::new(),
        }
    }

    /// Takes `bytes` in and hands out each line that they end (true), and each piece of one that is too long (false).
    fn feed(
        &mut self,
        mut bytes: &[u8],
        mut line: impl FnMut(&[u8], bool),
    ) -> Result<(), NoMemory> {
        while !bytes.is_empty() {
            // Room for the longest line and its end.
            let room = self.limit.saturating_add(2) - self.begun.len();
            let end = bytes.iter().take(room).position(|&byte| byte == b'\n');
            let (piece, rest) = bytes.split_at(end.unwrap_or(room.min(bytes.len())));
            self.begun.try_reserve(piece.len()).map_err(|_| NoMemory)?;
            self.begun.extend_from_slice(piece);
            bytes = rest;
            while self.text().len() > self.limit {
                line(&self.begun[..self.limit], false);
                self.begun.drain(..self.limit);
            }
            if end.is_some() {
                line(self.text(), true);
                self.begun.clear();
                bytes = &bytes[1..];
            }
        }
        Ok(())
    }

    /// The text of the line that has begun, if its end comes next.
    fn text(&self) -> &[u8] {
        self.begun.strip_suffix(b"\r").unwrap_or(&self.begun)
    }

    /// Hands out the beginning of a line whose end will not come, in pieces that are not too long.
    fn finish(&mut self, mut piece: impl FnMut(&[u8])) {
        for text in self.begun.chunks(self.limit) {
            piece(text);
        }
        self.begun.clear();
    }
}

/// Sends what `build` makes to the process `to`, if there is one.
pub fn post(
    machine: &mut Machine,
    to: Term,
    build: impl FnOnce(&mut Heap) -> Result<Term, NoMemory>,
) {
    put(machine, to, build);
    event::received(machine, to, None);
}

/// As [`post`], from a port.
pub fn post_from(
    machine: &mut Machine,
    port: Term,
    to: Term,
    build: impl FnOnce(&mut Heap) -> Result<Term, NoMemory>,
) {
    put(machine, to, build);
    port_event::sent(machine, port, to);
}

fn put(machine: &mut Machine, to: Term, build: impl FnOnce(&mut Heap) -> Result<Term, NoMemory>) {
    let posted = machine
        .processes
        .post(to, |process| build(&mut process.heap));
    if posted == Err(NoMemory) {
        exit::begin(machine, to, am::KILLED.term());
    }
}

/// Bytes as the owner of a port wants them.
fn bytes_term(heap: &mut Heap, bytes: &[u8], binary: bool) -> Result<Term, NoMemory> {
    if binary {
        make_binary(heap, bytes)
    } else {
        heap.byte_list(bytes, Term::NIL)
    }
}

/// Sends `{Port, {data, Data}}`, or lines, to the owner.
pub fn data(machine: &mut Machine, port: Term, bytes: &[u8]) {
    machine.ports.input += bytes.len() as u64;
    let Some(at) = machine.ports.any(port) else {
        return;
    };
    at.input += bytes.len() as u64;
    if let Some(node) = at.carries {
        return dist::input::packet(machine, node, bytes);
    }
    let (owner, binary) = (at.owner, at.binary);
    let Some(mut lines) = at.lines.take() else {
        return post_from(machine, port, owner, |heap| {
            let bytes = bytes_term(heap, bytes, binary)?;
            let data = heap.tuple(&[am::DATA.term(), bytes])?;
            heap.tuple(&[port, data])
        });
    };
    let fed = lines.feed(bytes, |text, complete| {
        line(machine, port, text, complete, owner, binary);
    });
    if fed.is_err() {
        exit::begin(machine, owner, am::KILLED.term());
    }
    if let Some(at) = machine.ports.any(port) {
        at.lines = Some(lines);
    }
}

/// Sends `{Port, {data, [Byte, ... | Rest]}}` to the owner.
pub fn data_behind(machine: &mut Machine, port: Term, head: &[u8], rest: Option<&[u8]>) {
    let bytes = (head.len() + rest.map_or(0, <[u8]>::len)) as u64;
    machine.ports.input += bytes;
    let Some(at) = machine.ports.any(port) else {
        return;
    };
    at.input += bytes;
    if let Some(node) = at.carries {
        let packet = match rest {
            None => Cow::Borrowed(head),
            Some(rest) => Cow::Owned([head, rest].concat()),
        };
        return dist::input::packet(machine, node, &packet);
    }
    let (owner, binary) = (at.owner, at.binary);
    post_from(machine, port, owner, |heap| {
        let rest = match rest {
            Some(rest) => bytes_term(heap, rest, binary)?,
            None => Term::NIL,
        };
        let all = heap.byte_list(head, rest)?;
        let data = heap.tuple(&[am::DATA.term(), all])?;
        heap.tuple(&[port, data])
    });
}

fn line(machine: &mut Machine, port: Term, text: &[u8], complete: bool, owner: Term, binary: bool) {
    post_from(machine, port, owner, |heap| {
        let bytes = bytes_term(heap, text, binary)?;
        let tag = if complete { am::EOL } else { am::NOEOL };
        let line = heap.tuple(&[tag.term(), bytes])?;
        let data = heap.tuple(&[am::DATA.term(), line])?;
        heap.tuple(&[port, data])
    });
}

/// Sends the beginning of a line whose end will not come.
pub fn rest_of_line(machine: &mut Machine, port: Term) {
    let Some(at) = machine.ports.any(port) else {
        return;
    };
    let (owner, binary) = (at.owner, at.binary);
    if let Some(mut lines) = at.lines.take() {
        lines.finish(|text| line(machine, port, text, false, owner, binary));
        if let Some(at) = machine.ports.any(port) {
            at.lines = Some(lines);
        }
    }
}

fn owner(machine: &mut Machine, port: Term) -> Option<Term> {
    machine.ports.any(port).map(|at: &mut Port| at.owner)
}

/// Sends `{Port, eof}` to the owner.
pub fn eof(machine: &mut Machine, port: Term) {
    if let Some(owner) = owner(machine, port) {
        plain(machine, port, owner, am::EOF);
    }
}

/// Sends `{Port, What}` to the process `to`: `closed`, `connected`, `eof`.
pub fn plain(machine: &mut Machine, port: Term, to: Term, what: Atom) {
    post_from(machine, port, to, |heap| heap.tuple(&[port, what.term()]));
}

/// Sends `{Port, {exit_status, Code}}` to the owner.
pub fn exit_status(machine: &mut Machine, port: Term, code: u32) {
    if let Some(owner) = owner(machine, port) {
        post_from(machine, port, owner, |heap| {
            let status = heap.tuple(&[am::EXIT_STATUS.term(), Term::small(code.into())])?;
            heap.tuple(&[port, status])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec as StdVec;

    fn fed(limit: usize, pieces: &[&str]) -> StdVec<(String, bool)> {
        let mut lines = Lines::new(limit);
        let mut all = StdVec::new();
        for piece in pieces {
            lines
                .feed(piece.as_bytes(), |text, complete| {
                    all.push((String::from_utf8(text.to_vec()).unwrap(), complete));
                })
                .unwrap();
        }
        lines.finish(|text| all.push((String::from_utf8(text.to_vec()).unwrap(), false)));
        all
    }

    #[test]
    fn lines_end_at_their_end_or_at_the_limit() {
        let line = |text: &str, complete| (String::from(text), complete);
        let expected = [
            line("abc", true),
            line("defg", false),
            line("hijk", true),
            line("x", false),
        ];
        assert_eq!(fed(4, &["abc\ndefghijk\nx"]), expected);
        // However the bytes come in.
        let bytes: StdVec<String> = "abc\ndefghijk\nx".chars().map(String::from).collect();
        let bytes: StdVec<&str> = bytes.iter().map(String::as_str).collect();
        assert_eq!(fed(4, &bytes), expected);
        assert_eq!(fed(1, &["\n\n"]), [line("", true), line("", true)]);
    }

    #[test]
    fn a_carriage_return_belongs_to_the_end() {
        let (whole, part) = (
            |text: &str| (String::from(text), true),
            |text: &str| (String::from(text), false),
        );
        // Pieces of input, and what comes of them with a limit of 5.
        type Case<'a> = (&'a [&'a str], &'a [(String, bool)]);
        let cases: [Case; 8] = [
            (&["abcde\r\nf"], &[whole("abcde"), part("f")]),
            (&["abcde\r", "\nf"], &[whole("abcde"), part("f")]),
            (&["abcde", "\r\nf"], &[whole("abcde"), part("f")]),
            (&["abcde\r", "xf"], &[part("abcde"), part("\rxf")]),
            (&["abcd\rx\r\n"], &[part("abcd\r"), whole("x")]),
            (&["abcde\r"], &[part("abcde"), part("\r")]),
            (&["abcdef\r\n"], &[part("abcde"), whole("f")]),
            (&["abcd\r\r\nx"], &[whole("abcd\r"), part("x")]),
        ];
        for (input, expected) in cases {
            assert_eq!(fed(5, input), expected, "{input:?}");
        }
        assert_eq!(fed(1, &["\r\r\n"]), [whole("\r")]);
        assert_eq!(fed(1, &["abc", "\n"]), [part("a"), part("b"), whole("c")]);
    }
}

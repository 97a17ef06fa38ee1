//! Writing the external term format, byte for byte as OTP 25's `term_to_binary` does.
//!
//! Two things are up to the implementation and differ: the order of pairs in maps with more than 32 keys (unless
//! [`Options::deterministic`] asks for key order), and what compressed data looks like.
//!
//! No recursion: what has still to be written stands on a stack of [`Frame`]s.
//!
//! Invariant: growing the output and the stack may fail; then nothing of the term is used.

use super::{Progress, VERSION, tag};
use crate::atom::AtomTable;
use crate::bits::view::{BitsView, view};
use crate::map;
use crate::memory::NoMemory;
use crate::number::Number;
use crate::process::reference::RefNumber;
use crate::process::table::{number_of, serial_of};
use crate::term::compare::compare_exact;
use crate::term::external::{Node, RemotePid, RemotePort, RemoteReference};
use crate::term::fun::{Fun, Target};
use crate::term::{Atom, Subtag, Term};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use smallvec::{SmallVec, smallvec};

/// How to encode.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// 0: floats as text; 1: floats as such (OTP 25's default); 2: atoms always as UTF-8, too.
    pub minor_version: u8,
    /// Pairs of large maps in the order of their keys.
    pub deterministic: bool,
    /// Ports by eight bytes even where four would do, as since OTP 26.
    pub wide_ports: bool,
}

impl Default for Options {
    /// As `term_to_binary/1` of OTP 25.
    fn default() -> Options {
        Options {
            minor_version: 1,
            deterministic: false,
            wide_ports: false,
        }
    }
}

/// The external term of `term`, version byte included.
pub fn encode(atoms: &AtomTable, term: Term, options: &Options) -> Result<Vec<u8>, NoMemory> {
    let mut encoding = Encoding::new(term, options)?;
    encoding.advance(atoms, usize::MAX)?;
    Ok(encoding.bytes)
}

/// An encoding that is made in pieces, so that others may run in between. The term stays where it is until it is done.
pub struct Encoding {
    /// What has been written, from the version byte on.
    pub bytes: Vec<u8>,
    /// Integers of funs that took two bytes and not five.
    pub short_fun_integers: usize,
    options: Options,
    frames: SmallVec<[Frame; 8]>,
}

impl Encoding {
    /// Begins with `term`.
    pub fn new(term: Term, options: &Options) -> Result<Encoding, NoMemory> {
        let mut bytes = Vec::new();
        push(&mut bytes, VERSION)?;
        Ok(Encoding {
            bytes,
            short_fun_integers: 0,
            options: *options,
            frames: smallvec![Frame::Value(term)],
        })
    }

    /// Goes on, until about `work` bytes more are there.
    pub fn advance(&mut self, atoms: &AtomTable, work: usize) -> Result<Progress, NoMemory> {
        let until = self.bytes.len().saturating_add(work);
        let mut encoder = Encoder {
            atoms,
            options: &self.options,
            out: &mut self.bytes,
            frames: core::mem::take(&mut self.frames),
            short_fun_integers: self.short_fun_integers,
            cache: None,
        };
        let progress = encoder.run_until(until)?;
        self.short_fun_integers = encoder.short_fun_integers;
        self.frames = encoder.frames;
        Ok(progress)
    }
}

/// Bytes of a long bit string that are written at once.
const PIECE: usize = 1 << 16;

/// What is still to be written.
enum Frame {
    /// The cells from this one on, then the tail. Their number belongs at the offset.
    Cells {
        rest: Term,
        count: usize,
        count_at: usize,
    },
    /// The rest of a bit string, from this byte of it on.
    Bits { bits: BitsView, from: usize },
    /// Terms side by side.
    Terms { next: *const Term, left: usize },
    /// Pairs of a flat map: as many keys and values lie there. A key has been written, and its value has not, if `at_value`.
    Flat {
        keys: *const Term,
        values: *const Term,
        left: u32,
        at_value: bool,
    },
    /// Pairs of a large map.
    Pairs(Box<map::Iter>),
    /// Pairs of a map in the order of keys; the last one first.
    Sorted(Vec<(Term, Term)>),
    /// The value of a pair whose key has been written.
    Value(Term),
    /// A fun is complete: its size belongs at this offset.
    FunSize(usize),
}

fn push(out: &mut Vec<u8>, byte: u8) -> Result<(), NoMemory> {
    if out.len() == out.capacity() {
        out.try_reserve(64).map_err(|_| NoMemory)?;
    }
    out.push(byte);
    Ok(())
}

fn extend(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), NoMemory> {
    out.try_reserve(bytes.len()).map_err(|_| NoMemory)?;
    out.extend_from_slice(bytes);
    Ok(())
}

fn tagged_u32(out: &mut Vec<u8>, tag: u8, value: usize) -> Result<(), NoMemory> {
    // A term with 2^32 parts would not fit the memory of this machine as bytes, either.
    let value = u32::try_from(value).map_err(|_| NoMemory)?;
    push(out, tag)?;
    extend(out, &value.to_be_bytes())
}

/// What a node that is connected knows already: the names of atoms.
pub trait AtomCache {
    /// The number that stands for `atom` in the message; `None` if its name has to be written.
    fn reference(&mut self, atom: Atom) -> Option<u8>;
}

/// How terms are written to other nodes.
const TO_NODES: Options = Options {
    minor_version: 2,
    deterministic: false,
    wide_ports: false,
};

/// Appends `term` for a node that is connected, without a version byte.
pub fn append_for_node<'a>(
    atoms: &'a AtomTable,
    term: Term,
    cache: Option<&'a mut dyn AtomCache>,
    out: &'a mut Vec<u8>,
) -> Result<(), NoMemory> {
    Encoder::for_node(atoms, cache, out).run(term)
}

/// A part of a tuple that is not made as a term before it is written.
#[derive(Clone, Copy)]
pub enum Part {
    /// A term.
    Term(Term),
    /// A pid of another node.
    Pid(RemotePid),
    /// A reference of any node.
    Reference(RemoteReference),
    /// An integer without sign.
    Number(u64),
}

/// Appends a tuple of up to 255 parts, as [`append_for_node`].
pub fn append_tuple_for_node(
    atoms: &AtomTable,
    parts: &[Part],
    mut cache: Option<&mut dyn AtomCache>,
    out: &mut Vec<u8>,
) -> Result<(), NoMemory> {
    extend(out, &[tag::SMALL_TUPLE, parts.len() as u8])?;
    for part in parts {
        // The cache is lent anew for each part.
        let cache: Option<&mut dyn AtomCache> = match &mut cache {
            Some(cache) => Some(&mut **cache),
            None => None,
        };
        let mut encoder = Encoder::for_node(atoms, cache, out);
        match *part {
            Part::Term(term) => encoder.run(term)?,
            Part::Pid(pid) => encoder.pid(pid)?,
            Part::Reference(reference) => {
                encoder.reference(reference.node, reference.numbers())?;
            }
            Part::Number(number) => match i64::try_from(number) {
                Ok(small) => encoder.small(small)?,
                Err(_) => encoder.magnitude(false, &[number])?,
            },
        }
    }
    Ok(())
}

/// The length of a list of bytes that fits the tag for such lists.
fn string_length(list: Term) -> Option<usize> {
    let mut cells = list.iter_list();
    let mut length = 0;
    for head in &mut cells {
        if length == u16::MAX as usize || !matches!(head.as_small(), Some(0..=255)) {
            return None;
        }
        length += 1;
    }
    cells.tail().is_nil().then_some(length)
}

struct Encoder<'a> {
    /// Integers of funs that took two bytes and not five.
    short_fun_integers: usize,
    atoms: &'a AtomTable,
    options: &'a Options,
    out: &'a mut Vec<u8>,
    frames: SmallVec<[Frame; 8]>,
    /// Atoms that need not be written out.
    cache: Option<&'a mut dyn AtomCache>,
}

impl<'a> Encoder<'a> {
    fn for_node(
        atoms: &'a AtomTable,
        cache: Option<&'a mut dyn AtomCache>,
        out: &'a mut Vec<u8>,
    ) -> Encoder<'a> {
        Encoder {
            atoms,
            options: &TO_NODES,
            out,
            frames: SmallVec::new(),
            short_fun_integers: 0,
            cache,
        }
    }

    fn run(&mut self, term: Term) -> Result<(), NoMemory> {
        self.term(term)?;
        self.run_until(usize::MAX).map(|_| ())
    }

    /// Writes what is left, but stops soon after so many bytes are there.
    fn run_until(&mut self, until: usize) -> Result<Progress, NoMemory> {
        while self.out.len() < until {
            match self.next_term()? {
                Some(term) => self.term(term)?,
                None if self.frames.is_empty() => return Ok(Progress::Done),
                None => {}
            }
        }
        Ok(Progress::More)
    }

    /// The term that is to be written next; `None` after a piece of something long, and at the end.
    fn next_term(&mut self) -> Result<Option<Term>, NoMemory> {
        loop {
            let Some(frame) = self.frames.last_mut() else {
                return Ok(None);
            };
            match frame {
                Frame::Cells {
                    rest,
                    count,
                    count_at,
                } => match rest.as_cons() {
                    Some(&cell) => {
                        *rest = cell.tail;
                        *count += 1;
                        return Ok(Some(cell.head));
                    }
                    None => {
                        let (tail, at) = (*rest, *count_at);
                        // As in `tagged_u32`.
                        let count = u32::try_from(*count).map_err(|_| NoMemory)?;
                        self.out[at..at + 4].copy_from_slice(&count.to_be_bytes());
                        self.frames.pop();
                        return Ok(Some(tail));
                    }
                },
                Frame::Terms { left: 0, .. } => {
                    self.frames.pop();
                }
                Frame::Terms { next, left } => {
                    // SAFETY: `left` terms of one object lie there.
                    let term = unsafe { **next };
                    // SAFETY: at most one past the last of them.
                    *next = unsafe { next.add(1) };
                    *left -= 1;
                    if *left == 0 {
                        self.frames.pop();
                    }
                    return Ok(Some(term));
                }
                Frame::Flat { left: 0, .. } => {
                    self.frames.pop();
                }
                Frame::Flat {
                    keys,
                    values,
                    left,
                    at_value,
                } => {
                    *at_value = !*at_value;
                    if *at_value {
                        // SAFETY: `left` keys lie there.
                        return Ok(Some(unsafe { **keys }));
                    }
                    // SAFETY: `left` values lie there.
                    let value = unsafe { **values };
                    // SAFETY: at most one past the last of each.
                    (*keys, *values) = unsafe { (keys.add(1), values.add(1)) };
                    *left -= 1;
                    if *left == 0 {
                        self.frames.pop();
                    }
                    return Ok(Some(value));
                }
                Frame::Pairs(pairs) => match pairs.next() {
                    Some((key, value)) => {
                        self.push_frame(Frame::Value(value))?;
                        return Ok(Some(key));
                    }
                    None => {
                        self.frames.pop();
                    }
                },
                Frame::Sorted(pairs) => match pairs.pop() {
                    Some((key, value)) => {
                        self.push_frame(Frame::Value(value))?;
                        return Ok(Some(key));
                    }
                    None => {
                        self.frames.pop();
                    }
                },
                Frame::Value(value) => {
                    let value = *value;
                    self.frames.pop();
                    return Ok(Some(value));
                }
                Frame::Bits { bits, from } => {
                    let (bits, from) = (*bits, *from);
                    let piece = from..bits.size.div_ceil(8).min(from + PIECE);
                    match self.frames.last_mut() {
                        Some(Frame::Bits { from, .. }) if piece.len() == PIECE => *from = piece.end,
                        _ => drop(self.frames.pop()),
                    }
                    self.piece(bits, piece)?;
                    return Ok(None);
                }
                Frame::FunSize(at) => {
                    let at = *at;
                    let size = (self.out.len() - at) as u32;
                    self.out[at..at + 4].copy_from_slice(&size.to_be_bytes());
                    self.frames.pop();
                }
            }
        }
    }

    fn push_frame(&mut self, frame: Frame) -> Result<(), NoMemory> {
        self.frames.try_reserve(1).map_err(|_| NoMemory)?;
        self.frames.push(frame);
        Ok(())
    }

    /// Writes a term, or what a container begins with.
    fn term(&mut self, term: Term) -> Result<(), NoMemory> {
        if let Some(value) = term.as_small() {
            return self.small(value);
        }
        if let Some(atom) = term.as_atom() {
            return self.atom(atom);
        }
        if term.is_cons() {
            return self.list(term);
        }
        let Some(subtag) = term.subtag() else {
            let node = self.atoms.node;
            return if term.is_local_pid() {
                self.pid(RemotePid {
                    node,
                    number: number_of(term),
                    serial: serial_of(term),
                })
            } else if term.is_local_port() {
                let number = term.identifier_data();
                self.port(RemotePort { node, number })
            } else {
                push(self.out, tag::NIL)
            };
        };
        match subtag {
            Subtag::Tuple => {
                let elements = term.as_tuple().unwrap_or(&[]);
                match u8::try_from(elements.len()) {
                    Ok(arity) => extend(self.out, &[tag::SMALL_TUPLE, arity])?,
                    Err(_) => tagged_u32(self.out, tag::LARGE_TUPLE, elements.len())?,
                }
                self.push_terms(elements)
            }
            Subtag::BigPositive | Subtag::BigNegative => self.big(term),
            Subtag::Float => self.float(term.as_float().unwrap_or_default()),
            Subtag::FlatMap | Subtag::HashMap => self.map(term),
            Subtag::HeapBits | Subtag::RefcBits | Subtag::SubBits => match view(&term) {
                Some(bits) => self.bits(bits),
                None => Ok(()),
            },
            Subtag::Fun => self.fun(term),
            Subtag::Reference => {
                let numbers = RefNumber::of(term).map_or([0; 3], RefNumber::numbers);
                self.reference(self.atoms.node, &numbers)
            }
            Subtag::ExternalPid => match RemotePid::of(term) {
                Some(pid) => self.pid(pid),
                None => Ok(()),
            },
            Subtag::ExternalPort => match RemotePort::of(term) {
                Some(port) => self.port(port),
                None => Ok(()),
            },
            Subtag::ExternalReference => match RemoteReference::of(term) {
                Some(reference) => self.reference(reference.node, reference.numbers()),
                None => Ok(()),
            },
            Subtag::MatchContext | Subtag::Invalid => {
                unreachable!("a match context is never part of a term")
            }
        }
    }

    fn push_terms(&mut self, terms: &[Term]) -> Result<(), NoMemory> {
        if terms.is_empty() {
            return Ok(());
        }
        self.push_frame(Frame::Terms {
            next: terms.as_ptr(),
            left: terms.len(),
        })
    }

    fn small(&mut self, value: i64) -> Result<(), NoMemory> {
        if let Ok(byte) = u8::try_from(value) {
            return extend(self.out, &[tag::SMALL_INTEGER, byte]);
        }
        if let Ok(value) = i32::try_from(value) {
            push(self.out, tag::INTEGER)?;
            return extend(self.out, &value.to_be_bytes());
        }
        self.magnitude(value < 0, &[value.unsigned_abs()])
    }

    fn big(&mut self, term: Term) -> Result<(), NoMemory> {
        match Number::of(&term) {
            Some(Number::Big(big)) => self.magnitude(big.negative, big.digits),
            _ => Ok(()),
        }
    }

    fn magnitude(&mut self, negative: bool, digits: &[u64]) -> Result<(), NoMemory> {
        let last = digits.last().copied().unwrap_or(0);
        let size = digits.len() * 8 - last.leading_zeros() as usize / 8;
        match u8::try_from(size) {
            Ok(size) => extend(self.out, &[tag::SMALL_BIG, size])?,
            Err(_) => tagged_u32(self.out, tag::LARGE_BIG, size)?,
        }
        push(self.out, negative as u8)?;
        let end = self.out.len() + size;
        for digit in digits {
            extend(self.out, &digit.to_le_bytes())?;
        }
        self.out.truncate(end);
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<(), NoMemory> {
        if self.options.minor_version > 0 {
            push(self.out, tag::NEW_FLOAT)?;
            return extend(self.out, &value.to_bits().to_be_bytes());
        }
        push(self.out, tag::FLOAT)?;
        let start = self.out.len();
        let mut text = crate::term::print::Exponential::new(value, 20);
        text.pad_with_zeros(31);
        extend(self.out, text.bytes())?;
        debug_assert_eq!(self.out.len(), start + 31);
        Ok(())
    }

    fn atom(&mut self, atom: Atom) -> Result<(), NoMemory> {
        if let Some(cache) = &mut self.cache
            && let Some(number) = cache.reference(atom)
        {
            return extend(self.out, &[tag::ATOM_CACHE_REF, number]);
        }
        let name = self.atoms.name(atom);
        let is_latin1 = name.chars().all(|c| c <= '\u{ff}');
        if self.options.minor_version < 2 && is_latin1 {
            push(self.out, tag::ATOM)?;
            let length = name.chars().count() as u16;
            extend(self.out, &length.to_be_bytes())?;
            self.out
                .try_reserve(length as usize)
                .map_err(|_| NoMemory)?;
            self.out.extend(name.chars().map(|c| c as u8));
            return Ok(());
        }
        match u8::try_from(name.len()) {
            Ok(length) => extend(self.out, &[tag::SMALL_ATOM_UTF8, length])?,
            Err(_) => {
                push(self.out, tag::ATOM_UTF8)?;
                extend(self.out, &(name.len() as u16).to_be_bytes())?;
            }
        }
        extend(self.out, name.as_bytes())
    }

    fn list(&mut self, list: Term) -> Result<(), NoMemory> {
        let Some(length) = string_length(list) else {
            // How many elements there are is known behind them.
            tagged_u32(self.out, tag::LIST, 0)?;
            let count_at = self.out.len() - 4;
            return self.push_frame(Frame::Cells {
                rest: list,
                count: 0,
                count_at,
            });
        };
        push(self.out, tag::STRING)?;
        extend(self.out, &(length as u16).to_be_bytes())?;
        self.out.try_reserve(length).map_err(|_| NoMemory)?;
        let bytes = list.iter_list().map(|head| head.small_value() as u8);
        self.out.extend(bytes);
        Ok(())
    }

    fn map(&mut self, term: Term) -> Result<(), NoMemory> {
        let size = map::size(term);
        tagged_u32(self.out, tag::MAP, size)?;
        if let Some(keys) = map::key_tuple(term)
            && let Some(keys) = keys.as_tuple()
            && let Some([_, values @ ..]) = term.as_object(Subtag::FlatMap)
            && keys.len() == values.len()
        {
            return self.push_frame(Frame::Flat {
                keys: keys.as_ptr(),
                values: values.as_ptr().cast(),
                left: size as u32,
                at_value: false,
            });
        }
        if !self.options.deterministic {
            return self.push_frame(Frame::Pairs(Box::new(map::iter(term))));
        }
        let mut pairs = Vec::new();
        pairs.try_reserve_exact(size).map_err(|_| NoMemory)?;
        pairs.extend(map::iter(term));
        pairs.sort_unstable_by(|a, b| compare_exact(self.atoms, b.0, a.0));
        self.push_frame(Frame::Sorted(pairs))
    }

    fn bits(&mut self, bits: BitsView) -> Result<(), NoMemory> {
        let size = bits.size.div_ceil(8);
        let last = bits.size % 8;
        if last == 0 {
            tagged_u32(self.out, tag::BINARY, size)?;
        } else {
            tagged_u32(self.out, tag::BIT_BINARY, size)?;
            push(self.out, last as u8)?;
        }
        if size > PIECE {
            return self.push_frame(Frame::Bits { bits, from: 0 });
        }
        self.piece(bits, 0..size)
    }

    /// Writes these bytes of a bit string.
    fn piece(&mut self, bits: BitsView, bytes: Range<usize>) -> Result<(), NoMemory> {
        if let Some(all) = bits.as_aligned_bytes() {
            return extend(self.out, &all[bytes]);
        }
        self.out.try_reserve(bytes.len()).map_err(|_| NoMemory)?;
        self.out.extend(bytes.map(|i| bits.byte(i)));
        Ok(())
    }

    fn u32(&mut self, value: u32) -> Result<(), NoMemory> {
        extend(self.out, &value.to_be_bytes())
    }

    fn pid(&mut self, pid: RemotePid) -> Result<(), NoMemory> {
        push(self.out, tag::NEW_PID)?;
        self.atom(pid.node.name)?;
        self.u32(pid.number)?;
        self.u32(pid.serial)?;
        self.u32(pid.node.creation)
    }

    fn port(&mut self, port: RemotePort) -> Result<(), NoMemory> {
        let number = port.number;
        // Numbers of more than 28 bits need the newer tag.
        let wide = self.options.wide_ports || number >> 28 != 0;
        push(self.out, if wide { tag::V4_PORT } else { tag::NEW_PORT })?;
        self.atom(port.node.name)?;
        if wide {
            extend(self.out, &number.to_be_bytes())?;
        } else {
            self.u32(number as u32)?;
        }
        self.u32(port.node.creation)
    }

    fn reference(&mut self, node: Node, numbers: &[u32]) -> Result<(), NoMemory> {
        push(self.out, tag::NEWER_REFERENCE)?;
        extend(self.out, &(numbers.len() as u16).to_be_bytes())?;
        self.atom(node.name)?;
        self.u32(node.creation)?;
        numbers.iter().try_for_each(|&number| self.u32(number))
    }

    fn fun(&mut self, term: Term) -> Result<(), NoMemory> {
        let Some(fun) = Fun::of(&term) else {
            return Ok(());
        };
        match fun.target() {
            Target::External(mfa) => {
                push(self.out, tag::EXPORT)?;
                self.atom(mfa.module)?;
                self.atom(mfa.function)?;
                self.small(mfa.arity as i64)
            }
            Target::Local(identity) => {
                push(self.out, tag::NEW_FUN)?;
                let size_at = self.out.len();
                self.u32(0)?;
                push(self.out, identity.arity as u8)?;
                extend(self.out, &identity.uniq)?;
                self.u32(identity.index)?;
                self.u32(fun.free().len() as u32)?;
                self.atom(identity.module)?;
                for number in [identity.old_index, identity.old_uniq] {
                    self.small(number as i64)?;
                    self.short_fun_integers += (number <= 255) as usize;
                }
                self.term(fun.creator())?;
                self.push_frame(Frame::FunSize(size_at))?;
                self.push_terms(fun.free())
            }
        }
    }
}

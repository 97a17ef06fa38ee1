//! `erlang:phash2/1,2`: the hash that is the same on every machine and in every release.
//!
//! It is Bob Jenkins' 1996 hash of three 32-bit words, with a constant for each type. Atoms count with the hash of their names; a
//! map with the exclusive or of the hashes of its pairs, so that the order in which it is walked does not matter.
//!
//! No recursion: what has still to be hashed stands on a stack of [`Frame`]s.
//!
//! Invariant: equal to OTP's number for every term; only references and pids are hashed by a part of their numbers.

use super::external::{RemotePid, RemotePort, RemoteReference};
use super::fun::{Fun, Target};
use super::{Atom, Subtag, Term};
use crate::atom::AtomTable;
use crate::bits::view::{BitsView, view};
use crate::map;
use crate::memory::NoMemory;
use crate::number::{Big, Number};
use crate::process::table::number_of;
use alloc::boxed::Box;
use smallvec::SmallVec;

const GOLDEN: u32 = 0x9e37_79b9;

/// The constant of a type is a multiple of the golden ratio.
const fn constant(number: u32) -> u32 {
    GOLDEN.wrapping_mul(number)
}

const SMALL: u32 = constant(1);
const FUN: u32 = constant(1);
const NIL: u32 = constant(2);
const ATOM: u32 = constant(3);
const STRING: u32 = constant(4);
const PID: u32 = constant(5);
const PORT: u32 = constant(6);
const REFERENCE: u32 = constant(7);
const TUPLE: u32 = constant(9);
const NEGATIVE: u32 = constant(10);
const POSITIVE: u32 = constant(11);
const FLOAT: u32 = constant(12);
const BINARY: u32 = constant(13);
const EXPORT_FUNCTION: u32 = constant(14);
const LAST_BITS: u32 = constant(15);
const MAP_SIZE: u32 = constant(16);
const MAP_PAIRS: u32 = constant(19);

/// The hash of `[]` where nothing was hashed before it.
const NIL_ALONE: u32 = 3_468_870_702;
/// What `[]` counts as elsewhere.
const NIL_VALUE: u32 = 2;

/// The hash of `term`, all 32 bits of it.
pub fn phash2(atoms: &AtomTable, term: Term) -> Result<u32, NoMemory> {
    let mut hashing = Hashing::new(term);
    loop {
        if let Some(hash) = hashing.advance(atoms, usize::MAX)? {
            return Ok(hash);
        }
    }
}

/// A hash that is computed in pieces, so that others may run in between. The term stays where it is until it is done.
pub struct Hashing {
    next: Term,
    hash: u32,
    frames: SmallVec<[Frame; 8]>,
}

impl Hashing {
    /// Of `term`.
    pub fn new(term: Term) -> Hashing {
        Hashing {
            next: term,
            hash: 0,
            frames: SmallVec::new(),
        }
    }

    /// Goes over up to so many terms more; the hash, all 32 bits of it, when that was all.
    pub fn advance(&mut self, atoms: &AtomTable, terms: usize) -> Result<Option<u32>, NoMemory> {
        let mut state = State {
            atoms,
            hash: self.hash,
            frames: core::mem::take(&mut self.frames),
        };
        match run(&mut state, self.next, terms)? {
            Some(next) => {
                self.next = next;
                self.hash = state.hash;
                self.frames = state.frames;
                Ok(None)
            }
            None => Ok(Some(state.hash)),
        }
    }
}

/// Hashes up to so many terms; what comes next.
fn run(state: &mut State<'_>, mut term: Term, mut terms: usize) -> Result<Option<Term>, NoMemory> {
    loop {
        if terms == 0 {
            return Ok(Some(term));
        }
        terms -= 1;
        let mut inner = state.add(term)?;
        while inner.is_none() {
            let Some(frame) = state.frames.last_mut() else {
                return Ok(None);
            };
            match frame {
                Frame::Terms { left: 0, .. } => {
                    state.frames.pop();
                }
                Frame::Terms { next, left } => {
                    // SAFETY: `left` terms of one object lie there.
                    inner = Some(unsafe { **next });
                    // SAFETY: at most one past the last of them.
                    *next = unsafe { next.add(1) };
                    *left -= 1;
                    if *left == 0 {
                        state.frames.pop();
                    }
                }
                Frame::One(term) => {
                    inner = Some(*term);
                    state.frames.pop();
                }
                Frame::Map {
                    pairs,
                    outer,
                    all,
                    started,
                } => {
                    if *started {
                        *all ^= state.hash;
                    }
                    *started = true;
                    state.hash = 0;
                    match pairs.next() {
                        Some((key, value)) => {
                            inner = Some(key);
                            state.push(Frame::One(value))?;
                        }
                        None => {
                            let (outer, all) = (*outer, *all);
                            state.frames.pop();
                            state.hash = outer;
                            state.word(all, MAP_PAIRS);
                        }
                    }
                }
            }
        }
        match inner {
            Some(next) => term = next,
            None => return Ok(None),
        }
    }
}

/// What has still to be hashed.
enum Frame {
    Terms {
        next: *const Term,
        left: usize,
    },
    One(Term),
    /// Pairs of a map, each hashed by itself.
    Map {
        pairs: Box<map::Iter>,
        /// The hash of what stands before the map.
        outer: u32,
        /// Of the pairs so far.
        all: u32,
        started: bool,
    },
}

struct State<'a> {
    atoms: &'a AtomTable,
    hash: u32,
    frames: SmallVec<[Frame; 8]>,
}

/// The round of the hash.
fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    let step = |x: u32, y: u32, z: u32, shifted: u32| x.wrapping_sub(y).wrapping_sub(z) ^ shifted;
    a = step(a, b, c, c >> 13);
    b = step(b, c, a, a << 8);
    c = step(c, a, b, b >> 13);
    a = step(a, b, c, c >> 12);
    b = step(b, c, a, a << 16);
    c = step(c, a, b, b >> 5);
    a = step(a, b, c, c >> 3);
    b = step(b, c, a, a << 10);
    c = step(c, a, b, b >> 15);
    (a, b, c)
}

/// The hash of bytes.
fn hash_bytes(length: usize, byte: impl Fn(usize) -> u8, initial: u32) -> u32 {
    let word = |at: usize| u32::from_le_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
    let (mut a, mut b, mut c) = (GOLDEN, GOLDEN, initial);
    let whole = length / 12 * 12;
    for at in (0..whole).step_by(12) {
        a = a.wrapping_add(word(at));
        b = b.wrapping_add(word(at + 4));
        c = c.wrapping_add(word(at + 8));
        (a, b, c) = mix(a, b, c);
    }
    c = c.wrapping_add(length as u32);
    for at in whole..length {
        let place = at - whole;
        // The lowest byte of the third word is the length's.
        let (word, place) = match place {
            0..4 => (&mut a, place),
            4..8 => (&mut b, place - 4),
            _ => (&mut c, place - 7),
        };
        *word = word.wrapping_add((byte(at) as u32) << (8 * place));
    }
    mix(a, b, c).2
}

impl State<'_> {
    fn words(&mut self, first: u32, second: u32, constant: u32) {
        let a = constant.wrapping_add(first);
        let b = constant.wrapping_add(second);
        self.hash = mix(a, b, self.hash).2;
    }

    fn word(&mut self, word: u32, constant: u32) {
        self.words(word, 0, constant);
    }

    fn wide(&mut self, value: u64, constant: u32) {
        self.words(value as u32, (value >> 32) as u32, constant);
    }

    fn push(&mut self, frame: Frame) -> Result<(), NoMemory> {
        self.frames.try_reserve(1).map_err(|_| NoMemory)?;
        self.frames.push(frame);
        Ok(())
    }

    /// Hashes what is not a term in `term`; the rest goes onto the stack, but for the term that comes next.
    fn add(&mut self, term: Term) -> Result<Option<Term>, NoMemory> {
        if term.is_cons() {
            return self.list(term);
        }
        match term.subtag() {
            None => self.immediate(term),
            Some(Subtag::Tuple) => {
                let elements = term.as_tuple().unwrap_or(&[]);
                self.word(elements.len() as u32, TUPLE);
                self.terms(elements)?;
            }
            Some(Subtag::FlatMap | Subtag::HashMap) => {
                let size = map::size(term);
                self.word(size as u32, MAP_SIZE);
                if size > 0 {
                    let outer = self.hash;
                    self.push(Frame::Map {
                        pairs: Box::new(map::iter(term)),
                        outer,
                        all: 0,
                        started: false,
                    })?;
                }
            }
            Some(Subtag::BigPositive | Subtag::BigNegative) => {
                if let Some(Number::Big(Big { negative, digits })) = Number::of(&term) {
                    let constant = if negative { NEGATIVE } else { POSITIVE };
                    digits.iter().for_each(|&digit| self.wide(digit, constant));
                }
            }
            Some(Subtag::Float) => {
                // -0.0 counts as 0.0.
                let bits = (term.as_float().unwrap_or_default() + 0.0).to_bits();
                self.words((bits >> 32) as u32, bits as u32, FLOAT);
            }
            Some(Subtag::HeapBits | Subtag::RefcBits | Subtag::SubBits) => {
                if let Some(bits) = view(&term) {
                    self.bits(bits);
                }
            }
            Some(Subtag::Fun) => self.fun(term)?,
            Some(Subtag::Reference) => {
                let words = term.as_object(Subtag::Reference).unwrap_or(&[0]);
                self.word(words[0] as u32, REFERENCE);
            }
            // The node makes no difference.
            Some(Subtag::ExternalPid) => {
                if let Some(pid) = RemotePid::of(term) {
                    self.word(pid.number, PID);
                }
            }
            Some(Subtag::ExternalPort) => {
                if let Some(port) = RemotePort::of(term) {
                    self.wide(port.number, PORT);
                }
            }
            Some(Subtag::ExternalReference) => {
                let reference = RemoteReference::of(term);
                let first = reference.map_or(0, |reference| reference.all_numbers()[0]);
                self.word(first, REFERENCE);
            }
            Some(Subtag::MatchContext | Subtag::Invalid) => {
                unreachable!("a match context is never part of a term")
            }
        }
        Ok(None)
    }

    fn terms(&mut self, terms: &[Term]) -> Result<(), NoMemory> {
        if terms.is_empty() {
            return Ok(());
        }
        self.push(Frame::Terms {
            next: terms.as_ptr(),
            left: terms.len(),
        })
    }

    fn atom_hash(&self, atom: Atom) -> u32 {
        self.atoms.hash(atom)
    }

    fn immediate(&mut self, term: Term) {
        if let Some(value) = term.as_small() {
            self.small(value);
        } else if let Some(atom) = term.as_atom() {
            let hash = self.atom_hash(atom);
            if self.hash == 0 {
                self.hash = hash;
            } else {
                self.word(hash, ATOM);
            }
        } else if term.is_local_pid() {
            self.word(number_of(term), PID);
        } else if term.is_local_port() {
            let number = term.identifier_data();
            self.wide(number, PORT);
        } else if self.hash == 0 {
            self.hash = NIL_ALONE;
        } else {
            self.word(NIL_VALUE, NIL);
        }
    }

    fn small(&mut self, value: i64) {
        if (-(1 << 27)..1 << 27).contains(&value) {
            if value < 0 {
                self.word(-value as u32, SMALL);
            }
            self.word(value as u32, SMALL);
        } else {
            let constant = if value < 0 { NEGATIVE } else { POSITIVE };
            self.wide(value.unsigned_abs(), constant);
        }
    }

    /// Bytes at the beginning of a list count four at a time.
    fn list(&mut self, list: Term) -> Result<Option<Term>, NoMemory> {
        let mut rest = list;
        let mut bytes = 0u32;
        let mut count = 0;
        while let Some(cell) = rest.as_cons()
            && let Some(byte @ 0..=255) = cell.head.as_small()
        {
            bytes = bytes << 8 | byte as u32;
            count += 1;
            if count == 4 {
                self.word(bytes, STRING);
                (bytes, count) = (0, 0);
            }
            rest = cell.tail;
        }
        if count > 0 {
            self.word(bytes, STRING);
        }
        match rest.as_cons() {
            Some(cell) => {
                self.push(Frame::One(cell.tail))?;
                Ok(Some(cell.head))
            }
            None => Ok(Some(rest)),
        }
    }

    fn bits(&mut self, bits: BitsView) {
        let initial = BINARY.wrapping_add(self.hash);
        if bits.size == 0 {
            self.hash = initial;
            return;
        }
        let (length, last) = (bits.size / 8, bits.size % 8);
        self.hash = match bits.as_aligned_bytes() {
            Some(bytes) => hash_bytes(length, |at| bytes[at], initial),
            None => hash_bytes(length, |at| bits.byte(at), initial),
        };
        if last > 0 {
            let value = bits.byte(length) >> (8 - last);
            self.words(last as u32, value as u32, LAST_BITS);
        }
    }

    fn fun(&mut self, term: Term) -> Result<(), NoMemory> {
        let Some(fun) = Fun::of(&term) else {
            return Ok(());
        };
        match fun.target() {
            Target::External(mfa) => {
                let (module, function) = (self.atom_hash(mfa.module), self.atom_hash(mfa.function));
                self.words(mfa.arity, module, FUN);
                self.word(function, EXPORT_FUNCTION);
            }
            Target::Local(identity) => {
                let module = self.atom_hash(identity.module);
                self.words(fun.free().len() as u32, module, FUN);
                self.words(identity.index, identity.old_uniq, FUN);
            }
        }
        self.terms(fun.free())
    }
}

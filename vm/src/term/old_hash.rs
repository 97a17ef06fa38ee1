//! `erlang:phash/2`, the portable hash before `phash2`; programs that stored its numbers still need it.
//!
//! The hash is a number that each part of a term multiplies by a prime and adds to. Maps, younger than this
//! hash, count with their `phash2`.
//!
//! No recursion: what has still to be hashed stands on a stack of [`Frame`]s.
//!
//! Invariant: equal to OTP's number for every term.

use super::external::{RemotePid, RemotePort, RemoteReference};
use super::fun::{Fun, Target};
use super::portable_hash::phash2;
use super::{Subtag, Term};
use crate::atom::AtomTable;
use crate::bits::view::view;
use crate::memory::NoMemory;
use crate::number::{Big, Number};
use crate::process::table::number_of;
use smallvec::SmallVec;

/// The primes, most of them named after what they multiply.
mod prime {
    pub const NAME: u32 = 268_440_163;
    pub const DIGIT: u32 = 268_439_161;
    pub const NIL: u32 = 268_435_459;
    pub const POSITIVE: u32 = 268_435_459;
    pub const NEGATIVE: u32 = 268_436_141;
    pub const BINARY_SIZE: u32 = 268_436_141;
    pub const PID: u32 = 268_438_633;
    pub const PID_END: u32 = 268_437_017;
    pub const FLOAT: u32 = 268_437_017;
    pub const LIST_END: u32 = 268_437_511;
    pub const TUPLE_END: u32 = 268_439_627;
    pub const NUMBERED: u32 = 268_439_627;
    pub const NUMBERED_END: u32 = 268_440_479;
    pub const FUN: u32 = 268_440_479;
    pub const PORT_HIGH: u32 = 268_440_577;
    pub const EXPORT: u32 = 268_440_577;
    pub const LAST_BITS: u32 = 268_440_581;
    pub const MAP: u32 = 268_440_593;
    pub const MAP_MORE: u32 = 268_440_611;
}

enum Frame {
    /// The rest of a list.
    Tail(Term),
    /// What ends a list has been hashed.
    ListEnd,
    /// Elements of a tuple, or free variables of a fun.
    Terms { next: *const Term, left: usize },
    /// All elements of a tuple of this size have been hashed.
    TupleEnd(u32),
}

struct State<'a> {
    atoms: &'a AtomTable,
    hash: u32,
    frames: SmallVec<[Frame; 8]>,
}

/// The hash of `term`, all 32 bits of it.
pub fn phash(atoms: &AtomTable, term: Term) -> Result<u32, NoMemory> {
    let mut state = State {
        atoms,
        hash: 0,
        frames: SmallVec::new(),
    };
    let mut next = Some(term);
    loop {
        if let Some(term) = next {
            next = state.term(term)?;
            continue;
        }
        let Some(frame) = state.frames.last_mut() else {
            return Ok(state.hash);
        };
        match frame {
            Frame::Terms { left: 0, .. } => {
                state.frames.pop();
            }
            Frame::Terms { next: place, left } => {
                // SAFETY: `left` terms of one object lie there.
                next = Some(unsafe { **place });
                // SAFETY: at most one past the last of them.
                *place = unsafe { place.add(1) };
                *left -= 1;
            }
            Frame::Tail(tail) => {
                let tail = *tail;
                state.frames.pop();
                if !tail.is_cons() {
                    state.push(Frame::ListEnd)?;
                }
                next = Some(tail);
            }
            Frame::ListEnd => {
                state.frames.pop();
                state.hash = state.hash.wrapping_mul(prime::LIST_END);
            }
            Frame::TupleEnd(size) => {
                let size = *size;
                state.frames.pop();
                state.step(prime::TUPLE_END, size);
            }
        }
    }
}

impl State<'_> {
    fn step(&mut self, prime: u32, value: u32) {
        self.hash = self.hash.wrapping_mul(prime).wrapping_add(value);
    }

    /// The bytes of a number, the least significant first.
    fn bytes(&mut self, prime: u32, bytes: &[u8]) {
        for &byte in bytes {
            self.step(prime, byte as u32);
        }
    }

    fn numbered(&mut self, number: u32, prime: u32, end: u32) {
        self.bytes(prime, &number.to_le_bytes());
        self.hash = self.hash.wrapping_mul(end);
    }

    /// Numbers below 2^32 count as they did before ports could have greater ones.
    fn port(&mut self, number: u64) {
        if number >> 32 != 0 {
            let high = (number >> 32) as u32;
            self.bytes(prime::PORT_HIGH, &high.to_le_bytes());
        }
        self.numbered(number as u32, prime::NUMBERED, prime::NUMBERED_END);
    }

    fn push(&mut self, frame: Frame) -> Result<(), NoMemory> {
        self.frames.try_reserve(1).map_err(|_| NoMemory)?;
        self.frames.push(frame);
        Ok(())
    }

    /// Hashes what comes before any inner term; that one is returned, or stands on the stack.
    fn term(&mut self, term: Term) -> Result<Option<Term>, NoMemory> {
        if term.is_cons() {
            return self.list(term);
        }
        match term.subtag() {
            None => self.immediate(term),
            Some(Subtag::Tuple) => {
                let elements = term.as_tuple().unwrap_or(&[]);
                self.push(Frame::TupleEnd(elements.len() as u32))?;
                self.terms(elements)?;
            }
            Some(Subtag::FlatMap | Subtag::HashMap) => {
                let pairs = phash2(self.atoms, term)?;
                self.step(prime::MAP, prime::MAP_MORE.wrapping_add(pairs));
            }
            Some(Subtag::BigPositive | Subtag::BigNegative) => {
                if let Some(Number::Big(Big { negative, digits })) = Number::of(&term) {
                    self.integer(negative, digits);
                }
            }
            Some(Subtag::Float) => {
                // -0.0 counts as 0.0.
                let bits = (term.as_float().unwrap_or_default() + 0.0).to_bits();
                self.step(prime::FLOAT, (bits >> 32) as u32 ^ bits as u32);
            }
            Some(Subtag::HeapBits | Subtag::RefcBits | Subtag::SubBits) => self.bits(term),
            Some(Subtag::Fun) => self.fun(term)?,
            Some(Subtag::Reference) => {
                let words = term.as_object(Subtag::Reference).unwrap_or(&[0]);
                self.numbered(words[0] as u32, prime::NUMBERED, prime::NUMBERED_END);
            }
            // The node makes no difference.
            Some(Subtag::ExternalPid) => {
                let number = RemotePid::of(term).map_or(0, |pid| pid.number);
                self.numbered(number, prime::PID, prime::PID_END);
            }
            Some(Subtag::ExternalPort) => {
                self.port(RemotePort::of(term).map_or(0, |port| port.number));
            }
            Some(Subtag::ExternalReference) => {
                let reference = RemoteReference::of(term);
                let first = reference.map_or(0, |reference| reference.all_numbers()[0]);
                self.numbered(first, prime::NUMBERED, prime::NUMBERED_END);
            }
            Some(Subtag::MatchContext | Subtag::Invalid) => {
                unreachable!("a match context is never part of a term")
            }
        }
        Ok(None)
    }

    fn terms(&mut self, terms: &[Term]) -> Result<(), NoMemory> {
        self.push(Frame::Terms {
            next: terms.as_ptr(),
            left: terms.len(),
        })
    }

    fn immediate(&mut self, term: Term) {
        if let Some(value) = term.as_small() {
            self.integer(value < 0, &[value.unsigned_abs()]);
        } else if let Some(atom) = term.as_atom() {
            self.step(prime::NAME, self.atoms.hash(atom));
        } else if term.is_local_pid() {
            self.numbered(number_of(term), prime::PID, prime::PID_END);
        } else if term.is_local_port() {
            self.port(term.identifier_data());
        } else {
            self.step(prime::NIL, 1);
        }
    }

    /// The upper half of the last digit counts only if it is not zero.
    fn integer(&mut self, negative: bool, digits: &[u64]) {
        if let Some((&last, others)) = digits.split_last() {
            for digit in others {
                self.bytes(prime::DIGIT, &digit.to_le_bytes());
            }
            let size = if last >> 32 == 0 { 4 } else { 8 };
            self.bytes(prime::DIGIT, &last.to_le_bytes()[..size]);
        }
        let end = if negative {
            prime::NEGATIVE
        } else {
            prime::POSITIVE
        };
        self.hash = self.hash.wrapping_mul(end);
    }

    /// Bytes at the beginning of a list count as such.
    fn list(&mut self, list: Term) -> Result<Option<Term>, NoMemory> {
        let mut rest = list;
        while let Some(cell) = rest.as_cons() {
            let Some(byte @ 0..=255) = cell.head.as_small() else {
                self.push(Frame::Tail(cell.tail))?;
                return Ok(Some(cell.head));
            };
            self.step(prime::DIGIT, byte as u32);
            rest = cell.tail;
        }
        self.push(Frame::ListEnd)?;
        Ok(Some(rest))
    }

    fn bits(&mut self, term: Term) {
        let Some(bits) = view(&term) else {
            return;
        };
        let (size, last) = (bits.size / 8, bits.size % 8);
        for i in 0..size {
            self.step(prime::NAME, bits.byte(i) as u32);
        }
        if last > 0 {
            self.step(prime::NAME, (bits.byte(size) >> (8 - last)) as u32);
            self.step(prime::LAST_BITS, last as u32);
        }
        self.step(prime::BINARY_SIZE, size as u32);
    }

    fn fun(&mut self, term: Term) -> Result<(), NoMemory> {
        let Some(fun) = Fun::of(&term) else {
            return Ok(());
        };
        match fun.target() {
            Target::External(mfa) => {
                self.step(prime::EXPORT, mfa.arity);
                self.step(prime::NAME, self.atoms.hash(mfa.module));
                self.step(prime::NAME, self.atoms.hash(mfa.function));
            }
            Target::Local(identity) => {
                self.step(prime::FUN, fun.free().len() as u32);
                self.step(prime::NAME, self.atoms.hash(identity.module));
                self.step(prime::DIGIT, identity.index);
                self.step(prime::DIGIT, identity.old_uniq);
            }
        }
        self.terms(fun.free())
    }
}

//! The last step of ASN.1's packed encoding rules (PER): instructions that generated code has collected become bits.
//!
//! An instruction is a byte, with operands behind it:
//!
//! | | |
//! |---|---|
//! | 0, 1 | a bit |
//! | 2 | align |
//! | 10 N V | the N lowest bits of the byte V |
//! | 20 L …, 21 L L … | align; then L bytes |
//! | 30 U L …, 31 U L L … | L bytes without the U last bits |
//! | 40 D L … | D bits: each of L bytes is one, 0 or 1; then zeros |
//! | 45 D L … | D bits of L bytes; then zeros |
//!
//! 41 to 43, and 46 and 47, are as 40 and 45 with two bytes of D, of L, or of both. Facts: what `asn1rt_nif` of OTP 25 answers (tests/otp/asn1_per.erl).
//! Invariant: what is allocated is in proportion to the instructions, since D has two bytes at most.

use super::{BYTES_PER_REDUCTION, error};
use crate::bif::{Context, Fail, Value};
use crate::bits::{iolist, make_binary};
use crate::memory::NoMemory;
use crate::term::Term;
use alloc::vec::Vec;

/// What OTP answers for instructions that make no sense: the character `1`.
const WRONG: i64 = b'1' as i64;

/// Why completing ended early.
enum Stop {
    /// The instructions make no sense.
    Wrong,
    /// No memory.
    NoMemory,
}

impl From<NoMemory> for Stop {
    fn from(_: NoMemory) -> Stop {
        Stop::NoMemory
    }
}

/// `encode_per_complete(Instructions)`: the bytes, or `{error, $1}`.
pub fn complete_1(cx: &mut Context, args: &[Term]) -> Value {
    let instructions = iolist::to_bytes(args[0])?;
    cx.bump_reductions(instructions.len() / BYTES_PER_REDUCTION);
    match complete(&instructions) {
        Ok(bytes) => Ok(make_binary(cx, &bytes)?),
        Err(Stop::Wrong) => error(cx, Term::small(WRONG)),
        Err(Stop::NoMemory) => Err(Fail::NoMemory),
    }
}

fn complete(instructions: &[u8]) -> Result<Vec<u8>, Stop> {
    let mut rest = Operands(instructions);
    let mut bits = Bits::default();
    while let Some(instruction) = rest.next() {
        match instruction {
            0 | 1 => bits.push(instruction, 1)?,
            2 => bits.align(),
            10 => {
                let count = rest.byte()?;
                bits.push(rest.byte()?, u32::from(count))?;
            }
            20 | 21 => {
                let len = rest.number(instruction == 21)?;
                bits.align();
                bits.bytes(rest.take(len)?)?;
            }
            30 | 31 => {
                let unused = usize::from(rest.byte()?);
                let len = rest.number(instruction == 31)?;
                let count = (8 * len).checked_sub(unused).ok_or(Stop::Wrong)?;
                bits.first(rest.take(len)?, count)?;
            }
            40..=43 => {
                let count = rest.number(instruction >= 42)?;
                let len = rest.number(instruction % 2 == 1)?;
                let each = rest.take(len)?;
                for &bit in &each[..count.min(len)] {
                    if bit > 1 {
                        return Err(Stop::Wrong);
                    }
                    bits.push(bit, 1)?;
                }
                bits.zeros(count.saturating_sub(len))?;
            }
            45..=47 => {
                let count = rest.number(instruction >= 46)?;
                let len = rest.number(instruction == 47)?;
                let packed = rest.take(len)?;
                bits.first(packed, count.min(8 * len))?;
                bits.zeros(count.saturating_sub(8 * len))?;
            }
            _ => return Err(Stop::Wrong),
        }
    }
    // Whatever there is to encode, it is a byte at least.
    if bits.bytes.is_empty() && !instructions.is_empty() {
        bits.bytes(&[0])?;
    }
    Ok(bits.bytes)
}

/// What is left of the instructions.
struct Operands<'a>(&'a [u8]);

impl<'a> Operands<'a> {
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        self.next().ok_or(Stop::Wrong)
    }

    /// A number of one byte, or of two.
    fn number(&mut self, long: bool) -> Result<usize, Stop> {
        let high = usize::from(self.byte()?);
        match long {
            true => Ok(high << 8 | usize::from(self.byte()?)),
            false => Ok(high),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Stop> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Stop::Wrong)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Bits, the first in a byte's highest place.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Free places in the last byte.
    free: u32,
}

impl Bits {
    fn align(&mut self) {
        self.free = 0;
    }

    /// The `count` lowest bits of `value`, at most eight.
    fn push(&mut self, value: u8, count: u32) -> Result<(), Stop> {
        if count > 8 {
            return Err(Stop::Wrong);
        }
        if count > self.free {
            self.bytes.try_reserve(1).map_err(|_| NoMemory)?;
        }
        let value = u32::from(value) & ((1 << count) - 1);
        // The bits as they stand in the last byte and the one behind it.
        let places = value << (8 + self.free) >> count;
        if self.free > 0
            && let Some(last) = self.bytes.last_mut()
        {
            *last |= (places >> 8) as u8;
        }
        if count > self.free {
            self.bytes.push(places as u8);
            self.free += 8;
        }
        self.free -= count;
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.bytes.try_reserve(bytes.len()).map_err(|_| NoMemory)?;
        bytes.iter().try_for_each(|&byte| self.push(byte, 8))
    }

    /// The first `count` bits of `bytes`, which has as many.
    fn first(&mut self, bytes: &[u8], count: usize) -> Result<(), Stop> {
        self.bytes(&bytes[..count / 8])?;
        match (count % 8) as u32 {
            0 => Ok(()),
            left => self.push(bytes[count / 8] >> (8 - left), left),
        }
    }

    fn zeros(&mut self, count: usize) -> Result<(), Stop> {
        (0..count).try_for_each(|_| self.push(0, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_put_where_they_belong() {
        // The answers of OTP 25.
        for (instructions, expected) in [
            (&[][..], &[][..]),
            (&[0], &[0]),
            (&[2], &[0]),
            (&[1, 2, 1], &[128, 128]),
            (&[1, 10, 8, 255], &[255, 128]),
            (&[1, 20, 2, 1, 2], &[128, 1, 2]),
            (&[1, 30, 0, 2, 1, 2], &[128, 129, 0]),
            (&[1, 40, 9, 3, 1, 0, 1], &[208, 0]),
            (&[40, 2, 3, 1, 0, 2], &[128]),
            (&[1, 45, 16, 1, 255], &[255, 128, 0]),
            (&[47, 0, 9, 0, 2, 1, 128], &[1, 128]),
        ] {
            assert_eq!(
                complete(instructions).ok().as_deref(),
                Some(expected),
                "{instructions:?}"
            );
        }
        for wrong in [
            &[3][..],
            &[44, 1],
            &[20],
            &[20, 3, 1],
            &[30, 1],
            &[40, 1, 1, 2],
            &[10, 9, 1],
        ] {
            assert!(complete(wrong).is_err(), "{wrong:?}");
        }
    }
}

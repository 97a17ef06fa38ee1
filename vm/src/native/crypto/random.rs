//! Random bytes and numbers, all of them from the platform's entropy, and what compares and mixes bytes.

use super::bytes_of;
use super::error::badarg;
use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::bits::{build_binary, make_binary};
use crate::memory::NoMemory;
use crate::term::Term;
use alloc::vec::Vec;

fn fill(cx: &mut Context, bytes: &mut [u8]) {
    cx.bump_reductions(bytes.len() / 16);
    cx.machine().platform.fill_entropy(bytes);
}

/// `strong_rand_bytes_nif(Size)`
pub fn bytes_1(cx: &mut Context, args: &[Term]) -> Value {
    let size = args[0].as_small().and_then(|n| usize::try_from(n).ok());
    let Some(size) = size.filter(|size| *size <= u32::MAX as usize) else {
        return Err(badarg(cx, 0, "Bad size"));
    };
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| NoMemory)?;
    bytes.resize(size, 0);
    fill(cx, &mut bytes);
    Ok(make_binary(cx, &bytes)?)
}

/// A number without its leading zeros.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// A number below `range`, big endian, all equally likely: candidates of as many bits, until one is small enough.
fn below(cx: &mut Context, range: &[u8]) -> Result<Vec<u8>, Fail> {
    let mut number = Vec::new();
    number
        .try_reserve_exact(range.len())
        .map_err(|_| NoMemory)?;
    number.resize(range.len(), 0);
    let mask = range
        .first()
        .map_or(0, |first| (0xffu32 >> first.leading_zeros().min(7)) as u8);
    loop {
        fill(cx, &mut number);
        if let Some(first) = number.first_mut() {
            *first &= mask;
        }
        if number[..] < *range {
            return Ok(number);
        }
    }
}

/// `strong_rand_range_nif(Range)`: from 0 to below a number in bytes.
pub fn range_1(cx: &mut Context, args: &[Term]) -> Value {
    let range = bytes_of(cx, args[0])?.ok_or(Fail::Badarg)?;
    let range = trimmed(&range);
    if range.is_empty() {
        return Err(Fail::Badarg);
    }
    let number = below(cx, range)?;
    Ok(make_binary(cx, trimmed(&number))?)
}

/// `rand_uniform_nif(From, To)`: numbers in the form of OpenSSL's `MPI`, a length and so many bytes.
pub fn uniform_2(cx: &mut Context, args: &[Term]) -> Value {
    let number = |bytes: &[u8]| {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        (rest.len() == length).then(|| num_bigint::BigUint::from_bytes_be(rest))
    };
    let from = bytes_of(cx, args[0])?.ok_or(Fail::Badarg)?;
    let to = bytes_of(cx, args[1])?.ok_or(Fail::Badarg)?;
    let (Some(from), Some(to)) = (number(&from), number(&to)) else {
        return Err(Fail::Badarg);
    };
    if to <= from {
        return Err(Fail::Badarg);
    }
    let range = (&to - &from).to_bytes_be();
    let offset = below(cx, &range)?;
    let result = (num_bigint::BigUint::from_bytes_be(&offset) + from).to_bytes_be();
    let result = trimmed(&result);
    let length = (result.len() as u32).to_be_bytes();
    Ok(build_binary(cx, 4 + result.len(), |bytes| {
        bytes[..4].copy_from_slice(&length);
        bytes[4..].copy_from_slice(result);
    })?)
}

/// `rand_seed_nif(Seed)`: the platform's entropy needs none.
pub fn seed_1(cx: &mut Context, args: &[Term]) -> Value {
    bytes_of(cx, args[0])?.ok_or(Fail::Badarg)?;
    Ok(am::OK.term())
}

/// `do_exor(A, B)`
pub fn exor_2(cx: &mut Context, args: &[Term]) -> Value {
    let a = bytes_of(cx, args[0])?.ok_or(Fail::Badarg)?;
    let b = bytes_of(cx, args[1])?.ok_or(Fail::Badarg)?;
    if a.len() != b.len() {
        return Err(Fail::Badarg);
    }
    cx.bump_reductions(a.len() / 256);
    Ok(build_binary(cx, a.len(), |bytes| {
        for (byte, (a, b)) in bytes.iter_mut().zip(a.iter().zip(b.iter())) {
            *byte = a ^ b;
        }
    })?)
}

/// `hash_equals_nif(A, B)`: in a time that does not depend on where they differ.
pub fn equals_2(cx: &mut Context, args: &[Term]) -> Value {
    let Some(a) = bytes_of(cx, args[0])? else {
        return Err(badarg(cx, 0, "Bad binary"));
    };
    let Some(b) = bytes_of(cx, args[1])? else {
        return Err(badarg(cx, 1, "Bad binary"));
    };
    if a.len() != b.len() {
        return Err(badarg(cx, -1, "The size of the binaries differ"));
    }
    let difference = a
        .iter()
        .zip(b.iter())
        .fold(0u8, |sum, (a, b)| core::hint::black_box(sum | (a ^ b)));
    Ok(Term::boolean(difference == 0))
}

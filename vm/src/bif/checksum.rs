//! Checksums: MD5, CRC-32 and Adler-32, of I/O data and step by step.

use super::iolist::flattened;
use super::md5::Md5;
use super::{Bif, Context, Fail, Value, bif};
use crate::bits::iolist::Parts;
use crate::bits::view::view;
use crate::number::big::Integer;
use crate::term::Term;

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("erlang", "adler32", 1, |cx, args| {
        update(cx, adler32, 1, args[0])
    }),
    bif("erlang", "adler32", 2, |cx, args| {
        let old = checksum(&args[0])?;
        update(cx, adler32, old, args[1])
    }),
    bif("erlang", "adler32_combine", 3, |cx, args| {
        combine(cx, args, adler32_combine)
    }),
    bif("erlang", "crc32", 1, |cx, args| {
        update(cx, crc32, 0, args[0])
    }),
    bif("erlang", "crc32", 2, |cx, args| {
        let old = checksum(&args[0])?;
        update(cx, crc32, old, args[1])
    }),
    bif("erlang", "crc32_combine", 3, |cx, args| {
        combine(cx, args, crc32_combine)
    }),
    bif("erlang", "md5", 1, md5_1),
    bif("erlang", "md5_final", 1, md5_final_1),
    bif("erlang", "md5_init", 0, md5_init_0),
    bif("erlang", "md5_update", 2, md5_update_2),
];

/// Bytes that one reduction pays for.
const BYTES_PER_REDUCTION: usize = 64;

/// A checksum so far: 32 bits.
fn checksum(term: &Term) -> Result<u32, Fail> {
    let value = term.as_small().ok_or(Fail::Badarg)?;
    u32::try_from(value).map_err(|_| Fail::Badarg)
}

/// Bytes after which others may run.
const PIECE: usize = 512 * BYTES_PER_REDUCTION;

/// Gives `f` the bytes of I/O data, in pieces between which others may run.
fn with_bytes(cx: &mut Context, data: Term, mut f: impl FnMut(&[u8])) -> Result<(), Fail> {
    let binary = match view(&data) {
        Some(bits) if bits.is_binary() => data,
        Some(_) => return Err(Fail::Badarg),
        None if data.is_list() => flattened(cx, data, Parts::Binaries)?,
        None => return Err(Fail::Badarg),
    };
    let bits = view(&binary).ok_or(Fail::Badarg)?;
    let bytes = bits.to_bytes()?.ok_or(Fail::Badarg)?;
    for piece in bytes.chunks(cx.piece(PIECE)) {
        f(piece);
        cx.consume(piece.len() / BYTES_PER_REDUCTION)?;
    }
    Ok(())
}

fn update(cx: &mut Context, function: fn(u32, &[u8]) -> u32, old: u32, data: Term) -> Value {
    let mut sum = old;
    with_bytes(cx, data, |bytes| sum = function(sum, bytes))?;
    Ok(Term::small(sum as i64))
}

/// Of two checksums and the length of the second one's data, below 2^32 as on OTP: the checksum of all the data.
fn combine(_: &mut Context, args: &[Term], function: fn(u32, u32, u64) -> u32) -> Value {
    let (first, second) = (checksum(&args[0])?, checksum(&args[1])?);
    let length = Integer::of_term(&args[2]).and_then(|length| length.as_i128());
    let length = length
        .and_then(|length| u32::try_from(length).ok())
        .map(u64::from);
    let sum = function(first, second, length.ok_or(Fail::Badarg)?);
    Ok(Term::small(sum as i64))
}

/// CRC-32 of Ethernet and zlib, its polynomial with the lowest power first.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// The effect of each byte value.
const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let carry = value & 1 != 0;
            value >>= 1;
            if carry {
                value ^= POLYNOMIAL;
            }
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};

fn crc32(old: u32, bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!old, |sum, &byte| {
        CRC_TABLE[((sum ^ byte as u32) & 0xff) as usize] ^ sum >> 8
    })
}

/// The product of two polynomials modulo that of the CRC; the highest bit is the power zero.
fn crc_multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    for bit in (0..32).rev() {
        if a >> bit & 1 != 0 {
            product ^= b;
        }
        let carry = b & 1 != 0;
        b >>= 1;
        if carry {
            b ^= POLYNOMIAL;
        }
    }
    product
}

fn crc32_combine(first: u32, second: u32, length: u64) -> u32 {
    // x to the power of 8, squared again and again; multiplied where the length has a bit.
    let mut power = 1 << (31 - 8);
    let mut shift = 1 << 31;
    let mut left = length;
    while left > 0 {
        if left & 1 != 0 {
            shift = crc_multiply(shift, power);
        }
        power = crc_multiply(power, power);
        left >>= 1;
    }
    crc_multiply(shift, first) ^ second
}

const ADLER_MODULUS: u32 = 65_521;
/// So many bytes can be added before the sums overflow 32 bits.
const ADLER_RUN: usize = 5552;

fn adler32(old: u32, bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (old & 0xffff, old >> 16);
    for run in bytes.chunks(ADLER_RUN) {
        for &byte in run {
            a += byte as u32;
            b += a;
        }
        a %= ADLER_MODULUS;
        b %= ADLER_MODULUS;
    }
    b << 16 | a
}

fn adler32_combine(first: u32, second: u32, length: u64) -> u32 {
    // Of no data the second sum should be 1, and whatever it is does not count.
    if length == 0 {
        return first;
    }
    let modulus = ADLER_MODULUS as u64;
    let (a1, b1) = (first as u64 & 0xffff, first as u64 >> 16);
    let (a2, b2) = (second as u64 & 0xffff, second as u64 >> 16);
    // The second sum began at one, which the first one's sum replaces.
    let begun = a1 + modulus - 1;
    let a = (begun + a2) % modulus;
    let b = (b1 + b2 + length % modulus * begun) % modulus;
    (b << 16 | a) as u32
}

fn md5_1(cx: &mut Context, args: &[Term]) -> Value {
    let mut md5 = Md5::new();
    with_bytes(cx, args[0], |bytes| md5.update(bytes))?;
    Ok(crate::bits::make_binary(cx, &md5.finish())?)
}

/// The state that a step before has left in a binary.
fn md5_state(term: &Term) -> Result<Md5, Fail> {
    let bits = view(term).ok_or(Fail::Badarg)?;
    let bytes = bits.to_bytes()?.ok_or(Fail::Badarg)?;
    Md5::from_state(&bytes).ok_or(Fail::Badarg)
}

fn md5_init_0(cx: &mut Context, _: &[Term]) -> Value {
    Ok(crate::bits::make_binary(cx, &Md5::new().state())?)
}

fn md5_update_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut md5 = md5_state(&args[0])?;
    with_bytes(cx, args[1], |bytes| md5.update(bytes))?;
    Ok(crate::bits::make_binary(cx, &md5.state())?)
}

fn md5_final_1(cx: &mut Context, args: &[Term]) -> Value {
    let digest = md5_state(&args[0])?.finish();
    Ok(crate::bits::make_binary(cx, &digest)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    // As `erlang:crc32/1` and `erlang:adler32/1` have them.
    #[test]
    fn sums_of_parts_combine_to_the_sum_of_the_whole() {
        assert_eq!(crc32(0, b"abc"), 891_568_578);
        assert_eq!(adler32(1, b"abc"), 38_600_999);
        let data: alloc::vec::Vec<u8> = (0..20_000u32).map(|i| ((i * i) >> 3) as u8).collect();
        for cut in [0, 1, 63, 5552, 5553, 19_999, 20_000] {
            let (one, two) = data.split_at(cut);
            let length = two.len() as u64;
            assert_eq!(crc32(crc32(0, one), two), crc32(0, &data));
            assert_eq!(adler32(adler32(1, one), two), adler32(1, &data));
            let combined = crc32_combine(crc32(0, one), crc32(0, two), length);
            assert_eq!(combined, crc32(0, &data));
            let combined = adler32_combine(adler32(1, one), adler32(1, two), length);
            assert_eq!(combined, adler32(1, &data));
        }
    }
}

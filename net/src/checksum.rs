//! The Internet checksum (RFC 1071), eight bytes at a time.
//!
//! Sums are kept in the machine's order of bytes, which does not matter to one's complement as long as the result is stored in the
//! same order. Invariant: [`fold`] of a correct packet's sum, checksum included, is `0xffff`.

use core::net::IpAddr;

/// Adds up `bytes` as 16-bit words, the last one padded with zero. The result is far from overflowing, so sums can be added.
pub fn sum(bytes: &[u8]) -> u64 {
    let mut total: u64 = 0;
    let mut add = |word: u64| {
        let (value, carry) = total.overflowing_add(word);
        total = value + u64::from(carry);
    };
    let mut chunks = bytes.chunks_exact(32);
    for chunk in &mut chunks {
        // Halves of words cannot overflow when four of them are added: no carries to wait for.
        let mut low = 0u64;
        let mut high = 0u64;
        for word in chunk.chunks_exact(8) {
            let mut value = [0; 8];
            value.copy_from_slice(word);
            let value = u64::from_ne_bytes(value);
            low += value & 0xffff_ffff;
            high += value >> 32;
        }
        add(low + high);
    }
    for word in chunks.remainder().chunks(8) {
        let mut value = [0; 8];
        value[..word.len()].copy_from_slice(word);
        add(u64::from_ne_bytes(value));
    }
    (total & 0xffff_ffff) + (total >> 32)
}

/// The sum of the pseudo header of a TCP, UDP or ICMPv6 packet of `len` bytes.
pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, len: usize) -> u64 {
    let addresses = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            sum(&source.octets()) + sum(&destination.octets())
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            sum(&source.octets()) + sum(&destination.octets())
        }
        _ => 0,
    };
    addresses + u64::from(u16::from(protocol).to_be()) + sum(&(len as u32).to_be_bytes())
}

/// The 16-bit one's complement sum, in the machine's order of bytes.
pub fn fold(sum: u64) -> u16 {
    let mut sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

/// The bytes to store as a checksum, if the rest adds up to `sum`.
pub fn complement(sum: u64) -> [u8; 2] {
    (!fold(sum)).to_ne_bytes()
}

/// Whether what adds up to `sum`, its checksum included, is undamaged.
pub fn is_good(sum: u64) -> bool {
    fold(sum) == 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use alloc::vec::Vec;

    /// Word by word, as RFC 1071 has it.
    fn slow(bytes: &[u8]) -> u16 {
        let mut total = 0u32;
        for word in bytes.chunks(2) {
            total += u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0));
            total = (total & 0xffff) + (total >> 16);
        }
        total as u16
    }

    #[test]
    fn equal_to_the_slow_one() {
        let mut random = Random::new([3; 32]);
        for len in 0..300 {
            let bytes: Vec<u8> = (0..len).map(|_| random.bits() as u8).collect();
            assert_eq!(
                u16::from_be_bytes(fold(sum(&bytes)).to_ne_bytes()) % 0xffff,
                slow(&bytes) % 0xffff,
                "{len}"
            );
        }
        assert_eq!(fold(sum(&[0xff; 64 * 1024])), 0xffff);
    }

    #[test]
    fn a_stored_checksum_makes_it_good() {
        let mut header =
            *b"\x45\x00\x00\x73\x00\x00\x40\x00\x40\x11\x00\x00\xc0\xa8\x00\x01\xc0\xa8\x00\xc7";
        let checksum = complement(sum(&header));
        assert_eq!(checksum, [0xb8, 0x61]);
        header[10..12].copy_from_slice(&checksum);
        assert!(is_good(sum(&header)));
    }
}

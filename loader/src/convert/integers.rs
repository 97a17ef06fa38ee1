//! Integers that are too big for a word, in external term format.
//!
//! Called for operands of more than 60 bits; they become literals.

use alloc::vec::Vec;

use crate::error::LoadError;

const VERSION: u8 = 131;
const SMALL_BIG_EXT: u8 = 110;
const LARGE_BIG_EXT: u8 = 111;

/// The integer that these bytes are in two's complement, big endian, in external term
/// format with its version byte.
pub fn external(big_endian: &[u8]) -> Result<Vec<u8>, LoadError> {
    let negative = big_endian.first().is_some_and(|byte| *byte >= 0x80);
    let mut external = Vec::new();
    external.try_reserve(big_endian.len() + 8)?;
    // Sign and magnitude, little endian.
    let mut magnitude = Vec::new();
    magnitude.try_reserve(big_endian.len() + 1)?;
    let mut carry = negative;
    for byte in big_endian.iter().rev() {
        let byte = if negative { !byte } else { *byte };
        let (sum, overflow) = byte.overflowing_add(carry as u8);
        magnitude.push(sum);
        carry = overflow;
    }
    if carry {
        magnitude.push(1);
    }
    while magnitude.last() == Some(&0) {
        magnitude.pop();
    }
    external.push(VERSION);
    match u8::try_from(magnitude.len()) {
        Ok(size) => external.extend_from_slice(&[SMALL_BIG_EXT, size]),
        Err(_) => {
            external.push(LARGE_BIG_EXT);
            external.extend_from_slice(&(magnitude.len() as u32).to_be_bytes());
        }
    }
    external.push(negative as u8);
    external.extend_from_slice(&magnitude);
    Ok(external)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_term_to_binary_has_them() {
        // term_to_binary of 1 bsl 64, -(1 bsl 64), -1 bsl 63.
        assert_eq!(
            external(&[1, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap(),
            [131, 110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        );
        assert_eq!(
            external(&[0xff, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap(),
            [131, 110, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        );
        assert_eq!(
            external(&i64::MIN.to_be_bytes()).unwrap(),
            [131, 110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0x80]
        );
        let large = external(&[1; 300]).unwrap();
        assert_eq!(large[..7], [131, 111, 0, 0, 1, 44, 0]);
        assert_eq!(large.len(), 307);
    }
}

//! Random numbers and keyed hashing.
//!
//! Initial sequence numbers, ephemeral ports and transaction numbers come from ChaCha8, which nobody outside can foretell; tables
//! whose keys others choose (addresses and ports) are hashed with a key of 128 random bits, so that nobody can choose keys that
//! collide.
//!
//! Invariant: the seed is the owner's (`Platform::fill_entropy` in a domain) and never leaves here.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use core::hash::{BuildHasher, Hasher};

/// The generator.
pub struct Random(ChaCha8Rng);

impl Random {
    /// A generator whose numbers are a function of `seed`.
    pub fn new(seed: [u8; 32]) -> Random {
        Random(ChaCha8Rng::from_seed(seed))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `limit`, which is not 0. The bias is that of a 64-bit number reduced to 32 bits.
    pub fn below(&mut self, limit: u32) -> u32 {
        (self.bits() % u64::from(limit)) as u32
    }

    /// A key for a table.
    pub fn key(&mut self) -> Key {
        Key(self.bits(), self.bits() | 1)
    }
}

/// The key of a table.
#[derive(Clone, Copy)]
pub struct Key(u64, u64);

impl BuildHasher for Key {
    type Hasher = KeyedHasher;

    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher {
            state: self.0,
            multiplier: self.1,
        }
    }
}

/// Folds words into a state by the high and low halves of a product with a secret.
pub struct KeyedHasher {
    state: u64,
    multiplier: u64,
}

impl Hasher for KeyedHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.multiplier);
        self.state = (product as u64) ^ ((product >> 64) as u64).rotate_left(23);
    }

    fn finish(&self) -> u64 {
        // hashbrown takes the low bits for the place and the high ones for the tag: both are to depend on all.
        let product = u128::from(self.state ^ self.multiplier.rotate_left(32))
            * u128::from(0x9e37_79b9_7f4a_7c15u64);
        (product as u64) ^ ((product >> 64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_change_the_hash_and_words_do_too() {
        let mut random = Random::new([7; 32]);
        let (one, other) = (random.key(), random.key());
        assert_eq!(one.hash_one(5u64), one.hash_one(5u64));
        assert_ne!(one.hash_one(5u64), one.hash_one(6u64));
        assert_ne!(one.hash_one(5u64), other.hash_one(5u64));
    }

    #[test]
    fn numbers_stay_below_the_limit() {
        let mut random = Random::new([1; 32]);
        assert!((0..1000).all(|_| random.below(17) < 17));
    }
}

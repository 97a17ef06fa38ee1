//! Random bytes: a ChaCha20 generator, seeded from the processor and from time.
//!
//! The seed is never constant. With RDSEED or RDRAND (nearly every processor Xen runs on) 256 bits come
//! from there; without, from the jitter of the time-stamp counter across hypercalls and the wall clock,
//! which is weaker, and said so in the log.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use starling_xen::cpu::{RandomInstructions, read_tsc};
use starling_xen::hypercall::xen_version;

/// The generator.
pub struct Entropy(ChaCha20Rng);

/// Words of the ChaCha20 key.
const SEED_WORDS: usize = 4;
/// Jitter samples per seed word when the processor offers nothing better.
const JITTER_SAMPLES: u32 = 256;

impl Entropy {
    /// Seeds a generator. `extra` is whatever differs between boots: clocks, frame numbers.
    pub fn from_processor(extra: &[u64]) -> Self {
        let instructions = RandomInstructions::detect();
        let mut words = [0u64; SEED_WORDS];
        let mut hardware = true;
        for word in &mut words {
            *word = instructions.next().unwrap_or_else(|| {
                hardware = false;
                jitter()
            });
        }
        if !hardware {
            log::warn!("no RDRAND or RDSEED: random numbers are seeded from timing alone");
        }
        Self::from_words(words, extra)
    }

    /// Mixes `extra` into `words` through the generator itself and keeps the result as the key.
    fn from_words(words: [u64; SEED_WORDS], extra: &[u64]) -> Self {
        let mut generator = ChaCha20Rng::from_seed(seed(words));
        for &value in extra {
            let mut mixed = [0; SEED_WORDS];
            mixed.fill_with(|| generator.next_u64());
            mixed[0] ^= value;
            generator = ChaCha20Rng::from_seed(seed(mixed));
        }
        Self(generator)
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

fn seed(words: [u64; SEED_WORDS]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// 64 bits of how long trips to Xen took.
fn jitter() -> u64 {
    let mut pool = read_tsc();
    for _ in 0..JITTER_SAMPLES {
        let before = read_tsc();
        let _ = xen_version();
        let taken = read_tsc().wrapping_sub(before);
        // An odd multiplier (the golden ratio's fraction) spreads the low bits, where the noise is.
        pool = (pool ^ taken)
            .rotate_left(7)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(words: [u64; SEED_WORDS], extra: &[u64]) -> [u8; 32] {
        let mut bytes = [0; 32];
        Entropy::from_words(words, extra).fill(&mut bytes);
        bytes
    }

    #[test]
    fn every_input_changes_the_output() {
        let base = first([1, 2, 3, 4], &[5, 6]);
        assert_eq!(base, first([1, 2, 3, 4], &[5, 6]));
        assert_ne!(base, first([1, 2, 3, 5], &[5, 6]));
        assert_ne!(base, first([1, 2, 3, 4], &[5, 7]));
        assert_ne!(base, first([1, 2, 3, 4], &[4, 6]));
        assert_ne!(base, first([1, 2, 3, 4], &[]));
    }
}

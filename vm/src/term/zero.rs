//! The two zeros of floating point: whether `0.0 =:= -0.0`.
//!
//! They are equal (`==`) in every release. Exactly equal they are up to OTP 26; since OTP 27 they differ, in patterns, as keys of maps and
//! tables and in the order of keys, where `-0.0` comes first.
//!
//! Comparison and hashing have no machine at hand, so the choice is one static. Invariant: it is made once, before the first term is built
//! ([`tell_apart`], called by OTP's boot), since keys that are stored already would be looked for elsewhere.

use core::cmp::Ordering;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

static APART: AtomicBool = AtomicBool::new(false);

/// From now on `0.0 =:= -0.0` is false.
pub fn tell_apart() {
    APART.store(true, Relaxed);
}

/// The exact order of two floats that are equal as numbers.
pub fn exact_order(a: f64, b: f64) -> Ordering {
    if APART.load(Relaxed) {
        b.is_sign_negative().cmp(&a.is_sign_negative())
    } else {
        Ordering::Equal
    }
}

/// The bits that stand for a float in a hash of keys: the same for floats that are exactly equal.
pub fn key_bits(value: f64) -> u64 {
    if APART.load(Relaxed) {
        value.to_bits()
    } else {
        // -0.0 + 0.0 is 0.0.
        (value + 0.0).to_bits()
    }
}

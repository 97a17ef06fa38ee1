//! References: numbers that occur once.
//!
//! A reference is 96 bits: a 64-bit and a 32-bit word, the first two of a
//! [`Subtag::Reference`] object (a [resource](crate::memory::resource) may stand behind them), printed as `#Ref<0.c.b.a>` with the least significant third last. One counter
//! makes all of them, so references of one run are ordered by age (those with a resource by themselves); monitors, timers and aliases are
//! found by that number. Its uppermost bit says that there is, or was, a resource behind it, as OTP's magic references have a mark.
//!
//! Invariant: a [`RefNumber`] is handed out once. The upper bits are random for
//! each run of a machine, so that a reference that was written down is not met again.

use crate::memory::arena::{Arena, NoMemory};
use crate::term::{Subtag, Term};

/// The 96 bits of a reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RefNumber {
    high: u32,
    low: u64,
}

/// In the upper bits: there is, or was, a resource behind the reference.
const OF_RESOURCE: u32 = 1 << 31;

impl RefNumber {
    /// The number of a reference of this node.
    pub fn of(term: Term) -> Option<RefNumber> {
        match *term.as_object(Subtag::Reference)? {
            [low, high, ..] => Some(RefNumber {
                high: high as u32,
                low,
            }),
            _ => None,
        }
    }

    /// The number of a reference that a resource stands behind.
    pub fn of_resource(self) -> RefNumber {
        RefNumber {
            high: self.high | OF_RESOURCE,
            ..self
        }
    }

    /// Whether there is, or once was, a resource behind it.
    pub fn is_of_resource(self) -> bool {
        self.high & OF_RESOURCE != 0
    }

    /// The words of its object: the 64 lower bits, the 32 upper ones.
    pub fn words(self) -> [u64; 2] {
        [self.low, self.high as u64]
    }

    /// Its three 32-bit numbers, least significant first: what other nodes know it by.
    pub const fn numbers(self) -> [u32; 3] {
        [self.low as u32, (self.low >> 32) as u32, self.high]
    }

    /// The reference of these numbers, as another node sends them back; `None` if there are more than its own references have.
    pub fn from_numbers(numbers: &[u32]) -> Option<RefNumber> {
        let number = |at: usize| numbers.get(at).copied().unwrap_or(0);
        (numbers.len() <= 3).then(|| RefNumber {
            high: number(2),
            low: u64::from(number(1)) << 32 | u64::from(number(0)),
        })
    }

    /// The reference of these words.
    pub fn from_words([low, high]: [u64; 2]) -> RefNumber {
        RefNumber {
            high: high as u32,
            low,
        }
    }

    /// The reference as a term.
    pub fn term<A: Arena + ?Sized>(self, arena: &mut A) -> Result<Term, NoMemory> {
        arena.object(Subtag::Reference, &self.words())
    }

    /// A number to hash by.
    pub(crate) fn hash(self) -> u64 {
        self.low.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Where references, and `unique_integer/0,1`, come from.
pub struct References {
    /// A number that no other run of a machine has.
    pub run: u64,
    next: RefNumber,
    unique: u64,
    monotonic: u64,
}

impl References {
    /// A counter that begins in the range that `seed` (8 random bytes) picks.
    pub fn new(seed: u64) -> References {
        References {
            run: seed,
            next: RefNumber {
                high: seed as u32 & !OF_RESOURCE,
                low: seed & 0xffff_ffff_0000_0000,
            },
            unique: 0,
            monotonic: 0,
        }
    }

    /// A number that this has not returned before: 0, 1, 2, ... Those for which an order was promised
    /// are counted by themselves, as in OTP.
    pub fn unique_integer(&mut self, monotonic: bool) -> u64 {
        let counter = if monotonic {
            &mut self.monotonic
        } else {
            &mut self.unique
        };
        let number = *counter;
        *counter = number.wrapping_add(1);
        number
    }

    /// The number of the next monotonic unique integer: for tests of what happens at the end of the range, where it wraps.
    pub fn set_monotonic(&mut self, next: u64) {
        self.monotonic = next;
    }

    /// How many monotonic unique integers were given out.
    pub fn monotonic_so_far(&self) -> u64 {
        self.monotonic
    }

    /// The next one.
    pub fn make(&mut self) -> RefNumber {
        let made = self.next;
        self.next.low = made.low.wrapping_add(1);
        if self.next.low == 0 {
            self.next.high = made.high.wrapping_add(1) & !OF_RESOURCE;
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;

    #[test]
    fn references_grow_and_come_back_from_their_terms() {
        let mut references = References::new(0xffff_ffff_1234_5678);
        let mut last = references.make();
        let mut parcel = Parcel::new();
        for _ in 0..100 {
            let next = references.make();
            assert!(next > last);
            let term = next.term(&mut parcel).unwrap();
            assert!(term.is_reference());
            assert_eq!(RefNumber::of(term), Some(next));
            last = next;
        }
        assert_eq!(RefNumber::of(Term::NIL), None);
    }

    #[test]
    fn only_those_with_a_resource_are_marked() {
        let mut references = References::new(u64::MAX);
        let plain = references.make();
        assert!(!plain.is_of_resource());
        assert!(plain.of_resource().is_of_resource());
        references.next = RefNumber {
            high: OF_RESOURCE - 1,
            low: u64::MAX,
        };
        references.make();
        assert!(!references.make().is_of_resource());
    }

    #[test]
    fn the_counter_carries_into_the_upper_word() {
        let mut references = References::new(7);
        references.next.low = u64::MAX;
        let last = references.make();
        let next = references.make();
        assert!(next > last);
        assert_eq!((next.high, next.low), (8, 0));
    }
}

//! Arrays of 64-bit integers that are known by a reference: what `atomics` and `counters` work on.
//!
//! A machine has one thread, so each operation is atomic by itself, and an array of `write_concurrency` is an array like any
//! other that only the functions of its kind may touch.
//!
//! An array is a [resource](crate::memory::resource): it is freed with the last term that refers to it.
//!
//! Invariant: an array never changes its length.

use crate::memory::NoMemory;
use crate::memory::resource::Resource;
use alloc::vec::Vec;

/// Which values an array has, and which functions may touch it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Values from -2^63 up: `{signed, true}`, the default.
    Signed,
    /// Values from 0 up: `{signed, false}`.
    Unsigned,
    /// Signed ones that belong to `counters:new(_, [write_concurrency])`.
    WriteConcurrency,
}

impl Kind {
    /// The value that the bits of an element stand for.
    pub fn value(self, bits: u64) -> i128 {
        match self {
            Kind::Unsigned => bits as i128,
            Kind::Signed | Kind::WriteConcurrency => bits as i64 as i128,
        }
    }

    /// Smallest and largest value.
    pub fn limits(self) -> (i128, i128) {
        match self {
            Kind::Unsigned => (0, u64::MAX as i128),
            Kind::Signed | Kind::WriteConcurrency => (i64::MIN as i128, i64::MAX as i128),
        }
    }

    /// The bits that stand for `value`; `None` if none do.
    pub fn bits(self, value: i128) -> Option<u64> {
        let (min, max) = self.limits();
        (min..=max).contains(&value).then_some(value as u64)
    }
}

/// One array.
pub struct Array {
    /// What its elements mean.
    pub kind: Kind,
    /// The elements.
    pub elements: Vec<u64>,
}

impl Array {
    /// An array of `length` zeros.
    pub fn new(kind: Kind, length: usize) -> Result<Array, NoMemory> {
        let mut elements = Vec::new();
        elements.try_reserve_exact(length).map_err(|_| NoMemory)?;
        elements.resize(length, 0);
        Ok(Array { kind, elements })
    }

    /// Bytes that an array of `length` elements takes.
    pub fn memory(length: usize) -> usize {
        size_of::<Array>() + length.saturating_mul(8)
    }
}

impl Resource for Array {
    fn bytes(&self) -> usize {
        self.elements.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_kind() {
        let top = u64::MAX;
        assert_eq!(Kind::Signed.value(top), -1);
        assert_eq!(Kind::Unsigned.value(top), top as i128);
        assert_eq!(Kind::Unsigned.bits(-1), None);
        assert_eq!(Kind::Signed.bits(-1), Some(top));
        assert_eq!(Kind::Signed.bits(1 << 63), None);
        assert_eq!(Kind::Unsigned.bits(1 << 63), Some(1 << 63));
        assert_eq!(Kind::Unsigned.bits(1 << 64), None);
    }

    #[test]
    fn no_array_is_too_large_to_refuse() {
        let refused = Array::new(Kind::Signed, usize::MAX / 8);
        assert_eq!(refused.err(), Some(NoMemory));
        let array = Array::new(Kind::Signed, 3).unwrap();
        assert_eq!(array.elements, [0, 0, 0]);
    }
}

//! Arrays of 64-bit integers that are known by a reference: what `atomics` and `counters` work on.
//!
//! A machine has one thread, so each operation is atomic by itself, and an array of `write_concurrency` is an array like any
//! other that only the functions of its kind may touch.
//!
//! An array lives as long as the machine. (OTP frees it with the last term that refers to it; the
//! references here are ordinary ones, and nobody counts them.)
//!
//! Invariant: an array never moves and never changes its length.

use crate::memory::NoMemory;
use crate::process::reference::RefNumber;
use alloc::vec::Vec;
use hashbrown::HashTable;

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
    /// Bytes that an array of `length` elements takes, its line in the table included.
    pub fn bytes(length: usize) -> usize {
        size_of::<(RefNumber, Array)>() + length.saturating_mul(8)
    }
}

/// All arrays of a machine.
#[derive(Default)]
pub struct Arrays {
    arrays: HashTable<(RefNumber, Array)>,
}

impl Arrays {
    /// No array.
    pub const fn new() -> Arrays {
        Arrays {
            arrays: HashTable::new(),
        }
    }

    /// Makes an array of `length` zeros that `reference`, a new one, leads to.
    pub fn insert(
        &mut self,
        reference: RefNumber,
        kind: Kind,
        length: usize,
    ) -> Result<(), NoMemory> {
        let mut elements = Vec::new();
        elements.try_reserve_exact(length).map_err(|_| NoMemory)?;
        elements.resize(length, 0);
        let hash = |(key, _): &(RefNumber, Array)| key.hash();
        self.arrays.try_reserve(1, hash).map_err(|_| NoMemory)?;
        let line = (reference, Array { kind, elements });
        self.arrays.insert_unique(reference.hash(), line, hash);
        Ok(())
    }

    /// The array that `reference` leads to.
    pub fn get(&mut self, reference: RefNumber) -> Option<&mut Array> {
        let same = |(key, _): &(RefNumber, Array)| *key == reference;
        let found = self.arrays.find_mut(reference.hash(), same)?;
        Some(&mut found.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::reference::References;

    #[test]
    fn each_reference_leads_to_its_array() {
        let mut references = References::new(1);
        let mut arrays = Arrays::new();
        let made: Vec<_> = (1..100).map(|n| (references.make(), n)).collect();
        for &(reference, n) in &made {
            arrays.insert(reference, Kind::Signed, n).unwrap();
            arrays.get(reference).unwrap().elements[n - 1] = n as u64;
        }
        for &(reference, n) in &made {
            let array = arrays.get(reference).unwrap();
            assert_eq!(array.elements.len(), n);
            assert_eq!(array.elements[n - 1], n as u64);
        }
        assert!(arrays.get(references.make()).is_none());
    }

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
        let mut references = References::new(1);
        let mut arrays = Arrays::new();
        let reference = references.make();
        let refused = arrays.insert(reference, Kind::Signed, usize::MAX / 8);
        assert_eq!(refused, Err(NoMemory));
        assert!(arrays.get(reference).is_none());
    }
}

//! The order of a term against a pattern of which only the beginning is known.
//!
//! In an `ordered_set`, the keys that `{a, '$1', b}` can match stand side by side, after all tuples of three that begin with
//! something below `a`. So a search for them needs no look at the others.
//!
//! Invariant: for keys in term order the result of [`compare_with_pattern`] never decreases, and every key that matches the pattern
//! gives `Equal`.

use super::pattern::{is_bound_key, is_underscore, variable_number};
use crate::atom::AtomTable;
use crate::map;
use crate::memory::NoMemory;
use crate::term::Term;
use crate::term::compare::compare;
use core::cmp::Ordering;
use smallvec::SmallVec;

/// The keys that a pattern can match.
#[derive(Clone, Copy)]
pub struct Range {
    /// The pattern.
    pub pattern: Term,
    /// Whether one key alone can match it.
    is_key: bool,
}

impl Range {
    /// The keys that `pattern` can match; [`is_bound_key`] says what `maps_are_open` means.
    pub fn new(atoms: &AtomTable, pattern: Term, maps_are_open: bool) -> Result<Range, NoMemory> {
        Ok(Range {
            pattern,
            is_key: pattern.is_immediate() && !pattern.is_atom()
                || is_bound_key(atoms, pattern, maps_are_open)?,
        })
    }

    /// Where `key` stands in relation to the range: before, in or behind it.
    #[inline]
    pub fn order(self, atoms: &AtomTable, key: Term) -> Result<Ordering, NoMemory> {
        if self.is_key {
            return Ok(compare(atoms, key, self.pattern));
        }
        compare_with_pattern(atoms, key, self.pattern)
    }
}

/// Where `key` stands in relation to what `pattern` can match: before, among or behind.
fn compare_with_pattern(atoms: &AtomTable, key: Term, pattern: Term) -> Result<Ordering, NoMemory> {
    let mut left: SmallVec<[(Term, Term); 16]> = SmallVec::new();
    left.push((key, pattern));
    while let Some((key, pattern)) = left.pop() {
        if is_underscore(atoms, pattern) || variable_number(atoms, pattern).is_some() {
            // Whatever comes behind an unknown part says nothing about the order.
            return Ok(Ordering::Equal);
        }
        if let (Some(x), Some(y)) = (key.as_cons(), pattern.as_cons()) {
            left.try_reserve(2).map_err(|_| NoMemory)?;
            left.push((x.tail, y.tail));
            left.push((x.head, y.head));
            continue;
        }
        if let (Some(x), Some(y)) = (key.as_tuple(), pattern.as_tuple())
            && x.len() == y.len()
        {
            left.try_reserve(x.len()).map_err(|_| NoMemory)?;
            left.extend(x.iter().copied().zip(y.iter().copied()).rev());
            continue;
        }
        if map::is_map(pattern) {
            // A map in a pattern matches larger ones, too: among all maps. Others are before or behind those.
            if map::is_map(key) {
                return Ok(Ordering::Equal);
            }
        }
        // Neither can be taken apart, or they are of different types or sizes: then what is in them does not matter.
        match compare(atoms, key, pattern) {
            Ordering::Equal => {}
            order => return Ok(order),
        }
    }
    Ok(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atom::am;
    use crate::memory::Arena;
    use crate::memory::heap::Parcel;

    #[test]
    fn what_a_beginning_can_match_stands_side_by_side() {
        let mut atoms = AtomTable::new();
        let any = atoms.insert("$1").unwrap().term();
        let mut parcel = Parcel::new();
        let mut tuple = |terms: &[Term]| parcel.tuple(terms).unwrap();
        let (one, two) = (Term::small(1), Term::small(2));
        let ok = am::OK.term();
        let pattern = tuple(&[ok, any, one]);
        let keys = [
            (Term::small(7), Ordering::Less),
            (tuple(&[ok, one]), Ordering::Less),
            (tuple(&[two, one, one]), Ordering::Less),
            (tuple(&[ok, one, two]), Ordering::Equal),
            (tuple(&[ok, two, one]), Ordering::Equal),
            (tuple(&[Term::NIL, one, one]), Ordering::Greater),
            (tuple(&[ok, one, one, one]), Ordering::Greater),
            (Term::NIL, Ordering::Greater),
        ];
        for (key, expected) in keys {
            let order = compare_with_pattern(&atoms, key, pattern).unwrap();
            assert_eq!(order, expected, "{key:?}");
        }
    }
}

//! Terms with their sharing: how large they are if each part counts once, and copies that keep it.
//!
//! [`copy`](super::copy) and [`size`](super::size), which messages use, count and copy a part as often as it is referred to. `erts_debug` offers both
//! ways, and persistent terms keep what is shared; here is the other way. A map of bits, two for each word of memory that a term lies in, tells
//! what was seen and what was seen again; only what was seen again has an entry in a table while it is copied.
//!
//! Invariant: [`Sharing`] is of the very term that is copied, which did not change in between; so the block is filled to the word.

use super::copy::counted;
use super::{Header, Term};
use crate::memory::off_heap::OffHeap;
use crate::memory::{Arena, NoMemory};
use alloc::vec::Vec;
use core::ops::Range;
use hashbrown::HashMap;

/// Words of memory that one [`Region`] tells of, a power of two: 32 KiB.
const REGION_WORDS: usize = 4096;
/// Regions that are found without the table.
const RECENT: usize = 64;

/// Which objects begin in a piece of memory: a bit for each of its words.
#[derive(Clone)]
struct Region {
    seen: [u64; REGION_WORDS / 64],
    again: [u64; REGION_WORDS / 64],
}

/// What a walk over a term has found out: its words, and which of its parts are referred to more than once.
pub struct Sharing {
    words: usize,
    regions: Vec<Region>,
    /// The index in `regions` by the number of the region: the address divided by its bytes.
    numbers: HashMap<usize, usize>,
    /// What was looked up lately, by the last bits of the number.
    recent: [(usize, usize); RECENT],
}

impl Sharing {
    /// Walks over all that `term` refers to, without what lies in `literals` (a range of addresses).
    pub fn of(term: Term, literals: &Range<usize>) -> Result<Sharing, NoMemory> {
        let mut sharing = Sharing {
            words: 0,
            regions: Vec::new(),
            numbers: HashMap::new(),
            recent: [(usize::MAX, 0); RECENT],
        };
        // Terms side by side that have yet to be visited: address and count. What is last is not kept, so lists take no room.
        let mut spans: Vec<(*const Term, usize)> = Vec::new();
        let mut span: (*const Term, usize) = (&term, 1);
        loop {
            while span.1 > 0 {
                // SAFETY: a span covers terms of one object that is alive.
                let term = unsafe { *span.0 };
                // SAFETY: as above; at most one past the last.
                span = (unsafe { span.0.add(1) }, span.1 - 1);
                if term.is_immediate()
                    || literals.contains(&(term.pointer() as usize))
                    || sharing.was_seen(term.pointer() as usize)?
                {
                    continue;
                }
                let (words, raw) = shape(term);
                sharing.words += words;
                if words > raw {
                    if span.1 > 0 {
                        spans.try_reserve(1).map_err(|_| NoMemory)?;
                        spans.push(span);
                    }
                    // SAFETY: the object has `words` words, terms from the raw ones on.
                    span = (unsafe { term.pointer().add(raw) }.cast(), words - raw);
                }
            }
            match spans.pop() {
                Some(outer) => span = outer,
                None => return Ok(sharing),
            }
        }
    }

    /// Words of all objects, each counted once.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Notes the object at `address`; whether it had been noted before.
    #[inline]
    fn was_seen(&mut self, address: usize) -> Result<bool, NoMemory> {
        let number = address / (8 * REGION_WORDS);
        let index = match self.find(number) {
            Some(index) => index,
            None => self.add(number)?,
        };
        let word = address / 8 % REGION_WORDS;
        let (at, bit) = (word / 64, 1u64 << (word % 64));
        let region = &mut self.regions[index];
        let before = region.seen[at] & bit != 0;
        region.seen[at] |= bit;
        if before {
            region.again[at] |= bit;
        }
        Ok(before)
    }

    /// Whether more than one word of the term refers to the object at `address`.
    #[inline]
    fn is_shared(&mut self, address: usize) -> bool {
        let word = address / 8 % REGION_WORDS;
        self.find(address / (8 * REGION_WORDS))
            .is_some_and(|index| self.regions[index].again[word / 64] & 1 << (word % 64) != 0)
    }

    #[inline]
    fn find(&mut self, number: usize) -> Option<usize> {
        let recent = &mut self.recent[number % RECENT];
        if recent.0 != number {
            *recent = (number, *self.numbers.get(&number)?);
        }
        Some(recent.1)
    }

    #[cold]
    fn add(&mut self, number: usize) -> Result<usize, NoMemory> {
        let index = self.regions.len();
        self.regions.try_reserve(1).map_err(|_| NoMemory)?;
        self.numbers.try_reserve(1).map_err(|_| NoMemory)?;
        self.regions.push(Region {
            seen: [0; REGION_WORDS / 64],
            again: [0; REGION_WORDS / 64],
        });
        self.numbers.insert(number, index);
        self.recent[number % RECENT] = (number, index);
        Ok(index)
    }
}

/// The words of the object that `term` refers to, and how many of them come before the terms in it.
#[inline]
fn shape(term: Term) -> (usize, usize) {
    if term.is_cons() {
        return (2, 0);
    }
    // SAFETY: a boxed term points to a header.
    let header = unsafe { Header(*term.pointer()) };
    (1 + header.arity(), 1 + header.raw_len())
}

/// Words of all objects that `term` refers to, each counted once, without what lies in `literals`.
pub fn size_shared(term: Term, literals: &Range<usize>) -> Result<usize, NoMemory> {
    Ok(Sharing::of(term, literals)?.words())
}

/// A copy of `term` in `arena` in which what was shared is; what lies in `literals` stays where it is.
pub fn copy_shared<A: Arena + ?Sized>(
    term: Term,
    arena: &mut A,
    literals: &Range<usize>,
) -> Result<Term, NoMemory> {
    copy_with(term, Sharing::of(term, literals)?, arena, literals)
}

/// A copy of `term`, whose sharing outside of `literals` is known.
pub fn copy_with<A: Arena + ?Sized>(
    term: Term,
    sharing: Sharing,
    arena: &mut A,
    literals: &Range<usize>,
) -> Result<Term, NoMemory> {
    let words = sharing.words();
    if words == 0 {
        return Ok(term);
    }
    let start = arena.allocate(words)?.as_ptr();
    let mut copier = Copier {
        start,
        next: start,
        bytes: words * 8,
        literals,
        off_heap: arena.off_heap(),
        sharing,
        copies: HashMap::new(),
    };
    // SAFETY: the block has room for everything that `term` refers to, each part once.
    let (copy, scanned) = unsafe {
        let copy = copier.part(term);
        (copy, copier.scan())
    };
    // Without memory for the table, what was copied is no term yet and nothing refers to it.
    let copy = copy?;
    scanned?;
    debug_assert_eq!(copier.next as usize - start as usize, words * 8);
    Ok(copy)
}

struct Copier<'a> {
    start: *mut u64,
    /// First word that is free.
    next: *mut u64,
    bytes: usize,
    literals: &'a Range<usize>,
    off_heap: &'a mut OffHeap,
    sharing: Sharing,
    /// Where the shared parts went, by their words.
    copies: HashMap<u64, Term>,
}

impl Copier<'_> {
    /// Copies what the words of the copy refer to, until nothing is left outside, as [`super::copy`] does.
    ///
    /// # Safety
    /// The block has room for it.
    unsafe fn scan(&mut self) -> Result<(), NoMemory> {
        let mut word = self.start;
        while word < self.next {
            // SAFETY: `word` is an initialised word of the block: a header or a term, because the raw words
            // behind a header are skipped.
            unsafe {
                if Header::is_header(*word) {
                    word = word.add(1 + Header(*word).raw_len());
                } else {
                    *word = self.part(Term::from_raw(*word))?.raw();
                    word = word.add(1);
                }
            }
        }
        Ok(())
    }

    /// The copy of one object: a new one, or that which a shared part has already.
    ///
    /// # Safety
    /// The block has room for it.
    #[inline]
    unsafe fn part(&mut self, term: Term) -> Result<Term, NoMemory> {
        let address = term.pointer() as usize;
        if term.is_immediate()
            || address.wrapping_sub(self.start as usize) < self.bytes
            || self.literals.contains(&address)
        {
            return Ok(term);
        }
        if !self.sharing.is_shared(address) {
            // SAFETY: the caller's promise.
            return Ok(unsafe { self.shallow(term) });
        }
        if let Some(known) = self.copies.get(&term.raw()) {
            return Ok(*known);
        }
        self.copies.try_reserve(1).map_err(|_| NoMemory)?;
        // SAFETY: the caller's promise.
        let copy = unsafe { self.shallow(term) };
        self.copies.insert(term.raw(), copy);
        Ok(copy)
    }

    /// A copy of one object, whose terms still refer to the original.
    ///
    /// # Safety
    /// The block has room for it, and `term` is not immediate.
    unsafe fn shallow(&mut self, term: Term) -> Term {
        let (words, _) = shape(term);
        let (from, object) = (term.pointer(), self.next);
        // SAFETY: both have `words` words, one of them fresh; the layouts are those of `term::header`.
        unsafe {
            self.next = object.add(words);
            if term.is_cons() {
                *object = *from;
                *object.add(1) = *from.add(1);
                return Term::list(object);
            }
            let header = Header(*from);
            if let Some(copy) = counted(header, from, object, self.off_heap) {
                return copy;
            }
            core::ptr::copy_nonoverlapping(from, object, words);
            Term::boxed(object)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::term::compare::exact_equal;
    use crate::term::size::flat_size;

    #[test]
    fn what_is_shared_stays_shared() {
        let mut parcel = Parcel::new();
        let mut term = parcel.list(&[Term::small(1), Term::small(2)]).unwrap();
        for _ in 0..30 {
            term = parcel.tuple(&[term, term]).unwrap();
        }
        assert_eq!(size_shared(term, &(0..0)).unwrap(), 30 * 3 + 4);
        let mut other = Parcel::new();
        let copy = copy_shared(term, &mut other, &(0..0)).unwrap();
        assert_eq!(size_shared(copy, &(0..0)).unwrap(), 30 * 3 + 4);
        let (small, copied) = (inner(term, 25), inner(copy, 25));
        assert_ne!(small.raw(), copied.raw());
        assert!(exact_equal(small, copied));
        assert_eq!(flat_size(copied, &(0..0)).unwrap(), 31 * 3 + 32 * 4);
    }

    fn inner(mut term: Term, depth: usize) -> Term {
        for _ in 0..depth {
            term = term.as_tuple().unwrap()[0];
        }
        term
    }
}

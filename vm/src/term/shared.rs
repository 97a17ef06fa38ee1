//! Terms with their sharing: how large they are if each part counts once, and copies that keep it.
//!
//! [`copy`](super::copy) and [`size`](super::size), which messages use, count and copy a part as often as it is referred to. `erts_debug` offers both
//! ways; here is the other. A table remembers what was seen, so this costs memory in proportion to the number of objects.

use super::{Header, Subtag, Term};
use crate::memory::off_heap::{Binary, write_refc};
use crate::memory::resource::{self, write_resource};
use crate::memory::{Arena, NoMemory};
use alloc::vec::Vec;
use core::ops::Range;
use core::ptr::NonNull;
use hashbrown::{HashMap, HashSet};

/// The words of the object that `term` refers to, and how many of them come before the terms in it.
fn shape(term: Term) -> (usize, usize) {
    if term.is_cons() {
        return (2, 0);
    }
    // SAFETY: a boxed term points to a header.
    let header = unsafe { Header(*term.pointer()) };
    let raw = header.subtag().raw_words().min(header.arity());
    (1 + header.arity(), 1 + raw)
}

/// Words of all objects that `term` refers to, each counted once, without what lies in `literals`.
pub fn size_shared(term: Term, literals: &Range<usize>) -> Result<usize, NoMemory> {
    let mut seen = HashSet::new();
    let mut left = Vec::new();
    left.try_reserve(1).map_err(|_| NoMemory)?;
    left.push(term);
    let mut total = 0;
    while let Some(term) = left.pop() {
        if term.is_immediate() || literals.contains(&(term.pointer() as usize)) {
            continue;
        }
        seen.try_reserve(1).map_err(|_| NoMemory)?;
        if !seen.insert(term.pointer() as usize) {
            continue;
        }
        let (words, raw) = shape(term);
        total += words;
        left.try_reserve(words - raw).map_err(|_| NoMemory)?;
        for at in raw..words {
            // SAFETY: behind the raw words an object has terms.
            left.push(unsafe { Term::from_raw(*term.pointer().add(at)) });
        }
    }
    Ok(total)
}

/// A copy of `term` in `arena` in which what was shared is; what lies in `literals` stays where it is.
pub fn copy_shared<A: Arena + ?Sized>(
    term: Term,
    arena: &mut A,
    literals: &Range<usize>,
) -> Result<Term, NoMemory> {
    let mut copies = HashMap::new();
    let mut left = Vec::new();
    let mut copy = |term: Term, left: &mut Vec<(*mut u64, usize)>| {
        if term.is_immediate() || literals.contains(&(term.pointer() as usize)) {
            return Ok(term);
        }
        if let Some(known) = copies.get(&term.raw()) {
            return Ok(*known);
        }
        copies.try_reserve(1).map_err(|_| NoMemory)?;
        let copy = shallow(term, arena, left)?;
        copies.insert(term.raw(), copy);
        Ok(copy)
    };
    let result = copy(term, &mut left)?;
    while let Some((words, count)) = left.pop() {
        for at in 0..count {
            // SAFETY: `shallow` has put the address of that many terms of an object of the arena here, which nothing else looks at yet.
            unsafe {
                let word = words.add(at);
                *word = copy(Term::from_raw(*word), &mut left)?.raw();
            }
        }
    }
    Ok(result)
}

/// A copy of one object, whose terms still refer to the original; these join `left`.
fn shallow<A: Arena + ?Sized>(
    term: Term,
    arena: &mut A,
    left: &mut Vec<(*mut u64, usize)>,
) -> Result<Term, NoMemory> {
    let (words, raw) = shape(term);
    let from = term.pointer();
    left.try_reserve(1).map_err(|_| NoMemory)?;
    let object = arena.allocate(words)?;
    // SAFETY: both have `words` words, one of them fresh; the layouts are those of `term::header`.
    unsafe {
        if term.is_boxed() {
            let header = Header(*from);
            if header.subtag() == Subtag::RefcBits
                && let Some(binary) = NonNull::new(*from.add(2) as *mut Binary)
            {
                Binary::retain(binary);
                return Ok(write_refc(
                    object,
                    binary,
                    *from.add(1) as usize,
                    arena.off_heap(),
                ));
            }
            if header.subtag() == Subtag::Reference
                && let Some(head) = resource::head_of(header, from)
            {
                resource::Head::retain(head);
                return Ok(write_resource(object, head, arena.off_heap()));
            }
        }
        core::ptr::copy_nonoverlapping(from, object.as_ptr(), words);
        left.push((object.as_ptr().add(raw), words - raw));
        Ok(match term.is_cons() {
            true => Term::list(object.as_ptr()),
            false => Term::boxed(object.as_ptr()),
        })
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

//! Copying a term from one arena into another: what a send, a spawn and an insertion into a table do.
//!
//! One allocation takes the whole copy. Objects are copied shallowly into it, one behind the other, and the copy
//! itself is the list of what is left to do: the scan below moves along it and copies whatever
//! its words still refer to outside, as Cheney's collector does. So neither depth nor length of a term costs stack.
//!
//! - Sharing inside a term is not kept (OTP's send does not keep it either).
//! - Literals are not copied.
//! - A reference-counted binary is shared, and so is the object behind a reference: the copy holds one reference more, and stands
//!   on the new arena's list.
//! - A part of a binary on the heap becomes a binary of its own; a part of a reference-counted one stays a part.
//!
//! What may be large is copied in pieces, see [`super::pace`]: the scan stops anywhere, and a long list is copied some cells at a time, the
//! rest of which the scan finds outside like everything else.
//!
//! Invariant: the size pass and the copy see the same term, so the block is filled to the word.

use super::pace::{AtOnce, Pace};
use super::size::{flat_size, heap_bits_words};
use super::{Header, Subtag, Term};
use crate::bits::view::{BitsView, view};
use crate::memory::off_heap::{Binary, OffHeap, write_refc};
use crate::memory::resource::{self, write_resource};
use crate::memory::{Arena, NoMemory};
use core::ops::Range;
use core::ptr::NonNull;

/// A copy of `term` in `arena`; what lies in `literals` (a range of addresses) stays where it is.
pub fn copy<A: Arena + ?Sized>(
    term: Term,
    arena: &mut A,
    literals: &Range<usize>,
) -> Result<Term, NoMemory> {
    if term.is_immediate() {
        return Ok(term);
    }
    let words = flat_size(term, literals)?;
    copy_of_size(term, words, arena, literals)
}

/// A copy of `term`, whose [`flat_size`] outside of `literals` is known to be `words`.
pub fn copy_of_size<A: Arena + ?Sized>(
    term: Term,
    words: usize,
    arena: &mut A,
    literals: &Range<usize>,
) -> Result<Term, NoMemory> {
    copy_of_size_paced(term, words, arena, literals, &mut AtOnce)
}

/// As [`copy_of_size`], in pieces. Nobody else has the arena meanwhile, nor changes the term. When the pace says to stop, there is a piece of a copy in the
/// arena, which refers to the original: all that may be done with the arena is to drop it.
pub fn copy_of_size_paced<A: Arena + ?Sized, P: Pace>(
    term: Term,
    words: usize,
    arena: &mut A,
    literals: &Range<usize>,
    pace: &mut P,
) -> Result<Term, P::Stop> {
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
        cells_at_once: if P::IN_PIECES { PIECE } else { usize::MAX },
    };
    // SAFETY: the block has room for everything that `term` refers to: `flat_size` has counted.
    let copy = unsafe {
        let copy = copier.shallow(term);
        copier.scan(pace)?;
        copy
    };
    debug_assert_eq!(copier.next as usize - start as usize, words * 8);
    Ok(copy)
}

/// Words between two looks at the pace, and cells of a list that are copied at once.
const PIECE: usize = 2048;

struct Copier<'a> {
    start: *mut u64,
    /// First word that is free.
    next: *mut u64,
    bytes: usize,
    literals: &'a Range<usize>,
    off_heap: &'a mut OffHeap,
    cells_at_once: usize,
}

impl Copier<'_> {
    /// Whether `term` refers to something that has to be copied yet.
    #[inline(always)]
    fn is_outside(&self, term: Term) -> bool {
        let address = term.pointer() as usize;
        !term.is_immediate()
            && address.wrapping_sub(self.start as usize) >= self.bytes
            && !self.literals.contains(&address)
    }

    /// Copies what the words of the copy refer to, until nothing is left outside.
    ///
    /// # Safety
    /// The block has room for it.
    unsafe fn scan<P: Pace>(&mut self, pace: &mut P) -> Result<(), P::Stop> {
        let mut word = self.start;
        let mut told = word;
        while word < self.next {
            // SAFETY: `word` is an initialised word of the block: a header or a term, because the raw words
            // behind a header are skipped.
            unsafe {
                if Header::is_header(*word) {
                    word = word.add(1 + Header(*word).raw_len());
                } else {
                    let term = Term::from_raw(*word);
                    if self.is_outside(term) {
                        *word = self.shallow(term).raw();
                    }
                    word = word.add(1);
                }
            }
            if P::IN_PIECES {
                let done = (word as usize - told as usize) / 8;
                if done >= PIECE {
                    pace.did(done)?;
                    told = word;
                }
            }
        }
        Ok(())
    }

    /// Copies one object, or the cells of one list; terms in it still refer to the original.
    ///
    /// # Safety
    /// The block has room for it, and `term` is not immediate.
    unsafe fn shallow(&mut self, term: Term) -> Term {
        // SAFETY: the caller's promise; the layouts are those of `term::header`.
        unsafe {
            if term.is_cons() {
                return self.cells(term);
            }
            let object = self.next;
            let from = term.pointer();
            let header = Header(*from);
            match header.subtag() {
                Subtag::RefcBits | Subtag::Reference => {
                    if let Some(copy) = counted(header, from, object, self.off_heap) {
                        self.next = object.add(1 + header.arity());
                        return copy;
                    }
                }
                Subtag::SubBits => {
                    let base = Term::from_raw(*from.add(3));
                    if base.subtag() == Some(Subtag::HeapBits)
                        && let Some(bits) = view(&term)
                    {
                        self.next = object.add(heap_bits_words(bits.size));
                        return write_heap_bits(object, bits);
                    }
                }
                _ => {}
            }
            let words = 1 + header.arity();
            if words <= 6 {
                // Most objects are this small; a call would take longer than these words.
                for at in 0..words {
                    *object.add(at) = *from.add(at);
                }
            } else {
                core::ptr::copy_nonoverlapping(from, object, words);
            }
            self.next = object.add(words);
            Term::boxed(object)
        }
    }

    /// Copies the cells of a list side by side, as many as are copied at once.
    ///
    /// # Safety
    /// As [`Copier::shallow`]; `list` is a cons cell.
    unsafe fn cells(&mut self, list: Term) -> Term {
        let first = self.next;
        let mut from = list.pointer();
        let mut left = self.cells_at_once;
        // SAFETY: the caller's promise; each cell has two words.
        unsafe {
            loop {
                let cell = self.next;
                self.next = cell.add(2);
                *cell = *from;
                let tail = Term::from_raw(*from.add(1));
                left -= 1;
                if !tail.is_cons() || !self.is_outside(tail) || left == 0 {
                    *cell.add(1) = tail.raw();
                    return Term::list(first);
                }
                *cell.add(1) = Term::list(self.next).raw();
                from = tail.pointer();
            }
        }
    }
}

/// The copy at `object` of a term that refers to something off the heap, which is counted: a large binary, a resource. `None` if it is neither.
///
/// # Safety
/// `header` is that at `from`, an object that is alive; `object` has as many words, of the heap whose list `off_heap` is.
pub(super) unsafe fn counted(
    header: Header,
    from: *const u64,
    object: *mut u64,
    off_heap: &mut OffHeap,
) -> Option<Term> {
    // SAFETY: the caller's promise; the layouts are those of `term::header`.
    unsafe {
        let words = NonNull::new_unchecked(object);
        match header.subtag() {
            Subtag::RefcBits => {
                let binary = NonNull::new(*from.add(2) as *mut Binary)?;
                Binary::retain(binary);
                Some(write_refc(words, binary, *from.add(1) as usize, off_heap))
            }
            Subtag::Reference => {
                let head = resource::head_of(header, from)?;
                resource::Head::retain(head);
                Some(write_resource(words, head, off_heap))
            }
            _ => None,
        }
    }
}

/// Writes a `HeapBits` object with the bits of `bits`; what is left of its last word is zero.
///
/// # Safety
/// `object` has [`heap_bits_words`] words.
pub unsafe fn write_heap_bits(object: *mut u64, bits: BitsView) -> Term {
    let words = heap_bits_words(bits.size);
    // SAFETY: the caller's promise; the last word is cleared before bytes are put into it.
    unsafe {
        *object = Header::new(Subtag::HeapBits, words - 1).0;
        *object.add(words - 1) = 0;
        *object.add(1) = bits.size as u64;
        let to = object.add(2).cast::<u8>();
        crate::bits::raw::copy(bits.bytes, bits.offset, to, 0, bits.size);
        Term::boxed(object)
    }
}

#[cfg(test)]
mod tests {
    use super::super::size::flat_size_paced;
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::memory::off_heap::BinaryRef;
    use crate::term::compare::exact_equal;

    const NO_LITERALS: Range<usize> = 0..0;

    #[test]
    fn a_copy_is_equal_and_elsewhere() {
        let mut from = Parcel::new();
        let float = from.float(1.5).unwrap();
        let big = from.integer(i64::MIN).unwrap();
        let list = from.list(&[float, Term::small(1), big]).unwrap();
        let improper = from.list_with_tail(&[list, list], float).unwrap();
        let tuple = from.tuple(&[improper, list, Term::NIL]).unwrap();
        let mut to = Parcel::new();
        let copy = copy(tuple, &mut to, &NO_LITERALS).unwrap();
        assert!(exact_equal(tuple, copy));
        drop(from);
        let elements = copy.as_tuple().unwrap();
        assert_eq!(elements[1].iter_list().count(), 3);
    }

    #[test]
    fn literals_stay() {
        let mut literal = Parcel::new();
        let constant = literal.tuple(&[Term::small(1)]).unwrap();
        let address = constant.pointer() as usize;
        let mut from = Parcel::new();
        let term = from.list(&[constant, constant]).unwrap();
        let mut to = Parcel::new();
        let copy = copy(term, &mut to, &(address..address + 16)).unwrap();
        assert!(copy.iter_list().all(|t| t.raw() == constant.raw()));
    }

    #[test]
    fn off_heap_binaries_are_shared_and_counted() {
        let binary = BinaryRef::from_bytes(&[7; 100]).unwrap();
        let head = binary.head();
        let mut from = Parcel::new();
        let term = binary.clone().into_term(&mut from, 100).unwrap();
        let pair = from.tuple(&[term, term]).unwrap();
        assert_eq!(Binary::references(head), 2);
        let mut to = Parcel::new();
        let copy = copy(pair, &mut to, &NO_LITERALS).unwrap();
        assert_eq!(Binary::references(head), 4);
        assert!(exact_equal(pair, copy));
        drop(to);
        drop(from);
        assert_eq!(Binary::references(head), 1);
    }

    /// Counts the pieces, and stops after so many.
    struct Pieces {
        done: usize,
        words: usize,
        limit: usize,
    }

    impl Pace for Pieces {
        type Stop = NoMemory;
        const IN_PIECES: bool = true;
        fn did(&mut self, words: usize) -> Result<(), NoMemory> {
            self.done += 1;
            self.words += words;
            match self.done < self.limit {
                true => Ok(()),
                false => Err(NoMemory),
            }
        }
    }

    #[test]
    fn a_copy_in_pieces_is_the_same_or_is_dropped() {
        let binary = BinaryRef::from_bytes(&[7; 100]).unwrap();
        let head = binary.head();
        let mut from = Parcel::new();
        let mut list = Term::NIL;
        for number in 0..50_000 {
            let part = match number % 100 {
                0 => binary.clone().into_term(&mut from, 100).unwrap(),
                _ => from.float(f64::from(number)).unwrap(),
            };
            let pair = from.tuple(&[Term::small(1), part]).unwrap();
            list = from.cons(pair, list).unwrap();
        }
        let references = Binary::references(head);
        for limit in [usize::MAX, 1, 2, 20] {
            let mut pieces = Pieces {
                done: 0,
                words: 0,
                limit,
            };
            let mut to = Parcel::new();
            let words = flat_size(list, &NO_LITERALS).unwrap();
            let copied = copy_of_size_paced(list, words, &mut to, &NO_LITERALS, &mut pieces);
            match limit {
                usize::MAX => {
                    assert!(exact_equal(copied.unwrap(), list));
                    assert!(pieces.done > 50 && pieces.words <= words);
                    assert_eq!(Binary::references(head), references + 500);
                }
                _ => assert!(copied.is_err()),
            }
            drop(to);
            assert_eq!(Binary::references(head), references);
            pieces.done = 0;
            let counted = flat_size_paced(list, &NO_LITERALS, &mut pieces);
            assert_eq!(counted.ok(), (limit > 100).then_some(words));
        }
    }

    #[test]
    fn a_million_levels_are_an_ordinary_term() {
        let mut from = Parcel::new();
        let mut deep = Term::NIL;
        let mut deep_tuple = Term::NIL;
        for _ in 0..1_000_000 {
            deep = from.cons(deep, Term::small(1)).unwrap();
            deep_tuple = from
                .tuple(&[Term::small(2), deep_tuple, Term::NIL])
                .unwrap();
        }
        let both = from.tuple(&[deep, deep_tuple]).unwrap();
        let mut to = Parcel::new();
        let copy = copy(both, &mut to, &NO_LITERALS).unwrap();
        assert!(exact_equal(both, copy));
    }
}

//! A queue of bytes that are parts of binaries, as NIFs have (`ErlNifIOQueue`): large binaries are shared, not copied.
//!
//! Callers: `prim_buffer` and `zlib`.
//!
//! Invariant: no part is empty; `size` is the sum of the parts' sizes.

use crate::bif::Fail;
use crate::bits::make::{HEAP_BYTES, base_of, make_binary, part_of_base};
use crate::bits::view::view;
use crate::memory::off_heap::BinaryRef;
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use alloc::collections::VecDeque;
use core::ops::Range;

/// Bytes of one block.
struct Part {
    block: BinaryRef,
    range: Range<usize>,
}

impl Part {
    fn bytes(&self) -> &[u8] {
        let start = self.block.bytes();
        // SAFETY: the range is one of bytes that were there when the part was made. The part's reference keeps the block alive and in
        // its place, and nobody writes bytes that are in use.
        unsafe { core::slice::from_raw_parts(start.add(self.range.start), self.range.len()) }
    }
}

/// The queue.
#[derive(Default)]
pub struct IoQueue {
    parts: VecDeque<Part>,
    size: usize,
}

impl IoQueue {
    /// An empty queue.
    pub const fn new() -> IoQueue {
        IoQueue {
            parts: VecDeque::new(),
            size: 0,
        }
    }

    /// How many bytes there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Puts the bytes of `block` in `range`, which are in use, at the end.
    pub fn push_block(&mut self, block: BinaryRef, range: Range<usize>) -> Result<(), NoMemory> {
        if range.is_empty() {
            return Ok(());
        }
        self.parts.try_reserve(1).map_err(|_| NoMemory)?;
        self.size += range.len();
        self.parts.push_back(Part { block, range });
        Ok(())
    }

    /// Puts a binary at the end. `badarg` for any other term.
    pub fn push(&mut self, term: Term) -> Result<(), Fail> {
        let bits = view(&term)
            .filter(|bits| bits.is_binary())
            .ok_or(Fail::Badarg)?;
        let size = bits.size / 8;
        if size > HEAP_BYTES
            && bits.offset.is_multiple_of(8)
            && let Some(block) = BinaryRef::of(base_of(term))
        {
            let start = bits.offset / 8;
            return Ok(self.push_block(block, start..start + size)?);
        }
        let bytes = bits.to_bytes()?.ok_or(Fail::Badarg)?;
        if !bytes.is_empty() {
            self.push_block(BinaryRef::from_bytes(&bytes)?, 0..size)?;
        }
        Ok(())
    }

    /// The bytes of the first part; none if the queue is empty.
    pub fn head(&self) -> &[u8] {
        self.parts.front().map_or(&[], Part::bytes)
    }

    /// The first part as a binary; `None` if the queue is empty.
    pub fn head_term<A: Arena + ?Sized>(&self, arena: &mut A) -> Result<Option<Term>, NoMemory> {
        let Some(part) = self.parts.front() else {
            return Ok(None);
        };
        if part.range.len() <= HEAP_BYTES {
            return make_binary(arena, part.bytes()).map(Some);
        }
        let whole = part.block.clone().into_term(arena, part.range.end)?;
        let (offset, size) = (part.range.start * 8, part.range.len() * 8);
        part_of_base(arena, whole, offset, size).map(Some)
    }

    /// Removes the first `count` bytes, or all if there are fewer.
    pub fn consume(&mut self, count: usize) {
        let mut left = count;
        while left > 0
            && let Some(part) = self.parts.front_mut()
        {
            let taken = left.min(part.range.len());
            part.range.start += taken;
            self.size -= taken;
            left -= taken;
            if part.range.is_empty() {
                self.parts.pop_front();
            }
        }
    }

    /// Removes all.
    pub fn clear(&mut self) {
        *self = IoQueue::new();
    }

    /// Fills `target` with the first bytes, which stay in the queue. There are as many.
    pub fn copy_to(&self, target: &mut [u8]) {
        let mut rest = target;
        for part in &self.parts {
            let taken = rest.len().min(part.range.len());
            let (now, later) = rest.split_at_mut(taken);
            now.copy_from_slice(&part.bytes()[..taken]);
            rest = later;
        }
    }

    /// Where the first byte `needle` is.
    pub fn position(&self, needle: u8) -> Option<usize> {
        let mut before = 0;
        for part in &self.parts {
            if let Some(at) = memchr::memchr(needle, part.bytes()) {
                return Some(before + at);
            }
            before += part.range.len();
        }
        None
    }
}

/// Calls `visit` with up to `limit` elements of a list of binaries, and returns what is left of the list. `badarg`, before anything is
/// visited, if one of them is no binary or the list ends in something else.
pub fn each_binary(
    list: Term,
    limit: usize,
    mut visit: impl FnMut(Term) -> Result<(), Fail>,
) -> Result<Term, Fail> {
    let mut elements = list.iter_list();
    let seen = elements.by_ref().take(limit);
    for element in seen {
        view(&element)
            .filter(|bits| bits.is_binary())
            .ok_or(Fail::Badarg)?;
    }
    let tail = elements.tail();
    if !tail.is_list() {
        return Err(Fail::Badarg);
    }
    list.iter_list().take(limit).try_for_each(&mut visit)?;
    Ok(tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use alloc::vec;
    use alloc::vec::Vec;

    fn all(queue: &IoQueue) -> Vec<u8> {
        let mut bytes = vec![0; queue.size()];
        queue.copy_to(&mut bytes);
        bytes
    }

    #[test]
    fn bytes_come_out_as_they_went_in_wherever_they_are_cut() {
        let mut parcel = Parcel::new();
        let mut queue = IoQueue::new();
        let mut expected = Vec::new();
        for size in [1, 0, 64, 65, 1000, 3] {
            let bytes: Vec<u8> = (0..size).map(|i| (i * 7 + size) as u8).collect();
            let term = make_binary(&mut parcel, &bytes).unwrap();
            queue.push(term).unwrap();
            expected.extend_from_slice(&bytes);
        }
        drop(parcel);
        assert_eq!(all(&queue), expected);
        for step in [1, 70, 2, 500] {
            queue.consume(step);
            expected.drain(..step);
            assert_eq!(all(&queue), expected);
            assert_eq!(queue.head(), &expected[..queue.head().len()]);
            let needle = *expected.last().unwrap();
            let at = expected.iter().position(|byte| *byte == needle);
            assert_eq!(queue.position(needle), at);
        }
        queue.consume(usize::MAX);
        assert_eq!((queue.size(), queue.head().len()), (0, 0));
        assert_eq!(queue.position(0), None);
    }

    #[test]
    fn large_binaries_are_shared() {
        let block = BinaryRef::from_bytes(&[5; 200]).unwrap();
        let mut parcel = Parcel::new();
        let whole = block.clone().into_term(&mut parcel, 200).unwrap();
        let part = crate::bits::sub_bits(&mut parcel, whole, 80, 800).unwrap();
        let mut queue = IoQueue::new();
        queue.push(part).unwrap();
        assert_eq!(queue.head().as_ptr(), block.bytes().wrapping_add(10));
        let head = queue.head_term(&mut parcel).unwrap().unwrap();
        let bits = view(&head).unwrap();
        assert_eq!((bits.offset, bits.size), (80, 800));
        assert_eq!(queue.push(Term::NIL), Err(Fail::Badarg));
    }

    #[test]
    fn a_list_with_something_else_in_it_is_refused_as_a_whole() {
        let mut parcel = Parcel::new();
        let binary = make_binary(&mut parcel, &[1]).unwrap();
        let good = parcel.list(&[binary, binary, binary]).unwrap();
        let bad = parcel.list(&[binary, Term::NIL]).unwrap();
        let improper = parcel.list_with_tail(&[binary], Term::small(1)).unwrap();
        let mut seen = 0;
        let mut visit = |_| {
            seen += 1;
            Ok(())
        };
        let tail = each_binary(good, 2, &mut visit).unwrap();
        assert_eq!(tail.iter_list().count(), 1);
        assert!(each_binary(bad, 2, &mut visit).is_err());
        assert!(each_binary(improper, 2, &mut visit).is_err());
        assert_eq!(seen, 2);
    }
}

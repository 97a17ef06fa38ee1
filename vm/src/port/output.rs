//! What a process sends to a port: the bytes of an I/O list, the long binaries in it by reference.
//!
//! Bytes and short binaries are copied side by side; a binary off the heaps of [`SHARED`] bytes and more is kept as it lies. So a
//! driver that can write several parts at once ([`Output::parts`]) does not copy what is long.
//!
//! Invariant: `order` is in the order of the list; each [`Piece::Copied`] is a range of `copied`, and each [`Piece::Shared`] one
//! of a block that does not move or change there as long as it is referred to.

use crate::bif::Fail;
use crate::bits::iolist::{self, Leaf};
use crate::bits::make::base_of;
use crate::memory::NoMemory;
use crate::memory::off_heap::BinaryRef;
use crate::term::Term;
use alloc::vec::Vec;
use core::ops::Range;
use smallvec::SmallVec;

/// Binaries of this many bytes and more are not copied.
pub const SHARED: usize = 1024;

/// What is copied gets at least so much room: most of what is sent is put together of a few short pieces.
const ROOM: usize = 240;

/// Some of the bytes.
enum Piece {
    /// They are in `copied`.
    Copied(Range<usize>),
    /// They are in a block off the heaps.
    Shared(BinaryRef, Range<usize>),
}

impl Piece {
    fn len(&self) -> usize {
        let (Piece::Copied(range) | Piece::Shared(_, range)) = self;
        range.len()
    }
}

/// Bytes for a port.
#[derive(Default)]
pub struct Output {
    copied: Vec<u8>,
    /// Empty as long as all bytes are in `copied`.
    order: SmallVec<[Piece; 2]>,
    /// How many pieces at the front of `order` are gone: they hold nothing.
    first: usize,
    /// How much of `copied` is in `order`.
    ordered: usize,
    /// Bytes that go before the others, and which of them are left.
    prefix: [u8; 4],
    prefix_left: Range<usize>,
    /// How many bytes are gone already of the first piece that is left.
    gone: usize,
    /// How many bytes are left.
    len: usize,
}

impl Output {
    /// The bytes of an I/O list. `Err(Badarg)` if it is none.
    pub fn of(list: Term) -> Result<Output, Fail> {
        let mut output = Output::default();
        output.fill(list)?;
        Ok(output)
    }

    /// Bytes that are there already.
    pub fn from_bytes(copied: Vec<u8>) -> Output {
        Output {
            len: copied.len(),
            copied,
            ..Output::default()
        }
    }

    fn fill(&mut self, list: Term) -> Result<(), Fail> {
        let mut memory = Ok(());
        iolist::walk(list, iolist::Parts::Binaries, |leaf| {
            let added = match leaf {
                Leaf::Byte(byte) => self.copy(&[byte]),
                Leaf::Bits(bits, term) => match bits.as_aligned_bytes() {
                    Some(bytes) if bytes.len() >= SHARED => self.share(term, bytes),
                    Some(bytes) => self.copy(bytes),
                    None => (0..bits.size / 8).try_for_each(|index| self.copy(&[bits.byte(index)])),
                },
            };
            if added.is_err() {
                memory = added;
            }
        })?;
        Ok(memory?)
    }

    fn copy(&mut self, bytes: &[u8]) -> Result<(), NoMemory> {
        let room = match self.copied.capacity() {
            0 => bytes.len().max(ROOM),
            _ => bytes.len(),
        };
        self.copied.try_reserve(room).map_err(|_| NoMemory)?;
        self.copied.extend_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }

    fn share(&mut self, term: Term, bytes: &[u8]) -> Result<(), NoMemory> {
        let Some(block) = BinaryRef::of(base_of(term)) else {
            return self.copy(bytes);
        };
        let start = bytes.as_ptr() as usize - block.bytes() as usize;
        self.close_copied()?;
        self.order.try_reserve(1).map_err(|_| NoMemory)?;
        self.order
            .push(Piece::Shared(block, start..start + bytes.len()));
        self.len += bytes.len();
        Ok(())
    }

    /// Puts what was copied since the last piece into the order.
    fn close_copied(&mut self) -> Result<(), NoMemory> {
        if self.ordered < self.copied.len() {
            self.order.try_reserve(1).map_err(|_| NoMemory)?;
            let piece = Piece::Copied(self.ordered..self.copied.len());
            self.order.push(piece);
            self.ordered = self.copied.len();
        }
        Ok(())
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts a few bytes before the others: at most four, and once.
    pub fn set_prefix(&mut self, prefix: &[u8]) {
        let len = prefix.len().min(self.prefix.len());
        self.prefix[..len].copy_from_slice(&prefix[..len]);
        self.prefix_left = 0..len;
        self.len += len;
    }

    /// Takes the first `count` bytes away, of those that are left.
    pub fn advance(&mut self, count: usize) {
        let count = count.min(self.len);
        let of_prefix = count.min(self.prefix_left.len());
        self.prefix_left.start += of_prefix;
        self.gone += count - of_prefix;
        self.len -= count;
        // What is written to the end is let go of, and not passed over again each time.
        while let Some(piece) = self.order.get_mut(self.first) {
            if self.gone < piece.len() {
                return;
            }
            self.gone -= piece.len();
            *piece = Piece::Copied(0..0);
            self.first += 1;
        }
    }

    /// The bytes that are left, in pieces that lie side by side.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let prefix = &self.prefix[self.prefix_left.clone()];
        let mut gone = self.gone;
        let rest = self.all().map(move |part| {
            let less = gone.min(part.len());
            gone -= less;
            &part[less..]
        });
        let parts = core::iter::once(prefix).chain(rest);
        parts.filter(|part| !part.is_empty())
    }

    /// All bytes but the prefix.
    fn all(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = self.order[self.first..].iter().map(|piece| match piece {
            Piece::Copied(range) => &self.copied[range.clone()],
            Piece::Shared(block, range) => {
                // SAFETY: the invariant: the range was taken from a binary in this block, which the reference keeps alive; what a
                // block has in use is never written again, and it does not move while it has more than one reference or a
                // reference that is not its term's.
                unsafe { core::slice::from_raw_parts(block.bytes().add(range.start), range.len()) }
            }
        });
        pieces.chain(core::iter::once(&self.copied[self.ordered..]))
    }

    /// The bytes side by side.
    pub fn into_bytes(self) -> Result<Vec<u8>, NoMemory> {
        if self.order.is_empty() && self.len == self.copied.len() {
            return Ok(self.copied);
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(self.len).map_err(|_| NoMemory)?;
        self.parts().for_each(|part| bytes.extend_from_slice(part));
        Ok(bytes)
    }

    /// Copies as many of the first bytes as `buffer` has room for; false if there are not so many.
    pub fn copy_start(&self, buffer: &mut [u8]) -> bool {
        let mut filled = 0;
        for part in self.parts() {
            let piece = part.len().min(buffer.len() - filled);
            buffer[filled..filled + piece].copy_from_slice(&part[..piece]);
            filled += piece;
            if filled == buffer.len() {
                return true;
            }
        }
        filled == buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{make_binary, sub_bits};
    use crate::memory::Arena;
    use crate::memory::heap::Parcel;
    use crate::memory::off_heap::Binary;
    use alloc::vec;

    #[test]
    fn long_binaries_stay_where_they_are() {
        let mut arena = Parcel::new();
        let long = make_binary(&mut arena, &[7; 5000]).unwrap();
        let part = sub_bits(&mut arena, long, 8, 8 * 2000).unwrap();
        let short = make_binary(&mut arena, b"short").unwrap();
        let list = arena
            .list(&[Term::small(1), short, part, Term::small(2), long])
            .unwrap();
        let output = Output::of(list).unwrap();
        let lengths: Vec<usize> = output.parts().map(<[u8]>::len).collect();
        assert_eq!(lengths, [6, 2000, 1, 5000]);
        assert_eq!(output.len(), 7007);
        let block = BinaryRef::of(long).unwrap();
        assert_eq!(
            output.parts().nth(1).unwrap().as_ptr() as usize,
            block.bytes() as usize + 1
        );
        let mut moved = Output::of(list).unwrap();
        moved.set_prefix(&[9, 9]);
        moved.advance(1);
        let lengths: Vec<usize> = moved.parts().map(<[u8]>::len).collect();
        assert_eq!(lengths, [1, 6, 2000, 1, 5000]);
        moved.advance(1 + 6 + 1999);
        let lengths: Vec<usize> = moved.parts().map(<[u8]>::len).collect();
        assert_eq!((lengths, moved.len()), (vec![1, 1, 5000], 5002));
        let mut start = [0; 7];
        assert!(output.copy_start(&mut start));
        assert_eq!(&start, b"\x01short\x07");
        let bytes = output.into_bytes().unwrap();
        assert_eq!(bytes.len(), 7007);
        assert_eq!(bytes[2006], 2);
    }

    #[test]
    fn what_is_gone_is_let_go_of() {
        let mut arena = Parcel::new();
        let long = make_binary(&mut arena, &[7; SHARED]).unwrap();
        let list = arena.list(&[Term::small(1), long, long, long]).unwrap();
        let block = BinaryRef::of(long).unwrap();
        let references = || Binary::references(block.head());
        let before = references();
        let mut output = Output::of(list).unwrap();
        assert_eq!(references(), before + 3);
        for left in (0..3).rev() {
            output.advance(SHARED);
            // Of the one that is next, the last byte is left behind the byte before all of them.
            assert_eq!(references(), before + left + 1);
            assert_eq!(output.len(), left * SHARED + 1);
            assert_eq!(output.parts().map(<[u8]>::len).sum::<usize>(), output.len());
        }
        output.advance(1);
        assert_eq!(references(), before);
        assert!(output.is_empty() && output.parts().next().is_none());
    }

    #[test]
    fn what_is_no_list_of_bytes_is_bad() {
        let mut arena = Parcel::new();
        let list = arena.list(&[Term::small(256)]).unwrap();
        assert!(matches!(Output::of(list), Err(Fail::Badarg)));
        let output = Output::of(Term::NIL).unwrap();
        assert!(output.is_empty() && output.parts().next().is_none());
    }
}

//! The bytes of a file in memory.
//!
//! A file begins as bytes that lie in memory for good (those of the archive; none, for a new file). What is written goes into chunks,
//! each of which takes the place of a range of [`CHUNK`] bytes, so that changing a byte of a large archive file
//! copies one chunk. What neither covers is a hole: zeros, without memory.
//!
//! Invariant: chunks are in order, one for an index at most; a chunk has at most [`CHUNK`] bytes, and none behind the end of the file; the
//! base is no longer than the file.

use super::super::{Errno, Result};
use alloc::vec::Vec;

/// Bytes of a full chunk: the largest size class of the guest's allocator below whole pages.
pub const CHUNK: usize = 8 * 1024;

/// Largest size of a file.
const MAX_SIZE: u64 = i64::MAX as u64;

struct Chunk {
    /// The chunk's place in units of [`CHUNK`].
    index: u64,
    /// The first bytes of it; the others are zeros.
    bytes: Vec<u8>,
}

/// The bytes of a file.
pub struct Content {
    base: &'static [u8],
    size: u64,
    chunks: Vec<Chunk>,
}

impl Content {
    /// A file with the bytes `base`.
    pub const fn new(base: &'static [u8]) -> Content {
        Content {
            base,
            size: base.len() as u64,
            chunks: Vec::new(),
        }
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// All bytes, if none has been written.
    pub fn untouched(&self) -> Option<&'static [u8]> {
        (self.chunks.is_empty() && self.size == self.base.len() as u64).then_some(self.base)
    }

    #[cfg(test)]
    /// Bytes of memory for what was written.
    pub fn memory(&self) -> usize {
        let chunks = self.chunks.iter().map(|chunk| chunk.bytes.capacity());
        self.chunks.capacity() * size_of::<Chunk>() + chunks.sum::<usize>()
    }

    fn position(&self, index: u64) -> core::result::Result<usize, usize> {
        // What is appended to is the last one.
        match self.chunks.last() {
            Some(last) if last.index == index => Ok(self.chunks.len() - 1),
            Some(last) if last.index > index => self
                .chunks
                .binary_search_by_key(&index, |chunk| chunk.index),
            _ => Err(self.chunks.len()),
        }
    }

    /// Copies bytes from `offset` on; returns how many there were.
    pub fn read(&self, offset: u64, into: &mut [u8]) -> usize {
        let available = self.size.saturating_sub(offset);
        let length = into
            .len()
            .min(usize::try_from(available).unwrap_or(usize::MAX));
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let (index, start) = (at / CHUNK as u64, (at % CHUNK as u64) as usize);
            let (part, piece) = match self.position(index) {
                Ok(position) => {
                    let part = (CHUNK - start).min(length - done);
                    let bytes = &self.chunks[position].bytes;
                    let bytes = bytes.get(start..).unwrap_or_default();
                    (part, &bytes[..bytes.len().min(part)])
                }
                // Up to the next chunk, in one piece.
                Err(position) => {
                    let next = self.chunks.get(position).map_or(u64::MAX, |c| c.index);
                    let until = next.saturating_mul(CHUNK as u64) - at;
                    let part = usize::try_from(until).unwrap_or(usize::MAX);
                    let part = part.min(length - done);
                    (part, part_of(self.base, at, part))
                }
            };
            let (target, holes) = into[done..done + part].split_at_mut(piece.len());
            target.copy_from_slice(piece);
            holes.fill(0);
            done += part;
        }
        length
    }

    /// The chunk at `index`, made of what is there now if there is none.
    fn chunk(&mut self, index: u64) -> Result<&mut Vec<u8>> {
        let position = match self.position(index) {
            Ok(position) => position,
            Err(position) => {
                self.chunks.try_reserve(1).map_err(|_| Errno::ENOSPC)?;
                let below = part_of(self.base, index.saturating_mul(CHUNK as u64), CHUNK);
                let mut bytes = Vec::new();
                reserve(&mut bytes, below.len())?;
                bytes.extend_from_slice(below);
                self.chunks.insert(position, Chunk { index, bytes });
                position
            }
        };
        Ok(&mut self.chunks[position].bytes)
    }

    /// Puts bytes at `offset`. Without memory for all of them, `ENOSPC`; the first ones may be there then.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > MAX_SIZE) {
            return Err(Errno::EFBIG);
        }
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let (index, start) = (at / CHUNK as u64, (at % CHUNK as u64) as usize);
            let part = (CHUNK - start).min(bytes.len() - done);
            let chunk = self.chunk(index)?;
            if chunk.len() < start + part {
                reserve(chunk, start + part)?;
                chunk.resize(start + part, 0);
            }
            chunk[start..start + part].copy_from_slice(&bytes[done..done + part]);
            done += part;
            self.size = self.size.max(at + part as u64);
        }
        Ok(())
    }

    /// Makes the file end at `size`: cut off, or with a hole at its end.
    pub fn truncate(&mut self, size: u64) -> Result<()> {
        if size > MAX_SIZE {
            return Err(Errno::EFBIG);
        }
        if size < self.size {
            let kept = self
                .base
                .len()
                .min(usize::try_from(size).unwrap_or(usize::MAX));
            self.base = &self.base[..kept];
            let (last, rest) = (size / CHUNK as u64, (size % CHUNK as u64) as usize);
            let kept = self.chunks.partition_point(|chunk| chunk.index <= last);
            self.chunks.truncate(kept);
            if let Some(chunk) = self.chunks.last_mut()
                && chunk.index == last
            {
                chunk.bytes.truncate(rest);
                chunk.bytes.shrink_to_fit();
            }
            self.chunks.shrink_to_fit();
        }
        self.size = size;
        Ok(())
    }

    /// Takes the memory that writing `length` bytes at `offset` will need; the file grows to there. All or nothing.
    pub fn allocate(&mut self, offset: u64, length: u64) -> Result<()> {
        let end = offset.checked_add(length).filter(|&end| end <= MAX_SIZE);
        let end = end.ok_or(Errno::EFBIG)?;
        let (first, behind) = (offset / CHUNK as u64, end.div_ceil(CHUNK as u64));
        for index in first..behind {
            let used = (end - index * CHUNK as u64).min(CHUNK as u64) as usize;
            let taken = self.chunk(index).and_then(|chunk| reserve(chunk, used));
            if let Err(error) = taken {
                // Chunks that say what the base says anyhow are those that were taken in vain.
                let base = self.base;
                self.chunks.retain(|chunk| {
                    let below = part_of(base, chunk.index.saturating_mul(CHUNK as u64), CHUNK);
                    !(first..=index).contains(&chunk.index) || chunk.bytes != below
                });
                return Err(error);
            }
        }
        self.size = self.size.max(end);
        Ok(())
    }
}

/// The bytes of `base` from `offset` on, at most `most`.
fn part_of(base: &'static [u8], offset: u64, most: usize) -> &'static [u8] {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let part = base.get(start..).unwrap_or_default();
    &part[..part.len().min(most)]
}

/// Makes a chunk's room at least `length` bytes, or twice what it was, so that appending costs no more than what is appended.
fn reserve(chunk: &mut Vec<u8>, length: usize) -> Result<()> {
    let room = chunk.capacity();
    if room < length {
        let wanted = length.max(CHUNK.min(room * 2));
        let more = wanted - chunk.len();
        chunk.try_reserve_exact(more).map_err(|_| Errno::ENOSPC)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(content: &Content) -> Vec<u8> {
        let mut bytes = alloc::vec![0xaa; content.size() as usize + 3];
        let read = content.read(0, &mut bytes);
        assert_eq!(read as u64, content.size());
        bytes.truncate(read);
        bytes
    }

    /// Random writes, cuts and allocations, against a plain vector.
    #[test]
    fn content_is_what_a_vector_would_be() {
        let base: &'static [u8] = (0..20_000).map(|i| i as u8 | 1).collect::<Vec<u8>>().leak();
        let mut state = 12345u64;
        let mut random = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        for round in 0..60 {
            let base = if round % 2 == 0 { base } else { &[] };
            let mut content = Content::new(base);
            let mut model = base.to_vec();
            for step in 0..30 {
                let offset = random(50_000);
                match random(5) {
                    0 => {
                        content.truncate(offset).unwrap();
                        model.resize(offset as usize, 0);
                    }
                    1 => {
                        let length = random(20_000);
                        content.allocate(offset, length).unwrap();
                        let end = (offset + length) as usize;
                        model.resize(model.len().max(end), 0);
                    }
                    _ => {
                        let bytes = alloc::vec![step as u8 + 1; random(12_000) as usize];
                        content.write(offset, &bytes).unwrap();
                        let end = offset as usize + bytes.len();
                        if !bytes.is_empty() {
                            model.resize(model.len().max(end), 0);
                            model[offset as usize..end].copy_from_slice(&bytes);
                        }
                    }
                }
                assert_eq!(content.size(), model.len() as u64);
                assert!(all(&content) == model, "round {round}, step {step}");
                let mut part = [0; 100];
                let read = content.read(offset, &mut part);
                let expected = model.get(offset as usize..).unwrap_or_default();
                assert_eq!(part[..read], expected[..expected.len().min(100)]);
            }
        }
    }

    #[test]
    fn archive_bytes_are_not_copied_before_they_change() {
        let base: &'static [u8] = alloc::vec![7u8; 100_000].leak();
        let mut content = Content::new(base);
        assert!(core::ptr::eq(content.untouched().unwrap(), base));
        content.write(50_000, b"x").unwrap();
        assert_eq!(content.untouched(), None);
        assert!(content.memory() < 2 * CHUNK, "{}", content.memory());
        assert_eq!(all(&content)[49_999..50_002], [7, b'x', 7]);
    }

    #[test]
    fn appending_and_holes_take_memory_for_what_is_there() {
        let mut content = Content::new(&[]);
        for i in 0..10_000u64 {
            content.write(i * 10, b"0123456789").unwrap();
        }
        assert!(content.memory() < 130_000, "{}", content.memory());
        let mut sparse = Content::new(&[]);
        sparse.write(1 << 60, b"end").unwrap();
        assert!(sparse.memory() < 1000, "{}", sparse.memory());
        let mut bytes = [1; 6];
        assert_eq!(sparse.read((1 << 60) - 3, &mut bytes), 6);
        assert_eq!(&bytes, b"\0\0\0end");
        assert_eq!(sparse.write(MAX_SIZE, b"x"), Err(Errno::EFBIG));
        assert_eq!(sparse.write(u64::MAX, b"x"), Err(Errno::EFBIG));
        assert_eq!(sparse.truncate(u64::MAX), Err(Errno::EFBIG));
        assert_eq!(sparse.read(u64::MAX, &mut bytes), 0);
    }
}

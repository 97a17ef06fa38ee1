//! Finding patterns in bytes: the earliest occurrence of any of several, and of those that begin there the longest.
//!
//! Each pattern is searched for by itself with `memchr`'s substring search, and where its next occurrence is, is
//! remembered. So however often [`Search::next_from`] is called with growing positions, every pattern goes over the bytes once.
//! A call looks at a piece of them only, so that a long search that finds nothing can be left in between.

use crate::memory::NoMemory;
use alloc::vec::Vec;
use memchr::memmem::Finder;

/// What is known of a pattern's occurrences.
enum Known {
    /// None begins before this.
    NoneBefore(usize),
    /// The first one at or after the positions asked for so far begins here.
    At(usize),
}

struct Pattern<'p> {
    finder: Finder<'p>,
    known: Known,
}

impl Pattern<'_> {
    fn len(&self) -> usize {
        self.finder.needle().len()
    }

    /// Where the pattern occurs first, beginning at `from` or later and ending before or at `end`.
    fn find(&mut self, bytes: &[u8], from: usize, end: usize) -> Option<usize> {
        let from = match self.known {
            Known::At(start) if start >= from => return Some(start),
            Known::At(_) => from,
            Known::NoneBefore(start) => start.max(from),
        };
        let found = self.finder.find(bytes.get(from..end)?);
        self.known = match found {
            Some(distance) => Known::At(from + distance),
            None => Known::NoneBefore((end + 1).saturating_sub(self.len()).max(from)),
        };
        found.map(|distance| from + distance)
    }
}

/// A search for several patterns in one run of bytes.
pub struct Search<'b, 'p> {
    bytes: &'b [u8],
    patterns: Vec<Pattern<'p>>,
    /// How far the patterns have been looked for; and the length of the longest.
    seen: usize,
    longest: usize,
}

/// What a piece of a search has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The first occurrence.
    At {
        /// Where it begins.
        start: usize,
        /// Its length.
        length: usize,
    },
    /// There is none.
    Nothing,
    /// None so far: ask again, from the same position.
    NothingYet,
}

impl<'b, 'p> Search<'b, 'p> {
    /// A search of `bytes` for `patterns`, none of which is empty.
    pub fn new(
        bytes: &'b [u8],
        patterns: impl ExactSizeIterator<Item = &'p [u8]>,
    ) -> Result<Self, NoMemory> {
        let mut list = Vec::new();
        list.try_reserve_exact(patterns.len())
            .map_err(|_| NoMemory)?;
        list.extend(patterns.map(|pattern| Pattern {
            finder: Finder::new(pattern),
            known: Known::NoneBefore(0),
        }));
        let longest = list.iter().map(Pattern::len).max().unwrap_or(0);
        Ok(Search {
            bytes,
            patterns: list,
            seen: 0,
            longest,
        })
    }

    /// The first occurrence at or after `from`, which must not be less than in the call before; looks at no more than `piece` bytes
    /// that were not looked at yet.
    pub fn next_from(&mut self, from: usize, piece: usize) -> Found {
        let end = self.bytes.len();
        self.seen = end.min(self.seen.max(from).saturating_add(piece));
        loop {
            match self.next_before(from, self.seen) {
                // What begins no later and is longer may end behind what has been looked at.
                Some((start, _)) if self.seen < end && start + self.longest > self.seen => {
                    self.seen = end.min(start + self.longest);
                }
                Some((start, length)) => return Found::At { start, length },
                None if self.seen < end => return Found::NothingYet,
                None => return Found::Nothing,
            }
        }
    }

    /// Start and length of the first occurrence at or after `from` that ends before or at `limit`.
    fn next_before(&mut self, from: usize, limit: usize) -> Option<(usize, usize)> {
        let mut best: Option<(usize, usize)> = None;
        for pattern in &mut self.patterns {
            let len = pattern.len();
            // Only what begins no later than the best so far is of interest.
            let end = best.map_or(limit, |(start, _)| (start + len).min(limit));
            let Some(start) = pattern.find(self.bytes, from, end) else {
                continue;
            };
            let better = match best {
                None => true,
                Some((first, longest)) => start < first || start == first && len > longest,
            };
            if better {
                best = Some((start, len));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bytes: &[u8], patterns: &[&[u8]], from: usize) -> Option<(usize, usize)> {
        (from..bytes.len()).find_map(|start| {
            patterns
                .iter()
                .filter(|pattern| bytes[start..].starts_with(pattern))
                .map(|pattern| pattern.len())
                .max()
                .map(|len| (start, len))
        })
    }

    /// All texts and patterns over a small alphabet, from every position, overlapping or not.
    #[test]
    fn agrees_with_the_plain_search() {
        let mut state = 1u32;
        let mut random = |limit: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % limit
        };
        for _ in 0..3000 {
            let length = random(60);
            let text: Vec<u8> = (0..length).map(|_| b'a' + random(3) as u8).collect();
            let patterns: Vec<Vec<u8>> = (0..1 + random(4))
                .map(|_| {
                    let length = 1 + random(4);
                    (0..length).map(|_| b'a' + random(3) as u8).collect()
                })
                .collect();
            let slices: Vec<&[u8]> = patterns.iter().map(Vec::as_slice).collect();
            let mut search = Search::new(&text, slices.iter().copied()).unwrap();
            let mut from = 0;
            loop {
                let piece = 1 + random(20) as usize;
                let found = search.next_from(from, piece);
                let expected = plain(&text, &slices, from);
                match found {
                    Found::At { start, length } => {
                        assert_eq!(Some((start, length)), expected, "{text:?} {patterns:?}");
                        from = start + 1 + random(length as u32) as usize;
                    }
                    Found::NothingYet => {}
                    Found::Nothing => {
                        assert_eq!(expected, None, "{text:?} {patterns:?}");
                        break;
                    }
                }
            }
        }
    }
}

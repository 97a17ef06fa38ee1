//! Runs: one kind of character, repeated.

use super::super::program::{Inst, run};
use super::super::set::{SetView, bitmap_has};
use super::super::text;
use super::super::unicode::Grapheme;
use super::{Matcher, Stop};

/// How far a run goes.
pub(super) struct Extent {
    /// Behind the least number of characters.
    pub low: u32,
    /// Behind the most there are.
    pub high: u32,
}

impl Matcher<'_> {
    /// The length of the single character or sequence that a run takes at `at`; `None` if it is none.
    pub(super) fn one(&self, kind: u8, a: u32, at: usize) -> Result<Option<usize>, Stop> {
        let Some(&byte) = self.subject.get(at) else {
            return Ok(None);
        };
        Ok(match kind {
            run::BYTE => (byte as u32 == a).then_some(1),
            run::EITHER_BYTE => (byte as u32 == a & 0xff || byte as u32 == a >> 8).then_some(1),
            run::SET => {
                let set = SetView::at(self.program.data, a).ok_or(Stop::Corrupt)?;
                if !self.utf || byte < 0x80 {
                    bitmap_has(set.bitmap, byte).then_some(1)
                } else {
                    text::decode(self.subject, at, true)
                        .and_then(|(c, length)| set.has(c).then_some(length))
                }
            }
            run::NOT_NEWLINE => {
                if self.newline.at(self.subject, at, self.utf).is_some() {
                    None
                } else {
                    text::decode(self.subject, at, self.utf).map(|(_, length)| length)
                }
            }
            run::ANY_CHAR => text::decode(self.subject, at, self.utf).map(|(_, length)| length),
            run::ANY_BYTE => Some(1),
            run::NEWLINE_SEQUENCE => self.newline_sequence(at),
            run::GRAPHEME_CLUSTER => Some(self.grapheme_cluster(at)),
            _ => return Err(Stop::Corrupt),
        })
    }

    /// The length of what `\R` matches.
    pub(super) fn newline_sequence(&self, at: usize) -> Option<usize> {
        use super::super::options::Newline;
        let convention = if self.bsr_anycrlf {
            Newline::AnyCrLf
        } else {
            Newline::Any
        };
        convention.at(self.subject, at, self.utf)
    }

    /// The length of what `\X` matches: one character at least.
    pub(super) fn grapheme_cluster(&self, at: usize) -> usize {
        let mut end = at;
        let mut last = None;
        while let Some((c, length)) = text::decode(self.subject, end, self.utf) {
            let next = Grapheme::of(c);
            if last.is_some_and(|last| !Grapheme::joins(last, next)) {
                break;
            }
            last = Some(next);
            end += length;
        }
        end - at
    }

    /// How far the run `inst` goes from `at`; `None` if not far enough.
    #[inline]
    pub(super) fn extent(&mut self, inst: &Inst, at: u32) -> Result<Option<Extent>, Stop> {
        let (min, max) = (inst.b as usize, inst.c as usize);
        let start = at as usize;
        let rest = self.subject.get(start..).ok_or(Stop::Corrupt)?;
        let is_unlimited = inst.c == u32::MAX;
        let bytes = if is_unlimited {
            rest
        } else {
            &rest[..rest.len().min(max)]
        };
        // Where each character is a byte, or all of them are taken, counting is a subtraction.
        let length = match inst.x {
            run::BYTE => {
                let byte = inst.a as u8;
                bytes.iter().position(|b| *b != byte).unwrap_or(bytes.len())
            }
            run::EITHER_BYTE => {
                let (one, other) = (inst.a as u8, (inst.a >> 8) as u8);
                bytes
                    .iter()
                    .position(|b| *b != one && *b != other)
                    .unwrap_or(bytes.len())
            }
            run::ANY_BYTE => bytes.len(),
            run::SET if !self.utf => {
                let set = SetView::at(self.program.data, inst.a).ok_or(Stop::Corrupt)?;
                bytes
                    .iter()
                    .position(|b| !bitmap_has(set.bitmap, *b))
                    .unwrap_or(bytes.len())
            }
            run::NOT_NEWLINE
                if self.newline == super::super::options::Newline::Lf
                    && (!self.utf || (is_unlimited && min <= 1)) =>
            {
                let length = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
                return Ok(self.counted(start, length, min, !self.utf));
            }
            run::ANY_CHAR if is_unlimited && min <= 1 => {
                return Ok(self.counted(start, rest.len(), min, !self.utf));
            }
            _ => return self.extent_of_characters(inst, start),
        };
        self.work += length as u64 / 16;
        Ok(self.counted(start, length, min, true))
    }

    fn counted(&self, start: usize, length: usize, min: usize, is_bytes: bool) -> Option<Extent> {
        if length < min {
            return None;
        }
        let low = if is_bytes || min == 0 {
            start + min
        } else {
            // UTF-8, and one character at least.
            start + text::decode(self.subject, start, true)?.1
        };
        Some(Extent {
            low: low as u32,
            high: (start + length) as u32,
        })
    }

    fn extent_of_characters(&mut self, inst: &Inst, start: usize) -> Result<Option<Extent>, Stop> {
        let mut at = start;
        let mut low = start;
        let mut count = 0u32;
        if inst.x == run::SET {
            // The common case of UTF-8 subjects, with the set at hand.
            let set = SetView::at(self.program.data, inst.a).ok_or(Stop::Corrupt)?;
            while count < inst.c
                && let Some((c, length)) = text::decode(self.subject, at, true)
                && set.has(c)
            {
                at += length;
                count += 1;
                if count == inst.b {
                    low = at;
                }
            }
        } else {
            while count < inst.c
                && let Some(length) = self.one(inst.x, inst.a, at)?
            {
                at += length;
                count += 1;
                if count == inst.b {
                    low = at;
                }
            }
        }
        self.work += count as u64 / 8;
        Ok((count >= inst.b).then_some(Extent {
            low: low as u32,
            high: at as u32,
        }))
    }

    /// One character less of a run that has come to `at`; `None` at `low`.
    pub(super) fn step_back(&self, inst: &Inst, low: u32, at: u32) -> Option<u32> {
        if at <= low {
            return None;
        }
        let back = match inst.x {
            run::BYTE | run::EITHER_BYTE | run::ANY_BYTE => at - 1,
            run::NEWLINE_SEQUENCE => {
                let is_crlf = at >= low + 2
                    && self.subject.get(at as usize - 2..at as usize) == Some(b"\r\n");
                if is_crlf {
                    at - 2
                } else {
                    text::before(self.subject, at as usize, self.utf)? as u32
                }
            }
            run::GRAPHEME_CLUSTER => {
                // Clusters cannot be told apart from behind.
                let mut from = low as usize;
                loop {
                    let next = from + self.grapheme_cluster(from).max(1);
                    if next >= at as usize {
                        break from as u32;
                    }
                    from = next;
                }
            }
            _ => text::before(self.subject, at as usize, self.utf)? as u32,
        };
        Some(back.max(low))
    }
}

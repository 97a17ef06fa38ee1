//! The literal area: where the constants of modules live, never copied and never collected.
//!
//! One reserved range of addresses holds all literals, so that "is this a literal?" is one subtraction and one
//! comparison. Within it each version of a module has an extent of its own, which is given back when the version is purged; see
//! [`super::release`] for how nobody refers to it by then. A persistent term has an extent, too, until it is replaced or erased; the
//! arguments of a bare machine's boot stay for ever. Memory is put behind the range as it fills, and kept.
//!
//! Invariant: what is below the end of an extent's use is complete objects, which refer only to objects of the area. Extents do not overlap;
//! the free ones lie below `top`, none of them next to another.

use crate::memory::arena::{Arena, NoMemory};
use crate::memory::off_heap::OffHeap;
use crate::platform::{Platform, Reservation};
use alloc::vec::Vec;
use core::ops::Range;
use core::ptr::NonNull;

/// Address space for literals: OTP's default of `+MIscs`.
pub const LITERAL_AREA_BYTES: usize = 1 << 30;

/// What is taken where even addresses have a limit (`ulimit -v`). OTP's own modules need a few megabytes.
pub const SMALL_LITERAL_AREA_BYTES: usize = 64 << 20;

/// This part of the area is no persistent term's.
const KEPT_FOR_CODE: usize = 8;
/// Bytes of memory that persistent terms leave: more than a platform keeps for small requests.
const KEPT_MEMORY: usize = 3 << 20;

/// Memory is asked for in pieces of this size.
const COMMIT_STEP: usize = 64 * 1024;

/// The area.
pub struct LiteralArea {
    range: Range<usize>,
    /// Nothing beyond has ever been used, or all that was has been given back.
    top: usize,
    committed: usize,
    /// Extents that were given back, by address.
    free: Vec<Range<usize>>,
    /// Of literals that no module owns.
    off_heap: OffHeap,
}

/// The literals of one version of a module.
#[derive(Default)]
pub struct Literals {
    start: usize,
    next: usize,
    end: usize,
    off_heap: OffHeap,
}

impl Literals {
    /// The addresses that they take up.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

impl LiteralArea {
    /// An area of addresses that `platform` has; `None` if it has too few.
    pub fn reserve(platform: &mut dyn Platform) -> Option<LiteralArea> {
        let mut sizes = [LITERAL_AREA_BYTES, SMALL_LITERAL_AREA_BYTES].into_iter();
        sizes
            .find_map(|bytes| platform.reserve(bytes))
            .map(LiteralArea::new)
    }

    /// An area in `reservation`.
    pub fn new(reservation: Reservation) -> LiteralArea {
        let base = reservation.base.as_ptr() as usize;
        LiteralArea {
            range: base..base + reservation.len,
            top: base,
            committed: base,
            free: Vec::new(),
            off_heap: OffHeap::new(),
        }
    }

    /// An area in memory that is there already.
    #[cfg(test)]
    pub(crate) fn in_memory(bytes: usize) -> LiteralArea {
        let memory = alloc::vec![0u64; bytes / 8].leak();
        let mut area = LiteralArea::new(Reservation {
            base: NonNull::from(memory).cast(),
            len: bytes,
        });
        area.committed = area.range.end;
        area
    }

    /// The addresses of literals.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The area as somewhere to build terms that stay for ever; `platform` gives memory.
    pub fn writer<'a>(&'a mut self, platform: &'a mut dyn Platform) -> LiteralWriter<'a> {
        LiteralWriter {
            area: self,
            platform,
        }
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        let free: usize = self.free.iter().map(Range::len).sum();
        self.top - self.range.start - free
    }

    /// An extent for the literals of a module that take `words` words.
    pub fn open(
        &mut self,
        platform: &mut dyn Platform,
        words: usize,
    ) -> Result<Literals, NoMemory> {
        let bytes = words.checked_mul(8).ok_or(NoMemory)?;
        let start = self.take(platform, bytes)?;
        Ok(Literals {
            start,
            next: start,
            end: start + bytes,
            off_heap: OffHeap::new(),
        })
    }

    /// The same for a persistent term: programs make as many as they like, so room is left for code, and memory for everybody's small
    /// requests.
    pub fn open_lasting(
        &mut self,
        platform: &mut dyn Platform,
        words: usize,
    ) -> Result<Literals, NoMemory> {
        let bytes = words.checked_mul(8).ok_or(NoMemory)?;
        let room = self.range.len() - self.range.len() / KEPT_FOR_CODE;
        if bytes > room.saturating_sub(self.used()) {
            return Err(NoMemory);
        }
        let grows = bytes > self.committed - self.top;
        if grows && platform.memory_available() < (bytes + KEPT_MEMORY) as u64 {
            return Err(NoMemory);
        }
        self.open(platform, words)
    }

    /// Takes back what is not used of an extent that is complete.
    pub fn trim(&mut self, literals: &mut Literals) {
        let rest = literals.next..literals.end;
        literals.end = literals.next;
        self.give(rest);
    }

    /// Takes literals back that nobody refers to.
    pub fn close(&mut self, mut literals: Literals) {
        literals.off_heap.release_all();
        self.give(literals.range());
    }

    fn take(&mut self, platform: &mut dyn Platform, bytes: usize) -> Result<usize, NoMemory> {
        // The smallest that fits, so that large ones stay large.
        let fitting = self
            .free
            .iter()
            .enumerate()
            .filter(|(_, free)| free.len() >= bytes);
        if bytes > 0
            && let Some((index, _)) = fitting.min_by_key(|(_, free)| free.len())
        {
            let free = &mut self.free[index];
            let start = free.start;
            free.start += bytes;
            if free.start == free.end {
                self.free.remove(index);
            }
            return Ok(start);
        }
        let start = self.top;
        let end = start.checked_add(bytes).ok_or(NoMemory)?;
        if end > self.range.end {
            return Err(NoMemory);
        }
        if end > self.committed {
            let wanted = (end - self.committed).next_multiple_of(COMMIT_STEP);
            let wanted = wanted.min(self.range.end - self.committed);
            let from = NonNull::new(self.committed as *mut u8).ok_or(NoMemory)?;
            if !platform.commit(from, wanted) {
                return Err(NoMemory);
            }
            self.committed += wanted;
        }
        self.top = end;
        Ok(start)
    }

    fn give(&mut self, mut extent: Range<usize>) {
        if extent.is_empty() {
            return;
        }
        let at = self.free.partition_point(|free| free.start < extent.start);
        if self
            .free
            .get(at)
            .is_some_and(|next| next.start == extent.end)
        {
            extent.end = self.free.remove(at).end;
        }
        let before = at
            .checked_sub(1)
            .and_then(|before| self.free.get_mut(before));
        match before {
            Some(before) if before.end == extent.start => {
                before.end = extent.end;
                if extent.end == self.top {
                    self.top = before.start;
                    self.free.remove(at - 1);
                }
            }
            _ if extent.end == self.top => self.top = extent.start,
            // Without memory for the note the extent is lost, and nothing else.
            _ => {
                if self.free.try_reserve(1).is_ok() {
                    self.free.insert(at, extent);
                }
            }
        }
    }
}

/// See [`LiteralArea::writer`].
pub struct LiteralWriter<'a> {
    area: &'a mut LiteralArea,
    platform: &'a mut dyn Platform,
}

impl Arena for LiteralWriter<'_> {
    fn allocate(&mut self, words: usize) -> Result<NonNull<u64>, NoMemory> {
        let bytes = words.checked_mul(8).ok_or(NoMemory)?;
        let start = self.area.take(self.platform, bytes)?;
        NonNull::new(start as *mut u64).ok_or(NoMemory)
    }

    fn off_heap(&mut self) -> &mut OffHeap {
        &mut self.area.off_heap
    }
}

/// The extent of a module is filled once, when the module is prepared.
impl Arena for Literals {
    fn allocate(&mut self, words: usize) -> Result<NonNull<u64>, NoMemory> {
        let bytes = words.checked_mul(8).ok_or(NoMemory)?;
        if bytes > self.end - self.next {
            return Err(NoMemory);
        }
        let object = self.next;
        self.next += bytes;
        NonNull::new(object as *mut u64).ok_or(NoMemory)
    }

    fn off_heap(&mut self) -> &mut OffHeap {
        &mut self.off_heap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tests::machine;

    #[test]
    fn what_is_given_back_is_used_again() {
        let platform = &mut *machine().platform;
        let mut area = LiteralArea::in_memory(4096);
        let first = area.open(platform, 100).unwrap();
        let second = area.open(platform, 50).unwrap();
        let third = area.open(platform, 10).unwrap();
        assert_eq!(area.used(), 160 * 8);
        let (low, high) = (first.start, second.end);
        area.close(first);
        let again = area.open(platform, 40).unwrap();
        assert_eq!(again.start, low);
        // Neighbours become one.
        area.close(second);
        let large = area.open(platform, 110).unwrap();
        assert_eq!(large.range(), low + 40 * 8..high);
        area.close(again);
        area.close(large);
        area.close(third);
        assert_eq!((area.used(), area.free.len()), (0, 0));
    }

    #[test]
    fn an_extent_has_an_end_and_its_rest_goes_back() {
        let platform = &mut *machine().platform;
        let mut area = LiteralArea::in_memory(4096);
        let mut literals = area.open(platform, 4).unwrap();
        assert!(literals.allocate(2).is_ok());
        assert!(literals.allocate(3).is_err());
        area.trim(&mut literals);
        assert_eq!((area.used(), literals.range().len()), (16, 16));
        area.close(literals);
        assert_eq!(area.used(), 0);
    }
}

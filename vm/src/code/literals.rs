//! The literal area: where the constants of modules live, never copied and never collected.
//!
//! One reserved range of addresses holds all literals, so that "is this a literal?" is one subtraction and one
//! comparison. Memory is put behind it as it fills.
//!
//! Invariant: what is below `top` is complete objects, which refer only to objects of the area.

use crate::memory::arena::{Arena, NoMemory};
use crate::memory::off_heap::OffHeap;
use crate::platform::{Platform, Reservation};
use core::ops::Range;
use core::ptr::NonNull;

/// Address space for literals: OTP's default of `+MIscs`.
pub const LITERAL_AREA_BYTES: usize = 1 << 30;

/// Memory is asked for in pieces of this size.
const COMMIT_STEP: usize = 64 * 1024;

/// The area.
pub struct LiteralArea {
    range: Range<usize>,
    top: usize,
    committed: usize,
    off_heap: OffHeap,
}

impl LiteralArea {
    /// An area in `reservation`.
    pub fn new(reservation: Reservation) -> LiteralArea {
        let base = reservation.base.as_ptr() as usize;
        LiteralArea {
            range: base..base + reservation.len,
            top: base,
            committed: base,
            off_heap: OffHeap::new(),
        }
    }

    /// The addresses of literals.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The area as somewhere to build terms; `platform` gives memory.
    pub fn writer<'a>(&'a mut self, platform: &'a mut dyn Platform) -> LiteralWriter<'a> {
        LiteralWriter {
            area: self,
            platform,
        }
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.top - self.range.start
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
        let area = &mut *self.area;
        let end = area
            .top
            .checked_add(bytes)
            .filter(|end| *end <= area.range.end)
            .ok_or(NoMemory)?;
        if end > area.committed {
            let wanted = (end - area.committed).next_multiple_of(COMMIT_STEP);
            let wanted = wanted.min(area.range.end - area.committed);
            let start = NonNull::new(area.committed as *mut u8).ok_or(NoMemory)?;
            if !self.platform.commit(start, wanted) {
                return Err(NoMemory);
            }
            area.committed += wanted;
        }
        let object = area.top as *mut u64;
        area.top = end;
        NonNull::new(object).ok_or(NoMemory)
    }

    fn off_heap(&mut self) -> &mut OffHeap {
        &mut self.area.off_heap
    }
}

//! The backtracking stack: what to do when a match cannot go on.
//!
//! An entry says either where else to try, or what to put back on the way there: slots, frames of recursion. Cutting the
//! stack (an atomic group, a lookaround) drops the former and keeps the latter.

use crate::memory::NoMemory;
use alloc::vec::Vec;

/// What an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// Go on with instruction `pc` at position `a`.
    Choice,
    /// Slot `pc` was `a`.
    Restore,
    /// `\K`: the match began at `a`.
    RestoreStart,
    /// The greedy run at `pc` may give back from `b` down to `a`.
    Run,
    /// The lazy run at `pc` has taken `b` characters up to `a`.
    LazyRun,
    /// As `Choice`, for a negative lookaround that fails: verbs reach no further.
    LookChoice,
    /// A call: the youngest frame ends.
    Call,
    Commit,
    Prune,
    /// Skip to `a`.
    Skip,
    /// Skip to the mark `a`.
    SkipTo,
    /// Down to height `a`.
    Then,
    /// The mark `a` was passed at position `b`.
    Mark,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub kind: Kind,
    pub pc: u32,
    pub a: u32,
    pub b: u32,
}

/// A call of a group that has not returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub group: u32,
    /// Where to go on.
    pub return_to: u32,
    /// The stack's height before the call.
    pub height: u32,
    /// The position of the call.
    pub at: u32,
}

pub(super) struct Stack {
    pub entries: Vec<Entry>,
    pub frames: Vec<Frame>,
}

impl Stack {
    pub fn new() -> Stack {
        Stack {
            entries: Vec::new(),
            frames: Vec::new(),
        }
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.frames.clear();
    }

    #[inline(always)]
    pub fn height(&self) -> u32 {
        self.entries.len() as u32
    }

    #[inline(always)]
    pub fn push(&mut self, kind: Kind, pc: u32, a: u32, b: u32) -> Result<(), NoMemory> {
        if self.entries.len() == self.entries.capacity() {
            self.grow()?;
        }
        self.entries.push(Entry { kind, pc, a, b });
        Ok(())
    }

    #[cold]
    fn grow(&mut self) -> Result<(), NoMemory> {
        let more = self.entries.len().max(32);
        self.entries.try_reserve(more).map_err(|_| NoMemory)
    }

    /// Drops the choices above `height` and keeps what restores.
    pub fn cut(&mut self, height: u32) {
        let height = (height as usize).min(self.entries.len());
        let mut kept = height;
        for i in height..self.entries.len() {
            let entry = self.entries[i];
            if matches!(entry.kind, Kind::Restore | Kind::RestoreStart) {
                self.entries[kept] = entry;
                kept += 1;
            }
        }
        self.entries.truncate(kept);
    }
}

//! A process's memory: one block with the heap growing up and the stack growing down, an old
//! generation, and fragments for what did not fit.
//!
//! What comes from elsewhere comes as a [`Parcel`], whose objects refer to each other and to literals only. A large one is part of the old generation
//! as it is, where it is: copying it would take as long as making it did.
//!
//! ```text
//! start          high_water        top            stack             end
//!   |  survived one  |    young     | -> free  <-  |  frames         |
//! ```
//!
//! # Invariant
//!
//! `start <= high_water <= top <= stack <= end`; every word below `top` (and below the top of the old
//! generation and of each fragment) belongs to a complete object; every word from `stack` to `end` is a term,
//! a catch word or a return address. While the process runs, the interpreter holds
//! `top` and `stack` in machine registers and writes them back before anything here is called.
//!
//! The [`Arena`] side of a heap never moves anything: when the block is full, it
//! makes a fragment, which the next collection folds in.

use super::adopted::Adopted;
use super::arena::{Arena, NoMemory};
use super::off_heap::OffHeap;
use crate::term::pace::Pace;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::ptr::NonNull;

/// A block of words that this owner alone frees.
pub struct Block {
    start: NonNull<u64>,
    words: usize,
}

impl Block {
    /// An uninitialised block of `words` words, at least one.
    pub fn allocate(words: usize) -> Result<Block, NoMemory> {
        let layout = Layout::array::<u64>(words.max(1)).map_err(|_| NoMemory)?;
        // SAFETY: the layout's size is not zero.
        let start = unsafe { alloc::alloc::alloc(layout) }.cast::<u64>();
        Ok(Block {
            start: NonNull::new(start).ok_or(NoMemory)?,
            words,
        })
    }

    /// The first word.
    #[inline]
    pub fn start(&self) -> *mut u64 {
        self.start.as_ptr()
    }

    /// One past the last word.
    #[inline]
    pub fn end(&self) -> *mut u64 {
        // SAFETY: the block has `words` words.
        unsafe { self.start.as_ptr().add(self.words) }
    }

    /// How many words.
    #[inline]
    pub fn words(&self) -> usize {
        self.words
    }

    /// Whether `pointer` points into the block.
    #[inline(always)]
    pub fn contains(&self, pointer: *const u64) -> bool {
        (pointer as usize).wrapping_sub(self.start.as_ptr() as usize) < self.words * 8
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Ok(layout) = Layout::array::<u64>(self.words.max(1)) {
            // SAFETY: allocated in `allocate` with this very layout.
            unsafe { alloc::alloc::dealloc(self.start.as_ptr().cast(), layout) };
        }
    }
}

/// A block outside the heap whose objects belong to it; filled from the start.
pub struct Fragment {
    /// The words.
    pub block: Block,
    /// How many of them hold objects.
    pub used: usize,
}

impl Fragment {
    /// The words of its objects.
    fn objects(&self) -> &[u64] {
        // SAFETY: the first `used` words have been written.
        unsafe { core::slice::from_raw_parts(self.block.start(), self.used) }
    }
}

/// Words in use in all of them.
pub fn used_in(fragments: &[Fragment]) -> usize {
    fragments.iter().map(|fragment| fragment.used).sum()
}

/// Smallest size of a fragment that a heap makes for itself, in words.
const MIN_FRAGMENT: usize = 128;

/// Words of a page.
const PAGE: usize = 512;

/// The memory of one process.
pub struct Heap {
    /// The block that heap and stack share.
    pub block: Block,
    /// First free word of the heap.
    pub top: *mut u64,
    /// Last used word of the stack: its youngest.
    pub stack: *mut u64,
    /// Objects below survived a collection and move to the old generation at the next.
    pub high_water: *mut u64,
    /// The old generation, if there is one: collected only by a full sweep.
    pub old: Option<Fragment>,
    /// What has been adopted: the old generation's, too.
    pub adopted: Adopted,
    /// Whether the last collection left the block so full that the next one makes a larger one.
    pub grow: bool,
    /// What did not fit.
    pub fragments: Vec<Fragment>,
    /// Words in use in the fragments.
    pub fragment_words: usize,
    /// Objects of this heap (all generations and fragments) that own something off it.
    pub off_heap: OffHeap,
}

impl Heap {
    /// A heap with a block of `words` words and an empty stack.
    pub fn new(words: usize) -> Result<Heap, NoMemory> {
        let block = Block::allocate(words)?;
        Ok(Heap {
            top: block.start(),
            stack: block.end(),
            high_water: block.start(),
            block,
            old: None,
            adopted: Adopted::default(),
            grow: false,
            fragments: Vec::new(),
            fragment_words: 0,
            off_heap: OffHeap::new(),
        })
    }

    /// Free words between heap and stack.
    #[inline(always)]
    pub fn free_words(&self) -> usize {
        (self.stack as usize - self.top as usize) / 8
    }

    /// The words of all objects: in the block up to `top` (see [`crate::process::Process::heap_top`]), in the old generation, in the fragments.
    pub fn areas(&self, top: *mut u64) -> impl Iterator<Item = &[u64]> {
        let used = (top as usize - self.block.start() as usize) / 8;
        // SAFETY: the invariant: below `top` all words belong to objects.
        let block = unsafe { core::slice::from_raw_parts(self.block.start(), used) };
        core::iter::once(block).chain(self.outside().map(Fragment::objects))
    }

    /// The old generation and the fragments.
    pub fn outside(&self) -> impl Iterator<Item = &Fragment> {
        let old = self.old.iter().chain(self.adopted.fragments());
        old.chain(&self.fragments)
    }

    /// Words that the old generation takes up.
    pub fn old_words(&self) -> usize {
        self.old.as_ref().map_or(0, |old| old.block.words()) + self.adopted.words()
    }

    /// Words in use in the old generation.
    pub fn old_used(&self) -> usize {
        self.old.as_ref().map_or(0, |old| old.used) + self.adopted.words()
    }

    /// Drops all frames but the bottom one: the return address that ends the process.
    pub fn empty_stack(&mut self) {
        // SAFETY: a process that has begun to run has at least the bottom word on its stack.
        self.stack = unsafe { self.block.end().sub(1) };
    }

    /// Runs `build`, which makes a term in the heap that `heap_of` finds, as ever and without a collection, and takes out what it made.
    #[cold]
    pub fn build_apart<T, R>(
        owner: &mut T,
        heap_of: impl Fn(&mut T) -> &mut Heap,
        build: impl FnOnce(&mut T) -> Result<R, NoMemory>,
    ) -> Result<(R, Parcel), NoMemory> {
        let heap = heap_of(owner);
        // Without a free word in the block, everything goes to fragments.
        let top = core::mem::replace(&mut heap.top, heap.stack);
        let fragments = core::mem::take(&mut heap.fragments);
        let words = core::mem::take(&mut heap.fragment_words);
        let off_heap = core::mem::take(&mut heap.off_heap);
        let built = build(owner);
        let heap = heap_of(owner);
        heap.top = top;
        heap.fragment_words = words;
        let parcel = Parcel {
            fragments: core::mem::replace(&mut heap.fragments, fragments),
            off_heap: core::mem::replace(&mut heap.off_heap, off_heap),
        };
        Ok((built?, parcel))
    }

    #[cold]
    fn allocate_in_fragment(&mut self, words: usize) -> Result<NonNull<u64>, NoMemory> {
        // As much again as there is, so that a long list costs few fragments.
        let size = self.fragment_words.max(MIN_FRAGMENT);
        let object = from_fragments(&mut self.fragments, words, |_| size)?;
        self.fragment_words += words;
        Ok(object)
    }
}

/// `words` words of the last fragment; of a new one of about as many words as `size` says if they do not fit there.
fn from_fragments(
    fragments: &mut Vec<Fragment>,
    words: usize,
    size: impl FnOnce(&[Fragment]) -> usize,
) -> Result<NonNull<u64>, NoMemory> {
    let fits = fragments
        .last()
        .is_some_and(|f| f.block.words() - f.used >= words);
    if !fits {
        let size = size(fragments);
        let block = Block::allocate(size.max(words)).or_else(|_| Block::allocate(words))?;
        fragments.try_reserve(1).map_err(|_| NoMemory)?;
        fragments.push(Fragment { block, used: 0 });
    }
    let fragment = fragments.last_mut().ok_or(NoMemory)?;
    // SAFETY: the fragment has `words` words from `used` on: checked or made above.
    let object = unsafe { fragment.block.start().add(fragment.used) };
    fragment.used += words;
    NonNull::new(object).ok_or(NoMemory)
}

impl Arena for Heap {
    #[inline]
    fn allocate(&mut self, words: usize) -> Result<NonNull<u64>, NoMemory> {
        if words <= self.free_words() {
            let object = self.top;
            // SAFETY: there are that many free words between top and stack.
            self.top = unsafe { object.add(words) };
            // SAFETY: a block's address is not null.
            return Ok(unsafe { NonNull::new_unchecked(object) });
        }
        self.allocate_in_fragment(words)
    }

    fn off_heap(&mut self) -> &mut OffHeap {
        &mut self.off_heap
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        self.off_heap.release_all();
    }
}

/// A heap of its own for a term that is on its way somewhere: a message, a table's row, a spawned
/// process's arguments, a unit test's values. A list of fragments without a stack.
pub struct Parcel {
    fragments: Vec<Fragment>,
    off_heap: OffHeap,
}

impl Parcel {
    /// An empty parcel.
    pub const fn new() -> Parcel {
        Parcel {
            fragments: Vec::new(),
            off_heap: OffHeap::new(),
        }
    }

    /// An empty parcel with room for `words` words, each page of which has been touched. Where the system gives its memory only then, that takes longer
    /// than filling it, and so it is done in pieces.
    pub fn with_room<P: Pace>(words: usize, pace: &mut P) -> Result<Parcel, P::Stop> {
        let mut parcel = Parcel::new();
        parcel.fragments.try_reserve(1).map_err(|_| NoMemory)?;
        let block = Block::allocate(words)?;
        for word in (0..words).step_by(PAGE) {
            // SAFETY: a word of the block.
            unsafe { block.start().add(word).write(0) };
            pace.did(PAGE)?;
        }
        parcel.fragments.push(Fragment { block, used: 0 });
        Ok(parcel)
    }

    /// The words of all objects.
    pub fn areas(&self) -> impl Iterator<Item = &[u64]> {
        self.fragments.iter().map(Fragment::objects)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.fragments.is_empty()
    }

    /// Of how many fragments it is.
    pub fn fragments(&self) -> usize {
        self.fragments.len()
    }

    /// Bytes that it takes up.
    pub fn memory(&self) -> usize {
        self.fragments.iter().map(|f| f.block.words() * 8).sum()
    }

    /// Hands everything over to `heap`.
    pub fn give_to(mut self, heap: &mut Heap) -> Result<(), NoMemory> {
        if heap.adopted.take(&mut self.fragments) {
            heap.off_heap.append(&mut self.off_heap);
            return Ok(());
        }
        heap.fragments
            .try_reserve(self.fragments.len())
            .map_err(|_| NoMemory)?;
        for fragment in self.fragments.drain(..) {
            heap.fragment_words += fragment.used;
            heap.fragments.push(fragment);
        }
        heap.off_heap.append(&mut self.off_heap);
        Ok(())
    }
}

impl Default for Parcel {
    fn default() -> Self {
        Parcel::new()
    }
}

impl Arena for Parcel {
    fn allocate(&mut self, words: usize) -> Result<NonNull<u64>, NoMemory> {
        from_fragments(&mut self.fragments, words, |fragments| {
            match fragments.is_empty() {
                // Most parcels are of one size that is known beforehand.
                true => words,
                // Others grow by a half, so that they are of few fragments.
                false => (used_in(fragments) / 2).max(MIN_FRAGMENT),
            }
        })
    }

    fn off_heap(&mut self) -> &mut OffHeap {
        &mut self.off_heap
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.off_heap.release_all();
    }
}

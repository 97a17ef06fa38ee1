//! The collector: generational, copying, one process at a time.
//!
//! A minor collection moves what is alive of the young generation: objects that have survived one
//! already (below the high-water mark) to the old generation, the others to a new block, together with fragments and the stack.
//! Objects of the old generation, adopted parcels included, stay; they cannot refer to younger ones, since nothing is ever written into an
//! object that exists. When the old generation is full, or after `fullsweep_after` minor
//! collections, a full sweep moves everything to one new block.
//!
//! Cheney's scheme: a root or a scanned word that refers to an object not yet moved copies the object to the end of the target and leaves
//! a forwarding word behind; scanning the target from start to end finds the rest. No recursion, no mark stack.
//!
//! Forwarding words: an object's header becomes the boxed term of its new place; a cell's head becomes
//! [`Term::NONE`] and its tail the list term of its new place. Neither occurs otherwise.
//!
//! Literals stay where they are, but for those of a purged module that are being given back (`crate::code::release`): of
//! these a full sweep takes copies.
//!
//! # Invariant
//!
//! The roots are the first `live` X registers, the stack, and what [`Process::for_each_root`] visits. No other term survives a
//! collection: who calls [`collect`] holds none.

use super::NoMemory;
use super::adopted::Adopted;
use super::heap::{Block, Fragment, Heap};
use super::off_heap::OffHeap;
use crate::atom::am;
use crate::bits::view::view;
use crate::code::release;
use crate::machine::Machine;
use crate::observe;
use crate::process::Process;
use crate::report;
use crate::term::header::ALL_RAW;
use crate::term::{Atom, Header, Subtag, Term};
use crate::tracing::{event, measure};
use alloc::vec::Vec;
use core::ops::Range;
use hashbrown::HashMap;

/// From this many words on, heaps grow by a fifth instead of along the Fibonacci numbers.
const FIBONACCI_LIMIT: usize = 833_026;

/// The smallest size in OTP's series of heap sizes that is not below `words`: 12, 38, then each the sum of the
/// two before it plus one; from [`FIBONACCI_LIMIT`] on, a fifth more than the one before.
pub fn heap_size(words: usize) -> usize {
    let (mut before, mut size) = (12usize, 38usize);
    while size < words {
        let next = if size < FIBONACCI_LIMIT {
            before + size + 1
        } else {
            size.saturating_add(size / 5)
        };
        before = size;
        size = next;
    }
    size
}

/// Which generations are collected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Collection {
    /// The young one, unless it is time for the other kind.
    Minor,
    /// All.
    Full,
}

/// Makes room for `need` words between heap and stack.
pub fn collect(
    machine: &mut Machine,
    process: &mut Process,
    need: usize,
    live: usize,
) -> Result<(), NoMemory> {
    process.bring_in_message()?;
    let watched = observe::collection::begins(machine);
    let done = collect_young(machine, process, need, live);
    observe::collection::ends(machine, process, watched);
    done
}

fn collect_young(
    machine: &mut Machine,
    process: &mut Process,
    need: usize,
    live: usize,
) -> Result<(), NoMemory> {
    let promoted = words(process.heap.block.start(), process.heap.high_water);
    let old_has_room = match &process.heap.old {
        Some(old) => old.block.words() - old.used >= promoted,
        None => true,
    };
    if !old_has_room
        || process.minor_collections >= process.fullsweep_after
        || process.heap.off_heap.wants_full_sweep()
        || process.heap.adopted.wants_full_sweep()
    {
        return collect_for(machine, process, need, live);
    }
    process.minor_collections += 1;
    machine.collections.minor += 1;
    let before = begin_traced(machine, process, am::GC_MINOR_START);
    if process.heap.old.is_none() && promoted > 0 {
        let block = Block::allocate(heap_size(promoted * 2))?;
        process.heap.old = Some(Fragment { block, used: 0 });
    }
    let heap = &process.heap;
    let young = words(heap.high_water, heap.top) + heap.fragment_words;
    let size = wanted_size(machine, process, young, need)?;
    move_to(machine, process, size, live, Generations::Young, 0..0)?;
    resize(machine, process, need, live)?;
    end_traced(machine, process, am::GC_MINOR_END, before);
    Ok(())
}

/// Tells that the collection of a process that is traced begins; how many words it has.
#[inline]
fn begin_traced(machine: &mut Machine, process: &mut Process, tag: Atom) -> u64 {
    if process.trace.is_none() {
        return 0;
    }
    event::collects(machine, process, tag);
    measure::words_in_use(process)
}

/// Tells that it has ended.
#[inline]
fn end_traced(machine: &mut Machine, process: &mut Process, tag: Atom, before: u64) {
    let now = measure::words_in_use(process);
    if let Some(tracee) = &mut process.trace {
        measure::freed(tracee, before.saturating_sub(now));
        event::collects(machine, process, tag);
    }
}

/// A full sweep.
pub fn collect_fully(
    machine: &mut Machine,
    process: &mut Process,
    live: usize,
) -> Result<(), NoMemory> {
    process.bring_in_message()?;
    let watched = observe::collection::begins(machine);
    let done = collect_for(machine, process, 0, live);
    observe::collection::ends(machine, process, watched);
    done
}

/// A full sweep into a block that has nothing to spare, for a process that sleeps until a message comes.
pub fn collect_to_sleep(machine: &mut Machine, process: &mut Process) -> Result<(), NoMemory> {
    collect_for(machine, process, 0, 0)?;
    let heap = &process.heap;
    let used = words(heap.block.start(), heap.top) + stack_words(heap);
    if used < heap.block.words() {
        move_to(machine, process, used, 0, Generations::Survivors, 0..0)?;
    }
    Ok(())
}

/// Gives a process that has slept a heap of the size that it wants to have at least, as OTP does. Best effort: without memory for it the
/// first allocation asks again.
pub fn awake(machine: &mut Machine, process: &mut Process) {
    let heap = &process.heap;
    let least = process.min_heap_size;
    if machine.options.collect_always || heap.block.words() >= least || heap.fragment_words > least
    {
        return;
    }
    let used = words(heap.block.start(), heap.top) + heap.fragment_words + stack_words(heap);
    let size = heap_size(least.max(used));
    let _ = move_to(machine, process, size, 0, Generations::Survivors, 0..0);
}

fn collect_for(
    machine: &mut Machine,
    process: &mut Process,
    need: usize,
    live: usize,
) -> Result<(), NoMemory> {
    process.minor_collections = 0;
    machine.collections.full += 1;
    let before = begin_traced(machine, process, am::GC_MAJOR_START);
    // A full sweep takes copies of literals that are to be given back.
    let released = if release::refers(machine, process, live) {
        machine.code.release.addresses()
    } else {
        0..0
    };
    let heap = &process.heap;
    let all = words(heap.block.start(), heap.top)
        + heap.fragment_words
        + heap.old_used()
        + released.len() / 8;
    let size = wanted_size(machine, process, all, need)?;
    move_to(machine, process, size, live, Generations::All, released)?;
    resize(machine, process, need, live)?;
    end_traced(machine, process, am::GC_MAJOR_END, before);
    Ok(())
}

fn words(from: *const u64, to: *const u64) -> usize {
    (to as usize - from as usize) / 8
}

fn stack_words(heap: &Heap) -> usize {
    words(heap.stack, heap.block.end())
}

/// The size of the new block when up to `survivors` words survive: no smaller than the present one, so that a second
/// move is the exception; larger if the last collection left it nearly full.
fn wanted_size(
    machine: &Machine,
    process: &Process,
    survivors: usize,
    need: usize,
) -> Result<usize, NoMemory> {
    let heap = &process.heap;
    let bound = survivors
        .checked_add(need)
        .and_then(|bound| bound.checked_add(stack_words(heap)))
        .ok_or(NoMemory)?;
    if machine.options.collect_always {
        return Ok(bound);
    }
    let present = if heap.grow {
        heap_size(heap.block.words() + 1)
    } else {
        heap.block.words()
    };
    Ok(if bound <= present {
        present
    } else {
        heap_size(bound)
    })
}

/// After a move: notes whether the block should grow next time, and moves once more if it is far too large.
fn resize(
    machine: &mut Machine,
    process: &mut Process,
    need: usize,
    live: usize,
) -> Result<(), NoMemory> {
    let heap = &mut process.heap;
    let size = heap.block.words();
    let used = words(heap.block.start(), heap.top) + stack_words(heap) + need;
    heap.grow = used > size - size / 4;
    if exceeds_limit(process) {
        return Err(NoMemory);
    }
    if is_over_limit(process) {
        report::heap_limit(machine, process);
    }
    let heap = &process.heap;
    let wanted = if machine.options.collect_always {
        // Nothing to spare: the next allocation collects again.
        used
    } else if used < size / 4 {
        // Not too small beside the old generation, and the queue, whose messages are roots: each minor collection is to be paid for by
        // as much allocation (OTP, too, keeps an eighth of the old generation).
        let old = heap.old.as_ref().map_or(0, |old| old.used);
        let least = (old / 8)
            .max(process.mailbox.len())
            .max(process.min_heap_size);
        heap_size((used * 3).max(least))
    } else {
        size
    };
    if wanted < size {
        // Best effort: without memory for it the heap stays as large as it is.
        let _ = move_to(machine, process, wanted, live, Generations::Survivors, 0..0);
    }
    Ok(())
}

/// Whether the process's memory is beyond its `max_heap_size`.
fn is_over_limit(process: &Process) -> bool {
    let limit = process.max_heap_size();
    let mut total = process.heap.block.words() + process.heap.old_words();
    if limit.include_shared_binaries {
        total += process.heap.off_heap.all_bytes() / 8;
    }
    limit.words != 0 && total > limit.words
}

/// Whether it is killed for that.
pub fn exceeds_limit(process: &Process) -> bool {
    process.max_heap_size().kill && is_over_limit(process)
}

/// What a move takes along.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Generations {
    /// Young objects; those below the high-water mark to the old generation.
    Young,
    /// Everything, to one block; the old generation ends.
    All,
    /// Young objects, all to the new block: they have just been moved.
    Survivors,
}

/// Moves to a new block of `size` words, with copies of the literals at the addresses `released`.
fn move_to(
    machine: &mut Machine,
    process: &mut Process,
    size: usize,
    live: usize,
    generations: Generations,
    released: Range<usize>,
) -> Result<(), NoMemory> {
    let mut copies = HashMap::default();
    copies
        .try_reserve(released.len() / 8)
        .map_err(|_| NoMemory)?;
    let block = Block::allocate(size)?;
    let heap = &mut process.heap;
    let before = match generations {
        Generations::All => heap.old_used(),
        _ => 0,
    } + words(heap.block.start(), heap.top)
        + heap.fragment_words;
    let stack_size = stack_words(heap);
    // SAFETY: the block has room for the stack: the size is a bound of everything that can survive.
    let stack = unsafe {
        let stack = block.end().sub(stack_size);
        core::ptr::copy_nonoverlapping(heap.stack, stack, stack_size);
        stack
    };
    let (old, old_top) = match (&heap.old, generations) {
        (Some(old), Generations::Young | Generations::Survivors) => {
            let start = old.block.start();
            // SAFETY: `used` words of the block are in use.
            (start as usize..old.block.end() as usize, unsafe {
                start.add(old.used)
            })
        }
        _ => (0..0, core::ptr::null_mut()),
    };
    let aged = match generations {
        Generations::Young => heap.block.start() as usize..heap.high_water as usize,
        _ => 0..0,
    };
    let moved = match generations {
        Generations::All => heap.adopted.take_all(),
        Generations::Young | Generations::Survivors => Vec::new(),
    };
    let mut mover = Mover {
        literals: machine.literal_area.range(),
        released,
        copies,
        off_heap: OffHeap::new(),
        old,
        adopted: core::mem::take(&mut heap.adopted),
        aged,
        top: block.start(),
        old_top,
    };
    for slot in 0..stack_size {
        // SAFETY: a word of the stack's copy: a return address, or a term.
        unsafe { mover.visit(stack.add(slot)) };
    }
    for register in &mut machine.x[..live] {
        mover.visit_term(register);
    }
    process.for_each_root(&mut |term| mover.visit_term(term));
    mover.scan(block.start(), old_top);

    let heap = &mut process.heap;
    // SAFETY: what the move left without a forwarding word is dead, but for the old generation, if that stays.
    unsafe { heap.off_heap.sweep(|address| mover.is_old(address)) };
    heap.off_heap.append(&mut mover.off_heap);
    heap.adopted = mover.adopted;
    let promoted = if old_top.is_null() {
        0
    } else {
        words(old_top, mover.old_top)
    };
    if generations == Generations::All {
        heap.off_heap.kept_by_full_sweep = heap.off_heap.kept;
        heap.old = None;
        heap.adopted.swept(words(block.start(), mover.top));
    } else if let Some(old) = &mut heap.old {
        old.used += promoted;
    }
    if machine.options.collect_always {
        poison(&heap.block);
        for fragment in heap.fragments.iter().chain(&moved) {
            poison(&fragment.block);
        }
    }
    let after = promoted + words(block.start(), mover.top);
    machine.collections.reclaimed += before.saturating_sub(after) as u64;
    heap.fragments = Vec::new();
    heap.fragment_words = 0;
    heap.block = block;
    heap.top = mover.top;
    heap.high_water = mover.top;
    heap.stack = stack;
    debug_assert!(heap.top <= heap.stack);
    Ok(())
}

/// Fills what is about to be freed with words that no one can mistake for terms, so that a term that
/// was kept across a collection is found out.
fn poison(block: &Block) {
    for word in 0..block.words() {
        // SAFETY: a word of the block, whose objects have all been moved.
        unsafe { *block.start().add(word) = 0xdead_dead_dead_deac };
    }
}

struct Mover {
    /// Addresses of literals, which stay.
    literals: Range<usize>,
    /// Those of them that are copied instead, since they are to be given back.
    released: Range<usize>,
    /// The copies, by address of the literal: other processes need that as it is, so there is no forwarding word in it.
    copies: HashMap<usize, u64>,
    /// Those of the copies that own something off the heap.
    off_heap: OffHeap,
    /// Addresses of the old generation, which stays.
    old: Range<usize>,
    /// As much of what was adopted as stays.
    adopted: Adopted,
    /// Addresses of objects that go to the old generation.
    aged: Range<usize>,
    /// Where the next object goes in the new block.
    top: *mut u64,
    /// Where the next object goes in the old generation.
    old_top: *mut u64,
}

impl Mover {
    /// Whether the object at `address`, which `word` refers to, stays where it is, or has been copied otherwise.
    ///
    /// # Safety
    /// As [`Mover::visit`].
    #[inline(always)]
    unsafe fn stays(&mut self, word: *mut u64, address: usize) -> bool {
        if self.literals.contains(&address) {
            if self.released.contains(&address) {
                // SAFETY: the caller's promise.
                unsafe { self.copy_literal(word) };
            }
            return true;
        }
        self.is_old(address)
    }

    #[inline(always)]
    fn is_old(&self, address: usize) -> bool {
        self.old.contains(&address) || self.adopted.contains(address)
    }

    /// Replaces a word that refers to a literal which is to be given back.
    ///
    /// # Safety
    /// The word is a list or boxed term of such a literal.
    #[cold]
    #[inline(never)]
    unsafe fn copy_literal(&mut self, word: *mut u64) {
        // SAFETY: the caller's promise; there is room for a copy of each literal, see `collect_for`, and a note for each, see `move_to`.
        unsafe {
            let value = *word;
            let object = (value & !3) as *mut u64;
            if let Some(&copy) = self.copies.get(&(object as usize)) {
                *word = copy;
                return;
            }
            let (size, header) = match value & 3 {
                1 => (2, None),
                _ => (Header(*object).arity() + 1, Some(Header(*object))),
            };
            let target = self.target(object as usize, size);
            core::ptr::copy_nonoverlapping(object, target, size);
            let copy = target as u64 | (value & 3);
            self.copies.insert(object as usize, copy);
            if header.is_some_and(|header| header.subtag() == Subtag::RefcBits) {
                self.off_heap.adopt(target);
            }
            *word = copy;
        }
    }

    /// Room for `size` words where the object at `address` goes.
    #[inline(always)]
    fn target(&mut self, address: usize, size: usize) -> *mut u64 {
        let top = if self.aged.contains(&address) {
            &mut self.old_top
        } else {
            &mut self.top
        };
        let target = *top;
        // SAFETY: both targets have room for all that can come to them: see `collect` and `wanted_size`.
        *top = unsafe { target.add(size) };
        target
    }

    #[inline]
    fn visit_term(&mut self, term: &mut Term) {
        // SAFETY: a term is a word; its bytes are those of its raw form, which stays a term.
        unsafe { self.visit(core::ptr::from_mut(term).cast()) };
    }

    /// Moves what the word refers to, unless it has been, and updates the word.
    ///
    /// # Safety
    /// The word is a term, or a return address.
    #[inline(always)]
    unsafe fn visit(&mut self, word: *mut u64) {
        // SAFETY: the caller's promise, and the invariant of terms: an object lies behind a list or boxed tag.
        unsafe {
            let value = *word;
            match value & 3 {
                1 => {
                    let cell = (value & !3) as *mut u64;
                    if self.stays(word, cell as usize) {
                        return;
                    }
                    let head = *cell;
                    if head == Term::NONE.raw() {
                        *word = *cell.add(1);
                        return;
                    }
                    let target = self.target(cell as usize, 2);
                    *target = head;
                    *target.add(1) = *cell.add(1);
                    let moved = Term::list(target).raw();
                    *cell = Term::NONE.raw();
                    *cell.add(1) = moved;
                    *word = moved;
                }
                2 => {
                    let object = (value & !3) as *mut u64;
                    if self.stays(word, object as usize) {
                        return;
                    }
                    let header = *object;
                    if !Header::is_header(header) {
                        *word = header;
                        return;
                    }
                    let size = Header(header).arity() + 1;
                    let target = self.target(object as usize, size);
                    if size <= 8 {
                        for i in 0..size {
                            *target.add(i) = *object.add(i);
                        }
                    } else {
                        core::ptr::copy_nonoverlapping(object, target, size);
                    }
                    let moved = Term::boxed(target).raw();
                    *object = moved;
                    *word = moved;
                }
                // A return address, or an immediate.
                _ => {}
            }
        }
    }

    /// Visits every word of what has been moved, and of what that moves.
    fn scan(&mut self, start: *mut u64, old_start: *mut u64) {
        let (mut at, mut old_at) = (start, old_start);
        while at < self.top || old_at < self.old_top {
            while at < self.top {
                // SAFETY: `at` is the first word of an object, or a term inside one.
                at = unsafe { self.scan_word(at) };
            }
            while old_at < self.old_top {
                // SAFETY: as above.
                old_at = unsafe { self.scan_word(old_at) };
            }
        }
    }

    /// Visits the word at `at`, or skips what is no term; returns the next.
    ///
    /// # Safety
    /// `at` is a header or a term in a moved object.
    #[inline(always)]
    unsafe fn scan_word(&mut self, at: *mut u64) -> *mut u64 {
        // SAFETY: the caller's promise; headers tell what follows them.
        unsafe {
            let word = *at;
            if !Header::is_header(word) {
                self.visit(at);
                return at.add(1);
            }
            let header = Header(word);
            match header.subtag().raw_words() {
                ALL_RAW => at.add(header.arity() + 1),
                raw => {
                    if header.subtag() == Subtag::MatchContext {
                        // The bytes it points to may have moved with the object that holds them.
                        self.visit(at.add(4));
                        let original = Term::from_raw(*at.add(4));
                        if let Some(bits) = view(&original) {
                            *at.add(1) = bits.bytes as u64;
                        }
                        // Its one term has been visited: the second time it would move again.
                        return at.add(raw + 2);
                    }
                    at.add(raw + 1)
                }
            }
        }
    }
}

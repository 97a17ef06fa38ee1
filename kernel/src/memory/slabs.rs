//! Slabs: objects of up to 8 KiB.
//!
//! Sizes are rounded up to one of 56 classes, at most an eighth apart. A slab is an aligned block of pages
//! with a header and objects of one class; an object's slab is found by masking its address, so neither
//! takes a search. A slab whose objects are all free goes back to the page runs, except the last of its class.
//!
//! Invariant: a class's list holds exactly its slabs with a free object. A free object's first word
//! links to the next one; objects that were never used are not linked but counted by `carved`, so a new
//! slab is not touched beyond its header.

use super::PAGE_SIZE;
use core::ptr::{NonNull, null_mut};

/// Largest object.
pub const MAX_OBJECT: usize = 8192;
/// Largest alignment: that of the first object, which follows the header.
pub const MAX_ALIGNMENT: usize = HEADER;
/// Bytes at the front of a slab.
const HEADER: usize = 64;
/// Granularity of sizes.
const GRAIN: usize = 16;
/// Size classes.
pub const CLASSES: usize = 56;

/// Object size of each class: steps of 16 up to 128, then eight steps for each doubling.
const SIZES: [u16; CLASSES] = {
    let mut sizes = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        sizes[class] = if class < 8 {
            (class + 1) * GRAIN
        } else {
            let base = 128 << ((class - 8) / 8);
            base + base / 8 * ((class - 8) % 8 + 1)
        } as u16;
        class += 1;
    }
    sizes
};

/// Class of a size in grains (rounded up).
const CLASS_OF: [u8; MAX_OBJECT / GRAIN + 1] = {
    let mut table = [0; MAX_OBJECT / GRAIN + 1];
    let mut grains = 1;
    let mut class = 0;
    while grains < table.len() {
        if grains * GRAIN > SIZES[class] as usize {
            class += 1;
        }
        table[grains] = class as u8;
        grains += 1;
    }
    table
};

/// log2 of the pages of a slab of each class.
const ORDERS: [u8; CLASSES] = {
    let mut orders = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        orders[class] = match SIZES[class] {
            0..=256 => 0,
            257..=1024 => 2,
            1025..=4096 => 3,
            _ => 4,
        };
        class += 1;
    }
    orders
};

/// Where slabs come from and go to: aligned blocks of `1 << order` pages.
pub trait BlockSource {
    /// A block, aligned to its size.
    fn take(&mut self, order: u32) -> Option<NonNull<u8>>;
    /// Gives one back.
    fn give(&mut self, block: NonNull<u8>, order: u32);
}

/// A free object.
struct FreeObject {
    next: *mut FreeObject,
}

/// The header of a slab.
#[repr(C)]
struct Slab {
    next: *mut Slab,
    previous: *mut Slab,
    free: *mut FreeObject,
    /// Objects in use.
    used: u16,
    /// Objects ever handed out.
    carved: u16,
    capacity: u16,
}

const _: () = assert!(size_of::<Slab>() <= HEADER);

/// Free objects of every class.
pub struct Slabs {
    /// Head of each class's list of slabs with a free object.
    partial: [*mut Slab; CLASSES],
}

/// The class for objects of `size` bytes (1 to [`MAX_OBJECT`]).
#[inline]
pub fn class_for(size: usize) -> usize {
    CLASS_OF[size.div_ceil(GRAIN)] as usize
}

impl Default for Slabs {
    fn default() -> Self {
        Self::new()
    }
}

impl Slabs {
    /// No slabs yet.
    pub const fn new() -> Self {
        Self {
            partial: [null_mut(); CLASSES],
        }
    }

    /// Takes an object of `class`.
    #[inline]
    pub fn allocate(&mut self, class: usize, source: &mut impl BlockSource) -> Option<NonNull<u8>> {
        let slab = match NonNull::new(self.partial[class]) {
            Some(slab) => slab.as_ptr(),
            None => self.add_slab(class, source)?,
        };
        // SAFETY: slabs on the list are live and have a free object: a linked one, or an uncarved one.
        unsafe {
            let object = match NonNull::new((*slab).free) {
                Some(object) => {
                    (*slab).free = object.as_ref().next;
                    object.cast()
                }
                None => {
                    let offset = HEADER + usize::from((*slab).carved) * SIZES[class] as usize;
                    (*slab).carved += 1;
                    NonNull::new_unchecked(slab.cast::<u8>().add(offset))
                }
            };
            (*slab).used += 1;
            if (*slab).used == (*slab).capacity {
                self.unlink(class, slab);
            }
            Some(object)
        }
    }

    /// Gives back an object of `class`.
    ///
    /// # Safety
    /// The object came from [`Slabs::allocate`] with this class and is not used any more.
    #[inline]
    pub unsafe fn free(
        &mut self,
        object: NonNull<u8>,
        class: usize,
        source: &mut impl BlockSource,
    ) {
        let order = u32::from(ORDERS[class]);
        let address = object.as_ptr() as usize;
        let slab = object
            .as_ptr()
            .wrapping_sub(address & ((PAGE_SIZE << order) - 1))
            .cast::<Slab>();
        let object = object.cast::<FreeObject>().as_ptr();
        // SAFETY: slabs are aligned to their size, so masking finds the header of the object's slab; the
        // object is at least a word long, and free.
        unsafe {
            object.write(FreeObject { next: (*slab).free });
            (*slab).free = object;
            let was_full = (*slab).used == (*slab).capacity;
            (*slab).used -= 1;
            if was_full {
                self.link(class, slab);
            } else if (*slab).used == 0 && !((*slab).next.is_null() && (*slab).previous.is_null()) {
                self.unlink(class, slab);
                source.give(NonNull::new_unchecked(slab.cast()), order);
            }
        }
    }

    /// Gives back the slabs that are kept although they are empty. Returns how many pages that is.
    pub fn trim(&mut self, source: &mut impl BlockSource) -> usize {
        let mut pages = 0;
        for (class, &order) in ORDERS.iter().enumerate() {
            let order = u32::from(order);
            let mut slab = self.partial[class];
            while !slab.is_null() {
                // SAFETY: slabs on the list are live; the next one is read before this one goes.
                unsafe {
                    let next = (*slab).next;
                    if (*slab).used == 0 {
                        self.unlink(class, slab);
                        source.give(NonNull::new_unchecked(slab.cast()), order);
                        pages += 1 << order;
                    }
                    slab = next;
                }
            }
        }
        pages
    }

    #[cold]
    fn add_slab(&mut self, class: usize, source: &mut impl BlockSource) -> Option<*mut Slab> {
        let order = u32::from(ORDERS[class]);
        let slab = source.take(order)?.cast::<Slab>().as_ptr();
        let capacity = ((PAGE_SIZE << order) - HEADER) / SIZES[class] as usize;
        // SAFETY: the block is ours, writable, and aligned.
        unsafe {
            slab.write(Slab {
                next: null_mut(),
                previous: null_mut(),
                free: null_mut(),
                used: 0,
                carved: 0,
                capacity: capacity as u16,
            });
            self.link(class, slab);
        }
        Some(slab)
    }

    /// # Safety
    /// `slab` is live and on no list.
    unsafe fn link(&mut self, class: usize, slab: *mut Slab) {
        let head = self.partial[class];
        // SAFETY: the caller's promise; the head is live or null.
        unsafe {
            (*slab).next = head;
            (*slab).previous = null_mut();
            if !head.is_null() {
                (*head).previous = slab;
            }
        }
        self.partial[class] = slab;
    }

    /// # Safety
    /// `slab` is on the list of `class`.
    unsafe fn unlink(&mut self, class: usize, slab: *mut Slab) {
        // SAFETY: the caller's promise; neighbours on a list are live.
        unsafe {
            let Slab { next, previous, .. } = *slab;
            if previous.is_null() {
                self.partial[class] = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
            (*slab).next = null_mut();
            (*slab).previous = null_mut();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::alloc::{Layout, alloc, dealloc};
    use std::collections::BTreeMap;
    use std::vec::Vec;

    /// Blocks from the system's allocator, counted.
    #[derive(Default)]
    struct SystemBlocks {
        live: BTreeMap<usize, u32>,
        limit: Option<usize>,
    }

    fn layout(order: u32) -> Layout {
        Layout::from_size_align(PAGE_SIZE << order, PAGE_SIZE << order).unwrap()
    }

    impl BlockSource for SystemBlocks {
        fn take(&mut self, order: u32) -> Option<NonNull<u8>> {
            if self.limit.is_some_and(|limit| self.live.len() >= limit) {
                return None;
            }
            // SAFETY: the layout is not empty.
            let block = NonNull::new(unsafe { alloc(layout(order)) })?;
            self.live.insert(block.as_ptr() as usize, order);
            Some(block)
        }

        fn give(&mut self, block: NonNull<u8>, order: u32) {
            assert_eq!(self.live.remove(&(block.as_ptr() as usize)), Some(order));
            // SAFETY: it came from `take` with this order.
            unsafe { dealloc(block.as_ptr(), layout(order)) }
        }
    }

    #[test]
    fn classes_are_tight_and_ordered() {
        assert_eq!(SIZES[CLASSES - 1] as usize, MAX_OBJECT);
        for size in 1..=MAX_OBJECT {
            let class = class_for(size);
            let room = SIZES[class] as usize;
            assert!(room >= size);
            assert!(class == 0 || (SIZES[class - 1] as usize) < size);
            assert!(room - size < GRAIN.max(size / 8 + GRAIN));
        }
        assert!(
            SIZES
                .iter()
                .all(|&size| usize::from(size).is_multiple_of(GRAIN))
        );
        // A process's first heap is 233 words.
        assert_eq!(SIZES[class_for(233 * 8)], 1920);
    }

    #[test]
    fn an_aligned_size_gives_aligned_objects() {
        let mut blocks = SystemBlocks::default();
        let mut slabs = Slabs::new();
        for align in [16, 32, 64] {
            for size in (align..=MAX_OBJECT).step_by(align) {
                // Classes that are not multiples of the alignment are skipped by rounding up.
                let class = (class_for(size)..CLASSES)
                    .find(|&c| usize::from(SIZES[c]).is_multiple_of(align))
                    .unwrap();
                let objects: Vec<_> = (0..3)
                    .map(|_| slabs.allocate(class, &mut blocks).unwrap())
                    .collect();
                assert!(
                    objects
                        .iter()
                        .all(|object| (object.as_ptr() as usize).is_multiple_of(align))
                );
            }
        }
    }

    #[test]
    fn empty_slabs_go_back_but_for_one() {
        let mut blocks = SystemBlocks::default();
        let mut slabs = Slabs::new();
        let class = class_for(1000);
        let objects: Vec<_> = (0..200)
            .map(|_| slabs.allocate(class, &mut blocks).unwrap())
            .collect();
        assert!(blocks.live.len() > 10);
        for object in objects {
            // SAFETY: allocated above with this class.
            unsafe { slabs.free(object, class, &mut blocks) };
        }
        assert_eq!(blocks.live.len(), 1);
        assert_eq!(slabs.trim(&mut blocks), 4);
        assert_eq!(blocks.live.len(), 0);
    }

    #[test]
    fn running_out_is_a_none() {
        let mut blocks = SystemBlocks {
            limit: Some(1),
            ..SystemBlocks::default()
        };
        let mut slabs = Slabs::new();
        let class = class_for(4096);
        for _ in 0..7 {
            assert!(slabs.allocate(class, &mut blocks).is_some());
        }
        assert!(slabs.allocate(class, &mut blocks).is_none());
    }

    #[test]
    fn random_use_keeps_objects_apart() {
        let mut blocks = SystemBlocks::default();
        let mut slabs = Slabs::new();
        let mut live: Vec<(NonNull<u8>, usize, u8)> = Vec::new();
        let mut random = 99u64;
        let mut next = |bound: usize| {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (random >> 33) as usize % bound
        };
        for step in 0..50_000 {
            if live.len() > 500 || (!live.is_empty() && next(2) == 0) {
                let (object, size, mark) = live.swap_remove(next(live.len()));
                // SAFETY: the object is live and has that size.
                let bytes = unsafe { core::slice::from_raw_parts(object.as_ptr(), size) };
                assert!(bytes.iter().all(|&byte| byte == mark), "step {step}");
                // SAFETY: allocated with the class of this size.
                unsafe { slabs.free(object, class_for(size), &mut blocks) };
            } else {
                let magnitude = 1 + next(13);
                let size = 1 + next((1 << magnitude).min(MAX_OBJECT));
                let mark = step as u8;
                let object = slabs.allocate(class_for(size), &mut blocks).unwrap();
                // SAFETY: just allocated with at least that size.
                unsafe { object.as_ptr().write_bytes(mark, size) };
                live.push((object, size, mark));
            }
        }
    }
}

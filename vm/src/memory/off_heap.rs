//! Binaries that live off the heaps, and the list by which an arena knows its own.
//!
//! A [`Binary`] is a reference-counted block of bytes. A `RefcBits` object on a heap holds one
//! reference, and so does a reference with a [resource](super::resource) behind it. Such objects are chained through the third word
//! behind their header, newest first, into the arena's [`OffHeap`] list, so that the collector and the end of a process can release
//! those that died.
//!
//! Invariant: the count equals the number of `RefcBits` objects on lists, plus explicit holders
//! ([`BinaryRef`]). The machine has one thread; counts are plain numbers.

use super::arena::{Arena, NoMemory};
use super::resource;
use crate::term::{Header, Subtag, Term};
use alloc::vec::Vec;
use core::alloc::Layout;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

/// Head of the block; its bytes follow it, unless they are static.
#[repr(C)]
pub struct Binary {
    references: usize,
    /// The first byte. Of a static binary, it is nobody's to write.
    bytes: *mut u8,
    /// Bytes that may be used; at least the size of every object that refers to it.
    pub capacity: usize,
    /// Bits that some object refers to, from the first on. Only an object that ends here may be appended to in
    /// place (`crate::bits::append`): nobody has anything behind it.
    pub used_bits: usize,
    /// Whether something has the address of the bytes without counting as a reference (a match context):
    /// then the block never moves.
    pub pinned: bool,
    /// Whether the bytes are those of a `Vec` of this capacity: the block never moves either.
    is_vec: bool,
}

/// One counted reference to a [`Binary`].
pub struct BinaryRef(NonNull<Binary>);

const HEAD: usize = size_of::<Binary>();

fn layout(capacity: usize) -> Option<Layout> {
    Layout::from_size_align(HEAD.checked_add(capacity)?, 16).ok()
}

impl BinaryRef {
    /// A block of `capacity` bytes, zeroed, all in use.
    pub fn allocate(capacity: usize) -> Result<BinaryRef, NoMemory> {
        let layout = layout(capacity).ok_or(NoMemory)?;
        // SAFETY: the layout's size is not zero.
        BinaryRef::on(unsafe { alloc::alloc::alloc_zeroed(layout) }, capacity)
    }

    /// A block of `capacity` bytes, all in use, which the caller initialises before anybody reads them.
    pub fn allocate_uninitialised(capacity: usize) -> Result<BinaryRef, NoMemory> {
        let layout = layout(capacity).ok_or(NoMemory)?;
        // SAFETY: the layout's size is not zero.
        BinaryRef::on(unsafe { alloc::alloc::alloc(layout) }, capacity)
    }

    fn on(memory: *mut u8, capacity: usize) -> Result<BinaryRef, NoMemory> {
        let block = NonNull::new(memory.cast::<Binary>()).ok_or(NoMemory)?;
        // SAFETY: fresh memory of `layout(capacity)`: a head, and `capacity` bytes behind it.
        unsafe {
            block.write(Binary {
                references: 1,
                bytes: memory.add(HEAD),
                capacity,
                used_bits: capacity.saturating_mul(8),
                pinned: false,
                is_vec: false,
            })
        };
        Ok(BinaryRef(block))
    }

    /// A head for bytes that are in memory for good, and that nobody ever writes: it has no room and never moves.
    pub fn from_static(bytes: &'static [u8]) -> Result<BinaryRef, NoMemory> {
        let made = BinaryRef::allocate_uninitialised(0)?;
        // SAFETY: the block was just made. What writes through the address of a binary's bytes writes behind its used bits, of which
        // there are none here: all are used, and there is no capacity beyond.
        unsafe {
            let head = made.0.as_ptr();
            (*head).bytes = bytes.as_ptr().cast_mut();
            (*head).capacity = bytes.len();
            (*head).used_bits = bytes.len().saturating_mul(8);
            (*head).pinned = true;
        }
        Ok(made)
    }

    /// A head for the bytes of `bytes`, which are not copied.
    pub fn from_vec(bytes: Vec<u8>) -> Result<BinaryRef, NoMemory> {
        let made = BinaryRef::allocate_uninitialised(0)?;
        let mut bytes = ManuallyDrop::new(bytes);
        // SAFETY: the block was just made. It owns the vector's memory from now on: `release` frees it. What is written behind the used bits is
        // written within the capacity.
        unsafe {
            let head = made.0.as_ptr();
            (*head).bytes = bytes.as_mut_ptr();
            (*head).capacity = bytes.capacity();
            (*head).used_bits = bytes.len().saturating_mul(8);
            (*head).pinned = true;
            (*head).is_vec = true;
        }
        Ok(made)
    }

    /// The block has moved: what [`Binary::grow`] returned.
    pub(crate) fn moved_to(&mut self, head: NonNull<Binary>) {
        self.0 = head;
    }

    /// A block with a copy of `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<BinaryRef, NoMemory> {
        let binary = BinaryRef::allocate_uninitialised(bytes.len())?;
        // SAFETY: the block has room for all of `bytes`, and is not theirs.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), binary.bytes(), bytes.len()) };
        Ok(binary)
    }

    /// A reference to the block that `term` refers to, if it is a `RefcBits`.
    pub fn of(term: Term) -> Option<BinaryRef> {
        let words = term.as_object(Subtag::RefcBits)?;
        let head = NonNull::new(words[1] as *mut Binary)?;
        Binary::retain(head);
        Some(BinaryRef(head))
    }

    /// The block's head.
    pub fn head(&self) -> NonNull<Binary> {
        self.0
    }

    /// The first byte.
    pub fn bytes(&self) -> *mut u8 {
        Binary::bytes(self.0)
    }

    /// Gives the reference to a new `RefcBits` object of `size` bytes in `arena`.
    pub fn into_term<A: Arena + ?Sized>(
        self,
        arena: &mut A,
        size: usize,
    ) -> Result<Term, NoMemory> {
        let object = arena.allocate(REFC_WORDS)?;
        // SAFETY: fresh words of an object that is complete below; the reference moves into it.
        let term = unsafe { write_refc(object, self.0, size, arena.off_heap()) };
        core::mem::forget(self);
        Ok(term)
    }
}

impl Clone for BinaryRef {
    fn clone(&self) -> BinaryRef {
        Binary::retain(self.0);
        BinaryRef(self.0)
    }
}

impl Drop for BinaryRef {
    fn drop(&mut self) {
        Binary::release(self.0);
    }
}

impl Binary {
    /// The first byte of the block behind `head`.
    pub fn bytes(head: NonNull<Binary>) -> *mut u8 {
        // SAFETY: whoever has the address holds a reference, so the block is alive.
        unsafe { (*head.as_ptr()).bytes }
    }

    /// One reference more.
    pub fn retain(head: NonNull<Binary>) {
        // SAFETY: whoever has the address holds a reference, so the block is alive.
        unsafe { (*head.as_ptr()).references += 1 };
    }

    /// How many references there are.
    pub fn references(head: NonNull<Binary>) -> usize {
        // SAFETY: as above.
        unsafe { (*head.as_ptr()).references }
    }

    /// Makes the block one of `capacity` bytes. It may move; its bytes stay what they are, as far as there is room. `None`, with nothing changed, if somebody else could notice that it moved, or there is no memory.
    ///
    /// # Safety
    /// Where the caller has `head` from is the one counted reference; the caller puts the new address there.
    pub unsafe fn grow(head: NonNull<Binary>, capacity: usize) -> Option<NonNull<Binary>> {
        // SAFETY: whoever has the address holds a reference, so the block is alive.
        let binary = unsafe { &*head.as_ptr() };
        if binary.references != 1 || binary.pinned {
            return None;
        }
        let (old, new) = (layout(binary.capacity)?, layout(capacity)?);
        // SAFETY: allocated with `old`; the new size is not zero and was checked by `layout`.
        let moved = unsafe { alloc::alloc::realloc(head.as_ptr().cast(), old, new.size()) };
        let moved = NonNull::new(moved.cast::<Binary>())?;
        // SAFETY: realloc kept what was there, up to the new size.
        unsafe {
            (*moved.as_ptr()).capacity = capacity;
            (*moved.as_ptr()).bytes = moved.as_ptr().cast::<u8>().add(HEAD);
        }
        Some(moved)
    }

    /// How many bytes follow the head.
    ///
    /// # Safety
    /// The block is alive.
    unsafe fn owned(binary: *const Binary) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            let follow = binary.cast::<u8>().wrapping_add(HEAD);
            if core::ptr::eq((*binary).bytes, follow) {
                (*binary).capacity
            } else {
                0
            }
        }
    }

    /// One reference less; the last one frees the block.
    pub fn release(head: NonNull<Binary>) {
        // SAFETY: as above; with the last reference gone nobody has the address any more, and the layout is
        // the one it was allocated with.
        unsafe {
            let binary = head.as_ptr();
            (*binary).references -= 1;
            if (*binary).references == 0 {
                if (*binary).is_vec {
                    drop(Vec::from_raw_parts((*binary).bytes, 0, (*binary).capacity));
                }
                if let Some(layout) = layout(Binary::owned(binary)) {
                    alloc::alloc::dealloc(binary.cast(), layout);
                }
            }
        }
    }
}

/// Words of a `RefcBits` object, header included.
pub const REFC_WORDS: usize = 4;

/// Writes a `RefcBits` object and puts it on the list.
///
/// # Safety
/// `object` has [`REFC_WORDS`] words; the caller gives one reference to `binary` away.
pub unsafe fn write_refc(
    object: NonNull<u64>,
    binary: NonNull<Binary>,
    size: usize,
    list: &mut OffHeap,
) -> Term {
    let words = object.as_ptr();
    // SAFETY: the caller's promise.
    unsafe {
        *words = Header::new(Subtag::RefcBits, REFC_WORDS - 1).0;
        *words.add(1) = size as u64;
        *words.add(2) = binary.as_ptr() as u64;
        *words.add(3) = list.first as u64;
        list.first = words;
        list.bytes += size;
        Term::boxed(words)
    }
}

/// The list of an arena's objects that own something off the heap.
pub struct OffHeap {
    /// The newest object, or null.
    pub first: *mut u64,
    /// Bytes that the objects put on since the last collection refer to: a reason to collect.
    pub bytes: usize,
    /// Bytes that the objects that survived the last collection refer to.
    pub kept: usize,
    /// The same after the last full sweep: what is more may be dead objects of the old generation.
    pub kept_by_full_sweep: usize,
}

/// Bytes off the heap that make a process collect, though it has room (OTP: `min_bin_vheap_size`).
const COLLECT_AFTER: usize = crate::process::MIN_BINARY_HEAP_WORDS * 8;

impl OffHeap {
    /// An empty list.
    pub const fn new() -> OffHeap {
        OffHeap {
            first: core::ptr::null_mut(),
            bytes: 0,
            kept: 0,
            kept_by_full_sweep: 0,
        }
    }

    /// Whether so much has been made since the last collection that it is time for one: a few words on a heap can hold
    /// gigabytes off it.
    #[inline(always)]
    pub fn wants_collection(&self) -> bool {
        self.bytes > COLLECT_AFTER
    }

    /// Bytes that all objects refer to; those that died since the last collection count.
    pub fn all_bytes(&self) -> usize {
        self.bytes + self.kept
    }

    /// Whether so much has survived since the last full sweep that only another can tell how much of it is dead.
    pub fn wants_full_sweep(&self) -> bool {
        self.kept > self.kept_by_full_sweep.saturating_mul(2) + 4 * COLLECT_AFTER
    }

    /// Puts all of `other`'s objects onto this list.
    pub fn append(&mut self, other: &mut OffHeap) {
        if other.first.is_null() {
            return;
        }
        // SAFETY: every address on a list is an object that is; the third word behind its header is the next one.
        unsafe {
            let mut last = other.first;
            while *last.add(3) != 0 {
                last = *last.add(3) as *mut u64;
            }
            *last.add(3) = self.first as u64;
        }
        self.first = other.first;
        self.bytes += other.bytes;
        *other = OffHeap::new();
    }

    /// Puts the copy of a `RefcBits` object on the list, with a reference of its own.
    ///
    /// # Safety
    /// `object` is such a copy and on no list; what it was made from is alive.
    pub unsafe fn adopt(&mut self, object: *mut u64) {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(binary) = NonNull::new(*object.add(2) as *mut Binary) {
                Binary::retain(binary);
            }
            *object.add(3) = self.first as u64;
            self.first = object;
            self.bytes += bytes(object);
        }
    }

    /// The binaries that objects of the list refer to, one as often as it is referred to, and how many bytes of it each object has.
    pub fn binaries(&self) -> Binaries {
        Binaries(self.first)
    }

    /// What the collector does at its end: keeps on the list, in its order, what was moved or `stays`, and releases what the others held.
    ///
    /// # Safety
    /// Each object of the list is dead, or at an address that `stays`, or has a forwarding word (the boxed term of its new place) in
    /// the place of its header.
    pub unsafe fn sweep(&mut self, stays: impl Fn(usize) -> bool) {
        let mut object = self.first;
        let mut first: *mut u64 = core::ptr::null_mut();
        // What leads to the next object that is kept.
        let mut link: *mut u64 = &raw mut first as *mut u64;
        let mut kept_bytes = 0;
        while !object.is_null() {
            // SAFETY: the caller's promise; the words behind the header of a moved object are as they were.
            unsafe {
                let next = *object.add(3) as *mut u64;
                let header = *object;
                let alive = if stays(object as usize) {
                    Some(object)
                } else if Header::is_header(header) {
                    release(object);
                    None
                } else {
                    Some((header & !3) as *mut u64)
                };
                if let Some(alive) = alive {
                    *link = alive as u64;
                    link = alive.add(3);
                    kept_bytes += bytes(alive);
                }
                object = next;
            }
        }
        // SAFETY: the link is `first` or the third word behind the header of an object that is alive.
        unsafe { *link = 0 };
        self.first = first;
        self.bytes = 0;
        self.kept = kept_bytes;
    }

    /// Releases what every object on the list holds; the objects are gone afterwards.
    pub fn release_all(&mut self) {
        let mut object = self.first;
        *self = OffHeap::new();
        while !object.is_null() {
            // SAFETY: as in `append`; each object holds one reference, which ends here.
            unsafe {
                let next = *object.add(3) as *mut u64;
                release(object);
                object = next;
            }
        }
    }
}

/// Gives up the reference that an object of a list holds.
///
/// # Safety
/// `object` is an object of a list, its header included, and is dead.
unsafe fn release(object: *mut u64) {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(head) = resource::head_of(Header(*object), object) {
            resource::Head::release(head);
        } else if let Some(binary) = NonNull::new(*object.add(2) as *mut Binary) {
            Binary::release(binary);
        }
    }
}

/// Bytes off the heap that an object of a list stands for.
///
/// # Safety
/// `object` is an object of a list, its header included.
unsafe fn bytes(object: *const u64) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        match resource::head_of(Header(*object), object) {
            Some(head) => resource::Head::bytes(head),
            None => *object.add(1) as usize,
        }
    }
}

/// The binaries of a list: see [`OffHeap::binaries`].
pub struct Binaries(*mut u64);

impl Iterator for Binaries {
    type Item = (NonNull<Binary>, usize);
    fn next(&mut self) -> Option<(NonNull<Binary>, usize)> {
        while !self.0.is_null() {
            let object = self.0;
            // SAFETY: every address of a list is that of a complete object.
            unsafe {
                self.0 = *object.add(3) as *mut u64;
                if Header(*object).subtag() == Subtag::RefcBits
                    && let Some(binary) = NonNull::new(*object.add(2) as *mut Binary)
                {
                    return Some((binary, *object.add(1) as usize));
                }
            }
        }
        None
    }
}

impl Default for OffHeap {
    fn default() -> Self {
        OffHeap::new()
    }
}

//! Resources: references with an object of the machine behind them.
//!
//! A term can stand for something that is not a term: an array of counters, a compression stream, an open file, a compiled match
//! specification. Such a term is a [`Subtag::Reference`] with two words more (OTP: a magic reference): it compares,
//! prints, hashes and encodes as the ordinary reference of its number, and holds one counted reference to the
//! object. It stands on its arena's off-heap list as a reference-counted binary does, so collecting, sending, storing
//! and dropping terms keeps the count.
//!
//! - [`Context::new_resource`](crate::bif::Context::new_resource) makes an object, [`Handle::term`] a term for it.
//! - [`resource`] leads from a term to the object. It is borrowed as from a `RefCell`: a second borrow at the same time is refused, so a
//!   program that passes one reference twice cannot make two exclusive borrows of one object.
//! - A [`Handle`] is a counted reference that Rust code holds.
//! - With the last reference the object is dropped. The machine cannot be touched then: it may be collecting. An object that must
//!   ([`Resource::CLOSES`]) waits in a list until the run loop calls [`close_dead`] between two turns.
//! - An object may be [owned](set_owner) by a process, and is told when that process ends.
//!
//! A reference that was written down finds its object again by number, while it lives ([`Resources::find`]).
//!
//! # Invariant
//!
//! An object's count equals the number of terms on off-heap lists that refer to it, plus handles. Its address is in the table of
//! its [`Resources`] as long as the count is not zero.

use super::arena::{Arena, NoMemory};
use super::off_heap::OffHeap;
use crate::machine::Machine;
use crate::process::reference::RefNumber;
use crate::process::try_box;
use crate::term::{Header, Subtag, Term};
use alloc::boxed::Box;
use alloc::rc::Rc;
use core::any::{Any, TypeId};
use core::cell::{Cell, RefCell, RefMut};
use core::marker::PhantomData;
use core::ptr::NonNull;
use hashbrown::HashTable;

/// What may stand behind a reference.
pub trait Resource: Any {
    /// Whether [`Resource::close`] has something to do.
    const CLOSES: bool = false;

    /// Bytes that the object keeps besides its own size when it is made. They count as bytes off the heap of
    /// a process that refers to it, and so are a reason to collect.
    fn bytes(&self) -> usize {
        0
    }

    /// What is to be done to the machine after the last reference is gone, before the object is dropped.
    fn close(&mut self, machine: &mut Machine) {
        let _ = machine;
    }

    /// The process that owned the object ([`set_owner`]) has ended. Others may still refer to the object.
    fn owner_exited(&mut self, machine: &mut Machine) {
        let _ = machine;
    }
}

/// Words of a reference with an object behind it, header included: header, two words of number, next object of the
/// off-heap list, address of the [`Head`].
pub const RESOURCE_WORDS: usize = 5;

const HEADER: Header = Header::new(Subtag::Reference, RESOURCE_WORDS - 1);

/// What all objects begin with, whatever their type.
pub struct Head {
    references: Cell<usize>,
    type_id: TypeId,
    class: &'static Class,
    number: RefNumber,
    bytes: usize,
    owner: Cell<Option<Term>>,
    /// The next one in the list of the dead that this object is in.
    next: Cell<Option<NonNull<Head>>>,
    resources: Resources,
}

#[repr(C)]
struct Object<T> {
    head: Head,
    value: RefCell<T>,
}

/// What is done to objects of one type.
struct Class {
    closes: bool,
    close: unsafe fn(NonNull<Head>, &mut Machine),
    owner_exited: unsafe fn(NonNull<Head>, &mut Machine),
    free: unsafe fn(NonNull<Head>),
}

struct ClassOf<T>(PhantomData<T>);

impl<T: Resource> ClassOf<T> {
    const CLASS: Class = Class {
        closes: T::CLOSES,
        close: |head, machine| {
            // SAFETY: the class is in the head of objects of this type alone.
            if let Ok(mut value) = unsafe { value_of::<T>(head) }.try_borrow_mut() {
                value.close(machine);
            }
        },
        owner_exited: |head, machine| {
            // SAFETY: as above.
            if let Ok(mut value) = unsafe { value_of::<T>(head) }.try_borrow_mut() {
                value.owner_exited(machine);
            }
        },
        // SAFETY: as above; objects are made as boxes, and the caller gives up the last address.
        free: |head| drop(unsafe { Box::from_raw(head.as_ptr().cast::<Object<T>>()) }),
    };
}

/// # Safety
/// The object behind `head` is of type `T`, and is alive for `'a`.
unsafe fn value_of<'a, T>(head: NonNull<Head>) -> &'a RefCell<T> {
    // SAFETY: the caller's promise; the head is the object's first field.
    unsafe { &head.cast::<Object<T>>().as_ref().value }
}

impl Head {
    /// # Safety
    /// Whoever has the address holds a reference for `'a`.
    unsafe fn at<'a>(head: NonNull<Head>) -> &'a Head {
        // SAFETY: the caller's promise: the object is alive. It is never borrowed exclusively but to free it.
        unsafe { head.as_ref() }
    }

    /// One reference more.
    ///
    /// # Safety
    /// The caller holds a reference, or has the address from a term that is alive.
    pub unsafe fn retain(head: NonNull<Head>) {
        // SAFETY: the caller's promise.
        let references = unsafe { &Head::at(head).references };
        references.set(references.get() + 1);
    }

    /// One reference less; with the last one the object dies.
    ///
    /// # Safety
    /// The caller gives up a reference.
    pub unsafe fn release(head: NonNull<Head>) {
        // SAFETY: the caller's promise: the object is alive until here.
        let object = unsafe { Head::at(head) };
        let left = object.references.get() - 1;
        object.references.set(left);
        if left == 0 {
            let resources = object.resources.clone();
            resources.bury(head);
        }
    }

    /// Bytes off the heap that a term which refers to the object stands for.
    ///
    /// # Safety
    /// As [`Head::retain`].
    pub unsafe fn bytes(head: NonNull<Head>) -> usize {
        // SAFETY: the caller's promise.
        unsafe { Head::at(head).bytes }
    }
}

/// Writes a reference with an object behind it and puts it on the list.
///
/// # Safety
/// `words` has [`RESOURCE_WORDS`] words; the caller gives one reference to `head` away.
pub unsafe fn write_resource(words: NonNull<u64>, head: NonNull<Head>, list: &mut OffHeap) -> Term {
    let words = words.as_ptr();
    // SAFETY: the caller's promise.
    unsafe {
        let object = Head::at(head);
        let [low, high] = object.number.words();
        *words = HEADER.0;
        *words.add(1) = low;
        *words.add(2) = high;
        *words.add(3) = list.first as u64;
        *words.add(4) = head.as_ptr() as u64;
        list.first = words;
        list.bytes += object.bytes;
        Term::boxed(words)
    }
}

/// The head of the object behind the reference that begins with `header` at `object`; `None` for an ordinary reference.
///
/// # Safety
/// `object` is a complete object that begins with `header`; its header word itself may have been overwritten.
pub unsafe fn head_of(header: Header, object: *const u64) -> Option<NonNull<Head>> {
    if header != HEADER {
        return None;
    }
    // SAFETY: only `write_resource` makes objects with this header.
    NonNull::new(unsafe { *object.add(4) } as *mut Head)
}

fn head_of_term(term: &Term) -> Option<NonNull<Head>> {
    let header = term.header()?;
    // SAFETY: a boxed term points to a complete object.
    unsafe { head_of(header, term.pointer()) }
}

fn head_of_type<T: Resource>(term: &Term) -> Option<NonNull<Head>> {
    let head = head_of_term(term)?;
    // SAFETY: the term is alive and holds a reference.
    (unsafe { Head::at(head) }.type_id == TypeId::of::<T>()).then_some(head)
}

/// The object behind `term`, if there is one, of type `T`, that nobody has borrowed.
#[inline]
pub fn resource<T: Resource>(term: &Term) -> Option<RefMut<'_, T>> {
    let head = head_of_type::<T>(term)?;
    // SAFETY: the type was looked at; the term keeps the object alive as long as it is alive itself.
    unsafe { value_of::<T>(head) }.try_borrow_mut().ok()
}

/// A counted reference to an object of any type.
pub struct AnyHandle(NonNull<Head>);

impl AnyHandle {
    /// Where the object lies.
    pub fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }

    /// How many references lead to it, this one included.
    pub fn references(&self) -> usize {
        self.head().references.get()
    }

    /// The handle with a type, if the object is of that one.
    pub fn typed<T: Resource>(self) -> Option<Handle<T>> {
        (self.head().type_id == TypeId::of::<T>()).then_some(Handle {
            any: self,
            of_type: PhantomData,
        })
    }

    /// The number by which it is known.
    pub fn number(&self) -> RefNumber {
        self.head().number
    }

    /// A reference to the object as a term.
    pub fn term<A: Arena + ?Sized>(&self, arena: &mut A) -> Result<Term, NoMemory> {
        let words = arena.allocate(RESOURCE_WORDS)?;
        // SAFETY: fresh words; the reference that is given away is taken here.
        unsafe {
            Head::retain(self.0);
            Ok(write_resource(words, self.0, arena.off_heap()))
        }
    }

    fn head(&self) -> &Head {
        // SAFETY: the handle is a reference.
        unsafe { Head::at(self.0) }
    }
}

impl Clone for AnyHandle {
    fn clone(&self) -> AnyHandle {
        // SAFETY: this handle is a reference.
        unsafe { Head::retain(self.0) };
        AnyHandle(self.0)
    }
}

impl Drop for AnyHandle {
    fn drop(&mut self) {
        // SAFETY: the handle's own reference ends here.
        unsafe { Head::release(self.0) };
    }
}

/// A counted reference to an object of type `T`.
pub struct Handle<T> {
    any: AnyHandle,
    of_type: PhantomData<T>,
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Handle<T> {
        Handle {
            any: self.any.clone(),
            of_type: PhantomData,
        }
    }
}

impl<T: Resource> Handle<T> {
    /// A handle of what `term` refers to, if it is an object of type `T`.
    pub fn of(term: Term) -> Option<Handle<T>> {
        let head = head_of_type::<T>(&term)?;
        // SAFETY: the term is alive.
        unsafe { Head::retain(head) };
        Some(Handle {
            any: AnyHandle(head),
            of_type: PhantomData,
        })
    }

    /// The object, unless somebody has borrowed it.
    pub fn borrow(&self) -> Option<RefMut<'_, T>> {
        // SAFETY: the handle is a reference to an object of this type.
        unsafe { value_of::<T>(self.any.0) }.try_borrow_mut().ok()
    }

    /// A reference to the object as a term.
    pub fn term<A: Arena + ?Sized>(&self, arena: &mut A) -> Result<Term, NoMemory> {
        self.any.term(arena)
    }

    /// The handle without its type.
    pub fn any(&self) -> &AnyHandle {
        &self.any
    }
}

/// All objects of a machine that references lead to. Clones are the same table.
#[derive(Clone, Default)]
pub struct Resources(Rc<Table>);

#[derive(Default)]
struct Table {
    live: RefCell<HashTable<(RefNumber, NonNull<Head>)>>,
    /// Without references, to be freed at once.
    dead: Cell<Option<NonNull<Head>>>,
    /// Without references, to be closed and then freed.
    closing: Cell<Option<NonNull<Head>>>,
    /// Whether the dead are being freed. What dies of that joins them: a chain of objects that keep each other
    /// alive needs no more stack than one.
    freeing: Cell<bool>,
}

fn push(list: &Cell<Option<NonNull<Head>>>, head: NonNull<Head>) {
    // SAFETY: a dead object is freed only after it has left the list.
    unsafe { Head::at(head) }.next.set(list.get());
    list.set(Some(head));
}

fn pop(list: &Cell<Option<NonNull<Head>>>) -> Option<NonNull<Head>> {
    let head = list.get()?;
    // SAFETY: as in `push`.
    list.set(unsafe { Head::at(head) }.next.take());
    Some(head)
}

impl Resources {
    /// No object.
    pub fn new() -> Resources {
        Resources::default()
    }

    /// Makes an object that `number`, a new one, leads to.
    pub fn make<T: Resource>(&self, number: RefNumber, value: T) -> Result<Handle<T>, NoMemory> {
        let number = number.of_resource();
        let hash = |(number, _): &(RefNumber, NonNull<Head>)| number.hash();
        let reserved = self.0.live.borrow_mut().try_reserve(1, hash);
        reserved.map_err(|_| NoMemory)?;
        // Without memory the value is dropped, and what it refers to may leave the table: that is not borrowed.
        let object = try_box(Object {
            head: Head {
                references: Cell::new(1),
                type_id: TypeId::of::<T>(),
                class: &ClassOf::<T>::CLASS,
                number,
                bytes: size_of::<Object<T>>() + value.bytes(),
                owner: Cell::new(None),
                next: Cell::new(None),
                resources: self.clone(),
            },
            value: RefCell::new(value),
        })?;
        let head = NonNull::from(Box::leak(object)).cast::<Head>();
        let mut live = self.0.live.borrow_mut();
        live.insert_unique(number.hash(), (number, head), hash);
        Ok(Handle {
            any: AnyHandle(head),
            of_type: PhantomData,
        })
    }

    /// The object that `number` leads to, if it lives.
    pub fn find(&self, number: RefNumber) -> Option<AnyHandle> {
        let live = self.0.live.borrow();
        let &(_, head) = live.find(number.hash(), |(key, _)| *key == number)?;
        // SAFETY: what is in the table has a count that is not zero.
        unsafe { Head::retain(head) };
        Some(AnyHandle(head))
    }

    /// How many live.
    pub fn len(&self) -> usize {
        self.0.live.borrow().len()
    }

    /// Whether none lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What follows when the last reference to `head` is gone.
    fn bury(&self, head: NonNull<Head>) {
        // SAFETY: the object is freed below, or by `close_dead`, and nobody else has the address.
        let object = unsafe { Head::at(head) };
        let mut live = self.0.live.borrow_mut();
        let same = |(number, _): &(RefNumber, NonNull<Head>)| *number == object.number;
        if let Ok(entry) = live.find_entry(object.number.hash(), same) {
            entry.remove();
        }
        drop(live);
        if object.class.closes || object.owner.get().is_some() {
            push(&self.0.closing, head);
            return;
        }
        push(&self.0.dead, head);
        if self.0.freeing.replace(true) {
            return;
        }
        while let Some(head) = pop(&self.0.dead) {
            // SAFETY: the object has left the list; its class is that of its type.
            unsafe { (Head::at(head).class.free)(head) };
        }
        self.0.freeing.set(false);
    }
}

/// Closes and frees the objects that have died since the last call and could not be freed at once. The run loop calls it between turns.
pub fn close_dead(machine: &mut Machine) {
    while let Some(head) = pop(&machine.resources.0.closing) {
        // SAFETY: the object has left the list, and nobody else has its address; its class is that of its type.
        unsafe {
            let object = Head::at(head);
            disown(machine, object);
            (object.class.close)(head, machine);
            (object.class.free)(head);
        }
    }
}

fn disown(machine: &mut Machine, object: &Head) {
    if let Some(owner) = object.owner.take()
        && let Some(process) = machine.processes.table.get_mut(owner)
        && let Some(rare) = &mut process.rare
    {
        rare.resources.remove(object.number);
    }
}

/// Makes the process `owner` the one whose end the object is told of, in place of the one that was, if there was one. False, and
/// the object has no owner, if `owner` is not alive.
pub fn set_owner(machine: &mut Machine, object: &AnyHandle, owner: Term) -> Result<bool, NoMemory> {
    let object = object.head();
    disown(machine, object);
    let Some(process) = machine.processes.alive(owner) else {
        return Ok(false);
    };
    process.rare()?.resources.insert(object.number, ())?;
    object.owner.set(Some(owner));
    Ok(true)
}

/// Tells the object of `number`, if it still lives, that its owner has ended.
pub fn owner_exited(machine: &mut Machine, number: RefNumber) {
    if let Some(object) = machine.resources.find(number) {
        object.head().owner.set(None);
        // SAFETY: the class is that of the object's type, and the handle keeps the object alive.
        unsafe { (object.head().class.owner_exited)(object.0, machine) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::process::reference::References;
    use crate::process::tests::{machine, process};
    use crate::term::compare::exact_equal;
    use crate::term::copy::copy;
    use crate::term::hash::internal_hash;

    /// Counts its drops.
    struct Counted(Rc<Cell<usize>>);

    impl Resource for Counted {}

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    struct Other;

    impl Resource for Other {}

    fn number() -> RefNumber {
        References::new(3).make().of_resource()
    }

    #[test]
    fn an_object_dies_with_the_last_term_that_refers_to_it() {
        let (resources, drops) = (Resources::new(), Rc::new(Cell::new(0)));
        let handle = resources.make(number(), Counted(drops.clone())).unwrap();
        let mut from = Parcel::new();
        let term = handle.term(&mut from).unwrap();
        drop(handle);
        let pair = from.tuple(&[term, term]).unwrap();
        let mut to = Parcel::new();
        let copied = copy(pair, &mut to, &(0..0)).unwrap();
        drop(from);
        assert_eq!((drops.get(), resources.len()), (0, 1));
        assert!(resource::<Counted>(&copied.as_tuple().unwrap()[1]).is_some());
        drop(to);
        assert_eq!((drops.get(), resources.len()), (1, 0));
    }

    #[test]
    fn it_is_like_the_ordinary_reference_of_its_number() {
        let (resources, mut parcel) = (Resources::new(), Parcel::new());
        let handle = resources.make(number(), Other).unwrap();
        let term = handle.term(&mut parcel).unwrap();
        let plain = number().term(&mut parcel).unwrap();
        assert_eq!(RefNumber::of(term), Some(number()));
        assert!(exact_equal(term, plain) && exact_equal(plain, term));
        assert_eq!(internal_hash(term, 0), internal_hash(plain, 0));
        assert!(resource::<Other>(&plain).is_none());
        let found = resources.find(number()).unwrap();
        let again = found.term(&mut parcel).unwrap();
        assert!(resource::<Other>(&again).is_some());
    }

    #[test]
    fn only_its_own_type_is_found_and_only_one_borrow_at_a_time() {
        let (resources, mut parcel) = (Resources::new(), Parcel::new());
        let handle = resources.make(number(), Other).unwrap();
        let term = handle.term(&mut parcel).unwrap();
        let same = handle.term(&mut parcel).unwrap();
        assert!(resource::<Counted>(&term).is_none());
        let borrowed = resource::<Other>(&term);
        assert!(borrowed.is_some());
        assert!(resource::<Other>(&same).is_none());
        drop(borrowed);
        assert!(resource::<Other>(&same).is_some());
    }

    /// Keeps whatever its parcel's terms refer to.
    struct Link(#[expect(dead_code, reason = "kept to be dropped")] Parcel);

    impl Resource for Link {}

    #[test]
    fn a_long_chain_of_objects_needs_no_stack() {
        let (resources, mut references) = (Resources::new(), References::new(1));
        let mut first = resources
            .make(references.make(), Link(Parcel::new()))
            .unwrap();
        for _ in 0..200_000 {
            let mut parcel = Parcel::new();
            first.term(&mut parcel).unwrap();
            first = resources.make(references.make(), Link(parcel)).unwrap();
        }
        assert_eq!(resources.len(), 200_001);
        drop(first);
        assert!(resources.is_empty());
    }

    /// Writes down what happens to it.
    struct Witness(Rc<RefCell<alloc::vec::Vec<&'static str>>>);

    impl Resource for Witness {
        const CLOSES: bool = true;
        fn close(&mut self, _: &mut Machine) {
            self.0.borrow_mut().push("closed");
        }
        fn owner_exited(&mut self, _: &mut Machine) {
            self.0.borrow_mut().push("owner exited");
        }
    }

    #[test]
    fn an_owned_object_is_told_of_the_end_and_closed_when_it_is_dead() {
        let (machine, log) = (machine(), Rc::new(RefCell::default()));
        let resources = machine.resources.clone();
        let make = |machine: &mut Machine| {
            let number = machine.processes.references.make();
            resources.make(number, Witness(Rc::clone(&log))).unwrap()
        };
        let (kept, lost) = (make(machine), make(machine));
        let pid = process(machine);
        assert_eq!(set_owner(machine, kept.any(), pid), Ok(true));
        assert_eq!(set_owner(machine, lost.any(), pid), Ok(true));
        drop(lost);
        assert!(log.borrow().is_empty());
        close_dead(machine);
        assert_eq!(*log.borrow(), ["closed"]);
        crate::process::exit::begin(machine, pid, crate::atom::am::KILLED.term());
        crate::process::exit::carry_out(machine);
        assert_eq!(*log.borrow(), ["closed", "owner exited"]);
        assert_eq!(set_owner(machine, kept.any(), pid), Ok(false));
        drop(kept);
        close_dead(machine);
        assert_eq!(*log.borrow(), ["closed", "owner exited", "closed"]);
        assert!(resources.is_empty());
    }
}

//! Building tuples and taking them apart. BEAM takes apart only what it has tested to be a tuple of
//! sufficient arity, and builds only where it has made room.

use crate::interp::cpu::{Cpu, op};
use crate::interp::operand::{Destination, Source as _};
use crate::term::{Header, Subtag, Term};

/// Element `index`, from 0, of what is a tuple with that many elements.
#[inline(always)]
pub(super) fn element_at(tuple: Term, index: usize) -> Term {
    debug_assert!(
        tuple
            .as_tuple()
            .is_some_and(|elements| index < elements.len())
    );
    // SAFETY: the compiler emits this only behind a test of the tuple's arity.
    unsafe { Term::from_raw(*tuple.pointer().add(index + 1)) }
}

/// Whether this is a tuple of `arity` elements. BEAM asks for what is a tuple already; a file that did not would get a false here, no more.
#[inline(always)]
pub(super) fn has_arity(value: Term, arity: usize) -> bool {
    value.header() == Some(Header::new(Subtag::Tuple, arity))
}

/// Whether this is a tuple of `arity` elements, at least one, with `tag` as the first.
#[inline(always)]
pub(super) fn is_tagged(value: Term, arity: usize, tag: Term) -> bool {
    // SAFETY: a tuple of that arity, which is at least 1 where there is a tag.
    has_arity(value, arity) && unsafe { Term::from_raw(*value.pointer().add(1)) } == tag
}

op! {
    fn get_tuple_element(cpu, tuple: Source, index: Number, destination: Destination) {
        let element = element_at(tuple.get(&cpu), index.value());
        destination.set(&mut cpu, element);
        cpu.next()
    }
}

op! {
    /// Writes into a tuple that `setelement/3` has just copied: nobody else has it yet.
    fn set_tuple_element(cpu, value: Source, tuple: Source, index: Number) {
        let (value, tuple) = (value.get(&cpu), tuple.get(&cpu));
        debug_assert!(tuple.as_tuple().is_some_and(|elements| index.value() < elements.len()));
        // SAFETY: as for `get_tuple_element`.
        unsafe { *tuple.pointer().add(index.value() + 1) = value.raw() };
        cpu.next()
    }
}

op! {
    fn put_tuple2(cpu, destination: Destination, elements: List) {
        let words = elements.words();
        let object = cpu.top;
        debug_assert!(!cpu.lacks(words.len() + 1));
        // SAFETY: the compiler made room for the header and the elements.
        let tuple = unsafe {
            *object = Header::new(Subtag::Tuple, words.len()).0;
            for i in 0..words.len() {
                *object.add(i + 1) = words.source(i).get(&cpu).raw();
            }
            cpu.top = object.add(words.len() + 1);
            Term::boxed(object)
        };
        destination.set(&mut cpu, tuple);
        cpu.next()
    }
}

/// Writes a tuple to the top of the heap, where the compiler has made room for it.
#[inline(always)]
fn push_tuple<const WORDS: usize, D: Destination>(
    cpu: &mut Cpu,
    destination: D,
    words: [u64; WORDS],
) {
    let object = cpu.push(words);
    // SAFETY: a complete tuple was just written there.
    let tuple = unsafe { Term::boxed(object) };
    destination.set(cpu, tuple);
}

/// Writes `{A, B}`.
#[inline(always)]
pub(super) fn push_pair<D: Destination>(cpu: &mut Cpu, destination: D, a: Term, b: Term) {
    let words = [Header::new(Subtag::Tuple, 2).0, a.raw(), b.raw()];
    push_tuple(cpu, destination, words);
}

op! {
    fn put_pair(cpu, destination: Destination, a: Source, b: Source) {
        let (a, b) = (a.get(&cpu), b.get(&cpu));
        push_pair(&mut cpu, destination, a, b);
        cpu.next()
    }
}

op! {
    fn put_triple(cpu, destination: Destination, a: Source, b: Source, c: Source) {
        let words = [
            Header::new(Subtag::Tuple, 3).0,
            a.get(&cpu).raw(),
            b.get(&cpu).raw(),
            c.get(&cpu).raw(),
        ];
        push_tuple(&mut cpu, destination, words);
        cpu.next()
    }
}

op! {
    fn put_quadruple(cpu, destination: Destination, a: Source, b: Source, c: Source, d: Source) {
        let words = [
            Header::new(Subtag::Tuple, 4).0,
            a.get(&cpu).raw(),
            b.get(&cpu).raw(),
            c.get(&cpu).raw(),
            d.get(&cpu).raw(),
        ];
        push_tuple(&mut cpu, destination, words);
        cpu.next()
    }
}

op! {
    /// Copies a tuple with some elements replaced. The compiler has tested its arity and made room.
    fn update_record(cpu, size: Number, source: Source, destination: Destination, updates: List) {
        let words = updates.words();
        let source = source.get(&cpu);
        let size = size.value();
        let object = cpu.top;
        debug_assert!(!cpu.lacks(size + 1));
        debug_assert!(source.as_tuple().is_some_and(|elements| elements.len() == size));
        // SAFETY: as the operation's comment says; positions are from 1 to `size`.
        let record = unsafe {
            core::ptr::copy_nonoverlapping(source.pointer(), object, size + 1);
            for pair in 0..words.len() / 2 {
                let position = Term::from_raw(words.word(2 * pair)).small_value() as usize;
                *object.add(position) = words.source(2 * pair + 1).get(&cpu).raw();
            }
            cpu.top = object.add(size + 1);
            Term::boxed(object)
        };
        destination.set(&mut cpu, record);
        cpu.next()
    }
}

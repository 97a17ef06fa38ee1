//! Building lists and taking them apart. BEAM takes apart only what it has tested to be a non-empty
//! list, and builds only where it has made room.

use crate::interp::cpu::{Cpu, op};
use crate::term::{Cons, Term};

/// The cell of a non-empty list.
#[inline(always)]
fn cell(list: Term) -> Cons {
    debug_assert!(list.is_cons());
    // SAFETY: the compiler emits this only behind a test that it is a cons cell.
    unsafe { *list.pointer().cast::<Cons>() }
}

op! {
    fn get_list(cpu, list: Source, head: Destination, tail: Destination) {
        let cell = cell(list.get(&cpu));
        head.set(&mut cpu, cell.head);
        tail.set(&mut cpu, cell.tail);
        cpu.next()
    }
}

op! {
    fn get_hd(cpu, list: Source, head: Destination) {
        let cell = cell(list.get(&cpu));
        head.set(&mut cpu, cell.head);
        cpu.next()
    }
}

op! {
    fn get_tl(cpu, list: Source, tail: Destination) {
        let cell = cell(list.get(&cpu));
        tail.set(&mut cpu, cell.tail);
        cpu.next()
    }
}

op! {
    fn put_list(cpu, head: Source, tail: Source, destination: Destination) {
        let (head, tail) = (head.get(&cpu), tail.get(&cpu));
        let list = push_cell(&mut cpu, head, tail);
        destination.set(&mut cpu, list);
        cpu.next()
    }
}

/// A cell at the top of the heap, where there is room for it.
#[inline(always)]
pub(super) fn push_cell(cpu: &mut Cpu, head: Term, tail: Term) -> Term {
    let cell = cpu.push([head.raw(), tail.raw()]);
    // SAFETY: a complete cell was just written there.
    unsafe { Term::list(cell) }
}

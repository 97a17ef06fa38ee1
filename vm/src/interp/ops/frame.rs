//! Stack frames, and room on the heap.

use crate::interp::Exit;
use crate::interp::cpu::{Cpu, op};
use crate::term::Term;

/// Makes room for a frame of `frame` Y registers and `heap` words, then makes the frame: `[]` in every slot, so that
/// whatever the code does next, a collection finds terms. False if there is no memory.
#[inline(always)]
fn enter(cpu: &mut Cpu, frame: usize, heap: usize, live: usize) -> bool {
    let words = frame + 1;
    if cpu.lacks(words + heap) && !cpu.collect(words + heap, live) {
        return false;
    }
    // SAFETY: there is room for `words` words below the stack.
    unsafe {
        cpu.stack = cpu.stack.sub(words);
        for i in 0..words {
            *cpu.stack.add(i) = Term::NIL.raw();
        }
    }
    true
}

#[inline(always)]
fn allocated(cpu: Cpu, done: bool) -> Exit {
    if done {
        cpu.next()
    } else {
        cpu.out_of_memory()
    }
}

op! {
    fn allocate(cpu, frame: Number, live: Number) {
        let done = enter(&mut cpu, frame.value(), 0, live.value());
        allocated(cpu, done)
    }
}

op! {
    fn allocate_heap(cpu, frame: Number, words: Number, live: Number) {
        let done = enter(&mut cpu, frame.value(), words.value(), live.value());
        allocated(cpu, done)
    }
}

op! {
    fn test_heap(cpu, words: Number, live: Number) {
        if cpu.lacks(words.value()) && !cpu.collect(words.value(), live.value()) {
            return cpu.out_of_memory();
        }
        cpu.next()
    }
}

op! {
    fn deallocate(cpu, frame: Number) {
        cpu.drop_frame(frame.value());
        cpu.next()
    }
}

op! {
    /// Drops the youngest Y registers; the slot of the return address moves up behind them.
    fn trim(cpu, dropped: Number, remaining: Number) {
        // SAFETY: validated: the frame has that many registers to drop. No call is under way: the slot is empty.
        unsafe {
            cpu.stack = cpu.stack.add(dropped.value());
            *cpu.stack = Term::NIL.raw();
        }
        cpu.next()
    }
}

op! {
    fn init_yregs(cpu, slots: Slots) {
        slots.clear(&mut cpu);
        cpu.next()
    }
}

op! {
    fn jump(cpu, label: Label) {
        let target = label.target(cpu.ip);
        cpu.go(target)
    }
}

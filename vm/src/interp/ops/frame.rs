//! Stack frames, and room on the heap.

use crate::interp::Exit;
use crate::interp::cpu::{Cpu, op};
use crate::term::Term;

/// Slots that [`enter`] clears at once: most frames have no more, so that no loop is needed.
const CLEARED: usize = 6;

/// Words to have room for before [`enter`] makes a frame of `frame` Y registers: the frame, its return address, and what
/// is cleared below.
#[inline(always)]
pub(super) fn frame_words(frame: usize) -> usize {
    frame + CLEARED
}

/// Makes a frame of `frame` Y registers, for which there is room: `[]` in every slot, so that whatever the code does
/// next, a collection finds terms.
#[inline(always)]
pub(super) fn enter(cpu: &mut Cpu, frame: usize) {
    // SAFETY: there is room for `frame_words(frame)` words below the stack, and so for `CLEARED` and for one less than that
    // below the frame.
    unsafe {
        let above = cpu.stack;
        cpu.stack = above.sub(frame + 1);
        let mut slot = above;
        loop {
            slot = slot.sub(CLEARED);
            slot.cast::<[u64; CLEARED]>()
                .write([Term::NIL.raw(); CLEARED]);
            if slot <= cpu.stack {
                break;
            }
        }
    }
}

/// Makes room, then starts the instruction again.
#[inline(always)]
pub(super) fn make_room(mut cpu: Cpu, words: usize, live: usize) -> Exit {
    if !cpu.collect(words, live) {
        return cpu.out_of_memory();
    }
    cpu.again()
}

op! {
    fn allocate(cpu, frame: Number, live: Number) {
        if !cpu.lacks(frame_words(frame.value())) {
            enter(&mut cpu, frame.value());
            return cpu.next();
        }
    } slow {
        make_room(cpu, frame_words(frame.value()), live.value())
    }
}

op! {
    fn allocate_heap(cpu, frame: Number, words: Number, live: Number) {
        if !cpu.lacks(frame_words(frame.value()) + words.value()) {
            enter(&mut cpu, frame.value());
            return cpu.next();
        }
    } slow {
        make_room(cpu, frame_words(frame.value()) + words.value(), live.value())
    }
}

op! {
    fn test_heap(cpu, words: Number, live: Number) {
        if !cpu.lacks(words.value()) {
            return cpu.next();
        }
    } slow {
        make_room(cpu, words.value(), live.value())
    }
}

op! {
    fn deallocate(cpu, frame: Number) {
        cpu.drop_frame(frame.value());
        cpu.next()
    }
}

/// Drops the youngest Y registers; the slot of the return address moves up behind them.
#[inline(always)]
pub(super) fn drop_youngest(cpu: &mut Cpu, dropped: usize) {
    // SAFETY: validated: the frame has that many registers to drop. No call is under way: the slot is empty.
    unsafe {
        cpu.stack = cpu.stack.add(dropped);
        *cpu.stack = Term::NIL.raw();
    }
}

/// As [`drop_youngest`] where a call follows at once: it fills the slot itself.
#[inline(always)]
pub(super) fn drop_youngest_for_call(cpu: &mut Cpu, dropped: usize) {
    // SAFETY: as for `drop_youngest`.
    cpu.stack = unsafe { cpu.stack.add(dropped) };
}

op! {
    fn trim(cpu, dropped: Number, remaining: Number) {
        drop_youngest(&mut cpu, dropped.value());
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

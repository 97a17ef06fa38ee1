//! Pairs of instructions done by one handler, without dispatch between them.
//!
//! The operands are those of the first instruction; the second stands behind it as it is, and its own handler
//! does it: called by name, so that the compiler makes one piece of the two. Which pairs there are is said in
//! `starling_loader::operation::FUSIONS`.

use crate::interp::Exit;
use crate::interp::cpu::{Cpu, Handler, op};
use crate::interp::operand::{A, F, Q, X, Y};
use crate::interp::ops;

/// Does the instruction behind this one, which `handler` is the handler of.
#[inline(always)]
fn then(cpu: Cpu, handler: Handler) -> Exit {
    // SAFETY: validated: the instruction behind a fused one is its second.
    unsafe {
        handler(
            cpu.following,
            cpu.machine,
            cpu.stack,
            cpu.top,
            cpu.reductions,
            cpu.process,
        )
    }
}

macro_rules! move_and {
    ($($name:ident $second:path;)*) => {$(
        op! {
            fn $name(cpu, source: Source, destination: Destination) {
                let value = source.get(&cpu);
                destination.set(&mut cpu, value);
                then(cpu, $second)
            }
        }
    )*};
}

move_and! {
    move_call ops::call::<A, F>;
    move_call_only ops::call_only::<A, F>;
    move_call_last ops::call_last::<A, F, Q>;
    move_return ops::return_;
    move_move_xx ops::move_::<X, X>;
    move_move_xy ops::move_::<X, Y>;
    move_move_yx ops::move_::<Y, X>;
}

op! {
    fn allocate_move(cpu, frame: Number, live: Number) {
        if !cpu.lacks(frame.value() + 1) {
            ops::frame::enter(&mut cpu, frame.value());
            return then(cpu, ops::move_::<X, Y>);
        }
    } slow {
        ops::frame::make_room(cpu, frame.value() + 1, live.value())
    }
}

op! {
    fn deallocate_return(cpu, frame: Number) {
        cpu.drop_frame(frame.value());
        then(cpu, ops::return_)
    }
}

op! {
    fn is_nonempty_list_get_list(cpu, label: Label, value: Source) {
        if value.get(&cpu).is_cons() {
            then(cpu, ops::get_list::<X, X, X>)
        } else {
            cpu.jump(label)
        }
    }
}

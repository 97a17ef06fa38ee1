//! Pairs of instructions done by one handler, without dispatch between them.
//!
//! The operands are those of the first instruction; the second stands behind it as it is, and its own handler
//! does it: called by name, so that the compiler makes one piece of the two. Which pairs there are is said in
//! `starling_loader::operation::FUSIONS`.

use crate::atom::am;
use crate::interp::Exit;
use crate::interp::cpu::{Cpu, Handler, op};
use crate::interp::operand::{A, C, F, H, J, Lv, Q, R, S, X, Y};
use crate::interp::ops;
use crate::interp::ops::bits_match::NoByte;
use crate::interp::ops::{arithmetic, bits_match, compare, float};

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
    move_move_call_xx move_call::<X, X>;
    move_move_call_yx move_call::<Y, X>;
    move_move_call_cx move_call::<C, X>;
    move_move_call_only_xx move_call_only::<X, X>;
    move_move_call_only_cx move_call_only::<C, X>;
    move_move_call_last_xx move_call_last::<X, X>;
    move_move_call_last_yx move_call_last::<Y, X>;
    move_move_call_last_three_xx move_move_call_last_yx::<X, X>;
    move_move_call_last_three_yx move_move_call_last_yx::<Y, X>;
    move_three_xy move_move_xy::<X, Y>;
    move_three_yx move_move_yx::<Y, X>;
    move_three_yxy move_move_yx::<X, Y>;
    move_trim_call trim_call::<Q, Q>;
    move_deallocate_return deallocate_return::<Q>;
    move_move_trim_call_yy move_trim_call::<Y, Y>;
    move_move_trim_call_yx move_trim_call::<Y, X>;
    move_three_trim_call_yx move_move_trim_call_yy::<Y, X>;
    move_three_trim_call_xx move_move_trim_call_yy::<X, X>;
}

macro_rules! allocate_and {
    ($($name:ident $second:path;)*) => {$(
        op! {
            fn $name(cpu, frame: Number, live: Number) {
                if !cpu.lacks(ops::frame::frame_words(frame.value())) {
                    ops::frame::enter(&mut cpu, frame.value());
                    return then(cpu, $second);
                }
            } slow {
                ops::frame::make_room(cpu, ops::frame::frame_words(frame.value()), live.value())
            }
        }
    )*};
}

allocate_and! {
    allocate_move ops::move_::<X, Y>;
    allocate_move_move move_move_xy::<X, Y>;
    allocate_move_three move_three_xy::<X, Y>;
}

op! {
    fn deallocate_return(cpu, frame: Number) {
        cpu.drop_frame(frame.value());
        then(cpu, ops::return_)
    }
}

macro_rules! type_test_and {
    ($($name:ident $holds:ident $second:path;)*) => {$(
        op! {
            fn $name(cpu, label: Label, value: Source) {
                if value.get(&cpu).$holds() {
                    then(cpu, $second)
                } else {
                    cpu.jump(label)
                }
            }
        }
    )*};
}

type_test_and! {
    is_nonempty_list_get_list is_cons ops::get_list::<X, X, X>;
    is_nonempty_list_get_tl is_cons ops::get_tl::<X, X>;
    is_tuple_test_arity is_tuple ops::test_arity::<F, X, H>;
    is_tuple_test_arity_get_element is_tuple test_arity_get_element::<F, X, H>;
    is_tuple_test_arity_get_elements is_tuple test_arity_get_elements::<F, X, H>;
    is_nil_return is_nil ops::return_;
}

op! {
    fn trim_call(cpu, dropped: Number, remaining: Number) {
        ops::frame::drop_youngest_for_call(&mut cpu, dropped.value());
        then(cpu, ops::call::<A, F>)
    }
}

macro_rules! get_tuple_element_and {
    ($($name:ident $second:path;)*) => {$(
        op! {
            fn $name(cpu, tuple: Source, index: Number, destination: Destination) {
                let element = ops::tuple::element_at(tuple.get(&cpu), index.value());
                destination.set(&mut cpu, element);
                then(cpu, $second)
            }
        }
    )*};
}

get_tuple_element_and! {
    get_tuple_elements ops::get_tuple_element::<X, H, X>;
    get_tuple_elements_y ops::get_tuple_element::<Y, H, X>;
    get_tuple_element_is_eq_exact_c ops::is_eq_exact::<F, X, C>;
    get_tuple_element_is_eq_exact_j ops::is_eq_exact::<F, X, J>;
    get_tuple_element_select ops::select_val::<X, F, Lv>;
}

macro_rules! test_arity_and {
    ($($name:ident $second:path;)*) => {$(
        op! {
            fn $name(cpu, label: Label, tuple: Source, arity: Number) {
                if ops::tuple::has_arity(tuple.get(&cpu), arity.value()) {
                    then(cpu, $second)
                } else {
                    cpu.jump(label)
                }
            }
        }
    )*};
}

test_arity_and! {
    test_arity_get_element ops::get_tuple_element::<X, H, X>;
    test_arity_get_elements get_tuple_elements::<X, H, X>;
}

macro_rules! is_tagged_tuple_and {
    ($($name:ident $second:path;)*) => {$(
        op! {
            fn $name(cpu, label: Label, value: Source, arity: Number, tag: Source) {
                if ops::tuple::is_tagged(value.get(&cpu), arity.value(), tag.get(&cpu)) {
                    then(cpu, $second)
                } else {
                    cpu.jump(label)
                }
            }
        }
    )*};
}

is_tagged_tuple_and! {
    is_tagged_tuple_get_element ops::get_tuple_element::<X, H, X>;
    is_tagged_tuple_get_elements get_tuple_elements::<X, H, X>;
}

macro_rules! test_heap_and {
    ($($name:ident $second:path;)*) => {$(
        op! {
            fn $name(cpu, words: Number, live: Number) {
                if !cpu.lacks(words.value()) {
                    return then(cpu, $second);
                }
            } slow {
                ops::frame::make_room(cpu, words.value(), live.value())
            }
        }
    )*};
}

test_heap_and! {
    test_heap_put_pair ops::put_pair::<X, S, S>;
    test_heap_put_list_xx ops::put_list::<X, X, X>;
    test_heap_put_list_yx ops::put_list::<Y, X, X>;
    test_heap_put_list_return_xx put_list_deallocate_return::<X, X, X>;
    test_heap_put_list_return_yx put_list_deallocate_return::<Y, X, X>;
    test_heap_put_pair_return put_pair_return::<X, S, S>;
    test_heap_put_pair_deallocate_return put_pair_deallocate_return::<X, S, S>;
}

op! {
    fn put_list_deallocate_return(cpu, head: Source, tail: Source, destination: Destination) {
        let (head, tail) = (head.get(&cpu), tail.get(&cpu));
        let list = ops::list::push_cell(&mut cpu, head, tail);
        destination.set(&mut cpu, list);
        then(cpu, deallocate_return::<Q>)
    }
}

macro_rules! put_pair_and {
    ($($name:ident $second:path;)*) => {$(
        op! {
            fn $name(cpu, destination: Destination, a: Source, b: Source) {
                let (a, b) = (a.get(&cpu), b.get(&cpu));
                ops::tuple::push_pair(&mut cpu, destination, a, b);
                then(cpu, $second)
            }
        }
    )*};
}

put_pair_and! {
    put_pair_return ops::return_;
    put_pair_deallocate_return deallocate_return::<Q>;
}

macro_rules! arithmetic_and {
    ($($name:ident $small:ident $any:ident $second:path;)*) => {$(
        op! {
            fn $name(cpu, label: Label, left: Source, right: Source, destination: Destination) {
                if let Some(value) = arithmetic::$small(left.get(&cpu), right.get(&cpu)) {
                    destination.set(&mut cpu, value);
                    return then(cpu, $second);
                }
            } slow {
                arithmetic::$any(cpu, label, left, right, destination)
            }
        }
    )*};
}

arithmetic_and! {
    add_call_only small_sum any_sum ops::call_only::<A, F>;
    add_move_call_only small_sum any_sum move_call_only::<X, X>;
    add_deallocate_return small_sum any_sum deallocate_return::<Q>;
    subtract_call small_difference any_difference ops::call::<A, F>;
    subtract_call_only small_difference any_difference ops::call_only::<A, F>;
    subtract_move_call small_difference any_difference move_call::<X, X>;
    subtract_move_call_only small_difference any_difference move_call_only::<X, X>;
    add_allocate_move small_sum any_sum allocate_move::<Q, A>;
    add_allocate_move_move small_sum any_sum allocate_move_move::<Q, A>;
    add_allocate_move_three small_sum any_sum allocate_move_three::<Q, A>;
    add_move_three small_sum any_sum move_three_yxy::<Y, X>;
    subtract_allocate_move small_difference any_difference allocate_move::<Q, A>;
    subtract_allocate_move_move small_difference any_difference allocate_move_move::<Q, A>;
    subtract_allocate_move_three small_difference any_difference allocate_move_three::<Q, A>;
    subtract_move_three small_difference any_difference move_three_yxy::<Y, X>;
}

macro_rules! comparison_and {
    ($($name:ident $less:literal $second:path;)*) => {$(
        op! {
            fn $name(cpu, label: Label, left: Source, right: Source) {
                if let Some(less) = compare::less_at_sight(left.get(&cpu), right.get(&cpu)) {
                    return if less == $less { then(cpu, $second) } else { cpu.jump(label) };
                }
            } slow {
                let less = compare::less(&cpu, left.get(&cpu), right.get(&cpu));
                if less == $less { cpu.next() } else { cpu.jump(label) }
            }
        }
    )*};
}

comparison_and! {
    is_lt_return true ops::return_;
    is_lt_move_return true move_return::<X, X>;
    is_ge_move_return false move_return::<X, X>;
}

op! {
    fn bs_start_match_get_position(cpu, label: Label, value: Source, live: Number, destination: Destination) {
        let term = value.get(&cpu);
        if bits_match::is_started(term) {
            destination.set(&mut cpu, term);
            return then(cpu, ops::bs_get_position::<X, X, A>);
        }
    } slow {
        bits_match::start(cpu, label, value, live.value(), destination)
    }
}

op! {
    fn bs_get_8_test_unit(cpu, label: Label, source: Source, destination: Destination) {
        match bits_match::next_byte(&cpu, source) {
            Ok(value) => {
                destination.set(&mut cpu, value);
                return then(cpu, ops::bs_test_unit::<F, X, H>);
            }
            Err(NoByte::End) => return cpu.jump(label),
            Err(NoByte::Unaligned) => {}
        }
    } slow {
        match bits_match::next_byte_anywhere(&cpu, source) {
            Some(value) => {
                destination.set(&mut cpu, value);
                cpu.next()
            }
            None => cpu.jump(label),
        }
    }
}

macro_rules! float_load_and {
    ($($name:ident $second:path;)*) => {$(
        op! {
            fn $name(cpu, source: Source, destination: FloatRegister) {
                if float::load(&mut cpu, source, destination) {
                    return then(cpu, $second);
                }
            } slow {
                cpu.raise_atom(am::BADARITH)
            }
        }
    )*};
}

float_load_and! {
    float_load_load ops::float_load::<X, R>;
    float_load_add ops::float_add::<R, R, R>;
    float_load_subtract ops::float_subtract::<R, R, R>;
    float_load_multiply ops::float_multiply::<R, R, R>;
    float_load_divide ops::float_divide::<R, R, R>;
}

op! {
    fn float_store_store(cpu, source: FloatRegister, destination: Destination) {
        float::store(&mut cpu, source, destination);
        then(cpu, ops::float_store::<R, X>)
    }
}

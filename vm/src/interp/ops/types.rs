//! Tests of a value's type; the label is taken when the test fails.

use crate::atom::am;
use crate::interp::cpu::op;
use crate::interp::ops::tuple::{has_arity, is_tagged};
use crate::interp::slow;
use crate::term::Term;

macro_rules! type_tests {
    ($($name:ident($value:ident) $test:expr;)*) => {$(
        op! {
            fn $name(cpu, label: Label, value: Source) {
                let $value = value.get(&cpu);
                if $test { cpu.next() } else { cpu.jump(label) }
            }
        }
    )*};
}

/// Whether a bit string is whole bytes.
#[inline(always)]
fn is_whole_bytes(value: Term) -> bool {
    value.is_bit_string() && crate::bits::view::view(&value).is_some_and(|bits| bits.size % 8 == 0)
}

type_tests! {
    is_integer(v) v.is_integer();
    is_float(v) v.is_float();
    is_number(v) v.is_number();
    is_atom(v) v.is_atom();
    is_pid(v) v.is_pid();
    is_reference(v) v.is_reference();
    is_port(v) v.is_port();
    is_nil(v) v.is_nil();
    is_binary(v) is_whole_bytes(v);
    is_bitstr(v) v.is_bit_string();
    is_list(v) v.is_list();
    is_nonempty_list(v) v.is_cons();
    is_tuple(v) v.is_tuple();
    is_boolean(v) v == am::TRUE.term() || v == am::FALSE.term();
    is_function(v) v.is_fun();
    is_map(v) v.is_map();
}

op! {
    /// `is_function(Fun, Arity)`; raises nothing: an arity that is no number simply does not match.
    fn is_function2(cpu, label: Label, fun: Source, arity: Source) {
        let (fun, arity) = (fun.get(&cpu), arity.get(&cpu));
        if slow::is_function_of_arity(fun, arity) { cpu.next() } else { cpu.jump(label) }
    }
}

op! {
    fn test_arity(cpu, label: Label, tuple: Source, arity: Number) {
        if has_arity(tuple.get(&cpu), arity.value()) { cpu.next() } else { cpu.jump(label) }
    }
}

op! {
    fn is_tagged_tuple(cpu, label: Label, tuple: Source, arity: Number, tag: Source) {
        if is_tagged(tuple.get(&cpu), arity.value(), tag.get(&cpu)) {
            cpu.next()
        } else {
            cpu.jump(label)
        }
    }
}

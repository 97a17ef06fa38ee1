//! Floating point registers. A result that is not finite is `badarith`, as everywhere in Erlang.

use crate::atom::am;
use crate::interp::Exit;
use crate::interp::cpu::{Cpu, op};
use crate::interp::operand::{Destination, FloatRegister, Source};
use crate::interp::slow;
use crate::term::{Header, Subtag, Term};

#[inline(always)]
fn register(cpu: &Cpu, index: usize) -> f64 {
    // SAFETY: the machine is alive; validated code names registers below FLOAT_REGISTERS.
    unsafe { *(*cpu.machine).float.as_ptr().add(index) }
}

#[inline(always)]
fn set_register(cpu: &mut Cpu, index: usize, value: f64) {
    // SAFETY: as for `register`.
    unsafe { *(*cpu.machine).float.as_mut_ptr().add(index) = value }
}

/// Stores a result, or raises badarith.
#[inline(always)]
fn result<R: FloatRegister>(mut cpu: Cpu, value: f64, destination: R) -> Exit {
    if !value.is_finite() {
        return cpu.raise_atom(am::BADARITH);
    }
    set_register(&mut cpu, destination.index(), value);
    cpu.next()
}

op! {
    /// Loads what the compiler knows to be a float.
    fn float_load(cpu, source: Source, destination: FloatRegister) {
        if load(&mut cpu, source, destination) { cpu.next() } else { cpu.raise_atom(am::BADARITH) }
    }
}

/// Loads a float as `float_load` does; false if it is none.
#[inline(always)]
pub(super) fn load<S: Source, R: FloatRegister>(cpu: &mut Cpu, source: S, destination: R) -> bool {
    let Some(value) = source.get(cpu).as_float() else {
        return false;
    };
    set_register(cpu, destination.index(), value);
    true
}

/// Stores a float as `float_store` does.
#[inline(always)]
pub(super) fn store<R: FloatRegister, D: Destination>(cpu: &mut Cpu, source: R, destination: D) {
    let value = register(cpu, source.index());
    let object = cpu.push([Header::new(Subtag::Float, 1).0, value.to_bits()]);
    // SAFETY: a complete float was just written there.
    let float = unsafe { Term::boxed(object) };
    destination.set(cpu, float);
}

op! {
    /// Makes a float on the heap, where the compiler has made room for it.
    fn float_store(cpu, source: FloatRegister, destination: Destination) {
        store(&mut cpu, source, destination);
        cpu.next()
    }
}

op! {
    fn float_convert(cpu, source: Source, destination: FloatRegister) {
        let value = source.get(&cpu);
        if let Some(small) = value.as_small() {
            return result(cpu, small as f64, destination);
        }
        match slow::to_float(value) {
            Some(value) => result(cpu, value, destination),
            None => cpu.raise_atom(am::BADARITH),
        }
    }
}

macro_rules! float_operations {
    ($($name:ident $operator:tt;)*) => {$(
        op! {
            fn $name(cpu, left: FloatRegister, right: FloatRegister, destination: FloatRegister) {
                let value = register(&cpu, left.index()) $operator register(&cpu, right.index());
                result(cpu, value, destination)
            }
        }
    )*};
}

float_operations! {
    float_add +;
    float_subtract -;
    float_multiply *;
    float_divide /;
}

op! {
    fn float_negate(cpu, operand: FloatRegister, destination: FloatRegister) {
        let value = -register(&cpu, operand.index());
        result(cpu, value, destination)
    }
}

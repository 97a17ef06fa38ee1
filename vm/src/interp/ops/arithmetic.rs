//! Integer and mixed arithmetic: small integers here, everything else out of line in [`crate::number`].
//!
//! The raw word of a small integer is its value times 16, plus 15. So the words of a sum differ from the
//! operands' by one tag, and a result leaves the 60-bit range exactly when the 64-bit
//! operation overflows.

use crate::atom::am;
use crate::interp::Exit;
use crate::interp::cpu::{Cpu, op};
use crate::interp::operand::{Destination, Label, Source};
use crate::interp::slow;
use crate::number;
use crate::term::{Atom, Term};

const TAG: i64 = 0xf;

/// The slow path of a binary operation. `arity` is what a stack trace shows of the operator: nothing with 0.
#[inline(always)]
#[expect(
    clippy::too_many_arguments,
    reason = "inlined: what one path needs of an instruction"
)]
fn two<L: Label, D: Destination>(
    mut cpu: Cpu,
    label: L,
    function: Atom,
    operation: number::Binary,
    a: Term,
    b: Term,
    destination: D,
    arity: usize,
) -> Exit {
    cpu.save_place();
    // SAFETY: the registers are saved; machine and process are alive.
    let result = unsafe { slow::number2(cpu.machine, cpu.process, operation, a, b) };
    cpu.load();
    cpu.shorten_turn_if_crowded();
    match result {
        Some(value) => {
            destination.set(&mut cpu, value);
            cpu.next()
        }
        None => cpu.failed(label, function, [a, b], arity),
    }
}

macro_rules! binary_operations {
    ($($(#[$doc:meta])* $name:ident $function:ident $slow:expr, |$a:ident, $b:ident| $fast:expr;)*) => {$(
        op! {
            $(#[$doc])*
            fn $name(cpu, label: Label, left: Source, right: Source, destination: Destination) {
                let (a, b) = (left.get(&cpu), right.get(&cpu));
                if Term::are_small(a, b) {
                    let ($a, $b) = (a.raw() as i64, b.raw() as i64);
                    let fast: Option<i64> = $fast;
                    if let Some(word) = fast {
                        // SAFETY: the word of a small integer, tag included, as the module says.
                        let value = unsafe { Term::from_raw(word as u64) };
                        destination.set(&mut cpu, value);
                        return cpu.next();
                    }
                }
            } slow {
                let (a, b) = (left.get(&cpu), right.get(&cpu));
                let constants = (left.is_constant(a), right.is_constant(b));
                let arity = shown_arity(am::$function, constants, a, b);
                two(cpu, label, am::$function, $slow, a, b, destination, arity)
            }
        }
    )*};
}

/// How many operands a stack trace shows: none where OTP 25 adds a small constant to a register, or takes one from it, by an
/// instruction of its own. (Later releases show both, which [`raise_operator`](crate::interp::exception::raise_operator) sees to.)
#[inline(always)]
pub(super) fn shown_arity(function: Atom, constants: (bool, bool), a: Term, b: Term) -> usize {
    let alone = match (function, constants) {
        (am::PLUS, (false, true)) => b.as_small().is_some(),
        (am::PLUS, (true, false)) => a.as_small().is_some(),
        (am::MINUS, (false, true)) => b.as_small().is_some_and(|taken| taken >= 0),
        _ => false,
    };
    if alone { 0 } else { 2 }
}

/// The word of a sum of two words.
#[inline(always)]
fn add_words(a: i64, b: i64) -> Option<i64> {
    (a - TAG).checked_add(b)
}

/// The word of a difference of two words.
#[inline(always)]
fn subtract_words(a: i64, b: i64) -> Option<i64> {
    a.checked_sub(b - TAG)
}

macro_rules! for_fused {
    ($($fast:ident $slow:ident $words:ident $function:ident $operation:expr;)*) => {$(
        /// The result, if it and both operands are small.
        #[inline(always)]
        pub(super) fn $fast(a: Term, b: Term) -> Option<Term> {
            if !Term::are_small(a, b) {
                return None;
            }
            let word = $words(a.raw() as i64, b.raw() as i64)?;
            // SAFETY: the word of a small integer, tag included, as the module says.
            Some(unsafe { Term::from_raw(word as u64) })
        }

        /// The instruction where that is not so; goes on with the one behind it.
        #[inline(always)]
        pub(super) fn $slow<L: Label, A: Source, B: Source, D: Destination>(cpu: Cpu, label: L, left: A, right: B, destination: D) -> Exit {
            let (a, b) = (left.get(&cpu), right.get(&cpu));
            let constants = (left.is_constant(a), right.is_constant(b));
            let arity = shown_arity(am::$function, constants, a, b);
            two(cpu, label, am::$function, $operation, a, b, destination, arity)
        }
    )*};
}

for_fused! {
    small_sum any_sum add_words PLUS number::add;
    small_difference any_difference subtract_words MINUS number::subtract;
}

binary_operations! {
    add PLUS number::add, |a, b| add_words(a, b);
    subtract MINUS number::subtract, |a, b| subtract_words(a, b);
    multiply TIMES number::multiply, |a, b| (a - TAG).checked_mul(b >> 4).map(|product| product | TAG);
    /// The quotient of the smallest small integer and -1 is not small: its word is the only one that overflows.
    int_div DIV number::int_div, |a, b| match b >> 4 {
        0 => None,
        -1 => (a - TAG).checked_neg().map(|negated| negated | TAG),
        divisor => Some((((a >> 4) / divisor) << 4) | TAG),
    };
    rem REM number::rem, |a, b| match b >> 4 {
        0 => None,
        -1 => Some(TAG),
        divisor => Some((((a >> 4) % divisor) << 4) | TAG),
    };
    band BAND number::band, |a, b| Some(a & b);
    bor BOR number::bor, |a, b| Some(a | b);
    bxor BXOR number::bxor, |a, b| Some((a ^ b) | TAG);
    bsl BSL number::bsl, |a, b| match b >> 4 {
        shift @ 0..=59 => {
            let word = a - TAG;
            let shifted = word.wrapping_shl(shift as u32);
            if shifted >> shift == word { Some(shifted | TAG) } else { None }
        }
        _ => None,
    };
    bsr BSR number::bsr, |a, b| match b >> 4 {
        shift @ 0..=59 => Some(((a >> shift) & !TAG) | TAG),
        _ => None,
    };
}

/// The slow path of an operation with one operand.
#[inline(always)]
fn one<L: Label, D: Destination>(
    mut cpu: Cpu,
    label: L,
    function: Atom,
    operation: number::Unary,
    a: Term,
    destination: D,
) -> Exit {
    cpu.save_place();
    // SAFETY: the registers are saved; machine and process are alive.
    let result = unsafe { slow::number1(cpu.machine, cpu.process, operation, a) };
    cpu.load();
    cpu.shorten_turn_if_crowded();
    match result {
        Some(value) => {
            destination.set(&mut cpu, value);
            cpu.next()
        }
        None => cpu.failed(label, function, [a, Term::NIL], 1),
    }
}

op! {
    fn bnot(cpu, label: Label, operand: Source, destination: Destination) {
        let a = operand.get(&cpu);
        if let Some(value) = a.as_small() {
            destination.set(&mut cpu, Term::small(!value));
            return cpu.next();
        }
    } slow {
        let a = operand.get(&cpu);
        one(cpu, label, am::BNOT, number::bnot, a, destination)
    }
}

op! {
    fn negate(cpu, label: Label, operand: Source, destination: Destination) {
        let a = operand.get(&cpu);
        if let Some(value) = a.as_small().and_then(|value| Term::try_small(-value)) {
            destination.set(&mut cpu, value);
            return cpu.next();
        }
    } slow {
        let a = operand.get(&cpu);
        one(cpu, label, am::MINUS, number::negate, a, destination)
    }
}

//! Comparisons: as tests with a label, and as values.

use crate::interp::cpu::{Cpu, op};
use crate::interp::slow;
use crate::term::Term;

/// `a < b`. Small integers compare as words: the tag is the same and the value is above it.
#[inline(always)]
fn less(cpu: &Cpu, a: Term, b: Term) -> bool {
    if Term::are_small(a, b) {
        return (a.raw() as i64) < (b.raw() as i64);
    }
    // SAFETY: the machine is alive.
    unsafe { slow::compare(cpu.machine, a, b) < 0 }
}

/// `a == b`.
#[inline(always)]
fn equal(a: Term, b: Term) -> bool {
    a == b || (!(a.is_immediate() && b.is_immediate()) && slow::equal(a, b))
}

/// `a =:= b`.
#[inline(always)]
fn exact(a: Term, b: Term) -> bool {
    // Terms of different primary tags differ; immediates that are not the same word differ.
    a == b || ((a.raw() ^ b.raw()) & 3 == 0 && !a.is_immediate() && slow::exact_equal(a, b))
}

macro_rules! comparisons {
    ($($test:ident $value:ident ($cpu:ident, $a:ident, $b:ident) $holds:expr;)*) => {$(
        op! {
            fn $test($cpu, label: Label, left: Source, right: Source) {
                let ($a, $b) = (left.get(&$cpu), right.get(&$cpu));
                if $holds { $cpu.next() } else { $cpu.jump(label) }
            }
        }
        op! {
            fn $value($cpu, left: Source, right: Source, destination: Destination) {
                let ($a, $b) = (left.get(&$cpu), right.get(&$cpu));
                let holds = $holds;
                destination.set(&mut $cpu, Term::boolean(holds));
                $cpu.next()
            }
        }
    )*};
}

comparisons! {
    is_lt cmp_lt (cpu, a, b) less(&cpu, a, b);
    is_ge cmp_ge (cpu, a, b) !less(&cpu, a, b);
    is_eq cmp_eq (cpu, a, b) equal(a, b);
    is_ne cmp_ne (cpu, a, b) !equal(a, b);
    is_eq_exact cmp_eq_exact (cpu, a, b) exact(a, b);
    is_ne_exact cmp_ne_exact (cpu, a, b) !exact(a, b);
}

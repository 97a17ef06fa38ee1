//! Comparisons: as tests with a label, and as values.
//!
//! What a glance at the two words decides is decided in the handler; the rest, out of line.

use crate::interp::cpu::{Cpu, op};
use crate::interp::slow;
use crate::term::Term;

/// `a < b`, where two words tell. Small integers compare as words: the tag is the same and the value is above it.
#[inline(always)]
pub(super) fn less_at_sight(a: Term, b: Term) -> Option<bool> {
    if Term::are_small(a, b) {
        Some((a.raw() as i64) < (b.raw() as i64))
    } else {
        None
    }
}

/// `a == b`, where two words tell.
#[inline(always)]
fn equal_at_sight(a: Term, b: Term) -> Option<bool> {
    if a == b {
        Some(true)
    } else if a.is_immediate() && b.is_immediate() {
        Some(false)
    } else {
        None
    }
}

/// `a =:= b`, where two words tell: terms of different primary tags differ, and so do immediates that are not the same word.
#[inline(always)]
fn exact_at_sight(a: Term, b: Term) -> Option<bool> {
    if a == b {
        Some(true)
    } else if a.is_immediate() || (a.raw() ^ b.raw()) & 3 != 0 {
        Some(false)
    } else {
        None
    }
}

/// `a < b`, by the order of terms.
#[inline(always)]
pub(super) fn less(cpu: &Cpu, a: Term, b: Term) -> bool {
    // SAFETY: the machine is alive.
    unsafe { slow::compare(cpu.machine, a, b) < 0 }
}

macro_rules! comparisons {
    ($($test:ident $value:ident ($cpu:ident, $a:ident, $b:ident) $sight:expr, $wanted:literal, $holds:expr;)*) => {$(
        op! {
            fn $test($cpu, label: Label, left: Source, right: Source) {
                if let Some(found) = $sight(left.get(&$cpu), right.get(&$cpu)) {
                    return if found == $wanted { $cpu.next() } else { $cpu.jump(label) };
                }
            } slow {
                let ($a, $b) = (left.get(&$cpu), right.get(&$cpu));
                if $holds { $cpu.next() } else { $cpu.jump(label) }
            }
        }
        op! {
            fn $value($cpu, left: Source, right: Source, destination: Destination) {
                if let Some(found) = $sight(left.get(&$cpu), right.get(&$cpu)) {
                    destination.set(&mut $cpu, Term::boolean(found == $wanted));
                    return $cpu.next();
                }
            } slow {
                let ($a, $b) = (left.get(&$cpu), right.get(&$cpu));
                let holds = $holds;
                destination.set(&mut $cpu, Term::boolean(holds));
                $cpu.next()
            }
        }
    )*};
}

comparisons! {
    is_lt cmp_lt (cpu, a, b) less_at_sight, true, less(&cpu, a, b);
    is_ge cmp_ge (cpu, a, b) less_at_sight, false, !less(&cpu, a, b);
    is_eq cmp_eq (cpu, a, b) equal_at_sight, true, slow::equal(a, b);
    is_ne cmp_ne (cpu, a, b) equal_at_sight, false, !slow::equal(a, b);
    is_eq_exact cmp_eq_exact (cpu, a, b) exact_at_sight, true, slow::exact_equal(a, b);
    is_ne_exact cmp_ne_exact (cpu, a, b) exact_at_sight, false, !slow::exact_equal(a, b);
}

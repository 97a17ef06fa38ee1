//! Floats to integers: `trunc round ceil floor`.

use super::{Number, big};
use crate::bif::{Fail, Value};
use crate::memory::Arena;
use crate::term::Term;

/// Rounds a float with `rounding` and makes an integer of it; an integer stays what it is. `badarg` for what is no
/// number.
fn to_integer<A: Arena + ?Sized>(arena: &mut A, term: Term, rounding: fn(f64) -> f64) -> Value {
    match Number::of(&term).ok_or(Fail::Badarg)? {
        Number::Small(_) | Number::Big(_) => Ok(term),
        Number::Float(value) => big::from_f64(arena, rounding(value)),
    }
}

/// `trunc(a)`: towards zero.
pub fn trunc<A: Arena + ?Sized>(arena: &mut A, a: Term) -> Value {
    to_integer(arena, a, libm::trunc)
}

/// `round(a)`: to the nearest, a half away from zero.
pub fn round<A: Arena + ?Sized>(arena: &mut A, a: Term) -> Value {
    to_integer(arena, a, libm::round)
}

/// `ceil(a)`: up.
pub fn ceil<A: Arena + ?Sized>(arena: &mut A, a: Term) -> Value {
    to_integer(arena, a, libm::ceil)
}

/// `floor(a)`: down.
pub fn floor<A: Arena + ?Sized>(arena: &mut A, a: Term) -> Value {
    to_integer(arena, a, libm::floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::number::testing::integer;
    use crate::term::compare::exact_equal;

    #[test]
    fn each_rounds_its_way() {
        let mut arena = Parcel::new();
        let cases = [
            (0.5, [0, 1, 1, 0]),
            (2.5, [2, 3, 3, 2]),
            (-0.5, [0, -1, 0, -1]),
            (-2.5, [-2, -3, -2, -3]),
            (0.49999999999999994, [0, 0, 1, 0]),
            (-1.2, [-1, -1, -1, -2]),
            (-0.0, [0, 0, 0, 0]),
            (
                2251799813685249.5,
                [
                    2251799813685249,
                    2251799813685250,
                    2251799813685250,
                    2251799813685249,
                ],
            ),
        ];
        for (value, expected) in cases {
            let term = arena.float(value).unwrap();
            let got = [
                trunc(&mut arena, term),
                round(&mut arena, term),
                ceil(&mut arena, term),
                floor(&mut arena, term),
            ];
            assert_eq!(got, expected.map(|v| Ok(Term::small(v))), "{value}");
        }
        let large = arena.float(1.9e30).unwrap();
        let expected = integer(&mut arena, "1900000000000000065928284864512");
        assert!(exact_equal(trunc(&mut arena, large).unwrap(), expected));
        assert_eq!(round(&mut arena, expected), Ok(expected));
        assert_eq!(round(&mut arena, Term::NIL), Err(Fail::Badarg));
    }
}

//! Built-in functions of module `erlang` on bit strings: sizes, tests, parts.

use super::{Bif, Context, Fail, Value, bif};
use crate::bits::context::MatchContext;
use crate::bits::{BitsView, sub_bits, view};
use crate::memory::Arena;
use crate::term::Term;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "binary_part", 2, binary_part_2),
    bif("erlang", "binary_part", 3, binary_part_3),
    bif("erlang", "bit_size", 1, bit_size_1),
    bif("erlang", "byte_size", 1, byte_size_1),
    bif("erlang", "is_binary", 1, is_binary_1),
    bif("erlang", "is_bitstring", 1, is_bitstring_1),
    bif("erlang", "split_binary", 2, split_binary_2),
];

/// The bits of an argument that must be a bit string.
#[inline]
pub(super) fn bits(term: &Term) -> Result<BitsView, Fail> {
    view(term).ok_or(Fail::Badarg)
}

/// Start and length of a part as `binary_part/3` takes it: within `size` bytes; a negative length counts
/// backwards from `start`.
pub(super) fn range(start: Term, length: Term, size: usize) -> Result<(usize, usize), Fail> {
    let (Some(mut start), Some(mut length)) = (start.as_small(), length.as_small()) else {
        return Err(Fail::Badarg);
    };
    if length < 0 {
        // Both are small integers: neither sum nor negation overflows.
        start += length;
        length = -length;
    }
    match (usize::try_from(start), usize::try_from(length)) {
        (Ok(start), Ok(length)) if start + length <= size => Ok((start, length)),
        _ => Err(Fail::Badarg),
    }
}

/// As [`range`], from a tuple `{Start, Length}`.
pub(super) fn range_of_tuple(tuple: Term, size: usize) -> Result<(usize, usize), Fail> {
    match tuple.as_tuple() {
        Some(&[start, length]) => range(start, length, size),
        _ => Err(Fail::Badarg),
    }
}

/// Bytes `start` to `start + length` of a bit string that has them.
pub(super) fn part(cx: &mut Context, term: Term, (start, length): (usize, usize)) -> Value {
    Ok(sub_bits(cx, term, start * 8, length * 8)?)
}

/// The size in bits of a bit string; of a match context, of what is left. (From OTP 26 on, the compiler takes the size of
/// a tail without making the tail.)
fn size(term: &Term) -> Result<usize, Fail> {
    match MatchContext::of(*term) {
        Some(context) => Ok(context.left()),
        None => Ok(bits(term)?.size),
    }
}

fn byte_size_1(_cx: &mut Context, args: &[Term]) -> Value {
    Ok(Term::small(size(&args[0])?.div_ceil(8) as i64))
}

fn bit_size_1(_cx: &mut Context, args: &[Term]) -> Value {
    Ok(Term::small(size(&args[0])? as i64))
}

fn is_binary_1(_cx: &mut Context, args: &[Term]) -> Value {
    Ok(Term::boolean(
        view(&args[0]).is_some_and(BitsView::is_binary),
    ))
}

fn is_bitstring_1(_cx: &mut Context, args: &[Term]) -> Value {
    Ok(Term::boolean(args[0].is_bit_string()))
}

/// `binary_part(Subject, {Start, Length})`; the subject may be any bit string, the part is whole bytes.
pub(super) fn binary_part_2(cx: &mut Context, args: &[Term]) -> Value {
    let range = range_of_tuple(args[1], bits(&args[0])?.size / 8)?;
    part(cx, args[0], range)
}

pub(super) fn binary_part_3(cx: &mut Context, args: &[Term]) -> Value {
    let range = range(args[1], args[2], bits(&args[0])?.size / 8)?;
    part(cx, args[0], range)
}

/// `split_binary(Bits, Position)`: the second part has the bits behind the last whole byte, too.
fn split_binary_2(cx: &mut Context, args: &[Term]) -> Value {
    let size = bits(&args[0])?.size;
    let (first, _) = range(args[1], Term::small(0), size / 8)?;
    let left = sub_bits(cx, args[0], 0, first * 8)?;
    let right = sub_bits(cx, args[0], first * 8, size - first * 8)?;
    Ok(cx.tuple(&[left, right])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_count_both_ways_and_stay_inside() {
        let small = Term::small;
        for (start, length, expected) in [
            (0, 3, Ok((0, 3))),
            (3, 0, Ok((3, 0))),
            (3, -1, Ok((2, 1))),
            (3, -3, Ok((0, 3))),
            (3, -4, Err(Fail::Badarg)),
            (1, 3, Err(Fail::Badarg)),
            (4, 0, Err(Fail::Badarg)),
            (4, -1, Err(Fail::Badarg)),
            (-1, 1, Err(Fail::Badarg)),
            (
                crate::term::MAX_SMALL,
                crate::term::MAX_SMALL,
                Err(Fail::Badarg),
            ),
            (
                crate::term::MIN_SMALL,
                crate::term::MIN_SMALL,
                Err(Fail::Badarg),
            ),
        ] {
            assert_eq!(range(small(start), small(length), 3), expected);
        }
        assert_eq!(range(Term::NIL, small(0), 3), Err(Fail::Badarg));
    }
}

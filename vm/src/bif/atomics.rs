//! Built-in functions of `atomics`, those that OTP writes in Erlang included: a bare machine has no `atomics.beam`.
//!
//! Invariant: an element's new value is checked before anything is written.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::map::from_pairs;
use crate::memory::Arena;
use crate::memory::resource::resource;
use crate::shared::atomics::{Array, Kind};
use crate::term::{Subtag, Term};
use core::cell::RefMut;

/// The functions.
pub const TABLE: &[Bif] = &[
    bare("atomics", "new", 2, new_2),
    bif("atomics", "put", 3, put_3),
    bif("atomics", "get", 2, get_2),
    bif("atomics", "add", 3, add_3),
    bif("atomics", "add_get", 3, add_get_3),
    bare("atomics", "sub", 3, sub_3),
    bare("atomics", "sub_get", 3, sub_get_3),
    bif("atomics", "exchange", 3, exchange_3),
    bif("atomics", "compare_exchange", 4, compare_exchange_4),
    bif("atomics", "info", 1, info_1),
    bif("erts_internal", "atomics_new", 2, atomics_new_2),
];

/// An integer of at most 64 bits and a sign.
fn wide(term: Term) -> Option<i128> {
    if let Some(value) = term.as_small() {
        return Some(value as i128);
    }
    match *term.as_object(term.subtag()?)? {
        [digit] => match term.subtag()? {
            Subtag::BigPositive => Some(digit as i128),
            Subtag::BigNegative => Some(-(digit as i128)),
            _ => None,
        },
        _ => None,
    }
}

/// What may be added: an integer that fits 64 bits, with a sign or without. Sums wrap.
pub(super) fn increment(term: Term) -> Result<u64, Fail> {
    match wide(term) {
        Some(value) if value >= i64::MIN as i128 => Ok(value as u64),
        _ => Err(Fail::Badarg),
    }
}

/// What is to be added in place of taking `term` away. OTP computes `-Term` first, which is `badarith` unless it is a number.
pub(super) fn decrement(term: Term) -> Result<u64, Fail> {
    if !term.is_number() {
        return Err(Fail::Badarith);
    }
    match wide(term) {
        Some(value) if -value >= i64::MIN as i128 => Ok(-value as u64),
        _ => Err(Fail::Badarg),
    }
}

/// The array that `reference` leads to, unless it belongs to `counters` alone.
fn array(reference: &Term) -> Result<RefMut<'_, Array>, Fail> {
    array_of(reference, |kind| kind != Kind::WriteConcurrency)
}

/// The array that `reference` leads to, if it is of a kind that is `wanted`.
#[inline]
pub(super) fn array_of(
    reference: &Term,
    wanted: impl Fn(Kind) -> bool,
) -> Result<RefMut<'_, Array>, Fail> {
    match resource::<Array>(reference) {
        Some(array) if wanted(array.kind) => Ok(array),
        _ => Err(Fail::Badarg),
    }
}

/// The element at `position`, counted from 1.
pub(super) fn element(array: &mut Array, position: Term) -> Result<&mut u64, Fail> {
    let position = position.as_small().ok_or(Fail::Badarg)?;
    let index = usize::try_from(position - 1).map_err(|_| Fail::Badarg)?;
    array.elements.get_mut(index).ok_or(Fail::Badarg)
}

/// The bits that stand for `value` in `array`.
pub(super) fn bits(array: &Array, value: Term) -> Result<u64, Fail> {
    let value = wide(value).ok_or(Fail::Badarg)?;
    array.kind.bits(value).ok_or(Fail::Badarg)
}

/// The integer that `bits` stand for in an array of `kind`.
pub(super) fn value(cx: &mut Context, kind: Kind, bits: u64) -> Value {
    Ok(match kind {
        Kind::Unsigned => cx.unsigned(bits)?,
        Kind::Signed | Kind::WriteConcurrency => cx.integer(bits as i64)?,
    })
}

/// A new array of `length` zeros: its reference.
pub(super) fn make(cx: &mut Context, length: Term, kind: Kind) -> Value {
    if length.subtag() == Some(Subtag::BigPositive) {
        return Err(Fail::SystemLimit);
    }
    let length = length.as_small().filter(|length| *length > 0);
    let length = length.ok_or(Fail::Badarg)? as usize;
    // What OTP ends the whole node for.
    if Array::memory(length) as u64 > cx.machine().platform.memory_available() {
        return Err(Fail::SystemLimit);
    }
    let array = Array::new(kind, length).map_err(|_| Fail::SystemLimit)?;
    Ok(cx.new_resource(array)?.term(cx)?)
}

/// `#{max, memory, min, size}` of an array whose values anybody may put.
pub(super) fn describe(cx: &mut Context, kind: Kind, size: usize) -> Value {
    let (min, max) = kind.limits();
    let min = cx.integer(min as i64)?;
    let max = cx.unsigned(max as u64)?;
    let pairs = [
        (am::MAX, max),
        (am::MEMORY, Term::small(Array::memory(size) as i64)),
        (am::MIN, min),
        (am::SIZE, Term::small(size as i64)),
    ];
    let (heap, atoms) = cx.heap_and_atoms();
    let pairs = pairs.into_iter().map(|(key, value)| (key.term(), value));
    Ok(from_pairs(heap, atoms, pairs)?)
}

fn new_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut kind = Kind::Signed;
    let mut options = args[1].iter_list();
    for option in options.by_ref() {
        let signed = match option.as_tuple() {
            Some(&[name, value]) if name == am::SIGNED.term() => value.as_boolean(),
            _ => None,
        };
        kind = match signed {
            Some(true) => Kind::Signed,
            Some(false) => Kind::Unsigned,
            None => return Err(cx.fail_because(am::BADOPT)),
        };
    }
    if !options.tail().is_nil() {
        return Err(cx.fail_because(am::BADOPT));
    }
    make(cx, args[0], kind)
}

/// The second argument is options in bits, of which OTP 25 has one: signed.
fn atomics_new_2(cx: &mut Context, args: &[Term]) -> Value {
    let options = args[1].as_small().filter(|options| *options >= 0);
    let kind = match options.ok_or(Fail::Badarg)? & 1 {
        0 => Kind::Unsigned,
        _ => Kind::Signed,
    };
    make(cx, args[0], kind)
}

fn put_3(_: &mut Context, args: &[Term]) -> Value {
    let mut array = array(&args[0])?;
    let new = bits(&array, args[2])?;
    *element(&mut array, args[1])? = new;
    Ok(am::OK.term())
}

fn get_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut array = array(&args[0])?;
    let (kind, bits) = (array.kind, *element(&mut array, args[1])?);
    value(cx, kind, bits)
}

/// Adds, and returns the kind of the array and the sum.
fn add(args: &[Term], increment: u64) -> Result<(Kind, u64), Fail> {
    let mut array = array(&args[0])?;
    let kind = array.kind;
    let element = element(&mut array, args[1])?;
    *element = element.wrapping_add(increment);
    Ok((kind, *element))
}

fn add_3(_: &mut Context, args: &[Term]) -> Value {
    add(args, increment(args[2])?)?;
    Ok(am::OK.term())
}

fn add_get_3(cx: &mut Context, args: &[Term]) -> Value {
    let (kind, sum) = add(args, increment(args[2])?)?;
    value(cx, kind, sum)
}

fn sub_3(_: &mut Context, args: &[Term]) -> Value {
    add(args, decrement(args[2])?)?;
    Ok(am::OK.term())
}

fn sub_get_3(cx: &mut Context, args: &[Term]) -> Value {
    let (kind, difference) = add(args, decrement(args[2])?)?;
    value(cx, kind, difference)
}

fn exchange_3(cx: &mut Context, args: &[Term]) -> Value {
    let mut array = array(&args[0])?;
    let (kind, new) = (array.kind, bits(&array, args[2])?);
    let old = core::mem::replace(element(&mut array, args[1])?, new);
    value(cx, kind, old)
}

fn compare_exchange_4(cx: &mut Context, args: &[Term]) -> Value {
    let mut array = array(&args[0])?;
    let kind = array.kind;
    let (expected, new) = (bits(&array, args[2])?, bits(&array, args[3])?);
    let element = element(&mut array, args[1])?;
    let old = *element;
    if old == expected {
        *element = new;
        return Ok(am::OK.term());
    }
    value(cx, kind, old)
}

fn info_1(cx: &mut Context, args: &[Term]) -> Value {
    let array = array(&args[0])?;
    let (kind, size) = (array.kind, array.elements.len());
    describe(cx, kind, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;

    #[test]
    fn increments_fit_64_bits_with_a_sign_or_without() {
        let mut parcel = Parcel::new();
        let least = parcel.integer(i64::MIN).unwrap();
        let most = parcel.unsigned(u64::MAX).unwrap();
        let float = parcel.float(1.0).unwrap();
        let bigger = parcel.object(Subtag::BigPositive, &[0, 1]).unwrap();
        let below = (i64::MAX as u64) + 2;
        let below = parcel.object(Subtag::BigNegative, &[below]).unwrap();
        assert_eq!(increment(least), Ok(1 << 63));
        assert_eq!(increment(most), Ok(u64::MAX));
        assert_eq!(increment(Term::small(-1)), Ok(u64::MAX));
        for bad in [float, bigger, below, Term::NIL] {
            assert_eq!(increment(bad), Err(Fail::Badarg));
        }
    }

    #[test]
    fn decrements_are_negated_before_they_are_checked() {
        let mut parcel = Parcel::new();
        let least = parcel.integer(i64::MIN).unwrap();
        let magnitude = parcel.unsigned(1 << 63).unwrap();
        let too_much = parcel.unsigned((1 << 63) + 1).unwrap();
        let float = parcel.float(1.0).unwrap();
        assert_eq!(decrement(Term::small(1)), Ok(u64::MAX));
        assert_eq!(decrement(least), Ok(1 << 63));
        assert_eq!(decrement(magnitude), Ok(1 << 63));
        assert_eq!(decrement(too_much), Err(Fail::Badarg));
        assert_eq!(decrement(float), Err(Fail::Badarg));
        assert_eq!(decrement(Term::NIL), Err(Fail::Badarith));
    }

    #[test]
    fn positions_count_from_one() {
        let mut array = Array {
            kind: Kind::Signed,
            elements: [5, 6].into(),
        };
        assert_eq!(element(&mut array, Term::small(1)).copied(), Ok(5));
        assert_eq!(element(&mut array, Term::small(2)).copied(), Ok(6));
        for bad in [0, -1, 3, crate::term::MIN_SMALL] {
            let found = element(&mut array, Term::small(bad)).copied();
            assert_eq!(found, Err(Fail::Badarg));
        }
    }
}

//! Built-in functions about tuples.
//!
//! Invariant: no tuple has more than [`MAX_TUPLE`] elements, but for those that `insert_element/3` makes: it has no limit in OTP.

use super::{Bif, Context, Fail, Value, bif};
use crate::bits::view::view;
use crate::memory::Arena;
use crate::term::{Header, Subtag, Term};

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("erlang", "append_element", 2, append_element_2),
    bif("erlang", "delete_element", 2, delete_element_2),
    bif("erlang", "element", 2, element_2),
    bif("erlang", "insert_element", 3, insert_element_3),
    bif("erlang", "list_to_tuple", 1, list_to_tuple_1),
    bif("erlang", "make_tuple", 2, make_tuple_2),
    bif("erlang", "make_tuple", 3, make_tuple_3),
    bif("erlang", "setelement", 3, setelement_3),
    bif("erlang", "size", 1, size_1),
    bif("erlang", "tuple_size", 1, tuple_size_1),
    bif("erlang", "tuple_to_list", 1, tuple_to_list_1),
];

/// Most elements of a tuple (OTP: `ERTS_MAX_TUPLE_SIZE`).
pub const MAX_TUPLE: usize = (1 << 24) - 1;

fn elements(tuple: &Term) -> Result<&[Term], Fail> {
    tuple.as_tuple().ok_or(Fail::Badarg)
}

/// A place in a tuple, counted from 1, as an index below `limit`.
fn index(position: Term, limit: usize) -> Result<usize, Fail> {
    let position = position.as_small().ok_or(Fail::Badarg)?;
    match usize::try_from(position) {
        Ok(position @ 1..) if position <= limit => Ok(position - 1),
        _ => Err(Fail::Badarg),
    }
}

/// A tuple of the slices one behind the other.
fn joined(cx: &mut Context, parts: [&[Term]; 3]) -> Value {
    let size = parts.iter().map(|part| part.len()).sum();
    let object = cx.allocate(1 + size)?.as_ptr();
    // SAFETY: fresh words: a header and as many elements as it says, all initialised here.
    unsafe {
        *object = Header::new(Subtag::Tuple, size).0;
        let mut next = object.add(1).cast::<Term>();
        for part in parts {
            core::ptr::copy_nonoverlapping(part.as_ptr(), next, part.len());
            next = next.add(part.len());
        }
        Ok(Term::boxed(object))
    }
}

/// A tuple of `size` times `value`, and its elements to write.
fn filled(cx: &mut Context, size: usize, value: Term) -> Result<(Term, &'static mut [Term]), Fail> {
    let object = cx.allocate(1 + size)?.as_ptr();
    // SAFETY: fresh words: a header and as many elements as it says, all initialised here. They stay where they
    // are while a built-in function runs.
    unsafe {
        *object = Header::new(Subtag::Tuple, size).0;
        let elements = object.add(1).cast::<Term>();
        for i in 0..size {
            *elements.add(i) = value;
        }
        let elements = core::slice::from_raw_parts_mut(elements, size);
        Ok((Term::boxed(object), elements))
    }
}

fn element_2(_: &mut Context, args: &[Term]) -> Value {
    let elements = elements(&args[1])?;
    Ok(elements[index(args[0], elements.len())?])
}

fn setelement_3(cx: &mut Context, args: &[Term]) -> Value {
    let elements = elements(&args[1])?;
    let at = index(args[0], elements.len())?;
    joined(cx, [&elements[..at], &[args[2]], &elements[at + 1..]])
}

fn append_element_2(cx: &mut Context, args: &[Term]) -> Value {
    let elements = elements(&args[0])?;
    if elements.len() >= MAX_TUPLE {
        return Err(Fail::Badarg);
    }
    joined(cx, [elements, &[args[1]], &[]])
}

fn insert_element_3(cx: &mut Context, args: &[Term]) -> Value {
    let elements = elements(&args[1])?;
    let (before, after) = elements.split_at(index(args[0], elements.len() + 1)?);
    joined(cx, [before, &[args[2]], after])
}

fn delete_element_2(cx: &mut Context, args: &[Term]) -> Value {
    let elements = elements(&args[1])?;
    let at = index(args[0], elements.len())?;
    joined(cx, [&elements[..at], &elements[at + 1..], &[]])
}

fn tuple_size_1(_: &mut Context, args: &[Term]) -> Value {
    Ok(Term::small(elements(&args[0])?.len() as i64))
}

/// Of a tuple, or the whole bytes of a bit string.
fn size_1(cx: &mut Context, args: &[Term]) -> Value {
    match view(&args[0]) {
        Some(bits) => Ok(Term::small((bits.size / 8) as i64)),
        None => tuple_size_1(cx, args),
    }
}

fn tuple_to_list_1(cx: &mut Context, args: &[Term]) -> Value {
    let elements = elements(&args[0])?;
    cx.bump_reductions(elements.len() / 32);
    Ok(cx.list(elements)?)
}

fn list_to_tuple_1(cx: &mut Context, args: &[Term]) -> Value {
    let size = super::lists::proper_length(args[0])?;
    if size > MAX_TUPLE {
        return Err(Fail::Badarg);
    }
    cx.bump_reductions(size / 32);
    let (tuple, elements) = filled(cx, size, Term::NIL)?;
    for (place, element) in elements.iter_mut().zip(args[0].iter_list()) {
        *place = element;
    }
    Ok(tuple)
}

/// An arity that a tuple can have.
fn arity(term: Term) -> Result<usize, Fail> {
    match term.as_small().map(usize::try_from) {
        Some(Ok(size)) if size <= MAX_TUPLE => Ok(size),
        _ => Err(Fail::Badarg),
    }
}

fn make_tuple_2(cx: &mut Context, args: &[Term]) -> Value {
    let size = arity(args[0])?;
    cx.bump_reductions(size / 32);
    Ok(filled(cx, size, args[1])?.0)
}

/// Default elements, and then `{Position, Value}` pairs, of which the last for a position counts.
fn make_tuple_3(cx: &mut Context, args: &[Term]) -> Value {
    let size = arity(args[0])?;
    super::lists::proper_length(args[2])?;
    let pairs = || args[2].iter_list();
    for pair in pairs() {
        let &[position, _] = elements(&pair)? else {
            return Err(Fail::Badarg);
        };
        index(position, size)?;
    }
    cx.bump_reductions(size / 32);
    let (tuple, elements) = filled(cx, size, args[1])?;
    for pair in pairs() {
        if let Some(&[position, value]) = pair.as_tuple() {
            elements[index(position, size)?] = value;
        }
    }
    Ok(tuple)
}

//! Built-in functions between lists and binaries.

use super::{Bif, Context, Fail, Value, bif};
use crate::bits::iolist::{Leaf, Parts, try_walk};
use crate::bits::view::{BitsView, view};
use crate::bits::{MAX_BITS, new_bits, raw, sub_bits};
use crate::memory::Arena;
use crate::term::Term;

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("erlang", "binary_to_list", 1, binary_to_list_1),
    bif("erlang", "binary_to_list", 3, binary_to_list_3),
    bif("erlang", "bitstring_to_list", 1, bitstring_to_list_1),
    bif("erlang", "iolist_size", 1, iolist_size_1),
    bif("erlang", "iolist_to_binary", 1, iolist_to_binary_1),
    bif("erlang", "iolist_to_iovec", 1, iolist_to_iovec_1),
    bif("erlang", "list_to_binary", 1, list_to_binary_1),
    bif("erlang", "list_to_bitstring", 1, list_to_bitstring_1),
];

/// Bytes that one reduction pays for.
const BYTES_PER_REDUCTION: usize = 256;

/// Leaves that are visited for a reduction.
const LEAVES_PER_REDUCTION: usize = 8;

/// Leaves that are visited before others may run; bytes that are copied.
const LEAVES: usize = 512 * LEAVES_PER_REDUCTION;
const PIECE: usize = 512 * BYTES_PER_REDUCTION;

/// The size in bits of an I/O list, or of a bit string; others may run meanwhile.
fn size(cx: &mut Context, list: Term, parts: Parts) -> Result<usize, Fail> {
    let (mut size, mut seen) = (0usize, 0);
    try_walk(list, parts, |leaf| {
        size = size.saturating_add(match leaf {
            Leaf::Byte(_) => 8,
            Leaf::Bits(bits, _) => bits.size,
        });
        seen += 1;
        match seen % LEAVES {
            0 => cx.consume(LEAVES / LEAVES_PER_REDUCTION),
            _ => Ok(()),
        }
    })?;
    cx.bump_reductions(seen % LEAVES / LEAVES_PER_REDUCTION);
    Ok(size)
}

/// The bits of an I/O list, or of a bit string, as one; others may run meanwhile. `badarg` if it is neither.
pub(super) fn flattened(cx: &mut Context, list: Term, parts: Parts) -> Value {
    let size = size(cx, list, parts)?;
    // A list can name one long binary very often.
    if size > MAX_BITS {
        return Err(Fail::SystemLimit);
    }
    let (made, bytes) = new_bits(cx, size)?;
    let (mut position, mut seen) = (0, 0);
    try_walk(list, parts, |leaf| {
        match leaf {
            // SAFETY: the first walk added up exactly what this one writes, from left to right: terms do not change.
            Leaf::Byte(byte) if position % 8 == 0 => unsafe {
                *bytes.add(position / 8) = byte;
                position += 8;
            },
            // SAFETY: as above.
            Leaf::Byte(byte) => unsafe {
                raw::write(bytes, position, 8, byte as u64);
                position += 8;
            },
            Leaf::Bits(bits, _) => {
                let mut done = 0;
                while done < bits.size {
                    let piece = (bits.size - done).min(8 * PIECE);
                    // SAFETY: as above.
                    unsafe { raw::copy(bits.bytes, bits.offset + done, bytes, position, piece) };
                    done += piece;
                    position += piece;
                    if piece == 8 * PIECE {
                        cx.consume(PIECE / BYTES_PER_REDUCTION)?;
                    }
                }
            }
        }
        seen += 1;
        match seen % LEAVES {
            0 => cx.consume(LEAVES / LEAVES_PER_REDUCTION),
            _ => Ok(()),
        }
    })?;
    cx.bump_reductions(seen % LEAVES / LEAVES_PER_REDUCTION);
    Ok(made)
}

fn only_list(term: Term) -> Result<Term, Fail> {
    if term.is_list() {
        Ok(term)
    } else {
        Err(Fail::Badarg)
    }
}

fn list_to_binary_1(cx: &mut Context, args: &[Term]) -> Value {
    flattened(cx, only_list(args[0])?, Parts::Binaries)
}

fn list_to_bitstring_1(cx: &mut Context, args: &[Term]) -> Value {
    flattened(cx, only_list(args[0])?, Parts::BitStrings)
}

/// As `list_to_binary/1`, but a binary is its own result.
fn iolist_to_binary_1(cx: &mut Context, args: &[Term]) -> Value {
    match view(&args[0]) {
        Some(bits) if bits.is_binary() => Ok(args[0]),
        _ => flattened(cx, only_list(args[0])?, Parts::Binaries),
    }
}

fn iolist_size_1(cx: &mut Context, args: &[Term]) -> Value {
    let bits = size(cx, args[0], Parts::Binaries)?;
    Ok(cx.integer((bits / 8) as i64)?)
}

/// Larger binaries stay as they are in an I/O vector; what is between them is joined (OTP joins up to the same size,
/// and now and then a larger one; where exactly the bytes are cut is nobody's business).
const COPY_LIMIT: usize = 255;

/// A list of binaries with the bytes of an I/O list, in which large binaries are not copied.
fn iolist_to_iovec_1(cx: &mut Context, args: &[Term]) -> Value {
    let list = args[0];
    if view(&list).is_some_and(BitsView::is_binary) {
        return iovec_of(cx, &[list]);
    }
    size(cx, only_list(list)?, Parts::Binaries)?;
    let mut vector = alloc::vec::Vec::new();
    let mut small = alloc::vec::Vec::new();
    let mut outer = alloc::vec::Vec::new();
    let mut rest = list;
    loop {
        let next = match rest.as_cons() {
            Some(&cell) => {
                rest = cell.tail;
                if cell.head.is_cons() {
                    push(&mut outer, rest)?;
                    rest = cell.head;
                    continue;
                }
                cell.head
            }
            // The tail of an improper list.
            None => core::mem::replace(&mut rest, Term::NIL),
        };
        if small.len() % LEAVES == LEAVES - 1 || vector.len() % LEAVES == LEAVES - 1 {
            cx.consume(LEAVES / LEAVES_PER_REDUCTION)?;
        }
        if let Some(byte) = next.as_small() {
            push(&mut small, byte as u8)?;
        } else if let Some(bits) = view(&next) {
            if bits.size / 8 <= COPY_LIMIT {
                for i in 0..bits.size / 8 {
                    push(&mut small, bits.byte(i))?;
                }
            } else {
                flush(cx, &mut small, &mut vector)?;
                push(&mut vector, next)?;
            }
        }
        if rest.is_nil() {
            match outer.pop() {
                Some(more) => rest = more,
                None => break,
            }
        }
    }
    flush(cx, &mut small, &mut vector)?;
    iovec_of(cx, &vector)
}

fn push<T>(vector: &mut alloc::vec::Vec<T>, value: T) -> Result<(), Fail> {
    if vector.len() == vector.capacity() {
        vector.try_reserve(1).map_err(|_| Fail::NoMemory)?;
    }
    vector.push(value);
    Ok(())
}

fn flush(
    cx: &mut Context,
    small: &mut alloc::vec::Vec<u8>,
    vector: &mut alloc::vec::Vec<Term>,
) -> Result<(), Fail> {
    if small.is_empty() {
        return Ok(());
    }
    push(vector, crate::bits::make_binary(cx, small)?)?;
    small.clear();
    Ok(())
}

/// A list of the binaries that have any bytes.
fn iovec_of(cx: &mut Context, binaries: &[Term]) -> Value {
    let mut list = Term::NIL;
    for &binary in binaries.iter().rev() {
        if view(&binary).is_some_and(|bits| bits.size > 0) {
            list = cx.cons(binary, list)?;
        }
    }
    Ok(list)
}

/// The bytes from `first` up to before `end` as a list that ends in `tail`.
fn byte_list(cx: &mut Context, bits: BitsView, first: usize, end: usize, tail: Term) -> Value {
    let cells = cx.allocate(2 * (end - first))?.as_ptr();
    let aligned = bits.as_aligned_bytes();
    let mut list = tail;
    for i in (first..end).rev() {
        let byte = aligned.map_or_else(|| bits.byte(i), |bytes| bytes[i]);
        // SAFETY: fresh words, two for each byte.
        unsafe {
            let cell = cells.add(2 * (i - first));
            *cell = Term::small(byte as i64).raw();
            *cell.add(1) = list.raw();
            list = Term::list(cell);
        }
        if (i - first) % LEAVES == LEAVES - 1 {
            cx.consume(LEAVES / LEAVES_PER_REDUCTION)?;
        }
    }
    Ok(list)
}

fn binary(term: &Term) -> Result<BitsView, Fail> {
    view(term)
        .filter(|bits| bits.is_binary())
        .ok_or(Fail::Badarg)
}

fn binary_to_list_1(cx: &mut Context, args: &[Term]) -> Value {
    let bits = binary(&args[0])?;
    byte_list(cx, bits, 0, bits.size / 8, Term::NIL)
}

/// The bytes at the positions from the second to the third argument, counted from 1; of any bit string, as on OTP.
fn binary_to_list_3(cx: &mut Context, args: &[Term]) -> Value {
    // Unlike that of `binary_to_list/1`, it may end in the middle of a byte.
    let bits = view(&args[0]).ok_or(Fail::Badarg)?;
    match (args[1].as_small(), args[2].as_small()) {
        (Some(first @ 1..), Some(last)) if first <= last && last as usize <= bits.size / 8 => {
            byte_list(cx, bits, first as usize - 1, last as usize, Term::NIL)
        }
        _ => Err(Fail::Badarg),
    }
}

/// As `binary_to_list/1`; bits that are no whole byte are the last element.
fn bitstring_to_list_1(cx: &mut Context, args: &[Term]) -> Value {
    let bits = view(&args[0]).ok_or(Fail::Badarg)?;
    let bytes = bits.size / 8;
    let mut tail = Term::NIL;
    if !bits.is_binary() {
        let last = sub_bits(cx, args[0], bytes * 8, bits.size % 8)?;
        tail = cx.cons(last, Term::NIL)?;
    }
    byte_list(cx, bits, 0, bytes, tail)
}

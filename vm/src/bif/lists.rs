//! Built-in functions about lists.
//!
//! All of them walk lists in a loop, count what they walk as reductions, and let others run when the turn is over.

use super::{Bif, Context, Fail, Value, bif};
use crate::memory::{Arena, NoMemory};
use crate::term::compare::{equal, exact_equal};
use crate::term::hash::internal_hash;
use crate::term::{Cons, Term};
use alloc::vec::Vec;
use hashbrown::HashTable;

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("erlang", "++", 2, append_2),
    bif("erlang", "append", 2, append_2),
    bif("erlang", "--", 2, subtract_2),
    bif("erlang", "subtract", 2, subtract_2),
    bif("erlang", "hd", 1, hd_1),
    bif("erlang", "tl", 1, tl_1),
    bif("erlang", "length", 1, length_1),
    bif("lists", "keyfind", 3, keyfind_3),
    bif("lists", "keymember", 3, keymember_3),
    bif("lists", "keysearch", 3, keysearch_3),
    bif("lists", "member", 2, member_2),
    bif("lists", "reverse", 2, reverse_2),
];

/// Cells that one reduction pays for.
const CELLS_PER_REDUCTION: usize = 16;

/// The number of elements of a proper list; `badarg` for anything else.
pub fn proper_length(list: Term) -> Result<usize, Fail> {
    let mut elements = list.iter_list();
    let length = elements.by_ref().count();
    if elements.tail().is_nil() {
        Ok(length)
    } else {
        Err(Fail::Badarg)
    }
}

/// Cells that are walked before others may run.
const PIECE: usize = 512 * CELLS_PER_REDUCTION;

/// Pays for a cell more of a walk.
#[inline]
fn step(cx: &mut Context, walked: &mut usize) -> Result<(), Fail> {
    *walked += 1;
    if walked.is_multiple_of(PIECE) {
        cx.consume(PIECE / CELLS_PER_REDUCTION)?;
    }
    Ok(())
}

/// Pays for what [`step`] has not paid for yet.
fn pay_rest(cx: &mut Context, walked: usize) {
    cx.bump_reductions(walked % PIECE / CELLS_PER_REDUCTION);
}

/// As [`proper_length`], letting others run in between.
pub(super) fn length_in_pieces(cx: &mut Context, list: Term) -> Result<usize, Fail> {
    let mut elements = list.iter_list();
    let (mut length, piece) = (0, cx.piece(PIECE));
    loop {
        let walked = elements.by_ref().take(piece).count();
        length += walked;
        if walked < piece {
            break;
        }
        cx.consume(piece / CELLS_PER_REDUCTION)?;
    }
    pay_rest(cx, length);
    match elements.tail().is_nil() {
        true => Ok(length),
        false => Err(Fail::Badarg),
    }
}

fn cell(list: &Term) -> Result<&Cons, Fail> {
    list.as_cons().ok_or(Fail::Badarg)
}

fn hd_1(_: &mut Context, args: &[Term]) -> Value {
    Ok(cell(&args[0])?.head)
}

fn tl_1(_: &mut Context, args: &[Term]) -> Value {
    Ok(cell(&args[0])?.tail)
}

fn length_1(cx: &mut Context, args: &[Term]) -> Value {
    Ok(Term::small(length_in_pieces(cx, args[0])? as i64))
}

fn append_2(cx: &mut Context, args: &[Term]) -> Value {
    let length = length_in_pieces(cx, args[0])?;
    if length == 0 {
        return Ok(args[1]);
    }
    if args[1].is_nil() {
        return Ok(args[0]);
    }
    let cells = cx.allocate(2 * length)?.as_ptr();
    let mut walked = 0;
    for (i, element) in args[0].iter_list().enumerate() {
        // SAFETY: fresh words, two for each element, all initialised here; each cell's tail is the next one.
        unsafe {
            *cells.add(2 * i) = element.raw();
            *cells.add(2 * i + 1) = Term::list(cells.add(2 * i + 2)).raw();
        }
        step(cx, &mut walked)?;
    }
    // SAFETY: the tail of the last cell.
    unsafe {
        *cells.add(2 * length - 1) = args[1].raw();
        Ok(Term::list(cells))
    }
}

fn reverse_2(cx: &mut Context, args: &[Term]) -> Value {
    let length = length_in_pieces(cx, args[0])?;
    if length == 0 {
        return Ok(args[1]);
    }
    let cells = cx.allocate(2 * length)?.as_ptr();
    let mut reversed = args[1];
    let mut walked = 0;
    for (i, element) in args[0].iter_list().enumerate() {
        // SAFETY: fresh words, two for each element, all initialised here.
        unsafe {
            let cell = cells.add(2 * i);
            *cell = element.raw();
            *cell.add(1) = reversed.raw();
            reversed = Term::list(cell);
        }
        step(cx, &mut walked)?;
    }
    Ok(reversed)
}

fn member_2(cx: &mut Context, args: &[Term]) -> Value {
    let [wanted, list] = [args[0], args[1]];
    let mut elements = list.iter_list();
    let mut walked = 0;
    let mut found = false;
    for element in &mut elements {
        // An immediate is equal to nothing but itself.
        found =
            element.raw() == wanted.raw() || !wanted.is_immediate() && exact_equal(element, wanted);
        if found {
            break;
        }
        step(cx, &mut walked)?;
    }
    pay_rest(cx, walked);
    if !found && !elements.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    Ok(Term::boolean(found))
}

/// The first tuple of the list whose element at the position equals (`==`) the key.
fn key_search(cx: &mut Context, args: &[Term]) -> Result<Option<Term>, Fail> {
    let [key, position, list] = [args[0], args[1], args[2]];
    let Some(position @ 1..) = position.as_small() else {
        return Err(Fail::Badarg);
    };
    let at = position as usize - 1;
    let mut elements = list.iter_list();
    let mut walked = 0;
    let mut found = None;
    for tuple in &mut elements {
        let element = tuple.as_tuple().and_then(|elements| elements.get(at));
        if element.is_some_and(|&element| equal(element, key)) {
            found = Some(tuple);
            break;
        }
        step(cx, &mut walked)?;
    }
    pay_rest(cx, walked);
    if found.is_none() && !elements.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    Ok(found)
}

fn keyfind_3(cx: &mut Context, args: &[Term]) -> Value {
    let found = key_search(cx, args)?;
    Ok(found.unwrap_or(Term::boolean(false)))
}

fn keymember_3(cx: &mut Context, args: &[Term]) -> Value {
    Ok(Term::boolean(key_search(cx, args)?.is_some()))
}

fn keysearch_3(cx: &mut Context, args: &[Term]) -> Value {
    match key_search(cx, args)? {
        Some(tuple) => Ok(cx.tuple(&[crate::atom::am::VALUE.term(), tuple])?),
        None => Ok(Term::boolean(false)),
    }
}

/// Up to this many elements are searched one by one.
const FEW: usize = 8;

/// `A -- B`: takes the first occurrence of each element of B out of A.
fn subtract_2(cx: &mut Context, args: &[Term]) -> Value {
    let [list, unwanted] = [args[0], args[1]];
    let length = length_in_pieces(cx, list)?;
    let count = length_in_pieces(cx, unwanted)?;
    if length == 0 || count == 0 {
        return Ok(list);
    }
    if count <= FEW {
        let mut few = [Term::NIL; FEW];
        for (place, element) in few.iter_mut().zip(unwanted.iter_list()) {
            *place = element;
        }
        let mut left = count;
        return subtract(cx, list, count, |element| {
            let Some(at) = few[..left].iter().position(|&u| exact_equal(u, element)) else {
                return false;
            };
            // The order of equal ones does not matter.
            left -= 1;
            few.swap(at, left);
            true
        });
    }
    let mut many = Counted::new(cx, count, unwanted)?;
    subtract(cx, list, count, |element| many.take(element))
}

/// `list` without the elements that `take` takes, which are no more than `count`.
fn subtract(
    cx: &mut Context,
    list: Term,
    count: usize,
    mut take: impl FnMut(Term) -> bool,
) -> Value {
    let mut kept = Vec::new();
    let mut left = count;
    let mut rest = list;
    // What follows the last element that was taken is shared with the old list.
    let mut shared_from = 0;
    let mut shared = list;
    let mut walked = 0;
    while left > 0
        && let Some(&cell) = rest.as_cons()
    {
        step(cx, &mut walked)?;
        rest = cell.tail;
        if take(cell.head) {
            left -= 1;
            shared_from = kept.len();
            shared = rest;
        } else {
            if kept.len() == kept.capacity() {
                kept.try_reserve(1).map_err(|_| NoMemory)?;
            }
            kept.push(cell.head);
        }
    }
    Ok(cx.list_with_tail(&kept[..shared_from], shared)?)
}

/// Elements and how often each may still be taken.
struct Counted {
    table: HashTable<(Term, usize)>,
}

impl Counted {
    fn new(cx: &mut Context, count: usize, list: Term) -> Result<Counted, Fail> {
        let mut table = HashTable::new();
        let rehash = |entry: &(Term, usize)| internal_hash(entry.0, 0);
        table.try_reserve(count, rehash).map_err(|_| NoMemory)?;
        let mut walked = 0;
        for element in list.iter_list() {
            step(cx, &mut walked)?;
            let hash = internal_hash(element, 0);
            match table.find_mut(hash, |entry| exact_equal(entry.0, element)) {
                Some(entry) => entry.1 += 1,
                None => {
                    table.insert_unique(hash, (element, 1), rehash);
                }
            }
        }
        Ok(Counted { table })
    }

    fn take(&mut self, element: Term) -> bool {
        let hash = internal_hash(element, 0);
        let entry = self
            .table
            .find_mut(hash, |entry| exact_equal(entry.0, element));
        match entry {
            Some(entry) if entry.1 > 0 => {
                entry.1 -= 1;
                true
            }
            _ => false,
        }
    }
}

//! Functions of `init` on a machine without OTP: the flags it was started with, and its end.
//!
//! OTP's `init` is a process that the machine starts with; a bare machine has none, and modules of OTP ask it for
//! flags all the same (`erl_scan` does). These functions are defined for bare machines only: where OTP's own `init` is loaded, its
//! functions count.

use super::{Bif, Context, Fail, Value, bare, system};
use crate::atom::am;
use crate::memory::arena::{Arena, NoMemory};
use crate::memory::heap::Heap;
use crate::term::Term;
use alloc::string::String;

/// The functions.
pub const TABLE: &[Bif] = &[
    bare("init", "get_argument", 1, get_argument_1),
    bare("init", "get_arguments", 0, get_arguments_0),
    bare("init", "get_plain_arguments", 0, get_plain_arguments_0),
    bare("init", "stop", 0, system::halt),
    bare("init", "stop", 1, system::halt),
];

/// A list of `texts`, each a list of characters.
fn strings(heap: &mut Heap, texts: &[String]) -> Result<Term, NoMemory> {
    let mut list = Term::NIL;
    for text in texts.iter().rev() {
        let mut characters = Term::NIL;
        for character in text.chars().rev() {
            characters = heap.cons(Term::small(character as i64), characters)?;
        }
        list = heap.cons(characters, list)?;
    }
    Ok(list)
}

/// `{ok, [Values, ...]}` with the values of each flag of that name, or `error`.
fn get_argument_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = match args[0].as_atom() {
        Some(atom) => cx.atoms().name(atom),
        None => return Ok(am::ERROR.term()),
    };
    let (machine, heap) = cx.machine_and_heap();
    let mut list = Term::NIL;
    for flag in machine.arguments.flags.iter().rev() {
        if flag.name == name {
            let values = strings(heap, &flag.values)?;
            list = heap.cons(values, list)?;
        }
    }
    match list.is_nil() {
        true => Ok(am::ERROR.term()),
        false => Ok(heap.tuple(&[am::OK.term(), list])?),
    }
}

/// `[{Flag, Values}, ...]` in the order given.
fn get_arguments_0(cx: &mut Context, _: &[Term]) -> Value {
    let (machine, heap) = cx.machine_and_heap();
    let mut list = Term::NIL;
    for flag in machine.arguments.flags.iter().rev() {
        let name = machine.atoms.insert(&flag.name).map_err(Fail::from)?;
        let values = strings(heap, &flag.values)?;
        let pair = heap.tuple(&[name.term(), values])?;
        list = heap.cons(pair, list)?;
    }
    Ok(list)
}

/// What followed `-extra`.
fn get_plain_arguments_0(cx: &mut Context, _: &[Term]) -> Value {
    let (machine, heap) = cx.machine_and_heap();
    Ok(strings(heap, &machine.arguments.plain)?)
}

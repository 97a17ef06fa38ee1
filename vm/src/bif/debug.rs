//! `erts_debug`: functions by which OTP's own tests look at the runtime system. What they get and set of its state is [`super::internal_state`].
//!
//! There are no dirty schedulers, so `dirty/3` and its like run where every function does, and say so. There are no lock counters, and nothing to disassemble into
//! OTP's instructions: those answer as an OTP without them.

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::platform::Stream;
use crate::process::Trap;
use crate::term::shared::{copy_shared, size_shared};
use crate::term::{Term, print};
use alloc::vec::Vec;
use starling_loader::operation::OPS;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erts_debug", "copy_shared", 2, copy_shared_2),
    bif("erts_debug", "size_shared", 1, size_shared_1),
    bif("erts_debug", "map_info", 1, map_info_1),
    bif("erts_debug", "display", 1, display_1),
    bif("erts_debug", "disassemble", 1, disassemble_1),
    bif("erts_debug", "instructions", 0, instructions_0),
    bif("erts_debug", "interpreter_size", 0, interpreter_size_0),
    bif("erts_debug", "lcnt_control", 1, no_lock_counters),
    bif("erts_debug", "lcnt_control", 2, no_lock_counters),
    bif("erts_debug", "lcnt_collect", 0, no_lock_counts),
    bif("erts_debug", "lcnt_clear", 0, no_lock_counts),
    bif("erts_debug", "dirty_cpu", 2, dirty_2),
    bif("erts_debug", "dirty_io", 2, dirty_2),
    bif("erts_debug", "dirty", 3, dirty_3),
];

/// `copy_shared(Term, ShareLiterals)`
fn copy_shared_2(cx: &mut Context, args: &[Term]) -> Value {
    let literals = match args[1].as_boolean().ok_or(Fail::Badarg)? {
        true => cx.machine().literals.clone(),
        false => 0..0,
    };
    Ok(copy_shared(args[0], cx, &literals)?)
}

fn size_shared_1(cx: &mut Context, args: &[Term]) -> Value {
    let literals = cx.machine().literals.clone();
    Ok(Term::small(size_shared(args[0], &literals)? as i64))
}

/// Most children of a node of a large map, and a bound of its depth.
const WAYS: usize = 16;

/// What a large map looks like inside: how many nodes have how many children, how many pairs are how deep.
fn map_info_1(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_map() {
        return Err(cx.raise_tagged(am::BADMAP, args[0]));
    }
    let Some(root) = crate::map::trie_children(&args[0]) else {
        return Err(Fail::Badarg);
    };
    let (mut nodes, mut leafs, mut deepest) = ([0u64; WAYS], [0u64; WAYS], 0);
    let mut left = Vec::new();
    left.try_reserve(1).map_err(|_| Fail::NoMemory)?;
    left.push((root, 0));
    while let Some((children, depth)) = left.pop() {
        nodes[children.len().clamp(1, WAYS) - 1] += 1;
        for child in children {
            match crate::map::trie_children(child) {
                Some(inner) => {
                    left.try_reserve(1).map_err(|_| Fail::NoMemory)?;
                    left.push((inner, depth + 1));
                }
                None => {
                    leafs[(depth + 1).min(WAYS - 1)] += 1;
                    deepest = deepest.max(depth + 1);
                }
            }
        }
    }
    let (of_nodes, of_leafs) = (counts(cx, &nodes)?, counts(cx, &leafs)?);
    let total = |counts: &[u64]| Term::small(counts.iter().sum::<u64>() as i64);
    let zero = Term::small(0);
    let entries = [
        cx.property("depth", &[Term::small(deepest as i64)])?,
        cx.property("arrays", &[zero, Term::NIL])?,
        cx.property("bitmaps", &[total(&nodes), of_nodes])?,
        cx.property("leafs", &[total(&leafs), of_leafs])?,
    ];
    Ok(cx.list(&entries)?)
}

fn counts(cx: &mut Context, counts: &[u64; WAYS]) -> Value {
    let counts = counts.map(|count| Term::small(count as i64));
    Ok(cx.tuple(&counts)?)
}

/// Prints a term on the error stream, with a line's end; the text.
fn display_1(cx: &mut Context, args: &[Term]) -> Value {
    let mut text = print::to_bytes(cx.atoms(), args[0]).map_err(|_| Fail::NoMemory)?;
    text.try_reserve(1).map_err(|_| Fail::NoMemory)?;
    text.push(b'\n');
    cx.machine().console_write(Stream::Error, &text);
    let text = alloc::string::String::from_utf8_lossy(&text);
    cx.string(&text)
}

/// Code has none of OTP's instructions, as with its JIT.
fn disassemble_1(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::boolean(false))
}

/// The machine's instructions.
fn instructions_0(cx: &mut Context, _: &[Term]) -> Value {
    let mut list = Term::NIL;
    for operation in OPS.iter().rev() {
        let name = cx.string(operation.name())?;
        list = cx.cons(name, list)?;
    }
    Ok(list)
}

/// Bytes of the code that interprets instructions: not known, as with OTP's JIT.
fn interpreter_size_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::small(0))
}

fn no_lock_counters(_: &mut Context, _: &[Term]) -> Value {
    Err(Fail::Badarg)
}

fn no_lock_counts(_: &mut Context, _: &[Term]) -> Value {
    Ok(am::ERROR.term())
}

/// `dirty(Scheduler, Test, Argument)`
fn dirty_3(cx: &mut Context, args: &[Term]) -> Value {
    let scheduler = args[0].as_atom().ok_or(Fail::Badarg)?;
    match cx.atoms().name(scheduler) {
        "normal" | "dirty_cpu" | "dirty_io" => dirty_2(cx, &args[1..]),
        _ => Err(Fail::Badarg),
    }
}

/// Copies that the test `copy` makes.
const COPIES: usize = 1000;

/// `dirty_cpu(Test, Argument)`: on the scheduler that there is.
fn dirty_2(cx: &mut Context, args: &[Term]) -> Value {
    let [test, argument] = [args[0], args[1]];
    let test = test.as_atom().ok_or(Fail::Badarg)?;
    match cx.atoms().name(test) {
        "scheduler" if argument == cx.atom("type")? => Ok(am::NORMAL.term()),
        "error" => match argument.as_atom() {
            Some(am::BADARITH | am::UNDEF | am::NOPROC | am::SYSTEM_LIMIT) => {
                Err(cx.raise(Class::Error, argument))
            }
            _ => Err(Fail::Badarg),
        },
        "copy" => {
            let mut list = Term::NIL;
            for _ in 0..COPIES {
                let copy = crate::term::copy::copy(argument, cx, &(0..0))?;
                list = cx.cons(copy, list)?;
            }
            Ok(list)
        }
        "reschedule" => match argument.as_small() {
            Some(times) => {
                cx.bump_reductions(times.max(0) as usize);
                Ok(am::OK.term())
            }
            None => Err(Fail::Badarg),
        },
        "wait" => wait(cx, argument),
        _ => Err(Fail::Badarg),
    }
}

/// The process waits; the machine does not. So a machine without `timer:sleep/1` cannot.
fn wait(cx: &mut Context, milliseconds: Term) -> Value {
    if !matches!(milliseconds.as_small(), Some(0..)) {
        return Err(Fail::Badarg);
    }
    let [module, function] = [cx.atoms().insert("timer")?, cx.atoms().insert("sleep")?];
    let export = cx.machine().code.find_export(module, function, 1);
    let export = export.ok_or(Fail::Badarg)?;
    cx.machine().x[0] = milliseconds;
    cx.process().trap = Some(Trap {
        export: export.cast(),
        arity: 1,
    });
    Err(Fail::Trap)
}

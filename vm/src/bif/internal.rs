//! Functions of `erts_internal` that tell what the runtime system is made of.
//!
//! The machine has one thread, so what OTP gathers from its schedulers by messages is one message here.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::crash_dump::stack::Gathered;
use crate::memory::Arena;
use crate::term::fun::{Fun, Target};
use crate::term::print::{self, Text};
use crate::term::{Subtag, Term};
use crate::time::clock::NATIVE_PER_SECOND;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif(
        "erts_internal",
        "no_aux_work_threads",
        0,
        no_aux_work_threads_0,
    ),
    bif("erts_internal", "time_unit", 0, time_unit_0),
    bif("erts_internal", "perf_counter_unit", 0, time_unit_0),
    bif("erts_internal", "term_type", 1, term_type_1),
    bif("erts_internal", "system_check", 1, system_check_1),
    bif(
        "erts_internal",
        "map_hashmap_children",
        1,
        map_hashmap_children_1,
    ),
    bif(
        "erts_internal",
        "scheduler_wall_time",
        1,
        scheduler_wall_time_1,
    ),
    bif("erts_internal", "gather_alloc_histograms", 1, gather_1),
    bif("erts_internal", "gather_carrier_info", 1, gather_1),
    bif("erts_internal", "term_to_string", 2, term_to_string_2),
];

/// Threads that could do work for others: the scheduler, and one that OTP always has and never asks.
pub(super) const AUX_WORK_THREADS: i64 = 2;

fn no_aux_work_threads_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::small(AUX_WORK_THREADS))
}

/// Native time units in a second; the performance counter has the same.
fn time_unit_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::small(NATIVE_PER_SECOND))
}

/// The kind of a term, in the words of OTP's emulator.
fn term_type_1(cx: &mut Context, args: &[Term]) -> Value {
    let term = args[0];
    let name = if term.is_small() {
        "fixnum"
    } else if term.is_nil() {
        "nil"
    } else if term.is_cons() {
        "list"
    } else if term.is_atom() {
        "atom"
    } else if term.is_local_pid() {
        "pid"
    } else if term.is_local_port() {
        "port"
    } else if let Some(fun) = Fun::of(&term) {
        match fun.target() {
            Target::External(_) => "export",
            Target::Local(_) => "fun",
        }
    } else if let Some(bits) = crate::bits::view::view(&term) {
        match term.subtag() {
            Some(Subtag::RefcBits) => "refc_binary",
            Some(Subtag::SubBits) => "sub_binary",
            _ if bits.is_binary() => "heap_binary",
            _ => "sub_binary",
        }
    } else {
        match term.subtag() {
            Some(Subtag::Tuple) => "tuple",
            Some(Subtag::BigPositive | Subtag::BigNegative) => "bignum",
            Some(Subtag::Float) => "hfloat",
            Some(Subtag::FlatMap) => "flatmap",
            Some(Subtag::Reference) => "reference",
            _ if term.is_map() => "hashmap",
            _ if term.is_pid() => "external_pid",
            _ if term.is_port() => "external_port",
            _ if term.is_reference() => "external_reference",
            _ => return Err(Fail::Badarg),
        }
    };
    cx.atom(name)
}

/// `system_check(schedulers)`: each scheduler answers. The one there is does so by running this.
fn system_check_1(cx: &mut Context, args: &[Term]) -> Value {
    let schedulers = cx.atom("schedulers")?;
    match args[0] == schedulers {
        true => Ok(am::OK.term()),
        false => Err(Fail::Badarg),
    }
}

/// The parts of the root of a large map's trie.
fn map_hashmap_children_1(cx: &mut Context, args: &[Term]) -> Value {
    let children = crate::map::trie_children(&args[0]).ok_or(Fail::Badarg)?;
    Ok(cx.list(children)?)
}

/// Switches the measuring of schedulers on or off; whether it was on.
pub(super) fn scheduler_wall_time_1(cx: &mut Context, args: &[Term]) -> Value {
    let on = args[0].as_boolean().ok_or(Fail::Badarg)?;
    let machine = cx.machine();
    let now = machine.platform.monotonic_ns();
    let since = (now, machine.scheduler.idle_ns);
    let measured = &mut machine.scheduler.measured_since;
    let old = measured.is_some();
    match on {
        true if old => {}
        true => *measured = Some(since),
        false => *measured = None,
    }
    Ok(Term::boolean(old))
}

/// What allocators of OTP know of their blocks and carriers: there are none of them here, so nobody answers.
fn gather_1(_: &mut Context, args: &[Term]) -> Value {
    match args[0].as_tuple() {
        Some([kind, _, _, _, reference]) if kind.is_atom() && reference.is_reference() => {
            Ok(Term::small(0))
        }
        _ => Err(Fail::Badarg),
    }
}

/// The text of a term as `erlang:display/1` prints it, or so many characters of it.
fn term_to_string_2(cx: &mut Context, args: &[Term]) -> Value {
    let limit = match args[1].as_small() {
        Some(limit @ 0..) => limit as usize,
        _ if args[1] == am::UNDEFINED.term() => usize::MAX,
        _ => return Err(Fail::Badarg),
    };
    let mut text = Gathered::default();
    print::print(cx.atoms(), args[0], &mut Text(&mut text)).map_err(|_| Fail::NoMemory)?;
    let end = text.0.char_indices().nth(limit).map(|(at, _)| at);
    let text = &text.0[..end.unwrap_or(text.0.len())];
    cx.bump_reductions(text.len() / 64);
    cx.string(text)
}

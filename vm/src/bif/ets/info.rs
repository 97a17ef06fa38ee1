//! `info/1,2`: what is known of a table, and of the binaries in it.

use super::super::{Bif, Context, Fail, Value, bif};
use super::{Access, open};
use crate::atom::am;
use crate::ets::Opened;
use crate::ets::table::Store;
use crate::memory::Arena;
use crate::memory::off_heap::Binary;
use crate::process::Trap;
use crate::term::{Atom, Term};

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("ets", "info", 1, info_1),
    bif("ets", "info", 2, info_2),
    bif(
        "erts_internal",
        "ets_lookup_binary_info",
        2,
        ets_lookup_binary_info_2,
    ),
];

/// What `info/1` lists, in OTP's order.
const ITEMS: [Atom; 15] = [
    am::ID,
    am::DECENTRALIZED_COUNTERS,
    am::READ_CONCURRENCY,
    am::WRITE_CONCURRENCY,
    am::COMPRESSED,
    am::MEMORY,
    am::OWNER,
    am::HEIR,
    am::NAME,
    am::SIZE,
    am::NODE,
    am::NAMED_TABLE,
    am::TYPE,
    am::KEYPOS,
    am::PROTECTION,
];

/// Microseconds of a second and of a million of them.
const MICRO: i64 = 1_000_000;

/// The table, or `None` if the term could be one and there is none.
fn table(cx: &mut Context, term: Term) -> Result<Option<Opened>, Fail> {
    match open(cx, term, Access::Info) {
        Ok(table) => Ok(Some(table)),
        Err(fail) => {
            let cause = &mut cx.process().exception.cause;
            if *cause == Some(am::ID) {
                *cause = None;
                return Ok(None);
            }
            Err(fail)
        }
    }
}

fn info_1(cx: &mut Context, args: &[Term]) -> Value {
    let Some(table) = table(cx, args[0])? else {
        return Ok(am::UNDEFINED.term());
    };
    let mut list = Term::NIL;
    for name in ITEMS.into_iter().rev() {
        let value = item(cx, &table, name)?;
        let pair = cx.tuple(&[name.term(), value])?;
        list = cx.cons(pair, list)?;
    }
    Ok(list)
}

fn info_2(cx: &mut Context, args: &[Term]) -> Value {
    if args[1] == am::BINARY.term() {
        return binaries(cx, args[0]);
    }
    let Some(table) = table(cx, args[0])? else {
        return Ok(am::UNDEFINED.term());
    };
    match args[1].as_atom() {
        Some(name) => item(cx, &table, name),
        None => Err(Fail::Badarg),
    }
}

/// OTP's own code walks over the table and collects them.
fn binaries(cx: &mut Context, table: Term) -> Value {
    let function = cx.atoms().insert("ets_info_binary")?;
    let machine = cx.machine();
    let export = machine.code.export(am::ERTS_INTERNAL, function, 1);
    machine.x[0] = table;
    cx.process().trap = Some(Trap {
        export: export.cast(),
        arity: 1,
    });
    Err(Fail::Trap)
}

/// One item; `badarg` if there is none of that name.
fn item(cx: &mut Context, table: &Opened, name: Atom) -> Value {
    let options = &table.options;
    Ok(match name {
        am::ID => table.id.term(cx)?,
        // Nothing is written beside anything else, and counted in one place.
        am::DECENTRALIZED_COUNTERS | am::WRITE_CONCURRENCY => Term::boolean(false),
        am::READ_CONCURRENCY => Term::boolean(options.read_concurrency),
        am::COMPRESSED => Term::boolean(options.compressed),
        am::MEMORY => Term::small(table.memory_words() as i64),
        am::OWNER => table.owner,
        am::HEIR => table.heir.as_ref().map_or(am::NONE.term(), |heir| heir.pid),
        am::NAME => table.name.term(),
        am::SIZE => Term::small(table.len() as i64),
        am::NODE => cx.atoms().node.name.term(),
        am::NAMED_TABLE => Term::boolean(options.named),
        am::TYPE => options.kind.atom().term(),
        am::KEYPOS => Term::small(options.key_position as i64 + 1),
        am::PROTECTION => options.protection.atom().term(),
        am::FIXED => Term::boolean(table.fixation.is_fixed()),
        am::SAFE_FIXED | am::SAFE_FIXED_MONOTONIC_TIME => {
            return fixed_since(cx, table, name == am::SAFE_FIXED);
        }
        am::STATS => return statistics(cx, table),
        _ => return Err(Fail::Badarg),
    })
}

/// `{Time, [{Pid, Count}]}`, or `false` for a table that nobody has fixed.
fn fixed_since(cx: &mut Context, table: &Opened, as_timestamp: bool) -> Value {
    let Some(since) = table.fixation.since() else {
        return Ok(Term::boolean(false));
    };
    let time = if as_timestamp {
        let microseconds = (since + cx.machine().clock.offset) / 1_000;
        let seconds = microseconds / MICRO;
        let parts = [seconds / MICRO, seconds % MICRO, microseconds % MICRO];
        cx.tuple(&parts.map(Term::small))?
    } else {
        cx.integer(since)?
    };
    let mut list = Term::NIL;
    for (pid, count) in table.fixation.fixers() {
        let pair = cx.tuple(&[*pid, Term::small(*count as i64)])?;
        list = cx.cons(pair, list)?;
    }
    Ok(cx.tuple(&[time, list])?)
}

/// Locks of a table: there is nobody to write beside.
const LOCKS: i64 = 1;

/// `{Buckets, AverageChain, StandardDeviation, ExpectedDeviation, Shortest, Longest, KeptDeleted, Locks}`; `false` for an
/// `ordered_set`. Chains are told with those objects that are only marked as deleted.
fn statistics(cx: &mut Context, table: &Opened) -> Value {
    let Store::Hash(store) = &table.store else {
        return Ok(Term::boolean(false));
    };
    let buckets = store.buckets();
    let (mut squares, mut shortest, mut longest) = (0u64, usize::MAX, 0);
    for bucket in 0..buckets {
        let length = store.chain(bucket).count();
        squares += (length * length) as u64;
        shortest = shortest.min(length);
        longest = longest.max(length);
    }
    cx.bump_reductions(buckets / 8);
    let held = table.store.held() as f64;
    let average = held / buckets as f64;
    let variance = (squares as f64 - average * held) / buckets as f64;
    let expected = average * (1.0 - 1.0 / buckets as f64);
    let floats = [average, libm::sqrt(variance.max(0.0)), libm::sqrt(expected)];
    let mut fields = [Term::NIL; 8];
    fields[0] = Term::small(buckets as i64);
    for (field, value) in fields[1..4].iter_mut().zip(floats) {
        *field = cx.float(value)?;
    }
    fields[4] = Term::small(shortest as i64);
    fields[5] = Term::small(longest as i64);
    fields[6] = Term::small(store.marked() as i64);
    fields[7] = Term::small(LOCKS);
    Ok(cx.tuple(&fields)?)
}

/// `[{Address, Size, References}]` of the binaries off the heap in the objects of a key, deleted ones that a fixed table keeps included.
fn ets_lookup_binary_info_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let mut list = Term::NIL;
    let (heap, atoms) = cx.heap_and_atoms();
    table.each_held_of(atoms, args[1], |object| {
        for binary in object.binaries() {
            // SAFETY: the object holds a reference to it.
            let size = unsafe { binary.as_ref() }.capacity;
            let fields = [
                heap.unsigned(binary.as_ptr() as u64)?,
                heap.unsigned(size as u64)?,
                Term::small(Binary::references(binary) as i64),
            ];
            let entry = heap.tuple(&fields)?;
            list = heap.cons(entry, list)?;
        }
        Ok::<(), Fail>(())
    })?;
    Ok(list)
}

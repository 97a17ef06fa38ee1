//! What memory is used for, as OTP's allocators tell it: `system_info(allocator)`, `{allocator, A}`, `{allocator_sizes, A}`, `allocated_areas`.
//!
//! `erlang:memory/0,1`, `instrument`, `observer` and `recon_alloc` are Erlang code, which adds up what allocators and `allocated_areas` tell. The machine has
//! one allocator and no carriers of its own; it tells the bytes and blocks of each purpose under the name of the allocator that OTP
//! uses for it, in one carrier that is as large as they are. What part of `ll_alloc` is what stands in `allocated_areas`, so that the sums come out right.
//! An allocator of OTP's that stands for nothing here has no blocks.

use super::statistics::{self, Measured};
use super::system_info::number;
use super::{Context, Fail, Value, system_task};
use crate::atom::am;
use crate::memory::Arena;
use crate::term::Term;
use alloc::vec::Vec;

/// How much of an allocator is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// `{allocator, A}`
    All,
    /// `{allocator_sizes, A}`
    Sizes,
}

/// Bytes and blocks of one purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Used {
    bytes: u64,
    blocks: u64,
}

/// OTP's allocators that have carriers, in its order.
const ALLOCATORS: &[&str] = &[
    "temp_alloc",
    "sl_alloc",
    "std_alloc",
    "ll_alloc",
    "eheap_alloc",
    "ets_alloc",
    "fix_alloc",
    "literal_alloc",
    "binary_alloc",
    "driver_alloc",
];

/// What an allocator of [`ALLOCATORS`] stands for.
fn used_by(allocator: &str, all: &Measured) -> Used {
    let (bytes, blocks) = match allocator {
        "ll_alloc" => (all.atom + all.code, 2),
        "literal_alloc" => (all.literals, 1),
        "eheap_alloc" => (all.processes, all.process_count),
        "ets_alloc" => (all.ets, all.ets_count),
        "binary_alloc" => (all.binary, all.binary_count),
        _ => (0, 0),
    };
    Used { bytes, blocks }
}

fn atoms(cx: &mut Context, names: &[&'static str]) -> Value {
    let mut list = Term::NIL;
    for name in names.iter().rev() {
        let name = cx.atom(name)?;
        list = cx.cons(name, list)?;
    }
    Ok(list)
}

/// `system_info(alloc_util_allocators)`
pub(super) fn names(cx: &mut Context) -> Value {
    atoms(cx, ALLOCATORS)
}

/// `system_info(allocator)`: `{Library, Version, Features, Settings}`.
pub(super) fn settings(cx: &mut Context) -> Value {
    let features = names(cx)?;
    let sys_alloc = cx.atom("sys_alloc")?;
    let features = cx.cons(sys_alloc, features)?;
    let mut settings = Term::NIL;
    for name in ALLOCATORS.iter().rev() {
        let options = options(cx)?;
        let entry = cx.property(name, &[options])?;
        settings = cx.cons(entry, settings)?;
    }
    Ok(cx.tuple(&[am::UNDEFINED.term(), Term::NIL, features, settings])?)
}

/// The settings of an allocator: it is enabled; no threads, no tags.
fn options(cx: &mut Context) -> Value {
    let [no, yes] = [Term::boolean(false), Term::boolean(true)];
    cx.properties(&[("e", yes), ("t", no), ("atags", no), ("ramv", no)])
}

/// `{allocator, Name}` and `{allocator_sizes, Name}`. `false` for one that is switched off, `badarg` for what is none.
pub(super) fn of(cx: &mut Context, name: &'static str, detail: Detail) -> Value {
    let data = match data_of(cx, name, detail)? {
        Some(data) => data,
        None if name == "test_alloc" => return Ok(Term::boolean(false)),
        None => return Err(Fail::Badarg),
    };
    if name == "erts_mmap" {
        return Ok(data);
    }
    let instance = cx.property("instance", &[Term::small(0), data])?;
    Ok(cx.list(&[instance])?)
}

/// `{allocator, Names}` and `{allocator_sizes, Names}` for a list of them: `[{Name, What}]`. (OTP calls Erlang code, which asks every
/// scheduler by [`send_sizes`].)
pub(super) fn of_all(cx: &mut Context, names: Term, detail: Detail) -> Value {
    let mut entries = Vec::new();
    let mut rest = names.iter_list();
    for allocator in &mut rest {
        let allocator = allocator.as_atom().ok_or(Fail::Badarg)?;
        let name = cx.atoms().name(allocator);
        let told = of(cx, name, detail)?;
        let entry = cx.tuple(&[allocator.term(), told])?;
        entries.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        entries.push(entry);
    }
    if entries.is_empty() || !rest.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    Ok(cx.list(&entries)?)
}

/// What an instance of an allocator is told to be, `None` for what is none.
fn data_of(cx: &mut Context, name: &'static str, detail: Detail) -> Result<Option<Term>, Fail> {
    let zero = Term::small(0);
    let data = match name {
        _ if ALLOCATORS.contains(&name) => {
            let measured = statistics::measure(cx.machine())?;
            let used = used_by(name, &measured);
            match detail {
                Detail::All => all_of(cx, name, used)?,
                Detail::Sizes => sizes_of(cx, name, used)?,
            }
        }
        "sys_alloc" | "alloc_util" if detail == Detail::Sizes => Term::NIL,
        "sys_alloc" => {
            let on = cx.property("e", &[Term::boolean(true)])?;
            let options = cx.list(&[on])?;
            cx.properties(&[("options", options)])?
        }
        "alloc_util" => Term::NIL,
        "mseg_alloc" if detail == Detail::Sizes => {
            let size = cx.property("segments_size", &[zero; 3])?;
            cx.list(&[size])?
        }
        "mseg_alloc" => segments(cx)?,
        "erts_mmap" => Term::NIL,
        _ => return Ok(None),
    };
    Ok(Some(data))
}

/// `[{Name, [{size, Now, MaximumSinceAsked, Maximum}]}]`, with `count` where all is told; `[]` where nothing is used. Maxima are not kept: they are what
/// is now.
fn blocks(cx: &mut Context, name: &'static str, used: Used, detail: Detail) -> Value {
    if used.blocks == 0 {
        return Ok(Term::NIL);
    }
    let (bytes, blocks) = (cx.unsigned(used.bytes)?, cx.unsigned(used.blocks)?);
    let size = cx.property("size", &[bytes; 3])?;
    let sizes = match detail {
        Detail::Sizes => cx.list(&[size])?,
        Detail::All => {
            let count = cx.property("count", &[blocks; 3])?;
            cx.list(&[count, size])?
        }
    };
    cx.properties(&[(name, sizes)])
}

fn sizes_of(cx: &mut Context, name: &'static str, used: Used) -> Value {
    let mut kinds = Vec::new();
    for (kind, used) in [("mbcs", used), ("sbcs", Used::default())] {
        let blocks = blocks(cx, name, used, Detail::Sizes)?;
        let blocks = cx.property("blocks", &[blocks])?;
        let bytes = cx.unsigned(used.bytes)?;
        let carriers = cx.property("carriers_size", &[bytes; 3])?;
        let data = cx.list(&[blocks, carriers])?;
        kinds.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        kinds.push((kind, data));
    }
    cx.properties(&kinds)
}

/// One carrier for all, from the system: it is as large as what is in it.
fn carriers(cx: &mut Context, name: &'static str, used: Used) -> Value {
    let zero = Term::small(0);
    let blocks = blocks(cx, name, used, Detail::All)?;
    let bytes = cx.unsigned(used.bytes)?;
    let count = Term::small((used.blocks > 0) as i64);
    let mut entries = [Term::NIL; 7];
    for (at, (key, values)) in [
        ("blocks", &[blocks][..]),
        ("carriers", &[count; 3]),
        ("mseg_alloc_carriers", &[zero]),
        ("sys_alloc_carriers", &[count]),
        ("carriers_size", &[bytes; 3]),
        ("mseg_alloc_carriers_size", &[zero]),
        ("sys_alloc_carriers_size", &[bytes]),
    ]
    .into_iter()
    .enumerate()
    {
        entries[at] = cx.property(key, values)?;
    }
    Ok(cx.list(&entries)?)
}

/// How often an allocator was called is not counted; what calls there are, is.
const CALLS: &[&str] = &[
    "mseg_alloc",
    "mseg_dealloc",
    "mseg_realloc",
    "sys_alloc",
    "sys_free",
    "sys_realloc",
];

fn calls(cx: &mut Context, names: &[&'static str]) -> Value {
    let mut list = Term::NIL;
    for name in names.iter().rev() {
        let entry = cx.property(name, &[Term::small(0); 2])?;
        list = cx.cons(entry, list)?;
    }
    Ok(list)
}

fn all_of(cx: &mut Context, name: &'static str, used: Used) -> Value {
    let text = cx.string("0.9")?;
    let versions = cx.property("versions", &[text, text])?;
    let options = options(cx)?;
    let options = cx.property("options", &[options])?;
    let mbcs = carriers(cx, name, used)?;
    let mbcs = cx.property("mbcs", &[mbcs])?;
    let sbcs = carriers(cx, name, Used::default())?;
    let sbcs = cx.property("sbcs", &[sbcs])?;
    let calls = calls(cx, CALLS)?;
    let calls = cx.property("calls", &[calls])?;
    Ok(cx.list(&[versions, options, mbcs, sbcs, calls])?)
}

/// `{allocator, mseg_alloc}`: there are no segments.
fn segments(cx: &mut Context) -> Value {
    let zero = Term::small(0);
    let name = cx.string("all memory")?;
    let status = [
        cx.property("cached_segments", &[zero])?,
        cx.property("cache_hits", &[zero])?,
        cx.property("segments", &[zero; 3])?,
        cx.property("segments_watermark", &[zero])?,
        cx.property("segments_size", &[zero; 3])?,
    ];
    let status = cx.list(&status)?;
    let calls = calls(cx, &CALLS[..3])?;
    let memory = cx.properties(&[("name", name), ("status", status), ("calls", calls)])?;
    let version = cx.string("0.9")?;
    cx.properties(&[
        ("version", version),
        ("options", Term::NIL),
        ("memkind", memory),
    ])
}

/// `{memory_internal | allocator | allocator_sizes, Reference, Allocators}`: `{Reference, 1, [{Allocator, 0, Data}]}` comes as a message, from
/// the one scheduler.
pub(super) fn send_sizes(cx: &mut Context, item: Term, reference: Term, names: Term) -> Value {
    let item = item.as_atom().ok_or(Fail::Badarg)?;
    let detail = match cx.atoms().name(item) {
        "allocator" => Detail::All,
        "memory_internal" | "allocator_sizes" => Detail::Sizes,
        _ => return Err(Fail::Badarg),
    };
    if !reference.is_reference() || !names.is_list() {
        return Err(Fail::Badarg);
    }
    let mut entries = Vec::new();
    let mut rest = names.iter_list();
    for allocator in &mut rest {
        let allocator = allocator.as_atom().ok_or(Fail::Badarg)?;
        let name = cx.atoms().name(allocator);
        let entry = match data_of(cx, name, detail)? {
            Some(mut data) => {
                if name == "fix_alloc" {
                    let types = fixed_types(cx)?;
                    data = cx.cons(types, data)?;
                }
                cx.tuple(&[allocator.term(), Term::small(0), data])?
            }
            None => cx.tuple(&[allocator.term(), Term::boolean(false)])?,
        };
        entries.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        entries.push(entry);
    }
    if !rest.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    let entries = cx.list(&entries)?;
    let own = cx.process().pid;
    system_task::answer(cx, own, &[reference, Term::small(1), entries])?;
    Ok(Term::boolean(true))
}

/// `{fix_types, [{Type, Allocated, Used}]}`: of what is of one size, timers are counted.
fn fixed_types(cx: &mut Context) -> Value {
    let bytes = number(cx.machine().timers.message_bytes())?;
    let timers = cx.property("bif_timer", &[bytes; 2])?;
    let list = cx.cons(timers, Term::NIL)?;
    cx.property("fix_types", &[list])
}

/// What the memory beside heaps, tables and binaries is: atoms, code, and the tables of processes and ports, which are counted elsewhere already.
pub(super) fn allocated_areas(cx: &mut Context) -> Value {
    let measured = statistics::measure(cx.machine())?;
    let (atoms, code) = (cx.unsigned(measured.atom)?, cx.unsigned(measured.code)?);
    let processes = number(cx.machine().processes.table.memory())?;
    let mut entries = [Term::NIL; 3];
    entries[0] = cx.property("atom_space", &[atoms; 2])?;
    entries[1] = cx.property("loaded_code", &[code])?;
    entries[2] = cx.property("process_table", &[processes])?;
    Ok(cx.list(&entries)?)
}

//! `system_info/1`: what the machine is and has.
//!
//! It answers what is so here: one scheduler, no threads. An item that OTP does not know is `badarg`, and so is one whose
//! answer would be made up (`check_io`, the settings of OTP's allocators).
//!
//! `erlang:memory/0,1` is Erlang code in OTP, which adds up what allocators and `allocated_areas` tell. The machine has no
//! such allocators; it tells the bytes of each purpose under the name of the allocator that OTP uses for it, and what part of
//! `ll_alloc` is what in `allocated_areas`, so that the sums come out right.

use super::statistics::{self, Purpose};
use super::{Bif, Context, Fail, Value, bif, os, process_flag, system_task};
use crate::atom::am;
use crate::boot::options::BreakKey;
use crate::crash_dump;
use crate::dist::connection::Controller;
use crate::memory::Arena;
use crate::memory::gc::heap_size;
use crate::process::MIN_BINARY_HEAP_WORDS;
use crate::term::{Atom, Term};
use crate::time::warp;
use alloc::format;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[bif("erlang", "system_info", 1, system_info_1)];

pub(super) fn number(value: usize) -> Value {
    Ok(Term::small(
        value.min(crate::term::MAX_SMALL as usize) as i64
    ))
}

fn tagged(cx: &mut Context, tag: Atom, value: usize) -> Value {
    let value = number(value)?;
    Ok(cx.tuple(&[tag.term(), value])?)
}

fn system_info_1(cx: &mut Context, args: &[Term]) -> Value {
    match args[0].as_tuple() {
        Some(&[item, detail]) => return detail_of(cx, item, detail),
        Some(&[item, reference, allocators]) => {
            return send_sizes(cx, item, reference, allocators);
        }
        _ => {}
    }
    let item = args[0].as_atom().ok_or(Fail::Badarg)?;
    let name = cx.atoms().name(item);
    let counted = count(cx, name);
    if let Some(count) = counted {
        return number(count);
    }
    if let Some(atom) = fixed_atom(name) {
        return cx.atom(atom);
    }
    match name {
        "otp_release" => {
            let release = cx.machine().release.clone();
            cx.string(&release)
        }
        "version" => {
            let version = cx.machine().erts_version.clone();
            cx.string(&version)
        }
        "machine" => cx.string("BEAM"),
        "time_warp_mode" => {
            let mode = cx.machine().options.time_warp;
            cx.atom(mode.name())
        }
        "time_offset" => {
            let state = warp::state(cx.machine());
            cx.atom(state)
        }
        "time_correction" => Ok(Term::boolean(cx.machine().options.time_correction)),
        "tolerant_timeofday" => match cx.machine().options.time_correction {
            true => cx.atom("enabled"),
            false => cx.atom("disabled"),
        },
        "system_architecture" => match cx.machine().host.system {
            "linux" => cx.string("x86_64-pc-linux-gnu"),
            system => cx.string(&format!("x86_64-pc-{system}")),
        },
        "system_version" => {
            let version = crash_dump::system_version(cx.machine());
            cx.string(&format!("{version}\n"))
        }
        // The interfaces for native code of the releases; there is no native code to load.
        "nif_version" => match cx.machine().release.as_str() {
            "25" => cx.string("2.16"),
            _ => cx.string("2.17"),
        },
        "driver_version" => cx.string("3.3"),
        "dist_ctrl" => dist_ctrl(cx),
        "taints" | "multi_scheduling_blockers" | "normal_multi_scheduling_blockers" => {
            Ok(Term::NIL)
        }
        "break_ignored" => {
            let key = cx.machine().options.break_key;
            Ok(Term::boolean(key == BreakKey::Ignored))
        }
        "os_type" => os::type_0(cx, &[]),
        "os_version" => os::version_0(cx, &[]),
        "ethread_info" => threads(cx),
        "snifs" => super::snifs::built_ins(cx),
        "start_time" => {
            let started = cx.machine().clock.started;
            Ok(cx.integer(started)?)
        }
        "end_time" => Ok(cx.integer(i64::MAX)?),
        "min_heap_size" => {
            let words = cx.machine().processes.defaults.min_heap_size;
            tagged(cx, item, words)
        }
        "min_bin_vheap_size" => tagged(cx, item, MIN_BINARY_HEAP_WORDS),
        "fullsweep_after" => {
            let after = cx.machine().processes.defaults.fullsweep_after;
            tagged(cx, item, after as usize)
        }
        "max_heap_size" => {
            let size = cx.machine().processes.defaults.max_heap_size;
            Ok(process_flag::max_heap_size_map(cx, size)?)
        }
        "message_queue_data" => {
            let off_heap = cx.machine().processes.defaults.off_heap_messages;
            Ok(process_flag::message_queue_data_atom(off_heap).term())
        }
        "heap_sizes" => heap_sizes(cx),
        "garbage_collection" => garbage_collection(cx),
        "schedulers_state" => Ok(cx.tuple(&[Term::small(1); 3])?),
        "scheduler_bindings" => {
            let unbound = cx.atom("unbound")?;
            Ok(cx.tuple(&[unbound])?)
        }
        "sequential_tracer" => Ok(cx.tuple(&[item.term(), Term::boolean(false)])?),
        "system_logger" => Ok(cx.machine().system_logger),
        "trace_control_word" => {
            let word = cx.machine().scheduler.trace_control_word;
            number(word as usize)
        }
        "os_monotonic_time_source" | "os_system_time_source" => time_source(cx, name),
        "alloc_util_allocators" => {
            let mut list = Term::NIL;
            for (allocator, _) in ALLOCATORS.iter().rev() {
                let allocator = cx.atom(allocator)?;
                list = cx.cons(allocator, list)?;
            }
            Ok(list)
        }
        "allocator" => {
            let all = cx.atom("alloc_util_allocators")?;
            let all = system_info_1(cx, &[all])?;
            Ok(cx.tuple(&[am::UNDEFINED.term(), Term::NIL, all, Term::NIL])?)
        }
        "allocated_areas" => allocated_areas(cx),
        "c_compiler_used" => Ok(cx.tuple(&[am::UNDEFINED.term(), am::UNDEFINED.term()])?),
        "cpu_topology" => Ok(am::UNDEFINED.term()),
        "dist" => {
            let text = crash_dump::section(cx.machine(), "nodes");
            binary(cx, &text)
        }
        "info" | "procs" | "loaded" => {
            let text = crash_dump::section(cx.machine(), name);
            binary(cx, &text)
        }
        _ => Err(Fail::Badarg),
    }
}

/// `[{Node, Controller}]` of all connections that are open.
fn dist_ctrl(cx: &mut Context) -> Value {
    let distribution = &cx.machine().distribution;
    let all: Vec<_> = distribution
        .iter()
        .map(|c| (c.node, c.controller))
        .collect();
    let mut list = Term::NIL;
    for (node, controller) in all {
        let (Controller::Port(id) | Controller::Process(id)) = controller else {
            continue;
        };
        let pair = cx.tuple(&[node.term(), id])?;
        list = cx.cons(pair, list)?;
    }
    Ok(list)
}

fn binary(cx: &mut Context, text: &str) -> Value {
    Ok(crate::bits::make_binary(cx, text.as_bytes())?)
}

/// Items that are a number.
fn count(cx: &mut Context, name: &str) -> Option<usize> {
    Some(match name {
        "wordsize" => 8,
        "schedulers" | "schedulers_online" | "scheduler_id" => 1,
        "logical_processors" | "logical_processors_available" | "logical_processors_online" => 1,
        "dirty_cpu_schedulers" | "dirty_cpu_schedulers_online" | "dirty_io_schedulers" => 0,
        "thread_pool_size" => 0,
        "creation" => cx.atoms().node.creation as usize,
        "process_count" => cx.machine().processes.table.len(),
        "process_limit" => cx.machine().processes.table.limit(),
        "atom_count" => cx.atoms().len(),
        "atom_limit" => cx.atoms().limit,
        "context_reductions" => crate::interp::TURN as usize,
        "compat_rel" => cx.machine().release_number() as usize,
        "port_count" => cx.machine().ports.len(),
        "port_limit" => cx.machine().ports.limit,
        "ets_count" => cx.machine().ets.len(),
        "ets_limit" => cx.machine().options.ets_tables,
        "dist_buf_busy_limit" => cx.machine().options.dist_buf_busy_limit,
        "delayed_node_table_gc" => 60,
        "outstanding_system_requests_limit" => cx.machine().scheduler.system_requests as usize,
        _ => return None,
    })
}

/// Items whose answer never changes and is an atom.
fn fixed_atom(name: &str) -> Option<&'static str> {
    Some(match name {
        "emu_flavor" => "emu",
        "emu_type" | "build_type" => "opt",
        "smp_support" | "threads" => "true",
        "kernel_poll"
        | "debug_compiled"
        | "eager_check_io"
        | "port_parallelism"
        | "dynamic_trace_probes"
        | "lock_counting"
        | "break_ignored" => "false",
        "multi_scheduling" => "disabled",
        "scheduler_bind_type" => "unbound",
        "heap_type" => "private",
        "dynamic_trace" => "none",
        "endian" => "little",
        "cpu_quota" => "unknown",
        "update_cpu_info" => "unchanged",
        "modified_timing_level" | "hipe_architecture" => "undefined",
        "async_dist" => "false",
        _ => return None,
    })
}

/// Items of two parts.
fn detail_of(cx: &mut Context, item: Term, detail: Term) -> Value {
    let (Some(item), Some(detail)) = (item.as_atom(), detail.as_atom()) else {
        return Err(Fail::Badarg);
    };
    let (item, detail) = (cx.atoms().name(item), cx.atoms().name(detail));
    match (item, detail) {
        ("wordsize", "internal" | "external") => number(8),
        ("cpu_topology", "defined" | "detected" | "used") => Ok(am::UNDEFINED.term()),
        ("allocator" | "allocator_sizes", _) => match purpose(detail) {
            Some(purpose) => {
                let bytes = statistics::measure(cx.machine())?;
                let data = sizes(cx, detail, bytes.of(purpose))?;
                let instance = cx.atom("instance")?;
                let instance = cx.tuple(&[instance, Term::small(0), data])?;
                Ok(cx.list(&[instance])?)
            }
            None => Err(Fail::Badarg),
        },
        _ => Err(Fail::Badarg),
    }
}

/// The names under which sizes are told, and what for.
const ALLOCATORS: &[(&str, Purpose)] = &[
    ("ll_alloc", Purpose::AtomsAndCode),
    ("eheap_alloc", Purpose::Processes),
    ("ets_alloc", Purpose::Tables),
    ("binary_alloc", Purpose::Binaries),
];

fn purpose(allocator: &str) -> Option<Purpose> {
    let known = ALLOCATORS.iter().find(|(name, _)| *name == allocator);
    known.map(|(_, purpose)| *purpose)
}

/// `[{mbcs, [{blocks, [{Allocator, [{size, Bytes, Bytes, Bytes}]}]}]}]`, as OTP's `erlang:memory/0` reads it.
fn sizes(cx: &mut Context, allocator: &'static str, bytes: u64) -> Value {
    let bytes = cx.unsigned(bytes)?;
    let size = cx.tuple(&[am::SIZE.term(), bytes, bytes, bytes])?;
    let sizes = cx.list(&[size])?;
    let allocator = cx.atom(allocator)?;
    let blocks = cx.tuple(&[allocator, sizes])?;
    let blocks = cx.list(&[blocks])?;
    let tag = cx.atom("blocks")?;
    let blocks = cx.tuple(&[tag, blocks])?;
    let blocks = cx.list(&[blocks])?;
    let tag = cx.atom("mbcs")?;
    let carriers = cx.tuple(&[tag, blocks])?;
    Ok(cx.list(&[carriers])?)
}

/// `{memory_internal | allocator | allocator_sizes, Reference, Allocators}`: `{Reference, 1, [{Allocator, 0, Sizes}]}` comes as a message, from
/// the one scheduler.
fn send_sizes(cx: &mut Context, item: Term, reference: Term, allocators: Term) -> Value {
    let item = item.as_atom().ok_or(Fail::Badarg)?;
    let item = cx.atoms().name(item);
    let known = matches!(item, "memory_internal" | "allocator" | "allocator_sizes");
    if !known || !reference.is_reference() || !allocators.is_list() {
        return Err(Fail::Badarg);
    }
    let bytes = statistics::measure(cx.machine())?;
    let mut entries = Vec::new();
    let mut rest = allocators.iter_list();
    for allocator in &mut rest {
        let allocator = allocator.as_atom().ok_or(Fail::Badarg)?;
        let name = cx.atoms().name(allocator);
        let entry = match purpose(name) {
            Some(purpose) => {
                let sizes = sizes(cx, name, bytes.of(purpose))?;
                cx.tuple(&[allocator.term(), Term::small(0), sizes])?
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

/// What of the memory of `ll_alloc` are atoms and what is code.
fn allocated_areas(cx: &mut Context) -> Value {
    let bytes = statistics::measure(cx.machine())?;
    let (atoms, code) = (cx.unsigned(bytes.atom)?, cx.unsigned(bytes.code)?);
    let tag = cx.atom("atom_space")?;
    let atom_space = cx.tuple(&[tag, atoms, atoms])?;
    let tag = cx.atom("loaded_code")?;
    let loaded_code = cx.tuple(&[tag, code])?;
    Ok(cx.list(&[atom_space, loaded_code])?)
}

/// What the platform's clocks are: nanoseconds.
fn time_source(cx: &mut Context, name: &str) -> Value {
    let platform = &mut cx.machine().platform;
    let monotonic = name == "os_monotonic_time_source";
    let now = match monotonic {
        true => platform.monotonic_ns() as i64,
        false => platform.system_time_ns(),
    };
    let mut list = Term::NIL;
    let pairs = [
        ("time", cx.integer(now)?),
        ("parallel", cx.atom("no")?),
        ("extended", cx.atom("no")?),
        ("resolution", Term::small(1_000_000_000)),
        ("function", cx.atom("platform")?),
    ];
    for (key, value) in pairs {
        if key == "extended" && !monotonic {
            continue;
        }
        let key = cx.atom(key)?;
        let pair = cx.tuple(&[key, value])?;
        list = cx.cons(pair, list)?;
    }
    Ok(list)
}

/// What OTP's thread library is made of: there are no threads, and so nothing of that.
fn threads(cx: &mut Context) -> Value {
    let no = cx.string("no")?;
    let mut list = Term::NIL;
    for name in ["Native rw-spinlocks", "Native spinlocks"] {
        let name = cx.string(name)?;
        let entry = cx.tuple(&[name, no])?;
        list = cx.cons(entry, list)?;
    }
    for name in [
        "Double word native atomics",
        "64-bit native atomics",
        "32-bit native atomics",
    ] {
        let name = cx.string(name)?;
        let entry = cx.tuple(&[name, no, Term::NIL])?;
        list = cx.cons(entry, list)?;
    }
    Ok(list)
}

/// How many sizes of heaps OTP tells: the largest has 53 bits of bytes.
const HEAP_SIZES: usize = 137;

/// The sizes that a heap can have, in words.
fn heap_sizes(cx: &mut Context) -> Value {
    let mut sizes = Vec::new();
    sizes.try_reserve(HEAP_SIZES).map_err(|_| Fail::NoMemory)?;
    // OTP has a smaller one yet, for fragments.
    sizes.push(number(12)?);
    let mut size = heap_size(0);
    while sizes.len() < HEAP_SIZES {
        sizes.push(number(size)?);
        size = heap_size(size + 1);
    }
    Ok(cx.list(&sizes)?)
}

fn garbage_collection(cx: &mut Context) -> Value {
    let defaults = cx.machine().processes.defaults;
    let mut list = Term::NIL;
    for (key, value) in [
        (am::FULLSWEEP_AFTER, defaults.fullsweep_after as usize),
        (am::MIN_HEAP_SIZE, defaults.min_heap_size),
        (am::MIN_BIN_VHEAP_SIZE, MIN_BINARY_HEAP_WORDS),
        (am::MAX_HEAP_SIZE, defaults.max_heap_size.words),
    ] {
        let pair = tagged(cx, key, value)?;
        list = cx.cons(pair, list)?;
    }
    Ok(list)
}

//! `system_info/1`: what the machine is and has.
//!
//! It answers what is so here, in OTP's shapes: one scheduler, no threads, no C compiler. An item that OTP does not know is `badarg`. What memory is
//! used for is told by [`allocators`](super::allocators).

use super::allocators::{self, Detail};
use super::process_info::max_heap_size_map;
use super::{Bif, Context, Fail, Value, bif, multi_scheduling, os, process_flag, seq_trace};
use crate::atom::am;
use crate::boot::options::BreakKey;
use crate::crash_dump;
use crate::dist::connection::Controller;
use crate::memory::Arena;
use crate::memory::gc::heap_size;
use crate::number::big::{MAX_DIGITS, Magnitude};
use crate::term::{Atom, Term};
use crate::time::warp::{self, Mode};
use alloc::format;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[bif("erlang", "system_info", 1, system_info_1)];

/// All digits are full.
fn largest_integer(cx: &mut Context) -> Value {
    let mut magnitude = Magnitude::new(cx.heap(), MAX_DIGITS)?;
    magnitude.digits().fill(u64::MAX);
    magnitude.finish(false)
}

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
            return allocators::send_sizes(cx, item, reference, allocators);
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
        "max_integer" if cx.machine().release_number() >= 27 => largest_integer(cx),
        "time_warp_mode" => {
            let mode = Mode::of_machine(cx.machine());
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
        "multi_scheduling" => multi_scheduling::state(cx),
        "async_dist" if cx.machine().release_number() >= 26 => Ok(Term::boolean(false)),
        "halt_flush_timeout" if cx.machine().release_number() >= 27 => cx.atom("infinity"),
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
        "min_bin_vheap_size" => {
            let words = cx.machine().processes.defaults.min_binary_heap;
            tagged(cx, item, words)
        }
        "fullsweep_after" => {
            let after = cx.machine().processes.defaults.fullsweep_after;
            tagged(cx, item, after as usize)
        }
        "max_heap_size" => {
            let size = cx.machine().processes.defaults.max_heap_size;
            max_heap_size_map(cx, size)
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
        "sequential_tracer" => seq_trace::tracer(cx),
        "system_logger" => Ok(cx.machine().system_logger),
        "trace_control_word" => {
            let word = cx.machine().scheduler.trace_control_word;
            number(word as usize)
        }
        "os_monotonic_time_source" | "os_system_time_source" => time_source(cx, name),
        "alloc_util_allocators" => allocators::names(cx),
        "allocator" => allocators::settings(cx),
        "allocated_areas" => allocators::allocated_areas(cx),
        "check_io" => check_io(cx),
        "compile_info" => compile_info(cx),
        "emu_args" => emulator_arguments(cx),
        "c_compiler_used" => Ok(cx.tuple(&[am::UNDEFINED.term(), am::UNDEFINED.term()])?),
        "cpu_topology" => cpu_topology(cx),
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

/// The one processor that there is.
fn cpu_topology(cx: &mut Context) -> Value {
    let logical = cx.property("logical", &[Term::small(0)])?;
    cx.properties(&[("processor", logical)])
}

/// How the world's streams are looked at: a list with one set of them.
fn check_io(cx: &mut Context) -> Value {
    let watched = number(cx.machine().ports.watched_streams())?;
    let (zero, no) = (Term::small(0), Term::boolean(false));
    let (name, primary) = (cx.atom("erts_poll")?, cx.atom("platform")?);
    let set = cx.properties(&[
        ("name", name),
        ("primary", primary),
        ("kernel_poll", no),
        ("memory_size", zero),
        ("total_poll_set_size", watched),
        ("lazy_updates", no),
        ("pending_updates", zero),
        ("batch_updates", no),
        ("concurrent_updates", no),
        ("fallback", no),
        ("max_fds", number(u32::MAX as usize)?),
        ("active_fds", watched),
        ("poll_threads", zero),
    ])?;
    Ok(cx.list(&[set])?)
}

/// No C compiler was told anything.
fn compile_info(cx: &mut Context) -> Value {
    cx.properties(&[
        ("ldflags", Term::NIL),
        ("cflags", Term::NIL),
        ("config_h", Term::NIL),
    ])
}

/// The machine's own arguments, as strings: those that OTP's emulator is told of are flags of the program here.
fn emulator_arguments(cx: &mut Context) -> Value {
    let program = cx.string("starling")?;
    Ok(cx.list(&[program])?)
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
        "schedulers" | "schedulers_online" | "schedulers_total" | "scheduler_id" => 1,
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
        "smp_support" | "threads" | "eager_check_io" => "true",
        "kernel_poll"
        | "debug_compiled"
        | "lock_checking"
        | "beam_jump_table"
        | "ets_always_compress"
        | "ets_realloc_moves"
        | "port_parallelism"
        | "dynamic_trace_probes"
        | "lock_counting"
        | "break_ignored" => "false",
        "scheduler_bind_type" => "unbound",
        "heap_type" => "private",
        "dynamic_trace" => "none",
        "endian" => "little",
        "cpu_quota" => "unknown",
        "update_cpu_info" => "unchanged",
        "modified_timing_level" | "hipe_architecture" => "undefined",
        _ => return None,
    })
}

/// Items of two parts.
fn detail_of(cx: &mut Context, item: Term, detail: Term) -> Value {
    if detail.is_cons() {
        let item = item.as_atom().ok_or(Fail::Badarg)?;
        return match cx.atoms().name(item) {
            "allocator" => allocators::of_all(cx, detail, Detail::All),
            "allocator_sizes" => allocators::of_all(cx, detail, Detail::Sizes),
            _ => Err(Fail::Badarg),
        };
    }
    let (Some(item), Some(detail)) = (item.as_atom(), detail.as_atom()) else {
        return Err(Fail::Badarg);
    };
    let (item, detail) = (cx.atoms().name(item), cx.atoms().name(detail));
    match (item, detail) {
        ("wordsize", "internal" | "external") => number(8),
        ("cpu_topology", "defined") => Ok(am::UNDEFINED.term()),
        ("cpu_topology", "detected" | "used") => cpu_topology(cx),
        ("allocator", name) => allocators::of(cx, name, Detail::All),
        ("allocator_sizes", name) => allocators::of(cx, name, Detail::Sizes),
        _ => Err(Fail::Badarg),
    }
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
        (am::MIN_BIN_VHEAP_SIZE, defaults.min_binary_heap),
        (am::MAX_HEAP_SIZE, defaults.max_heap_size.words),
    ] {
        let pair = tagged(cx, key, value)?;
        list = cx.cons(pair, list)?;
    }
    Ok(list)
}

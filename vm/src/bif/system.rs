//! The machine itself: `halt`, `system_info/1`, `system_flag/2`, nodes, `os`.
//!
//! `system_info/1` answers what is so here: one scheduler, no threads, no distribution. What it does not know is `badarg`,
//! as it is for an item that OTP does not know.

use super::{Bif, Context, Fail, Value, bare, bif, process_flag};
use crate::atom::am;
use crate::memory::Arena;
use crate::memory::gc::heap_size;
use crate::platform::Stream;
use crate::process::{MIN_BINARY_HEAP_WORDS, MIN_HEAP_WORDS};
use crate::term::{Atom, Term};
use alloc::string::String;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bare("erlang", "halt", 0, halt),
    bare("erlang", "halt", 1, halt),
    bif("erlang", "halt", 2, halt),
    bif("erlang", "system_info", 1, system_info_1),
    bif("erlang", "system_flag", 2, system_flag_2),
    bif("erlang", "node", 0, node_0),
    bif("erlang", "node", 1, node_1),
    bif("erlang", "nodes", 0, nodes_0),
    bif("erlang", "nodes", 1, nodes_1),
    bare("erlang", "is_alive", 0, is_alive_0),
    bif("io", "printable_range", 0, printable_range_0),
    bare("os", "getenv", 0, getenv_0),
    bif("os", "getenv", 1, getenv_1),
    bare("os", "getenv", 2, getenv_2),
    bare("os", "type", 0, os_type_0),
    bare("os", "version", 0, os_version_0),
    bif("os", "getpid", 0, os_getpid_0),
];

/// The release of OTP whose behaviour the machine has.
const OTP_RELEASE: &str = "25";
/// The version of the runtime system of that release.
const ERTS_VERSION: &str = "13.1.5";

/// Ends the machine. A number is its status (its low eight bits, as a shell sees them); a string is said on the error stream, and the
/// status is 1; `abort` is 134, the status of a program that aborted.
pub(super) fn halt(cx: &mut Context, args: &[Term]) -> Value {
    if let Some(&options) = args.get(1) {
        check_halt_options(options)?;
    }
    let status = match args.first() {
        None => 0,
        Some(&status) => match status.as_small() {
            Some(status @ 0..) => status as u8,
            Some(_) => return Err(Fail::Badarg),
            None if status == am::ABORT.term() => 134,
            None => {
                let mut slogan = text_of_list(status).ok_or(Fail::Badarg)?;
                slogan.push('\n');
                let platform = &mut cx.machine().platform;
                platform.console_write(Stream::Error, slogan.as_bytes());
                1
            }
        },
    };
    cx.machine().platform.halt(status)
}

fn check_halt_options(options: Term) -> Result<(), Fail> {
    let mut rest = options.iter_list();
    for option in &mut rest {
        match option.as_tuple() {
            Some(&[key, value]) if key == am::FLUSH.term() && value.as_boolean().is_some() => {}
            _ => return Err(Fail::Badarg),
        }
    }
    if rest.tail().is_nil() {
        Ok(())
    } else {
        Err(Fail::Badarg)
    }
}

/// The text of a list of characters.
fn text_of_list(list: Term) -> Option<String> {
    let mut text = String::new();
    let mut characters = list.iter_list();
    for character in &mut characters {
        let code = u32::try_from(character.as_small()?).ok()?;
        text.try_reserve(4).ok()?;
        text.push(char::from_u32(code)?);
    }
    characters.tail().is_nil().then_some(text)
}

fn string(cx: &mut Context, text: &str) -> Value {
    Ok(cx.byte_list(text.as_bytes(), Term::NIL)?)
}

fn number(value: usize) -> Value {
    Ok(Term::small(
        value.min(crate::term::MAX_SMALL as usize) as i64
    ))
}

fn tagged(cx: &mut Context, tag: Atom, value: usize) -> Value {
    let value = number(value)?;
    Ok(cx.tuple(&[tag.term(), value])?)
}

fn system_info_1(cx: &mut Context, args: &[Term]) -> Value {
    if let Some(&[item, detail]) = args[0].as_tuple() {
        return match (item.as_atom(), detail.as_atom()) {
            (Some(am::WORDSIZE), Some(am::INTERNAL | am::EXTERNAL)) => number(8),
            _ => Err(Fail::Badarg),
        };
    }
    let item = args[0].as_atom().ok_or(Fail::Badarg)?;
    match cx.atoms().name(item) {
        "wordsize" => number(8),
        "schedulers" | "schedulers_online" | "scheduler_id" => number(1),
        "dirty_cpu_schedulers"
        | "dirty_cpu_schedulers_online"
        | "dirty_io_schedulers"
        | "thread_pool_size"
        | "ets_count"
        | "port_count"
        | "creation" => number(0),
        "logical_processors" | "logical_processors_available" | "logical_processors_online" => {
            number(1)
        }
        "process_count" => number(cx.machine().processes.table.len()),
        "process_limit" => number(cx.machine().processes.table.limit()),
        "port_limit" => number(cx.machine().options.port_limit),
        "atom_count" => number(cx.atoms().len()),
        "atom_limit" => number(cx.atoms().limit),
        "ets_limit" => number(cx.machine().options.ets_tables),
        "otp_release" => string(cx, OTP_RELEASE),
        "version" => string(cx, ERTS_VERSION),
        "machine" => string(cx, "Starling"),
        "system_architecture" => string(cx, "x86_64-pc-starling"),
        "system_version" => system_version(cx),
        "nif_version" => string(cx, "2.16"),
        "driver_version" => string(cx, "3.3"),
        "emu_flavor" => Ok(cx.atoms().insert("emu")?.term()),
        "emu_type" | "build_type" => Ok(cx.atoms().insert("opt")?.term()),
        "smp_support"
        | "threads"
        | "kernel_poll"
        | "debug_compiled"
        | "eager_check_io"
        | "port_parallelism"
        | "dynamic_trace_probes" => Ok(Term::boolean(false)),
        "multi_scheduling" => Ok(cx.atoms().insert("disabled")?.term()),
        "scheduler_bind_type" => Ok(cx.atoms().insert("unbound")?.term()),
        "heap_type" => Ok(cx.atoms().insert("private")?.term()),
        "message_queue_data" => {
            let off_heap = cx.machine().processes.defaults.off_heap_messages;
            Ok(process_flag::message_queue_data_atom(off_heap).term())
        }
        "dynamic_trace" => Ok(am::NONE.term()),
        "time_correction" => Ok(Term::boolean(true)),
        "time_warp_mode" => Ok(cx.atoms().insert("no_time_warp")?.term()),
        "time_offset" => Ok(cx.atoms().insert("final")?.term()),
        "tolerant_timeofday" => Ok(cx.atoms().insert("enabled")?.term()),
        "endian" => Ok(am::LITTLE.term()),
        "dist_ctrl"
        | "taints"
        | "multi_scheduling_blockers"
        | "normal_multi_scheduling_blockers" => Ok(Term::NIL),
        "cpu_quota" => Ok(cx.atoms().insert("unknown")?.term()),
        "update_cpu_info" => Ok(cx.atoms().insert("unchanged")?.term()),
        "trace_control_word" => number(0),
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
        "heap_sizes" => heap_sizes(cx),
        "garbage_collection" => garbage_collection(cx),
        "modified_timing_level" | "cpu_topology" => Ok(am::UNDEFINED.term()),
        "compat_rel" => number(25),
        "dist_buf_busy_limit" => number(cx.machine().options.dist_buf_busy_limit),
        "schedulers_state" => Ok(cx.tuple(&[Term::small(1); 3])?),
        "scheduler_bindings" => {
            let unbound = cx.atoms().insert("unbound")?.term();
            Ok(cx.tuple(&[unbound])?)
        }
        "sequential_tracer" => Ok(cx.tuple(&[item.term(), Term::boolean(false)])?),
        _ => Err(Fail::Badarg),
    }
}

fn system_version(cx: &mut Context) -> Value {
    string(
        cx,
        concat!(
            "Starling ",
            env!("CARGO_PKG_VERSION"),
            " (Erlang/OTP 25) [64-bit] [smp:1:1]\n"
        ),
    )
}

/// The sizes that a heap can have, up to about 2^40 words.
fn heap_sizes(cx: &mut Context) -> Value {
    let mut sizes = alloc::vec::Vec::new();
    let mut size = heap_size(0);
    while size < 1 << 40 {
        sizes.try_reserve(1).map_err(|_| Fail::NoMemory)?;
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

/// Sets what can be set; returns the old value.
fn system_flag_2(cx: &mut Context, args: &[Term]) -> Value {
    let flag = args[0].as_atom();
    match flag {
        Some(am::MAX_HEAP_SIZE) => {
            let old = cx.machine().processes.defaults.max_heap_size;
            let new = process_flag::parse_max_heap_size(args[1], old).ok_or(Fail::Badarg)?;
            cx.machine().processes.defaults.max_heap_size = new;
            Ok(process_flag::max_heap_size_map(cx, old)?)
        }
        Some(am::MIN_HEAP_SIZE) => {
            let words = process_flag::parse_size(args[1]).ok_or(Fail::Badarg)?;
            let new = heap_size(words.max(MIN_HEAP_WORDS));
            let default = &mut cx.machine().processes.defaults.min_heap_size;
            number(core::mem::replace(default, new))
        }
        Some(am::FULLSWEEP_AFTER) => {
            let new = process_flag::parse_fullsweep_after(args[1]).ok_or(Fail::Badarg)?;
            let default = &mut cx.machine().processes.defaults.fullsweep_after;
            number(core::mem::replace(default, new) as usize)
        }
        // There is nothing to block: one scheduler runs one process at a time, and none runs beside the caller.
        Some(am::MULTI_SCHEDULING) => match args[1].as_atom() {
            Some(am::BLOCK | am::UNBLOCK | am::BLOCK_NORMAL | am::UNBLOCK_NORMAL) => {
                Ok(cx.atoms().insert("disabled")?.term())
            }
            _ => Err(Fail::Badarg),
        },
        // One scheduler is online, and no other number can be.
        Some(am::SCHEDULERS_ONLINE) if args[1] == Term::small(1) => Ok(Term::small(1)),
        Some(am::SCHEDULERS_ONLINE) => Err(Fail::Badarg),
        _ => Err(cx.fail_because(am::BADOPT)),
    }
}

fn node_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(am::NONODE_NOHOST.term())
}

fn node_1(_: &mut Context, args: &[Term]) -> Value {
    let local = args[0].is_local_pid()
        || args[0].is_local_port()
        || args[0].subtag() == Some(crate::term::Subtag::Reference);
    if local {
        Ok(am::NONODE_NOHOST.term())
    } else {
        Err(Fail::Badarg)
    }
}

fn nodes_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::NIL)
}

/// Nodes of the kinds that are asked for: only this one is known.
fn nodes_1(cx: &mut Context, args: &[Term]) -> Value {
    let mut this = false;
    let mut kind = |kind: Term| match kind.as_atom() {
        Some(am::THIS | am::KNOWN) => {
            this = true;
            Ok(())
        }
        Some(am::VISIBLE | am::HIDDEN | am::CONNECTED) => Ok(()),
        _ => Err(Fail::Badarg),
    };
    if args[0].is_list() {
        let mut kinds = args[0].iter_list();
        for each in &mut kinds {
            kind(each)?;
        }
        if !kinds.tail().is_nil() {
            return Err(Fail::Badarg);
        }
    } else {
        kind(args[0])?;
    }
    if this {
        Ok(cx.list(&[am::NONODE_NOHOST.term()])?)
    } else {
        Ok(Term::NIL)
    }
}

fn is_alive_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::boolean(false))
}

/// Which characters make a list of integers text: `+pc` changes it in OTP; this is its default.
fn printable_range_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(am::LATIN1.term())
}

/// A machine has no environment.
fn getenv_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::NIL)
}

fn getenv_1(_: &mut Context, args: &[Term]) -> Value {
    text_of_list(args[0]).ok_or(Fail::Badarg)?;
    Ok(Term::boolean(false))
}

fn getenv_2(_: &mut Context, args: &[Term]) -> Value {
    text_of_list(args[0]).ok_or(Fail::Badarg)?;
    text_of_list(args[1]).ok_or(Fail::Badarg)?;
    Ok(args[1])
}

/// `{unix, starling}`: path names are Unix's, nothing else is.
fn os_type_0(cx: &mut Context, _: &[Term]) -> Value {
    let (family, name) = (cx.atoms().insert("unix")?, cx.atoms().insert("starling")?);
    Ok(cx.tuple(&[family.term(), name.term()])?)
}

fn os_version_0(cx: &mut Context, _: &[Term]) -> Value {
    let mut numbers = [Term::small(0); 3];
    for (number, text) in numbers.iter_mut().zip(env!("CARGO_PKG_VERSION").split('.')) {
        *number = Term::small(text.parse().unwrap_or(0));
    }
    Ok(cx.tuple(&numbers)?)
}

/// There is one process of an operating system: the machine.
fn os_getpid_0(cx: &mut Context, _: &[Term]) -> Value {
    string(cx, "1")
}

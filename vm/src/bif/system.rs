//! The machine itself: `halt`, `system_flag/2`, and what error reports are made of.

use super::system_info::number;
use super::{Bif, Context, Fail, Value, bare, bif, internal, process_flag};
use crate::atom::am;
use crate::boot::options::Warnings;
use crate::crash_dump;
use crate::interp::trace;
use crate::memory::gc::heap_size;
use crate::process::{MIN_BINARY_HEAP_WORDS, MIN_HEAP_WORDS, Trap};
use crate::term::Term;
use crate::time::warp;
use alloc::string::String;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bare("erlang", "halt", 0, halt),
    bare("erlang", "halt", 1, halt),
    bif("erlang", "halt", 2, halt),
    bif("erlang", "system_flag", 2, system_flag_2),
    bif("io", "printable_range", 0, printable_range_0),
    bif("error_logger", "warning_map", 0, warning_map_0),
];

/// Ends the machine. A number is its status (its low eight bits, as a shell sees them); a string is the slogan of a
/// crash dump, and the status is 1; `abort` is 134, the status of a program that aborted.
pub(super) fn halt(cx: &mut Context, args: &[Term]) -> Value {
    let flush = match args.get(1) {
        Some(&options) => flushes(options)?,
        None => true,
    };
    let status = match args.first() {
        None => 0,
        Some(&status) => match status.as_small() {
            Some(status @ 0..) => status as u8,
            Some(_) => return Err(Fail::Badarg),
            None if status == am::ABORT.term() => 134,
            None => {
                let slogan = text_of_list(status).ok_or(Fail::Badarg)?;
                crash_dump::die(cx.machine(), &slogan)
            }
        },
    };
    if flush {
        cx.machine().halt(status)
    }
    cx.machine().platform.halt(status)
}

/// Whether the options of `halt/2` want the ports to write what they were given.
fn flushes(options: Term) -> Result<bool, Fail> {
    let mut flush = true;
    let mut rest = options.iter_list();
    for option in &mut rest {
        match option.as_tuple() {
            Some(&[key, value]) if key == am::FLUSH.term() => {
                flush = value.as_boolean().ok_or(Fail::Badarg)?;
            }
            _ => return Err(Fail::Badarg),
        }
    }
    if rest.tail().is_nil() {
        Ok(flush)
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
        Some(flag) => {
            let name = cx.atoms().name(flag);
            rare_flag(cx, name, args[1])
        }
        None => Err(cx.fail_because(am::BADOPT)),
    }
}

/// Flags that are named here alone.
fn rare_flag(cx: &mut Context, flag: &str, value: Term) -> Value {
    match flag {
        "system_logger" => {
            let known = matches!(value.as_atom(), Some(am::LOGGER | am::UNDEFINED));
            if !known && cx.machine().processes.alive(value).is_none() {
                return Err(Fail::Badarg);
            }
            Ok(core::mem::replace(&mut cx.machine().system_logger, value))
        }
        "backtrace_depth" => {
            let depth = value.as_small().ok_or(Fail::Badarg)?;
            let depth = usize::try_from(depth).map_err(|_| Fail::Badarg)?;
            let old = &mut cx.machine().backtrace_depth;
            number(core::mem::replace(old, depth.min(trace::MAX_DEPTH)))
        }
        "scheduler_wall_time" => scheduler_wall_time(cx, value),
        "trace_control_word" => {
            let word = u32::try_from(value.as_small().ok_or(Fail::Badarg)?);
            let word = word.map_err(|_| Fail::Badarg)?;
            let old = &mut cx.machine().scheduler.trace_control_word;
            number(core::mem::replace(old, word) as usize)
        }
        // Requests are carried out at once, so a limit of those under way limits nothing.
        "outstanding_system_requests_limit" => match value.as_small() {
            Some(limit @ 1..=134_217_727) => {
                let old = &mut cx.machine().scheduler.system_requests;
                number(core::mem::replace(old, limit as u32) as usize)
            }
            _ => Err(Fail::Badarg),
        },
        "min_bin_vheap_size" => match process_flag::parse_size(value) {
            Some(MIN_BINARY_HEAP_WORDS) => number(MIN_BINARY_HEAP_WORDS),
            _ => Err(Fail::Badarg),
        },
        "time_offset" if value == cx.atom("finalize")? => {
            let old = warp::finalize(cx.machine());
            cx.atom(old)
        }
        "sequential_tracer" if value == Term::boolean(false) => Ok(value),
        // No other scheduler, no tracer, no topology, no accounting.
        "cpu_topology"
        | "dirty_cpu_schedulers_online"
        | "erts_alloc"
        | "scheduler_bind_type"
        | "sequential_tracer"
        | "microstate_accounting"
        | "internal_cpu_topology" => Err(Fail::Badarg),
        "reset_seq_trace" if value == Term::boolean(true) => Ok(value),
        _ => Err(cx.fail_because(am::BADOPT)),
    }
}

/// OTP counts who has switched it on in a process of `kernel`, so that is asked if it is there.
fn scheduler_wall_time(cx: &mut Context, value: Term) -> Value {
    value.as_boolean().ok_or(Fail::Badarg)?;
    let function = cx
        .atoms()
        .insert_static("system_flag_scheduler_wall_time")?;
    let code = &cx.machine().code;
    let export = code.find_export(am::ERTS_INTERNAL, function, 1);
    // SAFETY: export entries live as long as the machine.
    match export.filter(|export| unsafe { export.as_ref() }.is_defined()) {
        None => internal::scheduler_wall_time_1(cx, &[value]),
        Some(export) => {
            cx.machine().x[0] = value;
            cx.process().trap = Some(Trap {
                export: export.cast(),
                arity: 1,
            });
            Err(Fail::Trap)
        }
    }
}

/// Which characters make a list of integers text (`+pc`).
fn printable_range_0(cx: &mut Context, _: &[Term]) -> Value {
    match cx.machine().options.printable_unicode {
        true => cx.atom("unicode"),
        false => Ok(am::LATIN1.term()),
    }
}

/// What becomes of warnings (`+W`).
fn warning_map_0(cx: &mut Context, _: &[Term]) -> Value {
    Ok(match cx.machine().options.warnings {
        Warnings::Error => am::ERROR.term(),
        Warnings::Warning => am::WARNING.term(),
        Warnings::Info => am::INFO.term(),
    })
}

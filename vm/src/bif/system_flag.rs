//! `system_flag/2`: what of the machine can be set while it runs.
//!
//! Flags of things that are not here (other schedulers, bindings to processors) answer as on an OTP with one scheduler. Each returns its old value.

use super::process_info::max_heap_size_map;
use super::system_info::number;
use super::{Bif, Context, Fail, Value, bif, internal, multi_scheduling, process_flag, seq_trace};
use crate::atom::am;
use crate::interp::trace;
use crate::memory::gc::heap_size;
use crate::observe::sequential;
use crate::process::{MIN_HEAP_WORDS, Trap};
use crate::term::Term;
use crate::term::compare::exact_equal;
use crate::time::warp;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[bif("erlang", "system_flag", 2, system_flag_2)];

/// Sets what can be set; returns the old value.
fn system_flag_2(cx: &mut Context, args: &[Term]) -> Value {
    let flag = args[0].as_atom();
    match flag {
        Some(am::MAX_HEAP_SIZE) => {
            let old = cx.machine().processes.defaults.max_heap_size;
            let new = process_flag::parse_max_heap_size(args[1], old).ok_or(Fail::Badarg)?;
            cx.machine().processes.defaults.max_heap_size = new;
            max_heap_size_map(cx, old)
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
        Some(am::MULTI_SCHEDULING) => multi_scheduling::set(cx, args[1]),
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
        "min_bin_vheap_size" => {
            let words = process_flag::parse_size(value).ok_or(Fail::Badarg)?;
            let new = process_flag::binary_heap_size(words);
            let default = &mut cx.machine().processes.defaults.min_binary_heap;
            number(core::mem::replace(default, new))
        }
        "time_offset" if value == cx.atom("finalize")? => {
            let old = warp::finalize(cx.machine());
            cx.atom(old)
        }
        "microstate_accounting" => microstate_accounting(cx, value),
        "cpu_topology" => cpu_topology(cx, value),
        "scheduler_bind_type" => bind_type(cx, value),
        // None is online, and no other number can be.
        "dirty_cpu_schedulers_online" => Err(Fail::Badarg),
        // The machine's memory has no allocators that could be told anything.
        "erts_alloc" if value.is_tuple() => Ok(am::NOTSUP.term()),
        "erts_alloc" => Err(Fail::Badarg),
        // For who works on OTP itself; nothing prints or counts here.
        "debug_flags" | "scheduling_statistics" => Ok(Term::boolean(true)),
        "internal_cpu_topology" => Err(Fail::Badarg),
        "sequential_tracer" => seq_trace::set_tracer(cx, value),
        "reset_seq_trace" => {
            sequential::reset(cx.machine());
            Ok(Term::boolean(true))
        }
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

/// Which processor runs a scheduler cannot be chosen.
fn bind_type(cx: &mut Context, value: Term) -> Value {
    let how = value.as_atom().ok_or(Fail::Badarg)?;
    match cx.atoms().name(how) {
        "unbound" => Ok(value),
        "default_bind"
        | "no_node_processor_spread"
        | "no_node_thread_spread"
        | "no_spread"
        | "processor_spread"
        | "spread"
        | "thread_spread"
        | "thread_no_node_processor_spread" => {
            let reason = am::NOTSUP.term();
            Err(cx.raise(super::Class::Error, reason))
        }
        _ => Err(Fail::Badarg),
    }
}

/// The one topology that is true, or none of the program's own.
fn cpu_topology(cx: &mut Context, value: Term) -> Value {
    let logical = cx.property("logical", &[Term::small(0)])?;
    let own = cx.properties(&[("processor", logical)])?;
    match value == am::UNDEFINED.term() || exact_equal(value, own) {
        true => Ok(own),
        false => Err(Fail::Badarg),
    }
}

/// Counting what time is spent on: on, off, or from zero again; whether it was on.
fn microstate_accounting(cx: &mut Context, value: Term) -> Value {
    let machine = cx.machine();
    let now = machine.platform.monotonic_ns();
    let accounting = &mut machine.scheduler.accounting;
    let old = accounting.is_on();
    match value.as_boolean() {
        Some(on) => accounting.switch(on, now),
        None if value == cx.atom("reset")? => {
            cx.machine().scheduler.accounting.reset(now);
        }
        None => return Err(Fail::Badarg),
    }
    Ok(Term::boolean(old))
}

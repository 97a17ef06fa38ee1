//! `system_monitor/0,1,2` and `system_profile/0,2`: who is told what about the machine. [`crate::observe`] tells it.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::memory::gc::heap_size;
use crate::observe::can_be_told;
use crate::observe::monitor::SystemMonitor;
use crate::observe::profile::SystemProfile;
use crate::observe::timestamp::Kind;
use crate::process::MIN_HEAP_WORDS;
use crate::term::Term;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "system_monitor", 0, system_monitor_0),
    bif("erlang", "system_monitor", 1, system_monitor_1),
    bif("erlang", "system_monitor", 2, system_monitor_2),
    bif("erlang", "system_profile", 0, system_profile_0),
    bif("erlang", "system_profile", 2, system_profile_2),
];

/// `{Receiver, Options}`, or `undefined`.
fn system_monitor_0(cx: &mut Context, _: &[Term]) -> Value {
    let Some(monitor) = cx.machine().observer.monitor.clone() else {
        return Ok(am::UNDEFINED.term());
    };
    let mut options = Term::NIL;
    for (name, limit) in [
        ("long_gc", monitor.long_collection),
        ("long_schedule", monitor.long_turn),
        ("large_heap", monitor.large_heap),
    ] {
        if let Some(limit) = limit {
            let limit = cx.unsigned(limit)?;
            let option = cx.property(name, &[limit])?;
            options = cx.cons(option, options)?;
        }
    }
    if let Some((disable, enable)) = monitor.long_queue {
        let (disable, enable) = (cx.unsigned(disable)?, cx.unsigned(enable)?);
        let limits = cx.tuple(&[disable, enable])?;
        let option = cx.property("long_message_queue", &[limits])?;
        options = cx.cons(option, options)?;
    }
    for (name, wanted) in [
        (am::BUSY_PORT, monitor.busy_port),
        (am::BUSY_DIST_PORT, monitor.busy_dist_port),
    ] {
        if wanted {
            options = cx.cons(name.term(), options)?;
        }
    }
    Ok(cx.tuple(&[monitor.receiver, options])?)
}

/// What `system_monitor/0` returns, taken back.
fn system_monitor_1(cx: &mut Context, args: &[Term]) -> Value {
    if args[0] == am::UNDEFINED.term() {
        return system_monitor_2(cx, &[args[0], Term::NIL]);
    }
    match args[0].as_tuple() {
        Some(&[receiver, options]) => system_monitor_2(cx, &[receiver, options]),
        _ => Err(Fail::Badarg),
    }
}

/// Sets who is told what; what it was before.
fn system_monitor_2(cx: &mut Context, args: &[Term]) -> Value {
    let [receiver, options] = [args[0], args[1]];
    // OTP looks no further if nobody is told anything.
    let nobody = receiver == am::UNDEFINED.term() || options.is_nil();
    if !nobody && cx.machine().processes.alive(receiver).is_none() {
        return Err(Fail::Badarg);
    }
    let wanted = match nobody {
        true => SystemMonitor::new(receiver),
        false => monitor_options(cx, receiver, options)?,
    };
    let old = system_monitor_0(cx, &[])?;
    let observer = &mut cx.machine().observer;
    observer.monitor = (!nobody && !wanted.is_empty()).then_some(wanted);
    observer.update();
    Ok(old)
}

fn monitor_options(cx: &mut Context, receiver: Term, options: Term) -> Result<SystemMonitor, Fail> {
    let mut wanted = SystemMonitor::new(receiver);
    let mut rest = options.iter_list();
    for option in &mut rest {
        match (option.as_atom(), option.as_tuple()) {
            (Some(am::BUSY_PORT), _) => wanted.busy_port = true,
            (Some(am::BUSY_DIST_PORT), _) => wanted.busy_dist_port = true,
            (_, Some(&[name, value])) => {
                let name = name.as_atom().ok_or(Fail::Badarg)?;
                match cx.atoms().name(name) {
                    // No limit below a millisecond: one that every event reaches would tell of itself.
                    "long_gc" => wanted.long_collection = Some(limit(value)?.max(1)),
                    "long_schedule" => wanted.long_turn = Some(limit(value)?.max(1)),
                    "large_heap" => wanted.large_heap = Some(large_heap(value)?),
                    "long_message_queue" if cx.machine().release_number() >= 27 => {
                        wanted.long_queue = Some(queue_limits(value)?);
                    }
                    _ => return Err(Fail::Badarg),
                }
            }
            _ => return Err(Fail::Badarg),
        }
    }
    match rest.tail().is_nil() {
        true => Ok(wanted),
        false => Err(Fail::Badarg),
    }
}

fn limit(value: Term) -> Result<u64, Fail> {
    let limit = value.as_small().ok_or(Fail::Badarg)?;
    u64::try_from(limit).map_err(|_| Fail::Badarg)
}

/// No limit below what every process has.
fn large_heap(value: Term) -> Result<u64, Fail> {
    let least = heap_size(MIN_HEAP_WORDS) as u64;
    Ok(limit(value)?.max(least))
}

/// `{Disable, Enable}`, the one less than the other.
fn queue_limits(value: Term) -> Result<(u64, u64), Fail> {
    let Some(&[disable, enable]) = value.as_tuple() else {
        return Err(Fail::Badarg);
    };
    match (limit(disable)?, limit(enable)?) {
        (disable, enable) if disable < enable => Ok((disable, enable)),
        _ => Err(Fail::Badarg),
    }
}

/// `{Receiver, Options}`, or `undefined`.
fn system_profile_0(cx: &mut Context, _: &[Term]) -> Value {
    let Some(profile) = cx.machine().observer.profile.clone() else {
        return Ok(am::UNDEFINED.term());
    };
    let mut options = Term::NIL;
    for (name, wanted) in [
        ("runnable_ports", profile.ports),
        ("runnable_procs", profile.processes),
        ("scheduler", profile.scheduler),
        ("exclusive", profile.exclusive),
    ] {
        if wanted {
            let name = cx.atom(name)?;
            options = cx.cons(name, options)?;
        }
    }
    Ok(cx.tuple(&[profile.receiver, options])?)
}

/// Sets who is told what; what it was before.
fn system_profile_2(cx: &mut Context, args: &[Term]) -> Value {
    let [receiver, options] = [args[0], args[1]];
    let nobody = receiver == am::UNDEFINED.term() || options.is_nil();
    if !nobody && !can_be_told(cx.machine(), receiver) {
        return Err(Fail::Badarg);
    }
    let options = if nobody { Term::NIL } else { options };
    let wanted = profile_options(cx, receiver, options)?;
    let old = system_profile_0(cx, &[])?;
    let none = !(wanted.processes || wanted.ports || wanted.scheduler || wanted.exclusive);
    let machine = cx.machine();
    machine.observer.profile = (!nobody && !none).then_some(wanted);
    machine.observer.update();
    // Who runs is active; of the others it is told when they become so.
    let running = machine.processes.running;
    for mut process in machine.processes.table.iter() {
        // SAFETY: the table's processes are alive, and the caller is not borrowed.
        let process = unsafe { process.as_mut() };
        process.active = Some(process.pid) == running;
    }
    Ok(old)
}

fn profile_options(cx: &mut Context, receiver: Term, options: Term) -> Result<SystemProfile, Fail> {
    let mut wanted = SystemProfile {
        receiver,
        processes: false,
        ports: false,
        scheduler: false,
        exclusive: false,
        timestamps: Kind::Time,
    };
    let mut rest = options.iter_list();
    for option in &mut rest {
        let option = option.as_atom().ok_or(Fail::Badarg)?;
        match cx.atoms().name(option) {
            "runnable_procs" => wanted.processes = true,
            "runnable_ports" => wanted.ports = true,
            "scheduler" => wanted.scheduler = true,
            "exclusive" => wanted.exclusive = true,
            "timestamp" => wanted.timestamps = Kind::Time,
            "monotonic_timestamp" => wanted.timestamps = Kind::Monotonic,
            "strict_monotonic_timestamp" => wanted.timestamps = Kind::StrictMonotonic,
            _ => return Err(Fail::Badarg),
        }
    }
    match rest.tail().is_nil() {
        true => Ok(wanted),
        false => Err(Fail::Badarg),
    }
}

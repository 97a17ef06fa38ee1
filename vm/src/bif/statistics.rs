//! What the machine counts: `statistics/1`, `memory/0,1`.

use super::process_info::binaries_of;
use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::Arena;
use crate::term::{Atom, Term};
use crate::time::clock;
use alloc::vec::Vec;
use hashbrown::HashSet;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "statistics", 1, statistics_1),
    bare("erlang", "memory", 0, memory_0),
    bare("erlang", "memory", 1, memory_1),
];

const NS_PER_MS: u64 = 1_000_000;

fn pair(cx: &mut Context, a: u64, b: u64) -> Value {
    let (a, b) = (cx.unsigned(a)?, cx.unsigned(b)?);
    Ok(cx.tuple(&[a, b])?)
}

/// `total`, and how much of it is new since the last call with `last`.
fn since(cx: &mut Context, total: u64, last: fn(&mut crate::sched::Asked) -> &mut u64) -> Value {
    let last = last(&mut cx.machine().scheduler.asked);
    let new = total.saturating_sub(core::mem::replace(last, total));
    pair(cx, total, new)
}

fn statistics_1(cx: &mut Context, args: &[Term]) -> Value {
    let item = args[0].as_atom().ok_or(Fail::Badarg)?;
    let name = cx.atoms().name(item);
    let machine = cx.machine();
    let waiting = machine.processes.queues.len() as u64;
    match name {
        "reductions" => {
            let total = machine.scheduler.reductions;
            since(cx, total, |asked| &mut asked.reductions)
        }
        "exact_reductions" => {
            let total = machine.scheduler.reductions;
            since(cx, total, |asked| &mut asked.exact_reductions)
        }
        "runtime" => {
            let busy = up_ns(machine).saturating_sub(machine.scheduler.idle_ns);
            since(cx, busy / NS_PER_MS, |asked| &mut asked.runtime)
        }
        "wall_clock" => {
            let up = up_ns(machine);
            since(cx, up / NS_PER_MS, |asked| &mut asked.wall_clock)
        }
        "context_switches" => {
            let turns = machine.scheduler.turns;
            pair(cx, turns, 0)
        }
        "garbage_collection" => {
            let done = machine.collections;
            let count = cx.unsigned(done.minor + done.full)?;
            let reclaimed = cx.unsigned(done.reclaimed)?;
            Ok(cx.tuple(&[count, reclaimed, Term::small(0)])?)
        }
        "io" => {
            let (input, output) = (io(cx, am::INPUT, 0)?, io(cx, am::OUTPUT, 0)?);
            Ok(cx.tuple(&[input, output])?)
        }
        "run_queue" | "total_run_queue_lengths" | "total_run_queue_lengths_all" => {
            Ok(cx.unsigned(waiting)?)
        }
        // The process that asks is active as well.
        "total_active_tasks" | "total_active_tasks_all" => Ok(cx.unsigned(waiting + 1)?),
        "run_queue_lengths" | "run_queue_lengths_all" => {
            let waiting = cx.unsigned(waiting)?;
            Ok(cx.list(&[waiting])?)
        }
        "active_tasks" | "active_tasks_all" => {
            let active = cx.unsigned(waiting + 1)?;
            Ok(cx.list(&[active])?)
        }
        // Not switched on, and nothing could: as OTP says it then.
        "scheduler_wall_time" | "scheduler_wall_time_all" => Ok(am::UNDEFINED.term()),
        _ => Err(Fail::Badarg),
    }
}

fn io(cx: &mut Context, direction: Atom, bytes: u64) -> Value {
    let bytes = cx.unsigned(bytes)?;
    Ok(cx.tuple(&[direction.term(), bytes])?)
}

/// Nanoseconds since the machine was started.
fn up_ns(machine: &mut Machine) -> u64 {
    let now = clock::monotonic(&mut *machine.platform);
    now.saturating_sub(machine.clock.started) as u64
}

/// Bytes by what they are used for, in the order of `memory/0`.
const KINDS: [Atom; 9] = [
    am::TOTAL,
    am::PROCESSES,
    am::PROCESSES_USED,
    am::SYSTEM,
    am::ATOM,
    am::ATOM_USED,
    am::BINARY,
    am::CODE,
    am::ETS,
];

/// Bytes of each of [`KINDS`].
fn measure(machine: &Machine) -> Result<[u64; 9], Fail> {
    let table = &machine.processes.table;
    let mut processes = table.memory();
    let mut binaries = HashSet::new();
    let mut binary = 0;
    for process in table.iter() {
        // SAFETY: the table's processes are alive; none is borrowed beside the machine.
        let process = unsafe { process.as_ref() };
        processes += process.memory();
        for block in binaries_of(process) {
            binaries.try_reserve(1).map_err(|_| Fail::NoMemory)?;
            if binaries.insert(block) {
                // SAFETY: a process that refers to a binary keeps it alive.
                binary += unsafe { block.as_ref() }.capacity;
            }
        }
    }
    let atom = machine.atoms.memory();
    let code = machine.code.memory() + machine.literal_area.used();
    // There are no tables yet.
    let ets = 0;
    let system = atom + binary + code + ets;
    let total = processes + system;
    let bytes = [
        total, processes, processes, system, atom, atom, binary, code, ets,
    ];
    Ok(bytes.map(|bytes| bytes as u64))
}

fn kind_and_bytes(cx: &mut Context, index: usize, bytes: &[u64; 9]) -> Value {
    let size = cx.unsigned(bytes[index])?;
    Ok(cx.tuple(&[KINDS[index].term(), size])?)
}

fn memory_0(cx: &mut Context, _: &[Term]) -> Value {
    let bytes = measure(cx.machine())?;
    let mut list = Term::NIL;
    for index in (0..KINDS.len()).rev() {
        let entry = kind_and_bytes(cx, index, &bytes)?;
        list = cx.cons(entry, list)?;
    }
    Ok(list)
}

fn memory_1(cx: &mut Context, args: &[Term]) -> Value {
    let bytes = measure(cx.machine())?;
    let index = |kind: Term| KINDS.iter().position(|k| k.term() == kind);
    if args[0].is_atom() {
        let index = index(args[0]).ok_or(Fail::Badarg)?;
        return Ok(cx.unsigned(bytes[index])?);
    }
    let mut kinds = args[0].iter_list();
    let mut entries = Vec::new();
    for kind in &mut kinds {
        let index = index(kind).ok_or(Fail::Badarg)?;
        entries.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        entries.push(kind_and_bytes(cx, index, &bytes)?);
    }
    if !args[0].is_list() || !kinds.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    Ok(cx.list(&entries)?)
}

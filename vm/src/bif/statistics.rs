//! What the machine counts: `statistics/1`, `memory/0,1`.

use super::process_info::binaries_of;
use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::{Arena, NoMemory};
use crate::sched::accounting::NAMES;
use crate::term::{Atom, Subtag, Term};
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

/// Nanoseconds of processor time; where nobody counts those, in which the machine was not asleep.
pub(crate) fn busy_ns(machine: &mut Machine) -> u64 {
    if let Some(used) = machine.platform.processor_ns() {
        return used;
    }
    up_ns(machine).saturating_sub(machine.scheduler.idle_ns)
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
            let busy = busy_ns(machine);
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
            let (input, output) = (machine.ports.input, machine.ports.output);
            let (input, output) = (io(cx, am::INPUT, input)?, io(cx, am::OUTPUT, output)?);
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
        "run_queues" => {
            let waiting = cx.unsigned(waiting)?;
            Ok(cx.tuple(&[waiting])?)
        }
        "scheduler_wall_time" | "scheduler_wall_time_all" => scheduler_wall_time(cx),
        "microstate_accounting" => microstate_accounting(cx),
        _ => Err(Fail::Badarg),
    }
}

/// `[#{type => scheduler, id => 1, counters => #{Activity => Nanoseconds}}]`
fn microstate_accounting(cx: &mut Context) -> Value {
    let machine = cx.machine();
    let now = machine.platform.monotonic_ns();
    let spent = machine.scheduler.accounting.spent(now);
    let (mut names, mut counters) = ([Term::NIL; NAMES.len()], [Term::NIL; NAMES.len()]);
    for (at, name) in NAMES.into_iter().enumerate() {
        names[at] = cx.atom(name)?;
        counters[at] = cx.unsigned(spent[at])?;
    }
    let counters = flat_map(cx, &names, &counters)?;
    let keys = [cx.atom("counters")?, cx.atom("id")?, cx.atom("type")?];
    let kind = cx.atom("scheduler")?;
    let scheduler = flat_map(cx, &keys, &[counters, Term::small(1), kind])?;
    Ok(cx.list(&[scheduler])?)
}

/// A map with `keys`, which are atoms in the order of their names.
fn flat_map(cx: &mut Context, keys: &[Term], values: &[Term]) -> Value {
    let mut object = [0; NAMES.len() + 1];
    object[0] = cx.tuple(keys)?.raw();
    for (at, value) in values.iter().enumerate() {
        object[at + 1] = value.raw();
    }
    Ok(cx.object(Subtag::FlatMap, &object[..=values.len()])?)
}

/// `[{Scheduler, Active, Total}]` since it was switched on, or `undefined`.
fn scheduler_wall_time(cx: &mut Context) -> Value {
    let machine = cx.machine();
    let Some((start, idle)) = machine.scheduler.measured_since else {
        return Ok(am::UNDEFINED.term());
    };
    let total = machine.platform.monotonic_ns().saturating_sub(start);
    let idle = machine.scheduler.idle_ns.saturating_sub(idle);
    let (active, total) = (
        cx.unsigned(total.saturating_sub(idle))?,
        cx.unsigned(total)?,
    );
    let scheduler = cx.tuple(&[Term::small(1), active, total])?;
    Ok(cx.list(&[scheduler])?)
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

/// Bytes by what they are used for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) processes: u64,
    pub(crate) atom: u64,
    pub(crate) binary: u64,
    /// Without literals.
    pub(crate) code: u64,
    pub(crate) literals: u64,
    pub(crate) ets: u64,
    pub(crate) process_count: u64,
    pub(crate) binary_count: u64,
    pub(crate) ets_count: u64,
}

impl Measured {
    /// What `memory/0` tells, in its order.
    pub(crate) fn kinds(&self) -> [(Atom, u64); 9] {
        let code = self.code + self.literals;
        let system = self.atom + self.binary + code + self.ets;
        [
            (am::TOTAL, self.processes + system),
            (am::PROCESSES, self.processes),
            (am::PROCESSES_USED, self.processes),
            (am::SYSTEM, system),
            (am::ATOM, self.atom),
            (am::ATOM_USED, self.atom),
            (am::BINARY, self.binary),
            (am::CODE, code),
            (am::ETS, self.ets),
        ]
    }
}

/// Measures.
pub(crate) fn measure(machine: &Machine) -> Result<Measured, NoMemory> {
    let table = &machine.processes.table;
    let mut processes = table.memory();
    let mut binaries = HashSet::new();
    let mut binary = 0;
    for process in table.iter() {
        // SAFETY: the table's processes are alive; none is borrowed beside the machine.
        let process = unsafe { process.as_ref() };
        processes += process.memory();
        for block in binaries_of(process) {
            binaries.try_reserve(1).map_err(|_| NoMemory)?;
            if binaries.insert(block) {
                // SAFETY: a process that refers to a binary keeps it alive.
                binary += unsafe { block.as_ref() }.capacity;
            }
        }
    }
    Ok(Measured {
        processes: processes as u64,
        atom: machine.atoms.memory() as u64,
        binary: binary as u64,
        code: machine.code.memory() as u64,
        literals: machine.literal_area.used() as u64,
        ets: machine.ets.memory() as u64,
        process_count: table.len() as u64,
        binary_count: binaries.len() as u64,
        ets_count: machine.ets.len() as u64,
    })
}

fn pair_of(cx: &mut Context, (kind, bytes): (Atom, u64)) -> Value {
    let bytes = cx.unsigned(bytes)?;
    Ok(cx.tuple(&[kind.term(), bytes])?)
}

pub(super) fn memory_0(cx: &mut Context, _: &[Term]) -> Value {
    let kinds = measure(cx.machine())?.kinds();
    let mut list = Term::NIL;
    for kind in kinds.into_iter().rev() {
        let entry = pair_of(cx, kind)?;
        list = cx.cons(entry, list)?;
    }
    Ok(list)
}

fn memory_1(cx: &mut Context, args: &[Term]) -> Value {
    let all = measure(cx.machine())?.kinds();
    let find = |kind: Term| all.into_iter().find(|(known, _)| known.term() == kind);
    if args[0].is_atom() {
        let (_, bytes) = find(args[0]).ok_or(Fail::Badarg)?;
        return Ok(cx.unsigned(bytes)?);
    }
    let mut kinds = args[0].iter_list();
    let mut entries = Vec::new();
    for kind in &mut kinds {
        let kind = find(kind).ok_or(Fail::Badarg)?;
        entries.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        entries.push(pair_of(cx, kind)?);
    }
    if !args[0].is_list() || !kinds.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    Ok(cx.list(&entries)?)
}

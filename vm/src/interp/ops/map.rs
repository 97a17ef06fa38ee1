//! Maps: looking up keys and building new maps from old ones.
//!
//! What finds atoms in a small map is here; the rest is [`crate::map`]'s. The instructions that build
//! are the only ones here that may collect: before they build, with the operands as additional roots.

use crate::atom::am;
use crate::bif::Fail;
use crate::interp::Exit;
use crate::interp::cpu::{Cpu, op};
use crate::interp::operand::{Destination, Label, Source as _, Words};
use crate::machine::Machine;
// Within a handler `map` is the type of an operand.
use crate::map as maps;
use crate::memory::gc;
use crate::process::Process;
use crate::term::{Subtag, Term};
use smallvec::SmallVec;
use starling_loader::isa::X_REGISTERS;

/// The words of a flat map: the tuple of its keys, then the values.
#[inline(always)]
fn flat_words(map: &Term) -> Option<&[u64]> {
    map.as_object(Subtag::FlatMap)
}

/// Where in the words of a flat map the value of an immediate key is.
#[inline(always)]
fn position(words: &[u64], key: Term) -> Option<usize> {
    debug_assert!(key.is_immediate());
    let keys = (words[0] & !3) as *const u64;
    // SAFETY: the first word of a flat map is the tuple of its keys, as many as there are values.
    (1..words.len()).find(|&at| unsafe { *keys.add(at) } == key.raw())
}

/// Whether every `step`th of the words is an immediate term, or a register that holds one.
#[inline(always)]
fn all_immediate(cpu: &Cpu, words: Words, step: usize) -> bool {
    let mut at = 0;
    while at < words.len() {
        if !words.source(at).get(cpu).is_immediate() {
            return false;
        }
        at += step;
    }
    true
}

/// The value at a position that [`position`] found.
#[inline(always)]
fn value_at(words: &[u64], at: usize) -> Term {
    // SAFETY: the position is one of the words, and behind the first one all are values.
    unsafe { Term::from_raw(*words.get_unchecked(at)) }
}

/// The value of any key in any map. A call, because it looks at its arguments by address.
#[inline(never)]
fn look_up(map: Term, key: Term) -> Option<Term> {
    maps::get(map, key)
}

op! {
    fn has_map_fields(cpu, label: Label, map: Source, keys: List) {
        let map = map.get(&cpu);
        let keys = keys.words();
        if let Some(words) = flat_words(&map)
            && all_immediate(&cpu, keys, 1)
        {
            for at in 0..keys.len() {
                if position(words, keys.source(at).get(&cpu)).is_none() {
                    return cpu.jump(label);
                }
            }
            return cpu.next();
        }
    } slow {
        let map = map.get(&cpu);
        let keys = keys.words();
        for at in 0..keys.len() {
            if look_up(map, keys.source(at).get(&cpu)).is_none() {
                return cpu.jump(label);
            }
        }
        cpu.next()
    }
}

op! {
    /// The values of some keys. When one is missing, destinations may have been written already: code behind the label
    /// does not read them. So may the map's own register, which is why the slow path is chosen before.
    fn get_map_elements(cpu, label: Label, map: Source, pairs: List) {
        let map = map.get(&cpu);
        let pairs = pairs.words();
        if let Some(words) = flat_words(&map)
            && all_immediate(&cpu, pairs, 2)
        {
            let mut at = 0;
            while at < pairs.len() {
                let Some(found) = position(words, pairs.source(at).get(&cpu)) else {
                    return cpu.jump(label);
                };
                pairs.destination(at + 1).set(&mut cpu, value_at(words, found));
                at += 2;
            }
            return cpu.next();
        }
    } slow {
        let map = map.get(&cpu);
        let pairs = pairs.words();
        for at in (0..pairs.len()).step_by(2) {
            let Some(value) = look_up(map, pairs.source(at).get(&cpu)) else {
                return cpu.jump(label);
            };
            pairs.destination(at + 1).set(&mut cpu, value);
        }
        cpu.next()
    }
}

op! {
    fn map_get(cpu, label: Label, key: Source, map: Source, destination: Destination) {
        let (key, map) = (key.get(&cpu), map.get(&cpu));
        if key.is_immediate()
            && let Some(words) = flat_words(&map)
            && let Some(found) = position(words, key)
        {
            destination.set(&mut cpu, value_at(words, found));
            return cpu.next();
        }
    } slow {
        let (key, map) = (key.get(&cpu), map.get(&cpu));
        if let Some(value) = look_up(map, key) {
            destination.set(&mut cpu, value);
            return cpu.next();
        }
        if label.is_some() {
            return cpu.jump(label);
        }
        cpu.save();
        // SAFETY: the registers are saved; the process is alive.
        let fail = unsafe { no_value(cpu.process, key, map) };
        cpu.load();
        cpu.fail(label, fail, am::MAP_GET, [key, map], 2)
    }
}

/// Puts `{badkey, Key}` or `{badmap, Map}` where [`Fail::Raised`] says.
#[cold]
#[inline(never)]
unsafe fn no_value(process: *mut Process, key: Term, map: Term) -> Fail {
    use crate::memory::Arena;
    let (tag, value) = if map.is_map() {
        (am::BADKEY, key)
    } else {
        (am::BADMAP, map)
    };
    // SAFETY: the caller's promise.
    let process = unsafe { &mut *process };
    match process.heap.tuple(&[tag.term(), value]) {
        Ok(reason) => {
            process.exception.class = crate::bif::Class::Error;
            process.exception.reason = reason;
            Fail::Raised
        }
        Err(error) => error.into(),
    }
}

op! {
    /// `Map#{K => V, ...}`
    fn put_map_assoc(cpu, label: Label, map: Source, destination: Destination, live: Number, pairs: List) {
        let map = map.get(&cpu);
        put_map(cpu, label, map, destination, live.value(), pairs.words(), false)
    }
}

op! {
    /// `Map#{K := V, ...}`
    fn put_map_exact(cpu, label: Label, map: Source, destination: Destination, live: Number, pairs: List) {
        let map = map.get(&cpu);
        put_map(cpu, label, map, destination, live.value(), pairs.words(), true)
    }
}

#[inline(always)]
fn put_map<L: Label, D: Destination>(
    mut cpu: Cpu,
    label: L,
    map: Term,
    destination: D,
    live: usize,
    pairs: Words,
    exact: bool,
) -> Exit {
    cpu.save();
    // SAFETY: the registers are saved; machine and process are alive.
    let put = unsafe { put(cpu.machine, cpu.process, map, live, pairs, exact) };
    cpu.load();
    match put {
        Put::Map(map) => {
            destination.set(&mut cpu, map);
            cpu.next()
        }
        Put::NoMemory => cpu.out_of_memory(),
        _ if label.is_some() => cpu.jump(label),
        Put::BadKey(key) => cpu.raise_tagged(am::BADKEY, key),
        Put::BadMap(map) => cpu.raise_tagged(am::BADMAP, map),
    }
}

/// What became of an instruction that builds a map.
enum Put {
    Map(Term),
    BadKey(Term),
    BadMap(Term),
    NoMemory,
}

/// Words in fragments beyond which a new map is reason to collect.
const FRAGMENT_LIMIT: usize = 4096;

/// # Safety
/// As for [`crate::interp::slow`]: the interpreter's registers are saved, machine and process are alive and not borrowed.
#[inline(never)]
unsafe fn put(
    machine: *mut Machine,
    process: *mut Process,
    map: Term,
    live: usize,
    pairs: Words,
    exact: bool,
) -> Put {
    if !map.is_map() {
        return Put::BadMap(map);
    }
    // SAFETY: the caller's promise; the registers of this `Cpu` are the saved ones, and operands are all it reads.
    let cpu = unsafe {
        Cpu {
            ip: core::ptr::null(),
            following: core::ptr::null(),
            machine,
            stack: (*process).heap.stack,
            top: (*process).heap.top,
            reductions: 0,
            process,
        }
    };
    // SAFETY: the caller's promise.
    if let Some(map) = unsafe { replaced(&cpu, map, pairs) } {
        return Put::Map(map);
    }
    let mut operands: SmallVec<[Term; 33]> = SmallVec::new();
    if operands.try_reserve(pairs.len() + 1).is_err() {
        return Put::NoMemory;
    }
    operands.push(map);
    operands.extend((0..pairs.len()).map(|at| pairs.source(at).get(&cpu)));
    // SAFETY: the caller's promise.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    let words = maps::words_to_put(map, pairs.len() / 2);
    let full = process.heap.free_words() < words || process.heap.fragment_words > FRAGMENT_LIMIT;
    if (full || machine.options.collect_always) && live + operands.len() <= X_REGISTERS {
        // Registers from `live` on are free: nobody reads them before they are written.
        let roots = live..live + operands.len();
        machine.x[roots.clone()].copy_from_slice(&operands);
        if gc::collect(machine, process, words, roots.end).is_err() {
            return Put::NoMemory;
        }
        operands.copy_from_slice(&machine.x[roots]);
    }
    let (heap, atoms) = (&mut process.heap, &machine.atoms);
    let result = if exact {
        maps::update_all(heap, atoms, operands[0], &operands[1..])
    } else {
        maps::put_all(heap, atoms, operands[0], &operands[1..]).map(Ok)
    };
    match result {
        Ok(Ok(map)) => Put::Map(map),
        Ok(Err(key)) => Put::BadKey(key),
        Err(_) => Put::NoMemory,
    }
}

/// A flat map with other values for keys that are immediate and there, as most updates are: made at the top of the heap, where there is room.
/// `None` for all else, and under `+gcstress`: then nothing has happened.
///
/// # Safety
/// As for [`put`]; the registers of `cpu` are the saved ones.
#[inline(always)]
unsafe fn replaced(cpu: &Cpu, map: Term, pairs: Words) -> Option<Term> {
    let words = map.as_object(Subtag::FlatMap)?;
    let size = words.len() + 1;
    // SAFETY: the caller's promise; the object lies in free words of the heap, and is whole when they are taken.
    unsafe {
        if cpu.free_words() < size || (*cpu.machine).options.collect_always {
            return None;
        }
        let new = cpu.top;
        let old = map.pointer();
        for at in 0..size {
            *new.add(at) = *old.add(at);
        }
        let mut changes = 0;
        for at in (0..pairs.len()).step_by(2) {
            let key = pairs.source(at).get(cpu);
            if !key.is_immediate() {
                return None;
            }
            let found = position(words, key)?;
            let value = pairs.source(at + 1).get(cpu).raw();
            changes |= value ^ words[found];
            *new.add(found + 1) = value;
        }
        // What changes nothing is the same map.
        if changes == 0 {
            return Some(map);
        }
        (*cpu.process).heap.top = new.add(size);
        Some(Term::boxed(new))
    }
}

//! Literals of purged modules, and persistent terms that were replaced or erased: how nobody refers to them any more.
//!
//! Literals are not copied when they are sent, so any process may refer to them. Its caller is the process
//! `erts_literal_area_collector` of OTP: it takes the next area to release ([`switch`]), asks each process to copy what it has of it to its own
//! heap ([`copy_out`]), and with the next [`switch`] the area is free.
//!
//! While that goes on, every literal is copied when it is sent or spawned with (`Machine::literals` is empty), so a process that was asked
//! gets none again. What keeps terms outside of processes (timers, tables, persistent terms) copies literals at all times.
//!
//! Invariant: `Machine::literals` is empty exactly while `current` is there.

use super::literals::Literals;
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{NoMemory, gc};
use crate::process::{Process, signal};
use crate::term::Term;
use alloc::collections::VecDeque;
use core::ops::Range;

/// Literals that are to be given back.
#[derive(Default)]
pub struct Release {
    waiting: VecDeque<Literals>,
    current: Option<Literals>,
    /// The process that releases them, once it runs.
    pub collector: Option<Term>,
}

impl Release {
    /// Adds literals that nothing of the machine refers to any more. Without memory for the note they stay for ever.
    pub fn add(&mut self, literals: Literals) {
        if !literals.range().is_empty() && self.waiting.try_reserve(1).is_ok() {
            self.waiting.push_back(literals);
        }
    }

    /// The addresses that processes are to refer to no more.
    pub fn addresses(&self) -> Range<usize> {
        self.current.as_ref().map_or(0..0, Literals::range)
    }
}

/// Tells the process that releases literals that there are some.
pub fn wake_collector(machine: &mut Machine, from: Term) -> Result<(), NoMemory> {
    let release = &machine.code.release;
    match release.collector.filter(|_| !release.waiting.is_empty()) {
        Some(collector) => signal::send(machine, from, collector, am::COPY_LITERALS.term()),
        None => Ok(()),
    }
}

/// `release_area_switch/0`: frees the area that all processes have been asked about, and takes the next. False if there is none.
pub fn switch(machine: &mut Machine) -> bool {
    let release = &mut machine.code.release;
    if let Some(done) = release.current.take() {
        machine.literal_area.close(done);
    }
    release.current = release.waiting.pop_front();
    let more = release.current.is_some();
    machine.literals = if more {
        0..0
    } else {
        machine.literal_area.range()
    };
    more
}

/// Whether `process`, with the first `live` X registers if it runs, may refer to the area that is being released. Every word is looked at
/// as if it were a term, so a number may be taken for one.
pub fn refers(machine: &Machine, process: &mut Process, live: usize) -> bool {
    let area = machine.code.release.addresses();
    if area.is_empty() {
        return false;
    }
    let is_of_area = |word: u64| matches!(word & 3, 1 | 2) && area.contains(&(word as usize & !3));
    let any = |from: *const u64, to: *const u64| {
        let mut at = from;
        while at < to {
            // SAFETY: the words of a heap and a stack that are in use are initialised.
            if is_of_area(unsafe { *at }) {
                return true;
            }
            at = at.wrapping_add(1);
        }
        false
    };
    if machine.x[..live].iter().any(|term| is_of_area(term.raw())) {
        return true;
    }
    let heap = &process.heap;
    if any(heap.block.start(), heap.top) || any(heap.stack, heap.block.end()) {
        return true;
    }
    for fragment in heap.outside() {
        let start = fragment.block.start();
        if any(start, start.wrapping_add(fragment.used)) {
            return true;
        }
    }
    for words in process.mailbox.parcels().flat_map(Parcel::areas) {
        if words.iter().any(|word| is_of_area(*word)) {
            return true;
        }
    }
    let mut found = false;
    process.for_each_root(&mut |term| found |= is_of_area(term.raw()));
    found
}

/// Copies what `process`, which does not run, has of the area that is being released to its own heap.
pub fn copy_out(machine: &mut Machine, process: &mut Process) -> Result<(), NoMemory> {
    process.bring_in_messages()?;
    gc::collect_fully(machine, process, 0)
}

//! What happens around a collection: time is accounted for, and who asked is told of long ones and of large heaps.
//!
//! Called by the collector, for every collection; [`begins`] decides with two comparisons whether there is anything to do.

use super::{monitor, tell};
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::{Arena, NoMemory};
use crate::process::Process;
use crate::sched::accounting::Activity;
use crate::term::{Atom, Term};

/// A collection that is measured.
pub struct Measured {
    started: u64,
    before: Activity,
}

/// A collection begins.
#[inline]
pub fn begins(machine: &mut Machine) -> Option<Measured> {
    if machine.observer.collections || machine.scheduler.accounting.is_on() {
        return Some(measure(machine));
    }
    None
}

#[cold]
fn measure(machine: &mut Machine) -> Measured {
    let started = machine.platform.monotonic_ns();
    let before = machine.scheduler.accounting.enter(Activity::Gc, started);
    Measured { started, before }
}

/// It has ended.
#[inline]
pub fn ends(machine: &mut Machine, process: &Process, measured: Option<Measured>) {
    if let Some(measured) = measured {
        report(machine, process, measured);
    }
}

#[cold]
fn report(machine: &mut Machine, process: &Process, measured: Measured) {
    let delay_ends = measured.started + machine.observer.collection_delay;
    let mut now = machine.platform.monotonic_ns();
    while now < delay_ends {
        core::hint::spin_loop();
        now = machine.platform.monotonic_ns();
    }
    machine.scheduler.accounting.enter(measured.before, now);
    let Some(monitor) = &machine.observer.monitor else {
        return;
    };
    let receiver = monitor.receiver;
    if receiver == process.pid {
        return;
    }
    let milliseconds = (now - measured.started) / monitor::NS_PER_MS;
    let long = monitor
        .long_collection
        .is_some_and(|limit| milliseconds >= limit);
    let large = monitor
        .large_heap
        .is_some_and(|limit| heap_words(process) >= limit);
    let pid = process.pid;
    if long {
        tell(machine, receiver, |heap| {
            let info = sizes(heap, process, Some(milliseconds))?;
            let tags = [am::MONITOR.term(), pid, am::LONG_GC.term(), info];
            heap.tuple(&tags)
        });
    }
    if large {
        tell(machine, receiver, |heap| {
            let info = sizes(heap, process, None)?;
            let tags = [am::MONITOR.term(), pid, am::LARGE_HEAP.term(), info];
            heap.tuple(&tags)
        });
    }
}

/// Words that the heap takes up, both generations.
fn heap_words(process: &Process) -> u64 {
    let heap = &process.heap;
    (heap.block.words() + heap.old_words() + heap.fragment_words) as u64
}

/// `[{Item, Words}]`, behind `{timeout, Milliseconds}` if there is one.
fn sizes<A: Arena + ?Sized>(
    arena: &mut A,
    process: &Process,
    timeout: Option<u64>,
) -> Result<Term, NoMemory> {
    let heap = &process.heap;
    let words = |from: *mut u64, to: *mut u64| (to as usize - from as usize) / 8;
    let all: [(Atom, usize); 6] = [
        (am::OLD_HEAP_BLOCK_SIZE, heap.old_words()),
        (am::HEAP_BLOCK_SIZE, heap.block.words()),
        (am::MBUF_SIZE, heap.fragment_words),
        (am::STACK_SIZE, words(heap.stack, heap.block.end())),
        (am::OLD_HEAP_SIZE, heap.old_used()),
        (am::HEAP_SIZE, words(heap.block.start(), heap.top)),
    ];
    let mut list = Term::NIL;
    for (item, words) in all.into_iter().rev() {
        let words = arena.unsigned(words as u64)?;
        let pair = arena.tuple(&[item.term(), words])?;
        list = arena.cons(pair, list)?;
    }
    if let Some(timeout) = timeout {
        let timeout = arena.unsigned(timeout)?;
        let pair = arena.tuple(&[am::TIMEOUT.term(), timeout])?;
        list = arena.cons(pair, list)?;
    }
    Ok(list)
}

//! Memory that runs out: whoever holds the most of it ends, before somebody's small request fails.
//!
//! A request that cannot be met ends the process that makes it. That is right for one that asks for much. But memory that is eaten
//! little by little, by objects of tables, messages or binaries, is gone when *anybody* asks: the logger, or a supervisor of OTP's
//! own. So [`Platform::memory_is_low`](crate::platform::Platform::memory_is_low) keeps a reserve, and the run loop looks at it after each turn.
//!
//! Invariant: memory that is about to be given back is waited for; a process is ended only if that was not enough.

use super::FREED_WHEN_IDLE;
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::gc;
use crate::process::{Process, State, exit};
use crate::report;
use crate::term::Term;
use core::ptr::NonNull;

/// A process that holds less than this part of what all hold and of what nobody gives back, atoms and literals, has not eaten the memory: the one that has just run has.
const SHARE: usize = 8;

/// Bytes of a link, a monitor or a timer, with its place among those of the machine or of the other process.
const TIE: usize = 128;

/// Makes room after the turn of `last`, if little memory is left: what is gone is freed at once; then the garbage of the process that
/// holds the most is collected, and if that was its own, it ends.
#[cold]
#[inline(never)]
pub(super) fn relieve(machine: &mut Machine, last: Term) {
    while exit::linger(machine) || machine.ets.free_some(FREED_WHEN_IDLE) > 0 {
        if !machine.platform.memory_is_low() {
            return;
        }
    }
    let Some((mut process, held)) = victim(machine, last) else {
        return;
    };
    // SAFETY: the process is in the table and none runs, so nothing else borrows it; collector and report reach
    // processes through this argument alone.
    let process = unsafe { process.as_mut() };
    if process.paused.is_none()
        && gc::collect_fully(machine, process, 0).is_ok()
        && !machine.platform.memory_is_low()
    {
        return;
    }
    let pid = process.pid;
    report::scarce(machine, process, held);
    exit::begin(machine, pid, am::KILLED.term());
    exit::carry_out(machine);
}

/// Who is to end, and the bytes that it holds.
fn victim(machine: &Machine, last: Term) -> Option<(NonNull<Process>, usize)> {
    let mut all = machine.atoms.memory() + machine.literal_area.used();
    let mut most = None;
    for process in machine.processes.table.iter() {
        let held = held(machine, process);
        all += held;
        // SAFETY: the table's processes are alive, and none runs.
        let ending = unsafe { process.as_ref() }.state == State::Exiting;
        if !ending && most.is_none_or(|(_, other)| held > other) {
            most = Some((process, held));
        }
    }
    let (greatest, held_by_it) = most?;
    if held_by_it >= all / SHARE {
        return Some((greatest, held_by_it));
    }
    let last = machine.processes.table.get(last).filter(|process| {
        // SAFETY: as above.
        let process = unsafe { process.as_ref() };
        process.state != State::Exiting && !process.system
    });
    Some(last.map_or((greatest, held_by_it), |process| {
        (process, held(machine, process))
    }))
}

/// Bytes that end with a process: its own, its binaries, its tables, what ties it to others and to the clock.
fn held(machine: &Machine, process: NonNull<Process>) -> usize {
    // SAFETY: the table's processes are alive, and none runs.
    let process = unsafe { process.as_ref() };
    let rare = process.rare.as_ref();
    let ties = process.links.len()
        + process.monitors.len()
        + rare.map_or(0, |rare| rare.timers.len() + rare.aliases.len());
    process.memory()
        + process.heap.off_heap.all_bytes()
        + machine.ets.memory_of(process.pid)
        + ties * TIE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tests::{answer_low, machine, take_printed};
    use alloc::string::String;

    fn process(machine: &mut Machine, words: usize) -> Term {
        machine.processes.create(words).unwrap().pid
    }

    fn lives(machine: &mut Machine, pid: Term) -> bool {
        machine.processes.alive(pid).is_some()
    }

    #[test]
    fn whoever_holds_the_most_ends_and_the_machine_says_so() {
        let machine = machine();
        let (small, large) = (process(machine, 300), process(machine, 300));
        for _ in 0..10_000 {
            let reference = machine.processes.references.make();
            let large = machine.processes.table.get_mut(large).unwrap();
            large.rare().unwrap().timers.insert(reference, ()).unwrap();
        }
        take_printed();
        answer_low(1);
        relieve(machine, small);
        assert!(lives(machine, small) && !lives(machine, large));
        let printed = String::from_utf8(take_printed()).unwrap();
        assert!(printed.contains("memory runs out"), "{printed}");
    }

    #[test]
    fn garbage_is_enough() {
        let machine = machine();
        let all = [300, 1_000_000].map(|words| process(machine, words));
        answer_low(0);
        relieve(machine, all[0]);
        assert!(all.into_iter().all(|pid| lives(machine, pid)));
    }

    #[test]
    fn if_nobody_holds_much_it_was_the_last_that_ran() {
        let machine = machine();
        let all: [Term; 20] = core::array::from_fn(|_| process(machine, 300));
        answer_low(1);
        relieve(machine, all[13]);
        for (index, pid) in all.into_iter().enumerate() {
            assert_eq!(lives(machine, pid), index != 13, "{index}");
        }
    }
}

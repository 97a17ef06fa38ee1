//! Changes of the time offset: OTP's time warp modes (`+C`), and who is told of them.
//!
//! System time is monotonic time plus an offset ([`Clock`](super::clock::Clock)). Monotonic time is the platform's in every mode, so it neither jumps
//! nor is corrected; the mode says whether the offset may be set again when the time of the operating system is found to be another.
//!
//! Invariant: in [`Mode::NoTimeWarp`], and in [`Mode::SingleTimeWarp`] once it is final, the offset does not change.
//!
//! The time built-ins call [`follow`] before they answer, the scheduler now and then; `system_flag(time_offset, finalize)` calls [`finalize`].

use super::clock;
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::Arena;
use crate::process::{Watched, exit};
use crate::term::Atom;
use crate::tracing::event;
use alloc::vec::Vec;

/// By how much system time may differ from the operating system's before it follows, in nanoseconds.
const TOLERANCE: u64 = 1_000_000;

/// How often the scheduler looks whether it does, in nanoseconds.
const INTERVAL: i64 = 1_000_000_000;

/// When the time offset may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Never.
    NoTimeWarp,
    /// Once, when it is made final.
    SingleTimeWarp,
    /// At any time.
    MultiTimeWarp,
}

impl Mode {
    /// Without `+C`: OTP 26 made the offset follow the time of the system.
    pub fn of_release(number: u32) -> Mode {
        if number >= 26 {
            Mode::MultiTimeWarp
        } else {
            Mode::NoTimeWarp
        }
    }

    /// The mode that holds.
    pub fn of_machine(machine: &Machine) -> Mode {
        let mode = machine.options.time_warp;
        mode.unwrap_or_else(|| Mode::of_release(machine.release_number()))
    }

    /// As `+C` and `system_info(time_warp_mode)` have it.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::NoTimeWarp => "no_time_warp",
            Mode::SingleTimeWarp => "single_time_warp",
            Mode::MultiTimeWarp => "multi_time_warp",
        }
    }

    /// The mode of that name.
    pub fn of(name: &[u8]) -> Option<Mode> {
        [Mode::NoTimeWarp, Mode::SingleTimeWarp, Mode::MultiTimeWarp]
            .into_iter()
            .find(|mode| mode.name().as_bytes() == name)
    }
}

/// What `system_info(time_offset)` says: `final`, `preliminary` or `volatile`.
pub fn state(machine: &Machine) -> &'static str {
    match Mode::of_machine(machine) {
        Mode::SingleTimeWarp if !machine.clock.is_final => "preliminary",
        Mode::NoTimeWarp | Mode::SingleTimeWarp => "final",
        Mode::MultiTimeWarp => "volatile",
    }
}

/// Makes a preliminary offset final, which is when it changes; what [`state`] it had.
pub fn finalize(machine: &mut Machine) -> &'static str {
    let state = state(machine);
    if state == "preliminary" {
        machine.clock.is_final = true;
        let offset = current(machine);
        change(machine, offset);
    }
    state
}

/// Whether [`follow`] could have anything to do, `now` nanoseconds of monotonic time being what the scheduler saw last.
#[inline]
pub fn is_due(machine: &Machine, now: i64) -> bool {
    machine.options.time_warp == Some(Mode::MultiTimeWarp)
        && now - machine.clock.compared >= INTERVAL
}

/// Lets system time follow the operating system's, if the mode allows that.
pub fn follow(machine: &mut Machine) {
    if Mode::of_machine(machine) != Mode::MultiTimeWarp {
        return;
    }
    let offset = current(machine);
    if offset.abs_diff(machine.clock.offset) > TOLERANCE {
        change(machine, offset);
    }
}

/// The offset that makes system time the operating system's.
fn current(machine: &mut Machine) -> i64 {
    let now = clock::monotonic(&mut *machine.platform);
    machine.clock.compared = now;
    machine.platform.system_time_ns().wrapping_sub(now)
}

/// Sets the offset and tells those that monitor it: `{'CHANGE', Ref, time_offset, clock_service, Offset}`.
fn change(machine: &mut Machine, offset: i64) {
    machine.clock.offset = offset;
    let mut watchers = Vec::new();
    for process in machine.processes.table.iter() {
        // SAFETY: the table's processes are alive, and nobody borrows one while the machine is borrowed mutably.
        let process = unsafe { process.as_ref() };
        let offsets = process
            .monitors
            .iter()
            .filter(|(_, monitor)| monitor.target == Watched::TimeOffset);
        for (reference, _) in offsets {
            if watchers.try_reserve(1).is_err() {
                // Without memory for a list of them nobody can be told; who asks gets the new offset.
                return;
            }
            watchers.push((process.pid, reference));
        }
    }
    for (pid, reference) in watchers {
        let posted = machine.processes.post(pid, |process| {
            let heap = &mut process.heap;
            let reference = reference.term(heap)?;
            let offset = heap.integer(offset)?;
            let [tag, kind, item] =
                [am::CHANGE, am::TIME_OFFSET, am::CLOCK_SERVICE].map(Atom::term);
            heap.tuple(&[tag, reference, kind, item, offset])
        });
        if posted.is_err() {
            exit::begin(machine, pid, am::KILLED.term());
        }
        event::received(machine, pid, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tests::{machine, process, take};
    use crate::process::{Monitor, signal};
    use crate::term::Term;

    fn watcher(machine: &mut Machine) -> Term {
        let pid = process(machine);
        let reference = machine.processes.references.make();
        let target = Watched::TimeOffset;
        signal::monitor(machine, pid, reference, Monitor { target, tag: None }).unwrap();
        pid
    }

    /// Takes the offset that `pid` was told.
    fn told(machine: &mut Machine, pid: Term) -> Option<Term> {
        let message = take(machine, pid)?;
        let fields = message.as_tuple().unwrap();
        assert_eq!(fields[0], am::CHANGE.term());
        Some(fields[4])
    }

    #[test]
    fn a_mode_is_found_by_its_name() {
        assert_eq!(Mode::of(b"multi_time_warp"), Some(Mode::MultiTimeWarp));
        assert_eq!(Mode::of(b"warp"), None);
    }

    #[test]
    fn an_offset_becomes_final_once() {
        let machine = machine();
        let pid = watcher(machine);
        assert_eq!(finalize(machine), "final");
        machine.options.time_warp = Some(Mode::SingleTimeWarp);
        let right = machine.clock.offset;
        machine.clock.offset = right - 7;
        follow(machine);
        assert_eq!(told(machine, pid), None);
        assert_eq!(finalize(machine), "preliminary");
        assert_eq!(told(machine, pid).unwrap().as_small(), None);
        assert_eq!(machine.clock.offset, right);
        assert_eq!(finalize(machine), "final");
        assert_eq!(told(machine, pid), None);
    }

    #[test]
    fn a_volatile_offset_follows_the_time_of_the_system() {
        let machine = machine();
        let pid = watcher(machine);
        machine.options.time_warp = Some(Mode::MultiTimeWarp);
        let right = machine.clock.offset;
        machine.clock.offset = right + TOLERANCE as i64;
        follow(machine);
        assert_eq!(told(machine, pid), None);
        machine.clock.offset += 1;
        follow(machine);
        assert!(told(machine, pid).is_some());
        assert_eq!(machine.clock.offset, right);
        assert_eq!(finalize(machine), "volatile");
    }
}

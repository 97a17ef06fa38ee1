//! Signals and exits between processes of a machine that interprets nothing.

use super::exit::{begin, carry_out};
use super::population::Processes;
use super::reference::RefNumber;
use super::signal::{self, Origin, RegisterError};
use super::*;
use crate::boot::ModuleStore;
use crate::machine::{Machine, Options};
use crate::memory::Arena;
use crate::platform::{Platform, Reservation, Stream};
use alloc::borrow::Cow;
use alloc::string::String;
use core::ptr::NonNull;

std::thread_local! {
    static LOW: core::cell::Cell<u32> = const { core::cell::Cell::new(0) };
    static PRINTED: core::cell::RefCell<Vec<u8>> = const { core::cell::RefCell::new(Vec::new()) };
}

/// The next so many times that the machine asks, little memory is left.
pub(crate) fn answer_low(times: u32) {
    LOW.set(times);
}

/// What was written to the console since this was asked last.
pub(crate) fn take_printed() -> Vec<u8> {
    PRINTED.take()
}

/// A world in which time passes when the machine sleeps.
pub(crate) struct TestPlatform {
    now: u64,
    io: crate::port::testing::TestIo,
}

impl Platform for TestPlatform {
    fn monotonic_ns(&mut self) -> u64 {
        self.now
    }
    fn system_time_ns(&mut self) -> i64 {
        1_700_000_000_000_000_000 + self.now as i64
    }
    fn fill_entropy(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x5a);
    }
    fn console_write(&mut self, _: Stream, bytes: &[u8]) {
        PRINTED.with_borrow_mut(|printed| printed.extend_from_slice(bytes));
    }
    fn console_read(&mut self, _: &mut [u8]) -> usize {
        0
    }
    fn io(&mut self) -> &mut dyn crate::platform::io::Io {
        &mut self.io
    }
    fn network(&mut self) -> Option<&mut dyn crate::platform::network::Network> {
        Some(&mut self.io)
    }
    fn idle_until(&mut self, deadline: Option<u64>) {
        self.now = self.now.max(deadline.unwrap_or(self.now));
        crate::platform::io::Io::poll(&mut self.io);
    }
    fn reserve(&mut self, len: usize) -> Option<Reservation> {
        // Addresses of literals; nothing is ever put there.
        let base = NonNull::new((1usize << 46) as *mut u8)?;
        Some(Reservation { base, len })
    }
    fn commit(&mut self, _: NonNull<u8>, _: usize) -> bool {
        false
    }
    fn memory_available(&mut self) -> u64 {
        0
    }
    fn memory_is_low(&mut self) -> bool {
        let left = LOW.get();
        LOW.set(left.saturating_sub(1));
        left > 0
    }
    fn halt(&mut self, status: u8) -> ! {
        panic!("halted with status {status}")
    }
}

struct NoModules;

impl ModuleStore for NoModules {
    fn find(&self, _: &str) -> Result<Option<Cow<'static, [u8]>>, String> {
        Ok(None)
    }
}

/// A machine with a clock and nothing else.
pub(crate) fn machine() -> &'static mut Machine {
    let platform = Box::new(TestPlatform {
        now: 1_000_000,
        io: crate::port::testing::TestIo::new(),
    });
    Machine::leak(
        platform,
        Box::new(NoModules),
        Box::new(crate::code::cache::NoCache),
        Box::new(crate::fs::ram::RamFiles::new(None, || 0)),
        Options::default(),
    )
    .ok()
    .unwrap()
}

/// A process that waits.
pub(crate) fn process(machine: &mut Machine) -> Term {
    machine.processes.create(MIN_HEAP_WORDS).unwrap().pid
}

fn of(processes: &mut Processes, pid: Term) -> &mut Process {
    processes.table.get_mut(pid).unwrap()
}

pub(crate) fn take(machine: &mut Machine, pid: Term) -> Option<Term> {
    of(&mut machine.processes, pid).mailbox.remove_current()
}

fn alive(machine: &mut Machine, pid: Term) -> bool {
    machine.processes.alive(pid).is_some()
}

fn monitor(machine: &mut Machine, pid: Term, target: Watched) -> RefNumber {
    let reference = machine.processes.references.make();
    let tag = None;
    signal::monitor(machine, pid, reference, Monitor { target, tag }).unwrap();
    reference
}

#[test]
fn a_message_is_copied_and_wakes_its_receiver() {
    let machine = machine();
    let (a, b) = (process(machine), process(machine));
    let message = of(&mut machine.processes, a)
        .heap
        .tuple(&[Term::small(1), am::OK.term()])
        .unwrap();
    signal::send(machine, a, b, message).unwrap();
    let received = take(machine, b).unwrap();
    assert_ne!(received, message);
    assert_eq!(received.as_tuple(), message.as_tuple());
    assert_eq!(of(&mut machine.processes, b).state, State::Runnable);
    assert_eq!(machine.processes.queues.len(), 1);
    signal::send(machine, a, a, message).unwrap();
    assert_eq!(take(machine, a), Some(message));
}

#[test]
fn exit_signals_follow_the_rules_of_otp() {
    let (normal, other, kill) = (am::NORMAL.term(), am::BADARG.term(), am::KILL.term());
    use Origin::{Explicit, Link};
    // Reason, origin, whether the receiver traps; whether it survives, and whether it gets a message.
    for (reason, origin, traps, survives, told) in [
        (normal, Explicit, false, true, false),
        (normal, Explicit, true, true, true),
        (other, Explicit, false, false, false),
        (other, Explicit, true, true, true),
        (kill, Explicit, false, false, false),
        (kill, Explicit, true, false, false),
        (normal, Link, false, true, false),
        (normal, Link, true, true, true),
        (other, Link, false, false, false),
        (other, Link, true, true, true),
        (kill, Link, false, false, false),
        (kill, Link, true, true, true),
    ] {
        let machine = machine();
        let (from, to) = (process(machine), process(machine));
        of(&mut machine.processes, to).trap_exit = traps;
        signal::exit_signal(machine, from, to, reason, origin);
        carry_out(machine);
        let case = (machine.atoms.name(reason.as_atom().unwrap()), origin, traps);
        assert_eq!(alive(machine, to), survives, "{case:?}");
        if told {
            let message = take(machine, to).unwrap();
            assert_eq!(
                message.as_tuple().unwrap(),
                [am::EXIT.term(), from, reason],
                "{case:?}"
            );
        } else if survives {
            assert_eq!(take(machine, to), None, "{case:?}");
        }
    }
}

#[test]
fn a_process_can_exit_itself_normally() {
    let machine = machine();
    let pid = process(machine);
    signal::exit_signal(machine, pid, pid, am::NORMAL.term(), Origin::Explicit);
    carry_out(machine);
    assert!(!alive(machine, pid));
}

#[test]
fn an_exit_of_the_running_process_waits_for_the_end_of_its_turn() {
    let machine = machine();
    let pid = process(machine);
    of(&mut machine.processes, pid).state = State::Running;
    machine.processes.running = Some(pid);
    begin(machine, pid, am::BADARG.term());
    carry_out(machine);
    assert!(alive(machine, pid));
    machine.processes.running = None;
    assert!(exit::begin_pending(machine, pid));
    carry_out(machine);
    assert!(!alive(machine, pid));
}

#[test]
fn a_chain_of_links_ends_without_recursion() {
    const LENGTH: usize = 10_000;
    let machine = machine();
    let chain: Vec<Term> = (0..LENGTH).map(|_| process(machine)).collect();
    for pair in chain.windows(2) {
        assert_eq!(signal::link(machine, pair[0], pair[1]), Ok(true));
    }
    let last = *chain.last().unwrap();
    of(&mut machine.processes, last).trap_exit = true;
    let reason = of(&mut machine.processes, chain[0])
        .heap
        .tuple(&[am::BADARG.term()])
        .unwrap();
    begin(machine, chain[0], reason);
    carry_out(machine);
    assert_eq!(machine.processes.table.len(), 1);
    let message = take(machine, last).unwrap();
    let fields = message.as_tuple().unwrap();
    assert_eq!(fields[..2], [am::EXIT.term(), chain[LENGTH - 2]]);
    assert_eq!(fields[2].as_tuple(), Some(&[am::BADARG.term()][..]));
    assert!(of(&mut machine.processes, last).links.is_empty());
}

#[test]
fn links_are_on_both_sides_or_on_neither() {
    let machine = machine();
    let (a, b) = (process(machine), process(machine));
    signal::link(machine, a, b).unwrap();
    signal::link(machine, b, a).unwrap();
    assert!(
        of(&mut machine.processes, b)
            .links
            .contains(crate::process::ties::Identifier::of(a))
    );
    signal::unlink(machine, b, a);
    assert!(of(&mut machine.processes, a).links.is_empty());
    assert!(of(&mut machine.processes, b).links.is_empty());
    begin(machine, a, am::BADARG.term());
    carry_out(machine);
    assert_eq!(signal::link(machine, b, a), Ok(false));
    assert!(alive(machine, b));
}

#[test]
fn a_monitor_tells_once_in_the_order_of_its_making() {
    let machine = machine();
    let (watcher, watched) = (process(machine), process(machine));
    signal::register(machine, am::INIT, watched).unwrap();
    let first = monitor(machine, watcher, Watched::Process(watched));
    let ended = monitor(machine, watcher, Watched::Process(watched));
    let named = monitor(machine, watcher, Watched::Name(watched, am::INIT));
    assert!(signal::demonitor(machine, watcher, ended).is_some());
    assert!(signal::demonitor(machine, watcher, ended).is_none());
    begin(machine, watched, am::BADARG.term());
    carry_out(machine);
    let message = take(machine, watcher).unwrap();
    let fields = message.as_tuple().unwrap();
    assert_eq!(fields[0], am::DOWN.term());
    assert_eq!(RefNumber::of(fields[1]), Some(first));
    assert_eq!(
        fields[2..],
        [am::PROCESS.term(), watched, am::BADARG.term()]
    );
    let message = take(machine, watcher).unwrap();
    let fields = message.as_tuple().unwrap();
    assert_eq!(RefNumber::of(fields[1]), Some(named));
    assert_eq!(
        fields[3].as_tuple(),
        Some(&[am::INIT.term(), am::NONODE_NOHOST.term()][..])
    );
    assert_eq!(take(machine, watcher), None);
    assert!(of(&mut machine.processes, watcher).monitors.is_empty());
}

#[test]
fn a_monitor_of_nobody_tells_at_once() {
    let machine = machine();
    let watcher = process(machine);
    monitor(machine, watcher, Watched::Name(Term::NIL, am::INIT));
    let message = take(machine, watcher).unwrap();
    assert_eq!(message.as_tuple().unwrap()[4], am::NOPROC.term());
}

#[test]
fn a_watcher_that_ends_watches_no_more() {
    let machine = machine();
    let (watcher, watched) = (process(machine), process(machine));
    monitor(machine, watcher, Watched::Process(watched));
    begin(machine, watcher, am::BADARG.term());
    carry_out(machine);
    assert!(of(&mut machine.processes, watched).monitored_by.is_empty());
}

#[test]
fn an_alias_for_a_reply_ends_with_the_first_message_and_its_monitor() {
    let machine = machine();
    let (watcher, watched) = (process(machine), process(machine));
    let reference = monitor(machine, watcher, Watched::Process(watched));
    signal::add_alias(machine, watcher, reference, AliasMode::ReplyDemonitor).unwrap();
    assert_eq!(signal::use_alias(machine, reference), Some(watcher));
    assert_eq!(signal::use_alias(machine, reference), None);
    assert!(of(&mut machine.processes, watched).monitored_by.is_empty());
    let explicit = machine.processes.references.make();
    signal::add_alias(machine, watcher, explicit, AliasMode::ExplicitUnalias).unwrap();
    assert_eq!(signal::use_alias(machine, explicit), Some(watcher));
    begin(machine, watcher, am::BADARG.term());
    carry_out(machine);
    assert_eq!(signal::use_alias(machine, explicit), None);
}

#[test]
fn names_belong_to_the_living() {
    let machine = machine();
    let (a, b) = (process(machine), process(machine));
    assert_eq!(signal::register(machine, am::INIT, a), Ok(()));
    assert_eq!(
        signal::register(machine, am::INIT, b),
        Err(RegisterError::Taken)
    );
    assert_eq!(
        signal::register(machine, am::FILE, a),
        Err(RegisterError::HasName)
    );
    assert_eq!(
        signal::register(machine, am::UNDEFINED, b),
        Err(RegisterError::BadName)
    );
    begin(machine, a, am::BADARG.term());
    carry_out(machine);
    assert_eq!(machine.processes.registry.whereis(am::INIT), None);
    assert_eq!(
        signal::register(machine, am::INIT, a),
        Err(RegisterError::NotAlive)
    );
    assert_eq!(signal::register(machine, am::INIT, b), Ok(()));
    assert!(signal::unregister(machine, am::INIT));
    assert!(!signal::unregister(machine, am::INIT));
}

#[test]
fn a_suspended_process_runs_when_it_has_been_resumed_as_often() {
    let machine = machine();
    let pid = process(machine);
    machine.processes.wake(pid);
    machine.processes.suspend(pid);
    machine.processes.suspend(pid);
    assert!(machine.processes.queues.is_empty());
    machine.processes.wake(pid);
    machine.processes.resume(pid);
    assert!(machine.processes.queues.is_empty());
    machine.processes.resume(pid);
    assert_eq!(machine.processes.queues.len(), 1);
}

#[test]
fn timers_of_a_dead_process_are_gone() {
    let machine = machine();
    let pid = process(machine);
    let reference = machine.processes.references.make();
    let rare = of(&mut machine.processes, pid).rare().unwrap();
    rare.timers.insert(reference, ()).unwrap();
    machine
        .timers
        .start_message(5_000_000, reference, pid, |parcel| {
            parcel.tuple(&[Term::NIL])
        })
        .unwrap();
    begin(machine, pid, am::BADARG.term());
    carry_out(machine);
    assert!(machine.timers.is_empty());
    assert_eq!(machine.timers.deadline(reference), None);
}

#[test]
fn a_timer_delivers_its_message_and_ends_a_receive() {
    let machine = machine();
    let (pid, waiter) = (process(machine), process(machine));
    signal::register(machine, am::INIT, pid).unwrap();
    let reference = machine.processes.references.make();
    machine
        .timers
        .start_message(5_000_000, reference, am::INIT.term(), |parcel| {
            crate::time::timeout_message(parcel, reference, Term::small(7))
        })
        .unwrap();
    let handle = machine.timers.start_receive(4_000_000, waiter).unwrap();
    of(&mut machine.processes, waiter).receive_timer = ReceiveTimer::Running(handle);
    crate::time::fire(machine, 3_000_000);
    assert!(machine.processes.queues.is_empty());
    crate::time::fire(machine, 6_000_000);
    assert_eq!(
        of(&mut machine.processes, waiter).receive_timer,
        ReceiveTimer::Fired
    );
    let message = take(machine, pid).unwrap();
    let fields = message.as_tuple().unwrap();
    assert_eq!(RefNumber::of(fields[1]), Some(reference));
    assert_eq!((fields[0], fields[2]), (am::TIMEOUT.term(), Term::small(7)));
    assert_eq!(machine.processes.queues.len(), 2);
    assert_eq!(machine.timers.deadline(reference), None);
}

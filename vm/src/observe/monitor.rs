//! `erlang:system_monitor`: what takes long or grows large is told to one process.

use super::tell;
use crate::atom::am;
use crate::machine::Machine;
use crate::term::{Atom, Term};

/// Nanoseconds of a millisecond, in which times are told.
pub const NS_PER_MS: u64 = 1_000_000;

/// What is told, and to whom.
#[derive(Clone, Debug)]
pub struct SystemMonitor {
    /// Who is told.
    pub receiver: Term,
    /// `{long_gc, Milliseconds}`
    pub long_collection: Option<u64>,
    /// `{long_schedule, Milliseconds}`
    pub long_turn: Option<u64>,
    /// `{large_heap, Words}`
    pub large_heap: Option<u64>,
    /// `{long_message_queue, {Disable, Enable}}` (OTP 27): messages.
    pub long_queue: Option<(u64, u64)>,
    /// `busy_port`
    pub busy_port: bool,
    /// `busy_dist_port`
    pub busy_dist_port: bool,
}

impl SystemMonitor {
    /// Nothing is told to `receiver` yet.
    pub const fn new(receiver: Term) -> SystemMonitor {
        SystemMonitor {
            receiver,
            long_collection: None,
            long_turn: None,
            large_heap: None,
            long_queue: None,
            busy_port: false,
            busy_dist_port: false,
        }
    }

    /// Whether nothing is told.
    pub fn is_empty(&self) -> bool {
        !self.collections() && !self.turns() && !self.busy_port && !self.busy_dist_port
    }

    /// Whether collections matter.
    pub fn collections(&self) -> bool {
        self.long_collection.is_some() || self.large_heap.is_some()
    }

    /// Whether turns matter.
    pub fn turns(&self) -> bool {
        self.long_turn.is_some() || self.long_queue.is_some()
    }
}

/// The process `pid` is suspended because of `port`, which is busy.
pub fn busy_port(machine: &mut Machine, pid: Term, port: Term) {
    let wants = |monitor: &SystemMonitor| monitor.busy_port;
    busy(machine, pid, port, am::BUSY_PORT, wants);
}

/// The process `pid` is suspended because so much is on its way over the connection of `port`.
pub fn busy_dist_port(machine: &mut Machine, pid: Term, port: Term) {
    let wants = |monitor: &SystemMonitor| monitor.busy_dist_port;
    busy(machine, pid, port, am::BUSY_DIST_PORT, wants);
}

fn busy(
    machine: &mut Machine,
    pid: Term,
    port: Term,
    event: Atom,
    wants: impl Fn(&SystemMonitor) -> bool,
) {
    let monitor = machine.observer.monitor.as_ref();
    let Some(monitor) = monitor.filter(|m| m.receiver != pid && wants(m)) else {
        return;
    };
    let receiver = monitor.receiver;
    tell(machine, receiver, |heap| {
        heap.tuple(&[am::MONITOR.term(), pid, event.term(), port])
    });
}

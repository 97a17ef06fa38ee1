//! What the machine tells about itself to a process (or port) that asked: `erlang:system_monitor`, `erlang:system_profile`, `seq_trace`.
//!
//! [`monitor`] tells of what takes long or grows large, [`profile`] of who becomes active and inactive, [`sequential`] of where tokens go. The first two hang on places that are rare: the collector
//! ([`collection`]), the beginning and the end of a turn ([`turn`]), ports. While nobody asked, each of these costs one comparison.
//!
//! Invariant: [`Observer::collections`] and [`Observer::turns`] say whether anybody wants to know of such an event, and are set where the wishes change
//! ([`Observer::update`]). Nobody is told about the process that is told. A message that finds no memory is dropped.

pub mod collection;
pub mod monitor;
pub mod profile;
pub mod sequential;
pub mod timestamp;
pub mod turn;

use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::port::output::Output;
use crate::port::signal;
use crate::process::Mfa;
use crate::term::{Term, etf};
use monitor::SystemMonitor;
use profile::SystemProfile;

/// Who wants to know what.
#[derive(Debug)]
pub struct Observer {
    /// `erlang:system_monitor`
    pub monitor: Option<SystemMonitor>,
    /// `erlang:system_profile`
    pub profile: Option<SystemProfile>,
    /// Who is told of sequential traces.
    pub sequential_tracer: Option<Term>,
    /// Nanoseconds by which every collection is made longer: for tests of `long_gc`.
    pub collection_delay: u64,
    /// Whether collections are measured, but for accounting.
    collections: bool,
    /// Whether turns are looked at.
    turns: bool,
    turn: turn::Begun,
}

impl Observer {
    /// Nobody wants to know anything.
    pub const fn new() -> Observer {
        Observer {
            monitor: None,
            profile: None,
            sequential_tracer: None,
            collection_delay: 0,
            collections: false,
            turns: false,
            turn: turn::Begun::NONE,
        }
    }

    /// To be called when wishes have changed.
    pub fn update(&mut self) {
        let monitor = self.monitor.as_ref();
        self.collections =
            monitor.is_some_and(SystemMonitor::collections) || self.collection_delay > 0;
        self.turns = monitor.is_some_and(SystemMonitor::turns)
            || self
                .profile
                .as_ref()
                .is_some_and(|profile| profile.processes);
    }
}

impl Default for Observer {
    fn default() -> Self {
        Observer::new()
    }
}

/// The process or port `pid` has ended: if it was told anything, nobody is any more.
pub fn ended(machine: &mut Machine, pid: Term) {
    let observer = &mut machine.observer;
    if observer.monitor.as_ref().is_some_and(|m| m.receiver == pid) {
        observer.monitor = None;
        observer.update();
    }
    if observer.sequential_tracer == Some(pid) {
        observer.sequential_tracer = None;
    }
    if observer.profile.as_ref().is_some_and(|p| p.receiver == pid) {
        observer.profile = None;
        observer.update();
    }
}

/// Sends what `build` makes to `receiver`. A port gets it in external term format, as its driver's input.
fn tell(
    machine: &mut Machine,
    receiver: Term,
    build: impl FnOnce(&mut dyn Arena) -> Result<Term, NoMemory>,
) {
    // Without memory it is not told.
    if receiver.is_local_port() {
        let mut parcel = Parcel::new();
        let bytes = build(&mut parcel)
            .and_then(|term| etf::encode(&machine.atoms, term, &etf::EncodeOptions::default()));
        if let Ok(bytes) = bytes {
            signal::write(machine, receiver, None, Output::from_bytes(bytes));
        }
        return;
    }
    let _ = machine
        .processes
        .post(receiver, |process| build(&mut process.heap));
}

/// Whether there is such a process or port, so that it can be told something.
pub fn can_be_told(machine: &mut Machine, receiver: Term) -> bool {
    machine.processes.alive(receiver).is_some() || machine.ports.open(receiver).is_some()
}

/// Where a process stands that has not the processor, or has just begun or ended a turn.
fn location(machine: &Machine, pid: Term) -> Option<Mfa> {
    let process = machine.processes.table.get(pid)?;
    // SAFETY: the table's processes are alive, and none is borrowed while the machine is.
    let (ip, initial) = unsafe { (process.as_ref().ip, process.as_ref().initial_call) };
    let known = machine.code.location(ip);
    Some(known.map_or(initial, |at| Mfa {
        module: at.module,
        function: at.function,
        arity: at.arity,
    }))
}

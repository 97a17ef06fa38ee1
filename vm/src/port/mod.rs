//! Ports: what a process talks to that is no process. Programs, streams, and the drivers that are part of the machine.
//!
//! A port has an owner, links and monitors as a process has, and a [`Driver`] that does its work. One file an idea:
//! [`driver`] is what a driver is and may do, [`open`] makes ports, [`signal`] is what processes do to them, [`output`] what these send, [`deliver`] what ports
//! send to processes, [`events`] what the world and the clock do to them, [`stream`] what drivers of byte streams share;
//! `drivers` has a file for each driver.
//!
//! # Invariant
//!
//! A port that is [`Status::Open`] is linked on both sides or on neither, and its name leads to it. One that is
//! [`Status::Closing`] exists for its driver alone, which still has something to write: no process sees it. While a driver runs it is
//! not in its port ([`driver::run`]), so it can be given the machine.

mod deadlines;
pub mod deliver;
pub mod driver;
pub mod drivers;
pub mod events;
pub mod open;
pub mod output;
pub mod select;
pub mod signal;
pub mod stream;
mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod watches;

use crate::memory::NoMemory;
use crate::memory::heap::Parcel;
use crate::platform::io::{Descriptor, Interest, Signal};
use crate::process::reference::RefNumber;
use crate::process::ties::{Identifier, Ties};
use crate::term::{Atom, Term};
use crate::tracing::tracee::Tracee;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use deadlines::Deadlines;
use deliver::Lines;
use driver::Driver;
use output::Output;
use select::Select;
use table::PortTable;
use watches::{Change, Watches};

/// What a port is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Processes can use it.
    Open,
    /// It is gone for processes; its driver still writes what it was given.
    Closing,
}

/// A command that came while the port was busy.
struct Delayed {
    /// Who is told how it ended, and under which reference.
    reply: Option<(Term, RefNumber)>,
    /// Who sent it.
    caller: Option<Term>,
    data: Output,
}

/// One port.
pub struct Port {
    /// The port as a term.
    pub id: Term,
    /// What is looked up with `port_info(Port, name)`: the command, or the name of the driver.
    pub name: Vec<u8>,
    /// The connected process, which gets what the port sends.
    pub owner: Term,
    /// Whether processes can use it.
    pub status: Status,
    /// Processes that it is linked to.
    pub links: Ties<Identifier, ()>,
    /// Monitors that processes hold on it.
    pub monitored_by: Ties<RefNumber, Term>,
    /// Who is told what it does, if it is traced.
    pub trace: Option<Box<Tracee>>,
    /// Registered name.
    pub registered_name: Option<Atom>,
    /// Whether data goes to the owner as binaries, not as lists.
    pub binary: bool,
    /// Whether the end of the input is told to the owner and does not close the port.
    pub tells_end: bool,
    /// How the input is split into lines, if it is.
    pub lines: Option<Lines>,
    /// Bytes that it sent to its owner.
    pub input: u64,
    /// Bytes that it was given.
    pub output: u64,
    /// Bytes that its driver has not written yet.
    pub queued: usize,
    /// Process of the operating system behind it.
    pub os_pid: Option<u32>,
    /// The node whose connection it carries: then its input is packets of that node.
    pub carries: Option<Atom>,
    /// `port_set_data/2`: a term, and where it is.
    pub data: Option<(Term, Parcel)>,
    /// Whether who wants to write has to wait.
    busy: bool,
    /// Processes that wait until it is not busy any more; suspended.
    waiting: Vec<Term>,
    delayed: VecDeque<Delayed>,
    /// How many streams it looks at.
    watched: u32,
    /// When its driver wants to be called, in nanoseconds of monotonic time.
    deadline: Option<u64>,
    /// What does its work; not here while it runs.
    driver: Option<Box<dyn Driver>>,
}

impl Port {
    /// As [`Driver::has_port_locks`].
    pub fn has_lock(&self) -> bool {
        let driver = self.driver.as_ref();
        driver.is_some_and(|driver| driver.has_port_locks())
    }

    /// An open port without a driver that nobody is linked to.
    fn new(id: Term, name: Vec<u8>, owner: Term) -> Port {
        Port {
            id,
            name,
            owner,
            status: Status::Open,
            links: Ties::new(),
            monitored_by: Ties::new(),
            trace: None,
            registered_name: None,
            binary: false,
            tells_end: false,
            lines: None,
            input: 0,
            output: 0,
            queued: 0,
            os_pid: None,
            carries: None,
            data: None,
            busy: false,
            waiting: Vec::new(),
            delayed: VecDeque::new(),
            watched: 0,
            deadline: None,
            driver: None,
        }
    }

    /// Bytes that the port takes up.
    pub fn memory(&self) -> usize {
        size_of::<Port>()
            + self.name.capacity()
            + self.links.len() * size_of::<Identifier>()
            + self.monitored_by.len() * size_of::<(RefNumber, Term)>()
            + self.queued
    }
}

/// All ports of a machine.
pub struct Ports {
    table: PortTable,
    next: u64,
    /// Most ports at once.
    pub limit: usize,
    /// Bytes that all ports together sent to processes.
    pub input: u64,
    /// Bytes that all ports together were given.
    pub output: u64,
    watches: Watches,
    /// Who waits without a port.
    selects: Vec<Select>,
    /// The signal that came last.
    pub last_signal: Option<Signal>,
    children: Vec<(u32, Term)>,
    deadlines: Deadlines,
    /// Ports whose driver wants to be called as soon as nothing else runs.
    woken: VecDeque<Term>,
    /// Bytes that wait for one of the standard streams.
    queued_for_console: usize,
    /// When the world is looked at next while processes run, in nanoseconds of monotonic time.
    next_poll: u64,
    /// Whether the world may have told of more than has been handled.
    has_more: bool,
    /// What drivers read into, kept for the next one.
    buffer: Vec<u8>,
}

impl Ports {
    /// No port, and no more than `limit` (`+Q`).
    pub fn new(limit: usize) -> Ports {
        Ports {
            table: PortTable::default(),
            next: 0,
            limit,
            input: 0,
            output: 0,
            watches: Watches::default(),
            selects: Vec::new(),
            last_signal: None,
            children: Vec::new(),
            deadlines: Deadlines::default(),
            woken: VecDeque::new(),
            queued_for_console: 0,
            next_poll: 0,
            has_more: false,
            buffer: Vec::new(),
        }
    }

    /// The port that processes know as `id`.
    pub fn open(&mut self, id: Term) -> Option<&mut Port> {
        self.any(id).filter(|port| port.status == Status::Open)
    }

    /// The port `id`, closing or not.
    fn any(&mut self, id: Term) -> Option<&mut Port> {
        if !id.is_local_port() {
            return None;
        }
        self.table.get_mut(id.identifier_data())
    }

    /// The ports that processes can use, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Port> {
        let all = self.table.iter();
        all.filter(|port| port.status == Status::Open)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The identifier that the next port gets.
    fn next_id(&self) -> Term {
        Term::local_port(self.next)
    }

    fn insert(&mut self, port: Box<Port>) -> Result<(), NoMemory> {
        self.table.insert(port)?;
        self.next += 1;
        Ok(())
    }

    /// The number that the next port gets.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// How many streams ports and native libraries look at.
    pub fn watched_streams(&self) -> usize {
        self.watches.len() + self.selects.len()
    }

    /// What all ports together look for on a stream.
    fn interest(&self, descriptor: Descriptor) -> Interest {
        select::interest(&self.selects, descriptor).or(self.watches.interest(descriptor))
    }

    /// Sets what `port` looks for on a stream.
    fn set_interest(
        &mut self,
        port: Term,
        descriptor: Descriptor,
        interest: Interest,
    ) -> Result<(), NoMemory> {
        let change = self.watches.set(port, descriptor, interest)?;
        if let Some(port) = self.any(port) {
            match change {
                Change::More => port.watched += 1,
                Change::Less => port.watched = port.watched.saturating_sub(1),
                Change::Same => {}
            }
        }
        Ok(())
    }

    /// Sets when the driver of `port` wants to be called.
    fn set_deadline(&mut self, port: Term, deadline: Option<u64>) -> Result<(), NoMemory> {
        let Some(at) = self.any(port) else {
            return Ok(());
        };
        let before = core::mem::replace(&mut at.deadline, deadline);
        self.deadlines.ports += usize::from(deadline.is_some());
        self.deadlines.ports -= usize::from(before.is_some());
        match deadline {
            Some(deadline) if before != Some(deadline) => {
                let table = &self.table;
                self.deadlines.add(port, deadline, |port, deadline| {
                    let port = table.get(port.identifier_data());
                    port.is_some_and(|port| port.deadline == Some(deadline))
                })
            }
            _ => Ok(()),
        }
    }

    /// A port whose deadline has come by `now`. It has none afterwards.
    fn take_due(&mut self, now: u64) -> Option<Term> {
        while let Some((port, deadline)) = self.deadlines.take_due(now) {
            let at = self.any(port);
            if at.is_some_and(|at| at.deadline.take_if(|own| *own == deadline).is_some()) {
                self.deadlines.ports -= 1;
                return Some(port);
            }
        }
        None
    }

    /// Takes a port out for good.
    fn remove(&mut self, id: Term) -> Option<Box<Port>> {
        let port = self.table.remove(id.identifier_data())?;
        if port.deadline.is_some() {
            self.deadlines.ports -= 1;
        }
        self.children.retain(|(_, owner)| *owner != id);
        Some(port)
    }
}

//! What the world and the clock do to ports, and when the run loop looks.
//!
//! Called by the scheduler alone: [`look`] between turns, [`handle`] after a sleep; and by whoever halts the machine ([`flush`]).

use super::select::Wanted;
use super::{driver, select, signal};
use crate::break_menu;
use crate::dist;
use crate::machine::Machine;
use crate::naming;
use crate::os_signal;
use crate::platform::io::{Descriptor, Event, Interest, Signal};
use crate::process::exit;
use crate::term::Term;
use crate::tracing::port_event;
use alloc::format;
use alloc::vec::Vec;

/// While processes run the world is looked at this often, in nanoseconds: each time is a system call.
const POLL_INTERVAL: u64 = 500_000;

/// How many events are handled before processes run again: what came is told in small portions, so that those who get it can keep up.
const EVENTS_AT_ONCE: usize = 64;

/// Whether the ports, or the platform, want the scheduler to look at the clock.
#[inline]
pub fn want_time(machine: &Machine) -> bool {
    let ports = &machine.ports;
    !ports.watches.is_empty()
        || !ports.selects.is_empty()
        || !ports.children.is_empty()
        || ports.deadlines.ports > 0
        || machine.handled_signals.are_expected()
        || machine.host.wants_polls
}

/// Whether a driver wants to be called, or a connection to be written to, before anything else runs.
#[inline]
pub fn are_waiting(machine: &Machine) -> bool {
    !machine.ports.woken.is_empty() || machine.distribution.is_scheduled()
}

/// Whether something has happened that is not handled yet: to be asked, and [`handle`] called, before the machine sleeps.
#[inline]
pub fn has_more(machine: &Machine) -> bool {
    machine.ports.has_more
}

/// Between turns at time `now`: looks at the world if that was not done for a while.
pub fn look(machine: &mut Machine, now: u64) {
    if now >= machine.ports.next_poll {
        machine.ports.next_poll = now + POLL_INTERVAL;
        // What is left from the last time comes first.
        if !machine.ports.has_more {
            machine.platform.io().poll();
        }
        handle(machine, now);
    }
}

/// When a driver wants to be called, in nanoseconds of monotonic time.
pub fn next_deadline(machine: &Machine) -> Option<u64> {
    let deadlines = &machine.ports.deadlines;
    // A former one does no harm: nothing happens then, and it is gone.
    deadlines.first().filter(|_| deadlines.ports > 0)
}

/// Calls the drivers for what has happened by `now`, or for as much of it as is good at once.
pub fn handle(machine: &mut Machine, now: u64) {
    let mut events = 0;
    machine.ports.has_more = false;
    while let Some(event) = machine.platform.io().next_event() {
        one(machine, event);
        events += 1;
        if events == EVENTS_AT_ONCE {
            machine.ports.has_more = true;
            break;
        }
    }
    while let Some(port) = machine.ports.take_due(now) {
        port_event::during(machine, port, None, |machine| {
            driver::run(machine, port, |driver, at| driver.timeout(at));
        });
    }
    wake(machine);
    exit::carry_out(machine);
}

/// Calls the drivers that asked for it, and writes to connections.
pub fn wake(machine: &mut Machine) {
    // Those that ask for it again have their turn the next time.
    for _ in 0..machine.ports.woken.len() {
        let Some(port) = machine.ports.woken.pop_front() else {
            break;
        };
        signal::take_delayed(machine, port);
        driver::run(machine, port, |driver, at| driver.woken(at));
    }
    exit::carry_out(machine);
    dist::flush(machine);
    exit::carry_out(machine);
}

fn one(machine: &mut Machine, event: Event) {
    match event {
        Event::Ready(descriptor, ready) => {
            // A driver may close ports, so the list may change under way.
            let mut place = 0;
            while let Some((port, wanted)) = machine.ports.watches.at(descriptor, place) {
                let common = Interest {
                    read: ready.read && wanted.read,
                    write: ready.write && wanted.write,
                };
                if !common.is_none() {
                    port_event::during(machine, port, None, |machine| {
                        driver::run(machine, port, |driver, at| {
                            driver.ready(at, descriptor, common);
                        });
                    });
                }
                place += 1;
            }
            if ready.read {
                select::tell(machine, Wanted::Input(descriptor));
            }
        }
        Event::Invalid(descriptor) => {
            for (port, _) in machine.ports.watches.forget(descriptor) {
                if let Some(port) = machine.ports.any(port) {
                    port.watched = port.watched.saturating_sub(1);
                }
            }
            let text = format!(
                "A port waits for descriptor {}, which is not open~n",
                descriptor.0
            );
            signal::complain(machine, &text);
        }
        Event::ChildEnded(child, status) => {
            let children = &mut machine.ports.children;
            if let Some(at) = children.iter().position(|(id, _)| *id == child) {
                let (_, port) = children.swap_remove(at);
                port_event::during(machine, port, None, |machine| {
                    driver::run(machine, port, |driver, at| driver.child_ended(at, status));
                });
            }
        }
        Event::Naming => naming::news(machine),
        Event::Signal(signal) => {
            let ports: Vec<Term> = machine.ports.iter().map(|port| port.id).collect();
            for port in ports {
                driver::run(machine, port, |driver, at| driver.signal(at, signal));
            }
            if matches!(signal, Signal::WindowChange | Signal::Continue) {
                select::signal(machine, signal);
            }
            match signal {
                Signal::Interrupt => break_menu::show(machine),
                _ => os_signal::deliver(machine, signal),
            }
        }
    }
}

/// Handles what somebody else took from the platform.
pub fn replay(machine: &mut Machine, events: Vec<Event>) {
    events.into_iter().for_each(|event| one(machine, event));
}

/// Looks at a stream again as ports want it, which somebody else used.
pub fn watch_again(machine: &mut Machine, descriptor: Descriptor) {
    let interest = machine.ports.interest(descriptor);
    machine.platform.io().watch(descriptor, interest);
}

/// Waits until the ports have written what they were given: all of them before the machine halts, or those that write
/// to a standard stream before somebody else does. No process runs meanwhile.
pub fn flush(machine: &mut Machine, console_only: bool) {
    loop {
        let ports = &machine.ports;
        let left = if console_only {
            ports.queued_for_console > 0
        } else {
            ports.table.iter().any(|port| port.queued > 0)
        };
        if !left {
            return;
        }
        machine.platform.idle_until(None);
        while let Some(event) = machine.platform.io().next_event() {
            match event {
                // Input stays where it is, and is reported again.
                Event::Ready(_, Interest { write: false, .. }) => {}
                Event::Ready(descriptor, _) => {
                    let ready = Interest {
                        read: false,
                        write: true,
                    };
                    one(machine, Event::Ready(descriptor, ready));
                }
                // These come once.
                other => one(machine, other),
            }
        }
    }
}

//! Signals of the host's system: `os:set_signal/2`, and the messages of OTP's signal server.
//!
//! A signal that is handled comes as `{notify, Name}` to the process `erl_signal_server`, whose handler stops the node on
//! `sigterm` and ends it on `sigquit` and `sigusr1`. Those three are handled from OTP's start on. Before that process is there, they
//! do what they do without a handler. A bare machine handles none. A domain gets `sigterm`
//! when the toolstack shuts it down or reboots it, and no others.
//!
//! Called by `os:set_signal/2`, by OTP's boot ([`start`]) and by the ports' events ([`deliver`]).

use crate::atom::am;
use crate::break_menu;
use crate::machine::Machine;
use crate::memory::Arena;
use crate::platform::io::{Signal, SignalAction};
use crate::port::deliver::post;

/// The signals by the names that OTP has for them.
const NAMES: &[(&str, Signal)] = &[
    ("sighup", Signal::Hangup),
    ("sigquit", Signal::Quit),
    ("sigabrt", Signal::Abort),
    ("sigalrm", Signal::Alarm),
    ("sigterm", Signal::Terminate),
    ("sigusr1", Signal::User1),
    ("sigusr2", Signal::User2),
    ("sigchld", Signal::Child),
    ("sigtstp", Signal::Stop),
    ("sigcont", Signal::Continue),
    ("sigwinch", Signal::WindowChange),
];

/// Names that OTP knows, of signals that cannot be caught here.
const UNCAUGHT: &[&str] = &["sigstop", "siginfo"];

/// What OTP handles from its start on, and the exit status of a program that such a signal ended.
const FROM_THE_START: &[(Signal, u8)] = &[
    (Signal::Quit, 128 + 3),
    (Signal::User1, 128 + 10),
    (Signal::Terminate, 128 + 15),
];

/// The signals that go to OTP's signal server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Handled(u16);

impl Handled {
    const fn bit(signal: Signal) -> u16 {
        1 << signal as u16
    }

    /// Whether any may come.
    pub fn are_expected(self) -> bool {
        self.0 != 0
    }

    /// The machine looks for this signal, which is not the signal server's.
    pub fn expect(&mut self, signal: Signal) {
        self.0 |= Handled::bit(signal);
    }
}

/// `os:set_signal(Name, Action)`. False if there is no such name.
pub fn set(machine: &mut Machine, name: &str, action: SignalAction) -> bool {
    let Some(&(_, signal)) = NAMES.iter().find(|(known, _)| *known == name) else {
        return UNCAUGHT.contains(&name);
    };
    // A world without signals never sends one.
    let _ = machine.platform.io().set_signal(signal, action);
    let handled = &mut machine.handled_signals.0;
    match action {
        SignalAction::Report => *handled |= Handled::bit(signal),
        SignalAction::Default | SignalAction::Ignore => *handled &= !Handled::bit(signal),
    }
    true
}

/// OTP starts: handles what it handles from its start on.
pub fn start(machine: &mut Machine) {
    for &(signal, _) in FROM_THE_START {
        let caught = machine
            .platform
            .io()
            .set_signal(signal, SignalAction::Report);
        if caught.is_ok() {
            machine.handled_signals.expect(signal);
        }
    }
    break_menu::start(machine);
}

/// A signal came: tells OTP's signal server, if it is to know.
pub fn deliver(machine: &mut Machine, signal: Signal) {
    if machine.handled_signals.0 & Handled::bit(signal) == 0 {
        return;
    }
    let Some(server) = machine.processes.registry.whereis(am::ERL_SIGNAL_SERVER) else {
        let end = FROM_THE_START.iter().find(|(known, _)| *known == signal);
        if let Some(&(_, status)) = end {
            machine.halt(status);
        }
        return;
    };
    let Some((name, _)) = NAMES.iter().find(|(_, known)| *known == signal) else {
        return;
    };
    let Ok(name) = machine.atoms.insert_static(name) else {
        return;
    };
    post(machine, server, |heap| {
        heap.tuple(&[am::NOTIFY.term(), name.term()])
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tests::{machine, process};

    #[test]
    fn a_handled_signal_goes_to_the_signal_server() {
        let machine = machine();
        let server = process(machine);
        crate::process::signal::register(machine, am::ERL_SIGNAL_SERVER, server).unwrap();
        deliver(machine, Signal::Hangup);
        assert!(set(machine, "sighup", SignalAction::Report));
        assert!(!set(machine, "sigfoo", SignalAction::Report));
        deliver(machine, Signal::Hangup);
        deliver(machine, Signal::Terminate);
        let mailbox = &mut machine.processes.table.get_mut(server).unwrap().mailbox;
        let message = mailbox.remove_current().unwrap();
        let name = machine.atoms.find("sighup").unwrap().term();
        assert_eq!(message.as_tuple(), Some(&[am::NOTIFY.term(), name][..]));
        let mailbox = &mut machine.processes.table.get_mut(server).unwrap().mailbox;
        assert!(mailbox.remove_current().is_none());
    }

    #[test]
    #[should_panic(expected = "halted with status 143")]
    fn before_the_signal_server_is_there_sigterm_ends_the_machine() {
        let machine = machine();
        assert!(set(machine, "sigterm", SignalAction::Report));
        deliver(machine, Signal::Terminate);
    }
}

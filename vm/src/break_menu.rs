//! The menu of Ctrl-C: OTP's `BREAK: (a)bort (A)bort with dump (c)ontinue ...`.
//!
//! While it is shown no process runs and nothing that happens in the world is handled; what happens once is handled afterwards. A
//! second Ctrl-C, or the end of the input, ends the machine. As in OTP an answer is the first character of what one
//! read gives, so of a line on a terminal; where the terminal has no lines of its own (a domain's console) they are made here.
//!
//! `+B` says what Ctrl-C does ([`start`]). Called by OTP's boot, and by the events of ports ([`show`]) when the signal comes.

use crate::boot::options::BreakKey;
use crate::crash_dump;
use crate::fs::errno::Errno;
use crate::machine::Machine;
use crate::platform::Stream;
use crate::platform::io::{Descriptor, Event, Interest, Signal, SignalAction, TerminalMode};
use crate::port::events;
use crate::process::{State, exit};
use crate::term::Term;
use alloc::format;
use alloc::vec::Vec;

const INPUT: Descriptor = Descriptor(0);

const MENU: &str = "BREAK: (a)bort (A)bort with dump (c)ontinue (p)roc info (i)nfo\n       \
                    (l)oaded (v)ersion (k)ill (D)b-tables (d)istribution\n";

/// What one read takes; the same as in OTP, where it decides how much typed ahead an answer swallows.
const ANSWER_BYTES: usize = 64;

/// Says what Ctrl-C does from now on, as the machine's options have it.
pub fn start(machine: &mut Machine) {
    let io = machine.platform.io();
    // A world that has no such signal never sends it.
    match machine.options.break_key {
        BreakKey::Asks => {
            if io
                .set_signal(Signal::Interrupt, SignalAction::Report)
                .is_ok()
            {
                machine.handled_signals.expect(Signal::Interrupt);
            }
        }
        BreakKey::Ends => {}
        BreakKey::Ignored => {
            for signal in [Signal::Interrupt, Signal::Quit, Signal::Stop] {
                let _ = io.set_signal(signal, SignalAction::Ignore);
            }
        }
        BreakKey::Interrupts => {
            if io.is_terminal(INPUT) {
                let _ = io.set_terminal(TerminalMode::Keys {
                    lines: true,
                    echo: true,
                    interrupt: false,
                });
            }
        }
    }
}

/// Shows the menu until it has an answer.
pub fn show(machine: &mut Machine) {
    if core::mem::replace(&mut machine.menu_is_shown, true) {
        // The first one waits for output that nobody takes.
        machine.platform.halt(0);
    }
    let io = machine.platform.io();
    let before = io.set_terminal(TerminalMode::Original);
    let echoes = !io.has_lines();
    let mut menu = Menu {
        machine,
        echoes,
        kept: Vec::new(),
        unwatched: Vec::new(),
    };
    menu.say("\n");
    menu.say(MENU);
    while !menu.answer() {}
    let Menu {
        kept, unwatched, ..
    } = menu;
    if let Ok(mode) = before {
        let _ = machine.platform.io().set_terminal(mode);
    }
    for descriptor in unwatched {
        events::watch_again(machine, descriptor);
    }
    events::watch_again(machine, INPUT);
    machine.menu_is_shown = false;
    events::replay(machine, kept);
}

struct Menu<'m> {
    machine: &'m mut Machine,
    /// Whether nobody else shows what is typed and lets it be corrected.
    echoes: bool,
    /// What has happened meanwhile and happens once.
    kept: Vec<Event>,
    /// Streams that became ready meanwhile, which would end every sleep.
    unwatched: Vec<Descriptor>,
}

impl Menu<'_> {
    fn say(&mut self, text: &str) {
        self.machine.console_write(Stream::Output, text.as_bytes());
    }

    fn end(&mut self) -> ! {
        self.machine.halt(0)
    }

    /// Does what one answer asks for. Whether that was all.
    fn answer(&mut self) -> bool {
        let Some(key) = self.key() else { self.end() };
        let part = match key {
            b'a' | b'q' => self.end(),
            b'A' => crash_dump::die(self.machine, "Crash dump requested by user"),
            b'c' | b'm' => return true,
            b'k' => {
                self.kill();
                return true;
            }
            b'v' => {
                let version = format!(
                    "Erlang (Starling {}) emulator version {}\n",
                    env!("CARGO_PKG_VERSION"),
                    self.machine.erts_version
                );
                self.say(&version);
                return true;
            }
            b'p' => "processes",
            b'o' => "ports",
            b'i' => "info",
            b'l' => "loaded",
            b'D' => "tables",
            b'd' => "nodes",
            b'\n' => return false,
            other => {
                self.say(&format!(
                    "Invalid option '{}'. Please enter one of the following:\n{MENU}",
                    char::from(other)
                ));
                return false;
            }
        };
        let text = crash_dump::section(self.machine, part);
        self.say(&text);
        true
    }

    /// Shows process after process, the youngest first, and kills those that are chosen.
    fn kill(&mut self) {
        self.say("\n\nProcess Information\n\n");
        self.say("--------------------------------------------------\n");
        let all: Vec<Term> = crash_dump::each_process(self.machine)
            .map(|process| process.pid)
            .collect();
        for &pid in all.iter().rev() {
            let text = crash_dump::process(self.machine, pid);
            self.say(&text);
            self.say("(k)ill (n)ext (r)eturn:\n");
            match self.key() {
                None => self.end(),
                Some(b'n') => {}
                Some(b'k') => {
                    let process = self.machine.processes.alive(pid);
                    if process.is_some_and(|process| process.state == State::Waiting) {
                        exit::begin(self.machine, pid, crate::atom::am::KILLED.term());
                    } else {
                        self.say("Can only kill WAITING processes this way\n");
                    }
                }
                Some(_) => return,
            }
        }
    }

    /// The first character of the next answer. `None`: there will be no more.
    fn key(&mut self) -> Option<u8> {
        let mut line = 0;
        let mut first = b'\n';
        loop {
            let mut bytes = [0; ANSWER_BYTES];
            let room = if self.echoes { 1 } else { ANSWER_BYTES };
            let read = self.machine.platform.io().read(INPUT, &mut bytes[..room]);
            match read {
                Ok(0) => return None,
                Ok(_) if !self.echoes => return Some(bytes[0]),
                Ok(_) => match bytes[0] {
                    b'\r' | b'\n' => {
                        self.say("\n");
                        return Some(first);
                    }
                    // Ctrl-C; Ctrl-D.
                    0x03 => return None,
                    0x04 if line == 0 => return None,
                    0x08 | 0x7f if line > 0 => {
                        line -= 1;
                        self.say("\x08 \x08");
                    }
                    key @ b' '..=b'~' => {
                        if line == 0 {
                            first = key;
                        }
                        line += 1;
                        self.say(&format!("{}", char::from(key)));
                    }
                    _ => {}
                },
                Err(Errno::EAGAIN | Errno::EINTR) => {
                    if self.wait() {
                        return None;
                    }
                }
                Err(_) => return None,
            }
            if line == 0 {
                first = b'\n';
            }
        }
    }

    /// Sleeps until something has happened. True if that was another Ctrl-C.
    fn wait(&mut self) -> bool {
        let read = Interest {
            read: true,
            write: false,
        };
        let platform = &mut self.machine.platform;
        platform.io().watch(INPUT, read);
        platform.idle_until(None);
        let mut again = false;
        while let Some(event) = self.machine.platform.io().next_event() {
            match event {
                Event::Signal(Signal::Interrupt) => again = true,
                Event::Ready(INPUT, _) => {}
                Event::Ready(descriptor, _) => {
                    let io = self.machine.platform.io();
                    io.watch(descriptor, Interest::NONE);
                    self.unwatched.push(descriptor);
                }
                other => self.kept.push(other),
            }
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::testing::stream;
    use crate::process::tests::{machine, process};
    use alloc::string::String;

    /// What the menu prints for these answers.
    fn shown(machine: &mut Machine, answers: &str) -> String {
        stream(0, |input| input.input.extend(answers.bytes()));
        crate::process::tests::take_printed();
        show(machine);
        assert!(!machine.menu_is_shown);
        String::from_utf8(crate::process::tests::take_printed()).unwrap()
    }

    #[test]
    fn an_answer_is_the_first_key_of_a_line() {
        let machine = machine();
        let text = shown(machine, "\rx\rvc\r");
        assert!(text.starts_with("\nBREAK: (a)bort (A)bort with dump"));
        assert!(text.contains("Invalid option 'x'."), "{text}");
        assert!(text.contains("emulator version 13.1.5\n"), "{text}");
        assert!(shown(machine, "px\x7f\r").contains("c)ontinue"));
    }

    #[test]
    #[should_panic(expected = "halted with status 0")]
    fn a_second_ctrl_c_ends_the_machine() {
        shown(machine(), "\x03");
    }

    #[test]
    fn a_waiting_process_can_be_killed() {
        let machine = machine();
        let (old, young) = (process(machine), process(machine));
        let text = shown(machine, "k\rk\rr\r");
        assert!(text.contains("=proc:"), "{text}");
        exit::carry_out(machine);
        assert!(machine.processes.alive(young).is_none());
        assert!(machine.processes.alive(old).is_some());
    }
}

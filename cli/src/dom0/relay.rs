//! The domain's life as seen from dom0: `xl create`, its console both ways, its end.
//!
//! The guest's output comes through xenconsoled's log, which is a pipe of ours: xenconsoled blocks when it is full, so nothing is
//! lost or cut short however much a guest prints. Its input goes to the pseudo-terminal that xenconsoled offers,
//! whose own output is read and dropped. Of a domain with a network the addresses are told as they are seen; a domain that does not
//! shut down when it is asked to is destroyed.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, PipeReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use super::addresses::{PROBE_INTERVAL, Watch};
use super::settings::Settings;
use super::toolstack::console_pipe;
use super::{CONFIG_PATH, Step, TOOLS_DIRECTORY, make_raw, xenstore};
use crate::boot::domain_config::DOMAIN_NAME;
use crate::boot::wire::{Decoder, Message, PAYLOAD_MAX};

/// When the domain has ended, its console is read until nothing has come for this long. xenconsoled looks at a
/// domain's ring at least every 200 ms, also when it throttles one that prints a lot.
const SILENCE: Duration = Duration::from_millis(250);

/// How often we look for the domain's terminal until it is there.
const TERMINAL_RETRY: Duration = Duration::from_millis(50);

/// A domain that was asked to shut down has this long.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(20);

/// Input for the guest that its terminal has not taken yet; beyond this we stop reading from the host.
const INPUT_MAX: usize = 16 * 1024;

/// How the domain ended.
pub enum End {
    /// For this reason (`SHUTDOWN_*` of Xen).
    ShutDown(u8),
    /// It was asked to shut down and did not.
    Destroyed,
}

/// Creates the domain and serves it to its end.
pub fn run_domain(line: &mut File, settings: Settings) -> Step<End> {
    // Reading and writing, so that it has a writer from the beginning and never ends.
    let console = open_nonblocking(&console_pipe())?;
    send(line, &Message::ToolstackUp)?;
    let addresses = match settings.vifs.as_slice() {
        [] => None,
        vifs => {
            let watch = Watch::start(vifs, &settings.probes);
            Some(watch.map_err(|error| format!("dom0's frames: {error}"))?)
        }
    };
    let mut relay = Relay {
        line,
        console,
        // -F stays until the domain ends.
        create: Xl::start(&["create", "-F", CONFIG_PATH])?,
        commands: settings.commands.into(),
        command: None,
        addresses,
        started: None,
        probe_at: Instant::now(),
        end_by: None,
        destroyed: false,
        from_host: Decoder::at_frame(),
        terminal: None,
        domain: None,
        input: Vec::new(),
        reason: None,
    };
    relay.serve()
}

struct Relay<'a> {
    line: &'a mut File,
    console: File,
    create: Xl,
    /// What xl shall do, and when, counted from the domain's start.
    commands: VecDeque<(Duration, Vec<String>)>,
    /// The one that it does now.
    command: Option<Xl>,
    addresses: Option<Watch>,
    /// When the domain was unpaused.
    started: Option<Instant>,
    /// When addresses are asked for next.
    probe_at: Instant,
    /// The domain was asked to shut down, and is destroyed then.
    end_by: Option<Instant>,
    destroyed: bool,
    from_host: Decoder,
    terminal: Option<File>,
    domain: Option<u32>,
    input: Vec<u8>,
    reason: Option<u8>,
}

impl Relay<'_> {
    fn serve(&mut self) -> Step<End> {
        let mut quiet_since = Instant::now();
        loop {
            let retry = self.domain.is_some() && self.terminal.is_none();
            let timeout = [
                self.create.output.is_none().then_some(SILENCE),
                retry.then_some(TERMINAL_RETRY),
                self.end_by.map(time_until),
                self.next_command().map(time_until),
                self.next_probe().map(time_until),
            ];
            let timeout = timeout.into_iter().flatten().min();
            let ready = self.wait(timeout)?;
            if ready.console && self.pass_output()? {
                quiet_since = Instant::now();
            }
            if ready.create {
                for text in self.create.read()? {
                    self.note(&text)?;
                }
                quiet_since = Instant::now();
            }
            if ready.command {
                self.read_command()?;
            }
            if ready.addresses {
                self.tell_addresses()?;
            }
            if ready.line {
                self.read_host()?;
            }
            self.attach_terminal();
            if ready.terminal {
                self.drop_echo();
            }
            self.pass_input();
            self.do_what_is_due()?;
            if self.create.output.is_none() && quiet_since.elapsed() >= SILENCE {
                return self.outcome();
            }
        }
    }

    fn wait(&self, timeout: Option<Duration>) -> Step<Ready> {
        let mut files = vec![PollFd::new(&self.console, PollFlags::IN)];
        let [create_at, command_at] = [Some(&self.create), self.command.as_ref()].map(|xl| {
            let output = xl?.output.as_ref()?;
            files.push(PollFd::new(output, PollFlags::IN));
            Some(files.len() - 1)
        });
        let addresses_at = self.addresses.as_ref().map(|watch| {
            files.push(PollFd::new(watch.socket(), PollFlags::IN));
            files.len() - 1
        });
        let line_at = (self.input.len() < INPUT_MAX).then(|| {
            files.push(PollFd::new(&*self.line, PollFlags::IN));
            files.len() - 1
        });
        let terminal_at = self.terminal.as_ref().map(|terminal| {
            let output = if self.input.is_empty() {
                PollFlags::empty()
            } else {
                PollFlags::OUT
            };
            files.push(PollFd::new(terminal, PollFlags::IN | output));
            files.len() - 1
        });
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: timeout.as_secs() as i64,
            tv_nsec: i64::from(timeout.subsec_nanos()),
        });
        match poll(&mut files, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("poll: {error}")),
        }
        let ready = |at: Option<usize>| at.is_some_and(|at| !files[at].revents().is_empty());
        Ok(Ready {
            console: ready(Some(0)),
            create: ready(create_at),
            command: ready(command_at),
            addresses: ready(addresses_at),
            line: ready(line_at),
            terminal: ready(terminal_at),
        })
    }

    /// Sends on what the guest printed; whether it was anything.
    fn pass_output(&mut self) -> Step<bool> {
        let mut bytes = [0; PAYLOAD_MAX];
        match self.console.read(&mut bytes) {
            Ok(0) => Ok(false),
            Ok(len) => {
                send(self.line, &Message::Output(bytes[..len].to_vec()))?;
                Ok(true)
            }
            Err(error) if retry(&error) => Ok(false),
            Err(error) => Err(format!("{}: {error}", console_pipe())),
        }
    }

    /// Tells what `xl create` printed, and learns from it when the domain runs and why it ended.
    fn note(&mut self, text: &str) -> Step<()> {
        send(self.line, &Message::Note(cut(text)))?;
        // "Waiting for domain NAME (domid N) to die [pid P]": the domain was unpaused just before.
        if let Some(domain) = number_after(text, "(domid ") {
            self.domain = Some(domain);
            self.started = Some(Instant::now());
            send(self.line, &Message::DomainRuns)?;
        }
        // "Domain N has shut down, reason code R 0xR".
        if let Some(reason) = number_after(text, "has shut down, reason code ") {
            self.reason = Some(u8::try_from(reason).unwrap_or(u8::MAX));
        }
        Ok(())
    }

    fn read_host(&mut self) -> Step<()> {
        let mut bytes = [0; 1024];
        match self.line.read(&mut bytes) {
            Ok(len) => self.from_host.push(&bytes[..len]),
            Err(error) if retry(&error) => {}
            Err(error) => return Err(format!("the line to the host: {error}")),
        }
        while let Some(message) = self
            .from_host
            .next()
            .map_err(|_| "the host sent something unintelligible".to_owned())?
        {
            match message {
                Message::Input(bytes) => self.input.extend(bytes),
                Message::ShutDown => self.shut_down(),
                Message::Xl(arguments) => {
                    // Due at once, behind those that were.
                    let words = arguments.split_whitespace().map(String::from).collect();
                    let due = |(after, _): &&(Duration, Vec<String>)| after.is_zero();
                    let place = self.commands.iter().take_while(due).count();
                    self.commands.insert(place, (Duration::ZERO, words));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What `xl shutdown` does. The guest sees to the rest, or not: then time is up at once.
    fn shut_down(&mut self) {
        let Some(domain) = self.domain else { return };
        let control = format!("/local/domain/{domain}/control/shutdown");
        let asked = xenstore::write(&control, "poweroff").is_ok();
        let limit = if asked {
            SHUTDOWN_LIMIT
        } else {
            Duration::ZERO
        };
        self.end_by = Some(Instant::now() + limit);
    }

    /// When addresses are asked for, if there is a domain that may have one.
    fn next_probe(&self) -> Option<Instant> {
        let wanted = self.addresses.is_some() && self.started.is_some();
        wanted.then_some(self.probe_at)
    }

    /// When the next of xl's commands is due, if none is under way.
    fn next_command(&self) -> Option<Instant> {
        let (after, _) = self.commands.front()?;
        let started = self.started.filter(|_| self.command.is_none())?;
        Some(started + *after)
    }

    fn do_what_is_due(&mut self) -> Step<()> {
        let now = Instant::now();
        if self.next_probe().is_some_and(|due| now >= due)
            && let Some(watch) = &self.addresses
        {
            watch.probe();
            self.probe_at = now + PROBE_INTERVAL;
        }
        if self.end_by.is_some_and(|end| now >= end) && self.command.is_none() {
            self.end_by = None;
            self.destroyed = true;
            self.command = Some(Xl::start(&["destroy", DOMAIN_NAME])?);
        }
        if self.next_command().is_some_and(|due| now >= due)
            && let Some((_, words)) = self.commands.pop_front()
        {
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            send(self.line, &Message::Note(words.join(" ")))?;
            self.command = Some(Xl::start(&words)?);
        }
        Ok(())
    }

    /// Tells what a command of xl's printed, and its status in the end.
    fn read_command(&mut self) -> Step<()> {
        let Some(command) = &mut self.command else {
            return Ok(());
        };
        for text in command.read()? {
            send(self.line, &Message::Note(cut(&text)))?;
        }
        if command.output.is_none() {
            let status = command.child.wait();
            let status = status.map_err(|error| format!("xl: {error}"))?;
            send(self.line, &Message::Note(format!("{status}")))?;
            self.command = None;
        }
        Ok(())
    }

    fn tell_addresses(&mut self) -> Step<()> {
        let Some(watch) = &mut self.addresses else {
            return Ok(());
        };
        // Those that came before xl told that the domain runs came at its start.
        let after = self.started.map_or(Duration::ZERO, |start| start.elapsed());
        for (vif, address) in watch.look() {
            let message = Message::Address {
                vif: vif as u8,
                address,
                after: u32::try_from(after.as_millis()).unwrap_or(u32::MAX),
            };
            send(self.line, &message)?;
        }
        if watch.is_done() {
            self.addresses = None;
        }
        Ok(())
    }

    /// Opens the domain's terminal once xenconsoled has told xenstore where it is. Without it the guest has no
    /// input, which is no reason to stop it.
    fn attach_terminal(&mut self) {
        let (Some(domain), None) = (self.domain, &self.terminal) else {
            return;
        };
        let Ok(Some(path)) = xenstore::read(&format!("/local/domain/{domain}/console/tty")) else {
            return;
        };
        self.terminal = open_nonblocking(&path).ok();
        if let Some(terminal) = &self.terminal {
            // It would only echo, into what is dropped anyway.
            let _ = make_raw(terminal);
        }
    }

    /// The terminal repeats the output, which comes through the log.
    fn drop_echo(&mut self) {
        let mut bytes = [0; PAYLOAD_MAX];
        if let Some(terminal) = &mut self.terminal
            && terminal.read(&mut bytes).is_err_and(|error| !retry(&error))
        {
            // xenconsoled has closed its side: the domain is gone.
            self.terminal = None;
            self.domain = None;
        }
    }

    fn pass_input(&mut self) {
        if self.input.is_empty() {
            return;
        }
        if let Some(terminal) = &mut self.terminal
            && let Ok(len) = terminal.write(&self.input)
        {
            self.input.drain(..len);
        }
    }

    /// `xl create` has ended and the console is quiet.
    fn outcome(&mut self) -> Step<End> {
        let status = self.create.child.wait();
        let status = status.map_err(|error| format!("xl: {error}"))?;
        match self.reason {
            Some(reason) => Ok(End::ShutDown(reason)),
            None if self.destroyed => Ok(End::Destroyed),
            None => Err(format!("xl create failed ({status})")),
        }
    }
}

/// Which files have something.
struct Ready {
    console: bool,
    create: bool,
    command: bool,
    addresses: bool,
    line: bool,
    terminal: bool,
}

/// A running xl.
struct Xl {
    child: Child,
    /// What it prints, errors too; none after its end.
    output: Option<PipeReader>,
    /// Its line so far.
    text: Vec<u8>,
}

impl Xl {
    fn start(args: &[&str]) -> Step<Xl> {
        let path = Path::new(TOOLS_DIRECTORY).join("xl");
        let started = || {
            let (output, write) = std::io::pipe()?;
            let child = Command::new(&path)
                .args(args)
                .stdin(Stdio::null())
                .stdout(write.try_clone()?)
                .stderr(write)
                .spawn()?;
            Ok(Xl {
                child,
                output: Some(output),
                text: Vec::new(),
            })
        };
        started().map_err(|error: std::io::Error| format!("{}: {error}", path.display()))
    }

    /// Reads what is there; the whole lines of it.
    fn read(&mut self) -> Step<Vec<String>> {
        let Some(output) = &mut self.output else {
            return Ok(Vec::new());
        };
        let mut bytes = [0; 1024];
        match output.read(&mut bytes) {
            Ok(0) => self.output = None,
            Ok(len) => self.text.extend_from_slice(&bytes[..len]),
            Err(error) if retry(&error) => {}
            Err(error) => return Err(format!("xl's output: {error}")),
        }
        let mut lines = Vec::new();
        while let Some(end) = self.text.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.text.drain(..=end).collect();
            lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        Ok(lines)
    }
}

/// A line, short enough for a message.
fn cut(line: &str) -> String {
    line.chars().take(PAYLOAD_MAX / 4).collect()
}

fn time_until(time: Instant) -> Duration {
    time.saturating_duration_since(Instant::now())
}

fn send(line: &mut File, message: &Message) -> Step<()> {
    line.write_all(&message.encode())
        .map_err(|error| format!("the line to the host: {error}"))
}

fn open_nonblocking(path: &str) -> Step<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    File::options()
        .read(true)
        .write(true)
        .custom_flags(flags.bits() as i32)
        .open(path)
        .map_err(|error| format!("{path}: {error}"))
}

fn retry(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// The decimal number that follows `words` in `text`.
fn number_after(text: &str, words: &str) -> Option<u32> {
    let (_, rest) = text.split_once(words)?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xls_lines_are_understood() {
        let text = "Waiting for domain starling (domid 12) to die [pid 99]";
        assert_eq!(number_after(text, "(domid "), Some(12));
        let text = "Domain 12 has shut down, reason code 3 0x3";
        assert_eq!(number_after(text, "has shut down, reason code "), Some(3));
        assert_eq!(
            number_after("Parsing config from /domain.cfg", "(domid "),
            None
        );
        assert_eq!(number_after("(domid x)", "(domid "), None);
    }
}

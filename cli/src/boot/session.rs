//! A booted machine as a stream of events, and what the user is told meanwhile.
//!
//! [`Session::next`] waits for the next thing that happens: bytes of Xen's console or of dom0, keys, a signal, QEMU's
//! end, a deadline. The two ways to boot ([`super::domain`], [`super::direct`]) are loops over these.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::monitor::Monitor;
use super::options::Options;
use super::qemu::Qemu;
use super::terminal::{KeyByKey, end_signals};
use crate::failure::{Failure, Result};

/// Exit status when the user ended the machine: 128 + SIGINT, as shells report it.
const STATUS_INTERRUPTED: u8 = 130;
/// Exit status when the reader of the console went away: 128 + SIGPIPE.
const STATUS_BROKEN_PIPE: u8 = 141;
/// Exit status of `timeout(1)`.
const STATUS_TIMEOUT: u8 = 124;

/// While this much input waits for QEMU, no more is read.
const UNSENT_MAX: usize = 64 * 1024;

/// Lines of Xen's console that are kept for messages.
const LOG_LINES: usize = 400;
/// Lines of Xen's console that a failure shows.
const TAIL_LINES: usize = 15;
/// Lines of Xen's about a crashed guest that a failure shows: registers and the top of the stack.
const GUEST_LINES: usize = 24;

/// Something that happened.
pub enum Event {
    /// Bytes on Xen's console.
    Console(Vec<u8>),
    /// Bytes from dom0's first process.
    Line(Vec<u8>),
    /// Bytes from the user.
    Typed(Vec<u8>),
    /// The user wants the machine to end.
    EndAsked(Urgency),
    /// The time that [`Session::remind_in`] set has come.
    Reminder,
    /// QEMU has ended, and everything it sent has been delivered.
    QemuEnded,
}

/// How the user asked for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// By a signal, or by Ctrl-C where that is not the guest's.
    Orderly,
    /// By Ctrl-].
    AtOnce,
}

/// A running machine and its user.
pub struct Session {
    qemu: Qemu,
    terminal: KeyByKey,
    signals: UnixStream,
    input_ended: bool,
    line_ended: bool,
    /// Bytes that QEMU has not taken yet.
    to_console: Vec<u8>,
    to_line: Vec<u8>,
    started: Instant,
    time_limit: Option<Duration>,
    boot_limit: Option<(Instant, &'static str)>,
    reminder: Option<Instant>,
    log: Log,
}

impl Session {
    /// Takes a machine that was just started.
    pub fn new(qemu: Qemu, options: &Options) -> Result<Session> {
        let signals = end_signals()
            .and_then(|signals| {
                // Neither side may ever wait for the other to read.
                qemu.console.set_nonblocking(true)?;
                qemu.line.set_nonblocking(true)?;
                Ok(signals)
            })
            .map_err(|error| Failure::new(format!("boot: cannot watch the machine: {error}")))?;
        Ok(Session {
            qemu,
            terminal: KeyByKey::enter(),
            signals,
            input_ended: false,
            line_ended: false,
            to_console: Vec::new(),
            to_line: Vec::new(),
            started: Instant::now(),
            time_limit: options.timeout.map(Duration::from_secs),
            boot_limit: None,
            reminder: None,
            log: Log::new(options.verbose),
        })
    }

    /// From now on it is a failure if `what` has not happened within `limit`.
    pub fn expect_within(&mut self, limit: Duration, what: &'static str) {
        self.boot_limit = Some((Instant::now() + limit, what));
    }

    /// What was expected has happened.
    pub fn arrived(&mut self) {
        self.boot_limit = None;
    }

    /// There is an [`Event::Reminder`] after this time.
    pub fn remind_in(&mut self, time: Duration) {
        self.reminder = Some(Instant::now() + time);
    }

    /// The monitor of the machine's QEMU, once.
    pub fn take_monitor(&mut self) -> Option<Monitor> {
        self.qemu.monitor.take()
    }

    /// Says that the guest runs, which gets the keys from now on; Ctrl-C too if `interrupt` says so.
    pub fn guest_runs(&mut self, what: &str, interrupt: bool) {
        if self.terminal.give_to_guest(interrupt) {
            let key = if interrupt { "Ctrl-]" } else { "Ctrl-C" };
            self.progress(&format!("{what}; its console follows, {key} ends it"));
        } else {
            self.progress(&format!("{what}; its console follows"));
        }
    }

    /// Tells the user how far the boot is.
    pub fn progress(&self, what: &str) {
        eprintln!(
            "starling: {:5.1} s  {what}",
            self.started.elapsed().as_secs_f64()
        );
    }

    /// Waits for the next event. Fails when a time limit ends the machine.
    pub fn next(&mut self) -> Result<Event> {
        loop {
            let deadline = self.check_limits()?;
            let ready = self.wait(deadline)?;
            if ready.signal {
                // One byte a signal.
                let _ = self.signals.read(&mut [0; 64]);
                return Ok(Event::EndAsked(Urgency::Orderly));
            }
            if self.reminder.is_some_and(|at| Instant::now() >= at) {
                self.reminder = None;
                return Ok(Event::Reminder);
            }
            send(&mut self.qemu.console, &mut self.to_console);
            send(&mut self.qemu.line, &mut self.to_line);
            // Keys before output, or a guest that prints without end could not be ended. dom0's news before Xen's
            // console, whose end means QEMU's end.
            if ready.input {
                return self.read_input();
            }
            if ready.line {
                match receive(&mut self.qemu.line) {
                    Received::Bytes(bytes) => return Ok(Event::Line(bytes)),
                    Received::Nothing => {}
                    Received::End => self.line_ended = true,
                }
            } else if ready.console {
                match receive(&mut self.qemu.console) {
                    Received::Bytes(bytes) => return Ok(Event::Console(bytes)),
                    Received::Nothing => {}
                    Received::End => return Ok(Event::QemuEnded),
                }
            }
        }
    }

    fn wait(&self, timeout: Option<Duration>) -> Result<Ready> {
        let wants_input =
            !self.input_ended && self.to_console.len() + self.to_line.len() < UNSENT_MAX;
        let events = |wanted, unsent: &[u8]| {
            let read = if wanted {
                PollFlags::IN
            } else {
                PollFlags::empty()
            };
            let write = if unsent.is_empty() {
                PollFlags::empty()
            } else {
                PollFlags::OUT
            };
            read | write
        };
        let stdin = rustix::stdio::stdin();
        let mut files = [
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::new(&self.qemu.console, events(true, &self.to_console)),
            PollFd::new(&self.qemu.line, events(true, &self.to_line)),
            PollFd::new(&stdin, PollFlags::IN),
        ];
        // Files that have ended would wake us for ever, so they are left out: both are at the end.
        let files = match (wants_input, self.line_ended) {
            (true, false) => &mut files[..],
            (false, false) => &mut files[..3],
            (_, true) => &mut files[..2],
        };
        match poll(files, timeout.map(timespec).as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Failure::new(format!("boot: poll: {error}"))),
        }
        let ready = |at: usize| files.get(at).is_some_and(|file| !file.revents().is_empty());
        Ok(Ready {
            signal: ready(0),
            console: ready(1),
            line: ready(2),
            input: ready(3),
        })
    }

    fn read_input(&mut self) -> Result<Event> {
        let mut bytes = [0; 1024];
        let len = match rustix::io::read(rustix::stdio::stdin(), &mut bytes) {
            Ok(len) => len,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {
                return Ok(Event::Typed(Vec::new()));
            }
            // A terminal that is gone, or not ours to read: there is no more input.
            Err(_) => 0,
        };
        self.input_ended = len == 0;
        if let Some(urgency) = self.terminal.asks_for_end(&bytes[..len]) {
            return Ok(Event::EndAsked(urgency));
        }
        Ok(Event::Typed(bytes[..len].to_vec()))
    }

    /// Fails if a limit has passed; otherwise the time to the nearest.
    fn check_limits(&self) -> Result<Option<Duration>> {
        let now = Instant::now();
        let time_limit = self.time_limit.map(|limit| self.started + limit);
        if let Some(limit) = self.time_limit
            && now >= self.started + limit
        {
            return Err(Failure::new(format!(
                "boot: the machine still ran after {} s (--timeout); ended it",
                limit.as_secs()
            ))
            .with_status(STATUS_TIMEOUT));
        }
        if let Some((at, what)) = self.boot_limit
            && now >= at
        {
            return Err(self.failure(format!("boot: {what} in time; ended it")));
        }
        let nearest = [time_limit, self.boot_limit.map(|(at, _)| at), self.reminder];
        let nearest = nearest.into_iter().flatten().min();
        Ok(nearest.map(|at| at.saturating_duration_since(now)))
    }

    /// Bytes for Xen's console.
    pub fn send_console(&mut self, bytes: &[u8]) {
        self.to_console.extend_from_slice(bytes);
    }

    /// Bytes for dom0's first process.
    pub fn send_line(&mut self, bytes: &[u8]) {
        self.to_line.extend_from_slice(bytes);
    }

    /// Keeps what came on Xen's console; the whole lines in it.
    pub fn log(&mut self, bytes: &[u8]) -> Vec<String> {
        self.log.add(bytes)
    }

    /// A failure that shows the end of Xen's console.
    pub fn failure(&self, message: impl Into<String>) -> Failure {
        Failure::new(message).with_hint(self.log.tail())
    }

    /// What Xen says from now on is about the guest.
    pub fn guest_starts(&mut self) {
        self.log.about_guest = Some(Vec::new());
    }

    /// A failure of the guest, with what Xen said about it.
    pub fn guest_failure(&self, message: impl Into<String>) -> Failure {
        let failure = Failure::new(message);
        match &self.log.about_guest {
            Some(lines) if !lines.is_empty() => {
                failure.with_hint(format!("Xen says:\n{}", lines.join("\n")))
            }
            _ => failure,
        }
    }

    /// The exit code of a QEMU that has ended; none if a signal ended it.
    pub fn qemu_code(&mut self) -> Result<Option<i32>> {
        self.qemu.wait().map(|(status, _)| status.code())
    }

    /// The failure for a QEMU that ended by itself.
    pub fn qemu_died(&mut self) -> Failure {
        let (status, complaints) = match self.qemu.wait() {
            Ok(ended) => ended,
            Err(failure) => return failure,
        };
        let failure = Failure::new(format!("boot: QEMU ended before the guest did ({status})"));
        match (complaints.is_empty(), self.log.lines.is_empty()) {
            (false, _) => failure.with_hint(format!("QEMU says: {complaints}")),
            (true, false) => failure.with_hint(self.log.tail()),
            (true, true) => failure.with_hint(
                "It printed nothing. Does it run by itself? STARLING_QEMU chooses another.",
            ),
        }
    }
}

/// Writes to standard output at once.
pub fn show(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| {
            let failure = Failure::new(format!(
                "boot: cannot write the guest's console to standard output: {error}"
            ));
            match error.kind() {
                ErrorKind::BrokenPipe => failure.with_status(STATUS_BROKEN_PIPE),
                _ => failure,
            }
        })
}

/// The failure of a machine that the user ended.
pub fn interrupted() -> Failure {
    Failure::new("boot: ended by the user").with_status(STATUS_INTERRUPTED)
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

/// Which files have something.
struct Ready {
    signal: bool,
    console: bool,
    line: bool,
    input: bool,
}

/// What a stream had.
enum Received {
    Bytes(Vec<u8>),
    Nothing,
    /// Its end, or the other side is gone.
    End,
}

fn receive(stream: &mut UnixStream) -> Received {
    let mut bytes = vec![0; 16 * 1024];
    match stream.read(&mut bytes) {
        Ok(0) => Received::End,
        Ok(len) => {
            bytes.truncate(len);
            Received::Bytes(bytes)
        }
        Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {
            Received::Nothing
        }
        Err(_) => Received::End,
    }
}

/// Writes what the stream takes now. A QEMU that has gone away is noticed by reading.
fn send(stream: &mut UnixStream, unsent: &mut Vec<u8>) {
    if !unsent.is_empty()
        && let Ok(len) = stream.write(unsent)
    {
        unsent.drain(..len);
    }
}

/// The last lines of Xen's console.
struct Log {
    lines: VecDeque<String>,
    partial: Vec<u8>,
    verbose: bool,
    /// Xen's first lines since the guest was started.
    about_guest: Option<Vec<String>>,
}

impl Log {
    fn new(verbose: bool) -> Self {
        Log {
            lines: VecDeque::new(),
            partial: Vec::new(),
            verbose,
            about_guest: None,
        }
    }

    fn add(&mut self, bytes: &[u8]) -> Vec<String> {
        self.partial.extend_from_slice(bytes);
        let Some(end) = self.partial.iter().rposition(|&byte| byte == b'\n') else {
            return Vec::new();
        };
        let rest = self.partial.split_off(end + 1);
        let whole = std::mem::replace(&mut self.partial, rest);
        let text = String::from_utf8_lossy(&whole);
        let lines: Vec<_> = text
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        for line in &lines {
            if self.verbose {
                eprintln!("{line}");
            }
            if let Some(about_guest) = &mut self.about_guest
                && about_guest.len() < GUEST_LINES
                && line.starts_with("(XEN)")
            {
                about_guest.push(line.clone());
            }
            self.lines.push_back(line.clone());
            if self.lines.len() > LOG_LINES {
                self.lines.pop_front();
            }
        }
        lines
    }

    /// The last lines, for a message.
    fn tail(&self) -> String {
        let lines: Vec<_> = self
            .lines
            .iter()
            .filter(|line| !line.is_empty())
            .map(String::as_str)
            .collect();
        let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        if tail.is_empty() {
            "The machine's console is empty; --verbose shows it as it comes.".to_owned()
        } else {
            format!("The end of the machine's console:\n{}", tail.join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_whole_lines_and_its_end() {
        let mut log = Log::new(false);
        assert!(log.add(b"(XEN) a").is_empty());
        assert_eq!(log.add(b"b\r\nc\nd"), ["(XEN) ab", "c"]);
        for number in 0..1000 {
            log.add(format!("{number}\n").as_bytes());
        }
        assert_eq!(log.lines.len(), LOG_LINES);
        assert!(log.tail().ends_with("\n998\n999"));
        log.about_guest = Some(Vec::new());
        log.add(b"(XEN) domain_crash\nother\n");
        assert_eq!(
            log.about_guest.as_deref(),
            Some(&["(XEN) domain_crash".to_owned()][..])
        );
    }
}

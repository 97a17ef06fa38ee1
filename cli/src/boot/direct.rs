//! An image in dom0's place, straight under Xen: the loop of a second for work on the machine itself.
//!
//! There is one console, Xen's, so the guest's bytes come behind Xen's own boot messages, and lines that Xen prints meanwhile
//! are told apart by their beginning.

use std::time::Duration;

use super::console::{LineEnds, StatusLine};
use super::domain_config::command_line;
use super::host::Host;
use super::initramfs::prepare_xen;
use super::network::Network;
use super::options::Options;
use super::outcome::{STATUS_CRASHED, ShutdownReason, direct_end, of_guest};
use super::qemu::{Machine, memory_file, open};
use super::session::{Event, Session, interrupted, show};
use crate::failure::Result;

/// What Xen and its tables need, in MiB and as a share of the guest's memory.
const XEN_MIB: u64 = 96;
const XEN_SHARE: u64 = 64;
const BOOT_LIMIT: Duration = Duration::from_secs(60);
const XEN_ARGS: &str = "com1=115200,8n1 console=com1 noreboot no-real-mode edd=off bootscrub=0 xpti=0 spec-ctrl=0 cpufreq=none xsave=no";

/// How every line of Xen's begins.
const XENS_LINE: &[u8] = b"(XEN) ";
/// Xen's last line before it lets the guest run.
const XEN_IS_UP: &[u8] = b"(XEN) Freed ";
/// Xen's line for a guest in dom0's place that powered off, and for one that crashed. Neither ends QEMU.
const POWERED_OFF: &[u8] = b"(XEN) Hardware Dom0 halted";
const CRASHED: &[u8] = b"(XEN) Hardware Dom0 crashed";

/// Boots the image that `options` names in dom0's place.
pub fn boot(options: &Options, image: &[u8]) -> Result<u8> {
    let args = command_line(&options.flags)?;
    // Refuses what asks for one: there is nobody here to give it.
    Network::of(options)?;
    let host = Host::find()?;
    let memory = u64::from(options.memory());
    let machine = Machine {
        xen: open(&prepare_xen(&host)?)?,
        xen_args: format!("{XEN_ARGS} dom0_mem={memory}M"),
        modules: vec![(memory_file(&[image])?, args)],
        memory_mib: memory + memory.div_ceil(XEN_SHARE) + XEN_MIB,
        network: false,
        kvm: options.kvm,
        host: &host,
    };
    let mut session = Session::new(machine.start()?, options)?;
    session.expect_within(BOOT_LIMIT, "Xen did not come up");
    session.progress("booting Xen in QEMU");
    let mut line_ends = LineEnds::default();
    let mut splitter = Splitter::default();
    let mut status_line = StatusLine::default();
    // What Xen says of the guest's end; nothing when the guest ended QEMU.
    let told = 'running: loop {
        match session.next()? {
            Event::Console(bytes) => {
                for piece in splitter.split(&line_ends.pass(&bytes)) {
                    match piece {
                        Piece::Guest(bytes) => show(&status_line.pass(&bytes))?,
                        Piece::Xen(line) => {
                            session.log(&line);
                            if line.starts_with(XEN_IS_UP) {
                                session.arrived();
                                session.guest_starts();
                                session.guest_runs("Xen is up, and the guest runs", true);
                            } else if line.starts_with(POWERED_OFF) {
                                break 'running Some(ShutdownReason::POWEROFF);
                            } else if line.starts_with(CRASHED) {
                                break 'running Some(ShutdownReason::CRASH);
                            }
                        }
                    }
                }
            }
            Event::Typed(bytes) => session.send_console(&bytes),
            Event::EndAsked(_) => return Err(interrupted()),
            Event::Line(_) | Event::Reminder => {}
            Event::QemuEnded if splitter.guest_runs => break None,
            Event::QemuEnded => return Err(session.qemu_died()),
        }
    };
    show(&splitter.finish())?;
    let (rest, status) = status_line.finish();
    show(&rest)?;
    let reason = match told {
        Some(reason) => reason,
        None => {
            let code = session.qemu_code()?;
            direct_end(code, status).ok_or_else(|| session.qemu_died())?
        }
    };
    let outcome = of_guest(reason, status);
    if outcome.is_ok() {
        session.progress("the guest shut down");
    }
    outcome.map_err(|why| {
        session
            .guest_failure(format!("boot: {why}"))
            .with_status(STATUS_CRASHED)
    })
}

/// A part of what came on the console.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Guest(Vec<u8>),
    /// A whole line of Xen's.
    Xen(Vec<u8>),
}

/// Tells Xen's lines from the guest's bytes. Line ends are a line feed only.
#[derive(Debug, Default)]
struct Splitter {
    guest_runs: bool,
    /// The current line, while it is Xen's or may become so.
    line: Vec<u8>,
    inside_guest_line: bool,
}

impl Splitter {
    fn split(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut guest = Vec::new();
        for &byte in bytes {
            if self.inside_guest_line {
                guest.push(byte);
            } else {
                self.line.push(byte);
                if self.guest_runs && !is_or_may_become_xens(&self.line) {
                    guest.append(&mut self.line);
                    self.inside_guest_line = true;
                }
            }
            if byte == b'\n' {
                self.inside_guest_line = false;
                if !self.line.is_empty() {
                    if !guest.is_empty() {
                        pieces.push(Piece::Guest(std::mem::take(&mut guest)));
                    }
                    let line = std::mem::take(&mut self.line);
                    self.guest_runs |= line.starts_with(XEN_IS_UP);
                    pieces.push(Piece::Xen(line));
                }
            }
        }
        if !guest.is_empty() {
            pieces.push(Piece::Guest(guest));
        }
        pieces
    }

    /// At the end: a guest's last line that looked like the beginning of one of Xen's.
    fn finish(self) -> Vec<u8> {
        if self.guest_runs && !self.line.starts_with(XENS_LINE) {
            self.line
        } else {
            Vec::new()
        }
    }
}

fn is_or_may_become_xens(line: &[u8]) -> bool {
    let len = line.len().min(XENS_LINE.len());
    line[..len] == XENS_LINE[..len]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xens_lines_and_the_guests_bytes_are_told_apart() {
        let stream = b" Xen 4.17\n(XEN) a\n(XEN) Freed 656kB init memory\nhello\n(XE\n\
            (XEN) later\nworld(XEN) no\n(XE";
        for size in 1..=stream.len() {
            let mut splitter = Splitter::default();
            let (mut guest, mut xen) = (Vec::new(), Vec::new());
            for bytes in stream.chunks(size) {
                for piece in splitter.split(bytes) {
                    match piece {
                        Piece::Guest(bytes) => guest.extend(bytes),
                        Piece::Xen(line) => xen.extend(line),
                    }
                }
            }
            guest.extend(splitter.finish());
            assert_eq!(
                String::from_utf8(guest).unwrap(),
                "hello\n(XE\nworld(XEN) no\n(XE",
                "by {size}"
            );
            assert_eq!(
                String::from_utf8(xen).unwrap(),
                " Xen 4.17\n(XEN) a\n(XEN) Freed 656kB init memory\n(XEN) later\n",
                "by {size}"
            );
        }
    }
}

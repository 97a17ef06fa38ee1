//! The guest's console: the ring of a domU, Xen's own console of dom0.
//!
//! Line ends become CR LF on the ring, as a terminal driver would make them: `xl console` leaves the
//! user's terminal raw. (Xen does the same on its serial line.)
//!
//! Invariant: nothing is dropped while the machine runs: a full ring is waited for. The crash path waits
//! too, but not for ever: a domain whose xenconsoled is gone must still be able to end.

use crate::clock;
use crate::exclusive::Exclusive;
use core::fmt::{self, Write};
use core::ptr::NonNull;
use starling_xen::console::{ConsolePage, RingConsole, hypervisor_read, hypervisor_write};
use starling_xen::event::{Virq, bind_virq};
use starling_xen::mmu::machine_to_phys;
use starling_xen::start_info::ConsoleKind;
use starling_xen::{PAGE_SIZE, sched};

enum Console {
    /// Before [`init`]: only dom0 could be heard, so that is what is tried.
    Unknown,
    Ring(RingConsole),
    /// dom0; with the port that signals typed input.
    Hypervisor {
        input: Option<u32>,
    },
}

static CONSOLE: Exclusive<Console> = Exclusive::new(Console::Unknown);

/// Set once waiting has been given up on the way to the end: nothing waits again.
static ABANDONED: Exclusive<bool> = Exclusive::new(false);

/// How long one wait for xenconsoled lasts before the ring is looked at again.
const WAIT_NS: u64 = 100_000_000;
/// Waits without any progress after which a flush at the end gives up: ten seconds.
const PATIENCE_AT_HALT: u32 = 100;
/// The same on the crash path: two seconds.
const PATIENCE_IN_CRASH: u32 = 20;

/// Takes over the console that start_info names.
///
/// # Safety
/// `kind` must be this domain's, and the bootstrap mapping still show the ring one-to-one. Once, at boot.
pub unsafe fn init(kind: ConsoleKind) {
    let console = match kind {
        ConsoleKind::Ring { mfn, evtchn } => {
            // SAFETY: the ring is a frame of this domain.
            let address = unsafe { machine_to_phys(mfn) }.0 as usize * PAGE_SIZE;
            match NonNull::new(address as *mut ConsolePage) {
                // SAFETY: the bootstrap mapping shows the page there, and that page is never given to
                // anyone else.
                Some(page) => Console::Ring(unsafe { RingConsole::new(page, evtchn) }),
                None => return,
            }
        }
        ConsoleKind::Hypervisor => Console::Hypervisor {
            input: bind_virq(Virq::Console).ok(),
        },
    };
    CONSOLE.with(|slot| *slot = console);
}

/// Writes all of `bytes`, waiting for room if it must.
pub fn write(bytes: &[u8]) {
    CONSOLE.with(|console| write_to(console, bytes, None));
}

/// Writes as much of `bytes` as can be written in a crash.
pub fn write_in_crash(bytes: &[u8]) {
    // SAFETY: the crash path never returns to whoever held the console.
    write_at_end(unsafe { CONSOLE.seize() }, bytes, PATIENCE_IN_CRASH);
}

/// Writes the last words of an orderly end.
pub fn write_at_halt(bytes: &[u8]) {
    CONSOLE.with(|console| write_at_end(console, bytes, PATIENCE_AT_HALT));
}

fn write_at_end(console: &mut Console, bytes: &[u8], patience: u32) {
    // SAFETY: a flag that is only used here, on the way to the end.
    let abandoned = unsafe { ABANDONED.seize() };
    let patience = if *abandoned { 0 } else { patience };
    *abandoned |= !write_to(console, bytes, Some(patience));
}

/// False if patience ended before all was written.
fn write_to(console: &mut Console, bytes: &[u8], patience: Option<u32>) -> bool {
    match console {
        Console::Ring(ring) => {
            let mut complete = true;
            for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                let text = line.strip_suffix(b"\n").unwrap_or(line);
                let end: &[u8] = if text.len() < line.len() {
                    b"\r\n"
                } else {
                    b""
                };
                complete = push(ring, text, patience) && push(ring, end, patience);
                if !complete {
                    break;
                }
            }
            let _ = ring.notify();
            complete
        }
        Console::Hypervisor { .. } | Console::Unknown => {
            // Nothing can be done about a console that Xen refuses.
            let _ = hypervisor_write(bytes);
            true
        }
    }
}

/// Puts all of `bytes` on the ring. False if patience ended first.
fn push(ring: &mut RingConsole, mut bytes: &[u8], patience: Option<u32>) -> bool {
    let mut idle_waits = 0;
    loop {
        let written = ring.write(bytes);
        bytes = &bytes[written..];
        if bytes.is_empty() {
            return true;
        }
        idle_waits = if written > 0 { 0 } else { idle_waits + 1 };
        if patience.is_some_and(|limit| idle_waits >= limit.max(1)) {
            return false;
        }
        let full = ring.unread_output();
        wait_for_reader(ring, |ring| ring.unread_output() < full);
    }
}

/// Wakes the reader and sleeps for a while, unless it has `moved` by then.
fn wait_for_reader(ring: &RingConsole, moved: impl Fn(&RingConsole) -> bool) {
    let _ = ring.notify();
    let Some(info) = clock::shared_info() else {
        return;
    };
    info.vcpu().clear_upcall_pending();
    info.take_pending(ring.evtchn());
    if !moved(ring) {
        let sample = info.vcpu().time.sample();
        let now = sample.system_time_at(starling_xen::cpu::read_tsc());
        let _ = sched::poll(&[ring.evtchn()], Some(now.saturating_add(WAIT_NS)));
    }
}

/// Waits until the reader has taken everything, or has stopped taking anything.
pub fn flush() {
    CONSOLE.with(|console| flush_to(console, PATIENCE_AT_HALT));
}

/// [`flush`] for the crash path.
pub fn flush_in_crash() {
    // SAFETY: as in `write_in_crash`.
    flush_to(unsafe { CONSOLE.seize() }, PATIENCE_IN_CRASH);
}

fn flush_to(console: &mut Console, patience: u32) {
    let Console::Ring(ring) = console else { return };
    // SAFETY: as in `write_at_end`.
    if unsafe { *ABANDONED.seize() } {
        return;
    }
    let mut idle_waits = 0;
    let mut unread = ring.unread_output();
    while unread > 0 && idle_waits < patience {
        wait_for_reader(ring, |ring| ring.unread_output() < unread);
        let now = ring.unread_output();
        idle_waits = if now < unread { 0 } else { idle_waits + 1 };
        unread = now;
    }
}

/// Reads what has been typed, without waiting; 0 if nothing was.
pub fn read(bytes: &mut [u8]) -> usize {
    CONSOLE.with(|console| match console {
        Console::Ring(ring) => {
            let count = ring.read(bytes);
            if count > 0 {
                let _ = ring.notify();
            }
            count
        }
        Console::Hypervisor { .. } => hypervisor_read(bytes).unwrap_or(0),
        Console::Unknown => 0,
    })
}

/// The event channel that signals typed input.
pub fn input_port() -> Option<u32> {
    CONSOLE.with(|console| match console {
        Console::Ring(ring) => Some(ring.evtchn()),
        Console::Hypervisor { input } => *input,
        Console::Unknown => None,
    })
}

/// The console as a [`core::fmt::Write`], which does not allocate.
pub struct Writer;

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write(text.as_bytes());
        Ok(())
    }
}

/// Sends `log` records of warnings and errors to the console. Does not allocate: the heap logs too.
pub struct ConsoleLog;

impl log::Log for ConsoleLog {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.level() <= log::Level::Info
    }

    fn log(&self, record: &log::Record) {
        if self.enabled(record.metadata()) {
            let level = match record.level() {
                log::Level::Error => "error: ",
                log::Level::Warn => "warning: ",
                _ => "",
            };
            let _ = writeln!(Writer, "starling: {level}{}", record.args());
        }
    }

    fn flush(&self) {}
}

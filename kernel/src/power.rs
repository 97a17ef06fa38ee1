//! How a domain ends.
//!
//! Protocol with whoever started it: status 0 is a plain power-off. Another status N is a power-off whose
//! last console line is `starling: exit status N`. After the toolstack has asked for a reboot, it is a reboot instead. A crash ends with the line `starling: crashed` and
//! `SHUTDOWN_crash`. The initial domain has no toolstack to tell; under QEMU its test device ends the
//! emulation with `2 * value + 1`.

use crate::console;
use crate::exclusive::Exclusive;
use core::fmt::{self, Write};
use starling_xen::physdev::IoPorts;
use starling_xen::sched::{Shutdown, shutdown};

/// QEMU's `isa-debug-exit`, where `starling`'s tests put it.
const DEBUG_EXIT_PORT: u16 = 0xf4;
/// Value for a crash: QEMU ends with 255.
const DEBUG_EXIT_CRASH: u32 = 0x7f;

static INITIAL_DOMAIN: Exclusive<bool> = Exclusive::new(false);

/// Notes whether this is dom0.
pub fn init(initial_domain: bool) {
    INITIAL_DOMAIN.with(|initial| *initial = initial_domain);
}

/// Whether the domain is to be started again when it has ended.
static REBOOT: Exclusive<bool> = Exclusive::new(false);

/// Says whether the end of the machine is to be a reboot: the toolstack has asked for one.
pub fn reboot_at_halt(reboot: bool) {
    REBOOT.with(|at_halt| *at_halt = reboot);
}

/// The console, which may have lost its reader.
struct LastWords;

impl Write for LastWords {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        console::write_at_halt(text.as_bytes());
        Ok(())
    }
}

/// Ends the machine with `status`.
pub fn halt(status: u8) -> ! {
    if status != 0 {
        let _ = writeln!(LastWords, "starling: exit status {status}");
    }
    console::flush();
    leave_emulator(u32::from(status));
    shutdown(if is_initial_domain() || REBOOT.with(|reboot| *reboot) {
        Shutdown::Reboot
    } else {
        Shutdown::Poweroff
    })
}

/// Ends a domain that has reported its crash.
pub fn crash() -> ! {
    console::write_in_crash(b"starling: crashed\n");
    console::flush_in_crash();
    leave_emulator(DEBUG_EXIT_CRASH);
    // A crash of dom0 makes Xen wait five seconds, or for ever; a reboot ends the emulator.
    shutdown(if is_initial_domain() {
        Shutdown::Reboot
    } else {
        Shutdown::Crash
    })
}

fn is_initial_domain() -> bool {
    // SAFETY: written once at boot; a copy is read, on the crash path too.
    *unsafe { INITIAL_DOMAIN.seize() }
}

/// Ends QEMU, if this is dom0 and the test device is there; nothing happens otherwise.
fn leave_emulator(value: u32) {
    if is_initial_domain()
        && let Ok(ports) = IoPorts::acquire()
    {
        // SAFETY: on a machine without the device, nothing listens at this port.
        unsafe { ports.write(DEBUG_EXIT_PORT, value) };
    }
}

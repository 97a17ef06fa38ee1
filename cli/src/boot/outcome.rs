//! From a guest's end to the tool's exit status.
//!
//! A guest that ends with status 0 shuts down for the reason "poweroff". With another status it prints
//! `starling: exit status N` as its last line first. One that faults shuts down for the reason "crash". In dom0's place
//! there is nobody to tell a reason to, and the guest ends QEMU instead: see [`direct_end`].

/// Exit status for a guest that crashed: `EX_SOFTWARE` of sysexits(3).
pub const STATUS_CRASHED: u8 = 70;

/// Why a domain shut down: `SHUTDOWN_*` of Xen's `public/sched.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownReason(pub u8);

impl ShutdownReason {
    /// The guest powered itself off.
    pub const POWEROFF: ShutdownReason = ShutdownReason(0);
    const NAMES: [&str; 6] = [
        "poweroff",
        "reboot",
        "suspend",
        "crash",
        "watchdog",
        "soft reset",
    ];
    /// The guest rebooted.
    pub const REBOOT: ShutdownReason = ShutdownReason(1);
    /// The guest crashed, or the hypervisor crashed it.
    pub const CRASH: ShutdownReason = ShutdownReason(3);
}

/// What a guest in dom0's place writes to QEMU's `isa-debug-exit` device when it crashes; otherwise it writes its status.
const DEBUG_EXIT_CRASH: u8 = 0x7f;

/// Why a guest in dom0's place ended, after printing `status`, if QEMU ended with `code` (none: a signal's doing).
/// Nothing if that is not how a guest ends QEMU.
///
/// QEMU makes `2 * value + 1` of the value written, of which the system keeps eight bits, and a reboot ends it with 0. A guest that
/// halts with 127 ends QEMU as a crash does, but prints that status first.
pub fn direct_end(code: Option<i32>, status: Option<u8>) -> Option<ShutdownReason> {
    let written = |value: u8| Some(i32::from(value.wrapping_mul(2) | 1));
    if code == written(status.unwrap_or(0)) {
        Some(ShutdownReason::POWEROFF)
    } else if code == written(DEBUG_EXIT_CRASH) {
        Some(ShutdownReason::CRASH)
    } else if code == Some(0) {
        Some(ShutdownReason::REBOOT)
    } else {
        None
    }
}

/// The exit status of a guest that shut down for `reason` after printing `status`; or what was wrong.
pub fn of_guest(reason: ShutdownReason, status: Option<u8>) -> Result<u8, String> {
    match reason {
        ShutdownReason::POWEROFF => Ok(status.unwrap_or(0)),
        ShutdownReason::CRASH => Err("the guest crashed".to_owned()),
        ShutdownReason(number) => {
            let name = ShutdownReason::NAMES
                .get(usize::from(number))
                .unwrap_or(&"unknown");
            Err(format!(
                "the guest shut down for the reason {number} ({name}), which is not a normal end"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_status() {
        assert_eq!(of_guest(ShutdownReason(0), None), Ok(0));
        assert_eq!(of_guest(ShutdownReason(0), Some(3)), Ok(3));
        assert!(
            of_guest(ShutdownReason(3), Some(3))
                .unwrap_err()
                .contains("crashed")
        );
        assert!(
            of_guest(ShutdownReason(1), None)
                .unwrap_err()
                .contains("reboot")
        );
        assert!(
            of_guest(ShutdownReason(99), None)
                .unwrap_err()
                .contains("99")
        );
    }

    #[test]
    fn qemus_exit_code_tells_how_a_guest_in_dom0s_place_ended() {
        let reasons = [
            (Some(1), None, Some(ShutdownReason::POWEROFF)),
            (Some(7), Some(3), Some(ShutdownReason::POWEROFF)),
            // Eight bits of 2 * 200 + 1.
            (Some(145), Some(200), Some(ShutdownReason::POWEROFF)),
            (Some(255), Some(127), Some(ShutdownReason::POWEROFF)),
            (Some(255), None, Some(ShutdownReason::CRASH)),
            (Some(255), Some(3), Some(ShutdownReason::CRASH)),
            (Some(0), None, Some(ShutdownReason::REBOOT)),
            (Some(1), Some(3), None),
            (Some(2), None, None),
            (None, None, None),
        ];
        for (code, status, reason) in reasons {
            assert_eq!(direct_end(code, status), reason, "{code:?}, {status:?}");
        }
    }
}

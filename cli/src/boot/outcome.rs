//! From a guest's end to the tool's exit status.
//!
//! A guest that ends with status 0 shuts down for the reason "poweroff". With another status it prints
//! `starling: exit status N` as its last line first. One that faults shuts down for the reason "crash".

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
    /// The guest crashed, or the hypervisor crashed it.
    pub const CRASH: ShutdownReason = ShutdownReason(3);
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
}

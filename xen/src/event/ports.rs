//! The ports that are waited for, and what came on them.
//!
//! No event is lost: [`Ports::collect`] takes the pending bits *before* anybody looks at what they announce; an event
//! that comes in between is pending when the next wait begins, and ends it at once.
//!
//! No storm of events starves the machine (XSA-391): who handles a port says whether there was anything to do; one that
//! keeps calling for nothing is left alone for longer and longer. Its pending bit is not taken meanwhile: Xen does
//! nothing for an event on a port that is pending already, so further ones do not even end a wait, which they would
//! otherwise do, as a poll of several ports is ended by an event on any port.
//!
//! Invariant: every port in the set is masked, so that Xen does not interrupt the vCPU for it.

use crate::shared_info::SharedInfo;

/// Most ports that `SCHEDOP_poll` takes.
pub const MAX_PORTS: usize = 128;

/// Calls for nothing, in a row, that are put down to chance: driver and other end can miss each other now and then.
const TOLERANCE: u32 = 8;
/// How long a port is left alone at first; doubled with each further call for nothing.
const FIRST_PAUSE_NS: u64 = 1_000_000;
/// Doublings after which it stays so: about a second.
const LONGEST_PAUSE: u32 = 10;

#[derive(Clone, Copy)]
struct Entry {
    port: u32,
    /// An event came that nobody has asked for yet.
    signalled: bool,
    /// Calls for nothing since the last useful one.
    useless: u32,
    /// Left alone until then.
    quiet_until: u64,
}

/// The set.
pub struct Ports {
    entries: [Entry; MAX_PORTS],
    used: usize,
}

/// What to wait for.
pub struct Wait {
    ports: [u32; MAX_PORTS],
    count: usize,
    /// When a port that is left alone must be looked at again, in nanoseconds of system time.
    pub wake: Option<u64>,
}

impl Wait {
    /// The ports to hand to [`sched::poll`](crate::sched::poll).
    pub fn ports(&self) -> &[u32] {
        &self.ports[..self.count]
    }

    /// The earlier of `deadline` and the time to look at ports that are left alone.
    pub fn deadline(&self, deadline: Option<u64>) -> Option<u64> {
        match (deadline, self.wake) {
            (Some(deadline), Some(wake)) => Some(deadline.min(wake)),
            (deadline, wake) => deadline.or(wake),
        }
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self::new()
    }
}

impl Ports {
    /// No ports.
    pub const fn new() -> Self {
        const NONE: Entry = Entry {
            port: 0,
            signalled: false,
            useless: 0,
            quiet_until: 0,
        };
        Self {
            entries: [NONE; MAX_PORTS],
            used: 0,
        }
    }

    fn entry(&mut self, port: u32) -> Option<&mut Entry> {
        self.entries[..self.used]
            .iter_mut()
            .find(|entry| entry.port == port)
    }

    /// Waits for `port` from now on, which is taken to have something to say. False if there are too many.
    pub fn add(&mut self, info: &SharedInfo, port: u32) -> bool {
        if self.used == MAX_PORTS || !info.mask(port) {
            return false;
        }
        if self.entry(port).is_none() {
            self.entries[self.used] = Entry {
                port,
                signalled: true,
                useless: 0,
                quiet_until: 0,
            };
            self.used += 1;
        }
        true
    }

    /// Waits for `port` no more. What is pending on it is forgotten, so that its number can be used again.
    pub fn remove(&mut self, info: &SharedInfo, port: u32) {
        if let Some(index) = self.entries[..self.used]
            .iter()
            .position(|entry| entry.port == port)
        {
            self.used -= 1;
            self.entries[index] = self.entries[self.used];
            info.take_pending(port);
        }
    }

    /// Notes on which ports events have come. True if on any.
    pub fn collect(&mut self, info: &SharedInfo, now: u64) -> bool {
        info.vcpu().clear_upcall_pending();
        let mut any = false;
        for entry in &mut self.entries[..self.used] {
            if entry.quiet_until <= now && info.take_pending(entry.port) {
                entry.signalled = true;
            }
            any |= entry.signalled;
        }
        any
    }

    /// Whether an event has come on `port` since this was last asked.
    pub fn take(&mut self, port: u32) -> bool {
        self.entry(port)
            .is_some_and(|entry| core::mem::take(&mut entry.signalled))
    }

    /// Says whether there was anything to do when [`Ports::take`] was last true for `port`.
    pub fn judge(&mut self, port: u32, useful: bool, now: u64) {
        let Some(entry) = self.entry(port) else {
            return;
        };
        if useful {
            entry.useless = 0;
            return;
        }
        entry.useless = entry.useless.saturating_add(1);
        if let Some(beyond) = entry.useless.checked_sub(TOLERANCE + 1) {
            entry.quiet_until = now.saturating_add(FIRST_PAUSE_NS << beyond.min(LONGEST_PAUSE));
        }
    }

    /// What to wait for, now that everything that was signalled has been looked at.
    pub fn wait(&self, now: u64) -> Wait {
        let mut wait = Wait {
            ports: [0; MAX_PORTS],
            count: 0,
            wake: None,
        };
        for entry in &self.entries[..self.used] {
            if entry.quiet_until <= now {
                wait.ports[wait.count] = entry.port;
                wait.count += 1;
            } else {
                wait.wake = wait.deadline(Some(entry.quiet_until));
            }
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;
    use std::vec::Vec;

    fn info() -> Box<SharedInfo> {
        // SAFETY: all-zero bytes are a valid SharedInfo (atomics and integers only).
        unsafe { Box::new(core::mem::zeroed()) }
    }

    #[test]
    fn an_event_is_seen_once_on_its_port() {
        let info = info();
        let mut ports = Ports::new();
        assert!(ports.add(&info, 5) && ports.add(&info, 70));
        // New ports are looked at.
        assert!(ports.take(5) && ports.take(70));
        assert!(!ports.collect(&info, 0));
        info.set_pending(70);
        assert!(ports.collect(&info, 0));
        assert!(!ports.take(5) && ports.take(70) && !ports.take(70));
        // One that comes after the bits were taken is there the next time.
        info.set_pending(5);
        assert!(!ports.take(5));
        assert!(ports.collect(&info, 0) && ports.take(5));
    }

    #[test]
    fn a_removed_port_leaves_nothing_behind() {
        let info = info();
        let mut ports = Ports::new();
        assert!(ports.add(&info, 5) && ports.add(&info, 6));
        info.set_pending(5);
        ports.remove(&info, 5);
        assert!(!info.take_pending(5));
        assert_eq!(ports.wait(0).ports(), [6]);
        assert!(!ports.take(5) && ports.take(6));
    }

    #[test]
    fn a_storm_is_looked_at_less_and_less() {
        let info = info();
        let mut ports = Ports::new();
        assert!(ports.add(&info, 5) && ports.take(5));
        let (mut now, mut looks) = (0, 0);
        // A second in which an event comes every 10 us.
        while now < 1_000_000_000 {
            info.set_pending(5);
            if ports.collect(&info, now) && ports.take(5) {
                looks += 1;
                ports.judge(5, false, now);
            }
            now += 10_000;
        }
        assert!((9..30).contains(&looks), "{looks}");
        let wait = ports.wait(now);
        assert!(wait.ports().is_empty());
        let wake = wait.deadline(None).unwrap();
        assert_eq!(wait.deadline(Some(wake + 1)), Some(wake));
        // The event is not lost, and a useful one makes good.
        assert!(ports.collect(&info, wake) && ports.take(5));
        ports.judge(5, true, wake);
        assert_eq!(ports.wait(wake).ports(), [5]);
    }

    #[test]
    fn there_is_room_for_as_many_as_can_be_polled() {
        let info = info();
        let mut ports = Ports::new();
        let added: Vec<bool> = (1..=129).map(|port| ports.add(&info, port)).collect();
        assert_eq!(added.iter().filter(|&&added| added).count(), MAX_PORTS);
        assert!(!added[MAX_PORTS]);
        assert!(!Ports::new().add(&info, 1 << 20));
    }
}

//! What the machine spends its time on: `statistics(microstate_accounting)`.
//!
//! Off until `system_flag(microstate_accounting, true)`; then whoever begins another kind of work says so ([`Accounting::enter`]), outside of the paths of
//! instructions: the run loop and the collector.
//!
//! Invariant: while it is on, the time since [`Accounting::switch`] or [`Accounting::reset`] is the sum of what is counted and of what has passed since the last change.

/// Kinds of work, in OTP's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Timers, and what else the run loop looks after.
    Aux,
    /// Looking for events of the world.
    CheckIo,
    /// Processes run.
    Emulator,
    /// The collector.
    Gc,
    /// All else.
    Other,
    /// Drivers of ports.
    Port,
    /// There is nothing to run.
    Sleep,
}

/// Names of the activities, in the order of [`Activity`], which is that of the names.
pub const NAMES: [&str; 7] = [
    "aux", "check_io", "emulator", "gc", "other", "port", "sleep",
];

/// Nanoseconds of each activity.
#[derive(Clone, Debug)]
pub struct Accounting {
    on: bool,
    now: Activity,
    since: u64,
    spent: [u64; NAMES.len()],
}

impl Accounting {
    /// Off, with nothing counted.
    pub const fn new() -> Accounting {
        Accounting {
            on: false,
            now: Activity::Emulator,
            since: 0,
            spent: [0; NAMES.len()],
        }
    }

    /// Whether it is on.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Switches it on or off while a process runs; what was counted stays.
    pub fn switch(&mut self, on: bool, now: u64) {
        self.settle(now);
        self.on = on;
        self.now = Activity::Emulator;
    }

    /// Counts from zero.
    pub fn reset(&mut self, now: u64) {
        self.spent = [0; NAMES.len()];
        self.since = now;
    }

    /// Another activity begins; what was going on.
    pub fn enter(&mut self, activity: Activity, now: u64) -> Activity {
        self.settle(now);
        core::mem::replace(&mut self.now, activity)
    }

    /// Nanoseconds of each activity up to now.
    pub fn spent(&mut self, now: u64) -> [u64; NAMES.len()] {
        self.settle(now);
        self.spent
    }

    fn settle(&mut self, now: u64) {
        if self.on {
            self.spent[self.now as usize] += now.saturating_sub(self.since);
        }
        self.since = now;
    }
}

impl Default for Accounting {
    fn default() -> Self {
        Accounting::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_to_what_was_going_on_while_it_is_on() {
        let mut accounting = Accounting::new();
        accounting.enter(Activity::Gc, 5);
        assert_eq!(accounting.spent(9), [0; 7]);
        accounting.switch(true, 10);
        assert_eq!(accounting.enter(Activity::Gc, 13), Activity::Emulator);
        assert_eq!(accounting.enter(Activity::Emulator, 20), Activity::Gc);
        assert_eq!(accounting.spent(21), [0, 0, 4, 7, 0, 0, 0]);
        accounting.switch(false, 30);
        assert_eq!(accounting.spent(99), [0, 0, 13, 7, 0, 0, 0]);
        accounting.reset(100);
        assert_eq!(accounting.spent(200), [0; 7]);
    }
}

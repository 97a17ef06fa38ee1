//! The event channels that the guest waits for.
//!
//! The one set of [`Ports`] of the domain, for the console, xenstore and the devices. Invariant: who sleeps does it with
//! [`collect`], a look at everything that was signalled, [`wait`], in this order; then no event is slept through.

use crate::clock;
use crate::exclusive::Exclusive;
use starling_xen::event::ports::Ports;
use starling_xen::sched;

static PORTS: Exclusive<Ports> = Exclusive::new(Ports::new());

/// Waits for `port` from now on. A port is taken to have something to say when it is new. False if there are too many to wait for
/// one more, which is said on the console.
pub fn add(port: u32) -> bool {
    let info = clock::shared_info();
    let added = info.is_some_and(|info| PORTS.with(|ports| ports.add(info, port)));
    if !added {
        log::error!("event channel {port} cannot be waited for: there are too many");
    }
    added
}

/// Waits for `port` no more; before it is closed.
pub fn remove(port: u32) {
    if let Some(info) = clock::shared_info() {
        PORTS.with(|ports| ports.remove(info, port));
    }
}

/// Notes on which ports events have come; true if on any that nobody has [taken](take) yet.
pub fn collect() -> bool {
    let now = clock::monotonic_ns();
    clock::shared_info().is_some_and(|info| PORTS.with(|ports| ports.collect(info, now)))
}

/// Whether an event has come on `port` since this was last asked.
pub fn take(port: u32) -> bool {
    PORTS.with(|ports| ports.take(port))
}

/// Says whether there was anything to do when [`take`] was last true for `port`; one that calls for nothing is left alone
/// for a while.
pub fn judge(port: u32, useful: bool) {
    let now = clock::monotonic_ns();
    PORTS.with(|ports| ports.judge(port, useful, now));
}

/// Sleeps until an event comes or until `deadline`, in nanoseconds of system time. May return early for no reason.
pub fn wait(deadline: Option<u64>) {
    let now = clock::monotonic_ns();
    let wait = PORTS.with(|ports| ports.wait(now));
    if let Err(error) = sched::poll(wait.ports(), wait.deadline(deadline)) {
        log::error!("SCHEDOP_poll failed: {error}");
    }
}

//! Xenbus: how a device's two ends find each other through xenstore.
//!
//! Each end has a directory with its keys and a number for its [`State`]; it reads and watches the other's. [`FrontendDevice`] is our end of
//! one device, [`DeviceClass`] tells which devices there are, now and later.
//!
//! What is expected of a frontend (`io/netif.h` and `xen/include/public/io/xenbus.h` of Xen): wait until the backend is in
//! `InitWait`, read what it offers, publish rings and event channels in a transaction, go to `Connected`, wait until the
//! backend is there too. When the backend goes to `Closing`, let go of the rings and go to `Closed`. Called by `net` and by the kernel.

mod class;
mod device;
#[cfg(test)]
mod tests;

pub use class::{Change, DeviceClass};
pub use device::FrontendDevice;

use core::fmt;

/// `enum xenbus_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)] // the names are Xen's own
pub enum State {
    /// No state, no number, or one that is none of these.
    Unknown = 0,
    Initialising = 1,
    InitWait = 2,
    Initialised = 3,
    Connected = 4,
    Closing = 5,
    Closed = 6,
    Reconfiguring = 7,
    Reconfigured = 8,
}

impl State {
    const ALL: [State; 9] = [
        State::Unknown,
        State::Initialising,
        State::InitWait,
        State::Initialised,
        State::Connected,
        State::Closing,
        State::Closed,
        State::Reconfiguring,
        State::Reconfigured,
    ];

    /// The state of a `state` key.
    pub fn parse(value: &[u8]) -> State {
        let number = crate::xenstore::number(value).and_then(|n| usize::try_from(n).ok());
        let state = number.and_then(|number| State::ALL.get(number));
        *state.unwrap_or(&State::Unknown)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} ({})", *self as u32)
    }
}

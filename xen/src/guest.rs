//! What a driver needs of the guest it belongs to: pages to share, grants on them, event channels, the time.
//!
//! Implemented by the kernel with its memory and its hypercalls (`kernel/src/devices.rs`), and by tests with ordinary
//! memory and a backend of their own, so that drivers run under test as they are.
//!
//! Invariant: a page with a grant that could not be ended is never given back with
//! [`Guest::free_pages`]; it goes to [`Guest::quarantine`] together with its grants.

use crate::event::EventChannel;
use crate::grant::{Access, GrantError, GrantReference};
use crate::pages::SharedPages;
use crate::{DomainId, XenError};
use alloc::vec::Vec;

/// The guest around a driver.
pub trait Guest {
    /// System time in nanoseconds; never goes back.
    fn now_ns(&self) -> u64;

    /// Zeroed pages, each in a frame of its own that nothing else lies in. `None` if there is no memory.
    fn allocate_pages(&self, count: usize) -> Option<SharedPages>;

    /// Takes pages back that nobody else uses any more.
    fn free_pages(&self, pages: SharedPages);

    /// Lets domain `to` use one of `pages`.
    fn grant(
        &self,
        to: DomainId,
        pages: &SharedPages,
        page: usize,
        access: Access,
    ) -> Result<GrantReference, GrantError>;

    /// Ends a grant. The reference comes back if the other domain uses the page right now.
    fn end_grant(&self, reference: GrantReference) -> Result<(), GrantReference>;

    /// Keeps pages whose grants could not be ended until they can be, and gives them back then.
    fn quarantine(&self, pages: SharedPages, grants: Vec<GrantReference>);

    /// Opens an event channel for domain `peer`, waited for from now on.
    fn open_channel(&self, peer: DomainId) -> Result<EventChannel, XenError>;

    /// Tells the other end of `channel` that there is something to see.
    fn notify(&self, channel: &EventChannel);

    /// Whether an event came on `channel` since this was last asked.
    fn take_event(&self, channel: &EventChannel) -> bool;

    /// Says whether there was anything to do when [`Guest::take_event`] was last true: a channel that calls for nothing
    /// is left alone for a while (see [`event::ports`](crate::event::ports)).
    fn judge_event(&self, channel: &EventChannel, useful: bool);

    /// Closes `channel`.
    fn close_channel(&self, channel: EventChannel);
}

//! The xenstore client: the small tree of names and values through which dom0 and its domains agree on devices.
//!
//! From the bottom up: [`ring`] the page shared with xenstored; [`wire`] its messages; `client` requests in flight and
//! watches; [`Xenstore`] the interface; [`task`] what runs its futures.
//!
//! Nothing waits unless asked to: operations are futures, which end when the reply has come. [`task::Tasks`] runs them between other
//! things, whenever the event channel says that something came; [`Xenstore::wait_for`] is for who has nothing else to do.
//!
//! Invariant: xenstored is not believed. What it writes is copied once and then checked; a message that cannot be one ends the
//! connection with [`Error::Broken`] for everybody, a reply that does not fit its request is an error of that request, and what nobody asked for is ignored.
//! What is kept is bounded by what was asked for. Nothing here panics.

mod client;
pub mod error;
#[cfg(test)]
pub(crate) mod fake;
pub mod ring;
mod store;
pub mod task;
#[cfg(test)]
mod tests;
pub mod wire;

pub use client::Channel;
pub use error::{Error, Refusal};
pub use store::{Transaction, Watch, Xenstore, number};

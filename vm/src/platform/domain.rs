//! What a machine that is a domain of a hypervisor may know of itself, and read of the store that it shares with the control domain.
//!
//! On Xen the store is xenstore. Called by the built-in functions of the module `starling`.

use crate::fs::errno::Errno;
use alloc::string::String;
use alloc::vec::Vec;

/// A domain, by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainInfo {
    /// Its number, while it runs.
    pub domid: u32,
    /// Its name, if the control domain says so.
    pub name: Option<Vec<u8>>,
    /// Its UUID as text, if the control domain says so.
    pub uuid: Option<Vec<u8>>,
    /// Bytes of memory it has now.
    pub memory: u64,
    /// Bytes of memory that nothing is in.
    pub memory_free: u64,
    /// Bytes of memory that the control domain wants it to have.
    pub memory_target: Option<u64>,
}

/// The domain that the machine is.
pub trait Domain {
    /// What is known of it now.
    fn info(&mut self) -> DomainInfo;

    /// The value at `path`: absolute, or relative to the domain's own directory. May wait for the control domain, a few seconds at
    /// most. `ENOTSUP` if there is no store.
    fn store_read(&mut self, path: &str) -> Result<Vec<u8>, Errno>;

    /// Names of what is below `path`; otherwise as [`Domain::store_read`].
    fn store_list(&mut self, path: &str) -> Result<Vec<String>, Errno>;
}

//! What the owner says of addresses and names.
//!
//! Invariant: a [`Configuration`] is consistent; texts that are not are refused with a message that says which and why.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use starling_vm::platform::network::Naming;

/// What the owner says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Servers to ask for names.
    pub servers: Vec<IpAddr>,
    /// Domains to search names in.
    pub search: Vec<String>,
    /// How this host calls itself.
    pub host_name: Option<String>,
}

impl Configuration {
    /// What it says about names.
    pub fn naming(&self) -> Naming {
        Naming {
            servers: self.servers.clone(),
            search: self.search.clone(),
            host_name: self.host_name.clone(),
        }
    }
}

//! A domain with a network: what the user is told of its addresses, ports of this machine that get there, and whether anything was served.

use std::net::IpAddr;
use std::time::Duration;

use super::network::Network;
use super::session::Session;
use crate::failure::{Failure, Result};

/// After this long without an address the user is told what to look at. Linux needs 20 s where nothing else is to be done.
pub const ADDRESS_LIMIT: Duration = Duration::from_secs(60);

/// 128 + SIGTERM.
const STATUS_TERMINATED: u8 = 143;

/// What is known of the domain's network.
pub struct Serving {
    network: Network,
    addresses: Vec<(u8, IpAddr)>,
    /// The user has asked for the end.
    pub ending: bool,
}

impl Serving {
    /// Nothing is known yet.
    pub fn new(network: Network) -> Serving {
        Serving {
            network,
            addresses: Vec::new(),
            ending: false,
        }
    }

    /// The domain's vif has this address, `after` milliseconds after its start: says so, and lets the ports lead there if it is the first one.
    pub fn address(
        &mut self,
        session: &mut Session,
        vif: u8,
        address: IpAddr,
        after: u32,
    ) -> Result<()> {
        let is_first = address.is_ipv4() && !self.has_ipv4();
        self.addresses.push((vif, address));
        session.progress(&format!(
            "vif {vif} has the address {address}, {after} ms after the domain's start"
        ));
        if !is_first {
            return Ok(());
        }
        let Some(mut monitor) = session.take_monitor() else {
            return Ok(());
        };
        for forward in self.network.take_ports() {
            monitor.forward(&forward, address)?;
            session.progress(&format!(
                "ready: {} {} -> {address}:{}",
                forward.protocol, forward.host, forward.guest
            ));
        }
        Ok(())
    }

    /// [`ADDRESS_LIMIT`] has passed.
    pub fn remind(&self, session: &Session) {
        if self.has_ipv4() {
            return;
        }
        session.progress(&format!(
            "the domain has had no IPv4 address for {} s: its ports lead nowhere yet. Does its console say why? \
             Is its bridge xenbr0, where DHCP answers (--vif bridge=xenbr0), or has it an address of its own (-- -ipaddr 10.0.2.15/24)?",
            ADDRESS_LIMIT.as_secs()
        ));
    }

    /// The exit status of a domain that has ended with `status`: 0 only if it could be reached.
    pub fn verdict(&self, status: u8) -> Result<u8> {
        // What a machine says that was asked to end and has nobody whom it could ask in turn: it is what the user wanted.
        let asked_for = self.ending && status == STATUS_TERMINATED;
        let status = if asked_for { 0 } else { status };
        if status != 0 || !self.addresses.is_empty() {
            return Ok(status);
        }
        Err(
            Failure::new("boot: nothing was served: the domain never had an address")
                .with_hint("See its console above; -v also shows what dom0 and Xen say."),
        )
    }

    fn has_ipv4(&self) -> bool {
        self.addresses.iter().any(|(_, address)| address.is_ipv4())
    }
}

//! The addresses of interfaces: where they come from, whether somebody else has them, what is said about them.
//!
//! An address is used at once. Meanwhile others are asked whether they have it: two ARP probes (RFC 5227), or one neighbour
//! solicitation (RFC 4862 §5.4). If somebody has it, one line says who; an address that DHCP gave is given back, once it is in use only
//! if the other one insists; an IPv6 address is not used any more, and one that was given by hand is kept, as Linux keeps it.
//!
//! Invariant: programs see a change of addresses in `interfaces()` with the next call; connections from an address that is gone end
//! with `EADDRNOTAVAIL`.

use crate::ethernet::{Arp, EVERYBODY};
use crate::neighbor::Hardware;
use crate::nic::{Address, Claim, Nic, Origin, Router};
use crate::stack::{LOOPBACK, Stack};
use crate::tcp::SECOND;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::network::Naming;

/// Questions about an IPv4 address.
const PROBES: u8 = 2;
/// An IPv4 address in use is defended once in this time (RFC 5227 §2.4): one stray packet does not end all connections.
const DEFENCE: u64 = 10 * SECOND;

impl Claim {
    /// The claim of an address that is new.
    pub fn beginning(now: u64) -> Claim {
        Claim::Asking {
            left: PROBES,
            next: now,
        }
    }
}

/// How an Ethernet address is written.
struct Colons(Hardware);

impl core::fmt::Display for Colons {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let colon = if place > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

/// The last half of the IPv6 addresses of a device (RFC 4291, appendix A).
pub(crate) fn interface_identifier(hardware: Hardware) -> u64 {
    let [a, b, c, d, e, f] = hardware;
    u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

impl Nic {
    /// Whether an address is one of its own, usable or not.
    pub fn owns(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|own| own.address == address)
    }

    /// When something is due.
    pub fn next_deadline(&self) -> Option<u64> {
        let claims = self.addresses.iter().filter_map(|own| match own.claim {
            Claim::Asking { next, .. } if self.up => Some(next),
            _ => None,
        });
        claims
            .chain(self.neighbors.next_deadline())
            .chain(self.dhcp.as_ref().map(|dhcp| dhcp.next_deadline()))
            .chain(self.next_discovery())
            .min()
    }

    /// Forgets that the router was silent: there is a new one.
    pub fn greet(&mut self) {
        self.router_is_silent = false;
    }
}

impl Stack {
    /// Begins with what the owner says of an interface.
    pub(crate) fn configure(&mut self, number: usize) {
        let now = self.now;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        let configuration = self.configuration.interface(&nic.name);
        // In front of the one that was made of the Ethernet address: programs see them in this order.
        for (place, (address, prefix)) in configuration.addresses.iter().enumerate() {
            let own = Address {
                address: *address,
                prefix: *prefix,
                origin: Origin::Fixed,
                claim: Claim::beginning(now),
                conflict: None,
            };
            nic.addresses.insert(place, own);
        }
        nic.routers
            .extend(configuration.gateways.iter().map(|gateway| Router {
                address: *gateway,
                origin: Origin::Fixed,
            }));
        if configuration.asks_dhcp() {
            nic.dhcp = Some(crate::dhcp::Dhcp::new(&mut self.random, now));
        }
        let fixed = !configuration.addresses.is_empty();
        nic.configuration = configuration;
        self.begin_discovery(number);
        if fixed {
            let ms = (now - self.started) / 1_000_000;
            self.say_configuration(number, true, &format!("as configured, {ms} ms after start"));
        }
    }

    /// The device of an interface has another Ethernet address: so has the interface other addresses of its own making.
    pub(crate) fn hardware_changed(&mut self, number: usize) {
        let now = self.now;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        nic.addresses.retain(|own| {
            let advertised = matches!(own.origin, Origin::Advertised { .. });
            !advertised && own.origin != Origin::Made
        });
        let identifier = u128::from(interface_identifier(nic.hardware));
        nic.addresses.push(Address {
            address: IpAddr::V6(Ipv6Addr::from_bits((0xfe80 << 112) | identifier)),
            prefix: 64,
            origin: Origin::Made,
            claim: Claim::beginning(now),
            conflict: None,
        });
        self.begin_discovery(number);
    }

    /// The link of an interface has come up or gone down.
    pub(crate) fn link_changed(&mut self, number: usize, up: bool) {
        let now = self.now;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        if !up {
            log::info!("{}: nobody is at the other end any more", nic.name);
            return;
        }
        for own in &mut nic.addresses {
            if own.claim == Claim::Sure {
                own.claim = Claim::beginning(now);
            }
        }
        let waiting = nic.neighbors.clear();
        for connection in waiting.connections {
            self.tcp.touch(connection);
        }
        self.confirm_lease(number);
        self.begin_discovery(number);
    }

    /// Does what time asks of the interfaces.
    pub(crate) fn run_nics(&mut self) {
        for number in LOOPBACK + 1..self.nics.len() {
            self.run_neighbors(number);
            self.run_claims(number);
            self.run_dhcp(number);
            self.run_discovery(number);
        }
    }

    fn run_claims(&mut self, number: usize) {
        let now = self.now;
        let count = match self.nics.get(number) {
            Some(Some(nic)) if nic.up => nic.addresses.len(),
            _ => return,
        };
        for place in 0..count {
            let Some(Some(nic)) = self.nics.get_mut(number) else {
                return;
            };
            let Some(own) = nic.addresses.get_mut(place) else {
                return;
            };
            let Claim::Asking { left, next } = own.claim else {
                continue;
            };
            if next > now {
                continue;
            }
            let address = own.address;
            own.claim = match address {
                _ if left == 0 => Claim::Sure,
                IpAddr::V4(_) => Claim::Asking {
                    left: left - 1,
                    next: now + SECOND,
                },
                IpAddr::V6(_) => Claim::Asking {
                    left: 0,
                    next: now + SECOND,
                },
            };
            match (address, left) {
                (IpAddr::V4(four), 0) => {
                    // Now everybody may know: bridges learn, and neighbours that knew another owner.
                    self.send_arp(number, Arp::Request, EVERYBODY, four, four);
                }
                (IpAddr::V4(four), _) => {
                    let nobody = Ipv4Addr::UNSPECIFIED;
                    self.send_arp(number, Arp::Request, EVERYBODY, nobody, four);
                }
                (IpAddr::V6(six), 1..) => {
                    self.report_solicited_node(number, six);
                    self.send_solicitation(number, Ipv6Addr::UNSPECIFIED, six);
                }
                (IpAddr::V6(_), 0) => {}
            }
        }
    }

    /// Whether an address of ours is still being asked about.
    pub(crate) fn is_asking_about(&self, number: usize, address: Ipv4Addr) -> bool {
        let nic = self.nics.get(number).and_then(Option::as_ref);
        nic.is_some_and(|nic| {
            nic.addresses.iter().any(|own| {
                own.address == IpAddr::V4(address) && matches!(own.claim, Claim::Asking { .. })
            })
        })
    }

    /// Somebody else has an address of ours.
    pub(crate) fn address_is_taken(&mut self, number: usize, address: IpAddr, by: Hardware) {
        let now = self.now;
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        let name = nic.name.clone();
        let Some(own) = nic.addresses.iter_mut().find(|own| own.address == address) else {
            return;
        };
        if own.claim == Claim::Taken {
            return;
        }
        let last = own.conflict.replace(now);
        let again = last.is_some_and(|last| now < last + DEFENCE);
        let origin = own.origin;
        let asking = matches!(own.claim, Claim::Asking { .. });
        if last.is_none() {
            log::error!(
                "address {address} of {name} is already used by {}: two machines have it, and neither works well",
                Colons(by)
            );
        }
        match (address, origin) {
            (_, Origin::Leased) if asking || again => self.decline_lease(number),
            (IpAddr::V4(four), _) if !asking && !again => {
                self.send_arp(number, Arp::Request, EVERYBODY, four, four);
            }
            (IpAddr::V6(_), _) if asking => {
                own.claim = Claim::Taken;
                self.addresses_changed(number);
            }
            _ => {}
        }
    }

    /// Ends the connections of addresses that are gone, and lets others try anew.
    pub(crate) fn addresses_changed(&mut self, number: usize) {
        let nics = &self.nics;
        let gone = |address: IpAddr| {
            !address.is_loopback() && !nics.iter().flatten().any(|nic| nic.has_address(address))
        };
        let lost: Vec<IpAddr> = self
            .tcp
            .connections
            .iter()
            .map(|(_, connection)| connection.tuple.local.address)
            .filter(|address| gone(*address))
            .collect();
        if !lost.is_empty() {
            self.fail_connections(Errno::EADDRNOTAVAIL, |connection| {
                lost.contains(&connection.tuple.local.address)
            });
        }
        let through: Vec<u32> = self
            .tcp
            .connections
            .iter()
            .filter(|(_, connection)| connection.nic == number)
            .map(|(id, _)| id)
            .collect();
        for id in through {
            self.tcp.touch(id);
        }
    }

    /// Puts together what is known of names; tells programs if it is news.
    pub(crate) fn naming_changed(&mut self) {
        let mut naming = Naming {
            servers: self.configuration.servers.clone(),
            search: self.configuration.search.clone(),
            host_name: self.configuration.host_name.clone(),
        };
        let configured = !naming.servers.is_empty();
        let searched = !naming.search.is_empty();
        for nic in self.nics.iter().flatten() {
            let lease = nic.dhcp.as_ref().and_then(|dhcp| dhcp.lease());
            let leased = lease.iter().flat_map(|lease| &lease.dns);
            let leased = leased.map(|server| IpAddr::V4(*server));
            let advertised = nic.routers_say.servers.iter().map(|(server, _)| *server);
            for server in leased.chain(advertised) {
                if !configured && !naming.servers.contains(&server) {
                    naming.servers.push(server);
                }
            }
            let leased = lease.iter().flat_map(|lease| &lease.search);
            for domain in leased.chain(&nic.routers_say.search) {
                if !searched && !naming.search.contains(domain) {
                    naming.search.push(domain.clone());
                }
            }
            if naming.host_name.is_none() {
                naming.host_name = lease.and_then(|lease| lease.host_name.clone());
            }
        }
        if naming != self.naming {
            self.naming = naming;
            self.naming_is_news = true;
            self.naming_was_reported = false;
        }
    }

    /// Says on one line what an interface has.
    pub(crate) fn say_configuration(&self, number: usize, all: bool, how: &str) {
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        let list = |parts: Vec<String>| parts.join(", ");
        let wanted = |address: IpAddr| all || address.is_ipv6();
        let addresses: Vec<String> = nic
            .addresses()
            .filter(|own| wanted(own.address))
            .filter(
                |own| !matches!(own.address, IpAddr::V6(six) if crate::address::is_link_local(six)),
            )
            .map(|own| format!("{}/{}", own.address, own.prefix))
            .collect();
        let mut line = format!("{}: {}", nic.name, list(addresses));
        let routers: Vec<String> = nic
            .routers
            .iter()
            .filter(|router| wanted(router.address))
            .map(|router| format!("{}", router.address))
            .collect();
        if !routers.is_empty() {
            line += &format!(", gateway {}", list(routers));
        }
        let servers: Vec<String> = self
            .naming
            .servers
            .iter()
            .map(|one| format!("{one}"))
            .collect();
        if !servers.is_empty() {
            line += &format!(", dns {}", list(servers));
        }
        log::info!("{line} ({how})");
    }
}

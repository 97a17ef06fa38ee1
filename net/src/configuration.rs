//! What the owner says of addresses and names.
//!
//! As texts, from the flags of the domain's command line: `-ipaddr 10.0.0.5/24 -gateway 10.0.0.1 -dns 10.0.0.1`. A value is for the
//! first interface, `eth0`, or for the one named before an equals sign: `-ipaddr eth1=10.1.0.2/16`. An interface of which nothing is
//! said asks DHCP and listens to IPv6 routers.
//!
//! Invariant: a [`Configuration`] that was parsed is consistent; texts that are not are refused with a message that says which, why
//! and what would do.

use crate::address::{is_link_local, same_network};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The interface that values without a name are for.
const FIRST: &str = "eth0";

/// What the owner says of one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceConfiguration {
    /// Its name.
    pub name: String,
    /// Its addresses, each with the length of its network's part.
    pub addresses: Vec<(IpAddr, u8)>,
    /// Its routers.
    pub gateways: Vec<IpAddr>,
    /// Whether to ask DHCP; if nothing is said, it is asked unless there is an IPv4 address.
    pub dhcp: Option<bool>,
    /// Whether not to listen to IPv6 routers.
    pub ignore_routers: bool,
}

impl InterfaceConfiguration {
    /// Whether DHCP is to be asked.
    pub fn asks_dhcp(&self) -> bool {
        let has_v4 = self.addresses.iter().any(|(address, _)| address.is_ipv4());
        self.dhcp.unwrap_or(!has_v4)
    }
}

/// What the owner says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Of interfaces, by name.
    pub interfaces: Vec<InterfaceConfiguration>,
    /// Servers to ask for names; those of DHCP and of routers do not count then.
    pub servers: Vec<IpAddr>,
    /// Domains to search names in.
    pub search: Vec<String>,
    /// How this host calls itself.
    pub host_name: Option<String>,
}

/// The flags that [`Configuration::parse`] knows, without their dash.
pub const FLAGS: [&str; 8] = [
    "ipaddr", "netmask", "gateway", "dns", "ip6addr", "hostname", "domain", "dhcp",
];

impl Configuration {
    /// From pairs of a flag (without its dash) and its value. Lists are separated by commas.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Configuration, String> {
        let mut configuration = Configuration::default();
        let mut masks: Vec<(String, u8)> = Vec::new();
        let mut bare: Vec<(String, Ipv4Addr)> = Vec::new();
        for (flag, text) in pairs {
            match flag {
                "dns" => {
                    for part in parts(text) {
                        let server = part.parse().map_err(|_| {
                            format!("-dns {text}: {part} is not an IP address; write for example -dns 10.0.0.1")
                        })?;
                        configuration.servers.push(server);
                    }
                }
                "hostname" => {
                    if !is_name(text) {
                        return Err(format!(
                            "-hostname {text}: not a host name: letters, digits, dashes and dots, 253 at most"
                        ));
                    }
                    configuration.host_name = Some(text.to_string());
                }
                "domain" => {
                    for part in parts(text) {
                        if !is_name(part) {
                            return Err(format!("-domain {text}: {part} is not a domain name"));
                        }
                        configuration.search.push(part.to_string());
                    }
                }
                "ipaddr" | "ip6addr" | "netmask" | "gateway" | "dhcp" => {
                    let (name, value) = match text.split_once('=') {
                        Some((name, value)) => (name, value),
                        None => (FIRST, text),
                    };
                    if !is_interface(name) {
                        return Err(format!(
                            "-{flag} {text}: {name} is no name of an interface; the first is eth0, the second eth1"
                        ));
                    }
                    let of = configuration.interface_mut(name);
                    of.take(flag, value, &mut masks, &mut bare)
                        .map_err(|why| format!("-{flag} {text}: {why}"))?;
                }
                _ => return Err(format!("-{flag}: no flag of the network")),
            }
        }
        for (name, address) in bare {
            let Some((_, prefix)) = masks.iter().find(|(other, _)| *other == name) else {
                return Err(format!(
                    "-ipaddr {address}: it does not say how large the network of {name} is; write -ipaddr {address}/24, or -netmask 255.255.255.0 besides"
                ));
            };
            let address = IpAddr::V4(address);
            let of = configuration.interface_mut(&name);
            of.addresses.push((address, *prefix));
        }
        for interface in &configuration.interfaces {
            interface.check()?;
        }
        Ok(configuration)
    }

    fn interface_mut(&mut self, name: &str) -> &mut InterfaceConfiguration {
        let place = self.interfaces.iter().position(|one| one.name == name);
        let place = place.unwrap_or_else(|| {
            self.interfaces.push(InterfaceConfiguration {
                name: name.to_string(),
                ..InterfaceConfiguration::default()
            });
            self.interfaces.len() - 1
        });
        &mut self.interfaces[place]
    }

    /// What is said of an interface.
    pub fn interface(&self, name: &str) -> InterfaceConfiguration {
        let one = self.interfaces.iter().find(|one| one.name == name);
        one.cloned().unwrap_or_else(|| InterfaceConfiguration {
            name: name.to_string(),
            ..InterfaceConfiguration::default()
        })
    }
}

impl InterfaceConfiguration {
    fn take(
        &mut self,
        flag: &str,
        value: &str,
        masks: &mut Vec<(String, u8)>,
        bare: &mut Vec<(String, Ipv4Addr)>,
    ) -> Result<(), String> {
        match flag {
            "ipaddr" => {
                for part in parts(value) {
                    let (address, prefix) = match part.split_once('/') {
                        Some((address, prefix)) => (address, Some(prefix)),
                        None => (part, None),
                    };
                    let address: Ipv4Addr = address.parse().map_err(|_| {
                        format!("{address} is not an IPv4 address; write for example 10.0.0.5/24")
                    })?;
                    check_unicast(IpAddr::V4(address))?;
                    match prefix {
                        Some(text) => {
                            let prefix = prefix_of(text, 32)?;
                            self.addresses.push((IpAddr::V4(address), prefix));
                        }
                        None => bare.push((self.name.clone(), address)),
                    }
                }
            }
            "ip6addr" if value == "off" => self.ignore_routers = true,
            "ip6addr" if value == "auto" => self.ignore_routers = false,
            "ip6addr" => {
                for part in parts(value) {
                    let (address, prefix) = part.split_once('/').unwrap_or((part, "64"));
                    let address: Ipv6Addr = address.parse().map_err(|_| {
                        format!("{address} is not an IPv6 address; write for example 2001:db8::5/64, auto or off")
                    })?;
                    check_unicast(IpAddr::V6(address))?;
                    let prefix = prefix_of(prefix, 128)?;
                    self.addresses.push((IpAddr::V6(address), prefix));
                }
            }
            "netmask" => masks.push((self.name.clone(), prefix_of(value, 32)?)),
            "gateway" => {
                for part in parts(value) {
                    let gateway: IpAddr = part
                        .parse()
                        .map_err(|_| format!("{part} is not an IP address"))?;
                    check_unicast(gateway)?;
                    self.gateways.push(gateway);
                }
            }
            _ => {
                self.dhcp = Some(match value {
                    "" | "on" | "yes" | "true" => true,
                    "off" | "no" | "false" => false,
                    _ => return Err("write on or off".to_string()),
                });
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        for gateway in &self.gateways {
            let near = |(address, prefix): &(IpAddr, u8)| same_network(*address, *gateway, *prefix);
            let own = |(address, _): &(IpAddr, u8)| address == gateway;
            if self.addresses.iter().any(own) {
                return Err(format!(
                    "-gateway {gateway}: that is the address of {} itself",
                    self.name
                ));
            }
            let link_local = matches!(gateway, IpAddr::V6(six) if is_link_local(*six));
            let mut same = self
                .addresses
                .iter()
                .filter(|(address, _)| address.is_ipv4() == gateway.is_ipv4())
                .peekable();
            if !link_local && same.peek().is_some() && !same.any(near) {
                let all: Vec<String> = self
                    .addresses
                    .iter()
                    .map(|(address, prefix)| format!("{address}/{prefix}"))
                    .collect();
                return Err(format!(
                    "-gateway {gateway}: it is in no network of {} ({})",
                    self.name,
                    all.join(", ")
                ));
            }
        }
        Ok(())
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

fn check_unicast(address: IpAddr) -> Result<(), String> {
    if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
        return Err(format!("{address} is not the address of one host"));
    }
    if address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(format!("{address} is the address of everybody"));
    }
    Ok(())
}

/// The length of a network's part, as a number or as a mask.
fn prefix_of(text: &str, most: u8) -> Result<u8, String> {
    if let Ok(prefix) = text.parse::<u8>()
        && (1..=most).contains(&prefix)
    {
        return Ok(prefix);
    }
    if most == 32
        && let Ok(mask) = text.parse::<Ipv4Addr>()
    {
        let bits = mask.to_bits();
        if bits != 0 && bits.leading_ones() + bits.trailing_zeros() == 32 {
            return Ok(bits.leading_ones() as u8);
        }
    }
    let example = if most == 32 {
        "24 or 255.255.255.0"
    } else {
        "64"
    };
    Err(format!(
        "{text} is no network mask; write for example {example}"
    ))
}

fn is_name(text: &str) -> bool {
    let good = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    text.len() <= 253 && text.split('.').all(good)
}

fn is_interface(text: &str) -> bool {
    !text.is_empty() && text.len() < 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&'static str, &'static str)]) -> Result<Configuration, String> {
        Configuration::parse(pairs.iter().copied())
    }

    #[test]
    fn addresses_with_and_without_names() {
        let all = parse(&[
            ("ipaddr", "10.0.0.5/24"),
            ("gateway", "10.0.0.1"),
            ("dns", "10.0.0.1, 2001:db8::53"),
            ("ipaddr", "eth1=10.1.0.2"),
            ("netmask", "eth1=255.255.0.0"),
            ("ip6addr", "eth1=2001:db8::5"),
            ("hostname", "web-1.example"),
        ])
        .unwrap();
        let eth0 = all.interface("eth0");
        assert_eq!(eth0.addresses, [("10.0.0.5".parse().unwrap(), 24)]);
        assert_eq!(eth0.gateways, ["10.0.0.1".parse::<IpAddr>().unwrap()]);
        assert!(!eth0.asks_dhcp());
        let eth1 = all.interface("eth1");
        assert!(eth1.addresses.contains(&("10.1.0.2".parse().unwrap(), 16)));
        assert!(
            eth1.addresses
                .contains(&("2001:db8::5".parse().unwrap(), 64))
        );
        assert!(all.interface("eth2").asks_dhcp());
        assert_eq!(all.servers.len(), 2);
        assert_eq!(all.host_name.as_deref(), Some("web-1.example"));
        assert!(
            !parse(&[("dhcp", "off")])
                .unwrap()
                .interface("eth0")
                .asks_dhcp()
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (pairs, part) in [
            (
                &[("ipaddr", "10.0.0.300/24")][..],
                "-ipaddr 10.0.0.300/24: 10.0.0.300 is not an IPv4 address",
            ),
            (&[("ipaddr", "10.0.0.3/33")], "33 is no network mask"),
            (&[("ipaddr", "10.0.0.3")], "write -ipaddr 10.0.0.3/24"),
            (&[("ipaddr", "224.0.0.3/24")], "not the address of one host"),
            (&[("ipaddr", "=10.0.0.3/24")], "no name of an interface"),
            (
                &[("netmask", "255.0.255.0")],
                "255.0.255.0 is no network mask",
            ),
            (
                &[("ipaddr", "10.0.0.3/24"), ("gateway", "10.0.1.1")],
                "in no network of eth0 (10.0.0.3/24)",
            ),
            (
                &[("ipaddr", "10.0.0.3/24"), ("gateway", "10.0.0.3")],
                "eth0 itself",
            ),
            (&[("dns", "one")], "-dns one: one is not an IP address"),
            (&[("hostname", "a b")], "not a host name"),
            (&[("dhcp", "maybe")], "-dhcp maybe: write on or off"),
            (&[("ip6addr", "10.0.0.1")], "is not an IPv6 address"),
            (&[("colour", "red")], "-colour: no flag of the network"),
        ] {
            let error = parse(pairs).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}

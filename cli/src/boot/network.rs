//! The domain's network as the command line asks for it: vifs, bridges in dom0, ports of this machine that lead into the domain.
//!
//! QEMU's user network stands behind dom0's bridge [`BRIDGE`]: it answers DHCP (the first client gets 10.0.2.15), routes by
//! 10.0.2.2, which is also this machine, resolves names at 10.0.2.3, and announces fec0::/64 for IPv6. Ports are reserved here before anything is
//! booted, so that one that is in use is told at once; they are given to QEMU when the domain has an address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::str::FromStr;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, getsockname, listen, socket_with, sockopt,
};

use super::options::Options;
use crate::failure::{Failure, Result};

/// dom0's bridge that leads to QEMU's network.
pub const BRIDGE: &str = "xenbr0";

/// What its DHCP gives the first client.
const FIRST_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);

/// The first octets of addresses for Xen's virtual interfaces, and of ours among them: "SL".
const MAC_PREFIX: &str = "00:16:3e:53:4c";

/// Interfaces of a domain that dom0 expects without being told `max_grant_frames` and the like.
const VIFS_MAX: usize = 8;

/// Linux's limit for the name of an interface is 16 bytes with its NUL.
const INTERFACE_NAME_MAX: usize = 15;

/// TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `/tcp`, the default.
    Tcp,
    /// `/udp`.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        })
    }
}

/// `-p [ADDRESS:]HOST:GUEST[/udp]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// What is forwarded.
    pub protocol: Protocol,
    /// Where this machine listens; port 0 lets the system choose.
    pub host: SocketAddr,
    /// The domain's port.
    pub guest: u16,
}

impl FromStr for Forward {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Forward, String> {
        let (ports, protocol) = match text.split_once('/') {
            None => (text, Protocol::Tcp),
            Some((ports, "tcp")) => (ports, Protocol::Tcp),
            Some((ports, "udp")) => (ports, Protocol::Udp),
            Some((_, other)) => return Err(format!("{other:?} is neither tcp nor udp")),
        };
        let port = |text: &str| {
            text.parse::<u16>()
                .map_err(|_| format!("{text:?} is no port (0 to 65535)"))
        };
        let (host, guest) = ports
            .rsplit_once(':')
            .ok_or("it takes HOST:GUEST, such as 8080:80")?;
        let (address, host) = match host.rsplit_once(':') {
            None => (Ipv4Addr::LOCALHOST, host),
            Some((address, host)) => {
                let parsed = address.parse();
                let address = parsed.map_err(|_| format!("{address:?} is no IPv4 address"))?;
                (address, host)
            }
        };
        let guest = port(guest)?;
        if guest == 0 {
            return Err("the domain has no port 0".to_owned());
        }
        Ok(Forward {
            protocol,
            host: SocketAddr::new(IpAddr::V4(address), port(host)?),
            guest,
        })
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Forward {
            protocol,
            host,
            guest,
        } = self;
        write!(f, "-p {}:{guest}/{protocol}", host.port())
    }
}

/// `--vif KEY=VALUE,...`, as in xl's `vif` list; `bridge` and `mac` have defaults here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vif {
    bridge: String,
    mac: Option<Mac>,
    /// xl's other keys, as they were given.
    others: Vec<String>,
}

impl FromStr for Vif {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Vif, String> {
        let mut vif = Vif {
            bridge: BRIDGE.to_owned(),
            mac: None,
            others: Vec::new(),
        };
        for part in text.split(',').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("bridge", name)) => vif.bridge = interface_name(name)?,
                Some(("mac", mac)) => vif.mac = Some(mac.parse()?),
                Some(_) => vif.others.push(part.to_owned()),
                None => return Err(format!("{part:?} is not KEY=VALUE")),
            }
        }
        Ok(vif)
    }
}

/// A name that Linux accepts for an interface.
pub fn interface_name(name: &str) -> std::result::Result<String, String> {
    let bad = |c: char| c == '/' || c == ':' || c.is_whitespace() || !c.is_ascii_graphic();
    if name.is_empty() || name.len() > INTERFACE_NAME_MAX || name.contains(bad) {
        return Err(format!("{name:?} is no name of a bridge"));
    }
    Ok(name.to_owned())
}

/// The address of a network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl FromStr for Mac {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Mac, String> {
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        let bad = || format!("{text:?} is no MAC address, such as 00:16:3e:12:34:56");
        for octet in &mut octets {
            let part = parts.next().filter(|part| part.len() == 2);
            *octet = part
                .and_then(|part| u8::from_str_radix(part, 16).ok())
                .ok_or_else(bad)?;
        }
        if parts.next().is_some() {
            return Err(bad());
        }
        if octets[0] & 1 != 0 {
            return Err(format!("{text} is a group's address, not an interface's"));
        }
        Ok(Mac(octets))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// All that was asked for.
#[derive(Debug)]
pub struct Network {
    /// xl's words and the address of each vif.
    vifs: Vec<(String, Mac)>,
    /// Bridges in dom0 without a way out.
    bridges: Vec<String>,
    /// Addresses that the domain may have without asking DHCP.
    probes: Vec<Ipv4Addr>,
    /// Ports that are ours until QEMU gets them.
    ports: Vec<(Forward, OwnedFd)>,
}

impl Network {
    /// What the options ask for, with all ports reserved; none if they ask for no network.
    pub fn of(options: &Options) -> Result<Option<Network>> {
        let wanted = options.net
            || !options.forwards.is_empty()
            || !options.vifs.is_empty()
            || !options.bridges.is_empty();
        if !wanted {
            return Ok(None);
        }
        if options.dom0 {
            return Err(Failure::usage(
                "boot: an image in dom0's place (--dom0) has no network: that is dom0's to give",
            )
            .with_hint("Leave --dom0 away, or -p, --net, --vif and --bridge."));
        }
        if options.vifs.len() > VIFS_MAX {
            return Err(Failure::usage(format!(
                "boot: {} vifs; at most {VIFS_MAX} are supported",
                options.vifs.len()
            )));
        }
        let default = [Vif {
            bridge: BRIDGE.to_owned(),
            mac: None,
            others: Vec::new(),
        }];
        let asked = if options.vifs.is_empty() {
            &default[..]
        } else {
            &options.vifs
        };
        let mut vifs: Vec<(String, Mac)> = Vec::new();
        for (number, vif) in asked.iter().enumerate() {
            let mac = match vif.mac {
                Some(mac) => mac,
                None => format!("{MAC_PREFIX}:{number:02x}")
                    .parse()
                    .map_err(Failure::usage)?,
            };
            if vifs.iter().any(|&(_, other)| other == mac) {
                return Err(Failure::usage(format!(
                    "boot: two vifs have the address {mac}"
                )));
            }
            let mut words = vec![format!("mac={mac}"), format!("bridge={}", vif.bridge)];
            words.extend(vif.others.iter().cloned());
            vifs.push((words.join(","), mac));
        }
        for (at, forward) in options.forwards.iter().enumerate() {
            let same =
                |other: &Forward| other.host == forward.host && other.protocol == forward.protocol;
            if forward.host.port() != 0 && options.forwards[..at].iter().any(same) {
                return Err(Failure::usage(format!(
                    "boot: {forward}: the port was given away already"
                )));
            }
        }
        let ports = options.forwards.iter().cloned().map(reserve);
        Ok(Some(Network {
            vifs,
            probes: probes(&options.flags),
            bridges: options.bridges.clone(),
            ports: ports.collect::<Result<_>>()?,
        }))
    }

    /// Each vif in xl's words.
    pub fn vifs(&self) -> impl Iterator<Item = &str> {
        self.vifs.iter().map(|(words, _)| words.as_str())
    }

    /// What dom0's first process must know: lines of its settings.
    pub fn for_dom0(&self) -> String {
        let mut text = String::from("network\n");
        for bridge in &self.bridges {
            text.push_str(&format!("bridge {bridge}\n"));
        }
        for (_, mac) in &self.vifs {
            text.push_str(&format!("vif {mac}\n"));
        }
        for address in &self.probes {
            text.push_str(&format!("probe {address}\n"));
        }
        text
    }

    /// The forwards, each with the port that it got. Their reservations end.
    pub fn take_ports(&mut self) -> Vec<Forward> {
        self.ports.drain(..).map(|(forward, _)| forward).collect()
    }
}

/// The addresses that a guest with these flags may have without saying so: those of its `-ipaddr ADDRESS/LENGTH`, and what DHCP gives
/// first, which may as well be the one in the image's own flags.
fn probes(flags: &[String]) -> Vec<Ipv4Addr> {
    let values = flags
        .windows(2)
        .filter(|pair| pair[0] == "-ipaddr")
        .filter_map(|pair| pair[1].split('/').next()?.parse().ok());
    let mut probes: Vec<Ipv4Addr> = values.collect();
    if !probes.contains(&FIRST_ADDRESS) {
        probes.push(FIRST_ADDRESS);
    }
    probes
}

/// Takes the forward's port of this machine; it learns its number if that was 0.
///
/// The port is held by a socket that does not listen, so that whoever connects meanwhile is refused instead of kept waiting.
fn reserve(mut forward: Forward) -> Result<(Forward, OwnedFd)> {
    let kind = match forward.protocol {
        Protocol::Tcp => SocketType::STREAM,
        Protocol::Udp => SocketType::DGRAM,
    };
    let bound = |address: &SocketAddr| -> rustix::io::Result<OwnedFd> {
        let socket = socket_with(AddressFamily::INET, kind, SocketFlags::CLOEXEC, None)?;
        if forward.protocol == Protocol::Tcp {
            // Connections of an earlier run that are not forgotten yet do not matter; listeners still do.
            sockopt::set_socket_reuseaddr(&socket, true)?;
        }
        bind(&socket, address)?;
        Ok(socket)
    };
    let taken = || -> rustix::io::Result<(OwnedFd, SocketAddr)> {
        let held = bound(&forward.host)?;
        let address = SocketAddr::try_from(getsockname(&held)?)?;
        if forward.protocol == Protocol::Tcp {
            // Only an attempt to listen tells of a listener that allows reuse.
            listen(&bound(&address)?, 1)?;
        }
        Ok((held, address))
    };
    match taken() {
        Ok((held, address)) => {
            forward.host = address;
            Ok((forward, held))
        }
        Err(error) => Err(port_failure(&forward, error)),
    }
}

fn port_failure(forward: &Forward, error: Errno) -> Failure {
    let (protocol, host) = (forward.protocol, forward.host);
    let failure = |what: &str| Failure::new(format!("boot: {forward}: {what}"));
    match error {
        Errno::ADDRINUSE => failure(&format!(
            "the {protocol} port {} of {} is in use",
            host.port(),
            host.ip()
        ))
        .with_hint(format!(
            "Choose another, or 0 for any that is free: -p 0:{}. Who has it: ss -lnp 'sport = :{}'",
            forward.guest,
            host.port()
        )),
        Errno::ACCESS => failure(&format!(
            "this user may not have the {protocol} port {}",
            host.port()
        ))
        .with_hint(format!(
            "Ports from 1024 on need no privilege: -p 8080:{}",
            forward.guest
        )),
        Errno::ADDRNOTAVAIL => failure(&format!("{} is no address of this machine", host.ip())),
        error => failure(&format!("cannot take {host}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwards_are_read() {
        let forward: Forward = "8080:80".parse().unwrap();
        assert_eq!(forward.host, "127.0.0.1:8080".parse().unwrap());
        assert_eq!((forward.guest, forward.protocol), (80, Protocol::Tcp));
        let forward: Forward = "0.0.0.0:5353:53/udp".parse().unwrap();
        assert_eq!(forward.host, "0.0.0.0:5353".parse().unwrap());
        assert_eq!((forward.guest, forward.protocol), (53, Protocol::Udp));
        for bad in [
            "",
            "80",
            "a:80",
            "80:0",
            "80:a",
            "80:70000",
            "-1:80",
            "80:80/sctp",
            "x:80:80",
            "::1:80:80",
        ] {
            assert!(bad.parse::<Forward>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_are_looked_for_where_the_flags_say() {
        let flags = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        assert_eq!(probes(&flags("-s a")), [FIRST_ADDRESS]);
        assert_eq!(probes(&flags("-ipaddr 10.0.2.15/24")), [FIRST_ADDRESS]);
        assert_eq!(
            probes(&flags("-ipaddr 10.0.2.9/24 -gateway 10.0.2.2 -ipaddr")),
            [Ipv4Addr::new(10, 0, 2, 9), FIRST_ADDRESS]
        );
    }

    #[test]
    fn vifs_are_read() {
        let vif: Vif = "".parse().unwrap();
        assert_eq!((vif.bridge.as_str(), vif.mac), (BRIDGE, None));
        let vif: Vif = "mac=00:16:3E:00:00:01,bridge=br1,rate=1Mb/s"
            .parse()
            .unwrap();
        assert_eq!(vif.bridge, "br1");
        assert_eq!(vif.mac.unwrap().to_string(), "00:16:3e:00:00:01");
        assert_eq!(vif.others, ["rate=1Mb/s"]);
        for bad in [
            "bridge",
            "bridge=",
            "bridge=a/b",
            "bridge=sixteen-letters-",
            "mac=1:2:3:4:5:6",
            "mac=01:16:3e:00:00:01",
            "mac=00:16:3e:00:00",
            "mac=00:16:3e:00:00:01:02",
        ] {
            assert!(bad.parse::<Vif>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_port_is_ours_or_told_to_be_in_use() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for (port, suffix) in [
            (listener.local_addr().unwrap().port(), ""),
            (socket.local_addr().unwrap().port(), "/udp"),
        ] {
            let text = format!("{port}:80{suffix}");
            let failure = reserve(text.parse().unwrap()).unwrap_err().to_string();
            assert!(failure.contains("in use"), "{failure}");
            let (forward, _held) = reserve(format!("0:80{suffix}").parse().unwrap()).unwrap();
            assert_ne!(forward.host.port(), 0);
        }
    }
}

//! Network interfaces: the loopback and one for each link.
//!
//! Invariant: interface number *n* (as programs count) is at place *n* - 1 for life; the loopback is the first and always there. A
//! link is at its place except while it hands over a frame.

use crate::address::{broadcast, is_link_local, same_network};
use crate::configuration::InterfaceConfiguration;
use crate::device::{LARGEST_PACKET, capabilities};
use crate::dhcp::Dhcp;
use crate::discovery::Advertised;
use crate::link::{Link, Offload};
use crate::neighbor::Neighbors;
use crate::random::{Key, Random};
use crate::route::source_rank;
use crate::tcp::send::instant;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::{Deref, DerefMut};
use smoltcp::iface::{Config, Interface};
use smoltcp::phy::{Device, DeviceCapabilities};
use smoltcp::time::Instant;
use smoltcp::wire::HardwareAddress;

/// Where an address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was given.
    Fixed,
    /// It was made of the device's Ethernet address.
    Made,
    /// DHCP.
    Leased,
    /// An IPv6 router's prefix.
    Advertised {
        /// Until when it may be used, in nanoseconds.
        valid_until: u64,
        /// Whether it is good for new connections.
        preferred: bool,
        /// Until when it is.
        preferred_until: u64,
    },
}

/// Whether an address is known to be nobody else's. It is used while others are asked (RFC 4429): a boot does not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Others are being asked.
    Asking {
        /// How many questions are left.
        left: u8,
        /// When to ask again, or when to be sure.
        next: u64,
    },
    /// Nobody objected.
    Sure,
    /// Somebody has it: it is not used.
    Taken,
}

/// An address of an interface.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// How many of its bits name the network.
    pub prefix: u8,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it can be used.
    pub claim: Claim,
    /// When somebody else was last seen to have it.
    pub conflict: Option<u64>,
}

/// A router.
#[derive(Clone, Copy, Debug)]
pub struct Router {
    /// Its address, in the network of the interface.
    pub address: IpAddr,
    /// Where it comes from.
    pub origin: Origin,
}

/// A network interface.
pub struct Nic {
    /// Its name.
    pub name: String,
    /// Its device; none for the loopback.
    pub link: Option<Box<dyn Link>>,
    /// Address of the device.
    pub hardware: [u8; 6],
    /// The largest IP packet.
    pub mtu: usize,
    /// What the device does by itself.
    pub offload: Offload,
    /// Whether there is somebody at the other end.
    pub up: bool,
    /// smoltcp's part. It holds nothing but its random numbers.
    pub tcp: Interface,
    /// What smoltcp is told.
    pub capabilities: DeviceCapabilities,
    /// Connections that wait for room in the link.
    pub blocked: Vec<u32>,
    /// Sockets of messages that do.
    pub blocked_sockets: Vec<u32>,
    /// Who has which Ethernet address.
    pub neighbors: Neighbors,
    pub(crate) addresses: Vec<Address>,
    pub(crate) routers: Vec<Router>,
    /// Multicast groups that sockets have joined, and how many have.
    pub(crate) groups: Vec<(IpAddr, u32)>,
    /// What the owner says.
    pub(crate) configuration: InterfaceConfiguration,
    /// The DHCP client, if there is to be one.
    pub(crate) dhcp: Option<Dhcp>,
    /// What IPv6 routers say.
    pub(crate) routers_say: Advertised,
    /// Whether it was said that the router does not answer.
    pub(crate) router_is_silent: bool,
}

/// All interfaces.
pub struct Nics(Vec<Option<Nic>>);

impl Deref for Nics {
    type Target = Vec<Option<Nic>>;

    fn deref(&self) -> &Vec<Option<Nic>> {
        &self.0
    }
}

impl DerefMut for Nics {
    fn deref_mut(&mut self) -> &mut Vec<Option<Nic>> {
        &mut self.0
    }
}

impl Nics {
    /// The loopback alone.
    pub fn new(random: &mut Random, now: u64) -> Nics {
        let mut loopback = Nic::new(String::from("lo"), random, now);
        loopback.mtu = LARGEST_PACKET;
        loopback.up = true;
        loopback.tell_smoltcp(random.bits(), now);
        for (address, prefix) in [
            (IpAddr::V4(Ipv4Addr::LOCALHOST), 8),
            (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
        ] {
            loopback.addresses.push(Address {
                address,
                prefix,
                origin: Origin::Fixed,
                claim: Claim::Sure,
                conflict: None,
            });
        }
        Nics(Vec::from([Some(loopback)]))
    }

    /// Takes a link from its place.
    pub fn lend_link(&mut self, number: usize) -> Option<Box<dyn Link>> {
        self.0.get_mut(number)?.as_mut()?.link.take()
    }

    /// Puts it back.
    pub fn return_link(&mut self, number: usize, link: Box<dyn Link>) {
        if let Some(Some(nic)) = self.0.get_mut(number) {
            nic.link = Some(link);
        }
    }
}

/// A device that can do nothing, for smoltcp to be told of its abilities.
struct Abilities<'a>(&'a DeviceCapabilities);

impl Device for Abilities<'_> {
    type RxToken<'b>
        = crate::device::Received<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = crate::device::Room<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        None
    }

    fn transmit(&mut self, _: Instant) -> Option<Self::TxToken<'_>> {
        None
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.0.clone()
    }
}

fn interface(capabilities: &DeviceCapabilities, seed: u64, now: u64) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    let mut interface = Interface::new(config, &mut Abilities(capabilities), instant(now));
    interface.set_any_ip(true);
    interface
}

impl Nic {
    /// An interface without a link and without addresses.
    pub fn new(name: String, random: &mut Random, now: u64) -> Nic {
        let capabilities = capabilities(1500, Offload::default());
        let key: Key = random.key();
        Nic {
            name,
            link: None,
            hardware: [0; 6],
            mtu: 1500,
            offload: Offload::default(),
            up: false,
            tcp: interface(&capabilities, random.bits(), now),
            capabilities,
            blocked: Vec::new(),
            blocked_sockets: Vec::new(),
            neighbors: Neighbors::new(key),
            addresses: Vec::new(),
            routers: Vec::new(),
            groups: Vec::new(),
            configuration: InterfaceConfiguration::default(),
            dhcp: None,
            routers_say: Advertised::default(),
            router_is_silent: false,
        }
    }

    /// Tells smoltcp anew what the device can do.
    pub fn tell_smoltcp(&mut self, seed: u64, now: u64) {
        self.capabilities = capabilities(self.mtu, self.offload);
        self.tcp = interface(&self.capabilities, seed, now);
    }

    /// Gives smoltcp a new seed. Time comes with each call, so none is needed here.
    pub fn renew(&mut self, seed: u64) {
        self.tcp = interface(&self.capabilities, seed, 0);
    }

    /// The addresses that can be used.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        let all = self.addresses.iter();
        all.filter(|own| own.claim != Claim::Taken)
    }

    /// Whether an address is one that can be used.
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.addresses().any(|own| own.address == address)
    }

    /// Whether an address stands for everybody in one of its IPv4 networks.
    pub fn is_broadcast(&self, address: IpAddr) -> bool {
        self.addresses().any(|own| match own.address {
            IpAddr::V4(four) => broadcast(four, own.prefix).map(IpAddr::V4) == Some(address),
            IpAddr::V6(_) => false,
        })
    }

    /// The best of its addresses for packets to `destination`.
    pub fn source_for(&self, destination: IpAddr) -> Option<IpAddr> {
        self.addresses()
            .filter(|own| own.address.is_ipv4() == destination.is_ipv4())
            .filter(|own| match (own.address, destination) {
                // Nobody beyond the link can answer to a link-local address.
                (IpAddr::V6(mine), IpAddr::V6(theirs)) => {
                    !is_link_local(mine) || is_link_local(theirs) || theirs.is_multicast()
                }
                _ => true,
            })
            .max_by_key(|own| source_rank(own, destination))
            .map(|own| own.address)
    }

    /// The router for packets that go beyond its networks.
    pub fn router_for(&self, destination: IpAddr) -> Option<IpAddr> {
        let routers = self.routers.iter();
        let mut routers =
            routers.filter(|router| router.address.is_ipv4() == destination.is_ipv4());
        routers.next().map(|router| router.address)
    }

    /// Whether packets to this group are for this machine.
    pub fn listens_to(&self, group: IpAddr) -> bool {
        if self.groups.iter().any(|(other, _)| *other == group) {
            return true;
        }
        match group {
            IpAddr::V4(group) => group == Ipv4Addr::new(224, 0, 0, 1),
            IpAddr::V6(group) => {
                group == Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)
                    || self.addresses.iter().any(|own| match own.address {
                        IpAddr::V6(own) => solicited_node(own) == group,
                        IpAddr::V4(_) => false,
                    })
            }
        }
    }

    /// The neighbour that packets to `destination` go to first.
    pub fn next_hop(&self, destination: IpAddr) -> Option<IpAddr> {
        let near = destination.is_multicast()
            || destination == IpAddr::V4(Ipv4Addr::BROADCAST)
            || matches!(destination, IpAddr::V6(six) if is_link_local(six))
            || self
                .addresses()
                .any(|own| same_network(own.address, destination, own.prefix));
        if near {
            Some(destination)
        } else {
            self.router_for(destination)
        }
    }
}

/// The group that those listen to who have an IPv6 address with these last 24 bits (RFC 4291 §2.7.1).
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let low = address.to_bits() & 0xff_ffff;
    Ipv6Addr::from_bits(0xff02_0000_0000_0000_0000_0001_ff00_0000 | low)
}

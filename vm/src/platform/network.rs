//! The world's sockets, as `gen_tcp`, `gen_udp` and `inet` use them.
//!
//! A socket is a [`Descriptor`] like other streams: [`super::io::Io`] reads from a connected one, writes to it, closes it and
//! watches it. This trait has the rest, with POSIX's meanings and errors. On Linux these are the host's sockets, in a domain those
//! of its own TCP/IP (`net/`).
//!
//! Invariant: no method waits. What cannot be done now is `EAGAIN`, or `EINPROGRESS` for [`Network::connect`]; the socket is then
//! watched. Called by the drivers of `crate::port::drivers::inet`.

use super::io::Descriptor;
use crate::fs::errno::Errno;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Which addresses a socket has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6, and IPv4 mapped into it unless [`OptionName::OnlyV6`] is set.
    Inet6,
    /// Names of files: `AF_UNIX`.
    Local,
}

/// How a socket carries bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As a stream: TCP.
    Stream,
    /// In messages: UDP.
    Datagram,
}

/// The address of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a port, with flow and scope for IPv6.
    Ip(SocketAddr),
    /// The name of a file, without a final zero; empty if the socket has no name.
    Local(Vec<u8>),
    /// No address at all, such as the destination that ends a datagram socket's connection.
    Unspecified,
}

/// Which directions of a connection to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What comes in.
    Read,
    /// What goes out.
    Write,
    /// Both.
    Both,
}

/// Options that the world's sockets have. Each has one shape of [`OptionValue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionName {
    /// `SO_REUSEADDR`: a number, as all that have no other shape here; 0 and 1 mean no and yes.
    ReuseAddress,
    /// `SO_REUSEPORT`.
    ReusePort,
    /// `SO_KEEPALIVE`.
    KeepAlive,
    /// `SO_DONTROUTE`.
    DontRoute,
    /// `SO_BROADCAST`.
    Broadcast,
    /// `SO_LINGER`: [`OptionValue::Linger`].
    Linger,
    /// `SO_SNDBUF`, in bytes.
    SendBuffer,
    /// `SO_RCVBUF`, in bytes.
    ReceiveBuffer,
    /// `SO_PRIORITY`.
    Priority,
    /// `TCP_NODELAY`.
    NoDelay,
    /// `TCP_CORK`.
    Cork,
    /// `IP_TOS`.
    TypeOfService,
    /// `IP_TTL`.
    TimeToLive,
    /// `IPV6_TCLASS`.
    TrafficClass,
    /// `IPV6_V6ONLY`.
    OnlyV6,
    /// `IP_RECVTOS`.
    ReceiveTypeOfService,
    /// `IPV6_RECVTCLASS`.
    ReceiveTrafficClass,
    /// `IP_RECVTTL` or `IPV6_RECVHOPLIMIT`.
    ReceiveTimeToLive,
    /// `IP_MULTICAST_IF`: [`OptionValue::Address`]; `IPV6_MULTICAST_IF`: the number of an interface.
    MulticastInterface,
    /// `IP_MULTICAST_TTL` or `IPV6_MULTICAST_HOPS`.
    MulticastTimeToLive,
    /// `IP_MULTICAST_LOOP` or `IPV6_MULTICAST_LOOP`.
    MulticastLoop,
    /// `IP_ADD_MEMBERSHIP` or `IPV6_ADD_MEMBERSHIP`: [`OptionValue::Membership`]; can only be set.
    AddMembership,
    /// `IP_DROP_MEMBERSHIP` or `IPV6_DROP_MEMBERSHIP`: as above.
    DropMembership,
    /// `SO_BINDTODEVICE`: [`OptionValue::Bytes`], the name of an interface.
    BindToDevice,
    /// `TCP_USER_TIMEOUT` and whatever else the host's `setsockopt` knows by number: [`OptionValue::Bytes`]. A domain has none:
    /// `ENOPROTOOPT`.
    Raw {
        /// The level, such as `IPPROTO_TCP`.
        level: i32,
        /// The option.
        name: i32,
        /// How many bytes to ask for.
        len: u32,
    },
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// A number or a yes (1) and no (0).
    Number(i32),
    /// What becomes of unsent data when the socket is closed.
    Linger {
        /// Whether closing waits for it.
        on: bool,
        /// For how many seconds.
        seconds: u32,
    },
    /// The IPv4 address of an interface.
    Address(Ipv4Addr),
    /// A multicast group and where it is listened to.
    Membership {
        /// The group.
        group: IpAddr,
        /// The interface: an address of it (IPv4) or its number (IPv6; 0 is any).
        interface: MembershipInterface,
    },
    /// Bytes that nobody here knows the meaning of.
    Bytes(Vec<u8>),
}

/// The interface on which a multicast group is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipInterface {
    /// The one that has this address; 0.0.0.0 is any.
    Address(Ipv4Addr),
    /// The one of this number; 0 is any.
    Index(u32),
}

/// A message that came, or the beginning of one.
#[derive(Clone, Debug)]
pub struct Received {
    /// How many bytes were put into the buffer. The rest of the message is lost.
    pub len: usize,
    /// Who sent it; [`Address::Unspecified`] if a local socket without a name did.
    pub from: Address,
    /// `IP_TOS`, if [`OptionName::ReceiveTypeOfService`] is set.
    pub type_of_service: Option<u8>,
    /// `IPV6_TCLASS`, if [`OptionName::ReceiveTrafficClass`] is set.
    pub traffic_class: Option<u8>,
    /// `IP_TTL` or `IPV6_HOPLIMIT`, if [`OptionName::ReceiveTimeToLive`] is set.
    pub time_to_live: Option<u8>,
}

/// What else goes with a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// `IP_TOS`.
    pub type_of_service: Option<u8>,
    /// `IPV6_TCLASS`.
    pub traffic_class: Option<u8>,
    /// `IP_TTL`.
    pub time_to_live: Option<u8>,
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// Which of its bits name the network.
    pub netmask: IpAddr,
    /// The address of everybody on the network, if there is one.
    pub broadcast: Option<IpAddr>,
    /// The address of the other end, if the interface leads to one host only.
    pub destination: Option<IpAddr>,
    /// The scope of a link-local IPv6 address; otherwise 0.
    pub scope: u32,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its number, from 1.
    pub index: u32,
    /// Its name, such as `lo` or `eth0`.
    pub name: String,
    /// `IFF_UP`: it is in use.
    pub up: bool,
    /// `IFF_RUNNING`: it has somebody at the other end.
    pub running: bool,
    /// `IFF_LOOPBACK`.
    pub loopback: bool,
    /// `IFF_BROADCAST`.
    pub broadcast: bool,
    /// `IFF_POINTOPOINT`.
    pub point_to_point: bool,
    /// `IFF_MULTICAST`.
    pub multicast: bool,
    /// The address of the hardware, if it has one.
    pub hardware: Option<[u8; 6]>,
    /// The largest IP packet, in bytes.
    pub mtu: u32,
    /// Its addresses.
    pub addresses: Vec<InterfaceAddress>,
}

/// What a network told the machine about names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Servers to ask, the best first.
    pub servers: Vec<IpAddr>,
    /// Domains to search names in.
    pub search: Vec<String>,
    /// How this host calls itself.
    pub host_name: Option<String>,
}

/// The world's sockets.
pub trait Network {
    /// A new socket that does not wait; what it is for is said by the other methods. `EAFNOSUPPORT`: no such addresses here.
    fn open(&mut self, family: Family, kind: Kind) -> Result<Descriptor, Errno>;

    /// The same in another name space of the host's, which a file stands for (`{netns, File}`). `ENOTSUP`: there are none here.
    fn open_in(
        &mut self,
        _name_space: &[u8],
        _family: Family,
        _kind: Kind,
    ) -> Result<Descriptor, Errno> {
        Err(Errno::ENOTSUP)
    }

    /// Takes over a socket that was there before the machine (`{fd, Number}`). `EBADF`: there is none.
    fn adopt(&mut self, number: u32) -> Result<Descriptor, Errno>;

    /// Gives the socket an address of its own. Port 0 asks for any free one.
    fn bind(&mut self, socket: Descriptor, address: &Address) -> Result<(), Errno>;

    /// Takes connections from now on; up to `backlog` of them wait for [`Network::accept`].
    fn listen(&mut self, socket: Descriptor, backlog: u32) -> Result<(), Errno>;

    /// A connection that came to a listening socket, and who made it. It does not wait, and inherits no option by contract.
    fn accept(&mut self, socket: Descriptor) -> Result<(Descriptor, Address), Errno>;

    /// Connects. `EINPROGRESS`: the socket can be written to when it is connected, or when that has failed;
    /// [`Network::take_error`] tells. A datagram socket is connected at once, and unconnected by [`Address::Unspecified`].
    fn connect(&mut self, socket: Descriptor, address: &Address) -> Result<(), Errno>;

    /// The error that the socket has come to, which is forgotten: `SO_ERROR`.
    fn take_error(&mut self, socket: Descriptor) -> Option<Errno>;

    /// Writes the parts one behind the other, as much as can be taken now.
    fn write_parts(&mut self, socket: Descriptor, parts: &[&[u8]]) -> Result<usize, Errno>;

    /// Sends one message; to whom the socket is connected if `to` is [`Address::Unspecified`].
    fn send_to(
        &mut self,
        socket: Descriptor,
        to: &Address,
        message: &[u8],
        control: &Control,
    ) -> Result<usize, Errno>;

    /// Receives one message.
    fn receive_from(&mut self, socket: Descriptor, buffer: &mut [u8]) -> Result<Received, Errno>;

    /// How many bytes could be read now.
    fn readable_bytes(&mut self, socket: Descriptor) -> Result<usize, Errno>;

    /// Ends one direction of a connection, or both.
    fn shutdown(&mut self, socket: Descriptor, direction: Direction) -> Result<(), Errno>;

    /// The socket's own address.
    fn local_address(&mut self, socket: Descriptor) -> Result<Address, Errno>;

    /// The address of the other end. `ENOTCONN`: there is none.
    fn peer_address(&mut self, socket: Descriptor) -> Result<Address, Errno>;

    /// Sets an option. `ENOPROTOOPT`: there is no such option here. `EINVAL`: not with this value.
    fn set_option(
        &mut self,
        socket: Descriptor,
        name: OptionName,
        value: &OptionValue,
    ) -> Result<(), Errno>;

    /// The value of an option.
    fn option(&mut self, socket: Descriptor, name: OptionName) -> Result<OptionValue, Errno>;

    /// The interfaces, in the order of their numbers.
    fn interfaces(&mut self) -> Result<Vec<Interface>, Errno>;

    /// What the network told about names, if that is news since this was last asked. The host's files say it on Linux, so `None`
    /// there.
    fn naming(&mut self) -> Option<Naming>;
}

//! `prim_net`: the name of the host and its network interfaces, as `net` and `inet` with `{inet_backend, socket}` ask for them.
//!
//! Names and addresses of other hosts cannot be looked up here: `{error, enotsup}`; `inet` resolves names by other means. The functions
//! that OTP itself has on Windows alone keep their Erlang bodies, which raise `notsup`.

use super::{Library, native};
use crate::atom::am;
use crate::bif::{Context, Value};
use crate::bits::iolist;
use crate::bits::make::make_binary;
use crate::fs::errno::Errno;
use crate::map::from_pairs;
use crate::memory::Arena;
use crate::naming;
use crate::platform::network::{Interface, InterfaceAddress};
use crate::port::drivers::inet::services;
use crate::term::Term;
use alloc::vec::Vec;
use core::net::IpAddr;

/// The library. OTP 25's module lacks `nif_getservbyname` and `nif_getservbyport`.
pub static LIBRARY: Library = Library {
    module: "prim_net",
    functions: &[
        native("nif_info", 0, info_0),
        native("nif_gethostname", 0, gethostname_0),
        native("nif_getifaddrs", 1, getifaddrs_1),
        native("nif_if_names", 0, if_names_0),
        native("nif_if_name2index", 1, if_name2index_1),
        native("nif_if_index2name", 1, if_index2name_1),
        native("nif_getnameinfo", 2, not_supported),
        native("nif_getaddrinfo", 3, not_supported),
        native("nif_getservbyname", 2, getservbyname_2),
        native("nif_getservbyport", 2, getservbyport_2),
    ],
};

fn error(cx: &mut Context, error: Errno) -> Value {
    let reason = cx.atom(error.name())?;
    Ok(cx.tuple(&[am::ERROR.term(), reason])?)
}

fn ok(cx: &mut Context, value: Term) -> Value {
    Ok(cx.tuple(&[am::OK.term(), value])?)
}

fn not_supported(cx: &mut Context, _: &[Term]) -> Value {
    error(cx, Errno::ENOTSUP)
}

/// A map whose keys are atoms.
fn map(cx: &mut Context, pairs: &[(&'static str, Term)]) -> Value {
    let mut terms = Vec::new();
    for &(key, value) in pairs {
        terms.push((cx.atom(key)?, value));
    }
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(from_pairs(heap, atoms, terms.into_iter())?)
}

/// `#{debug => false}`
fn info_0(cx: &mut Context, _: &[Term]) -> Value {
    map(cx, &[("debug", am::FALSE.term())])
}

/// `{ok, Name}`
fn gethostname_0(cx: &mut Context, _: &[Term]) -> Value {
    let name = naming::host_name(cx.machine());
    let name = cx.byte_list(name.as_bytes(), Term::NIL)?;
    ok(cx, name)
}

/// `{ok, Port}`
fn getservbyname_2(cx: &mut Context, args: &[Term]) -> Value {
    let name = iolist::to_bytes(args[0])?;
    let protocol = iolist::to_bytes(args[1])?;
    let files = &mut *cx.machine().files;
    match services::port_of(files, &name, &protocol) {
        Some(port) => ok(cx, Term::small(port.into())),
        None => error(cx, Errno::EINVAL),
    }
}

/// `{ok, Name}`
fn getservbyport_2(cx: &mut Context, args: &[Term]) -> Value {
    let port = args[0].as_small().and_then(|port| u16::try_from(port).ok());
    let protocol = iolist::to_bytes(args[1])?;
    let files = &mut *cx.machine().files;
    let name = port.and_then(|port| services::name_of(files, port, &protocol, <[u8]>::to_vec));
    match name {
        Some(name) => {
            let name = cx.byte_list(&name, Term::NIL)?;
            ok(cx, name)
        }
        None => error(cx, Errno::EINVAL),
    }
}

/// All interfaces; none where there is no network.
fn interfaces(cx: &mut Context) -> Result<Vec<Interface>, Errno> {
    match cx.machine().platform.network() {
        Some(network) => network.interfaces(),
        None => Ok(Vec::new()),
    }
}

/// `{ok, [{Index, Name}, ...]}`
fn if_names_0(cx: &mut Context, _: &[Term]) -> Value {
    let interfaces = match interfaces(cx) {
        Ok(interfaces) => interfaces,
        Err(reason) => return error(cx, reason),
    };
    let mut list = Term::NIL;
    for interface in interfaces.iter().rev() {
        let name = cx.byte_list(interface.name.as_bytes(), Term::NIL)?;
        let pair = cx.tuple(&[Term::small(interface.index.into()), name])?;
        list = cx.cons(pair, list)?;
    }
    ok(cx, list)
}

/// `{ok, Index}`
fn if_name2index_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = iolist::to_bytes(args[0])?;
    let found = interfaces(cx).unwrap_or_default();
    let found = found.iter().find(|known| known.name.as_bytes() == name);
    match found {
        Some(interface) => ok(cx, Term::small(interface.index.into())),
        None => error(cx, Errno::ENODEV),
    }
}

/// `{ok, Name}`
fn if_index2name_1(cx: &mut Context, args: &[Term]) -> Value {
    let found = interfaces(cx).unwrap_or_default();
    let index = args[0].as_small();
    let found = found.iter().find(|known| index == Some(known.index.into()));
    match found {
        Some(interface) => {
            let name = cx.byte_list(interface.name.as_bytes(), Term::NIL)?;
            ok(cx, name)
        }
        None => error(cx, Errno::ENXIO),
    }
}

/// `{ok, [#{name, flags, addr, ...}, ...]}`: as `getifaddrs(3)` has them, the interfaces themselves first, then their IPv4 addresses, then
/// their IPv6 addresses.
fn getifaddrs_1(cx: &mut Context, _: &[Term]) -> Value {
    let interfaces = match interfaces(cx) {
        Ok(interfaces) => interfaces,
        Err(reason) => return error(cx, reason),
    };
    let mut entries = Vec::new();
    for interface in &interfaces {
        entries.push(link(cx, interface)?);
    }
    for wants_v4 in [true, false] {
        for interface in &interfaces {
            let of_kind = |a: &&InterfaceAddress| a.address.is_ipv4() == wants_v4;
            for address in interface.addresses.iter().filter(of_kind) {
                entries.push(addressed(cx, interface, address)?);
            }
        }
    }
    let list = cx.list(&entries)?;
    ok(cx, list)
}

/// The entry of an interface itself, with the address of its hardware.
fn link(cx: &mut Context, interface: &Interface) -> Value {
    let (name, flags) = (name(cx, interface)?, flags(cx, interface)?);
    let Some(hardware) = interface.hardware else {
        return map(cx, &[("name", name), ("flags", flags)]);
    };
    let address = packet(cx, interface, &hardware)?;
    if !interface.broadcast {
        return map(cx, &[("name", name), ("flags", flags), ("addr", address)]);
    }
    let everybody = packet(cx, interface, &[0xff; 6])?;
    map(
        cx,
        &[
            ("name", name),
            ("flags", flags),
            ("addr", address),
            ("broadaddr", everybody),
        ],
    )
}

/// An address of hardware: `AF_PACKET`'s.
fn packet(cx: &mut Context, interface: &Interface, bytes: &[u8]) -> Value {
    let address = make_binary(cx, bytes)?;
    let kind = match interface.loopback {
        true => cx.atom("loopback")?,
        false => cx.atom("ether")?,
    };
    let (family, host) = (cx.atom("packet")?, cx.atom("host")?);
    let pairs = [
        ("family", family),
        ("addr", address),
        ("ifindex", Term::small(interface.index.into())),
        ("hatype", kind),
        ("pkttype", host),
        ("protocol", Term::small(0)),
    ];
    map(cx, &pairs)
}

/// The entry of one address of an interface.
fn addressed(cx: &mut Context, interface: &Interface, address: &InterfaceAddress) -> Value {
    let (name, flags) = (name(cx, interface)?, flags(cx, interface)?);
    let own = ip(cx, address.address, address.scope)?;
    let netmask = ip(cx, address.netmask, 0)?;
    let mut pairs = Vec::from([
        ("name", name),
        ("flags", flags),
        ("addr", own),
        ("netmask", netmask),
    ]);
    if let Some(broadcast) = address.broadcast {
        pairs.push(("broadaddr", ip(cx, broadcast, 0)?));
    }
    if let Some(destination) = address.destination {
        pairs.push(("dstaddr", ip(cx, destination, 0)?));
    }
    map(cx, &pairs)
}

/// An IP address, as sockets have it: with port 0.
fn ip(cx: &mut Context, address: IpAddr, scope: u32) -> Value {
    let zero = Term::small(0);
    match address {
        IpAddr::V4(address) => {
            let parts = address.octets().map(|part| Term::small(part.into()));
            let (family, address) = (cx.atom("inet")?, cx.tuple(&parts)?);
            map(cx, &[("family", family), ("port", zero), ("addr", address)])
        }
        IpAddr::V6(address) => {
            let parts = address.segments().map(|part| Term::small(part.into()));
            let (family, address) = (cx.atom("inet6")?, cx.tuple(&parts)?);
            let pairs = [
                ("family", family),
                ("port", zero),
                ("addr", address),
                ("flowinfo", zero),
                ("scope_id", Term::small(scope.into())),
            ];
            map(cx, &pairs)
        }
    }
}

fn name(cx: &mut Context, interface: &Interface) -> Value {
    Ok(cx.byte_list(interface.name.as_bytes(), Term::NIL)?)
}

/// In the order of the bits of `IFF_UP` and its likes.
fn flags(cx: &mut Context, interface: &Interface) -> Value {
    let mut flags = Vec::new();
    for (is_set, name) in [
        (interface.up, "up"),
        (interface.broadcast, "broadcast"),
        (interface.loopback, "loopback"),
        (interface.point_to_point, "pointopoint"),
        (interface.running, "running"),
        (interface.multicast, "multicast"),
    ] {
        if is_set {
            flags.push(cx.atom(name)?);
        }
    }
    Ok(cx.list(&flags)?)
}

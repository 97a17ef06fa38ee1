//! What `inet` asks about network interfaces: `getifaddrs`, `getif`, `ifget`, `getiflist`; and `ifset`, which changes nothing here.
//!
//! The old questions (all but `getifaddrs`) know IPv4 alone and one address of each interface, as the `ioctl`s behind them do
//! (`netdevice(7)`).

use super::reader::Reader;
use super::reply::{Answer, INVALID, Refusal, Reply};
use super::wire;
use crate::fs::errno::Errno;
use crate::platform::network::{Interface, InterfaceAddress};
use crate::port::driver::Handle;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use wire::interface::{flag, option};

/// The longest name that is looked for (`IFNAMSIZ` without its end).
const NAME: usize = 15;

fn interfaces(at: &mut Handle) -> Result<Vec<Interface>, Refusal> {
    Ok(at.network()?.interfaces()?)
}

/// `INET_REQ_GETIFADDRS`: for each interface an entry with the address of its hardware, and one for each address of it. An entry is a
/// name ended by a zero, options and their values, and a zero.
pub fn addresses(at: &mut Handle) -> Reply {
    let mut answer = Answer::empty()?;
    for interface in interfaces(at)? {
        head(&mut answer, &interface)?;
        if let Some(hardware) = interface.hardware {
            push_hardware(&mut answer, hardware)?;
        }
        answer.push(&[0])?;
        for own in &interface.addresses {
            head(&mut answer, &interface)?;
            push_address(&mut answer, option::ADDRESS, own.address)?;
            push_address(&mut answer, option::NETMASK, own.netmask)?;
            if let Some(destination) = own.destination {
                push_address(&mut answer, option::DESTINATION, destination)?;
            } else if let Some(broadcast) = own.broadcast {
                push_address(&mut answer, option::BROADCAST, broadcast)?;
            }
            answer.push(&[0])?;
        }
    }
    Ok(answer)
}

fn head(answer: &mut Answer, interface: &Interface) -> Result<(), Refusal> {
    answer.push(interface.name.as_bytes())?;
    answer.push(&[0, option::FLAGS])?;
    answer.push(&flags(interface).to_be_bytes())?;
    Ok(())
}

/// `INET_REQ_GETIFLIST`: the names of interfaces that have an IPv4 address, each ended by a zero.
pub fn list(at: &mut Handle) -> Reply {
    let mut answer = Answer::empty()?;
    for interface in interfaces(at)? {
        if first_v4(&interface).is_some() {
            answer.push(interface.name.as_bytes())?;
            answer.push(&[0])?;
        }
    }
    Ok(answer)
}

/// `INET_REQ_IFGET`: options of one interface. What it does not have is left out; one that does not exist has no flags.
pub fn get(at: &mut Handle, data: &[u8]) -> Reply {
    let mut reader = Reader::new(data);
    let name = name(&mut reader)?;
    let all = interfaces(at)?;
    let interface = all.iter().find(|known| known.name.as_bytes() == name);
    let v4 = interface.and_then(first_v4);
    let mut answer = Answer::empty()?;
    for &code in reader.rest() {
        match (code, interface, v4) {
            (option::FLAGS, interface, _) => {
                answer.push(&[code])?;
                answer.push(&interface.map_or(0, flags).to_be_bytes())?;
            }
            (option::HARDWARE, Some(interface), _) => {
                push_hardware(&mut answer, interface.hardware.unwrap_or_default())?;
            }
            (option::MTU, Some(interface), _) => {
                answer.push(&[code])?;
                answer.push(&interface.mtu.to_be_bytes())?;
            }
            (option::ADDRESS, _, Some(own)) => push_address(&mut answer, code, own.address)?,
            (option::NETMASK, _, Some(own)) => push_address(&mut answer, code, own.netmask)?,
            (option::BROADCAST, _, Some(own)) => {
                let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                push_address(&mut answer, code, own.broadcast.unwrap_or(any))?;
            }
            (option::DESTINATION, _, Some(own)) => {
                push_address(&mut answer, code, own.destination.unwrap_or(own.address))?;
            }
            (option::ADDRESS..=option::HARDWARE, ..) => {}
            _ => return Err(INVALID),
        }
    }
    Ok(answer)
}

/// `INET_REQ_IFSET`. Interfaces are configured by those who made them: `enotsup`, unless nothing is to be set.
pub fn set(data: &[u8]) -> Reply {
    let mut reader = Reader::new(data);
    name(&mut reader)?;
    if reader.is_empty() {
        return Ok(Answer::empty()?);
    }
    Err(Refusal::Posix(Errno::ENOTSUP))
}

fn name<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Refusal> {
    let length = reader.u8()?;
    let name = reader.take(length.into())?;
    Ok(&name[..name.len().min(NAME)])
}

fn first_v4(interface: &Interface) -> Option<&InterfaceAddress> {
    let mut addresses = interface.addresses.iter();
    addresses.find(|own| own.address.is_ipv4())
}

fn push_hardware(answer: &mut Answer, bytes: [u8; 6]) -> Result<(), Refusal> {
    answer.push(&[option::HARDWARE, 0, bytes.len() as u8])?;
    answer.push(&bytes)?;
    Ok(())
}

/// An address without a port, unlike those of sockets.
fn push_address(answer: &mut Answer, code: u8, ip: IpAddr) -> Result<(), Refusal> {
    match ip {
        IpAddr::V4(ip) => {
            answer.push(&[code, wire::family::INET])?;
            answer.push(&ip.octets())?;
        }
        IpAddr::V6(ip) => {
            answer.push(&[code, wire::family::INET6])?;
            answer.push(&ip.octets())?;
        }
    }
    Ok(())
}

fn flags(interface: &Interface) -> u32 {
    let all = [
        (interface.up, flag::UP),
        (interface.broadcast, flag::BROADCAST),
        (interface.loopback, flag::LOOPBACK),
        (interface.point_to_point, flag::POINT_TO_POINT),
        (interface.running, flag::RUNNING),
        (interface.multicast, flag::MULTICAST),
    ];
    all.iter()
        .filter(|(is_set, _)| *is_set)
        .fold(0, |flags, (_, flag)| flags | flag)
}

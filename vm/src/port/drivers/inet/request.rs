//! Requests that both drivers carry out in the same way: `port_control/3` by `prim_inet`.
//!
//! Each driver takes those that are its own and gives the rest to [`common`].

use super::reader::Reader;
use super::reply::{Answer, BAD_PORT, INVALID, Refusal, Reply};
use super::socket::Socket;
use super::wire::{self, request};
use super::{address, interfaces, options, reply, services};
use crate::fs::errno::Errno;
use crate::naming;
use crate::platform::network::{Address, Family, Kind};
use crate::port::driver::{ControlAnswer, Handle, Unsupported};
use crate::term::Term;

/// Lets `carry_out` carry out a request, whose number is that of `port_control/3`.
pub fn control(
    operation: u32,
    carry_out: impl FnOnce(u32) -> Reply,
) -> Result<ControlAnswer, Unsupported> {
    // A number that is not `prim_inet`'s is answered as one that nobody knows.
    let reply = match operation.checked_sub(wire::REQUEST_BASE) {
        Some(number) => carry_out(number),
        None => Err(BAD_PORT),
    };
    Ok(reply::bytes(reply))
}

/// Family and kind of `INET_REQ_OPEN` and `INET_REQ_FDOPEN`. `einval` if the kind is not the driver's.
pub fn family_and_kind(
    reader: &mut Reader,
    kinds: &[(u8, Kind)],
) -> Result<(Family, Kind), Refusal> {
    let family = address::family(reader.u8()?);
    let code = reader.u8()?;
    let kind = kinds.iter().find(|(known, _)| *known == code);
    Ok((family?, kind.ok_or(INVALID)?.1))
}

/// `INET_REQ_OPEN` and `INET_REQ_FDOPEN`, which differ by the socket's number.
pub fn open(
    socket: &mut Socket,
    at: &mut Handle,
    operation: u32,
    data: &[u8],
    kinds: &[(u8, Kind)],
) -> Reply {
    let mut reader = Reader::new(data);
    match (operation, data.len()) {
        (request::OPEN, 2) => {
            let (family, kind) = family_and_kind(&mut reader, kinds)?;
            socket.open(at, family, kind)
        }
        (request::FD_OPEN, 6 | 10) => {
            let (family, kind) = family_and_kind(&mut reader, kinds)?;
            let number = reader.u32()?;
            let bound = reader.is_empty() || reader.u32()? != 0;
            socket.take_over(at, family, kind, number, bound)
        }
        _ => Err(INVALID),
    }
}

/// The address that a request begins with.
pub fn address(socket: &Socket, data: &[u8]) -> Result<Address, Refusal> {
    address::decode(&mut Reader::new(data), family(socket))
}

/// The socket's family; IPv4 as long as it is not open.
pub fn family(socket: &Socket) -> Family {
    socket.family.unwrap_or(Family::Inet)
}

/// Carries out a request that is no driver's own. `queued` are the bytes that are not sent yet.
pub fn common(
    socket: &mut Socket,
    at: &mut Handle,
    caller: Term,
    operation: u32,
    data: &[u8],
    queued: usize,
) -> Reply {
    match operation {
        request::STATISTICS => socket.statistics.reply(data, queued),
        request::SUBSCRIBE => subscribe(socket, caller, data, queued),
        request::GET_OPTIONS => options::get(socket, at, data),
        request::SET_OPTIONS => {
            options::set(socket, at, data)?;
            Ok(Answer::empty()?)
        }
        request::STATUS => Ok(Answer::of(&socket.state.to_be_bytes())?),
        request::TYPE => {
            let (family, kind) = socket.family_and_kind()?;
            Ok(Answer::of(&[0, 0, 0, family, 0, 0, 0, kind])?)
        }
        request::GET_FD => {
            let descriptor = socket.descriptor.ok_or(INVALID)?;
            Ok(Answer::of(&descriptor.0.to_be_bytes())?)
        }
        request::HOST_NAME if data.is_empty() => {
            let name = naming::host_name(at.machine);
            Ok(Answer::of(name.as_bytes())?)
        }
        request::HOST_NAME => Err(INVALID),
        request::INTERFACE_ADDRESSES if data.is_empty() => interfaces::addresses(at),
        request::INTERFACE_LIST if data.is_empty() => interfaces::list(at),
        request::INTERFACE_ADDRESSES | request::INTERFACE_LIST => Err(INVALID),
        request::INTERFACE_GET => interfaces::get(at, data),
        request::INTERFACE_SET => interfaces::set(data),
        request::SERVICE_BY_NAME => services::by_name(at, data),
        request::SERVICE_BY_PORT => services::by_port(at, data),
        request::NAME => socket.name(at),
        request::PEER => socket.peer(at),
        request::SET_NAME => {
            let name = fake(socket, data)?;
            socket.set_name(name);
            Ok(Answer::empty()?)
        }
        request::SET_PEER => {
            let peer = fake(socket, data)?;
            socket.set_peer(peer);
            Ok(Answer::empty()?)
        }
        request::LOCAL_ADDRESSES | request::PEER_ADDRESSES => {
            if data.len() != 4 {
                return Err(INVALID);
            }
            let descriptor = socket.descriptor()?;
            let network = at.network()?;
            let address = match operation {
                request::LOCAL_ADDRESSES => network.local_address(descriptor)?,
                _ => network.peer_address(descriptor)?,
            };
            Ok(Answer::of(&address::encode(&address))?)
        }
        request::BIND => {
            if data.len() < 2 {
                return Err(INVALID);
            }
            let address = address(socket, data)?;
            socket.bind(at, &address)
        }
        // Only a connected stream can be left to somebody else.
        request::IGNORE_FD if !socket.is_connected() => Err(Refusal::Posix(Errno::ENOTCONN)),
        request::IGNORE_FD => Err(INVALID),
        _ => Err(BAD_PORT),
    }
}

/// The address that a socket is to claim; `None` if that is to end.
fn fake(socket: &Socket, data: &[u8]) -> Result<Option<Address>, Refusal> {
    match data.len() {
        0 => Ok(None),
        1 => Err(INVALID),
        _ => address(socket, data).map(Some),
    }
}

/// Notes that `caller` wants to know when nothing waits to be sent any more, if something does.
fn subscribe(socket: &mut Socket, caller: Term, data: &[u8], queued: usize) -> Reply {
    let mut answer = Answer::empty()?;
    for &code in data {
        if code != wire::SUBSCRIBE_EMPTY_OUT_QUEUE {
            return Err(INVALID);
        }
        if queued > 0 {
            let subscribers = &mut socket.subscribers;
            subscribers
                .try_reserve(1)
                .map_err(|_| crate::memory::NoMemory)?;
            subscribers.push(caller);
        }
        answer.push(&[code])?;
        answer.push(&(queued as u32).to_be_bytes())?;
    }
    Ok(answer)
}

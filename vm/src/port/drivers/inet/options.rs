//! The options of sockets: `inet:setopts/2` and `inet:getopts/2`.
//!
//! Each option is a number and a value, mostly of four bytes. Some are the drivers' own ([`Settings`](super::settings)), the others are the
//! world's ([`OptionName`]). As on OTP, the world's refusal of some is passed over when they are set, and an option that it does not
//! have is left out of what is got. Called by [`super::request`].

use super::messages;
use super::reader::Reader;
use super::reply::{Answer, INVALID, Refusal, Reply};
use super::settings::{Active, Packet};
use super::socket::Socket;
use super::wire::{family, option};
use crate::memory::NoMemory;
use crate::platform::network::{Family, Kind, MembershipInterface, OptionName, OptionValue};
use crate::port::driver::Handle;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Most bytes of the name of an interface (`IFNAMSIZ`).
const INTERFACE_NAME: usize = 16;

/// Most bytes that a raw option is asked for: an answer has 64 KiB at most (`INET_MAX_OPT_BUFFER`), of which its head takes 14.
const RAW_BYTES: u32 = 64 * 1024 - 14;

/// Options of the world that are a number, and whether it is told when one cannot be set.
fn number(code: u8) -> Option<(OptionName, bool)> {
    Some(match code {
        option::REUSE_ADDRESS => (OptionName::ReuseAddress, false),
        option::REUSE_PORT | option::REUSE_PORT_BALANCED => (OptionName::ReusePort, false),
        option::KEEP_ALIVE => (OptionName::KeepAlive, false),
        option::DONT_ROUTE => (OptionName::DontRoute, false),
        option::BROADCAST => (OptionName::Broadcast, false),
        option::SEND_BUFFER => (OptionName::SendBuffer, false),
        option::RECEIVE_BUFFER => (OptionName::ReceiveBuffer, false),
        option::PRIORITY => (OptionName::Priority, true),
        option::TYPE_OF_SERVICE => (OptionName::TypeOfService, true),
        option::TRAFFIC_CLASS => (OptionName::TrafficClass, true),
        option::TIME_TO_LIVE => (OptionName::TimeToLive, true),
        option::RECEIVE_TYPE_OF_SERVICE => (OptionName::ReceiveTypeOfService, true),
        option::RECEIVE_TRAFFIC_CLASS => (OptionName::ReceiveTrafficClass, true),
        option::RECEIVE_TIME_TO_LIVE => (OptionName::ReceiveTimeToLive, true),
        option::NO_DELAY => (OptionName::NoDelay, false),
        option::NO_PUSH => (OptionName::Cork, false),
        option::MULTICAST_TTL => (OptionName::MulticastTimeToLive, false),
        option::MULTICAST_LOOP => (OptionName::MulticastLoop, false),
        option::ONLY_V6 => (OptionName::OnlyV6, true),
        _ => return None,
    })
}

/// Sets all options of a request. `einval` for one that there is none of, or that does not take its value; those before it are
/// set.
pub fn set(socket: &mut Socket, at: &mut Handle, bytes: &[u8]) -> Result<(), Refusal> {
    let mut reader = Reader::new(bytes);
    // What is less than an option is passed over, as OTP does.
    while reader.len() >= 5 {
        let (code, value) = (reader.u8()?, reader.i32()?);
        if !set_own(socket, at, code, value, &mut reader)? {
            set_worlds(socket, at, code, value, &mut reader)?;
        }
    }
    Ok(())
}

/// Sets an option of the drivers' own; false if it is none of them.
fn set_own(
    socket: &mut Socket,
    at: &mut Handle,
    code: u8,
    value: i32,
    reader: &mut Reader,
) -> Result<bool, Refusal> {
    let is_stream = socket.kind == Some(Kind::Stream);
    let is_datagram = socket.kind == Some(Kind::Datagram);
    let settings = &mut socket.settings;
    let (flag, size) = (value != 0, usize::try_from(value).unwrap_or(0));
    match code {
        option::HEADER => settings.header = value as u32 as usize,
        option::MODE => settings.binary = flag,
        option::DELIVER => settings.deliver_port = value == 0,
        option::BUFFER => {
            settings.buffer = size.max(1);
            settings.buffer_is_set = true;
        }
        option::ACTIVE => return set_active(socket, at, value, reader).map(|()| true),
        option::PACKET => settings.packet = Packet::from_code(value as u32).ok_or(INVALID)?,
        option::PACKET_SIZE => settings.packet_size = value as u32 as usize,
        option::LINE_DELIMITER => settings.line_delimiter = value as u8,
        option::EXIT_ON_CLOSE => settings.exit_on_close = flag,
        option::HIGH_WATERMARK if is_stream => {
            settings.high = size;
            settings.low = settings.low.min(size);
        }
        option::LOW_WATERMARK if is_stream => {
            settings.low = size;
            settings.high = settings.high.max(size);
        }
        // -1 would be no limit at all; other negative numbers stand for more than there can be.
        option::HIGH_QUEUE_WATERMARK | option::LOW_QUEUE_WATERMARK if matches!(value, 0 | -1) => {
            return Err(INVALID);
        }
        option::HIGH_QUEUE_WATERMARK => {
            let value = if value < 0 { i32::MAX } else { value };
            settings.queue_high = value;
            settings.queue_low = settings.queue_low.min(value);
        }
        option::LOW_QUEUE_WATERMARK => {
            let value = if value < 0 { i32::MAX } else { value };
            settings.queue_low = value;
            settings.queue_high = settings.queue_high.max(value);
        }
        option::SEND_TIMEOUT if is_stream => settings.send_timeout = value as u32,
        option::SEND_TIMEOUT_CLOSE if is_stream => settings.send_timeout_close = flag,
        option::DELAY_SEND if is_stream => settings.delay_send = flag,
        option::SHOW_ECONNRESET => settings.show_econnreset = flag,
        option::READ_AHEAD => settings.read_ahead = flag,
        option::READ_PACKETS if is_datagram => match value {
            1.. => settings.read_packets = value,
            _ => return Err(INVALID),
        },
        option::NETWORK_NAMESPACE => {
            let name = reader.take(usize::try_from(value).map_err(|_| INVALID)?)?;
            settings.network_namespace = Some(copy(name)?);
        }
        option::NON_BLOCK_SEND => settings.non_block_send = flag,
        option::DEBUG => settings.debug = flag,
        // Those of the other kind of socket, and of Windows.
        option::HIGH_WATERMARK
        | option::LOW_WATERMARK
        | option::SEND_TIMEOUT
        | option::SEND_TIMEOUT_CLOSE
        | option::DELAY_SEND
        | option::READ_PACKETS
        | option::EXCLUSIVE_ADDRESS => {}
        _ => return Ok(false),
    }
    Ok(true)
}

fn set_active(
    socket: &mut Socket,
    at: &mut Handle,
    value: i32,
    reader: &mut Reader,
) -> Result<(), Refusal> {
    let settings = &mut socket.settings;
    let active = Active::from_code(value as u32).ok_or(INVALID)?;
    settings.active = active;
    if active != Active::Times {
        settings.times = 0;
        return Ok(());
    }
    let more = reader.u16()? as i16;
    let times = settings.times.checked_add(more).ok_or(INVALID)?;
    settings.times = times.max(0);
    if settings.times == 0 {
        settings.active = Active::Passive;
        messages::passive(at, socket.protocol);
    }
    Ok(())
}

/// Sets an option of the world.
fn set_worlds(
    socket: &mut Socket,
    at: &mut Handle,
    code: u8,
    value: i32,
    reader: &mut Reader,
) -> Result<(), Refusal> {
    let mut tells = false;
    let (name, value) = match code {
        option::LINGER => {
            let (on, seconds) = (value != 0, reader.u32()?);
            socket.settings.linger_zero = on && seconds == 0;
            (OptionName::Linger, OptionValue::Linger { on, seconds })
        }
        option::MULTICAST_INTERFACE => {
            let value = match socket.family {
                Some(Family::Inet) => OptionValue::Address(Ipv4Addr::from(value as u32)),
                Some(Family::Inet6) => OptionValue::Number(value),
                _ => return Err(INVALID),
            };
            (OptionName::MulticastInterface, value)
        }
        option::ADD_MEMBERSHIP | option::DROP_MEMBERSHIP => {
            let name = match code {
                option::ADD_MEMBERSHIP => OptionName::AddMembership,
                _ => OptionName::DropMembership,
            };
            (name, membership(socket.family, value, reader)?)
        }
        option::RAW => {
            let option = reader.i32()?;
            let len = reader.u32()?;
            let bytes = copy(reader.take(len as usize)?)?;
            let name = OptionName::Raw {
                level: value,
                name: option,
                len,
            };
            (name, OptionValue::Bytes(bytes))
        }
        option::BIND_TO_DEVICE => {
            tells = true;
            let len = usize::try_from(value).map_err(|_| INVALID)?;
            if len >= INTERFACE_NAME {
                return Err(INVALID);
            }
            let name = copy(reader.take(len)?)?;
            (OptionName::BindToDevice, OptionValue::Bytes(name))
        }
        _ => {
            let (name, tell) = number(code).ok_or(INVALID)?;
            tells = tell;
            if code == option::RECEIVE_BUFFER {
                socket.settings.receive_buffer_set(socket.kind, value);
            }
            (name, OptionValue::Number(value))
        }
    };
    let set = match (socket.descriptor, at.network()) {
        (Some(descriptor), Ok(network)) => network.set_option(descriptor, name, &value),
        _ => Err(crate::fs::errno::Errno::EBADF),
    };
    match set {
        Ok(()) => {
            if let OptionValue::Number(value) = value {
                socket.settings.beside.set(name, value != 0);
            }
            Ok(())
        }
        // Whatever the world says.
        Err(_) if tells => Err(INVALID),
        Err(_) => Ok(()),
    }
}

/// A multicast group and an interface.
fn membership(
    socket: Option<Family>,
    domain: i32,
    reader: &mut Reader,
) -> Result<OptionValue, Refusal> {
    let index = reader.u32()?;
    let (group, interface) = match (u8::try_from(domain), socket) {
        (Ok(family::INET), Some(Family::Inet)) => {
            let group = Ipv4Addr::from(reader.array::<4>()?);
            let address = Ipv4Addr::from(reader.array::<4>()?);
            let interface = match index {
                0 => MembershipInterface::Address(address),
                _ => MembershipInterface::Index(index),
            };
            (IpAddr::V4(group), interface)
        }
        (Ok(family::INET6), Some(Family::Inet6)) => {
            let group = Ipv6Addr::from(reader.array::<16>()?);
            (IpAddr::V6(group), MembershipInterface::Index(index))
        }
        _ => return Err(INVALID),
    };
    Ok(OptionValue::Membership { group, interface })
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>, NoMemory> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| NoMemory)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// The values of the options of a request, each behind its number.
pub fn get(socket: &Socket, at: &mut Handle, bytes: &[u8]) -> Reply {
    let mut reader = Reader::new(bytes);
    let mut answer = Answer::empty()?;
    while !reader.is_empty() {
        let code = reader.u8()?;
        match own(socket, code) {
            Own::Value(value) => {
                answer.push(&[code])?;
                answer.push(&value.to_be_bytes())?;
                if code == option::ACTIVE && socket.settings.active == Active::Times {
                    answer.push(&socket.settings.times.to_be_bytes())?;
                }
            }
            Own::Bytes(bytes) => {
                answer.push(&[code])?;
                answer.push(&(bytes.len() as u32).to_be_bytes())?;
                answer.push(bytes)?;
            }
            Own::LeftOut => {}
            Own::No => worlds(socket, at, code, &mut reader, &mut answer)?,
        }
    }
    Ok(answer)
}

/// An option of the drivers' own.
enum Own<'a> {
    Value(u32),
    Bytes(&'a [u8]),
    /// The socket does not have it.
    LeftOut,
    /// It is not theirs.
    No,
}

fn own(socket: &Socket, code: u8) -> Own<'_> {
    let is_stream = socket.kind == Some(Kind::Stream);
    let is_datagram = socket.kind == Some(Kind::Datagram);
    let settings = &socket.settings;
    Own::Value(match code {
        option::BUFFER => settings.buffer as u32,
        option::HEADER => settings.header as u32,
        option::MODE => settings.binary.into(),
        option::DELIVER => (!settings.deliver_port).into(),
        option::ACTIVE => settings.active.code(),
        option::PACKET => settings.packet.code(),
        option::PACKET_SIZE => settings.packet_size as u32,
        option::EXIT_ON_CLOSE => settings.exit_on_close.into(),
        option::HIGH_WATERMARK if is_stream => settings.high as u32,
        option::LOW_WATERMARK if is_stream => settings.low as u32,
        option::HIGH_QUEUE_WATERMARK => settings.queue_high as u32,
        option::LOW_QUEUE_WATERMARK => settings.queue_low as u32,
        option::SEND_TIMEOUT if is_stream => settings.send_timeout,
        option::SEND_TIMEOUT_CLOSE if is_stream => settings.send_timeout_close.into(),
        option::DELAY_SEND if is_stream => settings.delay_send.into(),
        option::READ_PACKETS if is_datagram => settings.read_packets as u32,
        option::SHOW_ECONNRESET if is_stream => settings.show_econnreset.into(),
        option::READ_AHEAD if is_stream => settings.read_ahead.into(),
        option::NON_BLOCK_SEND => settings.non_block_send.into(),
        option::DEBUG => settings.debug.into(),
        option::EXCLUSIVE_ADDRESS => 0,
        option::NETWORK_NAMESPACE => match &settings.network_namespace {
            Some(name) => return Own::Bytes(name),
            None => return Own::LeftOut,
        },
        option::HIGH_WATERMARK
        | option::LOW_WATERMARK
        | option::SEND_TIMEOUT
        | option::SEND_TIMEOUT_CLOSE
        | option::DELAY_SEND
        | option::READ_PACKETS
        | option::SHOW_ECONNRESET
        | option::READ_AHEAD => return Own::LeftOut,
        _ => return Own::No,
    })
}

/// Adds an option of the world, if the socket has it.
fn worlds(
    socket: &Socket,
    at: &mut Handle,
    code: u8,
    reader: &mut Reader,
    answer: &mut Answer,
) -> Result<(), Refusal> {
    let mut ask = |name| {
        let descriptor = socket.descriptor?;
        at.network().ok()?.option(descriptor, name).ok()
    };
    match code {
        option::LINGER => {
            if let Some(OptionValue::Linger { on, seconds }) = ask(OptionName::Linger) {
                answer.push(&[code])?;
                answer.push(&u32::from(on).to_be_bytes())?;
                answer.push(&seconds.to_be_bytes())?;
            }
        }
        option::MULTICAST_INTERFACE => {
            let (value, family) = match (socket.family, ask(OptionName::MulticastInterface)) {
                (Some(Family::Inet), Some(OptionValue::Address(address))) => {
                    (address.octets(), family::INET)
                }
                (Some(Family::Inet6), Some(OptionValue::Number(index))) => {
                    (index.to_be_bytes(), family::INET6)
                }
                (Some(Family::Inet | Family::Inet6), _) => return Ok(()),
                _ => return Err(INVALID),
            };
            answer.push(&[code])?;
            answer.push(&value)?;
            answer.push(&u32::from(family).to_be_bytes())?;
        }
        option::RAW => {
            let (level, name) = (reader.i32()?, reader.i32()?);
            let has_data = reader.u8()? != 0;
            let len = reader.u32()?;
            if len > RAW_BYTES {
                return Err(INVALID);
            }
            if has_data {
                // What the host is to find there before it answers; nothing that is known here wants any.
                reader.take(len as usize)?;
            }
            if let Some(OptionValue::Bytes(bytes)) = ask(OptionName::Raw { level, name, len }) {
                answer.push(&[code])?;
                answer.push(&level.to_be_bytes())?;
                answer.push(&name.to_be_bytes())?;
                answer.push(&(bytes.len() as u32).to_be_bytes())?;
                answer.push(&bytes)?;
            }
        }
        option::BIND_TO_DEVICE => {
            if let Some(OptionValue::Bytes(name)) = ask(OptionName::BindToDevice) {
                answer.push(&[code])?;
                answer.push(&(name.len() as u32).to_be_bytes())?;
                answer.push(&name)?;
            }
        }
        option::PACKET_OPTIONS => packet_options(socket, &mut ask, answer)?,
        _ => {
            let (name, _) = number(code).ok_or(INVALID)?;
            if let Some(OptionValue::Number(value)) = ask(name) {
                answer.push(&[code])?;
                answer.push(&value.to_be_bytes())?;
            }
        }
    }
    Ok(())
}

/// `pktoptions`: what the last packet of a connection had in its header. It is the host's `IP_PKTOPTIONS` or `IPV6_PKTOPTIONS`, a
/// sequence of control messages: eight bytes of length, four of level, four of type, data; each at a multiple of eight.
fn packet_options(
    socket: &Socket,
    ask: &mut dyn FnMut(OptionName) -> Option<OptionValue>,
    answer: &mut Answer,
) -> Result<(), Refusal> {
    const IP: i32 = 0;
    const IPV6: i32 = 41;
    let (level, name) = match socket.family {
        Some(Family::Inet) => (IP, 9),
        Some(Family::Inet6) => (IPV6, 6),
        _ => return Err(INVALID),
    };
    let Some(OptionValue::Bytes(messages)) = ask(OptionName::Raw {
        level,
        name,
        len: 64,
    }) else {
        return Ok(());
    };
    let mut values: Vec<(u8, u32)> = Vec::new();
    let mut rest = &messages[..];
    while let Some((head, data)) = rest.split_first_chunk::<16>() {
        let word = |at: usize| {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            i32::from_ne_bytes(bytes)
        };
        let mut len = [0; 8];
        len.copy_from_slice(&head[..8]);
        let len = usize::try_from(u64::from_ne_bytes(len)).map_err(|_| INVALID)?;
        let Some(data) = len.checked_sub(16).and_then(|len| data.get(..len)) else {
            break;
        };
        let value = match *data {
            [byte] => Some(byte.into()),
            [a, b, c, d] => Some(u32::from_ne_bytes([a, b, c, d])),
            _ => None,
        };
        let code = match (word(8), word(12)) {
            (IP, 1) => Some(option::TYPE_OF_SERVICE),
            (IP, 2) => Some(option::TIME_TO_LIVE),
            (IPV6, 67) => Some(option::TRAFFIC_CLASS),
            _ => None,
        };
        if let (Some(code), Some(value)) = (code, value) {
            values.try_reserve(1).map_err(|_| NoMemory)?;
            values.push((code, value));
        }
        let next = len.next_multiple_of(8).min(rest.len());
        rest = &rest[next..];
    }
    answer.push(&[option::PACKET_OPTIONS])?;
    answer.push(&(values.len() as u32 * 5).to_be_bytes())?;
    for (code, value) in values {
        answer.push(&[code])?;
        answer.push(&value.to_be_bytes())?;
    }
    Ok(())
}

//! `setsockopt` and `getsockopt`, without what concerns interfaces.
//!
//! Ranges, defaults and the doubling of buffer sizes are Linux's (`socket(7)`, `ip(7)`, `ipv6(7)`, `tcp(7)`).

use crate::socket::Socket;
use crate::udp::USUAL_BUFFER;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::network::{Family, Kind, OptionName, OptionValue};

/// The most that `SO_SNDBUF` and `SO_RCVBUF` can be set to: `wmem_max` of Linux.
const MOST: i32 = 4 * 1024 * 1024;
/// The least that they become.
const LEAST_SEND: u32 = 4608;
const LEAST_RECEIVE: u32 = 2304;
/// What a TCP socket says that has set none: the middle of `tcp_wmem` and `tcp_rmem`.
const USUAL_TCP_SEND: u32 = 16_384;
const USUAL_TCP_RECEIVE: u32 = 131_072;

/// Sets an option that has a number or a linger as value.
pub fn set(socket: &mut Socket, name: OptionName, value: &OptionValue) -> Result<(), Errno> {
    let stream = socket.kind == Kind::Stream;
    let six = socket.family == Family::Inet6;
    let options = &mut socket.options;
    let number = match value {
        OptionValue::Number(number) => *number,
        OptionValue::Linger { on, seconds } if name == OptionName::Linger => {
            options.linger = on.then_some(*seconds);
            options.linger_off_seconds = *seconds;
            return Ok(());
        }
        OptionValue::Address(address) if name == OptionName::MulticastInterface => {
            options.multicast_address = *address;
            return Ok(());
        }
        _ if matches!(name, OptionName::Raw { .. }) => return Err(Errno::ENOPROTOOPT),
        _ => return Err(Errno::EINVAL),
    };
    let yes = number != 0;
    let byte = u8::try_from(number).map_err(|_| Errno::EINVAL);
    match name {
        OptionName::ReuseAddress => options.reuse_address = yes,
        OptionName::ReusePort => options.reuse_port = yes,
        OptionName::KeepAlive => options.keep_alive = yes,
        OptionName::DontRoute => options.dont_route = yes,
        OptionName::Broadcast => options.broadcast = yes,
        OptionName::SendBuffer => {
            let size = 2 * number.clamp(0, MOST) as u32;
            options.send_buffer = Some(size.max(LEAST_SEND));
        }
        OptionName::ReceiveBuffer => {
            let size = 2 * number.clamp(0, MOST) as u32;
            options.receive_buffer = Some(size.max(LEAST_RECEIVE));
        }
        OptionName::Priority => options.priority = number,
        OptionName::NoDelay if stream => options.no_delay = yes,
        OptionName::Cork if stream => options.cork = yes,
        // The two lowest bits of a stream's are congestion notification's.
        OptionName::TypeOfService => {
            let value = number as u8;
            options.type_of_service = if stream { value & !3 } else { value };
        }
        OptionName::TimeToLive => {
            options.time_to_live = match number {
                -1 => 64,
                1..=255 => number as u8,
                _ => return Err(Errno::EINVAL),
            };
        }
        OptionName::TrafficClass if six => {
            options.traffic_class = if number == -1 { 0 } else { byte? };
        }
        OptionName::OnlyV6 if six => {
            if socket.bound.is_some() {
                return Err(Errno::EINVAL);
            }
            options.only_v6 = yes;
        }
        OptionName::ReceiveTypeOfService => options.receive_type_of_service = yes,
        OptionName::ReceiveTrafficClass if six => options.receive_traffic_class = yes,
        OptionName::ReceiveTimeToLive => options.receive_time_to_live = yes,
        OptionName::MulticastInterface => {
            options.multicast_index = u32::try_from(number).map_err(|_| Errno::EINVAL)?;
        }
        OptionName::MulticastTimeToLive => {
            options.multicast_time_to_live = if number == -1 { 1 } else { byte? };
        }
        OptionName::MulticastLoop => options.multicast_loop = yes,
        OptionName::Linger
        | OptionName::AddMembership
        | OptionName::DropMembership
        | OptionName::BindToDevice => return Err(Errno::EINVAL),
        _ => return Err(Errno::ENOPROTOOPT),
    }
    Ok(())
}

/// The value of an option.
pub fn get(socket: &Socket, name: OptionName) -> Result<OptionValue, Errno> {
    let stream = socket.kind == Kind::Stream;
    let six = socket.family == Family::Inet6;
    let options = &socket.options;
    let number = match name {
        OptionName::ReuseAddress => options.reuse_address.into(),
        OptionName::ReusePort => options.reuse_port.into(),
        OptionName::KeepAlive => options.keep_alive.into(),
        OptionName::DontRoute => options.dont_route.into(),
        OptionName::Broadcast => options.broadcast.into(),
        OptionName::Linger => {
            return Ok(OptionValue::Linger {
                on: options.linger.is_some(),
                seconds: options.linger.unwrap_or(options.linger_off_seconds),
            });
        }
        OptionName::SendBuffer => {
            let usual = if stream { USUAL_TCP_SEND } else { USUAL_BUFFER };
            options.send_buffer.unwrap_or(usual) as i32
        }
        OptionName::ReceiveBuffer => {
            let usual = if stream {
                USUAL_TCP_RECEIVE
            } else {
                USUAL_BUFFER
            };
            options.receive_buffer.unwrap_or(usual) as i32
        }
        OptionName::Priority => options.priority,
        OptionName::NoDelay if stream => options.no_delay.into(),
        OptionName::Cork if stream => options.cork.into(),
        OptionName::TypeOfService => options.type_of_service.into(),
        OptionName::TimeToLive => options.time_to_live.into(),
        OptionName::TrafficClass if six => options.traffic_class.into(),
        OptionName::OnlyV6 if six => options.only_v6.into(),
        OptionName::ReceiveTypeOfService => options.receive_type_of_service.into(),
        OptionName::ReceiveTrafficClass if six => options.receive_traffic_class.into(),
        OptionName::ReceiveTimeToLive => options.receive_time_to_live.into(),
        OptionName::MulticastInterface if six => options.multicast_index as i32,
        OptionName::MulticastInterface => {
            return Ok(OptionValue::Address(options.multicast_address));
        }
        OptionName::MulticastTimeToLive => options.multicast_time_to_live.into(),
        OptionName::MulticastLoop => options.multicast_loop.into(),
        _ => return Err(Errno::ENOPROTOOPT),
    };
    Ok(OptionValue::Number(number))
}

//! What a socket is told to do by its options, as far as the world has no part in it; and the packets that its bytes are cut into.

use super::wire::{self, INFINITY};
use crate::packet::{self, Limits};
use crate::platform::network::{Kind, OptionName};
use alloc::vec::Vec;

/// Whether what comes is sent to the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Active {
    /// Only when it is asked for.
    Passive,
    /// Always.
    Always,
    /// Once; then the socket is passive.
    Once,
    /// So many times; then the socket is passive, and the owner told so.
    Times,
}

impl Active {
    /// As the option's value.
    pub fn code(self) -> u32 {
        match self {
            Active::Passive => wire::active::PASSIVE,
            Active::Always => wire::active::ACTIVE,
            Active::Once => wire::active::ONCE,
            Active::Times => wire::active::MULTI,
        }
    }

    /// From the option's value.
    pub fn from_code(code: u32) -> Option<Active> {
        Some(match code {
            wire::active::PASSIVE => Active::Passive,
            wire::active::ACTIVE => Active::Always,
            wire::active::ONCE => Active::Once,
            wire::active::MULTI => Active::Times,
            _ => return None,
        })
    }
}

/// What is to come beside messages, each in its header: `recvtos`, `recvtclass`, `recvttl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    type_of_service: bool,
    traffic_class: bool,
    time_to_live: bool,
}

impl Beside {
    /// Whether there is anything.
    pub fn is_any(self) -> bool {
        self.type_of_service || self.traffic_class || self.time_to_live
    }

    /// The option `name` was set.
    pub fn set(&mut self, name: OptionName, on: bool) {
        match name {
            OptionName::ReceiveTypeOfService => self.type_of_service = on,
            OptionName::ReceiveTrafficClass => self.traffic_class = on,
            OptionName::ReceiveTimeToLive => self.time_to_live = on,
            _ => {}
        }
    }
}

/// The option `packet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet {
    /// One of the kinds that `erlang:decode_packet/3` knows.
    Kind(packet::Kind),
    /// Requests or responses of HTTP: a first line, headers, an empty line, and again.
    Http {
        /// Whether text comes as binaries.
        binary: bool,
    },
    /// Headers of HTTP alone.
    HttpHeaders {
        /// Whether text comes as binaries.
        binary: bool,
    },
}

impl Packet {
    /// Those of the option's values, in their order from 0 on.
    const ALL: [Packet; 15] = [
        Packet::Kind(packet::Kind::Raw),
        Packet::Kind(packet::Kind::Length(1)),
        Packet::Kind(packet::Kind::Length(2)),
        Packet::Kind(packet::Kind::Length(4)),
        Packet::Kind(packet::Kind::Asn1),
        Packet::Kind(packet::Kind::SunRm),
        Packet::Kind(packet::Kind::Cdr),
        Packet::Kind(packet::Kind::FastCgi),
        Packet::Kind(packet::Kind::Line),
        Packet::Kind(packet::Kind::Tpkt),
        Packet::Http { binary: false },
        Packet::HttpHeaders { binary: false },
        Packet::Kind(packet::Kind::Tls),
        Packet::Http { binary: true },
        Packet::HttpHeaders { binary: true },
    ];

    /// From the option's value.
    pub fn from_code(code: u32) -> Option<Packet> {
        Packet::ALL.get(code as usize).copied()
    }

    /// As the option's value.
    pub fn code(self) -> u32 {
        let at = Packet::ALL.iter().position(|packet| *packet == self);
        at.unwrap_or(0) as u32
    }

    /// How the bytes are cut, `in_headers` if the first line of a request is already passed.
    pub fn kind(self, in_headers: bool) -> packet::Kind {
        match self {
            Packet::Kind(kind) => kind,
            Packet::Http { .. } if !in_headers => packet::Kind::Http,
            Packet::Http { .. } | Packet::HttpHeaders { .. } => packet::Kind::HttpHeader,
        }
    }

    /// Whether there are no packets.
    pub fn is_raw(self) -> bool {
        self == Packet::Kind(packet::Kind::Raw)
    }

    /// The bytes that go out before a packet of `len` bytes: its length, if it has one.
    pub fn prefix(self, len: usize) -> ([u8; 4], usize) {
        let size = match self {
            Packet::Kind(packet::Kind::Length(size)) => size,
            _ => 0,
        };
        let mut prefix = [0; 4];
        // What does not fit is cut off, as OTP does.
        let bytes = (len as u32).to_be_bytes();
        prefix[..size].copy_from_slice(&bytes[4 - size..]);
        (prefix, size)
    }
}

/// Bytes of a stream that are read at once (`INET_DEF_BUFFER` in `inet_drv.c`).
const STREAM_BUFFER: usize = 1460;

/// Options that the drivers carry out themselves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `mode`: whether data comes as binaries, not as lists.
    pub binary: bool,
    /// `header`: how many bytes come as a list before the binary.
    pub header: usize,
    /// `deliver`: whether data comes as the port's, `{Port, {data, Data}}`.
    pub deliver_port: bool,
    /// `active`.
    pub active: Active,
    /// How often yet, if it is [`Active::Times`].
    pub times: i16,
    /// `packet`.
    pub packet: Packet,
    /// `packet_size`: most bytes of a packet; 0 is no limit.
    pub packet_size: usize,
    /// `line_delimiter`.
    pub line_delimiter: u8,
    /// `buffer`: bytes that are handed on at once if they are no packet.
    pub buffer: usize,
    /// Whether `buffer` was set; otherwise it grows with `recbuf`.
    pub buffer_is_set: bool,
    /// `exit_on_close`: whether the port ends with its connection.
    pub exit_on_close: bool,
    /// `high_watermark`: bytes that wait to be sent from which on who sends has to wait.
    pub high: usize,
    /// `low_watermark`: bytes at which he goes on.
    pub low: usize,
    /// `high_msgq_watermark`. Commands never wait in a queue of messages before the driver has them, so it is only remembered.
    pub queue_high: i32,
    /// `low_msgq_watermark`.
    pub queue_low: i32,
    /// `send_timeout`, in milliseconds.
    pub send_timeout: u32,
    /// `send_timeout_close`.
    pub send_timeout_close: bool,
    /// `delay_send`.
    pub delay_send: bool,
    /// `show_econnreset`.
    pub show_econnreset: bool,
    /// `read_ahead`.
    pub read_ahead: bool,
    /// `linger` was set to `{true, 0}`.
    pub linger_zero: bool,
    /// `read_packets`: most messages that are read at once.
    pub read_packets: i32,
    /// What comes beside messages.
    pub beside: Beside,
    /// `netns`.
    pub network_namespace: Option<Vec<u8>>,
    /// `non_block_send`, which is only remembered: it is about SCTP.
    pub non_block_send: bool,
    /// `debug`, which is only remembered.
    pub debug: bool,
}

impl Settings {
    /// Those of a new socket.
    pub fn new() -> Settings {
        Settings {
            binary: false,
            header: 0,
            deliver_port: false,
            active: Active::Passive,
            times: 0,
            packet: Packet::Kind(packet::Kind::Raw),
            packet_size: 0,
            line_delimiter: b'\n',
            buffer: STREAM_BUFFER,
            buffer_is_set: false,
            exit_on_close: true,
            high: 8192,
            low: 4096,
            queue_high: 8192,
            queue_low: 4096,
            send_timeout: INFINITY,
            send_timeout_close: false,
            delay_send: false,
            show_econnreset: false,
            read_ahead: true,
            linger_zero: false,
            read_packets: 5,
            beside: Beside::default(),
            network_namespace: None,
            non_block_send: false,
            debug: false,
        }
    }

    /// Those that a connection has from the socket that it came to.
    pub fn inherited(&self) -> Settings {
        Settings {
            active: Active::Passive,
            times: 0,
            line_delimiter: b'\n',
            buffer_is_set: false,
            delay_send: false,
            network_namespace: None,
            non_block_send: false,
            debug: false,
            ..*self
        }
    }

    /// What [`packet::length`] is to know.
    pub fn limits(&self, line: usize) -> Limits {
        Limits {
            packet: self.packet_size,
            line,
            delimiter: self.line_delimiter,
        }
    }

    /// `recbuf` was set: the buffer is not smaller, unless it was set itself.
    pub fn receive_buffer_set(&mut self, kind: Option<Kind>, bytes: i32) {
        /// No datagram is longer.
        const DATAGRAM: usize = 1 << 16;
        let bytes = usize::try_from(bytes).unwrap_or(0);
        if self.buffer_is_set {
            return;
        }
        self.buffer = match kind {
            Some(Kind::Datagram) if bytes > DATAGRAM => DATAGRAM,
            _ => self.buffer.max(bytes),
        };
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_their_numbers() {
        for code in 0..15 {
            assert_eq!(Packet::from_code(code).map(Packet::code), Some(code));
        }
        assert_eq!(Packet::from_code(15), None);
    }

    #[test]
    fn a_length_goes_before_a_packet() {
        let packet = |code| Packet::from_code(code).unwrap();
        assert_eq!(packet(3).prefix(258), ([0, 0, 1, 2], 4));
        assert_eq!(packet(2).prefix(258), ([1, 2, 0, 0], 2));
        assert_eq!(packet(0).prefix(258).1, 0);
    }
}

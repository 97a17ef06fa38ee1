//! What `starling boot` and the first process of its dom0 say to each other over a line of their own.
//!
//! The line carries the guest's console in both directions and news about the domain, as frames: a kind, a
//! 16-bit little-endian length, and that many bytes. Before its first frame dom0 sends [`GREETING`]; what comes before is
//! noise and is skipped. The guest's bytes are never mixed with dom0's chatter, which goes
//! to Xen's console, the machine's serial port.

use std::net::IpAddr;

/// Sent once by dom0, so that both sides agree where frames begin; the last byte is the protocol's version.
pub const GREETING: &[u8] = b"\0starling-dom0\x01";

/// A frame's payload is at most this long.
pub const PAYLOAD_MAX: usize = 4096;

const HEADER_LEN: usize = 3;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// To the host: dom0's toolstack runs.
    ToolstackUp,
    /// To the host: `xl create` has started the domain.
    DomainRuns,
    /// To the host: bytes that the guest printed.
    Output(Vec<u8>),
    /// To the host: a line that `xl` printed.
    Note(String),
    /// To the host, the last frame: the domain shut down for this reason (`SHUTDOWN_*` of Xen).
    Ended(u8),
    /// To the host, the last frame: dom0 could not run the domain.
    Failed(String),
    /// To the host, the last frame: the domain did not shut down when it was asked to, and was destroyed.
    Destroyed,
    /// To the host: the domain's vif has this address, as seen so many milliseconds after the domain's start.
    Address {
        /// The vif's number.
        vif: u8,
        /// The address.
        address: IpAddr,
        /// Milliseconds since `xl` unpaused the domain.
        after: u32,
    },
    /// To dom0: bytes for the guest's console.
    Input(Vec<u8>),
    /// To dom0: ask the domain to shut down, and destroy it if it does not.
    ShutDown,
    /// To dom0: arguments for `xl`, between blanks.
    Xl(String),
}

const TOOLSTACK_UP: u8 = b'U';
const DOMAIN_RUNS: u8 = b'R';
const OUTPUT: u8 = b'O';
const NOTE: u8 = b'N';
const ENDED: u8 = b'E';
const FAILED: u8 = b'F';
const DESTROYED: u8 = b'D';
const ADDRESS: u8 = b'A';
const INPUT: u8 = b'I';
const SHUT_DOWN: u8 = b'S';
const XL: u8 = b'X';

impl Message {
    /// The frame's bytes. A payload longer than [`PAYLOAD_MAX`] is cut: callers keep to it.
    pub fn encode(&self) -> Vec<u8> {
        let text;
        let (kind, payload): (u8, &[u8]) = match self {
            Message::ToolstackUp => (TOOLSTACK_UP, &[]),
            Message::DomainRuns => (DOMAIN_RUNS, &[]),
            Message::Output(bytes) => (OUTPUT, bytes),
            Message::Note(text) => (NOTE, text.as_bytes()),
            Message::Ended(reason) => (ENDED, std::slice::from_ref(reason)),
            Message::Failed(text) => (FAILED, text.as_bytes()),
            Message::Destroyed => (DESTROYED, &[]),
            Message::Address {
                vif,
                address,
                after,
            } => {
                text = format!("{vif} {address} {after}");
                (ADDRESS, text.as_bytes())
            }
            Message::Input(bytes) => (INPUT, bytes),
            Message::ShutDown => (SHUT_DOWN, &[]),
            Message::Xl(text) => (XL, text.as_bytes()),
        };
        let payload = &payload[..payload.len().min(PAYLOAD_MAX)];
        let mut frame = Vec::with_capacity(HEADER_LEN + payload.len());
        frame.push(kind);
        frame.extend_from_slice(&(payload.len() as u16).to_le_bytes());
        frame.extend_from_slice(payload);
        frame
    }

    fn decode(kind: u8, payload: &[u8]) -> Option<Message> {
        let text = || String::from_utf8_lossy(payload).into_owned();
        Some(match kind {
            TOOLSTACK_UP => Message::ToolstackUp,
            DOMAIN_RUNS => Message::DomainRuns,
            OUTPUT => Message::Output(payload.to_vec()),
            NOTE => Message::Note(text()),
            ENDED => Message::Ended(*payload.first()?),
            FAILED => Message::Failed(text()),
            DESTROYED => Message::Destroyed,
            ADDRESS => {
                let text = text();
                let mut words = text.split(' ');
                Message::Address {
                    vif: words.next()?.parse().ok()?,
                    address: words.next()?.parse().ok()?,
                    after: words.next()?.parse().ok()?,
                }
            }
            INPUT => Message::Input(payload.to_vec()),
            SHUT_DOWN => Message::ShutDown,
            XL => Message::Xl(text()),
            _ => return None,
        })
    }
}

/// The bytes that arrived are no frame: the line is out of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfStep;

/// Takes frames out of a stream of bytes.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    greeted: bool,
}

impl Decoder {
    /// A decoder that skips everything up to a [`GREETING`].
    pub fn after_greeting() -> Self {
        Decoder {
            buffer: Vec::new(),
            greeted: false,
        }
    }

    /// A decoder for a stream that begins with a frame.
    pub fn at_frame() -> Self {
        Decoder {
            buffer: Vec::new(),
            greeted: true,
        }
    }

    /// Adds bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, if all of it has arrived.
    pub fn next(&mut self) -> Result<Option<Message>, OutOfStep> {
        if !self.greeted && !self.skip_to_greeting() {
            return Ok(None);
        }
        let Some((&[kind, low, high], rest)) = self.buffer.split_first_chunk::<HEADER_LEN>() else {
            return Ok(None);
        };
        let len = usize::from(u16::from_le_bytes([low, high]));
        if len > PAYLOAD_MAX {
            return Err(OutOfStep);
        }
        let Some(payload) = rest.get(..len) else {
            return Ok(None);
        };
        let message = Message::decode(kind, payload).ok_or(OutOfStep)?;
        self.buffer.drain(..HEADER_LEN + len);
        Ok(Some(message))
    }

    /// Drops what comes before the greeting, and the greeting; true once that is done.
    fn skip_to_greeting(&mut self) -> bool {
        let found = self
            .buffer
            .windows(GREETING.len())
            .position(|window| window == GREETING);
        match found {
            Some(at) => {
                self.buffer.drain(..at + GREETING.len());
                self.greeted = true;
            }
            None => {
                // What is left may be the beginning of a greeting.
                let keep = self.buffer.len().min(GREETING.len() - 1);
                self.buffer.drain(..self.buffer.len() - keep);
            }
        }
        self.greeted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Message> {
        vec![
            Message::ToolstackUp,
            Message::Note("Parsing config".into()),
            Message::DomainRuns,
            Message::Output(vec![0, 255, b'\n']),
            Message::Output(vec![9; PAYLOAD_MAX]),
            Message::Input(b"q\n".to_vec()),
            Message::ShutDown,
            Message::Destroyed,
            Message::Address {
                vif: 1,
                address: "fec0::1".parse().unwrap(),
                after: 12345,
            },
            Message::Failed("xl: no".into()),
            Message::Ended(3),
        ]
    }

    #[test]
    fn frames_survive_any_cutting_and_noise_before_the_greeting() {
        let mut stream = b"SeaBIOS\0starling-do noise \xff".to_vec();
        stream.extend_from_slice(GREETING);
        stream.extend(all().iter().flat_map(Message::encode));
        for step in [1, 2, 7, 4096, stream.len()] {
            let mut decoder = Decoder::after_greeting();
            let mut read = Vec::new();
            for piece in stream.chunks(step) {
                decoder.push(piece);
                while let Some(message) = decoder.next().unwrap() {
                    read.push(message);
                }
            }
            assert_eq!(read, all(), "pieces of {step}");
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for bytes in [&b"Z\0\0"[..], b"E\0\0", b"O\xff\xff", b"A\x03\x000 x"] {
            let mut decoder = Decoder::at_frame();
            decoder.push(bytes);
            assert_eq!(decoder.next(), Err(OutOfStep), "{bytes:?}");
        }
    }
}

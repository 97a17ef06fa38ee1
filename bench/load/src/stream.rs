//! Streams of bytes to or from `bench/serve.erl`: what arrives is counted.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::poll::{Poll, is_later};
use crate::{Load, Result};

/// Asks the server to count what comes, and to say how much it was.
const SINK: &[u8] = b"s";
/// Asks the server to send until the connection ends.
const SOURCE: &[u8] = b"g";
/// The server has this long to read what is under way.
const DRAIN_LIMIT: Duration = Duration::from_secs(60);

/// Which way the bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the server.
    Send,
    /// From the server.
    Receive,
}

struct Connection {
    stream: TcpStream,
    asked: bool,
    ended: bool,
    /// The server's count, eight bytes.
    total: Vec<u8>,
}

/// Moves bytes for the load's duration.
pub fn run(load: &Load, direction: Direction) -> Result<String> {
    let poll = Poll::new()?;
    let mut connections = Vec::new();
    for number in 0..load.connections {
        let stream = poll
            .connect(load.address, number)
            .map_err(|error| format!("{}: {error}", load.address))?;
        connections.push(Connection {
            stream,
            asked: false,
            ended: false,
            total: Vec::new(),
        });
    }
    let begin = Instant::now();
    let end = begin + load.duration;
    let data = vec![0x5a; 64 * 1024];
    let mut buffer = vec![0; 256 * 1024];
    let mut received: u64 = 0;
    // Numbers of connections that could go on when their turn was over.
    let mut ready: Vec<usize> = Vec::new();
    while Instant::now() < end {
        // The others get their turn, too.
        let left = end.saturating_duration_since(Instant::now());
        for number in poll.wait(if ready.is_empty() {
            left
        } else {
            Duration::ZERO
        }) {
            if !ready.contains(&number) {
                ready.push(number);
            }
        }
        let mut again = Vec::new();
        for number in ready.drain(..) {
            let connection = &mut connections[number];
            if !connection.asked {
                let word = if direction == Direction::Send {
                    SINK
                } else {
                    SOURCE
                };
                match connection.stream.write(word) {
                    Ok(_) => connection.asked = true,
                    Err(error) if is_later(&error) => continue,
                    Err(error) => return Err(format!("{}: {error}", load.address)),
                }
            }
            let moved = match direction {
                Direction::Send => connection.stream.write(&data),
                Direction::Receive => connection.stream.read(&mut buffer),
            };
            match moved {
                Ok(0) => return Err("the server ended a connection".to_owned()),
                Ok(len) => {
                    received += len as u64;
                    again.push(number);
                }
                Err(error) if is_later(&error) => {}
                Err(error) => return Err(format!("{}: {error}", load.address)),
            }
        }
        ready = again;
    }
    let bytes = match direction {
        Direction::Receive => received,
        Direction::Send => totals(&poll, &mut connections)?,
    };
    let seconds = begin.elapsed().as_secs_f64();
    Ok(format!(
        "bytes={bytes} mb_per_second={:.2}",
        bytes as f64 / seconds / 1e6
    ))
}

/// Ends what is sent; what the server says has arrived.
fn totals(poll: &Poll, connections: &mut Vec<Connection>) -> Result<u64> {
    connections.retain(|connection| connection.asked);
    for connection in connections.iter_mut() {
        connection
            .stream
            .shutdown(Shutdown::Write)
            .map_err(|error| error.to_string())?;
    }
    let limit = Instant::now() + DRAIN_LIMIT;
    while connections.iter().any(|connection| !connection.ended) {
        if Instant::now() > limit {
            return Err("the server does not say what has arrived".to_owned());
        }
        for connection in connections.iter_mut() {
            let mut bytes = [0; 8];
            match connection.stream.read(&mut bytes) {
                Ok(0) => connection.ended = true,
                Ok(len) => connection.total.extend_from_slice(&bytes[..len]),
                Err(error) if is_later(&error) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        poll.wait(Duration::from_millis(1));
    }
    let total = |connection: &Connection| -> Result<u64> {
        let bytes = connection.total.as_slice().try_into();
        bytes
            .map(u64::from_be_bytes)
            .map_err(|_| "the server told no total".to_owned())
    };
    connections.iter().map(total).sum()
}

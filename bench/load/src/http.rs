//! HTTP/1.1 requests and their answers, over many connections from one thread.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::poll::{Poll, is_later, reset};
use crate::soak::{Fate, Random};
use crate::{Load, Result};

/// An answer that takes longer counts as an error.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How long the first answer of a domain is waited for.
const FIRST_LIMIT: Duration = Duration::from_secs(300);
/// Between two attempts at the first answer.
const FIRST_RETRY: Duration = Duration::from_millis(5);
/// Attempts that are waited for at a time.
const PENDING_MAX: usize = 64;
/// What is read at once.
const READ_BYTES: usize = 16 * 1024;

#[derive(Default)]
struct Count {
    answered: u64,
    dropped: u64,
    refused: u64,
    broken: u64,
    late: u64,
    wrong: u64,
    latencies_us: Vec<u32>,
}

struct Connection {
    stream: Option<TcpStream>,
    unsent: Vec<u8>,
    answer: Vec<u8>,
    fate: Fate,
    asked: Instant,
    /// Requests that were answered on it.
    used: u32,
}

struct Run<'a> {
    load: &'a Load,
    poll: Poll,
    random: Option<Random>,
    count: Count,
    /// Where answers are read to. One for all: clearing it for each would be a good part of a request's instructions, where those
    /// are counted.
    buffer: Box<[u8]>,
}

/// Sends requests for the load's duration.
pub fn run(load: &Load) -> Result<String> {
    let mut run = Run {
        load,
        poll: Poll::new()?,
        random: load.soak.map(Random::new),
        count: Count::default(),
        buffer: vec![0; READ_BYTES].into_boxed_slice(),
    };
    let begin = Instant::now();
    let end = begin + load.duration;
    let mut connections: Vec<Connection> = (0..load.connections).map(|_| fresh()).collect();
    for (number, connection) in connections.iter_mut().enumerate() {
        run.begin(connection, number);
    }
    let mut sweep = begin;
    while Instant::now() < end {
        let left = end.saturating_duration_since(Instant::now());
        for number in run.poll.wait(left) {
            run.go_on(&mut connections[number], number);
        }
        if sweep.elapsed() > Duration::from_secs(1) {
            sweep = Instant::now();
            for (number, connection) in connections.iter_mut().enumerate() {
                if connection.asked.elapsed() > ANSWER_LIMIT {
                    run.count.late += 1;
                    run.again(connection, number);
                } else if connection.stream.is_none() {
                    run.again(connection, number);
                }
            }
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    let count = &mut run.count;
    count.latencies_us.sort_unstable();
    let percentile = |percent: usize| {
        let at = count.latencies_us.len() * percent / 100;
        count.latencies_us.get(at).copied().unwrap_or(0)
    };
    Ok(format!(
        "requests={} per_second={:.1} p50_us={} p99_us={} dropped={} refused={} broken={} late={} wrong={}",
        count.answered,
        count.answered as f64 / seconds,
        percentile(50),
        percentile(99),
        count.dropped,
        count.refused,
        count.broken,
        count.late,
        count.wrong
    ))
}

fn fresh() -> Connection {
    Connection {
        stream: None,
        unsent: Vec::new(),
        answer: Vec::new(),
        fate: Fate::Keep,
        asked: Instant::now(),
        used: 0,
    }
}

impl Run<'_> {
    /// Connects, and has a request ready.
    fn begin(&mut self, connection: &mut Connection, number: usize) {
        *connection = fresh();
        match self.poll.connect(self.load.address, number) {
            Ok(stream) => {
                connection.stream = Some(stream);
                self.ask(connection);
            }
            // Tried again by the sweep.
            Err(_) => self.count.refused += 1,
        }
    }

    fn again(&mut self, connection: &mut Connection, number: usize) {
        connection.stream = None;
        self.begin(connection, number);
    }

    fn ask(&mut self, connection: &mut Connection) {
        connection.fate = match &mut self.random {
            Some(random) => random.fate(),
            None if self.load.close => Fate::AskToClose,
            None => Fate::Keep,
        };
        let close = match connection.fate {
            Fate::AskToClose => "Connection: close\r\n",
            _ => "",
        };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\n{close}\r\n",
            self.load.path,
            self.load.address.ip()
        );
        connection.unsent = request.into_bytes();
        match connection.fate {
            Fate::DropUnused => connection.unsent.clear(),
            Fate::ResetWithinRequest => connection.unsent.truncate(connection.unsent.len() / 2),
            _ => {}
        }
        connection.answer.clear();
        connection.asked = Instant::now();
    }

    /// Does what can be done on a connection.
    fn go_on(&mut self, connection: &mut Connection, number: usize) {
        while let Some(stream) = &mut connection.stream {
            while !connection.unsent.is_empty() {
                match stream.write(&connection.unsent) {
                    Ok(len) => drop(connection.unsent.drain(..len)),
                    Err(error) if is_later(&error) => return,
                    Err(error) => return self.failed(connection, number, error.kind()),
                }
            }
            match connection.fate {
                Fate::Keep | Fate::AskToClose => {}
                Fate::DropUnused if stream.peer_addr().is_err() => {
                    // Not connected yet, or refused.
                    return match stream.take_error() {
                        Ok(None) => {}
                        _ => self.failed(connection, number, ErrorKind::ConnectionRefused),
                    };
                }
                fate => {
                    if matches!(fate, Fate::ResetWithinRequest | Fate::ResetWithinAnswer) {
                        reset(stream);
                    }
                    self.count.dropped += 1;
                    return self.again(connection, number);
                }
            }
            match stream.read(&mut self.buffer) {
                Ok(0) if connection.used > 0 && connection.answer.is_empty() => {
                    // The server may end an idle connection.
                    return self.again(connection, number);
                }
                Ok(0) => return self.failed(connection, number, ErrorKind::UnexpectedEof),
                Ok(len) => connection.answer.extend_from_slice(&self.buffer[..len]),
                Err(error) if is_later(&error) => return,
                Err(error) => return self.failed(connection, number, error.kind()),
            }
            match whole_answer(&connection.answer) {
                Answer::Part => {}
                Answer::Whole => {
                    self.count.answered += 1;
                    let time = connection.asked.elapsed().as_micros();
                    self.count
                        .latencies_us
                        .push(time.min(u128::from(u32::MAX)) as u32);
                    connection.used += 1;
                    if connection.fate == Fate::AskToClose {
                        return self.again(connection, number);
                    }
                    // The socket was writable all the time, so no event would tell: go on.
                    self.ask(connection);
                }
                Answer::Wrong => {
                    self.count.wrong += 1;
                    return self.again(connection, number);
                }
            }
        }
    }

    fn failed(&mut self, connection: &mut Connection, number: usize, kind: ErrorKind) {
        if kind == ErrorKind::ConnectionRefused {
            self.count.refused += 1;
            connection.stream = None;
        } else {
            self.count.broken += 1;
            self.again(connection, number);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Part,
    Whole,
    Wrong,
}

/// Whether `bytes` are an answer with status 200 and a body of the length that it tells.
fn whole_answer(bytes: &[u8]) -> Answer {
    let Some(head) = bytes.windows(4).position(|at| at == b"\r\n\r\n") else {
        return Answer::Part;
    };
    let text = String::from_utf8_lossy(&bytes[..head]);
    let mut lines = text.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok());
    match (status, length) {
        (Some("200"), Some(length)) if bytes.len() < head + 4 + length => Answer::Part,
        (Some("200"), Some(length)) if bytes.len() == head + 4 + length => Answer::Whole,
        _ => Answer::Wrong,
    }
}

/// Starts the domain and asks until it answers; how long that took.
///
/// A connection is begun every few milliseconds, and the earlier ones are waited for meanwhile: whoever waited for one alone would learn of
/// a server only when Linux repeats the packet that nobody was there to hear, a second later. (For the same reason dom0 must know the domain's Ethernet address beforehand.)
pub fn first(load: &Load, start: impl FnOnce() -> Result<()>) -> Result<String> {
    let poll = Poll::new()?;
    let begin = Instant::now();
    start()?;
    let mut pending: Vec<Option<TcpStream>> = (0..PENDING_MAX).map(|_| None).collect();
    for attempt in 0.. {
        if begin.elapsed() > FIRST_LIMIT {
            break;
        }
        let slot = attempt % PENDING_MAX;
        pending[slot] = poll.connect(load.address, slot).ok();
        let next = Instant::now() + FIRST_RETRY;
        loop {
            for number in poll.wait(next.saturating_duration_since(Instant::now())) {
                if let Some(stream) = pending[number].take_if(|stream| is_settled(stream))
                    && ask_once(load, stream).is_some()
                {
                    let ms = begin.elapsed().as_secs_f64() * 1e3;
                    return Ok(format!("first_ms={ms:.2} attempts={}", attempt + 1));
                }
            }
            if Instant::now() >= next {
                break;
            }
        }
    }
    Err(format!(
        "no answer from {} within {} s",
        load.address,
        FIRST_LIMIT.as_secs()
    ))
}

/// Whether it is known if somebody is there.
fn is_settled(stream: &TcpStream) -> bool {
    !matches!(stream.take_error(), Ok(None)) || stream.peer_addr().is_ok()
}

/// One request; nothing if there is no good answer.
fn ask_once(load: &Load, mut stream: TcpStream) -> Option<()> {
    stream.set_nonblocking(false).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    let request = format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", load.path);
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let mut bytes = [0; 4096];
    while whole_answer(&answer) == Answer::Part {
        let len = stream.read(&mut bytes).ok().filter(|&len| len > 0)?;
        answer.extend_from_slice(&bytes[..len]);
    }
    (whole_answer(&answer) == Answer::Whole).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(whole_answer(answer), Answer::Whole);
        for len in 0..answer.len() {
            assert_eq!(whole_answer(&answer[..len]), Answer::Part);
        }
        assert_eq!(whole_answer(b"HTTP/1.1 500 No\r\n\r\n"), Answer::Wrong);
        assert_eq!(whole_answer(b"HTTP/1.1 200 OK\r\n\r\nabc"), Answer::Wrong);
    }
}

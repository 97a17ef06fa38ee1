//! Requests in flight, their replies, and which watches fired.
//!
//! Invariant: a request is in `requests` from [`Client::submit`] until its reply was taken or it was abandoned and answered. At most
//! [`MAX_IN_FLIGHT`] have been sent and not answered (xenstored serves 20 of one domain at a time); the rest waits here. Watch
//! events set a flag, however many there are. Every [`Client::poll`] does a bounded amount of work. Called by [`super::store`].

use super::error::{Error, Refusal};
use super::ring::{ImpossibleIndex, RING_SIZE, StoreRing};
use super::wire::{Assembler, Header, Kind, PAYLOAD_MAX};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Requests that may wait for replies at a time.
const MAX_IN_FLIGHT: usize = 16;
/// Requests that may exist at a time, sent or not. Nobody needs that many; a loop that never waits would.
const MAX_REQUESTS: usize = 512;
/// Bytes of replies taken in one poll.
const BYTES_PER_POLL: usize = 16 * RING_SIZE;

const IMPOSSIBLE_INDEX: &str = "it wrote an impossible index";

/// What a client needs beside the ring's memory: the event channel, the clock, and sleep.
pub trait Channel {
    /// Tells xenstored that an index moved.
    fn notify(&mut self);

    /// Nanoseconds of the clock that deadlines are on.
    fn now(&self) -> u64;

    /// What xenstored notified us of until now does not end [`Channel::sleep`] any more.
    fn forget_notifications(&mut self);

    /// Sleeps until xenstored notifies us or until `deadline`; may end early for no reason.
    fn sleep(&mut self, deadline: u64);
}

/// What became of a request.
enum Outcome {
    Waiting,
    Done(Result<Vec<u8>, Error>),
    /// Nobody waits for the reply.
    Abandoned,
}

struct Request {
    id: u32,
    kind: Kind,
    sent: bool,
    outcome: Outcome,
}

/// A watch, by its place in the list, which is also its token.
struct Watched {
    /// False: the place is free.
    in_use: bool,
    fired: bool,
}

/// Our end of the connection.
pub struct Client {
    ring: StoreRing,
    channel: Box<dyn Channel>,
    requests: Vec<Request>,
    /// Whole messages that wait for their turn, with the requests' numbers.
    queue: VecDeque<(u32, Vec<u8>)>,
    /// The rest of a message of which the ring took a part.
    partial: Vec<u8>,
    assembler: Assembler,
    watches: Vec<Watched>,
    last_id: u32,
    broken: Option<&'static str>,
    /// Something was said that somebody may wait for, and nobody has looked yet.
    pub stirred: bool,
    /// Earliest point in time that somebody waits for.
    pub next_deadline: Option<u64>,
}

impl Client {
    /// A client on `ring`.
    pub fn new(ring: StoreRing, channel: Box<dyn Channel>) -> Self {
        Self {
            ring,
            channel,
            requests: Vec::new(),
            queue: VecDeque::new(),
            partial: Vec::new(),
            assembler: Assembler::default(),
            watches: Vec::new(),
            last_id: 0,
            broken: None,
            stirred: false,
            next_deadline: None,
        }
    }

    /// The clock.
    pub fn now(&self) -> u64 {
        self.channel.now()
    }

    /// Whether [`Client::poll`] has something to do, or whoever waits for something should look again.
    pub fn has_work(&self) -> bool {
        self.stirred || self.can_move()
    }

    /// Whether there are bytes to read, or to send and room for them.
    fn can_move(&self) -> bool {
        let to_send = || {
            !self.partial.is_empty() || !self.queue.is_empty() && self.in_flight() < MAX_IN_FLIGHT
        };
        self.broken.is_none() && (self.ring.has_input() || self.ring.has_room() && to_send())
    }

    fn in_flight(&self) -> usize {
        self.requests.iter().filter(|request| request.sent).count()
    }

    /// What xenstored notified us of until now is being looked at.
    pub fn forget_notifications(&mut self) {
        self.channel.forget_notifications();
    }

    /// Sleeps until xenstored has something to say or until `deadline`.
    pub fn wait(&mut self, deadline: u64) {
        // In this order: what comes in between ends the sleep at once.
        self.channel.forget_notifications();
        if !self.can_move() {
            self.channel.sleep(deadline);
        }
    }

    /// Takes a request with `parts` behind each other, which the next poll sends; returns its number.
    pub fn submit(&mut self, kind: Kind, transaction: u32, parts: &[&[u8]]) -> Result<u32, Error> {
        if let Some(why) = self.broken {
            return Err(Error::Broken(why));
        }
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len > PAYLOAD_MAX {
            return Err(Error::Unsendable("longer than 4096 bytes"));
        }
        if self.requests.len() >= MAX_REQUESTS {
            return Err(Error::Unsendable("too many requests wait for answers"));
        }
        let id = self.fresh_id();
        let header = Header {
            kind: kind as u32,
            request: id,
            transaction,
            len: len as u32,
        };
        let mut message = Vec::with_capacity(header.encode().len() + len);
        message.extend_from_slice(&header.encode());
        parts
            .iter()
            .for_each(|part| message.extend_from_slice(part));
        self.queue.push_back((id, message));
        self.requests.push(Request {
            id,
            kind,
            sent: false,
            outcome: Outcome::Waiting,
        });
        Ok(id)
    }

    /// The reply to request `id`, once it is there.
    pub fn take_reply(&mut self, id: u32) -> Option<Result<Vec<u8>, Error>> {
        let index = self.index(id)?;
        if !matches!(self.requests[index].outcome, Outcome::Done(_)) {
            return None;
        }
        match self.requests.swap_remove(index).outcome {
            Outcome::Done(result) => Some(result),
            Outcome::Waiting | Outcome::Abandoned => None,
        }
    }

    /// Nobody will take the reply to request `id`. What was not sent yet is sent all the same: it may end something.
    pub fn abandon(&mut self, id: u32) {
        let Some(index) = self.index(id) else { return };
        if matches!(self.requests[index].outcome, Outcome::Done(_)) {
            self.requests.swap_remove(index);
        } else {
            self.requests[index].outcome = Outcome::Abandoned;
        }
    }

    /// Moves bytes both ways; whether there were any.
    pub fn poll(&mut self) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let read = self.receive();
        let moved = self.flush() || read;
        if moved {
            self.channel.notify();
        }
        moved
    }

    /// Takes what xenstored wrote; whether that was anything.
    fn receive(&mut self) -> bool {
        let mut taken = 0;
        let mut piece = [0; 512];
        while taken < BYTES_PER_POLL && self.broken.is_none() {
            let mut bytes = match self.ring.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => &piece[..count],
                Err(ImpossibleIndex) => {
                    self.fail(IMPOSSIBLE_INDEX);
                    break;
                }
            };
            taken += bytes.len();
            loop {
                match self.assembler.take(&mut bytes) {
                    Ok(Some((header, payload))) => self.dispatch(header, payload),
                    Ok(None) => break,
                    Err(_) => {
                        self.fail("it announced a message longer than the protocol allows");
                        break;
                    }
                }
            }
        }
        taken > 0
    }

    /// A place for a new watch.
    pub fn new_watch(&mut self) -> usize {
        let watch = Watched {
            in_use: true,
            fired: false,
        };
        match self.watches.iter().position(|watch| !watch.in_use) {
            Some(place) => {
                self.watches[place] = watch;
                place
            }
            None => {
                self.watches.push(watch);
                self.watches.len() - 1
            }
        }
    }

    /// The place of a watch is free again; events that are still on their way are ignored until it is used again, and are
    /// spurious then.
    pub fn forget_watch(&mut self, place: usize) {
        if let Some(watch) = self.watches.get_mut(place) {
            watch.in_use = false;
        }
    }

    /// Whether a watch fired since this was asked last.
    pub fn take_fired(&mut self, place: usize) -> bool {
        self.watches
            .get_mut(place)
            .is_some_and(|watch| core::mem::take(&mut watch.fired))
    }

    /// Somebody waits for this point in time.
    pub fn note_deadline(&mut self, deadline: u64) {
        let next = self.next_deadline.map_or(deadline, |d| d.min(deadline));
        self.next_deadline = Some(next);
    }

    fn index(&self, id: u32) -> Option<usize> {
        self.requests.iter().position(|request| request.id == id)
    }

    fn fresh_id(&mut self) -> u32 {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            if self.index(self.last_id).is_none() {
                return self.last_id;
            }
        }
    }

    /// Puts as much on the ring as may be there; whether that was anything.
    fn flush(&mut self) -> bool {
        let mut moved = false;
        while self.broken.is_none() {
            if self.partial.is_empty() {
                if self.in_flight() >= MAX_IN_FLIGHT {
                    break;
                }
                let Some((id, message)) = self.queue.pop_front() else {
                    break;
                };
                if let Some(index) = self.index(id) {
                    self.requests[index].sent = true;
                }
                self.partial = message;
            }
            match self.ring.write(&self.partial) {
                Ok(0) => break,
                Ok(count) => drop(self.partial.drain(..count)),
                Err(ImpossibleIndex) => self.fail(IMPOSSIBLE_INDEX),
            }
            moved = true;
        }
        moved
    }

    /// Takes a message for what it is.
    fn dispatch(&mut self, header: Header, payload: Vec<u8>) {
        if header.kind == Kind::WatchEvent as u32 {
            return self.event(&payload);
        }
        // A reply to nothing that was asked and sent is ignored.
        let Some(index) = self.index(header.request) else {
            return;
        };
        let request = &mut self.requests[index];
        if !request.sent {
            return;
        }
        let result = if header.kind == Kind::Error as u32 {
            Err(Refusal::parse(&payload).into())
        } else if header.kind == request.kind as u32 {
            Ok(payload)
        } else {
            Err(Error::Malformed("it is of another kind than the request"))
        };
        if matches!(request.outcome, Outcome::Abandoned) {
            self.requests.swap_remove(index);
        } else {
            // Not in flight any more, so a second answer is one to nothing.
            request.sent = false;
            request.outcome = Outcome::Done(result);
            self.stirred = true;
        }
    }

    /// A watch event: the path, a zero, the token, a zero. The path is of no interest: who watches looks again.
    fn event(&mut self, payload: &[u8]) {
        let mut words = payload.split(|&byte| byte == 0);
        let place = words
            .nth(1)
            .and_then(|token| core::str::from_utf8(token).ok())
            .and_then(|token| token.parse::<usize>().ok());
        if let Some(watch) = place.and_then(|place| self.watches.get_mut(place))
            && watch.in_use
        {
            watch.fired = true;
            self.stirred = true;
        }
    }

    fn fail(&mut self, why: &'static str) {
        log::error!("xenstored cannot be talked to any more: {why}");
        self.broken = Some(why);
        self.stirred = true;
        // Who watches looks again, and is told.
        self.watches.iter_mut().for_each(|watch| watch.fired = true);
        self.queue.clear();
        self.partial.clear();
        self.requests
            .retain(|request| !matches!(request.outcome, Outcome::Abandoned));
        for request in &mut self.requests {
            if matches!(request.outcome, Outcome::Waiting) {
                request.outcome = Outcome::Done(Err(Error::Broken(why)));
            }
        }
    }
}

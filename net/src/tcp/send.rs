//! The way out of a segment, and what time does to connections.
//!
//! Invariant: after [`Stack::ask`] a connection is either dirty again, or waits for a neighbour or for room in a link, or has an
//! entry among the timers for the next time at which smoltcp or we want it, or wants nothing but segments from outside.

use super::{Connection, Owner, SECOND};
use crate::device::{Port, Way};
use crate::stack::{LOOPBACK, Stack};
use smoltcp::iface::PollResult;
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use starling_vm::fs::errno::Errno;

/// Segments of one connection before others have their turn.
const BURST: usize = 16;
/// How long a connection attempt takes at most: the time of Linux's six retransmissions.
const CONNECT: u64 = 127 * SECOND;
/// How long data may stay unacknowledged: `tcp_retries2` of Linux.
const UNACKNOWLEDGED: u64 = 924 * SECOND;
/// How long a connection that the program has closed waits for the other end.
const ORPHAN: u64 = 60 * SECOND;
/// Idle time before the first probe of `SO_KEEPALIVE`: `tcp_keepalive_time` of Linux.
pub const KEEP_ALIVE: u64 = 7200 * SECOND;
/// How much longer the other end may be silent then: nine probes in intervals of 75 seconds.
const KEEP_ALIVE_GRACE: u64 = 675 * SECOND;
/// When a connection is asked again that waits for its neighbour: after the last question to it.
const LOOK_AGAIN: u64 = 4 * SECOND;
/// When a connection is asked again that wants to be asked at once and then has nothing to say.
const PAUSE: u64 = 1_000_000;

/// smoltcp's notion of a time in nanoseconds.
pub fn instant(now: u64) -> Instant {
    Instant::from_micros((now / 1000) as i64)
}

impl Stack {
    /// Asks the connections to which something has happened, each once. True: some have more to say.
    pub(crate) fn ask_dirty(&mut self) -> bool {
        for _ in 0..self.tcp.dirty.len() {
            let Some(id) = self.tcp.dirty.pop_front() else {
                break;
            };
            if let Some(connection) = self.tcp.connections.get_mut(id)
                && connection.dirty
            {
                connection.dirty = false;
                self.ask(id);
            }
        }
        !self.tcp.dirty.is_empty()
    }

    /// Asks those whose time has come.
    pub(crate) fn fire_timers(&mut self) {
        while let Some((time, id)) = self.tcp.timers.due(self.now) {
            if let Some(connection) = self.tcp.connections.get_mut(id)
                && connection.alarm == Some(time)
            {
                connection.alarm = None;
                self.tcp.touch(id);
            }
        }
        let connections = &self.tcp.connections;
        self.tcp.timers.tidy(connections.len(), |time, id| {
            connections
                .get(id)
                .is_some_and(|connection| connection.alarm == Some(time))
        });
    }

    /// Lets a connection send what it can, and notes when it is to be asked again.
    fn ask(&mut self, id: u32) {
        self.give_up_if_late(id);
        let now = instant(self.now);
        let wanted = self.wanted(id);
        let Some(connection) = self.tcp.connections.get_mut(id) else {
            return;
        };
        let number = connection.nic;
        // Most have nothing to say: something came, and the answer is not there yet.
        let is_silent = wanted.is_none_or(|at| at > now);
        if is_silent && self.nics.get(number).is_some_and(Option::is_some) {
            return self.settle_until(id, false, wanted);
        }
        let remote = connection.tuple.remote.address;
        let header = if number == LOOPBACK {
            None
        } else {
            match self.resolve(number, remote, Some(id)) {
                Some(header) => Some(header),
                None => {
                    // Whoever finds the neighbour touches it; time goes on meanwhile.
                    self.settle(id, true);
                    self.look_again_later(id);
                    return;
                }
            }
        };
        let Some(connection) = self.tcp.connections.get_mut(id) else {
            return;
        };
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            connection.fault = Some(Errno::ENETDOWN);
            self.end(id);
            return;
        };
        let way = match (&header, nic.link.as_deref_mut()) {
            (Some(header), Some(link)) => Way::Link {
                link,
                header: *header,
            },
            (None, _) => Way::Loopback(&mut self.loopback),
            (Some(_), None) => {
                self.tcp.touch(id);
                return;
            }
        };
        let mut port = Port {
            received: None,
            way,
            capabilities: &nic.capabilities,
            offload: nic.offload,
            traffic_class: connection.traffic_class,
            identification: &mut self.identification,
            scratch: &mut self.scratch,
            sent: None,
            exhausted: false,
            nic: number,
        };
        let mut wanted = wanted;
        let mut more = true;
        for _ in 0..BURST {
            let set = connection.slot.set();
            let sent = nic.tcp.poll_egress(now, &mut port, set) != PollResult::None;
            // To be told that there is nothing more costs less than to have nothing sent.
            wanted = nic.tcp.poll_at(now, set);
            if !sent || wanted.is_none_or(|at| at > now) {
                more = false;
                break;
            }
        }
        let exhausted = port.exhausted;
        if let Some(sent) = port.sent {
            connection.sent = sent;
        }
        if exhausted {
            // Once, however often it is asked until there is room.
            if connection.is_blocked || nic.blocked.try_reserve(1).is_ok() {
                if !core::mem::replace(&mut connection.is_blocked, true) {
                    nic.blocked.push(id);
                }
            } else {
                self.tcp.touch(id);
            }
        } else if more {
            self.tcp.touch(id);
        }
        self.settle_until(id, exhausted, wanted);
    }

    /// When smoltcp wants a connection to be asked.
    fn wanted(&mut self, id: u32) -> Option<Instant> {
        let connection = self.tcp.connections.get_mut(id)?;
        let nic = self.nics.get_mut(connection.nic)?.as_mut()?;
        nic.tcp.poll_at(instant(self.now), connection.slot.set())
    }

    /// Looks at what has become of a connection: tells whose it is, forgets it if it is over, or sets its timer. It is not asked
    /// again at once if it is `held`: somebody else will see to that.
    pub(crate) fn settle(&mut self, id: u32, held: bool) {
        let wanted = self.wanted(id);
        self.settle_until(id, held, wanted);
    }

    /// As [`Stack::settle`], for who knows when smoltcp wants it to be asked.
    fn settle_until(&mut self, id: u32, held: bool, wanted: Option<Instant>) {
        let now = self.now;
        let Some(connection) = self.tcp.connections.get_mut(id) else {
            return;
        };
        let state = connection.state();
        let forgotten = connection.socket().local_endpoint().is_none();
        if forgotten && connection.in_table {
            connection.in_table = false;
            self.tcp.table.remove(&connection.tuple);
        }
        if let Owner::Socket(socket) = connection.owner {
            self.may_be_ready(socket);
        }
        let Some(connection) = self.tcp.connections.get_mut(id) else {
            return;
        };
        match connection.owner {
            Owner::Nobody if forgotten || state == State::Closed && held => {
                self.forget(id);
                return;
            }
            Owner::HalfOpen(_) | Owner::Waiting(_) if forgotten => {
                self.forget(id);
                return;
            }
            _ if forgotten => return,
            _ => {}
        }
        if connection.owner == Owner::Nobody && state == State::FinWait2 {
            let until = now + ORPHAN;
            connection.until = Some(connection.until.map_or(until, |other| other.min(until)));
        }
        if connection.is_owed() {
            connection.owed_since.get_or_insert(now);
        } else {
            connection.owed_since = None;
        }
        if self.nics.get(connection.nic).is_none_or(Option::is_none) {
            return;
        }
        if state == State::TimeWait
            && connection.owner == Owner::Nobody
            && wanted.is_some_and(|at| at > instant(now))
        {
            let Connection {
                tuple,
                nic,
                exclusive,
                sent,
                ..
            } = *connection;
            self.forget(id);
            self.begin_time_wait(tuple, nic, exclusive, sent);
            return;
        }
        let wanted = wanted.map(|at| at.total_micros().max(0) as u64 * 1000);
        let wanted = match wanted {
            Some(_) if held => None,
            // Rounded to microseconds it may seem to be now.
            Some(at) if at <= now => Some(now + PAUSE),
            at => at,
        };
        let deadline = [wanted, limit(connection, state)]
            .into_iter()
            .flatten()
            .min();
        if let Some(deadline) = deadline
            && !connection.dirty
        {
            let deadline = deadline.max(now + 1000);
            if !self.tcp.timers.set(id, deadline, &mut connection.alarm) {
                self.tcp.touch(id);
            }
        }
    }

    /// Sees to it that a connection that waits for its neighbour is asked again even if it is not told: the neighbour may have given
    /// way to others in a full table, or there may be no way there now.
    fn look_again_later(&mut self, id: u32) {
        let later = self.now + LOOK_AGAIN;
        if let Some(connection) = self.tcp.connections.get_mut(id)
            && connection.socket().local_endpoint().is_some()
            && !connection.dirty
            && !self.tcp.timers.set(id, later, &mut connection.alarm)
        {
            self.tcp.touch(id);
        }
    }

    /// Ends a connection whose time is over.
    fn give_up_if_late(&mut self, id: u32) {
        let now = self.now;
        let Some(connection) = self.tcp.connections.get_mut(id) else {
            return;
        };
        let state = connection.state();
        if limit(connection, state).is_none_or(|limit| limit > now) {
            return;
        }
        match connection.owner {
            // Nobody knows of these; the other end will notice when it speaks next.
            Owner::HalfOpen(_) => self.forget(id),
            _ => {
                if connection.fault.is_none() {
                    let fault = connection.soft_fault.unwrap_or(Errno::ETIMEDOUT);
                    connection.fault = Some(fault);
                }
                if state == State::SynSent {
                    self.end(id);
                } else if let Some(connection) = self.tcp.connections.get_mut(id) {
                    connection.socket_mut().abort();
                }
            }
        }
    }

    /// Ends a connection without a word to the other end.
    pub(crate) fn end(&mut self, id: u32) {
        let Some(connection) = self.tcp.connections.get_mut(id) else {
            return;
        };
        // smoltcp has no such call; a socket that is made to listen and closed again has forgotten everything, and sends nothing.
        let socket = connection.socket_mut();
        socket.abort();
        if socket.listen(1).is_ok() {
            socket.close();
        }
        self.settle(id, false);
    }
}

/// When a connection is given up if nothing comes from the other end.
fn limit(connection: &Connection, state: State) -> Option<u64> {
    // It is over, and waits for nothing but a way for its reset.
    if state == State::Closed {
        return None;
    }
    let orphan = connection.owner == Owner::Nobody;
    let owed = connection.owed_since.map(|since| {
        since
            + match state {
                State::SynSent | State::SynReceived => CONNECT,
                _ if orphan => 2 * ORPHAN,
                _ => UNACKNOWLEDGED,
            }
    });
    let silent = (connection.owed_since.is_none() && connection.socket().keep_alive().is_some())
        .then(|| connection.heard + KEEP_ALIVE + KEEP_ALIVE_GRACE);
    let wait = connection.until;
    [owed, silent, wait].into_iter().flatten().min()
}

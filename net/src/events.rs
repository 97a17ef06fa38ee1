//! What there is to report: which of the watched sockets are ready.
//!
//! Level-triggered, as `poll(2)` is, at the cost of those that are ready: a socket to which something happens, or that is watched
//! anew, is noted ([`Stack::may_be_ready`]); a poll looks at those noted, reports them, and keeps those that stay ready.
//!
//! Invariants: a socket that is watched and ready is noted. A socket has at most one event that waits to be taken, and none once it
//! is closed or not watched.

use crate::socket::State;
use crate::stack::Stack;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use smoltcp::socket::tcp;
use starling_vm::platform::io::{Descriptor, Event, Interest};

/// What waits to be reported.
#[derive(Default)]
pub struct Events {
    /// Sockets that may be ready, by number.
    noted: Vec<u32>,
    /// Sockets that were found to be ready.
    ready: VecDeque<u32>,
    /// Descriptors that are watched and are none.
    invalid: VecDeque<Descriptor>,
}

impl Events {
    /// Whether something is to be looked at.
    pub fn are_waiting(&self) -> bool {
        !self.noted.is_empty() || !self.ready.is_empty() || !self.invalid.is_empty()
    }
}

impl Stack {
    /// Notes that something has happened to a socket.
    pub(crate) fn may_be_ready(&mut self, number: u32) {
        if let Some(socket) = self.sockets.get_mut(number)
            && !socket.may_be_ready
            && !socket.watched.is_none()
            && self.events.noted.try_reserve(1).is_ok()
        {
            socket.may_be_ready = true;
            self.events.noted.push(number);
        }
    }

    /// What to look for on a socket from now on.
    pub fn watch(&mut self, descriptor: Descriptor, interest: Interest) {
        let number = self.number(descriptor);
        match number.and_then(|number| Some((number, self.sockets.get_mut(number)?))) {
            Some((number, socket)) => {
                socket.watched = interest;
                self.may_be_ready(number);
            }
            None if !interest.is_none() => self.events.invalid.push_back(descriptor),
            None => {}
        }
    }

    /// Reports those noted that are ready.
    pub(crate) fn collect_events(&mut self) {
        let mut noted = core::mem::take(&mut self.events.noted);
        noted.retain(|&number| {
            let ready = !self.readiness(number).is_none();
            let Some(socket) = self.sockets.get_mut(number) else {
                return false;
            };
            if !socket.may_be_ready {
                return false;
            }
            socket.may_be_ready = ready;
            if ready && !socket.reported && self.events.ready.try_reserve(1).is_ok() {
                socket.reported = true;
                self.events.ready.push_back(number);
            }
            ready
        });
        // What was noted meanwhile: nothing, but order is kept if it was.
        noted.append(&mut self.events.noted);
        self.events.noted = noted;
    }

    /// The next event that is still true.
    pub(crate) fn take_event(&mut self) -> Option<Event> {
        if self.naming_is_news && !self.naming_was_reported {
            self.naming_was_reported = true;
            return Some(Event::Naming);
        }
        if let Some(descriptor) = self.events.invalid.pop_front() {
            return Some(Event::Invalid(descriptor));
        }
        while let Some(number) = self.events.ready.pop_front() {
            let ready = self.readiness(number);
            let Some(socket) = self.sockets.get_mut(number) else {
                continue;
            };
            if core::mem::take(&mut socket.reported) && !ready.is_none() {
                return Some(Event::Ready(self.descriptor(number), ready));
            }
        }
        None
    }

    /// What is the case of that which is looked for on a socket.
    fn readiness(&self, number: u32) -> Interest {
        let Some(socket) = self.sockets.get(number) else {
            return Interest::NONE;
        };
        let watched = socket.watched;
        if watched.is_none() {
            return watched;
        }
        let is = if socket.error.is_some() {
            Interest {
                read: true,
                write: true,
            }
        } else {
            match &socket.state {
                State::Idle => Interest::NONE,
                State::Listening(listener) => Interest {
                    read: !listener.waiting.is_empty(),
                    write: false,
                },
                State::Datagram(datagrams) => Interest {
                    read: datagrams.is_readable(),
                    write: !datagrams.is_blocked(),
                },
                State::Stream(stream) => match self.tcp.connections.get(stream.connection) {
                    None => Interest {
                        read: true,
                        write: true,
                    },
                    Some(connection) => {
                        let socket = connection.socket();
                        let over = connection.fault.is_some() || stream.ended;
                        let opening = matches!(
                            socket.state(),
                            tcp::State::SynSent | tcp::State::SynReceived
                        );
                        let room = socket.send_capacity() - socket.send_queue();
                        Interest {
                            read: over
                                || stream.read_shut
                                || socket.can_recv()
                                || !opening && !socket.may_recv(),
                            // As Linux: not for each byte that has become free.
                            write: over
                                || stream.write_shut
                                || socket.may_send() && room * 3 >= socket.send_capacity()
                                || !opening && !socket.may_send(),
                        }
                    }
                },
            }
        };
        Interest {
            read: watched.read && is.read,
            write: watched.write && is.write,
        }
    }
}

//! How connections end: the other end closes, something fails, or this end closes.
//!
//! The owner of an active socket is told with `{tcp_closed, Socket}`, after `{tcp_error, Socket, Reason}` if there is a reason; then the port
//! ends without an exit signal to him, unless `exit_on_close` is false. Who waits for data of a passive socket is told, and the port goes on
//! without a connection. In both cases who waits to send is told.

use super::super::messages;
use super::super::reply::Refusal;
use super::super::settings::Active;
use super::super::socket::{Caller, state};
use super::Tcp;
use super::send::answer;
use crate::atom::am;
use crate::fs::errno::Errno;
use crate::platform::io::Interest;
use crate::port::driver::Handle;

const CLOSED: Refusal = Refusal::Named("closed");

impl Tcp {
    /// Closes the socket; the port goes on without it.
    pub(super) fn close(&mut self, at: &mut Handle) {
        self.alarms.cancel_all(at);
        self.input.clear(at);
        self.wanted = 0;
        self.clear_queue(at);
        self.shutdown_pending = None;
        self.watched = Interest::NONE;
        self.socket.close(at);
    }

    /// Whoever waits for something does so in vain.
    pub(super) fn refuse_all(&mut self, at: &mut Handle) {
        self.refuse_acceptors(at);
        self.socket.refuse(at, CLOSED);
        self.alarms.cancel_all(at);
    }

    /// Tells the owner that the connection has ended, once.
    fn tell_closed(&mut self, at: &mut Handle) {
        if !core::mem::replace(&mut self.closed_is_told, true) {
            let owner = at.owner();
            messages::plain(at, owner, am::TCP_CLOSED);
        }
    }

    /// A socket became active whose connection has ended already.
    pub(super) fn tell_of_end(&mut self, at: &mut Handle) {
        if core::mem::take(&mut self.delayed.reset) {
            messages::failure(at, self.socket.protocol, Errno::ECONNRESET.name());
        }
        self.tell_closed(at);
        if self.socket.settings.exit_on_close {
            at.end_without_owner(am::NORMAL);
        }
    }

    /// Who waits to send is told that it is closed; whether somebody did.
    fn refuse_sender(&mut self, at: &mut Handle) -> bool {
        if !self.socket.is(state::BUSY) {
            return false;
        }
        self.clear_queue(at);
        let caller = self.unblock(at);
        answer(at, caller, Err(CLOSED));
        true
    }

    /// The other end has closed the connection.
    pub(super) fn receive_closed(&mut self, at: &mut Handle) {
        if !self.refuse_sender(at) {
            // Who sends next is told that it is closed, not that it was never connected.
            self.delayed.closed_for_send = true;
        }
        self.end_of_input(at, None);
    }

    /// Reading failed, or what came makes no sense.
    pub(super) fn receive_error(&mut self, at: &mut Handle, error: Errno) {
        self.refuse_sender(at);
        self.end_of_input(at, Some(error));
    }

    /// Nothing more will come, because of `error` if there is one.
    fn end_of_input(&mut self, at: &mut Handle, error: Option<Errno>) {
        self.input.clear(at);
        self.wanted = 0;
        if self.socket.settings.active == Active::Passive {
            match self.socket.settings.exit_on_close {
                true => self.close(at),
                false => self.watch_read(at, false),
            }
            self.alarms.cancel(at, super::Alarm::Receive);
            let reason = error.map_or(CLOSED, Refusal::Posix);
            return self.socket.refuse(at, reason);
        }
        if let Some(error) = error {
            messages::failure(at, self.socket.protocol, error.name());
        }
        self.tell_closed(at);
        if !self.socket.settings.exit_on_close {
            return self.watch_read(at, false);
        }
        let reason = match error {
            None => am::NORMAL,
            Some(error) => messages::atom(at, error.name()),
        };
        at.end_without_owner(reason);
    }

    /// Writing failed. A pipe without a reader is a connection that the other end has reset, unless this end has closed it for
    /// sending.
    pub(super) fn write_failed(&mut self, at: &mut Handle, caller: Option<Caller>, error: Errno) {
        match error {
            Errno::EPIPE if !self.sending_ended => self.send_failed(at, caller, Errno::ECONNRESET),
            _ => self.send_failed(at, caller, error),
        }
    }

    /// Nothing can be sent any more. `caller` wanted to, or waits until he can.
    pub(super) fn send_failed(&mut self, at: &mut Handle, caller: Option<Caller>, error: Errno) {
        let reset = error == Errno::ECONNRESET && self.socket.settings.show_econnreset;
        self.unblock(at);
        let reason = match reset {
            true => Refusal::Posix(error),
            false => CLOSED,
        };
        if self.flushing {
            self.clear_queue(at);
            return at.flushed();
        }
        if self.socket.settings.active != Active::Passive {
            if reset {
                messages::failure(at, self.socket.protocol, error.name());
            }
            self.tell_closed(at);
            answer(at, caller, Err(reason));
            match self.socket.settings.exit_on_close {
                true => at.end_without_owner(am::NORMAL),
                false => self.close(at),
            }
            return;
        }
        self.refuse_all(at);
        match caller {
            None => self.delayed.closed_for_send = true,
            Some(_) => answer(at, caller, Err(reason)),
        }
        self.close(at);
        // Who receives next is told that it is closed, so that errors of sending may be ignored.
        self.delayed.closed_for_receive = true;
        self.delayed.reset |= reset;
    }
}

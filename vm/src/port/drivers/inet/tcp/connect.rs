//! Making a connection to somebody else.

use super::super::messages;
use super::super::reader::Reader;
use super::super::reply::{Answer, INVALID, Refusal, Reply};
use super::super::request::family;
use super::super::settings::Active;
use super::super::socket::state;
use super::super::{address, wire};
use super::{Alarm, Tcp, opened};
use crate::fs::errno::Errno;
use crate::port::driver::Handle;
use crate::term::Term;

impl Tcp {
    /// `INET_REQ_CONNECT`: a time and an address. The answer is a number; how it ended comes later under that.
    pub(super) fn connect(&mut self, at: &mut Handle, caller: Term, data: &[u8]) -> Reply {
        let descriptor = opened(&self.socket)?;
        if self.socket.is_connected() || self.socket.is(state::LISTENING) {
            return Err(Refusal::Posix(Errno::EISCONN));
        }
        if self.socket.is(state::CONNECTING) || data.len() < 6 {
            return Err(INVALID);
        }
        let mut reader = Reader::new(data);
        let timeout = reader.u32()?;
        let address = address::decode(&mut reader, family(&self.socket))?;
        match at.network()?.connect(descriptor, &address) {
            Ok(()) => {
                let request = self.socket.ask(caller)?;
                self.is_connected(at);
                Ok(Answer::of(&request.number.to_be_bytes())?)
            }
            Err(Errno::EINPROGRESS | Errno::EAGAIN) => {
                let request = self.socket.ask(caller)?;
                self.socket.state |= state::CONNECTING;
                self.watch_write(at, true);
                if timeout != wire::INFINITY {
                    self.alarms.set(at, Alarm::Connect, timeout);
                }
                Ok(Answer::of(&request.number.to_be_bytes())?)
            }
            Err(error) => Err(Refusal::Posix(error)),
        }
    }

    /// The attempt has ended, one way or the other.
    pub(super) fn connected(&mut self, at: &mut Handle) {
        self.watch_write(at, false);
        self.alarms.cancel(at, Alarm::Connect);
        self.socket.state &= !state::CONNECTING;
        let error = match (self.socket.descriptor, at.network()) {
            (Some(descriptor), Ok(network)) => network.take_error(descriptor),
            _ => Some(Errno::EBADF),
        };
        match error {
            Some(error) => self.socket.refuse(at, Refusal::Posix(error)),
            None => self.is_connected(at),
        }
    }

    fn is_connected(&mut self, at: &mut Handle) {
        self.socket.state |= state::CONNECTED;
        if self.socket.settings.active != Active::Passive {
            self.watch_read(at, true);
        }
        if let Some(request) = self.socket.request.take() {
            messages::request_done(at, &request);
        }
    }

    /// A socket that was not connected in time is of no use any more.
    pub(super) fn connect_timeout(&mut self, at: &mut Handle) {
        self.close(at);
        self.socket.refuse(at, Refusal::Named("timeout"));
    }
}

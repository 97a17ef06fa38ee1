//! Taking connections, for as many processes as want one.
//!
//! Those who wait stand in a queue, each with its time. A connection becomes a port of its own that belongs to who waited for it and has
//! the options of the listening socket; those that `prim_inet` copies itself are not set here.

use super::super::messages;
use super::super::reader::Reader;
use super::super::reply::{Answer, BAD_PORT, INVALID, Refusal, Reply};
use super::super::socket::{Request, state};
use super::super::wire;
use super::{Alarm, NAME, Tcp, opened};
use crate::fs::errno::Errno;
use crate::memory::NoMemory;
use crate::platform::io::Descriptor;
use crate::port::driver::{Driver, Handle};
use crate::port::open::{self, OpenError};
use crate::process::try_box;
use crate::term::Term;
use alloc::boxed::Box;

/// Somebody who waits for a connection.
pub struct Acceptor {
    request: Request,
}

impl Tcp {
    /// `INET_REQ_LISTEN`: how many connections may wait.
    pub(super) fn listen(&mut self, at: &mut Handle, data: &[u8]) -> Reply {
        let descriptor = opened(&self.socket)?;
        if data.len() != 2 {
            return Err(INVALID);
        }
        let backlog = Reader::new(data).u16()?;
        at.network()?.listen(descriptor, backlog.into())?;
        self.socket.state = state::OPEN | state::LISTENING;
        Ok(Answer::empty()?)
    }

    /// `INET_REQ_ACCEPT`: a time. The answer is a number; the connection comes later under that.
    pub(super) fn accept(&mut self, at: &mut Handle, caller: Term, data: &[u8]) -> Reply {
        if !self.socket.is(state::LISTENING) || data.len() != 4 {
            return Err(INVALID);
        }
        let timeout = Reader::new(data).u32()?;
        self.forget_the_dead(at);
        // Who comes first is served first.
        if self.acceptors.is_empty() {
            let descriptor = self.socket.descriptor.ok_or(BAD_PORT)?;
            match at.network()?.accept(descriptor) {
                Ok((connection, _)) => {
                    let port = self.create(at, caller, connection)?;
                    let request = self.numbered(caller);
                    messages::request_value(at, &request, |_, _| Ok(port));
                    return Ok(Answer::of(&request.number.to_be_bytes())?);
                }
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNABORTED) => {}
                Err(error) => return Err(Refusal::Posix(error)),
            }
        }
        let request = self.numbered(caller);
        self.acceptors.try_reserve(1).map_err(|_| NoMemory)?;
        self.acceptors.push_back(Acceptor { request });
        if timeout != wire::INFINITY {
            self.alarms.set(at, Alarm::Accept(request.number), timeout);
        }
        self.acceptors_changed(at);
        Ok(Answer::of(&request.number.to_be_bytes())?)
    }

    fn numbered(&mut self, caller: Term) -> Request {
        Request {
            number: self.socket.number(),
            caller,
        }
    }

    /// Takes as many connections as there are processes that wait for one.
    pub(super) fn accept_all(&mut self, at: &mut Handle) {
        let Some(descriptor) = self.socket.descriptor else {
            return;
        };
        self.forget_the_dead(at);
        while !self.acceptors.is_empty() {
            let accepted = match at.network() {
                Ok(network) => network.accept(descriptor),
                Err(error) => Err(error),
            };
            if let Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNABORTED) = accepted {
                break;
            }
            let Some(Acceptor { request }) = self.acceptors.pop_front() else {
                break;
            };
            self.alarms.cancel(at, Alarm::Accept(request.number));
            let created = accepted
                .map_err(Refusal::Posix)
                .and_then(|(connection, _)| self.create(at, request.caller, connection));
            match created {
                Ok(port) => messages::request_value(at, &request, |_, _| Ok(port)),
                Err(refusal) => {
                    messages::request_failed(at, &request, refusal.name());
                    break;
                }
            }
        }
        self.acceptors_changed(at);
    }

    /// A port of its own for a connection.
    fn create(
        &mut self,
        at: &mut Handle,
        owner: Term,
        connection: Descriptor,
    ) -> Result<Term, Refusal> {
        let socket = self.socket.accepted(connection);
        let made = open::create(at.machine, owner, NAME, |_| {
            let driver: Box<dyn Driver> = try_box(Tcp::new(socket))?;
            Ok::<_, OpenError>(driver)
        });
        made.map_err(|error| {
            at.close(connection);
            match error {
                OpenError::SystemLimit => Refusal::Named("system_limit"),
                _ => Refusal::Posix(Errno::ENOMEM),
            }
        })
    }

    /// Those who have ended do not wait any more.
    fn forget_the_dead(&mut self, at: &mut Handle) {
        let processes = &mut at.machine.processes;
        let mut dead = [0; 8];
        loop {
            let mut count = 0;
            self.acceptors.retain(|acceptor| {
                let lives = processes.alive(acceptor.request.caller).is_some();
                if lives || count == dead.len() {
                    return true;
                }
                dead[count] = acceptor.request.number;
                count += 1;
                false
            });
            if count == 0 {
                return;
            }
            for number in &dead[..count] {
                self.alarms.forget(Alarm::Accept(*number));
            }
        }
    }

    /// Before the state of the socket is told: who has ended since does not wait any more.
    pub(super) fn look_at_acceptors(&mut self, at: &mut Handle) {
        if !self.acceptors.is_empty() {
            self.forget_the_dead(at);
            self.acceptors_changed(at);
        }
    }

    fn acceptors_changed(&mut self, at: &mut Handle) {
        let count = self.acceptors.len();
        self.socket.state &= !(state::ACCEPTING | state::ACCEPTING_MORE);
        if count > 0 {
            self.socket.state |= state::ACCEPTING;
        }
        if count > 1 {
            self.socket.state |= state::ACCEPTING_MORE;
        }
        if count > 0 || self.watched.read {
            self.watch_read(at, count > 0);
        }
    }

    pub(super) fn accept_timeout(&mut self, at: &mut Handle, number: u16) {
        let place = self
            .acceptors
            .iter()
            .position(|acceptor| acceptor.request.number == number);
        if let Some(Acceptor { request }) = place.and_then(|at| self.acceptors.remove(at)) {
            messages::request_failed(at, &request, "timeout");
        }
        self.acceptors_changed(at);
    }

    /// Nobody gets a connection any more.
    pub(super) fn refuse_acceptors(&mut self, at: &mut Handle) {
        while let Some(Acceptor { request }) = self.acceptors.pop_front() {
            messages::request_failed(at, &request, "closed");
        }
    }
}

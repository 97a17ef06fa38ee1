//! Writing to a connection: at once as far as the world takes it, the rest when it takes more.
//!
//! Who sends is answered `ok` when the data is written or queued. From [`Settings::high`](super::super::settings::Settings) queued bytes on
//! he is not answered, and the port is busy, so that others wait, until no more than `low` are left or his time is over.

use super::super::reply::{Answer, INVALID, Refusal, Reply};
use super::super::socket::{Caller, state};
use super::super::{messages, tag, wire};
use super::{Alarm, Tcp};
use crate::fs::errno::Errno;
use crate::platform::io::Descriptor;
use crate::platform::network::Direction;
use crate::port::driver::Handle;
use crate::port::output::Output;
use crate::term::Term;
use alloc::collections::VecDeque;
use smallvec::SmallVec;

/// Pieces that are written at once, at most.
const PARTS: usize = 64;

/// What waits to be written.
#[derive(Default)]
pub struct Queue {
    outputs: VecDeque<Output>,
    len: usize,
}

impl Queue {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn push(&mut self, output: Output) -> Result<(), Errno> {
        self.outputs.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.len += output.len();
        self.outputs.push_back(output);
        Ok(())
    }

    fn advance(&mut self, mut count: usize) {
        self.len -= count.min(self.len);
        while let Some(first) = self.outputs.front_mut() {
            let piece = count.min(first.len());
            first.advance(piece);
            count -= piece;
            if !first.is_empty() {
                return;
            }
            self.outputs.pop_front();
        }
        self.outputs = VecDeque::new();
    }

    fn clear(&mut self) {
        *self = Queue::default();
    }
}

impl Tcp {
    /// Sends `data` for `caller`, who is told how it went.
    pub(super) fn send(&mut self, at: &mut Handle, caller: Option<Term>, mut data: Output) {
        let caller = caller.map(|pid| Caller {
            pid,
            tag: tag::take_from(at, &mut data),
        });
        match self.write(at, caller, data) {
            Ok(true) => answer(at, caller, Ok(())),
            Ok(false) => {}
            // Of what the machine sends for another node nothing may be missing in between.
            Err(Refusal::Posix(Errno::ENOMEM)) if caller.is_none() => at.fail(Errno::ENOMEM),
            Err(refusal) => answer(at, caller, Err(refusal)),
        }
    }

    /// Writes or queues `data`; false if `caller` is told, or was told, by somebody else.
    fn write(
        &mut self,
        at: &mut Handle,
        caller: Option<Caller>,
        mut data: Output,
    ) -> Result<bool, Refusal> {
        let descriptor = match self.socket.descriptor {
            Some(descriptor) if self.socket.is_connected() => descriptor,
            _ => return Err(self.not_connected()),
        };
        if self.shutdown_pending.is_some() {
            self.send_failed(at, caller, Errno::EPIPE);
            return Ok(false);
        }
        let (prefix, prefix_len) = self.socket.settings.packet.prefix(data.len());
        data.set_prefix(&prefix[..prefix_len]);
        self.socket.statistics.sent.add(data.len());
        if !self.queue.is_empty() {
            self.queue_up(at, data)?;
            return Ok(!self.block(at, caller));
        }
        if data.is_empty() {
            return Ok(true);
        }
        if self.ignored.is {
            self.ignored.write = true;
            self.queue_up(at, data)?;
            return Ok(true);
        }
        if self.socket.settings.delay_send {
            self.queue_up(at, data)?;
            at.wake();
            return Ok(true);
        }
        let written = match write_once(at, descriptor, data.parts()) {
            Ok(written) => written,
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            Err(error) => {
                self.write_failed(at, caller, error);
                return Ok(false);
            }
        };
        if written < data.len() {
            data.advance(written);
            if let Err(error) = self.queue_up(at, data) {
                // Half of it is on its way: what comes behind that would be taken for the rest.
                if written > 0 {
                    at.fail(error);
                }
                return Err(error.into());
            }
            self.watch_write(at, true);
        }
        Ok(true)
    }

    /// Why there is nobody to send to.
    fn not_connected(&mut self) -> Refusal {
        let delayed = &mut self.delayed;
        match core::mem::take(&mut delayed.closed_for_send) {
            true if delayed.reset => Refusal::Posix(Errno::ECONNRESET),
            true => Refusal::Named("closed"),
            false => Refusal::Posix(Errno::ENOTCONN),
        }
    }

    fn queue_up(&mut self, at: &mut Handle, data: Output) -> Result<(), Errno> {
        self.queue.push(data)?;
        at.set_queued(self.queue.len(), false);
        Ok(())
    }

    /// Lets `caller` wait if too much is queued; whether he does.
    fn block(&mut self, at: &mut Handle, caller: Option<Caller>) -> bool {
        let settings = &self.socket.settings;
        if self.queue.len() < settings.high {
            return false;
        }
        let timeout = settings.send_timeout;
        if timeout == 0 {
            answer(at, caller, Err(Refusal::Named("timeout")));
            return true;
        }
        self.socket.state |= state::BUSY;
        self.blocked = caller;
        at.set_busy(true);
        if timeout != wire::INFINITY {
            self.alarms.set(at, Alarm::Send, timeout);
        }
        true
    }

    /// Nobody waits any more; who did.
    pub(super) fn unblock(&mut self, at: &mut Handle) -> Option<Caller> {
        if self.socket.is(state::BUSY) {
            self.socket.state &= !state::BUSY;
            self.alarms.cancel(at, Alarm::Send);
            at.set_busy(false);
        }
        self.blocked.take()
    }

    /// Who waited has waited long enough. He is not kept waiting by a port that stays busy the next time, either.
    pub(super) fn send_timeout(&mut self, at: &mut Handle) {
        let caller = self.unblock(at);
        answer(at, caller, Err(Refusal::Named("timeout")));
        if self.socket.settings.send_timeout_close {
            // Nobody else would tell who waits for data.
            self.refuse_all(at);
            self.close(at);
        }
    }

    /// Writes what is queued, as far as the world takes it.
    pub(super) fn write_queue(&mut self, at: &mut Handle) {
        while !self.queue.is_empty() {
            let Some(descriptor) = self.socket.descriptor else {
                return;
            };
            let outputs = self.queue.outputs.iter();
            match write_once(at, descriptor, outputs.flat_map(Output::parts)) {
                Ok(written) => self.queue.advance(written),
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => {
                    at.set_queued(self.queue.len(), false);
                    return self.watch_write(at, true);
                }
                Err(error) => {
                    let caller = self.blocked;
                    return self.write_failed(at, caller, error);
                }
            }
            if self.queue.len() <= self.socket.settings.low && self.socket.is(state::BUSY) {
                let caller = self.unblock(at);
                answer(at, caller, Ok(()));
            }
        }
        at.set_queued(0, false);
        self.watch_write(at, false);
        self.socket.nothing_to_send(at);
        if let Some(direction) = self.shutdown_pending.take() {
            self.shutdown_now(at, direction);
        }
        if self.flushing {
            at.flushed();
        }
    }

    /// What is queued is lost.
    pub(super) fn clear_queue(&mut self, at: &mut Handle) {
        self.queue.clear();
        at.set_queued(0, false);
        self.socket.nothing_to_send(at);
    }

    /// The port is closed with something left to write.
    pub(super) fn flush_queue(&mut self, at: &mut Handle) {
        self.flushing = true;
        let hopeless = self.socket.settings.linger_zero || self.ignored.is;
        if hopeless || !self.socket.is_connected() {
            self.clear_queue(at);
            return at.flushed();
        }
        self.watch_read(at, false);
        self.write_queue(at);
    }

    /// `TCP_REQ_SHUTDOWN`: ends a direction, that of sending when all is sent.
    pub(super) fn shutdown(&mut self, at: &mut Handle, data: &[u8]) -> Reply {
        if !self.socket.is_connected() {
            return Err(Refusal::Posix(Errno::ENOTCONN));
        }
        let direction = match data {
            [0] => Direction::Read,
            [1] => Direction::Write,
            [2] => Direction::Both,
            _ => return Err(INVALID),
        };
        if direction != Direction::Read && !self.queue.is_empty() {
            self.shutdown_pending = Some(direction);
            return Ok(Answer::empty()?);
        }
        let descriptor = self.socket.descriptor()?;
        let ended = at.network()?.shutdown(descriptor, direction);
        self.drained = false;
        if let Err(error) = ended {
            self.sending_ended |= direction != Direction::Read;
            return Err(Refusal::Posix(error));
        }
        Ok(Answer::empty()?)
    }

    /// All is sent that was to be sent before this.
    fn shutdown_now(&mut self, at: &mut Handle, direction: Direction) {
        let Some(descriptor) = self.socket.descriptor else {
            return;
        };
        let ended = match at.network() {
            Ok(network) => network.shutdown(descriptor, direction),
            Err(error) => Err(error),
        };
        self.drained = false;
        match ended {
            Ok(()) => self.sending_ended = true,
            Err(error) => self.send_failed(at, None, error),
        }
    }
}

/// Writes the first parts, as far as the world takes them.
fn write_once<'a>(
    at: &mut Handle,
    descriptor: Descriptor,
    parts: impl Iterator<Item = &'a [u8]>,
) -> Result<usize, Errno> {
    let parts: SmallVec<[&[u8]; PARTS]> = parts.take(PARTS).collect();
    at.network()?.write_parts(descriptor, &parts)
}

/// Answers a command, if somebody sent it.
pub(super) fn answer(at: &mut Handle, caller: Option<Caller>, status: Result<(), Refusal>) {
    if let Some(caller) = caller {
        messages::reply(at, &caller, status);
    }
}

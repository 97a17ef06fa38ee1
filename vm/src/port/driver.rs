//! What a driver is, and what it may do while it runs.
//!
//! A [`Driver`] is called for one port at a time and gets a [`Handle`], through which it reaches the port, its owner and the
//! world. A driver that is part of the machine is a file of `drivers` and a line of [`super::drivers::LINKED_IN`].
//!
//! Invariant: a driver that runs is not in its port, and what would end the port takes effect when it has returned. So it
//! cannot be called while it runs, and may be given the whole machine.

use super::output::Output;
use super::{deliver, signal};
use crate::atom::am;
use crate::fs::errno::Errno;
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::memory::heap::Heap;
use crate::observe;
use crate::platform::io::{ChildStatus, Descriptor, Interest, Io, Signal};
use crate::platform::network::Network;
use crate::process::signal::unlink;
use crate::term::{Atom, Term};
use alloc::boxed::Box;
use alloc::vec::Vec;
use smallvec::SmallVec;

/// What [`Driver::control`] answers; mostly a few bytes, which are not worth an allocation.
pub type ControlAnswer = SmallVec<[u8; 24]>;

/// `port_control/3` of a driver that does not know the operation: `badarg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported;

/// What does the work of one port. Each method that a driver does not need does nothing.
pub trait Driver {
    /// Bytes were sent to the port.
    fn command(&mut self, at: &mut Handle, data: Vec<u8>);

    /// Bytes were sent to the port by the process `caller`, or by the machine itself: [`Driver::command`] for a driver that
    /// answers who sent them, or that can do without having them side by side.
    fn output(&mut self, at: &mut Handle, _caller: Option<Term>, data: Output) {
        match data.into_bytes() {
            Ok(data) => self.command(at, data),
            Err(NoMemory) => at.fail(Errno::ENOMEM),
        }
    }

    /// `port_control/3` by the process `caller`. The answer goes back as a list of bytes, or as a binary if
    /// [`Driver::answers_binaries`].
    fn control(
        &mut self,
        _at: &mut Handle,
        _caller: Term,
        _operation: u32,
        _data: &[u8],
    ) -> Result<ControlAnswer, Unsupported> {
        Err(Unsupported)
    }

    /// Whether [`Driver::control`] answers with a binary (`set_port_control_flags`).
    fn answers_binaries(&self) -> bool {
        false
    }

    /// What `port_info(Port, locking)` tells of the driver that does this in OTP: whether its ports have a lock each, rather than one
    /// together. Here is one scheduler, and no lock.
    fn has_port_locks(&self) -> bool {
        false
    }

    /// Whether `port_command(Port, Data, [force])` is allowed while the port is busy.
    fn is_soft_busy(&self) -> bool {
        false
    }

    /// Something that [`Handle::watch`] asked for is the case.
    fn ready(&mut self, _at: &mut Handle, _descriptor: Descriptor, _ready: Interest) {}

    /// The program that [`Handle::watch_child`] named has ended.
    fn child_ended(&mut self, _at: &mut Handle, _status: ChildStatus) {}

    /// The time that [`Handle::set_deadline`] named has come; the deadline is gone.
    fn timeout(&mut self, _at: &mut Handle) {}

    /// [`Handle::wake`] was called.
    fn woken(&mut self, _at: &mut Handle) {}

    /// A signal came to the machine, such as [`Signal::WindowChange`].
    fn signal(&mut self, _at: &mut Handle, _signal: Signal) {}

    /// The port was closed, but there is something left to write. The driver calls [`Handle::flushed`] when all is written.
    fn flush(&mut self, _at: &mut Handle) {}

    /// The end: gives back what the driver holds. Nothing is called after it.
    fn stop(&mut self, _at: &mut Handle) {}
}

/// The largest buffer that is kept for the next driver that reads, in bytes.
const KEPT_BUFFER: usize = 256 * 1024;

/// How a driver ends its port.
enum End {
    /// With this exit reason.
    Reason(Atom),
    /// After all was written that was left when the port was closed.
    Flushed,
}

/// What a driver may do while it runs.
pub struct Handle<'a> {
    /// The machine.
    pub machine: &'a mut Machine,
    /// The port.
    pub port: Term,
    end: Option<End>,
}

impl Handle<'_> {
    /// The world's streams.
    pub fn io(&mut self) -> &mut dyn Io {
        self.machine.platform.io()
    }

    /// The world's sockets. `EAFNOSUPPORT` if it has none.
    pub fn network(&mut self) -> Result<&mut dyn Network, Errno> {
        self.machine.platform.network().ok_or(Errno::EAFNOSUPPORT)
    }

    /// Nanoseconds of monotonic time.
    pub fn now(&mut self) -> u64 {
        self.machine.platform.monotonic_ns()
    }

    /// The connected process.
    pub fn owner(&mut self) -> Term {
        let port = self.machine.ports.any(self.port);
        port.map_or(Term::NIL, |port| port.owner)
    }

    /// Sends `{Port, {data, Data}}` to the owner, in lines if the port was opened so.
    pub fn data(&mut self, bytes: &[u8]) {
        deliver::data(self.machine, self.port, bytes);
    }

    /// Sends `{Port, {data, [Byte, ... | Rest]}}` to the owner: the bytes of `head`, then `rest` as the owner wants it.
    pub fn data_behind(&mut self, head: &[u8], rest: Option<&[u8]>) {
        deliver::data_behind(self.machine, self.port, head, rest);
    }

    /// Sends what `build` makes to the process `to`.
    pub fn send(&mut self, to: Term, build: impl FnOnce(&mut Heap) -> Result<Term, NoMemory>) {
        deliver::post_from(self.machine, self.port, to, build);
    }

    /// Sends `{Port, {exit_status, Code}}` to the owner.
    pub fn exit_status(&mut self, code: u32) {
        deliver::exit_status(self.machine, self.port, code);
    }

    /// The input has ended: the owner is told `{Port, eof}` if the port was opened with `eof`, otherwise the port ends
    /// normally.
    pub fn end_of_input(&mut self) {
        deliver::rest_of_line(self.machine, self.port);
        let port = self.machine.ports.any(self.port);
        if port.is_some_and(|port| port.tells_end) {
            deliver::eof(self.machine, self.port);
        } else {
            self.end(am::NORMAL);
        }
    }

    /// Ends the port with `reason` when the driver has returned.
    pub fn end(&mut self, reason: Atom) {
        self.end.get_or_insert(End::Reason(reason));
    }

    /// Ends the port with `reason` as [`Handle::end`] does, but the owner is not told by an exit signal: the driver has told it
    /// otherwise.
    pub fn end_without_owner(&mut self, reason: Atom) {
        let owner = self.owner();
        unlink(self.machine, owner, self.port);
        self.end(reason);
    }

    /// Ends the port with a POSIX error as reason.
    pub fn fail(&mut self, error: Errno) {
        let reason = self.machine.atoms.insert(error.name());
        self.end(reason.unwrap_or(am::EINVAL));
    }

    /// All is written that was left when the port was closed.
    pub fn flushed(&mut self) {
        self.end.get_or_insert(End::Flushed);
    }

    /// Looks at a stream from now on, or not any more. Without memory for that the port ends.
    pub fn watch(&mut self, descriptor: Descriptor, interest: Interest) {
        let ports = &mut self.machine.ports;
        if ports.set_interest(self.port, descriptor, interest).is_err() {
            return self.fail(Errno::ENOMEM);
        }
        let all = ports.interest(descriptor);
        self.io().watch(descriptor, all);
    }

    /// Nobody looks at a stream any more: it was another port's and is this one's from now on.
    pub fn take_from_others(&mut self, descriptor: Descriptor) {
        let ports = &mut self.machine.ports;
        while let Some((port, _)) = ports.watches.at(descriptor, 0) {
            if ports
                .set_interest(port, descriptor, Interest::NONE)
                .is_err()
            {
                return self.fail(Errno::ENOMEM);
            }
        }
        self.io().watch(descriptor, Interest::NONE);
    }

    /// Gives a stream back that the driver opened.
    pub fn close(&mut self, descriptor: Descriptor) {
        self.watch(descriptor, Interest::NONE);
        self.io().close(descriptor);
    }

    /// Is told about the end of the program `child`.
    pub fn watch_child(&mut self, child: u32) {
        let port = self.port;
        let children = &mut self.machine.ports.children;
        if children.try_reserve(1).is_err() {
            return self.fail(Errno::ENOMEM);
        }
        children.push((child, port));
    }

    /// Wants [`Driver::timeout`] to be called at `deadline` of monotonic time, in nanoseconds, or not at all.
    pub fn set_deadline(&mut self, deadline: Option<u64>) {
        let ports = &mut self.machine.ports;
        if ports.set_deadline(self.port, deadline).is_err() {
            self.fail(Errno::ENOMEM);
        }
    }

    /// Wants [`Driver::woken`] to be called as soon as the process that runs has had its turn.
    pub fn wake(&mut self) {
        let woken = &mut self.machine.ports.woken;
        if woken.try_reserve(1).is_err() {
            return self.fail(Errno::ENOMEM);
        }
        woken.push_back(self.port);
    }

    /// How many bytes the driver has not written yet: what `port_info(Port, queue_size)` says. Those for a standard stream are
    /// waited for before anybody else writes to the console.
    pub fn set_queued(&mut self, queued: usize, to_console: bool) {
        let ports = &mut self.machine.ports;
        if let Some(port) = ports.any(self.port) {
            let before = core::mem::replace(&mut port.queued, queued);
            if to_console {
                ports.queued_for_console =
                    (ports.queued_for_console + queued).saturating_sub(before);
            }
        }
    }

    /// Whether who wants to write has to wait.
    pub fn set_busy(&mut self, busy: bool) {
        let Some(port) = self.machine.ports.any(self.port) else {
            return;
        };
        let was = core::mem::replace(&mut port.busy, busy);
        if !was || busy {
            return;
        }
        let (carries, is_awaited) = (
            port.carries,
            !(port.waiting.is_empty() && port.delayed.is_empty()),
        );
        if is_awaited {
            self.wake();
        }
        if let Some(node) = carries {
            // Without memory for that, the next signal to the node sees to it.
            let _ = self.machine.distribution.schedule(node);
        }
    }

    /// What to read into: `len` bytes. It is handed back with [`Handle::give_buffer`].
    pub fn take_buffer(&mut self, len: usize) -> Result<Vec<u8>, NoMemory> {
        let mut buffer = core::mem::take(&mut self.machine.ports.buffer);
        if buffer.len() < len {
            let more = len - buffer.len();
            buffer.try_reserve_exact(more).map_err(|_| NoMemory)?;
            buffer.resize(len, 0);
        }
        Ok(buffer)
    }

    /// Hands back what [`Handle::take_buffer`] gave. What somebody needed for once is not kept for all.
    pub fn give_buffer(&mut self, buffer: Vec<u8>) {
        if buffer.len() <= KEPT_BUFFER {
            self.machine.ports.buffer = buffer;
        }
    }
}

/// Gives `port`, which is in the table, the driver that `make` makes.
pub(super) fn begin<E>(
    machine: &mut Machine,
    port: Term,
    make: impl FnOnce(&mut Handle) -> Result<Box<dyn Driver>, E>,
) -> Result<(), E> {
    let mut at = Handle {
        machine,
        port,
        end: None,
    };
    let driver = make(&mut at)?;
    if let Some(port) = machine.ports.any(port) {
        port.driver = Some(driver);
    }
    Ok(())
}

/// Calls the driver of `port`, which is in the table, and then does what it asked for. `None` if there is no such port.
pub(super) fn run<T>(
    machine: &mut Machine,
    port: Term,
    call: impl FnOnce(&mut dyn Driver, &mut Handle) -> T,
) -> Option<T> {
    let mut driver = machine.ports.any(port)?.driver.take()?;
    let mut at = Handle {
        machine,
        port,
        end: None,
    };
    observe::profile::port(at.machine, port, am::ACTIVE);
    let result = call(&mut *driver, &mut at);
    observe::profile::port(at.machine, port, am::INACTIVE);
    let end = at.end.take();
    if let Some(port) = machine.ports.any(port) {
        port.driver = Some(driver);
    }
    match end {
        None => {}
        Some(End::Flushed) => finish(machine, port),
        Some(End::Reason(reason)) => signal::fail(machine, port, reason.term()),
    }
    Some(result)
}

/// The end of a port that no process knows any more.
pub(super) fn finish(machine: &mut Machine, port: Term) {
    let Some(mut driver) = machine.ports.any(port).and_then(|port| port.driver.take()) else {
        return;
    };
    let mut at = Handle {
        machine,
        port,
        end: None,
    };
    driver.stop(&mut at);
    // The streams that it forgot to close are not looked at any more.
    let ports = &mut at.machine.ports;
    while ports.any(port).is_some_and(|port| port.watched > 0)
        && let Some(descriptor) = ports.watches.any_of(port)
    {
        let _ = ports.set_interest(port, descriptor, Interest::NONE);
        let others = ports.interest(descriptor);
        at.machine.platform.io().watch(descriptor, others);
    }
    at.machine.ports.remove(port);
}

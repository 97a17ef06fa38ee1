//! Descriptors of this Linux process, and what happens to them: the machine's `Io`.
//!
//! The standard files are shared with whoever started the tool, so they are never made non-blocking: they are asked before
//! each read and each short write. Pipes to programs and sockets (`super::network`) are ours alone. Signals arrive through a
//! socket that a handler writes to, the end of a program through its pidfd; so one look (`super::watch`) sees everything.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{
    Child, Command, Descriptor, Event, Interest, Signal, SignalAction, SpawnError,
};

use super::children::{Children, signal_number};
use super::watch::{Found, Source, Watcher};

/// What a pipe takes without blocking once it says that it takes anything (`PIPE_BUF`).
const SHORT_WRITE: usize = 4096;

/// Descriptors, programs and signals.
#[derive(Debug)]
pub struct LinuxIo {
    watcher: Watcher,
    /// Pipes to programs and sockets, non-blocking.
    owned: BTreeMap<u32, OwnedFd>,
    children: Children,
    signals: Vec<Caught>,
    events: VecDeque<Event>,
    /// Kept for the next look.
    found: Vec<Found>,
}

/// A signal that has a handler.
#[derive(Debug)]
struct Caught {
    signal: Signal,
    /// Where the handler says that it came.
    receiver: UnixStream,
    action: SignalAction,
}

impl LinuxIo {
    /// Nothing watched.
    pub fn new() -> LinuxIo {
        let watcher = Watcher::new().unwrap_or_else(|error| {
            eprintln!(
                "starling: the system gives no descriptor to wait with: epoll_create: {error}"
            );
            std::process::exit(1);
        });
        LinuxIo {
            watcher,
            owned: BTreeMap::new(),
            children: Children::default(),
            signals: Vec::new(),
            events: VecDeque::new(),
            found: Vec::new(),
        }
    }

    /// Looks at everything, waiting for as long as `timeout` says; what has happened is queued.
    pub fn collect(&mut self, timeout: Option<&Timespec>) {
        if !self.events.is_empty() {
            return;
        }
        let mut found = std::mem::take(&mut self.found);
        self.watcher.look(timeout, &mut found);
        for found in found.drain(..) {
            match found {
                Found::Ready(source, ready) => self.ready(source, ready),
                Found::Invalid(number) => {
                    self.events.push_back(Event::Invalid(Descriptor(number)));
                }
            }
        }
        self.found = found;
    }

    fn ready(&mut self, source: Source, ready: Interest) {
        match source {
            Source::Stream(number) => {
                let event = Event::Ready(Descriptor(number), ready);
                self.events.push_back(event);
            }
            Source::Child(id) => {
                if let Some(status) = self.children.reap(id) {
                    self.events.push_back(Event::ChildEnded(id, status));
                }
            }
            Source::Signal(at) => {
                let caught = &mut self.signals[at as usize];
                // However often it came since: signals do not count.
                let _ = caught.receiver.read(&mut [0; 64]);
                match caught.action {
                    SignalAction::Report => self.events.push_back(Event::Signal(caught.signal)),
                    SignalAction::Ignore => {}
                    SignalAction::Default => {
                        super::terminal::restore();
                        let number = signal_number(caught.signal);
                        let _ = signal_hook::low_level::emulate_default_handler(number);
                    }
                }
            }
        }
    }

    /// The next event.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A descriptor that may be used.
    pub(super) fn file(&self, descriptor: Descriptor) -> Result<(BorrowedFd<'_>, bool), Errno> {
        if let Some(owned) = self.owned.get(&descriptor.0) {
            return Ok((owned.as_fd(), true));
        }
        let number = RawFd::try_from(descriptor.0).map_err(|_| Errno::EBADF)?;
        // SAFETY: for one call; the kernel answers for a number that is no descriptor.
        let file = unsafe { BorrowedFd::borrow_raw(number) };
        rustix::io::fcntl_getfd(file).map_err(errno)?;
        Ok((file, false))
    }

    /// What `question` says about a descriptor; `None` if there is none.
    pub fn on_file<T>(
        &self,
        descriptor: Descriptor,
        question: impl FnOnce(BorrowedFd<'_>) -> T,
    ) -> Option<T> {
        let (file, _) = self.file(descriptor).ok()?;
        Some(question(file))
    }

    /// Reads what there is.
    pub fn read(&mut self, descriptor: Descriptor, bytes: &mut [u8]) -> Result<usize, Errno> {
        let (file, owned) = self.file(descriptor)?;
        if !owned && !is_ready(file, PollFlags::IN) {
            return Err(Errno::EAGAIN);
        }
        rustix::io::read(file, bytes).map_err(errno)
    }

    /// Writes what can be taken.
    pub fn write(&mut self, descriptor: Descriptor, bytes: &[u8]) -> Result<usize, Errno> {
        let (file, owned) = self.file(descriptor)?;
        if owned {
            return rustix::io::write(file, bytes).map_err(errno);
        }
        let mut written = 0;
        while written < bytes.len() && is_ready(file, PollFlags::OUT) {
            let end = bytes.len().min(written + SHORT_WRITE);
            match rustix::io::write(file, &bytes[written..end]) {
                Ok(len) => written += len,
                Err(_) if written > 0 => break,
                Err(error) => return Err(errno(error)),
            }
        }
        if written == 0 && !bytes.is_empty() {
            return Err(Errno::EAGAIN);
        }
        Ok(written)
    }

    /// Takes over a descriptor that does not block.
    pub(super) fn own(&mut self, file: OwnedFd) -> Descriptor {
        let number = file.as_raw_fd() as u32;
        self.owned.insert(number, file);
        Descriptor(number)
    }

    /// A descriptor of those that are ours alone.
    pub(super) fn owned(&self, descriptor: Descriptor) -> Result<BorrowedFd<'_>, Errno> {
        let file = self.owned.get(&descriptor.0).ok_or(Errno::EBADF)?;
        Ok(file.as_fd())
    }

    /// Closes a pipe to a program or a socket, and forgets what was looked for.
    pub fn close(&mut self, descriptor: Descriptor) {
        self.watcher.forget(descriptor.0);
        self.owned.remove(&descriptor.0);
        self.events
            .retain(|event| !matches!(event, Event::Ready(d, _) if *d == descriptor));
    }

    /// What to look for.
    pub fn watch(&mut self, descriptor: Descriptor, interest: Interest) {
        self.watcher.watch(descriptor.0, interest);
    }

    /// Runs a program.
    pub fn spawn(&mut self, command: &Command) -> Result<Child, SpawnError> {
        let (id, pidfd, from, to) = self.children.spawn(command)?;
        let added = self.watcher.add(pidfd, Source::Child(id));
        added.map_err(|error| SpawnError::Refused(errno(error)))?;
        let from = from.map(|file| self.own(file));
        let to = to.map(|file| self.own(file));
        Ok(Child { id, from, to })
    }

    /// What is to become of a signal.
    pub fn set_signal(&mut self, signal: Signal, action: SignalAction) -> Result<(), Errno> {
        if let Some(known) = self.signals.iter_mut().find(|known| known.signal == signal) {
            known.action = action;
            return Ok(());
        }
        if action == SignalAction::Default {
            return Ok(());
        }
        self.catch(signal, action)
    }

    /// A signal that ends the process is to restore the terminal before.
    pub fn restore_at_end(&mut self) {
        for signal in [
            Signal::Hangup,
            Signal::Interrupt,
            Signal::Quit,
            Signal::Terminate,
        ] {
            if !self.signals.iter().any(|known| known.signal == signal) {
                // Without it the terminal stays as it is, which is no reason not to use it.
                let _ = self.catch(signal, SignalAction::Default);
            }
        }
    }

    fn catch(&mut self, signal: Signal, action: SignalAction) -> Result<(), Errno> {
        let failed = |_| Errno::EINVAL;
        let (receiver, sender) = UnixStream::pair().map_err(failed)?;
        receiver.set_nonblocking(true).map_err(failed)?;
        let at = Source::Signal(self.signals.len() as u32);
        self.watcher.add(receiver.as_fd(), at).map_err(errno)?;
        signal_hook::low_level::pipe::register(signal_number(signal), sender).map_err(failed)?;
        self.signals.push(Caught {
            signal,
            receiver,
            action,
        });
        Ok(())
    }
}

fn is_ready(file: BorrowedFd<'_>, flags: PollFlags) -> bool {
    let mut files = [PollFd::from_borrowed_fd(file, flags)];
    poll(&mut files, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// An error of the kernel in the machine's words: the numbers are Linux's.
pub fn errno(error: rustix::io::Errno) -> Errno {
    Errno(error.raw_os_error())
}

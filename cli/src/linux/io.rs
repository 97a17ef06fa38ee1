//! Descriptors of this Linux process, and what happens to them: the machine's `Io`.
//!
//! The standard files are shared with whoever started the tool, so they are never made non-blocking: they are asked before
//! each read and each short write. Pipes to programs are ours alone. Signals arrive through a socket that a handler writes to,
//! the end of a program through its pidfd; so one `poll` waits for everything.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{
    Child, Command, Descriptor, Event, Interest, Signal, SignalAction, SpawnError,
};

use super::children::{Children, signal_number};

/// Descriptors below are the standard files.
const STANDARD: u32 = 3;
/// What a pipe takes without blocking once it says that it takes anything (`PIPE_BUF`).
const SHORT_WRITE: usize = 4096;

/// Descriptors, programs and signals.
#[derive(Debug)]
pub struct LinuxIo {
    watched: BTreeMap<u32, Interest>,
    /// Pipes to programs, non-blocking.
    owned: BTreeMap<u32, OwnedFd>,
    children: Children,
    signals: Vec<Caught>,
    events: VecDeque<Event>,
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
        LinuxIo {
            watched: BTreeMap::new(),
            owned: BTreeMap::new(),
            children: Children::default(),
            signals: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Looks at everything, waiting for as long as `timeout` says; what has happened is queued.
    pub fn collect(&mut self, timeout: Option<&Timespec>) {
        if !self.events.is_empty() {
            return;
        }
        let mut what = Vec::new();
        let mut files = Vec::new();
        for (&number, &interest) in &self.watched {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, interest.read);
            flags.set(PollFlags::OUT, interest.write);
            // SAFETY: used for this poll alone; the kernel answers for a number that is no descriptor.
            let file = unsafe { BorrowedFd::borrow_raw(number as RawFd) };
            files.push(PollFd::from_borrowed_fd(file, flags));
            what.push(Polled::Stream(number, interest));
        }
        for (id, pidfd) in self.children.running() {
            files.push(PollFd::from_borrowed_fd(pidfd, PollFlags::IN));
            what.push(Polled::Child(id));
        }
        for (at, caught) in self.signals.iter().enumerate() {
            files.push(PollFd::new(&caught.receiver, PollFlags::IN));
            what.push(Polled::Signal(at));
        }
        // An error here is a signal that interrupted the sleep: waking for no reason is allowed.
        if poll(&mut files, timeout).is_err() {
            return;
        }
        let ready: Vec<_> = files.iter().map(PollFd::revents).collect();
        for (what, ready) in what.into_iter().zip(ready) {
            if !ready.is_empty() {
                self.polled(what, ready);
            }
        }
    }

    fn polled(&mut self, what: Polled, ready: PollFlags) {
        match what {
            Polled::Stream(number, _) if ready.contains(PollFlags::NVAL) => {
                self.watched.remove(&number);
                self.events.push_back(Event::Invalid(Descriptor(number)));
            }
            Polled::Stream(number, interest) => {
                // An error or the end shows when somebody reads or writes.
                let any = ready.intersects(PollFlags::HUP | PollFlags::ERR);
                let ready = Interest {
                    read: interest.read && (any || ready.contains(PollFlags::IN)),
                    write: interest.write && (any || ready.contains(PollFlags::OUT)),
                };
                if !ready.is_none() {
                    let event = Event::Ready(Descriptor(number), ready);
                    self.events.push_back(event);
                }
            }
            Polled::Child(id) => {
                if let Some(status) = self.children.reap(id) {
                    self.events.push_back(Event::ChildEnded(id, status));
                }
            }
            Polled::Signal(at) => {
                let caught = &mut self.signals[at];
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
    fn file(&self, descriptor: Descriptor) -> Result<(BorrowedFd<'_>, bool), Errno> {
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

    /// Closes a pipe to a program, and forgets what was looked for.
    pub fn close(&mut self, descriptor: Descriptor) {
        self.watched.remove(&descriptor.0);
        self.owned.remove(&descriptor.0);
        self.events
            .retain(|event| !matches!(event, Event::Ready(d, _) if *d == descriptor));
    }

    /// What to look for.
    pub fn watch(&mut self, descriptor: Descriptor, interest: Interest) {
        if interest.is_none() {
            self.watched.remove(&descriptor.0);
        } else {
            self.watched.insert(descriptor.0, interest);
        }
    }

    /// Runs a program.
    pub fn spawn(&mut self, command: &Command) -> Result<Child, SpawnError> {
        let (id, from, to) = self.children.spawn(command)?;
        let mut own = |file: Option<OwnedFd>| {
            let file = file?;
            let number = std::os::fd::AsRawFd::as_raw_fd(&file) as u32;
            debug_assert!(number >= STANDARD);
            self.owned.insert(number, file);
            Some(Descriptor(number))
        };
        let (from, to) = (own(from), own(to));
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
        signal_hook::low_level::pipe::register(signal_number(signal), sender).map_err(failed)?;
        self.signals.push(Caught {
            signal,
            receiver,
            action,
        });
        Ok(())
    }
}

/// What was polled.
enum Polled {
    Stream(u32, Interest),
    Child(u32),
    /// Position among the caught signals.
    Signal(usize),
}

fn is_ready(file: BorrowedFd<'_>, flags: PollFlags) -> bool {
    let mut files = [PollFd::from_borrowed_fd(file, flags)];
    poll(&mut files, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// An error of the kernel in the machine's words: the numbers are Linux's.
pub fn errno(error: rustix::io::Errno) -> Errno {
    Errno(error.raw_os_error())
}

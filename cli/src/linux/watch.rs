//! What is looked at: streams, programs and signals, all with one `epoll`.
//!
//! An idle stream costs nothing when the machine looks or sleeps, however many there are. What is wanted of a stream is told to the
//! kernel as late as possible: a stream that is looked at again before the next look, as sockets with `{active, once}` are, costs no
//! system call. Descriptors that `epoll` refuses (regular files, `/dev/null`) are polled beside it.
//!
//! Invariant: the kernel looks at a stream if and only if it is in `streams` with a `told` that is not empty. Called by
//! [`super::io::LinuxIo`] alone.

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use starling_vm::platform::io::Interest;

/// How many events are taken at once. More wait for the next look.
const BATCH: usize = 256;

/// What something happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A stream, by its number.
    Stream(u32),
    /// A program, by its number.
    Child(u32),
    /// A signal, by its position among those that are caught.
    Signal(u32),
}

impl Source {
    fn to_data(self) -> EventData {
        let (kind, number) = match self {
            Source::Stream(number) => (0, number),
            Source::Child(number) => (1, number),
            Source::Signal(number) => (2, number),
        };
        EventData::new_u64(kind << 32 | u64::from(number))
    }

    fn from_data(data: EventData) -> Source {
        let number = data.u64() as u32;
        match data.u64() >> 32 {
            0 => Source::Stream(number),
            1 => Source::Child(number),
            _ => Source::Signal(number),
        }
    }
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// This can be read or written, or has come.
    Ready(Source, Interest),
    /// There is no such stream; it is not looked at any more.
    Invalid(u32),
}

/// How the kernel is asked about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Epoll,
    Poll,
}

#[derive(Debug)]
struct Stream {
    wanted: Interest,
    /// What the kernel knows.
    told: Interest,
    how: How,
    /// Whether it is in `changed`.
    is_changed: bool,
}

/// What is looked at.
#[derive(Debug)]
pub struct Watcher {
    epoll: OwnedFd,
    streams: BTreeMap<u32, Stream>,
    /// Streams of which something else is wanted than the kernel knows.
    changed: Vec<u32>,
    /// Streams that are polled.
    polled: usize,
    events: Batch,
}

/// Room for what the kernel reports.
struct Batch(Vec<epoll::Event>);

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events", self.0.len())
    }
}

impl Watcher {
    /// Nothing is looked at.
    pub fn new() -> rustix::io::Result<Watcher> {
        Ok(Watcher {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            streams: BTreeMap::new(),
            changed: Vec::new(),
            polled: 0,
            events: Batch(Vec::with_capacity(BATCH)),
        })
    }

    /// What is wanted of a stream from now on.
    pub fn watch(&mut self, number: u32, wanted: Interest) {
        if wanted.is_none() && !self.streams.contains_key(&number) {
            return;
        }
        let stream = self.streams.entry(number).or_insert(Stream {
            wanted,
            told: Interest::NONE,
            how: How::Epoll,
            is_changed: false,
        });
        stream.wanted = wanted;
        if !stream.is_changed {
            stream.is_changed = true;
            self.changed.push(number);
        }
    }

    /// A stream is about to be closed.
    pub fn forget(&mut self, number: u32) {
        let Some(stream) = self.streams.remove(&number) else {
            return;
        };
        if stream.is_changed {
            self.changed.retain(|&changed| changed != number);
        }
        if stream.told.is_none() {
            return;
        }
        match stream.how {
            How::Poll => self.polled -= 1,
            // Closing does it as well, unless a program has just been forked that still holds a copy.
            How::Epoll => {
                let _ = epoll::delete(&self.epoll, borrow(number));
            }
        }
    }

    /// Looks at a program or a signal until its descriptor is closed.
    pub fn add(&self, file: BorrowedFd<'_>, source: Source) -> rustix::io::Result<()> {
        epoll::add(&self.epoll, file, source.to_data(), EventFlags::IN)
    }

    /// Looks at everything, waiting for as long as `timeout` says; what has happened is put into `found`. A wait may end
    /// early for no reason.
    pub fn look(&mut self, timeout: Option<&Timespec>, found: &mut Vec<Found>) {
        self.tell(found);
        let now = Timespec::default();
        let mut timeout = match found.is_empty() {
            true => timeout,
            false => Some(&now),
        };
        // `epoll` itself waits in whole milliseconds only, or for ever.
        let waits = timeout.is_some_and(|time| *time != now);
        if self.polled > 0 || waits {
            self.poll(timeout, found);
            timeout = Some(&now);
        }
        let events = &mut self.events.0;
        events.clear();
        // An error is a signal that interrupted it.
        let _ = epoll::wait(&self.epoll, spare_capacity(events), timeout);
        for event in events {
            let (source, flags) = (Source::from_data(event.data), event.flags);
            // An error or the end shows when somebody reads or writes.
            let any = flags.intersects(EventFlags::HUP | EventFlags::ERR);
            let mut ready = Interest {
                read: any || flags.contains(EventFlags::IN),
                write: any || flags.contains(EventFlags::OUT),
            };
            if let Source::Stream(number) = source {
                let Some(stream) = self.streams.get(&number) else {
                    continue;
                };
                ready.read &= stream.wanted.read;
                ready.write &= stream.wanted.write;
            }
            if !ready.is_none() {
                found.push(Found::Ready(source, ready));
            }
        }
    }

    /// Tells the kernel what has changed.
    fn tell(&mut self, found: &mut Vec<Found>) {
        let mut changed = std::mem::take(&mut self.changed);
        for number in changed.drain(..) {
            let Some(stream) = self.streams.get_mut(&number) else {
                continue;
            };
            stream.is_changed = false;
            let (before, after) = (stream.told, stream.wanted);
            stream.told = after;
            if before != after && stream.how == How::Poll {
                self.polled += usize::from(before.is_none());
                self.polled -= usize::from(after.is_none());
            } else if before != after {
                match tell_epoll(&self.epoll, number, before, after) {
                    Ok(()) => {}
                    Err(Errno::BADF) => {
                        self.streams.remove(&number);
                        found.push(Found::Invalid(number));
                        continue;
                    }
                    Err(_) => {
                        stream.how = How::Poll;
                        self.polled += usize::from(!after.is_none());
                    }
                }
            }
            if after.is_none() {
                self.streams.remove(&number);
            }
        }
        self.changed = changed;
    }

    /// Waits for whatever `epoll` has and for the streams that it does not take, and looks at the latter.
    fn poll(&mut self, timeout: Option<&Timespec>, found: &mut Vec<Found>) {
        let epoll = self.epoll.as_fd();
        let mut files = vec![PollFd::from_borrowed_fd(epoll, PollFlags::IN)];
        let mut numbers = Vec::new();
        if self.polled > 0 {
            let polled = self.streams.iter().filter(|(_, s)| s.how == How::Poll);
            for (&number, stream) in polled {
                let mut flags = PollFlags::empty();
                flags.set(PollFlags::IN, stream.wanted.read);
                flags.set(PollFlags::OUT, stream.wanted.write);
                files.push(PollFd::from_borrowed_fd(borrow(number), flags));
                numbers.push((number, stream.wanted));
            }
        }
        // An error here is a signal that interrupted the sleep: waking for no reason is allowed.
        if poll(&mut files, timeout).is_err() {
            return;
        }
        let flags: Vec<PollFlags> = files[1..].iter().map(PollFd::revents).collect();
        for ((number, wanted), flags) in numbers.into_iter().zip(flags) {
            if flags.contains(PollFlags::NVAL) {
                self.forget(number);
                found.push(Found::Invalid(number));
                continue;
            }
            let any = flags.intersects(PollFlags::HUP | PollFlags::ERR);
            let ready = Interest {
                read: wanted.read && (any || flags.contains(PollFlags::IN)),
                write: wanted.write && (any || flags.contains(PollFlags::OUT)),
            };
            if !ready.is_none() {
                found.push(Found::Ready(Source::Stream(number), ready));
            }
        }
    }
}

/// Tells `epoll` what is wanted of a stream: `before` is what it was told last.
fn tell_epoll(
    epoll: &OwnedFd,
    number: u32,
    before: Interest,
    after: Interest,
) -> rustix::io::Result<()> {
    let file = borrow(number);
    let data = Source::Stream(number).to_data();
    let mut flags = EventFlags::empty();
    flags.set(EventFlags::IN, after.read);
    flags.set(EventFlags::OUT, after.write);
    if after.is_none() {
        // It may have been closed by somebody else.
        let _ = epoll::delete(epoll, file);
        return Ok(());
    }
    if before.is_none() {
        return match epoll::add(epoll, file, data, flags) {
            Err(Errno::EXIST) => epoll::modify(epoll, file, data, flags),
            other => other,
        };
    }
    match epoll::modify(epoll, file, data, flags) {
        // Somebody else closed it, and the number means another file now.
        Err(Errno::NOENT) => epoll::add(epoll, file, data, flags),
        other => other,
    }
}

/// The descriptor of this number, for one system call.
fn borrow(number: u32) -> BorrowedFd<'static> {
    let number = RawFd::try_from(number).unwrap_or(RawFd::MAX);
    // SAFETY: used for one system call alone; the kernel answers for a number that is no descriptor.
    unsafe { BorrowedFd::borrow_raw(number) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    const READ: Interest = Interest {
        read: true,
        write: false,
    };
    const BOTH: Interest = Interest {
        read: true,
        write: true,
    };

    fn look(watcher: &mut Watcher) -> Vec<Found> {
        let mut found = Vec::new();
        watcher.look(Some(&Timespec::default()), &mut found);
        found
    }

    fn number(file: &impl AsRawFd) -> u32 {
        file.as_raw_fd() as u32
    }

    #[test]
    fn only_what_is_wanted_is_reported_and_as_long_as_it_lasts() {
        let mut watcher = Watcher::new().unwrap();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let stream = Source::Stream(number(&ours));
        watcher.watch(number(&ours), READ);
        assert_eq!(look(&mut watcher), []);
        theirs.write_all(b"x").unwrap();
        assert_eq!(look(&mut watcher), [Found::Ready(stream, READ)]);
        watcher.watch(number(&ours), BOTH);
        assert_eq!(look(&mut watcher), [Found::Ready(stream, BOTH)]);
        watcher.watch(number(&ours), Interest::NONE);
        assert_eq!(look(&mut watcher), []);
        watcher.watch(number(&ours), READ);
        assert_eq!(look(&mut watcher), [Found::Ready(stream, READ)]);
        ours.read_exact(&mut [0]).unwrap();
        assert_eq!(look(&mut watcher), []);
        drop(theirs);
        assert_eq!(look(&mut watcher), [Found::Ready(stream, READ)]);
        watcher.forget(number(&ours));
        assert_eq!(look(&mut watcher), []);
        assert!(watcher.streams.is_empty() && watcher.changed.is_empty());
    }

    #[test]
    fn a_look_waits_as_long_as_it_is_told() {
        let mut watcher = Watcher::new().unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        watcher.watch(number(&ours), READ);
        let writer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(30));
            theirs.write_all(b"x").unwrap();
            theirs
        });
        let mut found = Vec::new();
        let start = std::time::Instant::now();
        watcher.look(None, &mut found);
        let stream = Source::Stream(number(&ours));
        assert_eq!(found, [Found::Ready(stream, READ)]);
        assert!(start.elapsed().as_millis() >= 25);
        drop(writer.join().unwrap());
        watcher.watch(number(&ours), Interest::NONE);
        found.clear();
        let start = std::time::Instant::now();
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: 10_500_000,
        };
        watcher.look(Some(&limit), &mut found);
        assert_eq!(found, []);
        assert!(start.elapsed().as_micros() >= 10_500);
    }

    #[test]
    fn what_is_changed_back_in_time_never_reaches_the_kernel() {
        let mut watcher = Watcher::new().unwrap();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        watcher.watch(number(&ours), READ);
        watcher.watch(number(&ours), Interest::NONE);
        assert_eq!(watcher.changed.len(), 1);
        assert_eq!(look(&mut watcher), []);
        assert!(watcher.streams.is_empty() && watcher.changed.is_empty());
    }

    #[test]
    fn files_that_epoll_refuses_are_always_ready() {
        let mut watcher = Watcher::new().unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        let stream = Source::Stream(number(&null));
        watcher.watch(number(&null), READ);
        assert_eq!(look(&mut watcher), [Found::Ready(stream, READ)]);
        assert_eq!(watcher.polled, 1);
        let mut found = Vec::new();
        watcher.look(None, &mut found);
        assert_eq!(found, [Found::Ready(stream, READ)]);
        watcher.watch(number(&null), BOTH);
        assert_eq!(look(&mut watcher), [Found::Ready(stream, BOTH)]);
        watcher.watch(number(&null), Interest::NONE);
        assert_eq!(look(&mut watcher), []);
        assert_eq!(watcher.polled, 0);
    }

    #[test]
    fn a_number_that_is_no_descriptor_is_reported_once() {
        let mut watcher = Watcher::new().unwrap();
        watcher.watch(1_000_000, READ);
        assert_eq!(look(&mut watcher), [Found::Invalid(1_000_000)]);
        assert_eq!(look(&mut watcher), []);
    }

    #[test]
    fn a_number_that_means_another_file_now_is_looked_at_again() {
        let mut watcher = Watcher::new().unwrap();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut ours = OwnedFd::from(ours);
        watcher.watch(number(&ours), READ);
        assert_eq!(look(&mut watcher), []);
        let (other, _far) = UnixStream::pair().unwrap();
        rustix::io::dup2(&other, &mut ours).unwrap();
        watcher.watch(number(&ours), BOTH);
        let stream = Source::Stream(number(&ours));
        let writable = Interest {
            read: false,
            write: true,
        };
        assert_eq!(look(&mut watcher), [Found::Ready(stream, writable)]);
    }
}

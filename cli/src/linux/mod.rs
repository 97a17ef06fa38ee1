//! The machine's world on Linux: clock, entropy, console, sleep and memory by system calls.
//!
//! Output is buffered up to the end of a line, so that a program which prints in small pieces does not pay a
//! system call for each, and is flushed before the machine sleeps, reads or ends. Invariant: bytes leave in the order in
//! which they were written, also between standard output and standard error.

use std::io::Read as _;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{
    Child, Command, Descriptor, Event, Interest, Io, Signal, SignalAction, SpawnError,
    TerminalMode, WindowSize,
};
use starling_vm::platform::network::Network;
use starling_vm::platform::{CrashDumps, Host, Platform, Reservation, Stream};

use io::LinuxIo;
use terminal::Terminal;

mod children;
mod io;
mod large_blocks;
mod network;
mod reserve;
mod terminal;
mod watch;

/// Output is flushed when this much has gathered without the end of a line.
const OUTPUT_BUFFER: usize = 8 * 1024;
/// Exit status of a process whose reader went away: 128 + SIGPIPE, as shells report it.
const STATUS_BROKEN_PIPE: i32 = 141;
/// Exit status when output cannot be written for another reason, such as a full disk.
const STATUS_OUTPUT_FAILED: i32 = 74;

/// Nanoseconds without work from which on freed memory goes back to the system: a wait for the next message of a busy machine is shorter.
const LONG_IDLE: u64 = 100_000_000;

/// Enough of `/proc/meminfo` and `/proc/self/statm` for the numbers that are read there.
const PROC_TEXT: usize = 1024;

/// Linux, as the machine sees it. One per process.
#[derive(Debug)]
pub struct LinuxPlatform {
    /// Bytes not yet written, all for `pending_for`.
    pending: Vec<u8>,
    pending_for: Stream,
    io: LinuxIo,
    terminal: Terminal,
}

impl LinuxPlatform {
    /// A platform on the process's three standard files.
    pub fn new() -> Self {
        large_blocks::keep_small_blocks();
        LinuxPlatform {
            pending: Vec::with_capacity(OUTPUT_BUFFER),
            pending_for: Stream::Output,
            io: LinuxIo::new(),
            terminal: Terminal::new(),
        }
    }

    fn flush(&mut self) {
        let file = match self.pending_for {
            Stream::Output => rustix::stdio::stdout(),
            Stream::Error => rustix::stdio::stderr(),
        };
        if let Err(error) = write_all(file, &self.pending) {
            terminal::restore();
            if error == rustix::io::Errno::PIPE {
                std::process::exit(STATUS_BROKEN_PIPE);
            }
            // Standard error may be what failed; there is nobody left to tell then.
            eprintln!("starling: cannot write the program's output: {error}");
            std::process::exit(STATUS_OUTPUT_FAILED);
        }
        self.pending.clear();
    }
}

/// Writes all of `bytes`, whatever mode the file is in.
fn write_all(file: BorrowedFd<'_>, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(len) => bytes = &bytes[len..],
            Err(rustix::io::Errno::INTR) => {}
            // Somebody who shares the file made it non-blocking.
            Err(rustix::io::Errno::AGAIN) => {
                let mut files = [PollFd::new(&file, PollFlags::OUT)];
                match poll(&mut files, None) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn nanoseconds(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// The leading numbers of a kernel's release, such as `6.1.0-18-amd64`.
fn version_numbers(release: &str) -> [u32; 3] {
    let mut version = [0; 3];
    let numbers = release.split(|c: char| !c.is_ascii_digit());
    for (number, text) in version.iter_mut().zip(numbers) {
        *number = text.parse().unwrap_or(0);
    }
    version
}

/// Streams: what the console has not written yet goes first.
impl Io for LinuxPlatform {
    fn read(&mut self, descriptor: Descriptor, bytes: &mut [u8]) -> Result<usize, Errno> {
        self.flush();
        self.io.read(descriptor, bytes)
    }

    fn write(&mut self, descriptor: Descriptor, bytes: &[u8]) -> Result<usize, Errno> {
        self.flush();
        self.io.write(descriptor, bytes)
    }

    fn close(&mut self, descriptor: Descriptor) {
        self.io.close(descriptor);
    }

    fn watch(&mut self, descriptor: Descriptor, interest: Interest) {
        self.io.watch(descriptor, interest);
    }

    fn spawn(&mut self, command: &Command) -> Result<Child, SpawnError> {
        self.flush();
        self.io.spawn(command)
    }

    fn set_signal(&mut self, signal: Signal, action: SignalAction) -> Result<(), Errno> {
        self.io.set_signal(signal, action)
    }

    fn poll(&mut self) {
        self.io.collect(Some(&Timespec::default()));
    }

    fn is_terminal(&mut self, descriptor: Descriptor) -> bool {
        self.io.on_file(descriptor, terminal::is_terminal) == Some(true)
    }

    fn window_size(&mut self, descriptor: Descriptor) -> Option<WindowSize> {
        self.io.on_file(descriptor, terminal::window_size)?
    }

    fn has_lines(&mut self) -> bool {
        true
    }

    fn set_terminal(&mut self, mode: TerminalMode) -> Result<TerminalMode, Errno> {
        self.flush();
        if mode != TerminalMode::Original {
            self.io.restore_at_end();
        }
        self.terminal.set(mode)
    }

    fn next_event(&mut self) -> Option<Event> {
        self.io.next_event()
    }
}

impl Platform for LinuxPlatform {
    fn host(&mut self) -> Host {
        let bytes = |text: std::ffi::OsString| std::os::unix::ffi::OsStringExt::into_vec(text);
        Host {
            system: "linux",
            version: version_numbers(&rustix::system::uname().release().to_string_lossy()),
            process_id: std::process::id(),
            crash_dumps: CrashDumps::File,
            wants_polls: false,
            environment: std::env::vars_os()
                .map(|(name, value)| (bytes(name), bytes(value)))
                .collect(),
        }
    }

    fn monotonic_ns(&mut self) -> u64 {
        nanoseconds(ClockId::Monotonic) as u64
    }

    fn processor_ns(&mut self) -> Option<u64> {
        Some(nanoseconds(ClockId::ProcessCPUTime) as u64)
    }

    fn system_time_ns(&mut self) -> i64 {
        nanoseconds(ClockId::Realtime)
    }

    fn fill_entropy(&mut self, bytes: &mut [u8]) {
        let mut filled = 0;
        while filled < bytes.len() {
            match rustix::rand::getrandom(
                &mut bytes[filled..],
                rustix::rand::GetRandomFlags::empty(),
            ) {
                Ok(len) => filled += len,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    eprintln!("starling: the system gives no random bytes: getrandom: {error}");
                    std::process::exit(1);
                }
            }
        }
    }

    fn console_write(&mut self, stream: Stream, bytes: &[u8]) {
        if stream != self.pending_for {
            self.flush();
            self.pending_for = stream;
        }
        self.pending.extend_from_slice(bytes);
        if bytes.contains(&b'\n') || self.pending.len() >= OUTPUT_BUFFER {
            self.flush();
        }
    }

    fn console_read(&mut self, bytes: &mut [u8]) -> usize {
        self.flush();
        let stdin = rustix::stdio::stdin();
        let mut files = [PollFd::new(&stdin, PollFlags::IN)];
        if !poll(&mut files, Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
            return 0;
        }
        rustix::io::read(stdin, bytes).unwrap_or(0)
    }

    fn io(&mut self) -> &mut dyn Io {
        self
    }

    fn network(&mut self) -> Option<&mut dyn Network> {
        Some(&mut self.io)
    }

    fn idle_until(&mut self, deadline: Option<u64>) {
        self.flush();
        let left = deadline.map(|deadline| deadline.saturating_sub(self.monotonic_ns()));
        if left.is_none_or(|left| left >= LONG_IDLE) {
            large_blocks::release();
        }
        let timeout = left.map(|left| Timespec {
            tv_sec: (left / 1_000_000_000) as i64,
            tv_nsec: (left % 1_000_000_000) as i64,
        });
        self.io.collect(timeout.as_ref());
    }

    fn reserve(&mut self, len: usize) -> Option<Reservation> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a fresh anonymous mapping at an address of the system's choice touches nothing that exists.
        let base = unsafe {
            rustix::mm::mmap_anonymous(std::ptr::null_mut(), len, ProtFlags::empty(), flags)
        };
        let base = NonNull::new(base.ok()?.cast())?;
        Some(Reservation { base, len })
    }

    fn commit(&mut self, start: NonNull<u8>, len: usize) -> bool {
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the caller's range lies inside a reservation of ours (the trait's contract), where only
        // the machine has pages; giving them more rights invalidates nothing.
        unsafe { rustix::mm::mprotect(start.as_ptr().cast(), len, access) }.is_ok()
    }

    fn memory_available(&mut self) -> u64 {
        let mut buffer = [0; PROC_TEXT];
        let free = available_bytes(beginning("/proc/meminfo", &mut buffer));
        let free = free.unwrap_or_else(|| rustix::system::sysinfo().freeram as u64);
        let Some(limit) = getrlimit(Resource::As).current else {
            return free;
        };
        let taken = address_bytes(beginning("/proc/self/statm", &mut buffer)).unwrap_or(0);
        free.min(limit.saturating_sub(taken))
    }

    fn memory_is_low(&mut self) -> bool {
        reserve::is_spent()
    }

    fn host_name(&mut self) -> String {
        rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned()
    }

    fn halt(&mut self, status: u8) -> ! {
        self.flush();
        terminal::restore();
        std::process::exit(i32::from(status))
    }
}

/// The beginning of a small file; empty if it cannot be read. Allocates nothing: this is asked for when there is no memory.
fn beginning<'a>(path: &str, buffer: &'a mut [u8]) -> &'a str {
    let len = std::fs::File::open(path).and_then(|mut file| file.read(buffer));
    let text = &buffer[..len.unwrap_or(0)];
    text.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// The addresses that the process has taken, in bytes: the first number of `/proc/self/statm`, which counts pages.
fn address_bytes(statm: &str) -> Option<u64> {
    let pages: u64 = statm.split_whitespace().next()?.parse().ok()?;
    pages.checked_mul(rustix::param::page_size() as u64)
}

/// The line `MemAvailable` of `/proc/meminfo`, in bytes.
fn available_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_memory_is_zeroed_and_writable_and_commit_repeats() {
        let mut platform = LinuxPlatform::new();
        let reservation = platform.reserve(1 << 40).unwrap();
        assert_eq!(reservation.base.as_ptr() as usize % 4096, 0);
        // SAFETY: inside the reservation.
        let start = unsafe { reservation.base.add(1 << 30) };
        assert!(platform.commit(start, 8192));
        // SAFETY: just committed, and nobody else uses it.
        let page = unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), 8192) };
        assert!(page.iter().all(|&byte| byte == 0));
        page[8191] = 7;
        assert!(platform.commit(start, 8192));
        assert_eq!(page[8191], 7);
    }

    #[test]
    fn sleeping_ends_at_the_deadline_and_clocks_run() {
        let mut platform = LinuxPlatform::new();
        let start = platform.monotonic_ns();
        platform.idle_until(Some(start + 20_000_000));
        let slept = platform.monotonic_ns() - start;
        assert!(slept >= 20_000_000, "{slept}");
        platform.idle_until(Some(start));
        assert!(platform.system_time_ns() > 1_600_000_000 * 1_000_000_000);
    }

    #[test]
    fn entropy_is_not_constant() {
        let mut platform = LinuxPlatform::new();
        let (mut a, mut b) = ([0; 700], [0; 700]);
        platform.fill_entropy(&mut a);
        platform.fill_entropy(&mut b);
        assert_ne!(a, b);
    }

    #[test]
    fn the_host_is_linux() {
        assert_eq!(version_numbers("6.1.0-18-amd64"), [6, 1, 0]);
        assert_eq!(version_numbers("6.12"), [6, 12, 0]);
        let host = LinuxPlatform::new().host();
        assert_eq!(
            (host.system, host.process_id),
            ("linux", std::process::id())
        );
        assert!(host.version[0] >= 2);
        assert!(host.environment.iter().any(|(name, _)| name == b"PATH"));
    }

    #[test]
    fn meminfo_is_read() {
        assert_eq!(
            available_bytes("MemTotal: 9 kB\nMemAvailable:   12 kB\n"),
            Some(12288)
        );
        assert_eq!(available_bytes("MemTotal: 9 kB\n"), None);
        assert!(LinuxPlatform::new().memory_available() > 1 << 20);
        assert_eq!(
            address_bytes("25 7 3 1 0 9 0\n"),
            Some(25 * rustix::param::page_size() as u64)
        );
        assert_eq!(address_bytes(""), None);
    }
}

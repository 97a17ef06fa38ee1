//! The one seam between the machine and the world.
//!
//! Everything that the machine cannot do by itself is asked of a [`Platform`]:
//! the clock, entropy, the console, sleeping, memory with a fixed place, and
//! turning itself off. The guest implements it on Xen (`kernel`), the tool on
//! Linux (`cli`). Nothing under `vm/` has a `cfg` on the platform.
//!
//! Invariant: no method may call back into the machine, and none is on the path
//! of an instruction, so dynamic dispatch costs nothing that can be measured.

pub mod domain;
pub mod io;
pub mod network;

use alloc::string::String;
use alloc::vec::Vec;
use core::ptr::NonNull;
use domain::Domain;
use io::Io;
use network::Network;

/// Where console output goes. Xen has one console; Linux keeps the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What the program prints: `erlang:display/1` and the like.
    Output,
    /// What the machine says about itself: errors of processes, fatal ends.
    Error,
}

/// Address space that is reserved at once and given memory as it is needed.
#[derive(Clone, Copy, Debug)]
pub struct Reservation {
    /// First byte; page-aligned.
    pub base: NonNull<u8>,
    /// Length in bytes; a multiple of the page size.
    pub len: usize,
}

/// What programs may know of the system below the machine.
#[derive(Clone, Debug)]
pub struct Host {
    /// The second half of `os:type/0`.
    pub system: &'static str,
    /// `os:version/0`.
    pub version: [u32; 3],
    /// `os:getpid/0`.
    pub process_id: u32,
    /// Environment variables: names and values.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where crash dumps go.
    pub crash_dumps: CrashDumps,
    /// Whether [`Io::poll`] must be called now and then even if nothing is watched: the platform has work of its own.
    pub wants_polls: bool,
}

/// Where crash dumps go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashDumps {
    /// To a file, whole.
    File,
    /// To the console, short.
    Console,
}

impl Default for Host {
    /// No system but the machine itself.
    fn default() -> Host {
        let mut version = [0; 3];
        for (number, text) in version.iter_mut().zip(env!("CARGO_PKG_VERSION").split('.')) {
            *number = text.parse().unwrap_or(0);
        }
        Host {
            system: "starling",
            version,
            process_id: 1,
            environment: Vec::new(),
            crash_dumps: CrashDumps::Console,
            wants_polls: false,
        }
    }
}

/// The world, as the machine sees it.
pub trait Platform {
    /// What there is below the machine. Asked once, when it starts.
    fn host(&mut self) -> Host {
        Host::default()
    }

    /// Nanoseconds since an arbitrary start; never goes back.
    fn monotonic_ns(&mut self) -> u64;

    /// Nanoseconds of processor time that the machine has used, where somebody else shares the processor and counts them. `None`: it is busy
    /// whenever it does not sleep.
    fn processor_ns(&mut self) -> Option<u64> {
        None
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z; may jump.
    fn system_time_ns(&mut self) -> i64;

    /// Fills `bytes` with random bytes fit for seeds and keys.
    fn fill_entropy(&mut self, bytes: &mut [u8]);

    /// Writes all of `bytes`; output is never dropped while the machine runs.
    fn console_write(&mut self, stream: Stream, bytes: &[u8]);

    /// Reads what has been typed, without waiting; 0 if nothing is there.
    fn console_read(&mut self, bytes: &mut [u8]) -> usize;

    /// Streams, programs and signals.
    fn io(&mut self) -> &mut dyn Io;

    /// Sockets, if there can be any.
    fn network(&mut self) -> Option<&mut dyn Network> {
        None
    }

    /// What is known of the domain, if the machine is one.
    fn domain(&mut self) -> Option<&mut dyn Domain> {
        None
    }

    /// Sleeps until `deadline` on the clock of [`Platform::monotonic_ns`], until an event
    /// arrives, or for no reason at all; `None` waits for an event alone.
    fn idle_until(&mut self, deadline: Option<u64>);

    /// Reserves `len` bytes of address space with no memory behind them yet.
    /// Called a small number of times at boot; never given back.
    fn reserve(&mut self, len: usize) -> Option<Reservation>;

    /// Puts zeroed, writable memory behind `len` bytes at `start`, both multiples of 4096 and
    /// inside a reservation. False if there is no memory left. Committing twice is harmless.
    fn commit(&mut self, start: NonNull<u8>, len: usize) -> bool;

    /// Bytes of memory the machine may still hope to allocate, for messages and limits.
    fn memory_available(&mut self) -> u64;

    /// Whether so little memory is left that small requests may fail soon: then whoever holds the most of it ends. Asked after every
    /// turn, so it must cost next to nothing. A platform without a limit has no such moment.
    fn memory_is_low(&mut self) -> bool {
        false
    }

    /// The name of the host. A guest has none unless it is given one: then it is what every host calls itself.
    fn host_name(&mut self) -> String {
        String::from("localhost")
    }

    /// Flushes the console and ends the machine with `status` (0 is success), as `erlang:halt/1`
    /// defines it. The only way out.
    fn halt(&mut self, status: u8) -> !;
}

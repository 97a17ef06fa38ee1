//! What a machine can be asked to do differently, with OTP's defaults.
//!
//! [`flags`](super::flags) makes it from the command line. The machine takes limits and heap sizes from it when it is made, and
//! keeps it: built-in functions read the rest.

use crate::atom::ATOM_LIMIT;
use crate::memory::gc::heap_size;
use crate::process::table::PROCESS_LIMIT;
use crate::process::{FULLSWEEP_AFTER, MIN_HEAP_WORDS, MaxHeapSize};
use crate::time::warp::Mode;
use alloc::string::String;
use alloc::vec::Vec;

/// Least number of ETS tables that can be set, and the default (`system_info(ets_limit)`).
const ETS_TABLES: usize = 8192;

/// What a machine was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Collect at every allocation (`+gcstress`): finds terms that are kept across a collection.
    pub collect_always: bool,
    /// Let others run wherever a built-in function may (`+pausestress`): finds what is kept across a pause, and is not there any more.
    pub pause_always: bool,
    /// Refuse `.beam` files (`-nobeam`).
    pub no_beam: bool,
    /// There is no OTP (`--bare`).
    pub bare: bool,
    /// Most processes (`+P`).
    pub process_limit: usize,
    /// Most ports (`+Q`).
    pub port_limit: usize,
    /// Most atoms (`+t`).
    pub atom_limit: usize,
    /// `system_info(ets_limit)` (`+e`, `ERL_MAX_ETS_TABLES`), which limits nothing, in OTP neither.
    pub ets_tables: usize,
    /// Smallest heap of a process, in words (`+hms`).
    pub min_heap_size: usize,
    /// What a process may grow to (`+hmax`, `+hmaxk`, `+hmaxel`).
    pub max_heap_size: MaxHeapSize,
    /// Whether new processes keep their messages off the heap (`+hmqd`).
    pub messages_off_heap: bool,
    /// Minor collections between full sweeps (`ERL_FULLSWEEP_AFTER`).
    pub fullsweep_after: u32,
    /// How file names are encoded: the letters of `+fn`, none if the locale decides.
    pub file_names: String,
    /// Whether `io:printable_range/0` is `unicode` rather than `latin1` (`+pc`).
    pub printable_unicode: bool,
    /// What `error_logger` makes of warnings (`+W`).
    pub warnings: Warnings,
    /// `system_info(dist_buf_busy_limit)`, in bytes (`+zdbbl`).
    pub dist_buf_busy_limit: usize,
    /// When the time offset may change (`+C`); the release says it if nobody else does ([`Mode::of_release`](crate::time::warp::Mode::of_release)).
    pub time_warp: Option<Mode>,
    /// `system_info(time_correction)` (`+c`): monotonic time is the platform's either way.
    pub time_correction: bool,
    /// What Ctrl-C does (`+B`).
    pub break_key: BreakKey,
    /// Whether a fatal error of the machine's own writes a crash dump (`+d` turns that off).
    pub crash_dump: bool,
    /// The module that `erl_init` boots (`+i`).
    pub boot_module: Vec<u8>,
}

/// What becomes of warnings: `error_logger:warning_map/0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warnings {
    /// Errors.
    Error,
    /// Warnings.
    Warning,
    /// Information.
    Info,
}

/// What Ctrl-C does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakKey {
    /// OTP's default: a menu.
    Asks,
    /// The machine ends (`+B`, `+Bd`).
    Ends,
    /// Nothing (`+Bi`).
    Ignored,
    /// The shell's evaluation is interrupted (`+Bc`).
    Interrupts,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            collect_always: false,
            pause_always: false,
            no_beam: false,
            bare: false,
            process_limit: PROCESS_LIMIT,
            port_limit: 65_536,
            atom_limit: ATOM_LIMIT,
            ets_tables: ETS_TABLES,
            min_heap_size: MIN_HEAP_WORDS,
            max_heap_size: MaxHeapSize {
                words: 0,
                kill: true,
                error_logger: true,
                include_shared_binaries: false,
            },
            messages_off_heap: false,
            fullsweep_after: FULLSWEEP_AFTER,
            file_names: String::new(),
            printable_unicode: false,
            warnings: Warnings::Warning,
            dist_buf_busy_limit: 1 << 20,
            time_warp: None,
            time_correction: true,
            break_key: BreakKey::Asks,
            crash_dump: true,
            boot_module: b"init".to_vec(),
        }
    }
}

impl Options {
    /// Sets the number of ETS tables; there are never fewer than the default.
    pub(super) fn set_ets_tables(&mut self, tables: i64) {
        self.ets_tables = usize::try_from(tables).unwrap_or(0).max(ETS_TABLES);
    }

    /// Sets the smallest heap, rounded up to a size that heaps have; `None` if `words` is not positive.
    pub(super) fn set_min_heap(&mut self, words: i64) -> Option<()> {
        let words = usize::try_from(words).ok().filter(|&words| words > 0)?;
        // More than the address space has would only overflow.
        self.min_heap_size = heap_size(words.clamp(MIN_HEAP_WORDS, 1 << 40));
        Some(())
    }
}

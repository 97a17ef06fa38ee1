//! The machine: everything that exists once.
//!
//! Invariant: the X registers are the first field, so that the interpreter's pointer to the machine
//! is also the pointer to X[0].

use crate::atom::{AtomTable, am};
use crate::bif;
pub use crate::boot::options::Options;
use crate::boot::{Arguments, ModuleStore};
use crate::code::Code;
use crate::code::cache::ConvertedModules;
use crate::code::link::LinkError;
use crate::code::literals::LiteralArea;
use crate::dist::{self, Distribution};
use crate::environment::Environment;
use crate::ets::Tables;
use crate::fs::FileSystem;
use crate::fs::names::NativeNames;
use crate::interp::cpu::Handler;
use crate::interp::table::HANDLERS;
use crate::interp::trace;
use crate::memory::resource::Resources;
use crate::observe::Observer;
use crate::os_signal::Handled;
use crate::platform::{Host, Platform, Stream};
use crate::port::{self, Ports};
use crate::process::population::Processes;
use crate::process::reference::References;
use crate::sched::Scheduler;
use crate::shared::persistent::PersistentTerms;
use crate::term::{Atom, Term, print};
use crate::terminal::capabilities::Capabilities;
use crate::time::Timers;
use crate::time::clock::Clock;
use crate::time::zone::Zone;
use crate::tracing::Tracing;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::ops::Range;
use starling_loader::isa::{FLOAT_REGISTERS, X_REGISTERS};
use starling_loader::operation::OPCODES;

/// How often the collector ran.
#[derive(Clone, Copy, Debug, Default)]
pub struct Collections {
    /// Minor collections.
    pub minor: u64,
    /// Full sweeps.
    pub full: u64,
    /// Words that they freed.
    pub reclaimed: u64,
}

/// The release whose behaviour a bare machine has.
const BARE_RELEASE: &str = "25";
const BARE_RELEASE_NUMBER: u32 = 25;
/// The version of that release's runtime system.
const BARE_ERTS_VERSION: &str = "13.1.5";

/// One Erlang machine.
#[repr(C)]
pub struct Machine {
    /// The X registers of the running process.
    pub x: [Term; X_REGISTERS],
    /// What runs for each opcode. The interpreter holds the machine's address in a register: from there the
    /// way to a handler is one jump.
    pub(crate) handlers: [Handler; OPCODES],
    /// The floating point registers of the running process.
    pub float: [f64; FLOAT_REGISTERS],
    /// All atoms.
    pub atoms: AtomTable,
    /// The addresses of literals, which nobody copies.
    pub literals: Range<usize>,
    /// Where literals live.
    pub literal_area: LiteralArea,
    /// Loaded code.
    pub code: Code,
    /// Where modules come from that are not loaded yet.
    pub modules: Box<dyn ModuleStore>,
    /// Where conversions are remembered.
    pub converted: Box<dyn ConvertedModules>,
    /// Directories and files.
    pub files: Box<dyn FileSystem>,
    /// How the names of files are read.
    pub native_names: NativeNames,
    /// All processes.
    pub processes: Processes,
    /// All ports.
    pub ports: Ports,
    /// Other nodes.
    pub distribution: Distribution,
    /// Signals of the host that programs get.
    pub handled_signals: Handled,
    /// All timers.
    pub timers: Timers,
    /// What the terminal can do that a program asks about by the names of termcap.
    pub capabilities: Option<Capabilities>,
    /// All ETS tables.
    pub ets: Tables,
    /// What stands behind references.
    pub resources: Resources,
    /// Terms of `persistent_term`.
    pub persistent_terms: PersistentTerms,
    /// What is fixed about time.
    pub clock: Clock,
    /// What local time is told in, once it has been asked for.
    pub time_zone: Option<Zone>,
    /// What OTP's tests have changed.
    pub(crate) internal_state: bif::InternalState,
    /// Who is told what about the machine.
    pub observer: Observer,
    /// What the run loop counts.
    pub scheduler: Scheduler,
    /// What the machine was asked to do differently.
    pub options: Options,
    /// What programs may read of the command line.
    pub arguments: Arguments,
    /// The OTP release that runs, such as `25`; what `erlang:system_info(otp_release)` says.
    pub release: String,
    /// The version of its runtime system, such as `13.1.5`; what `erlang:system_info(version)` says.
    pub erts_version: String,
    /// How often the collector ran.
    pub collections: Collections,
    /// The system below; its environment variables have moved to `environment`.
    pub host: Host,
    /// Environment variables.
    pub environment: Environment,
    /// How the network says that this host is called, if it does: [`crate::naming::host_name`].
    pub host_name: Option<String>,
    /// Whether Ctrl-C is being asked about.
    pub menu_is_shown: bool,
    /// Who gets what the machine has to say: `logger` (whatever process has that name), a pid, or `undefined` (nobody).
    pub system_logger: Term,
    /// What is traced.
    pub tracing: Tracing,
    /// `system_flag(backtrace_depth, _)`.
    pub backtrace_depth: usize,
    /// The world.
    pub platform: Box<dyn Platform>,
}

impl Machine {
    /// Most entries of an exception's stack trace. There is always one, even at a depth of 0.
    pub fn trace_depth(&self) -> usize {
        self.backtrace_depth.max(1)
    }

    /// A machine without processes. It is never freed, and never moves: code and processes hold its address.
    /// The platform comes back if it has no room for literals.
    pub fn leak(
        mut platform: Box<dyn Platform>,
        modules: Box<dyn ModuleStore>,
        converted: Box<dyn ConvertedModules>,
        files: Box<dyn FileSystem>,
        options: Options,
    ) -> Result<&'static mut Machine, Box<dyn Platform>> {
        let Some(literal_area) = LiteralArea::reserve(&mut *platform) else {
            return Err(platform);
        };
        let mut atoms = AtomTable::new();
        atoms.limit = options.atom_limit;
        let code = Code::new(&mut atoms, bif::TABLES);
        let mut seed = [0; 8];
        platform.fill_entropy(&mut seed);
        let now = platform.monotonic_ns();
        let names = files.native_names();
        let mut host = platform.host();
        let environment = Environment::new(core::mem::take(&mut host.environment));
        Ok(Box::leak(Box::new(Machine {
            x: [Term::NIL; X_REGISTERS],
            handlers: HANDLERS,
            float: [0.0; FLOAT_REGISTERS],
            atoms,
            literals: literal_area.range(),
            literal_area,
            code,
            modules,
            converted,
            capabilities: None,
            native_names: names.with_flag(&options.file_names).unwrap_or(names),
            files,
            processes: Processes::new(References::new(u64::from_le_bytes(seed)), &options),
            ports: Ports::new(options.port_limit),
            distribution: Distribution::new(),
            handled_signals: Handled::default(),
            timers: Timers::new(now),
            ets: Tables::new(),
            resources: Resources::new(),
            persistent_terms: PersistentTerms::new(),
            clock: Clock::new(&mut *platform),
            time_zone: None,
            internal_state: bif::InternalState::new(),
            observer: Observer::new(),
            scheduler: Scheduler::new(),
            options,
            arguments: Arguments::default(),
            release: String::from(BARE_RELEASE),
            erts_version: String::from(BARE_ERTS_VERSION),
            collections: Collections::default(),
            host,
            environment,
            host_name: None,
            menu_is_shown: false,
            system_logger: am::LOGGER.term(),
            tracing: Tracing::new(),
            backtrace_depth: trace::DEPTH,
            platform,
        })))
    }

    /// The OTP release as a number, such as 25: for what a release changed in the behaviour of a built-in function.
    pub fn release_number(&self) -> u32 {
        self.release.parse().unwrap_or(BARE_RELEASE_NUMBER)
    }

    /// A line on the error stream.
    pub fn report(&mut self, line: &str) {
        self.console_write(Stream::Error, line.as_bytes());
        self.console_write(Stream::Error, b"\n");
    }

    /// Writes to the console, behind what ports have been given for it.
    pub fn console_write(&mut self, stream: Stream, bytes: &[u8]) {
        port::events::flush(self, true);
        self.platform.console_write(stream, bytes);
    }

    /// Ends the machine with `status`, after the ports have written what they were given.
    pub fn halt(&mut self, status: u8) -> ! {
        dist::flush(self);
        port::events::flush(self, false);
        self.platform.halt(status)
    }

    /// A term as `erlang:display/1` prints it.
    pub fn text(&self, term: Term) -> String {
        match print::to_bytes(&self.atoms, term) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => String::from("(a term too large to print)"),
        }
    }

    /// Says why a module that is there could not be loaded. The call that asked for it is `undef`.
    pub fn report_load_error(&mut self, module: Atom, error: &LinkError) {
        let message = format!("Loading of {} failed: {error}", self.atoms.name(module));
        self.report(&message);
    }
}

//! Flags of a tracee: what its tracer is told of, and how.
//!
//! Names and the order in which `trace_info/2` lists them are those of OTP's `erts/doc` for `erlang:trace/3`.

use crate::atom::AtomTable;
use crate::bif::Fail;
use crate::memory::arena::Arena;
use crate::term::Term;

/// A set of flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(u32);

macro_rules! flags {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        #[repr(u32)]
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "numbers the constants below")]
        enum Bit { $($constant),* }
        impl Flags {
            $($(#[$doc])* pub const $constant: Flags = Flags(1 << Bit::$constant as u32);)*
            /// All of them.
            pub const ALL: Flags = Flags(0 $(| 1 << Bit::$constant as u32)*);
        }
        /// Each with its name, in the reverse of the order in which they are listed.
        const NAMES: &[(Flags, &str)] = &[$((Flags::$constant, $name)),*];
    };
}

flags! {
    /// With `erlang:now/0` or, if so asked, the processor's time.
    TIMESTAMP = "timestamp";
    /// With monotonic time and a unique integer.
    STRICT_MONOTONIC = "strict_monotonic_timestamp";
    /// With monotonic time.
    MONOTONIC = "monotonic_timestamp";
    /// Messages that are sent.
    SEND = "send";
    /// Messages that arrive.
    RECEIVE = "receive";
    /// Processes that are spawned are traced, too.
    SET_ON_SPAWN = "set_on_spawn";
    /// Calls of functions that have a pattern.
    CALL = "call";
    /// Beginning, end, links and names.
    PROCS = "procs";
    /// As `SET_ON_SPAWN`, for the first process.
    SET_ON_FIRST_SPAWN = "set_on_first_spawn";
    /// Processes that it links to are traced, too.
    SET_ON_LINK = "set_on_link";
    /// As `SET_ON_LINK`, for the first process.
    SET_ON_FIRST_LINK = "set_on_first_link";
    /// When it gets the processor, and gives it up.
    RUNNING = "running";
    /// The same, of a process that exits.
    EXITING = "exiting";
    /// Collections of garbage.
    GARBAGE_COLLECTION = "garbage_collection";
    /// Calls show the number of arguments only.
    ARITY = "arity";
    /// To which function a traced one returns.
    RETURN_TO = "return_to";
    /// Calls are not told.
    SILENT = "silent";
    /// With the number of the scheduler.
    SCHEDULER_ID = "scheduler_id";
    /// Ports that are opened, closed, linked and named.
    PORTS = "ports";
    /// When a port runs.
    RUNNING_PORTS = "running_ports";
    /// As `RUNNING`.
    RUNNING_PROCS = "running_procs";
}

impl Flags {
    /// None.
    pub const NONE: Flags = Flags(0);

    /// How the tracer is told; what processes and ports share.
    pub const MODIFIERS: Flags = Flags(
        Flags::SILENT.0
            | Flags::TIMESTAMP.0
            | Flags::STRICT_MONOTONIC.0
            | Flags::MONOTONIC.0
            | Flags::SCHEDULER_ID.0,
    );

    /// What ports can be asked for.
    pub const OF_PORTS: Flags = Flags(
        Flags::MODIFIERS.0
            | Flags::PORTS.0
            | Flags::SEND.0
            | Flags::RECEIVE.0
            | Flags::RUNNING_PORTS.0,
    );

    /// What processes can be asked for.
    pub const OF_PROCESSES: Flags =
        Flags(Flags::ALL.0 & !(Flags::PORTS.0 | Flags::RUNNING_PORTS.0));

    /// Both.
    #[inline]
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// Those that are not in the other.
    #[inline]
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    /// Those that are in both.
    #[inline]
    pub const fn and(self, other: Flags) -> Flags {
        Flags(self.0 & other.0)
    }

    /// Whether one of the other's is here.
    #[inline]
    pub const fn any(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// As a number, for a frame on a stack.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The flag of that name; `all` is all of them.
    pub fn named(name: &str) -> Option<Flags> {
        if name == "all" {
            return Some(Flags::ALL);
        }
        let found = NAMES.iter().find(|(_, known)| *known == name)?;
        Some(found.0)
    }

    /// The list of their names.
    pub fn list(self, atoms: &mut AtomTable, arena: &mut impl Arena) -> Result<Term, Fail> {
        let mut list = Term::NIL;
        for (flag, name) in NAMES {
            if self.any(*flag) {
                let name = atoms.insert_static(name)?;
                list = arena.cons(name.term(), list)?;
            }
        }
        Ok(list)
    }
}

//! The world's streams of bytes, and the programs it can run: what ports are made of.
//!
//! A stream has a small number, as POSIX has it. 0, 1 and 2 are there from the start: on Linux the process's standard files, in
//! a domain the console (0 is what is typed, 1 and 2 go to the screen). More come from [`Io::spawn`].
//!
//! Invariant: no method waits. Waiting is [`super::Platform::idle_until`], which ends when something happens to a stream that is
//! watched, when a program ends, or when a signal comes; [`Io::next_event`] then says what it was. Called by `crate::port`.

use crate::environment::Environment;
use crate::fs::errno::Errno;
use alloc::vec::Vec;

/// Number of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Descriptor(pub u32);

/// What to look for on a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Whether something can be read, or the end has been reached.
    pub read: bool,
    /// Whether something can be written, or nobody reads any more.
    pub write: bool,
}

impl Interest {
    /// Nothing.
    pub const NONE: Interest = Interest {
        read: false,
        write: false,
    };

    /// What either looks for.
    pub fn or(self, other: Interest) -> Interest {
        Interest {
            read: self.read || other.read,
            write: self.write || other.write,
        }
    }

    /// Whether this looks for nothing.
    pub fn is_none(self) -> bool {
        self == Interest::NONE
    }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildStatus {
    /// It returned this.
    Exited(u8),
    /// This signal killed it.
    Killed(u8),
}

impl ChildStatus {
    /// As shells count, and `exit_status` of a port: 128 is added to the number of a signal.
    pub fn code(self) -> u32 {
        match self {
            ChildStatus::Exited(code) => code.into(),
            ChildStatus::Killed(signal) => 128 + u32::from(signal),
        }
    }
}

/// Signals that OTP has names for, and those of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Signal {
    Hangup,
    Quit,
    Abort,
    Alarm,
    Terminate,
    User1,
    User2,
    Child,
    Stop,
    WindowChange,
    Continue,
    Interrupt,
}

/// What is to become of a signal: `os:set_signal/2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalAction {
    /// What the system does without us.
    Default,
    /// Nothing.
    Ignore,
    /// It becomes an [`Event::Signal`].
    Report,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// What was looked for on a watched stream.
    Ready(Descriptor, Interest),
    /// There is no such stream; it is not watched any more.
    Invalid(Descriptor),
    /// The program of this number has ended.
    ChildEnded(u32, ChildStatus),
    /// A signal came.
    Signal(Signal),
    /// The network told the machine something about names: [`super::network::Network::naming`].
    Naming,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A line for the shell.
    Shell(Vec<u8>),
    /// An executable file, and all of its arguments, the 0th included.
    File {
        /// Its path.
        path: Vec<u8>,
        /// Its arguments.
        arguments: Vec<Vec<u8>>,
    },
}

/// A program that is to run beside the machine.
#[derive(Clone, Debug)]
pub struct Command {
    /// What to run.
    pub program: Program,
    /// Where, if not where the machine does.
    pub directory: Option<Vec<u8>>,
    /// Its environment.
    pub environment: Environment,
    /// Whether the machine reads what it writes.
    pub from: bool,
    /// Whether the machine writes what it reads.
    pub to: bool,
    /// Whether it reads from 0 and writes to 1, or, without this, from 3 and to 4.
    pub standard: bool,
    /// Whether what it writes to 2 goes the same way as what it writes to 1.
    pub error_to_output: bool,
}

/// A program that runs.
#[derive(Clone, Copy, Debug)]
pub struct Child {
    /// Its number; [`Event::ChildEnded`] will name it.
    pub id: u32,
    /// Where the machine reads what it writes.
    pub from: Option<Descriptor>,
    /// Where the machine writes what it reads.
    pub to: Option<Descriptor>,
}

/// Why a program does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// It cannot be run: no such file, no right to run it, no more processes.
    Refused(Errno),
    /// It was begun and ended before its first instruction: its directory is not there, or the file is no program.
    StillBorn(Errno),
}

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSize {
    /// Characters of a row.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
}

/// How a terminal treats what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalMode {
    /// As it did before the machine started.
    Original,
    /// As the machine wants it.
    Keys {
        /// Whether whole lines are read, which the terminal lets its user edit, or single keys.
        lines: bool,
        /// Whether the terminal shows what is typed.
        echo: bool,
        /// Whether Ctrl-C is [`Signal::Interrupt`] and not a key like others.
        interrupt: bool,
    },
}

/// Streams, programs and signals of the world.
pub trait Io {
    /// Reads what there is. 0 is the end; `EAGAIN` if there is nothing now.
    fn read(&mut self, descriptor: Descriptor, bytes: &mut [u8]) -> Result<usize, Errno>;

    /// Writes as much as can be taken now; `EAGAIN` if that is nothing.
    fn write(&mut self, descriptor: Descriptor, bytes: &[u8]) -> Result<usize, Errno>;

    /// Gives a stream back that came from [`Io::spawn`]; of others, nothing but the watch ends.
    fn close(&mut self, descriptor: Descriptor);

    /// What to look for on a stream from now on.
    fn watch(&mut self, descriptor: Descriptor, interest: Interest);

    /// Runs a program.
    fn spawn(&mut self, command: &Command) -> Result<Child, SpawnError>;

    /// What is to become of a signal; `EINVAL` if the world has no signals or not this one.
    fn set_signal(&mut self, signal: Signal, action: SignalAction) -> Result<(), Errno>;

    /// Looks at everything that is watched; what has happened is among the events afterwards.
    fn poll(&mut self);

    /// The next thing that has happened. A stream that stays ready is reported once for each [`Io::poll`] or sleep.
    fn next_event(&mut self) -> Option<Event>;

    /// Whether the stream is a terminal.
    fn is_terminal(&mut self, descriptor: Descriptor) -> bool;

    /// How large the terminal is, if the stream is one and says so.
    fn window_size(&mut self, descriptor: Descriptor) -> Option<WindowSize>;

    /// Whether whoever has the other end of stream 0 makes lines of what is typed there and shows it, unless told otherwise.
    fn has_lines(&mut self) -> bool;

    /// How the terminal of stream 0 treats what is typed from now on; how it did before. The machine's end brings
    /// [`TerminalMode::Original`] back. `ENOTSUP`: it cannot do that.
    fn set_terminal(&mut self, mode: TerminalMode) -> Result<TerminalMode, Errno>;
}

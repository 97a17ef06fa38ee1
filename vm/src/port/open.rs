//! Making ports: `open_port/2`'s arguments, and the driver that they ask for.

use super::Port;
use super::deliver::Lines;
use super::driver::{self, Driver, Handle};
use super::drivers::{LINKED_IN, Open, fd, spawn, vanilla};
use super::stream::{Framing, Limits};
use crate::atom::{AtomTable, am};
use crate::bits::view::view;
use crate::fs::errno::Errno;
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::platform::io::{Descriptor, Program};
use crate::process::signal::link;
use crate::process::try_box;
use crate::term::{Cons, Term};
use crate::tracing::port_event;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of a line with the option `line` alone.
const LINE_BYTES: usize = 512;

/// The largest limit that `busy_limits_port` takes: less than all bits set.
const MAX_LIMIT: i64 = crate::term::MAX_SMALL;

/// What is different in the environment of a program: names, and values or nothing. Later ones win.
pub type EnvironmentChanges = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Why there is no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The name is none, or does not go with the options.
    BadName,
    /// There is a bad option.
    BadOption,
    /// There are as many ports as there may be.
    SystemLimit,
    /// The driver could not begin.
    Posix(Errno),
    /// The process that asked has no memory left.
    NoMemory,
}

impl From<NoMemory> for OpenError {
    fn from(_: NoMemory) -> OpenError {
        OpenError::NoMemory
    }
}

/// The second argument of `open_port/2`.
#[derive(Clone, Debug)]
pub struct Options {
    /// `{packet, N}` or `stream`.
    pub framing: Framing,
    /// `{line, N}`.
    pub line: Option<usize>,
    /// `{env, [{Name, Value}]}`: names, and values or nothing.
    pub environment: EnvironmentChanges,
    /// `{args, [Argument]}`.
    pub arguments: Option<Vec<Vec<u8>>>,
    /// `{arg0, Name}`.
    pub argument_0: Option<Vec<u8>>,
    /// `{cd, Directory}`.
    pub directory: Option<Vec<u8>>,
    /// `{busy_limits_port, {Low, High}}`.
    pub limits: Limits,
    /// `use_stdio`, not `nouse_stdio`.
    pub standard: bool,
    /// `stderr_to_stdout`.
    pub error_to_output: bool,
    /// `binary`.
    pub binary: bool,
    /// `in`: the port reads.
    pub input: bool,
    /// `out`: the port writes.
    pub output: bool,
    /// `eof`.
    pub eof: bool,
    /// `exit_status`.
    pub exit_status: bool,
}

impl Options {
    /// Reads the list; `None` if it is none, or has a bad option.
    pub fn parse(atoms: &AtomTable, list: Term) -> Result<Options, OpenError> {
        let mut options = Options {
            framing: Framing::Stream,
            line: None,
            environment: Vec::new(),
            arguments: None,
            argument_0: None,
            directory: None,
            limits: Limits::default(),
            standard: true,
            error_to_output: false,
            binary: false,
            input: false,
            output: false,
            eof: false,
            exit_status: false,
        };
        let mut rest = list.iter_list();
        for option in &mut rest {
            options.option(atoms, option).ok_or(OpenError::BadOption)?;
        }
        if !rest.tail().is_nil() {
            return Err(OpenError::BadOption);
        }
        if !options.input && !options.output {
            (options.input, options.output) = (true, true);
        }
        let lines_of_packets = options.line.is_some() && options.framing != Framing::Stream;
        if lines_of_packets || options.error_to_output && !options.standard {
            return Err(OpenError::BadOption);
        }
        Ok(options)
    }

    fn option(&mut self, atoms: &AtomTable, option: Term) -> Option<()> {
        if let Some(&[key, value]) = option.as_tuple() {
            return self.pair(atoms, key, value);
        }
        match option.as_atom()? {
            am::STREAM => self.framing = Framing::Stream,
            am::USE_STDIO => self.standard = true,
            am::NOUSE_STDIO => self.standard = false,
            am::STDERR_TO_STDOUT => self.error_to_output = true,
            am::LINE => self.line = Some(LINE_BYTES),
            am::BINARY => self.binary = true,
            am::IN => self.input = true,
            am::OUT => self.output = true,
            am::EOF => self.eof = true,
            am::EXIT_STATUS => self.exit_status = true,
            // Both are about Windows.
            am::HIDE | am::OVERLAPPED_IO => {}
            _ => return None,
        }
        Some(())
    }

    fn pair(&mut self, atoms: &AtomTable, key: Term, value: Term) -> Option<()> {
        match key.as_atom()? {
            am::PACKET => match value.as_small()? {
                bytes @ (1 | 2 | 4) => self.framing = Framing::Packet(bytes as u8),
                _ => return None,
            },
            am::LINE => match value.as_small()? {
                limit @ 1.. => self.line = Some(limit as usize),
                _ => return None,
            },
            am::ENV => self.environment = environment(value)?,
            am::ARGS => {
                let mut rest = value.iter_list();
                let mut arguments = Vec::new();
                for argument in &mut rest {
                    arguments.try_reserve(1).ok()?;
                    arguments.push(text(atoms, argument)?);
                }
                if !rest.tail().is_nil() {
                    return None;
                }
                self.arguments = Some(arguments);
            }
            am::ARG0 => self.argument_0 = Some(text(atoms, value)?),
            am::CD => {
                let directory = text(atoms, value)?;
                self.directory = (!directory.is_empty()).then_some(directory);
            }
            am::PARALLELISM => {
                value.as_boolean()?;
            }
            am::BUSY_LIMITS_PORT => self.limits = limits(value)?,
            // Commands never wait in a queue of messages before the driver has them.
            am::BUSY_LIMITS_MSGQ => {
                limits(value)?;
            }
            _ => return None,
        }
        Some(())
    }
}

/// `{Low, High}` or `disabled`.
fn limits(value: Term) -> Option<Limits> {
    if value == am::DISABLED.term() {
        let never = usize::MAX;
        return Some(Limits {
            low: never,
            high: never,
        });
    }
    let &[low, high] = value.as_tuple()? else {
        return None;
    };
    let limit = |value: Term| match value.as_small()? {
        limit @ 1..=MAX_LIMIT => Some(limit as usize),
        _ => None,
    };
    let (low, high) = (limit(low)?, limit(high)?);
    Some(Limits {
        low: low.min(high),
        high,
    })
}

/// `[{Name, Value}]`; the value `false` takes a variable away, and so does `""`.
fn environment(list: Term) -> Option<EnvironmentChanges> {
    let mut all = Vec::new();
    let mut rest = list.iter_list();
    for pair in &mut rest {
        let &[name, value] = pair.as_tuple()? else {
            return None;
        };
        let name = characters(name)?;
        if name.is_empty() || name[1..].contains(&b'=') {
            return None;
        }
        let value = match value.as_boolean() {
            Some(false) => None,
            Some(true) => return None,
            None if value.is_nil() => None,
            None => Some(characters(value)?),
        };
        all.try_reserve(1).ok()?;
        all.push((name, value));
    }
    rest.tail().is_nil().then_some(all)
}

/// A file name or argument as bytes: a list of characters, perhaps of lists (as UTF-8), a binary as it is, or an atom. No byte is zero.
pub fn text(atoms: &AtomTable, term: Term) -> Option<Vec<u8>> {
    let bytes = if let Some(atom) = term.as_atom() {
        atoms.name(atom).as_bytes().to_vec()
    } else if let Some(bits) = view(&term) {
        bits.to_bytes().ok()??.into_owned()
    } else {
        return characters(term);
    };
    (!bytes.contains(&0)).then_some(bytes)
}

/// A list of characters, and of such lists, as UTF-8; no character is zero.
fn characters(list: Term) -> Option<Vec<u8>> {
    let mut text = String::new();
    // What is left of the lists around the one that is read.
    let mut around = Vec::new();
    let mut rest = list;
    loop {
        if let Some(&Cons { head, tail }) = rest.as_cons() {
            rest = if head.is_list() {
                around.try_reserve(1).ok()?;
                around.push(tail);
                head
            } else {
                let code = u32::try_from(head.as_small()?).ok()?;
                let character = char::from_u32(code).filter(|&c| c != '\0')?;
                text.try_reserve(4).ok()?;
                text.push(character);
                tail
            };
        } else if !rest.is_nil() {
            return None;
        } else if let Some(outer) = around.pop() {
            rest = outer;
        } else {
            return Some(text.into_bytes());
        }
    }
}

/// What the first argument of `open_port/2` asks for.
enum Wanted {
    Linked(Open, Vec<u8>),
    Program(Program),
    Streams(Descriptor, Descriptor),
    File(Vec<u8>),
}

/// Reads the first argument: what is wanted, and the name of the port.
fn wanted(
    machine: &Machine,
    name: Term,
    options: &Options,
) -> Result<(Wanted, Vec<u8>), OpenError> {
    let bad = OpenError::BadName;
    let atoms = &machine.atoms;
    let program_of_its_own = match name.as_tuple() {
        Some(&[kind, command]) => Some((kind.as_atom().ok_or(bad)?, command)),
        Some(&[kind, input, output]) if kind == am::FD.term() => {
            let descriptor = |term: Term| {
                let number = u32::try_from(term.as_small()?).ok()?;
                Some(Descriptor(number))
            };
            let (input, output) = (
                descriptor(input).ok_or(bad)?,
                descriptor(output).ok_or(bad)?,
            );
            if options.arguments.is_some() || options.argument_0.is_some() || options.exit_status {
                return Err(bad);
            }
            let name = format!("{}/{}", input.0, output.0).into_bytes();
            return Ok((Wanted::Streams(input, output), name));
        }
        Some(_) => None,
        // A name alone is a file's, until OTP 25; only lists and atoms are names here.
        None if view(&name).is_none() && machine.release_number() < 26 => {
            let path = text(atoms, name)
                .filter(|path| !path.is_empty())
                .ok_or(bad)?;
            if options.arguments.is_some() || options.argument_0.is_some() || options.exit_status {
                return Err(bad);
            }
            return Ok((Wanted::File(path.clone()), path));
        }
        None => None,
    };
    let (kind, command) = program_of_its_own.ok_or(bad)?;
    let text = text(atoms, command)
        .filter(|text| !text.is_empty())
        .ok_or(bad)?;
    let has_arguments = options.arguments.is_some() || options.argument_0.is_some();
    if kind == am::SPAWN_EXECUTABLE {
        let argument_0 = options.argument_0.as_ref().unwrap_or(&text).clone();
        let mut arguments = alloc::vec![argument_0];
        arguments.extend(options.arguments.iter().flatten().cloned());
        let program = Program::File {
            path: text.clone(),
            arguments,
        };
        return Ok((Wanted::Program(program), text));
    }
    if has_arguments || !matches!(kind, am::SPAWN | am::SPAWN_DRIVER) {
        return Err(bad);
    }
    let word = text.split(|&byte| byte == b' ').next().unwrap_or_default();
    if let Some(driver) = LINKED_IN.iter().find(|d| d.name.as_bytes() == word) {
        return Ok((Wanted::Linked(driver.open, text.clone()), text));
    }
    if kind == am::SPAWN_DRIVER {
        return Err(bad);
    }
    Ok((Wanted::Program(Program::Shell(text.clone())), text))
}

/// Makes a port for the process `owner`, linked to it.
pub fn open(
    machine: &mut Machine,
    owner: Term,
    name: Term,
    options: Term,
) -> Result<Term, OpenError> {
    let options = Options::parse(&machine.atoms, options)?;
    let (wanted, name) = wanted(machine, name, &options)?;
    if machine.ports.len() >= machine.ports.limit {
        return Err(OpenError::SystemLimit);
    }
    let id = machine.ports.next_id();
    let mut port = Port::new(id, name, owner);
    port.binary = options.binary;
    port.tells_end = options.eof;
    port.lines = options.line.map(Lines::new);
    insert(machine, port, |at| begin(at, wanted, &options))
}

/// Makes another port for the driver that `make` makes, linked to the process `owner`: a driver's way to more ports than the one
/// that it was opened for.
pub fn create<E: From<OpenError>>(
    machine: &mut Machine,
    owner: Term,
    name: &str,
    make: impl FnOnce(&mut Handle) -> Result<Box<dyn Driver>, E>,
) -> Result<Term, E> {
    if machine.ports.len() >= machine.ports.limit {
        return Err(OpenError::SystemLimit.into());
    }
    let id = machine.ports.next_id();
    let port = Port::new(id, Vec::from(name.as_bytes()), owner);
    insert(machine, port, make)
}

/// Puts `port` among the others, gives it a driver and links it to its owner.
fn insert<E: From<OpenError>>(
    machine: &mut Machine,
    port: Port,
    make: impl FnOnce(&mut Handle) -> Result<Box<dyn Driver>, E>,
) -> Result<Term, E> {
    let (id, owner) = (port.id, port.owner);
    let port = try_box(port).map_err(OpenError::from)?;
    machine.ports.insert(port).map_err(OpenError::from)?;
    let linked = driver::begin(machine, id, make).and_then(|()| {
        link(machine, owner, id).map_err(OpenError::from)?;
        Ok(())
    });
    if let Err(error) = linked {
        driver::finish(machine, id);
        machine.ports.remove(id);
        return Err(error);
    }
    port_event::opened(machine, id, owner);
    Ok(id)
}

fn begin(at: &mut Handle, wanted: Wanted, options: &Options) -> Result<Box<dyn Driver>, OpenError> {
    match wanted {
        Wanted::Linked(open, command) => open(at, &command, options),
        Wanted::Program(program) => spawn::open(at, program, options),
        Wanted::File(path) => vanilla::open(at, path, options),
        Wanted::Streams(input, output) => fd::open(at, input, output, options),
    }
}

//! What the machine has to say, as log events.
//!
//! OTP's emulator does not print: it sends `{log, Level, Format, Arguments, Metadata}` to the process that
//! `erlang:system_flag(system_logger, …)` named, by default whichever is registered as `logger`, and `kernel` makes text of it. So does the
//! machine. With no such process (a bare machine, or OTP before `kernel` is up) it writes to the error stream itself.
//!
//! Invariant: an event that finds no memory is dropped; saying something never kills anybody.
//!
//! Who calls this: the interpreter, when a process dies of an error; the collector's callers, when one dies of its size.

use crate::atom::{AtomTable, am};
use crate::crash_dump::stack::{Gathered, write_term};
use crate::machine::Machine;
use crate::map;
use crate::memory::gc::exceeds_limit;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::platform::Stream;
use crate::process::Process;
use crate::term::copy::copy;
use crate::term::{Atom, Term};
use core::fmt::Write;
use core::ops::Range;

/// How serious an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is likely to.
    Warning,
}

impl Level {
    fn atom(self) -> Atom {
        match self {
            Level::Error => am::ERROR,
            Level::Warning => am::WARNING,
        }
    }

    /// The tag that `error_logger` knows the level by.
    fn tag(self) -> Atom {
        match self {
            Level::Error => am::ERROR,
            Level::Warning => am::WARNING_MSG,
        }
    }
}

/// Something to say.
pub struct Event<'a> {
    /// How serious it is.
    pub level: Level,
    /// As for `io:format/2`; of its directives, `~p` and `~n` alone.
    pub format: &'a str,
    /// A term for each `~p`; anybody's.
    pub arguments: &'a [Term],
    /// The process that it is about: its pid and its group leader.
    pub about: Option<(Term, Term)>,
}

/// Says it.
pub fn say(machine: &mut Machine, event: &Event) {
    let time = machine.clock.system_time(&mut *machine.platform) / 1_000;
    let logger = match machine.system_logger.as_atom() {
        Some(am::LOGGER) => machine.processes.registry.whereis(am::LOGGER),
        Some(_) => return,
        None => Some(machine.system_logger),
    };
    // The message would end with the process.
    if let (Some(logger), Some((pid, _))) = (logger, event.about)
        && logger == pid
    {
        return;
    }
    let literals = machine.literals.clone();
    let there = logger.filter(|logger| machine.processes.alive(*logger).is_some());
    if let Some(logger) = there {
        let Machine {
            processes, atoms, ..
        } = machine;
        let _ = processes.post(logger, |process| {
            message(&mut process.heap, atoms, &literals, event, time)
        });
        return;
    }
    let mut text = Gathered::default();
    let written = match machine.options.bare {
        true => write_plainly(machine, event, &mut text),
        false => {
            let mut parcel = Parcel::new();
            match message(&mut parcel, &machine.atoms, &literals, event, time) {
                Ok(message) => text
                    .write_str("(no logger present) unexpected logger message: ")
                    .and_then(|()| write_term(machine, message, &mut text)),
                Err(NoMemory) => Err(core::fmt::Error),
            }
        }
    };
    // What there was memory for.
    let _ = written.and_then(|()| text.write_char('\n'));
    machine.console_write(Stream::Error, text.0.as_bytes());
}

/// `{log, Level, Format, Arguments, #{error_logger => #{emulator => true, tag => Tag}, gl => Leader, pid => Pid, time => Microseconds}}`
fn message<A: Arena + ?Sized>(
    arena: &mut A,
    atoms: &AtomTable,
    literals: &Range<usize>,
    event: &Event,
    time: i64,
) -> Result<Term, NoMemory> {
    let mut arguments = Term::NIL;
    for argument in event.arguments.iter().rev() {
        let argument = copy(*argument, arena, literals)?;
        arguments = arena.cons(argument, arguments)?;
    }
    let format = arena.byte_list(event.format.as_bytes(), Term::NIL)?;
    let empty = map::empty(arena)?;
    let tag = event.level.tag().term();
    let emulator = [am::EMULATOR.term(), Term::boolean(true)];
    let old = map::put(arena, atoms, empty, emulator[0], emulator[1])?;
    let old = map::put(arena, atoms, old, am::TAG.term(), tag)?;
    let time = arena.integer(time)?;
    let mut metadata = map::put(arena, atoms, empty, am::ERROR_LOGGER.term(), old)?;
    metadata = map::put(arena, atoms, metadata, am::TIME.term(), time)?;
    if let Some((pid, leader)) = event.about {
        let leader = copy(leader, arena, literals)?;
        metadata = map::put(arena, atoms, metadata, am::PID.term(), pid)?;
        metadata = map::put(arena, atoms, metadata, am::GL.term(), leader)?;
    }
    let level = event.level.atom().term();
    arena.tuple(&[am::LOG.term(), level, format, arguments, metadata])
}

/// The text that the format and its arguments stand for.
fn write_plainly(machine: &Machine, event: &Event, out: &mut dyn Write) -> core::fmt::Result {
    let mut arguments = event.arguments.iter();
    let mut parts = event.format.split('~');
    out.write_str(parts.next().unwrap_or(""))?;
    for part in parts {
        let (directive, rest) = part.split_at(part.len().min(1));
        match (directive, arguments.as_slice().first()) {
            ("p", Some(&argument)) => {
                arguments.next();
                write_term(machine, argument, out)?;
            }
            ("n", _) => out.write_char('\n')?,
            _ => write!(out, "~{directive}")?,
        }
        out.write_str(rest)?;
    }
    Ok(())
}

/// A process died of an error that nobody caught. The first process of a bare machine has its own words, see
/// [`crate::boot`].
pub fn crash(machine: &mut Machine, process: &Process, reason: Term) {
    let pid = process.pid;
    if machine
        .processes
        .first
        .is_some_and(|(first, _)| first == pid)
    {
        return;
    }
    let about = Some((pid, process.group_leader));
    let level = Level::Error;
    let event = match node(machine) {
        Some(node) => Event {
            level,
            format: "Error in process ~p on node ~p with exit value:~n~p~n",
            arguments: &[pid, node, reason],
            about,
        },
        None => Event {
            level,
            format: "Error in process ~p with exit value:~n~p~n",
            arguments: &[pid, reason],
            about,
        },
    };
    say(machine, &event);
}

/// The name of this node, if it has one.
fn node(machine: &Machine) -> Option<Term> {
    let is_alive = machine.distribution.is_alive();
    is_alive.then(|| machine.atoms.node.name.term())
}

/// A process is killed because a collection failed: for its `max_heap_size`, or for lack of memory.
pub fn too_large(machine: &mut Machine, process: &Process) {
    if exceeds_limit(process) {
        heap_limit(machine, process);
    } else {
        out_of_memory(machine, process);
    }
}

/// There was no room in the process table for one more. `about` is who wanted it: its pid and its group leader.
pub fn too_many_processes(machine: &mut Machine, about: (Term, Term)) {
    let event = Event {
        level: Level::Error,
        format: "Too many processes~n~n",
        arguments: &[],
        about: Some(about),
    };
    say(machine, &event);
}

/// A process is killed for lack of memory.
pub fn out_of_memory(machine: &mut Machine, process: &Process) {
    let available = machine.platform.memory_available();
    let event = Event {
        level: Level::Error,
        format: "Process ~p was killed: it needs more memory than there is (~p bytes are left). \
                 Give the machine more memory, or limit the process with max_heap_size.",
        arguments: &[process.pid, bytes(available)],
        about: Some((process.pid, process.group_leader)),
    };
    say(machine, &event);
}

/// A process is killed because memory runs out and it holds the most of it: `held` bytes.
pub fn scarce(machine: &mut Machine, process: &Process, held: usize) {
    let available = machine.platform.memory_available();
    let event = Event {
        level: Level::Error,
        format: "Process ~p was killed: memory runs out (~p bytes are left), and it holds ~p bytes of it. \
                 Give the machine more memory, or limit the process with max_heap_size.",
        arguments: &[process.pid, bytes(available), bytes(held as u64)],
        about: Some((process.pid, process.group_leader)),
    };
    say(machine, &event);
}

/// A number of bytes, as a small integer.
fn bytes(number: u64) -> Term {
    Term::small(number.min(i64::MAX as u64 >> 4) as i64)
}

macro_rules! max_heap_size_format {
    ($process:literal) => {
        concat!(
            $process,
            "     Context:            maximum heap size reached~n     Max Heap Size:      ~p~n     ",
            "Total Heap Size:    ~p~n     Kill:               ~p~n     Error Logger:       ~p~n     ",
            "Message Queue Len:  ~p~n     GC Info:            ~p~n",
        )
    };
}

/// A process has reached its `max_heap_size`.
pub fn heap_limit(machine: &mut Machine, process: &Process) {
    let limit = process.max_heap_size();
    if !limit.error_logger {
        return;
    }
    let mut parcel = Parcel::new();
    let Ok(info) = crate::bif::garbage_collection_info(&mut parcel, process) else {
        return;
    };
    let number = |words: usize| Term::small(words.min(i64::MAX as usize >> 4) as i64);
    let (format, node) = match node(machine) {
        Some(node) => (
            max_heap_size_format!("     Process:            ~p on node ~p~n"),
            node,
        ),
        None => (
            max_heap_size_format!("     Process:            ~p ~n"),
            Term::NIL,
        ),
    };
    let arguments = [
        process.pid,
        node,
        number(limit.words),
        number(crate::bif::total_heap_words(process)),
        Term::boolean(limit.kill),
        Term::boolean(limit.error_logger),
        number(process.mailbox.len()),
        info,
    ];
    // The same without the second one.
    let mut without_node = arguments;
    without_node[1] = process.pid;
    let event = Event {
        level: Level::Error,
        format,
        arguments: match node.is_nil() {
            true => &without_node[1..],
            false => &arguments,
        },
        about: Some((process.pid, process.group_leader)),
    };
    say(machine, &event);
}

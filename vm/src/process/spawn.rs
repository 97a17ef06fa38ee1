//! How a process begins.
//!
//! A new process gets its arguments copied into its own heap, one return address at the bottom of its stack (which ends it), and its
//! first function's arguments as saved registers. It is linked and monitored before it can run.
//!
//! Invariant: a spawn that fails leaves nothing behind.

use super::reference::RefNumber;
use super::signal;
use super::table::InsertError;
use super::{AliasMode, MaxHeapSize, Mfa, Monitor, Priority, Process, Watched};
use crate::atom::am;
use crate::code::stubs;
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::memory::gc::heap_size;
use crate::memory::heap::{Heap, Parcel};
use crate::term::copy::copy;
use crate::term::{Atom, Term};
use crate::tracing::{event, tracee};

/// Most arguments of a function (OTP: `MAX_ARG`).
pub const MAX_ARGUMENTS: usize = 255;

/// What a process does first.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// Calls an exported function.
    Function {
        /// Module.
        module: Atom,
        /// Function.
        function: Atom,
        /// At most [`MAX_ARGUMENTS`]; anybody's terms.
        arguments: &'a [Term],
    },
    /// Calls a fun without arguments.
    Fun(Term),
}

/// A monitor that the parent wants.
#[derive(Clone, Copy, Default)]
pub struct MonitorOptions {
    /// In place of `'DOWN'`.
    pub tag: Option<Term>,
    /// Whether the monitor's reference is an alias, too.
    pub alias: Option<AliasMode>,
}

/// How it does it: the options of `spawn_opt`.
#[derive(Clone, Copy)]
pub struct Options {
    /// Link to the parent.
    pub link: bool,
    /// Let the parent monitor it.
    pub monitor: Option<MonitorOptions>,
    /// Who runs first.
    pub priority: Priority,
    /// Smallest heap, in words, rounded up to a size of the series of heap sizes; the machine's default if there is none.
    pub min_heap_size: Option<usize>,
    /// Minor collections between full sweeps; the machine's default if there is none.
    pub fullsweep_after: Option<u32>,
    /// Off-heap binaries before they are a reason to collect, in words.
    pub min_binary_heap: Option<usize>,
    /// What it may grow to.
    pub max_heap_size: Option<MaxHeapSize>,
    /// `message_queue_data`; the machine's default if there is none.
    pub off_heap_messages: Option<bool>,
    /// Whether it is part of the runtime system.
    pub system: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            link: false,
            monitor: None,
            priority: Priority::Normal,
            min_heap_size: None,
            fullsweep_after: None,
            min_binary_heap: None,
            max_heap_size: None,
            off_heap_messages: None,
            system: false,
        }
    }
}

/// Makes a process that runs when its turn comes. With `options.monitor`, `reference` is the monitor's. What `start` refers to is copied, unless it
/// lies `apart`, for this process alone.
pub fn spawn(
    machine: &mut Machine,
    parent: Option<Term>,
    start: Start,
    options: &Options,
    reference: Option<RefNumber>,
    apart: Option<Parcel>,
) -> Result<Term, InsertError> {
    let defaults = machine.processes.defaults;
    let words = options.min_heap_size.unwrap_or(defaults.min_heap_size);
    let pid = machine.processes.create(heap_size(words))?.pid;
    let prepared = prepare(machine, pid, parent, start, options, apart)
        .and_then(|()| event::begins(machine, pid, parent))
        .and_then(|()| tie(machine, pid, parent, options, reference))
        .and_then(|()| tell(machine, pid, parent, &start, options));
    match prepared {
        Ok(()) => {
            machine.processes.wake(pid);
            Ok(pid)
        }
        Err(NoMemory) => {
            if let Some(mut process) = machine.processes.table.remove(pid) {
                tracee::forget(&mut machine.tracing, &mut process.trace);
            }
            Err(InsertError::NoMemory)
        }
    }
}

/// Tells whoever traces one of the two.
fn tell(
    machine: &mut Machine,
    pid: Term,
    parent: Option<Term>,
    start: &Start,
    options: &Options,
) -> Result<(), NoMemory> {
    let is_traced = |machine: &mut Machine, pid| tracee::of(machine, pid).is_some();
    let parent_is_traced = parent.is_some_and(|parent| is_traced(machine, parent));
    if !parent_is_traced && !is_traced(machine, pid) {
        return Ok(());
    }
    event::spawned(machine, parent, pid, start, options.link)?;
    if options.link
        && let Some(parent) = parent
    {
        event::linked(machine, parent, pid);
    }
    Ok(())
}

fn prepare(
    machine: &mut Machine,
    pid: Term,
    parent: Option<Term>,
    start: Start,
    options: &Options,
    apart: Option<Parcel>,
) -> Result<(), NoMemory> {
    let literals = machine.literals.clone();
    let (module, function, arity) = match start {
        Start::Function {
            module,
            function,
            arguments,
        } => (module, function, arguments.len()),
        Start::Fun(_) => (am::ERLANG, am::APPLY, 2),
    };
    let export = machine.code.export(module, function, arity as u8);
    // SAFETY: export entries live as long as the machine.
    let ip = unsafe { export.as_ref() }.entry.code;
    let leader = parent
        .and_then(|parent| machine.processes.table.get_mut(parent))
        .map(|parent| parent.group_leader);
    let Some(process) = machine.processes.table.get_mut(pid) else {
        return Err(NoMemory);
    };
    process.ip = ip;
    process.initial_call = Mfa {
        module,
        function,
        arity: arity as u32,
    };
    process.priority = options.priority;
    if let Some(off_heap) = options.off_heap_messages {
        process.off_heap_messages = off_heap;
    }
    process.system = options.system;
    if let Some(after) = options.fullsweep_after {
        process.fullsweep_after = after;
    }
    if let Some(words) = options.min_binary_heap {
        process.rare()?.min_binary_heap = words;
    }
    if let Some(size) = options.max_heap_size {
        process.rare()?.max_heap_size = size;
    }
    if let Some(leader) = leader {
        process.group_leader = copy(leader, &mut process.heap, &literals)?;
    }
    if let Some(parent) = parent {
        process.parent = parent;
    }
    push_return_address(process, stubs::normal_exit());
    match apart {
        Some(parcel) => {
            parcel.give_to(&mut process.heap)?;
            save_arguments(process, start, |term, _| Ok(term))
        }
        None => save_arguments(process, start, |term, heap| copy(term, heap, &literals)),
    }
}

/// Lays the first word of the stack.
pub fn push_return_address(process: &mut Process, address: *const u8) {
    let heap = &mut process.heap;
    // SAFETY: a block has at least one word, and the stack of the process is empty.
    unsafe {
        heap.stack = heap.block.end().sub(1);
        *heap.stack = address as u64;
    }
}

/// Keeps what the first function gets, as `keep` gives it, as registers.
#[inline(always)]
fn save_arguments(
    process: &mut Process,
    start: Start,
    keep: impl Fn(Term, &mut Heap) -> Result<Term, NoMemory>,
) -> Result<(), NoMemory> {
    match start {
        Start::Fun(fun) => {
            let fun = keep(fun, &mut process.heap)?;
            process.saved.save(&[fun, Term::NIL])
        }
        Start::Function { arguments, .. } => {
            let mut kept = [Term::NIL; MAX_ARGUMENTS];
            let kept = &mut kept[..arguments.len()];
            for (to, from) in kept.iter_mut().zip(arguments) {
                *to = keep(*from, &mut process.heap)?;
            }
            process.saved.save(kept)
        }
    }
}

/// Links and monitors.
fn tie(
    machine: &mut Machine,
    pid: Term,
    parent: Option<Term>,
    options: &Options,
    reference: Option<RefNumber>,
) -> Result<(), NoMemory> {
    let Some(parent) = parent else {
        return Ok(());
    };
    if let (Some(monitor), Some(reference)) = (options.monitor, reference) {
        if let Some(mode) = monitor.alias {
            signal::add_alias(machine, parent, reference, mode)?;
        }
        let monitored = signal::monitor(
            machine,
            parent,
            reference,
            Monitor {
                target: Watched::Process(pid),
                tag: monitor.tag,
            },
        );
        if monitored.is_err() {
            signal::remove_alias(machine, parent, reference);
            return monitored;
        }
    }
    if options.link && signal::link(machine, parent, pid).is_err() {
        if let Some(reference) = reference {
            signal::demonitor(machine, parent, reference);
        }
        return Err(NoMemory);
    }
    Ok(())
}

/// A list of arguments as a slice of `arguments`; `None` if it is improper or too long.
fn argument_list(list: Term, arguments: &mut [Term; MAX_ARGUMENTS]) -> Option<&[Term]> {
    let mut count = 0;
    let mut rest = list.iter_list();
    for argument in &mut rest {
        *arguments.get_mut(count)? = argument;
        count += 1;
    }
    rest.tail().is_nil().then_some(&arguments[..count])
}

/// A call that begins a process or goes on with it: module, function, and a slice of `arguments`. Of more arguments than any function has it is one
/// of `erlang:apply/3`, which says what becomes of them. `None` if the list is improper.
pub fn first_call(
    module: Atom,
    function: Atom,
    list: Term,
    arguments: &mut [Term; MAX_ARGUMENTS],
) -> Option<(Atom, Atom, &[Term])> {
    let mut elements = list.iter_list();
    if elements.by_ref().count() <= MAX_ARGUMENTS {
        return Some((module, function, argument_list(list, arguments)?));
    }
    if !elements.tail().is_nil() {
        return None;
    }
    arguments[..3].copy_from_slice(&[module.term(), function.term(), list]);
    Some((am::ERLANG, am::APPLY, &arguments[..3]))
}

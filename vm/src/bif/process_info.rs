//! `process_info/1,2`: what is known about a process.
//!
//! What belongs to another process is copied into the caller's memory. Sizes are in words, `memory` in bytes.

use super::{Bif, Context, Fail, Value, bif, dictionary, paused, process_flag};
use crate::atom::am;
use crate::code::Location;
use crate::dist::remote::{Link, Remote};
use crate::interp::{TURN, trace};
use crate::memory::heap::Parcel;
use crate::memory::off_heap::Binary;
use crate::memory::{Arena, NoMemory};
use crate::process::{MIN_BINARY_HEAP_WORDS, MaxHeapSize, Process, State};
use crate::term::compare::exact_equal;
use crate::term::copy::copy;
use crate::term::external::RemotePid;
use crate::term::header::Header;
use crate::term::{Atom, Term};
use crate::tracing::saved_calls::Saved;
use alloc::vec::Vec;
use core::ptr::NonNull;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "process_info", 1, process_info_1),
    bif("erlang", "process_info", 2, process_info_2),
];

/// What `process_info/1` tells, in its order.
const DEFAULT_ITEMS: &[Atom] = &[
    am::REGISTERED_NAME,
    am::CURRENT_FUNCTION,
    am::INITIAL_CALL,
    am::STATUS,
    am::MESSAGE_QUEUE_LEN,
    am::LINKS,
    am::DICTIONARY,
    am::TRAP_EXIT,
    am::ERROR_HANDLER,
    am::PRIORITY,
    am::GROUP_LEADER,
    am::TOTAL_HEAP_SIZE,
    am::HEAP_SIZE,
    am::STACK_SIZE,
    am::REDUCTIONS,
    am::GARBAGE_COLLECTION,
    am::SUSPENDING,
];

/// What `process_info/2` tells besides, of all releases.
const MORE_ITEMS: &[Atom] = &[
    am::MESSAGES,
    am::MONITORS,
    am::MONITORED_BY,
    am::MEMORY,
    am::TRACE,
    am::BINARY,
    am::SEQUENTIAL_TRACE_TOKEN,
    am::CATCHLEVEL,
    am::BACKTRACE,
    am::LAST_CALLS,
    am::MIN_HEAP_SIZE,
    am::MIN_BIN_VHEAP_SIZE,
    am::MAX_HEAP_SIZE,
    am::CURRENT_LOCATION,
    am::CURRENT_STACKTRACE,
    am::MESSAGE_QUEUE_DATA,
    am::GARBAGE_COLLECTION_INFO,
    am::MAGIC_REF,
    am::FULLSWEEP_AFTER,
    am::PARENT,
];

/// Everything that can be asked for by its name alone.
pub(super) fn items() -> impl Iterator<Item = Term> {
    DEFAULT_ITEMS
        .iter()
        .chain(MORE_ITEMS)
        .map(|item| item.term())
}

/// The process to ask about; `None` if it is gone.
fn target(cx: &mut Context, pid: Term) -> Result<Option<Target>, Fail> {
    if !pid.is_local_pid() {
        return Err(Fail::Badarg);
    }
    let own = cx.process().pid == pid;
    let processes = &mut cx.machine().processes;
    let process = processes.alive(pid).map(NonNull::from);
    Ok(process.map(|process| Target { process, own }))
}

/// A process that is alive while a built-in function looks at it.
#[derive(Clone, Copy)]
struct Target {
    process: NonNull<Process>,
    own: bool,
}

impl Target {
    /// What `read` sees of the process. It must not build terms: the process may be the caller.
    fn read<T>(self, read: impl FnOnce(&Process) -> T) -> T {
        // SAFETY: nothing ends a process while the function runs, and `read` gets no context by which the process could
        // be borrowed a second time.
        read(unsafe { self.process.as_ref() })
    }

    /// A term of the process as one of the caller.
    fn term(self, cx: &mut Context, read: impl FnOnce(&Process) -> Term) -> Value {
        let term = self.read(read);
        if self.own {
            return Ok(term);
        }
        let literals = cx.machine().literals.clone();
        Ok(copy(term, cx, &literals)?)
    }

    /// Terms of the process as a list of the caller.
    fn terms(
        self,
        cx: &mut Context,
        read: impl FnOnce(&Process) -> Result<Vec<Term>, Fail>,
    ) -> Value {
        let mut terms = self.read(read)?;
        if !self.own {
            let literals = cx.machine().literals.clone();
            for term in &mut terms {
                *term = copy(*term, cx, &literals)?;
            }
        }
        Ok(cx.list(&terms)?)
    }
}

fn collect<T>(items: impl Iterator<Item = T>) -> Result<Vec<T>, Fail> {
    let mut all = Vec::new();
    for item in items {
        all.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        all.push(item);
    }
    Ok(all)
}

fn process_info_1(cx: &mut Context, args: &[Term]) -> Value {
    let Some(target) = target(cx, args[0])? else {
        return Ok(am::UNDEFINED.term());
    };
    let mut items = [Term::NIL; DEFAULT_ITEMS.len()];
    let mut count = 0;
    for &item in DEFAULT_ITEMS {
        let value = value(cx, target, item)?;
        if item == am::REGISTERED_NAME && value.is_nil() {
            continue;
        }
        items[count] = cx.tuple(&[item.term(), value])?;
        count += 1;
    }
    Ok(cx.list(&items[..count])?)
}

fn process_info_2(cx: &mut Context, args: &[Term]) -> Value {
    let wanted = args[1];
    if !wanted.is_list() {
        let Some(target) = target(cx, args[0])? else {
            check_item(cx, wanted)?;
            return Ok(am::UNDEFINED.term());
        };
        let value = value_of(cx, target, wanted)?;
        if wanted == am::REGISTERED_NAME.term() && value.is_nil() {
            return Ok(Term::NIL);
        }
        return Ok(cx.tuple(&[wanted, value])?);
    }
    let Some(target) = target(cx, args[0])? else {
        let mut rest = wanted.iter_list();
        rest.try_for_each(|item| check_item(cx, item))?;
        return match rest.tail().is_nil() {
            true => Ok(am::UNDEFINED.term()),
            false => Err(Fail::Badarg),
        };
    };
    let mut items = Vec::new();
    let mut rest = wanted.iter_list();
    for item in &mut rest {
        let value = value_of(cx, target, item)?;
        let pair = cx.tuple(&[item, value])?;
        items.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        items.push(pair);
    }
    if !rest.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    Ok(cx.list(&items)?)
}

/// Fails for what is no item, even when the process asked about is gone.
fn check_item(cx: &mut Context, item: Term) -> Result<(), Fail> {
    let pid = cx.process().pid;
    match target(cx, pid)? {
        Some(target) => value_of(cx, target, item).map(|_| ()),
        None => Ok(()),
    }
}

/// The value of an item, which is an atom or, since OTP 27, `{dictionary, Key}`.
fn value_of(cx: &mut Context, target: Target, item: Term) -> Value {
    match (item.as_atom(), item.as_tuple()) {
        (Some(item), _) => value(cx, target, item),
        (_, Some(&[kind, key])) if kind == am::DICTIONARY.term() && later(cx) => {
            dictionary_entry(cx, target, key)
        }
        _ => Err(Fail::Badarg),
    }
}

/// `max_heap_size` as the release that runs tells it.
pub(super) fn max_heap_size_map(cx: &mut Context, size: MaxHeapSize) -> Value {
    let later = later(cx);
    Ok(process_flag::max_heap_size_map(cx, size, later)?)
}

/// Whether there are the items of OTP 27.
fn later(cx: &mut Context) -> bool {
    cx.machine().release_number() >= 27
}

/// What ties a process to other nodes.
fn remote(process: &Process) -> impl Iterator<Item = &Remote> {
    let rare = process.rare.iter();
    rare.filter_map(|rare| rare.remote.as_deref())
}

/// A list of pids of this node and of others.
fn of_all_nodes(cx: &mut Context, local: &[Term], remote: &[RemotePid]) -> Value {
    let mut list = Term::NIL;
    for pid in remote.iter().rev() {
        let pid = pid.term(cx)?;
        list = cx.cons(pid, list)?;
    }
    Ok(cx.list_with_tail(local, list)?)
}

fn dictionary_entry(cx: &mut Context, target: Target, key: Term) -> Value {
    target.term(cx, |p| {
        let found = p.dictionary.get(key, dictionary::hash(key), exact_equal);
        found.unwrap_or(am::UNDEFINED.term())
    })
}

/// The value of an item; `[]` for the name of a process without one.
fn value(cx: &mut Context, target: Target, item: Atom) -> Value {
    let heap = |read: fn(&Process) -> usize| Ok(number(target.read(read)));
    match item {
        am::REGISTERED_NAME => {
            let name = target.read(|p| p.registered_name);
            Ok(name.map_or(Term::NIL, Atom::term))
        }
        am::STATUS => Ok(target.read(status).term()),
        am::MESSAGE_QUEUE_LEN => heap(|p| p.mailbox.len()),
        am::MESSAGES => {
            if target.own {
                // What is told is part of the heap from now on.
                cx.process().bring_in_messages()?;
            }
            target.terms(cx, |p| collect(p.mailbox.iter()))
        }
        am::LINKS => {
            let local = target.read(|p| collect(p.links.iter().map(|(l, ())| l.term())))?;
            let remote = target.read(|p| {
                let links = remote(p).flat_map(|remote| remote.links.iter());
                collect(
                    links
                        .filter(|(_, link)| **link == Link::Active)
                        .map(|(to, _)| to),
                )
            })?;
            of_all_nodes(cx, &local, &remote)
        }
        am::MONITORED_BY => {
            let local = target.read(|p| collect(p.monitored_by.iter().map(|(_, pid)| *pid)))?;
            let remote = target.read(|p| {
                let watchers = remote(p).flat_map(|remote| remote.watchers.iter());
                collect(watchers.map(|(_, watcher)| watcher.pid))
            })?;
            of_all_nodes(cx, &local, &remote)
        }
        am::MONITORS => monitors(cx, target),
        am::DICTIONARY => dictionary_of(cx, target),
        // What `proc_lib:set_label/1` has stored.
        am::LABEL if later(cx) => dictionary_entry(cx, target, am::PROCESS_LABEL.term()),
        am::TRAP_EXIT => Ok(Term::boolean(target.read(|p| p.trap_exit))),
        am::ERROR_HANDLER => {
            let rare = |p: &Process| p.rare.as_ref().map(|rare| rare.error_handler);
            Ok(target.read(rare).unwrap_or(am::ERROR_HANDLER).term())
        }
        am::PRIORITY => {
            let priority = target.read(|p| p.priority);
            Ok(process_flag::priority_atom(priority).term())
        }
        am::GROUP_LEADER => target.term(cx, |p| p.group_leader),
        am::PARENT => target.term(cx, |p| p.parent),
        am::TOTAL_HEAP_SIZE => heap(total_heap_words),
        am::HEAP_SIZE => heap(|p| p.heap.block.words()),
        am::STACK_SIZE => heap(stack_words),
        am::MEMORY => heap(Process::memory),
        // Those of the turn under way are not in the sum yet.
        am::REDUCTIONS => heap(|p| {
            let turn = match p.state {
                State::Running => (TURN - p.reductions_left).max(0),
                _ => 0,
            };
            p.reductions as usize + turn as usize + p.bumped_reductions
        }),
        am::MIN_HEAP_SIZE => heap(|p| p.min_heap_size),
        am::MIN_BIN_VHEAP_SIZE => heap(min_binary_heap),
        am::FULLSWEEP_AFTER => heap(|p| p.fullsweep_after as usize),
        am::MAX_HEAP_SIZE => {
            let size = target.read(Process::max_heap_size);
            max_heap_size_map(cx, size)
        }
        am::MESSAGE_QUEUE_DATA => {
            let off_heap = target.read(|p| p.off_heap_messages);
            Ok(process_flag::message_queue_data_atom(off_heap).term())
        }
        am::CATCHLEVEL => heap(|p| p.catches),
        am::GARBAGE_COLLECTION => garbage_collection(cx, target),
        am::GARBAGE_COLLECTION_INFO => {
            let mut parcel = Parcel::new();
            let info = target.read(|p| garbage_collection_info(&mut parcel, p))?;
            parcel.give_to(cx.heap())?;
            Ok(info)
        }
        am::BINARY => binaries(cx, target),
        am::INITIAL_CALL => {
            let call = target.read(|p| p.initial_call);
            call_term(cx, call.module, call.function, call.arity)
        }
        am::CURRENT_FUNCTION => {
            if let Some(function) = target.read(Process::paused_in) {
                let function = paused::shown(cx.atoms(), function);
                return call_term(cx, function.module, function.function, function.arity);
            }
            let here = location(cx, target);
            call_term(cx, here.module, here.function, here.arity)
        }
        am::CURRENT_LOCATION => {
            let here = location(cx, target);
            entry(cx, here)
        }
        am::CURRENT_STACKTRACE => stack_trace(cx, target),
        am::LAST_CALLS => last_calls(cx, target),
        am::ASYNC_DIST if cx.machine().release_number() >= 26 => {
            let on = target.read(|p| p.rare.as_ref().is_some_and(|rare| rare.async_dist));
            Ok(Term::boolean(on))
        }
        am::SUSPENDING => suspending(cx, target),
        am::BACKTRACE => {
            let pid = target.read(|p| p.pid);
            let text = crate::crash_dump::stack::backtrace(cx.machine(), pid);
            Ok(crate::bits::make_binary(cx, text.as_bytes())?)
        }
        am::SEQUENTIAL_TRACE_TOKEN => target.term(cx, |p| {
            p.sequential.as_ref().map_or(Term::NIL, |known| known.token)
        }),
        am::MAGIC_REF => Ok(Term::NIL),
        am::TRACE => Ok(Term::small(0)),
        _ => Err(Fail::Badarg),
    }
}

fn number(value: usize) -> Term {
    Term::small(value.min(crate::term::MAX_SMALL as usize) as i64)
}

fn status(process: &Process) -> Atom {
    match process.state {
        _ if process.suspended > 0 => am::SUSPENDED,
        State::Runnable => am::RUNNABLE,
        State::Running => am::RUNNING,
        State::Waiting => am::WAITING,
        State::Exiting => am::EXITING,
    }
}

pub(crate) fn total_heap_words(process: &Process) -> usize {
    process.heap.block.words() + process.heap.old_words() + process.heap.fragment_words
}

fn stack_words(process: &Process) -> usize {
    (process.heap.block.end() as usize - process.heap.stack as usize) / 8
}

fn min_binary_heap(process: &Process) -> usize {
    let rare = process.rare.as_ref();
    rare.map_or(MIN_BINARY_HEAP_WORDS, |rare| rare.min_binary_heap)
}

fn monitors(cx: &mut Context, target: Target) -> Value {
    let this = cx.atoms().node.name;
    let targets = target.read(|p| collect(p.monitors.iter().map(|(_, m)| m.target)))?;
    let mut list = Term::NIL;
    for watched in targets.into_iter().rev() {
        let kind = watched.kind();
        let what = watched.object(this, cx)?;
        let pair = cx.tuple(&[kind.term(), what])?;
        list = cx.cons(pair, list)?;
    }
    Ok(list)
}

/// `[{Pid, Active, Outstanding}]`: whom the process suspends, and how often; nothing is ever outstanding.
/// What `process_flag(save_calls, …)` has kept, the oldest first; `false` if it keeps nothing.
fn last_calls(cx: &mut Context, target: Target) -> Value {
    let saved = target.read(|p| {
        let calls = p.rare.as_ref().and_then(|rare| rare.saved_calls.as_ref());
        calls.map(|calls| collect(calls.iter().copied()))
    });
    let Some(saved) = saved else {
        return Ok(Term::boolean(false));
    };
    let mut list = Term::NIL;
    for saved in saved?.into_iter().rev() {
        let item = match saved {
            Saved::Call(call) => call_term(cx, call.module, call.function, call.arity)?,
            Saved::Send => am::SEND.term(),
            Saved::Receive => am::RECEIVE.term(),
            Saved::Timeout => am::TIMEOUT.term(),
        };
        list = cx.cons(item, list)?;
    }
    Ok(list)
}

fn suspending(cx: &mut Context, target: Target) -> Value {
    let all = target.read(|p| {
        let rare = p.rare.iter();
        collect(rare.flat_map(|rare| rare.suspending.iter().map(|(pid, count)| (pid, *count))))
    })?;
    let mut list = Term::NIL;
    for (pid, count) in all.into_iter().rev() {
        let pid = Term::local_pid(pid);
        if cx.machine().processes.alive(pid).is_some() {
            let entry = cx.tuple(&[pid, Term::small(count as i64), Term::small(0)])?;
            list = cx.cons(entry, list)?;
        }
    }
    Ok(list)
}

fn dictionary_of(cx: &mut Context, target: Target) -> Value {
    let mut entries = target.read(|p| collect(p.dictionary.iter()))?;
    if !target.own {
        let literals = cx.machine().literals.clone();
        for (key, value) in &mut entries {
            *key = copy(*key, cx, &literals)?;
            *value = copy(*value, cx, &literals)?;
        }
    }
    Ok(dictionary::pairs(cx, entries.into_iter())?)
}

/// `[{Key, Value}]`
fn properties(cx: &mut Context, all: &[(Atom, Term)]) -> Value {
    let mut list = Term::NIL;
    for &(key, value) in all.iter().rev() {
        let pair = cx.tuple(&[key.term(), value])?;
        list = cx.cons(pair, list)?;
    }
    Ok(list)
}

fn garbage_collection(cx: &mut Context, target: Target) -> Value {
    let max = target.read(Process::max_heap_size);
    let max = max_heap_size_map(cx, max)?;
    let values = target.read(|p| {
        [
            min_binary_heap(p),
            p.min_heap_size,
            p.fullsweep_after as usize,
            p.minor_collections as usize,
        ]
    });
    let [min_binary, min_heap, fullsweep_after, minor] = values.map(number);
    properties(
        cx,
        &[
            (am::MAX_HEAP_SIZE, max),
            (am::MIN_BIN_VHEAP_SIZE, min_binary),
            (am::MIN_HEAP_SIZE, min_heap),
            (am::FULLSWEEP_AFTER, fullsweep_after),
            (am::MINOR_GCS, minor),
        ],
    )
}

/// `[{Item, Words}]`. Binaries of both generations are counted together: those of the old one count as none.
pub(crate) fn garbage_collection_info<A: Arena + ?Sized>(
    arena: &mut A,
    process: &Process,
) -> Result<Term, NoMemory> {
    let words = |from: *mut u64, to: *mut u64| (to as usize - from as usize) / 8;
    let heap = &process.heap;
    let values = [
        (am::OLD_HEAP_BLOCK_SIZE, heap.old_words()),
        (am::HEAP_BLOCK_SIZE, heap.block.words()),
        (am::MBUF_SIZE, heap.fragment_words),
        (am::RECENT_SIZE, words(heap.high_water, process.heap_top())),
        (am::STACK_SIZE, stack_words(process)),
        (am::OLD_HEAP_SIZE, heap.old_used()),
        (am::HEAP_SIZE, words(heap.block.start(), process.heap_top())),
        (am::BIN_VHEAP_SIZE, heap.off_heap.bytes / 8),
        (am::BIN_VHEAP_BLOCK_SIZE, min_binary_heap(process)),
        (am::BIN_OLD_VHEAP_SIZE, 0),
        (am::BIN_OLD_VHEAP_BLOCK_SIZE, min_binary_heap(process)),
    ];
    let mut list = Term::NIL;
    for (key, value) in values.into_iter().rev() {
        let pair = arena.tuple(&[key.term(), number(value)])?;
        list = arena.cons(pair, list)?;
    }
    Ok(list)
}

/// `[{Address, Bytes, References}]` of the binaries off the heap.
fn binaries(cx: &mut Context, target: Target) -> Value {
    let found = target.read(|p| collect(p.heap.off_heap.binaries()))?;
    let mut list = Term::NIL;
    for (binary, size) in found {
        let references = Binary::references(binary);
        let address = cx.unsigned(binary.as_ptr() as u64)?;
        let entry = cx.tuple(&[address, number(size), number(references)])?;
        list = cx.cons(entry, list)?;
    }
    Ok(list)
}

/// All binaries that a process refers to, one as often as it does.
pub fn binaries_of(process: &Process) -> impl Iterator<Item = NonNull<Binary>> {
    process.heap.off_heap.binaries().map(|(binary, _)| binary)
}

fn call_term(cx: &mut Context, module: Atom, function: Atom, arity: u32) -> Value {
    let arity = Term::small(arity as i64);
    Ok(cx.tuple(&[module.term(), function.term(), arity])?)
}

/// Where the process is: for one that has not run yet, and outside of all modules, what it was spawned with.
fn location(cx: &mut Context, target: Target) -> Location {
    let (ip, initial, asleep) = target.read(|p| (p.ip, p.initial_call, p.asleep));
    if asleep {
        return Location {
            module: am::ERLANG,
            function: am::HIBERNATE,
            arity: 3,
            line: None,
        };
    }
    let known = cx.machine().code.location(ip);
    known.unwrap_or(Location {
        module: initial.module,
        function: initial.function,
        arity: initial.arity,
        line: None,
    })
}

/// `{Module, Function, Arity, [{file, F}, {line, L}]}`
fn entry(cx: &mut Context, at: Location) -> Value {
    let place = trace::place(cx.heap(), at.line, None)?;
    let arity = Term::small(at.arity as i64);
    Ok(cx.tuple(&[at.module.term(), at.function.term(), arity, place])?)
}

fn stack_trace(cx: &mut Context, target: Target) -> Value {
    let mut places = [Term::NIL; trace::MAX_DEPTH];
    let here = location(cx, target);
    places[0] = entry(cx, here)?;
    let mut count = 1;
    let depth = cx.machine().backtrace_depth;
    let (mut slot, end) = target.read(|p| (p.heap.stack, p.heap.block.end()));
    while slot < end && count < depth {
        // SAFETY: words from `stack` to the end of the block are initialised.
        let word = unsafe { *slot };
        slot = slot.wrapping_add(1);
        // A return address is behind its call; the bottom one is in no module.
        if Header::is_header(word)
            && let Some(at) = cx.machine().code.location((word - 1) as *const u8)
        {
            places[count] = entry(cx, at)?;
            count += 1;
        }
    }
    // At a depth of 0 not even where it is: other than the trace of an exception, which always has one entry.
    Ok(cx.list(&places[..count.min(depth)])?)
}

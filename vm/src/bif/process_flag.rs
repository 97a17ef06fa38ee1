//! `process_flag/2,3`, and how the values of flags and of `spawn_opt`'s options are read.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::dist::monitor::kind;
use crate::map;
use crate::memory::gc::heap_size;
use crate::memory::{Arena, NoMemory};
use crate::process::{MIN_HEAP_WORDS, MaxHeapSize, Priority};
use crate::term::{Atom, Subtag, Term};
use crate::tracing::saved_calls;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "process_flag", 2, process_flag_2),
    bare("erlang", "process_flag", 3, process_flag_3),
];

/// Most calls that `save_calls` remembers.
const MAX_SAVED_CALLS: i64 = 10_000;

/// Words of waiting messages that are copied for a reduction.
const COPIED_WORDS: usize = 32;

/// `low`, `normal`, `high`, `max`.
pub fn parse_priority(value: Term) -> Option<Priority> {
    match value.as_atom()? {
        am::LOW => Some(Priority::Low),
        am::NORMAL => Some(Priority::Normal),
        am::HIGH => Some(Priority::High),
        am::MAX => Some(Priority::Max),
        _ => None,
    }
}

/// The atom of a priority.
pub fn priority_atom(priority: Priority) -> Atom {
    match priority {
        Priority::Low => am::LOW,
        Priority::Normal => am::NORMAL,
        Priority::High => am::HIGH,
        Priority::Max => am::MAX,
    }
}

/// A size in words.
pub fn parse_size(value: Term) -> Option<usize> {
    usize::try_from(value.as_small()?).ok()
}

/// The size of a virtual heap of binaries: as heaps have, down to 12 words.
pub fn binary_heap_size(words: usize) -> usize {
    if words <= 12 { 12 } else { heap_size(words) }
}

/// Minor collections between full sweeps; more than 65,535 are as many.
pub fn parse_fullsweep_after(value: Term) -> Option<u32> {
    Some(parse_size(value)?.min(crate::process::FULLSWEEP_AFTER as usize) as u32)
}

/// Whether messages are to be kept off the heap.
pub fn parse_message_queue_data(value: Term) -> Option<bool> {
    match value.as_atom()? {
        am::ON_HEAP => Some(false),
        am::OFF_HEAP => Some(true),
        _ => None,
    }
}

/// A number of words, or a map of `size`, `kill` and `error_logger`; what the map
/// does not say is as in `default`. A limit below the smallest heap is none.
pub fn parse_max_heap_size(value: Term, default: MaxHeapSize) -> Option<MaxHeapSize> {
    let mut parsed = default;
    if map::is_map(value) {
        let get = |key: Atom| map::get(value, key.term());
        parsed.words = parse_size(get(am::SIZE)?)?;
        if let Some(kill) = get(am::KILL) {
            parsed.kill = kill.as_boolean()?;
        }
        if let Some(error_logger) = get(am::ERROR_LOGGER) {
            parsed.error_logger = error_logger.as_boolean()?;
        }
        if let Some(include) = get(am::INCLUDE_SHARED_BINARIES) {
            parsed.include_shared_binaries = include.as_boolean()?;
        }
    } else {
        parsed.words = parse_size(value)?;
    }
    (parsed.words == 0 || parsed.words >= MIN_HEAP_WORDS).then_some(parsed)
}

/// `#{error_logger => Bool, kill => Bool, size => Words}`; since OTP 27 with `include_shared_binaries`, if `later`.
pub fn max_heap_size_map<A: Arena + ?Sized>(
    arena: &mut A,
    size: MaxHeapSize,
    later: bool,
) -> Result<Term, NoMemory> {
    let words = arena.unsigned(size.words as u64)?;
    let (log, kill) = (Term::boolean(size.error_logger), Term::boolean(size.kill));
    let include = Term::boolean(size.include_shared_binaries);
    // In the order of the atoms' names, as flat maps keep their keys.
    let all = [
        (am::ERROR_LOGGER, log),
        (am::INCLUDE_SHARED_BINARIES, include),
        (am::KILL, kill),
        (am::SIZE, words),
    ];
    let (mut keys, mut object) = ([Term::NIL; 4], [0; 5]);
    let mut count = 0;
    for (key, value) in all {
        if later || key != am::INCLUDE_SHARED_BINARIES {
            keys[count] = key.term();
            object[count + 1] = value.raw();
            count += 1;
        }
    }
    object[0] = arena.tuple(&keys[..count])?.raw();
    arena.object(Subtag::FlatMap, &object[..=count])
}

/// `on_heap` or `off_heap`.
pub fn message_queue_data_atom(off_heap: bool) -> Atom {
    if off_heap { am::OFF_HEAP } else { am::ON_HEAP }
}

/// Sets a flag of the calling process and returns its old value.
fn process_flag_2(cx: &mut Context, args: &[Term]) -> Value {
    let value = args[1];
    if let Some(&[name, options]) = args[0].as_tuple()
        && name == cx.atom("monitor_nodes")?
    {
        let options = node_options(options).ok_or(Fail::Badarg)?;
        return monitor_nodes(cx, options, value);
    }
    if !args[0].is_atom() {
        return Err(cx.fail_because(am::BADOPT));
    }
    let process = cx.process();
    let boolean = value.as_boolean().ok_or(Fail::Badarg);
    let size = parse_size(value).ok_or(Fail::Badarg);
    let old = match args[0].as_atom().ok_or(Fail::Badarg)? {
        am::TRAP_EXIT => Term::boolean(core::mem::replace(&mut process.trap_exit, boolean?)),
        am::SENSITIVE => Term::boolean(core::mem::replace(&mut process.sensitive, boolean?)),
        am::PRIORITY => {
            let priority = parse_priority(value).ok_or(Fail::Badarg)?;
            priority_atom(core::mem::replace(&mut process.priority, priority)).term()
        }
        am::ERROR_HANDLER => {
            let module = value.as_atom().ok_or(Fail::Badarg)?;
            core::mem::replace(&mut process.rare()?.error_handler, module).term()
        }
        am::MIN_HEAP_SIZE => {
            let words = heap_size(size?.max(MIN_HEAP_WORDS));
            number(core::mem::replace(&mut process.min_heap_size, words))
        }
        am::MIN_BIN_VHEAP_SIZE => {
            let least = cx.machine().processes.defaults.min_binary_heap;
            let words = binary_heap_size(size?).max(least);
            let process = cx.process();
            number(core::mem::replace(
                &mut process.rare()?.min_binary_heap,
                words,
            ))
        }
        am::FULLSWEEP_AFTER => {
            let after = parse_fullsweep_after(value).ok_or(Fail::Badarg)?;
            number(core::mem::replace(&mut process.fullsweep_after, after) as usize)
        }
        am::MESSAGE_QUEUE_DATA => {
            let off_heap = parse_message_queue_data(value).ok_or(Fail::Badarg)?;
            let old = core::mem::replace(&mut process.off_heap_messages, off_heap);
            if !off_heap {
                process.bring_in_messages()?;
            } else if !old {
                let literals = cx.machine().literals.clone();
                let words = cx.process().send_out_messages(&literals)?;
                cx.bump_reductions(words / COPIED_WORDS);
            }
            message_queue_data_atom(old).term()
        }
        am::SAVE_CALLS => {
            let calls = save_calls(cx, value)?;
            let own = cx.process().pid;
            number(saved_calls::set(cx.machine(), own, calls)?.unwrap_or(0))
        }
        am::MAX_HEAP_SIZE => {
            let old = process.max_heap_size();
            let later = cx.machine().release_number() >= 27;
            let default = cx.machine().processes.defaults.max_heap_size;
            let new = parse_max_heap_size(value, default).ok_or(Fail::Badarg)?;
            cx.process().rare()?.max_heap_size = new;
            max_heap_size_map(cx, old, later)?
        }
        am::ASYNC_DIST => Term::boolean(core::mem::replace(
            &mut process.rare()?.async_dist,
            boolean?,
        )),
        // One can be bound to the only scheduler there is, or to none.
        am::SCHEDULER => {
            let bound = match value.as_small() {
                Some(number @ 0..=1) => number == 1,
                _ => return Err(Fail::Badarg),
            };
            let old = core::mem::replace(&mut process.rare()?.bound_to_scheduler, bound);
            number(usize::from(old))
        }
        flag => {
            if cx.atoms().name(flag) == "monitor_nodes" {
                return monitor_nodes(cx, 0, value);
            }
            return Err(cx.fail_because(am::BADOPT));
        }
    };
    Ok(old)
}

/// What kind of messages `monitor_nodes` asks for, as a number: 0 for those without options, which `[]` means, too. `None` if the map is none
/// that `net_kernel` makes.
fn node_options(options: Term) -> Option<u8> {
    if options.is_nil() {
        return Some(0);
    }
    if !map::is_map(options) {
        return None;
    }
    let (mut wanted, mut known) = (kind::OPTIONS, 0);
    for (bit, name) in [
        (kind::LIST, am::LIST),
        (kind::CONNECTION_ID, am::CONNECTION_ID),
        (kind::REASON, am::NODEDOWN_REASON),
    ] {
        if let Some(value) = map::get(options, name.term()) {
            wanted |= if value.as_boolean()? { bit } else { 0 };
            known += 1;
        }
    }
    if let Some(value) = map::get(options, am::NODE_TYPE.term()) {
        wanted |= match value.as_atom() {
            Some(am::VISIBLE) => kind::VISIBLE,
            Some(am::HIDDEN) => kind::HIDDEN,
            Some(am::ALL) => kind::VISIBLE | kind::HIDDEN,
            _ => return None,
        };
        known += 1;
    }
    (known == map::size(options)).then_some(wanted)
}

/// Subscribes to, or ends all subscriptions of one kind to, what becomes of other nodes; how many there were.
fn monitor_nodes(cx: &mut Context, kind: u8, on: Term) -> Value {
    let on = on.as_boolean().ok_or(Fail::Badarg)?;
    let monitors = &mut cx.process().rare()?.node_monitors;
    let old = monitors.get(kind).copied().unwrap_or(0);
    if !on {
        monitors.remove(kind);
    } else if let Some(count) = monitors.get_mut(kind) {
        *count += 1;
    } else {
        monitors.insert(kind, 1)?;
    }
    Ok(number(old as usize))
}

fn number(value: usize) -> Term {
    Term::small(value.min(crate::term::MAX_SMALL as usize) as i64)
}

/// How many calls to remember.
pub fn parse_save_calls(value: Term) -> Option<usize> {
    match value.as_small()? {
        calls @ 0..=MAX_SAVED_CALLS => Some(calls as usize),
        _ => None,
    }
}

fn save_calls(cx: &mut Context, value: Term) -> Result<usize, Fail> {
    parse_save_calls(value).ok_or_else(|| cx.fail_because(am::NONE))
}

/// `process_flag(Pid, save_calls, N)`: the only flag of others that can be set.
fn process_flag_3(cx: &mut Context, args: &[Term]) -> Value {
    let [pid, flag, value] = [args[0], args[1], args[2]];
    if cx.machine().processes.alive(pid).is_none() {
        return Err(cx.fail_because(am::BADTYPE));
    }
    if flag != am::SAVE_CALLS.term() {
        return Err(cx.fail_because(am::BADOPT));
    }
    let calls = save_calls(cx, value)?;
    let old = saved_calls::set(cx.machine(), pid, calls)?;
    Ok(number(old.ok_or(Fail::Badarg)?))
}

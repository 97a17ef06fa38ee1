//! `erts_debug:get_internal_state/1` and `set_internal_state/2`: what OTP's own tests read and change of the runtime system.
//!
//! Until `set_internal_state(available_internal_state, true)`, which is logged, neither exists (`undef`). Items that stand for things that
//! are not here (traps inside of functions, delayed deletions of nodes) are kept and told, so that tests which set them go on. What is not known is `badarg`.

use super::statistics::memory_0;
use super::{
    Bif, Class, Context, Fail, Value, bif, internal_ties, node_references, process_info,
    system_task,
};
use crate::atom::am;
use crate::bits::view::view;
use crate::dist::connection::Controller;
use crate::interp::Exit;
use crate::memory::off_heap::Binary;
use crate::memory::{Arena, gc};
use crate::number::big::Integer;
use crate::process::State;
use crate::process::reference::RefNumber;
use crate::report::{self, Event, Level};
use crate::term::copy::copy;
use crate::term::hash::internal_hash;
use crate::term::{Atom, Subtag, Term};
use crate::time::warp::Mode;
use alloc::vec::Vec;
use core::ptr::NonNull;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erts_debug", "get_internal_state", 1, get_1),
    bif("erts_debug", "set_internal_state", 2, set_2),
];

/// What tests have set.
#[derive(Debug)]
pub(crate) struct InternalState {
    /// Whether any of this can be used.
    available: bool,
    /// Reductions after which loops are to trap, in OTP's built-in functions: kept, without effect.
    binary_loop_limit: i64,
    unicode_loop_limit: i64,
    re_loop_limit: i64,
}

/// What OTP has when nothing was set.
const DEFAULT_LOOP_LIMIT: i64 = 40_000;

impl InternalState {
    /// Nothing was set.
    pub(crate) const fn new() -> InternalState {
        InternalState {
            available: false,
            binary_loop_limit: 0,
            unicode_loop_limit: DEFAULT_LOOP_LIMIT,
            re_loop_limit: DEFAULT_LOOP_LIMIT,
        }
    }
}

/// Fails as a function that does not exist, unless tests were let in.
fn check(cx: &mut Context) -> Result<(), Fail> {
    match cx.machine().internal_state.available {
        true => Ok(()),
        false => {
            let reason = am::UNDEF.term();
            Err(cx.raise(Class::Error, reason))
        }
    }
}

fn get_1(cx: &mut Context, args: &[Term]) -> Value {
    check(cx)?;
    match args[0].as_tuple() {
        Some(&[item, detail]) => return get_detail(cx, item, detail),
        Some([item, details @ ..]) => return get_detail_of(cx, *item, details),
        _ => {}
    }
    let item = args[0].as_atom().ok_or(Fail::Badarg)?;
    let name = cx.atoms().name(item);
    let count = |count: usize| Ok(Term::small(count as i64));
    match name {
        "available_internal_state" => Ok(Term::boolean(true)),
        "reds_left" => {
            let process = cx.process();
            let left = process.reductions_left - process.bumped_reductions as isize;
            Ok(Term::small(left as i64))
        }
        "processes" => {
            let all: Vec<Term> = internal_ties::pids(cx)?;
            Ok(cx.list(&all)?)
        }
        "memory" => memory_0(cx, &[]),
        "node_and_dist_references" => node_references::node_and_dist_references(cx),
        "process_info_args" => {
            let items: Vec<Term> = process_info::items().collect();
            Ok(cx.list(&items)?)
        }
        "processes_bif_info" => processes_info(cx),
        "persistent_term" => {
            let size = Term::small(cx.machine().persistent_terms.len() as i64);
            let key = cx.atom("table")?;
            let keys = cx.tuple(&[key])?;
            Ok(cx.object(Subtag::FlatMap, &[keys.raw(), size.raw()])?)
        }
        "next_pid" => count(cx.machine().processes.table.next_number() as usize),
        "next_port" => count(cx.machine().ports.next_number() as usize),
        // `{Errors, Used, Selected, ByNativeFunctions}`
        "check_io_debug" => {
            let watched = Term::small(cx.machine().ports.watched_streams() as i64);
            Ok(cx.tuple(&[Term::small(0), watched, watched, Term::small(0)])?)
        }
        "nbalance" => count(0),
        "force_heap_frags" => Ok(Term::boolean(false)),
        "unique_monotonic_integer_state" => {
            let next = cx.machine().processes.references.monotonic_so_far();
            Ok(cx.unsigned(next)?)
        }
        "min_unique_monotonic_integer" | "min_unique_integer" => {
            Ok(Term::small(crate::term::MIN_SMALL))
        }
        "DbTable_words" => {
            let words = size_of::<crate::ets::table::Table>() / 8;
            Ok(cx.tuple(&[Term::small(words as i64), Term::small(0)])?)
        }
        "mmap" => Ok(am::UNDEFINED.term()),
        "lc_graph" | "flxctr_memory_usage" => Ok(am::NOTSUP.term()),
        _ => Err(Fail::Badarg),
    }
}

/// How `processes/0` walks, as the record of OTP's tests has it: through the whole table, in one piece.
fn processes_info(cx: &mut Context) -> Value {
    let slots = cx.machine().processes.table.limit() as i64;
    let name = cx.atom("ptab_list_bif_info")?;
    // Least reductions to begin with, chunks, their size; per reduction: places, freed processes, those ended; most for the latter; cells; debugging.
    let [
        start,
        chunks,
        size,
        places,
        freed,
        ended,
        most,
        cells,
        debug,
    ] = [1, 1, slots, slots, 1, 1, 1, slots, 0].map(Term::small);
    Ok(cx.tuple(&[
        name, start, chunks, size, places, freed, ended, most, cells, debug,
    ])?)
}

/// `get_internal_state({Item, Argument, Argument})`
fn get_detail_of(cx: &mut Context, item: Term, arguments: &[Term]) -> Value {
    let item = item.as_atom().ok_or(Fail::Badarg)?;
    match (cx.atoms().name(item), arguments) {
        // Whether there is such a combination of time correction and warp mode: each, there is no correction.
        ("check_time_config", &[correction, mode]) => {
            correction.as_boolean().ok_or(Fail::Badarg)?;
            let mode = mode.as_atom().ok_or(Fail::Badarg)?;
            let known = Mode::of(cx.atoms().name(mode).as_bytes());
            Ok(Term::boolean(known.is_some()))
        }
        _ => Err(Fail::Badarg),
    }
}

fn get_detail(cx: &mut Context, item: Term, detail: Term) -> Value {
    let item = item.as_atom().ok_or(Fail::Badarg)?;
    match cx.atoms().name(item) {
        "process_status" => process_status(cx, detail),
        "link_list" => internal_ties::link_list(cx, detail),
        "monitor_list" => internal_ties::monitor_list(cx, detail),
        "binary_info" => binary_info(cx, detail),
        "magic_ref" => magic_ref(cx, detail),
        // The atom of that index.
        "atom" => match detail.as_small() {
            Some(index @ 0..) if (index as usize) < cx.atoms().len() => {
                Ok(Atom(index as u32).term())
            }
            _ => Err(Fail::Badarg),
        },
        "internal_hash" => Ok(cx.unsigned(internal_hash(detail, 0) >> 32)?),
        "channel_number" | "dist_ctrl" => {
            let node = detail.as_atom().ok_or(Fail::Badarg)?;
            let channel = item == cx.atoms().insert("channel_number")?;
            match cx.machine().distribution.get(node).map(|c| c.controller) {
                Some(Controller::Port(id) | Controller::Process(id)) if channel => {
                    Ok(cx.unsigned(id.identifier_data())?)
                }
                Some(Controller::Port(id) | Controller::Process(id)) => Ok(id),
                _ => Ok(am::UNDEFINED.term()),
            }
        }
        _ => Err(Fail::Badarg),
    }
}

fn process_status(cx: &mut Context, pid: Term) -> Value {
    if !pid.is_local_pid() {
        return Err(Fail::Badarg);
    }
    let status = match cx.machine().processes.table.get_mut(pid) {
        None => am::UNDEFINED,
        Some(process) if process.suspended > 0 => am::SUSPENDED,
        Some(process) => match process.state {
            State::Runnable => am::RUNNABLE,
            State::Running => am::RUNNING,
            State::Waiting => am::WAITING,
            State::Exiting => am::EXITING,
        },
    };
    Ok(status.term())
}

/// `heap_binary`, or `{refc_binary, Bytes, {binary, Capacity}, Flags}` of what a binary is or is part of.
fn binary_info(cx: &mut Context, binary: Term) -> Value {
    view(&binary).ok_or(Fail::Badarg)?;
    let base = match binary.as_object(Subtag::SubBits) {
        // SAFETY: the third word of a part of a bit string is the term that it is part of.
        Some(words) => unsafe { Term::from_raw(words[2]) },
        None => binary,
    };
    let Some(words) = base.as_object(Subtag::RefcBits) else {
        return cx.atom("heap_binary");
    };
    let (size, head) = (words[0], NonNull::new(words[1] as *mut Binary));
    // SAFETY: a term that refers to a binary keeps it alive.
    let capacity = head.map_or(0, |head| unsafe { head.as_ref() }.capacity);
    let (size, capacity) = (cx.unsigned(size)?, cx.unsigned(capacity as u64)?);
    let block = cx.tuple(&[am::BINARY.term(), capacity])?;
    cx.property("refc_binary", &[size, block, Term::small(0)])
}

/// `{Address, References, true}` of the object behind a reference, `true` if it is gone, `false` if there never was one.
fn magic_ref(cx: &mut Context, reference: Term) -> Value {
    let number = RefNumber::of(reference).ok_or(Fail::Badarg)?;
    let Some(object) = cx.machine().resources.find(number) else {
        return Ok(Term::boolean(number.is_of_resource()));
    };
    // The handle itself is one more.
    let references = object.references() - 1;
    let (address, references) = (
        cx.unsigned(object.address() as u64)?,
        cx.unsigned(references as u64)?,
    );
    Ok(cx.tuple(&[address, references, Term::boolean(true)])?)
}

fn set_2(cx: &mut Context, args: &[Term]) -> Value {
    let [item, value] = [args[0], args[1]];
    let item = item.as_atom().ok_or(Fail::Badarg)?;
    let name = cx.atoms().name(item);
    if name == "available_internal_state" {
        return set_available(cx, value);
    }
    check(cx)?;
    let yes = Ok(Term::boolean(true));
    match name {
        "reds_left" => {
            let wanted = number(value)? as isize;
            let process = cx.process();
            let left = process.reductions_left - process.bumped_reductions as isize;
            process.bumped_reductions += (left - wanted).max(0) as usize;
            yes
        }
        "force_gc" => force_gc(cx, value),
        "gc_state" => gc_state(cx, value),
        "next_pid" => {
            let wanted = number(value)? as u64;
            let next = cx.machine().processes.table.set_next_number(wanted);
            Ok(cx.unsigned(next)?)
        }
        "sleep" | "block" => {
            block(cx, number(value)? as u64);
            yes
        }
        "test_long_gc_sleep" => {
            let delay = number(value)? as u64 * 1_000_000;
            let observer = &mut cx.machine().observer;
            observer.collection_delay = delay;
            observer.update();
            yes
        }
        // OTP makes the writing of the dump stumble on purpose; what a dump is written from here cannot be broken like that.
        "broken_halt" => super::system::halt(cx, &args[1..]),
        // What these wait for is done at once here; but as in OTP, who waits does not run on meanwhile: who was runnable before has a turn.
        "wait" => {
            let what = value.as_atom().ok_or(Fail::Badarg)?;
            match cx.atoms().name(what) {
                "deallocations" | "timer_cancellations" | "thread_progress" | "aux_work" => {
                    cx.pause(Exit::Yield)?;
                    Ok(am::OK.term())
                }
                _ => Err(Fail::Badarg),
            }
        }
        "make" if value == am::MAGIC_REF.term() => {
            let handle = cx.new_resource(TestObject)?;
            let address = cx.unsigned(handle.any().address() as u64)?;
            let reference = handle.term(cx)?;
            Ok(cx.tuple(&[reference, address])?)
        }
        "binary_loop_limit" => loop_limit(cx, value, 0, |state| &mut state.binary_loop_limit),
        "unicode_loop_limit" => {
            let default = DEFAULT_LOOP_LIMIT;
            loop_limit(cx, value, default, |state| &mut state.unicode_loop_limit)
        }
        "re_loop_limit" => {
            let default = DEFAULT_LOOP_LIMIT;
            loop_limit(cx, value, default, |state| &mut state.re_loop_limit)
        }
        // Nothing waits for permission, is deleted late or is buffered.
        "node_tab_delayed_delete" | "fill_heap" => Ok(am::OK.term()),
        "code_write_permission" => value
            .as_boolean()
            .ok_or(Fail::Badarg)
            .map(|_| Term::boolean(true)),
        "proc_sig_buffers" => value.as_boolean().ok_or(Fail::Badarg).map(Term::boolean),
        // References have no counters of their own in each process.
        "process_uniq_counter" => yes,
        "unique_monotonic_integer_state" => {
            let last = Integer::of_term(&value).and_then(|last| last.as_i128());
            let next = (last.ok_or(Fail::Badarg)? as u64).wrapping_add(1);
            cx.machine().processes.references.set_monotonic(next);
            yes
        }
        "ets_force_trap" | "ets_force_split" | "ets_debug_random_split_join" => {
            Ok(am::NOTSUP.term())
        }
        "mbuf" => Ok(copy(value, cx, &(0..0))?),
        _ => Err(Fail::Badarg),
    }
}

/// What `set_internal_state(make, magic_ref)` puts behind a reference.
struct TestObject;

impl crate::memory::resource::Resource for TestObject {}

fn number(value: Term) -> Result<i64, Fail> {
    match value.as_small() {
        Some(value @ 0..) => Ok(value),
        _ => Err(Fail::Badarg),
    }
}

fn loop_limit(
    cx: &mut Context,
    value: Term,
    default: i64,
    limit: fn(&mut InternalState) -> &mut i64,
) -> Value {
    let new = match value.as_atom() {
        Some(am::DEFAULT) => default,
        _ => number(value)?,
    };
    let old = core::mem::replace(limit(&mut cx.machine().internal_state), new);
    Ok(Term::small(old))
}

fn set_available(cx: &mut Context, value: Term) -> Value {
    let Some(on) = value.as_boolean() else {
        check(cx)?;
        return Err(Fail::Badarg);
    };
    let old = core::mem::replace(&mut cx.machine().internal_state.available, on);
    if on != old {
        let (pid, leader) = (cx.process().pid, cx.process().group_leader);
        let does = if on { "enabled" } else { "disabled" };
        let note = if on {
            "NOTE: This is an erts internal test feature and should *only* be used by OTP test-suites.~n"
        } else {
            ""
        };
        let format =
            alloc::format!("Process ~p {does} access to the emulator internal state.~n{note}");
        let event = Event {
            level: Level::Warning,
            format: &format,
            arguments: &[pid],
            about: Some((pid, leader)),
        };
        report::say(cx.machine(), &event);
    }
    Ok(Term::boolean(old))
}

/// The caller collects when the call has returned, others when they are in the middle of none.
fn force_gc(cx: &mut Context, pid: Term) -> Value {
    Ok(Term::boolean(system_task::collect(
        cx,
        pid,
        gc::Collection::Full,
    )?))
}

/// Whether the caller collects when others ask it to. It answers those who asked meanwhile when it does again, and collects.
fn gc_state(cx: &mut Context, value: Term) -> Value {
    let on = value.as_boolean().ok_or(Fail::Badarg)?;
    let own = cx.process().pid;
    let held = &mut cx.process().rare()?.held_back;
    let was_on = held.is_none();
    if !on {
        held.get_or_insert_default();
    } else if let Some(held) = held.take() {
        cx.process().requested = Some(gc::Collection::Full);
        held.answer(cx.machine(), own, true)?;
    }
    Ok(Term::boolean(was_on))
}

/// Nothing runs for so many milliseconds.
fn block(cx: &mut Context, milliseconds: u64) {
    let platform = &mut cx.machine().platform;
    let end = platform
        .monotonic_ns()
        .saturating_add(milliseconds.saturating_mul(1_000_000));
    while platform.monotonic_ns() < end {
        platform.idle_until(Some(end));
    }
}

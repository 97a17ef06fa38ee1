//! Tables as such: `new`, `delete/1`, `rename`, `whereis`, `give_away`, `setopts`, and what `ets:all/0` asks for.

use super::super::{Bif, Context, Fail, Value, bif};
use super::{Access, open};
use crate::atom::am;
use crate::ets::table::{Kind, Options, Protection, Store};
use crate::ets::{FREED_AT_ONCE, FREED_PER_REDUCTION, Heir, TableId, identifier, send_transfer};
use crate::memory::Arena;
use crate::process::signal;
use crate::term::Term;
use alloc::vec::Vec;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("ets", "new", 2, new_2),
    bif("ets", "delete", 1, delete_1),
    bif("ets", "rename", 2, rename_2),
    bif("ets", "whereis", 1, whereis_1),
    bif("ets", "give_away", 3, give_away_3),
    bif("ets", "setopts", 2, setopts_2),
    bif("ets", "internal_request_all", 0, internal_request_all_0),
];

/// `{heir, none}` or `{heir, Pid, Data}`: who, and what it is told.
#[derive(Clone, Copy)]
struct HeirOption(Option<(Term, Term)>);

fn heir_option(option: &[Term]) -> Option<HeirOption> {
    match *option {
        [heir, none] if heir == am::HEIR.term() && none == am::NONE.term() => {
            Some(HeirOption(None))
        }
        [heir, pid, data] if heir == am::HEIR.term() && pid.is_local_pid() => {
            Some(HeirOption(Some((pid, data))))
        }
        _ => None,
    }
}

/// What is kept of it: an heir that is not alive is none.
fn make_heir(cx: &mut Context, option: HeirOption) -> Result<Option<Heir>, Fail> {
    let Some((pid, data)) = option.0 else {
        return Ok(None);
    };
    match cx.machine().processes.alive(pid).map(|heir| heir.birth) {
        Some(birth) => Ok(Some(Heir::new(pid, birth, data)?)),
        None => Ok(None),
    }
}

fn protection(term: Term) -> Option<Protection> {
    Some(match term.as_atom()? {
        am::PUBLIC => Protection::Public,
        am::PROTECTED => Protection::Protected,
        am::PRIVATE => Protection::Private,
        _ => return None,
    })
}

/// What the options of `new/2` say.
struct Given {
    options: Options,
    heir: HeirOption,
    /// Whether the locks of a hashed table were counted, which means nothing for an ordered one.
    counts_locks: bool,
}

/// Most locks of a table that OTP takes.
const MOST_LOCKS: i64 = 32_768;

/// The value of option `write_concurrency`, of which nothing is kept: one process runs at a time, so there is nobody to write
/// beside. True if it counts locks, `None` if it is no such value.
fn counts_locks(value: Term) -> Option<bool> {
    if value == am::AUTO.term() || value.as_boolean().is_some() {
        return Some(false);
    }
    match *value.as_tuple()? {
        [key, count] if key == am::DEBUG_HASH_FIXED_NUMBER_OF_LOCKS.term() => (1..=MOST_LOCKS)
            .contains(&count.as_small()?)
            .then_some(true),
        _ => None,
    }
}

/// One option of `new/2`; `None` if it is none.
fn new_option(option: Term, given: &mut Given) -> Option<()> {
    let options = &mut given.options;
    if let Some(atom) = option.as_atom() {
        match atom {
            am::SET => options.kind = Kind::Set,
            am::ORDERED_SET => options.kind = Kind::OrderedSet,
            am::BAG => options.kind = Kind::Bag,
            am::DUPLICATE_BAG => options.kind = Kind::DuplicateBag,
            am::NAMED_TABLE => options.named = true,
            am::COMPRESSED => options.compressed = true,
            _ => options.protection = protection(option)?,
        }
        return Some(());
    }
    let elements = option.as_tuple()?;
    if elements.first() == Some(&am::HEIR.term()) {
        given.heir = heir_option(elements)?;
        return Some(());
    }
    let &[name, value] = elements else {
        return None;
    };
    match name.as_atom()? {
        am::KEYPOS => {
            let position = value.as_small().filter(|position| *position > 0)?;
            options.key_position = position as usize - 1;
        }
        am::READ_CONCURRENCY => options.read_concurrency = value.as_boolean()?,
        am::WRITE_CONCURRENCY => given.counts_locks = counts_locks(value)?,
        am::DECENTRALIZED_COUNTERS => {
            value.as_boolean()?;
        }
        _ => return None,
    }
    Some(())
}

fn new_2(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let mut given = Given {
        options: Options {
            kind: Kind::Set,
            protection: Protection::Protected,
            key_position: 0,
            named: false,
            compressed: false,
            read_concurrency: false,
        },
        heir: HeirOption(None),
        counts_locks: false,
    };
    let mut list = args[1].iter_list();
    for option in list.by_ref() {
        new_option(option, &mut given).ok_or(Fail::Badarg)?;
    }
    let options = given.options;
    if !list.tail().is_nil() || given.counts_locks && options.kind == Kind::OrderedSet {
        return Err(Fail::Badarg);
    }
    let heir = make_heir(cx, given.heir)?;
    let id = cx.new_resource(TableId::unused())?;
    let owner = cx.process().pid;
    let created = cx.machine().ets.create(id, name, options, owner, heir)?;
    match created {
        Some(table) => Ok(identifier(&table, cx)?),
        None => Err(cx.fail_because(am::ALREADY_EXISTS)),
    }
}

fn delete_1(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Write)?;
    let table = cx.machine().ets.remove(table);
    bury(cx, table.store)?;
    Ok(am::TRUE.term())
}

/// Frees objects that nothing leads to any more; others may run meanwhile. What is left if the process is told to end is the run loop's to free.
pub(super) fn bury(cx: &mut Context, store: Store) -> Result<(), Fail> {
    cx.bump_reductions(store.held().min(FREED_AT_ONCE) / FREED_PER_REDUCTION);
    cx.machine().ets.bury(store);
    loop {
        match cx.machine().ets.free_some(FREED_AT_ONCE) {
            0 => return Ok(()),
            freed => cx.consume(freed / FREED_PER_REDUCTION)?,
        }
    }
}

fn rename_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    let name = args[1].as_atom().ok_or(Fail::Badarg)?;
    if !cx.machine().ets.rename(&mut table, name) {
        return Err(Fail::Badarg);
    }
    Ok(identifier(&table, cx)?)
}

fn whereis_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let (machine, heap) = cx.machine_and_heap();
    match machine.ets.whereis(name) {
        Some(table) => Ok(table.id.term(heap)?),
        None => Ok(am::UNDEFINED.term()),
    }
}

fn give_away_3(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    let (from, to) = (cx.process().pid, args[1]);
    if !to.is_local_pid() || cx.machine().processes.alive(to).is_none() {
        return Err(Fail::Badarg);
    }
    if table.owner != from {
        return Err(cx.fail_because(am::NOT_OWNER));
    }
    if to == from {
        return Err(cx.fail_because(am::OWNER));
    }
    let machine = cx.machine();
    machine.ets.give(&mut table, to)?;
    send_transfer(machine, &table, from, args[2])?;
    Ok(am::TRUE.term())
}

fn setopts_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    let single = [args[1]];
    let mut list = args[1].iter_list();
    let alone = single.iter().copied().filter(|option| !option.is_list());
    let (mut heir, mut access) = (None, None);
    for option in list.by_ref().chain(alone) {
        let elements = option.as_tuple().unwrap_or(&[]);
        match *elements {
            [name, value] if name == am::PROTECTION.term() && access.is_none() => {
                access = Some(protection(value).ok_or(Fail::Badarg)?);
            }
            _ if heir.is_none() => heir = Some(heir_option(elements).ok_or(Fail::Badarg)?),
            _ => return Err(Fail::Badarg),
        }
    }
    if args[1].is_list() && !list.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    if table.owner != cx.process().pid {
        return Err(cx.fail_because(am::NOT_OWNER));
    }
    if let Some(heir) = heir {
        table.heir = make_heir(cx, heir)?;
    }
    if let Some(access) = access {
        table.options.protection = access;
    }
    Ok(am::TRUE.term())
}

/// What `ets:all/0` is made of: a reference, with which the list of all tables comes as a message.
fn internal_request_all_0(cx: &mut Context, _: &[Term]) -> Value {
    let reference = cx.machine().processes.references.make();
    let reference = reference.term(cx)?;
    let (machine, heap) = cx.machine_and_heap();
    let mut ids = Vec::new();
    for table in machine.ets.iter() {
        ids.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        ids.push(identifier(table, heap)?);
    }
    // Those that were made first come first.
    let list = heap.list(&ids)?;
    let message = cx.tuple(&[reference, list])?;
    let pid = cx.process().pid;
    signal::send(cx.machine(), pid, pid, message)?;
    Ok(reference)
}

//! Built-in functions: how they are called, and the tables that list them.
//!
//! A built-in function is a [`Function`]: it gets a [`Context`] and its arguments, and returns a
//! term or the way in which it [`Fail`]ed. Each file of this folder is
//! named after what its functions are about and ends in (or begins with) a `TABLE` of them; [`TABLES`] lists the files. An export entry
//! of every built-in function is made from these when the machine starts. A function that the loaded code of OTP defines too stays
//! the built-in one, as on OTP, whose sources have a stub there.
//!
//! Invariant: a built-in function never collects (a [`Context`] has no way to), so the terms it holds stay
//! where they are; what it builds goes to the process's heap, or to a fragment when
//! that is full.

mod allocators;
pub(crate) mod apply;
mod arithmetic;
mod atom;
mod atomics;
mod beam_file;
mod binary;
mod bitstring;
mod checksum;
mod code;
mod code_coverage;
mod code_loading;
mod code_purge;
mod convert;
mod counters;
mod ddll;
mod debug;
mod dictionary;
mod dist_control;
mod dist_spawn;
mod distribution;
mod ets;
mod exception;
mod fun;
mod init;
mod internal;
mod internal_state;
mod internal_ties;
mod iolist;
mod link;
mod lists;
mod local_time;
mod maps;
mod math;
mod md5;
pub(crate) mod message;
mod monitor;
mod multi_scheduling;
mod nif;
mod node_references;
mod number;
mod observe;
mod os;
mod packet;
pub(crate) mod paused;
mod persistent_term;
mod port;
mod port_info;
mod prim_file;
mod process;
mod process_flag;
mod process_info;
mod re;
mod registry;
mod seq_trace;
mod snifs;
mod spawn;
mod starling;
pub(crate) mod statistics;
mod suspend;
mod system;
mod system_flag;
mod system_info;
mod system_task;
mod term;
mod term_format;
pub(crate) mod time;
mod timer;
mod trace;
mod tracing;
mod tuple;
mod unicode;

pub(crate) use dist_spawn::remote_spawn_options;
pub(crate) use internal_state::InternalState;
pub(crate) use multi_scheduling::Blockers;
pub(crate) use process_info::{binaries_of, garbage_collection_info, total_heap_words};

use crate::atom::{AtomError, AtomTable};
use crate::code::Code;
use crate::code::export::Export;
use crate::interp::{Exit, TURN};
use crate::machine::Machine;
use crate::memory::arena::{Arena, NoMemory};
use crate::memory::heap::{Heap, Parcel};
use crate::memory::off_heap::OffHeap;
use crate::memory::resource::{Handle, Resource};
use crate::process::{Process, State, exit};
use crate::sched::native_stack;
use crate::term::copy::copy_of_size_paced;
use crate::term::size::flat_size_paced;
use crate::term::{Atom, Term};
use core::ptr::NonNull;

/// How a built-in function ends without a value. As large as a term, so that a [`Value`] travels in two registers: in
/// memory, it would take the address of a local, and no handler that gets one could end in a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Fail {
    /// `error:badarg`.
    Badarg,
    /// `error:badarith`.
    Badarith,
    /// `error:system_limit`.
    SystemLimit,
    /// There are as many atoms as there may be: the machine ends, as OTP does.
    AtomTableFull,
    /// The process cannot get the memory it needs: it is killed.
    NoMemory,
    /// The exception is in the process already: [`Context::raise`] put it there.
    Raised,
    /// The process's `trap` says which function to call instead, with its arguments in X registers.
    Trap,
    /// The process waits (or has ended): the interpreter gives the processor away. What to do
    /// on return is in the process.
    Suspend,
}

impl From<NoMemory> for Fail {
    fn from(_: NoMemory) -> Fail {
        Fail::NoMemory
    }
}

impl From<AtomError> for Fail {
    fn from(error: AtomError) -> Fail {
        match error {
            AtomError::TooLong => Fail::SystemLimit,
            AtomError::TableFull => Fail::AtomTableFull,
            AtomError::NoMemory => Fail::NoMemory,
        }
    }
}

/// Words of a term that is copied in pieces.
pub const LARGE: usize = 1 << 13;

/// Words of a heap that may have such terms.
const SMALL_HEAP: usize = 1 << 14;

/// What a built-in function returns.
pub type Value = Result<Term, Fail>;

/// The Rust side of a built-in function. The slice has as many terms as its arity.
pub type Function = fn(&mut Context, &[Term]) -> Value;

/// One line of a table.
#[derive(Clone, Copy)]
pub struct Bif {
    /// Module, as Erlang calls it.
    pub module: &'static str,
    /// Function, as Erlang calls it.
    pub function: &'static str,
    /// Number of arguments.
    pub arity: u8,
    /// What runs.
    pub run: Function,
    /// OTP writes it in Erlang: only a bare machine, which has no Erlang code of its own, has it built in.
    pub bare: bool,
}

/// A line of a table: `bif("lists", "reverse", 2, reverse_2)`.
pub const fn bif(module: &'static str, function: &'static str, arity: u8, run: Function) -> Bif {
    Bif {
        module,
        function,
        arity,
        run,
        bare: false,
    }
}

/// As [`bif`], for what OTP writes in Erlang. See [`Bif::bare`].
pub const fn bare(module: &'static str, function: &'static str, arity: u8, run: Function) -> Bif {
    Bif {
        bare: true,
        ..bif(module, function, arity, run)
    }
}

/// See [`Context::piece`].
const STRESSED_PIECE: usize = 3;

/// Most arguments of a built-in function.
pub const MAX_BUILT_IN_ARITY: usize = 8;

/// All tables.
pub static TABLES: &[&[Bif]] = &[
    apply::TABLE,
    beam_file::TABLE,
    code::TABLE,
    code_coverage::TABLE,
    code_loading::TABLE,
    code_purge::TABLE,
    nif::TABLE,
    binary::TABLE,
    bitstring::TABLE,
    arithmetic::TABLE,
    maps::TABLE,
    math::TABLE,
    number::TABLE,
    convert::TABLE,
    checksum::TABLE,
    unicode::TABLE,
    term_format::TABLE,
    tuple::TABLE,
    term::TABLE,
    lists::TABLE,
    iolist::TABLE,
    atom::TABLE,
    atomics::TABLE,
    counters::TABLE,
    persistent_term::TABLE,
    port::TABLE,
    port_info::TABLE,
    ddll::TABLE,
    debug::TABLE,
    dictionary::TABLE,
    ets::manage::TABLE,
    ets::insert::TABLE,
    ets::objects::TABLE,
    ets::update::TABLE,
    ets::iterate::TABLE,
    ets::fixation::TABLE,
    ets::select::TABLE,
    ets::specification::TABLE,
    ets::info::TABLE,
    exception::TABLE,
    fun::TABLE,
    link::TABLE,
    message::TABLE,
    monitor::TABLE,
    prim_file::TABLE,
    process::TABLE,
    process_flag::TABLE,
    process_info::TABLE,
    re::TABLE,
    registry::TABLE,
    seq_trace::TABLE,
    spawn::TABLE,
    starling::TABLE,
    statistics::TABLE,
    system::TABLE,
    system_flag::TABLE,
    local_time::TABLE,
    time::TABLE,
    timer::TABLE,
    init::TABLE,
    dist_control::TABLE,
    dist_spawn::TABLE,
    distribution::TABLE,
    internal::TABLE,
    internal_state::TABLE,
    observe::TABLE,
    os::TABLE,
    packet::TABLE,
    suspend::TABLE,
    system_info::TABLE,
    system_task::TABLE,
    trace::control::TABLE,
    trace::info::TABLE,
    trace::session::TABLE,
    tracing::TABLE,
];

/// Exception classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `error`
    Error,
    /// `exit`
    Exit,
    /// `throw`
    Throw,
}

/// What a built-in function may touch: the process that calls it, and the machine.
///
/// The machine does not own the running process exclusively while it runs, so the two are handed
/// out one at a time.
pub struct Context {
    machine: NonNull<Machine>,
    process: NonNull<Process>,
    /// The entry of the function that it is for, if that was called by one.
    function: Option<NonNull<Export>>,
}

impl Context {
    /// A context of `process` on `machine`.
    ///
    /// # Safety
    /// Both are alive and not borrowed for as long as the context is.
    #[inline(always)]
    pub unsafe fn new(machine: NonNull<Machine>, process: NonNull<Process>) -> Context {
        Context {
            machine,
            process,
            function: None,
        }
    }

    /// The same, for the built-in function that `export` leads to.
    ///
    /// # Safety
    /// As for [`Context::new`]; entries live as long as the machine.
    #[inline(always)]
    pub unsafe fn of_function(
        machine: NonNull<Machine>,
        process: NonNull<Process>,
        export: NonNull<Export>,
    ) -> Context {
        Context {
            machine,
            process,
            function: Some(export),
        }
    }

    /// The machine.
    #[inline(always)]
    pub fn machine(&mut self) -> &mut Machine {
        // SAFETY: `new`'s promise; `&mut self` makes it the only borrow made here.
        unsafe { self.machine.as_mut() }
    }

    /// The calling process.
    #[inline(always)]
    pub fn process(&mut self) -> &mut Process {
        // SAFETY: as above. The machine's table holds processes by address, so a borrow of the machine is
        // not a borrow of this one.
        unsafe { self.process.as_mut() }
    }

    /// The heap of the calling process.
    #[inline(always)]
    pub fn heap(&mut self) -> &mut Heap {
        &mut self.process().heap
    }

    /// Both at once: the machine does not own the process's memory.
    pub fn machine_and_heap(&mut self) -> (&mut Machine, &mut Heap) {
        // SAFETY: as for each of them; they are two allocations.
        unsafe { (self.machine.as_mut(), &mut self.process.as_mut().heap) }
    }

    /// The atom table.
    #[inline(always)]
    pub fn atoms(&mut self) -> &mut AtomTable {
        &mut self.machine().atoms
    }

    /// Both at once.
    pub fn machine_and_process(&mut self) -> (&mut Machine, &mut Process) {
        // SAFETY: as for each of them; they are two allocations.
        unsafe { (self.machine.as_mut(), self.process.as_mut()) }
    }

    /// The heap of the calling process to build on, and the atom table to read: for what sorts terms.
    #[inline(always)]
    pub fn heap_and_atoms(&mut self) -> (&mut Heap, &AtomTable) {
        // SAFETY: `new`'s promise. The two do not overlap: a process is not part of the machine's memory, but an allocation of
        // its own.
        unsafe {
            (
                &mut self.process.as_mut().heap,
                &self.machine.as_ref().atoms,
            )
        }
    }

    /// The heap of the calling process to build on, the atom table and the loaded code: for what makes
    /// atoms and funs of bytes.
    pub fn heap_atoms_and_code(&mut self) -> (&mut Heap, &mut AtomTable, &mut Code) {
        // SAFETY: as above; atoms and code are two fields of the machine.
        unsafe {
            let machine = self.machine.as_mut();
            (
                &mut self.process.as_mut().heap,
                &mut machine.atoms,
                &mut machine.code,
            )
        }
    }

    /// Ends the function with an exception: `return Err(cx.raise(Class::Error, reason))`.
    #[cold]
    pub fn raise(&mut self, class: Class, reason: Term) -> Fail {
        self.process().exception.class = class;
        self.process().exception.reason = reason;
        Fail::Raised
    }

    /// As [`Context::raise`], but the stack trace begins with the function that called the built-in one, as for
    /// `erlang:error/1,2,3`, `exit/1`, `throw/1` and `raise/3`, which may set the other fields of
    /// [`crate::process::Exception`] before.
    #[cold]
    pub fn raise_from_caller(&mut self, class: Class, reason: Term) -> Fail {
        self.process().exception.by_caller = true;
        self.raise(class, reason)
    }

    /// `error:badarg` with the `cause` that OTP's `error_info` has: `return Err(cx.fail_because(am::BADOPT))`.
    #[cold]
    pub fn fail_because(&mut self, cause: Atom) -> Fail {
        self.process().exception.cause = Some(cause);
        Fail::Badarg
    }

    /// `error:{Tag, Value}`, such as `{badmap, M}`.
    #[cold]
    pub fn raise_tagged(&mut self, tag: Atom, value: Term) -> Fail {
        match self.tuple(&[tag.term(), value]) {
            Ok(reason) => self.raise(Class::Error, reason),
            Err(NoMemory) => Fail::NoMemory,
        }
    }

    /// A new reference with `value` behind it: [`Handle::term`] makes the term.
    pub fn new_resource<T: Resource>(&mut self, value: T) -> Result<Handle<T>, NoMemory> {
        let number = self.machine().processes.references.make();
        self.machine().resources.make(number, value)
    }

    /// The atom called `name`: for names that are rarely needed.
    pub fn atom(&mut self, name: &'static str) -> Value {
        Ok(self.atoms().insert_static(name)?.term())
    }

    /// `{Key, Value…}`, as in lists of properties.
    pub fn property(&mut self, key: &'static str, values: &[Term]) -> Value {
        let mut elements = [Term::NIL; 8];
        let used = values.len() + 1;
        elements[0] = self.atom(key)?;
        elements[1..used].copy_from_slice(values);
        Ok(self.tuple(&elements[..used])?)
    }

    /// `[{Key, Value}]`
    pub fn properties(&mut self, pairs: &[(&'static str, Term)]) -> Value {
        let mut list = Term::NIL;
        for &(key, value) in pairs.iter().rev() {
            let pair = self.property(key, &[value])?;
            list = self.cons(pair, list)?;
        }
        Ok(list)
    }

    /// A list of the characters of `text`.
    pub fn string(&mut self, text: &str) -> Value {
        let mut list = Term::NIL;
        for character in text.chars().rev() {
            list = self.cons(Term::small(character as i64), list)?;
        }
        Ok(list)
    }

    /// Counts `work` reductions as used up, for functions whose cost grows with their arguments.
    pub fn bump_reductions(&mut self, work: usize) {
        self.process().bumped_reductions += work;
    }

    /// As [`Context::bump_reductions`], and lets others run when the turn is over: the process stops here, in the middle of the
    /// function, and goes on in its next turn. No borrow outlives that (the compiler sees to it), terms of the process and raw addresses of its own objects do.
    /// The error means that the process has been told to end meanwhile: the function returns it at once.
    #[inline]
    pub fn consume(&mut self, work: usize) -> Result<(), Fail> {
        let process = self.process();
        process.bumped_reductions += work;
        if process.bumped_reductions < TURN as usize && !self.machine().options.pause_always {
            return Ok(());
        }
        self.pause(Exit::Yield)
    }

    /// Whether the turn is over: [`Context::consume`] would let others run.
    #[inline]
    pub fn turn_is_over(&mut self) -> bool {
        self.process().bumped_reductions >= TURN as usize || self.machine().options.pause_always
    }

    /// How much a function does before it asks [`Context::consume`]: `usual`, but little under `+pausestress`.
    #[inline]
    pub fn piece(&mut self, usual: usize) -> usize {
        match self.machine().options.pause_always {
            true => STRESSED_PIECE,
            false => usual,
        }
    }

    /// Whether the process has so much on its heap that a term of it may be large: worth measuring in pieces.
    #[inline]
    pub fn holds_much(&mut self) -> bool {
        let heap = &self.process().heap;
        heap.block.words() + heap.fragment_words > SMALL_HEAP || heap.old_words() > 0
    }

    /// A copy of `term`, made in pieces, if it is large; `None` if it can be copied at one go.
    pub fn copy_apart(&mut self, term: Term) -> Result<Option<(Term, Parcel)>, Fail> {
        let literals = self.machine().literals.clone();
        let words = flat_size_paced(term, &literals, self)?;
        if words < LARGE {
            return Ok(None);
        }
        let mut parcel = Parcel::new();
        let copy = copy_of_size_paced(term, words, &mut parcel, &literals, self)?;
        Ok(Some((copy, parcel)))
    }

    /// Gives the processor away and returns when the process has it again: in its next turn (`Exit::Yield`), or when something has woken it (`Exit::Wait`),
    /// which may be for any reason. The error is that of [`Context::consume`].
    #[inline(never)]
    pub fn pause(&mut self, exit: Exit) -> Result<(), Fail> {
        if self.machine().scheduler.native_base == 0 {
            return Context::goes_on(exit);
        }
        let pid = self.process().pid;
        let ended = |cx: &mut Context| {
            cx.process().state == State::Exiting || exit::begin_pending(cx.machine(), pid)
        };
        if ended(self) {
            return Err(Fail::Suspend);
        }
        // SAFETY: entries live as long as the machine.
        let function = self.function.map(|export| unsafe { export.as_ref() }.mfa());
        // SAFETY: the process has the processor; `&mut self` is the one way to borrow it or the machine.
        if !unsafe { native_stack::pause(self.machine, self.process, exit, function) } {
            return Context::goes_on(exit);
        }
        if ended(self) {
            return Err(Fail::Suspend);
        }
        let process = self.process();
        if process.wanted_outside {
            process.bumped_reductions += TURN as usize;
        }
        Ok(())
    }

    /// What a pause that cannot be made means: a turn may well be longer, but who waits for something would do so for ever.
    fn goes_on(exit: Exit) -> Result<(), Fail> {
        match exit {
            Exit::Wait => Err(Fail::NoMemory),
            _ => Ok(()),
        }
    }

    /// Calls `function`, which does not pause: for who holds what others may change, such as an object of a table.
    #[inline]
    pub fn without_pause<T>(&mut self, function: impl FnOnce(&mut Context) -> T) -> T {
        let base = core::mem::take(&mut self.machine().scheduler.native_base);
        let value = function(self);
        self.machine().scheduler.native_base = base;
        value
    }

    /// Waits until the process of `pid` is not in the middle of a built-in function, or not alive: for who wants to collect its heap, or to
    /// suspend it. False if that may never be, because the process itself waits here for another, or is suspended in the middle.
    pub fn when_outside(&mut self, pid: Term) -> Result<bool, Fail> {
        let mut begins = true;
        while let Some(process) = self.paused(pid) {
            if process.waits_for_another || process.suspended > 0 {
                return Ok(false);
            }
            process.wanted_outside = true;
            self.wait_for_another(begins)?;
            begins = false;
        }
        Ok(true)
    }

    /// As [`Context::when_outside`], for who can wait for ever.
    pub fn until_outside(&mut self, pid: Term) -> Result<(), Fail> {
        let mut begins = true;
        while let Some(process) = self.paused(pid) {
            process.wanted_outside = true;
            self.wait_for_another(begins)?;
            begins = false;
        }
        Ok(())
    }

    /// The process of `pid`, if it is in the middle of a built-in function.
    fn paused(&mut self, pid: Term) -> Option<&mut Process> {
        let process = self.machine().processes.alive(pid);
        process.filter(|process| process.paused.is_some())
    }

    /// Waits until some process has come out of its built-in function, or begun to wait here. Who goes on waiting tells nobody: two of a high
    /// priority would wake each other for ever.
    fn wait_for_another(&mut self, begins: bool) -> Result<(), Fail> {
        let own = self.process().pid;
        let processes = &mut self.machine().processes;
        if begins {
            processes.wake_waiting_for_others();
        }
        let waiting = &mut processes.waiting_for_others;
        waiting.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        waiting.push(own);
        self.process().waits_for_another = true;
        let paused = self.pause(Exit::Wait);
        self.process().waits_for_another = false;
        paused
    }
}

impl Arena for Context {
    #[inline]
    fn allocate(&mut self, words: usize) -> Result<NonNull<u64>, NoMemory> {
        self.heap().allocate(words)
    }
    fn off_heap(&mut self) -> &mut OffHeap {
        &mut self.heap().off_heap
    }
    fn rest(&mut self, work: usize) -> Result<(), Fail> {
        self.consume(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_function_is_listed_once_and_has_few_arguments() {
        let mut seen = HashSet::new();
        for bif in TABLES.iter().flat_map(|table| table.iter()) {
            let name = (bif.module, bif.function, bif.arity);
            assert!(bif.arity as usize <= MAX_BUILT_IN_ARITY, "{name:?}");
            assert!(seen.insert(name), "{name:?} is listed twice");
        }
    }
}

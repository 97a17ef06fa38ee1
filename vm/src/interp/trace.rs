//! Stack traces: what is recorded when an exception is raised, and the list that a program sees.
//!
//! Recording is cheap, since most traces are never looked at: as many addresses of code in a *raw trace*, a tuple
//! that only this file looks into (see [`RawTrace`]). Names, lines and arguments come from [`symbolise`], when a program asks.
//!
//! Invariant: a raw trace holds addresses of code, and code does not move.
//!
//! Who calls this: [`super::exception`], and `process_info` for the place of a current function.

use crate::atom::am;
use crate::bif::{Class, Value};
use crate::code::{Location, stubs};
use crate::machine::Machine;
use crate::memory::arena::{Arena, NoMemory};
use crate::process::Process;
use crate::term::{Atom, Header, Subtag, Term};

/// Most entries of a stack trace, until `system_flag(backtrace_depth, _)` changes it (as in OTP).
pub(crate) const DEPTH: usize = 8;

/// The most that it can be changed to (OTP: `MAX_BACKTRACE_SIZE`).
pub(crate) const MAX_DEPTH: usize = 64;

/// The first entry of a trace, when it is not the instruction that raised.
#[derive(Clone, Copy)]
pub(super) enum First {
    /// It is.
    Instruction,
    /// A function that has no frame: a built-in one, or one that is not there.
    Function(Atom, Atom),
}

/// What a raw trace is made from: a tuple of the class, the first entry's module and function (or `[]`), its
/// arguments (or `none`), its `error_info` (or `[]`), and the addresses in a bignum (or `[]`). A trace that
/// was given to `erlang:raise/3` has the list in place of the addresses.
pub(super) struct RawTrace<'a> {
    pub(super) class: Class,
    pub(super) first: First,
    pub(super) arguments: Option<Term>,
    pub(super) error_info: Option<Term>,
    pub(super) addresses: &'a [u64],
}

const CLASS: usize = 0;
const MODULE: usize = 1;
const FUNCTION: usize = 2;
const ARGUMENTS: usize = 3;
const ERROR_INFO: usize = 4;
const ADDRESSES: usize = 5;
const FIELDS: usize = 6;

impl RawTrace<'_> {
    pub(super) fn build(&self, heap: &mut impl Arena) -> Value {
        let addresses = match self.addresses {
            [] => Term::NIL,
            some => heap.object(Subtag::BigPositive, some)?,
        };
        let (module, function) = match self.first {
            First::Instruction => (Term::NIL, Term::NIL),
            First::Function(module, function) => (module.term(), function.term()),
        };
        Ok(heap.tuple(&[
            self.class.atom().term(),
            module,
            function,
            self.arguments.unwrap_or(am::NONE.term()),
            self.error_info.unwrap_or(Term::NIL),
            addresses,
        ])?)
    }
}

/// The addresses of a trace: `ip`, if there is one, then the return addresses on the stack, youngest first. Of
/// frames of one call instruction that follow each other (a recursion), one is kept.
pub(super) struct Addresses {
    words: [u64; MAX_DEPTH],
    count: usize,
}

impl Addresses {
    pub(super) fn collect(
        machine: &Machine,
        process: &Process,
        ip: Option<*const u8>,
        depth: usize,
    ) -> Addresses {
        let mut found = Addresses {
            words: [0; MAX_DEPTH],
            count: 0,
        };
        if let Some(ip) = ip.filter(|ip| depth != 0 && machine.code.contains(*ip)) {
            found.words[0] = ip as u64;
            found.count = 1;
        }
        let mut previous = 0;
        let mut slot = process.heap.stack;
        while slot < process.heap.block.end() && found.count < depth {
            // SAFETY: words from `stack` to the end of the block are initialised.
            let word = unsafe { *slot };
            slot = slot.wrapping_add(1);
            // Frames of the machine's own, tracing's among them, are not seen: a recursion that is traced is one, too.
            let counts = Header::is_header(word) && word != previous;
            if counts && !stubs::contains(word as *const u8) {
                previous = word;
                // A return address is behind the call: the byte before it is the call's.
                found.words[found.count] = word - 1;
                found.count += 1;
            }
        }
        found
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.words[..self.count]
    }
}

/// `#{module => M}`, or `#{cause => C, module => M}`, with the module that explains the errors of `module`'s built-in functions, as OTP's
/// `error_info` has it.
pub(super) fn error_info(
    heap: &mut impl Arena,
    module: Atom,
    cause: Option<Atom>,
) -> Result<Option<Term>, NoMemory> {
    let explained_by = match module {
        am::ERLANG | am::ATOMICS | am::COUNTERS | am::PERSISTENT_TERM | am::ERTS_INTERNAL => {
            am::ERL_ERTS_ERRORS
        }
        am::BINARY | am::ETS | am::LISTS | am::MAPS | am::MATH | am::RE | am::UNICODE => {
            am::ERL_STDLIB_ERRORS
        }
        am::OS => am::ERL_KERNEL_ERRORS,
        _ => return Ok(None),
    };
    let module = explained_by.term().raw();
    let map = match cause {
        Some(cause) => {
            let keys = heap.tuple(&[am::CAUSE.term(), am::MODULE.term()])?;
            heap.object(Subtag::FlatMap, &[keys.raw(), cause.term().raw(), module])
        }
        None => {
            let keys = heap.tuple(&[am::MODULE.term()])?;
            heap.object(Subtag::FlatMap, &[keys.raw(), module])
        }
    };
    map.map(Some)
}

/// The class that a raw trace was made for.
pub(super) fn class_of(trace: Term) -> Option<Class> {
    Class::of(*trace.as_tuple()?.get(CLASS)?)
}

/// The raw trace with another class.
pub(super) fn with_class(
    heap: &mut impl Arena,
    trace: Term,
    class: Class,
) -> Result<Term, NoMemory> {
    match trace.as_tuple() {
        Some(fields) if fields.len() == FIELDS => {
            let mut changed = [Term::NIL; FIELDS];
            changed.copy_from_slice(fields);
            changed[CLASS] = class.atom().term();
            heap.tuple(&changed)
        }
        _ => heap.tuple(&given(class, trace)),
    }
}

/// The fields of the raw form of a trace that is a list already.
pub(super) fn given(class: Class, trace: Term) -> [Term; FIELDS] {
    let none = am::NONE.term();
    [
        class.atom().term(),
        Term::NIL,
        Term::NIL,
        none,
        Term::NIL,
        trace,
    ]
}

/// See [`build_trace`].
pub(super) fn symbolise(
    machine: &Machine,
    heap: &mut impl Arena,
    trace: Term,
) -> Result<Term, NoMemory> {
    let Some(fields) = trace.as_tuple().filter(|fields| fields.len() == FIELDS) else {
        return Ok(trace);
    };
    let mut entries = [Term::NIL; MAX_DEPTH + 1];
    let mut count = 0;
    let mut arguments = Some(fields[ARGUMENTS]).filter(|term| *term != am::NONE.term());
    let mut info = Some(fields[ERROR_INFO]).filter(|term| !term.is_nil());
    if let (Some(module), Some(function)) = (fields[MODULE].as_atom(), fields[FUNCTION].as_atom()) {
        let place = place(heap, None, info.take())?;
        let arguments = arguments.take().unwrap_or(Term::NIL);
        entries[0] = heap.tuple(&[module.term(), function.term(), arguments, place])?;
        count = 1;
    }
    let addresses = match fields[ADDRESSES].as_object(Subtag::BigPositive) {
        Some(addresses) => addresses,
        // A list that was given, or nothing.
        None if count == 0 => return Ok(fields[ADDRESSES]),
        None => &[],
    };
    for address in addresses {
        let Some(location) = machine.code.location(*address as *const u8) else {
            continue;
        };
        if count == entries.len() {
            break;
        }
        let Location {
            module,
            function,
            arity,
            line,
        } = location;
        let place = place(heap, line, info.take())?;
        let arity = arguments.take().unwrap_or(Term::small(arity as i64));
        entries[count] = heap.tuple(&[module.term(), function.term(), arity, place])?;
        count += 1;
    }
    heap.list(&entries[..count])
}

/// `[{file, F}, {line, L}]`, with `{error_info, I}` behind if there is one.
pub(crate) fn place(
    heap: &mut impl Arena,
    line: Option<(&'static str, u32)>,
    error_info: Option<Term>,
) -> Result<Term, NoMemory> {
    let mut items = [Term::NIL; 3];
    let mut count = 0;
    if let Some((file, line)) = line {
        let file = string(heap, file)?;
        items[0] = heap.tuple(&[am::FILE.term(), file])?;
        items[1] = heap.tuple(&[am::LINE.term(), Term::small(line as i64)])?;
        count = 2;
    }
    if let Some(info) = error_info {
        items[count] = heap.tuple(&[am::ERROR_INFO.term(), info])?;
        count += 1;
    }
    heap.list(&items[..count])
}

/// A list of the characters of `text`.
fn string(heap: &mut impl Arena, text: &str) -> Result<Term, NoMemory> {
    let mut list = Term::NIL;
    for character in text.chars().rev() {
        list = heap.cons(Term::small(character as i64), list)?;
    }
    Ok(list)
}

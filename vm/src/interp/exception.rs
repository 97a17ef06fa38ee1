//! Exceptions: raising, finding the handler, stack traces.
//!
//! A raise records class and reason in the process, makes a *raw trace* and looks for the youngest catch word on the stack.
//! Its frame becomes the current one, and the handler finds
//!
//! | register | holds |
//! |---|---|
//! | X[0] | [`Term::NONE`] |
//! | X[1] | the class: `error`, `exit`, `throw` |
//! | X[2] | the reason |
//! | X[3] | the raw trace |
//!
//! A raw trace is a tuple that only this file looks into (see [`RawTrace`]): addresses of code, which become names and lines
//! only when a program asks for them.
//!
//! Invariant of every function that is called by handlers: as in [`super::slow`].

use super::Exit;
use crate::atom::am;
use crate::bif::{Class, Fail, Value};
use crate::code::Location;
use crate::code::export::Export;
use crate::machine::Machine;
use crate::memory::arena::{Arena, NoMemory};
use crate::memory::gc::exceeds_limit;
use crate::process::Process;
use crate::term::fun::Mfa;
use crate::term::{Atom, Header, Subtag, Term};

/// Entries of a stack trace (OTP's default of `backtrace_depth`).
const DEPTH: usize = 8;

/// The first entry of a trace, when it is not the instruction that raised.
#[derive(Clone, Copy)]
enum First {
    /// It is.
    Instruction,
    /// A function that has no frame: a built-in one, or one that is not there.
    Function(Atom, Atom),
}

/// What a raw trace is made from: a tuple of the class, the first entry's module and function (or `[]`), its
/// arguments (or `none`), its `error_info` (or `[]`), and the addresses in a bignum (or `[]`). A trace that
/// was given to `erlang:raise/3` has the list in place of the addresses.
struct RawTrace<'a> {
    class: Class,
    first: First,
    arguments: Option<Term>,
    error_info: Option<Term>,
    addresses: &'a [u64],
}

const CLASS: usize = 0;
const MODULE: usize = 1;
const FUNCTION: usize = 2;
const ARGUMENTS: usize = 3;
const ERROR_INFO: usize = 4;
const ADDRESSES: usize = 5;
const FIELDS: usize = 6;

impl Class {
    /// Its atom.
    pub fn atom(self) -> Atom {
        match self {
            Class::Error => am::ERROR,
            Class::Exit => am::EXIT_LOWER,
            Class::Throw => am::THROW,
        }
    }

    /// The class of that name.
    pub fn of(term: Term) -> Option<Class> {
        match term.as_atom()? {
            am::ERROR => Some(Class::Error),
            am::EXIT_LOWER => Some(Class::Exit),
            am::THROW => Some(Class::Throw),
            _ => None,
        }
    }
}

impl RawTrace<'_> {
    fn build(&self, heap: &mut impl Arena) -> Value {
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
struct Addresses {
    words: [u64; DEPTH],
    count: usize,
}

impl Addresses {
    fn collect(
        machine: &Machine,
        process: &Process,
        ip: Option<*const u8>,
        depth: usize,
    ) -> Addresses {
        let mut found = Addresses {
            words: [0; DEPTH],
            count: 0,
        };
        if let Some(ip) = ip.filter(|ip| machine.code.contains(*ip)) {
            found.words[0] = ip as u64;
            found.count = 1;
        }
        let mut previous = 0;
        let mut slot = process.heap.stack;
        while slot < process.heap.block.end() && found.count < depth {
            // SAFETY: words from `stack` to the end of the block are initialised.
            let word = unsafe { *slot };
            slot = slot.wrapping_add(1);
            if Header::is_header(word) && word != previous {
                previous = word;
                // A return address is behind the call: the byte before it is the call's.
                let call = word - 1;
                if machine.code.contains(call as *const u8) {
                    found.words[found.count] = call;
                    found.count += 1;
                }
            }
        }
        found
    }

    fn words(&self) -> &[u64] {
        &self.words[..self.count]
    }
}

/// Raises `reason` at `ip`.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_error(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    reason: Term,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    raise_at(
        machine,
        process,
        Class::Error,
        reason,
        First::Instruction,
        None,
        Some(ip),
    )
}

/// Raises `error:{Tag, Value}` at `ip`.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_tagged(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    tag: Atom,
    value: Term,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match process.heap.tuple(&[tag.term(), value]) {
        Ok(reason) => raise_at(
            machine,
            process,
            Class::Error,
            reason,
            First::Instruction,
            None,
            Some(ip),
        ),
        Err(NoMemory) => die_of_memory(machine, process),
    }
}

/// Raises what `erlang:Function(A, B)`, an instruction, failed with.
#[cold]
#[inline(never)]
#[expect(
    clippy::too_many_arguments,
    reason = "one path for all operators, and a cold one"
)]
pub(crate) unsafe fn raise_operator(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    fail: Fail,
    function: Atom,
    a: Term,
    b: Term,
    arity: usize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    raise_in_function(
        machine,
        process,
        Some(ip),
        am::ERLANG,
        function,
        fail,
        &[a, b][..arity],
    )
}

/// Raises what the built-in function of `export` failed with.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_built_in(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    export: *const Export,
    fail: Fail,
    arguments: &[Term],
) -> Exit {
    // SAFETY: the module's invariant; entries live as long as the machine.
    let (machine, process, export) = unsafe { (&mut *machine, &mut *process, &*export) };
    if fail == Fail::Raised && process.exception.by_caller {
        // erlang:error/1 and its like: the trace begins with the function that called them.
        process.exception.by_caller = false;
        let (class, reason) = (process.exception.class, process.exception.reason);
        if core::mem::take(&mut process.exception.trace_is_given) {
            let made = process.heap.tuple(&given(class, process.exception.trace));
            return deliver(machine, process, class, reason, made);
        }
        let arguments = process.exception.arguments.take();
        return raise_at(
            machine,
            process,
            class,
            reason,
            First::Instruction,
            arguments,
            Some(ip),
        );
    }
    let Mfa {
        module, function, ..
    } = export.mfa();
    raise_in_function(
        machine,
        process,
        Some(ip),
        module,
        function,
        fail,
        arguments,
    )
}

fn raise_in_function(
    machine: &mut Machine,
    process: &mut Process,
    ip: Option<*const u8>,
    module: Atom,
    function: Atom,
    fail: Fail,
    arguments: &[Term],
) -> Exit {
    let (class, reason) = match fail {
        Fail::Badarg => (Class::Error, am::BADARG.term()),
        Fail::Badarith => (Class::Error, am::BADARITH.term()),
        Fail::SystemLimit => (Class::Error, am::SYSTEM_LIMIT.term()),
        Fail::Raised => (process.exception.class, process.exception.reason),
        Fail::NoMemory | Fail::Trap | Fail::Suspend => return die_of_memory(machine, process),
    };
    let Ok(arguments) = process.heap.list(arguments) else {
        return die_of_memory(machine, process);
    };
    let cause = process.exception.cause.take();
    process.exception.error_info = match error_info(&mut process.heap, module, cause) {
        Ok(info) => info,
        Err(NoMemory) => return die_of_memory(machine, process),
    };
    raise_at(
        machine,
        process,
        class,
        reason,
        First::Function(module, function),
        Some(arguments),
        ip,
    )
}

/// `#{module => M}`, or `#{cause => C, module => M}`, with the module that explains the errors of `module`'s built-in functions, as OTP's
/// `error_info` has it.
fn error_info(
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

/// No clause of the function whose `func_info` is at `ip` matched the arguments in X registers.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_function_clause(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    arity: usize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match process.heap.list(&machine.x[..arity]) {
        Ok(arguments) => {
            let reason = am::FUNCTION_CLAUSE.term();
            raise_at(
                machine,
                process,
                Class::Error,
                reason,
                First::Instruction,
                Some(arguments),
                Some(ip),
            )
        }
        Err(NoMemory) => die_of_memory(machine, process),
    }
}

/// A function that is not there was called with arguments in X registers.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_undefined(
    machine: *mut Machine,
    process: *mut Process,
    module: Atom,
    function: Atom,
    arity: usize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match process.heap.list(&machine.x[..arity]) {
        Ok(arguments) => {
            let first = First::Function(module, function);
            raise_at(
                machine,
                process,
                Class::Error,
                am::UNDEF.term(),
                first,
                Some(arguments),
                None,
            )
        }
        Err(NoMemory) => die_of_memory(machine, process),
    }
}

/// A value that is no fun of `arity` was called with arguments in X registers.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_bad_fun(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    fun: Term,
    arity: usize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match super::slow::bad_fun_reason(process, fun, &machine.x[..arity]) {
        Ok(reason) => raise_at(
            machine,
            process,
            Class::Error,
            reason,
            First::Instruction,
            None,
            Some(ip),
        ),
        Err(_) => die_of_memory(machine, process),
    }
}

/// `Module:Function(...)` where one of the two is no atom.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_bad_apply(
    machine: *mut Machine,
    process: *mut Process,
    ip: *const u8,
    module: Term,
    function: Term,
    arity: usize,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match process.heap.list(&machine.x[..arity]) {
        Ok(arguments) => raise_in_function(
            machine,
            process,
            Some(ip),
            am::ERLANG,
            am::APPLY,
            Fail::Badarg,
            &[module, function, arguments],
        ),
        Err(NoMemory) => die_of_memory(machine, process),
    }
}

/// `raise/2`: the exception goes on with the trace that it had.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_again(
    machine: *mut Machine,
    process: *mut Process,
    trace: Term,
    reason: Term,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    let class = trace
        .as_tuple()
        .and_then(|fields| Class::of(*fields.first()?))
        .unwrap_or(Class::Error);
    deliver(machine, process, class, reason, Ok(trace))
}

/// `erlang:raise/3` in a handler: class, reason and raw trace in X[0] to X[2]; goes on at `following` with `badarg` in X[0] if
/// the class is none.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raw_raise(
    machine: *mut Machine,
    process: *mut Process,
    following: *const u8,
) -> Exit {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    let [class, reason, trace] = [machine.x[0], machine.x[1], machine.x[2]];
    match Class::of(class) {
        Some(class) => {
            let trace = with_class(&mut process.heap, trace, class);
            deliver(machine, process, class, reason, trace)
        }
        None => {
            machine.x[0] = am::BADARG.term();
            process.ip = following;
            Exit::Continue
        }
    }
}

/// The raw trace with another class.
fn with_class(heap: &mut impl Arena, trace: Term, class: Class) -> Result<Term, NoMemory> {
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
fn given(class: Class, trace: Term) -> [Term; FIELDS] {
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

fn raise_at(
    machine: &mut Machine,
    process: &mut Process,
    class: Class,
    reason: Term,
    first: First,
    arguments: Option<Term>,
    ip: Option<*const u8>,
) -> Exit {
    let depth = match first {
        First::Instruction => DEPTH,
        First::Function(..) => DEPTH - 1,
    };
    let addresses = Addresses::collect(machine, process, ip, depth);
    let error_info = process.exception.error_info.take();
    let raw = RawTrace {
        class,
        first,
        arguments,
        error_info,
        addresses: addresses.words(),
    };
    let trace = raw.build(&mut process.heap).map_err(|_| NoMemory);
    deliver(machine, process, class, reason, trace)
}

/// Hands the exception to the youngest handler; ends the process if there is none.
fn deliver(
    machine: &mut Machine,
    process: &mut Process,
    class: Class,
    reason: Term,
    trace: Result<Term, NoMemory>,
) -> Exit {
    let Ok(trace) = trace else {
        return die_of_memory(machine, process);
    };
    match find_handler(process) {
        Some((frame, handler)) => {
            process.heap.stack = frame;
            process.ip = handler;
            machine.x[..4].copy_from_slice(&[Term::NONE, class.atom().term(), reason, trace]);
            Exit::Continue
        }
        None => uncaught(machine, process, class, reason, trace),
    }
}

/// The youngest catch word's frame and where it leads. A frame begins with the slot of its return address, the youngest
/// word that is one before the catch word; the topmost frame begins where the stack does.
fn find_handler(process: &Process) -> Option<(*mut u64, *const u8)> {
    if process.catches == 0 {
        return None;
    }
    let mut slot = process.heap.stack;
    let mut frame = slot;
    while slot < process.heap.block.end() {
        // SAFETY: words from `stack` to the end of the block are initialised.
        let word = unsafe { *slot };
        if Header::is_header(word) {
            frame = slot;
        } else {
            // SAFETY: every other word of a stack is a term.
            let term = unsafe { Term::from_raw(word) };
            if term.is_catch() {
                // SAFETY: the frame's first word is its slot: no call is under way in it any more.
                unsafe { *frame = Term::NIL.raw() };
                return Some((frame, term.catch_handler()));
            }
        }
        slot = slot.wrapping_add(1);
    }
    None
}

/// Nobody caught it: the process ends.
fn uncaught(
    machine: &mut Machine,
    process: &mut Process,
    class: Class,
    reason: Term,
    trace: Term,
) -> Exit {
    let reason = match class {
        Class::Exit => Ok(reason),
        Class::Error => with_trace(machine, process, reason, trace),
        Class::Throw => match process.heap.tuple(&[am::NOCATCH.term(), reason]) {
            Ok(reason) => with_trace(machine, process, reason, trace),
            Err(NoMemory) => Err(NoMemory),
        },
    };
    match reason {
        Ok(reason) => {
            if class != Class::Exit {
                machine.report_crash(process.pid, reason);
            }
            end(process, reason)
        }
        Err(NoMemory) => die_of_memory(machine, process),
    }
}

/// `{Reason, StackTrace}`.
fn with_trace(
    machine: &Machine,
    process: &mut Process,
    reason: Term,
    trace: Term,
) -> Result<Term, NoMemory> {
    let trace = symbolise(machine, &mut process.heap, trace)?;
    process.heap.tuple(&[reason, trace])
}

/// Ends a process with `reason`.
pub(crate) unsafe fn exit_process(process: *mut Process, reason: Term) -> Exit {
    // SAFETY: the module's invariant.
    unsafe { end(&mut *process, reason) }
}

/// The process is freed only when the interpreter has left it: see [`super::run`].
fn end(process: &mut Process, reason: Term) -> Exit {
    process.pending_exit = Some(reason);
    Exit::Exited
}

/// Kills a process that cannot get the memory it needs.
#[cold]
#[inline(never)]
pub(crate) unsafe fn out_of_memory(
    machine: *mut Machine,
    process: *mut Process,
    _ip: *const u8,
) -> Exit {
    // SAFETY: the module's invariant.
    unsafe { die_of_memory(&mut *machine, &mut *process) }
}

fn die_of_memory(machine: &mut Machine, process: &mut Process) -> Exit {
    if exceeds_limit(process) {
        machine.report_heap_limit(process.pid, process.max_heap_size());
    } else {
        machine.report_out_of_memory(process.pid);
    }
    end(process, am::KILLED.term())
}

/// The value of a `catch` that caught an exception, which is in X[1] to X[3]. `None` if there is no memory.
#[inline(never)]
pub(crate) unsafe fn caught_value(machine: *mut Machine, process: *mut Process) -> Option<Term> {
    // SAFETY: the module's invariant.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    let [class, reason, trace] = [machine.x[1], machine.x[2], machine.x[3]];
    let value = match Class::of(class) {
        Some(Class::Throw) => return Some(reason),
        Some(Class::Error) => with_trace(machine, process, reason, trace).ok()?,
        _ => reason,
    };
    process.heap.tuple(&[am::EXIT.term(), value]).ok()
}

/// The list that a program sees, from a raw trace. `None` if there is no memory.
#[inline(never)]
pub(crate) unsafe fn build_trace(
    machine: *mut Machine,
    process: *mut Process,
    trace: Term,
) -> Option<Term> {
    // SAFETY: the module's invariant.
    unsafe { symbolise(&*machine, &mut (*process).heap, trace).ok() }
}

/// See [`build_trace`].
fn symbolise(machine: &Machine, heap: &mut impl Arena, trace: Term) -> Result<Term, NoMemory> {
    let Some(fields) = trace.as_tuple().filter(|fields| fields.len() == FIELDS) else {
        return Ok(trace);
    };
    let mut entries = [Term::NIL; DEPTH + 1];
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

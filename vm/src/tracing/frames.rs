//! Frames that lie on a stack until a traced function returns.
//!
//! A breakpoint that is to know of the return lays a frame below its caller's: a return address of the machine's own
//! (`crate::code::stubs`), and terms. The function returns to that address, whose instruction tells, takes the frame away and returns in turn. An exception
//! that passes such frames tells of them on its way ([`unwound`]).
//!
//! ```text
//! return trace   address | session | module | function | arity | tracer or [] | does it tell of exceptions
//! return to      address | session
//! measurement    address | session | kind | breakpoint of the function that goes on
//! tail call      address | address in the calling instruction | words of the caller's frame
//! ```
//!
//! The last one is for a built-in function that is called last of all: such a call takes the place of the caller only when it is not traced,
//! so the frame lets it return to its caller, which returns then.
//!
//! Invariant: a frame is words that are terms, behind an address, as every frame of a stack.

use super::flags::Flags;
use super::measure::{self, Kind};
use super::message;
use super::session::SessionId;
use super::tracee::{self, Link};
use super::tracer::{Tracer, Verdict};
use crate::atom::am;
use crate::code::stubs;
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::process::Process;
use crate::term::fun::Mfa;
use crate::term::{Atom, Header, Term};
use starling_loader::isa::ALIGN as INSTRUCTION;

/// Words of a frame that tells what is returned.
const RETURN_WORDS: usize = 7;
/// Words of a frame that tells where to.
const RETURN_TO_WORDS: usize = 2;
/// Words of a frame of a measurement.
const MEASURE_WORDS: usize = 4;

/// Words of a frame of a tail call.
pub const TAIL_WORDS: usize = 3;

/// Words that one session's frames take at most: of a pattern, of a meta pattern, and of two measurements.
pub const MOST_WORDS: usize = 2 * RETURN_WORDS + RETURN_TO_WORDS + 2 * MEASURE_WORDS;

/// Lays a frame; there is room.
fn push(process: &mut Process, address: *const u8, terms: &[Term]) {
    let heap = &mut process.heap;
    debug_assert!(heap.free_words() > terms.len());
    // SAFETY: the caller has made room for the frame between heap and stack.
    unsafe {
        let frame = heap.stack.sub(terms.len() + 1);
        *frame = address as u64;
        for (index, term) in terms.iter().enumerate() {
            *frame.add(1 + index) = term.raw();
        }
        heap.stack = frame;
    }
}

/// Who is told of the return of a call.
#[derive(Clone, Copy)]
pub struct Return {
    /// Of which session.
    pub session: SessionId,
    /// Of which function.
    pub function: Mfa,
    /// Who, if not the process's own tracer: meta tracing.
    pub tracer: Tracer,
    /// Whether also of an exception.
    pub exceptions: bool,
}

/// The function that is being called tells of its return.
pub fn push_return(machine: &mut Machine, process: &mut Process, of: &Return) {
    machine.tracing.has_frames = true;
    let terms = [
        Term::small(of.session.into()),
        of.function.module.term(),
        of.function.function.term(),
        Term::small(of.function.arity.into()),
        of.tracer.term(),
        Term::boolean(of.exceptions),
    ];
    push(process, stubs::return_trace(), &terms);
}

/// The function that is being called tells where it returns to, unless a frame that it returns to does so.
pub fn push_return_to(machine: &mut Machine, process: &mut Process, session: SessionId) {
    let mut slot = process.heap.stack;
    // SAFETY: the stack ends with an address that is none of the machine's own frames'; theirs have the words that are passed over.
    unsafe {
        while let Some(words) = own_frame(*slot) {
            let own = Term::from_raw(*slot.add(1)).as_small() == Some(session.into());
            if *slot == stubs::return_to_trace() as u64 && own {
                return;
            }
            slot = slot.add(words);
        }
    }
    machine.tracing.has_frames = true;
    let terms = [Term::small(session.into())];
    push(process, stubs::return_to_trace(), &terms);
}

/// A traced built-in function is called last of all by the instruction at `ip`, in a frame of so many words: there is room.
pub fn push_tail_call(process: &mut Process, ip: *const u8, frame: usize) {
    push(
        process,
        stubs::tail_call_return(),
        &[Term::NIL, Term::small(frame as i64)],
    );
    // SAFETY: the second word of the frame that has just been laid.
    unsafe { *process.heap.stack.add(1) = ip as u64 + INSTRUCTION as u64 };
}

/// A traced built-in function that was called last of all has returned.
pub fn tail_call_returned(process: &mut Process) {
    let heap = &mut process.heap;
    // SAFETY: the youngest frame is that of the tail call, and the caller's, which has so many words, is behind it.
    unsafe {
        let frame = Term::from_raw(*heap.stack.add(2)).as_small();
        heap.stack = heap
            .stack
            .add(TAIL_WORDS + frame.unwrap_or_default() as usize);
    }
}

/// The function that is being called is measured until it returns; then `before` is again.
pub fn push_measurement(
    machine: &mut Machine,
    process: &mut Process,
    session: SessionId,
    kind: Kind,
    before: usize,
) {
    let number = Term::small((kind == Kind::Memory).into());
    // SAFETY: as for `push_return_to`.
    unsafe {
        let stack = process.heap.stack;
        // A function that is called last takes the place of its caller.
        if *stack == stubs::measure_return() as u64
            && Term::from_raw(*stack.add(1)).as_small() == Some(session.into())
            && Term::from_raw(*stack.add(2)) == number
        {
            return;
        }
    }
    machine.tracing.has_frames = true;
    let terms = [
        Term::small(session.into()),
        number,
        Term::small(before as i64),
    ];
    push(process, stubs::measure_return(), &terms);
}

/// The words of a frame of the machine's own that begins with this word.
fn own_frame(word: u64) -> Option<usize> {
    if word == stubs::return_trace() as u64 {
        Some(RETURN_WORDS)
    } else if word == stubs::return_to_trace() as u64 {
        Some(RETURN_TO_WORDS)
    } else if word == stubs::measure_return() as u64 {
        Some(MEASURE_WORDS)
    } else {
        None
    }
}

/// The address that the function that is being called returns to in the end, behind the frames of tracing.
pub fn return_address(process: &Process) -> *const u8 {
    let mut slot = process.heap.stack;
    // SAFETY: as for `push_return_to`.
    unsafe {
        while let Some(words) = own_frame(*slot) {
            slot = slot.add(words);
        }
        if *slot == stubs::tail_call_return() as u64 {
            slot = slot.add(1);
        }
        *slot as *const u8
    }
}

/// The terms of the youngest frame, which is taken away.
fn pop<const TERMS: usize>(process: &mut Process) -> [Term; TERMS] {
    let heap = &mut process.heap;
    // SAFETY: the process has returned to a frame of that kind, which is the youngest.
    unsafe {
        let terms = heap.stack.add(1).cast::<[Term; TERMS]>().read();
        heap.stack = heap.stack.add(TERMS + 1);
        terms
    }
}

fn session_of(term: Term) -> SessionId {
    term.as_small().unwrap_or_default() as SessionId
}

/// The link of a return trace: of the process, or that of a meta trace.
fn link_of(machine: &mut Machine, pid: Term, session: Term, tracer: Term) -> Option<Link> {
    let session = session_of(session);
    match Tracer::of(tracer) {
        Some(tracer) => {
            let told = tracer.verdict(machine, pid) == Verdict::Trace;
            told.then_some(Link {
                session,
                flags: Flags::TIMESTAMP,
                tracer,
            })
        }
        None => {
            let link = tracee::link_of(machine, pid, session)?;
            let told = link.flags.any(Flags::CALL)
                && !link.flags.any(Flags::SILENT)
                && link.tracer.verdict(machine, pid) == Verdict::Trace;
            told.then_some(link)
        }
    }
}

/// A traced function has returned `value`.
#[inline(never)]
pub fn returned(machine: &mut Machine, process: &mut Process, value: Term) {
    let [session, module, function, arity, tracer, _] = pop::<{ RETURN_WORDS - 1 }>(process);
    let pid = process.pid;
    if let Some(link) = link_of(machine, pid, session, tracer)
        && !process.sensitive
    {
        let mut parcel = Parcel::new();
        if let Ok(call) = parcel.tuple(&[module, function, arity]) {
            message::tell(machine, pid, &link, am::RETURN_FROM, &[call, value]);
        }
    }
}

/// A traced function has returned to a frame that tells where to.
#[inline(never)]
pub fn returned_to(machine: &mut Machine, process: &mut Process) {
    let [session] = pop::<{ RETURN_TO_WORDS - 1 }>(process);
    let address = return_address(process);
    // Behind the call that has returned.
    tell_return_to(
        machine,
        process,
        session_of(session),
        address.wrapping_sub(1),
    );
}

fn tell_return_to(
    machine: &mut Machine,
    process: &mut Process,
    session: SessionId,
    address: *const u8,
) {
    let pid = process.pid;
    let Some(link) = tracee::link_of(machine, pid, session) else {
        return;
    };
    let wanted = link.flags.any(Flags::RETURN_TO) && !link.flags.any(Flags::SILENT);
    if !wanted || process.sensitive || link.tracer.verdict(machine, pid) != Verdict::Trace {
        return;
    }
    let mut parcel = Parcel::new();
    if let Ok(place) = place(machine, &mut parcel, address) {
        message::tell(machine, pid, &link, am::RETURN_TO, &[place]);
    }
}

/// `{Module, Function, Arity}` of an address, or `undefined`.
fn place(machine: &Machine, parcel: &mut Parcel, address: *const u8) -> Result<Term, NoMemory> {
    match machine.code.location(address) {
        Some(at) => {
            let arity = Term::small(at.arity.into());
            parcel.tuple(&[at.module.term(), at.function.term(), arity])
        }
        None => Ok(am::UNDEFINED.term()),
    }
}

/// A measured function has returned.
pub fn measured(machine: &mut Machine, process: &mut Process) {
    let [session, kind, before] = pop::<{ MEASURE_WORDS - 1 }>(process);
    resume_measurement(machine, process, session, kind, before);
}

fn resume_measurement(
    machine: &mut Machine,
    process: &mut Process,
    session: Term,
    kind: Term,
    before: Term,
) {
    let kind = if kind == Term::small(0) {
        Kind::Time
    } else {
        Kind::Memory
    };
    let before = before.as_small().unwrap_or_default() as usize;
    measure::switch_to(machine, process, session_of(session), kind, before, false);
}

/// An exception leaves the frames from the youngest one to `to`, and goes on at `handler`, if anybody catches it.
pub fn unwound(
    machine: &mut Machine,
    process: &mut Process,
    to: *mut u64,
    handler: Option<*const u8>,
    exception: (Atom, Term),
) {
    let pid = process.pid;
    let mut return_to = smallvec::SmallVec::<[SessionId; 1]>::new();
    let mut slot = process.heap.stack;
    while slot < to {
        // SAFETY: words from `stack` to the end of the block are initialised, `to` is not behind that, and words behind the
        // address of a frame of tracing are that frame's.
        unsafe {
            let word = *slot;
            let Some(words) = Header::is_header(word).then(|| own_frame(word)).flatten() else {
                slot = slot.add(1);
                continue;
            };
            let term = |index: usize| Term::from_raw(*slot.add(index));
            match words {
                RETURN_WORDS if term(6) == Term::boolean(true) => {
                    let call = [term(2), term(3), term(4)];
                    tell_exception(machine, pid, (term(1), term(5)), call, exception);
                }
                RETURN_TO_WORDS => {
                    let session = session_of(term(1));
                    if !return_to.contains(&session) {
                        return_to.push(session);
                    }
                }
                MEASURE_WORDS => {
                    resume_measurement(machine, process, term(1), term(2), term(3));
                }
                _ => {}
            }
            slot = slot.add(words);
        }
    }
    if let Some(handler) = handler {
        for session in return_to {
            tell_return_to(machine, process, session, handler);
        }
    }
}

fn tell_exception(
    machine: &mut Machine,
    pid: Term,
    (session, tracer): (Term, Term),
    call: [Term; 3],
    (class, value): (Atom, Term),
) {
    let Some(link) = link_of(machine, pid, session, tracer) else {
        return;
    };
    let mut parcel = Parcel::new();
    let call = parcel.tuple(&call);
    let exception = parcel.tuple(&[class.term(), value]);
    if let (Ok(call), Ok(exception)) = (call, exception) {
        message::tell(machine, pid, &link, am::EXCEPTION_FROM, &[call, exception]);
    }
}

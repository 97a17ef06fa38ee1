//! Sending, and the instructions of `receive`.
//!
//! ```text
//! L1: loop_rec L2, X0       the message at the save pointer; to L2 if there is none
//!     ... match ...         a clause that fails goes to L3, one that matches does remove_message
//! L3: loop_rec_end L1       save pointer to the next message
//! L2: wait L1               give the processor away; later go on at L1
//! L2: wait_timeout L1, T    the same; when the time is over, the next instruction
//!     timeout
//! ```
//!
//! No X register is live at `loop_rec`, `wait` and `wait_timeout`: there messages that lie in fragments
//! are folded into the heap, so that a process that never allocates does not keep them for ever.

use crate::atom::am;
use crate::bif::{Fail, message};
use crate::interp::cpu::{decode, op};
use crate::interp::operand::{Destination as _, F, X};
use crate::interp::{Exit, slow};
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::observe::sequential;
use crate::process::reference::RefNumber;
use crate::process::{Process, ReceiveTimer};
use crate::term::Term;
use crate::term::fun::Mfa;
use crate::tracing::event;
use crate::tracing::saved_calls::{self, Saved};
use core::ptr::NonNull;
use starling_loader::operation::{Kind, Op};

op! {
    /// `X[0] ! X[1]`
    fn send(cpu) {
        let (to, message) = (cpu.x(0), cpu.x(1));
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        let sent = unsafe { send_out_of_line(cpu.machine, cpu.process, to, message) };
        cpu.load();
        match sent {
            Ok(()) => {
                cpu.set_x(0, message);
                cpu.next()
            }
            Err(Fail::Suspend) => {
                // The port was busy: the process is suspended, and goes on behind the instruction.
                cpu.set_x(0, message);
                let following = cpu.following;
                cpu.give_up_turn(following, 1)
            }
            Err(fail) => cpu.fail(F(0), fail, am::SEND, [to, message], 2),
        }
    }
}

/// # Safety
/// As for everything in [`slow`].
#[inline(never)]
unsafe fn send_out_of_line(
    machine: *mut Machine,
    process: *mut Process,
    to: Term,
    message: Term,
) -> Result<(), Fail> {
    // SAFETY: the caller's promise: neither is null nor borrowed.
    let mut context = unsafe {
        crate::bif::Context::new(
            NonNull::new_unchecked(machine),
            NonNull::new_unchecked(process),
        )
    };
    if context.process().saves_calls {
        // The instruction stands for a call.
        let call = Mfa {
            module: am::ERLANG,
            function: am::SEND,
            arity: 2,
        };
        saved_calls::save(context.process(), Saved::Call(call));
    }
    message::send(&mut context, to, message)
}

/// Whether messages in fragments, or bytes off the heap, are reason to collect: a process that does nothing but receive makes no room
/// otherwise.
#[inline(always)]
fn is_crowded(process: &Process) -> bool {
    let heap = &process.heap;
    heap.fragment_words > heap.block.words().max(FRAGMENT_LIMIT)
        || heap.off_heap.wants_collection()
        || heap.adopted.wants_full_sweep()
}

op! {
    fn loop_rec(cpu, label: Label, destination: Destination) {
        // SAFETY: the process runs.
        let process = unsafe { &*cpu.process };
        if !is_crowded(process) {
            return match process.mailbox.peek() {
                Some(message) => {
                    destination.set(&mut cpu, message);
                    cpu.next()
                }
                None => cpu.jump(label),
            };
        }
    } slow {
        if !cpu.collect(0, 0) {
            return cpu.out_of_memory();
        }
        // SAFETY: the process runs; a collection moves messages, so they are looked at behind it.
        match unsafe { (*cpu.process).mailbox.peek() } {
            Some(message) => {
                destination.set(&mut cpu, message);
                cpu.next()
            }
            None => cpu.jump(label),
        }
    }
}

/// Words in fragments that a `receive` lets be.
const FRAGMENT_LIMIT: usize = 512;

op! {
    fn loop_rec_end(cpu, label: Label) {
        // SAFETY: the process runs.
        let mailbox = unsafe { &mut (*cpu.process).mailbox };
        mailbox.advance();
        // Looking through a long queue costs turns, too.
        if cpu.count_call() {
            let target = label.target(cpu.ip);
            // SAFETY: validated: an instruction is there.
            let opcode = unsafe { target.cast::<u16>().read() };
            // What `loop_rec` does, short of its look at fragments: there are no more than there were a message ago.
            if opcode == LOOP_REC
                && let Some(message) = mailbox.peek()
            {
                let mut at = target.wrapping_add(2);
                // SAFETY: validated: these are the operands of that opcode.
                let (_, destination): (F, X) = unsafe { (decode(&mut at), decode(&mut at)) };
                destination.set(&mut cpu, message);
                return cpu.go(next_instruction(at));
            }
            return cpu.go(target);
        }
    } slow {
        let target = label.target(cpu.ip);
        cpu.give_up_turn(target, 0)
    }
}

/// The `loop_rec` that puts messages into an X register, as nearly all do.
const LOOP_REC: u16 = Op::loop_rec.opcode(0);
const _: () = assert!(matches!(Op::loop_rec.variants()[0], [Kind::F, Kind::X]));

op! {
    fn remove_message(cpu) {
        // SAFETY: the process runs.
        let process = unsafe { &mut *cpu.process };
        if process.mailbox.has_apart() {
            // SAFETY: the process runs; the heap's free words stay where they are.
            if unsafe { bring_in_message(cpu.process) }.is_err() {
                return cpu.out_of_memory();
            }
        }
        let message = process.mailbox.remove_current();
        if process.sequential.is_some() | process.saves_calls {
            // SAFETY: both are alive; what is told is built in the memory of others.
            unsafe { tell_received(cpu.machine, cpu.process, message) };
        }
        if process.receive_timer != ReceiveTimer::None {
            // SAFETY: both are alive.
            unsafe { end_timer(cpu.machine, cpu.process) };
        }
        cpu.next()
    }
}

/// The message that is about to be received comes to the heap, if it is off it.
///
/// # Safety
/// The process is alive and not borrowed.
#[cold]
#[inline(never)]
unsafe fn bring_in_message(process: *mut Process) -> Result<(), NoMemory> {
    // SAFETY: the caller's promise.
    unsafe { (*process).bring_in_message() }
}

/// The process has had to do with sequential traces: the message's token, or none, becomes its own. Or it saves calls.
///
/// # Safety
/// Both are alive and not borrowed.
#[cold]
#[inline(never)]
unsafe fn tell_received(machine: *mut Machine, process: *mut Process, message: Option<Term>) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*process).saves_calls {
            saved_calls::save(&mut *process, Saved::Receive);
        }
        if (*process).sequential.is_some() {
            let pid = (*process).pid;
            sequential::received(&mut *machine, pid, message.unwrap_or(Term::NIL));
        }
    }
}

/// The `receive` is over: so is its timer.
///
/// # Safety
/// Both are alive and not borrowed.
#[cold]
#[inline(never)]
unsafe fn end_timer(machine: *mut Machine, process: *mut Process) {
    // SAFETY: the caller's promise.
    unsafe {
        let timer = core::mem::replace(&mut (*process).receive_timer, ReceiveTimer::None);
        if let ReceiveTimer::Running(handle) = timer {
            (*machine).timers.cancel_receive(handle);
        }
    }
}

op! {
    fn timeout(cpu) {
        // SAFETY: both are alive.
        unsafe {
            (*cpu.process).mailbox.reset();
            (*cpu.process).receive_timer = ReceiveTimer::None;
            if (*cpu.process).trace.is_none() & !(*cpu.process).saves_calls {
                return cpu.next();
            }
        }
    } slow {
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        unsafe { tell_timeout(cpu.machine, cpu.process) };
        cpu.load();
        cpu.next()
    }
}

/// # Safety
/// Both are alive and not borrowed.
#[inline(never)]
unsafe fn tell_timeout(machine: *mut Machine, process: *mut Process) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*process).saves_calls {
            saved_calls::save(&mut *process, Saved::Timeout);
        }
        if (*process).trace.is_some() {
            event::timed_out(&mut *machine, (*process).pid);
        }
    }
}

op! {
    fn wait(cpu, label: Label) {
        let target = label.target(cpu.ip);
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        unsafe { slow::switch_out(cpu.machine, cpu.process, target, 0, cpu.reductions) };
        Exit::Wait
    }
}

op! {
    fn wait_timeout(cpu, label: Label, time: Source) {
        let (target, time) = (label.target(cpu.ip), time.get(&cpu));
        let alone = target == cpu.ip;
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        let waiting = unsafe { begin_waiting(cpu.machine, cpu.process, time, alone) };
        match waiting {
            Waiting::Begun => {
                // SAFETY: as above.
                unsafe { slow::switch_out(cpu.machine, cpu.process, target, 0, cpu.reductions) };
                Exit::Wait
            }
            Waiting::Over => cpu.next(),
            Waiting::BadTime => cpu.raise_atom(am::TIMEOUT_VALUE),
            Waiting::NoMemory => cpu.out_of_memory(),
        }
    }
}

/// What `wait_timeout` has to do.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Waiting {
    /// Give up the processor.
    Begun,
    /// Go on: the time is over.
    Over,
    /// Raise `timeout_value`.
    BadTime,
    /// End the process.
    NoMemory,
}

/// `alone`: a `receive` of nothing but `after`. A message wakes it to do the same instruction again, when `time` is the register of a
/// process that has waited: it is not looked at then.
///
/// # Safety
/// Both are alive and not borrowed.
#[inline(never)]
unsafe fn begin_waiting(
    machine: *mut Machine,
    process: *mut Process,
    time: Term,
    alone: bool,
) -> Waiting {
    // SAFETY: the caller's promise.
    let (machine, process) = unsafe { (&mut *machine, &mut *process) };
    match process.receive_timer {
        ReceiveTimer::Fired => return Waiting::Over,
        ReceiveTimer::Running(_) | ReceiveTimer::Never => return Waiting::Begun,
        ReceiveTimer::None => {}
    }
    if time == am::INFINITY.term() {
        if alone {
            process.receive_timer = ReceiveTimer::Never;
        }
        return Waiting::Begun;
    }
    // OTP's limit: 2^32 - 1 milliseconds.
    let milliseconds = match time.as_small() {
        Some(0) => return Waiting::Over,
        Some(milliseconds @ 1..=0xffff_ffff) => milliseconds as u64,
        _ => {
            process.mailbox.reset();
            return Waiting::BadTime;
        }
    };
    let deadline = machine
        .platform
        .monotonic_ns()
        .saturating_add(milliseconds * 1_000_000);
    match machine.timers.start_receive(deadline, process.pid) {
        Ok(handle) => {
            process.receive_timer = ReceiveTimer::Running(handle);
            Waiting::Begun
        }
        Err(_) => Waiting::NoMemory,
    }
}

op! {
    /// A marker of the present end of the mailbox, or `undefined`.
    fn recv_marker_reserve(cpu, destination: Destination) {
        // SAFETY: the process runs.
        let marker = unsafe { (*cpu.process).mailbox.reserve_marker() };
        let marker = match marker {
            Some(number) => Term::small(number as i64),
            None => am::UNDEFINED.term(),
        };
        destination.set(&mut cpu, marker);
        cpu.next()
    }
}

op! {
    /// The marker belongs to a reference that was made since.
    fn recv_marker_bind(cpu, marker: Source, reference: Source) {
        let (marker, reference) = (marker.get(&cpu), reference.get(&cpu));
        // SAFETY: the process runs.
        unsafe { bind_marker(cpu.process, marker, reference) };
        cpu.next()
    }
}

op! {
    /// The marker of the reference is not needed any more.
    fn recv_marker_clear(cpu, reference: Source) {
        let reference = reference.get(&cpu);
        // SAFETY: the process runs.
        unsafe { clear_marker(cpu.process, reference) };
        cpu.next()
    }
}

op! {
    /// The `receive` that follows looks for messages with the reference only.
    fn recv_marker_use(cpu, reference: Source) {
        let reference = reference.get(&cpu);
        // SAFETY: the process runs.
        unsafe { use_marker(cpu.process, reference) };
        cpu.next()
    }
}

// What a reference is compared as is larger than a register. It is not on the stack of a handler, which would have to keep it
// while the next one runs, and could not end in a jump.

/// # Safety
/// The process is alive and not borrowed.
#[inline(never)]
unsafe fn bind_marker(process: *mut Process, marker: Term, reference: Term) {
    if let (Some(number), Some(reference)) = (marker.as_small(), RefNumber::of(reference)) {
        // SAFETY: the caller's promise.
        unsafe { (*process).mailbox.bind_marker(number as u32, reference) };
    }
}

/// # Safety
/// The process is alive and not borrowed.
#[inline(never)]
unsafe fn clear_marker(process: *mut Process, reference: Term) {
    if let Some(reference) = RefNumber::of(reference) {
        // SAFETY: the caller's promise.
        unsafe { (*process).mailbox.clear_marker(reference) };
    }
}

/// # Safety
/// The process is alive and not borrowed.
#[inline(never)]
unsafe fn use_marker(process: *mut Process, reference: Term) {
    if let Some(reference) = RefNumber::of(reference) {
        // SAFETY: the caller's promise.
        unsafe { (*process).mailbox.use_marker(reference) };
    }
}

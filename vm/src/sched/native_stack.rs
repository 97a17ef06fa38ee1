//! How a built-in function stops in the middle: its part of the native stack is put aside, and put back when its process runs again.
//!
//! ```text
//!   the run loop's frames
//!   callee-saved registers of the run loop     <- base: the same address in every turn
//!   interpreter, handler, built-in function, … <- what belongs to the process that has the processor
//!   callee-saved registers of `pause`          <- stack pointer when it pauses
//! ```
//!
//! [`run`] calls the interpreter for a turn, [`pause`] leaves it from anywhere below: it copies the words between stack pointer and base to
//! memory of the process and returns from [`run`] as if the interpreter had. When the process has the processor next, [`run`] copies the words back
//! to where they were, so addresses in them stay right, and `pause` returns. A process that is not paused costs a turn six pushes and
//! six pops; one that is costs a copy of a few KiB. There is one native stack, with one guard page, and a backtrace looks as
//! ever.
//!
//! # Invariant
//!
//! What runs below `base` belongs to one process, the running one. While a process is paused:
//!
//! * nobody has the address of anything in its part of the stack: a `&mut Context` cannot be kept anywhere else;
//! * nothing of the machine, of other processes or of ports is borrowed by it: [`crate::bif::Context`] is borrowed mutably by the pause itself;
//! * its heap is not collected and what it holds does not move ([`crate::bif::Context::when_outside`] is for those who want that); what others send it goes
//!   to fragments, since its heap looks full to them;
//! * it ends only by running once more: its exit makes the pause fail, so that what the built-in function owns is dropped
//!   ([`crate::process::exit`]).
//!
//! The x87 and SSE control words are not kept: nothing in the machine changes them. Vector registers are the caller's to save.

use crate::interp::{self, Exit};
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::process::{Process, try_box};
use crate::term::Term;
use crate::term::fun::Mfa;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::arch::{asm, naked_asm};
use core::ptr::NonNull;
use starling_loader::isa::{FLOAT_REGISTERS, X_REGISTERS};

/// A process in the middle of a built-in function.
pub struct Paused {
    /// Its part of the native stack, youngest word first; as many words as `words` says.
    stack: Vec<u64>,
    words: usize,
    /// Where that part ends.
    base: usize,
    /// First free word of its heap. Meanwhile [`crate::memory::heap::Heap::top`] says that there is none.
    top: *mut u64,
    registers: [Term; X_REGISTERS],
    float: [f64; FLOAT_REGISTERS],
    /// The built-in function, if it was called by an entry of its own.
    pub function: Option<Mfa>,
}

/// Words that the stack pointer may be off from what [`pause`] sees of it: six registers, a return address and what the compiler puts
/// between.
const MARGIN: usize = 64;

/// Gives `process` the processor for a turn.
///
/// # Safety
/// As for [`interp::run`]. Always called from the same frame.
#[inline(never)]
pub(super) unsafe fn run(machine: NonNull<Machine>, process: NonNull<Process>) -> Exit {
    // SAFETY: the caller's promise; borrows end before anything else runs.
    let code = unsafe {
        let base = &raw mut (*machine.as_ptr()).scheduler.native_base;
        let (kept, words) = match &(*process.as_ptr()).paused {
            None => (core::ptr::null(), 0),
            Some(paused) => {
                *base = paused.base;
                (paused.stack.as_ptr(), paused.words)
            }
        };
        let code = switch_to(kept, words, machine, process, base, start);
        *base = 0;
        code
    };
    match code {
        YIELD => Exit::Yield,
        WAIT => Exit::Wait,
        EXITED => Exit::Exited,
        CONTINUE => Exit::Continue,
        _ => unreachable!("the run loop's frame has moved"),
    }
}

const CONTINUE: u64 = Exit::Continue as u64;
const YIELD: u64 = Exit::Yield as u64;
const WAIT: u64 = Exit::Wait as u64;
const EXITED: u64 = Exit::Exited as u64;

unsafe extern "sysv64" fn start(machine: NonNull<Machine>, process: NonNull<Process>) -> u64 {
    // SAFETY: `run`'s caller promised.
    unsafe { interp::run(machine, process) as u64 }
}

/// Gives the processor away in the middle of the built-in function `function` and returns when the process has it again. `exit` says whether it waits or can go
/// on at once. False if it could not: outside of a turn, or without memory.
///
/// # Safety
/// The process has the processor, and nothing borrows it or the machine.
#[inline(never)]
pub(crate) unsafe fn pause(
    machine: NonNull<Machine>,
    process: NonNull<Process>,
    exit: Exit,
    function: Option<Mfa>,
) -> bool {
    let (machine, process) = (machine.as_ptr(), process.as_ptr());
    // SAFETY: the caller's promise. Borrows end before `leave`, which is where everything else runs.
    unsafe {
        let base = (*machine).scheduler.native_base;
        let here: usize;
        asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags));
        let Some(bytes) = base.checked_sub(here).filter(|_| base != 0) else {
            return false;
        };
        let Ok(paused) = Paused::new(&*machine, &*process, base, bytes / 8 + MARGIN) else {
            return false;
        };
        let paused = (*process).paused.insert(paused);
        paused.function = function;
        let (stack, room) = (paused.stack.as_mut_ptr(), paused.stack.capacity());
        let words = &raw mut paused.words;
        (*process).heap.top = (*process).heap.stack;
        // The room is the process's, which keeps it until `switch_to` has read it. What is copied lies between the stack pointer and
        // the base that `run` has set in this turn.
        let left = leave(stack, room, base, exit as u64, words) == 0;
        Paused::restore(&mut *machine, &mut *process);
        left
    }
}

impl Paused {
    #[inline(never)]
    fn new(
        machine: &Machine,
        process: &Process,
        base: usize,
        words: usize,
    ) -> Result<Box<Paused>, NoMemory> {
        let mut stack = Vec::new();
        stack.try_reserve_exact(words).map_err(|_| NoMemory)?;
        try_box(Paused {
            stack,
            words: 0,
            base,
            top: process.heap.top,
            registers: machine.x,
            float: machine.float,
            function: None,
        })
    }

    #[inline(never)]
    fn restore(machine: &mut Machine, process: &mut Process) {
        if let Some(paused) = process.paused.take() {
            machine.x = paused.registers;
            machine.float = paused.float;
            process.heap.top = paused.top;
        }
    }

    /// First free word of the heap.
    pub fn top(&self) -> *mut u64 {
        self.top
    }

    /// Bytes that this takes up.
    pub fn memory(&self) -> usize {
        size_of::<Paused>() + self.stack.capacity() * size_of::<u64>()
    }
}

/// Calls `start(machine, process)`, with the stack pointer in `base`; or, if there is something `kept`, makes it the stack again, with which a
/// pause ends. Returns what `start` returned or the next pause said. A `base` that is not the one of the pause is answered with `u64::MAX`.
#[unsafe(naked)]
unsafe extern "sysv64" fn switch_to(
    kept: *const u64,
    words: usize,
    machine: NonNull<Machine>,
    process: NonNull<Process>,
    base: *mut usize,
    start: unsafe extern "sysv64" fn(NonNull<Machine>, NonNull<Process>) -> u64,
) -> u64 {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "test rdi, rdi",
        "jnz 2f",
        "mov [r8], rsp",
        "mov rdi, rdx",
        "mov rsi, rcx",
        "call r9",
        "3:",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        "2:",
        "mov rax, -1",
        "cmp [r8], rsp",
        "jne 3b",
        // The stack pointer first: nothing below it is safe from signal handlers.
        "mov rcx, rsi",
        "mov rsi, rdi",
        "lea rax, [rcx * 8]",
        "sub rsp, rax",
        "mov rdi, rsp",
        "rep movsq",
        // As `leave` has pushed them.
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "xor eax, eax",
        "ret",
    )
}

/// Copies the stack from here to `base` to `keep`, how many words that are to `words`, and makes [`switch_to`] return `exit`. Returns 0 when it
/// is put back; 1, at once, if there are more than `room` words.
#[unsafe(naked)]
unsafe extern "sysv64" fn leave(
    keep: *mut u64,
    room: usize,
    base: usize,
    exit: u64,
    words: *mut usize,
) -> u64 {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov rax, rdx",
        "sub rax, rsp",
        "shr rax, 3",
        "cmp rax, rsi",
        "ja 2f",
        "mov [r8], rax",
        "mov r10, rcx",
        "mov rcx, rax",
        "mov rsi, rsp",
        "rep movsq",
        "mov rsp, rdx",
        "mov rax, r10",
        // As `switch_to` has pushed them.
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        "2:",
        "add rsp, 48",
        "mov eax, 1",
        "ret",
    )
}

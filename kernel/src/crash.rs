//! The end that was not meant: exceptions and panics.
//!
//! Prints what happened, the registers, the state of the machine and a backtrace with names, then ends the
//! domain as crashed. Every exception is fatal.
//!
//! Invariant: nothing here allocates, takes a lock or returns. A crash within the crash ends the domain with
//! one line. A stack that ran into its guard page never gets here: Xen has nowhere to push the exception's
//! frame, and ends the domain as crashed by itself.

use crate::backtrace::{Chain, LONGEST_CALL, MAX_FRAMES, call_before};
use crate::exclusive::Exclusive;
use crate::memory::heap::KernelHeap;
use crate::{clock, console, power, symbols};
use core::fmt::{self, Write};
use core::ops::Range;
use core::panic::PanicInfo;
use starling_xen::trap::{TrapFrame, exception_name};

/// What a report needs to know about the kernel.
#[derive(Clone)]
pub struct CrashContext {
    /// Addresses of code.
    pub text: Range<usize>,
    /// Addresses of the stack.
    pub stack: Range<usize>,
    /// The image's symbols; empty if it has none.
    pub symbols: &'static [u8],
    /// What the kernel is doing.
    pub phase: &'static str,
    /// The heap, for its state.
    pub heap: Option<&'static KernelHeap>,
}

struct State {
    context: CrashContext,
    crashing: bool,
}

static STATE: Exclusive<State> = Exclusive::new(State {
    context: CrashContext {
        text: 0..0,
        stack: 0..0,
        symbols: &[],
        phase: "entry",
        heap: None,
    },
    crashing: false,
});

/// Changes what reports will say.
pub fn update_context(change: impl FnOnce(&mut CrashContext)) {
    STATE.with(|state| change(&mut state.context));
}

/// The console as a writer that cannot fail or block for ever.
struct Report;

impl Write for Report {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        console::write_in_crash(text.as_bytes());
        Ok(())
    }
}

/// Marks that a crash is being reported; the second time, ends the domain.
fn begin() -> &'static State {
    // SAFETY: from here on nothing returns to whoever may have held the state.
    let state = unsafe { STATE.seize() };
    if core::mem::replace(&mut state.crashing, true) {
        console::write_in_crash(b"starling: crashed again while reporting the crash\n");
        power::crash();
    }
    state
}

/// Reports an exception and ends the domain. Called by the trap stubs.
pub fn exception(frame: &TrapFrame) -> ! {
    let state = begin();
    let TrapFrame {
        vector,
        error_code,
        rip,
        rsp,
        ..
    } = *frame;
    let mut out = Report;
    let _ = write!(
        out,
        "\nstarling: exception {vector} {}, error code {error_code:#x}",
        exception_name(vector)
    );
    const PAGE_FAULT: u64 = 14;
    if vector == PAGE_FAULT {
        let address = clock::shared_info().map_or(0, |info| info.vcpu().fault_address());
        let access = match error_code {
            code if code & 0x10 != 0 => "executing",
            code if code & 0x2 != 0 => "writing",
            _ => "reading",
        };
        let why = if error_code & 1 != 0 {
            "not allowed"
        } else {
            "not mapped"
        };
        let _ = write!(out, "\n  {access} {address:#x}: {why}");
    }
    let _ = writeln!(out);
    write_registers(&mut out, frame);
    write_state(&mut out, &state.context);
    let _ = writeln!(out, "backtrace:");
    let function = function_at(&state.context, rip);
    write_frame(&mut out, 0, rip, function, true);
    let innermost = function.map_or(0, |(start, _)| start);
    write_backtrace(&mut out, &state.context, rsp, innermost, 1);
    power::crash()
}

/// Reports a panic and ends the domain. Called by the panic handler.
#[inline(never)]
pub fn panic(info: &PanicInfo) -> ! {
    let state = begin();
    let mut out = Report;
    if is_allocation_failure(info) {
        let (available, refusal) = memory(&state.context).unwrap_or_default();
        let _ = writeln!(
            out,
            "starling: out of memory while {}: {} bytes more were needed, {} KiB are free; give the domain more memory \
             (memory= in its configuration, or starling boot -m)",
            state.context.phase,
            refusal.unwrap_or_default(),
            available / 1024,
        );
        power::crash();
    }
    let _ = write!(out, "\nstarling: panic: {}", info.message());
    if let Some(location) = info.location() {
        let _ = write!(out, "\n  at {location}");
    }
    let _ = writeln!(out);
    write_state(&mut out, &state.context);
    let _ = writeln!(out, "backtrace:");
    let here = 0usize;
    let innermost = panic as fn(&PanicInfo) -> ! as usize as u64;
    write_backtrace(
        &mut out,
        &state.context,
        &raw const here as u64,
        innermost,
        0,
    );
    power::crash()
}

/// Ends the domain with one line that says why it cannot run.
pub fn fatal(message: fmt::Arguments) -> ! {
    begin();
    let _ = writeln!(Report, "starling: {message}");
    power::crash()
}

/// Whether this is the panic that `alloc` ends in when memory it cannot do without was refused.
fn is_allocation_failure(info: &PanicInfo) -> bool {
    info.location()
        .is_some_and(|location| location.file().ends_with("library/alloc/src/alloc.rs"))
}

/// Bytes that are free, and the size of the last request that was refused.
fn memory(context: &CrashContext) -> Option<(usize, Option<usize>)> {
    context
        .heap
        .and_then(|heap| heap.with(|heap| (heap.available(), heap.last_refusal())))
}

fn write_registers(out: &mut Report, frame: &TrapFrame) {
    let registers = [
        [
            ("rax", frame.rax),
            ("rbx", frame.rbx),
            ("rcx", frame.rcx),
            ("rdx", frame.rdx),
        ],
        [
            ("rsi", frame.rsi),
            ("rdi", frame.rdi),
            ("rbp", frame.rbp),
            ("rsp", frame.rsp),
        ],
        [
            ("r8 ", frame.r8),
            ("r9 ", frame.r9),
            ("r10", frame.r10),
            ("r11", frame.r11),
        ],
        [
            ("r12", frame.r12),
            ("r13", frame.r13),
            ("r14", frame.r14),
            ("r15", frame.r15),
        ],
        [
            ("rip", frame.rip),
            ("cs ", frame.cs & 0xffff),
            ("ss ", frame.ss),
            ("rfl", frame.rflags),
        ],
    ];
    for line in registers {
        for (name, value) in line {
            let _ = write!(out, "  {name} {value:016x}");
        }
        let _ = writeln!(out);
    }
}

fn write_state(out: &mut Report, context: &CrashContext) {
    let _ = write!(out, "state: {}", context.phase);
    if let Some((available, refusal)) = memory(context) {
        let _ = write!(out, ", {} KiB of memory free", available / 1024);
        if let Some(size) = refusal {
            let _ = write!(out, ", last refused a request for {size} bytes");
        }
    }
    let _ = writeln!(out);
}

/// The function that `address` is in: its start and name, if the image has symbols.
fn function_at(context: &CrashContext, address: u64) -> Option<(u64, &'static str)> {
    if !context.text.contains(&(address as usize)) {
        return None;
    }
    let (name, offset) = symbols::lookup(context.symbols, address)?;
    Some((address - offset, name))
}

/// Prints the frames on the stack from `stack_pointer` up (see [`backtrace`]). The code that runs is in the
/// function that starts at `innermost`.
fn write_backtrace(
    out: &mut Report,
    context: &CrashContext,
    stack_pointer: u64,
    innermost: u64,
    first: usize,
) {
    let CrashContext { text, stack, .. } = context;
    let start = (stack_pointer as usize).next_multiple_of(size_of::<u64>());
    if !stack.contains(&start) {
        let _ = writeln!(out, "  (the stack pointer is outside the stack)");
        return;
    }
    let mut chain = Chain::new(innermost);
    let mut number = first;
    for slot in (start..stack.end).step_by(size_of::<u64>()) {
        // SAFETY: an aligned word of the mapped stack; volatile because it is anyone's.
        let word = unsafe { (slot as *const u64).read_volatile() };
        let address = word as usize;
        if !text.contains(&address) || address - text.start < LONGEST_CALL {
            continue;
        }
        // SAFETY: bytes of the kernel's own code.
        let code = unsafe {
            core::slice::from_raw_parts((address - LONGEST_CALL) as *const u8, LONGEST_CALL)
        };
        let Some(call) = call_before(code) else {
            continue;
        };
        // The return address itself may belong to the next function, if the call was the last instruction.
        let function = function_at(context, word - 1);
        let confirmed = function.is_none_or(|(start, _)| chain.confirms(word, call, start));
        write_frame(out, number, word, function, confirmed);
        number += 1;
        if number == MAX_FRAMES {
            let _ = writeln!(out, "  ...");
            return;
        }
    }
}

fn write_frame(
    out: &mut Report,
    number: usize,
    address: u64,
    function: Option<(u64, &str)>,
    confirmed: bool,
) {
    let doubt = if confirmed { "" } else { "? " };
    let _ = match function {
        Some((start, name)) => writeln!(
            out,
            "  {number:2} {address:#x} {doubt}{name}+{:#x}",
            address - start
        ),
        None => writeln!(out, "  {number:2} {address:#x}"),
    };
}

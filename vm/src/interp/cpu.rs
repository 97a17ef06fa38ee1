//! The interpreter's registers, and how one instruction leads to the next.
//!
//! A handler is a function of six arguments, which the calling convention keeps in machine
//! registers: instruction pointer, machine (and with it X[0]), stack, heap top, reductions left, process. It ends by calling the handler of the next
//! instruction with the same six, which optimised builds compile to a jump: the registers never leave
//! the processor. [`op!`] wraps a handler's body so that the body sees them as a [`Cpu`].
//!
//! # Rules for handlers
//!
//! * `cpu` never leaves the handler by reference except into functions that are inlined. A call that takes the
//!   address of a local forces the local into memory and the last call to stay a call;
//!   `scripts/check-dispatch` fails then. So slow paths are functions out of line that get `machine` and `process` pointers, between
//!   [`Cpu::save`] (registers to process) and [`Cpu::load`] (back). A handler that is fast without one puts it into its
//!   `slow` block.
//! * A handler that may collect says how many X registers are live, reads registers *after* it
//!   has made room, and keeps no term across.
//! * What built-in functions and slow paths allocate goes to the heap if there is room, else to fragments: no collection there.
//!
//! # The stack
//!
//! `stack` points to the youngest word, which belongs to the current frame (or, in a function that has
//! made none, to its caller's): the slot for the return address of the call under way, `[]` when none is. Y registers are above it.
//! A call writes the return address into the caller's slot; return reads it from there and clears the slot.

use super::Exit;
use super::operand::{Label, Operand};
use crate::machine::Machine;
use crate::process::Process;
use crate::term::Term;

/// A handler: see the [module](self).
pub(crate) type Handler = unsafe extern "sysv64" fn(
    ip: *const u8,
    machine: *mut Machine,
    stack: *mut u64,
    top: *mut u64,
    reductions: isize,
    process: *mut Process,
) -> Exit;

/// The registers of the interpreter.
pub(crate) struct Cpu {
    /// The instruction that runs.
    pub(crate) ip: *const u8,
    /// The instruction behind it.
    pub(crate) following: *const u8,
    /// The machine.
    pub(crate) machine: *mut Machine,
    /// The youngest word of the stack.
    pub(crate) stack: *mut u64,
    /// The first free word of the heap.
    pub(crate) top: *mut u64,
    /// Reductions left in this turn.
    pub(crate) reductions: isize,
    /// The running process.
    pub(crate) process: *mut Process,
}

impl Cpu {
    // ---- registers ----

    /// X register `index`.
    #[inline(always)]
    pub(crate) fn x(&self, index: usize) -> Term {
        // SAFETY: validated code names registers below X_REGISTERS; X[0] is at the machine's address.
        unsafe { *self.machine.cast::<Term>().add(index) }
    }

    /// Sets X register `index`.
    #[inline(always)]
    pub(crate) fn set_x(&mut self, index: usize, value: Term) {
        // SAFETY: as for `x`.
        unsafe { *self.machine.cast::<Term>().add(index) = value }
    }

    /// Y register `index` of the current frame.
    #[inline(always)]
    pub(crate) fn y(&self, index: usize) -> Term {
        // SAFETY: validated code names registers of its frame, and every word of a frame is a term.
        unsafe { *self.stack.cast::<Term>().add(index + 1) }
    }

    /// Sets Y register `index` of the current frame.
    #[inline(always)]
    pub(crate) fn set_y(&mut self, index: usize, value: Term) {
        // SAFETY: as for `y`.
        unsafe { *self.stack.cast::<Term>().add(index + 1) = value }
    }

    /// The slot of the return address.
    #[inline(always)]
    pub(crate) fn return_address(&self) -> *const u8 {
        // SAFETY: there is always a frame: the bottom one belongs to no function.
        unsafe { *self.stack as *const u8 }
    }

    /// Sets the slot of the return address.
    #[inline(always)]
    pub(crate) fn set_return_address(&mut self, address: *const u8) {
        // SAFETY: as for `return_address`.
        unsafe { *self.stack = address as u64 }
    }

    /// Removes the frame of `size` Y registers.
    #[inline(always)]
    pub(crate) fn drop_frame(&mut self, size: usize) {
        // SAFETY: validated code removes the frame that it made.
        self.stack = unsafe { self.stack.add(size + 1) };
    }

    /// Free words between heap and stack.
    #[inline(always)]
    pub(crate) fn free_words(&self) -> usize {
        (self.stack as usize).wrapping_sub(self.top as usize) / 8
    }

    /// Whether there are fewer than `words` words between heap and stack.
    #[inline(always)]
    pub(crate) fn lacks(&self, words: usize) -> bool {
        self.free_words() < words
    }

    // ---- between registers and process ----

    /// Writes the registers back to the process, for whoever is called next.
    #[inline(always)]
    pub(crate) fn save(&mut self) {
        // SAFETY: the process runs, so it is alive; nobody else borrows it.
        unsafe {
            (*self.process).heap.top = self.top;
            (*self.process).heap.stack = self.stack;
        }
    }

    /// As [`Cpu::save`], for an instruction in the middle of which others may run: they see where the process is.
    #[inline(always)]
    pub(crate) fn save_place(&mut self) {
        self.save();
        // SAFETY: as for `save`.
        unsafe {
            (*self.process).ip = self.ip;
            (*self.process).reductions_left = self.reductions;
        }
    }

    /// Reads the registers back after something that may have changed them.
    #[inline(always)]
    pub(crate) fn load(&mut self) {
        // SAFETY: as for `save`.
        unsafe {
            self.top = (*self.process).heap.top;
            self.stack = (*self.process).heap.stack;
        }
    }

    /// Makes room for `words` words between heap and stack, collecting with the first `live` X registers as
    /// roots. False if there is no memory: then `return cpu.out_of_memory()`.
    #[cold]
    #[inline(always)]
    pub(crate) fn collect(&mut self, words: usize, live: usize) -> bool {
        self.save();
        // SAFETY: the registers are saved; both are alive.
        let done = unsafe { super::slow::collect(self.machine, self.process, words, live) };
        self.load();
        done
    }

    // ---- to the next instruction ----

    /// Goes on at `ip`.
    #[cfg(threaded)]
    #[inline(always)]
    pub(crate) fn go(self, ip: *const u8) -> Exit {
        // SAFETY: `ip` is the address of a validated instruction: its opcode is in the table.
        unsafe {
            let opcode = ip.cast::<u16>().read() as usize;
            let handler = *(&raw const (*self.machine).handlers)
                .cast::<Handler>()
                .add(opcode);
            handler(
                ip,
                self.machine,
                self.stack,
                self.top,
                self.reductions,
                self.process,
            )
        }
    }

    /// Goes on at `ip`: by way of the loop in `interp::run`.
    #[cfg(not(threaded))]
    #[inline(always)]
    pub(crate) fn go(mut self, ip: *const u8) -> Exit {
        self.save();
        // SAFETY: as for `save`.
        unsafe {
            (*self.process).ip = ip;
            (*self.process).reductions_left = self.reductions;
        }
        Exit::Continue
    }

    /// Goes on at `ip` with the handler of `opcode`, whatever opcode is there: behind a breakpoint.
    #[cold]
    #[inline(always)]
    pub(crate) fn go_as(self, opcode: usize, ip: *const u8) -> Exit {
        // SAFETY: `opcode` is the one that validated code has at `ip`.
        unsafe {
            let handler = *(&raw const (*self.machine).handlers)
                .cast::<Handler>()
                .add(opcode);
            handler(
                ip,
                self.machine,
                self.stack,
                self.top,
                self.reductions,
                self.process,
            )
        }
    }

    /// Starts this instruction again, without its breakpoint if it has one.
    #[cold]
    #[inline(always)]
    pub(crate) fn again(self) -> Exit {
        let ip = self.ip;
        // SAFETY: the machine is alive, and an instruction is at `ip`.
        let opcode = unsafe { super::slow::opcode_at(self.machine, ip) };
        self.go_as(opcode, ip)
    }

    /// Goes on behind this instruction.
    #[inline(always)]
    pub(crate) fn next(self) -> Exit {
        let following = self.following;
        self.go(following)
    }

    /// Goes on at a label of this instruction.
    #[inline(always)]
    pub(crate) fn jump<L: Label>(self, label: L) -> Exit {
        let target = label.target(self.ip);
        // A test ends in two jumps to handlers then, which are predicted each by itself; joined, whoever takes the branch that was not
        // predicted is led to the wrong handler, too. Nothing is there for the processor to do.
        #[cfg(threaded)]
        // SAFETY: there is no instruction in it.
        unsafe {
            core::arch::asm!("/* {0} */", in(reg) target.addr(), options(nomem, nostack, preserves_flags))
        };
        self.go(target)
    }

    /// Goes on at `target`, the entry of a function of `arity` arguments, at the price of a reduction.
    #[inline(always)]
    pub(crate) fn call(mut self, target: *const u8, arity: usize) -> Exit {
        if self.count_call() {
            return self.go(target);
        }
        self.give_up_turn(target, arity)
    }

    /// Counts a call; false if no reduction was left for it, so that the turn is over.
    #[inline(always)]
    pub(crate) fn count_call(&mut self) -> bool {
        self.reductions -= 1;
        self.reductions >= 0
    }

    /// Ends the turn with the next call if much lies in fragments. For instructions that allocate without knowing which registers are live, as
    /// arithmetic with bignums does: a call knows, and collects when it ends the turn.
    #[inline(always)]
    pub(crate) fn shorten_turn_if_crowded(&mut self) {
        // SAFETY: the process runs.
        if unsafe { (*self.process).heap.fragment_words } > super::slow::FRAGMENT_LIMIT {
            self.reductions = self.reductions.min(0);
        }
    }

    /// Leaves the interpreter because the turn is over; the process goes on at `ip` with `live` X registers.
    #[cold]
    #[inline(always)]
    pub(crate) fn give_up_turn(mut self, ip: *const u8, live: usize) -> Exit {
        self.save();
        // SAFETY: the registers are saved; both are alive.
        unsafe { super::slow::switch_out(self.machine, self.process, ip, live, self.reductions) };
        Exit::Yield
    }

    /// Goes on where the process's `ip` says after a slow path that returned `proceed`; leaves
    /// the interpreter if it did not.
    #[cold]
    #[inline(always)]
    pub(crate) fn resume(mut self, outcome: Exit) -> Exit {
        if outcome != Exit::Continue {
            return outcome;
        }
        self.load();
        // SAFETY: as for `save`.
        let ip = unsafe { (*self.process).ip };
        self.go(ip)
    }

    /// Raises `error:Reason` where `reason` needs no argument.
    #[cold]
    #[inline(always)]
    pub(crate) fn raise_atom(mut self, reason: crate::term::Atom) -> Exit {
        self.save();
        // SAFETY: the registers are saved; both are alive; `ip` is this instruction.
        let outcome = unsafe {
            super::exception::raise_error(self.machine, self.process, self.ip, reason.term())
        };
        self.resume(outcome)
    }

    /// Raises `error:{Tag, Value}`.
    #[cold]
    #[inline(always)]
    pub(crate) fn raise_tagged(mut self, tag: crate::term::Atom, value: Term) -> Exit {
        self.save();
        // SAFETY: as above.
        let outcome = unsafe {
            super::exception::raise_tagged(self.machine, self.process, self.ip, tag, value)
        };
        self.resume(outcome)
    }

    /// Ends an instruction that called the code of a built-in function and got `fail`: jumps to `label` if there is one,
    /// otherwise raises with `erlang:function(Arguments)` on top of the stack trace.
    #[cold]
    #[inline(always)]
    pub(crate) fn fail<L: Label>(
        mut self,
        label: L,
        fail: crate::bif::Fail,
        function: crate::term::Atom,
        arguments: [Term; 2],
        arity: usize,
    ) -> Exit {
        if fail == crate::bif::Fail::Suspend {
            return self.stopped();
        }
        if label.is_some() && fail != crate::bif::Fail::NoMemory {
            return self.jump(label);
        }
        self.save();
        let [a, b] = arguments;
        // SAFETY: as above.
        let outcome = unsafe {
            super::exception::raise_operator(
                self.machine,
                self.process,
                self.ip,
                fail,
                function,
                a,
                b,
                arity,
            )
        };
        self.resume(outcome)
    }

    /// Leaves the interpreter because the process was told to end in the middle of this instruction.
    #[cold]
    #[inline(always)]
    pub(crate) fn stopped(mut self) -> Exit {
        self.save_place();
        // SAFETY: the registers are saved; both are alive.
        unsafe { super::slow::suspended(self.machine, self.process) }
    }

    /// As [`Cpu::fail`], with what the process's `failed_with` says.
    #[cold]
    #[inline(always)]
    pub(crate) fn failed<L: Label>(
        self,
        label: L,
        function: crate::term::Atom,
        arguments: [Term; 2],
        arity: usize,
    ) -> Exit {
        // SAFETY: the process runs.
        let fail = unsafe { (*self.process).failed_with };
        self.fail(label, fail, function, arguments, arity)
    }

    /// Kills the process, which cannot get the memory it needs.
    #[cold]
    #[inline(always)]
    pub(crate) fn out_of_memory(mut self) -> Exit {
        self.save();
        // SAFETY: as above.
        let outcome =
            unsafe { super::exception::out_of_memory(self.machine, self.process, self.ip) };
        self.resume(outcome)
    }

    /// Writes `words` to the heap, where there is room for them, and returns the address of the first.
    #[inline(always)]
    pub(crate) fn push<const N: usize>(&mut self, words: [u64; N]) -> *mut u64 {
        debug_assert!(!self.lacks(N));
        let object = self.top;
        // SAFETY: the caller made room.
        unsafe {
            object.cast::<[u64; N]>().write(words);
            self.top = object.add(N);
        }
        object
    }
}

/// Decodes one operand and moves `at` behind it.
///
/// # Safety
/// See [`Operand::decode`].
#[inline(always)]
pub(crate) unsafe fn decode<O: Operand>(at: &mut *const u8) -> O {
    // SAFETY: the caller's promise.
    let operand = unsafe { O::decode(*at) };
    *at = operand.end(*at);
    operand
}

/// Defines a handler:
///
/// ```text
/// op! {
///     /// What the operation does.
///     fn name(cpu, source: Source, destination: Destination) {
///         destination.set(&mut cpu, source.get(&cpu));
///         cpu.next()
///     }
/// }
/// ```
///
/// The operands are those of the instruction table, in its order; each is named with the trait of its kinds.
/// The handler is generic over the kinds (the operand's name serves as the type parameter's too).
/// The body returns an `Exit`: `cpu.next()`, `cpu.jump(label)`, `cpu.call(...)` or a raise.
///
/// A handler that has a fast and a slow path says so: `{ fast } slow { ... }`. The fast block returns
/// when it is done; when its end is reached, the handler jumps to the slow block, a function of its
/// own that decodes the operands again. So the fast path saves no registers and makes no stack frame.
///
/// A handler may become part of another one, that of a fused instruction: hence `#[inline]`.
macro_rules! op {
    ($(#[$meta:meta])* fn $name:ident($cpu:ident $(, $operand:ident : $bound:ident)* $(,)?) $body:block) => {
        op! { @function [$(#[$meta])* #[inline]] $name, $cpu, ($($operand: $bound),*), $body }
    };
    ($(#[$meta:meta])* fn $name:ident($cpu:ident $(, $operand:ident : $bound:ident)* $(,)?) $fast:block slow $slow:block) => {
        op! { @function [$(#[$meta])* #[inline]] $name, $cpu, ($($operand: $bound),*), {
            op! { @function [#[cold] #[inline(never)]] slow, $cpu, ($($operand: $bound),*), $slow }
            $fast
            // SAFETY: the registers as they came, for the same instruction.
            unsafe {
                slow::<$($operand),*>(
                    $cpu.ip, $cpu.machine, $cpu.stack, $cpu.top, $cpu.reductions, $cpu.process,
                )
            }
        } }
    };
    (@function [$($meta:tt)*] $name:ident, $cpu:ident, ($($operand:ident : $bound:ident),*), $body:block) => {
        $($meta)*
        #[expect(clippy::allow_attributes, reason = "not every handler needs each of these")]
        #[allow(
            non_camel_case_types, unused_imports, unused_mut, unused_variables, clippy::missing_safety_doc
        )]
        pub(crate) unsafe extern "sysv64" fn $name<$($operand: $crate::interp::operand::$bound),*>(
            ip: *const u8,
            machine: *mut $crate::machine::Machine,
            stack: *mut u64,
            top: *mut u64,
            reductions: isize,
            process: *mut $crate::process::Process,
        ) -> $crate::interp::Exit {
            use $crate::interp::operand::{Operand as _, fixed_length, next_instruction};
            let mut at = ip.wrapping_add(2);
            // SAFETY: the dispatcher came here by the opcode at `ip`, so these are the operands behind it.
            $(let $operand: $operand = unsafe { $crate::interp::cpu::decode(&mut at) };)*
            // Instructions are aligned, so without a list the length is a constant.
            let following = match const { fixed_length(&[$($operand::SIZE),*]) } {
                Some(length) => ip.wrapping_add(length),
                None => next_instruction(at),
            };
            let mut $cpu = $crate::interp::cpu::Cpu { ip, following, machine, stack, top, reductions, process };
            $body
        }
    };
}
pub(crate) use op;

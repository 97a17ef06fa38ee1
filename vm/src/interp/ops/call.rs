//! Calls, returns, and calls of built-in functions.

use crate::atom::am;
use crate::code::export::Export;
use crate::code::fun_entry::FunEntry;
use crate::interp::Exit;
use crate::interp::cpu::{Cpu, op};
use crate::interp::{exception, slow, undefined};
use crate::term::Header;

op! {
    /// No clause of the function whose entry follows matched.
    fn func_info(cpu, module: Source, function: Source, arity: Number) {
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        let outcome = unsafe {
            exception::raise_function_clause(cpu.machine, cpu.process, cpu.ip, arity.value())
        };
        cpu.resume(outcome)
    }
}

op! {
    fn call(cpu, arity: Number, label: Label) {
        let following = cpu.following;
        cpu.set_return_address(following);
        if cpu.count_call() {
            return cpu.jump(label);
        }
    } slow {
        let target = label.target(cpu.ip);
        cpu.give_up_turn(target, arity.value())
    }
}

op! {
    fn call_last(cpu, arity: Number, label: Label, frame: Number) {
        cpu.drop_frame(frame.value());
        if cpu.count_call() {
            return cpu.jump(label);
        }
    } slow {
        let target = label.target(cpu.ip);
        cpu.give_up_turn(target, arity.value())
    }
}

op! {
    fn call_only(cpu, arity: Number, label: Label) {
        if cpu.count_call() {
            return cpu.jump(label);
        }
    } slow {
        let target = label.target(cpu.ip);
        cpu.give_up_turn(target, arity.value())
    }
}

/// Where a call of `export` goes now.
#[inline(always)]
fn entry(export: *const Export) -> *const u8 {
    // SAFETY: linking put the address of an entry here, and entries live as long as the machine.
    unsafe { (*export).entry.code }
}

op! {
    fn call_ext(cpu, arity: Number, import: Import) {
        let following = cpu.following;
        cpu.set_return_address(following);
        if cpu.count_call() {
            return cpu.go(entry(import.export()));
        }
    } slow {
        cpu.give_up_turn(entry(import.export()), arity.value())
    }
}

op! {
    fn call_ext_last(cpu, arity: Number, import: Import, frame: Number) {
        cpu.drop_frame(frame.value());
        if cpu.count_call() {
            return cpu.go(entry(import.export()));
        }
    } slow {
        cpu.give_up_turn(entry(import.export()), arity.value())
    }
}

op! {
    fn call_ext_only(cpu, arity: Number, import: Import) {
        if cpu.count_call() {
            return cpu.go(entry(import.export()));
        }
    } slow {
        cpu.give_up_turn(entry(import.export()), arity.value())
    }
}

/// What to do once a built-in function has its result in X[0].
enum Then {
    /// The next instruction.
    Next,
    /// Return, behind a frame of so many Y registers.
    ReturnFrom(usize),
    /// Return from a function without a frame.
    Return,
    /// Return from what was called as any function is.
    Done,
}

/// Calls the built-in function of `export` with its arguments in X registers.
#[inline(always)]
fn call_built_in(mut cpu: Cpu, export: *const Export, then: Then) -> Exit {
    cpu.save();
    // Some functions tell how many are left.
    // SAFETY: the process runs.
    unsafe { (*cpu.process).reductions_left = cpu.reductions };
    // SAFETY: the registers are saved; machine, process and entry are alive.
    let outcome = unsafe { slow::call_built_in(cpu.machine, cpu.process, export, cpu.ip) };
    end_call(cpu, outcome, export, then)
}

/// Goes on behind a call of a built-in function.
#[inline(always)]
fn end_call(mut cpu: Cpu, outcome: slow::Outcome, export: *const Export, then: Then) -> Exit {
    cpu.load();
    // A function whose cost grows with its arguments says what it cost: the turn ends the sooner.
    // SAFETY: the process runs.
    let more = unsafe { core::mem::take(&mut (*cpu.process).bumped_reductions) };
    cpu.reductions -= 1 + more as isize;
    if outcome != slow::Outcome::Value {
        return built_in_ended(cpu, outcome, export, then);
    }
    match then {
        Then::Next => cpu.next(),
        Then::ReturnFrom(frame) => {
            cpu.drop_frame(frame);
            go_back(cpu)
        }
        Then::Return | Then::Done => go_back(cpu),
    }
}

/// A traced built-in function is called last of all, in a frame of so many words.
#[cold]
#[inline(always)]
fn trace_tail_call(mut cpu: Cpu, export: *const Export, frame: usize) -> Exit {
    cpu.save();
    // SAFETY: the registers are saved; all three are alive.
    let laid = unsafe { slow::lay_tail_call(cpu.machine, cpu.process, export, cpu.ip, frame) };
    if !laid {
        return cpu.out_of_memory();
    }
    cpu.load();
    cpu.go(entry(export))
}

/// A built-in function ended in another way than with a value.
#[cold]
#[inline(always)]
fn built_in_ended(mut cpu: Cpu, outcome: slow::Outcome, export: *const Export, then: Then) -> Exit {
    // Where the process goes on: as if the function had been an ordinary one, called here.
    let (mut export, mut traced) = (export, outcome == slow::Outcome::Traced);
    let is_last = matches!(then, Then::ReturnFrom(_) | Then::Return);
    if outcome == slow::Outcome::Trap && is_last {
        // SAFETY: machine and process are alive.
        let applied = unsafe { slow::take_applied(cpu.machine, cpu.process) };
        if !applied.is_null() {
            (export, traced) = (applied, true);
        }
    }
    match then {
        // The slot is its caller's: a function that has no frame calls one that never returns (`starling_loader::never_returns`).
        Then::Next if traced && Header::is_header(cpu.return_address() as u64) => {
            return trace_tail_call(cpu, export, 0);
        }
        Then::Next => {
            if outcome != slow::Outcome::Failed {
                let following = cpu.following;
                cpu.set_return_address(following);
            }
        }
        Then::ReturnFrom(frame) if traced => return trace_tail_call(cpu, export, frame + 1),
        Then::Return if traced => return trace_tail_call(cpu, export, 0),
        Then::ReturnFrom(frame) => {
            if outcome != slow::Outcome::Failed {
                cpu.drop_frame(frame);
            }
        }
        Then::Return | Then::Done => {}
    }
    cpu.save();
    // SAFETY: the registers are saved; all three are alive.
    let outcome = unsafe {
        slow::built_in_ended(
            cpu.machine,
            cpu.process,
            export,
            cpu.ip,
            outcome,
            cpu.reductions,
        )
    };
    cpu.resume(outcome)
}

op! {
    fn call_bif(cpu, arity: Number, import: Import) {
        call_built_in(cpu, import.export(), Then::Next)
    }
}

op! {
    fn call_bif_last(cpu, arity: Number, import: Import, frame: Number) {
        call_built_in(cpu, import.export(), Then::ReturnFrom(frame.value()))
    }
}

op! {
    fn call_bif_only(cpu, arity: Number, import: Import) {
        call_built_in(cpu, import.export(), Then::Return)
    }
}

op! {
    /// What the code of a built-in function's export entry is, for those who call it as they call any function.
    fn apply_bif(cpu) {
        let export = Export::of_stub(cpu.ip);
        call_built_in(cpu, export, Then::Done)
    }
}

op! {
    /// What the first instruction of a function is whose body is a native function's: as if the entry's stub had been called. So the
    /// function stands in a trace once, with its arguments.
    fn native_call(cpu, number: Number) {
        // SAFETY: the machine is alive.
        let export = unsafe { (*cpu.machine).code.native(number.value()) };
        // SAFETY: entries live as long as the machine.
        cpu.ip = unsafe { (*export).stub() };
        call_built_in(cpu, export, Then::Done)
    }
}

op! {
    /// What the code of an export entry without a function is.
    fn call_undefined(cpu) {
        cpu.save();
        // SAFETY: the registers are saved; machine, process and entry are alive.
        let outcome = unsafe {
            undefined::call_undefined(cpu.machine, cpu.process, Export::of_stub(cpu.ip))
        };
        cpu.resume(outcome)
    }
}

op! {
    /// What the code of a fun entry without code is.
    fn call_undefined_fun(cpu) {
        cpu.save();
        // SAFETY: the registers are saved; machine, process and entry are alive.
        let outcome = unsafe {
            undefined::call_undefined_fun(
                cpu.machine,
                cpu.process,
                FunEntry::of_stub(cpu.ip),
                cpu.reductions,
            )
        };
        cpu.resume(outcome)
    }
}

/// Calls the built-in function whose stub has a breakpoint, which has been seen to.
#[cold]
#[inline(always)]
pub(super) fn call_traced_built_in(mut cpu: Cpu) -> Exit {
    let export = Export::of_stub(cpu.ip);
    cpu.save();
    // SAFETY: the registers are saved; machine, process and entry are alive. The process's `ip` is where it is called.
    let outcome = unsafe { slow::call_traced(cpu.machine, cpu.process, export) };
    end_call(cpu, outcome, export, Then::Done)
}

/// Returns to the caller, whose slot is the youngest word of the stack.
#[inline(always)]
pub(super) fn go_back(mut cpu: Cpu) -> Exit {
    let address = cpu.return_address();
    cpu.set_return_address(crate::term::Term::NIL.raw() as *const u8);
    cpu.go(address)
}

op! {
    fn return_(cpu) {
        go_back(cpu)
    }
}

op! {
    /// `Fun(...)`: arguments in X[0] and up, the fun behind them.
    fn call_fun(cpu, arity: Number) {
        let fun = cpu.x(arity.value());
        let following = cpu.following;
        cpu.set_return_address(following);
        call_value(cpu, fun, arity.value())
    }
}

op! {
    fn call_fun2(cpu, arity: Number, fun: Source) {
        let fun = fun.get(&cpu);
        let following = cpu.following;
        cpu.set_return_address(following);
        call_value(cpu, fun, arity.value())
    }
}

op! {
    fn call_fun_last(cpu, arity: Number, frame: Number) {
        let fun = cpu.x(arity.value());
        cpu.drop_frame(frame.value());
        call_value(cpu, fun, arity.value())
    }
}

op! {
    fn call_fun2_last(cpu, arity: Number, fun: Source, frame: Number) {
        let fun = fun.get(&cpu);
        cpu.drop_frame(frame.value());
        call_value(cpu, fun, arity.value())
    }
}

/// Calls a value: a fun of that arity, or an error. The stack's youngest slot has the return address. So a caller that is
/// returned to stands in the trace of an error twice, as in OTP: as what failed, too.
#[inline(always)]
fn call_value(mut cpu: Cpu, fun: crate::term::Term, arity: usize) -> Exit {
    if let Some(words) = fun.as_object(crate::term::Subtag::Fun) {
        let meta = crate::term::fun::Meta::unpack(words[1]);
        if meta.arity == arity {
            // Whether it is an export entry's or a fun entry's: the code's address comes first.
            let target = words[0] as *const Export;
            for i in 0..meta.free {
                // SAFETY: the free variables are terms, behind the creator.
                let value = unsafe { crate::term::Term::from_raw(*words.get_unchecked(3 + i)) };
                cpu.set_x(arity + i, value);
            }
            return cpu.call(entry(target), arity + meta.free);
        }
    }
    cpu.save();
    // SAFETY: the registers are saved; both are alive.
    let outcome = unsafe { exception::raise_bad_fun(cpu.machine, cpu.process, cpu.ip, fun, arity) };
    cpu.resume(outcome)
}

/// A call that could not be resolved has been raised.
#[cold]
#[inline(always)]
fn refused(cpu: Cpu) -> Exit {
    // SAFETY: the process runs.
    let outcome = unsafe { (*cpu.process).outcome };
    cpu.resume(outcome)
}

op! {
    /// `Module:Function(...)`: arguments in X[0] and up, module and function behind them.
    fn apply(cpu, arity: Number) {
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        let export = match unsafe { slow::resolve_apply(cpu.machine, cpu.process, cpu.ip, arity.value()) } {
            Some(export) => export.as_ptr().cast_const(),
            None => return refused(cpu),
        };
        let following = cpu.following;
        cpu.set_return_address(following);
        // SAFETY: entries live as long as the machine.
        let arity = unsafe { (*export).mfa().arity as usize };
        cpu.call(entry(export), arity)
    }
}

op! {
    fn apply_last(cpu, arity: Number, frame: Number) {
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        let export = match unsafe { slow::resolve_apply(cpu.machine, cpu.process, cpu.ip, arity.value()) } {
            Some(export) => export.as_ptr().cast_const(),
            None => return refused(cpu),
        };
        // SAFETY: entries live as long as the machine.
        if unsafe { (*export).raises_for_caller() } {
            let following = cpu.following;
            cpu.set_return_address(following);
        } else {
            cpu.drop_frame(frame.value());
        }
        // SAFETY: entries live as long as the machine.
        let arity = unsafe { (*export).mfa().arity as usize };
        cpu.call(entry(export), arity)
    }
}

op! {
    /// A process's first function has returned.
    fn normal_exit(cpu) {
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        let outcome = unsafe { exception::exit_process(cpu.process, am::NORMAL.term()) };
        cpu.resume(outcome)
    }
}

op! {
    /// A process goes on behind a built-in function that gave up the processor: the value is in X[0].
    fn continue_exit(cpu) {
        go_back(cpu)
    }
}

op! {
    fn no_memory_exit(cpu) {
        cpu.out_of_memory()
    }
}

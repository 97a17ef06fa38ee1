//! Catching and raising. See [`crate::interp::exception`] for how an exception finds its handler: there X[0] is
//! [`Term::NONE`], X[1] the class, X[2] the reason, X[3] the raw stack trace.

use crate::atom::am;
use crate::interp::cpu::{Cpu, op};
use crate::interp::exception;
use crate::interp::operand::{Destination, Label};
use crate::term::Term;

/// Marks a slot of the frame as a handler.
#[inline(always)]
fn enter<L: Label, D: Destination>(cpu: &mut Cpu, slot: D, handler: L) {
    let handler = Term::catch(handler.target(cpu.ip));
    slot.set(cpu, handler);
    // SAFETY: the process runs.
    unsafe { (*cpu.process).catches += 1 };
}

/// Clears such a slot.
#[inline(always)]
fn leave<D: Destination>(cpu: &mut Cpu, slot: D) {
    slot.set(cpu, Term::NIL);
    // SAFETY: the process runs.
    unsafe { (*cpu.process).catches -= 1 };
}

op! {
    fn catch_(cpu, slot: Destination, handler: Label) {
        enter(&mut cpu, slot, handler);
        cpu.next()
    }
}

op! {
    fn try_(cpu, slot: Destination, handler: Label) {
        enter(&mut cpu, slot, handler);
        cpu.next()
    }
}

op! {
    fn try_end(cpu, slot: Destination) {
        leave(&mut cpu, slot);
        cpu.next()
    }
}

op! {
    /// The handler of a `try`: class, reason and trace move to X[0], X[1], X[2].
    fn try_case(cpu, slot: Destination) {
        leave(&mut cpu, slot);
        for i in 0..3 {
            let value = cpu.x(i + 1);
            cpu.set_x(i, value);
        }
        cpu.next()
    }
}

op! {
    /// The end of a `catch`, reached with a value or with an exception, which becomes a value here.
    fn catch_end(cpu, slot: Destination) {
        leave(&mut cpu, slot);
        if cpu.x(0) == Term::NONE {
            cpu.save();
            // SAFETY: the registers are saved; both are alive.
            let value = unsafe { exception::caught_value(cpu.machine, cpu.process) };
            cpu.load();
            match value {
                Some(value) => cpu.set_x(0, value),
                None => return cpu.out_of_memory(),
            }
        }
        cpu.next()
    }
}

op! {
    fn badmatch(cpu, value: Source) {
        let value = value.get(&cpu);
        cpu.raise_tagged(am::BADMATCH, value)
    }
}

op! {
    fn case_end(cpu, value: Source) {
        let value = value.get(&cpu);
        cpu.raise_tagged(am::CASE_CLAUSE, value)
    }
}

op! {
    fn try_case_end(cpu, value: Source) {
        let value = value.get(&cpu);
        cpu.raise_tagged(am::TRY_CLAUSE, value)
    }
}

op! {
    fn badrecord(cpu, value: Source) {
        let value = value.get(&cpu);
        cpu.raise_tagged(am::BADRECORD, value)
    }
}

op! {
    fn if_end(cpu) {
        cpu.raise_atom(am::IF_CLAUSE)
    }
}

op! {
    /// Raises again what a handler did not want: the raw trace knows the class.
    fn raise(cpu, trace: Source, reason: Source) {
        let (trace, reason) = (trace.get(&cpu), reason.get(&cpu));
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        let outcome = unsafe { exception::raise_again(cpu.machine, cpu.process, trace, reason) };
        cpu.resume(outcome)
    }
}

op! {
    /// `erlang:raise/3` in a handler: class, reason and raw trace in X[0], X[1], X[2]. A class that is none gives badarg in X[0].
    fn raw_raise(cpu) {
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        let outcome = unsafe { exception::raw_raise(cpu.machine, cpu.process, cpu.following) };
        cpu.resume(outcome)
    }
}

op! {
    /// Turns the raw trace in X[0] into the list that a program sees.
    fn build_stacktrace(cpu) {
        cpu.save();
        let raw = cpu.x(0);
        // SAFETY: the registers are saved; both are alive.
        let trace = unsafe { exception::build_trace(cpu.machine, cpu.process, raw) };
        cpu.load();
        match trace {
            Some(trace) => {
                cpu.set_x(0, trace);
                cpu.next()
            }
            None => cpu.out_of_memory(),
        }
    }
}

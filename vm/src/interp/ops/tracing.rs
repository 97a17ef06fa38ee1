//! Breakpoints, and what traced functions return to. What they do is [`crate::tracing`]'s.

use super::call::{call_traced_built_in, go_back};
use crate::interp::cpu::op;
use crate::tracing::call::{self, Next};
use crate::tracing::frames;

op! {
    /// A function is called that is traced.
    fn breakpoint(cpu) {
        cpu.save();
        // SAFETY: the registers are saved; both are alive, and the breakpoint is at `ip`.
        let next = unsafe { call::hit(cpu.machine, cpu.process, cpu.ip) };
        cpu.load();
        // SAFETY: the process runs.
        let to = unsafe { (*cpu.process).ip };
        match next {
            Next::Instruction => {
                let ip = cpu.ip;
                cpu.go_as(to as usize, ip)
            }
            Next::Code => cpu.go(to),
            Next::BuiltIn => call_traced_built_in(cpu),
            Next::NoMemory => cpu.out_of_memory(),
        }
    }
}

op! {
    /// A traced function has returned: its value is told.
    fn return_trace(cpu) {
        cpu.save();
        let value = cpu.x(0);
        // SAFETY: the registers are saved; both are alive.
        unsafe { frames::returned(&mut *cpu.machine, &mut *cpu.process, value) };
        cpu.load();
        go_back(cpu)
    }
}

op! {
    /// A traced function has returned: where to is told.
    fn return_to_trace(cpu) {
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        unsafe { frames::returned_to(&mut *cpu.machine, &mut *cpu.process) };
        cpu.load();
        go_back(cpu)
    }
}

op! {
    /// A measured function has returned.
    fn measure_return(cpu) {
        cpu.save();
        // SAFETY: the registers are saved; both are alive.
        unsafe { frames::measured(&mut *cpu.machine, &mut *cpu.process) };
        cpu.load();
        go_back(cpu)
    }
}

op! {
    /// A traced built-in function that was called last of all has returned: so does its caller.
    fn tail_call_return(cpu) {
        cpu.save();
        // SAFETY: the registers are saved; the process is alive.
        unsafe { frames::tail_call_returned(&mut *cpu.process) };
        cpu.load();
        go_back(cpu)
    }
}

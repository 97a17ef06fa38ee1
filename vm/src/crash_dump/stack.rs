//! A process's stack as text: what `process_info(Pid, backtrace)` tells and a crash dump has of each process.
//!
//! The text is OTP's: the place where the process goes on, then for each frame its return address and its Y registers.
//! Nothing here collects or changes the process. Terms are cut off after [`TERM_BYTES`], so that one process cannot fill a
//! console.

use crate::machine::Machine;
use crate::process::Process;
use crate::term::print::{self, Output};
use crate::term::{Atom, Header, Term};
use alloc::string::String;
use core::fmt::{self, Write};

/// Most bytes of a term that are printed.
const TERM_BYTES: usize = 64 * 1024;

/// Passes on what is printed, up to a number of bytes.
struct Limited<'a> {
    out: &'a mut dyn Write,
    left: usize,
}

impl Output for Limited<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> fmt::Result {
        if bytes.len() > self.left {
            self.left = 0;
            self.out.write_str("...")?;
            return Err(fmt::Error);
        }
        self.left -= bytes.len();
        print::Text(self.out).bytes(bytes)
    }
}

/// Writes `term` as `erlang:display/1` would, or the beginning of it.
pub fn write_term(machine: &Machine, term: Term, out: &mut dyn Write) -> fmt::Result {
    let mut limited = Limited {
        out,
        left: TERM_BYTES,
    };
    match print::print(&machine.atoms, term, &mut limited) {
        Err(_) if limited.left > 0 => Err(fmt::Error),
        _ => Ok(()),
    }
}

/// `0x00007f00 (lists:map/2 + 16)`, or what is known of an address outside of all modules.
pub fn write_address(machine: &Machine, address: *const u8, out: &mut dyn Write) -> fmt::Result {
    write!(out, "0x{:016x} (", address as usize)?;
    match machine.code.location(address) {
        Some(at) => {
            write_name(machine, at.module, out)?;
            out.write_char(':')?;
            write_name(machine, at.function, out)?;
            let start = machine.code.function_start(address).unwrap_or(address);
            let offset = address as usize - start as usize;
            write!(out, "/{} + {offset})", at.arity)
        }
        None if address == crate::code::stubs::normal_exit() => {
            out.write_str("<terminate process normally>)")
        }
        None => out.write_str("unknown function)"),
    }
}

/// An atom, quoted if it has to be.
pub fn write_name(machine: &Machine, name: Atom, out: &mut dyn Write) -> fmt::Result {
    print::print_atom(machine.atoms.name(name), &mut print::Text(out))
}

/// One word of a stack.
#[derive(Clone, Copy)]
pub enum Slot {
    /// Where a function returns to.
    Return(*const u8),
    /// The handler of a `catch` or `try`.
    Catch(Term),
    /// A Y register.
    Value(Term),
}

/// The stack of a process, youngest word first, with the address of each word. The slot that the youngest frame keeps for
/// the return address of its next call is left out.
pub fn slots(process: &Process) -> impl Iterator<Item = (*const u64, Slot)> {
    let heap = &process.heap;
    let (start, end) = (heap.stack.cast_const(), heap.block.end().cast_const());
    let count = (end as usize - start as usize) / 8;
    (0..count).filter_map(move |index| {
        // SAFETY: words from `stack` to the end of the block are initialised.
        let (address, word) = unsafe { (start.add(index), *start.add(index)) };
        let slot = if Header::is_header(word) {
            Slot::Return(word as *const u8)
        } else if index == 0 {
            return None;
        } else {
            // SAFETY: a word of a stack that is not a return address is a term.
            let term = unsafe { Term::from_raw(word) };
            match term.is_catch() {
                true => Slot::Catch(term),
                false => Slot::Value(term),
            }
        };
        Some((address, slot))
    })
}

/// Writes where the process goes on and its frames.
pub fn write_backtrace(machine: &Machine, process: &Process, out: &mut dyn Write) -> fmt::Result {
    out.write_str("Program counter: ")?;
    write_address(machine, process.ip, out)?;
    out.write_char('\n')?;
    let mut register = 0;
    for (address, slot) in slots(process) {
        if !matches!(slot, Slot::Return(_)) {
            write!(out, "y({register})     ")?;
            register += 1;
        }
        match slot {
            Slot::Return(to) => {
                register = 0;
                write!(out, "\n0x{:016x} Return addr ", address as usize)?;
                write_address(machine, to, out)?;
            }
            Slot::Catch(term) => {
                out.write_str("Catch ")?;
                write_address(machine, term.catch_handler(), out)?;
            }
            Slot::Value(term) => write_term(machine, term, out)?,
        }
        out.write_char('\n')?;
    }
    out.write_char('\n')
}

/// Text that grows fallibly; what does not fit is left out.
#[derive(Default)]
pub struct Gathered(pub String);

impl Write for Gathered {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.try_reserve(text.len()).map_err(|_| fmt::Error)?;
        self.0.push_str(text);
        Ok(())
    }
}

/// The text of a process's stack; empty if there is no such process, cut off if there is no memory for all of it.
pub fn backtrace(machine: &Machine, pid: Term) -> String {
    let mut text = Gathered::default();
    if let Some(process) = machine.processes.table.get(pid) {
        // SAFETY: the table's processes are alive, and nothing changes one while the machine is borrowed.
        let process = unsafe { process.as_ref() };
        let _ = write_backtrace(machine, process, &mut text);
    }
    text.0
}

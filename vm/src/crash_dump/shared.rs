//! Sections of a dump about what belongs to no process: timers, persistent terms, funs.
//!
//! Invariant: as of [`super::sections`]: text is written, and nothing is changed.

use super::heap::{self, Heap};
use super::stack::write_name;
use crate::machine::Machine;
use crate::term::print::Printed;
use core::fmt::{Result, Write};

const NANOSECONDS_OF_MILLISECOND: u64 = 1_000_000;

/// Timers that will send a message, at monotonic time `now` in nanoseconds; the time left is in milliseconds.
pub fn timers(machine: &Machine, now: u64, out: &mut dyn Write) -> Result {
    for timer in machine.timers.waiting() {
        let left = timer.deadline.saturating_sub(now) / NANOSECONDS_OF_MILLISECOND;
        writeln!(
            out,
            "=timer:{}\nMessage: {}\nTime left: {left}",
            Printed(&machine.atoms, timer.destination),
            Printed(&machine.atoms, timer.message)
        )?;
    }
    Ok(())
}

/// Persistent terms, behind what they refer to: a program that reads dumps looks for that among the literals.
pub fn persistent_terms(machine: &Machine, out: &mut dyn Write) -> Result {
    if machine.persistent_terms.is_empty() {
        return Ok(());
    }
    out.write_str("=literals\n")?;
    let mut literals = Heap::new(machine);
    for (key, value) in machine.persistent_terms.iter() {
        literals.write(key, out)?;
        literals.write(value, out)?;
    }
    out.write_str("=persistent_terms\n")?;
    for (key, value) in machine.persistent_terms.iter() {
        heap::value(machine, key, out)?;
        out.write_char('|')?;
        heap::value(machine, value, out)?;
        out.write_char('\n')?;
    }
    Ok(())
}

/// Funs of loaded modules. How many of each there are is not told: nobody counts them, and to look for them takes too long.
pub fn funs(machine: &Machine, out: &mut dyn Write) -> Result {
    for entry in machine.code.funs().filter(|entry| entry.is_defined()) {
        let identity = &entry.entry.identity;
        out.write_str("=fun\nModule: ")?;
        write_name(machine, identity.module, out)?;
        writeln!(
            out,
            "\nUniq: {}\nIndex: {}\nAddress: 0x{:016x}",
            identity.old_uniq, identity.index, entry.entry.code as usize
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tests::{machine, process};
    use crate::term::Term;
    use alloc::string::String;

    #[test]
    fn a_timer_has_its_section() {
        let machine = machine();
        let pid = process(machine);
        let reference = machine.processes.references.make();
        let message = |_: &mut _| Ok(Term::small(5));
        let deadline = 3_500_000;
        let timers = &mut machine.timers;
        timers
            .start_message(deadline, reference, pid, message)
            .unwrap();
        let mut out = String::new();
        super::timers(machine, 500_000, &mut out).unwrap();
        let pid = Printed(&machine.atoms, pid);
        let expected = alloc::format!("=timer:{pid}\nMessage: 5\nTime left: 3\n");
        assert_eq!(out, expected);
    }
}

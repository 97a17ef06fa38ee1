//! Built-in functions that have instructions: in guards a failure takes the label, in bodies it raises.

use crate::atom::am;
use crate::bif::Fail;
use crate::code::export::Export;
use crate::interp::Exit;
use crate::interp::cpu::{Cpu, op};
use crate::interp::operand::{Destination, Label};
use crate::interp::slow;
use crate::term::{Subtag, Term};

/// Calls the built-in function of `export` with `arity` of `arguments`.
#[inline(always)]
fn guard<L: Label, D: Destination>(
    mut cpu: Cpu,
    label: L,
    export: *const Export,
    arguments: [Term; 3],
    arity: usize,
    destination: D,
) -> Exit {
    cpu.save();
    let [a, b, c] = arguments;
    // SAFETY: the registers are saved, and where the process is, in case it stops in the middle; machine, process and entry are alive.
    let result = unsafe {
        (*cpu.process).ip = cpu.ip;
        slow::call_guard(cpu.machine, cpu.process, export, a, b, c, arity)
    };
    cpu.load();
    cpu.shorten_turn_if_crowded();
    match result {
        Some(value) => {
            destination.set(&mut cpu, value);
            cpu.next()
        }
        None => {
            // SAFETY: the process runs.
            let failed_with = unsafe { (*cpu.process).failed_with };
            let ends = matches!(
                failed_with,
                Fail::NoMemory | Fail::Suspend | Fail::AtomTableFull
            );
            if label.is_some() && !ends {
                return cpu.jump(label);
            }
            // SAFETY: as above.
            let outcome =
                unsafe { slow::guard_failed(cpu.machine, cpu.process, cpu.ip, export, a, b, c) };
            cpu.resume(outcome)
        }
    }
}

op! {
    fn bif0(cpu, import: Import, destination: Destination) {
        guard(cpu, crate::interp::operand::F(0), import.export(), [Term::NIL; 3], 0, destination)
    }
}

op! {
    fn bif1(cpu, label: Label, import: Import, a: Source, destination: Destination) {
        let a = a.get(&cpu);
        guard(cpu, label, import.export(), [a, Term::NIL, Term::NIL], 1, destination)
    }
}

op! {
    fn bif2(cpu, label: Label, import: Import, a: Source, b: Source, destination: Destination) {
        let (a, b) = (a.get(&cpu), b.get(&cpu));
        guard(cpu, label, import.export(), [a, b, Term::NIL], 2, destination)
    }
}

op! {
    fn bif3(cpu, label: Label, import: Import, a: Source, b: Source, c: Source, destination: Destination) {
        let (a, b, c) = (a.get(&cpu), b.get(&cpu), c.get(&cpu));
        guard(cpu, label, import.export(), [a, b, c], 3, destination)
    }
}

op! {
    fn self_(cpu, destination: Destination) {
        // SAFETY: the process runs.
        let pid = unsafe { (*cpu.process).pid };
        destination.set(&mut cpu, pid);
        cpu.next()
    }
}

op! {
    fn element(cpu, label: Label, position: Source, tuple: Source, destination: Destination) {
        let (position, tuple) = (position.get(&cpu), tuple.get(&cpu));
        if position.is_small()
            && let Some(words) = tuple.as_object(Subtag::Tuple)
        {
            let index = (position.small_value() as u64).wrapping_sub(1);
            if index < words.len() as u64 {
                // SAFETY: within the tuple; a tuple's words are terms.
                let element = unsafe { Term::from_raw(*words.get_unchecked(index as usize)) };
                destination.set(&mut cpu, element);
                return cpu.next();
            }
        }
    } slow {
        let (position, tuple) = (position.get(&cpu), tuple.get(&cpu));
        cpu.fail(label, crate::bif::Fail::Badarg, am::ELEMENT, [position, tuple], 2)
    }
}

op! {
    fn hd(cpu, label: Label, list: Source, destination: Destination) {
        let list = list.get(&cpu);
        if let Some(cell) = list.as_cons() {
            let head = cell.head;
            destination.set(&mut cpu, head);
            return cpu.next();
        }
    } slow {
        let list = list.get(&cpu);
        cpu.fail(label, crate::bif::Fail::Badarg, am::HD, [list, Term::NIL], 1)
    }
}

op! {
    fn tl(cpu, label: Label, list: Source, destination: Destination) {
        let list = list.get(&cpu);
        if let Some(cell) = list.as_cons() {
            let tail = cell.tail;
            destination.set(&mut cpu, tail);
            return cpu.next();
        }
    } slow {
        let list = list.get(&cpu);
        cpu.fail(label, crate::bif::Fail::Badarg, am::TL, [list, Term::NIL], 1)
    }
}

op! {
    fn tuple_size(cpu, label: Label, tuple: Source, destination: Destination) {
        let tuple = tuple.get(&cpu);
        if let Some(header) = tuple.header()
            && header.subtag() == Subtag::Tuple
        {
            destination.set(&mut cpu, Term::small(header.arity() as i64));
            return cpu.next();
        }
    } slow {
        let tuple = tuple.get(&cpu);
        cpu.fail(label, crate::bif::Fail::Badarg, am::TUPLE_SIZE, [tuple, Term::NIL], 1)
    }
}

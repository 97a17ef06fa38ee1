//! The sections of a dump: what is known of the machine, then of each process, module and atom.
//!
//! Invariant: a section reads and writes text, and changes nothing.

use super::heap::Heap;
use super::stack::{Slot, slots, write_address, write_backtrace, write_name, write_term};
use crate::bif::statistics::measure;
use crate::code::versions::{LoadedModule, Role};
use crate::dist::connection::Controller;
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::process::reference::RefNumber;
use crate::process::{Priority, Process, State, Watched};
use crate::term::print::Printed;
use crate::term::{Atom, Term};
use crate::time::clock;
use crate::tracing::saved_calls::Saved;
use core::fmt::{Result, Write};

const SECONDS_OF_DAY: i64 = 86_400;

/// The first lines, and who was running; `now` is in seconds since 1970.
pub fn header(machine: &Machine, now: i64, slogan: &str, out: &mut dyn Write) -> Result {
    out.write_str("=erl_crash_dump:0.5\n")?;
    date(now, out)?;
    writeln!(out, "\nSlogan: {slogan}")?;
    writeln!(out, "System version: {}", super::system_version(machine))?;
    writeln!(out, "Taints: \nAtoms: {}", machine.atoms.len())?;
    out.write_str("Calling Thread: scheduler:1\n=scheduler:1\n")?;
    let waiting = machine.processes.queues.len();
    writeln!(out, "Run Queue Normal Length: {waiting}")?;
    let running = machine.processes.running;
    let process = running.and_then(|pid| machine.processes.table.get(pid));
    let Some(process) = process else {
        return out.write_str("Current Process: \n");
    };
    // SAFETY: the table's processes are alive, and nothing changes one while the machine is borrowed.
    let process = unsafe { process.as_ref() };
    writeln!(
        out,
        "Current Process: {}",
        Printed(&machine.atoms, process.pid)
    )?;
    out.write_str("Current Process State: Running\nCurrent Process Program counter: ")?;
    write_address(machine, process.ip, out)?;
    out.write_str("\nCurrent Process Limited Stack Trace:\n")?;
    stack(machine, process, out, true)
}

/// `Sun Nov 22 15:23:51 2026`, universal time: the machine has no other.
fn date(seconds: i64, out: &mut dyn Write) -> Result {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = seconds.div_euclid(SECONDS_OF_DAY);
    let time = seconds.rem_euclid(SECONDS_OF_DAY);
    let (year, month, day) = clock::date(days);
    let weekday = DAYS[days.rem_euclid(7) as usize];
    let month = MONTHS[(month - 1).clamp(0, 11) as usize];
    let (hours, minutes, seconds) = (time / 3_600, time / 60 % 60, time % 60);
    write!(
        out,
        "{weekday} {month} {day:2} {hours:02}:{minutes:02}:{seconds:02} {year}"
    )
}

/// Bytes by what they are used for.
pub fn memory(machine: &Machine, out: &mut dyn Write) -> Result {
    let Ok(measured) = measure(machine) else {
        return Ok(());
    };
    out.write_str("=memory\n")?;
    for (kind, bytes) in measured.kinds() {
        writeln!(out, "{}: {bytes}", machine.atoms.name(kind))?;
    }
    Ok(())
}

/// Tables of the machine.
pub fn areas(machine: &Machine, out: &mut dyn Write) -> Result {
    let atoms = machine.atoms.len();
    writeln!(
        out,
        "=index_table:atom_tab\nsize: {atoms}\nlimit: {}\nentries: {atoms}",
        machine.atoms.limit
    )?;
    writeln!(
        out,
        "=allocated_areas\natom_space: {0} {0}\nloaded_code: {1}\nprocess_table: {2}",
        machine.atoms.memory(),
        machine.code.memory(),
        machine.processes.table.memory()
    )
}

/// All processes.
pub fn each_process(machine: &Machine) -> impl Iterator<Item = &Process> {
    machine.processes.table.iter().map(|process| {
        // SAFETY: the table's processes are alive, and nothing changes one while the machine is borrowed.
        unsafe { process.as_ref() }
    })
}

/// A section for each process.
pub fn processes(machine: &Machine, out: &mut dyn Write) -> Result {
    each_process(machine).try_for_each(|process| {
        one_process(machine, process, out)?;
        out.write_str("Program counter: ")?;
        write_address(machine, process.ip, out)?;
        writeln!(out, "\narity = {}", process.saved.live())?;
        internal_state(process, out)
    })
}

/// The same with all that a dump has in other sections, for people.
pub fn whole_process(machine: &Machine, process: &Process, out: &mut dyn Write) -> Result {
    one_process(machine, process, out)?;
    let mut separator = "Message queue: [";
    for message in process.mailbox.iter() {
        out.write_str(separator)?;
        write_term(machine, message, out)?;
        separator = ",";
    }
    if separator == "," {
        out.write_str("]\n")?;
    }
    separator = "Dictionary: [";
    for (key, value) in process.dictionary.iter() {
        write!(out, "{separator}{{")?;
        write_term(machine, key, out)?;
        out.write_char(',')?;
        write_term(machine, value, out)?;
        out.write_char('}')?;
        separator = ",";
    }
    if separator == "," {
        out.write_str("]\n")?;
    }
    out.write_str("Stack dump:\n")?;
    write_backtrace(machine, process, out)?;
    internal_state(process, out)
}

fn one_process(machine: &Machine, process: &Process, out: &mut dyn Write) -> Result {
    let text = |term: Term| Printed(&machine.atoms, term);
    writeln!(out, "=proc:{}", text(process.pid))?;
    let state = match process.state {
        _ if process.suspended > 0 => "Suspended",
        State::Runnable => "Scheduled",
        State::Running => "Running",
        State::Waiting => "Waiting",
        State::Exiting => "Exiting",
    };
    writeln!(out, "State: {state}")?;
    if let Some(name) = process.registered_name {
        writeln!(out, "Name: {}", machine.atoms.name(name))?;
    }
    out.write_str("Spawned as: ")?;
    write_name(machine, process.initial_call.module, out)?;
    out.write_char(':')?;
    write_name(machine, process.initial_call.function, out)?;
    writeln!(out, "/{}", process.initial_call.arity)?;
    match process.parent.is_pid() {
        true => writeln!(out, "Spawned by: {}", text(process.parent))?,
        false => out.write_str("Spawned by: []\n")?,
    }
    let heap = &process.heap;
    writeln!(out, "Message queue length: {}", process.mailbox.len())?;
    writeln!(out, "Number of heap fragments: {}", heap.fragments.len())?;
    writeln!(out, "Heap fragment data: {}", heap.fragment_words)?;
    links(machine, process, out)?;
    let (old_size, old_used) = (heap.old_words(), heap.old_used());
    last_calls(machine, process, out)?;
    writeln!(out, "Reductions: {}", process.reductions)?;
    writeln!(out, "Stack+heap: {}", heap.block.words())?;
    writeln!(out, "OldHeap: {old_size}")?;
    writeln!(out, "Heap unused: {}", heap.free_words())?;
    writeln!(out, "OldHeap unused: {}", old_size.saturating_sub(old_used))?;
    writeln!(out, "BinVHeap: {}", heap.off_heap.bytes / 8)?;
    writeln!(out, "OldBinVHeap: 0")?;
    writeln!(out, "Memory: {}", process.memory())
}

/// What `process_flag(save_calls, _)` has kept, the youngest first.
fn last_calls(machine: &Machine, process: &Process, out: &mut dyn Write) -> Result {
    let rare = process.rare.as_ref();
    let Some(calls) = rare.and_then(|rare| rare.saved_calls.as_ref()) else {
        return Ok(());
    };
    out.write_str("Last calls:")?;
    for saved in calls.iter().rev() {
        match saved {
            Saved::Call(call) => {
                out.write_char(' ')?;
                write_name(machine, call.module, out)?;
                out.write_char(':')?;
                write_name(machine, call.function, out)?;
                writeln!(out, "/{}", call.arity)?;
            }
            Saved::Send => out.write_str(" send\n")?,
            Saved::Receive => out.write_str(" 'receive'\n")?,
            Saved::Timeout => out.write_str(" timeout\n")?,
        }
    }
    out.write_char('\n')
}

fn internal_state(process: &Process, out: &mut dyn Write) -> Result {
    let priority = match process.priority {
        Priority::Low => "LOW",
        Priority::Normal => "NORMAL",
        Priority::High => "HIGH",
        Priority::Max => "MAX",
    };
    write!(
        out,
        "Internal State: ACT_PRIO_{priority} | USR_PRIO_{priority} | PRQ_PRIO_{priority}"
    )?;
    if process.trap_exit {
        out.write_str(" | TRAP_EXIT")?;
    }
    if process.state == State::Running {
        out.write_str(" | ACTIVE | RUNNING")?;
    }
    out.write_char('\n')
}

/// `Link list: [<0.1.0>, {to,<0.2.0>,Reference}, {from,<0.3.0>,Reference}]`
fn links(machine: &Machine, process: &Process, out: &mut dyn Write) -> Result {
    let text = |term: Term| Printed(&machine.atoms, term);
    let mut separator = "Link list: [";
    for (linked, ()) in process.links.iter() {
        write!(out, "{separator}{}", text(linked.term()))?;
        separator = ", ";
    }
    for (reference, monitor) in process.monitors.iter() {
        if let Watched::Process(pid) | Watched::Name(pid, _) = monitor.target {
            tie(machine, ("to", pid, reference), separator, out)?;
            separator = ", ";
        }
    }
    for (reference, watcher) in process.monitored_by.iter() {
        tie(machine, ("from", *watcher, reference), separator, out)?;
        separator = ", ";
    }
    match separator {
        ", " => out.write_str("]\n"),
        _ => Ok(()),
    }
}

/// `{to,<0.2.0>,#Ref<0.1.2.3>}`
fn tie(
    machine: &Machine,
    (direction, pid, reference): (&str, Term, RefNumber),
    separator: &str,
    out: &mut dyn Write,
) -> Result {
    let text = |term: Term| Printed(&machine.atoms, term);
    write!(out, "{separator}{{{direction},{},", text(pid))?;
    let mut parcel = Parcel::new();
    if let Ok(reference) = reference.term(&mut parcel) {
        write!(out, "{}", text(reference))?;
    }
    out.write_char('}')
}

/// A section for each port.
pub fn ports(machine: &Machine, out: &mut dyn Write) -> Result {
    let text = |term: Term| Printed(&machine.atoms, term);
    for port in machine.ports.iter() {
        writeln!(out, "=port:{}", text(port.id))?;
        writeln!(out, "Slot: {}", port.id.identifier_data())?;
        writeln!(out, "Connected: {}", text(port.owner))?;
        let mut separator = "Links: ";
        for (linked, ()) in port.links.iter() {
            write!(out, "{separator}{}", text(linked.term()))?;
            separator = ", ";
        }
        if separator == ", " {
            out.write_char('\n')?;
        }
        if let Some(name) = port.registered_name {
            writeln!(out, "Registered as: {}", machine.atoms.name(name))?;
        }
        out.write_str("Port controls external process: ")?;
        port.name
            .iter()
            .try_for_each(|&byte| out.write_char(byte as char))?;
        writeln!(out, "\nInput: {}\nOutput: {}", port.input, port.output)?;
        writeln!(out, "Queue: {}", port.queued)?;
    }
    Ok(())
}

/// ETS tables, without their objects.
pub fn tables(machine: &Machine, out: &mut dyn Write) -> Result {
    for table in machine.ets.iter() {
        writeln!(out, "=ets:{}", Printed(&machine.atoms, table.owner))?;
        out.write_str("Table: ")?;
        write_name(machine, table.name, out)?;
        let options = &table.options;
        if options.named {
            out.write_str("\nName: ")?;
            write_name(machine, table.name, out)?;
        }
        let name = |atom: Atom| machine.atoms.name(atom);
        writeln!(
            out,
            "\nObjects: {}\nWords: {}\nType: {}\nProtection: {}\nCompressed: {}",
            table.len(),
            table.memory_words(),
            name(options.kind.atom()),
            name(options.protection.atom()),
            options.compressed
        )?;
    }
    Ok(())
}

/// The node, and those that it is connected to.
pub fn nodes(machine: &Machine, out: &mut dyn Write) -> Result {
    let name = |node: Atom| Printed(&machine.atoms, node.term());
    writeln!(out, "=node:{}", name(machine.atoms.node.name))?;
    if !machine.distribution.is_alive() {
        return out.write_str("=no_distribution\n");
    }
    for connection in machine.distribution.iter() {
        let (kind, controller) = match connection.controller {
            Controller::Pending => ("not_connected", None),
            Controller::Port(id) | Controller::Process(id) if connection.is_visible() => {
                ("visible_node", Some(id))
            }
            Controller::Port(id) | Controller::Process(id) => ("hidden_node", Some(id)),
        };
        writeln!(out, "={kind}:{}", connection.node.0)?;
        writeln!(out, "Name: {}", name(connection.node))?;
        if let Some(controller) = controller {
            writeln!(out, "Connection id: {}", connection.id)?;
            writeln!(out, "Controller: {}", Printed(&machine.atoms, controller))?;
            writeln!(out, "Creation: {}", connection.creation)?;
        }
    }
    Ok(())
}

/// Loaded modules and the bytes of their versions, behind `title`.
pub fn modules(machine: &Machine, out: &mut dyn Write, title: &str) -> Result {
    let versions = machine.code.versions();
    let size = |name, role| versions.find(name, role).map(LoadedModule::memory);
    let sum = |role| -> usize { versions.names().filter_map(|name| size(name, role)).sum() };
    let (current, old) = (sum(Role::Current), sum(Role::Old));
    writeln!(out, "{title}Current code: {current}\nOld code: {old}")?;
    for name in versions.names() {
        let current = size(name, Role::Current).unwrap_or(0);
        let old = size(name, Role::Old);
        let name = machine.atoms.name(name);
        if title.is_empty() {
            write!(out, "{name} {current}")?;
            match old {
                Some(old) => writeln!(out, " ({old} old)")?,
                None => writeln!(out)?,
            }
            continue;
        }
        writeln!(out, "=mod:{name}\nCurrent size: {current}")?;
        if let Some(old) = old {
            writeln!(out, "Old size: {old}")?;
        }
    }
    Ok(())
}

/// Messages, dictionaries, stacks and heaps of all processes, and the binaries that they refer to.
pub fn contents(machine: &Machine, out: &mut dyn Write) -> Result {
    for process in each_process(machine) {
        let pid = Printed(&machine.atoms, process.pid);
        if !process.mailbox.is_empty() {
            writeln!(out, "=proc_messages:{pid}")?;
            for message in process.mailbox.iter() {
                super::heap::value(machine, message, out)?;
                out.write_str(":N\n")?;
            }
        }
        if !process.dictionary.is_empty() {
            writeln!(out, "=proc_dictionary:{pid}")?;
            for number in 1..=process.dictionary.len() {
                writeln!(out, "H{number:X}")?;
            }
        }
        writeln!(out, "=proc_stack:{pid}")?;
        stack(machine, process, out, false)?;
        writeln!(out, "=proc_heap:{pid}")?;
        // OTP keeps its dictionary as tuples on the heap. These stand for them, at addresses where nothing else is.
        for (number, (key, value)) in process.dictionary.iter().enumerate() {
            write!(out, "{:X}:t2:", number + 1)?;
            super::heap::value(machine, key, out)?;
            out.write_char(',')?;
            super::heap::value(machine, value, out)?;
            out.write_char('\n')?;
        }
        let mut heap = Heap::new(machine);
        let messages = process.mailbox.iter();
        let pairs = process.dictionary.iter();
        let on_stack = slots(process).filter_map(|(_, slot)| match slot {
            Slot::Value(term) => Some(term),
            _ => None,
        });
        let roots = messages
            .chain(pairs.flat_map(|(key, value)| [key, value]))
            .chain(on_stack);
        roots
            .into_iter()
            .try_for_each(|term| heap.write(term, out))?;
    }
    super::heap::binaries(each_process(machine), out)
}

/// The stack in the dump's short form; of a stack trace, the return addresses alone.
fn stack(machine: &Machine, process: &Process, out: &mut dyn Write, trace: bool) -> Result {
    let mut register = 0;
    for (address, slot) in slots(process) {
        match slot {
            Slot::Return(to) => {
                register = 0;
                write!(out, "0x{:016x}:SReturn addr ", address as usize)?;
                write_address(machine, to, out)?;
                out.write_char('\n')?;
                continue;
            }
            _ if trace => continue,
            Slot::Catch(term) => {
                write!(out, "y{register}:SCatch ")?;
                write_address(machine, term.catch_handler(), out)?;
            }
            Slot::Value(term) => {
                write!(out, "y{register}:")?;
                super::heap::value(machine, term, out)?;
            }
        }
        register += 1;
        out.write_char('\n')?;
    }
    Ok(())
}

/// All atoms, the youngest first.
pub fn atoms(machine: &Machine, out: &mut dyn Write) -> Result {
    out.write_str("=atoms\n")?;
    let count = machine.atoms.len() as u32;
    (0..count).rev().try_for_each(|index| {
        write_name(machine, Atom(index), out)?;
        out.write_char('\n')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atom::am;
    use crate::process::tests::{machine, process};
    use alloc::string::String;

    #[test]
    fn a_date_is_as_ctime_writes_it() {
        let mut out = String::new();
        date(1_795_361_031, &mut out).unwrap();
        assert_eq!(out, "Sun Nov 22 15:23:51 2026");
    }

    #[test]
    fn a_process_has_its_sections() {
        let machine = machine();
        let pid = process(machine);
        let process = machine.processes.alive(pid).unwrap();
        let list = crate::memory::Arena::cons(&mut process.heap, Term::small(1), Term::NIL);
        process.mailbox.push(list.unwrap()).unwrap();
        process
            .dictionary
            .put(am::OK.term(), Term::small(7), 0, |a, b| a == b)
            .unwrap();
        let mut out = String::new();
        header(machine, 0, "over", &mut out).unwrap();
        processes(machine, &mut out).unwrap();
        contents(machine, &mut out).unwrap();
        atoms(machine, &mut out).unwrap();
        let text = Printed(&machine.atoms, pid);
        for part in [
            String::from("=erl_crash_dump:0.5\nThu Jan  1 00:00:00 1970\nSlogan: over\n"),
            alloc::format!("=proc:{text}\nState: Waiting\nSpawned as: erlang:apply/2\n"),
            alloc::format!("=proc_dictionary:{text}\nH1\n=proc_stack:{text}\n"),
            alloc::format!("=proc_heap:{text}\n1:t2:A2:ok,I7\n"),
            String::from(":lI1|N\n"),
            String::from("\nfalse\n"),
        ] {
            assert!(out.contains(&part), "{part} is not in {out}");
        }
    }
}

//! Streams and signals that a native library waits for without a port: OTP's `enif_select`.
//!
//! The process that asked gets `{select, Object, Reference, ready_input}`, once; then it has to ask again. A wait ends without
//! a message when its process has gone by the time that there is something to tell.

use super::deliver;
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::resource::AnyHandle;
use crate::memory::{Arena, NoMemory};
use crate::platform::io::{Descriptor, Interest, Signal};
use crate::process::reference::RefNumber;
use crate::term::Term;

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// That the stream can be read.
    Input(Descriptor),
    /// A signal of the terminal: a new size, or that the program goes on.
    Signals,
}

/// One wait.
pub struct Select {
    /// What for.
    pub wanted: Wanted,
    /// Who gets the message.
    pub process: Term,
    /// The object that the message names.
    pub object: AnyHandle,
    /// The reference that the message names.
    pub reference: RefNumber,
}

/// Waits from now on; in place of an earlier wait of the same process for the same.
pub fn start(machine: &mut Machine, select: Select) -> Result<(), NoMemory> {
    let (wanted, process) = (select.wanted, select.process);
    let selects = &mut machine.ports.selects;
    selects.retain(|known| known.wanted != wanted || known.process != process);
    selects.try_reserve(1).map_err(|_| NoMemory)?;
    selects.push(select);
    watch(machine, wanted);
    Ok(())
}

fn watch(machine: &mut Machine, wanted: Wanted) {
    if let Wanted::Input(descriptor) = wanted {
        let all = machine.ports.interest(descriptor);
        machine.platform.io().watch(descriptor, all);
    }
}

/// What those who wait look for on a stream.
pub(super) fn interest(selects: &[Select], descriptor: Descriptor) -> Interest {
    Interest {
        read: selects
            .iter()
            .any(|select| select.wanted == Wanted::Input(descriptor)),
        write: false,
    }
}

/// What was wanted is there: tells everybody who waits for it.
pub(super) fn tell(machine: &mut Machine, wanted: Wanted) {
    while let Some(at) = machine
        .ports
        .selects
        .iter()
        .position(|select| select.wanted == wanted)
    {
        let select = machine.ports.selects.swap_remove(at);
        deliver::post(machine, select.process, |heap| {
            let object = select.object.term(heap)?;
            let reference = select.reference.term(heap)?;
            heap.tuple(&[am::SELECT.term(), object, reference, am::READY_INPUT.term()])
        });
    }
    watch(machine, wanted);
}

/// A signal of the terminal came.
pub(super) fn signal(machine: &mut Machine, signal: Signal) {
    machine.ports.last_signal = Some(signal);
    tell(machine, Wanted::Signals);
}

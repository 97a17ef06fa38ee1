//! Purging: ending the old version of a module once no process is in it.
//!
//! Its caller is the process `erts_code_purger` of OTP: it *prepares* the purge, asks each process whether it [uses the old
//! version](uses_old_code), kills those that do or gives up, and *completes* or *aborts*. Between, a process that has been asked must not get
//! into the old version again. Only a fun can lead there: so while a purge is prepared the old version's fun entries have no code, and who calls
//! one is suspended until the purge has ended, and calls it then.
//!
//! Invariant: `Code::purge` is there exactly between `prepare` and `complete` or `abort`; the version that is purged is in
//! [`Role::Old`] all the while.

use super::Code;
use super::fun_entry::FunEntry;
use super::versions::Role;
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::process::Process;
use crate::term::{Atom, Header, Term};
use alloc::vec::Vec;

/// The purge that is going on.
pub struct Purge {
    module: Atom,
    /// Processes that wait for its end.
    suspended: Vec<Term>,
}

/// The calls of the purger that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongOrder;

impl Code {
    /// Begins to purge the old version of `module`, or, if `on_load`, the one whose `-on_load` function has failed. False if there is none.
    pub fn prepare_purge(&mut self, module: Atom, on_load: bool) -> Result<bool, WrongOrder> {
        if self.purge.is_some() {
            return Err(WrongOrder);
        }
        if on_load {
            self.versions.change(module, Role::Old, Role::Saved);
            self.versions.change(module, Role::OnLoad, Role::Old);
        }
        if self.versions.find(module, Role::Old).is_none() {
            return Ok(false);
        }
        self.purge = Some(Purge {
            module,
            suspended: Vec::new(),
        });
        for entry in self.funs_of_old(module) {
            // SAFETY: entries live as long as the machine, which has one thread.
            unsafe { (*entry).undefine() };
        }
        Ok(true)
    }

    /// Ends a purge that cannot be completed: funs lead to the old version again.
    pub fn abort_purge(&mut self, module: Atom) -> Result<Vec<Term>, WrongOrder> {
        let purge = self.end_purge(module)?;
        if let Some(version) = self.versions.find(module, Role::Old) {
            for (entry, fun) in version.funs.iter().zip(version.file.funs().iter()) {
                // SAFETY: as above.
                let entry = unsafe { &mut *entry.as_ptr() };
                // A newer version that is equal has its own code behind the entry.
                if !entry.is_defined() {
                    entry.entry.code = version.address(fun.entry);
                }
            }
        }
        Ok(purge.suspended)
    }

    /// Ends a purge: the code is no more. Its literals wait to be [released](super::release).
    pub fn complete_purge(&mut self, module: Atom) -> Result<Vec<Term>, WrongOrder> {
        let purge = self.end_purge(module)?;
        if let Some(mut version) = self.versions.remove(module, Role::Old) {
            self.breakpoints.forget(version.addresses());
            for entry in &version.funs {
                // SAFETY: as above.
                let entry = unsafe { &mut *entry.as_ptr() };
                // An equal version may have come since.
                if !entry.is_defined() {
                    entry.function = None;
                }
            }
            if let Some(literals) = version.literals.take() {
                self.release.add(literals);
            }
        }
        self.versions.change(module, Role::Saved, Role::Old);
        Ok(purge.suspended)
    }

    fn end_purge(&mut self, module: Atom) -> Result<Purge, WrongOrder> {
        self.purge
            .take_if(|purge| purge.module == module)
            .ok_or(WrongOrder)
    }

    /// Entries that lead into the old version of `module`.
    fn funs_of_old(&self, module: Atom) -> impl Iterator<Item = *mut FunEntry> {
        let version = self.versions.find(module, Role::Old);
        version.into_iter().flat_map(|version| {
            let addresses = version.addresses();
            let of_version = move |entry: &*mut FunEntry| {
                // SAFETY: as above.
                addresses.contains(&(unsafe { (**entry).entry.code } as usize))
            };
            version
                .funs
                .iter()
                .map(|entry| entry.as_ptr())
                .filter(of_version)
        })
    }

    /// Whether a fun of `module` without code may have some once a purge has ended. Then `process` is told when that is.
    pub fn wait_for_purge(&mut self, module: Atom, process: Term) -> Result<bool, NoMemory> {
        match &mut self.purge {
            Some(purge) if purge.module == module => {
                purge.suspended.try_reserve(1).map_err(|_| NoMemory)?;
                purge.suspended.push(process);
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// Whether `process` is in the old version of `module`, or will return to it. Funs and literals do not count, as in OTP: a fun
/// of a version that is gone raises when it is called, and literals are copied.
pub fn uses_old_code(machine: &Machine, process: &Process, module: Atom) -> bool {
    let Some(version) = machine.code.versions.find(module, Role::Old) else {
        return false;
    };
    let addresses = version.addresses();
    if addresses.contains(&(process.ip as usize)) {
        return true;
    }
    let mut slot = process.heap.stack;
    while slot < process.heap.block.end() {
        // SAFETY: words from `stack` to the end of the block are initialised.
        let word = unsafe { *slot };
        slot = slot.wrapping_add(1);
        // A return address is behind its call, which may be the last instruction.
        if Header::is_header(word) && addresses.contains(&(word as usize).wrapping_sub(1)) {
            return true;
        }
    }
    false
}

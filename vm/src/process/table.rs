//! The process table: from pids to processes.
//!
//! A pid's 60 bits are a slot number (28 bits) and the slot's serial (32 bits), printed as
//! `<0.slot.serial>`. The table grows with the peak number of processes; a slot that became free is
//! used again with the next serial, the one that has been free longest first, so
//! a stale pid finds nothing for as long as possible.
//!
//! Invariant: an occupied slot holds the address of a process that was made by [`ProcessTable::insert`] and stays
//! where it is until [`ProcessTable::remove`]; the table is its owner. Free slots are chained from `first_free` to `last_free`.

use super::Process;
use crate::memory::NoMemory;
use crate::term::Term;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr::NonNull;

/// Most processes alive at once (OTP's default of `+P`).
pub const PROCESS_LIMIT: usize = 262_144;

const SLOT_BITS: u32 = 28;
const NO_SLOT: u32 = u32::MAX;

/// Slot number of a local pid: the middle number of `<0.slot.serial>`.
pub const fn slot_of(pid: Term) -> u32 {
    (pid.identifier_data() & ((1 << SLOT_BITS) - 1)) as u32
}

/// Serial of a local pid: the last number of `<0.slot.serial>`.
pub const fn serial_of(pid: Term) -> u32 {
    (pid.identifier_data() >> SLOT_BITS) as u32
}

/// The pid `<0.slot.serial>`; `None` if `slot` has more than 28 bits.
pub const fn make_pid(slot: u32, serial: u32) -> Option<Term> {
    if slot >> SLOT_BITS != 0 {
        return None;
    }
    Some(Term::local_pid(
        slot as u64 | ((serial as u64) << SLOT_BITS),
    ))
}

#[derive(Clone, Copy)]
struct Slot {
    process: Option<NonNull<Process>>,
    serial: u32,
    next_free: u32,
}

/// Why a process could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertError {
    /// There are as many processes as the limit allows.
    Full,
    /// There is no memory for one more.
    NoMemory,
}

impl From<NoMemory> for InsertError {
    fn from(_: NoMemory) -> InsertError {
        InsertError::NoMemory
    }
}

/// All processes that are alive.
pub struct ProcessTable {
    slots: Vec<Slot>,
    first_free: u32,
    last_free: u32,
    alive: usize,
    limit: usize,
}

impl ProcessTable {
    /// An empty table that takes up to `limit` processes.
    pub const fn new(limit: usize) -> ProcessTable {
        ProcessTable {
            slots: Vec::new(),
            first_free: NO_SLOT,
            last_free: NO_SLOT,
            alive: 0,
            limit,
        }
    }

    /// Gives a slot to the process that `make` returns for its pid.
    pub fn insert(
        &mut self,
        make: impl FnOnce(Term) -> Result<Box<Process>, NoMemory>,
    ) -> Result<NonNull<Process>, InsertError> {
        if self.alive >= self.limit {
            return Err(InsertError::Full);
        }
        if self.first_free == NO_SLOT {
            self.grow()?;
        }
        let number = self.first_free;
        let slot = &mut self.slots[number as usize];
        let pid = make_pid(number, slot.serial).ok_or(InsertError::Full)?;
        let process = NonNull::from(Box::leak(make(pid)?));
        slot.process = Some(process);
        self.first_free = slot.next_free;
        if self.first_free == NO_SLOT {
            self.last_free = NO_SLOT;
        }
        self.alive += 1;
        Ok(process)
    }

    fn grow(&mut self) -> Result<(), InsertError> {
        let number = u32::try_from(self.slots.len()).map_err(|_| InsertError::Full)?;
        self.slots.try_reserve(1).map_err(|_| NoMemory)?;
        self.slots.push(Slot {
            process: None,
            serial: 0,
            next_free: NO_SLOT,
        });
        self.append_free(number);
        Ok(())
    }

    fn append_free(&mut self, number: u32) {
        match self.slots.get_mut(self.last_free as usize) {
            Some(last) => last.next_free = number,
            None => self.first_free = number,
        }
        self.last_free = number;
    }

    /// Takes the process of `pid` out of the table; who drops the box frees it.
    pub fn remove(&mut self, pid: Term) -> Option<Box<Process>> {
        let process = self.get(pid)?;
        let number = slot_of(pid);
        let slot = &mut self.slots[number as usize];
        slot.process = None;
        slot.serial = slot.serial.wrapping_add(1);
        slot.next_free = NO_SLOT;
        self.append_free(number);
        self.alive -= 1;
        // SAFETY: `insert` made the address from a box, and the slot, which was its owner, is empty now.
        Some(unsafe { Box::from_raw(process.as_ptr()) })
    }

    /// The process of `pid`, if `pid` is a local pid and its process is alive.
    #[inline]
    pub fn get(&self, pid: Term) -> Option<NonNull<Process>> {
        if !pid.is_local_pid() {
            return None;
        }
        let slot = self.slots.get(slot_of(pid) as usize)?;
        if slot.serial == serial_of(pid) {
            slot.process
        } else {
            None
        }
    }

    /// The process of `pid`, borrowed together with the table.
    #[inline]
    pub fn get_mut(&mut self, pid: Term) -> Option<&mut Process> {
        // SAFETY: the table owns its processes, and is borrowed for as long as the process is. Who runs has a borrow of its
        // process or of the machine, and with it of the table, but not of both: see `bif::Context`.
        self.get(pid).map(|mut process| unsafe { process.as_mut() })
    }

    /// All processes, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = NonNull<Process>> {
        self.slots.iter().filter_map(|slot| slot.process)
    }

    /// How many are alive.
    pub fn len(&self) -> usize {
        self.alive
    }

    /// Whether none is alive.
    pub fn is_empty(&self) -> bool {
        self.alive == 0
    }

    /// How many may be alive at once.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes of the table itself.
    pub fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}

impl Drop for ProcessTable {
    fn drop(&mut self) {
        for slot in self.slots.drain(..) {
            if let Some(process) = slot.process {
                // SAFETY: as in `remove`.
                drop(unsafe { Box::from_raw(process.as_ptr()) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(table: &mut ProcessTable) -> Result<Term, InsertError> {
        let process = table.insert(|pid| Process::new(pid, 233))?;
        // SAFETY: the table's processes are alive.
        Ok(unsafe { process.as_ref() }.pid)
    }

    #[test]
    fn a_stale_pid_finds_nothing_and_the_longest_free_slot_comes_first() {
        let mut table = ProcessTable::new(100);
        let first = add(&mut table).unwrap();
        let second = add(&mut table).unwrap();
        assert_eq!((slot_of(second), serial_of(second)), (1, 0));
        assert!(table.get(first).is_some());
        drop(table.remove(second));
        drop(table.remove(first));
        assert!(table.get(first).is_none() && table.remove(first).is_none());
        let third = add(&mut table).unwrap();
        assert_eq!((slot_of(third), serial_of(third)), (1, 1));
        let fourth = add(&mut table).unwrap();
        assert_eq!((slot_of(fourth), serial_of(fourth)), (0, 1));
        let fifth = add(&mut table).unwrap();
        assert_eq!((slot_of(fifth), serial_of(fifth)), (2, 0));
        assert_eq!(table.iter().count(), 3);
        assert!(table.get(Term::small(0)).is_none());
    }

    #[test]
    fn the_limit_is_kept_and_a_failure_loses_no_slot() {
        let mut table = ProcessTable::new(2);
        assert_eq!(
            table.insert(|_| Err(NoMemory)).err(),
            Some(InsertError::NoMemory)
        );
        let first = add(&mut table).unwrap();
        assert_eq!(slot_of(first), 0);
        add(&mut table).unwrap();
        assert_eq!(add(&mut table), Err(InsertError::Full));
        drop(table.remove(first));
        assert!(add(&mut table).is_ok());
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn a_slot_number_has_28_bits() {
        assert!(make_pid((1 << SLOT_BITS) - 1, u32::MAX).is_some());
        assert!(make_pid(1 << SLOT_BITS, 0).is_none());
    }
}

//! The process table: from pids to processes.
//!
//! A pid's 60 bits are a number that counts processes, printed in two parts as `<0.number.serial>`: the lower 28 bits and the
//! rest. So pids come in the order in which processes were made, and none is used twice, unless a test turns the
//! count back ([`ProcessTable::set_next_number`]). The slot of a process is its number modulo
//! the size of the table, a power of two that grows with the peak number of processes; numbers whose slot is taken are passed
//! over, which happens seldom: at least half of the slots are free.
//!
//! Invariant: an occupied slot holds the address of a process that was made by [`ProcessTable::insert`], whose pid leads to
//! that slot, and which stays where it is until [`ProcessTable::remove`]; the table is its owner.

use super::Process;
use crate::memory::NoMemory;
use crate::term::Term;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr::NonNull;

/// Most processes alive at once (OTP's default of `+P`).
pub const PROCESS_LIMIT: usize = 262_144;

const NUMBER_BITS: u32 = 28;
/// Of the whole: there is no pid with more.
const PID_BITS: u32 = 60;
/// Slots of a table that has any.
const MIN_SLOTS: usize = 64;

/// The middle number of `<0.number.serial>`.
pub const fn number_of(pid: Term) -> u32 {
    (pid.identifier_data() & ((1 << NUMBER_BITS) - 1)) as u32
}

/// The last number of `<0.number.serial>`.
pub const fn serial_of(pid: Term) -> u32 {
    (pid.identifier_data() >> NUMBER_BITS) as u32
}

/// The pid `<0.number.serial>`; `None` if `number` has more than 28 bits.
pub const fn make_pid(number: u32, serial: u32) -> Option<Term> {
    if number >> NUMBER_BITS != 0 {
        return None;
    }
    Some(Term::local_pid(
        number as u64 | ((serial as u64) << NUMBER_BITS),
    ))
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
    /// None, or a power of two.
    slots: Vec<Option<NonNull<Process>>>,
    /// The number that is tried next.
    next: u64,
    alive: usize,
    limit: usize,
    /// Processes that have been made.
    made: u64,
}

impl ProcessTable {
    /// An empty table that takes up to `limit` processes.
    pub const fn new(limit: usize) -> ProcessTable {
        ProcessTable {
            slots: Vec::new(),
            next: 0,
            alive: 0,
            limit,
            made: 0,
        }
    }

    #[inline(always)]
    fn index(&self, data: u64) -> usize {
        data as usize & self.slots.len().wrapping_sub(1)
    }

    /// The number that the next process gets, if its slot is free.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// Goes on with `next`, as `erts_debug:set_internal_state(next_pid, N)` asks. What would have been next.
    pub fn set_next_number(&mut self, next: u64) -> u64 {
        core::mem::replace(&mut self.next, next & ((1 << PID_BITS) - 1))
    }

    /// Gives the next pid to the process that `make` returns for it.
    pub fn insert(
        &mut self,
        make: impl FnOnce(Term) -> Result<Box<Process>, NoMemory>,
    ) -> Result<NonNull<Process>, InsertError> {
        if self.alive >= self.limit {
            return Err(InsertError::Full);
        }
        if self.alive >= self.slots.len() / 2 {
            self.grow()?;
        }
        // At least half of the slots are free, so this ends.
        let mut data = self.next;
        while self.slots[self.index(data)].is_some() {
            data += 1;
        }
        let mut process = make(Term::local_pid(data))?;
        self.made += 1;
        process.birth = self.made;
        let process = NonNull::from(Box::leak(process));
        let index = self.index(data);
        self.slots[index] = Some(process);
        self.next = (data + 1) & ((1 << PID_BITS) - 1);
        self.alive += 1;
        Ok(process)
    }

    fn grow(&mut self) -> Result<(), NoMemory> {
        let size = (self.slots.len() * 2).max(MIN_SLOTS);
        let mut slots = Vec::new();
        slots.try_reserve_exact(size).map_err(|_| NoMemory)?;
        slots.resize(size, None);
        let before = core::mem::replace(&mut self.slots, slots);
        for process in before.into_iter().flatten() {
            // SAFETY: the table's processes are alive. Two that had different slots have different ones in a larger table.
            let index = self.index(unsafe { process.as_ref() }.pid.identifier_data());
            self.slots[index] = Some(process);
        }
        Ok(())
    }

    /// Takes the process of `pid` out of the table; who drops the box frees it.
    pub fn remove(&mut self, pid: Term) -> Option<Box<Process>> {
        let process = self.get(pid)?;
        let index = self.index(pid.identifier_data());
        self.slots[index] = None;
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
        let process = (*self.slots.get(self.index(pid.identifier_data()))?)?;
        // SAFETY: the table's processes are alive. This reads a field that never changes, whoever borrows the process.
        let its_own = unsafe { (&raw const (*process.as_ptr()).pid).read() };
        (its_own == pid).then_some(process)
    }

    /// The process of `pid`, borrowed together with the table.
    #[inline]
    pub fn get_mut(&mut self, pid: Term) -> Option<&mut Process> {
        // SAFETY: the table owns its processes, and is borrowed for as long as the process is. Who runs has a borrow of its
        // process or of the machine, and with it of the table, but not of both: see `bif::Context`.
        self.get(pid).map(|mut process| unsafe { process.as_mut() })
    }

    /// All processes, in no order.
    pub fn iter(&self) -> impl Iterator<Item = NonNull<Process>> {
        self.slots.iter().copied().flatten()
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
        self.slots.capacity() * size_of::<Option<NonNull<Process>>>()
    }
}

impl Drop for ProcessTable {
    fn drop(&mut self) {
        for process in self.slots.drain(..).flatten() {
            // SAFETY: as in `remove`.
            drop(unsafe { Box::from_raw(process.as_ptr()) });
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
    fn a_stale_pid_finds_nothing_and_numbers_count_on() {
        let mut table = ProcessTable::new(100);
        let first = add(&mut table).unwrap();
        let second = add(&mut table).unwrap();
        assert_eq!((number_of(second), serial_of(second)), (1, 0));
        assert!(table.get(first).is_some());
        drop(table.remove(second));
        drop(table.remove(first));
        assert!(table.get(first).is_none() && table.remove(first).is_none());
        let third = add(&mut table).unwrap();
        assert_eq!((number_of(third), serial_of(third)), (2, 0));
        assert_eq!(table.iter().count(), 1);
        assert!(table.get(Term::small(0)).is_none());
    }

    #[test]
    fn processes_are_found_after_growing_and_numbers_of_taken_slots_are_passed_over() {
        let mut table = ProcessTable::new(1000);
        let first = add(&mut table).unwrap();
        let mut pids: Vec<Term> = (0..200).map(|_| add(&mut table).unwrap()).collect();
        for pid in pids.drain(..150) {
            drop(table.remove(pid));
        }
        // Round once: the slot of the first is still taken.
        let more: Vec<Term> = (0..table.slots.len())
            .map(|_| {
                let pid = add(&mut table).unwrap();
                drop(table.remove(pid));
                pid
            })
            .collect();
        assert!(more.iter().all(|pid| table.get(*pid).is_none()));
        let taken = number_of(first) as usize;
        assert!(
            more.iter()
                .all(|pid| table.index(pid.identifier_data()) != taken)
        );
        assert!(pids.iter().all(|pid| table.get(*pid).is_some()));
        assert_eq!(table.len(), 51);
    }

    #[test]
    fn the_limit_is_kept_and_a_failure_loses_no_number() {
        let mut table = ProcessTable::new(2);
        assert_eq!(
            table.insert(|_| Err(NoMemory)).err(),
            Some(InsertError::NoMemory)
        );
        let first = add(&mut table).unwrap();
        assert_eq!(number_of(first), 0);
        add(&mut table).unwrap();
        assert_eq!(add(&mut table), Err(InsertError::Full));
        drop(table.remove(first));
        assert!(add(&mut table).is_ok());
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn a_number_has_28_bits() {
        assert!(make_pid((1 << NUMBER_BITS) - 1, u32::MAX).is_some());
        assert!(make_pid(1 << NUMBER_BITS, 0).is_none());
    }
}

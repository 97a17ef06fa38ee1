//! Run queues: who is next.
//!
//! One first-in-first-out list for each priority. `max` and `high` go before all others; of `normal`
//! and `low`, a `low` process gets every ninth turn while both wait, and all turns otherwise.
//!
//! The lists are chained through [`Process::queue`], so queueing cannot fail, and a
//! process that dies leaves its list in constant time.
//!
//! Invariant: a process is in a list exactly while its state is [`State::Runnable`], and in the list of the priority it had
//! when it came; whoever queues it keeps it alive until it has left.

use crate::process::{Priority, Process, State};
use core::ptr::NonNull;

/// Turns of `normal` processes between two turns of `low` ones.
const NORMAL_TURNS: u32 = 8;

/// Neighbours of a process in its list, and which list that is.
#[derive(Clone, Copy)]
pub struct Link {
    previous: Option<NonNull<Process>>,
    next: Option<NonNull<Process>>,
    list: Priority,
}

impl Link {
    /// Of a process in no list.
    pub const NONE: Link = Link {
        previous: None,
        next: None,
        list: Priority::Normal,
    };
}

#[derive(Clone, Copy)]
struct List {
    first: Option<NonNull<Process>>,
    last: Option<NonNull<Process>>,
}

/// Processes that can run.
pub struct RunQueues {
    lists: [List; 4],
    length: usize,
    normal_turns: u32,
}

impl RunQueues {
    /// No process.
    pub const fn new() -> RunQueues {
        RunQueues {
            lists: [List {
                first: None,
                last: None,
            }; 4],
            length: 0,
            normal_turns: 0,
        }
    }

    /// How many processes wait for their turn.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether no process waits for its turn.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Puts a process behind all others of its priority and makes it runnable; nothing if it is runnable already.
    ///
    /// # Safety
    /// The process is alive, not borrowed, and stays alive until it is taken out ([`RunQueues::take_next`], [`RunQueues::remove`]).
    #[inline]
    pub unsafe fn push(&mut self, mut process: NonNull<Process>) {
        // SAFETY: the caller's promise; the last process of a list is alive by the invariant, and is another one.
        unsafe {
            if process.as_ref().state == State::Runnable {
                return;
            }
            let list = process.as_ref().priority;
            let ends = &mut self.lists[list as usize];
            process.as_mut().state = State::Runnable;
            process.as_mut().queue = Link {
                previous: ends.last,
                next: None,
                list,
            };
            match ends.last {
                Some(mut last) => last.as_mut().queue.next = Some(process),
                None => ends.first = Some(process),
            }
            ends.last = Some(process);
        }
        self.length += 1;
    }

    /// Takes a process out of its list, if it is in one. Its state is then [`State::Waiting`].
    ///
    /// # Safety
    /// The process is alive and not borrowed.
    pub unsafe fn remove(&mut self, mut process: NonNull<Process>) {
        // SAFETY: the caller's promise; neighbours in a list are alive by the invariant, and are others.
        unsafe {
            if process.as_ref().state != State::Runnable {
                return;
            }
            let Link {
                previous,
                next,
                list,
            } = core::mem::replace(&mut process.as_mut().queue, Link::NONE);
            process.as_mut().state = State::Waiting;
            let ends = &mut self.lists[list as usize];
            match previous {
                Some(mut previous) => previous.as_mut().queue.next = next,
                None => ends.first = next,
            }
            match next {
                Some(mut next) => next.as_mut().queue.previous = previous,
                None => ends.last = previous,
            }
        }
        self.length -= 1;
    }

    /// Takes out the process whose turn it is.
    #[inline]
    pub fn take_next(&mut self) -> Option<NonNull<Process>> {
        let process = self.lists[self.choose()? as usize].first?;
        // SAFETY: processes in lists are alive by the invariant, and nobody borrows one while the scheduler chooses.
        unsafe { self.remove(process) };
        Some(process)
    }

    /// The highest priority of those that wait for their turn.
    pub fn highest(&self) -> Option<Priority> {
        let all = [
            Priority::Max,
            Priority::High,
            Priority::Normal,
            Priority::Low,
        ];
        let mut all = all.into_iter();
        all.find(|list| self.lists[*list as usize].first.is_some())
    }

    #[inline]
    fn choose(&mut self) -> Option<Priority> {
        let waits = |list: Priority| self.lists[list as usize].first.is_some();
        if waits(Priority::Max) {
            return Some(Priority::Max);
        }
        if waits(Priority::High) {
            return Some(Priority::High);
        }
        match (waits(Priority::Normal), waits(Priority::Low)) {
            (true, false) => Some(Priority::Normal),
            (true, true) if self.normal_turns < NORMAL_TURNS => {
                self.normal_turns += 1;
                Some(Priority::Normal)
            }
            (_, true) => {
                self.normal_turns = 0;
                Some(Priority::Low)
            }
            (false, false) => None,
        }
    }
}

impl Default for RunQueues {
    fn default() -> Self {
        RunQueues::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Term;
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    #[expect(
        clippy::vec_box,
        reason = "a queue holds addresses, and a vector may move what it holds"
    )]
    fn processes(priorities: &[Priority]) -> Vec<Box<Process>> {
        let make = |(i, priority): (usize, &Priority)| {
            let mut process = Process::new(Term::local_pid(i as u64), 16).unwrap();
            process.priority = *priority;
            process
        };
        priorities.iter().enumerate().map(make).collect()
    }

    fn push(queues: &mut RunQueues, process: &mut Process) {
        // SAFETY: the tests keep their processes until the queues are gone.
        unsafe { queues.push(NonNull::from(process)) }
    }

    fn next(queues: &mut RunQueues) -> Option<u64> {
        let process = queues.take_next()?;
        // SAFETY: as above.
        Some(unsafe { process.as_ref() }.pid.identifier_data())
    }

    #[test]
    fn the_highest_priority_runs_first_and_equals_take_turns() {
        use Priority::*;
        let mut all = processes(&[Low, Normal, Normal, High, Max, High]);
        let mut queues = RunQueues::new();
        all.iter_mut().for_each(|p| push(&mut queues, p));
        push(&mut queues, &mut all[0]);
        assert_eq!(queues.len(), 6);
        let order: Vec<u64> = core::iter::from_fn(|| next(&mut queues)).collect();
        assert_eq!(order, [4, 3, 5, 1, 2, 0]);
        assert!(queues.is_empty());
    }

    #[test]
    fn low_gets_every_ninth_turn_beside_normal() {
        let mut all = processes(&[Priority::Normal, Priority::Normal, Priority::Low]);
        let mut queues = RunQueues::new();
        all.iter_mut().for_each(|p| push(&mut queues, p));
        let mut turns = [0; 3];
        for _ in 0..900 {
            let who = next(&mut queues).unwrap() as usize;
            turns[who] += 1;
            push(&mut queues, &mut all[who]);
        }
        assert_eq!(turns, [400, 400, 100]);
    }

    #[test]
    fn a_process_leaves_from_anywhere_in_its_list() {
        for leaver in 0..3 {
            let mut all = processes(&[Priority::Normal; 3]);
            let mut queues = RunQueues::new();
            all.iter_mut().for_each(|p| push(&mut queues, p));
            // A change of priority while queued does not confuse the lists.
            all[leaver].priority = Priority::High;
            // SAFETY: as above.
            unsafe { queues.remove(NonNull::from(&mut *all[leaver])) };
            // SAFETY: as above.
            unsafe { queues.remove(NonNull::from(&mut *all[leaver])) };
            let order: Vec<u64> = core::iter::from_fn(|| next(&mut queues)).collect();
            let expected: Vec<u64> = (0..3).filter(|&i| i != leaver as u64).collect();
            assert_eq!(order, expected);
        }
    }
}

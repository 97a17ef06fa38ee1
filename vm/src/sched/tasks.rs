//! What one process asks of another by way of the machine: collections, and whether it is in old code (`erts_internal:request_system_task`).
//!
//! A request is carried out for the process that is asked, which does not run meanwhile, and in the order of priorities: as soon as a process would have
//! the processor that has the priority of the request or of who is asked, whichever is higher. So nobody's request holds up who has a higher priority, and one
//! of high priority does not wait for its process's. Of one process, requests of higher priority come first; between those of `low` priority come up to eight
//! of `normal` one.
//!
//! Invariant: a [`Target`] has a request, and stands in the list of [`Tasks::ready`] that its `class` names, or in [`Tasks::blocked`]; other places in these
//! lists that name it are void. Every request is answered once, unless its process holds collections back: then [`held_back`] answers it.
//!
//! Who calls this: `erts_internal:request_system_task`, and the run loop between turns.

use crate::atom::am;
use crate::code::purge;
use crate::machine::Machine;
use crate::memory::gc::{self, Collection};
use crate::memory::heap::Parcel;
use crate::memory::{Arena, NoMemory};
use crate::port::deliver;
use crate::process::ties::Ties;
use crate::process::{Priority, Process, exit, held_back};
use crate::report;
use crate::term::copy::copy;
use crate::term::{Atom, Term};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Requests of `normal` priority between two of `low` priority, and turns of `normal` processes between two requests of that class.
const NORMAL_TASKS: u32 = 8;

/// Quick requests that are carried out at a time.
const BATCH: usize = 16;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A collection.
    Collect(Collection),
    /// Whether the process is in the old version of this module.
    CheckCode(Atom),
    /// Nothing: OTP's own tests see by these in which order requests are carried out.
    Test,
}

impl Work {
    /// First in the answer.
    fn kind(self) -> Atom {
        match self {
            Work::Collect(_) => am::GARBAGE_COLLECT,
            Work::CheckCode(_) => am::CHECK_PROCESS_CODE,
            Work::Test => am::SYSTEM_TASK_TEST,
        }
    }
}

/// One request.
struct Task {
    requester: Term,
    work: Work,
    /// What the requester calls it.
    id: Term,
    _memory: Parcel,
}

/// A process that something is asked of.
struct Target {
    /// Its requests, by their priorities.
    lists: [VecDeque<Task>; 4],
    /// Which list of those that are ready it stands in.
    class: Priority,
    /// Requests of `normal` priority since the last one of `low`.
    normal_tasks: u32,
}

impl Target {
    /// The list that the next request is of.
    fn next_list(&self) -> Option<Priority> {
        let waits = |list: Priority| !self.lists[list as usize].is_empty();
        if waits(Priority::Low) && self.normal_tasks >= NORMAL_TASKS {
            let urgent = [Priority::Max, Priority::High];
            return Some(
                urgent
                    .into_iter()
                    .find(|l| waits(*l))
                    .unwrap_or(Priority::Low),
            );
        }
        let all = [
            Priority::Max,
            Priority::High,
            Priority::Normal,
            Priority::Low,
        ];
        all.into_iter().find(|list| waits(*list))
    }

    fn peek(&self, list: Priority) -> Option<Work> {
        self.lists[list as usize].front().map(|task| task.work)
    }

    fn take(&mut self) -> Option<Task> {
        let list = self.next_list()?;
        match list {
            Priority::Normal => self.normal_tasks += 1,
            Priority::Low => self.normal_tasks = 0,
            Priority::High | Priority::Max => {}
        }
        self.lists[list as usize].pop_front()
    }
}

/// All requests that wait.
pub struct Tasks {
    /// By the data of the pids.
    targets: Ties<u64, Target>,
    /// The pids of those whose requests can be carried out, by class.
    ready: [VecDeque<Term>; 4],
    /// The pids of those that are in the middle of a built-in function.
    blocked: Vec<Term>,
    /// Whether requests had the processor last.
    had_turn: bool,
    /// Turns of others since then.
    turns: u32,
}

impl Tasks {
    /// None.
    pub const fn new() -> Tasks {
        Tasks {
            targets: Ties::new(),
            ready: [const { VecDeque::new() }; 4],
            blocked: Vec::new(),
            had_turn: false,
            turns: 0,
        }
    }

    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    fn make_ready(&mut self, pid: Term, class: Priority) -> Result<(), NoMemory> {
        let list = &mut self.ready[class as usize];
        list.try_reserve(1).map_err(|_| NoMemory)?;
        list.push_back(pid);
        if let Some(target) = self.targets.get_mut(pid.identifier_data()) {
            target.class = class;
        }
        Ok(())
    }

    /// The class of the first that is ready; void places in front of it are taken away.
    fn highest(&mut self) -> Option<Priority> {
        let classes = [
            Priority::Max,
            Priority::High,
            Priority::Normal,
            Priority::Low,
        ];
        classes.into_iter().find(|class| {
            let list = &mut self.ready[*class as usize];
            while let Some(first) = list.front() {
                let target = self.targets.get(first.identifier_data());
                if target.is_some_and(|target| target.class == *class) {
                    return true;
                }
                list.pop_front();
            }
            false
        })
    }

    /// Whether somebody's requests wait for the end of a built-in function.
    #[inline]
    pub fn has_blocked(&self) -> bool {
        !self.blocked.is_empty()
    }

    /// Those that were in the middle of a built-in function may have come out of it.
    #[cold]
    pub fn unblock(&mut self) {
        while let Some(pid) = self.blocked.pop() {
            let target = self.targets.get(pid.identifier_data());
            let class = target.map_or(Priority::Normal, |target| target.class);
            // Without memory it waits for the end of another turn.
            if self.make_ready(pid, class).is_err() {
                self.blocked.push(pid);
                return;
            }
        }
    }

    /// Whether requests of `class` come before a turn of a process of priority `top`.
    fn is_due(&self, class: Priority, top: Option<Priority>) -> bool {
        match top {
            None => true,
            Some(top) if top == class => !self.had_turn,
            Some(Priority::Normal) if class == Priority::Low => self.turns >= NORMAL_TASKS,
            Some(top) => class > top,
        }
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Tasks::new()
    }
}

/// Asks `work` of the process `target` for `requester`, who gets `{Kind, Id, Result}` as a message. `id` is anybody's term.
pub fn request(
    machine: &mut Machine,
    target: Term,
    priority: Priority,
    work: Work,
    (requester, id): (Term, Term),
) -> Result<(), NoMemory> {
    let mut memory = Parcel::new();
    // Literals are copied, too: their module may be gone when the answer is made.
    let id = copy(id, &mut memory, &(0..0))?;
    let task = Task {
        requester,
        work,
        id,
        _memory: memory,
    };
    let Some(process) = machine.processes.alive(target) else {
        answer(machine, &task, false);
        return Ok(());
    };
    let class = priority.max(process.priority);
    let tasks = &mut machine.scheduler.tasks;
    let key = target.identifier_data();
    let is_new = !tasks.targets.contains(key);
    if is_new {
        let none = Target {
            lists: [const { VecDeque::new() }; 4],
            class,
            normal_tasks: 0,
        };
        tasks.targets.insert(key, none)?;
    }
    let Some(found) = tasks.targets.get_mut(key) else {
        return Err(NoMemory);
    };
    let list = &mut found.lists[priority as usize];
    if list.try_reserve(1).is_err() {
        if is_new {
            tasks.targets.remove(key);
        }
        return Err(NoMemory);
    }
    list.push_back(task);
    let rises = class > found.class && !tasks.blocked.contains(&target);
    if is_new || rises {
        let queued = tasks.make_ready(target, class);
        if is_new && queued.is_err() {
            tasks.targets.remove(key);
        }
        return queued;
    }
    Ok(())
}

/// Carries out some of the requests that come before the next turn; false if there are none.
#[cold]
pub fn carry_out(machine: &mut Machine) -> bool {
    let top = machine.processes.queues.highest();
    let tasks = &mut machine.scheduler.tasks;
    let class = tasks.highest().filter(|class| tasks.is_due(*class, top));
    let pid = class.and_then(|class| tasks.ready[class as usize].pop_front());
    let (Some(class), Some(pid)) = (class, pid) else {
        tasks.had_turn = false;
        tasks.turns = tasks.turns.saturating_add(1);
        return false;
    };
    (tasks.had_turn, tasks.turns) = (true, 0);
    serve(machine, pid, class);
    true
}

/// Carries out requests of `pid`, which stood in the list `class`, as long as they are of that class.
fn serve(machine: &mut Machine, pid: Term, class: Priority) {
    let key = pid.identifier_data();
    for _ in 0..BATCH {
        let process = machine.processes.alive(pid);
        let own = process.as_ref().map_or(Priority::Low, |p| p.priority);
        // One that waits in there for another, or is suspended there, may never come out.
        let is_inside = process.is_some_and(|process| {
            let stays = process.waits_for_another || process.suspended > 0;
            process.paused.is_some() && !stays
        });
        let tasks = &mut machine.scheduler.tasks;
        let Some(target) = tasks.targets.get_mut(key) else {
            return;
        };
        let Some(next) = target.next_list() else {
            tasks.targets.remove(key);
            return;
        };
        let collects = matches!(target.peek(next), Some(Work::Collect(_)));
        if is_inside && collects && tasks.blocked.try_reserve(1).is_ok() {
            tasks.blocked.push(pid);
            if let Some(process) = machine.processes.alive(pid) {
                process.wanted_outside = true;
            }
            return;
        }
        if next.max(own) != class {
            // Other processes may come first now.
            let _ = tasks.make_ready(pid, next.max(own));
            return;
        }
        let Some(task) = target.take() else {
            return;
        };
        carry_out_one(machine, pid, &task);
        if task.work != Work::Test {
            break;
        }
    }
    let tasks = &mut machine.scheduler.tasks;
    match tasks.targets.get(key).and_then(Target::next_list) {
        Some(_) => {
            // There is room: this is where it was taken from.
            let _ = tasks.make_ready(pid, class);
        }
        None => {
            tasks.targets.remove(key);
        }
    }
}

fn carry_out_one(machine: &mut Machine, pid: Term, task: &Task) {
    let done = match task.work {
        Work::Test => machine.processes.alive(pid).is_some(),
        Work::CheckCode(module) => {
            let process = machine.processes.table.get(pid);
            // SAFETY: the table's processes are alive; neither machine nor process is changed.
            process.is_some_and(|process| unsafe {
                purge::uses_old_code(machine, process.as_ref(), module)
            })
        }
        Work::Collect(kind) => {
            match held_back::hold(machine, pid, task.requester, task.id) {
                Ok(true) => return,
                Ok(false) => {}
                // Without memory for the request it is not held back.
                Err(NoMemory) => {}
            }
            let process = machine.processes.alive(pid);
            match process.is_some_and(|process| process.paused.is_some()) {
                // As soon as it comes out of its built-in function.
                true => ask(machine, pid, kind),
                false => collect(machine, pid, kind),
            }
        }
    };
    answer(machine, task, done);
}

fn ask(machine: &mut Machine, pid: Term, kind: Collection) -> bool {
    let process = machine.processes.alive(pid);
    process.is_some_and(|process| {
        process.requested = Some(kind);
        true
    })
}

/// Collects the garbage of `pid`, which does not run and is not in the middle of a built-in function. False if there is no such process, or if it has
/// become too large: then it ends.
pub fn collect(machine: &mut Machine, pid: Term, kind: Collection) -> bool {
    let Some(process) = machine.processes.alive(pid) else {
        return false;
    };
    let process: *mut Process = process;
    // SAFETY: the process is in the table and does not run, so nothing else borrows it; the collector reaches
    // processes through this argument alone.
    let process = unsafe { &mut *process };
    let collected = match kind {
        Collection::Full => gc::collect_fully(machine, process, 0),
        Collection::Minor => gc::collect(machine, process, 0, 0),
    };
    if collected.is_err() {
        // It is too large, or there is no memory for it: its own fault, not that of who asked.
        report::too_large(machine, process);
        exit::begin(machine, pid, am::KILLED.term());
        exit::carry_out(machine);
    }
    collected.is_ok()
}

fn answer(machine: &mut Machine, task: &Task, done: bool) {
    let literals = machine.literals.clone();
    deliver::post(machine, task.requester, |heap| {
        let id = copy(task.id, heap, &literals)?;
        heap.tuple(&[task.work.kind().term(), id, Term::boolean(done)])
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tests::{machine, process};

    fn numbers(machine: &mut Machine, pid: Term) -> Vec<i64> {
        let process = machine.processes.alive(pid).unwrap();
        let answers = process.mailbox.iter();
        answers
            .map(|answer| answer.as_tuple().unwrap()[1].as_small().unwrap())
            .collect()
    }

    fn ask(machine: &mut Machine, target: Term, priority: Priority, number: i64, from: Term) {
        let id = Term::small(number);
        request(machine, target, priority, Work::Test, (from, id)).unwrap();
    }

    #[test]
    fn requests_wait_for_processes_of_higher_priority() {
        let machine = machine();
        let (target, asker, busy) = (process(machine), process(machine), process(machine));
        machine.processes.alive(busy).unwrap().priority = Priority::High;
        machine.processes.wake(busy);
        ask(machine, target, Priority::Low, 1, asker);
        ask(machine, target, Priority::Normal, 2, asker);
        assert!(!carry_out(machine));
        ask(machine, target, Priority::Max, 3, asker);
        assert!(carry_out(machine));
        assert!(!carry_out(machine));
        assert_eq!(numbers(machine, asker), [3]);
        machine.processes.queues.take_next();
        assert!(carry_out(machine));
        assert_eq!(numbers(machine, asker), [3, 2, 1]);
        assert!(machine.scheduler.tasks.is_empty());
    }

    #[test]
    fn requests_and_turns_of_one_priority_alternate() {
        let machine = machine();
        let (one, other, asker) = (process(machine), process(machine), process(machine));
        machine.processes.wake(asker);
        ask(machine, one, Priority::Normal, 1, asker);
        ask(machine, other, Priority::Normal, 2, asker);
        assert!(carry_out(machine));
        assert!(!carry_out(machine));
        assert!(carry_out(machine));
        assert_eq!(numbers(machine, asker), [1, 2]);
    }

    #[test]
    fn low_requests_come_after_eight_normal_ones() {
        let machine = machine();
        let (target, asker) = (process(machine), process(machine));
        (0..2).for_each(|n| ask(machine, target, Priority::Low, -1 - n, asker));
        (0..12).for_each(|n| ask(machine, target, Priority::Normal, n, asker));
        while carry_out(machine) {}
        let expected = [0, 1, 2, 3, 4, 5, 6, 7, -1, 8, 9, 10, 11, -2];
        assert_eq!(numbers(machine, asker), expected);
    }

    #[test]
    fn a_process_that_is_gone_is_answered_for() {
        let machine = machine();
        let (target, asker) = (process(machine), process(machine));
        ask(machine, target, Priority::Normal, 1, asker);
        exit::begin(machine, target, am::KILLED.term());
        exit::carry_out(machine);
        ask(machine, target, Priority::Normal, 2, asker);
        while carry_out(machine) {}
        assert_eq!(numbers(machine, asker), [2, 1]);
        assert!(machine.scheduler.tasks.is_empty());
    }
}

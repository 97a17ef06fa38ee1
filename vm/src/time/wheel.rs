//! A hierarchical timing wheel: timers by deadline, started and cancelled in constant time.
//!
//! Deadlines are nanoseconds of [`Platform::monotonic_ns`](crate::platform::Platform::monotonic_ns). Time is
//! divided into ticks of 2^[`TICK_SHIFT`] nanoseconds, and a deadline is rounded *up* to a tick,
//! so a timer fires up to a tick late and never early. [`Wheel::advance`] hands out payloads by exact deadline,
//! and those of equal deadlines in the order in which they were inserted.
//!
//! There are [`LEVELS`] levels of 64 slots. A tick is read as a number of base 64, one digit a level. A
//! timer sits on the level of the highest digit in which its tick differs from the current tick, in the slot of its own
//! digit there. When time comes to the first tick of a slot above level 0, its timers move down.
//!
//! # Invariant
//!
//! Where a timer sits is a function of its tick and the current tick alone, so timers of equal ticks always
//! share a slot, in insertion order. On every level, an occupied slot's number is above the current tick's
//! digit; so the first timer to fire is in the first occupied slot of the lowest occupied level.
//!
//! The machine's run loop and the timer built-ins call this; it knows neither processes nor the clock.

use crate::memory::NoMemory;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A tick is 2^17 nanoseconds, 131 µs: fine enough for `after 1`, coarse enough that timers coalesce.
pub const TICK_SHIFT: u32 = 17;

/// Bits of a digit: 64 slots, one `u64` of occupancy each level.
const DIGIT: u32 = 6;
const SLOTS: usize = 1 << DIGIT;
/// Eight digits hold 48 bits; the ticks of 2^64 nanoseconds need 47.
const LEVELS: usize = 8;
/// The list behind the slots: timers whose tick is not after the current one.
const DUE: usize = LEVELS * SLOTS;

/// No node.
const NONE: u32 = u32::MAX;

/// Names a timer; a handle of a timer that has fired or was cancelled names nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TimerHandle {
    index: u32,
    generation: u32,
}

/// One timer, or (with no payload) a free node, chained through `next`.
struct Node<T> {
    deadline: u64,
    previous: u32,
    next: u32,
    generation: u32,
    slot: u16,
    payload: Option<T>,
}

/// A doubly linked list of nodes.
#[derive(Clone, Copy)]
struct Slot {
    first: u32,
    last: u32,
    /// No deadline in the slot is before this.
    earliest: u64,
}

const EMPTY: Slot = Slot {
    first: NONE,
    last: NONE,
    earliest: u64::MAX,
};

/// A timing wheel with payloads of type `T`.
pub struct Wheel<T> {
    /// Every timer whose tick is at or before this has fired or is on the due list.
    current: u64,
    nodes: Vec<Node<T>>,
    free: u32,
    len: usize,
    occupied: [u64; LEVELS],
    slots: Box<[Slot; DUE + 1]>,
}

/// First tick at whose beginning `deadline` has passed.
fn tick_of(deadline: u64) -> u64 {
    (deadline >> TICK_SHIFT) + (deadline & ((1 << TICK_SHIFT) - 1) != 0) as u64
}

/// When `tick` begins, in nanoseconds.
fn start_of(tick: u64) -> u64 {
    // Only the tick that follows the last representable nanosecond saturates.
    tick.saturating_mul(1 << TICK_SHIFT)
}

impl<T> Wheel<T> {
    /// An empty wheel at time `now`.
    pub fn new(now: u64) -> Wheel<T> {
        Wheel {
            current: now >> TICK_SHIFT,
            nodes: Vec::new(),
            free: NONE,
            len: 0,
            occupied: [0; LEVELS],
            slots: Box::new([EMPTY; DUE + 1]),
        }
    }

    /// How many timers are running.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no timer is running.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Starts a timer. A deadline that has passed already fires at the next [`Wheel::advance`].
    pub fn insert(&mut self, deadline: u64, payload: T) -> Result<TimerHandle, NoMemory> {
        let index = self.take_free_node()?;
        let node = &mut self.nodes[index as usize];
        node.deadline = deadline;
        node.payload = Some(payload);
        let generation = node.generation;
        self.len += 1;
        self.link(index);
        Ok(TimerHandle { index, generation })
    }

    /// Stops a timer and gives its payload back; `None` if it has fired or was cancelled before.
    pub fn cancel(&mut self, handle: TimerHandle) -> Option<T> {
        self.node(handle)?;
        self.unlink(handle.index);
        self.release(handle.index)
    }

    /// The deadline that a running timer was started with, in nanoseconds.
    pub fn deadline(&self, handle: TimerHandle) -> Option<u64> {
        self.node(handle).map(|node| node.deadline)
    }

    /// The payload of a running timer.
    pub fn get(&self, handle: TimerHandle) -> Option<&T> {
        self.node(handle)?.payload.as_ref()
    }

    /// The payloads of all running timers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.nodes.iter().filter_map(|node| node.payload.as_ref())
    }

    /// When [`Wheel::advance`] has something to do next, in nanoseconds: never after the first
    /// timer's tick, and before it only if a timer that was to fire earlier has been cancelled.
    pub fn next_deadline(&self) -> Option<u64> {
        let slot = if self.slots[DUE].first != NONE {
            DUE
        } else {
            let level = self.occupied.iter().position(|&bits| bits != 0)?;
            level * SLOTS + self.occupied[level].trailing_zeros() as usize
        };
        Some(start_of(tick_of(self.slots[slot].earliest)))
    }

    /// Moves time on to `now` and calls `fire` with the payload of every timer whose tick has come.
    /// A `now` before an earlier one changes nothing.
    #[inline]
    pub fn advance(&mut self, now: u64, mut fire: impl FnMut(T)) {
        let target = now >> TICK_SHIFT;
        if target > self.current || self.slots[DUE].first != NONE {
            self.advance_to(target, &mut fire);
        }
    }

    fn advance_to(&mut self, target: u64, fire: &mut dyn FnMut(T)) {
        self.fire_list(DUE, fire);
        while let Some(level) = self.occupied.iter().position(|&bits| bits != 0) {
            let digit = self.occupied[level].trailing_zeros() as u64;
            let shift = level as u32 * DIGIT;
            // The current tick with this digit instead of its own, and zeros below.
            let above = self.current >> shift >> DIGIT << DIGIT;
            let tick = (above | digit) << shift;
            if tick > target {
                break;
            }
            self.current = tick;
            let slot = level * SLOTS + digit as usize;
            if level == 0 {
                self.fire_list(slot, fire);
            } else {
                self.move_down(slot);
                self.fire_list(DUE, fire);
            }
        }
        self.current = self.current.max(target);
    }

    /// Puts the timers of a slot whose first tick has come where they belong now.
    fn move_down(&mut self, slot: usize) {
        let mut index = self.take_list(slot);
        while index != NONE {
            let next = self.nodes[index as usize].next;
            self.link(index);
            index = next;
        }
    }

    fn fire_list(&mut self, slot: usize, fire: &mut dyn FnMut(T)) {
        let first = self.take_list(slot);
        let mut index = self.sort_by_deadline(first);
        while index != NONE {
            let next = self.nodes[index as usize].next;
            if let Some(payload) = self.release(index) {
                fire(payload);
            }
            index = next;
        }
    }

    /// Empties a slot and returns the first node of what was its list.
    fn take_list(&mut self, slot: usize) -> u32 {
        if slot != DUE {
            self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
        }
        core::mem::replace(&mut self.slots[slot], EMPTY).first
    }

    /// Sorts a taken list by deadline, keeping the order of equals: a bottom-up merge of runs that
    /// follows `next` only. A list in order, as almost all are, costs one pass.
    fn sort_by_deadline(&mut self, first: u32) -> u32 {
        let mut list = first;
        let mut run = 1;
        while !self.is_sorted(list) {
            let mut rest = list;
            list = NONE;
            let mut last = NONE;
            while rest != NONE {
                let left = rest;
                let right = self.cut(left, run);
                rest = self.cut(right, run);
                self.merge(left, right, &mut list, &mut last);
            }
            run *= 2;
        }
        list
    }

    fn is_sorted(&self, mut index: u32) -> bool {
        let mut before = 0;
        while index != NONE {
            let node = &self.nodes[index as usize];
            if node.deadline < before {
                return false;
            }
            before = node.deadline;
            index = node.next;
        }
        true
    }

    /// Ends the list at `index` after `count` nodes and returns what followed.
    fn cut(&mut self, mut index: u32, count: usize) -> u32 {
        for _ in 1..count {
            if index == NONE {
                return NONE;
            }
            index = self.nodes[index as usize].next;
        }
        if index == NONE {
            return NONE;
        }
        core::mem::replace(&mut self.nodes[index as usize].next, NONE)
    }

    /// Appends the merge of two sorted lists to the list from `first` to `last`.
    fn merge(&mut self, mut left: u32, mut right: u32, first: &mut u32, last: &mut u32) {
        while left != NONE || right != NONE {
            let take_left = right == NONE
                || left != NONE
                    && self.nodes[left as usize].deadline <= self.nodes[right as usize].deadline;
            let taken = if take_left { &mut left } else { &mut right };
            let index = *taken;
            *taken = self.nodes[index as usize].next;
            if *last == NONE {
                *first = index;
            } else {
                self.nodes[*last as usize].next = index;
            }
            *last = index;
        }
        if *last != NONE {
            self.nodes[*last as usize].next = NONE;
        }
    }

    fn node(&self, handle: TimerHandle) -> Option<&Node<T>> {
        self.nodes
            .get(handle.index as usize)
            .filter(|node| node.generation == handle.generation && node.payload.is_some())
    }

    fn take_free_node(&mut self) -> Result<u32, NoMemory> {
        if self.free != NONE {
            let index = self.free;
            self.free = self.nodes[index as usize].next;
            return Ok(index);
        }
        let index = u32::try_from(self.nodes.len()).map_err(|_| NoMemory)?;
        if index == NONE {
            return Err(NoMemory);
        }
        self.nodes.try_reserve(1).map_err(|_| NoMemory)?;
        self.nodes.push(Node {
            deadline: 0,
            previous: NONE,
            next: NONE,
            generation: 0,
            slot: 0,
            payload: None,
        });
        Ok(index)
    }

    /// Frees a node that is on no list and returns its payload.
    fn release(&mut self, index: u32) -> Option<T> {
        let node = &mut self.nodes[index as usize];
        node.generation = node.generation.wrapping_add(1);
        node.next = self.free;
        self.free = index;
        self.len -= 1;
        node.payload.take()
    }

    fn slot_of(&self, deadline: u64) -> usize {
        let tick = tick_of(deadline);
        if tick <= self.current {
            return DUE;
        }
        let level = (tick ^ self.current).ilog2() / DIGIT;
        let digit = (tick >> (level * DIGIT)) as usize % SLOTS;
        level as usize * SLOTS + digit
    }

    /// Puts a node at the end of the list it belongs to.
    fn link(&mut self, index: u32) {
        let deadline = self.nodes[index as usize].deadline;
        let number = self.slot_of(deadline);
        if number != DUE {
            self.occupied[number / SLOTS] |= 1 << (number % SLOTS);
        }
        let slot = &mut self.slots[number];
        slot.earliest = slot.earliest.min(deadline);
        let previous = core::mem::replace(&mut slot.last, index);
        if previous == NONE {
            slot.first = index;
        } else {
            self.nodes[previous as usize].next = index;
        }
        let node = &mut self.nodes[index as usize];
        node.previous = previous;
        node.next = NONE;
        node.slot = number as u16;
    }

    fn unlink(&mut self, index: u32) {
        let node = &self.nodes[index as usize];
        let (previous, next, number) = (node.previous, node.next, node.slot as usize);
        match previous {
            NONE => self.slots[number].first = next,
            _ => self.nodes[previous as usize].next = next,
        }
        match next {
            NONE => self.slots[number].last = previous,
            _ => self.nodes[next as usize].previous = previous,
        }
        if self.slots[number].first == NONE {
            self.take_list(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const MS: u64 = 1_000_000;

    fn fired(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
        let mut payloads = Vec::new();
        wheel.advance(now, |payload| payloads.push(payload));
        payloads
    }

    #[test]
    fn never_early_and_at_most_a_tick_late() {
        let mut wheel = Wheel::new(0);
        wheel.insert(MS, 1).unwrap();
        assert_eq!(fired(&mut wheel, MS - 1), vec![]);
        let wake = wheel.next_deadline().unwrap();
        assert!((MS..MS + (1 << TICK_SHIFT)).contains(&wake));
        assert_eq!(fired(&mut wheel, wake - 1), vec![]);
        assert_eq!(fired(&mut wheel, wake), vec![1]);
        assert_eq!(wheel.next_deadline(), None);
    }

    #[test]
    fn exact_order_within_one_tick() {
        let mut wheel = Wheel::new(0);
        for (deadline, payload) in [(5, 0), (3, 1), (5, 2), (1, 3), (3, 4), (4, 5), (1, 6)] {
            wheel.insert(deadline, payload).unwrap();
        }
        assert_eq!(fired(&mut wheel, MS), vec![3, 6, 1, 4, 5, 0, 2]);
    }

    #[test]
    fn a_deadline_that_has_passed_fires_at_once() {
        let mut wheel = Wheel::new(10 * MS);
        wheel.insert(9 * MS, 1).unwrap();
        wheel.insert(0, 2).unwrap();
        assert!(wheel.next_deadline().unwrap() <= 10 * MS);
        assert_eq!(fired(&mut wheel, 10 * MS), vec![2, 1]);
    }

    #[test]
    fn a_handle_outlives_its_timer_harmlessly() {
        let mut wheel = Wheel::new(0);
        let old = wheel.insert(MS, 1).unwrap();
        assert_eq!(wheel.cancel(old), Some(1));
        let new = wheel.insert(MS, 2).unwrap();
        assert_eq!(new.index, old.index);
        assert_eq!((wheel.cancel(old), wheel.deadline(old)), (None, None));
        assert_eq!(wheel.deadline(new), Some(MS));
        assert_eq!(wheel.get(new), Some(&2));
        assert_eq!(fired(&mut wheel, 2 * MS), vec![2]);
        assert_eq!(wheel.cancel(new), None);
    }

    #[test]
    fn the_ends_of_time() {
        let mut wheel = Wheel::new(0);
        wheel.insert(u64::MAX, 1).unwrap();
        wheel.insert(0, 0).unwrap();
        assert_eq!(fired(&mut wheel, u64::MAX >> 1), vec![0]);
        assert_eq!(wheel.len(), 1);
        assert_eq!(wheel.next_deadline(), Some(u64::MAX));
    }

    /// A linear congruential generator (Knuth's MMIX constants).
    struct Random(u64);
    impl Random {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 16) % limit
        }
    }

    /// Random inserts, cancels and steps of all sizes, against a list that is searched and sorted.
    #[test]
    fn behaves_as_a_sorted_list() {
        for seed in 0..200 {
            let mut random = Random(seed);
            let mut now = random.below(1 << 45);
            let mut wheel = Wheel::new(now);
            let mut model: Vec<(u64, u64, TimerHandle)> = Vec::new();
            for serial in 0..400 {
                match random.below(8) {
                    0..=3 => {
                        // Short and long ones alike; some in the past; some equal.
                        let reach = random.below(44);
                        let ahead = random.below(1 << reach) & !(random.below(2) * 0xff_ffff);
                        let deadline = (now + ahead).saturating_sub(random.below(2) * MS);
                        let handle = wheel.insert(deadline, serial).unwrap();
                        model.push((deadline, serial, handle));
                    }
                    4..=5 if !model.is_empty() => {
                        let victim = random.below(model.len() as u64) as usize;
                        let (deadline, payload, handle) = model.remove(victim);
                        assert_eq!(wheel.deadline(handle), Some(deadline));
                        assert_eq!(wheel.cancel(handle), Some(payload));
                        assert_eq!(wheel.cancel(handle), None);
                    }
                    _ => {
                        let reach = random.below(45);
                        now += random.below(1 << reach);
                        let mut due: Vec<(u64, u64)> = Vec::new();
                        let tick = now >> TICK_SHIFT;
                        model.retain(|&(deadline, payload, _)| {
                            let is_due = tick_of(deadline) <= tick;
                            if is_due {
                                due.push((deadline, payload));
                            }
                            !is_due
                        });
                        due.sort();
                        let expected: Vec<u64> = due.iter().map(|&(_, payload)| payload).collect();
                        assert_eq!(fired(&mut wheel, now), expected, "seed {seed}");
                    }
                }
                assert_eq!(wheel.len(), model.len());
                assert_eq!(wheel.iter().count(), model.len());
                let first = model.iter().map(|&(deadline, ..)| tick_of(deadline)).min();
                match (wheel.next_deadline(), first) {
                    (None, None) => {}
                    (Some(next), Some(first)) => assert!(next <= start_of(first)),
                    other => panic!("seed {seed}: {other:?}"),
                }
            }
        }
    }

    /// Without cancelled timers, sleeping until `next_deadline` and advancing never wakes in vain.
    #[test]
    fn next_deadline_is_exact() {
        let mut random = Random(42);
        let mut wheel = Wheel::new(0);
        for serial in 0..1000 {
            let reach = random.below(40);
            wheel.insert(random.below(1 << reach), serial).unwrap();
        }
        while let Some(wake) = wheel.next_deadline() {
            assert!(!fired(&mut wheel, wake).is_empty());
        }
        assert!(wheel.is_empty());
    }
}

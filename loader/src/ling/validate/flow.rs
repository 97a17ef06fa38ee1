//! Validation of the flow of control: labels, stack frames, exception handlers.
//!
//! The state before an instruction is the number of Y registers of the current frame, or
//! that there is none, and the exception handlers in force. Each instruction has one state,
//! the same on every way to it. The states are found in one pass in the order of the code;
//! code that is reached only by a jump from further down is done after it, and code that
//! nothing reaches has no state and is not looked at: it never runs.
//!
//! A handler runs with the frame that was there when the exception came, so while one is in
//! force the frame may not change, and the Y register that marks it may not be used otherwise.
//!
//! Code that ends in an exception (of a match that failed, say) may be shared by places with
//! different frames and different handlers in force. Then nothing there may change the frame or
//! end a handler, and what is marked on one of the ways counts as marked.
//!
//! With each state goes the set of X registers that surely hold a term ([`super::registers`]):
//! of several ways to an instruction, what all of them leave.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;

use super::operands::Operands;
use super::registers::{HANDLER_FINDS, Others, Registers, effect};
use super::wrong;
use crate::error::LoadError;
use crate::exits;
use crate::isa::ALIGN;
use crate::ling::{Function, Module};
use crate::operation::Op;
use crate::pace::Pace;

/// What is known about four bytes of code: flags, and the state before the instruction
/// that begins there.
///
/// ```text
///  31     30    29     28..12     11     10..0
/// start  done  entry  handlers  mixed  frame
/// ```
///
/// The frame is 0 for none or its size plus one; all ones is "not reached".
#[derive(Clone, Copy)]
struct Slot {
    bits: u32,
    /// Which set of [`Flow::sets`] the registers before the instruction are.
    set: u32,
}

impl Slot {
    const NEW: Slot = Slot {
        bits: State::UNREACHED,
        set: 0,
    };
    /// An instruction begins here.
    const START: u32 = 1 << 31;
    /// Its effect has been followed.
    const DONE: u32 = 1 << 30;
    /// It is the first one of a function.
    const ENTRY: u32 = 1 << 29;

    fn has(self, flag: u32) -> bool {
        self.bits & flag != 0
    }

    fn state(self) -> Option<State> {
        (self.bits & State::UNREACHED != State::UNREACHED).then_some(State(self.bits & State::BITS))
    }

    fn set_state(&mut self, state: State) {
        self.bits = self.bits & !State::BITS | state.0;
    }
}

/// Slots that are made between two pauses.
const SLOTS_AT_A_TIME: usize = 8192;

/// Frame and handlers.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State(u32);

impl State {
    const UNREACHED: u32 = 0x7ff;
    const BITS: u32 = Slot::ENTRY - 1;
    const HANDLER_SHIFT: u32 = 12;
    const MIXED: u32 = 1 << 11;
    const FRAME_BITS: u32 = State::MIXED | State::UNREACHED;
    /// At the entry of a function.
    const ENTRY: State = State(0);

    fn frame(self) -> Frame {
        match ((self.0 & Self::UNREACHED) as u16).checked_sub(1) {
            size if self.0 & Self::MIXED != 0 => Frame::Mixed(size.unwrap_or(0)),
            Some(size) => Frame::Size(size),
            None => Frame::None,
        }
    }

    /// The innermost handler in force, index into [`Flow::handlers`].
    fn handler(self) -> u32 {
        self.0 >> Self::HANDLER_SHIFT
    }

    fn with_frame(self, frame: Frame) -> State {
        let frame = match frame {
            Frame::None => 0,
            Frame::Size(size) => size as u32 + 1,
            Frame::Mixed(least) => Self::MIXED | (least as u32 + 1),
        };
        State(self.0 & !Self::FRAME_BITS | frame)
    }

    fn with_handler(self, handler: u32) -> State {
        State(self.0 & Self::FRAME_BITS | handler << Self::HANDLER_SHIFT)
    }
}

/// What is known of the current stack frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Frame {
    /// There is none.
    None,
    /// It has so many Y registers.
    Size(u16),
    /// It depends on the way here, and has at least so many. Only code that ends in an
    /// exception may be here ([`crate::exits`]): nothing that removes the frame.
    Mixed(u16),
}

impl Frame {
    /// Number of Y registers that are surely there.
    fn least(self) -> u16 {
        match self {
            Frame::None => 0,
            Frame::Size(size) | Frame::Mixed(size) => size,
        }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Frame::None => write!(out, "there is no stack frame"),
            Frame::Size(size) => write!(out, "the stack frame has {size} registers"),
            Frame::Mixed(least) => {
                write!(
                    out,
                    "the stack frame depends on the way here, and may have only {least} registers"
                )
            }
        }
    }
}

/// An exception handler in force.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Handler {
    /// The one around it.
    outer: u32,
    /// Y register that marks it.
    y: u16,
    /// Where it is, or [`SOME_WAY`].
    target: u32,
}

/// In place of a handler's target: it is in force on some of the ways here, and one around it is not surely around it.
const SOME_WAY: u32 = u32::MAX;

/// No handler is in force.
const NO_HANDLER: u32 = 0;

/// Most handlers of a module, as many as a [`State`] can tell apart.
const MOST_HANDLERS: usize = 1 << (29 - State::HANDLER_SHIFT);

/// The analysis of one module.
pub struct Flow<'m, 'a, const WORDS: usize> {
    module: &'m Module<'a>,
    slots: Vec<Slot>,
    /// For each import whether it never returns.
    never_returns: Vec<bool>,
    handlers: Vec<Handler>,
    handler_numbers: BTreeMap<Handler, u32>,
    /// The sets of X registers that slots name.
    sets: Vec<Registers<WORDS>>,
    /// The X registers that hold something at the current instruction.
    x: Registers<WORDS>,
    /// State that the instruction before falls through with.
    falling: Option<State>,
    /// Instructions reached from further down, to be followed after the pass.
    later: Vec<u32>,
    functions_seen: usize,
    next_function: Option<Function>,
    /// Whether the last instruction may be followed by the next one.
    open_end: bool,
}

impl<'m, 'a, const WORDS: usize> Flow<'m, 'a, WORDS> {
    /// Starts at the entries of all functions.
    pub fn new(module: &'m Module<'a>, pace: &mut Pace<'_>) -> Result<Self, LoadError> {
        let mut slots = Vec::new();
        let count = module.code().len() / ALIGN;
        slots.try_reserve_exact(count)?;
        while slots.len() < count {
            slots.resize(count.min(slots.len() + SLOTS_AT_A_TIME), Slot::NEW);
            pace.did(SLOTS_AT_A_TIME / 8)?;
        }
        let mut sets = Vec::new();
        for (index, function) in module.functions().iter().enumerate() {
            if function.arity > module.x_registers() {
                let what = alloc::format!("entry {index}: more arguments than X registers");
                return Err(LoadError::damaged("functions", 0, what));
            }
            match slots.get_mut(function.entry as usize / ALIGN) {
                Some(slot) if (function.entry as usize).is_multiple_of(ALIGN) => {
                    slot.bits = State::ENTRY.0 | Slot::ENTRY;
                    slot.set = store(&mut sets, Registers::below(function.arity))?;
                }
                _ => {
                    let what = alloc::format!("entry {index}: not an instruction");
                    return Err(LoadError::damaged("functions", 0, what));
                }
            }
        }
        let mut never_returns = Vec::new();
        never_returns.try_reserve_exact(module.imports().len())?;
        for import in module.imports().iter() {
            let module_name = module.atom(import.module as usize);
            let name = module.atom(import.function as usize);
            never_returns.push(exits::never_returns(module_name, name, import.arity));
        }
        Ok(Flow {
            module,
            slots,
            never_returns,
            sets,
            x: Registers::NONE,
            handlers: Vec::new(),
            handler_numbers: BTreeMap::new(),
            falling: None,
            later: Vec::new(),
            functions_seen: 0,
            next_function: module.functions().get(0),
            open_end: true,
        })
    }

    /// Takes in the next instruction in the order of the code, which `operands` has just read.
    pub fn instruction(
        &mut self,
        at: usize,
        length: usize,
        operands: &Operands<'_, '_, WORDS>,
    ) -> Result<(), LoadError> {
        let op = operands.op;
        let falling = self.falling.take();
        if op == Op::func_info {
            self.func_info(at, length, operands)?;
        }
        if let Some(state) = falling {
            self.reach(op, at, at, state)?;
        }
        self.open_end = !op.is_end();
        self.slot(at).bits |= Slot::START;
        if let Some(state) = self.begin(at) {
            self.falling = self.follow(at, state, operands)?;
        }
        Ok(())
    }

    /// State and registers before the instruction at `at`, which from now on counts as
    /// followed. `None` if it has not been reached.
    fn begin(&mut self, at: usize) -> Option<State> {
        let slot = self.slot(at);
        let state = slot.state()?;
        slot.bits |= Slot::DONE;
        let set = slot.set;
        self.x = self.sets[set as usize];
        Some(state)
    }

    /// Ends the pass, and follows what was only reached from further down.
    pub fn finish(
        &mut self,
        operands: &mut Operands<'_, '_, WORDS>,
        pace: &mut Pace<'_>,
    ) -> Result<(), LoadError> {
        let size = self.module.code().len();
        if self.open_end {
            return Err(LoadError::damaged(
                super::CODE,
                size,
                "the last instruction runs off the end",
            ));
        }
        if self.next_function.is_some() {
            let what = alloc::format!("entry {}: there is no func_info", self.functions_seen);
            return Err(LoadError::damaged("functions", 0, what));
        }
        while let Some(start) = self.later.pop() {
            let mut at = start as usize;
            // Follows until it comes to where it has been.
            loop {
                let slot = *self.slot(at);
                if slot.has(Slot::DONE) || !slot.has(Slot::START) {
                    break;
                }
                let Some(state) = self.begin(at) else { break };
                let length = operands.read(at)?;
                let Some(state) = self.follow(at, state, operands)? else {
                    break;
                };
                at += length;
                pace.did(length.div_ceil(super::CODE_PER_WORK))?;
                if at >= size {
                    break;
                }
                self.reach(operands.op, at, at, state)?;
            }
        }
        // A label that is not where an instruction begins has left a state there.
        let astray = self
            .slots
            .iter()
            .position(|slot| slot.state().is_some() && !slot.has(Slot::START));
        match astray {
            Some(index) => Err(LoadError::damaged(
                super::CODE,
                index * ALIGN,
                "a label points here, where no instruction begins",
            )),
            None => Ok(()),
        }
    }

    fn slot(&mut self, at: usize) -> &mut Slot {
        // Operands only lets labels through that lie inside the code.
        &mut self.slots[at / ALIGN]
    }

    /// A func_info must be that of the next function of the table.
    fn func_info(
        &mut self,
        at: usize,
        length: usize,
        operands: &Operands<'_, '_, WORDS>,
    ) -> Result<(), LoadError> {
        let function = self.next_function;
        let name = self
            .module
            .code()
            .get(at + 10..at + 18)
            .and_then(|name| name.try_into().ok());
        let matches = function.is_some_and(|function| {
            function.func_info as usize == at
                && function.entry as usize == at + length
                && name.map(u64::from_le_bytes) == Some(function.function as u64)
                && operands.halves[0] as u32 == function.arity
        });
        if !matches {
            return Err(wrong(
                Op::func_info,
                at,
                "it is not in the table of functions",
            ));
        }
        self.functions_seen += 1;
        self.next_function = self.module.functions().get(self.functions_seen);
        Ok(())
    }

    /// The instruction at `target` is reached from `at` in `state`.
    fn reach(&mut self, op: Op, at: usize, target: usize, state: State) -> Result<(), LoadError> {
        let slot = *self.slot(target);
        let Some(known) = slot.state() else {
            let set = store(&mut self.sets, self.x)?;
            let slot = self.slot(target);
            slot.set_state(state);
            slot.set = set;
            return self.follow_later(target);
        };
        let mut merged = known;
        if known.frame() != state.frame() {
            let least = known.frame().least().min(state.frame().least());
            merged = known.with_frame(Frame::Mixed(least));
        }
        if known.handler() != state.handler() {
            merged = merged.with_handler(self.either(op, at, known.handler(), state.handler())?);
        }
        let mut changed = merged != known;
        self.slot(target).set_state(merged);
        changed |= self.sets[slot.set as usize].keep(&self.x);
        // Followed already, with a state that holds no longer.
        if changed && slot.has(Slot::DONE) {
            self.slot(target).bits &= !Slot::DONE;
            return self.follow_later(target);
        }
        Ok(())
    }

    /// If the pass has been at an instruction, it is followed after the pass.
    fn follow_later(&mut self, at: usize) -> Result<(), LoadError> {
        if self.slot(at).has(Slot::START) {
            self.later.try_reserve(1)?;
            self.later.push(at as u32);
        }
        Ok(())
    }

    /// Applies the effect of an instruction; gives the state of the next one, if it goes on there.
    fn follow(
        &mut self,
        at: usize,
        state: State,
        operands: &Operands<'_, '_, WORDS>,
    ) -> Result<Option<State>, LoadError> {
        let op = operands.op;
        let frame = state.frame();
        let [first, second] = operands.halves;
        let wrong_frame =
            |expected: &str| Err(wrong(op, at, alloc::format!("{frame}; {expected}")));
        let has_frame = matches!(frame, Frame::Size(_));
        let frame_size = frame.least();
        if operands.ys.iter().any(|y| *y >= frame_size) {
            return wrong_frame("a Y register lies outside");
        }
        if state.handler() != NO_HANDLER && !operands.ys.is_empty() {
            self.keeps_marks(at, state, operands)?;
        }
        let without_handler = |state: State| match state.handler() {
            NO_HANDLER => Ok(()),
            _ => Err(wrong(
                op,
                at,
                "an exception handler in the frame is in force",
            )),
        };
        self.registers(at, operands)?;
        match op {
            Op::func_info => return Ok(None),
            Op::call => {
                if !has_frame {
                    return wrong_frame("it must have one to return to");
                }
                self.calls(at, operands)?;
                return self.go_on(state, operands);
            }
            Op::call_fun | Op::call_fun2 | Op::apply if !has_frame => {
                return wrong_frame("it must have one to return to");
            }
            Op::call_ext => {
                let never = operands.import.is_some_and(|import| {
                    self.never_returns
                        .get(import as usize)
                        .copied()
                        .unwrap_or(false)
                });
                if never {
                    return Ok(None);
                }
                if !has_frame {
                    return wrong_frame("it must have one to return to");
                }
            }
            Op::call_last
            | Op::call_ext_last
            | Op::apply_last
            | Op::call_fun_last
            | Op::call_fun2_last => {
                if frame != Frame::Size(second) {
                    return wrong_frame("it removes another number of them");
                }
                without_handler(state)?;
                if op == Op::call_last {
                    self.calls(at, operands)?;
                }
                return Ok(None);
            }
            Op::call_only | Op::call_ext_only => {
                if frame != Frame::None {
                    return wrong_frame("it must be removed before");
                }
                if op == Op::call_only {
                    self.calls(at, operands)?;
                }
                return Ok(None);
            }
            Op::return_ if frame != Frame::None => return wrong_frame("it must be removed before"),
            Op::allocate | Op::allocate_heap => {
                return match frame {
                    Frame::None => Ok(Some(state.with_frame(Frame::Size(first)))),
                    Frame::Size(_) | Frame::Mixed(_) => wrong_frame("a frame is there already"),
                };
            }
            Op::deallocate => {
                without_handler(state)?;
                return match frame == Frame::Size(first) {
                    true => Ok(Some(state.with_frame(Frame::None))),
                    false => wrong_frame("it removes another number of them"),
                };
            }
            Op::trim => {
                without_handler(state)?;
                return match has_frame && frame_size as u32 == first as u32 + second as u32 {
                    true => Ok(Some(state.with_frame(Frame::Size(second)))),
                    false => wrong_frame("it removes and leaves another number of them"),
                };
            }
            Op::catch_ | Op::try_ => {
                let inside = state.with_handler(self.enter(at, state, operands)?);
                let x = core::mem::replace(&mut self.x, Registers::below(HANDLER_FINDS));
                for target in &operands.labels {
                    self.reach(op, at, *target as usize, inside)?;
                }
                self.x = x;
                return Ok(Some(inside));
            }
            Op::catch_end | Op::try_end | Op::try_case => {
                let innermost = self
                    .handlers
                    .get((state.handler() as usize).wrapping_sub(1));
                return match innermost {
                    Some(handler) if operands.ys == [handler.y] && handler.target != SOME_WAY => {
                        self.go_on(state.with_handler(handler.outer), operands)
                    }
                    _ => Err(wrong(op, at, "not the innermost exception handler")),
                };
            }
            // Whether it can fail is a matter of types, which are not followed: erlc uses the result behind the label, too, where the
            // types of the arguments say that it is never reached by failing (`is_map_key` of a map).
            Op::bif1 | Op::bif2 | Op::bif3 => self.x.insert_all(&operands.destinations),
            _ => {}
        }
        for target in &operands.labels {
            // A wait that a message has ended goes on with the time it has: it does not
            // read its source again.
            if op == Op::wait_timeout && *target as usize == at {
                continue;
            }
            self.reach(op, at, *target as usize, state)?;
        }
        if op.is_end() {
            Ok(None)
        } else {
            self.go_on(state, operands)
        }
    }

    /// The next instruction follows; it finds what this one wrote.
    fn go_on(
        &mut self,
        state: State,
        operands: &Operands<'_, '_, WORDS>,
    ) -> Result<Option<State>, LoadError> {
        self.x.insert_all(&operands.destinations);
        Ok(Some(state))
    }

    /// Checks what an instruction reads, and forgets what does not survive it.
    fn registers(
        &mut self,
        at: usize,
        operands: &Operands<'_, '_, WORDS>,
    ) -> Result<(), LoadError> {
        let op = operands.op;
        let effect = effect(op, operands.count);
        if let Some(missing) = self.x.first_missing(&operands.sources, effect.needs) {
            return Err(wrong(
                op,
                at,
                alloc::format!("x{missing} may hold nothing here"),
            ));
        }
        // The operands of swap are sources and destinations.
        let swapped = match op {
            Op::swap => self.x.first_missing(&operands.destinations, 0),
            _ => None,
        };
        if let Some(missing) = swapped {
            return Err(wrong(
                op,
                at,
                alloc::format!("x{missing} may hold nothing here"),
            ));
        }
        match effect.others {
            Others::Stay => {}
            Others::StayBelow(live) => {
                self.x.keep(&Registers::below(live));
            }
            Others::Lost(results) => self.x = Registers::below(results),
        }
        let lost = match effect.sources_live {
            true => self.x.first_missing(&operands.sources, 0),
            false => None,
        };
        match lost {
            Some(lost) => Err(wrong(
                op,
                at,
                alloc::format!("x{lost} is read, but not live"),
            )),
            None => Ok(()),
        }
    }

    /// A call inside the module goes to the entry of a function of its arity.
    fn calls(&mut self, at: usize, operands: &Operands<'_, '_, WORDS>) -> Result<(), LoadError> {
        let target = operands.labels.first().copied().unwrap_or_default();
        if !self.slot(target as usize).has(Slot::ENTRY) {
            return Err(wrong(
                operands.op,
                at,
                "its label is not the entry of a function",
            ));
        }
        // The arity is the last operand of the func_info before the entry.
        let arity = (target as usize)
            .checked_sub(2)
            .and_then(|at| self.module.code().get(at..at + 2));
        if arity != Some(&operands.halves[0].to_le_bytes()[..]) {
            return Err(wrong(operands.op, at, "the function has another arity"));
        }
        Ok(())
    }

    /// Number of the handler that a catch or try puts in force.
    fn enter(
        &mut self,
        at: usize,
        state: State,
        operands: &Operands<'_, '_, WORDS>,
    ) -> Result<u32, LoadError> {
        let (Some(y), Some(target)) = (operands.ys.first(), operands.labels.first()) else {
            return Err(wrong(operands.op, at, "without a register or label"));
        };
        let handler = Handler {
            outer: state.handler(),
            y: *y,
            target: *target,
        };
        self.number(operands.op, at, handler)
    }

    /// Number of what is in force where two ways meet, one with the handlers of `one`, the other with those of `other`: all that
    /// either has, each on some way only.
    fn either(&mut self, op: Op, at: usize, one: u32, other: u32) -> Result<u32, LoadError> {
        let mut marks = BTreeSet::new();
        for innermost in [one, other] {
            marks.extend(self.in_force(innermost).map(|handler| handler.y));
        }
        let mut outer = NO_HANDLER;
        for y in marks {
            let target = SOME_WAY;
            outer = self.number(op, at, Handler { outer, y, target })?;
        }
        Ok(outer)
    }

    /// The handler of this number and those around it, from the inside out.
    fn in_force(&self, innermost: u32) -> impl Iterator<Item = Handler> + '_ {
        let numbered = |number: u32| {
            let index = (number as usize).wrapping_sub(1);
            self.handlers.get(index).copied()
        };
        core::iter::successors(numbered(innermost), move |handler| numbered(handler.outer))
    }

    /// Number of a handler, which may be new.
    fn number(&mut self, op: Op, at: usize, handler: Handler) -> Result<u32, LoadError> {
        if let Some(number) = self.handler_numbers.get(&handler) {
            return Ok(*number);
        }
        if self.handlers.len() + 1 >= MOST_HANDLERS {
            let what = "more exception handlers than a module may have";
            return Err(wrong(op, at, what));
        }
        self.handlers.try_reserve(1)?;
        self.handlers.push(handler);
        let number = self.handlers.len() as u32;
        self.handler_numbers.insert(handler, number);
        Ok(number)
    }

    /// Only the end of a handler may use the register that marks it.
    fn keeps_marks(
        &self,
        at: usize,
        state: State,
        operands: &Operands<'_, '_, WORDS>,
    ) -> Result<(), LoadError> {
        if matches!(operands.op, Op::catch_end | Op::try_end | Op::try_case) {
            return Ok(());
        }
        match self
            .in_force(state.handler())
            .find(|handler| operands.ys.contains(&handler.y))
        {
            None => Ok(()),
            Some(Handler { y, .. }) => {
                let what = alloc::format!("y{y} marks an exception handler in force");
                Err(wrong(operands.op, at, what))
            }
        }
    }
}

/// Adds a set; gives its number.
fn store<const WORDS: usize>(
    sets: &mut Vec<Registers<WORDS>>,
    x: Registers<WORDS>,
) -> Result<u32, LoadError> {
    sets.try_reserve(1)?;
    sets.push(x);
    Ok(sets.len() as u32 - 1)
}

//! One attempt: the program from its beginning, at one position.

use super::super::ast::Assertion;
use super::super::ctype;
use super::super::options::Options;
use super::super::program::{Inst, NONE, Op, run};
use super::super::set::{SetView, bitmap_has};
use super::super::text;
use super::super::unicode::{self, Property};
use super::stack::{Frame, Kind};
use super::{Attempt, Matcher, Stop};

/// Where to go on after a failure.
enum Resume {
    At(u32, u32),
    End(Attempt),
}

const ASSERTIONS: [Assertion; 11] = [
    Assertion::LineStart,
    Assertion::MultilineStart,
    Assertion::LineEnd,
    Assertion::MultilineEnd,
    Assertion::EndOnly,
    Assertion::SubjectStart,
    Assertion::SubjectEndOrNewline,
    Assertion::SubjectEnd,
    Assertion::SearchStart,
    Assertion::WordBoundary,
    Assertion::NotWordBoundary,
];

/// The slots of the positions of `group`.
#[inline(always)]
fn slots_of(group: u32) -> Result<(u32, u32), Stop> {
    let first = group.checked_mul(2).ok_or(Stop::Corrupt)?;
    Ok((first, first + 1))
}

impl Matcher<'_> {
    #[inline(always)]
    fn slot(&self, slot: u32) -> Result<u32, Stop> {
        self.slots.get(slot as usize).copied().ok_or(Stop::Corrupt)
    }

    /// Sets a slot, and sees to it that backtracking puts it back.
    #[inline(always)]
    fn set(&mut self, slot: u32, value: u32) -> Result<(), Stop> {
        let place = self.slots.get_mut(slot as usize).ok_or(Stop::Corrupt)?;
        let old = core::mem::replace(place, value);
        // With nothing to go back to, nothing has to be put back.
        if self.stack.height() > 0 {
            self.stack.push(Kind::Restore, slot, old, 0)?;
        }
        Ok(())
    }

    /// Tries to match at `start`.
    pub(super) fn attempt(&mut self, start: u32) -> Result<Attempt, Stop> {
        self.slots.fill(NONE);
        self.stack.clear();
        self.match_start = start;
        self.steps = 0;
        let mut pc = 0u32;
        let mut at = start;
        loop {
            match self.forward(pc, at)? {
                Some(end) => return Ok(Attempt::Match(end)),
                None => match self.backtrack()? {
                    Resume::At(new_pc, new_at) => (pc, at) = (new_pc, new_at),
                    Resume::End(end) => {
                        self.work += self.steps / 8;
                        return Ok(end);
                    }
                },
            }
        }
    }

    /// Runs until the match is complete or cannot go on.
    fn forward(&mut self, mut pc: u32, mut at: u32) -> Result<Option<u32>, Stop> {
        macro_rules! fail {
            () => {
                return Ok(None)
            };
        }
        loop {
            let inst = self.program.inst(pc).ok_or(Stop::Corrupt)?;
            pc += 1;
            match inst.op {
                Op::Byte => match self.subject.get(at as usize) {
                    Some(byte) if *byte as u32 == inst.a => at += 1,
                    _ => fail!(),
                },
                Op::EitherByte => match self.subject.get(at as usize) {
                    Some(byte) if *byte as u32 == inst.a || *byte as u32 == inst.b => at += 1,
                    _ => fail!(),
                },
                Op::Literal => {
                    let literal = self.program.bytes(inst.a, inst.b).ok_or(Stop::Corrupt)?;
                    let rest = self.subject.get(at as usize..).ok_or(Stop::Corrupt)?;
                    if !rest.starts_with(literal) {
                        fail!();
                    }
                    at += inst.b;
                }
                Op::Set => {
                    let Some(&byte) = self.subject.get(at as usize) else {
                        fail!();
                    };
                    let set = SetView::at(self.program.data, inst.a).ok_or(Stop::Corrupt)?;
                    if !self.utf || byte < 0x80 {
                        if !bitmap_has(set.bitmap, byte) {
                            fail!();
                        }
                        at += 1;
                    } else {
                        match text::decode(self.subject, at as usize, true) {
                            Some((c, length)) if set.has(c) => at += length as u32,
                            _ => fail!(),
                        }
                    }
                }
                Op::NotNewline
                | Op::AnyChar
                | Op::AnyByte
                | Op::NewlineSequence
                | Op::GraphemeCluster => {
                    let kind = match inst.op {
                        Op::NotNewline => run::NOT_NEWLINE,
                        Op::AnyChar => run::ANY_CHAR,
                        Op::AnyByte => run::ANY_BYTE,
                        Op::NewlineSequence => run::NEWLINE_SEQUENCE,
                        _ => run::GRAPHEME_CLUSTER,
                    };
                    match self.one(kind, 0, at as usize)? {
                        Some(length) => at += length as u32,
                        None => fail!(),
                    }
                }
                Op::Assertion => {
                    let assertion = ASSERTIONS.get(inst.a as usize).ok_or(Stop::Corrupt)?;
                    if !self.holds(*assertion, at as usize) {
                        fail!();
                    }
                }
                Op::KeepOut => {
                    self.stack
                        .push(Kind::RestoreStart, 0, self.match_start, 0)?;
                    self.match_start = at;
                }
                Op::BackReference | Op::NamedReference => match self.reference(&inst, at)? {
                    Some(length) => at += length,
                    None => fail!(),
                },
                Op::Jump => {
                    self.tick()?;
                    pc = inst.a;
                }
                Op::Choice => {
                    // The alternative cannot begin here.
                    if inst.b != NONE
                        && self.subject.get(at as usize).map(|byte| *byte as u32) != Some(inst.b)
                    {
                        self.tick()?;
                        pc = inst.a;
                    } else {
                        self.push_choice(inst.a, at)?;
                    }
                }
                Op::LazyChoice => {
                    self.push_choice(pc, at)?;
                    pc = inst.a;
                }
                Op::Remember => self.set(inst.a, at)?,
                Op::ExitIfEmpty => {
                    if self.slot(inst.b)? == at {
                        pc = self.forth(pc, inst.a)?;
                    }
                }
                Op::Close => {
                    if inst.x == 0
                        && self
                            .stack
                            .frames
                            .last()
                            .is_some_and(|frame| frame.group == inst.a)
                    {
                        pc = self.return_from_call()?;
                    } else {
                        let start = self.slot(inst.b)?;
                        let (first, last) = slots_of(inst.a)?;
                        self.set(first, start)?;
                        self.set(last, at)?;
                    }
                }
                Op::ResetCount => self.set(inst.a, 0)?,
                Op::CountGreedy | Op::CountLazy => {
                    let limits = self.program.inst(pc).ok_or(Stop::Corrupt)?;
                    let count = self.slot(inst.b)?;
                    let body = pc + 1;
                    if count < limits.a {
                        self.tick()?;
                        self.set(inst.b, count + 1)?;
                        pc = body;
                    } else if count >= limits.b {
                        pc = self.forth(pc, inst.a)?;
                    } else if inst.op == Op::CountGreedy {
                        self.push_choice(inst.a, at)?;
                        self.set(inst.b, count + 1)?;
                        pc = body;
                    } else {
                        // Taken up again here, with the iteration counted.
                        self.push_choice(pc, at)?;
                        pc = inst.a;
                    }
                }
                // Reached only by backtracking to a lazy count: one more iteration.
                Op::LoopLimits => {
                    let count = pc
                        .checked_sub(2)
                        .and_then(|before| self.program.inst(before))
                        .ok_or(Stop::Corrupt)?
                        .b;
                    let value = self.slot(count)?;
                    self.set(count, value.saturating_add(1))?;
                }
                Op::LoopBack => {
                    self.tick()?;
                    let is_empty = inst.b != NONE
                        && self.slot(inst.b)? == at
                        && self.slot(inst.c)? >= inst.y as u32;
                    if !is_empty {
                        pc = inst.a;
                    }
                }
                Op::RunGreedy | Op::RunPossessive => {
                    let Some(extent) = self.extent(&inst, at)? else {
                        fail!();
                    };
                    at = extent.high;
                    if inst.op == Op::RunGreedy && extent.high > extent.low {
                        // What follows may say how much must be given back.
                        if inst.y & 0x100 != 0 {
                            let byte = inst.y as u8;
                            match self.last_before(&inst, byte, extent.low, extent.high) {
                                Some(place) => at = place,
                                None => fail!(),
                            }
                        }
                        if at > extent.low {
                            self.check_depth()?;
                            self.stack.push(Kind::Run, pc - 1, extent.low, at)?;
                        }
                    }
                }
                Op::RunLazy => {
                    for _ in 0..inst.b {
                        match self.one(inst.x, inst.a, at as usize)? {
                            Some(length) => at += length as u32,
                            None => fail!(),
                        }
                    }
                    if inst.c > inst.b {
                        self.check_depth()?;
                        self.stack.push(Kind::LazyRun, pc - 1, at, inst.b)?;
                        if inst.y & 0x100 != 0
                            && self.subject.get(at as usize) != Some(&(inst.y as u8))
                        {
                            fail!();
                        }
                    }
                }
                Op::AtomicBegin => {
                    self.set(inst.a, 0)?;
                    let height = self.stack.height();
                    *self.slots.get_mut(inst.a as usize).ok_or(Stop::Corrupt)? = height;
                }
                Op::AtomicEnd => {
                    let height = self.slot(inst.a)?;
                    self.stack.cut(height);
                }
                Op::LookBegin => {
                    self.set(inst.b, at)?;
                    self.set(inst.a, 0)?;
                    let height = self.stack.height();
                    *self.slots.get_mut(inst.a as usize).ok_or(Stop::Corrupt)? = height;
                    if inst.c != NONE {
                        self.push_choice(inst.c, at)?;
                    }
                }
                Op::LookEnd => {
                    let height = self.slot(inst.a)?;
                    self.stack.cut(height);
                    at = self.slot(inst.b)?;
                }
                Op::NotBegin => {
                    self.set(inst.a, 0)?;
                    let height = self.stack.height();
                    *self.slots.get_mut(inst.a as usize).ok_or(Stop::Corrupt)? = height;
                    self.stack.push(Kind::LookChoice, inst.c, at, 0)?;
                }
                Op::NotEnd => {
                    let height = self.slot(inst.a)?;
                    let begin = self
                        .stack
                        .entries
                        .get(height as usize)
                        .ok_or(Stop::Corrupt)?
                        .a;
                    self.unwind_to(height);
                    if inst.c == NONE {
                        fail!();
                    }
                    pc = self.forth(pc, inst.c)?;
                    at = begin;
                }
                Op::Back => {
                    let mut place = at as usize;
                    for _ in 0..inst.a {
                        match text::before(self.subject, place, self.utf) {
                            Some(before) => place = before,
                            None => fail!(),
                        }
                    }
                    at = place as u32;
                }
                Op::Call => {
                    let frames = &self.stack.frames;
                    if frames
                        .iter()
                        .any(|frame| frame.group == inst.b && frame.at == at)
                    {
                        return Err(Stop::RecursionLoop);
                    }
                    self.tick()?;
                    self.check_depth()?;
                    let height = self.stack.height();
                    self.stack.push(Kind::Call, 0, 0, 0)?;
                    self.stack
                        .frames
                        .try_reserve(1)
                        .map_err(|_| Stop::NoMemory)?;
                    self.stack.frames.push(Frame {
                        group: inst.b,
                        return_to: pc,
                        height,
                        at,
                    });
                    pc = inst.a;
                }
                Op::UnlessGroup => {
                    let (_, last) = slots_of(inst.b)?;
                    if self.slot(last)? == NONE {
                        pc = self.forth(pc, inst.a)?;
                    }
                }
                Op::UnlessNamed => {
                    if self.first_named(inst.b, inst.c)?.is_none() {
                        pc = self.forth(pc, inst.a)?;
                    }
                }
                Op::UnlessRecursion => {
                    let is_in = match self.stack.frames.last() {
                        Some(frame) => inst.b == NONE || frame.group == inst.b,
                        None => false,
                    };
                    if !is_in {
                        pc = self.forth(pc, inst.a)?;
                    }
                }
                Op::Match | Op::Accept => {
                    if let Some(frame) = self.stack.frames.last()
                        && (frame.group == 0 || inst.op == Op::Accept)
                    {
                        pc = self.return_from_call()?;
                        continue;
                    }
                    let is_empty = at == self.match_start;
                    if is_empty
                        && (self.options.has(Options::NOTEMPTY)
                            || (self.options.has(Options::NOTEMPTY_ATSTART)
                                && at == self.search_start))
                    {
                        fail!();
                    }
                    self.work += self.steps / 8;
                    return Ok(Some(at));
                }
                Op::Fail => fail!(),
                Op::Commit => self.stack.push(Kind::Commit, 0, 0, 0)?,
                Op::Prune => self.stack.push(Kind::Prune, 0, 0, 0)?,
                Op::Skip => self.stack.push(Kind::Skip, 0, at, 0)?,
                Op::SkipTo => self.stack.push(Kind::SkipTo, 0, inst.a, 0)?,
                Op::Mark => self.stack.push(Kind::Mark, 0, inst.a, at)?,
                Op::AlternativeBegin => {
                    let height = self.stack.height();
                    self.set(inst.a, height)?;
                }
                Op::Then => {
                    let height = self.slot(inst.a)?;
                    self.stack.push(Kind::Then, 0, height, 0)?;
                }
            }
        }
    }

    /// Counts a step towards the limit.
    #[inline(always)]
    fn tick(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps.is_multiple_of(8192) {
            self.tell(self.steps / 8)?;
        }
        if self.steps > self.match_limit {
            return Err(Stop::MatchLimit);
        }
        Ok(())
    }

    /// A jump that a compiler makes forwards only, so that it costs nothing: backwards it would be a loop without a limit.
    #[inline(always)]
    fn forth(&self, pc: u32, target: u32) -> Result<u32, Stop> {
        if target < pc {
            return Err(Stop::Corrupt);
        }
        Ok(target)
    }

    #[inline(always)]
    fn check_depth(&self) -> Result<(), Stop> {
        if self.stack.entries.len() >= self.recursion_limit {
            return Err(Stop::RecursionLimit);
        }
        Ok(())
    }

    #[inline(always)]
    fn push_choice(&mut self, pc: u32, at: u32) -> Result<(), Stop> {
        self.tick()?;
        self.check_depth()?;
        Ok(self.stack.push(Kind::Choice, pc, at, 0)?)
    }

    /// Ends the youngest call: the groups are as they were before it, and there is no way back into it.
    fn return_from_call(&mut self) -> Result<u32, Stop> {
        let Some(frame) = self.stack.frames.last().copied() else {
            return Err(Stop::Corrupt);
        };
        // What `\K` said stays said.
        let match_start = self.match_start;
        let depth = self.stack.frames.len();
        self.unwind_to(frame.height);
        if self.stack.frames.len() >= depth {
            return Err(Stop::Corrupt);
        }
        if self.match_start != match_start {
            self.stack
                .push(Kind::RestoreStart, 0, self.match_start, 0)?;
            self.match_start = match_start;
        }
        Ok(frame.return_to)
    }

    /// Takes everything above `height` from the stack and puts back what has to be.
    fn unwind_to(&mut self, height: u32) {
        while self.stack.height() > height {
            let Some(entry) = self.stack.entries.pop() else {
                return;
            };
            match entry.kind {
                Kind::Restore => {
                    if let Some(slot) = self.slots.get_mut(entry.pc as usize) {
                        *slot = entry.a;
                    }
                }
                Kind::RestoreStart => self.match_start = entry.a,
                Kind::Call => {
                    self.stack.frames.pop();
                }
                _ => {}
            }
        }
    }

    fn backtrack(&mut self) -> Result<Resume, Stop> {
        loop {
            let Some(entry) = self.stack.entries.pop() else {
                return Ok(Resume::End(Attempt::Failed));
            };
            match entry.kind {
                Kind::Restore => {
                    if let Some(slot) = self.slots.get_mut(entry.pc as usize) {
                        *slot = entry.a;
                    }
                }
                Kind::Choice | Kind::LookChoice => return Ok(Resume::At(entry.pc, entry.a)),
                Kind::Run => {
                    self.tick()?;
                    let inst = self.program.inst(entry.pc).ok_or(Stop::Corrupt)?;
                    let (low, at) = (entry.a, entry.b);
                    let next = if inst.y & 0x100 != 0 {
                        if at <= low {
                            continue;
                        }
                        self.last_before(&inst, inst.y as u8, low, at - 1)
                    } else {
                        self.step_back(&inst, low, at)
                    };
                    let Some(next) = next else {
                        continue;
                    };
                    if next > low {
                        self.stack.push(Kind::Run, entry.pc, low, next)?;
                    }
                    return Ok(Resume::At(entry.pc + 1, next));
                }
                Kind::LazyRun => {
                    let inst = self.program.inst(entry.pc).ok_or(Stop::Corrupt)?;
                    let (mut at, mut count) = (entry.a, entry.b);
                    let wanted = (inst.y & 0x100 != 0).then_some(inst.y as u8);
                    loop {
                        self.tick()?;
                        match self.one(inst.x, inst.a, at as usize)? {
                            Some(length) if count < inst.c => {
                                at += length as u32;
                                count += 1;
                            }
                            _ => break,
                        }
                        if wanted.is_none() || self.subject.get(at as usize).copied() == wanted {
                            if count < inst.c {
                                self.stack.push(Kind::LazyRun, entry.pc, at, count)?;
                            }
                            return Ok(Resume::At(entry.pc + 1, at));
                        }
                    }
                }
                Kind::RestoreStart => self.match_start = entry.a,
                Kind::Call => {
                    self.stack.frames.pop();
                }
                Kind::Mark => {}
                Kind::Then => self.unwind_to(entry.a),
                Kind::SkipTo => {
                    // The youngest mark of that name that is still passed; without one, nothing is skipped.
                    let mark = self
                        .stack
                        .entries
                        .iter()
                        .rev()
                        .find(|mark| mark.kind == Kind::Mark && mark.a == entry.a);
                    if let Some(position) = mark.map(|mark| mark.b)
                        && let Some(end) = self.give_up(Attempt::SkipTo(position))
                    {
                        return Ok(end);
                    }
                }
                Kind::Commit | Kind::Prune | Kind::Skip => {
                    let end = match entry.kind {
                        Kind::Commit => Attempt::Commit,
                        Kind::Prune => Attempt::Failed,
                        _ => Attempt::SkipTo(entry.a),
                    };
                    if let Some(end) = self.give_up(end) {
                        return Ok(end);
                    }
                }
            }
        }
    }

    /// A verb was backtracked to: the attempt has failed, or the negative lookaround or the call that it is in (`None`: go on
    /// backtracking).
    fn give_up(&mut self, end: Attempt) -> Option<Resume> {
        loop {
            let height = self.stack.height();
            let Some(entry) = self.stack.entries.last().copied() else {
                return Some(Resume::End(end));
            };
            self.unwind_to(height - 1);
            match entry.kind {
                Kind::LookChoice => return Some(Resume::At(entry.pc, entry.a)),
                Kind::Call => return None,
                _ => {}
            }
        }
    }

    /// The last place from `high` down to `low` that has `byte` behind it, for a run that can end there.
    fn last_before(&self, inst: &Inst, byte: u8, low: u32, high: u32) -> Option<u32> {
        let is_sequence = matches!(inst.x, run::NEWLINE_SEQUENCE | run::GRAPHEME_CLUSTER);
        if is_sequence {
            let mut at = high;
            loop {
                if self.subject.get(at as usize) == Some(&byte) {
                    return Some(at);
                }
                at = self.step_back(inst, low, at)?;
            }
        }
        // A byte that begins a character is no part of another one.
        let end = (high as usize + 1).min(self.subject.len());
        let window = self.subject.get(low as usize..end)?;
        memchr::memrchr(byte, window).map(|offset| low + offset as u32)
    }

    fn first_named(&self, first: u32, last: u32) -> Result<Option<u32>, Stop> {
        for i in first..last {
            let (_, group) = self.program.name(i).ok_or(Stop::Corrupt)?;
            let (_, last) = slots_of(group)?;
            if self.slot(last)? != NONE {
                return Ok(Some(group));
            }
        }
        Ok(None)
    }

    /// The length of the text that a back reference matches at `at`.
    fn reference(&mut self, inst: &Inst, at: u32) -> Result<Option<u32>, Stop> {
        let group = if inst.op == Op::BackReference {
            Some(inst.a)
        } else {
            self.first_named(inst.a, inst.b)?
        };
        let Some(group) = group else {
            return Ok(None);
        };
        let (first, last) = slots_of(group)?;
        let (from, to) = (self.slot(first)?, self.slot(last)?);
        if from == NONE || to == NONE || from > to {
            return Ok(None);
        }
        let wanted = self
            .subject
            .get(from as usize..to as usize)
            .ok_or(Stop::Corrupt)?;
        let rest = self.subject.get(at as usize..).ok_or(Stop::Corrupt)?;
        self.work += wanted.len() as u64 / 16;
        if inst.x == 0 {
            return Ok(rest.starts_with(wanted).then_some(wanted.len() as u32));
        }
        let (mut i, mut j) = (0, 0);
        while let Some((c, length)) = text::decode(wanted, i, self.utf) {
            let Some((d, other_length)) = text::decode(rest, j, self.utf) else {
                return Ok(None);
            };
            let same = if self.utf {
                unicode::same_but_case(c, d)
            } else {
                c == d || ctype::other_case(c as u8) as u32 == d
            };
            if !same {
                return Ok(None);
            }
            i += length;
            j += other_length;
        }
        Ok(Some(j as u32))
    }

    fn holds(&self, assertion: Assertion, at: usize) -> bool {
        let end = self.subject.len();
        match assertion {
            Assertion::LineStart => at == 0 && !self.options.has(Options::NOTBOL),
            Assertion::MultilineStart => {
                if at == 0 {
                    return !self.options.has(Options::NOTBOL);
                }
                at != end && self.newline.before(self.subject, at, self.utf)
            }
            Assertion::LineEnd => {
                !self.options.has(Options::NOTEOL) && (at == end || self.is_last_newline(at))
            }
            Assertion::EndOnly => !self.options.has(Options::NOTEOL) && at == end,
            Assertion::MultilineEnd => {
                if at == end {
                    return !self.options.has(Options::NOTEOL);
                }
                self.newline.at(self.subject, at, self.utf).is_some()
            }
            Assertion::SubjectStart => at == 0,
            Assertion::SubjectEndOrNewline => at == end || self.is_last_newline(at),
            Assertion::SubjectEnd => at == end,
            Assertion::SearchStart => at as u32 == self.search_start,
            Assertion::WordBoundary => self.is_word_boundary(at),
            Assertion::NotWordBoundary => !self.is_word_boundary(at),
        }
    }

    fn is_last_newline(&self, at: usize) -> bool {
        let newline = self.newline.at(self.subject, at, self.utf);
        newline.is_some_and(|length| at + length == self.subject.len())
    }

    fn is_word_boundary(&self, at: usize) -> bool {
        let is_word = |c: Option<(u32, usize)>| match c {
            None => false,
            Some((c, _)) if self.ucp => Property::Word.holds(c),
            Some((c, _)) => u8::try_from(c).is_ok_and(ctype::is_word),
        };
        let before = is_word(text::decode_before(self.subject, at, self.utf));
        let behind = is_word(text::decode(self.subject, at, self.utf));
        before != behind
    }
}

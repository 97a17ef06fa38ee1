//! Running a match specification on a subject.
//!
//! Terms that are built go to the heap of the calling process. What is taken from the subject, or from constants that the
//! specification keeps itself, is copied where the code says so ([`Op::Copy`]), unless the result is only to be looked at.
//!
//! A failure in a guard ends the clause; one in the body makes the value of that call `'EXIT'`.
//!
//! Invariant: nothing collects while a specification runs, and nobody else gets the processor; so terms of the subject may lie in locals, and garbage on the heap may
//! refer to them.

use super::actions::Actions;
use super::code::{Comparison, Op};
use super::pattern::{Step, Walk, matches};
use super::{Clause, Constants, MatchSpec};
use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::map;
use crate::memory::Arena;
use crate::memory::NoMemory;
use crate::term::Term;
use crate::term::compare::{compare, equal, exact_equal};
use crate::term::copy::copy;
use core::cmp::Ordering;
use smallvec::SmallVec;

/// Values of variables by slot.
pub type Bindings = SmallVec<[Term; 8]>;

/// What a run needs besides the specification; reused from subject to subject.
#[derive(Default)]
pub struct Scratch {
    bindings: Bindings,
    walk: Walk,
    stack: SmallVec<[Term; 16]>,
}

/// What is to become of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The subject lies in foreign memory, and the result goes to the process.
    Foreign,
    /// The subject lies in foreign memory, and the result is only looked at.
    LookedAt,
    /// The subject lies in the process's own memory.
    Own,
}

impl MatchSpec {
    /// The value of the first clause that matches `subject`.
    #[inline]
    pub fn run(
        &self,
        cx: &mut Context,
        scratch: &mut Scratch,
        subject: Term,
        lies: Subject,
        actions: &mut dyn Actions,
    ) -> Result<Option<Term>, Fail> {
        scratch.bindings.resize(self.slots, Term::NIL);
        let copies = match lies {
            Subject::Foreign => true,
            Subject::LookedAt => false,
            Subject::Own => matches!(self.constants, Constants::Own(_)),
        };
        for clause in &self.clauses {
            if matches(
                &clause.head,
                subject,
                &mut scratch.bindings,
                &mut scratch.walk,
            )? && let Some(value) = clause.evaluate(cx, scratch, subject, copies, actions)?
            {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

impl MatchSpec {
    /// Whether the value is the subject itself, for whatever matches the one head there is.
    #[inline]
    pub fn is_filter(&self) -> bool {
        matches!(&self.clauses[..], [clause] if matches!(clause.code[..], [Op::Body, Op::Subject, Op::Copy]))
    }

    /// Whether the head of a specification that [is a filter](MatchSpec::is_filter) matches.
    #[inline]
    pub fn admits(&self, scratch: &mut Scratch, subject: Term) -> Result<bool, NoMemory> {
        let Some(clause) = self.clauses.first() else {
            return Ok(false);
        };
        if matches!(clause.head[..], [Step::Any]) {
            return Ok(true);
        }
        scratch.bindings.resize(self.slots, Term::NIL);
        matches(
            &clause.head,
            subject,
            &mut scratch.bindings,
            &mut scratch.walk,
        )
    }
}

/// What an operation that failed leaves.
fn failed(cx: &mut Context, fail: Fail, in_body: bool) -> Result<Option<Term>, Fail> {
    if fail == Fail::NoMemory {
        return Err(fail);
    }
    // Whatever the function has noted about its failure is nobody's business.
    cx.process().exception.cause = None;
    Ok(in_body.then_some(am::EXIT.term()))
}

impl Clause {
    /// The value of the body; `None` if a guard is not `true`.
    fn evaluate(
        &self,
        cx: &mut Context,
        scratch: &mut Scratch,
        subject: Term,
        copies: bool,
        actions: &mut dyn Actions,
    ) -> Result<Option<Term>, Fail> {
        let bindings = &scratch.bindings;
        let stack = &mut scratch.stack;
        stack.clear();
        let mut in_body = false;
        let mut at = 0;
        while let Some(op) = self.code.get(at) {
            at += 1;
            stack.try_reserve(1).map_err(|_| NoMemory)?;
            match *op {
                Op::Constant(term) => stack.push(term),
                Op::Variable(slot) => stack.push(bindings[slot as usize]),
                Op::Subject => stack.push(subject),
                Op::SelfPid => stack.push(cx.process().pid),
                Op::Body => in_body = true,
                Op::Drop => {
                    stack.pop();
                }
                Op::Guard => {
                    if stack.pop() != Some(am::TRUE.term()) {
                        return Ok(None);
                    }
                }
                Op::Copy => {
                    if let Some(top) = stack.last_mut()
                        && copies
                        && !top.is_immediate()
                    {
                        *top = copy(*top, cx, &(0..0))?;
                    }
                }
                Op::Bindings => {
                    let mut list = Term::NIL;
                    for slot in self.variables.iter().rev() {
                        list = cx.cons(bindings[*slot as usize], list)?;
                    }
                    stack.push(list);
                }
                Op::Tuple(count) => {
                    let from = stack.len() - count as usize;
                    let tuple = cx.tuple(&stack[from..])?;
                    stack.truncate(from);
                    stack.push(tuple);
                }
                Op::Cons => {
                    let (tail, head) = (stack.pop(), stack.pop());
                    let (head, tail) = (head.unwrap_or(Term::NIL), tail.unwrap_or(Term::NIL));
                    stack.push(cx.cons(head, tail)?);
                }
                Op::Map(count) => {
                    let from = stack.len() - 2 * count as usize;
                    let pairs = stack[from..].as_chunks::<2>().0;
                    let pairs = pairs.iter().map(|&[key, value]| (key, value));
                    let (heap, atoms) = cx.heap_and_atoms();
                    let map = map::from_pairs(heap, atoms, pairs)?;
                    stack.truncate(from);
                    stack.push(map);
                }
                Op::ShortCut(on, target) => match stack.last().and_then(|top| top.as_boolean()) {
                    Some(value) if value == on => at = target as usize,
                    Some(_) => {
                        stack.pop();
                    }
                    None if in_body => {
                        stack.pop();
                        stack.push(am::EXIT.term());
                        at = target as usize;
                    }
                    None => return Ok(None),
                },
                Op::Call(function, count) => {
                    let from = stack.len() - count as usize;
                    // The subject may be a table's, which others may change.
                    let value = cx.without_pause(|cx| function(cx, &stack[from..]));
                    stack.truncate(from);
                    match value.map(Some).or_else(|fail| failed(cx, fail, in_body))? {
                        Some(value) => stack.push(value),
                        None => return Ok(None),
                    }
                }
                Op::Act(action, count) => {
                    let from = stack.len() - count as usize;
                    let value = actions.act(cx, action, &stack[from..]);
                    stack.truncate(from);
                    match value.map(Some).or_else(|fail| failed(cx, fail, in_body))? {
                        Some(value) => stack.push(value),
                        None => return Ok(None),
                    }
                }
                Op::Compare(comparison) => {
                    let (b, a) = (stack.pop(), stack.pop());
                    let (a, b) = (a.unwrap_or(Term::NIL), b.unwrap_or(Term::NIL));
                    stack.push(Term::boolean(compares(cx, comparison, a, b)));
                }
                Op::Not => match stack.pop().and_then(Term::as_boolean) {
                    Some(value) => stack.push(Term::boolean(!value)),
                    None if in_body => stack.push(am::EXIT.term()),
                    None => return Ok(None),
                },
                Op::And(count) | Op::Or(count) => {
                    let from = stack.len() - count as usize;
                    let value = all_or_any(&stack[from..], matches!(op, Op::And(_)));
                    stack.truncate(from);
                    match value {
                        Ok(value) => stack.push(value),
                        Err(_) if in_body => stack.push(am::EXIT.term()),
                        Err(_) => return Ok(None),
                    }
                }
                Op::Xor => {
                    let (b, a) = (stack.pop(), stack.pop());
                    match (a.and_then(Term::as_boolean), b.and_then(Term::as_boolean)) {
                        (Some(a), Some(b)) => stack.push(Term::boolean(a != b)),
                        _ if in_body => stack.push(am::EXIT.term()),
                        _ => return Ok(None),
                    }
                }
            }
        }
        Ok(stack.pop())
    }
}

/// Whether all values are true, or any is; fails if one is no boolean.
fn all_or_any(values: &[Term], all: bool) -> Value {
    let mut result = all;
    for value in values {
        let value = value.as_boolean().ok_or(Fail::Badarg)?;
        if value != all {
            result = !all;
        }
    }
    Ok(Term::boolean(result))
}

#[inline]
fn compares(cx: &mut Context, comparison: Comparison, a: Term, b: Term) -> bool {
    let order = |cx: &mut Context| compare(cx.atoms(), a, b);
    match comparison {
        Comparison::Exact => exact_equal(a, b),
        Comparison::NotExact => !exact_equal(a, b),
        Comparison::Equal => equal(a, b),
        Comparison::NotEqual => !equal(a, b),
        Comparison::Less => order(cx) == Ordering::Less,
        Comparison::Greater => order(cx) == Ordering::Greater,
        Comparison::LessOrEqual => order(cx) != Ordering::Greater,
        Comparison::GreaterOrEqual => order(cx) != Ordering::Less,
    }
}

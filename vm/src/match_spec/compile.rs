//! From a term to a [`MatchSpec`].

use super::code::Op;
use super::expression::Expressions;
use super::functions::Place;
use super::pattern::{self, Step};
use super::problem::Problem;
use super::{Clause, Constants, Dialect, MatchSpec};
use crate::atom::AtomTable;
use crate::code::Code;
use crate::memory::NoMemory;
use crate::memory::heap::Parcel;
use crate::term::Term;
use crate::term::copy::copy;
use alloc::vec::Vec;

/// Why there is no specification.
#[derive(Debug)]
pub enum Failure {
    /// There is no memory for it.
    NoMemory,
    /// What is wrong with the term, in OTP's order.
    Problems(Vec<Problem>),
}

impl From<NoMemory> for Failure {
    fn from(_: NoMemory) -> Failure {
        Failure::NoMemory
    }
}

/// What compiling needs to know.
#[derive(Clone, Copy)]
pub struct Compiler<'a> {
    /// The names of atoms.
    pub atoms: &'a AtomTable,
    /// Where built-in functions are found.
    pub functions: &'a Code,
    /// What the specification is for.
    pub dialect: Dialect,
    /// Whether functions that OTP 26 and 27 added exist.
    pub later: bool,
}

/// The body of a clause.
#[derive(Clone, Copy)]
pub enum Body {
    /// As it is written.
    Terms(Term),
    /// `['$_']`
    Subject,
    /// `['$$']`
    Bindings,
}

impl Compiler<'_> {
    /// Compiles a list of clauses that lives as long as the result is used.
    pub fn borrowed(self, specification: Term) -> Result<MatchSpec, Failure> {
        self.list(specification, Constants::Callers)
    }

    /// Compiles a list of clauses; the result has a copy of what it needs.
    pub fn owned(self, specification: Term) -> Result<MatchSpec, Failure> {
        let mut parcel = Parcel::new();
        let own = copy(specification, &mut parcel, &(0..0))?;
        self.list(own, Constants::Own(parcel))
    }

    /// Compiles one clause without guards, as `ets:match/2` and `match_object/2` have it.
    pub fn single(self, head: Term, body: Body) -> Result<MatchSpec, Failure> {
        self.head_and_body(head, body, Constants::Callers)
    }

    /// As [`Compiler::single`], but the result has a copy of what it needs.
    pub fn single_owned(self, head: Term, body: Body) -> Result<MatchSpec, Failure> {
        let mut parcel = Parcel::new();
        let head = copy(head, &mut parcel, &(0..0))?;
        self.head_and_body(head, body, Constants::Own(parcel))
    }

    fn head_and_body(
        self,
        head: Term,
        body: Body,
        constants: Constants,
    ) -> Result<MatchSpec, Failure> {
        let mut problems = Vec::new();
        let own = matches!(constants, Constants::Own(_));
        let clause = self.clause(head, Term::NIL, body, own, &mut problems)?;
        let mut clauses = Vec::new();
        clauses.try_reserve_exact(1).map_err(|_| NoMemory)?;
        clauses.push(clause);
        finish(clauses, constants, problems)
    }

    fn list(self, specification: Term, constants: Constants) -> Result<MatchSpec, Failure> {
        let own = matches!(constants, Constants::Own(_));
        let mut problems = Vec::new();
        let mut clauses = Vec::new();
        if !specification.is_cons() {
            return Err(failure(problems, Problem::NotAList));
        }
        let mut terms = specification.iter_list();
        let count = terms.by_ref().count();
        if !terms.tail().is_nil() {
            return Err(failure(problems, Problem::NotAProperList));
        }
        clauses.try_reserve_exact(count).map_err(|_| NoMemory)?;
        // As in OTP, the shape of all clauses is looked at before any of them, and the first one with something wrong in it is the last.
        for clause in specification.iter_list() {
            let Some(&[head, _, _]) = clause.as_tuple() else {
                return Err(failure(problems, Problem::NotAClause));
            };
            if self.dialect != Dialect::Table && is_improper(head) {
                return Err(failure(problems, Problem::ImproperHead(head)));
            }
        }
        for clause in specification.iter_list() {
            let Some(&[head, guards, body]) = clause.as_tuple() else {
                continue;
            };
            if self.dialect != Dialect::Table && !self.may_be_call(head) {
                return Err(failure(problems, Problem::InvalidHead));
            }
            clauses.push(self.clause(head, guards, Body::Terms(body), own, &mut problems)?);
            if !problems.is_empty() {
                break;
            }
        }
        finish(clauses, constants, problems)
    }

    fn clause(
        self,
        head: Term,
        guards: Term,
        body: Body,
        own_constants: bool,
        problems: &mut Vec<Problem>,
    ) -> Result<Clause, NoMemory> {
        let mut numbers = Vec::new();
        let steps = self.head(head, &mut numbers, problems)?;
        let mut place = Place {
            dialect: self.dialect,
            in_guard: true,
            later: self.later,
        };
        let mut expressions = Expressions {
            atoms: self.atoms,
            functions: self.functions,
            variables: &numbers,
            own_constants,
            code: Vec::new(),
            problems,
            labels: Vec::new(),
            backwards: false,
        };
        if let Some(guards) = some(guards, &mut expressions)? {
            for guard in guards {
                expressions.value(guard, false, place)?;
                expressions.emit(Op::Guard)?;
            }
        }
        proper(guards, &mut expressions)?;
        place.in_guard = false;
        expressions.emit(Op::Body)?;
        match body {
            Body::Subject => {
                expressions.emit(Op::Subject)?;
                expressions.emit(Op::Copy)?;
            }
            Body::Bindings => {
                expressions.emit(Op::Bindings)?;
                expressions.emit(Op::Copy)?;
            }
            Body::Terms(body) => self.body(body, place, &mut expressions)?,
        }
        let code = expressions.code;
        let mut variables: Vec<u32> = Vec::new();
        variables
            .try_reserve_exact(numbers.len())
            .map_err(|_| NoMemory)?;
        variables.extend(0..numbers.len() as u32);
        variables.sort_unstable_by_key(|slot| numbers[*slot as usize]);
        Ok(Clause {
            head: steps,
            code,
            variables,
            pattern: head,
        })
    }

    /// A head. That of a traced call is a list of patterns; a tuple there stands for the list of its elements.
    fn head(
        self,
        head: Term,
        numbers: &mut Vec<u32>,
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<Step>, NoMemory> {
        if self.dialect == Dialect::Table {
            return pattern::compile(self.atoms, head, numbers, problems);
        }
        if let Some(elements) = head.as_tuple() {
            let mut steps = Vec::new();
            for element in elements {
                let element = pattern::compile(self.atoms, *element, numbers, problems)?;
                steps.try_reserve(element.len() + 1).map_err(|_| NoMemory)?;
                steps.push(Step::Cons);
                steps.extend(element);
            }
            steps.try_reserve(1).map_err(|_| NoMemory)?;
            steps.push(Step::Equal(Term::NIL));
            return Ok(steps);
        }
        pattern::compile(self.atoms, head, numbers, problems)
    }

    /// Whether a head may be that of a traced call: a list of arguments, a tuple of them, or what takes any.
    fn may_be_call(self, head: Term) -> bool {
        head.is_list()
            || head.as_tuple().is_some()
            || pattern::is_underscore(self.atoms, head)
            || pattern::variable_number(self.atoms, head).is_some()
    }

    /// A body: all of its terms are evaluated, the value of the last one is the result.
    fn body(
        self,
        body: Term,
        place: Place,
        expressions: &mut Expressions<'_>,
    ) -> Result<(), NoMemory> {
        let results = self.dialect == Dialect::Table;
        if results && !body.is_cons() {
            return add(expressions, Problem::NoResult);
        }
        let Some(terms) = some(body, expressions)? else {
            return Ok(());
        };
        let mut terms = terms.peekable();
        while let Some(term) = terms.next() {
            let is_result = results && terms.peek().is_none();
            expressions.value(term, is_result, place)?;
            if !is_result {
                expressions.emit(Op::Drop)?;
            }
        }
        proper(body, expressions)?;
        if !results {
            expressions.emit(Op::Constant(Term::boolean(true)))?;
        }
        Ok(())
    }
}

fn add(expressions: &mut Expressions<'_>, problem: Problem) -> Result<(), NoMemory> {
    expressions.problems.try_reserve(1).map_err(|_| NoMemory)?;
    expressions.problems.push(problem);
    Ok(())
}

/// The elements of a list; otherwise `None`, and a problem.
fn some(
    list: Term,
    expressions: &mut Expressions<'_>,
) -> Result<Option<crate::term::ListIter>, NoMemory> {
    if list.is_list() {
        return Ok(Some(list.iter_list()));
    }
    add(expressions, Problem::ExpressionsNotAList)?;
    Ok(None)
}

/// A problem if a list is improper: told behind those of its elements.
fn proper(list: Term, expressions: &mut Expressions<'_>) -> Result<(), NoMemory> {
    match is_improper(list) {
        true => add(expressions, Problem::ExpressionsNotProper),
        false => Ok(()),
    }
}

fn is_improper(list: Term) -> bool {
    let mut elements = list.iter_list();
    elements.by_ref().for_each(drop);
    list.is_cons() && !elements.tail().is_nil()
}

fn failure(mut problems: Vec<Problem>, problem: Problem) -> Failure {
    if problems.try_reserve(1).is_err() {
        return Failure::NoMemory;
    }
    problems.push(problem);
    Failure::Problems(problems)
}

fn finish(
    clauses: Vec<Clause>,
    constants: Constants,
    problems: Vec<Problem>,
) -> Result<MatchSpec, Failure> {
    if !problems.is_empty() {
        return Err(Failure::Problems(problems));
    }
    let slots = clauses.iter().map(|clause| clause.variables.len()).max();
    Ok(MatchSpec {
        slots: slots.unwrap_or(0),
        clauses,
        constants,
    })
}

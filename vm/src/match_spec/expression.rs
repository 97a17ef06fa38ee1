//! Guards and bodies: from terms to code.
//!
//! An expression is a call `{Function, Arguments...}`, a special form, a tuple `{{Elements...}}`, a list or map of expressions, a
//! variable, `'$_'`, `'$$'`, or a constant.
//!
//! A value is either only looked at, or *built*: then it goes out, and nothing of the subject may be left in it that is not
//! copied. Invariant: a value that is to be built and may have a part of the subject or of an own constant in it is followed by
//! [`Op::Copy`].

use super::code::Op;
use super::functions::{Meaning, Place, meaning};
use super::pattern::{is_underscore, push_children, variable_number};
use super::problem::Problem;
use crate::atom::{AtomTable, am};
use crate::code::Code;
use crate::map;
use crate::memory::NoMemory;
use crate::term::Term;
use alloc::vec::Vec;
use smallvec::SmallVec;

/// What is left to do.
enum Work {
    /// Code for the value of a term.
    Value {
        term: Term,
        built: bool,
    },
    Emit(Op),
    /// A jump to a place that is not known yet.
    ShortCut {
        on: bool,
        label: usize,
    },
    Label(usize),
}

/// Compiles the expressions of one clause.
pub struct Expressions<'a> {
    /// The names of atoms.
    pub atoms: &'a AtomTable,
    /// Where built-in functions are found.
    pub functions: &'a Code,
    /// Numbers of the head's variables, by slot.
    pub variables: &'a [u32],
    /// Whether the specification keeps its constants itself.
    pub own_constants: bool,
    /// What has been made so far.
    pub code: Vec<Op>,
    /// What was wrong.
    pub problems: &'a mut Vec<Problem>,
    /// Jumps to each label, to be given their target.
    pub labels: Vec<Vec<usize>>,
    /// Whether arguments are looked at from the last to the first, in which order OTP tells what is wrong with them.
    pub backwards: bool,
}

impl Expressions<'_> {
    /// Appends an instruction.
    pub fn emit(&mut self, op: Op) -> Result<(), NoMemory> {
        self.code.try_reserve(1).map_err(|_| NoMemory)?;
        self.code.push(op);
        Ok(())
    }

    fn problem(&mut self, problem: Problem) -> Result<(), NoMemory> {
        self.problems.try_reserve(1).map_err(|_| NoMemory)?;
        self.problems.push(problem);
        Ok(())
    }

    /// Code that leaves the value of `term` on the stack.
    pub fn value(&mut self, term: Term, built: bool, place: Place) -> Result<(), NoMemory> {
        let before = self.problems.len();
        self.walk(term, built, place)?;
        if self.problems.len() > before {
            // Nothing will run: only the order of the problems matters.
            self.problems.truncate(before);
            self.backwards = true;
            self.walk(term, built, place)?;
            self.backwards = false;
        }
        Ok(())
    }

    fn walk(&mut self, term: Term, built: bool, place: Place) -> Result<(), NoMemory> {
        let mut work: SmallVec<[Work; 16]> = SmallVec::new();
        work.push(Work::Value { term, built });
        while let Some(next) = work.pop() {
            match next {
                Work::Emit(op) => self.emit(op)?,
                Work::ShortCut { on, label } => {
                    let at = self.code.len();
                    self.emit(Op::ShortCut(on, 0))?;
                    self.labels[label].try_reserve(1).map_err(|_| NoMemory)?;
                    self.labels[label].push(at);
                }
                Work::Label(label) => {
                    let here = self.code.len() as u32;
                    for at in &self.labels[label] {
                        if let Op::ShortCut(_, target) = &mut self.code[*at] {
                            *target = here;
                        }
                    }
                }
                Work::Value { term, built } => self.one(term, built, place, &mut work)?,
            }
        }
        Ok(())
    }

    fn constant(&mut self, term: Term, built: bool) -> Result<(), NoMemory> {
        self.emit(Op::Constant(term))?;
        if built && self.own_constants && !term.is_immediate() {
            self.emit(Op::Copy)?;
        }
        Ok(())
    }

    /// What one term needs: instructions, or more work.
    fn one(
        &mut self,
        term: Term,
        built: bool,
        place: Place,
        work: &mut SmallVec<[Work; 16]>,
    ) -> Result<(), NoMemory> {
        if term.is_atom() {
            return self.atom(term, built);
        }
        if term.is_immediate() || is_plain(self.atoms, term)? {
            return self.constant(term, built);
        }
        if let Some(cell) = term.as_cons() {
            return schedule(
                work,
                [
                    value(cell.head, built),
                    value(cell.tail, built),
                    Work::Emit(Op::Cons),
                ],
            );
        }
        if map::is_map(term) {
            let size = map::size(term);
            work.try_reserve(2 * size + 1).map_err(|_| NoMemory)?;
            work.push(Work::Emit(Op::Map(size as u32)));
            for (key, val) in map::iter(term) {
                self.schedule_all(work, &[key, val], built)?;
            }
            return Ok(());
        }
        match term.as_tuple() {
            Some(elements) => self.tuple(term, elements, built, place, work),
            None => self.constant(term, built),
        }
    }

    fn atom(&mut self, atom: Term, built: bool) -> Result<(), NoMemory> {
        if let Some(number) = variable_number(self.atoms, atom) {
            let Some(slot) = self.variables.iter().position(|n| *n == number) else {
                return self.problem(Problem::Unbound(number));
            };
            self.emit(Op::Variable(slot as u32))?;
        } else {
            match self.atoms.name(atom.as_atom().unwrap_or(am::EMPTY)) {
                "$_" => self.emit(Op::Subject)?,
                "$$" => self.emit(Op::Bindings)?,
                _ => return self.emit(Op::Constant(atom)),
            }
        }
        if built {
            self.emit(Op::Copy)?;
        }
        Ok(())
    }

    fn tuple(
        &mut self,
        term: Term,
        elements: &[Term],
        built: bool,
        place: Place,
        work: &mut SmallVec<[Work; 16]>,
    ) -> Result<(), NoMemory> {
        if let [inner] = elements
            && let Some(inner) = inner.as_tuple()
        {
            schedule(work, [Work::Emit(Op::Tuple(inner.len() as u32))])?;
            return self.schedule_all(work, inner, built);
        }
        let Some((&function, arguments)) = elements.split_first() else {
            return self.problem(Problem::NeitherCallNorTuple(term));
        };
        let variable = variable_number(self.atoms, function).is_some();
        let Some(name) = function.as_atom().filter(|_| !variable) else {
            return self.problem(Problem::NeitherCallNorTuple(term));
        };
        let count = arguments.len() as u32;
        match self.atoms.name(name) {
            "const" => match arguments {
                [constant] => self.constant(*constant, built),
                _ => self.problem(Problem::Const(term)),
            },
            "self" => match arguments {
                [] => self.emit(Op::SelfPid),
                _ => self.problem(Problem::WithArguments("self", term)),
            },
            "and" if arguments.is_empty() => self.problem(Problem::WithoutArguments("and", term)),
            "or" if arguments.is_empty() => self.problem(Problem::WithoutArguments("or", term)),
            "and" => self.call(work, arguments, Op::And(count), false),
            "or" => self.call(work, arguments, Op::Or(count), false),
            "andalso" => self.short_cuts("andalso", false, term, arguments, built, work),
            "orelse" => self.short_cuts("orelse", true, term, arguments, built, work),
            name => match meaning(name, arguments.len(), place, function, term) {
                Err(problem) => self.problem(problem),
                Ok(meaning) => {
                    let (op, part) = match meaning {
                        Meaning::Compare(comparison) => (Op::Compare(comparison), false),
                        Meaning::Not => (Op::Not, false),
                        Meaning::Xor => (Op::Xor, false),
                        Meaning::Act(action) => (Op::Act(action, count), false),
                        Meaning::Fresh | Meaning::Part => {
                            let Some(run) = self.built_in(function, arguments.len()) else {
                                return self
                                    .problem(Problem::NoFunction(function, arguments.len()));
                            };
                            (Op::Call(run, count), matches!(meaning, Meaning::Part))
                        }
                    };
                    self.call(work, arguments, op, built && part)
                }
            },
        }
    }

    /// Arguments, then the operation, then perhaps a copy of its value.
    fn call(
        &self,
        work: &mut SmallVec<[Work; 16]>,
        arguments: &[Term],
        op: Op,
        copied: bool,
    ) -> Result<(), NoMemory> {
        if copied {
            schedule(work, [Work::Emit(Op::Copy)])?;
        }
        schedule(work, [Work::Emit(op)])?;
        self.schedule_all(work, arguments, false)
    }

    /// The values of terms, one after the other.
    fn schedule_all(
        &self,
        work: &mut SmallVec<[Work; 16]>,
        terms: &[Term],
        built: bool,
    ) -> Result<(), NoMemory> {
        work.try_reserve(terms.len()).map_err(|_| NoMemory)?;
        let values = terms.iter().map(|term| value(*term, built));
        if self.backwards {
            work.extend(values);
        } else {
            work.extend(values.rev());
        }
        Ok(())
    }

    fn built_in(&self, name: Term, arity: usize) -> Option<crate::bif::Function> {
        let export = self
            .functions
            .find_export(am::ERLANG, name.as_atom()?, arity as u8)?;
        // SAFETY: entries live as long as the machine.
        unsafe { export.as_ref() }.built_in
    }

    /// `andalso` and `orelse` of any number of terms: the value is that of the last one that is looked at.
    fn short_cuts(
        &mut self,
        name: &'static str,
        on: bool,
        term: Term,
        arguments: &[Term],
        built: bool,
        work: &mut SmallVec<[Work; 16]>,
    ) -> Result<(), NoMemory> {
        let Some((last, others)) = arguments.split_last() else {
            return self.problem(Problem::WithoutArguments(name, term));
        };
        let label = self.labels.len();
        self.labels.try_reserve(1).map_err(|_| NoMemory)?;
        self.labels.push(Vec::new());
        work.try_reserve(2 * arguments.len() + 1)
            .map_err(|_| NoMemory)?;
        work.push(Work::Label(label));
        work.push(value(*last, built));
        for other in others.iter().rev() {
            work.push(Work::ShortCut { on, label });
            work.push(value(*other, false));
        }
        Ok(())
    }
}

fn value(term: Term, built: bool) -> Work {
    Work::Value { term, built }
}

/// Puts work on the stack so that it is done in this order.
fn schedule<const N: usize>(
    work: &mut SmallVec<[Work; 16]>,
    items: [Work; N],
) -> Result<(), NoMemory> {
    work.try_reserve(N).map_err(|_| NoMemory)?;
    work.extend(items.into_iter().rev());
    Ok(())
}

/// Terms that are looked at to find out whether something is a constant: a larger one is built part by part.
const LOOKED_AT: usize = 64;

/// Whether `term` is a small one in which nothing has to be evaluated.
fn is_plain(atoms: &AtomTable, term: Term) -> Result<bool, NoMemory> {
    let mut left: SmallVec<[Term; 16]> = SmallVec::new();
    left.push(term);
    for _ in 0..LOOKED_AT {
        let Some(term) = left.pop() else {
            return Ok(true);
        };
        let large = map::is_map(term) && map::size(term) > LOOKED_AT;
        if large || term.is_tuple() || is_special_atom(atoms, term) {
            return Ok(false);
        }
        if !term.is_immediate() {
            push_children(&mut left, term)?;
        }
    }
    Ok(left.is_empty())
}

fn is_special_atom(atoms: &AtomTable, term: Term) -> bool {
    let Some(atom) = term.as_atom() else {
        return false;
    };
    let name = atoms.name(atom);
    name.starts_with('$')
        && !is_underscore(atoms, term)
        && (name == "$_" || name == "$$" || variable_number(atoms, term).is_some())
}

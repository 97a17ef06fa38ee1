//! What is wrong with a match specification, in OTP's words (`erlang:match_spec_test/3` shows them).

use crate::atom::AtomTable;
use crate::memory::NoMemory;
use crate::term::Term;
use crate::term::print;
use alloc::format;
use alloc::string::String;

/// One mistake.
#[derive(Clone, Copy, Debug)]
pub enum Problem {
    /// Not a list of clauses.
    NotAList,
    /// The list of clauses is improper.
    NotAProperList,
    /// A clause is not `{Head, Guards, Body}`.
    NotAClause,
    /// The head of a call's clause is an improper list.
    ImproperHead(Term),
    /// The head of a call is no list, variable or tuple.
    InvalidHead,
    /// Guards or body are no list.
    ExpressionsNotAList,
    /// Guards or body are an improper list.
    ExpressionsNotProper,
    /// There is no body.
    NoResult,
    /// A variable that the head does not bind.
    Unbound(u32),
    /// A variable in a key of a map in the head.
    VariableInKey,
    /// `'_'` in a key of a map in the head.
    UnderscoreInKey,
    /// A tuple that is neither a call nor `{{...}}`.
    NeitherCallNorTuple(Term),
    /// `{const}` or `{const, A, B}`.
    Const(Term),
    /// `{'and'}` and its like.
    WithoutArguments(&'static str, Term),
    /// A form without arguments has some.
    WithArguments(&'static str, Term),
    /// A form has too many or too few arguments.
    WrongNumber(&'static str, Term),
    /// A form of tracing in a table's specification.
    WrongDialect(&'static str),
    /// A form of the body in a guard.
    InGuard(&'static str),
    /// There is no such function.
    NoFunction(Term, usize),
    /// The function is for another dialect or place.
    NotHere(Term, usize),
}

impl Problem {
    /// The text.
    pub fn text(self, atoms: &AtomTable) -> Result<String, NoMemory> {
        let show = |term: Term| -> Result<String, NoMemory> {
            Ok(String::from_utf8_lossy(&print::to_bytes(atoms, term)?).into_owned())
        };
        Ok(match self {
            Problem::NotAList => String::from("Match programs are not in a list."),
            Problem::NotAProperList => String::from("Match programs are not in a proper list."),
            Problem::NotAClause => String::from("Match program part is not a tuple of arity 3."),
            Problem::ImproperHead(head) => {
                format!(
                    "Match expression part {} is not a proper list.",
                    show(head)?
                )
            }
            Problem::InvalidHead => String::from("Match head is invalid in this context."),
            Problem::ExpressionsNotAList => String::from("Match expression is not a list."),
            Problem::ExpressionsNotProper => String::from("Match expression is not a proper list."),
            Problem::NoResult => String::from("Body clause does not return anything."),
            Problem::Unbound(number) => format!("Variable ${number} is unbound."),
            Problem::VariableInKey => String::from("Variable found in map key."),
            Problem::UnderscoreInKey => String::from("Underscore found in map key."),
            Problem::NeitherCallNorTuple(term) => format!(
                "{} is neither a function call, nor a tuple (tuples are written {{{{ ... }}}}).",
                show(term)?
            ),
            Problem::Const(term) => format!(
                "Special form 'const' called with more than one argument in {}.",
                show(term)?
            ),
            Problem::WithoutArguments(name, term) => format!(
                "Special form '{name}' called without arguments in {}.",
                show(term)?
            ),
            Problem::WithArguments(name, term) => format!(
                "Special form '{name}' called with arguments in {}.",
                show(term)?
            ),
            Problem::WrongNumber(name, term) => format!(
                "Special form '{name}' called with wrong number of arguments in {}.",
                show(term)?
            ),
            Problem::WrongDialect(name) => {
                format!("Special form '{name}' used in wrong dialect.")
            }
            Problem::InGuard(name) => format!("Special form '{name}' called in guard context."),
            Problem::NoFunction(name, arity) => {
                format!("Function {}/{arity} does_not_exist.", show(name)?)
            }
            Problem::NotHere(name, arity) => format!(
                "Function {}/{arity} cannot be called in this context.",
                show(name)?
            ),
        })
    }
}

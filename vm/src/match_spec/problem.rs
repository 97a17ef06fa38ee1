//! What is wrong with a match specification, in OTP's words (`erlang:match_spec_test/3` shows them).

use crate::atom::AtomTable;
use crate::memory::NoMemory;
use crate::term::Term;
use crate::term::print;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of a text that OTP keeps.
const LONGEST_TEXT: usize = 99;

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
    /// The text, in bytes: as much of it as OTP has room for.
    pub fn text(self, atoms: &AtomTable) -> Result<Vec<u8>, NoMemory> {
        let (before, term, after) = self.parts();
        let mut text = before.into_bytes();
        if let Some(term) = term {
            let shown = print::to_bytes(atoms, term)?;
            text.try_reserve(shown.len() + after.len())
                .map_err(|_| NoMemory)?;
            text.extend(shown);
            text.extend(after.into_bytes());
        }
        text.truncate(LONGEST_TEXT);
        Ok(text)
    }

    /// What stands before a term in the text, the term, and what stands behind it.
    fn parts(self) -> (String, Option<Term>, String) {
        let plain = |text: &str| (String::from(text), None, String::new());
        let about = |before: &str, term: Term, after: &str| {
            (String::from(before), Some(term), String::from(after))
        };
        match self {
            Problem::NotAList => plain("Match programs are not in a list."),
            Problem::NotAProperList => plain("Match programs are not in a proper list."),
            Problem::NotAClause => plain("Match program part is not a tuple of arity 3."),
            Problem::ImproperHead(head) => {
                about("Match expression part ", head, " is not a proper list.")
            }
            Problem::InvalidHead => plain("Match head is invalid in this context."),
            Problem::ExpressionsNotAList => plain("Match expression is not a list."),
            Problem::ExpressionsNotProper => plain("Match expression is not a proper list."),
            Problem::NoResult => plain("Body clause does not return anything."),
            Problem::Unbound(number) => plain(&format!("Variable ${number} is unbound.")),
            Problem::VariableInKey => plain("Variable found in map key."),
            Problem::UnderscoreInKey => plain("Underscore found in map key."),
            Problem::NeitherCallNorTuple(term) => about(
                "",
                term,
                " is neither a function call, nor a tuple (tuples are written {{ ... }}).",
            ),
            Problem::Const(term) => about(
                "Special form 'const' called with more than one argument in ",
                term,
                ".",
            ),
            Problem::WithoutArguments(name, term) => about(
                &format!("Special form '{name}' called without arguments in "),
                term,
                ".",
            ),
            Problem::WithArguments(name, term) => about(
                &format!("Special form '{name}' called with arguments in "),
                term,
                ".",
            ),
            Problem::WrongNumber(name, term) => about(
                &format!("Special form '{name}' called with wrong number of arguments in "),
                term,
                ".",
            ),
            Problem::WrongDialect(name) => {
                plain(&format!("Special form '{name}' used in wrong dialect."))
            }
            Problem::InGuard(name) => {
                plain(&format!("Special form '{name}' called in guard context."))
            }
            Problem::NoFunction(name, arity) => {
                about("Function ", name, &format!("/{arity} does_not_exist."))
            }
            Problem::NotHere(name, arity) => about(
                "Function ",
                name,
                &format!("/{arity} cannot be called in this context."),
            ),
        }
    }
}

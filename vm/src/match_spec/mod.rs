//! Match specifications: small programs over terms, as ETS and tracing run them.
//!
//! A match specification is a list of `{Head, Guards, Body}`. [`compile`] makes a [`MatchSpec`] of it: for each clause a
//! sequence of steps that match the head ([`pattern`]) and code of a stack machine for guards and body ([`code`], [`expression`]).
//! [`run`] executes it. What only makes sense in tracing (`{message, M}`, `{return_trace}`, ...) goes through the trait
//! [`actions::Actions`], so this folder knows neither tables nor traces.
//!
//! Invariant: terms in a compiled specification are either those of the term that it was compiled from, which lives as long as it is
//! run ([`Constants::Callers`]), or copies in its own memory ([`Constants::Own`]).

pub mod actions;
pub mod code;
pub mod compile;
pub mod expression;
pub mod functions;
pub mod partial;
pub mod pattern;
pub mod problem;
pub mod run;
#[cfg(test)]
mod tests;

use crate::memory::heap::Parcel;
use crate::memory::resource::Resource;
use crate::term::Term;
use alloc::vec::Vec;
use code::Op;
use pattern::Step;

/// What a specification is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Objects of tables, which are tuples; the value of the last term of the body is the result.
    Table,
    /// Arguments of traced calls, which are lists; the body is done for its effects.
    Trace,
    /// `[To, Message]` of a message that is sent; what is about callers is not there.
    Send,
    /// `[Node, From, Message]` of a message that arrives; nothing there that needs a running process.
    Receive,
}

/// Where the constants of a specification lie.
pub enum Constants {
    /// In the caller's memory: results may refer to them.
    Callers,
    /// In the specification's own.
    Own(Parcel),
}

/// One clause.
pub struct Clause {
    /// What the subject must look like.
    pub head: Vec<Step>,
    /// Guards, then body.
    pub code: Vec<Op>,
    /// The slots of its variables, in the order of their numbers.
    pub variables: Vec<u32>,
    /// The head as it was written.
    pub pattern: Term,
}

/// A compiled match specification.
pub struct MatchSpec {
    /// The clauses, tried in this order.
    pub clauses: Vec<Clause>,
    /// Where its constants lie.
    pub constants: Constants,
    /// Most variables of a clause.
    pub slots: usize,
}

impl Resource for MatchSpec {
    fn bytes(&self) -> usize {
        self.clauses
            .iter()
            .map(|clause| clause.head.len() * 24 + clause.code.len() * 24 + 128)
            .sum()
    }
}

//! The code of guards and bodies: instructions of a small stack machine.
//!
//! Invariant: code leaves nothing on the stack but what its last instruction says; jumps go forward.

use super::actions::Action;
use crate::bif::Function;
use crate::term::Term;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=:=`
    Exact,
    /// `=/=`
    NotExact,
    /// `==`
    Equal,
    /// `/=`
    NotEqual,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `=<`
    LessOrEqual,
    /// `>=`
    GreaterOrEqual,
}

/// One instruction.
#[derive(Clone, Copy)]
pub enum Op {
    /// Pushes a constant. Copied first, if the code says so and the specification keeps its own constants.
    Constant(Term),
    /// Pushes the value of a variable as it is.
    Variable(u32),
    /// Pushes the subject as it is.
    Subject,
    /// Pushes the list of the variables' values, `'$$'`.
    Bindings,
    /// Puts a copy in the place of what is on top, if that may be a part of the subject.
    Copy,
    /// A tuple of the last values.
    Tuple(u32),
    /// A cell of the last two values.
    Cons,
    /// A map of as many of the last pairs, key before value.
    Map(u32),
    /// The value of a built-in function of the last values.
    Call(Function, u32),
    /// The comparison of the last two values.
    Compare(Comparison),
    /// `not`
    Not,
    /// Whether all of the last values, booleans, are true.
    And(u32),
    /// Whether one of the last values, booleans, is true.
    Or(u32),
    /// `xor`
    Xor,
    /// If the value on top, a boolean, is this one, goes on there with it; otherwise drops it.
    ShortCut(bool, u32),
    /// The process itself.
    SelfPid,
    /// What tracing does with the last values.
    Act(Action, u32),
    /// Takes a guard's value: the clause fails unless it is `true`.
    Guard,
    /// From here on failures become `'EXIT'`.
    Body,
    /// Drops the value of a term of the body that is not the last one.
    Drop,
}

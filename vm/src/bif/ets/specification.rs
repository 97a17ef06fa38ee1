//! Match specifications by themselves: `match_spec_compile/1`, `match_spec_run_r/3`, `is_compiled_ms/1`,
//! `erlang:match_spec_test/3`.

use super::super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::match_spec::actions::{NoActions, Trial};
use crate::match_spec::compile::{Compiler, Failure};
use crate::match_spec::run::{Scratch, Subject};
use crate::match_spec::{Dialect, MatchSpec};
use crate::memory::Arena;
use crate::memory::resource::{Handle, resource};
use crate::term::Term;
use smallvec::SmallVec;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("ets", "match_spec_compile", 1, match_spec_compile_1),
    bif("ets", "match_spec_run_r", 3, match_spec_run_r_3),
    bif("ets", "is_compiled_ms", 1, is_compiled_ms_1),
    bif("erlang", "match_spec_test", 3, match_spec_test_3),
];

/// The first release whose match specifications know more functions.
const LATER: u32 = 26;

/// A compiler for specifications of that dialect.
pub fn compiler(cx: &mut Context, dialect: Dialect) -> Compiler<'_> {
    let machine = cx.machine();
    Compiler {
        atoms: &machine.atoms,
        functions: &machine.code,
        dialect,
        later: machine
            .release
            .parse()
            .is_ok_and(|release: u32| release >= LATER),
    }
}

/// A faulty specification is `badarg`, without saying why.
pub fn compiled(result: Result<MatchSpec, Failure>) -> Result<MatchSpec, Fail> {
    result.map_err(|failure| match failure {
        Failure::NoMemory => Fail::NoMemory,
        Failure::Problems(_) => Fail::Badarg,
    })
}

fn match_spec_compile_1(cx: &mut Context, args: &[Term]) -> Value {
    let spec = compiled(compiler(cx, Dialect::Table).owned(args[0]))?;
    Ok(cx.new_resource(spec)?.term(cx)?)
}

fn is_compiled_ms_1(_: &mut Context, args: &[Term]) -> Value {
    Ok(Term::boolean(resource::<MatchSpec>(&args[0]).is_some()))
}

/// `match_spec_run_r(List, Compiled, Results)`: the results in front of those that are there, the last one first.
fn match_spec_run_r_3(cx: &mut Context, args: &[Term]) -> Value {
    let handle = Handle::<MatchSpec>::of(args[1]).ok_or(Fail::Badarg)?;
    let spec = handle.borrow().ok_or(Fail::Badarg)?;
    let mut scratch = Scratch::default();
    let mut results = args[2];
    let mut subjects = args[0].iter_list();
    let mut count = 0;
    for subject in subjects.by_ref() {
        count += 1;
        // As in a table, only tuples are objects for heads that are tuples; anything else is matched as it is.
        let value = spec.run(cx, &mut scratch, subject, Subject::Own, &mut NoActions)?;
        if let Some(value) = value {
            results = cx.cons(value, results)?;
        }
    }
    cx.bump_reductions(count);
    if subjects.tail().is_nil() {
        Ok(results)
    } else {
        Err(Fail::Badarg)
    }
}

/// `match_spec_test(Subject, Specification, table | trace)`: `{ok, Result, Flags, []}`, or `{error, [{error, Text}]}`.
fn match_spec_test_3(cx: &mut Context, args: &[Term]) -> Value {
    let dialect = match args[2].as_atom() {
        Some(am::TABLE) => Dialect::Table,
        Some(am::TRACE) => Dialect::Trace,
        _ => return Err(Fail::Badarg),
    };
    let mut subject = args[0];
    if dialect == Dialect::Trace && !is_proper_list(subject) {
        if !subject.is_cons() {
            return Err(Fail::Badarg);
        }
        // The arguments of a call: what the list ends in is nobody's business.
        let arguments: SmallVec<[Term; 8]> = subject.iter_list().collect();
        subject = cx.list(&arguments)?;
    }
    let spec = match compiler(cx, dialect).borrowed(args[1]) {
        Ok(spec) => spec,
        Err(Failure::NoMemory) => return Err(Fail::NoMemory),
        Err(Failure::Problems(problems)) => {
            let mut list = Term::NIL;
            for problem in problems.into_iter().rev() {
                let text = problem.text(cx.atoms())?;
                let text = cx.byte_list(&text, Term::NIL)?;
                let pair = cx.tuple(&[am::ERROR.term(), text])?;
                list = cx.cons(pair, list)?;
            }
            return Ok(cx.tuple(&[am::ERROR.term(), list])?);
        }
    };
    let mut trial = Trial::new();
    let mut scratch = Scratch::default();
    let value = spec.run(cx, &mut scratch, subject, Subject::Own, &mut trial)?;
    let result = match (value, dialect) {
        (None, _) => Term::boolean(false),
        (Some(value), Dialect::Table) => value,
        (Some(_), Dialect::Trace | Dialect::Send | Dialect::Receive) => trial.message,
    };
    let mut flags = Term::NIL;
    if trial.exception_trace {
        flags = cx.cons(am::EXCEPTION_TRACE.term(), flags)?;
    }
    if trial.return_trace {
        flags = cx.cons(am::RETURN_TRACE.term(), flags)?;
    }
    Ok(cx.tuple(&[am::OK.term(), result, flags, Term::NIL])?)
}

fn is_proper_list(term: Term) -> bool {
    let mut elements = term.iter_list();
    elements.by_ref().for_each(drop);
    elements.tail().is_nil()
}

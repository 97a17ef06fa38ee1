//! What programs cannot see, or see late: that matching binds what it should, that nothing recurses, that no result refers to
//! foreign memory.

use super::actions::NoActions;
use super::compile::{Body, Compiler, Failure};
use super::pattern::variable_number;
use super::run::{Scratch, Subject};
use super::{Dialect, MatchSpec};
use crate::atom::{AtomTable, am};
use crate::bif::Context;
use crate::machine::Machine;
use crate::memory::Arena;
use crate::memory::heap::Parcel;
use crate::process::tests::{machine, process};
use crate::term::Term;
use crate::term::compare::exact_equal;
use core::ptr::NonNull;

fn context(machine: &'static mut Machine) -> Context {
    let pid = process(machine);
    let process = machine.processes.table.get(pid).unwrap();
    // SAFETY: the machine is leaked, and nobody else uses it or the process in this test.
    unsafe { Context::new(NonNull::from(machine), process) }
}

fn compiler(cx: &mut Context) -> Compiler<'_> {
    let machine = cx.machine();
    Compiler {
        atoms: &machine.atoms,
        functions: &machine.code,
        dialect: Dialect::Table,
        later: false,
    }
}

fn atom(cx: &mut Context, name: &str) -> Term {
    cx.atoms().insert(name).unwrap().term()
}

fn run(cx: &mut Context, spec: &MatchSpec, subject: Term) -> Option<Term> {
    let mut scratch = Scratch::default();
    spec.run(cx, &mut scratch, subject, Subject::Foreign, &mut NoActions)
        .unwrap()
}

#[test]
fn variables_are_a_dollar_and_a_number() {
    let mut atoms = AtomTable::new();
    for (name, number) in [
        ("$0", Some(0)),
        ("$1", Some(1)),
        ("$100000000", Some(100_000_000)),
        ("$01", None),
        ("$", None),
        ("$$", None),
        ("$_", None),
        ("$1a", None),
        ("$-1", None),
        ("1", None),
        ("$9999999999", None),
    ] {
        let atom = atoms.insert(name).unwrap().term();
        assert_eq!(variable_number(&atoms, atom), number, "{name}");
    }
}

#[test]
fn bindings_come_in_the_order_of_their_numbers() {
    let mut cx = context(machine());
    let (one, nine) = (atom(&mut cx, "$1"), atom(&mut cx, "$9"));
    let head = cx.tuple(&[nine, one, nine]).unwrap();
    let spec = compiler(&mut cx).single(head, Body::Bindings).unwrap();
    let (a, b) = (Term::small(1), Term::small(2));
    let subject = cx.tuple(&[a, b, a]).unwrap();
    let other = cx.tuple(&[a, b, b]).unwrap();
    let bound = run(&mut cx, &spec, subject).unwrap();
    assert_eq!(bound.iter_list().collect::<std::vec::Vec<_>>(), [b, a]);
    assert!(run(&mut cx, &spec, other).is_none());
}

#[test]
fn results_outlive_their_subject() {
    let mut cx = context(machine());
    let one = atom(&mut cx, "$1");
    let head = cx.tuple(&[one]).unwrap();
    let spec = compiler(&mut cx).single_owned(head, Body::Subject).unwrap();
    let mut parcel = Parcel::new();
    let float = parcel.float(1.5).unwrap();
    let subject = parcel.tuple(&[float]).unwrap();
    let value = run(&mut cx, &spec, subject).unwrap();
    drop((parcel, spec));
    let float = cx.float(1.5).unwrap();
    assert!(exact_equal(value.as_tuple().unwrap()[0], float));
}

/// As deep as no native stack is.
const DEEP: usize = 300_000;

#[test]
fn deep_specifications_and_subjects_need_no_stack() {
    let mut cx = context(machine());
    let any = atom(&mut cx, "_");
    let (mut pattern, mut subject) = (any, Term::NIL);
    let mut expression = atom(&mut cx, "$_");
    let not = atom(&mut cx, "not");
    let mut guard = am::TRUE.term();
    for _ in 0..DEEP {
        pattern = cx.tuple(&[pattern]).unwrap();
        subject = cx.tuple(&[subject]).unwrap();
        let inner = cx.tuple(&[expression]).unwrap();
        expression = cx.tuple(&[inner]).unwrap();
        guard = cx.tuple(&[not, guard]).unwrap();
    }
    let guards = cx.list(&[guard]).unwrap();
    let body = cx.list(&[expression]).unwrap();
    let clause = cx.tuple(&[pattern, guards, body]).unwrap();
    let list = cx.list(&[clause]).unwrap();
    let spec = compiler(&mut cx).owned(list).unwrap();
    assert!(run(&mut cx, &spec, subject).is_some());
    assert!(run(&mut cx, &spec, Term::NIL).is_none());
}

#[test]
fn all_mistakes_of_the_first_wrong_clause_are_told() {
    let mut cx = context(machine());
    let (three, four) = (atom(&mut cx, "$3"), atom(&mut cx, "$4"));
    let any = atom(&mut cx, "_");
    let guards = cx.list(&[three]).unwrap();
    let body = cx.list(&[four, three]).unwrap();
    let clause = cx.tuple(&[any, guards, body]).unwrap();
    let list = cx.list(&[clause, clause]).unwrap();
    match compiler(&mut cx).borrowed(list) {
        // Those of the first clause, where OTP stops, too.
        Err(Failure::Problems(problems)) => assert_eq!(problems.len(), 3),
        _ => panic!("it is wrong"),
    }
}

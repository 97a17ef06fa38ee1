//! What Erlang programs cannot see: programs that are no programs, and how much native stack is used. (Syntax and
//! semantics are held against OTP by `tests/erl/re_*.erl`.)

use super::*;
use std::vec::Vec;

fn program(pattern: &str) -> Vec<u8> {
    let compiled = compile(pattern.as_bytes(), CompileOptions::default(), &mut |_| ());
    compiled.expect(pattern).bytes
}

fn run(program: &[u8], subject: &str) -> Option<Vec<(i64, i64)>> {
    let program = Program::view(program).expect("a program");
    let found = find(
        program,
        subject.as_bytes(),
        &RunOptions::default(),
        &mut |_| true,
    )
    .expect("an answer");
    found.is_match.then(|| found.groups.to_vec())
}

#[test]
fn groups_are_found() {
    let dates = program(r"(?<year>\d{4})-(\d\d)-(\d\d)(x)?");
    let found = run(&dates, "on 2026-11-22.");
    assert_eq!(found, Some(std::vec![(3, 13), (3, 7), (8, 10), (11, 13)]));
    let view = Program::view(&dates).unwrap();
    let names: Vec<_> = view.names().collect();
    assert_eq!(names, [(&b"year"[..], 1)]);
}

#[test]
fn a_damaged_program_does_no_harm() {
    let good = program(r"(?:a|(b+)\1|[^x-z]{2,5}?(?=c)|(?>d*)(?1)?)+$");
    let subject = "abbaddcbbbbcxyzzyabbbbbddd";
    assert!(run(&good, subject).is_some() || run(&good, subject).is_none());
    for length in 0..good.len() {
        assert!(Program::view(&good[..length]).is_none());
    }
    let options = RunOptions {
        match_limit: Some(1000),
        ..RunOptions::default()
    };
    for i in 0..good.len() {
        for value in [0, 1, 7, 0x7f, 0xff, good[i] ^ 1, good[i] ^ 0x80] {
            let mut bad = good.clone();
            bad[i] = value;
            if let Some(program) = Program::view(&bad) {
                // Any answer will do; a panic, an endless loop or a gigabyte will not.
                let _ = find(program, subject.as_bytes(), &options, &mut |_| true);
            }
        }
    }
}

#[test]
fn depth_costs_no_stack() {
    let nested = std::format!("{}a{}", "(?:".repeat(790), ")*".repeat(790));
    assert!(run(&program(&nested), "aaa").is_some());
    let long = "ab".repeat(200_000);
    assert!(run(&program("(?:a|b)*c"), &long).is_none());
    let recursive = program(r"\((?:[^()]|(?R))*\)");
    let deep = std::format!("{}{}", "(".repeat(50_000), ")".repeat(50_000));
    assert_eq!(run(&recursive, &deep), Some(std::vec![(0, 100_000)]));
}

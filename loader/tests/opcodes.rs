//! Each generic opcode of OTP: what the converter makes of it, and which programs of `tests/erl` run it.
//!
//! The answer is the page `docs/src/opcodes.md`, which this test compares with what it finds; with `STARLING_WRITE_PAGE=1` it
//! writes the page. The invariant: an opcode that is neither refused nor without work occurs in a program whose output is
//! compared with OTP's, or only compilers since OTP 26 write it, whose code `tests/otp_boot.rs` compares.

// The other test of this folder uses the rest of it.
#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use starling_loader::beam::code::{Instruction, Instructions};
use starling_loader::beam::{Beam, iff};
use starling_loader::opcode::{Generic, LAST_KNOWN};
use starling_loader::{Pace, convert_beam, one_operation};
use support::{BeamBuilder, Style, term};

/// Programs named for an opcode.
const SHOWN: usize = 3;

/// Instructions that leave nothing to do, and why.
const WITHOUT_WORK: &[(Generic, &str)] = &[
    (Generic::IntCodeEnd, "ends the code"),
    (Generic::Label, "a place"),
    (Generic::Line, "a place in the source"),
    (Generic::OnLoad, "marks the function"),
    (Generic::NifStart, "leaves room for native code"),
    (Generic::Fclearerror, "operations find errors themselves"),
    (Generic::Fcheckerror, "operations find errors themselves"),
    (Generic::RecvMark, "a hint"),
    (Generic::RecvSet, "a hint"),
    (Generic::ExecutableLine, "for debuggers and coverage"),
    (Generic::DebugLine, "for debuggers"),
];

/// What OTP 25 does not read, so that no program of `tests/erl` can have it.
const ELSEWHERE: &[(Generic, &str)] = &[
    (Generic::PutTuple, "code of compilers before OTP 23"),
    (Generic::Put, "code of compilers before OTP 23"),
    (Generic::BsStartMatch2, "code of compilers before OTP 22"),
    (Generic::UpdateRecord, "`records`, compiled by OTP 27"),
    (Generic::BsMatch, "`bits_match`, compiled by OTP 27"),
    (Generic::ExecutableLine, "code of OTP 27's compiler"),
    (Generic::DebugLine, "code of OTP 28's compiler"),
];

#[test]
fn the_page_is_true() {
    let Some(programs) = programs() else {
        return eprintln!("no erlc on this machine: nothing compared");
    };
    let page = page(&programs);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/opcodes.md");
    if std::env::var_os("STARLING_WRITE_PAGE").is_some() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = page
        .lines()
        .zip(written.lines())
        .find(|(now, then)| now != then);
    assert!(
        page == written,
        "docs/src/opcodes.md is out of date, first at {differing:?}; write it again: \
         STARLING_WRITE_PAGE=1 cargo test -p starling-loader --test opcodes"
    );
}

/// Compiles the programs of `tests/erl`: for each opcode the names of those that have it.
fn programs() -> Option<BTreeMap<u8, Vec<String>>> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/erl");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("opcodes");
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(&sources)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "erl"))
        .collect();
    names.sort();
    let compiled = Command::new("erlc")
        .current_dir(&sources)
        .args(["-W0", "-o"])
        .arg(&out)
        .args(&names)
        .status();
    assert!(compiled.ok()?.success(), "erlc failed");
    // What is assembled at run time counts as its program's.
    let save = "ok = file:write_file(\"assembled.beam\", older_instructions:assembled()), halt().";
    let saved = Command::new("erl")
        .current_dir(&out)
        .args(["-noshell", "-eval", save])
        .status();
    assert!(saved.ok()?.success(), "erl failed");

    let mut found: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    let files = names
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    for name in files.chain(["assembled".into()]) {
        let file = std::fs::read(out.join(&name).with_extension("beam")).unwrap();
        convert_beam(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let program = match name.as_str() {
            "assembled" => "older_instructions",
            name => name,
        };
        for opcode in opcodes(&file) {
            let programs = found.entry(opcode).or_default();
            if !programs.iter().any(|known| known == program) {
                programs.push(program.into());
            }
        }
    }
    Some(found)
}

fn opcodes(file: &[u8]) -> Vec<u8> {
    let form = iff::decompress(file, &mut Pace::unbroken()).unwrap();
    let beam = Beam::parse(&form, &mut Pace::unbroken()).unwrap();
    let (atoms, literals) = (beam.atoms.texts().len() as u32, beam.literals.len() as u32);
    let mut instructions = Instructions::new(beam.code, atoms, literals).unwrap();
    let mut instruction = Instruction::new();
    let mut opcodes = vec![Generic::IntCodeEnd as u8];
    while instructions.next(&mut instruction).unwrap() {
        opcodes.push(instruction.opcode as u8);
    }
    opcodes.sort_unstable();
    opcodes.dedup();
    opcodes
}

/// Whether the converter refuses the opcode as one of compilers that are too old. It looks at nothing else for that.
fn is_refused(opcode: Generic) -> bool {
    let mut builder = BeamBuilder::new(Style::Otp25, "refused");
    builder.function("f", 0);
    let operands = vec![term(0, 0); opcode.arity() as usize];
    builder.op(opcode as u8, &operands);
    match convert_beam(&builder.build()) {
        Ok(_) => false,
        Err(error) => error
            .to_string()
            .contains("only compilers before OTP 25 wrote it"),
    }
}

fn page(programs: &BTreeMap<u8, Vec<String>>) -> String {
    let mut page = String::from(
        "# Opcodes\n\n\
         <!-- Written by loader/tests/opcodes.rs; do not edit. -->\n\n\
         The generic opcodes of OTP's `.beam` files, what Starling makes of each, and programs of `tests/erl` that run it, each compared with OTP.\n\
         *Of a few* depends on operands and on what stands beside it; *refused* is what only compilers before OTP 25 wrote and no OTP from 25 on reads;\n\
         *no work* leaves nothing to do. `loader/tests/opcodes.rs` asks the converter and writes this page, and fails when it is not true any more, or when no program\n\
         runs an opcode.\n\n\
         | | opcode | becomes | run by |\n|---:|---|---|---|\n",
    );
    let none = Vec::new();
    for number in 1..=LAST_KNOWN {
        let opcode = Generic::from_number(number).unwrap();
        let users = programs.get(&number).unwrap_or(&none);
        let without_work = WITHOUT_WORK.iter().find(|entry| entry.0 == opcode);
        let elsewhere = ELSEWHERE.iter().find(|entry| entry.0 == opcode);
        let becomes = match (without_work, one_operation(opcode)) {
            // Parts of a sequence are refused where they stand alone.
            _ if users.is_empty() && is_refused(opcode) && elsewhere.is_none() => "refused".into(),
            (Some((_, why)), _) => format!("no work: {why}"),
            (None, Some(op)) => format!("`{}`", format!("{op:?}").trim_end_matches('_')),
            (None, None) => "one of a few".into(),
        };
        let refused = becomes == "refused";
        let run = match (elsewhere, users.len()) {
            _ if refused => String::new(),
            (Some((_, where_it_is)), 0) => (*where_it_is).into(),
            (None, 0) => panic!("{number} {}: no program of tests/erl has it", opcode.name()),
            (_, count) => {
                let shown: Vec<_> = users
                    .iter()
                    .take(SHOWN)
                    .map(|name| format!("`{name}`"))
                    .collect();
                // How many would have to be written again with every new program.
                let more = if count > SHOWN { " and others" } else { "" };
                format!("{}{more}", shown.join(" "))
            }
        };
        writeln!(
            page,
            "| {number} | `{}/{}` | {becomes} | {run} |",
            opcode.name(),
            opcode.arity()
        )
        .unwrap();
    }
    page
}

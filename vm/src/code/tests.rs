//! Modules of the OTP that is installed: linked, made current, replaced, purged.
//!
//! `STARLING_OTP_LIB` names OTP's `lib` directory, if it is not `/usr/lib/erlang/lib`. `load_times`, which is ignored unless it is asked for, says how
//! long loading takes:
//!
//! ```sh
//! cargo test --release -p starling-vm -- --ignored --nocapture load_times
//! ```

use super::cache::ConvertedModules;
use super::link;
use super::literals::LiteralArea;
use super::native::BindError;
use super::release;
use super::versions::Role;
use crate::bif::{Context, Value};
use crate::machine::Machine;
use crate::native::{Library, native};
use crate::process::tests::machine;
use crate::term::{Atom, Term};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use starling_loader::{Op, ling};
use std::path::Path;
use std::time::Instant;
use std::{env, eprintln, fs};

/// `.beam` files of the applications whose names begin with one of `applications`.
fn beams(applications: &[&str]) -> Vec<&'static [u8]> {
    let lib = env::var("STARLING_OTP_LIB").unwrap_or("/usr/lib/erlang/lib".into());
    let entries = |path: &Path| {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let wanted = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy();
        applications.iter().any(|wanted| name.starts_with(wanted))
    };
    let mut files = Vec::new();
    for application in entries(Path::new(&lib)).iter().filter(|path| wanted(path)) {
        for file in entries(&application.join("ebin")) {
            if file
                .extension()
                .is_some_and(|extension| extension == "beam")
            {
                files.push(&*fs::read(file).unwrap().leak());
            }
        }
    }
    assert!(
        !files.is_empty(),
        "there is no OTP in {lib}: STARLING_OTP_LIB names another"
    );
    files
}

/// A machine with memory for literals.
fn machine_with_literals() -> &'static mut Machine {
    let machine = machine();
    machine.literal_area = LiteralArea::in_memory(64 << 20);
    machine.literals = machine.literal_area.range();
    machine
}

/// Conversions that were made beforehand, by the address of what they were made from.
struct Known(Vec<(*const u8, &'static [u8])>);

impl ConvertedModules for Known {
    fn find(&mut self, beam: &[u8]) -> Option<Cow<'static, [u8]>> {
        let found = self
            .0
            .iter()
            .find(|(address, _)| *address == beam.as_ptr())?;
        Some(Cow::Borrowed(found.1))
    }
    fn keep(&mut self, _: &[u8], _: &[u8]) {}
}

fn load(machine: &mut Machine, beam: &'static [u8]) -> Atom {
    let version = link::prepare(machine, None, Cow::Borrowed(beam)).unwrap();
    let name = version.name;
    assert!(machine.code.publish(version).is_ok());
    name
}

/// The module `lists`.
fn lists() -> &'static [u8] {
    let is_lists = |beam: &&[u8]| {
        let ling = starling_loader::convert_beam(beam).unwrap();
        ling::Module::tables(&ling).unwrap().name() == "lists"
    };
    beams(&["stdlib-"]).into_iter().find(is_lists).unwrap()
}

#[test]
fn versions_come_and_go() {
    let machine = machine_with_literals();
    let beam = lists();
    let before = machine.literal_area.used();
    let name = load(machine, beam);
    assert_eq!(machine.atoms.name(name), "lists");
    let used = machine.literal_area.used() - before;
    let append = machine.atoms.insert("append").unwrap();
    let entry = machine.code.find_export(name, append, 2).unwrap();
    // SAFETY: entries live as long as the machine.
    let code = || unsafe { entry.as_ref() }.entry.code;
    let first = code();
    assert_eq!(machine.code.location(first).unwrap().function, append);
    load(machine, beam);
    let second = code();
    assert_ne!(first, second);
    // A third one must wait.
    let version = link::prepare(machine, None, Cow::Borrowed(beam)).unwrap();
    let (_, version) = machine.code.publish(version).err().unwrap();
    link::discard(machine, version);
    assert_eq!(machine.literal_area.used() - before, 2 * used);
    assert_eq!(machine.code.prepare_purge(name, false), Ok(true));
    assert!(machine.code.prepare_purge(name, false).is_err());
    assert!(machine.code.abort_purge(append).is_err());
    assert!(machine.code.complete_purge(name).unwrap().is_empty());
    assert!(machine.code.location(first).is_none());
    assert_eq!(code(), second);
    // The literals are there until all have been asked.
    assert!(release::switch(machine));
    assert!(machine.literals.is_empty());
    assert!(!release::switch(machine));
    assert_eq!(machine.literals, machine.literal_area.range());
    assert_eq!(machine.literal_area.used() - before, used);
    assert!(machine.code.delete(name).is_ok());
    assert!(!machine.code.is_loaded(name));
    assert!(machine.code.versions().find(name, Role::Old).is_some());
    // SAFETY: as above.
    assert!(!unsafe { entry.as_ref() }.is_defined());
}

#[test]
#[ignore = "a measurement"]
fn load_times() {
    let beams = beams(&["kernel-", "stdlib-"]);
    let known = beams
        .iter()
        .map(|beam| {
            let ling = starling_loader::convert_beam(beam).unwrap();
            (beam.as_ptr(), &*ling.leak())
        })
        .collect();
    let machine = machine_with_literals();
    let lings: &Vec<(*const u8, &[u8])> = &known;
    let mut best = f64::MAX;
    let ling_bytes: usize = lings.iter().map(|(_, ling)| ling.len()).sum();
    let copies: Vec<&'static [u8]> = lings
        .iter()
        .map(|(_, ling)| &*ling.to_vec().leak())
        .collect();
    machine.converted = alloc::boxed::Box::new(Known(known));
    let mut first = None;
    for _ in 0..20 {
        let start = Instant::now();
        let versions: Vec<_> = beams
            .iter()
            .map(|beam| link::prepare(machine, None, Cow::Borrowed(beam)).unwrap())
            .collect();
        let time = start.elapsed().as_secs_f64();
        first.get_or_insert(time);
        best = best.min(time);
        for version in versions {
            link::discard(machine, version);
        }
    }
    let start = Instant::now();
    for ling in copies {
        link::prepare(machine, None, Cow::Borrowed(ling))
            .map(|version| link::discard(machine, version))
            .unwrap();
    }
    let validated = start.elapsed().as_secs_f64();
    for beam in &beams {
        load(machine, beam);
    }
    let count = beams.len() as f64;
    let each = |seconds: f64| seconds * 1e6 / count;
    eprintln!(
        "{count} modules, {} bytes of .ling each: linked in {:.1} us (the first time {:.1}), validated and linked in {:.1} us; {} bytes of code and \
         {} of literals each",
        ling_bytes / beams.len(),
        each(best),
        each(first.unwrap()),
        each(validated),
        machine.code.memory() / beams.len(),
        machine.literal_area.used() / beams.len(),
    );
}

#[test]
fn a_library_takes_the_place_of_functions() {
    fn answer(_: &mut Context, _: &[Term]) -> Value {
        Ok(Term::small(42))
    }
    static LIBRARY: Library = Library {
        module: "lists",
        functions: &[
            native("append", 2, answer),
            native("no_such_function", 9, answer),
        ],
    };
    let machine = machine_with_literals();
    let name = load(machine, lists());
    let append = machine.atoms.insert("append").unwrap();
    let export = machine.code.find_export(name, append, 2).unwrap();
    // SAFETY: entries live as long as the machine.
    let code = unsafe { export.as_ref() }.entry.code;
    let atoms = LIBRARY
        .functions
        .iter()
        .map(|native| machine.atoms.insert(native.function).unwrap());
    let atoms: Vec<Atom> = atoms.collect();
    assert_eq!(machine.code.bind(code, &LIBRARY, &atoms), Ok(()));
    assert_eq!(machine.code.module(name).unwrap().nifs(), [(append, 2)]);
    // SAFETY: the first instruction of the function, which is four bytes long.
    let [opcode, number] = unsafe { code.cast::<[u16; 2]>().read() };
    assert_eq!(opcode, Op::native_call.opcode(0));
    // SAFETY: the number is that of an instruction.
    let entry = unsafe { &*machine.code.native(number as usize) };
    assert_eq!((entry.mfa().module, entry.mfa().function), (name, append));
    assert!(entry.built_in.is_some());
    // The module's own entry is what it was, and what the library has and the module has not is nowhere.
    // SAFETY: as above.
    assert!(unsafe { export.as_ref() }.built_in.is_none());
    assert_eq!(
        machine.code.bind(code, &LIBRARY, &atoms),
        Err(BindError::Reload)
    );
}

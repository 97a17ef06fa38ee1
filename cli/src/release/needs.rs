//! What a release asks of the machine that the machine may not have.
//!
//! Every module is looked at: what it imports, and which of its functions are stubs that a native library replaces. Nothing is run, so what is
//! found is what *can* happen; but a module whose library cannot be loaded, and that is loaded at boot, ends the boot, and that is certain. Called when an image is
//! baked.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use starling_loader::Pace;
use starling_loader::beam::Beam;
use starling_loader::beam::code::{Arg, Instruction, Instructions};
use starling_loader::beam::iff;
use starling_loader::opcode::Generic;
use starling_vm::bif;
use starling_vm::native;

/// Applications that no release chooses; what they lack is a matter of the machine's own documentation.
const SYSTEM: [&str; 3] = ["kernel", "stdlib", "preloaded"];

/// Modules of OTP that do without their native libraries: this one needs it on macOS alone.
const OPTIONAL: [&str; 1] = ["pubkey_os_cacerts"];

/// A function by name and arity.
type Function = (String, u32);

/// What one module says of itself.
#[derive(Debug, Default)]
struct Facts {
    imports: Vec<(String, String, u32)>,
    exports: BTreeSet<Function>,
    /// Functions whose body does nothing but complain that the native one is missing.
    stubs: BTreeSet<Function>,
    /// Whether something runs when it is loaded.
    on_load: bool,
}

/// A module of the release.
#[derive(Debug)]
pub struct Module {
    /// Its application.
    pub application: String,
    /// Its name.
    pub name: String,
    facts: Facts,
}

/// Finds what `file` says; `None` if it is no module that can be read, which the converter tells better.
pub fn look_at(application: &str, name: &str, file: &[u8]) -> Option<Module> {
    let form = iff::decompress(file, &mut Pace::unbroken()).ok()?;
    let beam = Beam::parse(&form, &mut Pace::unbroken()).ok()?;
    Some(Module {
        application: application.to_owned(),
        name: name.to_owned(),
        facts: facts(&beam)?,
    })
}

fn facts(beam: &Beam) -> Option<Facts> {
    let text = |atom| beam.atoms.text(atom).unwrap_or_default().to_owned();
    let mut facts = Facts::default();
    for import in &beam.imports {
        let name = (text(import.module), text(import.function), import.arity);
        facts.imports.push(name);
    }
    for export in &beam.exports {
        facts.exports.insert((text(export.function), export.arity));
    }
    let is_complaint =
        |import: &(String, String, u32)| import.0 == "erlang" && import.1 == "nif_error";
    let mut instructions = Instructions::new(
        beam.code,
        beam.atoms.texts().len() as u32,
        beam.literals.len() as u32,
    )
    .ok()?;
    let mut instruction = Instruction::new();
    let mut current: Option<Function> = None;
    while instructions.next(&mut instruction).ok()? {
        match instruction.opcode {
            Generic::FuncInfo => {
                if let [_, Arg::Atom(function), Arg::Number(arity)] = instruction.args[..] {
                    current = Some((text(function), arity as u32));
                }
            }
            Generic::OnLoad => facts.on_load = true,
            Generic::CallExt | Generic::CallExtOnly | Generic::CallExtLast => {
                if let Some(Arg::Number(index)) = instruction.args.get(1)
                    && facts.imports.get(*index as usize).is_some_and(is_complaint)
                {
                    facts.stubs.extend(current.clone());
                }
            }
            _ => {}
        }
    }
    Some(facts)
}

/// A native library that the machine lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// The application.
    pub application: String,
    /// The module that loads it.
    pub module: String,
    /// Whether the module is loaded at boot and cannot do without: then the release cannot work.
    pub fatal: bool,
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Native libraries that the machine lacks.
    pub libraries: Vec<Library>,
    /// Modules that load drivers (`erl_ddll`), by application.
    pub drivers: BTreeMap<String, BTreeSet<String>>,
    /// Modules that start programs, by application.
    pub programs: BTreeMap<String, BTreeSet<String>>,
    /// Functions of OTP's runtime system that the machine lacks, and the modules that call them.
    pub functions: BTreeMap<String, BTreeSet<String>>,
}

/// What `modules` need. `at_boot` are those that the boot script loads, preloaded ones besides.
pub fn needs(modules: &[Module], at_boot: &BTreeSet<String>) -> Needs {
    let by_name: BTreeMap<&str, &Module> = modules
        .iter()
        .map(|module| (module.name.as_str(), module))
        .collect();
    let of_runtime: BTreeSet<&str> = bif::TABLES
        .iter()
        .flat_map(|table| table.iter().map(|bif| bif.module))
        .chain(
            modules
                .iter()
                .filter(|module| module.application == "preloaded")
                .map(|module| module.name.as_str()),
        )
        .collect();
    let there: HashSet<(&str, &str, u32)> = built_in(modules);
    let mut needs = Needs::default();
    for module in modules {
        let imports = |wanted: &str, names: &[&str]| {
            let mut imports = module.facts.imports.iter();
            imports.any(|(of, name, _)| of == wanted && names.contains(&name.as_str()))
        };
        let title = || format!("{}:{}", module.application, module.name);
        if imports("erlang", &["load_nif"])
            && native::library(&module.name).is_none()
            && !OPTIONAL.contains(&module.name.as_str())
        {
            let must = module.facts.on_load && !module.facts.stubs.is_empty();
            needs.libraries.push(Library {
                application: module.application.clone(),
                module: module.name.clone(),
                fatal: must && at_boot.contains(&module.name),
            });
        }
        if !SYSTEM.contains(&module.application.as_str()) {
            let own = |into: &mut BTreeMap<String, BTreeSet<String>>| {
                let modules = into.entry(module.application.clone()).or_default();
                modules.insert(module.name.clone());
            };
            if imports("erl_ddll", &["load", "load_driver", "try_load"]) {
                own(&mut needs.drivers);
            }
            if imports("erlang", &["open_port"]) || imports("os", &["cmd"]) {
                own(&mut needs.programs);
            }
        }
        if SYSTEM.contains(&module.application.as_str()) {
            continue;
        }
        for (of, name, arity) in &module.facts.imports {
            let built_in = || there.contains(&(of.as_str(), name.as_str(), *arity));
            if of_runtime.contains(of.as_str())
                && !built_in()
                && !is_written(&by_name, of, name, *arity)
            {
                let callers = needs.functions.entry(format!("{of}:{name}/{arity}"));
                callers.or_default().insert(title());
            }
        }
    }
    needs
}

/// Functions that are built in, or native in one of `modules`.
fn built_in(modules: &[Module]) -> HashSet<(&'static str, &'static str, u32)> {
    let tables = bif::TABLES.iter().flat_map(|table| table.iter());
    let tables = tables.filter(|bif| !bif.bare);
    let tables = tables.map(|bif| (bif.module, bif.function, bif.arity.into()));
    let libraries = modules
        .iter()
        .filter_map(|module| native::library(&module.name));
    let natives = libraries.flat_map(|library| {
        let functions = library.functions.iter();
        functions.map(|one| (library.module, one.function, u32::from(one.arity)))
    });
    tables.chain(natives).collect()
}

/// Whether a function of OTP's runtime system is written in Erlang.
fn is_written(modules: &BTreeMap<&str, &Module>, of: &str, name: &str, arity: u32) -> bool {
    let function = (name.to_owned(), arity);
    match modules.get(of) {
        Some(module) => {
            module.facts.exports.contains(&function) && !module.facts.stubs.contains(&function)
        }
        // A module that the release leaves out; calls of it are the program's own business.
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(title: &str, imports: &[&str], stubs: &[&str], exports: &[&str]) -> Module {
        let (application, name) = title.split_once(':').unwrap();
        let function = |text: &&str| {
            let (name, arity) = text.split_once('/').unwrap();
            (name.to_owned(), arity.parse().unwrap())
        };
        let imports = imports.iter().map(|text| {
            let (of, rest) = text.split_once(':').unwrap();
            let (name, arity) = function(&rest);
            (of.to_owned(), name, arity)
        });
        Module {
            application: application.to_owned(),
            name: name.to_owned(),
            facts: Facts {
                imports: imports.collect(),
                exports: exports.iter().map(function).collect(),
                stubs: stubs.iter().map(function).collect(),
                on_load: !stubs.is_empty(),
            },
        }
    }

    #[test]
    fn what_the_machine_lacks_is_found() {
        let modules = [
            module(
                "preloaded:erlang",
                &[],
                &["new/0", "self/0"],
                &["new/0", "self/0", "written/1"],
            ),
            module(
                "kernel:os",
                &["erlang:open_port/2", "erlang:absent/0"],
                &[],
                &["cmd/1"],
            ),
            module(
                "jiffy:jiffy",
                &["erlang:load_nif/2"],
                &["nif/1"],
                &["nif/1"],
            ),
            module("late:late", &["erlang:load_nif/2"], &["nif/1"], &["nif/1"]),
            module("soft:soft", &["erlang:load_nif/2"], &[], &[]),
            module(
                "crypto:crypto",
                &["erlang:load_nif/2"],
                &["hash_nif/2"],
                &[],
            ),
            module(
                "yaws:yaws_setuid",
                &["erl_ddll:load_driver/2", "os:cmd/1"],
                &[],
                &[],
            ),
            module(
                "a:a",
                &[
                    "erlang:new/0",
                    "erlang:self/0",
                    "erlang:written/1",
                    "lists:reverse/2",
                    "b:no/0",
                ],
                &[],
                &[],
            ),
        ];
        let at_boot = ["jiffy", "soft", "crypto", "a"].map(str::to_owned).into();
        let needs = needs(&modules, &at_boot);
        let libraries: Vec<_> = needs
            .libraries
            .iter()
            .map(|library| (library.module.as_str(), library.fatal))
            .collect();
        assert_eq!(
            libraries,
            [("jiffy", true), ("late", false), ("soft", false)]
        );
        let only = |map: &BTreeMap<String, BTreeSet<String>>| format!("{map:?}");
        assert_eq!(only(&needs.programs), r#"{"yaws": {"yaws_setuid"}}"#);
        assert_eq!(only(&needs.drivers), r#"{"yaws": {"yaws_setuid"}}"#);
        assert_eq!(only(&needs.functions), r#"{"erlang:new/0": {"a:a"}}"#);
    }
}

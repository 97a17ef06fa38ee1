//! Loading modules in two steps, `-on_load` functions, and deleting.
//!
//! OTP prepares code (many modules at a time, beside one another) and finishes all of it at once. Prepared code is a
//! [resource](crate::memory::resource): code that nobody finishes is discarded with the last reference to it.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::view::view;
use crate::code::link::{self, Host, LinkError};
use crate::code::versions::{LoadedModule, Role};
use crate::machine::Machine;
use crate::memory::Arena;
use crate::memory::resource::{Resource, resource};
use crate::process::Trap;
use crate::report::{self, Event, Level};
use crate::term::{Atom, Term};
use crate::tracing::pattern;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erts_internal", "prepare_loading", 2, prepare_loading_2),
    bif(
        "erlang",
        "has_prepared_code_on_load",
        1,
        has_prepared_code_on_load_1,
    ),
    bif("erlang", "finish_loading", 1, finish_loading_1),
    bif(
        "erlang",
        "call_on_load_function",
        1,
        call_on_load_function_1,
    ),
    bif("erlang", "finish_after_on_load", 2, finish_after_on_load_2),
    bif("erlang", "delete_module", 1, delete_module_1),
];

/// Code that is linked but not part of the machine; `None` once it is.
struct PreparedCode(Option<Box<LoadedModule>>);

impl Resource for PreparedCode {
    const CLOSES: bool = true;

    fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |version| version.memory())
    }

    fn close(&mut self, machine: &mut Machine) {
        if let Some(version) = self.0.take() {
            link::discard(machine, version);
        }
    }
}

/// Bytes of a `.beam` for whose conversion a reduction is counted.
const BYTES_PER_REDUCTION: usize = 4;

/// Others run while a process loads a module.
impl Host for Context {
    fn machine(&mut self) -> &mut Machine {
        Context::machine(self)
    }

    fn worked(&mut self, work: usize) -> bool {
        self.consume(work / BYTES_PER_REDUCTION).is_ok()
    }
}

/// `prepare_loading(Module, Code)`: a reference, or `{error, badfile}` and a line on the error stream that says why.
fn prepare_loading_2(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let bits = view(&args[1]).ok_or(Fail::Badarg)?;
    let bytes = bits.to_bytes()?.ok_or(Fail::Badarg)?;
    match link::prepare_bytes(cx, Some(name), &bytes) {
        Ok(version) => {
            let prepared = cx.new_resource(PreparedCode(Some(version)))?;
            Ok(prepared.term(cx)?)
        }
        // It was told to end in a pause, which is known.
        Err(LinkError::Stopped) => Err(Fail::Suspend),
        Err(LinkError::NoMemory) => Err(Fail::NoMemory),
        Err(LinkError::Atoms) => Err(Fail::SystemLimit),
        Err(error) => {
            // It becomes part of a format.
            let reason = format!("{error}").replace('~', "-");
            let text = format!("Error loading module ~p:~n  {reason}~n");
            say(cx, &text, name);
            Ok(cx.tuple(&[am::ERROR.term(), am::BADFILE.term()])?)
        }
    }
}

fn has_prepared_code_on_load_1(_: &mut Context, args: &[Term]) -> Value {
    let prepared = resource::<PreparedCode>(&args[0]).ok_or(Fail::Badarg)?;
    let version = prepared.0.as_ref().ok_or(Fail::Badarg)?;
    Ok(Term::boolean(version.on_load().is_some()))
}

/// `finish_loading([Prepared])`: makes all of it current, or nothing: `{duplicated, Modules}`, `{not_purged, Modules}`. One that has an
/// `-on_load` function must be alone, and is not current yet: `{on_load, [Module]}`.
fn finish_loading_1(cx: &mut Context, args: &[Term]) -> Value {
    let mut elements = args[0].iter_list();
    let mut names = Vec::new();
    let mut on_load = false;
    for element in &mut elements {
        let prepared = resource::<PreparedCode>(&element).ok_or(Fail::Badarg)?;
        let version = prepared.0.as_ref().ok_or(Fail::Badarg)?;
        on_load |= version.on_load().is_some();
        names.try_reserve(1).map_err(|_| Fail::NoMemory)?;
        names.push(version.name);
    }
    if !elements.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    if on_load && names.len() > 1 {
        return Err(Fail::SystemLimit);
    }
    let is_repeated = |index: usize| names[..index].contains(&names[index]);
    let repeated: Vec<Atom> = (0..names.len())
        .filter(|&index| is_repeated(index))
        .map(|index| names[index])
        .collect();
    if !repeated.is_empty() {
        return failed(cx, am::DUPLICATED, &repeated);
    }
    let versions = cx.machine().code.versions();
    let has = |name: Atom, role| versions.find(name, role).is_some();
    let blocked: Vec<Atom> = names
        .iter()
        .copied()
        .filter(|&name| has(name, Role::Old) && has(name, Role::Current))
        .collect();
    if !blocked.is_empty() {
        return failed(cx, am::NOT_PURGED, &blocked);
    }
    for element in args[0].iter_list() {
        let version = resource::<PreparedCode>(&element).and_then(|mut prepared| prepared.0.take());
        let Some(version) = version else { continue };
        if let Err((_, version)) = cx.machine().code.publish(version) {
            // What can be known beforehand was looked at above.
            link::discard(cx.machine(), version);
            return Err(Fail::NoMemory);
        }
    }
    for name in &names {
        pattern::module_loaded(cx.machine(), *name)?;
    }
    if on_load {
        return failed(cx, am::ON_LOAD, &names);
    }
    Ok(am::OK.term())
}

/// `{Tag, Modules}`
fn failed(cx: &mut Context, tag: Atom, modules: &[Atom]) -> Value {
    let mut list = Term::NIL;
    for module in modules {
        list = cx.cons(module.term(), list)?;
    }
    Ok(cx.tuple(&[tag.term(), list])?)
}

/// Tells the logger about a module, on behalf of the calling process.
fn say(cx: &mut Context, format: &str, module: Atom) {
    let process = cx.process();
    let about = Some((process.pid, process.group_leader));
    let event = Event {
        level: Level::Error,
        format,
        arguments: &[module.term()],
        about,
    };
    report::say(cx.machine(), &event);
}

/// Calls the `-on_load` function of a module that waits for it.
fn call_on_load_function_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    let version = cx.machine().code.versions().find(name, Role::OnLoad);
    let entry = version
        .and_then(LoadedModule::on_load)
        .ok_or(Fail::Badarg)?;
    cx.process().trap = Some(Trap {
        export: entry,
        arity: 0,
    });
    Err(Fail::Trap)
}

/// `finish_after_on_load(Module, Keep)`: the module becomes current, or its code is left to be purged.
fn finish_after_on_load_2(cx: &mut Context, args: &[Term]) -> Value {
    let keep = args[1].as_boolean().ok_or(Fail::Badarg)?;
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    match cx.machine().code.finish_on_load(name, keep) {
        Ok(true) => {
            pattern::module_loaded(cx.machine(), name)?;
            Ok(Term::boolean(true))
        }
        Ok(false) | Err(_) => Err(Fail::Badarg),
    }
}

/// `delete_module(Module)`: what was the current version is the old one now. `undefined` if there never was one.
fn delete_module_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = args[0].as_atom().ok_or(Fail::Badarg)?;
    match cx.machine().code.delete(name) {
        Ok(true) => Ok(Term::boolean(true)),
        Ok(false) => Ok(am::UNDEFINED.term()),
        Err(_) => {
            say(cx, "Module ~p must be purged before deleting~n", name);
            Err(Fail::Badarg)
        }
    }
}

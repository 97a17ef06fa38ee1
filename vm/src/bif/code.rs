//! What can be asked about modules and their functions.

use super::apply::mfa;
use super::{Bif, Context, Fail, Value, bif, snifs};
use crate::atom::am;
use crate::code::Code;
use crate::code::export::Export;
use crate::memory::Arena;
use crate::term::{Atom, Term, etf};
use alloc::vec::Vec;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "function_exported", 3, function_exported_3),
    bif("erlang", "is_builtin", 3, is_builtin_3),
    bif("erlang", "module_loaded", 1, module_loaded_1),
    bif("erlang", "loaded", 0, loaded_0),
    bif("erlang", "pre_loaded", 0, pre_loaded_0),
    bif("erlang", "get_module_info", 1, get_module_info_1),
    bif("erlang", "get_module_info", 2, get_module_info_2),
];

/// The items of `Module:module_info()`, in OTP's order.
const MODULE_ITEMS: [Atom; 5] = [
    am::MODULE,
    am::EXPORTS,
    am::ATTRIBUTES,
    am::COMPILE,
    am::MD5,
];

fn get_module_info_1(cx: &mut Context, args: &[Term]) -> Value {
    let mut list = Term::NIL;
    for item in MODULE_ITEMS.iter().rev() {
        let value = module_item(cx, args[0], *item)?;
        let pair = cx.tuple(&[item.term(), value])?;
        list = cx.cons(pair, list)?;
    }
    Ok(list)
}

fn get_module_info_2(cx: &mut Context, args: &[Term]) -> Value {
    let item = args[1].as_atom().ok_or(Fail::Badarg)?;
    module_item(cx, args[0], item)
}

fn module_item(cx: &mut Context, name: Term, item: Atom) -> Value {
    let name = name.as_atom().ok_or(Fail::Badarg)?;
    let file = *cx.machine().code.module(name).ok_or(Fail::Badarg)?.file();
    match item {
        am::MODULE => Ok(name.term()),
        am::NATIVE => Ok(Term::boolean(false)),
        am::NATIVE_ADDRESSES => Ok(Term::NIL),
        am::NIFS => {
            let module = cx.machine().code.module(name);
            let nifs: Vec<(Atom, u8)> = module.map_or(Vec::new(), |module| module.nifs().to_vec());
            let mut list = Term::NIL;
            for (function, arity) in nifs.iter().rev() {
                let pair = cx.tuple(&[function.term(), Term::small(*arity as i64)])?;
                list = cx.cons(pair, list)?;
            }
            Ok(list)
        }
        am::EXPORTS => {
            let exports = file.exports();
            function_list(cx, name, exports.len(), |i| {
                exports.get(i).map(|export| (export.function, export.arity))
            })
        }
        am::FUNCTIONS => {
            let functions = file.functions();
            function_list(cx, name, functions.len(), |i| {
                functions
                    .get(i)
                    .map(|function| (function.function, function.arity))
            })
        }
        am::ATTRIBUTES => external_term(cx, file.attributes()),
        am::COMPILE => external_term(cx, file.compile_info()),
        am::MD5 => Ok(crate::bits::make::make_binary(cx, &file.md5())?),
        _ => Err(Fail::Badarg),
    }
}

/// `[{Function, Arity}]` of a table of the module's file.
fn function_list(
    cx: &mut Context,
    module: Atom,
    len: usize,
    entry: impl Fn(usize) -> Option<(u32, u32)>,
) -> Value {
    let mut list = Term::NIL;
    for (function, arity) in (0..len).rev().filter_map(entry) {
        let atom = cx
            .machine()
            .code
            .module(module)
            .and_then(|module| module.atom(function));
        let Some(atom) = atom else { continue };
        let pair = cx.tuple(&[atom.term(), Term::small(arity as i64)])?;
        list = cx.cons(pair, list)?;
    }
    Ok(list)
}

/// A term of the file; `[]` if the file has none there.
fn external_term(cx: &mut Context, bytes: &'static [u8]) -> Value {
    if bytes.is_empty() {
        return Ok(Term::NIL);
    }
    let (machine, heap) = cx.machine_and_heap();
    let options = etf::Options::default();
    etf::decode(bytes, &mut machine.atoms, heap, &mut machine.code, &options)
        .map(|(term, _)| term)
        .map_err(|_| Fail::Badarg)
}

/// Whether the arity is a small integer that no function has.
fn names_none(args: &[Term]) -> bool {
    let arity = args[2].as_small();
    args[0].is_atom() && args[1].is_atom() && arity.is_some_and(|arity| !(0..=255).contains(&arity))
}

/// Whether `test` holds for the entry of the function that `args` name; false if there is none, as of an arity that none has.
fn entry_is(cx: &mut Context, args: &[Term], test: impl Fn(&Export) -> bool) -> Value {
    if names_none(args) {
        return Ok(Term::boolean(false));
    }
    let (module, function, arity) = mfa(args)?;
    let export = cx.machine().code.find_export(module, function, arity);
    // SAFETY: entries live as long as the machine, which has one thread.
    Ok(Term::boolean(
        export.is_some_and(|export| test(unsafe { export.as_ref() })),
    ))
}

fn function_exported_3(cx: &mut Context, args: &[Term]) -> Value {
    entry_is(cx, args, Export::is_defined)
}

fn is_builtin_3(cx: &mut Context, args: &[Term]) -> Value {
    let built_in = entry_is(cx, args, |export| export.built_in.is_some())?;
    if names_none(args) {
        return Ok(built_in);
    }
    let (module, function, arity) = mfa(args)?;
    let machine = cx.machine();
    let (module, function) = (machine.atoms.name(module), machine.atoms.name(function));
    let is_later = snifs::is_later(machine, module, function, arity);
    Ok(Term::boolean(built_in == am::TRUE.term() && !is_later))
}

fn module_loaded_1(cx: &mut Context, args: &[Term]) -> Value {
    let module = args[0].as_atom().ok_or(Fail::Badarg)?;
    Ok(Term::boolean(cx.machine().code.is_loaded(module)))
}

/// A list of the names of modules.
fn name_list(cx: &mut Context, names: impl Fn(&Code) -> Vec<Atom>) -> Value {
    let mut list = Term::NIL;
    for name in names(&cx.machine().code) {
        list = cx.cons(name.term(), list)?;
    }
    Ok(list)
}

fn loaded_0(cx: &mut Context, _args: &[Term]) -> Value {
    name_list(cx, |code| code.versions().names().collect())
}

fn pre_loaded_0(cx: &mut Context, _args: &[Term]) -> Value {
    name_list(cx, |code| {
        let preloaded = code
            .versions()
            .iter()
            .filter(|version| version.is_preloaded());
        preloaded.map(|version| version.name).collect()
    })
}

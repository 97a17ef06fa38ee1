//! `erlang:apply/2,3`: calls whose arguments are a list; and what can be asked about functions and modules.

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::process::Trap;
use crate::term::fun::{Fun, Target, external_fun};
use crate::term::{Atom, Term};
use core::ptr::NonNull;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "apply", 2, apply_2),
    bif("erlang", "apply", 3, apply_3),
    bif("erlang", "make_fun", 3, make_fun_3),
    bif("erlang", "fun_info", 1, fun_info_1),
    bif("erlang", "fun_info", 2, fun_info_2),
    bif("erlang", "fun_to_list", 1, fun_to_list_1),
    bif("erlang", "function_exported", 3, function_exported_3),
    bif("erlang", "is_builtin", 3, is_builtin_3),
    bif("erlang", "module_loaded", 1, module_loaded_1),
    bif("erlang", "loaded", 0, loaded_0),
    bif("erlang", "nif_error", 1, nif_error_1),
    bif("erlang", "nif_error", 2, nif_error_2),
];

/// Most arguments of a call (OTP: `MAX_ARG`).
const MAX_ARGUMENTS: usize = 255;

/// Puts the elements of a proper list into X registers; how many there were.
fn spread(cx: &mut Context, list: Term) -> Option<usize> {
    let mut elements = list.iter_list();
    let mut count = 0;
    for element in elements.by_ref() {
        if count == MAX_ARGUMENTS {
            return None;
        }
        cx.machine().x[count] = element;
        count += 1;
    }
    elements.tail().is_nil().then_some(count)
}

fn apply_3(cx: &mut Context, args: &[Term]) -> Value {
    let (Some(module), Some(function)) = (args[0].as_atom(), args[1].as_atom()) else {
        return Err(Fail::Badarg);
    };
    let arity = spread(cx, args[2]).ok_or(Fail::Badarg)?;
    let export = cx.machine().code.export(module, function, arity as u8);
    cx.process().trap = Some(Trap {
        export: export.cast(),
        arity,
    });
    Err(Fail::Trap)
}

fn apply_2(cx: &mut Context, args: &[Term]) -> Value {
    let arity = spread(cx, args[1]).ok_or(Fail::Badarg)?;
    let Some(fun) = Fun::of(&args[0]) else {
        let reason = cx.tuple(&[am::BADFUN.term(), args[0]])?;
        return Err(cx.raise_from_caller(Class::Error, reason));
    };
    if fun.meta.arity != arity {
        let call = cx.tuple(&[args[0], args[1]])?;
        let reason = cx.tuple(&[am::BADARITY.term(), call])?;
        return Err(cx.raise_from_caller(Class::Error, reason));
    }
    for (i, value) in fun.free().iter().enumerate() {
        cx.machine().x[arity + i] = *value;
    }
    let entry = NonNull::new(fun.entry.cast_mut()).ok_or(Fail::Badarg)?;
    cx.process().trap = Some(Trap {
        export: entry.cast(),
        arity: arity + fun.free().len(),
    });
    Err(Fail::Trap)
}

fn arity_of(term: Term) -> Result<u8, Fail> {
    let arity = term.as_small().ok_or(Fail::Badarg)?;
    u8::try_from(arity).map_err(|_| Fail::Badarg)
}

fn mfa(args: &[Term]) -> Result<(Atom, Atom, u8), Fail> {
    match (args[0].as_atom(), args[1].as_atom()) {
        (Some(module), Some(function)) => Ok((module, function, arity_of(args[2])?)),
        _ => Err(Fail::Badarg),
    }
}

fn make_fun_3(cx: &mut Context, args: &[Term]) -> Value {
    let (module, function, arity) = mfa(args)?;
    let export = cx.machine().code.export(module, function, arity);
    Ok(external_fun(cx, export.as_ptr().cast_const().cast(), arity)?)
}

/// The items of `fun_info/1`, in OTP's order.
const LOCAL_ITEMS: [Atom; 10] = [
    am::PID,
    am::MODULE,
    am::NEW_INDEX,
    am::NEW_UNIQ,
    am::INDEX,
    am::UNIQ,
    am::NAME,
    am::ARITY,
    am::ENV,
    am::TYPE,
];
const EXTERNAL_ITEMS: [Atom; 5] = [am::MODULE, am::NAME, am::ARITY, am::ENV, am::TYPE];

fn fun_info_1(cx: &mut Context, args: &[Term]) -> Value {
    let fun = Fun::of(&args[0]).ok_or(Fail::Badarg)?;
    let items: &[Atom] = if fun.meta.external {
        &EXTERNAL_ITEMS
    } else {
        &LOCAL_ITEMS
    };
    let mut list = Term::NIL;
    for item in items.iter().rev() {
        if let Some(value) = fun_item(cx, &fun, *item)? {
            let pair = cx.tuple(&[item.term(), value])?;
            list = cx.cons(pair, list)?;
        }
    }
    Ok(list)
}

fn fun_info_2(cx: &mut Context, args: &[Term]) -> Value {
    let fun = Fun::of(&args[0]).ok_or(Fail::Badarg)?;
    let item = args[1].as_atom().ok_or(Fail::Badarg)?;
    let value = fun_item(cx, &fun, item)?.ok_or(Fail::Badarg)?;
    Ok(cx.tuple(&[item.term(), value])?)
}

/// One item; `None` if there is no such item.
fn fun_item(cx: &mut Context, fun: &Fun, item: Atom) -> Result<Option<Term>, Fail> {
    let kind = if fun.meta.external { am::EXTERNAL } else { am::LOCAL };
    let undefined = am::UNDEFINED.term();
    let value = match (item, fun.target()) {
        (am::TYPE, _) => kind.term(),
        (am::ARITY, _) => Term::small(fun.meta.arity as i64),
        (am::MODULE, Target::External(mfa)) => mfa.module.term(),
        (am::MODULE, Target::Local(identity)) => identity.module.term(),
        (am::NAME, Target::External(mfa)) => mfa.function.term(),
        (am::NAME, Target::Local(_)) => {
            let entry = fun.entry.cast::<crate::code::fun_entry::FunEntry>();
            // SAFETY: the entry of a local fun is a fun entry, which lives as long as the machine.
            unsafe { (*entry).function.term() }
        }
        (am::ENV, Target::External(_)) => Term::NIL,
        (am::ENV, Target::Local(_)) => cx.list(fun.free())?,
        (am::PID, Target::Local(_)) => fun.creator(),
        (am::INDEX, Target::Local(identity)) => Term::small(identity.old_index as i64),
        (am::NEW_INDEX, Target::Local(identity)) => Term::small(identity.index as i64),
        (am::UNIQ, Target::Local(identity)) => Term::small(identity.old_uniq as i64),
        (am::NEW_UNIQ, Target::Local(identity)) => crate::bits::make::make_binary(cx, &identity.uniq)?,
        (am::PID | am::INDEX | am::NEW_INDEX | am::UNIQ | am::NEW_UNIQ, _) => undefined,
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn fun_to_list_1(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_fun() {
        return Err(Fail::Badarg);
    }
    let text = cx.machine().text(args[0]);
    let mut list = Term::NIL;
    for character in text.chars().rev() {
        list = cx.cons(Term::small(character as i64), list)?;
    }
    Ok(list)
}

fn function_exported_3(cx: &mut Context, args: &[Term]) -> Value {
    let (module, function, arity) = mfa(args)?;
    let export = cx.machine().code.find_export(module, function, arity);
    // SAFETY: entries live as long as the machine, which has one thread.
    Ok(Term::boolean(export.is_some_and(|export| unsafe { export.as_ref() }.is_defined())))
}

fn is_builtin_3(cx: &mut Context, args: &[Term]) -> Value {
    let (module, function, arity) = mfa(args)?;
    let export = cx.machine().code.find_export(module, function, arity);
    // SAFETY: as above.
    Ok(Term::boolean(export.is_some_and(|export| unsafe { export.as_ref() }.built_in.is_some())))
}

fn module_loaded_1(cx: &mut Context, args: &[Term]) -> Value {
    let module = args[0].as_atom().ok_or(Fail::Badarg)?;
    Ok(Term::boolean(cx.machine().code.is_loaded(module)))
}

fn loaded_0(cx: &mut Context, _args: &[Term]) -> Value {
    let mut list = Term::NIL;
    for index in 0..cx.machine().code.modules().len() {
        let name = cx.machine().code.modules()[index].name;
        list = cx.cons(name.term(), list)?;
    }
    Ok(list)
}

/// Bodies of functions that should be built in but are not.
fn nif_error_1(cx: &mut Context, args: &[Term]) -> Value {
    Err(cx.raise(Class::Error, args[0]))
}

fn nif_error_2(cx: &mut Context, args: &[Term]) -> Value {
    Err(cx.raise(Class::Error, args[0]))
}

//! `erlang:apply/2,3`: calls whose arguments are a list; `make_fun/3`.

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::process::Trap;
use crate::term::fun::{Fun, external_fun};
use crate::term::{Atom, Term};
use core::ptr::NonNull;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    // In erlang.erl each is a call of itself, which OTP's loader makes an instruction.
    bif("erlang", "apply", 2, apply_2),
    bif("erlang", "apply", 3, apply_3),
    bif("erlang", "make_fun", 3, make_fun_3),
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

/// Module, function and arity, the first three of `args`.
pub(super) fn mfa(args: &[Term]) -> Result<(Atom, Atom, u8), Fail> {
    match (args[0].as_atom(), args[1].as_atom()) {
        (Some(module), Some(function)) => Ok((module, function, arity_of(args[2])?)),
        _ => Err(Fail::Badarg),
    }
}

fn make_fun_3(cx: &mut Context, args: &[Term]) -> Value {
    let (module, function, arity) = mfa(args)?;
    let export = cx.machine().code.export(module, function, arity);
    Ok(external_fun(
        cx,
        export.as_ptr().cast_const().cast(),
        arity,
    )?)
}

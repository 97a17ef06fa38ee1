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

/// Most arguments that any function has (OTP: `MAX_ARG`).
const MAX_ARGUMENTS: usize = 255;

/// Most arguments that `apply/3` takes: as many as there are X registers, but one (OTP: `MAX_REG - 1`). With more than [`MAX_ARGUMENTS`] there is
/// no such function.
const MAX_APPLIED: usize = 1023;

/// Puts the elements of a proper list into X registers; how many there are. Of another list, or a longer one, none: the registers
/// still have the arguments then, which a failure shows.
pub fn spread(registers: &mut [Term], list: Term) -> Option<usize> {
    let mut elements = list.iter_list();
    let count = elements.by_ref().take(MAX_ARGUMENTS + 1).count();
    if count > MAX_ARGUMENTS || !elements.tail().is_nil() {
        return None;
    }
    for (register, element) in registers.iter_mut().zip(list.iter_list()) {
        *register = element;
    }
    Some(count)
}

fn apply_3(cx: &mut Context, args: &[Term]) -> Value {
    let mut call = [args[0], args[1], args[2]];
    loop {
        let (Some(module), Some(function)) = (call[0].as_atom(), call[1].as_atom()) else {
            return Err(Fail::Badarg);
        };
        let Some(arity) = spread(&mut cx.machine().x, call[2]) else {
            check_arguments(call[2], MAX_APPLIED)?;
            return call_undefined(cx, call);
        };
        // A call of `apply` is what it calls, as in OTP; each time the list is a part of the one before.
        if (module, function, arity) != (am::ERLANG, am::APPLY, 3) {
            return call_export(cx, module, function, arity);
        }
        call.copy_from_slice(&cx.machine().x[..3]);
    }
}

/// Of a list that [`spread`] refuses: whether a call may have as many arguments as it has.
#[cold]
fn check_arguments(list: Term, most: usize) -> Result<(), Fail> {
    let mut elements = list.iter_list();
    let count = elements.by_ref().take(most + 1).count();
    if count > most {
        Err(Fail::SystemLimit)
    } else if elements.tail().is_nil() {
        Ok(())
    } else {
        Err(Fail::Badarg)
    }
}

/// Calls a function that cannot be there, with more arguments than any has: its module, its name and a list of them.
#[cold]
fn call_undefined(cx: &mut Context, call: [Term; 3]) -> Value {
    let rare = cx.process().rare.as_ref();
    let handler = rare.map_or(am::ERROR_HANDLER, |rare| rare.error_handler);
    let export = cx.machine().code.export(handler, am::UNDEFINED_FUNCTION, 3);
    // SAFETY: entries live as long as the machine.
    if !unsafe { export.as_ref() }.is_defined() {
        return Err(cx.raise_from_caller(Class::Error, am::UNDEF.term()));
    }
    cx.machine().x[..3].copy_from_slice(&call);
    cx.process().trap = Some(Trap {
        export: export.cast(),
        arity: 3,
    });
    Err(Fail::Trap)
}

/// Calls a function with its arguments in X registers.
fn call_export(cx: &mut Context, module: Atom, function: Atom, arity: usize) -> Value {
    let export = cx.machine().code.export(module, function, arity as u8);
    // SAFETY: entries live as long as the machine.
    let entry = unsafe { export.as_ref() };
    if let (true, Some(raise)) = (entry.raises_for_caller(), entry.direct) {
        // Called from here, its caller is the one of `apply`.
        let mut arguments = [Term::NIL; 3];
        arguments[..arity].copy_from_slice(&cx.machine().x[..arity]);
        return raise(cx, &arguments[..arity]);
    }
    if entry.raises_for_caller() && entry.direct.is_none() {
        cx.machine().tracing.applies = true;
    }
    cx.process().trap = Some(Trap {
        export: export.cast(),
        arity,
    });
    Err(Fail::Trap)
}

fn apply_2(cx: &mut Context, args: &[Term]) -> Value {
    let arity = match spread(&mut cx.machine().x, args[1]) {
        Some(arity) => arity,
        // The fun itself is the last register's, in OTP.
        None => {
            check_arguments(args[1], MAX_APPLIED - 1)?;
            usize::MAX
        }
    };
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

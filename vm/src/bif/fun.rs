//! What can be asked about funs: `fun_info/1,2`, `fun_info_mfa/1`, `fun_to_list/1`.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::term::fun::{Fun, Target};
use crate::term::{Atom, Term};

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bare("erlang", "fun_info", 1, fun_info_1),
    bif("erlang", "fun_info", 2, fun_info_2),
    bif("erlang", "fun_info_mfa", 1, fun_info_mfa_1),
    bif("erlang", "fun_to_list", 1, fun_to_list_1),
];

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

/// `{Module, Name, Arity}`.
fn fun_info_mfa_1(cx: &mut Context, args: &[Term]) -> Value {
    let fun = Fun::of(&args[0]).ok_or(Fail::Badarg)?;
    let mut values = [Term::NIL; 3];
    for (value, item) in values.iter_mut().zip([am::MODULE, am::NAME, am::ARITY]) {
        *value = fun_item(cx, &fun, item)?.ok_or(Fail::Badarg)?;
    }
    Ok(cx.tuple(&values)?)
}

/// One item; `None` if there is no such item.
fn fun_item(cx: &mut Context, fun: &Fun, item: Atom) -> Result<Option<Term>, Fail> {
    let kind = if fun.meta.external {
        am::EXTERNAL
    } else {
        am::LOCAL
    };
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
            let entry = unsafe { &*entry };
            // Without code, which a purge that has only begun takes away as well, nobody knows.
            let function = entry.function.filter(|_| entry.is_defined());
            function.map_or(Term::NIL, Atom::term)
        }
        (am::ENV, Target::External(_)) => Term::NIL,
        (am::ENV, Target::Local(_)) => cx.list(fun.free())?,
        (am::PID, Target::Local(_)) => fun.creator(),
        (am::INDEX, Target::Local(identity)) => Term::small(identity.old_index as i64),
        (am::NEW_INDEX, Target::Local(identity)) => Term::small(identity.index as i64),
        (am::UNIQ, Target::Local(identity)) => Term::small(identity.old_uniq as i64),
        (am::NEW_UNIQ, Target::Local(identity)) => {
            crate::bits::make::make_binary(cx, &identity.uniq)?
        }
        (am::REFC, Target::Local(_)) => {
            let entry = fun.entry;
            let count = crate::memory::fun_references::count(cx.machine(), entry);
            Term::small(count as i64)
        }
        (am::REFC | am::PID | am::INDEX | am::NEW_INDEX | am::UNIQ | am::NEW_UNIQ, _) => undefined,
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

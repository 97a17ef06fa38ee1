//! Errors as `crypto.erl` expects them of native functions: `error:{Id, Where, Text}`, where the map `Where` says in which
//! line of which file, and which argument is wrong. Erlang code turns that into `{Id, {File, Line}, Text}` and an
//! `error_info`.

use super::map_of;
use crate::atom::am;
use crate::bif::{Class, Context, Fail, Value};
use crate::memory::Arena;
use crate::term::{Atom, Term};
use core::panic::Location;

/// `badarg` about argument `number`, from 0.
#[cold]
#[track_caller]
pub fn badarg(cx: &mut Context, number: i64, text: &str) -> Fail {
    raise(cx, am::BADARG, number, text)
}

/// There is no such algorithm here.
#[cold]
#[track_caller]
pub fn notsup(cx: &mut Context, number: i64, text: &str) -> Fail {
    raise(cx, am::NOTSUP, number, text)
}

/// What is asked cannot be done.
#[cold]
#[track_caller]
pub fn failed(cx: &mut Context, text: &str) -> Fail {
    raise(cx, am::ERROR, -1, text)
}

#[track_caller]
fn raise(cx: &mut Context, id: Atom, number: i64, text: &str) -> Fail {
    let place = Location::caller();
    let file = place.file().rsplit('/').next().unwrap_or_default();
    match reason(cx, id, file, place.line(), number, text) {
        Ok(reason) => cx.raise(Class::Error, reason),
        Err(fail) => fail,
    }
}

fn reason(cx: &mut Context, id: Atom, file: &str, line: u32, number: i64, text: &str) -> Value {
    let file = cx.byte_list(file.as_bytes(), Term::NIL)?;
    let text = cx.byte_list(text.as_bytes(), Term::NIL)?;
    let place = map_of(
        cx,
        &[
            ("c_file_name", file),
            ("c_file_line_num", Term::small(line as i64)),
            ("c_function_arg_num", Term::small(number)),
        ],
    )?;
    Ok(cx.tuple(&[id.term(), place, text])?)
}

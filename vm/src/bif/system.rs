//! The machine itself: `halt`, and what error reports are made of.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::boot::options::Warnings;
use crate::crash_dump;
use crate::term::Term;
use alloc::string::String;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bare("erlang", "halt", 0, halt),
    bare("erlang", "halt", 1, halt),
    bif("erlang", "halt", 2, halt),
    bif("io", "printable_range", 0, printable_range_0),
    bif("error_logger", "warning_map", 0, warning_map_0),
];

/// Ends the machine. A number is its status (its low eight bits, as a shell sees them); a string is the slogan of a
/// crash dump, and the status is 1; `abort` is 134, the status of a program that aborted.
pub(super) fn halt(cx: &mut Context, args: &[Term]) -> Value {
    let flush = match args.get(1) {
        Some(&options) => flushes(options)?,
        None => true,
    };
    let status = match args.first() {
        None => 0,
        Some(&status) => match status.as_small() {
            Some(status @ 0..) => status as u8,
            Some(_) => return Err(Fail::Badarg),
            None if status == am::ABORT.term() => 134,
            None => {
                let slogan = text_of_list(status).ok_or(Fail::Badarg)?;
                crash_dump::die(cx.machine(), &slogan)
            }
        },
    };
    if flush {
        cx.machine().halt(status)
    }
    cx.machine().platform.halt(status)
}

/// Whether the options of `halt/2` want the ports to write what they were given.
fn flushes(options: Term) -> Result<bool, Fail> {
    let mut flush = true;
    let mut rest = options.iter_list();
    for option in &mut rest {
        match option.as_tuple() {
            Some(&[key, value]) if key == am::FLUSH.term() => {
                flush = value.as_boolean().ok_or(Fail::Badarg)?;
            }
            _ => return Err(Fail::Badarg),
        }
    }
    if rest.tail().is_nil() {
        Ok(flush)
    } else {
        Err(Fail::Badarg)
    }
}

/// The text of a list of characters.
fn text_of_list(list: Term) -> Option<String> {
    let mut text = String::new();
    let mut characters = list.iter_list();
    for character in &mut characters {
        let code = u32::try_from(character.as_small()?).ok()?;
        text.try_reserve(4).ok()?;
        text.push(char::from_u32(code)?);
    }
    characters.tail().is_nil().then_some(text)
}

/// Which characters make a list of integers text (`+pc`).
fn printable_range_0(cx: &mut Context, _: &[Term]) -> Value {
    match cx.machine().options.printable_unicode {
        true => cx.atom("unicode"),
        false => Ok(am::LATIN1.term()),
    }
}

/// What becomes of warnings (`+W`).
fn warning_map_0(cx: &mut Context, _: &[Term]) -> Value {
    Ok(match cx.machine().options.warnings {
        Warnings::Error => am::ERROR.term(),
        Warnings::Warning => am::WARNING.term(),
        Warnings::Info => am::INFO.term(),
    })
}

//! Built-in functions of module `ets`, those of `erts_internal` that are about tables, and `erlang:match_spec_test/3`.
//!
//! Each file is a topic; this one opens tables. The tables themselves are in [`crate::ets`], match specifications in
//! [`crate::match_spec`].
//!
//! Invariant: a function has one table open at a time, and looks at its arguments in OTP's order: the table first. While it is paused it has none: another
//! process may end the table, or wait for it in [`open`].

pub(super) mod fixation;
pub(super) mod info;
pub(super) mod insert;
pub(super) mod iterate;
pub(super) mod manage;
pub(super) mod objects;
pub(super) mod select;
pub(super) mod specification;
pub(super) mod update;
mod walk;

use super::{Context, Fail};
use crate::atom::am;
use crate::ets::Opened;
use crate::ets::table::Protection;
use crate::interp::Exit;
use crate::term::Term;

/// What a function does with a table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// It looks at objects.
    Read,
    /// It changes them, or the table.
    Write,
    /// It asks about the table.
    Info,
}

/// The table that `term` names, if the process may do that with it; otherwise `badarg` with OTP's `cause`.
#[inline]
fn open(cx: &mut Context, term: Term, access: Access) -> Result<Opened, Fail> {
    let table = match cx.machine().ets.find(term) {
        Ok(table) => table,
        Err(cause) => return Err(cx.fail_because(cause)),
    };
    let allowed = match access {
        Access::Read => table.options.protection != Protection::Private,
        Access::Write => table.options.protection == Protection::Public,
        Access::Info => true,
    };
    let pid = cx.process().pid;
    if let Some(changer) = table.changer
        && changer != pid
    {
        return open_whole(cx, term, access);
    }
    if allowed || table.owner == pid || cx.machine().ets.is_super_user(pid) {
        return Ok(table);
    }
    Err(cx.fail_because(am::ACCESS))
}

/// As [`open`], when nobody else is changing the table any more.
#[cold]
fn open_whole(cx: &mut Context, term: Term, access: Access) -> Result<Opened, Fail> {
    let pid = cx.process().pid;
    loop {
        let table = cx.machine().ets.find(term).ok();
        match table.and_then(|table| table.changer) {
            Some(changer) if changer != pid => {
                cx.until_outside(changer)?;
                // One that has been told to end finishes before anybody else runs.
                cx.pause(Exit::Yield)?;
            }
            _ => return open(cx, term, access),
        }
    }
}

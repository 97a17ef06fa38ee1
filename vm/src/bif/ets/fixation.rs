//! `safe_fixtable/2`, and super users.

use super::super::{Bif, Context, Fail, Value, bif};
use super::{Access, open};
use crate::atom::am;
use crate::term::Term;
use crate::time::clock;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("ets", "safe_fixtable", 2, safe_fixtable_2),
    bif("erts_internal", "ets_super_user", 1, ets_super_user_1),
];

fn safe_fixtable_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Read)?;
    let fixed = args[1].as_boolean().ok_or(Fail::Badarg)?;
    let pid = cx.process().pid;
    let machine = cx.machine();
    if fixed {
        let now = clock::monotonic(&mut *machine.platform);
        machine.ets.fix(&mut table, pid, now)?;
    } else {
        machine.ets.unfix(&mut table, pid);
    }
    Ok(am::TRUE.term())
}

/// `ets_super_user(true)`: the process may use every table, until it ends or says `false`. For debugging.
fn ets_super_user_1(cx: &mut Context, args: &[Term]) -> Value {
    let set = args[0].as_boolean().ok_or(Fail::Badarg)?;
    let pid = cx.process().pid;
    cx.machine().ets.set_super_user(pid, set)?;
    Ok(am::OK.term())
}

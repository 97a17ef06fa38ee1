//! Links and exit signals: `link/1`, `unlink/1`, `exit/2`.

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::process::exit;
use crate::process::signal::{self, Origin};
use crate::term::Term;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "link", 1, link_1),
    bif("erlang", "unlink", 1, unlink_1),
    bif("erlang", "exit", 2, exit_2),
    bif("erlang", "exit_signal", 2, exit_2),
];

/// Links to a process or port. If it is gone, a caller that traps exits is told so by an exit signal from it, and one that does not
/// gets `error:noproc`.
fn link_1(cx: &mut Context, args: &[Term]) -> Value {
    let other = args[0];
    let pid = cx.process().pid;
    if !other.is_pid() && !other.is_port() {
        return Err(Fail::Badarg);
    }
    if other == pid {
        return Ok(Term::boolean(true));
    }
    let machine = cx.machine();
    if !other.is_local_pid() && !other.is_local_port() {
        signal::exit_signal(machine, other, pid, am::NOCONNECTION.term(), Origin::Link);
    } else if !signal::link(machine, pid, other)? {
        let reason = am::NOPROC.term();
        if !cx.process().trap_exit {
            return Err(cx.raise(Class::Error, reason));
        }
        signal::exit_signal(cx.machine(), other, pid, reason, Origin::Link);
    }
    Ok(Term::boolean(true))
}

fn unlink_1(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_pid() && !args[0].is_port() {
        return Err(Fail::Badarg);
    }
    if args[0].is_local_pid() || args[0].is_local_port() {
        let pid = cx.process().pid;
        signal::unlink(cx.machine(), pid, args[0]);
    }
    Ok(Term::boolean(true))
}

/// Sends an exit signal. One to itself takes effect at once, as in OTP.
fn exit_2(cx: &mut Context, args: &[Term]) -> Value {
    let [to, reason] = [args[0], args[1]];
    if !to.is_pid() && !to.is_port() {
        return Err(Fail::Badarg);
    }
    if to.is_local_pid() || to.is_local_port() {
        let pid = cx.process().pid;
        let machine = cx.machine();
        signal::exit_signal(machine, pid, to, reason, Origin::Explicit);
        // A port that ends may end who is linked to it.
        let ended = (to == pid || to.is_local_port()) && exit::begin_pending(machine, pid);
        if ended {
            return Err(Fail::Suspend);
        }
        exit::carry_out(machine);
    }
    Ok(Term::boolean(true))
}

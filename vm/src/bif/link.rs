//! Links and exit signals: `link/1`, `unlink/1`, `exit/2`.

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::dist;
use crate::observe::sequential;
use crate::process::exit;
use crate::process::signal::{self, Origin};
use crate::term::Term;
use crate::term::external::RemotePid;
use crate::tracing::{event, port_event};

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
    if let Some(remote) = RemotePid::of(other) {
        event::about_remote(cx.machine(), pid, am::LINK, remote);
        let sent = dist::signal::link(cx.machine(), pid, remote)?;
        if sent == dist::signal::Sent::NotConnected {
            let reason = dist::signal::why_not(cx.machine(), remote.node.name).term();
            signal::exit_signal(cx.machine(), other, pid, reason, Origin::Link);
        }
        return sent_to(cx, remote, sent);
    }
    if !other.is_local_pid() && !other.is_local_port() {
        return Err(Fail::Badarg);
    }
    if other == pid {
        return Ok(Term::boolean(true));
    }
    let was_linked = signal::is_linked(cx.machine(), pid, other);
    if cx.process().trace.is_some() {
        event::procs(cx.machine(), pid, am::LINK, other);
    }
    if !signal::link(cx.machine(), pid, other)? {
        let reason = am::NOPROC.term();
        if !cx.process().trap_exit {
            return Err(cx.raise(Class::Error, reason));
        }
        signal::exit_signal(cx.machine(), other, pid, reason, Origin::Link);
        // The machine itself has sent it.
        sequential::untouched(cx.process());
    } else if !was_linked {
        port_event::during(cx.machine(), other, Some(am::LINK), |machine| {
            event::procs(machine, other, am::GETTING_LINKED, pid);
        });
        event::linked(cx.machine(), pid, other);
    }
    Ok(Term::boolean(true))
}

/// `true`, when whoever sent something to another node may go on.
fn sent_to(cx: &mut Context, to: RemotePid, sent: dist::signal::Sent) -> Value {
    if sent == dist::signal::Sent::Busy {
        let pid = cx.process().pid;
        cx.machine().x[0] = Term::boolean(true);
        dist::output::wait(cx.machine(), to.node.name, pid)?;
        return Err(Fail::Suspend);
    }
    Ok(Term::boolean(true))
}

fn unlink_1(cx: &mut Context, args: &[Term]) -> Value {
    let pid = cx.process().pid;
    if let Some(remote) = RemotePid::of(args[0]) {
        event::about_remote(cx.machine(), pid, am::UNLINK, remote);
        dist::signal::unlink(cx.machine(), pid, remote);
    } else if args[0].is_local_pid() || args[0].is_local_port() {
        let was_linked = signal::is_linked(cx.machine(), pid, args[0]);
        if cx.process().trace.is_some() {
            event::procs(cx.machine(), pid, am::UNLINK, args[0]);
        }
        signal::unlink(cx.machine(), pid, args[0]);
        if was_linked {
            port_event::during(cx.machine(), args[0], Some(am::UNLINK), |machine| {
                event::procs(machine, args[0], am::GETTING_UNLINKED, pid);
            });
        }
    } else if !args[0].is_port() {
        return Err(Fail::Badarg);
    }
    Ok(Term::boolean(true))
}

/// Sends an exit signal. One to itself takes effect at once, as in OTP.
fn exit_2(cx: &mut Context, args: &[Term]) -> Value {
    let [to, reason] = [args[0], args[1]];
    let pid = cx.process().pid;
    if let Some(remote) = RemotePid::of(to) {
        let sent = dist::signal::exit(cx.machine(), pid, remote, reason)?;
        return sent_to(cx, remote, sent);
    }
    if !to.is_local_pid() && !to.is_local_port() {
        return Err(Fail::Badarg);
    }
    let machine = cx.machine();
    signal::exit_signal(machine, pid, to, reason, Origin::Explicit);
    // A port that ends may end who is linked to it.
    let ended = (to == pid || to.is_local_port()) && exit::begin_pending(machine, pid);
    if ended {
        return Err(Fail::Suspend);
    }
    exit::carry_out(machine);
    Ok(Term::boolean(true))
}

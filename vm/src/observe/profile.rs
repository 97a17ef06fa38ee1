//! `erlang:system_profile`: who becomes active and inactive is told to one process.
//!
//! A process is active from its first turn after it was made or waited until it waits again or has ended: `{profile, Pid, active | inactive, Place, Timestamp}`.
//! A port is active while its driver runs, the scheduler while there is a process to run.

use super::tell;
use super::timestamp::{Kind, Timestamp};
use super::turn::place_term;
use crate::atom::am;
use crate::machine::Machine;
use crate::process::Mfa;
use crate::term::{Atom, Term};

/// What is told, and to whom.
#[derive(Clone, Debug)]
pub struct SystemProfile {
    /// Who is told.
    pub receiver: Term,
    /// `runnable_procs`
    pub processes: bool,
    /// `runnable_ports`
    pub ports: bool,
    /// `scheduler`
    pub scheduler: bool,
    /// `exclusive`, which has had no meaning for long.
    pub exclusive: bool,
    /// What timestamps are like.
    pub timestamps: Kind,
}

fn event(machine: &mut Machine, object: Term, activity: Atom, place: Option<Mfa>) {
    let Some(profile) = &machine.observer.profile else {
        return;
    };
    let (receiver, kind) = (profile.receiver, profile.timestamps);
    if receiver == object {
        return;
    }
    let now = Timestamp::now(machine, kind);
    tell(machine, receiver, |heap| {
        let place = place_term(heap, place, Term::small(0))?;
        let now = now.term(heap)?;
        heap.tuple(&[am::PROFILE.term(), object, activity.term(), place, now])
    });
}

/// A process gets the processor.
pub(super) fn process_runs(machine: &mut Machine, pid: Term, place: Option<Mfa>) {
    let wanted = machine.observer.profile.as_ref();
    if !wanted.is_some_and(|profile| profile.processes) {
        return;
    }
    let process = machine.processes.alive(pid);
    if process.is_some_and(|process| !core::mem::replace(&mut process.active, true)) {
        event(machine, pid, am::ACTIVE, place);
    }
}

/// A process has nothing to do, or has ended.
pub(super) fn process_waits(machine: &mut Machine, pid: Term, place: Option<Mfa>) {
    let Some(process) = machine.processes.table.get_mut(pid) else {
        return;
    };
    process.active = false;
    let wanted = machine.observer.profile.as_ref();
    if wanted.is_some_and(|profile| profile.processes) {
        event(machine, pid, am::INACTIVE, place);
    }
}

/// The driver of a port is called, or has returned.
#[inline]
pub fn port(machine: &mut Machine, port: Term, activity: Atom) {
    if machine.observer.profile.is_some() {
        port_event(machine, port, activity);
    }
}

#[cold]
fn port_event(machine: &mut Machine, port: Term, activity: Atom) {
    let wanted = machine.observer.profile.as_ref();
    if wanted.is_some_and(|profile| profile.ports) {
        event(machine, port, activity, None);
    }
}

/// There is nothing to run, or there is again: `{profile, scheduler, 1, Activity, ActiveSchedulers, Timestamp}`.
pub fn scheduler(machine: &mut Machine, activity: Atom) {
    let profile = machine.observer.profile.as_ref();
    let Some(profile) = profile.filter(|profile| profile.scheduler) else {
        return;
    };
    let (receiver, kind) = (profile.receiver, profile.timestamps);
    let now = Timestamp::now(machine, kind);
    let active = Term::small((activity == am::ACTIVE) as i64);
    tell(machine, receiver, |heap| {
        let now = now.term(heap)?;
        let tags = [am::PROFILE, am::SCHEDULER, activity].map(Atom::term);
        heap.tuple(&[tags[0], tags[1], Term::small(1), tags[2], active, now])
    });
}

//! Ports of a machine that interprets nothing, on streams that are connected to nothing.

use super::output::Output;
use super::signal::{Sent, WhenBusy, command, end, message};
use super::testing::stream;
use super::*;
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::Arena;
use crate::memory::heap::Parcel;
use crate::platform::Stream;
use crate::process::exit;
use crate::process::tests::{machine, process};
use std::string::String;
use std::vec;

/// A port on two streams, made by `owner` with the options that `options` builds.
fn port(
    machine: &mut Machine,
    owner: Term,
    (input, output): (i64, i64),
    options: impl FnOnce(&mut Parcel) -> Term,
) -> Term {
    let mut parcel = Parcel::new();
    let name = [am::FD.term(), Term::small(input), Term::small(output)];
    let name = parcel.tuple(&name).unwrap();
    let options = options(&mut parcel);
    open::open(machine, owner, name, options).unwrap()
}

fn option(parcel: &mut Parcel, key: Atom, value: Term) -> Term {
    let pair = parcel.tuple(&[key.term(), value]).unwrap();
    parcel.list(&[pair]).unwrap()
}

/// All messages of a process, as text.
fn messages(machine: &mut Machine, pid: Term) -> Vec<String> {
    let mut all = vec![];
    while let Some(message) = machine
        .processes
        .table
        .get_mut(pid)
        .and_then(|process| process.mailbox.remove_current())
    {
        all.push(machine.text(message));
    }
    all
}

fn poll(machine: &mut Machine) {
    machine.platform.io().poll();
    let now = machine.platform.monotonic_ns();
    events::handle(machine, now);
}

fn write(machine: &mut Machine, port: Term, bytes: &[u8]) -> Sent {
    command(
        machine,
        port,
        None,
        Output::from_bytes(bytes.to_vec()),
        WhenBusy::Delay(None),
    )
    .unwrap()
}

fn output(number: usize) -> Vec<u8> {
    stream(number, |stream| core::mem::take(&mut stream.output))
}

fn feed(machine: &mut Machine, number: usize, bytes: &[u8]) {
    stream(number, |stream| stream.input.extend(bytes));
    poll(machine);
}

#[test]
fn what_the_world_does_not_take_is_queued_in_order_and_then_the_port_is_busy() {
    let machine = machine();
    let owner = process(machine);
    let port = port(machine, owner, (4, 5), |_| Term::NIL);
    stream(5, |stream| stream.room = 3);
    assert_eq!(write(machine, port, b"abcde"), Sent::Done);
    assert_eq!(write(machine, port, &[b'f'; 9000]), Sent::Done);
    assert_eq!(output(5), b"abc");
    assert_eq!(machine.ports.open(port).unwrap().queued, 9002);
    assert!(machine.ports.open(port).unwrap().busy);
    // Who comes now waits; so does who sends.
    assert_eq!(write(machine, port, b"later"), Sent::Delayed);
    assert_eq!(
        command(
            machine,
            port,
            None,
            Output::from_bytes(vec![1]),
            WhenBusy::Refuse
        ),
        Ok(Sent::Busy)
    );
    stream(5, |stream| stream.room = usize::MAX);
    poll(machine);
    let mut expected = b"de".to_vec();
    expected.extend_from_slice(&[b'f'; 9000]);
    expected.extend_from_slice(b"later");
    assert_eq!(output(5), expected);
    assert!(!machine.ports.open(port).unwrap().busy);
    assert_eq!(machine.ports.open(port).unwrap().queued, 0);
    assert!(!stream(5, |stream| stream.watched.write));
}

#[test]
fn a_closed_port_is_gone_for_processes_and_writes_what_is_left() {
    let machine = machine();
    let owner = process(machine);
    machine.processes.alive(owner).unwrap().trap_exit = true;
    let port = port(machine, owner, (4, 5), |_| Term::NIL);
    write(machine, port, b"left");
    end(machine, port, am::NORMAL.term());
    assert!(machine.ports.open(port).is_none());
    assert_eq!(machine.ports.len(), 1);
    assert_eq!(messages(machine, owner), ["{'EXIT',#Port<0.0>,normal}"]);
    stream(5, |stream| stream.room = 4);
    poll(machine);
    assert_eq!(output(5), b"left");
    assert!(machine.ports.is_empty() && machine.ports.watches.is_empty());
}

#[test]
fn what_ports_have_for_the_console_goes_before_what_others_write_there() {
    let machine = machine();
    let owner = process(machine);
    let port = port(machine, owner, (0, 1), |_| Term::NIL);
    write(machine, port, b"first");
    assert_eq!(output(1), b"");
    assert_eq!(machine.ports.queued_for_console, 5);
    stream(1, |stream| stream.room = 100);
    machine.console_write(Stream::Output, b"second");
    assert_eq!(output(1), b"first");
    assert_eq!(machine.ports.queued_for_console, 0);
}

#[test]
fn packets_are_handed_on_when_they_are_complete() {
    let machine = machine();
    let owner = process(machine);
    let port = port(machine, owner, (4, 5), |parcel| {
        option(parcel, am::PACKET, Term::small(2))
    });
    for piece in [&b"\0"[..], b"\x03a", b"bc\0\0\0\x01x\0\x09"] {
        feed(machine, 4, piece);
    }
    assert_eq!(
        messages(machine, owner),
        [
            "{#Port<0.0>,{data,\"abc\"}}",
            "{#Port<0.0>,{data,[]}}",
            "{#Port<0.0>,{data,\"x\"}}"
        ]
    );
    stream(5, |stream| stream.room = 100);
    write(machine, port, b"out");
    assert_eq!(output(5), b"\0\x03out");
}

#[test]
fn the_end_of_the_input_ends_the_port_unless_it_is_to_be_told() {
    let machine = machine();
    let owner = process(machine);
    let plain = port(machine, owner, (4, 5), |_| Term::NIL);
    let told = port(machine, owner, (6, 7), |parcel| {
        parcel.list(&[am::EOF.term()]).unwrap()
    });
    for number in [4, 6] {
        stream(number, |stream| stream.ended = true);
    }
    poll(machine);
    assert!(machine.ports.open(plain).is_none());
    assert!(machine.ports.open(told).is_some());
    assert_eq!(messages(machine, owner), ["{#Port<0.1>,eof}"]);
    // It is told once.
    poll(machine);
    assert!(messages(machine, owner).is_empty());
}

#[test]
fn a_port_ends_with_its_owner_and_takes_along_who_is_linked() {
    let machine = machine();
    let (owner, friend) = (process(machine), process(machine));
    let port = port(machine, owner, (4, 5), |_| Term::NIL);
    assert_eq!(
        crate::process::signal::link(machine, friend, port),
        Ok(true)
    );
    exit::begin(machine, owner, am::KILLED.term());
    exit::carry_out(machine);
    assert!(machine.ports.is_empty());
    assert!(machine.processes.alive(friend).is_none());
}

#[test]
fn who_is_not_the_owner_brings_it_a_bad_signal() {
    let machine = machine();
    let owner = process(machine);
    machine.processes.alive(owner).unwrap().trap_exit = true;
    let port = port(machine, owner, (4, 5), |_| Term::NIL);
    assert_eq!(message(machine, port, owner, am::CLOSE.term()), Ok(false));
    assert_eq!(messages(machine, owner), ["{'EXIT',#Port<0.0>,badsig}"]);
    let mut parcel = Parcel::new();
    let close = parcel.tuple(&[owner, am::CLOSE.term()]).unwrap();
    assert_eq!(message(machine, port, owner, close), Ok(false));
    assert_eq!(
        messages(machine, owner),
        ["{'EXIT',#Port<0.0>,normal}", "{#Port<0.0>,closed}"]
    );
}

#[test]
fn there_are_no_more_ports_than_the_limit_allows() {
    let machine = machine();
    let owner = process(machine);
    machine.ports.limit = 1;
    port(machine, owner, (4, 5), |_| Term::NIL);
    let mut parcel = Parcel::new();
    let name = parcel
        .tuple(&[am::FD.term(), Term::small(6), Term::small(7)])
        .unwrap();
    let opened = open::open(machine, owner, name, Term::NIL);
    assert_eq!(opened, Err(open::OpenError::SystemLimit));
}

//! `tcp_inet` on sockets that are connected to nothing: what a test puts into a stream is received, what is sent can be looked at.

use super::super::wire::{REQUEST_BASE, option, request};
use super::NAME;
use crate::atom::am;
use crate::fs::errno::Errno;
use crate::machine::Machine;
use crate::memory::Arena;
use crate::memory::heap::Parcel;
use crate::platform::network::Direction;
use crate::port::output::Output;
use crate::port::signal::{self, Sent, WhenBusy};
use crate::port::testing::stream;
use crate::port::{events, open};
use crate::process::tests::{machine, process};
use crate::term::Term;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

/// The stream of the first socket.
const FIRST: usize = 6;

fn port(machine: &mut Machine, owner: Term) -> Term {
    let mut parcel = Parcel::new();
    let name = parcel.byte_list(NAME.as_bytes(), Term::NIL).unwrap();
    let name = parcel.tuple(&[am::SPAWN_DRIVER.term(), name]).unwrap();
    let options = parcel.list(&[am::BINARY.term()]).unwrap();
    let port = open::open(machine, owner, name, options).unwrap();
    assert_eq!(control(machine, port, owner, request::OPEN, &[1, 1]), [1]);
    port
}

fn control(
    machine: &mut Machine,
    port: Term,
    caller: Term,
    operation: u32,
    data: &[u8],
) -> Vec<u8> {
    let operation = operation + REQUEST_BASE;
    signal::control(machine, port, caller, operation, data)
        .unwrap()
        .0
        .to_vec()
}

/// A number for an option.
fn set(machine: &mut Machine, port: Term, owner: Term, option: u8, value: u32) -> Vec<u8> {
    let mut data = vec![option];
    data.extend_from_slice(&value.to_be_bytes());
    control(machine, port, owner, request::SET_OPTIONS, &data)
}

fn send(machine: &mut Machine, port: Term, caller: Term, bytes: &[u8]) -> Sent {
    let data = Output::from_bytes(bytes.to_vec());
    signal::command(machine, port, Some(caller), data, WhenBusy::Delay(None)).unwrap()
}

fn poll(machine: &mut Machine) {
    machine.platform.io().poll();
    let now = machine.platform.monotonic_ns();
    events::handle(machine, now);
}

/// Lets time pass, in milliseconds.
fn wait(machine: &mut Machine, milliseconds: u64) {
    let until = machine.platform.monotonic_ns() + milliseconds * 1_000_000;
    machine.platform.idle_until(Some(until));
    poll(machine);
}

/// All messages of a process, as text, with `port` as `S`.
fn messages(machine: &mut Machine, pid: Term, port: Term) -> Vec<String> {
    let name = machine.text(port);
    let mut all = vec![];
    while let Some(message) = machine
        .processes
        .table
        .get_mut(pid)
        .and_then(|process| process.mailbox.remove_current())
    {
        all.push(machine.text(message).replace(&name, "S"));
    }
    all
}

/// A connection on the first socket, which takes `room` bytes.
fn connected(machine: &mut Machine, room: usize) -> (Term, Term) {
    let owner = process(machine);
    let port = port(machine, owner);
    let address = [0xff, 0xff, 0xff, 0xff, 1, 0, 80, 127, 0, 0, 1];
    let answer = control(machine, port, owner, request::CONNECT, &address);
    assert_eq!(answer, [1, 0, 0]);
    stream(FIRST, |stream| stream.room = 1);
    poll(machine);
    assert_eq!(messages(machine, owner, port), ["{inet_async,S,0,ok}"]);
    stream(FIRST, |stream| stream.room = room);
    (owner, port)
}

#[test]
fn connecting_may_fail_or_take_too_long() {
    let machine = machine();
    let owner = process(machine);
    let first = port(machine, owner);
    let address = |timeout: u32| {
        let mut data = timeout.to_be_bytes().to_vec();
        data.extend_from_slice(&[1, 0, 80, 127, 0, 0, 1]);
        data
    };
    let data = address(u32::MAX);
    assert_eq!(
        control(machine, first, owner, request::CONNECT, &data),
        [1, 0, 0]
    );
    assert_eq!(
        control(machine, first, owner, request::CONNECT, &data),
        b"\0einval"
    );
    stream(FIRST, |stream| {
        stream.room = 1;
        stream.error = Some(Errno::ECONNREFUSED);
    });
    poll(machine);
    let told = messages(machine, owner, first);
    assert_eq!(told, ["{inet_async,S,0,{error,econnrefused}}"]);
    let second = port(machine, owner);
    let data = address(20);
    control(machine, second, owner, request::CONNECT, &data);
    wait(machine, 10);
    assert!(messages(machine, owner, second).is_empty());
    wait(machine, 11);
    let told = messages(machine, owner, second);
    assert_eq!(told, ["{inet_async,S,0,{error,timeout}}"]);
    assert!(stream(FIRST + 1, |stream| stream.closed));
    let half = [0, 0, 0, 1, 1, 0, 80];
    assert_eq!(
        control(machine, first, owner, request::CONNECT, &half),
        b"\0einval"
    );
}

#[test]
fn a_passive_socket_gives_what_is_asked_for() {
    let machine = machine();
    let (owner, port) = connected(machine, 100);
    stream(FIRST, |stream| stream.input.extend(b"abcdef"));
    poll(machine);
    assert!(messages(machine, owner, port).is_empty());
    let receive = |machine: &mut Machine, timeout: u32, len: u32| {
        let mut data = timeout.to_be_bytes().to_vec();
        data.extend_from_slice(&len.to_be_bytes());
        control(machine, port, owner, request::TCP_RECEIVE, &data)
    };
    assert_eq!(receive(machine, u32::MAX, 4), [1, 0, 1]);
    let told = messages(machine, owner, port);
    assert_eq!(told, ["{inet_async,S,1,{ok,\"abcd\"}}"]);
    // What is left comes next, and then nobody is answered until there is more.
    assert_eq!(receive(machine, 50, 3), [1, 0, 2]);
    assert_eq!(receive(machine, 50, 3), b"\0ealready");
    assert!(messages(machine, owner, port).is_empty());
    stream(FIRST, |stream| stream.input.extend(b"gh"));
    poll(machine);
    let told = messages(machine, owner, port);
    assert_eq!(told, ["{inet_async,S,2,{ok,\"efg\"}}"]);
    assert_eq!(receive(machine, 0, 9), [1, 0, 3]);
    let told = messages(machine, owner, port);
    assert_eq!(told, ["{inet_async,S,3,{error,timeout}}"]);
    // What came before is not lost.
    receive(machine, 30, 0);
    let told = messages(machine, owner, port);
    assert_eq!(told, ["{inet_async,S,4,{ok,\"h\"}}"]);
    receive(machine, 30, 0);
    stream(FIRST, |stream| stream.ended = true);
    poll(machine);
    let told = messages(machine, owner, port);
    assert_eq!(told, ["{inet_async,S,5,{error,closed}}"]);
    assert_eq!(receive(machine, 30, 0), b"\0enotconn");
    assert!(stream(FIRST, |stream| stream.closed));
}

#[test]
fn a_large_packet_is_read_as_it_comes_and_a_promise_costs_nothing() {
    let machine = machine();
    let (owner, port) = connected(machine, 100);
    set(machine, port, owner, option::PACKET, 3);
    set(machine, port, owner, option::MODE, 1);
    set(machine, port, owner, option::ACTIVE, 1);
    let size = 300_000u32;
    stream(FIRST, |stream| {
        stream.input.extend(size.to_be_bytes());
        stream.input.extend(vec![7; 299_000]);
    });
    for _ in 0..10 {
        poll(machine);
    }
    assert!(messages(machine, owner, port).is_empty());
    stream(FIRST, |stream| stream.input.extend(vec![8; 1_000]));
    stream(FIRST, |stream| stream.input.extend([0, 0, 0, 1, 9]));
    for _ in 0..3 {
        poll(machine);
    }
    let told = messages(machine, owner, port);
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("{tcp,S,<<7,7,7,") && told[0].ends_with("8,8>>}"));
    assert_eq!(told[0].matches(',').count(), 300_000 + 1);
    assert_eq!(told[1], "{tcp,S,<<9>>}");
    // Two gigabytes are promised.
    stream(FIRST, |stream| {
        stream.input.extend([0x7f, 0xff, 0xff, 0xf0, 1])
    });
    poll(machine);
    poll(machine);
    assert!(messages(machine, owner, port).is_empty());
}

#[test]
fn who_sends_too_much_waits_and_is_told_when_it_is_gone() {
    let machine = machine();
    let (owner, port) = connected(machine, 3);
    set(machine, port, owner, option::LOW_WATERMARK, 2);
    set(machine, port, owner, option::HIGH_WATERMARK, 6);
    assert_eq!(send(machine, port, owner, b"abcde"), Sent::Done);
    assert_eq!(messages(machine, owner, port), ["{inet_reply,S,ok}"]);
    assert_eq!(send(machine, port, owner, b"fghi"), Sent::Done);
    assert!(messages(machine, owner, port).is_empty());
    assert_eq!(machine.ports.open(port).unwrap().queued, 6);
    // Others wait for the port, and shutting down for all.
    assert_eq!(send(machine, port, owner, b"j"), Sent::Delayed);
    let answer = control(machine, port, owner, request::SUBSCRIBE, &[1]);
    assert_eq!(answer, [1, 1, 0, 0, 0, 6]);
    stream(FIRST, |stream| stream.room = 4);
    poll(machine);
    assert_eq!(
        messages(machine, owner, port),
        ["{inet_reply,S,ok}", "{inet_reply,S,ok}"]
    );
    control(machine, port, owner, request::TCP_SHUTDOWN, &[1]);
    assert!(stream(FIRST, |stream| stream.ended_directions.is_empty()));
    stream(FIRST, |stream| stream.room = 100);
    poll(machine);
    assert_eq!(stream(FIRST, |s| s.output.clone()), b"abcdefghij");
    assert_eq!(messages(machine, owner, port), ["{empty_out_q,S}"]);
    let ended = stream(FIRST, |stream| stream.ended_directions.clone());
    assert_eq!(ended, [Direction::Write]);
}

#[test]
fn a_closed_port_writes_what_it_was_given() {
    let machine = machine();
    let (owner, port) = connected(machine, 3);
    send(machine, port, owner, b"abcde");
    signal::end(machine, port, am::NORMAL.term());
    assert!(machine.ports.open(port).is_none());
    assert!(!stream(FIRST, |stream| stream.closed));
    stream(FIRST, |stream| stream.room = 100);
    poll(machine);
    assert_eq!(stream(FIRST, |s| s.output.clone()), b"abcde");
    assert!(stream(FIRST, |stream| stream.closed));
    assert!(machine.ports.is_empty());
}

#[test]
fn connections_go_to_those_who_wait_and_live() {
    let machine = machine();
    let owner = process(machine);
    let listener = port(machine, owner);
    assert_eq!(
        control(machine, listener, owner, request::LISTEN, &[0, 5]),
        [1]
    );
    let (dead, second) = (process(machine), process(machine));
    let accept = |machine: &mut Machine, pid: Term, timeout: u32| {
        control(
            machine,
            listener,
            pid,
            request::ACCEPT,
            &timeout.to_be_bytes(),
        )
    };
    assert_eq!(accept(machine, dead, u32::MAX), [1, 0, 0]);
    assert_eq!(accept(machine, second, u32::MAX), [1, 0, 1]);
    assert_eq!(accept(machine, owner, 10), [1, 0, 2]);
    crate::process::exit::begin(machine, dead, am::KILLED.term());
    crate::process::exit::carry_out(machine);
    stream(FIRST, |stream| stream.connections.push_back(8));
    poll(machine);
    let told = messages(machine, second, listener);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("{inet_async,S,1,{ok,#Port<"));
    wait(machine, 11);
    let told = messages(machine, owner, listener);
    assert_eq!(told, ["{inet_async,S,2,{error,timeout}}"]);
    assert!(!stream(FIRST, |stream| stream.watched.read));
    assert_eq!(machine.ports.len(), 2);
}

#[test]
fn options_are_checked_before_they_are_believed() {
    let machine = machine();
    let (owner, port) = connected(machine, 3);
    let invalid = b"\0einval";
    for (name, value) in [
        (option::PACKET, 15),
        (option::ACTIVE, 4),
        (option::HIGH_QUEUE_WATERMARK, 0),
        (option::PRIORITY, 1),
        (97, 0),
    ] {
        assert_eq!(set(machine, port, owner, name, value), invalid, "{name}");
    }
    // Values that are cut off.
    for data in [
        &[option::RAW, 0, 0, 0, 6, 0, 0][..],
        &[option::NETWORK_NAMESPACE, 0xff, 0xff, 0xff, 0xff, 1],
        &[option::ACTIVE, 0, 0, 0, 3, 0],
        &[option::BIND_TO_DEVICE, 0, 0, 0, 99, b'x'],
    ] {
        let answer = control(machine, port, owner, request::SET_OPTIONS, data);
        assert_eq!(answer, invalid, "{data:?}");
    }
    assert_eq!(
        control(machine, port, owner, request::GET_OPTIONS, &[97]),
        invalid
    );
    assert_eq!(control(machine, port, owner, 4242, &[]), b"\0exbadport");
    assert!(
        messages(machine, owner, port).is_empty(),
        "{}",
        format!("{port:?}")
    );
}

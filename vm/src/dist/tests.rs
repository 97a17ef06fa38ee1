//! Two machines in one program that hand each other packets, whole ones and damaged ones.

use super::connection::Controller;
use super::signal::{self, Connect, Sent};
use super::{MIN_CREATION, connect, down, flags, input, output, set_node};
use crate::atom::am;
use crate::machine::Machine;
use crate::memory::Arena;
use crate::memory::heap::Parcel;
use crate::process::tests::{machine, process};
use crate::term::etf::{self, encode};
use crate::term::external::RemotePid;
use crate::term::{Atom, Term};
use alloc::vec::Vec;

/// A machine that is alive.
fn alive(name: &str) -> &'static mut Machine {
    let machine = machine();
    let net_kernel = process(machine);
    crate::process::signal::register(machine, am::NET_KERNEL, net_kernel).unwrap();
    let name = machine.atoms.insert(name).unwrap();
    assert!(set_node(machine, name, 0, net_kernel));
    assert_eq!(machine.atoms.node.creation, MIN_CREATION);
    machine
}

/// Opens a connection that a process carries.
fn open(machine: &mut Machine, peer: &str, flags: u64) -> Atom {
    let carrier = process(machine);
    let node = machine.atoms.insert(peer).unwrap();
    assert_eq!(connect(machine, node), Ok(true));
    let connection = machine.distribution.get(node).unwrap();
    connection.controller = Controller::Process(carrier);
    connection.flags = flags;
    connection.creation = MIN_CREATION;
    node
}

/// What another node calls `pid`.
fn seen_from(machine: &mut Machine, other: &mut Machine, pid: Term) -> RemotePid {
    let bytes = etf::encode(&machine.atoms, pid, &encode::Options::default()).unwrap();
    let mut parcel = Parcel::new();
    let options = etf::Options::default();
    let mut none = etf::NoFuns;
    let decoded = etf::decode(&bytes, &mut other.atoms, &mut parcel, &mut none, &options);
    RemotePid::of(decoded.unwrap().0).unwrap()
}

/// A term with many atoms, and `size` bytes.
fn term(machine: &mut Machine, parcel: &mut Parcel, turn: usize, size: usize) -> Term {
    let mut list = Term::NIL;
    for i in 0..turn % 300 {
        let name = std::format!("atom {} of turn {turn}", i * 7 % 5000);
        let atom = machine.atoms.insert(&name).unwrap();
        list = parcel.cons(atom.term(), list).unwrap();
    }
    let bytes: Vec<u8> = (0..size).map(|i| (i * turn) as u8).collect();
    let binary = crate::bits::make_binary(parcel, &bytes).unwrap();
    parcel.tuple(&[binary, list]).unwrap()
}

fn packets(machine: &mut Machine, node: Atom) -> Vec<Vec<u8>> {
    core::iter::from_fn(|| output::take(machine, node)).collect()
}

fn encoded(machine: &Machine, term: Term) -> Vec<u8> {
    etf::encode(&machine.atoms, term, &encode::Options::default()).unwrap()
}

#[test]
fn messages_arrive_whole_and_in_order() {
    let no_cache = flags::DEFAULT & !flags::DIST_HDR_ATOM_CACHE;
    let plain = no_cache & !flags::FRAGMENTS;
    for flags in [flags::DEFAULT, no_cache, plain] {
        let (a, b) = (alive("a@here"), alive("b@there"));
        let (to_b, to_a) = (open(a, "b@there", flags), open(b, "a@here", flags));
        let (sender, receiver) = (process(a), process(b));
        let to = seen_from(b, a, receiver);
        let mut expected = Vec::new();
        for turn in 0..400 {
            let mut parcel = Parcel::new();
            let size = if turn % 40 == 0 { 300_000 } else { turn };
            let message = term(a, &mut parcel, turn, size);
            let sent = signal::send(a, sender, to, (message, None), Connect::No);
            assert!(matches!(sent, Ok(Sent::Sent | Sent::Busy)));
            expected.push(encoded(a, message));
            for packet in packets(a, to_b) {
                input::packet(b, to_a, &packet);
            }
        }
        assert!(!b.distribution.get(to_a).unwrap().is_broken);
        let received: Vec<Vec<u8>> = {
            let process = b.processes.alive(receiver).unwrap();
            let messages: Vec<Term> = process.mailbox.iter().collect();
            messages.iter().map(|term| encoded(b, *term)).collect()
        };
        assert_eq!(received.len(), expected.len());
        assert!(received == expected);
    }
}

#[test]
fn damaged_packets_break_the_connection_and_nothing_else() {
    let (a, b) = (alive("a@here"), alive("b@there"));
    let to_b = open(a, "b@there", flags::DEFAULT);
    let (sender, receiver) = (process(a), process(b));
    let to = seen_from(b, a, receiver);
    let mut all = Vec::new();
    for turn in 0..40 {
        let mut parcel = Parcel::new();
        let size = if turn % 8 == 0 { 100_000 } else { turn };
        let message = term(a, &mut parcel, turn, size);
        signal::send(a, sender, to, (message, None), Connect::No).unwrap();
        signal::link(a, sender, to).unwrap();
        signal::exit(a, sender, to, message).unwrap();
        signal::unlink(a, sender, to);
        let reference = a.processes.references.make();
        signal::monitor(a, sender, reference, signal::Target::Process(to)).unwrap();
        signal::demonitor(a, sender, reference, signal::Target::Name(am::INIT, to_b));
        all.extend(packets(a, to_b));
    }
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut broken = 0;
    for _ in 0..400 {
        let to_a = open(b, "a@here", flags::DEFAULT);
        let from = random(all.len());
        for packet in all.iter().skip(from).take(20) {
            let mut packet = packet.clone();
            for _ in 0..random(3) {
                let at = random(packet.len().min(200));
                packet[at] = random(256) as u8;
            }
            packet.truncate(packet.len() - random(packet.len()) * (random(8) / 7));
            input::packet(b, to_a, &packet);
        }
        broken += usize::from(b.distribution.get(to_a).unwrap().is_broken);
        down::down(b, to_a, am::NORMAL.term());
        crate::process::exit::carry_out(b);
        crate::process::tests::take_printed();
    }
    assert!(broken > 300, "{broken}");
    assert!(b.distribution.is_alive());
}

#[test]
fn a_connection_that_ends_takes_all_ties_with_it() {
    let a = alive("a@here");
    let node = open(a, "b@there", flags::DEFAULT);
    let own = process(a);
    a.processes.alive(own).unwrap().trap_exit = true;
    let to = RemotePid {
        node: crate::term::external::Node {
            name: node,
            creation: 9,
        },
        number: 5,
        serial: 0,
    };
    signal::link(a, own, to).unwrap();
    let reference = a.processes.references.make();
    let monitor = crate::process::Monitor {
        target: crate::process::Watched::Remote(signal::Target::Process(to)),
        tag: None,
    };
    crate::process::signal::monitor(a, own, reference, monitor).unwrap();
    down::down(a, node, am::NORMAL.term());
    let process = a.processes.alive(own).unwrap();
    assert!(process.monitors.is_empty());
    let remote = process.rare.as_ref().unwrap().remote.as_ref().unwrap();
    assert!(remote.links.is_empty());
    let kinds: Vec<Term> = process
        .mailbox
        .iter()
        .map(|message| message.as_tuple().unwrap()[0])
        .collect();
    assert_eq!(kinds, [am::EXIT.term(), am::DOWN.term()]);
    assert_eq!(
        signal::send(a, own, to, (Term::NIL, None), Connect::No),
        Ok(Sent::NotConnected)
    );
}

//! Against backends that lie: the device is marked broken, says why once, and connects again.

use super::*;
use crate::PAGE_SIZE;
use crate::net::Outgoing;
use crate::net::abi::{
    EXTRA_GSO, EXTRA_MORE, ExtraInfo, GSO_TCP_V4, RxResponse, STATUS_NULL, TxResponse, rx_flag,
};
use crate::net::fault::{Fault, Ring};
use core::cell::Cell;
use std::boxed::Box;
use std::rc::Rc;

const PLAIN: Outgoing = Outgoing {
    checksum_blank: false,
    segment_size: 0,
};
const GOOD_EXTRA: ExtraInfo = ExtraInfo {
    kind: EXTRA_GSO,
    flags: 0,
    gso_size: 1448,
    gso_type: GSO_TCP_V4,
    pad: 0,
    features: 0,
};

/// Lets the backend lie; what the device finds must be `expected`. Then the device connects again, and works.
#[track_caller]
fn is_found(lie: impl FnOnce(&mut Backend), expected: impl Fn(Fault) -> bool) {
    let (guest, mut device, mut backend) = connected(ALL);
    let alarms = Rc::new(Cell::new(0));
    let counter = alarms.clone();
    device.set_alarm(Box::new(move || counter.set(counter.get() + 1)));
    for number in 0..5 {
        assert!(send(&mut device, &frame(number, 5000), PLAIN));
    }
    device.flush();
    lie(&mut backend);
    for _ in 0..3 {
        device.poll();
        let _ = device.receive(&mut |_, _| ());
        let _ = device.can_transmit(60);
        let _ = send(&mut device, &frame(9, 60), PLAIN);
        device.flush();
    }
    let fault = device.fault().expect("the lie is found");
    assert!(expected(fault), "{fault:?}: {fault}");
    assert!(!device.is_up());
    assert_eq!((alarms.get(), device.statistics().faults), (1, 1));
    assert!(!send(&mut device, &frame(9, 60), PLAIN));
    backend.find_leak();
    backend.let_go();
    let mut backend = connect(&mut device, &guest, ALL);
    assert!(send(&mut device, &frame(3, 60), PLAIN));
    device.flush();
    assert_eq!(backend.consume()[0].bytes, frame(3, 60));
    assert!(backend.give(&frame(4, 60), 0, None));
    assert_eq!(receive_all(&mut device).len(), 1);
}

fn answer(backend: &mut Backend, id: u16, status: i16) {
    backend.tx.put(TxResponse { id, status });
    backend.show_tx();
}

/// A response for the next posted page, changed by `change`.
fn give_slot(backend: &mut Backend, change: impl FnOnce(&mut RxResponse)) {
    let page = backend.take_page();
    let mut response = RxResponse {
        id: page.id,
        offset: 0,
        flags: 0,
        status: 60,
    };
    change(&mut response);
    backend.rx.put(response);
    backend.show_rx();
}

fn give_extra(backend: &mut Backend, extra: ExtraInfo) {
    let _ = backend.take_page();
    backend.rx.put(extra);
    backend.show_rx();
}

#[test]
fn answers_to_what_was_not_asked() {
    for id in [256, 9999, u16::MAX, 100] {
        is_found(
            |backend| {
                backend.take_packets();
                answer(backend, id, 0);
            },
            |fault| fault == Fault::NotRequested(Ring::Transmit, id),
        );
    }
}

#[test]
fn the_same_answer_twice() {
    is_found(
        |backend| {
            let packets = backend.take_packets();
            for _ in 0..2 {
                let response = packets[0].responses[0];
                answer(backend, response.id, 0);
            }
        },
        |fault| matches!(fault, Fault::NotRequested(Ring::Transmit, _)),
    );
}

#[test]
fn statuses_that_there_are_not() {
    for status in [2, 77, i16::MAX] {
        is_found(
            |backend| {
                let packets = backend.take_packets();
                answer(backend, packets[0].responses[0].id, status);
            },
            |fault| fault == Fault::Status(Ring::Transmit, status),
        );
    }
}

#[test]
fn empty_answers_too_many() {
    is_found(
        |backend| {
            backend.take_packets();
            answer(backend, 0, STATUS_NULL);
        },
        |fault| fault == Fault::UnexpectedNull,
    );
}

#[test]
fn producers_beyond_the_ring_and_backwards() {
    for index in [11, 300, 1 << 31, u32::MAX] {
        is_found(
            |backend| backend.tx.lie_about_responses(index),
            |fault| matches!(fault, Fault::Producer(Ring::Transmit, _)),
        );
    }
    for index in [65, 1 << 20, u32::MAX] {
        is_found(
            |backend| backend.rx.lie_about_responses(index),
            |fault| matches!(fault, Fault::Producer(Ring::Receive, _)),
        );
    }
    let (_, mut device, mut backend) = connected(ALL);
    assert!(backend.give(&frame(1, 60), 0, None));
    assert_eq!(receive_all(&mut device).len(), 1);
    backend.rx.lie_about_responses(0);
    assert!(!device.receive(&mut |_, _| ()));
    assert!(matches!(
        device.fault(),
        Some(Fault::Producer(Ring::Receive, _))
    ));
}

#[test]
fn received_ids_that_were_not_posted_there() {
    for id in [64, 1000, u16::MAX, 5] {
        is_found(
            |backend| give_slot(backend, |response| response.id = id),
            |fault| fault == Fault::NotRequested(Ring::Receive, id),
        );
    }
}

#[test]
fn lengths_and_offsets_outside_the_page() {
    for (offset, status) in [
        (4096, 1),
        (1, 4096),
        (4000, 97),
        (u16::MAX, 60),
        (0, i16::MAX),
    ] {
        is_found(
            |backend| {
                give_slot(backend, |response| {
                    response.offset = offset;
                    response.status = status;
                });
            },
            |fault| matches!(fault, Fault::OutsidePage { .. }),
        );
    }
}

#[test]
fn chains_that_are_too_long_or_do_not_end() {
    for len in [0, 1, 4096] {
        is_found(
            |backend| {
                for _ in 0..19 {
                    give_slot(backend, |response| {
                        response.status = len;
                        response.flags = rx_flag::MORE_DATA;
                    });
                }
            },
            |fault| fault == Fault::TooManySlots,
        );
    }
}

#[test]
fn additional_information_out_of_place() {
    let first = |response: &mut RxResponse| response.flags = rx_flag::EXTRA_INFO;
    for (extra, expected) in [
        (
            ExtraInfo {
                kind: 0,
                ..GOOD_EXTRA
            },
            Fault::ExtraKind(0),
        ),
        (
            ExtraInfo {
                kind: 2,
                ..GOOD_EXTRA
            },
            Fault::ExtraKind(2),
        ),
        (
            ExtraInfo {
                kind: 255,
                ..GOOD_EXTRA
            },
            Fault::ExtraKind(255),
        ),
        (
            ExtraInfo {
                gso_size: 0,
                ..GOOD_EXTRA
            },
            Fault::NoSegmentSize,
        ),
        (
            ExtraInfo {
                gso_type: 0,
                ..GOOD_EXTRA
            },
            Fault::SegmentType(0),
        ),
        (
            ExtraInfo {
                gso_type: 3,
                ..GOOD_EXTRA
            },
            Fault::SegmentType(3),
        ),
    ] {
        is_found(
            |backend| {
                give_slot(backend, first);
                give_extra(backend, extra);
            },
            |fault| fault == expected,
        );
    }
    is_found(
        |backend| {
            give_slot(backend, first);
            for _ in 0..2 {
                give_extra(
                    backend,
                    ExtraInfo {
                        flags: EXTRA_MORE,
                        ..GOOD_EXTRA
                    },
                );
            }
        },
        |fault| fault == Fault::ExtraTwice,
    );
    // In the middle of a packet.
    is_found(
        |backend| {
            give_slot(backend, |response| response.flags = rx_flag::MORE_DATA);
            give_slot(backend, first);
        },
        |fault| fault == Fault::ExtraTwice,
    );
}

#[test]
fn segments_that_were_not_agreed_upon() {
    let guest = TestGuest::new();
    let config = Config {
        receive_segments: false,
        ..CONFIG
    };
    let mut device = Netfront::new(guest.clone(), "vif 0".into(), BACKEND, ADDRESS, config);
    let mut backend = connect(&mut device, &guest, ALL);
    assert!(backend.give(&frame(1, 9000), 0, Some((1448, GSO_TCP_V4))));
    assert_eq!(receive_all(&mut device), []);
    assert_eq!(device.fault(), Some(Fault::ExtraKind(EXTRA_GSO)));
}

#[test]
fn silence() {
    let (guest, mut device, mut backend) = connected(ALL);
    while send(&mut device, &frame(1, 4000), PLAIN) {}
    device.flush();
    let deadline = device.deadline().unwrap();
    guest.pass(29_000_000_000);
    device.flush();
    assert!(device.is_up());
    // A sign of life begins the time anew.
    let packets = backend.take_packets();
    backend.answer(&packets[..1]);
    assert!(!device.can_transmit(65_000));
    guest.pass(2_000_000_000);
    device.flush();
    assert!(device.is_up() && device.deadline().unwrap() > deadline);
    guest.pass(31_000_000_000);
    device.flush();
    assert_eq!(device.fault(), Some(Fault::Silent(30)));
}

#[test]
fn nobody_is_given_up_for_having_nothing_to_say() {
    let (guest, mut device, mut backend) = connected(ALL);
    assert!(send(&mut device, &frame(1, 4000), PLAIN));
    for _ in 0..10 {
        device.flush();
        guest.pass(100_000_000_000);
    }
    assert!(device.is_up() && device.deadline().is_none());
    backend.consume();
}

#[test]
fn endless_events_are_told_from_useful_ones() {
    let (guest, mut device, mut backend) = connected(ALL);
    for number in 0..100 {
        guest.with_port(backend.rx_port, |port| port.pending = true);
        guest.with_port(backend.tx_port, |port| port.pending = true);
        let useful = number % 10 == 0;
        if useful {
            assert!(backend.give(&frame(1, 60), 0, None));
        }
        assert_eq!(device.poll(), useful);
        assert_eq!(receive_all(&mut device).len(), usize::from(useful));
        let judged = guest.with_port(backend.rx_port, |port| port.judged.last().copied());
        assert_eq!(judged, Some(Some(useful)));
        device.flush();
    }
    let statistics = device.statistics();
    assert_eq!((statistics.events, statistics.spurious_events), (10, 190));
    assert!(device.is_up());
}

#[test]
fn a_backend_that_vanishes_keeps_nothing_but_what_it_holds() {
    let (guest, mut device, mut backend) = connected(ALL);
    for number in 0..10 {
        assert!(send(&mut device, &frame(number, 60), PLAIN));
    }
    device.flush();
    let page = backend.take_page();
    // It still has the rings, two packets and a page to receive into.
    let sent: Vec<_> = (0..2)
        .map(|_| backend.tx.take::<crate::net::abi::TxRequest>().gref)
        .collect();
    for reference in sent.iter().chain([&page.gref]) {
        guest.set_in_use(*reference, true);
    }
    device.disconnect();
    assert_eq!(guest.references(BACKEND).len(), 5);
    assert_eq!(guest.quarantined(), 2);
    // The next one gets what is left, under other references.
    let mut next = connect(&mut device, &guest, ALL);
    let again = guest.pages_in_use();
    for number in 0..300 {
        assert!(send(&mut device, &frame(number, 60), PLAIN));
        device.flush();
        next.consume();
        assert!(next.give(&frame(number, 60), 0, None));
        assert_eq!(receive_all(&mut device).len(), 1);
    }
    next.find_leak();
    next.let_go();
    drop(device);
    assert_eq!(guest.quarantined(), 256 + 64 + 2);
    // Everything else has ended.
    assert_eq!(guest.references(BACKEND).len(), 5);
    assert_eq!(guest.pages_in_use(), again - 2);
    backend.let_go();
    for reference in sent.iter().chain([&page.gref]) {
        guest.set_in_use(*reference, false);
    }
    guest.retry_quarantine();
    assert_eq!((guest.quarantined(), guest.pages_in_use()), (0, 0));
}

#[test]
fn a_backend_that_lets_go_of_nothing_is_not_connected_again() {
    let (guest, mut device, _backend) = connected(ALL);
    for reference in guest.references(BACKEND) {
        guest.set_in_use(reference, true);
    }
    let pages = guest.pages_in_use();
    for _ in 0..100 {
        assert_eq!(
            device.connect(ALL, 1500),
            Err(crate::net::ConnectError::PagesHeld(256 + 64))
        );
    }
    assert_eq!(guest.pages_in_use(), pages);
    assert!(pages * PAGE_SIZE < 2 << 20);
}

//! Against a backend that keeps to the protocol.

use super::*;
use crate::PAGE_SIZE;
use crate::net::abi::{GSO_TCP_V4, GSO_TCP_V6, rx_flag, tx_flag};
use crate::net::{Incoming, Outgoing};
use std::vec;

const PLAIN: Outgoing = Outgoing {
    checksum_blank: false,
    segment_size: 0,
};

#[test]
fn frames_go_both_ways_round_the_rings() {
    for features in [
        ALL,
        Features {
            split_channels: false,
            ..ALL
        },
    ] {
        let (_, mut device, mut backend) = connected(features);
        for number in 0..2000 {
            let out = frame(number, 14 + number as usize % 1500);
            assert!(send(&mut device, &out, PLAIN));
            device.flush();
            let packets = backend.consume();
            assert_eq!(packets.len(), 1);
            assert_eq!(packets[0].bytes, out);
            let back = frame(number + 7, 60 + number as usize % 1400);
            assert!(backend.give(&back, 0, None));
            assert_eq!(receive_all(&mut device), [(back, Incoming::default())]);
        }
        let statistics = device.statistics();
        assert_eq!((statistics.sent, statistics.received), (2000, 2000));
        assert_eq!(device.fault(), None);
        backend.find_leak();
    }
}

#[test]
fn long_frames_take_several_slots() {
    let (_, mut device, mut backend) = connected(ALL);
    for len in [4095, 4096, 4097, 8192, 9014, 20_000, 65_535] {
        let out = frame(1, len);
        assert!(device.can_transmit(len));
        assert!(send(&mut device, &out, PLAIN));
        device.flush();
        let packets = backend.consume();
        assert_eq!(packets[0].bytes, out);
        assert_eq!(packets[0].slots, len.div_ceil(PAGE_SIZE));
        assert!(backend.give(&out, 0, None), "{len}");
        let received = receive_all(&mut device);
        assert!(received.len() == 1 && received[0].0 == out);
        device.flush();
    }
}

#[test]
fn segmentation_and_checksums_are_asked_for() {
    let (_, mut device, mut backend) = connected(ALL);
    let segments = Outgoing {
        checksum_blank: true,
        segment_size: 1448,
    };
    let v4 = frame(3, 30_000);
    let mut v6 = v4.clone();
    v6[12..14].copy_from_slice(&[0x86, 0xdd]);
    let blank = Outgoing {
        checksum_blank: true,
        segment_size: 0,
    };
    assert!(send(&mut device, &v4, segments));
    assert!(send(&mut device, &v6, segments));
    assert!(send(&mut device, &v4, blank));
    assert!(send(&mut device, &v4, PLAIN));
    device.flush();
    let packets = backend.consume();
    let checksum = tx_flag::CSUM_BLANK | tx_flag::DATA_VALIDATED;
    let flags = |packet: usize| packets[packet].flags & checksum;
    assert_eq!(packets[0].segments, Some((1448, GSO_TCP_V4)));
    assert_eq!(packets[1].segments, Some((1448, GSO_TCP_V6)));
    assert_eq!((packets[2].segments, packets[3].segments), (None, None));
    assert_eq!([0, 1, 2, 3].map(flags), [checksum, checksum, checksum, 0]);
    assert!(packets[0].bytes == v4 && packets[1].bytes == v6);
    // All of the answers are understood.
    assert!(!device.poll() || device.fault().is_none());
    for _ in 0..200 {
        assert!(send(&mut device, &v4, segments));
        device.flush();
        backend.consume();
    }
    assert_eq!(device.fault(), None);
}

#[test]
fn what_the_backend_says_of_a_frame_is_passed_on() {
    let (_, mut device, mut backend) = connected(ALL);
    let bytes = frame(5, 40_000);
    for (flags, checksum_good) in [
        (0, false),
        (rx_flag::DATA_VALIDATED, true),
        (rx_flag::CSUM_BLANK, true),
    ] {
        assert!(backend.give(&bytes, flags, Some((1448, GSO_TCP_V4))));
        assert_eq!(
            receive_all(&mut device),
            [(bytes.clone(), Incoming { checksum_good })]
        );
        device.flush();
    }
}

#[test]
fn a_packet_whose_end_is_not_there_yet_waits_for_it() {
    let (_, mut device, mut backend) = connected(ALL);
    let bytes = frame(9, 3 * PAGE_SIZE);
    let mut parts = bytes.chunks(PAGE_SIZE).peekable();
    while let Some(part) = parts.next() {
        assert_eq!(receive_all(&mut device), []);
        let page = backend.take_page();
        backend.write(page.gref, 0, part);
        backend.rx.put(crate::net::abi::RxResponse {
            id: page.id,
            offset: 0,
            flags: if parts.peek().is_some() {
                rx_flag::MORE_DATA
            } else {
                0
            },
            status: part.len() as i16,
        });
        backend.show_rx();
    }
    assert_eq!(receive_all(&mut device).len(), 1);
}

#[test]
fn a_full_ring_says_so_and_tells_when_there_is_room() {
    let (guest, mut device, mut backend) = connected(ALL);
    let bytes = frame(1, 1000);
    let mut sent = 0;
    while send(&mut device, &bytes, PLAIN) {
        sent += 1;
    }
    assert_eq!(sent, 255); // one slot is kept for additional information
    assert!(!device.can_transmit(100));
    device.flush();
    let packets = backend.take_packets();
    assert_eq!(packets.len(), sent);
    // No event for the first answers, one when half is done.
    backend.answer(&packets[..100]);
    assert_eq!(
        guest.with_port(backend.tx_port, |port| port.pending),
        Some(false)
    );
    backend.answer(&packets[100..200]);
    assert_eq!(
        guest.with_port(backend.tx_port, |port| port.pending),
        Some(true)
    );
    assert!(device.poll());
    assert!(device.can_transmit(65_535));
    // Nobody waits any more: no event.
    device.flush();
    backend.answer(&packets[200..]);
    assert_eq!(
        guest.with_port(backend.tx_port, |port| port.pending),
        Some(false)
    );
}

#[test]
fn one_notification_for_a_flush_and_none_that_was_not_asked_for() {
    let (guest, mut device, mut backend) = connected(ALL);
    let notified = |port| guest.with_port(port, |port| port.notified).unwrap();
    let before = notified(backend.tx_port);
    for _ in 0..50 {
        assert!(send(&mut device, &frame(1, 100), PLAIN));
    }
    assert_eq!(notified(backend.tx_port), before);
    device.flush();
    assert_eq!(notified(backend.tx_port), before + 1);
    // The backend is awake and has not asked again.
    assert!(send(&mut device, &frame(1, 100), PLAIN));
    device.flush();
    device.flush();
    assert_eq!(notified(backend.tx_port), before + 1);
    backend.consume();
    assert!(send(&mut device, &frame(1, 100), PLAIN));
    device.flush();
    assert_eq!(notified(backend.tx_port), before + 2);
}

#[test]
fn an_event_comes_with_the_first_frame_and_none_while_there_are_more() {
    let (guest, mut device, mut backend) = connected(ALL);
    let pending = |backend: &Backend| guest.with_port(backend.rx_port, |port| port.pending);
    assert_eq!(receive_all(&mut device), []);
    assert!(backend.give(&frame(1, 60), 0, None));
    assert_eq!(pending(&backend), Some(true));
    assert!(device.poll());
    assert!(device.receive(&mut |_, _| ()));
    assert!(backend.give(&frame(2, 60), 0, None));
    // We have not run dry: no event is needed.
    assert_eq!(pending(&backend), Some(false));
    assert_eq!(receive_all(&mut device).len(), 1);
    assert!(backend.give(&frame(3, 60), 0, None));
    assert_eq!(pending(&backend), Some(true));
}

#[test]
fn without_features_there_is_less() {
    let (_, mut device, mut backend) = connected(Features {
        rx_copy: true,
        ..Features::default()
    });
    assert_eq!(device.capabilities(), Default::default());
    assert!(!device.can_transmit(4097));
    assert!(send(&mut device, &frame(1, 4096), PLAIN));
    assert!(send(&mut device, &frame(1, 4097), PLAIN));
    assert_eq!(device.statistics().dropped, 1);
    device.flush();
    assert_eq!(backend.consume().len(), 1);
}

#[test]
fn damaged_and_short_frames_are_dropped() {
    let (_, mut device, mut backend) = connected(ALL);
    for (status, offset) in [(-1, 0), (-2, 0), (0, 0), (13, 100)] {
        let page = backend.take_page();
        backend.rx.put(crate::net::abi::RxResponse {
            id: page.id,
            offset,
            flags: 0,
            status,
        });
    }
    backend.show_rx();
    assert!(backend.give(&frame(1, 60), 0, None));
    assert_eq!(receive_all(&mut device).len(), 1);
    assert_eq!((device.statistics().dropped, device.fault()), (4, None));
}

#[test]
fn pages_stay_within_the_device_and_come_back_with_it() {
    let (guest, mut device, mut backend) = connected(ALL);
    let pages = guest.pages_in_use();
    assert_eq!(pages, 256 + 64 + 2);
    for turn in 0..20 {
        assert!(send(&mut device, &frame(turn, 1000), PLAIN));
        device.flush();
        backend.let_go();
        device.disconnect();
        assert!(guest.references(BACKEND).is_empty());
        assert_eq!(guest.open_ports(), 0);
        backend = connect(&mut device, &guest, ALL);
        assert_eq!(guest.pages_in_use(), pages);
        backend.find_leak();
    }
    backend.let_go();
    drop(device);
    assert_eq!((guest.pages_in_use(), guest.quarantined()), (0, 0));
}

#[test]
fn without_memory_there_is_no_connection_and_nothing_is_lost() {
    let guest = TestGuest::new();
    for budget in [0, 100, 256, 300, 320, 321] {
        guest.set_budget(budget);
        let mut device = device(&guest);
        assert!(device.connect(ALL, 1500).is_err(), "{budget}");
        assert!(!send(&mut device, &frame(1, 60), PLAIN));
        assert!(guest.references(BACKEND).is_empty());
        drop(device);
        assert_eq!((guest.pages_in_use(), guest.open_ports()), (0, 0));
    }
}

#[test]
fn a_small_domain_gives_less() {
    let small = Config::for_memory(32 << 20);
    assert_eq!((small.tx_pages, small.rx_pages), (64, 64));
    assert_eq!(Config::for_memory(64 << 30).rx_pages, 256);
    let guest = TestGuest::new();
    let mut device = Netfront::new(guest.clone(), "vif 1".into(), BACKEND, ADDRESS, small);
    let mut backend = connect(&mut device, &guest, ALL);
    // The longest frames still go, a few at a time.
    let long = frame(2, 65_535);
    let mut sent = vec![];
    while send(&mut device, &long, PLAIN) {
        sent.push(());
    }
    device.flush();
    assert_eq!((sent.len(), backend.consume().len()), (4, 4));
    assert!(device.can_transmit(65_535));
}

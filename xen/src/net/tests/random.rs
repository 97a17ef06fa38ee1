//! Against backends that write at random, from fixed seeds: whatever comes, the device stays sound.

use super::*;
use crate::net::Outgoing;
use crate::net::abi::{ExtraInfo, RxResponse, TxResponse};

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 32) % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// Hardly ever: what an honest backend does in place of lying.
const NEVER: u64 = 1 << 40;

/// Something the backend may do. `malice`: one in so many answers is not what it should be.
fn act(backend: &mut Backend, random: &mut Random, malice: u64) {
    match random.below(6) {
        // A liar has written over requests it had not read: they mean nothing any more.
        0 if malice < NEVER => backend.drain(),
        0 => {
            backend.consume();
        }
        1 => {
            let most = if random.one_in(4) { 65_000 } else { 1500 };
            let len = 60 + random.below(most);
            let segments = random.one_in(2).then_some((1448, 1));
            let bytes = frame(random.below(100), len as usize);
            backend.give(&bytes, random.below(4) as u16, segments);
        }
        2 if random.one_in(malice) => {
            backend.tx.put(TxResponse {
                id: random.below(300) as u16,
                status: random.below(4) as i16 - 2,
            });
            backend.show_tx();
        }
        3 if random.one_in(malice) && backend.rx.requests() > 0 => {
            let page = backend.take_page();
            if random.one_in(3) {
                backend.rx.put(ExtraInfo {
                    kind: random.below(3) as u8,
                    flags: random.below(2) as u8,
                    gso_size: random.below(2) as u16 * 1000,
                    gso_type: random.below(4) as u8,
                    pad: 0,
                    features: 0,
                });
            } else {
                backend.rx.put(RxResponse {
                    id: if random.one_in(10) {
                        random.next() as u16
                    } else {
                        page.id
                    },
                    offset: if random.one_in(5) {
                        random.next() as u16
                    } else {
                        0
                    },
                    flags: random.below(16) as u16,
                    status: random.below(5000) as i16 - 100,
                });
            }
            backend.show_rx();
        }
        4 if random.one_in(malice * 10) => {
            backend.rx.lie_about_responses(random.next() as u32);
        }
        5 if random.one_in(malice * 10) => {
            backend.tx.lie_about_responses(random.next() as u32);
        }
        _ => {
            let guest = backend.guest();
            guest.with_port(backend.tx_port, |port| port.pending = true);
        }
    }
}

/// Something the domain may do.
fn use_device(device: &mut Netfront<TestGuest>, random: &mut Random) {
    match random.below(4) {
        0 => {
            let most = if random.one_in(4) { 65_521 } else { 1500 };
            let len = 14 + random.below(most) as usize;
            let outgoing = Outgoing {
                checksum_blank: random.one_in(2),
                segment_size: if random.one_in(3) { 1448 } else { 0 },
            };
            if device.can_transmit(len) {
                assert!(send(device, &frame(random.below(100), len), outgoing));
            }
        }
        1 => {
            for (frame, _) in receive_all(device) {
                assert!(frame.len() >= 14 && frame.len() <= 18 * 4096);
            }
        }
        2 => device.flush(),
        _ => {
            device.poll();
        }
    }
}

fn run(seed: u64, malice: u64, turns: u32) -> (u64, u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (guest, mut device, mut backend) = connected(ALL);
    let pages = guest.pages_in_use();
    for _ in 0..turns {
        act(&mut backend, &mut random, malice);
        use_device(&mut device, &mut random);
        if device.fault().is_some() {
            backend.find_leak();
            backend.let_go();
            backend = connect(&mut device, &guest, ALL);
            assert_eq!(guest.pages_in_use(), pages);
        }
    }
    backend.find_leak();
    backend.let_go();
    let statistics = device.statistics();
    drop(device);
    assert_eq!((guest.pages_in_use(), guest.open_ports()), (0, 0));
    assert!(guest.references(BACKEND).is_empty());
    (statistics.faults, statistics.received)
}

#[test]
fn nothing_that_a_backend_writes_does_any_harm() {
    let mut faults = 0;
    for seed in 0..12 {
        faults += run(seed, 20, 3000).0;
    }
    // The lies were told, and found.
    assert!(faults > 50, "{faults}");
}

#[test]
fn an_honest_backend_is_never_accused() {
    for seed in 0..10 {
        let (faults, received) = run(seed, NEVER, 5000);
        assert_eq!(faults, 0, "seed {seed}");
        assert!(received > 200, "{received}");
    }
}

//! Two machines and a cable between them.

mod common;
#[path = "common/wire.rs"]
mod wire;

use common::*;
use starling_net::link::Offload;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{Descriptor, Interest};
use starling_vm::platform::network::{
    Address, Control, Direction, Family, MembershipInterface, Network, OptionName, OptionValue,
};
use wire::*;

fn connect(pair: &mut Pair, address: &str) -> (Descriptor, Descriptor) {
    let port = address.rsplit(':').next().unwrap();
    let any = if address.starts_with('[') {
        "[::]"
    } else {
        "0.0.0.0"
    };
    let listener = pair.two.listen(&format!("{any}:{port}"), 5);
    let client = pair.one.begin(address);
    for _ in 0..400 {
        pair.pass(100 * MILLISECOND);
        if let Ok((server, _)) = pair.two.stack.accept(listener) {
            pair.two.stack.close(listener);
            pair.pass(SECOND);
            assert_eq!(pair.one.stack.take_error(client), None);
            pair.one.stack.watch(client, Interest::NONE);
            return (client, server);
        }
    }
    panic!("no connection");
}

/// Sends `len` bytes from one to two and back, and says how long that took.
fn transfer(pair: &mut Pair, client: Descriptor, server: Descriptor, len: usize) -> u64 {
    let data: Vec<u8> = (0..len).map(|n| ((n * 31) >> 4) as u8).collect();
    let began = pair.one.now;
    for there in [true, false] {
        let (mut sent, mut got) = (0, Vec::new());
        let end = pair.one.now + 600 * SECOND;
        while got.len() < len {
            let (from, to, source, target) = if there {
                (&mut pair.one, &mut pair.two, client, server)
            } else {
                (&mut pair.two, &mut pair.one, server, client)
            };
            if sent < len {
                match from.stack.write(source, &data[sent..]) {
                    Ok(count) => sent += count,
                    Err(error) => assert_eq!(error, Errno::EAGAIN),
                }
            }
            got.extend(to.drain(target).unwrap());
            assert!(pair.one.now < end, "{} of {len}", got.len());
            pair.pass(200_000);
        }
        assert!(got == data, "damaged");
    }
    pair.one.now - began
}

#[test]
fn a_good_cable() {
    let mut pair = Pair::plain();
    let (client, server) = connect(&mut pair, "10.0.0.2:80");
    transfer(&mut pair, client, server, 2_000_000);
    pair.one.stack.close(client);
    pair.pass(SECOND);
    assert_eq!(pair.two.drain(server), Err((vec![], None)));
    pair.two.stack.close(server);
    pair.pass(SECOND);
    assert_eq!(pair.one.stack.usage().connections, 0);
    assert_eq!(pair.one.stack.usage().waiting, 1);
    pair.pass(60 * SECOND);
    assert_eq!(pair.one.stack.usage().waiting, 0);
}

#[test]
fn ipv6_and_scopes() {
    let mut pair = Pair::plain();
    let two = pair.two.stack.interfaces().unwrap();
    let own = two[1]
        .addresses
        .iter()
        .find(|a| a.address.is_ipv6())
        .unwrap();
    assert_eq!(
        (own.address.to_string().as_str(), own.scope),
        ("fe80::216:3eff:fe00:2", 2)
    );
    let address = format!("[{}%2]:80", own.address);
    let (client, server) = connect(&mut pair, &address);
    transfer(&mut pair, client, server, 100_000);
    assert_eq!(pair.one.stack.peer_address(client), Ok(ip(&address)));
}

#[test]
fn bad_cables() {
    for (place, nature) in [
        Nature {
            loss: 5,
            ..Nature::default()
        },
        Nature {
            twice: 20,
            ..Nature::default()
        },
        Nature {
            late: 20,
            delay: MILLISECOND,
            ..Nature::default()
        },
        Nature {
            loss: 3,
            twice: 3,
            late: 10,
            delay: 500_000,
        },
    ]
    .into_iter()
    .enumerate()
    {
        let mut pair = Pair::new(nature, 1500, Offload::default());
        let (client, server) = connect(&mut pair, "10.0.0.2:80");
        let took = transfer(&mut pair, client, server, 300_000);
        eprintln!("cable {place}: {} ms", took / MILLISECOND);
    }
}

#[test]
fn small_packets_and_large_ones() {
    for mtu in [576, 1280, 9000, 65535] {
        let mut pair = Pair::new(Nature::default(), mtu, Offload::default());
        let (client, server) = connect(&mut pair, "10.0.0.2:80");
        transfer(&mut pair, client, server, 300_000);
    }
}

#[test]
fn devices_that_do_the_work() {
    let offload = Offload {
        checksum_v4: true,
        checksum_v6: true,
        segment_v4: 65535,
        segment_v6: 65535,
    };
    let mut pair = Pair::new(Nature::default(), 1500, offload);
    let (client, server) = connect(&mut pair, "10.0.0.2:80");
    transfer(&mut pair, client, server, 2_000_000);
}

#[test]
fn damage_is_noticed() {
    let mut pair = Pair::plain();
    let (client, server) = connect(&mut pair, "10.0.0.2:80");
    pair.one.stack.write(client, b"precious").unwrap();
    pair.one.poll();
    for (_, frame, _) in pair.cable.there.borrow_mut().iter_mut() {
        let last = frame.len() - 1;
        frame[last] ^= 1;
    }
    pair.pass(10 * MILLISECOND);
    assert_eq!(pair.two.drain(server), Ok(vec![]));
    pair.pass(5 * SECOND);
    assert_eq!(pair.two.drain(server), Ok(b"precious".to_vec()));
}

#[test]
fn nobody_answers() {
    let mut pair = Pair::plain();
    // No such neighbour: the link says so.
    let client = pair.one.begin("10.0.0.77:80");
    pair.pass(2 * SECOND);
    assert_eq!(pair.one.stack.take_error(client), None);
    pair.pass(2 * SECOND);
    assert_eq!(pair.one.is_ready(client), WRITE);
    assert_eq!(pair.one.stack.take_error(client), Some(Errno::EHOSTUNREACH));
    pair.one.stack.close(client);
    // No such gateway.
    let client = pair.one.begin("192.0.2.1:80");
    pair.pass(4 * SECOND);
    assert_eq!(pair.one.stack.take_error(client), Some(Errno::EHOSTUNREACH));
    pair.one.stack.close(client);
    // A port that nobody uses.
    let client = pair.one.begin("10.0.0.2:80");
    pair.pass(SECOND);
    assert_eq!(pair.one.stack.take_error(client), Some(Errno::ECONNREFUSED));
    pair.one.stack.close(client);
    // A cable that is cut, with the neighbour known.
    pair.cable.up.set(false);
    let client = pair.one.begin("10.0.0.2:80");
    pair.pass(140 * SECOND);
    let error = pair.one.stack.take_error(client);
    assert!(
        matches!(error, Some(Errno::ETIMEDOUT | Errno::EHOSTUNREACH)),
        "{error:?}"
    );
    pair.one.stack.close(client);
    pair.pass(SECOND);
    assert_eq!(pair.one.stack.usage().connections, 0);
}

#[test]
fn a_cut_cable_times_out_and_a_mended_one_goes_on() {
    let mut pair = Pair::plain();
    let (client, server) = connect(&mut pair, "10.0.0.2:80");
    pair.cable.up.set(false);
    pair.one.stack.write(client, b"late").unwrap();
    pair.pass(20 * SECOND);
    pair.cable.up.set(true);
    pair.pass(60 * SECOND);
    assert_eq!(pair.two.drain(server), Ok(b"late".to_vec()));
    pair.cable.up.set(false);
    pair.one.stack.write(client, b"never").unwrap();
    pair.one.stack.watch(client, READ);
    pair.pass(1500 * SECOND);
    let error = pair.one.drain(client);
    assert!(
        matches!(
            error,
            Err((_, Some(Errno::ETIMEDOUT | Errno::EHOSTUNREACH)))
        ),
        "{error:?}"
    );
}

#[test]
fn a_reader_who_is_slow() {
    let mut pair = Pair::plain();
    let (client, server) = connect(&mut pair, "10.0.0.2:80");
    let mut sent = 0;
    for _ in 0..2000 {
        match pair.one.stack.write(client, &[7; 10_000]) {
            Ok(count) => sent += count,
            Err(error) => {
                assert_eq!(error, Errno::EAGAIN);
                break;
            }
        }
        pair.pass(10 * MILLISECOND);
    }
    assert!(sent <= 600_000, "{sent} bytes were taken");
    // The window stays shut for minutes, and then opens.
    pair.pass(600 * SECOND);
    let mut got = 0;
    while got < sent {
        got += pair.two.drain(server).unwrap().len();
        pair.pass(100 * MILLISECOND);
    }
    assert_eq!(got, sent);
}

#[test]
fn half_closed_both_ways() {
    let mut pair = Pair::plain();
    let (client, server) = connect(&mut pair, "10.0.0.2:80");
    pair.one.stack.write(client, b"request").unwrap();
    pair.one.stack.shutdown(client, Direction::Write).unwrap();
    pair.pass(SECOND);
    assert_eq!(pair.two.drain(server), Err((b"request".to_vec(), None)));
    pair.two.stack.write(server, b"response").unwrap();
    pair.two.stack.close(server);
    pair.pass(SECOND);
    assert_eq!(pair.one.drain(client), Err((b"response".to_vec(), None)));
    pair.one.stack.close(client);
    pair.pass(90 * SECOND);
    assert_eq!(
        pair.one.stack.usage().connections + pair.two.stack.usage().connections,
        0
    );
}

#[test]
fn who_has_closed_is_not_kept_by_who_has_not() {
    let mut pair = Pair::plain();
    let (client, _server) = connect(&mut pair, "10.0.0.2:80");
    pair.one.stack.close(client);
    pair.pass(90 * SECOND);
    assert_eq!(pair.one.stack.usage().connections, 0);
}

#[test]
fn messages_in_pieces() {
    let mut pair = Pair::plain();
    for (from, to) in [
        ("10.0.0.1:9", "10.0.0.2:9"),
        ("[::]:10", "[fe80::216:3eff:fe00:2%2]:10"),
    ] {
        let one = pair.one.udp(from);
        let any = if from.starts_with('[') {
            from
        } else {
            "0.0.0.0:9"
        };
        let two = pair.two.udp(any);
        let data: Vec<u8> = (0..60_000u32).map(|n| (n % 251) as u8).collect();
        // The first waits for the neighbour's address; only so many pieces can.
        let control = Control::default();
        pair.one
            .stack
            .send_to(one, &ip(to), b"first", &control)
            .unwrap();
        pair.pass(SECOND);
        assert_eq!(
            pair.one.stack.send_to(one, &ip(to), &data, &control),
            Ok(60_000)
        );
        pair.pass(SECOND);
        let mut buffer = vec![0; 65536];
        assert_eq!(pair.two.stack.read(two, &mut buffer), Ok(5));
        assert_eq!(pair.two.stack.read(two, &mut buffer), Ok(60_000), "{to}");
        assert_eq!(buffer[..60_000], data);
    }
}

#[test]
fn broadcasts_need_leave() {
    let mut pair = Pair::plain();
    let one = pair.one.udp("0.0.0.0:9");
    let two = pair.two.udp("0.0.0.0:9");
    let control = Control::default();
    for to in ["255.255.255.255:9", "10.0.0.255:9"] {
        let to = ip(to);
        let no = OptionValue::Number(0);
        pair.one
            .stack
            .set_option(one, OptionName::Broadcast, &no)
            .unwrap();
        assert_eq!(
            pair.one.stack.send_to(one, &to, b"x", &control),
            Err(Errno::EACCES)
        );
        let yes = OptionValue::Number(1);
        pair.one
            .stack
            .set_option(one, OptionName::Broadcast, &yes)
            .unwrap();
        pair.one.stack.send_to(one, &to, b"all", &control).unwrap();
        pair.pass(SECOND);
        let got = pair.two.stack.receive_from(two, &mut [0; 9]).unwrap();
        assert_eq!((got.len, got.from), (3, ip("10.0.0.1:9")));
        // We are part of everybody.
        assert_eq!(pair.one.stack.read(one, &mut [0; 9]), Ok(3));
    }
}

#[test]
fn groups() {
    let mut pair = Pair::plain();
    let one = pair.one.udp("0.0.0.0:9");
    let two = pair.two.udp("0.0.0.0:9");
    let group = "239.1.2.3".parse().unwrap();
    let membership = OptionValue::Membership {
        group,
        interface: MembershipInterface::Address("0.0.0.0".parse().unwrap()),
    };
    let control = Control::default();
    let to = ip("239.1.2.3:9");
    pair.one
        .stack
        .send_to(one, &to, b"nobody", &control)
        .unwrap();
    pair.pass(SECOND);
    assert_eq!(pair.two.stack.read(two, &mut [0; 9]), Err(Errno::EAGAIN));
    pair.two
        .stack
        .set_option(two, OptionName::AddMembership, &membership)
        .unwrap();
    assert_eq!(
        pair.two
            .stack
            .set_option(two, OptionName::AddMembership, &membership),
        Err(Errno::EADDRINUSE)
    );
    pair.one
        .stack
        .send_to(one, &to, b"group", &control)
        .unwrap();
    pair.pass(SECOND);
    assert_eq!(pair.two.stack.read(two, &mut [0; 9]), Ok(5));
    assert_eq!(pair.one.stack.read(one, &mut [0; 9]), Err(Errno::EAGAIN));
    pair.one
        .stack
        .set_option(one, OptionName::AddMembership, &membership)
        .unwrap();
    pair.one.stack.send_to(one, &to, b"loop", &control).unwrap();
    pair.pass(SECOND);
    assert_eq!(pair.one.stack.read(one, &mut [0; 9]), Ok(4));
    pair.two
        .stack
        .set_option(two, OptionName::DropMembership, &membership)
        .unwrap();
    pair.one.stack.send_to(one, &to, b"left", &control).unwrap();
    pair.pass(SECOND);
    assert_eq!(
        pair.two.stack.read(two, &mut [0; 9]),
        Ok(4),
        "what was sent before"
    );
    assert_eq!(pair.two.stack.read(two, &mut [0; 9]), Err(Errno::EAGAIN));
}

#[test]
fn a_flood_of_syns_is_bounded() {
    let mut pair = Pair::plain();
    let listener = pair.two.listen("0.0.0.0:80", 16);
    let acquainted = pair.one.begin("10.0.0.2:81");
    pair.pass(SECOND);
    pair.one.stack.close(acquainted);
    let frame = {
        let _client = pair.one.begin("10.0.0.2:80");
        pair.one.poll();
        let frames = pair.cable.there.borrow();
        frames
            .iter()
            .map(|(_, frame, _)| frame.clone())
            .find(|frame| frame[23] == 6)
            .unwrap()
    };
    pair.settle();
    let before = pair.two.stack.usage().buffers;
    let mut dice = Dice(99);
    for _ in 0..100_000u32 {
        let mut frame = frame.clone();
        // Another source each time; checksums are declared good.
        for byte in &mut frame[26..30] {
            *byte = 1 + dice.roll(220) as u8;
        }
        frame[10 + 14..12 + 14].fill(0);
        let sum: u32 = (0..10)
            .map(|n| u32::from(frame[14 + 2 * n]) << 8 | u32::from(frame[15 + 2 * n]))
            .sum();
        let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        pair.cable.there.borrow_mut().push_back((0, frame, true));
        if dice.roll(100) == 0 {
            pair.two.poll();
            pair.cable.back.borrow_mut().clear();
        }
    }
    pair.two.poll();
    let usage = pair.two.stack.usage();
    assert!(usage.half_open <= 1024, "{usage:?}");
    assert!(usage.buffers - before < 40 << 20, "{usage:?}");
    pair.cable.there.borrow_mut().clear();
    pair.cable.back.borrow_mut().clear();
    // Those who mean it still get through.
    let client = pair.one.begin("10.0.0.2:80");
    pair.pass(10 * SECOND);
    assert!(pair.one.is_ready(client).write);
    assert!(pair.two.stack.accept(listener).is_ok());
    pair.pass(100 * SECOND);
    assert_eq!(pair.two.stack.usage().half_open, 0);
}

#[test]
fn the_link_goes_away() {
    let mut pair = Pair::plain();
    let (client, _) = connect(&mut pair, "10.0.0.2:80");
    pair.one.stack.watch(client, READ);
    let link = pair.one.stack.remove_link(1, pair.one.now).unwrap();
    pair.one.poll();
    assert_eq!(pair.one.is_ready(client), READ);
    assert_eq!(pair.one.drain(client), Err((vec![], Some(Errno::ENETDOWN))));
    let other = pair.one.tcp(Family::Inet);
    assert_eq!(
        pair.one.stack.connect(other, &ip("10.0.0.2:80")),
        Err(Errno::ENETUNREACH)
    );
    assert_eq!(pair.one.stack.interfaces().unwrap().len(), 1);
    pair.one.stack.add_link("eth0".into(), link, pair.one.now);
    pair.pass(2 * SECOND);
    pair.one.stack.close(client);
    connect(&mut pair, "10.0.0.2:81");
}

#[test]
fn our_own_address_goes_around_the_loopback() {
    let mut pair = Pair::plain();
    pair.cable.up.set(false);
    let (client, server) = pair.one.pair("10.0.0.1:80");
    assert_eq!(pair.one.stack.peer_address(client), Ok(ip("10.0.0.1:80")));
    pair.one.stack.write(client, b"self").unwrap();
    pair.one.settle();
    assert_eq!(pair.one.drain(server), Ok(b"self".to_vec()));
    let Ok(Address::Ip(local)) = pair.one.stack.local_address(client) else {
        panic!()
    };
    assert_eq!(local.ip().to_string(), "10.0.0.1");
}

//! Sockets that talk to sockets of the same machine: results and errors as Linux gives them.

mod common;

use common::*;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{Event, Interest};
use starling_vm::platform::network::{
    Address, Control, Direction, Family, Kind, Network, OptionName, OptionValue,
};

#[test]
fn a_connection_from_its_beginning_to_its_end() {
    let mut host = Host::new(1);
    let (client, server) = host.pair("127.0.0.1:80");
    let peer = host.stack.peer_address(server).unwrap();
    assert_eq!(peer, host.stack.local_address(client).unwrap());
    assert_eq!(host.stack.peer_address(client).unwrap(), ip("127.0.0.1:80"));
    assert_eq!(host.stack.read(server, &mut [0; 9]), Err(Errno::EAGAIN));
    assert_eq!(host.stack.write(client, b"hello"), Ok(5));
    host.stack.watch(server, READ);
    host.settle();
    assert_eq!(host.is_ready(server), READ);
    assert_eq!(host.stack.readable_bytes(server), Ok(5));
    // It stays ready, and is reported again.
    host.poll();
    assert_eq!(host.is_ready(server), READ);
    assert_eq!(host.drain(server).unwrap(), b"hello");
    assert_eq!(host.stack.write_parts(server, &[b"a", b"", b"bc"]), Ok(3));
    host.stack.watch(server, Interest::NONE);
    host.settle();
    assert_eq!(host.drain(client).unwrap(), b"abc");
    host.stack.shutdown(client, Direction::Write).unwrap();
    assert_eq!(host.stack.write(client, b"x"), Err(Errno::EPIPE));
    host.settle();
    assert_eq!(host.drain(server), Err((vec![], None)));
    // Half-closed: the other direction goes on.
    assert_eq!(host.stack.write(server, b"still"), Ok(5));
    host.settle();
    assert_eq!(host.drain(client).unwrap(), b"still");
    host.stack.close(server);
    host.settle();
    assert_eq!(host.drain(client), Err((vec![], None)));
    host.stack.close(client);
    host.pass(90 * SECOND);
    assert_eq!(host.stack.next_deadline(), None);
    assert_eq!(host.stack.usage().connections, 0);
}

#[test]
fn much_goes_through() {
    let mut host = Host::new(2);
    let (client, server) = host.pair("[::1]:80");
    let data: Vec<u8> = (0..5_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    let (mut sent, mut got) = (0, Vec::new());
    let mut rounds = 0;
    while got.len() < data.len() {
        match host.stack.write(client, &data[sent..]) {
            Ok(count) => sent += count,
            Err(error) => assert!(sent == data.len() || error == Errno::EAGAIN),
        }
        host.settle();
        got.extend(host.drain(server).unwrap());
        host.settle();
        rounds += 1;
        assert!(rounds < 1000, "{} of {}", got.len(), data.len());
    }
    assert!(got == data);
}

#[test]
fn errors_of_those_that_connect() {
    let mut host = Host::new(3);
    let client = host.begin("127.0.0.1:81");
    host.settle();
    assert_eq!(host.is_ready(client), WRITE);
    assert_eq!(host.stack.take_error(client), Some(Errno::ECONNREFUSED));
    assert_eq!(host.stack.take_error(client), None);
    assert_eq!(host.stack.write(client, b"x"), Err(Errno::EPIPE));
    let other = host.tcp(Family::Inet);
    assert_eq!(
        host.stack.connect(other, &ip("192.0.2.1:80")),
        Err(Errno::ENETUNREACH)
    );
    assert_eq!(
        host.stack.connect(other, &ip("[::1]:80")),
        Err(Errno::EAFNOSUPPORT)
    );
    assert_eq!(host.stack.read(other, &mut [0; 1]), Err(Errno::ENOTCONN));
    assert_eq!(host.stack.write(other, b"x"), Err(Errno::EPIPE));
    assert_eq!(host.stack.peer_address(other), Err(Errno::ENOTCONN));
    assert_eq!(
        host.stack.shutdown(other, Direction::Both),
        Err(Errno::ENOTCONN)
    );
    assert_eq!(host.stack.accept(other).unwrap_err(), Errno::EINVAL);
    let (client, _) = host.pair("127.0.0.1:82");
    assert_eq!(
        host.stack.connect(client, &ip("127.0.0.1:82")),
        Err(Errno::EISCONN)
    );
    assert_eq!(
        host.stack.bind(client, &ip("127.0.0.1:0")),
        Err(Errno::EINVAL)
    );
    let begun = host.tcp(Family::Inet);
    let to = ip("127.0.0.1:83");
    assert_eq!(host.stack.connect(begun, &to), Err(Errno::EINPROGRESS));
    assert_eq!(host.stack.connect(begun, &to), Err(Errno::EALREADY));
    host.settle();
    assert_eq!(host.stack.connect(begun, &to), Err(Errno::ECONNREFUSED));
    // And again, when somebody is there.
    let _listener = host.listen("127.0.0.1:83", 1);
    assert_eq!(host.stack.connect(begun, &to), Err(Errno::EINPROGRESS));
    host.settle();
    assert_eq!(host.stack.take_error(begun), None);
    assert!(host.stack.peer_address(begun).is_ok());
}

#[test]
fn errors_of_those_that_listen() {
    let mut host = Host::new(4);
    let one = host.listen("127.0.0.1:80", 5);
    let two = host.tcp(Family::Inet);
    assert_eq!(
        host.stack.bind(two, &ip("127.0.0.1:80")),
        Err(Errno::EADDRINUSE)
    );
    assert_eq!(
        host.stack.bind(two, &ip("0.0.0.0:80")),
        Err(Errno::EADDRINUSE)
    );
    assert_eq!(
        host.stack.bind(two, &ip("192.0.2.1:80")),
        Err(Errno::EADDRNOTAVAIL)
    );
    host.stack.bind(two, &ip("127.0.0.2:80")).unwrap();
    assert_eq!(
        host.stack.bind(two, &ip("127.0.0.2:81")),
        Err(Errno::EINVAL)
    );
    let six = host.tcp(Family::Inet6);
    assert_eq!(host.stack.bind(six, &ip("[::]:80")), Err(Errno::EADDRINUSE));
    let yes = OptionValue::Number(1);
    host.stack
        .set_option(six, OptionName::OnlyV6, &yes)
        .unwrap();
    host.stack.bind(six, &ip("[::]:80")).unwrap();
    let any = host.tcp(Family::Inet);
    host.stack.listen(any, 1).unwrap();
    assert!(host.port(any) >= 32768);
    assert_eq!(host.stack.accept(one).unwrap_err(), Errno::EAGAIN);
}

#[test]
fn a_port_can_be_used_again_only_when_that_was_said() {
    for reuse in [false, true] {
        let mut host = Host::new(5);
        let listener = host.tcp(Family::Inet);
        let value = OptionValue::Number(reuse.into());
        host.stack
            .set_option(listener, OptionName::ReuseAddress, &value)
            .unwrap();
        host.stack.bind(listener, &ip("127.0.0.1:80")).unwrap();
        host.stack.listen(listener, 5).unwrap();
        let client = host.begin("127.0.0.1:80");
        host.settle();
        let (server, _) = host.stack.accept(listener).unwrap();
        host.stack.close(listener);
        host.stack.close(server);
        host.settle();
        host.stack.close(client);
        host.settle();
        let again = host.tcp(Family::Inet);
        host.stack
            .set_option(again, OptionName::ReuseAddress, &value)
            .unwrap();
        let expected = if reuse {
            Ok(())
        } else {
            Err(Errno::EADDRINUSE)
        };
        assert_eq!(host.stack.bind(again, &ip("127.0.0.1:80")), expected);
        host.pass(90 * SECOND);
        if !reuse {
            host.stack.bind(again, &ip("127.0.0.1:80")).unwrap();
        }
    }
}

#[test]
fn resets() {
    let mut host = Host::new(6);
    // Unread data.
    let (client, server) = host.pair("127.0.0.1:80");
    host.stack.write(client, b"unread").unwrap();
    host.settle();
    host.stack.close(server);
    host.settle();
    assert_eq!(host.drain(client), Err((vec![], Some(Errno::ECONNRESET))));
    assert_eq!(host.drain(client), Err((vec![], None)));
    assert_eq!(host.stack.write(client, b"x"), Err(Errno::EPIPE));
    // A linger of nothing.
    let (client, server) = host.pair("127.0.0.1:81");
    let none = OptionValue::Linger {
        on: true,
        seconds: 0,
    };
    host.stack.write(server, b"before").unwrap();
    host.settle();
    host.stack
        .set_option(server, OptionName::Linger, &none)
        .unwrap();
    host.stack.close(server);
    host.stack.watch(client, BOTH);
    host.settle();
    assert_eq!(host.is_ready(client), BOTH);
    assert_eq!(
        host.drain(client),
        Err((b"before".to_vec(), Some(Errno::ECONNRESET)))
    );
    // Data for somebody who has closed.
    let (client, server) = host.pair("127.0.0.1:82");
    host.stack.close(server);
    host.settle();
    assert_eq!(host.stack.write(client, b"x"), Ok(1));
    host.settle();
    assert_eq!(host.stack.take_error(client), Some(Errno::EPIPE));
    assert_eq!(host.stack.write(client, b"x"), Err(Errno::EPIPE));
    host.pass(90 * SECOND);
}

#[test]
fn a_listening_socket_that_is_closed_resets_those_that_wait() {
    let mut host = Host::new(7);
    let listener = host.listen("127.0.0.1:80", 5);
    let client = host.begin("127.0.0.1:80");
    host.settle();
    assert_eq!(host.stack.take_error(client), None);
    host.stack.close(listener);
    host.settle();
    assert_eq!(host.stack.read(client, &mut [0; 1]), Err(Errno::ECONNRESET));
}

#[test]
fn a_backlog_that_is_full_takes_nobody() {
    let mut host = Host::new(8);
    let listener = host.listen("127.0.0.1:80", 2);
    let clients: Vec<_> = (0..6).map(|_| host.begin("127.0.0.1:80")).collect();
    host.pass(100 * MILLISECOND);
    let count = |host: &Host| clients.iter().filter(|&&c| host.is_ready(c).write).count();
    // All began at once; more come than the backlog says, but not once it is full.
    assert_eq!(count(&host), 6);
    let late = host.begin("127.0.0.1:80");
    host.pass(100 * MILLISECOND);
    assert!(!host.is_ready(late).write);
    for _ in 0..5 {
        host.stack.accept(listener).unwrap();
    }
    host.pass(2 * SECOND);
    assert!(host.is_ready(late).write);
}

#[test]
fn ipv4_in_ipv6_clothes() {
    let mut host = Host::new(9);
    let listener = host.listen("[::]:80", 5);
    let four = host.begin("127.0.0.1:80");
    let mapped = host.begin("[::ffff:127.0.0.1]:80");
    let six = host.begin("[::1]:80");
    host.settle();
    for client in [four, mapped, six] {
        assert_eq!(host.stack.take_error(client), None);
    }
    let mut peers = Vec::new();
    for _ in 0..3 {
        let (socket, peer) = host.stack.accept(listener).unwrap();
        let Address::Ip(peer) = peer else { panic!() };
        assert!(peer.is_ipv6());
        peers.push(peer.ip().to_string());
        assert!(matches!(host.stack.local_address(socket), Ok(Address::Ip(own)) if own.is_ipv6()));
    }
    peers.sort();
    assert_eq!(peers, ["::1", "::ffff:127.0.0.1", "::ffff:127.0.0.1"]);
    assert_eq!(
        host.stack.peer_address(mapped),
        Ok(ip("[::ffff:127.0.0.1]:80"))
    );
}

#[test]
fn messages() {
    let mut host = Host::new(10);
    let one = host.udp("127.0.0.1:0");
    let two = host.udp("127.0.0.1:53");
    let from = host.stack.local_address(one).unwrap();
    assert_eq!(
        host.stack.receive_from(two, &mut [0; 9]).unwrap_err(),
        Errno::EAGAIN
    );
    let control = Control::default();
    assert_eq!(
        host.stack
            .send_to(one, &Address::Unspecified, b"x", &control),
        Err(Errno::EDESTADDRREQ)
    );
    let to = ip("127.0.0.1:53");
    host.stack.send_to(one, &to, b"query", &control).unwrap();
    host.stack.send_to(one, &to, b"", &control).unwrap();
    host.stack
        .send_to(one, &to, &[7; 60_000], &control)
        .unwrap();
    assert_eq!(
        host.stack.send_to(one, &to, &[7; 65_508], &control),
        Err(Errno::EMSGSIZE)
    );
    host.stack.watch(two, BOTH);
    host.settle();
    assert_eq!(host.is_ready(two), BOTH);
    let mut buffer = [0; 3];
    let got = host.stack.receive_from(two, &mut buffer).unwrap();
    assert_eq!((got.len, &buffer, got.from), (3, b"que", from.clone()));
    assert_eq!(host.stack.receive_from(two, &mut buffer).unwrap().len, 0);
    assert_eq!(host.stack.readable_bytes(two), Ok(60_000));
    host.stack.connect(two, &from).unwrap();
    assert_eq!(host.stack.peer_address(two), Ok(from));
    let mut large = vec![0; 65_536];
    assert_eq!(host.stack.read(two, &mut large), Ok(60_000));
    assert_eq!(host.stack.write(two, b"answer"), Ok(6));
    host.settle();
    assert_eq!(host.stack.receive_from(one, &mut large).unwrap().from, to);
    // Nobody there: who is connected learns it.
    host.stack.close(one);
    assert_eq!(host.stack.write(two, b"x"), Ok(1));
    host.settle();
    assert_eq!(host.stack.write(two, b"x"), Err(Errno::ECONNREFUSED));
    host.stack.connect(two, &Address::Unspecified).unwrap();
    assert_eq!(host.stack.peer_address(two), Err(Errno::ENOTCONN));
}

#[test]
fn what_a_message_carried() {
    let mut host = Host::new(11);
    let one = host.udp("[::1]:0");
    let two = host.udp("[::1]:53");
    let yes = OptionValue::Number(1);
    for option in [
        OptionName::ReceiveTrafficClass,
        OptionName::ReceiveTimeToLive,
    ] {
        host.stack.set_option(two, option, &yes).unwrap();
    }
    let control = Control {
        traffic_class: Some(0x28),
        time_to_live: Some(3),
        ..Control::default()
    };
    host.stack
        .send_to(one, &ip("[::1]:53"), b"x", &control)
        .unwrap();
    host.settle();
    let got = host.stack.receive_from(two, &mut [0; 9]).unwrap();
    assert_eq!((got.traffic_class, got.time_to_live), (Some(0x28), Some(3)));
    assert_eq!(got.type_of_service, None);
}

#[test]
fn messages_that_nobody_reads_are_bounded() {
    let mut host = Host::new(12);
    let one = host.udp("127.0.0.1:0");
    let two = host.udp("127.0.0.1:53");
    for _ in 0..10_000 {
        let control = Control::default();
        host.stack
            .send_to(one, &ip("127.0.0.1:53"), &[1; 1000], &control)
            .unwrap();
        host.poll();
    }
    let mut count = 0;
    while host.stack.receive_from(two, &mut [0; 2000]).is_ok() {
        count += 1;
    }
    assert!((150..=212).contains(&count), "{count}");
}

#[test]
fn descriptors_that_are_none() {
    let mut host = Host::new(13);
    let socket = host.tcp(Family::Inet);
    host.stack.close(socket);
    assert_eq!(host.stack.read(socket, &mut [0; 1]), Err(Errno::EBADF));
    assert_eq!(host.stack.write(socket, &[0; 1]), Err(Errno::EBADF));
    host.stack.close(socket);
    host.stack.watch(socket, READ);
    host.poll();
    assert_eq!(host.events, [Event::Invalid(socket)]);
    assert_eq!(
        host.stack.open(Family::Local, Kind::Stream),
        Err(Errno::EAFNOSUPPORT)
    );
}

#[test]
fn options_as_linux_has_them() {
    let mut host = Host::new(14);
    let socket = host.tcp(Family::Inet);
    let stack = &mut host.stack;
    let number = OptionValue::Number;
    stack
        .set_option(socket, OptionName::SendBuffer, &number(10_000))
        .unwrap();
    assert_eq!(
        stack.option(socket, OptionName::SendBuffer),
        Ok(number(20_000))
    );
    stack
        .set_option(socket, OptionName::NoDelay, &number(7))
        .unwrap();
    assert_eq!(stack.option(socket, OptionName::NoDelay), Ok(number(1)));
    assert_eq!(
        stack.set_option(socket, OptionName::TimeToLive, &number(0)),
        Err(Errno::EINVAL)
    );
    assert_eq!(
        stack.set_option(socket, OptionName::OnlyV6, &number(1)),
        Err(Errno::ENOPROTOOPT)
    );
    let raw = OptionName::Raw {
        level: 6,
        name: 18,
        len: 4,
    };
    assert_eq!(stack.option(socket, raw), Err(Errno::ENOPROTOOPT));
}

#[test]
fn interfaces() {
    let mut host = Host::new(15);
    let all = host.stack.interfaces().unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].index, all[0].name.as_str()), (1, "lo"));
    let addresses: Vec<String> = all[0]
        .addresses
        .iter()
        .map(|a| a.address.to_string())
        .collect();
    assert_eq!(addresses, ["127.0.0.1", "::1"]);
    assert_eq!(all[0].addresses[0].netmask.to_string(), "255.0.0.0");
}

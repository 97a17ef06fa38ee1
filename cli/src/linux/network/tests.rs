//! Sockets of the host as the machine uses them: nothing waits, and errors are those that Linux gives.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

use rustix::event::Timespec;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{Descriptor, Event, Interest};
use starling_vm::platform::network::{
    Address, Control, Direction, Family, Kind, MembershipInterface, Network, OptionName,
    OptionValue,
};

use crate::linux::io::LinuxIo;

const READ: Interest = Interest {
    read: true,
    write: false,
};
const WRITE: Interest = Interest {
    read: false,
    write: true,
};

fn local(port: u16) -> Address {
    Address::Ip((Ipv4Addr::LOCALHOST, port).into())
}

fn wait(io: &mut LinuxIo, socket: Descriptor, interest: Interest) {
    io.watch(socket, interest);
    let limit = Timespec {
        tv_sec: 10,
        tv_nsec: 0,
    };
    io.collect(Some(&limit));
    assert_eq!(io.next_event(), Some(Event::Ready(socket, interest)));
    io.watch(socket, Interest::NONE);
}

/// A listening socket and its address.
fn listener(io: &mut LinuxIo) -> (Descriptor, Address) {
    let socket = io.open(Family::Inet, Kind::Stream).unwrap();
    io.bind(socket, &local(0)).unwrap();
    io.listen(socket, 5).unwrap();
    let address = io.local_address(socket).unwrap();
    (socket, address)
}

fn datagram(io: &mut LinuxIo, ip: IpAddr) -> (Descriptor, Address) {
    let family = match ip {
        IpAddr::V4(_) => Family::Inet,
        IpAddr::V6(_) => Family::Inet6,
    };
    let socket = io.open(family, Kind::Datagram).unwrap();
    let any = Address::Ip(SocketAddr::new(ip, 0));
    io.bind(socket, &any).unwrap();
    let address = io.local_address(socket).unwrap();
    (socket, address)
}

#[test]
fn a_connection_carries_bytes_both_ways_and_ends_by_halves() {
    let mut io = LinuxIo::new();
    let (listener, address) = listener(&mut io);
    assert_eq!(io.accept(listener).unwrap_err(), Errno::EAGAIN);
    let ours = io.open(Family::Inet, Kind::Stream).unwrap();
    assert_eq!(io.peer_address(ours), Err(Errno::ENOTCONN));
    match io.connect(ours, &address) {
        Ok(()) => {}
        Err(error) => {
            assert_eq!(error, Errno::EINPROGRESS);
            wait(&mut io, ours, WRITE);
        }
    }
    assert_eq!(io.take_error(ours), None);
    assert_eq!(io.peer_address(ours), Ok(address));
    wait(&mut io, listener, READ);
    let (theirs, from) = io.accept(listener).unwrap();
    assert_eq!(io.local_address(ours), Ok(from));
    let mut buffer = [0; 16];
    assert_eq!(io.read(theirs, &mut buffer), Err(Errno::EAGAIN));
    assert_eq!(io.write_parts(ours, &[b"ab", b"", b"cde"]), Ok(5));
    wait(&mut io, theirs, READ);
    assert_eq!(io.readable_bytes(theirs), Ok(5));
    assert_eq!(io.read(theirs, &mut buffer), Ok(5));
    assert_eq!(&buffer[..5], b"abcde");
    io.shutdown(ours, Direction::Write).unwrap();
    wait(&mut io, theirs, READ);
    assert_eq!(io.read(theirs, &mut buffer), Ok(0));
    assert_eq!(io.write(theirs, b"xyz"), Ok(3));
    wait(&mut io, ours, READ);
    assert_eq!(io.read(ours, &mut buffer), Ok(3));
    assert_eq!(io.write(ours, b"more"), Err(Errno::EPIPE));
    for socket in [ours, theirs, listener] {
        io.close(socket);
        assert_eq!(io.local_address(socket), Err(Errno::EBADF));
    }
}

#[test]
fn a_refused_connection_says_so_once() {
    let mut io = LinuxIo::new();
    let (listener, address) = listener(&mut io);
    io.close(listener);
    let ours = io.open(Family::Inet, Kind::Stream).unwrap();
    match io.connect(ours, &address) {
        Err(Errno::EINPROGRESS) => {
            wait(&mut io, ours, WRITE);
            assert_eq!(io.take_error(ours), Some(Errno::ECONNREFUSED));
        }
        other => assert_eq!(other, Err(Errno::ECONNREFUSED)),
    }
    assert_eq!(io.take_error(ours), None);
    io.close(ours);
}

#[test]
fn an_address_in_use_is_refused() {
    let mut io = LinuxIo::new();
    let (first, address) = listener(&mut io);
    let second = io.open(Family::Inet, Kind::Stream).unwrap();
    assert_eq!(io.bind(second, &address), Err(Errno::EADDRINUSE));
    assert_eq!(io.bind(second, &Address::Unspecified), Err(Errno::EINVAL));
    io.close(first);
    io.close(second);
}

#[test]
fn messages_keep_their_limits_and_tell_their_sender() {
    let mut io = LinuxIo::new();
    let (a, address_of_a) = datagram(&mut io, Ipv4Addr::LOCALHOST.into());
    let (b, address_of_b) = datagram(&mut io, Ipv4Addr::LOCALHOST.into());
    let none = Control::default();
    assert_eq!(io.send_to(a, &address_of_b, b"hello", &none), Ok(5));
    assert_eq!(io.send_to(a, &address_of_b, b"", &none), Ok(0));
    let mut buffer = [0; 3];
    wait(&mut io, b, READ);
    let received = io.receive_from(b, &mut buffer).unwrap();
    assert_eq!((received.len, &buffer), (3, b"hel"));
    assert_eq!(received.from, address_of_a);
    assert_eq!(io.receive_from(b, &mut buffer).unwrap().len, 0);
    assert_eq!(io.receive_from(b, &mut buffer).unwrap_err(), Errno::EAGAIN);
    let long = vec![0; 70_000];
    assert_eq!(
        io.send_to(a, &address_of_b, &long, &none),
        Err(Errno::EMSGSIZE)
    );
    assert_eq!(
        io.send_to(a, &Address::Unspecified, b"x", &none),
        Err(Errno::EDESTADDRREQ)
    );
    io.connect(a, &address_of_b).unwrap();
    assert_eq!(io.send_to(a, &Address::Unspecified, b"x", &none), Ok(1));
    io.close(b);
    let _ = io.send_to(a, &Address::Unspecified, b"x", &none);
    assert_eq!(io.take_error(a), Some(Errno::ECONNREFUSED));
    io.connect(a, &Address::Unspecified).unwrap();
    assert_eq!(io.peer_address(a), Err(Errno::ENOTCONN));
    io.close(a);
}

#[test]
fn what_goes_beside_a_message_arrives_if_it_is_asked_for() {
    let mut io = LinuxIo::new();
    let (a, _) = datagram(&mut io, Ipv4Addr::LOCALHOST.into());
    let (b, to) = datagram(&mut io, Ipv4Addr::LOCALHOST.into());
    let control = Control {
        type_of_service: Some(0x20),
        traffic_class: None,
        time_to_live: Some(7),
    };
    let mut buffer = [0; 8];
    io.send_to(a, &to, b"1", &control).unwrap();
    let received = io.receive_from(b, &mut buffer).unwrap();
    assert_eq!(
        (received.type_of_service, received.time_to_live),
        (None, None)
    );
    for option in [
        OptionName::ReceiveTypeOfService,
        OptionName::ReceiveTimeToLive,
    ] {
        io.set_option(b, option, &OptionValue::Number(1)).unwrap();
    }
    io.send_to(a, &to, b"2", &control).unwrap();
    let received = io.receive_from(b, &mut buffer).unwrap();
    assert_eq!(received.type_of_service, Some(0x20));
    assert_eq!(received.time_to_live, Some(7));
    io.close(a);
    io.close(b);
}

#[test]
fn traffic_class_is_ipv6s() {
    let mut io = LinuxIo::new();
    let (a, _) = datagram(&mut io, Ipv6Addr::LOCALHOST.into());
    let (b, to) = datagram(&mut io, Ipv6Addr::LOCALHOST.into());
    let on = OptionValue::Number(1);
    io.set_option(b, OptionName::ReceiveTrafficClass, &on)
        .unwrap();
    let control = Control {
        traffic_class: Some(0x60),
        ..Control::default()
    };
    io.send_to(a, &to, b"x", &control).unwrap();
    let received = io.receive_from(b, &mut [0; 8]).unwrap();
    assert_eq!(received.traffic_class, Some(0x60));
    io.close(a);
    io.close(b);
}

#[test]
fn options_are_the_systems() {
    let mut io = LinuxIo::new();
    let (tcp, _) = listener(&mut io);
    for option in [
        OptionName::ReuseAddress,
        OptionName::ReusePort,
        OptionName::KeepAlive,
        OptionName::NoDelay,
        OptionName::Cork,
        OptionName::DontRoute,
    ] {
        for value in [1, 0] {
            let value = OptionValue::Number(value);
            io.set_option(tcp, option, &value).unwrap();
            assert_eq!(io.option(tcp, option), Ok(value), "{option:?}");
        }
    }
    let linger = OptionValue::Linger {
        on: true,
        seconds: 5,
    };
    io.set_option(tcp, OptionName::Linger, &linger).unwrap();
    assert_eq!(io.option(tcp, OptionName::Linger), Ok(linger));
    // The kernel doubles it for its own needs.
    let size = OptionValue::Number(20_000);
    io.set_option(tcp, OptionName::SendBuffer, &size).unwrap();
    assert_eq!(
        io.option(tcp, OptionName::SendBuffer),
        Ok(OptionValue::Number(40_000))
    );
    assert_eq!(
        io.set_option(tcp, OptionName::OnlyV6, &OptionValue::Number(1)),
        Err(Errno::ENOPROTOOPT)
    );
    assert_eq!(
        io.set_option(tcp, OptionName::Linger, &OptionValue::Number(1)),
        Err(Errno::EINVAL)
    );
    let raw = OptionName::Raw {
        level: libc::IPPROTO_TCP,
        name: libc::TCP_USER_TIMEOUT,
        len: 4,
    };
    let timeout = OptionValue::Bytes(1234u32.to_ne_bytes().to_vec());
    io.set_option(tcp, raw, &timeout).unwrap();
    assert_eq!(io.option(tcp, raw), Ok(timeout));
    let nowhere = OptionValue::Bytes(b"no-such-device".to_vec());
    assert!(matches!(
        io.set_option(tcp, OptionName::BindToDevice, &nowhere),
        Err(Errno::ENODEV | Errno::EPERM)
    ));
    io.close(tcp);
}

#[test]
fn groups_are_joined_and_left() {
    let mut io = LinuxIo::new();
    let (socket, _) = datagram(&mut io, Ipv4Addr::UNSPECIFIED.into());
    let membership = OptionValue::Membership {
        group: Ipv4Addr::new(224, 1, 2, 3).into(),
        interface: MembershipInterface::Address(Ipv4Addr::LOCALHOST),
    };
    let (join, leave) = (OptionName::AddMembership, OptionName::DropMembership);
    assert_eq!(
        io.set_option(socket, leave, &membership),
        Err(Errno::EADDRNOTAVAIL)
    );
    io.set_option(socket, join, &membership).unwrap();
    assert_eq!(
        io.set_option(socket, join, &membership),
        Err(Errno::EADDRINUSE)
    );
    io.set_option(socket, leave, &membership).unwrap();
    let interface = OptionValue::Address(Ipv4Addr::LOCALHOST);
    let name = OptionName::MulticastInterface;
    io.set_option(socket, name, &interface).unwrap();
    assert_eq!(io.option(socket, name), Ok(interface));
    io.close(socket);
}

#[test]
fn local_sockets_have_names_of_files_and_of_the_abstract_space() {
    let mut io = LinuxIo::new();
    let directory = std::env::temp_dir();
    let path = directory.join(format!("starling-network-{}", std::process::id()));
    let path = path.into_os_string().into_encoded_bytes();
    let hidden = format!("\0starling-network-{}", std::process::id());
    for name in [path.clone(), hidden.into_bytes()] {
        let server = io.open(Family::Local, Kind::Datagram).unwrap();
        let address = Address::Local(name);
        io.bind(server, &address).unwrap();
        assert_eq!(io.local_address(server), Ok(address.clone()));
        let client = io.open(Family::Local, Kind::Datagram).unwrap();
        let none = Control::default();
        assert_eq!(io.send_to(client, &address, b"x", &none), Ok(1));
        let received = io.receive_from(server, &mut [0; 4]).unwrap();
        assert_eq!(received.from, Address::Unspecified);
        // An empty name asks for one.
        io.bind(client, &Address::Local(Vec::new())).unwrap();
        io.connect(client, &address).unwrap();
        io.send_to(client, &Address::Unspecified, b"y", &none)
            .unwrap();
        let received = io.receive_from(server, &mut [0; 4]).unwrap();
        assert_eq!(received.from, io.local_address(client).unwrap());
        assert!(matches!(received.from, Address::Local(name) if name[0] == 0));
        io.close(client);
        io.close(server);
    }
    std::fs::remove_file(String::from_utf8(path).unwrap()).unwrap();
    let long = io.open(Family::Local, Kind::Datagram).unwrap();
    assert!(io.bind(long, &Address::Local(vec![b'a'; 300])).is_err());
    io.close(long);
}

#[test]
fn a_socket_from_outside_is_taken_over_and_anything_else_is_not() {
    let mut io = LinuxIo::new();
    let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = Address::Ip(socket.local_addr().unwrap());
    let number = std::os::fd::IntoRawFd::into_raw_fd(socket) as u32;
    let taken = io.adopt(number).unwrap();
    assert_eq!(taken, Descriptor(number));
    assert_eq!(io.local_address(taken), Ok(address));
    assert_eq!(io.accept(taken).unwrap_err(), Errno::EAGAIN);
    assert_eq!(io.adopt(number), Ok(taken));
    io.close(taken);
    assert_eq!(io.adopt(1_000_000), Err(Errno::EBADF));
    let file = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(io.adopt(file.as_raw_fd() as u32), Err(Errno::ENOTSOCK));
}

#[test]
fn the_loopback_interface_is_there() {
    let mut io = LinuxIo::new();
    let interfaces = io.interfaces().unwrap();
    assert!(interfaces.is_sorted_by_key(|interface| interface.index));
    let loopback = interfaces.iter().find(|interface| interface.loopback);
    let loopback = loopback.unwrap();
    assert!(loopback.up && !loopback.broadcast && loopback.mtu > 1000);
    assert_eq!(loopback.hardware, Some([0; 6]));
    let mut addresses = loopback.addresses.iter();
    let v4 = addresses
        .find(|a| a.address == Ipv4Addr::LOCALHOST)
        .unwrap();
    assert_eq!(v4.netmask, Ipv4Addr::new(255, 0, 0, 0));
    assert_eq!(io.naming(), None);
}

#[test]
fn idle_sockets_cost_nothing_to_look_past() {
    let mut io = LinuxIo::new();
    let mut sockets = Vec::new();
    for _ in 0..500 {
        let socket = io.open(Family::Inet, Kind::Datagram).unwrap();
        io.bind(socket, &local(0)).unwrap();
        io.watch(socket, READ);
        sockets.push(socket);
    }
    io.collect(Some(&Timespec::default()));
    assert_eq!(io.next_event(), None);
    let to = io.local_address(sockets[321]).unwrap();
    io.send_to(sockets[7], &to, b"x", &Control::default())
        .unwrap();
    io.collect(Some(&Timespec::default()));
    assert_eq!(io.next_event(), Some(Event::Ready(sockets[321], READ)));
    assert_eq!(io.next_event(), None);
    for socket in sockets {
        io.close(socket);
    }
}

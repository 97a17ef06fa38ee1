//! Where addresses come from: DHCP from a tiny server, IPv6 from a tiny router, and what is said when something is wrong.

mod common;
#[path = "common/wire.rs"]
mod wire;

use common::*;
use starling_net::link::{Incoming, Link, Offload, Outgoing};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::Event;
use starling_vm::platform::network::{Family, Network};
use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use wire::*;

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        LINES.with(|lines| lines.borrow_mut().push(record.args().to_string()));
    }

    fn flush(&self) {}
}

fn listen_to_the_log() {
    let _ = log::set_logger(&Listener);
    log::set_max_level(log::LevelFilter::Info);
}

fn lines() -> Vec<String> {
    LINES.with(|lines| lines.take())
}

/// A machine, and the other end of its cable.
struct Lab {
    host: Host,
    cable: Cable,
    end: End,
    seen: Vec<Vec<u8>>,
}

impl Lab {
    fn new(pairs: &[(&str, &str)]) -> Lab {
        listen_to_the_log();
        lines();
        let (cable, first, end) = cable(Nature::default(), 1500, Offload::default());
        let mut host = Host::with(3, configured(pairs), MEMORY);
        host.stack
            .add_link("eth0".into(), Box::new(first), host.now);
        Lab {
            host,
            cable,
            end,
            seen: Vec::new(),
        }
    }

    /// Lets time pass; `answer` may answer each frame.
    fn pass(&mut self, nanoseconds: u64, mut answer: impl FnMut(&[u8]) -> Option<Vec<u8>>) {
        let end = self.host.now + nanoseconds;
        loop {
            self.cable.clock.set(self.host.now);
            self.host.stack.poll(self.host.now);
            let mut got = Vec::new();
            while self
                .end
                .receive(&mut |frame, _: Incoming| got.push(frame.to_vec()))
            {}
            let mut answered = false;
            for frame in got {
                if let Some(reply) = answer(&frame) {
                    self.send(&reply);
                    answered = true;
                }
                self.seen.push(frame);
            }
            if answered {
                continue;
            }
            let next = self.host.stack.next_deadline().unwrap_or(u64::MAX);
            // A socket that stays ready is no reason to hurry.
            let ready = self.host.stack.next_deadline() == Some(0);
            let least = if ready { 10 * MILLISECOND } else { 1000 };
            let next = next.max(self.host.now + least);
            if next > end {
                break;
            }
            self.host.now = next;
        }
        self.host.now = end;
    }

    fn send(&mut self, frame: &[u8]) {
        self.end
            .transmit(frame.len(), &mut |bytes| {
                bytes.copy_from_slice(frame);
                Outgoing::default()
            })
            .unwrap();
    }

    fn addresses(&mut self) -> Vec<String> {
        let all = self.host.stack.interfaces().unwrap();
        all[1]
            .addresses
            .iter()
            .map(|one| one.address.to_string())
            .collect()
    }
}

fn ones(bytes: &[u8]) -> u32 {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|two| u32::from(two[0]) << 8 | u32::from(*two.get(1).unwrap_or(&0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

fn udp4(from: [u8; 4], to: [u8; 4], ports: (u16, u16), data: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend(mac(1));
    frame.extend(mac(9));
    frame.extend([8, 0, 0x45, 0]);
    frame.extend((28 + data.len() as u16).to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend(from);
    frame.extend(to);
    let sum = !ones(&frame[14..34]) as u16;
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend(ports.0.to_be_bytes());
    frame.extend(ports.1.to_be_bytes());
    frame.extend((8 + data.len() as u16).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(data);
    frame
}

/// What a client asked, and the answer of a server that gives this address.
fn dhcp(frame: &[u8], address: [u8; 4], seconds: u32) -> Option<Vec<u8>> {
    let asks = frame.len() > 282 && frame[12..14] == [8, 0] && frame[36..38] == [0, 67];
    if !asks {
        return None;
    }
    let message = &frame[42..];
    let kind = message[242];
    let answer = match kind {
        1 => 2,
        3 => 5,
        _ => return None,
    };
    let mut data = message[..240].to_vec();
    data[0] = 2;
    data[16..20].copy_from_slice(&address);
    data.extend([53, 1, answer, 54, 4, 10, 0, 2, 2, 1, 4, 255, 255, 255, 0]);
    data.extend([3, 4, 10, 0, 2, 2, 6, 4, 10, 0, 2, 3, 51, 4]);
    data.extend(seconds.to_be_bytes());
    data.extend(b"\x0f\x07example\x0c\x03web\xff");
    Some(udp4([10, 0, 2, 2], address, (67, 68), &data))
}

fn is_dhcp(frame: &[u8], kind: u8) -> bool {
    frame.len() > 282 && frame[36..38] == [0, 67] && frame[42 + 242] == kind
}

#[test]
fn an_address_by_dhcp() {
    let mut lab = Lab::new(&[]);
    lab.pass(SECOND / 2, |frame| dhcp(frame, [10, 0, 2, 15], 3600));
    let addresses = lab.addresses();
    assert!(
        addresses.contains(&"10.0.2.15".to_string()),
        "{addresses:?}"
    );
    assert_eq!(lab.host.stack.next_event(), Some(Event::Naming));
    let naming = lab.host.stack.naming().unwrap();
    assert_eq!(naming.servers, [IpAddr::V4(Ipv4Addr::new(10, 0, 2, 3))]);
    assert_eq!(
        (naming.search, naming.host_name),
        (vec!["example".into()], Some("web".into()))
    );
    assert_eq!(lab.host.stack.naming(), None);
    let said = lines();
    let line = "eth0: 10.0.2.15/24, gateway 10.0.2.2, dns 10.0.2.3 (DHCP, 0 ms after start)";
    assert_eq!(said, [line]);
    // It is renewed at half its time, at the server itself.
    lab.seen.clear();
    let arp = |frame: &[u8]| {
        (frame[12..14] == [8, 6] && frame[20..22] == [0, 1] && frame[38..42] == [10, 0, 2, 2]).then(
            || {
                let mut reply = frame.to_vec();
                reply[0..6].copy_from_slice(&mac(1));
                reply[6..12].copy_from_slice(&mac(9));
                reply[21] = 2;
                reply[22..28].copy_from_slice(&mac(9));
                reply[28..32].copy_from_slice(&[10, 0, 2, 2]);
                reply[32..38].copy_from_slice(&mac(1));
                reply[38..42].copy_from_slice(&[10, 0, 2, 15]);
                reply
            },
        )
    };
    lab.pass(1900 * SECOND, |frame| {
        arp(frame).or_else(|| dhcp(frame, [10, 0, 2, 15], 3600))
    });
    let renewals: Vec<_> = lab.seen.iter().filter(|frame| is_dhcp(frame, 3)).collect();
    assert_eq!(renewals.len(), 1);
    assert_eq!(renewals[0][30..34], [10, 0, 2, 2]);
    // Nobody renews it any more: it ends, and its connections do.
    let client = lab.host.begin("10.0.2.2:80");
    lab.pass(7200 * SECOND, |_| None);
    assert!(!lab.addresses().contains(&"10.0.2.15".to_string()));
    assert!(lab.host.stack.take_error(client).is_some());
    assert!(lines().iter().any(|line| line.contains("lease has ended")));
    lab.pass(60 * SECOND, |frame| dhcp(frame, [10, 0, 2, 16], 3600));
    assert!(lab.addresses().contains(&"10.0.2.16".to_string()));
}

#[test]
fn nobody_answers_dhcp() {
    let mut lab = Lab::new(&[]);
    lab.pass(9 * SECOND, |_| None);
    assert!(lines().is_empty());
    lab.pass(60 * SECOND, |_| None);
    let said = lines();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("eth0: no answer from DHCP for 10 s"),
        "{}",
        said[0]
    );
    lab.pass(20 * SECOND, |frame| dhcp(frame, [10, 0, 2, 15], 3600));
    assert!(lab.addresses().contains(&"10.0.2.15".to_string()));
}

fn arp_claim(address: [u8; 4]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend([0xff; 6]);
    frame.extend(mac(9));
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
    frame.extend(mac(9));
    frame.extend(address);
    frame.extend(mac(1));
    frame.extend(address);
    frame
}

#[test]
fn somebody_has_the_address() {
    let mut lab = Lab::new(&[("ipaddr", "10.0.0.5/24")]);
    let probe = |frame: &[u8]| {
        (frame[12..14] == [8, 6] && frame[38..42] == [10, 0, 0, 5] && frame[6..12] != mac(9))
            .then(|| arp_claim([10, 0, 0, 5]))
    };
    lab.pass(10 * SECOND, probe);
    let said = lines();
    let conflict: Vec<_> = said
        .iter()
        .filter(|line| line.contains("already used"))
        .collect();
    assert_eq!(conflict.len(), 1, "{said:?}");
    assert!(
        conflict[0].starts_with("address 10.0.0.5 of eth0 is already used by 00:16:3e:00:00:09")
    );
    // By DHCP it is given back, and another one asked for.
    let mut lab = Lab::new(&[]);
    lab.pass(5 * SECOND, |frame| {
        let taken = frame[12..14] == [8, 6] && frame[38..42] == [10, 0, 2, 15];
        if taken {
            return Some(arp_claim([10, 0, 2, 15]));
        }
        dhcp(frame, [10, 0, 2, 15], 3600)
    });
    assert!(lab.seen.iter().any(|frame| is_dhcp(frame, 4)), "no DECLINE");
    assert!(!lab.addresses().contains(&"10.0.2.15".to_string()));
    lab.pass(20 * SECOND, |frame| dhcp(frame, [10, 0, 2, 16], 3600));
    assert!(lab.addresses().contains(&"10.0.2.16".to_string()));
}

fn icmp6(source: &str, message: &[u8]) -> Vec<u8> {
    let source: std::net::Ipv6Addr = source.parse().unwrap();
    let all: std::net::Ipv6Addr = "ff02::1".parse().unwrap();
    let mut frame = vec![0x33, 0x33, 0, 0, 0, 1];
    frame.extend(mac(9));
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
    frame.extend((message.len() as u16).to_be_bytes());
    frame.extend([58, 255]);
    frame.extend(source.octets());
    frame.extend(all.octets());
    let mut pseudo = frame[22..54].to_vec();
    pseudo.extend((message.len() as u32).to_be_bytes());
    pseudo.extend([0, 0, 0, 58]);
    pseudo.extend(message);
    let sum = !ones(&pseudo) as u16;
    frame.extend(message);
    frame[56..58].copy_from_slice(&sum.to_be_bytes());
    frame
}

fn advertisement(valid: u32, preferred: u32) -> Vec<u8> {
    let mut message = vec![134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend([1, 1]);
    message.extend(mac(9));
    message.extend([3, 4, 64, 0xc0]);
    message.extend(valid.to_be_bytes());
    message.extend(preferred.to_be_bytes());
    message.extend([0; 4]);
    message.extend("2001:db8::".parse::<std::net::Ipv6Addr>().unwrap().octets());
    message.extend([25, 3, 0, 0, 0, 0, 4, 0]);
    message.extend(
        "2001:db8::53"
            .parse::<std::net::Ipv6Addr>()
            .unwrap()
            .octets(),
    );
    message.extend(b"\x1f\x02\x00\x00\x00\x00\x04\x00\x03net\x00\x00\x00\x00");
    let len = message.len().next_multiple_of(8);
    message.resize(len, 0);
    icmp6("fe80::9", &message)
}

#[test]
fn an_address_from_a_router() {
    let mut lab = Lab::new(&[("dhcp", "off")]);
    lab.pass(SECOND, |frame| {
        (frame[12..14] == [0x86, 0xdd] && frame[54] == 133).then(|| advertisement(7200, 3600))
    });
    let own = "2001:db8::216:3eff:fe00:1".to_string();
    assert!(lab.addresses().contains(&own), "{:?}", lab.addresses());
    let naming = lab.host.stack.naming().unwrap();
    assert_eq!(naming.servers, ["2001:db8::53".parse::<IpAddr>().unwrap()]);
    assert_eq!(naming.search, ["net"]);
    let said = lines();
    let line = "eth0: 2001:db8::216:3eff:fe00:1/64, gateway fe80::9, dns 2001:db8::53 (router advertisement, 0 ms after start)";
    assert_eq!(said, [line]);
    // Beyond the link by way of the router, whose address is known.
    let _client = lab.host.begin("[2001:db8:1::1]:80");
    lab.seen.clear();
    lab.pass(SECOND / 10, |_| None);
    let syn = lab.seen.iter().find(|frame| frame[20] == 6).unwrap();
    assert_eq!(syn[0..6], mac(9));
    // A forged message cannot end it at once, but it ends.
    lab.send(&advertisement(0, 0));
    lab.pass(60 * SECOND, |_| None);
    assert!(lab.addresses().contains(&own));
    lab.pass(7300 * SECOND, |_| None);
    assert!(!lab.addresses().contains(&own));
    let other = lab.host.tcp(Family::Inet6);
    assert_eq!(
        lab.host.stack.connect(other, &ip("[2001:db8:1::1]:80")),
        Err(Errno::ENETUNREACH)
    );
}

#[test]
fn somebody_has_the_link_local_address() {
    let mut lab = Lab::new(&[("dhcp", "off")]);
    lab.pass(2 * SECOND, |frame| {
        let asks = frame[12..14] == [0x86, 0xdd] && frame[54] == 135;
        asks.then(|| {
            let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
            message.extend(&frame[62..78]);
            message.extend([2, 1]);
            message.extend(mac(9));
            icmp6("fe80::9", &message)
        })
    });
    assert!(lab.addresses().is_empty(), "{:?}", lab.addresses());
    assert!(lines()[0].contains("is already used by 00:16:3e:00:00:09"));
}

#[test]
fn as_configured() {
    let mut lab = Lab::new(&[
        ("ipaddr", "10.0.0.5/24"),
        ("gateway", "10.0.0.1"),
        ("dns", "10.0.0.1"),
        ("hostname", "web"),
    ]);
    lab.pass(5 * SECOND, |_| None);
    assert_eq!(
        lines(),
        ["eth0: 10.0.0.5/24, gateway 10.0.0.1, dns 10.0.0.1 (as configured, 0 ms after start)"]
    );
    assert!(!lab.seen.iter().any(|frame| is_dhcp(frame, 1)));
    let naming = lab.host.stack.naming().unwrap();
    assert_eq!(naming.host_name.as_deref(), Some("web"));
    let all = lab.host.stack.interfaces().unwrap();
    let own = &all[1].addresses[0];
    assert_eq!(own.broadcast.unwrap().to_string(), "10.0.0.255");
    assert_eq!((all[1].index, all[1].hardware), (2, Some(mac(1))));
    // A gateway that does not answer: one line.
    let client = lab.host.begin("192.0.2.1:80");
    lab.pass(30 * SECOND, |_| None);
    let said = lines();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("eth0: the gateway 10.0.0.1 does not answer"));
    assert_eq!(lab.host.stack.take_error(client), Some(Errno::EHOSTUNREACH));
}

/// The first segment of a connection to port 80 of 10.0.0.5, from its own port 80.
fn syn(from: [u8; 4], to: [u8; 4]) -> Vec<u8> {
    let mut frame = udp4(from, to, (80, 80), &[0; 12]);
    frame[23] = 6;
    frame[24..26].fill(0);
    let sum = !ones(&frame[14..34]) as u16;
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame[38..54].fill(0);
    frame[46] = 0x50;
    frame[47] = 2;
    let mut pseudo = frame[26..34].to_vec();
    pseudo.extend([0, 6, 0, 20]);
    pseudo.extend(&frame[34..54]);
    let sum = !ones(&pseudo) as u16;
    frame[50..52].copy_from_slice(&sum.to_be_bytes());
    frame
}

#[test]
fn packets_that_say_they_are_ours_or_everybodys_are_nobodys() {
    let mut lab = Lab::new(&[("ipaddr", "10.0.0.5/24")]);
    let _listener = lab.host.listen("0.0.0.0:80", 5);
    // Until there is no more to say about addresses and routers.
    lab.pass(30 * SECOND, |_| None);
    lab.seen.clear();
    let own = [10, 0, 0, 5];
    for (from, to) in [
        (own, own),
        ([10, 0, 0, 255], own),
        ([255; 4], own),
        ([10, 0, 0, 9], [10, 0, 0, 255]),
        ([10, 0, 0, 9], [255; 4]),
    ] {
        lab.send(&syn(from, to));
        lab.pass(SECOND, |_| None);
        let usage = lab.host.stack.usage();
        assert_eq!((usage.half_open, usage.connections), (0, 0), "{from:?}");
        assert!(lab.seen.is_empty(), "{from:?} {:?}", lab.seen);
    }
    lab.send(&syn([10, 0, 0, 9], own));
    lab.pass(SECOND, |_| None);
    assert_eq!(lab.host.stack.usage().half_open, 1);
}

#[test]
fn news_of_names_is_not_slept_through() {
    let mut lab = Lab::new(&[]);
    let events = |lab: &mut Lab| std::iter::from_fn(|| lab.host.stack.next_event()).count();
    events(&mut lab);
    lab.host.stack.naming();
    // Long enough for the lease, and for all that is said of the address to be said.
    lab.pass(30 * SECOND, |frame| dhcp(frame, [10, 0, 2, 15], 3600));
    assert_eq!(lab.host.stack.next_deadline(), Some(0));
    assert_eq!(events(&mut lab), 1);
    assert!(lab.host.stack.next_deadline() > Some(lab.host.now));
}

#[test]
fn what_waited_for_a_device_that_is_removed_waits_no_more() {
    let mut lab = Lab::new(&[("ipaddr", "10.0.0.5/24")]);
    let socket = lab.host.udp("0.0.0.0:0");
    lab.host.stack.watch(
        socket,
        starling_vm::platform::io::Interest {
            read: false,
            write: true,
        },
    );
    let to = ip("10.0.0.9:9");
    let first = lab
        .host
        .stack
        .send_to(socket, &to, &[0], &Default::default());
    assert_eq!(first, Ok(1));
    lab.pass(30 * SECOND, |frame| {
        let asks = frame[12..14] == [8, 6] && frame[38..42] == [10, 0, 0, 9];
        asks.then(|| arp_claim([10, 0, 0, 9]))
    });
    let mut full = false;
    for _ in 0..100_000 {
        let sent = lab
            .host
            .stack
            .send_to(socket, &to, &[0; 1400], &Default::default());
        if sent == Err(Errno::EAGAIN) {
            full = true;
            break;
        }
    }
    assert!(full);
    lab.host.poll();
    assert!(!lab.host.is_ready(socket).write);
    lab.host.stack.remove_link(1, lab.host.now);
    lab.host.poll();
    assert!(lab.host.is_ready(socket).write);
}

#[test]
fn an_address_in_use_is_defended_once() {
    let mut lab = Lab::new(&[]);
    lab.pass(30 * SECOND, |frame| dhcp(frame, [10, 0, 2, 15], 3600));
    lab.seen.clear();
    lab.send(&arp_claim([10, 0, 2, 15]));
    lab.pass(5 * SECOND, |_| None);
    let announces = |frame: &Vec<u8>| frame[12..14] == [8, 6] && frame[28..32] == [10, 0, 2, 15];
    assert_eq!(lab.seen.iter().filter(|frame| announces(frame)).count(), 1);
    assert!(lab.addresses().contains(&"10.0.2.15".to_string()));
    lab.send(&arp_claim([10, 0, 2, 15]));
    lab.pass(SECOND, |_| None);
    assert!(lab.seen.iter().any(|frame| is_dhcp(frame, 4)), "no DECLINE");
    assert!(!lab.addresses().contains(&"10.0.2.15".to_string()));
}

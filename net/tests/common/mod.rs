//! A stack with a clock of its own, and what tests do with it again and again.
#![allow(dead_code)]

use starling_net::configuration::Configuration;
use starling_net::{Limits, Stack};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{Descriptor, Event, Interest};
use starling_vm::platform::network::{Address, Family, Kind, Network};
use std::collections::HashMap;
use std::net::SocketAddr;

pub const MILLISECOND: u64 = 1_000_000;
pub const SECOND: u64 = 1_000_000_000;
pub const MEMORY: usize = 64 << 20;
pub const READ: Interest = Interest {
    read: true,
    write: false,
};
pub const WRITE: Interest = Interest {
    read: false,
    write: true,
};
pub const BOTH: Interest = Interest {
    read: true,
    write: true,
};

pub fn ip(text: &str) -> Address {
    Address::Ip(text.parse().unwrap())
}

/// A machine on the network.
pub struct Host {
    pub stack: Stack,
    pub now: u64,
    pub ready: HashMap<u32, Interest>,
    pub events: Vec<Event>,
}

impl Host {
    pub fn new(seed: u8) -> Host {
        Host::with(seed, Configuration::default(), MEMORY)
    }

    pub fn with(seed: u8, configuration: Configuration, memory: usize) -> Host {
        let limits = Limits {
            memory,
            first_descriptor: 3,
        };
        let now = SECOND;
        Host {
            stack: Stack::new(configuration, limits, [seed; 32], now),
            now,
            ready: HashMap::new(),
            events: Vec::new(),
        }
    }

    /// One poll, and the events it brings.
    pub fn poll(&mut self) {
        self.stack.poll(self.now);
        self.ready.clear();
        self.events.clear();
        while let Some(event) = self.stack.next_event() {
            if let Event::Ready(descriptor, interest) = event {
                assert!(
                    self.ready.insert(descriptor.0, interest).is_none(),
                    "two events of one socket in one poll"
                );
            }
            self.events.push(event);
        }
    }

    /// Polls until nothing is left to do at this time.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            self.poll();
            if !self.ready.is_empty() || self.stack.next_deadline().is_none_or(|at| at > self.now) {
                return;
            }
        }
        panic!("it never has nothing to do");
    }

    /// Lets time pass, from one deadline to the next.
    pub fn pass(&mut self, nanoseconds: u64) {
        let end = self.now + nanoseconds;
        loop {
            self.poll();
            let next = self.stack.next_deadline().unwrap_or(u64::MAX);
            let least = if self.ready.is_empty() {
                1000
            } else {
                10 * MILLISECOND
            };
            let next = next.max(self.now + least);
            if next > end {
                break;
            }
            self.now = next;
        }
        self.now = end;
        self.poll();
    }

    pub fn is_ready(&self, socket: Descriptor) -> Interest {
        self.ready.get(&socket.0).copied().unwrap_or(Interest::NONE)
    }

    pub fn tcp(&mut self, family: Family) -> Descriptor {
        self.stack.open(family, Kind::Stream).unwrap()
    }

    pub fn udp(&mut self, address: &str) -> Descriptor {
        let address: SocketAddr = address.parse().unwrap();
        let family = if address.is_ipv4() {
            Family::Inet
        } else {
            Family::Inet6
        };
        let socket = self.stack.open(family, Kind::Datagram).unwrap();
        self.stack.bind(socket, &Address::Ip(address)).unwrap();
        socket
    }

    pub fn listen(&mut self, address: &str, backlog: u32) -> Descriptor {
        let address: SocketAddr = address.parse().unwrap();
        let family = if address.is_ipv4() {
            Family::Inet
        } else {
            Family::Inet6
        };
        let socket = self.tcp(family);
        self.stack.bind(socket, &Address::Ip(address)).unwrap();
        self.stack.listen(socket, backlog).unwrap();
        self.stack.watch(socket, READ);
        socket
    }

    pub fn begin(&mut self, address: &str) -> Descriptor {
        let address: SocketAddr = address.parse().unwrap();
        let family = if address.is_ipv4() {
            Family::Inet
        } else {
            Family::Inet6
        };
        let socket = self.tcp(family);
        assert_eq!(
            self.stack.connect(socket, &Address::Ip(address)),
            Err(Errno::EINPROGRESS)
        );
        self.stack.watch(socket, WRITE);
        socket
    }

    /// Two ends of a connection to ourselves.
    pub fn pair(&mut self, address: &str) -> (Descriptor, Descriptor) {
        let listener = self.listen(address, 5);
        let client = self.begin(address);
        self.settle();
        assert!(self.is_ready(client).write && self.is_ready(listener).read);
        assert_eq!(self.stack.take_error(client), None);
        let (server, _) = self.stack.accept(listener).unwrap();
        self.stack.close(listener);
        self.stack.watch(client, Interest::NONE);
        (client, server)
    }

    pub fn port(&mut self, socket: Descriptor) -> u16 {
        match self.stack.local_address(socket).unwrap() {
            Address::Ip(address) => address.port(),
            other => panic!("{other:?}"),
        }
    }

    /// Reads all there is.
    pub fn drain(&mut self, socket: Descriptor) -> Result<Vec<u8>, (Vec<u8>, Option<Errno>)> {
        let mut all = Vec::new();
        let mut buffer = vec![0; 65536];
        loop {
            match self.stack.read(socket, &mut buffer) {
                Ok(0) => return Err((all, None)),
                Ok(count) => all.extend_from_slice(&buffer[..count]),
                Err(Errno::EAGAIN) => return Ok(all),
                Err(error) => return Err((all, Some(error))),
            }
        }
    }
}

/// Numbers that look random and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

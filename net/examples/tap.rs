//! The stack against Linux's own TCP/IP, over a TAP device: it serves echo (port 7), discard (9), an endless source (19) and a
//! minimal HTTP (80) at 10.77.0.2 until it is killed.
//!
//! `unshare -rn` gives a network of one's own to try it in. There: start it in the background, then
//! `ip addr add 10.77.0.1/24 dev tap0; ip link set tap0 up; curl http://10.77.0.2/`

use starling_net::configuration::Configuration;
use starling_net::link::{Full, Incoming, Link, Offload, Outgoing};
use starling_net::{Limits, Stack};
use starling_vm::platform::io::{Descriptor, Event, Interest};
use starling_vm::platform::network::{Address, Family, Kind, Network};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::time::Instant;

/// `ioctl` that makes a file a TAP device, and its flags: frames, nothing in front of them (`linux/if_tun.h`).
const TUNSETIFF: libc::c_ulong = 0x4004_54ca;
const IFF_TAP: u16 = 0x0002;
const IFF_NO_PI: u16 = 0x1000;

struct Tap {
    file: File,
    buffer: Vec<u8>,
}

impl Link for Tap {
    fn address(&self) -> [u8; 6] {
        [2, 0, 0, 0, 0, 77]
    }

    fn mtu(&self) -> usize {
        1500
    }

    fn offload(&self) -> Offload {
        Offload::default()
    }

    fn is_up(&self) -> bool {
        true
    }

    fn receive(&mut self, take: &mut dyn FnMut(&mut [u8], Incoming)) -> bool {
        match self.file.read(&mut self.buffer) {
            Ok(len) => {
                take(&mut self.buffer[..len], Incoming::default());
                true
            }
            Err(_) => false,
        }
    }

    fn can_transmit(&self, _: usize) -> bool {
        true
    }

    fn transmit(
        &mut self,
        len: usize,
        fill: &mut dyn FnMut(&mut [u8]) -> Outgoing,
    ) -> Result<(), Full> {
        let mut frame = vec![0; len];
        fill(&mut frame);
        let _ = self.file.write(&frame);
        Ok(())
    }

    fn flush(&mut self) {}
}

fn tap() -> std::io::Result<Tap> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")?;
    let mut request = [0u8; 40];
    request[..4].copy_from_slice(b"tap0");
    request[16..18].copy_from_slice(&(IFF_TAP | IFF_NO_PI).to_ne_bytes());
    // SAFETY: the request is as long as `struct ifreq`, and the kernel reads and writes only that.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF, request.as_mut_ptr()) };
    if result < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(Tap {
        file,
        buffer: vec![0; 65536],
    })
}

fn main() -> std::io::Result<()> {
    let tap = tap()?;
    let wire = tap.file.as_raw_fd();
    let flags = [("ipaddr", "10.77.0.2/24"), ("gateway", "10.77.0.1")];
    let configuration = Configuration::parse(flags).map_err(std::io::Error::other)?;
    let limits = Limits {
        memory: 80 << 20,
        first_descriptor: 3,
    };
    let mut seed = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut seed)?;
    let start = Instant::now();
    let now = || start.elapsed().as_nanos() as u64;
    let mut stack = Stack::new(configuration, limits, seed, 0);
    stack.add_link("eth0".into(), Box::new(tap), 0);
    let read = Interest {
        read: true,
        write: false,
    };
    let mut listeners = HashMap::new();
    for port in [7, 9, 19, 80] {
        let listener = stack.open(Family::Inet6, Kind::Stream).unwrap();
        let any = Address::Ip(format!("[::]:{port}").parse().unwrap());
        stack.bind(listener, &any).unwrap();
        stack.listen(listener, 1024).unwrap();
        stack.watch(listener, read);
        listeners.insert(listener, port);
    }
    let mut sockets: HashMap<Descriptor, (u16, Vec<u8>)> = HashMap::new();
    let mut buffer = vec![0; 65536];
    loop {
        stack.poll(now());
        while let Some(event) = stack.next_event() {
            let Event::Ready(socket, _) = event else {
                continue;
            };
            if let Some(&port) = listeners.get(&socket) {
                while let Ok((socket, _)) = stack.accept(socket) {
                    sockets.insert(socket, (port, Vec::new()));
                    let write = port == 19;
                    stack.watch(socket, Interest { read: true, write });
                }
            } else if let Some((port, pending)) = sockets.get_mut(&socket)
                && serve(&mut stack, socket, *port, pending, &mut buffer).is_none()
            {
                stack.close(socket);
                sockets.remove(&socket);
            }
        }
        let wait = stack.next_deadline().map_or(1000, |at| {
            at.saturating_sub(now()).div_ceil(1_000_000).min(1000)
        });
        let mut poll = libc::pollfd {
            fd: wire,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: there is one record, and it is valid for the call.
        unsafe { libc::poll(&mut poll, 1, wait as i32) };
    }
}

/// Serves a socket that is ready; `None` when it is to be closed.
fn serve(
    stack: &mut Stack,
    socket: Descriptor,
    port: u16,
    pending: &mut Vec<u8>,
    buffer: &mut [u8],
) -> Option<()> {
    if port == 19 {
        while stack.write(socket, buffer).is_ok() {}
    }
    if pending.is_empty() {
        match stack.read(socket, buffer) {
            Ok(0) => return None,
            Ok(len) if port == 7 => pending.extend(&buffer[..len]),
            Ok(_) if port == 80 => pending.extend(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n",
            ),
            Ok(_) => {}
            Err(starling_vm::fs::errno::Errno::EAGAIN) => {}
            Err(_) => return None,
        }
    }
    if let Ok(len) = stack.write(socket, pending)
        && !pending.is_empty()
    {
        pending.drain(..len);
    }
    if port != 19 {
        let full = !pending.is_empty();
        stack.watch(
            socket,
            Interest {
                read: !full,
                write: full,
            },
        );
    }
    Some(())
}

//! Ten thousand connections at once, in the memory that a domain of 256 MiB gives the stack.

mod common;
#[path = "common/wire.rs"]
mod wire;

use common::*;
use starling_net::link::Offload;
use starling_vm::platform::io::Interest;
use starling_vm::platform::network::Network;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use wire::*;

/// Counts what is allocated.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is handed to the system's allocator, whose contract it keeps.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn ten_thousand_connections_in_a_third_of_256_mib() {
    let memory = (256 << 20) / 3;
    let (cable, first, second) = cable(Nature::default(), 1500, Offload::default());
    let config = |address| configured(&[("ipaddr", address)]);
    // The clients may have as much as they want.
    let mut one = Host::with(1, config("10.0.0.1/24"), 4 << 30);
    one.stack.add_link("eth0".into(), Box::new(first), one.now);
    let mut clients = Vec::new();
    let before = HELD.load(Ordering::Relaxed);
    let mut two = Host::with(2, config("10.0.0.2/24"), memory);
    two.stack.add_link("eth0".into(), Box::new(second), two.now);
    let mut pair = Pair { one, two, cable };
    let listener = pair.two.listen("0.0.0.0:80", 4096);
    pair.pass(2 * SECOND);
    let mut servers = Vec::new();
    let mut of_clients = 0;
    while clients.len() < 10_000 {
        let held = HELD.load(Ordering::Relaxed);
        for _ in 0..50 {
            let client = pair.one.begin("10.0.0.2:80");
            pair.one.stack.watch(client, Interest::NONE);
            clients.push(client);
        }
        of_clients += HELD.load(Ordering::Relaxed) - held;
        pair.pass(2 * MILLISECOND);
        while let Ok((server, _)) = pair.two.stack.accept(listener) {
            pair.two.stack.watch(server, READ);
            servers.push(server);
        }
    }
    for _ in 0..100 {
        pair.pass(100 * MILLISECOND);
        while let Ok((server, _)) = pair.two.stack.accept(listener) {
            pair.two.stack.watch(server, READ);
            servers.push(server);
        }
    }
    assert_eq!(servers.len(), 10_000, "{:?}", pair.two.stack.usage());
    let held = HELD.load(Ordering::Relaxed) - before - of_clients;
    let usage = pair.two.stack.usage();
    eprintln!(
        "{} MiB for 10,000 connections ({} counted)",
        held >> 20,
        usage.buffers >> 20
    );
    assert!(usage.buffers <= memory);
    assert!(held < memory + memory / 8, "{held}");
    // Each of them works.
    for &client in &clients {
        pair.one.stack.write(client, b"hello").unwrap();
    }
    let mut heard = 0;
    for _ in 0..200 {
        pair.pass(10 * MILLISECOND);
        for number in pair.two.ready.keys().copied().collect::<Vec<_>>() {
            let socket = starling_vm::platform::io::Descriptor(number);
            heard += pair.two.drain(socket).map_or(0, |bytes| bytes.len());
        }
    }
    assert_eq!(heard, 50_000);
    // And their memory comes back.
    for socket in servers {
        pair.two.stack.close(socket);
    }
    for socket in clients {
        pair.one.stack.close(socket);
    }
    pair.pass(100 * SECOND);
    assert_eq!(pair.two.stack.usage().connections, 0);
    let (_, _) = (pair.one.stack.usage(), pair.two.stack.usage());
}

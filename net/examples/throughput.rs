//! How fast the stack is: bytes and packets per second of processor time, over the loopback and over a wire of memory.
//!
//! `cargo run --release -p starling-net --example throughput`

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/wire.rs"]
mod wire;

use common::*;
use starling_net::link::Offload;
use starling_vm::platform::io::{Descriptor, Interest};
use starling_vm::platform::network::{Control, Network};
use std::time::Instant;
use wire::*;

fn connect(pair: &mut Pair, count: usize) -> Vec<(Descriptor, Descriptor)> {
    let listener = pair.two.listen("0.0.0.0:80", 4096);
    (0..count)
        .map(|_| {
            let client = pair.one.begin("10.0.0.2:80");
            pair.one.stack.watch(client, Interest::NONE);
            for _ in 0..100 {
                pair.pass(MILLISECOND);
                if let Ok((server, _)) = pair.two.stack.accept(listener) {
                    pair.two.stack.watch(server, Interest::NONE);
                    return (client, server);
                }
            }
            panic!("no connection");
        })
        .collect()
}

fn bulk(name: &str, offload: Offload, count: usize) {
    let mut pair = Pair::new(Nature::default(), 1500, offload);
    let all = connect(&mut pair, count);
    let data = vec![7; 65536];
    let mut buffer = vec![0; 65536];
    let total = 2u64 << 30;
    let (mut got, began, mut rounds) = (0, Instant::now(), 0u64);
    while got < total && began.elapsed().as_secs() < 10 {
        for &(client, server) in &all {
            while pair.one.stack.write(client, &data).is_ok() {}
            while let Ok(count) = pair.two.stack.read(server, &mut buffer) {
                got += count as u64;
            }
        }
        pair.one.now += 50_000;
        pair.two.now += 50_000;
        pair.poll();
        rounds += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{name}, {count} connections: {:.2} Gbit/s, both ends on one processor ({rounds} rounds)",
        got as f64 * 8.0 / seconds / 1e9
    );
}

fn requests(count: usize) {
    let mut pair = Pair::plain();
    let all = connect(&mut pair, count);
    let mut done = 0u64;
    let began = Instant::now();
    let mut buffer = [0; 4096];
    for &(client, _) in &all {
        pair.one.stack.write(client, &[1; 100]).unwrap();
    }
    while began.elapsed().as_secs() < 4 {
        for &(client, server) in &all {
            if pair.two.stack.read(server, &mut buffer).is_ok() {
                pair.two.stack.write(server, &[2; 1000]).unwrap();
            }
            if pair.one.stack.read(client, &mut buffer).is_ok() {
                pair.one.stack.write(client, &[1; 100]).unwrap();
                done += 1;
            }
        }
        pair.one.now += 50_000;
        pair.two.now += 50_000;
        pair.poll();
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "requests of 100 bytes, answers of 1000, {count} connections: {:.0} a second, both ends on one processor",
        done as f64 / seconds
    );
}

fn accepts() {
    let mut pair = Pair::plain();
    let listener = pair.two.listen("0.0.0.0:80", 1024);
    let mut done = 0u64;
    let began = Instant::now();
    let mut clients = std::collections::VecDeque::new();
    while began.elapsed().as_secs() < 4 {
        while clients.len() < 32 {
            clients.push_back(pair.one.begin("10.0.0.2:80"));
        }
        pair.one.now += 50_000;
        pair.two.now += 50_000;
        pair.poll();
        while let Ok((server, _)) = pair.two.stack.accept(listener) {
            pair.two.stack.close(server);
            done += 1;
            pair.one.stack.close(clients.pop_front().unwrap());
        }
    }
    println!(
        "connections made and dropped: {:.0} a second, both ends on one processor",
        done as f64 / began.elapsed().as_secs_f64()
    );
}

fn around() {
    let mut host = Host::new(1);
    let (client, server) = host.pair("127.0.0.1:80");
    let data = vec![7; 65536];
    let mut buffer = vec![0; 65536];
    let (mut got, began) = (0u64, Instant::now());
    while began.elapsed().as_secs() < 3 {
        while host.stack.write(client, &data).is_ok() {}
        host.poll();
        while let Ok(count) = host.stack.read(server, &mut buffer) {
            got += count as u64;
        }
        host.now += 10_000;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("loopback: {:.2} Gbit/s", got as f64 * 8.0 / seconds / 1e9);
}

fn messages() {
    let mut pair = Pair::plain();
    let one = pair.one.udp("0.0.0.0:9");
    let two = pair.two.udp("0.0.0.0:9");
    let (mut got, began) = (0u64, Instant::now());
    let to = ip("10.0.0.2:9");
    let mut buffer = [0; 2000];
    while began.elapsed().as_secs() < 3 {
        for _ in 0..100 {
            let _ = pair
                .one
                .stack
                .send_to(one, &to, &[1; 100], &Control::default());
        }
        pair.poll();
        while pair.two.stack.receive_from(two, &mut buffer).is_ok() {
            got += 1;
        }
        pair.one.now += 10_000;
        pair.two.now += 10_000;
    }
    println!(
        "messages of 100 bytes: {:.0} a second, both ends on one processor",
        got as f64 / began.elapsed().as_secs_f64()
    );
}

fn main() {
    let device = Offload {
        checksum_v4: true,
        checksum_v6: true,
        segment_v4: 65535,
        segment_v6: 0,
    };
    let checksums = Offload {
        segment_v4: 0,
        ..device
    };
    let which = std::env::args().nth(1);
    let wanted = |name: &str| which.as_deref().is_none_or(|which| which == name);
    if wanted("loopback") {
        around();
    }
    if wanted("bulk") {
        bulk("checksums and segments by the device", device, 1);
        bulk("checksums by the device", checksums, 1);
        bulk("all by ourselves", Offload::default(), 1);
        bulk("all by ourselves", Offload::default(), 64);
    }
    if wanted("requests") {
        requests(1);
        requests(64);
        requests(5000);
    }
    if wanted("accepts") {
        accepts();
    }
    if wanted("messages") {
        messages();
    }
}

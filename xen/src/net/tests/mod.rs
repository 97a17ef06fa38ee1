//! netfront against backends on ordinary memory: honest ones, lying ones, and random ones.
//!
//! The memory that the test's guest gives out held a secret before, and a backend reaches nothing but what it is granted;
//! so whatever it sees of the secret is a leak.

mod backend;
mod connection;
mod guest;
mod honest;
mod lying;
mod random;

use super::features::Features;
use super::{Config, Netfront};
use crate::DomainId;
use backend::Backend;
use guest::TestGuest;
use std::string::String;
use std::vec::Vec;

const BACKEND: DomainId = DomainId(7);
const ADDRESS: [u8; 6] = [0, 0x16, 0x3e, 1, 2, 3];
const ALL: Features = Features {
    rx_copy: true,
    scatter_gather: true,
    gso_v4: true,
    gso_v6: true,
    checksum_v4: true,
    checksum_v6: true,
    split_channels: true,
};
const CONFIG: Config = Config {
    tx_pages: 256,
    rx_pages: 64,
    receive_segments: true,
};

fn device(guest: &TestGuest) -> Netfront<TestGuest> {
    Netfront::new(guest.clone(), "vif 0".into(), BACKEND, ADDRESS, CONFIG)
}

/// Both ends of a connection.
fn connect(device: &mut Netfront<TestGuest>, guest: &TestGuest, features: Features) -> Backend {
    let keys = device.connect(features, 1500).unwrap();
    let backend = Backend::new(guest.clone(), &keys);
    device.backend_connected();
    backend
}

fn connected(features: Features) -> (TestGuest, Netfront<TestGuest>, Backend) {
    let guest = TestGuest::new();
    let mut device = device(&guest);
    let backend = connect(&mut device, &guest, features);
    (guest, device, backend)
}

/// A frame of `len` bytes that tells its number; no byte is one of the secret's.
fn frame(number: u64, len: usize) -> Vec<u8> {
    let mut frame: Vec<u8> = (0..len)
        .map(|index| ((number + index as u64) % 101) as u8)
        .collect();
    frame[12..14].copy_from_slice(&[8, 0]);
    frame
}

/// Everything that can be received now.
fn receive_all(device: &mut Netfront<TestGuest>) -> Vec<(Vec<u8>, super::Incoming)> {
    let mut frames = Vec::new();
    while device.receive(&mut |frame, incoming| frames.push((frame.to_vec(), incoming))) {}
    frames
}

/// Sends a frame as it is; false if there was no room.
fn send(device: &mut Netfront<TestGuest>, frame: &[u8], outgoing: super::Outgoing) -> bool {
    let fill = &mut |room: &mut [u8]| {
        room.copy_from_slice(frame);
        outgoing
    };
    device.transmit(frame.len(), fill).is_ok()
}

fn key(keys: &[(String, String)], key: &str) -> Option<u32> {
    let (_, value) = keys.iter().find(|(name, _)| name == key)?;
    value.parse().ok()
}

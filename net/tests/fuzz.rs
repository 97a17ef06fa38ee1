//! Frames that nobody in his right mind sends: nothing panics, nothing grows. The same frames each time.

mod common;
#[path = "common/wire.rs"]
mod wire;

use common::*;
use starling_net::link::Offload;
use starling_vm::platform::io::Interest;
use starling_vm::platform::network::{Network, OptionName, OptionValue};
use wire::*;

/// Damages a frame.
fn mutate(dice: &mut Dice, frame: &mut Vec<u8>) {
    for _ in 0..=dice.roll(6) {
        match dice.roll(8) {
            0 if frame.len() > 14 => {
                let len = 14 + dice.roll(frame.len() as u64 - 14) as usize;
                frame.truncate(len);
            }
            1 => frame.extend((0..dice.roll(40)).map(|n| n as u8)),
            2 | 3 if frame.len() > 15 => {
                // Headers are where it hurts.
                let at = 14 + dice.roll((frame.len() as u64 - 14).min(60)) as usize;
                frame[at] = [0, 1, 0x7f, 0x80, 0xff, 0x45, 0x60][dice.roll(7) as usize];
            }
            _ if frame.len() > 15 => {
                let at = 12 + dice.roll(frame.len() as u64 - 12) as usize;
                frame[at] ^= 1 << dice.roll(8);
            }
            _ => {}
        }
    }
    // A header checksum that is right gets further in.
    if frame.len() >= 34 && frame[12..14] == [8, 0] && frame[14] == 0x45 {
        frame[24..26].fill(0);
        let mut sum: u32 = frame[14..34]
            .chunks(2)
            .map(|two| u32::from(two[0]) << 8 | u32::from(two[1]))
            .sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        let sum = !(sum as u16);
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
    }
}

#[test]
fn a_conversation_with_a_liar_in_between() {
    for seed in 1..12u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let offload = if seed % 2 == 0 {
            Offload::default()
        } else {
            Offload {
                checksum_v4: true,
                checksum_v6: true,
                segment_v4: 32768,
                segment_v6: 0,
            }
        };
        let mut pair = Pair::new(Nature::default(), 1500, offload);
        let listener = pair.two.listen("[::]:80", 50);
        let message = pair.two.udp("[::]:53");
        let membership = OptionValue::Membership {
            group: "ff02::99".parse().unwrap(),
            interface: starling_vm::platform::network::MembershipInterface::Index(2),
        };
        pair.two
            .stack
            .set_option(message, OptionName::AddMembership, &membership)
            .unwrap();
        let sender = pair.one.udp("[::]:54");
        let mut clients = Vec::new();
        let mut servers = Vec::new();
        let mut samples: Vec<Vec<u8>> = Vec::new();
        for round in 0..4000u64 {
            if round % 40 == 0 && clients.len() < 30 {
                let to = if round % 80 == 0 {
                    "10.0.0.2:80"
                } else {
                    "[fe80::216:3eff:fe00:2%2]:80"
                };
                clients.push(pair.one.begin(to));
            }
            for &socket in clients.iter().chain(&servers) {
                if dice.roll(10) == 0 {
                    let _ = pair.one.stack.write(socket, &[round as u8; 3000]);
                    let _ = pair.two.stack.write(socket, &[round as u8; 3000]);
                }
                if dice.roll(10) == 0 {
                    let mut buffer = [0; 5000];
                    let _ = pair.one.stack.read(socket, &mut buffer);
                    let _ = pair.two.stack.read(socket, &mut buffer);
                }
            }
            if dice.roll(20) == 0 && clients.len() > 5 {
                let place = dice.roll(clients.len() as u64) as usize;
                pair.one.stack.close(clients.swap_remove(place));
            }
            if dice.roll(20) == 0 && servers.len() > 5 {
                let place = dice.roll(servers.len() as u64) as usize;
                pair.two.stack.close(servers.swap_remove(place));
            }
            let control = Default::default();
            let to = ip("[fe80::216:3eff:fe00:2%2]:53");
            let _ = pair.one.stack.send_to(sender, &to, &[1; 4000], &control);
            let _ = pair.two.stack.read(message, &mut [0; 5000]);
            while let Ok((server, _)) = pair.two.stack.accept(listener) {
                pair.two.stack.watch(server, Interest::NONE);
                servers.push(server);
            }
            // Everything on the cable is seen, and some of it comes again, damaged.
            for frames in [&pair.cable.there, &pair.cable.back] {
                let mut frames = frames.borrow_mut();
                for (_, frame, _) in frames.iter() {
                    if samples.len() < 500 {
                        samples.push(frame.clone());
                    } else if dice.roll(10) == 0 {
                        let place = dice.roll(500) as usize;
                        samples[place] = frame.clone();
                    }
                }
                for _ in 0..4 {
                    if samples.is_empty() {
                        break;
                    }
                    let place = dice.roll(samples.len() as u64) as usize;
                    let mut frame = samples[place].clone();
                    mutate(&mut dice, &mut frame);
                    // Declared good: what is behind the checksum is to be reached.
                    frames.push_back((0, frame, dice.roll(10) != 0));
                }
            }
            pair.one.now += dice.roll(20 * MILLISECOND);
            pair.two.now = pair.one.now;
            pair.poll();
        }
        let usage = pair.two.stack.usage();
        assert!(
            usage.connections < 3000 && usage.half_open <= 1024,
            "{usage:?}"
        );
    }
}

#[test]
fn noise() {
    let mut pair = Pair::plain();
    let _listener = pair.two.listen("0.0.0.0:80", 5);
    let mut dice = Dice(77);
    for round in 0..300_000u64 {
        let len = dice.roll(120) as usize;
        let mut frame: Vec<u8> = (0..len).map(|_| dice.roll(256) as u8).collect();
        let kinds = [[8, 0], [8, 6], [0x86, 0xdd]];
        if len > 40 {
            frame[0..6].copy_from_slice(&if round % 2 == 0 { mac(2) } else { [0xff; 6] });
            frame[12..14].copy_from_slice(&kinds[dice.roll(3) as usize]);
            if frame[12] == 0x86 {
                frame[14] = 0x60;
                frame[18..20].copy_from_slice(&(len as u16 - 54.min(len as u16)).to_be_bytes());
                frame[20] = [0, 6, 17, 43, 44, 58, 60][dice.roll(7) as usize];
            } else {
                frame[14] = 0x45 + dice.roll(3) as u8;
            }
        }
        pair.cable.there.borrow_mut().push_back((0, frame, true));
        if round % 100 == 0 {
            pair.two.poll();
            pair.cable.back.borrow_mut().clear();
        }
    }
    pair.two.poll();
}

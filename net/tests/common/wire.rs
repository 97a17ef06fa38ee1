//! Cables of memory between stacks, that lose, repeat, delay and reorder as told, the same way each time.
#![allow(dead_code)]

use super::{Dice, Host, MILLISECOND};
use starling_net::link::{Full, Incoming, Link, Offload, Outgoing};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// What a cable does to frames.
#[derive(Clone, Copy, Default)]
pub struct Nature {
    /// Percent of the frames that are lost.
    pub loss: u64,
    /// Percent that come twice.
    pub twice: u64,
    /// Percent that are late, so that others overtake them.
    pub late: u64,
    /// Nanoseconds on the way.
    pub delay: u64,
}

type Frames = Rc<RefCell<VecDeque<(u64, Vec<u8>, bool)>>>;

/// One end of a cable.
pub struct End {
    pub address: [u8; 6],
    pub mtu: usize,
    pub offload: Offload,
    pub up: Rc<Cell<bool>>,
    pub clock: Rc<Cell<u64>>,
    pub incoming: Frames,
    pub outgoing: Frames,
    pub room: usize,
    nature: Nature,
    dice: Dice,
}

impl Link for End {
    fn address(&self) -> [u8; 6] {
        self.address
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn offload(&self) -> Offload {
        self.offload
    }

    fn is_up(&self) -> bool {
        self.up.get()
    }

    fn receive(&mut self, take: &mut dyn FnMut(&mut [u8], Incoming)) -> bool {
        let mut frames = self.incoming.borrow_mut();
        let now = self.clock.get();
        let Some(place) = frames.iter().position(|(due, _, _)| *due <= now) else {
            return false;
        };
        let (_, mut frame, checksum_good) = frames.remove(place).unwrap();
        drop(frames);
        take(&mut frame, Incoming { checksum_good });
        true
    }

    fn can_transmit(&self, _: usize) -> bool {
        self.outgoing.borrow().len() < self.room
    }

    fn transmit(
        &mut self,
        len: usize,
        fill: &mut dyn FnMut(&mut [u8]) -> Outgoing,
    ) -> Result<(), Full> {
        if !self.can_transmit(len) {
            return Err(Full);
        }
        let mut frame = vec![0xa5; len];
        let what = fill(&mut frame);
        assert!(
            len <= self.mtu + 14 || what.segment_size > 0,
            "a frame of {len} bytes"
        );
        if self.dice.roll(100) < self.nature.loss || !self.up.get() {
            return Ok(());
        }
        let mut due = self.clock.get() + self.nature.delay;
        if self.dice.roll(100) < self.nature.late {
            due += 3 * MILLISECOND;
        }
        let mut frames = self.outgoing.borrow_mut();
        if self.dice.roll(100) < self.nature.twice {
            frames.push_back((due, frame.clone(), what.checksum_blank));
        }
        frames.push_back((due, frame, what.checksum_blank));
        Ok(())
    }

    fn flush(&mut self) {}
}

/// A cable: both of its ends, and a view of what is on it.
pub struct Cable {
    pub up: Rc<Cell<bool>>,
    pub clock: Rc<Cell<u64>>,
    pub there: Frames,
    pub back: Frames,
}

pub fn mac(last: u8) -> [u8; 6] {
    [0, 0x16, 0x3e, 0, 0, last]
}

pub fn cable(nature: Nature, mtu: usize, offload: Offload) -> (Cable, End, End) {
    let up = Rc::new(Cell::new(true));
    let clock = Rc::new(Cell::new(0));
    let (there, back) = (Frames::default(), Frames::default());
    let end = |last: u8, incoming: &Frames, outgoing: &Frames| End {
        address: mac(last),
        mtu,
        offload,
        up: up.clone(),
        clock: clock.clone(),
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
        room: 256,
        nature,
        dice: Dice(0x1234_5678 + u64::from(last)),
    };
    let one = end(1, &back, &there);
    let two = end(2, &there, &back);
    let cable = Cable {
        up,
        clock,
        there,
        back,
    };
    (cable, one, two)
}

/// Two machines with a cable between them.
pub struct Pair {
    pub one: Host,
    pub two: Host,
    pub cable: Cable,
}

pub fn configured(pairs: &[(&str, &str)]) -> starling_net::configuration::Configuration {
    starling_net::configuration::Configuration::parse(pairs.iter().copied()).unwrap()
}

impl Pair {
    /// 10.0.0.1 and 10.0.0.2.
    pub fn new(nature: Nature, mtu: usize, offload: Offload) -> Pair {
        let (cable, first, second) = cable(nature, mtu, offload);
        let config = |address| configured(&[("ipaddr", address), ("gateway", "10.0.0.254")]);
        let mut one = Host::with(1, config("10.0.0.1/24"), super::MEMORY);
        let mut two = Host::with(2, config("10.0.0.2/24"), super::MEMORY);
        one.stack.add_link("eth0".into(), Box::new(first), one.now);
        two.stack.add_link("eth0".into(), Box::new(second), two.now);
        let mut pair = Pair { one, two, cable };
        pair.pass(3 * super::SECOND);
        pair
    }

    pub fn plain() -> Pair {
        Pair::new(Nature::default(), 1500, Offload::default())
    }

    /// Both poll until neither has anything to do now.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            self.poll();
            if self.next() > self.one.now {
                return;
            }
        }
        panic!("they never have nothing to do");
    }

    pub fn poll(&mut self) {
        self.cable.clock.set(self.one.now);
        self.one.poll();
        self.two.poll();
    }

    fn next(&self) -> u64 {
        let busy = |host: &Host| {
            if host.ready.is_empty() {
                host.stack.next_deadline().unwrap_or(u64::MAX)
            } else {
                // What is ready and not taken is no reason to hurry.
                u64::MAX
            }
        };
        let due = |frames: &Frames| frames.borrow().iter().map(|(due, _, _)| *due).min();
        [busy(&self.one), busy(&self.two)]
            .into_iter()
            .chain(due(&self.cable.there))
            .chain(due(&self.cable.back))
            .min()
            .unwrap()
    }

    /// Lets time pass for both.
    pub fn pass(&mut self, nanoseconds: u64) {
        let end = self.one.now + nanoseconds;
        loop {
            self.poll();
            let ready = !self.one.ready.is_empty() || !self.two.ready.is_empty();
            let least = if ready { 100_000 } else { 1000 };
            let mut next = self.next().max(self.one.now + least);
            if ready {
                next = next.min(self.one.now + MILLISECOND);
            }
            if next > end {
                break;
            }
            self.one.now = next;
            self.two.now = next;
        }
        self.one.now = end;
        self.two.now = end;
        self.poll();
    }
}

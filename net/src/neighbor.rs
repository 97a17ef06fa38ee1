//! Who on a link has which Ethernet address.
//!
//! A neighbour that is not known is asked for three times, a second apart; packets to it wait (a few of them), and so do connections.
//! One that is known is used for a minute, then asked for again while it is still used. Only answers to what was asked are
//! believed, and who is known is not forgotten because a stranger speaks.
//!
//! Invariant: at most [`LIMIT`] neighbours and [`HELD`] packets for each that is not known; the least recently used give way, those
//! that connections wait for last.

use crate::random::Key;
use alloc::vec::Vec;
use core::net::IpAddr;
use hashbrown::HashMap;

/// Neighbours of one link.
const LIMIT: usize = 1024;
/// Packets that wait for one neighbour.
const HELD: usize = 8;
/// Questions before a neighbour is given up.
const QUESTIONS: u8 = 3;
/// Between two questions.
const INTERVAL: u64 = 1_000_000_000;
/// How long an answer is good.
const GOOD: u64 = 60_000_000_000;
/// How long a neighbour that did not answer is not asked for again.
const SILENCE: u64 = 1_000_000_000;

/// An Ethernet address.
pub type Hardware = [u8; 6];

enum State {
    /// It is being asked for.
    Asking { left: u8, next: u64 },
    /// It has answered.
    Known { until: u64 },
    /// It did not answer.
    Failed { until: u64 },
}

struct Neighbor {
    /// Its address as far as is known, which may be while it is asked for again.
    hardware: Option<Hardware>,
    state: State,
    used: u64,
    connections: Vec<u32>,
    held: Vec<Vec<u8>>,
}

/// What is known of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Its address.
    Address(Hardware),
    /// It is to be asked for now. Its address if there is one to use meanwhile.
    Ask(Option<Hardware>),
    /// It has been asked for.
    Wait,
    /// It does not answer.
    Silent,
}

/// What became of a neighbour that was waited for.
#[derive(Default)]
pub struct Waiting {
    /// Connections that wait for it.
    pub connections: Vec<u32>,
    /// Packets that do.
    pub packets: Vec<Vec<u8>>,
}

/// Something that time asks for.
pub enum Due {
    /// Ask for this neighbour again.
    Ask(IpAddr),
    /// This one has not answered.
    Failed(IpAddr, Waiting),
}

/// The neighbours of a link.
pub struct Neighbors {
    table: HashMap<IpAddr, Neighbor, Key>,
}

impl Neighbors {
    /// Nobody is known.
    pub fn new(key: Key) -> Neighbors {
        Neighbors {
            table: HashMap::with_hasher(key),
        }
    }

    /// What is known of a neighbour that something is to be sent to at `now`.
    pub fn look_up(&mut self, address: IpAddr, now: u64) -> Known {
        if let Some(neighbor) = self.table.get_mut(&address) {
            neighbor.used = now;
            return match neighbor.state {
                State::Known { until } if now < until => match neighbor.hardware {
                    Some(hardware) => Known::Address(hardware),
                    None => Known::Wait,
                },
                State::Asking { .. } => match neighbor.hardware {
                    Some(hardware) => Known::Address(hardware),
                    None => Known::Wait,
                },
                State::Failed { until } if now < until => Known::Silent,
                State::Known { .. } | State::Failed { .. } => {
                    neighbor.state = State::Asking {
                        left: QUESTIONS - 1,
                        next: now + INTERVAL,
                    };
                    Known::Ask(neighbor.hardware)
                }
            };
        }
        if self.table.len() >= LIMIT {
            // Who is waited for gives way last: those who wait are not told.
            let oldest = self
                .table
                .iter()
                .min_by_key(|(_, neighbor)| (!neighbor.connections.is_empty(), neighbor.used));
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.table.remove(&oldest);
            }
        }
        if self.table.try_reserve(1).is_err() {
            return Known::Silent;
        }
        let neighbor = Neighbor {
            hardware: None,
            state: State::Asking {
                left: QUESTIONS - 1,
                next: now + INTERVAL,
            },
            used: now,
            connections: Vec::new(),
            held: Vec::new(),
        };
        self.table.insert(address, neighbor);
        Known::Ask(None)
    }

    /// Notes that a connection waits for a neighbour.
    pub fn wait(&mut self, address: IpAddr, connection: u32) {
        if let Some(neighbor) = self.table.get_mut(&address)
            && !neighbor.connections.contains(&connection)
            && neighbor.connections.try_reserve(1).is_ok()
        {
            neighbor.connections.push(connection);
        }
    }

    /// Keeps a packet for a neighbour.
    pub fn hold(&mut self, address: IpAddr, packet: &[u8]) {
        if let Some(neighbor) = self.table.get_mut(&address) {
            if neighbor.held.len() >= HELD {
                neighbor.held.remove(0);
            }
            let mut copy = Vec::new();
            if copy.try_reserve_exact(packet.len()).is_ok() && neighbor.held.try_reserve(1).is_ok()
            {
                copy.extend_from_slice(packet);
                neighbor.held.push(copy);
            }
        }
    }

    /// Takes an answer of a neighbour, or another sign of its address. It counts if the neighbour was asked for, or is known.
    pub fn learn(&mut self, address: IpAddr, hardware: Hardware, now: u64) -> Option<Waiting> {
        let neighbor = self.table.get_mut(&address)?;
        neighbor.hardware = Some(hardware);
        neighbor.state = State::Known { until: now + GOOD };
        Some(Waiting {
            connections: core::mem::take(&mut neighbor.connections),
            packets: core::mem::take(&mut neighbor.held),
        })
    }

    /// Something that is due at `now`.
    pub fn due(&mut self, now: u64) -> Option<Due> {
        let (address, neighbor) = self.table.iter_mut().find(
            |(_, neighbor)| matches!(neighbor.state, State::Asking { next, .. } if next <= now),
        )?;
        let address = *address;
        if let State::Asking { left, .. } = neighbor.state
            && left > 0
        {
            neighbor.state = State::Asking {
                left: left - 1,
                next: now + INTERVAL,
            };
            return Some(Due::Ask(address));
        }
        neighbor.hardware = None;
        neighbor.state = State::Failed {
            until: now + SILENCE,
        };
        let waiting = Waiting {
            connections: core::mem::take(&mut neighbor.connections),
            packets: core::mem::take(&mut neighbor.held),
        };
        Some(Due::Failed(address, waiting))
    }

    /// When something will be due.
    pub fn next_deadline(&self) -> Option<u64> {
        let all = self.table.values();
        all.filter_map(|neighbor| match neighbor.state {
            State::Asking { next, .. } => Some(next),
            _ => None,
        })
        .min()
    }

    /// Forgets everybody; says who waited.
    pub fn clear(&mut self) -> Waiting {
        let mut all = Waiting::default();
        for (_, neighbor) in self.table.drain() {
            all.connections.extend(neighbor.connections);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const SOMEBODY: Hardware = [2, 0, 0, 0, 0, 7];

    fn address(last: u16) -> IpAddr {
        IpAddr::from([10, 0, (last >> 8) as u8, last as u8])
    }

    #[test]
    fn asked_for_found_and_asked_for_again() {
        let mut all = Neighbors::new(Random::new([0; 32]).key());
        assert_eq!(all.look_up(address(1), 0), Known::Ask(None));
        assert_eq!(all.look_up(address(1), 1), Known::Wait);
        all.wait(address(1), 5);
        all.hold(address(1), b"packet");
        let waiting = all.learn(address(1), SOMEBODY, 2).unwrap();
        assert_eq!(
            (waiting.connections, waiting.packets.len()),
            (Vec::from([5]), 1)
        );
        assert_eq!(all.look_up(address(1), 3), Known::Address(SOMEBODY));
        assert_eq!(
            all.look_up(address(1), 2 + GOOD),
            Known::Ask(Some(SOMEBODY))
        );
        assert_eq!(all.look_up(address(1), 3 + GOOD), Known::Address(SOMEBODY));
        assert!(all.learn(address(2), SOMEBODY, 3).is_none());
    }

    #[test]
    fn who_does_not_answer_is_given_up() {
        let mut all = Neighbors::new(Random::new([0; 32]).key());
        all.look_up(address(1), 0);
        all.wait(address(1), 5);
        let mut asked = 0;
        loop {
            let now = all.next_deadline().unwrap();
            match all.due(now).unwrap() {
                Due::Ask(_) => asked += 1,
                Due::Failed(_, waiting) => {
                    assert_eq!((now, waiting.connections.len()), (3 * INTERVAL, 1));
                    break;
                }
            }
        }
        assert_eq!(asked, 2);
        assert_eq!(all.look_up(address(1), 3 * INTERVAL), Known::Silent);
        assert_eq!(all.look_up(address(1), 5 * INTERVAL), Known::Ask(None));
    }

    #[test]
    fn there_is_a_limit() {
        let mut all = Neighbors::new(Random::new([0; 32]).key());
        for last in 0..3000 {
            all.look_up(address(last), last.into());
            (0..20).for_each(|_| all.hold(address(last), &[0; 100]));
        }
        assert_eq!(all.table.len(), LIMIT);
        assert!(
            all.table
                .values()
                .all(|neighbor| neighbor.held.len() == HELD)
        );
    }
}

//! What a socket counts: `inet:getstat/1,2`.

use super::reply::{Answer, INVALID, Reply};
use super::wire::statistic;

/// Packets of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Packets {
    /// How many there were.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of the longest.
    pub most: u64,
    mean: f64,
    deviation: f64,
}

impl Packets {
    /// One packet more, of `len` bytes.
    pub fn add(&mut self, len: usize) {
        let len = len as u64;
        self.count += 1;
        self.bytes += len;
        self.most = self.most.max(len);
        let count = self.count as f64;
        self.mean += (len as f64 - self.mean) / count;
        self.deviation += ((len as f64 - self.mean) - self.deviation) / count;
    }
}

/// Packets of both directions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    /// Those that came, when they were handed on.
    pub received: Packets,
    /// Those that were given to the socket.
    pub sent: Packets,
}

impl Statistics {
    /// The numbers that `wanted` names. `pending` are the bytes that are not sent yet.
    pub fn reply(&self, wanted: &[u8], pending: usize) -> Reply {
        let mut answer = Answer::empty()?;
        for &code in wanted {
            let value = match code {
                statistic::RECEIVED_BYTES | statistic::SENT_BYTES => {
                    let bytes = match code {
                        statistic::RECEIVED_BYTES => self.received.bytes,
                        _ => self.sent.bytes,
                    };
                    answer.push(&[code])?;
                    answer.push(&bytes.to_be_bytes())?;
                    continue;
                }
                statistic::RECEIVED_PACKETS => self.received.count,
                statistic::RECEIVED_MOST => self.received.most,
                statistic::RECEIVED_MEAN => self.received.mean as u64,
                statistic::RECEIVED_DEVIATION => libm::fabs(self.received.deviation) as u64,
                statistic::SENT_PACKETS => self.sent.count,
                statistic::SENT_MOST => self.sent.most,
                statistic::SENT_MEAN => self.sent.mean as u64,
                statistic::SEND_PENDING => pending as u64,
                _ => return Err(INVALID),
            };
            answer.push(&[code])?;
            answer.push(&(value as u32).to_be_bytes())?;
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_all_packets() {
        let mut packets = Packets::default();
        for len in [10, 20, 60] {
            packets.add(len);
        }
        assert_eq!((packets.count, packets.bytes, packets.most), (3, 90, 60));
        let statistics = Statistics {
            received: packets,
            ..Statistics::default()
        };
        let wanted = [statistic::RECEIVED_MEAN, statistic::RECEIVED_BYTES];
        let reply = statistics.reply(&wanted, 0);
        let expected = [3, 0, 0, 0, 30, 9, 0, 0, 0, 0, 0, 0, 0, 90];
        assert_eq!(reply, Answer::of(&expected).map_err(Into::into));
        assert_eq!(statistics.reply(&[99], 0), Err(INVALID));
    }
}

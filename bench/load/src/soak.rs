//! What becomes of a connection in a soak: most are used as they should be, the others are dropped at the worst time.

/// Numbers that look random and are the same for the same seed (xorshift64*).
pub struct Random(u64);

impl Random {
    /// Any seed will do.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// What to do with the next request.
    pub fn fate(&mut self) -> Fate {
        match self.next() >> 32 & 15 {
            0 => Fate::DropUnused,
            1 => Fate::ResetWithinRequest,
            2 => Fate::ResetWithinAnswer,
            3 => Fate::CloseWithinAnswer,
            4..=6 => Fate::AskToClose,
            _ => Fate::Keep,
        }
    }
}

/// What to do with a connection and one request on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The answer is waited for, and the connection used again.
    Keep,
    /// The request asks the server to close the connection behind the answer.
    AskToClose,
    /// No request is sent.
    DropUnused,
    /// Half a request, then a reset.
    ResetWithinRequest,
    /// A request, then a reset.
    ResetWithinAnswer,
    /// A request, then an orderly end that does not wait for the answer.
    CloseWithinAnswer,
}

//! What a backend can do that ends the connection with it.
//!
//! Invariant: each of these is found before anything is done on the strength of what the backend said.

use crate::ring::BadProducer;
use core::fmt;

/// Which ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// Packets that we send.
    Transmit,
    /// Packets that we get.
    Receive,
}

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transmit => "transmit",
            Self::Receive => "receive",
        })
    }
}

/// What the backend did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its index is impossible.
    Producer(Ring, BadProducer),
    /// It answered a request that was not made, or that it had answered before.
    NotRequested(Ring, u16),
    /// It answered with a status that there is not.
    Status(Ring, i16),
    /// It answered more slots of additional information than there were.
    UnexpectedNull,
    /// It claims to have written outside of a page.
    #[allow(missing_docs)] // the names say it
    OutsidePage { offset: u16, length: u16 },
    /// It sent a packet of more slots than there may be.
    TooManySlots,
    /// Its packet has additional information of a kind that was not agreed upon.
    ExtraKind(u8),
    /// It sent additional information more than once for a packet.
    ExtraTwice,
    /// It says that a packet consists of segments without data.
    NoSegmentSize,
    /// It sent a packet of segments of a protocol that was not agreed upon.
    SegmentType(u8),
    /// It has not answered anything for so many seconds, while packets were waiting.
    Silent(u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Producer(ring, bad) => write!(f, "{ring} ring: {bad}"),
            Self::NotRequested(ring, id) => {
                write!(
                    f,
                    "{ring} ring: it answered request {id}, which is not under way"
                )
            }
            Self::Status(ring, status) => {
                write!(f, "{ring} ring: it answered with status {status}")
            }
            Self::UnexpectedNull => f.write_str("transmit ring: an empty response too many"),
            Self::OutsidePage { offset, length } => write!(
                f,
                "receive ring: {length} bytes at {offset} are not within a page"
            ),
            Self::TooManySlots => f.write_str("receive ring: a packet of too many slots"),
            Self::ExtraKind(kind) => write!(
                f,
                "receive ring: additional information of kind {kind}, which was not agreed upon"
            ),
            Self::ExtraTwice => {
                f.write_str("receive ring: additional information twice for a packet")
            }
            Self::NoSegmentSize => f.write_str("receive ring: segments of size 0"),
            Self::SegmentType(kind) => write!(
                f,
                "receive ring: segments of type {kind}, which was not agreed upon"
            ),
            Self::Silent(seconds) => {
                write!(
                    f,
                    "transmit ring: no answer for {seconds} s, and it is full"
                )
            }
        }
    }
}

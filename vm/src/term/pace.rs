//! How walks over whole terms are cut into pieces, so that other processes can run in between.
//!
//! [`super::size`] and [`super::copy`] tell a [`Pace`] how many words they have done. That of a built-in function
//! ([`Context`]) lets others run when the turn is over; [`AtOnce`] does nothing, and the compiler removes it.

use crate::bif::{Context, Fail};
use crate::memory::NoMemory;

/// See the [module](self).
pub trait Pace {
    /// Why the walk stops.
    type Stop: From<NoMemory>;
    /// Whether anybody listens.
    const IN_PIECES: bool;
    /// So many words have been done since the last call.
    fn did(&mut self, words: usize) -> Result<(), Self::Stop>;
}

/// At one go.
pub struct AtOnce;

impl Pace for AtOnce {
    type Stop = NoMemory;
    const IN_PIECES: bool = false;

    #[inline(always)]
    fn did(&mut self, _: usize) -> Result<(), NoMemory> {
        Ok(())
    }
}

/// Words that a reduction pays for. A turn is 256 KiB then, which takes a tenth of a millisecond, or several where the memory is new.
const PER_REDUCTION: usize = 8;

impl Pace for Context {
    type Stop = Fail;
    const IN_PIECES: bool = true;

    fn did(&mut self, words: usize) -> Result<(), Fail> {
        self.consume(words / PER_REDUCTION)
    }
}

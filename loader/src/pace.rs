//! How the work of the loader is cut into pieces, so that others can run in between.
//!
//! Whoever loads a module while programs run hands over a function that is called every [`PIECE`] units of work, about as many bytes of
//! a `.beam`; it takes its time and says whether to go on. Invariant: between two calls there is no loop over a whole file
//! or table that is slower than copying it.

use crate::error::{LoadError, Problem};

/// Units of work between two calls.
const PIECE: usize = 2048;

/// See the [module](self).
pub struct Pace<'h> {
    between: Option<&'h mut dyn FnMut(usize) -> bool>,
    work: usize,
}

impl<'h> Pace<'h> {
    /// At one go.
    pub fn unbroken() -> Pace<'h> {
        Pace {
            between: None,
            work: 0,
        }
    }

    /// In pieces: `between` gets how much was done since it was called last. When it says false, loading ends with [`Problem::Stopped`].
    pub fn broken(between: &'h mut dyn FnMut(usize) -> bool) -> Pace<'h> {
        Pace {
            between: Some(between),
            work: 0,
        }
    }

    /// So much has been done.
    #[inline]
    pub(crate) fn did(&mut self, work: usize) -> Result<(), LoadError> {
        self.work += work;
        if self.work < PIECE {
            return Ok(());
        }
        self.pause()
    }

    #[cold]
    fn pause(&mut self) -> Result<(), LoadError> {
        let work = core::mem::take(&mut self.work);
        let goes_on = self.between.as_mut().is_none_or(|between| between(work));
        match goes_on {
            true => Ok(()),
            false => Err(Problem::Stopped.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_cut_into_pieces_until_told_to_stop() {
        let mut pieces = alloc::vec::Vec::new();
        let mut between = |work| {
            pieces.push(work);
            pieces.len() < 2
        };
        let mut pace = Pace::broken(&mut between);
        assert_eq!(pace.did(PIECE - 1), Ok(()));
        assert_eq!(pace.did(3), Ok(()));
        assert_eq!(pace.did(PIECE).unwrap_err().problem, Problem::Stopped);
        assert_eq!(pieces, [PIECE + 2, PIECE]);
        assert_eq!(Pace::unbroken().did(usize::MAX), Ok(()));
    }
}

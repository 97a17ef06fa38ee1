//! Conversions that need not be done again: where the `.ling` form of a `.beam` file that was seen before is kept.
//!
//! Who keeps them is the platform's business: a directory of the user's on Linux; a domain has none, its modules were
//! converted when its image was made. What comes out is used without being validated again, so it
//! must be what went in: an implementation checks that (a `.ling` file has a checksum) and keeps others from writing there.

use alloc::borrow::Cow;

/// Converted modules by the file that they were made from.
pub trait ConvertedModules {
    /// The conversion of `beam`, if it is known.
    fn find(&mut self, beam: &[u8]) -> Option<Cow<'static, [u8]>>;

    /// Remembers that `beam` was converted to `ling`. Failing to is nobody's error.
    fn keep(&mut self, beam: &[u8], ling: &[u8]);
}

/// Remembers nothing.
pub struct NoCache;

impl ConvertedModules for NoCache {
    fn find(&mut self, _beam: &[u8]) -> Option<Cow<'static, [u8]>> {
        None
    }

    fn keep(&mut self, _beam: &[u8], _ling: &[u8]) {}
}

//! Conversions that need not be done again: where the `.ling` form of a `.beam` file that was seen before is kept.
//!
//! Who keeps them is the platform's business: a directory of the user's on Linux; a domain has none, its modules were
//! converted when its image was made. What comes out is used without being validated again, so it
//! must be what went in: an implementation checks that (a `.ling` file has a checksum) and keeps others from writing there.

use crate::fs::cpio::Archive;
use alloc::borrow::Cow;
use hashbrown::HashMap;
use starling_loader::ling;

/// Converted modules by the file that they were made from.
pub trait ConvertedModules {
    /// The conversion of `beam`, if it is known. A file that is `.ling` already may be known, too: as one that was
    /// validated before.
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

/// The modules that an image carries: they were converted when it was made, and are used where they lie. OTP's code server reads such
/// a file as any other and hands the bytes over, so they are recognised by their content.
#[derive(Default)]
pub struct BakedModules {
    /// By checksum and length, as the file says them.
    files: HashMap<(u32, u32), &'static [u8]>,
}

impl BakedModules {
    /// The modules of `archive`. Of a damaged one, those before the damage.
    pub fn new(archive: &Archive<'static>) -> BakedModules {
        let mut baked = BakedModules::default();
        for entry in archive.entries().map_while(Result::ok) {
            if let Some(key) = key(entry.data)
                && baked.files.try_reserve(1).is_ok()
            {
                baked.files.insert(key, entry.data);
            }
        }
        baked
    }
}

/// Checksum and length of a `.ling` file.
fn key(file: &[u8]) -> Option<(u32, u32)> {
    let len = u32::try_from(file.len()).ok()?;
    Some((ling::checksum(file)?, len))
}

impl ConvertedModules for BakedModules {
    fn find(&mut self, file: &[u8]) -> Option<Cow<'static, [u8]>> {
        let baked = *self.files.get(&key(file)?)?;
        (baked == file).then_some(Cow::Borrowed(baked))
    }

    fn keep(&mut self, _beam: &[u8], _ling: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::cpio::Writer;

    #[test]
    fn a_baked_module_is_known_by_its_bytes() {
        let module = |text: &[u8]| [b"LING\0\0\0\0\0\0\0\0", text].concat();
        let (one, other) = (module(b"sum1 and more"), module(b"sum1 and less"));
        let mut writer = Writer::new();
        writer.file("lib/one.beam", 0o644, &one).unwrap();
        writer.file("lib/text", 0o644, b"text").unwrap();
        let archive: &'static [u8] = writer.finish().leak();
        let mut baked = BakedModules::new(&Archive::new(archive));
        let found = baked.find(&one).unwrap();
        assert!(
            matches!(found, Cow::Borrowed(bytes) if archive.as_ptr_range().contains(&bytes.as_ptr()))
        );
        assert!(baked.find(&other).is_none());
        assert!(baked.find(b"text").is_none());
    }
}

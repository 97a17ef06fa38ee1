//! What the image carries besides the kernel: a cpio archive, put behind it by `starling image`.
//!
//! The baker finds the symbol `STARLING_IMAGE` in the kernel, writes the archive's place into it and
//! adds a segment with the archive. Members: `starling/args`, `starling/symbols`, `starling/bare/<module>.ling`; with OTP `starling/otp`,
//! `starling/preloaded/<module>.ling` and the guest's files.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::ops::Range;
use starling_vm::boot::ModuleStore;
use starling_vm::fs::cpio::Archive;

/// Member with the image's boot arguments, each ended by a NUL.
pub const ARGUMENTS: &str = "starling/args";
/// Member with the kernel's symbols, as [`symbols`](crate::symbols) reads them.
pub const SYMBOLS: &str = "starling/symbols";
/// Member that an image with OTP has: root, release and version of `erts`, each ended by a NUL.
pub const OTP: &str = "starling/otp";
/// Folder with the modules of a machine without OTP.
pub const BARE_MODULES: &str = "starling/bare";
/// Folder with OTP's preloaded modules.
pub const PRELOADED_MODULES: &str = "starling/preloaded";

/// Where the archive is; patched by the baker, so always read through [`ImageDescriptor::range`].
#[repr(C)]
pub struct ImageDescriptor {
    magic: u64,
    address: u64,
    length: u64,
}

impl ImageDescriptor {
    /// "STARLING", little-endian: the baker checks it before it writes.
    pub const MAGIC: u64 = 0x474e_494c_5241_5453;

    /// A descriptor of no archive.
    pub const fn empty() -> Self {
        Self {
            magic: Self::MAGIC,
            address: 0,
            length: 0,
        }
    }

    /// The addresses of the archive; empty if there is none.
    pub fn range(&self) -> Range<usize> {
        // SAFETY: both are fields of `self`; volatile because the value in the file is not the one the
        // compiler saw.
        let (address, length) = unsafe {
            (
                (&raw const self.address).read_volatile(),
                (&raw const self.length).read_volatile(),
            )
        };
        address as usize..address.saturating_add(length) as usize
    }
}

/// The archive as the machine's source of modules.
pub struct ImageModules {
    archive: Option<Archive<'static>>,
    folder: &'static str,
}

impl ImageModules {
    /// Modules from a `folder` of `archive`; none without one.
    pub fn new(archive: Option<Archive<'static>>, folder: &'static str) -> Self {
        Self { archive, folder }
    }
}

impl ModuleStore for ImageModules {
    fn find(&self, name: &str) -> Result<Option<Cow<'static, [u8]>>, String> {
        let path = format!("{}/{name}.ling", self.folder);
        match self
            .archive
            .as_ref()
            .map_or(Ok(None), |archive| archive.find(&path))
        {
            Ok(found) => Ok(found.map(Cow::Borrowed)),
            Err(error) => Err(format!(
                "the image's archive is damaged ({error}, looking for {path}); bake the image again"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starling_vm::fs::cpio::Writer;
    use std::boxed::Box;

    #[test]
    fn a_fresh_descriptor_has_no_archive() {
        assert!(ImageDescriptor::empty().range().is_empty());
        assert_eq!(&ImageDescriptor::MAGIC.to_le_bytes(), b"STARLING");
    }

    #[test]
    fn modules_are_found_by_name_and_damage_is_reported() {
        let mut writer = Writer::new();
        assert!(
            writer
                .file("starling/bare/hello.ling", 0o644, b"code")
                .is_ok()
        );
        let bytes: &'static [u8] = Box::leak(writer.finish().into_boxed_slice());
        let modules = ImageModules::new(Some(Archive::new(bytes)), BARE_MODULES);
        assert_eq!(
            modules.find("hello").as_ref().map(|m| m.as_deref()),
            Ok(Some(&b"code"[..]))
        );
        assert_eq!(
            modules.find("other").as_ref().map(|m| m.as_deref()),
            Ok(None)
        );
        assert_eq!(
            ImageModules::new(None, BARE_MODULES)
                .find("hello")
                .as_ref()
                .map(|m| m.as_deref()),
            Ok(None)
        );
        let damaged = ImageModules::new(Some(Archive::new(&bytes[..40])), BARE_MODULES);
        assert!(
            damaged
                .find("hello")
                .is_err_and(|message| message.contains("bake the image again"))
        );
    }
}

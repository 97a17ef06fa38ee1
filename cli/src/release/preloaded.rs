//! OTP's preloaded modules as a release has them: inside the emulator `erts-VERSION/bin/beam.smp`, each a whole `.beam` in its constants.
//!
//! So a release is complete: nothing must be installed where an image is baked, and the modules fit the release's `kernel` exactly. A release without an
//! emulator (`include_erts: false`) takes them from an installed OTP of the same version.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use starling_loader::Pace;
use starling_loader::beam::Beam;
use starling_vm::boot::ModuleStore;

use super::Release;
use crate::failure::{Failure, Result};
use crate::otp::Otp;
use crate::otp::preloaded::Preloaded;

/// One that every OTP has.
const ALWAYS: &str = "init";

/// Preloaded modules by name, each with the file that it is from.
#[derive(Clone, Debug, Default)]
pub struct ReleasePreloaded {
    modules: BTreeMap<String, (PathBuf, Vec<u8>)>,
}

impl ReleasePreloaded {
    /// Those of `release`; `otp` is an installed one, if the release needs it.
    pub fn find(release: &Release, otp: Option<&Otp>) -> Result<ReleasePreloaded> {
        if let Some(otp) = otp {
            return of_directory(&Preloaded::find(otp)?.directory);
        }
        let emulator = emulator(release);
        let bytes = fs::read(&emulator).map_err(|error| Failure::io(&emulator, "read", error))?;
        let modules = in_emulator(&bytes);
        if !modules.contains_key(ALWAYS) {
            return Err(Failure::new(format!(
                "{}: there are no preloaded modules in this emulator (init, erlang, …)",
                emulator.display()
            ))
            .with_hint(
                "Name an installed OTP of the same version, which has them as files: --otp DIR",
            ));
        }
        let modules = modules.into_iter();
        let modules = modules.map(|(name, bytes)| (name, (emulator.clone(), bytes)));
        Ok(ReleasePreloaded {
            modules: modules.collect(),
        })
    }

    /// All of them: name, file that it is from, contents.
    pub fn modules(&self) -> impl Iterator<Item = (&str, &Path, &[u8])> {
        self.modules
            .iter()
            .map(|(name, (path, bytes))| (name.as_str(), path.as_path(), bytes.as_slice()))
    }
}

/// The emulator that a release brings; it may not be there.
pub fn emulator(release: &Release) -> PathBuf {
    let erts = format!("erts-{}", release.erts_version);
    release.root.join(erts).join("bin/beam.smp")
}

fn of_directory(directory: &Path) -> Result<ReleasePreloaded> {
    let failed = |error| Failure::io(directory, "read", error);
    let mut modules = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        if let Some(name) = name
            && path
                .extension()
                .is_some_and(|extension| extension == "beam")
        {
            let bytes = fs::read(&path).map_err(|error| Failure::io(&path, "read", error))?;
            modules.insert(name.to_owned(), (path.clone(), bytes));
        }
    }
    Ok(ReleasePreloaded { modules })
}

/// Every module in `emulator`: an IFF form `FOR1 SIZE BEAM` that parses as one.
fn in_emulator(emulator: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut modules = BTreeMap::new();
    let mut at = 0;
    while let Some(found) = find(&emulator[at..], b"FOR1") {
        at += found;
        let form = form_at(&emulator[at..]);
        if let Some(form) = form
            && let Ok(beam) = Beam::parse(form, &mut Pace::unbroken())
        {
            modules.insert(beam.atoms.module().to_owned(), form.to_vec());
            at += form.len();
        } else {
            at += 4;
        }
    }
    modules
}

/// The IFF form at the beginning of `bytes`.
fn form_at(bytes: &[u8]) -> Option<&[u8]> {
    let size = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
    let form = bytes.get(..usize::try_from(size).ok()?.checked_add(8)?)?;
    (form.get(8..12)? == b"BEAM").then_some(form)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

impl ModuleStore for ReleasePreloaded {
    fn find(&self, name: &str) -> std::result::Result<Option<Cow<'static, [u8]>>, String> {
        let found = self.modules.get(name);
        Ok(found.map(|(_, bytes)| Cow::Owned(bytes.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_are_no_modules_are_passed_over() {
        let mut bytes = b"xxFOR1\x00\x00\x00\x08BEAMabcdFOR1".to_vec();
        assert!(in_emulator(&bytes).is_empty());
        bytes.extend(b"\xff\xff\xff\xffBEAM");
        assert!(in_emulator(&bytes).is_empty());
        assert_eq!(
            form_at(b"FOR1\x00\x00\x00\x04BEAMz"),
            Some(&b"FOR1\x00\x00\x00\x04BEAM"[..])
        );
    }
}

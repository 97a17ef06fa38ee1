//! OTP's preloaded modules: those that its emulator carries inside itself.
//!
//! Debian and OTP's own `make install` put them on disk, too; where an installation has none, the machine cannot start from it, and says
//! so. The machine asks for each by name, once, before anything runs.

use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use starling_vm::boot::ModuleStore;

use super::Otp;
use crate::failure::{Failure, Result};

/// The directory with an OTP's preloaded modules.
#[derive(Clone, Debug)]
pub struct Preloaded {
    /// The directory.
    pub directory: PathBuf,
}

impl Preloaded {
    /// Finds them. `init` stands for all.
    pub fn find(otp: &Otp) -> Result<Preloaded> {
        let erts = format!("erts-{}", otp.erts_version);
        let places = [
            otp.root.join("lib").join(&erts).join("ebin"),
            otp.root.join(&erts).join("ebin"),
            // A source tree in which OTP was built.
            otp.root.join("erts/preloaded/ebin"),
        ];
        let found = places
            .iter()
            .find(|directory| directory.join("init.beam").is_file());
        match found {
            Some(directory) => Ok(Preloaded {
                directory: directory.clone(),
            }),
            None => Err(Failure::new(format!(
                "{}: this OTP has no preloaded modules on disk (init.beam, erlang.beam, …): looked in {} and {}",
                otp.root_text,
                places[0].display(),
                places[1].display(),
            ))
            .with_hint(
                "OTP's emulator has them inside itself; Debian's erlang-base has them as files, too.\n\
                 Copy erts/preloaded/ebin/*.beam of the same OTP's sources there, or name another OTP: --otp DIR",
            )),
        }
    }
}

impl ModuleStore for Preloaded {
    fn find(&self, name: &str) -> std::result::Result<Option<Cow<'static, [u8]>>, String> {
        let path = self.directory.join(format!("{name}.beam"));
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(Cow::Owned(bytes))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: cannot read: {error}", path.display())),
        }
    }
}

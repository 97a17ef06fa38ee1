//! `starling boot`: runs an image under the real Xen hypervisor, in QEMU, and attaches its console.
//!
//! - [`host`] finds Xen, its tools, dom0's kernel and QEMU; [`unpack`], [`libraries`] and [`initramfs`] prepare them.
//! - [`qemu`] starts the machine and [`session`] watches it.
//! - [`domain`] boots as in production, with a dom0 and `xl create` ([`domain_config`]; dom0's side is [`crate::dom0`], and
//!   [`wire`] is what the two say to each other). [`direct`] boots the image in dom0's place.
//! - [`configuration`] is one of the user's for `xl`, in place of an image.
//! - [`network`] is what was asked of the domain's network, [`monitor`] how QEMU gets ports of this machine, [`serving`] what is
//!   said of it and what it makes of the exit status.
//! - [`console`] and [`terminal`] are between the guest's console and the user's. [`outcome`] makes an exit status of the guest's end.

mod configuration;
mod console;
mod direct;
mod domain;
pub mod domain_config;
mod host;
mod initramfs;
mod libraries;
mod monitor;
pub mod network;
mod options;
mod orders;
mod outcome;
mod qemu;
mod serving;
mod session;
mod terminal;
mod toolstack_command;
mod unpack;
pub mod wire;

use std::fs;
use std::path::Path;

use configuration::Configuration;
pub use options::Options;

use crate::failure::{Failure, Result};

/// How an image is made.
const MAKE_ONE: &str = "Make one with: starling image RELEASE -o IMAGE, or starling image --bare -o IMAGE -pa DIR -- -s MODULE FUNCTION";

/// Runs the command; the guest's exit status.
pub fn run(options: &Options) -> Result<u8> {
    let path = &options.image;
    let content = fs::read(path)
        .map_err(|error| Failure::io(path, "read the image", error).with_hint(MAKE_ONE))?;
    match Configuration::of(path, &content)? {
        None => {
            check(path, &content)?;
            if options.dom0 {
                direct::boot(options, &content)
            } else {
                domain::boot(options, &content, None)
            }
        }
        Some(configuration) => {
            if options.dom0 {
                return Err(Failure::usage(format!(
                    "boot: {}: a configuration is for xl, which an image in dom0's place (--dom0) has not",
                    path.display()
                ))
                .with_hint("Leave --dom0 away, or name the image itself."));
            }
            let image = configuration.read_kernel()?;
            check(&configuration.kernel, &image)?;
            let mut options = options.clone();
            options.memory = options.memory.or(configuration.memory);
            if options.vifs.is_empty() {
                options.vifs.clone_from(&configuration.vifs);
            }
            domain::boot(&options, &image, Some(&configuration))
        }
    }
}

/// Whether this can be a domain's kernel.
fn check(path: &Path, image: &[u8]) -> Result<()> {
    if image.starts_with(b"\x7fELF") {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{}: not an image: it is no ELF file",
        path.display()
    ))
    .with_hint(MAKE_ONE))
}

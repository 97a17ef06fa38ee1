//! `starling boot`: runs an image under the real Xen hypervisor, in QEMU, and attaches its console.
//!
//! - [`host`] finds Xen, its tools, dom0's kernel and QEMU; [`unpack`], [`libraries`] and [`initramfs`] prepare them.
//! - [`qemu`] starts the machine and [`session`] watches it.
//! - [`domain`] boots as in production, with a dom0 and `xl create` ([`domain_config`]; dom0's side is [`crate::dom0`], and
//!   [`wire`] is what the two say to each other). [`direct`] boots the image in dom0's place.
//! - [`network`] is what was asked of the domain's network, [`monitor`] how QEMU gets ports of this machine, [`serving`] what is
//!   said of it and what it makes of the exit status.
//! - [`console`] and [`terminal`] are between the guest's console and the user's. [`outcome`] makes an exit status of the guest's end.

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

pub use options::Options;

use crate::failure::{Failure, Result};

/// Runs the command; the guest's exit status.
pub fn run(options: &Options) -> Result<u8> {
    let image = fs::read(&options.image).map_err(|error| {
        Failure::io(&options.image, "read the image", error).with_hint(
            "Make one with: starling image --bare -o IMAGE -pa DIR -- -s MODULE FUNCTION",
        )
    })?;
    if !image.starts_with(b"\x7fELF") {
        return Err(Failure::new(format!(
            "{}: not an image: it is no ELF file",
            options.image.display()
        ))
        .with_hint("Make one with: starling image --bare -o IMAGE -pa DIR -- -s MODULE FUNCTION"));
    }
    if options.dom0 {
        direct::boot(options, &image)
    } else {
        domain::boot(options, &image)
    }
}

//! `starling image`: bakes modules and boot flags into one ELF file that Xen boots.
//!
//! The image is the guest kernel that the tool carries inside itself, with a cpio archive in a segment of its own:
//!
//! | member                      | content                                          |
//! |-----------------------------|--------------------------------------------------|
//! | `starling/args`             | the boot flags, each followed by a NUL           |
//! | `starling/symbols`          | the kernel's functions, for backtraces           |
//! | `starling/bare/NAME.ling`   | a module, converted, for an image without OTP    |
//!
//! Equal input gives an equal file. The file appears whole or not at all.

mod elf;
mod symbols;

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use starling_loader::ling::Module;
use starling_vm::boot::bare::Flags;
use starling_vm::fs::cpio::{CpioError, Writer};

use crate::failure::{Failure, Result};
use crate::modules::ModulePath;

/// The guest kernel, built by `build.rs`.
const GUEST_KERNEL: &[u8] = include_bytes!(env!("STARLING_GUEST_KERNEL"));

/// Command line of `starling image`.
#[derive(clap::Args)]
pub struct Options {
    /// Boot without OTP: the given modules and the machine's built-in functions only
    #[arg(long)]
    bare: bool,

    /// The file to write
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    /// Take every module (.beam or .ling) in this directory; spelled -pa, as by `erl`, and may be given more than once
    #[arg(long = "pa", value_name = "DIR")]
    directories: Vec<PathBuf>,

    /// Boot flags, as `erl` spells them: -s MODULE FUNCTION
    #[arg(last = true, value_name = "FLAGS")]
    flags: Vec<String>,
}

/// Runs the command.
pub fn run(options: &Options) -> Result<u8> {
    if !options.bare {
        return Err(
            Failure::new("image: images with OTP's kernel and stdlib are not there yet")
                .with_hint("Add --bare to bake modules without OTP: starling image --bare -o OUT -pa DIR -- -s MODULE FUNCTION"),
        );
    }
    let modules = ModulePath::new(options.directories.clone())?;
    let archive = archive(&options.flags, &modules)?;
    let image = elf::bake(GUEST_KERNEL, &archive)?;
    write_whole(&options.output, &image)?;
    eprintln!(
        "{}: {} (guest kernel {}, archive {})",
        options.output.display(),
        kib(image.len()),
        kib(image.len() - archive.len()),
        kib(archive.len())
    );
    eprintln!("Boot it with: starling boot {}", options.output.display());
    Ok(0)
}

/// The image's archive.
fn archive(flags: &[String], modules: &ModulePath) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    let full = |error: CpioError| Failure::new(format!("image: {error}"));
    writer
        .file("starling/args", 0o644, &flags_file(flags)?)
        .map_err(full)?;
    let symbols = symbols::function_table(GUEST_KERNEL)?;
    writer
        .file("starling/symbols", 0o644, symbols.as_bytes())
        .map_err(full)?;
    for (name, path) in modules.all()? {
        let bytes = fs::read(&path).map_err(|error| Failure::io(&path, "read", error))?;
        let len = bytes.len();
        let ling = to_ling(&name, &path, bytes)?;
        eprintln!("  {name}: {} -> {}", kib(len), kib(ling.len()));
        writer
            .file(&format!("starling/bare/{name}.ling"), 0o644, &ling)
            .map_err(full)?;
    }
    Ok(writer.finish())
}

/// The boot flags as the guest reads them.
fn flags_file(flags: &[String]) -> Result<Vec<u8>> {
    if let Some(flag) = flags.iter().find(|flag| flag.as_str() == "-pa") {
        return Err(Failure::usage(format!(
            "image: {flag} behind `--` would look for modules inside of the guest"
        ))
        .with_hint("Give the modules' directories before the `--`."));
    }
    if !flags.is_empty() {
        Flags::parse(flags).map_err(|error| Failure::usage(format!("image: {error}")))?;
    }
    // An argument cannot have a NUL inside: the system passes arguments as C strings.
    Ok(flags
        .iter()
        .flat_map(|flag| flag.bytes().chain([0]))
        .collect())
}

/// The module `name` in `bytes`, which came from `path`, as ling.
fn to_ling(name: &str, path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let refused = |error: &dyn std::fmt::Display| {
        Failure::new(format!("{}: {error}", path.display()))
            .with_hint("Compile it again with erlc (OTP 25 to 28).")
    };
    let ling = if starling_loader::is_ling(&bytes) {
        bytes
    } else {
        starling_loader::convert_beam(&bytes).map_err(|error| refused(&error))?
    };
    let module = Module::parse(&ling).map_err(|error| refused(&error))?;
    if module.name() != name {
        let found = module.name();
        return Err(
            Failure::new(format!("{}: the file holds the module {found}", path.display()))
                .with_hint(format!(
                    "A file is named after its module: rename it to {found}.{}, or take it out of the directory.",
                    path.extension().unwrap_or_default().display()
                )),
        );
    }
    Ok(ling)
}

/// Writes `path` so that it has all of `bytes` or stays as it was.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| Failure::usage(format!("image: -o {}: not a file name", path.display())))?;
    let mut temporary_name = name.to_owned();
    temporary_name.push(format!(".{}.part", std::process::id()));
    let temporary = path.with_file_name(temporary_name);
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.set_permissions(fs::Permissions::from_mode(0o644))?;
            file.sync_data()
        })
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // Best effort: the failure to be told is the first one.
        let _ = fs::remove_file(&temporary);
        let failure = Failure::io(path, "write", &error);
        match error.kind() {
            ErrorKind::NotFound => failure.with_hint("Does the directory exist?"),
            ErrorKind::StorageFull => failure.with_hint(format!(
                "The image takes {}; nothing was left behind.",
                kib(bytes.len())
            )),
            _ => failure,
        }
    })
}

/// A size for people.
fn kib(bytes: usize) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

#[cfg(test)]
mod tests;

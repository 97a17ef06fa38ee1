//! `starling image`: bakes OTP, applications, modules and boot flags into one ELF file that Xen boots.
//!
//! The image is the guest kernel that the tool carries inside itself, with a cpio archive in a segment of its own:
//!
//! | member                         | content                                                           |
//! |--------------------------------|-------------------------------------------------------------------|
//! | `starling/args`                | the boot flags, each followed by a NUL                            |
//! | `starling/symbols`             | the kernel's functions, for backtraces                            |
//! | `starling/bare/NAME.ling`      | a module, converted, for an image without OTP                     |
//! | `starling/otp`                 | root, release, version of `erts` and, of a release, the working directory; a NUL behind each |
//! | `starling/preloaded/NAME.ling` | a preloaded module of OTP, converted                              |
//! | anything else                  | a file of the guest's, at the same path                           |
//!
//! Equal input gives an equal file. The file appears whole or not at all.

mod bare;
mod collect;
mod convert;
mod domain_files;
mod elf;
mod otp;
mod release;
mod symbols;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use starling_vm::fs::cpio::{CpioError, Writer};

use crate::failure::{Failure, Result};

/// The guest kernel, built by `build.rs`.
const GUEST_KERNEL: &[u8] = include_bytes!(env!("STARLING_GUEST_KERNEL"));

/// Command line of `starling image`.
#[derive(clap::Args)]
pub struct Options {
    /// A release, as `mix release` or `rebar3 release` makes it: its directory, or a .tar.gz of that
    #[arg(value_name = "RELEASE", conflicts_with_all = ["bare", "applications", "directories"])]
    release: Option<PathBuf>,

    /// Boot without OTP: the given modules and the machine's built-in functions only
    #[arg(long, conflicts_with_all = ["otp", "applications", "files"])]
    bare: bool,

    /// The root of the OTP to take; otherwise the one that erl on PATH runs
    #[arg(long, value_name = "DIR")]
    otp: Option<PathBuf>,

    /// Take this application and all that it needs; may be given more than once
    #[arg(long = "app", value_name = "NAME")]
    applications: Vec<String>,

    /// Take every module (.beam or .ling) in this directory; spelled -pa, as by `erl`, and may be given more than once
    #[arg(long = "pa", value_name = "DIR")]
    directories: Vec<PathBuf>,

    /// Take a file or directory, to be at the absolute path DEST in the guest; may be given more than once
    #[arg(long = "file", value_name = "SRC[=DEST]")]
    files: Vec<String>,

    #[command(flatten)]
    of_release: release::ReleaseOptions,

    /// The file to write
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    /// Boot flags, as `erl` spells them: -s MODULE FUNCTION
    #[arg(last = true, value_name = "FLAGS")]
    flags: Vec<String>,
}

/// What an archive will hold, by path: so it is in the order of its names whatever order it was collected in.
type Members = BTreeMap<String, Vec<u8>>;

/// Runs the command.
pub fn run(options: &Options) -> Result<u8> {
    if let Some(path) = &options.release {
        return release::run(options, path);
    }
    let members = if options.bare {
        bare::members(options)?
    } else {
        otp::members(options)?
    };
    write(options, &members)?;
    eprintln!("Boot it with: starling boot {}", options.output.display());
    Ok(0)
}

/// Writes the image; returns its size.
fn write(options: &Options, members: &Members) -> Result<usize> {
    let archive = archive(members)?;
    let image = elf::bake(GUEST_KERNEL, &archive)?;
    write_whole(&options.output, &image)?;
    eprintln!(
        "{}: {} (guest kernel {}, archive {})",
        options.output.display(),
        size(image.len()),
        size(image.len() - archive.len()),
        size(archive.len())
    );
    Ok(image.len())
}

/// The image's archive: what the guest reads before it runs first, then files by name.
fn archive(members: &Members) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    let full = |error: CpioError| Failure::new(format!("image: {error}"));
    let symbols = symbols::function_table(GUEST_KERNEL)?;
    writer
        .file("starling/symbols", 0o644, symbols.as_bytes())
        .map_err(full)?;
    let (own, files): (Vec<_>, Vec<_>) = members
        .iter()
        .partition(|(path, _)| path.starts_with("starling/"));
    for (path, bytes) in own.into_iter().chain(files) {
        writer.file(path, 0o644, bytes).map_err(full)?;
    }
    // Programs expect it wherever they run.
    writer.directory("tmp").map_err(full)?;
    Ok(writer.finish())
}

/// Words as the guest reads them. None has a NUL inside: the system passes arguments as C strings.
fn terminated<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    words
        .into_iter()
        .flat_map(|word| word.iter().copied().chain([0]))
        .collect()
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
                size(bytes.len())
            )),
            _ => failure,
        }
    })
}

/// A size for people.
fn size(bytes: usize) -> String {
    match bytes as f64 / 1024.0 {
        kib if kib < 1000.0 => format!("{kib:.1} KiB"),
        kib => format!("{:.1} MiB", kib / 1024.0),
    }
}

#[cfg(test)]
mod tests;

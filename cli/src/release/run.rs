//! `starling run`: a release on this Linux, by the command line that its image would have.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use starling_vm::boot::flags::Word;
use starling_vm::boot::flags::launch::{Environment, Installation, launch};
use starling_vm::boot::flags::words::merge;
use starling_vm::boot::otp::{OtpConfig, run_otp};

use super::preloaded::{ReleasePreloaded, emulator};
use super::start::{Request, Start, start};
use super::{Release, Tool, archive};
use crate::failure::{Failure, Result};
use crate::host_files::HostFiles;
use crate::ling_cache::LingCache;
use crate::linux::LinuxPlatform;

/// Command line of `starling run`.
#[derive(clap::Args)]
pub struct Options {
    /// The release: what `mix release` or `rebar3 release` made
    #[arg(value_name = "RELEASE")]
    release: PathBuf,

    /// The root of the OTP that a release without one is for
    #[arg(long, value_name = "DIR")]
    otp: Option<PathBuf>,

    /// Set a variable that the start script would find in its environment; may be given more than once
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,

    /// Leave the node without a name, whatever the release says
    #[arg(long)]
    nameless: bool,

    /// More flags, as `erl` spells them
    #[arg(last = true, value_name = "FLAGS")]
    flags: Vec<String>,
}

/// `NAME=VALUE`.
pub fn variable(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !text.contains('\0') => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Runs the command; on success the machine ends the process and this does not return.
pub fn run(options: &Options) -> Result<u8> {
    if archive::is_archive(&options.release) {
        return Err(Failure::usage(format!(
            "run: {}: a release runs where it is: unpack the archive first",
            options.release.display()
        )));
    }
    let release = Release::open(&options.release)?;
    let otp_release = release.otp_release()?;
    let otp = super::installed_otp(&release, options.otp.as_deref())?;
    let root = super::text(&release.root)?;
    let system_lib = match &otp {
        Some(otp) => format!("{}/lib", otp.root_text),
        None => format!("{root}/lib"),
    };
    let mut variables: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    variables.extend(options.variables.iter().cloned());
    let start = start(
        &release,
        &Request {
            root: &root,
            system_lib: &system_lib,
            variables: &variables,
            nameless: options.nameless,
            run: Some(std::process::id()),
        },
    )?;
    write_files(&release, &start)?;
    for unread in &start.unread {
        eprintln!("{}", super::unread_line(&release, unread));
    }

    let words = words(&start, &options.flags, &release)?;
    // The script of Mix runs the `erl` of the OTP whose emulator it is; that of relx names its own root.
    let root_text = match (&otp, release.tool) {
        (Some(otp), Tool::Mix) => otp.root_text.clone(),
        _ => root,
    };
    let bindir = match &otp {
        Some(otp) => otp.bindir(),
        None => super::text(emulator(&release).parent().unwrap_or(&release.root))?,
    };
    let installation = Installation {
        root: &root_text,
        bindir: &bindir,
        erts_version: &release.erts_version,
        has_programs: true,
    };
    let environment: Environment = env::vars_os()
        .map(|(name, value)| (name.into_vec(), value.into_vec()))
        .collect();
    let launch = match launch(&words, &installation, environment) {
        Ok(launch) => launch,
        Err(stop) => return crate::erl::finish(&stop),
    };
    let preloaded = ReleasePreloaded::find(&release, otp.as_ref())?;
    if release.tool == Tool::Relx {
        env::set_current_dir(&release.root)
            .map_err(|error| Failure::io(&release.root, "go to this directory", error))?;
    }
    crate::erl::print(&launch.output, &launch.error);
    crate::erl::start_epmd(launch.epmd.as_deref());
    run_otp(
        Box::new(LinuxPlatform::new()),
        OtpConfig {
            arguments: launch.arguments,
            options: launch.options,
            environment: launch.environment,
            release: otp_release,
            erts_version: release.erts_version,
            preloaded: Box::new(preloaded),
            converted: Box::new(LingCache::open()),
            files: Box::new(HostFiles::new()),
        },
    )
}

/// What the start script writes, where it writes it.
fn write_files(release: &Release, start: &Start) -> Result<()> {
    for (path, text) in &start.files {
        let path = release.root.join(path);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text));
        written.map_err(|error| Failure::io(&path, "write", error))?;
    }
    Ok(())
}

/// All words of the command line; files of arguments are read.
fn words(start: &Start, flags: &[String], release: &Release) -> Result<Vec<Word>> {
    let line = start.command_line(flags);
    let read = &mut |name: &[u8]| {
        let name = release.root.join(OsStr::from_bytes(name));
        fs::read(name).map_err(|error| crate::erl::io_text(&error))
    };
    merge(&line.sources(), read)
        .map_err(|stop| Failure::usage(format!("run: {}", stop.error.trim_end())))
}

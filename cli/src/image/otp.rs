//! What goes into an image with OTP: applications, boot scripts, preloaded modules, the user's files, the flags.
//!
//! Every file has the path in the guest that it has here, links resolved, so flags that name files work unchanged. A module is under the name
//! of its `.beam`, for which OTP's code server looks, and holds ling, which the machine knows by its first bytes.

use std::fs;
use std::path::PathBuf;

use starling_vm::boot::flags::launch::{Installation, launch};
use starling_vm::boot::flags::words::{ReadFile, Source, merge};

use super::collect::{Collected, report, resolved, text};
use super::convert::convert;
use super::{Members, Options, terminated};
use crate::failure::{Failure, Result};
use crate::ling_cache::LingCache;
use crate::otp::Otp;
use crate::otp::apps::Applications;
use crate::otp::preloaded::Preloaded;

/// The members of the archive.
pub fn members(options: &Options) -> Result<Members> {
    let otp = Otp::find(options.otp.as_deref())?;
    let preloaded = Preloaded::find(&otp)?;
    let mut given = Vec::new();
    for directory in &options.directories {
        given.push(resolved(directory, "find this -pa directory")?);
    }
    let words = words(&otp, &given, &options.flags)?;
    let known = Applications::find(&otp, &given)?;
    let applications = known.with_needs(&options.applications)?;

    let mut collected = Collected::default();
    collected.take_scripts(&otp)?;
    collected.take_preloaded(&preloaded)?;
    let with_compiler = applications.iter().any(|one| one.name == "compiler");
    for application in applications.iter().filter(|one| !one.given) {
        collected.take_application(application, with_compiler)?;
    }
    // Behind OTP's own: what is at the same path is the user's.
    for directory in &given {
        collected.take_directory(directory)?;
    }
    for file in &options.files {
        collected.take_file(file)?;
    }

    let converted = convert(collected.jobs.into_values().collect(), &LingCache::open())?;
    eprintln!("OTP {} at {}:", otp.release, otp.root_text);
    report(&converted);
    let mut members = collected.files;
    members.extend(
        converted
            .into_iter()
            .map(|done| (done.job.target, done.ling)),
    );
    let about = [&otp.root_text, &otp.release, &otp.erts_version];
    let about = about.map(|text| text.as_bytes());
    members.insert("starling/otp".to_owned(), terminated(about));
    members.insert(
        "starling/args".to_owned(),
        terminated(words.iter().map(Vec::as_slice)),
    );
    Ok(members)
}

/// The boot flags: the directories given, as `erl` would take them, then the user's own. Checked as the guest will read them.
fn words(otp: &Otp, given: &[PathBuf], flags: &[String]) -> Result<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    for directory in given {
        words.extend([b"-pa".to_vec(), text(directory)?.into_bytes()]);
    }
    words.extend(flags.iter().map(|flag| flag.clone().into_bytes()));
    let read = &mut |name: &[u8]| {
        fs::read(String::from_utf8_lossy(name).as_ref()).map_err(|error| error.to_string())
    };
    let bindir = otp.bindir();
    let installation = Installation {
        root: &otp.root_text,
        bindir: &bindir,
        erts_version: &otp.erts_version,
        has_programs: false,
    };
    checked(&[Source::Words(&words)], read, &installation)
}

/// The words of `sources`, if the guest could start with them.
pub(super) fn checked(
    sources: &[Source],
    read: &mut ReadFile,
    installation: &Installation,
) -> Result<Vec<Vec<u8>>> {
    let words = merge(sources, read)
        .and_then(|words| launch(&words, installation, Vec::new()).map(|_| words));
    words.map_err(|stop| {
        let shown = String::from_utf8_lossy(&stop.output).into_owned() + &stop.error;
        let shown = shown.lines().next().unwrap_or_default();
        let shown = shown.strip_prefix("starling: ").unwrap_or(shown);
        Failure::usage(format!(
            "image: the flags would end the guest at once: {shown}"
        ))
    })
}

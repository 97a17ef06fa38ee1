//! What goes into an image without OTP: the given modules and the flags.

use starling_vm::boot::bare::Flags;

use super::convert::{Job, convert};
use super::{Members, Options, size, terminated};
use crate::failure::{Failure, Result};
use crate::ling_cache::LingCache;
use crate::modules::ModulePath;

/// The members of the archive.
pub fn members(options: &Options) -> Result<Members> {
    let modules = ModulePath::new(options.directories.clone())?;
    let jobs = modules.all()?.into_iter().map(|(module, source)| Job {
        target: format!("starling/bare/{module}.ling"),
        module,
        source,
        contents: None,
    });
    let mut members = Members::new();
    members.insert("starling/args".to_owned(), flags(&options.flags)?);
    for done in convert(jobs.collect(), &LingCache::open())? {
        eprintln!(
            "  {}: {} -> {}",
            done.job.module,
            size(done.len),
            size(done.ling.len())
        );
        members.insert(done.job.target, done.ling);
    }
    Ok(members)
}

/// The boot flags as the guest reads them.
pub(super) fn flags(flags: &[String]) -> Result<Vec<u8>> {
    if let Some(flag) = flags.iter().find(|flag| flag.as_str() == "-pa") {
        return Err(Failure::usage(format!(
            "image: {flag} behind `--` would look for modules inside of the guest"
        ))
        .with_hint("Give the modules' directories before the `--`."));
    }
    if !flags.is_empty() {
        Flags::parse(flags).map_err(|error| Failure::usage(format!("image: {error}")))?;
    }
    Ok(terminated(flags.iter().map(String::as_bytes)))
}

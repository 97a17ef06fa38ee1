//! What goes into an image with OTP: applications, boot scripts, preloaded modules, the user's files, the flags.
//!
//! Every file has the path in the guest that it has here, links resolved, so flags that name files work unchanged. A module is under the name
//! of its `.beam`, for which OTP's code server looks, and holds ling, which the machine knows by its first bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use starling_loader::ling::Module;
use starling_vm::boot::flags::launch::{Installation, launch};
use starling_vm::boot::flags::words::{Source, merge};

use super::convert::{Job, convert};
use super::{Members, Options, size, terminated};
use crate::failure::{Failure, Result};
use crate::ling_cache::LingCache;
use crate::otp::Otp;
use crate::otp::apps::{Application, Applications, title};
use crate::otp::preloaded::Preloaded;

/// Files of a release that programs may ask for.
const RELEASE_FILES: [&str; 2] = ["releases/start_erl.data", "releases/RELEASES"];

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

    let mut members = collected.files;
    let converted = convert(collected.jobs.into_values().collect(), &LingCache::open())?;
    let mut totals: BTreeMap<String, Total> = BTreeMap::new();
    for done in converted {
        let total = totals.entry(done.job.title()).or_default();
        total.modules += 1;
        total.before += done.len;
        total.after += done.ling.len();
        members.insert(done.job.target, done.ling);
    }
    report(&otp, &totals);
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
    };
    let words = merge(&[Source::Words(&words)], read)
        .and_then(|words| launch(&words, &installation, Vec::new()).map(|_| words));
    words.map_err(|stop| {
        let shown = String::from_utf8_lossy(&stop.output).into_owned() + &stop.error;
        let shown = shown.lines().next().unwrap_or_default();
        let shown = shown.strip_prefix("starling: ").unwrap_or(shown);
        Failure::usage(format!(
            "image: the flags would end the guest at once: {shown}"
        ))
    })
}

/// What was said of one application.
#[derive(Default)]
struct Total {
    modules: usize,
    before: usize,
    after: usize,
}

fn report(otp: &Otp, totals: &BTreeMap<String, Total>) {
    eprintln!("OTP {} at {}:", otp.release, otp.root_text);
    for (title, total) in totals {
        let Total {
            modules,
            before,
            after,
        } = *total;
        eprintln!(
            "  {title}: {modules} {}, {} -> {}",
            if modules == 1 { "module" } else { "modules" },
            size(before),
            size(after)
        );
    }
}

impl Job {
    /// The application of a module.
    fn title(&self) -> String {
        match self.target.strip_prefix("starling/preloaded/") {
            Some(_) => "preloaded".to_owned(),
            None => title(self.source.parent().unwrap_or(&self.source)),
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Collected {
    /// Files as they are, by their paths in the archive.
    files: Members,
    /// Modules, likewise.
    jobs: BTreeMap<String, Job>,
}

impl Collected {
    fn take_scripts(&mut self, otp: &Otp) -> Result<()> {
        for path in files_in(&otp.root.join("bin"))? {
            if has_extension(&path, "boot") {
                self.take(&path)?;
            }
        }
        let version = format!("releases/{}/OTP_VERSION", otp.release);
        for file in RELEASE_FILES.into_iter().chain([version.as_str()]) {
            let path = otp.root.join(file);
            if path.is_file() {
                self.take(&path)?;
            }
        }
        Ok(())
    }

    fn take_preloaded(&mut self, preloaded: &Preloaded) -> Result<()> {
        for source in files_in(&preloaded.directory)? {
            if has_extension(&source, "beam") {
                let module = stem(&source)?;
                let target = format!("starling/preloaded/{module}.ling");
                self.add_job(module, source, target);
            }
        }
        Ok(())
    }

    /// An application of OTP's. Headers are for who compiles.
    fn take_application(&mut self, application: &Application, headers: bool) -> Result<()> {
        for path in files_in(&application.ebin)? {
            if has_extension(&path, "beam") {
                self.take_module(path)?;
            } else if has_extension(&path, "app") {
                self.take(&path)?;
            }
        }
        if let Some(home) = application.ebin.parent() {
            self.take_tree(&home.join("priv"), is_data)?;
            if headers {
                self.take_tree(&home.join("include"), |path| has_extension(path, "hrl"))?;
            }
        }
        Ok(())
    }

    /// A directory given with `-pa`: all of its files, and the `priv` beside an `ebin`.
    fn take_directory(&mut self, directory: &Path) -> Result<()> {
        for path in files_in(directory)? {
            let beam = has_extension(&path, "beam");
            let ling = has_extension(&path, "ling") && !path.with_extension("beam").is_file();
            if beam || ling {
                self.take_module(path)?;
            } else if path.is_file() {
                self.take(&path)?;
            }
        }
        match directory.parent() {
            Some(home) if directory.ends_with("ebin") => {
                self.take_tree(&home.join("priv"), is_data)
            }
            _ => Ok(()),
        }
    }

    /// `SRC=DEST`, or `SRC` alone for a file at the path that it has here.
    fn take_file(&mut self, file: &str) -> Result<()> {
        let (source, target) = match file.split_once('=') {
            Some((source, target)) => (Path::new(source), Some(target)),
            None => (Path::new(file), None),
        };
        if target.is_some_and(|target| !target.starts_with('/') || target.ends_with('/')) {
            return Err(Failure::usage(format!(
                "image: --file {file}: the path in the guest must begin with a slash and end in a name"
            )));
        }
        let source = resolved(source, "find this --file")?;
        let target = match target {
            Some(target) => target.trim_start_matches('/').to_owned(),
            None => inside(&source)?,
        };
        self.take_as(&source, &target)
    }

    fn take_as(&mut self, source: &Path, target: &str) -> Result<()> {
        if !source.is_dir() {
            self.jobs.remove(target);
            return self.add_file(source, target.to_owned());
        }
        for path in files_in(source)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.take_as(&path, &format!("{target}/{name}"))?;
        }
        Ok(())
    }

    /// All files below `directory`, if it is there, that `wanted` wants.
    fn take_tree(&mut self, directory: &Path, wanted: fn(&Path) -> bool) -> Result<()> {
        if !directory.is_dir() {
            return Ok(());
        }
        for path in files_in(directory)? {
            if path.is_dir() {
                self.take_tree(&path, wanted)?;
            } else if wanted(&path) {
                self.take(&path)?;
            }
        }
        Ok(())
    }

    fn take_module(&mut self, source: PathBuf) -> Result<()> {
        let target = inside(&source.with_extension("beam"))?;
        self.add_job(stem(&source)?, source, target);
        Ok(())
    }

    fn add_job(&mut self, module: String, source: PathBuf, target: String) {
        let job = Job {
            module,
            source,
            target: target.clone(),
        };
        self.jobs.insert(target, job);
    }

    /// A file at the path that it has here.
    fn take(&mut self, path: &Path) -> Result<()> {
        self.add_file(path, inside(path)?)
    }

    /// A file as it is. The guest takes every ling of its image for good, so here is where it is looked at.
    fn add_file(&mut self, source: &Path, target: String) -> Result<()> {
        let bytes = fs::read(source).map_err(|error| Failure::io(source, "read", error))?;
        if starling_loader::is_ling(&bytes) {
            Module::parse(&bytes).map_err(|error| {
                Failure::new(format!("{}: {error}", source.display()))
                    .with_hint("Bake the .beam instead, or convert it again.")
            })?;
        }
        self.files.insert(target, bytes);
        Ok(())
    }
}

/// Files that are no programs and no libraries of this machine's: those could not run in the guest.
fn is_data(path: &Path) -> bool {
    let program = ["so", "a", "o"].iter().any(|one| has_extension(path, one));
    let elf = || fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"));
    !program && !elf()
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn stem(path: &Path) -> Result<String> {
    text(Path::new(path.file_stem().unwrap_or_default()))
}

/// An absolute path as the archive has it.
fn inside(path: &Path) -> Result<String> {
    Ok(text(path)?.trim_start_matches('/').to_owned())
}

fn text(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        Failure::new(format!(
            "{}: not UTF-8, so no name in an image",
            path.display()
        ))
    })
}

fn resolved(path: &Path, doing: &str) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|error| Failure::io(path, doing, error))
}

/// The entries of a directory, by name.
fn files_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Failure::io(directory, "read", error);
    let entries = fs::read_dir(directory).map_err(failed)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed));
    let mut paths = paths.collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

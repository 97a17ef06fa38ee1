//! Collecting what goes into an image: files as they are, modules to be converted, each by its path in the archive.
//!
//! Used for images of an OTP ([`super::otp`]) and of a release ([`super::release`]), which decide what is taken and where it goes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use starling_loader::ling::Module;

use super::convert::{Done, Job};
use super::{Members, size};
use crate::failure::{Failure, Result};
use crate::otp::Otp;
use crate::otp::apps::{Application, title};
use crate::otp::preloaded::Preloaded;

/// Files of an OTP that programs may ask for.
const RELEASE_FILES: [&str; 2] = ["releases/start_erl.data", "releases/RELEASES"];
/// Where preloaded modules are.
const PRELOADED: &str = "starling/preloaded/";

/// What was said of one application.
#[derive(Default)]
struct Total {
    modules: usize,
    before: usize,
    after: usize,
}

/// Says of each application what became of its modules.
pub(super) fn report(converted: &[Done]) {
    let mut totals: BTreeMap<String, Total> = BTreeMap::new();
    for done in converted {
        let total = totals.entry(done.job.title()).or_default();
        total.modules += 1;
        total.before += done.len;
        total.after += done.ling.len();
    }
    for (title, total) in totals {
        let Total {
            modules,
            before,
            after,
        } = total;
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
    pub(super) fn title(&self) -> String {
        match self.target.strip_prefix(PRELOADED) {
            Some(_) => "preloaded".to_owned(),
            None => {
                let target = Path::new(&self.target);
                title(target.parent().unwrap_or(target))
            }
        }
    }
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Collected {
    /// Files as they are, by their paths in the archive.
    pub files: Members,
    /// Modules, likewise.
    pub jobs: BTreeMap<String, Job>,
}

impl Collected {
    /// Boot scripts of an OTP, and what says which release it is.
    pub fn take_scripts(&mut self, otp: &Otp) -> Result<()> {
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

    /// Preloaded modules that lie in a directory.
    pub fn take_preloaded(&mut self, preloaded: &Preloaded) -> Result<()> {
        for source in files_in(&preloaded.directory)? {
            if has_extension(&source, "beam") {
                let module = stem(&source)?;
                let target = format!("{PRELOADED}{module}.ling");
                self.add_job(module, source, target);
            }
        }
        Ok(())
    }

    /// An application of OTP's. Headers are for who compiles.
    pub fn take_application(&mut self, application: &Application, headers: bool) -> Result<()> {
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
    pub fn take_directory(&mut self, directory: &Path) -> Result<()> {
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
    pub fn take_file(&mut self, file: &str) -> Result<()> {
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
            return self.add_file(source, target.to_owned());
        }
        for path in files_in(source)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.take_as(&path, &format!("{target}/{name}"))?;
        }
        Ok(())
    }

    /// All files below `directory`, if it is there, that `wanted` wants, at the paths that they have here.
    pub fn take_tree(&mut self, directory: &Path, wanted: fn(&Path) -> bool) -> Result<()> {
        self.take_tree_as(directory, &inside(directory)?, wanted)
    }

    /// The same, below `target`. Links are followed, except those that lead around in a circle.
    pub fn take_tree_as(
        &mut self,
        directory: &Path,
        target: &str,
        wanted: fn(&Path) -> bool,
    ) -> Result<()> {
        match directory.is_dir() {
            true => self.take_below(directory, target, wanted, &mut Vec::new()),
            false => Ok(()),
        }
    }

    /// A directory in the directories `above`, whose links are resolved.
    fn take_below(
        &mut self,
        directory: &Path,
        target: &str,
        wanted: fn(&Path) -> bool,
        above: &mut Vec<PathBuf>,
    ) -> Result<()> {
        let real = resolved(directory, "find")?;
        if above.contains(&real) {
            eprintln!(
                "warning: {}: a link that leads around in a circle; it stays behind",
                directory.display()
            );
            return Ok(());
        }
        above.push(real);
        for path in files_in(directory)? {
            let name = text(Path::new(path.file_name().unwrap_or_default()))?;
            let target = format!("{target}/{name}");
            if path.is_dir() {
                self.take_below(&path, &target, wanted, above)?;
            } else if wanted(&path) {
                self.add_file(&path, target)?;
            }
        }
        above.pop();
        Ok(())
    }

    /// Modules in a directory, which is at `target`; nothing else of it.
    pub fn take_modules_as(&mut self, directory: &Path, target: &str) -> Result<()> {
        for path in files_in(directory)? {
            if has_extension(&path, "beam") {
                let module = stem(&path)?;
                let target = format!("{target}/{module}.beam");
                self.add_job(module, path, target);
            }
        }
        Ok(())
    }

    fn take_module(&mut self, source: PathBuf) -> Result<()> {
        let target = inside(&source.with_extension("beam"))?;
        self.add_job(stem(&source)?, source, target);
        Ok(())
    }

    /// A module in a file.
    pub fn add_job(&mut self, module: String, source: PathBuf, target: String) {
        self.add(Job {
            module,
            source,
            contents: None,
            target,
        });
    }

    /// A preloaded module that is no file of its own.
    pub fn add_preloaded(&mut self, module: &str, source: &Path, contents: &[u8]) {
        self.add(Job {
            module: module.to_owned(),
            source: source.to_path_buf(),
            contents: Some(contents.to_vec()),
            target: format!("{PRELOADED}{module}.ling"),
        });
    }

    /// What is at one path is a module or a file, whichever came last.
    fn add(&mut self, job: Job) {
        self.files.remove(&job.target);
        self.jobs.insert(job.target.clone(), job);
    }

    /// A file at the path that it has here.
    fn take(&mut self, path: &Path) -> Result<()> {
        self.add_file(path, inside(path)?)
    }

    /// A file with these contents.
    pub fn add_bytes(&mut self, target: String, bytes: Vec<u8>) {
        self.jobs.remove(&target);
        self.files.insert(target, bytes);
    }

    /// A file as it is. The guest takes every ling of its image for good, so here is where it is looked at.
    pub fn add_file(&mut self, source: &Path, target: String) -> Result<()> {
        let bytes = fs::read(source).map_err(|error| Failure::io(source, "read", error))?;
        if starling_loader::is_ling(&bytes) {
            Module::parse(&bytes).map_err(|error| {
                Failure::new(format!("{}: {error}", source.display()))
                    .with_hint("Bake the .beam instead, or convert it again.")
            })?;
        }
        self.add_bytes(target, bytes);
        Ok(())
    }
}

/// Files that are no programs and no libraries of this machine's: those could not run in the guest.
pub(super) fn is_data(path: &Path) -> bool {
    let program = ["so", "a", "o"].iter().any(|one| has_extension(path, one));
    let elf = || fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"));
    !program && !elf()
}

pub(super) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

pub(super) fn stem(path: &Path) -> Result<String> {
    text(Path::new(path.file_stem().unwrap_or_default()))
}

/// An absolute path as the archive has it.
fn inside(path: &Path) -> Result<String> {
    Ok(text(path)?.trim_start_matches('/').to_owned())
}

pub(super) fn text(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        Failure::new(format!(
            "{}: not UTF-8, so no name in an image",
            path.display()
        ))
    })
}

pub(super) fn resolved(path: &Path, doing: &str) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|error| Failure::io(path, doing, error))
}

/// The entries of a directory, by name.
pub(super) fn files_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Failure::io(directory, "read", error);
    let entries = fs::read_dir(directory).map_err(failed)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed));
    let mut paths = paths.collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

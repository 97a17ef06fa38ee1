//! Converting many modules, on all processors, through the cache of conversions.
//!
//! Invariant: results are in the order of the jobs, and of several failures the first job's is told, so equal input has equal output.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use starling_loader::ling::Module;

use crate::failure::{Failure, Result};
use crate::ling_cache::LingCache;

/// A module to be converted.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name, which the file's must be.
    pub module: String,
    /// The `.beam` or `.ling` file, or the one that it is inside of.
    pub source: PathBuf,
    /// What is to be converted, if it is not all of that file.
    pub contents: Option<Vec<u8>>,
    /// Where it goes in the archive.
    pub target: String,
}

/// A converted module.
#[derive(Debug)]
pub struct Done {
    /// What was asked.
    pub job: Job,
    /// Size of the source.
    pub len: usize,
    /// Its `.ling`.
    pub ling: Vec<u8>,
}

/// Converts all `jobs`; what the cache knows is taken from there.
pub fn convert(jobs: Vec<Job>, cache: &LingCache) -> Result<Vec<Done>> {
    convert_each(jobs, cache)
        .into_iter()
        .map(|(_, result)| result)
        .collect()
}

/// The same, for who wants to know of all failures, not of the first alone.
pub fn convert_each(jobs: Vec<Job>, cache: &LingCache) -> Vec<(Job, Result<Done>)> {
    let (next, progress) = (AtomicUsize::new(0), Progress::new(jobs.len()));
    let results = Mutex::new(Vec::new());
    let work = || {
        let mut done = Vec::new();
        while let Some((at, job)) = take(&next, &jobs) {
            done.push((at, convert_one(job, cache)));
            progress.step();
        }
        // Nothing panics while the lock is held.
        if let Ok(mut results) = results.lock() {
            results.append(&mut done);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 1..threads.min(jobs.len()) {
            scope.spawn(work);
        }
        work();
    });
    progress.end();
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|&(at, _)| at);
    let results = results.into_iter().map(|(_, result)| result);
    jobs.into_iter()
        .zip(results)
        .map(|(job, result)| {
            let done = result.map(|(len, ling)| {
                let job = job.clone();
                Done { job, len, ling }
            });
            (job, done)
        })
        .collect()
}

fn take<'a>(next: &AtomicUsize, jobs: &'a [Job]) -> Option<(usize, &'a Job)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((at, jobs.get(at)?))
}

/// The size of the source, and its `.ling`.
fn convert_one(job: &Job, cache: &LingCache) -> Result<(usize, Vec<u8>)> {
    let path = &job.source;
    let bytes = match &job.contents {
        Some(contents) => contents.clone(),
        None => fs::read(path).map_err(|error| Failure::io(path, "read", error))?,
    };
    let len = bytes.len();
    let ling = to_ling(path, bytes, cache)?;
    // SAFETY: `to_ling` returns what was validated, or what the converter made, which checks as much.
    let module = unsafe { Module::parse_trusted(&ling) }.map_err(|error| refused(path, &error))?;
    let found = module.name();
    if found != job.module {
        let extension = path.extension().unwrap_or_default().display();
        return Err(
            Failure::new(format!("{}: the file holds the module {found}", path.display()))
                .with_hint(format!(
                    "A file is named after its module: rename it to {found}.{extension}, or take it out of the directory."
                )),
        );
    }
    Ok((len, ling))
}

/// The contents of a module's file, as ling.
fn to_ling(path: &Path, bytes: Vec<u8>, cache: &LingCache) -> Result<Vec<u8>> {
    if starling_loader::is_ling(&bytes) {
        Module::parse(&bytes).map_err(|error| refused(path, &error))?;
        return Ok(bytes);
    }
    if let Some(ling) = cache.find(&bytes) {
        return Ok(ling);
    }
    let ling = starling_loader::convert_beam(&bytes).map_err(|error| refused(path, &error))?;
    cache.keep(&bytes, &ling);
    Ok(ling)
}

fn refused(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
        .with_hint("Compile it again with erlc (OTP 25 to 28).")
}

/// A line on a terminal that counts; nothing elsewhere.
struct Progress {
    total: usize,
    done: AtomicUsize,
    shown: bool,
}

impl Progress {
    /// So few modules are done before anybody could read.
    const SHORT: usize = 20;

    fn new(total: usize) -> Progress {
        Progress {
            total,
            done: AtomicUsize::new(0),
            shown: total > Self::SHORT && std::io::stderr().is_terminal(),
        }
    }

    fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.shown {
            self.print(&format!("\r  {done} of {} modules", self.total));
        }
    }

    fn end(&self) {
        if self.shown {
            self.print("\r\x1b[K");
        }
    }

    fn print(&self, text: &str) {
        // Who closed standard error does not want to know.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

//! A release as an archive: what `rebar3 tar` and Mix's `:tar` step write. It is unpacked into a directory of its own, which lives as long as it is used.
//!
//! Nothing is written outside of that directory, whatever names are in the archive, and nothing stays behind.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::failure::{Failure, Result};

/// A release's tree, unpacked if it must be.
#[derive(Debug)]
pub struct Tree {
    /// Its root.
    pub root: PathBuf,
    /// Removed at the end.
    _unpacked: Option<Temporary>,
}

/// A directory that is removed when nobody needs it any more.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Best effort: it is in the directory for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Tree {
    /// The tree that `given` is, or whose archive it is.
    pub fn open(given: &Path) -> Result<Tree> {
        if !is_archive(given) {
            return Ok(Tree {
                root: given.to_path_buf(),
                _unpacked: None,
            });
        }
        let temporary = Temporary(temporary_directory()?);
        unpack(given, &temporary.0)?;
        Ok(Tree {
            root: top(&temporary.0),
            _unpacked: Some(temporary),
        })
    }
}

/// Whether this is the name of a file that is an archive.
pub fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.is_file() && (name.ends_with(".tar.gz") || name.ends_with(".tgz"))
}

fn temporary_directory() -> Result<PathBuf> {
    let parent = env::temp_dir();
    for attempt in 0..1000 {
        let path = parent.join(format!("starling-release-{}-{attempt}", std::process::id()));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Failure::io(&path, "make this directory", error)),
        }
    }
    Err(Failure::new(format!(
        "{}: there is no free name for a directory in it",
        parent.display()
    )))
}

fn unpack(archive: &Path, into: &Path) -> Result<()> {
    let file = File::open(archive).map_err(|error| Failure::io(archive, "open", error))?;
    let mut members = tar::Archive::new(GzDecoder::new(file));
    members.set_preserve_mtime(false);
    members.set_unpack_xattrs(false);
    members.unpack(into).map_err(|error| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            text += &format!(": {inner}");
            source = inner.source();
        }
        // Where it is unpacked says nothing to who has the archive.
        let text = text.replace(&format!("{}/", into.display()), "");
        Failure::new(format!("{}: cannot unpack: {text}", archive.display()))
            .with_hint("The archive is damaged or no gzipped tar file: copy it again.")
    })
}

/// The root of the tree in `directory`: it, or the only directory in it.
fn top(directory: &Path) -> PathBuf {
    if !directory.join("releases").is_dir() {
        let entries: Vec<_> = fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        if let [only] = &entries[..]
            && only.path().join("releases").is_dir()
        {
            return only.path();
        }
    }
    directory.to_path_buf()
}

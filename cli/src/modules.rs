//! The module search path: directories that were given with `-pa`.
//!
//! `starling erl` looks modules up lazily through [`ModulePath`]; `starling image` takes all of them with
//! [`ModulePath::all`]. Order and precedence are `erl`'s: each `-pa` directory goes to the front, so the last one given
//! is searched first. In one directory `NAME.beam` wins over `NAME.ling`: it is what a compiler just wrote.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use starling_vm::boot::ModuleStore;

use crate::failure::{Failure, Result};

/// File name extensions of modules, the preferred one first.
const EXTENSIONS: [&str; 2] = ["beam", "ling"];

/// Directories with modules, the one to be searched first in front.
#[derive(Debug)]
pub struct ModulePath {
    directories: Vec<PathBuf>,
}

impl ModulePath {
    /// Takes the directories in the order in which `-pa` gave them. One that cannot be read is an error here,
    /// where its name is still known.
    pub fn new(given: Vec<PathBuf>) -> Result<Self> {
        for directory in &given {
            fs::read_dir(directory).map_err(|error| {
                Failure::io(directory, "read this -pa directory", error).with_hint(
                    "-pa takes directories that hold .beam or .ling files, such as an app's ebin.",
                )
            })?;
        }
        let mut directories = given;
        directories.reverse();
        Ok(ModulePath { directories })
    }

    /// Every module on the path, by name, with the file that wins.
    pub fn all(&self) -> Result<BTreeMap<String, PathBuf>> {
        let mut found = BTreeMap::new();
        // The least preferred first, so that better ones replace it.
        for directory in self.directories.iter().rev() {
            for extension in EXTENSIONS.iter().rev() {
                for path in files_in(directory)? {
                    if path.extension().is_some_and(|found| found == *extension)
                        && let Some(name) = path.file_stem().and_then(|name| name.to_str())
                    {
                        found.insert(name.to_owned(), path);
                    }
                }
            }
        }
        Ok(found)
    }
}

fn files_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Failure::io(directory, "read", error);
    fs::read_dir(directory)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(failed))
        .collect()
}

impl ModuleStore for ModulePath {
    fn find(&self, name: &str) -> std::result::Result<Option<Cow<'static, [u8]>>, String> {
        // A module's name may be any atom; one with a slash must not leave the directories.
        if name.is_empty() || name.contains(['/', '\0']) {
            return Ok(None);
        }
        for directory in &self.directories {
            for extension in EXTENSIONS {
                let path = directory.join(format!("{name}.{extension}"));
                match fs::read(&path) {
                    Ok(bytes) => return Ok(Some(Cow::Owned(bytes))),
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(format!("{}: cannot read: {error}", path.display())),
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory_with(test: &str, name: &str, files: &[&str]) -> PathBuf {
        let directory = std::env::temp_dir()
            .join(format!("starling-modules-{test}-{}", std::process::id()))
            .join(name);
        fs::create_dir_all(&directory).unwrap();
        for file in files {
            fs::write(directory.join(file), format!("{name}/{file}")).unwrap();
        }
        directory
    }

    #[test]
    fn the_last_directory_given_is_searched_first() {
        let first = directory_with(
            "order",
            "first",
            &["a.beam", "b.beam", "c.ling", "notes.txt"],
        );
        let second = directory_with("order", "second", &["a.beam", "b.ling"]);
        let path = ModulePath::new(vec![first.clone(), second.clone()]).unwrap();
        let found = |name| {
            path.find(name)
                .unwrap()
                .map(|bytes| String::from_utf8(bytes.into_owned()).unwrap())
        };
        assert_eq!(found("a").as_deref(), Some("second/a.beam"));
        assert_eq!(found("b").as_deref(), Some("second/b.ling"));
        assert_eq!(found("c").as_deref(), Some("first/c.ling"));
        assert_eq!(found("notes"), None);
        assert_eq!(found("../first/a"), None);
        assert_eq!(found(""), None);
        let all: Vec<_> = path.all().unwrap().into_iter().collect();
        assert_eq!(
            all,
            [
                ("a".to_owned(), second.join("a.beam")),
                ("b".to_owned(), second.join("b.ling")),
                ("c".to_owned(), first.join("c.ling")),
            ]
        );
    }

    #[test]
    fn beam_wins_over_ling_in_one_directory() {
        let directory = directory_with("beam", "only", &["a.beam", "a.ling"]);
        let path = ModulePath::new(vec![directory.clone()]).unwrap();
        assert_eq!(path.find("a").unwrap().unwrap(), &b"only/a.beam"[..]);
        assert_eq!(path.all().unwrap()["a"], directory.join("a.beam"));
    }

    #[test]
    fn a_missing_directory_is_named() {
        let failure = ModulePath::new(vec![PathBuf::from("/nowhere/ebin")]).unwrap_err();
        assert!(failure.to_string().contains("/nowhere/ebin"), "{failure}");
    }
}

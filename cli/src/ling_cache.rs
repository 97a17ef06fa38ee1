//! Conversions that are kept: `.ling` by the content of the `.beam` it was made from, in a directory of the user's.
//!
//! The directory is `$XDG_CACHE_HOME/starling`, else `~/.cache/starling`; `STARLING_CACHE=DIR` names another, `STARLING_CACHE=off` none. In it, what
//! one version of the converter made is in `ling-VERSION`, whose name has the format's version and a digest of the converter's sources. A file's name
//! is a 128-bit hash of the `.beam` and its length. That a file is not cut short or damaged is seen by its checksum;
//! that nobody else wrote it, by the directory's rights (0700). Invariant: a file appears whole, by a rename, so that any number of writers
//! is harmless; and no failure of the cache is an error: without room, rights or home, there just is no cache.
//!
//! `starling erl` asks it for every module that is loaded, `starling image` for every one that is baked.

use std::borrow::Cow;
use std::env;
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use starling_loader::isa::FORMAT_VERSION;
use starling_vm::code::cache::ConvertedModules;
use xxhash_rust::xxh3::xxh3_128;

/// Directories of one version start so.
const VERSION_PREFIX: &str = "ling-";
/// Files are spread over this many directories, by the first byte of their hash.
const SHARDS: u64 = 256;
/// Most bytes that are kept, about: the oldest files of a shard go when it has more than its share.
const MAX_BYTES: u64 = 256 << 20;

/// Conversions by content; `None` inside if there is no place for them.
#[derive(Debug)]
pub struct LingCache {
    directory: Option<PathBuf>,
}

impl LingCache {
    /// The cache that the environment asks for. Nothing is made before something is kept.
    pub fn open() -> LingCache {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let place = match set("STARLING_CACHE") {
            Some(value) if value == "off" => None,
            Some(directory) => Some(PathBuf::from(directory)),
            None => set("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .filter(|base| base.is_absolute())
                .or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")))
                .map(|base| base.join("starling")),
        };
        LingCache {
            directory: place.map(|place| place.join(version_directory())),
        }
    }

    /// The file for `beam`, if there is a place for files.
    fn path(&self, beam: &[u8]) -> Option<PathBuf> {
        let hash = xxh3_128(beam);
        let shard = (hash >> 120) as u8;
        let len = beam.len();
        let directory = self.directory.as_ref()?;
        Some(directory.join(format!("{shard:02x}/{hash:032x}-{len:x}")))
    }

    /// The conversion of `beam`, if it is there and whole.
    pub fn find(&self, beam: &[u8]) -> Option<Vec<u8>> {
        let ling = fs::read(self.path(beam)?).ok()?;
        starling_loader::ling::is_intact(&ling).then_some(ling)
    }

    /// Keeps `ling`, the conversion of `beam`.
    pub fn keep(&self, beam: &[u8], ling: &[u8]) {
        if let (Some(directory), Some(path)) = (&self.directory, self.path(beam)) {
            // Best effort: whoever has no room for it converts again.
            let _ = write(directory, &path, ling);
        }
    }
}

impl ConvertedModules for LingCache {
    fn find(&mut self, module: &[u8]) -> Option<Cow<'static, [u8]>> {
        // A `.ling` file was not converted.
        let found = (!starling_loader::is_ling(module)).then(|| LingCache::find(self, module));
        found?.map(Cow::Owned)
    }

    fn keep(&mut self, beam: &[u8], ling: &[u8]) {
        LingCache::keep(self, beam, ling);
    }
}

fn version_directory() -> String {
    format!(
        "{VERSION_PREFIX}{FORMAT_VERSION}-{}",
        env!("STARLING_LOADER_DIGEST")
    )
}

fn write(directory: &Path, path: &Path, ling: &[u8]) -> std::io::Result<()> {
    let shard = path.parent().unwrap_or(directory);
    if !shard.is_dir() {
        make_directories(directory, shard)?;
    }
    // Two threads of one process must not share a name either.
    static WRITTEN: AtomicU32 = AtomicU32::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let temporary = shard.join(format!(".{}-{number}.part", std::process::id()));
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(ling))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Best effort as well: a disk may be full.
        let _ = fs::remove_file(&temporary);
    }
    written.and_then(|()| make_room(shard, path))
}

/// Makes a shard; with the first one of a version, the other versions go.
fn make_directories(directory: &Path, shard: &Path) -> std::io::Result<()> {
    let private = |path: &Path| {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.or_else(|error| match error.kind() {
            ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        })
    };
    if !directory.is_dir() {
        private(directory)?;
        remove_other_versions(directory)?;
    }
    private(shard)
}

fn remove_other_versions(directory: &Path) -> std::io::Result<()> {
    let (Some(parent), Some(own)) = (directory.parent(), directory.file_name()) else {
        return Ok(());
    };
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let name = entry.file_name();
        let other = name.to_string_lossy().starts_with(VERSION_PREFIX) && name != own;
        if other && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Removes the oldest files of a shard that has more than its share, though never the one just written.
fn make_room(shard: &Path, newest: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    let mut total = 0;
    for entry in fs::read_dir(shard)? {
        let entry = entry?;
        // It may be gone again: others write here, too.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        total += metadata.len();
        files.push((
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.len(),
            entry.path(),
        ));
    }
    files.sort();
    for (_, _, len, path) in files {
        if total <= MAX_BYTES / SHARDS {
            break;
        }
        if path != newest {
            fs::remove_file(path)?;
            total -= len;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn cache(test: &str) -> LingCache {
        let directory =
            env::temp_dir().join(format!("starling-ling-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        LingCache {
            directory: Some(directory.join(version_directory())),
        }
    }

    /// A converted module, and what stands for its `.beam`.
    fn module() -> Vec<u8> {
        let mut contents = starling_loader::ling::Contents::new([0; 16]);
        contents.set_x_registers(1);
        contents.write().unwrap()
    }

    #[test]
    fn what_is_kept_is_found_until_it_is_damaged() {
        let (cache, ling) = (cache("kept"), module());
        assert_eq!(cache.find(b"beam"), None);
        cache.keep(b"beam", &ling);
        assert_eq!(cache.find(b"beam").as_ref(), Some(&ling));
        assert_eq!(cache.find(b"other"), None);
        let path = cache.path(b"beam").unwrap();
        let mut damaged = ling.clone();
        *damaged.last_mut().unwrap() ^= 1;
        for bytes in [&damaged[..], &ling[..ling.len() / 2], b""] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(cache.find(b"beam"), None);
        }
        cache.keep(b"beam", &ling);
        assert_eq!(cache.find(b"beam"), Some(ling));
        fs::remove_dir_all(cache.directory.unwrap().parent().unwrap()).unwrap();
    }

    #[test]
    fn many_writers_are_harmless_and_leave_nothing_behind() {
        let (cache, ling) = (cache("writers"), module());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..50u8 {
                        cache.keep(&[number], &ling);
                        let found = cache.find(&[number]);
                        assert_eq!(found.as_ref(), Some(&ling));
                    }
                });
            }
        });
        let directory = cache.directory.unwrap();
        let shards = fs::read_dir(&directory).unwrap().flatten();
        let files = shards.flat_map(|shard| fs::read_dir(shard.path()).unwrap().flatten());
        let names: Vec<_> = files.map(|file| file.file_name()).collect();
        assert_eq!(names.len(), 50, "{names:?}");
        fs::remove_dir_all(directory.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_new_version_takes_the_place_of_others_and_only_of_those() {
        let cache = cache("versions");
        let directory = cache.directory.clone().unwrap();
        let parent = directory.parent().unwrap();
        fs::create_dir_all(parent.join("ling-1-old/00")).unwrap();
        fs::create_dir_all(parent.join("other")).unwrap();
        cache.keep(b"beam", &module());
        let mut names: Vec<_> = fs::read_dir(parent)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, [version_directory(), "other".to_owned()]);
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_shard_keeps_its_share() {
        let cache = cache("share");
        let shard = cache.directory.clone().unwrap().join("00");
        fs::create_dir_all(&shard).unwrap();
        let half = vec![0; (MAX_BYTES / SHARDS) as usize * 6 / 10];
        for name in ["a", "b"] {
            fs::write(shard.join(name), &half).unwrap();
        }
        make_room(&shard, &shard.join("a")).unwrap();
        assert!(shard.join("a").exists());
        assert!(!shard.join("b").exists());
        fs::remove_dir_all(cache.directory.unwrap().parent().unwrap()).unwrap();
    }

    #[test]
    fn without_a_place_there_is_no_cache() {
        let cache = LingCache {
            directory: Some(PathBuf::from("/proc/nowhere/ling-1")),
        };
        cache.keep(b"beam", &module());
        assert_eq!(cache.find(b"beam"), None);
        let cache = LingCache { directory: None };
        cache.keep(b"beam", &module());
        assert_eq!(cache.find(b"beam"), None);
    }
}

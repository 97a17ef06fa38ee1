//! The host's files against those in memory: the same operations, the same results.
//!
//! Both do what a random number generator says, on a few names so that these meet often. Whatever a program can see is
//! compared: results, errors, bytes, what is in directories. Not compared are times, inode numbers and sizes of directories.

use super::HostFiles;
use starling_vm::fs::names::Encoding;
use starling_vm::fs::ram::RamFiles;
use starling_vm::fs::{Advice, Errno, FileSystem, Handle, Info, Kind, Modes, Result, Seek};
use std::ffi::CString;
use std::path::PathBuf;

/// So deep that no path of a test leads out of the directory with a few `..`.
const DEEP: &str = "1/2/3/4/5/6/7/8";

/// A directory of its own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("starling-{name}-{}", std::process::id()));
        std::fs::create_dir_all(path.join(DEEP)).unwrap();
        Scratch(path)
    }

    fn root(&self) -> String {
        self.0.join(DEEP).to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// What two file systems have in common.
#[derive(Debug, PartialEq)]
struct Seen {
    size: u64,
    kind: Kind,
    access: (bool, bool),
    mode: u32,
    links: u64,
    owner: (u32, u32),
}

fn seen(info: Info) -> Seen {
    let is_directory = info.kind == Kind::Directory;
    Seen {
        size: if is_directory { 0 } else { info.size },
        kind: info.kind,
        access: (info.readable, info.writable),
        mode: info.mode,
        // File systems differ in how they count directories.
        links: if is_directory { 0 } else { info.links },
        owner: (info.user, info.group),
    }
}

fn c(path: &str) -> CString {
    CString::new(path).unwrap()
}

fn names(files: &mut dyn FileSystem, path: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    files.list(&c(path), &mut |name| {
        names.push(String::from_utf8_lossy(name).into_owned());
    })?;
    names.sort();
    Ok(names)
}

/// Both file systems, and the files that are open in both.
struct Pair {
    host: HostFiles,
    ram: RamFiles,
    open: Vec<(Handle, Handle)>,
    root: String,
    is_root: bool,
}

impl Pair {
    fn new(root: String) -> Pair {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let mut ram = RamFiles::new(None, || 1_700_000_000_000_000_000);
        for (end, _) in root.match_indices('/').skip(1).chain([(root.len(), "")]) {
            ram.make_dir(&c(&root[..end])).unwrap();
        }
        Pair {
            host: HostFiles::new(),
            ram,
            open: Vec::new(),
            root,
            is_root: rustix::process::geteuid().is_root(),
        }
    }

    /// A path, which may make no sense.
    fn path(&self, random: &mut Random) -> String {
        let mut path = self.root.clone();
        for _ in 0..=random.below(3) {
            path.push('/');
            path.push_str(random.one(&["a", "b", "c", "d", "a", "b", "c", ".", "..", ""]));
        }
        match random.below(40) {
            0 => path.push_str(&"/long".repeat(900)),
            1 => path.push_str(&format!("/{}", "n".repeat(255 + random.below(2) as usize))),
            2 => path.clear(),
            3..=6 => path.push('/'),
            _ => {}
        }
        path
    }

    /// Where a new link leads. Not upwards: links that follow each other could lead out of the test's directory.
    fn target(&self, random: &mut Random) -> String {
        match random.below(8) {
            0 => self.root.clone(),
            1 => format!("{}/{}", self.root, random.one(&["a", "b", "c"])),
            2 => String::from("."),
            3 => String::from("nowhere"),
            4 => String::from("b/c"),
            5 => String::from("d/"),
            _ => String::from(random.one(&["a", "b", "c", "d"])),
        }
    }

    /// Does the same to both and compares the results.
    fn both<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        act: impl Fn(&mut dyn FileSystem) -> Result<T>,
    ) -> Result<T> {
        let (host, ram) = (act(&mut self.host), act(&mut self.ram));
        assert_eq!(host, ram, "host and memory differ: {what}");
        host
    }

    /// As [`Pair::both`], on an open file.
    fn on_open<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        random: &mut Random,
        act: impl Fn(&mut dyn FileSystem, Handle) -> Result<T>,
    ) {
        if self.open.is_empty() {
            return;
        }
        let (host, ram) = self.open[random.below(self.open.len() as u64) as usize];
        assert_eq!(
            act(&mut self.host, host),
            act(&mut self.ram, ram),
            "host and memory differ: {what}"
        );
        assert_eq!(
            self.host.handle_info(host).map(seen),
            self.ram.handle_info(ram).map(seen),
            "host and memory differ after {what}"
        );
    }

    fn open(&mut self, random: &mut Random) {
        let path = self.path(random);
        let mut modes = Modes {
            read: random.below(2) == 0,
            write: random.below(2) == 0,
            append: random.below(5) == 0,
            exclusive: random.below(5) == 0,
            directory: random.below(10) == 0,
            skip_type_check: random.below(10) == 0,
            ..Modes::default()
        };
        modes.write |= modes.append || modes.exclusive;
        modes.read |= !modes.write;
        // What this means depends on the version of Linux.
        modes.directory &= !modes.write;
        let host = self.host.open(&c(&path), modes);
        let ram = self.ram.open(&c(&path), modes);
        assert_eq!(host.map(drop), ram.map(drop), "open {path} {modes:?}");
        if let (Ok(host), Ok(ram)) = (host, ram) {
            let is_directory =
                (self.host.handle_info(host)).is_ok_and(|info| info.kind == Kind::Directory);
            self.open.push((host, ram));
            // What positions in a directory mean is every file system's own affair.
            if is_directory {
                let (host, ram) = (self.host.read(host, &mut [0]), self.ram.read(ram, &mut [0]));
                assert_eq!(host, ram, "read of a directory");
                self.close(self.open.len() - 1);
            }
        }
    }

    fn close(&mut self, at: usize) {
        let (host, ram) = self.open.swap_remove(at);
        assert_eq!(self.host.close(host), self.ram.close(ram), "close");
    }

    fn step(&mut self, random: &mut Random) {
        let (one, two) = (self.path(random), self.path(random));
        let (path, other) = (c(&one), c(&two));
        let number = random.below(20_000);
        let small = random.below(300);
        match random.below(28) {
            0..=2 => drop(self.both(&format!("mkdir {one}"), |f| f.make_dir(&path))),
            3 => drop(self.both(&format!("unlink {one}"), |f| f.remove_file(&path))),
            4 => drop(self.both(&format!("rmdir {one}"), |f| f.remove_dir(&path))),
            5..=7 => {
                let _ = self.both(&format!("rename {one} {two}"), |f| f.rename(&path, &other));
            }
            8 => {
                let _ = self.both(&format!("link {one} {two}"), |f| f.hard_link(&path, &other));
            }
            9..=10 => {
                let target = self.target(random);
                let to = c(&target);
                let _ = self.both(&format!("symlink {target} {one}"), |f| {
                    f.symlink(&to, &path)
                });
            }
            11 => drop(self.both(&format!("readlink {one}"), |f| f.read_link(&path))),
            12 => {
                let follow = number.is_multiple_of(2);
                let _ = self.both(&format!("info {follow} {one}"), |f| {
                    f.info(&path, follow).map(seen)
                });
            }
            13 => drop(self.both(&format!("list {one}"), |f| names(f, &one))),
            14 => {
                let mode = 0o700 | number as u32 & 0o777;
                let _ = self.both(&format!("chmod {mode:o} {one}"), |f| {
                    f.set_permissions(&path, mode)
                });
            }
            15 if self.is_root => {
                let owner = random.one(&[0, 1, u32::MAX]);
                let _ = self.both(&format!("chown {owner} {one}"), |f| {
                    f.set_owner(&path, owner, 7)
                });
            }
            15 => {}
            16 => {
                let times = |info: Info| (info.accessed, info.modified);
                let _ = self.both(&format!("utime {one}"), |f| {
                    f.set_times(&path, 1000 - number as i64, number as i64)?;
                    f.info(&path, true).map(times)
                });
            }
            17..=19 => self.open(random),
            20 if !self.open.is_empty() => {
                let at = random.below(self.open.len() as u64) as usize;
                self.close(at);
            }
            20 => {}
            21..=22 => {
                let bytes = vec![number as u8; random.one(&[0, 1, 100, 9_000])];
                self.on_open("write", random, |f, file| f.write(file, &bytes));
            }
            23 => {
                let bytes = vec![number as u8 | 1; small as usize];
                let what = format!("write {small} at {number}");
                self.on_open(&what, random, |f, file| f.write_at(file, number, &bytes));
            }
            24 => {
                let to = match number % 4 {
                    0 => Seek::Start(number as i64 - 100),
                    1 => Seek::Current(small as i64 - 200),
                    2 => Seek::End(small as i64 - 250),
                    _ => Seek::Start(0),
                };
                self.on_open(&format!("seek {to:?}"), random, |f, file| f.seek(file, to));
            }
            25 => self.on_open("read", random, |f, file| {
                let mut bytes = vec![0; number as usize];
                let read = f.read(file, &mut bytes)?;
                bytes.truncate(read);
                Ok(bytes)
            }),
            26 => match number % 4 {
                0 => self.on_open("truncate", random, |f, file| f.truncate(file)),
                1 => {
                    let what = format!("allocate {small} at {number}");
                    self.on_open(&what, random, |f, file| f.allocate(file, number, small));
                }
                2 => self.on_open("sync", random, |f, file| {
                    f.sync(file, true)?;
                    f.advise(file, 0, small, Advice::Random)
                }),
                _ => self.on_open("handle_info", random, |f, file| {
                    f.handle_info(file).map(seen)
                }),
            },
            _ => self.on_open("read_at", random, |f, file| {
                let mut bytes = vec![0; small as usize];
                let read = f.read_at(file, number, &mut bytes)?;
                bytes.truncate(read);
                Ok(bytes)
            }),
        }
    }

    /// Compares everything below a directory.
    fn compare(&mut self, directory: &str) {
        let found = self.both(&format!("list {directory}"), |f| names(f, directory));
        for name in found.unwrap_or_default() {
            let path = format!("{directory}/{name}");
            let at = c(&path);
            let info = self.both(&path, |f| f.info(&at, false).map(seen)).unwrap();
            match info.kind {
                Kind::Directory => self.compare(&path),
                Kind::Symlink => drop(self.both(&path, |f| f.read_link(&at))),
                _ => {
                    let bytes = self.both(&path, |f| contents(f, &path)).unwrap();
                    assert_eq!(bytes.len() as u64, info.size, "{path}");
                }
            }
        }
    }
}

fn contents(files: &mut dyn FileSystem, path: &str) -> Result<Vec<u8>> {
    let modes = Modes {
        read: true,
        ..Modes::default()
    };
    let file = files.open(&c(path), modes)?;
    let mut bytes = vec![0; files.handle_info(file)?.size as usize + 1];
    let read = files.read(file, &mut bytes)?;
    bytes.truncate(read);
    files.close(file)?;
    Ok(bytes)
}

#[test]
fn memory_behaves_as_the_host_does() {
    for seed in 0..20 {
        let scratch = Scratch::new(&format!("files-{seed}"));
        let mut pair = Pair::new(scratch.root());
        let mut random = Random(seed);
        for _ in 0..1_500 {
            pair.step(&mut random);
        }
        for (host, ram) in std::mem::take(&mut pair.open) {
            pair.host.close(host).unwrap();
            pair.ram.close(ram).unwrap();
        }
        let top = scratch.0.to_str().unwrap().to_owned();
        pair.compare(&top);
    }
}

#[test]
fn the_edges_of_names_are_the_hosts() {
    let scratch = Scratch::new("edges");
    let mut pair = Pair::new(scratch.root());
    let root = pair.root.clone();
    let at = |name: &str| c(&format!("{root}/{name}"));
    pair.both("mkdir", |f| f.make_dir(&at("d"))).unwrap();
    pair.both("symlink", |f| f.symlink(c"loop", &at("loop")))
        .unwrap();
    pair.both("symlink", |f| f.symlink(c"d", &at("l"))).unwrap();
    let modes = Modes {
        write: true,
        ..Modes::default()
    };
    let edges = [
        ".", "..", "", "/", "d/.", "d/..", "l", "l/", "l/.", "loop", "loop/", "loop/x", "x", "x/",
        "x/y", "d/x", "d/x/", "f", "f/", "f/x", "f/..", "f/.",
    ];
    for name in edges {
        for other in edges {
            let _ = pair.both("make f", |f| {
                let file = f.open(&at("f"), modes)?;
                f.close(file)
            });
            let (a, b) = (at(name), at(other));
            let what = format!("{name:?} {other:?}");
            let _ = pair.both(&format!("link {what}"), |f| f.hard_link(&a, &b));
            let _ = pair.both(&format!("symlink {what}"), |f| f.symlink(c"f", &b));
            let _ = pair.both(&format!("rename {what}"), |f| f.rename(&a, &b));
        }
        let a = at(name);
        let _ = pair.both(&format!("lstat {name}"), |f| f.info(&a, false).map(seen));
        let _ = pair.both(&format!("stat {name}"), |f| f.info(&a, true).map(seen));
        let _ = pair.both(&format!("readlink {name}"), |f| f.read_link(&a));
        let _ = pair.both(&format!("mkdir {name}"), |f| f.make_dir(&a));
        let _ = pair.both(&format!("rmdir {name}"), |f| f.remove_dir(&a));
        let _ = pair.both(&format!("unlink {name}"), |f| f.remove_file(&a));
        for exclusive in [true, false] {
            let modes = Modes { exclusive, ..modes };
            let _ = pair.both(&format!("open {modes:?} {name}"), |f| {
                let file = f.open(&a, modes)?;
                f.close(file)
            });
        }
    }
    let root = pair.root.clone();
    pair.compare(&root);
}

#[test]
fn descriptors_are_adopted_and_shown() {
    let mut files = HostFiles::new();
    assert_eq!(files.adopt(-1), Err(Errno::EBADF));
    assert_eq!(files.adopt(1 << 20), Err(Errno::EBADF));
    let modes = Modes {
        read: true,
        ..Modes::default()
    };
    let file = files.open(c"/dev/null", modes).unwrap();
    assert!(files.descriptor(file).unwrap() > 2);
    assert_eq!(files.handle_info(file).unwrap().kind, Kind::Device);
    assert_eq!(files.close(file), Ok(()));
    assert_eq!(files.close(file), Err(Errno::EBADF));
    assert_eq!(files.read(file, &mut [0]), Err(Errno::EBADF));
}

#[test]
fn the_locale_says_how_names_are_read() {
    // The variables of this process are what they are; that they are looked at is all that can be seen here.
    let expected = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_some_and(|locale| locale.to_lowercase().contains("utf"));
    let is_utf8 = HostFiles::new().native_names().encoding == Encoding::Utf8;
    assert_eq!(is_utf8, expected);
}

//! dom0's files: what is the same for every boot, prepared once and kept, and what is the image's own.
//!
//! dom0 is Xen's toolstack and nothing else: the programs and libraries come from the installed packages, and the first process
//! is this tool itself ([`crate::dom0`]). The prepared files live under the user's cache directory. A file's name has
//! a hash of everything it was made from (paths, sizes, modification times), so an upgraded package makes a new one, and a file that
//! exists is whole: writers rename it into place, and two at once write the same bytes.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use starling_vm::fs::cpio::{CpioError, Writer};

use super::domain_config::RAMDISK_PATH;
use super::host::{Dom0, Host};
use super::libraries;
use super::unpack::{unpack, vmlinux};
use crate::dom0::hotplug::SCRIPT_PATH;
use crate::dom0::{
    CONFIG_PATH, INIT_PATH, MODULES_PATH, NETWORK_MODULES_PATH, SETTINGS_PATH, TOOLS_DIRECTORY,
};
use crate::failure::{Failure, Result};

/// Xen's programs that dom0 runs.
const TOOLS: [&str; 4] = ["xenstored", "xenconsoled", "xen-init-dom0", "xl"];

/// Linux's modules for a toolstack: the line to the host; calls into Xen, grants, event channels, and `/proc/xen`.
const MODULES: [&str; 7] = [
    "virtio-pci",
    "virtio-console",
    "xen-privcmd",
    "xen-evtchn",
    "xen-gntdev",
    "xen-gntalloc",
    "xenfs",
];

/// Modules that are loaded only for a network: the interface to QEMU, the bridge, the back end of vifs.
const NETWORK_MODULES: [&str; 3] = ["virtio-net", "bridge", "xen-netback"];

/// Directories that the kernel or the tools expect.
const DIRECTORIES: [&str; 13] = [
    "dev",
    "proc",
    "sys",
    "run/xen",
    "run/xenstored",
    "run/lock",
    "var/lib/xen",
    "var/lib/xenstored",
    "var/log/xen/console",
    "etc/xen",
    "etc/xen/scripts",
    "modules",
    "tmp",
];

/// Files ready for QEMU.
#[derive(Debug)]
pub struct Prepared {
    /// The hypervisor, unpacked.
    pub xen: PathBuf,
    /// dom0's kernel, unpacked if we know how.
    pub kernel: PathBuf,
    /// dom0's initramfs without what [`payload`] adds.
    pub initramfs: PathBuf,
}

/// The hypervisor as QEMU wants it: unpacked.
pub fn prepare_xen(host: &Host) -> Result<PathBuf> {
    Cache::open()?.file("xen", &Sources::new([&host.xen])?, || {
        let packed = read(&host.xen)?;
        unpack(&packed).map_err(|error| Failure::io(&host.xen, "unpack", error))
    })
}

/// Everything for a dom0.
pub fn prepare(host: &Host, dom0: &Dom0) -> Result<Prepared> {
    let cache = Cache::open()?;
    let kernel = cache.file("linux", &Sources::new([&dom0.kernel])?, || {
        let packed = read(&dom0.kernel)?;
        Ok(vmlinux(&packed).unwrap_or(packed))
    })?;
    let plan = Plan::new(host, dom0)?;
    let mut sources = Sources::new(plan.files.values().map(|(path, _)| path))?;
    sources.add([env!("CARGO_PKG_VERSION")]);
    sources.add(plan.module_lists.iter().map(|(_, list)| list));
    sources.add(DIRECTORIES);
    sources.add(plan.files.keys());
    let initramfs = cache.file("dom0", &sources, || plan.archive())?;
    Ok(Prepared {
        xen: prepare_xen(host)?,
        kernel,
        initramfs,
    })
}

/// What one boot adds to the initramfs besides this tool.
pub struct Payload<'a> {
    /// The domain's configuration, for `xl`.
    pub config: &'a str,
    /// What dom0's first process must know.
    pub settings: &'a str,
    /// The domain's kernel.
    pub image: &'a [u8],
    /// Where it is to lie in dom0; absolute.
    pub image_path: &'a Path,
    /// And its ramdisk.
    pub ramdisk: Option<&'a [u8]>,
}

/// The archive with this tool as first process and hotplug script, and the boot's own files.
pub fn payload(files: &Payload) -> Result<Vec<u8>> {
    let itself = env::current_exe().map_err(|error| {
        Failure::new(format!(
            "boot: cannot find this program's own file: {error}"
        ))
    })?;
    let program = read(&itself)?;
    let mut writer = Writer::new();
    let members: [(&str, u32, &[u8]); 3] = [
        (INIT_PATH, 0o755, &program),
        (CONFIG_PATH, 0o644, files.config.as_bytes()),
        (SETTINGS_PATH, 0o644, files.settings.as_bytes()),
    ];
    let ramdisk = files.ramdisk.map(|data| (RAMDISK_PATH, 0o644, data));
    for (path, permissions, data) in members.into_iter().chain(ramdisk) {
        writer
            .file(path.trim_start_matches('/'), permissions, data)
            .map_err(full)?;
    }
    let place = files.image_path.to_str().ok_or_else(|| {
        Failure::new(format!(
            "boot: {}: xl takes paths of UTF-8 only",
            files.image_path.display()
        ))
    })?;
    let place = place.trim_start_matches('/');
    if let Some((directory, _)) = place.rsplit_once('/') {
        writer.directory(directory).map_err(full)?;
    }
    writer.file(place, 0o644, files.image).map_err(full)?;
    writer
        .symlink(SCRIPT_PATH.trim_start_matches('/'), INIT_PATH)
        .map_err(full)?;
    Ok(writer.finish())
}

/// What goes into the initramfs, before any of it is read.
struct Plan {
    /// By place: the file, and whether it is a program.
    files: BTreeMap<String, (PathBuf, bool)>,
    /// Lists of kernel modules, by place: their places, in the order in which they must be loaded.
    module_lists: [(&'static str, String); 2],
}

impl Plan {
    fn new(host: &Host, dom0: &Dom0) -> Result<Plan> {
        let itself = env::current_exe().unwrap_or_default();
        let tools: Vec<_> = TOOLS.iter().map(|tool| dom0.tools.join(tool)).collect();
        let mut programs: Vec<&Path> = tools.iter().map(PathBuf::as_path).collect();
        programs.push(&itself);
        let mut files = BTreeMap::new();
        for (place, path) in libraries::needed_by(&host.sysroot, programs)? {
            files.insert(place, (path, true));
        }
        for (name, path) in TOOLS.iter().zip(&tools) {
            let place = format!("{}/{name}", TOOLS_DIRECTORY.trim_start_matches('/'));
            files.insert(place, (path.clone(), true));
        }
        let mut module_list = |modules: &[&str]| -> Result<String> {
            let mut list = String::new();
            for path in modules_in_order(&dom0.modules, modules)? {
                let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
                let name = name.split_once(".ko").map_or(name, |(stem, _)| stem);
                let place = format!("modules/{name}.ko");
                list.push_str(&format!("/{place}\n"));
                files.insert(place, (path, false));
            }
            Ok(list)
        };
        let module_lists = [
            (MODULES_PATH, module_list(&MODULES)?),
            (NETWORK_MODULES_PATH, module_list(&NETWORK_MODULES)?),
        ];
        Ok(Plan {
            files,
            module_lists,
        })
    }

    fn archive(&self) -> Result<Vec<u8>> {
        let mut writer = Writer::new();
        for directory in DIRECTORIES {
            writer.directory(directory).map_err(full)?;
        }
        writer.symlink("var/run", "/run").map_err(full)?;
        writer.file("etc/xen/xl.conf", 0o644, b"").map_err(full)?;
        for (place, list) in &self.module_lists {
            writer
                .file(place.trim_start_matches('/'), 0o644, list.as_bytes())
                .map_err(full)?;
        }
        for (place, (path, is_program)) in &self.files {
            let bytes = read(path)?;
            // Modules may be packed, and nothing in dom0 unpacks them.
            let bytes = unpack(&bytes).map_err(|error| Failure::io(path, "unpack", error))?;
            if let Some((directory, _)) = place.rsplit_once('/') {
                writer.directory(directory).map_err(full)?;
            }
            let permissions = if *is_program { 0o755 } else { 0o644 };
            writer.file(place, permissions, &bytes).map_err(full)?;
        }
        Ok(writer.finish())
    }
}

/// The files of `modules` and what they depend on, each behind its dependencies.
///
/// `modules.dep` has a line `FILE: DEPENDENCY...` for each module, with all dependencies, the deepest last.
/// A module that is not there is built into the kernel.
fn modules_in_order(directory: &Path, modules: &[&str]) -> Result<Vec<PathBuf>> {
    let list = directory.join("modules.dep");
    let text = fs::read_to_string(&list).map_err(|error| Failure::io(&list, "read", error))?;
    let mut ordered = Vec::new();
    for &module in modules {
        let line = text.lines().filter_map(|line| line.split_once(':'));
        let found = line
            .filter(|(file, _)| module_name(file) == module)
            .map(|(file, needs)| (file, needs.split_whitespace().rev()))
            .next();
        if let Some((file, needs)) = found {
            for file in needs.chain([file]) {
                let path = directory.join(file);
                if !ordered.contains(&path) {
                    ordered.push(path);
                }
            }
        }
    }
    Ok(ordered)
}

/// `xen-evtchn` of `kernel/drivers/xen/xen-evtchn.ko.xz`, whichever of `-` and `_` it is written with.
fn module_name(file: &str) -> String {
    let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
    name.split_once(".ko")
        .map_or(name, |(stem, _)| stem)
        .replace('_', "-")
}

/// A digest of what a cached file is made from.
struct Sources(DefaultHasher);

impl Sources {
    fn new<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        for path in files {
            let path = path.as_ref();
            let metadata = fs::metadata(path).map_err(|error| Failure::io(path, "read", error))?;
            (
                path,
                metadata.len(),
                metadata.mtime(),
                metadata.mtime_nsec(),
            )
                .hash(&mut hasher);
        }
        Ok(Sources(hasher))
    }

    fn add<T: Hash>(&mut self, values: impl IntoIterator<Item = T>) {
        for value in values {
            value.hash(&mut self.0);
        }
    }
}

/// The directory with prepared files.
struct Cache {
    directory: PathBuf,
}

impl Cache {
    fn open() -> Result<Cache> {
        let set = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let base = set("XDG_CACHE_HOME")
            .or_else(|| Some(set("HOME")?.join(".cache")))
            .ok_or_else(|| {
                Failure::new(
                    "boot: no place for prepared files: neither XDG_CACHE_HOME nor HOME is set",
                )
            })?;
        let directory = base.join("starling");
        fs::create_dir_all(&directory)
            .map_err(|error| Failure::io(&directory, "create this directory", error))?;
        Ok(Cache { directory })
    }

    /// The file `name` for `sources`, made if it is not there yet.
    fn file(
        &self,
        name: &str,
        sources: &Sources,
        make: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<PathBuf> {
        let path = self
            .directory
            .join(format!("{name}-{:016x}", sources.0.finish()));
        if path.is_file() {
            return Ok(path);
        }
        eprintln!("starling: preparing {}", path.display());
        let bytes = make()?;
        let temporary = path.with_extension(format!("{}.part", std::process::id()));
        fs::write(&temporary, bytes)
            .and_then(|()| fs::rename(&temporary, &path))
            .map_err(|error| {
                // Best effort: the failure to be told is the first one.
                let _ = fs::remove_file(&temporary);
                Failure::io(&path, "write", error)
            })?;
        Ok(path)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Failure::io(path, "read", error))
}

fn full(error: CpioError) -> Failure {
    Failure::new(format!("boot: dom0's initramfs: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_behind_what_they_need() {
        let directory =
            env::temp_dir().join(format!("starling-modules-dep-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(
            directory.join("modules.dep"),
            "k/x/xen-gntdev.ko.xz: k/x/b.ko k/x/xen_privcmd.ko\nk/x/b.ko: k/x/xen_privcmd.ko\n\
             k/x/xen_privcmd.ko:\nk/other.ko: k/x/b.ko\n",
        )
        .unwrap();
        let files = modules_in_order(&directory, &MODULES).unwrap();
        let names: Vec<_> = files
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["xen_privcmd.ko", "b.ko", "xen-gntdev.ko.xz"]);
        assert!(modules_in_order(Path::new("/nowhere"), &MODULES).is_err());
    }

    #[test]
    fn a_cached_file_is_made_once_for_its_sources() {
        let directory = env::temp_dir().join(format!("starling-cache-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let cache = Cache {
            directory: directory.clone(),
        };
        let source = directory.join("source");
        fs::write(&source, "1").unwrap();
        let sources = Sources::new([&source]).unwrap();
        let first = cache.file("x", &sources, || Ok(b"made".to_vec())).unwrap();
        assert_eq!(fs::read(&first).unwrap(), b"made");
        let again = cache.file("x", &sources, || panic!("made twice")).unwrap();
        assert_eq!(again, first);
        fs::write(&source, "12").unwrap();
        let changed = Sources::new([&source]).unwrap();
        let other = cache.file("x", &changed, || Ok(b"new".to_vec())).unwrap();
        assert_ne!(other, first);
        let failed = cache.file("y", &changed, || Err(Failure::new("no")));
        assert!(failed.is_err());
    }
}
